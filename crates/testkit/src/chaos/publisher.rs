//! A client that publishes numbers at QoS 0, 1 and 2, comes and goes, and repeats what was not acknowledged.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, sleep_until};

use super::dice::Dice;
use super::link::{End, Link};
use super::packets::{self, Incoming, Outgoing, Version, kind};
use super::world::{Phase, World};

/// Unacknowledged publishes of one client.
const IN_FLIGHT: usize = 20;
/// Reason codes from here on are refusals (MQTT 5, section 2.4).
const REFUSED: u8 = 0x80;
/// The packet id is not known.
const NOT_FOUND: u8 = 0x92;
const AGAIN: Duration = Duration::from_millis(150);
/// Digits and blanks: what a number is padded to.
const PAYLOAD_BYTES: usize = 32;

/// What a publisher is.
#[derive(Debug, Clone)]
pub(super) struct Publisher {
    pub(super) client_id: String,
    pub(super) version: Version,
    pub(super) from: Ipv4Addr,
    /// Places of its topics in the book.
    pub(super) topics: Vec<usize>,
    /// Time between two messages.
    pub(super) pace: Duration,
}

/// A publish under way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    packet_id: u16,
    topic: usize,
    number: u32,
    qos: u8,
    /// PUBREC came: PUBREL is what is repeated now.
    received: bool,
    /// PUBREL was repeated: the broker may have forgotten the exchange, and says so (MQTT 5, section 3.7.2.1).
    release_repeated: bool,
}

/// What lasts from connection to connection.
#[derive(Debug, Default)]
struct Session {
    flights: VecDeque<Flight>,
    last_id: u16,
    turn: usize,
    known: bool,
}

impl Session {
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.flights.iter().any(|flight| flight.packet_id == self.last_id) {
                return self.last_id;
            }
        }
    }
}

impl Publisher {
    /// Publishes until chaos is over, and then until everything is acknowledged.
    pub(super) async fn run(self, world: Arc<World>) {
        let mut dice = world.dice(&self.client_id);
        let mut session = Session::default();
        // Connections that were left open when the client came back without a word.
        let mut left = Vec::new();
        while world.phase() == Phase::Chaos || !session.flights.is_empty() {
            world.up().await;
            let end = if dice.chance(50) { End::Reset } else { End::Close };
            let hello = world.hello(self.version, &self.client_id, true);
            let (mut link, present) = match world.connect(&mut dice, self.from, end, &hello).await {
                Ok(connected) => connected,
                Err(_) => {
                    sleep(AGAIN).await;
                    continue;
                }
            };
            if session.known && !present {
                world.broken(format!("{}: its session is gone", self.client_id));
            }
            session.known = true;
            let stay = dice.time_ms(3_000, 25_000);
            if self.publish(&world, &mut session, &mut link, present, stay).await.is_err() {
                world.did("publisher cut off");
                sleep(AGAIN).await;
                continue;
            }
            left.clear();
            match dice.between(1, 4) {
                1 => {
                    world.did("publisher said goodbye");
                    let _ = link.goodbye().await;
                }
                2 => {
                    world.did("publisher came back over its own connection");
                    left.push(link);
                    continue;
                }
                _ => {
                    world.did("publisher vanished");
                    drop(link);
                }
            }
            world.chaos_for(dice.time_ms(0, 3_000)).await;
        }
    }

