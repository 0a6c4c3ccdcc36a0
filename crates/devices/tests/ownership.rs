//! A device belongs to the credential that announced it, and a board has the hub listen and speak only where
//! it may do so itself.

mod common;

use std::collections::BTreeMap;

use common::{Talk, refusals, with};
use devices::{Effect, HandMade, Profile};
use model::{Component, Permissions, Publisher, TopicFilter};
use serde_json::json;

fn tasmota(topic: &str, more: &serde_json::Value) -> String {
    with(
        json!({"ip": "1.2.3.4", "dn": "Front lock", "fn": ["Front lock"], "hn": "h", "md": "m", "ofln": "Offline",
            "onln": "Online", "state": ["OFF", "ON"], "sw": "9", "t": topic, "ft": "%prefix%/%topic%/",
            "tp": ["cmnd", "stat", "tele"], "rl": [1], "swc": [], "so": {}, "lt_st": 0, "ver": 1}),
        more,
    )
    .to_string()
}

fn relay(base: &str) -> String {
    json!({"name": "Relay", "uniq_id": "dev1_relay", "cmd_t": format!("{base}/set"), "stat_t": format!("{base}/state"),
        "dev": {"ids": ["dev1"], "name": "Door"}})
    .to_string()
}

fn allow(write: &[&str], read: &[&str]) -> Permissions {
    let filters =
        |texts: &[&str]| texts.iter().map(|text| TopicFilter::new(text).expect("a filter")).collect();
    Permissions { write: filters(write), read: filters(read) }
}

const LOCK: &str = "tasmota/discovery/AABBCCDDEEFF/config";

/// What stays of a home whatever an attacker sends.
fn kept(talk: &Talk) -> serde_json::Value {
    let devices: Vec<_> = talk.home.devices().collect();
    let entities: Vec<_> = talk.home.entities().collect();
    json!([devices, entities])
}

fn refused_in_words(effects: &[Effect], expected: &[&str]) {
    let [Effect::Refused(refused)] = effects else { panic!("nothing but a refusal: {effects:?}") };
    for part in expected {
        assert!(refused.why.contains(part), "{part} in {refused:?}");
    }
    assert!(
        refused.advice.contains("hand the device") && refused.advice.contains("or remove that"),
        "{refused:?}"
    );
}

