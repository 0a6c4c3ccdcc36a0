//! One run of an automation: what set it off, what it said, what it did, where it failed.

use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::value::Value;

/// What set a run off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct RunTrigger {
    /// The trigger as written, such as `topic("a/+")` or `above("living.temperature", 25)`.
    pub trigger: String,
    /// Line of the script where it stands, from 1.
    pub line: Option<u32>,
    /// Topic of the message, for a message trigger.
    pub topic: Option<String>,
    /// Payload of the message as text, cut at 1 KiB.
    pub payload: Option<String>,
    /// Entity, for a state trigger.
    pub entity: Option<String>,
    /// Its value before.
    pub old: Option<Value>,
    /// Its value now.
    pub value: Option<Value>,
    /// Journal id of the message behind it.
    pub message_id: Option<u64>,
}

/// One thing a run did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum RunAction {
    /// Published a message.
    Publish {
        /// Topic.
        topic: String,
        /// Payload as text, cut at 1 KiB.
        payload: String,
        /// Retained or not.
        retain: bool,
    },
    /// Gave an entity a command.
    Command {
        /// Entity id.
        entity: String,
        /// Verb, such as `turn_on`.
        verb: String,
        /// Its argument, if any.
        value: Option<Value>,
    },
    /// Something it asked for was not done.
    Refused {
        /// What, as written in the script.
        what: String,
        /// Why not, and what to do.
        why: String,
    },
}

/// One line a run logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct RunLogLine {
    /// UTC ms.
    pub time_ms: i64,
    /// `info` or `warning`.
    pub level: String,
    /// The text, cut at 4 KiB.
    pub text: String,
}

/// Where and why a run or a script failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ScriptError {
    /// What happened and what to do about it.
    pub message: String,
    /// Line, from 1, when known.
    pub line: Option<u32>,
    /// Column, from 1, when known.
    pub column: Option<u32>,
}

/// A finished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct RunRecord {
    /// Unique id.
    pub id: String,
    /// The automation.
    pub automation: String,
    /// Start, UTC ms.
    pub started_ms: i64,
    /// How long it ran, µs.
    pub duration_us: u64,
    /// Operations used.
    pub operations: u64,
    /// What set it off.
    pub trigger: RunTrigger,
    /// Why that happened, when known.
    pub cause: Option<Cause>,
    /// What it said.
    pub log: Vec<RunLogLine>,
    /// What it did, in order.
    pub actions: Vec<RunAction>,
    /// Why it stopped short, if it did. Actions before that line were still carried out.
    pub error: Option<ScriptError>,
}
