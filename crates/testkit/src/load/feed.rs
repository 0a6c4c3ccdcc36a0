//! Messages of any content, published at QoS 1 and all acknowledged: how a folder is filled.

use std::collections::VecDeque;

use anyhow::{Result, ensure};

use super::connection::Connection;
use super::wire::{self, PublishFlags, kind};

/// Bytes put together before one write.
const BATCH_BYTES: usize = 32 * 1024;

/// A message to publish.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: Vec<u8>,
    /// To be kept for later subscribers.
    pub retain: bool,
}

/// Publishes all messages with at most `in_flight` unacknowledged, and awaits the last acknowledgement.
pub async fn publish_all(
    connection: &mut Connection,
    in_flight: usize,
    messages: impl IntoIterator<Item = Outgoing>,
) -> Result<()> {
    let mut messages = messages.into_iter().peekable();
    let mut waiting = VecDeque::new();
    let mut packet_id = 0_u16;
    let mut batch = Vec::new();
    while messages.peek().is_some() || !waiting.is_empty() {
        while waiting.len() < in_flight && batch.len() < BATCH_BYTES {
            let Some(message) = messages.next() else { break };
            packet_id = packet_id.checked_add(1).unwrap_or(1);
            let flags = PublishFlags { qos: 1, retain: message.retain, dup: false };
            batch.extend(wire::publish(&message.topic, &message.payload, flags, packet_id));
            waiting.push_back(packet_id);
        }
        connection.send(&batch).await?;
        batch.clear();
        connection.fill().await?;
        while let Some(packet) = connection.take()? {
            ensure!(packet.kind() == kind::PUBACK, "a publisher got a packet of type {}", packet.kind());
            let acked = packet.packet_id()?;
            ensure!(
                waiting.pop_front() == Some(acked),
                "packet {acked} was acknowledged out of order (MQTT section 4.6)"
            );
        }
    }
    Ok(())
}
