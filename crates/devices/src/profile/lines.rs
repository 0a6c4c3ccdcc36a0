//! Where in a profile a fault is.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line of a place, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

/// The line where a text of the file stands, be it as a value, as a key or otherwise; `None` if nowhere.
pub(super) fn find_line(text: &str, part: &str) -> Option<usize> {
    let first = part.lines().find(|line| !line.trim().is_empty());
    let literal = || first.and_then(|first| text.find(first));
    // A value can be written in many ways, such as with escapes or as an empty text.
    let parsed = || in_table(DeTable::parse(text).ok()?.get_ref(), part.trim_matches(['[', ']']));
    literal().or_else(parsed).map(|offset| line_of(text, offset))
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
