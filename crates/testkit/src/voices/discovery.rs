//! Firmwares that announce themselves by Home Assistant's discovery, each in its own way. Source: ESPHome's
//! mqtt_component.cpp, OpenMQTTGateway's ZmqttDiscovery.ino, EMS-ESP's mqtt.cpp, Home Assistant's documentation of the
//! device form, and the sketch in `custom.example.toml`.

use serde_json::{Value, json};

use super::{Firmware, Said, Unit, Voice, keep, say};

pub(super) struct Announcer {
    pub(super) unit: Unit,
    pub(super) firmware: Firmware,
}

impl Announcer {
    /// Where it says that it is there.
    fn presence(&self) -> String {
        match self.firmware {
            Firmware::OpenMqttGateway => format!("home/{}/LWT", self.unit.topic),
            _ => format!("{}/status", self.unit.topic),
        }
    }

    /// Where it is told.
    fn orders(&self) -> String {
        let topic = &self.unit.topic;
        match self.firmware {
            Firmware::Esphome => format!("{topic}/switch/relay/command"),
            Firmware::OpenMqttGateway => format!("home/{topic}/commands/MQTTtoONOFF"),
            Firmware::EmsEsp => format!("{topic}/boiler/wwcirc"),
            _ => format!("{topic}/relay/set"),
        }
    }

    /// How it reports a value.
    fn report(&self, what: &str) -> Said {
        let (unit, topic) = (&self.unit, &self.unit.topic);
        let climate = || {
            let mut climate = json!({ "tempc": unit.value });
            if unit.new {
                climate["hum"] = json!(41.5);
            }
            climate
        };
        match (self.firmware, what) {
            (Firmware::Esphome, "relay") => keep(format!("{topic}/switch/relay/state"), unit.power()),
            (Firmware::Esphome, "hum") => keep(format!("{topic}/sensor/hum/state"), 41.5),
            (Firmware::Esphome, _) => keep(format!("{topic}/sensor/{what}/state"), unit.value),
            (Firmware::OpenMqttGateway, "relay") => {
                say(format!("home/{topic}/ONOFFtoMQTT"), json!({ "cmd": u8::from(unit.on) }))
            }
            (Firmware::OpenMqttGateway, _) => say(format!("home/{topic}/CLIMAtoMQTT/bme"), climate()),
            (Firmware::EmsEsp, "relay") => {
                say(format!("{topic}/boiler_data_dhw"), json!({ "circ": unit.power().to_lowercase() }))
            }
            (Firmware::EmsEsp, _) => say(format!("{topic}/boiler_data"), climate()),
            (Firmware::Custom, "relay") => say(format!("{topic}/relay"), unit.power()),
            (Firmware::Custom, "hum") => say(format!("{topic}/hum"), 41.5),
            (Firmware::Custom, _) => say(format!("{topic}/temp"), unit.value),
            (_, "relay") => say(format!("{topic}/relay/state"), unit.power()),
            _ => say(format!("{topic}/climate"), climate()),
        }
    }

    /// What it announces of an entity: component, object id, config without what belongs to the device.
    fn entities(&self) -> Vec<(&'static str, &'static str, Value)> {
        let state = |what: &str| self.report(what).topic;
        let mut relay = json!({ "name": "Relay", "stat_t": state("relay"), "cmd_t": self.orders() });
        let sensor = |what: &str, name: &str, class: &str, unit: &str| {
            let mut config = json!({ "name": name, "stat_t": state(what), "dev_cla": class, "unit_of_meas": unit,
                "stat_cla": "measurement" });
            config["val_tpl"] = match self.firmware {
                Firmware::Esphome | Firmware::Custom => return config,
                Firmware::OpenMqttGateway => json!(format!("{{{{ value_json.{what} | is_defined }}}}")),
                _ => json!(format!("{{{{value_json.{what}}}}}")),
            };
            config
        };
        let mut all = vec![("sensor", "tempc", sensor("tempc", "Temperature", "temperature", "°C"))];
        if self.unit.new {
            all.push(("sensor", "hum", sensor("hum", "Humidity", "humidity", "%")));
        }
        match self.firmware {
            Firmware::OpenMqttGateway => {
                let words = [
                    ("pl_on", "{\"cmd\":1}"),
                    ("pl_off", "{\"cmd\":0}"),
                    ("stat_on", "1"),
                    ("stat_off", "0"),
                ];
                words.into_iter().for_each(|(key, word)| relay[key] = json!(word));
                relay["val_tpl"] = json!("{{ value_json.cmd }}");
            }
            Firmware::EmsEsp => {
                let words = [("pl_on", "on"), ("pl_off", "off"), ("stat_on", "on"), ("stat_off", "off")];
                words.into_iter().for_each(|(key, word)| relay[key] = json!(word));
                relay["val_tpl"] = json!("{{value_json.circ}}");
            }
            _ => {}
        }
        all.push(("switch", "relay", relay));
        all
    }

