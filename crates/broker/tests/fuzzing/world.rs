//! A real gate on a ledger in memory, and a few clients on pipes, one step at a time under a paused clock.
//!
//! The clients keep the books a client keeps: what they have published and not heard the end of, which packet ids
//! they have received and not released. So whatever the steps are, the gate must keep these promises, and a
//! broken one is a panic:
//! - what it sends is well formed, and an answer is to something that was asked;
//! - a QoS 2 message is new to a session once, over reconnects and restarts;
//! - messages of one connection to one topic at one QoS come in the order they were sent in;
//! - a session is only said to be present when it was not to be thrown away.
//!
//! Who has sent bytes no client sends gets no promises any more, and harms nobody else.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use broker::fuzzing::{Leftovers, follow_tokio_clock, leftovers};
use broker::{Access, BoxFuture, Gate, GateConfig, GateEvent, Granted, Limits, Login, Refusal, Watch};
use model::Permissions;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::ledger::{Disk, MemoryLedger};
use super::wire::{self, Connect, Got, Received};

/// Clients at a time.
pub const SLOTS: usize = 4;
/// Rounds after which a step has come to rest; a step that has not is a hang.
const ROUNDS_MAX: usize = 5_000;

/// Lets everybody in who has a name: everything is allowed, but `$` topics. `guess` is refused, and `slow` is
/// decided about after ten seconds.
struct Doorman;

impl Access for Doorman {
    fn login(&self, attempt: Login) -> BoxFuture<'static, Result<Granted, Refusal>> {
        Box::pin(async move {
            let user = attempt.user.unwrap_or_default();
            match user.as_str() {
                "" => return Err(Refusal::NotAuthorized { why: "no name".into() }),
                "guess" => {
                    return Err(Refusal::BadCredentials {
                        why: "wrong secret".into(),
                        advice: "Guess again.".into(),
                    });
                }
                "slow" => tokio::time::sleep(Duration::from_secs(10)).await,
                _ => {}
            }
            Ok(granted(&user, &user))
        })
    }
}

/// The login of `user` with what `like` may do: what concerns `a` for `plug`, everything for everybody else.
pub fn granted(user: &str, like: &str) -> Granted {
    Granted { user: user.into(), permissions: permissions(like), learning: false }
}

fn permissions(user: &str) -> Permissions {
    let filter = |text| model::TopicFilter::new(text).unwrap();
    match user {
        "plug" => Permissions { write: vec![filter("a/#")], read: vec![filter("a/#")] },
        _ => Permissions::all(),
    }
}

struct Nobody;

impl Watch for Nobody {
    fn seen(&self, _: GateEvent) {}
}

/// What a client knows of its session, by its client id.
#[derive(Debug, Default)]
pub struct Memory {
    /// QoS 2 messages received and not released, by packet id.
    received: HashMap<u16, u32>,
    /// Messages that came, retained ones aside.
    pub seen: HashSet<u32>,
    /// Messages that came with the retain flag. With a subscription that passes it on as it was published (MQTT 5)
    /// that was the message itself, and after another SUBSCRIBE it is repeated without.
    flagged: HashSet<u32>,
    /// QoS 2 messages that were handed on.
    pub once: HashSet<u32>,
    /// The last message by topic, QoS and the connection it was published on.
    last: HashMap<(String, u8, u32), u32>,
    /// Its publishes that are not at their end, by packet id.
    pub open: BTreeMap<u16, Open>,
    /// Packet ids of QoS 1 publishes that were sent again: they may be acknowledged again.
    repeated: HashSet<u16>,
    /// Whether the last CONNECT was answered: else nobody knows whether the session went on.
    unsure: bool,
    /// A clean CONNECT was sent: the session is gone, unless the client was refused.
    thrown_away: bool,
    /// It has a share of a subscription: what it is given may have been another's before.
    shares: bool,
    /// It once took small packets only, or its queue was full: what was left out then is not written down, and after a
    /// restart it may come behind newer ones. So may what it was given before it sent what no client sends.
    left_out: bool,
}

/// A publish on its way to the gate.
#[derive(Debug, Clone)]
pub struct Open {
    pub number: u32,
    connection: u32,
    pub flags: u8,
    pub topic: String,
    /// PUBREC came: only PUBREL may be repeated.
    pub released: bool,
}

