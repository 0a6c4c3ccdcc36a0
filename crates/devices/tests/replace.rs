//! Another board takes the place of one that broke: ids, names and room stay, and each of the two stays what it is
//! when it announces itself again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod common;

use common::{Talk, refusals, with};
use devices::{Effect, HandMade, MatchedBy, RegistryError, Saved};
use model::Component;
use serde_json::{Value, json};

/// A Tasmota plug with power metering, as its board `mac` announces it.
fn plug(mac: &str, topic: &str, more: &Value) -> (String, String) {
    let config = with(
        json!({"ip": "1.2.3.4", "dn": topic, "fn": [topic], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online",
            "state": ["OFF", "ON"], "sw": "9", "t": topic, "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"],
            "rl": [1], "swc": [], "so": {}, "lt_st": 0, "ver": 1}),
        more,
    );
    (format!("tasmota/discovery/{mac}/config"), config.to_string())
}

const OLD: &str = "AABBCCDDEEFF";
const NEW: &str = "112233445566";

/// A lamp that its owner named, in a room, and the board that is to take its place.
fn two_boards() -> Talk {
    let mut talk = Talk::new();
    let (place, config) = plug(OLD, "lamp", &json!({}));
    talk.say_as("lamp", &place, config);
    talk.say_as("lamp", "tele/lamp/LWT", "Online");
    talk.home.rename_device("lamp", Some("Reading lamp")).unwrap();
    talk.home.rename_entity("lamp.rssi", Some("Signal")).unwrap();
    let (area, _) = talk.home.add_area("Parlour").unwrap();
    talk.home.move_device("lamp", Some(&area)).unwrap();
    let (place, config) = plug(NEW, "fresh", &json!({"sw": "15"}));
    talk.say_as("fresh", &place, config);
    talk
}

fn ids_of<'a>(talk: &'a Talk, device: &str) -> Vec<&'a str> {
    talk.home.entities().filter(|entity| entity.device == device).map(|entity| entity.id.as_str()).collect()
}

