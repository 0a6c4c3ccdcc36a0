//! The bus is woken behind the subscribers of a message (decision 6); none of them can keep it from the message.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use broker::bus::Reader;
use common::{Running, gate};
use model::TopicFilter;

const PATIENCE: Duration = Duration::from_secs(20);

async fn linked(running: &Running) -> Reader {
    let mut reader = running.gate.reader(&TopicFilter::new("a").unwrap());
    // A reader is linked by its first wait.
    assert!(tokio::time::timeout(Duration::from_millis(50), reader.next()).await.is_err());
    reader
}

async fn hears(reader: &mut Reader, payload: &str) {
    let batch = tokio::time::timeout(PATIENCE, reader.next()).await.expect("the bus is silent");
    let payloads: Vec<_> = batch.iter().map(|message| &message.payload[..]).collect();
    assert_eq!(payloads, [payload.as_bytes()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_reads_nothing_keeps_nothing_from_the_bus() {
    let running = gate().await;
    let mut reader = linked(&running).await;
    let mut stuck = running.client("stuck").await;
    stuck.subscribe("a", 0).await;
    let mut publisher = running.client("publisher").await;
    for n in 0..800 {
        let payload = format!("{n:032768}");
        publisher.publish("a", &payload, 0).await;
        hears(&mut reader, &payload).await;
    }
    assert!(running.gate.counters().shed_qos0 > 0, "its socket was full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_leaves_in_that_moment_keeps_nothing_from_the_bus() {
    let running = gate().await;
    let mut reader = linked(&running).await;
    let mut publisher = running.client("publisher").await;
    for n in 0..200 {
        let mut leaving = running.client("leaving").await;
        leaving.subscribe("a", 0).await;
        let payload = n.to_string();
        let leave = async {
            if n % 2 == 0 {
                leaving.send(&[0xe0, 0]).await;
            }
            drop(leaving);
        };
        tokio::join!(leave, publisher.publish("a", &payload, 0));
        hears(&mut reader, &payload).await;
    }
}