    /// Publishes over one connection for a time; in the end until all is acknowledged. An error is a connection
    /// that broke.
    async fn publish(
        &self,
        world: &World,
        session: &mut Session,
        link: &mut Link,
        present: bool,
        stay: Duration,
    ) -> Result<()> {
        let mut out = Vec::new();
        for flight in &mut session.flights {
            if flight.received {
                flight.release_repeated = true;
                packets::ack(&mut out, kind::PUBREL, flight.packet_id);
                continue;
            }
            let mut book = world.book();
            book.repeat(flight.topic, flight.number);
            let topic = book.topics()[flight.topic].name.clone();
            drop(book);
            self.put(&mut out, &topic, *flight, present);
        }
        link.send(&out).await?;
        let until = Instant::now() + stay;
        let mut due = Instant::now();
        let mut finish = std::pin::pin!(world.reached(Phase::Finish));
        let mut finishing = false;
        loop {
            if (finishing || Instant::now() >= until) && session.flights.is_empty() {
                return Ok(());
            }
            // It may also leave with messages on the way.
            if !finishing && Instant::now() >= until {
                return Ok(());
            }
            tokio::select! {
                filled = link.fill() => filled?,
                () = sleep_until(due), if !finishing && session.flights.len() < IN_FLIGHT => {
                    out.clear();
                    self.next_message(world, session, &mut out);
                    link.send(&out).await?;
                    due = Instant::now() + self.pace;
                }
                () = sleep_until(until), if !finishing => {}
                () = &mut finish, if !finishing => finishing = true,
            }
            self.answers(world, session, link).await?;
        }
    }

    fn next_message(&self, world: &World, session: &mut Session, out: &mut Vec<u8>) {
        let topic = self.topics[session.turn % self.topics.len()];
        session.turn += 1;
        let mut book = world.book();
        let number = book.send(topic, world.now_ms());
        let (name, qos) = (book.topics()[topic].name.clone(), book.topics()[topic].qos);
        drop(book);
        let packet_id = if qos > 0 { session.next_id() } else { 0 };
        let flight = Flight { packet_id, topic, number, qos, received: false, release_repeated: false };
        self.put(out, &name, flight, false);
        if qos > 0 {
            session.flights.push_back(flight);
        }
    }

    fn put(&self, out: &mut Vec<u8>, topic: &str, flight: Flight, dup: bool) {
        let payload = format!("{:PAYLOAD_BYTES$}", flight.number);
        let Flight { qos, packet_id, .. } = flight;
        let message = Outgoing { topic, payload: payload.as_bytes(), qos, retain: false, dup, packet_id };
        packets::publish(self.version, out, message);
    }

    async fn answers(&self, world: &World, session: &mut Session, link: &mut Link) -> Result<()> {
        let mut out = Vec::new();
        while let Some(packet) = link.take()? {
            let Incoming::Ack { kind, packet_id, reason } = packet else {
                if let Incoming::Disconnect = packet {
                    bail!("the hub closes the connection");
                }
                world.broken(format!("{}: a publisher got {packet:?}", self.client_id));
                continue;
            };
            let place = session.flights.iter().position(|flight| flight.packet_id == packet_id);
            let Some(place) = place else {
                world.broken(format!(
                    "{}: packet {packet_id} is not on its way, but answered",
                    self.client_id
                ));
                continue;
            };
            let Flight { topic, number, qos, release_repeated, .. } = session.flights[place];
            let forgotten = kind == kind::PUBCOMP && reason == NOT_FOUND && release_repeated;
            if reason >= REFUSED && !forgotten {
                let story = world.book().story_at(topic, number);
                world.broken(format!("{}: packet type {kind} says {reason:#04x}: {story}", self.client_id));
            }
            match (qos, kind) {
                (1, kind::PUBACK) => {
                    session.flights.remove(place);
                }
                (2, kind::PUBREC) => {
                    session.flights[place].received = true;
                    packets::ack(&mut out, kind::PUBREL, packet_id);
                }
                (2, kind::PUBCOMP) => {
                    session.flights.remove(place);
                }
                _ => world.broken(format!("{}: packet type {kind} at QoS {qos}", self.client_id)),
            }
            world.book().ack(topic, number, world.now_ms());
        }
        if !out.is_empty() {
            link.send(&out).await?;
        }
        Ok(())
    }
}

/// A pace that spreads `per_s` messages over so many publishers.
pub(super) fn pace(per_s: u32, publishers: u32, dice: &mut Dice) -> Duration {
    let mean_ms = u64::from(1_000 * publishers / per_s.max(1)).max(2);
    dice.time_ms(mean_ms / 2, mean_ms * 3 / 2)
}
