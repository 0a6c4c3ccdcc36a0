//! Kinds that take things as they come: what is said is the state, what is told is sent.

use std::borrow::Cow;

use minijinja::Value as TemplateValue;
use model::features::TextFeatures;
use model::{Component, EntityDescription, StateSource, Value};
use serde_json::{Map, Value as Json};

use super::own_attributes;
use super::report::{Change, Ear, Report, quoted};
use super::wish::{Order, Wish};
use crate::decode::{Said, read};
use crate::error::CommandError;
use crate::limits::{ATTRIBUTES_BYTES_MAX, ATTRIBUTES_MAX, STATE_CHARS_MAX, TEXT_CHARS_MAX};
use crate::{moment, template};

/// Largest brightness, as Home Assistant counts it.
const BRIGHTNESS_MAX: f64 = 255.0;
/// How far from a step a value may be, as a part of the step: binary fractions are never exact.
const STEP_TOLERANCE: f64 = 1e-6;

/// What a report changes.
pub(super) fn hear(ear: &Ear, source: &StateSource, report: &Report) -> Result<Vec<Change>, String> {
    let description = ear.description;
    match source.field.as_str() {
        "" | "state" => value(description, source, report),
        "last_reset" if description.component == Component::Sensor => Ok(moment::iso(report.text)
            .map(|text| Change::attribute("last_reset", text))
            .into_iter()
            .collect()),
        name => {
            let json = serde_json::from_str(report.text).unwrap_or_else(|_| Json::from(report.text));
            Ok(attribute(name, json))
        }
    }
}

fn value(
    description: &EntityDescription,
    source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    if !source.map.is_empty() && (!is_open(description) || source.map.contains_key(report.text)) {
        return Ok(report.mapped(source).map(Change::Value).into_iter().collect());
    }
    match read(description, report.text) {
        Said::Value(value) => Ok(vec![Change::value(value)]),
        Said::Unknown => Ok(vec![Change::Value(None)]),
        Said::Nothing => Ok(Vec::new()),
        Said::Nonsense(why) => Err(why),
    }
}

/// Whether texts beside the listed ones mean something too: a tracker may be in any zone.
fn is_open(description: &EntityDescription) -> bool {
    description.component == Component::DeviceTracker
}

/// One attribute, if it is small enough to keep.
pub(crate) fn attribute(name: &str, json: Json) -> Vec<Change> {
    let json = match json {
        Json::String(text) => Json::from(crate::decode::cut(&text)),
        json if fits(&json) => json,
        _ => return Vec::new(),
    };
    vec![Change::Attribute(Cow::Owned(name.to_owned()), json)]
}

/// All attributes of an object, but those that mean something of the entity itself.
pub(crate) fn attributes(component: Component, members: &Map<String, Json>) -> Result<Vec<Change>, String> {
    let own = own_attributes(component);
    let allowed = members
        .iter()
        .filter(|(name, _)| !RESERVED.contains(&name.as_str()) && !own.contains(&name.as_str()));
    let kept: Map<String, Json> =
        allowed.take(ATTRIBUTES_MAX).map(|(name, json)| (name.clone(), json.clone())).collect();
    let kept = Json::Object(kept);
    match (fits(&kept), kept) {
        (true, Json::Object(kept)) => Ok(vec![Change::Attributes(kept)]),
        _ => Err(format!("its attributes have more than {ATTRIBUTES_BYTES_MAX} bytes")),
    }
}

/// Names that mean something of every entity. Source: the list Home Assistant's MQTT entities block.
const RESERVED: [&str; 17] = [
    "assumed_state",
    "available",
    "context_recent_time",
    "device_class",
    "device_info",
    "entity_category",
    "entity_picture",
    "entity_registry_enabled_default",
    "extra_state_attributes",
    "force_update",
    "friendly_name",
    "icon",
    "should_poll",
    "state",
    "supported_features",
    "unique_id",
    "unit_of_measurement",
];

/// Whether attributes are small enough to keep; counts without writing them out.
fn fits(json: &Json) -> bool {
    fn size(json: &Json) -> usize {
        match json {
            Json::String(text) => text.len() + 2,
            Json::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
            Json::Object(members) => {
                members.iter().map(|(key, value)| key.len() + size(value) + 4).sum::<usize>() + 2
            }
            _ => 8,
        }
    }
    size(json) <= ATTRIBUTES_BYTES_MAX
}

