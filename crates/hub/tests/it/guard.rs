//! The relay guard through a real hub: whoever publishes, over whichever way, is held back, and told so.

use crate::house::{Board, House};
use serde_json::{Value, json};

/// Announces a relay of the pump under this unique id, that answers on `relay/is`.
async fn announce_as(board: &mut Board, unique_id: &str) {
    let config = json!({
        "name": unique_id, "unique_id": unique_id, "state_topic": "relay/is", "command_topic": "relay/set",
        "device": { "identifiers": ["pump"], "name": "Pump" },
    });
    board.say(&announcement(unique_id), config).await;
}

/// Announces it, off.
async fn announce_relay(board: &mut Board) {
    announce_as(board, "Relay").await;
    board.say("relay/is", "OFF").await;
}

fn announcement(unique_id: &str) -> String {
    format!("homeassistant/switch/pump/{unique_id}/config")
}

/// Waits until these entities have limits, each with whether it is there.
async fn standings(house: &House, expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(entity, standing)| (json!(entity), json!(standing))).collect();
    let are = |guards: &Value| {
        let guards = guards["guards"].as_array().unwrap().iter();
        guards.map(|guard| (guard["entity"].clone(), guard["standing"].clone())).eq(expected.iter().cloned())
    };
    house.until("list_guards", json!({}), are).await;
}

const RELAY: &str = "pump.relay";

async fn guarded_house(rules: Value) -> (House, Board) {
    let house = House::new().await;
    let mut board = house.board("pump").await;
    announce_relay(&mut board).await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == false).await;
    house.call("set_guard", json!({ "entity": RELAY, "rules": rules })).await.unwrap();
    board.listen("relay/set").await;
    (house, board)
}

