//! Commands: what is sent, and what is refused before anything is sent.

mod common;

use common::{Talk, with};
use devices::Order;
use model::{Cause, QoS, Value};
use serde_json::{Map, json};

fn home(component: &str, more: serde_json::Value) -> Talk {
    let config = with(
        json!({"name": "X", "uniq_id": "x", "cmd_t": "d/set", "dev": {"ids": ["d"], "name": "D"}}),
        &more,
    );
    let mut talk = Talk::new();
    talk.announce(&format!("{component}/d/x"), &config);
    talk
}

fn sent(order: &Order) -> Vec<String> {
    order
        .sends
        .iter()
        .map(|send| format!("{} {}", send.topic, String::from_utf8_lossy(&send.payload)))
        .collect()
}

fn attributes(json: serde_json::Value) -> Map<String, serde_json::Value> {
    json.as_object().cloned().unwrap_or_default()
}

#[test]
fn commands_are_sent_as_the_board_wants_them() {
    fn check(
        component: &str,
        more: serde_json::Value,
        verb: &str,
        value: Option<Value>,
        with: serde_json::Value,
        expected: &[&str],
    ) {
        let talk = home(component, more);
        let sends = talk
            .home
            .command("d.x", verb, value.as_ref(), &attributes(with))
            .unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(sent(&sends), expected, "{component} {verb} {value:?}");
    }
    let number = |number: f64| Some(Value::Number(number));
    let text = |text: &str| Some(Value::Text(text.into()));
    check("switch", json!({}), "turn_on", None, json!({}), &["d/set ON"]);
    check("switch", json!({"pl_off": "0"}), "turn_off", None, json!({}), &["d/set 0"]);
    check("switch", json!({}), "toggle", None, json!({}), &["d/set ON"]);
    check("switch", json!({}), "set", Some(Value::Bool(false)), json!({}), &["d/set OFF"]);
    check("switch", json!({}), "set", text("on"), json!({}), &["d/set ON"]);
    check(
        "switch",
        json!({"cmd_tpl": r#"{"v":"{{ value }}"}"#}),
        "turn_on",
        None,
        json!({}),
        &[r#"d/set {"v":"ON"}"#],
    );
    check("number", json!({}), "set", number(24.0), json!({}), &["d/set 24"]);
    check("number", json!({"cmd_tpl": "{{ value * 10 }}"}), "set", number(2.5), json!({}), &["d/set 25.0"]);
    check("select", json!({"ops": ["eco", "max"]}), "set", text("max"), json!({}), &["d/set max"]);
    check("text", json!({}), "set", text("hello"), json!({}), &["d/set hello"]);
    check("button", json!({"pl_prs": "restart"}), "press", None, json!({}), &["d/set restart"]);
    check(
        "cover",
        json!({"pos_t": "d/is", "set_pos_t": "d/pos"}),
        "set",
        number(30.0),
        json!({}),
        &["d/pos 30"],
    );
    check("cover", json!({}), "stop", None, json!({}), &["d/set STOP"]);
    check(
        "light",
        json!({"bri_cmd_t": "d/bri"}),
        "turn_on",
        None,
        json!({"brightness": 128}),
        &["d/bri 128", "d/set ON"],
    );
    check(
        "light",
        json!({"bri_cmd_t": "d/bri", "bri_scl": 100}),
        "set_brightness",
        number(255.0),
        json!({}),
        &["d/bri 100", "d/set ON"],
    );
    let lamp = json!({"schema": "json", "brightness": true});
    check("light", lamp.clone(), "turn_on", None, json!({}), &[r#"d/set {"state":"ON"}"#]);
    check(
        "light",
        lamp,
        "turn_on",
        None,
        json!({"brightness": 10}),
        &[r#"d/set {"state":"ON","brightness":10}"#],
    );
}

#[test]
fn a_toggle_goes_by_the_present_state() {
    let mut talk = home("switch", json!({"stat_t": "d/state"}));
    talk.say("d/state", "ON");
    assert_eq!(sent(&talk.home.command("d.x", "toggle", None, &Map::new()).unwrap()), ["d/set OFF"]);
}

#[test]
fn quality_and_retention_are_the_boards_choice() {
    let talk = home("switch", json!({"qos": "2", "ret": true}));
    let sends = talk.home.command("d.x", "turn_on", None, &Map::new()).unwrap().sends;
    assert_eq!((sends[0].qos, sends[0].retain), (QoS::ExactlyOnce, true));
    let plain = home("switch", json!({}));
    assert!(!plain.home.command("d.x", "turn_on", None, &Map::new()).unwrap().sends[0].retain);
}

#[test]
fn what_an_entity_cannot_do_is_said_and_not_sent() {
    fn check(
        component: &str,
        more: serde_json::Value,
        verb: &str,
        value: Option<Value>,
        with: serde_json::Value,
        expected: &str,
    ) {
        let talk = home(component, more);
        let error =
            talk.home.command("d.x", verb, value.as_ref(), &attributes(with)).unwrap_err().to_string();
        assert!(error.contains(expected), "{component} {verb}: {error}");
    }
    let number = |number: f64| Some(Value::Number(number));
    check(
        "switch",
        json!({}),
        "set_position",
        number(5.0),
        json!({}),
        "It knows `turn_off`, `turn_on`, `toggle`",
    );
    check("sensor", json!({"stat_t": "s"}), "turn_on", None, json!({}), "only reports");
    check("number", json!({"max": 30}), "set", number(31.0), json!({}), "31 is above 30");
    check("number", json!({}), "set", number(0.0), json!({}), "0 is below 1");
    check("number", json!({}), "set", None, json!({}), "a value is missing");
    check("number", json!({}), "set", Some(Value::Text("warm".into())), json!({}), "is not a number");
    check(
        "select",
        json!({"ops": ["eco"]}),
        "set",
        Some(Value::Text("max".into())),
        json!({}),
        "none of eco",
    );
    check("switch", json!({}), "set", Some(Value::Text("maybe".into())), json!({}), "neither on nor off");
    check("switch", json!({}), "turn_on", None, json!({"brightness": 5}), "does not know `brightness`");
    check(
        "light",
        json!({"bri_cmd_t": "b"}),
        "turn_on",
        None,
        json!({"brightness": 300}),
        "300 is above 255",
    );
    check(
        "light",
        json!({"schema": "json", "brightness": true}),
        "turn_on",
        None,
        json!({"brightness": -1}),
        "below 0",
    );
    check(
        "number",
        json!({"cmd_tpl": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}"}),
        "set",
        number(5.0),
        json!({}),
        "too many steps",
    );
}

#[test]
fn a_misspelt_entity_gets_a_suggestion() {
    let talk = home("switch", json!({}));
    let error = talk.home.command("d.y", "turn_on", None, &Map::new()).unwrap_err();
    assert_eq!(error.to_string(), "There is no entity `d.y`. Did you mean `d.x`?");
}

#[test]
fn tasmota_is_commanded_in_its_own_words() {
    let mut talk = Talk::new();
    let config = json!({"dn": "Plug", "fn": ["Plug"], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online",
        "state": ["AUS", "AN"], "t": "plug", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"], "rl": [1, 2, 3, 3], "swc": [],
        "so": {}, "lt_st": 1, "sho": [1], "ver": 1});
    talk.say("tasmota/discovery/AABBCCDDEEFF/config", config.to_string());
    let check =
        |entity: &str, verb: &str, value: Option<Value>, with: serde_json::Value, expected: &[&str]| {
            let sends = talk
                .home
                .command(entity, verb, value.as_ref(), &attributes(with))
                .unwrap_or_else(|why| panic!("{why}"));
            assert_eq!(sent(&sends), expected, "{entity} {verb}");
        };
    check("plug.switch", "turn_on", None, json!({}), &["cmnd/plug/Power1 AN"]);
    check(
        "plug.light_2",
        "turn_on",
        None,
        json!({"brightness": 128}),
        &["cmnd/plug/Backlog NoDelay;Dimmer 50"],
    );
    check(
        "plug.cover_1",
        "set_position",
        Some(Value::Number(30.0)),
        json!({}),
        &["cmnd/plug/ShutterPosition1 70"],
    );
}

#[test]
fn a_change_soon_after_a_command_has_its_cause_and_keeps_it() {
    let mut talk = Talk::new();
    talk.announce(
        "switch/plug/relay",
        &json!({"name": "Relay", "uniq_id": "r", "stat_t": "p/state", "cmd_t": "p/set", "dev": {"ids": ["p"], "name": "P"}}),
    );
    let cause = Cause::Person { who: "owner".into() };
    talk.say("p/state", "OFF");
    talk.home.await_answer("p.relay", &Order::default(), cause.clone(), talk.now_ms);
    talk.say("p/state", "OFF");
    assert_eq!(talk.state("p.relay").cause, None, "nothing changed yet");
    talk.say("p/state", "ON");
    assert_eq!(talk.state("p.relay").cause, Some(cause.clone()));
    talk.say("p/state", "ON");
    assert_eq!(talk.state("p.relay").cause, Some(cause.clone()), "said again, for the same reason");
    talk.say("p/state", "OFF");
    assert_eq!(talk.state("p.relay").cause, None, "somebody pressed its button");
    talk.home.await_answer("p.relay", &Order::default(), cause, talk.now_ms);
    talk.now_ms += 60_000;
    talk.say("p/state", "ON");
    assert_eq!(talk.state("p.relay").cause, None, "too late to be the answer");
}
