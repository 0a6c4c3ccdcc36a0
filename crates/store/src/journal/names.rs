//! Topics and publishers: long texts that many messages share, kept once, with what is known of their newest
//! message. In memory between flushes, as far as a bound in bytes allows: a client may publish to ever new topics.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use model::Publisher;
use rusqlite::{Connection, OptionalExtension, Result, Row};

use super::schema::{key, meta, set_meta};

/// Bytes of names of one kind held in memory. Past it all are written, those used least recently leave, and are
/// read from their table when they come again.
const HELD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What stays of them then: not each group shall make some leave.
const HELD_BYTES_KEPT: usize = HELD_BYTES_MAX / 4 * 3;
/// What a name costs beside its text: its place in the map, what the allocator adds.
const NAME_BYTES: usize = 128;
/// Messages after which the names are brought up to date on the disk. It bounds what opening after a crash,
/// and every question about topics, has to read besides.
const FLUSH_ROWS: u64 = 10_000;

/// A kind of name: its table, and how it stands there.
trait Name: Hash + Eq + Clone {
    const FIND: &'static str;
    const INSERT: &'static str;
    const UPDATE: &'static str;
    /// The name in this row, when no message above the second parameter is known to the table.
    const UNUSED: &'static str;
    const DELETE: &'static str;
    fn find(&self, conn: &Connection) -> Result<Option<(i64, u64)>>;
    fn insert(&self, conn: &Connection) -> Result<i64>;
    /// Reads a row of [`Name::UNUSED`].
    fn read(row: &Row<'_>) -> Result<Self>;
    /// Bytes of its text.
    fn text_bytes(&self) -> usize;

    fn bytes(&self) -> usize {
        self.text_bytes() + NAME_BYTES
    }
}

impl Name for Arc<str> {
    const FIND: &'static str = "SELECT id, last_id FROM topic WHERE name = ?1";
    const INSERT: &'static str =
        "INSERT INTO topic (name, count, last_id, last_time_ms) VALUES (?1, 0, 0, 0)";
    const UPDATE: &'static str =
        "UPDATE topic SET count = count + ?2, last_id = ?3, last_time_ms = ?4 WHERE id = ?1";
    const UNUSED: &'static str = "SELECT name FROM topic WHERE id = ?1 AND last_id <= ?2";
    const DELETE: &'static str = "DELETE FROM topic WHERE id = ?1";

    fn find(&self, conn: &Connection) -> Result<Option<(i64, u64)>> {
        conn.prepare_cached(Self::FIND)?.query_row([self.as_ref()], found).optional()
    }

    fn insert(&self, conn: &Connection) -> Result<i64> {
        conn.prepare_cached(Self::INSERT)?.insert([self.as_ref()])
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(row.get_ref(0)?.as_str()?.into())
    }

    fn text_bytes(&self) -> usize {
        self.len()
    }
}

impl Name for Arc<Publisher> {
    const FIND: &'static str = "SELECT id, last_id FROM publisher WHERE user = ?1 AND client_id = ?2";
    const INSERT: &'static str =
        "INSERT INTO publisher (user, client_id, count, last_id, last_time_ms) VALUES (?1, ?2, 0, 0, 0)";
    const UPDATE: &'static str =
        "UPDATE publisher SET count = count + ?2, last_id = ?3, last_time_ms = ?4 WHERE id = ?1";
    const UNUSED: &'static str = "SELECT user, client_id FROM publisher WHERE id = ?1 AND last_id <= ?2";
    const DELETE: &'static str = "DELETE FROM publisher WHERE id = ?1";

    fn find(&self, conn: &Connection) -> Result<Option<(i64, u64)>> {
        conn.prepare_cached(Self::FIND)?.query_row((&self.user, &self.client_id), found).optional()
    }

    fn insert(&self, conn: &Connection) -> Result<i64> {
        conn.prepare_cached(Self::INSERT)?.insert((&self.user, &self.client_id))
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self::new(Publisher { user: row.get(0)?, client_id: row.get(1)? }))
    }

    fn text_bytes(&self) -> usize {
        self.user.len() + self.client_id.len()
    }
}

fn found(row: &Row<'_>) -> Result<(i64, u64)> {
    Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
}

struct Held {
    row: i64,
    /// Messages since the last flush.
    new: u64,
    last_id: u64,
    last_time_ms: i64,
}

