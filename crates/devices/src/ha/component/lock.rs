//! `lock`: locked, unlocked, on the way, or jammed.

use model::{EntityDescription, Value};

use super::super::config::Config;
use super::add_command;
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
    let word =
        |state: &str, key: &str, text: &str| (config.text_or(key, text), Value::Text(state.to_owned()));
    let map = [
        word("locked", "state_locked", "LOCKED"),
        word("unlocked", "state_unlocked", "UNLOCKED"),
        word("locking", "state_locking", "LOCKING"),
        word("unlocking", "state_unlocking", "UNLOCKING"),
        word("jammed", "state_jammed", "JAMMED"),
    ];
    match config.source("state_topic", "value_template", "")? {
        Some(mut source) => {
            source.map = map.into();
            entity.sources.push(source);
        }
        None => entity.assumed_state = true,
    }
    Ok(())
}
