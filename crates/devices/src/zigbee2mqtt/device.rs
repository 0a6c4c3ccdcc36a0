//! One device of the list.

use model::DeviceDescription;
use model::entity::{AvailabilityMode, AvailabilitySource, AvailabilitySpec};
use serde_json::Value as Json;

use super::{expose, special};
use crate::limits::ENTITIES_PER_DEVICE_MAX;

/// Topics and names of a device, while its entities are made.
pub(super) struct Place<'a> {
    /// `zigbee2mqtt/living lamp`.
    pub(super) topic: String,
    /// Its address, `0x00158d0001a2b3c4`.
    pub(super) id: &'a str,
}

/// The address of a device, and what it is. `None` for the coordinator and for what is not known or not wanted.
pub(super) fn read<'a>(profile: &str, base: &str, listed: &'a Json) -> Option<(&'a str, DeviceDescription)> {
    let text = |json: &'a Json, name: &str| json.get(name)?.as_str().filter(|text| !text.is_empty());
    let flag = |name: &str| listed.get(name).and_then(Json::as_bool).unwrap_or(false);
    if text(listed, "type") == Some("Coordinator") || flag("disabled") {
        return None;
    }
    let id = text(listed, "ieee_address")?;
    // A name with a wildcard would be the topic of others, too.
    let name = text(listed, "friendly_name").filter(|name| !name.contains(['+', '#'])).unwrap_or(id);
    let definition = listed.get("definition").filter(|definition| definition.is_object())?;
    let place = Place { topic: format!("{base}/{name}"), id };
    let mut device = DeviceDescription {
        profile: profile.to_owned(),
        // Under the second one the bridge announces it to Home Assistant.
        identities: vec![format!("{profile}:{id}"), format!("ha:zigbee2mqtt_{id}")],
        name: name.to_owned(),
        manufacturer: text(definition, "vendor").map(ToOwned::to_owned),
        model: text(definition, "description").map(ToOwned::to_owned),
        hw_version: text(definition, "model").map(ToOwned::to_owned),
        sw_version: text(listed, "software_build_id").map(ToOwned::to_owned),
        availability: availability(base, &place),
        ..DeviceDescription::default()
    };
    for exposed in definition.get("exposes").and_then(Json::as_array).into_iter().flatten() {
        if device.entities.len() > ENTITIES_PER_DEVICE_MAX {
            break;
        }
        match text(exposed, "type") {
            Some("light" | "switch" | "cover" | "lock" | "fan" | "climate") => {
                device.entities.extend(special::entities(&place, exposed));
            }
            _ => device.entities.extend(expose::entity(&place, exposed)),
        }
    }
    Some((id, device))
}

/// The bridge says whether it runs; if it watches its devices it also says whether each is there.
fn availability(base: &str, place: &Place) -> AvailabilitySpec {
    let source = |topic: String| AvailabilitySource {
        topic,
        // Before version 2 a plain word, since then an object.
        template: Some("{{ value_json.state if value_json.state is defined else value }}".to_owned()),
        online: "online".to_owned(),
        offline: "offline".to_owned(),
    };
    let sources =
        vec![source(format!("{base}/bridge/state")), source(format!("{}/availability", place.topic))];
    AvailabilitySpec { mode: AvailabilityMode::Latest, sources, sleepy: false }
}
