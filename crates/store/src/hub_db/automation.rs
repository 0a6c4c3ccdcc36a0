//! Automations and the versions their source went through.

use rusqlite::{OptionalExtension, Row};

use crate::Conn;
use crate::error::Result;

/// Versions kept of each automation; the oldest go.
pub const VERSIONS_MAX: u32 = 100;

/// One automation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Automation {
    /// Never changes.
    pub id: String,
    /// Shown.
    pub name: String,
    /// The script.
    pub source: String,
    /// Whether it runs.
    pub enabled: bool,
    /// Rises by one whenever the source changes; the first is 1.
    pub version: u32,
    /// Last change, UTC ms.
    pub updated_ms: i64,
}

/// One version of an automation's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomationVersion {
    /// The automation's id.
    pub automation: String,
    /// From 1.
    pub version: u32,
    /// The script.
    pub source: String,
    /// UTC ms.
    pub saved_ms: i64,
}

const COLUMNS: &str = "id, name, source, enabled, version, updated_ms";

fn read(row: &Row<'_>) -> rusqlite::Result<Automation> {
    Ok(Automation {
        id: row.get(0)?,
        name: row.get(1)?,
        source: row.get(2)?,
        enabled: row.get(3)?,
        version: row.get(4)?,
        updated_ms: row.get(5)?,
    })
}

/// All automations, by name.
pub fn all(conn: &Conn) -> Result<Vec<Automation>> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM automation ORDER BY name, id"))?;
    Ok(statement.query_map([], read)?.collect::<rusqlite::Result<_>>()?)
}

/// One automation.
pub fn get(conn: &Conn, id: &str) -> Result<Option<Automation>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM automation WHERE id = ?1"))?;
    Ok(statement.query_row([id], read).optional()?)
}

/// Adds or changes an automation. A changed source becomes the next version; [`Automation::version`] is
/// returned and the one passed in is not looked at.
pub fn put(conn: &Conn, automation: &Automation) -> Result<u32> {
    let before = get(conn, &automation.id)?;
    let version = match &before {
        Some(before) if before.source == automation.source => before.version,
        Some(before) => before.version.saturating_add(1),
        None => 1,
    };
    conn.prepare_cached(&format!(
        "INSERT INTO automation ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, source = excluded.source,
           enabled = excluded.enabled, version = excluded.version, updated_ms = excluded.updated_ms"
    ))?
    .execute((
        &automation.id,
        &automation.name,
        &automation.source,
        automation.enabled,
        version,
        automation.updated_ms,
    ))?;
    if before.is_none_or(|before| before.version != version) {
        conn.prepare_cached(
            "INSERT INTO automation_version (automation, version, source, saved_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((&automation.id, version, &automation.source, automation.updated_ms))?;
        conn.prepare_cached("DELETE FROM automation_version WHERE automation = ?1 AND version <= ?2")?
            .execute((&automation.id, i64::from(version) - i64::from(VERSIONS_MAX)))?;
    }
    Ok(version)
}

/// Removes an automation with its versions and runs; says whether it was there.
pub fn remove(conn: &Conn, id: &str) -> Result<bool> {
    conn.prepare_cached("DELETE FROM run WHERE automation = ?1")?.execute([id])?;
    Ok(conn.prepare_cached("DELETE FROM automation WHERE id = ?1")?.execute([id])? > 0)
}

/// The versions of one automation, newest first.
pub fn versions(conn: &Conn, id: &str) -> Result<Vec<AutomationVersion>> {
    let mut statement = conn.prepare_cached(
        "SELECT automation, version, source, saved_ms FROM automation_version
         WHERE automation = ?1 ORDER BY version DESC",
    )?;
    let versions = statement.query_map([id], |row| {
        Ok(AutomationVersion {
            automation: row.get(0)?,
            version: row.get(1)?,
            source: row.get(2)?,
            saved_ms: row.get(3)?,
        })
    })?;
    Ok(versions.collect::<rusqlite::Result<_>>()?)
}
