//! `lock`: locked, unlocked, on the way, or jammed.

use model::{EntityDescription, Value};

use super::super::config::Config;
use super::{add_command, reported};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    for (verb, key, payload) in [("lock", "payload_lock", "LOCK"), ("unlock", "payload_unlock", "UNLOCK")] {
        let payload = config.text_or(key, payload);
        add_command(entity, verb, config.fixed_command("command_topic", "command_template", &payload)?);
    }
    if let Some(open) = config.text("payload_open") {
        add_command(entity, "open", config.fixed_command("command_topic", "command_template", &open)?);
    }
    let word = |state: &str| {
        let text = config.text_or(&format!("state_{state}"), &state.to_uppercase());
        (text, Value::Text(state.to_owned()))
    };
    let map = ["jammed", "locked", "locking", "open", "opening", "unlocked", "unlocking"].map(word).into();
    let source = config.mapped_source("state_topic", "value_template", "", map)?;
    reported(config, entity, source);
    Ok(())
}
