//! Commands through a real hub: confirmed by the answer of the device, and waiting while it sleeps.

use crate::house::{Board, House};
use serde_json::{Value, json};

/// A Homie board with a valve that sleeps between its reports.
async fn announce_sleeper(board: &mut Board) {
    for (topic, payload) in [
        ("$homie", "4.0.0"),
        ("$name", "Valve"),
        ("$nodes", "relay"),
        ("relay/$name", "Relay"),
        ("relay/$type", "switch"),
        ("relay/$properties", "power"),
        ("relay/power/$name", "Power"),
        ("relay/power/$datatype", "boolean"),
        ("relay/power/$settable", "true"),
        ("$state", "ready"),
        ("relay/power", "false"),
    ] {
        board.say(&format!("homie/valve/{topic}"), payload).await;
    }
}

async fn falls_asleep(house: &House, board: &mut Board) -> String {
    board.say("homie/valve/$state", "sleeping").await;
    let asleep = |home: &Value| home["entities"][0]["state"]["availability"] == "asleep";
    let home = house.until("home", json!({}), asleep).await;
    home["entities"][0]["entity"]["id"].as_str().unwrap().to_owned()
}

async fn stage(house: &House, wanted: &str) -> Value {
    let is = |home: &Value| home["entities"][0]["command"]["stage"] == wanted;
    house.until("home", json!({}), is).await["entities"][0]["command"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_sent_and_then_confirmed_by_the_answer() {
    let house = House::new().await;
    let mut board = house.board("valve").await;
    announce_sleeper(&mut board).await;
    let home = house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == false).await;
    let id = home["entities"][0]["entity"]["id"].clone();
    board.listen("homie/valve/relay/power/set").await;
    house.call("command", json!({ "entity": id, "verb": "turn_on" })).await.unwrap();
    assert_eq!(stage(&house, "sent").await["verb"], "turn_on");
    assert_eq!(board.hear().await.1, "true");
    board.say("homie/valve/relay/power", "false").await;
    board.say("homie/valve/relay/power", "true").await;
    stage(&house, "confirmed").await;
    let device = house.call("get_device", json!({ "id": "valve" })).await.unwrap();
    assert_eq!(device["entities"][0]["command"]["stage"], "confirmed");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_for_a_sleeping_device_outlives_a_restart_and_is_sent_once_when_it_wakes() {
    let house = House::new().await;
    let mut board = house.board("valve").await;
    announce_sleeper(&mut board).await;
    let id = falls_asleep(&house, &mut board).await;
    house.call("command", json!({ "entity": id, "verb": "turn_off" })).await.unwrap();
    house.call("command", json!({ "entity": id, "verb": "turn_on" })).await.unwrap();
    assert!(stage(&house, "waiting").await["until_ms"].is_i64());
    drop(board);

    let house = house.restart().await;
    assert_eq!(stage(&house, "waiting").await["verb"], "turn_on");
    let secret = house.call("renew_secret", json!({ "name": "valve" })).await.unwrap();
    let mut board = Board::connect(&house.hub, "valve", secret["secret"].as_str().unwrap()).await;
    // It says that it is there, and subscribes then.
    board.say("homie/valve/$state", "ready").await;
    board.listen("homie/valve/relay/power/set").await;
    assert_eq!(board.hear().await, ("homie/valve/relay/power/set".into(), "true".into()));
    board.say("homie/valve/relay/power", "true").await;
    stage(&house, "confirmed").await;
    board.say("homie/valve/$state", "ready").await;
    house
        .call("publish", json!({ "topic": "homie/valve/relay/power/set", "payload": "last" }))
        .await
        .unwrap();
    assert_eq!(board.hear().await.1, "last", "it was sent once");
    house.hub.stop().await;
}

/// A lamp whose firmware knows no word for being asleep.
async fn announce_lamp(board: &mut Board) {
    let config = json!({
        "name": "Power", "unique_id": "lamp", "state_topic": "lamp/state", "command_topic": "lamp/set",
        "device": { "identifiers": ["lamp"], "name": "Lamp" },
    });
    board.retain("homeassistant/switch/lamp/config", config).await;
    board.say("lamp/state", "OFF").await;
}

const LAMP: &str = "lamp.power";

async fn secret(house: &House) -> String {
    let renewed = house.call("renew_secret", json!({ "name": "lamp" })).await.unwrap();
    renewed["secret"].as_str().unwrap().to_owned()
}

/// Lets the connection go, and waits until the broker knows.
async fn leaves(house: &House, board: Board) {
    drop(board);
    let gone = |clients: &Value| {
        let mut clients = clients["clients"].as_array().unwrap().iter();
        clients.all(|client| client["client_id"] != "lamp" || client["connected"] == false)
    };
    house.until("list_clients", json!({}), gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_waits_for_a_board_whose_session_does_and_is_sent_once_when_it_is_back() {
    let house = House::new().await;
    drop(house.board("lamp").await);
    let mut board = Board::resume(&house.hub, "lamp", &secret(&house).await).await;
    announce_lamp(&mut board).await;
    board.listen("lamp/set").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == false).await;
    leaves(&house, board).await;
    house.call("command", json!({ "entity": LAMP, "verb": "turn_off" })).await.unwrap();
    house.call("command", json!({ "entity": LAMP, "verb": "turn_on" })).await.unwrap();
    assert_eq!(stage(&house, "away").await["verb"], "turn_on");
    let house = house.restart().await;
    assert!(stage(&house, "away").await["until_ms"].is_i64());
    let mut board = Board::resume(&house.hub, "lamp", &secret(&house).await).await;
    assert_eq!(board.hear().await, ("lamp/set".into(), "ON".into()), "of two about the same the newest");
    stage(&house, "sent").await;
    board.say("lamp/state", "ON").await;
    stage(&house, "confirmed").await;
    house.call("publish", json!({ "topic": "lamp/set", "payload": "last" })).await.unwrap();
    assert_eq!(board.hear().await.1, "last", "it was sent once");

    // It comes with a new session and subscribes later: what waits is not thrown at nobody.
    leaves(&house, board).await;
    house.call("command", json!({ "entity": LAMP, "verb": "turn_off" })).await.unwrap();
    stage(&house, "away").await;
    let mut board = Board::connect(&house.hub, "lamp", &secret(&house).await).await;
    board.say("lamp/state", "ON").await;
    stage(&house, "away").await;
    board.listen("lamp/set").await;
    assert_eq!(board.hear().await.1, "OFF");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_to_a_board_that_left_no_session_says_so_at_once() {
    let house = House::new().await;
    let mut board = house.board("lamp").await;
    announce_lamp(&mut board).await;
    board.listen("lamp/set").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == false).await;
    leaves(&house, board).await;
    house.call("command", json!({ "entity": LAMP, "verb": "turn_on" })).await.unwrap();
    let why = stage(&house, "unconfirmed").await["why"].as_str().unwrap().to_owned();
    assert!(why.starts_with("Its board is not connected and has no session that keeps a command"), "{why}");
    // Somebody else who hears it may be its bridge, and is waited for.
    let mut bridge = house.board("bridge").await;
    bridge.listen("lamp/#").await;
    house.call("command", json!({ "entity": LAMP, "verb": "turn_on" })).await.unwrap();
    assert_eq!(stage(&house, "sent").await["why"], json!(null));
    assert_eq!(bridge.hear().await.1, "ON");
    house.hub.stop().await;
}
