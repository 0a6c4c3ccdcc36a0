//! QoS 2 handshakes (MQTT 5.0 section 4.3.3), written in the order of the messages they belong to.

use std::sync::Arc;

use rusqlite::Connection;

use super::HandshakeChange;
use super::StoredHandshake;
use crate::error::Result;

/// A QoS 2 PUBLISH came in: until its PUBREL, the same packet id is the same message.
pub(super) fn received(
    conn: &Connection,
    client_id: &str,
    packet_id: u16,
    message_id: u64,
) -> rusqlite::Result<()> {
    put(conn, client_id, false, packet_id, message_id, 0)
}

pub(super) fn apply(conn: &Connection, change: &HandshakeChange) -> rusqlite::Result<()> {
    match change {
        HandshakeChange::InboundReleased { client_id, packet_id } => {
            remove(conn, client_id, false, *packet_id)
        }
        HandshakeChange::OutboundSent { client_id, packet_id, message_id, copied } => {
            put(conn, client_id, true, *packet_id, *message_id, *copied)
        }
        HandshakeChange::OutboundReceived { client_id, packet_id } => {
            conn.prepare_cached(
                "UPDATE handshake SET released = 1 WHERE client_id = ?1 AND outbound = 1 AND packet_id = ?2",
            )?
            .execute((client_id.as_ref(), packet_id))?;
            Ok(())
        }
        HandshakeChange::OutboundDone { client_id, packet_id } => remove(conn, client_id, true, *packet_id),
        HandshakeChange::Forget { client_id } => {
            conn.prepare_cached("DELETE FROM handshake WHERE client_id = ?1")?
                .execute([client_id.as_ref()])?;
            Ok(())
        }
    }
}

fn put(
    conn: &Connection,
    client: &str,
    outbound: bool,
    packet_id: u16,
    message_id: u64,
    copied: u8,
) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO handshake VALUES (?1, ?2, ?3, ?4, 0, ?5)")?.execute((
        client,
        outbound,
        packet_id,
        message_id.cast_signed(),
        copied,
    ))?;
    Ok(())
}

fn remove(conn: &Connection, client_id: &str, outbound: bool, packet_id: u16) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM handshake WHERE client_id = ?1 AND outbound = ?2 AND packet_id = ?3")?
        .execute((client_id, outbound, packet_id))?;
    Ok(())
}

/// All open handshakes; a client's in the order of its messages, which is the order to send them again.
pub(super) fn all(conn: &Connection) -> Result<Vec<StoredHandshake>> {
    let mut statement = conn.prepare_cached(
        "SELECT client_id, packet_id, outbound, message_id, released, copied FROM handshake
         ORDER BY client_id, outbound, message_id",
    )?;
    let mut rows = statement.query([])?;
    let mut handshakes: Vec<StoredHandshake> = Vec::new();
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let client_id = match handshakes.last() {
            Some(last) if last.client_id.as_ref() == name => Arc::clone(&last.client_id),
            _ => name.into(),
        };
        handshakes.push(StoredHandshake {
            client_id,
            packet_id: row.get(1)?,
            outbound: row.get(2)?,
            message_id: row.get::<_, i64>(3)?.cast_unsigned(),
            released: row.get(4)?,
            copied: row.get(5)?,
        });
    }
    Ok(handshakes)
}