/// A client, or the place for one.
#[derive(Debug, Default)]
pub struct Client {
    pipe: Option<DuplexStream>,
    pub connect: Connect,
    /// CONNACK has let it in.
    pub up: bool,
    outgoing: VecDeque<u8>,
    incoming: Vec<u8>,
    /// It does not read.
    pub deaf: bool,
    /// It sends so many bytes at a time; 0 sends all.
    pub piece: usize,
    /// It has sent what no client sends, or another has come with its client id: it is not listened to.
    ghost: bool,
    /// Acknowledgements are sent at once.
    pub prompt: bool,
    /// Acknowledgements it owes: first byte and packet id.
    pub owed: VecDeque<(u8, u16)>,
    /// SUBSCRIBE and UNSUBSCRIBE that wait for an answer.
    asked: HashSet<u16>,
    next_id: u16,
    /// Number of this connection among all.
    pub connection: u32,
    /// What was handed on, for a test that looks.
    pub heard: Vec<Received>,
    /// The next packet is broken: which of its bytes, and what is flipped in it.
    pub flaw: Option<(u8, u8)>,
    pub subacks: Vec<Vec<u8>>,
}

pub struct World {
    gate: Option<Gate>,
    pub ledger: Arc<MemoryLedger>,
    pub disk: Arc<Disk>,
    limits: Limits,
    pub clients: Vec<Client>,
    pub memories: HashMap<String, Memory>,
    /// Messages no order is expected of: they were sent again, or are wills.
    unordered: HashSet<u32>,
    /// The connection each message was published on.
    publishers: Vec<u32>,
    connections: u32,
    /// Wild bytes came where CONNECT is expected: anybody's session may have been spoken to.
    tampered: bool,
    /// Publishes the publisher has the acknowledgement of.
    pub accepted: HashSet<u32>,
    /// Counters of the gates before this one.
    pub dropped_before: u64,
}

impl World {
    /// On a runtime of one thread whose clock is paused.
    pub async fn new(limits: Limits) -> Self {
        follow_tokio_clock();
        let disk: Arc<Disk> = Arc::default();
        let ledger = MemoryLedger::open_by_hand(&disk);
        let mut world = Self {
            gate: None,
            ledger,
            disk,
            limits,
            clients: (0..SLOTS).map(|_| Client::default()).collect(),
            memories: HashMap::new(),
            unordered: HashSet::new(),
            publishers: Vec::new(),
            connections: 0,
            tampered: false,
            accepted: HashSet::new(),
            dropped_before: 0,
        };
        world.open().await;
        world
    }

    async fn open(&mut self) {
        let config = GateConfig { listen: Vec::new(), limits: self.limits.clone() };
        let gate = broker::fuzzing::gate(config, self.ledger.clone(), Arc::new(Doorman), Arc::new(Nobody));
        self.gate = Some(gate.await.expect("the gate starts"));
    }

    pub fn gate(&self) -> &Gate {
        self.gate.as_ref().expect("there is a gate")
    }

    pub fn leftovers(&self) -> Leftovers {
        leftovers(self.gate())
    }

    /// Messages dropped at limits, of all gates there were.
    pub fn dropped(&self) -> u64 {
        let counters = self.gate().counters();
        let now = counters.shed_qos0 + counters.dropped_clean + counters.dropped_queue;
        self.dropped_before + now + counters.expired + counters.too_large
    }

    /// The computer loses power and comes back: what was not durable is gone.
    pub async fn kill(&mut self) {
        self.remember_drops();
        self.ledger.crash();
        self.reopen().await;
    }

    /// The gate, and what it counts, is about to go.
    fn remember_drops(&mut self) {
        self.dropped_before = self.dropped();
        for client in self.gate().clients() {
            if client.dropped > 0 {
                self.memories.entry(client.client_id.to_string()).or_default().left_out = true;
            }
        }
    }

