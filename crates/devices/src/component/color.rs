//! Colours in the ways lights speak of them, and from one to the other.
//!
//! Hue runs to 360, saturation to 100, channels to 255. The matrices between RGB and xy are the ones Philips
//! published for the wide gamut D65; the curve of colour temperature is Tanner Helland's approximation.

use crate::color::{hsv_of_rgb, rgb_of_hsv};

/// Hue and saturation.
pub(crate) type Hs = [f64; 2];
/// Red, green and blue.
pub(crate) type Rgb = [f64; 3];
/// CIE 1931 chromaticity.
pub(crate) type Xy = [f64; 2];

/// The full channel.
pub(crate) const FULL: f64 = 255.0;
/// What binary fractions may lack of a whole number.
const TINY: f64 = 1e-9;

fn thousandths(number: f64) -> f64 {
    (number * 1000.0).round_ties_even() / 1000.0
}

pub(crate) fn hs_of_rgb(rgb: Rgb) -> Hs {
    let [hue, saturation, _] = hsv_of_rgb(rgb);
    [thousandths(hue), thousandths(saturation)]
}

/// The colour at a brightness of 0 to 255, in whole channels.
pub(crate) fn rgb_of_hs_at([hue, saturation]: Hs, brightness: f64) -> Rgb {
    rgb_of_hsv(hue, saturation, brightness / FULL * 100.0).map(|channel| (channel + TINY).floor())
}

pub(crate) fn rgb_of_hs(hs: Hs) -> Rgb {
    rgb_of_hs_at(hs, FULL)
}

pub(crate) fn xy_of_rgb(rgb: Rgb) -> Xy {
    if rgb.iter().sum::<f64>() <= 0.0 {
        return [0.0, 0.0];
    }
    let linear = |channel: f64| {
        let channel = channel / FULL;
        if channel > 0.04045 { ((channel + 0.055) / 1.055).powf(2.4) } else { channel / 12.92 }
    };
    let [r, g, b] = rgb.map(linear);
    let x = r * 0.664_511 + g * 0.154_324 + b * 0.162_028;
    let y = r * 0.283_881 + g * 0.668_433 + b * 0.047_685;
    let z = r * 0.000_088 + g * 0.072_310 + b * 0.986_039;
    let sum = x + y + z;
    [thousandths(x / sum), thousandths(y / sum)]
}

pub(crate) fn rgb_of_xy([x, y]: Xy) -> Rgb {
    // A chromaticity without y has no colour; the smallest step keeps the division.
    let y = if y == 0.0 { 1e-11 } else { y };
    let (big_x, big_z) = (x / y, (1.0 - x - y) / y);
    let linear = [
        big_x * 1.656_492 - 0.354_851 - big_z * 0.255_038,
        -big_x * 0.707_196 + 1.655_397 + big_z * 0.036_152,
        big_x * 0.051_713 - 0.121_364 + big_z * 1.011_530,
    ];
    let curved = linear.map(|channel| {
        let channel = channel.max(0.0);
        if channel <= 0.003_130_8 { 12.92 * channel } else { 1.055 * channel.powf(1.0 / 2.4) - 0.055 }
    });
    let most = curved.iter().fold(0.0_f64, |most, channel| most.max(*channel));
    curved.map(|channel| ((if most > 1.0 { channel / most } else { channel }) * FULL + TINY).floor())
}

pub(crate) fn hs_of_xy(xy: Xy) -> Hs {
    hs_of_rgb(rgb_of_xy(xy))
}

pub(crate) fn xy_of_hs(hs: Hs) -> Xy {
    xy_of_rgb(rgb_of_hs(hs))
}

/// Scales channels so that the brightest is as bright as the brightest of the others.
fn matched<const N: usize>(like: &[f64], channels: [f64; N]) -> [f64; N] {
    let most = |all: &[f64]| all.iter().fold(0.0_f64, |most, channel| most.max(*channel));
    let (wanted, is) = (most(like), most(&channels));
    let factor = if is > 0.0 { wanted / is } else { 0.0 };
    channels.map(|channel| (channel * factor).round_ties_even())
}

