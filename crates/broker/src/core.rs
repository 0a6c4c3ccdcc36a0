//! What every connection shares, and the one way a message takes.
//!
//! A publisher's own task walks a batch through [`Core::accept`] and [`Core::deliver`]:
//!
//! 1. inside the ingress lock: the ledger numbers the batch, retained messages are applied, the bus gets it.
//!    So the order of ids, of the retained table and of the bus is one order;
//! 2. outside of it: straight into the inboxes of the subscribers.
//!
//! A subscription is made inside the same lock. It sees every message with an id from its `since` on, and the
//! retained messages it is sent are exactly those before.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use model::{Message, Publisher, TopicFilter};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, watch};

use crate::access::{Access, Granted};
use crate::arrivals::Arrivals;
use crate::bus::Bus;
use crate::connected::Connected;
use crate::denials::Denials;
use crate::guard::{Guarding, Held, NotPublished};
use crate::guesses::Guesses;
use crate::ledger::{BoxFuture, Draft, Ledger, LedgerError};
use crate::limits::Limits;
use crate::lobby::Lobby;
use crate::retained::Retained;
use crate::session::{Accounts, Put, Session};
use crate::subscription::{Subscription, Subscriptions, Targets};
use crate::sys::is_sys;
use crate::tally::{Tally, add};
use crate::telling::cut;
use crate::tls::Tls;
use crate::watch::{Action, GateEvent, TOLD_TOPIC_BYTES_MAX, Watch};

/// What every connection shares.
pub(crate) struct Core {
    pub(crate) limits: Limits,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) access: Arc<dyn Access>,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) sessions: Mutex<HashMap<Arc<str>, Arc<Session>>>,
    pub(crate) accounts: Accounts,
    next_session: AtomicU64,
    pub(crate) connected: Arc<Connected>,
    pub(crate) sockets: AtomicUsize,
    pub(crate) retained: RwLock<Retained>,
    /// The present `$SYS` messages. They are made anew with each start and not journalled.
    pub(crate) sys: RwLock<Retained>,
    ingress: Mutex<Ingress>,
    /// First ids of the batches that are numbered and perhaps not yet in every inbox.
    delivering: Mutex<Vec<u64>>,
    pub(crate) bus: Arc<Bus>,
    pub(crate) denials: Denials,
    pub(crate) guesses: Guesses,
    pub(crate) lobby: Lobby,
    pub(crate) arrivals: Arrivals,
    pub(crate) guard: Guarding,
    /// Held from a look of the guard until the message is in the inboxes, so that what it sees is in the order
    /// it arrives in. Taken before the ingress, and only for watched topics.
    pub(crate) guarding: Mutex<()>,
    /// What TLS handshakes show from now on.
    pub(crate) tls: RwLock<Option<Tls>>,
    /// Woken by the ledger for Hearth's own messages.
    pub(crate) own_wake: Arc<Notify>,
    pub(crate) durable: watch::Sender<u64>,
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) journal_failing: Mutex<Option<String>>,
}

/// What the ingress lock protects beside the order itself.
#[derive(Debug)]
struct Ingress {
    last_id: u64,
}

/// A batch between its numbering and the last inbox; cursors stay below it until it is dropped, and the bus is
/// woken then, unless that is left to a subscriber.
pub(crate) struct Delivering<'a> {
    core: &'a Core,
    first_id: u64,
    wakes_bus: bool,
}

impl Delivering<'_> {
    /// Ends the delivery and leaves the waking of the bus to the connection of a subscriber that was woken for it,
    /// which writes first: waking a thread costs more than that takes.
    pub(crate) fn end_before_bus(mut self) {
        self.wakes_bus = false;
    }
}

impl Drop for Delivering<'_> {
    fn drop(&mut self) {
        let mut open = self.core.delivering.lock();
        if let Some(at) = open.iter().position(|id| *id == self.first_id) {
            open.swap_remove(at);
        }
        drop(open);
        if self.wakes_bus {
            self.core.bus.wake();
        }
    }
}

