//! Hostile announcements are limited and named, in the log of the device they speak of or of the client that sent
//! them, and another board's readings keep arriving meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::house::{Board, House};

/// Entities one client announces.
const CROWD: usize = 10_000;

fn device(id: &str, name: &str) -> Value {
    json!({ "identifiers": [id], "name": name })
}

async fn log_of_device(house: &House, id: &str, expected: &str) {
    let named = |log: &Value| {
        let lines = log["lines"].as_array().into_iter().flatten();
        lines
            .clone()
            .any(|line| line["kind"] == "refused" && line["text"].as_str().unwrap().contains(expected))
    };
    house.until("device_log", json!({ "id": id, "limit": 500 }), named).await;
}

async fn log_of_client(house: &House, id: &str, expected: &str) {
    let named = |client: &Value| {
        let lines = client["log"].as_array().into_iter().flatten();
        lines.clone().any(|line| line["text"].as_str().unwrap().contains(expected))
    };
    house.until("get_client", json!({ "client_id": id }), named).await;
}

/// Announces sensors in messages of 500, each of a device of its own or all of one.
async fn crowd(board: &mut Board, of_one: bool) {
    for part in 0..CROWD / 500 {
        let components: HashMap<String, Value> = (0..500)
            .map(|n| {
                let id = format!("e{part}_{n}");
                let sensor = json!({ "p": "sensor", "unique_id": id, "name": id, "state_topic": "crowd/x" });
                (id, sensor)
            })
            .collect();
        let id = if of_one { "crowd".to_owned() } else { format!("crowd{part}") };
        let config = json!({ "dev": device(&id, &id), "o": { "name": "x" }, "cmps": components });
        board.say(&format!("homeassistant/device/{id}_{part}/config"), config).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_announcements_are_limited_and_named_and_slow_nobody_else() {
    let house = House::new().await;
    let mut good = house.board("good").await;
    good.announce_temperature().await;
    house.until("home", json!({}), |home| home["devices"][0]["id"] == "room").await;
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let reporting = tokio::spawn(async move {
        let mut sent = 0_u32;
        while !*stopped.borrow() {
            good.say("room/t", sent).await;
            sent += 1;
            let _ = tokio::time::timeout(Duration::from_millis(20), stopped.changed()).await;
        }
        sent
    });
    let mut evil = house.board("evil").await;
    let ha = |id: &str| format!("homeassistant/sensor/{id}/config");

    // Templates that loop.
    let looping = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}";
    let config = json!({ "name": "Loop", "unique_id": "loop", "state_topic": "evil/loop",
        "value_template": looping, "device": device("looper", "Looper") });
    evil.say(&ha("loop"), config).await;
    evil.say("evil/loop", "1").await;
    log_of_device(&house, "looper", "Loop").await;

    // A quarter of a megabyte, and a byte.
    let config = json!({ "name": "Large", "unique_id": "large", "state_topic": "evil/large",
        "icon": "x".repeat(256 * 1024), "device": device("large", "Large") });
    evil.say(&ha("large"), config).await;
    log_of_client(&house, "evil", "is too large").await;

    // More entities than one device has, and more than one client announces.
    crowd(&mut evil, true).await;
    log_of_device(&house, "crowd", "announces more than 500 entities").await;
    crowd(&mut evil, false).await;
    log_of_client(&house, "evil", "already announced 10000 entities").await;

    // Ids with control characters.
    let config = json!({ "name": "Bell", "unique_id": "be\u{7}ll", "state_topic": "evil/bell",
        "device": device("bell\u{1b}[2J", "Bell") });
    evil.say(&ha("bell"), config).await;
    log_of_client(&house, "evil", "has control characters").await;

    // A state topic that is the whole house.
    let config = json!({ "name": "Everything", "unique_id": "all", "state_topic": "#", "device": device("all", "All") });
    evil.say(&ha("all"), config).await;
    log_of_client(&house, "evil", "which is nearly everything").await;

    // JSON as deep as a well, and none at all.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    evil.say(&ha("deep"), format!(r#"{{"name":"Deep","device":{deep}}}"#)).await;
    log_of_client(&house, "evil", "recursion limit").await;

    // Two boards that claim one id: who came first keeps it, and cannot be commanded through the other.
    let mut first = house.board("first").await;
    let lock = |base: &str| {
        json!({ "name": "Bolt", "unique_id": "bolt", "state_topic": format!("{base}/state"),
        "command_topic": format!("{base}/set"), "device": device("lock", "Front lock") })
    };
    first.say("homeassistant/switch/first/bolt/config", lock("first")).await;
    let lock_is_there =
        |home: &Value| home["devices"].as_array().unwrap().iter().any(|one| one["id"] == "front_lock");
    house.until("home", json!({}), lock_is_there).await;
    let before = house.call("get_device", json!({ "id": "front_lock" })).await.unwrap();
    evil.say("homeassistant/switch/evil/bolt/config", lock("evil")).await;
    evil.say("homeassistant/switch/first/bolt/config", lock("evil")).await;
    evil.say("homeassistant/switch/first/bolt/config", "").await;
    log_of_device(&house, "front_lock", "belongs to `first`; `evil` may not change it").await;
    log_of_client(&house, "evil", "belongs to `first`; `evil` may not change it").await;
    let after = house.call("get_device", json!({ "id": "front_lock" })).await.unwrap();
    assert_eq!((&after["device"], &after["entities"]), (&before["device"], &before["entities"]));
    evil.listen("evil/set").await;
    first.listen("first/set").await;
    house.call("command", json!({ "entity": "front_lock.bolt", "verb": "turn_on" })).await.unwrap();
    assert_eq!(first.hear().await, ("first/set".into(), "ON".into()));

    stop.send(true).unwrap();
    let sent = reporting.await.unwrap();
    let span = json!({ "entity": "room.temperature", "from_ms": 0, "to_ms": i64::MAX });
    let all = |found: &Value| found["readings"].as_array().is_some_and(|all| all.len() == sent as usize);
    house.until("readings_range", span, all).await;

    let house = house.restart().await;
    log_of_device(&house, "front_lock", "`evil` may not change it").await;
    log_of_client(&house, "evil", "nearly everything").await;
    house.hub.stop().await;
}
