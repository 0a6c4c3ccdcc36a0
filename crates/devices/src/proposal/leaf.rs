//! The values a payload consists of, each with the way to it.

use serde_json::Value as Json;

use crate::template::Path;

/// Keys and indices of a way, at most. Deeper values are nothing a sketch made by hand.
const DEPTH_MAX: usize = 4;
/// Values of one payload.
const LEAVES_MAX: usize = 64;
/// Items of one list; a longer one is a chart.
const ITEMS_MAX: usize = 16;
/// Longest text that may be a word, in characters.
const WORD_CHARS_MAX: usize = 32;

/// A value in a payload.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaf {
    /// A number, with the digits behind its point, and the unit that is written behind it.
    Number { value: f64, decimals: u8, unit: Option<String> },
    /// A short text.
    Word(String),
    /// `true` or `false` of JSON.
    Bool(bool),
    /// Nothing to make anything of.
    Other,
}

/// The way to a value: keys and indices; empty for the whole payload.
pub(super) type Way = Vec<Json>;

/// The values of a payload.
pub(super) fn leaves(payload: &str) -> Vec<(Way, Leaf)> {
    if payload.starts_with(['{', '[']) {
        let mut found = Vec::new();
        if let Ok(json) = serde_json::from_str::<Json>(payload) {
            collect(&json, &mut Vec::new(), &mut found);
        }
        return found;
    }
    vec![(Vec::new(), of_text(payload))]
}

/// The way as a person writes it: `ENERGY.Power`, `readings[0]`.
pub(super) fn written(way: &Way) -> Option<String> {
    let path = Path::from_json(&Json::Array(way.clone()))?;
    let template = path.to_template();
    let text = template.trim_start_matches("{{ value_json").trim_end_matches(" }}");
    Some(text.trim_start_matches('.').to_owned()).filter(|text| !text.is_empty())
}

fn collect(json: &Json, way: &mut Way, found: &mut Vec<(Way, Leaf)>) {
    if found.len() >= LEAVES_MAX || way.len() > DEPTH_MAX {
        return;
    }
    let mut step = |by: Json, value: &Json| {
        way.push(by);
        collect(value, way, found);
        way.pop();
    };
    match json {
        Json::Object(members) => {
            members.iter().for_each(|(key, value)| step(Json::from(key.as_str()), value))
        }
        Json::Array(items) if items.len() <= ITEMS_MAX => {
            items.iter().enumerate().for_each(|(at, value)| step(Json::from(at), value));
        }
        Json::Array(_) => {}
        scalar => found.push((way.clone(), of_json(scalar))),
    }
}

fn of_json(json: &Json) -> Leaf {
    match json {
        Json::Bool(value) => Leaf::Bool(*value),
        Json::Number(number) => of_text(&number.to_string()),
        Json::String(text) => of_text(text),
        _ => Leaf::Other,
    }
}

/// A bare text: a number, a number with its unit, a word.
fn of_text(text: &str) -> Leaf {
    let text = text.trim();
    if let Some((value, decimals)) = number(text) {
        return Leaf::Number { value, decimals, unit: None };
    }
    let digits = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    if let Some((value, decimals)) = number(amount)
        && is_unit(unit.trim())
    {
        return Leaf::Number { value, decimals, unit: Some(unit.trim().to_owned()) };
    }
    let is_word = text.chars().count() <= WORD_CHARS_MAX && text.chars().any(char::is_alphabetic);
    if is_word { Leaf::Word(text.to_owned()) } else { Leaf::Other }
}

fn number(text: &str) -> Option<(f64, u8)> {
    let value = crate::decode::number(text)?;
    let decimals = text.split_once('.').map_or(0, |(_, behind)| behind.len().min(6) as u8);
    Some((value, decimals))
}

/// Units that sketches print behind a number.
fn is_unit(text: &str) -> bool {
    const UNITS: [&str; 34] = [
        "°C", "C", "°F", "F", "%", "hPa", "Pa", "kPa", "mbar", "bar", "V", "mV", "A", "mA", "W", "kW", "Wh",
        "kWh", "lx", "lux", "ppm", "ppb", "dBm", "dB", "cm", "mm", "m", "km", "kg", "g", "L", "l", "Hz",
        "µg/m³",
    ];
    UNITS.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_fall_apart_into_values() {
        fn check(payload: &str, expected: &[(&str, &str)]) {
            let shown = |leaf: Leaf| match leaf {
                Leaf::Number { value, unit, .. } => format!("{value}{}", unit.unwrap_or_default()),
                Leaf::Word(word) => word,
                Leaf::Bool(value) => value.to_string(),
                Leaf::Other => "?".to_owned(),
            };
            let found: Vec<(String, String)> = leaves(payload)
                .into_iter()
                .map(|(way, leaf)| (written(&way).unwrap_or_default(), shown(leaf)))
                .collect();
            let expected: Vec<(String, String)> =
                expected.iter().map(|(way, leaf)| ((*way).to_owned(), (*leaf).to_owned())).collect();
            assert_eq!(found, expected, "{payload}");
        }
        check("512", &[("", "512")]);
        check("21.5 °C", &[("", "21.5°C")]);
        check("ON", &[("", "ON")]);
        check("192.168.1.2", &[("", "?")]);
        check("12:30", &[("", "?")]);
        check(
            r#"{"a":{"b":[1,{"c-d":"2.50"}]},"on":true,"n":null}"#,
            &[("a.b[0]", "1"), ("a.b[1]['c-d']", "2.5"), ("n", "?"), ("on", "true")],
        );
        check("{broken", &[]);
        check(&format!("[{}1]", "1,".repeat(20)), &[]);
        check(r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#, &[]);
    }
}
