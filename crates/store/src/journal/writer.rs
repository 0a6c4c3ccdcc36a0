//! The one thread that writes `journal.db`: group after group, pruning in between.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use model::Message;
use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::names::Names;
use super::prune::{self, Goal, Pruned};
use super::queue::{Due, Entry, Group, Queue, RESERVE_AHEAD};
use super::retained::Follower;
use super::room::{self, Fill, Room};
use super::schema::{key, set_meta};
use super::{handshake, message};
use crate::backlog::Backlog;
use crate::error::{Result, StoreError};

/// First pause after a failed write; it doubles with each failure.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// Longest pause between two tries.
const RETRY_LAST: Duration = Duration::from_secs(5);
/// Pause between two steps of pruning while nothing else is to be done.
const PRUNE_PAUSE: Duration = Duration::from_millis(10);
/// Under steady load there is no idle slot; then a step is squeezed in this often.
const PRUNE_AT_LEAST_EVERY: Duration = Duration::from_millis(200);
/// Capacity kept from group to group; one burst does not hold its memory for ever.
const ENTRIES_KEPT: usize = 16_384;

/// What the writer and everybody else share.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) gather: Duration,
    pub(super) queue: Mutex<Queue>,
    pub(super) work: Condvar,
    pub(super) durable: AtomicU64,
    pub(super) durable_ops: AtomicU64,
    pub(super) backlog: Backlog,
    pub(super) failure: Mutex<Option<StoreError>>,
    /// The file is above its bytes.
    pub(super) full: AtomicBool,
    pub(super) retained: Arc<Follower>,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    connection: Connection,
    names: Names,
    pruned_at: Instant,
    room: Room,
}

enum Step {
    Write(Group),
    Prune(Goal),
    Close(Group),
}

