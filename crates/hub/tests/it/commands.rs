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
