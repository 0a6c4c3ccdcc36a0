//! Conversations: clients of all three versions with one gate, valid, half valid and broken, through takeovers,
//! lost networks, a journal that stalls or fails, power cuts and restarts.
//!
//! Input: a program of steps, each one byte of what and a few bytes of how; see [`step`]. Missing bytes are 0,
//! so every input is a program. What must hold at each step is in [`super::world`]; at the end
//! - a new 3.1.1 and a new 5 client are served, while the others are still there in whatever state;
//! - when all are gone nothing of them is left: connections, sessions, subscriptions, sums, rows.

use std::time::Duration;

use broker::Limits;

use super::wire::Connect;
use super::world::{SLOTS, World, granted, number_of};

/// A longer program says nothing that two shorter ones do not.
const STEPS_MAX: usize = 160;

const IDS: [&str; 5] = ["c0", "c1", "c2", "a/+#ü", ""];
const USERS: [&str; 6] = ["one", "one", "two", "plug", "guess", "slow"];
const TOPICS: [&str; 8] = ["a", "a/b", "a/c", "b", "/", "Über/licht", "$SYS/x", "a//b"];
const FILTERS: [&str; 14] = [
    "a",
    "a/b",
    "a/#",
    "#",
    "+",
    "+/+",
    "a/+",
    "/",
    "Über/+",
    "$SYS/#",
    "$share/g/a/#",
    "$share/h/+",
    "a/#/b",
    "",
];
const PAUSES_MS: [u64; 8] = [1, 100, 1_000, 2_500, 6_000, 21_000, 70_000, 200_000];
const SIZES: [usize; 8] = [0, 0, 0, 1, 30, 300, 2_000, 9_000];

/// Small, so that a short program meets them.
fn limits() -> Limits {
    Limits {
        packet_bytes_max: 16 * 1024,
        connect_bytes_max: 4 * 1024,
        connections_max: SLOTS + 4,
        lobby_per_address_max: 2,
        failed_logins_max: 3,
        inbox_pause_messages: 8,
        inbox_pause_bytes: 16 * 1024,
        pause_ms_max: 300,
        inbox_messages_max: 24,
        inbox_bytes_max: 40 * 1024,
        inflight_max: 4,
        receive_max: 6,
        topic_alias_max: 3,
        session_queue_messages_max: 12,
        session_queue_bytes_max: 24 * 1024,
        queued_bytes_max: 64 * 1024,
        queued_bytes_per_user_max: 40 * 1024,
        queue_reserved_bytes: 2 * 1024,
        sessions_max: 4,
        sessions_per_user_max: 2,
        subscriptions_max: 6,
        retained_max: 5,
        retained_per_user_max: 3,
        journal_backlog_max: 16,
        write_deadline_ms: 5_000,
        ..Limits::default()
    }
}

pub fn conversation(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let mut world = World::new(limits()).await;
        let mut program = Program(data);
        for _ in 0..STEPS_MAX {
            if program.0.is_empty() {
                break;
            }
            step(&mut world, &mut program).await;
        }
        world.settle().await;
        well(&mut world).await;
        clean(&mut world).await;
    });
}

struct Program<'a>(&'a [u8]);

impl<'a> Program<'a> {
    fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn of<T: Copy, const N: usize>(&mut self, all: [T; N]) -> T {
        all[usize::from(self.byte()) % N]
    }
}

/// One step: its kind is the low five bits of the first byte, the client the two above; the highest bit says
/// that the next step comes before anything has happened.
async fn step(world: &mut World, program: &mut Program<'_>) {
    let first = program.byte();
    let slot = usize::from(first >> 5 & 3);
    match first & 31 {
        0..=2 => connect(world, slot, program),
        3..=6 => publish(world, slot, program),
        7 | 8 => {
            let (filter, how) = (program.of(FILTERS), program.byte());
            let (mut options, mut properties) = (how & 3, Vec::new());
            if world.clients[slot].connect.level == 5 {
                options |= how & 0x3c;
                if how & 0x40 != 0 {
                    properties.extend([0x0B, how | 1, 1]);
                }
            }
            world.subscribe(slot, filter, options, &properties);
        }
        9 => {
            let filter = program.of(FILTERS);
            world.unsubscribe(slot, filter);
        }
        10 | 11 => {
            let nth = program.byte();
            world.acknowledge(slot, usize::from(nth));
        }
        12 => world.clients[slot].prompt = program.byte() & 1 == 0,
        13 => {
            for _ in 0..world.clients[slot].owed.len() {
                world.acknowledge(slot, 0);
            }
        }
        14 => {
            let kind = program.of([0x40, 0x50, 0x62, 0x70]);
            let id = u16::from(program.byte());
            world.send_wild(slot, super::wire::ack(kind, id));
        }
        15 => world.send(slot, vec![0xC0, 0]),
        16 => goodbye(world, slot, program),
        17 | 18 => world.vanish(slot),
        19 => {
            let count = usize::from(program.byte() % 64);
            let bytes = program.take(count).to_vec();
            world.send_wild(slot, bytes);
        }
        20 => world.clients[slot].flaw = Some((program.byte(), program.byte())),
        21 | 22 => {
            let ms = program.of(PAUSES_MS);
            world.pass(ms).await;
        }
        23 => world.ledger.hold(),
        24 => world.ledger.release(),
        25 => {
            let how = program.byte();
            world.ledger.fail((how & 1 == 1).then_some("the disk is full"));
            world.ledger.take_at_most((how & 2 == 2).then_some(usize::from(how >> 2)));
        }
        26 => world.clients[slot].deaf = program.byte() & 1 == 0,
        27 => world.clients[slot].piece = usize::from(program.byte() % 8),
        28 => world.repeat(slot),
        29 => world.kill().await,
        30 => world.restart().await,
        _ => owner(world, program),
    }
    if first & 0x80 == 0 {
        world.settle().await;
    }
}

