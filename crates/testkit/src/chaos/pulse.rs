//! A well-behaved client whose messages come back to it: however mad the others are, it must not wait long.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep, timeout};

use super::dice::Dice;
use super::link::{End, Link};
use super::packets::{self, Incoming, Outgoing, Version};
use super::world::{Phase, World};

const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 32);
const TOPIC: &str = "chaos/pulse";
const BEAT: Duration = Duration::from_millis(200);
const AGAIN: Duration = Duration::from_millis(150);
/// Longest a beat may take. A lone one takes a fraction of a millisecond; the rest is for the machine.
const BEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// Beats until chaos is over.
pub(super) async fn run(world: Arc<World>) {
    let mut dice = world.dice("pulse");
    while world.phase() == Phase::Chaos {
        let epoch = world.up().await;
        let why = match connect(&world, &mut dice).await {
            Ok(mut link) => beat(&world, &mut link).await,
            Err(why) => Err(why),
        };
        if let Err(why) = why
            && world.undisturbed(epoch)
        {
            world.broken(format!("the pulse: {why:#}"));
        }
        sleep(AGAIN).await;
    }
}

async fn connect(world: &World, dice: &mut Dice) -> Result<Link> {
    let hello = world.hello(Version::V311, "pulse", false);
    let (mut link, _) = world.connect(dice, FROM, End::Close, &hello).await?;
    link.subscribe(TOPIC, 0).await?;
    link.next().await?;
    Ok(link)
}

async fn beat(world: &World, link: &mut Link) -> Result<()> {
    for number in 0_u32.. {
        if !world.chaos_for(BEAT).await {
            return Ok(());
        }
        let payload = number.to_string();
        let mut out = Vec::new();
        let message = Outgoing {
            topic: TOPIC,
            payload: payload.as_bytes(),
            qos: 0,
            retain: false,
            dup: false,
            packet_id: 0,
        };
        packets::publish(link.version(), &mut out, message);
        let start = Instant::now();
        link.send(&out).await?;
        let back = async {
            loop {
                if let Incoming::Publish(publish) = link.next().await?
                    && publish.payload == payload.as_bytes()
                {
                    return anyhow::Ok(());
                }
            }
        };
        match timeout(BEAT_TIMEOUT, back).await {
            Ok(back) => back?,
            Err(_) => anyhow::bail!("beat {number} did not come back within {BEAT_TIMEOUT:?}"),
        }
        world.counts.pulse_max_us.fetch_max(start.elapsed().as_micros() as u64, Relaxed);
    }
    Ok(())
}
