//! What travels about the broker: its clients, listeners, refusals, permissions and limits.

use model::Permissions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Level;

api_types! {
/// A way in to the broker.
#[derive(Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// MQTT over TCP.
    Tcp,
    /// MQTT over TLS.
    Tls,
    /// MQTT over WebSocket.
    Ws,
    /// MQTT over WebSocket over TLS.
    Wss,
}

/// A client of the broker, connected or asleep with a session.
#[derive(PartialEq)]
pub struct ClientView {
    /// MQTT client id.
    pub client_id: String,
    /// Credential.
    pub user: String,
    /// Remote address without the port; empty while it sleeps.
    pub address: String,
    /// How it came in; `null` while it sleeps.
    pub transport: Option<Transport>,
    /// `3.1`, `3.1.1` or `5`; empty for a session that was not seen since the start.
    pub version: String,
    /// Since when it is connected, or asleep, UTC ms.
    pub since_ms: i64,
    /// Connected, or a sleeping session.
    pub connected: bool,
    /// Keepalive, s; 0 for none.
    pub keepalive_s: u16,
    /// Seconds its session outlives the connection; 0 ends with it, 4,294,967,295 never ends.
    pub expiry_s: u32,
    /// How many topic filters it is subscribed to.
    pub subscription_count: u32,
    /// Messages waiting for it.
    pub queued: u64,
    /// Bytes of them.
    pub queued_bytes: u64,
    /// QoS 1 and 2 messages sent to it and not acknowledged.
    pub in_flight: u32,
    /// Messages it sent since it connected.
    pub messages_in: u64,
    /// Messages it was sent since it connected.
    pub messages_out: u64,
    /// Messages per second it sends, over the last seconds.
    pub rate_in: f64,
    /// Messages per second it is sent, over the last seconds.
    pub rate_out: f64,
    /// Messages it missed at a limit.
    pub dropped: u64,
    /// What it was refused since it connected: publishes, subscriptions, deliveries.
    pub denied: u64,
    /// Its credential is in learning mode.
    pub learning: bool,
    /// There is something to act on: it was denied something lately that no rule allows yet, it lost messages, it
    /// is at a limit, or another device uses its client id.
    pub in_trouble: bool,
}

/// Clients.
pub struct Clients {
    /// In order of client id.
    pub clients: Vec<ClientView>,
}

/// What became of the clients since the frame before, about once a second. The first frame has them all.
pub struct ClientsFrame {
    /// New ones and those that changed.
    pub changed: Vec<ClientView>,
    /// Client ids that are gone.
    pub gone: Vec<String>,
}

/// One client.
pub struct ByClient {
    /// MQTT client id.
    pub client_id: String,
}

/// Clients that are gone, to find.
pub struct FindGone {
    /// Part of the client id, whatever the case.
    pub text: String,
    /// How many at most; 5 when left out, at most 50.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A client that was here, or tried to come in, and has no session.
pub struct GoneClient {
    /// MQTT client id.
    pub client_id: String,
    /// When something was noted of it last, UTC ms.
    pub last_ms: i64,
    /// What.
    pub text: String,
}

/// Clients that are gone.
pub struct GoneClients {
    /// The newest first.
    pub clients: Vec<GoneClient>,
}

/// The will of a client, published when it vanishes.
pub struct WillView {
    /// Topic.
    pub topic: String,
    /// Payload as text; what is no UTF-8 is shown with replacement characters.
    pub payload: String,
    /// 0, 1 or 2.
    pub qos: u8,
    /// Whether it is retained.
    pub retain: bool,
    /// Seconds it waits after the connection ended.
    pub delay_s: u32,
}

/// A subscription of a client.
pub struct SubscriptionView {
    /// The filter as the client wrote it, `$share/…` included.
    pub filter: String,
    /// Highest QoS it wants.
    pub qos: u8,
    /// MQTT 5: its own messages are not sent back.
    pub no_local: bool,
    /// MQTT 5: the identifier its messages carry.
    pub identifier: Option<u32>,
}

/// A line of a client's log.
pub struct ClientEvent {
    /// When, UTC ms.
    pub time_ms: i64,
    /// How bad.
    pub level: Level,
    /// `connected`, `disconnected`, `refused`, `denied`, `held`, `dropped`.
    pub kind: String,
    /// What happened and why, in words.
    pub text: String,
}

/// Everything about one client.
pub struct ClientDetail {
    /// The client; `null` when it is neither connected nor asleep, and only its log is left.
    pub client: Option<ClientView>,
    /// Its subscriptions, in order.
    pub subscriptions: Vec<SubscriptionView>,
    /// Its will.
    pub will: Option<WillView>,
    /// What its credential may do.
    pub permissions: Option<Permissions>,
    /// Why it cannot do what it tries, in one sentence, if there is anything: the newest thing to act on.
    pub trouble: Option<String>,
    /// What it was refused, newest first.
    pub refusals: Vec<Refusal>,
    /// Its log, newest first.
    pub log: Vec<ClientEvent>,
}

/// What was refused.
#[derive(Copy, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// It was not let in.
    Login,
    /// A publish.
    Publish,
    /// A subscription.
    Subscribe,
    /// A message for it.
    Receive,
    /// It broke the protocol.
    Protocol,
    /// It met a limit.
    Limit,
    /// Its last will, at its login.
    Will,
    /// Two devices use the same client id and throw each other out.
    Duplicate,
    /// A publish that the relay guard held back.
    Guard,
}

