//! The words of a name: `soilMoisture_2`, `DS18B20-Temp`, `vbat`; and the name they make.

use crate::slug::slug;

/// Words that say nothing of what a value is.
const GENERIC: [&str; 22] = [
    "state",
    "status",
    "stat",
    "value",
    "val",
    "data",
    "sensor",
    "sensors",
    "reading",
    "readings",
    "measurement",
    "measurements",
    "tele",
    "telemetry",
    "json",
    "result",
    "out",
    "wert",
    "werte",
    "zustand",
    "get",
    "raw",
];

/// Short words of the field, and what they stand for. Whole words of any language stay as they are.
const ABBREVIATIONS: [(&str, &str); 35] = [
    ("temp", "temperature"),
    ("tmp", "temperature"),
    ("hum", "humidity"),
    ("humi", "humidity"),
    ("rh", "humidity"),
    ("press", "pressure"),
    ("baro", "pressure"),
    ("bat", "battery"),
    ("batt", "battery"),
    ("vbat", "battery voltage"),
    ("vbatt", "battery voltage"),
    ("ubat", "battery voltage"),
    ("volt", "voltage"),
    ("volts", "voltage"),
    ("vcc", "supply voltage"),
    ("vdd", "supply voltage"),
    ("curr", "current"),
    ("amps", "current"),
    ("watts", "power"),
    ("lum", "brightness"),
    ("lux", "brightness"),
    ("moist", "moisture"),
    ("rssi", "Wi-Fi signal"),
    ("dist", "distance"),
    ("freq", "frequency"),
    ("co2", "CO₂"),
    ("eco2", "CO₂ equivalent"),
    ("tvoc", "TVOC"),
    ("voc", "VOC"),
    ("pm25", "PM2.5"),
    ("pm10", "PM10"),
    ("pm1", "PM1"),
    ("freeheap", "free memory"),
    ("heap", "free memory"),
    ("pir", "motion"),
];

/// The words of a name in lower-case ASCII, with numbers as words of their own; `co2` and `pm2.5` are one.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(name.len() + 8);
    let mut before = ' ';
    for c in name.chars() {
        let humps = before.is_lowercase() && c.is_uppercase();
        if humps {
            spaced.push('_');
        }
        spaced.push(c);
        before = c;
    }
    let whole = slug(&spaced);
    for (written, one) in [("pm2_5", "pm25"), ("pm_2_5", "pm25"), ("pm_10", "pm10")] {
        if whole == written || whole.starts_with(&format!("{written}_")) {
            return std::iter::once(one.to_owned()).chain(words(&whole[written.len()..])).collect();
        }
    }
    whole.split('_').flat_map(split_number).filter(|word| !word.is_empty()).collect()
}

/// `temp1` is `temp` and `1`; chemistry and dust stay whole.
fn split_number(word: &str) -> Vec<String> {
    let is_one = ["co2", "eco2", "pm25", "pm10", "pm1", "h2o", "no2", "o3", "so2"].contains(&word);
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if is_one || letters.is_empty() || letters.len() == word.len() {
        return vec![word.to_owned()];
    }
    vec![letters.to_owned(), word[letters.len()..].to_owned()]
}

/// Whether a name says nothing of what the value is.
pub(super) fn is_generic(name: &str) -> bool {
    words(name).iter().all(|word| GENERIC.contains(&word.as_str()))
}

/// A name for what is called by these parts, from the outside in: `["bme", "temp"]` is `Bme temperature`.
pub(super) fn name_of(parts: &[&str]) -> String {
    let mut said: Vec<String> = Vec::new();
    for part in parts {
        for word in spoken(part) {
            if said.last() != Some(&word) {
                said.push(word);
            }
        }
    }
    capital(&said.join(" "))
}

/// The words of one part with their marks and capitals, abbreviations written out.
fn spoken(part: &str) -> Vec<String> {
    let plain = words(part);
    let whole = plain.concat();
    if let Some((_, meaning)) = ABBREVIATIONS.iter().find(|(short, _)| *short == whole) {
        return vec![(*meaning).to_owned()];
    }
    let is_marked = !part.is_ascii();
    if is_marked && plain.len() == 1 {
        return vec![part.to_lowercase()];
    }
    plain
        .into_iter()
        .map(|word| {
            let known = ABBREVIATIONS.iter().find(|(short, _)| *short == word);
            known.map_or(word, |(_, meaning)| (*meaning).to_owned())
        })
        .collect()
}

/// With a capital in front.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_apart_into_words() {
        fn check(name: &str, expected: &[&str]) {
            assert_eq!(words(name), expected, "{name}");
        }
        check("soilMoisture_2", &["soil", "moisture", "2"]);
        check("DS18B20-Temp", &["ds18b", "20", "temp"]);
        check("temp1", &["temp", "1"]);
        check("tempC", &["temp", "c"]);
        check("CO2", &["co2"]);
        check("pm2.5", &["pm25"]);
        check("Außentemperatur", &["aussentemperatur"]);
        check("batt_mV", &["batt", "m", "v"]);
        check("batt_mv", &["batt", "mv"]);
    }

    #[test]
    fn names_are_written_out() {
        fn check(parts: &[&str], expected: &str) {
            assert_eq!(name_of(parts), expected, "{parts:?}");
        }
        check(&["temp"], "Temperature");
        check(&["bme", "hum"], "Bme humidity");
        check(&["relay", "0"], "Relay 0");
        check(&["Außentemperatur"], "Außentemperatur");
        check(&["vbat"], "Battery voltage");
        check(&["soilMoisture"], "Soil moisture");
        check(&["air", "air_temp"], "Air temperature");
    }
}
