//! Firmwares that announce themselves in their own way, or not at all.

mod common;

use common::{Talk, refusals};
use devices::{Effect, Profile};
use model::{Availability, Component};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn sent(effects: &[Effect]) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Publish(send) => Some(format!("{} {}", send.topic, text(&send.payload))),
            _ => None,
        })
        .collect()
}

#[test]
fn a_fingerprint_takes_all_of_its_topics() {
    fn check(said: &[(&str, &str)], expected: usize) {
        let mut talk = Talk::new();
        for (topic, payload) in said {
            let effects = talk.say(topic, payload);
            assert!(refusals(&effects).is_empty(), "{topic} {payload}: {effects:?}");
        }
        assert_eq!(talk.home.entities().count(), expected, "{said:?}");
    }
    check(&[("wled/x/status", "online")], 0);
    check(&[("wled/x/g", "128")], 0);
    check(&[("wled/x/status", "online"), ("wled/y/g", "128")], 0);
    check(&[("wled/x/status", "ready"), ("wled/x/g", "128")], 0);
    check(&[("wled/x/status", "online"), ("wled/x/g", "128")], 1);
    check(&[("wled/x/g", "128"), ("wled/x/status", "offline")], 1);
    check(&[("b/bme/Temperature", "21"), ("b/status", "Connected")], 0);
    check(&[("b/status", "Connected"), ("b/bme/Temperature", "21")], 1);
    check(&[("b/status", "Connected"), ("b/bme/Temperature", "21"), ("b/bme/Temperature", "22")], 1);
    check(&[("b/status", "Connected"), ("b/bme/Temperature", "21"), ("b/bme/Humidity", "40")], 2);
    check(&[("b/status", "Connected"), ("b/cmd/arg", "x"), ("c/bme/Temperature", "21")], 0);
}

#[test]
fn what_a_fingerprint_gives_away_is_outranked_by_an_announcement() {
    let mut talk = Talk::new();
    for (topic, payload) in [("app", "ESPURNA"), ("mac", "5C:CF:7F:0A:1B:2C"), ("relay/0", "1")] {
        talk.say(&format!("ESPURNA-0A1B2C/{topic}"), payload);
    }
    assert_eq!(talk.ids(), ["espurna_0a1b2c.relay_0"]);
    let config = json!({"dev": {"name": "ESPURNA-0A1B2C", "ids": ["espurna_0a1b2c"]}, "uniq_id": "espurna_0a1b2c_relay_0",
        "name": "Relay", "stat_t": "ESPURNA-0A1B2C/relay/0", "cmd_t": "ESPURNA-0A1B2C/relay/0/set"});
    talk.announce("switch/espurna_0a1b2c_relay_0", &config);
    assert_eq!(talk.ids(), ["espurna_0a1b2c.relay"]);
    talk.say("ESPURNA-0A1B2C/relay/1", "0");
    assert_eq!(talk.ids(), ["espurna_0a1b2c.relay"], "what has announced itself knows better");
}

#[test]
fn shellys_are_asked_to_announce_themselves_when_the_hub_starts() {
    let profiles = Profile::built_in();
    let sends: Vec<String> = profiles.iter().flat_map(Profile::on_start).map(|send| send.topic).collect();
    assert_eq!(sends, ["shellies/command"]);
}

