//! What a light is asked to shine like, in the ways it can.

use model::features::{ColorMode, LightFeatures};
use serde_json::Value as Json;

use super::shine::{Color, Shine};
use super::{BRIGHTEST, shine};
use crate::component::color::{
    FULL, hs_of_rgb, hs_of_xy, reciprocal, rgb_of_hs, rgb_of_kelvin, rgb_of_rgbw, rgb_of_rgbww, rgb_of_xy,
    rgbw_of_rgb, rgbww_of_rgb, xy_of_hs, xy_of_rgb,
};
use crate::component::report::Change;
use crate::component::wish::Wish;
use crate::error::CommandError;

/// Longest transition, seconds, as in Home Assistant.
const TRANSITION_S_MAX: f64 = 6_553.0;

/// The names of what it can be asked for.
const NAMES: [&str; 12] = [
    "brightness",
    "brightness_pct",
    "color_temp",
    "color_temp_kelvin",
    "effect",
    "flash",
    "hs_color",
    "rgb_color",
    "rgbw_color",
    "rgbww_color",
    "white",
    "xy_color",
];

/// Whether this is something a light can be asked for.
pub(super) fn knows(name: &str) -> bool {
    NAMES.contains(&name)
}

/// All that comes with `turn_on` or `turn_off`.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) brightness: Option<f64>,
    /// In a way the light speaks.
    pub(super) color: Option<Color>,
    pub(super) white: Option<f64>,
    pub(super) effect: Option<String>,
    pub(super) flash: Option<String>,
    pub(super) transition: Option<Json>,
}

impl Ask {
    /// Takes it from the arguments; what the light cannot do is an error.
    pub(super) fn take(wish: &mut Wish, features: &LightFeatures) -> Result<Self, CommandError> {
        let can_dim =
            features.brightness || features.color_modes.iter().any(|mode| *mode != ColorMode::Onoff);
        let mut ask =
            Self { transition: transition(wish)?, flash: wish.take_text("flash"), ..Self::default() };
        if can_dim {
            let percent = wish.take_number("brightness_pct")?;
            ask.brightness = wish.take_number("brightness")?.or(percent.map(|part| part * BRIGHTEST / 100.0));
            if let Some(brightness) = ask.brightness {
                wish.in_range("", brightness, Some(0.0), Some(BRIGHTEST))?;
            }
        }
        if features.effects {
            ask.effect = wish.take_text("effect");
            if let Some(effect) = &ask.effect {
                wish.one_of("effect", effect, &wish.entity.description.options)?;
            }
        }
        if features.color_modes.contains(&ColorMode::White) {
            ask.white = wish.take_number("white")?;
            if let Some(white) = ask.white {
                wish.in_range("white", white, Some(0.0), Some(BRIGHTEST))?;
            }
        }
        if let Some(flash) = &ask.flash
            && flash != "short"
            && flash != "long"
        {
            return Err(wish.bad_value(format!("a flash is short or long, not {flash}")));
        }
        if features.color_modes.iter().any(|mode| is_color(*mode)) {
            ask.color = color(wish)?.and_then(|color| fitted(color, features));
        }
        Ok(ask)
    }

    /// What the light will show, if it does as it is told.
    pub(super) fn shown(&self, wish: &Wish, features: &LightFeatures) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(brightness) = self.brightness.or(self.white) {
            changes.push(Change::number("brightness", brightness.round_ties_even()));
        }
        if self.color.is_some() || self.white.is_some() {
            let mut shine = wish.shine.cloned().unwrap_or_else(|| Shine::of(wish.state));
            if let Some(color) = self.color {
                shine.set(color, true);
            }
            if self.white.is_some() {
                shine.set_mode(ColorMode::White);
            }
            changes.extend(shine.shown(features));
        }
        if let Some(effect) = &self.effect {
            changes.push(Change::attribute("effect", effect.as_str()));
        }
        changes
    }
}

/// The time in which it is to change, seconds, as it was given.
fn transition(wish: &mut Wish) -> Result<Option<Json>, CommandError> {
    let Some(given) = wish.args.take("transition") else { return Ok(None) };
    wish.in_range("transition", wish.number(&given)?, Some(0.0), Some(TRANSITION_S_MAX))?;
    Ok(Some(given))
}

