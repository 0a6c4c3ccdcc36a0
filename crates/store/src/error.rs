//! What can go wrong with a database file, in words a person can act on.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a database could not be opened, read or written. The text says what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another program holds the file's lock.
    #[error("{} is locked by another program. Close the program that has it open (a database browser, a backup), and try again.", file.display())]
    Locked {
        /// The file.
        file: PathBuf,
    },
    /// The file is not a SQLite database, or parts of it are unreadable.
    #[error("{} is damaged ({why}). Stop Hearth and put the newest backup of this file in its place; or move the file away, and Hearth starts a new, empty one.", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What SQLite found.
        why: String,
    },
    /// A database, but not one of Hearth's.
    #[error("{} is a database of another program. Choose another data folder, or move the file away.", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// Written by a newer Hearth; nothing was changed.
    #[error("{} was written by a newer Hearth (its format is {found}, this Hearth knows up to {known}). Install the newer Hearth again, or restore a backup made with this one. Nothing was changed.", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Format version of the file.
        found: i64,
        /// Newest format version this program knows.
        known: i64,
    },
    /// No space left.
    #[error("The disk with {} is full. Free some space: what was accepted is kept and written then, what was refused has to be done again.", file.display())]
    Full {
        /// The file.
        file: PathBuf,
    },
    /// The file or its folder may not be written.
    #[error("{} cannot be written: it, or its folder, is read-only. Give the user that runs Hearth the right to write there.", file.display())]
    ReadOnly {
        /// The file.
        file: PathBuf,
    },
    /// The disk reported an error.
    #[error("Reading or writing {} failed ({why}). Check the disk; if it stays so, move the data folder to another one.", file.display())]
    Disk {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// The database was closed before the work was done.
    #[error("The store is closed; nothing was written. Start Hearth again.")]
    Closed,
    /// The question itself makes no sense.
    #[error("{0}")]
    Question(String),
    /// A stored record cannot be understood.
    #[error(
        "A record in {table} cannot be read ({why}). It was written by another version of Hearth, or edited by hand; restore a backup, or delete that record."
    )]
    Record {
        /// Table.
        table: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Anything else SQLite reports.
    #[error("The database said: {0}")]
    Sql(String),
}

/// What every function of this crate returns.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl From<rusqlite::Error> for StoreError {
    /// Without the file's name; [`StoreError::at`] gives it one.
    fn from(error: rusqlite::Error) -> Self {
        Self::at(Path::new("the database"), &error)
    }
}

impl StoreError {
    /// Puts SQLite's error about `file` into words.
    pub(crate) fn at(file: &Path, error: &rusqlite::Error) -> Self {
        let (file, why) = (file.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { file },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { file },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { file },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { file, why },
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Disk { file, why },
            _ => Self::Sql(why),
        }
    }

    /// Puts the right file's name into an error that passed through `?` without one.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Full { .. } => Self::Full { file: path.into() },
            Self::ReadOnly { .. } => Self::ReadOnly { file: path.into() },
            Self::Locked { .. } => Self::Locked { file: path.into() },
            Self::Damaged { why, .. } => Self::Damaged { file: path.into(), why },
            Self::Disk { why, .. } => Self::Disk { file: path.into(), why },
            other => other,
        }
    }

    /// A record of `table` that serde could not read or write.
    pub(crate) fn record(table: &'static str, why: impl ToString) -> Self {
        Self::Record { table, why: why.to_string() }
    }
}
