//! The receiving side of a run.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};

use super::connection::Connection;
use super::run::Clock;
use super::stamp::Stamp;
use super::wire::{self, kind};

/// What one subscriber has received so far.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) delivered: u64,
    /// Messages that came again or before an earlier one of the same publisher.
    pub(super) disordered: u64,
    pub(super) latency_ns: Vec<u64>,
    pub(super) last_ns: u64,
    /// Highest sequence by publisher.
    highest: Vec<u32>,
}

/// Receives until `expected` messages are there, acknowledging those of QoS 1; adds to `moved` what came, for
/// whoever watches whether anything still moves.
pub(super) async fn receive(
    connection: &mut Connection,
    expected: u64,
    timed: bool,
    clock: Clock,
    moved: &AtomicU64,
    received: &mut Received,
) -> Result<()> {
    let mut acks = Vec::new();
    while received.delivered < expected {
        connection.fill().await?;
        let before = received.delivered;
        // Per read, not per message, unless the run is about time: at millions of messages a second the
        // clock would be what is measured.
        let now_ns = clock.now_ns();
        while let Some(packet) = connection.take()? {
            ensure!(packet.kind() == kind::PUBLISH, "a subscriber got a packet of type {}", packet.kind());
            let publish = packet.as_publish()?;
            let stamp = Stamp::read(publish.payload)?;
            if timed {
                received.latency_ns.push(now_ns.saturating_sub(stamp.sent_ns));
            }
            if publish.qos > 0 {
                acks.extend(wire::puback(publish.packet_id));
            }
            received.note(stamp);
        }
        received.last_ns = now_ns;
        moved.fetch_add(received.delivered - before, Ordering::Relaxed);
        if !acks.is_empty() {
            connection.send(&acks).await?;
            acks.clear();
        }
    }
    Ok(())
}

impl Received {
    fn note(&mut self, stamp: Stamp) {
        let publisher = stamp.publisher as usize;
        if self.highest.len() <= publisher {
            self.highest.resize(publisher + 1, 0);
        }
        let highest = &mut self.highest[publisher];
        if stamp.sequence > *highest {
            *highest = stamp.sequence;
        } else {
            self.disordered += 1;
        }
        self.delivered += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_per_publisher_and_gaps_are_no_disorder() {
        let mut received = Received::default();
        for (publisher, sequence) in [(0, 1), (7, 1), (0, 5), (0, 4), (0, 5), (7, 2)] {
            received.note(Stamp { sent_ns: 0, publisher, sequence });
        }
        assert_eq!((received.delivered, received.disordered), (6, 2));
    }
}
