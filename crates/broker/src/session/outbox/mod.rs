//! The messages waiting for one client: what comes in, what it has no room for, and what is dropped of it.

mod acks;
mod gathering;

use std::collections::{HashMap, VecDeque};

use model::{Permissions, QoS};
use parking_lot::RwLock;
use tokio::time::Instant;

use super::account::Account;
use super::delivery::{DELIVERY_BYTES, Delivery};
use super::flights::{Flights, Stage};
use super::guarded::{Guarded, Late};
use super::replay::Replays;
use crate::limits::Limits;
use crate::retained::Retained;
use crate::share::Parcel;

pub(crate) use gathering::{Outgoing, TakeContext};

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
