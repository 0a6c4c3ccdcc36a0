//! `humidifier`: on and off, a target humidity, modes.

use model::features::ClimateFeatures;
use model::{EntityDescription, Features, StateSource};

use super::super::config::Config;
use super::{add_command, on_off, reported, words};
use crate::announcement::Problem;

/// What it may be doing.
const ACTIONS: [&str; 4] = ["drying", "humidifying", "idle", "off"];

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    config.required_topic("target_humidity_command_topic")?;
    config.needs("modes", "mode_command_topic")?;
    config.needs("mode_command_topic", "modes")?;
    let min = config.number("min_humidity").unwrap_or(0.0);
    let max = config.number("max_humidity").unwrap_or(100.0);
    if min >= max {
        return Err(Problem::new(
            format!("`min_humidity` is {min} and `max_humidity` is {max}"),
            "Announce the humidifier again with the first below the second.",
        ));
    }
    let (on, off) = (config.text_or("payload_on", "ON"), config.text_or("payload_off", "OFF"));
    add_command(entity, "turn_on", config.fixed_command("command_topic", "command_template", &on)?);
    add_command(entity, "turn_off", config.fixed_command("command_topic", "command_template", &off)?);
    let value = |topic: &str, template: &str| config.value_command(topic, template);
    add_command(
        entity,
        "set_humidity",
        value("target_humidity_command_topic", "target_humidity_command_template")?,
    );
    add_command(entity, "set_mode", value("mode_command_topic", "mode_command_template")?);
    entity.features = Some(Box::new(Features::Climate(ClimateFeatures {
        modes: config.list("modes"),
        humidity: Some([min, max]),
        ..ClimateFeatures::default()
    })));
    let template = if config.has("state_value_template") { "state_value_template" } else { "value_template" };
    let source = config.mapped_source("state_topic", template, "", on_off(&on, &off))?;
    reported(config, entity, source);
    for (field, topic, template) in [
        ("humidity", "target_humidity_state_topic", "target_humidity_state_template"),
        ("current_humidity", "current_humidity_topic", "current_humidity_template"),
        ("mode", "mode_state_topic", "mode_state_template"),
    ] {
        entity.sources.extend(config.source(topic, template, field)?);
    }
    let action = config.source("action_topic", "action_template", "action")?;
    entity.sources.extend(action.map(|source| StateSource { map: words(&ACTIONS), ..source }));
    Ok(())
}
