//! A new board takes the place of a broken one: name, room, readings and scripts go on, over a restart, and what the
//! old board left can be cleared.

use serde_json::{Value, json};

use crate::house::{Board, House};

/// Announces a thermometer, retained, as a board called `name` does.
async fn announce(board: &mut Board, name: &str, unique_id: &str) {
    let config = json!({
        "name": "Temperature", "unique_id": format!("{name}-{unique_id}"), "state_topic": format!("{name}/t"),
        "availability_topic": format!("{name}/status"), "unit_of_measurement": "°C",
        "device_class": "temperature", "device": { "identifiers": [name], "name": name },
    });
    board.retain(&format!("homeassistant/sensor/{name}/t/config"), config).await;
    board.retain(&format!("{name}/status"), "online").await;
}

async fn values(house: &House, entity: &str) -> Vec<f64> {
    let span = json!({ "entity": entity, "from_ms": 0, "to_ms": i64::MAX });
    let found = house.call("readings_range", span).await.unwrap();
    found["readings"].as_array().unwrap().iter().map(|reading| reading["value"].as_f64().unwrap()).collect()
}

/// The topics of a list of retained messages, or of ghosts.
fn topics(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter().map(|one| one.get("retained").unwrap_or(one));
    list.map(|retained| retained["topic"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_board_goes_on_where_the_old_one_ended() {
    let house = House::new().await;
    let mut old = house.board("hall").await;
    announce(&mut old, "hall", "t").await;
    old.say("hall/t", "20").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == 20.0).await;
    house.call("rename_device", json!({ "id": "hall", "name": "Hall" })).await.unwrap();
    let area = house.call("add_area", json!({ "name": "Ground floor" })).await.unwrap();
    house.call("move_device", json!({ "id": "hall", "area": area["id"] })).await.unwrap();
    let source = "on(above(\"hall.temperature\", 25.0), |e| { publish(\"fan/set\", \"ON\"); });";
    house.call("save_automation", json!({ "name": "Fan", "source": source })).await.unwrap();
    let mut new = house.board("spare").await;
    announce(&mut new, "spare", "t").await;
    new.say("spare/t", "21").await;
    house.until("home", json!({}), |home| home["entities"][1]["state"]["value"] == 21.0).await;

    let both = json!({ "old": "hall", "new": "spare" });
    let shown = house.call("replace_preview", both.clone()).await.unwrap();
    assert_eq!(shown["matched"][0]["id"], "hall.temperature");
    assert_eq!(shown["matched"][0]["by"], "unique_id");
    assert_eq!((&shown["lost"], &shown["gained"]), (&json!([]), &json!([])));
    assert_eq!(shown["revokes"], "hall");
    let left = ["hall/status", "homeassistant/sensor/hall/t/config"];
    assert_eq!(topics(&shown["retained"]), left);
    let done = house.call("replace_device", both).await.unwrap();
    assert_eq!((&done["device"]["name"], &done["device"]["credential"]), (&json!("Hall"), &json!("spare")));
    assert_eq!(topics(&done["retained"]), left);
    assert_eq!(values(&house, "hall.temperature").await, [20.0, 21.0], "history goes on");

    let house = house.restart().await;
    let mut new = house.board_again("spare").await;
    new.listen("fan/#").await;
    announce(&mut new, "spare", "t").await;
    new.say("spare/t", "26").await;
    assert_eq!(new.hear().await, ("fan/set".into(), "ON".into()), "the script goes on");
    let home = house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == 26.0).await;
    assert_eq!(home["devices"].as_array().unwrap().len(), 1, "{home}");
    assert_eq!((&home["devices"][0]["id"], &home["devices"][0]["name"]), (&json!("hall"), &json!("Hall")));
    assert_eq!(home["devices"][0]["area"], area["id"]);
    assert_eq!(values(&house, "hall.temperature").await, [20.0, 21.0, 26.0]);
    // The old board gets in again, with a new credential: it is another device.
    let mut old = house.board("hall").await;
    announce(&mut old, "hall", "t").await;
    let home = house.until("home", json!({}), |home| home["devices"][1].is_object()).await;
    let ids: Vec<_> = home["devices"].as_array().unwrap().iter().map(|device| &device["id"]).collect();
    assert_eq!(ids, ["hall", "hall_2"]);
    assert_eq!(home["devices"][0]["credential"], "spare");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_others_use_is_kept_and_told_why() {
    let house = House::new().await;
    let mut bridge = house.board("bridge").await;
    for name in ["a", "b", "c"] {
        announce(&mut bridge, name, "t").await;
    }
    house.until("home", json!({}), |home| home["devices"][2].is_object()).await;
    let both = json!({ "old": "a", "new": "b" });
    let shown = house.call("replace_preview", both.clone()).await.unwrap();
    assert_eq!(
        (&shown["revokes"], &shown["keeps"]),
        (&json!(null), &json!("The new board uses `bridge`, too."))
    );
    let done = house.call("replace_device", both).await.unwrap();
    assert_eq!(done["revoked"], json!(null));
    bridge.say("b/t", "1").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == 1.0).await;
    let wrong = house.call("replace_device", json!({ "old": "a", "new": "b" })).await.unwrap_err();
    assert!(wrong.message.contains("no device called `b`"), "{wrong}");
    house.hub.stop().await;
}

/// Announces the lamp, as the board that has this credential does now.
async fn announce_lamp(board: &mut Board, user: &str) {
    let config = json!({
        "name": "Power", "unique_id": "lamp", "state_topic": format!("{user}/state"),
        "device": { "identifiers": ["lamp"], "name": "Lamp" },
    });
    board.retain("homeassistant/binary_sensor/lamp/config", config).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_says_that_a_board_is_the_same_one_with_a_new_credential() {
    let house = House::new().await;
    let mut board = house.board("lamp").await;
    announce_lamp(&mut board, "lamp").await;
    board.say("lamp/state", "ON").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == true).await;
    drop(board);
    let mut again = house.board("lamp-2").await;
    announce_lamp(&mut again, "lamp-2").await;
    let refused = |log: &Value| log["lines"].to_string().contains("hand the device");
    house.until("device_log", json!({ "id": "lamp" }), refused).await;

    let same = json!({ "device": "lamp", "user": "lamp-2" });
    let done = house.call("hand_over_device", same.clone()).await.unwrap();
    assert_eq!((&done["revoked"], &done["keeps"]), (&json!("lamp"), &json!(null)));
    assert_eq!(done["device"]["credential"], "lamp-2");
    again.say("lamp-2/state", "OFF").await;
    let home = house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == false).await;
    assert_eq!((home["devices"].as_array().unwrap().len(), &home["devices"][0]["id"]), (1, &json!("lamp")));
    for (wanted, why) in [
        (same, "belongs to `lamp-2` already"),
        (json!({ "device": "lamp", "user": "nobody" }), "no credential called `nobody`"),
        (json!({ "device": "nothing", "user": "lamp-2" }), "no device called `nothing`"),
    ] {
        let refused = house.call("hand_over_device", wanted).await.unwrap_err();
        assert!(refused.message.contains(why), "{refused}");
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_credential_that_a_plain_client_uses_is_kept_and_told_why() {
    let house = House::new().await;
    // The board left; what is connected with its credential is its owner's program.
    let mut listener = house.board("lamp").await;
    announce_lamp(&mut listener, "lamp").await;
    house.until("home", json!({}), |home| home["entities"][0].is_object()).await;
    let _again = house.board("lamp-2").await;
    let same = json!({ "device": "lamp", "user": "lamp-2" });
    let done = house.call("hand_over_device", same).await.unwrap();
    assert_eq!(done["revoked"], json!(null));
    let keeps = done["keeps"].as_str().unwrap();
    assert!(
        keeps.starts_with("Its former access `lamp` is kept, because the client `lamp` uses it"),
        "{keeps}"
    );
    listener.listen("still/here").await;
    house.call("publish", json!({ "topic": "still/here", "payload": "yes" })).await.unwrap();
    assert_eq!(listener.hear().await.1, "yes");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gone_boards_left_retained_is_listed_cleared_and_taken_back() {
    let house = House::new().await;
    let mut board = house.board("plug").await;
    announce(&mut board, "plug", "t").await;
    board.retain("plug/notes", "private").await;
    let mut other = house.board("other").await;
    announce(&mut other, "other", "t").await;
    house.until("home", json!({}), |home| home["devices"][1].is_object()).await;
    house
        .call("publish", json!({ "topic": "mine", "payload": "x", "retain": true, "qos": 1 }))
        .await
        .unwrap();
    let list = || house.call("list_ghosts", json!({}));
    assert_eq!(list().await.unwrap()["ghosts"], json!([]));

    // Removing a device says what it would leave, and leaves exactly that.
    let left = ["homeassistant/sensor/plug/t/config", "plug/notes", "plug/status"];
    let retained = house.call("device_retained", json!({ "id": "plug" })).await.unwrap();
    assert_eq!(topics(&retained["topics"]), left);
    let kinds: Vec<_> = retained["topics"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["announcement", "other", "heard"]);
    house.call("remove_device", json!({ "id": "plug", "keep_credential": true })).await.unwrap();
    let ghosts = list().await.unwrap();
    assert_eq!(topics(&ghosts["ghosts"]), [left[0]], "its board is still connected");
    assert_eq!(ghosts["ghosts"][0]["reason"]["kind"], "no_device");
    house.call("revoke_credential", json!({ "name": "plug" })).await.unwrap();
    let ghosts = list().await.unwrap();
    assert_eq!(topics(&ghosts["ghosts"]), left);
    assert_eq!(ghosts["ghosts"][0]["reason"]["kind"], "no_credential");
    assert!(ghosts["ghosts"][0]["why"].as_str().unwrap().contains("`plug`"), "{ghosts}");

    let cleared = house.call("clear_ghosts", json!({ "topics": [left[0], left[1], "never"] })).await.unwrap();
    assert_eq!(topics(&cleared["cleared"]), left[..2]);
    assert_eq!(cleared["missing"], json!(["never"]));
    assert_eq!(topics(&list().await.unwrap()["ghosts"]), left[2..]);
    let ids: Vec<_> = cleared["cleared"].as_array().unwrap().iter().map(|one| &one["message_id"]).collect();
    let restored = house.call("restore_retained", json!({ "message_ids": ids })).await.unwrap();
    assert_eq!((&restored["restored"], &restored["gone"]), (&json!([left[0], left[1]]), &json!(0)));
    let again = house.call("restore_retained", json!({ "message_ids": ids })).await.unwrap();
    assert_eq!(again["restored"], json!([]), "what is retained now stays");
    let history = house.call("topic_history", json!({ "topic": "plug/notes" })).await.unwrap();
    assert_eq!(history["messages"][0]["payload"], "private");
    assert_eq!(history["messages"][0]["publisher"]["user"], "plug", "in the name of whoever sent it");
    assert_eq!(history["messages"][0]["cause"]["who"], "owner");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_credential_announced_is_taken_back_without_making_a_device() {
    let house = House::new().await;
    let mut board = house.board("plug").await;
    announce(&mut board, "plug", "t").await;
    house.until("home", json!({}), |home| home["devices"][0].is_object()).await;
    house.call("remove_device", json!({ "id": "plug", "keep_credential": true })).await.unwrap();
    house.call("revoke_credential", json!({ "name": "plug" })).await.unwrap();
    let topic = "homeassistant/sensor/plug/t/config";
    let cleared = house.call("clear_ghosts", json!({ "topics": [topic] })).await.unwrap();
    // Also after a restart, which knows the credentials that are left.
    let house = house.restart().await;
    let ids = [&cleared["cleared"][0]["message_id"]];
    let restored = house.call("restore_retained", json!({ "message_ids": ids })).await.unwrap();
    assert_eq!(restored["restored"], json!([topic]));
    let ghosts = house.call("list_ghosts", json!({})).await.unwrap();
    assert!(topics(&ghosts["ghosts"]).contains(&topic), "{ghosts}");
    let home = house.call("home", json!({})).await.unwrap();
    assert_eq!((&home["devices"], &home["entities"]), (&json!([]), &json!([])));
    let told =
        |lines: &Value| lines.to_string().contains("owner took back what was retained on `homeassistant");
    house.until("list_activity", json!({}), told).await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_removed_with_its_access_unless_somebody_else_uses_it_or_its_owner_keeps_it() {
    let house = House::new().await;
    let mut board = house.board("plug").await;
    announce(&mut board, "plug", "t").await;
    let mut kept = house.board("lamp").await;
    announce(&mut kept, "lamp", "t").await;
    let mut shared = house.board("bridge").await;
    announce(&mut shared, "bridge", "t").await;
    let config = json!({
        "name": "T", "unique_id": "second", "state_topic": "bridge/second",
        "device": { "identifiers": ["second"], "name": "second" },
    });
    shared.retain("homeassistant/sensor/second/config", config).await;
    house.until("home", json!({}), |home| home["devices"].as_array().is_some_and(|all| all.len() == 4)).await;

    // It is said before, and afterwards.
    let before = house.call("device_retained", json!({ "id": "plug" })).await.unwrap();
    assert_eq!((&before["revokes"], &before["keeps"]), (&json!("plug"), &json!(null)));
    let removed = house.call("remove_device", json!({ "id": "plug" })).await.unwrap();
    assert_eq!(removed, json!({ "revoked": ["plug"], "keeps": [] }));
    let activity = house.call("list_activity", json!({})).await.unwrap().to_string();
    assert!(activity.contains("removed the device plug. The access `plug` is revoked."), "{activity}");

    let removed = house.call("remove_device", json!({ "id": "bridge" })).await.unwrap();
    assert_eq!(removed["revoked"], json!([]));
    assert_eq!(removed["keeps"], json!(["The access `bridge` is kept, because second uses it, too."]));
    let keep = json!({ "id": "lamp", "keep_credential": true });
    assert_eq!(house.call("remove_device", keep).await.unwrap()["revoked"], json!([]));
    let names = house.call("list_credentials", json!({})).await.unwrap();
    let names: Vec<_> = names["credentials"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["bridge", "lamp"]);

    // What a board goes on saying whose device was removed is no sketch of its owner's.
    for n in 0..30 {
        kept.say("lamp/t", &n.to_string()).await;
    }
    let house = house.restart().await;
    let proposed = house.call("list_proposals", json!({})).await.unwrap();
    assert_eq!(proposed["proposals"], json!([]), "{proposed}");
    house.hub.stop().await;
}
