//! `fan`: on and off, a speed, presets, oscillation and direction.

use model::features::FanFeatures;
use model::{EntityDescription, Features, StateSource, Value};

use super::super::config::Config;
use super::{add_command, on_off, reported};
use crate::announcement::Problem;

/// A hundred steps of percent are enough for anybody.
const STEPS_MAX: f64 = 100.0;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    let (on, off) = (config.text_or("payload_on", "ON"), config.text_or("payload_off", "OFF"));
    add_command(entity, "turn_on", config.fixed_command("command_topic", "command_template", &on)?);
    add_command(entity, "turn_off", config.fixed_command("command_topic", "command_template", &off)?);
    let value = |topic: &str, template: &str| config.value_command(topic, template);
    add_command(entity, "set_percentage", value("percentage_command_topic", "percentage_command_template")?);
    add_command(
        entity,
        "set_preset_mode",
        value("preset_mode_command_topic", "preset_mode_command_template")?,
    );
    add_command(entity, "oscillate", value("oscillation_command_topic", "oscillation_command_template")?);
    add_command(entity, "set_direction", value("direction_command_topic", "direction_command_template")?);
    let features = features(config)?;
    if entity.commands.contains_key("set_percentage") {
        let [low, high] = features.speed_range;
        (entity.min, entity.max) = (Some(0.0), Some(100.0));
        entity.step = Some(100.0 / (high - low + 1.0).min(STEPS_MAX));
    }
    entity.features = Some(Box::new(Features::Fan(features)));
    let template = if config.has("state_value_template") { "state_value_template" } else { "value_template" };
    let source = config.mapped_source("state_topic", template, "", on_off(&on, &off))?;
    reported(config, entity, source);
    for (field, topic, template) in [
        ("percentage", "percentage_state_topic", "percentage_value_template"),
        ("preset_mode", "preset_mode_state_topic", "preset_mode_value_template"),
        ("oscillating", "oscillation_state_topic", "oscillation_value_template"),
        ("direction", "direction_state_topic", "direction_value_template"),
    ] {
        entity.sources.extend(config.source(topic, template, field)?);
    }
    speeds(config, entity)
}

/// Speeds by words, as Home Assistant took them until 2021 and older firmwares still announce them.
fn speeds(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let payload = |word: &str| config.text_or(&format!("payload_{word}_speed"), word);
    let known: Vec<String> = config.list_or("speeds", &["off", "low", "medium", "high"]);
    let source = config.source("speed_state_topic", "speed_value_template", "speed")?;
    let map = known.iter().map(|word| (payload(word), Value::Text(word.clone()))).collect();
    entity.sources.extend(source.map(|source| StateSource { map, ..source }));
    let words: serde_json::Map<String, serde_json::Value> =
        known.iter().map(|word| (word.clone(), payload(word).into())).collect();
    let lookup = format!("{{{{ {}[value] }}}}", serde_json::Value::Object(words));
    add_command(entity, "set_speed", config.command("speed_command_topic", lookup)?);
    Ok(())
}

fn features(config: &Config) -> Result<FanFeatures, Problem> {
    let low = config.number("speed_range_min").unwrap_or(1.0);
    let high = config.number("speed_range_max").unwrap_or(100.0);
    if low < 1.0 || low >= high {
        return Err(Problem::new(
            format!("`speed_range_min` is {low} and `speed_range_max` is {high}"),
            "Announce the fan again with the first at least 1 and below the second.",
        ));
    }
    config.needs("preset_mode_command_topic", "preset_modes")?;
    let preset_modes = config.list("preset_modes");
    let no_preset_mode = config.text_or("payload_reset_preset_mode", "None");
    if preset_modes.contains(&no_preset_mode) {
        return Err(Problem::new(
            format!("`preset_modes` has {no_preset_mode:?}, which means that there is no preset"),
            "Announce the fan again without it, or with another `payload_reset_preset_mode`.",
        ));
    }
    Ok(FanFeatures {
        speed_range: [low, high],
        preset_modes,
        speeds: config
            .list_or("speeds", &["low", "medium", "high"])
            .into_iter()
            .filter(|word| word != "off" && config.has("speed_command_topic"))
            .collect(),
        no_percentage: config.text_or("payload_reset_percentage", "None"),
        no_preset_mode,
        oscillation: [
            config.text_or("payload_oscillation_on", "oscillate_on"),
            config.text_or("payload_oscillation_off", "oscillate_off"),
        ],
        off_until_told: false,
    })
}
