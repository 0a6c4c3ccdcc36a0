//! Tasmota takes a command in many ways: `POWER`, `Power1` and `power1` are one relay, `POWER0` is all of them, and
//! `Backlog` has several commands in one payload.

use super::signal::To;

/// The level that marks a command, unless the board was told another word.
const COMMAND: &str = "cmnd";
/// Between the topic of a board and its command in a key; no topic that is published has it.
const BELOW: &str = "/#/";
const POWER: &str = "power";
const BACKLOG: &str = "backlog";
/// Commands by which a lamp begins to shine.
const SHINE: [&str; 7] = ["dimmer", "color", "hsbcolor", "ct", "channel", "white", "scheme"];
/// Words that have other commands behind them, now or later: nobody can say what they switch.
const RULED: [&str; 7] = ["if", "elseif", "else", "endif", "rule", "event", "ruletimer"];

/// The topic below which a board takes its commands, by one of them that was announced; `None` if it is not Tasmota's.
/// The word for commands, and where it stands in the full topic, are the owner's choice, so the command itself tells.
pub(super) fn base(topic: &str) -> Option<&str> {
    let (base, command) = topic.rsplit_once('/')?;
    let is_tasmota = base.split('/').any(|level| level == COMMAND) || is_written_as_tasmota(command);
    is_tasmota.then_some(base)
}

/// Whether a command is written the way Tasmota announces those that switch.
fn is_written_as_tasmota(command: &str) -> bool {
    let name = command.trim_end_matches(|c: char| c.is_ascii_digit());
    matches!(name, "POWER" | "Power" | "Backlog" | "FanSpeed") || name.starts_with("Shutter")
}

/// What all ways to write a command of a board come to.
pub(super) fn key(base: &str, command: &str) -> String {
    let command = command.to_ascii_lowercase();
    if command.starts_with(BACKLOG) {
        return format!("{base}{BELOW}{BACKLOG}");
    }
    match number_of(&command) {
        Some(number) => format!("{base}{BELOW}{POWER}{number}"),
        None => format!("{base}{BELOW}{command}"),
    }
}

/// What a topic may be known as: itself, and as a [`key`]. Tasmota listens to everything below its own topic, and takes
/// the last level for the command.
pub(super) fn heard_as(topic: &str) -> impl Iterator<Item = String> {
    let command = topic.rsplit('/').next().unwrap_or(topic);
    let bases = topic.match_indices('/').map(move |(at, _)| key(&topic[..at], command));
    std::iter::once(topic.to_owned()).chain(bases)
}

fn command(key: &str) -> Option<&str> {
    key.rsplit_once(BELOW).map(|(_, command)| command)
}

/// The number of the relay a [`key`] switches, if it does; 0 for all of them.
pub(super) fn relay(key: &str) -> Option<u32> {
    number_of(command(key)?)
}

fn number_of(command: &str) -> Option<u32> {
    let command = command.to_ascii_lowercase();
    match command.strip_prefix(POWER)? {
        "" => Some(1),
        // A number that is too large may come to any relay.
        digits => digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().unwrap_or(0)),
    }
}

/// The keys by which several things of the same board are told at once.
pub(super) fn shared(base: &str) -> [String; 2] {
    [key(base, "power0"), key(base, BACKLOG)]
}

/// Whether a [`key`] takes several commands in one payload.
pub(super) fn is_backlog(key: &str) -> bool {
    command(key) == Some(BACKLOG)
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
