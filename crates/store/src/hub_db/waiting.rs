//! Commands that wait until a sleeping device wakes, as the hub writes them: those of an entity in one row, which goes
//! with the entity.

use serde_json::Value;

use super::json;
use crate::Conn;
use crate::error::Result;

/// All of them, by entity.
pub fn all(conn: &Conn) -> Result<Vec<(String, Value)>> {
    let mut statement = conn.prepare_cached("SELECT entity, json FROM waiting ORDER BY entity")?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        all.push((row.get(0)?, json::read("waiting", text)?));
    }
    Ok(all)
}

/// Replaces those of an entity. One that is gone has none.
pub fn put(conn: &Conn, entity: &str, waiting: &Value) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO waiting (entity, json) SELECT id, ?2 FROM entity WHERE id = ?1";
    conn.prepare_cached(sql)?.execute((entity, json::write("waiting", waiting)?))?;
    Ok(())
}

/// Takes those of an entity out; says whether there were any.
pub fn remove(conn: &Conn, entity: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM waiting WHERE entity = ?1")?.execute([entity])? > 0)
}
