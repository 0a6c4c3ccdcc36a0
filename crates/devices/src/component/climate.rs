//! Thermostats, water heaters and humidifiers: a mode, targets within limits, and what is measured.

use model::features::ClimateFeatures;
use model::{Component, StateSource, Value};
use serde_json::Value as Json;

use super::report::{Change, Report, json_number, number_of, quoted};
use super::wish::{Order, Wish, whole};
use crate::error::CommandError;
use crate::template;

/// Attributes thermostats and water heaters set.
pub(super) const ATTRIBUTES: &[&str] = &[
    "aux_heat",
    "current_humidity",
    "current_temperature",
    "fan_mode",
    "fan_modes",
    "humidity",
    "hvac_action",
    "hvac_modes",
    "max_humidity",
    "max_temp",
    "min_humidity",
    "min_temp",
    "operation_list",
    "operation_mode",
    "preset_mode",
    "preset_modes",
    "swing_horizontal_mode",
    "swing_horizontal_modes",
    "swing_mode",
    "swing_modes",
    "target_temp_high",
    "target_temp_low",
    "target_temp_step",
    "temperature",
];

/// Attributes humidifiers set.
pub(super) const HUMIDIFIER_ATTRIBUTES: &[&str] =
    &["action", "available_modes", "current_humidity", "humidity", "max_humidity", "min_humidity", "mode"];

/// The preset that is none.
const NO_PRESET: &str = "none";

/// What a report changes.
pub(super) fn hear(
    features: &ClimateFeatures,
    source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    if report.is_empty() {
        return Ok(Vec::new());
    }
    let field = source.field.as_str();
    let change = match field {
        "" if !source.map.is_empty() => {
            return Ok(report.mapped(source).map(Change::Value).into_iter().collect());
        }
        "" if report.is_none() => Change::Value(None),
        "" => {
            known(report.text, &features.modes)?;
            Change::text(report.text)
        }
        _ if is_number(field) && report.is_none() => attribute(field, Json::Null),
        _ if is_number(field) => attribute(field, json_number(number_of(report.text)?)),
        _ if !source.map.is_empty() => match report.mapped(source) {
            Some(value) => attribute(field, value.map_or(Json::Null, |value| value_json(&value))),
            None => return Err(format!("{} is none of its words", quoted(report.text))),
        },
        "preset_mode" if report.is_none() || report.text == NO_PRESET => attribute(field, NO_PRESET.into()),
        _ if report.is_none() => attribute(field, Json::Null),
        _ => {
            known(report.text, modes_of(features, field))?;
            attribute(field, crate::decode::cut(report.text).into())
        }
    };
    Ok(vec![change])
}

fn attribute(field: &str, json: Json) -> Change {
    Change::Attribute(field.to_owned().into(), json)
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::Bool(on) => (*on).into(),
        Value::Number(number) => json_number(*number),
        Value::Text(text) => text.as_str().into(),
    }
}

fn is_number(field: &str) -> bool {
    matches!(
        field,
        "temperature"
            | "target_temp_low"
            | "target_temp_high"
            | "current_temperature"
            | "humidity"
            | "current_humidity"
    )
}

fn modes_of<'a>(features: &'a ClimateFeatures, field: &str) -> &'a [String] {
    match field {
        "mode" => &features.modes,
        "preset_mode" => &features.preset_modes,
        "fan_mode" => &features.fan_modes,
        "swing_mode" => &features.swing_modes,
        "swing_horizontal_mode" => &features.swing_horizontal_modes,
        _ => &[],
    }
}

fn known(word: &str, list: &[String]) -> Result<(), String> {
    if list.is_empty() || list.iter().any(|known| known == word) {
        return Ok(());
    }
    Err(format!("{} is none of {}", quoted(word), list.join(", ")))
}

