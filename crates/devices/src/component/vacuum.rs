//! Vacuum cleaners: what they do, in an object, and the words that send them off.

use model::StateSource;
use model::features::VacuumFeatures;
use serde_json::{Map, Value as Json};

use super::report::{Change, Report, quoted};
use super::wish::{Order, Wish};
use crate::error::CommandError;
use crate::template;

/// Attributes vacuum cleaners set.
pub(super) const ATTRIBUTES: &[&str] = &["battery_icon", "battery_level", "fan_speed", "fan_speed_list"];

/// What a cleaner can be doing.
const STATES: [&str; 6] = ["cleaning", "docked", "error", "idle", "paused", "returning"];

/// What a report changes.
pub(super) fn hear(
    features: &VacuumFeatures,
    _source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    let Some(members) = report.object() else {
        return Ok(state(&Json::from(report.text))?.into_iter().collect());
    };
    let mut changes = Vec::new();
    if let Some(word) = members.get("state") {
        changes.extend(state(word)?);
    }
    if let Some(level @ Json::Number(_)) = members.get("battery_level") {
        changes.push(Change::attribute("battery_level", level.clone()));
    }
    if let Some(speed @ (Json::String(_) | Json::Number(_))) =
        members.get("fan_speed").filter(|_| !features.fan_speeds.is_empty())
    {
        changes.push(Change::attribute("fan_speed", crate::decode::cut(&template::print_json(speed))));
    }
    Ok(changes)
}

fn state(word: &Json) -> Result<Option<Change>, String> {
    match word {
        Json::Null => Ok(Some(Change::Value(None))),
        Json::String(word) if word.is_empty() => Ok(None),
        Json::String(word) if word == "None" => Ok(Some(Change::Value(None))),
        Json::String(word) if STATES.contains(&word.as_str()) => Ok(Some(Change::text(word))),
        other => Err(format!("{} is none of {}", quoted(&template::print_json(other)), STATES.join(", "))),
    }
}

/// The messages of a verb.
pub(super) fn command(wish: &mut Wish, features: &VacuumFeatures) -> Result<Order, CommandError> {
    let verb = wish.verb;
    if !wish.has(verb) {
        return Err(wish.unknown_verb());
    }
    match verb {
        "set_fan_speed" => {
            let speed = wish.main_text()?;
            wish.one_of("speed", &speed, &features.fan_speeds)?;
            Ok(Order::of(wish.send_value(verb, speed)?))
        }
        "send_command" => {
            let command = wish.main_text()?;
            let params = wish.args.take("params");
            let payload = match params {
                Some(Json::Object(params)) if !params.is_empty() => {
                    let mut message = Map::from_iter([("command".to_owned(), Json::from(command))]);
                    message.extend(params);
                    Json::Object(message).to_string()
                }
                _ => command,
            };
            Ok(Order::of(wish.send_value(verb, payload)?))
        }
        verb => Ok(Order::of(wish.send(verb, Vec::new())?)),
    }
}
