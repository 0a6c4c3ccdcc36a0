//! One discovery configuration: keys written out, topics put together, values read leniently.
//! Unknown keys are ignored: firmwares send keys that Home Assistant has since dropped.

use std::collections::BTreeMap;

use model::topic::check_topic;
use model::{CommandSpec, QoS, StateSource, TopicFilter, Value};
use serde_json::{Map, Value as Json};

use super::abbreviations::{DEVICE, ENTITY, ORIGIN, long};
use crate::announcement::Problem;
use crate::limits::OPTIONS_MAX;
use crate::template;

/// A configuration with long keys only.
#[derive(Debug, Clone, Default)]
pub(super) struct Config(Map<String, Json>);

impl Config {
    /// Writes out the keys of a message or of one component, also in its device, origin and availability.
    pub(super) fn new(members: Map<String, Json>) -> Self {
        let mut config = written_out(members, ENTITY);
        for (key, table) in [("device", DEVICE), ("origin", ORIGIN)] {
            if let Some(Json::Object(inner)) = config.get_mut(key) {
                *inner = written_out(std::mem::take(inner), table);
            }
        }
        match config.get_mut("availability") {
            Some(Json::Array(sources)) => {
                for source in sources {
                    if let Json::Object(inner) = source {
                        *inner = written_out(std::mem::take(inner), ENTITY);
                    }
                }
            }
            Some(Json::Object(inner)) => *inner = written_out(std::mem::take(inner), ENTITY),
            _ => {}
        }
        Self(config)
    }

    /// Puts the base topic `~` into every key that ends in `topic`, at the start or the end of its value.
    pub(super) fn with_base_topic(mut self) -> Self {
        let Some(Json::String(base)) = self.0.remove("~") else { return self };
        for (key, value) in &mut self.0 {
            if key.ends_with("topic") {
                put_base(value, &base);
            }
        }
        if let Some(availability) = self.0.get_mut("availability") {
            let sources = match availability {
                Json::Array(sources) => sources.as_mut_slice(),
                one => std::slice::from_mut(one),
            };
            for topic in sources.iter_mut().filter_map(|source| source.get_mut("topic")) {
                put_base(topic, &base);
            }
        }
        self
    }

    /// Takes over a key that is missing here.
    pub(super) fn inherit(&mut self, from: &Config, key: &str) {
        if let Some(value) = from.0.get(key)
            && !self.0.contains_key(key)
        {
            self.0.insert(key.to_owned(), value.clone());
        }
    }

    pub(super) fn json(&self, key: &str) -> Option<&Json> {
        self.0.get(key).filter(|json| !json.is_null())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.json(key).is_some()
    }

    /// Whether a key is there and says `null`.
    pub(super) fn is_null(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(Json::is_null)
    }

    /// Whether this is the only key.
    pub(super) fn is_only(&self, key: &str) -> bool {
        self.0.len() == 1 && self.0.contains_key(key)
    }

