//! Sessions that listen, and a look at what is retained.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::hearth::Hearth;
use testkit::load::Connection;
use testkit::load::wire::{self, Credential, kind};
use tokio::time::timeout;

use crate::board::Board;

/// Longest the broker may take to send what is retained.
const RETAINED_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest a session may hear nothing while something is due to it.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// A persistent session and everything it ever got.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) client_id: String,
    /// Whether the broker knew the session at the last connect.
    pub(crate) session_present: bool,
    connection: Option<Connection>,
    heard: HashMap<String, HashSet<u32>>,
    /// By topic, the highest reading so far: first deliveries come in order.
    highest: HashMap<String, u32>,
}

impl Listener {
    /// Makes the session and its subscription, and goes to sleep.
    pub(crate) async fn subscribe(
        hearth: &Hearth,
        login: &Credential,
        client_id: &str,
        filter: &str,
    ) -> Result<Self> {
        let (mut connection, _) = Connection::open(hearth.mqtt(), client_id, false, Some(login)).await?;
        connection.subscribe(filter, 1).await?;
        connection.close().await?;
        Ok(Self {
            client_id: client_id.to_owned(),
            session_present: false,
            connection: None,
            heard: HashMap::new(),
            highest: HashMap::new(),
        })
    }

    /// Connects again.
    pub(crate) async fn wake(&mut self, hearth: &Hearth, login: &Credential) -> Result<()> {
        let (connection, present) =
            Connection::open(hearth.mqtt(), &self.client_id, false, Some(login)).await?;
        self.connection = Some(connection);
        self.session_present = present;
        Ok(())
    }

    /// Says goodbye; the session stays.
    pub(crate) async fn sleep(&mut self) -> Result<()> {
        self.connection.take().context("not connected")?.close().await
    }

    /// Listens until the connection breaks.
    pub(crate) async fn listen_until_cut_off(mut self) -> Result<Self> {
        while self.listen_once().await? {}
        self.connection = None;
        Ok(self)
    }

    /// Listens until every reading of these topics has come, now or earlier.
    pub(crate) async fn listen_for(&mut self, wanted: &[(String, Vec<u32>)]) -> Result<()> {
        loop {
            let missing = wanted.iter().find_map(|(topic, values)| {
                let heard = self.heard.get(topic);
                values.iter().find(|value| !heard.is_some_and(|heard| heard.contains(value)))
            });
            let Some(missing) = missing else { return Ok(()) };
            let what = format!("{} still waits for {missing}", self.client_id);
            let heard = timeout(SILENCE_MAX, self.listen_once()).await;
            let heard = heard.with_context(|| format!("{what} and hears nothing"))??;
            ensure!(heard, "{what} and was cut off");
        }
    }

    /// Takes what has come, also what came together with the CONNACK, and awaits more; false when the
    /// connection is broken.
    async fn listen_once(&mut self) -> Result<bool> {
        let acks = self.take()?;
        let connection = self.connection.as_mut().context("not connected")?;
        if acks.is_empty() {
            return Ok(connection.fill().await.is_ok());
        }
        Ok(connection.send(&acks).await.is_ok())
    }

    /// Notes the messages that are there; gives their acknowledgements.
    fn take(&mut self) -> Result<Vec<u8>> {
        let connection = self.connection.as_mut().context("not connected")?;
        let mut acks = Vec::new();
        while let Some(packet) = connection.take()? {
            ensure!(packet.kind() == kind::PUBLISH, "a listener got a packet of type {}", packet.kind());
            let publish = packet.as_publish()?;
            ensure!(publish.qos == 1, "a listener got QoS {} of a QoS 1 message", publish.qos);
            let (topic, value) = (text(publish.topic)?, text(publish.payload)?.parse::<u32>()?);
            if self.heard.entry(topic.clone()).or_default().insert(value) {
                let highest = self.highest.entry(topic.clone()).or_default();
                ensure!(value > *highest, "{topic}: {value} came first after {highest}");
                *highest = value;
            }
            acks.extend(wire::puback(publish.packet_id));
        }
        Ok(acks)
    }
}

/// The retained messages a new subscriber of `filter` gets, by topic; awaits at least those that the boards
/// know to be acknowledged.
pub(crate) async fn retained(
    hearth: &Hearth,
    login: &Credential,
    filter: &str,
    boards: &[Board],
) -> Result<HashMap<String, u32>> {
    let mut missing: BTreeSet<String> =
        boards.iter().flat_map(Board::kept_topics).map(str::to_owned).collect();
    let (mut connection, _) = Connection::open(hearth.mqtt(), "newcomer", true, Some(login)).await?;
    connection.send(&wire::subscribe(1, filter, 0)).await?;
    let mut kept = HashMap::new();
    let collect = async {
        while !missing.is_empty() {
            connection.fill().await?;
            while let Some(packet) = connection.take()? {
                if packet.kind() != kind::PUBLISH {
                    continue;
                }
                let publish = packet.as_publish()?;
                ensure!(publish.retain, "a retained message came without its flag");
                let topic = text(publish.topic)?;
                missing.remove(&topic);
                kept.insert(topic, text(publish.payload)?.parse()?);
            }
        }
        Ok(())
    };
    let collected = timeout(RETAINED_TIMEOUT, collect).await;
    collected
        .with_context(|| format!("retained messages that were acknowledged are gone: {missing:?}"))??;
    Ok(kept)
}

fn text(bytes: &[u8]) -> Result<String> {
    Ok(std::str::from_utf8(bytes).context("the broker sent something that is not UTF-8")?.to_owned())
}
