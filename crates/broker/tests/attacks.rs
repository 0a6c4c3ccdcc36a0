//! What an attacker with a login, or without one, tried on the gate.

mod common;

use std::sync::Arc;

use common::{PATIENCE, gate, publish_packet};
use model::{Message, TopicFilter};

/// The next `count` messages on the bus.
async fn on_the_bus(reader: &mut broker::bus::Reader, count: usize) -> Vec<Arc<Message>> {
    let mut messages = Vec::new();
    while messages.len() < count {
        let batch = tokio::time::timeout(PATIENCE, reader.next()).await.expect("the bus is silent");
        messages.extend(batch);
    }
    messages
}

#[tokio::test]
async fn a_small_payload_does_not_keep_a_large_read_buffer() {
    let running = gate().await;
    let mut reader = running.gate.reader(&TopicFilter::new("#").unwrap());
    let mut client = running.client("a").await;
    let small = publish_packet(false, 0, "a/topic/of/some/length/for/the/test", 0, &[], &[2; 4_000]);
    let mut bytes = publish_packet(false, 0, "large", 0, &[], &[1; 900_000]);
    for _ in 0..50 {
        bytes.extend(&small);
    }
    client.send(&bytes).await;
    let messages = on_the_bus(&mut reader, 51).await;
    // Payloads that stayed in one read buffer lie a packet's length apart.
    let places: Vec<usize> = messages[1..].iter().map(|message| message.payload.as_ptr() as usize).collect();
    let neighbours = places.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) == small.len()).count();
    assert_eq!(neighbours, 0, "messages keep the buffer they were read with");
    assert_eq!(messages[0].payload.len(), 900_000);
    assert!(messages[1..].iter().all(|message| *message.payload == [2; 4_000]));
}