#[test]
fn another_credential_cannot_take_over_change_or_remove_a_board() {
    let mut talk = Talk::new();
    talk.say_as("lock", LOCK, tasmota("lock", &json!({})));
    let before = kept(&talk);
    let named = ["\"Front lock\"", "`lock`", "`evil`"];
    refused_in_words(&talk.say_as("evil", LOCK, tasmota("evil", &json!({}))), &named);
    refused_in_words(&talk.say_as("evil", LOCK, ""), &named);
    let sensors = "tasmota/discovery/AABBCCDDEEFF/sensors";
    refused_in_words(&talk.say_as("evil", sensors, r#"{"sn":{"A":{"Temperature":1}}}"#), &named);
    // Through another protocol, by its MAC address.
    let by_mac = json!({"name": "x", "uniq_id": "x", "cmd_t": "evil/set", "dev": {"cns": [["mac", "aa:bb:cc:dd:ee:ff"]]}});
    refused_in_words(&talk.say_as("evil", "homeassistant/switch/evil/x/config", by_mac.to_string()), &named);
    assert_eq!(kept(&talk), before);
    assert!(refusals(&talk.say_as("lock", LOCK, tasmota("lock", &json!({"sw": "10"})))).is_empty());
    assert_eq!(talk.home.devices().next().unwrap().sw_version.as_deref(), Some("10"));
}

#[test]
fn two_credentials_that_announce_the_same_identifiers_are_not_one_device() {
    let mut talk = Talk::new();
    talk.say_as("a", "homeassistant/switch/a/relay/config", relay("a"));
    let before = kept(&talk);
    let place = "homeassistant/switch/b/relay/config";
    refused_in_words(&talk.say_as("b", place, relay("b")), &["\"Door\"", "`a`", "`b`"]);
    assert_eq!(talk.say_as("b", place, ""), [], "it never was announced there");
    assert_eq!(kept(&talk), before);
}

#[test]
fn a_half_announcement_of_another_credential_is_not_taken_for_the_other_half() {
    let mut talk = Talk::new();
    let sensors = "tasmota/discovery/AABBCCDDEEFF/sensors";
    talk.say_as("evil", sensors, r#"{"sn":{"A":{"Temperature":1}}}"#);
    talk.say_as("lock", LOCK, tasmota("lock", &json!({})));
    assert!(!talk.ids().iter().any(|id| id.contains("temperature")), "{:?}", talk.ids());
    talk.say_as("lock", sensors, r#"{"sn":{"A":{"Temperature":1}}}"#);
    assert!(talk.ids().iter().any(|id| id.contains("temperature")), "{:?}", talk.ids());
}

#[test]
fn the_hub_may_change_any_device_and_who_comes_first_adopts_one_of_nobody() {
    let mut talk = Talk::new();
    let place = "homeassistant/switch/a/relay/config";
    talk.say_as(Publisher::HUB, place, relay("a"));
    assert_eq!(talk.home.device("door").unwrap().credential, None);
    talk.say_as("a", place, relay("a"));
    assert_eq!(talk.home.device("door").unwrap().credential.as_deref(), Some("a"));
    assert_eq!(refusals(&talk.say_as("b", place, "")).len(), 1);
    assert!(talk.say_as(Publisher::HUB, place, "").contains(&Effect::DeviceRemoved { id: "door".into() }));
}

#[test]
fn devices_of_a_credential_that_is_gone_can_be_adopted() {
    let mut talk = Talk::new();
    let place = "homeassistant/switch/a/relay/config";
    talk.say_as("a", place, relay("a"));
    let effects = talk.home.release_devices("a");
    assert!(matches!(effects.as_slice(), [Effect::DeviceChanged(_), Effect::SaveDevice(_)]), "{effects:?}");
    talk.say_as("b", place, relay("b"));
    assert_eq!(talk.home.device("door").unwrap().credential.as_deref(), Some("b"));
}

#[test]
fn the_hub_speaks_and_listens_only_where_the_board_may() {
    fn check(config: serde_json::Value, expected: Option<(&str, &str)>) {
        let mut talk = Talk::new();
        talk.home.set_permissions("b", Some(allow(&["%u/#", "ble/+/BT/1"], &["b/#"])));
        let config =
            with(json!({"name": "Relay", "uniq_id": "r", "dev": {"ids": ["b"], "name": "B"}}), &config);
        let effects = talk.say_as("b", "homeassistant/switch/b/relay/config", config.to_string());
        match (refusals(&effects).as_slice(), expected) {
            ([], None) => assert_eq!(talk.ids(), ["b.relay"]),
            ([refused], Some((why, advice))) => {
                assert!(refused.why.contains(why) && refused.advice.contains(advice), "{refused:?}");
                assert!(talk.ids().is_empty(), "{config}");
            }
            (refused, _) => panic!("{config}: {refused:?}"),
        }
    }
    check(json!({"cmd_t": "b/set", "stat_t": "b/state", "avty_t": "b/status"}), None);
    check(json!({"cmd_t": "b/set", "stat_t": "b/#"}), None);
    check(json!({"cmd_t": "b/set", "stat_t": "ble/+/BT/1"}), None);
    check(
        json!({"cmd_t": "lock/set"}),
        Some(("\"lock/set\", which `b` may not read", "Allow `b` to read \"lock/set\"")),
    );
    let listens = "which `b` may not write itself";
    check(
        json!({"cmd_t": "b/set", "stat_t": "lock/state"}),
        Some((listens, "Allow `b` to write \"lock/state\"")),
    );
    check(json!({"cmd_t": "b/set", "stat_t": "+/state"}), Some((listens, "Allow `b` to write \"+/state\"")));
    check(json!({"cmd_t": "b/set", "avty_t": "lock/status"}), Some((listens, "\"lock/status\"")));
    check(json!({"cmd_t": "b/set", "json_attr_t": "lock/tele"}), Some((listens, "\"lock/tele\"")));
}

#[test]
fn a_board_cannot_have_the_hub_ask_under_topics_of_others() {
    let mut talk = Talk::new();
    talk.home.set_permissions("evil", Some(allow(&["stat/evil/#", "tele/evil/#"], &["cmnd/evil/#"])));
    let aims = json!({"ft": "%prefix%/", "tp": ["cmnd/lock", "stat/evil", "tele/evil"]});
    let effects = talk.say_as("evil", LOCK, tasmota("evil", &aims));
    assert!(
        refusals(&effects).iter().any(|refused| refused.why.contains("asked under \"cmnd/lock/STATE\"")),
        "{effects:?}"
    );
    let sent = |effects: Vec<Effect>| effects.iter().any(|effect| matches!(effect, Effect::Publish(_)));
    assert!(!sent(talk.say_as("evil", "tele/evil/LWT", "Online")));
    talk.home.set_permissions("evil", None);
    talk.say_as("evil", LOCK, tasmota("evil", &json!({})));
    assert!(sent(talk.say_as("evil", "tele/evil/LWT", "Online")), "unknown permissions are not checked");
}

#[test]
fn what_a_board_may_no_longer_read_the_hub_no_longer_asks_for() {
    let mut talk = Talk::new();
    let allowed = |read: &[&str]| Some(allow(&["stat/plug/#", "tele/plug/#"], read));
    let asked = |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Publish(_))).count();
    talk.home.set_permissions("plug", allowed(&["cmnd/plug/#"]));
    talk.say_as("plug", LOCK, tasmota("plug", &json!({})));
    assert_eq!(asked(&talk.say_as("plug", "tele/plug/LWT", "Online")), 6);
    talk.home.set_permissions("plug", allowed(&["cmnd/plug/STATE"]));
    assert_eq!(asked(&talk.say_as("plug", "tele/plug/LWT", "Online")), 1);
}

#[test]
fn what_firmwares_announce_lies_within_what_their_boards_may() {
    let profiles = Profile::built_in();
    let topic: BTreeMap<_, _> = ["user", "topic"].map(|name| (name.to_owned(), "plug".to_owned())).into();
    let permissions =
        |id: &str| profiles.iter().find(|profile| profile.id() == id).unwrap().acl(&topic).unwrap();
    let mut talk = Talk::new();
    talk.home.set_permissions("plug", Some(permissions("tasmota")));
    let effects = talk.say_as("plug", LOCK, tasmota("plug", &json!({"rl": [1, 2, 3]})));
    assert!(refusals(&effects).is_empty(), "{effects:?}");
    let sensors = r#"{"sn":{"A":{"Temperature":1},"ENERGY":{"Power":1}}}"#;
    assert!(refusals(&talk.say_as("plug", "tasmota/discovery/AABBCCDDEEFF/sensors", sensors)).is_empty());
    let effects = talk.say_as("plug", "tele/plug/LWT", "Online");
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Publish(_))));
    let mut talk = Talk::new();
    talk.home.set_permissions("plug", Some(permissions("home-assistant")));
    assert!(
        refusals(&talk.say_as("plug", "homeassistant/switch/plug/relay/config", relay("plug"))).is_empty()
    );
}

#[test]
fn what_a_person_makes_by_hand_may_use_any_topic() {
    let mut talk = Talk::new();
    let made = HandMade {
        device: None,
        device_name: None,
        name: "Everything".into(),
        component: Component::Sensor,
        topic: "meter/+".into(),
        path: None,
        unit: None,
        command_topic: Some("any/set".into()),
    };
    assert!(talk.home.add_entity_by_hand(made, 5).is_ok());
}
