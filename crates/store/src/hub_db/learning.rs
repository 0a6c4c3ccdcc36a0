//! What credentials were seen doing while they learned, as the hub writes it: one record per credential.

use serde_json::Value;

use super::json;
use crate::Conn;
use crate::error::Result;

/// All of them, by name of the credential.
pub fn all(conn: &Conn) -> Result<Vec<(String, Value)>> {
    let mut statement = conn.prepare_cached("SELECT name, json FROM learning ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        records.push((row.get(0)?, json::read("learning", text)?));
    }
    Ok(records)
}

/// Adds or replaces the record of a credential.
pub fn put(conn: &Conn, name: &str, record: &Value) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO learning (name, json) VALUES (?1, ?2)")?
        .execute((name, json::write("learning", record)?))?;
    Ok(())
}

/// Takes the record of a credential out; says whether there was one.
pub fn remove(conn: &Conn, name: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM learning WHERE name = ?1")?.execute([name])? > 0)
}
