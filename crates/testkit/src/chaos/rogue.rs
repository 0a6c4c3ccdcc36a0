//! Those who mean no good, or know no better: silent sockets, handshakes byte by byte, garbage, wrong passwords,
//! floods of connections, clients that are dead and say nothing. The hub has to be rid of each in time.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use super::dice::Dice;
use super::link::{self, End, Stream};
use super::packets::{self, Hello, Outgoing, Version};
use super::world::{Phase, World};

/// Longest the hub may take to close what it need not bear: its own limits are 5 s without a login, one and a
/// half keepalives and 20 s without a byte read, and this machine is busy.
const CLOSED_WITHIN: Duration = Duration::from_secs(45);
/// Connections of one flood.
const FLOOD: u32 = 150;
/// What a client that never reads is sent, and in pieces of what size.
const UNREAD_BYTES: usize = 12 * 1024 * 1024;
const UNREAD_PIECE_BYTES: usize = 32 * 1024;

/// What a rogue does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    SilentSocket,
    SlowConnect,
    SlowGarbage,
    Garbage,
    RawGarbage,
    SlowHandshake,
    HalfHandshake,
    Duel,
    WrongPassword,
    HugeLength,
    BreaksProtocol,
    DeadClient,
    NeverReads,
    ConnectFlood,
}

const DEEDS: &[Deed] = &[
    Deed::SilentSocket,
    Deed::SlowConnect,
    Deed::SlowGarbage,
    Deed::Garbage,
    Deed::RawGarbage,
    Deed::SlowHandshake,
    Deed::HalfHandshake,
    Deed::Duel,
    Deed::WrongPassword,
    Deed::HugeLength,
    Deed::BreaksProtocol,
    Deed::DeadClient,
    Deed::NeverReads,
    Deed::ConnectFlood,
];

impl Deed {
    fn name(self) -> &'static str {
        match self {
            Self::SilentSocket => "rogue: silent socket",
            Self::SlowConnect => "rogue: CONNECT byte by byte",
            Self::SlowGarbage => "rogue: garbage byte by byte",
            Self::Garbage => "rogue: garbage",
            Self::RawGarbage => "rogue: garbage before any handshake",
            Self::SlowHandshake => "rogue: TLS or WebSocket handshake byte by byte",
            Self::HalfHandshake => "rogue: half a TLS or WebSocket handshake",
            Self::Duel => "rogue: two clients that fight for one client id",
            Self::WrongPassword => "rogue: wrong password",
            Self::HugeLength => "rogue: huge declared length",
            Self::BreaksProtocol => "rogue: breaks the protocol after login",
            Self::DeadClient => "rogue: dead client with a keepalive",
            Self::NeverReads => "rogue: subscriber that never reads",
            Self::ConnectFlood => "rogue: flood of connections",
        }
    }
}

/// Does one deed after the other until chaos is over.
pub(super) async fn run(world: Arc<World>, number: u8) {
    let name = format!("rogue-{number}");
    let mut dice = world.dice(&name);
    // Addresses of their own: what the hub holds against one must not fall back on the others.
    let from = Ipv4Addr::new(127, 0, 2, number);
    while world.chaos_for(dice.time_ms(200, 3_000)).await {
        let epoch = world.up().await;
        let deed = *dice.pick(DEEDS);
        let done = tokio::select! {
            done = commit(&world, &mut dice, deed, &name, from) => done,
            () = world.reached(Phase::Finish) => return,
        };
        match done {
            Ok(()) => world.did(deed.name()),
            Err(_) if !world.undisturbed(epoch) => {}
            Err(why) => world.broken(format!("{}: {why:#}", deed.name())),
        }
    }
}

async fn commit(world: &World, dice: &mut Dice, deed: Deed, name: &str, from: Ipv4Addr) -> Result<()> {
    let version = *dice.pick(&[Version::V311, Version::V5]);
    let hello = world.hello(version, name, false);
    match deed {
        Deed::SilentSocket => {
            let stream = open(world, dice, from).await?;
            closed(stream).await
        }
        Deed::SlowConnect => {
            let stream = open(world, dice, from).await?;
            slowly(stream, &packets::connect(&hello)).await
        }
        Deed::SlowGarbage => {
            let stream = open(world, dice, from).await?;
            let bytes = dice.bytes(64);
            slowly(stream, &bytes).await
        }
        Deed::Garbage => {
            let mut stream = open(world, dice, from).await?;
            let count = dice.between(1, 4_096) as usize;
            // It may close before it has it all.
            let _ = stream.write_all(&dice.bytes(count)).await;
            let _ = stream.flush().await;
            closed(stream).await
        }
        Deed::RawGarbage => {
            let (_, mut socket) = raw(world, dice, from).await?;
            let count = dice.between(1, 4_096) as usize;
            let _ = socket.write_all(&dice.bytes(count)).await;
            closed(socket).await
        }
        Deed::SlowHandshake => {
            let (greeting, socket) = raw(world, dice, from).await?;
            slowly(socket, &greeting.unwrap_or_else(|| packets::connect(&hello))).await
        }
        Deed::HalfHandshake => {
            let (greeting, mut socket) = raw(world, dice, from).await?;
            let greeting = greeting.unwrap_or_else(|| packets::connect(&hello));
            let _ = socket.write_all(&greeting[..greeting.len() / 2]).await;
            closed(socket).await
        }
        Deed::Duel => duel(world, dice, &hello, from).await,
        Deed::WrongPassword => {
            let mut stream = open(world, dice, from).await?;
            let mut wrong = hello;
            wrong.credential.password = format!("{:x}", dice.between(0, u64::from(u32::MAX)));
            let _ = stream.write_all(&packets::connect(&wrong)).await;
            let _ = stream.flush().await;
            closed(stream).await
        }
        Deed::HugeLength => {
            let mut stream = open(world, dice, from).await?;
            let _ = stream.write_all(&[0x10, 0xFF, 0xFF, 0xFF, 0x7F, 0, 4]).await;
            let _ = stream.flush().await;
            closed(stream).await
        }
        Deed::BreaksProtocol => {
            let (mut link, _) = world.connect(dice, from, End::Close, &hello).await?;
            let wrong = wrong_packet(dice, &hello);
            let _ = link.send(&wrong).await;
            link.until_closed(CLOSED_WITHIN).await
        }
        Deed::DeadClient => {
            let dead = Hello { keep_alive_s: 2, ..hello };
            let (mut link, _) = world.connect(dice, from, End::Reset, &dead).await?;
            link.subscribe("chaos/pulse", 0).await?;
            link.until_closed(CLOSED_WITHIN).await
        }
        Deed::NeverReads => never_reads(world, dice, name, &hello, from).await,
        Deed::ConnectFlood => {
            let mut streams = Vec::new();
            for _ in 0..FLOOD {
                let (_, to) = dice.pick(&world.carriers);
                let end = if dice.chance(50) { End::Reset } else { End::Close };
                // Refusing them is allowed.
                if let Ok(stream) = link::dial(from, *to, end).await {
                    streams.push(stream);
                }
            }
            sleep(dice.time_ms(0, 500)).await;
            drop(streams);
            Ok(())
        }
    }
}

