//! The methods of Python's `str`, `dict` and `list` that templates in the field call.

use minijinja::value::{Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};

use super::python;

/// Calls a method the engine does not know.
pub(super) fn call(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            // The engine charges for what comes out; this is for what goes in.
            state.consume_fuel(text.len() as u64 / 16)?;
            text_method(text, method, args)
        }
        ValueKind::Map => map_method(state, value, method, args),
        ValueKind::Seq => list_method(value, method, args),
        _ => Err(ErrorKind::UnknownMethod.into()),
    }
}

fn text_method(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let trimmed = |which: fn(&str, &dyn Fn(char) -> bool) -> String| -> Result<Value, Error> {
        let (set,): (Option<&str>,) = from_args(args)?;
        Ok(Value::from(match set {
            Some(set) => which(text, &|c| set.contains(c)),
            None => which(text, &char::is_whitespace),
        }))
    };
    let every = |test: fn(char) -> bool| Ok(Value::from(!text.is_empty() && text.chars().all(test)));
    match method {
        "split" => split(text, args, false),
        "rsplit" => split(text, args, true),
        "splitlines" => Ok(text.lines().map(Value::from).collect()),
        "strip" => trimmed(|text, test| text.trim_matches(test).to_owned()),
        "lstrip" => trimmed(|text, test| text.trim_start_matches(test).to_owned()),
        "rstrip" => trimmed(|text, test| text.trim_end_matches(test).to_owned()),
        "upper" => Ok(Value::from(text.to_uppercase())),
        "lower" => Ok(Value::from(text.to_lowercase())),
        "capitalize" => Ok(Value::from(capitalize(text))),
        "title" => Ok(Value::from(
            text.split_inclusive(|c: char| !c.is_alphanumeric()).map(capitalize).collect::<String>(),
        )),
        "replace" => {
            let (from, to, count): (&str, &str, Option<usize>) = from_args(args)?;
            if to.len().saturating_mul(text.len() + 1) > crate::limits::TEMPLATE_OUTPUT_BYTES_MAX * 64 {
                return Err(Error::new(ErrorKind::InvalidOperation, "the replaced text would be too long"));
            }
            Ok(Value::from(match count {
                Some(count) => text.replacen(from, to, count),
                None => text.replace(from, to),
            }))
        }
        "startswith" | "endswith" => {
            let (affix,): (Value,) = from_args(args)?;
            let affixes: Vec<Value> =
                if affix.kind() == ValueKind::String { vec![affix] } else { affix.try_iter()?.collect() };
            Ok(Value::from(affixes.iter().filter_map(Value::as_str).any(|affix| {
                if method == "startswith" { text.starts_with(affix) } else { text.ends_with(affix) }
            })))
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Ok(Value::from(text.strip_prefix(prefix).unwrap_or(text)))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Ok(Value::from(text.strip_suffix(suffix).unwrap_or(text)))
        }
        "find" => {
            let (part,): (&str,) = from_args(args)?;
            let at = text.find(part).map_or(-1, |at| text[..at].chars().count() as i64);
            Ok(Value::from(at))
        }
        "count" => {
            let (part,): (&str,) = from_args(args)?;
            Ok(Value::from(text.matches(part).count()))
        }
        "join" => {
            let (parts,): (Value,) = from_args(args)?;
            let parts: Vec<String> = parts.try_iter()?.map(|part| python::print(&part)).collect();
            Ok(Value::from(parts.join(text)))
        }
        "zfill" => {
            let (width,): (usize,) = from_args(args)?;
            let (sign, digits) = match text.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", text),
            };
            let zeros = width.min(256).saturating_sub(text.chars().count());
            Ok(Value::from(format!("{sign}{}{digits}", "0".repeat(zeros))))
        }
        "isdigit" | "isnumeric" | "isdecimal" => every(char::is_numeric),
        "isalpha" => every(char::is_alphabetic),
        "isalnum" => every(char::is_alphanumeric),
        "isupper" => Ok(Value::from(text.chars().any(char::is_uppercase) && text == text.to_uppercase())),
        "islower" => Ok(Value::from(text.chars().any(char::is_lowercase) && text == text.to_lowercase())),
        _ => Err(ErrorKind::UnknownMethod.into()),
    }
}

fn split(text: &str, args: &[Value], from_end: bool) -> Result<Value, Error> {
    let (separator, most): (Option<Value>, Option<i64>) = from_args(args)?;
    let most =
        most.and_then(|most| usize::try_from(most).ok()).map_or(usize::MAX, |most| most.saturating_add(1));
    let separator = separator.filter(|separator| !separator.is_none());
    let parts: Vec<&str> = match separator.as_ref().map(|separator| separator.as_str().unwrap_or_default()) {
        Some("") => return Err(Error::new(ErrorKind::InvalidOperation, "split needs a separator")),
        Some(separator) if from_end => {
            let mut parts: Vec<&str> = text.rsplitn(most, separator).collect();
            parts.reverse();
            parts
        }
        Some(separator) => text.splitn(most, separator).collect(),
        None => text.split_whitespace().collect(),
    };
    Ok(parts.into_iter().map(Value::from).collect())
}

fn map_method(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    match method {
        "get" => {
            let (key, other): (Value, Option<Value>) = from_args(args)?;
            let found = value.get_item(&key)?;
            Ok(if found.is_undefined() { other.unwrap_or_else(|| Value::from(())) } else { found })
        }
        "keys" => Ok(value.try_iter()?.collect()),
        "values" => {
            let values: Result<Vec<Value>, Error> =
                value.try_iter()?.map(|key| value.get_item(&key)).collect();
            values.map(Value::from)
        }
        "items" => state.apply_filter("items", std::slice::from_ref(value)),
        _ => Err(ErrorKind::UnknownMethod.into()),
    }
}

fn list_method(value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (wanted,): (Value,) = from_args(args)?;
    match method {
        "count" => Ok(Value::from(value.try_iter()?.filter(|item| *item == wanted).count())),
        "index" => value
            .try_iter()?
            .position(|item| item == wanted)
            .map(Value::from)
            .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "the list has no such item")),
        _ => Err(ErrorKind::UnknownMethod.into()),
    }
}

pub(super) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}
