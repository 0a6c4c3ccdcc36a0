//! `sensor`: it reports and takes no commands.

use model::EntityDescription;

use super::super::config::Config;
use super::super::unit;
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("state_topic")?;
    entity.unit = config
        .text("unit_of_measurement")
        .and_then(|unit| unit::normalise(&unit, entity.device_class.as_deref()));
    entity.state_class = config.word("state_class");
    entity.options = config.list("options");
    entity.sources.extend(config.source("state_topic", "value_template", "")?);
    Ok(())
}
