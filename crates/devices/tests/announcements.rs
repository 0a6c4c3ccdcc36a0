//! What real firmwares say, and what must come of it. Each row of the data files names its source.

mod common;

use common::{Talk, refusals};
use model::{Component, Device, Entity};
use serde_json::Value as Json;

fn rows(text: &str) -> impl Iterator<Item = Json> {
    text.lines().map(|line| serde_json::from_str(line).expect("the data file has a JSON object a line"))
}

/// Compares what the row expects with what was made of it.
fn check(device: &Device, entity: &Entity, expected: &Json, context: &str) {
    let is = &entity.description;
    let component = serde_json::to_value(is.component).expect("a component has a name");
    let texts = [
        ("component", component.as_str().map(ToOwned::to_owned)),
        ("name", is.name.clone()),
        ("unique_id", Some(is.unique_id.clone())),
        ("unit_of_measurement", is.unit.clone()),
        ("device_class", is.device_class.clone()),
        ("state_class", is.state_class.clone()),
        ("device_name", Some(device.name.clone())),
    ];
    for (key, is) in texts {
        if let Some(wanted) = expected.get(key).and_then(Json::as_str) {
            assert_eq!(is.as_deref(), Some(wanted), "{key} of {context}");
        }
    }
    let states: Vec<&str> = is.sources.iter().map(|source| source.topic.as_str()).collect();
    let commands: Vec<&str> = is.commands.values().map(|command| command.topic.as_str()).collect();
    let available: Vec<&str> = is.availability.sources.iter().map(|source| source.topic.as_str()).collect();
    for (key, topics) in
        [("state_topic", states), ("command_topic", commands), ("availability_topic", available)]
    {
        if let Some(wanted) = expected.get(key).and_then(Json::as_str) {
            assert!(topics.contains(&wanted), "{key} of {context}: {wanted} is not in {topics:?}");
        }
    }
    for (key, is) in [("min", is.min), ("max", is.max)] {
        if let Some(wanted) = expected.get(key).and_then(Json::as_f64) {
            assert_eq!(is, Some(wanted), "{key} of {context}");
        }
    }
    if let Some(wanted) = expected.get("options").and_then(Json::as_array) {
        assert_eq!(
            &is.options.iter().map(|option| Json::from(option.as_str())).collect::<Vec<_>>(),
            wanted,
            "{context}"
        );
    }
}

#[test]
fn tasmotas_own_discovery() {
    const CONFIG: &str = r#"{"ip":"1.2.3.4","dn":"T","fn":[],"hn":"h","md":"m","ofln":"Offline","onln":"Online",
        "state":["OFF","ON"],"sw":"9","t":"t","ft":"%topic%/%prefix%/","tp":["cmnd","stat","tele"],"rl":[],"swc":[],
        "swn":[],"so":{},"lt_st":0,"ver":1}"#;
    for row in rows(include_str!("data/tasmota.jsonl")) {
        let (topic, payload) = (row["topic"].as_str().unwrap(), row["payload"].as_str().unwrap());
        let mut talk = Talk::new();
        if topic.ends_with("/sensors") {
            talk.say(&topic.replace("/sensors", "/config"), CONFIG);
        }
        let effects = talk.say(topic, payload);
        assert!(refusals(&effects).is_empty(), "{topic} {payload}: {effects:?}");
        // Hatasmota makes triggers of what Hearth has as events.
        let is_main = |entity: &&Entity| {
            entity.description.category.is_none() && entity.description.component != Component::Event
        };
        let made: Vec<&Entity> = talk.home.entities().filter(is_main).collect();
        let wanted = row["expect"].as_array().unwrap();
        assert_eq!(made.len(), wanted.len(), "{topic} {payload}: {:?}", talk.ids());
        for expected in wanted {
            let name = expected.get("name").and_then(Json::as_str);
            let entity = made
                .iter()
                .find(|entity| entity.description.name.as_deref() == name)
                .unwrap_or_else(|| panic!("{name:?} of {topic} {payload}"));
            let mut expected = expected.clone();
            // Tasmota says C, people °C.
            expected["unit_of_measurement"] = match expected["unit"].as_str() {
                Some("C") => "°C".into(),
                _ => expected["unit"].clone(),
            };
            check(
                talk.home.device(&entity.device).unwrap(),
                entity,
                &expected,
                &format!("{topic} {payload}"),
            );
        }
    }
}

