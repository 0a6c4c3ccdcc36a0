//! A wish: a verb and its arguments, on their way to messages.

use minijinja::Value as TemplateValue;
use model::topic::check_topic;
use model::{Entity, State, Value};
use serde_json::{Map, Value as Json};

use super::report::Change;
use super::{Shine, verb};
use crate::decode::context_of;
use crate::effect::Send;
use crate::error::CommandError;
use crate::template;

/// The template of a payload that is the value itself.
pub(crate) const VALUE: &str = "{{ value }}";

/// The messages that carry out a command.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Order {
    /// In the order they are to be sent.
    pub sends: Vec<Send>,
    /// What the entity is assumed to be once the last of them is sent.
    pub(crate) assumed: Vec<Change>,
    /// What it is to say when it has done it.
    pub(crate) expected: Vec<Change>,
}

impl Order {
    /// One message, and nothing is assumed.
    pub(crate) fn of(send: Send) -> Self {
        Self { sends: vec![send], ..Self::default() }
    }

    /// Expects a change, and takes it for granted if nothing reports what it changes.
    pub(crate) fn assume(&mut self, wish: &Wish, change: Change) {
        let field = match &change {
            Change::Attribute(name, _) => name.as_ref(),
            Change::Value(_) | Change::Attributes(_) => "",
        };
        if wish.assumes(field) {
            self.assumed.push(change.clone());
        }
        self.expected.push(change);
    }
}

/// The arguments of a verb: one that needs no name, and named ones.
#[derive(Debug, Default)]
pub(crate) struct Args {
    value: Option<Json>,
    named: Map<String, Json>,
}

impl Args {
    pub(crate) fn new(value: Option<&Value>, named: &Map<String, Json>) -> Self {
        let value = value.map(|value| match value {
            Value::Bool(on) => Json::from(*on),
            Value::Number(number) => super::report::json_number(*number),
            Value::Text(text) => Json::from(text.as_str()),
        });
        Self { value, named: named.clone() }
    }

    /// Takes an argument by its name.
    pub(crate) fn take(&mut self, name: &str) -> Option<Json> {
        self.named.remove(name).filter(|json| !json.is_null())
    }

    /// Gives an argument a name.
    pub(crate) fn put(&mut self, name: &str, json: Json) {
        self.named.insert(name.to_owned(), json);
    }

    /// Takes the one that needs no name.
    fn take_value(&mut self) -> Option<Json> {
        self.value.take()
    }

    /// The name of an argument nobody took.
    pub(crate) fn finish(&self) -> Result<(), String> {
        match (self.named.keys().next(), &self.value) {
            (Some(name), _) => Err(name.clone()),
            (None, Some(value)) => Err(value.to_string()),
            (None, None) => Ok(()),
        }
    }
}

/// A verb for an entity as it now is.
pub(crate) struct Wish<'a> {
    pub(crate) entity: &'a Entity,
    pub(crate) state: &'a State,
    pub(crate) shine: Option<&'a Shine>,
    /// As it was asked for.
    pub(crate) asked: &'a str,
    /// As commands are kept.
    pub(crate) verb: &'a str,
    pub(crate) args: Args,
}

impl<'a> Wish<'a> {
    pub(crate) fn new(
        entity: &'a Entity,
        state: &'a State,
        shine: Option<&'a Shine>,
        asked: &'a str,
        args: Args,
    ) -> Self {
        let verb = verb::plain(entity.description.component, asked);
        Self { entity, state, shine, asked, verb, args }
    }

    pub(crate) fn has(&self, channel: &str) -> bool {
        self.entity.description.commands.contains_key(channel)
    }

    /// Whether what is told of a field is taken for what it then is: nothing reports it, or the device wants it
    /// assumed although it reports.
    pub(crate) fn assumes(&self, field: &str) -> bool {
        let description = &self.entity.description;
        let reports = |field: &str| description.sources.iter().any(|source| source.field == field);
        !reports(field) || description.assumed_state && reports("")
    }

    pub(crate) fn is_on(&self) -> bool {
        self.state.value == Some(Value::Bool(true))
    }

    /// What the state says in words, such as `closed`.
    pub(crate) fn word(&self) -> &str {
        match &self.state.value {
            Some(Value::Text(word)) => word,
            _ => "",
        }
    }

    /// Takes the argument the verb is about, named or not.
    pub(crate) fn main(&mut self) -> Option<Json> {
        let name = verb::argument(self.entity.description.component, self.verb);
        self.args.take(name).or_else(|| self.args.take("value")).or_else(|| self.args.take_value())
    }

    pub(crate) fn main_number(&mut self) -> Result<f64, CommandError> {
        let main = self.main().ok_or_else(|| self.bad_value("a value is missing".to_owned()))?;
        self.number(&main)
    }

    pub(crate) fn main_text(&mut self) -> Result<String, CommandError> {
        let main = self.main().ok_or_else(|| self.bad_value("a value is missing".to_owned()))?;
        Ok(template::print_json(&main))
    }

