//! A message as a row, and a row as a message.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use model::{Message, Publisher, QoS};
use rusqlite::{Connection, Row};

use crate::error::{Result, StoreError};

const RETAINED: u8 = 4;
const QOS: u8 = 3;

pub(super) const INSERT: &str = "INSERT INTO message
    (id, time_ms, topic_id, publisher_id, flags, back, payload, cause, properties)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// The columns [`Rows::read`] wants, in its order; to be put before a `WHERE`.
pub(super) const SELECT: &str =
    "SELECT id, time_ms, topic_id, publisher_id, flags, payload, cause, properties, back FROM message";

pub(super) fn flags(message: &Message) -> u8 {
    message.qos as u8 | if message.retain { RETAINED } else { 0 }
}

/// JSON for the rare columns. A cause or property serde cannot write would be a bug; the message still counts.
pub(super) fn json<T: serde::Serialize>(value: Option<&T>) -> Option<String> {
    value.and_then(|value| serde_json::to_string(value).ok())
}

/// Turns rows into messages; each topic and publisher is looked up once and shared.
pub(super) struct Rows<'c> {
    conn: &'c Connection,
    topics: HashMap<i64, Arc<str>>,
    publishers: HashMap<i64, Arc<Publisher>>,
}

impl<'c> Rows<'c> {
    pub(super) fn new(conn: &'c Connection) -> Self {
        Self { conn, topics: HashMap::new(), publishers: HashMap::new() }
    }

    /// Reads a row of [`SELECT`].
    pub(super) fn read(&mut self, row: &Row<'_>) -> Result<Message> {
        let damaged = |why: String| StoreError::record("message", why);
        let flags: u8 = row.get(4)?;
        let cause: Option<String> = row.get(6)?;
        let properties: Option<String> = row.get(7)?;
        Ok(Message {
            id: row.get::<_, i64>(0)?.cast_unsigned(),
            time_ms: row.get(1)?,
            topic: self.topic(row.get(2)?)?,
            publisher: self.publisher(row.get(3)?)?,
            qos: QoS::try_from(flags & QOS).map_err(damaged)?,
            retain: flags & RETAINED != 0,
            payload: Bytes::from(row.get::<_, Vec<u8>>(5)?),
            cause: cause
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|why| damaged(why.to_string()))?,
            properties: properties
                .map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(|why| damaged(why.to_string()))?,
        })
    }

    fn topic(&mut self, id: i64) -> Result<Arc<str>> {
        if let Some(topic) = self.topics.get(&id) {
            return Ok(Arc::clone(topic));
        }
        let mut statement = self.conn.prepare_cached("SELECT name FROM topic WHERE id = ?1")?;
        let topic: Arc<str> = statement.query_row([id], |row| row.get::<_, String>(0))?.into();
        self.topics.insert(id, Arc::clone(&topic));
        Ok(topic)
    }

    fn publisher(&mut self, id: i64) -> Result<Arc<Publisher>> {
        if let Some(publisher) = self.publishers.get(&id) {
            return Ok(Arc::clone(publisher));
        }
        let mut statement =
            self.conn.prepare_cached("SELECT user, client_id FROM publisher WHERE id = ?1")?;
        let publisher =
            statement.query_row([id], |row| Ok(Publisher { user: row.get(0)?, client_id: row.get(1)? }))?;
        let publisher = Arc::new(publisher);
        self.publishers.insert(id, Arc::clone(&publisher));
        Ok(publisher)
    }
}

/// Rows with `id >= from`, in id order.
pub(super) fn read(conn: &Connection, from: u64, limit: usize) -> Result<Vec<Message>> {
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    query(conn, "WHERE id >= ?1 ORDER BY id LIMIT ?2", from, limit)
}

/// Rows with `id > after` that were published to be retained, in id order.
pub(super) fn read_retained(conn: &Connection, after: u64, limit: usize) -> Result<Vec<Message>> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    query(conn, "WHERE flags >= 4 AND id > ?1 ORDER BY id LIMIT ?2", after, limit)
}

fn query(conn: &Connection, condition: &str, id: i64, limit: usize) -> Result<Vec<Message>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(&format!("{SELECT} {condition}"))?;
    let mut rows = statement.query((id, limit))?;
    let mut names = Rows::new(conn);
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(names.read(row)?);
    }
    Ok(messages)
}
