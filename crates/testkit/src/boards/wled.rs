//! WLED 0.15: `/json/info` is open, `/json/cfg` is closed by a settings PIN.

use serde_json::{Value, json};

use super::web::{Request, Response};
use super::{Act, Board};

pub(super) fn answer(board: &Board, request: &Request) -> (Response, Act) {
    match request.path.as_str() {
        "/json/info" => {
            let mac = board.mac().to_lowercase();
            let info = json!({ "ver": "0.15.0", "brand": "WLED", "product": "FOSS", "name": "WLED", "arch": "esp8266", "mac": mac });
            (Response::json(&info), Act::Nothing)
        }
        // ERR_DENIED.
        "/json/cfg" if board.temper.password.is_some() => {
            (Response::json(&json!({ "error": 1 })).with_status(403), Act::Nothing)
        }
        "/json/cfg" if request.method == "POST" => {
            let Ok(config) = serde_json::from_str::<Value>(&request.body) else {
                return (Response::json(&json!({ "error": 9 })).with_status(400), Act::Nothing);
            };
            if config["rb"] == true {
                return (Response::json(&json!({ "success": true })), Act::Restart);
            }
            if board.crashes() {
                return (Response::status(500), Act::Crash);
            }
            let mqtt = &config["if"]["mqtt"];
            board.save(|broker| {
                let set = |value: &Value, into: &mut String| {
                    if let Some(value) = value.as_str() {
                        value.clone_into(into);
                    }
                };
                set(&mqtt["broker"], &mut broker.host);
                set(&mqtt["user"], &mut broker.user);
                set(&mqtt["psk"], &mut broker.password);
                set(&mqtt["topics"]["device"], &mut broker.topic);
                if let Some(port) = mqtt["port"].as_u64() {
                    broker.port = u16::try_from(port).unwrap_or(1_883);
                }
            });
            (Response::json(&json!({ "success": true })), Act::Nothing)
        }
        _ => (Response::status(404), Act::Nothing),
    }
}