    /// The gate stops as it should, and starts again.
    pub async fn restart(&mut self) {
        self.remember_drops();
        self.ledger.release();
        let gate = self.gate.take().expect("there is a gate");
        let ledger = self.ledger.clone();
        let stopped = async {
            let mut stop = std::pin::pin!(gate.stop());
            loop {
                ledger.write_now();
                if tokio::time::timeout(Duration::from_millis(1), &mut stop).await.is_ok() {
                    return;
                }
            }
        };
        stopped.await;
        self.gate = Some(gate);
        self.reopen().await;
    }

    async fn reopen(&mut self) {
        for client in &mut self.clients {
            client.pipe = None;
            client.up = false;
        }
        // The tasks of the old gate are not killed with it, as they would be with their process; its ledger
        // writes no more, and nobody reads what they send.
        let old = self.gate.take();
        self.ledger.crash();
        if let Some(old) = &old {
            tokio::time::timeout(Duration::from_secs(60), old.stop()).await.expect("the old gate stops");
        }
        drop(old);
        self.ledger = MemoryLedger::open_by_hand(&self.disk);
        self.open().await;
    }

    /// A new connection in this place; the one before, if any, is cut.
    pub fn connect(&mut self, slot: usize, connect: Connect, pipe_bytes: usize) {
        for other in &mut self.clients {
            if other.connect.id == connect.id && other.pipe.is_some() {
                other.ghost = true;
            }
        }
        self.connections += 1;
        let memory = self.memories.entry(connect.id.clone()).or_default();
        memory.unsure = true;
        memory.thrown_away |= connect.clean;
        memory.left_out |= connect.takes_small;
        let (ours, theirs) = tokio::io::duplex(pipe_bytes);
        broker::fuzzing::serve(self.gate(), theirs, 10 + slot as u8);
        let client = &mut self.clients[slot];
        *client = Client {
            pipe: Some(ours),
            connection: self.connections,
            prompt: client.prompt,
            piece: client.piece,
            flaw: client.flaw,
            connect,
            ..Client::default()
        };
        let bytes = wire::connect(&client.connect);
        self.send(slot, bytes);
    }

    /// The network is gone: nothing more in either direction.
    pub fn vanish(&mut self, slot: usize) {
        let client = &mut self.clients[slot];
        client.pipe = None;
        client.up = false;
        client.outgoing.clear();
    }

    /// A will that can be told from other messages.
    pub fn will(&mut self, topic: &str, qos: u8, retain: bool, properties: Vec<u8>) -> wire::Will {
        let number = self.number(0);
        self.unordered.insert(number);
        wire::Will { topic: topic.into(), payload: payload(number, 0), qos, retain, properties }
    }

    fn number(&mut self, connection: u32) -> u32 {
        self.publishers.push(connection);
        self.publishers.len() as u32 - 1
    }

    /// Publishes, at QoS 1 and 2 under a new packet id; the number of the message.
    pub fn publish(
        &mut self,
        slot: usize,
        topic: &str,
        qos: u8,
        retain: bool,
        filler: usize,
        properties: &[u8],
    ) -> Option<u32> {
        self.clients[slot].pipe.as_ref()?;
        let number = self.number(self.clients[slot].connection);
        let client = &mut self.clients[slot];
        let flags = qos << 1 | u8::from(retain);
        let mut id = 0;
        if qos > 0 {
            let memory = self.memories.entry(client.connect.id.clone()).or_default();
            loop {
                client.next_id = client.next_id.checked_add(1).unwrap_or(1);
                if !memory.open.contains_key(&client.next_id) {
                    break;
                }
            }
            id = client.next_id;
            if !client.ghost {
                let connection = client.connection;
                memory
                    .open
                    .insert(id, Open { number, connection, flags, topic: topic.into(), released: false });
            }
        }
        let level = client.connect.level;
        let bytes = wire::publish(level, flags, topic, id, properties, &payload(number, filler));
        if client.flaw.is_some() {
            self.unordered.insert(number);
        }
        self.send(slot, bytes);
        Some(number)
    }

