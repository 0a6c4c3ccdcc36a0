//! The reading half: from the socket to the journal and the subscribers.
//!
//! One read decodes every whole packet in the buffer. The publishes among them become one batch: one ingress
//! section, one group of journal rows, one wake of each subscriber.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::Bytes;
use model::{Properties, QoS};
use tokio::io::AsyncRead;

use super::batch::Batch;
use super::buffer::{Chunk, READ_BYTES_MAX, ReadBuffer};
use super::login::Terms;
use super::pace::Pace;
use super::topics::{Taking, Topics};
use super::{Due, End, Halves};
use crate::attach::Attached;
use crate::core::Core;
use crate::ledger::{Draft, HandshakeChange};
use crate::packet::{self, Ack, AckKind, Disconnect, Frame, Packet, PacketError, Publish, Version, reason};
use crate::session::{Begun, Inbound, Session, all_drained};
use crate::subscription::Targets;
use crate::tally::add;
use crate::telling::Refusing;
use crate::watch::RefusedAt;

/// How long a large packet may be on its way: so much, and what it takes at the slowest rate believed of a board.
const LARGE_PACKET_TIME: Duration = Duration::from_secs(30);
const LARGE_PACKET_BYTES_PER_S: usize = 4 * 1024;

/// Packets after which a connection lets others run, and its own writing half, however many more are there: some
/// milliseconds of work where each is small and refused.
const PACKETS_PER_TURN: u64 = 4_096;

pub(super) struct Reading<'a> {
    pub(super) core: Arc<Core>,
    pub(super) attached: &'a Attached,
    pub(super) halves: &'a Halves,
    pub(super) version: Version,
    pub(super) terms: Terms,
    topics: Topics,
    /// Topics behind the client's aliases (MQTT 5, section 3.3.2.3.4), alias 1 first.
    aliases: Vec<Option<Bytes>>,
    alias_bytes: usize,
    /// QoS 2 publishes that were open when this connection began.
    inherited: usize,
    /// It has sent one since.
    uses_qos2: bool,
    batch: Batch,
    pace: Option<Pace>,
    /// Packets handled since others could run.
    turn: u64,
    /// Publishes and bytes handled since the pace was looked at.
    handled: (u64, u64),
    /// The large packet that is on its way, and until when it must be here.
    begun: Option<(Begun, tokio::time::Instant)>,
}

/// What handling the packets of a read came to.
enum Handled {
    /// The next packet is not whole; it has this many bytes, as far as is known.
    Need(usize),
    /// The client said goodbye.
    End(End),
}

impl<'a> Reading<'a> {
    pub(super) fn new(attached: &'a Attached, halves: &'a Halves, terms: Terms) -> Self {
        Self {
            core: attached.core.clone(),
            attached,
            halves,
            version: terms.version,
            terms,
            topics: Topics::default(),
            aliases: Vec::new(),
            alias_bytes: 0,
            inherited: attached.session.lock().inbound.len(),
            uses_qos2: false,
            batch: Batch::default(),
            pace: Pace::new(&attached.core.limits, Instant::now()),
            turn: 0,
            handled: (0, 0),
            begun: None,
        }
    }

    /// Reads until the connection ends.
    pub(super) async fn run<R: AsyncRead + Unpin>(&mut self, reader: &mut R, mut buffer: ReadBuffer) -> End {
        loop {
            let need = match self.packets(&mut buffer).await {
                Ok(Handled::Need(need)) => need,
                Ok(Handled::End(end)) => return end,
                Err(why) => return End::Packet(why),
            };
            if self.turn >= PACKETS_PER_TURN {
                self.turn = 0;
                tokio::task::yield_now().await;
            }
            self.pause().await;
            if self.pace.is_some() {
                self.keep_pace().await;
            }
            let read = match self.unfinished(need) {
                Err(why) => return End::Packet(why),
                Ok(None) => buffer.read(reader, need).await,
                Ok(Some(due)) => match tokio::time::timeout_at(due, buffer.read(reader, need)).await {
                    Ok(read) => read,
                    Err(_) => {
                        let seconds = time_for(need).as_secs();
                        return End::Packet(PacketError::Unfinished { bytes: need, seconds });
                    }
                },
            };
            match read {
                Ok(0) => return End::Closed,
                Ok(count) => {
                    self.halves.heard();
                    add(&self.core.tally.bytes_in, count as u64);
                }
                // TLS calls it so when the socket closes without a goodbye of its own.
                Err(why) if why.kind() == ErrorKind::UnexpectedEof => return End::Closed,
                Err(why) => return End::Io(why),
            }
        }
    }

