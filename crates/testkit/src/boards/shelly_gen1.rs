//! Shelly's first generation: `/shelly` is open, `/settings` and `/reboot` want Basic authentication where it is set.

use base64::Engine as _;
use serde_json::json;

use super::web::{Request, Response};
use super::{Act, Board};

pub(super) fn answer(board: &Board, request: &Request) -> (Response, Act) {
    if request.path == "/shelly" {
        let locked = board.temper.password.is_some();
        let about = json!({ "type": "SHSW-1", "mac": board.mac(), "auth": locked, "fw": "20230913/v1.14.0", "num_outputs": 1 });
        return (Response::json(&about), Act::Nothing);
    }
    if let Some(password) = &board.temper.password {
        let login = base64::engine::general_purpose::STANDARD.encode(format!("admin:{password}"));
        if request.header("Authorization") != Some(&format!("Basic {login}")) {
            return (Response::asks("Basic realm=\"shelly1\"".to_owned()), Act::Nothing);
        }
    }
    match request.path.as_str() {
        "/settings" => {
            if board.crashes() {
                return (Response::status(500), Act::Crash);
            }
            board.save(|broker| {
                let set = |name: &str, into: &mut String| {
                    if let Some(value) = request.parameter(name) {
                        value.clone_into(into);
                    }
                };
                set("mqtt_user", &mut broker.user);
                set("mqtt_pass", &mut broker.password);
                set("mqtt_id", &mut broker.topic);
                if let Some((host, port)) =
                    request.parameter("mqtt_server").and_then(|at| at.rsplit_once(':'))
                {
                    host.clone_into(&mut broker.host);
                    broker.port = port.parse().unwrap_or(1_883);
                }
            });
            let broker = board.broker.borrow().clone().unwrap_or_default();
            let server = format!("{}:{}", broker.host, broker.port);
            let mqtt = json!({ "enable": true, "server": server, "user": broker.user, "id": broker.topic });
            (Response::json(&json!({ "device": { "mac": board.mac() }, "mqtt": mqtt })), Act::Nothing)
        }
        "/reboot" => (Response::json(&json!({ "ok": true })), Act::Restart),
        _ => (Response::status(404), Act::Nothing),
    }
}