    /// Sends what the session has open once more, as after a reconnect.
    pub fn repeat(&mut self, slot: usize) {
        let client = &self.clients[slot];
        let Some(memory) = self.memories.get_mut(&client.connect.id) else { return };
        memory.repeated.extend(memory.open.keys());
        let level = client.connect.level;
        let mut open: Vec<(u16, Open)> = memory.open.iter().map(|(id, open)| (*id, open.clone())).collect();
        open.sort_by_key(|(_, open)| open.number);
        for (id, open) in open {
            self.unordered.insert(open.number);
            let bytes = if open.released {
                wire::ack(0x62, id)
            } else {
                let text = payload(open.number, 0);
                wire::publish(level, open.flags | 8, &open.topic, id, &[], &text)
            };
            self.send(slot, bytes);
        }
    }

    pub fn subscribe(&mut self, slot: usize, filter: &str, options: u8, properties: &[u8]) {
        let client = &mut self.clients[slot];
        if filter.starts_with("$share/") {
            self.memories.entry(client.connect.id.clone()).or_default().shares = true;
        }
        let id = client.ask();
        let bytes = wire::subscribe(client.connect.level, id, properties, filter, options);
        self.send(slot, bytes);
    }

    pub fn unsubscribe(&mut self, slot: usize, filter: &str) {
        let client = &mut self.clients[slot];
        let id = client.ask();
        let bytes = wire::unsubscribe(client.connect.level, id, filter);
        self.send(slot, bytes);
    }

    /// Sends one of the acknowledgements that are owed.
    pub fn acknowledge(&mut self, slot: usize, nth: usize) {
        let client = &mut self.clients[slot];
        if client.owed.is_empty() {
            return;
        }
        let nth = nth % client.owed.len();
        if let Some((first, id)) = client.owed.remove(nth) {
            self.send(slot, wire::ack(first, id));
        }
    }

    /// Sends bytes that no client sends.
    pub fn send_wild(&mut self, slot: usize, bytes: Vec<u8>) {
        if self.clients[slot].pipe.is_none() {
            return;
        }
        self.distrust(slot);
        self.clients[slot].outgoing.extend(bytes);
    }

    /// From now on nothing is expected of this client, of its session and of its messages that are on the way.
    fn distrust(&mut self, slot: usize) {
        let client = &mut self.clients[slot];
        let spoke_for_its_session = !std::mem::replace(&mut client.ghost, true);
        self.tampered |= !client.up;
        if !spoke_for_its_session {
            return;
        }
        if let Some(memory) = self.memories.get_mut(&client.connect.id) {
            self.unordered.extend(memory.open.values().map(|open| open.number));
            *memory = Memory { unsure: true, shares: memory.shares, left_out: true, ..Memory::default() };
        }
    }

    pub fn send(&mut self, slot: usize, mut bytes: Vec<u8>) {
        if self.clients[slot].pipe.is_none() {
            return;
        }
        if let Some((at, flip)) = self.clients[slot].flaw.take().filter(|_| !bytes.is_empty()) {
            let at = usize::from(at) % bytes.len();
            bytes[at] ^= flip.max(1);
            self.distrust(slot);
        }
        self.clients[slot].outgoing.extend(bytes);
    }

