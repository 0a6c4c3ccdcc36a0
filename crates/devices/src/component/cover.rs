//! Covers and valves. Their state is `open`, `opening`, `closed` or `closing`; position and tilt run from 0
//! (closed) to 100 (open), whatever the board counts.

use minijinja::Value as TemplateValue;
use model::features::CoverFeatures;
use model::{Component, StateSource, Value};
use serde_json::Value as Json;

use super::report::{Change, Ear, Report, number_of};
use super::wish::{Order, Wish, variable, whole};
use crate::error::CommandError;

/// Attributes covers and valves set.
pub(super) const ATTRIBUTES: &[&str] = &["current_position", "current_tilt_position"];

const POSITION: &str = "current_position";
const TILT: &str = "current_tilt_position";

/// What a report changes.
pub(super) fn hear(
    ear: &Ear,
    features: &CoverFeatures,
    source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    if report.is_empty() {
        return Ok(Vec::new());
    }
    match source.field.as_str() {
        POSITION => position(features, report),
        TILT => tilt(features, report.text).map(|change| vec![change]),
        _ if ear.description.component == Component::Valve => valve(ear, features, source, report),
        _ => Ok(state(ear, report.mapped(source))),
    }
}

/// A state in words. That it stopped says where it is only together with where it was going, or its position.
fn state(ear: &Ear, said: Option<Option<Value>>) -> Vec<Change> {
    let said = match said {
        Some(Some(Value::Text(word))) if word == "stopped" => Some(Value::Text(rest(ear).to_owned())),
        Some(other) => other,
        None => return Vec::new(),
    };
    vec![Change::Value(said)]
}

fn rest(ear: &Ear) -> &'static str {
    match ear.state.attributes.get(POSITION).and_then(Json::as_f64) {
        Some(position) => word_at(position),
        None if ear.state.value == Some(Value::Text("closing".to_owned())) => "closed",
        None => "open",
    }
}

fn word_at(position: f64) -> &'static str {
    if position <= 0.0 { "closed" } else { "open" }
}

/// A position, or an object with one and perhaps a tilt.
fn position(features: &CoverFeatures, report: &Report) -> Result<Vec<Change>, String> {
    let mut changes = Vec::new();
    let number = match report.object() {
        Some(members) => {
            let number = |name: &str| match members.get(name) {
                Some(Json::String(text)) => Some(text.clone()),
                Some(json @ Json::Number(_)) => Some(json.to_string()),
                _ => None,
            };
            if let Some(text) = number("tilt_position") {
                changes.push(tilt(features, &text)?);
            }
            number_of(&number("position").ok_or("its object has no `position`")?)?
        }
        None => number_of(report.text)?,
    };
    changes.extend(at_position(features, percent(number, features.position_closed, features.position_open)));
    Ok(changes)
}

/// What a position in percent says.
fn at_position(features: &CoverFeatures, percent: f64) -> Vec<Change> {
    let mut changes = vec![Change::number(POSITION, percent)];
    if !features.reports_state {
        changes.push(Change::text(word_at(percent)));
    }
    changes
}

fn tilt(features: &CoverFeatures, text: &str) -> Result<Change, String> {
    let number = number_of(text)?;
    let (low, high) = (features.tilt_min.min(features.tilt_max), features.tilt_min.max(features.tilt_max));
    if !(low..=high).contains(&number) {
        return Err(format!("a tilt of {number} is not between {low} and {high}"));
    }
    Ok(Change::number(TILT, percent(number, features.tilt_min, features.tilt_max)))
}

/// A valve tells state and position on one topic: as words, as a number, or as an object with both.
fn valve(
    ear: &Ear,
    features: &CoverFeatures,
    source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    let object = report.object();
    let member = |name: &str| {
        let json = object.as_ref()?.get(name)?;
        Some(crate::template::print_json(json))
    };
    let word = member("state")
        .unwrap_or_else(|| if object.is_some() { String::new() } else { report.text.to_owned() });
    let mut changes = state(ear, Report::new(&word, None).mapped(source));
    if features.reports_position {
        let text =
            member("position").unwrap_or_else(|| if changes.is_empty() { word } else { String::new() });
        if !text.is_empty() {
            let percent = percent(number_of(&text)?, features.position_closed, features.position_open);
            changes.push(Change::number(POSITION, percent));
            if changes.len() == 1 {
                changes.push(Change::text(word_at(percent)));
            }
        }
    }
    Ok(changes)
}

/// From the board's scale to percent.
fn percent(number: f64, closed: f64, open: f64) -> f64 {
    ((number - closed) * 100.0 / (open - closed)).round_ties_even().clamp(0.0, 100.0)
}

