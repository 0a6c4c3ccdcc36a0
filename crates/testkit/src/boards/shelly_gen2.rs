//! Shelly's second generation: JSON-RPC, with digest authentication over SHA-256 where a password is set.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::web::{Request, Response};
use super::{Act, Board};

/// A real one draws another for each.
const NONCE: &str = "1669281734";

pub(super) fn answer(board: &Board, request: &Request) -> (Response, Act) {
    let id = format!("shellyplus1-{}", board.mac().to_lowercase());
    if request.path == "/shelly" {
        let about = json!({
            "name": null, "id": id, "mac": board.mac(), "model": "SNSW-001X16EU", "gen": 2, "ver": "1.4.4",
            "app": "Plus1", "auth_en": board.temper.password.is_some(), "auth_domain": id,
        });
        return (Response::json(&about), Act::Nothing);
    }
    let Some(method) = request.path.strip_prefix("/rpc/") else {
        return (Response::status(404), Act::Nothing);
    };
    if let Some(password) = &board.temper.password
        && !is_right(request, &id, password)
    {
        let asks = format!("Digest qop=\"auth\", realm=\"{id}\", nonce=\"{NONCE}\", algorithm=SHA-256");
        return (Response::asks(asks), Act::Nothing);
    }
    let Ok(params) = serde_json::from_str::<Value>(&request.body) else {
        let error = json!({ "code": -103, "message": "Invalid argument" });
        return (Response::json(&error).with_status(500), Act::Nothing);
    };
    match method {
        "MQTT.SetConfig" if board.crashes() => (Response::status(500), Act::Crash),
        "MQTT.SetConfig" => {
            set_config(board, &params);
            (Response::json(&json!({ "restart_required": true })), Act::Nothing)
        }
        "Shelly.Reboot" => (Response::json(&Value::Null), Act::Restart),
        _ => {
            let error = json!({ "code": 404, "message": format!("No handler for {method}") });
            (Response::json(&error).with_status(404), Act::Nothing)
        }
    }
}

fn is_right(request: &Request, realm: &str, password: &str) -> bool {
    let Some(login) = request.header("Authorization").and_then(|login| login.strip_prefix("Digest ")) else {
        return false;
    };
    let field = |name: &str| {
        let fields = login.split(", ").filter_map(|field| field.split_once('='));
        fields.into_iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value.trim_matches('"'))
    };
    let hash = |text: String| {
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let who = hash(format!("admin:{realm}:{password}"));
    let what = hash(format!("{}:{}", request.method, request.uri));
    let (nc, cnonce) = (field("nc"), field("cnonce"));
    field("uri") == request.uri
        && field("username") == "admin"
        && field("response") == hash(format!("{who}:{NONCE}:{nc}:{cnonce}:auth:{what}"))
}

/// A call by message; returns its method.
pub(super) fn call<'a>(board: &Board, payload: &'a str) -> Option<&'a str> {
    let call: Value = serde_json::from_str(payload).ok()?;
    if call["method"] == "MQTT.SetConfig" {
        set_config(board, &call["params"]);
    }
    ["MQTT.SetConfig", "Shelly.Reboot"].into_iter().find(|known| call["method"] == *known)
}

fn set_config(board: &Board, params: &Value) {
    let config = &params["config"];
    board.save(|broker| {
        let set = |name: &str, into: &mut String| {
            if let Some(value) = config[name].as_str() {
                value.clone_into(into);
            }
        };
        set("user", &mut broker.user);
        set("pass", &mut broker.password);
        set("topic_prefix", &mut broker.topic);
        if let Some((host, port)) = config["server"].as_str().and_then(|server| server.rsplit_once(':')) {
            host.clone_into(&mut broker.host);
            broker.port = port.parse().unwrap_or(1_883);
        }
    });
}
