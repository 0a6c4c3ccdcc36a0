//! `journal.db`: every accepted message in the order of acceptance, and the QoS 2 handshakes that belong to
//! the same order.

mod handshake;
mod history;
mod message;
mod names;
mod prune;
mod queue;
mod retained;
mod room;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use model::{Cause, Message, Properties, Publisher, QoS, TopicFilter};
use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use tokio::sync::Notify;

use crate::backlog::Backlog;
use crate::error::{Result, StoreError};
use crate::hub_db::RetainedSink;
use crate::opening::{self, Check, OnChecked};
use crate::readers::Readers;
use crate::{Clock, Written};
use prune::Goal;
use queue::Queue;
use retained::Follower;
use writer::{Shared, Writer};

/// How the journal behaves.
#[derive(Clone)]
pub struct JournalConfig {
    /// Ids start above this: the highest id any other database knows, so that none is given twice when
    /// `journal.db` was lost.
    pub floor: u64,
    /// Messages are kept this many days.
    pub days_max: u32,
    /// The file may hold this many bytes.
    pub bytes_max: u64,
    /// A group that holds nothing anybody waits for may gather this long, ms.
    pub gather_ms: u64,
    /// [`Journal::backlog_low`] resolves at this many rows.
    pub backlog_low: usize,
    /// UTC ms.
    pub clock: Clock,
    /// Told the result of the check after an unclean stop.
    pub on_checked: OnChecked,
}

/// A message before it has an id and a time.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields of `model::Message`")]
pub struct JournalDraft {
    pub topic: Arc<str>,
    pub payload: Bytes,
    pub qos: QoS,
    pub retain: bool,
    pub publisher: Arc<Publisher>,
    pub cause: Option<Cause>,
    pub properties: Option<Arc<Properties>>,
    /// Client id and packet id of a QoS 2 PUBLISH: its handshake row is written in the same transaction.
    pub inbound_qos2: Option<(Arc<str>, u16)>,
}

/// One step of a QoS 2 handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for the packets of MQTT 5.0 section 4.3.3")]
pub enum HandshakeChange {
    /// PUBREL came: the packet id is free again.
    InboundReleased { client_id: Arc<str>, packet_id: u16 },
    /// A QoS 2 PUBLISH goes out; `copied` is the sender's own number for which copy of the message it is.
    OutboundSent { client_id: Arc<str>, packet_id: u16, message_id: u64, copied: u8 },
    /// PUBREC came: from here on only PUBREL is sent again.
    OutboundReceived { client_id: Arc<str>, packet_id: u16 },
    /// PUBCOMP came.
    OutboundDone { client_id: Arc<str>, packet_id: u16 },
    /// The session ended: all its handshakes go.
    Forget { client_id: Arc<str> },
}

/// A handshake that was open when the hub stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for what they are")]
pub struct StoredHandshake {
    pub client_id: Arc<str>,
    pub packet_id: u16,
    /// The hub is the sender.
    pub outbound: bool,
    pub message_id: u64,
    /// Outbound: PUBREC was seen.
    pub released: bool,
    /// Outbound: as it was given with [`HandshakeChange::OutboundSent`].
    pub copied: u8,
}

/// A question about the past.
#[derive(Debug, Clone, Default)]
pub struct HistoryQuery {
    /// Exactly this topic.
    pub topic: Option<String>,
    /// Topics this filter matches; every topic when neither is given.
    pub filter: Option<TopicFilter>,
    /// Only ids below this.
    pub before: Option<u64>,
    /// Most messages to return.
    pub limit: usize,
}

/// A piece of the past.
#[derive(Debug, Clone)]
pub struct History {
    /// Newest first.
    pub messages: Vec<Message>,
    /// Ask again with this `before` for older ones; `None` when there are none. The search looks at a bounded
    /// number of rows, so there may be older ones even when fewer than `limit` were found.
    pub next_before: Option<u64>,
}

/// What the journal knows about one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicLast {
    /// Topic name.
    pub topic: Arc<str>,
    /// Messages since the topic was first seen.
    pub count: u64,
    /// Journal id of the newest.
    pub last_id: u64,
    /// Its time, UTC ms.
    pub last_time_ms: i64,
}

/// Topics in order of name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicsPage {
    /// The topics.
    pub topics: Vec<TopicLast>,
    /// There are more behind the last one.
    pub more: bool,
}

