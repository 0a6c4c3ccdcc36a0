//! Input that has broken other hubs, or could.

mod common;

use common::{Talk, readings, refusals, with};
use model::Value;
use serde_json::json;

fn tasmota(more: &serde_json::Value) -> String {
    with( json!({
        "ip": "1.2.3.4", "dn": "Plug", "fn": ["Plug"], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online",
        "state": ["OFF", "ON"], "sw": "9", "t": "plug", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"],
        "rl": [1], "swc": [-1], "swn": [null], "so": {"30": 0}, "lt_st": 0, "ver": 1,
    }), more).to_string()
}

const TASMOTA: &str = "tasmota/discovery/AABBCCDDEEFF/config";

fn sensor(more: serde_json::Value) -> serde_json::Value {
    with(
        json!({"name": "Value", "uniq_id": "v", "stat_t": "a/state", "dev": {"ids": ["a"], "name": "A"}}),
        &more,
    )
}

#[test]
fn more_relays_than_any_board_had_so_far() {
    let mut talk = Talk::new();
    talk.say(TASMOTA, tasmota(&json!({"rl": vec![1; 40], "fn": []})));
    let switches = talk.ids().iter().filter(|id| id.contains("switch")).count();
    assert_eq!(switches, 40);
    talk.say("stat/plug/RESULT", r#"{"POWER40":"ON"}"#);
    assert_eq!(talk.state("plug.switch_40").value, Some(Value::Bool(true)));
    assert_eq!(talk.state("plug.switch_4").value, None);
}

#[test]
fn keys_a_firmware_leaves_out() {
    let mut talk = Talk::new();
    let bare =
        json!({"ft": "%prefix%/%topic%/", "t": "old", "tp": ["cmnd", "stat", "tele"], "ver": 1, "rl": [1]});
    let effects = talk.say(TASMOTA, bare.to_string());
    assert!(refusals(&effects).is_empty(), "{effects:?}");
    talk.say("stat/old/RESULT", r#"{"POWER":"ON"}"#);
    let switch = talk.home.entities().find(|entity| entity.id.contains("switch")).unwrap();
    assert_eq!(talk.state(&switch.id).value, Some(Value::Bool(true)));
    // Without a topic there is nothing to listen to.
    let effects = Talk::new().say(TASMOTA, r#"{"ver":1}"#);
    assert_eq!(refusals(&effects).len(), 1);
}

#[test]
fn names_that_are_null_empty_or_missing() {
    fn check(name: serde_json::Value, expected: &str) {
        let mut talk = Talk::new();
        talk.announce("sensor/a/v", &sensor(json!({"name": name, "dev_cla": "temperature"})));
        assert_eq!(talk.home.entity("a.temperature").map(|entity| entity.name.as_str()), Some(expected));
    }
    check(json!(null), "A");
    check(json!(""), "A");
    check(json!("Temperature"), "Temperature");
    let mut talk = Talk::new();
    talk.announce("sensor/a/v", &sensor(json!({"name": "x\n".repeat(1000)})));
    assert_eq!(talk.home.entities().next().unwrap().name.chars().count(), 120);
}

#[test]
fn one_unique_id_on_two_boards_is_two_entities() {
    let mut talk = Talk::new();
    for board in ["a", "b"] {
        let config = json!({"name": "Relay", "uniq_id": "ESPswitchrelay", "stat_t": format!("{board}/s"), "cmd_t": format!("{board}/c"),
            "dev": {"ids": format!("aabbccddee0{board}"), "name": board}});
        talk.announce(&format!("switch/{board}/relay"), &config);
    }
    assert_eq!(talk.ids(), ["a.relay", "b.relay"]);
}

#[test]
fn one_unique_id_on_one_board_is_one_entity_of_each_kind() {
    let mut talk = Talk::new();
    talk.announce("sensor/a/v", &sensor(json!({})));
    talk.announce("sensor/a/other", &sensor(json!({})));
    talk.announce("binary_sensor/a/v", &sensor(json!({})));
    assert_eq!(talk.ids(), ["a.value", "a.value_2"]);
}

#[test]
fn announcements_that_are_none() {
    fn check(topic: &str, payload: &[u8], expected: &str) {
        let mut talk = Talk::new();
        let effects = talk.say(topic, payload);
        let refused = refusals(&effects);
        assert_eq!(refused.len(), 1, "{topic}");
        assert!(refused[0].why.contains(expected), "{:?}", refused[0]);
        assert!(!refused[0].advice.is_empty() && talk.ids().is_empty());
    }
    check("homeassistant/sensor/a/config", b"not json", "not valid JSON");
    check("homeassistant/sensor/a/config", b"[1]", "not a JSON object");
    check("homeassistant/sensor/a/config", b"{\"name\": \"\xff\xfe\"}", "not valid JSON");
    check("homeassistant/sensor/a/config", b"{\"name\": \"cut", "not valid JSON");
    check("homeassistant/sensor/a/config", b"{}", "`state_topic` is missing");
    check("homeassistant/toaster/a/config", b"{\"state_topic\":\"a\"}", "toaster");
    check("homeassistant/sensor/a b/config", b"{\"state_topic\":\"a\"}", "characters");
    check("homeassistant/sensor/a/config", b"{\"state_topic\":\"a/#/b\"}", "`state_topic` is");
    check("homeassistant/switch/a/config", b"{\"command_topic\":\"a/+\"}", "`command_topic` is");
    check("homeassistant/sensor/a/config", b"{\"state_topic\":\"a\",\"val_tpl\":\"{{ x\"}", "template");
    check("homeassistant/sensor/a/config", "{".repeat(300_000).as_bytes(), "too large");
    check("homeassistant/sensor/a/config", "[".repeat(200_000).as_bytes(), "not valid JSON");
    check("tasmota/discovery/AABBCCDDEEFF/config", b"{\"ver\":2}", "does not meet");
    let long = json!({"stat_t": "a", "uniq_id": "x".repeat(600)}).to_string();
    check("homeassistant/sensor/a/config", long.as_bytes(), "unique id");
}

#[test]
fn booleans_compared_with_texts() {
    let mut talk = Talk::new();
    let config = json!({"uniq_id": "s", "name": "Child lock", "stat_t": "z/s", "cmd_t": "z/set", "pl_on": true, "pl_off": false,
        "val_tpl": "{{ value_json.child_lock }}", "dev": {"ids": ["z"], "name": "Z"}});
    talk.announce("switch/z/lock", &config);
    talk.say("z/s", r#"{"child_lock": true}"#);
    assert_eq!(talk.shown("z.child_lock"), "on");
    talk.say("z/s", r#"{"child_lock": null}"#);
    assert_eq!(talk.shown("z.child_lock"), "unknown");
}

#[test]
fn a_state_topic_with_wildcards() {
    let mut talk = Talk::new();
    talk.announce(
        "sensor/a/v",
        &sensor(json!({"stat_t": "+/+/BTtoMQTT/A4C138", "val_tpl": "{{ value_json.t | is_defined }}"})),
    );
    talk.say("home/gateway1/BTtoMQTT/A4C138", r#"{"t":20}"#);
    talk.say("home/gateway2/BTtoMQTT/A4C138", r#"{"rssi":-60}"#);
    talk.say("home/gateway2/BTtoMQTT/FFFFFF", r#"{"t":99}"#);
    assert_eq!(talk.shown("a.value"), "20");
}

#[test]
fn payloads_that_are_no_values() {
    let mut talk = Talk::new();
    talk.announce("sensor/a/v", &sensor(json!({"unit_of_meas": "°C"})));
    talk.announce(
        "sensor/a/j",
        &sensor(
            json!({"uniq_id": "j", "name": "Json", "unit_of_meas": "°C", "val_tpl": "{{ value_json.t }}"}),
        ),
    );
    talk.say("a/state", "21.5\r\n");
    assert_eq!(talk.shown("a.value"), "21.5");
    let wrong: [&[u8]; 5] = [b"\xff\xfe\x00", b"", b"21,5", b"NaN", &[b'x'; 256 * 1024]];
    for payload in wrong {
        let effects = talk.say("a/state", payload);
        assert!(readings(&effects).is_empty());
    }
    assert_eq!((talk.shown("a.value"), talk.shown("a.json")), ("21.5".into(), "unknown".into()));
    let large = format!(r#"{{"t": 22.5, "filler": "{}"}}"#, "x".repeat(256 * 1024));
    talk.say("a/state", large);
    assert_eq!(talk.shown("a.json"), "22.5");
}

#[test]
fn nonsense_is_complained_about_once_until_it_is_better() {
    let mut talk = Talk::new();
    talk.announce("sensor/a/v", &sensor(json!({"unit_of_meas": "°C"})));
    assert_eq!(refusals(&talk.say("a/state", "warm")).len(), 1);
    assert_eq!(refusals(&talk.say("a/state", "warm")).len(), 0);
    talk.say("a/state", "20");
    assert_eq!(refusals(&talk.say("a/state", "warm")).len(), 1);
}

#[test]
fn a_template_that_loops_stops_and_harms_no_other() {
    let mut talk = Talk::new();
    let loops = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}";
    talk.announce("sensor/a/loop", &sensor(json!({"uniq_id": "loop", "name": "Loop", "val_tpl": loops})));
    talk.announce("sensor/a/v", &sensor(json!({})));
    let effects = talk.say("a/state", "5");
    assert_eq!(refusals(&effects).len(), 1);
    assert_eq!((talk.shown("a.loop"), talk.shown("a.value")), ("unknown".into(), "5".into()));
}

#[test]
fn attributes_are_bounded_and_cannot_pose_as_the_entity() {
    let mut talk = Talk::new();
    talk.announce("sensor/a/v", &sensor(json!({"json_attr_t": "a/attributes"})));
    talk.say("a/attributes", r#"{"rssi": -60, "friendly_name": "Somebody else"}"#);
    talk.say("a/attributes", format!(r#"{{"huge": "{}"}}"#, "x".repeat(100_000)));
    talk.say("a/attributes", "[1, 2]");
    assert_eq!(serde_json::to_value(&talk.state("a.value").attributes).unwrap(), json!({"rssi": -60}));
}

#[test]
fn a_board_with_too_many_entities_keeps_the_first() {
    let mut talk = Talk::new();
    let components: serde_json::Map<_, _> = (0..600)
        .map(|n| (format!("c{n:03}"), json!({"p": "sensor", "uniq_id": format!("u{n:03}"), "stat_t": "s"})))
        .collect();
    let effects =
        talk.announce("device/a", &json!({"dev": {"ids": "a"}, "o": {"name": "x"}, "cmps": components}));
    assert_eq!(talk.ids().len(), 500);
    assert_eq!(refusals(&effects).len(), 1);
}
