//! A ledger in memory with the promises of the real one: groups, a writer of its own, waiters woken after the
//! group, and a crash that loses exactly what was not durable.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use broker::{
    BoxFuture, Copied, Draft, HandshakeChange, Ledger, LedgerError, StoredHandshake, StoredSession,
};
use model::Message;
use parking_lot::{Condvar, Mutex};
use tokio::sync::{Notify, oneshot};

/// What survives a crash.
#[derive(Debug, Default)]
pub struct Disk(Mutex<Stored>);

impl Disk {
    /// Sessions and open handshakes on it.
    pub fn kept(&self) -> (usize, usize) {
        let stored = self.0.lock();
        (stored.sessions.len(), stored.handshakes.len())
    }

    /// Debts of its groups that are kept one by one with this session.
    pub fn debts(&self, client_id: &str) -> usize {
        let stored = self.0.lock();
        let subscriptions = stored.sessions.get(client_id).map(|session| session.subscriptions.iter());
        let owed = subscriptions.into_iter().flatten().filter_map(|subscription| subscription.owed.as_ref());
        owed.map(|owed| owed.ids.len()).sum()
    }
}

#[derive(Debug, Default)]
struct Stored {
    journal: BTreeMap<u64, Arc<Message>>,
    retained: BTreeMap<Arc<str>, Arc<Message>>,
    sessions: HashMap<String, StoredSession>,
    /// By client, packet id and whether it is outbound: message, whether it was released, and which copy it is.
    handshakes: BTreeMap<(String, u16, bool), (u64, bool, Copied)>,
    last_id: u64,
}

/// An open ledger. Dropping it without [`MemoryLedger::settle`] is a crash.
pub struct MemoryLedger {
    shared: Arc<Shared>,
}

struct Shared {
    disk: Arc<Disk>,
    queue: Mutex<Queue>,
    /// Tells the writer that there is something to do.
    work: Condvar,
    /// Tells those who wait for the backlog.
    low: Notify,
    /// Journal rows kept; the oldest go.
    rows_max: usize,
}

#[derive(Default)]
struct Queue {
    group: Vec<Operation>,
    rows: usize,
    bytes: usize,
    waiters: Vec<Arc<Notify>>,
    done: Vec<oneshot::Sender<Result<(), LedgerError>>>,
    last_id: u64,
    operations: u64,
    durable: u64,
    durable_ops: u64,
    held: bool,
    writing: bool,
    closed: bool,
    failure: Option<String>,
    room: Option<usize>,
}

enum Operation {
    Row(Arc<Message>, Option<(Arc<str>, u16)>),
    Handshake(HandshakeChange),
    SaveSession(Box<StoredSession>),
    DeleteSession(String),
    MoveCursor(String, u64),
}

/// Backlog below which sockets are read again.
const BACKLOG_LOW: usize = 50;
/// Payload bytes that are much to wait.
pub const BYTES_HIGH: usize = 32 * 1024 * 1024;

impl MemoryLedger {
    pub fn open(disk: &Arc<Disk>) -> Arc<Self> {
        Self::open_bounded(disk, usize::MAX)
    }

    /// With at most `rows_max` journal rows kept.
    pub fn open_bounded(disk: &Arc<Disk>, rows_max: usize) -> Arc<Self> {
        let shared = Shared::open(disk, rows_max);
        let writer = Arc::downgrade(&shared);
        std::thread::Builder::new().name("ledger".into()).spawn(move || write_groups(&writer)).unwrap();
        Arc::new(Self { shared })
    }

    /// Without a writer of its own: a group becomes durable in [`MemoryLedger::write_now`]. For a test under a
    /// paused clock, which would run on while a thread is at work.
    pub fn open_by_hand(disk: &Arc<Disk>) -> Arc<Self> {
        Arc::new(Self { shared: Shared::open(disk, usize::MAX) })
    }

    /// What is queued becomes durable, unless it is held.
    pub fn write_now(&self) {
        self.shared.write_group();
    }

    /// Nothing becomes durable until [`MemoryLedger::release`].
    pub fn hold(&self) {
        self.shared.queue.lock().held = true;
    }

    pub fn release(&self) {
        self.shared.queue.lock().held = false;
        self.shared.work.notify_all();
    }

    /// At most so many rows of one batch are taken, the rest is refused.
    pub fn take_at_most(&self, rows: Option<usize>) {
        self.shared.queue.lock().room = rows;
    }

    /// Everything queued is durable.
    pub fn is_settled(&self) -> bool {
        let queue = self.shared.queue.lock();
        queue.group.is_empty() && !queue.writing
    }

