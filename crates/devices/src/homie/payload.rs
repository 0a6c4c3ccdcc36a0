//! Values as payloads.

use serde_json::{Value as Json, json};

use super::format::{ColorSpace, Datatype, Definition, Format, number};
use crate::color::{hsv_of_rgb, rgb_of_hsv};
use crate::component::color::{rgb_of_xy, xy_of_rgb};

impl Definition {
    /// The value a payload stands for, as a payload: an invalid one is told in words, a number goes to the
    /// nearest step. `now` is the present value, from which the steps count when the format has no end.
    pub fn read(&self, payload: &str, now: Option<f64>) -> Result<String, String> {
        let refused = |what: &str| Err(format!("{payload:?} is not {what}"));
        match self.datatype {
            Datatype::Integer | Datatype::Float | Datatype::Percent => self.read_number(payload, now),
            Datatype::Boolean if matches!(payload, "true" | "false") => Ok(payload.to_owned()),
            Datatype::Boolean => refused("`true` or `false`"),
            Datatype::Enum if self.words().iter().any(|word| word == payload) => Ok(payload.to_owned()),
            Datatype::Enum => refused(&format!("one of {}", self.words().join(", "))),
            Datatype::Color => match tagged_color(payload) {
                Some((space, _)) if self.knows(space) => Ok(payload.to_owned()),
                _ => refused("a colour of its format"),
            },
            Datatype::Datetime if is_datetime(payload) => Ok(payload.to_owned()),
            Datatype::Datetime => refused("a date and time of ISO 8601"),
            Datatype::Duration if is_duration(payload) => Ok(payload.to_owned()),
            Datatype::Duration => refused("a duration such as PT12H5M46S"),
            Datatype::Json => match serde_json::from_str(payload) {
                Ok(Json::Array(_) | Json::Object(_)) => Ok(payload.to_owned()),
                _ => refused("a JSON array or object"),
            },
            // An empty payload would delete the topic: one zero byte stands for it.
            Datatype::String if payload == "\0" => Ok(String::new()),
            Datatype::String => Ok(payload.to_owned()),
        }
    }

    fn read_number(&self, payload: &str, now: Option<f64>) -> Result<String, String> {
        let said = number(self.datatype, payload).ok_or_else(|| format!("{payload:?} is not a number"))?;
        let (min, max, step) = self.range();
        let value = match step {
            Some(step) => {
                let base = min.or(max).or(now).unwrap_or(0.0);
                base + ((said - base) / step + 0.5).floor() * step
            }
            None => said,
        };
        if min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) {
            return Err(format!("{payload} is out of range"));
        }
        Ok(if value == said { payload.to_owned() } else { rounded(value) })
    }

    fn knows(&self, space: ColorSpace) -> bool {
        matches!(&self.format, Format::Colors(spaces) if spaces.contains(&space))
    }
}

/// Without the digits that steps such as 0.1 leave behind.
fn rounded(value: f64) -> String {
    const SCALE: f64 = 1e9;
    ((value * SCALE).round() / SCALE).to_string()
}

/// A colour as a light has it: the pure colour and, from 0 to 255, how bright it is. `space` is what it is in
/// when it does not say so itself: `rgb,100,100,100` in version 5, `100,100,100` before.
pub(super) fn color(payload: &str, space: &str) -> Option<Json> {
    let (space, numbers) = tagged_color(payload).or_else(|| tagged_color(&format!("{space},{payload}")))?;
    let rgb = match (space, numbers.as_slice()) {
        (ColorSpace::Hsv, [hue, saturation, value]) => rgb_of_hsv(*hue, *saturation, *value),
        (ColorSpace::Xyz, [x, y]) => rgb_of_xy([*x, *y]),
        (_, [red, green, blue]) => [*red, *green, *blue],
        _ => return None,
    };
    let most = rgb.iter().copied().fold(0.0, f64::max);
    let pure = rgb.map(|part| if most > 0.0 { (part / most * 255.0).round() as i64 } else { 255 });
    Some(json!({ "rgb": pure, "brightness": most.round() as i64, "on": most > 0.0 }))
}

/// The payload that sets a colour: `rgb` is the pure one, `brightness` runs from 0 to 255. Without either it is
/// white, at its brightest.
pub(super) fn paint(space: &str, tagged: bool, rgb: Option<[f64; 3]>, brightness: Option<f64>) -> String {
    let brightness = brightness.unwrap_or(255.0).clamp(0.0, 255.0);
    let rgb = rgb.unwrap_or([255.0; 3]).map(|part| (part.clamp(0.0, 255.0) * brightness / 255.0).round());
    let numbers = match ColorSpace::parse(space) {
        Some(ColorSpace::Hsv) => hsv_of_rgb(rgb).map(|part| part.round().to_string()).join(","),
        Some(ColorSpace::Xyz) => xy_of_rgb(rgb).map(rounded).join(","),
        _ => rgb.map(|part| part.to_string()).join(","),
    };
    if tagged { format!("{space},{numbers}") } else { numbers }
}

