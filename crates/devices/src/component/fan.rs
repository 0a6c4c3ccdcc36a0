//! Fans: on and off, a speed in percent whatever the board counts, presets, oscillation and direction.

use minijinja::Value as TemplateValue;
use model::features::FanFeatures;
use model::{StateSource, Value};
use serde_json::Value as Json;

use super::report::{Change, Report, number_of, quoted};
use super::wish::{Order, Wish, whole};
use crate::error::CommandError;

/// Attributes fans set.
pub(super) const ATTRIBUTES: &[&str] = &[
    "direction",
    "oscillating",
    "percentage",
    "percentage_step",
    "preset_mode",
    "preset_modes",
    "speed",
    "speed_list",
];

/// The word for standing still among the speeds older firmwares have words for.
const STANDSTILL: &str = "off";

/// What a report changes.
pub(super) fn hear(
    features: &FanFeatures,
    source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    if report.is_empty() {
        return Ok(Vec::new());
    }
    let text = report.text;
    let change = match source.field.as_str() {
        "percentage" if text == features.no_percentage => {
            return Ok(["percentage", "speed"].map(|name| Change::attribute(name, Json::Null)).into());
        }
        "percentage" => Change::number("percentage", percentage(features, number_of(text)?)?),
        "preset_mode" if text == features.no_preset_mode => Change::attribute("preset_mode", Json::Null),
        "preset_mode" if features.preset_modes.iter().any(|mode| mode == text) => {
            Change::attribute("preset_mode", text)
        }
        "preset_mode" => return Err(format!("{} is none of its presets", quoted(text))),
        "oscillating" => match &features.oscillation {
            [on, _] if text == on => Change::attribute("oscillating", true),
            [_, off] if text == off => Change::attribute("oscillating", false),
            _ => {
                return Err(format!("{} says neither that it oscillates nor that it does not", quoted(text)));
            }
        },
        "speed" => return speed_word(features, source, report),
        "direction" if report.is_none() => Change::attribute("direction", Json::Null),
        "direction" => Change::attribute("direction", crate::decode::cut(text)),
        _ => return Ok(report.mapped(source).map(Change::Value).into_iter().collect()),
    };
    Ok(vec![change])
}

/// A speed in a word of older firmwares, and the share of them it is.
fn speed_word(features: &FanFeatures, source: &StateSource, report: &Report) -> Result<Vec<Change>, String> {
    let Some(Value::Text(word)) = source.map.get(report.text) else {
        return Err(format!("{} is none of its speeds", quoted(report.text)));
    };
    let place = features.speeds.iter().position(|known| known == word);
    let share = match place {
        Some(place) => ((place + 1) * 100 / features.speeds.len()) as f64,
        None if word == STANDSTILL => 0.0,
        None => return Err(format!("{} is none of its speeds", quoted(word))),
    };
    Ok(vec![Change::attribute("speed", word.as_str()), Change::number("percentage", share)])
}

/// The share of its speeds, as whole percent; the step below the lowest is off.
fn percentage(features: &FanFeatures, speed: f64) -> Result<f64, String> {
    let [low, high] = features.speed_range;
    let percentage = ((speed.trunc() - low + 1.0) * 100.0 / (high - low + 1.0)).floor();
    if (0.0..=100.0).contains(&percentage) {
        Ok(percentage)
    } else {
        Err(format!("a speed of {speed} is not between {} and {high}", low - 1.0))
    }
}

fn speed(features: &FanFeatures, percentage: f64) -> f64 {
    let [low, high] = features.speed_range;
    ((high - low + 1.0) * percentage / 100.0 + low - 1.0).round_ties_even()
}

