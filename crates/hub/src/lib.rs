//! The wiring of Hearth: broker, store, devices and automations become one hub with one API and three doors.
//!
//! | module | noun |
//! |---|---|
//! | [`api`] | the list of methods and streams, and what they do |
//! | [`http`] | the HTTP door |
//! | [`cli`] | the command line |
//! | [`start`] | how a hub comes up and goes down |
//! | [`ingest`] | the reader of the bus that keeps the home up to date |
//! | [`scripts`] | automations as files |
//! | [`profiles`] | firmware profiles: Hearth's own and the owner's files |
//! | [`pictures`] | the last pictures of cameras and images |
//! | [`access`], [`credential`] | who may come in, and secrets |
//! | [`ledger`], [`watch`] | what the gate needs of the rest |
//! | [`listeners`], [`certificates`], [`limits`] | the ways in to the broker, its certificate, its limits |
//! | [`network`], [`mdns`], [`doctor`] | the address boards are told, announcing it, looking why they do not come |
//! | [`pairing`] | bringing boards in |
//! | `proposals` | own sketches: what the journal gives away about boards that do not announce themselves |
//! | `asking` | asking boards to announce themselves again |
//! | [`activity`], [`frames`] | what people and watchers are told |
//! | [`refusals`] | what the broker refused, and the rule that would allow it |
//! | `command`, [`guard`] | commands on their way, and what is held back of them |
//! | [`learning`] | what credentials were seen doing, and the tightest rules for it |
//! | [`device_log`] | what happened to a device |
//! | [`client_log`], [`trouble`] | what happened to a client, and why it cannot do what it tries |
//! | [`rates`] | how much is going on |
//! | [`health`] | how devices are |
//! | `replacing` | a new board in the place of another |
//! | `ghosts` | retained messages of boards that are gone |
//! | [`demo`] | the demo home |
//! | [`memory`] | the programs' allocator |

pub mod access;
pub mod activity;
pub mod api;
mod asking;
pub mod boards;
pub mod certificates;
pub mod cli;
pub mod client_log;
pub mod clock;
mod command;
pub mod credential;
pub mod dashboard;
pub mod data_dir;
pub mod demo;
pub mod descriptors;
pub mod device_log;
pub mod doctor;
mod folder;
pub mod frames;
mod ghosts;
pub mod guard;
mod guesses;
pub mod health;
pub mod hex;
pub mod http;
pub mod ingest;
pub mod learning;
pub mod ledger;
pub mod limits;
pub mod listeners;
pub mod logging;
mod masking;
pub mod mdns;
pub mod memory;
pub mod network;
pub mod pairing;
mod permissions;
pub mod pictures;
pub mod profiles;
mod proposals;
pub mod rates;
pub mod refusals;
mod removing;
mod replacing;
pub mod scripts;
pub mod start;
pub mod trouble;
pub mod views;
pub mod watch;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use broker::{Draft, Gate, NotPublished};
use bytes::Bytes;
use devices::Home;
use model::{Cause, Message, Publisher, QoS};
use parking_lot::{Mutex, RwLock};
use store::{HubDb, Journal, ReadingsDb};
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use access::Credentials;
use activity::ActivityLog;
use api::types::ClientView;
use asking::Asking;
use certificates::Certificates;
use client_log::ClientLog;
use data_dir::DataDir;
use device_log::DeviceLog;
use frames::Watchers;
use guard::RelayGuard;
use health::Healths;
use learning::Learning;
use limits::Limits;
use listeners::{Given, Listeners};
use mdns::Mdns;
use network::{BoardAddress, ToldAddress};
use pairing::Pairings;
use pictures::Pictures;
use profiles::Profiles;
use rates::{ClientRates, History};
use refusals::Refusals;
use scripts::Scripts;

pub use broker::Transport;
pub use data_dir::default_data_dir;
pub use start::StartError;

/// Port of the broker unless told otherwise: what every board tries first.
pub const MQTT_PORT: u16 = 1883;
/// Port of MQTT over TLS unless told otherwise.
pub const MQTTS_PORT: u16 = 8883;
/// Port of MQTT over WebSocket unless told otherwise.
pub const WS_PORT: u16 = 8083;
/// Port of MQTT over secure WebSocket unless told otherwise.
pub const WSS_PORT: u16 = 8084;
/// Port of the HTTP door unless told otherwise.
pub const HTTP_PORT: u16 = 8460;

/// Longest wait of a question for the messages that came before it.
const INGESTED_WAIT: Duration = Duration::from_secs(2);

/// How a hub is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where the broker listens, as far as it goes before the setting; `None` opens no socket, for commands on a
    /// stopped hub.
    pub mqtt: Option<Given>,
    /// Where the HTTP door listens; `None` keeps it shut.
    pub http: Option<SocketAddr>,
    /// Keeps the hub off the network: listeners on loopback only, nothing announced or searched.
    pub local_only: bool,
}

