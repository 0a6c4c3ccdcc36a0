//! What travels through the API's doors: the parameters and results of the methods in [`super::calls`].

use model::permission::Permissions;
use model::run::{RunLogLine, ScriptError};
use model::{
    Area, Bucket, Cause, CommandState, Component, Device, Entity, Publisher, QoS, Reading, RunRecord, State,
    Value,
};
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

mod broker;
mod command;
mod device_log;
mod ghosts;
mod guard;
mod health;
mod pairing;
mod pictures;
mod profiles;
mod proposals;
mod replacing;
mod several;
pub use broker::*;
pub use command::*;
pub use device_log::*;
pub use ghosts::*;
pub use guard::*;
pub use health::*;
pub use pairing::*;
pub use pictures::*;
pub use profiles::*;
pub use proposals::*;
pub use replacing::*;
pub use several::*;

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

/// Everything that has a state, at one moment.
pub struct HomeSnapshot {
    /// Registered devices.
    pub devices: Vec<Device>,
    /// Their entities with their states.
    pub entities: Vec<EntityView>,
    /// Areas, in the owner's order.
    pub areas: Vec<Area>,
}

/// An entity and its present state.
pub struct EntityView {
    /// The entity.
    pub entity: Entity,
    /// Its state.
    pub state: State,
    /// Its newest command since the start, or one that waits; `null` if there is none.
    pub command: Option<CommandState>,
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

/// Puts a device into an area.
pub struct MoveDevice {
    /// Device id.
    pub id: String,
    /// Area id; `null` takes it out.
    pub area: Option<String>,
}

/// A name for something new.
pub struct Named {
    /// The name, 1 to 100 characters.
    pub name: String,
}

/// One device with all that belongs to it.
pub struct DeviceDetail {
    /// The device.
    pub device: Device,
    /// Its entities with their states.
    pub entities: Vec<EntityView>,
    /// Topics its entities read, with the newest message of each.
    pub topics: Vec<TopicMessage>,
    /// Its credential, if it has one of its own.
    pub credential: Option<CredentialView>,
    /// Its MQTT connection, if it is connected.
    pub client: Option<ClientView>,
}

/// An entity made by hand from a topic.
pub struct AddEntity {
    /// Topic that carries the value.
    pub topic: String,
    /// Path into a JSON payload, such as `ENERGY.Power` or `values[0].t`; `null` for the whole payload.
    pub path: Option<String>,
    /// Name shown.
    pub name: String,
    /// Unit, if any.
    pub unit: Option<String>,
    /// What it is; `sensor` unless said otherwise.
    pub component: Option<Component>,
    /// Topic that takes `ON` and `OFF`, for a switch.
    pub command_topic: Option<String>,
    /// Device to add it to; `null` makes a new one of the same name.
    pub device: Option<String>,
}

/// Tells an entity to do something.
pub struct Command {
    /// Entity id.
    pub entity: String,
    /// `turn_on`, `turn_off`, `toggle`, `set` or `press`.
    pub verb: String,
    /// What to set it to, for `set`.
    #[serde(default)]
    pub value: Option<Value>,
    /// Further fields by name, such as `brightness`.
    #[serde(default)]
    #[ts(type = "Record<string, unknown>")]
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

/// Readings of one entity in a span of time.
pub struct ReadingsRange {
    /// Entity id.
    pub entity: String,
    /// From, UTC ms, inclusive.
    pub from_ms: i64,
    /// To, UTC ms, exclusive.
    pub to_ms: i64,
    /// At most this many, the oldest first; 10,000 unless said otherwise, at most 100,000.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Readings of one entity.
pub struct Readings {
    /// In order of time.
    pub readings: Vec<Reading>,
    /// There are more in the span than the limit let through.
    pub more: bool,
}

/// Downsampled readings of one entity.
pub struct ReadingsBuckets {
    /// Entity id.
    pub entity: String,
    /// From, UTC ms, inclusive.
    pub from_ms: i64,
    /// To, UTC ms, exclusive.
    pub to_ms: i64,
    /// About how many buckets to divide the span into: 1 to 5,000.
    pub points: u32,
}

/// Downsampled readings.
pub struct Buckets {
    /// Length of one bucket, ms.
    pub bucket_ms: i64,
    /// The buckets that hold readings, in order of time.
    pub buckets: Vec<Bucket>,
}

/// The newest reading of an entity.
pub struct LastReading {
    /// The reading; `null` if there is none.
    pub reading: Option<Reading>,
}

/// How a payload is written in JSON.
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PayloadEncoding {
    /// As text.
    #[default]
    Text,
    /// As hexadecimal digits, because it is no UTF-8.
    Hex,
}

/// A message to publish.
pub struct Publish {
    /// Topic.
    pub topic: String,
    /// Payload, written as `encoding` says.
    pub payload: String,
    /// How the payload is written.
    #[serde(default)]
    pub encoding: PayloadEncoding,
    /// QoS; 0 unless said otherwise.
    #[serde(default)]
    pub qos: QoS,
    /// Whether to retain it.
    #[serde(default)]
    pub retain: bool,
}

/// What became of it.
pub struct Published {
    /// Its journal id.
    pub id: u64,
}

/// One message, as a person looks at it.
pub struct TopicMessage {
    /// Journal id.
    pub id: u64,
    /// UTC ms.
    pub time_ms: i64,
    /// Topic.
    pub topic: String,
    /// Payload, written as `encoding` says, cut at 16 KiB.
    pub payload: String,
    /// How the payload is written.
    pub encoding: PayloadEncoding,
    /// Length of the whole payload, bytes.
    pub bytes: u64,
    /// QoS it was published with.
    pub qos: QoS,
    /// Retained.
    pub retain: bool,
    /// Who sent it.
    pub publisher: Publisher,
    /// Why, when known.
    pub cause: Option<Cause>,
}

/// Which topics to list.
#[derive(Default)]
#[serde(default)]
pub struct ListTopics {
    /// Only topics that contain this text, whatever the case.
    pub search: Option<String>,
    /// Only topics after this one, in order of name.
    pub after: Option<String>,
    /// At most this many; 5,000 unless said otherwise, at most 50,000.
    pub limit: Option<u32>,
}

/// Topics, in order of name.
pub struct Topics {
    /// Each with its newest message.
    pub topics: Vec<TopicView>,
    /// There are more.
    pub more: bool,
}

/// A topic and its newest message.
pub struct TopicView {
    /// How many messages the journal holds of it.
    pub count: u64,
    /// Its newest message.
    pub last: TopicMessage,
    /// A message is retained there.
    pub retained: bool,
}

/// Messages of one topic or filter, newest first.
pub struct TopicHistory {
    /// Topic or topic filter.
    pub topic: String,
    /// Only messages before this journal id.
    #[serde(default)]
    pub before: Option<u64>,
    /// At most this many; 100 unless said otherwise, at most 1,000.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Messages.
pub struct Messages {
    /// Newest first.
    pub messages: Vec<TopicMessage>,
}

/// Live messages of a filter.
pub struct WatchTopics {
    /// Topic filter, such as `#`.
    pub filter: String,
}

/// What arrived since the last frame.
pub struct TopicFrame {
    /// The newest message of each topic that had one.
    pub messages: Vec<TopicMessage>,
    /// How many messages arrived in all.
    pub count: u64,
}

/// A topic.
pub struct ByTopic {
    /// The topic.
    pub topic: String,
}

/// A credential to make.
pub struct AddCredential {
    /// Name, 1 to 64 characters without spaces, slashes or wildcards.
    pub name: String,
    /// What it may write and read; `%u` and `%c` stand for user and client id.
    pub permissions: Permissions,
    /// A secret the owner chose; `null` makes one of 128 bits or more.
    #[serde(default)]
    pub secret: Option<String>,
}

/// Which credential gets a new secret.
pub struct RenewSecret {
    /// Its name.
    pub name: String,
    /// A secret the owner chose; `null` makes one of 128 bits or more.
    #[serde(default)]
    pub secret: Option<String>,
}

/// A credential with its secret, which is shown this once.
pub struct NewCredential {
    /// User name.
    pub user: String,
    /// Secret.
    pub secret: String,
    /// What it may write and read.
    pub permissions: Permissions,
}

/// A credential, without its secret.
pub struct CredentialView {
    /// User name.
    pub name: String,
    /// What it may write and read.
    pub permissions: Permissions,
    /// Made, UTC ms.
    pub created_ms: i64,
    /// Last login, UTC ms.
    pub last_login_ms: Option<i64>,
    /// Belongs to the demo home.
    pub demo: bool,
    /// A client is connected with it now.
    pub connected: bool,
    /// It is in learning mode: everything it does is allowed and recorded.
    pub learning: bool,
    /// It was revoked and lets nobody in, but could not be removed from the disk: revoke it again.
    pub revoked: bool,
}

/// Credentials.
pub struct Credentials {
    /// In order of name.
    pub credentials: Vec<CredentialView>,
}

/// A board to add.
pub struct AddBoard {
    /// Name of the board; its user name and topic are made from it.
    pub name: String,
    /// Profile: `tasmota`, `esphome`, `custom`.
    pub firmware: String,
}

/// All a board needs to log in.
pub struct BoardAccess {
    /// Address to type into the board.
    pub host: String,
    /// Port to type into the board.
    pub port: u16,
    /// User name.
    pub user: String,
    /// Secret, shown this once.
    pub secret: String,
    /// Topic the board should use.
    pub topic: String,
    /// What it may write and read.
    pub permissions: Permissions,
    /// Ready texts to paste.
    pub snippets: Vec<Snippet>,
    /// QR code of the first snippet, an SVG picture.
    pub qr_svg: String,
    /// Why the board cannot reach the address, if it cannot.
    pub warning: Option<String>,
}

/// A text to paste.
pub struct Snippet {
    /// Where it goes, such as `Tasmota console`.
    pub title: String,
    /// `text`, `yaml` or `cpp`.
    pub language: String,
    /// The text.
    pub text: String,
}

/// An automation.
pub struct AutomationView {
    /// Its file name without `.rhai`.
    pub id: String,
    /// Name: the first comment line of the script, or else the id.
    pub name: String,
    /// Switched on.
    pub enabled: bool,
    /// What it waits for, as written.
    pub triggers: Vec<String>,
    /// Why it does not run, if it does not.
    pub error: Option<ScriptError>,
    /// Why it was paused, if it was.
    pub paused: Option<String>,
    /// Last run, UTC ms.
    pub last_run_ms: Option<i64>,
    /// The last run failed.
    pub last_run_failed: bool,
    /// Events it missed because too many came at once.
    pub dropped: u64,
}

/// Automations.
pub struct AutomationList {
    /// In order of name.
    pub automations: Vec<AutomationView>,
}

/// An automation with its script.
pub struct AutomationDetail {
    /// About it.
    pub automation: AutomationView,
    /// The script.
    pub source: String,
}

/// A script to save.
pub struct SaveAutomation {
    /// The automation to change; `null` makes a new one, named after `name`.
    pub id: Option<String>,
    /// Name for a new one.
    #[serde(default)]
    pub name: Option<String>,
    /// The script. One with an error is kept, and the version before goes on running.
    pub source: String,
}

/// Switches an automation.
pub struct EnableAutomation {
    /// Automation id.
    pub id: String,
    /// On or off.
    pub enabled: bool,
}

/// A script to look at.
pub struct ScriptSource {
    /// The script.
    pub source: String,
}

/// What was found in it.
pub struct ScriptCheck {
    /// What it waits for.
    pub triggers: Vec<String>,
    /// Its first error.
    pub error: Option<ScriptError>,
    /// What looks wrong but may run.
    pub warnings: Vec<ScriptError>,
}

/// Everything a script can call.
pub struct ScriptFunctions {
    /// In order of name.
    pub functions: Vec<ScriptFunction>,
}

/// One function.
pub struct ScriptFunction {
    /// Name.
    pub name: String,
    /// As it is written, such as `publish(topic, value)`.
    pub signature: String,
    /// What it does.
    pub help: String,
}

/// Which runs to list.
#[derive(Default)]
#[serde(default)]
pub struct ListRuns {
    /// Only of this automation.
    pub automation: Option<String>,
    /// Only runs that started before, UTC ms.
    pub before_ms: Option<i64>,
    /// At most this many; 50 unless said otherwise, at most 200.
    pub limit: Option<u32>,
}

/// Runs.
pub struct Runs {
    /// Newest first.
    pub runs: Vec<RunRecord>,
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

/// The dashboard that makes itself from areas and devices.
pub struct Dashboard {
    /// One for each area that has devices, then one for the rest.
    pub sections: Vec<DashboardSection>,
}

/// One area.
pub struct DashboardSection {
    /// Area id; `null` for devices without an area.
    pub area: Option<String>,
    /// Its heading.
    pub title: String,
    /// Its cards, the most useful first.
    pub cards: Vec<Card>,
}

/// One card.
pub struct Card {
    /// How to show it.
    pub kind: CardKind,
    /// What to show.
    pub entity: String,
}

/// How a card shows its entity.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// A number with a small line of its last hours.
    Value,
    /// A number with a chart of its last day.
    Chart,
    /// Something that is on or off, and can be switched.
    Switch,
    /// Something that is on or off, and can only be watched.
    Status,
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

/// A line a script said, as it said it.
pub struct ScriptLogLine {
    /// The automation.
    pub automation: String,
    /// The line.
    pub line: RunLogLine,
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
