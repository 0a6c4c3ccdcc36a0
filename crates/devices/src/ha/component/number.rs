//! `number`: a number within limits, by default 1 to 100.

use model::EntityDescription;

use super::super::config::Config;
use super::super::unit;
use super::{add_command, reported};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    let (min, max) = (config.number("min").unwrap_or(1.0), config.number("max").unwrap_or(100.0));
    if min >= max {
        return Err(Problem::new(
            format!("`min` is {min} and `max` is {max}"),
            "Announce the number again with `min` below `max`.",
        ));
    }
    (entity.min, entity.max) = (Some(min), Some(max));
    // Without one it goes by whole numbers on a screen, but takes any.
    entity.step = config.number("step").filter(|step| *step > 0.0);
    entity.unit = config
        .text("unit_of_measurement")
        .and_then(|unit| unit::normalise(&unit, entity.device_class.as_deref()));
    add_command(entity, "set", config.value_command("command_topic", "command_template")?);
    let source = config.source("state_topic", "value_template", "")?;
    reported(config, entity, source);
    Ok(())
}
