//! A client that subscribes, takes what comes, and vanishes, sleeps, stalls, fights for its own client id and
//! leaves half-open sockets behind.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep, timeout};

use super::dice::Dice;
use super::link::{End, Link};
use super::packets::{self, Incoming, Version, kind};
use super::receipts::{Duty, Receipts};
use super::world::{Phase, World};

const AGAIN: Duration = Duration::from_millis(150);
/// Longest the hub may keep a connection open that was taken over.
const TAKEN_OVER_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest a session may hear nothing while something is due to it, at the very end.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What a subscriber is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temper {
    /// A bit of everything.
    Restless,
    /// Comes back with the same client id again and again, over its own connection.
    Quarrelsome,
}

/// What a subscriber is.
#[derive(Debug, Clone)]
pub(super) struct Subscriber {
    pub(super) client_id: String,
    pub(super) version: Version,
    pub(super) from: Ipv4Addr,
    pub(super) filter: String,
    pub(super) qos: u8,
    pub(super) persistent: bool,
    pub(super) temper: Temper,
}

/// How a time at the socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    TimeOver,
    CutOff,
}

impl Subscriber {
    /// What it must get.
    pub(super) fn duty(&self) -> Duty {
        match (self.qos, self.persistent) {
            (0, _) => Duty::Nothing,
            (_, true) => Duty::Everything,
            (_, false) => Duty::WhileConnected,
        }
    }

    /// Makes the session before anyone publishes.
    pub(super) async fn begin(&self, world: &World) -> Result<()> {
        let mut dice = world.dice(&format!("{} begins", self.client_id));
        let hello = world.hello(self.version, &self.client_id, self.persistent);
        let (mut link, _) = world.connect(&mut dice, self.from, End::Close, &hello).await?;
        link.subscribe(&self.filter, self.qos).await?;
        match link.next().await? {
            Incoming::SubAck { code } if code == self.qos => {}
            other => bail!("{}: SUBSCRIBE was answered with {other:?}", self.client_id),
        }
        link.goodbye().await
    }

    /// Lives until the end, and then takes what is still due to it.
    pub(super) async fn run(self, world: Arc<World>) {
        let mut dice = world.dice(&self.client_id);
        let mut receipts = Receipts::new(&self.client_id, self.qos, self.duty());
        while world.phase() < Phase::Settle {
            world.up().await;
            let end = if dice.chance(50) { End::Reset } else { End::Close };
            let Some(mut link) = self.connect(&world, &mut dice, &mut receipts, end).await else {
                sleep(AGAIN).await;
                continue;
            };
            let stay = match self.temper {
                Temper::Restless => dice.time_ms(1_000, 20_000),
                Temper::Quarrelsome => dice.time_ms(50, 1_500),
            };
            if self.listen(&world, &mut receipts, &mut link, stay).await == Left::CutOff {
                world.did("subscriber cut off");
                sleep(AGAIN).await;
                continue;
            }
            if world.phase() == Phase::Settle {
                break;
            }
            self.misbehave(&world, &mut dice, &mut receipts, link).await;
        }
        if self.duty() == Duty::Everything {
            self.settle(&world, &mut dice, &mut receipts).await;
        }
        world.counts.repeats.fetch_add(receipts.repeats, std::sync::atomic::Ordering::Relaxed);
    }

    async fn misbehave(&self, world: &Arc<World>, dice: &mut Dice, receipts: &mut Receipts, mut link: Link) {
        let throw = match self.temper {
            Temper::Restless => dice.between(1, 6),
            Temper::Quarrelsome => 4,
        };
        match throw {
            1 => {
                world.did("subscriber said goodbye and slept");
                let _ = link.goodbye().await;
                world.chaos_for(dice.time_ms(100, 8_000)).await;
            }
            2 => {
                world.did("subscriber vanished and slept");
                drop(link);
                world.chaos_for(dice.time_ms(100, 8_000)).await;
            }
            3 => {
                world.did("subscriber vanished and was back at once");
                drop(link);
            }
            4 => {
                world.did("subscriber took over its own connection");
                let hello = world.hello(self.version, &self.client_id, self.persistent);
                let Ok((next, present)) = world.connect(dice, self.from, End::Close, &hello).await else {
                    return;
                };
                self.watch_closing(world, link);
                receipts.connected(present);
                // Whatever came over the new connection so far is due again to the next one.
                drop(next);
            }
            5 => {
                world.did("subscriber stalled");
                world.chaos_for(dice.time_ms(500, 6_000)).await;
                let _ = self.listen(world, receipts, &mut link, Duration::from_secs(2)).await;
            }
            _ => {
                world.did("subscriber left a half-open socket behind");
                self.watch_closing(world, link);
            }
        }
    }