/// Something the broker refused. The same again is counted, not repeated.
pub struct Refusal {
    /// Rises with each new one.
    pub id: u64,
    /// What.
    pub kind: RefusalKind,
    /// The first time, UTC ms.
    pub first_ms: i64,
    /// The last time, UTC ms.
    pub last_ms: i64,
    /// How often.
    pub count: u64,
    /// MQTT client id, if it was said.
    pub client_id: Option<String>,
    /// Credential, if it was said.
    pub user: Option<String>,
    /// Remote address without the port, if known.
    pub address: Option<String>,
    /// Topic or topic filter, for publish, subscribe, receive, will and guard.
    pub topic: Option<String>,
    /// Why, in words: the rule that said no.
    pub why: String,
    /// What to do about it, in words.
    pub advice: String,
    /// The smallest rule that would allow it; `null` where a rule would not help.
    pub proposal: Option<Proposal>,
    /// The present rules allow it: there is nothing left to do.
    pub settled: bool,
}

/// A rule to add to a credential.
#[derive(PartialEq, Eq)]
pub struct Proposal {
    /// Credential.
    pub name: String,
    /// Whether it is about writing (publishing), or about reading (subscribing and receiving).
    pub write: bool,
    /// Topic filter.
    pub filter: String,
}

/// Which refusals.
#[derive(Default)]
pub struct ListRefusals {
    /// Only of this client.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Only of this credential.
    #[serde(default)]
    pub user: Option<String>,
    /// Only those whose client id, credential or address contains this text, in any case.
    #[serde(default)]
    pub search: Option<String>,
    /// At most this many; 100 unless said, 1,000 at most.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Refusals.
pub struct Refusals {
    /// Newest first.
    pub refusals: Vec<Refusal>,
}

/// New permissions of a credential. They hold at once, for connections that are open too.
pub struct SetPermissions {
    /// Credential.
    pub name: String,
    /// What it may write and read; `%u` and `%c` stand for user and client id.
    pub permissions: Permissions,
}

/// Begins or ends the learning mode of a credential.
pub struct Learn {
    /// Credential.
    pub name: String,
    /// Begin, or end.
    pub on: bool,
}

/// A topic or filter that a learning credential used.
pub struct LearnedTopic {
    /// Topic it published to, or filter it subscribed to.
    pub topic: String,
    /// How many times that was noticed; at least once per connection.
    pub count: u64,
    /// The last time, UTC ms.
    pub last_ms: i64,
    /// Whether the present permissions allow it without learning.
    pub allowed: bool,
}

/// What a credential was seen doing while it learned.
pub struct Learned {
    /// Credential.
    pub name: String,
    /// Learning now.
    pub on: bool,
    /// Since when, UTC ms.
    pub since_ms: Option<i64>,
    /// When it ends by itself, UTC ms.
    pub until_ms: Option<i64>,
    /// Topics it published to, in order.
    pub written: Vec<LearnedTopic>,
    /// Filters it subscribed to, in order.
    pub read: Vec<LearnedTopic>,
    /// More was seen than is remembered; the proposal may be too tight.
    pub incomplete: bool,
    /// The tightest permissions that cover all of it.
    pub proposal: Permissions,
}

/// A listener of the broker.
pub struct ListenerView {
    /// Way in.
    pub transport: Transport,
    /// Switched on.
    pub on: bool,
    /// Address and port as they were set.
    pub address: String,
    /// Address and port it listens on now; `null` when it does not.
    pub listening: Option<String>,
    /// Why it does not listen although it is switched on, and what to do.
    pub trouble: Option<String>,
    /// What clients of this way in connect to, such as `mqtts://192.168.1.7:8883`.
    pub url: Option<String>,
    /// The address was given on the command line, which goes before the setting at each start. Setting the
    /// listener holds at once all the same.
    pub from_command_line: bool,
}

/// A listener to set. It holds at once; the other listeners and all connections stay.
pub struct SetListener {
    /// Way in.
    pub transport: Transport,
    /// On or off.
    pub on: bool,
    /// Address and port, such as `0.0.0.0:8883`.
    pub address: String,
}

/// The broker's certificate.
pub struct CertificateView {
    /// Made by Hearth's own authority, or brought by the owner.
    pub own: bool,
    /// Names and addresses it is for.
    pub names: Vec<String>,
    /// Valid from, UTC ms.
    pub not_before_ms: i64,
    /// Valid until, UTC ms.
    pub not_after_ms: i64,
    /// SHA-1 of the certificate, `AA:BB:…`: what `setFingerprint` of an ESP8266 wants.
    pub sha1: String,
    /// SHA-256 of the certificate.
    pub sha256: String,
    /// SHA-1 fingerprint of the public key in the form Tasmota's `MqttFingerprint` compares; `null` for a kind of
    /// key Tasmota does not know.
    pub tasmota: Option<String>,
    /// The authority's certificate, PEM: what clients that check the chain need. `null` with a brought
    /// certificate.
    pub authority_pem: Option<String>,
    /// What is not as it should be, such as an address the certificate does not name, and what to do.
    pub trouble: Option<String>,
}

/// A certificate to use instead of Hearth's own.
pub struct BringCertificate {
    /// Certificate chain, PEM, the server's first; empty to go back to Hearth's own.
    pub certificate_pem: String,
    /// Private key, PEM.
    pub key_pem: String,
}

/// Settings of TLS.
pub struct TlsSettings {
    /// Records of at most 512 bytes, for boards with small buffers such as an ESP8266. Off unless switched on: an
    /// ESP32 with Mbed TLS before 3.6.3 cannot read a handshake that is spread over several records.
    pub small_records: bool,
    /// What a client's certificate is for.
    pub client_certificates: ClientCertificates,
}

/// What a client's certificate is for.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// Not asked for.
    Off,
    /// A client that shows one of Hearth's authority is logged in as the credential its common name says; without
    /// one it needs a password.
    Optional,
    /// Connections without one are refused.
    Required,
}

