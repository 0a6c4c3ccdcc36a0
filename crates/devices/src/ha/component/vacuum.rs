//! `vacuum`: what it does, and the words that send it off.

use model::features::VacuumFeatures;
use model::{EntityDescription, Features};

use super::super::config::Config;
use super::add_command;
use crate::announcement::Problem;

/// What it can be told: the feature that allows it, the verb, the key of its payload and the payload.
const VERBS: [(&str, &str, &str, &str); 6] = [
    ("start", "start", "payload_start", "start"),
    ("stop", "stop", "payload_stop", "stop"),
    ("pause", "pause", "payload_pause", "pause"),
    ("return_home", "return_to_base", "payload_return_to_base", "return_to_base"),
    ("locate", "locate", "payload_locate", "locate"),
    ("clean_spot", "clean_spot", "payload_clean_spot", "clean_spot"),
];

/// What a vacuum that does not say can do.
const FEATURES: [&str; 5] = ["start", "stop", "return_home", "status", "clean_spot"];

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let features = config.list_or("supported_features", &FEATURES);
    let may = |feature: &str| features.iter().any(|known| known == feature);
    for (feature, verb, key, payload) in VERBS {
        if may(feature) {
            add_command(entity, verb, config.command("command_topic", config.text_or(key, payload))?);
        }
    }
    let mut fan_speeds = Vec::new();
    if may("fan_speed") {
        fan_speeds = config.list("fan_speed_list");
        add_command(entity, "set_fan_speed", config.value_command("set_fan_speed_topic", "")?);
    }
    if may("send_command") {
        add_command(entity, "send_command", config.value_command("send_command_topic", "")?);
    }
    entity.features = Some(Box::new(Features::Vacuum(VacuumFeatures { fan_speeds })));
    entity.sources.extend(config.source("state_topic", "value_template", "")?);
    Ok(())
}