    /// The hub must close a connection whose client id came again; it is not said to be over by the client.
    fn watch_closing(&self, world: &Arc<World>, link: Link) {
        let (world, who) = (world.clone(), self.client_id.clone());
        tokio::spawn(async move {
            if let Err(why) = link.until_closed(TAKEN_OVER_TIMEOUT).await {
                world.broken(format!("{who}: a connection that was taken over stays: {why:#}"));
            }
        });
    }

    async fn connect(
        &self,
        world: &World,
        dice: &mut Dice,
        receipts: &mut Receipts,
        end: End,
    ) -> Option<Link> {
        let hello = world.hello(self.version, &self.client_id, self.persistent);
        let (mut link, present) = world.connect(dice, self.from, end, &hello).await.ok()?;
        if present != self.persistent {
            world.broken(format!("{}: session present is {present}", self.client_id));
        }
        receipts.connected(present);
        if !self.persistent || dice.chance(10) {
            // Again, for a session that has it already: nothing is retained here, so nothing may change.
            link.subscribe(&self.filter, self.qos).await.ok()?;
        }
        Some(link)
    }

    /// Takes what comes for a time.
    async fn listen(&self, world: &World, receipts: &mut Receipts, link: &mut Link, stay: Duration) -> Left {
        let until = Instant::now() + stay;
        let mut settle = std::pin::pin!(world.reached(Phase::Settle));
        loop {
            if self.take(world, receipts, link).await.is_err() {
                return Left::CutOff;
            }
            // Only the reading may be broken off: half an acknowledgement would spoil the connection.
            tokio::select! {
                filled = link.fill() => if filled.is_err() { return Left::CutOff },
                () = tokio::time::sleep_until(until) => return Left::TimeOver,
                () = &mut settle => return Left::TimeOver,
            }
        }
    }

    /// Notes what is there and answers it.
    async fn take(&self, world: &World, receipts: &mut Receipts, link: &mut Link) -> Result<()> {
        let mut out = Vec::new();
        let mut messages = 0;
        let mut cut_off = false;
        while let Some(packet) = link.take()? {
            match packet {
                Incoming::Publish(publish) => {
                    messages += 1;
                    if let Err(story) = receipts.note(&world.book(), &publish) {
                        world.broken(story);
                    }
                    match publish.qos {
                        1 => packets::ack(&mut out, kind::PUBACK, publish.packet_id),
                        2 => packets::ack(&mut out, kind::PUBREC, publish.packet_id),
                        _ => {}
                    }
                }
                Incoming::Ack { kind: kind::PUBREL, packet_id, .. } => {
                    receipts.released(packet_id);
                    packets::ack(&mut out, kind::PUBCOMP, packet_id);
                }
                Incoming::SubAck { code } if code == self.qos => {}
                Incoming::Disconnect => cut_off = true,
                other => world.broken(format!("{}: a subscriber got {other:?}", self.client_id)),
            }
        }
        world.delivered(messages);
        if cut_off {
            bail!("the hub closes the connection");
        }
        if !out.is_empty() {
            link.send(&out).await?;
        }
        Ok(())
    }

    /// Comes for the last time and takes everything that is due.
    async fn settle(&self, world: &World, dice: &mut Dice, receipts: &mut Receipts) {
        let mut heard = Instant::now();
        while heard.elapsed() < SILENCE_MAX {
            if self.missing(world, receipts).is_empty() {
                return;
            }
            world.up().await;
            let Some(mut link) = self.connect(world, dice, receipts, End::Close).await else {
                sleep(AGAIN).await;
                continue;
            };
            loop {
                if self.take(world, receipts, &mut link).await.is_err() {
                    break;
                }
                if self.missing(world, receipts).is_empty() {
                    let _ = link.goodbye().await;
                    return;
                }
                match timeout(SILENCE_MAX, link.fill()).await {
                    Ok(Ok(())) => heard = Instant::now(),
                    Ok(Err(_)) | Err(_) => break,
                }
            }
        }
        for story in self.missing(world, receipts) {
            world.broken(format!("{} never got {story}", self.client_id));
        }
    }

    /// The first message of each topic that has not come.
    fn missing(&self, world: &World, receipts: &Receipts) -> Vec<String> {
        let book = world.book();
        let due = book.topics().iter().filter(|topic| topic.qos > 0 && self.wants(&topic.name));
        let late = due.filter(|topic| receipts.highest(&topic.name) < topic.last());
        late.map(|topic| book.story(&topic.name, receipts.highest(&topic.name) + 1)).collect()
    }

    fn wants(&self, topic: &str) -> bool {
        match self.filter.strip_suffix("/#") {
            Some(front) => topic.strip_prefix(front).is_some_and(|rest| rest.starts_with('/')),
            None => topic == self.filter,
        }
    }
}
