//! A typed value of an entity.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an entity can be. On and off are [`Value::Bool`]; scripts and people read them as `on` and `off`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Value {
    /// On or off, open or closed, wet or dry.
    Bool(bool),
    /// A finite number in the entity's unit.
    Number(f64),
    /// Anything else.
    Text(String),
}

impl Value {
    /// A number, if it is finite: JSON and charts know no other.
    pub fn number(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self::Number(number))
    }

    /// The number, or 1 and 0 for on and off.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bool(on) => Some(f64::from(u8::from(*on))),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(on) => f.write_str(if *on { "on" } else { "off" }),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}
