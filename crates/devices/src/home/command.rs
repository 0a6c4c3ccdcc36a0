//! Commands: from a verb and a value to the messages that carry it out.

use std::collections::BTreeMap;

use minijinja::Value as TemplateValue;
use model::topic::check_topic;
use model::{Cause, CommandSpec, Component, Entity, Value};
use serde_json::{Map, Value as Json};

use super::Home;
use crate::effect::Send;
use crate::error::CommandError;
use crate::limits::STATE_CHARS_MAX;
use crate::template;

/// How long after a command a change of state counts as its answer, ms. Boards answer in well under a second;
/// a slow network or a cover that only reports when it has arrived may take longer.
const ANSWER_MS: i64 = 5_000;
/// Largest brightness, as Home Assistant counts it.
const BRIGHTNESS_MAX: f64 = 255.0;

impl Home {
    /// The messages that carry out a command. `attributes` go with the verb, such as `brightness` with
    /// `turn_on`. Nothing is sent unless all of it is valid.
    pub fn command(
        &self,
        entity: &str,
        verb: &str,
        value: Option<&Value>,
        attributes: &Map<String, Json>,
    ) -> Result<Vec<Send>, CommandError> {
        let Some(entry) = self.by_id(entity) else {
            return Err(CommandError::UnknownEntity {
                entity: entity.to_owned(),
                similar: self.similar(entity),
            });
        };
        let is_on = entry.state.value == Some(Value::Bool(true));
        let order = Order::resolve(&entry.entity, verb, value, is_on)?;
        order.messages(attributes)
    }

    /// What to tell somebody who names an entity that does not exist; `None` if it does.
    pub fn explain_unknown(&self, entity: &str) -> Option<String> {
        if self.by_id(entity).is_some() {
            return None;
        }
        let similar = self.similar(entity);
        Some(CommandError::UnknownEntity { entity: entity.to_owned(), similar }.to_string())
    }

    /// A command was sent: what changes within [`ANSWER_MS`] is taken for its answer, and has its cause.
    pub fn await_answer(&mut self, entity: &str, cause: Cause, now_ms: i64) {
        let Some(slot) = self.slot_of.get(entity).copied() else { return };
        if let Some(entry) = self.entry_mut(slot) {
            entry.awaited = Some((cause, now_ms.saturating_add(ANSWER_MS)));
        }
    }

    /// The entity whose id is written most like this, if any is close.
    fn similar(&self, id: &str) -> Option<String> {
        const CLOSE: usize = 4;
        const LONGEST: usize = 120;
        if id.len() > LONGEST {
            return None;
        }
        let near = self.slot_of.keys().map(|known| (distance(id, known), known)).min();
        near.filter(|(distance, _)| *distance <= CLOSE).map(|(_, known)| known.clone())
    }
}

/// A verb that the entity knows, with the value it will carry.
struct Order<'a> {
    entity: &'a Entity,
    verb: &'a str,
    spec: &'a CommandSpec,
    value: Option<Value>,
}

