//! Last states of the entities. Written late and in batches by [`super::HubDb::keep_states`].

use model::State;

use super::json;
use crate::Conn;
use crate::error::Result;

/// All states, by entity id.
pub fn all(conn: &Conn) -> Result<Vec<(String, State)>> {
    let mut statement = conn.prepare_cached("SELECT entity, json FROM state ORDER BY entity")?;
    let mut rows = statement.query([])?;
    let mut states = Vec::new();
    while let Some(row) = rows.next()? {
        let state = json::read("state", row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        states.push((row.get(0)?, state));
    }
    Ok(states)
}

/// Keeps a state. That of an entity which is not registered, or no longer, is not kept.
pub fn put(conn: &Conn, entity: &str, state: &State) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO state (entity, json) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM entity WHERE id = ?1)",
    )?
    .execute((entity, json::write("state", state)?))?;
    Ok(())
}
