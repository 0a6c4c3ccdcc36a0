//! `lawn_mower`: what it does, and the words that send it off.

use model::EntityDescription;

use super::super::config::Config;
use super::{add_command, reported, words};
use crate::announcement::Problem;

const ACTIVITIES: [&str; 5] = ["docked", "error", "mowing", "paused", "returning"];

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    for verb in ["start_mowing", "pause", "dock"] {
        let (topic, template) = (format!("{verb}_command_topic"), format!("{verb}_command_template"));
        add_command(entity, verb, config.fixed_command(&topic, &template, verb)?);
    }
    let map = words(&ACTIVITIES);
    let source = config.mapped_source("activity_state_topic", "activity_value_template", "", map)?;
    reported(config, entity, source);
    Ok(())
}
