//! Units of measurement in one spelling.

/// The unit as Home Assistant writes it. Both micro signs look the same and are two characters: U+03BC counts.
pub(crate) fn normalise(unit: &str, device_class: Option<&str>) -> Option<String> {
    let unit = unit.trim();
    let unit = match (unit, device_class) {
        ("", _) => return None,
        ("C" | "ºC" | "℃" | "celsius", Some("temperature")) | ("ºC" | "℃", _) => "°C",
        ("F" | "ºF" | "℉" | "fahrenheit", Some("temperature")) | ("ºF" | "℉", _) => "°F",
        ("m3", _) => "m³",
        ("ug/m3" | "ug/m³", _) => "μg/m³",
        ("RH%" | "% RH" | "%RH", Some("humidity")) => "%",
        (other, _) => other,
    };
    Some(unit.replace('\u{b5}', "\u{3bc}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_one_spelling() {
        fn check(unit: &str, class: Option<&str>, expected: Option<&str>) {
            assert_eq!(normalise(unit, class).as_deref(), expected, "{unit}");
        }
        check("\u{b5}g/m³", None, Some("\u{3bc}g/m³"));
        check("\u{3bc}g/m³", None, Some("\u{3bc}g/m³"));
        check("C", Some("temperature"), Some("°C"));
        check("C", None, Some("C"));
        check("", None, None);
        check(" W ", None, Some("W"));
    }
}
