//! Events and updates: kinds that report an object.

use model::features::EventFeatures;
use model::{StateSource, Value};
use serde_json::{Map, Value as Json};

use super::plain;
use super::report::{Change, Ear, Report, quoted};
use crate::template;

/// Attributes updates set.
pub(super) const UPDATE_ATTRIBUTES: &[&str] = &[
    "entity_picture",
    "in_progress",
    "installed_version",
    "latest_version",
    "release_summary",
    "release_url",
    "title",
    "update_percentage",
];

/// An event says what happened; that is the value, and every time counts. The rest are its attributes.
pub(super) fn hear_event(
    features: &EventFeatures,
    ear: &Ear,
    source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    if !source.field.is_empty() {
        return plain::hear(ear, source, report);
    }
    if report.is_empty() || report.text.trim() == "None" {
        return Ok(Vec::new());
    }
    let members = report.object().ok_or("an event is a JSON object with `event_type`")?;
    let kind = members.get("event_type").and_then(Json::as_str).ok_or("its object has no `event_type`")?;
    if !features.event_types.iter().any(|known| known == kind) {
        return Err(format!("{} is none of {}", quoted(kind), features.event_types.join(", ")));
    }
    let mut changes = vec![Change::text(kind)];
    let rest: Map<String, Json> = members
        .iter()
        .filter(|(name, _)| *name != "event_type")
        .map(|(name, json)| (name.clone(), json.clone()))
        .collect();
    changes.extend(plain::attributes(ear.description.component, &rest)?);
    Ok(changes)
}

/// An update says which version there is and which there could be; it is on when they differ.
pub(super) fn hear_update(ear: &Ear, source: &StateSource, report: &Report) -> Result<Vec<Change>, String> {
    if report.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: Vec<(&'static str, Json)> = Vec::new();
    match (source.field.as_str(), report.object()) {
        ("latest_version", _) => found.push(("latest_version", version(&Json::from(report.text)))),
        (_, Some(members)) => {
            let known =
                UPDATE_ATTRIBUTES.iter().filter_map(|name| Some((*name, members.get(*name)?.clone())));
            found.extend(known.map(|(name, json)| (name, shown(name, json))));
        }
        (_, None) => found.push(("installed_version", version(&Json::from(report.text)))),
    }
    let now = |name: &str| {
        let said = found.iter().find(|(known, _)| *known == name).map(|(_, json)| json);
        said.or_else(|| ear.state.attributes.get(name)).filter(|json| !json.is_null())
    };
    let differ = match (now("installed_version"), now("latest_version")) {
        (Some(installed), Some(latest)) => Some(Value::Bool(installed != latest)),
        _ => None,
    };
    let mut changes: Vec<Change> = Vec::new();
    changes.push(Change::Value(differ));
    changes.extend(found.into_iter().map(|(name, json)| Change::attribute(name, json)));
    Ok(changes)
}

fn shown(name: &str, json: Json) -> Json {
    match name {
        "installed_version" | "latest_version" => version(&json),
        "in_progress" | "update_percentage" => json,
        _ => match json {
            Json::Null => Json::Null,
            other => crate::decode::cut(&template::print_json(&other)).into(),
        },
    }
}

/// Versions are texts, also when a board says them as numbers.
fn version(json: &Json) -> Json {
    match json {
        Json::Null => Json::Null,
        Json::String(text) if text == "None" => Json::Null,
        other => crate::decode::cut(&template::print_json(other)).into(),
    }
}
