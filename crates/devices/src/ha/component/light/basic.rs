//! Lights with a topic for each of their qualities.

use model::features::{ColorMode, LightFeatures, OnCommand};
use model::{EntityDescription, Features};

use super::super::super::config::Config;
use super::super::{add_command, on_off, reported};
use super::{features, with_plain};
use crate::announcement::Problem;

/// What can be told and reported by a topic of its own: its keys' beginning, the field, and the way to shine.
const QUALITIES: [(&str, &str, Option<ColorMode>); 8] = [
    ("brightness", "brightness", None),
    ("color_temp", "color_temp", Some(ColorMode::ColorTemp)),
    ("effect", "effect", None),
    ("hs", "hs_color", Some(ColorMode::Hs)),
    ("rgb", "rgb_color", Some(ColorMode::Rgb)),
    ("rgbw", "rgbw_color", Some(ColorMode::Rgbw)),
    ("rgbww", "rgbww_color", Some(ColorMode::Rgbww)),
    ("xy", "xy_color", Some(ColorMode::Xy)),
];

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let (on, off) = (config.text_or("payload_on", "ON"), config.text_or("payload_off", "OFF"));
    add_command(entity, "turn_on", config.command("command_topic", on.clone())?);
    add_command(entity, "turn_off", config.command("command_topic", off.clone())?);
    let template = if config.has("state_value_template") { "state_value_template" } else { "value_template" };
    let source = config.mapped_source("state_topic", template, "", on_off(&on, &off))?;
    reported(config, entity, source);
    let mut colors = Vec::new();
    for (key, field, mode) in QUALITIES {
        let (topic, template) = (format!("{key}_command_topic"), format!("{key}_command_template"));
        if let Some(command) = config.value_command(&topic, &template)? {
            entity.commands.insert(format!("set_{field}"), command);
            colors.extend(mode);
        }
        let (topic, template) = (format!("{key}_state_topic"), format!("{key}_value_template"));
        entity.sources.extend(config.source(&topic, &template, field)?);
    }
    let white = config.value_command("white_command_topic", "")?;
    colors.extend(white.is_some().then_some(ColorMode::White));
    add_command(entity, "set_white", white);
    entity.sources.extend(config.source(
        "color_mode_state_topic",
        "color_mode_value_template",
        "color_mode",
    )?);
    let brightness = entity.commands.contains_key("set_brightness");
    let on_command = config.one_of("on_command_type", &["brightness", "first", "last"])?;
    entity.features = Some(Box::new(Features::Light(LightFeatures {
        color_modes: with_plain(colors, brightness),
        reports_color_mode: config.has("color_mode_state_topic"),
        brightness,
        reports_brightness: config.has("brightness_state_topic"),
        effects: entity.commands.contains_key("set_effect"),
        on_command: match on_command.as_deref() {
            Some("first") => OnCommand::First,
            // Without a topic for the brightness it cannot switch the light on.
            Some("brightness") if brightness => OnCommand::Brightness,
            _ => OnCommand::Last,
        },
        ..features(config)
    })));
    entity.options = config.list("effect_list");
    Ok(())
}
