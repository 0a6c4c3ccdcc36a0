//! Commands over real processes: the relay guard holds a program back that nobody here wrote, and a command for a
//! sleeping board is not lost with the hub.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::process::Output;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use serde_json::{Value, json};
use testkit::hearth::{Hearth, binary};
use testkit::load::wire::Credential;
use tokio::process::Command;
use tokio::time::timeout;

/// Longest any step may take.
const WAIT: Duration = Duration::from_secs(60);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// A board on a connection of its own.
struct Board {
    client: AsyncClient,
    events: EventLoop,
}

impl Board {
    async fn connect(hearth: &Hearth, credential: &Credential) -> Self {
        let broker = hearth.mqtt();
        let mut options = MqttOptions::new(&credential.user, broker.ip().to_string(), broker.port());
        options.set_credentials(&credential.user, &credential.password);
        let (client, events) = AsyncClient::new(options, 100);
        let mut board = Self { client, events };
        board.until(|packet| matches!(packet, Packet::ConnAck(_)).then_some(())).await;
        board
    }

    async fn until<T>(&mut self, wanted: impl Fn(Packet) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Event::Incoming(packet) = self.events.poll().await.unwrap()
                    && let Some(found) = wanted(packet)
                {
                    return found;
                }
            }
        };
        timeout(WAIT, found).await.expect("the broker answers")
    }

    async fn say(&mut self, topic: &str, payload: impl ToString) {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload.to_string()).await.unwrap();
        self.until(|packet| matches!(packet, Packet::PubAck(_)).then_some(())).await;
    }

    async fn listen(&mut self, topic: &str) {
        self.client.subscribe(topic, QoS::AtLeastOnce).await.unwrap();
        self.until(|packet| matches!(packet, Packet::SubAck(_)).then_some(())).await;
    }

    async fn hear(&mut self) -> String {
        self.until(|packet| match packet {
            Packet::Publish(heard) => Some(String::from_utf8(heard.payload.to_vec()).unwrap()),
            _ => None,
        })
        .await
    }
}

