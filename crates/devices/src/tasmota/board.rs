//! A board as it announced itself.

use minijinja::Value as Known;
use model::{CommandSpec, StateSource};
use serde_json::{Map, Value as Json};

/// What the profile made of an announcement.
pub(super) struct Board {
    /// The `config` message.
    config: Map<String, Json>,
    /// What the `sensors` message lists.
    sensors: Map<String, Json>,
    tables: Map<String, Json>,
    pub(super) mac: String,
    /// Topics up to the last slash.
    pub(super) cmnd: String,
    pub(super) stat: String,
    pub(super) tele: String,
    /// The words for on and off.
    pub(super) on: String,
    pub(super) off: String,
}

impl Board {
    /// By the variables of Tasmota's profile; `None` if one is missing.
    pub(super) fn of(known: &Known) -> Option<Self> {
        let text = |name: &str| known.get_attr(name).ok()?.as_str().map(ToOwned::to_owned);
        let object = |name: &str| -> Map<String, Json> {
            let json = known.get_attr(name).ok().and_then(|value| serde_json::to_value(value).ok());
            json.and_then(|json| json.as_object().cloned()).unwrap_or_default()
        };
        let listed = object("sen").remove("sn");
        Some(Self {
            config: object("cfg"),
            sensors: listed.and_then(|json| json.as_object().cloned()).unwrap_or_default(),
            tables: object("tables"),
            mac: text("mac")?,
            cmnd: text("cmnd")?,
            stat: text("stat")?,
            tele: text("tele")?,
            on: text("on")?,
            off: text("off")?,
        })
    }

    pub(super) fn sensors(&self) -> &Map<String, Json> {
        &self.sensors
    }

    /// A word of one of the profile's tables.
    pub(super) fn table(&self, table: &str, key: &str) -> Option<&str> {
        self.tables.get(table)?.get(key)?.as_str()
    }

    pub(super) fn list(&self, key: &str) -> &[Json] {
        self.config.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
    }

    /// A list of numbers, such as what the relays are.
    pub(super) fn numbers(&self, key: &str) -> Vec<i64> {
        self.list(key).iter().map(|json| json.as_i64().unwrap_or_default()).collect()
    }

    pub(super) fn number(&self, key: &str) -> i64 {
        self.config.get(key).and_then(Json::as_i64).unwrap_or_default()
    }

    /// Whether a SetOption is on.
    pub(super) fn option(&self, number: &str) -> bool {
        let options = self.config.get("so");
        options.and_then(|options| options.get(number)).and_then(Json::as_i64) == Some(1)
    }

    /// What an output is called: its friendly name; nothing if that is the device's; else what it is.
    pub(super) fn friendly_name(&self, index: usize, kind: &str) -> Option<String> {
        match self.list("fn").get(index).and_then(Json::as_str) {
            Some(name) if index == 0 && self.config.get("dn").and_then(Json::as_str) == Some(name) => None,
            Some(name) => Some(name.to_owned()),
            None => Some(format!("{kind} {}", index + 1)),
        }
    }

    /// What a switch is called in its messages.
    pub(super) fn switch_name(&self, index: usize) -> String {
        match self.list("swn").get(index).and_then(Json::as_str) {
            Some(name) => name.to_owned(),
            None => format!("Switch{}", index + 1),
        }
    }

    pub(super) fn command(&self, name: &str, payload: impl Into<String>) -> CommandSpec {
        CommandSpec {
            topic: format!("{}{name}", self.cmnd),
            payload: payload.into(),
            ..CommandSpec::default()
        }
    }
}

/// A source of a field.
pub(super) fn source(topic: String, template: impl Into<String>, field: &str) -> StateSource {
    StateSource { topic, template: Some(template.into()), field: field.to_owned(), map: Default::default() }
}

/// A text as a template writes it.
pub(super) fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}
