//! What waits for the writer. The lock is held only to hand out ids and to push or swap vectors.

use std::sync::Arc;
use std::time::Instant;

use model::{Message, QoS};
use tokio::sync::{Notify, oneshot};

use super::prune::Goal;
use super::{Bounds, HandshakeChange, JournalCounters, JournalDraft};
use crate::Clock;
use crate::error::Result;

/// Rows that may wait. The gate stops reading long before; this bounds what Hearth's own parts can pile up
/// while the disk is full.
pub(super) const ROWS_MAX: usize = 100_000;
/// Payload bytes that may wait.
pub(super) const BYTES_MAX: usize = 64 * 1024 * 1024;
/// With so many waiting nobody is read any more, so that one who sends much has nothing of another's dropped.
pub(super) const BYTES_HIGH: usize = BYTES_MAX / 2;
/// A gathering group is written at this size, whoever waits or not.
pub(super) const GATHER_ROWS: usize = 2_000;
const GATHER_BYTES: usize = 1024 * 1024;
/// How far ahead of the ids in use the reservation on the disk is; the ids skipped after a kill. Well above
/// [`ROWS_MAX`], or a full queue would wait for a reservation that waits in the queue.
pub(super) const RESERVE_AHEAD: u64 = 1 << 20;

/// A message that has no id and time yet, and its QoS 2 handshake.
pub(super) type Undated = (Arc<Message>, Option<(Arc<str>, u16)>);

pub(super) enum Entry {
    Message { message: Arc<Message>, inbound_qos2: Option<(Arc<str>, u16)> },
    Handshake(HandshakeChange),
}

/// One group: what is written together.
#[derive(Default)]
pub(super) struct Group {
    pub(super) entries: Vec<Entry>,
    pub(super) waiters: Vec<Arc<Notify>>,
    pub(super) flushes: Vec<oneshot::Sender<Result<()>>>,
    /// Highest id given when the group was taken.
    pub(super) newest: u64,
    /// Highest handshake operation in it.
    pub(super) newest_op: u64,
    /// The time of its newest message.
    pub(super) time_ms: i64,
    /// Payloads and topics in it.
    pub(super) bytes: usize,
}

pub(super) struct Queue {
    clock: Clock,
    group: Group,
    /// When the oldest entry came.
    since: Option<Instant>,
    /// Somebody waits: write at once.
    urgent: bool,
    /// Ids up to this one are reserved on the disk.
    pub(super) reserved: u64,
    pub(super) bounds: Bounds,
    /// Every reader has read up to here, as far as was told.
    pub(super) lowest_cursor: u64,
    pub(super) goal: Option<Goal>,
    /// A step of pruning is under way.
    pub(super) pruning: bool,
    pub(super) closing: bool,
    pub(super) counters: JournalCounters,
}

/// What the writer should do with the queue now.
pub(super) enum Due {
    Now,
    At(Instant),
    Never,
}

impl Queue {
    pub(super) fn new(clock: Clock, newest: u64, time_ms: i64, reserved: u64, bounds: Bounds) -> Self {
        Self {
            clock,
            group: Group { newest, time_ms, ..Group::default() },
            since: None,
            urgent: false,
            reserved,
            bounds,
            lowest_cursor: 0,
            goal: None,
            pruning: false,
            closing: false,
            counters: JournalCounters::default(),
        }
    }

    /// Queues messages that were built with id and time 0 and gives them both; returns how many were taken,
    /// how many of these were queued, and their bytes.
    pub(super) fn push(
        &mut self,
        messages: &mut [Undated],
        waiter: Option<&Arc<Notify>>,
    ) -> (usize, usize, usize) {
        let before = self.group.bytes;
        let time_ms = (self.clock)().max(self.group.time_ms);
        let mut taken = 0;
        let mut queued = 0;
        for (message, inbound_qos2) in messages {
            let full = self.group.entries.len() >= ROWS_MAX || self.group.bytes >= BYTES_MAX;
            let waited_for = message.qos != QoS::AtMostOnce;
            if self.closing || self.group.newest >= self.reserved || (full && waited_for) {
                break;
            }
            let Some(fresh) = Arc::get_mut(message) else { break };
            self.group.newest += 1;
            fresh.id = self.group.newest;
            fresh.time_ms = time_ms;
            taken += 1;
            if full {
                self.counters.not_kept += 1;
                continue;
            }
            self.group.bytes += message.payload.len() + message.topic.len();
            self.urgent |= waited_for;
            let inbound_qos2 = inbound_qos2.take();
            self.group.entries.push(Entry::Message { message: Arc::clone(message), inbound_qos2 });
            queued += 1;
        }
        if taken > 0 {
            self.group.time_ms = time_ms;
            self.wake_later(waiter);
            self.since.get_or_insert_with(Instant::now);
        }
        (taken, queued, self.group.bytes - before)
    }

