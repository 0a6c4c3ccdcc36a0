//! What happened lately, for people: logins refused, devices found, automations paused.

use rusqlite::Row;
use serde_json::Value;

use super::json;
use crate::Conn;
use crate::error::Result;

/// Entries kept; the oldest go.
pub const ENTRIES_MAX: i64 = 10_000;

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// Rises; 0 before it is stored.
    pub id: i64,
    /// UTC ms.
    pub time_ms: i64,
    /// What kind, such as `refused`.
    pub kind: String,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// The words and whatever belongs to them.
    pub body: Value,
}

/// Adds an entry and returns its id.
pub fn add(conn: &Conn, entry: &Activity) -> Result<i64> {
    let id = conn
        .prepare_cached("INSERT INTO activity (time_ms, kind, level, json) VALUES (?1, ?2, ?3, ?4)")?
        .insert((entry.time_ms, &entry.kind, &entry.level, json::write("activity", &entry.body)?))?;
    conn.prepare_cached("DELETE FROM activity WHERE id <= ?1")?.execute([id - ENTRIES_MAX])?;
    Ok(id)
}

/// The newest entries with an id below `before`, newest first.
pub fn newest(conn: &Conn, before: Option<i64>, limit: usize) -> Result<Vec<Activity>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(
        "SELECT id, time_ms, kind, level, json FROM activity WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    statement.query_and_then((before.unwrap_or(i64::MAX), limit), read)?.collect()
}

/// The newest entries about a client of the broker, newest first.
pub fn about_client(conn: &Conn, client_id: &str, limit: usize) -> Result<Vec<Activity>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(
        "SELECT id, time_ms, kind, level, json FROM activity WHERE json ->> 'client' = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    statement.query_and_then((client_id, limit), read)?.collect()
}

/// The newest entry of each client of the broker with this text in its id, whatever the case, the newest first.
pub fn clients_with(conn: &Conn, text: &str, limit: usize) -> Result<Vec<Activity>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(
        "SELECT max(id), time_ms, kind, level, json FROM activity WHERE instr(lower(json ->> 'client'), lower(?1)) > 0
         GROUP BY json ->> 'client' ORDER BY max(id) DESC LIMIT ?2",
    )?;
    statement.query_and_then((text, limit), read)?.collect()
}

fn read(row: &Row<'_>) -> Result<Activity> {
    Ok(Activity {
        id: row.get(0)?,
        time_ms: row.get(1)?,
        kind: row.get(2)?,
        level: row.get(3)?,
        body: json::read("activity", row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?)?,
    })
}
