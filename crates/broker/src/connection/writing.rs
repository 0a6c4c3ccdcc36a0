//! The writing half: acknowledgements that are due and messages that wait become one write.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::task::Poll;
use std::time::Duration;

use model::QoS;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::aliases::{ALIAS_BYTES, Aliases};
use super::login::Terms;
use super::{Due, End, Halves};
use crate::attach::Attached;
use crate::core::Core;
use crate::packet::{self, Ack, AckKind, Alias, Shape, publish_len, reason};
use crate::session::{Outgoing, TakeContext};
use crate::tally::add;

/// A write buffer larger than this is given back once its connection writes little again.
const KEPT_BYTES: usize = 16 * 1024;

pub(super) struct Writing<'a> {
    core: Arc<Core>,
    attached: &'a Attached,
    halves: &'a Halves,
    terms: Terms,
    aliases: Aliases,
    out: Vec<u8>,
    taken: Vec<Outgoing>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(attached: &'a Attached, halves: &'a Halves, terms: Terms) -> Self {
        Self {
            core: attached.core.clone(),
            attached,
            halves,
            terms,
            aliases: Aliases::new(terms.aliases_max),
            out: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Writes until the connection ends.
    pub(super) async fn run<W: AsyncWrite + Unpin>(&mut self, writer: &mut W) -> End {
        loop {
            if let Some(kick) = self.attached.link.kicked() {
                return End::Kicked(kick);
            }
            let again = self.gather();
            if self.out.is_empty() && again {
                tokio::task::yield_now().await;
                continue;
            }
            if self.out.is_empty() {
                let link = &self.attached.link;
                self.core.bus.give_way();
                // Whoever saw that it waits has left the waking of the bus to it; so it is asked for behind that.
                link.waits.store(true, SeqCst);
                self.core.bus.wake();
                link.wake.notified().await;
                link.waits.store(false, SeqCst);
                continue;
            }
            if let Err(end) = self.write(writer).await {
                return end;
            }
            if self.out.capacity() > KEPT_BYTES && self.out.len() < KEPT_BYTES / 8 {
                self.out = Vec::new();
            }
            self.out.clear();
        }
    }

    /// Fills the write buffer with what may go out now. Returns whether there may be more at once.
    fn gather(&mut self) -> bool {
        self.out.append(&mut self.halves.control.lock());
        self.take_acks();
        // Both halves are one task, so this costs nothing while nobody waits.
        self.halves.answered.notify_one();
        let context = TakeContext {
            version: self.terms.version,
            window: self.terms.inflight_max,
            packet_bytes_max: self.terms.packet_bytes_max,
            ledger: &*self.core.ledger,
            wake: &self.attached.link.wake,
            limits: &self.core.limits,
            retained: &self.core.retained,
            sys: &self.core.sys,
            tally: &self.core.tally,
            guarded: &|topic| self.core.guarded(topic),
        };
        let again = self.attached.session.take(&mut self.taken, &context);
        let (mut messages, mut payloads) = (0, 0);
        let packets = self.taken.len() as u64;
        for outgoing in self.taken.drain(..) {
            match outgoing {
                Outgoing::Publish { delivery, packet_id, expiry_s } => {
                    let mut shape = Shape {
                        qos: delivery.qos,
                        retain: delivery.retain,
                        dup: delivery.dup && packet_id != 0,
                        packet_id,
                        identifiers: delivery.identifiers.as_deref().unwrap_or_default(),
                        expiry_s,
                        alias: None,
                    };
                    if self.terms.aliases_max > 0 {
                        // A retained message sent because of a subscription is the last of its topic for a while.
                        let room = self.terms.packet_bytes_max.saturating_sub(ALIAS_BYTES);
                        let fits = publish_len(self.terms.version, &delivery.message, &shape) <= room;
                        let alias = self.aliases.of(&delivery.message.topic, fits && !delivery.replayed);
                        shape.alias = match alias {
                            // At QoS 2 some clients (mqtt.js 5.16) keep the message until PUBREL without the topic
                            // its alias stood for: there the topic goes out each time.
                            Some(Alias::Known(alias)) if delivery.qos == QoS::ExactlyOnce => {
                                fits.then_some(Alias::New(alias))
                            }
                            alias => alias,
                        };
                    }
                    packet::publish(&mut self.out, self.terms.version, &delivery.message, &shape);
                    messages += 1;
                    payloads += delivery.message.payload.len() as u64;
                }
                Outgoing::PubRel { packet_id } => {
                    let release = Ack { kind: AckKind::Rel, packet_id, reason: reason::SUCCESS };
                    packet::ack(&mut self.out, self.terms.version, release);
                }
            }
        }
        add(&self.core.tally.packets_out, packets);
        add(&self.core.tally.publish_bytes_out, payloads);
        add(&self.core.tally.messages_out, messages);
        add(&self.attached.link.messages_out, messages);
        again
    }

    /// Acknowledgements whose rows are durable, in the order of what they answer.
    fn take_acks(&mut self) {
        let mut acks = self.halves.acks.lock();
        if acks.is_empty() {
            return;
        }
        let (durable, operations) = (self.core.ledger.durable(), self.core.ledger.durable_ops());
        let mut packets = 0;
        while let Some((due, ack)) = acks.front().copied() {
            let is_due = match due {
                Due::Now => true,
                Due::Message(id) => id <= durable,
                Due::Operation(operation) => operation <= operations,
            };
            if !is_due {
                break;
            }
            acks.pop_front();
            packets += 1;
            if ack.kind == AckKind::Comp
                && let Due::Operation(operation) = due
            {
                self.attached.session.lock().forget_released(ack.packet_id, operation);
            }
            if ack.reason < reason::UNSPECIFIED || !self.terms.reasons {
                packet::ack(&mut self.out, self.terms.version, ack);
            } else {
                let why = self.halves.whys.lock().remove(&ack.packet_id);
                packet::refusal(&mut self.out, ack, why.as_deref(), self.terms.packet_bytes_max);
            }
        }
        add(&self.core.tally.packets_out, packets);
    }

    /// Writes the buffer, through what TLS holds back too. A client that takes no byte for the write deadline is
    /// given up.
    async fn write<W: AsyncWrite + Unpin>(&mut self, writer: &mut W) -> Result<(), End> {
        let deadline = Duration::from_millis(self.core.limits.write_deadline_ms);
        self.halves.mid_write.store(true, Relaxed);
        let mut rest = self.out.as_slice();
        loop {
            let last = rest.is_empty();
            let some =
                async { if last { writer.flush().await.map(|()| 0) } else { writer.write(rest).await } };
            let mut some = pin!(some);
            // Nearly every write is done at once, and needs no timer.
            let written = match poll_fn(|context| Poll::Ready(some.as_mut().poll(context))).await {
                Poll::Ready(written) => written,
                Poll::Pending => {
                    // The bus is not to wait for such a write.
                    self.core.bus.wake();
                    tokio::select! {
                        biased;
                        written = some => written,
                        () = kicked(self.attached) => {
                            let why = self.attached.link.kicked();
                            return Err(why.map_or(End::Closed, End::Kicked));
                        }
                        () = tokio::time::sleep(deadline) => return Err(End::WriteDeadline),
                    }
                }
            };
            match written {
                Ok(_) if last => break,
                Ok(0) => return Err(End::Closed),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(why) => return Err(End::Io(why)),
            }
        }
        self.halves.mid_write.store(false, Relaxed);
        add(&self.core.tally.bytes_out, self.out.len() as u64);
        Ok(())
    }
}

impl Drop for Writing<'_> {
    /// The waking of the bus may have been left to it in the moment its connection ended; from here on it is not.
    fn drop(&mut self) {
        self.attached.link.waits.store(false, SeqCst);
        self.core.bus.wake();
    }
}

/// Resolves when the gate wants the connection gone, so that a write nobody reads does not hold it.
async fn kicked(attached: &Attached) {
    while attached.link.kicked().is_none() {
        attached.link.wake.notified().await;
    }
}
