//! What one value of a topic did over time, and what kind of value that makes it.

use std::collections::BTreeSet;

use super::leaf::{Leaf, Way, leaves};
use super::measure::Figures;
use super::traffic::Track;
use super::words::words;

/// Messages that make a value of something that is not retained.
const MESSAGES_MIN: usize = 3;
/// Different words of a thing that is in one of several states.
const WORDS_MAX: usize = 8;
/// Messages from which on "it only ever rose" says something.
const RISING_MIN: usize = 5;
/// A clock is no reading: how far from the time of its message it may be, ms.
const CLOCK_MS: f64 = 2.0 * 24.0 * 60.0 * 60.0 * 1_000.0;

/// One value of a topic.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) way: Way,
    pub(super) points: Vec<Point>,
    /// Messages of the topic since this value was first in one: a newer firmware says more than the old one did.
    pub(super) of: usize,
    pub(super) retained: bool,
}

/// One value at one time.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) id: u64,
    pub(super) time_ms: i64,
    pub(super) leaf: Leaf,
}

/// What kind of value it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A number, with the unit written behind it.
    Number(Figures, Option<String>),
    /// One of two things.
    OnOff(Pair),
    /// Zeros and ones: either.
    Bit(Figures),
    /// One of several words.
    Words(Vec<String>),
    /// Nothing to make an entity of.
    Nothing,
}

/// Two words, as the board writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) on: String,
    pub(super) off: String,
    /// They are `true` and `false` of JSON.
    pub(super) json: bool,
}

/// Words for on and off that boards use, the likeliest first.
const PAIRS: [(&str, &str); 18] = [
    ("on", "off"),
    ("true", "false"),
    ("open", "closed"),
    ("opened", "closed"),
    ("yes", "no"),
    ("high", "low"),
    ("enabled", "disabled"),
    ("active", "inactive"),
    ("running", "stopped"),
    ("detected", "clear"),
    ("motion", "no motion"),
    ("wet", "dry"),
    ("pressed", "released"),
    ("an", "aus"),
    ("ein", "aus"),
    ("offen", "geschlossen"),
    ("auf", "zu"),
    ("1", "0"),
];

/// Words by which boards say that they are there, the likeliest first.
const PRESENCES: [(&str, &str); 6] = [
    ("online", "offline"),
    ("connected", "disconnected"),
    ("connected", "connection lost"),
    ("available", "unavailable"),
    ("alive", "dead"),
    ("up", "down"),
];

/// Names of what is either on or off.
const SWITCHING: [&str; 46] = [
    "relay",
    "relais",
    "rele",
    "switch",
    "schalter",
    "pump",
    "pumpe",
    "valve",
    "ventil",
    "led",
    "lamp",
    "lampe",
    "light",
    "licht",
    "motion",
    "pir",
    "bewegung",
    "door",
    "tuer",
    "window",
    "fenster",
    "button",
    "taster",
    "contact",
    "kontakt",
    "reed",
    "alarm",
    "heater",
    "heizung",
    "heating",
    "fan",
    "luefter",
    "power",
    "state",
    "on",
    "enabled",
    "active",
    "leak",
    "wet",
    "presence",
    "plug",
    "steckdose",
    "output",
    "garage",
    "gate",
    "smoke",
];

/// Names of what says who the board is, and not how it is.
const IDENTITY: [&str; 27] = [
    "ip", "mac", "ssid", "bssid", "version", "ver", "fw", "firmware", "sw", "build", "id", "uid", "chip",
    "chipid", "host", "hostname", "name", "board", "model", "port", "interval", "channel", "pin", "gateway",
    "mask", "topic", "client",
];

/// Names of clocks.
const CLOCKS: [&str; 8] = ["ts", "time", "timestamp", "epoch", "date", "datetime", "zeit", "unixtime"];

