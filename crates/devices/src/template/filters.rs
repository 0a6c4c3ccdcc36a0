//! Filters, tests and functions that Home Assistant adds to Jinja2, or that print otherwise in Python.
//! Source of the names: Home Assistant's templating documentation.

use std::num::NonZeroUsize;

use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use regex::Regex;

use super::path::Path;
use super::{methods, python};

/// Largest compiled regular expression, in bytes: patterns come from announcements.
const REGEX_BYTES_MAX: usize = 256 * 1024;

/// Adds everything to an environment.
pub(super) fn add_to(env: &mut Environment<'static>) {
    env.add_filter("is_defined", is_defined);
    env.add_filter("int", int);
    env.add_filter("float", float);
    env.add_filter("bool", bool_or);
    env.add_filter("round", round);
    env.add_filter("string", |value: Value| python::print(&value));
    env.add_filter("truncate", truncate);
    env.add_filter("tojson", to_json);
    env.add_filter("to_json", to_json);
    env.add_filter("from_json", from_json);
    env.add_filter("capitalize", |text: String| methods::capitalize(&text));
    env.add_filter("multiply", |value: Value, by: f64, or: Option<Value>| arithmetic(&value, or, |n| n * by));
    env.add_filter("add", |value: Value, more: f64, or: Option<Value>| arithmetic(&value, or, |n| n + more));
    env.add_filter("sqrt", |value: Value, or: Option<Value>| arithmetic(&value, or, f64::sqrt));
    env.add_filter("bitwise_and", |a: i64, b: i64| a & b);
    env.add_filter("bitwise_or", |a: i64, b: i64| a | b);
    env.add_filter("bitwise_xor", |a: i64, b: i64| a ^ b);
    env.add_filter("regex_replace", regex_replace);
    env.add_filter("regex_findall", regex_findall);
    env.add_filter("regex_findall_index", regex_findall_index);
    env.add_filter("regex_match", |state: &State, text: Value, pattern: &str, ignorecase: Option<bool>| {
        found(state, &text, &format!("^(?:{pattern})"), ignorecase)
    });
    env.add_filter("regex_search", |state: &State, text: Value, pattern: &str, ignorecase: Option<bool>| {
        found(state, &text, pattern, ignorecase)
    });
    env.add_filter("iif", iif);
    env.add_filter("is_number", |value: Value| is_number(&value));
    env.add_filter("at", at);
    env.add_filter("contains", |list: Value, item: Value| contains(&list, &item));
    env.add_filter("timestamp_utc", |seconds: f64| format_time(seconds, "%Y-%m-%dT%H:%M:%S+00:00"));
    env.add_filter("timestamp_local", |seconds: f64| format_time(seconds, "%Y-%m-%dT%H:%M:%S+00:00"));
    env.add_filter("timestamp_custom", |seconds: f64, format: Option<&str>, _local: Option<bool>| {
        format_time(seconds, format.unwrap_or("%Y-%m-%d %H:%M:%S"))
    });
    env.add_filter("hex", |number: i64| format!("{number:#x}"));
    env.add_filter("ord", |text: &str| text.chars().next().map(u32::from));

    env.add_test("number", |value: Value| value.kind() == ValueKind::Number);
    env.add_test("is_number", |value: Value| is_number(&value));
    env.add_test("contains", |list: Value, item: Value| contains(&list, &item));
    env.add_test("match", |state: &State, text: Value, pattern: &str| {
        found(state, &text, &format!("^(?:{pattern})"), None)
    });
    env.add_test("search", |state: &State, text: Value, pattern: &str| found(state, &text, pattern, None));

    env.add_function("int", int);
    env.add_function("float", float);
    env.add_function("bool", bool_or);
    env.add_function("iif", iif);
    env.add_function("is_number", |value: Value| is_number(&value));
    env.add_function("min", |args: Rest<Value>| extreme(&args, std::cmp::Ordering::Less));
    env.add_function("max", |args: Rest<Value>| extreme(&args, std::cmp::Ordering::Greater));
    env.add_function("sqrt", |value: Value, or: Option<Value>| arithmetic(&value, or, f64::sqrt));
    env.add_function("zip", zip);
    env.add_function("leaves", super::leaves::leaves);
    env.add_function("states", own_state);
    env.add_function("is_state", |state: &State, entity: Value, wanted: Value| {
        own_state(state, entity).is_ok_and(|is| python::print(&is) == python::print(&wanted))
    });
    env.add_function("state_attr", own_attribute);
    env.add_global("pi", std::f64::consts::PI);
    env.add_global("e", std::f64::consts::E);
}

