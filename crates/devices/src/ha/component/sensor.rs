//! `sensor`: it reports and takes no commands.

use model::EntityDescription;

use super::super::config::Config;
use super::super::unit;
use crate::announcement::Problem;

/// How the readings go together over time.
const STATE_CLASSES: [&str; 4] = ["measurement", "measurement_angle", "total", "total_increasing"];

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("state_topic")?;
    entity.unit = config
        .text("unit_of_measurement")
        .and_then(|unit| unit::normalise(&unit, entity.device_class.as_deref()));
    entity.state_class = config.one_of("state_class", &STATE_CLASSES)?;
    read_options(config, entity)?;
    entity.sources.extend(config.source("state_topic", "value_template", "")?);
    // Older firmwares have a topic of its own for it.
    let topic = if config.has("last_reset_topic") { "last_reset_topic" } else { "state_topic" };
    if config.has("last_reset_topic") || config.has("last_reset_value_template") {
        entity.sources.extend(config.source(topic, "last_reset_value_template", "last_reset")?);
    }
    Ok(())
}

/// Options are for texts that are one of a list.
fn read_options(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    if !config.has("options") {
        return Ok(());
    }
    entity.options = config.list("options");
    let why = if entity.options.is_empty() {
        "`options` is empty"
    } else if entity.device_class.as_deref() != Some("enum") {
        "`options` are for the device class `enum`"
    } else if entity.unit.is_some() || entity.state_class.is_some() {
        "`options` go with neither a unit nor a state class"
    } else {
        return Ok(());
    };
    Err(Problem::new(why, "Announce the sensor again without the one or the other."))
}
