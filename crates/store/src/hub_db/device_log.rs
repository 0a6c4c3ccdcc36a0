//! What happened to each device, for people.

use rusqlite::{OptionalExtension, Row};

use crate::Conn;
use crate::error::Result;

/// Lines kept of one device; the oldest go.
pub const DEVICE_LINES_MAX: i64 = 500;
/// Lines kept of all devices; the oldest go.
pub const LINES_MAX: i64 = 200_000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceLine {
    /// Rises over all devices; given by whoever writes.
    pub id: i64,
    /// Device id.
    pub device: String,
    /// UTC ms.
    pub time_ms: i64,
    /// What kind, such as `announced`.
    pub kind: String,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// The words.
    pub text: String,
}

/// Adds a line, or puts it in the place of the one with its id.
pub fn put(conn: &Conn, line: &DeviceLine) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO device_log (id, device, time_ms, kind, level, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((line.id, &line.device, line.time_ms, &line.kind, &line.level, &line.text))?;
    conn.prepare_cached(
        "DELETE FROM device_log WHERE device = ?1 AND id <=
           (SELECT id FROM device_log WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute((&line.device, DEVICE_LINES_MAX))?;
    conn.prepare_cached("DELETE FROM device_log WHERE id <= ?1")?.execute([line.id - LINES_MAX])?;
    Ok(())
}

/// The newest lines of a device with an id below `before`, newest first.
pub fn newest(conn: &Conn, device: &str, before: Option<i64>, limit: usize) -> Result<Vec<DeviceLine>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = conn.prepare_cached(
        "SELECT id, device, time_ms, kind, level, text FROM device_log
         WHERE device = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )?;
    statement.query_and_then((device, before.unwrap_or(i64::MAX), limit), read)?.collect()
}

/// Lines of one kind of a device since a time, the oldest first.
pub fn since(conn: &Conn, device: &str, kind: &str, since_ms: i64) -> Result<Vec<DeviceLine>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, device, time_ms, kind, level, text FROM device_log
         WHERE device = ?1 AND kind = ?2 AND time_ms >= ?3 ORDER BY id",
    )?;
    statement.query_and_then((device, kind, since_ms), read)?.collect()
}

/// The highest id there ever was, or 0.
pub fn highest(conn: &Conn) -> Result<i64> {
    let mut statement = conn.prepare_cached("SELECT id FROM device_log ORDER BY id DESC LIMIT 1")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Gives the lines of a device to another one.
pub fn give(conn: &Conn, from: &str, to: &str) -> Result<()> {
    conn.prepare_cached("UPDATE device_log SET device = ?2 WHERE device = ?1")?.execute((from, to))?;
    Ok(())
}

/// Removes the lines of a device.
pub fn remove(conn: &Conn, device: &str) -> Result<()> {
    conn.prepare_cached("DELETE FROM device_log WHERE device = ?1")?.execute([device])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<DeviceLine> {
    Ok(DeviceLine {
        id: row.get(0)?,
        device: row.get(1)?,
        time_ms: row.get(2)?,
        kind: row.get(3)?,
        level: row.get(4)?,
        text: row.get(5)?,
    })
}
