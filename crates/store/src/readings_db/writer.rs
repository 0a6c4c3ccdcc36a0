//! The one thread that writes `readings.db`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use model::Reading;
use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::schema::{key, meta, set_meta};
use super::series::Dictionary;
use crate::backlog::Backlog;
use crate::error::{Result, StoreError};

/// Readings wait at most this long for others to share their transaction.
const GATHER: Duration = Duration::from_millis(250);
/// So many do not wait.
const GATHER_READINGS: usize = 2_000;
/// Readings that may wait; beyond, [`super::ReadingsDb::append`] gives them back.
pub(super) const QUEUE_MAX: usize = 200_000;
/// First pause after a failed write; it doubles with each failure.
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// Longest pause between two tries.
const RETRY_LAST: Duration = Duration::from_secs(5);
/// Rows of removed entities deleted in one step, and the pause between two steps.
const REMOVE_ROWS: i64 = 1_000;
const REMOVE_PAUSE: Duration = Duration::from_millis(10);

pub(super) enum Entry {
    Readings(Vec<Reading>),
    Remove(String),
    /// All readings of the first entity become the second one's.
    Move(String, String),
}

#[derive(Default)]
pub(super) struct Queue {
    entries: Vec<Entry>,
    readings: usize,
    cursor: u64,
    since: Option<Instant>,
    urgent: bool,
    flushes: Vec<oneshot::Sender<Result<()>>>,
    pub(super) closing: bool,
}

pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) queue: Mutex<Queue>,
    pub(super) work: Condvar,
    pub(super) cursor: AtomicU64,
    pub(super) backlog: Backlog,
    pub(super) failure: Mutex<Option<StoreError>>,
}

impl Queue {
    /// Queues readings; gives them back when there are too many. Says whether the writer is to be woken.
    pub(super) fn push(&mut self, readings: Vec<Reading>, cursor: u64) -> Result<bool, Vec<Reading>> {
        if self.closing || (self.readings > 0 && self.readings + readings.len() > QUEUE_MAX) {
            return Err(readings);
        }
        let was_waiting = self.since.is_some();
        let was_large = self.readings >= GATHER_READINGS;
        self.readings += readings.len();
        self.cursor = self.cursor.max(cursor);
        if !readings.is_empty() {
            self.entries.push(Entry::Readings(readings));
        }
        self.since.get_or_insert_with(Instant::now);
        Ok(!was_waiting || (!was_large && self.readings >= GATHER_READINGS))
    }

    /// Something that stays queued even when the disk is full now; only the answer is early.
    pub(super) fn push_entry(&mut self, entry: Entry, done: oneshot::Sender<Result<()>>) {
        if !self.closing {
            self.entries.push(entry);
        }
        self.push_flush(None, done);
    }

    /// `failure`: why nothing can be written at present.
    pub(super) fn push_flush(&mut self, failure: Option<StoreError>, done: oneshot::Sender<Result<()>>) {
        if let Some(why) = failure.or(self.closing.then_some(StoreError::Closed)) {
            let _ = done.send(Err(why));
            return;
        }
        self.flushes.push(done);
        self.urgent = true;
    }

    fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        if self.urgent || self.closing || self.readings >= GATHER_READINGS {
            return Some(now);
        }
        self.since.map(|since| since + GATHER)
    }
}

