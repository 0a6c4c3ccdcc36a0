//! The relay guard: how messages are read, what is held back, and that nothing passes that breaks a limit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod common;

use std::collections::VecDeque;

use common::{Talk, with};
use devices::guard::{FORMER_MAX, Guard, Rules, can_guard};
use model::{Entity, State, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const NOW_MS: i64 = 1_000_000_000;

fn told(on: bool) -> State {
    State { value: Some(Value::Bool(on)), since_ms: 1, reported_ms: 1, ..State::default() }
}

/// What the device says at some time.
fn said(on: bool, at_ms: i64) -> State {
    State { since_ms: at_ms, reported_ms: at_ms, ..told(on) }
}

fn switches(per_minute: u32) -> Rules {
    Rules { switches_per_minute: Some(per_minute), ..Rules::default() }
}

fn switch(name: &str) -> (Talk, Entity) {
    by_discovery(
        "switch",
        json!({"name": name, "uniq_id": name, "stat_t": format!("{name}/is"),
        "cmd_t": format!("{name}/set"), "dev": {"ids": [name], "name": name}}),
    )
}

fn by_discovery(component: &str, config: Json) -> (Talk, Entity) {
    let mut talk = Talk::new();
    talk.announce(&format!("{component}/d/x"), &config);
    let entity = talk.home.entities().next().expect("one entity").clone();
    (talk, entity)
}

fn guarded(entity: &Entity, state: &State, rules: Rules) -> Guard {
    let mut guard = Guard::new();
    guard.set(entity, state, rules).unwrap();
    guard
}

/// What a message comes to: for one that is off, and for one that is on.
fn reading(entity: &Entity, topic: &str, payload: &str) -> &'static str {
    let after = [false, true].map(|on| {
        let mut guard = guarded(entity, &told(on), switches(600));
        let switched = guard.consider(topic, payload.as_bytes(), NOW_MS).unwrap();
        let memory = serde_json::to_value(guard.memory(&entity.id).unwrap()).unwrap();
        (!switched.is_empty()).then(|| memory["on"].as_bool())
    });
    match after {
        [None, None] => "nothing",
        [Some(Some(true)), Some(Some(true))] => "on",
        [Some(Some(false)), Some(Some(false))] => "off",
        [Some(Some(true)), Some(Some(false))] => "toggle",
        [Some(None), Some(None)] => "either",
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_read_by_what_hearth_itself_would_send() {
    fn check(component: &str, more: Json, topic: &str, readings: &[(&str, &str)]) {
        let config = with(
            json!({"name": "X", "uniq_id": "x", "cmd_t": "d/set", "stat_t": "d/is", "dev": {"ids": ["d"], "name": "D"}}),
            &more,
        );
        let (_, entity) = by_discovery(component, config);
        for (payload, expected) in readings {
            assert_eq!(reading(&entity, topic, payload), *expected, "{component} {topic} {payload}");
        }
    }
    let plain =
        [("ON", "on"), ("OFF", "off"), ("on", "on"), ("", "nothing"), ("TOGGLE", "either"), ("1", "either")];
    check("switch", json!({}), "d/set", &plain);
    check("switch", json!({}), "d/is", &[("ON", "nothing")]);
    check(
        "switch",
        json!({"pl_on": "1", "pl_off": "0"}),
        "d/set",
        &[("1", "on"), ("0", "off"), ("ON", "either")],
    );
    check("switch", json!({"pl_on": "PUSH", "pl_off": "PUSH"}), "d/set", &[("PUSH", "toggle")]);
    check(
        "switch",
        json!({"cmd_tpl": r#"{"relay":"{{ value }}"}"#}),
        "d/set",
        &[
            (r#"{"relay":"ON"}"#, "on"),
            (r#"{ "relay" : "off", "source": 3 }"#, "off"),
            (r#"{"relay":"toggle"}"#, "toggle"),
            (r#"{"relay":7}"#, "either"),
            (r#"{"other":1}"#, "nothing"),
            (r#"{"relay":"ON","relay":"OFF"}"#, "either"),
            (r#"{"Relay":"ON"}"#, "on"),
            ("nonsense", "either"),
        ],
    );
    let lamp = json!({"bri_cmd_t": "d/bri", "rgb_cmd_t": "d/rgb"});
    check("light", lamp.clone(), "d/set", &[("ON", "on"), ("OFF", "off")]);
    check("light", lamp.clone(), "d/bri", &[("128", "on"), ("0", "off")]);
    check("light", lamp, "d/rgb", &[("1,2,3", "on")]);
    let lamp = json!({"schema": "json", "brightness": true});
    check(
        "light",
        lamp,
        "d/set",
        &[
            (r#"{"state":"ON","brightness":3}"#, "on"),
            (r#"{"state":"OFF"}"#, "off"),
            (r#"{"brightness":30}"#, "on"),
        ],
    );
    check("fan", json!({"pct_cmd_t": "d/pct"}), "d/pct", &[("30", "on"), ("0", "off")]);
    let cover = json!({"set_pos_t": "d/pos", "pos_t": "d/at", "pos_clsd": 100, "pos_open": 0});
    check("cover", cover.clone(), "d/set", &[("OPEN", "on"), ("CLOSE", "off"), ("STOP", "nothing")]);
    check("cover", cover, "d/pos", &[("100", "off"), ("0", "on"), ("30", "on")]);
    check("siren", json!({}), "d/set", &[(r#"{"state":"ON"}"#, "on"), (r#"{"state":"OFF"}"#, "off")]);
    let climate = json!({"mode_cmd_t": "d/mode", "temp_cmd_t": "d/temp", "modes": ["off", "heat"]});
    check("climate", climate.clone(), "d/mode", &[("heat", "on"), ("off", "off")]);
    check("climate", climate, "d/temp", &[("21", "nothing")]);
}

#[test]
fn tasmota_is_understood_however_it_is_told() {
    let mut talk = Talk::new();
    let config = json!({"dn": "Plug", "fn": ["Plug"], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online",
        "state": ["AUS", "AN"], "t": "plug", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"], "rl": [1, 1], "swc": [],
        "so": {}, "lt_st": 0, "sho": [], "ver": 1});
    talk.say("tasmota/discovery/AABBCCDDEEFF/config", config.to_string());
    let relay = |n: &str| {
        let found = talk.home.entities().find(|entity| {
            entity.description.commands.get("turn_on").is_some_and(|spec| spec.topic.ends_with(n))
        });
        found.expect("a relay").clone()
    };
    let (one, two) = (relay("Power1"), relay("Power2"));
    for (entity, topic, payload, expected) in [
        (&one, "cmnd/plug/POWER", "ON", "on"),
        (&one, "cmnd/plug/Power1", "AN", "on"),
        (&one, "cmnd/plug/power1", "0", "off"),
        (&one, "cmnd/plug/POWER1", "2", "toggle"),
        (&one, "cmnd/plug/POWER1", "blink", "either"),
        (&one, "cmnd/plug/POWER", "", "nothing"),
        (&one, "cmnd/plug/POWER2", "ON", "nothing"),
        (&two, "cmnd/plug/POWER", "ON", "nothing"),
        (&two, "cmnd/plug/POWER0", "ON", "on"),
        (&two, "cmnd/plug/Backlog", "Delay 10; power2 off", "off"),
        (&two, "cmnd/plug/backlog0", "Power1 ON;Status 5", "nothing"),
        (&one, "cmnd/other/POWER", "ON", "nothing"),
        (&one, "cmnd/plug/POWER01", "ON", "on"),
        (&one, "cmnd/plug/POWER001", "TOGGLE", "toggle"),
        (&one, "cmnd/plug/POWER002", "ON", "nothing"),
        (&one, "cmnd/plug/x/y/POWER1", "ON", "on"),
        (&one, "cmnd/plug/x/Backlog", "Power01 ON", "on"),
        (&one, "cmnd/plug/Backlog", "Backlog Power1 ON", "on"),
        (&one, "cmnd/plug/Backlog", "Backlog0 backlog POWER OFF;", "off"),
        (&one, "cmnd/plug/Backlog", "IF (1==1) Power1 ON ENDIF", "either"),
        (&one, "cmnd/plug/Backlog", "Rule1 ON Time#Minute DO Power1 ON ENDON", "either"),
        (&one, "cmnd/plug/Backlog", "Event go", "either"),
        (&one, "cmnd/plug/Backlog", "RuleTimer1 5", "either"),
        (&one, "cmnd/plug/Backlog", "Status 5", "nothing"),
    ] {
        assert_eq!(reading(entity, topic, payload), expected, "{topic} {payload}");
    }
    let mut guard = guarded(&one, &told(false), switches(2));
    assert!(
        guard.consider("cmnd/plug/Backlog", b"Power1 ON; Power1 OFF; Power1 ON", NOW_MS).is_err(),
        "three at once"
    );
    assert_eq!(guard.switches(&one.id, NOW_MS), 0, "what is held counts for nothing");
}

#[test]
fn what_cannot_be_read_in_a_backlog_may_go_either_way() {
    fn check(entity: &Entity, payload: &str, expected: &str) {
        assert_eq!(reading(entity, "cmnd/pl/Backlog", payload), expected, "{payload}");
    }
    let board = |light: u32, relay: u32| {
        let config = json!({"dn": "Plug", "fn": ["Plug"], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online",
            "state": ["OFF", "ON"], "t": "pl", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"],
            "rl": [relay], "swc": [], "so": {}, "lt_st": light, "sho": [], "ver": 1});
        let mut talk = Talk::new();
        talk.say("tasmota/discovery/AABBCCDDEEFF/config", config.to_string());
        let switches = talk.home.entities().find(|entity| can_guard(entity));
        switches.expect("a relay").clone()
    };
    let relay = board(0, 1);
    for payload in [
        "Br tasmota.set_power(0,true)",
        "WebSend [127.0.0.1] Power1 ON",
        "DevGroupSend 0=1",
        "PulseTime1 1",
        r#"Timers 1;Timer1 {"Enable":1}"#,
        "PowerOnState 2;Restart 1",
        "Restart 1",
        "Script >D",
        "Rule1 ON Time#Minute DO Power1 ON ENDON",
        "Event x",
        "Module 1",
        "Power1ON",
        "NoDelay;Nonsense",
    ] {
        check(&relay, payload, "either");
    }
    for payload in [
        "",
        ";;",
        "NoDelay;Delay 10",
        "Status 5;State;Module",
        "Fade2 1;Speed2 4;Palette FF0000;Dimmer 30",
        "MqttHost 10.0.0.1;MqttPort 1883;MqttUser a;MqttPassword b;Topic pl;FullTopic %prefix%/%topic%/",
        "SetOption19 0;TelePeriod 60;FriendlyName1 If;DeviceName Event",
    ] {
        check(&relay, payload, "nothing");
    }
    let lamp = board(1, 2);
    for (payload, expected) in [
        ("Dimmer 30", "on"),
        ("NoDelay;CT 200", "on"),
        ("HSBColor1 20", "on"),
        ("Dimmer 0", "off"),
        ("Dimmer -", "either"),
        ("Color 000000", "either"),
        ("Dimmer", "nothing"),
        ("Fade2 1;Speed2 4", "nothing"),
        ("NoDelay;Power1 OFF", "off"),
    ] {
        check(&lamp, payload, expected);
    }
    // It is announced with a backlog only, and is told by its relay as well.
    assert_eq!(reading(&lamp, "cmnd/pl/POWER", "ON"), "on");
    assert_eq!(reading(&lamp, "cmnd/pl/Power0", "0"), "off");
}

#[test]
fn a_tasmota_board_is_guarded_whatever_its_word_for_commands_and_wherever_it_stands() {
    for (full, base) in [
        ("%prefix%/%topic%/", "command/pl2"),
        ("%topic%/%prefix%/", "pl2/command"),
        ("home/%prefix%/floor/%topic%/", "home/command/floor/pl2"),
    ] {
        let mut talk = Talk::new();
        let config = json!({"dn": "Plug", "fn": ["Plug"], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online",
            "state": ["OFF", "ON"], "t": "pl2", "ft": full, "tp": ["command", "stat", "tele"], "rl": [1, 1], "swc": [],
            "so": {}, "lt_st": 0, "sho": [], "ver": 1});
        talk.say("tasmota/discovery/AABBCCDDEEFF/config", config.to_string());
        let one = talk.home.entities().find(|entity| {
            entity.description.commands.get("turn_on").is_some_and(|spec| spec.topic.ends_with("/Power1"))
        });
        let one = one.expect("a relay").clone();
        for (command, payload, expected) in [
            ("Power1", "ON", "on"),
            ("POWER", "ON", "on"),
            ("Power", "1", "on"),
            ("POWER1", "OFF", "off"),
            ("power01", "2", "toggle"),
            ("POWER0", "ON", "on"),
            ("POWER2", "ON", "nothing"),
            ("Backlog", "Power1 ON", "on"),
            ("backlog0", "Power2 ON", "nothing"),
            ("x/y/POWER", "ON", "on"),
            ("x/Backlog", "Power ON", "on"),
        ] {
            assert_eq!(reading(&one, &format!("{base}/{command}"), payload), expected, "{base} {command}");
        }
        assert_eq!(reading(&one, "command/other/POWER", "ON"), "nothing");
    }
    // As Home Assistant's discovery has it, and as no Tasmota writes it.
    for (topic, told, expected) in [
        ("command/pl2/POWER1", "command/pl2/Backlog", "on"),
        ("home/power", "home/kitchen/power", "nothing"),
        ("home/power", "home/Power", "nothing"),
    ] {
        let config = json!({"name": "X", "uniq_id": "x", "cmd_t": topic, "stat_t": "d/is", "dev": {"ids": ["d"], "name": "D"}});
        let (_, entity) = by_discovery("switch", config);
        assert_eq!(reading(&entity, topic, "ON"), "on", "{topic}");
        assert_eq!(reading(&entity, told, "Power1 ON"), expected, "{topic} {told}");
    }
}

#[test]
fn a_shelly_relay_is_told_from_its_neighbour_and_from_a_question() {
    let rpc = |on: bool, id: u32, method: &str| {
        json!({"id": 9, "src": "x", "method": method, "params": {"id": id, "on": on}}).to_string()
    };
    let mut talk = Talk::new();
    let command = |on: bool| {
        json!({"id": 1, "src": "hearth", "method": "Switch.Set", "params": {"id": 0, "on": on}}).to_string()
    };
    talk.announce(
        "switch/s/0",
        &json!({"name": "S", "uniq_id": "s", "stat_t": "s/status", "cmd_t": "s/rpc",
        "pl_on": command(true), "pl_off": command(false), "dev": {"ids": ["s"], "name": "S"}}),
    );
    let entity = talk.home.entities().next().unwrap().clone();
    for (payload, expected) in [
        (rpc(true, 0, "Switch.Set"), "on"),
        (rpc(false, 0, "Switch.Set"), "off"),
        (rpc(true, 1, "Switch.Set"), "nothing"),
        (json!({"method": "Switch.Toggle", "params": {"id": 0}}).to_string(), "either"),
        (json!({"method": "Switch.GetStatus", "params": {"id": 0}}).to_string(), "nothing"),
        (json!({"method": "Shelly.GetStatus"}).to_string(), "nothing"),
        (json!({"method": "switch.toggle", "params": {"id": 0}}).to_string(), "either"),
        (json!({"method": "switch.toggle", "params": {"id": 0, "on": false}}).to_string(), "either"),
        (json!({"method": "Switch.Set", "params": {"id": 0.0, "on": true}}).to_string(), "on"),
        (json!({"method": "Switch.Set", "params": {"id": "0", "on": true}}).to_string(), "on"),
        (json!({"method": "Switch.Set", "params": {"id": null, "on": true}}).to_string(), "either"),
        (r#"{"method":"Switch.Toggle","params":{"id":0e0}}"#.to_owned(), "either"),
        (r#"{"method":"Switch.Set","params.on":false,"params":{"id":0,"on":true}}"#.to_owned(), "on"),
    ] {
        assert_eq!(reading(&entity, "s/rpc", &payload), expected, "{payload}");
    }
}

#[test]
fn only_what_switches_can_be_guarded() {
    let (_, plug) = switch("plug");
    assert!(can_guard(&plug));
    let (_, sensor) = by_discovery(
        "sensor",
        json!({"name": "T", "uniq_id": "t", "stat_t": "t", "dev": {"ids": ["t"], "name": "T"}}),
    );
    assert!(!can_guard(&sensor));
    let mut guard = Guard::new();
    assert!(!guard.watches("plug/set"));
    guard.set(&plug, &told(false), switches(2)).unwrap();
    assert!(guard.watches("plug/set") && !guard.watches("plug/is"));
    guard.unbind(&plug.id);
    assert!(!guard.watches("plug/set"), "it does not exist");
    guard.bind(&plug);
    assert!(guard.watches("plug/set"), "it has come back");
    guard.set(&plug, &told(false), Rules::default()).unwrap();
    assert!(guard.is_empty() && guard.rules(&plug.id).is_none());
}

/// Sends one after the other, each so many seconds after the first; what was held back says why.
fn story(guard: &mut Guard, steps: &[(i64, &str, &str, Option<&str>)]) {
    for (at_s, topic, payload, held) in steps {
        let outcome = guard.consider(topic, payload.as_bytes(), NOW_MS + at_s * 1_000);
        match (held, &outcome) {
            (None, Ok(_)) => {}
            (Some(words), Err(held)) => assert!(held.why.contains(words), "{at_s} s {payload}: {}", held.why),
            _ => panic!("{at_s} s {topic} {payload}: {outcome:?}"),
        }
    }
}

#[test]
fn it_switches_no_more_often_than_it_may_and_off_is_always_possible() {
    let (_, plug) = switch("plug");
    let mut guard = guarded(&plug, &told(false), switches(4));
    let often = Some("plug may be switched 4 times a minute and was; the next time is in");
    story(
        &mut guard,
        &[
            (0, "plug/set", "ON", None),
            (1, "plug/set", "ON", None),
            (2, "plug/set", "OFF", None),
            (3, "plug/set", "ON", None),
            (4, "plug/set", "OFF", None),
            (5, "plug/set", "ON", often),
            (59, "plug/set", "ON", often),
            // The first ON was said again a second later.
            (62, "plug/set", "ON", None),
            (63, "plug/set", "OFF", None),
        ],
    );
    // Odd ones keep the last switch for off.
    let mut guard = guarded(&plug, &told(false), switches(3));
    story(
        &mut guard,
        &[
            (0, "plug/set", "ON", None),
            (1, "plug/set", "OFF", None),
            (2, "plug/set", "ON", Some("3 times a minute")),
            (3, "plug/set", "OFF", None),
        ],
    );
}

#[test]
fn how_long_it_has_been_off_counts_from_when_it_went_off() {
    let (_, plug) = switch("plug");
    let rules = Rules { min_off_s: Some(20), ..Rules::default() };
    // It said so again a moment ago, as boards do every few seconds.
    let state = State { since_ms: NOW_MS - 25_000, reported_ms: NOW_MS - 6_000, ..told(false) };
    let mut guard = guarded(&plug, &state, rules.clone());
    assert!(guard.consider("plug/set", b"ON", NOW_MS).is_ok());
    let state = State { since_ms: NOW_MS - 15_000, ..state };
    let held = guarded(&plug, &state, rules).consider("plug/set", b"ON", NOW_MS).unwrap_err();
    assert!(held.why.contains("went off 15 s ago; it may go on in 5 s"), "{}", held.why);
}

#[test]
fn it_rests_as_long_as_it_has_to() {
    let (_, plug) = switch("plug");
    let rules = Rules { min_off_s: Some(180), min_on_s: Some(60), ..Rules::default() };
    let mut guard = guarded(&plug, &told(false), rules.clone());
    story(
        &mut guard,
        &[
            (0, "plug/set", "ON", None),
            (
                20,
                "plug/set",
                "OFF",
                Some("has to stay on for 60 s and went on 20 s ago; it may go off in 40 s"),
            ),
            (60, "plug/set", "OFF", None),
            (61, "plug/set", "TOGGLE", Some("has to stay off for 180 s")),
            (239, "plug/set", "ON", Some("it may go on in 1 s")),
            (240, "plug/set", "ON", None),
        ],
    );
    // Somebody pressed its button.
    let mut guard = guarded(&plug, &told(true), rules);
    guard.report(&plug.id, &said(false, NOW_MS));
    story(&mut guard, &[(179, "plug/set", "ON", Some("went off 179 s ago")), (180, "plug/set", "ON", None)]);
}

fn heaters() -> (Guard, [Entity; 2]) {
    let entities = ["one", "two"].map(|name| switch(name).1);
    let rules = Rules { interlock: Some("heaters".into()), ..Rules::default() };
    let mut guard = Guard::new();
    for entity in &entities {
        guard.set(entity, &told(false), rules.clone()).unwrap();
    }
    (guard, entities)
}

#[test]
fn what_is_interlocked_is_never_on_together() {
    let (mut guard, [one, two]) = heaters();
    story(
        &mut guard,
        &[
            (0, "one/set", "ON", None),
            (1, "two/set", "ON", Some("two and one are never on together, and one is on")),
            (10, "one/set", "OFF", None),
            (20, "two/set", "ON", Some("one has not said yet that it is off")),
        ],
    );
    guard.report(&one.id, &said(false, NOW_MS + 21_000));
    story(&mut guard, &[(22, "two/set", "ON", None), (23, "one/set", "TOGGLE", Some("two is on"))]);
    assert_eq!(guard.interlocks()["heaters"], ["one.switch", "two.switch"]);
    // The board was swapped and says nothing any more: whoever is gone stands in nobody's way.
    guard.unbind(&two.id);
    story(&mut guard, &[(30, "one/set", "ON", None)]);
}

#[test]
fn one_message_does_not_switch_two_that_are_interlocked() {
    let (_, one) = switch("both");
    let mut two = one.clone();
    two.id = "both.two".into();
    let rules = Rules { interlock: Some("x".into()), ..Rules::default() };
    let mut guard = Guard::new();
    for entity in [&one, &two] {
        guard.set(entity, &told(false), rules.clone()).unwrap();
    }
    let before = serde_json::to_value(guard.memory(&one.id)).unwrap();
    assert!(guard.consider("both/set", b"ON", NOW_MS).is_err());
    assert_eq!(serde_json::to_value(guard.memory(&one.id)).unwrap(), before, "nothing was let through");
}

#[test]
fn a_relay_that_never_reports_is_taken_for_what_it_was_told() {
    let entities = ["one", "two"].map(|name| {
        by_discovery(
            "switch",
            json!({"name": name, "uniq_id": name, "cmd_t": format!("{name}/set"),
            "dev": {"ids": [name], "name": name}}),
        )
        .1
    });
    let mut guard = Guard::new();
    for entity in &entities {
        guard
            .set(entity, &State::default(), Rules { interlock: Some("x".into()), ..Rules::default() })
            .unwrap();
    }
    story(
        &mut guard,
        &[
            (0, "one/set", "ON", None),
            (1, "two/set", "ON", Some("one is on")),
            (2, "one/set", "OFF", None),
            (3, "two/set", "ON", None),
        ],
    );
}

#[test]
fn one_that_reports_and_has_not_yet_may_be_on() {
    let (mut guard, [_, two]) = heaters();
    let three = switch("three").1;
    guard
        .set(&three, &State::default(), Rules { interlock: Some("heaters".into()), ..Rules::default() })
        .unwrap();
    story(&mut guard, &[(0, "one/set", "ON", Some("three has not said yet that it is off"))]);
    guard.report(&three.id, &said(false, NOW_MS));
    guard.report(&two.id, &said(false, NOW_MS));
    story(&mut guard, &[(1, "one/set", "ON", None)]);
}

#[test]
fn a_restart_forgets_nothing() {
    let (_, plug) = switch("plug");
    let rules = Rules { switches_per_minute: Some(2), min_off_s: Some(100), ..Rules::default() };
    let mut guard = guarded(&plug, &told(false), rules.clone());
    guard.consider("plug/set", b"ON", NOW_MS).unwrap();
    let kept = serde_json::to_string(guard.memory(&plug.id).unwrap()).unwrap();
    // This one is in the journal, but was not kept in time.
    let off_ms = NOW_MS + 1_000;
    let mut guard = Guard::new();
    guard.restore(&plug.id, rules, serde_json::from_str(&kept).unwrap(), None, Vec::new());
    guard.bind(&plug);
    guard.remember("plug/set", b"ON", NOW_MS);
    guard.remember("plug/set", b"OFF", off_ms);
    assert_eq!(guard.switches(&plug.id, off_ms), 2, "each is counted once");
    story(&mut guard, &[(2, "plug/set", "ON", Some("has to stay off")), (101, "plug/set", "ON", None)]);
}

#[test]
fn after_a_crash_it_counts_as_just_switched() {
    let (_, plug) = switch("plug");
    let rules = Rules { min_off_s: Some(100), min_on_s: Some(50), ..Rules::default() };
    let mut guard = guarded(&plug, &told(true), rules);
    guard.doubt(NOW_MS);
    // What it said before is older than what may be forgotten.
    guard.report(&plug.id, &said(true, NOW_MS - 1));
    story(
        &mut guard,
        &[
            (
                3,
                "plug/set",
                "ON",
                Some("has to stay off for 100 s, counted from 3 s ago, when Hearth started"),
            ),
            (3, "plug/set", "OFF", Some("has to stay on for 50 s, counted from 3 s ago")),
        ],
    );
    guard.report(&plug.id, &said(true, NOW_MS + 4_000));
    story(
        &mut guard,
        &[
            (5, "plug/set", "ON", None),
            (5, "plug/set", "OFF", Some("and went on 1 s ago")),
            (54, "plug/set", "OFF", None),
        ],
    );

    let mut guard = guarded(&plug, &told(false), switches(4));
    guard.doubt(NOW_MS);
    story(
        &mut guard,
        &[
            (1, "plug/set", "ON", Some("4 times a minute, and counts as if it was")),
            (1, "plug/set", "OFF", None),
            (61, "plug/set", "ON", None),
        ],
    );

    let (mut guard, [_, two]) = heaters();
    guard.doubt(NOW_MS);
    story(&mut guard, &[(1, "one/set", "ON", Some("has not said yet that it is off"))]);
    guard.report(&two.id, &said(false, NOW_MS + 2_000));
    story(&mut guard, &[(3, "one/set", "ON", None)]);
}

/// What the world does.
#[derive(Debug, Clone)]
enum Step {
    /// A message to a relay; the device may not get it.
    Publish { relay: usize, payload: &'static str, lost: bool },
    /// A device says what it is, as it does now and then.
    Report { relay: usize },
    /// Time passes, ms.
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let payload = prop::sample::select(vec!["ON", "ON", "OFF", "OFF", "TOGGLE", "rubbish"]);
    let publish = (0..3usize, payload, prop::bool::weighted(0.15))
        .prop_map(|(relay, payload, lost)| Step::Publish { relay, payload, lost });
    let wait = prop_oneof![0..300i64, 0..3_000i64, 0..40_000i64].prop_map(Step::Wait);
    prop_oneof![4 => publish, 1 => (0..3usize).prop_map(|relay| Step::Report { relay }), 3 => wait]
}

/// A relay as it really is. It obeys what reaches it, and says so a while later.
#[derive(Default)]
struct Real {
    on: bool,
    went: Vec<(i64, bool)>,
    on_the_way: VecDeque<(i64, bool)>,
}

const DELAY_MS: i64 = 1_500;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_passes_that_breaks_a_limit(
        steps in prop::collection::vec(step(), 1..120),
        per_minute in 2..7u32,
        min_off_s in prop::option::of(1..30u32),
        min_on_s in prop::option::of(1..10u32),
        interlocked in any::<bool>(),
    ) {
        let entities = ["a", "b", "c"].map(|name| {
            by_discovery("switch", json!({"name": name, "uniq_id": name, "stat_t": format!("{name}/is"),
                "cmd_t": format!("{name}/set"), "dev": {"ids": [name], "name": name}})).1
        });
        let rules = Rules {
            switches_per_minute: Some(per_minute),
            min_off_s,
            min_on_s,
            interlock: interlocked.then(|| "x".to_owned()),
        };
        let mut guard = Guard::new();
        for entity in &entities {
            guard.set(entity, &told(false), rules.clone()).unwrap();
        }
        let mut real: [Real; 3] = Default::default();
        let mut now_ms = NOW_MS;
        for step in steps {
            match step {
                Step::Wait(ms) => now_ms += ms,
                Step::Report { relay } => {
                    let on = real[relay].on;
                    real[relay].on_the_way.push_back((now_ms, on));
                }
                Step::Publish { relay, payload, lost } => {
                    let topic = format!("{}/set", ["a", "b", "c"][relay]);
                    let passed = guard.consider(&topic, payload.as_bytes(), now_ms).is_ok();
                    let is = real[relay].on;
                    // It makes of rubbish the worst.
                    let to = match payload { "ON" => true, "OFF" => false, _ => !is };
                    if passed && !lost && to != is {
                        real[relay].on = to;
                        real[relay].went.push((now_ms, to));
                        real[relay].on_the_way.push_back((now_ms, to));
                    }
                }
            }
            for (real, entity) in real.iter_mut().zip(&entities) {
                while real.on_the_way.front().is_some_and(|(sent_ms, _)| sent_ms + DELAY_MS <= now_ms) {
                    let (sent_ms, on) = real.on_the_way.pop_front().unwrap();
                    guard.report(&entity.id, &said(on, sent_ms + DELAY_MS));
                }
            }
            prop_assert!(!interlocked || real.iter().filter(|real| real.on).count() <= 1);
        }
        for real in &real {
            for (at, (went_ms, on)) in real.went.iter().enumerate() {
                let minute = real.went[..=at].iter().filter(|(other, _)| went_ms - other < 60_000).count();
                prop_assert!(minute <= per_minute as usize, "{:?}", real.went);
                let Some((before_ms, _)) = at.checked_sub(1).map(|before| real.went[before]) else { continue };
                let rest_s = if *on { min_off_s } else { min_on_s };
                prop_assert!(went_ms - before_ms >= i64::from(rest_s.unwrap_or(0)) * 1_000, "{:?}", real.went);
            }
        }
    }
}

#[test]
fn off_is_never_held_back_by_the_rate_of_on_and_off() {
    let (_, plug) = switch("plug");
    for per_minute in 2..8 {
        let mut guard = guarded(&plug, &told(false), switches(per_minute));
        for second in 0..200 {
            let now_ms = NOW_MS + second * 1_000;
            let _ = guard.consider("plug/set", b"ON", now_ms);
            assert!(guard.consider("plug/set", b"OFF", now_ms + 500).is_ok(), "{per_minute} {second}");
        }
        assert!(guard.switches(&plug.id, NOW_MS + 200_000) <= per_minute as usize);
    }
}

#[test]
fn off_is_not_held_back_after_a_button_on_the_device_or_when_a_cover_is_closed_again() {
    let (_, plug) = switch("plug");
    let mut guard = guarded(&plug, &told(false), switches(2));
    story(&mut guard, &[(0, "plug/set", "ON", None), (1, "plug/set", "OFF", None)]);
    guard.report(&plug.id, &said(true, NOW_MS + 5_000));
    story(&mut guard, &[(6, "plug/set", "OFF", None), (7, "plug/set", "ON", Some("2 times a minute"))]);
    let config = json!({"name": "X", "uniq_id": "x", "cmd_t": "d/set", "stat_t": "d/is",
        "dev": {"ids": ["d"], "name": "D"}});
    let (_, cover) = by_discovery("cover", config);
    let mut guard = guarded(&cover, &State::default(), switches(2));
    story(
        &mut guard,
        &["OPEN", "CLOSE", "CLOSE", "CLOSE", "STOP"].map(|payload| (0, "d/set", payload, None)),
    );
}

#[test]
fn what_is_too_much_to_look_at_may_go_either_way() {
    let config = json!({"name": "X", "uniq_id": "x", "cmd_t": "d/set", "stat_t": "d/is",
        "pl_on": r#"{"state":"ON"}"#, "pl_off": r#"{"state":"OFF"}"#, "dev": {"ids": ["d"], "name": "D"}});
    let (_, entity) = by_discovery("switch", config);
    let mut junk: serde_json::Map<String, Json> = (0..64).map(|n| (format!("a{n:02}"), json!(0))).collect();
    junk.insert("state".into(), json!("ON"));
    assert_eq!(reading(&entity, "d/set", &Json::Object(junk).to_string()), "either");
}

#[test]
fn one_whose_announcement_is_away_is_guarded_until_its_owner_removes_it() {
    let (mut guard, [one, two]) = heaters();
    story(&mut guard, &[(0, "two/set", "ON", None)]);
    assert_eq!(guard.leave(&two.id), Some("two"));
    assert!(guard.watches("two/set"));
    story(&mut guard, &[(1, "one/set", "ON", Some("It is announced no more"))]);
    // A restart finds it away still.
    let (rules, memory) = (guard.rules(&two.id).unwrap().clone(), guard.memory(&two.id).unwrap().clone());
    let last = guard.entity(&two.id).cloned();
    guard.restore(&two.id, rules, memory, last.as_ref(), Vec::new());
    story(&mut guard, &[(2, "one/set", "ON", Some("two is on"))]);
    guard.unbind(&two.id);
    assert!(!guard.watches("two/set"));
    story(&mut guard, &[(3, "one/set", "ON", None)]);
    assert_eq!(guard.leave(&one.id), Some("one"));
    guard.bind(&one);
    assert!(guard.watches("one/set"));
}

#[test]
fn the_same_relay_under_another_name_of_its_device_is_guarded_as_before() {
    let (_, plug) = switch("plug");
    let mut guard = guarded(&plug, &told(false), switches(2));
    story(&mut guard, &[(0, "plug/set", "ON", None), (1, "plug/set", "OFF", None)]);
    let other = Entity { id: "plug.other".into(), ..plug.clone() };
    assert_eq!(guard.inherit(&other), None, "the first is there");
    guard.leave(&plug.id);
    let foreign = Entity { device: "else".into(), ..other.clone() };
    assert_eq!(guard.inherit(&foreign), None, "of another device");
    assert_eq!(guard.inherit(&other), Some(plug.id.clone()));
    assert!(guard.rules(&plug.id).is_none() && guard.rules(&other.id).is_some());
    story(&mut guard, &[(2, "plug/set", "ON", Some("2 times a minute"))]);
}

/// A plug announced with another topic.
fn moved(plug: &Entity, topic: &str) -> Entity {
    let mut moved = plug.clone();
    moved.description.commands.values_mut().for_each(|spec| spec.topic = topic.to_owned());
    moved
}

#[test]
fn the_topics_of_an_earlier_announcement_stay_guarded_as_long_as_the_limits_stand() {
    let (_, plug) = switch("plug");
    let rest = Rules { min_off_s: Some(600), ..Rules::default() };
    let often = Some("has to stay off for 600 s");
    let both = [(0, "plug/set", "ON", often), (1, "plug/other", "ON", often), (2, "plug/third", "ON", often)];
    let mut guard = guarded(&plug, &said(false, NOW_MS), rest.clone());
    guard.bind(&moved(&plug, "plug/other"));
    story(&mut guard, &both[..2]);
    assert!(!guard.watches("plug/third"));
    // It is taken back, and comes back elsewhere; under another name, too.
    guard.leave(&plug.id);
    story(&mut guard, &both[..2]);
    guard.bind(&moved(&plug, "plug/third"));
    story(&mut guard, &both);
    guard.leave(&plug.id);
    let named = Entity { id: "plug.named".into(), ..moved(&plug, "plug/third") };
    assert_eq!(guard.inherit(&named), Some(plug.id.clone()));
    story(&mut guard, &both);
    // A restart keeps them.
    let (rules, memory) = (guard.rules(&named.id).unwrap().clone(), guard.memory(&named.id).unwrap().clone());
    let (last, former) = (guard.entity(&named.id).cloned(), guard.former(&named.id));
    let mut guard = Guard::new();
    guard.restore(&named.id, rules, memory, last.as_ref(), former);
    story(&mut guard, &both);
    // What its owner removed is free until it is back.
    guard.unbind(&named.id);
    assert!(both.iter().all(|(_, topic, ..)| !guard.watches(topic)));
    guard.bind(&moved(&named, "plug/fourth"));
    story(&mut guard, &both);
    guard.set(&named, &told(false), Rules::default()).unwrap();
    assert!(guard.is_empty(), "without limits nothing is guarded");
    guard.set(&named, &said(false, NOW_MS), rest).unwrap();
    assert!(!guard.watches("plug/set") && guard.watches("plug/third"), "it begins anew");
}

#[test]
fn however_often_it_is_announced_elsewhere_the_first_topic_stays_guarded() {
    let (_, plug) = switch("plug");
    let mut guard = guarded(&plug, &told(false), switches(2));
    for nth in 0..3 * FORMER_MAX {
        guard.bind(&moved(&plug, &format!("plug/{nth}")));
        guard.bind(&plug);
    }
    guard.bind(&moved(&plug, "plug/last"));
    assert!(
        guard.former(&plug.id).len() == FORMER_MAX && guard.watches("plug/set") && guard.watches("plug/last")
    );
}

#[test]
fn a_word_that_meant_something_else_before_may_go_either_way() {
    let swapped = |on: &str, off: &str| {
        let config = json!({"name": "X", "uniq_id": "x", "cmd_t": "d/set", "stat_t": "d/is", "pl_on": on,
            "pl_off": off, "dev": {"ids": ["d"], "name": "D"}});
        by_discovery("switch", config).1
    };
    let mut guard = guarded(&swapped("ON", "OFF"), &told(true), switches(2));
    guard.bind(&swapped("OFF", "ON"));
    story(
        &mut guard,
        &[(0, "d/set", "ON", None), (1, "d/set", "ON", Some("2 times a minute")), (2, "d/set", "", None)],
    );
}