    /// A text; numbers and booleans as Python prints them, since payloads are compared with what a template
    /// prints.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.json(key)? {
            Json::Array(_) | Json::Object(_) => None,
            scalar => Some(template::print_json(scalar)),
        }
    }

    /// A flag that is set unless it says otherwise.
    pub(super) fn flag_or(&self, key: &str, otherwise: bool) -> bool {
        if self.has(key) { self.flag(key) } else { otherwise }
    }

    /// A number that makes sense as a scale.
    pub(super) fn scale(&self, key: &str, otherwise: f64) -> f64 {
        self.number(key).filter(|scale| *scale > 0.0).unwrap_or(otherwise)
    }

    /// The list, or these.
    pub(super) fn list_or(&self, key: &str, otherwise: &[&str]) -> Vec<String> {
        if self.has(key) { self.list(key) } else { otherwise.iter().map(|word| (*word).to_owned()).collect() }
    }

    /// A text that is not empty.
    pub(super) fn word(&self, key: &str) -> Option<String> {
        self.text(key).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn text_or(&self, key: &str, otherwise: &str) -> String {
        self.text(key).unwrap_or_else(|| otherwise.to_owned())
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        let number = match self.json(key)? {
            Json::Number(number) => number.as_f64(),
            Json::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| number.is_finite())
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        match self.json(key) {
            Some(Json::Bool(on)) => *on,
            Some(Json::String(text)) => {
                matches!(text.to_ascii_lowercase().as_str(), "true" | "on" | "yes" | "1")
            }
            Some(Json::Number(number)) => number.as_f64().is_some_and(|number| number != 0.0),
            _ => false,
        }
    }

    /// A list of texts. Some firmwares send the list as a JSON text.
    pub(super) fn list(&self, key: &str) -> Vec<String> {
        let texts = |items: &[Json]| items.iter().take(OPTIONS_MAX).map(template::print_json).collect();
        match self.json(key) {
            Some(Json::Array(items)) => texts(items),
            Some(Json::String(text)) => match serde_json::from_str::<Vec<Json>>(text) {
                Ok(items) => texts(&items),
                Err(_) => text
                    .split(',')
                    .map(|item| item.trim().to_owned())
                    .filter(|item| !item.is_empty())
                    .collect(),
            },
            _ => Vec::new(),
        }
    }

    /// A topic filter that brings something.
    pub(super) fn topic(&self, key: &str) -> Result<Option<String>, Problem> {
        let Some(topic) = self.text(key).filter(|topic| !topic.is_empty()) else { return Ok(None) };
        match TopicFilter::new(&topic) {
            Ok(_) => Ok(Some(topic)),
            Err(why) => Err(Problem::new(
                format!("`{key}` is {topic:?}: {why}"),
                "Announce the entity again with a valid topic.",
            )),
        }
    }

    /// A topic that must be there.
    pub(super) fn required_topic(&self, key: &str) -> Result<String, Problem> {
        self.topic(key)?.ok_or_else(|| missing(key))
    }

    /// A template, checked.
    pub(super) fn template(&self, key: &str) -> Result<Option<String>, Problem> {
        let Some(source) = self.text(key).filter(|source| !source.is_empty()) else { return Ok(None) };
        match template::check(&source) {
            Ok(()) => Ok(Some(source)),
            Err(why) => Err(Problem::new(
                format!("The template in `{key}` cannot be read: {why}"),
                "Correct the template and announce the entity again.",
            )),
        }
    }

    /// A state source, if its topic is there.
    pub(super) fn source(
        &self,
        topic: &str,
        template: &str,
        field: &str,
    ) -> Result<Option<StateSource>, Problem> {
        let Some(topic) = self.topic(topic)? else { return Ok(None) };
        Ok(Some(StateSource {
            topic,
            template: self.template(template)?,
            field: field.to_owned(),
            map: BTreeMap::new(),
        }))
    }

    /// A state source whose texts stand for something.
    pub(super) fn mapped_source(
        &self,
        topic: &str,
        template: &str,
        field: &str,
        map: BTreeMap<String, Value>,
    ) -> Result<Option<StateSource>, Problem> {
        Ok(self.source(topic, template, field)?.map(|source| StateSource { map, ..source }))
    }

    /// A word that has to be one of these, if it is there.
    pub(super) fn one_of(&self, key: &str, known: &[&str]) -> Result<Option<String>, Problem> {
        let Some(word) = self.word(key) else { return Ok(None) };
        if known.contains(&word.as_str()) {
            return Ok(Some(word));
        }
        let shown: String = word.chars().take(40).collect();
        Err(Problem::new(
            format!("`{key}` is {shown:?}, which is none of {}", known.join(", ")),
            "Announce the entity again with one of them, or without it.",
        ))
    }

    /// Keys that say nothing without another one.
    pub(super) fn needs(&self, key: &str, other: &str) -> Result<(), Problem> {
        if self.has(key) && !self.has(other) {
            return Err(Problem::new(
                format!("`{key}` says nothing without `{other}`"),
                "Announce the entity again with both, or with neither.",
            ));
        }
        Ok(())
    }

    /// A command to a topic that is published to, if the topic is there.
    pub(super) fn command(&self, topic: &str, payload: String) -> Result<Option<CommandSpec>, Problem> {
        let Some(name) = self.topic(topic)? else { return Ok(None) };
        if let Err(why) = check_topic(&name) {
            return Err(Problem::new(
                format!("`{topic}` is {name:?}: {why}"),
                "Announce the entity again with a valid topic.",
            ));
        }
        let qos = self.number("qos").and_then(|qos| QoS::try_from(qos as u8).ok()).unwrap_or_default();
        Ok(Some(CommandSpec { topic: name, payload, qos, retain: self.flag("retain") }))
    }

    /// A command whose payload is a template over `value`, or the value itself.
    pub(super) fn value_command(&self, topic: &str, template: &str) -> Result<Option<CommandSpec>, Problem> {
        let payload = self.template(template)?.unwrap_or_else(|| "{{ value }}".to_owned());
        self.command(topic, payload)
    }

    /// A command with one payload, which a template may wrap.
    pub(super) fn fixed_command(
        &self,
        topic: &str,
        template: &str,
        payload: &str,
    ) -> Result<Option<CommandSpec>, Problem> {
        let payload = match self.template(template)? {
            Some(template) => with_value("value", payload, &template),
            None => payload.to_owned(),
        };
        self.command(topic, payload)
    }
}