    pub(crate) fn number(&self, json: &Json) -> Result<f64, CommandError> {
        let number = match json {
            Json::Bool(on) => Some(f64::from(u8::from(*on))),
            Json::String(text) => crate::decode::number(text),
            other => other.as_f64(),
        };
        number.ok_or_else(|| self.bad_value(format!("{json} is not a number")))
    }

    /// Takes a named number.
    pub(crate) fn take_number(&mut self, name: &str) -> Result<Option<f64>, CommandError> {
        self.args.take(name).map(|json| self.number(&json)).transpose()
    }

    /// Takes a named list of so many numbers.
    pub(crate) fn take_numbers<const N: usize>(
        &mut self,
        name: &str,
    ) -> Result<Option<[f64; N]>, CommandError> {
        let Some(json) = self.args.take(name) else { return Ok(None) };
        let numbers = match &json {
            Json::Array(items) => items.iter().map(Json::as_f64).collect(),
            Json::String(text) => text.split(',').map(crate::decode::number).collect(),
            _ => None,
        };
        let numbers: Option<[f64; N]> = numbers.and_then(|all: Vec<f64>| all.try_into().ok());
        numbers.map(Some).ok_or_else(|| self.bad_value(format!("{name} is {json} and not {N} numbers")))
    }

    /// Takes a named text.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        self.args.take(name).map(|json| template::print_json(&json))
    }

    pub(crate) fn in_range(
        &self,
        what: &str,
        number: f64,
        min: Option<f64>,
        max: Option<f64>,
    ) -> Result<(), CommandError> {
        let what = if what.is_empty() { String::new() } else { format!("{what} ") };
        if !number.is_finite() {
            return Err(self.bad_value(format!("{what}{number} is not a number that can be sent")));
        }
        match (min.filter(|min| number < *min), max.filter(|max| number > *max)) {
            (Some(min), _) => {
                Err(self.bad_value(format!("{what}{number} is below {min}, the least it takes")))
            }
            (_, Some(max)) => {
                Err(self.bad_value(format!("{what}{number} is above {max}, the most it takes")))
            }
            _ => Ok(()),
        }
    }

    /// One of a list; anything goes if the list is empty.
    pub(crate) fn one_of(&self, what: &str, word: &str, list: &[String]) -> Result<(), CommandError> {
        if list.is_empty() || list.iter().any(|known| known == word) {
            return Ok(());
        }
        Err(self.bad_value(format!("{what} \"{word}\" is none of {}", list.join(", "))))
    }

    /// The message of a channel; its template sees these variables.
    pub(crate) fn send(
        &self,
        channel: &str,
        variables: Vec<(String, TemplateValue)>,
    ) -> Result<Send, CommandError> {
        let spec = self.entity.description.commands.get(channel).ok_or_else(|| self.unknown_verb())?;
        check_topic(&spec.topic).map_err(|why| self.bad_template(why.to_string()))?;
        let payload = if template::is_template(&spec.payload) {
            let own = [
                variable("entity_id", self.entity.id.as_str()),
                variable("name", self.entity.name.as_str()),
                variable("this", context_of(self.state)),
            ];
            let context = TemplateValue::from_pairs(own.into_iter().chain(variables));
            let text = template::render_once(&spec.payload, context)
                .map_err(|why| self.bad_template(why.to_string()))?;
            // Home Assistant strips what a template prints, but not a text that is only passed on.
            if spec.payload == VALUE { text } else { text.trim().to_owned() }
        } else {
            spec.payload.clone()
        };
        Ok(Send { topic: spec.topic.clone(), payload: payload.into(), qos: spec.qos, retain: spec.retain })
    }

    /// The message of a channel that carries one value.
    pub(crate) fn send_value(
        &self,
        channel: &str,
        value: impl Into<TemplateValue>,
    ) -> Result<Send, CommandError> {
        self.send(channel, vec![("value".to_owned(), value.into())])
    }

    pub(crate) fn unknown_verb(&self) -> CommandError {
        CommandError::UnknownVerb {
            entity: self.entity.id.clone(),
            verb: self.asked.to_owned(),
            known: known_verbs(self.entity),
        }
    }

    pub(crate) fn bad_value(&self, why: String) -> CommandError {
        CommandError::BadValue { entity: self.entity.id.clone(), verb: self.asked.to_owned(), why }
    }

    fn bad_template(&self, why: String) -> CommandError {
        CommandError::BadTemplate { entity: self.entity.id.clone(), verb: self.asked.to_owned(), why }
    }
}

fn known_verbs(entity: &Entity) -> Vec<String> {
    let commands = &entity.description.commands;
    let mut known: Vec<String> = commands.keys().cloned().collect();
    let has = |verb: &str| commands.contains_key(verb);
    if (has("turn_on") && has("turn_off") || has("open") && has("close")) && !has("toggle") {
        known.push("toggle".to_owned());
    }
    known
}

/// A number for a template; whole ones have no point.
pub(crate) fn whole(number: f64) -> TemplateValue {
    template::from_json(&super::report::json_number(number))
}

/// A named variable.
pub(crate) fn variable(name: &str, value: impl Into<TemplateValue>) -> (String, TemplateValue) {
    (name.to_owned(), value.into())
}
