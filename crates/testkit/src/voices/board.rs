//! A board with power: its MQTT client, and what can be done to it from outside.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rumqttc::{AsyncClient, Event, LastWill, MqttOptions, Packet, QoS};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Said, Voice};

/// Longest wait for the board to come in.
const WAIT: Duration = Duration::from_secs(30);
/// Messages that may wait to be sent.
const QUEUE: usize = 256;

/// How it reaches the broker.
#[derive(Debug, Clone)]
pub struct Login {
    /// The broker.
    pub broker: SocketAddr,
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// A board that speaks, until it is dropped: then it vanishes without a word, as without power.
pub struct TalkingBoard {
    login: Login,
    voice: Arc<Mutex<Box<dyn Voice>>>,
    power: Option<Power>,
}

/// What runs while it has power.
struct Power {
    client: AsyncClient,
    task: JoinHandle<()>,
}

impl Drop for Power {
    fn drop(&mut self) {
        // The connection is closed without a DISCONNECT.
        self.task.abort();
    }
}

impl TalkingBoard {
    /// Plugs a board in and waits until it has said what it says first.
    pub async fn plug_in(login: Login, voice: Box<dyn Voice>) -> Result<Self> {
        let mut board = Self { login, voice: Arc::new(Mutex::new(voice)), power: None };
        board.power_up().await?;
        Ok(board)
    }

    /// Gives it power again.
    pub async fn power_up(&mut self) -> Result<()> {
        let (options, listens, birth) = {
            let voice = self.voice.lock().unwrap_or_else(PoisonError::into_inner);
            let Login { broker, user, password } = &self.login;
            let mut options = MqttOptions::new(voice.client_id(), broker.ip().to_string(), broker.port());
            options.set_credentials(user, password);
            let will = voice.will();
            options.set_last_will(LastWill::new(will.topic, will.payload, QoS::AtLeastOnce, will.retain));
            (options, voice.listens(), voice.birth())
        };
        let (client, mut events) = AsyncClient::new(options, QUEUE);
        let (acknowledged, mut waits) = watch::channel(0);
        let wanted = birth.len();
        for filter in listens {
            client.subscribe(filter, QoS::AtLeastOnce).await?;
        }
        publish(&client, birth).await?;
        let (voice, answers) = (self.voice.clone(), client.clone());
        let task = tokio::spawn(async move {
            // A connection that ends is not made anew: then the power goes.
            while let Ok(event) = events.poll().await {
                match event {
                    Event::Incoming(Packet::PubAck(_)) => acknowledged.send_modify(|count| *count += 1),
                    Event::Incoming(Packet::Publish(heard)) => {
                        let payload = String::from_utf8_lossy(&heard.payload).into_owned();
                        let said = voice
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .hears(&heard.topic, &payload);
                        for said in said {
                            let _ =
                                answers.try_publish(said.topic, QoS::AtLeastOnce, said.retain, said.payload);
                        }
                    }
                    _ => {}
                }
            }
        });
        self.power = Some(Power { client, task });
        let came = tokio::time::timeout(WAIT, waits.wait_for(|count| *count >= wanted)).await;
        ensure!(matches!(came, Ok(Ok(_))), "the board was not let in, or not heard");
        Ok(())
    }

    /// Takes its power away: it says nothing more, and its will is published.
    pub fn lose_power(&mut self) {
        self.power = None;
    }

    /// Installs the newer firmware and starts again.
    pub async fn update(&mut self) -> Result<()> {
        self.lose_power();
        self.voice.lock().unwrap_or_else(PoisonError::into_inner).updates();
        self.power_up().await
    }

    /// Its sensor measures something.
    pub async fn measure(&self, value: f64) -> Result<()> {
        let said = self.voice.lock().unwrap_or_else(PoisonError::into_inner).measures(value);
        let power = self.power.as_ref().context("the board has no power")?;
        publish(&power.client, said).await
    }

    /// Whether its relay or lamp is on.
    pub fn is_on(&self) -> bool {
        self.voice.lock().unwrap_or_else(PoisonError::into_inner).is_on()
    }
}

async fn publish(client: &AsyncClient, said: Vec<Said>) -> Result<()> {
    for Said { topic, payload, retain } in said {
        client.publish(topic, QoS::AtLeastOnce, retain, payload).await?;
    }
    Ok(())
}
