//! The messages waiting for one client, and what may be written to it now.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use model::{Message, Permissions, QoS};
use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::account::Account;
use super::flights::{Flight, Flights, Stage};
use super::guarded::{Guarded, Late};
use super::replay::Replays;
use crate::ledger::{Copied, HandshakeChange, Ledger};
use crate::limits::Limits;
use crate::packet::{Shape, Version, publish_len};
use crate::retained::Retained;
use crate::share::{Debt, Parcel};
use crate::tally::{Tally, add};

/// What one waiting message costs beside what it carries.
const DELIVERY_BYTES: usize = 128;
/// Most packets taken for one write.
const TAKE_PACKETS_MAX: usize = 1_024;
/// Bytes of messages after which a write is full.
const TAKE_BYTES: usize = 128 * 1024;
/// Bytes on the way to one client and not acknowledged, above which no further QoS 1 or 2 message is started.
const INFLIGHT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// QoS 2 packet ids waiting for their cursor; above it no QoS 2 message is started.
const HELD_MAX: usize = 16_384;

/// A message for one client.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) message: Arc<Message>,
    pub(crate) identifiers: Option<Arc<[u32]>>,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    /// It may have been sent before.
    pub(crate) dup: bool,
    /// A retained message sent because of a subscription: not part of the session's journal cursor.
    pub(crate) replayed: bool,
    /// It came over a shared subscription, at QoS 1 or 2: the group owes it until this is dropped.
    pub(crate) debt: Option<Arc<Debt>>,
}

impl Delivery {
    pub(crate) fn copied(&self) -> Copied {
        match self.debt {
            _ if self.replayed => Copied::Retained,
            Some(_) => Copied::Shared,
            None => Copied::Own,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.message.bytes() + DELIVERY_BYTES
    }
}

/// A packet to write.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Publish { delivery: Delivery, packet_id: u16, expiry_s: Option<u32> },
    PubRel { packet_id: u16 },
}

/// What [`Outbox::take`] needs to know about the connection and the moment.
pub(crate) struct TakeContext<'a> {
    pub(crate) version: Version,
    /// QoS 1 and 2 messages that may be on the way.
    pub(crate) window: usize,
    /// The client's maximum packet size.
    pub(crate) packet_bytes_max: usize,
    pub(crate) now_ms: i64,
    pub(crate) ledger: &'a dyn Ledger,
    pub(crate) wake: &'a Arc<Notify>,
    pub(crate) limits: &'a Limits,
    pub(crate) retained: &'a RwLock<Retained>,
    /// The same for `$SYS`.
    pub(crate) sys: &'a RwLock<Retained>,
    pub(crate) tally: &'a Tally,
    /// Topics whose retained messages are not handed out.
    pub(crate) guarded: &'a dyn Fn(&str) -> bool,
}

/// Messages dropped, by reason.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Drops {
    pub(crate) shed: u64,
    pub(crate) clean: u64,
    pub(crate) oldest: u64,
}

impl Drops {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            shed: self.shed - before.shed,
            clean: self.clean - before.clean,
            oldest: self.oldest - before.oldest,
        }
    }

    pub(crate) fn total(self) -> u64 {
        self.shed + self.clean + self.oldest
    }
}

/// Packets taken, and the bytes of their topics and payloads.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Taken {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(before.packets),
            bytes: self.bytes.saturating_sub(before.bytes),
        }
    }
}

/// A row that must be durable before the flight's next packet.
#[derive(Debug, Clone, Copy)]
struct Recording {
    operation: u64,
    packet_id: u16,
    /// Of a guarded message: when it is too late.
    by: Option<Instant>,
}

/// One write, as it is gathered.
struct Gathering<'a> {
    into: &'a mut Vec<Outgoing>,
    /// Of the messages in it.
    bytes: usize,
    /// Of what is on the way, with it.
    flying: usize,
}

impl Gathering<'_> {
    fn is_full(&self) -> bool {
        self.into.len() >= TAKE_PACKETS_MAX || self.bytes >= TAKE_BYTES
    }
}

