//! Topics and publishers: long texts that many messages share, kept once, with what is known of their newest
//! message. In memory between flushes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use model::Publisher;
use rusqlite::{Connection, OptionalExtension, Result};

use super::schema::{key, meta, set_meta};

/// Names of one kind held in memory; past it all are written and forgotten, and come back when needed.
const HELD_MAX: usize = 50_000;
/// Messages after which the names are brought up to date on the disk. It bounds what opening after a crash,
/// and every question about topics, has to read besides.
const FLUSH_ROWS: u64 = 10_000;

/// A kind of name: its table, and how it stands there.
trait Name: Hash + Eq + Clone {
    const FIND: &'static str;
    const INSERT: &'static str;
    const UPDATE: &'static str;
    fn find(&self, conn: &Connection) -> Result<Option<(i64, u64)>>;
    fn insert(&self, conn: &Connection) -> Result<i64>;
}

impl Name for Arc<str> {
    const FIND: &'static str = "SELECT id, last_id FROM topic WHERE name = ?1";
    const INSERT: &'static str =
        "INSERT INTO topic (name, count, last_id, last_time_ms) VALUES (?1, 0, 0, 0)";
    const UPDATE: &'static str =
        "UPDATE topic SET count = count + ?2, last_id = ?3, last_time_ms = ?4 WHERE id = ?1";

    fn find(&self, conn: &Connection) -> Result<Option<(i64, u64)>> {
        conn.prepare_cached(Self::FIND)?.query_row([self.as_ref()], found).optional()
    }

    fn insert(&self, conn: &Connection) -> Result<i64> {
        conn.prepare_cached(Self::INSERT)?.insert([self.as_ref()])
    }
}

impl Name for Arc<Publisher> {
    const FIND: &'static str = "SELECT id, last_id FROM publisher WHERE user = ?1 AND client_id = ?2";
    const INSERT: &'static str =
        "INSERT INTO publisher (user, client_id, count, last_id, last_time_ms) VALUES (?1, ?2, 0, 0, 0)";
    const UPDATE: &'static str =
        "UPDATE publisher SET count = count + ?2, last_id = ?3, last_time_ms = ?4 WHERE id = ?1";

    fn find(&self, conn: &Connection) -> Result<Option<(i64, u64)>> {
        conn.prepare_cached(Self::FIND)?.query_row((&self.user, &self.client_id), found).optional()
    }

    fn insert(&self, conn: &Connection) -> Result<i64> {
        conn.prepare_cached(Self::INSERT)?.insert((&self.user, &self.client_id))
    }
}

fn found(row: &rusqlite::Row<'_>) -> Result<(i64, u64)> {
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
        Self {
            topics: Book { held: HashMap::new() },
            publishers: Book { held: HashMap::new() },
            unflushed: 0,
            newest: 0,
            lost: true,
        }
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
        let full = self.topics.held.len() > HELD_MAX || self.publishers.held.len() > HELD_MAX;
        if full || self.unflushed >= FLUSH_ROWS {
            self.flush(conn)?;
        }
        if full {
            self.topics.held.clear();
            self.publishers.held.clear();
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
        self.topics.held.clear();
        self.publishers.held.clear();
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
