//! A run: publishers and subscribers, each side on a thread of its own, and the figures they give.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout_at};

use super::connection::Connection;
use super::publisher::{Published, Publisher, Share};
use super::stamp::STAMP_BYTES;
use super::subscriber::{Received, receive};
use super::wire::Credential;
use crate::process;
use crate::statistics::{Spread, ratio};

/// When nothing has arrived for this long after the last publish, what is missing is lost.
const QUIET: Duration = Duration::from_secs(3);
/// How often the broker is looked at after a run, to count the work it put off.
const SETTLE_STEP: Duration = Duration::from_millis(100);
/// Longest the broker is waited for to come to rest.
const SETTLE_STEPS_MAX: usize = 30;
/// Errors of connections that are told; the rest is counted only.
const ERRORS_TOLD_MAX: usize = 5;
/// Most messages of one publisher, by the width of its stamp.
const MESSAGES_MAX: u32 = 1 << 30;
/// Stands for the publisher's number in a topic.
const NUMBER: &str = "{n}";

/// What to send and what to expect.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The broker, on this machine.
    pub address: SocketAddr,
    /// Logins, handed out in turn; none connects anonymously.
    pub credentials: Vec<Credential>,
    /// Clients that publish.
    pub publishers: u32,
    /// Clients that subscribe.
    pub subscribers: u32,
    /// 0 or 1, for publishing and subscribing.
    pub qos: u8,
    /// Unacknowledged publishes a client may have at QoS 1.
    pub in_flight: usize,
    /// Length of a payload, at least [`STAMP_BYTES`].
    pub payload_bytes: usize,
    /// Messages of all publishers together.
    pub messages: u32,
    /// Messages per second of all publishers together; `None` is as fast as it goes.
    pub rate: Option<f64>,
    /// Published to; `{n}` becomes the publisher's number.
    pub topic: String,
    /// Subscribed to.
    pub filter: String,
    /// The broker's process, to measure what it costs.
    pub pid: Option<u32>,
    /// After this long the run is broken off and reports what it has.
    pub timeout: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the plan's words")]
pub struct Report {
    pub publishers: u32,
    pub subscribers: u32,
    pub qos: u8,
    pub in_flight: usize,
    pub payload_bytes: usize,
    /// Sent by all publishers.
    pub published: u64,
    /// Acknowledged at QoS 1.
    pub acked: u64,
    /// Per second from the start to the last write, or at QoS 1 to the last acknowledgement.
    pub publish_per_s: f64,
    /// Published times subscribers.
    pub expected: u64,
    /// Arrived at all subscribers.
    pub delivered: u64,
    /// Per second from the start to the last arrival.
    pub delivered_per_s: f64,
    pub received_percent: f64,
    /// Messages that came twice or out of their publisher's order, and acknowledgements out of order.
    pub disordered: u64,
    /// From before the write to after the read, at a given rate only.
    pub latency: Option<Spread>,
    /// From before the write to the acknowledgement, at QoS 1.
    pub ack: Option<Spread>,
    /// With a pid.
    pub broker: Option<Cost>,
    pub elapsed_ms: u64,
    pub timed_out: bool,
    /// Connections that failed.
    pub failed: usize,
    /// The first few reasons.
    pub errors: Vec<String>,
}

/// What the run cost the broker.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cost {
    /// CPU of all its threads, until it came to rest.
    pub cpu_ms: u64,
    /// Per delivered message, or per published one when nobody subscribed.
    pub cpu_us_per_message: f64,
    /// Memory afterwards.
    pub rss_kib: u64,
}

/// The run's clock: what both sides stamp and read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn now_ns(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Connecting,
    Running,
    Over,
}

/// What both sides share.
#[derive(Clone)]
struct Frame {
    plan: Arc<Plan>,
    clock: Clock,
    phase: watch::Receiver<Phase>,
    /// Deliveries so far.
    moved: Arc<AtomicU64>,
}

/// What a client did, and why it could not go on.
type Outcome<T> = (T, Option<anyhow::Error>);

/// One side of the run: a thread with all its clients.
struct Side<T> {
    ready: oneshot::Receiver<()>,
    finished: oneshot::Receiver<()>,
    thread: JoinHandle<Result<Vec<Outcome<T>>>>,
}

