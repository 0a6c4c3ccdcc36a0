//! `select`: one of several options.

use model::EntityDescription;

use super::super::config::{Config, missing};
use super::{add_command, reported};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    if !config.has("options") {
        return Err(missing("options"));
    }
    entity.options = config.list("options");
    add_command(entity, "set", config.value_command("command_topic", "command_template")?);
    let source = config.source("state_topic", "value_template", "")?;
    reported(config, entity, source);
    Ok(())
}
