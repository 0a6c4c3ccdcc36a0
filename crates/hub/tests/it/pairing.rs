//! Pairing end to end, against boards that behave as their firmware does. Each story ends with a paired board, or with
//! nothing at all, and says which.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hub::api::{self, Caller};
use serde_json::{Value, json};
use testkit::boards::serial::SerialBoard;
use testkit::boards::{Broker, FakeBoard, Firmware, Temper};
use tokio::sync::mpsc;

use crate::command_line::typed;
use crate::house::{Board, House};

/// Longest any of these tests waits for something that has to happen.
const WAIT: Duration = Duration::from_secs(60);

const ALL: [(Firmware, &str); 6] = [
    (Firmware::Tasmota, "tasmota"),
    (Firmware::ShellyGen1, "shelly-gen1"),
    (Firmware::ShellyGen2, "shelly-gen2"),
    (Firmware::Wled, "wled"),
    (Firmware::Espurna, "espurna"),
    (Firmware::Homie, "homie"),
];

fn loopback(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

/// What accepts a board at its address.
fn accept(board: &FakeBoard, firmware: &str) -> Value {
    json!({
        "address": board.address().to_string(), "name": format!("{firmware} board"), "firmware": firmware,
        "wifi_ssid": "home", "wifi_password": "wifi secret",
    })
}

fn with(mut params: Value, more: Value) -> Value {
    let more = more.as_object().unwrap().clone();
    params.as_object_mut().unwrap().extend(more);
    params
}

impl House {
    /// Watches until what is to be seen of pairing is as it should be.
    async fn until_pairing(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let (into, mut views) = mpsc::channel(1);
        api::open_stream(self.hub.clone(), Caller::Desktop, "watch_pairing", None, into).unwrap();
        let mut last = Value::Null;
        let found = tokio::time::timeout(WAIT, async {
            while let Some(view) = views.recv().await {
                last = serde_json::from_str(view.get()).unwrap();
                if wanted(&last) {
                    return;
                }
            }
        });
        assert!(found.await.is_ok(), "pairing never became what was awaited; last: {last}");
        last
    }

    /// Pairs a board to the end, and returns that.
    async fn pair(&self, params: Value) -> Value {
        let begun = self.call("accept_candidate", params).await.unwrap();
        self.end_of(&begun).await
    }

    async fn end_of(&self, begun: &Value) -> Value {
        let of = |view: &Value| {
            let mut all = view["pairings"].as_array().unwrap().iter();
            all.find(|one| one["id"] == begun["id"]).cloned().unwrap_or_default()
        };
        of(&self.until_pairing(|view| !of(view)["ended_ms"].is_null()).await)
    }

    async fn credentials(&self) -> Vec<String> {
        let listed = self.call("list_credentials", json!({})).await.unwrap();
        let listed = listed["credentials"].as_array().unwrap().iter();
        listed.map(|credential| credential["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The candidate that this is true of, once it is there.
    async fn candidate(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let found =
            |view: &Value| view["candidates"].as_array().unwrap().iter().find(|one| wanted(one)).cloned();
        found(&self.until_pairing(|view| found(view).is_some()).await).unwrap()
    }

    /// A board with wrong settings for this hub, which tries and tries.
    async fn stranger(&self, firmware: Firmware, last: u8, password: &str) -> FakeBoard {
        self.stranger_as(firmware, last, "old", password).await
    }

    /// The same with another name.
    async fn stranger_as(&self, firmware: Firmware, last: u8, user: &str, password: &str) -> FakeBoard {
        let hub = self.hub.mqtt_addresses()[0];
        let broker = Broker {
            host: hub.ip().to_string(),
            port: hub.port(),
            user: user.into(),
            password: password.into(),
            topic: "old".into(),
        };
        let at = SocketAddr::new(loopback(last), 0);
        FakeBoard::start_at(firmware, at, Temper::default(), Some(broker)).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_of_each_firmware_is_paired_and_may_do_nothing_beyond_its_permissions() {
    let house = House::new().await;
    for (firmware, id) in ALL {
        let board = FakeBoard::start(firmware, loopback(11), Temper::default()).await.unwrap();
        let end = house.pair(accept(&board, id)).await;
        assert_eq!(end["stage"], "paired", "{id}: {end}");
        board.until_connected().await.unwrap();
        let broker = board.broker().unwrap();
        assert_eq!(json!(broker.user), end["user"]);
        let refused = house.call("list_refusals", json!({})).await.unwrap();
        let of_board: Vec<_> =
            refused["refusals"].as_array().unwrap().iter().filter(|one| one["user"] == end["user"]).collect();
        assert!(of_board.is_empty(), "{id} is let do what its firmware does when it comes: {of_board:?}");
        drop(board);
        assert_confined(&house, &broker).await;
    }
    assert_eq!(house.credentials().await.len(), ALL.len() + 1, "and the witness");
    house.hub.stop().await;
}

/// Whoever has the credential of a board publishes and reads nothing that is not the board's.
async fn assert_confined(house: &House, broker: &Broker) {
    let own = permitted(house, &broker.user).await;
    let _ = house.call("revoke_credential", json!({ "name": "witness" })).await;
    let mut witness = house.board("witness").await;
    witness.listen("#").await;
    let mut board = Board::connect(&house.hub, &broker.user, &broker.password).await;
    // ESPurna announces itself under names that begin with its chip's, which no filter can tell from others'.
    let announces = broker.user.starts_with("espurna");
    let mut foreign = vec![
        "other",
        "other/x",
        "cmnd/other/POWER",
        "stat/other/RESULT",
        "tele/other/LWT",
        "shellies/other/relay/0",
        "homeassistant/switch/other/config",
        "homeassistant/status",
        "wled/other/g",
        "homie/other/$state",
        "hearth/rpc",
        "$SYS/broker/uptime",
    ];
    foreign.retain(|topic| !(announces && topic.ends_with("/config")));
    for topic in &foreign {
        board.say(topic, "forged").await;
    }
    board.say(&own, "own").await;
    let heard = loop {
        let heard = witness.hear().await;
        // What is retained of boards that were paired before.
        if heard.1 == "own" || heard.1 == "forged" {
            break heard;
        }
    };
    assert_eq!(heard, (own.clone(), "own".to_owned()), "{}: nothing else came through", broker.user);

    for filter in ["#", "+/#", "other/#", "cmnd/other/#", "$SYS/#", "homeassistant/#"] {
        board.listen(filter).await;
    }
    for topic in foreign.iter().filter(|topic| !topic.starts_with('$') && **topic != "homeassistant/status") {
        witness.say(topic, "private").await;
    }
    let readable = readable(house, &broker.user).await;
    board.listen(&readable).await;
    witness.say(&readable, "for you").await;
    loop {
        let (topic, payload) = board.hear().await;
        assert_ne!(payload, "private", "{} heard {topic}", broker.user);
        if payload == "for you" {
            break;
        }
    }
}

async fn permissions(house: &House, user: &str, kind: &str) -> Vec<String> {
    let listed = house.call("list_credentials", json!({})).await.unwrap();
    let mut all = listed["credentials"].as_array().unwrap().iter();
    let own = all.find(|credential| credential["name"] == user).unwrap();
    own["permissions"][kind]
        .as_array()
        .unwrap()
        .iter()
        .map(|filter| filter.as_str().unwrap().to_owned())
        .collect()
}

/// A topic it may publish to.
async fn permitted(house: &House, user: &str) -> String {
    let filters = permissions(house, user, "write").await;
    filters
        .into_iter()
        .find(|filter| filter.ends_with("/#") && filter.contains(user))
        .unwrap()
        .replace("/#", "/own")
}

/// A topic it may read.
async fn readable(house: &House, user: &str) -> String {
    let filters = permissions(house, user, "read").await;
    let own = filters.into_iter().find(|filter| filter.contains(user)).unwrap();
    own.replace(['#', '+'], "own")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_of_the_board_leaves_nothing_and_the_right_one_pairs_it() {
    let house = House::new().await;
    for (firmware, id) in ALL.into_iter().filter(|(firmware, _)| *firmware != Firmware::Homie) {
        let temper = Temper { password: Some("board secret".into()), ..Temper::default() };
        let board = FakeBoard::start(firmware, loopback(12), temper).await.unwrap();
        for given in [json!({}), json!({ "board_password": "wrong guess" })] {
            let end = house.pair(with(accept(&board, id), given)).await;
            assert_eq!(end["stage"], "failed", "{id}: {end}");
            let text = end["text"].as_str().unwrap();
            assert!(
                text.contains("wants its own password") && text.contains("Nothing was changed"),
                "{id}: {text}"
            );
            assert_eq!(house.credentials().await, Vec::<String>::new(), "{id}");
            assert_eq!(board.broker(), None, "{id}");
        }
        if firmware == Firmware::Wled {
            // Its PIN is for people.
            continue;
        }
        let end = house.pair(with(accept(&board, id), json!({ "board_password": "board secret" }))).await;
        assert_eq!(end["stage"], "paired", "{id}: {end}");
        house.call("revoke_credential", json!({ "name": end["user"] })).await.unwrap();
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_restarts_in_the_middle_is_paired_all_the_same() {
    let house = House::new().await;
    let mut pairings = Vec::new();
    for (firmware, id) in ALL {
        let temper = Temper { crashes_once: true, ..Temper::default() };
        let board = FakeBoard::start(firmware, loopback(13), temper).await.unwrap();
        let begun = house.call("accept_candidate", accept(&board, id)).await.unwrap();
        pairings.push((id, board, begun));
    }
    for (id, board, begun) in pairings {
        let end = house.end_of(&begun).await;
        assert_eq!(end["stage"], "paired", "{id}: {end}");
        assert!(board.restarts() >= 1, "{id}");
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_never_returns_leaves_nothing_and_what_it_was_told_is_said() {
    let house = House::new().await;
    for temper in [
        Temper { never_returns: true, ..Temper::default() },
        Temper { mangles_password: true, ..Temper::default() },
    ] {
        let board = FakeBoard::start(Firmware::ShellyGen1, loopback(14), temper).await.unwrap();
        let end = house.pair(with(accept(&board, "shelly-gen1"), json!({ "wait_s": 2 }))).await;
        assert_eq!(end["stage"], "failed", "{end}");
        let text = end["text"].as_str().unwrap();
        assert!(text.starts_with("The board did not log in within 2 s."), "{text}");
        assert!(text.contains("has address, user, password and topic of the broker of the try"), "{text}");
        assert_eq!(house.credentials().await, Vec::<String>::new());
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_address_leaves_nothing() {
    let house = House::new().await;
    let board = FakeBoard::start(Firmware::Tasmota, loopback(15), Temper::default()).await.unwrap();
    let params = accept(&board, "tasmota");
    let refused = house.call("accept_candidate", with(params.clone(), json!({ "address": "8.8.8.8" }))).await;
    assert!(refused.unwrap_err().message.contains("no secret is sent there"));
    drop(board);
    let end = house.pair(params).await;
    let text = end["text"].as_str().unwrap();
    assert!(text.contains("did not answer 3 times") && text.contains("Nothing was changed"), "{text}");
    assert_eq!(house.credentials().await, Vec::<String>::new());
    let lines = house.call("list_activity", json!({})).await.unwrap();
    let told = lines["lines"]
        .as_array()
        .unwrap()
        .iter()
        .any(|line| line["text"].as_str().unwrap().contains("was not paired"));
    assert!(told, "{lines}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_boards_at_once_do_not_know_of_each_other() {
    let house = House::new().await;
    let lost = Temper { never_returns: true, ..Temper::default() };
    let good = FakeBoard::start(Firmware::Tasmota, loopback(16), Temper::default()).await.unwrap();
    let bad = FakeBoard::start(Firmware::Tasmota, loopback(17), lost).await.unwrap();
    let plug = json!({ "name": "Plug", "wait_s": 3 });
    let first = house.call("accept_candidate", with(accept(&bad, "tasmota"), plug.clone())).await.unwrap();
    let twice =
        house.call("accept_candidate", with(accept(&bad, "tasmota"), plug.clone())).await.unwrap_err();
    assert!(twice.message.contains("being paired already"), "{twice}");
    let second = house.call("accept_candidate", with(accept(&good, "tasmota"), plug)).await.unwrap();
    assert_eq!((&first["user"], &second["user"]), (&json!("plug"), &json!("plug-2")));
    assert_eq!(house.end_of(&second).await["stage"], "paired");
    assert_eq!(house.end_of(&first).await["stage"], "failed");
    assert_eq!(house.credentials().await, ["plug-2"]);
    assert!(good.is_connected());
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_the_window_is_a_candidate_and_gets_settings_of_its_own() {
    let house = House::new().await;
    let board = house.stranger(Firmware::Tasmota, 18, "an old password").await;
    house.call("open_pairing", json!({})).await.unwrap();
    let candidate = house.candidate(|one| one["client_id"] == "DVES_00A012").await;
    assert_eq!((&candidate["way"], &candidate["firmware"]), (&json!("refused"), &json!("tasmota")));
    assert_eq!((&candidate["user"], &candidate["address"]), (&json!("…(3 characters)"), &json!("127.0.0.1")));
    let area = house.call("add_area", json!({ "name": "Kitchen" })).await.unwrap();
    // All boards of these tests come from one address, so it is said where its web page is.
    let params = json!({
        "candidate": candidate["id"], "address": board.address().to_string(), "name": "Kettle", "area": area["id"],
    });
    let end = house.pair(params).await;
    assert_eq!(end["stage"], "paired", "{end}");
    assert_eq!(board.broker().unwrap().user, "kettle");
    let named =
        |home: &Value| home["devices"][0]["name"] == "Kettle" && home["devices"][0]["area"] == area["id"];
    house.until("home", json!({}), named).await;
    let view = house.call("pairing", json!({})).await.unwrap();
    assert_eq!(view["candidates"], json!([]), "it is no candidate any more");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_was_reset_is_paired_again_and_stays_the_same_device() {
    let house = House::new().await;
    let area = house.call("add_area", json!({ "name": "Living room" })).await.unwrap();
    let about = json!({ "name": "Desk lamp", "area": area["id"] });
    let pair = async |house: &House| {
        // The same last number is the same MAC address.
        let board = FakeBoard::start(Firmware::Tasmota, loopback(41), Temper::default()).await.unwrap();
        let at = json!({ "address": board.address().to_string() });
        let seen = house.call("look_at_board", at).await.unwrap();
        assert_eq!(seen["mac"], "5CCF7F00A029");
        let end = house.pair(with(accept(&board, "tasmota"), about.clone())).await;
        assert_eq!(end["stage"], "paired", "{end}");
        board.until_connected().await.unwrap();
        (board, end)
    };
    let (board, first) = pair(&house).await;
    assert_eq!(first["device"], Value::Null);
    let is_named = |home: &Value| {
        home["devices"][0]["name"] == "Desk lamp"
            && home["entities"].as_array().is_some_and(|all| !all.is_empty())
    };
    let before = house.until("home", json!({}), is_named).await;
    assert_eq!(before["devices"][0]["id"], "desk_lamp", "what scripts call it comes from its name");
    drop(board);

    let (_board, again) = pair(&house).await;
    assert_eq!((&again["user"], &again["device"]), (&json!("desk-lamp-2"), &json!("desk_lamp")));
    let topic = |home: &Value| home["entities"].to_string().contains("cmnd/desk-lamp-2/");
    let after = house.until("home", json!({}), topic).await;
    let ids = |home: &Value| {
        let all = home["entities"].as_array().unwrap().iter();
        all.map(|live| live["entity"]["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&after), ids(&before));
    assert_eq!(after["devices"].as_array().unwrap().len(), 1);
    let device = &after["devices"][0];
    assert_eq!((&device["credential"], &device["area"]), (&json!("desk-lamp-2"), &area["id"]));
    assert_eq!(house.credentials().await, ["desk-lamp-2"], "the former one is gone");
    house.call("put_away_pairing", json!({ "id": again["id"] })).await.unwrap();
    let left = house.call("pairing", json!({})).await.unwrap();
    assert!(left["pairings"].as_array().unwrap().iter().all(|one| one["id"] != again["id"]), "{left}");
    let house = house.restart().await;
    assert_eq!(house.credentials().await, ["desk-lamp-2"]);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_the_window_can_be_let_in_as_it_is() {
    let house = House::new().await;
    let board = house.stranger(Firmware::Tasmota, 19, "an old password").await;
    house.call("open_pairing", json!({})).await.unwrap();
    let candidate = house.candidate(|one| one["why_not_as_it_is"].is_null()).await;
    let params = json!({ "candidate": candidate["id"], "name": "Kettle", "way": "as_it_is" });
    let begun = house.call("accept_candidate", params).await.unwrap();
    let closed = house.call("close_pairing", json!({})).await.unwrap();
    assert_eq!(closed["candidates"], json!([]), "what is under way goes on without the window");
    let end = house.end_of(&begun).await;
    assert_eq!((&end["stage"], &end["user"]), (&json!("paired"), &json!("old")), "{end}");
    board.until_connected().await.unwrap();
    assert_eq!(board.restarts(), 0, "nothing was sent to it");
    assert_confined(&house, &board.broker().unwrap()).await;
    let house = house.restart().await;
    let known = board.broker().unwrap();
    Board::connect(&house.hub, &known.user, &known.password).await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_too_short_is_not_let_in() {
    let house = House::new().await;
    let _board = house.stranger(Firmware::Wled, 20, "short").await;
    house.call("open_pairing", json!({})).await.unwrap();
    let candidate = house
        .candidate(|one| one["why_not_as_it_is"].as_str().is_some_and(|why| why.contains("fewer than eight")))
        .await;
    let params =
        json!({ "candidate": candidate["id"], "name": "Strip", "way": "as_it_is", "firmware": "wled" });
    assert!(house.call("accept_candidate", params).await.unwrap_err().message.contains("fewer than eight"));
    assert_eq!(house.credentials().await, Vec::<String>::new());
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_factory_fresh_board_logs_in_with_becomes_no_credential() {
    let house = House::new().await;
    let _board = house.stranger_as(Firmware::Tasmota, 26, "DVES_USER", "DVES_PASS").await;
    house.call("open_pairing", json!({})).await.unwrap();
    let refused =
        |one: &Value| one["why_not_as_it_is"].as_str().is_some_and(|why| why.contains("factory-fresh"));
    let candidate = house.candidate(refused).await;
    let params = json!({ "candidate": candidate["id"], "name": "Plug", "way": "as_it_is" });
    let why = house.call("accept_candidate", params).await.unwrap_err().message;
    assert!(
        why.contains("every factory-fresh Tasmota") && why.contains("Give it an access of its own"),
        "{why}"
    );
    assert_eq!(house.credentials().await, Vec::<String>::new());
    house.hub.stop().await;
    // A password of the owner's is nobody else's, whatever the name.
    let house = House::new().await;
    let _board = house.stranger_as(Firmware::Tasmota, 26, "DVES_USER", "a password of my own").await;
    house.call("open_pairing", json!({})).await.unwrap();
    house.candidate(|one| one["why_not_as_it_is"].is_null()).await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_paired_board_tells_that_it_came_and_with_what() {
    let house = House::new().await;
    let board = FakeBoard::start(Firmware::Tasmota, loopback(28), Temper::default()).await.unwrap();
    assert_eq!(house.pair(accept(&board, "tasmota")).await["stage"], "paired");
    let home = house.until("home", json!({}), |home| home["devices"][0].is_object()).await;
    let user = home["devices"][0]["credential"].as_str().unwrap();
    let has_come = |log: &Value| {
        let told = log["lines"].to_string();
        told.contains("Connected from")
            && told.contains(&format!("Its board came in with the access `{user}`."))
    };
    house.until("device_log", json!({ "id": home["devices"][0]["id"] }), has_come).await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_whose_device_was_removed_is_offered_nowhere() {
    let house = House::new().await;
    let board = FakeBoard::start(Firmware::Tasmota, loopback(27), Temper::default()).await.unwrap();
    house.call("look_at_board", json!({ "address": board.address().to_string() })).await.unwrap();
    let end = house.pair(accept(&board, "tasmota")).await;
    assert_eq!(end["stage"], "paired", "{end}");
    let home = house.until("home", json!({}), |home| home["devices"][0].is_object()).await;
    house.call("remove_device", json!({ "id": home["devices"][0]["id"] })).await.unwrap();
    let view = house.call("pairing", json!({})).await.unwrap();
    assert_eq!((&view["pairings"], &view["candidates"]), (&json!([]), &json!([])), "{view}");
    assert_eq!(house.credentials().await, Vec::<String>::new());
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_expires_forgets_who_was_not_accepted() {
    let house = House::new().await;
    let _board = house.stranger(Firmware::Tasmota, 21, "an old password").await;
    house.call("open_pairing", json!({ "seconds": 3 })).await.unwrap();
    let candidate = house.candidate(|_| true).await;
    house.until_pairing(|view| view["open_until_ms"].is_null() && view["candidates"] == json!([])).await;
    let params = json!({ "candidate": candidate["id"], "name": "Kettle", "way": "as_it_is" });
    assert!(house.call("accept_candidate", params).await.unwrap_err().message.contains("window closed"));
    assert_eq!(house.credentials().await, Vec::<String>::new());
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_or_cut_off_by_a_restart_leaves_nothing() {
    let house = House::new().await;
    let lost = Temper { never_returns: true, ..Temper::default() };
    let board = FakeBoard::start(Firmware::Tasmota, loopback(22), lost).await.unwrap();
    let begun = house.call("accept_candidate", accept(&board, "tasmota")).await.unwrap();
    house.until_pairing(|view| view["pairings"][0]["stage"] == "waiting").await;
    assert_eq!(house.credentials().await, ["tasmota-board"], "until it is in, only for this run");
    house.call("cancel_pairing", json!({ "id": begun["id"] })).await.unwrap();
    assert_eq!(house.credentials().await, Vec::<String>::new());
    assert_eq!(house.call("pairing", json!({})).await.unwrap()["pairings"][0]["stage"], "failed");

    let lost = Temper { never_returns: true, ..Temper::default() };
    let board = FakeBoard::start(Firmware::Tasmota, loopback(23), lost).await.unwrap();
    house.call("accept_candidate", accept(&board, "tasmota")).await.unwrap();
    house.until_pairing(|view| view["pairings"][1]["stage"] == "waiting").await;
    let house = house.restart().await;
    assert_eq!(house.credentials().await, Vec::<String>::new());
    let lines = house.call("list_activity", json!({})).await.unwrap().to_string();
    assert!(lines.contains("was not finished when Hearth ended"), "{lines}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_finds_boards_and_says_what_they_are() {
    let house = House::new().await;
    let first =
        FakeBoard::start(Firmware::Tasmota, IpAddr::from([127, 77, 0, 8]), Temper::default()).await.unwrap();
    let port = first.address().port();
    let locked = Temper { password: Some("board secret".into()), ..Temper::default() };
    let mut boards = vec![first];
    for (last, firmware) in
        [(9, Firmware::ShellyGen1), (10, Firmware::ShellyGen2), (11, Firmware::Wled), (12, Firmware::Homie)]
    {
        let at = SocketAddr::from(([127, 77, 0, last], port));
        boards.push(FakeBoard::start_at(firmware, at, locked.clone(), None).await.unwrap());
    }
    house.call("search_lan", json!({ "sweep": true, "range": "127.77.0.8/29", "port": port })).await.unwrap();
    let view = house.until_pairing(|view| view["search"].is_null()).await;
    let mut found: Vec<Value> = view["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["address"], one["firmware"], one["locked"], one["mac"]]))
        .collect();
    found.sort_by_key(|one| {
        one[0].as_str().unwrap().len() as u64 * 1_000
            + u64::from(one[0].as_str().unwrap().as_bytes().last().copied().unwrap())
    });
    assert_eq!(
        json!(found),
        json!([
            ["127.77.0.8", "tasmota", false, "5CCF7F00A008"],
            ["127.77.0.9", "shelly-gen1", true, "5CCF7F00A009"],
            ["127.77.0.10", "shelly-gen2", true, "5CCF7F00A00A"],
            ["127.77.0.11", "wled", false, "5CCF7F00A00B"],
            ["127.77.0.12", "homie", false, "5CCF7F00A00C"],
        ])
    );
    let tasmota = house.candidate(|one| one["firmware"] == "tasmota").await;
    let end = house.pair(json!({ "candidate": tasmota["id"], "name": "Found" })).await;
    assert_eq!(end["stage"], "paired", "{end}");
    let write = permissions(&house, "found", "write").await;
    assert!(
        write.contains(&"tasmota/discovery/5CCF7F00A008/#".to_owned()),
        "its own MAC address only: {write:?}"
    );
    let elsewhere = house.call("search_lan", json!({ "sweep": true, "range": "192.168.1.0/24" })).await;
    assert!(elsewhere.unwrap_err().message.contains("--local-only"));
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_is_looked_at_where_it_is_said_to_be() {
    let house = House::new().await;
    let temper = Temper { password: Some("board secret".into()), ..Temper::default() };
    let board = FakeBoard::start(Firmware::Tasmota, loopback(31), temper).await.unwrap();
    let at = |address: String| json!({ "address": address });
    let seen = house.call("look_at_board", at(board.address().to_string())).await.unwrap();
    assert_eq!((&seen["firmware"], &seen["locked"]), (&json!("tasmota"), &json!(true)), "{seen}");
    assert_eq!(house.candidate(|one| one["id"] == seen["id"]).await["http_port"], board.address().port());

    let begun = json!({ "candidate": seen["id"], "name": "Desk", "board_password": "wrong guess" });
    let end = house.pair(begun).await;
    assert_eq!((&end["stage"], &end["wants_password"]), (&json!("failed"), &json!(true)), "{end}");
    assert_eq!(end["reached"], "handing_over", "where it failed");
    assert_eq!((&end["candidate"], &end["http_port"]), (&seen["id"], &json!(board.address().port())));

    let terminal = FakeBoard::start(Firmware::Espurna, loopback(31), Temper::default()).await.unwrap();
    let unknown = house.call("look_at_board", at(terminal.address().to_string())).await.unwrap_err();
    assert!(unknown.message.contains("Choose the firmware"), "{}", unknown.message);
    let gone = board.address().to_string();
    board.switch_off().await;
    let nobody = house.call("look_at_board", at(gone)).await.unwrap_err();
    assert!(nobody.message.contains("Nobody answers"), "{}", nobody.message);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_can_be_stopped() {
    let house = House::new().await;
    // Addresses that take connections and never answer keep a search busy until it gives up.
    let silent = tokio::net::TcpListener::bind((loopback(33), 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    house.call("search_lan", json!({ "sweep": true, "range": "127.0.0.33/32", "port": port })).await.unwrap();
    let again =
        house.call("search_lan", json!({ "sweep": true, "range": "127.0.0.1/32" })).await.unwrap_err();
    assert!(again.message.contains("or stop it"), "{}", again.message);
    house.call("stop_search", json!({})).await.unwrap();
    let view = house.until_pairing(|view| view["search"].is_null()).await;
    assert_eq!(view["candidates"], json!([]));
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firmware_that_takes_the_network_with_its_settings_wants_one() {
    let house = House::new().await;
    let firmwares = house.call("list_firmwares", json!({})).await.unwrap();
    let of = |id: &str| {
        let mut all = firmwares["firmwares"].as_array().unwrap().iter();
        let one = all.find(|one| one["id"] == id).unwrap();
        json!([one["network"], one["serial"], one["needs_wifi"], one["snippet"]])
    };
    assert_eq!(of("tasmota"), json!([true, true, false, true]));
    assert_eq!(of("espurna"), json!([true, true, false, true]));
    assert_eq!(of("homie"), json!([true, false, true, true]));
    assert_eq!(of("esphome"), json!([false, false, false, true]));

    let board = FakeBoard::start(Firmware::Homie, loopback(32), Temper::default()).await.unwrap();
    let params = json!({ "address": board.address().to_string(), "name": "Desk", "firmware": "homie" });
    let refused = house.call("accept_candidate", params).await.unwrap_err();
    assert!(refused.message.contains("Wi-Fi"), "{}", refused.message);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_at_a_serial_line_joins_a_network_and_takes_its_settings() {
    let house = House::new().await;
    let web = FakeBoard::start(Firmware::Tasmota, loopback(24), Temper::default()).await.unwrap();
    let board = SerialBoard::plug_in(&format!("http://{}", web.address())).unwrap();
    let join = json!({ "serial": board.port(), "ssid": "home", "password": "wifi secret" });
    let joined = house.call("join_wifi", join).await.unwrap();
    assert_eq!(joined["url"], format!("http://{}", web.address()));
    let candidate = house.candidate(|one| one["id"] == joined["candidate"]).await;
    assert_eq!(candidate["firmware"], "tasmota");
    let params = json!({ "serial": board.port(), "name": "Desk", "firmware": "tasmota", "wifi_ssid": "home", "wifi_password": "wifi secret" });
    let end = house.pair(params).await;
    assert_eq!(end["stage"], "paired", "{end}");
    assert_eq!(board.broker().unwrap().user, "desk");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boards_are_pointed_at_the_hub_by_message_or_at_their_address() {
    let house = House::new().await;
    let mut boards = Vec::new();
    for (at, (firmware, id)) in ALL.into_iter().enumerate() {
        let board = FakeBoard::start(firmware, loopback(30 + at as u8), Temper::default()).await.unwrap();
        assert_eq!(house.pair(accept(&board, id)).await["stage"], "paired", "{id}");
        board.until_connected().await.unwrap();
        boards.push((id, board));
    }
    let before: Vec<_> =
        boards.iter().map(|(_, board)| (board.restarts(), board.broker().unwrap())).collect();
    let gone = boards.pop().unwrap();
    drop(gone);
    let pointed = house.call("point_boards_here", json!({})).await.unwrap();
    for ((id, board), (restarts, broker)) in boards.iter().zip(&before) {
        let told = pointed["boards"].as_array().unwrap().iter().find(|one| one["firmware"] == *id).unwrap();
        assert_eq!(told["told"], true, "{told}");
        assert_eq!(&board.broker().unwrap(), broker, "{id} keeps its user and password");
        let _ = restarts;
    }
    assert_eq!(pointed["boards"].as_array().unwrap().len(), ALL.len());
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_told() {
    let house = House::new().await;
    let temper = Temper { password: Some("board secret".into()), never_returns: true, ..Temper::default() };
    let board = FakeBoard::start(Firmware::Tasmota, loopback(25), temper).await.unwrap();
    let _stranger = house.stranger(Firmware::Wled, 26, "an old password").await;
    house.call("open_pairing", json!({})).await.unwrap();
    house.candidate(|_| true).await;
    let given = json!({ "board_password": "board secret", "wait_s": 1 });
    house.pair(with(accept(&board, "tasmota"), given)).await;
    let minted = board.broker().unwrap().password;
    let view = house.call("pairing", json!({})).await.unwrap().to_string();
    let lines = house.call("list_activity", json!({})).await.unwrap().to_string();
    for secret in [minted.as_str(), "board secret", "wifi secret", "an old password"] {
        assert!(!view.contains(secret) && !lines.contains(secret), "{secret}");
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_finds_a_board_and_pairs_it() {
    let house = House::new().await;
    let temper = Temper { password: Some("board secret".into()), ..Temper::default() };
    let at = IpAddr::from([127, 77, 1, 8]);
    let locked = FakeBoard::start(Firmware::ShellyGen1, at, temper).await.unwrap();
    let (dir, port) = (house.dir.path().to_owned(), locked.address().port().to_string());
    let said = tokio::task::spawn_blocking(move || {
        let search = ["pair", "search", "--range", "127.77.1.8/32", "--port", &port];
        let board = ["pair", "board", "Plug", "--candidate", "1"];
        [&search[..], &board].map(|arguments| typed(&dir, arguments))
    });
    let [(found, search), (paired, told)] = said.await.unwrap();
    assert!(
        found && search.starts_with("1: shelly-gen1, SHSW-1, 127.77.1.8, wants its password"),
        "{search}"
    );
    assert!(!paired && told.contains("wants its own password"), "{told}");
    let (dir, open) = (
        house.dir.path().to_owned(),
        FakeBoard::start(Firmware::Wled, loopback(27), Temper::default()).await.unwrap(),
    );
    let address = open.address().to_string();
    let said = tokio::task::spawn_blocking(move || {
        typed(&dir, &["pair", "board", "Strip", "--at", &address, "--firmware", "wled"])
    });
    let (paired, told) = said.await.unwrap();
    assert!(paired && told.ends_with("Strip is paired.\n"), "{told}");
    house.hub.stop().await;
}
