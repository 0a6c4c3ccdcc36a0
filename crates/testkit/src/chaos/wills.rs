//! Clients with a last will: one that vanishes is spoken for, one that says goodbye is not.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use tokio::time::{sleep, timeout};

use super::link::{End, Link};
use super::packets::{self, Incoming, Version, Will, kind};
use super::world::World;

const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 31);
const TOPIC: &str = "chaos/will";
/// Longest a will may take.
const WILL_TIMEOUT: Duration = Duration::from_secs(15);
/// So long a will is waited for that may not come.
const NONE_WITHIN: Duration = Duration::from_secs(2);

/// Dies again and again.
pub(super) async fn run(world: Arc<World>) {
    let mut dice = world.dice("wills");
    for number in 1_u32.. {
        if !world.chaos_for(dice.time_ms(500, 4_000)).await {
            return;
        }
        let epoch = world.up().await;
        let vanishes = dice.chance(70);
        let done = one(&world, number, vanishes).await;
        match done {
            _ if !world.undisturbed(epoch) => {}
            Ok(()) if vanishes => world.did("will of a client that vanished"),
            Ok(()) => world.did("no will of a client that said goodbye"),
            Err(why) => world.broken(format!("the will of client {number}: {why:#}")),
        }
    }
}

async fn one(world: &World, number: u32, vanishes: bool) -> Result<()> {
    let mut dice = world.dice(&format!("will {number}"));
    let version = *dice.pick(&[Version::V311, Version::V5]);
    let watcher = world.hello(version, "will-watcher", false);
    let (mut watcher, _) = world.connect(&mut dice, FROM, End::Close, &watcher).await?;
    watcher.subscribe(TOPIC, 1).await?;
    ensure!(matches!(watcher.next().await?, Incoming::SubAck { code: 1 }), "SUBSCRIBE was not answered");
    let mut mortal = world.hello(version, "mortal", false);
    mortal.will = Some(Will { topic: TOPIC.to_owned(), payload: number.to_string() });
    let end = if dice.chance(50) { End::Reset } else { End::Close };
    let (mortal, _) = world.connect(&mut dice, FROM, end, &mortal).await?;
    sleep(dice.time_ms(0, 500)).await;
    if vanishes {
        drop(mortal);
        let words = timeout(WILL_TIMEOUT, words(&mut watcher)).await;
        let Ok(words) = words else { bail!("it did not come within {WILL_TIMEOUT:?}") };
        let said = words?;
        ensure!(said == number, "that of client {said} came instead");
    } else {
        mortal.goodbye().await?;
        if let Ok(words) = timeout(NONE_WITHIN, words(&mut watcher)).await {
            bail!("it came although it said goodbye: {}", words?);
        }
    }
    watcher.goodbye().await
}

/// What the next will says.
async fn words(watcher: &mut Link) -> Result<u32> {
    let (said, packet_id) = match watcher.next().await? {
        Incoming::Publish(publish) => (std::str::from_utf8(publish.payload)?.parse()?, publish.packet_id),
        other => bail!("{other:?}"),
    };
    let mut out = Vec::new();
    packets::ack(&mut out, kind::PUBACK, packet_id);
    watcher.send(&out).await?;
    Ok(said)
}