#[test]
fn every_model_of_shellys_first_generation_makes_a_device() {
    fn check(model: &str, mode: &str, expected: &[&str]) {
        let mut talk = Talk::new();
        let announced = json!({"id": "board", "model": model, "mac": "AABBCCDDEEFF", "ip": "1.2.3.4",
            "new_fw": false, "fw_ver": "1.14", "mode": mode});
        let effects = talk.say("shellies/announce", announced.to_string());
        assert!(refusals(&effects).is_empty(), "{model}: {effects:?}");
        talk.say("shellies/board/announce", announced.to_string());
        assert_eq!(talk.home.devices().count(), 1, "{model}");
        for unique_id in expected {
            assert!(
                talk.by_unique_id(unique_id).is_some(),
                "{model} {mode} has {unique_id}: {:?}",
                talk.ids()
            );
        }
    }
    check("SHSW-1", "", &["board-relay-0", "board-input-0"]);
    check("SHSW-25", "relay", &["board-relay-1", "board-relay-energy-1"]);
    check("SHSW-25", "roller", &["board-roller-0", "board-relay-power"]);
    check("SHEM-3", "", &["board-emeter-power-2", "board-n_current", "board-emeter-total-0"]);
    check("SHRGBW2", "color", &["board-light-0", "board-color-energy-0"]);
    check("SHRGBW2", "white", &["board-light-white-3", "board-white-power-3"]);
    check("SHCB-1", "", &["board-light-0"]);
    check("SHBDUO-1", "", &["board-light-0"]);
    check("SHHT-1", "", &["board-temperature", "board-humidity", "board-battery"]);
    check("SHTRV-01", "", &["board-climate"]);
    check("SHXX-99", "", &[]);
}

#[test]
fn a_shelly_with_a_battery_is_asleep_between_reports() {
    let mut talk = Talk::new();
    let announced =
        json!({"id": "ht", "model": "SHHT-1", "mac": "AABBCCDDEEFF", "ip": "1.2.3.4", "fw_ver": "1.14"});
    talk.say("shellies/announce", announced.to_string());
    talk.say("shellies/ht/online", "true");
    talk.say("shellies/ht/sensor/temperature", "21.5");
    talk.say("shellies/ht/online", "false");
    let id = talk.by_unique_id("ht-temperature").unwrap().id.clone();
    assert_eq!((talk.state(&id).availability, talk.shown(&id).as_str()), (Availability::Asleep, "21.5"));
}

#[test]
fn a_shelly_of_the_second_generation_is_asked_who_it_is() {
    let mut talk = Talk::new();
    let report =
        |params: Json| json!({"src": "shellypro1-aabbccddeeff", "method": "NotifyStatus", "params": params});
    talk.say("hall/events/rpc", report(json!({"switch:0": {"id": 0, "output": true}})).to_string());
    let asked = sent(&talk.say("hall/online", "true"));
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked[0].starts_with("hall/rpc ") && asked[0].contains("Shelly.GetDeviceInfo"), "{asked:?}");
    let answer = json!({"id": 1, "src": "shellypro1-aabbccddeeff", "result":
        {"id": "shellypro1-aabbccddeeff", "mac": "AABBCCDDEEFF", "model": "SPSW-201XE16EU", "ver": "1.4", "name": "Hall"}});
    talk.say("hall/hearth/rpc", answer.to_string());
    let device = talk.home.devices().next().unwrap();
    assert_eq!((device.name.as_str(), device.model.as_deref()), ("Hall", Some("SPSW-201XE16EU")));
    assert_eq!(device.mac.as_deref(), Some("AABBCCDDEEFF"));
    // What a report does not mention stays; a component it mentions for the first time is new.
    let before = talk.home.entities().count();
    talk.say("hall/events/rpc", report(json!({"switch:0": {"id": 0, "output": false}})).to_string());
    assert_eq!(talk.home.entities().count(), before);
    talk.say("hall/events/rpc", report(json!({"input:0": {"id": 0, "state": true}})).to_string());
    assert_eq!(talk.home.entities().count(), before + 1);
    let effects = talk.say("hall/events/rpc", report(json!({"x'] }}{{:0": {"output": true}})).to_string());
    assert!(refusals(&effects).is_empty());
}

fn listed(devices: &[(&str, &str)]) -> String {
    let device = |(id, name): &(&str, &str)| {
        json!({"ieee_address": id, "friendly_name": name, "type": "EndDevice", "definition": {"model": "M", "vendor": "V",
            "description": "D", "exposes": [{"type": "numeric", "name": "temperature", "property": "temperature",
            "access": 1, "unit": "°C"}]}})
    };
    Json::Array(devices.iter().map(device).collect()).to_string()
}

