//! What is held back when too many lines come, so that the others can still be found.

use std::collections::HashMap;

use crate::api::types::Level;
use crate::client_log::About;

/// Warnings that repeat, and lines that are too many, are told together after this time, ms.
const MINUTE_MS: i64 = 60_000;
/// Lines of one kind and level told in that time. A house of a hundred boards may come back at once.
const LINES_OF_KIND_MAX: usize = 200;
/// Warnings whose repetitions are counted at a time.
const REPEATED_MAX: usize = 1_000;
/// Time between two looks at what is due, ms.
const LOOK_MS: i64 = 1_000;

/// A line before it is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) level: Level,
    pub(crate) about: &'static str,
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
    /// The client whose log it belongs to, too.
    pub(crate) client: Option<About>,
}

pub(crate) struct Flood {
    /// Lines of one kind and level told in a minute.
    lines_max: usize,
    repeated: HashMap<(&'static str, String), Repeated>,
    kinds: HashMap<(&'static str, &'static str), Kind>,
    looked_ms: i64,
}

struct Repeated {
    line: Line,
    told_ms: i64,
    since: u64,
    last_ms: i64,
}

struct Kind {
    level: Level,
    since_ms: i64,
    told: usize,
    held: u64,
    last_ms: i64,
}

impl Default for Flood {
    fn default() -> Self {
        Self::of(LINES_OF_KIND_MAX)
    }
}

impl Flood {
    /// One that tells so many lines of one kind and level in a minute.
    pub(crate) fn of(lines_max: usize) -> Self {
        Self { lines_max, repeated: HashMap::new(), kinds: HashMap::new(), looked_ms: 0 }
    }

    /// Whether it holds nothing back and counts nothing.
    pub(crate) fn is_quiet(&self) -> bool {
        self.repeated.is_empty() && self.kinds.is_empty()
    }

    /// Whether the line is told now. What is not is counted, and told by [`Flood::due`].
    pub(crate) fn admit(&mut self, now_ms: i64, line: &Line) -> bool {
        // That a board came and went ten times is ten things that happened.
        let may_repeat = line.level != Level::Info;
        let key = (line.about, line.text.clone());
        if may_repeat && let Some(seen) = self.repeated.get_mut(&key) {
            seen.since += 1;
            seen.last_ms = now_ms;
            return false;
        }
        if !self.count(now_ms, line, 1) {
            return false;
        }
        if may_repeat && self.repeated.len() < REPEATED_MAX {
            self.repeated
                .insert(key, Repeated { line: line.clone(), told_ms: now_ms, since: 0, last_ms: now_ms });
        }
        true
    }

    /// What was held back long enough, each with the time it happened last, UTC ms.
    pub(crate) fn due(&mut self, now_ms: i64) -> Vec<(i64, Line)> {
        if !is_over(self.looked_ms, now_ms, LOOK_MS) {
            return Vec::new();
        }
        self.looked_ms = now_ms;
        let mut due = Vec::new();
        self.kinds.retain(|(about, _), kind| {
            if !is_over(kind.since_ms, now_ms, MINUTE_MS) {
                return true;
            }
            if kind.held > 0 {
                let text = format!("And {} more of this kind in the last minute.", grouped(kind.held));
                let line = Line { level: kind.level, about, subject: None, text, client: None };
                due.push((kind.last_ms, line));
            }
            false
        });
        let ended: Vec<_> = self
            .repeated
            .iter()
            .filter(|(_, seen)| is_over(seen.told_ms, now_ms, MINUTE_MS))
            .map(|(key, _)| key.clone())
            .collect();
        for key in ended {
            let Some(Repeated { line, since, last_ms, .. }) = self.repeated.remove(&key) else { continue };
            // A line that goes on is told once a minute, within the bounds of its kind.
            if since > 0 && self.count(now_ms, &line, since) {
                let times = if since == 1 { "time" } else { "times" };
                let text =
                    format!("{} It happened {} more {times} in the last minute.", line.text, grouped(since));
                due.push((last_ms, Line { text, ..line.clone() }));
                self.repeated.insert(key, Repeated { line, told_ms: now_ms, since: 0, last_ms });
            }
        }
        due
    }