/// From percent to the board's scale.
fn ranged(percent: f64, closed: f64, open: f64) -> f64 {
    (closed + percent * (open - closed) / 100.0).round_ties_even()
}

/// What templates of a cover see beside the value.
pub(super) fn variables(features: &CoverFeatures) -> Vec<(&'static str, TemplateValue)> {
    vec![
        ("position_open", whole(features.position_open)),
        ("position_closed", whole(features.position_closed)),
        ("tilt_min", whole(features.tilt_min)),
        ("tilt_max", whole(features.tilt_max)),
    ]
}

/// The messages of a verb.
pub(super) fn command(wish: &mut Wish, features: &CoverFeatures) -> Result<Order, CommandError> {
    let verb = match wish.verb {
        "toggle" => toggle(wish),
        "toggle_tilt" if tilt_of(wish).is_some_and(|tilt| tilt <= 0.0) => "open_tilt",
        "toggle_tilt" => "close_tilt",
        "set" => "set_position",
        verb => verb,
    };
    match verb {
        "open" if !wish.has("open") && wish.has("set_position") => to_position(wish, features, 100.0),
        "close" if !wish.has("close") && wish.has("set_position") => to_position(wish, features, 0.0),
        "open" => way(wish, features, "open", 100.0),
        "close" => way(wish, features, "close", 0.0),
        "set_position" => {
            let percent = wish.main_number()?;
            wish.in_range("", percent, Some(0.0), Some(100.0))?;
            to_position(wish, features, percent)
        }
        "open_tilt" if !wish.has("open_tilt") => to_tilt(wish, features, features.tilt_opened),
        "close_tilt" if !wish.has("close_tilt") => to_tilt(wish, features, features.tilt_closed),
        "set_tilt" => {
            let percent = wish.main_number()?;
            wish.in_range("", percent, Some(0.0), Some(100.0))?;
            to_tilt(wish, features, ranged(percent, features.tilt_min, features.tilt_max))
        }
        verb => Ok(Order::of(wish.send(verb, Vec::new())?)),
    }
}

/// A cover on its way stops; one that is closed opens.
fn toggle(wish: &Wish) -> &'static str {
    let position = wish.state.attributes.get(POSITION).and_then(Json::as_f64);
    match wish.word() {
        "opening" | "closing" if wish.has("stop") => "stop",
        "closed" => "open",
        "" if position.is_some_and(|position| position <= 0.0) => "open",
        _ => "close",
    }
}

fn tilt_of(wish: &Wish) -> Option<f64> {
    wish.state.attributes.get(TILT).and_then(Json::as_f64)
}

/// All the way, in a word.
fn way(wish: &Wish, features: &CoverFeatures, verb: &str, end: f64) -> Result<Order, CommandError> {
    let mut order = Order::of(wish.send(verb, Vec::new())?);
    order.expected.push(Change::text(word_at(end)));
    if features.optimistic {
        order.assumed.push(Change::text(word_at(end)));
        if features.reports_position {
            order.assumed.push(Change::number(POSITION, end));
        }
    }
    Ok(order)
}

fn to_position(wish: &Wish, features: &CoverFeatures, percent: f64) -> Result<Order, CommandError> {
    let number = ranged(percent, features.position_closed, features.position_open);
    let send = wish.send("set_position", scope(features, number, "position", percent))?;
    let mut order = Order::of(send);
    order.expected.push(Change::number(POSITION, percent));
    if features.optimistic {
        order.assumed = vec![Change::text(word_at(percent)), Change::number(POSITION, percent)];
    }
    Ok(order)
}

fn to_tilt(wish: &Wish, features: &CoverFeatures, number: f64) -> Result<Order, CommandError> {
    let percent = percent(number, features.tilt_min, features.tilt_max);
    let send = wish.send("set_tilt", scope(features, number, "tilt_position", percent))?;
    let mut order = Order::of(send);
    order.expected.push(Change::number(TILT, percent));
    if features.tilt_optimistic {
        order.assumed.push(Change::number(TILT, percent));
    }
    Ok(order)
}

/// What the template of a position sees: `value` as the board counts, the rest as people do.
fn scope(features: &CoverFeatures, number: f64, name: &str, percent: f64) -> Vec<(String, TemplateValue)> {
    let mut scope: Vec<_> =
        variables(features).into_iter().map(|(name, value)| variable(name, value)).collect();
    scope.push(variable("value", whole(number)));
    scope.push(variable(name, whole(percent)));
    scope
}
