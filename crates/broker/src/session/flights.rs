//! QoS 1 and 2 messages on the way to a client: the packet ids in use and what is awaited for each.

use std::collections::HashMap;

use super::delivery::Delivery;

/// What the gate waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// QoS 2 of a persistent session: the row must be durable before PUBLISH is sent.
    Recording,
    /// QoS 1: PUBACK.
    AwaitAck,
    /// QoS 2: PUBREC.
    AwaitRec,
    /// QoS 2 of a persistent session: PUBREC came, its row must be durable before PUBREL is sent.
    Releasing,
    /// QoS 2: PUBCOMP.
    AwaitComp,
}

/// One message on the way.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    /// Order of sending; what is repeated after a reconnect is repeated in it.
    pub(crate) order: u64,
    pub(crate) stage: Stage,
    /// `None` after PUBREC: only PUBREL can be repeated then.
    pub(crate) delivery: Option<Delivery>,
    pub(crate) message_id: u64,
}

/// The packet ids in use.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    by_id: HashMap<u16, Flight>,
    last_id: u16,
    next_order: u64,
}

impl Flights {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, packet_id: u16) -> Option<&Flight> {
        self.by_id.get(&packet_id)
    }

    pub(crate) fn get_mut(&mut self, packet_id: u16) -> Option<&mut Flight> {
        self.by_id.get_mut(&packet_id)
    }

    pub(crate) fn remove(&mut self, packet_id: u16) -> Option<Flight> {
        self.by_id.remove(&packet_id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, &Flight)> {
        self.by_id.iter().map(|(id, flight)| (*id, flight))
    }

    /// Whether a message of this topic is on the way and not acknowledged.
    pub(crate) fn has(&self, topic: &str) -> bool {
        self.by_id
            .values()
            .any(|flight| flight.delivery.as_ref().is_some_and(|delivery| &*delivery.message.topic == topic))
    }

    /// Starts a flight under a free packet id; `taken` says which ids are not free for another reason. `None`
    /// when all 65,535 are in use.
    pub(crate) fn start(
        &mut self,
        delivery: Delivery,
        stage: Stage,
        taken: impl Fn(u16) -> bool,
    ) -> Option<u16> {
        for _ in 0..u16::MAX {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            let id = self.last_id;
            if !self.by_id.contains_key(&id) && !taken(id) {
                self.restore(id, delivery.message.id, stage, Some(delivery));
                return Some(id);
            }
        }
        None
    }

    /// Puts a flight back that was under way before a restart.
    pub(crate) fn restore(&mut self, id: u16, message_id: u64, stage: Stage, delivery: Option<Delivery>) {
        let order = self.next_order;
        self.next_order += 1;
        self.by_id.insert(id, Flight { order, stage, delivery, message_id });
    }

    /// Drops the messages of these topics; returns how many. A QoS 2 exchange is ended without its message.
    pub(crate) fn forget(&mut self, dropped: impl Fn(&str) -> bool) -> usize {
        let before = self.by_id.values().filter(|flight| flight.delivery.is_some()).count();
        self.by_id.retain(|_, flight| {
            if flight.delivery.as_ref().is_none_or(|delivery| !dropped(&delivery.message.topic)) {
                return true;
            }
            flight.delivery = None;
            let exchange = flight.stage != Stage::AwaitAck;
            flight.stage = Stage::AwaitComp;
            exchange
        });
        before - self.by_id.values().filter(|flight| flight.delivery.is_some()).count()
    }

    /// All packet ids in the order of sending.
    pub(crate) fn in_order(&self) -> Vec<u16> {
        let mut ids: Vec<(u64, u16)> = self.by_id.iter().map(|(id, flight)| (flight.order, *id)).collect();
        ids.sort_unstable();
        ids.into_iter().map(|(_, id)| id).collect()
    }
}
