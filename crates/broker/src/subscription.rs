//! Subscriptions, and who a topic goes to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use model::filter_index::LEVEL_BYTES;
use model::{FilterIndex, QoS, TopicFilter};
use parking_lot::{Mutex, RwLock};

use crate::ledger::StoredSubscription;
use crate::session::{Account, Held, Session};
use crate::share::{Share, Sharing};

/// What a subscription takes beside its filter.
const SUBSCRIPTION_BYTES: usize = 512;
/// How often a filter's text is kept: as it came, taken apart, and in the index.
const COPIES: usize = 3;
/// Groups remembered above which those that have no member any more are looked for.
const SHARES_SWEPT: usize = 64;

/// What a subscription counts for in the limits: the memory it takes at most.
pub(crate) fn held_bytes(filter: &str) -> usize {
    let levels = filter.split('/').count();
    SUBSCRIPTION_BYTES + COPIES * filter.len() + levels * LEVEL_BYTES
}

/// One subscription of a session.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) filter: TopicFilter,
    /// The group of a shared subscription.
    pub(crate) share: Option<Arc<Share>>,
    pub(crate) qos: QoS,
    pub(crate) no_local: bool,
    pub(crate) retain_as_published: bool,
    pub(crate) retain_handling: u8,
    pub(crate) identifier: Option<u32>,
    /// It sees journal ids from this one on.
    pub(crate) since: u64,
    /// Its memory, as it is counted.
    pub(crate) _held: Held,
}

impl Subscription {
    /// As it is kept, with room for so many debts of its group.
    pub(crate) fn stored(&self, room: usize) -> StoredSubscription {
        StoredSubscription {
            filter: match &self.share {
                Some(share) => format!("$share/{}/{}", share.group, self.filter),
                None => self.filter.as_str().to_owned(),
            },
            qos: self.qos,
            no_local: self.no_local,
            retain_as_published: self.retain_as_published,
            retain_handling: self.retain_handling,
            identifier: self.identifier,
            since: self.since,
            owed: self.share.as_ref().map(|share| share.kept(room)),
        }
    }

    /// `None` when the stored filter is not a valid one.
    pub(crate) fn restored(
        stored: &StoredSubscription,
        all: &Subscriptions,
        account: &Account,
    ) -> Option<Self> {
        let (group, filter) = TopicFilter::parse_shared(&stored.filter).ok()?;
        let share = group.map(|group| all.share(group, &filter, stored.since));
        if let (Some(share), Some(owed)) = (&share, &stored.owed) {
            share.found(owed);
        }
        Some(Self {
            filter,
            share,
            qos: stored.qos,
            no_local: stored.no_local,
            retain_as_published: stored.retain_as_published,
            retain_handling: stored.retain_handling,
            identifier: stored.identifier,
            since: stored.since,
            _held: account.hold_anyhow(held_bytes(&stored.filter)),
        })
    }

    /// Whether it is of this group, or of none like this one.
    fn is_like(&self, other: &Subscription) -> bool {
        match (&self.share, &other.share) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (None, None) => true,
            _ => false,
        }
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
pub(crate) type Targets = Arc<Found>;

/// What [`Targets`] shares.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Each of them gets every message.
    pub(crate) own: Vec<Target>,
    /// Of each of these groups one member gets it.
    pub(crate) shared: Vec<Sharing>,
    /// The guard looks at its messages.
    pub(crate) guarded: bool,
}

impl Found {
    /// Memory this takes.
    pub(crate) fn bytes(&self) -> usize {
        let members = self.shared.iter().flat_map(|sharing| &sharing.members);
        let identifiers = |target: &Target| target.identifiers.as_ref().map_or(0, |all| size_of_val(&**all));
        let targets = self.own.iter().chain(members);
        targets.map(|target| size_of::<Target>() + identifiers(target)).sum::<usize>()
            + self.shared.len() * size_of::<Sharing>()
    }
}

/// Groups by their name and filter. Those whose last member went stay until they are looked for.
#[derive(Debug, Default)]
struct Shares {
    all: HashMap<(Arc<str>, TopicFilter), Weak<Share>>,
    /// At this many they are.
    sweep_at: usize,
}

impl Shares {
    fn sweep(&mut self) {
        self.all.retain(|_, share| share.strong_count() > 0);
        self.sweep_at = SHARES_SWEPT.max(2 * self.all.len());
    }
}