/// A certificate for a client, made by Hearth's authority.
pub struct ClientCertificate {
    /// Credential it logs in as.
    pub name: String,
    /// Certificate, PEM.
    pub certificate_pem: String,
    /// Private key, PEM, shown this once.
    pub key_pem: String,
}

/// Announcing by multicast DNS.
pub struct MdnsView {
    /// Switched on.
    pub on: bool,
    /// What is announced, such as `hearth._mqtt._tcp.local`; `null` when nothing is.
    pub announced: Option<String>,
    /// Host name boards can use, such as `myhost.local`.
    pub host: Option<String>,
    /// Why nothing is announced, if it should be.
    pub trouble: Option<String>,
}

/// How the broker is reached.
pub struct BrokerInfo {
    /// The ways in: TCP, TLS, WebSocket, secure WebSocket.
    pub listeners: Vec<ListenerView>,
    /// Its certificate, once one was made: with the first TLS listener.
    pub certificate: Option<CertificateView>,
    /// Settings of TLS.
    pub tls: TlsSettings,
    /// Announcing by multicast DNS.
    pub mdns: MdnsView,
    /// Host to type into a board.
    pub board_host: String,
    /// Port to type into a board.
    pub board_port: u16,
    /// Why boards cannot reach that address, if they cannot.
    pub board_warning: Option<String>,
    /// The address boards were told before it changed, until the owner has seen it.
    pub address_was: Option<String>,
    /// Kept off the network by `--local-only`.
    pub local_only: bool,
}

