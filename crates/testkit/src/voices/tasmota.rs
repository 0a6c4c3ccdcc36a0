//! Tasmota. Source: Tasmota's xdrv_02_9_mqtt.ino, xdrv_12_discovery.ino and support_command.ino.

use serde_json::{Value, json};

use super::{Said, Unit, Voice, keep, say};
use crate::boards::tasmota_config;

pub(super) struct Tasmota(pub(super) Unit);

impl Tasmota {
    fn stat(&self, what: &str) -> String {
        format!("stat/{}/{what}", self.0.topic)
    }

    fn tele(&self, what: &str) -> String {
        format!("tele/{}/{what}", self.0.topic)
    }

    /// The newer board has another sensor in place of the old one.
    fn sensors(&self) -> Value {
        let time = "2026-11-29T18:00:00";
        match self.0.new {
            false => {
                json!({ "Time": time, "DS18B20": { "Id": "0316", "Temperature": self.0.value }, "TempUnit": "C" })
            }
            true => {
                json!({ "Time": time, "BME280": { "Temperature": self.0.value, "Humidity": 41.5 }, "TempUnit": "C" })
            }
        }
    }

    fn state(&self) -> Value {
        json!({ "Time": "2026-11-29T18:00:00", "Uptime": "0T00:00:10", "UptimeSec": 10, "Heap": 26, "POWER": self.0.power(),
            "Wifi": { "AP": 1, "SSId": "home", "RSSI": 80, "Signal": -60, "LinkCount": 1 } })
    }
}

impl Voice for Tasmota {
    fn client_id(&self) -> String {
        format!("DVES_{}", &self.0.mac[6..])
    }

    fn will(&self) -> Said {
        keep(self.tele("LWT"), "Offline")
    }

    fn listens(&self) -> Vec<String> {
        vec![format!("cmnd/{}/#", self.0.topic), "cmnd/tasmotas/#".to_owned()]
    }

    fn birth(&self) -> Vec<Said> {
        let discovery = |what: &str| format!("tasmota/discovery/{}/{what}", self.0.mac);
        let config = tasmota_config(&self.0.mac, &self.0.topic, self.0.version());
        vec![
            keep(self.tele("LWT"), "Online"),
            keep(discovery("config"), config),
            keep(discovery("sensors"), json!({ "sn": self.sensors(), "ver": 1 })),
            say(self.tele("STATE"), self.state()),
            say(self.tele("SENSOR"), self.sensors()),
        ]
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.0.value = value;
        vec![say(self.tele("SENSOR"), self.sensors())]
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        let command = topic.rsplit('/').next().unwrap_or_default().to_ascii_uppercase();
        match command.as_str() {
            "POWER" | "POWER1" => {
                // Without a payload it only says how it is.
                self.0.obeys(payload);
                let result = json!({ "POWER": self.0.power() });
                vec![say(self.stat("RESULT"), result), say(self.stat("POWER"), self.0.power())]
            }
            "STATE" => vec![say(self.stat("RESULT"), self.state())],
            "STATUS" if payload == "10" => {
                vec![say(self.stat("STATUS10"), json!({ "StatusSNS": self.sensors() }))]
            }
            "STATUS" if payload == "11" => {
                vec![say(self.stat("STATUS11"), json!({ "StatusSTS": self.state() }))]
            }
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
