use super::*;
use std::time::Duration;

use crate::tests::{draft, gate};
use crate::{Gate, Limits};

const PATIENCE: Duration = Duration::from_secs(20);

/// Reads until `count` messages are there; their ids.
async fn read(reader: &mut Reader, count: usize) -> Vec<u64> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let batch = tokio::time::timeout(PATIENCE, reader.next()).await.expect("the bus is silent");
        assert!(!batch.is_empty());
        ids.extend(batch.iter().map(|message| message.id));
    }
    ids
}

fn publish(gate: &Gate, topic: &str, count: usize) -> Vec<u64> {
    let drafts = (0..count).map(|_| draft(topic)).collect();
    gate.publish(drafts).iter().map(|message| message.id).collect()
}

#[tokio::test]
async fn a_reader_gets_what_its_filter_matches_in_order() {
    let (gate, _ledger) = gate(Limits::default()).await;
    let mut all = gate.reader(&TopicFilter::new("#").unwrap());
    let mut some = gate.reader(&TopicFilter::new("Über/+").unwrap());
    let mut expected = Vec::new();
    let mut matching = Vec::new();
    for n in 0..500 {
        expected.extend(publish(&gate, &format!("a/{n}"), 3));
        matching.extend(publish(&gate, "Über/licht", 2));
        expected.extend(matching[matching.len() - 2..].iter());
    }
    assert_eq!(read(&mut all, expected.len()).await, expected);
    assert_eq!(read(&mut some, matching.len()).await, matching);
    assert_eq!(all.position(), expected[expected.len() - 1]);
}

/// The router keeps each topic it ever saw for good, and clients may send ever new ones.
#[tokio::test]
async fn no_topic_of_a_client_reaches_the_router() {
    let (gate, _ledger) = gate(Limits::default()).await;
    let mut reader = gate.reader(&TopicFilter::new("#").unwrap());
    let sent = publish(&gate, "a", 1);
    assert_eq!(read(&mut reader, 1).await, sent);
    let bus = reader.bus.clone();
    let mut state = bus.state.lock();
    for n in 0..3 {
        let (wanted, names) = state.wanted(&format!("ever/new/{n}").into());
        assert!(wanted);
        assert_eq!(names.iter().map(Bytes::as_ref).collect::<Vec<_>>(), [b"m/2"], "a link's own number");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_run_in_tasks_of_their_own() {
    let (gate, _ledger) = gate(Limits::default()).await;
    let gate = Arc::new(gate);
    let mut readers = Vec::new();
    for _ in 0..3 {
        let mut reader = gate.reader(&TopicFilter::new("#").unwrap());
        readers.push(tokio::spawn(async move { read(&mut reader, 4_000).await }));
    }
    let publishers: Vec<_> = (0..4)
        .map(|n| {
            let gate = gate.clone();
            tokio::task::spawn_blocking(move || {
                for _ in 0..100 {
                    publish(&gate, &format!("p/{n}"), 10);
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    for reader in readers {
        let ids = reader.await.unwrap();
        assert!(ids.is_sorted(), "the order on the bus is the order of ids");
        assert_eq!(ids.len(), 4_000);
    }
}

#[tokio::test]
async fn a_reader_can_begin_in_the_past() {
    let (gate, _ledger) = gate(Limits::default()).await;
    let past = publish(&gate, "a", 5_000);
    gate.durable(past[past.len() - 1]).await;
    let mut reader = gate.reader_after(&TopicFilter::new("a").unwrap(), past[9]);
    let present = publish(&gate, "a", 10);
    let expected: Vec<u64> = past[10..].iter().chain(&present).copied().collect();
    assert_eq!(read(&mut reader, expected.len()).await, expected);
}

#[tokio::test]
async fn a_reader_that_falls_behind_loses_nothing_and_counts_it() {
    // The ring is smaller than the burst, and so is what the router may have before it.
    let limits = Limits { bus_ring_messages: 64, ..Limits::default() };
    let (gate, _ledger) = gate(limits).await;
    let mut reader = gate.reader(&TopicFilter::new("#").unwrap());
    let mut expected = publish(&gate, "a", 1);
    assert_eq!(read(&mut reader, 1).await, expected);
    expected = Vec::new();
    for n in 0..60 {
        expected.extend(publish(&gate, &format!("a/{n}"), 1_000));
    }
    assert_eq!(read(&mut reader, expected.len()).await, expected);
    assert!(gate.counters().bus_gaps > 0);
    let live = publish(&gate, "a", 10);
    assert_eq!(read(&mut reader, 10).await, live);
}

#[tokio::test]
async fn a_dead_router_is_replaced_and_no_reader_loses_a_message() {
    // [R33]
    let (gate, _ledger) = gate(Limits::default()).await;
    let mut busy = gate.reader(&TopicFilter::new("a").unwrap());
    let mut idle = gate.reader(&TopicFilter::new("b").unwrap());
    let mut expected = publish(&gate, "a", 100);
    let mut seen = read(&mut busy, 100).await;
    for round in 1..=3 {
        // The idle one is linked, and waits on a router that dies.
        let nothing = tokio::time::timeout(Duration::from_millis(20), idle.next()).await;
        assert!(nothing.is_err());
        gate.core.bus.crash();
        for _ in 0..50 {
            expected.extend(publish(&gate, "a", 10));
        }
        let lone = publish(&gate, "b", 1);
        seen.extend(read(&mut busy, 500).await);
        assert_eq!(read(&mut idle, 1).await, lone);
        assert!(gate.counters().bus_rebuilds >= round);
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn link_ids_are_used_again() {
    let (gate, _ledger) = gate(Limits::default()).await;
    for _ in 0..50 {
        let mut reader = gate.reader(&TopicFilter::new("a").unwrap());
        let nothing = tokio::time::timeout(Duration::from_millis(5), reader.next()).await;
        assert!(nothing.is_err());
    }
    let router = gate.core.bus.state.lock().router.clone().unwrap();
    assert!(router.link_ids() < 10, "{}", router.link_ids());
}
