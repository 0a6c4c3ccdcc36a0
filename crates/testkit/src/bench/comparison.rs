//! Figures of several runs on two sides, brought down to medians and a ratio.

use std::fmt::Write as _;

use serde::Serialize;

use super::target::{Bound, Target};
use crate::statistics::{median, ratio};

/// One measured number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured, such as `delivered`.
    pub what: &'static str,
    /// Its unit, such as `msg/s`.
    pub unit: &'static str,
    /// The number.
    pub value: f64,
}

impl Figure {
    /// A number with its name and unit.
    pub fn new(what: &'static str, unit: &'static str, value: f64) -> Self {
        Self { what, unit, value }
    }
}

/// One figure of one shape on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The shape's name.
    pub shape: String,
    /// What was measured.
    pub what: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Every run on mosquitto; empty where it has nothing to compare.
    pub mosquitto: Vec<f64>,
    /// Every run on Hearth.
    pub hearth: Vec<f64>,
    /// What Hearth has to reach, if anything.
    #[serde(skip)]
    pub target: Option<Bound>,
}

impl Comparison {
    /// Median of mosquitto's runs.
    pub fn mosquitto_median(&self) -> Option<f64> {
        median(&self.mosquitto)
    }

    /// Median of Hearth's runs.
    pub fn hearth_median(&self) -> Option<f64> {
        median(&self.hearth)
    }

    /// Hearth's median as a multiple of mosquitto's.
    pub fn ratio(&self) -> Option<f64> {
        ratio(self.hearth_median()?, self.mosquitto_median()?)
    }

    /// Whether Hearth reaches what it has to; `None` when it has to reach nothing, or was not measured.
    pub fn is_met(&self) -> Option<bool> {
        self.target?.is_met(self.hearth_median(), self.ratio())
    }
}

/// Sorts the figures of many runs of one shape into comparisons, in the order the figures first appeared.
pub fn compare(
    shape: &str,
    targets: &[Target],
    mosquitto: &[Vec<Figure>],
    hearth: &[Vec<Figure>],
) -> Vec<Comparison> {
    let mut comparisons: Vec<Comparison> = Vec::new();
    for (runs, side) in [(mosquitto, Side::Mosquitto), (hearth, Side::Hearth)] {
        for figure in runs.iter().flatten() {
            let place = comparisons.iter().position(|known| known.what == figure.what).unwrap_or_else(|| {
                comparisons.push(Comparison {
                    shape: shape.to_owned(),
                    what: figure.what,
                    unit: figure.unit,
                    mosquitto: Vec::new(),
                    hearth: Vec::new(),
                    target: targets
                        .iter()
                        .find(|target| target.what == figure.what)
                        .map(|target| target.bound),
                });
                comparisons.len() - 1
            });
            match side {
                Side::Mosquitto => comparisons[place].mosquitto.push(figure.value),
                Side::Hearth => comparisons[place].hearth.push(figure.value),
            }
        }
    }
    comparisons
}

#[derive(Clone, Copy)]
enum Side {
    Mosquitto,
    Hearth,
}

/// The comparisons as a Markdown table.
pub fn table(comparisons: &[Comparison]) -> String {
    let mut text = String::from(
        "| shape | figure | unit | mosquitto | Hearth | Hearth / mosquitto | target |\n\
         |---|---|---|---:|---:|---:|---|\n",
    );
    for row in comparisons {
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), readable);
        let times = row.ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}x"));
        let met = match row.is_met() {
            Some(true) => ": met",
            Some(false) => ": **not met**",
            None => "",
        };
        let target = row.target.map_or_else(|| "–".to_owned(), |target| format!("{}{met}", target.text()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {times} | {target} |",
            row.shape,
            row.what,
            row.unit,
            number(row.mosquitto_median()),
            number(row.hearth_median()),
        );
    }
    text
}

