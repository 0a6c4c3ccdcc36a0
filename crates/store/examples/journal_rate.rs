//! How fast the journal is on this machine: rows per second and commit latency by group size, bytes per row.
//!
//! `cargo run --release -p store --example journal_rate [folder]`. Bounded: about 3 million rows, 300 MB.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example for people")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Publisher, QoS};
use store::{HubDb, Journal, JournalConfig, JournalDraft, log_checked};
use tokio::sync::Notify;

const TOPICS: usize = 1_000;
const ROWS_MAX: usize = 800_000;
const GROUPS_MAX: usize = 2_000;

fn main() {
    let spare = tempfile::tempdir().unwrap();
    let folder = std::env::args_os().nth(1).map_or_else(|| spare.path().to_owned(), Into::into);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    println!("group      rows/s   p50 ms   p99 ms");
    let mut rows = 0;
    for group in [1, 10, 100, 1_000, 8_000] {
        rows += runtime.block_on(measure(&folder, group));
    }
    let bytes = std::fs::metadata(folder.join("journal.db")).unwrap().len();
    println!("{rows} rows of 64 B payload: {:.1} B per row at rest", bytes as f64 / rows as f64);
}

async fn measure(folder: &std::path::Path, group: usize) -> usize {
    let hub = HubDb::open(&folder.join("hub.db"), log_checked()).unwrap();
    let config = JournalConfig {
        floor: 0,
        days_max: 30,
        bytes_max: 1 << 40,
        gather_ms: 50,
        backlog_low: 4_000,
        clock: Arc::new(|| 1_700_000_000_000),
        on_checked: log_checked(),
    };
    let journal = Journal::open(&folder.join("journal.db"), config, hub.retained_sink()).unwrap();
    let topics: Vec<Arc<str>> = (0..TOPICS).map(|n| format!("home/room{n}/temperature").into()).collect();
    let publisher = Arc::new(Publisher { user: "load".into(), client_id: "load-1".into() });
    let payload = bytes::Bytes::from(vec![b'1'; 64]);
    let waiter = Arc::new(Notify::new());
    let (mut drafts, mut out, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = 0;
    let begin = Instant::now();
    while rows < ROWS_MAX && latencies.len() < GROUPS_MAX && begin.elapsed() < Duration::from_secs(5) {
        drafts.extend((0..group).map(|n| JournalDraft {
            topic: Arc::clone(&topics[(rows + n) * 7 % TOPICS]),
            payload: payload.clone(),
            qos: QoS::AtLeastOnce,
            retain: false,
            publisher: Arc::clone(&publisher),
            cause: None,
            properties: None,
            inbound_qos2: None,
        }));
        let sent = Instant::now();
        journal.append(drafts.drain(..), &mut out, Some(&waiter));
        waiter.notified().await;
        latencies.push(sent.elapsed());
        rows += group;
        out.clear();
    }
    let elapsed = begin.elapsed();
    latencies.sort();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!("{group:>5} {:>11.0} {:>8.2} {:>8.2}", rows as f64 / elapsed.as_secs_f64(), at(0.5), at(0.99));
    journal.close().unwrap();
    rows
}
