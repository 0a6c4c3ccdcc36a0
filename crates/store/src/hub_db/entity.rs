//! Registered entities.

use model::Entity;

use super::json;
use crate::Conn;
use crate::error::Result;

/// All entities, by id.
pub fn all(conn: &Conn) -> Result<Vec<Entity>> {
    let mut statement = conn.prepare_cached("SELECT json FROM entity ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut entities = Vec::new();
    while let Some(row) = rows.next()? {
        entities.push(json::read("entity", row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(entities)
}

/// Adds or replaces an entity; its state stays.
pub fn put(conn: &Conn, entity: &Entity) -> Result<()> {
    // An upsert, not a replace: a replace would delete the row first, and its state with it.
    conn.prepare_cached(
        "INSERT INTO entity (id, device, json) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET device = excluded.device, json = excluded.json",
    )?
    .execute((&entity.id, &entity.device, json::write("entity", entity)?))?;
    Ok(())
}

/// Removes an entity and its state; says whether it was there.
pub fn remove(conn: &Conn, id: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM entity WHERE id = ?1")?.execute([id])? > 0)
}
