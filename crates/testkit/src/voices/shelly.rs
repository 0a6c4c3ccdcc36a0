//! Shelly, both generations. Source: Shelly's documents of MQTT for Gen1, and of RPC over MQTT for Gen2.

use serde_json::{Value, json};

use super::{Said, Unit, Voice, keep, say};

/// A Shelly 2.5: two relays, or a roller when its mode was changed.
pub(super) struct Gen1(pub(super) Unit);

impl Gen1 {
    fn at(&self, rest: &str) -> String {
        format!("shellies/{}/{rest}", self.0.topic)
    }

    fn announcement(&self) -> Vec<Said> {
        let mode = if self.0.new { "roller" } else { "relay" };
        let about = json!({ "id": self.0.topic, "model": "SHSW-25", "mac": self.0.mac, "ip": "127.0.0.1", "new_fw": false,
            "fw_ver": self.0.version(), "mode": mode });
        vec![say("shellies/announce", &about), say(self.at("announce"), &about)]
    }

    fn relay(&self) -> Said {
        keep(self.at("relay/0"), self.0.power().to_lowercase())
    }

    fn report(&self) -> Vec<Said> {
        let temperature = keep(self.at("temperature"), self.0.value);
        if self.0.new {
            return vec![temperature, keep(self.at("roller/0"), "stop"), keep(self.at("roller/0/pos"), 40)];
        }
        vec![temperature, self.relay(), keep(self.at("relay/0/power"), 12.5)]
    }
}

impl Voice for Gen1 {
    fn client_id(&self) -> String {
        self.0.topic.clone()
    }

    fn will(&self) -> Said {
        keep(self.at("online"), "false")
    }

    fn listens(&self) -> Vec<String> {
        vec![
            "shellies/command".to_owned(),
            self.at("command"),
            self.at("relay/+/command"),
            self.at("roller/0/command"),
        ]
    }

    fn birth(&self) -> Vec<Said> {
        let mut said = vec![keep(self.at("online"), "true")];
        said.extend(self.announcement());
        said.extend(self.report());
        said
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.0.value = value;
        vec![keep(self.at("temperature"), value)]
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        if topic == self.at("relay/0/command") {
            return if self.0.obeys(payload) { vec![self.relay()] } else { Vec::new() };
        }
        match payload {
            "announce" => self.announcement(),
            "update" => self.report(),
            _ => Vec::new(),
        }
    }

    fn is_on(&self) -> bool {
        self.0.on
    }

    fn updates(&mut self) {
        self.0.new = true;
    }
}

/// A Shelly Plus 1PM; the newer firmware knows its add-on with a DHT22.
pub(super) struct Gen2(pub(super) Unit);

impl Gen2 {
    fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", self.0.topic)
    }

    fn id(&self) -> String {
        format!("shellyplus1pm-{}", self.0.small())
    }

    fn status(&self) -> Value {
        let mut status = json!({
            "switch:0": { "id": 0, "source": "init", "output": self.0.on, "apower": 0.0,
                "temperature": { "tC": self.0.value, "tF": self.0.value * 1.8 + 32.0 } },
            "sys": { "mac": self.0.mac, "restart_required": false, "uptime": 10 },
        });
        if self.0.new {
            status["humidity:100"] = json!({ "id": 100, "rh": 41.5 });
        }
        status
    }

    fn notify(&self, method: &str, mut params: Value) -> Said {
        params["ts"] = json!(1_764_439_200.5);
        let dst = format!("{}/events", self.0.topic);
        say(
            self.at("events/rpc"),
            json!({ "src": self.id(), "dst": dst, "method": method, "params": params }),
        )
    }
}

impl Voice for Gen2 {
    fn client_id(&self) -> String {
        self.id()
    }

    fn will(&self) -> Said {
        keep(self.at("online"), "false")
    }

    fn listens(&self) -> Vec<String> {
        vec![self.at("rpc"), self.at("command")]
    }

    fn birth(&self) -> Vec<Said> {
        vec![keep(self.at("online"), "true"), self.notify("NotifyFullStatus", self.status())]
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.0.value = value;
        let temperature = json!({ "tC": value, "tF": value * 1.8 + 32.0 });
        vec![self.notify("NotifyStatus", json!({ "switch:0": { "id": 0, "temperature": temperature } }))]
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        let Ok(call) = serde_json::from_str::<Value>(payload) else { return Vec::new() };
        if topic != self.at("rpc") {
            return Vec::new();
        }
        let mut events = Vec::new();
        let result = match call["method"].as_str() {
            Some("Shelly.GetDeviceInfo") => json!({ "name": null, "id": self.id(), "mac": self.0.mac,
                "model": "SNSW-001P16EU", "gen": 2, "ver": self.0.version(), "app": "Plus1PM" }),
            Some("Shelly.GetStatus") => self.status(),
            Some("Shelly.GetConfig") => json!({ "switch:0": { "id": 0, "name": null } }),
            Some("Switch.Set") => {
                let was_on = std::mem::replace(&mut self.0.on, call["params"]["on"] == true);
                let change = json!({ "switch:0": { "id": 0, "output": self.0.on, "source": "MQTT" } });
                events.push(self.notify("NotifyStatus", change));
                json!({ "was_on": was_on })
            }
            _ => return Vec::new(),
        };
        let Some(src) = call["src"].as_str() else { return events };
        let answer = json!({ "id": call["id"], "src": self.id(), "dst": src, "result": result });
        let mut said = vec![say(format!("{src}/rpc"), answer)];
        said.append(&mut events);
        said
    }

    fn is_on(&self) -> bool {
        self.0.on
    }

    fn updates(&mut self) {
        self.0.new = true;
    }
}
