//! `switch`: on and off, reported in the words they are commanded with unless it says otherwise.

use model::EntityDescription;

use super::super::config::Config;
use super::{add_command, on_off, reported};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    let (on, off) = (config.text_or("payload_on", "ON"), config.text_or("payload_off", "OFF"));
    add_command(entity, "turn_on", config.fixed_command("command_topic", "command_template", &on)?);
    add_command(entity, "turn_off", config.fixed_command("command_topic", "command_template", &off)?);
    let map = on_off(&config.text_or("state_on", &on), &config.text_or("state_off", &off));
    let source = config.mapped_source("state_topic", "value_template", "", map)?;
    reported(config, entity, source);
    Ok(())
}