/// How many targets are met, and which are not; `None` when there are none.
pub fn summary(comparisons: &[Comparison]) -> Option<String> {
    let judged = comparisons.iter().filter_map(|row| Some((row, row.is_met()?)));
    let (met, missed): (Vec<_>, Vec<_>) = judged.partition(|(_, met)| *met);
    let of = met.len() + missed.len();
    if of == 0 {
        return None;
    }
    let missed: Vec<_> = missed.iter().map(|(row, _)| format!("{} ({})", row.shape, row.what)).collect();
    let behind = if missed.is_empty() { String::new() } else { format!("; not met: {}", missed.join(", ")) };
    Some(format!("{} of {of} targets met{behind}.", met.len()))
}

/// Three digits that mean something: 231,310, 84.2, 0.62.
fn readable(value: f64) -> String {
    if value.abs() >= 1_000.0 {
        let digits = format!("{:.0}", value.abs());
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place) % 3 == 0 {
                text.push(',');
            }
            text.push(digit);
        }
        return if value < 0.0 { format!("-{text}") } else { text };
    }
    let decimals = match value.abs() {
        hundreds if hundreds >= 100.0 => 0,
        tens if tens >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(what: &'static str, values: &[f64]) -> Vec<Vec<Figure>> {
        values.iter().map(|value| vec![Figure::new(what, "msg/s", *value)]).collect()
    }

    #[test]
    fn each_figure_is_compared_by_its_median() {
        let mosquitto = runs("delivered", &[100.0, 900.0, 110.0]);
        let hearth = runs("delivered", &[330.0, 220.0, 10.0]);
        let compared = compare("QoS 0 1→1", &[], &mosquitto, &hearth);
        assert_eq!(compared.len(), 1);
        assert_eq!(compared[0].mosquitto_median(), Some(110.0));
        assert_eq!(compared[0].hearth_median(), Some(220.0));
        assert_eq!(compared[0].ratio(), Some(2.0));
    }

    #[test]
    fn a_figure_of_one_side_has_no_ratio() {
        let mut hearth = runs("delivered", &[1.0]);
        hearth[0].push(Figure::new("start", "ms", 12.0));
        let compared = compare("s", &[], &runs("delivered", &[2.0]), &hearth);
        let whats: Vec<_> = compared.iter().map(|row| (row.what, row.ratio())).collect();
        assert_eq!(whats, [("delivered", Some(0.5)), ("start", None)]);
    }

    #[test]
    fn the_table_is_markdown() {
        fn check(bound: Option<Bound>, expected: &str) {
            let targets: Vec<_> =
                bound.map(|bound| Target { what: "delivered", bound }).into_iter().collect();
            let (theirs, ours) = (runs("delivered", &[110_967.4]), runs("delivered", &[231_310.0]));
            let table = table(&compare("QoS 0 1→1", &targets, &theirs, &ours));
            let expected =
                format!("| QoS 0 1→1 | delivered | msg/s | 110,967 | 231,310 | 2.08x | {expected} |");
            assert_eq!(table.lines().last(), Some(&*expected));
            assert_eq!(table.lines().count(), 3);
        }
        check(None, "–");
        check(Some(Bound::RatioAtLeast(2.0)), "≥ 2x: met");
        check(Some(Bound::AtMost(100.0)), "≤ 100: **not met**");
    }

    #[test]
    fn the_summary_names_what_is_missed() {
        let target = |bound| [Target { what: "delivered", bound }];
        let (theirs, ours) = (runs("delivered", &[100.0]), runs("delivered", &[210.0]));
        let mut rows = compare("one", &target(Bound::RatioAtLeast(2.0)), &theirs, &ours);
        assert_eq!(summary(&rows).unwrap(), "1 of 1 targets met.");
        rows.extend(compare("other", &target(Bound::RatioAtLeast(3.0)), &theirs, &ours));
        rows.extend(compare("aimless", &[], &theirs, &ours));
        assert_eq!(summary(&rows).unwrap(), "1 of 2 targets met; not met: other (delivered).");
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn numbers_keep_the_digits_that_mean_something() {
        fn check(value: f64, expected: &str) {
            assert_eq!(readable(value), expected);
        }
        check(1_234_567.8, "1,234,568");
        check(1_000.0, "1,000");
        check(999.4, "999");
        check(84.23, "84.2");
        check(0.616, "0.62");
        check(0.0, "0.00");
        check(-1_500.0, "-1,500");
    }
}
