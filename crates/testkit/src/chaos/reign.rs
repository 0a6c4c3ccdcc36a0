//! The hub's life in chaos: started, sampled, killed, started again on the same ports.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::book::Book;
use super::carrier::{Carrier, Trust};
use super::dice::Dice;
use super::health::{self, Sample};
use super::publisher::Publisher;
use super::readings::Readings;
use super::verdict::Verdict;
use super::world::{Epoch, World};
use super::{Plan, publishers, tell};
use crate::hearth::Hearth;

/// Between two looks at the process.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);
const LINE_EVERY: Duration = Duration::from_secs(60);
/// A run of at least this length has one stretch without a kill, so that memory can be seen to be flat.
const STRETCH_FROM: Duration = Duration::from_secs(45 * 60);
const STRETCH: Duration = Duration::from_secs(17 * 60);
/// After a start, before the readings are compared.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// Of 100 kills, so many are followed by one in the middle of the start.
const KILLED_WHILE_STARTING_PERCENT: u64 = 30;
/// Ports below those the system hands out: while the hub is dead nobody else may get its port.
const PORTS: (u64, u64) = (20_000, 32_000);

/// The hub and what is known of its runs.
pub(super) struct Reign {
    hub: Option<Hearth>,
    binary: PathBuf,
    data_dir: PathBuf,
    mqtt: SocketAddr,
    http: SocketAddr,
    born: Instant,
    began: Instant,
    number: u32,
    dice: Dice,
    samples: Vec<Sample>,
    start_ms_max: u64,
    seed: u64,
}

impl Reign {
    /// Starts the hub for the first time.
    pub(super) async fn begin(plan: &Plan) -> Result<(Self, Arc<World>, Vec<Publisher>)> {
        let mut dice = Dice::of(plan.seed, "reign");
        let (mqtt, http) = (free_port(&mut dice)?, free_port(&mut dice)?);
        let hub = Hearth::start_at(&plan.hearth, &plan.data_dir, mqtt, http).await?;
        let credential = hub.add_credential("chaos", &["chaos/#"], &["chaos/#"]).await?;
        let mut book = Book::default();
        let publishers = publishers(plan, &mut book);
        let carriers = open_doors(&hub, mqtt, &mut dice).await?;
        let names: Vec<_> = carriers.iter().map(|(carrier, _)| carrier.name()).collect();
        tell(&format!("clients come over {}", names.join(", ")));
        let world = World::new(plan.seed, carriers, hub.api().clone(), credential, book);
        let now = Instant::now();
        let reign = Self {
            hub: Some(hub),
            binary: plan.hearth.clone(),
            data_dir: plan.data_dir.clone(),
            mqtt,
            http,
            born: now,
            began: now,
            number: 1,
            dice,
            samples: Vec::new(),
            start_ms_max: 0,
            seed: plan.seed,
        };
        Ok((reign, world, publishers))
    }

    /// Kills and starts until the time is over.
    pub(super) async fn rule(&mut self, plan: &Plan, world: &World, readings: &mut Readings) -> Result<()> {
        let end = self.began + plan.time;
        let stretch_from = (plan.time >= STRETCH_FROM).then(|| self.began + (plan.time - STRETCH) / 2);
        let mut kill_at = self.next_kill(plan);
        let mut line_at = self.began + LINE_EVERY;
        let mut look_at = None;
        while Instant::now() < end {
            sleep(SAMPLE_EVERY.min(end - Instant::now())).await;
            self.sample();
            let now = Instant::now();
            if now >= line_at {
                line_at += LINE_EVERY;
                self.line(world);
            }
            if look_at.is_some_and(|at| now >= at) {
                look_at = None;
                if let Err(why) = readings.look(world, false).await {
                    world.broken(format!("the readings cannot be compared: {why:#}"));
                }
            }
            let spared = stretch_from.is_some_and(|from| now >= from && now < from + STRETCH);
            if now >= kill_at && !spared {
                self.kill(world).await?;
                kill_at = self.next_kill(plan);
                look_at = Some(Instant::now() + LOOK_AFTER);
            }
        }
        self.line(world);
        Ok(())
    }

    fn next_kill(&mut self, plan: &Plan) -> Instant {
        let mean_ms = plan.kill_every.as_millis() as u64;
        Instant::now() + self.dice.time_ms(mean_ms / 2, mean_ms * 3 / 2)
    }

    async fn kill(&mut self, world: &World) -> Result<()> {
        // Told first, so that nobody takes the end of a connection for the hub's doing.
        world.epoch.send_replace(Epoch { number: self.number, up: false });
        // A short time at another place of the work.
        sleep(self.dice.time_ms(0, 50)).await;
        world.book().kills_ms.push(world.now_ms());
        if let Some(hub) = self.hub.take() {
            hub.kill9().await?;
        }
        sleep(self.dice.time_ms(0, 2_000)).await;
        if self.dice.chance(KILLED_WHILE_STARTING_PERCENT) {
            let moment = self.dice.time_ms(0, 400);
            Hearth::start_and_kill(&self.binary, &self.data_dir, self.mqtt, self.http, moment).await?;
            world.did("hub killed while it started");
        }
        let start = Instant::now();
        let hub = Hearth::start_at(&self.binary, &self.data_dir, self.mqtt, self.http).await;
        self.hub = Some(hub.context("the hub does not start after a kill")?);
        self.start_ms_max = self.start_ms_max.max(start.elapsed().as_millis() as u64);
        self.number += 1;
        self.born = Instant::now();
        world.epoch.send_replace(Epoch { number: self.number, up: true });
        Ok(())
    }

