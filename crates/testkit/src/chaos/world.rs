//! What all actors share.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::book::Book;
use super::carrier::Carrier;
use super::dice::Dice;
use super::link::{End, Link};
use super::packets::{Hello, Version};
use crate::hearth::Api;
use crate::load::wire::Credential;

/// Broken promises that are told in full; the rest is counted.
const TOLD_MAX: usize = 100;
/// Longer than any of our clients is quiet while it behaves.
const KEEP_ALIVE_S: u16 = 120;

/// What the actors are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Whatever they like.
    Chaos,
    /// Publishers finish what they have begun; nobody misbehaves any more.
    Finish,
    /// Subscribers come and take what is due to them.
    Settle,
}

/// The hub's runs. A check that must not be disturbed by a kill looks whether the number is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch {
    pub(super) number: u32,
    pub(super) up: bool,
}

/// What all actors share.
pub(super) struct World {
    pub(super) seed: u64,
    /// Where the hub is to be reached, by what carries MQTT.
    pub(super) carriers: Vec<(Carrier, SocketAddr)>,
    pub(super) api: Api,
    /// May write and read everything of chaos.
    pub(super) credential: Credential,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) epoch: watch::Sender<Epoch>,
    pub(super) counts: Counts,
    start: Instant,
    book: Mutex<Book>,
    broken: Mutex<Broken>,
    deeds: Mutex<BTreeMap<&'static str, u64>>,
}

/// For the line of each minute.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) delivered: AtomicU64,
    pub(super) repeats: AtomicU64,
    /// Messages that exercises found missing, each of which the hub had counted.
    pub(super) shed: AtomicU64,
    pub(super) logins: AtomicU64,
    pub(super) pulse_max_us: AtomicU64,
}

/// Broken promises.
#[derive(Debug, Default)]
pub(super) struct Broken {
    pub(super) told: Vec<String>,
    pub(super) count: u64,
}

impl World {
    pub(super) fn new(
        seed: u64,
        carriers: Vec<(Carrier, SocketAddr)>,
        api: Api,
        credential: Credential,
        book: Book,
    ) -> Arc<Self> {
        Arc::new(Self {
            seed,
            carriers,
            api,
            credential,
            phase: watch::Sender::new(Phase::Chaos),
            epoch: watch::Sender::new(Epoch { number: 1, up: true }),
            counts: Counts::default(),
            start: Instant::now(),
            book: Mutex::new(book),
            broken: Mutex::default(),
            deeds: Mutex::default(),
        })
    }

    /// Since the start.
    pub(super) fn now_ms(&self) -> u32 {
        self.start.elapsed().as_millis() as u32
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn dice(&self, name: &str) -> Dice {
        Dice::of(self.seed, name)
    }

    /// A promise was broken.
    pub(super) fn broken(&self, story: String) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.count += 1;
        if broken.told.len() < TOLD_MAX {
            let story = format!("at {:.3} s: {story}", f64::from(self.now_ms()) / 1_000.0);
            super::tell(&format!("VIOLATION {story}"));
            broken.told.push(story);
        }
    }

    pub(super) fn broken_count(&self) -> u64 {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    pub(super) fn take_broken(&self) -> Broken {
        std::mem::take(&mut *self.broken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something was done; the verdict says how often.
    pub(super) fn did(&self, what: &'static str) {
        *self.deeds.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    pub(super) fn deeds(&self) -> BTreeMap<&'static str, u64> {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn delivered(&self, count: u64) {
        self.counts.delivered.fetch_add(count, Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Resolves once that phase, or a later one, has begun.
    pub(super) async fn reached(&self, phase: Phase) {
        let mut watched = self.phase.subscribe();
        // The sender lives as long as the world does.
        let _ = watched.wait_for(|now| *now >= phase).await;
    }

    /// Waits that long, or until the phase is over; says whether it is still chaos.
    pub(super) async fn chaos_for(&self, time: Duration) -> bool {
        tokio::select! {
            () = sleep(time) => self.phase() == Phase::Chaos,
            () = self.reached(Phase::Finish) => false,
        }
    }

    pub(super) fn epoch_now(&self) -> Epoch {
        *self.epoch.borrow()
    }

    /// Waits until the hub is there.
    pub(super) async fn up(&self) -> Epoch {
        let mut watched = self.epoch.subscribe();
        match watched.wait_for(|epoch| epoch.up).await {
            Ok(epoch) => *epoch,
            Err(_) => self.epoch_now(),
        }
    }

    /// Whether the hub has run without a break since.
    pub(super) fn undisturbed(&self, since: Epoch) -> bool {
        since.up && self.epoch_now() == since
    }
}

impl World {
    /// Logs in by any of the ways there are.
    pub(super) async fn connect(
        &self,
        dice: &mut Dice,
        from: Ipv4Addr,
        end: End,
        hello: &Hello,
    ) -> Result<(Link, bool)> {
        let (carrier, address) = dice.pick(&self.carriers);
        let stream = carrier.open(from, *address, end).await?;
        let connected = Link::login(stream, hello).await?;
        self.counts.logins.fetch_add(1, Relaxed);
        Ok(connected)
    }

    /// What a client of chaos says of itself.
    pub(super) fn hello(&self, version: Version, client_id: &str, persistent: bool) -> Hello {
        Hello {
            version,
            client_id: client_id.to_owned(),
            persistent,
            keep_alive_s: KEEP_ALIVE_S,
            credential: self.credential.clone(),
            will: None,
        }
    }
}
