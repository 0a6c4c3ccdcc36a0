//! Opening a database file: is it ours, is it too new, bring its format up to date, look it over after an
//! unclean stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, InterruptHandle, OpenFlags, TransactionBehavior};

use crate::error::{Result, StoreError};

/// How long to wait for another program (a database browser, a backup) to let go of a lock.
const BUSY_TIMEOUT: Duration = Duration::from_millis(2_000);
/// After a checkpoint the write-ahead log is cut back to this, bytes.
pub(crate) const WAL_KEPT_BYTES: i64 = 64 * 1024 * 1024;
/// Prepared statements each connection keeps.
const STATEMENTS_CACHED: usize = 64;
/// How often a check that is to end is told so.
const INTERRUPT_EVERY: Duration = Duration::from_millis(2);
/// Findings of a check that are reported; a broken index alone can make thousands.
const FINDINGS_MAX: u32 = 20;

/// What one of the three databases is: how it is recognised and how it came to its present format.
pub(crate) struct Format {
    /// `PRAGMA application_id`: which database of Hearth's it is.
    pub(crate) application_id: i32,
    /// One step per format version, applied in order; `PRAGMA user_version` counts them.
    pub(crate) steps: &'static [&'static str],
    /// Pages in the write-ahead log before they are moved into the file.
    pub(crate) checkpoint_pages: u32,
}

/// The result of looking a database over after an unclean stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The file.
    pub file: PathBuf,
    /// What `PRAGMA quick_check` found, in words; `Ok` when nothing.
    pub outcome: Result<()>,
}

/// Told the result of each check, from the thread that made it.
pub type OnChecked = Arc<dyn Fn(Checked) + Send + Sync>;

/// A check that only writes its result to the log.
pub fn log_checked() -> OnChecked {
    Arc::new(|checked: Checked| match &checked.outcome {
        Ok(()) => tracing::info!(file = %checked.file.display(), "looked over after an unclean stop: sound"),
        Err(damage) => tracing::error!(file = %checked.file.display(), "{damage}"),
    })
}

/// Opens the writer's connection. The file is made when missing and its format brought up to date, in one
/// transaction; a newer or foreign file is refused untouched.
pub(crate) fn open_writer(path: &Path, format: &Format) -> Result<Connection> {
    refuse_unknown(path, format)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        // auto_vacuum counts only before the first table.
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;",
        )?;
        connection.query_row(
            &format!("PRAGMA wal_autocheckpoint = {}", format.checkpoint_pages),
            [],
            |_| Ok(()),
        )?;
        connection.query_row(&format!("PRAGMA journal_size_limit = {WAL_KEPT_BYTES}"), [], |_| Ok(()))?;
        migrate(&mut connection, format)?;
        Ok(connection)
    };
    open().map_err(|why| StoreError::at(path, &why))
}

/// Opens a connection that can only read.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    Ok(connection)
}

/// Looks at the file without the right to change it.
fn refuse_unknown(path: &Path, format: &Format) -> Result<()> {
    if !std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    let look = || -> rusqlite::Result<(i64, i64, i64)> {
        let connection = open_reader(path)?;
        let application_id = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((application_id, version, tables))
    };
    let (application_id, found, tables) = look().map_err(|why| StoreError::at(path, &why))?;
    let untouched = application_id == 0 && found == 0 && tables == 0;
    if !untouched && application_id != i64::from(format.application_id) {
        return Err(StoreError::Foreign { file: path.to_owned() });
    }
    let known = format.steps.len() as i64;
    if found > known {
        return Err(StoreError::Newer { file: path.to_owned(), found, known });
    }
    Ok(())
}

/// All the missing steps, or none.
fn migrate(connection: &mut Connection, format: &Format) -> rusqlite::Result<()> {
    let known = format.steps.len();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(known);
    if done >= known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in &format.steps[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {}; PRAGMA user_version = {known};",
        format.application_id
    ))?;
    transaction.commit()
}

