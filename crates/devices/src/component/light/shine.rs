//! How a light shines: what it last said in every way it speaks of colour, and which of them counts.

use model::State;
use model::features::{ColorMode, LightFeatures};
use serde_json::Value as Json;

use super::numbers;
use crate::component::color::{
    Hs, Rgb, Xy, hs_of_rgb, hs_of_xy, rgb_of_hs, rgb_of_rgbw, rgb_of_rgbww, rgb_of_xy, xy_of_hs, xy_of_rgb,
};
use crate::component::report::{Change, json_number};

/// A colour, in one of the ways.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Color {
    Hs(Hs),
    Xy(Xy),
    Rgb(Rgb),
    Rgbw([f64; 4]),
    Rgbww([f64; 5]),
    Kelvin(f64),
}

impl Color {
    pub(super) fn mode(&self) -> ColorMode {
        match self {
            Self::Hs(_) => ColorMode::Hs,
            Self::Xy(_) => ColorMode::Xy,
            Self::Rgb(_) => ColorMode::Rgb,
            Self::Rgbw(_) => ColorMode::Rgbw,
            Self::Rgbww(_) => ColorMode::Rgbww,
            Self::Kelvin(_) => ColorMode::ColorTemp,
        }
    }
}

/// What a light remembers of its colours. The state shows only the one that counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shine {
    mode: Option<ColorMode>,
    hs: Option<Hs>,
    xy: Option<Xy>,
    rgb: Option<Rgb>,
    rgbw: Option<[f64; 4]>,
    rgbww: Option<[f64; 5]>,
    kelvin: Option<f64>,
    /// Red and green of a template light, until blue comes.
    pub(super) part: [Option<f64>; 2],
}

impl Shine {
    /// As far as a state shows it.
    pub(super) fn of(state: &State) -> Self {
        fn list<const N: usize>(state: &State, name: &str) -> Option<[f64; N]> {
            let items = state.attributes.get(name)?.as_array()?;
            items.iter().map(Json::as_f64).collect::<Option<Vec<f64>>>()?.try_into().ok()
        }
        let mode = state.attributes.get("color_mode");
        Self {
            mode: mode.and_then(|mode| serde_json::from_value(mode.clone()).ok()),
            hs: list(state, "hs_color"),
            xy: list(state, "xy_color"),
            rgb: list(state, "rgb_color"),
            rgbw: list(state, "rgbw_color"),
            rgbww: list(state, "rgbww_color"),
            kelvin: state.attributes.get("color_temp_kelvin").and_then(Json::as_f64),
            part: [None; 2],
        }
    }

    pub(super) fn set_mode(&mut self, mode: ColorMode) {
        self.mode = Some(mode);
    }

    /// Remembers a colour, and lets it count unless the light says itself which one does.
    pub(super) fn set(&mut self, color: Color, counts: bool) {
        match color {
            Color::Hs(hs) => self.hs = Some(hs),
            Color::Xy(xy) => self.xy = Some(xy),
            Color::Rgb(rgb) => self.rgb = Some(rgb),
            Color::Rgbw(rgbw) => self.rgbw = Some(rgbw),
            Color::Rgbww(rgbww) => self.rgbww = Some(rgbww),
            Color::Kelvin(kelvin) => self.kelvin = Some(kelvin),
        }
        if counts {
            self.mode = Some(color.mode());
        }
    }

    pub(super) fn rgb(&self) -> Option<Rgb> {
        self.rgb
    }

    pub(super) fn rgbw(&self) -> Option<[f64; 4]> {
        self.rgbw
    }

    pub(super) fn rgbww(&self) -> Option<[f64; 5]> {
        self.rgbww
    }

    /// What the state shows: the colour that counts in its own way, and in the ways people read.
    pub(super) fn shown(&self, features: &LightFeatures) -> Vec<Change> {
        let mode = self.mode.or(match features.color_modes.as_slice() {
            [only] => Some(*only),
            _ => None,
        });
        let (warm, cold) = (features.min_kelvin, features.max_kelvin);
        let (mut hs, mut rgb, mut xy) = (None, None, None);
        match mode {
            Some(ColorMode::Hs) => {
                hs = self.hs;
                (rgb, xy) = (hs.map(rgb_of_hs), hs.map(xy_of_hs));
            }
            Some(ColorMode::Xy) => {
                xy = self.xy;
                (rgb, hs) = (xy.map(rgb_of_xy), xy.map(hs_of_xy));
            }
            Some(ColorMode::Rgb) => rgb = self.rgb,
            Some(ColorMode::Rgbw) => rgb = self.rgbw.map(rgb_of_rgbw),
            Some(ColorMode::Rgbww) => rgb = self.rgbww.map(|all| rgb_of_rgbww(all, warm, cold)),
            _ => {}
        }
        let (hs, xy) = (hs.or(rgb.map(hs_of_rgb)), xy.or(rgb.map(xy_of_rgb)));
        let only = |wanted: ColorMode, json: Option<Json>| {
            if mode == Some(wanted) { json.unwrap_or_default() } else { Json::Null }
        };
        let word = mode.and_then(|mode| serde_json::to_value(mode).ok()).unwrap_or_default();
        vec![
            Change::attribute("color_mode", word),
            Change::attribute("hs_color", hs.map(numbers).unwrap_or_default()),
            Change::attribute("rgb_color", rgb.map(numbers).unwrap_or_default()),
            Change::attribute("xy_color", xy.map(numbers).unwrap_or_default()),
            Change::attribute("rgbw_color", only(ColorMode::Rgbw, self.rgbw.map(numbers))),
            Change::attribute("rgbww_color", only(ColorMode::Rgbww, self.rgbww.map(numbers))),
            Change::attribute("color_temp_kelvin", only(ColorMode::ColorTemp, self.kelvin.map(json_number))),
        ]
    }
}
