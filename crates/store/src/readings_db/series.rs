//! Series and the dictionary of texts: what a reading's entity and value are in a row.

use std::collections::HashMap;

use model::Value;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension, Result};

/// Series, and texts, held in memory; past it all are forgotten and looked up again.
const HELD_MAX: usize = 20_000;
/// Whole numbers up to here are the same as REAL and as INTEGER; INTEGER takes less space.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The kind of a series' values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Number,
    Bool,
    Text,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Text => "text",
        }
    }

    /// `None` for a kind a newer Hearth may have added.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Number, Self::Bool, Self::Text].into_iter().find(|kind| kind.name() == name)
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Bool,
            Value::Text(_) => Self::Text,
        }
    }
}

/// What the writer holds in memory. After a transaction was undone it may know rows that do not exist: start
/// with a new one.
#[derive(Default)]
pub(super) struct Dictionary {
    series: HashMap<Kind, HashMap<String, i64>>,
    texts: HashMap<String, i64>,
}

impl Dictionary {
    /// The series a value of this entity belongs to, made when it is the first.
    pub(super) fn series(&mut self, conn: &Connection, entity: &str, value: &Value) -> Result<i64> {
        let kind = Kind::of(value);
        let held = self.series.entry(kind).or_default();
        if let Some(id) = held.get(entity) {
            return Ok(*id);
        }
        let found = conn
            .prepare_cached("SELECT id FROM series WHERE entity = ?1 AND kind = ?2")?
            .query_row((entity, kind.name()), |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => new_series(conn, entity, kind)?,
        };
        if held.len() >= HELD_MAX {
            held.clear();
        }
        held.insert(entity.to_owned(), id);
        Ok(id)
    }

    /// The value as it stands in the row.
    pub(super) fn value(&mut self, conn: &Connection, value: &Value) -> Result<ToSqlOutput<'static>> {
        Ok(match value {
            // -0.0 is whole too, but as an integer it would lose its sign.
            Value::Number(number)
                if number.fract() == 0.0
                    && number.abs() <= WHOLE_MAX
                    && !(*number == 0.0 && number.is_sign_negative()) =>
            {
                ToSqlOutput::from(*number as i64)
            }
            Value::Number(number) => ToSqlOutput::from(*number),
            Value::Bool(on) => ToSqlOutput::from(i64::from(*on)),
            Value::Text(text) => ToSqlOutput::from(self.text(conn, text)?),
        })
    }

    fn text(&mut self, conn: &Connection, text: &str) -> Result<i64> {
        if let Some(id) = self.texts.get(text) {
            return Ok(*id);
        }
        let found = conn
            .prepare_cached("SELECT id FROM text_value WHERE text = ?1")?
            .query_row([text], |row| row.get(0))
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => conn.prepare_cached("INSERT INTO text_value (text) VALUES (?1)")?.insert([text])?,
        };
        if self.texts.len() >= HELD_MAX {
            self.texts.clear();
        }
        self.texts.insert(text.to_owned(), id);
        Ok(id)
    }

    /// The entity was removed.
    pub(super) fn forget(&mut self, entity: &str) {
        for held in self.series.values_mut() {
            held.remove(entity);
        }
    }
}

/// Ids of removed series are not given again while rows of theirs are left.
fn new_series(conn: &Connection, entity: &str, kind: Kind) -> Result<i64> {
    conn.prepare_cached(
        "INSERT INTO series (id, entity, kind) VALUES (
           1 + max((SELECT coalesce(max(id), 0) FROM series), (SELECT coalesce(max(series), 0) FROM removed)), ?1, ?2)",
    )?
    .insert((entity, kind.name()))
}