/// The problem with a configuration that lacks a key.
pub(super) fn missing(key: &str) -> Problem {
    Problem::new(format!("`{key}` is missing"), "Announce the entity again with it.")
}

/// A template with a variable set to a text.
pub(super) fn with_value(name: &str, text: &str, template: &str) -> String {
    format!("{{% set {name} = {} %}}{template}", quoted(text))
}

/// A text as a template writes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
}

fn written_out(members: Map<String, Json>, table: &[(&str, &'static str)]) -> Map<String, Json> {
    let mut out = Map::new();
    for (key, value) in members {
        let name = long(table, &key);
        // A key that is there in both forms: the long one counts.
        if name == key || !out.contains_key(name) {
            out.insert(name.to_owned(), value);
        }
    }
    out
}

fn put_base(value: &mut Json, base: &str) {
    if let Json::String(topic) = value {
        if let Some(rest) = topic.strip_prefix('~') {
            *topic = format!("{base}{rest}");
        } else if let Some(rest) = topic.strip_suffix('~') {
            *topic = format!("{rest}{base}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_topic_is_put_where_a_topic_is_meant() {
        fn check(json: Json, key: &str, expected: &str) {
            let Json::Object(members) = json else { panic!("an object") };
            assert_eq!(Config::new(members).with_base_topic().text(key).as_deref(), Some(expected));
        }
        check(serde_json::json!({"~": "a/b", "stat_t": "~/s"}), "state_topic", "a/b/s");
        check(serde_json::json!({"~": "a/b", "cmd_t": "set/~"}), "command_topic", "set/a/b");
        check(serde_json::json!({"~": "a", "stat_t": "x/~/y"}), "state_topic", "x/~/y");
        check(serde_json::json!({"~": "a", "name": "~ lamp"}), "name", "~ lamp");
        check(serde_json::json!({"~": "a", "json_attr_t": "~"}), "json_attributes_topic", "a");
    }

    #[test]
    fn long_and_short_keys_may_be_mixed() {
        let json =
            serde_json::json!({"stat_t": "short", "state_topic": "long", "opt": "true", "ops": "[\"a\",1]"});
        let Json::Object(members) = json else { panic!("an object") };
        let config = Config::new(members);
        assert_eq!(config.text("state_topic").as_deref(), Some("long"));
        assert!(config.flag("optimistic"));
        assert_eq!(config.list("options"), ["a", "1"]);
    }
}
