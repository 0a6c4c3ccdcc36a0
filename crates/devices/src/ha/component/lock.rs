//! `lock`: locked, unlocked, on the way, or jammed; by a code, where it takes one.

use model::features::LockFeatures;
use model::{EntityDescription, Features, Value};

use super::super::config::Config;
use super::{add_command, reported};
use crate::announcement::Problem;
use crate::limits::PATTERN_BYTES_MAX;
use crate::template;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    for (verb, key, payload) in [("lock", "payload_lock", "LOCK"), ("unlock", "payload_unlock", "UNLOCK")] {
        let payload = config.text_or(key, payload);
        add_command(entity, verb, config.fixed_command("command_topic", "command_template", &payload)?);
    }
    if let Some(open) = config.text("payload_open") {
        add_command(entity, "open", config.fixed_command("command_topic", "command_template", &open)?);
    }
    let takes_code = entity.commands.values().any(|command| {
        template::variables(&command.payload).is_ok_and(|names| names.iter().any(|name| name == "code"))
    });
    let code_format = config.word("code_format");
    let can_be_read =
        |form: &String| form.len() <= PATTERN_BYTES_MAX && template::matches(form, "").is_some();
    if !code_format.as_ref().is_none_or(can_be_read) {
        return Err(Problem::new(
            format!("`code_format` cannot be read, or has more than {PATTERN_BYTES_MAX} bytes"),
            "Announce the lock again with a simpler regular expression, or without it.",
        ));
    }
    if takes_code || code_format.is_some() {
        entity.features = Some(Box::new(Features::Lock(LockFeatures { code_format })));
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
