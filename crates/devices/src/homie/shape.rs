//! What a device consists of, whichever version of the convention it speaks.

use super::format::Definition;

/// A device: its nodes with their properties, and what it says about itself.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) name: Option<String>,
    pub(super) mac: Option<String>,
    pub(super) ip: Option<String>,
    pub(super) implementation: Option<String>,
    pub(super) firmware: Option<String>,
    pub(super) firmware_version: Option<String>,
    /// The device it hangs on, whose loss is its own: `homie/5/bridge`.
    pub(super) lives_on: Option<String>,
    pub(super) nodes: Vec<Node>,
    /// The statistics it tells: `$stats/uptime`.
    pub(super) stats: Vec<String>,
    /// What of it cannot be used, in words.
    pub(super) faults: Vec<String>,
}

/// A part of a device.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) name: Option<String>,
    /// As the device calls it, such as `switch`.
    pub(super) kind: String,
    pub(super) properties: Vec<Property>,
}

/// One value of a node.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) definition: Definition,
    pub(super) unit: Option<String>,
    pub(super) settable: bool,
    pub(super) retained: bool,
}
