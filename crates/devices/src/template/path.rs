//! The fast path: a template that only points into the payload, as nine of ten in the field do.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::python;

/// A way into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Path(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Key(Box<str>),
    Index(usize),
}

/// What a bare template points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bare {
    /// `{{ value }}`: the payload as it is.
    Payload,
    /// `{{ value_json.a['b'][0] }}`.
    Json(Path),
}

impl Bare {
    /// Reads a template that is nothing but one path; anything else is `None`. `| is_defined` at the end
    /// changes nothing here: what is not there is never printed.
    pub(crate) fn parse(template: &str) -> Option<Self> {
        let inner = template.trim().strip_prefix("{{")?.strip_suffix("}}")?;
        let inner = inner.strip_prefix('-').unwrap_or(inner);
        let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
        let inner = match inner.rsplit_once('|') {
            Some((path, filter)) if filter.trim() == "is_defined" => path.trim_end(),
            _ => inner,
        };
        if inner == "value" {
            return Some(Self::Payload);
        }
        let way = inner.strip_prefix("value_json")?;
        if way.is_empty() || way.starts_with(['.', '[']) { Path::parse(way).map(Self::Json) } else { None }
    }
}

impl Path {
    /// Reads `.a['b'][0]`; the first dot may be left out, so that people can write `a.b`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut segments = Vec::new();
        if !rest.is_empty() && !rest.starts_with(['.', '[']) {
            let (key, after) = identifier(rest)?;
            segments.push(Segment::Key(key.into()));
            rest = after;
        }
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let (key, after) = identifier(after)?;
                segments.push(Segment::Key(key.into()));
                rest = after;
            } else {
                let after = rest.strip_prefix('[')?.trim_start();
                let (segment, after) = subscript(after)?;
                segments.push(segment);
                rest = after.trim_start().strip_prefix(']')?;
            }
        }
        Some(Self(segments))
    }

    /// A path given as a list of keys and indices.
    pub(crate) fn from_json(list: &Json) -> Option<Self> {
        let segment = |step: &Json| match step {
            Json::String(key) => Some(Segment::Key(key.as_str().into())),
            Json::Number(index) => Some(Segment::Index(usize::try_from(index.as_u64()?).ok()?)),
            _ => None,
        };
        list.as_array()?.iter().map(segment).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Goes the way. The first element of a number is the number: meters report `[1.2, 3.4]` per phase and
    /// a plain number when there is one phase only.
    pub(crate) fn find<'a>(&self, json: &'a Json) -> Option<&'a Json> {
        self.0.iter().try_fold(json, |json, segment| match (segment, json) {
            (Segment::Key(key), Json::Object(members)) => members.get(key.as_ref()),
            (Segment::Index(index), Json::Array(items)) => items.get(*index),
            (Segment::Index(0), Json::Number(_)) => Some(json),
            _ => None,
        })
    }

    /// What is found, printed as Python prints it.
    pub(crate) fn print<'a>(&self, json: &'a Json) -> Option<Cow<'a, str>> {
        match self.find(json)? {
            Json::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(python::print_json(other))),
        }
    }

    /// This path, then the other.
    pub(crate) fn then(mut self, other: Path) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The template text that [`Bare::parse`] reads as this path.
    pub(crate) fn to_template(&self) -> String {
        let mut text = String::from("{{ value_json");
        for segment in &self.0 {
            match segment {
                Segment::Index(index) => text.push_str(&format!("[{index}]")),
                Segment::Key(key) if identifier(key).is_some_and(|(_, rest)| rest.is_empty()) => {
                    text.push('.');
                    text.push_str(key);
                }
                Segment::Key(key) => {
                    text.push_str("['");
                    text.push_str(&key.replace('\\', "\\\\").replace('\'', "\\'"));
                    text.push_str("']");
                }
            }
        }
        text.push_str(" }}");
        text
    }
}

fn identifier(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some((name, rest))
}

fn subscript(text: &str) -> Option<(Segment, &str)> {
    let quote = text.chars().next()?;
    if quote != '\'' && quote != '"' {
        let end = text.find(|c: char| !c.is_ascii_digit())?;
        return Some((Segment::Index(text[..end].parse().ok()?), &text[end..]));
    }
    let mut key = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((Segment::Key(key.into()), &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                escaped @ ('\\' | '\'' | '"') => key.push(escaped),
                _ => return None,
            },
            _ => key.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_paths_are_recognised_and_nothing_else_is() {
        fn check(template: &str, expected: Option<&str>) {
            let json = serde_json::json!({"a": {"b": [1.5, "x"], "c-d": true, "e'f": null}, "n": 7});
            let found = match Bare::parse(template) {
                Some(Bare::Json(path)) => Some(path.print(&json).map_or("undefined".into(), Cow::into_owned)),
                Some(Bare::Payload) => Some("payload".to_owned()),
                None => None,
            };
            assert_eq!(found.as_deref(), expected, "{template}");
        }
        check("{{ value }}", Some("payload"));
        check("{{value}}", Some("payload"));
        check("{{ value_json.a.b[0] }}", Some("1.5"));
        check("{{- value_json['a'][\"b\"][1] -}}", Some("x"));
        check("{{ value_json.a['c-d'] }}", Some("True"));
        check(r"{{ value_json.a['e\'f'] }}", Some("None"));
        check("{{ value_json.n[0] }}", Some("7"));
        check("{{ value_json.n[1] }}", Some("undefined"));
        check("{{ value_json.a.zz.y | is_defined }}", Some("undefined"));
        check("{{ value_json.n * 2 }}", None);
        check("{{ value_json.24_hours }}", None);
        check("{{ value_json.a }} W", None);
        check("{{ value_jsonx }}", None);
        check("{{ value }}{{ value }}", None);
    }

    #[test]
    fn a_path_survives_being_written_down() {
        fn check(list: Json) {
            let path = Path::from_json(&list).unwrap();
            assert_eq!(Bare::parse(&path.to_template()), Some(Bare::Json(path)), "{list}");
        }
        check(serde_json::json!(["ENERGY", "Power", 0]));
        check(serde_json::json!(["DS18B20-1", "it's", "a\\b", "24h", "Wärme"]));
    }
}
