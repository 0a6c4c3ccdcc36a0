//! A client's session: what outlives a connection, and the inbox publishers put messages into.

mod account;
mod cursor;
mod delivery;
mod flights;
mod guarded;
mod learned;
mod outbox;
mod replay;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Duration;

use model::{Message, Permissions, QoS};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::ledger::{Draft, StoredSession};
use crate::limits::Limits;
use crate::packet::{Version, Will};
use crate::share::{Debt, Parcel, Share, kept_room};
use crate::subscription::{Subscription, Target};
use crate::tally::{Tally, add};
use crate::transport::{Peer, Transport};
use crate::watch::{ClientDetail, ClientInfo, WillInfo};

pub(crate) use account::{Account, Accounts, Begun, Full, Held};
pub(crate) use delivery::Delivery;
pub(crate) use flights::Stage;
pub(crate) use guarded::{GUARDED_WAIT, Late};
pub(crate) use learned::Learned;
pub(crate) use outbox::{Outbox, Outgoing, TakeContext, Taken};

/// A client that took less than one part in this many of the pause mark while a publisher waited made no progress.
const PROGRESS_PART: usize = 16;

/// A session, with or without a connection.
#[derive(Debug)]
pub(crate) struct Session {
    /// Unique in this process.
    pub(crate) number: u64,
    pub(crate) client_id: Arc<str>,
    state: Mutex<State>,
    /// Told when the inbox has fallen below half of the pause mark, or the connection ended.
    drained: Notify,
    /// Set when a publisher waited in vain; cleared when the inbox is small again.
    stalled: AtomicBool,
    pub(crate) dropped: AtomicU64,
    /// What it was denied since it connected.
    pub(crate) denied: AtomicU64,
}

/// What a session's lock protects.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) user: Arc<str>,
    /// `None` for a session restored and not yet logged in again: what it subscribed to was allowed then, and
    /// is checked again at login.
    pub(crate) permissions: Option<Arc<Permissions>>,
    /// Its credential learns: the permissions are wide, and what it does is told.
    pub(crate) learning: bool,
    /// What of it was told.
    pub(crate) learned: Learned,
    /// 0: ends with the connection. `u32::MAX`: never.
    pub(crate) expiry_s: u32,
    pub(crate) disconnected_ms: Option<i64>,
    pub(crate) link: Option<Arc<Link>>,
    pub(crate) subscriptions: BTreeMap<String, Arc<Subscription>>,
    pub(crate) outbox: Outbox,
    /// QoS 2 publishes received and not released, by the client's packet id.
    pub(crate) inbound: HashMap<u16, Inbound>,
    /// Every message up to this id is done, as far as the ledger was told.
    pub(crate) cursor: u64,
    /// A will waiting for its delay.
    pub(crate) will: Option<DelayedWill>,
    /// It ends with this connection, although it was kept until now (MQTT 5 DISCONNECT with expiry 0).
    pub(crate) ends_with_connection: bool,
    /// The session was ended: late deliveries are not kept.
    pub(crate) ended: bool,
}

/// A QoS 2 PUBLISH between PUBLISH and PUBCOMP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inbound {
    /// Journal id of the message; `None` for one that was acknowledged and dropped.
    pub(crate) message_id: Option<u64>,
    /// Number of the ledger operation that releases it, once PUBREL came.
    pub(crate) released: Option<u64>,
}

/// A will and when it is published.
#[derive(Debug)]
pub(crate) struct DelayedWill {
    pub(crate) draft: Draft,
    pub(crate) due_ms: i64,
    /// Its memory, as it is counted.
    pub(crate) _held: Option<Held>,
}

/// One connection, as others see it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) peer: SocketAddr,
    pub(crate) transport: Transport,
    pub(crate) version: Version,
    pub(crate) keepalive_s: u16,
    pub(crate) connected_ms: i64,
    /// For people; what is published is with the connection.
    pub(crate) will: Option<Box<WillInfo>>,
    /// Wakes the connection's writing half: messages, durable rows, a kick.
    pub(crate) wake: Arc<Notify>,
    /// The writing half has nothing to do. Woken now it runs for certain, and wakes the bus before it waits again.
    pub(crate) waits: AtomicBool,
    kick: Mutex<Option<Kick>>,
    /// Its credential is no more: nothing is published in its name.
    pub(crate) forfeits_will: AtomicBool,
    /// Publishes were not answered because the journal could not write; the client must come again.
    pub(crate) unanswered: AtomicBool,
    pub(crate) messages_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
}

