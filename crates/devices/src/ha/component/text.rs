//! `text`: a text within a length, by default 0 to 255 characters.

use model::EntityDescription;

use super::super::config::Config;
use super::{add_command, assume};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    entity.min = Some(config.number("min").unwrap_or(0.0));
    entity.max = Some(config.number("max").unwrap_or(255.0));
    add_command(entity, "set", config.value_command("command_topic", "command_template")?);
    match config.source("state_topic", "value_template", "")? {
        Some(source) => entity.sources.push(source),
        None => assume(entity, Default::default()),
    }
    Ok(())
}