/// The messages waiting for one client.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Delivery>,
    /// Guarded messages; they go before everything else.
    guarded: Guarded,
    queue_bytes: usize,
    /// Retained messages asked for by a subscription; they go before the queue, whose messages are newer.
    replay: VecDeque<Delivery>,
    /// Where more of them come from.
    pub(crate) replays: Replays,
    pub(crate) flights: Flights,
    /// Packet ids to repeat after a reconnect.
    resend: VecDeque<u16>,
    /// Flights whose row is being written, in the order of the operations.
    recording: VecDeque<Recording>,
    /// QoS 2 packet ids that are complete, by message id: their rows stay until the cursor is durably past
    /// them, or the message would be delivered a second time after a crash.
    pub(crate) held: HashMap<u16, u64>,
    /// Restored from an earlier run: when the client was last connected, UTC ms. It may have been sent already what
    /// was accepted by then.
    pub(crate) sent_until_ms: i64,
    /// While a SUBSCRIBE is being answered nothing is sent, so that SUBACK comes first.
    pub(crate) hold: bool,
    drops: Drops,
    taken: Taken,
    account: Account,
}

impl Outbox {
    pub(crate) fn new(account: Account) -> Self {
        Self { account, ..Self::default() }
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len() + self.guarded.len() + self.replay.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.queue_bytes + self.guarded.bytes()
    }

    pub(crate) fn drops(&self) -> Drops {
        self.drops
    }

    /// What was taken so far: whether the client reads.
    pub(crate) fn taken(&self) -> Taken {
        self.taken
    }