/// What the journal counts; shown to the owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalCounters {
    /// Rows written.
    pub rows: u64,
    /// Groups written.
    pub groups: u64,
    /// Rows pruned because they were too old or too many.
    pub pruned: u64,
    /// Of these, rows a reader had not read yet: it was too far behind.
    pub pruned_unread: u64,
    /// QoS 0 messages that were delivered but not kept, because the queue to the disk was full.
    pub not_kept: u64,
    /// Drafts refused because the queue to the disk was full.
    pub refused: u64,
}

/// `journal.db`, open.
pub struct Journal {
    shared: Arc<Shared>,
    readers: Arc<Readers>,
    check: Mutex<Option<Check>>,
    threads: Mutex<Option<Threads>>,
}

#[derive(Clone, Copy)]
struct Bounds {
    days_max: u32,
    bytes_max: u64,
}

struct Threads {
    writer: JoinHandle<Result<Connection>>,
    retained: JoinHandle<()>,
}

impl Journal {
    /// Opens `journal.db`, brings the retained messages up to date with it, and starts the writer. After an
    /// unclean stop the file is looked over in the background.
    ///
    /// # Errors
    /// In words: damaged, foreign, newer, locked, read-only, full.
    pub fn open(path: &Path, config: JournalConfig, retained: RetainedSink) -> Result<Self> {
        let unclean = opening::stopped_uncleanly(path);
        let connection = opening::open_writer(path, &schema::FORMAT)?;
        let check = unclean.then(|| Check::start(path, Arc::clone(&config.on_checked)));
        let journal = Self::start(path, connection, config, retained)?;
        *journal.check.lock() = check;
        Ok(journal)
    }

