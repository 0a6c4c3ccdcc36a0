//! Retained messages, kept from what the journal has committed (MQTT 5.0 section 3.3.1.3).

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use model::{Message, Publisher, QoS};

use super::{json, meta};
use crate::Conn;
use crate::error::{Result, StoreError};

/// All retained messages, by topic.
pub fn all(conn: &Conn) -> Result<Vec<Message>> {
    let mut statement = conn.prepare_cached(
        "SELECT topic, id, time_ms, qos, user, client_id, payload, cause, properties FROM retained ORDER BY topic",
    )?;
    let mut rows = statement.query([])?;
    let mut messages = Vec::new();
    // A few publishers retain nearly everything, so they are shared.
    let mut publishers: HashMap<Publisher, Arc<Publisher>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let publisher = Publisher { user: row.get(4)?, client_id: row.get(5)? };
        let publisher = Arc::clone(
            publishers.entry(publisher).or_insert_with_key(|publisher| Arc::new(publisher.clone())),
        );
        let cause: Option<String> = row.get(7)?;
        let properties: Option<String> = row.get(8)?;
        messages.push(Message {
            id: row.get::<_, i64>(1)?.cast_unsigned(),
            time_ms: row.get(2)?,
            topic: row.get::<_, String>(0)?.into(),
            payload: Bytes::from(row.get::<_, Vec<u8>>(6)?),
            qos: QoS::try_from(row.get::<_, u8>(3)?).map_err(|why| StoreError::record("retained", why))?,
            retain: true,
            publisher,
            cause: cause.map(|text| json::read("retained", &text)).transpose()?,
            properties: properties.map(|text| json::read("retained", &text)).transpose()?,
        });
    }
    Ok(messages)
}

/// How many there are.
pub fn count(conn: &Conn) -> Result<u64> {
    Ok(conn.query_row("SELECT count(*) FROM retained", [], |row| row.get::<_, i64>(0))?.cast_unsigned())
}

/// The journal has been read up to this id.
pub(crate) fn cursor(conn: &Conn) -> Result<u64> {
    meta::id(conn, meta::RETAINED_CURSOR)
}

/// Applies messages that were published with the retain flag, in id order, and moves the cursor. Doing it
/// again changes nothing.
pub(crate) fn apply(conn: &Conn, messages: &[Message], read_up_to: u64) -> Result<()> {
    let mut keep = conn.prepare_cached(
        "INSERT INTO retained (topic, id, time_ms, qos, user, client_id, payload, cause, properties)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (topic) DO UPDATE SET id = excluded.id, time_ms = excluded.time_ms, qos = excluded.qos,
           user = excluded.user, client_id = excluded.client_id, payload = excluded.payload,
           cause = excluded.cause, properties = excluded.properties
         WHERE excluded.id >= retained.id",
    )?;
    let mut drop = conn.prepare_cached("DELETE FROM retained WHERE topic = ?1 AND id <= ?2")?;
    for message in messages {
        let id = message.id.cast_signed();
        if message.payload.is_empty() {
            drop.execute((message.topic.as_ref(), id))?;
            continue;
        }
        let cause = message.cause.as_ref().map(|cause| json::write("retained", cause)).transpose()?;
        let properties = message.properties.as_ref().map(|it| json::write("retained", it)).transpose()?;
        keep.execute((
            message.topic.as_ref(),
            id,
            message.time_ms,
            message.qos as u8,
            &message.publisher.user,
            &message.publisher.client_id,
            message.payload.as_ref(),
            cause,
            properties,
        ))?;
    }
    meta::raise_id(conn, meta::RETAINED_CURSOR, read_up_to)
}
