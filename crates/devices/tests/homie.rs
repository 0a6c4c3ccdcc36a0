//! The Homie conventions 3, 4 and 5: trees of topics become devices.

mod common;

use common::{Talk, refusals};
use devices::Effect;
use model::{Availability, Component, Value};
use serde_json::json;

/// What a device says of itself, in order.
fn say_all(talk: &mut Talk, root: &str, said: &[(&str, &str)]) {
    for (attribute, value) in said {
        let effects = talk.say(&format!("{root}/{attribute}"), value);
        assert!(refusals(&effects).is_empty(), "{attribute}: {effects:?}");
    }
}

const LAMP: &[(&str, &str)] = &[
    ("$homie", "4.0.0"),
    ("$state", "init"),
    ("$name", "Lamp"),
    ("$nodes", "light"),
    ("light/$name", "Light"),
    ("light/$type", "dimmer"),
    ("light/$properties", "power,level,scene"),
    ("light/power/$name", "Power"),
    ("light/power/$datatype", "boolean"),
    ("light/power/$settable", "true"),
    ("light/level/$name", "Level"),
    ("light/level/$datatype", "percent"),
    ("light/level/$settable", "true"),
    ("light/level/$format", "0:100:5"),
    ("light/scene/$name", "Scene"),
    ("light/scene/$datatype", "enum"),
    ("light/scene/$format", "calm,bright"),
    ("light/scene/$settable", "true"),
];

#[test]
fn a_device_appears_when_it_says_that_it_is_ready() {
    let mut talk = Talk::new();
    say_all(&mut talk, "homie/lamp", LAMP);
    assert_eq!(talk.ids(), [""; 0]);
    say_all(&mut talk, "homie/lamp", &[("$state", "ready"), ("light/power", "true")]);
    assert_eq!(talk.ids(), ["lamp.level", "lamp.power", "lamp.scene"]);
    assert_eq!(talk.shown("lamp.power"), "on");
    assert_eq!(talk.home.entity("lamp.level").unwrap().description.max, Some(100.0));
}

#[test]
fn the_domain_may_be_called_anything() {
    let mut talk = Talk::new();
    say_all(&mut talk, "house/lamp", LAMP);
    say_all(&mut talk, "house/lamp", &[("$state", "ready")]);
    assert_eq!(talk.ids().len(), 3);
}

#[test]
fn commands_go_to_the_set_topic_as_the_format_allows() {
    fn check(entity: &str, verb: &str, value: Option<Value>, expected: (&str, &str)) {
        let mut talk = Talk::new();
        say_all(&mut talk, "homie/lamp", LAMP);
        say_all(&mut talk, "homie/lamp", &[("$state", "ready")]);
        let sent = talk.home.command(entity, verb, value.as_ref(), &Default::default()).unwrap();
        assert_eq!(
            (sent.sends[0].topic.as_str(), &*sent.sends[0].payload),
            (expected.0, expected.1.as_bytes())
        );
    }
    check("lamp.power", "turn_on", None, ("homie/lamp/light/power/set", "true"));
    check("lamp.power", "turn_off", None, ("homie/lamp/light/power/set", "false"));
    check("lamp.level", "set", Some(Value::Number(50.0)), ("homie/lamp/light/level/set", "50"));
    check("lamp.scene", "set", Some(Value::Text("calm".into())), ("homie/lamp/light/scene/set", "calm"));
}

#[test]
fn state_is_availability_and_losing_a_device_does_not_remove_it() {
    let mut talk = Talk::new();
    say_all(&mut talk, "homie/lamp", LAMP);
    say_all(&mut talk, "homie/lamp", &[("$state", "ready"), ("light/power", "true")]);
    let mut check = |state: &str, expected: Availability| {
        talk.say("homie/lamp/$state", state);
        assert_eq!(talk.state("lamp.power").availability, expected, "{state}");
        assert_eq!(talk.shown("lamp.power"), "on", "{state}");
    };
    check("ready", Availability::Available);
    check("lost", Availability::Unavailable);
    check("init", Availability::Unavailable);
    check("ready", Availability::Available);
    check("alert", Availability::Available);
    check("sleeping", Availability::Asleep);
    check("ready", Availability::Available);
    check("disconnected", Availability::Unavailable);
}

#[test]
fn saying_everything_again_changes_nothing() {
    let mut talk = Talk::new();
    say_all(&mut talk, "homie/lamp", LAMP);
    say_all(&mut talk, "homie/lamp", &[("$state", "ready")]);
    for (attribute, value) in LAMP.iter().filter(|(attribute, _)| *attribute != "$state") {
        assert_eq!(talk.say(&format!("homie/lamp/{attribute}"), value), []);
    }
}

