//! `update`: which version there is, and which there could be.

use model::EntityDescription;

use super::super::config::Config;
use super::add_command;
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    if let Some(payload) = config.text("payload_install") {
        add_command(entity, "install", config.command("command_topic", payload)?);
    }
    entity.sources.extend(config.source(
        "latest_version_topic",
        "latest_version_template",
        "latest_version",
    )?);
    entity.sources.extend(config.source("state_topic", "value_template", "")?);
    Ok(())
}
