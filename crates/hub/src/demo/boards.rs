//! The boards of the demo home: what they announce, what they report, what they obey.
//!
//! Two speak as Tasmota does, the others announce themselves the way ESPHome and own sketches do, by Home
//! Assistant's MQTT discovery. They are ordinary clients with credentials of their own.

use model::{Permissions, TopicFilter};
use serde_json::{Value, json};

use super::actuator::{self, Memory};
use super::view;
use super::world::{Curve, day_share};
use crate::clock;

/// Names of the demo's credentials start with this; nobody else's may.
pub const USER_PREFIX: &str = model::Publisher::DEMO_PREFIX;

/// What one board is.
pub(super) struct Board {
    /// Short name: credential, client id and topic are made from it.
    pub(super) slug: &'static str,
    pub(super) name: &'static str,
    pub(super) area: &'static str,
    pub(super) model: &'static str,
    pub(super) kind: Kind,
    /// Time between two reports, s.
    pub(super) every_s: u64,
    pub(super) sensors: &'static [Sensor],
}

/// How a board speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Home Assistant discovery, sensors only.
    Sensor,
    /// The same, but asleep between two reports.
    Sleepy,
    /// A light with brightness.
    Light,
    /// A camera that sends a picture now and then.
    Camera,
    /// A door lock.
    Lock,
    /// A blind that goes to a position.
    Cover,
    /// A radiator that keeps a temperature.
    Thermostat,
    /// Tasmota with one relay and an energy meter.
    TasmotaPlug,
}

/// One thing a board measures.
pub(super) struct Sensor {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) curve: Curve,
    pub(super) class: &'static str,
    /// Empty for something that is on or off.
    pub(super) unit: &'static str,
    pub(super) diagnostic: bool,
}

const fn sensor(
    key: &'static str,
    name: &'static str,
    curve: Curve,
    class: &'static str,
    unit: &'static str,
) -> Sensor {
    Sensor { key, name, curve, class, unit, diagnostic: false }
}

const fn signal(board: u64) -> Sensor {
    Sensor { diagnostic: true, ..sensor("rssi", "Signal", Curve::Rssi(board), "signal_strength", "dBm") }
}

const fn temperature(room: u64) -> Sensor {
    sensor("temperature", "Temperature", Curve::RoomTemperature(room), "temperature", "°C")
}

const fn humidity(room: u64) -> Sensor {
    sensor("humidity", "Humidity", Curve::RoomHumidity(room), "humidity", "%")
}

const fn motion(room: u64) -> Sensor {
    sensor("motion", "Motion", Curve::Motion(room), "motion", "")
}