/// What comes after a turn of pruning.
enum Turn {
    /// Writing.
    Over,
    /// Another one.
    Again,
    /// A pause, and another one.
    Wait,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, connection: Connection) -> Self {
        let room = Room::new(&shared.path);
        Self { shared, connection, names: Names::new(), pruned_at: Instant::now(), room }
    }

    /// Runs until the queue is closing and everything is written. Gives the connection back, because closing
    /// it must come last: only a connection that can write takes the write-ahead log away.
    pub(super) fn run(mut self) -> Result<Connection> {
        let mut spare = Vec::new();
        loop {
            match self.next_step(std::mem::take(&mut spare)) {
                Step::Write(group) => {
                    let look = self.room.wrote(&group);
                    let begin = Instant::now();
                    spare = self.write_until_durable(group)?;
                    if look {
                        self.make_room(begin.elapsed());
                    }
                }
                Step::Prune(goal) => self.prune(goal),
                Step::Close(group) => return self.close(group),
            }
        }
    }

    fn next_step(&mut self, spare: Vec<Entry>) -> Step {
        let mut queue = self.shared.queue.lock();
        loop {
            let due = queue.due(self.shared.gather);
            let pruning = queue.goal.is_some() && !queue.closing;
            if pruning
                && self.pruned_at.elapsed() >= PRUNE_AT_LEAST_EVERY
                && let Some(goal) = queue.goal.take()
            {
                queue.pruning = true;
                return Step::Prune(goal);
            }
            match due {
                Due::Now if queue.closing && queue.is_empty() => return Step::Close(queue.take(spare)),
                Due::Now => return Step::Write(queue.take(spare)),
                Due::At(_) | Due::Never if pruning => {
                    let slot = self.pruned_at + PRUNE_PAUSE;
                    let until = if let Due::At(at) = due { at.min(slot) } else { slot };
                    let timeout = self.shared.work.wait_until(&mut queue, until);
                    if timeout.timed_out()
                        && !matches!(queue.due(self.shared.gather), Due::Now)
                        && let Some(goal) = queue.goal.take()
                    {
                        queue.pruning = true;
                        return Step::Prune(goal);
                    }
                }
                Due::At(at) => {
                    self.shared.work.wait_until(&mut queue, at);
                }
                Due::Never => self.shared.work.wait(&mut queue),
            }
        }
    }

    /// Writes the group, however often it takes; gives its vector back for the next one. Fails only when the
    /// journal is being closed and the disk still refuses.
    fn write_until_durable(&mut self, mut group: Group) -> Result<Vec<Entry>> {
        let mut pause = RETRY_FIRST;
        let reserved = loop {
            match self.write(&group) {
                Ok(reserved) => break reserved,
                Err(why) => {
                    let why = StoreError::at(&self.shared.path, &why);
                    self.names.forget();
                    if self.shared.failure.lock().replace(why.clone()).is_none() {
                        tracing::error!(waiting = self.shared.backlog.rows(), "{why}");
                    }
                    // After the failure was noted: whoever flushes from here on sees it.
                    let waiting = self.shared.queue.lock().take_flushes();
                    for flush in group.flushes.drain(..).chain(waiting) {
                        let _ = flush.send(Err(why.clone()));
                    }
                    if self.pause(pause) {
                        return Err(why);
                    }
                    pause = (pause * 2).min(RETRY_LAST);
                }
            }
        };
        if self.shared.failure.lock().take().is_some() {
            tracing::info!(file = %self.shared.path.display(), "can be written again");
        }
        Ok(self.settle(group, reserved))
    }

    /// Waits; true when the journal is being closed.
    fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut queue = self.shared.queue.lock();
        while !queue.closing {
            if self.shared.work.wait_until(&mut queue, until).timed_out() {
                return queue.closing;
            }
        }
        true
    }

    /// One transaction. Returns the new reservation if it was raised.
    fn write(&mut self, group: &Group) -> rusqlite::Result<Option<u64>> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.names.ready(&transaction)?;
        insert(&transaction, &mut self.names, &group.entries)?;
        self.names.settle(&transaction)?;
        // Only this thread raises the reservation, so it may be looked at without keeping the lock.
        let reserved = self.shared.queue.lock().reserved;
        let raised = (reserved < group.newest + RESERVE_AHEAD / 2).then_some(group.newest + RESERVE_AHEAD);
        if let Some(raised) = raised {
            set_meta(&transaction, key::RESERVED, raised)?;
        }
        transaction.commit()?;
        Ok(raised)
    }

    /// The group is durable: say so.
    fn settle(&self, mut group: Group, reserved: Option<u64>) -> Vec<Entry> {
        let messages = group.entries.iter().filter_map(|entry| match entry {
            Entry::Message { message, .. } => Some(message),
            Entry::Handshake(_) => None,
        });
        let rows = messages.clone().count() as u64;
        let newest_retained = messages.filter(|message| message.retain).map(|message| message.id).max();
        {
            let mut queue = self.shared.queue.lock();
            queue.counters.rows += rows;
            queue.counters.groups += 1;
            queue.reserved = reserved.unwrap_or(queue.reserved);
        }
        // First, so that whoever is woken below finds all numbers in agreement.
        self.shared.backlog.shrink(group.entries.len(), group.bytes);
        self.shared.durable.store(group.newest, Ordering::Release);
        self.shared.durable_ops.store(group.newest_op, Ordering::Release);
        if let Some(id) = newest_retained {
            self.shared.retained.written(id);
        }
        group.waiters.sort_unstable_by_key(Arc::as_ptr);
        group.waiters.dedup_by(|a, b| Arc::ptr_eq(a, b));
        for waiter in &group.waiters {
            waiter.notify_one();
        }
        for flush in group.flushes {
            let _ = flush.send(Ok(()));
        }
        let mut entries = group.entries;
        entries.clear();
        entries.shrink_to(ENTRIES_KEPT);
        entries
    }

    fn prune(&mut self, mut goal: Goal) {
        let outcome = self.prune_step(&mut goal);
        self.pruned_at = Instant::now();
        let mut queue = self.shared.queue.lock();
        queue.pruning = false;
        match outcome {
            Ok(pruned) => {
                queue.counters.pruned += pruned.rows;
                queue.counters.pruned_unread += pruned.unread;
                // A newer goal replaces what is left of this one, but for what was to be forgotten.
                match &mut queue.goal {
                    Some(newer) => newer.go_on_from(goal),
                    None if !pruned.done => queue.goal = Some(goal),
                    None => {}
                }
            }
            Err(why) => {
                self.names.forget();
                tracing::error!("{}", StoreError::at(&self.shared.path, &why));
            }
        }
    }

    fn prune_step(&mut self, goal: &mut Goal) -> rusqlite::Result<Pruned> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.names.ready(&transaction)?;
        let pruned = prune::step(&transaction, &mut self.names, goal, self.shared.retained.unread())?;
        transaction.commit()?;
        Ok(pruned)
    }

    /// After a write that took so long: pruning has its turn, if the file is above its bytes.
    fn make_room(&mut self, write: Duration) {
        loop {
            match self.make_some_room(room::turn(write)) {
                Ok(Turn::Over) => return,
                Ok(Turn::Again) => {}
                Ok(Turn::Wait) => {
                    if self.pause(PRUNE_PAUSE) {
                        return;
                    }
                }
                Err(why) => {
                    self.names.forget();
                    self.room.rest();
                    tracing::error!("{}", StoreError::at(&self.shared.path, &why));
                    return;
                }
            }
        }
    }

    fn make_some_room(&mut self, time: Duration) -> rusqlite::Result<Turn> {
        let (bytes_max, lowest_cursor, closing) = {
            let queue = self.shared.queue.lock();
            (queue.bounds.bytes_max, queue.lowest_cursor, queue.closing)
        };
        let fill = Room::look(&self.connection, bytes_max)?;
        self.shared.full.store(fill > Fill::Within, Ordering::Release);
        self.room.cut_log(&self.connection)?;
        if fill == Fill::Within || closing {
            self.room.rest();
            return Ok(Turn::Over);
        }
        let unread_retained = self.shared.retained.unread();
        let goal = Goal::room(bytes_max, lowest_cursor);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.names.ready(&transaction)?;
        let pruned = prune::make_room(&transaction, &mut self.names, &goal, unread_retained, time)?;
        transaction.commit()?;
        let mut queue = self.shared.queue.lock();
        queue.counters.pruned += pruned.rows;
        queue.counters.pruned_unread += pruned.unread;
        drop(queue);
        if pruned.rows > 0 {
            return Ok(if fill >= Fill::Brimful && !pruned.done { Turn::Again } else { Turn::Over });
        }
        if fill == Fill::Overfull && unread_retained.is_some() {
            // Only hub.db can make room, by taking over the retained messages: writing waits for it.
            return Ok(Turn::Wait);
        }
        self.room.rest();
        Ok(Turn::Over)
    }

    /// The last transaction: nothing was skipped, so no id needs to be.
    fn close(mut self, group: Group) -> Result<Connection> {
        let mut last = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            self.names.ready(&transaction)?;
            self.names.flush(&transaction)?;
            set_meta(&transaction, key::RESERVED, group.newest)?;
            transaction.commit()
        };
        last().map_err(|why| StoreError::at(&self.shared.path, &why))?;
        Ok(self.connection)
    }
}

fn insert(transaction: &Transaction<'_>, names: &mut Names, entries: &[Entry]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(message::INSERT)?;
    for entry in entries {
        let (message, inbound_qos2) = match entry {
            Entry::Message { message, inbound_qos2 } => (message, inbound_qos2),
            Entry::Handshake(change) => {
                handshake::apply(transaction, change)?;
                continue;
            }
        };
        let (topic, publisher, before) = names.note(transaction, message)?;
        insert.execute((
            message.id.cast_signed(),
            message.time_ms,
            topic,
            publisher,
            message::flags(message),
            back(message, before),
            message.payload.as_ref(),
            message::json(message.cause.as_ref()),
            message::json(message.properties.as_deref()),
        ))?;
        if let Some((client_id, packet_id)) = inbound_qos2 {
            handshake::received(transaction, client_id, *packet_id, message.id)?;
        }
    }
    Ok(())
}

/// How far back the topic's message before this one is; 0 when there was none.
fn back(message: &Message, before: u64) -> i64 {
    if before == 0 { 0 } else { message.id.saturating_sub(before).cast_signed() }
}
