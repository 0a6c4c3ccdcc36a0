//! homie-esp8266 in configuration mode: `PUT /config`, once.

use serde_json::{Value, json};

use super::web::{Request, Response};
use super::{Act, Board};

pub(super) fn answer(board: &Board, request: &Request) -> (Response, Act) {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/device-info") => {
            let info = json!({
                "hardware_device_id": board.mac().to_lowercase(), "homie_esp8266_version": "3.0.1",
                "firmware": { "name": "relay", "version": "1.0.0" }, "nodes": [], "settings": [],
            });
            (Response::json(&info), Act::Nothing)
        }
        ("PUT", "/config") if board.crashes() => (Response::status(500), Act::Crash),
        ("PUT", "/config") => match config(board, &request.body) {
            Ok(()) => (Response::json(&json!({ "success": true })), Act::Restart),
            Err(why) => {
                let error = json!({ "success": false, "error": why });
                (Response::json(&error).with_status(400), Act::Nothing)
            }
        },
        _ => (Response::status(404), Act::Nothing),
    }
}

fn config(board: &Board, body: &str) -> Result<(), &'static str> {
    let config: Value = serde_json::from_str(body).map_err(|_| "Invalid or too big JSON")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if text(&config["wifi"]["ssid"]).is_none_or(|ssid| ssid.is_empty()) {
        return Err("wifi.ssid is not a string");
    }
    let mqtt = &config["mqtt"];
    let host = text(&mqtt["host"]).ok_or("mqtt.host is not a string")?;
    board.save(|broker| {
        broker.host = host;
        broker.port = mqtt["port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or(1_883);
        broker.user = text(&mqtt["username"]).unwrap_or_default();
        broker.password = text(&mqtt["password"]).unwrap_or_default();
        broker.topic = text(&config["device_id"]).unwrap_or_default();
    });
    Ok(())
}

/// A part of the settings by message; the board restarts for it.
pub(super) fn changed(board: &Board, payload: &str) -> bool {
    let Ok(config) = serde_json::from_str::<Value>(payload) else { return false };
    board.save(|broker| {
        if let Some(host) = config["mqtt"]["host"].as_str() {
            host.clone_into(&mut broker.host);
        }
        if let Some(port) = config["mqtt"]["port"].as_u64() {
            broker.port = u16::try_from(port).unwrap_or(1_883);
        }
    });
    true
}