    fn start(
        path: &Path,
        mut connection: Connection,
        config: JournalConfig,
        retained: RetainedSink,
    ) -> Result<Self> {
        let cursor = retained.cursor()?;
        // When journal.db was lost, an id below the cursor would never reach the retained messages.
        let floor = config.floor.max(cursor);
        let begin = begin(&mut connection, floor).map_err(|why| StoreError::at(path, &why))?;
        let readers = Arc::new(Readers::new(path));
        let applied = retained::catch_up(&readers, &retained, cursor)?;
        let follower = Follower::new(applied);
        let time_ms = believable(begin.time_ms, (config.clock)());
        let bounds = Bounds { days_max: config.days_max, bytes_max: config.bytes_max };
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            gather: Duration::from_millis(config.gather_ms),
            queue: Mutex::new(Queue::new(config.clock, begin.newest, time_ms, begin.reserved, bounds)),
            work: Condvar::new(),
            durable: AtomicU64::new(begin.newest),
            durable_ops: AtomicU64::new(0),
            backlog: Backlog::new(config.backlog_low, queue::BYTES_HIGH),
            failure: Mutex::new(None),
            full: AtomicBool::new(false),
            retained: Arc::clone(&follower),
        });
        let no_thread =
            |why: std::io::Error| StoreError::Disk { file: path.to_owned(), why: why.to_string() };
        let retained = thread::Builder::new()
            .name("journal-retained".into())
            .spawn({
                let (readers, follower) = (Arc::clone(&readers), Arc::clone(&follower));
                move || follower.run(&readers, &retained)
            })
            .map_err(no_thread)?;
        let writer = Writer::new(Arc::clone(&shared), connection);
        let writer = thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .inspect_err(|_| follower.close())
            .map_err(no_thread)?;
        Ok(Self {
            shared,
            readers,
            check: Mutex::new(None),
            threads: Mutex::new(Some(Threads { writer, retained })),
        })
    }

    /// Takes the drafts, gives each an id and a time (both rise in the order of the calls), queues the rows
    /// and pushes the messages to `out`. Never waits for the disk. `waiter` is woken once, after the group
    /// that holds the rows is durable; then [`Journal::durable`] has reached their ids.
    ///
    /// Returns the drafts, always the last ones, that were refused because the queue is full, and
    /// [`Journal::failure`] says why it does not empty. A QoS 0 message is not refused but taken and not kept
    /// when the queue is full; that is counted.
    pub fn append(
        &self,
        drafts: impl IntoIterator<Item = JournalDraft>,
        out: &mut Vec<Arc<Message>>,
        waiter: Option<&Arc<Notify>>,
    ) -> Vec<JournalDraft> {
        // Built before the lock is taken: under it only ids and times are filled in.
        let mut messages: Vec<_> = drafts.into_iter().map(queue::message).collect();
        let (taken, wake) = {
            let mut queue = self.shared.queue.lock();
            let (was_idle, was_awake) = (queue.is_empty(), queue.wakes());
            let (taken, queued, bytes) = queue.push(&mut messages, waiter);
            queue.counters.refused += (messages.len() - taken) as u64;
            // Under the lock, or the writer could write a row off that was not counted yet.
            self.shared.backlog.grow(queued, bytes);
            (taken, was_idle || (queue.wakes() && !was_awake))
        };
        if wake {
            self.shared.work.notify_one();
        }
        let refused = messages.drain(taken..).map(queue::draft).collect();
        out.extend(messages.into_iter().map(|(message, _)| message));
        refused
    }

    /// Highest id such that it and everything below is durable.
    pub fn durable(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }

    /// Highest id given so far.
    pub fn newest(&self) -> u64 {
        self.shared.queue.lock().newest()
    }

    /// Rows queued or being written.
    pub fn backlog(&self) -> usize {
        self.shared.backlog.rows()
    }

    /// Whether what waits takes so much memory that nobody should be read until [`Journal::backlog_low`] resolves:
    /// half of what may wait before a QoS 0 message is not kept.
    pub fn is_heavy(&self) -> bool {
        self.shared.backlog.is_heavy()
    }

    /// Resolves when at most [`JournalConfig::backlog_low`] rows of not too many bytes wait.
    pub async fn backlog_low(&self) {
        self.shared.backlog.low().await;
    }

    /// Why nothing can be written at present, and what to do. Rows stay queued, and the writer tries again by
    /// itself.
    pub fn failure(&self) -> Option<String> {
        self.shared.failure.lock().as_ref().map(StoreError::to_string)
    }

    /// What has been counted since the journal was opened.
    pub fn counters(&self) -> JournalCounters {
        self.shared.queue.lock().counters
    }

    /// Queues a handshake step and returns its number: it is durable when [`Journal::durable_ops`] has reached
    /// it. `waiter` is woken then.
    pub fn handshake(&self, change: HandshakeChange, waiter: Option<&Arc<Notify>>) -> u64 {
        let mut queue = self.shared.queue.lock();
        self.shared.backlog.grow(1, 0);
        let number = queue.push_handshake(change, waiter);
        drop(queue);
        self.shared.work.notify_one();
        number
    }

    /// Number of the newest handshake step that is durable.
    pub fn durable_ops(&self) -> u64 {
        self.shared.durable_ops.load(Ordering::Acquire)
    }

    /// The open handshakes; a client's in the order of its messages. Blocks.
    pub fn load_handshakes(&self) -> Result<Vec<StoredHandshake>> {
        self.readers.read(handshake::all)
    }

    /// Durable messages in id order, from `from` (inclusive), at most `limit`. Blocks.
    pub fn read(&self, from: u64, limit: usize) -> Result<Vec<Message>> {
        self.readers.read(|conn| message::read(conn, from, limit))
    }

    /// One durable message. Blocks.
    pub fn message(&self, id: u64) -> Result<Option<Message>> {
        Ok(self.read(id, 1)?.pop().filter(|message| message.id == id))
    }

    /// Durable messages of one topic, a filter's topics or all, newest first. Blocks.
    pub fn history(&self, query: &HistoryQuery) -> Result<History> {
        self.readers.read(|conn| history::history(conn, query))
    }

    /// The newest durable messages of each of these topics, newest first, one topic after the other: at most `max` of
    /// each, and no more behind the one that brings them to `bytes_max` bytes. Blocks.
    pub fn newest_of_each<'t>(
        &self,
        topics: impl Iterator<Item = &'t str>,
        max: usize,
        bytes_max: usize,
        take: impl FnMut(Vec<Message>),
    ) -> Result<()> {
        self.readers.read(|conn| history::newest_of_each(conn, topics, (max, bytes_max), take))
    }

    /// Every topic the journal has messages of, by name; there may be very many. Blocks.
    pub fn topics(&self) -> Result<Vec<TopicLast>> {
        let all = |conn: &Connection| history::topics(conn, None, usize::MAX, usize::MAX, |_| true);
        Ok(self.readers.read(all)?.topics)
    }

    /// The wanted topics behind `after`, by name: at most `limit`, and fewer when their names are long. Blocks.
    pub fn topics_after(
        &self,
        after: Option<&str>,
        limit: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<TopicsPage> {
        let page = |conn: &Connection| history::topics(conn, after, limit, history::TOPICS_BYTES_MAX, wanted);
        self.readers.read(page)
    }

    /// Asks the writer to bring the journal within its bounds, a few milliseconds at a time while it is idle.
    /// `lowest_cursor`: every reader has read up to here; rows above it stay, unless they are beyond twice the
    /// bounds, which is counted.
    ///
    /// When the file grows past its bytes in between, the writer prunes by itself, in turns with writing, as far
    /// as the last `lowest_cursor` allows; so call it often while the journal [is full](Journal::is_full).
    pub fn prune(&self, now_ms: i64, lowest_cursor: u64) {
        let mut queue = self.shared.queue.lock();
        let Bounds { days_max, bytes_max } = queue.bounds;
        let mut goal = Goal::new(now_ms, days_max, bytes_max, lowest_cursor);
        queue.lowest_cursor = lowest_cursor;
        if let Some(before) = queue.goal.take() {
            goal.go_on_from(before);
        }
        queue.goal = Some(goal);
        drop(queue);
        self.shared.work.notify_one();
    }

    /// Asks the writer to forget all messages of these topics, in the same small steps. A topic that is
    /// published to meanwhile stays with its new messages.
    pub fn forget_topics(&self, topics: Vec<Arc<str>>) {
        let forget = Goal::forget(topics);
        let mut queue = self.shared.queue.lock();
        match &mut queue.goal {
            Some(goal) => goal.also_forget(forget),
            None => queue.goal = Some(forget),
        }
        drop(queue);
        self.shared.work.notify_one();
    }

    /// Whether pruning still goes on.
    pub fn is_pruning(&self) -> bool {
        let queue = self.shared.queue.lock();
        queue.goal.is_some() || queue.pruning
    }

    /// Whether the file was above its bytes when it was last looked at.
    pub fn is_full(&self) -> bool {
        self.shared.full.load(Ordering::Acquire)
    }

    /// Sets new bounds: that of bytes for what is written next, both for the next [`Journal::prune`].
    pub fn set_bounds(&self, days_max: u32, bytes_max: u64) {
        self.shared.queue.lock().bounds = Bounds { days_max, bytes_max };
    }

    /// Resolves when all that was queued before is durable, or with the reason why it is not.
    pub fn flush(&self) -> Written<()> {
        let (flush, written) = Written::pair();
        let mut queue = self.shared.queue.lock();
        let failure = self.shared.failure.lock().clone();
        if let Some(why) = failure.or(queue.closing.then_some(StoreError::Closed)) {
            drop(queue);
            let _ = flush.send(Err(why));
            return written;
        }
        queue.push_flush(flush);
        drop(queue);
        self.shared.work.notify_one();
        written
    }

    /// Writes what is queued and closes the file. Later drafts are refused.
    pub fn close(&self) -> Result<()> {
        self.check.lock().take();
        self.shared.queue.lock().closing = true;
        self.shared.work.notify_one();
        let Some(threads) = self.threads.lock().take() else { return Ok(()) };
        let panicked = |_| StoreError::Sql("a thread of the journal panicked".into());
        let written = threads.writer.join().map_err(panicked).and_then(|written| written);
        self.shared.retained.close();
        let applied = threads.retained.join().map_err(panicked);
        self.readers.close();
        // The writer's connection is closed last, here.
        written.map(drop).and(applied)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Err(why) = self.close() {
            tracing::error!("{why}");
        }
    }
}