/// Why the gate ends a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kick {
    /// MQTT 5 reason code of the DISCONNECT.
    pub(crate) reason: u8,
    pub(crate) why: String,
}

impl Link {
    pub(crate) fn new(
        peer: &Peer,
        version: Version,
        keepalive_s: u16,
        connected_ms: i64,
        will: Option<&Will>,
    ) -> Self {
        Self {
            peer: peer.addr,
            transport: peer.transport,
            version,
            keepalive_s,
            connected_ms,
            will: will.map(|will| {
                Box::new(WillInfo {
                    topic: will.topic.clone(),
                    payload: will.payload.clone(),
                    qos: will.qos,
                    retain: will.retain,
                    delay_s: will.delay_s,
                })
            }),
            wake: Arc::new(Notify::new()),
            waits: AtomicBool::new(false),
            kick: Mutex::new(None),
            forfeits_will: AtomicBool::new(false),
            unanswered: AtomicBool::new(false),
            messages_in: AtomicU64::new(0),
            messages_out: AtomicU64::new(0),
        }
    }

    /// Ends the connection; the first reason stays.
    pub(crate) fn kick(&self, reason: u8, why: impl Into<String>) {
        self.kick.lock().get_or_insert_with(|| Kick { reason, why: why.into() });
        self.wake.notify_one();
    }

    pub(crate) fn kicked(&self) -> Option<Kick> {
        self.kick.lock().clone()
    }
}

/// What putting messages into an inbox came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Put {
    /// The inbox is above its pause mark and the client reads: its publishers should wait.
    pub(crate) pressure: bool,
    /// Messages dropped at a limit.
    pub(crate) dropped: u64,
    /// The session had ended: nothing was taken.
    pub(crate) gone: bool,
    /// Its connection was woken from its wait.
    pub(crate) awake: bool,
}

/// How well a session can take messages now, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Readiness {
    /// It is connected and has room.
    Ready,
    /// It is connected, and its publishers would have to pause.
    Busy,
    /// It has no connection and will be back.
    Asleep,
    /// The same, with a full queue.
    AsleepAndFull,
    /// It has ended, or is just ending.
    Gone,
}

