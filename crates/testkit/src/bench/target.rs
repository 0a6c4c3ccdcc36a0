//! What a figure has to reach.

/// A bound for one figure of a shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// The figure, such as `delivered`.
    pub what: &'static str,
    /// The bound.
    pub bound: Bound,
}

/// A bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Hearth's median is at least so many times mosquitto's.
    RatioAtLeast(f64),
    /// Hearth's median is at most so many times mosquitto's.
    RatioAtMost(f64),
    /// Hearth's median is at least this.
    AtLeast(f64),
    /// Hearth's median is at most this.
    AtMost(f64),
}

impl Bound {
    /// Whether it is met; `None` when what it speaks of was not measured.
    pub fn is_met(self, hearth: Option<f64>, ratio: Option<f64>) -> Option<bool> {
        Some(match self {
            Self::RatioAtLeast(least) => ratio? >= least,
            Self::RatioAtMost(most) => ratio? <= most,
            Self::AtLeast(least) => hearth? >= least,
            Self::AtMost(most) => hearth? <= most,
        })
    }

    /// For the table: `>= 3.0x`, `<= 600`.
    pub fn text(self) -> String {
        match self {
            Self::RatioAtLeast(least) => format!("≥ {least}x"),
            Self::RatioAtMost(most) => format!("≤ {most}x"),
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => format!("≤ {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_met_at_its_value() {
        fn check(bound: Bound, hearth: f64, ratio: Option<f64>, expected: Option<bool>) {
            assert_eq!(bound.is_met(Some(hearth), ratio), expected, "{bound:?}");
        }
        check(Bound::RatioAtLeast(3.0), 9.0, Some(3.0), Some(true));
        check(Bound::RatioAtLeast(3.0), 9.0, Some(2.9), Some(false));
        check(Bound::RatioAtLeast(3.0), 9.0, None, None);
        check(Bound::RatioAtMost(1.2), 9.0, Some(1.3), Some(false));
        check(Bound::AtMost(600.0), 600.0, None, Some(true));
        check(Bound::AtLeast(100.0), 99.9, None, Some(false));
        assert_eq!(Bound::AtMost(600.0).is_met(None, None), None);
        assert_eq!(Bound::RatioAtLeast(3.0).text(), "≥ 3x");
    }
}
