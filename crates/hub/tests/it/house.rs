//! A real hub in this process, on free ports of loopback, and a board that speaks to it.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hub::api::{self, ApiError, Caller};
use hub::{Hub, Options, Transport};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Longest any of these tests waits for something that has to happen.
const WAIT: Duration = Duration::from_secs(20);

/// Largest packet a board sends: larger than the broker takes.
const PACKET_BYTES: usize = 32 << 20;

pub(crate) struct House {
    pub(crate) hub: Arc<Hub>,
    pub(crate) dir: TempDir,
    pub(crate) token: Option<String>,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap()).await
    }

    async fn on(dir: TempDir) -> Self {
        let started = start(dir.path()).await.unwrap();
        Self { hub: started.hub, dir, token: started.new_token }
    }

    /// Stops the hub and starts it again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.hub.stop().await;
        let Self { hub, dir, .. } = self;
        drop(hub);
        Self::on(dir).await
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Result<Value, ApiError> {
        let params = RawValue::from_string(params.to_string()).unwrap();
        let answer = api::dispatch(self.hub.clone(), Caller::Desktop, method, Some(&params)).await?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }

    /// Asks until the answer is as it should be. Whatever changes comes as a frame, so it asks again when one
    /// arrives.
    pub(crate) async fn until(&self, method: &str, params: Value, wanted: impl Fn(&Value) -> bool) -> Value {
        let (into, mut frames) = mpsc::channel(1);
        api::open_stream(self.hub.clone(), Caller::Desktop, "events", None, into).unwrap();
        let mut last = Value::Null;
        let found = tokio::time::timeout(WAIT, async {
            loop {
                last = self.call(method, params.clone()).await.unwrap_or_default();
                if wanted(&last) {
                    break;
                }
                frames.recv().await;
            }
        });
        assert!(found.await.is_ok(), "{method} never became what was awaited; last: {last}");
        last
    }

    /// A board that was there before, with a new secret.
    pub(crate) async fn board_again(&self, name: &str) -> Board {
        let renewed = self.call("renew_secret", json!({ "name": name })).await.unwrap();
        Board::connect(&self.hub, name, renewed["secret"].as_str().unwrap()).await
    }

    /// A board with a credential that may do anything.
    pub(crate) async fn board(&self, name: &str) -> Board {
        let all = json!({ "write": ["#"], "read": ["#"] });
        let made = self.call("add_credential", json!({ "name": name, "permissions": all })).await.unwrap();
        Board::connect(&self.hub, name, made["secret"].as_str().unwrap()).await
    }
}

pub(crate) async fn start(dir: &Path) -> Result<hub::start::Started, hub::StartError> {
    Hub::start(Options {
        data_dir: dir.to_owned(),
        mqtt: Some(BTreeMap::from([(Transport::Tcp, "0.0.0.0:0".parse().unwrap())])),
        http: "0.0.0.0:0".parse().ok(),
        local_only: true,
    })
    .await
}

/// An MQTT client that nobody here wrote.
pub(crate) struct Board {
    client: AsyncClient,
    events: EventLoop,
    /// Came while something else was awaited: an answer may overtake an acknowledgement.
    heard: VecDeque<(String, String)>,
}

impl Board {
    pub(crate) async fn connect(hub: &Hub, name: &str, secret: &str) -> Self {
        Self::connect_as(hub, name, secret, true).await
    }

    /// The same with a session that outlives the connection, and the hub.
    pub(crate) async fn resume(hub: &Hub, name: &str, secret: &str) -> Self {
        Self::connect_as(hub, name, secret, false).await
    }

    async fn connect_as(hub: &Hub, name: &str, secret: &str, clean_session: bool) -> Self {
        let broker = hub.mqtt_addresses()[0];
        let mut options = MqttOptions::new(name, broker.ip().to_string(), broker.port());
        options.set_max_packet_size(PACKET_BYTES, PACKET_BYTES);
        options.set_credentials(name, secret).set_clean_session(clean_session);
        let (client, events) = AsyncClient::new(options, 100);
        let mut board = Self { client, events, heard: VecDeque::new() };
        board.next(|packet| matches!(packet, Packet::ConnAck(_))).await;
        board
    }

    async fn next(&mut self, wanted: impl Fn(&Packet) -> bool) {
        let found = tokio::time::timeout(WAIT, async {
            loop {
                let Event::Incoming(packet) = self.events.poll().await.unwrap() else { continue };
                if let Packet::Publish(heard) = &packet {
                    let payload = String::from_utf8(heard.payload.to_vec()).unwrap();
                    self.heard.push_back((heard.topic.clone(), payload));
                }
                if wanted(&packet) {
                    return;
                }
            }
        });
        found.await.expect("the broker answers");
    }

    /// Publishes at QoS 1 and waits for the acknowledgement.
    pub(crate) async fn say(&mut self, topic: &str, payload: impl ToString) {
        self.say_bytes(topic, payload.to_string().into_bytes()).await;
    }

    /// The same with anything for a payload.
    pub(crate) async fn say_bytes(&mut self, topic: &str, payload: Vec<u8>) {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload).await.unwrap();
        self.next(|packet| matches!(packet, Packet::PubAck(_))).await;
    }

    /// The same, retained.
    pub(crate) async fn retain(&mut self, topic: &str, payload: impl ToString) {
        self.client.publish(topic, QoS::AtLeastOnce, true, payload.to_string()).await.unwrap();
        self.next(|packet| matches!(packet, Packet::PubAck(_))).await;
    }

    /// Publishes what is larger than the broker takes, until the connection is gone.
    pub(crate) async fn say_too_much(&mut self, topic: &str, bytes: usize) {
        self.client.publish(topic, QoS::AtLeastOnce, false, vec![0; bytes]).await.unwrap();
        let gone = async { while self.events.poll().await.is_ok() {} };
        tokio::time::timeout(WAIT, gone).await.expect("the broker closes the connection");
    }

    pub(crate) async fn listen(&mut self, filter: &str) {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        self.next(|packet| matches!(packet, Packet::SubAck(_))).await;
    }

    pub(crate) async fn hear(&mut self) -> (String, String) {
        if self.heard.is_empty() {
            self.next(|packet| matches!(packet, Packet::Publish(_))).await;
        }
        self.heard.pop_front().expect("a PUBLISH was awaited")
    }

    /// Announces a temperature sensor called Room by Home Assistant's discovery.
    pub(crate) async fn announce_temperature(&mut self) {
        let config = json!({
            "name": "Temperature", "unique_id": "room-t", "state_topic": "room/t", "unit_of_measurement": "°C",
            "device_class": "temperature", "device": { "identifiers": ["room"], "name": "Room" },
        });
        self.say("homeassistant/sensor/room/t/config", config).await;
    }
}
