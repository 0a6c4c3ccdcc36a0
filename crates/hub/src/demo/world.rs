//! The weather and the habits of the demo home: a pure function of the time, so that its past and its
//! present fit together and every demo home looks alike.

const DAY_MS: f64 = 86_400_000.0;

/// Share of the day that has passed, 0 to 1, by the home's clock.
pub(super) fn day_share(local_ms: i64) -> f64 {
    (local_ms as f64).rem_euclid(DAY_MS) / DAY_MS
}

/// A bump of height 1 around `at` (share of the day), `width` wide, the same on both sides of midnight.
fn bump(share: f64, at: f64, width: f64) -> f64 {
    let distance = (share - at).abs();
    let distance = distance.min(1.0 - distance);
    (-(distance / width).powi(2)).exp()
}

/// Noise between -1 and 1 that changes smoothly over `period_ms`; `seed` tells two curves apart.
fn noise(seed: u64, time_ms: i64, period_ms: i64) -> f64 {
    let step = time_ms.div_euclid(period_ms);
    let along = time_ms.rem_euclid(period_ms) as f64 / period_ms as f64;
    let smooth = along * along * (3.0 - 2.0 * along);
    dice(seed, step) * (1.0 - smooth) + dice(seed, step + 1) * smooth
}

/// A number between -1 and 1 that is always the same for the same seed and step (SplitMix64's mixing).
fn dice(seed: u64, step: i64) -> f64 {
    let mut bits = (step as u64)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(seed.wrapping_mul(0xD1B5_4A32_D192_ED03));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^= bits >> 31;
    (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What a curve of the demo home describes. The number tells two rooms apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    /// °C in a heated room.
    RoomTemperature(u64),
    /// % in a room.
    RoomHumidity(u64),
    /// °C outside.
    OutdoorTemperature,
    /// % outside.
    OutdoorHumidity,
    /// hPa.
    Pressure,
    /// ppm in a room where somebody works.
    CarbonDioxide,
    /// lx in a room with windows.
    Illuminance(u64),
    /// W of the whole house.
    HousePower,
    /// W of a fridge: on for a third of the time.
    FridgePower,
    /// W of a washing machine: one load on some mornings.
    WasherPower,
    /// %, falling over months.
    Battery,
    /// dBm.
    Rssi(u64),
    /// 1 when somebody moves.
    Motion(u64),
    /// 1 when the door stands open.
    Door,
    /// Always 0: nothing leaks in the demo home.
    Dry,
}

impl Curve {
    /// Its value at a time, rounded as a sensor would.
    pub(super) fn at(self, local_ms: i64) -> f64 {
        let share = day_share(local_ms);
        let (value, digits) = match self {
            Self::RoomTemperature(room) => {
                let heating = 1.4 * bump(share, 0.33, 0.08) + 1.8 * bump(share, 0.83, 0.14);
                (18.9 + heating + 0.35 * noise(room, local_ms, 40 * MINUTE_MS) + 0.4 * (room % 3) as f64, 1)
            }
            Self::RoomHumidity(room) => {
                (47.0 + 5.0 * bump(share, 0.3, 0.05) + 4.0 * noise(room, local_ms, 3 * HOUR_MS), 1)
            }
            Self::OutdoorTemperature => (
                7.0 - 4.0 * (std::f64::consts::TAU * (share - 0.125)).cos()
                    + 1.8 * noise(3, local_ms, 9 * HOUR_MS),
                1,
            ),
            Self::OutdoorHumidity => {
                let warm = (std::f64::consts::TAU * (share - 0.125)).cos();
                ((74.0 + 12.0 * warm + 6.0 * noise(4, local_ms, 5 * HOUR_MS)).clamp(20.0, 100.0), 0)
            }
            Self::Pressure => (1013.0 + 9.0 * noise(5, local_ms, 22 * HOUR_MS), 1),
            Self::CarbonDioxide => {
                let work = bump(share, 0.43, 0.08) + bump(share, 0.62, 0.09);
                (450.0 + 620.0 * work + 35.0 * noise(6, local_ms, 20 * MINUTE_MS), 0)
            }
            Self::Illuminance(room) => {
                let day = bump(share, 0.53, 0.16);
                ((380.0 * day * (1.0 + 0.4 * noise(room, local_ms, 15 * MINUTE_MS))).max(0.0), 0)
            }
            Self::HousePower => {
                let meals = 900.0 * bump(share, 0.3, 0.03)
                    + 700.0 * bump(share, 0.51, 0.03)
                    + 1_500.0 * bump(share, 0.78, 0.06);
                let rest = 240.0 + 60.0 * noise(7, local_ms, 12 * MINUTE_MS);
                (
                    rest + meals * (0.75 + 0.25 * noise(8, local_ms, 4 * MINUTE_MS))
                        + Self::WasherPower.at(local_ms),
                    0,
                )
            }
            Self::FridgePower => {
                let on = local_ms.rem_euclid(36 * MINUTE_MS) < 12 * MINUTE_MS;
                (if on { 82.0 + 4.0 * noise(9, local_ms, 2 * MINUTE_MS) } else { 1.1 }, 1)
            }
            Self::WasherPower => {
                let washes = dice(10, local_ms.div_euclid(24 * HOUR_MS)) > -0.2;
                let since = share - 0.4;
                let watts = match since * 24.0 * 60.0 {
                    minutes if !washes || !(0.0..75.0).contains(&minutes) => 0.6,
                    minutes if minutes < 22.0 => 1_950.0,
                    minutes if minutes > 63.0 => 420.0,
                    _ => 130.0,
                };
                (watts * (1.0 + 0.03 * noise(11, local_ms, MINUTE_MS)), 1)
            }
            Self::Battery => {
                (88.0 - local_ms.rem_euclid(90 * 24 * HOUR_MS) as f64 / (6.0 * 24.0 * HOUR_MS as f64), 0)
            }
            Self::Rssi(board) => {
                (-58.0 - 4.0 * (board % 5) as f64 + 3.0 * noise(board + 40, local_ms, 30 * MINUTE_MS), 0)
            }
            Self::Motion(room) => {
                let awake = (bump(share, 0.32, 0.06) + bump(share, 0.8, 0.12)).min(1.0);
                let minute = local_ms.div_euclid(2 * MINUTE_MS);
                (f64::from(u8::from(dice(room + 60, minute) > 1.0 - 1.1 * awake.max(0.04))), 0)
            }
            Self::Dry => (0.0, 0),
            Self::Door => {
                let goes = bump(share, 0.33, 0.02) + bump(share, 0.74, 0.03);
                (f64::from(u8::from(dice(70, local_ms.div_euclid(MINUTE_MS)) > 1.0 - 0.8 * goes)), 0)
            }
        };
        let scale = 10_f64.powi(digits);
        (value * scale).round() / scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_stays_believable_for_a_year() {
        fn check(curve: Curve, low: f64, high: f64) {
            for quarter in 0..4 * 24 * 365 {
                let value = curve.at(quarter * 15 * MINUTE_MS);
                assert!((low..=high).contains(&value), "{curve:?} is {value}");
            }
        }
        check(Curve::RoomTemperature(1), 17.0, 24.0);
        check(Curve::RoomHumidity(1), 35.0, 60.0);
        check(Curve::OutdoorTemperature, -2.0, 15.0);
        check(Curve::OutdoorHumidity, 20.0, 100.0);
        check(Curve::Pressure, 1_000.0, 1_025.0);
        check(Curve::CarbonDioxide, 400.0, 1_200.0);
        check(Curve::Illuminance(1), 0.0, 600.0);
        check(Curve::HousePower, 150.0, 5_000.0);
        check(Curve::FridgePower, 1.0, 90.0);
        check(Curve::WasherPower, 0.0, 2_100.0);
        check(Curve::Battery, 70.0, 90.0);
        check(Curve::Rssi(3), -80.0, -50.0);
        check(Curve::Motion(1), 0.0, 1.0);
        check(Curve::Door, 0.0, 1.0);
    }

    #[test]
    fn the_same_moment_is_always_the_same() {
        let at = 1_790_000_000_000;
        assert_eq!(Curve::HousePower.at(at), Curve::HousePower.at(at));
        assert_ne!(Curve::RoomTemperature(1).at(at), Curve::RoomTemperature(2).at(at));
    }
}