    /// Until when the large packet must be here that the buffer begins with; `None` if there is none. What is begun
    /// takes memory that nothing else counts, and a client may begin and go no further.
    fn unfinished(&mut self, need: usize) -> Result<Option<tokio::time::Instant>, PacketError> {
        if need <= READ_BYTES_MAX {
            self.begun = None;
            return Ok(None);
        }
        if let Some((_, due)) = &self.begun {
            return Ok(Some(*due));
        }
        let user = &self.attached.publisher.user;
        let begun = self.core.accounts.begin(&user.as_str().into(), need, &self.core.limits);
        let due = tokio::time::Instant::now() + time_for(need);
        self.begun = Some((begun.map_err(PacketError::Begun)?, due));
        Ok(Some(due))
    }

    /// Waits where reading on would only fill a queue: the journal's, a subscriber's, this client's own.
    async fn pause(&mut self) {
        let ledger = &self.core.ledger;
        let backlog = ledger.backlog() > self.core.limits.journal_backlog_max || ledger.is_heavy();
        let full = self.halves.full();
        if !backlog && !full && self.batch.congested.is_empty() {
            return;
        }
        self.halves.reading_paused.store(true, Relaxed);
        self.halves.room().await;
        if backlog {
            self.core.ledger.backlog_low().await;
        }
        all_drained(&std::mem::take(&mut self.batch.congested), &self.core.limits).await;
        self.halves.heard();
        self.halves.reading_paused.store(false, Relaxed);
    }

    /// Waits until the client may publish again.
    async fn keep_pace(&mut self) {
        let (messages, bytes) = std::mem::take(&mut self.handled);
        let now = Instant::now();
        let Some(ahead) = self.pace.as_mut().and_then(|pace| pace.spend(messages, bytes, now)) else {
            return;
        };
        add(&self.core.tally.slowed, 1);
        self.core.tell_refused(&Refusing {
            at: RefusedAt::Limit,
            peer: self.attached.link.peer,
            client_id: Some(&self.attached.session.client_id),
            user: Some(&self.attached.publisher.user),
            what: "A client is slowed down.",
            why: &format!("it publishes faster than {} {} per second", ahead.rate, ahead.of),
            advice: "Nothing of it is lost. Let it send less often, or raise the limit on the Broker page.",
        });
        self.halves.reading_paused.store(true, Relaxed);
        tokio::time::sleep(ahead.wait).await;
        self.halves.heard();
        self.halves.reading_paused.store(false, Relaxed);
    }

    /// Handles every whole packet in the buffer.
    async fn packets(&mut self, buffer: &mut ReadBuffer) -> Result<Handled, PacketError> {
        let (length, rest) = whole_packets(buffer.as_slice(), self.core.limits.packet_bytes_max);
        if length > 0 {
            let chunk = buffer.take(length);
            self.begun = None;
            self.handled.1 += length as u64;
            let (mut at, mut packets) = (0, 0);
            while at < chunk.bytes.len() {
                let Frame::Complete { header, total } = packet::frame(&chunk.bytes[at..], usize::MAX)? else {
                    break;
                };
                let decoded = packet::decode(&chunk.bytes, at, header, total, self.version);
                at += total;
                packets += 1;
                match decoded {
                    Ok(Packet::Publish(publish)) => {
                        self.handled.0 += 1;
                        if let Err(why) = self.publish(publish, &chunk) {
                            self.flush();
                            return Err(why);
                        }
                    }
                    Ok(Packet::Ack(ack)) => self.ack(ack),
                    Ok(other) => {
                        self.flush();
                        if let Some(end) = self.other(other).await? {
                            return Ok(Handled::End(end));
                        }
                    }
                    Err(why) => {
                        self.flush();
                        return Err(why);
                    }
                }
            }
            self.flush();
            add(&self.core.tally.packets_in, packets);
            self.turn += packets;
        }
        rest.map(Handled::Need)
    }

    async fn other(&mut self, packet: Packet) -> Result<Option<End>, PacketError> {
        match packet {
            Packet::Subscribe(subscribe) => self.subscribe(subscribe).await?,
            Packet::Unsubscribe(unsubscribe) => self.unsubscribe(unsubscribe).await,
            Packet::PingReq => self.control(packet::pingresp),
            Packet::Disconnect(disconnect) => return self.goodbye(disconnect).map(Some),
            Packet::Connect(_) => return Err(PacketError::Protocol("a second CONNECT")),
            Packet::Auth => return Err(PacketError::Auth),
            Packet::Publish(_) | Packet::Ack(_) => {}
        }
        Ok(None)
    }