    /// Queues a handshake step and returns its number. Its size is bounded by the packet ids in flight, so it
    /// is never refused.
    pub(super) fn push_handshake(&mut self, change: HandshakeChange, waiter: Option<&Arc<Notify>>) -> u64 {
        self.group.newest_op += 1;
        if self.closing {
            return self.group.newest_op;
        }
        self.group.entries.push(Entry::Handshake(change));
        self.urgent = true;
        self.since.get_or_insert_with(Instant::now);
        self.wake_later(waiter);
        self.group.newest_op
    }

    pub(super) fn push_flush(&mut self, flush: oneshot::Sender<Result<()>>) {
        self.group.flushes.push(flush);
        self.urgent = true;
    }

    /// The flushes of the group that is filling: it will not be written soon.
    pub(super) fn take_flushes(&mut self) -> Vec<oneshot::Sender<Result<()>>> {
        std::mem::take(&mut self.group.flushes)
    }

    fn wake_later(&mut self, waiter: Option<&Arc<Notify>>) {
        // One publisher's packets come in a row: comparing with the last catches nearly all doubles.
        if let Some(waiter) = waiter
            && self.group.waiters.last().is_none_or(|last| !Arc::ptr_eq(last, waiter))
        {
            self.group.waiters.push(Arc::clone(waiter));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.group.entries.is_empty() && self.group.flushes.is_empty() && self.group.waiters.is_empty()
    }

    /// When the group is to be written.
    pub(super) fn due(&self, gather: std::time::Duration) -> Due {
        let large = self.group.entries.len() >= GATHER_ROWS || self.group.bytes >= GATHER_BYTES;
        match self.since {
            _ if self.urgent || large || self.closing => Due::Now,
            Some(since) if since.elapsed() >= gather => Due::Now,
            Some(since) => Due::At(since + gather),
            None => Due::Never,
        }
    }

    /// Whether the writer has to be told of what was pushed, given what was due before.
    pub(super) fn wakes(&self) -> bool {
        self.urgent || self.group.entries.len() >= GATHER_ROWS || self.group.bytes >= GATHER_BYTES
    }

    /// Takes the group; the next one fills from here.
    pub(super) fn take(&mut self, entries: Vec<Entry>) -> Group {
        let next = Group {
            entries,
            newest: self.group.newest,
            newest_op: self.group.newest_op,
            time_ms: self.group.time_ms,
            ..Group::default()
        };
        self.since = None;
        self.urgent = false;
        std::mem::replace(&mut self.group, next)
    }

    pub(super) fn newest(&self) -> u64 {
        self.group.newest
    }
}

/// A draft as a message without id and time.
pub(super) fn message(draft: JournalDraft) -> Undated {
    let message = Message {
        id: 0,
        time_ms: 0,
        topic: draft.topic,
        payload: draft.payload,
        qos: draft.qos,
        retain: draft.retain,
        publisher: draft.publisher,
        cause: draft.cause,
        properties: draft.properties,
    };
    (Arc::new(message), draft.inbound_qos2)
}

/// The other way, for a draft that was refused.
pub(super) fn draft((message, inbound_qos2): Undated) -> JournalDraft {
    let message = Arc::unwrap_or_clone(message);
    JournalDraft {
        topic: message.topic,
        payload: message.payload,
        qos: message.qos,
        retain: message.retain,
        publisher: message.publisher,
        cause: message.cause,
        properties: message.properties,
        inbound_qos2,
    }
}
