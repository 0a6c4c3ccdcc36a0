//! `readings.db`: what entities measured, by series.

mod query;
mod schema;
mod series;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use model::{Bucket, Reading};
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use crate::Written;
use crate::backlog::Backlog;
use crate::error::{Result, StoreError};
use crate::opening::{self, Check, OnChecked};
use crate::readers::Readers;
pub use query::{BUCKETS_MAX, RANGE_MAX};
use writer::{Entry, Queue, Shared, Writer};

/// [`ReadingsDb::backlog_low`] resolves at this many readings.
const BACKLOG_LOW: usize = 10_000;

/// The queue to the disk is full, or closed; these were not taken and the cursor did not move. Wait for
/// [`ReadingsDb::backlog_low`] and append them again.
#[derive(Debug)]
pub struct QueueFull(pub Vec<Reading>);

/// `readings.db`, open.
pub struct ReadingsDb {
    shared: Arc<Shared>,
    readers: Readers,
    check: Mutex<Option<Check>>,
    writer: Mutex<Option<JoinHandle<Result<()>>>>,
}

impl ReadingsDb {
    /// Opens or makes the file and starts its writer. After an unclean stop it is looked over in the
    /// background and `on_checked` is told.
    ///
    /// # Errors
    /// In words: damaged, foreign, newer, locked, read-only, full.
    pub fn open(path: &Path, on_checked: OnChecked) -> Result<Self> {
        let unclean = opening::stopped_uncleanly(path);
        let connection = opening::open_writer(path, &schema::FORMAT)?;
        let check = unclean.then(|| Check::start(path, on_checked));
        let db = Self::start(path, connection)?;
        *db.check.lock() = check;
        Ok(db)
    }