#[test]
fn a_device_that_was_removed_stays_removed_until_it_announces_itself_anew() {
    let ready = [("$state", "ready")];
    let ended = |said: &[(&str, &str)]| {
        let mut talk = Talk::new();
        say_all(&mut talk, "homie/lamp", LAMP);
        say_all(&mut talk, "homie/lamp", &ready);
        talk.home.remove_device("lamp").unwrap();
        say_all(&mut talk, "homie/lamp", said);
        talk
    };
    let check = |late: &[(&str, &str)]| {
        let mut talk = ended(late);
        assert_eq!(talk.home.devices().count(), 0, "{late:?}");
        say_all(&mut talk, "homie/lamp", LAMP);
        assert_eq!(talk.home.devices().count(), 0, "{late:?}, and not ready");
        say_all(&mut talk, "homie/lamp", &ready);
        assert_eq!(talk.ids(), ["lamp.level", "lamp.power", "lamp.scene"], "{late:?}");
    };
    check(&[("$state", "lost")]);
    check(&[("$state", "disconnected")]);
    check(&[("$state", "sleeping"), ("$state", "ready")]);
    check(&[("light/level/$format", "0:100:5"), ("$state", "ready"), ("$state", "lost")]);
    check(&[("$homie", "4.0.0"), ("$nodes", "light"), ("$state", "lost")]);
    check(&[("$localip", "192.168.1.9"), ("light/power", "true"), ("$state", "alert")]);
    check(&[("$state", "init"), ("$state", "lost")]);
}

#[test]
fn a_statistic_is_a_reading_and_announces_only_once() {
    let mut talk = Talk::new();
    say_all(&mut talk, "homie/lamp", LAMP);
    say_all(&mut talk, "homie/lamp", &[("$state", "ready"), ("$stats/uptime", "60")]);
    assert!(talk.ids().contains(&"lamp.uptime"), "{:?}", talk.ids());
    let effects = talk.say("homie/lamp/$stats/uptime", "120");
    assert_eq!(talk.shown("lamp.uptime"), "120");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::SaveDevice(_))), "{effects:?}");
    talk.say("homie/lamp/$stats/mood", "fine");
    assert_eq!(talk.ids().len(), 4);
}

#[test]
fn a_device_may_change_itself_between_init_and_ready() {
    let mut talk = Talk::new();
    say_all(&mut talk, "homie/lamp", LAMP);
    say_all(&mut talk, "homie/lamp", &[("$state", "ready"), ("$state", "init")]);
    say_all(&mut talk, "homie/lamp", &[("light/$properties", "power")]);
    assert_eq!(talk.ids().len(), 3, "what is known stays until it is ready");
    say_all(&mut talk, "homie/lamp", &[("$state", "ready")]);
    assert_eq!(talk.ids(), ["lamp.power"]);
    talk.say("homie/lamp/$state", "");
    assert_eq!(talk.home.devices().count(), 0);
}

#[test]
fn nodes_in_a_row_share_their_description() {
    let mut talk = Talk::new();
    say_all(
        &mut talk,
        "homie/strip",
        &[
            ("$homie", "3.0.1"),
            ("$name", "Strip"),
            ("$nodes", "led[]"),
            ("led/$name", "LED"),
            ("led/$type", "led"),
            ("led/$array", "0-2"),
            ("led/$properties", "on"),
            ("led/on/$name", "On"),
            ("led/on/$datatype", "boolean"),
            ("led/on/$settable", "true"),
            ("led_1/$name", "Middle"),
            ("$state", "ready"),
            ("led_2/on", "true"),
        ],
    );
    assert_eq!(talk.ids(), ["strip.led_0_on", "strip.led_2_on", "strip.middle_on"]);
    assert_eq!(talk.shown("strip.led_2_on"), "on");
}

fn document(nodes: serde_json::Value) -> String {
    json!({"homie": "5.0", "version": 1, "name": "Car", "nodes": nodes}).to_string()
}

