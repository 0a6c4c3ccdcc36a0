//! `cover`: blinds, shutters, doors. Its state is `open`, `opening`, `closed`, `closing` or `stopped`; its
//! position 0 (closed) to 100 (open) is the attribute `position`.

use model::{EntityDescription, StateSource, Value};

use super::super::config::Config;
use super::add_command;
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    for (verb, key, payload) in [
        ("open", "payload_open", "OPEN"),
        ("close", "payload_close", "CLOSE"),
        ("stop", "payload_stop", "STOP"),
    ] {
        // `null` says that the cover cannot do this.
        if !config.is_null(key) {
            add_command(entity, verb, config.command("command_topic", config.text_or(key, payload))?);
        }
    }
    let closed = config.number("position_closed").unwrap_or(0.0);
    let open = config.number("position_open").unwrap_or(100.0);
    if open == closed {
        return Err(Problem::new(
            "`position_open` and `position_closed` are the same",
            "Announce the cover again with two different positions.",
        ));
    }
    // Between the cover's own scale and 0 to 100.
    let plain = closed == 0.0 && open == 100.0;
    if let Some(mut command) = config.value_command("set_position_topic", "set_position_template")? {
        if !config.has("set_position_template") && !plain {
            command.payload = format!("{{{{ ({closed} + value * ({open} - {closed}) / 100) | round }}}}");
        }
        entity.commands.insert("set_position".to_owned(), command);
    }
    add_command(entity, "set_tilt", config.value_command("tilt_command_topic", "tilt_command_template")?);
    entity.sources.extend(config.source("tilt_status_topic", "tilt_status_template", "tilt")?);

    let position = config.source("position_topic", "position_template", "position")?;
    if let Some(position) = position {
        let reported = reported_value(position.template.as_deref());
        if !plain {
            entity.sources.push(StateSource {
                template: Some(format!(
                    "{reported}{{{{ ((p|float - {closed}) * 100 / ({open} - {closed})) | round }}}}"
                )),
                ..position.clone()
            });
        } else {
            entity.sources.push(position.clone());
        }
        if !config.has("state_topic") {
            entity.sources.push(StateSource {
                template: Some(format!(
                    "{reported}{{% if p|is_number %}}{{{{ 'closed' if p|float == {closed} else 'open' }}}}{{% endif %}}"
                )),
                field: String::new(),
                map: ["open", "closed"].map(|word| (word.to_owned(), Value::Text(word.to_owned()))).into(),
                ..position
            });
        }
    }
    if let Some(mut source) = config.source("state_topic", "value_template", "")? {
        let word = |state: &str, key: &str| (config.text_or(key, state), Value::Text(state.to_owned()));
        source.map = [
            word("open", "state_open"),
            word("opening", "state_opening"),
            word("closed", "state_closed"),
            word("closing", "state_closing"),
            word("stopped", "state_stopped"),
        ]
        .into();
        entity.sources.push(source);
    }
    entity.assumed_state = !entity.sources.iter().any(|source| source.field.is_empty());
    Ok(())
}

/// What a position template prints, kept in `p`.
fn reported_value(template: Option<&str>) -> String {
    match template {
        Some(template) => format!("{{% set p %}}{template}{{% endset %}}"),
        None => "{% set p = value %}".to_owned(),
    }
}
