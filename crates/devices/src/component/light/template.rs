//! Lights that speak one payload by templates.

use minijinja::Value as TemplateValue;
use model::features::LightFeatures;

use super::ask::Ask;
use super::shine::{Color, Shine};
use super::{BRIGHTEST, brightness, effect};
use crate::component::color::{hs_of_rgb, reciprocal, rgb_of_hs_at};
use crate::component::report::{Change, Ear, Report, number_of};
use crate::component::wish::{Wish, variable, whole};
use crate::effect::Send;
use crate::error::CommandError;
use crate::template::from_json;

pub(super) fn hear(
    ear: &mut Ear,
    features: &LightFeatures,
    field: &str,
    report: &Report,
) -> Result<Vec<Change>, String> {
    let number = || number_of(report.text);
    match field {
        "effect" => return Ok(effect(ear, report.text, true)?.into_iter().collect()),
        _ if report.is_none() => return Ok(Vec::new()),
        "brightness" => return Ok(brightness(number()?, features.brightness_scale).into_iter().collect()),
        _ => {}
    }
    let shine = ear.shine.get_or_insert_with(|| Box::new(Shine::of(ear.state)));
    match field {
        "color_temp" => {
            let number = number()?;
            if number <= 0.0 {
                return Err(format!("{number} is no colour temperature"));
            }
            shine.set(Color::Kelvin(if features.kelvin { number } else { reciprocal(number) }), true);
        }
        "red" => shine.part = [Some(number()?), None],
        "green" => shine.part[1] = Some(number()?),
        "blue" => {
            let ([Some(red), Some(green)], blue) = (std::mem::take(&mut shine.part), number()?) else {
                return Ok(Vec::new());
            };
            // The brightness is told by itself; what is left is the hue.
            shine.set(Color::Hs(hs_of_rgb([red, green, blue])), true);
        }
        _ => {}
    }
    Ok(if matches!(field, "red" | "green") { Vec::new() } else { shine.shown(features) })
}

/// The one payload that makes it so.
pub(super) fn send(wish: &Wish, features: &LightFeatures, ask: &Ask, on: bool) -> Result<Send, CommandError> {
    let mut scope: Vec<(String, TemplateValue)> = vec![variable("state", on)];
    if let Some(transition) = &ask.transition {
        scope.push(variable("transition", from_json(transition)));
    }
    if let Some(flash) = &ask.flash {
        scope.push(variable("flash", flash.as_str()));
    }
    if !on {
        return wish.send("turn_off", scope);
    }
    if let Some(level) = ask.brightness {
        scope.push(variable("brightness", whole(level.round_ties_even())));
    }
    match ask.color {
        Some(Color::Kelvin(kelvin)) => {
            scope.push(variable(
                "color_temp",
                whole(if features.kelvin { kelvin } else { reciprocal(kelvin) }),
            ));
            scope.push(variable("color_temp_kelvin", whole(kelvin)));
        }
        Some(Color::Hs(hs)) => {
            // A light with a brightness of its own gets the full colour.
            let level = if features.brightness { BRIGHTEST } else { ask.brightness.unwrap_or(BRIGHTEST) };
            let rgb = rgb_of_hs_at(hs, level);
            let parts =
                [("red", rgb[0]), ("green", rgb[1]), ("blue", rgb[2]), ("hue", hs[0]), ("sat", hs[1])];
            scope.extend(parts.map(|(name, part)| variable(name, whole(part))));
        }
        Some(Color::Rgb([red, green, blue])) => {
            let parts = [("red", red), ("green", green), ("blue", blue)];
            scope.extend(parts.map(|(name, part)| variable(name, whole(part))));
        }
        Some(Color::Rgbw([red, green, blue, white])) => {
            let parts = [("red", red), ("green", green), ("blue", blue), ("white", white)];
            scope.extend(parts.map(|(name, part)| variable(name, whole(part))));
        }
        _ => {}
    }
    if let Some(white) = ask.white {
        scope.push(variable("white", whole(white)));
    }
    if let Some(name) = &ask.effect {
        scope.push(variable("effect", name.as_str()));
    }
    wish.send("turn_on", scope)
}