#[test]
fn the_new_board_goes_on_under_the_old_ids_names_and_room() {
    let mut talk = two_boards();
    let before: Vec<String> = ids_of(&talk, "lamp").into_iter().map(str::to_owned).collect();
    let shown = talk.home.replacement("lamp", "fresh").unwrap();
    let (plan, effects) = talk.home.replace_device("lamp", "fresh").unwrap();
    assert_eq!(plan, shown, "what was shown is what is done");
    assert!(plan.lost.is_empty() && plan.gained.is_empty(), "{plan:?}");
    assert!(plan.matched.iter().all(|matched| matched.by == MatchedBy::UniqueId), "{plan:?}");
    let device = talk.home.device("lamp").unwrap();
    assert_eq!(
        (
            device.name.as_str(),
            device.area.as_deref(),
            device.sw_version.as_deref(),
            device.credential.as_deref()
        ),
        ("Reading lamp", Some("parlour"), Some("15"), Some("fresh"))
    );
    assert_eq!(ids_of(&talk, "lamp"), before);
    assert_eq!(talk.home.entity("lamp.rssi").unwrap().name, "Signal");
    assert_eq!(talk.home.device("fresh"), None);
    assert!(effects.contains(&Effect::DeviceRemoved { id: "fresh".into() }));
    talk.say_as("fresh", "tele/fresh/STATE", r#"{"POWER":"ON"}"#);
    assert_eq!(talk.shown("lamp.switch"), "on");
    let order = talk.home.command("lamp.switch", "turn_off", None, &serde_json::Map::new()).unwrap();
    assert_eq!(order.sends[0].topic, "cmnd/fresh/Power1");
}

#[test]
fn both_boards_stay_what_they_are_when_they_announce_themselves_again() {
    fn check(mut talk: Talk) {
        let (place, config) = plug(NEW, "fresh", &json!({"sw": "16"}));
        assert!(refusals(&talk.say_as("fresh", &place, config)).is_empty());
        let device = talk.home.device("lamp").unwrap();
        assert_eq!((device.name.as_str(), device.sw_version.as_deref()), ("Reading lamp", Some("16")));
        assert_eq!(talk.home.entity("lamp.rssi").unwrap().name, "Signal");
        assert_eq!(talk.home.devices().count(), 1);
        let mine = ids_of(&talk, "lamp").len();
        let (place, config) = plug(OLD, "lamp", &json!({}));
        talk.say_as("lamp", &place, config);
        let ids: Vec<_> = talk.home.devices().map(|device| device.id.as_str()).collect();
        assert_eq!(ids, ["lamp", "lamp_2"], "it is another device now");
        assert_eq!(talk.home.device("lamp").unwrap().credential.as_deref(), Some("fresh"));
        assert_eq!(ids_of(&talk, "lamp").len(), mine);
    }
    let mut talk = two_boards();
    talk.home.replace_device("lamp", "fresh").unwrap();
    let mut restarted = Talk::new();
    restarted.home.restore(Saved {
        areas: talk.home.areas().cloned().collect(),
        devices: talk.home.devices().filter_map(|device| talk.home.record(&device.id).cloned()).collect(),
        entities: talk.home.entities().cloned().collect(),
        ..Saved::default()
    });
    check(talk);
    check(restarted);
}

#[test]
fn what_has_no_partner_is_told() {
    let mut talk = Talk::new();
    let one = |talk: &mut Talk, user: &str, component: &str, uid: &str, more: Value| {
        let base =
            json!({"uniq_id": uid, "stat_t": format!("{user}/{uid}"), "dev": {"ids": [user], "name": user}});
        let place = format!("homeassistant/{component}/{user}/{uid}/config");
        talk.say_as(user, &place, with(base, &more).to_string());
    };
    let celsius = |name: &str| json!({"name": name, "unit_of_meas": "°C", "dev_cla": "temperature"});
    one(&mut talk, "old", "sensor", "old-temp", celsius("Temperature"));
    one(&mut talk, "old", "sensor", "old-dew", json!({"name": "Dew point", "unit_of_meas": "°C"}));
    one(&mut talk, "old", "binary_sensor", "old-door", json!({"name": "Door"}));
    one(&mut talk, "new", "sensor", "t1", celsius("Air"));
    one(&mut talk, "new", "binary_sensor", "contact", json!({"name": "door"}));
    one(&mut talk, "new", "sensor", "humidity", json!({"name": "Humidity", "unit_of_meas": "%"}));
    let made = HandMade {
        device: Some("old".into()),
        device_name: None,
        name: "By hand".into(),
        component: Component::Sensor,
        topic: "any".into(),
        path: None,
        unit: None,
        command_topic: None,
    };
    talk.home.add_entity_by_hand(made, 5).unwrap();
    let (plan, effects) = talk.home.replace_device("old", "new").unwrap();
    let matched: Vec<_> = plan.matched.iter().map(|m| (m.id.as_str(), m.from.as_str(), m.by)).collect();
    assert_eq!(
        matched,
        [("old.door", "new.door", MatchedBy::Name), ("old.temperature", "new.air", MatchedBy::Kind)]
    );
    assert_eq!(plan.lost, ["old.dew_point"]);
    assert_eq!((plan.gained[0].from.as_str(), plan.gained[0].id.as_str()), ("new.humidity", "old.humidity"));
    assert_eq!(plan.by_hand, ["old.by_hand"]);
    assert!(effects.contains(&Effect::EntityRemoved { id: "old.dew_point".into() }));
    assert_eq!(ids_of(&talk, "old"), ["old.by_hand", "old.door", "old.humidity", "old.temperature"]);
    assert_eq!(talk.home.entity("old.temperature").unwrap().name, "Temperature", "names stay");
    // What the new board brings later takes up the readings of what was lost.
    one(&mut talk, "new", "sensor", "dew", json!({"name": "Dew point", "unit_of_meas": "°C"}));
    assert_eq!(talk.home.entity("old.dew_point").unwrap().device, "old");
}

#[test]
fn a_unique_id_is_compared_without_what_is_the_boards_own() {
    fn check(old: &str, new: &str, expected: bool) {
        let mut talk = Talk::new();
        for (user, mac, uid) in [("one", "aa:bb:cc:dd:ee:ff", old), ("two", "11:22:33:44:55:66", new)] {
            for more in ["", "-b"] {
                // Two of a kind and two names, so that nothing but the unique id can tell them apart.
                let config = json!({"name": format!("{user}x{more}"), "uniq_id": format!("{uid}{more}"),
                    "stat_t": format!("{user}/x{more}"), "dev": {"cns": [["mac", mac]], "name": user}});
                talk.say_as(user, &format!("homeassistant/sensor/{user}/x{more}/config"), config.to_string());
            }
        }
        let plan = talk.home.replacement("one", "two").unwrap();
        assert_eq!(plan.matched.len() == 2, expected, "{old} and {new}: {plan:?}");
    }
    check("ESPsensortemp", "ESPsensortemp", true);
    check("aabbccddeeff-sensor-1f", "112233445566-sensor-1f", true);
    check("AA:BB:CC:DD:EE:FF_temp", "11-22-33-44-55-66_temp", true);
    check("DDEEFF_temp", "445566_temp", true);
    check("temp", "humidity", false);
}

#[test]
fn boards_that_cannot_take_each_others_place_are_refused_in_words() {
    let mut talk = two_boards();
    let check = |talk: &mut Talk, old: &str, new: &str, expected: &str| {
        let before: Vec<_> = talk.home.devices().cloned().collect();
        let why = talk.home.replace_device(old, new).unwrap_err();
        assert!(why.to_string().contains(expected), "{why}");
        assert_eq!(talk.home.devices().cloned().collect::<Vec<_>>(), before);
    };
    check(&mut talk, "lamp", "lamp", "cannot replace itself");
    check(&mut talk, "gone", "fresh", "no device `gone`");
    check(&mut talk, "lamp", "gone", "no device `gone`");
    let hand = HandMade {
        device: None,
        device_name: None,
        name: "Sketch".into(),
        component: Component::Sensor,
        topic: "sketch".into(),
        path: None,
        unit: None,
        command_topic: None,
    };
    talk.home.add_entity_by_hand(hand, 5).unwrap();
    check(&mut talk, "lamp", "sketch", "no board announces it");
    assert!(matches!(talk.home.replacement("lamp", "lamp"), Err(RegistryError::CannotReplace(_))));
}

#[test]
fn what_the_journal_says_again_after_a_crash_brings_nothing_back() {
    fn check(take_out: impl Fn(&mut Talk), expected: &[&str]) {
        let mut talk = two_boards();
        let said = talk.next_id;
        take_out(&mut talk);
        let mut restarted = Talk::new();
        restarted.home.set_void(talk.home.void().clone());
        restarted.home.restore(Saved {
            devices: talk.home.devices().filter_map(|device| talk.home.record(&device.id).cloned()).collect(),
            entities: talk.home.entities().cloned().collect(),
            ..Saved::default()
        });
        let ids = |talk: &Talk| talk.home.devices().map(|device| device.id.clone()).collect::<Vec<_>>();
        let (place, config) = plug(OLD, "lamp", &json!({}));
        let again = common::message(said, 1, &place, config.as_bytes());
        restarted.home.handle(&again, true);
        assert_eq!(ids(&restarted), expected);
        // What it says from then on counts.
        let later = common::message(said + 1, 2, &place, config.as_bytes());
        restarted.home.handle(&later, true);
        assert_eq!(ids(&restarted).len(), expected.len() + 1);
        restarted.home.forget_void(said);
        assert!(restarted.home.void().is_empty());
    }
    check(|talk| drop(talk.home.replace_device("lamp", "fresh").unwrap()), &["lamp"]);
    check(|talk| drop(talk.home.remove_device("lamp").unwrap()), &["fresh"]);
}