/// The names of one kind.
struct Book<N> {
    held: HashMap<N, Held>,
    /// Of what is held.
    bytes: usize,
}

impl<N> Default for Book<N> {
    fn default() -> Self {
        Self { held: HashMap::new(), bytes: 0 }
    }
}

impl<N: Name> Book<N> {
    /// Notes a message; returns the name's row and the id of the message before, 0 for none.
    fn note(&mut self, conn: &Connection, name: &N, id: u64, time_ms: i64) -> Result<(i64, u64)> {
        if let Some(held) = self.held.get_mut(name) {
            let before = std::mem::replace(&mut held.last_id, id);
            held.new += 1;
            held.last_time_ms = time_ms;
            return Ok((held.row, before));
        }
        let (row, before) = match name.find(conn)? {
            Some(found) => found,
            None => (name.insert(conn)?, 0),
        };
        self.held.insert(name.clone(), Held { row, new: 1, last_id: id, last_time_ms: time_ms });
        self.bytes += name.bytes();
        Ok((row, before))
    }

    fn flush(&mut self, conn: &Connection) -> Result<()> {
        let mut update = conn.prepare_cached(N::UPDATE)?;
        for held in self.held.values_mut().filter(|held| held.new > 0) {
            update.execute((
                held.row,
                held.new.cast_signed(),
                held.last_id.cast_signed(),
                held.last_time_ms,
            ))?;
            held.new = 0;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.bytes > HELD_BYTES_MAX
    }

    /// Those used least recently leave. Only when nothing new is held of them: the table must know all.
    fn shed(&mut self) {
        if !self.is_full() {
            return;
        }
        // The id of its newest message tells when a name was used, and no two names share one.
        let mut by_use: Vec<_> = self.held.iter().map(|(name, held)| (held.last_id, name.bytes())).collect();
        by_use.sort_unstable_by_key(|(last_id, _)| Reverse(*last_id));
        let mut kept = 0;
        let stay = by_use.iter().take_while(|(_, bytes)| {
            kept += bytes;
            kept <= HELD_BYTES_KEPT
        });
        let oldest = stay.last().map_or(u64::MAX, |(last_id, _)| *last_id);
        self.drop_below(oldest);
    }

    /// Those whose newest message is below this id leave.
    fn drop_below(&mut self, oldest: u64) {
        self.held.retain(|_, held| held.last_id >= oldest);
        self.bytes = self.held.keys().map(Name::bytes).sum();
    }

    /// Takes these rows out of the table, but for those with a message above `up_to`.
    fn remove_unused(&mut self, conn: &Connection, rows: &[i64], up_to: i64) -> Result<()> {
        let mut unused = conn.prepare_cached(N::UNUSED)?;
        let mut delete = conn.prepare_cached(N::DELETE)?;
        for row in rows {
            let Some(name) = unused.query_row((row, up_to), N::read).optional()? else { continue };
            // The table may be behind what is held.
            if self.held.get(&name).is_some_and(|held| held.last_id > up_to.cast_unsigned()) {
                continue;
            }
            if self.held.remove(&name).is_some() {
                self.bytes -= name.bytes();
            }
            delete.execute([row])?;
        }
        Ok(())
    }
}

/// The writer's names. After a transaction was undone, call [`Names::forget`]: memory is then ahead of the disk.
pub(super) struct Names {
    topics: Book<Arc<str>>,
    publishers: Book<Arc<Publisher>>,
    unflushed: u64,
    newest: u64,
    lost: bool,
}

impl Names {
    /// Knows nothing yet; the first transaction brings the tables up to date.
    pub(super) fn new() -> Self {
        Self { topics: Book::default(), publishers: Book::default(), unflushed: 0, newest: 0, lost: true }
    }

    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }

    /// Must be called first in each transaction.
    pub(super) fn ready(&mut self, conn: &Connection) -> Result<()> {
        if self.lost {
            catch_up(conn)?;
            self.lost = false;
        }
        Ok(())
    }

    /// Notes a message; returns the topic's row, the publisher's row and the id of the topic's message before.
    pub(super) fn note(&mut self, conn: &Connection, message: &model::Message) -> Result<(i64, i64, u64)> {
        let (id, time_ms) = (message.id, message.time_ms);
        let (topic, before) = self.topics.note(conn, &message.topic, id, time_ms)?;
        let (publisher, _) = self.publishers.note(conn, &message.publisher, id, time_ms)?;
        self.unflushed += 1;
        self.newest = id;
        Ok((topic, publisher, before))
    }

