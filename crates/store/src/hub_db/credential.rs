//! Credentials of MQTT clients.

use model::Permissions;
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use super::json;
use crate::Conn;
use crate::error::{Result, StoreError};

/// How a secret came to be, which decides how it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// Random and long: a fast hash is enough.
    Generated,
    /// Chosen by a person: needs a slow hash.
    Password,
}

/// One credential. The secret itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The MQTT user name.
    pub name: String,
    /// How the secret came to be.
    pub kind: CredentialKind,
    /// Salt of the hash, as the hub writes it; empty when the hash carries its own.
    pub salt: String,
    /// Hash of the secret, as the hub writes it.
    pub hash: String,
    /// What it may write and read.
    pub permissions: Permissions,
    /// The device it was made for.
    pub device: Option<String>,
    /// UTC ms.
    pub created_ms: i64,
    /// UTC ms; `None` before the first login.
    pub last_login_ms: Option<i64>,
}

const COLUMNS: &str = "name, kind, salt, hash, permissions, device, created_ms, last_login_ms";

fn read(row: &Row<'_>) -> Result<Credential> {
    let kind: String = row.get(1)?;
    Ok(Credential {
        name: row.get(0)?,
        kind: match kind.as_str() {
            "generated" => CredentialKind::Generated,
            "password" => CredentialKind::Password,
            other => return Err(StoreError::record("credential", format!("unknown kind `{other}`"))),
        },
        salt: row.get(2)?,
        hash: row.get(3)?,
        permissions: json::read("credential", &row.get::<_, String>(4)?)?,
        device: row.get(5)?,
        created_ms: row.get(6)?,
        last_login_ms: row.get(7)?,
    })
}

/// All credentials, by name.
pub fn all(conn: &Conn) -> Result<Vec<Credential>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM credential ORDER BY name"))?;
    statement.query_and_then([], read)?.collect()
}

/// One credential.
pub fn get(conn: &Conn, name: &str) -> Result<Option<Credential>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM credential WHERE name = ?1"))?;
    statement.query_and_then([name], read)?.next().transpose()
}

/// Adds or replaces a credential.
pub fn put(conn: &Conn, credential: &Credential) -> Result<()> {
    conn.prepare_cached(&format!(
        "INSERT OR REPLACE INTO credential ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    ))?
    .execute((
        &credential.name,
        kind(credential),
        &credential.salt,
        &credential.hash,
        json::write("credential", &credential.permissions)?,
        &credential.device,
        credential.created_ms,
        credential.last_login_ms,
    ))?;
    Ok(())
}

fn kind(credential: &Credential) -> &'static str {
    match credential.kind {
        CredentialKind::Generated => "generated",
        CredentialKind::Password => "password",
    }
}

/// Notes a login.
pub fn logged_in(conn: &Conn, name: &str, time_ms: i64) -> Result<()> {
    conn.prepare_cached("UPDATE credential SET last_login_ms = ?2 WHERE name = ?1")?
        .execute((name, time_ms))?;
    Ok(())
}

/// Whether there is one of this name.
pub fn exists(conn: &Conn, name: &str) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM credential WHERE name = ?1")?;
    Ok(statement.query_row([name], |_| Ok(())).optional()?.is_some())
}

/// Revokes a credential; says whether it was there.
pub fn remove(conn: &Conn, name: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM credential WHERE name = ?1")?.execute([name])? > 0)
}

/// Gives a credential another secret, the rest of it stays; says whether it was there.
pub fn set_secret(conn: &Conn, credential: &Credential) -> Result<bool> {
    let sql = "UPDATE credential SET kind = ?2, salt = ?3, hash = ?4 WHERE name = ?1";
    let row = (&credential.name, kind(credential), &credential.salt, &credential.hash);
    Ok(conn.prepare_cached(sql)?.execute(row)? > 0)
}

/// Gives a credential other permissions; says whether it was there.
pub fn set_permissions(conn: &Conn, name: &str, permissions: &Permissions) -> Result<bool> {
    let permissions = json::write("credential", permissions)?;
    let mut statement = conn.prepare_cached("UPDATE credential SET permissions = ?2 WHERE name = ?1")?;
    Ok(statement.execute((name, permissions))? > 0)
}
