//! Topics that tell a board what to do, and the echo that answers.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::board::Board;
use super::leaf::Leaf;
use super::series::{Series, other_of};
use super::traffic::{COMMANDS_LOOKED_AT, ECHO_MS_MAX};

/// Levels that make a topic one that tells, at its end or at its beginning.
const LAST: [&str; 9] = ["set", "cmd", "cmnd", "command", "commands", "control", "ctrl", "write", "setzen"];
const FIRST: [&str; 5] = ["cmnd", "cmd", "command", "commands", "set"];

/// Whether a topic by its name tells something.
pub(super) fn is_command_name(topic: &str) -> bool {
    stem(topic).is_some()
}

/// What a topic that tells is about: `garden/pump1/relay` of `garden/pump1/relay/set`, `plug/POWER` of
/// `cmnd/plug/POWER`.
pub(super) fn stem(topic: &str) -> Option<&str> {
    let is = |level: &str, of: &[&str]| of.iter().any(|word| level.eq_ignore_ascii_case(word));
    let last = topic.rsplit_once('/').filter(|(stem, last)| !stem.is_empty() && is(last, &LAST));
    let first = || topic.split_once('/').filter(|(first, stem)| !stem.is_empty() && is(first, &FIRST));
    last.map(|(stem, _)| stem).or_else(|| first().map(|(_, stem)| stem))
}

/// The topics that by their name tell something.
pub(super) struct Tellers<'t> {
    /// By what they are about.
    by_about: BTreeMap<&'t str, Vec<&'t str>>,
    /// By the first level of what they are about.
    by_first: HashMap<&'t str, Vec<&'t str>>,
}

impl<'t> Tellers<'t> {
    pub(super) fn among(topics: impl Iterator<Item = &'t str>) -> Self {
        let mut found = Self { by_about: BTreeMap::new(), by_first: HashMap::new() };
        for (topic, about) in topics.filter_map(|topic| Some((topic, stem(topic)?))) {
            found.by_about.entry(about).or_default().push(topic);
            found.by_first.entry(about.split('/').next().unwrap_or(about)).or_default().push(topic);
        }
        found
    }

    /// Those about a board or what is below it; or, when its topics begin with nothing in common, those said in the
    /// way of `cmnd/plug/POWER` beside its `stat/plug/POWER`.
    pub(super) fn about(&self, board: &Board) -> impl Iterator<Item = &'t str> {
        let root = Some(board.root.as_str()).filter(|root| !root.is_empty());
        let second = |topic: &'_ Arc<str>| topic.split('/').nth(1).map(ToOwned::to_owned);
        let first = board.topics.first().filter(|_| root.is_none()).and_then(second);
        let shared = first.filter(|first| {
            !first.is_empty() && board.topics.iter().all(|topic| topic.split('/').nth(1) == Some(first))
        });
        let from = root.map(|root| self.by_about.range::<str, _>((Bound::Included(root), Bound::Unbounded)));
        let below = from.into_iter().flatten().take_while(|(about, _)| about.starts_with(&board.root));
        let below = below.filter(|(about, _)| ***about == *board.root || board.is_over(about));
        let beside = shared.and_then(|shared| self.by_first.get(&*shared)).into_iter().flatten();
        below.flat_map(|(_, topics)| topics).chain(beside).copied()
    }
}

/// How well a value answers to commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Echo {
    /// Commands that should have changed it.
    pub(super) tried: u32,
    /// Those after which it was what it was told to be.
    pub(super) answered: u32,
    /// Longest time until then, ms.
    pub(super) within_ms: i64,
}

