//! What the gate tells about itself.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use model::{Permissions, QoS};
use serde::{Deserialize, Serialize};

use crate::ledger::StoredSubscription;
use crate::transport::Transport;

/// Takes events; must never block. `hub` puts them on a bounded channel.
pub trait Watch: Send + Sync + 'static {
    /// Something happened at the gate.
    fn seen(&self, event: GateEvent);
}

/// Bytes of a topic that are told of a denial; a longer one is cut, and `…` put behind it.
pub const TOLD_TOPIC_BYTES_MAX: usize = 1_024;

/// Why a connection ended whose client id came again.
pub const TAKEN_OVER: &str = "another connection came with the same client id";

/// What a client tried without permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Publishing.
    Publish,
    /// Having this last will, at the login.
    Will {
        /// It was let in without it: before MQTT 5 there is no code to be refused with.
        let_in: bool,
    },
    /// Subscribing.
    Subscribe,
    /// Being delivered a message.
    Receive,
}

/// At what a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedAt {
    /// At the door: wrong secret, no permission, no place for its session.
    Login,
    /// It broke the protocol.
    Protocol,
    /// At a limit.
    Limit,
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
    /// A connection was refused or thrown out before or at login, or for breaking the protocol, or is held up at a
    /// limit. The same is told again with its count after some seconds, ever new ones of one address at a bounded
    /// rate.
    Refused {
        /// At what.
        at: RefusedAt,
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
        /// How often the same happened since it was told last, this time included.
        count: u64,
        /// How many other refusals of its address this event stands for.
        more: u64,
        /// How long ago the last of them was, ms.
        ago_ms: u32,
    },
    /// A client tried what its permissions do not allow. The same is told again with its count after some seconds;
    /// the first few different things of a session at once, then at most one event a second.
    Denied {
        /// MQTT client id.
        client_id: String,
        /// Name of the credential.
        user: String,
        /// Where it is connected from, if it is.
        peer: Option<SocketAddr>,
        /// Topic or topic filter, cut to [`TOLD_TOPIC_BYTES_MAX`].
        topic: String,
        /// What it tried.
        action: Action,
        /// How often the same was denied since it was told last, this time included.
        count: u64,
        /// How many other things it was denied since the last event.
        more: u64,
        /// How long ago the last of them was, ms.
        ago_ms: u32,
    },
    /// The guard held a message back: of a client, a last will, or Hearth itself. Told again as a denial is.
    Held {
        /// MQTT client id; of Hearth's own messages the part of it.
        client_id: String,
        /// Name of the credential.
        user: String,
        /// Where it is connected from, if it is.
        peer: Option<SocketAddr>,
        /// Topic, cut to [`TOLD_TOPIC_BYTES_MAX`].
        topic: String,
        /// The guard's words.
        why: String,
        /// How often the same was held back since it was told last, this time included.
        count: u64,
        /// How many others of this client were held back since the last event.
        more: u64,
        /// How long ago the last of them was, ms.
        ago_ms: u32,
    },
    /// A client whose credential learns did something for the first time since it connected, or since the learning
    /// began.
    Learned {
        /// MQTT client id.
        client_id: String,
        /// Name of the credential.
        user: String,
        /// What it did: publish or subscribe.
        action: Action,
        /// Topic, or topic filter without `$share`.
        topic: String,
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
    /// How it is connected; `None` while it sleeps.
    pub transport: Option<Transport>,
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
    /// How many filters it is subscribed to.
    pub subscription_count: usize,
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
    /// Publishes, subscriptions and deliveries it was denied since it connected.
    pub denied: u64,
    /// Its credential learns: whatever it does is allowed and told.
    pub learning: bool,
}

/// Whether a message would come to a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Somebody who hears it is connected.
    Heard,
    /// A client of its credential is connected, but does not hear it, perhaps not yet.
    Deaf,
    /// It is not connected, but has a session that hears it and waits: until when, UTC ms; `None` for ever.
    Kept {
        /// UTC ms.
        until_ms: Option<i64>,
    },
    /// Nobody who hears it is connected, and no session waits.
    Nobody,
}

/// Everything about one client that is not asked for every second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientDetail {
    /// What the list shows.
    pub info: ClientInfo,
    /// Its subscriptions, by filter.
    pub subscriptions: Vec<StoredSubscription>,
    /// Its will; of a sleeping client only one that waits for its delay.
    pub will: Option<WillInfo>,
    /// What it may do, placeholders filled in; `None` for a session restored and not yet seen.
    pub permissions: Option<Arc<Permissions>>,
}

/// What is published when a client vanishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WillInfo {
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: Bytes,
    /// Quality of service.
    pub qos: QoS,
    /// Whether it is retained.
    pub retain: bool,
    /// Seconds it waits after the connection ended.
    pub delay_s: u32,
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
    /// Of those, at the TLS or WebSocket handshake.
    pub handshakes_failed: u64,
    /// Of those, because their address had too many open.
    pub over_address_limit: u64,
    /// Of those, because their address opened them too fast.
    pub over_connect_rate: u64,
    /// Messages accepted from clients.
    pub messages_in: u64,
    /// Messages of Hearth itself.
    pub messages_own: u64,
    /// Messages written to clients.
    pub messages_out: u64,
    /// Packets of every kind from clients.
    pub packets_in: u64,
    /// Packets of every kind to clients.
    pub packets_out: u64,
    /// Payload bytes of `messages_in`.
    pub publish_bytes_in: u64,
    /// Payload bytes of `messages_out`.
    pub publish_bytes_out: u64,
    /// Lasting sessions that ended because their expiry had passed.
    pub sessions_expired: u64,
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
    /// Messages to topics the guard watches, dropped because they would have reached a client late.
    pub late: u64,
    /// Messages not delivered because their expiry had passed (MQTT 5).
    pub expired: u64,
    /// Messages not delivered because they exceed the receiver's maximum packet size (MQTT 5).
    pub too_large: u64,
    /// Publishes, subscriptions and deliveries without permission.
    pub denied: u64,
    /// Messages the guard held back.
    pub held: u64,
    /// Publishes the journal had no room for; they were not acknowledged.
    pub journal_refused: u64,
    /// Clients closed because they did not read for the write deadline.
    pub write_deadlines: u64,
    /// Clients closed because they sent nothing for 1.5 keepalives.
    pub keepalive_timeouts: u64,
    /// Messages a bus reader missed and read from the journal instead.
    pub bus_gaps: u64,
    /// Times a client was not read for a while because it published faster than its limit.
    pub slowed: u64,
    /// Times the bus was rebuilt.
    pub bus_rebuilds: u64,
    /// Retained messages now.
    pub retained: u64,
    /// Retained messages refused because the table was full.
    pub retained_refused: u64,
}