    /// The journal cannot write, or can again.
    pub fn fail(&self, why: Option<&str>) {
        self.shared.queue.lock().failure = why.map(str::to_owned);
    }

    /// The computer loses power: what is queued is gone, and nothing is written any more.
    pub fn crash(&self) {
        let mut queue = self.shared.queue.lock();
        queue.closed = true;
        queue.group.clear();
        queue.done.clear();
        self.shared.work.notify_all();
    }
}

impl Drop for MemoryLedger {
    fn drop(&mut self) {
        self.crash();
    }
}

fn write_groups(shared: &Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        let mut queue = shared.queue.lock();
        while (queue.group.is_empty() || queue.held) && !queue.closed {
            shared.work.wait(&mut queue);
        }
        if queue.closed {
            return;
        }
        drop(queue);
        shared.write_group();
    }
}

impl Stored {
    fn write(&mut self, group: Vec<Operation>, rows_max: usize) {
        for operation in group {
            match operation {
                Operation::Row(message, inbound) => self.row(message, inbound, rows_max),
                Operation::Handshake(change) => self.handshake(change),
                Operation::SaveSession(session) => {
                    self.sessions.insert(session.client_id.clone(), *session);
                }
                Operation::DeleteSession(client_id) => {
                    self.sessions.remove(&client_id);
                    self.handshakes.retain(|(client, _, _), _| *client != client_id);
                }
                Operation::MoveCursor(client_id, cursor) => {
                    if let Some(session) = self.sessions.get_mut(&client_id) {
                        session.cursor = cursor;
                    }
                }
            }
        }
    }

    fn row(&mut self, message: Arc<Message>, inbound: Option<(Arc<str>, u16)>, rows_max: usize) {
        self.last_id = message.id;
        if let Some((client, packet_id)) = inbound {
            self.handshakes
                .insert((client.as_ref().to_owned(), packet_id, false), (message.id, false, Copied::Own));
        }
        if message.retain && message.payload.is_empty() {
            self.retained.remove(&message.topic);
        } else if message.retain {
            self.retained.insert(message.topic.clone(), message.clone());
        }
        if rows_max > 0 {
            self.journal.insert(message.id, message);
        }
        while self.journal.len() > rows_max {
            self.journal.pop_first();
        }
    }

    fn handshake(&mut self, change: HandshakeChange) {
        let key = |client: Arc<str>, id, outbound| (client.as_ref().to_owned(), id, outbound);
        match change {
            HandshakeChange::InboundReceived { client_id, packet_id, message_id } => {
                self.handshakes.insert(key(client_id, packet_id, false), (message_id, false, Copied::Own));
            }
            HandshakeChange::InboundReleased { client_id, packet_id } => {
                self.handshakes.remove(&key(client_id, packet_id, false));
            }
            HandshakeChange::OutboundSent { client_id, packet_id, message_id, copied } => {
                self.handshakes.insert(key(client_id, packet_id, true), (message_id, false, copied));
            }
            HandshakeChange::OutboundReceived { client_id, packet_id } => {
                if let Some(row) = self.handshakes.get_mut(&key(client_id, packet_id, true)) {
                    row.1 = true;
                }
            }
            HandshakeChange::OutboundDone { client_id, packet_id } => {
                self.handshakes.remove(&key(client_id, packet_id, true));
            }
        }
    }
}

impl Shared {
    fn open(disk: &Arc<Disk>, rows_max: usize) -> Arc<Self> {
        let last_id = disk.0.lock().last_id;
        let queue = Queue { last_id, durable: last_id, ..Queue::default() };
        Arc::new(Self {
            disk: disk.clone(),
            queue: Mutex::new(queue),
            work: Condvar::new(),
            low: Notify::new(),
            rows_max,
        })
    }

    /// What is queued becomes durable, unless it is held.
    fn write_group(&self) {
        let mut queue = self.queue.lock();
        if queue.closed || queue.held {
            return;
        }
        let group = std::mem::take(&mut queue.group);
        let waiters = std::mem::take(&mut queue.waiters);
        let done = std::mem::take(&mut queue.done);
        let (last_id, operations) = (queue.last_id, queue.operations);
        queue.rows = 0;
        queue.bytes = 0;
        queue.writing = true;
        drop(queue);
        self.disk.0.lock().write(group, self.rows_max);
        {
            let mut queue = self.queue.lock();
            queue.durable = last_id;
            queue.durable_ops = operations;
            queue.writing = false;
            if queue.rows < BACKLOG_LOW {
                self.low.notify_waiters();
            }
        }
        waiters.iter().for_each(|waiter| waiter.notify_one());
        for sender in done {
            let _ = sender.send(Ok(()));
        }
    }

