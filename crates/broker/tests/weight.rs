//! What outsiders make the gate hold is weighed whole: a message with its properties, and a packet that is not here yet.
#![allow(clippy::unwrap_used)]

mod common;

use broker::{GateEvent, Limits, RefusedAt};
use common::{Client, Got, Options, Running, eventually, gate_with, publish_packet};

/// One user property of so many bytes.
fn property(bytes: usize) -> Vec<u8> {
    let value = vec![b'x'; bytes - 1];
    let mut property = vec![0x26, 0, 1, b'k'];
    property.extend((value.len() as u16).to_be_bytes());
    property.extend(value);
    property
}

/// How often a client was refused at a limit in these words.
fn refused(running: &Running, words: &str) -> usize {
    let told = running.diary.0.lock();
    told.iter()
        .filter(|event| matches!(event, GateEvent::Refused { at: RefusedAt::Limit, why, .. } if why.contains(words)))
        .count()
}

#[tokio::test]
async fn properties_count_in_the_limits_of_retained_messages() {
    let running = gate_with(Limits { retained_bytes_per_user_max: 10_000, ..Limits::default() }).await;
    let mut client = running.client5("new").await;
    for (topic, bytes, expected) in
        [("a", 8_000, 0), ("b", 8_000, 0x97), ("a", 20_000, 0x97), ("a", 100, 0), ("b", 8_000, 0)]
    {
        client.send(&publish_packet(true, 3, topic, 1, &property(bytes), b"x")).await;
        assert_eq!(client.expect().await, Got::PubAck { id: 1, reason: expected }, "{topic} {bytes}");
    }
}

#[tokio::test]
async fn properties_count_in_what_waits_for_a_session() {
    let running = gate_with(Limits { session_queue_bytes_max: 20_000, ..Limits::default() }).await;
    let (mut sleeper, _) = Client::connect(running.addr, Options::new("sleeper").v5().lasting()).await;
    sleeper.subscribe("a", 1).await;
    sleeper.disconnect().await;
    eventually("it to sleep", || running.gate.counters().sleeping == 1).await;
    let mut client = running.client5("new").await;
    for _ in 0..10 {
        client.publish_with("a", "x", 1, false, &property(8_000)).await;
    }
    assert_eq!(running.gate.counters().dropped_queue, 8);
}

/// Retained messages go out as their subscriber takes them, however little of them is payload. How much was written is
/// looked at when the gate has given the client up.
#[tokio::test]
async fn a_client_that_does_not_read_is_written_a_bounded_piece_of_its_retained_messages() {
    const MESSAGES: u64 = 600;
    let running = gate_with(Limits { write_deadline_ms: 300, ..Limits::default() }).await;
    let mut client = running.client5("new").await;
    for n in 0..MESSAGES {
        client.publish_with(&format!("a/{n}"), "x", 1, true, &property(60_000)).await;
    }
    let mut deaf = running.client5("deaf").await;
    deaf.send_subscribe("a/#", 0, &[]).await;
    eventually("it to be given up", || running.gate.counters().write_deadlines == 1).await;
    let sent = running.gate.counters().messages_out;
    assert!(
        0 < sent && sent < MESSAGES / 2,
        "{sent} of {MESSAGES} were written for a client that reads none"
    );
}

/// The start of a PUBLISH of 100,000 bytes.
fn begun() -> Vec<u8> {
    let mut packet = publish_packet(false, 0, "a", 0, &[], &vec![b'x'; 100_000]);
    packet.truncate(70_000);
    packet
}

#[tokio::test]
async fn large_packets_that_are_begun_and_not_here_are_bounded_for_each_credential() {
    let limits = Limits { packet_bytes_max: 120_000, begun_bytes_per_user_max: 250_000, ..Limits::default() };
    let running = gate_with(limits).await;
    let mut held = Vec::new();
    for n in 0..2 {
        let mut client = running.client(&format!("held-{n}")).await;
        client.send(&begun()).await;
        held.push(client);
    }
    let received = || running.gate.counters().bytes_in;
    eventually("them to be read", || received() > 140_000).await;
    let mut further = running.client5("further").await;
    further.send(&begun()).await;
    assert_eq!(further.expect().await, Got::Disconnect { reason: 0x97 });
    assert_eq!(refused(&running, "large packets that are begun"), 1);
    let (mut guest, _) = Client::connect(running.addr, Options::new("guest").user("guest", "secret")).await;
    guest.send(&begun()).await;
    let rest = publish_packet(false, 0, "a", 0, &[], &vec![b'x'; 100_000]).split_off(70_000);
    guest.send(&rest).await;
    guest.ping().await;
    // Those that were begun may be finished, and make room.
    for client in &mut held {
        client.send(&rest).await;
        client.ping().await;
    }
    let mut again = running.client("again").await;
    again.send(&begun()).await;
    again.send(&rest).await;
    again.ping().await;
}