/// Where the journal goes on.
struct Begin {
    newest: u64,
    time_ms: i64,
    reserved: u64,
}

fn begin(connection: &mut Connection, floor: u64) -> rusqlite::Result<Begin> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let last: Option<(i64, i64)> = transaction
        .query_row("SELECT id, time_ms FROM message ORDER BY id DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (last_id, time_ms) = last.unwrap_or((0, 0));
    let newest = schema::meta(&transaction, schema::key::RESERVED)?.max(last_id.cast_unsigned()).max(floor);
    let reserved = newest + queue::RESERVE_AHEAD;
    schema::set_meta(&transaction, schema::key::RESERVED, reserved)?;
    transaction.commit()?;
    Ok(Begin { newest, time_ms, reserved })
}

/// Times do not go backwards, not even over a restart, unless the last one is so far in the future that the
/// clock must have been wrong then.
fn believable(last_ms: i64, now_ms: i64) -> i64 {
    const AHEAD_MAX_MS: i64 = 3_600_000;
    if last_ms > now_ms.saturating_add(AHEAD_MAX_MS) {
        tracing::warn!(
            last_ms,
            now_ms,
            "the newest message is of the future; going on with the present time"
        );
        return now_ms;
    }
    last_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opening::test_disk::Disk;
    use crate::{HubDb, log_checked};

    fn draft(qos: QoS) -> JournalDraft {
        JournalDraft {
            topic: "a".into(),
            payload: Bytes::from(vec![b'x'; 500]),
            qos,
            retain: false,
            publisher: Arc::new(Publisher::hub("test")),
            cause: None,
            properties: None,
            inbound_qos2: None,
        }
    }

    fn start(disk: &Disk, hub: &HubDb) -> Journal {
        let config = JournalConfig {
            floor: 0,
            days_max: 1,
            bytes_max: 1 << 30,
            gather_ms: 10,
            backlog_low: 10,
            clock: Arc::new(|| 1),
            on_checked: log_checked(),
        };
        Journal::start(disk.path(), disk.nearly_full(), config, hub.retained_sink()).unwrap()
    }

    fn append(journal: &Journal, count: usize, qos: QoS) -> (Vec<JournalDraft>, Vec<Arc<Message>>) {
        let mut out = Vec::new();
        let refused = journal.append(vec![draft(qos); count], &mut out, None);
        (refused, out)
    }

    #[tokio::test]
    async fn a_full_disk_loses_nothing_that_was_taken_and_passes() {
        let disk = Disk::new(&schema::FORMAT);
        let hub = HubDb::open(&disk.path().with_file_name("hub.db"), log_checked()).unwrap();
        let journal = start(&disk, &hub);
        let mut taken = Vec::new();
        while journal.failure().is_none() {
            taken.extend(append(&journal, 100, QoS::AtLeastOnce).1);
            // Fails once the disk is full: that is what the loop waits for.
            let _ = journal.flush().await;
        }
        let words = journal.failure().unwrap();
        assert!(words.contains("journal.db is full"), "{words}");
        let durable = journal.durable();
        assert!(durable < journal.newest(), "what is not on the disk is not said to be durable");
        let stored = journal.read(0, 100_000).unwrap();
        assert_eq!(stored.last().unwrap().id, durable);

        // It goes on taking up to its bound; then QoS 1 is refused, QoS 0 taken but not kept.
        taken.extend(append(&journal, queue::ROWS_MAX - 1, QoS::AtLeastOnce).1);
        let (refused, out) = append(&journal, 10, QoS::AtLeastOnce);
        assert!(refused.len() >= 9 && out.len() <= 1);
        taken.extend(out);
        let (refused, lost) = append(&journal, 5, QoS::AtMostOnce);
        assert_eq!((refused.len(), lost.len()), (0, 5));

        disk.free_space();
        // Resolves at once while the disk is full, so it is asked now and then.
        while journal.flush().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        journal.backlog_low().await;
        assert_eq!(journal.failure(), None);
        assert_eq!(journal.durable(), journal.newest());
        let ids = |messages: &[Arc<Message>]| messages.iter().map(|message| message.id).collect::<Vec<_>>();
        let stored: Vec<u64> = journal.read(0, 1_000_000).unwrap().iter().map(|message| message.id).collect();
        assert_eq!(stored, ids(&taken));
        let counters = journal.counters();
        assert_eq!((counters.not_kept, counters.rows), (5, taken.len() as u64));
        assert_eq!(journal.topics().unwrap()[0].count, taken.len() as u64, "names survive the undone groups");
    }

    #[test]
    fn times_go_on_from_the_last_one_unless_it_is_absurd() {
        assert_eq!(believable(500, 400), 500);
        assert_eq!(believable(500, 600), 500);
        assert_eq!(believable(4_000_000, 100), 100);
    }
}
