//! Seeing into the broker: who is connected, what was refused and which rule would mend it, learning, logs.

use std::time::Duration;

use hub::api::{self, Caller};
use rumqttc::{AsyncClient, MqttOptions};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::house::{Board, House};

/// Longest wait for a frame.
const WAIT: Duration = Duration::from_secs(20);

impl House {
    /// Makes a credential with these rules and returns its secret.
    pub(crate) async fn credential(&self, name: &str, write: &[&str], read: &[&str]) -> String {
        let add = json!({ "name": name, "permissions": { "write": write, "read": read } });
        let made = self.call("add_credential", add).await.unwrap();
        made["secret"].as_str().unwrap().to_owned()
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        self.call(method, params).await.unwrap()
    }

    /// A client that has not connected yet.
    fn client_of(&self, id: &str, user: &str, secret: String) -> MqttOptions {
        let broker = self.hub.mqtt_addresses()[0];
        let mut options = MqttOptions::new(id, broker.ip().to_string(), broker.port());
        options.set_credentials(user, secret);
        options
    }

    async fn client(&self, id: &str) -> Value {
        self.ask("get_client", json!({ "client_id": id })).await
    }
}

fn kinds(detail: &Value) -> Vec<&str> {
    detail["log"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_publish_is_found_with_the_rule_that_mends_it_at_once() {
    let house = House::new().await;
    let secret = house.credential("plug", &["tele/%u/#"], &[]).await;
    let mut board = Board::connect(&house.hub, "plug", &secret).await;
    board.say("stat/plug/x", "1").await;
    let of_plug = json!({ "client_id": "plug" });
    let refusals =
        house.until("list_refusals", of_plug.clone(), |refusals| refusals["refusals"][0].is_object()).await;
    let refusal = &refusals["refusals"][0];
    assert_eq!(refusal["kind"], "publish");
    assert_eq!(
        refusal["why"],
        "`plug` may write `tele/%u/#` and nothing else; `stat/plug/x` matches none of it"
    );
    assert_eq!(refusal["proposal"], json!({ "name": "plug", "write": true, "filter": "stat/%u/x" }));
    let detail = house.client("plug").await;
    let trouble = detail["trouble"].as_str().unwrap();
    assert!(trouble.starts_with("It may not publish to `stat/plug/x`: `plug` may write"), "{trouble}");
    assert_eq!(kinds(&detail), ["denied", "connected"]);
    assert_eq!(detail["client"]["denied"], 1);

    let permissions = json!({ "write": ["tele/%u/#", "stat/%u/x"], "read": [] });
    house.ask("set_permissions", json!({ "name": "plug", "permissions": permissions })).await;
    board.say("stat/plug/x", "2").await;
    let history = house.ask("topic_history", json!({ "topic": "stat/plug/x" })).await;
    assert_eq!(history["messages"][0]["payload"], "2", "the open connection may do it now");
    let detail = house.client("plug").await;
    assert_eq!((&detail["trouble"], &detail["refusals"][0]["settled"]), (&json!(null), &json!(true)));
    assert_eq!(detail["permissions"], permissions);

    let house = house.restart().await;
    let refusals = house.ask("list_refusals", of_plug).await;
    assert_eq!(refusals["refusals"][0]["topic"], "stat/plug/x");
    let detail = house.client("plug").await;
    assert_eq!(detail["client"], json!(null));
    assert!(kinds(&detail).ends_with(&["denied", "connected"]), "{detail}");
    let mut board = Board::connect(&house.hub, "plug", &secret).await;
    board.say("stat/plug/x", "3").await;
    let listed = house.ask("list_credentials", json!({})).await;
    assert_eq!(listed["credentials"][0]["permissions"], permissions, "they are kept");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_found_by_id_user_and_address_and_is_never_shown() {
    let house = House::new().await;
    house.credential("plug", &[], &[]).await;
    let broker = house.hub.mqtt_addresses()[0];
    let mut options = MqttOptions::new("stranger", broker.ip().to_string(), broker.port());
    options.set_credentials("plug", "hunter2-and-more");
    let (_client, mut events) = AsyncClient::new(options, 10);
    while events.poll().await.is_ok() {}
    for search in ["STRANGER", "plug", "127.0.0"] {
        let found = house.ask("list_refusals", json!({ "search": search })).await;
        assert_eq!(found["refusals"][0]["kind"], "login", "{search}: {found}");
        assert_eq!(found["refusals"][0]["proposal"], json!(null), "no rule helps");
    }
    let detail = house.client("stranger").await;
    let trouble = detail["trouble"].as_str().unwrap();
    assert!(trouble.starts_with("It is not let in: the password for `plug` is wrong."), "{trouble}");
    assert_eq!((&detail["client"], kinds(&detail)), (&json!(null), vec!["refused"]));
    let all = [
        detail,
        house.ask("list_refusals", json!({})).await,
        house.ask("list_activity", json!({ "limit": 1_000 })).await,
        house.ask("list_credentials", json!({})).await,
    ];
    assert!(all.iter().all(|answer| !answer.to_string().contains("hunter2")), "{all:?}");
    let nobody = house.call("get_client", json!({ "client_id": "nobody" })).await.unwrap_err();
    assert!(nobody.message.contains("nobody"), "{nobody:?}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_learns_what_its_board_does_and_gets_just_that() {
    let house = House::new().await;
    let secret = house.credential("plug", &[], &[]).await;
    let mut board = Board::connect(&house.hub, "plug", &secret).await;
    let learned = house.ask("learn", json!({ "name": "plug", "on": true })).await;
    assert_eq!((&learned["on"], learned["until_ms"].is_i64()), (&json!(true), true));
    board.say("tele/plug/STATE", "{}").await;
    board.listen("cmnd/plug/#").await;
    board.announce_temperature().await;
    board.say("$SYS/broker/uptime", "mine").await;
    house.until("home", json!({}), |home| home["devices"][0]["credential"] == "plug").await;
    let refusals = house.ask("list_refusals", json!({ "user": "plug" })).await;
    assert_eq!(refusals["refusals"][0]["topic"], "$SYS/broker/uptime");
    assert_eq!(refusals["refusals"][0]["proposal"], json!(null));
    let activity = house.ask("list_activity", json!({})).await.to_string();
    assert!(activity.contains("it may do nearly everything"), "it is told clearly: {activity}");
    let listed = house.ask("list_credentials", json!({})).await;
    assert_eq!(listed["credentials"][0]["learning"], true);

    let learned = house.ask("learned", json!({ "name": "plug" })).await;
    let proposal = json!({
        "write": ["homeassistant/sensor/room/t/config", "tele/%u/STATE"], "read": ["cmnd/%u/#"],
    });
    assert_eq!(learned["proposal"], proposal);
    assert_eq!(learned["written"][1]["allowed"], false);
    let house = house.restart().await;
    let learned = house.ask("learned", json!({ "name": "plug" })).await;
    assert_eq!(
        (&learned["on"], &learned["proposal"]),
        (&json!(true), &proposal),
        "it goes on after a restart"
    );

    let mut board = Board::connect(&house.hub, "plug", &secret).await;
    house.ask("set_permissions", json!({ "name": "plug", "permissions": proposal })).await;
    let learned = house.ask("learn", json!({ "name": "plug", "on": false })).await;
    assert_eq!((&learned["on"], &learned["written"][1]["allowed"]), (&json!(false), &json!(true)));
    board.say("tele/plug/STATE", "after").await;
    board.say("tele/plug/OTHER", "after").await;
    let topics = house.ask("list_topics", json!({ "search": "tele" })).await;
    let count =
        topics["topics"].as_array().unwrap().iter().filter(|t| t["last"]["payload"] == "after").count();
    assert_eq!(count, 1, "only what it did while it learned: {topics}");
    house.ask("revoke_credential", json!({ "name": "plug" })).await;
    assert!(house.call("learned", json!({ "name": "plug" })).await.is_err());
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_closes_the_connections_of_the_old_one_and_keeps_the_rules() {
    let house = House::new().await;
    let old = house.credential("plug", &["tele/%u/#"], &[]).await;
    let _board = Board::connect(&house.hub, "plug", &old).await;
    let renewed = house.ask("renew_secret", json!({ "name": "plug" })).await;
    assert_eq!((&renewed["user"], &renewed["permissions"]["write"]), (&json!("plug"), &json!(["tele/%u/#"])));
    let gone = |detail: &Value| detail["client"].is_null() && detail["log"].is_array();
    house.until("get_client", json!({ "client_id": "plug" }), gone).await;
    let log = house.client("plug").await["log"].to_string();
    assert!(log.contains("its credential has a new password"), "{log}");
    Board::connect(&house.hub, "plug", renewed["secret"].as_str().unwrap()).await.say("tele/plug/a", 1).await;
    let activity = house.ask("list_activity", json!({})).await.to_string();
    assert!(activity.contains("made a new password for `plug`"), "{activity}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_will_that_is_not_allowed_is_found_and_mended() {
    let house = House::new().await;
    let secret = house.credential("plug", &["tele/#"], &[]).await;
    let mut options = house.client_of("plug", "plug", secret);
    options.set_last_will(rumqttc::LastWill::new("gone/plug", "x", rumqttc::QoS::AtMostOnce, false));
    let (_client, mut events) = AsyncClient::new(options, 10);
    events.poll().await.unwrap();
    let refusal = house.ask("list_refusals", json!({})).await["refusals"][0].clone();
    assert_eq!((&refusal["kind"], &refusal["topic"]), (&json!("will"), &json!("gone/plug")));
    assert!(refusal["why"].as_str().unwrap().contains("it was let in without it"), "{refusal}");
    assert_eq!(refusal["proposal"]["filter"], "gone/%u");
    let rules = json!({ "write": ["tele/#", "gone/%u"], "read": [] });
    house.ask("set_permissions", json!({ "name": "plug", "permissions": rules })).await;
    let detail = house.client("plug").await;
    let trouble = detail["trouble"].as_str().unwrap();
    assert!(trouble.starts_with("Its last will is missing") && trouble.contains("press Kick"), "{trouble}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_with_one_client_id_are_told() {
    let house = House::new().await;
    let secret = house.credential("twin", &["#"], &["#"]).await;
    for _ in 0..4 {
        Board::connect(&house.hub, "twin", &secret).await;
    }
    let last = Board::connect(&house.hub, "twin", &secret).await;
    let one_by_one = house.client("twin").await;
    assert_eq!(one_by_one["client"]["user"], "twin");
    let mut boards = vec![last];
    for _ in 0..5 {
        boards.push(Board::connect(&house.hub, "twin", &secret).await);
    }
    let fight = |detail: &Value| {
        detail["trouble"]
            .as_str()
            .is_some_and(|trouble| trouble.starts_with("Two devices use the client id `twin`"))
    };
    let detail = house.until("get_client", json!({ "client_id": "twin" }), fight).await;
    assert_eq!(detail["client"]["in_trouble"], true);
    let refusals = house.ask("list_refusals", json!({ "client_id": "twin" })).await;
    assert_eq!(refusals["refusals"][0]["kind"], "duplicate", "{refusals}");
    assert_eq!(refusals["refusals"][0]["advice"], "Give each device a client id of its own.");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_clients_lives_and_holds_only_differences() {
    let house = House::new().await;
    let mut one = house.board("one").await;
    let _two = house.board("two").await;
    let (into, mut frames) = mpsc::channel(1);
    api::open_stream(house.hub.clone(), Caller::Desktop, "watch_clients", None, into).unwrap();
    let mut next = async || -> Value {
        let frame = tokio::time::timeout(WAIT, frames.recv()).await.unwrap().unwrap();
        serde_json::from_str(frame.get()).unwrap()
    };
    let ids = |frame: &Value, kind: &str| {
        let items = frame[kind].as_array().unwrap().iter();
        items.map(|item| item["client_id"].as_str().or(item.as_str()).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&next().await, "changed"), ["one", "two"]);
    for n in 0..20 {
        one.say("a", n).await;
    }
    let frame = next().await;
    assert_eq!(ids(&frame, "changed"), ["one"], "{frame}");
    assert!(frame["changed"][0]["rate_in"].as_f64().unwrap() > 0.0, "{frame}");
    assert_eq!(frame["changed"][0]["transport"], "tcp");
    house.ask("kick_client", json!({ "client_id": "one" })).await;
    loop {
        if ids(&next().await, "gone") == ["one"] {
            break;
        }
    }
    let log = house.client("one").await["log"].to_string();
    assert!(log.contains("owner closed its connection"), "{log}");
    assert!(house.call("kick_client", json!({ "client_id": "one" })).await.is_err());
    let totals = house.ask("broker_totals", json!({})).await;
    assert_eq!((&totals["connected"], &totals["dropped"]), (&json!(1), &json!([])));
    assert!(totals["messages_in"].as_u64().unwrap() >= 20);
    let rates = house.ask("broker_rates", json!({})).await;
    assert_eq!(rates["times_ms"].as_array().unwrap().len(), rates["messages_in"].as_array().unwrap().len());
    assert_eq!(rates["span_ms"], 10_000);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_permissions_are_refused_in_words() {
    let house = House::new().await;
    house.credential("plug", &["a"], &[]).await;
    let check = async |name: &str, permissions: Value, expected: &str| {
        let set = json!({ "name": name, "permissions": permissions });
        let error = house.call("set_permissions", set).await.unwrap_err();
        assert!(error.message.contains(expected), "{}", error.message);
    };
    check("nobody", json!({ "write": [], "read": [] }), "nobody").await;
    check("plug", json!({ "write": ["a/#/b"], "read": [] }), "`#` must be the last level").await;
    let many: Vec<String> = (0..257).map(|n| n.to_string()).collect();
    check("plug", json!({ "write": many, "read": [] }), "at most 256 filters").await;
    check("demo-plug", json!({ "write": [], "read": [] }), "demo home").await;
    let listed = house.ask("list_credentials", json!({})).await;
    assert_eq!(listed["credentials"][0]["permissions"], json!({ "write": ["a"], "read": [] }));
    house.hub.stop().await;
}

/// The list is looked up once a second at most; somebody who hears of a change must not be shown the list before.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_hears_that_a_client_left_finds_it_off_the_list() {
    let house = House::new().await;
    let board = house.board("board").await;
    house.call("list_clients", json!({})).await.unwrap();
    let (into, mut frames) = mpsc::channel(1);
    api::open_stream(house.hub.clone(), Caller::Desktop, "events", None, into).unwrap();
    house.call("revoke_credential", json!({ "name": "board" })).await.unwrap();
    let told = async {
        while let Some(frame) = frames.recv().await {
            let frame: Value = serde_json::from_str(frame.get()).unwrap();
            if frame["disconnected"] == json!(["board"]) {
                return;
            }
        }
    };
    tokio::time::timeout(WAIT, told).await.expect("it is told that the board left");
    assert_eq!(house.call("list_clients", json!({})).await.unwrap()["clients"], json!([]));
    drop(board);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_left_is_found_by_part_of_its_id_with_the_reason() {
    let house = House::new().await;
    let secret = house.credential("plug", &[], &[]).await;
    drop(Board::connect(&house.hub, "plug", &secret).await);
    let found = |answer: &Value| answer["clients"].as_array().is_some_and(|clients| !clients.is_empty());
    // Its session ends a moment before that is noted.
    let noted = |answer: &Value| {
        let last = answer["clients"][0]["text"].as_str().unwrap_or_default();
        last.contains("disconnected: the network connection was closed")
    };
    let gone = house.until("find_gone_clients", json!({ "text": "LU" }), noted).await;
    assert_eq!(gone["clients"][0]["client_id"], "plug");
    let _back = Board::connect(&house.hub, "plug", &secret).await;
    house.until("find_gone_clients", json!({ "text": "LU" }), |answer| !found(answer)).await;
    assert!(!found(&house.ask("find_gone_clients", json!({ "text": "other" })).await));
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_a_revoked_credential_is_told_as_that() {
    let house = House::new().await;
    house.credential("lamp", &[], &[]).await;
    let secret = house.credential("cam", &[], &[]).await;
    house.ask("revoke_credential", json!({ "name": "cam" })).await;
    let refused = |detail: &Value| detail["trouble"].is_string();
    let options = house.client_of("cam", "cam", secret);
    let (_client, mut events) = AsyncClient::new(options, 10);
    events.poll().await.unwrap_err();
    let detail = house.until("get_client", json!({ "client_id": "cam" }), refused).await;
    let trouble = detail["trouble"].as_str().unwrap();
    assert!(trouble.starts_with("It is not let in: the credential `cam` was revoked."), "{trouble}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_will_with_a_wildcard_is_told_with_whose_it_is() {
    let house = House::new().await;
    let secret = house.credential("plug", &["home/#"], &[]).await;
    let mut options = house.client_of("wild", "plug", secret);
    options.set_last_will(rumqttc::LastWill::new("home/#", "x", rumqttc::QoS::AtMostOnce, false));
    let (_client, mut events) = AsyncClient::new(options, 10);
    events.poll().await.unwrap_err();
    let detail = house
        .until("get_client", json!({ "client_id": "wild" }), |detail| detail["trouble"].is_string())
        .await;
    let trouble = detail["trouble"].as_str().unwrap();
    assert!(
        trouble.contains("its last will cannot be published: `+` and `#` belong in topic filters"),
        "{trouble}"
    );
    house.hub.stop().await;
}
