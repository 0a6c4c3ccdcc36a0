//! What a light is told, as one line: `NoDelay;Fade2 1;NoDelay;Speed2 8;NoDelay;Dimmer 50`.

use minijinja::{Environment, Error, ErrorKind, Value as Known};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::component::color::rgb_of_hs;

/// Effects of every light with colours, by the number of Tasmota's scheme.
pub(super) const EFFECTS: [&str; 5] = ["None", "Wake up", "Cycle up", "Cycle down", "Random"];
/// The scale of Tasmota's dimmer.
const FULL: f64 = 100.0;
/// The scale of a light's brightness.
const BRIGHTEST: f64 = 255.0;
/// Half seconds a fade can take.
const SPEED_MIN: f64 = 1.0;
const SPEED_MAX: f64 = 40.0;

/// How a light takes its commands; stands in the template of the command.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Settings {
    /// Command and words that switch it: `Power1`.
    pub(super) power: String,
    pub(super) on: String,
    pub(super) off: String,
    /// Command for the brightness.
    pub(super) dimmer: String,
    /// It can fade.
    pub(super) fades: bool,
    /// Fades take as long whatever the way (SetOption117).
    pub(super) fixed: bool,
    /// Brightness does not switch it on (SetOption20).
    pub(super) unlinked: bool,
    /// It has colours, and effects.
    pub(super) colors: bool,
    /// It has shades of white: coldest and warmest, in mireds.
    pub(super) mireds: Option<[f64; 2]>,
}

/// What is wanted; the variables of a light's command.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    on: bool,
    brightness: Option<f64>,
    hue: Option<f64>,
    sat: Option<f64>,
    color_temp: Option<f64>,
    white: Option<f64>,
    effect: Option<String>,
    transition: Option<f64>,
}

/// How the light is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Present {
    state: String,
    attributes: Attributes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attributes {
    brightness: Option<f64>,
    hs_color: Option<[f64; 2]>,
    color_temp_kelvin: Option<f64>,
}

/// `tasmota_light(settings, wanted, this)` is the line.
pub(crate) fn add_to(env: &mut Environment<'static>) {
    env.add_function(
        "tasmota_light",
        |settings: Known, wanted: Known, this: Known| -> Result<String, Error> {
            let settings: Settings = read(settings)?;
            Ok(line(&settings, &read(wanted)?, &read(this)?))
        },
    );
}

fn read<T: DeserializeOwned>(value: Known) -> Result<T, Error> {
    let json = serde_json::to_value(value).map(without_nulls);
    let failed = |why: serde_json::Error| Error::new(ErrorKind::InvalidOperation, why.to_string());
    json.and_then(serde_json::from_value).map_err(failed)
}

/// What is not there, or unknown, is left out.
fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

fn line(settings: &Settings, wanted: &Wanted, present: &Present) -> String {
    let power = format!("{} {}", settings.power, if wanted.on { &settings.on } else { &settings.off });
    let mut commands: Vec<String> = Vec::new();
    if settings.fades
        && let Some(transition) = wanted.transition
    {
        // Fade2 and Speed2 hold for this command only.
        commands.push(format!("Fade2 {}", u8::from(transition > 0.0)));
        if transition > 0.0 {
            let speed = speed(settings, wanted, present, transition);
            commands.push(format!("Speed2 {}", speed.clamp(SPEED_MIN, SPEED_MAX)));
        }
    }
    match wanted.brightness {
        Some(brightness) => commands.push(format!("{} {}", settings.dimmer, dimmed(brightness))),
        None => commands.push(power.clone()),
    }
    if let (Some(hue), Some(saturation)) = (wanted.hue, wanted.sat) {
        commands.push(format!("HsbColor1 {}", hue.round_ties_even()));
        commands.push(format!("HsbColor2 {}", saturation.round_ties_even()));
    }
    if let Some(mireds) = wanted.color_temp {
        commands.push(format!("CT {}", mireds.trunc()));
    }
    let scheme = wanted.effect.as_ref().and_then(|effect| EFFECTS.iter().position(|known| known == effect));
    if let Some(scheme) = scheme {
        commands.push(format!("Scheme {scheme}"));
    }
    if let Some(white) = wanted.white {
        commands.push(format!("White {}", if white > 0.0 { dimmed(white) } else { 0.0 }));
    }
    if settings.unlinked && wanted.brightness.is_some() {
        commands.push(power);
    }
    commands.iter().map(|command| format!("NoDelay;{command}")).collect::<Vec<_>>().join(";")
}

/// Brightness on Tasmota's scale; the least is not nothing.
fn dimmed(brightness: f64) -> f64 {
    (brightness / BRIGHTEST * FULL).round_ties_even().clamp(1.0, FULL)
}