/// A running hub.
pub struct Hub {
    options: Options,
    data: DataDir,
    started_ms: i64,
    gate: Gate,
    home: RwLock<Home>,
    journal: Arc<Journal>,
    db: Arc<HubDb>,
    readings: Arc<ReadingsDb>,
    credentials: Arc<Credentials>,
    owners: Vec<(String, [u8; 32])>,
    activity: Arc<ActivityLog>,
    watchers: Arc<Watchers>,
    refusals: Arc<Refusals>,
    learning: Arc<Learning>,
    client_log: Arc<ClientLog>,
    device_log: Arc<DeviceLog>,
    health: Healths,
    client_rates: Arc<ClientRates>,
    history: History,
    scripts: OnceLock<Scripts>,
    limits: Mutex<Limits>,
    /// Why the system allows fewer connections than were set.
    too_few_files: Option<String>,
    listeners: Listeners,
    certificates: Arc<Certificates>,
    mdns: Mdns,
    told_address: ToldAddress,
    pairings: Arc<Pairings>,
    profiles: Arc<Profiles>,
    pictures: Arc<Pictures>,
    asking: Arc<Asking>,
    /// Somebody came in, for whom commands may wait.
    came: Arc<tokio::sync::Notify>,
    guard: Arc<RelayGuard>,
    /// Whoever changes how the broker is reached holds it.
    changing: tokio::sync::Mutex<()>,
    /// Whoever accepts or dismisses a proposal holds it.
    proposing: tokio::sync::Mutex<()>,
    /// What the journal gave away last.
    looking: proposals::Looking,
    demo: tokio::sync::Mutex<Option<demo::Demo>>,
    http: OnceLock<SocketAddr>,
    ingest: Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Journal id up to which the home is up to date.
    ingested: tokio::sync::watch::Sender<u64>,
    /// The hub stops: no more doors.
    closing: CancellationToken,
    /// The gate has stopped and what it accepted was read: no more readers.
    ended: CancellationToken,
    tasks: TaskTracker,
}

impl Hub {
    /// The clients, in order of id, with their rates and whether they are in trouble.
    pub(crate) fn clients(&self) -> Arc<Vec<ClientView>> {
        let now_ms = clock::now_ms();
        let told = |client: &broker::ClientInfo| self.credentials.told_client(client);
        self.client_rates.look(&self.gate, now_ms, told, || self.in_trouble(now_ms))
    }

    /// The clients with something to act on.
    pub(crate) fn in_trouble(&self, now_ms: i64) -> HashSet<String> {
        let mut ids = self.refusals.in_trouble(now_ms);
        ids.extend(self.client_log.in_trouble(now_ms));
        ids
    }

    /// Addresses of the broker.
    pub fn mqtt_addresses(&self) -> Vec<SocketAddr> {
        self.gate.addresses()
    }

    /// Address of the HTTP door, if it is open.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.get().copied()
    }

    /// The folder.
    pub fn data_dir(&self) -> &DataDir {
        &self.data
    }

    /// Cancelled when the hub is told to stop.
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Whether it has sockets, and is not only the folder of a stopped one.
    pub(crate) fn runs(&self) -> bool {
        self.options.mqtt.is_some()
    }

    /// What to type into a board.
    pub fn board_address(&self) -> BoardAddress {
        network::board_address(&self.gate.listeners())
    }

    /// The name of the owner whose token this is. Every token is compared, each in constant time.
    pub fn owner_of_token(&self, token: &str) -> Option<String> {
        let hash = credential::token_hash(token);
        let mut found = None;
        for (name, known) in &self.owners {
            if bool::from(known.ct_eq(&hash)) {
                found = Some(name.clone());
            }
        }
        found
    }

    fn scripts(&self) -> &Scripts {
        self.scripts.get().expect("the scripts are set before anything that uses them is started")
    }

    /// Resolves when the home knows every message that is durable now, or after [`INGESTED_WAIT`]: a hub that
    /// is that far behind answers with what it has.
    async fn ingested(&self) {
        let wanted = self.journal.durable();
        let mut ingested = self.ingested.subscribe();
        let _ = tokio::time::timeout(INGESTED_WAIT, ingested.wait_for(|id| *id >= wanted)).await;
    }

    /// Deletes the pictures of entities that are gone for good. They are gone when this returns.
    pub(crate) async fn forget_pictures(&self, entities: Vec<String>) {
        let pictures = self.pictures.clone();
        let forget = move || entities.iter().for_each(|entity| pictures.forget(entity));
        let _ = tokio::task::spawn_blocking(forget).await;
        self.pictures.written().await;
    }

    /// A setting, if it was ever changed.
    /// Reads the database, so not on an async worker.
    fn setting(&self, key: &str) -> Result<Option<serde_json::Value>, store::StoreError> {
        self.db.read(|conn| store::setting::get(conn, key))
    }

    /// Publishes in Hearth's own name: journal, bus and subscribers. Never waits. What the relay guard held back has
    /// a line already.
    fn publish(
        &self,
        publisher: Publisher,
        topic: String,
        payload: Bytes,
        qos: QoS,
        retain: bool,
        cause: Option<Cause>,
    ) -> Result<Arc<Message>, NotPublished> {
        let draft = Draft {
            topic: topic.into(),
            payload,
            qos,
            retain,
            publisher: Arc::new(publisher),
            cause,
            properties: None,
            inbound_qos2: None,
        };
        self.gate.publish_one(draft)
    }
}
