//! Retained messages that are overwritten and cleared, and newcomers that look whether the last one is there.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{sleep, timeout};

use super::dice::Dice;
use super::link::{End, Link};
use super::packets::{self, Incoming, Outgoing, Version, kind};
use super::world::{Epoch, Phase, World};

const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 30);
const TOPICS: u32 = 60;
const FRONT: &str = "chaos/kept/";
/// Of 100 messages this many clear their topic.
const CLEARING_PERCENT: u64 = 10;
const PACE: Duration = Duration::from_millis(40);
const AGAIN: Duration = Duration::from_millis(150);
/// Longest the hub may take to send what is retained.
const LOOK_TIMEOUT: Duration = Duration::from_secs(20);

/// A message to a topic: they are numbered over all topics, and one may clear its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    number: u32,
    clears: bool,
}

/// What a topic may keep: the last acknowledged state, or one that was sent later.
#[derive(Debug, Clone)]
struct Kept {
    acked: State,
    sent: Vec<State>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { acked: State { number: 0, clears: true }, sent: Vec::new() }
    }
}

impl Kept {
    fn may_be_empty(&self) -> bool {
        self.acked.clears || self.sent.iter().any(|state| state.clears)
    }
}

type Shelf = Arc<Mutex<HashMap<String, Kept>>>;

/// Overwrites and looks until the end.
pub(super) async fn run(world: Arc<World>) {
    let shelf = Shelf::default();
    let looking = tokio::spawn(look_again_and_again(world.clone(), shelf.clone()));
    write_again_and_again(&world, &shelf).await;
    // A panic would have been told; there is nothing left to look at.
    let _ = looking.await;
    world.reached(Phase::Settle).await;
    let epoch = world.up().await;
    if let Err(why) = look(&world, &shelf, &mut world.dice("last look"), epoch).await {
        world.broken(format!("retained messages at the end: {why:#}"));
    }
}

async fn write_again_and_again(world: &World, shelf: &Shelf) {
    let mut dice = world.dice("kept");
    let mut number = 0;
    while world.phase() == Phase::Chaos {
        world.up().await;
        let hello = world.hello(Version::V311, "kept-writer", false);
        let connected = world.connect(&mut dice, FROM, End::Close, &hello).await;
        let Ok((mut link, _)) = connected else {
            sleep(AGAIN).await;
            continue;
        };
        // Cut off: what was on the way is in doubt, and stays so until the topic's next message.
        let _ = write(world, shelf, &mut dice, &mut number, &mut link).await;
    }
}

async fn write(
    world: &World,
    shelf: &Shelf,
    dice: &mut Dice,
    number: &mut u32,
    link: &mut Link,
) -> Result<()> {
    while world.chaos_for(PACE).await {
        let topic = format!("{FRONT}{}", dice.between(1, TOPICS.into()));
        *number += 1;
        let state = State { number: *number, clears: dice.chance(CLEARING_PERCENT) };
        let payload = if state.clears { String::new() } else { number.to_string() };
        open(shelf).entry(topic.clone()).or_default().sent.push(state);
        let mut out = Vec::new();
        let message = Outgoing {
            topic: &topic,
            payload: payload.as_bytes(),
            qos: 1,
            retain: true,
            dup: false,
            packet_id: 1,
        };
        packets::publish(link.version(), &mut out, message);
        link.send(&out).await?;
        match link.next().await? {
            Incoming::Ack { kind: kind::PUBACK, packet_id: 1, .. } => {}
            other => bail!("{other:?}"),
        }
        let mut shelf = open(shelf);
        let kept = shelf.entry(topic).or_default();
        kept.acked = state;
        kept.sent.clear();
    }
    Ok(())
}

async fn look_again_and_again(world: Arc<World>, shelf: Shelf) {
    let mut dice = world.dice("newcomer");
    while world.chaos_for(dice.time_ms(1_000, 6_000)).await {
        let epoch = world.up().await;
        match look(&world, &shelf, &mut dice, epoch).await {
            Ok(()) => world.did("retained messages looked at"),
            Err(_) if !world.undisturbed(epoch) => {}
            Err(why) => world.broken(format!("retained messages: {why:#}")),
        }
    }
}

/// Subscribes as a newcomer and compares.
async fn look(world: &World, shelf: &Shelf, dice: &mut Dice, epoch: Epoch) -> Result<()> {
    let before = open(shelf).clone();
    let version = *dice.pick(&[Version::V311, Version::V5]);
    let hello = world.hello(version, "kept-reader", false);
    let (mut link, _) = world.connect(dice, FROM, End::Close, &hello).await?;
    link.subscribe(&format!("{FRONT}+"), 0).await?;
    let mut found: HashMap<String, u32> = HashMap::new();
    let complete = async {
        loop {
            match link.next().await? {
                Incoming::Publish(publish) if publish.retain => {
                    let text = std::str::from_utf8(publish.payload)?;
                    let number = text.parse().with_context(|| format!("{} keeps {text:?}", publish.topic))?;
                    if found.insert(publish.topic.to_owned(), number).is_some() {
                        bail!("{} came twice", publish.topic);
                    }
                }
                Incoming::Publish(_) | Incoming::SubAck { code: 0 } => {}
                other => bail!("a newcomer got {other:?}"),
            }
            // Every topic that cannot be empty is there.
            let now = open(shelf);
            let all = before.iter().all(|(topic, kept)| {
                found.contains_key(topic)
                    || kept.may_be_empty()
                    || now.get(topic).is_some_and(|now| now.acked != kept.acked || !now.sent.is_empty())
            });
            if all {
                return anyhow::Ok(());
            }
        }
    };
    let complete = timeout(LOOK_TIMEOUT, complete).await;
    if !world.undisturbed(epoch) {
        return Ok(());
    }
    let after = open(shelf).clone();
    match complete {
        Ok(done) => done?,
        Err(_) => {
            let missing: Vec<_> = before
                .iter()
                .filter(|(topic, kept)| !kept.may_be_empty() && !found.contains_key(*topic))
                .map(|(topic, kept)| format!("{topic} ({kept:?})"))
                .collect();
            bail!("after {LOOK_TIMEOUT:?} these are missing: {}", missing.join(", "));
        }
    }
    for (topic, number) in found {
        // Numbers grow, so anything not older than what was acknowledged before the look will do.
        if before.get(&topic).is_some_and(|kept| number < kept.acked.number) {
            let (before, after) = (before.get(&topic), after.get(&topic));
            bail!("{topic} keeps {number}; before the look {before:?}, after it {after:?}");
        }
    }
    link.goodbye().await
}

fn open(shelf: &Shelf) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}
