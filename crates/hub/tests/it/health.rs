//! The health of a device, from its readings and its log.

use serde_json::json;

use crate::house::{Board, House};

/// Connections of one hour that are too many.
const FLAPS: usize = 7;

#[tokio::test(flavor = "multi_thread")]
async fn a_battery_that_is_low_and_a_connection_that_flaps_are_found_and_marked() {
    let house = House::new().await;
    let mut board = house.board("door").await;
    let config = json!({ "name": "Battery", "unique_id": "b", "state_topic": "door/b", "unit_of_measurement": "%",
        "device_class": "battery", "device": { "identifiers": ["door"], "name": "Door", "sw_version": "1.2" } });
    board.say("homeassistant/sensor/door/b/config", config).await;
    board.say("door/b", "64").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == 64.0).await;
    let by = json!({ "id": "door" });
    let well = house.call("device_health", by.clone()).await.unwrap();
    assert_eq!(well["findings"], json!([]));
    let facts = well["facts"].as_array().unwrap();
    let told: Vec<_> = facts.iter().map(|fact| (fact["role"].as_str(), fact["value"].as_str())).collect();
    assert_eq!(told, [(Some("firmware"), Some("1.2")), (Some("battery"), Some("64"))]);
    assert_eq!(house.call("list_health", json!({})).await.unwrap()["marks"], json!([]));

    board.say("door/b", "8").await;
    let renewed = house.call("renew_secret", json!({ "name": "door" })).await.unwrap();
    for _ in 0..FLAPS {
        drop(Board::connect(&house.hub, "door", renewed["secret"].as_str().unwrap()).await);
    }
    let kinds = |health: &serde_json::Value| {
        let findings = health["findings"].as_array().into_iter().flatten();
        findings.map(|finding| finding["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let found = house.until("device_health", by, |health| kinds(health).len() == 2).await;
    assert_eq!(kinds(&found), ["flapping", "battery"]);
    assert!(found["findings"][1]["what"].as_str().unwrap().contains("at 8 %"), "{found}");
    let marks = house.call("list_health", json!({})).await.unwrap();
    let mark = &marks["marks"][0];
    assert_eq!(
        (&mark["device"], &mark["level"], &mark["count"]),
        (&json!("door"), &json!("warning"), &json!(2))
    );
    house.hub.stop().await;
}