/// The subscriptions of all sessions.
///
/// Publishers keep what they found for a topic and look again only when `generation` has moved, so the lock
/// is taken once per topic and change, not once per message.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    index: RwLock<FilterIndex<Entry>>,
    generation: AtomicU64,
    /// The groups that have members, or had some lately.
    shares: Mutex<Shares>,
    shared: AtomicUsize,
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
        let shared = usize::from(subscription.share.is_some());
        let mut index = self.index.write();
        let replaced = index.remove(&filter, |entry| {
            Arc::ptr_eq(&entry.session, session) && entry.subscription.is_like(&subscription)
        });
        index.insert(&filter, Entry { session: session.clone(), subscription });
        self.shared.fetch_add(shared, Ordering::Relaxed);
        self.shared.fetch_sub(shared * replaced, Ordering::Relaxed);
        self.changed();
    }

    /// How many there are.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn len(&self) -> usize {
        self.index.read().len()
    }

    /// Takes a subscription out.
    pub(crate) fn remove(&self, session: &Arc<Session>, subscription: &Subscription) {
        let removed = self.index.write().remove(&subscription.filter, |entry| {
            Arc::ptr_eq(&entry.session, session) && entry.subscription.is_like(subscription)
        });
        if subscription.share.is_some() {
            self.shared.fetch_sub(removed, Ordering::Relaxed);
        }
        self.changed();
    }

    /// The group on this filter; one that has no member yet is made, and sees journal ids from `since` on.
    pub(crate) fn share(&self, group: Arc<str>, filter: &TopicFilter, since: u64) -> Arc<Share> {
        let mut shares = self.shares.lock();
        if shares.all.len() >= shares.sweep_at {
            shares.sweep();
        }
        let place = shares.all.entry((group.clone(), filter.clone())).or_default();
        place.upgrade().unwrap_or_else(|| {
            let share = Arc::new(Share::new(group, since));
            *place = Arc::downgrade(&share);
            share
        })
    }

    /// The groups that have members. Those that have none any more are forgotten.
    pub(crate) fn shares(&self) -> Vec<Arc<Share>> {
        let mut shares = self.shares.lock();
        shares.sweep();
        shares.all.values().filter_map(Weak::upgrade).collect()
    }

    /// How many subscriptions there are, and how many of them are shared ones.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.index.read().len(), self.shared.load(Ordering::Relaxed))
    }

    /// Who gets a message of this topic. `publisher` is left out where its subscription says no-local, and
    /// so is everyone who may not read the topic; those are handed to `denied`. `guarded`: the guard looks at them.
    pub(crate) fn targets(
        &self,
        topic: &str,
        publisher: Option<&str>,
        guarded: bool,
        denied: impl FnMut(&Arc<Session>),
    ) -> Targets {
        Arc::new(Found { guarded, ..self.targets_at(u64::MAX, topic, publisher, denied) })
    }

    /// The sessions that would get a message of this topic, and may read it; and whether they asked for exactly this one.
    /// Members of groups are left out: which of them gets it is not known before.
    pub(crate) fn hearers(&self, topic: &str) -> Vec<(Arc<Session>, bool)> {
        let mut found: Vec<(Arc<Session>, bool)> = Vec::new();
        self.index.read().for_each_match(topic, |Entry { session, subscription }| {
            if subscription.share.is_none() && session.may_read(topic) {
                found.push((session.clone(), subscription.filter.as_str() == topic));
            }
        });
        found
    }

    /// The same for the message with journal id `at`, which may be older than some subscription: that one has no
    /// say then. Groups have books of what they owe, so all their members count.
    pub(crate) fn targets_at(
        &self,
        at: u64,
        topic: &str,
        publisher: Option<&str>,
        mut denied: impl FnMut(&Arc<Session>),
    ) -> Found {
        let mut found: Vec<(&Arc<Session>, &Subscription)> = Vec::new();
        let mut shared: Vec<Sharing> = Vec::new();
        let mut places: HashMap<usize, usize> = HashMap::new();
        let index = self.index.read();
        index.for_each_match(topic, |Entry { session, subscription }| {
            if let Some(share) = &subscription.share {
                if session.may_read(topic) {
                    add_member(&mut shared, &mut places, share, session, subscription);
                } else {
                    denied(session);
                }
            } else if subscription.since <= at
                && !(subscription.no_local && publisher == Some(&*session.client_id))
            {
                found.push((session, subscription));
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
        Found { own: targets, shared, guarded: false }
    }
}

/// `places` says where the groups are in `shared`, by their addresses.
fn add_member(
    shared: &mut Vec<Sharing>,
    places: &mut HashMap<usize, usize>,
    share: &Arc<Share>,
    session: &Arc<Session>,
    subscription: &Subscription,
) {
    let member = Target {
        session: session.clone(),
        qos: subscription.qos,
        retain_as_published: subscription.retain_as_published,
        identifiers: subscription.identifier.map(|identifier| [identifier].into()),
        since: subscription.since,
    };
    let place = *places.entry(Arc::as_ptr(share).addr()).or_insert(shared.len());
    match shared.get_mut(place) {
        Some(sharing) => sharing.members.push(member),
        None => shared.push(Sharing { share: share.clone(), members: vec![member] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_without_members_do_not_pile_up() {
        let all = Subscriptions::default();
        let filter = TopicFilter::new("a").unwrap();
        let kept: Vec<_> = (0..100).map(|n| all.share(format!("kept{n}").into(), &filter, 1)).collect();
        for n in 0..10_000 {
            all.share(format!("left{n}").into(), &filter, 1);
        }
        assert!(all.shares.lock().all.len() <= 2 * kept.len());
        assert!(Arc::ptr_eq(&all.share("kept7".into(), &filter, 9), &kept[7]));
        assert_eq!(all.shares().len(), kept.len());
    }
}
