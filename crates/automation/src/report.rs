//! What an automation tells about itself: its triggers, its faults, how it is doing.

use model::run::ScriptError;
use serde::{Deserialize, Serialize};

/// What kind of thing a trigger waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum TriggerKind {
    /// A message.
    Topic,
    /// An entity's value becoming another one.
    Changed,
    /// An entity's value rising above a bound.
    Above,
    /// An entity's value falling below a bound.
    Below,
    /// The script having been loaded.
    Started,
}

/// One trigger of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TriggerInfo {
    /// Kind.
    pub kind: TriggerKind,
    /// As written, with its values filled in: `above("living.temperature", 25, #{ clear: 24 })`.
    pub trigger: String,
    /// Line of its `on(...)`, from 1.
    pub line: Option<u32>,
    /// Topic filter, for a topic trigger.
    pub topic: Option<String>,
    /// Entities, for a state trigger.
    pub entities: Vec<String>,
}

/// Everything there is to say about a script's text before it is loaded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Examination {
    /// The triggers it registers, as far as it got.
    pub triggers: Vec<TriggerInfo>,
    /// What keeps it from being loaded.
    pub errors: Vec<ScriptError>,
    /// What is probably not meant.
    pub warnings: Vec<ScriptError>,
}

/// How an automation is doing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AutomationStatus {
    /// Its id.
    pub id: String,
    /// Why it is paused, if it is.
    pub paused: Option<String>,
    /// Its triggers.
    pub triggers: Vec<TriggerInfo>,
    /// Runs since it was loaded.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub runs: u64,
    /// Of those, how many ended with an error.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub failed: u64,
    /// Events waiting now.
    pub waiting: usize,
    /// Events dropped because the inbox was full: the oldest of messages.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub dropped: u64,
    /// State events that a newer one for the same entity replaced because the inbox was full.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub replaced: u64,
    /// Publishes and commands that were refused, by the rate limit or by the house.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub refused: u64,
    /// Memory its variables hold, bytes; 0 where memory is not counted.
    #[cfg_attr(feature = "schema", ts(type = "number"))]
    pub memory_bytes: u64,
    /// Start of the last run, UTC ms.
    #[cfg_attr(feature = "schema", ts(type = "number | null"))]
    pub last_run_ms: Option<i64>,
}
