//! From a shape to its figures.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use super::comparison::{Comparison, Figure, compare};
use super::crowd::crowd;
use super::fill::{announce, count_entities, fill, login};
use super::shape::{Measure, PACE_PER_S, SCRIPT_PER_S, Shape};
use crate::hearth::Hearth;
use crate::load::connects::{ConnectPlan, connect_and_close, idle};
use crate::load::wire::Credential;
use crate::load::{Plan, Report, run};
use crate::mosquitto::Mosquitto;
use crate::process;

/// Longest one run may take.
const RUN_TIMEOUT: Duration = Duration::from_secs(90);
/// Bytes in a payload: a small JSON object.
const PAYLOAD_BYTES: usize = 64;
/// Connections being opened at the same time.
const AT_ONCE: u32 = 16;
/// Time between the start of the demo home and the look at what it costs.
const DEMO_WARM_UP: Duration = Duration::from_secs(5);
const SCRIPT_SOURCE: &str = "on(topic(\"bench/in\"), |e| publish(\"bench/out\", e.payload));\n";

/// A broker to load.
struct Target {
    address: SocketAddr,
    pid: u32,
    credentials: Vec<Credential>,
}

/// Measures a shape `runs` times on both sides, or as often as its [`Shape::turns`] say, in turns, so that what the machine does meanwhile hits both.
/// Every run has a fresh process and, on Hearth, a fresh folder. `tell` hears of each run.
pub async fn measure(
    shape: &Shape,
    runs: usize,
    hearth: Option<&Path>,
    tell: &mut impl FnMut(&str),
) -> Result<Vec<Comparison>> {
    let (mut on_mosquitto, mut on_hearth) = (Vec::new(), Vec::new());
    let past = match (shape.measure, hearth) {
        (Measure::Startup { entities, readings }, Some(binary)) => {
            Some(past(binary, entities, readings, tell).await?)
        }
        _ => None,
    };
    for _ in 0..runs * shape.turns() {
        if shape.has_rival() {
            let figures = mosquitto_run(shape.measure).await?;
            tell(&line(shape, "mosquitto", &figures));
            on_mosquitto.push(figures);
        }
        if let Some(binary) = hearth {
            let figures = hearth_run(shape.measure, binary, past.as_ref()).await?;
            tell(&line(shape, "Hearth", &figures));
            on_hearth.push(figures);
        }
    }
    Ok(compare(shape.title, shape.targets, &on_mosquitto, &on_hearth))
}

fn line(shape: &Shape, side: &str, figures: &[Figure]) -> String {
    let figures: Vec<_> =
        figures.iter().map(|figure| format!("{} {:.1} {}", figure.what, figure.value, figure.unit)).collect();
    format!("{} on {side}: {}", shape.title, figures.join(", "))
}

async fn mosquitto_run(measure: Measure) -> Result<Vec<Figure>> {
    let mosquitto = Mosquitto::start().await?;
    let target = Target { address: mosquitto.address(), pid: mosquitto.pid(), credentials: Vec::new() };
    let figures = load(&target, measure).await?;
    mosquitto.stop().await?;
    Ok(figures)
}

async fn hearth_run(measure: Measure, binary: &Path, past: Option<&TempDir>) -> Result<Vec<Figure>> {
    let fresh = tempfile::tempdir()?;
    if let Measure::Topics { topics } = measure {
        return super::topics::topics(binary, fresh.path(), topics).await;
    }
    let folder = past.unwrap_or(&fresh).path();
    let start = Instant::now();
    let hearth = Hearth::start(binary, folder).await?;
    let started_in = start.elapsed();
    let figures = match measure {
        Measure::Startup { entities, .. } => {
            let ready = Figure::new("ready", "ms", started_in.as_secs_f64() * 1e3);
            let figures = vec![ready, memory(&hearth)?];
            let restored = count_entities(&hearth).await?;
            ensure!(
                restored == u64::from(entities),
                "only {restored} of {entities} entities are there again"
            );
            figures
        }
        Measure::Discovery { entities } => discovery(&hearth, entities).await?,
        Measure::Demo { hold } => demo(&hearth, hold).await?,
        measure => {
            let login = hearth.add_credential("bench", &["bench/#"], &["bench/#"]).await?;
            if let Measure::Script { .. } = measure {
                let script = json!({ "id": null, "name": "echo", "source": SCRIPT_SOURCE });
                let saved = hearth.call("save_automation", script).await?;
                ensure!(saved["automation"]["error"].is_null(), "the script has an error: {saved}");
            }
            let credentials = vec![login.clone()];
            let target = Target { address: hearth.mqtt(), pid: hearth.pid(), credentials };
            match measure {
                Measure::Crowd { connections } => crowd(&hearth, plan(&target, 0, 0), connections).await?,
                measure => load(&target, measure).await?,
            }
        }
    };
    hearth.stop().await?;
    Ok(figures)
}

/// A folder to start on.
async fn past(binary: &Path, entities: u32, readings: u32, tell: &mut impl FnMut(&str)) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let hearth = Hearth::start(binary, folder.path()).await?;
    let filled = fill(&hearth, entities, readings).await?;
    tell(&format!("filled a folder: {filled:?}"));
    hearth.stop().await?;
    Ok(folder)
}