/// The values of a topic, each with what it did, in the order they were first said.
pub(super) fn series_of(track: &Track) -> Vec<Series> {
    let mut found: Vec<Series> = Vec::new();
    for (id, sample) in &track.samples {
        for (place, (way, leaf)) in leaves(&sample.payload).into_iter().enumerate() {
            // Messages of one topic mostly look the same.
            let same = |series: &Series| series.way == way;
            let known = found.get(place).filter(|series| same(series)).map(|_| place);
            let at = known.or_else(|| found.iter().position(same)).unwrap_or_else(|| {
                let of = track.samples.range(id..).count();
                found.push(Series { way, points: Vec::new(), of, retained: track.retained });
                found.len() - 1
            });
            found[at].points.push(Point { id: *id, time_ms: sample.time_ms, leaf });
        }
    }
    found
}

impl Series {
    /// What kind of value it is; `name`: what it is called, from the outside in.
    pub(super) fn kind(&self, name: &[&str]) -> Kind {
        // A key that is there now and then belongs to messages of another kind.
        let enough = self.points.len() >= MESSAGES_MIN || self.retained;
        let said = name.last().map(|last| words(last)).unwrap_or_default();
        let is = |of: &[&str]| said.iter().any(|word| of.contains(&word.as_str()));
        if !enough || self.points.len() * 2 < self.of || self.is_clock() || is(&CLOCKS) {
            return Kind::Nothing;
        }
        if let Some((figures, unit)) = self.figures() {
            return match unit {
                _ if is(&IDENTITY) => Kind::Nothing,
                None if self.is_bit() && name.iter().any(|part| is_switching(part)) => {
                    Kind::OnOff(Pair { on: "1".into(), off: "0".into(), json: false })
                }
                None if self.is_bit() => Kind::Bit(figures),
                unit => Kind::Number(figures, unit),
            };
        }
        if let Some(pair) = self.pair() {
            return Kind::OnOff(pair);
        }
        let words: BTreeSet<&String> = self.words().collect();
        let repeats = words.len() >= 2 && words.len() <= WORDS_MAX && words.len() * 2 <= self.points.len();
        let all = self.words().count() == self.points.len();
        if all && repeats && !is(&IDENTITY) {
            return Kind::Words(words.into_iter().cloned().collect());
        }
        Kind::Nothing
    }

    /// The words for on and off, when nothing else was said.
    pub(super) fn pair(&self) -> Option<Pair> {
        if self.points.is_empty() {
            return None;
        }
        if self.points.iter().all(|point| matches!(point.leaf, Leaf::Bool(_))) {
            return Some(Pair { on: "true".into(), off: "false".into(), json: true });
        }
        let words: BTreeSet<&String> = self.words().collect();
        let all = self.words().count() == self.points.len();
        if !all { None } else { pair_of(&words, &PAIRS) }
    }

    /// The words by which it says that the board is there.
    pub(super) fn presence(&self) -> Option<Pair> {
        let words: BTreeSet<&String> = self.words().collect();
        let all = !self.points.is_empty() && self.words().count() == self.points.len();
        if !all || !self.way.is_empty() { None } else { pair_of(&words, &PRESENCES) }
    }

    fn words(&self) -> impl Iterator<Item = &String> {
        self.points.iter().filter_map(|point| match &point.leaf {
            Leaf::Word(word) => Some(word),
            _ => None,
        })
    }

    fn numbers(&self) -> impl Iterator<Item = (f64, i64)> {
        self.points.iter().filter_map(|point| match &point.leaf {
            Leaf::Number { value, .. } => Some((*value, point.time_ms)),
            _ => None,
        })
    }

    fn is_bit(&self) -> bool {
        self.numbers().all(|(value, _)| value == 0.0 || value == 1.0)
    }

    /// Seconds or milliseconds since 1970, at about the time of their message.
    fn is_clock(&self) -> bool {
        let near = |(value, time_ms): (f64, i64)| {
            let time_ms = time_ms as f64;
            time_ms > CLOCK_MS * 2.0
                && ((value * 1_000.0 - time_ms).abs() < CLOCK_MS || (value - time_ms).abs() < CLOCK_MS)
        };
        self.numbers().count() > 0 && self.numbers().all(near)
    }