fn fail(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// A missing value ends the rendering: the message changes nothing.
fn is_defined(value: Value) -> Result<Value, Error> {
    if value.is_undefined() { Err(ErrorKind::UndefinedError.into()) } else { Ok(value) }
}

/// The number a value is or says, as Python's `float()` reads it.
fn number(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::String => value.as_str()?.trim().parse().ok(),
        _ => None,
    }
}

fn default_of(default: Option<Value>, kwargs: &Kwargs) -> Result<Option<Value>, Error> {
    let named: Option<Value> = kwargs.get("default")?;
    Ok(default.or(named))
}

fn int(value: Value, default: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let default = default_of(default, &kwargs)?;
    let base: Option<u32> = kwargs.get("base")?;
    if value.is_integer() {
        return Ok(value);
    }
    if let Some(text) = value.as_str() {
        let text = text.trim().replace('_', "");
        let base = base.filter(|base| (2..=36).contains(base)).unwrap_or(10);
        let digits = if base == 16 { text.trim_start_matches("0x") } else { &text };
        if let Ok(whole) = i64::from_str_radix(digits, base) {
            return Ok(Value::from(whole));
        }
    }
    // `as` saturates; a number beyond i64 is not a reading.
    Ok(match number(&value).filter(|number| number.is_finite()) {
        Some(number) => Value::from(number.trunc() as i64),
        None => default.unwrap_or_else(|| Value::from(0)),
    })
}

fn float(value: Value, default: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let default = default_of(default, &kwargs)?;
    Ok(number(&value).map(Value::from).or(default).unwrap_or_else(|| Value::from(0.0)))
}

fn bool_or(value: Value, default: Option<Value>) -> Result<Value, Error> {
    if value.kind() == ValueKind::Bool {
        return Ok(value);
    }
    let word = python::print(&value).to_lowercase();
    match word.trim() {
        "1" | "1.0" | "true" | "yes" | "on" | "enable" => Ok(Value::from(true)),
        "0" | "0.0" | "false" | "no" | "off" | "disable" => Ok(Value::from(false)),
        _ => default.ok_or_else(|| fail("bool: neither yes nor no, and no default given")),
    }
}

/// Home Assistant's `round`: whole numbers without a point.
fn round(value: Value, precision: Option<i32>, method: Option<&str>, kwargs: Kwargs) -> Result<Value, Error> {
    let precision: i32 = precision.or(kwargs.get("precision")?).unwrap_or(0);
    let named: Option<&str> = kwargs.get("method")?;
    let default: Option<Value> = kwargs.get("default")?;
    let Some(number) = number(&value) else {
        return default.ok_or_else(|| fail("round: not a number, and no default given"));
    };
    let scale = 10f64.powi(precision.clamp(-15, 15));
    let rounded = match method.or(named).unwrap_or("common") {
        "ceil" => (number * scale).ceil() / scale,
        "floor" => (number * scale).floor() / scale,
        "half" => (number * 2.0).round() / 2.0,
        // Formatting rounds the exact value, half to even, as Python does.
        _ if precision >= 0 => format!("{number:.*}", precision.min(15) as usize).parse().unwrap_or(number),
        _ => (number * scale).round_ties_even() / scale,
    };
    Ok(if precision == 0 && rounded.abs() < 9e15 && method != Some("half") {
        Value::from(rounded as i64)
    } else {
        Value::from(rounded)
    })
}

