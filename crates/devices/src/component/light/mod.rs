//! Lights: on and off, brightness from 0 to 255, colours in whichever way the light speaks of them, effects.

mod ask;
mod basic;
mod json;
mod shine;
mod template;

use model::features::{LightFeatures, LightSchema};
use model::{StateSource, Value};
use serde_json::Value as Json;

use super::report::{Change, Ear, Report, json_number, quoted};
use super::wish::{Order, Wish};
use crate::error::CommandError;
use ask::Ask;

pub(crate) use shine::Shine;

/// Attributes lights set.
pub(super) const ATTRIBUTES: &[&str] = &[
    "brightness",
    "color_mode",
    "color_name",
    "color_temp",
    "color_temp_kelvin",
    "effect",
    "effect_list",
    "hs_color",
    "max_color_temp_kelvin",
    "max_mireds",
    "min_color_temp_kelvin",
    "min_mireds",
    "rgb_color",
    "rgbw_color",
    "rgbww_color",
    "supported_color_modes",
    "white_value",
    "xy_color",
];

/// The full brightness.
const BRIGHTEST: f64 = 255.0;

/// What a report changes.
pub(super) fn hear(
    ear: &mut Ear,
    features: &LightFeatures,
    source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    if report.is_empty() {
        return Ok(Vec::new());
    }
    match (features.schema, source.field.as_str()) {
        (LightSchema::Json, "") => json::hear(ear, features, report),
        (_, "") => Ok(report.mapped(source).map(Change::Value).into_iter().collect()),
        (LightSchema::Template, field) => template::hear(ear, features, field, report),
        // Such a light can be dimmed to nothing and still be on.
        (LightSchema::Line, "brightness") if super::report::number_of(report.text) == Ok(0.0) => {
            Ok(vec![Change::number("brightness", 0.0)])
        }
        (_, field) => basic::hear(ear, features, field, report),
    }
}

/// The messages of a verb. `set_brightness` and its like are `turn_on` with that.
pub(super) fn command(wish: &mut Wish, features: &LightFeatures) -> Result<Order, CommandError> {
    let on = match wish.verb {
        "turn_on" => true,
        "turn_off" => false,
        "toggle" => !wish.is_on(),
        "set" => match wish.main() {
            Some(Json::Bool(on)) => on,
            Some(Json::String(word)) if word == "on" || word == "off" => word == "on",
            other => {
                let said = other.map_or("nothing".to_owned(), |json| json.to_string());
                return Err(wish.bad_value(format!("{said} is neither on nor off")));
            }
        },
        verb => match verb.strip_prefix("set_").filter(|name| ask::knows(name)) {
            Some(name) => {
                let main = wish.main().ok_or_else(|| wish.bad_value("a value is missing".to_owned()))?;
                wish.args.put(name, main);
                true
            }
            None => return Err(wish.unknown_verb()),
        },
    };
    let ask = Ask::take(wish, features)?;
    // To be told to shine with no brightness is to be told to go out.
    let on = on && ask.brightness != Some(0.0);
    let sends = match features.schema {
        LightSchema::Basic => basic::sends(wish, features, &ask, on)?,
        LightSchema::Json => vec![json::send(wish, features, &ask, on)?],
        LightSchema::Template | LightSchema::Line => vec![template::send(wish, features, &ask, on)?],
    };
    let mut order = Order { sends, ..Order::default() };
    order.assume(wish, Change::value(Value::Bool(on)));
    if on {
        let shown = ask.shown(wish, features);
        // One topic or template tells all of a light that does not speak by topics.
        let all = features.schema != LightSchema::Basic;
        for change in shown {
            match all {
                true if wish.assumes("") => order.assumed.push(change),
                true => order.expected.push(change),
                false => order.assume(wish, change),
            }
        }
    }
    Ok(order)
}

/// From the board's scale to 0 to 255. A light that says it shines with nothing says nothing of use.
fn brightness(number: f64, scale: f64) -> Option<Change> {
    let brightness = (number / scale * BRIGHTEST).round_ties_even().min(BRIGHTEST);
    (number > 0.0).then(|| Change::number("brightness", brightness))
}

/// From 0 to 255 to the board's scale; the least is not nothing.
fn scaled(brightness: f64, scale: f64) -> f64 {
    (brightness / BRIGHTEST * scale).round_ties_even().min(scale).max(1.0)
}

/// An effect, if it is one of the light's.
fn effect(ear: &Ear, text: &str, listed_only: bool) -> Result<Option<Change>, String> {
    let list = &ear.description.options;
    if text == "None" {
        return Ok(Some(Change::attribute("effect", Json::Null)));
    }
    if text.is_empty() {
        return Ok(None);
    }
    if listed_only && !list.iter().any(|known| known == text) {
        return Err(format!("{} is none of its effects", quoted(text)));
    }
    Ok(Some(Change::attribute("effect", crate::decode::cut(text))))
}

fn numbers<const N: usize>(all: [f64; N]) -> Json {
    Json::Array(all.into_iter().map(json_number).collect())
}
