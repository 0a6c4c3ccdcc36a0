//! Devices, entities, areas: what stays, what follows, what goes.

mod common;

use common::{Talk, readings, refusals, with};
use devices::{DeviceRecord, Effect, HandMade, Home, Profile, RegistryError, Saved};
use model::{Availability, Component, Value};
use serde_json::json;

fn switch(name: &str, more: serde_json::Value) -> serde_json::Value {
    with(
        json!({"name": name, "uniq_id": "relay", "stat_t": "plug/state", "cmd_t": "plug/set",
        "dev": {"ids": ["plug"], "name": "Steckdose Küche"}}),
        &more,
    )
}

#[test]
fn announcing_again_changes_only_what_is_different() {
    let mut talk = Talk::new();
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    assert_eq!(talk.ids(), ["steckdose_kueche.relay"]);
    assert_eq!(talk.announce("switch/plug/relay", &switch("Relay", json!({}))), []);
    talk.say("plug/state", "ON");
    let effects = talk.announce("switch/plug/relay", &switch("Pump", json!({})));
    assert!(
        matches!(effects.as_slice(), [Effect::EntityChanged(entity), Effect::Noted(note)]
            if entity.name == "Pump" && note.words == ["Pump (name)"]),
        "{effects:?}"
    );
    assert_eq!(talk.ids(), ["steckdose_kueche.relay"]);
    assert_eq!(talk.shown("steckdose_kueche.relay"), "on");
}

#[test]
fn a_new_entity_asks_for_what_was_said_before_it() {
    let mut talk = Talk::new();
    let effects = talk.announce("switch/plug/relay", &switch("Relay", json!({"avty_t": "plug/status"})));
    let recall = effects
        .iter()
        .find_map(|effect| if let Effect::Recall { filters } = effect { Some(filters) } else { None });
    assert_eq!(recall, Some(&vec!["plug/state".to_owned(), "plug/status".to_owned()]));
    let effects = talk.recall("plug/state", "ON");
    assert!(readings(&effects).is_empty());
    assert_eq!(talk.shown("steckdose_kueche.relay"), "on");
}

#[test]
fn names_of_the_owner_outlive_announcements_and_ids_outlive_names() {
    let mut talk = Talk::new();
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    talk.home.rename_device("steckdose_kueche", Some("Kaffee")).unwrap();
    talk.home.rename_entity("steckdose_kueche.relay", Some("Maschine")).unwrap();
    talk.announce("switch/plug/relay", &switch("Relay 1", json!({})));
    assert_eq!(talk.home.device("steckdose_kueche").unwrap().name, "Kaffee");
    assert_eq!(talk.home.entity("steckdose_kueche.relay").unwrap().name, "Maschine");
    talk.home.rename_entity("steckdose_kueche.relay", None).unwrap();
    assert_eq!(talk.home.entity("steckdose_kueche.relay").unwrap().name, "Relay 1");
    let too_long = "x".repeat(200);
    assert_eq!(
        talk.home.rename_device("steckdose_kueche", Some(&too_long)),
        Err(RegistryError::BadName { length: 200, max: 120 })
    );
}

#[test]
fn two_protocols_of_one_board_are_one_device() {
    let mut talk = Talk::new();
    let tasmota = json!({"ip": "1.2.3.4", "dn": "Plug", "fn": ["Plug"], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online",
        "state": ["OFF", "ON"], "sw": "9", "t": "plug", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"],
        "rl": [1], "swc": [], "so": {}, "lt_st": 0, "ver": 1});
    talk.say("tasmota/discovery/AABBCCDDEEFF/config", tasmota.to_string());
    let by_connection = json!({"cns": [["mac", "aa:bb:cc:dd:ee:ff"]]});
    talk.announce("switch/plug/relay", &switch("Extra", json!({"dev": by_connection})));
    assert_eq!(talk.home.devices().count(), 1);
    assert!(talk.ids().contains(&"plug.extra"));
    // Each protocol takes back only its own.
    talk.say("tasmota/discovery/AABBCCDDEEFF/config", "");
    assert_eq!(talk.ids(), ["plug.extra"]);
}

