//! What kills or blocks other brokers must not touch the gate.
//!
//! The gate was designed from a table of such situations; each row is a test whose name begins with its number:
//!
//! | rows | where |
//! |---|---|
//! | r01 to r03, r05 to r07, r09, r27 to r29, r30 to r33 | here |
//! | r04: a member of a shared subscription vanishes | `shared_subscriptions.rs` |
//! | r08: silent sockets and broken handshakes; r31 over each transport | `transports.rs` |
//! | r10: the right topic with aliases | `mqtt5.rs` |
//! | r11 to r20, r22, r24, r25 | `protocol.rs` |
//! | r21: queues of sleeping sessions, r23: session expiry, r26: restart | `durability.rs` |

#![allow(clippy::unwrap_used, reason = "the functions behind `over_each!` are tests too")]

mod common;

use std::time::Duration;

use broker::Limits;
use common::{Client, Got, Options, Running, eventually, gate, gate_with, over_each, packet, publish_packet};

/// Clients of both versions are served.
async fn healthy(running: &Running) {
    for level in [4, 5] {
        let mut options = Options::new("health");
        options.level = level;
        let (mut client, _) = Client::connect(running.way, options).await;
        client.subscribe("health", 1).await;
        client.send(&publish_packet(level == 5, 2, "health", 99, &[], b"ok")).await;
        let (mut acked, mut received) = (false, false);
        while !(acked && received) {
            match client.expect().await {
                Got::PubAck { id: 99, .. } => acked = true,
                Got::Publish(publish) => {
                    client.ack(0x40, publish.id).await;
                    received = true;
                }
                other => panic!("{other:?}"),
            }
        }
        client.disconnect().await;
    }
}

async fn r01_a_topic_may_begin_with_any_character(running: Running) {
    let mut client = running.client("a").await;
    client.subscribe("#", 0).await;
    for topic in ["Über/licht", "日本/灯", "/", "a//b", " "] {
        client.publish(topic, "x", 0).await;
        assert_eq!(client.receive().await.topic, topic);
    }
}
over_each!(r01_a_topic_may_begin_with_any_character);

async fn r02_a_client_id_may_be_any_text(running: Running) {
    for id in ["a/b", "a+b", "#", "$SYS", "+/#", "日本"] {
        let mut first = running.client(id).await;
        let _second = running.client(id).await;
        first.expect_closed().await;
    }
    healthy(&running).await;
}
over_each!(r02_a_client_id_may_be_any_text);

async fn r03_above_the_connection_limit_clients_are_refused_and_later_let_in(running: Running) {
    let first = running.client("a").await;
    let _second = running.client("b").await;
    for _ in 0..2 {
        assert_eq!(Client::refused(running.way, Options::new("c")).await, 3);
        assert_eq!(Client::refused(running.way, Options::new("c").v5()).await, 0x89);
    }
    first.disconnect().await;
    eventually("a place", || running.gate.counters().connected == 1).await;
    healthy(&running).await;
}
over_each!(
    r03_above_the_connection_limit_clients_are_refused_and_later_let_in,
    Limits { connections_max: 2, ..Limits::default() }
);

async fn r05_a_subscriber_may_leave_in_the_middle_of_a_burst(running: Running) {
    let mut publisher = running.client("publisher").await;
    let mut steady = running.client("steady").await;
    steady.subscribe("burst", 0).await;
    let mut taken_over = Vec::new();
    for round in 0..20 {
        let mut leaver = running.client("leaver").await;
        leaver.subscribe("burst", round % 3).await;
        for n in 0..50 {
            publisher.publish("burst", &n.to_string(), 0).await;
        }
        // Every other one goes by being taken over.
        if round % 2 == 1 {
            taken_over.push(leaver);
        }
    }
    assert_eq!(steady.texts(1_000).await.len(), 1_000);
    healthy(&running).await;
}
over_each!(r05_a_subscriber_may_leave_in_the_middle_of_a_burst);

async fn r06_fuzz_does_not_stop_the_gate(running: Running) {
    // A small generator of its own keeps the runs the same.
    let mut seed = 0x2545_F491_4F6C_DD1Du64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for round in 0..600 {
        let mut client = Client::raw(running.way).await;
        let mut bytes = Vec::new();
        if round % 2 == 0 {
            let mut options = Options::new("fuzz");
            options.level = if random() % 2 == 0 { 4 } else { 5 };
            bytes.extend(options.packet());
        }
        for _ in 0..random() % 12 {
            let length = (random() % 40) as usize;
            let body: Vec<u8> = (0..length).map(|_| random() as u8).collect();
            let first =
                [0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x82, 0xA2, 0xC0, 0xE0, 0xF0, random() as u8];
            bytes.extend(packet(first[(random() % 13) as usize], &body));
        }
        // The gate may close before everything is written.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, &bytes).await;
    }
    healthy(&running).await;
}
over_each!(r06_fuzz_does_not_stop_the_gate);

