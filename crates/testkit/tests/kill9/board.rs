//! A board that publishes and remembers what was acknowledged.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use testkit::hearth::Hearth;
use testkit::load::Connection;
use testkit::load::feed::{Outgoing, publish_all};
use testkit::load::wire::{self, Credential, PublishFlags, kind};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Readings of one board in one round; 20 boards make 10,000.
pub(crate) const PER_BOARD: u32 = 500;
/// Every so many readings a retained message goes with them.
const KEPT_EVERY: u32 = 10;
/// Topics the retained messages go round.
const KEPT_TOPICS: u32 = 8;
const IN_FLIGHT: usize = 20;
/// Readings of different rounds differ by this.
pub(crate) const ROUND_STEP: u32 = 1_000;
const REGISTERED_TIMEOUT: Duration = Duration::from_secs(20);
const REGISTERED_STEP: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Sent,
    Acked,
}

#[derive(Debug)]
struct Message {
    topic: String,
    /// The reading, or what the retained message says.
    value: u32,
    retain: bool,
    progress: Progress,
}

#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) number: u32,
    /// Id of its sensor in the registry.
    pub(crate) entity: String,
    login: Credential,
    /// Packet id is place + 1, so that a message keeps its id when it is sent again.
    messages: Vec<Message>,
}

impl Board {
    /// Publishes of one board in one round.
    pub(crate) const MESSAGES: u32 = PER_BOARD + PER_BOARD / KEPT_EVERY;

    /// Makes its credential, announces its sensor and awaits the entity.
    pub(crate) async fn announce(hearth: &Hearth, number: u32) -> Result<Self> {
        let name = format!("board{number}");
        let (config, own) = (format!("homeassistant/sensor/{name}/config"), format!("kill/{name}/#"));
        let login = hearth.add_credential(&name, &[&config, &own], &[&own]).await?;
        let announcement = json!({
            "name": "Count",
            "unique_id": name,
            "state_topic": format!("kill/{name}/state"),
            "unit_of_measurement": "W",
            "state_class": "measurement",
            "device": { "identifiers": [name], "name": format!("Board {number}") },
        });
        let (mut connection, _) = Connection::open(hearth.mqtt(), &name, false, Some(&login)).await?;
        let payload = announcement.to_string().into_bytes();
        publish_all(&mut connection, 1, [Outgoing { topic: config, payload, retain: true }]).await?;
        connection.subscribe(&format!("kill/{name}/command"), 1).await?;
        connection.close().await?;
        let entity = registered(hearth, &name).await?;
        Ok(Self { number, entity, login, messages: Vec::new() })
    }

    pub(crate) fn state_topic(&self) -> String {
        format!("kill/board{}/state", self.number)
    }

    /// What it has to publish in a round.
    pub(crate) fn begin(&mut self, round: u32) {
        self.messages.clear();
        for value in self.values(round) {
            let topic = self.state_topic();
            self.messages.push(Message { topic, value, retain: false, progress: Progress::Waiting });
            let nth = value % ROUND_STEP;
            if nth.is_multiple_of(KEPT_EVERY) {
                let topic = format!("kill/board{}/kept/{}", self.number, nth / KEPT_EVERY % KEPT_TOPICS);
                self.messages.push(Message { topic, value, retain: true, progress: Progress::Waiting });
            }
        }
    }

    /// The readings of a round.
    pub(crate) fn values(&self, round: u32) -> Vec<u32> {
        let first = round * ROUND_STEP + 1;
        (first..first + PER_BOARD).collect()
    }

