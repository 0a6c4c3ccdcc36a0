//! Chaos: a real hub, killed again and again, and every kind of client at once; and a checker that knows what must
//! arrive all the same.
//!
//! - [`publisher`] counts upwards on topics of its own, repeats what was not acknowledged, and writes both into the
//!   [`book`]; whatever the book calls acknowledged may not be lost.
//! - [`subscriber`] holds what it gets against the book, see [`receipts`].
//! - [`account`] makes the hub shed messages and compares its counters with what is missing.
//! - [`kept`], [`wills`], [`readings`], [`pulse`] and [`rogue`] are what their names say.

mod account;
mod book;
mod carrier;
mod dice;
mod health;
mod kept;
mod link;
mod packets;
mod publisher;
mod pulse;
mod readings;
mod receipts;
mod reign;
mod rogue;
mod subscriber;
mod verdict;
mod wills;
mod world;

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::timeout;

use book::Book;
use packets::Version;
use publisher::Publisher;
use readings::Readings;
use reign::Reign;
use subscriber::{Subscriber, Temper};
pub use verdict::Verdict;
use world::{Phase, World};

/// Longest publishers may take to get their last acknowledgements, and subscribers their last messages.
const END_TIMEOUT: Duration = Duration::from_secs(240);

/// A run of chaos.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The hub's binary.
    pub hearth: PathBuf,
    /// Its data folder, empty.
    pub data_dir: PathBuf,
    /// How long.
    pub time: Duration,
    /// Mean time between two kills.
    pub kill_every: Duration,
    /// What chance begins with.
    pub seed: u64,
    /// Messages per second of all publishers together.
    pub per_s: u32,
    /// Clients that publish.
    pub publishers: u32,
    /// Clients that subscribe.
    pub subscribers: u32,
}

/// Lets chaos loose and says what came of it.
///
/// # Errors
/// When it cannot even begin, or the hub does not start again. Broken promises are in the verdict.
pub async fn run(plan: &Plan) -> Result<Verdict> {
    let (mut reign, world, publishers) = Reign::begin(plan).await?;
    let readings = {
        let book = world.book();
        let topics = book.topics().iter().filter(|topic| topic.qos > 0).step_by(5);
        topics.map(|topic| topic.name.clone()).collect()
    };
    let mut readings = Readings::begin(&world, readings).await?;
    let subscribers = subscribers(plan);
    for subscriber in &subscribers {
        subscriber.begin(&world).await?;
    }

    let mut publishing = JoinSet::new();
    for publisher in publishers {
        publishing.spawn(publisher.run(world.clone()));
    }
    let mut listening = JoinSet::new();
    for subscriber in subscribers {
        listening.spawn(subscriber.run(world.clone()));
    }
    let mut others = JoinSet::new();
    others.spawn(account::run(world.clone()));
    others.spawn(wills::run(world.clone()));
    others.spawn(pulse::run(world.clone()));
    for number in 1..=3 {
        others.spawn(rogue::run(world.clone(), number));
    }
    listening.spawn(kept::run(world.clone()));

    reign.rule(plan, &world, &mut readings).await?;

    tell("chaos is over: what was begun is finished");
    world.phase.send_replace(Phase::Finish);
    finish(&world, "publishers", publishing).await;
    world.phase.send_replace(Phase::Settle);
    finish(&world, "subscribers", listening).await;
    finish(&world, "the others", others).await;
    readings.look(&world, true).await.context("the last look at the readings")?;
    reign.end(&world).await
}

async fn finish(world: &Arc<World>, who: &str, mut tasks: JoinSet<()>) {
    let all = async {
        while let Some(done) = tasks.join_next().await {
            if let Err(why) = done {
                world.broken(format!("one of the {who} of this test broke: {why}"));
            }
        }
    };
    if timeout(END_TIMEOUT, all).await.is_err() {
        world.broken(format!("{who} are not done after {END_TIMEOUT:?}"));
    }
}

/// Publishers with three topics each, one for each quality of service.
fn publishers(plan: &Plan, book: &mut Book) -> Vec<Publisher> {
    let mut dice = dice::Dice::of(plan.seed, "publishers");
    (1..=plan.publishers)
        .map(|number| Publisher {
            client_id: format!("publisher-{number}"),
            version: if number % 2 == 0 { Version::V311 } else { Version::V5 },
            from: Ipv4Addr::new(127, 0, 0, 10 + (number % 8) as u8),
            topics: (0..=2).map(|qos| book.add(&format!("chaos/stream/{number}/{qos}"), qos)).collect(),
            pace: publisher::pace(plan.per_s, plan.publishers, &mut dice),
        })
        .collect()
}

fn subscribers(plan: &Plan) -> Vec<Subscriber> {
    (1..=plan.subscribers)
        .map(|number| Subscriber {
            client_id: format!("subscriber-{number}"),
            version: if number % 2 == 0 { Version::V311 } else { Version::V5 },
            from: Ipv4Addr::new(127, 0, 0, 20 + (number % 8) as u8),
            filter: match number % 3 {
                0 => format!("chaos/stream/{}/#", number % plan.publishers + 1),
                _ => "chaos/stream/#".to_owned(),
            },
            qos: [1, 2, 2, 1, 0][number as usize % 5],
            persistent: number % 4 != 3,
            temper: if number % 6 == 1 { Temper::Quarrelsome } else { Temper::Restless },
        })
        .collect()
}

/// A line for whoever watches.
fn tell(line: &str) {
    // Progress that cannot be shown is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{line}");
}