#[test]
fn version_5_describes_itself_in_one_document() {
    fn check(property: serde_json::Value, component: Component, payload: &str, expected: &str) {
        let mut talk = Talk::new();
        let nodes = json!({"engine": {"properties": {"x": property}}});
        say_all(&mut talk, "homie/5/car", &[("$state", "init"), ("$description", &document(nodes.clone()))]);
        assert_eq!(talk.ids(), [""; 0]);
        say_all(&mut talk, "homie/5/car", &[("$state", "ready")]);
        let entity = talk.home.entities().next().unwrap_or_else(|| panic!("{nodes} makes an entity"));
        assert_eq!(entity.description.component, component, "{nodes}");
        let id = entity.id.clone();
        talk.say("homie/5/car/engine/x", payload);
        assert_eq!(talk.shown(&id), expected, "{nodes} {payload}");
    }
    let settable = |datatype: &str| json!({"datatype": datatype, "settable": true});
    check(json!({"datatype": "integer", "unit": "rpm"}), Component::Sensor, "900", "900");
    check(json!({"datatype": "float", "format": "-20:120"}), Component::Sensor, "21.5", "21.5");
    check(json!({"datatype": "float", "format": "-20:120"}), Component::Sensor, "121", "unknown");
    check(json!({"datatype": "enum", "format": "a,b"}), Component::Sensor, "c", "unknown");
    check(json!({"datatype": "boolean"}), Component::BinarySensor, "true", "on");
    check(json!({"datatype": "boolean"}), Component::BinarySensor, "TRUE", "unknown");
    check(settable("boolean"), Component::Switch, "false", "off");
    check(settable("integer"), Component::Number, "5", "5");
    check(settable("string"), Component::Text, "hello", "hello");
    check(json!({"datatype": "enum", "format": "a,b", "settable": true}), Component::Select, "b", "b");
    check(
        json!({"datatype": "color", "format": "rgb", "settable": true}),
        Component::Light,
        "rgb,0,128,0",
        "on",
    );
}

#[test]
fn what_is_wrong_in_a_document_is_left_out_and_told() {
    let mut talk = Talk::new();
    let nodes = json!({"engine": {"properties": {
        "speed": {"datatype": "integer"}, "color": {"datatype": "color"}, "Bad": {"datatype": "string"},
    }}});
    talk.say("homie/5/car/$state", "ready");
    let effects = talk.say("homie/5/car/$description", document(nodes));
    assert_eq!(talk.ids(), ["car.speed"]);
    let told: Vec<&str> = refusals(&effects).iter().map(|refused| refused.why.as_str()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().any(|why| why.contains("needs a format")), "{told:?}");
    assert_eq!(refusals(&talk.say("homie/5/car/$description", "{")).len(), 1);
}

#[test]
fn a_child_is_lost_with_its_root() {
    let mut talk = Talk::new();
    let child = json!({"homie": "5.0", "version": 1, "name": "Relay", "root": "bridge",
        "nodes": {"relay": {"properties": {"on": {"datatype": "boolean", "settable": true}}}}});
    say_all(&mut talk, "homie/5/bridge", &[("$state", "ready")]);
    say_all(&mut talk, "homie/5/relay", &[("$description", &child.to_string()), ("$state", "ready")]);
    talk.recall("homie/5/bridge/$state", "ready");
    assert_eq!(talk.state("relay.on").availability, Availability::Available);
    talk.say("homie/5/bridge/$state", "lost");
    assert_eq!(talk.state("relay.on").availability, Availability::Unavailable);
    talk.say("homie/5/bridge/$state", "init");
    assert_eq!(talk.state("relay.on").availability, Availability::Available);
    talk.say("homie/5/relay/$state", "");
    assert_eq!(talk.ids(), [""; 0]);
}

#[test]
fn colours_are_set_with_their_brightness() {
    let mut talk = Talk::new();
    let nodes = json!({"led": {"properties": {
        "color": {"datatype": "color", "format": "hsv,rgb", "settable": true}}}});
    say_all(&mut talk, "homie/5/car", &[("$description", &document(nodes)), ("$state", "ready")]);
    say_all(&mut talk, "homie/5/car", &[("led/color", "hsv,120,100,50")]);
    let sent = talk.home.command("car.color", "turn_on", None, &Default::default()).unwrap();
    assert_eq!(&*sent.sends[0].payload, b"hsv,120,100,50");
    let with = json!({"brightness": 255}).as_object().cloned().unwrap();
    let sent = talk.home.command("car.color", "turn_on", None, &with).unwrap();
    assert_eq!(&*sent.sends[0].payload, b"hsv,120,100,100");
    let sent = talk.home.command("car.color", "turn_off", None, &Default::default()).unwrap();
    assert_eq!(&*sent.sends[0].payload, b"hsv,0,0,0");
}
