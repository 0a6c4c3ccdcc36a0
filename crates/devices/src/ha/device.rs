//! The `device` object: who the entity belongs to.

use model::DeviceDescription;
use serde_json::Value as Json;

use super::config::Config;
use crate::template::print_json;

/// Reads the device of a configuration. Without one, the entity is a device of its own, or belongs to the
/// node its topic names.
pub(super) fn read(config: &Config, fallback: &str, fallback_name: &str) -> DeviceDescription {
    let mut device = DeviceDescription::default();
    let Some(Json::Object(said)) = config.json("device") else {
        device.identities = vec![fallback.to_owned()];
        device.name = fallback_name.to_owned();
        return device;
    };
    let text = |key: &str| match said.get(key) {
        None | Some(Json::Null | Json::Array(_) | Json::Object(_)) => None,
        Some(scalar) => Some(print_json(scalar)).filter(|text| !text.is_empty()),
    };
    let identifiers: Vec<String> = match said.get("identifiers") {
        Some(Json::Array(list)) => list.iter().map(print_json).collect(),
        Some(Json::Null) | None => Vec::new(),
        Some(one) => vec![print_json(one)],
    };
    for connection in said.get("connections").and_then(Json::as_array).into_iter().flatten() {
        let Some([kind, value]) = connection.as_array().map(Vec::as_slice) else { continue };
        let (kind, value) = (print_json(kind), print_json(value));
        match mac(&value) {
            Some(mac) if kind == "mac" => add_mac(&mut device, mac),
            _ => device.identities.push(format!("{kind}:{value}")),
        }
    }
    for identifier in &identifiers {
        device.identities.push(format!("ha:{identifier}"));
    }
    // Boards like to take their MAC for an identifier: with it, other protocols recognise them.
    if let Some(mac) = identifiers.iter().find_map(|identifier| mac(identifier))
        && device.mac.is_none()
    {
        add_mac(&mut device, mac);
    }
    if device.identities.is_empty() {
        device.identities.push(fallback.to_owned());
    }
    device.name = text("name").unwrap_or_default();
    if device.name.is_empty() && identifiers.is_empty() && device.mac.is_none() {
        device.name = fallback_name.to_owned();
    }
    device.manufacturer = text("manufacturer");
    device.model = text("model").or_else(|| text("model_id"));
    device.sw_version = text("sw_version");
    device.hw_version = text("hw_version");
    device.url =
        text("configuration_url").filter(|url| url.starts_with("http://") || url.starts_with("https://"));
    device.suggested_area = text("suggested_area");
    device
}

fn add_mac(device: &mut DeviceDescription, mac: String) {
    device.identities.push(format!("mac:{mac}"));
    device.mac = Some(mac);
}

/// Twelve hex digits, with or without colons or dashes, in upper case.
pub(crate) fn mac(text: &str) -> Option<String> {
    let digits: String = match text.len() {
        12 => text.to_owned(),
        17 => text.split([':', '-']).filter(|pair| pair.len() == 2).collect(),
        _ => return None,
    };
    (digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit())).then(|| digits.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mac_addresses_are_recognised_however_written() {
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(mac(text).as_deref(), expected, "{text}");
        }
        check("aabbccddeeff", Some("AABBCCDDEEFF"));
        check("02:5b:26:a8:dc:12", Some("025B26A8DC12"));
        check("02-5B-26-A8-DC-12", Some("025B26A8DC12"));
        check("0x00158d0001", None);
        check("helloworld12", None);
    }
}
