//! The few statistics the reports are made of.

use serde::Serialize;

/// The middle value, or the mean of the two in the middle; `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// How many times `base` goes into `value`; `None` when `base` is nothing, which has no ratio.
pub fn ratio(value: f64, base: f64) -> Option<f64> {
    (base != 0.0).then(|| value / base)
}

/// The value that `percent` of all values do not exceed (nearest rank); sorts in place.
pub fn percentile(values: &mut [u64], percent: f64) -> Option<u64> {
    if values.is_empty() {
        return None;
    }
    let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
    let index = rank.clamp(1, values.len()) - 1;
    Some(*values.select_nth_unstable(index).1)
}

/// How a set of waiting times is spread, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many were measured.
    pub count: usize,
    /// Half took no longer.
    pub p50_us: f64,
    /// 99 of 100 took no longer. On a busy machine this shows the machine.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
}

impl Spread {
    /// From waiting times in nanoseconds; `None` without any.
    pub fn of_ns(mut times_ns: Vec<u64>) -> Option<Self> {
        let us = |ns: u64| ns as f64 / 1_000.0;
        Some(Self {
            count: times_ns.len(),
            p50_us: us(percentile(&mut times_ns, 50.0)?),
            p99_us: us(percentile(&mut times_ns, 99.0)?),
            max_us: us(percentile(&mut times_ns, 100.0)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        fn check(values: &[f64], expected: Option<f64>) {
            assert_eq!(median(values), expected, "{values:?}");
        }
        check(&[], None);
        check(&[7.0], Some(7.0));
        check(&[9.0, 1.0, 5.0], Some(5.0));
        check(&[4.0, 1.0, 3.0, 2.0], Some(2.5));
        check(&[1.0, 1.0, 1_000.0], Some(1.0));
    }

    #[test]
    fn a_ratio_needs_a_base() {
        assert_eq!(ratio(30.0, 10.0), Some(3.0));
        assert_eq!(ratio(5.0, 10.0), Some(0.5));
        assert_eq!(ratio(5.0, 0.0), None);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        fn check(percent: f64, expected: u64) {
            let mut values: Vec<u64> = (1..=100).rev().collect();
            assert_eq!(percentile(&mut values, percent), Some(expected), "p{percent}");
        }
        check(0.0, 1);
        check(50.0, 50);
        check(99.0, 99);
        check(99.5, 100);
        check(100.0, 100);
        assert_eq!(percentile(&mut [], 50.0), None);
        assert_eq!(percentile(&mut [3], 50.0), Some(3));
    }

    #[test]
    fn a_spread_is_in_microseconds() {
        let spread = Spread::of_ns(vec![3_000, 1_000, 2_000]).unwrap();
        assert_eq!((spread.count, spread.p50_us, spread.p99_us, spread.max_us), (3, 2.0, 3.0, 3.0));
        assert_eq!(Spread::of_ns(Vec::new()), None);
    }
}
