//! Exercises that make the hub shed messages, and then ask it for the bill: what did not arrive must be what it
//! says it dropped, to the message.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep, timeout};

use super::dice::Dice;
use super::link::{End, Link};
use super::packets::{self, Hello, Incoming, Outgoing, PINGREQ, Version, kind};
use super::world::{Epoch, Phase, World};

const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 40);
/// So small that the system holds back as little as it can between the hub and a client that does not read.
const RECEIVE_BUFFER_BYTES: u32 = 16 * 1024;
/// Longest one step may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(90);
/// After this long without a message the hub is asked whether anything still waits.
const SILENCE: Duration = Duration::from_millis(500);
/// Messages written at once, and how often: some thousands a second.
const BATCH: u32 = 50;
const BATCH_PAUSE: Duration = Duration::from_millis(20);

/// One way of making the hub drop messages.
#[derive(Debug, Clone, Copy)]
struct Exercise {
    name: &'static str,
    /// Of publisher and subscriber.
    qos: u8,
    persistent: bool,
    /// The subscriber is away while the messages come, not just deaf.
    away: bool,
    messages: u32,
    payload_bytes: usize,
}

/// Each goes well past the limit it is named for: 8 MiB for a client that is connected, 10,000 messages for one
/// that is not.
const EXERCISES: &[Exercise] = &[
    Exercise {
        name: "a deaf subscriber at QoS 0",
        qos: 0,
        persistent: false,
        away: false,
        messages: 5_000,
        payload_bytes: 4_096,
    },
    Exercise {
        name: "a deaf subscriber at QoS 1, clean",
        qos: 1,
        persistent: false,
        away: false,
        messages: 3_500,
        payload_bytes: 4_096,
    },
    Exercise {
        name: "a deaf subscriber at QoS 1, persistent",
        qos: 1,
        persistent: true,
        away: false,
        messages: 12_000,
        payload_bytes: 32,
    },
    Exercise {
        name: "a sleeping subscriber at QoS 1",
        qos: 1,
        persistent: true,
        away: true,
        messages: 12_000,
        payload_bytes: 32,
    },
    Exercise {
        name: "a sleeping subscriber at QoS 2",
        qos: 2,
        persistent: true,
        away: true,
        messages: 12_000,
        payload_bytes: 32,
    },
];

/// Goes through the exercises again and again.
pub(super) async fn run(world: Arc<World>) {
    let mut dice = world.dice("account");
    for round in 0_u32.. {
        for (place, exercise) in EXERCISES.iter().enumerate() {
            if world.phase() != Phase::Chaos {
                return;
            }
            let epoch = world.up().await;
            let name = format!("account-{round}-{place}");
            let done = tokio::select! {
                done = timeout(STEP_TIMEOUT, one(&world, &mut dice, *exercise, &name, epoch)) => done,
                () = world.reached(Phase::Finish) => return,
            };
            match done {
                _ if !world.undisturbed(epoch) => {
                    world.did("exercise given up because the hub was killed");
                    forget(&world, &name).await;
                }
                Ok(Ok(())) => world.did(exercise.name),
                Ok(Err(why)) => world.broken(format!("{}: {why:#}", exercise.name)),
                Err(_) => world.broken(format!("{}: not done after {STEP_TIMEOUT:?}", exercise.name)),
            }
            world.chaos_for(dice.time_ms(500, 3_000)).await;
        }
    }
}

async fn one(world: &World, dice: &mut Dice, exercise: Exercise, name: &str, epoch: Epoch) -> Result<()> {
    let topic = format!("chaos/account/{name}");
    let version = *dice.pick(&[Version::V311, Version::V5]);
    let hello = world.hello(version, name, exercise.persistent);
    let mut subscriber = deaf(world, &hello).await?;
    subscriber.subscribe(&topic, exercise.qos).await?;
    ensure!(matches!(subscriber.next().await?, Incoming::SubAck { .. }), "SUBSCRIBE was not answered");
    let before = totals(world).await?;
    let mut subscriber = Some(subscriber);
    if exercise.away {
        subscriber.take().context("it is connected")?.goodbye().await?;
    }
    let publisher = world.hello(Version::V311, &format!("{name}-publisher"), false);
    let (mut publisher, _) = world.connect(dice, FROM, End::Close, &publisher).await?;
    publish(&mut publisher, &topic, exercise).await?;
    publisher.goodbye().await?;
    let mut subscriber = match subscriber {
        Some(awake) => awake,
        None => deaf(world, &hello).await?,
    };
    let received = receive_all(world, &mut subscriber, name).await?;
    let (dropped, _) = look(world, name).await?;
    let missed = u64::from(exercise.messages) - received;
    let counted = totals(world).await?.saturating_sub(before);
    subscriber.goodbye().await?;
    forget(world, name).await;
    if !world.undisturbed(epoch) {
        return Ok(());
    }
    ensure!(
        missed == dropped,
        "{} published and acknowledged, {received} received: {missed} are missing, but {dropped} are counted as \
         dropped for {name}",
        exercise.messages
    );
    ensure!(counted >= dropped, "{dropped} are counted for {name}, but only {counted} in all");
    ensure!(missed > 0, "nothing was dropped of {}: the exercise proves nothing", exercise.messages);
    world.counts.shed.fetch_add(missed, Relaxed);
    Ok(())
}

