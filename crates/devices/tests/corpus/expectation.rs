//! What an announcement's row expects of an entity, held against one in the home.

use devices::Home;
use model::{Device, Entity};
use serde_json::Value as Json;

use crate::reader::text;

/// One entity of the home is as expected; if none is, what the likeliest one differs in.
pub(crate) fn meets_one(home: &Home, expected: &Json) -> Result<(), String> {
    let mut nearest: Option<Vec<String>> = None;
    for entity in home.entities() {
        let Some(device) = home.device(&entity.device) else { continue };
        let differences = differences(device, entity, expected);
        if differences.is_empty() {
            return Ok(());
        }
        if nearest.as_ref().is_none_or(|known| known.len() > differences.len()) {
            nearest = Some(differences);
        }
    }
    match nearest {
        Some(differences) => Err(differences.join("; ")),
        None => Err("it makes no entity".to_owned()),
    }
}

fn differences(device: &Device, entity: &Entity, expected: &Json) -> Vec<String> {
    let mut found = Vec::new();
    for (key, wanted) in expected.as_object().into_iter().flatten() {
        if let Some(is) = shown(device, entity, key, wanted) {
            found.push(format!("{key} is {is} and not {wanted}"));
        }
    }
    found
}

/// What the entity has instead of what is wanted; `None` if it is that, or if it is nothing to be seen of one.
fn shown(device: &Device, entity: &Entity, key: &str, wanted: &Json) -> Option<String> {
    let is = &entity.description;
    let topics = || is.sources.iter().map(|source| source.topic.as_str()).collect::<Vec<_>>();
    let commands = || is.commands.values().map(|command| command.topic.as_str()).collect::<Vec<_>>();
    let available = || is.availability.sources.iter().map(|source| source.topic.as_str()).collect::<Vec<_>>();
    let either = |texts: Vec<&str>| one_of(&texts, wanted);
    match key {
        "component" => same(&word(&is.component), wanted),
        "name" => same_text(is.name.as_deref(), wanted),
        "unique_id" => same_text(Some(&is.unique_id), wanted),
        "unit_of_measurement" | "unit" => same_unit(is.unit.as_deref(), wanted),
        "device_class" => same_text(is.device_class.as_deref(), wanted),
        "state_class" => same_text(is.state_class.as_deref(), wanted),
        "entity_category" => same_text(is.category.as_deref(), wanted),
        "device_name" => same_text(Some(&device.name), wanted),
        "device_manufacturer" => same_text(device.manufacturer.as_deref(), wanted),
        "device_model" => same_text(device.model.as_deref(), wanted),
        "device_sw_version" => same_text(device.sw_version.as_deref(), wanted),
        "device_identifiers" => {
            let all = wanted.as_array()?;
            let known = |id: &Json| device.identities.contains(&format!("ha:{}", plain(id)));
            (!all.iter().all(known)).then(|| format!("{:?}", device.identities))
        }
        "state_topic" | "position_topic" | "brightness_state_topic" => either(topics()),
        "command_topic" | "set_position_topic" | "brightness_command_topic" => either(commands()),
        "availability_topic" => either(available()),
        "availability_topics" => {
            let all = wanted.as_array()?;
            let known = available();
            (!all.iter().all(|topic| topic.as_str().is_some_and(|topic| known.contains(&topic))))
                .then(|| format!("{known:?}"))
        }
        // A template for a state that is never reported says nothing.
        "value_template" if is.sources.is_empty() => None,
        "value_template" => {
            either(is.sources.iter().filter_map(|source| source.template.as_deref()).collect())
        }
        "payload_on" | "payload_off" | "payload_press" => {
            let words = is.sources.iter().flat_map(|source| source.map.keys().map(String::as_str));
            let sent = is.commands.values().map(|command| command.payload.as_str());
            one_of(&words.chain(sent).collect::<Vec<_>>(), &Json::from(plain(wanted)))
        }
        "options" => same(&Json::from(is.options.clone()), wanted),
        "min" => same_number(is.min, wanted),
        "max" => same_number(is.max, wanted),
        "step" => same_number(is.step, wanted),
        "supported_color_modes" => {
            let features = serde_json::to_value(&is.features).unwrap_or_default();
            let mut wanted = wanted.as_array().cloned().unwrap_or_default();
            wanted.sort_by_key(Json::to_string);
            same(&features["color_modes"], &Json::Array(wanted))
        }
        "schema" if is.component == model::Component::Light => {
            let features = serde_json::to_value(&is.features).unwrap_or_default();
            same(&features["schema"], wanted)
        }
        _ => None,
    }
}

fn one_of(texts: &[&str], wanted: &Json) -> Option<String> {
    // Home Assistant leaves a base topic of the device as it is; here it is put in.
    let wanted = wanted.as_str().filter(|topic| !topic.starts_with("~/"))?;
    (!texts.contains(&wanted)).then(|| format!("one of {texts:?}"))
}

fn same(is: &Json, wanted: &Json) -> Option<String> {
    (is != wanted).then(|| is.to_string())
}

fn same_text(is: Option<&str>, wanted: &Json) -> Option<String> {
    (is != wanted.as_str().filter(|text| !text.is_empty())).then(|| format!("{is:?}"))
}

fn same_unit(is: Option<&str>, wanted: &Json) -> Option<String> {
    // Tasmota says C, people °C; both micro signs look the same.
    let wanted = match wanted.as_str().unwrap_or_default() {
        "C" => "°C".to_owned(),
        unit => unit.replace('\u{b5}', "\u{3bc}"),
    };
    (is.unwrap_or_default() != wanted).then(|| format!("{is:?}"))
}

fn same_number(is: Option<f64>, wanted: &Json) -> Option<String> {
    (is != wanted.as_f64()).then(|| format!("{is:?}"))
}

/// A scalar as Python prints it.
fn plain(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

/// How the component is written.
pub(crate) fn word(component: &model::Component) -> Json {
    serde_json::to_value(component).unwrap_or_default()
}

/// Whether an entity is of the component a text names.
pub(crate) fn is_a(entity: &Entity, component: &str) -> bool {
    word(&entity.description.component) == component
}

/// A row's name of something, such as `light.beer`, apart.
pub(crate) fn named(row: &Json) -> (&str, &str) {
    text(row, "entity").split_once('.').unwrap_or_default()
}
