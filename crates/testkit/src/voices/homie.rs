//! Homie. Source: the conventions 3.0.1, 4.0.0 and 5.0, and homie-esp8266's BootNormal.cpp.

use serde_json::json;

use super::{Said, Unit, Voice, keep};

/// Versions 3 and 4: a tree of topics.
pub(super) struct Tree {
    pub(super) unit: Unit,
    pub(super) version: &'static str,
}

impl Tree {
    fn at(&self, rest: &str) -> String {
        format!("homie/{}/{rest}", self.unit.topic)
    }

    fn property(&self, of: &str, attributes: &[(&str, &str)]) -> Vec<Said> {
        attributes.iter().map(|(name, value)| keep(self.at(&format!("{of}/${name}")), value)).collect()
    }
}

impl Voice for Tree {
    fn client_id(&self) -> String {
        self.unit.topic.clone()
    }

    fn will(&self) -> Said {
        keep(self.at("$state"), "lost")
    }

    fn listens(&self) -> Vec<String> {
        vec![self.at("+/+/set")]
    }

    fn birth(&self) -> Vec<Said> {
        let climate = if self.unit.new { "temperature,humidity" } else { "temperature" };
        let mut said = vec![
            keep(self.at("$homie"), self.version),
            keep(self.at("$state"), "init"),
            keep(self.at("$name"), &self.unit.topic),
            keep(self.at("$mac"), &self.unit.mac),
            keep(self.at("$nodes"), "climate,relay"),
        ];
        said.extend(
            self.property("climate", &[("name", "Climate"), ("type", "sensor"), ("properties", climate)]),
        );
        let degrees = [("name", "Temperature"), ("datatype", "float"), ("unit", "°C")];
        said.extend(self.property("climate/temperature", &degrees));
        if self.unit.new {
            let share = [("name", "Humidity"), ("datatype", "float"), ("unit", "%")];
            said.extend(self.property("climate/humidity", &share));
        }
        said.extend(self.property("relay", &[("name", "Relay"), ("type", "switch"), ("properties", "on")]));
        let on = [("name", "On"), ("datatype", "boolean"), ("settable", "true")];
        said.extend(self.property("relay/on", &on));
        said.push(keep(self.at("climate/temperature"), self.unit.value));
        said.push(keep(self.at("relay/on"), self.unit.on));
        if self.unit.new {
            said.push(keep(self.at("climate/humidity"), 41.5));
        }
        said.push(keep(self.at("$state"), "ready"));
        said
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.unit.value = value;
        vec![keep(self.at("climate/temperature"), value)]
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        let is_order = topic == self.at("relay/on/set") && self.unit.obeys(payload);
        if is_order { vec![keep(self.at("relay/on"), self.unit.on)] } else { Vec::new() }
    }

    fn is_on(&self) -> bool {
        self.unit.on
    }

    fn updates(&mut self) {
        self.unit.new = true;
    }
}

/// Version 5: one document.
pub(super) struct Document(pub(super) Unit);

impl Document {
    fn at(&self, rest: &str) -> String {
        format!("homie/5/{}/{rest}", self.0.topic)
    }
}

impl Voice for Document {
    fn client_id(&self) -> String {
        self.0.topic.clone()
    }

    fn will(&self) -> Said {
        keep(self.at("$state"), "lost")
    }

    fn listens(&self) -> Vec<String> {
        vec![self.at("+/+/set")]
    }

    fn birth(&self) -> Vec<Said> {
        let mut climate =
            json!({ "temperature": { "name": "Temperature", "datatype": "float", "unit": "°C" } });
        if self.0.new {
            climate["humidity"] = json!({ "name": "Humidity", "datatype": "float", "unit": "%" });
        }
        let nodes = json!({
            "climate": { "name": "Climate", "properties": climate },
            "relay": { "name": "Relay", "properties": { "on": { "name": "On", "datatype": "boolean", "settable": true } } },
        });
        let version = if self.0.new { 2 } else { 1 };
        let description = json!({ "homie": "5.0", "version": version, "name": self.0.topic, "nodes": nodes });
        vec![
            keep(self.at("$state"), "init"),
            keep(self.at("$description"), description),
            keep(self.at("climate/temperature"), self.0.value),
            keep(self.at("relay/on"), self.0.on),
            keep(self.at("$state"), "ready"),
        ]
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.0.value = value;
        vec![keep(self.at("climate/temperature"), value)]
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        let is_order = topic == self.at("relay/on/set") && self.0.obeys(payload);
        if is_order { vec![keep(self.at("relay/on"), self.0.on)] } else { Vec::new() }
    }

    fn is_on(&self) -> bool {
        self.0.on
    }

    fn updates(&mut self) {
        self.0.new = true;
    }
}