/// Whether the last stop was unclean: SQLite takes the write-ahead log away when the last connection closes.
pub(crate) fn stopped_uncleanly(path: &Path) -> bool {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    std::fs::metadata(PathBuf::from(wal)).is_ok_and(|log| log.len() > 0)
}

/// A check running in the background; dropping it ends it early, so that closing never waits for it.
pub(crate) struct Check {
    interrupt: Arc<Mutex<Option<InterruptHandle>>>,
    thread: Option<JoinHandle<()>>,
}

impl Check {
    /// Starts `PRAGMA quick_check` on a read connection.
    pub(crate) fn start(path: &Path, on_checked: OnChecked) -> Self {
        let interrupt = Arc::new(Mutex::new(None));
        let thread = std::thread::Builder::new().name("store-check".into()).spawn({
            let (path, interrupt) = (path.to_owned(), Arc::clone(&interrupt));
            move || {
                if let Some(outcome) = quick_check(&path, &interrupt) {
                    on_checked(Checked { file: path, outcome });
                }
            }
        });
        if let Err(why) = &thread {
            tracing::warn!(file = %path.display(), "not looked over after an unclean stop: {why}");
        }
        Self { interrupt, thread: thread.ok() }
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        // An interrupt counts only while a statement runs, and the thread may be about to start one.
        while !thread.is_finished() {
            if let Some(handle) = self.interrupt.lock().as_ref() {
                handle.interrupt();
            }
            std::thread::park_timeout(INTERRUPT_EVERY);
        }
        let _ = thread.join();
    }
}

/// `None` when it was interrupted.
fn quick_check(path: &Path, interrupt: &Mutex<Option<InterruptHandle>>) -> Option<Result<()>> {
    let check = || -> rusqlite::Result<Vec<String>> {
        let connection = open_reader(path)?;
        *interrupt.lock() = Some(connection.get_interrupt_handle());
        let mut statement = connection.prepare(&format!("PRAGMA quick_check({FINDINGS_MAX})"))?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    match check() {
        Ok(findings) if findings.iter().all(|finding| finding == "ok") => Some(Ok(())),
        Ok(findings) => Some(Err(StoreError::Damaged { file: path.to_owned(), why: findings.join("; ") })),
        Err(why) if why.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => None,
        Err(why) => Some(Err(StoreError::at(path, &why))),
    }
}

/// A disk that is full until somebody frees space: SQLite is not let grow the file, and most of the file is
/// taken by a table that can be dropped.
#[cfg(test)]
pub(crate) mod test_disk {
    use super::*;

    /// Pages left before the disk is full.
    const PAGES_LEFT: i64 = 200;
    const FILLER_BYTES: i64 = 128 * 1024 * 1024;

    pub(crate) struct Disk {
        _folder: tempfile::TempDir,
        path: PathBuf,
        format: &'static Format,
    }

    impl Disk {
        pub(crate) fn new(format: &'static Format) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal.db");
            let connection = open_writer(&path, format).unwrap();
            connection
                .execute_batch(&format!(
                    "CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob({FILLER_BYTES}))"
                ))
                .unwrap();
            Self { _folder: folder, path, format }
        }

        pub(crate) fn path(&self) -> &Path {
            &self.path
        }

        /// The connection to give to the writer under test.
        pub(crate) fn nearly_full(&self) -> Connection {
            let connection = open_writer(&self.path, self.format).unwrap();
            let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
            let limit = format!("PRAGMA max_page_count = {}", pages + PAGES_LEFT);
            connection.query_row(&limit, [], |_| Ok(())).unwrap();
            connection
        }

        /// Somebody else frees space.
        pub(crate) fn free_space(&self) {
            let connection = Connection::open(&self.path).unwrap();
            connection.busy_timeout(BUSY_TIMEOUT).unwrap();
            connection.execute_batch("DROP TABLE filler").unwrap();
        }
    }
}
