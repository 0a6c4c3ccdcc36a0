//! Lights that speak JSON, one object for all.

use model::Value;
use model::features::{ColorMode, LightFeatures};
use serde_json::{Map, Value as Json};

use super::ask::Ask;
use super::shine::{Color, Shine};
use super::{BRIGHTEST, brightness, effect, scaled};
use crate::component::color::reciprocal;
use crate::component::report::{Change, Ear, Report, json_number};
use crate::component::wish::Wish;
use crate::effect::Send;
use crate::error::CommandError;

/// What an object says. A part that makes no sense leaves what was known of it.
pub(super) fn hear(ear: &mut Ear, features: &LightFeatures, report: &Report) -> Result<Vec<Change>, String> {
    let members = report.object().ok_or("it is not a JSON object")?;
    let mut changes = Vec::new();
    match members.get("state") {
        Some(Json::String(word)) if word == "ON" => changes.push(Change::value(Value::Bool(true))),
        Some(Json::String(word)) if word == "OFF" => changes.push(Change::value(Value::Bool(false))),
        Some(Json::Null) => changes.push(Change::Value(None)),
        _ => {}
    }
    if let Some(level) = members.get("brightness").and_then(Json::as_f64).filter(|_| can_dim(features)) {
        changes.extend(brightness(level, features.brightness_scale));
    }
    if let Some(word) = members.get("effect").and_then(Json::as_str).filter(|_| features.effects) {
        changes.extend(effect(ear, word, false)?);
    }
    let color = color_of(&members, features);
    if color.is_some() || members.contains_key("color_mode") {
        let shine = ear.shine.get_or_insert_with(|| Box::new(Shine::of(ear.state)));
        let plain = match members.get("color_mode").cloned().map(serde_json::from_value::<ColorMode>) {
            Some(Ok(mode)) if matches!(mode, ColorMode::Onoff | ColorMode::Brightness | ColorMode::White) => {
                Some(mode)
            }
            _ => None,
        };
        if let Some(mode) = plain {
            shine.set_mode(mode);
        } else if let Some(color) = color {
            shine.set(color, true);
        }
        changes.extend(shine.shown(features));
    }
    Ok(changes)
}

/// Brightness is a quality of its own, or a part of any colour.
fn can_dim(features: &LightFeatures) -> bool {
    features.brightness || features.color_modes.iter().any(|mode| *mode != ColorMode::Onoff)
}

/// The colour in the way `color_mode` names, or else in the one its members have.
fn color_of(members: &Map<String, Json>, features: &LightFeatures) -> Option<Color> {
    let kelvin = || {
        let number = members.get("color_temp")?.as_f64().filter(|number| *number > 0.0)?;
        Some(Color::Kelvin(if features.kelvin { number } else { reciprocal(number) }))
    };
    let parts = members.get("color").and_then(Json::as_object);
    let part = |name: &str| parts?.get(name)?.as_f64();
    let hs = || Some(Color::Hs([part("h")?, part("s")?]));
    let xy = || Some(Color::Xy([part("x")?, part("y")?]));
    let rgb = || Some(Color::Rgb([part("r")?, part("g")?, part("b")?]));
    let rgbw = || Some(Color::Rgbw([part("r")?, part("g")?, part("b")?, part("w")?]));
    let rgbww = || Some(Color::Rgbww([part("r")?, part("g")?, part("b")?, part("c")?, part("w")?]));
    match members.get("color_mode").and_then(Json::as_str) {
        Some("hs") => hs(),
        Some("xy") => xy(),
        Some("rgb") => rgb(),
        Some("rgbw") => rgbw(),
        Some("rgbww") => rgbww(),
        Some("color_temp") => kelvin(),
        Some(_) => None,
        None => {
            let has = |mode: ColorMode| features.color_modes.contains(&mode);
            let with_white = || {
                if has(ColorMode::Rgbww) && part("c").is_some() {
                    rgbww()
                } else if has(ColorMode::Rgbw) && part("w").is_some() {
                    rgbw()
                } else {
                    None
                }
            };
            with_white().or_else(rgb).or_else(xy).or_else(hs).or_else(kelvin)
        }
    }
}

/// The one object that makes it so.
pub(super) fn send(wish: &Wish, features: &LightFeatures, ask: &Ask, on: bool) -> Result<Send, CommandError> {
    let mut message = vec![("state", Json::from(if on { "ON" } else { "OFF" }))];
    if on {
        if let Some(color) = ask.color {
            message.push(color_json(features, color, ask.brightness));
        }
        if let Some(level) = ask.brightness.filter(|_| features.brightness || ask.color.is_none()) {
            message.push(("brightness", json_number(scaled(level, features.brightness_scale))));
        }
        if let Some(name) = &ask.effect {
            message.push(("effect", name.as_str().into()));
        }
        if let Some(white) = ask.white {
            message.push(("white", json_number(scaled(white, features.white_scale))));
        }
    }
    if let (Some(flash), Some([short, long])) = (&ask.flash, features.flash_s) {
        message.push(("flash", json_number(if flash == "long" { long } else { short })));
    }
    if let Some(transition) = &ask.transition {
        message.push(("transition", transition.clone()));
    }
    let members: Vec<String> = message.iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
    wish.send_value("turn_on", format!("{{{}}}", members.join(",")))
}

/// A colour as its member. Channels carry the brightness of a light that has none of its own.
fn color_json(features: &LightFeatures, color: Color, level: Option<f64>) -> (&'static str, Json) {
    let level = if features.brightness { BRIGHTEST } else { level.unwrap_or(BRIGHTEST) };
    let dim = |channel: f64| (channel * level / BRIGHTEST).trunc();
    let parts: Vec<(&str, f64)> = match color {
        Color::Hs([hue, saturation]) => vec![("h", hue), ("s", saturation)],
        Color::Xy([x, y]) => vec![("x", x), ("y", y)],
        Color::Rgb(rgb) => ["r", "g", "b"].into_iter().zip(rgb.map(dim)).collect(),
        Color::Rgbw(rgbw) => ["r", "g", "b", "w"].into_iter().zip(rgbw.map(dim)).collect(),
        Color::Rgbww(rgbww) => ["r", "g", "b", "c", "w"].into_iter().zip(rgbww.map(dim)).collect(),
        Color::Kelvin(kelvin) => {
            return ("color_temp", json_number(if features.kelvin { kelvin } else { reciprocal(kelvin) }));
        }
    };
    (
        "color",
        parts
            .into_iter()
            .map(|(name, part)| (name.to_owned(), json_number(part)))
            .collect::<Map<_, _>>()
            .into(),
    )
}