    fn start(path: &Path, connection: Connection) -> Result<Self> {
        let cursor =
            schema::meta(&connection, schema::key::CURSOR).map_err(|why| StoreError::at(path, &why))?;
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            queue: Mutex::new(Queue::default()),
            work: Condvar::new(),
            cursor: AtomicU64::new(cursor.cast_unsigned()),
            backlog: Backlog::new(BACKLOG_LOW, usize::MAX),
            failure: Mutex::new(None),
        });
        let writer = Writer::new(Arc::clone(&shared), connection);
        let writer = thread::Builder::new()
            .name("readings-db".into())
            .spawn(move || writer.run())
            .map_err(|why| StoreError::Disk { file: path.to_owned(), why: why.to_string() })?;
        Ok(Self {
            shared,
            readers: Readers::new(path),
            check: Mutex::new(None),
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Queues readings; they are written within 250 ms, or when 2,000 have gathered. `cursor`: every message up
    /// to this journal id has been read and its readings appended; it is stored in the same transaction.
    /// Appending a reading again changes nothing.
    ///
    /// # Errors
    /// [`QueueFull`] gives the readings back: [`ReadingsDb::failure`] says why the queue does not empty.
    pub fn append(&self, readings: Vec<Reading>, cursor: u64) -> Result<(), QueueFull> {
        let mut queue = self.shared.queue.lock();
        let count = readings.len();
        let wake = queue.push(readings, cursor).map_err(QueueFull)?;
        self.shared.backlog.grow(count, 0);
        drop(queue);
        if wake {
            self.shared.work.notify_one();
        }
        Ok(())
    }

    /// The durable cursor: after a crash, reading the journal goes on at `cursor + 1`.
    pub fn cursor(&self) -> u64 {
        self.shared.cursor.load(Ordering::Acquire)
    }

    /// Readings queued or being written.
    pub fn backlog(&self) -> usize {
        self.shared.backlog.rows()
    }

    /// Resolves when few readings wait.
    pub async fn backlog_low(&self) {
        self.shared.backlog.low().await;
    }

    /// Why nothing can be written at present, and what to do. Readings stay queued, and the writer tries again
    /// by itself.
    pub fn failure(&self) -> Option<String> {
        self.shared.failure.lock().as_ref().map(StoreError::to_string)
    }

    /// Resolves when all that was appended before is durable, or with the reason why it is not.
    pub fn flush(&self) -> Written<()> {
        let (done, written) = Written::pair();
        let mut queue = self.shared.queue.lock();
        let failure = self.shared.failure.lock().clone();
        queue.push_flush(failure, done);
        drop(queue);
        self.shared.work.notify_one();
        written
    }

    /// Readings of one entity with `from_ms <= time < to_ms` (UTC ms), oldest first, at most `limit` and
    /// [`RANGE_MAX`]. Sees what is durable. Blocks.
    pub fn range(&self, entity: &str, from_ms: i64, to_ms: i64, limit: usize) -> Result<Vec<Reading>> {
        self.readers.read(|conn| query::range(conn, entity, (from_ms, to_ms), limit))
    }

    /// The numeric readings (on and off are 1 and 0) with `from_ms <= time < to_ms` in spans of `bucket_ms`
    /// that start at multiples of it. Spans without readings are left out; the first and the last may be cut by
    /// `from_ms` and `to_ms`. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Question`] when `bucket_ms` is not positive or the answer has more than [`BUCKETS_MAX`].
    pub fn buckets(&self, entity: &str, from_ms: i64, to_ms: i64, bucket_ms: i64) -> Result<Vec<Bucket>> {
        self.readers.read(|conn| query::buckets(conn, entity, (from_ms, to_ms), bucket_ms))
    }

    /// The newest reading of one entity. Blocks.
    pub fn last(&self, entity: &str) -> Result<Option<Reading>> {
        self.readers.read(|conn| query::last(conn, entity))
    }

    /// Times of the first and the last reading of one entity, UTC ms. Blocks.
    pub fn span(&self, entity: &str) -> Result<Option<(i64, i64)>> {
        self.readers.read(|conn| query::span(conn, entity))
    }

    /// Entities that have readings, by id. Blocks.
    pub fn entities(&self) -> Result<Vec<String>> {
        self.readers.read(query::entities)
    }

    /// Readings of all entities; kept as a number, so it costs nothing. Blocks.
    pub fn count(&self) -> Result<u64> {
        self.readers.read(query::count)
    }

    /// Forgets an entity's readings, those queued before included. Resolves when no question sees them any
    /// more; their space is freed bit by bit afterwards, also over a restart.
    pub fn remove_entity(&self, entity: &str) -> Written<()> {
        self.queue(Entry::Remove(entity.to_owned()))
    }

    /// Gives all readings of an entity to another one, those queued before included: its board was replaced.
    /// Resolves when that is durable; doing it again changes nothing.
    pub fn move_entity(&self, from: &str, to: &str) -> Written<()> {
        self.queue(Entry::Move(from.to_owned(), to.to_owned()))
    }

    fn queue(&self, entry: Entry) -> Written<()> {
        let (done, written) = Written::pair();
        self.shared.queue.lock().push_entry(entry, done);
        self.shared.work.notify_one();
        written
    }

    /// Writes what is queued and closes the file. Later readings are given back.
    pub fn close(&self) -> Result<()> {
        self.check.lock().take();
        self.readers.close();
        self.shared.queue.lock().closing = true;
        self.shared.work.notify_one();
        let Some(writer) = self.writer.lock().take() else { return Ok(()) };
        writer.join().map_err(|_| StoreError::Sql("the writer of readings.db panicked".into()))?
    }
}

impl Drop for ReadingsDb {
    fn drop(&mut self) {
        if let Err(why) = self.close() {
            tracing::error!("{why}");
        }
    }
}

#[cfg(test)]
mod tests {
    use model::Value;

    use super::*;
    use crate::opening::test_disk::Disk;

    #[tokio::test]
    async fn a_full_disk_loses_nothing_and_passes() {
        let disk = Disk::new(&schema::FORMAT);
        let db = ReadingsDb::start(disk.path(), disk.nearly_full()).unwrap();
        let reading = |n: u64| Reading {
            entity: "e".into(),
            time_ms: n.cast_signed(),
            message_id: n,
            value: Value::Number(0.1 + n as f64),
        };
        let mut appended = 0;
        while db.failure().is_none() {
            db.append((appended..appended + 500).map(reading).collect(), appended + 500).unwrap();
            appended += 500;
            // Fails once the disk is full: that is what the loop waits for.
            let _ = db.flush().await;
        }
        let words = db.failure().unwrap();
        assert!(words.contains("is full"), "{words}");
        assert!(db.cursor() < appended && db.backlog() > 0);
        disk.free_space();
        // Resolves at once while the disk is full, so it is asked now and then.
        while db.flush().await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(db.failure(), None);
        assert_eq!((db.cursor(), db.count().unwrap()), (appended, appended));
    }
}
