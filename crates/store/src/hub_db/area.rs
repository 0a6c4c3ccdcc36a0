//! Areas.

use model::Area;

use crate::Conn;
use crate::error::Result;

/// All areas, in their order.
pub fn all(conn: &Conn) -> Result<Vec<Area>> {
    let mut statement = conn.prepare_cached("SELECT id, name, place FROM area ORDER BY place, name, id")?;
    let areas =
        statement.query_map([], |row| Ok(Area { id: row.get(0)?, name: row.get(1)?, place: row.get(2)? }))?;
    Ok(areas.collect::<rusqlite::Result<_>>()?)
}

/// Adds or replaces an area.
pub fn put(conn: &Conn, area: &Area) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO area (id, name, place) VALUES (?1, ?2, ?3)")?
        .execute((&area.id, &area.name, area.place))?;
    Ok(())
}

/// Removes an area; says whether it was there.
pub fn remove(conn: &Conn, id: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM area WHERE id = ?1")?.execute([id])? > 0)
}