/// The white channel takes what all colours have in common.
pub(crate) fn rgbw_of_rgb([r, g, b]: Rgb) -> [f64; 4] {
    let white = r.min(g).min(b);
    matched(&[r, g, b], [r - white, g - white, b - white, white])
}

pub(crate) fn rgb_of_rgbw([r, g, b, w]: [f64; 4]) -> Rgb {
    matched(&[r, g, b, w], [r + w, g + w, b + w])
}

/// Both whites share what the colours have in common, at the middle of the range.
pub(crate) fn rgbww_of_rgb([r, g, b]: Rgb, min_kelvin: f64, max_kelvin: f64) -> [f64; 5] {
    let middle = 1e6 / ((1e6 / min_kelvin + 1e6 / max_kelvin) / 2.0);
    let white = rgb_of_kelvin(middle);
    let part = |channel: f64, white: f64| if white > 0.0 { channel / white } else { f64::INFINITY };
    let level = part(r, white[0]).min(part(g, white[1])).min(part(b, white[2]));
    let both = level * FULL;
    matched(&[r, g, b], [r - white[0] * level, g - white[1] * level, b - white[2] * level, both, both])
}

pub(crate) fn rgb_of_rgbww([r, g, b, cold, warm]: [f64; 5], min_kelvin: f64, max_kelvin: f64) -> Rgb {
    let (coldest, warmest) = (1e6 / max_kelvin, 1e6 / min_kelvin);
    let share = if cold + warm > 0.0 { warm / (cold + warm) } else { 0.5 };
    let white = rgb_of_kelvin(1e6 / (coldest + share * (warmest - coldest)));
    let level = cold.max(warm) / FULL;
    matched(&[r, g, b, cold, warm], [r + white[0] * level, g + white[1] * level, b + white[2] * level])
}

/// The colour of a glowing body.
pub(crate) fn rgb_of_kelvin(kelvin: f64) -> Rgb {
    let hundreds = kelvin.clamp(1000.0, 40_000.0) / 100.0;
    let red =
        if hundreds <= 66.0 { FULL } else { 329.698_727_446 * (hundreds - 60.0).powf(-0.133_204_759_2) };
    let green = if hundreds <= 66.0 {
        99.470_802_586_1 * hundreds.ln() - 161.119_568_166_1
    } else {
        288.122_169_528_3 * (hundreds - 60.0).powf(-0.075_514_849_2)
    };
    let blue = if hundreds >= 66.0 {
        FULL
    } else if hundreds <= 19.0 {
        0.0
    } else {
        138.517_731_223_1 * (hundreds - 10.0).ln() - 305.044_792_730_7
    };
    [red, green, blue].map(|channel| channel.clamp(0.0, FULL))
}

/// Between mireds and kelvin, either way, in whole steps.
pub(crate) fn reciprocal(temperature: f64) -> f64 {
    (1e6 / temperature).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_the_same_however_they_are_written() {
        assert_eq!(hs_of_rgb([255.0, 128.0, 64.0]), [20.105, 74.902]);
        assert_eq!(hs_of_rgb([255.0, 255.0, 255.0]), [0.0, 0.0]);
        assert_eq!(rgb_of_hs([180.0, 50.0]), [127.0, 255.0, 255.0]);
        assert_eq!(xy_of_rgb([255.0, 255.0, 255.0]), [0.323, 0.329]);
        assert_eq!(rgb_of_xy([1.0, 0.0]), [255.0, 0.0, 60.0]);
        assert_eq!(rgbw_of_rgb([255.0, 255.0, 255.0]), [0.0, 0.0, 0.0, 255.0]);
        assert_eq!(rgb_of_rgbw([255.0, 0.0, 0.0, 255.0]), [255.0, 128.0, 128.0]);
        assert_eq!(rgb_of_rgbww([255.0, 128.0, 64.0, 32.0, 16.0], 2000.0, 6535.0), [255.0, 136.0, 74.0]);
        assert_eq!(reciprocal(300.0), 3333.0);
    }
}
