//! Entities: one thing of a device that has a state, takes commands, or both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::features::Features;
use crate::message::QoS;

/// The kinds of entity, as Home Assistant's MQTT integration names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[allow(missing_docs, reason = "each is named for what it is")]
pub enum Component {
    AlarmControlPanel,
    BinarySensor,
    Button,
    Camera,
    Climate,
    Cover,
    DeviceTracker,
    Event,
    Fan,
    Humidifier,
    Image,
    LawnMower,
    Light,
    Lock,
    Notify,
    Number,
    Scene,
    Select,
    Sensor,
    Siren,
    Switch,
    Text,
    Update,
    Vacuum,
    Valve,
    WaterHeater,
}

/// Where a value comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct StateSource {
    /// Topic filter that brings it.
    pub topic: String,
    /// Template over `value` and `value_json`; the whole payload if there is none.
    pub template: Option<String>,
    /// What it sets: the state (when empty) or the attribute of this name; `*` makes every member of a JSON
    /// object an attribute.
    pub field: String,
    /// Texts that stand for a value, such as `ON` for on. Texts that are not listed change nothing when
    /// this is not empty.
    pub map: BTreeMap<String, crate::value::Value>,
}

/// How a command is sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct CommandSpec {
    /// Topic to publish to.
    pub topic: String,
    /// Payload: a template over `value`, or a plain text without `{{`.
    pub payload: String,
    /// QoS of the publish.
    pub qos: QoS,
    /// Whether to retain it; the firmware has to ask for that.
    pub retain: bool,
}

/// How several availability topics are put together (Home Assistant's `availability_mode`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum AvailabilityMode {
    /// Every topic must say online.
    All,
    /// One is enough.
    Any,
    /// The one that spoke last decides.
    #[default]
    Latest,
}

/// One topic that tells whether the device is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AvailabilitySource {
    /// Topic.
    pub topic: String,
    /// Template over the payload.
    pub template: Option<String>,
    /// Payload that means it is there.
    pub online: String,
    /// Payload that means it is gone.
    pub offline: String,
}

/// How to tell that a device or entity is there. Without sources it always is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AvailabilitySpec {
    /// How several sources are put together.
    pub mode: AvailabilityMode,
    /// The topics.
    pub sources: Vec<AvailabilitySource>,
    /// The device sleeps between reports: offline is asleep.
    pub sleepy: bool,
}

/// What an announcement, or a person, says about one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct EntityDescription {
    /// Unique within its device; (device, unique id) is the entity's identity.
    pub unique_id: String,
    /// Kind.
    pub component: Component,
    /// Name within the device; `None` means it is the device's one main thing. It is written
    /// `announced_name` because an [`Entity`] has a `name` of its own beside it.
    #[serde(rename = "announced_name")]
    pub name: Option<String>,
    /// Unit of measurement, normalised.
    pub unit: Option<String>,
    /// Such as `temperature` or `door`.
    pub device_class: Option<String>,
    /// `measurement`, `total` or `total_increasing`.
    pub state_class: Option<String>,
    /// Such as `mdi:fan`.
    pub icon: Option<String>,
    /// `config` or `diagnostic`; `None` for what the device is for.
    pub category: Option<String>,
    /// Digits after the point that make sense to show.
    pub precision: Option<u8>,
    /// Choices, for a select.
    pub options: Vec<String>,
    /// Smallest value a command may carry.
    pub min: Option<f64>,
    /// Largest value a command may carry.
    pub max: Option<f64>,
    /// Step between values.
    pub step: Option<f64>,
    /// Seconds without a report after which the value is no longer believed.
    pub expire_after_s: Option<u64>,
    /// Seconds after which an on goes off by itself: the device only ever reports on.
    #[serde(default)]
    pub off_delay_s: Option<u32>,
    /// A report of the same value counts as a change.
    pub force_update: bool,
    /// There is no state topic: the state shown is what was last sent.
    pub assumed_state: bool,
    /// Where its state comes from.
    pub sources: Vec<StateSource>,
    /// How it is told, by what it is told: `turn_on`, `turn_off`, `set`, `press`, `set_brightness`.
    pub commands: BTreeMap<String, CommandSpec>,
    /// How to tell that this entity is there, beside its device.
    pub availability: AvailabilitySpec,
    /// What only its kind has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub features: Option<Box<Features>>,
}

impl EntityDescription {
    /// One with nothing but its identity.
    pub fn new(unique_id: impl Into<String>, component: Component) -> Self {
        Self {
            unique_id: unique_id.into(),
            component,
            name: None,
            unit: None,
            device_class: None,
            state_class: None,
            icon: None,
            category: None,
            precision: None,
            options: Vec::new(),
            min: None,
            max: None,
            step: None,
            expire_after_s: None,
            off_delay_s: None,
            force_update: false,
            assumed_state: false,
            sources: Vec::new(),
            commands: BTreeMap::new(),
            availability: AvailabilitySpec::default(),
            features: None,
        }
    }
}

/// A registered entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Entity {
    /// `device.entity`, made from the first names, such as `living.temperature`; never changes. Scripts
    /// use it.
    pub id: String,
    /// Device id.
    pub device: String,
    /// Name shown: the owner's, or else the announced one, or else the device's.
    pub name: String,
    /// The owner gave the name; announcements leave it alone.
    pub name_by_owner: bool,
    /// A person made it from a topic; announcements leave it alone.
    pub by_hand: bool,
    /// What the announcement said.
    #[serde(flatten)]
    pub description: EntityDescription,
}
