//! Settings: JSON values by key.

use rusqlite::OptionalExtension;
use serde_json::Value;

use super::json;
use crate::Conn;
use crate::error::Result;

/// One setting.
pub fn get(conn: &Conn, key: &str) -> Result<Option<Value>> {
    let mut statement = conn.prepare_cached("SELECT json FROM setting WHERE key = ?1")?;
    let text: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
    text.map(|text| json::read("setting", &text)).transpose()
}

/// All settings, by key.
pub fn all(conn: &Conn) -> Result<Vec<(String, Value)>> {
    let mut statement = conn.prepare_cached("SELECT key, json FROM setting ORDER BY key")?;
    let mut rows = statement.query([])?;
    let mut settings = Vec::new();
    while let Some(row) = rows.next()? {
        settings.push((row.get(0)?, json::read("setting", &row.get::<_, String>(1)?)?));
    }
    Ok(settings)
}

/// Sets one.
pub fn set(conn: &Conn, key: &str, value: &Value) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO setting (key, json) VALUES (?1, ?2)")?
        .execute((key, json::write("setting", value)?))?;
    Ok(())
}

/// Takes one back to its default; says whether it was set.
pub fn remove(conn: &Conn, key: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM setting WHERE key = ?1")?.execute([key])? > 0)
}
