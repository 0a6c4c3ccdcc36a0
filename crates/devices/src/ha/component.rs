//! One native module per component: what its keys mean.

mod basic;
mod binary_sensor;
mod button;
mod cover;
mod light;
mod lock;
mod number;
mod select;
mod sensor;
mod switch;
mod text;

use std::collections::BTreeMap;

use model::{CommandSpec, Component, EntityDescription, StateSource, Value};

use super::config::Config;
use crate::announcement::Problem;

/// Reads what only this component has.
pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    match entity.component {
        Component::Sensor => sensor::read(config, entity),
        Component::BinarySensor => binary_sensor::read(config, entity),
        Component::Switch => switch::read(config, entity),
        Component::Light => light::read(config, entity),
        Component::Cover => cover::read(config, entity),
        Component::Button => button::read(config, entity),
        Component::Number => number::read(config, entity),
        Component::Select => select::read(config, entity),
        Component::Text => text::read(config, entity),
        Component::Lock => lock::read(config, entity),
        _ => basic::read(config, entity),
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

/// Without a state topic the state is what was last sent: the entity listens to its own command topic.
fn assume(entity: &mut EntityDescription, map: BTreeMap<String, Value>) {
    entity.assumed_state = true;
    let mut topics: Vec<&String> = ["turn_on", "turn_off", "set"]
        .iter()
        .filter_map(|verb| entity.commands.get(*verb))
        .map(|c| &c.topic)
        .collect();
    topics.sort_unstable();
    topics.dedup();
    let sources = topics.into_iter().map(|topic| StateSource {
        topic: topic.clone(),
        template: None,
        field: String::new(),
        map: map.clone(),
    });
    entity.sources.extend(sources.collect::<Vec<_>>());
}
