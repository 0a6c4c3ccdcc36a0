//! Lights with a topic for each of their qualities.

use minijinja::Value as TemplateValue;
use model::features::{ColorMode, LightFeatures, OnCommand};
use serde_json::Value as Json;

use super::ask::Ask;
use super::shine::{Color, Shine};
use super::{BRIGHTEST, brightness, effect, scaled};
use crate::component::color::reciprocal;
use crate::component::report::{Change, Ear, Report, json_number, number_of, quoted};
use crate::component::wish::{Wish, variable, whole};
use crate::effect::Send;
use crate::error::CommandError;

pub(super) fn hear(
    ear: &mut Ear,
    features: &LightFeatures,
    field: &str,
    report: &Report,
) -> Result<Vec<Change>, String> {
    let text = report.text;
    match field {
        "brightness" if report.is_none() => return Ok(vec![Change::attribute("brightness", Json::Null)]),
        "brightness" => {
            return Ok(brightness(number_of(text)?, features.brightness_scale).into_iter().collect());
        }
        "effect" => return Ok(effect(ear, text, false)?.into_iter().collect()),
        _ => {}
    }
    let mut changes = Vec::new();
    let shine = ear.shine.get_or_insert_with(|| Box::new(Shine::of(ear.state)));
    if field == "color_mode" {
        let mode = serde_json::from_value(Json::from(text));
        shine.set_mode(mode.map_err(|_| format!("{} is no colour mode", quoted(text)))?);
        return Ok(shine.shown(features));
    }
    let color = match field {
        "color_temp" => {
            let number = number_of(text)?;
            if number <= 0.0 {
                return Err(format!("{number} is no colour temperature"));
            }
            Color::Kelvin(if features.kelvin { number } else { reciprocal(number) })
        }
        "hs_color" => Color::Hs(list(text)?),
        "xy_color" => Color::Xy(list(text)?),
        "rgb_color" => Color::Rgb(channels(text, features, &mut changes)?),
        "rgbw_color" => Color::Rgbw(channels(text, features, &mut changes)?),
        "rgbww_color" => Color::Rgbww(channels(text, features, &mut changes)?),
        other => return Err(format!("a light has no {other}")),
    };
    shine.set(color, !features.reports_color_mode);
    changes.extend(shine.shown(features));
    Ok(changes)
}

/// Numbers with commas between.
fn list<const N: usize>(text: &str) -> Result<[f64; N], String> {
    let numbers: Option<Vec<f64>> = text.split(',').map(crate::decode::number).collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| format!("{} is not {N} numbers with commas between", quoted(text)))
}

/// Colour channels. If nothing else tells how bright the light is, the brightest channel does.
fn channels<const N: usize>(
    text: &str,
    features: &LightFeatures,
    changes: &mut Vec<Change>,
) -> Result<[f64; N], String> {
    let channels: [f64; N] = list(text)?;
    let most = channels.iter().fold(0.0_f64, |most, channel| most.max(*channel));
    if features.reports_brightness {
        return Ok(channels);
    }
    if most <= 0.0 {
        return Err("a colour without any light says nothing".to_owned());
    }
    changes.push(Change::number("brightness", most));
    Ok(channels.map(|channel| (channel / most * BRIGHTEST).round_ties_even()))
}

