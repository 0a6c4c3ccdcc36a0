//! What the gate tells about itself.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Takes events; must never block. `hub` puts them on a bounded channel.
pub trait Watch: Send + Sync + 'static {
    /// Something happened at the gate.
    fn seen(&self, event: GateEvent);
}

/// What a client tried without permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Publishing, a will included.
    Publish,
    /// Subscribing.
    Subscribe,
    /// Being delivered a message.
    Receive,
}

/// Something that happened at the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GateEvent {
    /// A client logged in.
    Connected(ClientInfo),
    /// A connection ended.
    Disconnected {
        /// MQTT client id.
        client_id: String,
        /// Name of the credential.
        user: String,
        /// Why, in words.
        why: String,
        /// Whether its will is published (at once or after its delay).
        will: bool,
    },
    /// A connection was refused or thrown out before or at login, or for breaking the protocol.
    Refused {
        /// Where it came from.
        peer: SocketAddr,
        /// MQTT client id, when it was said.
        client_id: Option<String>,
        /// User name, when it was said.
        user: Option<String>,
        /// What was refused.
        what: String,
        /// Why.
        why: String,
        /// What to do about it.
        advice: String,
    },
    /// A client tried what its permissions do not allow. Told once per client, action and topic per minute, the
    /// first few of a session at once, then at most once a second.
    Denied {
        /// MQTT client id.
        client_id: String,
        /// Name of the credential.
        user: String,
        /// Topic or topic filter.
        topic: String,
        /// What it tried.
        action: Action,
        /// How many more things it was denied since the last event.
        more: u64,
    },
    /// Messages were dropped at a limit. Told at most once a second per client, with the count since.
    Dropped {
        /// Whose messages.
        client_id: String,
        /// How many since the last such event.
        count: u64,
        /// Which limit, in words.
        why: String,
    },
    /// Messages were not retained because the table is full. Told at most once a second per credential, with the
    /// count since. An MQTT 5 client had its publish refused, everyone else's was delivered all the same.
    RetainedFull {
        /// MQTT client id.
        client_id: String,
        /// Name of the credential.
        user: String,
        /// Topic of the newest of them.
        topic: String,
        /// How many since the last such event.
        count: u64,
        /// Which limit, in words.
        why: String,
    },
    /// The journal cannot write, so QoS 1 and 2 are not acknowledged; `None` when it can again.
    JournalFailing {
        /// What the ledger said.
        why: Option<String>,
    },
    /// The bus inside was rebuilt after its router had failed; its readers continue from the journal.
    BusRebuilt {
        /// How often since the start.
        count: u64,
    },
}

/// A client: connected, or asleep with a persistent session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// MQTT client id.
    pub client_id: Arc<str>,
    /// Name of the credential.
    pub user: Arc<str>,
    /// Where it is connected from; `None` while it sleeps.
    pub peer: Option<SocketAddr>,
    /// MQTT version in words, such as `3.1.1`; empty for a session restored and not yet seen.
    pub version: String,
    /// Keepalive in seconds, 0 for none.
    pub keepalive_s: u16,
    /// When it connected, UTC ms; `None` while it sleeps.
    pub connected_ms: Option<i64>,
    /// When its connection ended, UTC ms; `None` while it is connected.
    pub disconnected_ms: Option<i64>,
    /// Seconds the session outlives the connection; 0 for a clean one, `u32::MAX` for ever.
    pub expiry_s: u32,
    /// Filters it is subscribed to.
    pub subscriptions: Vec<String>,
    /// Messages waiting to be sent.
    pub queued: usize,
    /// Bytes of them.
    pub queued_bytes: usize,
    /// QoS 1 and 2 messages sent and not yet acknowledged.
    pub in_flight: usize,
    /// Messages it published since it connected.
    pub messages_in: u64,
    /// Messages it was sent since it connected.
    pub messages_out: u64,
    /// Messages dropped for it at a limit.
    pub dropped: u64,
}

/// Totals since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Clients connected now.
    pub connected: u64,
    /// Persistent sessions without a connection now.
    pub sleeping: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Connections refused: at a limit, at login, or for breaking the protocol.
    pub refused: u64,
    /// Messages accepted from clients.
    pub messages_in: u64,
    /// Messages of Hearth itself.
    pub messages_own: u64,
    /// Messages written to clients.
    pub messages_out: u64,
    /// Bytes read from sockets.
    pub bytes_in: u64,
    /// Bytes written to sockets.
    pub bytes_out: u64,
    /// QoS 0 messages shed because a subscriber's inbox was full.
    pub shed_qos0: u64,
    /// QoS 1 and 2 messages dropped for a clean session whose inbox was full after the publisher had waited.
    pub dropped_clean: u64,
    /// Oldest messages dropped from the full queue of a persistent session.
    pub dropped_queue: u64,
    /// Messages not delivered because their expiry had passed (MQTT 5).
    pub expired: u64,
    /// Messages not delivered because they exceed the receiver's maximum packet size (MQTT 5).
    pub too_large: u64,
    /// Publishes, subscriptions and deliveries without permission.
    pub denied: u64,
    /// Publishes the journal had no room for; they were not acknowledged.
    pub journal_refused: u64,
    /// Clients closed because they did not read for the write deadline.
    pub write_deadlines: u64,
    /// Clients closed because they sent nothing for 1.5 keepalives.
    pub keepalive_timeouts: u64,
    /// Messages a bus reader missed and read from the journal instead.
    pub bus_gaps: u64,
    /// Times the bus was rebuilt.
    pub bus_rebuilds: u64,
    /// Retained messages now.
    pub retained: u64,
    /// Retained messages refused because the table was full.
    pub retained_refused: u64,
}