/// Carries out a plan.
///
/// # Errors
/// When the plan makes no sense or the clients cannot connect. A connection that breaks later is in the
/// report instead.
pub async fn run(plan: Plan) -> Result<Report> {
    check(&plan)?;
    let deadline = tokio::time::Instant::now() + plan.timeout;
    let plan = Arc::new(plan);
    let clock = Clock(Instant::now());
    let (phase_sender, phase) = watch::channel(Phase::Connecting);
    let frame = Frame { plan: plan.clone(), clock, phase, moved: Arc::default() };

    let mut subscribers = Side::start(frame.clone(), subscribe_all)?.ready(deadline).await?;
    let mut publishers = Side::start(frame.clone(), publish_all)?.ready(deadline).await?;
    let cpu_before = plan.pid.map(process::cpu_time).transpose()?;
    let start_ns = clock.now_ns();
    phase_sender.send_replace(Phase::Running);
    let published_in_time = timeout_at(deadline, &mut publishers.finished).await.is_ok();
    let received_in_time = await_subscribers(&mut subscribers.finished, &frame.moved, deadline).await;
    phase_sender.send_replace(Phase::Over);

    let published = publishers.join()?;
    let received = subscribers.join()?;
    let spent = match (plan.pid, cpu_before) {
        (Some(pid), Some(before)) => {
            Some((settled_cpu(pid).await?.saturating_sub(before), process::rss_kib(pid)?))
        }
        _ => None,
    };
    let timed_out = !(published_in_time && received_in_time);
    Ok(report(&plan, start_ns, timed_out, published, received, spent))
}

fn check(plan: &Plan) -> Result<()> {
    ensure!(plan.publishers > 0, "a run needs at least one publisher");
    ensure!(plan.messages >= plan.publishers, "{} publishers need at least a message each", plan.publishers);
    ensure!(plan.messages < MESSAGES_MAX, "a run has fewer than {MESSAGES_MAX} messages");
    ensure!(plan.qos < 2, "QoS {} is not measured; choose 0 or 1", plan.qos);
    ensure!(
        (1..=usize::from(u16::MAX)).contains(&plan.in_flight),
        "{} messages cannot be in flight: packet ids go from 1 to 65,535",
        plan.in_flight
    );
    ensure!(plan.payload_bytes >= STAMP_BYTES, "a payload needs {STAMP_BYTES} bytes for its stamp");
    ensure!(plan.rate.is_none_or(|rate| rate > 0.0), "the rate must be more than nothing");
    Ok(())
}

impl<T: Send + 'static> Side<T> {
    fn start<W>(
        frame: Frame,
        work: impl FnOnce(Frame, oneshot::Sender<()>) -> W + Send + 'static,
    ) -> Result<Self>
    where
        W: Future<Output = Result<Vec<Outcome<T>>>>,
    {
        let (ready_sender, ready) = oneshot::channel();
        let (finished_sender, finished) = oneshot::channel();
        let thread = std::thread::Builder::new().name("load".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let outcome = runtime.block_on(work(frame, ready_sender));
            // Nobody listens any more when the run was given up.
            let _ = finished_sender.send(());
            outcome
        })?;
        Ok(Self { ready, finished, thread })
    }

    /// Awaits that all its clients are connected.
    async fn ready(mut self, deadline: tokio::time::Instant) -> Result<Self> {
        match timeout_at(deadline, &mut self.ready).await {
            Ok(Ok(())) => Ok(self),
            Ok(Err(_)) => {
                Err(self.join().err().unwrap_or_else(|| anyhow!("the clients ended before they began")))
            }
            Err(_) => {
                Err(anyhow!("not all clients were connected in time; use fewer, or a longer --timeout-s"))
            }
        }
    }

    fn join(self) -> Result<Vec<Outcome<T>>> {
        self.thread.join().map_err(|_| anyhow!("a thread of the load generator panicked"))?
    }
}

async fn subscribe_all(frame: Frame, ready: oneshot::Sender<()>) -> Result<Vec<Outcome<Received>>> {
    let plan = &frame.plan;
    let mut connections = Vec::new();
    for number in 0..plan.subscribers {
        let mut connection = open(plan, "s", number).await?;
        connection.subscribe(&plan.filter, plan.qos).await?;
        connections.push(connection);
    }
    let _ = ready.send(());
    let mut clients = JoinSet::new();
    for mut connection in connections {
        let Frame { plan, clock, mut phase, moved } = frame.clone();
        clients.spawn(async move {
            let (expected, timed) = (plan.messages.into(), plan.rate.is_some());
            let mut received = Received::default();
            let outcome = tokio::select! {
                biased;
                outcome = receive(&mut connection, expected, timed, clock, &moved, &mut received) => outcome,
                _ = phase.wait_for(|phase| *phase == Phase::Over) => Ok(()),
            };
            (received, outcome.context("subscriber").err())
        });
    }
    Ok(clients.join_all().await)
}

async fn publish_all(frame: Frame, ready: oneshot::Sender<()>) -> Result<Vec<Outcome<Published>>> {
    let plan = &frame.plan;
    let mut connections = Vec::new();
    for number in 0..plan.publishers {
        connections.push((share(plan, number), open(plan, "p", number).await?));
    }
    let _ = ready.send(());
    let mut clients = JoinSet::new();
    for (share, mut connection) in connections {
        let Frame { clock, mut phase, .. } = frame.clone();
        clients.spawn(async move {
            let mut done = Published::default();
            let _ = phase.wait_for(|phase| *phase >= Phase::Running).await;
            let outcome = tokio::select! {
                biased;
                outcome = Publisher::new(&share, clock).run(&mut connection, &mut done) => outcome,
                _ = phase.wait_for(|phase| *phase == Phase::Over) => Ok(()),
            };
            (done, outcome.context("publisher").err())
        });
    }
    Ok(clients.join_all().await)
}

