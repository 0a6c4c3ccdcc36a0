//! `light`: on and off, brightness, colours and effects, in one of three schemas.

mod basic;
mod json;
mod template;

use model::EntityDescription;
use model::features::{ColorMode, LightFeatures};

use super::super::config::Config;
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    match config.one_of("schema", &["basic", "default", "json", "template"])?.as_deref() {
        Some("json") => json::read(config, entity),
        Some("template") => template::read(config, entity),
        _ => basic::read(config, entity),
    }
}

/// What all schemas have.
fn features(config: &Config) -> LightFeatures {
    let ordinary = LightFeatures::default();
    let kelvin_of = |mireds: &str| config.number(mireds).filter(|m| *m > 0.0).map(|m| (1e6 / m).floor());
    LightFeatures {
        brightness_scale: config.scale("brightness_scale", ordinary.brightness_scale),
        white_scale: config.scale("white_scale", ordinary.white_scale),
        kelvin: config.flag("color_temp_kelvin"),
        min_kelvin: config.number("min_kelvin").or(kelvin_of("max_mireds")).unwrap_or(ordinary.min_kelvin),
        max_kelvin: config.number("max_kelvin").or(kelvin_of("min_mireds")).unwrap_or(ordinary.max_kelvin),
        ..ordinary
    }
}

/// The ways a light can shine in: if it has no colours, its brightness or just on.
fn with_plain(mut colors: Vec<ColorMode>, brightness: bool) -> Vec<ColorMode> {
    if colors.iter().all(|mode| *mode == ColorMode::White) && brightness {
        colors.push(ColorMode::Brightness);
    }
    if colors.is_empty() {
        colors.push(ColorMode::Onoff);
    }
    sorted(colors)
}

/// In the order of their names, each once.
fn sorted(mut modes: Vec<ColorMode>) -> Vec<ColorMode> {
    modes.sort_unstable();
    modes.dedup();
    modes
}
