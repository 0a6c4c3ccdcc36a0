//! Owner tokens, by their hash.

use rusqlite::OptionalExtension;

use crate::Conn;
use crate::error::Result;

/// A token somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// SHA-256 of the token, hex; the token itself is never stored.
    pub hash: String,
    /// Who or what holds it.
    pub name: String,
    /// UTC ms.
    pub created_ms: i64,
    /// UTC ms.
    pub last_used_ms: Option<i64>,
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account { hash: row.get(0)?, name: row.get(1)?, created_ms: row.get(2)?, last_used_ms: row.get(3)? })
}

/// All accounts, oldest first.
pub fn all(conn: &Conn) -> Result<Vec<Account>> {
    let mut statement = conn.prepare_cached(
        "SELECT hash, name, created_ms, last_used_ms FROM account ORDER BY created_ms, hash",
    )?;
    Ok(statement.query_map([], read)?.collect::<rusqlite::Result<_>>()?)
}

/// The account of a token's hash.
pub fn get(conn: &Conn, hash: &str) -> Result<Option<Account>> {
    let mut statement =
        conn.prepare_cached("SELECT hash, name, created_ms, last_used_ms FROM account WHERE hash = ?1")?;
    Ok(statement.query_row([hash], read).optional()?)
}

/// Adds or replaces an account.
pub fn put(conn: &Conn, account: &Account) -> Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO account (hash, name, created_ms, last_used_ms) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute((&account.hash, &account.name, account.created_ms, account.last_used_ms))?;
    Ok(())
}

/// Removes an account; says whether it was there.
pub fn remove(conn: &Conn, hash: &str) -> Result<bool> {
    Ok(conn.prepare_cached("DELETE FROM account WHERE hash = ?1")?.execute([hash])? > 0)
}
