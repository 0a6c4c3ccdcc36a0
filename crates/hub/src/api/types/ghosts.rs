//! Retained messages and whose they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// Which retained messages count as those of a board that is gone.
#[derive(Default)]
#[serde(default)]
pub struct ListGhosts {
    /// Days without a sign of a board after which it counts as gone: 1 to 3,650, 30 unless said otherwise.
    pub days: Option<u32>,
}

/// Retained messages that belong to no device that is there, in order of topic.
pub struct Ghosts {
    /// At most 5,000.
    pub ghosts: Vec<Ghost>,
    /// Days that were asked for.
    pub days: u32,
    /// There are more.
    pub more: bool,
}

/// A retained message that belongs to no device that is there.
pub struct Ghost {
    /// The message.
    pub retained: RetainedTopic,
    /// Why it counts as one.
    pub reason: GhostReason,
    /// The same in words.
    pub why: String,
}

/// Why a retained message counts as that of a board that is gone.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum GhostReason {
    /// The credential that sent it was revoked.
    NoCredential,
    /// Whoever sent it has not been here for long.
    Away {
        /// Last sign of it, UTC ms.
        since_ms: i64,
    },
    /// It announces a device that is not registered.
    NoDevice,
}

/// A retained message.
pub struct RetainedTopic {
    /// Topic.
    pub topic: String,
    /// Journal id.
    pub message_id: u64,
    /// Sent, UTC ms.
    pub time_ms: i64,
    /// Length of the payload.
    pub bytes: u64,
    /// The credential that sent it.
    pub user: String,
    /// What it is to Hearth.
    pub kind: RetainedKind,
    /// The device it belongs to, by id.
    pub device: Option<String>,
}

/// What a retained message is to Hearth.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RetainedKind {
    /// It announces a device, or a part of one.
    Announcement,
    /// A state or an availability that a device brought.
    Heard,
    /// Something nobody listens to, or a command.
    Other,
}

/// What a device has retained.
pub struct DeviceRetained {
    /// In order of topic; at most 5,000.
    pub topics: Vec<RetainedTopic>,
    /// There are more.
    pub more: bool,
    /// Credential that is revoked when the device is removed.
    pub revokes: Option<String>,
    /// Why its credential is kept then.
    pub keeps: Option<String>,
}

/// Topics to clear.
pub struct ClearTopics {
    /// At most 5,000.
    pub topics: Vec<String>,
}

/// What was cleared.
pub struct ClearedTopics {
    /// What can be taken back for as long as the journal has the messages.
    pub cleared: Vec<ClearedTopic>,
    /// Topics on which nothing was retained.
    pub missing: Vec<String>,
}

/// A topic that was cleared.
pub struct ClearedTopic {
    /// Topic.
    pub topic: String,
    /// Journal id of the message that was retained there.
    pub message_id: u64,
}

/// Messages to retain again.
pub struct RestoreRetained {
    /// Their journal ids; at most 5,000.
    pub message_ids: Vec<u64>,
}

/// What became of them.
pub struct RestoredTopics {
    /// Topics that have their message again. Where something newer is retained, that stays.
    pub restored: Vec<String>,
    /// Messages the journal no longer has.
    pub gone: u32,
}
}