    /// Queues a packet of the gate's own and wakes the writing half.
    pub(super) fn control(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.halves.control.lock());
        add(&self.core.tally.packets_out, 1);
        self.attached.link.wake.notify_one();
    }

    fn publish(&mut self, publish: Publish, chunk: &Chunk) -> Result<(), PacketError> {
        let alias = self.aliased(&publish, &chunk.bytes)?;
        let name = alias.as_deref().unwrap_or_else(|| publish.topic.of(&chunk.bytes));
        let session = &self.attached.session;
        let answer = match publish.qos {
            QoS::AtMostOnce => None,
            QoS::AtLeastOnce => Some(AckKind::Ack),
            QoS::ExactlyOnce => Some(AckKind::Rec),
        };
        let answer = answer.map(|kind| Ack { kind, packet_id: publish.packet_id, reason: reason::SUCCESS });
        if answer.is_some() {
            self.check_receive_maximum(publish.qos)?;
        }
        if publish.qos == QoS::ExactlyOnce && self.answer_repeated(publish.packet_id) {
            return Ok(());
        }
        let known = self.topics.look_up(name, &self.core, &self.attached.publisher, |topic| {
            self.core.may_publish(session, topic)
        })?;
        match known.taking {
            Taking::Taken => {}
            Taking::Denied => {
                let topic = known.topic.clone();
                self.denied(&topic, answer);
                return Ok(());
            }
            Taking::TooDeep => {
                self.too_deep(answer);
                return Ok(());
            }
        }
        if let Some(answer) = answer
            && self.core.ledger.failure().is_some()
        {
            self.refuse_for_journal(answer);
            return Ok(());
        }
        let wanted = publish.retain && publish.payload.start < publish.payload.end && !known.targets.guarded;
        let full = wanted && {
            let properties = publish.properties.as_deref().map_or(0, Properties::bytes);
            let length = publish.payload.end.saturating_sub(publish.payload.start);
            let bytes = known.topic.len() + length + properties;
            !self.core.retains(&self.attached.publisher, &known.topic, bytes)
        };
        if full && let Some(answer) = answer.filter(|_| self.version.is_v5()) {
            self.refuse_publish(
                answer,
                reason::QUOTA_EXCEEDED,
                "There is no room for further retained messages",
            );
            return Ok(());
        }
        let draft = Draft {
            topic: known.topic.clone(),
            payload: chunk.keep(publish.payload),
            qos: publish.qos,
            // Nobody but an MQTT 5 client can be told: the others have it delivered all the same.
            retain: publish.retain && !full,
            publisher: self.attached.publisher.clone(),
            cause: None,
            properties: publish.properties,
            inbound_qos2: None,
        };
        if !known.targets.guarded {
            self.batch.add(draft, answer, &known.targets, known.generation, session);
            return Ok(());
        }
        let (targets, generation) = (known.targets.clone(), known.generation);
        self.publish_guarded(draft, answer, &targets, generation);
        Ok(())
    }

    /// Shows a publish to the guard, and lets it go at once if it may: whoever publishes to a watched topic after it
    /// is looked at after it.
    fn publish_guarded(&mut self, mut draft: Draft, answer: Option<Ack>, targets: &Targets, generation: u64) {
        self.flush();
        let core = self.core.clone();
        let _turn = core.guarding.lock();
        match core.hold(&mut draft, Some(&self.attached.session)) {
            Some(held) => self.not_taken(answer, reason::QUOTA_EXCEEDED, || held.why),
            None => {
                self.batch.add(draft, answer, targets, generation, &self.attached.session);
                self.flush();
            }
        }
    }

    /// The topic behind the alias of a PUBLISH that has one.
    #[inline]
    fn aliased(&mut self, publish: &Publish, chunk: &Bytes) -> Result<Option<Bytes>, PacketError> {
        let Some(alias) = publish.alias else { return Ok(None) };
        if alias == 0 || alias > self.core.limits.topic_alias_max {
            return Err(PacketError::Alias(alias));
        }
        let place = usize::from(alias) - 1;
        let name = publish.topic.of(chunk);
        if name.is_empty() {
            return self.aliases.get(place).cloned().flatten().map(Some).ok_or(PacketError::Alias(alias));
        }
        if self.aliases.len() <= place {
            self.aliases.resize(place + 1, None);
        }
        let older = self.aliases[place].as_ref().map_or(0, Bytes::len);
        let (bytes, max) = (self.alias_bytes - older + name.len(), self.core.limits.topic_alias_bytes_max);
        if bytes > max {
            return Err(PacketError::AliasBytes(max));
        }
        self.alias_bytes = bytes;
        let name = Bytes::copy_from_slice(name);
        self.aliases[place] = Some(name.clone());
        Ok(Some(name))
    }

    /// MQTT 5, section 3.3.4: the client may not have more QoS 1 and 2 publishes open than it was told; one at
    /// QoS 2 is open until its PUBCOMP (section 4.9). Older clients were told nothing; what they have open is
    /// bounded by the packet ids.
    fn check_receive_maximum(&mut self, qos: QoS) -> Result<(), PacketError> {
        if !self.version.is_v5() {
            return Ok(());
        }
        self.uses_qos2 |= qos == QoS::ExactlyOnce;
        let mut unanswered = self.halves.acks.lock().len() + self.batch.answers.len();
        if self.uses_qos2 {
            let open = self.attached.session.lock().inbound.len().saturating_sub(self.inherited);
            unanswered = unanswered.max(open);
        }
        if unanswered >= usize::from(self.core.limits.receive_max) {
            return Err(PacketError::ReceiveMaximum);
        }
        Ok(())
    }

    /// A QoS 2 PUBLISH whose packet id is still open is the same message again: it is answered, not accepted. Behind
    /// the PUBREL it is a new message (section 4.3.3), also when the PUBCOMP is not out yet.
    fn answer_repeated(&mut self, packet_id: u16) -> bool {
        let find = |session: &Session| {
            let state = session.lock();
            state.inbound.get(&packet_id).filter(|inbound| inbound.released.is_none()).copied()
        };
        if find(&self.attached.session).is_none() {
            return false;
        }
        // The first one may be in this very batch and have no id yet.
        self.flush();
        let due = match find(&self.attached.session).and_then(|inbound| inbound.message_id) {
            Some(id) => Due::Message(id),
            None => Due::Now,
        };
        self.answer(due, Ack { kind: AckKind::Rec, packet_id, reason: reason::SUCCESS });
        true
    }

    pub(super) fn answer(&self, due: Due, ack: Ack) {
        self.halves.acks.lock().push_back((due, ack));
        self.attached.link.wake.notify_one();
    }

    /// Journal, bus and subscribers: the batch leaves.
    pub(super) fn flush(&mut self) {
        let batch = &mut self.batch;
        if batch.drafts.is_empty() {
            return;
        }
        let (core, attached) = (&self.core, self.attached);
        let waiter = if batch.answers.is_empty() { None } else { Some(&attached.link.wake) };
        batch.messages.clear();
        let delivering = core.accept(&mut batch.drafts, &mut batch.messages, waiter);
        let generation = core.subscriptions.generation();
        let mut awake = false;
        let mut rest = batch.messages.as_slice();
        for (count, looked_up, targets) in batch.runs.drain(..) {
            let (run, after) = rest.split_at(count.min(rest.len()));
            rest = after;
            let Some(first) = run.first() else { continue };
            if looked_up == generation {
                awake |= core.deliver(run, &targets, &mut batch.congested);
            } else {
                // Somebody subscribed since: the batch was numbered after, so it belongs to them too.
                let targets = core.targets(&first.topic, Some(&attached.publisher));
                awake |= core.deliver(run, &targets, &mut batch.congested);
            }
        }
        if let Some(delivering) = delivering.filter(|_| awake) {
            delivering.end_before_bus();
        }
        let mut refused = Vec::new();
        if !batch.answers.is_empty() {
            let mut acks = self.halves.acks.lock();
            for (place, ack) in batch.answers.drain(..) {
                let Some(message) = batch.messages.get(place) else {
                    refused.push(ack);
                    continue;
                };
                if ack.kind == AckKind::Rec
                    && let Some(inbound) = attached.session.lock().inbound.get_mut(&ack.packet_id)
                {
                    inbound.message_id = Some(message.id);
                }
                acks.push_back((Due::Message(message.id), ack));
            }
            drop(acks);
            // The group may be durable already, its wake spent.
            attached.link.wake.notify_one();
        }
        let count = batch.messages.len() as u64;
        let payloads = batch.messages.iter().map(|message| message.payload.len() as u64).sum();
        add(&core.tally.publish_bytes_in, payloads);
        batch.messages.clear();
        add(&core.tally.messages_in, count);
        add(&attached.link.messages_in, count);
        for ack in refused {
            // Not accepted: the same packet id again must not be taken for a repetition.
            attached.session.lock().inbound.remove(&ack.packet_id);
            self.refuse_for_journal(ack);
        }
    }

    fn ack(&mut self, ack: Ack) {
        match ack.kind {
            AckKind::Rel => self.released(ack.packet_id),
            AckKind::Ack | AckKind::Rec | AckKind::Comp => self.delivered(ack),
        }
    }

    /// PUBREL: the packet id is free once that is durable; only then PUBCOMP, or a crash between them would
    /// take the client's next message under this id for a repetition.
    fn released(&mut self, packet_id: u16) {
        self.flush();
        let session = &self.attached.session;
        let mut state = session.lock();
        let persistent = state.persistent();
        let (due, reason) = match state.inbound.get_mut(&packet_id) {
            Some(Inbound { released: Some(operation), .. }) => (Due::Operation(*operation), reason::SUCCESS),
            Some(inbound) if persistent && inbound.message_id.is_some() => {
                let client_id = session.client_id.clone();
                let change = HandshakeChange::InboundReleased { client_id, packet_id };
                let operation = self.core.ledger.handshake(change, Some(&self.attached.link.wake));
                inbound.released = Some(operation);
                (Due::Operation(operation), reason::SUCCESS)
            }
            Some(_) => {
                state.inbound.remove(&packet_id);
                (Due::Now, reason::SUCCESS)
            }
            None => (Due::Now, reason::PACKET_ID_NOT_FOUND),
        };
        drop(state);
        self.answer(due, Ack { kind: AckKind::Comp, packet_id, reason });
    }

    /// An acknowledgement of something the gate sent.
    fn delivered(&mut self, ack: Ack) {
        let session = &self.attached.session;
        let wake = &self.attached.link.wake;
        let mut state = session.lock();
        let persistent = state.persistent();
        let mut release = None;
        match ack.kind {
            AckKind::Ack => drop(state.outbox.acked(ack.packet_id)),
            AckKind::Comp => state.outbox.completed(ack.packet_id, persistent),
            AckKind::Rec | AckKind::Rel => {
                let ledger = &*self.core.ledger;
                let refused = ack.reason >= reason::UNSPECIFIED;
                let id = &session.client_id;
                release = state.outbox.received(ack.packet_id, refused, id, persistent, ledger, wake);
            }
        }
        let waiting = state.outbox.has_waiting();
        drop(state);
        if let Some(known) = release {
            let reason = if known { reason::SUCCESS } else { reason::PACKET_ID_NOT_FOUND };
            let release = Ack { kind: AckKind::Rel, packet_id: ack.packet_id, reason };
            self.control(|out| packet::ack(out, self.version, release));
        } else if waiting {
            wake.notify_one();
        }
    }

    /// DISCONNECT (MQTT 5, section 3.14): the client may change how long its session lasts, but not make a
    /// session last that was not to.
    fn goodbye(&mut self, disconnect: Disconnect) -> Result<End, PacketError> {
        if let Some(wanted_s) = disconnect.session_expiry_s {
            let mut state = self.attached.session.lock();
            if state.expiry_s == 0 && wanted_s > 0 {
                return Err(PacketError::Protocol("DISCONNECT prolongs a session that was to end"));
            }
            match wanted_s.min(self.core.limits.session_expiry_s_max) {
                // It stays a kept session until it is ended, so that its stored rows go too.
                0 => state.ends_with_connection = true,
                expiry_s => state.expiry_s = expiry_s,
            }
        }
        let will = disconnect.reason == reason::DISCONNECT_WITH_WILL;
        Ok(if will { End::GoodbyeWithWill } else { End::Goodbye })
    }
}

/// How long a packet of so many bytes may take.
fn time_for(bytes: usize) -> Duration {
    LARGE_PACKET_TIME + Duration::from_secs((bytes / LARGE_PACKET_BYTES_PER_S) as u64)
}

/// How many bytes of whole packets the buffer starts with; how long the packet behind them is, as far as that is
/// known, or what is wrong with it.
fn whole_packets(buffer: &[u8], max: usize) -> (usize, Result<usize, PacketError>) {
    let mut at = 0;
    loop {
        match packet::frame(&buffer[at..], max) {
            Ok(Frame::Complete { total, .. }) => at += total,
            Ok(Frame::Incomplete { need }) => return (at, Ok(need)),
            Err(why) => return (at, Err(why)),
        }
    }
}
