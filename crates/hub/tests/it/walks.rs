//! The walks of ARCHITECTURE.md through a real hub: a reading reaches disk and screen, a script answers it,
//! and a restart forgets nothing.

use crate::house::{Board, House};
use serde_json::json;

const ROOM: &str = "room.temperature";

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_reaches_the_state_and_the_disk() {
    let house = House::new().await;
    let mut board = house.board("board").await;
    board.announce_temperature().await;
    for tenth in 200..220 {
        board.say("room/t", f64::from(tenth) / 10.0).await;
    }
    let span = json!({ "entity": ROOM, "from_ms": 0, "to_ms": i64::MAX });
    let found = house.call("readings_range", span).await.unwrap();
    let values: Vec<f64> = found["readings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reading| reading["value"].as_f64().unwrap())
        .collect();
    assert_eq!(values, (200..220).map(|tenth| f64::from(tenth) / 10.0).collect::<Vec<_>>());
    let device = house.call("get_device", json!({ "id": "room" })).await.unwrap();
    assert_eq!(device["entities"][0]["state"]["value"], 21.9);
    assert_eq!(device["credential"]["name"], "board");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_answers_a_reading_and_says_why() {
    let house = House::new().await;
    let mut board = house.board("board").await;
    board.listen("fan/#").await;
    board.announce_temperature().await;
    let source = format!(
        "on(above(\"{ROOM}\", 25.0), |e| {{ log(`it is ${{e.value}}`); publish(\"fan/set\", \"ON\"); }});"
    );
    let saved = house.call("save_automation", json!({ "name": "Fan", "source": source })).await.unwrap();
    assert_eq!(saved["automation"]["error"], json!(null), "{saved}");
    board.say("room/t", "24").await;
    board.say("room/t", "26.5").await;
    assert_eq!(board.hear().await, ("fan/set".into(), "ON".into()));
    let runs = house
        .until("list_runs", json!({ "automation": "fan" }), |runs| runs["runs"][0]["id"].is_string())
        .await;
    let run = &runs["runs"][0];
    assert_eq!(run["trigger"]["value"], 26.5);
    assert_eq!(run["log"][0]["text"], "it is 26.5");
    assert_eq!(run["actions"][0]["topic"], "fan/set");
    let history = house.call("topic_history", json!({ "topic": "fan/set" })).await.unwrap();
    assert_eq!(history["messages"][0]["cause"]["automation"], "fan", "the chain can be walked back");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_restores_everything() {
    let house = House::new().await;
    let mut board = house.board("board").await;
    board.announce_temperature().await;
    board.say("room/t", "21").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == 21.0).await;
    house.call("rename_device", json!({ "id": "room", "name": "Parlour" })).await.unwrap();
    let area = house.call("add_area", json!({ "name": "Ground floor" })).await.unwrap();
    house.call("move_device", json!({ "id": "room", "area": area["id"] })).await.unwrap();
    house
        .call(
            "save_automation",
            json!({ "name": "Quiet", "source": "// Quiet one\non(topic(\"x\"), |e| {});" }),
        )
        .await
        .unwrap();
    house.call("enable_automation", json!({ "id": "quiet", "enabled": false })).await.unwrap();
    house
        .call("publish", json!({ "topic": "kept", "payload": "here", "retain": true, "qos": 1 }))
        .await
        .unwrap();
    let before = house.call("home", json!({})).await.unwrap();

    let house = house.restart().await;
    assert_eq!(house.token, None, "the owner token is made once");
    assert_eq!(house.call("home", json!({})).await.unwrap(), before);
    let automations = house.call("list_automations", json!({})).await.unwrap();
    assert_eq!(automations["automations"][0]["name"], "Quiet one");
    assert_eq!(automations["automations"][0]["enabled"], false);
    let mut listener = house.board("listener").await;
    listener.listen("kept").await;
    assert_eq!(listener.hear().await, ("kept".into(), "here".into()));
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_stand_in_the_order_they_were_given_also_on_home_and_after_a_restart() {
    let house = House::new().await;
    for (n, room) in ["Kitchen", "Attic", "Hall"].into_iter().enumerate() {
        let add = json!({ "topic": format!("b{n}/t"), "name": format!("Board {n}") });
        house.call("add_entity", add).await.unwrap();
        let area = house.call("add_area", json!({ "name": room })).await.unwrap();
        let device = format!("board_{n}");
        house.call("move_device", json!({ "id": device, "area": area["id"] })).await.unwrap();
    }
    house.call("order_areas", json!({ "ids": ["hall", "kitchen"] })).await.unwrap();
    let nowhere = house.call("order_areas", json!({ "ids": ["cellar"] })).await.unwrap_err();
    assert!(nowhere.message.contains("`cellar`"), "{nowhere}");

    let house = house.restart().await;
    let names = |list: &serde_json::Value, name: &str| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.map(|one| one[name].as_str().unwrap_or_default().to_owned()).collect()
    };
    let home = house.call("home", json!({})).await.unwrap();
    assert_eq!(names(&home["areas"], "name"), ["Hall", "Kitchen", "Attic"]);
    let dashboard = house.call("dashboard", json!({})).await.unwrap();
    assert_eq!(names(&dashboard["sections"], "title"), ["Hall", "Kitchen", "Attic"]);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_devices_are_moved_renamed_and_removed_together() {
    let house = House::new().await;
    for n in 1..=3 {
        let add = json!({ "topic": format!("b{n}/t"), "name": format!("Board {n}") });
        house.call("add_entity", add).await.unwrap();
    }
    let area = house.call("add_area", json!({ "name": "Kitchen" })).await.unwrap();
    let missing = house
        .call("move_devices", json!({ "ids": ["board_1", "board_9"], "area": area["id"] }))
        .await
        .unwrap_err();
    assert!(missing.message.contains("`board_9`"), "{missing}");
    let nobody = house.call("remove_devices", json!({ "ids": [] })).await.unwrap_err();
    assert!(nobody.message.contains("at least one"), "{nobody}");
    house.call("move_devices", json!({ "ids": ["board_1", "board_2"], "area": area["id"] })).await.unwrap();
    let names = json!([{ "id": "board_1", "name": "Lamp 1" }, { "id": "board_2", "name": "Lamp 2" }]);
    house.call("rename_devices", json!({ "names": names })).await.unwrap();
    house.call("remove_devices", json!({ "ids": ["board_2", "board_3"] })).await.unwrap();

    let house = house.restart().await;
    let home = house.call("home", json!({})).await.unwrap();
    let device = &home["devices"][0];
    assert_eq!(home["devices"].as_array().map(Vec::len), Some(1), "{home}");
    assert_eq!((&device["name"], &device["area"]), (&json!("Lamp 1"), &area["id"]));
    let activity = house.call("list_activity", json!({})).await.unwrap();
    assert!(activity.to_string().contains("removed 2 devices: Lamp 2, Board 3"), "{activity}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_can_be_made_by_hand_from_an_unknown_topic() {
    let house = House::new().await;
    let mut board = house.board("sketch").await;
    board.say("garage/data", r#"{"door":{"angle":12}}"#).await;
    let topics = house
        .until("list_topics", json!({ "search": "GARAGE" }), |topics| topics["topics"][0].is_object())
        .await;
    assert_eq!(topics["topics"][0]["last"]["topic"], "garage/data");
    let add =
        json!({ "topic": "garage/data", "path": "door.angle", "name": "Garage door angle", "unit": "°" });
    let entity = house.call("add_entity", add).await.unwrap();
    board.say("garage/data", r#"{"door":{"angle":34}}"#).await;
    let angle = |home: &serde_json::Value| home["entities"][0]["state"]["value"] == 34.0;
    let home = house.until("home", json!({}), angle).await;
    assert_eq!(home["entities"][0]["entity"]["id"], entity["id"]);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_home_lives_and_leaves_nothing_behind() {
    let house = House::new().await;
    house.call("start_demo", json!({})).await.unwrap();
    let living = |home: &serde_json::Value| {
        let devices = home["devices"].as_array().map_or(0, Vec::len);
        let entities = home["entities"].as_array().into_iter().flatten();
        devices == 16 && entities.filter(|view| !view["state"]["value"].is_null()).count() > 20
    };
    let home = house.until("home", json!({}), living).await;
    assert!(
        home["devices"].as_array().unwrap().iter().all(|d| d["demo"] == true && d["area"].is_string()),
        "each is marked as demo and stands in a room"
    );
    house.call("remove_demo", json!({})).await.unwrap();
    let home = house.call("home", json!({})).await.unwrap();
    assert_eq!(home, json!({ "devices": [], "entities": [], "areas": [] }));
    assert_eq!(house.call("list_credentials", json!({})).await.unwrap()["credentials"], json!([]));
    assert_eq!(house.call("info", json!({})).await.unwrap()["counters"]["readings"], 0);
    house.until("list_topics", json!({ "search": "demo" }), |topics| topics["topics"] == json!([])).await;
    let mut visitor = house.board("visitor").await;
    visitor.listen("#").await;
    visitor.say("last", "word").await;
    assert_eq!(visitor.hear().await.0, "last", "nothing of the demo was retained");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_firmware_has_a_board_to_add() {
    let house = House::new().await;
    for firmware in ["tasmota", "esphome", "custom"] {
        let board = json!({ "name": "Kitchen plug", "firmware": firmware });
        let access = house.call("add_board", board).await.unwrap();
        let (user, secret) = (access["user"].as_str().unwrap(), access["secret"].as_str().unwrap());
        assert!(user.starts_with("kitchen-plug"), "{access}");
        let text = access["snippets"][0]["text"].as_str().unwrap();
        assert!(text.contains(user) && text.contains(secret), "{firmware}: {text}");
        assert!(access["qr_svg"].as_str().unwrap().starts_with("<svg"), "{firmware}");
        assert_ne!(access["permissions"]["write"], json!([]), "{firmware}");
        assert_ne!(access["permissions"]["write"], json!(["#"]), "{firmware}");
        Board::connect(&house.hub, user, secret).await;
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_was_given_a_text_gets_the_name_and_room_that_were_chosen() {
    let house = House::new().await;
    let area = house.call("add_area", json!({ "name": "Attic room" })).await.unwrap();
    let nowhere = json!({ "name": "Weather", "firmware": "esphome", "area": "nowhere" });
    assert!(house.call("add_board", nowhere).await.unwrap_err().message.contains("nowhere"));
    let board = json!({ "name": "Weather", "firmware": "esphome", "area": area["id"] });
    let access = house.call("add_board", board).await.unwrap();
    // The text is pasted and built; meanwhile the hub may start again.
    let house = house.restart().await;
    let (user, secret) = (access["user"].as_str().unwrap(), access["secret"].as_str().unwrap());
    let mut board = Board::connect(&house.hub, user, secret).await;
    let config = json!({
        "name": "Temperature", "unique_id": "t", "state_topic": format!("{user}/sensor/t/state"),
        "device": { "identifiers": ["attic"], "name": "attic" },
    });
    board.retain(&format!("homeassistant/sensor/{user}/t/config"), config).await;
    let home = house.until("home", json!({}), |home| home["devices"][0]["name"] == "Weather").await;
    assert_eq!((&home["devices"][0]["id"], &home["devices"][0]["area"]), (&json!("weather"), &area["id"]));
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_on_an_entity_that_does_not_exist_is_told_with_what_was_meant() {
    let house = House::new().await;
    house.board("board").await.announce_temperature().await;
    house.until("home", json!({}), |home| home["entities"][0].is_object()).await;
    let source = "\non(above(\"room.temprature\", 25.0), |e| {});";
    let found = house.call("check_script", json!({ "source": source })).await.unwrap();
    let warning = &found["warnings"][0];
    assert!(warning["message"].as_str().unwrap().contains("room.temperature"), "{found}");
    assert_eq!(warning["line"], 2);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_with_a_new_credential_takes_its_device_over_only_when_the_old_one_is_gone() {
    let house = House::new().await;
    house.board("old").await.announce_temperature().await;
    let owner = |home: &serde_json::Value| home["devices"][0]["credential"].as_str().map(str::to_owned);
    house.until("home", json!({}), |home| owner(home).as_deref() == Some("old")).await;
    let mut new = house.board("new").await;
    new.announce_temperature().await;
    let refused = |lines: &serde_json::Value| lines.to_string().contains("belongs to `old`");
    house.until("list_activity", json!({}), refused).await;
    house.call("revoke_credential", json!({ "name": "old" })).await.unwrap();
    new.announce_temperature().await;
    let home = house.until("home", json!({}), |home| owner(home).as_deref() == Some("new")).await;
    assert_eq!(home["devices"].as_array().unwrap().len(), 1);
    house.hub.stop().await;
}
