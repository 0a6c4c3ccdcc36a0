//! Between Rhai's values and the house's.

use model::Value;
use rhai::{Dynamic, Map};
use serde_json::{Number, Value as Json};

use crate::trigger::Wanted;

/// How deep a value may be nested when it leaves a script: deeper JSON is refused by most readers, and every
/// level takes stack here.
const DEPTH_MAX: usize = 64;

/// An entity's value as a script reads it: on and off as `"on"` and `"off"`, unknown as `()`.
pub(crate) fn from_value(value: Option<&Value>) -> Dynamic {
    match value {
        None => Dynamic::UNIT,
        Some(Value::Bool(on)) => if *on { "on" } else { "off" }.into(),
        Some(Value::Number(number)) => Dynamic::from_float(*number),
        Some(Value::Text(text)) => text.as_str().into(),
    }
}

/// JSON as a script reads it: whole numbers as integers, null as `()`.
pub(crate) fn from_json(json: &Json) -> Dynamic {
    match json {
        Json::Null => Dynamic::UNIT,
        Json::Bool(bool) => Dynamic::from_bool(*bool),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Dynamic::from_int(int),
            (None, Some(float)) => Dynamic::from_float(float),
            (None, None) => Dynamic::UNIT,
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => Dynamic::from_array(items.iter().map(from_json).collect()),
        Json::Object(fields) => Dynamic::from_map(
            fields.iter().map(|(name, value)| (name.as_str().into(), from_json(value))).collect(),
        ),
    }
}

/// A script's value as JSON.
pub(crate) fn to_json(value: &Dynamic) -> Result<Json, String> {
    json_at(value, 0)
}

fn json_at(value: &Dynamic, depth: usize) -> Result<Json, String> {
    if depth > DEPTH_MAX {
        return Err(format!("The value is nested more than {DEPTH_MAX} levels deep. Make it flatter."));
    }
    if value.is_unit() {
        return Ok(Json::Null);
    }
    if let Ok(bool) = value.as_bool() {
        return Ok(Json::Bool(bool));
    }
    if let Ok(int) = value.as_int() {
        return Ok(Json::Number(int.into()));
    }
    if let Ok(float) = value.as_float() {
        return Number::from_f64(float)
            .map(Json::Number)
            .ok_or_else(|| format!("{float} cannot be sent: it is not a number that JSON knows."));
    }
    if let Ok(char) = value.as_char() {
        return Ok(Json::String(char.to_string()));
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(Json::String(text.to_string()));
    }
    if let Ok(items) = value.as_array_ref() {
        return items.iter().map(|item| json_at(item, depth + 1)).collect::<Result<_, _>>().map(Json::Array);
    }
    if let Ok(fields) = value.as_map_ref() {
        return fields
            .iter()
            .map(|(name, value)| Ok((name.to_string(), json_at(value, depth + 1)?)))
            .collect::<Result<_, String>>()
            .map(Json::Object);
    }
    Err(format!(
        "A {} cannot be sent. Send a text, a number, true or false, a list or a map.",
        type_word(value)
    ))
}

/// A script's value as the bytes of a payload: text as it is, a list or map as JSON, `()` as nothing.
pub(crate) fn to_payload(value: &Dynamic) -> Result<Vec<u8>, String> {
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(text.as_bytes().to_vec());
    }
    if let Ok(blob) = value.as_blob_ref() {
        return Ok(blob.clone());
    }
    match to_json(value)? {
        Json::Null => Ok(Vec::new()),
        Json::String(text) => Ok(text.into_bytes()),
        // `21.0` reads as 21 on a dashboard or in a template; JSON allows both.
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => Ok(float.to_string().into_bytes()),
            _ => Ok(number.to_string().into_bytes()),
        },
        json => Ok(json.to_string().into_bytes()),
    }
}