impl Session {
    pub(crate) fn new(
        number: u64,
        client_id: Arc<str>,
        user: Arc<str>,
        account: Account,
        expiry_s: u32,
        cursor: u64,
    ) -> Self {
        Self {
            number,
            client_id,
            state: Mutex::new(State {
                user,
                permissions: None,
                learning: false,
                learned: Learned::default(),
                expiry_s,
                disconnected_ms: None,
                link: None,
                subscriptions: BTreeMap::new(),
                outbox: Outbox::new(account),
                inbound: HashMap::new(),
                cursor,
                will: None,
                ends_with_connection: false,
                ended: false,
            }),
            drained: Notify::new(),
            stalled: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            denied: AtomicU64::new(0),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(crate) fn may_read(&self, topic: &str) -> bool {
        let permissions = self.lock().permissions.clone();
        permissions.is_none_or(|permissions| permissions.may_read(topic))
    }

    /// Puts a run of messages into the inbox; `guarded`: the guard looked at them.
    pub(crate) fn put(
        &self,
        run: &[Arc<Message>],
        guarded: bool,
        target: &Target,
        limits: &Limits,
        tally: &Tally,
    ) -> Put {
        self.put_each(run.iter().map(|message| (message, None)), guarded, target, limits, tally)
    }

    /// The same for what came over a shared subscription.
    pub(crate) fn put_parcels(
        &self,
        parcels: &[Parcel],
        guarded: bool,
        target: &Target,
        limits: &Limits,
        tally: &Tally,
    ) -> Put {
        self.put_each(
            parcels.iter().map(|parcel| (&parcel.message, parcel.debt.as_ref())),
            guarded,
            target,
            limits,
            tally,
        )
    }

    #[inline]
    fn put_each<'a>(
        &self,
        run: impl Iterator<Item = (&'a Arc<Message>, Option<&'a Arc<Debt>>)>,
        guarded: bool,
        target: &Target,
        limits: &Limits,
        tally: &Tally,
    ) -> Put {
        let mut state = self.lock();
        if state.ended {
            return Put { gone: true, ..Put::default() };
        }
        let was_idle = state.outbox.is_idle();
        let before = state.outbox.drops();
        let connected = state.link.is_some();
        let persistent = state.persistent();
        for (message, debt) in run.filter(|(message, _)| message.id >= target.since) {
            let qos = target.qos.min(message.qos);
            let delivery = Delivery {
                qos,
                debt: if qos > QoS::AtMostOnce { debt.cloned() } else { None },
                retain: message.retain && target.retain_as_published,
                identifiers: target.identifiers.clone(),
                message: message.clone(),
                dup: false,
                replayed: false,
            };
            if guarded && connected {
                state.outbox.push_guarded(delivery, limits);
            } else if guarded {
                add(&tally.late, u64::from(delivery.qos > QoS::AtMostOnce));
            } else if connected {
                state.outbox.push_awake(delivery, persistent, limits);
            } else if delivery.qos > QoS::AtMostOnce {
                state.outbox.push_bounded(delivery, limits);
            }
        }
        state.outbox.charge();
        let dropped = state.outbox.drops().since(before);
        let pressure = connected && state.outbox.above_pause(limits) && !self.stalled.load(Relaxed);
        let link = if was_idle || guarded { state.link.clone() } else { None };
        drop(state);
        let awake = link.is_some_and(|link| {
            link.wake.notify_one();
            link.waits.load(SeqCst)
        });
        add(&tally.shed_qos0, dropped.shed);
        add(&tally.dropped_clean, dropped.clean);
        add(&tally.dropped_queue, dropped.oldest);
        add(&self.dropped, dropped.total());
        Put { pressure, dropped: dropped.total(), gone: false, awake }
    }

    /// How well it can take messages now.
    pub(crate) fn readiness(&self, limits: &Limits) -> Readiness {
        let state = self.lock();
        match (&state.link, state.persistent()) {
            _ if state.ended => Readiness::Gone,
            (Some(_), _) if state.outbox.above_pause(limits) => Readiness::Busy,
            (Some(_), _) => Readiness::Ready,
            (None, true) if state.outbox.is_full(limits) => Readiness::AsleepAndFull,
            (None, true) => Readiness::Asleep,
            (None, false) => Readiness::Gone,
        }
    }

    /// Takes what may be written now; wakes waiting publishers when the inbox has become small. Returns whether
    /// it is to be called again at once although nothing was taken.
    pub(crate) fn take(&self, into: &mut Vec<Outgoing>, context: &TakeContext<'_>) -> bool {
        let mut state = self.lock();
        // A connection that was just taken over must not take what is for the next one.
        if !state.link.as_ref().is_some_and(|link| Arc::ptr_eq(&link.wake, context.wake)) {
            return false;
        }
        let persistent = state.persistent();
        let was_above = state.outbox.above_resume(context.limits);
        let State { outbox, permissions, .. } = &mut *state;
        let again =
            outbox.fetch_replays(context.retained, context.sys, permissions.as_deref(), context.guarded);
        outbox.take(into, context, &self.client_id, persistent);
        let small = !outbox.above_resume(context.limits);
        drop(state);
        if small {
            self.stalled.store(false, Relaxed);
        }
        if was_above && small {
            self.drained.notify_waiters();
        }
        again
    }

    /// Wakes everyone who waits for this session's inbox; for a connection that ended.
    pub(crate) fn release_publishers(&self) {
        self.drained.notify_waiters();
    }

    /// Resolves when nobody needs to wait for this session: its inbox has fallen to half of the pause mark, it
    /// has no connection, or it is too slow to be waited for.
    async fn drained(&self, limits: &Limits) {
        loop {
            let notified = self.drained.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if !self.is_waited_for(limits) {
                return;
            }
            notified.await;
        }
    }

    fn is_waited_for(&self, limits: &Limits) -> bool {
        let state = self.lock();
        state.link.is_some() && state.outbox.above_resume(limits) && !self.stalled.load(Relaxed)
    }

    pub(crate) fn info(&self) -> ClientInfo {
        self.info_of(&self.lock())
    }

    fn info_of(&self, state: &State) -> ClientInfo {
        let link = state.link.as_ref();
        ClientInfo {
            client_id: self.client_id.clone(),
            user: state.user.clone(),
            peer: link.map(|link| link.peer),
            transport: link.map(|link| link.transport),
            version: link.map(|link| link.version.name().to_owned()).unwrap_or_default(),
            keepalive_s: link.map_or(0, |link| link.keepalive_s),
            connected_ms: link.map(|link| link.connected_ms),
            disconnected_ms: state.disconnected_ms,
            expiry_s: state.expiry_s,
            subscription_count: state.subscriptions.len(),
            queued: state.outbox.len(),
            queued_bytes: state.outbox.bytes(),
            in_flight: state.outbox.flights.len(),
            messages_in: link.map_or(0, |link| link.messages_in.load(Relaxed)),
            messages_out: link.map_or(0, |link| link.messages_out.load(Relaxed)),
            dropped: self.dropped.load(Relaxed),
            denied: self.denied.load(Relaxed),
            learning: state.learning,
        }
    }

    pub(crate) fn detail(&self) -> ClientDetail {
        let state = self.lock();
        let will = match &state.link {
            Some(link) => link.will.as_deref().cloned(),
            None => state.will.as_ref().map(|will| WillInfo {
                topic: will.draft.topic.as_ref().to_owned(),
                payload: will.draft.payload.clone(),
                qos: will.draft.qos,
                retain: will.draft.retain,
                delay_s: 0,
            }),
        };
        ClientDetail {
            info: self.info_of(&state),
            subscriptions: state.subscriptions.values().map(|subscription| subscription.stored(0)).collect(),
            will,
            permissions: state.permissions.clone(),
        }
    }
}

/// A publisher's pause for the subscribers of one batch: until their inboxes have fallen to half of the mark, in
/// all at most `pause_ms_max`. Who took next to nothing in all that time is not waited for again until its inbox
/// is small: one that acknowledges a message now and then would else hold up every publisher.
pub(crate) async fn all_drained(sessions: &[Arc<Session>], limits: &Limits) {
    let before: Vec<Taken> = sessions.iter().map(|session| session.lock().outbox.taken()).collect();
    let all = async {
        for session in sessions {
            session.drained(limits).await;
        }
    };
    if tokio::time::timeout(Duration::from_millis(limits.pause_ms_max), all).await.is_ok() {
        return;
    }
    for (session, before) in sessions.iter().zip(before) {
        let took = session.lock().outbox.taken().since(before);
        let progress = took.packets >= (limits.inbox_pause_messages / PROGRESS_PART) as u64
            || took.bytes >= (limits.inbox_pause_bytes / PROGRESS_PART) as u64;
        if !progress && session.is_waited_for(limits) {
            session.stalled.store(true, Relaxed);
            session.drained.notify_waiters();
        }
    }
}

impl State {
    /// Whether it outlives its connection, and is kept by the ledger.
    pub(crate) fn persistent(&self) -> bool {
        self.expiry_s > 0
    }

