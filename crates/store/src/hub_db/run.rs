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

/// The newest runs of one automation, or of all, newest first; only those that started before `before_ms`, if
/// it is given.
pub fn newest(
    conn: &Conn,
    automation: Option<&str>,
    before_ms: Option<i64>,
    limit: usize,
) -> Result<Vec<RunRecord>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // The ring is small, so looking at each row of it costs less than an index by time.
    const BEFORE: &str = "(?2 IS NULL OR started_ms < ?2) ORDER BY seq DESC LIMIT ?3";
    let which = if automation.is_some() { "automation = ?1" } else { "?1 IS NULL" };
    let mut statement = conn.prepare_cached(&format!("SELECT json FROM run WHERE {which} AND {BEFORE}"))?;
    let mut rows = statement.query((automation, before_ms, limit))?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(json::read("run", row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(runs)
}
