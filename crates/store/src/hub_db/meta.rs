//! Small facts the store keeps for itself, by key.

use rusqlite::OptionalExtension;

use crate::Conn;
use crate::error::Result;

/// Retained messages are up to date with the journal up to this id.
pub(crate) const RETAINED_CURSOR: &str = "retained_cursor";
/// States are up to date with the journal up to this id.
pub(crate) const STATES_CURSOR: &str = "states_cursor";

/// A text by key.
pub fn text(conn: &Conn, key: &str) -> Result<Option<String>> {
    let mut statement = conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// Sets a text.
pub fn set_text(conn: &Conn, key: &str, value: &str) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?.execute((key, value))?;
    Ok(())
}

/// A journal id by key; 0 when it was never set.
pub(crate) fn id(conn: &Conn, key: &str) -> Result<u64> {
    let mut statement = conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    let id: Option<i64> = statement.query_row([key], |row| row.get(0)).optional()?;
    Ok(id.unwrap_or(0).cast_unsigned())
}

/// Moves a journal id forward, never back.
pub(crate) fn raise_id(conn: &Conn, key: &str, id: u64) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
    )?
    .execute((key, id.cast_signed()))?;
    Ok(())
}