/// Ends a session with all that waits in it, or the next exercises would find no room. A kill in between may
/// prevent it, so it is tried again.
async fn forget(world: &World, name: &str) {
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        world.up().await;
        let hello = world.hello(Version::V311, name, false);
        let forgotten = async { deaf(world, &hello).await?.goodbye().await };
        if forgotten.await.is_ok() {
            return;
        }
        sleep(SILENCE).await;
    }
}

/// A client behind a small buffer.
async fn deaf(world: &World, hello: &Hello) -> Result<Link> {
    let (_, address) = world.carriers.first().context("there is no way to the hub")?;
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    socket.bind((FROM, 0).into())?;
    let stream = socket.connect(*address).await?;
    stream.set_nodelay(true)?;
    Ok(Link::login(Box::new(stream), hello).await?.0)
}

/// Publishes the exercise's messages; when this returns the hub has taken every one.
async fn publish(link: &mut Link, topic: &str, exercise: Exercise) -> Result<()> {
    let payload = vec![b'.'; exercise.payload_bytes];
    let mut sent = 0;
    while sent < exercise.messages {
        let mut out = Vec::new();
        let last = (sent + BATCH).min(exercise.messages);
        for number in sent + 1..=last {
            // Fewer than 65,536 messages, each with an id of its own.
            let packet_id = number as u16;
            let message = Outgoing {
                topic,
                payload: &payload,
                qos: exercise.qos,
                retain: false,
                dup: false,
                packet_id,
            };
            packets::publish(Version::V311, &mut out, message);
        }
        // What is answered next to QoS 0 messages comes behind them.
        if exercise.qos == 0 {
            out.extend(PINGREQ);
        }
        link.send(&out).await?;
        let mut waiting = if exercise.qos == 0 { 1 } else { last - sent };
        while waiting > 0 {
            match link.next().await? {
                Incoming::Pong | Incoming::Ack { kind: kind::PUBACK | kind::PUBCOMP, .. } => waiting -= 1,
                Incoming::Ack { kind: kind::PUBREC, packet_id, .. } => {
                    let mut release = Vec::new();
                    packets::ack(&mut release, kind::PUBREL, packet_id);
                    link.send(&release).await?;
                }
                other => bail!("a publisher got {other:?}"),
            }
        }
        sent = last;
        sleep(BATCH_PAUSE).await;
    }
    Ok(())
}

/// Takes everything that waits for the client; returns how many messages that were.
async fn receive_all(world: &World, link: &mut Link, client_id: &str) -> Result<u64> {
    let deadline = Instant::now() + STEP_TIMEOUT;
    let (mut received, mut out) = (0, Vec::new());
    let mut unreleased = std::collections::HashSet::new();
    while Instant::now() < deadline {
        while let Some(packet) = link.take()? {
            match packet {
                Incoming::Publish(publish) => {
                    let again = publish.qos == 2 && !unreleased.insert(publish.packet_id);
                    received += u64::from(!again);
                    match publish.qos {
                        1 => packets::ack(&mut out, kind::PUBACK, publish.packet_id),
                        2 => packets::ack(&mut out, kind::PUBREC, publish.packet_id),
                        _ => {}
                    }
                }
                Incoming::Ack { kind: kind::PUBREL, packet_id, .. } => {
                    unreleased.remove(&packet_id);
                    packets::ack(&mut out, kind::PUBCOMP, packet_id);
                }
                other => bail!("a subscriber got {other:?}"),
            }
        }
        link.send(&out).await?;
        out.clear();
        if let Ok(filled) = timeout(SILENCE, link.fill()).await {
            filled?;
        } else if look(world, client_id).await?.1 == 0 {
            return Ok(received);
        }
    }
    bail!("messages still wait for {client_id} after {STEP_TIMEOUT:?}; {received} have come")
}

/// How many messages of a client were dropped, and how many still wait or are on the way.
async fn look(world: &World, client_id: &str) -> Result<(u64, u64)> {
    let answer = world.api.call("list_clients", Value::Null).await?;
    let clients = answer["clients"].as_array().context("list_clients has no clients")?;
    let client = clients.iter().find(|client| client["client_id"] == client_id);
    let client = client.with_context(|| format!("list_clients does not know {client_id}"))?;
    let number = |field: &str| client[field].as_u64().with_context(|| format!("a client has no `{field}`"));
    Ok((number("dropped")?, number("queued")? + number("in_flight")?))
}

/// Messages dropped in all since the hub started.
async fn totals(world: &World) -> Result<u64> {
    let answer = world.api.call("info", Value::Null).await?;
    answer["counters"]["dropped"].as_u64().context("info has no counter `dropped`")
}
