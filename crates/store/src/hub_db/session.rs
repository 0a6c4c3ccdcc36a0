//! Sessions of MQTT clients that outlive their connection (MQTT 5.0 section 4.1).

use serde_json::Value;

use super::json;
use crate::Conn;
use crate::error::Result;

/// One session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// MQTT client id.
    pub client_id: String,
    /// The credential it belongs to.
    pub user: String,
    /// How long it outlives a connection, seconds; `u32::MAX` is for ever.
    pub expiry_s: u32,
    /// Everything up to this journal id was delivered.
    pub cursor: u64,
    /// Since when it sleeps, UTC ms; `None` while connected.
    pub disconnected_ms: Option<i64>,
    /// Its subscriptions as the broker writes them.
    pub subscriptions: Value,
}

/// All sessions, by client id.
pub fn all(conn: &Conn) -> Result<Vec<Session>> {
    let mut statement = conn.prepare_cached(
        "SELECT client_id, user, expiry_s, cursor, disconnected_ms, subscriptions FROM session ORDER BY client_id",
    )?;
    let mut rows = statement.query([])?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next()? {
        sessions.push(Session {
            client_id: row.get(0)?,
            user: row.get(1)?,
            expiry_s: row.get(2)?,
            cursor: row.get::<_, i64>(3)?.cast_unsigned(),
            disconnected_ms: row.get(4)?,
            subscriptions: json::read("session", &row.get::<_, String>(5)?)?,
        });
    }
    Ok(sessions)
}

/// Adds or replaces a session.
pub fn put(conn: &Conn, session: &Session) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO session (client_id, user, expiry_s, cursor, disconnected_ms, subscriptions)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((
        &session.client_id,
        &session.user,
        session.expiry_s,
        session.cursor.cast_signed(),
        session.disconnected_ms,
        json::write("session", &session.subscriptions)?,
    ))?;
    Ok(())
}

/// Moves a session's cursor forward, never back; nothing happens when the session is gone.
pub(crate) fn raise_cursor(conn: &Conn, client_id: &str, cursor: u64) -> Result<()> {
    conn.prepare_cached("UPDATE session SET cursor = max(cursor, ?2) WHERE client_id = ?1")?
        .execute((client_id, cursor.cast_signed()))?;
    Ok(())
}

/// Ends a session; says whether it was there.
pub fn remove(conn: &Conn, client_id: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM session WHERE client_id = ?1")?.execute([client_id])? > 0)
}
