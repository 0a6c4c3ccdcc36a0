//! One native module per component: what its keys mean.

mod alarm_control_panel;
mod binary_sensor;
mod button;
mod camera;
mod climate;
mod cover;
mod device_tracker;
mod event;
mod fan;
mod humidifier;
mod lawn_mower;
mod light;
mod lock;
mod number;
mod select;
mod sensor;
mod siren;
mod switch;
mod text;
mod update;
mod vacuum;
mod valve;
mod water_heater;

use std::collections::BTreeMap;

use model::{CommandSpec, Component, EntityDescription, StateSource, Value};

use super::config::Config;
use crate::announcement::Problem;

/// Reads what only this component has.
pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    match entity.component {
        Component::AlarmControlPanel => alarm_control_panel::read(config, entity),
        Component::BinarySensor => binary_sensor::read(config, entity),
        Component::Button => button::read_button(config, entity),
        Component::Camera => camera::read_camera(config, entity),
        Component::Climate => climate::read(config, entity),
        Component::Cover => cover::read(config, entity),
        Component::DeviceTracker => device_tracker::read(config, entity),
        Component::Event => event::read(config, entity),
        Component::Fan => fan::read(config, entity),
        Component::Humidifier => humidifier::read(config, entity),
        Component::Image => camera::read_image(config, entity),
        Component::LawnMower => lawn_mower::read(config, entity),
        Component::Light => light::read(config, entity),
        Component::Lock => lock::read(config, entity),
        Component::Notify => button::read_notify(config, entity),
        Component::Number => number::read(config, entity),
        Component::Scene => button::read_scene(config, entity),
        Component::Select => select::read(config, entity),
        Component::Sensor => sensor::read(config, entity),
        Component::Siren => siren::read(config, entity),
        Component::Switch => switch::read(config, entity),
        Component::Text => text::read(config, entity),
        Component::Update => update::read(config, entity),
        Component::Vacuum => vacuum::read(config, entity),
        Component::Valve => valve::read(config, entity),
        Component::WaterHeater => water_heater::read(config, entity),
    }
}

fn add_command(entity: &mut EntityDescription, verb: &str, command: Option<CommandSpec>) {
    if let Some(command) = command {
        entity.commands.insert(verb.to_owned(), command);
    }
}

/// On and off, by the texts that stand for them.
fn on_off(on: &str, off: &str) -> BTreeMap<String, Value> {
    [(off.to_owned(), Value::Bool(false)), (on.to_owned(), Value::Bool(true))].into()
}

/// Words that stand for themselves.
fn words(words: &[&str]) -> BTreeMap<String, Value> {
    words.iter().map(|word| ((*word).to_owned(), Value::Text((*word).to_owned()))).collect()
}

/// Takes the state source; without one the state is what was last sent, as it is when the device asks for it.
fn reported(config: &Config, entity: &mut EntityDescription, source: Option<StateSource>) {
    entity.assumed_state = source.is_none() || config.flag("optimistic");
    entity.sources.extend(source);
}
