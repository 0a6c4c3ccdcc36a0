//! Lights: the type of the board and its SetOptions say what each of them can do.

use std::collections::BTreeMap;

use model::features::{ColorMode, LightFeatures, LightSchema};
use model::{Component, EntityDescription, Features, StateSource, Value};
use serde_json::Value as Json;

use super::board::{Board, quoted, source};
use super::fade::{EFFECTS, Settings};

/// What a relay is: one that switches, or a channel of a light.
const RELAY: i64 = 1;
const LIGHT: i64 = 2;

/// What a light can do (`lt_st`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    OnOff,
    Dimmer,
    White,
    Color,
    ColorAndWhite,
    ColorAndShadesOfWhite,
}

impl Kind {
    fn of(number: i64) -> Self {
        match number {
            1 => Self::Dimmer,
            2 => Self::White,
            3 => Self::Color,
            4 => Self::ColorAndWhite,
            5 => Self::ColorAndShadesOfWhite,
            _ => Self::OnOff,
        }
    }

    fn has_color(self) -> bool {
        matches!(self, Self::Color | Self::ColorAndWhite | Self::ColorAndShadesOfWhite)
    }

    fn has_shades(self) -> bool {
        matches!(self, Self::White | Self::ColorAndShadesOfWhite)
    }

    fn color_modes(self) -> Vec<ColorMode> {
        match self {
            Self::OnOff => vec![ColorMode::Onoff],
            Self::Dimmer => vec![ColorMode::Brightness],
            Self::White => vec![ColorMode::ColorTemp],
            Self::Color => vec![ColorMode::Hs],
            Self::ColorAndWhite => vec![ColorMode::Hs, ColorMode::White],
            Self::ColorAndShadesOfWhite => vec![ColorMode::ColorTemp, ColorMode::Hs],
        }
    }
}

/// A light for each channel of light, and for relays that are to be lights.
pub(super) fn lights(board: &Board) -> Vec<EntityDescription> {
    let mut relays = board.numbers("rl");
    let is_fan = board.number("if") == 1;
    // The light of a ceiling fan only goes on and off.
    if let Some(first) = relays.first_mut().filter(|first| is_fan && **first == LIGHT) {
        *first = RELAY;
    }
    let first = relays.iter().position(|relay| *relay == LIGHT).unwrap_or_default();
    let mut lights = Vec::new();
    for (index, relay) in relays.iter().enumerate() {
        match *relay {
            LIGHT => lights.push(light(board, index, index - first)),
            RELAY if board.option("30") || is_fan && index == 0 => lights.push(relay_light(board, index)),
            _ => {}
        }
    }
    lights
}

fn relay_light(board: &Board, index: usize) -> EntityDescription {
    let mut entity = EntityDescription::new(format!("{}_light_relay_{index}", board.mac), Component::Light);
    entity.name = board.friendly_name(index, "light");
    entity.sources.extend(power_sources(board, index));
    let power = format!("Power{}", index + 1);
    entity.commands = BTreeMap::from([
        ("turn_on".to_owned(), board.command(&power, board.on.clone())),
        ("turn_off".to_owned(), board.command(&power, board.off.clone())),
    ]);
    let features = LightFeatures {
        schema: LightSchema::Line,
        color_modes: Kind::OnOff.color_modes(),
        off_until_told: true,
        ..LightFeatures::default()
    };
    entity.features = Some(Box::new(Features::Light(features)));
    entity
}

/// On and off. `POWER` without a number is the first output, if it is the only one.
fn power_sources(board: &Board, index: usize) -> Vec<StateSource> {
    let numbered = format!("value_json.POWER{}", index + 1);
    let template = match index {
        0 => format!("{{{{ value_json.POWER if value_json.POWER is defined else {numbered} }}}}"),
        _ => format!("{{{{ {numbered} }}}}"),
    };
    let words =
        BTreeMap::from([(board.off.clone(), Value::Bool(false)), (board.on.clone(), Value::Bool(true))]);
    let mut sources: Vec<StateSource> =
        state_topics(board).into_iter().map(|topic| source(topic, template.clone(), "")).collect();
    sources.iter_mut().for_each(|source| source.map.clone_from(&words));
    sources
}

fn state_topics(board: &Board) -> [String; 2] {
    [format!("{}RESULT", board.stat), format!("{}STATE", board.tele)]
}