/// What is written together.
struct Group {
    entries: Vec<Entry>,
    readings: usize,
    cursor: u64,
    flushes: Vec<oneshot::Sender<Result<()>>>,
    last: bool,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    connection: Connection,
    dictionary: Dictionary,
    /// Rows of removed entities are left.
    removing: bool,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, connection: Connection) -> Self {
        // The first step finds out whether anything is left from the last run.
        Self { shared, connection, dictionary: Dictionary::default(), removing: true }
    }

    /// Runs until closed and everything is written.
    pub(super) fn run(mut self) -> Result<()> {
        loop {
            match self.next_group() {
                Some(group) => {
                    let last = group.last;
                    self.write_until_durable(group)?;
                    if last {
                        return Ok(());
                    }
                }
                None => match self.remove_some() {
                    Ok(more) => self.removing = more,
                    Err(why) => {
                        tracing::error!("{}", StoreError::at(&self.shared.path, &why));
                        self.removing = false;
                    }
                },
            }
        }
    }

    /// Waits for a group; `None` is an idle slot in which something is to be removed.
    fn next_group(&self) -> Option<Group> {
        let mut queue = self.shared.queue.lock();
        loop {
            let due = queue.due();
            if due.is_some_and(|due| due <= Instant::now()) {
                return Some(Group {
                    entries: std::mem::take(&mut queue.entries),
                    readings: std::mem::take(&mut queue.readings),
                    cursor: queue.cursor,
                    flushes: std::mem::take(&mut queue.flushes),
                    last: queue.closing,
                })
                .inspect(|_| {
                    queue.since = None;
                    queue.urgent = false;
                });
            }
            let slot = self.removing.then(|| Instant::now() + REMOVE_PAUSE);
            match (due, slot) {
                (Some(due), Some(slot)) if slot < due => {
                    if self.shared.work.wait_until(&mut queue, slot).timed_out() {
                        return None;
                    }
                }
                (None, Some(slot)) => {
                    if self.shared.work.wait_until(&mut queue, slot).timed_out() {
                        return None;
                    }
                }
                (Some(due), _) => {
                    self.shared.work.wait_until(&mut queue, due);
                }
                (None, None) => self.shared.work.wait(&mut queue),
            }
        }
    }

    /// Fails only when the database is being closed and the disk still refuses.
    fn write_until_durable(&mut self, mut group: Group) -> Result<()> {
        let mut pause = RETRY_FIRST;
        while let Err(why) = self.write(&group) {
            let why = StoreError::at(&self.shared.path, &why);
            self.dictionary = Dictionary::default();
            if self.shared.failure.lock().replace(why.clone()).is_none() {
                tracing::error!(waiting = self.shared.backlog.rows(), "{why}");
            }
            // After the failure was noted: whoever flushes from here on sees it.
            let waiting = std::mem::take(&mut self.shared.queue.lock().flushes);
            for flush in group.flushes.drain(..).chain(waiting) {
                let _ = flush.send(Err(why.clone()));
            }
            if self.pause(pause) {
                return Err(why);
            }
            pause = (pause * 2).min(RETRY_LAST);
        }
        if self.shared.failure.lock().take().is_some() {
            tracing::info!(file = %self.shared.path.display(), "can be written again");
        }
        // In this order whoever sees the cursor move finds the backlog in agreement.
        self.shared.backlog.shrink(group.readings, 0);
        self.shared.cursor.fetch_max(group.cursor, Ordering::AcqRel);
        for flush in group.flushes {
            let _ = flush.send(Ok(()));
        }
        Ok(())
    }

    /// Waits; true when the database is being closed.
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

    fn write(&mut self, group: &Group) -> rusqlite::Result<()> {
        let moved = group.cursor > self.shared.cursor.load(Ordering::Acquire);
        if group.entries.is_empty() && !moved {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut count = meta(&transaction, key::COUNT)?;
        for entry in &group.entries {
            match entry {
                Entry::Readings(readings) => count += insert(&transaction, &mut self.dictionary, readings)?,
                Entry::Remove(entity) => {
                    count -= remove(&transaction, entity)?;
                    self.dictionary.forget(entity);
                    self.removing = true;
                }
                Entry::Move(from, to) => {
                    count -= merge(&transaction, from, to)?;
                    self.dictionary.forget(from);
                    self.dictionary.forget(to);
                }
            }
        }
        set_meta(&transaction, key::COUNT, count)?;
        if moved {
            set_meta(&transaction, key::CURSOR, group.cursor.cast_signed())?;
        }
        transaction.commit()
    }

    /// Deletes some rows of removed entities; false when none are left.
    fn remove_some(&mut self) -> rusqlite::Result<bool> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let removed: Option<i64> =
            transaction.query_row("SELECT min(series) FROM removed", [], |row| row.get(0))?;
        let Some(series) = removed else { return Ok(false) };
        let deleted = transaction
            .prepare_cached(
                "DELETE FROM reading WHERE (series, time_ms, message_id) IN
                   (SELECT series, time_ms, message_id FROM reading WHERE series = ?1 LIMIT ?2)",
            )?
            .execute((series, REMOVE_ROWS))?;
        if deleted == 0 {
            transaction.execute("DELETE FROM removed WHERE series = ?1", [series])?;
        }
        transaction.commit()?;
        Ok(true)
    }
}

/// Returns how many were new.
fn insert(conn: &Connection, dictionary: &mut Dictionary, readings: &[Reading]) -> rusqlite::Result<i64> {
    let mut insert = conn.prepare_cached(
        "INSERT OR IGNORE INTO reading (series, time_ms, message_id, value) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut new = 0;
    for reading in readings {
        // SQLite would store NaN as NULL, which reads back as nothing.
        if matches!(reading.value, model::Value::Number(number) if !number.is_finite()) {
            tracing::warn!(entity = reading.entity, "not stored: the value is not a finite number");
            continue;
        }
        let series = dictionary.series(conn, &reading.entity, &reading.value)?;
        let value = dictionary.value(conn, &reading.value)?;
        new += insert.execute((series, reading.time_ms, reading.message_id.cast_signed(), value))?;
    }
    Ok(new as i64)
}

/// Takes an entity's series out of sight; returns how many readings they had.
fn remove(conn: &Connection, entity: &str) -> rusqlite::Result<i64> {
    let readings = conn.query_row(
        "SELECT count(*) FROM reading WHERE series IN (SELECT id FROM series WHERE entity = ?1)",
        [entity],
        |row| row.get(0),
    )?;
    conn.execute("INSERT OR IGNORE INTO removed (series) SELECT id FROM series WHERE entity = ?1", [entity])?;
    conn.execute("DELETE FROM series WHERE entity = ?1", [entity])?;
    Ok(readings)
}

/// Gives an entity's series to another one; returns how many readings that one had already.
fn merge(conn: &Connection, from: &str, to: &str) -> rusqlite::Result<i64> {
    conn.execute(
        "UPDATE series SET entity = ?2 WHERE entity = ?1
           AND NOT EXISTS (SELECT 1 FROM series AS other WHERE other.entity = ?2 AND other.kind = series.kind)",
        (from, to),
    )?;
    let mut left = conn.prepare_cached(
        "SELECT series.id, other.id FROM series JOIN series AS other ON other.kind = series.kind
         WHERE series.entity = ?1 AND other.entity = ?2",
    )?;
    let pairs: Vec<(i64, i64)> =
        left.query_map((from, to), |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut doubles = 0;
    for (from, to) in pairs {
        conn.execute("UPDATE OR IGNORE reading SET series = ?2 WHERE series = ?1", (from, to))?;
        doubles += conn.execute("DELETE FROM reading WHERE series = ?1", [from])?;
        conn.execute("DELETE FROM series WHERE id = ?1", [from])?;
    }
    Ok(doubles as i64)
}
