//! Shelly's second and later generations: components report what changed of them, and answer when they are asked.
//! Source: Shelly's documentation of its RPC over MQTT.

mod components;
mod message;

use std::collections::BTreeMap;

use model::entity::{AvailabilityMode, AvailabilitySource, AvailabilitySpec};
use model::{CommandSpec, DeviceDescription, TopicFilter};
use serde_json::{Value as Json, json};

use crate::announcement::{Announcement, Described};
use crate::ha;
use crate::profile::Part;

pub(crate) use message::hear;

/// Levels a board's own topic may have.
const LEVELS_MAX: usize = 3;

/// What may tell of a board: its reports, and its answers to Hearth.
pub(crate) fn filters() -> Vec<TopicFilter> {
    let roots = (1..=LEVELS_MAX).map(|levels| vec!["+"; levels].join("/"));
    let topics = roots
        .flat_map(|root| [format!("{root}/{}", message::EVENTS), format!("{root}/{}", message::ANSWERS)]);
    topics.filter_map(|topic| TopicFilter::new(&topic).ok()).collect()
}

/// What the hub asks a board when it comes online, by the number of the question.
const QUESTIONS: [(u32, &str, &str); 3] = [
    (1, "info", "Shelly.GetDeviceInfo"),
    (2, "status", "Shelly.GetStatus"),
    (3, "config", "Shelly.GetConfig"),
];

/// A call of a method; the answer goes below the board's own topic, where it may write.
fn call(root: &str, id: u32, method: &str, params: Option<Json>) -> String {
    let mut call = json!({ "id": id, "src": format!("{root}/hearth"), "method": method });
    if let (Some(params), Some(members)) = (params, call.as_object_mut()) {
        members.insert("params".to_owned(), params);
    }
    call.to_string()
}

/// Puts what a board said together: which components it has, and what they are called.
pub(crate) fn describe(
    profile: &str,
    root: &str,
    parts: &BTreeMap<String, Json>,
    tables: &BTreeMap<String, toml::Table>,
) -> Announcement {
    let (info, config) = (parts.get("info"), parts.get("config"));
    let status = parts.get("status");
    let text = |part: Option<&Json>, name: &str| {
        part?.get(name)?.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned)
    };
    let Some(id) = text(status, "src").or_else(|| text(info, "id")) else { return Announcement::Waiting };
    let (app, suffix) = id.rsplit_once('-').unwrap_or((id.as_str(), ""));
    let listed = |table: &str, key: &str| tables.get(table)?.get(key)?.as_str().map(ToOwned::to_owned);
    let app_key = app.to_lowercase();
    let mac = text(info, "mac").or_else(|| Some(suffix.to_owned())).and_then(|mac| ha::mac(&mac));
    let mut identities = vec![format!("{profile}:{}", id.to_lowercase())];
    identities.extend(mac.iter().map(|mac| format!("mac:{mac}")));
    let mut device = DeviceDescription {
        profile: profile.to_owned(),
        identities,
        name: text(info, "name").or_else(|| text(config, "name")).unwrap_or_else(|| id.clone()),
        manufacturer: Some("Shelly".to_owned()),
        model: text(info, "model").or_else(|| listed("model", &app_key)),
        hw_version: text(info, "app").or_else(|| listed("app", &app_key)),
        sw_version: text(info, "ver"),
        ip: text(status, "ip"),
        url: text(status, "ip").map(|ip| format!("http://{ip}/")),
        mac,
        availability: AvailabilitySpec {
            mode: AvailabilityMode::Latest,
            sources: vec![AvailabilitySource {
                topic: format!("{root}/online"),
                template: None,
                online: "true".to_owned(),
                offline: "false".to_owned(),
            }],
            sleepy: false,
        },
        ..DeviceDescription::default()
    };
    let known = status.and_then(|status| status.get("components")).and_then(Json::as_object);
    for (component, attributes) in known.into_iter().flatten() {
        let set = config.and_then(|config| config.get("components")).and_then(|all| all.get(component));
        device.entities.extend(components::entities(root, component, attributes, set));
    }
    let on_connect = QUESTIONS
        .iter()
        .map(|(id, _, method)| CommandSpec {
            topic: format!("{root}/rpc"),
            payload: call(root, *id, method, None),
            ..CommandSpec::default()
        })
        .collect();
    Announcement::Described(Box::new(Described { device, on_connect, problems: Vec::new() }))
}

/// A part of what is known of the board under `root`.
fn part(profile: &str, root: &str, name: &str, json: Json) -> Part {
    Part {
        key: format!("{profile}:{root}"),
        captures: [("root".to_owned(), root.to_owned())].into(),
        name: name.to_owned(),
        json: Some(json),
        once: true,
        merge: true,
        begins: false,
    }
}