/// The boards.
pub(super) const BOARDS: &[Board] = &[
    Board {
        slug: "living-climate",
        name: "Living room climate",
        area: "Living room",
        model: "D1 mini, SHT31",
        kind: Kind::Sensor,
        every_s: 30,
        sensors: &[temperature(1), humidity(1), signal(1)],
    },
    Board {
        slug: "bedroom-climate",
        name: "Bedroom climate",
        area: "Bedroom",
        model: "D1 mini, SHT31",
        kind: Kind::Sensor,
        every_s: 30,
        sensors: &[temperature(2), humidity(2), signal(2)],
    },
    Board {
        slug: "office-air",
        name: "Office air",
        area: "Office",
        model: "NodeMCU, MH-Z19",
        kind: Kind::Sensor,
        every_s: 20,
        sensors: &[
            sensor("co2", "Carbon dioxide", Curve::CarbonDioxide, "carbon_dioxide", "ppm"),
            temperature(3),
            signal(3),
        ],
    },
    Board {
        slug: "garden",
        name: "Garden",
        area: "Garden",
        model: "ESP-12F, BME280, two AA cells",
        kind: Kind::Sleepy,
        every_s: 300,
        sensors: &[
            sensor("temperature", "Temperature", Curve::OutdoorTemperature, "temperature", "°C"),
            sensor("humidity", "Humidity", Curve::OutdoorHumidity, "humidity", "%"),
            sensor("pressure", "Pressure", Curve::Pressure, "pressure", "hPa"),
            Sensor { diagnostic: true, ..sensor("battery", "Battery", Curve::Battery, "battery", "%") },
        ],
    },
    Board {
        slug: "hall-motion",
        name: "Hall motion",
        area: "Hall",
        model: "D1 mini, AM312",
        kind: Kind::Sensor,
        every_s: 10,
        sensors: &[
            motion(1),
            sensor("illuminance", "Brightness", Curve::Illuminance(1), "illuminance", "lx"),
            signal(5),
        ],
    },
    Board {
        slug: "front-door",
        name: "Front door",
        area: "Hall",
        model: "ESP-01S, reed contact",
        kind: Kind::Sensor,
        every_s: 15,
        sensors: &[sensor("door", "Door", Curve::Door, "door", ""), signal(6)],
    },
    Board {
        slug: "kitchen-motion",
        name: "Kitchen motion",
        area: "Kitchen",
        model: "D1 mini, RCWL-0516",
        kind: Kind::Sensor,
        every_s: 10,
        sensors: &[motion(2), signal(7)],
    },
    Board {
        slug: "bath-leak",
        name: "Bath leak",
        area: "Bath",
        model: "ESP-01S, water probe",
        kind: Kind::Sensor,
        every_s: 60,
        sensors: &[sensor("leak", "Leak", Curve::Dry, "moisture", ""), humidity(8), signal(8)],
    },
    Board {
        slug: "power-meter",
        name: "Power meter",
        area: "Utility room",
        model: "NodeMCU, infrared head",
        kind: Kind::Sensor,
        every_s: 10,
        sensors: &[sensor("power", "Power", Curve::HousePower, "power", "W"), signal(9)],
    },
    Board {
        slug: "washer",
        name: "Washing machine",
        area: "Utility room",
        model: "Sonoff S20",
        kind: Kind::TasmotaPlug,
        every_s: 15,
        sensors: &[sensor("Power", "Power", Curve::WasherPower, "power", "W")],
    },
    Board {
        slug: "fridge",
        name: "Fridge",
        area: "Kitchen",
        model: "Gosund SP111",
        kind: Kind::TasmotaPlug,
        every_s: 15,
        sensors: &[sensor("Power", "Power", Curve::FridgePower, "power", "W")],
    },
    Board {
        slug: "living-lamp",
        name: "Living room lamp",
        area: "Living room",
        model: "H801",
        kind: Kind::Light,
        every_s: 120,
        sensors: &[],
    },
    Board {
        slug: "door-lock",
        name: "Front door lock",
        area: "Hall",
        model: "ESP32, motor on the bolt",
        kind: Kind::Lock,
        every_s: 300,
        sensors: &[Sensor {
            diagnostic: true,
            ..sensor("battery", "Battery", Curve::Battery, "battery", "%")
        }],
    },
    Board {
        slug: "bedroom-blind",
        name: "Bedroom blind",
        area: "Bedroom",
        model: "D1 mini, tubular motor",
        kind: Kind::Cover,
        every_s: 300,
        sensors: &[signal(11)],
    },
    Board {
        slug: "living-heating",
        name: "Living room heating",
        area: "Living room",
        model: "ESP32, radiator valve",
        kind: Kind::Thermostat,
        every_s: 60,
        sensors: &[signal(12)],
    },
    Board {
        slug: "garden-camera",
        name: "Garden camera",
        area: "Garden",
        model: "ESP32-CAM",
        kind: Kind::Camera,
        every_s: 300,
        sensors: &[signal(13)],
    },
];

/// Where the thermostat measures.
const THERMOSTAT_ROOM: u64 = 1;

/// A message a board sends.
pub(super) struct Report {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) retain: bool,
}

fn report(topic: impl Into<String>, payload: impl ToString, retain: bool) -> Report {
    Report { topic: topic.into(), payload: payload.to_string().into_bytes(), retain }
}

impl Board {
    /// Name of its credential.
    pub(super) fn user(&self) -> String {
        format!("{USER_PREFIX}{}", self.slug)
    }

    fn base(&self) -> String {
        format!("demo/{}", self.slug)
    }

