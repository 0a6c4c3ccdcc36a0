//! Whatever is sent, nothing breaks and everything that is taken out again leaves nothing behind.

mod common;

use common::Talk;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[ -~]{0,12}".prop_map(Json::from),
        Just(json!("~/x")),
        Just(json!("a/+/b")),
        Just(json!("{{ value_json.a }}")),
        Just(json!("{% if value %}{{ value | float | round(1) }}{% endif %}")),
        Just(json!(["a", 1])),
        Just(json!([["mac", "aa:bb:cc:dd:ee:ff"]])),
    ]
}

fn config() -> impl Strategy<Value = Json> {
    let key = prop::sample::select(vec![
        "~",
        "name",
        "uniq_id",
        "stat_t",
        "cmd_t",
        "val_tpl",
        "cmd_tpl",
        "unit_of_meas",
        "dev_cla",
        "ops",
        "min",
        "max",
        "step",
        "avty",
        "avty_t",
        "avty_mode",
        "exp_aft",
        "off_dly",
        "json_attr_t",
        "schema",
        "brightness",
        "bri_cmd_t",
        "bri_scl",
        "pos_t",
        "set_pos_t",
        "pl_on",
        "pl_off",
        "qos",
        "ret",
        "dev",
        "cmps",
        "sug_dsp_prc",
        "pos_clsd",
        "tilt_min",
        "tilt_cmd_t",
        "tilt_status_t",
        "rgb_cmd_t",
        "rgb_stat_t",
        "hs_stat_t",
        "clr_temp_stat_t",
        "sup_clrm",
        "pct_cmd_t",
        "pct_stat_t",
        "spd_rng_max",
        "pr_modes",
        "temp_cmd_t",
        "mode_stat_t",
        "modes",
        "code",
        "ptrn",
        "evt_typ",
        "hum_cmd_t",
        "opt",
    ]);
    let device =
        prop_oneof![Just(json!({"ids": "d"})), Just(json!({"ids": ["d", 5], "name": "D"})), scalar()];
    let members = prop::collection::vec((key, scalar()), 0..10);
    (members, device, any::<bool>()).prop_map(|(members, device, valid)| {
        let mut config: Map<String, Json> =
            members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        if valid {
            config.insert("stat_t".into(), "s".into());
            config.insert("cmd_t".into(), "c".into());
            config.insert("dev".into(), device);
        }
        Json::Object(config)
    })
}

fn place() -> impl Strategy<Value = String> {
    let component = prop::sample::select(vec![
        "sensor",
        "binary_sensor",
        "switch",
        "light",
        "cover",
        "number",
        "select",
        "text",
        "button",
        "lock",
        "climate",
        "fan",
        "update",
        "event",
        "alarm_control_panel",
        "device_tracker",
        "humidifier",
        "image",
        "lawn_mower",
        "notify",
        "scene",
        "siren",
        "vacuum",
        "valve",
        "water_heater",
        "device",
        "tag",
    ]);
    (component, 0..4u8).prop_map(|(component, object)| format!("homeassistant/{component}/o{object}/config"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn announcements_and_reports_of_any_kind(
        steps in prop::collection::vec((place(), config(), prop::collection::vec(any::<u8>(), 0..24)), 1..12),
    ) {
        let mut talk = Talk::new();
        for (topic, config, payload) in &steps {
            talk.say(topic, config.to_string());
            for state in ["s", "c", "a/x/b", "d/x"] {
                talk.say(state, payload);
                talk.say(state, r#"{"a": 1.5, "state": "ON"}"#);
            }
            let now_ms = talk.now_ms;
            talk.home.tick(now_ms + 100_000);
        }
        let entities: Vec<_> = talk.home.entities().map(|entity| entity.id.clone()).collect();
        for entity in &entities {
            let colors = json!({"rgb_color": [1, 2, 3], "brightness": 7});
            for verb in ["turn_on", "toggle", "set", "press", "set_position", "set_temperature", "alarm_disarm"] {
                for attributes in [&Map::new(), colors.as_object().unwrap_or(&Map::new())] {
                    let five = model::Value::Number(5.0);
                    let Ok(order) = talk.home.command(entity, verb, Some(&five), attributes) else { continue };
                    let cause = model::Cause::Person { who: "owner".into() };
                    talk.home.await_answer(entity, &order, cause, talk.now_ms);
                    for send in &order.sends {
                        talk.say(&send.topic, &send.payload);
                    }
                }
            }
            prop_assert!(talk.home.device(&talk.home.entity(entity).unwrap().device).is_some());
        }
        for (topic, ..) in &steps {
            talk.say(topic, "");
        }
        prop_assert_eq!((talk.home.entities().count(), talk.home.devices().count()), (0, 0));
        prop_assert_eq!(talk.say("s", "1"), vec![]);
        prop_assert_eq!(talk.home.next_due(), None);
    }

    #[test]
    fn tasmota_configurations_of_any_kind(
        relays in prop::collection::vec(-2..6i8, 0..40),
        lists in prop::collection::vec(scalar(), 6),
    ) {
        let mut talk = Talk::new();
        let config = json!({"ver": 1, "ft": "%prefix%/%topic%/", "t": "t", "tp": ["c", "s", "t"], "rl": relays, "swc": lists[0],
            "fn": lists[1], "swn": lists[2], "so": lists[3], "state": lists[4], "lt_st": lists[5]});
        talk.say("tasmota/discovery/AABBCCDDEEFF/config", config.to_string());
        talk.say("tasmota/discovery/AABBCCDDEEFF/sensors", json!({"sn": {"A": {"Temperature": lists}}}).to_string());
        talk.say("s/t/RESULT", r#"{"POWER1":"ON"}"#);
        talk.say("tasmota/discovery/AABBCCDDEEFF/config", "");
        prop_assert_eq!((talk.home.entities().count(), talk.home.devices().count()), (0, 0));
    }
}