/// The messages of a verb.
pub(super) fn command(wish: &mut Wish, features: &FanFeatures) -> Result<Order, CommandError> {
    let mut order = Order::default();
    match wish.verb {
        "turn_on" => turn_on(wish, features, &mut order)?,
        "turn_off" => turn_off(wish, &mut order)?,
        "toggle" if wish.is_on() => turn_off(wish, &mut order)?,
        "toggle" => turn_on(wish, features, &mut order)?,
        "set" => match wish.main() {
            Some(Json::Bool(false)) => turn_off(wish, &mut order)?,
            _ => turn_on(wish, features, &mut order)?,
        },
        "set_percentage" => {
            let percentage = wish.main_number()?;
            to_percentage(wish, features, percentage, &mut order)?;
        }
        "increase_speed" | "decrease_speed" => {
            let step = match wish.main() {
                Some(step) => wish.number(&step)?,
                None => wish.entity.description.step.unwrap_or(1.0),
            };
            let now = wish.state.attributes.get("percentage").and_then(Json::as_f64).unwrap_or(0.0);
            let to = if wish.verb == "increase_speed" { now + step } else { now - step };
            to_percentage(wish, features, to.clamp(0.0, 100.0), &mut order)?;
        }
        "set_speed" => {
            let word = wish.main_text()?;
            if word != STANDSTILL {
                wish.one_of("speed", &word, &features.speeds)?;
            }
            send(wish, "set_speed", word.as_str(), &mut order)?;
            order.assume(wish, Change::attribute("speed", word));
        }
        "set_preset_mode" => {
            let mode = wish.main_text()?;
            to_preset(wish, features, &mode, &mut order)?;
        }
        "oscillate" => {
            let wanted = wish.main();
            let on = match &wanted {
                Some(Json::Bool(on)) => *on,
                Some(Json::String(text)) => matches!(text.as_str(), "on" | "true"),
                _ => return Err(wish.bad_value("it oscillates or it does not: say true or false".to_owned())),
            };
            let [yes, no] = &features.oscillation;
            send(wish, "oscillate", if on { yes.as_str() } else { no.as_str() }, &mut order)?;
            order.assume(wish, Change::attribute("oscillating", on));
        }
        "set_direction" => {
            let direction = wish.main_text()?;
            wish.one_of("direction", &direction, &["forward".to_owned(), "reverse".to_owned()])?;
            send(wish, "set_direction", direction.as_str(), &mut order)?;
            order.assume(wish, Change::attribute("direction", direction));
        }
        _ => return Err(wish.unknown_verb()),
    }
    Ok(order)
}

fn turn_on(wish: &mut Wish, features: &FanFeatures, order: &mut Order) -> Result<(), CommandError> {
    order.sends.push(wish.send("turn_on", Vec::new())?);
    order.assume(wish, Change::value(Value::Bool(true)));
    if let Some(percentage) = wish.take_number("percentage")? {
        to_percentage(wish, features, percentage, order)?;
    }
    if let Some(mode) = wish.take_text("preset_mode") {
        to_preset(wish, features, &mode, order)?;
    }
    Ok(())
}

fn turn_off(wish: &Wish, order: &mut Order) -> Result<(), CommandError> {
    order.sends.push(wish.send("turn_off", Vec::new())?);
    order.assume(wish, Change::value(Value::Bool(false)));
    Ok(())
}

fn to_percentage(
    wish: &Wish,
    features: &FanFeatures,
    percentage: f64,
    order: &mut Order,
) -> Result<(), CommandError> {
    wish.in_range("", percentage, Some(0.0), Some(100.0))?;
    send(wish, "set_percentage", whole(speed(features, percentage)), order)?;
    order.assume(wish, Change::number("percentage", percentage));
    Ok(())
}

fn to_preset(wish: &Wish, features: &FanFeatures, mode: &str, order: &mut Order) -> Result<(), CommandError> {
    wish.one_of("preset", mode, &features.preset_modes)?;
    send(wish, "set_preset_mode", mode, order)?;
    order.assume(wish, Change::attribute("preset_mode", mode));
    Ok(())
}

fn send(
    wish: &Wish,
    channel: &str,
    value: impl Into<TemplateValue>,
    order: &mut Order,
) -> Result<(), CommandError> {
    order.sends.push(wish.send_value(channel, value)?);
    Ok(())
}