fn is_color(mode: ColorMode) -> bool {
    !matches!(mode, ColorMode::Onoff | ColorMode::Brightness | ColorMode::White)
}

/// The colour that is asked for, in the way it was.
fn color(wish: &mut Wish) -> Result<Option<shine::Color>, CommandError> {
    if let Some(hs) = wish.take_numbers::<2>("hs_color")? {
        wish.in_range("hue", hs[0], Some(0.0), Some(360.0))?;
        wish.in_range("saturation", hs[1], Some(0.0), Some(100.0))?;
        return Ok(Some(Color::Hs(hs)));
    }
    if let Some(xy) = wish.take_numbers::<2>("xy_color")? {
        xy.iter().try_for_each(|part| wish.in_range("xy", *part, Some(0.0), Some(1.0)))?;
        return Ok(Some(Color::Xy(xy)));
    }
    let channels = |wish: &Wish, all: &[f64]| {
        all.iter().try_for_each(|channel| wish.in_range("channel", *channel, Some(0.0), Some(FULL)))
    };
    if let Some(rgb) = wish.take_numbers::<3>("rgb_color")? {
        channels(wish, &rgb)?;
        return Ok(Some(Color::Rgb(rgb)));
    }
    if let Some(rgbw) = wish.take_numbers::<4>("rgbw_color")? {
        channels(wish, &rgbw)?;
        return Ok(Some(Color::Rgbw(rgbw)));
    }
    if let Some(rgbww) = wish.take_numbers::<5>("rgbww_color")? {
        channels(wish, &rgbww)?;
        return Ok(Some(Color::Rgbww(rgbww)));
    }
    let mireds = wish.take_number("color_temp")?;
    if let Some(mireds) = mireds {
        wish.in_range("color_temp", mireds, Some(1.0), Some(1000.0))?;
    }
    let kelvin = wish.take_number("color_temp_kelvin")?.or(mireds.map(reciprocal));
    if let Some(kelvin) = kelvin {
        wish.in_range("color_temp_kelvin", kelvin, Some(1000.0), Some(1_000_000.0))?;
    }
    Ok(kelvin.map(Color::Kelvin))
}

/// The colour in a way the light speaks; the order is Home Assistant's.
fn fitted(color: Color, features: &LightFeatures) -> Option<Color> {
    let has = |mode: ColorMode| features.color_modes.contains(&mode);
    if has(color.mode()) {
        return Some(color);
    }
    let (warm, cold) = (features.min_kelvin, features.max_kelvin);
    let rgb = match color {
        Color::Hs(hs) => rgb_of_hs(hs),
        Color::Xy(xy) => rgb_of_xy(xy),
        Color::Rgb(rgb) => rgb,
        Color::Rgbw(rgbw) => rgb_of_rgbw(rgbw),
        Color::Rgbww(rgbww) => rgb_of_rgbww(rgbww, warm, cold),
        Color::Kelvin(kelvin) => rgb_of_kelvin(kelvin),
    };
    let order: [ColorMode; 5] = match color {
        Color::Hs(_) => [ColorMode::Rgb, ColorMode::Rgbw, ColorMode::Rgbww, ColorMode::Xy, ColorMode::Hs],
        Color::Xy(_) => [ColorMode::Hs, ColorMode::Rgb, ColorMode::Rgbw, ColorMode::Rgbww, ColorMode::Xy],
        _ => [ColorMode::Rgb, ColorMode::Rgbw, ColorMode::Rgbww, ColorMode::Hs, ColorMode::Xy],
    };
    let mode = order.into_iter().find(|mode| has(*mode))?;
    Some(match (mode, color) {
        (ColorMode::Hs, Color::Xy(xy)) => Color::Hs(hs_of_xy(xy)),
        (ColorMode::Xy, Color::Hs(hs)) => Color::Xy(xy_of_hs(hs)),
        (ColorMode::Hs, _) => Color::Hs(hs_of_rgb(rgb)),
        (ColorMode::Xy, _) => Color::Xy(xy_of_rgb(rgb)),
        (ColorMode::Rgbw, _) => Color::Rgbw(rgbw_of_rgb(rgb)),
        (ColorMode::Rgbww, _) => Color::Rgbww(rgbww_of_rgb(rgb, warm, cold)),
        _ => Color::Rgb(rgb),
    })
}