fn connect(world: &mut World, slot: usize, program: &mut Program<'_>) {
    let (id, user, how, more) = (program.of(IDS), program.of(USERS), program.byte(), program.byte());
    let level = [4, 5, 3, 5][usize::from(how & 3)];
    let mut properties = Vec::new();
    if level == 5 {
        let expiry_s = [0u32, 1, 60, u32::MAX][usize::from(more & 3)];
        properties.push(0x11);
        properties.extend(expiry_s.to_be_bytes());
        if more & 4 != 0 {
            properties.extend([0x21, 0, 1 + (more >> 6)]);
        }
        if more & 8 != 0 {
            properties.extend([0x27, 0, 0, 0, 60]);
        }
        if more & 16 != 0 {
            properties.extend([0x22, 0, 2]);
        }
    }
    let will = (how & 8 != 0).then(|| {
        let delay = if level == 5 { vec![0x18, 0, 0, 0, more >> 5 & 3] } else { Vec::new() };
        world.will(program.of(TOPICS), how >> 4 & 3, how & 0x40 != 0, delay)
    });
    let will = will.filter(|will| will.qos < 3);
    let connect = Connect {
        level,
        id: id.into(),
        clean: how & 4 != 0,
        keepalive_s: [0, 2, 60, 0][usize::from(more >> 5 & 3)],
        user: Some(user.into()),
        password: Some("secret".into()),
        will,
        properties,
        takes_small: level == 5 && more & 8 != 0,
    };
    world.connect(slot, connect, if how & 0x80 == 0 { 8_192 } else { 64 });
}

fn publish(world: &mut World, slot: usize, program: &mut Program<'_>) {
    let (topic, how) = (program.of(TOPICS), program.byte());
    let size = SIZES[usize::from(how >> 3 & 7)];
    let mut properties = Vec::new();
    if world.clients[slot].connect.level == 5 {
        if how & 0x40 != 0 {
            properties.extend([0x02, 0, 0, 0, 2]);
        }
        if how & 0x80 != 0 {
            properties.extend([0x23, 0, how >> 3 & 3, 0x26, 0, 1, b'k', 0, 0]);
        }
    }
    world.publish(slot, topic, how % 3, how & 4 != 0, size, &properties);
}

fn goodbye(world: &mut World, slot: usize, program: &mut Program<'_>) {
    let how = program.byte();
    let mut bytes = vec![0xE0, 0];
    if world.clients[slot].connect.level == 5 && how & 1 != 0 {
        bytes = vec![0xE0, 7, if how & 2 != 0 { 4 } else { 0 }, 5, 0x11, 0, 0, 0, how >> 2 & 3];
    }
    world.send(slot, bytes);
}

/// What the owner does in the hub.
fn owner(world: &mut World, program: &mut Program<'_>) {
    let user = program.of(USERS);
    match program.byte() % 4 {
        0 => drop(world.gate().disconnect_user(user, "its credential was revoked")),
        1 => world.gate().permissions_changed(&granted(user, "plug")),
        2 => world.gate().permissions_changed(&granted(user, user)),
        _ => drop(world.gate().kick("c0", "the owner wants it gone")),
    }
}

/// A client of each generation comes, subscribes, publishes to itself and is served.
async fn well(world: &mut World) {
    world.ledger.release();
    world.ledger.fail(None);
    world.ledger.take_at_most(None);
    world.pass(2_000).await;
    for (slot, level) in [(SLOTS, 4), (SLOTS + 1, 5)] {
        let connect = Connect {
            level,
            id: format!("new-{level}"),
            clean: true,
            user: Some("new".into()),
            password: Some("secret".into()),
            ..Connect::default()
        };
        world.clients.push(Default::default());
        world.clients[slot].prompt = true;
        world.connect(slot, connect, 8_192);
        world.settle().await;
        assert!(world.clients[slot].up, "a new client is not let in");
        world.subscribe(slot, "new/+", 2, &[]);
        world.settle().await;
        let granted = world.clients[slot].subacks.pop();
        assert_eq!(granted, Some(vec![2]), "a new client cannot subscribe");
        for qos in [0, 1, 2] {
            let sent = world.publish(slot, "new/topic", qos, false, 0, &[]).expect("it is connected");
            world.pass(1_000).await;
            let heard: Vec<u32> =
                world.clients[slot].heard.drain(..).filter_map(|one| number_of(&one.payload)).collect();
            assert_eq!(heard, [sent], "a new client is not served at QoS {qos}");
            assert!(qos == 0 || world.accepted.contains(&sent), "QoS {qos} is not acknowledged");
        }
        world.send(slot, vec![0xE0, 0]);
        world.settle().await;
        assert!(!world.clients[slot].connected(), "a goodbye does not end the connection");
    }
}

/// Everybody goes, and so does what was kept for them.
async fn clean(world: &mut World) {
    for slot in 0..SLOTS {
        world.vanish(slot);
    }
    tokio::time::sleep(Duration::from_secs(15)).await;
    world.settle().await;
    // A flipped bit may have made up a name.
    for client in world.gate().clients() {
        world.gate().disconnect_user(&client.user, "the end");
    }
    world.pass(2_000).await;
    assert_eq!(world.leftovers(), Default::default(), "something is left of clients that are gone");
    assert_eq!(world.disk.kept(), (0, 0), "sessions and handshakes are left on the disk");
}
