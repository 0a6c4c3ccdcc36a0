//! One report: what a source brings, and the changes it makes.

use std::borrow::Cow;

use model::{EntityDescription, State, StateSource, Value};
use serde_json::{Map, Value as Json};

use super::light::Shine;
use crate::decode::Payload;

/// One thing that a report or a command changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// The value; `None` is unknown.
    Value(Option<Value>),
    /// One attribute; null takes it away.
    Attribute(Cow<'static, str>, Json),
    /// All attributes that come as one object, in place of those that came so before.
    Attributes(Map<String, Json>),
}

impl Change {
    pub(crate) fn value(value: impl Into<Option<Value>>) -> Self {
        Self::Value(value.into())
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Value(Some(Value::Text(text.to_owned())))
    }

    pub(crate) fn attribute(name: &'static str, json: impl Into<Json>) -> Self {
        Self::Attribute(Cow::Borrowed(name), json.into())
    }

    /// A number as an attribute, without a point if it is whole.
    pub(crate) fn number(name: &'static str, number: f64) -> Self {
        Self::attribute(name, json_number(number))
    }
}

/// A number as JSON has it, without a point if it is whole.
pub(crate) fn json_number(number: f64) -> Json {
    if number.fract() == 0.0 && number.abs() < 9e15 { (number as i64).into() } else { number.into() }
}

/// Who hears a report.
pub(crate) struct Ear<'a> {
    pub(crate) description: &'a EntityDescription,
    pub(crate) state: &'a State,
    /// What a light remembers beside its attributes.
    pub(crate) shine: &'a mut Option<Box<Shine>>,
}

/// What a source brings: a text, or the whole payload.
pub(crate) struct Report<'a> {
    pub(crate) text: &'a str,
    whole: Option<&'a Payload<'a>>,
}

impl<'a> Report<'a> {
    /// `whole` is the payload, if the text is all of it.
    pub(crate) fn new(text: &'a str, whole: Option<&'a Payload<'a>>) -> Self {
        Self { text, whole }
    }

    /// As JSON; `None` if it is not.
    pub(crate) fn json(&self) -> Option<Cow<'a, Json>> {
        match self.whole {
            Some(payload) => payload.json().map(Cow::Borrowed),
            None => serde_json::from_str(self.text).ok().map(Cow::Owned),
        }
    }

    /// As a JSON object; `None` if it is none.
    pub(crate) fn object(&self) -> Option<Cow<'a, Map<String, Json>>> {
        match self.json()? {
            Cow::Borrowed(Json::Object(members)) => Some(Cow::Borrowed(members)),
            Cow::Owned(Json::Object(members)) => Some(Cow::Owned(members)),
            _ => None,
        }
    }

    /// The value a text stands for in the source's map. Outside: the text is not listed. Inside: unknown.
    pub(crate) fn mapped(&self, source: &StateSource) -> Option<Option<Value>> {
        match source.map.get(self.text) {
            Some(value) => Some(Some(value.clone())),
            None => (self.text == NONE).then_some(None),
        }
    }

    /// Whether it says that it does not know: what a template makes of a JSON null.
    pub(crate) fn is_none(&self) -> bool {
        self.text == NONE
    }

    /// Whether it says nothing: a template had nothing to print.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

const NONE: &str = "None";

/// A text as words tell it, cut to what fits a line.
pub(crate) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("{shown:?}")
}

/// A number in a scale, or why it is none.
pub(crate) fn number_of(text: &str) -> Result<f64, String> {
    crate::decode::number(text).ok_or_else(|| format!("{} is not a number", quoted(text)))
}
