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
/// Words that have other commands behind them, now or later: nobody can say what they switch.
const RULED: [&str; 7] = ["if", "elseif", "else", "endif", "rule", "event", "ruletimer"];

/// The topic as all ways to write it come to; one that is not Tasmota's as it is.
pub(super) fn canonical(topic: &str) -> Cow<'_, str> {
    let Some((base, command)) = split(topic) else { return Cow::Borrowed(topic) };
    let command = command.to_ascii_lowercase();
    if command.starts_with(BACKLOG) {
        return Cow::Owned(format!("{base}/{BACKLOG}"));
    }
    Cow::Owned(match number_of(&command) {
        Some(number) => format!("{base}/{POWER}{number}"),
        None => format!("{base}/{command}"),
    })
}

/// The topics by which this one may be known, as [`canonical`] writes them. Tasmota listens to everything below its own
/// topic, and takes the last level for the command.
pub(super) fn heard_as(topic: &str) -> Vec<String> {
    let own = canonical(topic).into_owned();
    let mut all = Vec::new();
    if let Some((mut base, command)) = split(&own) {
        while let Some((above, _)) = base.rsplit_once('/').filter(|(above, _)| is_under_command(above)) {
            all.push(format!("{above}/{command}"));
            base = above;
        }
    }
    all.insert(0, own);
    all
}

fn split(topic: &str) -> Option<(&str, &str)> {
    topic.rsplit_once('/').filter(|(base, _)| is_under_command(base))
}

fn is_under_command(base: &str) -> bool {
    base.split('/').any(|level| level == COMMAND)
}

/// The number of the relay a topic switches, if it does; 0 for all of them.
pub(super) fn relay(topic: &str) -> Option<u32> {
    number_of(split(topic)?.1)
}

fn number_of(command: &str) -> Option<u32> {
    let command = command.to_ascii_lowercase();
    match command.strip_prefix(POWER)? {
        "" => Some(1),
        // A number that is too large may come to any relay.
        digits => digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().unwrap_or(0)),
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

/// What a backlog asks of one relay, in order. `dims`: it is a lamp.
pub(super) fn backlog(payload: &str, relay: u32, dims: bool) -> Vec<To> {
    let parts = payload.split([';', '\n']).filter_map(|part| {
        let (command, argument) = command_of(part);
        match number_of(command) {
            Some(number) if number == relay || number == 0 => {
                (!argument.is_empty()).then(|| word(argument).unwrap_or(To::Either))
            }
            Some(_) => None,
            None => (dims && SHINE.contains(&&*name_of(command)) && !argument.is_empty()).then_some(To::On),
        }
    });
    let words = payload.split(|c: char| !c.is_ascii_alphanumeric());
    let is_ruled = words.into_iter().any(|word| RULED.contains(&&*name_of(word)));
    parts.chain(is_ruled.then_some(To::Either)).collect()
}

/// The command of one part of a backlog, and what it is told. A backlog in a backlog is the same.
fn command_of(part: &str) -> (&str, &str) {
    let mut rest = part.trim();
    loop {
        let (command, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let command = command.rsplit('/').next().unwrap_or(command);
        if name_of(command) != BACKLOG {
            return (command, argument.trim());
        }
        rest = argument.trim();
    }
}

fn name_of(command: &str) -> String {
    command.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase()
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