    fn submit(&self, operation: Operation) -> BoxFuture<'static, Result<(), LedgerError>> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.queue.lock();
        if !queue.closed {
            queue.group.push(operation);
            queue.done.push(sender);
        }
        drop(queue);
        self.work.notify_one();
        Box::pin(async move { receiver.await.unwrap_or(Err(LedgerError("The ledger is closed.".into()))) })
    }
}

impl Ledger for MemoryLedger {
    fn append(&self, drafts: &mut Vec<Draft>, out: &mut Vec<Arc<Message>>, waiter: Option<&Arc<Notify>>) {
        let time_ms = broker::fuzzing::now_ms();
        let mut queue = self.shared.queue.lock();
        let room = queue.room.map_or(drafts.len(), |room| room.min(drafts.len()));
        for draft in drafts.drain(..room) {
            queue.last_id += 1;
            let message = Arc::new(Message {
                id: queue.last_id,
                time_ms,
                topic: draft.topic,
                payload: draft.payload,
                qos: draft.qos,
                retain: draft.retain,
                publisher: draft.publisher,
                cause: draft.cause,
                properties: draft.properties,
            });
            out.push(message.clone());
            queue.bytes += message.payload.len();
            queue.group.push(Operation::Row(message, draft.inbound_qos2));
            queue.rows += 1;
        }
        if let Some(waiter) = waiter
            && !queue.waiters.iter().any(|known| Arc::ptr_eq(known, waiter))
        {
            queue.waiters.push(waiter.clone());
        }
        drop(queue);
        self.shared.work.notify_one();
    }

    fn durable(&self) -> u64 {
        self.shared.queue.lock().durable
    }

    fn backlog(&self) -> usize {
        self.shared.queue.lock().rows
    }

    fn is_heavy(&self) -> bool {
        self.shared.queue.lock().bytes > BYTES_HIGH
    }

    fn backlog_low(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            loop {
                let notified = self.shared.low.notified();
                tokio::pin!(notified);
                notified.as_mut().enable();
                if self.backlog() < BACKLOG_LOW && !self.is_heavy() {
                    return;
                }
                notified.await;
            }
        })
    }

    fn failure(&self) -> Option<String> {
        self.shared.queue.lock().failure.clone()
    }

    fn load_sessions(&self) -> Vec<StoredSession> {
        self.shared.disk.0.lock().sessions.values().cloned().collect()
    }

    fn save_session(&self, session: &StoredSession) -> BoxFuture<'static, Result<(), LedgerError>> {
        self.shared.submit(Operation::SaveSession(Box::new(session.clone())))
    }

    fn delete_session(&self, client_id: &str) -> BoxFuture<'static, Result<(), LedgerError>> {
        self.shared.submit(Operation::DeleteSession(client_id.to_owned()))
    }

    fn move_cursor(&self, client_id: &str, cursor: u64) {
        drop(self.shared.submit(Operation::MoveCursor(client_id.to_owned(), cursor)));
    }

    fn handshake(&self, change: HandshakeChange, waiter: Option<&Arc<Notify>>) -> u64 {
        let mut queue = self.shared.queue.lock();
        queue.operations += 1;
        let operation = queue.operations;
        queue.group.push(Operation::Handshake(change));
        queue.waiters.extend(waiter.cloned());
        drop(queue);
        self.shared.work.notify_one();
        operation
    }

    fn durable_ops(&self) -> u64 {
        self.shared.queue.lock().durable_ops
    }

    fn load_handshakes(&self) -> Vec<StoredHandshake> {
        let stored = self.shared.disk.0.lock();
        let rows = stored.handshakes.iter();
        rows.map(|((client_id, packet_id, outbound), (message_id, released, copied))| StoredHandshake {
            client_id: client_id.clone(),
            packet_id: *packet_id,
            outbound: *outbound,
            message_id: *message_id,
            released: *released,
            copied: *copied,
        })
        .collect()
    }

    fn load_retained(&self) -> Vec<Arc<Message>> {
        self.shared.disk.0.lock().retained.values().cloned().collect()
    }

    fn read(&self, from: u64, limit: usize) -> Result<Vec<Message>, LedgerError> {
        let stored = self.shared.disk.0.lock();
        Ok(stored.journal.range(from..).take(limit).map(|(_, message)| Message::clone(message)).collect())
    }
}