    /// The number it is, if nearly every message says one.
    fn figures(&self) -> Option<(Figures, Option<String>)> {
        let values: Vec<(f64, i64)> = self.numbers().collect();
        if values.is_empty() || values.len() * 10 < self.points.len() * 9 {
            return None;
        }
        let mut decimals = 0;
        let mut units = BTreeSet::new();
        for point in &self.points {
            if let Leaf::Number { decimals: some, unit, .. } = &point.leaf {
                decimals = decimals.max(*some);
                units.insert(unit.clone());
            }
        }
        let unit = if units.len() == 1 { units.pop_first().flatten() } else { None };
        let least = values.iter().map(|(value, _)| *value).fold(f64::INFINITY, f64::min);
        let most = values.iter().map(|(value, _)| *value).fold(f64::NEG_INFINITY, f64::max);
        // A counter that falls begins anew, near nothing.
        let climbs = |pair: &[(f64, i64)]| pair[1].0 >= pair[0].0 || pair[1].0.abs() <= pair[0].0.abs() * 0.1;
        let rises =
            least >= 0.0 && most > least && values.len() >= MESSAGES_MIN && values.windows(2).all(climbs);
        Some((Figures { least, most, decimals: decimals.min(3), rises, pace: pace(&values) }, unit))
    }

    /// Whether every message had a higher number than the one before, often enough to mean it.
    pub(super) fn only_rises(&self) -> bool {
        let values: Vec<(f64, i64)> = self.numbers().collect();
        values.len() >= 4 * RISING_MIN && values.windows(2).all(|pair| pair[1].0 > pair[0].0)
    }
}

/// How much it grows in a second, if the steps agree; steps back, as after a restart, are left out.
fn pace(values: &[(f64, i64)]) -> Option<f64> {
    let step = |pair: &[(f64, i64)]| {
        let (by, took) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        (by > 0.0 && took >= 500).then(|| by / (took as f64 / 1_000.0))
    };
    let mut steps: Vec<f64> = values.windows(2).filter_map(step).collect();
    if steps.len() < 2 {
        return None;
    }
    steps.sort_unstable_by(f64::total_cmp);
    let (low, high) = (steps[steps.len() / 4], steps[(steps.len() * 3 / 4).min(steps.len() - 1)]);
    (high <= low * 1.3).then(|| steps[steps.len() / 2])
}

/// Whether a name is one of something that is on or off.
pub(super) fn is_switching(name: &str) -> bool {
    words(name).iter().any(|word| SWITCHING.contains(&word.as_str()))
}

/// The pair all these words are of, in the board's own writing.
fn pair_of(said: &BTreeSet<&String>, pairs: &[(&str, &str)]) -> Option<Pair> {
    let lower: BTreeSet<String> = said.iter().map(|word| word.to_lowercase()).collect();
    if lower.is_empty() || lower.len() != said.len() {
        return None;
    }
    let (on, off) = pairs.iter().find(|(on, off)| lower.iter().all(|word| word == on || word == off))?;
    let sample = said.first()?;
    let written = |word: &str| {
        let own = said.iter().find(|own| own.to_lowercase() == word);
        own.map_or_else(|| alike(word, sample), |own| (*own).clone())
    };
    Some(Pair { on: written(on), off: written(off), json: false })
}

/// A word in the capitals of another.
pub(super) fn alike(word: &str, sample: &str) -> String {
    let mut letters = sample.chars().filter(|c| c.is_alphabetic());
    let first = letters.next().is_some_and(char::is_uppercase);
    match (first, letters.next().is_some_and(char::is_uppercase)) {
        (true, true) => word.to_uppercase(),
        (true, false) => super::words::capital(word),
        _ => word.to_owned(),
    }
}

/// The other word of a pair, when only one was ever said.
pub(super) fn other_of(word: &str) -> Option<(String, bool)> {
    let lower = word.to_lowercase();
    let found = PAIRS.iter().find_map(|(on, off)| {
        if lower == *on {
            Some((*off, true))
        } else if lower == *off {
            Some((*on, false))
        } else {
            None
        }
    });
    found.map(|(other, is_on)| (alike(other, word), is_on))
}
