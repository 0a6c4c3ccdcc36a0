//! Boards that speak like their firmware: a real MQTT client with a last will, that announces itself, reports, obeys and
//! answers with the topics and payloads of the firmware's source. (What is told to a board that is paired is in
//! [`crate::boards`].)

mod board;
mod discovery;
mod homie;
mod plain;
mod shelly;
mod tasmota;
mod zigbee2mqtt;

pub use board::{Login, TalkingBoard};

/// A message a board publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: String,
    /// Whether it is to be retained.
    pub retain: bool,
}

/// A message that is not retained.
fn say(topic: impl Into<String>, payload: impl ToString) -> Said {
    Said { topic: topic.into(), payload: payload.to_string(), retain: false }
}

/// A message that is retained.
fn keep(topic: impl Into<String>, payload: impl ToString) -> Said {
    Said { retain: true, ..say(topic, payload) }
}

/// The firmwares there is a board of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Firmware {
    Tasmota,
    Esphome,
    Homie3,
    Homie4,
    Homie5,
    ShellyGen1,
    ShellyGen2,
    Espeasy,
    Wled,
    Espurna,
    OpenMqttGateway,
    Zigbee2Mqtt,
    EmsEsp,
    /// Home Assistant's discovery, all entities in one message.
    DeviceForm,
    /// A sketch that announces itself, as the one in its profile.
    Custom,
    /// A sketch that announces nothing.
    Sketch,
}

/// What a home has to make of a board, by component and device class.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cast {
    /// Id of the profile its permissions come from.
    pub profile: &'static str,
    /// What it can be told: a component.
    pub actuator: Option<&'static str>,
    /// What it measures: a device class.
    pub sensor: Option<&'static str>,
    /// What the newer firmware has more: a component and a device class.
    pub gains: Option<(&'static str, Option<&'static str>)>,
    /// Version of the newer firmware, if the board tells it.
    pub version: Option<&'static str>,
}

/// What a firmware says, and what it does when it is told something.
pub trait Voice: Send {
    /// MQTT client id.
    fn client_id(&self) -> String;
    /// What is published when it vanishes.
    fn will(&self) -> Said;
    /// What it subscribes to.
    fn listens(&self) -> Vec<String>;
    /// What it publishes whenever it has connected.
    fn birth(&self) -> Vec<Said>;
    /// Its sensor measures something else; what it says of that.
    fn measures(&mut self, value: f64) -> Vec<Said>;
    /// A message for it; what it answers.
    fn hears(&mut self, topic: &str, payload: &str) -> Vec<Said>;
    /// Whether what can be told is on.
    fn is_on(&self) -> bool;
    /// Gets a newer firmware, or other features; it says so from its next start on.
    fn updates(&mut self);
}

impl Firmware {
    /// What a home has to make of it.
    pub fn cast(self) -> Cast {
        let usual = Cast {
            profile: "custom",
            actuator: Some("switch"),
            sensor: Some("temperature"),
            gains: Some(("sensor", Some("humidity"))),
            version: Some(NEW),
        };
        match self {
            Self::Tasmota => Cast { profile: "tasmota", ..usual },
            Self::Esphome => Cast { profile: "esphome", ..usual },
            // Versions 3 and 4 tell the version of the convention only, and homie-esp8266 its own in a topic.
            Self::Homie3 | Self::Homie4 | Self::Homie5 => Cast { profile: "homie", version: None, ..usual },
            Self::ShellyGen1 => Cast { profile: "shelly-gen1", gains: Some(("cover", None)), ..usual },
            Self::ShellyGen2 => Cast { profile: "shelly-gen2", ..usual },
            // It takes orders for pins and names none of them.
            Self::Espeasy => Cast { profile: "espeasy", actuator: None, version: None, ..usual },
            // It has one light and no word for its version.
            Self::Wled => {
                Cast { profile: "wled", actuator: Some("light"), sensor: None, gains: None, version: None }
            }
            Self::Espurna => Cast { profile: "espurna", ..usual },
            Self::OpenMqttGateway => Cast { profile: "openmqttgateway", ..usual },
            Self::Zigbee2Mqtt => Cast { profile: "zigbee2mqtt", ..usual },
            Self::EmsEsp => Cast { profile: "ems-esp", ..usual },
            Self::DeviceForm => Cast { profile: "home-assistant", ..usual },
            Self::Custom => Cast { profile: "custom", ..usual },
            Self::Sketch => Cast { profile: "custom", version: None, ..usual },
        }
    }

    /// A board with this firmware. `topic`: what it was told to use; `serial` makes its address.
    pub fn voice(self, topic: &str, serial: u8) -> Box<dyn Voice> {
        let unit = Unit {
            topic: topic.to_owned(),
            mac: format!("5CCF7F0B10{serial:02X}"),
            on: false,
            value: 20.5,
            new: false,
        };
        match self {
            Self::Tasmota => Box::new(tasmota::Tasmota(unit)),
            Self::Homie3 => Box::new(homie::Tree { unit, version: "3.0.1" }),
            Self::Homie4 => Box::new(homie::Tree { unit, version: "4.0.0" }),
            Self::Homie5 => Box::new(homie::Document(unit)),
            Self::ShellyGen1 => Box::new(shelly::Gen1(unit)),
            Self::ShellyGen2 => Box::new(shelly::Gen2(unit)),
            Self::Espeasy => Box::new(plain::Espeasy(unit)),
            Self::Wled => Box::new(plain::Wled(unit)),
            Self::Espurna => Box::new(plain::Espurna(unit)),
            Self::Sketch => Box::new(plain::Sketch(unit)),
            Self::Zigbee2Mqtt => Box::new(zigbee2mqtt::Bridge(unit)),
            Self::Esphome | Self::OpenMqttGateway | Self::EmsEsp | Self::DeviceForm | Self::Custom => {
                Box::new(discovery::Announcer { unit, firmware: self })
            }
        }
    }
}

/// Versions of a board's firmware before and after it was updated.
const OLD: &str = "1.0.0";
const NEW: &str = "2.0.0";

/// What every board has, whatever its firmware: a relay and a thermometer.
#[derive(Debug, Clone)]
struct Unit {
    topic: String,
    /// Twelve upper-case hex digits.
    mac: String,
    on: bool,
    value: f64,
    new: bool,
}

impl Unit {
    fn version(&self) -> &'static str {
        if self.new { NEW } else { OLD }
    }

    fn power(&self) -> &'static str {
        if self.on { "ON" } else { "OFF" }
    }

    /// Small letters of the address, as many firmwares write it.
    fn small(&self) -> String {
        self.mac.to_lowercase()
    }

    /// Takes an order; whether it was one.
    fn obeys(&mut self, payload: &str) -> bool {
        self.on = match payload.to_ascii_lowercase().as_str() {
            "on" | "1" | "true" => true,
            "off" | "0" | "false" => false,
            "toggle" | "2" | "t" => !self.on,
            _ => return false,
        };
        true
    }
}
