//! A Zigbee2MQTT bridge lists its devices with everything they expose; nothing else is needed.
//! Source: Zigbee2MQTT's documentation, "MQTT Topics and Messages" and "Exposes".

mod device;
mod expose;
mod special;

use serde_json::Value as Json;

use crate::announcement::{Announcement, Described, Problem};
use crate::profile::Heard;

/// Where a bridge lists its devices.
const LIST: &str = "/bridge/devices";

/// Reads a bridge's list. `topic` ends with [`LIST`].
pub(crate) fn hear(profile: &str, topic: &str, payload: &[u8]) -> Heard {
    let base = topic.strip_suffix(LIST).unwrap_or(topic);
    let keys = format!("{profile}:{base}:");
    if payload.is_empty() {
        return Heard::All { keys, devices: Vec::new() };
    }
    let list = match serde_json::from_slice(payload) {
        Ok(Json::Array(list)) => list,
        Ok(_) => return refused("The bridge's list of devices is not a JSON array".to_owned()),
        Err(why) => return refused(format!("The bridge's list of devices is not valid JSON: {why}")),
    };
    let devices = list.iter().filter_map(|listed| {
        let (id, device) = device::read(profile, base, listed)?;
        let described = Described { device, ..Described::default() };
        Some((format!("{keys}{id}"), Announcement::Described(Box::new(described))))
    });
    Heard::All { devices: devices.collect(), keys }
}

fn refused(why: String) -> Heard {
    Heard::Whole(Announcement::Refused(Problem::new(why, "Update Zigbee2MQTT, or restart it.")))
}
