//! Colours by hue and by channel: red, green and blue run from 0 to 255, hue to 360, saturation and value to 100.

/// From hue, saturation and value.
pub(crate) fn rgb_of_hsv(hue: f64, saturation: f64, value: f64) -> [f64; 3] {
    let (saturation, value) = (saturation / 100.0, value / 100.0);
    let sector = (hue.rem_euclid(360.0)) / 60.0;
    let chroma = value * saturation;
    let second = chroma * (1.0 - (sector % 2.0 - 1.0).abs());
    let (red, green, blue) = match sector as u32 {
        0 => (chroma, second, 0.0),
        1 => (second, chroma, 0.0),
        2 => (0.0, chroma, second),
        3 => (0.0, second, chroma),
        4 => (second, 0.0, chroma),
        _ => (chroma, 0.0, second),
    };
    [red, green, blue].map(|part| (part + value - chroma) * 255.0)
}

/// Hue, saturation and value.
pub(crate) fn hsv_of_rgb(rgb: [f64; 3]) -> [f64; 3] {
    let [red, green, blue] = rgb.map(|part| part / 255.0);
    let most = red.max(green).max(blue);
    let spread = most - red.min(green).min(blue);
    let hue = if spread == 0.0 {
        0.0
    } else if most == red {
        60.0 * ((green - blue) / spread).rem_euclid(6.0)
    } else if most == green {
        60.0 * ((blue - red) / spread + 2.0)
    } else {
        60.0 * ((red - green) / spread + 4.0)
    };
    let saturation = if most == 0.0 { 0.0 } else { spread / most };
    [hue, saturation * 100.0, most * 100.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_keep_their_hue_from_space_to_space() {
        fn check(rgb: [f64; 3], hsv: [f64; 3]) {
            assert_eq!(hsv_of_rgb(rgb).map(f64::round), hsv);
            let [hue, saturation, value] = hsv_of_rgb(rgb);
            assert_eq!(rgb_of_hsv(hue, saturation, value).map(f64::round), rgb);
        }
        check([255.0, 0.0, 0.0], [0.0, 100.0, 100.0]);
        check([0.0, 255.0, 0.0], [120.0, 100.0, 100.0]);
        check([0.0, 0.0, 255.0], [240.0, 100.0, 100.0]);
        check([128.0, 64.0, 32.0], [20.0, 75.0, 50.0]);
    }
}