/// A script's value as an entity's value; `None` for `()`.
pub(crate) fn to_value(value: &Dynamic) -> Result<Option<Value>, String> {
    if value.is_unit() {
        return Ok(None);
    }
    if let Ok(bool) = value.as_bool() {
        return Ok(Some(Value::Bool(bool)));
    }
    if let Some(number) = to_number(value) {
        return Value::number(number)
            .map(Some)
            .ok_or_else(|| format!("{number} is not a number one can set."));
    }
    match to_json(value)? {
        Json::String(text) => Ok(Some(Value::Text(text))),
        _ => Err(format!("A {} is not a value. Use a text, a number, or true or false.", type_word(value))),
    }
}

/// What a `from` or `to` stands for.
pub(crate) fn to_wanted(value: &Dynamic) -> Result<Wanted, String> {
    Ok(to_value(value)?.map_or(Wanted::Unknown, Wanted::Known))
}

/// An integer or float as a float.
pub(crate) fn to_number(value: &Dynamic) -> Option<f64> {
    value.as_float().ok().or_else(|| value.as_int().ok().map(|int| int as f64))
}

/// Takes the named fields out of an options map, in that order; any other field is refused.
pub(crate) fn options<const N: usize>(
    function: &str,
    mut map: Map,
    names: [&str; N],
) -> Result<[Option<Dynamic>; N], String> {
    let found = names.map(|name| map.remove(name));
    match map.keys().next() {
        None => Ok(found),
        Some(stranger) => Err(format!(
            "`{function}` has no option `{stranger}`. {}",
            match names.as_slice() {
                [one] => format!("It knows `{one}`."),
                many => format!("It knows `{}`.", many.join("`, `")),
            }
        )),
    }
}

/// A value's type in words.
pub(crate) fn type_word(value: &Dynamic) -> &'static str {
    type_name_word(value.type_name())
}

/// Rhai's name of a type in words.
pub(crate) fn type_name_word(name: &str) -> &'static str {
    match name {
        "()" => "nothing ()",
        "bool" => "true/false",
        "i64" | "f64" | "int" | "float" => "number",
        "string" | "&str" | "char" | "ImmutableString" => "text",
        "array" => "list",
        "map" => "map",
        "blob" => "blob",
        "Fn" => "function",
        "range" | "range=" => "range",
        // Rhai names a text so in the signature of a call.
        name if name.starts_with("&str |") => "text",
        name if name.ends_with("Trigger") || name == "trigger" => "trigger",
        name if name.ends_with("Event") || name == "event" => "event",
        name if name.contains("Range") => "range",
        _ => "value",
    }
}

/// The beginning of a text, at most `bytes` long, cut between characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_what_a_person_would_type() {
        fn check(script: &str, expected: Result<&str, &str>) {
            let value = rhai::Engine::new_raw().eval::<Dynamic>(script).unwrap();
            let payload = to_payload(&value).map(|bytes| String::from_utf8(bytes).unwrap());
            match (payload, expected) {
                (Ok(payload), Ok(expected)) => assert_eq!(payload, expected, "{script}"),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{script}: {error}"),
                (payload, _) => panic!("{script}: {payload:?}"),
            }
        }
        check("\"on\"", Ok("on"));
        check("21", Ok("21"));
        check("21.0", Ok("21"));
        check("21.5", Ok("21.5"));
        check("true", Ok("true"));
        check("()", Ok(""));
        check("#{ b: 1, a: [1, \"x\", ()] }", Ok(r#"{"a":[1,"x",null],"b":1}"#));
        check("|x| x", Err("A function cannot be sent"));
    }

    #[test]
    fn an_option_that_does_not_exist_is_named() {
        let map: Map = [("too".into(), Dynamic::from_int(1))].into_iter().collect();
        let error = options("changed", map, ["from", "to"]).unwrap_err();
        assert_eq!(error, "`changed` has no option `too`. It knows `from`, `to`.");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "ä");
        assert_eq!(cut("abc", 9), "abc");
    }
}