/// The messages that make it so.
pub(super) fn sends(
    wish: &Wish,
    features: &LightFeatures,
    ask: &Ask,
    on: bool,
) -> Result<Vec<Send>, CommandError> {
    if !on {
        return Ok(vec![wish.send("turn_off", Vec::new())?]);
    }
    let mut sends = Vec::with_capacity(2);
    let known = wish.state.attributes.get("brightness").and_then(Json::as_f64).filter(|known| *known > 0.0);
    let mut dimmed = ask.brightness;
    match features.on_command {
        OnCommand::First => sends.push(wish.send("turn_on", Vec::new())?),
        OnCommand::Brightness if ask.white.is_none() => {
            dimmed = Some(dimmed.or(known).unwrap_or(BRIGHTEST));
        }
        _ => {}
    }
    if let Some(color) = ask.color {
        let level = dimmed.or(known).unwrap_or(BRIGHTEST);
        sends.push(color_send(wish, features, color, level)?);
    }
    match dimmed {
        Some(level) if wish.has("set_brightness") => {
            sends.push(wish.send_value("set_brightness", whole(scaled(level, features.brightness_scale)))?);
        }
        Some(level) => sends.extend(by_colors(wish, features, ask, level)?),
        None => {}
    }
    if let Some(name) = &ask.effect {
        sends.push(wish.send_value("set_effect", name.as_str())?);
    }
    if let Some(white) = ask.white {
        sends.push(wish.send_value("set_white", whole(scaled(white, features.white_scale)))?);
    }
    if features.on_command == OnCommand::Last {
        sends.push(wish.send("turn_on", Vec::new())?);
    }
    Ok(sends)
}

/// A light whose brightness is in its colour is dimmed by the colour it has, white if it has none.
fn by_colors(
    wish: &Wish,
    features: &LightFeatures,
    ask: &Ask,
    level: f64,
) -> Result<Vec<Send>, CommandError> {
    let fallback = Shine::of(wish.state);
    let shine = wish.shine.unwrap_or(&fallback);
    let colors = [
        Color::Rgb(shine.rgb().unwrap_or([BRIGHTEST; 3])),
        Color::Rgbw(shine.rgbw().unwrap_or([BRIGHTEST; 4])),
        Color::Rgbww(shine.rgbww().unwrap_or([BRIGHTEST; 5])),
    ];
    let mut sends = Vec::new();
    for color in colors {
        let asked = ask.color.is_some_and(|asked| asked.mode() == color.mode());
        if wish.has(channel_of(color.mode())) && !asked {
            sends.push(color_send(wish, features, color, level)?);
        }
    }
    Ok(sends)
}

fn channel_of(mode: ColorMode) -> &'static str {
    match mode {
        ColorMode::Hs => "set_hs_color",
        ColorMode::Xy => "set_xy_color",
        ColorMode::Rgb => "set_rgb_color",
        ColorMode::Rgbw => "set_rgbw_color",
        ColorMode::Rgbww => "set_rgbww_color",
        _ => "set_color_temp",
    }
}

/// A colour on its topic. Without a topic for the brightness the channels carry it.
fn color_send(wish: &Wish, features: &LightFeatures, color: Color, level: f64) -> Result<Send, CommandError> {
    let dim = |channel: f64| {
        if wish.has("set_brightness") { channel.trunc() } else { (channel * level / BRIGHTEST).trunc() }
    };
    let parts: Vec<(&str, f64)> = match color {
        Color::Hs([hue, saturation]) => vec![("hue", hue), ("sat", saturation)],
        Color::Xy([x, y]) => vec![("x", x), ("y", y)],
        Color::Rgb(rgb) => ["red", "green", "blue"].into_iter().zip(rgb.map(dim)).collect(),
        Color::Rgbw(rgbw) => ["red", "green", "blue", "white"].into_iter().zip(rgbw.map(dim)).collect(),
        Color::Rgbww(rgbww) => {
            ["red", "green", "blue", "cold_white", "warm_white"].into_iter().zip(rgbww.map(dim)).collect()
        }
        Color::Kelvin(kelvin) => {
            let number = if features.kelvin { kelvin } else { reciprocal(kelvin) };
            return wish.send_value("set_color_temp", whole(number));
        }
    };
    let printed: Vec<String> =
        parts.iter().map(|(_, part)| crate::template::print_json(&json_number(*part))).collect();
    let mut scope: Vec<(String, TemplateValue)> =
        parts.into_iter().map(|(name, part)| variable(name, whole(part))).collect();
    scope.push(variable("value", printed.join(",")));
    wish.send(channel_of(color.mode()), scope)
}