    /// Lets everything that can happen happen.
    pub async fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..ROUNDS_MAX {
            let mut moved = self.flush().await;
            self.ledger.write_now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            moved |= self.read().await;
            quiet = if moved { 0 } else { quiet + 1 };
            if quiet == 2 {
                return;
            }
        }
        panic!("a step does not come to rest");
    }

    /// Time passes; what has been sent before has come by then, and a publisher that is made to pause goes on.
    pub async fn pass(&mut self, ms: u64) {
        self.settle().await;
        tokio::time::sleep(Duration::from_millis(ms)).await;
        self.settle().await;
    }

    async fn flush(&mut self) -> bool {
        let mut moved = false;
        for client in &mut self.clients {
            moved |= client.flush().await;
        }
        moved
    }

    async fn read(&mut self) -> bool {
        let mut moved = false;
        for slot in 0..self.clients.len() {
            let client = &mut self.clients[slot];
            if client.deaf || !client.read().await {
                continue;
            }
            moved = true;
            loop {
                // An answer of its own may just have been a broken one.
                if self.clients[slot].ghost {
                    self.clients[slot].incoming.clear();
                }
                let level = self.clients[slot].connect.level;
                match wire::take(&mut self.clients[slot].incoming, level) {
                    Ok(Some(got)) => self.heard(slot, got),
                    Ok(None) => break,
                    Err(why) => panic!("the gate sent a malformed packet: {why}"),
                }
            }
            // Only now: what came before the end was still for a connection that is up.
            let client = &mut self.clients[slot];
            client.up &= client.pipe.is_some();
        }
        moved
    }

    fn heard(&mut self, slot: usize, got: Got) {
        match got {
            Got::ConnAck { present, code, .. } => self.let_in(slot, present, code),
            Got::Publish(received) => self.received(slot, received),
            Got::Ack { first, id, reason } => self.acknowledged(slot, first, id, reason),
            Got::SubAck { id, codes } => {
                let client = &mut self.clients[slot];
                assert!(client.asked.remove(&id), "SUBACK {id} to nothing");
                client.subacks.push(codes);
            }
            Got::UnsubAck { id } => {
                assert!(self.clients[slot].asked.remove(&id), "UNSUBACK {id} to nothing");
            }
            Got::PingResp | Got::Disconnect { .. } => {}
        }
    }

    fn let_in(&mut self, slot: usize, present: bool, code: u8) {
        let client = &mut self.clients[slot];
        assert!(!client.up, "a second CONNACK");
        if code != 0 {
            assert!(!present, "a refused client has no session");
            return;
        }
        client.up = true;
        assert!(!(present && client.connect.clean), "a session that was to be thrown away is present");
        let memory = self.memories.entry(client.connect.id.clone()).or_default();
        if !present || self.tampered || memory.thrown_away {
            let connection = client.connection;
            memory.open.retain(|_, open| open.connection == connection);
            // What was repeated before the CONNACK said that nothing is known of it is answered all the same.
            let (open, repeated) = (std::mem::take(&mut memory.open), std::mem::take(&mut memory.repeated));
            // If the clean start was refused, what the session has is repeated, and may come behind what it had not yet.
            let left_out = memory.left_out || (present && memory.thrown_away);
            *memory = Memory { open, repeated, shares: memory.shares, left_out, ..Memory::default() };
        }
        memory.unsure = false;
        if client.prompt {
            self.repeat(slot);
        }
    }

    fn received(&mut self, slot: usize, received: Received) {
        let client = &mut self.clients[slot];
        assert!(client.up, "a message before CONNACK");
        assert!(received.qos < 3 && (received.qos == 0) == (received.id == 0), "{received:?}");
        let memory = self.memories.entry(client.connect.id.clone()).or_default();
        match received.qos {
            1 => client.owed.push_back((0x40, received.id)),
            2 => client.owed.push_back((0x50, received.id)),
            _ => {}
        }
        let number = number_of(&received.payload).filter(|number| (*number as usize) < self.publishers.len());
        if let Some(number) = number
            && received.retain
        {
            memory.flagged.insert(number);
        }
        let mut new = true;
        if received.qos == 2 {
            let known = number.unwrap_or(u32::MAX);
            if let Some(open) = memory.received.insert(received.id, known)
                && !memory.unsure
            {
                assert_eq!(open, known, "packet id {} is used anew before it was released", received.id);
                assert!(received.dup, "packet id {} is repeated without DUP", received.id);
                new = false;
            }
        }
        if let Some(number) = number
            && new
            && !received.retain
            && !memory.shares
        {
            let first = memory.seen.insert(number);
            assert!(
                first || received.qos > 0 || self.unordered.contains(&number),
                "{} is given message {number} twice at QoS 0",
                client.connect.id
            );
            if received.qos == 2 {
                assert!(
                    memory.once.insert(number),
                    "{} is given message {number} twice at QoS 2",
                    client.connect.id
                );
            }
            let ordered = !memory.left_out && !memory.flagged.contains(&number);
            if first && ordered && !self.unordered.contains(&number) {
                let publisher = self.publishers[number as usize];
                let key = (received.topic.clone(), received.qos, publisher);
                if let Some(last) = memory.last.insert(key, number) {
                    assert!(
                        last < number,
                        "{} is given message {number} behind {last}: {received:?}",
                        client.connect.id
                    );
                }
            }
        }
        if new {
            client.heard.push(received);
        }
        self.owed_now(slot);
    }

    fn acknowledged(&mut self, slot: usize, first: u8, id: u16, reason: u8) {
        let client = &mut self.clients[slot];
        let memory = self.memories.entry(client.connect.id.clone()).or_default();
        let refused = reason >= 0x80;
        match first {
            0x40 => {
                let Some(open) = memory.open.remove(&id) else {
                    assert!(memory.repeated.contains(&id), "PUBACK {id} to nothing");
                    return;
                };
                assert_eq!(open.flags & 6, 2, "PUBACK to another QoS");
                if !refused {
                    self.accepted.insert(open.number);
                }
            }
            0x50 => {
                let Some(open) = memory.open.get_mut(&id) else {
                    // The answer to one that was repeated while the first was already being released.
                    return;
                };
                assert_eq!(open.flags & 6, 4, "PUBREC to another QoS");
                if refused {
                    memory.open.remove(&id);
                    return;
                }
                self.accepted.insert(open.number);
                open.released = true;
                self.send(slot, wire::ack(0x62, id));
            }
            0x62 => {
                memory.received.remove(&id);
                client.owed.push_back((0x70, id));
                self.owed_now(slot);
            }
            _ => {
                if memory.open.get(&id).is_some_and(|open| open.released) {
                    memory.open.remove(&id);
                }
            }
        }
    }

    fn owed_now(&mut self, slot: usize) {
        while self.clients[slot].prompt
            && let Some((first, id)) = self.clients[slot].owed.pop_front()
        {
            self.send(slot, wire::ack(first, id));
        }
    }
}