async fn open(world: &World, dice: &mut Dice, from: Ipv4Addr) -> Result<Box<dyn Stream>> {
    let (carrier, to) = dice.pick(&world.carriers);
    let end = if dice.chance(50) { End::Reset } else { End::Close };
    carrier.open(from, *to, end).await
}

/// A bare socket to one of the doors, and what a client would write first there.
async fn raw(world: &World, dice: &mut Dice, from: Ipv4Addr) -> Result<(Option<Vec<u8>>, Box<dyn Stream>)> {
    let (carrier, to) = dice.pick(&world.carriers);
    Ok((carrier.greeting(*to)?, Box::new(link::dial(from, *to, End::Close).await?)))
}

/// Each login throws the other one out, which logs in again at once. Whoever is thrown out has to be closed.
async fn duel(world: &World, dice: &mut Dice, hello: &Hello, from: Ipv4Addr) -> Result<()> {
    const ROUNDS: u32 = 25;
    let hello = Hello { client_id: format!("{}-duel", hello.client_id), ..hello.clone() };
    let (mut holder, _) = world.connect(dice, from, End::Close, &hello).await?;
    for _ in 0..ROUNDS {
        let (next, _) = world.connect(dice, from, End::Close, &hello).await?;
        std::mem::replace(&mut holder, next)
            .until_closed(CLOSED_WITHIN)
            .await
            .context("thrown out, but open")?;
    }
    holder.goodbye().await
}

async fn closed(mut stream: Box<dyn Stream>) -> Result<()> {
    link::until_closed(&mut stream, CLOSED_WITHIN).await
}

/// Byte after byte with long pauses.
async fn slowly(mut stream: Box<dyn Stream>, bytes: &[u8]) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(700);
    let writing = async {
        for byte in bytes {
            if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            sleep(PAUSE).await;
        }
    };
    // Cut off, or not even after all that time: the reading tells.
    let _ = timeout(CLOSED_WITHIN, writing).await;
    closed(stream).await
}

/// Something no client may send (MQTT 3.1.1, sections 2.2.2, 3.1, 3.3.2.1 and 3.8.3).
fn wrong_packet(dice: &mut Dice, hello: &Hello) -> Vec<u8> {
    let mut out = Vec::new();
    match dice.between(1, 5) {
        1 => out = packets::connect(hello),
        2 => {
            let wildcard =
                Outgoing { topic: "chaos/#", payload: b"1", qos: 0, retain: false, dup: false, packet_id: 0 };
            packets::publish(hello.version, &mut out, wildcard);
        }
        3 => out = packets::subscribe(hello.version, 1, "chaos/#/x", 1),
        4 => out.extend([0x36, 4, 0, 1, b'a', 0]),
        _ => out.extend([0xF0 | dice.between(1, 15) as u8, 0x80, 0x80, 0x80, 0x80, 0x01]),
    }
    out
}

/// Floods a client of its own that never reads a byte: the hub has to close it and bear nobody else a grudge.
async fn never_reads(
    world: &World,
    dice: &mut Dice,
    name: &str,
    hello: &Hello,
    from: Ipv4Addr,
) -> Result<()> {
    let topic = format!("chaos/unread/{name}");
    let (mut deaf, _) = world.connect(dice, from, End::Reset, hello).await?;
    deaf.subscribe(&topic, 0).await?;
    let flooder = Hello { client_id: format!("{name}-flooder"), ..hello.clone() };
    let (mut flooder, _) = world.connect(dice, from, End::Close, &flooder).await?;
    let payload = vec![b'.'; UNREAD_PIECE_BYTES];
    for _ in 0..UNREAD_BYTES / UNREAD_PIECE_BYTES {
        let mut out = Vec::new();
        let message =
            Outgoing { topic: &topic, payload: &payload, qos: 0, retain: false, dup: false, packet_id: 0 };
        packets::publish(flooder.version(), &mut out, message);
        flooder.send(&out).await?;
        sleep(Duration::from_millis(5)).await;
    }
    flooder.goodbye().await.context("whoever published to it was cut off")?;
    // Longer than the write deadline; then what was in the buffers comes, and the end.
    sleep(Duration::from_secs(25)).await;
    deaf.until_closed(CLOSED_WITHIN).await
}
