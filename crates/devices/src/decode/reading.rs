//! From a text to a typed value: the rules of Home Assistant's MQTT components, with numbers read the same
//! whatever the language of the machine.

use model::{Component, EntityDescription, Value};

use crate::limits::STATE_CHARS_MAX;

/// What a text says about an entity.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// A value.
    Value(Value),
    /// That it does not know: `None`, which is what a template makes of a JSON null.
    Unknown,
    /// Nothing: the text is meant for something else.
    Nothing,
    /// Something this entity cannot be. In words.
    Nonsense(String),
}

/// Reads a text by the entity's kind.
pub(crate) fn read(description: &EntityDescription, text: &str) -> Said {
    if text == "None" {
        return Said::Unknown;
    }
    match description.component {
        Component::Sensor => read_sensor(description, text),
        Component::Number => match number(text) {
            Some(number) if in_limits(description, number) => Said::Value(Value::Number(number)),
            Some(number) => Said::Nonsense(format!("{number} is beyond its limits")),
            None => Said::Nonsense(format!("{} is not a number", quoted(text))),
        },
        Component::Select if !description.options.is_empty() => {
            if description.options.iter().any(|option| option == text) {
                Said::Value(Value::Text(text.to_owned()))
            } else {
                Said::Nonsense(format!("{} is none of its options", quoted(text)))
            }
        }
        Component::BinarySensor
        | Component::Switch
        | Component::Light
        | Component::Fan
        | Component::Siren => Said::Nothing,
        _ => Said::Value(Value::Text(cut(text))),
    }
}

fn in_limits(description: &EntityDescription, number: f64) -> bool {
    description.min.is_none_or(|min| number >= min) && description.max.is_none_or(|max| number <= max)
}

fn read_sensor(description: &EntityDescription, text: &str) -> Said {
    if is_text_class(description.device_class.as_deref()) {
        let is_option =
            description.options.is_empty() || description.options.iter().any(|option| option == text);
        return match text {
            "" => Said::Nothing,
            _ if is_option => Said::Value(Value::Text(cut(text))),
            _ => Said::Nonsense(format!("{} is none of its options", quoted(text))),
        };
    }
    let numeric = is_numeric(description);
    match number(text) {
        Some(number) if numeric || is_plain(text) => Said::Value(Value::Number(number)),
        // Devices report an empty text, or a word such as `unavailable`, while a probe has nothing to say.
        _ if numeric && (text.trim().is_empty() || text == "unavailable" || text == "unknown") => {
            Said::Nothing
        }
        _ if numeric => Said::Nonsense(format!("{} is not a number", quoted(text))),
        _ => Said::Value(Value::Text(cut(text))),
    }
}

/// Whether a sensor measures something, so that its value has to be a number.
pub(crate) fn is_numeric(description: &EntityDescription) -> bool {
    !is_text_class(description.device_class.as_deref())
        && (description.unit.is_some()
            || description.state_class.is_some()
            || description.precision.is_some()
            || description.device_class.is_some())
}

fn is_text_class(device_class: Option<&str>) -> bool {
    matches!(device_class, Some("enum" | "timestamp" | "date" | "uptime"))
}

/// A finite number with a point for a point.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    // Rust also reads `inf` and `nan`; no JSON, chart or threshold does.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether a number is written as people write amounts: `007` and `1e5` may be names.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole)
        && all_digits(fraction)
        && (whole == "0" || !whole.starts_with('0'))
        && digits.len() <= 15
}

/// A text short enough to keep.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(STATE_CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensor(unit: Option<&str>, device_class: Option<&str>) -> EntityDescription {
        let mut description = EntityDescription::new("x", Component::Sensor);
        description.unit = unit.map(ToOwned::to_owned);
        description.device_class = device_class.map(ToOwned::to_owned);
        description
    }

    #[test]
    fn sensors_that_measure_take_numbers_only() {
        fn check(text: &str, expected: Said) {
            let said = match read(&sensor(Some("°C"), None), text) {
                Said::Nonsense(_) => Said::Nonsense(String::new()),
                said => said,
            };
            assert_eq!(said, expected, "{text}");
        }
        check("21.5", Said::Value(Value::Number(21.5)));
        check(" 21.5\r\n", Said::Value(Value::Number(21.5)));
        check("-0.5e1", Said::Value(Value::Number(-5.0)));
        check("007", Said::Value(Value::Number(7.0)));
        check("None", Said::Unknown);
        check("", Said::Nothing);
        check("21,5", Said::Nonsense(String::new()));
        check("nan", Said::Nonsense(String::new()));
        check("1e999", Said::Nonsense(String::new()));
    }

    #[test]
    fn sensors_that_only_say_something_keep_texts_as_they_are() {
        fn check(text: &str, expected: Value) {
            assert_eq!(read(&sensor(None, None), text), Said::Value(expected), "{text}");
        }
        check("ready", Value::Text("ready".into()));
        check("42", Value::Number(42.0));
        check("007", Value::Text("007".into()));
        check("1e5", Value::Text("1e5".into()));
        check("192.168.1.2", Value::Text("192.168.1.2".into()));
        check("", Value::Text(String::new()));
        assert_eq!(read(&sensor(None, Some("timestamp")), "2024"), Said::Value(Value::Text("2024".into())));
    }
}
