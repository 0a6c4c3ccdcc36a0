//! Firmware profiles of the owner's: a file is used as it is saved, a broken one changes nothing.

use std::fs;

use serde_json::{Value, json};

use crate::command_line::typed;
use crate::house::House;

/// A firmware that says what it is on one topic and what it measures on another.
const GAUGE: &str = include_str!("gauge.toml");

fn file(house: &House, name: &str) -> std::path::PathBuf {
    house.dir.path().join("firmware-profiles").join(name)
}

/// The profile of a file, as the list has it; `null` if it does not.
fn listed(list: &Value, key: &str) -> Value {
    let mut profiles = list["profiles"].as_array().unwrap().iter();
    profiles.find(|profile| profile["key"] == key).cloned().unwrap_or_default()
}

fn unit_of(home: &Value) -> Value {
    home["entities"][0]["entity"]["unit"].clone()
}

/// A hub with the profile, and a board that announced itself by it.
async fn with_gauge() -> House {
    let house = House::new().await;
    fs::write(file(&house, "gauge.toml"), GAUGE).unwrap();
    house.until("list_profiles", json!({}), |list| listed(list, "gauge.toml")["is_used"] == true).await;
    let mut board = house.board("board").await;
    board.say("gauge/a/about", r#"{"name":"Tank"}"#).await;
    board.say("gauge/a/level", "40").await;
    house.until("home", json!({}), |home| home["entities"][0]["state"]["value"] == 40.0).await;
    house
}

async fn activity_says(house: &House, words: &str) {
    let says = |lines: &Value| {
        let mut lines = lines["lines"].as_array().unwrap().iter();
        lines.any(|line| line["text"].as_str().unwrap().contains(words))
    };
    house.until("list_activity", json!({}), says).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_used_as_it_is_saved_and_its_devices_are_understood_anew() {
    let house = with_gauge().await;
    fs::write(file(&house, "gauge.toml"), GAUGE.replace("unit = '%'", "unit = 'L'")).unwrap();
    let home = house.until("home", json!({}), |home| unit_of(home) == "L").await;
    assert_eq!(home["entities"][0]["entity"]["id"], "tank.level");
    assert_eq!(home["entities"][0]["state"]["value"], 40.0, "{home}");
    activity_says(&house, "The profile `gauge` of gauge.toml is loaded. 1 device was understood anew").await;
    // What was learned outlives the hub, and so does the file.
    let house = house.restart().await;
    assert_eq!(unit_of(&house.call("home", json!({})).await.unwrap()), "L");
    fs::remove_file(file(&house, "gauge.toml")).unwrap();
    house.until("list_profiles", json!({}), |list| listed(list, "gauge.toml").is_null()).await;
    activity_says(&house, "The devices of `gauge` stay as they are.").await;
    assert_eq!(unit_of(&house.call("home", json!({})).await.unwrap()), "L");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_says_after_a_stop_is_understood_at_the_next_start() {
    let house = with_gauge().await;
    house.hub.stop().await;
    fs::write(file(&house, "gauge.toml"), GAUGE.replace("unit = '%'", "unit = 'L'")).unwrap();
    let house = house.restart().await;
    assert_eq!(unit_of(&house.call("home", json!({})).await.unwrap()), "L");
    activity_says(&house, "Firmware profiles changed while Hearth was not running. 1 device").await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_told_with_its_place_and_what_was_good_stays() {
    let house = with_gauge().await;
    fs::write(file(&house, "gauge.toml"), GAUGE.replace("unit = '%'", "unti = 'L'")).unwrap();
    let fault = |list: &Value| listed(list, "gauge.toml")["faults"][0].clone();
    let list = house.until("list_profiles", json!({}), |list| fault(list).is_object()).await;
    assert_eq!(fault(&list)["text"], "unti = 'L'");
    assert!(fault(&list)["message"].as_str().unwrap().ends_with("Did you mean `unit`?"), "{list}");
    assert_eq!(listed(&list, "gauge.toml")["is_used"], true);
    activity_says(&house, "The version of `gauge` before stays in use.").await;
    let detail = house.call("get_profile", json!({ "id": "gauge.toml" })).await.unwrap();
    assert!(detail["source"].as_str().unwrap().contains("unti"), "it can be put right");
    // A hub starts with it all the same.
    let house = house.restart().await;
    assert_eq!(unit_of(&house.call("home", json!({})).await.unwrap()), "%");
    let list = house.call("list_profiles", json!({})).await.unwrap();
    assert_eq!(listed(&list, "gauge.toml")["is_used"], false, "{list}");
    activity_says(&house, "It is not used.").await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_before_what_comes_with_hearth_until_it_is_removed() {
    let house = House::new().await;
    let wled = house.call("get_profile", json!({ "id": "wled" })).await.unwrap();
    assert_eq!(wled["profile"]["origin"], "built_in");
    let found = house.call("check_profile", json!({ "source": wled["source"] })).await.unwrap();
    let plays = found["plays"].as_array().unwrap();
    assert_eq!(plays.len(), found["samples"].as_array().unwrap().len());
    let trial = json!({ "key": "wled", "messages": plays[0]["messages"] });
    let trial = house.call("try_profile", trial).await.unwrap();
    assert_eq!(trial["entities"].as_array().unwrap().len(), 1, "its own test makes its lamp: {trial}");
    let mine = wled["source"].as_str().unwrap().replace("name = 'WLED'\n", "name = 'My WLED'\n");
    let saved = house.call("save_profile", json!({ "source": mine })).await.unwrap();
    assert_eq!(saved["profile"]["key"], "wled.toml", "{saved}");
    assert_eq!(saved["profile"]["origin"], "overrides");
    assert_eq!(fs::read_to_string(file(&house, "wled.toml")).unwrap(), mine);
    let list = house.call("list_profiles", json!({})).await.unwrap();
    assert!(listed(&list, "wled").is_null(), "{list}");
    let again =
        house.call("save_profile", json!({ "source": mine, "file": "other.toml" })).await.unwrap_err();
    assert!(again.message.contains("wled.toml already has the profile `wled`"), "{again}");
    let outside = house.call("save_profile", json!({ "source": GAUGE, "file": "../gauge.toml" })).await;
    assert!(outside.unwrap_err().message.contains("no name for a profile file"));
    let broken = json!({ "source": mine.replace("schema = 1", "schema = 9") });
    let broken = house.call("save_profile", broken).await.unwrap_err();
    assert!(broken.message.contains("line 4") && broken.message.contains("Nothing was saved."), "{broken}");
    // Another file with the same profile is told and changes nothing.
    fs::write(file(&house, "z.toml"), &mine).unwrap();
    let list = house.until("list_profiles", json!({}), |list| listed(list, "z.toml").is_object()).await;
    assert_eq!(listed(&list, "z.toml")["is_used"], false);
    house.call("remove_profile", json!({ "id": "wled.toml" })).await.unwrap();
    let list = house.call("list_profiles", json!({})).await.unwrap();
    assert_eq!(listed(&list, "z.toml")["origin"], "overrides", "now it has it: {list}");
    house.call("remove_profile", json!({ "id": "z.toml" })).await.unwrap();
    let list = house.call("list_profiles", json!({})).await.unwrap();
    assert_eq!(listed(&list, "wled")["name"], "WLED", "{list}");
    let built_in = house.call("remove_profile", json!({ "id": "wled" })).await.unwrap_err();
    assert!(built_in.message.contains("comes with Hearth"), "{built_in}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_leaves_the_home_as_it_was() {
    let house = House::new().await;
    let messages = json!([
        { "topic": "gauge/a/about", "payload": r#"{"name":"Tank"}"# },
        { "topic": "gauge/a/level", "payload": "40" },
    ]);
    let tried = house.call("try_profile", json!({ "source": GAUGE, "messages": messages })).await.unwrap();
    assert_eq!(tried["messages"][0]["rules"][0]["captures"]["dev"], "a", "{tried}");
    assert_eq!(tried["entities"][0]["state"]["value"], 40.0);
    assert_eq!(tried["is_whole"], true);
    let home = house.call("home", json!({})).await.unwrap();
    assert_eq!(home["devices"], json!([]));
    let template = json!({ "template": "{{ value_json.a + 1 }}", "payload": r#"{"a": 1}"# });
    let printed = house.call("try_template", template).await.unwrap();
    assert_eq!(printed["text"], "2");
    assert!(printed["fuel"].as_u64().unwrap() > 0);
    let unknown = house.call("try_profile", json!({ "key": "x", "messages": [] })).await.unwrap_err();
    assert!(unknown.message.contains("no firmware profile"), "{unknown}");
    house.hub.stop().await;
}

#[test]
fn a_file_is_checked_and_tried_without_a_hub() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = path("good.toml", GAUGE);
    let (done, said) = typed(dir.path(), &["profile", "check", &good]);
    assert!(done && said.contains("is fine: Gauge (gauge).") && said.contains("a full tank"), "{said}");
    let bad = path("bad.toml", &GAUGE.replace("unit = '%'", "unti = '%'"));
    let (done, said) = typed(dir.path(), &["profile", "check", &bad, &good]);
    let place = format!("{bad}:16:1: unknown field `unti`");
    assert!(!done && said.contains(&place) && said.contains("   16 | unti = '%'\n      | ^"), "{said}");
    assert!(said.contains("is fine"), "the others are looked at: {said}");
    let about = ["--topic", "gauge/a/about", "--payload", r#"{"name":"Tank"}"#];
    let level = ["--topic", "gauge/a/level", "--payload", "40"];
    let (done, said) = typed(dir.path(), &[&["profile", "try", &good][..], &about, &level].concat());
    assert!(done && said.contains("tank.level  Level: 40 %"), "{said}");
    assert!(!dir.path().join("hub.db").exists(), "no folder was made");
}