impl<'a> Order<'a> {
    /// Finds the command for a verb. Entities differ in what they announce: one has `turn_on` and `turn_off`,
    /// another one `set` for both.
    fn resolve(
        entity: &'a Entity,
        verb: &'a str,
        value: Option<&Value>,
        is_on: bool,
    ) -> Result<Self, CommandError> {
        let commands = &entity.description.commands;
        let unknown = || CommandError::UnknownVerb {
            entity: entity.id.clone(),
            verb: verb.to_owned(),
            known: known_verbs(commands),
        };
        let order = |verb: &'a str, value: Option<Value>| -> Option<Self> {
            commands.get(verb).map(|spec| Self { entity, verb, spec, value })
        };
        let switch = |on: bool| {
            order(if on { "turn_on" } else { "turn_off" }, None)
                .or_else(|| order("set", Some(Value::Bool(on))))
        };
        let is_switch = commands.contains_key("turn_on") || on_off(entity.description.component);
        let found = match (verb, value) {
            ("turn_on", _) if is_switch => switch(true),
            ("turn_off", _) if is_switch => switch(false),
            ("toggle", _) => order("toggle", None).or_else(|| if is_switch { switch(!is_on) } else { None }),
            ("set", Some(value)) if is_switch => match as_bool(value) {
                Some(on) => switch(on),
                None => {
                    return Err(CommandError::BadValue {
                        entity: entity.id.clone(),
                        verb: verb.to_owned(),
                        why: format!("{value} is neither on nor off"),
                    });
                }
            },
            ("set", Some(Value::Number(number))) if !commands.contains_key("set") => {
                order("set_position", Some(Value::Number(*number)))
            }
            _ => order(verb, value.cloned()),
        };
        let order = found.ok_or_else(unknown)?;
        order.check().map_err(|why| CommandError::BadValue {
            entity: entity.id.clone(),
            verb: verb.to_owned(),
            why,
        })?;
        Ok(order)
    }

    /// Whether the value is one the entity can take. In words if not.
    fn check(&self) -> Result<(), String> {
        let description = &self.entity.description;
        let needs_value = matches!(self.verb, "set") || self.verb.starts_with("set_");
        let Some(value) = &self.value else {
            return if needs_value { Err("a value is missing".to_owned()) } else { Ok(()) };
        };
        match (description.component, self.verb) {
            (Component::Number, "set") => {
                let number = value.as_number().ok_or_else(|| format!("{value:?} is not a number"))?;
                in_range(number, description.min, description.max)
            }
            (Component::Select, "set") => match value {
                Value::Text(option) if description.options.contains(option) => Ok(()),
                _ => Err(format!("\"{value}\" is none of {}", description.options.join(", "))),
            },
            (Component::Text, "set") => {
                let length = value.to_string().chars().count() as f64;
                in_range(length, description.min, description.max.or(Some(255.0)))
                    .map_err(|_| format!("a text of {length} characters is too short or too long"))
            }
            (_, "set_brightness") => {
                let number = value.as_number().ok_or_else(|| format!("{value:?} is not a number"))?;
                in_range(number, Some(0.0), Some(BRIGHTNESS_MAX))
            }
            (_, "set_position" | "set_tilt") => {
                let number = value.as_number().ok_or_else(|| format!("{value:?} is not a number"))?;
                in_range(number, Some(0.0), Some(100.0))
            }
            _ => match value {
                Value::Text(text) if text.chars().count() > STATE_CHARS_MAX => {
                    Err(format!("the text is longer than {STATE_CHARS_MAX} characters"))
                }
                Value::Number(number) => in_range(*number, description.min, description.max),
                _ => Ok(()),
            },
        }
    }

    /// The messages: attributes with a command of their own first, so that a lamp comes on as it should be.
    fn messages(&self, attributes: &Map<String, Json>) -> Result<Vec<Send>, CommandError> {
        let commands = &self.entity.description.commands;
        let mut sends = Vec::with_capacity(1);
        for (name, json) in attributes {
            let verb = format!("set_{name}");
            if let Some((verb, spec)) = commands.get_key_value(&verb).filter(|(verb, _)| *verb != self.verb) {
                let order = Order { entity: self.entity, verb, spec, value: value_of(json) };
                order.check().map_err(|why| self.bad_value(format!("{name}: {why}")))?;
                sends.push(order.message(attributes)?);
            } else if !self.mentions(name)? {
                return Err(self.bad_value(format!("it does not know `{name}`")));
            } else if name == "brightness" {
                let number =
                    json.as_f64().ok_or_else(|| self.bad_value("brightness is a number".to_owned()))?;
                in_range(number, Some(0.0), Some(BRIGHTNESS_MAX)).map_err(|why| self.bad_value(why))?;
            }
        }
        sends.push(self.message(attributes)?);
        Ok(sends)
    }

    fn mentions(&self, name: &str) -> Result<bool, CommandError> {
        let names =
            template::variables(&self.spec.payload).map_err(|why| self.bad_template(why.to_string()))?;
        Ok(names.iter().any(|used| used.split('.').next() == Some(name)))
    }

    fn message(&self, attributes: &Map<String, Json>) -> Result<Send, CommandError> {
        check_topic(&self.spec.topic).map_err(|why| self.bad_template(why.to_string()))?;
        let payload = if template::is_template(&self.spec.payload) {
            let value = self.value.as_ref().map_or(TemplateValue::UNDEFINED, template_value);
            let names = attributes.iter().map(|(name, json)| (name.clone(), template::from_json(json)));
            let context = TemplateValue::from_pairs(names.chain([("value".to_owned(), value)]));
            template::render_once(&self.spec.payload, context)
                .map_err(|why| self.bad_template(why.to_string()))?
        } else {
            self.spec.payload.clone()
        };
        Ok(Send {
            topic: self.spec.topic.clone(),
            payload: payload.into(),
            qos: self.spec.qos,
            retain: self.spec.retain,
        })
    }

    fn bad_value(&self, why: String) -> CommandError {
        CommandError::BadValue { entity: self.entity.id.clone(), verb: self.verb.to_owned(), why }
    }

    fn bad_template(&self, why: String) -> CommandError {
        CommandError::BadTemplate { entity: self.entity.id.clone(), verb: self.verb.to_owned(), why }
    }
}

fn on_off(component: Component) -> bool {
    matches!(
        component,
        Component::Switch | Component::Light | Component::Fan | Component::Siren | Component::Humidifier
    )
}

fn known_verbs(commands: &BTreeMap<String, CommandSpec>) -> Vec<String> {
    let mut known: Vec<String> = commands.keys().cloned().collect();
    if commands.contains_key("turn_on")
        && commands.contains_key("turn_off")
        && !commands.contains_key("toggle")
    {
        known.push("toggle".to_owned());
    }
    known
}

fn in_range(number: f64, min: Option<f64>, max: Option<f64>) -> Result<(), String> {
    if !number.is_finite() {
        return Err(format!("{number} is not a number that can be sent"));
    }
    match (min.filter(|min| number < *min), max.filter(|max| number > *max)) {
        (Some(min), _) => Err(format!("{number} is below {min}, the least it takes")),
        (_, Some(max)) => Err(format!("{number} is above {max}, the most it takes")),
        _ => Ok(()),
    }
}

fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => Some(*number != 0.0),
        Value::Text(text) => match text.to_ascii_lowercase().as_str() {
            "on" | "true" => Some(true),
            "off" | "false" => Some(false),
            _ => None,
        },
    }
}

fn value_of(json: &Json) -> Option<Value> {
    match json {
        Json::Bool(on) => Some(Value::Bool(*on)),
        Json::Number(number) => Value::number(number.as_f64()?),
        Json::String(text) => Some(Value::Text(text.clone())),
        _ => None,
    }
}

/// Whole numbers are sent without a point.
fn template_value(value: &Value) -> TemplateValue {
    match value {
        Value::Bool(on) => TemplateValue::from(*on),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            TemplateValue::from(*number as i64)
        }
        Value::Number(number) => TemplateValue::from(*number),
        Value::Text(text) => TemplateValue::from(text.as_str()),
    }
}

/// Edit distance of Levenshtein, in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let cost = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}