/// Half seconds for a full fade, so that this one takes as long as wanted: Tasmota scales a fade by its way.
fn speed(settings: &Settings, wanted: &Wanted, present: &Present, transition: f64) -> f64 {
    let half_seconds = transition * 2.0;
    if settings.fixed {
        return half_seconds.round_ties_even();
    }
    let known = present.attributes.brightness.map_or(FULL, |known| known / BRIGHTEST * FULL);
    let now = if present.state == "on" { known } else { 0.0 };
    let next = match wanted.brightness {
        Some(brightness) => dimmed(brightness),
        None if wanted.on => known,
        None => 0.0,
    };
    let mut channels: Vec<(f64, f64)> = Vec::new();
    if settings.colors
        && let Some(hs) = present.attributes.hs_color
    {
        let wished = wanted.hue.zip(wanted.sat).map_or(hs, |(hue, saturation)| [hue, saturation]);
        let (is, will) = (rgb_of_hs(hs), rgb_of_hs(wished));
        channels.extend(is.into_iter().zip(will).map(|(is, will)| (is / BRIGHTEST, will / BRIGHTEST)));
    }
    if let (Some([coldest, warmest]), Some(kelvin)) = (settings.mireds, present.attributes.color_temp_kelvin)
        && kelvin > 0.0
    {
        let is = 1e6 / kelvin;
        let share = |mireds: f64| (mireds - coldest) / (warmest - coldest);
        channels.push((share(is), share(wanted.color_temp.unwrap_or(is))));
    }
    if channels.is_empty() {
        channels.push((1.0, 1.0));
    }
    let way =
        channels.iter().map(|(is, will)| (is * now / FULL - will * next / FULL).abs()).fold(0.0, f64::max);
    if way == 0.0 { 0.0 } else { (half_seconds / way).round_ties_even() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_is_told_everything_in_one_line() {
        fn check(more: Json, wanted: Json, present: Json, expected: &str) {
            let mut settings = serde_json::json!({"power": "Power1", "on": "ON", "off": "OFF", "dimmer": "Dimmer",
                "fades": true, "fixed": false, "unlinked": false, "colors": true, "mireds": [153.0, 500.0]});
            let (Some(all), Some(more)) = (settings.as_object_mut(), more.as_object()) else { panic!() };
            all.extend(more.clone());
            let settings = serde_json::from_value(settings).unwrap();
            let (wanted, present) =
                (serde_json::from_value(wanted).unwrap(), serde_json::from_value(present).unwrap());
            assert_eq!(line(&settings, &wanted, &present), expected);
        }
        use serde_json::json;
        let none = || json!({});
        check(none(), json!({"on": true}), none(), "NoDelay;Power1 ON");
        check(none(), json!({"on": false}), none(), "NoDelay;Power1 OFF");
        check(none(), json!({"on": true, "brightness": 192}), none(), "NoDelay;Dimmer 75");
        check(none(), json!({"on": true, "brightness": 1}), none(), "NoDelay;Dimmer 1");
        check(
            json!({"unlinked": true}),
            json!({"on": true, "brightness": 192}),
            none(),
            "NoDelay;Dimmer 75;NoDelay;Power1 ON",
        );
        check(
            none(),
            json!({"on": true, "hue": 240, "sat": 75}),
            none(),
            "NoDelay;Power1 ON;NoDelay;HsbColor1 240;NoDelay;HsbColor2 75",
        );
        check(none(), json!({"on": true, "color_temp": 200}), none(), "NoDelay;Power1 ON;NoDelay;CT 200");
        check(none(), json!({"on": true, "white": 128}), none(), "NoDelay;Power1 ON;NoDelay;White 50");
        check(none(), json!({"on": true, "effect": "Random"}), none(), "NoDelay;Power1 ON;NoDelay;Scheme 4");
    }

    #[test]
    fn a_fade_takes_as_long_as_it_should_whatever_its_way() {
        fn check(wanted: Json, present: Json, expected: f64) {
            let settings = Settings {
                power: "Power1".into(),
                on: "ON".into(),
                off: "OFF".into(),
                dimmer: "Dimmer".into(),
                fades: true,
                fixed: false,
                unlinked: false,
                colors: true,
                mireds: Some([153.0, 500.0]),
            };
            let wanted: Wanted = serde_json::from_value(wanted).unwrap();
            let present = serde_json::from_value(present).unwrap();
            assert_eq!(speed(&settings, &wanted, &present, wanted.transition.unwrap()), expected);
        }
        use serde_json::json;
        let on = |attributes: Json| json!({"state": "on", "attributes": attributes});
        check(json!({"on": true, "brightness": 255, "transition": 4}), json!({}), 8.0);
        check(json!({"on": true, "brightness": 128, "transition": 4}), json!({}), 16.0);
        check(json!({"on": false, "transition": 6}), on(json!({"brightness": 128})), 24.0);
        check(json!({"on": false, "transition": 6}), json!({}), 0.0);
        let green = json!({"brightness": 128, "hs_color": [120, 100]});
        check(json!({"on": true, "hue": 0, "sat": 100, "transition": 6}), on(green), 24.0);
        let white = json!({"brightness": 255, "color_temp_kelvin": 1e6 / 153.0});
        check(json!({"on": true, "color_temp": 500, "transition": 6}), on(white), 12.0);
    }
}
