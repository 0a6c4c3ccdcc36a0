//! What happened lately, for people: kept in `hub.db`, told to watchers, and written to the log.

pub(crate) mod flood;

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use store::{HubDb, StoreError};

use crate::api::types::{ActivityLine, Level};
use crate::client_log::About;
use crate::frames::{HubEvent, Watchers};
use crate::{clock, logging};
use flood::{Flood, Line};

/// Longest text; what outsiders send, such as a topic, may be longer.
const TEXT_CHARACTERS_MAX: usize = 1_000;
/// While `hub.db` cannot be written, one line in this time tries whether it can again, ms.
const RETRY_MS: i64 = 10_000;

/// The activity.
pub struct ActivityLog {
    db: Arc<HubDb>,
    watchers: Arc<Watchers>,
    /// Held while a line is handed over, so that the database numbers lines in the same order.
    told: Mutex<Told>,
    flood: Mutex<Flood>,
}

struct Told {
    next_id: u64,
    /// Lines that were not kept because `hub.db` could not be written.
    unkept: u64,
    tried_ms: i64,
}

impl ActivityLog {
    /// Continues the stored one.
    pub fn open(db: Arc<HubDb>, watchers: Arc<Watchers>) -> Result<Self, StoreError> {
        let newest = db.read(|conn| store::activity::newest(conn, None, 1))?;
        let next_id = newest.first().map_or(1, |line| line.id.cast_unsigned() + 1);
        let told = Mutex::new(Told { next_id, unkept: 0, tried_ms: 0 });
        Ok(Self { db, watchers, told, flood: Mutex::default() })
    }

    /// Adds a line. Floods are held back, see [`ActivityLog::settle`]. Control characters in the text are
    /// shown, not carried out.
    pub fn add(&self, level: Level, about: &'static str, subject: Option<&str>, text: impl Into<String>) {
        self.add_line(level, about, subject, None, text.into());
    }

    /// Adds a line that belongs to the log of a client, too.
    pub fn add_client(
        &self,
        level: Level,
        about: &'static str,
        user: Option<&str>,
        client: About,
        text: String,
    ) {
        self.add_line(level, about, user, Some(client), text);
    }

    fn add_line(
        &self,
        level: Level,
        about: &'static str,
        subject: Option<&str>,
        client: Option<About>,
        text: String,
    ) {
        self.settle();
        let line = Line {
            level,
            about,
            subject: subject.map(|subject| logging::visible(subject).into_owned()),
            text: shortened(&logging::visible(&text)),
            client,
        };
        let now_ms = clock::now_ms();
        if self.flood.lock().admit(now_ms, &line) {
            self.tell(now_ms, line);
        }
    }

    /// Tells what was held back in the last minute: how often a warning was repeated, such as by a board that
    /// tries a wrong password every second, and how many lines of one kind were too many.
    pub fn settle(&self) {
        let now_ms = clock::now_ms();
        let due = self.flood.lock().due(now_ms);
        for (time_ms, line) in due {
            self.tell(time_ms, line);
        }
    }

    fn tell(&self, time_ms: i64, line: Line) {
        let Line { level, about, subject, text, client } = line;
        match level {
            Level::Info => tracing::info!(about, subject, "{text}"),
            Level::Warning => tracing::warn!(about, subject, "{text}"),
            Level::Error => tracing::error!(about, subject, "{text}"),
        }
        let mut told = self.told.lock();
        let id = told.next_id;
        told.next_id += 1;
        let line = ActivityLine { id, time_ms, level, about: about.to_owned(), subject, text };
        self.keep(&mut told, &line, client.as_ref());
        self.watchers.tell(&HubEvent::Activity(line));
    }

    /// Hands a line to the database, unless that cannot write: what matters more waits there.
    fn keep(&self, told: &mut Told, line: &ActivityLine, client: Option<&About>) {
        if self.db.failure().is_some() {
            if (0..RETRY_MS).contains(&(line.time_ms - told.tried_ms)) {
                told.unkept += 1;
                return;
            }
            told.tried_ms = line.time_ms;
        } else if told.unkept > 0 {
            let unkept = std::mem::take(&mut told.unkept);
            tracing::warn!(unkept, "lines of the activity were not kept while hub.db could not be written");
        }
        let row = store::activity::Activity {
            id: 0,
            time_ms: line.time_ms,
            kind: line.about.clone(),
            level: level_name(line.level).to_owned(),
            body: match client {
                None => json!({ "subject": line.subject, "text": line.text }),
                Some(About { client_id, kind }) => json!({
                    "subject": line.subject, "text": line.text, "client": client_id, "event": kind,
                }),
            },
        };
        drop(self.db.write(move |conn| store::activity::add(conn, &row)));
    }

    /// The lines about clients among the newest, the oldest first. Reads the database, so not on an async worker.
    pub fn about_clients(&self, among: usize) -> Result<Vec<(About, ActivityLine)>, StoreError> {
        let rows = self.db.read(|conn| store::activity::newest(conn, None, among))?;
        Ok(about(rows.into_iter().rev()))
    }

    /// The newest lines about one client, the oldest first. Reads the database, so not on an async worker.
    pub fn about_client(
        &self,
        client_id: &str,
        max: usize,
    ) -> Result<Vec<(About, ActivityLine)>, StoreError> {
        let rows = self.db.read(|conn| store::activity::about_client(conn, client_id, max))?;
        Ok(about(rows.into_iter().rev()))
    }

    /// The newest line of each client with this text in its id, the newest first. Reads the database, so not on an
    /// async worker.
    pub fn clients_with(&self, text: &str, max: usize) -> Result<Vec<(About, ActivityLine)>, StoreError> {
        let rows = self.db.read(|conn| store::activity::clients_with(conn, text, max))?;
        Ok(about(rows.into_iter()))
    }

    /// Lines before an id, newest first.
    pub fn list(&self, before: Option<u64>, limit: usize) -> Result<Vec<ActivityLine>, StoreError> {
        self.settle();
        let before = before.map(u64::cast_signed);
        let rows = self.db.read(|conn| store::activity::newest(conn, before, limit))?;
        Ok(rows.into_iter().map(line).collect())
    }
}

/// Cuts what is longer than a line may be.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARACTERS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Those of the rows that are about clients.
fn about(rows: impl Iterator<Item = store::activity::Activity>) -> Vec<(About, ActivityLine)> {
    let of = |row: &store::activity::Activity| {
        About::read(row.body.get("client")?.as_str()?, row.body.get("event")?.as_str()?)
    };
    rows.filter_map(|row| Some((of(&row)?, line(row)))).collect()
}

fn line(row: store::activity::Activity) -> ActivityLine {
    let text = |key: &str| row.body.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    ActivityLine {
        id: row.id.cast_unsigned(),
        time_ms: row.time_ms,
        level: level(&row.level),
        subject: text("subject"),
        text: text("text").unwrap_or_default(),
        about: row.kind,
    }
}

pub(crate) fn level(name: &str) -> Level {
    match name {
        "error" => Level::Error,
        "warning" => Level::Warning,
        _ => Level::Info,
    }
}

pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}
