//! Own sketches: raw traffic becomes a proposal, the proposal a device that works, and what is dismissed stays so.

use crate::house::{Board, House};
use serde_json::{Value, json};

/// A sketch that publishes what it measures and obeys one topic.
async fn garden(house: &House) -> (Board, Board) {
    let mut pump = house.board("pump").await;
    let mut phone = house.board("phone").await;
    pump.listen("garden/pump1/relay/set").await;
    for n in 0..3 {
        pump.say("garden/pump1/moisture", 510 + n).await;
        pump.say("garden/pump1/state", state(20.5 + f64::from(n), "OFF")).await;
        phone.say("garden/pump1/relay/set", "ON").await;
        assert_eq!(pump.hear().await.1, "ON");
        pump.say("garden/pump1/state", state(20.5 + f64::from(n), "ON")).await;
    }
    (pump, phone)
}

fn state(temp: f64, relay: &str) -> String {
    json!({ "temp": temp, "hum": 40, "relay": relay }).to_string()
}

async fn proposals(house: &House) -> Vec<Value> {
    let listed = house.call("list_proposals", json!({})).await.unwrap();
    listed["proposals"].as_array().unwrap().clone()
}

fn names(proposal: &Value) -> Vec<&str> {
    proposal["entities"].as_array().unwrap().iter().map(|entity| entity["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sketch_is_proposed_and_accepted_in_parts_and_its_switch_switches() {
    let house = House::new().await;
    let area = house.call("add_area", json!({ "name": "Garden" })).await.unwrap();
    let (mut pump, _phone) = garden(&house).await;
    let found = proposals(&house).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["root"], &found[0]["name"]), (&json!("garden/pump1"), &json!("Pump 1")));
    assert_eq!((&found[0]["area"], &found[0]["device"]), (&area["id"], &json!(null)));
    assert_eq!(names(&found[0]), ["Moisture", "Humidity", "Relay", "Temperature"]);
    let relay = &found[0]["entities"][2];
    assert_eq!(relay["command_topic"], "garden/pump1/relay/set");
    assert!(relay["why"][1].as_str().unwrap().contains("seen answered 3 times"), "{relay}");

    let accept = json!({
        "id": found[0]["id"], "name": "Pump", "area": area["id"], "history_days": 7,
        "entities": [
            { "key": "garden/pump1/moisture", "name": "Soil", "unit": "raw" },
            { "key": "garden/pump1/state#relay" },
            { "key": "garden/pump1/state#temp" },
        ],
    });
    let accepted = house.call("accept_proposal", accept.clone()).await.unwrap();
    assert_eq!(accepted["device"], "pump");
    assert_eq!(accepted["entities"], json!(["pump.soil", "pump.relay", "pump.temperature"]));
    assert_eq!(accepted["readings"], 15, "three of the soil, six of the relay and of the temperature");
    let device = house.call("get_device", json!({ "id": "pump" })).await.unwrap();
    assert_eq!((&device["device"]["area"], &device["device"]["credential"]), (&area["id"], &json!("pump")));
    let shown = |device: &Value| -> Vec<Value> {
        device["entities"].as_array().unwrap().iter().map(|view| view["state"]["value"].clone()).collect()
    };
    assert_eq!(shown(&device), [json!(true), json!(512.0), json!(22.5)], "relay, soil, temperature");
    let span = json!({ "entity": "pump.soil", "from_ms": 0, "to_ms": i64::MAX });
    let readings = house.call("readings_range", span).await.unwrap();
    assert_eq!(readings["readings"].as_array().unwrap().len(), 3);

    house.call("command", json!({ "entity": "pump.relay", "verb": "turn_off" })).await.unwrap();
    assert_eq!(pump.hear().await, ("garden/pump1/relay/set".into(), "OFF".into()));
    pump.say("garden/pump1/state", state(22.5, "OFF")).await;
    let off = |home: &Value| home["entities"][0]["state"]["value"] == false;
    house.until("home", json!({}), off).await;

    // The rest is proposed for the same device, and goes there.
    let rest = proposals(&house).await;
    assert_eq!((names(&rest[0]), &rest[0]["device"]), (vec!["Humidity"], &json!("pump")));
    let more = json!({ "id": rest[0]["id"], "device": "pump" });
    assert_eq!(house.call("accept_proposal", more).await.unwrap()["entities"], json!(["pump.humidity"]));
    assert_eq!(proposals(&house).await, Vec::<Value>::new());
    let again = house.call("accept_proposal", accept).await.unwrap_err();
    assert!(again.message.contains("no longer proposed"), "{again:?}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dismissed_stays_dismissed_until_it_is_restored() {
    let house = House::new().await;
    let _boards = garden(&house).await;
    let found = proposals(&house).await;
    let id = &found[0]["id"];
    let part = json!({ "id": id, "key": "garden/pump1/moisture" });
    house.call("dismiss_proposal", part.clone()).await.unwrap();
    assert_eq!(names(&proposals(&house).await[0]), ["Humidity", "Relay", "Temperature"]);
    house.call("dismiss_proposal", json!({ "id": id })).await.unwrap();

    let house = house.restart().await;
    let listed = house.call("list_proposals", json!({})).await.unwrap();
    assert_eq!(listed["proposals"], json!([]));
    let dismissed: Vec<&Value> =
        listed["dismissed"].as_array().unwrap().iter().map(|dismissed| &dismissed["name"]).collect();
    assert_eq!(dismissed, ["Pump 1", "Pump 1: Moisture"]);
    house.call("restore_proposal", json!({ "id": id })).await.unwrap();
    house.call("restore_proposal", part.clone()).await.unwrap();
    assert_eq!(names(&proposals(&house).await[0]), ["Moisture", "Humidity", "Relay", "Temperature"]);
    assert!(house.call("restore_proposal", part).await.is_err());
    house.hub.stop().await;
}

/// Says numbers often enough to be proposed.
async fn measures(board: &mut Board, topic: &str) {
    for n in 0..5 {
        board.say(topic, format!("{n}.5")).await;
    }
}

fn roots(found: &[Value]) -> Vec<&str> {
    found.iter().map(|proposal| proposal["root"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_credential_said_is_not_proposed_even_when_another_is_called_the_same() {
    let house = House::new().await;
    let mut gone = house.board("gone").await;
    measures(&mut gone, "shed/node/temperature").await;
    let mut stays = house.board("stays").await;
    measures(&mut stays, "barn/node/temperature").await;
    assert_eq!(roots(&proposals(&house).await), ["barn/node", "shed/node"]);
    house.call("revoke_credential", json!({ "name": "gone" })).await.unwrap();
    assert_eq!(roots(&proposals(&house).await), ["barn/node"]);
    let mut again = house.board("gone").await;
    again.say("attic/node/temperature", "20.5").await;
    let house = house.restart().await;
    assert_eq!(roots(&proposals(&house).await), ["barn/node"], "what was said before is not its own");
    let mut again = house.board_again("gone").await;
    measures(&mut again, "attic/node/temperature").await;
    let house = house.restart().await;
    assert_eq!(roots(&proposals(&house).await), ["attic/node", "barn/node"]);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_board_said_before_another_took_its_place_is_not_proposed() {
    let house = House::new().await;
    // One credential for both, so that it is kept.
    let mut bridge = house.board("bridge").await;
    for name in ["old", "new"] {
        let config = json!({
            "name": "Temperature", "unique_id": name, "state_topic": format!("rooms/{name}/t"),
            "device": { "identifiers": [name], "name": name },
        });
        bridge.retain(&format!("homeassistant/sensor/{name}/config"), config).await;
        measures(&mut bridge, &format!("rooms/{name}/t")).await;
        measures(&mut bridge, &format!("rooms/{name}/humidity")).await;
    }
    house.until("home", json!({}), |home| home["devices"][1].is_object()).await;
    assert_eq!(proposals(&house).await, Vec::<Value>::new(), "it lies beside what was announced");
    house.call("replace_device", json!({ "old": "old", "new": "new" })).await.unwrap();
    assert_eq!(proposals(&house).await, Vec::<Value>::new(), "and is no sketch now");
    let house = house.restart().await;
    assert_eq!(proposals(&house).await, Vec::<Value>::new(), "nor after a restart");
    // The old board is used for something else.
    let mut bridge = house.board_again("bridge").await;
    measures(&mut bridge, "rooms/old/t").await;
    let house = house.restart().await;
    assert_eq!(roots(&proposals(&house).await), ["rooms/old"]);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer_is_bounded_and_says_what_it_leaves_off() {
    let house = House::new().await;
    let mut gateway = house.board("gateway").await;
    let many: serde_json::Map<String, Value> = (0..64).map(|n| (format!("value{n}x"), json!(n))).collect();
    for _ in 0..3 {
        for board in 0..12 {
            gateway.say(&format!("nodes/n{board}/values"), Value::from(many.clone())).await;
            gateway.say(&format!("nodes/n{board}/state"), Value::from(many.clone())).await;
        }
    }
    let listed = house.call("list_proposals", json!({})).await.unwrap();
    let found = listed["proposals"].as_array().unwrap();
    let entities = |proposal: &Value| proposal["entities"].as_array().unwrap().len();
    assert_eq!(
        found.iter().map(entities).collect::<Vec<_>>(),
        [64; 7],
        "448 entities, and 64 more are too many"
    );
    assert_eq!((&listed["more"], &found[0]["more_entities"]), (&json!(5), &json!(64)));
    assert_eq!(listed["topics_left_off"], 0);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_together_gets_the_same_answer() {
    let house = House::new().await;
    let _boards = garden(&house).await;
    let ask = || house.call("list_proposals", json!({}));
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    assert_eq!((&a, names(&a["proposals"][0]).len()), (&b, 4));
    assert_eq!(b, c);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_announces_itself_is_not_proposed() {
    let house = House::new().await;
    let mut board = house.board("board").await;
    board.announce_temperature().await;
    for n in 0..5 {
        board.say("room/t", 20 + n).await;
        board.say("room/debug/heap", 20_000 + n).await;
    }
    house.call("start_demo", json!({})).await.unwrap();
    let living = |home: &Value| home["devices"].as_array().map_or(0, Vec::len) == 17;
    house.until("home", json!({}), living).await;
    assert_eq!(proposals(&house).await, Vec::<Value>::new());
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_accepted_changes_nothing() {
    let house = House::new().await;
    let _boards = garden(&house).await;
    let id = proposals(&house).await[0]["id"].clone();
    let refused = [
        json!({ "id": "nobody", "name": "X" }),
        json!({ "id": id, "entities": [] }),
        json!({ "id": id, "entities": [{ "key": "garden/other" }] }),
        json!({ "id": id, "entities": [{ "key": "garden/pump1/moisture" }, { "key": "garden/pump1/moisture" }] }),
        json!({ "id": id, "entities": [{ "key": "garden/pump1/moisture", "name": " " }] }),
        json!({ "id": id, "name": "" }),
        json!({ "id": id, "area": "nowhere" }),
        json!({ "id": id, "device": "nobody" }),
        json!({ "id": id, "history_days": 400 }),
    ];
    for wanted in refused {
        assert!(house.call("accept_proposal", wanted.clone()).await.is_err(), "{wanted}");
    }
    let home = house.call("home", json!({})).await.unwrap();
    assert_eq!((&home["devices"], &home["entities"]), (&json!([]), &json!([])));
    house.hub.stop().await;
}
