//! How the broker is reached: listeners switched on while it runs, its certificate, its limits, the doctor.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::house::House;

/// `mosquitto_pub`, an MQTT client nobody here wrote. Whether it published, and what it said.
async fn mosquitto_pub(house: &House, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new("mosquitto_pub");
    command.args(["-t", "mosquitto/said", "-m", "hello", "-q", "1"]).args(arguments).stdin(Stdio::null());
    command.current_dir(house.dir.path());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let Output { status, stdout, stderr } = output.expect("mosquitto_pub is installed (make setup)");
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

async fn credential(house: &House, name: &str) -> String {
    let all = json!({ "write": ["#"], "read": ["#"] });
    let made = house.call("add_credential", json!({ "name": name, "permissions": all })).await.unwrap();
    made["secret"].as_str().unwrap().to_owned()
}

/// The port of a listener after it was switched on.
async fn switch_on(house: &House, transport: &str) -> String {
    let on = json!({ "transport": transport, "on": true, "address": "0.0.0.0:0" });
    let listener = house.call("set_listener", on).await.unwrap();
    let listening = listener["listening"].as_str().expect("it listens at once");
    assert!(listening.starts_with("127.0.0.1:"), "--local-only keeps it off the network: {listening}");
    listening.rsplit(':').next().unwrap().to_owned()
}

async fn certificate(house: &House) -> Value {
    house.call("broker_info", json!({})).await.unwrap()["certificate"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_switched_on_while_the_hub_runs_and_a_strange_client_trusts_its_authority() {
    let house = House::new().await;
    let secret = credential(&house, "plug").await;
    assert_eq!(certificate(&house).await, Value::Null, "nothing is made before it is needed");
    let mut board = house.board("board").await;
    let port = switch_on(&house, "tls").await;
    let authority = certificate(&house).await["authority_pem"].as_str().unwrap().to_owned();
    std::fs::write(house.dir.path().join("trusted.pem"), authority).unwrap();
    let login = ["-h", "localhost", "-p", &port, "-u", "plug", "-P", &secret];
    let trusting = [&login[..], &["--cafile", "trusted.pem"]].concat();
    let (done, said) = mosquitto_pub(&house, &trusting).await;
    assert!(done, "{said}");
    let history = house.call("topic_history", json!({ "topic": "mosquitto/said" })).await.unwrap();
    assert_eq!(history["messages"][0]["payload"], "hello");
    let (done, said) = mosquitto_pub(&house, &[&login[..], &["--capath", "/etc/ssl/certs"]].concat()).await;
    assert!(!done, "a client that does not know the authority does not send its password: {said}");
    board.say("still", "here").await;

    let off = json!({ "transport": "tls", "on": false, "address": "0.0.0.0:0" });
    let listener = house.call("set_listener", off).await.unwrap();
    assert_eq!((listener["on"].clone(), listener["listening"].clone()), (json!(false), Value::Null));
    let (done, said) = mosquitto_pub(&house, &trusting).await;
    assert!(!done, "{said}");
    board.say("still", "here").await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_listener_and_every_fingerprint_and_a_renewal_keeps_the_key() {
    let house = House::new().await;
    switch_on(&house, "tls").await;
    let before = certificate(&house).await;
    let house = house.restart().await;
    let info = house.call("broker_info", json!({})).await.unwrap();
    assert!(info["listeners"][1]["listening"].is_string(), "{info}");
    assert_eq!(info["certificate"], before);
    let renewed = house.call("renew_certificate", json!({})).await.unwrap();
    assert_ne!(renewed["sha1"], before["sha1"]);
    assert_eq!(renewed["tasmota"], before["tasmota"]);
    assert_eq!(renewed["authority_pem"], before["authority_pem"]);
    assert_eq!(house.restart_and_look().await, renewed);
}

impl House {
    /// The certificate after a restart, which is the end of this house.
    async fn restart_and_look(self) -> Value {
        let house = self.restart().await;
        let found = certificate(&house).await;
        house.hub.stop().await;
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_refused_when_it_is_set_and_a_trouble_when_the_hub_starts() {
    let house = House::new().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let on = json!({ "transport": "ws", "on": true, "address": address });
    let error = house.call("set_listener", on.clone()).await.unwrap_err().to_string();
    assert!(error.contains("is used by"), "{error}");
    let off = |info: &Value| info["listeners"][2]["on"] == false && info["listeners"][2]["trouble"].is_null();
    assert!(off(&house.call("broker_info", json!({})).await.unwrap()), "everything stays as it was");

    drop(taken);
    house.call("set_listener", on).await.unwrap();
    house.hub.stop().await;
    let taken = TcpListener::bind(&address).unwrap();
    let house = house.restart().await;
    let info = house.call("info", json!({})).await.unwrap();
    assert!(info["troubles"].to_string().contains("is used by"), "{info}");
    let listener = house.call("broker_info", json!({})).await.unwrap()["listeners"][2].clone();
    assert_eq!(listener["on"], true);
    assert!(listener["trouble"].as_str().unwrap().contains("WebSocket"), "{listener}");
    house.board("board").await.say("plain", "MQTT is not kept from anybody").await;
    let lines = house.call("list_activity", json!({})).await.unwrap().to_string();
    assert!(lines.contains("switched on, but not open"), "{lines}");
    drop(taken);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_none_are_refused() {
    let house = House::new().await;
    for address in ["", "1883", "0.0.0.0", "example.org:1883", "0.0.0.0:99999"] {
        let set = json!({ "transport": "tls", "on": true, "address": address });
        let error = house.call("set_listener", set).await.unwrap_err().to_string();
        assert!(error.contains("Write address and port, such as `0.0.0.0:8883`"), "{error}");
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_for_many_is_refused_also_when_hearth_is_kept_off_the_network() {
    let house = House::new().await;
    for (address, on) in
        [("224.0.0.1:0", true), ("255.255.255.255:0", true), ("[ff02::1]:0", true), ("224.0.0.1:0", false)]
    {
        let set = json!({ "transport": "ws", "on": on, "address": address });
        let error = house.call("set_listener", set).await.unwrap_err().to_string();
        assert!(error.contains("is an address for sending to many at once"), "{error}");
    }
    let pasted = json!({ "transport": "ws", "on": true, "address": " 127.0.0.1:0\n" });
    let listener = house.call("set_listener", pasted).await.unwrap();
    assert_eq!(listener["address"], "127.0.0.1:0", "what was pasted with its line feed is kept without");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_another_computer_is_refused_before_it_is_kept() {
    let house = House::new().await;
    let listeners =
        async |house: &House| house.call("broker_info", json!({})).await.unwrap()["listeners"].clone();
    let before = listeners(&house).await;
    for (transport, on) in [("tcp", true), ("tcp", false), ("tls", true), ("ws", false)] {
        let set = json!({ "transport": transport, "on": on, "address": "203.0.113.7:1883" });
        let error = house.call("set_listener", set).await.unwrap_err().to_string();
        assert!(
            error.contains("203.0.113.7 is no address of this computer. Choose 0.0.0.0:1883 for all"),
            "{error}"
        );
    }
    assert_eq!(listeners(&house).await, before, "everything stays as it was");
    let house = house.restart().await;
    let addresses = |listeners: &Value| -> Vec<Value> {
        listeners.as_array().unwrap().iter().map(|listener| listener["address"].clone()).collect()
    };
    assert_eq!(addresses(&listeners(&house).await), addresses(&before), "nor is it kept for the next start");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_address_is_gone_starts_and_says_what_to_do_unless_it_was_asked_for_now() {
    let dir = tempfile::tempdir().unwrap();
    let db = store::HubDb::open(&dir.path().join("hub.db"), store::log_checked()).unwrap();
    let put = db.write(|conn| {
        let gone = json!({ "on": true, "address": "203.0.113.7:1883" });
        store::setting::set(conn, "broker.listeners", &json!({ "tcp": gone, "ws": gone }))?;
        // This hub is not kept off the network, so it must not announce itself either.
        store::setting::set(conn, "broker.mdns", &json!(false))
    });
    put.await.unwrap();
    db.close().unwrap();
    let start = async |given: &[(hub::Transport, &str)]| {
        let given = given.iter().map(|(way, address)| (*way, address.parse().unwrap())).collect();
        let http = "127.0.0.1:0".parse().ok();
        let data_dir = dir.path().to_owned();
        hub::Hub::start(hub::Options { data_dir, mqtt: Some(given), http, local_only: false }).await
    };
    let Err(refused) = start(&[(hub::Transport::Tcp, "203.0.113.8:1883")]).await else {
        panic!("plain MQTT is not where it was asked for")
    };
    assert!(
        refused.to_string().starts_with("203.0.113.8 is no address of this computer. Choose 0.0.0.0:1883")
    );

    let started = start(&[]).await.unwrap();
    let house = House { hub: started.hub, dir, token: started.new_token };
    let listeners = async || house.call("broker_info", json!({})).await.unwrap()["listeners"].clone();
    let told = listeners().await;
    for way in [0, 2] {
        let trouble = told[way]["trouble"].as_str().unwrap();
        assert!(
            trouble.contains("not open: 203.0.113.7 is no address of this computer. Choose"),
            "{trouble}"
        );
    }
    let off = json!({ "transport": "ws", "on": false, "address": "203.0.113.7:1883" });
    house.call("set_listener", off).await.expect("what is gone can be switched off");
    let here = json!({ "transport": "tcp", "on": true, "address": "127.0.0.1:0" });
    house.call("set_listener", here).await.unwrap();
    let told = listeners().await;
    assert!(told[0]["trouble"].is_null() && told[2]["trouble"].is_null(), "{told}");
    house.board("board").await.say("back", "again").await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_mqtt_moves_while_its_clients_stay() {
    let house = House::new().await;
    let mut board = house.board("board").await;
    let before = house.hub.mqtt_addresses();
    let moved = json!({ "transport": "tcp", "on": true, "address": "127.0.0.1:0" });
    let listener = house.call("set_listener", moved).await.unwrap();
    assert_ne!(house.hub.mqtt_addresses(), before);
    assert_eq!(listener["from_command_line"], false);
    board.say("still", "here").await;
    house.board("new").await.say("at", "the new port").await;
    assert!(std::net::TcpStream::connect(before[0]).is_err(), "the old port is closed");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brought_certificate_is_used_and_given_back() {
    let house = House::new().await;
    let secret = credential(&house, "plug").await;
    let port = switch_on(&house, "tls").await;
    let own = certificate(&house).await;
    // Another home's authority, as somebody would bring it from elsewhere.
    let elsewhere = broker::authority::make_authority("elsewhere", 0).unwrap();
    let brought = broker::authority::issue_server(&elsewhere, &["localhost".to_owned()]).unwrap();
    let wrong = json!({ "certificate_pem": brought.certificate_pem, "key_pem": elsewhere.key_pem });
    let error = house.call("bring_certificate", wrong).await.unwrap_err().to_string();
    assert!(error.contains("does not belong to the certificate"), "{error}");
    assert_eq!(certificate(&house).await, own);
    let right = json!({ "certificate_pem": brought.certificate_pem, "key_pem": brought.key_pem });
    let view = house.call("bring_certificate", right).await.unwrap();
    assert_eq!((&view["own"], &view["authority_pem"]), (&json!(false), &Value::Null));
    std::fs::write(house.dir.path().join("elsewhere.pem"), &elsewhere.certificate_pem).unwrap();
    let login = ["-h", "localhost", "-p", &port, "-u", "plug", "-P", &secret, "--cafile", "elsewhere.pem"];
    let (done, said) = mosquitto_pub(&house, &login).await;
    assert!(done, "{said}");
    assert!(house.call("renew_certificate", json!({})).await.is_err(), "it is not Hearth's to renew");
    let none = json!({ "certificate_pem": "", "key_pem": "" });
    assert_eq!(house.call("bring_certificate", none).await.unwrap(), own);
    let (done, said) = mosquitto_pub(&house, &login).await;
    assert!(!done, "{said}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_stands_for_the_password_of_its_credential_and_of_no_other() {
    let house = House::new().await;
    let secret = credential(&house, "plug").await;
    credential(&house, "other").await;
    let port = switch_on(&house, "tls").await;
    let dir = house.dir.path();
    std::fs::write(dir.join("trusted.pem"), certificate(&house).await["authority_pem"].as_str().unwrap())
        .unwrap();
    let made = house.call("make_client_certificate", json!({ "name": "plug" })).await.unwrap();
    std::fs::write(dir.join("plug.pem"), made["certificate_pem"].as_str().unwrap()).unwrap();
    std::fs::write(dir.join("plug.key"), made["key_pem"].as_str().unwrap()).unwrap();
    assert!(house.call("make_client_certificate", json!({ "name": "nobody" })).await.is_err());
    let server = ["-h", "localhost", "-p", &port, "--cafile", "trusted.pem"];
    let shown = ["--cert", "plug.pem", "--key", "plug.key"];
    let by_password = ["-u", "plug", "-P", &secret];
    let check = async |arguments: &[&[&str]], expected: bool| {
        let (done, said) = mosquitto_pub(&house, &[&[&server[..]], arguments].concat().concat()).await;
        assert_eq!(done, expected, "{arguments:?}: {said}");
    };
    let set = async |client_certificates: &str| {
        let settings = json!({ "small_records": true, "client_certificates": client_certificates });
        house.call("set_tls", settings).await.unwrap();
    };
    check(&[&shown], false).await;
    set("optional").await;
    check(&[&shown], true).await;
    check(&[&shown, &["-u", "plug"]], true).await;
    check(&[&shown, &["-u", "other"]], false).await;
    check(&[&by_password], true).await;
    check(&[], false).await;
    set("required").await;
    check(&[&by_password], false).await;
    check(&[&shown], true).await;
    house.call("revoke_credential", json!({ "name": "plug" })).await.unwrap();
    check(&[&shown], false).await;
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_holds_from_the_next_start() {
    let house = House::new().await;
    let find = |limits: &Value, name: &str| -> Value {
        let limits = limits["limits"].as_array().unwrap();
        limits.iter().find(|limit| limit["name"] == name).unwrap().clone()
    };
    let limits = house.call("broker_limits", json!({})).await.unwrap();
    assert_eq!(find(&limits, "gather_ms")["value"], 50);
    let set = house.call("set_limit", json!({ "name": "gather_ms", "value": 5_000 })).await.unwrap();
    assert_eq!(
        (&find(&set, "gather_ms")["value"], &find(&set, "gather_ms")["next"]),
        (&json!(50), &json!(5_000))
    );
    let days = house.call("set_limit", json!({ "name": "journal_days", "value": 3 })).await.unwrap();
    assert_eq!(find(&days, "journal_days")["value"], 3, "the journal's bounds need no restart");
    house.call("set_limit", json!({ "name": "subscriptions_max", "value": 8 })).await.unwrap();
    for (name, value, told) in [("gather_ms", 60_001, "Choose 0 to 60000 ms"), ("nosuch", 1, "no limit")] {
        let error = house.call("set_limit", json!({ "name": name, "value": value })).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
    let house = house.restart().await;
    let limits = house.call("broker_limits", json!({})).await.unwrap();
    assert_eq!(find(&limits, "gather_ms")["value"], 5_000);
    assert_eq!(find(&limits, "subscriptions_max")["value"], 8);
    let back = house.call("set_limit", json!({ "name": "gather_ms", "value": null })).await.unwrap();
    assert_eq!(find(&back, "gather_ms")["next"], 50);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_cannot_be_read_is_told_and_the_rest_goes_on() {
    let house = House::new().await;
    house.hub.stop().await;
    let db = store::HubDb::open(&house.dir.path().join("hub.db"), store::log_checked()).unwrap();
    let put = db.write(|conn| {
        store::setting::set(conn, "broker.limits", &json!({ "gather_ms": 0.5, "connections_max": 100 }))?;
        store::setting::set(conn, "broker.listeners", &json!({ "tls": "yes" }))
    });
    put.await.unwrap();
    db.close().unwrap();
    let house = house.restart().await;
    let lines = house.call("list_activity", json!({})).await.unwrap().to_string();
    assert!(
        lines.contains("`gather_ms` cannot be 0.5") && lines.contains("listener `tls` cannot be read"),
        "{lines}"
    );
    let limits = house.call("broker_limits", json!({})).await.unwrap();
    assert_eq!(limits["limits"][0]["value"], 100);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_it_did_not_look_at_and_leaves_no_trace() {
    let house = House::new().await;
    let find = |found: &Value, name: &str| -> Value {
        let checks = found["checks"].as_array().unwrap();
        let named = checks.iter().find(|check| check["name"].as_str().unwrap().starts_with(name));
        named.unwrap_or_else(|| panic!("no check {name}: {found}")).clone()
    };
    let found = house.call("doctor", json!({})).await.unwrap();
    for (name, result) in [
        ("Hearth", "ok"),
        ("Port", "ok"),
        ("Answer on this computer", "ok"),
        ("Answer at the network address", "skipped"),
        ("Announcement", "skipped"),
        ("Address for boards", "skipped"),
    ] {
        assert_eq!(find(&found, name)["result"], result, "{name}: {found}");
    }
    assert!(find(&found, "Answer at the network")["found"].as_str().unwrap().contains("--local-only"));
    let lines = house.call("list_activity", json!({})).await.unwrap().to_string();
    assert!(!lines.contains(hub::doctor::client_id()), "{lines}");
    let totals = house.call("broker_totals", json!({})).await.unwrap();
    assert_eq!((&totals["refused"], totals["connections"] == 0), (&json!(0), false), "{totals}");
    let refusals = house.call("list_refusals", json!({})).await.unwrap();
    assert_eq!(refusals["refusals"], json!([]));
    house.hub.stop().await;
}
