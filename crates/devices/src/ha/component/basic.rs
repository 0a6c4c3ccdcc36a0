//! Components without a module of their own: what they report is shown, plain commands work.

use model::{Component, EntityDescription};

use super::super::config::{Config, missing};
use super::{add_command, on_off};
use crate::announcement::Problem;

/// Keys without which Home Assistant refuses the component.
fn required(component: Component) -> &'static [&'static str] {
    match component {
        Component::AlarmControlPanel => &["state_topic", "command_topic"],
        Component::Camera => &["topic"],
        Component::Event => &["state_topic", "event_types"],
        Component::Fan | Component::Notify | Component::Scene | Component::Siren => &["command_topic"],
        Component::Humidifier => &["command_topic", "target_humidity_command_topic"],
        _ => &[],
    }
}

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    for key in required(entity.component) {
        if !config.has(key) {
            return Err(missing(key));
        }
    }
    let (on, off) = (config.text_or("payload_on", "ON"), config.text_or("payload_off", "OFF"));
    let switchable = matches!(entity.component, Component::Fan | Component::Siren | Component::Humidifier);
    if switchable {
        add_command(entity, "turn_on", config.command("command_topic", on.clone())?);
        add_command(entity, "turn_off", config.command("command_topic", off.clone())?);
    }
    match entity.component {
        Component::Scene => {
            add_command(entity, "turn_on", config.command("command_topic", on.clone())?);
        }
        Component::Notify => {
            add_command(entity, "send", config.value_command("command_topic", "command_template")?);
        }
        Component::Update => {
            if let Some(payload) = config.text("payload_install") {
                add_command(entity, "install", config.command("command_topic", payload)?);
            }
            entity.sources.extend(config.source(
                "latest_version_topic",
                "latest_version_template",
                "latest_version",
            )?);
        }
        Component::AlarmControlPanel => {
            for (verb, payload) in [
                ("arm_home", "ARM_HOME"),
                ("arm_away", "ARM_AWAY"),
                ("arm_night", "ARM_NIGHT"),
                ("arm_vacation", "ARM_VACATION"),
                ("disarm", "DISARM"),
                ("trigger", "TRIGGER"),
            ] {
                let payload = config.text_or(&format!("payload_{verb}"), payload);
                add_command(entity, verb, config.command("command_topic", payload)?);
            }
        }
        Component::Vacuum => {
            for (verb, key, payload) in [
                ("start", "payload_start", "start"),
                ("stop", "payload_stop", "stop"),
                ("pause", "payload_pause", "pause"),
                ("return_to_base", "payload_return_to_base", "return_to_base"),
                ("locate", "payload_locate", "locate"),
            ] {
                add_command(entity, verb, config.command("command_topic", config.text_or(key, payload))?);
            }
        }
        Component::Climate => {
            for (verb, name) in [("set_temperature", "temperature"), ("set_mode", "mode")] {
                let (topic, template) = (format!("{name}_command_topic"), format!("{name}_command_template"));
                add_command(entity, verb, config.value_command(&topic, &template)?);
            }
            entity.sources.extend(config.source("mode_state_topic", "mode_state_template", "")?);
            entity.sources.extend(config.source(
                "temperature_state_topic",
                "temperature_state_template",
                "temperature",
            )?);
            entity.sources.extend(config.source(
                "current_temperature_topic",
                "current_temperature_template",
                "current_temperature",
            )?);
            entity.min = config.number("min_temp");
            entity.max = config.number("max_temp");
            entity.step = config.number("temp_step");
            entity.options = config.list("modes");
        }
        _ => {}
    }
    let template = if config.has("value_template") { "value_template" } else { "state_value_template" };
    if let Some(mut source) = config.source("state_topic", template, "")? {
        if switchable {
            source.map = on_off(&on, &off);
        }
        entity.sources.push(source);
    }
    Ok(())
}