async fn r07_properties_of_mqtt_5_do_not_reach_a_3_1_1_subscriber(running: Running) {
    let mut old = running.client("old").await;
    old.subscribe("a", 0).await;
    let mut new = running.client5("new").await;
    let user = [0x26, 0, 1, b'k', 0, 1, b'v'];
    new.publish_with("a", "x", 0, false, &user).await;
    assert_eq!(old.receive().await.text(), "x");
}
over_each!(r07_properties_of_mqtt_5_do_not_reach_a_3_1_1_subscriber);

async fn r29_a_huge_declared_length_is_closed_at_the_header(running: Running) {
    let mut client = running.client("a").await;
    client.send(&[0x30, 0x80, 0x80, 0x80, 0x60]).await;
    client.expect_closed().await;
    let mut client = running.client5("a").await;
    client.send(&[0x30, 0x80, 0x80, 0x80, 0x60]).await;
    assert_eq!(client.expect().await, Got::Disconnect { reason: 0x95 });
    healthy(&running).await;
}
over_each!(r29_a_huge_declared_length_is_closed_at_the_header);

#[tokio::test]
async fn r30_silent_sockets_are_closed_and_in_nobodys_way() {
    let running =
        gate_with(Limits { connect_timeout_ms: 1_000, connections_max: 4, ..Limits::default() }).await;
    let mut silent = Vec::new();
    for _ in 0..900 {
        silent.push(Client::raw(running.way).await);
    }
    healthy(&running).await;
    for client in &mut silent {
        client.expect_closed().await;
    }
}

#[tokio::test]
async fn r31_a_client_that_never_reads_is_closed_and_others_get_everything() {
    let limits = Limits { write_deadline_ms: 1_500, pause_ms_max: 200, ..Limits::default() };
    let running = gate_with(limits).await;
    let mut lazy = running.client("lazy").await;
    lazy.subscribe("flood", 0).await;
    let mut reader = running.client("reader").await;
    reader.subscribe("flood", 0).await;
    let mut publisher = running.client("publisher").await;
    let payload = "x".repeat(10_000);
    let count = 4_000;
    let reading = tokio::spawn(async move { reader.texts(count).await.len() });
    for _ in 0..count {
        publisher.publish("flood", &payload, 0).await;
    }
    assert_eq!(reading.await.unwrap(), count);
    eventually("the lazy client to be closed", || running.gate.counters().write_deadlines == 1).await;
    assert!(running.gate.counters().shed_qos0 > 0, "what was shed is counted");
    healthy(&running).await;
}

async fn r09_many_short_connections_leave_nothing_behind(running: Running) {
    let mut innocent = running.client("innocent").await;
    innocent.subscribe("#", 0).await;
    for n in 0..500 {
        let mut client = running.client(&format!("short-{n}")).await;
        client.subscribe(&format!("t/{n}"), 1).await;
        drop(client);
    }
    eventually("the short ones to be gone", || running.gate.clients().len() == 1).await;
    innocent.expect_nothing().await;
}
over_each!(r09_many_short_connections_leave_nothing_behind);

