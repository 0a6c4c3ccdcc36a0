//! `hub.db`: what Hearth knows and must not lose. Each table is one module with its row and its functions;
//! they take a connection, so that one transaction can change several tables:
//!
//! ```ignore
//! hub.write(move |conn| { device::put_device(conn, &device)?; area::put(conn, &area) }).await?;
//! let devices = hub.read(device::all)?;
//! ```

mod job;
mod json;
mod late;
mod schema;
mod writer;

pub mod account;
pub mod activity;
pub mod area;
pub mod automation;
pub mod board;
pub mod credential;
pub mod device;
pub mod device_log;
pub mod entity;
pub mod guard;
pub mod learning;
pub mod meta;
pub mod refusal;
pub mod retained;
pub mod run;
pub mod session;
pub mod setting;
pub mod state;
pub mod waiting;

use std::path::Path;
use std::sync::Arc;

use model::{Message, State};
use parking_lot::Mutex;

use crate::error::Result;
use crate::opening::{self, Check, OnChecked};
use crate::readers::Readers;
use crate::{Conn, Written};
use writer::Writer;

/// `hub.db`, open.
pub struct HubDb {
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    check: Mutex<Option<Check>>,
    unclean: bool,
}

impl HubDb {
    /// Opens or makes the file and starts its writer. After an unclean stop it is looked over in the
    /// background and `on_checked` is told.
    ///
    /// # Errors
    /// In words: damaged, foreign, newer, locked, read-only, full.
    pub fn open(path: &Path, on_checked: OnChecked) -> Result<Self> {
        let unclean = opening::stopped_uncleanly(path);
        let connection = opening::open_writer(path, &schema::FORMAT)?;
        let check = unclean.then(|| Check::start(path, on_checked));
        let writer = Arc::new(Writer::start(path, connection)?);
        Ok(Self { writer, readers: Arc::new(Readers::new(path)), check: Mutex::new(check), unclean })
    }

    /// Whether it was open when its process ended the last time: by a crash, a kill, or the power. What was queued and
    /// not yet durable is lost then.
    pub fn stopped_uncleanly(&self) -> bool {
        self.unclean
    }

    /// Queues a write. Writes run in the order of the calls; those that wait together share a transaction and
    /// its fsync. A write that fails is undone alone.
    pub fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Conn) -> Result<T> + Send + 'static,
    ) -> Written<T> {
        self.writer.write(write)
    }

    /// Reads beside the writer: sees everything whose [`Written`] has resolved. Blocks this thread.
    pub fn read<T>(&self, read: impl FnOnce(&Conn) -> Result<T>) -> Result<T> {
        self.readers.read(read)
    }

    /// A session's cursor moved. Written within a second, together with others; a crash may forget the last
    /// moves, and the messages are then delivered again.
    pub fn move_cursor(&self, client_id: &str, cursor: u64) {
        self.writer.move_cursor(client_id, cursor);
    }

    /// Keeps states, within a second; the newest of an entity wins. `cursor`: they contain every message up to
    /// this journal id. After a crash read the journal again from [`HubDb::states_cursor`].
    pub fn keep_states(&self, states: Vec<(String, State)>, cursor: u64) {
        self.writer.keep_states(states, cursor);
    }

    /// The stored states contain every message up to this journal id.
    pub fn states_cursor(&self) -> Result<u64> {
        self.read(|conn| meta::id(conn, meta::STATES_CURSOR))
    }

    /// The retained messages, by topic. Complete once the journal is open.
    pub fn retained(&self) -> Result<Vec<Message>> {
        self.read(retained::all)
    }

    /// The highest journal id any table here knows: a lower bound for new ones.
    pub fn highest_id(&self) -> Result<u64> {
        self.read(|conn| {
            let highest: i64 = conn.query_row(
                "SELECT max(
                   (SELECT coalesce(max(cursor), 0) FROM session),
                   (SELECT coalesce(max(id), 0) FROM retained),
                   (SELECT coalesce(max(value), 0) FROM meta WHERE key IN (?1, ?2)))",
                (meta::RETAINED_CURSOR, meta::STATES_CURSOR),
                |row| row.get(0),
            )?;
            Ok(highest.cast_unsigned())
        })
    }

    /// Where the journal puts the retained messages.
    pub fn retained_sink(&self) -> RetainedSink {
        RetainedSink { writer: Arc::clone(&self.writer), readers: Arc::clone(&self.readers) }
    }

    /// Why nothing can be written at present.
    pub fn failure(&self) -> Option<String> {
        self.writer.failure()
    }

    /// Resolves when all that was handed over before is durable, cursors and states included.
    pub fn flush(&self) -> Written<()> {
        self.writer.flush()
    }

    /// Writes what is queued and closes the file. Later writes fail with [`crate::StoreError::Closed`].
    pub fn close(&self) -> Result<()> {
        self.check.lock().take();
        self.readers.close();
        self.writer.close()
    }
}

impl Drop for HubDb {
    fn drop(&mut self) {
        if let Err(why) = self.close() {
            tracing::error!("{why}");
        }
    }
}

/// The way from the journal into the `retained` table.
#[derive(Clone)]
pub struct RetainedSink {
    writer: Arc<Writer>,
    readers: Arc<Readers>,
}

impl RetainedSink {
    pub(crate) fn cursor(&self) -> Result<u64> {
        self.readers.read(retained::cursor)
    }

    pub(crate) fn apply(&self, messages: Vec<Message>, read_up_to: u64) -> Written<()> {
        self.writer.write(move |conn| retained::apply(conn, &messages, read_up_to))
    }
}
