//! The sending side of a run.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, interval_at};

use super::connection::Connection;
use super::run::Clock;
use super::stamp::Stamp;
use super::wire::{self, PublishFlags, kind};

/// Bytes put together before one write, so that system calls do not limit the load.
const BATCH_BYTES: usize = 32 * 1024;

/// What one publisher has to send.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) number: u32,
    pub(super) topic: String,
    pub(super) qos: u8,
    pub(super) in_flight: usize,
    pub(super) payload_bytes: usize,
    pub(super) messages: u32,
    /// Time between two messages and before the first; `None` sends as fast as the broker takes them.
    pub(super) pace: Option<(Duration, Duration)>,
}

/// What one publisher has done so far.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) sent: u32,
    pub(super) acked: u32,
    /// PUBACKs that did not come in the order of the publishes (section 4.6 asks for it).
    pub(super) disordered: u64,
    pub(super) ack_ns: Vec<u64>,
    pub(super) finished_ns: u64,
}

/// One publisher at work: the packet it sends again and again, with another stamp and packet id each time.
pub(super) struct Publisher<'a> {
    share: &'a Share,
    clock: Clock,
    packet: Vec<u8>,
    payload_at: usize,
    packet_id: u16,
    /// Packet id and time of what is not acknowledged yet.
    waiting: VecDeque<(u16, u64)>,
}

impl<'a> Publisher<'a> {
    pub(super) fn new(share: &'a Share, clock: Clock) -> Self {
        let payload = vec![b'x'; share.payload_bytes];
        let flags = PublishFlags { qos: share.qos, ..PublishFlags::default() };
        let packet = wire::publish(&share.topic, &payload, flags, 0);
        let payload_at = packet.len() - payload.len();
        Self { share, clock, packet, payload_at, packet_id: 0, waiting: VecDeque::new() }
    }

    /// Sends the whole share and, at QoS 1, awaits every acknowledgement.
    pub(super) async fn run(mut self, connection: &mut Connection, done: &mut Published) -> Result<()> {
        match self.share.pace {
            None => self.flood(connection, done).await?,
            Some((period, offset)) => self.paced(connection, done, period, offset).await?,
        }
        done.finished_ns = self.clock.now_ns();
        Ok(())
    }

    async fn flood(&mut self, connection: &mut Connection, done: &mut Published) -> Result<()> {
        let mut batch = Vec::with_capacity(BATCH_BYTES + self.packet.len());
        while !self.is_finished(done) {
            batch.clear();
            let now_ns = self.clock.now_ns();
            while self.may_send(done) && batch.len() < BATCH_BYTES {
                self.put_next(&mut batch, now_ns, done);
            }
            if !batch.is_empty() {
                connection.send(&batch).await?;
            }
            if !self.waiting.is_empty() {
                connection.fill().await?;
                self.take_acks(connection, done)?;
            }
        }
        Ok(())
    }

    async fn paced(
        &mut self,
        connection: &mut Connection,
        done: &mut Published,
        period: Duration,
        offset: Duration,
    ) -> Result<()> {
        let mut tick = interval_at(Instant::now() + offset, period);
        let mut one = Vec::with_capacity(self.packet.len());
        while !self.is_finished(done) {
            tokio::select! {
                filled = connection.fill(), if !self.waiting.is_empty() => {
                    filled?;
                    self.take_acks(connection, done)?;
                }
                _ = tick.tick(), if self.may_send(done) => {
                    one.clear();
                    self.put_next(&mut one, self.clock.now_ns(), done);
                    connection.send(&one).await?;
                }
            }
        }
        Ok(())
    }

    fn is_finished(&self, done: &Published) -> bool {
        done.sent == self.share.messages && self.waiting.is_empty()
    }

    fn may_send(&self, done: &Published) -> bool {
        done.sent < self.share.messages && self.waiting.len() < self.share.in_flight
    }

    fn put_next(&mut self, batch: &mut Vec<u8>, now_ns: u64, done: &mut Published) {
        done.sent += 1;
        let stamp = Stamp { sent_ns: now_ns, publisher: self.share.number, sequence: done.sent };
        stamp.write(&mut self.packet[self.payload_at..]);
        if self.share.qos > 0 {
            self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
            self.packet[self.payload_at - 2..self.payload_at].copy_from_slice(&self.packet_id.to_be_bytes());
            self.waiting.push_back((self.packet_id, now_ns));
        }
        batch.extend_from_slice(&self.packet);
    }

    fn take_acks(&mut self, connection: &mut Connection, done: &mut Published) -> Result<()> {
        let now_ns = self.clock.now_ns();
        while let Some(packet) = connection.take()? {
            ensure!(packet.kind() == kind::PUBACK, "a publisher got a packet of type {}", packet.kind());
            let packet_id = packet.packet_id()?;
            let Some(place) = self.waiting.iter().position(|(id, _)| *id == packet_id) else {
                anyhow::bail!("the broker acknowledged packet {packet_id}, which is not in flight");
            };
            done.disordered += u64::from(place > 0);
            if let Some((_, sent_ns)) = self.waiting.remove(place) {
                done.ack_ns.push(now_ns.saturating_sub(sent_ns));
            }
            done.acked += 1;
        }
        Ok(())
    }
}