    /// The groups it is a member of.
    pub(crate) fn shares(&self) -> impl Iterator<Item = &Arc<Share>> {
        self.subscriptions.values().filter_map(|subscription| subscription.share.as_ref())
    }

    /// Whether something waits for an operation of the ledger whose waker may have been an older connection's.
    pub(crate) fn awaits_ledger(&self) -> bool {
        self.outbox.is_recording() || self.inbound.values().any(|inbound| inbound.released.is_some())
    }

    /// PUBCOMP goes out for what this operation released. Its packet id may be in use anew: that entry stays.
    pub(crate) fn forget_released(&mut self, packet_id: u16, operation: u64) {
        if self.inbound.get(&packet_id).is_some_and(|inbound| inbound.released == Some(operation)) {
            self.inbound.remove(&packet_id);
        }
    }

    /// The session as it is kept.
    pub(crate) fn stored(&self, client_id: &str) -> StoredSession {
        let room = kept_room(self.shares().map(|share| share.kept_len()));
        StoredSession {
            client_id: client_id.to_owned(),
            user: self.user.as_ref().to_owned(),
            expiry_s: self.expiry_s,
            cursor: self.cursor,
            disconnected_ms: self.disconnected_ms,
            subscriptions: self
                .subscriptions
                .values()
                .map(|subscription| subscription.stored(room))
                .collect(),
        }
    }

    /// Whether the session without a connection has outlived its expiry.
    pub(crate) fn expired(&self, now_ms: i64) -> bool {
        if self.link.is_some() || self.expiry_s == u32::MAX {
            return false;
        }
        self.disconnected_ms.is_some_and(|since| now_ms >= since + i64::from(self.expiry_s) * 1_000)
    }
}
