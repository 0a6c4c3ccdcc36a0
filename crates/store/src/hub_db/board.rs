//! Boards that were paired: what is known of each beside its credential, as the hub writes it. A row belongs to the
//! credential of the same name. A provisional one is of a pairing under way, and does not outlive the run.

use serde_json::Value;

use super::credential::{self, Credential};
use super::json;
use crate::Conn;
use crate::error::Result;

/// All that are paired, by name of the credential.
pub fn all(conn: &Conn) -> Result<Vec<(String, Value)>> {
    let mut statement =
        conn.prepare_cached("SELECT name, json FROM board WHERE NOT provisional ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut boards = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        boards.push((row.get(0)?, json::read("board", text)?));
    }
    Ok(boards)
}

/// Adds the credential of a pairing under way.
pub fn begin(conn: &Conn, credential: &Credential) -> Result<()> {
    credential::put(conn, credential)?;
    conn.prepare_cached("INSERT OR REPLACE INTO board (name, provisional, json) VALUES (?1, 1, '{}')")?
        .execute([&credential.name])?;
    Ok(())
}

/// The board is in, or something of it changed: its row lasts. Says whether there is a credential of this name;
/// without one there is no board.
pub fn keep(conn: &Conn, name: &str, board: &Value) -> Result<bool> {
    let sql = "INSERT OR REPLACE INTO board (name, provisional, json)
               SELECT name, 0, ?2 FROM credential WHERE name = ?1";
    Ok(conn.prepare_cached(sql)?.execute((name, json::write("board", board)?))? > 0)
}

/// Takes a board and its credential out; says whether there was such a credential.
pub fn remove(conn: &Conn, name: &str) -> Result<bool> {
    conn.prepare_cached("DELETE FROM board WHERE name = ?1")?.execute([name])?;
    credential::remove(conn, name)
}

/// Takes out what pairings left that a crash ended; returns the names of their credentials.
pub fn remove_provisional(conn: &Conn) -> Result<Vec<String>> {
    let mut statement = conn.prepare_cached("SELECT name FROM board WHERE provisional")?;
    let names: Vec<String> =
        statement.query_map([], |row| row.get(0))?.collect::<std::result::Result<_, _>>()?;
    for name in &names {
        remove(conn, name)?;
    }
    Ok(names)
}
