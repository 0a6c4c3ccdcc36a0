//! Sirens: on and off, with a tone, a duration and a volume for those that have them.

use model::features::SirenFeatures;
use model::{EntityDescription, Features, StateSource, Value};
use serde_json::{Map, Value as Json};

use super::report::{Change, Report};
use super::wish::{Order, Wish, variable};
use crate::error::CommandError;
use crate::template;

/// Attributes sirens set.
pub(super) const ATTRIBUTES: &[&str] = &["available_tones", "duration", "tone", "volume_level"];

/// What a report changes: a word, or an object with the word and what it sounds like.
pub(super) fn hear(
    description: &EntityDescription,
    source: &StateSource,
    report: &Report,
) -> Result<Vec<Change>, String> {
    let Some(members) = report.object() else {
        return Ok(report.mapped(source).map(Change::Value).into_iter().collect());
    };
    let mut changes = Vec::new();
    if let Some(state) = members.get("state") {
        let word = template::print_json(state);
        changes.extend(Report::new(&word, None).mapped(source).map(Change::Value));
    }
    let Some(Features::Siren(features)) = description.features.as_deref() else { return Ok(changes) };
    for (name, has) in abilities(features) {
        if let Some(json) = members.get(name).filter(|json| has && !json.is_object() && !json.is_array()) {
            changes.push(Change::attribute(name, json.clone()));
        }
    }
    Ok(changes)
}

fn abilities(features: &SirenFeatures) -> [(&'static str, bool); 3] {
    [("tone", !features.tones.is_empty()), ("duration", features.duration), ("volume_level", features.volume)]
}

/// The messages of a verb. Without a template of its own the payload is a JSON object.
pub(super) fn command(wish: &mut Wish, features: &SirenFeatures) -> Result<Order, CommandError> {
    let on = match wish.verb {
        "turn_on" => true,
        "turn_off" => false,
        "toggle" => !wish.is_on(),
        "set" => matches!(wish.main(), Some(Json::Bool(true))),
        _ => return Err(wish.unknown_verb()),
    };
    let mut told = Map::new();
    if on {
        for (name, _) in abilities(features).into_iter().filter(|(_, has)| *has) {
            if let Some(json) = wish.args.take(name) {
                told.insert(name.to_owned(), json);
            }
        }
        if let Some(tone) = told.get("tone") {
            wish.one_of("tone", &template::print_json(tone), &features.tones)?;
        }
        if let Some(volume) = told.get("volume_level") {
            wish.in_range("volume", wish.number(volume)?, Some(0.0), Some(1.0))?;
        }
    }
    let channel = if on { "turn_on" } else { "turn_off" };
    let scope = told.iter().map(|(name, json)| variable(name, template::from_json(json)));
    let mut more = String::new();
    for (name, json) in &told {
        more.push_str(&format!(",{}:{json}", Json::from(name.as_str())));
    }
    let mut order = Order::of(wish.send(channel, scope.chain([variable("more", more)]).collect())?);
    order.assume(wish, Change::value(Value::Bool(on)));
    for (name, _) in abilities(features) {
        if let Some(json) = told.remove(name) {
            order.assume(wish, Change::attribute(name, json));
        }
    }
    Ok(order)
}
