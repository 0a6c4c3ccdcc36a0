//! How fast readings are written and read back on this machine, and how long opening all three databases takes.
//!
//! `cargo run --release -p store --example readings_rate [folder]`. Bounded: 1,000 entities, 1 million readings,
//! and one entity with a month of readings every 30 s.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example for people")]

use std::sync::Arc;
use std::time::Instant;

use model::{Component, Entity, EntityDescription, Reading, Value};
use store::{HubDb, Journal, JournalConfig, ReadingsDb, entity, log_checked};

const ENTITIES: u64 = 1_000;
const READINGS: u64 = 1_000_000;
const MONTH: i64 = 86_400;
const STEP_MS: i64 = 30_000;
const START_MS: i64 = 1_700_000_000_000;

fn main() {
    let spare = tempfile::tempdir().unwrap();
    let folder = std::env::args_os().nth(1).map_or_else(|| spare.path().to_owned(), Into::into);
    let open = || {
        let hub = HubDb::open(&folder.join("hub.db"), log_checked()).unwrap();
        let readings = ReadingsDb::open(&folder.join("readings.db"), log_checked()).unwrap();
        let config = JournalConfig {
            floor: readings.cursor(),
            days_max: 30,
            bytes_max: 1 << 30,
            gather_ms: 50,
            backlog_low: 4_000,
            clock: Arc::new(|| START_MS),
            on_checked: log_checked(),
        };
        let journal = Journal::open(&folder.join("journal.db"), config, hub.retained_sink()).unwrap();
        (hub, readings, journal)
    };
    let (hub, readings, journal) = open();
    hub.write(|conn| {
        (0..ENTITIES).try_for_each(|n| {
            let id = format!("device{n}.temperature");
            let description = EntityDescription::new("temperature", Component::Sensor);
            entity::put(
                conn,
                &Entity {
                    id,
                    device: format!("device{n}"),
                    name: "Temperature".into(),
                    name_by_owner: false,
                    by_hand: false,
                    description,
                },
            )
        })
    })
    .wait()
    .unwrap();

    let value = |n: u64| Value::Number((n * 7_919 % 400) as f64 / 10.0);
    let begin = Instant::now();
    for id in (1..=READINGS).step_by(1_000) {
        let batch = (id..id + 1_000).map(|id| Reading {
            entity: format!("device{}.temperature", id % ENTITIES),
            time_ms: START_MS + (id / ENTITIES).cast_signed() * STEP_MS,
            message_id: id,
            value: value(id),
        });
        append(&readings, batch.collect(), id + 999);
    }
    readings.flush().wait().unwrap();
    println!("{:.0} readings/s written", READINGS as f64 / begin.elapsed().as_secs_f64());
    let month = (0..MONTH).map(|n| Reading {
        entity: "month".into(),
        time_ms: START_MS + n * STEP_MS,
        message_id: READINGS + n.unsigned_abs(),
        value: value(n.unsigned_abs()),
    });
    append(&readings, month.collect(), READINGS + 1);
    readings.flush().wait().unwrap();
    for what in ["first", "second"] {
        let begin = Instant::now();
        let buckets = readings.buckets("month", START_MS, i64::MAX, 3_600_000).unwrap();
        println!("month in {} hours, {what} time: {:?}", buckets.len(), begin.elapsed());
    }
    let begin = Instant::now();
    let range = readings.range("month", START_MS, i64::MAX, 100_000).unwrap();
    println!("month raw, {} readings: {:?}", range.len(), begin.elapsed());
    drop((journal, readings, hub));
    let bytes = std::fs::metadata(folder.join("readings.db")).unwrap().len();
    println!("{:.1} B per reading", bytes as f64 / (READINGS as f64 + MONTH as f64));

    let begin = Instant::now();
    let (hub, readings, _journal) = open();
    let opened = begin.elapsed();
    let entities = hub.read(entity::all).unwrap().len();
    println!("open all three: {opened:?}; and {entities} entities read: {:?}", begin.elapsed());
    println!("{} readings", readings.count().unwrap());
}

fn append(readings: &ReadingsDb, mut batch: Vec<Reading>, cursor: u64) {
    while let Err(full) = readings.append(batch, cursor) {
        batch = full.0;
        readings.flush().wait().unwrap();
    }
}
