//! Printing as Python does: templates in the field are written for Jinja2, and devices compare `True` and
//! `False`.

use minijinja::Value;
use minijinja::value::ValueKind;
use serde_json::Value as Json;

/// `str()` of a JSON value.
pub(crate) fn print_json(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => {
            let mut out = String::new();
            repr_json(other, &mut out);
            out
        }
    }
}

fn repr_json(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("None"),
        Json::Bool(true) => out.push_str("True"),
        Json::Bool(false) => out.push_str("False"),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.push_str(&print_float(float)),
            _ => out.push_str(&number.to_string()),
        },
        Json::String(text) => repr_text(text, out),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                repr_json(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                repr_text(key, out);
                out.push_str(": ");
                repr_json(value, out);
            }
            out.push('}');
        }
    }
}

fn repr_text(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// `repr()` of a float: the shortest digits that read back the same, and an exponent beyond 1e16 and below
/// 1e-4.
pub(crate) fn print_float(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = float.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let text = format!("{float}");
    if text.contains('.') { text } else { text + ".0" }
}

/// `str()` of a template's value.
pub(crate) fn print(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => String::new(),
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Bool => if value.is_true() { "True" } else { "False" }.to_owned(),
        ValueKind::None => "None".to_owned(),
        ValueKind::Number if !value.is_integer() => {
            f64::try_from(value.clone()).map_or_else(|_| value.to_string(), print_float)
        }
        ValueKind::Seq | ValueKind::Map => match serde_json::to_value(value) {
            Ok(json) => print_json(&json),
            Err(_) => value.to_string(),
        },
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_look_as_in_python() {
        fn check(json: Json, expected: &str) {
            assert_eq!(print_json(&json), expected);
        }
        check(serde_json::json!(21.5), "21.5");
        check(serde_json::json!(21.0), "21.0");
        check(serde_json::json!(100), "100");
        check(serde_json::json!(1e16), "1e+16");
        check(serde_json::json!(0.00001), "1e-05");
        check(serde_json::json!(0.0001), "0.0001");
        check(serde_json::json!(true), "True");
        check(serde_json::json!(null), "None");
        check(serde_json::json!(["it's", 1, {"a": false}]), r#"["it's", 1, {'a': False}]"#);
    }
}
