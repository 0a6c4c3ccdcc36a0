//! A folder with very many topics: how soon a hub starts on it, and whether a newcomer gets all that is retained.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::time::timeout;

use super::comparison::Figure;
use crate::hearth::Hearth;
use crate::load::Connection;
use crate::load::feed::{Outgoing, publish_all};
use crate::load::wire::{self, Credential, kind};
use crate::process;

/// Topics of one credential: half of them are retained, and one credential may have 20,000 retained messages.
const PER_CREDENTIAL: u32 = 25_000;
const IN_FLIGHT: usize = 500;
/// Longest the newcomer may take.
const RETAINED_TIMEOUT: Duration = Duration::from_secs(60);

/// Publishes to `topics` topics, every other message retained, and measures what that costs at the next starts:
/// after a clean stop, and after `kill -9`.
pub(super) async fn topics(binary: &Path, folder: &Path, topics: u32) -> Result<Vec<Figure>> {
    let hearth = Hearth::start(binary, folder).await?;
    for first in (0..topics).step_by(PER_CREDENTIAL as usize) {
        let name = format!("topics{first}");
        let login = hearth.add_credential(&name, &["many/#"], &[]).await?;
        let (mut connection, _) = Connection::open(hearth.mqtt(), &name, true, Some(&login)).await?;
        let own = first..(first + PER_CREDENTIAL).min(topics);
        publish_all(&mut connection, IN_FLIGHT, own.map(message)).await?;
        connection.close().await?;
    }
    let reader = hearth.add_credential("reader", &[], &["#"]).await?;
    hearth.stop().await?;

    let start = Instant::now();
    let hearth = Hearth::start(binary, folder).await?;
    let after_stop = start.elapsed();
    hearth.kill9().await?;
    let start = Instant::now();
    let hearth = Hearth::start(binary, folder).await?;
    let after_kill = start.elapsed();
    let idle_kib = process::rss_kib(hearth.pid())?;

    let wanted = topics.div_ceil(2) as usize;
    let start = Instant::now();
    let received = timeout(RETAINED_TIMEOUT, receive(&hearth, &reader, wanted))
        .await
        .with_context(|| format!("not all of {wanted} came within {RETAINED_TIMEOUT:?}"))??;
    let received_in = start.elapsed();
    let busy_kib = process::rss_kib(hearth.pid())?;
    hearth.stop().await?;
    let mib = |kib: u64| kib as f64 / 1_024.0;
    Ok(vec![
        Figure::new("ready after a stop", "ms", after_stop.as_secs_f64() * 1e3),
        Figure::new("ready after kill -9", "ms", after_kill.as_secs_f64() * 1e3),
        Figure::new("retained received", "%", received as f64 * 100.0 / wanted as f64),
        Figure::new("retained received in", "ms", received_in.as_secs_f64() * 1e3),
        Figure::new("memory after the start", "MiB", mib(idle_kib)),
        Figure::new("memory after that", "MiB", mib(busy_kib)),
    ])
}

fn message(number: u32) -> Outgoing {
    Outgoing {
        topic: format!("many/{}/{}/value", number / 100, number % 100),
        payload: format!("{}.5", number % 90).into_bytes(),
        retain: number.is_multiple_of(2),
    }
}

/// Retained messages under `many/` that a subscriber of `#` gets; each must come once.
async fn receive(hearth: &Hearth, reader: &Credential, wanted: usize) -> Result<usize> {
    let mut connection = Connection::open(hearth.mqtt(), "newcomer", true, Some(reader)).await?.0;
    connection.send(&wire::subscribe(1, "#", 1)).await?;
    let mut topics = std::collections::HashSet::new();
    while topics.len() < wanted {
        connection.fill().await?;
        let mut acks = Vec::new();
        while let Some(packet) = connection.take()? {
            if packet.kind() != kind::PUBLISH {
                continue;
            }
            let publish = packet.as_publish()?;
            if publish.qos > 0 {
                acks.extend(wire::puback(publish.packet_id));
            }
            if publish.retain && publish.topic.starts_with(b"many/") {
                ensure!(topics.insert(publish.topic.to_vec()), "a retained message came twice");
            }
        }
        connection.send(&acks).await?;
    }
    connection.close().await?;
    Ok(topics.len())
}
