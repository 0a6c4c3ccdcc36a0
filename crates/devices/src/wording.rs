//! What is asked for beside a value, in words.

use serde_json::Value as Json;

/// An attribute and what it is, such as `color temperature 4000 K`.
pub fn attribute_words(name: &str, value: &Json) -> String {
    format!("{} {}", attribute_name(name), attribute_value(name, value))
}

/// What an attribute is called.
pub(crate) fn attribute_name(name: &str) -> String {
    match name {
        "color_temp" | "color_temp_kelvin" => "color temperature".to_owned(),
        "brightness_pct" => "brightness".to_owned(),
        _ => name.replace('_', " "),
    }
}

/// What it is, with its unit where its name says one.
pub(crate) fn attribute_value(name: &str, value: &Json) -> String {
    let unit = match name {
        "color_temp" => " mired",
        "color_temp_kelvin" => " K",
        "brightness_pct" | "percentage" => " %",
        "transition" => " s",
        _ => "",
    };
    format!("{}{unit}", plain(value))
}

/// A text without its quotes, numbers as people write them.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string())
        }
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Json::Null | Json::Bool(_) | Json::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_asked_for_is_named() {
        fn check(name: &str, value: Json, expected: &str) {
            assert_eq!(attribute_words(name, &value), expected);
        }
        check("color_temp", json!(250), "color temperature 250 mired");
        check("color_temp_kelvin", json!(4000.0), "color temperature 4000 K");
        check("brightness", json!(128), "brightness 128");
        check("rgb_color", json!([255, 0, 7]), "rgb color 255, 0, 7");
        check("effect", json!("Fire"), "effect Fire");
        check("transition", json!(0.5), "transition 0.5 s");
    }
}