#[test]
fn an_empty_announcement_removes_unless_the_owner_cares() {
    let mut talk = Talk::new();
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    let effects = talk.say("homeassistant/switch/plug/relay/config", "");
    assert_eq!(
        effects,
        [
            Effect::EntityRemoved { id: "steckdose_kueche.relay".into() },
            Effect::DeviceRemoved { id: "steckdose_kueche".into() }
        ]
    );
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    let (area, _) = talk.home.add_area("Küche").unwrap();
    talk.home.move_device("steckdose_kueche", Some(&area)).unwrap();
    talk.say("homeassistant/switch/plug/relay/config", "");
    assert_eq!((talk.ids().len(), talk.home.devices().count()), (0, 1));
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    assert_eq!(talk.ids(), ["steckdose_kueche.relay"]);
    assert_eq!(talk.home.device("steckdose_kueche").unwrap().area.as_deref(), Some("kueche"));
}

#[test]
fn an_announcement_may_move_to_another_topic() {
    let mut talk = Talk::new();
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    talk.home.rename_entity("steckdose_kueche.relay", Some("Mine")).unwrap();
    talk.say("homeassistant/switch/plug/relay/config", r#"{"migrate_discovery": true}"#);
    let whole = json!({"dev": {"ids": ["plug"]}, "o": {"name": "x"},
        "cmps": {"r": {"p": "switch", "uniq_id": "relay", "name": "Relay", "stat_t": "plug/state", "cmd_t": "plug/set"}}});
    talk.announce("device/plug", &whole);
    talk.say("homeassistant/switch/plug/relay/config", "");
    assert_eq!(talk.home.entity("steckdose_kueche.relay").unwrap().name, "Mine");
}

#[test]
fn an_announcement_that_changes_its_device_leaves_nothing_behind() {
    let mut talk = Talk::new();
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    talk.announce("switch/plug/relay", &switch("Relay", json!({"dev": {"ids": ["other"], "name": "Other"}})));
    assert_eq!(talk.ids(), ["other.relay"]);
    assert_eq!(talk.home.devices().count(), 1);
}

#[test]
fn what_was_saved_comes_back_as_it_was() {
    let mut talk = Talk::new();
    let mut saved = Saved::default();
    let mut effects = talk.announce("switch/plug/relay", &switch("Relay", json!({"avty_t": "plug/status"})));
    effects.extend(talk.say("plug/status", "offline"));
    effects.extend(talk.say("plug/state", "ON"));
    let mut records: Vec<DeviceRecord> = Vec::new();
    for effect in effects {
        match effect {
            Effect::SaveDevice(record) => records = vec![record],
            Effect::EntityChanged(entity) => saved.entities = vec![entity],
            Effect::StateChanged(change) => saved.states = vec![(change.entity, change.new)],
            _ => {}
        }
    }
    saved.devices = records;
    // As JSON, the way the store keeps it.
    let saved: Saved = serde_json::from_value(serde_json::to_value(&saved).unwrap()).unwrap();
    let mut again = Talk { home: Home::new(Profile::built_in()), next_id: talk.next_id, now_ms: talk.now_ms };
    assert_eq!(again.home.restore(saved), []);
    assert_eq!(again.state("steckdose_kueche.relay"), talk.state("steckdose_kueche.relay"));
    // It still listens, knows its announcement, and does not believe older messages.
    assert_eq!(again.announce("switch/plug/relay", &switch("Relay", json!({"avty_t": "plug/status"}))), []);
    let old = common::message(1, 1, "plug/state", b"OFF");
    assert_eq!(again.home.handle(&old, false), []);
    again.say("plug/status", "online");
    again.say("plug/state", "OFF");
    assert_eq!(again.shown("steckdose_kueche.relay"), "off");
    assert_eq!(again.state("steckdose_kueche.relay").availability, Availability::Available);
}

#[test]
fn entities_that_lost_their_device_are_put_right() {
    let mut talk = Talk::new();
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    let orphan = talk.home.entity("steckdose_kueche.relay").unwrap().clone();
    let mut home = Home::new(Profile::built_in());
    let effects = home.restore(Saved { entities: vec![orphan], ..Saved::default() });
    assert_eq!(effects, [Effect::EntityRemoved { id: "steckdose_kueche.relay".into() }]);
}

fn by_hand(topic: &str, path: Option<&str>) -> HandMade {
    HandMade {
        device: None,
        device_name: Some("Zähler".into()),
        name: "Leistung".into(),
        component: Component::Sensor,
        topic: topic.into(),
        path: path.map(ToOwned::to_owned),
        unit: Some("W".into()),
        command_topic: None,
    }
}

#[test]
fn an_entity_can_be_made_by_hand_from_a_topic() {
    let mut talk = Talk::new();
    let (id, _) = talk.home.add_entity_by_hand(by_hand("meter/state", Some("ENERGY.Power[0]")), 5).unwrap();
    assert_eq!(id, "zaehler.leistung");
    let effects = talk.say("meter/state", r#"{"ENERGY":{"Power":[1.5,2]}}"#);
    assert_eq!(readings(&effects)[0].value, Value::Number(1.5));
    let second = HandMade { device: Some("zaehler".into()), ..by_hand("meter/+", None) };
    assert_eq!(talk.home.add_entity_by_hand(second, 5).unwrap().0, "zaehler.leistung_2");
    talk.home.remove_entity("zaehler.leistung").unwrap();
    talk.home.remove_entity("zaehler.leistung_2").unwrap();
    assert_eq!(talk.home.devices().count(), 0);
    let wrong = talk.home.add_entity_by_hand(by_hand("meter/#/x", None), 5).unwrap_err();
    assert!(wrong.to_string().contains("`#` must be the last level"), "{wrong}");
    let wrong = talk.home.add_entity_by_hand(by_hand("meter", Some("a..b")), 5).unwrap_err();
    assert!(wrong.to_string().contains("ENERGY.Power"), "{wrong}");
    assert_eq!(talk.home.devices().count(), 0);
}

#[test]
fn announced_entities_cannot_be_removed_one_by_one() {
    let mut talk = Talk::new();
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    assert_eq!(
        talk.home.remove_entity("steckdose_kueche.relay"),
        Err(RegistryError::NotByHand("steckdose_kueche.relay".into()))
    );
    talk.home.remove_device("steckdose_kueche").unwrap();
    assert_eq!(talk.say("plug/state", "ON"), []);
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    assert_eq!(talk.ids(), ["steckdose_kueche.relay"]);
}

#[test]
fn areas_have_different_names_and_devices_lose_an_area_that_goes() {
    let mut talk = Talk::new();
    talk.announce("switch/plug/relay", &switch("Relay", json!({})));
    let (kitchen, _) = talk.home.add_area("Küche").unwrap();
    assert_eq!(talk.home.add_area(" küche "), Err(RegistryError::AreaExists("küche".into())));
    talk.home.move_device("steckdose_kueche", Some(&kitchen)).unwrap();
    talk.home.rename_area(&kitchen, "Essen").unwrap();
    assert_eq!(talk.home.areas().map(|area| area.name.as_str()).collect::<Vec<_>>(), ["Essen"]);
    talk.home.remove_area(&kitchen).unwrap();
    assert_eq!(talk.home.device("steckdose_kueche").unwrap().area, None);
    assert_eq!(
        talk.home.move_device("steckdose_kueche", Some(&kitchen)),
        Err(RegistryError::UnknownArea(kitchen))
    );
}

#[test]
fn areas_stand_in_the_order_their_owner_gave_them() {
    let mut talk = Talk::new();
    for name in ["Kitchen", "Attic", "Hall"] {
        talk.home.add_area(name).unwrap();
    }
    let ids = |talk: &Talk| talk.home.areas().map(|area| area.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&talk), ["attic", "hall", "kitchen"], "by name until then");
    let mut check = |order: &[&str], expected: &[&str]| {
        let order: Vec<String> = order.iter().map(|id| (*id).to_owned()).collect();
        talk.home.order_areas(&order).unwrap();
        assert_eq!(ids(&talk), expected, "{order:?}");
    };
    check(&["hall", "attic", "kitchen"], &["hall", "attic", "kitchen"]);
    check(&["kitchen", "kitchen"], &["kitchen", "hall", "attic"]);
    check(&[], &["kitchen", "hall", "attic"]);
    assert!(talk.home.order_areas(&["cellar".to_owned()]).is_err());
    talk.home.rename_area("hall", "Aisle").unwrap();
    assert_eq!(ids(&talk), ["kitchen", "hall", "attic"], "a name does not move it");
    talk.home.add_area("Bath").unwrap();
    let mut restarted = Talk::new();
    let areas = talk.home.areas().cloned().collect();
    restarted.home.restore(Saved { areas, ..Saved::default() });
    assert_eq!(ids(&restarted), ["kitchen", "hall", "attic", "bath"]);
}

#[test]
fn several_devices_are_changed_together_or_not_at_all() {
    let mut talk = Talk::new();
    for n in 1..=3 {
        let config = json!({"name": "T", "uniq_id": "t", "stat_t": format!("b{n}/t"),
            "dev": {"ids": [format!("b{n}")], "name": format!("Board {n}")}});
        talk.announce(&format!("sensor/b{n}/t"), &config);
    }
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let (kitchen, _) = talk.home.add_area("Kitchen").unwrap();
    let unknown = || Err(RegistryError::UnknownDevice("board_9".into()));
    let named = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect::<Vec<_>>()
    };
    let rooms = |talk: &Talk| talk.home.devices().filter(|device| device.area.is_some()).count();

    assert_eq!(talk.home.move_devices(&ids(&["board_1", "board_9"]), Some(&kitchen)), unknown());
    assert_eq!(rooms(&talk), 0, "one that is not there moves none");
    assert_eq!(
        talk.home.move_devices(&ids(&["board_1"]), Some("attic")),
        Err(RegistryError::UnknownArea("attic".into()))
    );
    let effects = talk.home.move_devices(&ids(&["board_1", "board_2", "board_1"]), Some(&kitchen)).unwrap();
    let changed = effects.iter().filter(|effect| matches!(effect, Effect::DeviceChanged(_))).count();
    assert_eq!((rooms(&talk), changed), (2, 2), "one that is named twice moves once");

    let wrong = named(&[("board_1", "Lamp"), ("board_2", " ")]);
    assert_eq!(talk.home.rename_devices(&wrong), Err(RegistryError::BadName { length: 0, max: 120 }));
    assert_eq!(talk.home.device("board_1").unwrap().name, "Board 1");
    talk.home.rename_devices(&named(&[("board_1", "Lamp 1"), ("board_2", "Lamp 2")])).unwrap();
    let names: Vec<_> = talk.home.devices().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["Lamp 1", "Lamp 2", "Board 3"]);

    assert_eq!(talk.home.remove_devices(&ids(&["board_9", "board_1"])), unknown());
    talk.home.remove_devices(&ids(&["board_1", "board_3"])).unwrap();
    assert_eq!(talk.ids(), ["board_2.t"]);
}

