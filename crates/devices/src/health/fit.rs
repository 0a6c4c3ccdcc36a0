//! A straight line through samples, and how sure it is.

/// One value at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// UTC ms.
    pub time_ms: i64,
    /// Value.
    pub value: f64,
}

/// The line of least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// Change per ms.
    pub(super) slope: f64,
    /// Standard error of the slope.
    pub(super) error: f64,
    /// Where the time is counted from.
    start_ms: i64,
    /// Value there.
    at_start: f64,
    /// Share of the spread that the line explains, 0 to 1.
    pub(super) explains: f64,
}

impl Line {
    /// Through at least three samples at different times.
    pub(super) fn through(samples: &[Sample]) -> Option<Self> {
        let start_ms = samples.first()?.time_ms;
        let count = samples.len() as f64;
        if samples.len() < 3 {
            return None;
        }
        let x = |sample: &Sample| (sample.time_ms - start_ms) as f64;
        let mean_x = samples.iter().map(x).sum::<f64>() / count;
        let mean_y = samples.iter().map(|sample| sample.value).sum::<f64>() / count;
        let spread_x: f64 = samples.iter().map(|sample| (x(sample) - mean_x).powi(2)).sum();
        let spread_y: f64 = samples.iter().map(|sample| (sample.value - mean_y).powi(2)).sum();
        let both: f64 = samples.iter().map(|sample| (x(sample) - mean_x) * (sample.value - mean_y)).sum();
        if spread_x <= 0.0 || !spread_x.is_finite() || !spread_y.is_finite() {
            return None;
        }
        let slope = both / spread_x;
        let rest = (spread_y - slope * both).max(0.0);
        let error = (rest / (count - 2.0) / spread_x).sqrt();
        let explains = if spread_y > 0.0 { 1.0 - rest / spread_y } else { 0.0 };
        Some(Self { slope, error, start_ms, at_start: mean_y - slope * mean_x, explains })
    }

    /// Its value at a time.
    pub(super) fn at(&self, time_ms: i64) -> f64 {
        self.at_start + self.slope * (time_ms - self.start_ms) as f64
    }
}

/// The value in the middle.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    Some(if values.len().is_multiple_of(2) {
        (values.get(middle.checked_sub(1)?)? + values.get(middle)?) / 2.0
    } else {
        *values.get(middle)?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_through_what_lies_on_one_and_says_how_sure_it_is() {
        let samples = |values: &[f64]| -> Vec<Sample> {
            (0..).zip(values).map(|(n, value)| Sample { time_ms: 1_000 + n * 10, value: *value }).collect()
        };
        let line = Line::through(&samples(&[5.0, 4.0, 3.0, 2.0])).unwrap();
        assert!((line.slope + 0.1).abs() < 1e-12 && line.error < 1e-6 && line.explains > 0.999, "{line:?}");
        assert!((line.at(1_050) - 0.0).abs() < 1e-9);
        let line = Line::through(&samples(&[5.0, 1.0, 5.0, 1.0, 5.0])).unwrap();
        assert!(line.error > line.slope.abs() && line.explains < 0.1, "{line:?}");
        assert_eq!(Line::through(&samples(&[1.0, 2.0])), None);
        let now = Sample { time_ms: 1, value: 1.0 };
        assert_eq!(Line::through(&[now; 5]), None);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let check =
            |values: &[f64], expected: Option<f64>| assert_eq!(median(values.iter().copied()), expected);
        check(&[], None);
        check(&[3.0], Some(3.0));
        check(&[1.0, 100.0, 3.0], Some(3.0));
        check(&[4.0, 1.0, f64::NAN, 2.0, 3.0], Some(2.5));
    }
}
