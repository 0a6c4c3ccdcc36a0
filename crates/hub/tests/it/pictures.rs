//! Cameras and images: their last pictures are kept, served and bounded; what is no picture is refused.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devices::limits::PICTURE_BYTES_MAX;
use serde_json::{Value, json};

use crate::house::{Board, House};

/// A photograph that a browser made.
const JPEG: &[u8] = include_bytes!("picture.jpg");
const CAMERA: &str = "garden.camera";

/// A hub with a camera that announced itself by Home Assistant's discovery.
async fn with_camera(more: Value) -> (House, Board) {
    let house = House::new().await;
    let mut board = house.board("cam").await;
    let mut config = json!({
        "name": "Camera", "unique_id": "cam", "topic": "cam/picture",
        "device": { "identifiers": ["cam"], "name": "Garden" },
    });
    config.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    board.say("homeassistant/camera/cam/config", config).await;
    house.until("home", json!({}), |home| home["entities"][0]["entity"]["id"] == CAMERA).await;
    (house, board)
}

/// A picture that differs from the others behind its end, where no browser looks.
fn numbered(n: u8) -> Vec<u8> {
    [JPEG, &[n]].concat()
}

async fn kept(house: &House, count: usize) -> Vec<Value> {
    let all = |list: &Value| list["pictures"].as_array().is_some_and(|pictures| pictures.len() == count);
    let list = house.until("list_pictures", json!({ "id": CAMERA }), all).await;
    list["pictures"].as_array().unwrap().clone()
}

