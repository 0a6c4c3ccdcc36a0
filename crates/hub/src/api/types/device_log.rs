//! The log of a device.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Level;

api_types! {
/// Which lines of a device's log.
pub struct ListDeviceLog {
    /// Device id.
    pub id: String,
    /// Only lines before this id.
    #[serde(default)]
    pub before: Option<u64>,
    /// At most this many; 50 unless said otherwise, at most 500.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Lines of a device's log.
pub struct DeviceLogLines {
    /// The newest first.
    pub lines: Vec<DeviceEvent>,
    /// There are older ones.
    pub more: bool,
}

/// One thing that happened to a device.
pub struct DeviceEvent {
    /// Rises.
    pub id: u64,
    /// UTC ms.
    pub time_ms: i64,
    /// How much it matters.
    pub level: Level,
    /// `announced`, `added`, `removed`, `changed`, `firmware`, `renamed`, `moved`, `replaced`, `refused`,
    /// `connected`, `disconnected`, `unconfirmed`.
    pub kind: String,
    /// What happened.
    pub text: String,
}
}
