//! The last runs of each automation.

use model::RunRecord;
use rusqlite::OptionalExtension;

use super::json;
use crate::Conn;
use crate::error::Result;

/// Runs kept of each automation; the oldest go.
pub const RUNS_MAX: u32 = 200;

/// Adds a run. Adding the same again changes nothing.
pub fn add(conn: &Conn, run: &RunRecord) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO run (id, automation, started_ms, json) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((&run.id, &run.automation, run.started_ms, json::write("run", run)?))?;
    conn.prepare_cached(
        "DELETE FROM run WHERE automation = ?1 AND seq <=
           (SELECT seq FROM run WHERE automation = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute((&run.automation, RUNS_MAX))?;
    Ok(())
}

/// One run.
pub fn get(conn: &Conn, id: &str) -> Result<Option<RunRecord>> {
    let mut statement = conn.prepare_cached("SELECT json FROM run WHERE id = ?1")?;
    let text: Option<String> = statement.query_row([id], |row| row.get(0)).optional()?;
    text.map(|text| json::read("run", &text)).transpose()
}

/// The newest runs of one automation, or of all, newest first.
pub fn newest(conn: &Conn, automation: Option<&str>, limit: usize) -> Result<Vec<RunRecord>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = match automation {
        Some(_) => {
            conn.prepare_cached("SELECT json FROM run WHERE automation = ?1 ORDER BY seq DESC LIMIT ?2")?
        }
        None => conn.prepare_cached("SELECT json FROM run WHERE ?1 IS NULL ORDER BY seq DESC LIMIT ?2")?,
    };
    let mut rows = statement.query((automation, limit))?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(json::read("run", row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(runs)
}
