//! A quiet stream of messages, alone and amid thousands of clients that only stay.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::timeout;

use super::comparison::Figure;
use super::measure::memory_of;
use super::shape::PACE_PER_S;
use crate::hearth::Hearth;
use crate::load::{Connection, Plan, Report, run};
use crate::process;

/// Clients behind one address: as many as ports suffice for, and fewer than the broker allows one address.
const PER_ADDRESS: u32 = 100;
/// Clients of one credential: fewer than the broker allows one.
const PER_CREDENTIAL: u32 = 1_000;
/// Messages of the stream, each time.
const STREAM_MESSAGES: u32 = 1_000;
/// Longest all of them may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(120);
/// Files open beside the crowd's sockets.
const OTHER_FILES: u64 = 256;

/// Measures the stream, lets the crowd in, and measures the stream again.
pub(super) async fn crowd(hearth: &Hearth, stream: Plan, connections: u32) -> Result<Vec<Figure>> {
    process::allow_files(u64::from(connections) + OTHER_FILES)?;
    let stream = Plan { rate: Some(PACE_PER_S), messages: STREAM_MESSAGES, ..stream };
    let alone_us = p50_us(&run(stream.clone()).await?)?;
    let mut logins = Vec::new();
    for number in 0..connections.div_ceil(PER_CREDENTIAL) {
        let name = format!("crowd-{number}");
        logins.push(hearth.add_credential(&name, &["bench/#"], &["bench/#"]).await?);
    }
    let rss_before_kib = process::rss_kib(hearth.pid())?;
    let all = async {
        let mut crowd = Vec::new();
        for (number, login) in (0..connections).zip(logins.iter().cycle()) {
            let name = format!("crowd-{number}");
            let (mut connection, _) =
                Connection::open_from(address(number), hearth.mqtt(), &name, true, Some(login)).await?;
            // As a board does that waits for its commands.
            connection.subscribe(&format!("bench/crowd/{number}/command"), 1).await?;
            connection.rest();
            crowd.push(connection);
        }
        anyhow::Ok(crowd)
    };
    let crowd = timeout(CONNECT_TIMEOUT, all)
        .await
        .with_context(|| format!("not all were connected after {CONNECT_TIMEOUT:?}"))?
        .context("letting the crowd in")?;
    let amid_us = p50_us(&run(stream).await?)?;
    let rss_kib = process::rss_kib(hearth.pid())?;
    for connection in crowd {
        connection.close().await.context("one of the crowd did not last")?;
    }
    let per_client_kib = (rss_kib as f64 - rss_before_kib as f64) / f64::from(connections);
    Ok(vec![
        memory_of(rss_kib),
        Figure::new("memory per client", "KiB", per_client_kib),
        Figure::new("delivery p50 alone", "µs", alone_us),
        Figure::new("delivery p50 amid them", "µs", amid_us),
        Figure::new("slower amid them", "times", amid_us / alone_us),
    ])
}

fn address(number: u32) -> Ipv4Addr {
    let [_, _, high, low] = (number / PER_ADDRESS + 1).to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

fn p50_us(report: &Report) -> Result<f64> {
    ensure!(report.delivered == report.expected, "only {} of {} arrived", report.delivered, report.expected);
    Ok(report.latency.context("no waiting times were measured")?.p50_us)
}
