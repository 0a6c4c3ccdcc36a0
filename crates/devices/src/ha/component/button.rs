//! `button`: it can be pressed and has no state.

use model::EntityDescription;

use super::super::config::Config;
use super::add_command;
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    let payload = config.text_or("payload_press", "PRESS");
    add_command(entity, "press", config.fixed_command("command_topic", "command_template", &payload)?);
    Ok(())
}
