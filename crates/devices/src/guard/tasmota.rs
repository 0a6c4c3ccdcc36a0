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
const SHINE: [&str; 8] = ["dimmer", "color", "hsbcolor", "ct", "channel", "white", "scheme", "wakeup"];
/// Commands that switch nothing, whatever they are told: how a lamp changes, questions, and what a board is given when
/// it is paired. Not `Restart`: what is on after one, `PowerOnState` says.
const STILL: [&str; 25] = [
    "nodelay",
    "delay",
    "fade",
    "speed",
    "palette",
    "wakeupduration",
    "status",
    "state",
    "mqtthost",
    "mqttport",
    "mqttuser",
    "mqttpassword",
    "mqttclient",
    "mqttfingerprint",
    "topic",
    "fulltopic",
    "grouptopic",
    "setoption",
    "teleperiod",
    "friendlyname",
    "devicename",
    "hostname",
    "ssid",
    "password",
    "timezone",
];
/// Commands that are a question when they are told nothing.
const ASKED: [&str; 2] = ["module", "poweronstate"];

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

/// The keys by which a relay is told, alone or with other things of its board.
pub(super) fn shared(base: &str, relay: u32) -> [String; 3] {
    [key(base, &format!("{POWER}{relay}")), key(base, "power0"), key(base, BACKLOG)]
}

/// Whether a [`key`] takes several commands in one payload.
pub(super) fn is_backlog(key: &str) -> bool {
    command(key) == Some(BACKLOG)
}

/// What a backlog asks of one relay, in order. `dims`: it is a lamp. A command that is not known may have others behind
/// it, now or later (`Rule1`, `Event`, `Br`, `WebSend`, `PulseTime1`), so nobody can say what it switches.
pub(super) fn backlog(payload: &str, relay: u32, dims: bool) -> Vec<To> {
    let read = |part: &str| {
        let (command, argument) = command_of(part);
        let is_told = !argument.is_empty();
        if let Some(number) = number_of(command) {
            let is_ours = number == relay || number == 0;
            return (is_ours && is_told).then(|| word(argument).unwrap_or(To::Either));
        }
        match &*name_of(command) {
            "" if command.is_empty() => None,
            name if STILL.contains(&name) => None,
            name if ASKED.contains(&name) && !is_told => None,
            name if SHINE.contains(&name) => (dims && is_told).then(|| shine(name, argument)),
            _ => Some(To::Either),
        }
    };
    payload.split([';', '\n']).filter_map(read).collect()
}

/// What a lamp does by one of the commands it shines by.
fn shine(name: &str, argument: &str) -> To {
    if name == "dimmer" && argument == "0" {
        return To::Off;
    }
    let is_dark =
        argument.chars().all(|c| matches!(c, '0' | ',' | '#')) && !matches!(name, "scheme" | "wakeup");
    let is_step = argument.starts_with(['+', '-', '<', '>', '!']);
    if is_dark || is_step { To::Either } else { To::On }
}

/// The relay a backlog switches first.
pub(super) fn switched(payload: &str) -> Option<u32> {
    payload.split(';').find_map(|part| number_of(command_of(part).0))
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
