//! `alarm_control_panel`: armed in one way or another, disarmed, triggered, or on the way.

use model::features::AlarmFeatures;
use model::{EntityDescription, Features};

use super::super::config::Config;
use super::{add_command, reported, words};
use crate::announcement::Problem;

/// Codes that the panel compares, not the hub.
const REMOTE: [&str; 2] = ["REMOTE_CODE", "REMOTE_CODE_TEXT"];

const STATES: [&str; 10] = [
    "armed_away",
    "armed_custom_bypass",
    "armed_home",
    "armed_night",
    "armed_vacation",
    "arming",
    "disarmed",
    "disarming",
    "pending",
    "triggered",
];

/// What it can be told: the verb, the key of its payload and the payload, and the feature that allows it.
const VERBS: [(&str, &str, &str); 6] = [
    ("arm_away", "payload_arm_away", "ARM_AWAY"),
    ("arm_custom_bypass", "payload_arm_custom_bypass", "ARM_CUSTOM_BYPASS"),
    ("arm_home", "payload_arm_home", "ARM_HOME"),
    ("arm_night", "payload_arm_night", "ARM_NIGHT"),
    ("arm_vacation", "payload_arm_vacation", "ARM_VACATION"),
    ("trigger", "payload_trigger", "TRIGGER"),
];

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("state_topic")?;
    config.required_topic("command_topic")?;
    let allowed = config.list_or("supported_features", &VERBS.map(|(verb, ..)| verb));
    let may = |verb: &str| allowed.iter().any(|feature| feature == verb);
    let verbs =
        VERBS.into_iter().filter(|(verb, ..)| may(verb)).chain([("disarm", "payload_disarm", "DISARM")]);
    for (verb, key, payload) in verbs {
        let payload = config.text_or(key, payload);
        let mut command = config.command("command_topic", payload.clone())?;
        if let (Some(command), Some(template)) = (&mut command, config.template("command_template")?) {
            command.payload = super::super::config::with_value("action", &payload, &template);
        }
        add_command(entity, verb, command);
    }
    let code = config.text("code");
    entity.features = Some(Box::new(Features::Alarm(AlarmFeatures {
        wants_code: code.is_some(),
        code: code.filter(|code| !REMOTE.contains(&code.as_str())),
        code_arm_required: config.flag_or("code_arm_required", true),
        code_disarm_required: config.flag_or("code_disarm_required", true),
        code_trigger_required: config.flag_or("code_trigger_required", true),
    })));
    let source = config.mapped_source("state_topic", "value_template", "", words(&STATES))?;
    reported(config, entity, source);
    Ok(())
}