/// Client ids stay below the 23 bytes that every 3.1.1 broker must take.
async fn open(plan: &Plan, role: &str, number: u32) -> Result<Connection> {
    let client_id = format!("load-{}-{role}{number}", std::process::id());
    let offset = if role == "p" { plan.subscribers as usize } else { 0 };
    let credential = match plan.credentials.len() {
        0 => None,
        count => plan.credentials.get((offset + number as usize) % count),
    };
    Ok(Connection::open(plan.address, &client_id, true, credential).await?.0)
}

fn share(plan: &Plan, number: u32) -> Share {
    let more = u32::from(number < plan.messages % plan.publishers);
    let pace = plan.rate.map(|rate| {
        let period = Duration::from_secs_f64(f64::from(plan.publishers) / rate);
        (period, period * (number + 1) / plan.publishers)
    });
    Share {
        number,
        topic: plan.topic.replace(NUMBER, &number.to_string()),
        qos: plan.qos,
        in_flight: plan.in_flight,
        payload_bytes: plan.payload_bytes,
        messages: plan.messages / plan.publishers + more,
        pace,
    }
}

/// Awaits the subscribers; false when the deadline came first. Returns early when nothing moves any more: then
/// the rest is lost, which is a result and not a failure.
async fn await_subscribers(
    finished: &mut oneshot::Receiver<()>,
    moved: &AtomicU64,
    deadline: tokio::time::Instant,
) -> bool {
    let mut seen = moved.load(Ordering::Relaxed);
    loop {
        let quiet = tokio::time::Instant::now() + QUIET;
        if timeout_at(quiet.min(deadline), &mut *finished).await.is_ok() {
            return true;
        }
        let now = moved.load(Ordering::Relaxed);
        if tokio::time::Instant::now() >= deadline {
            return false;
        }
        if now == seen {
            return true;
        }
        seen = now;
    }
}

/// CPU time once it no longer rises: what a broker writes after it delivered is part of the message's price.
async fn settled_cpu(pid: u32) -> Result<Duration> {
    let mut before = process::cpu_time(pid)?;
    for _ in 0..SETTLE_STEPS_MAX {
        sleep(SETTLE_STEP).await;
        let now = process::cpu_time(pid)?;
        if now == before {
            break;
        }
        before = now;
    }
    Ok(before)
}

fn report(
    plan: &Plan,
    start_ns: u64,
    timed_out: bool,
    published: Vec<Outcome<Published>>,
    received: Vec<Outcome<Received>>,
    spent: Option<(Duration, u64)>,
) -> Report {
    let mut errors = Vec::new();
    let (mut sent, mut acked, mut disordered) = (0, 0, 0);
    let (mut ack_ns, mut latency_ns) = (Vec::new(), Vec::new());
    let (mut publish_end_ns, mut delivery_end_ns) = (start_ns, start_ns);
    for (done, error) in published {
        sent += u64::from(done.sent);
        acked += u64::from(done.acked);
        disordered += done.disordered;
        ack_ns.extend(done.ack_ns);
        publish_end_ns = publish_end_ns.max(done.finished_ns);
        errors.extend(error);
    }
    let mut delivered = 0;
    for (done, error) in received {
        delivered += done.delivered;
        disordered += done.disordered;
        latency_ns.extend(done.latency_ns);
        delivery_end_ns = delivery_end_ns.max(done.last_ns);
        errors.extend(error);
    }
    let per_s =
        |count: u64, end_ns: u64| ratio(count as f64, (end_ns - start_ns) as f64 / 1e9).unwrap_or_default();
    let expected = sent * u64::from(plan.subscribers);
    let counted = if plan.subscribers > 0 { delivered } else { sent };
    Report {
        publishers: plan.publishers,
        subscribers: plan.subscribers,
        qos: plan.qos,
        in_flight: plan.in_flight,
        payload_bytes: plan.payload_bytes,
        published: sent,
        acked,
        publish_per_s: per_s(if plan.qos == 0 { sent } else { acked }, publish_end_ns),
        expected,
        delivered,
        delivered_per_s: per_s(delivered, delivery_end_ns),
        received_percent: ratio(delivered as f64 * 100.0, expected as f64).unwrap_or(100.0),
        disordered,
        latency: Spread::of_ns(latency_ns),
        ack: Spread::of_ns(ack_ns),
        broker: spent.map(|(cpu, rss_kib)| Cost {
            cpu_ms: cpu.as_millis() as u64,
            cpu_us_per_message: ratio(cpu.as_secs_f64() * 1e6, counted as f64).unwrap_or_default(),
            rss_kib,
        }),
        elapsed_ms: (publish_end_ns.max(delivery_end_ns) - start_ns) / 1_000_000,
        timed_out,
        failed: errors.len(),
        errors: errors.iter().take(ERRORS_TOLD_MAX).map(|error| format!("{error:#}")).collect(),
    }
}