    /// Resumes its session and publishes: first again what is in doubt, then the rest. True when all is
    /// acknowledged, false when it was cut off before; an error is a broker that breaks the rules.
    pub(crate) async fn publish(&mut self, address: SocketAddr, acked: &watch::Sender<u32>) -> Result<bool> {
        let client_id = format!("board{}", self.number);
        let (mut connection, present) =
            Connection::open(address, &client_id, false, Some(&self.login)).await?;
        ensure!(present, "the session of {client_id} is gone");
        let mut batch = Vec::new();
        for (place, message) in self.messages.iter().enumerate() {
            if message.progress == Progress::Sent {
                batch.extend(packet(place, message, true));
            }
        }
        loop {
            let mut in_flight = self.count(Progress::Sent);
            for (place, message) in self.messages.iter_mut().enumerate() {
                if in_flight < IN_FLIGHT && message.progress == Progress::Waiting {
                    batch.extend(packet(place, message, false));
                    message.progress = Progress::Sent;
                    in_flight += 1;
                }
            }
            if in_flight == 0 {
                connection.close().await?;
                return Ok(true);
            }
            if connection.send(&batch).await.is_err() || connection.fill().await.is_err() {
                return Ok(false);
            }
            batch.clear();
            while let Some(packet) = connection.take()? {
                ensure!(packet.kind() == kind::PUBACK, "a board got a packet of type {}", packet.kind());
                let place = usize::from(packet.packet_id()?).checked_sub(1).context("packet id 0")?;
                let message = self.messages.get_mut(place).context("an unknown packet id")?;
                ensure!(message.progress == Progress::Sent, "{client_id}: acknowledged, but not in flight");
                message.progress = Progress::Acked;
                acked.send_modify(|count| *count += 1);
            }
        }
    }

    fn count(&self, progress: Progress) -> usize {
        self.messages.iter().filter(|message| message.progress == progress).count()
    }

    /// Readings and retained messages acknowledged so far.
    pub(crate) fn acked(&self) -> impl Iterator<Item = u32> {
        self.messages
            .iter()
            .filter(|message| message.progress == Progress::Acked)
            .map(|message| message.value)
    }

    /// Readings acknowledged so far.
    pub(crate) fn acked_readings(&self) -> BTreeSet<u32> {
        self.readings(|progress| progress == Progress::Acked)
    }

    /// Readings sent and not acknowledged.
    pub(crate) fn in_doubt(&self) -> BTreeSet<u32> {
        self.readings(|progress| progress == Progress::Sent)
    }

    /// Readings that reached the socket, acknowledged or not.
    pub(crate) fn sent_readings(&self) -> BTreeSet<u32> {
        self.readings(|progress| progress != Progress::Waiting)
    }

    fn readings(&self, wanted: impl Fn(Progress) -> bool) -> BTreeSet<u32> {
        let readings = self.messages.iter().filter(|message| !message.retain && wanted(message.progress));
        readings.map(|message| message.value).collect()
    }

    /// Retained topics that must be there, because a message to them was acknowledged.
    pub(crate) fn kept_topics(&self) -> BTreeSet<&str> {
        let acked =
            self.messages.iter().filter(|message| message.retain && message.progress == Progress::Acked);
        acked.map(|message| message.topic.as_str()).collect()
    }

    /// Each retained message is the last acknowledged one of its topic, or a later one that was sent.
    pub(crate) fn check_kept(&self, kept: &HashMap<String, u32>, round: u32) {
        for topic in self.kept_topics() {
            let of_topic = |progress: Progress| {
                self.messages
                    .iter()
                    .filter(move |message| message.topic == topic && message.progress == progress)
                    .map(|message| message.value)
            };
            let last_acked = of_topic(Progress::Acked).max();
            let found = kept.get(topic).copied();
            let later = found.is_some_and(|found| of_topic(Progress::Sent).any(|sent| sent == found));
            assert!(
                found == last_acked || later,
                "round {round}: {topic} keeps {found:?}, not {last_acked:?}"
            );
        }
    }
}

fn packet(place: usize, message: &Message, dup: bool) -> Vec<u8> {
    let flags = PublishFlags { qos: 1, retain: message.retain, dup };
    let packet_id = u16::try_from(place + 1).expect("a round has fewer messages than packet ids");
    wire::publish(&message.topic, message.value.to_string().as_bytes(), flags, packet_id)
}

async fn registered(hearth: &Hearth, unique_id: &str) -> Result<String> {
    let deadline = Instant::now() + REGISTERED_TIMEOUT;
    while Instant::now() < deadline {
        let home = hearth.call("home", Value::Null).await?;
        let entities = home["entities"].as_array().context("home has no entities")?;
        let found =
            entities.iter().find(|view| view["entity"].to_string().contains(&format!("\"{unique_id}\"")));
        if let Some(id) = found.and_then(|view| view["entity"]["id"].as_str()) {
            return Ok(id.to_owned());
        }
        sleep(REGISTERED_STEP).await;
    }
    bail!("the announcement of {unique_id} was acknowledged, but no entity came of it")
}
