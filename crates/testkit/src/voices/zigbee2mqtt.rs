//! Zigbee2MQTT without Home Assistant's discovery: a bridge that lists one plug. Source: Zigbee2MQTT's documentation,
//! "MQTT Topics and Messages" and "Exposes".

use serde_json::{Value, json};

use super::{Said, Unit, Voice, keep, say};

pub(super) struct Bridge(pub(super) Unit);

impl Bridge {
    fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", self.0.topic)
    }

    /// What the plug is called.
    fn plug(&self) -> String {
        format!("Plug {}", &self.0.mac[10..])
    }

    fn list(&self) -> Value {
        let numeric = |name: &str, unit: &str| json!({ "type": "numeric", "name": name, "label": name, "property": name, "access": 1, "unit": unit });
        let relay = json!({ "type": "switch", "features": [{ "type": "binary", "name": "state", "property": "state",
            "access": 7, "value_on": "ON", "value_off": "OFF", "value_toggle": "TOGGLE" }] });
        let mut exposes = vec![relay, numeric("temperature", "°C")];
        if self.0.new {
            exposes.push(numeric("humidity", "%"));
        }
        json!([
            { "ieee_address": "0x00", "type": "Coordinator", "friendly_name": "Coordinator" },
            { "ieee_address": format!("0x00158d00{}", &self.0.small()[4..]), "type": "Router", "supported": true,
                "friendly_name": self.plug(), "software_build_id": self.0.version(),
                "definition": { "model": "TS011F", "vendor": "TuYa", "description": "Plug", "exposes": exposes } },
        ])
    }

    fn state(&self) -> Said {
        let mut state = json!({ "state": self.0.power(), "temperature": self.0.value });
        if self.0.new {
            state["humidity"] = json!(41.5);
        }
        say(self.at(&self.plug()), state)
    }
}

impl Voice for Bridge {
    fn client_id(&self) -> String {
        format!("mqttjs_{}", &self.0.small()[4..])
    }

    fn will(&self) -> Said {
        keep(self.at("bridge/state"), json!({ "state": "offline" }))
    }

    fn listens(&self) -> Vec<String> {
        vec![self.at("+/set"), self.at("+/get"), self.at("bridge/request/#")]
    }

    fn birth(&self) -> Vec<Said> {
        vec![
            keep(self.at("bridge/state"), json!({ "state": "online" })),
            keep(self.at("bridge/info"), json!({ "version": "2.1.0" })),
            keep(self.at("bridge/devices"), self.list()),
            self.state(),
        ]
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.0.value = value;
        vec![self.state()]
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        let wish: Value = serde_json::from_str(payload).unwrap_or_default();
        let is_order = topic == self.at(&format!("{}/set", self.plug()))
            && wish["state"].as_str().is_some_and(|state| self.0.obeys(state));
        if is_order { vec![self.state()] } else { Vec::new() }
    }

    fn is_on(&self) -> bool {
        self.0.on
    }

    fn updates(&mut self) {
        self.0.new = true;
    }
}
