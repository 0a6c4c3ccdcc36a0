//! What happened lately, for people: kept in `hub.db`, told to watchers, and written to the log.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use store::{HubDb, StoreError};

use crate::api::types::{ActivityLine, Level};
use crate::clock;
use crate::frames::{HubEvent, Watchers};

/// The same line about the same thing is told once in this time, ms; then with how often it came.
const REPEAT_MS: i64 = 60_000;
/// Lines whose repetitions are counted at a time.
const REPEATED_MAX: usize = 1_000;

/// The activity.
pub struct ActivityLog {
    db: Arc<HubDb>,
    watchers: Arc<Watchers>,
    /// Held while a line is handed over, so that the database numbers lines in the same order.
    next_id: Mutex<u64>,
    repeated: Mutex<HashMap<String, Repeated>>,
}

struct Repeated {
    told_ms: i64,
    since: u64,
}

impl ActivityLog {
    /// Continues the stored one.
    pub fn open(db: Arc<HubDb>, watchers: Arc<Watchers>) -> Result<Self, StoreError> {
        let newest = db.read(|conn| store::activity::newest(conn, None, 1))?;
        let next_id = Mutex::new(newest.first().map_or(1, |line| line.id.cast_unsigned() + 1));
        Ok(Self { db, watchers, next_id, repeated: Mutex::default() })
    }

    /// Adds a line. A flood of the same line, such as a board that tries a wrong password every second,
    /// becomes one line a minute with a count.
    pub fn add(&self, level: Level, about: &str, subject: Option<&str>, text: impl Into<String>) {
        let (now_ms, text) = (clock::now_ms(), text.into());
        let Some(text) = self.count_repeats(now_ms, about, text) else { return };
        match level {
            Level::Info => tracing::info!(about, subject, "{text}"),
            Level::Warning => tracing::warn!(about, subject, "{text}"),
            Level::Error => tracing::error!(about, subject, "{text}"),
        }
        let mut next_id = self.next_id.lock();
        let id = *next_id;
        *next_id += 1;
        let line = ActivityLine {
            id,
            time_ms: now_ms,
            level,
            about: about.to_owned(),
            subject: subject.map(str::to_owned),
            text,
        };
        let row = store::activity::Activity {
            id: 0,
            time_ms: now_ms,
            kind: line.about.clone(),
            level: level_name(level).to_owned(),
            body: json!({ "subject": line.subject, "text": line.text }),
        };
        drop(self.db.write(move |conn| store::activity::add(conn, &row)));
        self.watchers.tell(&HubEvent::Activity(line));
    }

    fn count_repeats(&self, now_ms: i64, about: &str, text: String) -> Option<String> {
        let mut repeated = self.repeated.lock();
        let key = format!("{about} {text}");
        if let Some(seen) = repeated.get_mut(&key) {
            if now_ms - seen.told_ms < REPEAT_MS {
                seen.since += 1;
                return None;
            }
            let since = std::mem::take(&mut seen.since);
            seen.told_ms = now_ms;
            return Some(if since == 0 { text } else { format!("{text} ({since} more times since.)") });
        }
        if repeated.len() >= REPEATED_MAX {
            repeated.retain(|_, seen| now_ms - seen.told_ms < REPEAT_MS);
        }
        if repeated.len() < REPEATED_MAX {
            repeated.insert(key, Repeated { told_ms: now_ms, since: 0 });
        }
        Some(text)
    }

    /// Lines before an id, newest first.
    pub fn list(&self, before: Option<u64>, limit: usize) -> Result<Vec<ActivityLine>, StoreError> {
        let before = before.map(u64::cast_signed);
        let rows = self.db.read(|conn| store::activity::newest(conn, before, limit))?;
        Ok(rows.into_iter().map(line).collect())
    }
}

fn line(row: store::activity::Activity) -> ActivityLine {
    let text = |key: &str| row.body.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    ActivityLine {
        id: row.id.cast_unsigned(),
        time_ms: row.time_ms,
        level: match row.level.as_str() {
            "error" => Level::Error,
            "warning" => Level::Warning,
            _ => Level::Info,
        },
        subject: text("subject"),
        text: text("text").unwrap_or_default(),
        about: row.kind,
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}