impl Client {
    pub fn connected(&self) -> bool {
        self.pipe.is_some()
    }

    fn ask(&mut self) -> u16 {
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        self.asked.insert(self.next_id);
        self.next_id
    }

    /// Writes what the pipe takes at once.
    async fn flush(&mut self) -> bool {
        let Some(pipe) = &mut self.pipe else { return false };
        let mut moved = false;
        while !self.outgoing.is_empty() {
            let bytes = self.outgoing.make_contiguous();
            // Thousands of single bytes would only take long.
            let piece = if self.piece == 0 { bytes.len() } else { self.piece.max(bytes.len() / 64) };
            let count = bytes.len().min(piece);
            let written = poll_fn(|context| {
                Poll::Ready(match Pin::new(&mut *pipe).poll_write(context, &bytes[..count]) {
                    Poll::Ready(written) => Some(written),
                    Poll::Pending => None,
                })
            });
            match written.await {
                Some(Ok(count)) if count > 0 => drop(self.outgoing.drain(..count)),
                Some(_) => self.outgoing.clear(),
                None => break,
            }
            moved = true;
            if self.piece > 0 {
                break;
            }
        }
        moved
    }

    /// Reads what is there; whether there was anything, the end included.
    async fn read(&mut self) -> bool {
        let Some(pipe) = &mut self.pipe else { return false };
        let mut moved = false;
        loop {
            let mut space = [0u8; 2048];
            let count = poll_fn(|context| {
                let mut buffer = ReadBuf::new(&mut space);
                Poll::Ready(match Pin::new(&mut *pipe).poll_read(context, &mut buffer) {
                    Poll::Ready(Ok(())) => Some(buffer.filled().len()),
                    Poll::Ready(Err(_)) => Some(0),
                    Poll::Pending => None,
                })
            });
            match count.await {
                None => return moved,
                Some(0) => {
                    self.pipe = None;
                    return true;
                }
                Some(count) => self.incoming.extend(&space[..count]),
            }
            moved = true;
        }
    }
}

/// A payload that tells its message: the number, and a check so that a flipped byte makes it nobody's.
fn payload(number: u32, filler: usize) -> Vec<u8> {
    let mut text = format!("@{number:06x}{:04x}", check(number)).into_bytes();
    text.resize(text.len() + filler, b'.');
    text
}

pub fn number_of(payload: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(payload.get(..11)?).ok()?.strip_prefix('@')?;
    let number = u32::from_str_radix(text.get(..6)?, 16).ok()?;
    let said = u32::from_str_radix(text.get(6..)?, 16).ok()?;
    (said == check(number)).then_some(number)
}

fn check(number: u32) -> u32 {
    (number.wrapping_mul(0x9E37_79B1) >> 13 ^ 0xBEEF) & 0xffff
}
