//! A small pool of connections that read beside the writer and never wait for it.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::Connection;

use crate::error::{Result, StoreError};
use crate::opening::open_reader;

/// Idle connections kept; a reader that finds none opens its own.
const IDLE_MAX: usize = 4;

#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::new(Vec::new()) }
    }

    /// Runs `read` on one unchanging view of the database. Blocks this thread for as long as `read` takes.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path).map_err(|why| StoreError::at(&self.path, &why))?,
        };
        let outcome = connection
            .unchecked_transaction()
            .map_err(StoreError::from)
            .and_then(|view| read(&view))
            .map_err(|why| why.in_file(&self.path));
        // A connection that met an error may be in any state; the next reader opens a fresh one.
        if outcome.is_ok() {
            let mut idle = self.idle.lock();
            if idle.len() < IDLE_MAX {
                idle.push(connection);
            }
        }
        outcome
    }

    /// Closes the idle connections, so that the writer's is the last and closing it takes the log away.
    pub(crate) fn close(&self) {
        self.idle.lock().clear();
    }
}