#[test]
fn one_message_may_announce_a_device_with_all_its_components() {
    let mut talk = Talk::new();
    let config = |components: Json| {
        serde_json::json!({
            "~": "heating/boiler", "dev": {"ids": "boiler-1", "name": "Boiler"}, "o": {"name": "sketch"},
            "avty_t": "~/online", "cmps": components,
        })
    };
    let power = serde_json::json!({"p": "sensor", "uniq_id": "p", "dev_cla": "power", "unit_of_meas": "kW", "stat_t": "~/power"});
    let pump = serde_json::json!({"p": "switch", "uniq_id": "s", "name": "Pump", "cmd_t": "~/pump"});
    talk.announce("device/boiler", &config(serde_json::json!({"power": power, "pump": pump})));
    assert_eq!(talk.ids(), ["boiler.power", "boiler.pump"]);
    let is = &talk.home.entity("boiler.power").unwrap().description;
    assert_eq!(is.sources[0].topic, "heating/boiler/power");
    assert_eq!(is.availability.sources[0].topic, "heating/boiler/online");

    // A component with nothing but its platform is gone; an unreadable one harms no other.
    let effects = talk.announce(
        "device/boiler",
        &config(serde_json::json!({"power": power, "pump": {"p": "switch"}, "x": {"p": "toaster", "a": 1}})),
    );
    assert_eq!(talk.ids(), ["boiler.power"]);
    assert!(refusals(&effects)[0].why.contains("toaster"));
    talk.say("homeassistant/device/boiler/config", "");
    assert_eq!((talk.ids().len(), talk.home.devices().count()), (0, 0));
}

#[test]
fn tasmota_waits_for_its_config_and_takes_sensors_before_or_after_it() {
    let config = r#"{"ip":"1.2.3.4","dn":"Plug","fn":["Plug"],"hn":"h","md":"m","ofln":"Offline","onln":"Online",
        "state":["OFF","ON"],"sw":"9","t":"plug","ft":"%prefix%/%topic%/","tp":["cmnd","stat","tele"],"rl":[1],"swc":[-1],
        "so":{},"lt_st":0,"ver":1}"#;
    let sensors = r#"{"sn":{"Time":"x","DHT11":{"Temperature":20.1},"TempUnit":"C"}}"#;
    for order in [["config", "sensors"], ["sensors", "config"]] {
        let mut talk = Talk::new();
        for part in order {
            talk.say(
                &format!("tasmota/discovery/AABBCCDDEEFF/{part}"),
                if part == "config" { config } else { sensors },
            );
        }
        assert!(
            talk.ids().contains(&"plug.switch") && talk.ids().contains(&"plug.dht11_temperature"),
            "{order:?}"
        );
        // Without the sensors the rest stays; without the config nothing does.
        talk.say("tasmota/discovery/AABBCCDDEEFF/sensors", "");
        assert!(talk.ids().contains(&"plug.switch") && !talk.ids().contains(&"plug.dht11_temperature"));
        talk.say("tasmota/discovery/AABBCCDDEEFF/sensors", sensors);
        talk.say("tasmota/discovery/AABBCCDDEEFF/config", "");
        assert_eq!(talk.home.devices().count(), 0);
        // The sensors are remembered: the config alone brings both back.
        talk.say("tasmota/discovery/AABBCCDDEEFF/config", config);
        assert!(talk.ids().contains(&"plug.dht11_temperature"));
    }
}
