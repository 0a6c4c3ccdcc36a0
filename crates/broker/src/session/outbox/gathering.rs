//! One write to a client, as it is gathered: what is repeated after a reconnect first, then what has become durable,
//! guarded messages, retained ones and the queue, as far as the client's window and the size of a write allow.

use std::sync::Arc;

use model::QoS;
use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::super::delivery::{Delivery, Expiry};
use super::super::flights::{Flight, Stage};
use super::{Outbox, Recording};
use crate::ledger::{HandshakeChange, Ledger};
use crate::limits::Limits;
use crate::packet::{Shape, Version, publish_len};
use crate::retained::Retained;
use crate::tally::{Tally, add};

/// Most packets taken for one write.
const TAKE_PACKETS_MAX: usize = 1_024;
/// Bytes of messages after which a write is full.
const TAKE_BYTES: usize = 128 * 1024;
/// Bytes on the way to one client and not acknowledged, above which no further QoS 1 or 2 message is started.
const INFLIGHT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// QoS 2 packet ids waiting for their cursor; above it no QoS 2 message is started.
const HELD_MAX: usize = 16_384;

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

impl Outbox {
    /// Takes what may be written now.
    pub(crate) fn take(
        &mut self,
        into: &mut Vec<Outgoing>,
        context: &TakeContext<'_>,
        client_id: &Arc<str>,
        persistent: bool,
    ) {
        let mut gathering = Gathering { into, bytes: 0, flying: 0 };
        self.take_resends(&mut gathering);
        self.take_recorded(gathering.into, context.ledger);
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
        let expiry_s = match delivery.expiry() {
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

    fn take_resends(&mut self, gathering: &mut Gathering<'_>) {
        while !gathering.is_full() {
            let Some(packet_id) = self.resend.pop_front() else { return };
            let Some(flight) = self.flights.get_mut(packet_id) else { continue };
            match (flight.stage, &flight.delivery) {
                (Stage::AwaitAck | Stage::AwaitRec, Some(delivery)) => {
                    let delivery = Delivery { dup: true, ..delivery.clone() };
                    gathering.bytes += delivery.bytes();
                    let expiry_s = delivery.left_s();
                    gathering.into.push(Outgoing::Publish { delivery, packet_id, expiry_s });
                }
                (Stage::AwaitComp, _) => gathering.into.push(Outgoing::PubRel { packet_id }),
                // Its row is still being written: `take_recorded` sends it.
                _ => {}
            }
        }
    }

    /// The flights whose row has become durable.
    fn take_recorded(&mut self, into: &mut Vec<Outgoing>, ledger: &dyn Ledger) {
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
                    let expiry_s = delivery.left_s();
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
}

fn too_large(delivery: &Delivery, expiry_s: Option<u32>, context: &TakeContext<'_>) -> bool {
    let identifiers = delivery.identifiers.as_deref().unwrap_or_default();
    let shape = Shape { qos: delivery.qos, identifiers, expiry_s, ..Shape::default() };
    publish_len(context.version, &delivery.message, &shape) > context.packet_bytes_max
}
