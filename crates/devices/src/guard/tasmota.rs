//! Tasmota takes a command in many ways: `POWER`, `Power1` and `power1` are one relay, `POWER0` is all of them, and
//! `Backlog` has several commands in one payload.

use std::borrow::Cow;

use super::signal::To;

/// The level that marks a command, with any full topic.
const COMMAND: &str = "cmnd";
const POWER: &str = "power";
const BACKLOG: &str = "backlog";
/// Commands by which a lamp begins to shine.
const SHINE: [&str; 7] = ["dimmer", "color", "hsbcolor", "ct", "channel", "white", "scheme"];

/// The topic as all ways to write it come to; one that is not Tasmota's as it is.
pub(super) fn canonical(topic: &str) -> Cow<'_, str> {
    let Some((base, command)) = split(topic) else { return Cow::Borrowed(topic) };
    let command = command.to_ascii_lowercase();
    if command.starts_with(BACKLOG) {
        return Cow::Owned(format!("{base}/{BACKLOG}"));
    }
    Cow::Owned(match command.strip_prefix(POWER) {
        Some("") => format!("{base}/{POWER}1"),
        _ => format!("{base}/{command}"),
    })
}

fn split(topic: &str) -> Option<(&str, &str)> {
    topic.rsplit_once('/').filter(|(base, _)| base.split('/').any(|level| level == COMMAND))
}

/// The number of the relay a topic switches, if it does; 0 for all of them.
pub(super) fn relay(topic: &str) -> Option<u32> {
    let canonical = canonical(topic);
    number_of(split(&canonical)?.1)
}

fn number_of(command: &str) -> Option<u32> {
    let command = command.to_ascii_lowercase();
    match command.strip_prefix(POWER)? {
        "" => Some(1),
        digits => digits.parse().ok(),
    }
}

/// The topics by which several things of the same board are told at once.
pub(super) fn shared(topic: &str) -> [String; 2] {
    let base = split(topic).map_or(topic, |(base, _)| base);
    [format!("{base}/{POWER}0"), format!("{base}/{BACKLOG}")]
}

/// Whether a canonical topic takes several commands in one payload.
pub(super) fn is_backlog(topic: &str) -> bool {
    split(topic).is_some_and(|(_, command)| command == BACKLOG)
}

/// The payloads a backlog has for one relay, in order. `dims`: it is a lamp.
pub(super) fn backlog(payload: &str, relay: u32, dims: bool) -> Vec<&str> {
    let parts = payload.split([';', '\n']).filter_map(|part| {
        let part = part.trim();
        let (command, argument) = part.split_once(' ').unwrap_or((part, ""));
        let argument = argument.trim();
        match number_of(command) {
            Some(number) if number == relay || number == 0 => Some(argument).filter(|text| !text.is_empty()),
            Some(_) => None,
            None => {
                let name = command.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase();
                (dims && SHINE.contains(&name.as_str()) && !argument.is_empty()).then_some("on")
            }
        }
    });
    parts.collect()
}

/// What a word means to `Power`.
pub(super) fn word(text: &str) -> Option<To> {
    match text.to_ascii_lowercase().as_str() {
        "0" | "off" | "false" => Some(To::Off),
        "1" | "on" | "true" => Some(To::On),
        "2" | "toggle" => Some(To::Toggle),
        _ => None,
    }
}