/// Asks for the home until its first entity is as it should be.
async fn until(hearth: &Hearth, wanted: impl Fn(&Value) -> bool) -> Value {
    let found = async {
        loop {
            let home = hearth.call("home", json!({})).await.unwrap();
            if wanted(&home["entities"][0]) {
                return home["entities"][0].clone();
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    timeout(WAIT, found).await.expect("it never became what was awaited")
}

async fn mosquitto_pub(hearth: &Hearth, credential: &Credential, version: &str, payload: &str) -> Output {
    let broker = hearth.mqtt();
    let mut program = Command::new("mosquitto_pub");
    program.args([
        "-h",
        &broker.ip().to_string(),
        "-p",
        &broker.port().to_string(),
        "-V",
        version,
        "-q",
        "1",
    ]);
    program.args(["-u", &credential.user, "-P", &credential.password, "-t", "pump/set", "-m", payload]);
    let ran = timeout(WAIT, program.output()).await.expect("it ends");
    ran.expect("mosquitto_pub is of the package mosquitto-clients")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mosquitto_pub_is_held_back_by_the_relay_guard() {
    let folder = tempfile::tempdir().unwrap();
    let hearth = Hearth::start(&binary().unwrap(), folder.path()).await.unwrap();
    let own = hearth.add_credential("pump", &["#"], &["#"]).await.unwrap();
    let other = hearth.add_credential("kitchen-script", &["#"], &["#"]).await.unwrap();
    let mut board = Board::connect(&hearth, &own).await;
    let config = json!({
        "name": "Pump", "unique_id": "pump", "state_topic": "pump/is", "command_topic": "pump/set",
        "device": { "identifiers": ["pump"], "name": "Pump" },
    });
    board.say("homeassistant/switch/pump/pump/config", config).await;
    board.say("pump/is", "OFF").await;
    let entity = until(&hearth, |entity| entity["state"]["value"] == false).await["entity"]["id"].clone();
    board.listen("pump/set").await;
    let rules = json!({ "switches_per_minute": 2 });
    hearth.call("set_guard", json!({ "entity": entity, "rules": rules })).await.unwrap();

    for payload in ["ON", "OFF"] {
        assert!(mosquitto_pub(&hearth, &other, "mqttv311", payload).await.status.success());
        assert_eq!(board.hear().await, payload);
    }
    let silent = mosquitto_pub(&hearth, &other, "mqttv311", "ON").await;
    assert!(silent.status.success(), "before MQTT 5 there is no code for it: {silent:?}");
    let told = mosquitto_pub(&hearth, &other, "mqttv5", "ON").await;
    let said = String::from_utf8_lossy(&told.stderr).to_lowercase();
    assert!(said.contains("quota exceeded"), "{told:?}");
    // Off is always possible, and nothing else reached the board.
    assert!(mosquitto_pub(&hearth, &other, "mqttv311", "OFF").await.status.success());
    assert_eq!(board.hear().await, "OFF");
    let guard = hearth.call("get_guard", json!({ "id": entity })).await.unwrap();
    let held: u64 =
        guard["held"].as_array().unwrap().iter().map(|held| held["count"].as_u64().unwrap()).sum();
    assert_eq!((held, guard["switches"].as_u64()), (2, Some(2)), "{guard}");

    hearth.kill9().await.unwrap();
    let hearth = Hearth::start(&binary().unwrap(), folder.path()).await.unwrap();
    let guard = hearth.call("get_guard", json!({ "id": entity })).await.unwrap();
    assert_eq!(guard["switches"], 2, "a kill forgets no switch: {guard}");
    hearth.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_just_after_a_command_does_not_shorten_the_rest_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut hearth = Hearth::start(&binary().unwrap(), folder.path()).await.unwrap();
    let own = hearth.add_credential("pump", &["#"], &["#"]).await.unwrap();
    let config = json!({
        "name": "Pump", "unique_id": "pump", "state_topic": "pump/is", "command_topic": "pump/set",
        "device": { "identifiers": ["pump"], "name": "Pump" },
    });
    let mut board = Board::connect(&hearth, &own).await;
    board.say("homeassistant/switch/pump/pump/config", config).await;
    board.say("pump/is", "ON").await;
    let entity = until(&hearth, |entity| entity["state"]["value"] == true).await["entity"]["id"].clone();
    let rules = json!({ "min_off_s": 600 });
    hearth.call("set_guard", json!({ "entity": entity, "rules": rules })).await.unwrap();
    let on = json!({ "topic": "pump/set", "payload": "ON", "qos": 1 });
    // It is on, so it may be told so.
    hearth.call("publish", on.clone()).await.unwrap();
    for _ in 0..3 {
        board.listen("pump/set").await;
        board.client.publish("pump/set", QoS::AtMostOnce, false, "OFF").await.unwrap();
        assert_eq!(board.hear().await, "OFF");
        hearth.kill9().await.unwrap();
        hearth = Hearth::start(&binary().unwrap(), folder.path()).await.unwrap();
        let held = hearth.call("publish", on.clone()).await.unwrap_err().to_string();
        assert!(held.contains("when Hearth started after a crash"), "{held}");
        board = Board::connect(&hearth, &own).await;
    }
    // Stopped in an orderly way it forgets nothing and doubts nothing.
    hearth.stop().await.unwrap();
    let hearth = Hearth::start(&binary().unwrap(), folder.path()).await.unwrap();
    let activity = hearth.call("list_activity", json!({})).await.unwrap();
    let doubts = |line: &&Value| line["text"].as_str().unwrap().contains("did not end in an orderly way");
    assert_eq!(activity["lines"].as_array().unwrap().iter().filter(doubts).count(), 3, "{activity}");
    hearth.call("publish", on).await.unwrap_err();
    hearth.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_for_a_sleeping_board_outlives_a_kill_of_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let hearth = Hearth::start(&binary().unwrap(), folder.path()).await.unwrap();
    let own = hearth.add_credential("valve", &["#"], &["#"]).await.unwrap();
    let mut board = Board::connect(&hearth, &own).await;
    for (topic, payload) in [
        ("$homie", "4.0.0"),
        ("$name", "Valve"),
        ("$nodes", "relay"),
        ("relay/$name", "Relay"),
        ("relay/$type", "switch"),
        ("relay/$properties", "power"),
        ("relay/power/$name", "Power"),
        ("relay/power/$datatype", "boolean"),
        ("relay/power/$settable", "true"),
        ("$state", "ready"),
        ("relay/power", "false"),
        ("$state", "sleeping"),
    ] {
        board.say(&format!("homie/valve/{topic}"), payload).await;
    }
    let asleep = until(&hearth, |entity| entity["state"]["availability"] == "asleep").await;
    let entity = asleep["entity"]["id"].clone();
    hearth.call("command", json!({ "entity": entity, "verb": "turn_on" })).await.unwrap();
    hearth.kill9().await.unwrap();

    let hearth = Hearth::start(&binary().unwrap(), folder.path()).await.unwrap();
    until(&hearth, |entity| entity["command"]["stage"] == "waiting").await;
    let mut board = Board::connect(&hearth, &own).await;
    // It says that it is there, and subscribes then, as most do.
    board.say("homie/valve/$state", "ready").await;
    board.listen("homie/valve/relay/power/set").await;
    assert_eq!(board.hear().await, "true");
    board.say("homie/valve/relay/power", "true").await;
    until(&hearth, |entity| entity["command"]["stage"] == "confirmed").await;
    hearth.stop().await.unwrap();
    let hearth = Hearth::start(&binary().unwrap(), folder.path()).await.unwrap();
    let entity = until(&hearth, |entity| entity["state"]["value"] == true).await;
    assert_eq!(entity["command"], json!(null), "what was sent does not wait any more");
    hearth.stop().await.unwrap();
}