#[test]
fn devices_that_a_bridge_no_longer_lists_are_gone() {
    let mut talk = Talk::new();
    talk.say("z2m/bridge/devices", listed(&[("0x1", "Attic"), ("0x2", "Cellar")]));
    talk.say("other/bridge/devices", listed(&[("0x3", "Garage")]));
    assert_eq!(talk.ids(), ["attic.temperature", "cellar.temperature", "garage.temperature"]);
    talk.say("z2m/Attic", r#"{"temperature": 18.5}"#);
    talk.say("z2m/bridge/devices", listed(&[("0x1", "Loft")]));
    assert_eq!(talk.ids(), ["attic.temperature", "garage.temperature"], "an id outlives a rename");
    talk.say("z2m/Loft", r#"{"temperature": 19}"#);
    assert_eq!(talk.shown("attic.temperature"), "19");
    talk.say("z2m/bridge/state", r#"{"state":"offline"}"#);
    assert_eq!(talk.state("attic.temperature").availability, Availability::Unavailable);
    assert_eq!(refusals(&talk.say("z2m/bridge/devices", "{}")).len(), 1);
    assert_eq!(talk.ids().len(), 2);
}

#[test]
fn a_bridge_that_also_announces_to_home_assistant_is_read_there() {
    let mut talk = Talk::new();
    let config = json!({"uniq_id": "0x1_temperature_zigbee2mqtt", "name": "Temp", "stat_t": "z2m/Attic",
        "val_tpl": "{{ value_json.temperature }}", "dev": {"ids": ["zigbee2mqtt_0x1"], "name": "Attic"}});
    talk.say("z2m/bridge/devices", listed(&[("0x1", "Attic")]));
    talk.announce("sensor/0x1/temperature", &config);
    talk.say("z2m/bridge/devices", listed(&[("0x1", "Attic")]));
    assert_eq!(talk.ids(), ["attic.temp"]);
}

#[test]
fn tasmotas_light_is_what_its_type_and_options_say() {
    fn check(more: Json, expected: &[(&str, &[&str])]) {
        let config = common::with(
            json!({"ip": "1.2.3.4", "dn": "L", "fn": [], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online",
                "state": ["OFF", "ON", "TOGGLE", "HOLD"], "sw": "13", "t": "l", "ft": "%prefix%/%topic%/",
                "tp": ["cmnd", "stat", "tele"], "rl": [2], "swc": [], "so": {}, "lk": 1, "lt_st": 0, "ver": 1}),
            &more,
        );
        let mut talk = Talk::new();
        talk.say("tasmota/discovery/AABBCCDDEEFF/config", config.to_string());
        let lights = talk.home.entities().filter(|entity| entity.description.component == Component::Light);
        let made: Vec<(String, Json)> = lights
            .map(|light| {
                let features = serde_json::to_value(&light.description.features).unwrap();
                (light.description.unique_id.clone(), features["color_modes"].clone())
            })
            .collect();
        let wanted: Vec<(String, Json)> =
            expected.iter().map(|(id, modes)| (format!("AABBCCDDEEFF_{id}"), json!(modes))).collect();
        assert_eq!(made, wanted, "{more}");
    }
    check(json!({}), &[("light_light_0", &["onoff"])]);
    check(json!({"lt_st": 1}), &[("light_light_0", &["brightness"])]);
    check(json!({"lt_st": 2}), &[("light_light_0", &["color_temp"])]);
    check(json!({"lt_st": 3}), &[("light_light_0", &["hs"])]);
    check(json!({"lt_st": 4}), &[("light_light_0", &["hs", "white"])]);
    check(json!({"lt_st": 5}), &[("light_light_0", &["color_temp", "hs"])]);
    check(
        json!({"lt_st": 5, "lk": 0, "rl": [1, 2, 2]}),
        &[("light_light_1", &["hs"]), ("light_light_2", &["color_temp"])],
    );
    check(
        json!({"lt_st": 4, "lk": 0, "rl": [2, 2]}),
        &[("light_light_0", &["hs"]), ("light_light_1", &["brightness"])],
    );
    check(
        json!({"lt_st": 5, "so": {"68": 1}, "rl": [2, 2]}),
        &[("light_light_0", &["brightness"]), ("light_light_1", &["brightness"])],
    );
    check(json!({"so": {"30": 1}, "rl": [1]}), &[("light_relay_0", &["onoff"])]);
    check(json!({"if": 1, "rl": [2], "lt_st": 1}), &[("light_relay_0", &["onoff"])]);
}

#[test]
fn what_boards_call_themselves_widens_no_topic() {
    fn check(topic: &str, payload: &Json) {
        let mut talk = Talk::new();
        talk.say(topic, payload.to_string());
        for entity in talk.home.entities() {
            let is = &entity.description;
            let wild = is.sources.iter().any(|source| source.topic.contains(['+', '#']));
            assert!(!wild, "{topic} {payload}: {:?}", is.sources);
        }
    }
    check("shellies/announce", &json!({"id": "#", "model": "SHSW-1", "mac": "AABBCCDDEEFF"}));
    check("shellies/announce", &json!({"id": "+", "model": "SHPLG-S", "mac": "AABBCCDDEEFF"}));
    let bridge: Json = serde_json::from_str(&listed(&[("0x1", "+/#")])).unwrap();
    check("z2m/bridge/devices", &bridge);
    let tasmota = json!({"ver": 1, "ft": "%prefix%/%topic%/", "t": "+", "tp": ["cmnd", "stat", "tele"], "rl": [1, 2], "lt_st": 1});
    check("tasmota/discovery/AABBCCDDEEFF/config", &tasmota);
}

#[test]
fn only_a_whole_word_in_front_of_a_name_is_the_boards() {
    fn check(device: &str, name: &str, expected: &str) {
        let mut talk = Talk::new();
        let config =
            json!({"uniq_id": "x", "name": name, "stat_t": "s", "dev": {"ids": ["d"], "name": device}});
        talk.announce("sensor/d/x", &config);
        assert_eq!(talk.ids(), [expected], "{name:?} of {device:?}");
    }
    check("Plug", "Plug Power", "plug.power");
    check("Plug", "Plugged in", "plug.plugged_in");
    check("T", "Test", "t.test");
    check("Plug", "Plug", "plug.sensor");
}

/// JSON of any shape with names that mean something.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        "[ -~]{0,12}".prop_map(Json::from),
        prop_oneof![
            Just("light"),
            Just("switch:0"),
            Just("ready"),
            Just("NotifyStatus"),
            Just("enum"),
            Just("color")
        ]
        .prop_map(Json::from),
    ];
    let names = prop_oneof![
        Just("exposes"),
        Just("features"),
        Just("type"),
        Just("name"),
        Just("property"),
        Just("definition"),
        Just("ieee_address"),
        Just("src"),
        Just("method"),
        Just("params"),
        Just("result"),
        Just("id"),
        Just("switch:0"),
        Just("light:0"),
        Just("nodes"),
        Just("properties"),
        Just("datatype"),
        Just("format"),
        Just("values"),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(names.clone().prop_map(ToOwned::to_owned), inner, 0..6)
                .prop_map(|members: std::collections::BTreeMap<String, Json>| json!(members)),
        ]
    })
}

proptest! {
    #[test]
    fn firmwares_may_say_anything(json in any_json(), text in "\\PC{0,40}") {
        let mut talk = Talk::new();
        talk.say("homie/5/x/$state", "ready");
        talk.say("homie/x/$nodes", &text);
        talk.say("homie/x/a/$properties", &text);
        for topic in ["z2m/bridge/devices", "x/events/rpc", "x/hearth/rpc", "homie/5/x/$description", "shellies/announce"] {
            talk.say(topic, json.to_string());
        }
        talk.say("z2m/bridge/devices", json!([json]).to_string());
        talk.say("homie/x/$state", "ready");
        talk.say("homie/x/a/b", &text);
    }
}
