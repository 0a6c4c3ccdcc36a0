//! Topics that tell a board what to do, and the echo that answers.

use std::collections::BTreeSet;

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
    let shares = levels_shared(stem, topic);
    if !way.is_empty() && key.eq_ignore_ascii_case(last) {
        return if shares > 0 { 3 } else { 0 };
    }
    let topic_last = topic.rsplit('/').next().unwrap_or(topic);
    if way.is_empty() && topic_last.eq_ignore_ascii_case(last) && shares > 0 { 3 } else { 0 }
}

/// Levels two topics have in common, wherever these stand, beside the last.
fn levels_shared(a: &str, b: &str) -> usize {
    fn levels(text: &str) -> BTreeSet<&str> {
        text.rsplit_once('/').map(|(above, _)| above.split('/').collect()).unwrap_or_default()
    }
    levels(a).intersection(&levels(b)).count()
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