fn tagged_color(payload: &str) -> Option<(ColorSpace, Vec<f64>)> {
    let (word, rest) = payload.split_once(',')?;
    let space = ColorSpace::parse(word)?;
    let most: &[f64] = match space {
        ColorSpace::Rgb => &[255.0, 255.0, 255.0],
        ColorSpace::Hsv => &[360.0, 100.0, 100.0],
        ColorSpace::Xyz => &[1.0, 1.0],
    };
    let numbers: Vec<f64> =
        rest.split(',').map(|text| number(Datatype::Float, text)).collect::<Option<_>>()?;
    let fits = numbers.len() == most.len()
        && numbers.iter().zip(most).all(|(number, most)| (0.0..=*most).contains(number));
    fits.then_some((space, numbers))
}

/// `2026-11-29T15:40:00Z`, with or without the time and what follows it.
fn is_datetime(text: &str) -> bool {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let numbers: Vec<&str> = date.split('-').collect();
    let is_date = match numbers.as_slice() {
        [year, month, day] => digits(year, 4) && within(month, 1, 12) && within(day, 1, 31),
        [compact] => digits(compact, 8) && within(&compact[4..6], 1, 12) && within(&compact[6..], 1, 31),
        _ => false,
    };
    is_date && time.is_none_or(is_time)
}

fn is_time(time: &str) -> bool {
    let (clock, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let is_clock = match parts.as_slice() {
        [compact] if matches!(compact.len(), 4 | 6) => {
            let most = ["24", "59", "60"];
            compact.is_ascii()
                && compact.as_bytes().chunks(2).zip(most).all(|(pair, most)| {
                    std::str::from_utf8(pair).is_ok_and(|pair| within(pair, 0, most.parse().unwrap_or(0)))
                })
        }
        [hour, minute] => within(hour, 0, 24) && within(minute, 0, 59),
        [hour, minute, second] => within(hour, 0, 24) && within(minute, 0, 59) && within(second, 0, 60),
        _ => false,
    };
    let is_zone = match zone {
        "" | "Z" => true,
        offset => {
            let hours = offset[1..].replacen(':', "", 1);
            matches!(hours.len(), 2 | 4) && hours.bytes().all(|b| b.is_ascii_digit())
        }
    };
    is_clock && is_zone && !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit())
}

fn digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

fn within(text: &str, least: u32, most: u32) -> bool {
    digits(text, 2) && text.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number))
}

/// `PT12H5M46S`: hours, minutes and seconds in this order, at least one of them.
fn is_duration(text: &str) -> bool {
    let Some(mut rest) = text.strip_prefix("PT").filter(|rest| !rest.is_empty()) else { return false };
    for unit in ['H', 'M', 'S'] {
        if let Some((amount, after)) = rest.split_once(unit) {
            if amount.is_empty() || !amount.bytes().all(|b| b.is_ascii_digit()) {
                return false;
            }
            rest = after;
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_every_version() {
        fn check(payload: &str, space: &str, expected: Option<Json>) {
            assert_eq!(color(payload, space), expected, "{payload}");
        }
        check("rgb,255,128,0", "rgb", Some(json!({"rgb": [255, 128, 0], "brightness": 255, "on": true})));
        check("100,50,0", "rgb", Some(json!({"rgb": [255, 128, 0], "brightness": 100, "on": true})));
        check("hsv,120,100,100", "rgb", Some(json!({"rgb": [0, 255, 0], "brightness": 255, "on": true})));
        check("120,100,50", "hsv", Some(json!({"rgb": [0, 255, 0], "brightness": 128, "on": true})));
        check("rgb,0,0,0", "rgb", Some(json!({"rgb": [255, 255, 255], "brightness": 0, "on": false})));
        check("rgb,300,0,0", "rgb", None);
        check("red", "rgb", None);
    }

    #[test]
    fn colours_are_written_as_the_device_reads_them() {
        fn check(space: &str, tagged: bool, rgb: Option<[f64; 3]>, brightness: Option<f64>, expected: &str) {
            assert_eq!(paint(space, tagged, rgb, brightness), expected);
        }
        check("rgb", true, Some([255.0, 128.0, 0.0]), None, "rgb,255,128,0");
        check("rgb", false, Some([255.0, 128.0, 0.0]), Some(128.0), "128,64,0");
        check("hsv", true, Some([0.0, 255.0, 0.0]), Some(255.0), "hsv,120,100,100");
        check("rgb", true, None, None, "rgb,255,255,255");
    }

    #[test]
    fn dates_and_durations_are_those_of_iso_8601() {
        fn check(datatype: &str, payload: &str, expected: bool) {
            let definition = Definition::new(datatype, None).unwrap();
            assert_eq!(definition.read(payload, None).is_ok(), expected, "{datatype} {payload}");
        }
        check("datetime", "2026-11-29T15:40:00Z", true);
        check("datetime", "2026-11-29T15:40:00.250+01:00", true);
        check("datetime", "2026-11-29", true);
        check("datetime", "2026-13-29", false);
        check("datetime", "yesterday", false);
        check("datetime", "", false);
        check("duration", "PT12H5M46S", true);
        check("duration", "PT5M", true);
        check("duration", "PT", false);
        check("duration", "5M", false);
        check("duration", "PT5S3M", false);
    }
}
