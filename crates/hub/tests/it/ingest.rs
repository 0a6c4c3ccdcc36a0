//! What messages and wishes make of the home, and who hears of it.

use crate::house::House;
use hub::api::{self, Caller};
use serde_json::{Value, json};
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_the_same_value_reaches_an_open_page() {
    let house = House::new().await;
    let mut board = house.board("board").await;
    board.announce_temperature().await;
    board.say("room/t", "21").await;
    let state = |home: &Value| home["entities"][0]["state"].clone();
    let first = house.until("home", json!({}), |home| state(home)["value"] == 21.0).await;
    let reported = state(&first)["reported_ms"].as_i64().unwrap();
    // Asked again only when a frame arrives, as a page does.
    let (into, mut frames) = mpsc::channel(16);
    api::open_stream(house.hub.clone(), Caller::Desktop, "events", None, into).unwrap();
    let told = async {
        loop {
            board.say("room/t", "21").await;
            let frame = frames.recv().await.unwrap();
            let frame: Value = serde_json::from_str(frame.get()).unwrap();
            let states = frame["states"].as_array().cloned().unwrap_or_default();
            let newer = |told: &&Value| {
                told["entity"] == "room.temperature"
                    && told["state"]["value"] == 21.0
                    && told["state"]["reported_ms"].as_i64().unwrap() > reported
            };
            if let Some(told) = states.iter().find(newer) {
                break told.clone();
            }
        }
    };
    let told = tokio::time::timeout(std::time::Duration::from_secs(20), told).await.unwrap();
    assert_eq!(told["state"]["since_ms"], state(&first)["since_ms"], "it has been 21 for as long as before");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_made_by_hand_starts_with_the_value_just_seen() {
    let house = House::new().await;
    let mut board = house.board("sketch").await;
    board.say("garage/data", r#"{"door":{"angle":12}}"#).await;
    board.say("garage/data", r#"{"door":{"angle":34}}"#).await;
    house.until("list_topics", json!({ "search": "garage" }), |topics| topics["topics"][0].is_object()).await;
    house
        .call("add_entity", json!({ "topic": "garage/data", "path": "door.angle", "name": "Angle" }))
        .await
        .unwrap();
    let home = house.call("home", json!({})).await.unwrap();
    assert_eq!(home["entities"][0]["state"]["value"], 34.0, "{home}");
    let id = home["entities"][0]["entity"]["id"].clone();
    let span = json!({ "entity": id, "from_ms": 0, "to_ms": i64::MAX });
    let readings = house.call("readings_range", span).await.unwrap();
    assert_eq!(readings["readings"], json!([]), "it is no new reading");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_on_that_goes_off_by_itself_is_a_reading_too() {
    let house = House::new().await;
    let mut board = house.board("board").await;
    let config = json!({
        "name": "Motion", "unique_id": "m", "state_topic": "hall/m", "off_delay": 1,
        "device": { "identifiers": ["hall"], "name": "Hall" },
    });
    board.say("homeassistant/binary_sensor/hall/m/config", config).await;
    board.say("hall/m", "ON").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == json!(false)).await;
    let span = json!({ "entity": "hall.motion", "from_ms": 0, "to_ms": i64::MAX });
    let found =
        house.until("readings_range", span, |found| found["readings"].as_array().unwrap().len() == 2).await;
    let values: Vec<_> =
        found["readings"].as_array().unwrap().iter().map(|reading| &reading["value"]).collect();
    assert_eq!(values, [&json!(true), &json!(false)]);
    house.hub.stop().await;
}
