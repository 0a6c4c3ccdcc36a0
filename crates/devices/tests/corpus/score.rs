//! What passed and what was missed, by file and group.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value as Json;

use crate::reader::text;

/// The least share of a group that must pass.
pub(crate) struct Bar {
    pub(crate) file: &'static str,
    pub(crate) group: &'static str,
    pub(crate) least: f64,
}

#[derive(Default)]
struct Tally {
    passed: usize,
    total: usize,
}

impl Tally {
    fn share(&self) -> f64 {
        self.passed as f64 / self.total as f64
    }
}

struct Miss {
    file: String,
    what: String,
    why: String,
}

/// All that was scored.
pub(crate) struct Scores {
    tallies: BTreeMap<(String, String), Tally>,
    missed: Vec<Miss>,
    known: Vec<Json>,
}

impl Scores {
    pub(crate) fn new(known: Vec<Json>) -> Self {
        Self { tallies: BTreeMap::new(), missed: Vec::new(), known }
    }

    /// Counts one check in a group. `what` names it the same at every run.
    pub(crate) fn count(&mut self, file: &str, group: &str, what: &str, outcome: &Result<(), String>) {
        let tally = self.tallies.entry((file.to_owned(), group.to_owned())).or_default();
        tally.total += 1;
        match outcome {
            Ok(()) => tally.passed += 1,
            Err(why) => {
                let (file, what, why) = (file.to_owned(), what.to_owned(), why.clone());
                if !self.missed.iter().any(|miss| miss.file == file && miss.what == what) {
                    self.missed.push(Miss { file, what, why });
                }
            }
        }
    }

    /// The scores as a table.
    pub(crate) fn table(&self, bars: &[Bar]) -> String {
        let mut table = format!(
            "{:<24} {:<28} {:>6} {:>6} {:>8} {:>7}\n",
            "file", "group", "passed", "of", "share", "bar"
        );
        for ((file, group), tally) in &self.tallies {
            let bar = bars.iter().find(|bar| bar.file == file && bar.group == group);
            let least = bar.map_or(String::new(), |bar| format!("{:.1} %", bar.least * 100.0));
            let share = format!("{:.2} %", tally.share() * 100.0);
            let _ = writeln!(
                table,
                "{file:<24} {group:<28} {:>6} {:>6} {share:>8} {least:>7}",
                tally.passed, tally.total
            );
        }
        table
    }

    /// What was missed: first how many for which known reason, then one by one what nobody has explained.
    pub(crate) fn misses(&self) -> String {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        let mut unexplained = String::new();
        for miss in &self.missed {
            match self.reason(miss) {
                Some(reason) => *reasons.entry(reason).or_default() += 1,
                None => {
                    let _ = writeln!(unexplained, "  {} {}: {}", miss.file, miss.what, miss.why);
                }
            }
        }
        let mut told = String::new();
        for (reason, count) in reasons {
            let _ = writeln!(told, "missed {count}: {reason}");
        }
        if !unexplained.is_empty() {
            let _ = write!(told, "missed without a known reason:\n{unexplained}");
        }
        told
    }

    fn reason(&self, miss: &Miss) -> Option<&str> {
        let explains = |known: &&Json| {
            text(known, "file") == miss.file
                && known["what"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|what| *what == miss.what.as_str()))
        };
        self.known.iter().find(explains).map(|known| text(known, "why"))
    }

    /// The groups that fell below their bar.
    pub(crate) fn below(&self, bars: &[Bar]) -> Vec<String> {
        let tally_of = |bar: &Bar| self.tallies.get(&(bar.file.to_owned(), bar.group.to_owned()));
        let fallen = bars.iter().filter_map(|bar| {
            let share = tally_of(bar)?.share();
            let words =
                format!("{} {} ({:.2} % of {:.1} %)", bar.file, bar.group, share * 100.0, bar.least * 100.0);
            (share < bar.least).then_some(words)
        });
        fallen.collect()
    }
}