#[test]
fn a_thousand_boards_are_a_thousand_entities() {
    let mut talk = Talk::new();
    for round in 0..2 {
        for n in 0..1_000 {
            let config = json!({"name": "Temperature", "uniq_id": format!("t{n}"), "stat_t": format!("board{n}/state"),
                "val_tpl": "{{ value_json.temperature }}", "unit_of_meas": "°C", "dev_cla": "temperature",
                "avty_t": format!("board{n}/status"), "dev": {"ids": [format!("b{n}")], "name": format!("Board {n}")}});
            let effects = talk.announce(&format!("sensor/b{n}/t"), &config);
            assert!(refusals(&effects).is_empty() && (round == 0 || effects.is_empty()));
        }
    }
    assert_eq!((talk.ids().len(), talk.home.devices().count()), (1_000, 1_000));
    talk.say("board500/state", r#"{"temperature": 21.5}"#);
    assert_eq!(talk.shown("board_500.temperature"), "21.5");
    assert_eq!(talk.shown("board_501.temperature"), "unknown");
}

#[test]
fn a_new_device_goes_into_the_room_it_names_and_stays_where_its_owner_puts_it() {
    let mut talk = Talk::new();
    let named = |plug: &str, room: &str| {
        json!({"name": "Relay", "uniq_id": "relay", "stat_t": "x", "cmd_t": "y",
            "dev": {"ids": [plug], "name": plug, "sa": room}})
    };
    let area = |talk: &Talk, device: &str| talk.home.device(device).and_then(|device| device.area.clone());
    talk.announce("switch/a/relay", &named("a", "Living room"));
    talk.announce("switch/b/relay", &named("b", "living Room "));
    assert_eq!(talk.home.areas().map(|area| area.name.as_str()).collect::<Vec<_>>(), ["Living room"]);
    assert_eq!(area(&talk, "a"), area(&talk, "b"));
    talk.home.move_device("a", None).unwrap();
    talk.announce("switch/a/relay", &named("a", "Kitchen"));
    assert_eq!(area(&talk, "a"), None);
    talk.announce("switch/c/relay", &named("c", &"x".repeat(1_000)));
    assert_eq!(area(&talk, "c"), None, "too long for a name");
}