async fn tell(house: &House, verb: &str) -> Result<Value, String> {
    house.call("command", json!({ "entity": RELAY, "verb": verb })).await.map_err(|why| why.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_the_relay_is_guarded() {
    let (house, mut board) = guarded_house(json!({ "min_off_s": 600 })).await;
    tell(&house, "turn_on").await.unwrap_err();
    let held = tell(&house, "turn_on").await.unwrap_err();
    assert!(held.starts_with("Held back by the relay guard: Relay has to stay off for 600 s"), "{held}");
    let publish = json!({ "topic": "relay/set", "payload": "ON", "qos": 1 });
    let held = house.call("publish", publish).await.unwrap_err().message;
    assert!(held.starts_with("Held back by the relay guard"), "{held}");
    let mut other = house.board("node-red").await;
    other.say("relay/set", "ON").await;
    other.say("relay/set", "OFF").await;
    assert_eq!(board.hear().await, ("relay/set".into(), "OFF".into()), "nothing but this reached it");

    let guard = house.call("get_guard", json!({ "id": RELAY })).await.unwrap();
    let by: Vec<_> =
        guard["held"].as_array().unwrap().iter().map(|held| held["by"].as_str().unwrap()).collect();
    assert_eq!(by, ["node-red", "Hearth (publish)", "Hearth (command)"], "{guard}");
    assert_eq!(guard["held"][2]["count"], 2);
    let refused = house.until("list_refusals", json!({}), |list| list["refusals"][1].is_object()).await;
    for refusal in refused["refusals"].as_array().unwrap() {
        assert_eq!((refusal["kind"].as_str(), refusal["topic"].as_str()), (Some("guard"), Some("relay/set")));
        assert!(refusal["why"].as_str().unwrap().contains("has to stay off for 600 s"), "{refusal}");
    }
    let activity = house.call("list_activity", json!({})).await.unwrap();
    let lines = activity["lines"].as_array().unwrap();
    let of_relay = |line: &&Value| line["subject"] == RELAY && line["level"] == "warning";
    assert_eq!(lines.iter().filter(of_relay).count(), 3, "{activity}");
    let home = house.call("home", json!({})).await.unwrap();
    let command = &home["entities"][0]["command"];
    assert_eq!((command["stage"].as_str(), command["verb"].as_str()), (Some("held"), Some("turn_on")));
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tasmota_board_with_a_word_of_its_own_for_commands_is_guarded_by_each_way_to_tell_it() {
    let house = House::new().await;
    let mut board = house.board("plug").await;
    let config = json!({
        "name": "Relay", "unique_id": "plug", "state_topic": "stat/pl2/POWER", "command_topic": "command/pl2/POWER1",
        "device": { "identifiers": ["pump"], "name": "Pump" },
    });
    board.say(&announcement("plug"), config).await;
    board.say("stat/pl2/POWER", "OFF").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == false).await;
    let set = json!({ "entity": RELAY, "rules": { "min_off_s": 600 } });
    house.call("set_guard", set).await.unwrap();
    for command in ["POWER1", "POWER", "power", "Power0", "x/POWER"] {
        let publish = json!({ "topic": format!("command/pl2/{command}"), "payload": "ON", "qos": 1 });
        let held = house.call("publish", publish).await.unwrap_err().message;
        assert!(held.contains("has to stay off for 600 s"), "{command}: {held}");
    }
    let publish = json!({ "topic": "command/pl2/Backlog", "payload": "Power ON", "qos": 1 });
    house.call("publish", publish).await.unwrap_err();
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_told_in_its_run_what_was_held_back() {
    let (house, _board) = guarded_house(json!({ "min_off_s": 600 })).await;
    let source = "on(topic(\"go\"), |e| { turn_on(\"pump.relay\"); publish(\"relay/set\", \"ON\"); });";
    house.call("save_automation", json!({ "name": "Pump", "source": source })).await.unwrap();
    house.call("publish", json!({ "topic": "go", "payload": "" })).await.unwrap();
    let runs = house
        .until("list_runs", json!({ "automation": "pump" }), |runs| runs["runs"][0]["id"].is_string())
        .await;
    for action in runs["runs"][0]["actions"].as_array().unwrap() {
        assert_eq!(action["kind"], "refused", "{runs}");
        assert!(action["why"].as_str().unwrap().starts_with("Held back by the relay guard"), "{runs}");
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_switches_outlive_a_restart() {
    let (house, _board) = guarded_house(json!({ "switches_per_minute": 2 })).await;
    tell(&house, "turn_on").await.unwrap();
    tell(&house, "turn_off").await.unwrap();
    assert!(tell(&house, "turn_on").await.unwrap_err().contains("2 times a minute"));
    let house = house.restart().await;
    assert!(tell(&house, "turn_on").await.unwrap_err().contains("2 times a minute"));
    let guard = house.call("get_guard", json!({ "id": RELAY })).await.unwrap();
    assert_eq!((guard["switches"].as_u64(), &guard["rules"]["switches_per_minute"]), (Some(2), &json!(2)));
    house.call("set_guard", json!({ "entity": RELAY, "rules": {} })).await.unwrap();
    tell(&house, "turn_on").await.unwrap();
    let house = house.restart().await;
    let guard = house.call("get_guard", json!({ "id": RELAY })).await.unwrap();
    assert_eq!(guard["rules"]["switches_per_minute"], json!(null));
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_announced_no_more_stays_guarded_until_it_is_set_free() {
    let (mut house, mut board) = guarded_house(json!({ "min_off_s": 600, "interlock": "heat" })).await;
    board.retain(&announcement("Relay"), "").await;
    standings(&house, &[(RELAY, "away")]).await;
    drop(board);
    // Over a restart, too.
    for _ in 0..2 {
        let guard = house.call("get_guard", json!({ "id": RELAY })).await.unwrap();
        assert_eq!((&guard["standing"], &guard["rules"]["min_off_s"]), (&json!("away"), &json!(600)));
        standings(&house, &[(RELAY, "away")]).await;
        let publish = json!({ "topic": "relay/set", "payload": "ON", "qos": 1 });
        let held = house.call("publish", publish).await.unwrap_err().message;
        assert!(held.contains("has to stay off for 600 s"), "{held}");
        house = house.restart().await;
    }
    let more = json!({ "entity": RELAY, "rules": { "min_off_s": 10 } });
    let refused = house.call("set_guard", more).await.unwrap_err().message;
    assert!(refused.contains("only be taken off"), "{refused}");

    let free = json!({ "entity": RELAY, "rules": {} });
    let freed = house.call("set_guard", free.clone()).await.unwrap();
    assert_eq!((&freed["standing"], &freed["rules"]["min_off_s"]), (&json!("away"), &json!(null)));
    for _ in 0..2 {
        standings(&house, &[]).await;
        house.call("get_guard", json!({ "id": RELAY })).await.unwrap_err();
        house.call("set_guard", free.clone()).await.unwrap_err();
        house.call("publish", json!({ "topic": "relay/set", "payload": "ON", "qos": 1 })).await.unwrap();
        house = house.restart().await;
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interlock_with_one_that_is_gone_says_how_to_end_it() {
    let (house, mut board) = guarded_house(json!({ "interlock": "heat" })).await;
    announce_heater(&house, &mut board).await;
    let rules = json!({ "entity": HEATER, "rules": { "interlock": "heat" } });
    house.call("set_guard", rules).await.unwrap();
    tell(&house, "turn_on").await.unwrap();
    board.retain(&announcement("Relay"), "").await;
    standings(&house, &[(HEATER, "present"), (RELAY, "away")]).await;
    let heat = json!({ "entity": HEATER, "verb": "turn_on" });
    let held = house.call("command", heat.clone()).await.unwrap_err().message;
    assert!(held.contains("take the limits off `pump.relay` in Settings, Relay guard"), "{held}");
    let guard = house.call("get_guard", json!({ "id": HEATER })).await.unwrap();
    assert_eq!(guard["interlocked"], json!([RELAY]));
    house.call("set_guard", json!({ "entity": RELAY, "rules": {} })).await.unwrap();
    house.call("command", heat).await.unwrap();
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_relay_under_another_unique_id_goes_on_with_the_limits() {
    let (house, mut board) = guarded_house(json!({ "min_off_s": 600 })).await;
    // The other one comes before the first is gone.
    announce_as(&mut board, "Other").await;
    house.until("home", json!({}), |home| home["entities"][1].is_object()).await;
    standings(&house, &[(RELAY, "present")]).await;
    board.retain(&announcement("Relay"), "").await;
    standings(&house, &[("pump.other", "present")]).await;
    // And the next one after that.
    board.retain(&announcement("Other"), "").await;
    standings(&house, &[("pump.other", "away")]).await;
    let house = house.restart().await;
    standings(&house, &[("pump.other", "away")]).await;
    let mut board = house.board_again("pump").await;
    announce_as(&mut board, "Third").await;
    standings(&house, &[("pump.third", "present")]).await;
    let on = json!({ "entity": "pump.third", "verb": "turn_on" });
    let held = house.call("command", on).await.unwrap_err().message;
    assert!(held.contains("Third has to stay off for 600 s"), "{held}");
    let house = house.restart().await;
    standings(&house, &[("pump.third", "present")]).await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_announced_elsewhere_stays_guarded_where_it_was() {
    let (mut house, mut board) = guarded_house(json!({ "min_off_s": 600 })).await;
    let config = json!({
        "name": "Relay", "unique_id": "Relay", "state_topic": "relay/is", "command_topic": "relay/other",
        "device": { "identifiers": ["pump"], "name": "Pump" },
    });
    board.retain(&announcement("Relay"), &config.to_string()).await;
    let on = |topic: &str| json!({ "topic": topic, "payload": "ON", "qos": 1 });
    let is_moved =
        |guards: &Value| guards["guards"][0]["last"]["commands"].to_string().contains("relay/other");
    house.until("list_guards", json!({}), is_moved).await;
    drop(board);
    for _ in 0..2 {
        for topic in ["relay/set", "relay/other"] {
            let held = house.call("publish", on(topic)).await.unwrap_err().message;
            assert!(held.contains("has to stay off for 600 s"), "{topic}: {held}");
        }
        house = house.restart().await;
    }
    house.call("set_guard", json!({ "entity": RELAY, "rules": {} })).await.unwrap();
    for topic in ["relay/set", "relay/other"] {
        house.call("publish", on(topic)).await.unwrap();
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_what_its_owner_removed_wait_for_it_and_can_be_taken_off() {
    let (house, mut board) = guarded_house(json!({ "min_off_s": 600 })).await;
    house.call("remove_device", json!({ "id": "pump", "keep_credential": true })).await.unwrap();
    standings(&house, &[(RELAY, "removed")]).await;
    let publish = || json!({ "topic": "relay/set", "payload": "ON", "qos": 1 });
    house.call("publish", publish()).await.unwrap();
    announce_relay(&mut board).await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == false).await;
    standings(&house, &[(RELAY, "present")]).await;
    house.call("publish", publish()).await.unwrap_err();
    house.call("remove_device", json!({ "id": "pump", "keep_credential": true })).await.unwrap();
    house.call("set_guard", json!({ "entity": RELAY, "rules": {} })).await.unwrap();
    let house = house.restart().await;
    standings(&house, &[]).await;
    house.hub.stop().await;
}

const HEATER: &str = "pump.heater";

/// Announces a second relay of the pump, off, and waits until both are known to be.
async fn announce_heater(house: &House, board: &mut Board) {
    let config = json!({
        "name": "Heater", "unique_id": "heater", "state_topic": "heater/is", "command_topic": "heater/set",
        "device": { "identifiers": ["pump"], "name": "Pump" },
    });
    board.say(&announcement("heater"), config).await;
    board.say("heater/is", "OFF").await;
    let both_off = |home: &Value| (0..2).all(|nth| home["entities"][nth]["state"]["value"] == false);
    house.until("home", json!({}), both_off).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interlock_is_kept_by_the_reports() {
    let (house, mut board) = guarded_house(json!({ "interlock": "heat" })).await;
    announce_heater(&house, &mut board).await;
    let rules = json!({ "entity": HEATER, "rules": { "interlock": "heat" } });
    let guard = house.call("set_guard", rules).await.unwrap();
    assert_eq!(guard["interlocked"], json!([RELAY]));
    let interlocks = house.call("list_interlocks", json!({})).await.unwrap();
    assert_eq!(interlocks["interlocks"], json!([{ "name": "heat", "entities": [HEATER, RELAY] }]));
    tell(&house, "turn_on").await.unwrap();
    let heat = json!({ "entity": HEATER, "verb": "turn_on" });
    let held = house.call("command", heat.clone()).await.unwrap_err().message;
    assert!(held.ends_with("Heater and Relay are never on together, and Relay is on."), "{held}");
    board.say("relay/is", "ON").await;
    tell(&house, "turn_off").await.unwrap();
    let held = house.call("command", heat.clone()).await.unwrap_err().message;
    assert!(held.ends_with("Relay has not said yet that it is off."), "{held}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_cannot_be_kept_are_refused() {
    let (house, mut board) = guarded_house(json!({})).await;
    board.announce_temperature().await;
    house.until("home", json!({}), |home| home["entities"][1].is_object()).await;
    for (entity, rules, words) in [
        (RELAY, json!({ "switches_per_minute": 1 }), "2 to 600 can"),
        (RELAY, json!({ "min_off_s": 100_000 }), "too long to stay off"),
        ("room.temperature", json!({ "min_off_s": 1 }), "takes no command that switches it"),
        ("nobody", json!({}), "no entity called `nobody`"),
    ] {
        let set = json!({ "entity": entity, "rules": rules });
        let refused = house.call("set_guard", set).await.unwrap_err().message;
        assert!(refused.contains(words), "{entity}: {refused}");
    }
    house.hub.stop().await;
}
