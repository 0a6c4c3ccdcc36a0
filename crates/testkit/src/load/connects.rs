//! Clients that only come, or only stay: connections per second, and the price of an idle one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::Connection;
use super::wire::Credential;
use crate::process;
use crate::statistics::{Spread, ratio};

/// Errors that are told; the rest is counted only.
const ERRORS_TOLD_MAX: usize = 5;
/// Connections opened before the memory is read for the first time, so that it is not the program's first
/// use of its code that is measured.
const WARM_UP_CONNECTIONS: u32 = 20;

/// What to connect.
#[derive(Debug, Clone)]
pub struct ConnectPlan {
    /// The broker, on this machine.
    pub address: SocketAddr,
    /// Logins, handed out in turn; none connects anonymously.
    pub credentials: Vec<Credential>,
    /// How many connections.
    pub connections: u32,
    /// How many are being opened at the same time.
    pub at_once: u32,
    /// Given up after this long.
    pub timeout: Duration,
}

/// Connections per second.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "named for what they are")]
pub struct ConnectReport {
    pub connected: usize,
    pub failed: usize,
    /// Connected, logged in, and closed again.
    pub connects_per_s: f64,
    /// From the connect call to the CONNACK.
    pub connect: Option<Spread>,
    pub elapsed_ms: u64,
    pub errors: Vec<String>,
}

/// What idle connections cost.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "named for what they are")]
pub struct IdleReport {
    pub connections: u32,
    pub rss_before_kib: u64,
    pub rss_kib: u64,
    pub kib_per_connection: f64,
    /// Share of one core while they only stay.
    pub cpu_percent: f64,
}

/// Connects, awaits the CONNACK, and closes, again and again.
pub async fn connect_and_close(plan: &ConnectPlan) -> Result<ConnectReport> {
    ensure!(plan.connections > 0 && plan.at_once > 0, "nothing to connect");
    let next = Arc::new(AtomicU32::new(0));
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..plan.at_once {
        let (next, plan) = (next.clone(), plan.clone());
        clients.spawn(async move {
            let (mut times_ns, mut errors) = (Vec::new(), Vec::new());
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= plan.connections {
                    return (times_ns, errors);
                }
                match connect_once(&plan, number).await {
                    Ok(time) => times_ns.push(time.as_nanos() as u64),
                    Err(error) => errors.push(format!("{error:#}")),
                }
            }
        });
    }
    let done = timeout(plan.timeout, clients.join_all()).await.with_context(|| {
        let begun = next.load(Ordering::Relaxed);
        format!("only {begun} of {} connections were begun within {:?}", plan.connections, plan.timeout)
    })?;
    let elapsed = start.elapsed();
    let (mut times_ns, mut errors) = (Vec::new(), Vec::new());
    for (times, failed) in done {
        times_ns.extend(times);
        errors.extend(failed);
    }
    Ok(ConnectReport {
        connected: times_ns.len(),
        failed: errors.len(),
        connects_per_s: ratio(times_ns.len() as f64, elapsed.as_secs_f64()).unwrap_or_default(),
        connect: Spread::of_ns(times_ns),
        elapsed_ms: elapsed.as_millis() as u64,
        errors: errors.into_iter().take(ERRORS_TOLD_MAX).collect(),
    })
}

async fn connect_once(plan: &ConnectPlan, number: u32) -> Result<Duration> {
    let start = Instant::now();
    let connection = open(plan, number).await?;
    let time = start.elapsed();
    connection.close().await?;
    Ok(time)
}

/// Opens the plan's connections, keeps them for `hold` without a word, and reads what the process with `pid`
/// took for them.
pub async fn idle(plan: &ConnectPlan, pid: u32, hold: Duration) -> Result<IdleReport> {
    let warm_up = ConnectPlan { connections: WARM_UP_CONNECTIONS, ..plan.clone() };
    connect_and_close(&warm_up).await?;
    let rss_before_kib = process::rss_kib(pid)?;
    let open_all = async {
        let mut connections = Vec::new();
        for number in 0..plan.connections {
            let mut connection = open(plan, number).await?;
            connection.rest();
            connections.push(connection);
        }
        anyhow::Ok(connections)
    };
    let connections =
        timeout(plan.timeout, open_all).await.context("not all clients were connected in time")??;
    let cpu_before = process::cpu_time(pid)?;
    sleep(hold).await;
    let cpu = process::cpu_time(pid)?.saturating_sub(cpu_before);
    let rss_kib = process::rss_kib(pid)?;
    for connection in connections {
        connection.close().await.context("an idle connection did not last")?;
    }
    Ok(IdleReport {
        connections: plan.connections,
        rss_before_kib,
        rss_kib,
        kib_per_connection: ratio(rss_kib as f64 - rss_before_kib as f64, plan.connections.into())
            .unwrap_or_default(),
        cpu_percent: ratio(cpu.as_secs_f64() * 100.0, hold.as_secs_f64()).unwrap_or_default(),
    })
}

async fn open(plan: &ConnectPlan, number: u32) -> Result<Connection> {
    let client_id = format!("load-{}-c{number}", std::process::id());
    let credential = match plan.credentials.len() {
        0 => None,
        count => plan.credentials.get(number as usize % count),
    };
    Ok(Connection::open(plan.address, &client_id, true, credential).await?.0)
}
