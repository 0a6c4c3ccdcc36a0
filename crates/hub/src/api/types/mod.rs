//! What travels through the API's doors: the parameters and results of the methods in [`super::calls`].

use model::{Device, Entity, RunRecord, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! api_types {
    ($($(#[$meta:meta])* $vis:vis $kind:ident $name:ident $body:tt)*) => {
        $(
            #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, TS)]
            $(#[$meta])*
            $vis $kind $name $body
        )*
    };
}

mod access;
mod broker;
mod command;
mod device_log;
mod ghosts;
mod guard;
mod health;
mod home;
mod pairing;
mod pictures;
mod profiles;
mod proposals;
mod readings;
mod replacing;
mod scripts;
mod several;
mod topics;
pub use access::*;
pub use broker::*;
pub use command::*;
pub use device_log::*;
pub use ghosts::*;
pub use guard::*;
pub use health::*;
pub use home::*;
pub use pairing::*;
pub use pictures::*;
pub use profiles::*;
pub use proposals::*;
pub use readings::*;
pub use replacing::*;
pub use scripts::*;
pub use several::*;
pub use topics::*;

api_types! {
/// No parameters, or nothing to say beyond "done".
#[derive(Default)]
pub struct Empty {}

/// What went wrong, for a program and for a person.
#[derive(PartialEq, Eq)]
pub struct ApiError {
    /// What a program may branch on.
    pub code: ErrorCode,
    /// What happened, why if known, and what to do.
    pub message: String,
}

/// Kinds of error that a caller treats differently.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The thing named does not exist.
    NotFound,
    /// The parameters cannot be used; nothing was changed.
    Invalid,
    /// The caller may not do this.
    Denied,
    /// The name is taken, or the thing is in a state that forbids it.
    Conflict,
    /// Too much at once; try again.
    Busy,
    /// Hearth failed; the message says where to look.
    Internal,
}

/// About this hub.
pub struct Info {
    /// Version of Hearth.
    pub version: String,
    /// Where everything is kept.
    pub data_dir: String,
    /// Addresses the broker listens on for plain MQTT.
    pub mqtt: Vec<String>,
    /// Address for MQTT over TLS, when that is open.
    pub mqtts: Option<String>,
    /// Address for MQTT over WebSocket, when that is open.
    pub ws: Option<String>,
    /// Address for MQTT over secure WebSocket, when that is open.
    pub wss: Option<String>,
    /// Host and port to type into a board.
    pub board_host: String,
    /// MQTT port to type into a board.
    pub board_port: u16,
    /// Why boards cannot reach that address, if they cannot.
    pub board_warning: Option<String>,
    /// Address of the HTTP door, if it is open.
    pub http: Option<String>,
    /// When the hub started, UTC ms.
    pub started_ms: i64,
    /// The hub's clock, UTC ms.
    pub now_ms: i64,
    /// The demo home is running.
    pub demo: bool,
    /// Numbers to watch.
    pub counters: Counters,
    /// What is not as it should be, in words; empty when all is well.
    pub troubles: Vec<String>,
}

/// Counted since the hub started.
#[derive(Default)]
pub struct Counters {
    /// Messages accepted from clients.
    pub messages_in: u64,
    /// Messages delivered to clients.
    pub messages_out: u64,
    /// Messages dropped, for whatever reason; each reason has a line in the activity.
    pub dropped: u64,
    /// Logins and messages refused.
    pub refused: u64,
    /// Clients connected now.
    pub clients: u64,
    /// Readings stored, in all.
    pub readings: u64,
    /// Rows accepted and not yet on disk.
    pub journal_backlog: u64,
}

/// Names one thing.
pub struct ById {
    /// Its id.
    pub id: String,
}

/// A new name for one thing.
pub struct Rename {
    /// Its id.
    pub id: String,
    /// The new name, 1 to 100 characters.
    pub name: String,
}

/// A name for something new.
pub struct Named {
    /// The name, 1 to 100 characters.
    pub name: String,
}

/// How much a line of the activity matters.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Somebody should look at it.
    Warning,
    /// Something does not work.
    Error,
}

/// Something that happened.
pub struct ActivityLine {
    /// Rising.
    pub id: u64,
    /// UTC ms.
    pub time_ms: i64,
    /// How much it matters.
    pub level: Level,
    /// What it is about: `client`, `device`, `automation`, `command`, `credential`, `hub`.
    pub about: String,
    /// Id of that thing.
    pub subject: Option<String>,
    /// What happened, and what to do if something must be done.
    pub text: String,
}

/// Which activity to list.
#[derive(Default)]
#[serde(default)]
pub struct ListActivity {
    /// Only lines before this id.
    pub before: Option<u64>,
    /// At most this many; 100 unless said otherwise, at most 1,000.
    pub limit: Option<u32>,
}

/// Activity.
pub struct Activity {
    /// Newest first.
    pub lines: Vec<ActivityLine>,
}

/// A setting by name.
pub struct ByKey {
    /// Name.
    pub key: String,
}

/// A setting.
pub struct Setting {
    /// Name.
    pub key: String,
    /// Value; `null` is the default.
    #[ts(type = "unknown")]
    pub value: serde_json::Value,
}

/// What changed since the last frame; one every 16 ms at most.
#[derive(Default)]
pub struct Frame {
    /// Entities whose state changed, each with its newest state.
    pub states: Vec<EntityState>,
    /// Entities whose newest command came to another stage.
    pub commands: Vec<EntityCommand>,
    /// New or changed devices.
    pub devices: Vec<Device>,
    /// New or changed entities.
    pub entities: Vec<Entity>,
    /// Ids of devices that are gone.
    pub devices_removed: Vec<String>,
    /// Ids of entities that are gone.
    pub entities_removed: Vec<String>,
    /// The areas changed: ask for the home again.
    pub areas_changed: bool,
    /// Automations changed: ask for the list again.
    pub automations_changed: bool,
    /// Clients that just logged in.
    pub connected: Vec<ClientView>,
    /// Clients that just left, by id.
    pub disconnected: Vec<String>,
    /// Finished runs.
    pub runs: Vec<RunRecord>,
    /// What scripts said.
    pub script_log: Vec<ScriptLogLine>,
    /// New activity.
    pub activity: Vec<ActivityLine>,
    /// Too much happened at once and something was left out: ask for everything again.
    pub resync: bool,
}

/// An entity's newest state.
pub struct EntityState {
    /// Entity id.
    pub entity: String,
    /// The state.
    pub state: State,
}
}