    /// A made-up MAC address, of the range kept for such: the second digit is 2.
    fn mac(&self) -> String {
        let mut sum = 0_u32;
        for byte in self.slug.bytes() {
            sum = sum.wrapping_mul(31).wrapping_add(u32::from(byte));
        }
        format!("D2DE{sum:08X}")
    }

    /// What it may write and read.
    pub(super) fn permissions(&self) -> Permissions {
        let filters =
            |texts: Vec<String>| texts.iter().filter_map(|text| TopicFilter::new(text).ok()).collect();
        match self.kind {
            Kind::TasmotaPlug => Permissions {
                write: filters(vec![
                    format!("tele/{0}/#", self.user()),
                    format!("stat/{0}/#", self.user()),
                    format!("tasmota/discovery/{}/#", self.mac()),
                ]),
                read: filters(vec![format!("cmnd/{}/#", self.user())]),
            },
            _ => Permissions {
                write: filters(vec![
                    format!("{}/#", self.base()),
                    format!("homeassistant/+/{}/+/config", self.user()),
                    format!("homeassistant/device/{}/config", self.user()),
                ]),
                read: filters(vec![format!("{}/set/#", self.base())]),
            },
        }
    }

    /// Topic and payload of its last will.
    pub(super) fn will(&self) -> (String, &'static str) {
        match self.kind {
            Kind::TasmotaPlug => (format!("tele/{}/LWT", self.user()), "Offline"),
            _ => (format!("{}/status", self.base()), "offline"),
        }
    }

    /// Filter of the commands it takes, if it takes any.
    pub(super) fn commands(&self) -> Option<String> {
        match self.kind {
            Kind::TasmotaPlug => Some(format!("cmnd/{}/#", self.user())),
            Kind::Light | Kind::Lock | Kind::Cover | Kind::Thermostat => {
                Some(format!("{}/set/#", self.base()))
            }
            Kind::Sensor | Kind::Sleepy | Kind::Camera => None,
        }
    }

    /// What it says when it has connected.
    pub(super) fn announcement(&self, local_ms: i64) -> Vec<Report> {
        if self.kind == Kind::TasmotaPlug {
            return self.tasmota_announcement(local_ms);
        }
        let availability = match self.kind {
            // Nothing is said about a sleeper between two wakes; its values expire instead.
            Kind::Sleepy => json!({}),
            _ => json!({ "availability_topic": format!("{}/status", self.base()) }),
        };
        let device = json!({
            "identifiers": [self.user()],
            "name": self.name,
            "model": self.model,
            "manufacturer": "Hearth demo",
            "sw_version": env!("CARGO_PKG_VERSION"),
            "suggested_area": self.area,
        });
        let mut reports = Vec::new();
        for sensor in self.sensors {
            let binary = sensor.unit.is_empty();
            let mut config = json!({
                "unique_id": format!("{}-{}", self.user(), sensor.key),
                "name": sensor.name,
                "state_topic": format!("{}/state", self.base()),
                "value_template": format!("{{{{ value_json.{} }}}}", sensor.key),
                "device_class": sensor.class,
                "device": device,
            });
            merge(&mut config, &availability);
            if !binary {
                merge(
                    &mut config,
                    &json!({ "unit_of_measurement": sensor.unit, "state_class": "measurement" }),
                );
            }
            if sensor.diagnostic {
                merge(&mut config, &json!({ "entity_category": "diagnostic" }));
            }
            if self.kind == Kind::Sleepy {
                merge(&mut config, &json!({ "expire_after": 3 * self.every_s }));
            }
            let component = if binary { "binary_sensor" } else { "sensor" };
            reports.push(report(
                format!("homeassistant/{component}/{}/{}/config", self.user(), sensor.key),
                config,
                true,
            ));
        }
        if let Some((component, mut config)) = actuator::announced(self.kind, &self.base()) {
            // It is the one main thing of its board, and called as the board is.
            let who = json!({
                "unique_id": format!("{}-{component}", self.user()), "name": null, "device": device,
            });
            merge(&mut config, &who);
            merge(&mut config, &availability);
            let topic = format!("homeassistant/{component}/{}/{component}/config", self.user());
            reports.push(report(topic, config, true));
        }
        if self.kind != Kind::Sleepy {
            reports.push(report(format!("{}/status", self.base()), "online", true));
        }
        reports
    }

