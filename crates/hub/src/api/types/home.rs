//! Devices, entities and areas, and the dashboard that makes itself from them.

use model::{Area, CommandState, Component, Device, Entity, State, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ClientView, CredentialView, TopicMessage};

api_types! {
/// Everything that has a state, at one moment.
pub struct HomeSnapshot {
    /// Registered devices.
    pub devices: Vec<Device>,
    /// Their entities with their states.
    pub entities: Vec<EntityView>,
    /// Areas, in the owner's order.
    pub areas: Vec<Area>,
}

/// An entity and its present state.
pub struct EntityView {
    /// The entity.
    pub entity: Entity,
    /// Its state.
    pub state: State,
    /// Its newest command since the start, or one that waits; `null` if there is none.
    pub command: Option<CommandState>,
}

/// Puts a device into an area.
pub struct MoveDevice {
    /// Device id.
    pub id: String,
    /// Area id; `null` takes it out.
    pub area: Option<String>,
}

/// One device with all that belongs to it.
pub struct DeviceDetail {
    /// The device.
    pub device: Device,
    /// Its entities with their states.
    pub entities: Vec<EntityView>,
    /// Topics its entities read, with the newest message of each.
    pub topics: Vec<TopicMessage>,
    /// Its credential, if it has one of its own.
    pub credential: Option<CredentialView>,
    /// Its MQTT connection, if it is connected.
    pub client: Option<ClientView>,
}

/// An entity made by hand from a topic.
pub struct AddEntity {
    /// Topic that carries the value.
    pub topic: String,
    /// Path into a JSON payload, such as `ENERGY.Power` or `values[0].t`; `null` for the whole payload.
    pub path: Option<String>,
    /// Name shown.
    pub name: String,
    /// Unit, if any.
    pub unit: Option<String>,
    /// What it is; `sensor` unless said otherwise.
    pub component: Option<Component>,
    /// Topic that takes `ON` and `OFF`, for a switch.
    pub command_topic: Option<String>,
    /// Device to add it to; `null` makes a new one of the same name.
    pub device: Option<String>,
}

/// Tells an entity to do something.
pub struct Command {
    /// Entity id.
    pub entity: String,
    /// `turn_on`, `turn_off`, `toggle`, `set` or `press`.
    pub verb: String,
    /// What to set it to, for `set`.
    #[serde(default)]
    pub value: Option<Value>,
    /// Further fields by name, such as `brightness`.
    #[serde(default)]
    #[ts(type = "Record<string, unknown>")]
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

/// The dashboard that makes itself from areas and devices.
pub struct Dashboard {
    /// One for each area that has devices, then one for the rest.
    pub sections: Vec<DashboardSection>,
}

/// One area.
pub struct DashboardSection {
    /// Area id; `null` for devices without an area.
    pub area: Option<String>,
    /// Its heading.
    pub title: String,
    /// Its cards, the most useful first.
    pub cards: Vec<Card>,
}

/// One card.
pub struct Card {
    /// How to show it.
    pub kind: CardKind,
    /// What to show.
    pub entity: String,
}

/// How a card shows its entity.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// A number with a small line of its last hours.
    Value,
    /// A number with a chart of its last day.
    Chart,
    /// Something that is on or off, and can be switched.
    Switch,
    /// Something that is on or off, and can only be watched.
    Status,
}
}
