//! States: what a message changes, what time changes, and what is a reading.

mod common;

use common::{Talk, changes, readings, with};
use devices::Effect;
use model::{Availability, Cause, Value};
use serde_json::json;

fn home(component: &str, more: serde_json::Value) -> Talk {
    let config = with(
        json!({"name": "X", "uniq_id": "x", "stat_t": "d/state", "cmd_t": "d/set", "dev": {"ids": ["d"], "name": "D"}}),
        &more,
    );
    let mut talk = Talk::new();
    talk.announce(&format!("{component}/d/x"), &config);
    talk
}

#[test]
fn every_fresh_report_is_a_reading_and_only_another_value_is_a_change() {
    let mut talk = home("sensor", json!({"unit_of_meas": "W"}));
    assert_eq!(talk.shown("d.x"), "unknown");
    let effects = talk.say("d/state", "5");
    assert_eq!((readings(&effects).len(), changes(&effects).len()), (1, 1));
    assert!(changes(&effects)[0].fresh && changes(&effects)[0].value_changed());
    let since = talk.state("d.x").since_ms;
    let effects = talk.say("d/state", "5.0");
    assert_eq!((readings(&effects).len(), changes(&effects).len()), (1, 0));
    assert_eq!((talk.state("d.x").since_ms, talk.state("d.x").reported_ms), (since, talk.now_ms));
    let told = Effect::Reported { entity: "d.x".into(), state: talk.state("d.x").clone() };
    assert!(effects.contains(&told), "who looks at it must see that it is fresh: {effects:?}");
    let mut forced = home("sensor", json!({"unit_of_meas": "W", "frc_upd": true}));
    forced.say("d/state", "5");
    assert_eq!(changes(&forced.say("d/state", "5")).len(), 1);
}

#[test]
fn what_is_not_fresh_sets_the_state_and_is_no_reading() {
    let mut talk = home("sensor", json!({"unit_of_meas": "W"}));
    let effects = talk.recall("d/state", "5");
    assert_eq!((readings(&effects).len(), changes(&effects)[0].fresh), (0, false));
    assert_eq!(talk.shown("d.x"), "5");
}

#[test]
fn the_cause_of_a_message_is_the_cause_of_the_change() {
    let mut talk = home("switch", json!({}));
    let mut message = talk.message("d/state", b"ON");
    message.cause = Some(Cause::Person { who: "anna".into() });
    talk.home.handle(&message, true);
    let state = talk.state("d.x");
    assert_eq!(state.cause, message.cause);
    assert_eq!((state.message_id, state.topic.as_deref()), (Some(message.id), Some("d/state")));
}

#[test]
fn a_value_that_is_not_confirmed_in_time_is_no_longer_believed() {
    let mut talk = home("sensor", json!({"unit_of_meas": "W", "exp_aft": 60}));
    assert_eq!(talk.home.next_due(), None);
    talk.say("d/state", "5");
    let told_ms = talk.now_ms;
    assert_eq!(talk.home.next_due(), Some(told_ms + 60_000));
    assert_eq!(talk.home.tick(told_ms + 59_999), []);
    let effects = talk.home.tick(told_ms + 60_000);
    assert_eq!(changes(&effects)[0].new.availability, Availability::Unavailable);
    assert!(matches!(&talk.state("d.x").cause, Some(Cause::Hub { why }) if why == "no report for 60 s"));
    assert_eq!(talk.home.next_due(), None);
    talk.say("d/state", "6");
    assert_eq!(talk.state("d.x").availability, Availability::Available);
}

#[test]
fn an_on_goes_off_by_itself_when_the_board_only_reports_on() {
    let mut talk = home("binary_sensor", json!({"off_dly": 2}));
    talk.say("d/state", "ON");
    talk.now_ms += 1_500;
    talk.say("d/state", "ON");
    let told_ms = talk.now_ms;
    assert_eq!(talk.home.tick(told_ms + 1_999), []);
    let effects = talk.home.tick(told_ms + 2_000);
    assert_eq!(readings(&effects)[0].value, Value::Bool(false));
    assert_eq!(talk.shown("d.x"), "off");
}

