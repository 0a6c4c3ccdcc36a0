//! `button`, `scene` and `notify`: they can be told something and have no state.

use model::EntityDescription;

use super::super::config::Config;
use super::add_command;
use crate::announcement::Problem;

pub(super) fn read_button(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    let payload = config.text_or("payload_press", "PRESS");
    add_command(entity, "press", config.fixed_command("command_topic", "command_template", &payload)?);
    Ok(())
}

pub(super) fn read_scene(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    add_command(entity, "turn_on", config.command("command_topic", config.text_or("payload_on", "ON"))?);
    Ok(())
}

pub(super) fn read_notify(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    add_command(entity, "send", config.value_command("command_topic", "command_template")?);
    Ok(())
}