fn light(board: &Board, index: usize, nth: usize) -> EntityDescription {
    let number = index + 1;
    let subtype = Kind::of(board.number("lt_st"));
    let is_tuya = board.number("ty") == 1;
    let is_linked = board.number("lk") == 1;
    let mut kind = subtype;
    let mut dimmer = if is_tuya { "Dimmer3" } else { "Dimmer" }.to_owned();
    let mut reported = "Dimmer".to_owned();
    if board.option("68") {
        // Each channel is a light of its own.
        kind = Kind::Dimmer;
        dimmer = format!("Channel{number}");
        reported.clone_from(&dimmer);
    } else if !is_linked && matches!(subtype, Kind::ColorAndWhite | Kind::ColorAndShadesOfWhite) {
        // Colour and white are a light each.
        (kind, dimmer) = match (nth, subtype) {
            (0, _) => (Kind::Color, "Dimmer1".to_owned()),
            (_, Kind::ColorAndWhite) => (Kind::Dimmer, "Dimmer2".to_owned()),
            _ => (Kind::White, "Dimmer2".to_owned()),
        };
        reported.clone_from(&dimmer);
    }
    let mireds = if board.option("82") { [200.0, 380.0] } else { [153.0, 500.0] };
    let mut entity = EntityDescription::new(format!("{}_light_light_{index}", board.mac), Component::Light);
    entity.name = board.friendly_name(index, "light");
    if kind.has_color() {
        entity.options = EFFECTS.map(ToOwned::to_owned).to_vec();
    }
    entity.sources.extend(power_sources(board, index));
    if kind != Kind::OnOff {
        entity
            .sources
            .extend(state_topics(board).into_iter().flat_map(|topic| qualities(topic, kind, &reported)));
    }
    let settings = Settings {
        power: format!("Power{number}"),
        on: board.on.clone(),
        off: board.off.clone(),
        dimmer,
        fades: kind != Kind::OnOff && !is_tuya,
        fixed: board.option("117"),
        unlinked: board.option("20"),
        colors: kind.has_color(),
        mireds: kind.has_shades().then_some(mireds),
    };
    let settings = serde_json::to_value(&settings).unwrap_or_default();
    for (verb, on) in [("turn_on", true), ("turn_off", false)] {
        entity.commands.insert(verb.to_owned(), board.command("Backlog", order(&settings, on)));
    }
    let features = LightFeatures {
        schema: LightSchema::Line,
        color_modes: kind.color_modes(),
        reports_color_mode: true,
        brightness: kind != Kind::OnOff,
        reports_brightness: true,
        brightness_scale: 100.0,
        min_kelvin: (1e6 / mireds[1]).round(),
        max_kelvin: (1e6 / mireds[0]).round(),
        effects: kind.has_color(),
        transition: true,
        off_until_told: true,
        ..LightFeatures::default()
    };
    entity.features = Some(Box::new(Features::Light(features)));
    entity
}

/// The template of a command.
fn order(settings: &Json, on: bool) -> String {
    // JSON is a literal of templates but for its null.
    let settings = settings.to_string().replace(":null", ":none");
    format!(
        "{{{{ tasmota_light({settings}, {{\"on\": {on}, \"brightness\": brightness, \"hue\": hue, \"sat\": sat, \
         \"color_temp\": color_temp, \"white\": white, \"effect\": effect, \"transition\": transition}}, this) }}}}"
    )
}

/// Where a light tells what it shines like.
fn qualities(topic: String, kind: Kind, reported: &str) -> Vec<StateSource> {
    let from = |template: String, field: &str| source(topic.clone(), template, field);
    let mut sources = vec![from(format!("{{{{ value_json.{reported} }}}}"), "brightness")];
    if kind.has_color() {
        // `HSBColor` has the brightness as its third part; `Color` is dimmed.
        sources.push(from(
            "{% set c = value_json.HSBColor %}{% if c is defined %}{{ c.split(',')[:2] | join(',') }}{% endif %}".to_owned(),
            "hs_color",
        ));
        let effects: Vec<String> = EFFECTS.iter().map(|effect| quoted(effect)).collect();
        sources.push(from(
            format!(
                "{{% set s = value_json.Scheme %}}{{{{ [{}][s] if s is number else '' }}}}",
                effects.join(", ")
            ),
            "effect",
        ));
    }
    if kind.has_shades() {
        sources.push(from("{{ value_json.CT }}".to_owned(), "color_temp"));
    }
    // White above nothing means that the white channel shines, and the colours do not.
    let (with, without) = match kind {
        Kind::Dimmer | Kind::OnOff => ("brightness", "brightness"),
        Kind::White => ("color_temp", "color_temp"),
        Kind::Color => ("hs", "hs"),
        Kind::ColorAndWhite => ("white", "hs"),
        Kind::ColorAndShadesOfWhite => ("color_temp", "hs"),
    };
    let first = if kind == Kind::ColorAndShadesOfWhite { with } else { without };
    let template = if with == without {
        format!("{{{{ '{with}' if this.attributes.color_mode != '{with}' }}}}")
    } else {
        format!(
            "{{% set w = value_json.White %}}{{{{ ('{without}' if w|float(0) == 0 else '{with}') if w is defined \
             else '{first}' if not this.attributes.color_mode }}}}"
        )
    };
    sources.push(from(template, "color_mode"));
    sources
}