/// A text has a length and may have a pattern.
pub(super) fn hear_text(
    features: &TextFeatures,
    description: &EntityDescription,
    source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    if !source.field.is_empty() || report.is_none() {
        return value(description, source, report);
    }
    check_text(features, description, report.text)?;
    value(description, source, report)
}

fn check_text(features: &TextFeatures, description: &EntityDescription, text: &str) -> Result<(), String> {
    let length = text.chars().count() as f64;
    if description.min.is_some_and(|min| length < min)
        || length > description.max.unwrap_or(TEXT_CHARS_MAX as f64)
    {
        return Err(format!("a text of {length} characters is too short or too long"));
    }
    match &features.pattern {
        Some(pattern) if !template::matches(pattern, text).unwrap_or(true) => {
            Err(format!("{} does not match {pattern}", quoted(text)))
        }
        _ => Ok(()),
    }
}

/// What a payload would be as the value of a command.
pub(super) fn value_of(description: &EntityDescription, payload: &str) -> Value {
    match crate::decode::number(payload) {
        Some(number) if description.component != Component::Text => Value::Number(number),
        _ => Value::Text(payload.to_owned()),
    }
}

/// The messages of a verb, with whatever else is told along with it.
pub(super) fn command(wish: &mut Wish) -> Result<Order, CommandError> {
    let (channel, value) = resolve(wish)?;
    if let Some(value) = &value {
        check(wish, channel, value)?;
    } else if channel == "set" || channel.starts_with("set_") {
        return Err(wish.bad_value("a value is missing".to_owned()));
    }
    let mut order = Order::default();
    let mut variables: Vec<(String, TemplateValue)> = Vec::new();
    // Attributes with a command of their own go first, so that a lamp comes on as it should be.
    for name in mentioned(wish, channel)? {
        let Some(json) = wish.args.take(&name) else { continue };
        if name == "brightness" {
            let number = wish.number(&json)?;
            wish.in_range("", number, Some(0.0), Some(BRIGHTNESS_MAX))?;
        }
        variables.push((name, template::from_json(&json)));
    }
    for (verb, name) in settable(wish, channel) {
        let Some(json) = wish.args.take(&name) else { continue };
        check(wish, &verb, &json)?;
        order.sends.push(wish.send_value(&verb, template::from_json(&json))?);
    }
    if let Some(value) = &value {
        variables.push(("value".to_owned(), template::from_json(value)));
    }
    order.sends.push(wish.send(channel, variables)?);
    order.expected.extend(told(wish, channel, value));
    if wish.entity.description.assumed_state {
        order.assumed.clone_from(&order.expected);
    }
    Ok(order)
}

/// Finds the command of a verb. Entities differ in what they announce: one has `turn_on` and `turn_off`, another
/// one `set` for both.
fn resolve<'a>(wish: &mut Wish<'a>) -> Result<(&'a str, Option<Json>), CommandError> {
    let description = &wish.entity.description;
    let is_switch = wish.has("turn_on") || on_off(description.component);
    let switch = |wish: &Wish, on: bool| -> Result<(&'a str, Option<Json>), CommandError> {
        let word = if on { "turn_on" } else { "turn_off" };
        match (wish.has(word), wish.has("set")) {
            (true, _) => Ok((word, None)),
            (false, true) => Ok(("set", Some(Json::from(on)))),
            (false, false) => Err(wish.unknown_verb()),
        }
    };
    match wish.verb {
        "turn_on" if is_switch => switch(wish, true),
        "turn_off" if is_switch => switch(wish, false),
        "toggle" if wish.has("toggle") => Ok(("toggle", None)),
        "toggle" if is_switch => switch(wish, !wish.is_on()),
        "toggle" if wish.has("open") && wish.has("close") => {
            Ok((if wish.word() == "closed" { "open" } else { "close" }, None))
        }
        "set" if is_switch => match wish.main() {
            Some(value) => match as_bool(&value) {
                Some(on) => switch(wish, on),
                None => {
                    Err(wish.bad_value(format!("{} is neither on nor off", template::print_json(&value))))
                }
            },
            None => Err(wish.bad_value("a value is missing".to_owned())),
        },
        "set" if !wish.has("set") && wish.has("set_position") => Ok(("set_position", wish.main())),
        verb => match description.commands.get_key_value(verb) {
            Some((verb, _)) => Ok((verb, wish.main())),
            None => Err(wish.unknown_verb()),
        },
    }
}

fn on_off(component: Component) -> bool {
    matches!(
        component,
        Component::Switch | Component::Light | Component::Fan | Component::Siren | Component::Humidifier
    )
}