#[tokio::test]
async fn r27_a_port_that_is_taken_is_reported_with_its_holder() {
    let running = gate().await;
    let config =
        broker::GateConfig { listen: vec![broker::Listen::tcp(running.addr)], limits: Limits::default() };
    let second = broker::Gate::start(
        config,
        common::MemoryLedger::open(&Default::default()),
        std::sync::Arc::new(common::Doorman::default()),
        std::sync::Arc::new(common::Diary::default()),
    )
    .await
    .unwrap();
    match second.listen().await {
        Err(broker::StartError::PortTaken { addr, holder }) => {
            assert_eq!(addr, running.addr);
            if cfg!(target_os = "linux") {
                let holder = holder.expect("/proc tells");
                assert!(holder.contains(&format!("(pid {})", std::process::id())), "{holder}");
            }
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn two_clients_that_flood_each_other_do_not_lock_up() {
    let limits = Limits { inbox_pause_messages: 50, pause_ms_max: 100, ..Limits::default() };
    let running = gate_with(limits).await;
    let (mut a, mut b) = (running.client("a").await, running.client("b").await);
    a.subscribe("to/a", 1).await;
    b.subscribe("to/b", 1).await;
    let flood = |to: &str| {
        (1..=500u16).flat_map(|id| publish_packet(false, 2, to, id, &[], b"x")).collect::<Vec<u8>>()
    };
    let (to_b, to_a) = (flood("to/b"), flood("to/a"));
    let exchange = |mut client: Client, bytes: Vec<u8>| async move {
        let (mut acks, mut messages) = (0, 0);
        client.send(&bytes).await;
        while acks < 500 || messages < 500 {
            match client.expect().await {
                Got::PubAck { .. } => acks += 1,
                Got::Publish(publish) => {
                    client.ack(0x40, publish.id).await;
                    messages += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), async {
        tokio::join!(exchange(a, to_b), exchange(b, to_a));
    })
    .await
    .expect("they lock each other up");
}

/// Resident memory of this process, which is this test alone.
#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn r28_messages_nobody_subscribes_to_any_more_take_no_memory() {
    const GROWTH_MAX: usize = 16 * 1024 * 1024;
    // A journal that keeps nothing, so that what is measured is the gate.
    let ledger = common::MemoryLedger::open_bounded(&Default::default(), 0);
    let listen = vec![broker::Listen::tcp("127.0.0.1:0".parse().unwrap())];
    let config = broker::GateConfig { listen, limits: Limits::default() };
    let (access, watch) = (std::sync::Arc::new(common::Doorman::default()), common::Diary::default());
    let gate = broker::Gate::start(config, ledger, access, std::sync::Arc::new(watch)).await.unwrap();
    gate.listen().await.unwrap();
    let filter = model::TopicFilter::new("was/wanted").unwrap();
    drop(gate.reader(&filter));
    let (mut client, _) = Client::connect(gate.addresses()[0], Options::new("c")).await;
    client.subscribe("was/wanted", 0).await;
    client.unsubscribe("was/wanted").await;
    let thousand = publish_packet(false, 0, "was/wanted", 0, &[], &[b'x'; 64]).repeat(1_000);
    let mut before = 0;
    for round in 0..400 {
        if round == 100 {
            before = resident_bytes();
        }
        client.send(&thousand).await;
        client.ping().await;
    }
    let growth = resident_bytes().saturating_sub(before);
    assert!(growth < GROWTH_MAX, "{growth} bytes for 300,000 messages");
}

async fn r32_clients_may_come_in_crowds(running: Running) {
    let way = running.way;
    // A handshake of TLS takes its time in a build for tests.
    let waves = if way.transport == broker::Transport::Tls { 1 } else { 4 };
    let mut served = 0;
    for wave in 0..waves {
        let coming: Vec<_> = (0..250)
            .map(|n| {
                tokio::spawn(async move {
                    let (mut client, _) = Client::connect(way, Options::new(&format!("{wave}-{n}"))).await;
                    client.ping().await;
                })
            })
            .collect();
        for client in coming {
            client.await.unwrap();
            served += 1;
        }
    }
    assert_eq!(served, waves * 250);
    healthy(&running).await;
}
over_each!(r32_clients_may_come_in_crowds);

/// With `RUST_BACKTRACE` set, a panic in a build for tests resolves symbols for a minute before its thread dies; the
/// injected ones are not shown.
fn let_routers_die_at_once() {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !std::thread::current().name().is_some_and(|name| name.starts_with("router")) {
            shown(panic);
        }
    }));
}

async fn r33_a_dead_router_is_replaced_and_nobody_loses_a_message(running: Running) {
    let_routers_die_at_once();
    let mut reader = running.gate.reader(&model::TopicFilter::new("a").unwrap());
    let mut subscriber = running.client("subscriber").await;
    subscriber.subscribe("a", 1).await;
    let mut publisher = running.client("publisher").await;
    let (mut expected, mut at_client, mut at_reader) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..3 {
        for n in 0..100 {
            if n == 50 {
                broker::fuzzing::crash_router(&running.gate);
            }
            let text = format!("{round}/{n}");
            publisher.publish("a", &text, 1).await;
            expected.push(text);
        }
        at_client.extend(subscriber.texts(100).await);
        while at_reader.len() < expected.len() {
            let next = tokio::time::timeout(common::PATIENCE, reader.next()).await.unwrap();
            at_reader
                .extend(next.iter().map(|message| String::from_utf8_lossy(&message.payload).into_owned()));
        }
        assert!(running.gate.counters().bus_rebuilds > round);
    }
    assert_eq!(at_client, expected);
    assert_eq!(at_reader, expected);
    subscriber.expect_nothing().await;
}
over_each!(r33_a_dead_router_is_replaced_and_nobody_loses_a_message);
