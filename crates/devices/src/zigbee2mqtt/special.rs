//! Lights, covers, locks, fans and thermostats: several values that belong together.

use std::collections::BTreeMap;

use model::features::{ClimateFeatures, ColorMode, CoverFeatures, FanFeatures, LightFeatures, LightSchema};
use model::{Component, EntityDescription, Features, StateSource, Value};
use serde_json::Value as Json;

use super::device::Place;
use super::expose::{self, Exposed, set, source};

/// The values of a special thing, by name.
struct Parts<'a> {
    all: Vec<Exposed<'a>>,
    endpoint: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(exposed: &'a Json) -> Self {
        let features = exposed.get("features").and_then(Json::as_array).into_iter().flatten();
        Self {
            all: features.map(Exposed).collect(),
            endpoint: exposed.get("endpoint").and_then(Json::as_str),
        }
    }

    fn get(&self, name: &str) -> Option<&Exposed<'a>> {
        self.all.iter().find(|part| part.text("name") == Some(name))
    }

    fn property(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.property()
    }

    /// What the whole is called: its kind, with the part of the device it is.
    fn name(&self, kind: &str) -> Option<String> {
        self.endpoint.map(|endpoint| format!("{kind} {endpoint}"))
    }
}

/// The entities of a light, a switch, a cover, a lock, a fan or a climate.
pub(super) fn entities(place: &Place, exposed: &Json) -> Vec<EntityDescription> {
    let parts = Parts::of(exposed);
    let main = match exposed.get("type").and_then(Json::as_str) {
        Some("light") => light(place, &parts),
        Some("switch") => on_off(place, &parts, Component::Switch, "state"),
        Some("lock") => lock(place, &parts),
        Some("cover") => cover(place, &parts),
        Some("fan") => fan(place, &parts),
        Some("climate") => climate(place, &parts),
        _ => None,
    };
    // What is not part of the main thing is an entity of its own.
    const PARTS: &[&str] = &[
        "state",
        "brightness",
        "color_temp",
        "color_xy",
        "color_hs",
        "position",
        "tilt",
        "mode",
        "speed",
        "local_temperature",
        "system_mode",
        "running_state",
        "occupied_heating_setpoint",
        "current_heating_setpoint",
        "preset",
        "fan_mode",
    ];
    let others = parts.all.iter().filter(|part| !part.text("name").is_some_and(|name| PARTS.contains(&name)));
    let others: Vec<EntityDescription> = others.filter_map(|part| expose::entity(place, part.0)).collect();
    main.into_iter().chain(others).collect()
}

fn named(
    place: &Place,
    parts: &Parts,
    component: Component,
    kind: &str,
    property: &str,
) -> EntityDescription {
    let mut entity = EntityDescription::new(format!("{}_{kind}_{property}", place.id), component);
    entity.name = parts.name(kind);
    entity
}

fn on_off_map() -> BTreeMap<String, Value> {
    [("OFF".to_owned(), Value::Bool(false)), ("ON".to_owned(), Value::Bool(true))].into()
}

/// The payload that sets one value: `template` is written as it is.
fn payload(property: &str, template: &str) -> String {
    format!("{{{}:{template}}}", Json::from(property))
}

fn on_off(place: &Place, parts: &Parts, component: Component, name: &str) -> Option<EntityDescription> {
    let property = parts.property(name)?;
    let mut entity = named(place, parts, component, "switch", property);
    entity.sources.push(source(place, property, "", on_off_map()));
    for (verb, word) in [("turn_on", "\"ON\""), ("turn_off", "\"OFF\""), ("toggle", "\"TOGGLE\"")] {
        entity.commands.insert(verb.to_owned(), set(place, &payload(property, word)));
    }
    Some(entity)
}

