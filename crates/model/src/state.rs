//! An entity's present state. Unknown (never told), unavailable (cannot be told) and stale (told too long
//! ago) are three different things.

use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::value::Value;

/// Whether the device can be asked at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Availability {
    /// It has not said that it is gone.
    #[default]
    Available,
    /// It, or its last will, says it is gone.
    Unavailable,
    /// Gone, as it does between two wakes.
    Asleep,
}

/// One entity's state at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct State {
    /// The value; `None` is unknown.
    pub value: Option<Value>,
    /// Whether the device is there.
    pub availability: Availability,
    /// Further fields by name, such as `brightness`.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    #[cfg_attr(feature = "schema", ts(type = "Record<string, unknown>"))]
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// When value or availability last became what it is, UTC ms; 0 before the first report.
    pub since_ms: i64,
    /// When the device last said anything about it, UTC ms; 0 before the first report.
    pub reported_ms: i64,
    /// Topic of the message that last set it.
    pub topic: Option<String>,
    /// Journal id of that message.
    pub message_id: Option<u64>,
    /// Why it changed, when known.
    pub cause: Option<Cause>,
}

/// One entity going from one state to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct StateChange {
    /// Entity id.
    pub entity: String,
    /// Before; `None` when the entity is new.
    pub old: Option<State>,
    /// After.
    pub new: State,
    /// False when it was restored or came from a retained message: then it is no new reading and fires no
    /// automation.
    pub fresh: bool,
}

impl StateChange {
    /// Whether the value itself is another one.
    pub fn value_changed(&self) -> bool {
        self.old.as_ref().and_then(|old| old.value.as_ref()) != self.new.value.as_ref()
    }
}
