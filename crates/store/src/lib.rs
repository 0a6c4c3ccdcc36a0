//! Hearth's three databases: `hub.db` (small and precious), `journal.db` (large and replaceable) and
//! `readings.db` (large). Plain SQLite in WAL mode with `synchronous=FULL`; anyone can open them.
//!
//! | module | noun |
//! |---|---|
//! | [`journal`] | every accepted message, in order; the QoS 2 handshakes |
//! | [`hub_db`] | devices, entities, states, credentials, sessions, retained messages, automations, settings |
//! | [`readings_db`] | what entities measured |
//! | [`error`] | what can go wrong, in words |
//!
//! Invariants: one writer thread per database, and only it writes; readers have connections of their own and
//! never wait for it; nothing is said to be durable before its transaction is on the disk; a database that
//! cannot be written keeps what it was given, up to a named bound, tells so, and tries again by itself.

pub mod error;
pub mod hub_db;
pub mod journal;
pub mod readings_db;

mod backlog;
mod opening;
mod readers;
mod written;

pub use error::{Result, StoreError};
pub use hub_db::{
    HubDb, account, activity, area, automation, board, credential, device, device_log, entity, guard,
    learning, meta, refusal, retained, run, session, setting, state, waiting,
};
pub use journal::{
    HandshakeChange, History, HistoryQuery, Journal, JournalConfig, JournalCounters, JournalDraft,
    StoredHandshake, TopicLast, TopicsPage,
};
pub use opening::{Checked, OnChecked, log_checked};
pub use readings_db::{QueueFull, ReadingsDb};
pub use written::Written;

/// UTC ms since 1970. The store knows no clock of its own.
pub type Clock = std::sync::Arc<dyn Fn() -> i64 + Send + Sync>;

/// A connection as the table functions take it: inside [`HubDb::write`] a transaction is open on it.
pub type Conn = rusqlite::Connection;
