//! Home Assistant's MQTT discovery, which many firmwares speak.
//! Source: Home Assistant's documentation, "MQTT Discovery" (2026.2).

mod abbreviations;
mod availability;
mod component;
mod config;
mod device;
mod unit;

use model::{Component, EntityDescription, StateSource};
use serde_json::Value as Json;

use crate::announcement::{Announcement, Described, Problem};
use config::Config;

pub(crate) use device::mac;
pub(crate) use unit::normalise as normalise_unit;

/// Keys a device announcement shares with its components.
const SHARED_KEYS: [&str; 13] = [
    "availability",
    "availability_mode",
    "availability_template",
    "availability_topic",
    "command_topic",
    "device",
    "encoding",
    "origin",
    "payload_available",
    "payload_not_available",
    "qos",
    "state_topic",
    "~",
];

/// Where a configuration was announced.
struct Place<'a> {
    component: &'a str,
    node: Option<&'a str>,
    object: &'a str,
}

/// Reads `<prefix>/<component>/[<node>/]<object>/config`. `None` if the topic is not of that form.
pub(crate) fn read(prefix: &str, topic: &str, payload: &[u8]) -> Option<Announcement> {
    let rest = topic.strip_prefix(prefix)?.strip_prefix('/')?.strip_suffix("/config")?;
    let mut levels = rest.split('/');
    let (component, second, third, end) = (levels.next()?, levels.next()?, levels.next(), levels.next());
    if end.is_some() {
        return None;
    }
    let (node, object) = third.map_or((None, second), |object| (Some(second), object));
    let place = Place { component, node, object };
    let id_is_valid =
        |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !id_is_valid(object) || !node.is_none_or(id_is_valid) {
        return Some(Announcement::Refused(Problem::new(
            format!("The topic {topic:?} has an id with characters other than letters, digits, _ and -"),
            "Announce it under a topic without them.",
        )));
    }
    if payload.is_empty() {
        return Some(Announcement::Removed);
    }
    let members = match serde_json::from_slice(payload) {
        Ok(Json::Object(members)) => members,
        Ok(_) => {
            return Some(Announcement::Refused(Problem::new(
                "The announcement is not a JSON object",
                "Announce a JSON object, or an empty payload to remove.",
            )));
        }
        Err(why) => {
            return Some(Announcement::Refused(Problem::new(
                format!("The announcement is not valid JSON: {why}"),
                "Correct it at that place. A buffer too small on the board cuts messages off.",
            )));
        }
    };
    let config = Config::new(members);
    if config.flag("migrate_discovery") {
        return Some(Announcement::Released);
    }
    Some(if component == "device" { read_device(&place, config) } else { read_single(&place, config) })
}

fn read_single(place: &Place, config: Config) -> Announcement {
    let config = config.with_base_topic();
    let Some(component) = component_of(place.component) else {
        return not_an_entity(place.component, &config);
    };
    match read_entity(place, component, None, &config) {
        Ok(entity) => {
            let name = config.word("name").unwrap_or_default();
            let fallback = match (config.word("unique_id"), place.node) {
                (Some(unique_id), _) => format!("ha-entity:{}:{unique_id}", place.component),
                (None, Some(node)) => format!("ha-node:{node}"),
                (None, None) => format!("ha-topic:{}/{}", place.component, place.object),
            };
            let fallback_name = match (config.has("unique_id"), place.node) {
                (false, Some(node)) => node.to_owned(),
                _ if name.is_empty() => place.object.to_owned(),
                _ => name,
            };
            let mut device = device::read(&config, &fallback, &fallback_name);
            device.entities = vec![entity];
            Announcement::Described(Box::new(Described { device, ..Described::default() }))
        }
        Err(problem) => Announcement::Refused(problem),
    }
}

/// One message for a device and all its components.
fn read_device(place: &Place, config: Config) -> Announcement {
    let Some(Json::Object(components)) = config.json("components") else {
        return Announcement::Refused(config::missing("components"));
    };
    let mut device = {
        let base = config.clone().with_base_topic();
        device::read(&base, &format!("ha-device:{}", place.object), place.object)
    };
    let mut problems = Vec::new();
    for (id, members) in components {
        let Json::Object(members) = members else { continue };
        let mut config_of = Config::new(members.clone());
        let Some(platform) = config_of.text("platform") else {
            problems.push(Problem::new(
                format!("The component `{id}` has no `platform`"),
                "Say what it is, such as \"p\": \"sensor\".",
            ));
            continue;
        };
        // Nothing but its platform: the component is gone.
        if config_of.is_only("platform") {
            continue;
        }
        let Some(component) = component_of(&platform) else {
            if let Announcement::Refused(problem) = not_an_entity(&platform, &config_of) {
                problems.push(problem);
            }
            continue;
        };
        // Home Assistant does not spread a `~` of the device into its components; boards rely on it.
        for key in SHARED_KEYS {
            config_of.inherit(&config, key);
        }
        match read_entity(place, component, Some(id), &config_of.with_base_topic()) {
            Ok(entity) => device.entities.push(entity),
            Err(problem) => {
                problems.push(Problem::new(format!("The component `{id}`: {}", problem.why), problem.advice));
            }
        }
    }
    if device.entities.is_empty() && !problems.is_empty() {
        return Announcement::Refused(problems.swap_remove(0));
    }
    Announcement::Described(Box::new(Described { device, problems, on_connect: Vec::new() }))
}

fn read_entity(
    place: &Place,
    component: Component,
    component_id: Option<&str>,
    config: &Config,
) -> Result<EntityDescription, Problem> {
    let unique_id = config.word("unique_id").unwrap_or_else(|| match (component_id, place.node) {
        (Some(id), _) => format!("{} {id}", place.object),
        (None, Some(node)) => format!("{node} {}", place.object),
        (None, None) => place.object.to_owned(),
    });
    let mut entity = EntityDescription::new(unique_id, component);
    // A class nobody knows is kept as a word: it harms less than to lose the entity.
    entity.device_class = config.word("device_class");
    entity.name = config.word("name");
    entity.icon = config.word("icon");
    entity.category = config.word("entity_category");
    entity.precision = config
        .number("suggested_display_precision")
        .filter(|digits| (0.0..=15.0).contains(digits))
        .map(|digits| digits as u8);
    entity.expire_after_s =
        config.number("expire_after").filter(|seconds| *seconds > 0.0).map(|seconds| seconds as u64);
    entity.force_update = config.flag("force_update");
    entity.availability = availability::read(config)?;
    component::read(config, &mut entity)?;
    if let Some(topic) = config.topic("json_attributes_topic")? {
        entity.sources.push(StateSource {
            topic,
            template: config.template("json_attributes_template")?,
            field: "*".to_owned(),
            map: Default::default(),
        });
    }
    Ok(entity)
}

fn component_of(word: &str) -> Option<Component> {
    serde_json::from_value(Json::from(word)).ok()
}

/// Device triggers and tags are no entities; anything else is a misspelling.
fn not_an_entity(component: &str, config: &Config) -> Announcement {
    let required: &[&str] = match component {
        "device_automation" => &["automation_type", "topic", "type", "subtype"],
        "tag" => &["topic"],
        _ => {
            return Announcement::Refused(Problem::new(
                format!("There is no component called `{component}`"),
                "Use one of Home Assistant's, such as sensor, binary_sensor or switch.",
            ));
        }
    };
    match required.iter().find(|key| !config.has(key)) {
        Some(key) => Announcement::Refused(config::missing(key)),
        None => Announcement::Nothing,
    }
}
