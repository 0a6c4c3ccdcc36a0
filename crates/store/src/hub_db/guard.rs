//! The relay guard: the rules of an actuator, and what is known of it, as the hub writes them. A row outlives an entity
//! that goes and comes back.

use serde_json::Value;

use super::json;
use crate::Conn;
use crate::error::Result;

/// All of them, by entity: rules and memory.
pub fn all(conn: &Conn) -> Result<Vec<(String, Value, Value)>> {
    let mut statement = conn.prepare_cached("SELECT entity, rules, memory FROM guard ORDER BY entity")?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |at: usize| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
        all.push((row.get(0)?, json::read("guard", text(1)?)?, json::read("guard", text(2)?)?));
    }
    Ok(all)
}

/// Adds or replaces one.
pub fn put(conn: &Conn, entity: &str, rules: &Value, memory: &Value) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO guard (entity, rules, memory) VALUES (?1, ?2, ?3)")?
        .execute((entity, json::write("guard", rules)?, json::write("guard", memory)?))?;
    Ok(())
}

/// Keeps what is known of one that is there.
pub fn remember(conn: &Conn, entity: &str, memory: &Value) -> Result<()> {
    conn.prepare_cached("UPDATE guard SET memory = ?2 WHERE entity = ?1")?
        .execute((entity, json::write("guard", memory)?))?;
    Ok(())
}

/// Takes one out; says whether it was there.
pub fn remove(conn: &Conn, entity: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM guard WHERE entity = ?1")?.execute([entity])? > 0)
}
