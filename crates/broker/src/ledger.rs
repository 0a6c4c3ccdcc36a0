//! Durable storage as the gate needs it. The gate never knows what is behind it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use model::{Cause, Message, Properties, Publisher, QoS};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// A boxed future, so that the traits of this crate can be used as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A message the gate has accepted and the journal has not numbered yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Topic name, valid by [`model::topic::check_topic`].
    pub topic: Arc<str>,
    /// The payload, untouched.
    pub payload: Bytes,
    /// The QoS it was published with.
    pub qos: QoS,
    /// Whether the publisher asked to retain it.
    pub retain: bool,
    /// Who sent it.
    pub publisher: Arc<Publisher>,
    /// Why, when Hearth knows.
    pub cause: Option<Cause>,
    /// MQTT 5 properties, if there are any.
    pub properties: Option<Arc<Properties>>,
    /// Client id and packet id of a QoS 2 PUBLISH of a persistent session: the store keeps a handshake row
    /// for it in the transaction of the message, so that a repeated PUBLISH after a crash is recognised.
    pub inbound_qos2: Option<(Arc<str>, u16)>,
}

/// Why durable storage could not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(
    /// What happened, why, and what to do, in words.
    pub String,
);

/// A persistent session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSession {
    /// MQTT client id.
    pub client_id: String,
    /// Name of the credential the session belongs to; another credential cannot resume it.
    pub user: String,
    /// Seconds it is kept after the connection ended; `u32::MAX` keeps it for ever.
    pub expiry_s: u32,
    /// Every message up to this journal id is done for this session.
    pub cursor: u64,
    /// When the connection ended, UTC ms; `None` while it is connected.
    pub disconnected_ms: Option<i64>,
    /// What it is subscribed to.
    pub subscriptions: Vec<StoredSubscription>,
}

/// One subscription of a persistent session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSubscription {
    /// The filter as the client wrote it, `$share/…` included.
    pub filter: String,
    /// Highest QoS it wants.
    pub qos: QoS,
    /// Its own messages are not sent back (MQTT 5).
    pub no_local: bool,
    /// The retain flag is passed on as it was published (MQTT 5).
    pub retain_as_published: bool,
    /// 0, 1 or 2: when retained messages are sent (MQTT 5, section 3.8.3.1).
    pub retain_handling: u8,
    /// Subscription identifier (MQTT 5), 1 to 268,435,455.
    pub identifier: Option<u32>,
    /// The subscription sees journal ids from this one on.
    pub since: u64,
    /// Of a shared subscription: what its group owed when this was kept, as far as it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Owed>,
}

/// What a group of shared subscribers has been given and none of them has acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Of the messages up to this journal id the group owes those in `ids`, of later ones perhaps all.
    pub upto: u64,
    /// Journal ids, rising.
    pub ids: Vec<u64>,
}

/// Which of the copies of a message that one client may be sent at the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Copied {
    /// The one as it was published, by a subscription of its own.
    #[default]
    Own,
    /// One it was given as a member of a group.
    Shared,
    /// A retained one, because it subscribed.
    Retained,
}

impl Copied {
    const ALL: [Self; 3] = [Self::Own, Self::Shared, Self::Retained];

    /// As a ledger may keep it.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What was kept; an unknown number is the copy nothing is special about.
    pub fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }
}

/// One step of a QoS 2 handshake of a persistent session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeChange {
    /// A QoS 2 PUBLISH came in. The gate does not send this one: it comes with the message's own row
    /// ([`Draft::inbound_qos2`]).
    InboundReceived {
        /// Whose session.
        client_id: Arc<str>,
        /// The client's packet id.
        packet_id: u16,
        /// Journal id of the message.
        message_id: u64,
    },
    /// PUBREL came in: the packet id is free again, the row goes.
    InboundReleased {
        /// Whose session.
        client_id: Arc<str>,
        /// The client's packet id.
        packet_id: u16,
    },
    /// A QoS 2 PUBLISH is about to be sent under this packet id.
    OutboundSent {
        /// Whose session.
        client_id: Arc<str>,
        /// Our packet id.
        packet_id: u16,
        /// Journal id of the message.
        message_id: u64,
        /// Which copy of it.
        copied: Copied,
    },
    /// PUBREC came in: from here on only PUBREL may be repeated.
    OutboundReceived {
        /// Whose session.
        client_id: Arc<str>,
        /// Our packet id.
        packet_id: u16,
    },
    /// PUBCOMP came in and the session's cursor is durably past the message: the row goes.
    OutboundDone {
        /// Whose session.
        client_id: Arc<str>,
        /// Our packet id.
        packet_id: u16,
    },
}