    fn sample(&mut self) {
        let Some(hub) = &self.hub else { return };
        // A process that is gone is found by everyone else.
        if let Ok(sample) = Sample::take(hub.pid(), self.number, self.born.elapsed().as_secs_f64()) {
            self.samples.push(sample);
        }
    }

    fn line(&self, world: &World) {
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        let (published, acked) = {
            let book = world.book();
            (book.published, book.acked)
        };
        let (rss, files) = self.samples.last().map_or((0.0, 0), |sample| (sample.rss_mib, sample.files));
        tell(&format!(
            "minute {minutes:.0}: run {} of the hub, published {published}, acknowledged {acked}, delivered {}, \
             shed and counted {}, memory {rss:.1} MiB, open files {files}, slowest pulse {:.1} ms, violations {}",
            self.number,
            world.counts.delivered.load(Relaxed),
            world.counts.shed.load(Relaxed),
            world.counts.pulse_max_us.load(Relaxed) as f64 / 1_000.0,
            world.broken_count(),
        ));
    }

    /// Stops the hub and judges.
    pub(super) async fn end(mut self, world: &World) -> Result<Verdict> {
        self.sample();
        if let Some(hub) = self.hub.take()
            && let Err(why) = hub.stop().await
        {
            world.broken(format!("the hub did not stop as it should: {why:#}"));
        }
        self.judge_log(world);
        let rss = spread(self.samples.iter().map(|sample| sample.rss_mib));
        let floor = health::floor_mib(&self.samples);
        let slope = health::slope_mib_per_h(&floor);
        if rss.1 > health::RSS_MAX_MIB {
            world.broken(format!("memory reached {:.1} MiB; {} is the bound", rss.1, health::RSS_MAX_MIB));
        }
        if let Some(slope) = slope.filter(|slope| *slope > health::SLOPE_MAX_MIB_PER_H) {
            world.broken(format!(
                "memory grows by {slope:.1} MiB per hour; {} is the bound",
                health::SLOPE_MAX_MIB_PER_H
            ));
        }
        let files = self.samples.iter().map(|sample| sample.files);
        let files = (
            files.clone().min().unwrap_or(0),
            files.max().unwrap_or(0),
            self.samples.last().map_or(0, |sample| sample.files),
        );
        if files.1 > health::FILES_MAX {
            world.broken(format!("{} files were open; {} is the bound", files.1, health::FILES_MAX));
        }
        let broken = world.take_broken();
        let book = world.book();
        Ok(Verdict {
            seed: self.seed,
            minutes: self.began.elapsed().as_secs_f64() / 60.0,
            broken: broken.told,
            broken_count: broken.count,
            kills: book.kills_ms.len(),
            start_ms_max: self.start_ms_max,
            published: book.published,
            acked: book.acked,
            repeated: book.repeated,
            delivered: world.counts.delivered.load(Relaxed),
            repeats: world.counts.repeats.load(Relaxed),
            shed: world.counts.shed.load(Relaxed),
            logins: world.counts.logins.load(Relaxed),
            pulse_max_ms: world.counts.pulse_max_us.load(Relaxed) as f64 / 1_000.0,
            rss_mib: rss,
            slope_mib_per_h: slope,
            floor_mib: floor,
            files,
            deeds: world.deeds(),
        })
    }

    /// A panic is a broken promise even when nobody noticed.
    fn judge_log(&self, world: &World) {
        let log = std::fs::read(self.data_dir.join("hearth.log")).unwrap_or_default();
        for line in String::from_utf8_lossy(&log).lines().filter(|line| line.contains("panicked at")) {
            world.broken(format!("the hub's log says: {line}"));
        }
    }
}

/// Opens the other ways in. They are settings, so they are open again after each kill.
async fn open_doors(hub: &Hearth, mqtt: SocketAddr, dice: &mut Dice) -> Result<Vec<(Carrier, SocketAddr)>> {
    let mut doors = Vec::new();
    for transport in ["tls", "ws", "wss"] {
        let address = free_port(dice)?;
        let wanted = json!({ "transport": transport, "on": true, "address": address.to_string() });
        let door = hub.call("set_listener", wanted).await?;
        ensure!(door["trouble"].is_null(), "{transport} does not open: {door}");
        doors.push(address);
    }
    let info = hub.call("broker_info", Value::Null).await?;
    let text = |pointer: &str| {
        let found = info.pointer(pointer).and_then(Value::as_str);
        found.with_context(|| format!("broker_info has no {pointer}: {info}"))
    };
    let trust = Trust::new(text("/certificate/authority_pem")?, text("/certificate/names/0")?)?;
    let [tls, ws, wss] = doors[..] else { bail!("there are three doors beside the plain one") };
    Ok(vec![
        (Carrier::Tcp, mqtt),
        (Carrier::Tls(trust.clone()), tls),
        (Carrier::Ws, ws),
        (Carrier::Wss(trust), wss),
    ])
}

/// Smallest, largest and last.
fn spread(values: impl Iterator<Item = f64> + Clone) -> (f64, f64, f64) {
    let last = values.clone().last().unwrap_or(0.0);
    let (min, max) =
        values.fold((f64::INFINITY, 0.0_f64), |(min, max), value| (min.min(value), max.max(value)));
    (min.min(max), max, last)
}

fn free_port(dice: &mut Dice) -> Result<SocketAddr> {
    const TRIES: u32 = 200;
    let mut tries = (0..TRIES).map(|_| dice.between(PORTS.0, PORTS.1) as u16);
    let free = tries.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    Ok((Ipv4Addr::LOCALHOST, free.context("no free port was found")?).into())
}
