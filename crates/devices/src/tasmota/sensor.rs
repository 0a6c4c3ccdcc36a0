//! Sensors: every value the board lists, by the names in its own JSON.

use model::{Component, EntityDescription};
use serde_json::Value as Json;

use super::board::{Board, quoted, source};
use crate::ha;
use crate::limits::ENTITIES_PER_DEVICE_MAX;

/// Members that list no sensor, or one that only reports events.
const IGNORED: [&str; 3] = ["Time", "PN532", "RDM6300"];
/// Sensors whose energy is a share or has no unit.
const OTHER_ENERGY: [&str; 2] = ["AS3935", "LD2410"];

/// A sensor for each value, down to the third level and for each item of a list.
pub(super) fn sensors(board: &Board) -> Vec<EntityDescription> {
    let mut entities = Vec::new();
    for (name, sensor) in board.sensors().iter().filter(|(name, _)| !IGNORED.contains(&name.as_str())) {
        for (key, value) in sensor.as_object().into_iter().flatten() {
            let quantity = quantity(board, name, key, None);
            match value {
                Json::Object(members) => {
                    for (part, value) in members {
                        let quantity = self::quantity(board, name, key, Some(part));
                        let path = [name.as_str().into(), key.as_str().into(), part.as_str().into()];
                        entities.push(entity(board, &path, quantity, value));
                    }
                }
                Json::Array(items) => {
                    for (index, value) in items.iter().enumerate() {
                        let path = [name.as_str().into(), key.as_str().into(), index.into()];
                        entities.push(entity(board, &path, quantity, value));
                    }
                }
                value => entities.push(entity(
                    board,
                    &[name.as_str().into(), key.as_str().into()],
                    quantity,
                    value,
                )),
            }
        }
        if entities.len() > ENTITIES_PER_DEVICE_MAX {
            break;
        }
    }
    entities
}

/// What a value measures: mostly what it is called.
fn quantity<'a>(board: &Board, sensor: &str, key: &'a str, part: Option<&'a str>) -> &'a str {
    if OTHER_ENERGY.contains(&sensor) && key == "Energy" {
        return "";
    }
    match part {
        Some(part) if board.table("unit", part).is_some() || board.table("class", part).is_some() => part,
        // Inputs of an ESP32 have the number of their pin at the end.
        _ if sensor == "ANALOG" => key.strip_suffix(|c: char| c.is_ascii_digit()).unwrap_or(key),
        _ => key,
    }
}

fn entity(board: &Board, path: &[Json], quantity: &str, value: &Json) -> EntityDescription {
    let step = |step: &Json| step.as_str().map_or_else(|| step.to_string(), ToOwned::to_owned);
    let steps: Vec<String> = path.iter().map(step).collect();
    let id = format!("{}_sensor_sensor_{}", board.mac, steps.join("_"));
    let mut entity = EntityDescription::new(id, Component::Sensor);
    entity.name = Some(steps.join(" "));
    entity.device_class = board.table("class", quantity).map(ToOwned::to_owned);
    // Temperature, pressure and speed are in the unit the board is set to.
    let unit = match board.table("dynamic_unit", quantity) {
        Some(key) => board.sensors().get(key).and_then(Json::as_str),
        None => board.table("unit", quantity),
    };
    entity.unit = unit.and_then(|unit| ha::normalise_unit(unit, entity.device_class.as_deref()));
    let measures = entity.unit.is_some() || entity.device_class.is_some();
    entity.state_class = board
        .table("state_class", quantity)
        .or((measures && !value.is_string()).then_some("measurement"))
        .map(ToOwned::to_owned);
    let subscripts: String = path.iter().map(|step| format!("[{step}]")).collect();
    for (topic, tree) in
        [(format!("{}SENSOR", board.tele), ""), (format!("{}STATUS10", board.stat), ".StatusSNS")]
    {
        entity.sources.push(source(topic.clone(), format!("{{{{ value_json{tree}{subscripts} }}}}"), ""));
        if quantity == "Total" {
            let parent: String = path[..1].iter().map(|step| format!("[{step}]")).collect();
            let start = format!("value_json{tree}{parent}[{}]", quoted("TotalStartTime"));
            let template = format!("{{{{ {start} | is_defined ~ '+00:00' }}}}");
            entity.sources.push(source(topic, template, "last_reset"));
        }
    }
    entity
}
