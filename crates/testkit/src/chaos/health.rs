//! What the hub's process takes: memory and open files, sampled, and held against bounds.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Result;

use crate::process;

/// Memory the hub may have at any time, MiB.
pub(super) const RSS_MAX_MIB: f64 = 400.0;
/// Growth in a stretch without a kill, MiB per hour: of the straight line through the lowest samples of each minute,
/// between which the exercises fill queues and empty them.
pub(super) const SLOPE_MAX_MIB_PER_H: f64 = 60.0;
/// A stretch that is shorter than this, s, says nothing about an hour.
const STRETCH_MIN_S: f64 = 600.0;
/// So long after a start everything is used for the first time, s.
const WARM_UP_S: f64 = 180.0;
/// Files open beyond those of clients: databases, listeners, the system's own.
pub(super) const FILES_MAX: usize = 700;

/// One look at the process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Run of the hub.
    pub(super) epoch: u32,
    /// Since that run began, s.
    pub(super) age_s: f64,
    pub(super) rss_mib: f64,
    pub(super) files: usize,
}

impl Sample {
    pub(super) fn take(pid: u32, epoch: u32, age_s: f64) -> Result<Self> {
        let rss_mib = process::rss_kib(pid)? as f64 / 1_024.0;
        Ok(Self { epoch, age_s, rss_mib, files: fs::read_dir(format!("/proc/{pid}/fd"))?.count() })
    }
}

/// The lowest memory of each minute of the longest stretch without a kill, MiB, its warm-up left out; nothing when
/// no stretch is long enough.
pub(super) fn floor_mib(samples: &[Sample]) -> Vec<f64> {
    let longest = samples.iter().max_by(|a, b| a.age_s.total_cmp(&b.age_s));
    let Some(longest) = longest.filter(|longest| longest.age_s >= STRETCH_MIN_S) else { return Vec::new() };
    let mut floor: BTreeMap<u32, f64> = BTreeMap::new();
    let warm = |sample: &&Sample| sample.epoch == longest.epoch && sample.age_s >= WARM_UP_S;
    for sample in samples.iter().filter(warm) {
        let lowest = floor.entry((sample.age_s / 60.0) as u32).or_insert(sample.rss_mib);
        *lowest = lowest.min(sample.rss_mib);
    }
    floor.into_values().collect()
}

/// Growth of that, MiB per hour.
pub(super) fn slope_mib_per_h(floor_mib: &[f64]) -> Option<f64> {
    let points: Vec<_> =
        (0_u32..).map(|minute| f64::from(minute) / 60.0).zip(floor_mib.iter().copied()).collect();
    least_squares(&points)
}

/// Slope of the straight line through the points.
fn least_squares(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let (mean_x, mean_y) =
        points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let over: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let under: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    crate::statistics::ratio(over, under)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_longest_stretch() {
        let sample = |epoch, age_s, rss_mib| Sample { epoch, age_s, rss_mib, files: 1 };
        let mut samples: Vec<_> = (0..70).map(|step| sample(1, f64::from(step), 500.0)).collect();
        assert!(floor_mib(&samples).is_empty());
        // 10 MiB more in each hour, and now and then a queue that is full.
        samples.extend((0..130).map(|step| {
            let age_s = f64::from(step) * 10.0;
            let full = if step % 5 == 1 { 40.0 } else { 0.0 };
            sample(2, age_s, if age_s < WARM_UP_S { 0.0 } else { 50.0 + (age_s / 60.0).floor() / 6.0 + full })
        }));
        let slope = slope_mib_per_h(&floor_mib(&samples)).unwrap();
        assert!((slope - 10.0).abs() < 1e-6, "{slope}");
        assert_eq!(least_squares(&[(1.0, 1.0)]), None);
    }
}
