//! `water_heater`: an operation mode and a target.

use model::features::ClimateFeatures;
use model::{EntityDescription, Features};

use super::super::config::Config;
use super::add_command;
use super::climate::{assumed, limits, power, report};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let value = |topic: &str, template: &str| config.value_command(topic, template);
    add_command(entity, "set_mode", value("mode_command_topic", "mode_command_template")?);
    add_command(
        entity,
        "set_temperature",
        value("temperature_command_topic", "temperature_command_template")?,
    );
    power(config, entity)?;
    for (field, topic, template) in [
        ("", "mode_state_topic", "mode_state_template"),
        ("current_temperature", "current_temperature_topic", "current_temperature_template"),
        ("temperature", "temperature_state_topic", "temperature_state_template"),
    ] {
        entity.sources.extend(report(config, topic, template, field)?);
    }
    // Home Assistant's limits are 110 and 140 °F.
    let fahrenheit = config.word("temperature_unit").as_deref() == Some("F");
    let (min, max) = if fahrenheit { (110.0, 140.0) } else { (43.3, 60.0) };
    limits(config, entity, min, max)?;
    let modes = ["off", "eco", "electric", "gas", "heat_pump", "high_demand", "performance"];
    entity.features = Some(Box::new(Features::Climate(ClimateFeatures {
        modes: config.list_or("modes", &modes),
        precision: config.number("precision"),
        ..ClimateFeatures::default()
    })));
    assumed(config, entity);
    Ok(())
}
