//! Firmwares that announce nothing: their topics give them away. Source: ESPEasy's _C005.cpp, WLED's mqtt.cpp, ESPurna's
//! mqtt.cpp and relay.cpp.

use serde_json::json;

use super::{Said, Unit, Voice, keep, say};

/// ESPEasy with its controller C005.
pub(super) struct Espeasy(pub(super) Unit);

impl Espeasy {
    fn values(&self) -> Vec<Said> {
        let at = |value: &str| format!("{}/bme/{value}", self.0.topic);
        let mut said = vec![say(at("Temperature"), format!("{:.2}", self.0.value))];
        if self.0.new {
            said.push(say(at("Humidity"), "41.50"));
        }
        said
    }
}

impl Voice for Espeasy {
    fn client_id(&self) -> String {
        format!("{}_0", self.0.topic)
    }

    fn will(&self) -> Said {
        keep(format!("{}/status", self.0.topic), "Connection Lost")
    }

    fn listens(&self) -> Vec<String> {
        vec![format!("{}/#", self.0.topic)]
    }

    fn birth(&self) -> Vec<Said> {
        let mut said = vec![keep(format!("{}/status", self.0.topic), "Connected")];
        said.extend(self.values());
        said
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.0.value = value;
        self.values()
    }

    fn hears(&mut self, _: &str, _: &str) -> Vec<Said> {
        Vec::new()
    }

    fn is_on(&self) -> bool {
        self.0.on
    }

    fn updates(&mut self) {
        self.0.new = true;
    }
}

/// WLED; its relay is its strip.
pub(super) struct Wled(pub(super) Unit);

impl Wled {
    fn at(&self, rest: &str) -> String {
        format!("wled/{}{rest}", self.0.topic)
    }

    fn state(&self) -> Vec<Said> {
        let level = if self.0.on { 128 } else { 0 };
        let xml = format!("<?xml version=\"1.0\" ?><vs><ac>{level}</ac></vs>");
        vec![say(self.at("/g"), level), say(self.at("/c"), "#FFA000"), say(self.at("/v"), xml)]
    }
}

impl Voice for Wled {
    fn client_id(&self) -> String {
        format!("WLED-{}", &self.0.small()[6..])
    }

    fn will(&self) -> Said {
        keep(self.at("/status"), "offline")
    }

    fn listens(&self) -> Vec<String> {
        vec![self.at(""), self.at("/col"), self.at("/api")]
    }

    fn birth(&self) -> Vec<Said> {
        let mut said = vec![keep(self.at("/status"), "online")];
        said.extend(self.state());
        said
    }

    /// Somebody presses its button.
    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.0.on = value > 0.0;
        self.state()
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        let is_order = if topic == self.at("/api") {
            let wish: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
            wish["on"].as_bool().is_some_and(|on| self.0.obeys(if on { "on" } else { "off" }))
        } else {
            topic == self.at("") && self.0.obeys(payload)
        };
        if is_order { self.state() } else { Vec::new() }
    }

    fn is_on(&self) -> bool {
        self.0.on
    }

    fn updates(&mut self) {
        self.0.new = true;
    }
}

/// ESPurna with `haEnabled` off, as it comes.
pub(super) struct Espurna(pub(super) Unit);

impl Espurna {
    fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", self.0.topic)
    }

    fn relay(&self) -> Said {
        keep(self.at("relay/0"), u8::from(self.0.on))
    }
}

impl Voice for Espurna {
    fn client_id(&self) -> String {
        format!("ESPURNA-{}", &self.0.mac[6..])
    }

    fn will(&self) -> Said {
        keep(self.at("status"), 0)
    }

    fn listens(&self) -> Vec<String> {
        vec![self.at("relay/+/set")]
    }

    fn birth(&self) -> Vec<Said> {
        let mac: Vec<&str> = (0..self.0.mac.len()).step_by(2).map(|at| &self.0.mac[at..at + 2]).collect();
        let mut said = vec![
            keep(self.at("app"), "ESPURNA"),
            keep(self.at("version"), self.0.version()),
            keep(self.at("mac"), mac.join(":")),
            keep(self.at("ip"), "127.0.0.1"),
            keep(self.at("status"), 1),
            self.relay(),
            say(self.at("temperature"), self.0.value),
        ];
        if self.0.new {
            said.push(say(self.at("humidity"), 41));
        }
        said
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.0.value = value;
        vec![say(self.at("temperature"), value)]
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        let is_order = topic == self.at("relay/0/set") && self.0.obeys(payload);
        if is_order { vec![self.relay()] } else { Vec::new() }
    }

    fn is_on(&self) -> bool {
        self.0.on
    }

    fn updates(&mut self) {
        self.0.new = true;
    }
}

/// A sketch of one's own, with PubSubClient, that announces nothing.
pub(super) struct Sketch(pub(super) Unit);

impl Sketch {
    fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", self.0.topic)
    }

    fn state(&self) -> Said {
        let mut state = json!({ "temp": self.0.value, "relay": self.0.power() });
        if self.0.new {
            state["hum"] = json!(41.5);
        }
        say(self.at("state"), state)
    }
}

impl Voice for Sketch {
    fn client_id(&self) -> String {
        self.0.topic.clone()
    }

    fn will(&self) -> Said {
        keep(self.at("status"), "offline")
    }

    fn listens(&self) -> Vec<String> {
        vec![self.at("relay/set")]
    }

    fn birth(&self) -> Vec<Said> {
        vec![keep(self.at("status"), "online"), self.state(), self.state(), self.state()]
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.0.value = value;
        vec![self.state()]
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        let is_order = topic == self.at("relay/set") && self.0.obeys(payload);
        if is_order { vec![self.state()] } else { Vec::new() }
    }

    fn is_on(&self) -> bool {
        self.0.on
    }

    fn updates(&mut self) {
        self.0.new = true;
    }
}
