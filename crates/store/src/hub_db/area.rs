//! Areas.

use model::Area;

use crate::Conn;
use crate::error::Result;

/// All areas, by name.
pub fn all(conn: &Conn) -> Result<Vec<Area>> {
    let mut statement = conn.prepare_cached("SELECT id, name FROM area ORDER BY name, id")?;
    let areas = statement.query_map([], |row| Ok(Area { id: row.get(0)?, name: row.get(1)? }))?;
    Ok(areas.collect::<rusqlite::Result<_>>()?)
}

/// Adds or replaces an area.
pub fn put(conn: &Conn, area: &Area) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO area (id, name) VALUES (?1, ?2)")?
        .execute((&area.id, &area.name))?;
    Ok(())
}

/// Removes an area; says whether it was there.
pub fn remove(conn: &Conn, id: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM area WHERE id = ?1")?.execute([id])? > 0)
}
