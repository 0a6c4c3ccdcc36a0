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

/// A device to remove.
pub struct RemoveDevice {
    /// Its id.
    pub id: String,
    /// Leaves its credential in force; else that is revoked if nobody else uses it.
    #[serde(default)]
    pub keep_credential: bool,
}

/// Several devices to remove: all of them, or none if one is not there.
pub struct RemoveDevices {
    /// Their ids; one that is named twice counts once.
    pub ids: Vec<String>,
    /// Leaves their credentials in force; else those are revoked that nobody else uses.
    #[serde(default)]
    pub keep_credentials: bool,
}

/// What became of the credentials of devices that were removed.
pub struct RemovedDevices {
    /// Names of those that were revoked.
    pub revoked: Vec<String>,
    /// Why others are kept, a sentence each.
    pub keeps: Vec<String>,
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