/// Counts the commands a value answered.
pub(super) fn echo(commands: &Series, state: &Series) -> Echo {
    let mut found = Echo::default();
    for command in commands.points.iter().rev().take(COMMANDS_LOOKED_AT) {
        let Some(wanted) = wish(&command.leaf) else { continue };
        let after = state.points.partition_point(|point| point.id < command.id);
        let before = after.checked_sub(1).and_then(|at| wish(&state.points.get(at)?.leaf));
        // What was so already proves nothing.
        if before.as_ref().is_some_and(|before| same(before, &wanted)) {
            continue;
        }
        let in_time =
            state.points[after..].iter().take_while(|point| point.time_ms <= command.time_ms + ECHO_MS_MAX);
        let answer = in_time.into_iter().find(|point| match wish(&point.leaf) {
            Some(Wish::Toggle) | None => false,
            Some(said) if wanted == Wish::Toggle => {
                before.as_ref().is_some_and(|before| !same(before, &said))
            }
            Some(said) => same(&said, &wanted),
        });
        found.tried += 1;
        if let Some(answer) = answer {
            found.answered += 1;
            found.within_ms = found.within_ms.max(answer.time_ms - command.time_ms);
        }
    }
    found
}

/// What is wished for, or said to be.
#[derive(Debug, Clone, PartialEq)]
enum Wish {
    On(bool),
    Number(f64),
    Word(String),
    Toggle,
}

fn wish(leaf: &Leaf) -> Option<Wish> {
    Some(match leaf {
        Leaf::Bool(on) => Wish::On(*on),
        Leaf::Number { value, .. } => Wish::Number(*value),
        Leaf::Word(word) if matches!(word.to_lowercase().as_str(), "toggle" | "t" | "2") => Wish::Toggle,
        Leaf::Word(word) => match other_of(word) {
            Some((_, on)) => Wish::On(on),
            None => Wish::Word(word.to_lowercase()),
        },
        Leaf::Other => return None,
    })
}

fn same(a: &Wish, b: &Wish) -> bool {
    match (a, b) {
        (Wish::On(on), Wish::Number(number)) | (Wish::Number(number), Wish::On(on)) => {
            *number == f64::from(u8::from(*on))
        }
        (Wish::Number(a), Wish::Number(b)) => (a - b).abs() <= 1e-6 * a.abs().max(1.0),
        (a, b) => a == b,
    }
}

/// How well the name of a value fits what a command is about; 0: not at all.
pub(super) fn likeness(stem: &str, topic: &str, way: &str) -> u32 {
    let last = stem.rsplit('/').next().unwrap_or(stem);
    let key = way.rsplit('.').next().unwrap_or(way);
    if way.is_empty() && topic == stem {
        return 4;
    }
    if way.is_empty() && topic.strip_prefix(stem).is_some_and(super::board::is_generic_tail) {
        return 4;
    }
    let called = if way.is_empty() { topic.rsplit('/').next().unwrap_or(topic) } else { key };
    if called.eq_ignore_ascii_case(last) && share_a_level(stem, topic) { 3 } else { 0 }
}

/// Whether two topics have a level in common, wherever it stands, beside the last.
fn share_a_level(a: &str, b: &str) -> bool {
    let above = |topic: &'_ str| topic.rfind('/').unwrap_or(0);
    let (a, b) = (&a[..above(a)], &b[..above(b)]);
    !a.is_empty() && a.split('/').any(|level| b.split('/').any(|other| level == other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_is_about_stands_in_its_topic() {
        fn check(topic: &str, expected: Option<&str>) {
            assert_eq!(stem(topic), expected, "{topic}");
        }
        check("garden/pump1/relay/set", Some("garden/pump1/relay"));
        check("cmnd/plug/POWER", Some("plug/POWER"));
        check("garden/pump1/settings", None);
        check("set", None);
    }

    #[test]
    fn a_command_is_likest_the_value_it_is_called_after() {
        fn check(stem: &str, topic: &str, way: &str, expected: u32) {
            assert_eq!(likeness(stem, topic, way), expected, "{stem} {topic} {way}");
        }
        check("g/p/relay", "g/p/relay", "", 4);
        check("g/p/relay", "g/p/relay/state", "", 4);
        check("g/p/relay", "g/p/state", "relay", 3);
        check("plug/POWER", "stat/plug/POWER", "", 3);
        check("g/p/relay", "g/p/state", "temp", 0);
        check("g/p/relay", "other/relay", "", 0);
        check("g/p/relay", "g/p/moisture", "", 0);
    }
}