fn truncate(
    text: Value,
    length: Option<usize>,
    whole_words: Option<bool>,
    end: Option<String>,
    rest: Rest<Value>,
) -> Result<String, Error> {
    let text = python::print(&text);
    let length = length.unwrap_or(255);
    let end = end.unwrap_or_else(|| "...".to_owned());
    let leeway = rest.first().and_then(Value::as_usize).unwrap_or(5);
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text);
    }
    let kept: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
    // The third argument is Jinja2's `killwords`: true cuts inside a word.
    if whole_words == Some(true) {
        return Ok(kept + &end);
    }
    Ok(kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words).to_owned() + &end)
}

fn to_json(value: Value, _kwargs: Kwargs) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let json = serde_json::to_value(&value).map_err(|why| fail(format!("to_json: {why}")))?;
    Ok(Value::from(json.to_string()))
}

fn from_json(state: &State, text: &str) -> Result<Value, Error> {
    state.consume_fuel(text.len() as u64 / 8)?;
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|why| fail(format!("from_json: {why}")))?;
    Ok(super::from_json(&json))
}

fn arithmetic(value: &Value, or: Option<Value>, step: impl Fn(f64) -> f64) -> Result<Value, Error> {
    match (number(value).map(step), or) {
        (Some(number), _) => Ok(Value::from(number)),
        (None, Some(or)) => Ok(or),
        (None, None) => Err(fail("not a number, and no default given")),
    }
}

fn regex(state: &State, text: &str, pattern: &str, ignorecase: Option<bool>) -> Result<Regex, Error> {
    // Compiling dwarfs matching for the short texts of payloads.
    state.consume_fuel(500 + pattern.len() as u64 * 20 + text.len() as u64 / 8)?;
    regex::RegexBuilder::new(pattern)
        .case_insensitive(ignorecase == Some(true))
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|why| fail(format!("regex: {why}")))
}

/// Whether a text matches all of a pattern; `None` if the pattern cannot be read.
pub(super) fn whole_match(pattern: &str, text: &str) -> Option<bool> {
    let all = regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(REGEX_BYTES_MAX).build();
    Some(all.ok()?.is_match(text))
}

fn found(state: &State, text: &Value, pattern: &str, ignorecase: Option<bool>) -> Result<bool, Error> {
    let text = python::print(text);
    Ok(regex(state, &text, pattern, ignorecase)?.is_match(&text))
}

fn regex_replace(
    state: &State,
    text: Value,
    find: Option<&str>,
    replace: Option<&str>,
    ignorecase: Option<bool>,
) -> Result<String, Error> {
    let text = python::print(&text);
    let regex = regex(state, &text, find.unwrap_or_default(), ignorecase)?;
    // Python writes groups as \1; the regex crate as ${1}, and `$` by itself means something to it.
    let replace = replace.unwrap_or_default().replace('$', "$$");
    let groups = Regex::new(r"\\(?:g<(\w+)>|(\d))").map_err(|why| fail(why.to_string()))?;
    let replace = groups.replace_all(&replace, "$${$1$2}");
    Ok(regex.replace_all(&text, replace.as_ref()).into_owned())
}

fn findall(
    state: &State,
    text: &Value,
    find: Option<&str>,
    ignorecase: Option<bool>,
) -> Result<Vec<Value>, Error> {
    let text = python::print(text);
    let regex = regex(state, &text, find.unwrap_or_default(), ignorecase)?;
    let mut all = Vec::new();
    for captures in regex.captures_iter(&text) {
        state.consume_fuel(captures.len() as u64)?;
        let group = |i: usize| Value::from(captures.get(i).map_or("", |group| group.as_str()));
        // As Python: the match, or the one group, or all groups.
        all.push(match captures.len() {
            1 => group(0),
            2 => group(1),
            groups => (1..groups).map(group).collect(),
        });
    }
    Ok(all)
}

fn regex_findall(
    state: &State,
    text: Value,
    find: Option<&str>,
    ignorecase: Option<bool>,
) -> Result<Vec<Value>, Error> {
    findall(state, &text, find, ignorecase)
}