    /// Whether nothing waits in line, so that the writer sleeps and must be woken for the next message.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.replay.is_empty() && self.replays.is_empty()
    }

    pub(crate) fn above_pause(&self, limits: &Limits) -> bool {
        self.queue.len() > limits.inbox_pause_messages || self.queue_bytes > limits.inbox_pause_bytes
    }

    pub(crate) fn above_resume(&self, limits: &Limits) -> bool {
        self.queue.len() > limits.inbox_pause_messages / 2 || self.queue_bytes > limits.inbox_pause_bytes / 2
    }

    /// Whether a session that lasts would have to drop something for a further message.
    pub(crate) fn is_full(&self, limits: &Limits) -> bool {
        self.queue.len() >= limits.session_queue_messages_max
            || self.queue_bytes >= limits.session_queue_bytes_max
            || self.account.is_over(self.queue_bytes + DELIVERY_BYTES, limits)
    }

    /// What came over shared subscriptions and others may get when the session ends: everything but QoS 2
    /// messages that were sent (MQTT 5, section 4.8.2).
    pub(crate) fn orphans(&self) -> Vec<Parcel> {
        let flying = self.flights.in_order().into_iter().filter_map(|id| self.flights.get(id));
        let unsent = flying.filter(|flight| matches!(flight.stage, Stage::AwaitAck | Stage::Recording));
        let deliveries = unsent.filter_map(|flight| flight.delivery.as_ref()).chain(&self.queue);
        let owed = deliveries.filter(|delivery| delivery.debt.is_some());
        owed.map(|delivery| Parcel { message: delivery.message.clone(), debt: delivery.debt.clone() })
            .collect()
    }

    /// A message for a connected client. Over the limit QoS 0 is shed; a clean session loses the new message,
    /// a persistent one its oldest.
    #[inline]
    pub(crate) fn push_awake(&mut self, delivery: Delivery, persistent: bool, limits: &Limits) {
        let durable = persistent && delivery.qos > QoS::AtMostOnce;
        let full = self.queue.len() >= limits.inbox_messages_max
            || self.queue_bytes >= limits.inbox_bytes_max
            || self.account.is_over(self.queue_bytes + delivery.bytes(), limits);
        if durable {
            self.push_bounded(delivery, limits);
        } else if full && delivery.qos == QoS::AtMostOnce {
            self.drops.shed += 1;
        } else if full {
            self.drops.clean += 1;
        } else {
            self.push(delivery);
        }
    }

    /// A guarded message for a connected client.
    pub(crate) fn push_guarded(&mut self, delivery: Delivery, limits: &Limits) {
        let bytes = self.bytes() + delivery.bytes();
        if bytes > limits.inbox_bytes_max || self.account.is_over(bytes, limits) {
            self.guarded.missed(&delivery);
        } else {
            self.guarded.push(delivery, Instant::now());
        }
    }

    /// Drops the guarded messages the client did not take in time; how many, since this was asked last.
    pub(crate) fn take_late(&mut self) -> Late {
        if !self.guarded.is_empty() {
            self.guarded.expire(Instant::now());
            self.charge();
        }
        self.guarded.take_late()
    }

    /// A QoS 1 or 2 message for a session that lasts. Over a limit its oldest one goes; when it has none, and
    /// others have taken all the room, the new one does.
    pub(crate) fn push_bounded(&mut self, delivery: Delivery, limits: &Limits) {
        while self.queue.len() >= limits.session_queue_messages_max
            || self.queue_bytes + delivery.bytes() > limits.session_queue_bytes_max
            || self.account.is_over(self.queue_bytes + delivery.bytes(), limits)
        {
            if self.pop().is_some() {
                self.drops.oldest += 1;
            } else if self.account.is_over(delivery.bytes(), limits) {
                self.drops.oldest += 1;
                return;
            } else {
                break;
            }
        }
        self.push(delivery);
    }

    /// Brings the sums over all sessions up to date with this queue.
    #[inline]
    pub(crate) fn charge(&mut self) {
        self.account.charge(self.queue_bytes + self.guarded.bytes());
    }

    #[inline]
    fn push(&mut self, delivery: Delivery) {
        self.queue_bytes += delivery.bytes();
        self.queue.push_back(delivery);
    }

    #[inline]
    fn pop(&mut self) -> Option<Delivery> {
        let delivery = self.queue.pop_front()?;
        self.queue_bytes = self.queue_bytes.saturating_sub(delivery.bytes());
        Some(delivery)
    }

    /// Fetches retained messages when none are at hand. Returns whether it is to be called again although none
    /// were found.
    pub(crate) fn fetch_replays(
        &mut self,
        retained: &RwLock<Retained>,
        sys: &RwLock<Retained>,
        permissions: Option<&Permissions>,
        guarded: &dyn Fn(&str) -> bool,
    ) -> bool {
        if self.hold || !self.replay.is_empty() || self.replays.is_empty() {
            return false;
        }
        self.replays.fetch(retained, sys, permissions, guarded, &mut self.replay);
        self.replay.is_empty()
    }

    /// Drops what the client may not read any more; returns how many.
    pub(crate) fn retain_readable(&mut self, readable: impl Fn(&str) -> bool) -> usize {
        let before = self.len();
        self.queue.retain(|delivery| readable(&delivery.message.topic));
        self.guarded.retain(|delivery| readable(&delivery.message.topic));
        self.replay.retain(|delivery| readable(&delivery.message.topic));
        self.queue_bytes = self.queue.iter().map(Delivery::bytes).sum();
        self.charge();
        before - self.len()
    }

    /// Drops what waits or is on the way under these topics, which is not to come late; returns how many. Of a QoS 2
    /// message that was begun only the end is left: whoever knows nothing of it answers all the same.
    pub(crate) fn forget(&mut self, late: impl Fn(&str) -> bool) -> usize {
        self.retain_readable(|topic| !late(topic)) + self.flights.forget(late)
    }

    /// The connection ended. QoS 0 and guarded messages and replays are not kept; flights are repeated on the next one.
    pub(crate) fn fall_asleep(&mut self) {
        self.queue.retain(|delivery| delivery.qos > QoS::AtMostOnce);
        self.queue.shrink_to_fit();
        self.queue_bytes = self.queue.iter().map(Delivery::bytes).sum();
        self.guarded.end();
        self.charge();
        self.replay = VecDeque::new();
        self.replays = Replays::default();
        self.resend = VecDeque::new();
        self.hold = false;
    }

    /// A new connection: everything on the way is repeated, in the old order.
    pub(crate) fn wake_up(&mut self) {
        self.resend = self.flights.in_order().into();
    }

    /// Takes what may be written now.
    pub(crate) fn take(
        &mut self,
        into: &mut Vec<Outgoing>,
        context: &TakeContext<'_>,
        client_id: &Arc<str>,
        persistent: bool,
    ) {
        let mut gathering = Gathering { into, bytes: 0, flying: 0 };
        self.take_resends(&mut gathering, context.now_ms);
        self.take_recorded(gathering.into, context.ledger, context.now_ms);
        gathering.flying =
            self.flights.iter().filter_map(|(_, flight)| flight.delivery.as_ref()).map(Delivery::bytes).sum();
        if !self.guarded.is_empty() {
            self.take_guarded(&mut gathering, context, client_id, persistent);
        }
        while !self.hold && !gathering.is_full() {
            let from_replay = !self.replay.is_empty();
            if !from_replay && !self.replays.is_empty() {
                break;
            }
            let Some(next) = self.replay.front().or(self.queue.front()) else { break };
            if !self.may_start(next.qos, &gathering, context, persistent) {
                break;
            }
            let popped = if from_replay { self.replay.pop_front() } else { self.pop() };
            let Some(delivery) = popped else { break };
            if !self.send(delivery, None, &mut gathering, context, client_id, persistent) {
                break;
            }
        }
        self.taken.packets += gathering.into.len() as u64;
        self.taken.bytes += gathering.bytes as u64;
        self.charge();
    }

    /// Takes the guarded messages that are in time. Of each topic that is acknowledged one is on the way.
    fn take_guarded(
        &mut self,
        gathering: &mut Gathering<'_>,
        context: &TakeContext<'_>,
        client_id: &Arc<str>,
        persistent: bool,
    ) {
        self.guarded.expire(Instant::now());
        while !self.hold && !gathering.is_full() {
            let mut guarded = std::mem::take(&mut self.guarded);
            let next = guarded.pop(|delivery| {
                !self.flights.has(&delivery.message.topic)
                    && self.may_start(delivery.qos, gathering, context, persistent)
            });
            self.guarded = guarded;
            let Some(next) = next else { break };
            if !self.send(next.delivery, Some(next.by), gathering, context, client_id, persistent) {
                break;
            }
        }
    }

    /// Whether a message of this QoS may be begun.
    #[inline]
    fn may_start(
        &self,
        qos: QoS,
        gathering: &Gathering<'_>,
        context: &TakeContext<'_>,
        persistent: bool,
    ) -> bool {
        let window_full = self.flights.len() >= context.window || gathering.flying >= INFLIGHT_BYTES_MAX;
        let ids_held = qos == QoS::ExactlyOnce && persistent && self.held.len() >= HELD_MAX;
        qos == QoS::AtMostOnce || !(window_full || ids_held)
    }

    /// Puts a message into the write, or begins what must be before it; `by`: when a guarded one is too late. Says
    /// whether there may be a next one.
    #[inline]
    fn send(
        &mut self,
        delivery: Delivery,
        by: Option<Instant>,
        gathering: &mut Gathering<'_>,
        context: &TakeContext<'_>,
        client_id: &Arc<str>,
        persistent: bool,
    ) -> bool {
        let expiry_s = match expiry(&delivery.message, context.now_ms) {
            Expiry::Never => None,
            Expiry::In(seconds) => Some(seconds),
            Expiry::Passed => {
                add(&context.tally.expired, 1);
                return true;
            }
        };
        if context.packet_bytes_max != usize::MAX && too_large(&delivery, expiry_s, context) {
            add(&context.tally.too_large, 1);
            return true;
        }
        gathering.bytes += delivery.message.bytes();
        if delivery.qos > QoS::AtMostOnce {
            gathering.flying += delivery.bytes();
        }
        match delivery.qos {
            QoS::AtMostOnce => gathering.into.push(Outgoing::Publish { delivery, packet_id: 0, expiry_s }),
            QoS::ExactlyOnce if persistent => {
                let (message_id, copied) = (delivery.message.id, delivery.copied());
                let Some(packet_id) = self.start(delivery, Stage::Recording) else { return false };
                let client_id = client_id.clone();
                let change = HandshakeChange::OutboundSent { client_id, packet_id, message_id, copied };
                let operation = context.ledger.handshake(change, Some(context.wake));
                self.recording.push_back(Recording { operation, packet_id, by });
            }
            QoS::AtLeastOnce | QoS::ExactlyOnce => {
                let stage = if delivery.qos == QoS::AtLeastOnce { Stage::AwaitAck } else { Stage::AwaitRec };
                let Some(packet_id) = self.start(delivery.clone(), stage) else { return false };
                gathering.into.push(Outgoing::Publish { delivery, packet_id, expiry_s });
            }
        }
        true
    }

    fn start(&mut self, delivery: Delivery, stage: Stage) -> Option<u16> {
        let held = &self.held;
        self.flights.start(delivery, stage, |id| held.contains_key(&id))
    }

    fn take_resends(&mut self, gathering: &mut Gathering<'_>, now_ms: i64) {
        while !gathering.is_full() {
            let Some(packet_id) = self.resend.pop_front() else { return };
            let Some(flight) = self.flights.get_mut(packet_id) else { continue };
            match (flight.stage, &flight.delivery) {
                (Stage::AwaitAck | Stage::AwaitRec, Some(delivery)) => {
                    let delivery = Delivery { dup: true, ..delivery.clone() };
                    gathering.bytes += delivery.bytes();
                    let expiry_s = left_s(&delivery.message, now_ms);
                    gathering.into.push(Outgoing::Publish { delivery, packet_id, expiry_s });
                }
                (Stage::AwaitComp, _) => gathering.into.push(Outgoing::PubRel { packet_id }),
                // Its row is still being written: `take_recorded` sends it.
                _ => {}
            }
        }
    }

    /// The flights whose row has become durable.
    fn take_recorded(&mut self, into: &mut Vec<Outgoing>, ledger: &dyn Ledger, now_ms: i64) {
        if self.recording.is_empty() {
            return;
        }
        let durable = ledger.durable_ops();
        while let Some(recording) = self.recording.front().filter(|recording| recording.operation <= durable)
        {
            let Recording { packet_id, by, .. } = *recording;
            self.recording.pop_front();
            let Some(flight) = self.flights.get_mut(packet_id) else { continue };
            match flight {
                // Whoever knows nothing of the exchange answers its end all the same.
                Flight { stage: stage @ Stage::Recording, delivery: delivery @ Some(_), .. }
                    if by.is_some_and(|by| by <= Instant::now()) =>
                {
                    *stage = Stage::AwaitComp;
                    delivery.take().iter().for_each(|late| self.guarded.missed(late));
                    into.push(Outgoing::PubRel { packet_id });
                }
                Flight { stage: stage @ Stage::Recording, delivery: Some(delivery), .. } => {
                    *stage = Stage::AwaitRec;
                    let delivery = delivery.clone();
                    let expiry_s = left_s(&delivery.message, now_ms);
                    into.push(Outgoing::Publish { delivery, packet_id, expiry_s });
                }
                Flight { stage: stage @ Stage::Releasing, .. } => {
                    *stage = Stage::AwaitComp;
                    into.push(Outgoing::PubRel { packet_id });
                }
                _ => {}
            }
        }
    }

    /// PUBACK. Returns whether the packet id was waiting for one.
    pub(crate) fn acked(&mut self, packet_id: u16) -> bool {
        let waiting = self.flights.get_mut(packet_id).is_some_and(|flight| flight.stage == Stage::AwaitAck);
        if waiting {
            self.flights.remove(packet_id);
        }
        waiting
    }

    /// PUBREC. `None` when PUBREL comes later, after its row; `Some(known)` when it is to be sent now.
    pub(crate) fn received(
        &mut self,
        packet_id: u16,
        refused: bool,
        client_id: &Arc<str>,
        persistent: bool,
        ledger: &dyn Ledger,
        wake: &Arc<Notify>,
    ) -> Option<bool> {
        let Some(flight) = self.flights.get_mut(packet_id) else {
            return if refused { None } else { Some(false) };
        };
        match flight.stage {
            // MQTT 5, section 4.3.3: a PUBREC with an error ends the exchange.
            Stage::AwaitRec if refused => {
                self.complete(packet_id, persistent);
                None
            }
            Stage::AwaitRec => {
                flight.delivery = None;
                if persistent {
                    flight.stage = Stage::Releasing;
                    let change =
                        HandshakeChange::OutboundReceived { client_id: client_id.clone(), packet_id };
                    let operation = ledger.handshake(change, Some(wake));
                    self.recording.push_back(Recording { operation, packet_id, by: None });
                    None
                } else {
                    flight.stage = Stage::AwaitComp;
                    Some(true)
                }
            }
            Stage::AwaitComp => Some(true),
            Stage::Recording | Stage::AwaitAck | Stage::Releasing => None,
        }
    }

    /// PUBCOMP.
    pub(crate) fn completed(&mut self, packet_id: u16, persistent: bool) {
        let waiting = self.flights.get_mut(packet_id).is_some_and(|flight| flight.stage == Stage::AwaitComp);
        if waiting {
            self.complete(packet_id, persistent);
        }
    }

    fn complete(&mut self, packet_id: u16, persistent: bool) {
        if let Some(flight) = self.flights.remove(packet_id)
            && persistent
        {
            self.held.insert(packet_id, flight.message_id);
        }
    }

    /// Whether rows of flights are being written.
    pub(crate) fn is_recording(&self) -> bool {
        !self.recording.is_empty()
    }

    /// Whether an acknowledgement may let something go that waits.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.is_idle() || !self.guarded.is_empty()
    }

    /// The lowest journal id that is not done, retained replays aside.
    pub(crate) fn lowest_open(&self) -> Option<u64> {
        let waiting = self.queue.iter().chain(self.guarded.deliveries());
        let queued = waiting.filter(|d| d.qos > QoS::AtMostOnce).map(|d| d.message.id).min();
        let flying = self
            .flights
            .iter()
            .filter(|(_, flight)| !flight.delivery.as_ref().is_some_and(|delivery| delivery.replayed))
            .map(|(_, flight)| flight.message_id)
            .min();
        match (queued, flying) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

/// When a message stops being delivered (MQTT 5, section 3.3.2.3.3).
enum Expiry {
    Never,
    In(u32),
    Passed,
}

fn expiry(message: &Message, now_ms: i64) -> Expiry {
    let Some(seconds) = message.properties.as_ref().and_then(|properties| properties.message_expiry_s) else {
        return Expiry::Never;
    };
    let waited_s = u32::try_from((now_ms - message.time_ms).max(0) / 1_000).unwrap_or(u32::MAX);
    match seconds.checked_sub(waited_s) {
        Some(left) if left > 0 => Expiry::In(left),
        _ => Expiry::Passed,
    }
}

/// What is left of the expiry of a message whose delivery has begun: it is completed all the same.
fn left_s(message: &Message, now_ms: i64) -> Option<u32> {
    match expiry(message, now_ms) {
        Expiry::Never => None,
        Expiry::In(seconds) => Some(seconds),
        Expiry::Passed => Some(0),
    }
}

fn too_large(delivery: &Delivery, expiry_s: Option<u32>, context: &TakeContext<'_>) -> bool {
    let identifiers = delivery.identifiers.as_deref().unwrap_or_default();
    let shape = Shape { qos: delivery.qos, identifiers, expiry_s, ..Shape::default() };
    publish_len(context.version, &delivery.message, &shape) > context.packet_bytes_max
}
