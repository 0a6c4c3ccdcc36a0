//! What is changed of several devices at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Rename;

api_types! {
/// Names several things.
pub struct ByIds {
    /// Their ids; one that is named twice counts once.
    pub ids: Vec<String>,
}

/// Puts several devices into an area.
pub struct MoveDevices {
    /// Device ids.
    pub ids: Vec<String>,
    /// Area id; `null` takes them out.
    pub area: Option<String>,
}

/// New names for several devices.
pub struct RenameDevices {
    /// Each by its id.
    pub names: Vec<Rename>,
}
}
