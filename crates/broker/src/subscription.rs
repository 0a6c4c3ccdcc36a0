//! Subscriptions, and who a topic goes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{FilterIndex, QoS, TopicFilter};
use parking_lot::RwLock;

use crate::ledger::StoredSubscription;
use crate::session::Session;

/// One subscription of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) filter: TopicFilter,
    /// Group of a shared subscription. None is made yet; the place for it is here.
    pub(crate) group: Option<Arc<str>>,
    pub(crate) qos: QoS,
    pub(crate) no_local: bool,
    pub(crate) retain_as_published: bool,
    pub(crate) retain_handling: u8,
    pub(crate) identifier: Option<u32>,
    /// It sees journal ids from this one on.
    pub(crate) since: u64,
}

impl Subscription {
    pub(crate) fn stored(&self) -> StoredSubscription {
        StoredSubscription {
            filter: match &self.group {
                Some(group) => format!("$share/{group}/{}", self.filter),
                None => self.filter.as_str().to_owned(),
            },
            qos: self.qos,
            no_local: self.no_local,
            retain_as_published: self.retain_as_published,
            retain_handling: self.retain_handling,
            identifier: self.identifier,
            since: self.since,
        }
    }

    /// `None` when the stored filter is not a valid one.
    pub(crate) fn restored(stored: &StoredSubscription) -> Option<Self> {
        let (group, filter) = TopicFilter::parse_shared(&stored.filter).ok()?;
        Some(Self {
            filter,
            group,
            qos: stored.qos,
            no_local: stored.no_local,
            retain_as_published: stored.retain_as_published,
            retain_handling: stored.retain_handling,
            identifier: stored.identifier,
            since: stored.since,
        })
    }
}

/// A subscription in the index.
#[derive(Debug)]
struct Entry {
    session: Arc<Session>,
    subscription: Arc<Subscription>,
}

/// One session a topic goes to, its overlapping subscriptions merged: it gets one copy, with the highest QoS
/// and all subscription identifiers (MQTT 5, section 3.3.4).
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) session: Arc<Session>,
    pub(crate) qos: QoS,
    pub(crate) retain_as_published: bool,
    pub(crate) identifiers: Option<Arc<[u32]>>,
    pub(crate) since: u64,
}

/// Everyone a topic goes to.
pub(crate) type Targets = Arc<[Target]>;

/// The subscriptions of all sessions.
///
/// Publishers keep what they found for a topic and look again only when `generation` has moved, so the lock
/// is taken once per topic and change, not once per message.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    index: RwLock<FilterIndex<Entry>>,
    generation: AtomicU64,
}

impl Subscriptions {
    /// Moves with every change of a subscription or a permission.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Makes every publisher look again.
    pub(crate) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Adds a subscription, in the place of the session's older one with the same filter and group.
    pub(crate) fn insert(&self, session: &Arc<Session>, subscription: Arc<Subscription>) {
        let filter = subscription.filter.clone();
        let mut index = self.index.write();
        index.remove(&filter, |entry| {
            Arc::ptr_eq(&entry.session, session) && entry.subscription.group == subscription.group
        });
        index.insert(&filter, Entry { session: session.clone(), subscription });
        self.changed();
    }

    /// How many there are.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn len(&self) -> usize {
        self.index.read().len()
    }

    /// Takes a subscription out.
    pub(crate) fn remove(&self, session: &Arc<Session>, subscription: &Subscription) {
        self.index.write().remove(&subscription.filter, |entry| {
            Arc::ptr_eq(&entry.session, session) && entry.subscription.group == subscription.group
        });
        self.changed();
    }

    /// Who gets a message of this topic. `publisher` is left out where its subscription says no-local, and
    /// so is everyone who may not read the topic; those are handed to `denied`.
    pub(crate) fn targets(
        &self,
        topic: &str,
        publisher: Option<&str>,
        mut denied: impl FnMut(&Arc<Session>),
    ) -> Targets {
        let mut found: Vec<(&Arc<Session>, &Subscription)> = Vec::new();
        let index = self.index.read();
        index.for_each_match(topic, |entry| {
            if !(entry.subscription.no_local && publisher == Some(&*entry.session.client_id)) {
                found.push((&entry.session, &entry.subscription));
            }
        });
        found.sort_by_key(|(session, _)| session.number);
        let mut targets: Vec<Target> = Vec::with_capacity(found.len());
        for same in found.chunk_by(|(a, _), (b, _)| a.number == b.number) {
            let Some((session, first)) = same.first() else { continue };
            if !session.may_read(topic) {
                denied(session);
                continue;
            }
            let identifiers: Vec<u32> = same.iter().filter_map(|(_, sub)| sub.identifier).collect();
            targets.push(Target {
                session: (*session).clone(),
                qos: same.iter().map(|(_, sub)| sub.qos).max().unwrap_or(first.qos),
                retain_as_published: same.iter().any(|(_, sub)| sub.retain_as_published),
                identifiers: (!identifiers.is_empty()).then(|| identifiers.into()),
                since: same.iter().map(|(_, sub)| sub.since).min().unwrap_or(first.since),
            });
        }
        targets.into()
    }
}