#[test]
fn availability_keeps_the_value() {
    let mut talk = home("sensor", json!({"avty_t": "d/status"}));
    assert_eq!(talk.state("d.x").availability, Availability::Available);
    talk.say("d/state", "5");
    talk.say("d/status", "offline");
    assert_eq!((talk.shown("d.x"), talk.state("d.x").availability), ("5".into(), Availability::Unavailable));
    let effects = talk.say("d/status", "online");
    assert!(!changes(&effects)[0].value_changed() && readings(&effects).is_empty());
}

#[test]
fn a_board_that_sleeps_is_asleep_and_asked_when_it_wakes() {
    let mut talk = Talk::new();
    let config = json!({"dn": "Probe", "fn": [], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online", "dslp": 1,
        "state": ["OFF", "ON"], "t": "probe", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"], "rl": [], "swc": [1],
        "so": {}, "lt_st": 0, "ver": 1});
    talk.say("tasmota/discovery/AABBCCDDEEFF/config", config.to_string());
    talk.say("tele/probe/LWT", "Offline");
    assert_eq!(talk.state("probe.binary_sensor_1").availability, Availability::Asleep);
    let effects = talk.say("tele/probe/LWT", "Online");
    let asked: Vec<&str> = effects
        .iter()
        .filter_map(
            |effect| if let Effect::Publish(send) = effect { Some(send.topic.as_str()) } else { None },
        )
        .collect();
    assert_eq!(&asked[..2], ["cmnd/probe/STATE", "cmnd/probe/STATUS"]);
    talk.say("tele/probe/SENSOR", r#"{"Switch1":"ON"}"#);
    assert_eq!(talk.shown("probe.binary_sensor_1"), "on");
}

#[test]
fn without_a_state_topic_the_state_is_what_was_last_sent() {
    let mut talk = home("switch", json!({"stat_t": null}));
    assert!(talk.home.entity("d.x").unwrap().description.assumed_state);
    talk.say("d/set", "ON");
    assert_eq!(talk.shown("d.x"), "on");
    let mut number = home("number", json!({"stat_t": null}));
    number.say("d/set", "42");
    assert_eq!(number.shown("d.x"), "42");
}

#[test]
fn a_lamp_changes_once_per_message() {
    let mut talk = home("light", json!({"schema": "json", "brightness": true}));
    let effects = talk.say("d/state", r#"{"state":"ON","brightness":128,"color_temp":300}"#);
    assert_eq!((changes(&effects).len(), readings(&effects).len()), (1, 1));
    assert_eq!(talk.state("d.x").attributes["brightness"], 128);
    talk.say("d/state", r#"{"brightness":10}"#);
    assert_eq!((talk.shown("d.x"), &talk.state("d.x").attributes["brightness"]), ("on".into(), &json!(10)));
}

#[test]
fn values_are_typed_by_the_component() {
    fn check(component: &str, more: serde_json::Value, payload: &str, expected: &str) {
        let mut talk = home(component, more);
        talk.say("d/state", payload);
        assert_eq!(talk.shown("d.x"), expected, "{component} {payload}");
    }
    check("select", json!({"ops": ["eco", "comfort"]}), "eco", "eco");
    check("select", json!({"ops": ["eco", "comfort"]}), "turbo", "unknown");
    check("number", json!({}), "7", "7");
    check("number", json!({}), "seven", "unknown");
    check("text", json!({}), "7", "7");
    check("binary_sensor", json!({}), "ON", "on");
    check("binary_sensor", json!({}), "on", "unknown");
    check("switch", json!({"stat_on": "1", "stat_off": "0"}), "1", "on");
    check("sensor", json!({"dev_cla": "enum", "ops": ["a"]}), "b", "unknown");
    check("cover", json!({}), "opening", "opening");
    check("cover", json!({"stat_t": null, "pos_t": "d/state"}), "0", "closed");
    check("cover", json!({"stat_t": null, "pos_t": "d/state"}), "30", "open");
    check("lock", json!({}), "LOCKED", "locked");
    check("climate", json!({"mode_stat_t": "d/state"}), "heat", "heat");
    check("vacuum", json!({}), "docked", "docked");
}
