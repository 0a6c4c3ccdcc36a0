//! Lights that speak JSON, one object for all.

use model::features::{ColorMode, LightFeatures, LightSchema};
use model::{EntityDescription, Features};
use serde_json::Value as Json;

use super::super::super::config::Config;
use super::super::{add_command, reported};
use super::{features, sorted, with_plain};
use crate::announcement::Problem;

/// Flags that older firmwares send for the ways a light can shine in.
const FLAGS: [(&str, ColorMode); 4] = [
    ("color_temp", ColorMode::ColorTemp),
    ("hs", ColorMode::Hs),
    ("rgb", ColorMode::Rgb),
    ("xy", ColorMode::Xy),
];

/// How long a flash lasts if it is not said, seconds.
pub(super) const FLASH_S: [f64; 2] = [2.0, 10.0];

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    for verb in ["turn_on", "turn_off"] {
        add_command(entity, verb, config.value_command("command_topic", "")?);
    }
    let source = config.source("state_topic", "", "")?;
    reported(config, entity, source);
    let brightness = config.flag("brightness");
    let flags: Vec<ColorMode> =
        FLAGS.into_iter().filter(|(key, _)| config.flag(key)).map(|(_, mode)| mode).collect();
    let listed = listed(config)?;
    if listed.is_some() && config.flag("color_mode") && !flags.is_empty() {
        return Err(Problem::new(
            "`supported_color_modes` and the flags for single ways to shine exclude each other",
            "Announce the light again with `supported_color_modes` only.",
        ));
    }
    entity.options = config.list("effect_list");
    entity.features = Some(Box::new(Features::Light(LightFeatures {
        schema: LightSchema::Json,
        reports_color_mode: listed.is_some(),
        color_modes: listed.unwrap_or_else(|| with_plain(flags, brightness)),
        brightness,
        reports_brightness: brightness,
        effects: config.flag("effect") || !entity.options.is_empty(),
        transition: config.flag_or("transition", true),
        flash_s: Some([
            config.number("flash_time_short").unwrap_or(FLASH_S[0]),
            config.number("flash_time_long").unwrap_or(FLASH_S[1]),
        ])
        .filter(|_| config.flag_or("flash", true)),
        ..features(config)
    })));
    Ok(())
}

/// `supported_color_modes`, if they make sense together.
fn listed(config: &Config) -> Result<Option<Vec<ColorMode>>, Problem> {
    let words = config.list("supported_color_modes");
    if words.is_empty() {
        return Ok(None);
    }
    let refused = |why: String| Problem::new(why, "Announce the light again with ways that go together.");
    let mut modes = Vec::new();
    for word in words {
        match serde_json::from_value::<ColorMode>(Json::from(word.as_str())) {
            Ok(mode) => modes.push(mode),
            Err(_) => return Err(refused(format!("`supported_color_modes` has {word:?}, which is none"))),
        }
    }
    let alone = [ColorMode::Onoff, ColorMode::Brightness];
    if modes.len() > 1 && modes.iter().any(|mode| alone.contains(mode)) {
        return Err(refused("`onoff` and `brightness` stand alone in `supported_color_modes`".to_owned()));
    }
    if modes == [ColorMode::White] {
        return Err(refused("`white` does not stand alone in `supported_color_modes`".to_owned()));
    }
    Ok(Some(sorted(modes)))
}