impl Core {
    pub(crate) fn new(
        limits: Limits,
        ledger: Arc<dyn Ledger>,
        access: Arc<dyn Access>,
        watch: Arc<dyn Watch>,
        bus: Arc<Bus>,
        tally: Arc<Tally>,
    ) -> Self {
        let last_id = ledger.durable();
        Self {
            guesses: Guesses::new(limits.failed_logins_max),
            lobby: Lobby::default(),
            arrivals: Arrivals::default(),
            guard: Guarding::new(),
            guarding: Mutex::new(()),
            tls: RwLock::new(None),
            limits,
            access,
            watch,
            tally,
            subscriptions: Subscriptions::default(),
            sessions: Mutex::default(),
            accounts: Accounts::default(),
            next_session: AtomicU64::new(1),
            connected: Arc::default(),
            sockets: AtomicUsize::new(0),
            retained: RwLock::default(),
            sys: RwLock::default(),
            ingress: Mutex::new(Ingress { last_id }),
            delivering: Mutex::default(),
            bus,
            denials: Denials::default(),
            own_wake: Arc::new(Notify::new()),
            durable: watch::Sender::new(last_id),
            stopping: watch::Sender::new(false),
            journal_failing: Mutex::new(None),
            ledger,
        }
    }

    pub(crate) fn next_session(&self) -> u64 {
        self.next_session.fetch_add(1, Ordering::Relaxed)
    }