    /// Called last in each transaction: flushes when it is time.
    pub(super) fn settle(&mut self, conn: &Connection) -> Result<()> {
        let full = self.topics.is_full() || self.publishers.is_full();
        if full || self.unflushed >= FLUSH_ROWS {
            self.flush(conn)?;
        }
        if full {
            self.topics.shed();
            self.publishers.shed();
        }
        Ok(())
    }

    /// Brings the tables up to date.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<()> {
        if self.unflushed > 0 {
            self.topics.flush(conn)?;
            self.publishers.flush(conn)?;
            set_meta(conn, key::NAMES_CURSOR, self.newest)?;
            self.unflushed = 0;
        }
        Ok(())
    }

    /// Rows were taken out of the tables: what is held may point nowhere. Only after [`Names::flush`].
    pub(super) fn drop_held(&mut self) {
        self.topics = Book::default();
        self.publishers = Book::default();
    }

    /// The same, when only rows without a message from this id on were taken out.
    pub(super) fn drop_below(&mut self, oldest: u64) {
        self.topics.drop_below(oldest);
        self.publishers.drop_below(oldest);
    }

    /// All messages up to `up_to` are gone: of the names they had, those without a later one go, too.
    pub(super) fn remove_unused(&mut self, conn: &Connection, used: &Used, up_to: i64) -> Result<()> {
        self.topics.remove_unused(conn, &used.topics, up_to)?;
        self.publishers.remove_unused(conn, &used.publishers, up_to)
    }
}

/// Rows of names that some messages have, each once.
#[derive(Debug, Default)]
pub(super) struct Used {
    topics: Vec<i64>,
    publishers: Vec<i64>,
}

impl Used {
    pub(super) fn add(&mut self, topic: i64, publisher: i64) {
        self.topics.push(topic);
        self.publishers.push(publisher);
    }

    pub(super) fn once(mut self) -> Self {
        for rows in [&mut self.topics, &mut self.publishers] {
            rows.sort_unstable();
            rows.dedup();
        }
        self
    }
}