/// The names the payload of a channel uses, beside the value.
fn mentioned(wish: &Wish, channel: &str) -> Result<Vec<String>, CommandError> {
    let Some(spec) = wish.entity.description.commands.get(channel) else { return Ok(Vec::new()) };
    let names = template::variables(&spec.payload).map_err(|why| wish.bad_value(why.to_string()))?;
    let mut heads: Vec<String> = names
        .iter()
        .filter_map(|name| name.split('.').next())
        .filter(|n| *n != "value")
        .map(Into::into)
        .collect();
    heads.dedup();
    Ok(heads)
}

/// Other commands, by the name of the argument they take.
fn settable(wish: &Wish, channel: &str) -> Vec<(String, String)> {
    let others = wish.entity.description.commands.keys().filter(|verb| *verb != channel);
    others.filter_map(|verb| Some((verb.clone(), verb.strip_prefix("set_")?.to_owned()))).collect()
}

/// Whether a value is one the entity can take.
fn check(wish: &Wish, channel: &str, value: &Json) -> Result<(), CommandError> {
    let description = &wish.entity.description;
    match (description.component, channel) {
        (Component::Number, "set") => {
            let number = wish.number(value)?;
            wish.in_range("", number, description.min, description.max)?;
            check_step(wish, number)
        }
        (Component::Select, "set") => {
            let option = template::print_json(value);
            let known = description.options.contains(&option);
            let words = || format!("\"{option}\" is none of {}", description.options.join(", "));
            if known { Ok(()) } else { Err(wish.bad_value(words())) }
        }
        (Component::Text, "set") => {
            let none = TextFeatures::default();
            let features = match description.features.as_deref() {
                Some(model::Features::Text(features)) => features,
                _ => &none,
            };
            check_text(features, description, &template::print_json(value)).map_err(|why| wish.bad_value(why))
        }
        (_, "set_brightness") => wish.in_range("", wish.number(value)?, Some(0.0), Some(BRIGHTNESS_MAX)),
        (_, "set_position" | "set_tilt") => wish.in_range("", wish.number(value)?, Some(0.0), Some(100.0)),
        _ => match value {
            Json::String(text) if text.chars().count() > STATE_CHARS_MAX => {
                Err(wish.bad_value(format!("the text is longer than {STATE_CHARS_MAX} characters")))
            }
            Json::Number(number) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                wish.in_range("", number, description.min, description.max)
            }
            _ => Ok(()),
        },
    }
}

/// A number that was announced with steps goes by them.
fn check_step(wish: &Wish, number: f64) -> Result<(), CommandError> {
    let description = &wish.entity.description;
    let Some(step) = description.step.filter(|step| *step > 0.0) else { return Ok(()) };
    let from = description.min.unwrap_or(0.0);
    let steps = (number - from) / step;
    if (steps - steps.round()).abs() <= STEP_TOLERANCE.max(steps.abs() * f64::EPSILON * 4.0) {
        return Ok(());
    }
    let near = from + steps.round() * step;
    Err(wish.bad_value(format!("it goes by steps of {step} from {from}; {near} is the next to {number}")))
}

fn as_bool(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(on) => Some(*on),
        Json::Number(number) => number.as_f64().map(|number| number != 0.0),
        Json::String(text) => match text.to_ascii_lowercase().as_str() {
            "on" | "true" => Some(true),
            "off" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// What the entity is when it has done what it was told.
fn told(wish: &Wish, channel: &str, value: Option<Json>) -> Option<Change> {
    let description = &wish.entity.description;
    match (description.component, channel) {
        (Component::Scene | Component::Button | Component::Notify, _) => None,
        (_, "turn_on") => Some(Change::value(Value::Bool(true))),
        (_, "turn_off") => Some(Change::value(Value::Bool(false))),
        (Component::Lock, "lock") => Some(Change::text("locked")),
        (Component::Lock, "unlock") => Some(Change::text("unlocked")),
        (Component::Lock, "open") => Some(Change::text("open")),
        (Component::LawnMower, "start_mowing") => Some(Change::text("mowing")),
        (Component::LawnMower, "pause") => Some(Change::text("paused")),
        (Component::LawnMower, "dock") => Some(Change::text("docked")),
        (_, "set") => match value? {
            Json::Bool(on) => Some(Change::value(Value::Bool(on))),
            Json::Number(number) => Some(Change::Value(Value::number(number.as_f64()?))),
            other => Some(Change::text(&template::print_json(&other))),
        },
        _ => None,
    }
}