fn light(place: &Place, parts: &Parts) -> Option<EntityDescription> {
    let state = parts.property("state")?;
    let mut entity = named(place, parts, Component::Light, "light", state);
    let brightness = parts.get("brightness");
    let mireds = parts.get("color_temp");
    let mut color_modes = Vec::new();
    color_modes.extend(mireds.map(|_| ColorMode::ColorTemp));
    if parts.get("color_xy").is_some() {
        color_modes.push(ColorMode::Xy);
    } else if parts.get("color_hs").is_some() {
        color_modes.push(ColorMode::Hs);
    }
    if color_modes.is_empty() {
        color_modes.push(if brightness.is_some() { ColorMode::Brightness } else { ColorMode::Onoff });
    }
    let ordinary = LightFeatures::default();
    let kelvin = |name: &str| {
        mireds.and_then(|part| part.number(name)).filter(|m| *m > 0.0).map(|m| (1e6 / m).round())
    };
    let mut features = LightFeatures {
        schema: LightSchema::Json,
        reports_color_mode: color_modes.len() > 1,
        color_modes,
        brightness: brightness.is_some(),
        reports_brightness: brightness.is_some(),
        brightness_scale: brightness.and_then(|part| part.number("value_max")).unwrap_or(254.0),
        min_kelvin: kelvin("value_max").unwrap_or(ordinary.min_kelvin),
        max_kelvin: kelvin("value_min").unwrap_or(ordinary.max_kelvin),
        transition: state == "state" && brightness.is_some(),
        ..ordinary
    };
    if state == "state" {
        // Zigbee2MQTT speaks as lights of Home Assistant's JSON schema do.
        entity.sources.push(StateSource { topic: place.topic.clone(), ..StateSource::default() });
        for verb in ["turn_on", "turn_off"] {
            entity.commands.insert(verb.to_owned(), set(place, "{{ value }}"));
        }
    } else {
        // One of several lights of a device: its values have names of their own.
        features.schema = LightSchema::Line;
        features.color_modes =
            vec![if brightness.is_some() { ColorMode::Brightness } else { ColorMode::Onoff }];
        entity.sources.push(source(place, state, "", on_off_map()));
        let mut on = format!("{}:\"ON\"", Json::from(state));
        if let Some(property) = parts.property("brightness") {
            entity.sources.push(source(place, property, "brightness", BTreeMap::new()));
            let scaled = format!("{{{{ (brightness * {} / 255)|round|int }}}}", features.brightness_scale);
            on.push_str(&format!(
                "{{% if brightness is defined %}},{}:{scaled}{{% endif %}}",
                Json::from(property)
            ));
        }
        entity.commands.insert("turn_on".to_owned(), set(place, &format!("{{{on}}}")));
        entity.commands.insert("turn_off".to_owned(), set(place, &payload(state, "\"OFF\"")));
    }
    entity.features = Some(Box::new(Features::Light(features)));
    Some(entity)
}

fn lock(place: &Place, parts: &Parts) -> Option<EntityDescription> {
    let property = parts.property("state")?;
    let mut entity = named(place, parts, Component::Lock, "lock", property);
    let words = [("LOCK", "locked"), ("UNLOCK", "unlocked")];
    let map = words.map(|(word, state)| (word.to_owned(), Value::Text(state.to_owned()))).into();
    entity.sources.push(source(place, property, "", map));
    entity.commands.insert("lock".to_owned(), set(place, &payload(property, "\"LOCK\"")));
    entity.commands.insert("unlock".to_owned(), set(place, &payload(property, "\"UNLOCK\"")));
    Some(entity)
}

