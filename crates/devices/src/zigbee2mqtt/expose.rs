//! One value a device exposes.

use std::collections::BTreeMap;

use model::features::EventFeatures;
use model::{CommandSpec, Component, EntityDescription, Features, StateSource, Value};
use serde_json::{Value as Json, json};

use super::device::Place;
use crate::ha;
use crate::limits::OPTIONS_MAX;
use crate::slug::capitalised;

/// What may be done with a value: bits of its `access`.
const TELLS: u64 = 1;
const TAKES: u64 = 2;

/// The members of an exposed value.
pub(super) struct Exposed<'a>(pub(super) &'a Json);

impl<'a> Exposed<'a> {
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Json::as_f64)
    }

    /// Where it stands in the device's JSON.
    pub(super) fn property(&self) -> Option<&'a str> {
        self.text("property").or_else(|| self.text("name"))
    }

    pub(super) fn tells(&self) -> bool {
        self.access() & TELLS != 0
    }

    pub(super) fn takes(&self) -> bool {
        self.access() & TAKES != 0
    }

    fn access(&self) -> u64 {
        self.0.get("access").and_then(Json::as_u64).unwrap_or(TELLS)
    }

    fn values(&self) -> Vec<String> {
        let values = self.0.get("values").and_then(Json::as_array).into_iter().flatten();
        values.take(OPTIONS_MAX).map(crate::template::print_json).collect()
    }
}

/// The entity a value becomes; `None` for what has no single value, or is not told or taken.
pub(super) fn entity(place: &Place, exposed: &Json) -> Option<EntityDescription> {
    let exposed = Exposed(exposed);
    let property = exposed.property()?;
    let (tells, takes) = (exposed.tells(), exposed.takes());
    let values = exposed.values();
    let component = match (exposed.text("type")?, takes) {
        ("enum", _) if property == "action" => Component::Event,
        ("binary", true) => Component::Switch,
        ("binary", false) => Component::BinarySensor,
        ("numeric", true) => Component::Number,
        ("enum", true) if !tells && values.len() == 1 => Component::Button,
        ("enum", true) => Component::Select,
        ("text", true) => Component::Text,
        ("numeric" | "enum" | "text", false) => Component::Sensor,
        _ => return None,
    };
    let mut entity = EntityDescription::new(format!("{}_{property}", place.id), component);
    entity.name = Some(exposed.text("label").map_or_else(|| capitalised(property), ToOwned::to_owned));
    entity.category = exposed.text("category").map(ToOwned::to_owned);
    classify(&mut entity, &exposed, property);
    match component {
        Component::Switch | Component::BinarySensor => {
            let (on, off) = (exposed.0.get("value_on"), exposed.0.get("value_off"));
            let (on, off) = (on.cloned().unwrap_or(json!(true)), off.cloned().unwrap_or(json!(false)));
            let word = crate::template::print_json;
            let map = [(word(&off), Value::Bool(false)), (word(&on), Value::Bool(true))].into();
            entity.sources.push(source(place, property, "", map));
            if takes {
                entity
                    .commands
                    .insert("turn_on".to_owned(), set(place, &json!({ property: on }).to_string()));
                entity
                    .commands
                    .insert("turn_off".to_owned(), set(place, &json!({ property: off }).to_string()));
            }
        }
        Component::Event => {
            // An empty action says that the last one is over.
            let template = format!(
                "{{{{ {{'event_type': value_json{0}}} | tojson if value_json{0} else '' }}}}",
                subscript(property)
            );
            entity.sources.push(StateSource {
                template: Some(template),
                ..source(place, property, "", BTreeMap::new())
            });
            entity.features = Some(Box::new(Features::Event(EventFeatures { event_types: values })));
        }
        Component::Button => {
            let press = json!({ property: values.first() }).to_string();
            entity.commands.insert("press".to_owned(), set(place, &press));
        }
        _ => {
            if tells {
                entity.sources.push(source(place, property, "", BTreeMap::new()));
            }
            entity.options = values;
            if takes {
                let value =
                    if component == Component::Number { "{{ value }}" } else { "{{ value | tojson }}" };
                let payload = format!("{{{}:{value}}}", Json::from(property));
                entity.commands.insert("set".to_owned(), set(place, &payload));
            }
        }
    }
    if component == Component::Number {
        (entity.min, entity.max, entity.step) =
            (exposed.number("value_min"), exposed.number("value_max"), exposed.number("value_step"));
    }
    entity.assumed_state = entity.sources.is_empty() && component != Component::Button;
    Some(entity)
}

/// Unit and classes. What a value is called says what it measures.
fn classify(entity: &mut EntityDescription, exposed: &Exposed, property: &str) {
    let name = exposed.text("name").unwrap_or(property);
    let class = match (entity.component, name) {
        (Component::BinarySensor, "contact") => Some("door"),
        (Component::BinarySensor, "occupancy" | "presence") => Some("occupancy"),
        (Component::BinarySensor, "water_leak") => Some("moisture"),
        (Component::BinarySensor, "battery_low") => Some("battery"),
        (Component::BinarySensor, "smoke" | "gas" | "tamper" | "vibration" | "moving") => Some(name),
        (Component::BinarySensor, "carbon_monoxide") => Some("carbon_monoxide"),
        (Component::Event, _) => Some("button"),
        (Component::Sensor, _) if exposed.text("type") == Some("enum") => Some("enum"),
        (
            Component::Sensor | Component::Number,
            "temperature" | "local_temperature" | "device_temperature",
        ) => Some("temperature"),
        (Component::Sensor, "illuminance_lux") => Some("illuminance"),
        (Component::Sensor, "co2") => Some("carbon_dioxide"),
        (Component::Sensor, "voc") => Some("volatile_organic_compounds"),
        (
            Component::Sensor,
            "battery" | "current" | "energy" | "humidity" | "illuminance" | "pm10" | "pm25" | "power"
            | "pressure" | "voltage" | "power_factor",
        ) => Some(name),
        (Component::Sensor, "soil_moisture") => Some("moisture"),
        _ => None,
    };
    entity.device_class = class.map(ToOwned::to_owned);
    entity.unit = exposed.text("unit").and_then(|unit| ha::normalise_unit(unit, class));
    if entity.component == Component::Sensor && exposed.text("type") == Some("numeric") {
        let total = matches!(name, "energy" | "produced_energy");
        entity.state_class = Some(if total { "total_increasing" } else { "measurement" }.to_owned());
    }
    if entity.category.is_none()
        && matches!(name, "battery" | "linkquality" | "battery_low" | "device_temperature")
    {
        entity.category = Some("diagnostic".to_owned());
    }
}

/// A member of the device's JSON.
pub(super) fn source(
    place: &Place,
    property: &str,
    field: &str,
    map: BTreeMap<String, Value>,
) -> StateSource {
    StateSource {
        topic: place.topic.clone(),
        template: Some(format!("{{{{ value_json{} }}}}", subscript(property))),
        field: field.to_owned(),
        map,
    }
}

fn subscript(property: &str) -> String {
    format!("[{}]", Json::from(property))
}

pub(super) fn set(place: &Place, payload: &str) -> CommandSpec {
    CommandSpec {
        topic: format!("{}/set", place.topic),
        payload: payload.to_owned(),
        ..CommandSpec::default()
    }
}
