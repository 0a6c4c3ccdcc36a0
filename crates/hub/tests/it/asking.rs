//! What a hub says to boards that announce themselves only when they are asked.

use serde_json::{Value, json};

use crate::house::{Board, House};

async fn newest(house: &House, topic: &str) -> Value {
    let history = house.call("topic_history", json!({ "topic": topic })).await.unwrap();
    history["messages"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shelly_that_comes_is_asked_who_it_is_and_becomes_a_device() {
    let mut house = House::new().await;
    // As the profile's [acl] has it.
    let (write, read) = (["shellies/%u/#", "shellies/announce"], ["shellies/%u/#", "shellies/command"]);
    let secret = house.credential("plug", &write, &read).await;
    for start in ["with a hub it meets for the first time", "after a restart"] {
        let mut shelly = Board::connect(&house.hub, "plug", &secret).await;
        shelly.listen("shellies/command").await;
        assert_eq!(shelly.hear().await, ("shellies/command".into(), "announce".into()), "{start}");
        let asked = newest(&house, "shellies/command").await;
        assert_eq!(asked["publisher"], json!({ "user": "hearth", "client_id": "start" }), "{start}");
        assert_eq!(asked["retain"], json!(false), "{start}");
        let announced = json!({ "id": "plug", "model": "SHPLG-S", "mac": "AABBCCDDEEFF", "ip": "192.168.1.9",
            "new_fw": false, "fw_ver": "1.14" });
        shelly.say("shellies/announce", announced).await;
        house.until("home", json!({}), |home| home["devices"][0].is_object()).await;
        house = house.restart().await;
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_slept_hears_that_the_hub_has_started() {
    let house = House::new().await;
    let secret = house.credential("board", &[], &["homeassistant/status"]).await;
    let mut board = Board::resume(&house.hub, "board", &secret).await;
    board.listen("homeassistant/status").await;
    drop(board);
    let house = house.restart().await;
    let mut board = Board::resume(&house.hub, "board", &secret).await;
    assert_eq!(board.hear().await, ("homeassistant/status".into(), "online".into()));
    let birth = newest(&house, "homeassistant/status").await;
    assert_eq!(birth["publisher"], json!({ "user": "hearth", "client_id": "start" }));
    assert_eq!(birth["retain"], json!(false));
    house.hub.stop().await;
}
