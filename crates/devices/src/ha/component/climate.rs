//! `climate`: a mode, a target or a range of targets, and modes of fan, vanes and presets.

use std::collections::BTreeMap;

use model::features::ClimateFeatures;
use model::{EntityDescription, Features, StateSource, Value};

use super::super::config::Config;
use super::{add_command, words};
use crate::announcement::Problem;

/// What it may be doing.
const ACTIONS: [&str; 8] = ["cooling", "defrosting", "drying", "fan", "heating", "idle", "off", "preheating"];

/// What it can be set to: the verb, and its keys' beginning.
const COMMANDS: [(&str, &str); 9] = [
    ("set_fan_mode", "fan_mode"),
    ("set_humidity", "target_humidity"),
    ("set_mode", "mode"),
    ("set_preset_mode", "preset_mode"),
    ("set_swing_horizontal_mode", "swing_horizontal_mode"),
    ("set_swing_mode", "swing_mode"),
    ("set_temperature", "temperature"),
    ("set_temperature_high", "temperature_high"),
    ("set_temperature_low", "temperature_low"),
];

/// What it reports: the field, its topic and its template.
const REPORTS: [(&str, &str, &str); 11] = [
    ("", "mode_state_topic", "mode_state_template"),
    ("current_humidity", "current_humidity_topic", "current_humidity_template"),
    ("current_temperature", "current_temperature_topic", "current_temperature_template"),
    ("fan_mode", "fan_mode_state_topic", "fan_mode_state_template"),
    ("humidity", "target_humidity_state_topic", "target_humidity_state_template"),
    ("preset_mode", "preset_mode_state_topic", "preset_mode_value_template"),
    ("swing_horizontal_mode", "swing_horizontal_mode_state_topic", "swing_horizontal_mode_state_template"),
    ("swing_mode", "swing_mode_state_topic", "swing_mode_state_template"),
    ("target_temp_high", "temperature_high_state_topic", "temperature_high_state_template"),
    ("target_temp_low", "temperature_low_state_topic", "temperature_low_state_template"),
    ("temperature", "temperature_state_topic", "temperature_state_template"),
];

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let presets = config.list("preset_modes");
    if presets.iter().any(|mode| mode == "none") {
        return Err(Problem::new(
            "`preset_modes` has a `none`, which means that there is no preset",
            "Announce the entity again without it.",
        ));
    }
    for (verb, key) in COMMANDS {
        let (topic, template) = (format!("{key}_command_topic"), format!("{key}_command_template"));
        add_command(entity, verb, config.value_command(&topic, &template)?);
    }
    power(config, entity)?;
    for (field, topic, template) in REPORTS {
        entity.sources.extend(report(config, topic, template, field)?);
    }
    entity.sources.extend(action(config)?);
    retired(config, entity)?;
    let unit = config.word("temperature_unit").unwrap_or_default();
    // Home Assistant's limits are 7 and 35 °C.
    let (min, max) = if unit == "F" { (45.0, 95.0) } else { (7.0, 35.0) };
    limits(config, entity, min, max)?;
    entity.features = Some(Box::new(Features::Climate(ClimateFeatures {
        modes: config.list_or("modes", &["auto", "off", "cool", "heat", "dry", "fan_only"]),
        preset_modes: presets,
        fan_modes: config.list_or("fan_modes", &["auto", "low", "medium", "high"]),
        swing_modes: config.list_or("swing_modes", &["on", "off"]),
        swing_horizontal_modes: config.list_or("swing_horizontal_modes", &["on", "off"]),
        humidity: Some([
            config.number("min_humidity").unwrap_or(30.0),
            config.number("max_humidity").unwrap_or(99.0),
        ]),
        precision: config.number("precision"),
    })));
    assumed(config, entity);
    Ok(())
}

/// Temperatures and what they go by.
pub(super) fn limits(
    config: &Config,
    entity: &mut EntityDescription,
    min: f64,
    max: f64,
) -> Result<(), Problem> {
    let (min, max) = (config.number("min_temp").unwrap_or(min), config.number("max_temp").unwrap_or(max));
    if min > max {
        return Err(Problem::new(
            format!("`min_temp` is {min} and `max_temp` is {max}"),
            "Announce the entity again with `min_temp` below `max_temp`.",
        ));
    }
    (entity.min, entity.max) = (Some(min), Some(max));
    entity.step = Some(config.scale("temp_step", 1.0));
    entity.unit = config.word("temperature_unit").map(|unit| format!("°{unit}"));
    Ok(())
}

/// On and off by a topic of its own.
pub(super) fn power(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    for (verb, key, payload) in [("turn_on", "payload_on", "ON"), ("turn_off", "payload_off", "OFF")] {
        let payload = config.text_or(key, payload);
        let command = config.fixed_command("power_command_topic", "power_command_template", &payload)?;
        add_command(entity, verb, command);
    }
    Ok(())
}

/// A report; `value_template` is meant where it has no template of its own.
pub(super) fn report(
    config: &Config,
    topic: &str,
    template: &str,
    field: &str,
) -> Result<Option<StateSource>, Problem> {
    let template = if config.has(template) { template } else { "value_template" };
    config.source(topic, template, field)
}

/// Keys Home Assistant has retired and older firmwares still announce: a hold is a preset, being away is one, and
/// the auxiliary heater is on or off.
fn retired(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let (on, off) = (config.text_or("payload_on", "ON"), config.text_or("payload_off", "OFF"));
    let word = |word: &str| Value::Text(word.to_owned());
    let two = |yes: &str, no: &str| -> BTreeMap<String, Value> {
        let yes = [&on, "True", "true"].map(|text: &str| (text.to_owned(), word(yes)));
        yes.into_iter()
            .chain([&off, "False", "false"].map(|text: &str| (text.to_owned(), word(no))))
            .collect()
    };
    add_command(entity, "aux_heat_on", config.command("aux_command_topic", on.clone())?);
    add_command(entity, "aux_heat_off", config.command("aux_command_topic", off.clone())?);
    let aux = config.mapped_source("aux_state_topic", "aux_state_template", "aux_heat", two("on", "off"))?;
    entity.sources.extend(aux);
    let away = report(config, "away_mode_state_topic", "away_mode_state_template", "preset_mode")?;
    entity.sources.extend(away.map(|source| StateSource { map: two("away", "none"), ..source }));
    entity.sources.extend(report(config, "hold_state_topic", "hold_state_template", "preset_mode")?);
    if !entity.commands.contains_key("set_preset_mode") {
        let hold = config.value_command("hold_command_topic", "hold_command_template")?;
        add_command(entity, "set_preset_mode", hold);
    }
    Ok(())
}

/// What it is doing right now.
fn action(config: &Config) -> Result<Option<StateSource>, Problem> {
    let source = report(config, "action_topic", "action_template", "hvac_action")?;
    Ok(source.map(|source| StateSource { map: words(&ACTIONS), ..source }))
}

/// The mode is taken for granted without a topic that reports it.
pub(super) fn assumed(config: &Config, entity: &mut EntityDescription) {
    let reports_mode = entity.sources.iter().any(|source| source.field.is_empty());
    entity.assumed_state =
        config.flag("optimistic") || !reports_mode && entity.commands.contains_key("set_mode");
}