    /// Numbers a batch, applies its retained messages and puts it on the bus: one order for all three.
    /// What the journal has no room for is counted, and missing at the end of `out`. `None` when nothing was
    /// accepted.
    pub(crate) fn accept(
        &self,
        drafts: &mut Vec<Draft>,
        out: &mut Vec<Arc<Message>>,
        waiter: Option<&Arc<Notify>>,
    ) -> Option<Delivering<'_>> {
        let mut ingress = self.ingress.lock();
        self.ledger.append(drafts, out, waiter);
        add(&self.tally.journal_refused, drafts.len() as u64);
        drafts.clear();
        let (first_id, last_id) = (out.first()?.id, out.last()?.id);
        ingress.last_id = last_id;
        self.delivering.lock().push(first_id);
        let delivering = Delivering { core: self, first_id, wakes_bus: true };
        let mut full = None;
        if out.iter().any(|message| message.retain) {
            let mut retained = self.retained.write();
            for message in out.iter().filter(|message| message.retain) {
                if let Err(why) = retained.apply(message, &self.limits) {
                    full = Some((why, message.clone()));
                    add(&self.tally.retained_refused, 1);
                }
            }
        }
        self.bus.push(out);
        drop(ingress);
        if let Some((why, message)) = full {
            self.tell_retained_full(&message.publisher, &message.topic, why);
        }
        Some(delivering)
    }

    /// Puts a run of messages of one topic into its subscribers' inboxes. Sessions above their pause mark are
    /// added to `congested`. Returns whether a connection was woken that will wake the bus.
    pub(crate) fn deliver(
        &self,
        run: &[Arc<Message>],
        targets: &Targets,
        congested: &mut Vec<Arc<Session>>,
    ) -> bool {
        let mut awake = false;
        for target in &targets.own {
            let put = target.session.put(run, targets.guarded, target, &self.limits, &self.tally);
            awake |= put.awake;
            self.after_put(put, &target.session, congested);
        }
        for sharing in &targets.shared {
            self.share_out(run, targets.guarded, sharing, congested);
        }
        awake
    }

    /// What follows from putting messages into an inbox.
    #[inline]
    pub(crate) fn after_put(&self, put: Put, session: &Arc<Session>, congested: &mut Vec<Arc<Session>>) {
        if put.pressure && !congested.iter().any(|known| Arc::ptr_eq(known, session)) {
            congested.push(session.clone());
        }
        if put.dropped > 0 {
            self.tell_dropped(session, put.dropped);
        }
    }

    /// Publishes messages of Hearth itself, and wills: no publisher's task that could pause is behind them.
    pub(crate) fn publish(&self, mut drafts: Vec<Draft>) -> Vec<Arc<Message>> {
        if !drafts.iter().any(|draft| self.guarded(&draft.topic)) {
            return self.publish_all(drafts);
        }
        let _turn = self.guarding.lock();
        drafts.retain_mut(|draft| self.hold(draft, None).is_none());
        self.publish_all(drafts)
    }

    /// The same for one message, and why not.
    pub(crate) fn publish_one(&self, mut draft: Draft) -> Result<Arc<Message>, NotPublished> {
        let _turn = self.guarded(&draft.topic).then(|| self.guarding.lock());
        if let Some(held) = self.hold(&mut draft, None) {
            return Err(NotPublished::Held(held));
        }
        self.publish_all(vec![draft]).pop().ok_or(NotPublished::NoRoom)
    }

    fn publish_all(&self, mut drafts: Vec<Draft>) -> Vec<Arc<Message>> {
        let mut messages = Vec::with_capacity(drafts.len());
        let Some(delivering) = self.accept(&mut drafts, &mut messages, Some(&self.own_wake)) else {
            return messages;
        };
        let mut congested = Vec::new();
        for run in messages.chunk_by(|a, b| Arc::ptr_eq(&a.topic, &b.topic) && a.publisher == b.publisher) {
            let Some(first) = run.first() else { continue };
            let targets = self.targets(&first.topic, Some(&first.publisher));
            self.deliver(run, &targets, &mut congested);
        }
        drop(delivering);
        messages
    }

    /// Publishes the will of a session whose connection is gone, unless its credential may not do so any more: what
    /// was allowed at the login may have been taken since.
    pub(crate) fn publish_will(&self, session: &Session, will: Draft) {
        if self.may_publish(session, &will.topic) {
            self.publish(vec![will]);
        } else {
            self.deny(session, &will.topic, Action::Publish);
        }
    }

    /// Whether messages to this topic are looked at by the guard.
    #[inline]
    pub(crate) fn guarded(&self, topic: &str) -> bool {
        self.guard.get().is_some_and(|guard| guard.watches(topic))
    }

    /// Lets the guard look at a message; called with `guarding` held, if its topic is watched. What it lets through
    /// is not retained. What it holds back is counted and told; `session`: whose it is, if it is a client's.
    pub(crate) fn hold(&self, draft: &mut Draft, session: Option<&Session>) -> Option<Held> {
        let guard = self.guard.get().filter(|guard| guard.watches(&draft.topic))?;
        let Some(held) = guard.consider(draft) else {
            // An empty one takes away what is retained.
            draft.retain &= draft.payload.is_empty();
            return None;
        };
        let peer = session.and_then(|session| {
            add(&session.denied, 1);
            session.lock().link.as_ref().map(|link| link.peer)
        });
        add(&self.tally.held, 1);
        let Publisher { client_id, user } = &*draft.publisher;
        let event = || GateEvent::Held {
            client_id: client_id.clone(),
            user: user.clone(),
            peer,
            topic: cut(&draft.topic, TOLD_TOPIC_BYTES_MAX),
            why: held.why.clone(),
            count: 1,
            more: 0,
            ago_ms: 0,
        };
        if let Some(event) = self.denials.held(client_id, &draft.topic, Instant::now(), event) {
            self.watch.seen(event);
        }
        Some(held)
    }

    /// Who gets a message of this topic now.
    pub(crate) fn targets(&self, topic: &str, publisher: Option<&Publisher>) -> Targets {
        // A part of Hearth has no session, so its name must not meet that of a client.
        let client_id = publisher.filter(|p| p.user != Publisher::HUB).map(|p| p.client_id.as_str());
        let guarded = self.guarded(topic);
        self.subscriptions.targets(topic, client_id, guarded, |session| {
            self.deny(session, topic, Action::Receive);
        })
    }

    /// Every message up to this id is in the inboxes it belongs in, and durable.
    pub(crate) fn settled(&self) -> u64 {
        let ingress = self.ingress.lock();
        let delivered = match self.delivering.lock().iter().min() {
            Some(first) => first.saturating_sub(1),
            None => ingress.last_id,
        };
        delivered.min(self.ledger.durable())
    }

    /// Batches that are not yet in every inbox.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn delivering_len(&self) -> usize {
        self.delivering.lock().len()
    }

    /// Highest id given so far.
    pub(crate) fn last_id(&self) -> u64 {
        self.ingress.lock().last_id
    }

    /// Enters a subscription. `build` makes it from the first id it sees; the retained messages it is sent are
    /// those before.
    pub(crate) fn subscribe(
        &self,
        session: &Arc<Session>,
        build: impl FnOnce(u64) -> Subscription,
    ) -> Arc<Subscription> {
        let ingress = self.ingress.lock();
        let subscription = Arc::new(build(ingress.last_id + 1));
        self.subscriptions.insert(session, subscription.clone());
        subscription
    }

    pub(crate) fn restore_retained(&self, messages: Vec<Arc<Message>>) {
        let mut retained = self.retained.write();
        for message in messages {
            if retained.apply(&message, &self.limits).is_err() {
                add(&self.tally.retained_refused, 1);
            }
        }
    }

    pub(crate) fn retained(&self, filter: &TopicFilter, limit: usize) -> Vec<Arc<Message>> {
        self.retained.read().matching(filter).take(limit).cloned().collect()
    }

    pub(crate) fn retained_count(&self) -> usize {
        self.retained.read().len()
    }

    /// Ends a session for good: subscriptions, queue and stored rows go. A waiting will is returned.
    pub(crate) fn end_session(&self, session: &Arc<Session>) -> Option<Draft> {
        {
            let mut sessions = self.sessions.lock();
            if sessions.get(&session.client_id).is_some_and(|present| Arc::ptr_eq(present, session)) {
                sessions.remove(&session.client_id);
            }
        }
        let mut state = session.lock();
        state.ended = true;
        let subscriptions = std::mem::take(&mut state.subscriptions);
        let orphans = state.outbox.orphans();
        let outbox = std::mem::take(&mut state.outbox);
        state.inbound.clear();
        let will = state.will.take();
        let stored = state.persistent();
        // Called while the session is locked, so that no save of the same session can overtake it.
        let deletion = stored.then(|| self.ledger.delete_session(&session.client_id));
        drop(state);
        if let Some(deletion) = deletion {
            not_waited_for(deletion, "an ended MQTT session could not be deleted");
        }
        for subscription in subscriptions.values() {
            self.subscriptions.remove(session, subscription);
        }
        drop(outbox);
        self.hand_on(orphans);
        session.release_publishers();
        will.map(|will| will.draft)
    }

    /// Gives a user's sessions new permissions; what waits and may not be read any more is dropped.
    pub(crate) fn permissions_changed(&self, granted: &Granted) {
        let effective = granted.effective();
        let sessions: Vec<Arc<Session>> = self.sessions.lock().values().cloned().collect();
        for session in sessions {
            let mut state = session.lock();
            if state.user == granted.user {
                let permissions = Arc::new(effective.for_client(&granted.user, &session.client_id));
                let dropped = state.outbox.retain_readable(|topic| permissions.may_read(topic));
                state.permissions = Some(permissions);
                state.learning = granted.learning;
                state.learned.clear();
                add(&self.tally.denied, dropped as u64);
                drop(state);
                self.learn_known(&session);
            }
        }
        self.subscriptions.changed();
    }

    /// Whether a client may publish to a topic. Asked once per connection and topic, and again after a change, not
    /// once per message.
    pub(crate) fn may_publish(&self, session: &Session, topic: &str) -> bool {
        let state = session.lock();
        let allowed = !is_sys(topic)
            && state.permissions.as_ref().is_some_and(|permissions| permissions.may_write(topic));
        let learning = state.learning;
        drop(state);
        if allowed && learning {
            self.learned(session, topic, Action::Publish);
        }
        allowed
    }

    /// Tells what a learning client does, when it is the first time.
    pub(crate) fn learned(&self, session: &Session, topic: &str, action: Action) {
        let mut state = session.lock();
        if !state.learning || !state.learned.is_new(topic, action) {
            return;
        }
        let user = state.user.to_string();
        drop(state);
        let client_id = session.client_id.to_string();
        self.watch.seen(GateEvent::Learned { client_id, user, action, topic: topic.to_owned() });
    }

    /// Tells what a learning client does without doing it again: its will, and the subscriptions it has.
    pub(crate) fn learn_known(&self, session: &Session) {
        let state = session.lock();
        if !state.learning {
            return;
        }
        let will = state.link.as_ref().and_then(|link| Some(link.will.as_ref()?.topic.clone()));
        let filters: Vec<TopicFilter> =
            state.subscriptions.values().map(|subscription| subscription.filter.clone()).collect();
        drop(state);
        if let Some(topic) = will {
            self.learned(session, &topic, Action::Publish);
        }
        for filter in filters {
            self.learned(session, filter.as_str(), Action::Subscribe);
        }
    }

    /// Whether a message of this publisher would be retained. When not, that is counted and told.
    pub(crate) fn retains(&self, publisher: &Publisher, topic: &str, bytes: usize) -> bool {
        let room = self.retained.read().room(topic, bytes, &publisher.user, &self.limits);
        let Err(why) = room else { return true };
        add(&self.tally.retained_refused, 1);
        self.tell_retained_full(publisher, topic, why);
        false
    }

    /// Subscriptions of a session as they are stored, for the restart.
    pub(crate) fn enter_restored(
        &self,
        session: &Arc<Session>,
        subscriptions: &BTreeMap<String, Arc<Subscription>>,
    ) {
        for subscription in subscriptions.values() {
            self.subscriptions.insert(session, subscription.clone());
        }
    }
}

/// Logs the error of a write nobody waits for. Without a runtime, at the very end of the process, the future is
/// dropped, which is harmless: the ledger has queued the row.
pub(crate) fn not_waited_for(write: BoxFuture<'static, Result<(), LedgerError>>, failed: &'static str) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        if let Err(why) = write.await {
            tracing::warn!(%why, "{failed}");
        }
    });
}
