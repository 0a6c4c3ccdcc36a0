//! What came of it.

use std::collections::BTreeMap;
use std::fmt;

/// What came of a run.
#[derive(Debug)]
pub struct Verdict {
    pub(super) seed: u64,
    pub(super) minutes: f64,
    /// Broken promises, in full.
    pub broken: Vec<String>,
    /// How many there were; more than are told.
    pub broken_count: u64,
    pub(super) kills: usize,
    pub(super) start_ms_max: u64,
    pub(super) published: u64,
    pub(super) acked: u64,
    pub(super) repeated: u64,
    pub(super) delivered: u64,
    pub(super) repeats: u64,
    pub(super) shed: u64,
    pub(super) logins: u64,
    pub(super) pulse_max_ms: f64,
    pub(super) rss_mib: (f64, f64, f64),
    pub(super) slope_mib_per_h: Option<f64>,
    pub(super) floor_mib: Vec<f64>,
    pub(super) files: (usize, usize, usize),
    pub(super) deeds: BTreeMap<&'static str, u64>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nseed {}, {:.1} minutes, hub killed {} times", self.seed, self.minutes, self.kills)?;
        writeln!(f, "slowest start after a kill: {} ms", self.start_ms_max)?;
        writeln!(
            f,
            "published {} (of them {} acknowledged at QoS 1 and 2), repeated {}; delivered {}, of them {} again",
            self.published, self.acked, self.repeated, self.delivered, self.repeats
        )?;
        writeln!(f, "shed by the hub at its limits, and counted by it to the message: {}", self.shed)?;
        writeln!(f, "logins {}; slowest pulse {:.1} ms", self.logins, self.pulse_max_ms)?;
        let (min, max, last) = self.rss_mib;
        write!(f, "memory min {min:.1}, max {max:.1}, last {last:.1} MiB; ")?;
        match self.slope_mib_per_h {
            Some(slope) => {
                let floor: Vec<_> = self.floor_mib.iter().map(|mib| format!("{mib:.0}")).collect();
                writeln!(
                    f,
                    "in the longest stretch without a kill {slope:+.1} MiB per hour (lowest of each minute: {})",
                    floor.join(", ")
                )?;
            }
            None => writeln!(f, "no stretch without a kill was long enough for a slope")?,
        }
        let (min, max, last) = self.files;
        writeln!(f, "open files min {min}, max {max}, last {last}")?;
        for (deed, times) in &self.deeds {
            writeln!(f, "  {times:>6}  {deed}")?;
        }
        if self.broken_count == 0 {
            return writeln!(f, "VERDICT: every promise was kept");
        }
        for story in &self.broken {
            writeln!(f, "  {story}")?;
        }
        writeln!(f, "VERDICT: {} promises were broken", self.broken_count)
    }
}
