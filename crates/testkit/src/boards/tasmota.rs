//! Tasmota 15: `/cm?cmnd=`, `Backlog`, and its discovery message.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::web::{Request, Response};
use super::{Act, Board, Broker};

pub(super) fn answer(board: &Board, request: &Request) -> (Response, Act) {
    if request.path != "/cm" {
        return (Response::status(404), Act::Nothing);
    }
    if let Some(password) = &board.temper.password
        && (request.parameter("user"), request.parameter("password")) != (Some("admin"), Some(password))
    {
        let warning = json!({ "WARNING": "Need user=<username>&password=<password>" });
        return (Response::json(&warning).with_status(401), Act::Nothing);
    }
    let command = request.parameter("cmnd").unwrap_or_default();
    if command == "Status 0" {
        return (Response::json(&status(board)), Act::Nothing);
    }
    if let Some(commands) = command.strip_prefix("Backlog ") {
        if board.crashes() {
            return (Response::status(500), Act::Crash);
        }
        // It answers at once and restarts afterwards.
        let act = if backlog(board, commands) { Act::Restart } else { Act::Nothing };
        return (Response::json(&json!({})), act);
    }
    (Response::json(&json!({ "Command": "Unknown" })), Act::Nothing)
}

fn status(board: &Board) -> serde_json::Value {
    json!({
        "Status": { "Module": 1, "DeviceName": "Tasmota", "FriendlyName": ["Tasmota"], "Topic": "tasmota" },
        "StatusFWR": { "Version": "15.2.0(release-tasmota)", "Hardware": "ESP8266EX" },
        "StatusNET": { "Hostname": "tasmota", "Mac": colons(&board.mac()) },
    })
}

fn colons(mac: &str) -> String {
    let pairs: Vec<&str> = (0..mac.len()).step_by(2).map(|at| &mac[at..at + 2]).collect();
    pairs.join(":")
}

/// Carries out the commands of a `Backlog`; says whether the board restarts for them.
pub(super) fn backlog(board: &Board, commands: &str) -> bool {
    let mut restarts = false;
    for command in commands.split(';').map(str::trim) {
        let (name, value) = command.split_once(' ').unwrap_or((command, ""));
        board.save(|broker| {
            match name {
                "MqttHost" => value.clone_into(&mut broker.host),
                "MqttPort" => broker.port = value.parse().unwrap_or(1_883),
                "MqttUser" => value.clone_into(&mut broker.user),
                "MqttPassword" => value.clone_into(&mut broker.password),
                "Topic" => value.clone_into(&mut broker.topic),
                _ => return,
            }
            restarts = true;
        });
    }
    restarts
}

/// What it says to a command for its relay, or to the question for its state.
pub(super) fn obey(board: &Board, own: &str, topic: &str, payload: &str) -> Vec<(String, String)> {
    let Some(command) = topic.strip_prefix("cmnd/").and_then(|rest| rest.strip_prefix(own)) else {
        return Vec::new();
    };
    match (command.to_ascii_uppercase().as_str(), payload) {
        ("/POWER" | "/POWER1", "ON") => board.relay.store(true, Ordering::Relaxed),
        ("/POWER" | "/POWER1", "OFF") => board.relay.store(false, Ordering::Relaxed),
        ("/POWER" | "/POWER1", "TOGGLE") => drop(board.relay.fetch_not(Ordering::Relaxed)),
        ("/POWER" | "/POWER1" | "/STATE", "") => {}
        _ => return Vec::new(),
    }
    let power = if board.relay.load(Ordering::Relaxed) { "ON" } else { "OFF" };
    vec![(format!("stat/{own}/RESULT"), json!({ "POWER": power }).to_string())]
}

/// What it publishes to `tasmota/discovery/<MAC>/config`.
pub(super) fn discovery(board: &Board, settings: &Broker) -> String {
    config(&board.mac(), &settings.topic, "15.2.0").to_string()
}

/// The same of any board with a relay.
pub(crate) fn config(mac: &str, topic: &str, version: &str) -> serde_json::Value {
    json!({
        "ip": "127.0.0.1", "dn": "Tasmota", "fn": ["Tasmota", null], "hn": "tasmota", "mac": mac,
        "md": "Sonoff Basic", "ty": 0, "if": 0, "ofln": "Offline", "onln": "Online",
        "state": ["OFF", "ON", "TOGGLE", "HOLD"], "sw": version, "t": topic, "ft": "%prefix%/%topic%/",
        "tp": ["cmnd", "stat", "tele"], "rl": [1, 0, 0, 0], "swc": [-1, -1], "swn": [null, null], "btn": [0, 0],
        "so": { "4": 0, "11": 0, "13": 0, "17": 0, "20": 0, "30": 0, "68": 0, "73": 0, "82": 0, "114": 0, "117": 0 },
        "lk": 0, "lt_st": 0, "bat": 0, "dslp": 0, "sho": [], "ver": 1,
    })
}
