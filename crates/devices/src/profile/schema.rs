//! The profile file as it is written. Unknown keys are errors: a misspelt key would be silently without
//! effect.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The version of the schema this program reads.
pub(super) const SCHEMA: u32 = 1;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) schema: u32,
    pub(super) firmware: Firmware,
    #[serde(default)]
    pub(super) identify: Vec<Identify>,
    #[serde(default)]
    pub(super) announce: Vec<Announce>,
    /// Named templates; each sees captures, parts and tables, not the other variables.
    #[serde(default)]
    pub(super) vars: BTreeMap<String, String>,
    pub(super) device: Option<DeviceBlock>,
    pub(super) availability: Option<AvailabilityBlock>,
    #[serde(default)]
    pub(super) entity: Vec<EntityBlock>,
    #[serde(default)]
    pub(super) tables: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) acl: Acl,
    #[serde(default)]
    pub(super) onconnect: OnConnect,
    #[serde(default)]
    pub(super) provision: Vec<Provision>,
    #[serde(default)]
    pub(super) tests: Vec<Sample>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Firmware {
    pub(super) id: String,
    pub(super) name: String,
    /// Which versions it was written for, in words.
    pub(super) versions: Option<String>,
    /// Of two profiles that recognise a device the one with the higher priority counts; 0 if not said.
    #[serde(default)]
    pub(super) priority: i32,
}

/// How a device with this firmware is recognised before it announces itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identify {
    pub(super) topic: Option<String>,
    #[serde(default)]
    pub(super) payload: Vec<String>,
    pub(super) client_id: Option<String>,
    pub(super) mdns: Option<String>,
    pub(super) http: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Announce {
    /// Home Assistant's discovery, natively.
    HaDiscovery { prefix: String },
    /// One JSON message, or several that are put together by what their topics capture.
    Json {
        topic: String,
        part: String,
        require: Option<String>,
        #[serde(default)]
        optional: bool,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceBlock {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) sw: Option<String>,
    pub(super) hw: Option<String>,
    pub(super) mac: Option<String>,
    pub(super) ip: Option<String>,
    pub(super) url: Option<String>,
    /// More identities, such as `mac:{{ mac }}`.
    #[serde(default)]
    pub(super) connections: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AvailabilityBlock {
    pub(super) topic: String,
    pub(super) online: OneOrMore,
    pub(super) offline: OneOrMore,
    pub(super) sleepy: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    pub(super) fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::More(texts) => texts,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntityBlock {
    /// Expression that gives a list: one entity for each item. The expression `item`, `index0` and `index1`
    /// are set; the members of an item that is an object are set too.
    pub(super) for_each: Option<String>,
    /// Expression: only where it is true.
    pub(super) when: Option<String>,
    pub(super) component: String,
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) device_class: Option<String>,
    pub(super) state_class: Option<String>,
    pub(super) icon: Option<String>,
    pub(super) category: Option<String>,
    pub(super) precision: Option<u8>,
    /// Expression that gives the list of options.
    pub(super) options: Option<String>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) step: Option<f64>,
    pub(super) expire_after: Option<u64>,
    /// Template that gives seconds.
    pub(super) off_delay: Option<String>,
    #[serde(default)]
    pub(super) force_update: bool,
    #[serde(default)]
    pub(super) state: Vec<StateBlock>,
    #[serde(default)]
    pub(super) commands: BTreeMap<String, CommandBlock>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateBlock {
    pub(super) topic: OneOrMore,
    /// Expression: only where it is true.
    pub(super) when: Option<String>,
    /// Template over `value` and `value_json`; what the announcement said is filled in beforehand.
    pub(super) value: Option<String>,
    /// Attribute it sets; the state if there is none.
    #[serde(default)]
    pub(super) field: String,
    #[serde(default)]
    pub(super) map: BTreeMap<String, MapValue>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum MapValue {
    Bool(bool),
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandBlock {
    pub(super) topic: String,
    /// Template over `value`.
    #[serde(default)]
    pub(super) payload: String,
    #[serde(default)]
    pub(super) retain: bool,
    #[serde(default)]
    pub(super) qos: u8,
}

/// What a device with this firmware may do; templates over `user`, `topic` and `mac`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acl {
    #[serde(default)]
    pub(super) write: Vec<String>,
    #[serde(default)]
    pub(super) read: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OnConnect {
    #[serde(default)]
    pub(super) publish: Vec<CommandBlock>,
}

/// A way to bring a device to the hub.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provision {
    pub(super) transport: Transport,
    pub(super) title: Option<String>,
    pub(super) language: Option<String>,
    /// Template of a text to paste, over `host`, `port`, `user`, `password` and `topic`.
    pub(super) text: Option<String>,
    /// How to tell that a device can be reached this way.
    pub(super) detect: Option<toml::Table>,
    #[serde(default)]
    pub(super) steps: Vec<toml::Table>,
    /// Characters a secret may have.
    pub(super) secret_charset: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Transport {
    Http,
    SerialLine,
    Improv,
    Terminal,
    Mqtt,
    Manual,
}

/// A sample: these messages make these entities.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) messages: Vec<SampleMessage>,
    /// Unique id to component and what else is to be seen.
    #[serde(default)]
    pub(super) entities: BTreeMap<String, SampleEntity>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleMessage {
    pub(super) topic: String,
    pub(super) payload: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleEntity {
    pub(super) component: String,
    pub(super) name: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) device_class: Option<String>,
    /// The state after all messages, as people read it.
    pub(super) state: Option<String>,
}
