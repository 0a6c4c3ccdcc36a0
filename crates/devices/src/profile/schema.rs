//! The profile file as it is written. Unknown keys are errors: a misspelt key would be silently without
//! effect. `firmware-profiles/schema.json` is generated from these types.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::provision::Provision;

/// The version of the schema this program reads.
pub(super) const SCHEMA: u32 = 1;

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Version of this format: 1.
    pub(super) schema: u32,
    pub(super) firmware: Firmware,
    #[serde(default)]
    pub(super) identify: Vec<Identify>,
    #[serde(default)]
    pub(super) announce: Vec<Announce>,
    /// Named expressions; each sees captures, parts, tables and the ones before it in the alphabet.
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
    /// Named templates; each sees captures, parts, tables and values, not the other variables.
    #[serde(default)]
    pub(super) vars: BTreeMap<String, String>,
    pub(super) device: Option<DeviceBlock>,
    /// Entities that are made by code of Hearth's own, beside the ones below.
    pub(super) native: Option<Native>,
    pub(super) availability: Option<AvailabilityBlock>,
    #[serde(default)]
    pub(super) entity: Vec<EntityBlock>,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, serde_json::Map<String, serde_json::Value>>"))]
    pub(super) tables: BTreeMap<String, toml::Table>,
    #[serde(default)]
    pub(super) acl: Acl,
    /// Whenever a device comes online.
    #[serde(default)]
    pub(super) onconnect: Publishes,
    /// When the hub starts, and when a device's session is new: plain texts.
    #[serde(default)]
    pub(super) onstart: Publishes,
    #[serde(default)]
    pub(super) provision: Vec<Provision>,
    #[serde(default)]
    pub(super) tests: Vec<Sample>,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Firmware {
    pub(super) id: String,
    pub(super) name: String,
    /// Which versions it was written for, in words.
    pub(super) versions: Option<String>,
    /// Of two profiles that recognise a device the one with the higher priority counts; 0 if not said.
    #[serde(default)]
    pub(super) priority: i32,
    /// What every board tries to log in with before anybody told it a name and a password.
    #[serde(default)]
    pub(super) factory_logins: Vec<FactoryLogin>,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct FactoryLogin {
    pub(super) user: String,
    pub(super) password: String,
}

/// How a device with this firmware is recognised before it announces itself.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Identify {
    pub(super) topic: Option<String>,
    #[serde(default)]
    pub(super) payload: Vec<String>,
    /// Regular expression over the client id.
    pub(super) client_id: Option<String>,
    /// Topic of the last will, with the captured `topic` that the board uses.
    pub(super) will: Option<String>,
    /// Type of an mDNS service.
    pub(super) mdns: Option<String>,
    /// A text record that service has to have, such as `app_name=ESPURNA`.
    pub(super) mdns_txt: Option<String>,
    pub(super) http: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Announce {
    /// Home Assistant's discovery, natively.
    HaDiscovery { prefix: String },
    /// The Homie conventions, natively, under any domain.
    Tree {},
    /// One JSON message, or several that are put together by what their topics capture.
    Json {
        topic: String,
        part: String,
        /// Template over the part that says which device it is of, if the topic does not.
        key: Option<String>,
        require: Option<String>,
        #[serde(default)]
        optional: bool,
    },
    /// Topics that give a firmware away which does not announce itself. All of them together are the
    /// announcement; captures that not all of them have tell the parts of a list apart.
    Fingerprint {
        topic: String,
        part: String,
        /// Regular expression for the payload; any will do if there is none.
        payload: Option<String>,
        /// Expression over the captures: only where it is true.
        when: Option<String>,
        /// Listen to it only once this other part is there.
        after: Option<String>,
        /// Keep what it says; else only that it was said.
        #[serde(default)]
        keep: bool,
        #[serde(default)]
        optional: bool,
    },
    /// A Shelly of the second generation or later: what it reports, and its answers to what it is asked.
    ShellyGen2 {},
    /// The device list of a Zigbee2MQTT bridge.
    Zigbee2mqtt { topic: String },
}

/// Entities made by code of Hearth's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Native {
    /// Tasmota's lights, shutters, buttons and sensors, by the variables `mac`, `cmnd`, `stat`, `tele`, `on` and
    /// `off` and the parts `cfg` and `sen`.
    Tasmota,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct AvailabilityBlock {
    pub(super) topic: String,
    pub(super) online: OneOrMore,
    pub(super) offline: OneOrMore,
    pub(super) sleepy: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct EntityBlock {
    /// Expression that gives a list: one entity for each item. `item`, `index0` and `index1` are set; the
    /// members of an item that is an object are set too. Of two lists, one entity for each pair: `item[0]` is of
    /// the first, `item[1]` of the second.
    pub(super) for_each: Option<OneOrMore>,
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
    /// What only its kind has, such as the colours of a light; `of` names the kind.
    #[cfg_attr(test, schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    pub(super) features: Option<toml::Table>,
    #[serde(default)]
    pub(super) state: Vec<StateBlock>,
    #[serde(default)]
    pub(super) commands: BTreeMap<String, CommandBlock>,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct StateBlock {
    pub(super) topic: OneOrMore,
    /// Expression: only where it is true.
    pub(super) when: Option<String>,
    /// Template over `value` and `value_json`; what the announcement said is filled in beforehand.
    pub(super) value: Option<String>,
    /// Expression that gives such a template, out of a table.
    pub(super) value_of: Option<String>,
    /// Attribute it sets; the state if there is none.
    #[serde(default)]
    pub(super) field: String,
    #[serde(default)]
    pub(super) map: BTreeMap<String, MapValue>,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum MapValue {
    Bool(bool),
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Acl {
    #[serde(default)]
    pub(super) write: Vec<String>,
    #[serde(default)]
    pub(super) read: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Publishes {
    #[serde(default)]
    pub(super) publish: Vec<CommandBlock>,
}

/// A sample: these messages make these entities.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) messages: Vec<SampleMessage>,
    /// Unique id to component and what else is to be seen.
    #[serde(default)]
    pub(super) entities: BTreeMap<String, SampleEntity>,
    /// Commands after all messages, and what they send.
    #[serde(default)]
    pub(super) commands: Vec<SampleCommand>,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct SampleMessage {
    pub(super) topic: String,
    pub(super) payload: String,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct SampleEntity {
    pub(super) component: String,
    pub(super) name: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) device_class: Option<String>,
    /// The state after all messages, as people read it.
    pub(super) state: Option<String>,
    /// Attributes after all messages; others may be there.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub(super) attributes: toml::Table,
}

/// What a command sends.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct SampleCommand {
    /// Unique id of the entity.
    pub(super) entity: String,
    pub(super) verb: String,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub(super) with: toml::Table,
    /// In the order they are sent.
    pub(super) sends: Vec<SampleMessage>,
}
