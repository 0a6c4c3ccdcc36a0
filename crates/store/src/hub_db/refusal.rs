//! What the broker refused, as the hub writes it: few rows that are counted up, not one per refusal.

use serde_json::Value;

use super::json;
use crate::Conn;
use crate::error::Result;

/// All of them, the oldest first.
pub fn all(conn: &Conn) -> Result<Vec<(u64, Value)>> {
    let mut statement = conn.prepare_cached("SELECT id, json FROM refusal ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut refusals = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        refusals.push((id.cast_unsigned(), json::read("refusal", text)?));
    }
    Ok(refusals)
}

/// Adds or replaces some and takes others out.
pub fn change(conn: &Conn, put: &[(u64, Value)], remove: &[u64]) -> Result<()> {
    for (id, refusal) in put {
        conn.prepare_cached("INSERT OR REPLACE INTO refusal (id, json) VALUES (?1, ?2)")?
            .execute((id.cast_signed(), json::write("refusal", refusal)?))?;
    }
    for id in remove {
        conn.prepare_cached("DELETE FROM refusal WHERE id = ?1")?.execute([id.cast_signed()])?;
    }
    Ok(())
}
