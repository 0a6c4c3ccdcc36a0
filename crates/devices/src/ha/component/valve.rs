//! `valve`: open or closed, or somewhere between for those that tell their position.

use model::features::CoverFeatures;
use model::{EntityDescription, Features};

use super::super::config::Config;
use super::{add_command, cover, reported};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let positions = config.flag("reports_position");
    let number = |key: &str, otherwise: f64| config.number(key).unwrap_or(otherwise);
    let mut features = CoverFeatures {
        position_closed: number("position_closed", 0.0),
        position_open: number("position_open", 100.0),
        reports_position: positions,
        ..CoverFeatures::default()
    };
    cover::differ("position_open", features.position_open, "position_closed", features.position_closed)?;
    if positions {
        for key in ["payload_open", "payload_close", "state_open", "state_closed"] {
            if config.has(key) {
                return Err(Problem::new(
                    format!("`{key}` says nothing of a valve that reports its position"),
                    "Announce the valve again without it, or without `reports_position`.",
                ));
            }
        }
        add_command(entity, "set_position", config.value_command("command_topic", "command_template")?);
        if let Some(payload) = config.text("payload_stop") {
            add_command(entity, "stop", config.fixed_command("command_topic", "command_template", &payload)?);
        }
    } else {
        cover::ways(config, entity)?;
        if !config.has("payload_stop") {
            entity.commands.remove("stop");
        }
    }
    let source = config.mapped_source("state_topic", "value_template", "", cover::states(config))?;
    reported(config, entity, source);
    features.optimistic = entity.assumed_state;
    entity.features = Some(Box::new(Features::Cover(features)));
    Ok(())
}
