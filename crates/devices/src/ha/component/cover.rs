//! `cover`: blinds, shutters, doors. Its state is `open`, `opening`, `closed` or `closing`; its position 0
//! (closed) to 100 (open) is the attribute `current_position`, its tilt `current_tilt_position`.

use std::collections::BTreeMap;

use model::features::CoverFeatures;
use model::{EntityDescription, Features, Value};

use super::super::config::Config;
use super::add_command;
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    for (key, other) in [
        ("value_template", "state_topic"),
        ("position_template", "position_topic"),
        ("set_position_topic", "position_topic"),
        ("set_position_template", "set_position_topic"),
        ("tilt_command_template", "tilt_command_topic"),
        ("tilt_status_template", "tilt_status_topic"),
    ] {
        config.needs(key, other)?;
    }
    ways(config, entity)?;
    add_command(entity, "set_position", config.value_command("set_position_topic", "set_position_template")?);
    add_command(entity, "set_tilt", config.value_command("tilt_command_topic", "tilt_command_template")?);
    if !config.is_null("payload_stop_tilt") && config.has("payload_stop_tilt") {
        let payload = config.text_or("payload_stop_tilt", "STOP");
        add_command(entity, "stop_tilt", config.command("tilt_command_topic", payload)?);
    }
    entity.sources.extend(config.source(
        "tilt_status_topic",
        "tilt_status_template",
        "current_tilt_position",
    )?);
    entity.sources.extend(config.source("position_topic", "position_template", "current_position")?);
    entity.sources.extend(config.mapped_source("state_topic", "value_template", "", states(config))?);
    let features = features(config)?;
    entity.assumed_state = features.optimistic;
    entity.features = Some(Box::new(Features::Cover(features)));
    Ok(())
}

/// Open, close and stop; `null` says that the cover cannot do this.
pub(super) fn ways(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    for (verb, key, payload) in [
        ("open", "payload_open", "OPEN"),
        ("close", "payload_close", "CLOSE"),
        ("stop", "payload_stop", "STOP"),
    ] {
        if !config.is_null(key) {
            let payload = config.text_or(key, payload);
            add_command(entity, verb, config.fixed_command("command_topic", "command_template", &payload)?);
        }
    }
    Ok(())
}

/// The words for its states.
pub(super) fn states(config: &Config) -> BTreeMap<String, Value> {
    let word =
        |state: &str| (config.text_or(&format!("state_{state}"), state), Value::Text(state.to_owned()));
    ["stopped", "open", "opening", "closed", "closing"].map(word).into()
}

/// The scales. What the cover is told is taken for granted where nothing reports it.
fn features(config: &Config) -> Result<CoverFeatures, Problem> {
    let number = |key: &str, otherwise: f64| config.number(key).unwrap_or(otherwise);
    let (position, set_position) = (config.has("position_topic"), config.has("set_position_topic"));
    let (state, command) = (config.has("state_topic"), config.has("command_topic"));
    let (tilt, set_tilt) = (config.has("tilt_status_topic"), config.has("tilt_command_topic"));
    let told = command || set_position || set_tilt;
    let reported = position || state || tilt;
    let features = CoverFeatures {
        position_closed: number("position_closed", 0.0),
        position_open: number("position_open", 100.0),
        tilt_min: number("tilt_min", 0.0),
        tilt_max: number("tilt_max", 100.0),
        tilt_closed: number("tilt_closed_value", 0.0),
        tilt_opened: number("tilt_opened_value", 100.0),
        reports_position: position,
        reports_state: state,
        optimistic: config.flag("optimistic") || told && !reported,
        tilt_optimistic: config.flag("tilt_optimistic") || set_tilt && !tilt,
    };
    differ("position_open", features.position_open, "position_closed", features.position_closed)?;
    differ("tilt_max", features.tilt_max, "tilt_min", features.tilt_min)?;
    Ok(features)
}

/// The ends of a scale are two.
pub(super) fn differ(one: &str, is: f64, other: &str, also: f64) -> Result<(), Problem> {
    if is != also {
        return Ok(());
    }
    Err(Problem::new(
        format!("`{one}` and `{other}` are the same"),
        "Announce the entity again with two different ones.",
    ))
}