fn cover(place: &Place, parts: &Parts) -> Option<EntityDescription> {
    let (state, position, tilt) =
        (parts.property("state"), parts.property("position"), parts.property("tilt"));
    let mut entity = named(place, parts, Component::Cover, "cover", state.or(position)?);
    if let Some(state) = state {
        for (verb, word) in [("open", "\"OPEN\""), ("close", "\"CLOSE\""), ("stop", "\"STOP\"")] {
            entity.commands.insert(verb.to_owned(), set(place, &payload(state, word)));
        }
        if position.is_none() {
            let words = [("OPEN", "open"), ("CLOSE", "closed")];
            let map = words.map(|(word, state)| (word.to_owned(), Value::Text(state.to_owned()))).into();
            entity.sources.push(source(place, state, "", map));
        }
    }
    for (property, field, verb) in
        [(position, "current_position", "set_position"), (tilt, "current_tilt_position", "set_tilt")]
    {
        if let Some(property) = property {
            entity.sources.push(source(place, property, field, BTreeMap::new()));
            entity.commands.insert(verb.to_owned(), set(place, &payload(property, "{{ value }}")));
        }
    }
    entity.features = Some(Box::new(Features::Cover(CoverFeatures {
        reports_position: position.is_some(),
        reports_state: position.is_none(),
        ..CoverFeatures::default()
    })));
    Some(entity)
}

fn fan(place: &Place, parts: &Parts) -> Option<EntityDescription> {
    let (state, mode) = (parts.property("state"), parts.get("mode"));
    let property = state.or(mode.and_then(Exposed::property))?;
    let mut entity = named(place, parts, Component::Fan, "fan", property);
    entity.sources.push(source(place, property, "", on_off_map()));
    entity.commands.insert("turn_on".to_owned(), set(place, &payload(property, "\"ON\"")));
    entity.commands.insert("turn_off".to_owned(), set(place, &payload(property, "\"OFF\"")));
    let mut features = FanFeatures::default();
    if let Some((mode, property)) = mode.and_then(|mode| Some((mode, mode.property()?))) {
        let words =
            mode.0.get("values").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        features.preset_modes = words.map(ToOwned::to_owned).collect();
        entity.sources.push(source(place, property, "preset_mode", BTreeMap::new()));
        entity
            .commands
            .insert("set_preset_mode".to_owned(), set(place, &payload(property, "{{ value|tojson }}")));
    }
    entity.features = Some(Box::new(Features::Fan(features)));
    Some(entity)
}

fn climate(place: &Place, parts: &Parts) -> Option<EntityDescription> {
    let target = parts.get("occupied_heating_setpoint").or_else(|| parts.get("current_heating_setpoint"))?;
    let property = target.property()?;
    let mut entity = named(place, parts, Component::Climate, "climate", property);
    entity.unit = Some("°C".to_owned());
    (entity.min, entity.max, entity.step) =
        (target.number("value_min"), target.number("value_max"), target.number("value_step"));
    entity.sources.push(source(place, property, "temperature", BTreeMap::new()));
    entity.commands.insert("set_temperature".to_owned(), set(place, &payload(property, "{{ value }}")));
    if let Some(property) = parts.property("local_temperature") {
        entity.sources.push(source(place, property, "current_temperature", BTreeMap::new()));
    }
    let words = |name: &str| -> Vec<String> {
        let values = parts.get(name).and_then(|part| part.0.get("values")).and_then(Json::as_array);
        values.into_iter().flatten().filter_map(Json::as_str).map(ToOwned::to_owned).collect()
    };
    let mut features = ClimateFeatures { modes: words("system_mode"), ..ClimateFeatures::default() };
    if let Some(property) = parts.property("system_mode") {
        entity.sources.push(source(place, property, "", BTreeMap::new()));
        entity.commands.insert("set_mode".to_owned(), set(place, &payload(property, "{{ value|tojson }}")));
    }
    for (name, field, verb) in
        [("preset", "preset_mode", "set_preset_mode"), ("fan_mode", "fan_mode", "set_fan_mode")]
    {
        if let Some(property) = parts.property(name) {
            entity.sources.push(source(place, property, field, BTreeMap::new()));
            entity.commands.insert(verb.to_owned(), set(place, &payload(property, "{{ value|tojson }}")));
        }
    }
    (features.preset_modes, features.fan_modes) = (words("preset"), words("fan_mode"));
    entity.features = Some(Box::new(Features::Climate(features)));
    Some(entity)
}
