//! Where in a profile a fault is.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Character in it, from 1.
    pub column: usize,
}

impl Place {
    /// The place of a byte.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

/// Where a text of the file stands, be it as a value, as a key or otherwise; `None` if nowhere.
pub(super) fn find(text: &str, part: &str) -> Option<Place> {
    // A comment may say the same, and a value can be written in many ways, such as with escapes.
    let parsed = || in_table(DeTable::parse(text).ok()?.get_ref(), part.trim_matches(['[', ']']));
    let first = part.lines().find(|line| !line.trim().is_empty());
    let literal = || first.and_then(|first| text.find(first));
    parsed().or_else(literal).map(|offset| Place::of(text, offset))
}

/// Where an item of a list of tables begins, such as the second `[[announce]]`.
pub(super) fn item(text: &str, list: &str, at: usize) -> Option<Place> {
    let table = DeTable::parse(text).ok()?;
    let DeValue::Array(items) = table.get_ref().get(list)?.get_ref() else { return None };
    Some(Place::of(text, items.get(at)?.span().start))
}

fn in_table(table: &DeTable, part: &str) -> Option<usize> {
    table.iter().find_map(
        |(key, value)| {
            if key.get_ref() == part { Some(key.span().start) } else { in_value(value, part) }
        },
    )
}

fn in_value(value: &Spanned<DeValue>, part: &str) -> Option<usize> {
    match value.get_ref() {
        DeValue::String(text) if text == part => Some(value.span().start),
        DeValue::Array(items) => items.iter().find_map(|item| in_value(item, part)),
        DeValue::Table(table) => in_table(table, part),
        _ => None,
    }
}