/// Boards announce themselves to a hub that knows none of them, as after a move from another broker.
async fn discovery(hearth: &Hearth, entities: u32) -> Result<Vec<Figure>> {
    let login = login(hearth).await?;
    let announced = announce(hearth, &login, entities).await?;
    Ok(vec![
        Figure::new("registered", "ms", announced.registered_in.as_secs_f64() * 1e3),
        Figure::new("acknowledged", "ms", announced.acknowledged_in.as_secs_f64() * 1e3),
        memory(hearth)?,
    ])
}

fn memory(hearth: &Hearth) -> Result<Figure> {
    Ok(memory_of(process::rss_kib(hearth.pid())?))
}

/// Memory in the unit the targets speak of.
pub(super) fn memory_of(rss_kib: u64) -> Figure {
    Figure::new("memory", "MB", rss_kib as f64 * 1.024 / 1_000.0)
}

async fn demo(hearth: &Hearth, hold: Duration) -> Result<Vec<Figure>> {
    hearth.call("start_demo", Value::Null).await?;
    sleep(DEMO_WARM_UP).await;
    let before = process::cpu_time(hearth.pid())?;
    sleep(hold).await;
    let spent = process::cpu_time(hearth.pid())?.saturating_sub(before);
    Ok(vec![
        Figure::new("CPU", "% of a core", spent.as_secs_f64() * 100.0 / hold.as_secs_f64()),
        Figure::new("memory", "MiB", process::rss_kib(hearth.pid())? as f64 / 1_024.0),
    ])
}

async fn load(target: &Target, measure: Measure) -> Result<Vec<Figure>> {
    let connect_plan = |connections| ConnectPlan {
        address: target.address,
        credentials: target.credentials.clone(),
        connections,
        at_once: AT_ONCE,
        timeout: RUN_TIMEOUT,
    };
    match measure {
        Measure::Flood { publishers, subscribers, qos, in_flight, messages } => {
            let plan = Plan { publishers, subscribers, in_flight, ..plan(target, qos, messages) };
            let report = checked(run(plan).await?)?;
            let mut figures = vec![
                Figure::new("delivered", "msg/s", report.delivered_per_s),
                Figure::new("received", "%", report.received_percent),
            ];
            if let Some(cost) = report.broker {
                figures.push(Figure::new("CPU", "µs per message", cost.cpu_us_per_message));
                figures.push(Figure::new("memory", "MiB", cost.rss_kib as f64 / 1_024.0));
            }
            Ok(figures)
        }
        Measure::Paced { qos, messages } => {
            let report = checked(run(Plan { rate: Some(PACE_PER_S), ..plan(target, qos, messages) }).await?)?;
            waiting_times(&report)
        }
        Measure::Script { messages } => {
            let (topic, filter) = ("bench/in".to_owned(), "bench/out".to_owned());
            let plan = Plan { rate: Some(SCRIPT_PER_S), topic, filter, ..plan(target, 0, messages) };
            waiting_times(&checked(run(plan).await?)?)
        }
        Measure::Connects { connections } => {
            let report = connect_and_close(&connect_plan(connections)).await?;
            ensure!(report.failed == 0, "{} connections failed: {}", report.failed, report.errors.join("; "));
            Ok(vec![Figure::new("connects", "per s", report.connects_per_s)])
        }
        Measure::Idle { connections, hold } => {
            let report = idle(&connect_plan(connections), target.pid, hold).await?;
            Ok(vec![
                Figure::new("memory per client", "KiB", report.kib_per_connection),
                Figure::new("memory", "MiB", report.rss_kib as f64 / 1_024.0),
                Figure::new("CPU", "% of a core", report.cpu_percent),
            ])
        }
        Measure::Crowd { .. }
        | Measure::Topics { .. }
        | Measure::Startup { .. }
        | Measure::Discovery { .. }
        | Measure::Demo { .. } => anyhow::bail!("this shape loads no broker"),
    }
}

fn plan(target: &Target, qos: u8, messages: u32) -> Plan {
    Plan {
        address: target.address,
        credentials: target.credentials.clone(),
        publishers: 1,
        subscribers: 1,
        qos,
        in_flight: 50,
        payload_bytes: PAYLOAD_BYTES,
        messages,
        rate: None,
        topic: "bench/{n}".to_owned(),
        filter: "bench/+".to_owned(),
        pid: Some(target.pid),
        timeout: RUN_TIMEOUT,
    }
}

/// A run that broke gives no figures. Loss at QoS 0 is allowed and is a figure itself; at QoS 1 it is not.
fn checked(report: Report) -> Result<Report> {
    ensure!(report.failed == 0, "{} connections broke: {}", report.failed, report.errors.join("; "));
    ensure!(!report.timed_out, "not done within {RUN_TIMEOUT:?}: {} delivered", report.delivered);
    ensure!(report.disordered == 0, "{} messages came twice or out of order", report.disordered);
    ensure!(
        report.qos == 0 || report.delivered == report.expected,
        "only {} of {} messages of QoS 1 arrived",
        report.delivered,
        report.expected
    );
    Ok(report)
}

fn waiting_times(report: &Report) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if let Some(latency) = report.latency {
        figures.push(Figure::new("delivery p50", "µs", latency.p50_us));
        figures.push(Figure::new("delivery p99", "µs", latency.p99_us));
    }
    if let Some(ack) = report.ack {
        figures.push(Figure::new("acknowledgement p50", "µs", ack.p50_us));
    }
    figures.push(Figure::new("received", "%", report.received_percent));
    if let Some(cost) = report.broker {
        figures.push(Figure::new("CPU", "µs per message", cost.cpu_us_per_message));
    }
    ensure!(report.delivered > 0, "nothing arrived");
    Ok(figures)
}