/// Totals of the broker since the start.
pub struct BrokerTotals {
    /// Clients connected now.
    pub connected: u64,
    /// Sessions without a connection now.
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
    /// Messages dropped, by reason in words, reasons with none left out.
    pub dropped: Vec<DroppedCount>,
    /// Publishes, subscriptions and deliveries without permission.
    pub denied: u64,
    /// Messages the relay guard held back.
    pub held: u64,
    /// Retained messages now.
    pub retained: u64,
    /// Times the bus inside was rebuilt.
    pub bus_rebuilds: u64,
    /// Rows accepted and not yet on disk.
    pub journal_backlog: u64,
}

/// Messages dropped for one reason.
pub struct DroppedCount {
    /// Why, in words.
    pub why: String,
    /// How many.
    pub count: u64,
}

/// Rates over the last hour. Every list has as many values as `times_ms`, oldest first.
pub struct BrokerRates {
    /// End of each span, UTC ms.
    pub times_ms: Vec<i64>,
    /// Length of a span, ms.
    pub span_ms: u32,
    /// Messages accepted per second.
    pub messages_in: Vec<f64>,
    /// Messages delivered per second.
    pub messages_out: Vec<f64>,
    /// Bytes read per second.
    pub bytes_in: Vec<f64>,
    /// Bytes written per second.
    pub bytes_out: Vec<f64>,
    /// Messages dropped per second.
    pub dropped: Vec<f64>,
    /// Logins and messages refused per second.
    pub refused: Vec<f64>,
    /// Clients connected at the end of the span.
    pub clients: Vec<u32>,
}

/// A limit of the broker.
pub struct LimitView {
    /// Its name, such as `connections_max`.
    pub name: String,
    /// What it bounds and what happens there, in words.
    pub help: String,
    /// Unit: `messages`, `bytes`, `ms`, `s`, `per_s`, `count`, `days`.
    pub unit: String,
    /// Its value for this run.
    pub value: u64,
    /// What it will be at the next start, if that was changed.
    pub next: Option<u64>,
    /// Its default.
    pub default: u64,
    /// Least value.
    pub min: u64,
    /// Greatest value.
    pub max: u64,
}

/// The limits of the broker.
pub struct BrokerLimits {
    /// In the order to show them.
    pub limits: Vec<LimitView>,
}

/// A limit to change; it holds from the next start.
pub struct SetLimit {
    /// Its name.
    pub name: String,
    /// The new value; `null` for the default.
    pub value: Option<u64>,
}

/// On or off.
pub struct Switch {
    /// On.
    pub on: bool,
}

/// How a check of the doctor went.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// As it should be.
    Ok,
    /// It works, with a reservation.
    Warning,
    /// It does not work.
    Failed,
    /// Not tried; the text says why.
    Skipped,
}

/// One check of the doctor.
pub struct DoctorCheck {
    /// What was looked at, such as `Port 1883`.
    pub name: String,
    /// How it went.
    pub result: CheckResult,
    /// What was found, in words.
    pub found: String,
    /// What to do, with the exact command where there is one.
    pub advice: Option<String>,
}

/// Whether boards can reach the broker.
pub struct Doctor {
    /// In the order they were made.
    pub checks: Vec<DoctorCheck>,
    /// Host to type into a board.
    pub board_host: String,
    /// Port to type into a board.
    pub board_port: u16,
}
}