/// A handshake row as it was found at the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredHandshake {
    /// Whose session.
    pub client_id: String,
    /// The packet id; inbound and outbound ids are separate numberings.
    pub packet_id: u16,
    /// Whether the gate sent the message.
    pub outbound: bool,
    /// Journal id of the message.
    pub message_id: u64,
    /// Outbound: PUBREC was seen. Always false for inbound rows, which end with PUBREL.
    pub released: bool,
    /// Outbound: which copy of the message.
    pub copied: Copied,
}

/// Durable storage as the gate needs it; `hub` implements it over `store`.
pub trait Ledger: Send + Sync + 'static {
    /// Gives each draft its id and time (rising in the order of calls), queues the rows for the group being
    /// filled and moves them from `drafts` to `out`, in order. Never waits for the disk. `waiter` is woken
    /// (`notify_one`) once after the group that holds these rows is durable. What is left in `drafts`, always
    /// the end of it, was refused because the queue is full.
    fn append(&self, drafts: &mut Vec<Draft>, out: &mut Vec<Arc<Message>>, waiter: Option<&Arc<Notify>>);
    /// The highest id such that it and every id below is durable.
    fn durable(&self) -> u64;
    /// Rows queued and not yet written. Above `Limits::journal_backlog_max` the gate stops reading sockets
    /// until [`Ledger::backlog_low`] resolves.
    fn backlog(&self) -> usize;
    /// Whether the rows of the backlog take so much memory that the gate should stop reading, however few they are.
    fn is_heavy(&self) -> bool;
    /// Resolves when the backlog is small again.
    fn backlog_low(&self) -> BoxFuture<'_, ()>;
    /// Why the journal cannot write at present (disk full), in words. While it is set the gate does not
    /// acknowledge QoS 1 and 2.
    fn failure(&self) -> Option<String>;

    /// The persistent sessions, at the start.
    fn load_sessions(&self) -> Vec<StoredSession>;
    /// Keeps a session, its cursor included; resolves after the transaction is durable.
    fn save_session(&self, session: &StoredSession) -> BoxFuture<'static, Result<(), LedgerError>>;
    /// Forgets a session and its handshakes; resolves after the transaction is durable.
    fn delete_session(&self, client_id: &str) -> BoxFuture<'static, Result<(), LedgerError>>;
    /// Moves a session's cursor. Frequent and not waited for: losing a move only repeats QoS 1 messages.
    fn move_cursor(&self, client_id: &str, cursor: u64);

    /// Queues a handshake row behind everything queued before it. It is durable when `waiter` was woken and
    /// [`Ledger::durable_ops`] is at least the returned number.
    fn handshake(&self, change: HandshakeChange, waiter: Option<&Arc<Notify>>) -> u64;
    /// Highest number returned by [`Ledger::handshake`] such that it and everything below is durable.
    fn durable_ops(&self) -> u64;
    /// The open handshakes, at the start.
    fn load_handshakes(&self) -> Vec<StoredHandshake>;

    /// The retained messages, at the start. The store keeps the table itself from rows with `retain` set; an
    /// empty payload removes the topic's message.
    fn load_retained(&self) -> Vec<Arc<Message>>;
    /// Reads the journal in id order from `from` (inclusive), at most `limit` rows. Blocks: call it from
    /// `spawn_blocking`.
    fn read(&self, from: u64, limit: usize) -> Result<Vec<Message>, LedgerError>;
}
