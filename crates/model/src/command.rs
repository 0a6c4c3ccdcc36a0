//! What became of a command.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum CommandStage {
    /// It is on its way; the device has not answered yet.
    Sent,
    /// The device says that it is what it was told.
    Confirmed,
    /// The device has not said so in time. It may have done it all the same.
    Unconfirmed,
    /// The relay guard held it back: it was not sent.
    Held,
    /// The device sleeps; it is sent when the device wakes.
    Waiting,
    /// The device is not connected, but has a session that waits for it; it is sent when the device is back.
    Away,
    /// The device did not wake in time, or was not back: it was not sent.
    Expired,
}

/// The newest command of an entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct CommandState {
    /// What it was told, such as `turn_on`.
    pub verb: String,
    /// Its argument, if it has one without a name.
    pub value: Option<Value>,
    /// How far it is.
    pub stage: CommandStage,
    /// When it was given, UTC ms: tells two commands apart.
    pub asked_ms: i64,
    /// When it came to this stage, UTC ms.
    pub since_ms: i64,
    /// Until when it waits for the device, UTC ms; `null` when it waits for nothing.
    pub until_ms: Option<i64>,
    /// Why it is where it is and what to do, in words, if there is something to say.
    pub why: Option<String>,
}
