//! What of a board's messages says what it is: which components it has, not how they are.

use core::net::IpAddr;

use serde_json::{Map, Value as Json, json};

use super::{QUESTIONS, part};
use crate::profile::Part;

/// Where a board reports.
pub(super) const EVENTS: &str = "events/rpc";
/// Where it answers.
pub(super) const ANSWERS: &str = "hearth/rpc";
/// Most components of a board, and most attributes of one.
const COMPONENTS_MAX: usize = 64;
const ATTRIBUTES_MAX: usize = 64;

/// Reads a report or an answer. `None` if it is neither.
pub(crate) fn hear(profile: &str, topic: &str, payload: &[u8]) -> Option<Part> {
    if let Some(root) = topic.strip_suffix(EVENTS).and_then(|root| root.strip_suffix('/')) {
        let message: Json = serde_json::from_slice(payload).ok()?;
        let src = message.get("src")?.as_str()?;
        let params = message.get("params")?.as_object()?;
        let components = match message.get("method")?.as_str()? {
            "NotifyStatus" | "NotifyFullStatus" => components(params),
            "NotifyEvent" => pressed(params),
            _ => return None,
        };
        return Some(part(profile, root, "status", status(src, components, address(params))));
    }
    let root = topic.strip_suffix(ANSWERS)?.strip_suffix('/')?;
    let message: Json = serde_json::from_slice(payload).ok()?;
    let id = message.get("id")?.as_u64()?;
    let result = message.get("result")?.as_object()?;
    let (_, name, _) = QUESTIONS.iter().find(|(question, ..)| u64::from(*question) == id)?;
    let kept = match *name {
        "info" => {
            let known = ["id", "mac", "model", "ver", "app", "name"];
            let members =
                known.iter().filter_map(|name| Some(((*name).to_owned(), result.get(*name)?.clone())));
            Json::Object(members.filter(|(_, value)| value.is_string()).collect())
        }
        "status" => status(message.get("src")?.as_str()?, components(result), address(result)),
        _ => settings(result),
    };
    Some(part(profile, root, name, kept))
}

/// What a report or an answer says of the board.
fn status(src: &str, components: Json, address: Option<&str>) -> Json {
    let mut status = json!({ "src": src, "components": components });
    if let (Some(address), Some(members)) = (address, status.as_object_mut()) {
        members.insert("ip".to_owned(), address.into());
    }
    status
}

/// Where the board is reached, by cable or by Wi-Fi.
fn address(status: &Map<String, Json>) -> Option<&str> {
    let told = |component: &str, attribute: &str| status.get(component)?.get(attribute)?.as_str();
    told("eth", "ip").or_else(|| told("wifi", "sta_ip")).filter(|ip| ip.parse::<IpAddr>().is_ok())
}

/// The names of the components in a status, and of what each of them tells.
fn components(status: &Map<String, Json>) -> Json {
    let known = status.iter().filter_map(|(name, component)| Some((name, component.as_object()?)));
    let named = known.take(COMPONENTS_MAX).map(|(name, component)| {
        let attributes = component.iter().filter(|(name, _)| *name != "id").take(ATTRIBUTES_MAX);
        // An input that is a button has a state, and it is null.
        let attributes = attributes.map(|(name, value)| (name.clone(), Json::Bool(!value.is_null())));
        (name.clone(), Json::Object(attributes.collect()))
    });
    Json::Object(named.collect())
}

/// The inputs that were pressed: they are buttons.
fn pressed(params: &Map<String, Json>) -> Json {
    let events = params.get("events").and_then(Json::as_array).into_iter().flatten();
    let inputs =
        events.filter_map(|event| event.get("component")?.as_str().filter(|name| name.starts_with("input:")));
    let inputs = inputs.take(COMPONENTS_MAX).map(|name| (name.to_owned(), json!({ "event": true })));
    Json::Object(inputs.collect())
}

/// What the components are called, and what inputs are set to be.
fn settings(config: &Map<String, Json>) -> Json {
    let named = config.iter().filter_map(|(name, component)| {
        let kept = ["name", "type"].iter().filter_map(|key| {
            let value = component.get(*key).filter(|value| value.is_string())?;
            Some(((*key).to_owned(), value.clone()))
        });
        let kept: Map<String, Json> = kept.collect();
        (!kept.is_empty()).then(|| (name.clone(), Json::Object(kept)))
    });
    let named: Map<String, Json> = named.take(COMPONENTS_MAX).collect();
    let device = config.get("sys").and_then(|sys| sys.get("device")).and_then(|device| device.get("name"));
    json!({ "components": named, "name": device.and_then(Json::as_str).unwrap_or_default() })
}