    /// Counts a line that stands for so many; false when its kind has had its share.
    fn count(&mut self, now_ms: i64, line: &Line, stands_for: u64) -> bool {
        let fresh = || Kind { level: line.level, since_ms: now_ms, told: 0, held: 0, last_ms: now_ms };
        let kind = self.kinds.entry((line.about, super::level_name(line.level))).or_insert_with(fresh);
        let has_room = kind.told < self.lines_max;
        if has_room {
            kind.told += 1;
        } else {
            kind.held += stands_for;
            kind.last_ms = now_ms;
        }
        has_room
    }
}

/// Whether a time has passed. A clock that was set back ends it, too.
fn is_over(since_ms: i64, now_ms: i64, time_ms: i64) -> bool {
    !(0..time_ms).contains(&(now_ms - since_ms))
}

/// 52113 as 52,113.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: i64 = 1_700_000_000_000;

    fn line(level: Level, text: &str) -> Line {
        Line {
            level,
            about: "client",
            subject: Some("board".to_owned()),
            text: text.to_owned(),
            client: None,
        }
    }

    fn texts(lines: Vec<(i64, Line)>) -> Vec<String> {
        lines.into_iter().map(|(_, line)| line.text).collect()
    }

    #[test]
    fn a_repeated_warning_is_told_once_a_minute_with_its_count() {
        let mut flood = Flood::default();
        let wrong = line(Level::Warning, "Wrong password.");
        let told = (0..5).filter(|n| flood.admit(START_MS + n, &wrong)).count();
        assert_eq!(told, 1);
        assert!(flood.due(START_MS + MINUTE_MS - 1).is_empty());
        let after = START_MS + 2 * MINUTE_MS;
        assert_eq!(texts(flood.due(after)), ["Wrong password. It happened 4 more times in the last minute."]);
        assert!(!flood.admit(after + 1, &wrong), "it goes on");
        assert_eq!(
            texts(flood.due(after + MINUTE_MS)),
            ["Wrong password. It happened 1 more time in the last minute."]
        );
        assert!(flood.due(after + 2 * MINUTE_MS).is_empty());
        assert!(flood.admit(after + 2 * MINUTE_MS, &wrong), "it is news again");
    }

    #[test]
    fn a_summed_line_has_the_time_of_its_last_occurrence() {
        let mut flood = Flood::default();
        for n in [0, 1_000, 7_000] {
            flood.admit(START_MS + n, &line(Level::Warning, "Wrong password."));
        }
        let times = |due: Vec<(i64, Line)>| due.into_iter().map(|(time_ms, _)| time_ms).collect::<Vec<_>>();
        assert_eq!(times(flood.due(START_MS + MINUTE_MS)), [START_MS + 7_000]);
        let mut flood = Flood::of(1);
        for n in [0, 2_000, 3_000] {
            flood.admit(START_MS + n, &line(Level::Info, &n.to_string()));
        }
        assert_eq!(times(flood.due(START_MS + MINUTE_MS)), [START_MS + 3_000]);
    }

    #[test]
    fn what_happened_is_never_taken_for_a_repetition() {
        let mut flood = Flood::default();
        let came = line(Level::Info, "board connected.");
        assert!((0..10).all(|_| flood.admit(START_MS, &came)));
    }

    #[test]
    fn a_flood_becomes_one_line_and_leaves_the_other_kinds_alone() {
        let mut flood = Flood::default();
        let told =
            (0..52_313).filter(|n| flood.admit(START_MS, &line(Level::Warning, &n.to_string()))).count();
        assert_eq!(told, LINES_OF_KIND_MAX);
        assert!(flood.admit(START_MS, &line(Level::Info, "board connected.")));
        let other = Line { about: "device", ..line(Level::Warning, "news") };
        assert!(flood.admit(START_MS, &other));
        let due = texts(flood.due(START_MS + MINUTE_MS));
        assert_eq!(due, ["And 52,113 more of this kind in the last minute."]);
        assert!(flood.admit(START_MS + MINUTE_MS, &line(Level::Warning, "a new minute")));
    }

    #[test]
    fn many_warnings_that_repeat_for_ever_keep_within_the_bounds_of_their_kind() {
        let mut flood = Flood::default();
        let mut told = 0;
        for minute in 0..10 {
            let now_ms = START_MS + minute * MINUTE_MS;
            told = flood.due(now_ms).len();
            for n in 0..1_000 {
                flood.admit(now_ms, &line(Level::Warning, &n.to_string()));
            }
        }
        assert!(told <= LINES_OF_KIND_MAX + 1, "{told}");
        assert!(flood.repeated.len() <= REPEATED_MAX);
    }

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!(
            [7, 999, 1_000, 52_113, 1_234_567].map(grouped),
            ["7", "999", "1,000", "52,113", "1,234,567"]
        );
    }
}