    fn tasmota_announcement(&self, local_ms: i64) -> Vec<Report> {
        let (user, mac) = (self.user(), self.mac());
        let config = json!({
            "ip": "127.0.0.1", "dn": self.name, "fn": [self.name], "hn": user, "mac": mac, "md": self.model,
            "ty": 0, "if": 0, "ofln": "Offline", "onln": "Online", "state": ["OFF", "ON", "TOGGLE", "HOLD"],
            "sw": "15.2.0", "t": user, "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"],
            "rl": [1, 0, 0, 0, 0, 0, 0, 0], "swc": [-1], "swn": [null], "btn": [0],
            "so": { "4": 0, "11": 0, "13": 0, "17": 0, "20": 0, "30": 0, "68": 0, "73": 0, "82": 0, "114": 0, "117": 0 },
            "lk": 0, "lt_st": 0, "bat": 0, "dslp": 0, "sho": [], "ver": 1,
        });
        let mut sensors = self.energy(local_ms, true);
        merge(&mut sensors, &json!({ "Time": "2026-01-01T00:00:00" }));
        vec![
            report(format!("tasmota/discovery/{mac}/config"), config, true),
            report(format!("tasmota/discovery/{mac}/sensors"), json!({ "sn": sensors, "ver": 1 }), true),
            report(format!("tele/{user}/LWT"), "Online", true),
        ]
    }

    fn energy(&self, local_ms: i64, on: bool) -> Value {
        let watts =
            self.sensors.first().map_or(0.0, |sensor| if on { sensor.curve.at(local_ms) } else { 0.0 });
        json!({ "ENERGY": { "Power": watts, "Voltage": 231, "Current": (watts / 231.0 * 1000.0).round() / 1000.0 } })
    }

    /// What it measures now.
    pub(super) fn measurement(&self, local_ms: i64, memory: Memory) -> Vec<Report> {
        match self.kind {
            Kind::TasmotaPlug => {
                let user = self.user();
                vec![
                    report(format!("tele/{user}/STATE"), self.tasmota_state(memory), false),
                    report(format!("tele/{user}/SENSOR"), self.energy(local_ms, memory.on), false),
                ]
            }
            Kind::Light | Kind::Lock | Kind::Cover | Kind::Thermostat => vec![self.told(local_ms, memory)],
            Kind::Sensor | Kind::Sleepy => vec![self.measured(local_ms)],
            Kind::Camera => {
                let payload = view::at(day_share(local_ms));
                let picture = Report { topic: format!("{}/picture", self.base()), payload, retain: false };
                vec![self.measured(local_ms), picture]
            }
        }
    }

    fn measured(&self, local_ms: i64) -> Report {
        report(format!("{}/state", self.base()), self.values(local_ms), false)
    }

    /// What its sensors say.
    fn values(&self, local_ms: i64) -> Value {
        let values = self.sensors.iter().map(|sensor| {
            let value = sensor.curve.at(local_ms);
            let value = if sensor.unit.is_empty() { json!(on_off(value > 0.5)) } else { json!(value) };
            (sensor.key.to_owned(), value)
        });
        Value::Object(values.collect())
    }

    /// How it says that it was told something.
    pub(super) fn told(&self, local_ms: i64, memory: Memory) -> Report {
        if self.kind == Kind::TasmotaPlug {
            return report(
                format!("stat/{}/RESULT", self.user()),
                json!({ "POWER": on_off(memory.on) }),
                false,
            );
        }
        let room = Curve::RoomTemperature(THERMOSTAT_ROOM).at(local_ms);
        let mut state = actuator::told(self.kind, memory, room);
        merge(&mut state, &self.values(local_ms));
        report(format!("{}/state", self.base()), state, true)
    }

    /// What it does and says when told something; nothing if that means nothing to it.
    pub(super) fn obey(&self, topic: &str, payload: &str, memory: &mut Memory) -> Vec<Report> {
        if self.kind == Kind::TasmotaPlug {
            return self.obey_as_tasmota(topic, payload, memory);
        }
        let set = format!("{}/set", self.base());
        let what = topic.strip_prefix(&set).unwrap_or(topic);
        if actuator::obey(self.kind, what, payload, memory) {
            vec![self.told(clock::local_ms(), *memory)]
        } else {
            Vec::new()
        }
    }

    fn obey_as_tasmota(&self, topic: &str, payload: &str, memory: &mut Memory) -> Vec<Report> {
        let verb = topic.rsplit('/').next().unwrap_or_default().to_ascii_uppercase();
        let stat =
            |name: &str, value: Value| vec![report(format!("stat/{}/{name}", self.user()), value, false)];
        match verb.as_str() {
            "POWER" | "POWER1" => {
                memory.on = match payload.to_ascii_uppercase().as_str() {
                    "ON" | "1" => true,
                    "OFF" | "0" => false,
                    "TOGGLE" | "2" => !memory.on,
                    _ => memory.on,
                };
                vec![self.told(clock::local_ms(), *memory)]
            }
            "STATE" => stat("RESULT", self.tasmota_state(*memory)),
            "STATUS" if payload == "11" => {
                stat("STATUS11", json!({ "StatusSTS": self.tasmota_state(*memory) }))
            }
            "STATUS" if payload == "10" => {
                stat("STATUS10", json!({ "StatusSNS": self.energy(clock::local_ms(), memory.on) }))
            }
            _ => Vec::new(),
        }
    }

    fn tasmota_state(&self, memory: Memory) -> Value {
        let dbm = Curve::Rssi(self.slug.len() as u64).at(clock::local_ms());
        // As Tasmota reckons the quality: 0 % at -100 dBm, 100 % at -50 dBm.
        let percent = (2.0 * (dbm + 100.0)).clamp(0.0, 100.0);
        json!({ "POWER": on_off(memory.on), "Wifi": { "SSId": "demo", "RSSI": percent, "Signal": dbm, "LinkCount": 1 }, "MqttCount": 1 })
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_may_do_what_it_does() {
        let memory = Memory::START;
        for board in BOARDS {
            let may = board.permissions();
            let reports = board.announcement(0).into_iter().chain(board.measurement(0, memory));
            for report in reports.chain([board.told(0, memory)]) {
                assert!(may.may_write(&report.topic), "{} writes {}", board.name, report.topic);
            }
            assert!(may.may_write(&board.will().0), "{}", board.name);
            if let Some(filter) = board.commands() {
                assert!(may.may_subscribe(&TopicFilter::new(&filter).unwrap()), "{}", board.name);
            }
        }
    }

    #[test]
    fn boards_obey_what_their_firmware_understands() {
        fn check(slug: &str, topic: &str, payload: &str, expected: Option<bool>) {
            let board = BOARDS.iter().find(|board| board.slug == slug).unwrap();
            let mut memory = Memory::START;
            memory.on = false;
            let said = board.obey(topic, payload, &mut memory);
            assert_eq!((!said.is_empty()).then_some(memory.on), expected, "{slug}: {topic} {payload}");
        }
        check("fridge", "cmnd/demo-fridge/POWER", "ON", Some(true));
        check("fridge", "cmnd/demo-fridge/Power1", "toggle", Some(true));
        check("fridge", "cmnd/demo-fridge/POWER", "nonsense", Some(false));
        check("fridge", "cmnd/demo-fridge/STATUS", "10", Some(false));
        check("fridge", "cmnd/demo-fridge/Blink", "1", None);
        check("living-lamp", "demo/living-lamp/set", r#"{"state":"ON"}"#, Some(true));
        check("living-lamp", "demo/living-lamp/set", r#"{"brightness":200}"#, Some(true));
        check("living-lamp", "demo/living-lamp/set", "ON", Some(true));
        check("bedroom-blind", "demo/bedroom-blind/set/position", "30", Some(false));
        check("door-lock", "demo/door-lock/set", "JAM", None);
    }
}