/// Counts the messages that came after the last flush into the tables.
fn catch_up(conn: &Connection) -> Result<()> {
    let cursor = meta(conn, key::NAMES_CURSOR)?.cast_signed();
    for (table, column) in [("topic", "topic_id"), ("publisher", "publisher_id")] {
        conn.execute(
            &format!(
                "UPDATE {table} SET count = count + fresh.n, last_id = fresh.last, last_time_ms = fresh.time
                 FROM (SELECT {column} AS name, count(*) AS n, max(id) AS last, max(time_ms) AS time
                       FROM message WHERE id > ?1 GROUP BY 1) AS fresh
                 WHERE {table}.id = fresh.name"
            ),
            [cursor],
        )?;
    }
    let newest: Option<i64> = conn.query_row("SELECT max(id) FROM message", [], |row| row.get(0))?;
    if let Some(newest) = newest.filter(|newest| *newest > cursor) {
        set_meta(conn, key::NAMES_CURSOR, newest.cast_unsigned())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use model::{Message, QoS};

    use super::super::message::INSERT;
    use super::super::schema::FORMAT;
    use super::*;
    use crate::opening::open_writer;

    struct Table {
        _folder: tempfile::TempDir,
        conn: Connection,
        names: Names,
        id: u64,
    }

    impl Table {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let conn = open_writer(&folder.path().join("journal.db"), &FORMAT).unwrap();
            Self { _folder: folder, conn, names: Names::new(), id: 0 }
        }

        /// Writes a message and returns the id of the topic's message before it.
        fn write(&mut self, topic: &str) -> u64 {
            self.id += 1;
            let message = Message {
                id: self.id,
                time_ms: 1,
                topic: topic.into(),
                payload: "x".into(),
                qos: QoS::AtLeastOnce,
                retain: false,
                publisher: Arc::new(Publisher::hub("test")),
                cause: None,
                properties: None,
            };
            let (row, publisher, before) = self.names.note(&self.conn, &message).unwrap();
            let insert = (self.id.cast_signed(), 1, row, publisher, 1, 0, "x", None::<i64>, None::<i64>);
            self.conn.prepare_cached(INSERT).unwrap().execute(insert).unwrap();
            before
        }

        fn count(&self, topic: &str) -> (i64, u64) {
            self.conn
                .query_row("SELECT count, last_id FROM topic WHERE name = ?1", [topic], |row| {
                    Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
                })
                .unwrap()
        }
    }

    fn long(n: usize) -> String {
        format!("{n}/{}", "x".repeat(10_000))
    }

    #[test]
    fn ever_new_topics_hold_no_more_than_their_bytes_and_the_newest_stay() {
        let mut table = Table::new();
        table.conn.execute_batch("BEGIN").unwrap();
        for n in 0..5_000 {
            table.write(&long(n));
            table.names.settle(&table.conn).unwrap();
            let held = &table.names.topics;
            assert!(held.bytes <= HELD_BYTES_MAX, "{}", held.bytes);
            assert!(held.held.contains_key(long(n).as_str()));
        }
        let held = &table.names.topics;
        assert_eq!(held.bytes, held.held.keys().map(Name::bytes).sum::<usize>());
        assert!(held.bytes > HELD_BYTES_KEPT / 2, "{}", held.bytes);
    }

    #[test]
    fn a_topic_that_is_used_stays_while_others_come_and_go() {
        let mut table = Table::new();
        table.conn.execute_batch("BEGIN").unwrap();
        for n in 0..5_000 {
            table.write(&long(n));
            table.write("used");
            table.names.settle(&table.conn).unwrap();
            assert!(table.names.topics.held.contains_key("used"));
        }
    }

    #[test]
    fn a_topic_that_left_memory_comes_back_with_its_count_and_its_message_before() {
        let mut table = Table::new();
        table.conn.execute_batch("BEGIN").unwrap();
        table.write("comes/back");
        table.write("comes/back");
        for n in 0..3_000 {
            table.write(&long(n));
            table.names.settle(&table.conn).unwrap();
        }
        assert!(!table.names.topics.held.contains_key("comes/back"));
        assert_eq!(table.count("comes/back"), (2, 2));
        assert_eq!(table.write("comes/back"), 2);
        table.names.flush(&table.conn).unwrap();
        assert_eq!(table.count("comes/back"), (3, 3_003));
    }

    #[test]
    fn no_message_is_counted_twice_when_the_hub_is_killed_after_a_topic_left_memory() {
        let mut table = Table::new();
        table.conn.execute_batch("BEGIN").unwrap();
        for n in 0..3_000 {
            table.write("used");
            table.write(&long(n));
            table.names.settle(&table.conn).unwrap();
        }
        // Killed: what was in memory is gone.
        table.names = Names::new();
        table.names.ready(&table.conn).unwrap();
        assert_eq!(table.count("used"), (3_000, 5_999));
        assert_eq!(table.count(&long(0)), (1, 2));
        assert_eq!(table.count(&long(2_999)), (1, 6_000));
    }

    #[test]
    fn a_name_goes_with_its_last_message_but_not_while_a_newer_one_is_known_in_memory_alone() {
        let mut table = Table::new();
        table.conn.execute_batch("BEGIN").unwrap();
        for topic in ["gone", "goes/on"] {
            table.write(topic);
        }
        table.names.flush(&table.conn).unwrap();
        table.write("goes/on");
        let mut used = Used::default();
        for topic in [1, 2] {
            used.add(topic, 1);
        }
        table.conn.execute("DELETE FROM message WHERE id <= 2", []).unwrap();
        table.names.remove_unused(&table.conn, &used.once(), 2).unwrap();
        let names = |table: &Table, of: &str| -> Vec<String> {
            let mut all = table.conn.prepare(of).unwrap();
            let rows = all.query_map([], |row| row.get(0)).unwrap();
            rows.collect::<Result<_>>().unwrap()
        };
        assert_eq!(names(&table, "SELECT name FROM topic"), ["goes/on"]);
        assert_eq!(names(&table, "SELECT client_id FROM publisher"), ["test"]);
        assert_eq!(table.write("gone"), 0, "a topic that comes again begins anew");
        table.names.flush(&table.conn).unwrap();
        assert_eq!(table.count("goes/on"), (2, 3));
        assert_eq!(table.count("gone"), (1, 4));
    }
}
