//! `journal.db`: every accepted message in the order of acceptance, and the QoS 2 handshakes that belong to
//! the same order.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use model::{Cause, Message, Properties, Publisher, QoS, TopicFilter};
use tokio::sync::Notify;

use crate::error::Result;
use crate::hub_db::RetainedSink;
use crate::opening::OnChecked;
use crate::{Clock, Written};

/// How the journal behaves.
#[derive(Clone)]
pub struct JournalConfig {
    /// Ids start above this: the highest id any other database knows, so that none is given twice when
    /// `journal.db` was lost.
    pub floor: u64,
    /// Messages are kept this many days.
    pub days_max: u32,
    /// The file may hold this many bytes.
    pub bytes_max: u64,
    /// A group that holds nothing anybody waits for may gather this long, ms.
    pub gather_ms: u64,
    /// [`Journal::backlog_low`] resolves at this many rows.
    pub backlog_low: usize,
    /// UTC ms.
    pub clock: Clock,
    /// Told the result of the check after an unclean stop.
    pub on_checked: OnChecked,
}

/// A message before it has an id and a time.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields of `model::Message`")]
pub struct JournalDraft {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: QoS,
    pub retain: bool,
    pub publisher: Arc<Publisher>,
    pub cause: Option<Cause>,
    pub properties: Option<Arc<Properties>>,
    /// Client id and packet id of a QoS 2 PUBLISH: its handshake row is written in the same transaction.
    pub inbound_qos2: Option<(Arc<str>, u16)>,
}

/// One step of a QoS 2 handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for the packets of MQTT 5.0 section 4.3.3")]
pub enum HandshakeChange {
    /// PUBREL came: the packet id is free again.
    InboundReleased { client_id: Arc<str>, packet_id: u16 },
    /// A QoS 2 PUBLISH goes out.
    OutboundSent { client_id: Arc<str>, packet_id: u16, message_id: u64 },
    /// PUBREC came: from here on only PUBREL is sent again.
    OutboundReceived { client_id: Arc<str>, packet_id: u16 },
    /// PUBCOMP came.
    OutboundDone { client_id: Arc<str>, packet_id: u16 },
    /// The session ended: all its handshakes go.
    Forget { client_id: Arc<str> },
}

/// A handshake that was open when the hub stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for what they are")]
pub struct StoredHandshake {
    pub client_id: Arc<str>,
    pub packet_id: u16,
    /// The hub is the sender.
    pub outbound: bool,
    pub message_id: u64,
    /// Outbound: PUBREC was seen.
    pub released: bool,
}

/// A question about the past.
#[derive(Debug, Clone, Default)]
pub struct HistoryQuery {
    /// Exactly this topic.
    pub topic: Option<String>,
    /// Topics this filter matches; every topic when neither is given.
    pub filter: Option<TopicFilter>,
    /// Only ids below this.
    pub before: Option<u64>,
    /// Most messages to return.
    pub limit: usize,
}

/// A piece of the past.
#[derive(Debug, Clone)]
pub struct History {
    /// Newest first.
    pub messages: Vec<Message>,
    /// Ask again with this `before` for older ones; `None` when there are none. The search looks at a bounded
    /// number of rows, so there may be older ones even when fewer than `limit` were found.
    pub next_before: Option<u64>,
}

/// What the journal knows about one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicLast {
    /// Topic name.
    pub topic: Arc<str>,
    /// Messages since the topic was first seen.
    pub count: u64,
    /// Journal id of the newest.
    pub last_id: u64,
    /// Its time, UTC ms.
    pub last_time_ms: i64,
}

/// What the journal counts; shown to the owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalCounters {
    /// Rows written.
    pub rows: u64,
    /// Groups written.
    pub groups: u64,
    /// Rows pruned because they were too old or too many.
    pub pruned: u64,
    /// Of these, rows a reader had not read yet: it was too far behind.
    pub pruned_unread: u64,
    /// QoS 0 messages that were delivered but not kept, because the queue to the disk was full.
    pub not_kept: u64,
    /// Drafts refused because the queue to the disk was full.
    pub refused: u64,
}

/// The journal.
pub struct Journal {}

#[allow(unused_variables, clippy::todo, missing_docs)]
impl Journal {
    /// Opens `journal.db`, brings the retained messages up to date with it, and starts the writer.
    pub fn open(path: &Path, config: JournalConfig, retained: RetainedSink) -> Result<Self> {
        todo!()
    }
    /// Takes the drafts, gives each an id and a time, queues the rows and pushes the messages to `out`.
    /// Never waits for the disk. `waiter` is woken once, after the group that holds the rows is durable.
    ///
    /// Drafts that are still in `drafts` afterwards were refused because the queue is full ([`Journal::failure`]
    /// says why it does not empty).
    pub fn append(
        &self,
        drafts: &mut Vec<JournalDraft>,
        out: &mut Vec<Arc<Message>>,
        waiter: Option<&Arc<Notify>>,
    ) {
        todo!()
    }
    pub fn durable(&self) -> u64 {
        todo!()
    }
    pub fn backlog(&self) -> usize {
        todo!()
    }
    pub async fn backlog_low(&self) {
        todo!()
    }
    pub fn failure(&self) -> Option<String> {
        todo!()
    }
    pub fn counters(&self) -> JournalCounters {
        todo!()
    }
    /// Returns the operation's number: it is durable when [`Journal::durable_ops`] has reached it.
    pub fn handshake(&self, change: HandshakeChange, waiter: Option<&Arc<Notify>>) -> u64 {
        todo!()
    }
    pub fn durable_ops(&self) -> u64 {
        todo!()
    }
    pub fn load_handshakes(&self) -> Result<Vec<StoredHandshake>> {
        todo!()
    }
    /// In id order, from `from` (inclusive). Blocks.
    pub fn read(&self, from: u64, limit: usize) -> Result<Vec<Message>> {
        todo!()
    }
    pub fn message(&self, id: u64) -> Result<Option<Message>> {
        todo!()
    }
    pub fn history(&self, query: &HistoryQuery) -> Result<History> {
        todo!()
    }
    pub fn topics(&self) -> Result<Vec<TopicLast>> {
        todo!()
    }
    /// Asks the writer to bring the journal within its bounds, in small steps while it is idle.
    /// `lowest_cursor`: every reader has read up to here.
    pub fn prune(&self, now_ms: i64, lowest_cursor: u64) {
        todo!()
    }
    /// New bounds (settings).
    pub fn set_bounds(&self, days_max: u32, bytes_max: u64) {
        todo!()
    }
    /// Resolves when all that was queued before is durable, or with the reason why it is not.
    pub fn flush(&self) -> Written<()> {
        todo!()
    }
    /// Writes what is queued and closes the file.
    pub fn close(self) -> Result<()> {
        todo!()
    }
}