    fn device(&self) -> Value {
        let unit = &self.unit;
        let mut device = json!({ "name": unit.topic, "sw": unit.version() });
        match self.firmware {
            // A plain string, and connections beside it.
            Firmware::Esphome => {
                device["ids"] = json!(unit.small());
                device["cns"] = json!([["mac", unit.small()]]);
                device["mf"] = json!("Espressif");
            }
            Firmware::OpenMqttGateway => device["ids"] = json!([unit.mac]),
            _ => device["ids"] = json!([unit.topic]),
        }
        device
    }

    fn announcements(&self) -> Vec<Said> {
        let (unit, topic) = (&self.unit, &self.unit.topic);
        if self.firmware == Firmware::DeviceForm {
            let mut components = json!({});
            for (component, object, mut config) in self.entities() {
                config["p"] = json!(component);
                config["uniq_id"] = json!(format!("{}_{object}", unit.small()));
                components[object] = config;
            }
            let whole = json!({ "dev": self.device(), "o": { "name": "bench", "sw": unit.version() },
                "avty_t": self.presence(), "cmps": components });
            return vec![keep(format!("homeassistant/device/{topic}/config"), whole)];
        }
        let announced = |(component, object, mut config): (&str, &str, Value)| {
            let (key, device) =
                (if self.firmware == Firmware::OpenMqttGateway { "device" } else { "dev" }, self.device());
            config[key] = device;
            config["avty_t"] = json!(self.presence());
            // ESPHome's are not unique beyond the node.
            config["uniq_id"] = match self.firmware {
                Firmware::Esphome => json!(format!("ESP{component}{object}")),
                Firmware::OpenMqttGateway => json!(format!("{}-{object}", unit.mac)),
                _ => json!(format!("{topic}_{object}")),
            };
            let place = match self.firmware {
                Firmware::OpenMqttGateway => format!("{}-{object}", unit.mac),
                _ => format!("{topic}/{object}"),
            };
            keep(format!("homeassistant/{component}/{place}/config"), config)
        };
        self.entities().into_iter().map(announced).collect()
    }
}

impl Voice for Announcer {
    fn client_id(&self) -> String {
        match self.firmware {
            Firmware::Esphome => format!("{}-{}", self.unit.topic, self.unit.small()),
            _ => self.unit.topic.clone(),
        }
    }

    fn will(&self) -> Said {
        keep(self.presence(), "offline")
    }

    fn listens(&self) -> Vec<String> {
        vec![self.orders()]
    }

    fn birth(&self) -> Vec<Said> {
        let mut said = vec![keep(self.presence(), "online")];
        said.extend(self.announcements());
        said.extend(["tempc", "relay"].map(|what| self.report(what)));
        if self.unit.new {
            said.push(self.report("hum"));
        }
        said
    }

    fn measures(&mut self, value: f64) -> Vec<Said> {
        self.unit.value = value;
        vec![self.report("tempc")]
    }

    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said> {
        let order = match payload {
            "{\"cmd\":1}" => "on",
            "{\"cmd\":0}" => "off",
            payload => payload,
        };
        let is_order = topic == self.orders() && self.unit.obeys(order);
        if is_order { vec![self.report("relay")] } else { Vec::new() }
    }

    fn is_on(&self) -> bool {
        self.unit.on
    }

    fn updates(&mut self) {
        self.unit.new = true;
    }
}
