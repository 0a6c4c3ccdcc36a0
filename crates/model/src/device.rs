//! Devices, areas, and the description an announcement gives of a device.

use serde::{Deserialize, Serialize};

use crate::entity::{AvailabilitySpec, EntityDescription};

/// What one announcement, or several put together, say about a device. Two announcements that share an
/// identity speak of the same device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceDescription {
    /// Profile that understood it, such as `tasmota` or `home-assistant`.
    pub profile: String,
    /// Ways to recognise it, such as `mac:A1B2C3D4E5F6` or `ha:0x00158d`; never empty.
    pub identities: Vec<String>,
    /// Name as the board says it.
    pub name: String,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Firmware version.
    pub sw_version: Option<String>,
    /// Hardware version.
    pub hw_version: Option<String>,
    /// MAC address, 12 upper-case hex digits.
    pub mac: Option<String>,
    /// IP address.
    pub ip: Option<String>,
    /// Its own web page.
    pub url: Option<String>,
    /// Room as the board says it.
    pub suggested_area: Option<String>,
    /// How to tell that the whole device is there.
    pub availability: AvailabilitySpec,
    /// Its entities.
    pub entities: Vec<EntityDescription>,
}

/// A room or another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Area {
    /// Never changes.
    pub id: String,
    /// Shown.
    pub name: String,
    /// Where it stands among the others, from 0; of two with the same place the name decides.
    #[serde(default)]
    pub place: u32,
}

/// A registered device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Device {
    /// Made from its first name; never changes, whatever it is called later.
    pub id: String,
    /// Ways to recognise it in an announcement.
    pub identities: Vec<String>,
    /// Profile that understood it.
    pub profile: String,
    /// Name shown: the owner's, or else the board's.
    pub name: String,
    /// The owner gave the name; announcements leave it alone.
    pub name_by_owner: bool,
    /// Area id.
    pub area: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Firmware version.
    pub sw_version: Option<String>,
    /// Hardware version.
    pub hw_version: Option<String>,
    /// MAC address, 12 upper-case hex digits.
    pub mac: Option<String>,
    /// IP address.
    pub ip: Option<String>,
    /// Its own web page.
    pub url: Option<String>,
    /// Name of the credential that announced it.
    pub credential: Option<String>,
    /// Belongs to the demo home.
    pub demo: bool,
    /// First announced, UTC ms.
    pub first_seen_ms: i64,
}