fn regex_findall_index(
    state: &State,
    text: Value,
    find: Option<&str>,
    index: Option<usize>,
    ignorecase: Option<bool>,
) -> Result<Value, Error> {
    let all = findall(state, &text, find, ignorecase)?;
    all.get(index.unwrap_or(0)).cloned().ok_or_else(|| fail("regex_findall_index: not found"))
}

fn iif(value: Value, yes: Option<Value>, no: Option<Value>, none: Option<Value>) -> Value {
    if value.is_none()
        && let Some(none) = none
    {
        return none;
    }
    if value.is_true() { yes.unwrap_or(Value::from(true)) } else { no.unwrap_or(Value::from(false)) }
}

fn is_number(value: &Value) -> bool {
    value.kind() != ValueKind::Bool && number(value).is_some_and(f64::is_finite)
}

/// `json|at(["a", 0])`: what stands at a path; undefined if nothing does.
fn at(value: Value, path: Value) -> Result<Value, Error> {
    let list = serde_json::to_value(&path).map_err(|why| fail(why.to_string()))?;
    let path = Path::from_json(&list).ok_or_else(|| fail("at: the path is a list of keys and indices"))?;
    let json = serde_json::to_value(&value).map_err(|why| fail(why.to_string()))?;
    Ok(path.find(&json).map_or(Value::UNDEFINED, super::from_json))
}

fn contains(list: &Value, item: &Value) -> bool {
    match (list.as_str(), item.as_str()) {
        (Some(text), Some(part)) => text.contains(part),
        _ => list.try_iter().is_ok_and(|mut items| items.any(|one| one == *item)),
    }
}

fn extreme(args: &[Value], wanted: std::cmp::Ordering) -> Result<Value, Error> {
    let items: Vec<Value> = match args {
        [list] => list.try_iter()?.collect(),
        _ => args.to_vec(),
    };
    items
        .into_iter()
        .reduce(|best, item| if item.cmp(&best) == wanted { item } else { best })
        .ok_or_else(|| fail("min and max need at least one value"))
}

fn zip(lists: Rest<Value>) -> Result<Value, Error> {
    let mut columns = lists.iter().map(Value::try_iter).collect::<Result<Vec<_>, _>>()?;
    let mut rows = Vec::new();
    while let Some(row) = columns.iter_mut().map(Iterator::next).collect::<Option<Vec<Value>>>() {
        if row.is_empty() {
            break;
        }
        rows.push(Value::from(row));
    }
    Ok(Value::from(rows))
}

/// `states(entity_id)`: a template sees the state of its own entity and no other.
fn own_state(state: &State, entity: Value) -> Result<Value, Error> {
    let own = state.lookup("entity_id").unwrap_or_default();
    if own.is_undefined() || own != entity {
        return Ok(Value::from("unknown"));
    }
    state.lookup("this").unwrap_or_default().get_attr("state")
}

fn own_attribute(state: &State, entity: Value, name: &str) -> Result<Value, Error> {
    let own = state.lookup("entity_id").unwrap_or_default();
    if own.is_undefined() || own != entity {
        return Ok(Value::from(()));
    }
    let attributes = state.lookup("this").unwrap_or_default().get_attr("attributes")?;
    let found = attributes.get_attr(name).unwrap_or_default();
    Ok(if found.is_undefined() { Value::from(()) } else { found })
}

fn format_time(seconds: f64, format: &str) -> Result<String, Error> {
    crate::moment::format(seconds, format)
        .ok_or_else(|| fail("times are between 1970 and 9999 and are written with %Y %m %d %H %M %S"))
}

/// Kept so that a limit can be written as a non-zero number in profiles.
pub(super) fn depth(kwargs: &Kwargs) -> Result<NonZeroUsize, Error> {
    let depth: Option<usize> = kwargs.get("depth")?;
    NonZeroUsize::new(depth.unwrap_or(3).min(8)).ok_or_else(|| fail("depth starts at 1"))
}