/// The messages of a verb.
pub(super) fn command(wish: &mut Wish, features: &ClimateFeatures) -> Result<Order, CommandError> {
    let mut order = Order::default();
    match wish.verb {
        "set_temperature" => set_temperature(wish, features, &mut order)?,
        "set_humidity" => {
            let humidity = wish.main_number()?;
            let [min, max] = features.humidity.unwrap_or([0.0, 100.0]);
            wish.in_range("", humidity, Some(min), Some(max))?;
            order.sends.push(wish.send_value("set_humidity", whole(humidity))?);
            order.assume(wish, Change::number("humidity", humidity));
        }
        "set_mode" => {
            let mode = wish.main_text()?;
            to_mode(wish, features, &mode, &mut order)?;
        }
        "turn_on" => turn(wish, features, true, &mut order)?,
        "turn_off" => turn(wish, features, false, &mut order)?,
        "toggle" => turn(wish, features, !is_on(wish), &mut order)?,
        "set" if wish.has("turn_on") => match wish.main() {
            Some(Json::Bool(on)) => turn(wish, features, on, &mut order)?,
            _ => return Err(wish.bad_value("say true or false".to_owned())),
        },
        "set_aux_heat" => {
            let on = matches!(wish.main(), Some(Json::Bool(true)));
            let channel = if on { "aux_heat_on" } else { "aux_heat_off" };
            order.sends.push(wish.send(channel, Vec::new())?);
            order.assume(wish, Change::attribute("aux_heat", if on { "on" } else { "off" }));
        }
        "set_preset_mode" | "set_fan_mode" | "set_swing_mode" | "set_swing_horizontal_mode" => {
            let field = wish.verb.strip_prefix("set_").unwrap_or_default();
            let mode = wish.main_text()?;
            if !(field == "preset_mode" && mode == NO_PRESET) {
                wish.one_of("mode", &mode, modes_of(features, field))?;
            }
            order.sends.push(wish.send_value(wish.verb, mode.as_str())?);
            order.assume(wish, Change::Attribute(field.to_owned().into(), mode.into()));
        }
        _ => return Err(wish.unknown_verb()),
    }
    Ok(order)
}

/// Targets, and the mode first if it comes along.
fn set_temperature(
    wish: &mut Wish,
    features: &ClimateFeatures,
    order: &mut Order,
) -> Result<(), CommandError> {
    let description = &wish.entity.description;
    let (min, max) = (description.min, description.max);
    for name in ["hvac_mode", "operation_mode"] {
        if let Some(mode) = wish.take_text(name) {
            to_mode(wish, features, &mode, order)?;
        }
    }
    let mut told = false;
    let single = wish.main().map(|json| wish.number(&json)).transpose()?;
    let low = wish.take_number("target_temp_low")?;
    let high = wish.take_number("target_temp_high")?;
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        return Err(wish.bad_value(format!("the low target {low} is above the high one, {high}")));
    }
    let targets = [
        ("temperature", "set_temperature", single),
        ("target_temp_low", "set_temperature_low", low),
        ("target_temp_high", "set_temperature_high", high),
    ];
    for (field, channel, target) in targets {
        let Some(target) = target else { continue };
        wish.in_range("", target, min, max)?;
        let target = rounded(target, features.precision);
        // Home Assistant sends temperatures with a point.
        let value = template::from_json(&Json::from(target));
        order.sends.push(wish.send_value(channel, value)?);
        order.assume(wish, Change::Attribute(field.into(), json_number(target)));
        told = true;
    }
    if told { Ok(()) } else { Err(wish.bad_value("a value is missing".to_owned())) }
}

fn rounded(target: f64, precision: Option<f64>) -> f64 {
    match precision {
        Some(step) if step > 0.0 => {
            let digits = 1e6;
            ((target / step).round_ties_even() * step * digits).round() / digits
        }
        _ => target,
    }
}

fn to_mode(
    wish: &Wish,
    features: &ClimateFeatures,
    mode: &str,
    order: &mut Order,
) -> Result<(), CommandError> {
    wish.one_of("mode", mode, &features.modes)?;
    order.sends.push(wish.send_value("set_mode", mode)?);
    let field = if wish.entity.description.component == Component::Humidifier { "mode" } else { "" };
    order.assume(wish, if field.is_empty() { Change::text(mode) } else { Change::attribute("mode", mode) });
    Ok(())
}

fn is_on(wish: &Wish) -> bool {
    match &wish.state.value {
        Some(Value::Bool(on)) => *on,
        Some(Value::Text(mode)) => mode != "off",
        _ => false,
    }
}

/// On and off, by its power or by its mode.
fn turn(wish: &Wish, features: &ClimateFeatures, on: bool, order: &mut Order) -> Result<(), CommandError> {
    let channel = if on { "turn_on" } else { "turn_off" };
    if wish.has(channel) {
        order.sends.push(wish.send(channel, Vec::new())?);
        if wish.entity.description.component == Component::Humidifier {
            order.assume(wish, Change::value(Value::Bool(on)));
        } else if !on {
            order.expected.push(Change::text("off"));
        }
        return Ok(());
    }
    let wanted = if on { features.modes.iter().find(|mode| *mode != "off") } else { None };
    let mode = wanted.map_or("off", String::as_str);
    to_mode(wish, features, mode, order)
}