/// Status, media type, policy and body of a page.
async fn page(house: &House, path: String, token: Option<&str>) -> (u16, String, String, Vec<u8>) {
    let address = house.hub.http_address().unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.get(format!("http://{address}{path}"));
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let mut response = tokio::task::spawn_blocking(move || request.call()).await.unwrap().unwrap();
    let header = |name: &str| {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let (kind, policy) = (header("content-type"), header("content-security-policy"));
    let status = response.status().as_u16();
    assert!(status == 401 || header("x-content-type-options") == "nosniff");
    (status, kind, policy, response.body_mut().read_to_vec().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_kept_and_shown_as_it_came_to_who_may_see_it() {
    let (house, mut board) = with_camera(json!({})).await;
    board.say_bytes("cam/picture", JPEG.to_vec()).await;
    let picture = kept(&house, 1).await.remove(0);
    assert_eq!((&picture["media_type"], &picture["bytes"]), (&json!("image/jpeg"), &json!(JPEG.len())));
    let home = house.call("home", json!({})).await.unwrap();
    assert_eq!(home["entities"][0]["state"]["reported_ms"], picture["time_ms"], "{home}");
    let data = house.call("get_picture", json!({ "entity": CAMERA })).await.unwrap();
    assert_eq!(STANDARD.decode(data["base64"].as_str().unwrap()).unwrap(), JPEG);
    let token = house.token.clone().unwrap();
    for id in [picture["id"].to_string(), "latest".to_owned()] {
        let path = format!("/api/pictures/{CAMERA}/{id}");
        let (status, kind, policy, bytes) = page(&house, path.clone(), Some(&token)).await;
        assert_eq!((status, kind.as_str(), bytes.as_slice()), (200, "image/jpeg", JPEG));
        assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
        assert_eq!(page(&house, path, None).await.0, 401, "nobody else sees it");
    }
    let unknown = page(&house, format!("/api/pictures/{CAMERA}/7"), Some(&token)).await;
    assert_eq!(unknown.0, 404);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_ones_are_kept_and_a_restart_keeps_them() {
    let (house, mut board) = with_camera(json!({ "image_encoding": "b64" })).await;
    house.call("set_picture_settings", json!({ "keep": 3, "bytes": 16 << 20 })).await.unwrap();
    for n in 0..5 {
        board.say("cam/picture", STANDARD.encode(numbered(n))).await;
    }
    let last = |data: Value| STANDARD.decode(data["base64"].as_str().unwrap()).unwrap();
    let newest = |list: &Value| list["pictures"].as_array().is_some_and(|pictures| pictures.len() == 3);
    house.until("list_pictures", json!({ "id": CAMERA }), newest).await;
    let shown = |data: &Value| {
        STANDARD.decode(data["base64"].as_str().unwrap_or_default()).is_ok_and(|bytes| bytes == numbered(4))
    };
    house.until("get_picture", json!({ "entity": CAMERA }), shown).await;
    let before = kept(&house, 3).await;
    let house = house.restart().await;
    assert_eq!(kept(&house, 3).await, before);
    let oldest = json!({ "entity": CAMERA, "id": before[2]["id"] });
    assert_eq!(last(house.call("get_picture", oldest).await.unwrap()), numbered(2));
    let wrong = house.call("set_picture_settings", json!({ "keep": 0, "bytes": 0 })).await.unwrap_err();
    assert!(wrong.message.contains("1 to 500 pictures"), "{wrong}");
    // Fewer are kept at once, and none of what is removed.
    house.call("set_picture_settings", json!({ "keep": 1, "bytes": 16 << 20 })).await.unwrap();
    kept(&house, 1).await;
    house.call("remove_device", json!({ "id": "garden" })).await.unwrap();
    let files = || walk(&house.dir.path().join("pictures"));
    assert!(house.call("get_picture", json!({ "entity": CAMERA })).await.is_err());
    assert_eq!(files(), 0);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_pictures_pushes_out_its_own_and_nobody_elses() {
    let (house, mut board) = with_camera(json!({})).await;
    let settings = json!({ "keep": 100, "bytes": 16 << 20 });
    house.call("set_picture_settings", settings).await.unwrap();
    board.say_bytes("cam/picture", JPEG.to_vec()).await;
    let before = kept(&house, 1).await;
    let mut flood = house.board("flood").await;
    flood
        .say(
            "homeassistant/camera/flood/config",
            json!({
                "name": "Camera", "unique_id": "flood", "topic": "flood/picture",
                "device": { "identifiers": ["flood"], "name": "Flood" },
            }),
        )
        .await;
    house.until("home", json!({}), |home| home["entities"][1].is_object()).await;
    // Twenty of 0.9 MB are more than 16 MiB.
    let large = [JPEG, &vec![0; 900_000]].concat();
    for n in 0..20 {
        flood.say_bytes("flood/picture", [large.as_slice(), &[n]].concat()).await;
        // It waits until they are on the disk.
        house.call("list_pictures", json!({ "id": CAMERA })).await.unwrap();
    }
    let newest = |list: &Value| list["pictures"].as_array().is_some_and(|pictures| pictures.len() == 18);
    house.until("list_pictures", json!({ "id": "flood.camera" }), newest).await;
    assert_eq!(kept(&house, 1).await, before);
    let house = house.restart().await;
    house.call("set_picture_settings", json!({ "keep": 100, "bytes": 16 << 20 })).await.unwrap();
    assert_eq!(kept(&house, 1).await, before, "whose they are is known after a restart");
    house.hub.stop().await;
}

fn walk(folder: &std::path::Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 }).sum()
}

async fn activity_says(house: &House, words: &str) {
    let says = |lines: &Value| {
        let mut lines = lines["lines"].as_array().unwrap().iter();
        lines.any(|line| line["text"].as_str().unwrap().contains(words))
    };
    house.until("list_activity", json!({}), says).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_picture_or_too_large_is_refused_in_words() {
    let (house, mut board) = with_camera(json!({})).await;
    board.say("cam/picture", "<svg onload='alert(1)'/>").await;
    activity_says(&house, "it is no JPEG, PNG, GIF or WebP").await;
    // 10 MB are more than the broker takes, unless its limit is raised.
    board.say_too_much("cam/picture", 10_000_000).await;
    activity_says(&house, "packet").await;
    house.call("set_limit", json!({ "name": "packet_bytes_max", "value": 16 << 20 })).await.unwrap();
    let house = house.restart().await;
    let mut board = house.board("cam2").await;
    board
        .say(
            "homeassistant/image/hall/config",
            json!({
                "name": "Last", "unique_id": "hall", "image_topic": "hall/picture",
                "device": { "identifiers": ["hall"], "name": "Hall" },
            }),
        )
        .await;
    house.until("home", json!({}), |home| home["entities"].as_array().unwrap().len() == 2).await;
    board.say_bytes("hall/picture", [JPEG, &vec![0; PICTURE_BYTES_MAX]].concat()).await;
    activity_says(&house, "is too large; it can have 8192 KiB").await;
    kept(&house, 0).await;
    house.hub.stop().await;
}
