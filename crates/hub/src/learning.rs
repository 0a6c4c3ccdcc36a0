//! What credentials do while they learn, and the tightest permissions that cover it.
//!
//! Learning ends by itself after [`LEARNING_MS`]: meanwhile the credential may do nearly everything. What was seen
//! stays until the next learning, so that its rules can be taken over later.

mod tightest;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use broker::{Action, GateEvent};
use model::{Permissions, TopicFilter};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{HubDb, StoreError};

use crate::access::Credential;
use crate::api::ApiError;
use crate::api::types::{Learned, LearnedTopic};
use crate::credential::is_masked;
use crate::refusals::general;

/// After this time learning ends by itself, ms: a day, in which most devices do all they ever do.
pub const LEARNING_MS: i64 = 24 * 60 * 60 * 1_000;
/// Credentials that learn at a time: each of them is open meanwhile.
const LEARNING_MAX: usize = 20;
/// Credentials whose learning is remembered; the one that ended first goes.
const REMEMBERED_MAX: usize = 200;
/// Topics remembered per credential and kind; more make its record incomplete.
const TOPICS_MAX: usize = 500;
/// Longest topic remembered, bytes; a longer one makes the record incomplete.
const TOPIC_BYTES_MAX: usize = 1_024;
/// Forms kept of one topic: clients of different ids may mean different rules by it.
const FORMS_MAX: usize = 4;
/// Time between two writes of what changed, ms.
const KEEP_MS: i64 = 5_000;

/// What one credential was seen doing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Record {
    on: bool,
    since_ms: i64,
    until_ms: i64,
    written: BTreeMap<String, Seen>,
    read: BTreeMap<String, Seen>,
    incomplete: bool,
}

/// A topic or filter that was used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    count: u64,
    last_ms: i64,
    /// As rules, with `%u` and `%c`.
    forms: Vec<String>,
}

/// What was learned.
pub struct Learning {
    db: Arc<HubDb>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    records: HashMap<String, Record>,
    changed: HashSet<String>,
    kept_ms: i64,
}

impl Learning {
    /// Continues what is stored. Reads the database, so not on an async worker.
    pub fn open(db: Arc<HubDb>) -> Result<Self, StoreError> {
        let read = |(name, row)| match serde_json::from_value::<Record>(row) {
            Ok(record) => Some((name, record)),
            Err(why) => {
                tracing::warn!(%why, name, "what a credential learned could not be read");
                None
            }
        };
        let records = db.read(store::learning::all)?.into_iter().filter_map(read).collect();
        Ok(Self { db, known: Mutex::new(Known { records, ..Known::default() }) })
    }

    /// The credentials that learn.
    pub fn learners(&self) -> Vec<String> {
        let known = self.known.lock();
        known.records.iter().filter(|(_, record)| record.on).map(|(name, _)| name.clone()).collect()
    }

    /// Those whose time is over.
    pub fn over(&self, now_ms: i64) -> Vec<String> {
        let known = self.known.lock();
        let over = |record: &Record| record.on && !(record.since_ms..record.until_ms).contains(&now_ms);
        known.records.iter().filter(|(_, record)| over(record)).map(|(name, _)| name.clone()).collect()
    }

    /// Begins anew, or goes on until later when it learns already. Durable when this returns.
    pub async fn begin(&self, name: &str, now_ms: i64) -> Result<(), ApiError> {
        let before = {
            let mut known = self.known.lock();
            let learners = known.records.iter().filter(|(other, record)| record.on && *other != name).count();
            if learners >= LEARNING_MAX {
                return Err(ApiError::conflict(format!(
                    "{LEARNING_MAX} credentials are learning already. End the learning of one of them first."
                )));
            }
            if known.records.len() >= REMEMBERED_MAX && !known.records.contains_key(name) {
                let ended = known.records.iter().filter(|(_, record)| !record.on);
                let oldest = ended.min_by_key(|(_, record)| record.until_ms).map(|(name, _)| name.clone());
                if let Some(oldest) = oldest {
                    known.records.remove(&oldest);
                    drop(self.db.write(move |conn| store::learning::remove(conn, &oldest)));
                }
            }
            let before = known.records.get(name).cloned();
            let record = known.records.entry(name.to_owned()).or_default();
            if !record.on {
                *record = Record { on: true, since_ms: now_ms, ..Record::default() };
            }
            record.until_ms = now_ms + LEARNING_MS;
            before
        };
        let kept = self.keep_one(name).await;
        if kept.is_err() {
            let mut known = self.known.lock();
            match before {
                Some(before) => known.records.insert(name.to_owned(), before),
                None => known.records.remove(name),
            };
        }
        kept
    }

    /// Ends it; what was seen stays. Durable when this returns. Says whether it was on.
    pub async fn end(&self, name: &str, now_ms: i64) -> Result<bool, ApiError> {
        {
            let mut known = self.known.lock();
            let Some(record) = known.records.get_mut(name).filter(|record| record.on) else {
                return Ok(false);
            };
            record.on = false;
            record.until_ms = now_ms.min(record.until_ms);
        }
        self.keep_one(name).await.map(|()| true)
    }

    /// The credential is no more.
    pub async fn forget(&self, name: &str) -> Result<(), ApiError> {
        if !self.known.lock().records.contains_key(name) {
            return Ok(());
        }
        let row = name.to_owned();
        self.db.write(move |conn| store::learning::remove(conn, &row)).await.map_err(ApiError::internal)?;
        self.known.lock().records.remove(name);
        Ok(())
    }

    async fn keep_one(&self, name: &str) -> Result<(), ApiError> {
        let written = {
            let known = self.known.lock();
            let Some(record) = known.records.get(name) else { return Ok(()) };
            let row = serde_json::to_value(record).map_err(ApiError::internal)?;
            let name = name.to_owned();
            // Handed over under the lock, so that the rows come in the order of the changes.
            self.db.write(move |conn| store::learning::put(conn, &name, &row))
        };
        written.await.map_err(ApiError::internal)
    }

    /// Takes what the gate tells. Memory only.
    pub fn seen(&self, event: &GateEvent, now_ms: i64) {
        let GateEvent::Learned { client_id, user, action, topic } = event else { return };
        let mut known = self.known.lock();
        let Some(record) = known.records.get_mut(user).filter(|record| record.on) else { return };
        record.add(user, client_id, *action, topic, now_ms);
        known.changed.insert(user.clone());
    }

    /// Writes what changed, at most once in [`KEEP_MS`]; at once when the hub stops. Nobody waits for it.
    pub fn keep(&self, now_ms: i64, at_once: bool) {
        let mut known = self.known.lock();
        let early = (0..KEEP_MS).contains(&(now_ms - known.kept_ms)) && !at_once;
        if early || known.changed.is_empty() || (self.db.failure().is_some() && !at_once) {
            return;
        }
        known.kept_ms = now_ms;
        for name in std::mem::take(&mut known.changed) {
            let row = known.records.get(&name).and_then(|record| serde_json::to_value(record).ok());
            let Some(row) = row else { continue };
            drop(self.db.write(move |conn| store::learning::put(conn, &name, &row)));
        }
    }

    /// What a credential was seen doing, and the permissions proposed for it.
    pub fn learned(&self, credential: &Credential) -> Learned {
        let record = self.known.lock().records.get(&*credential.name).cloned();
        let never = record.is_none();
        let record = record.unwrap_or_default();
        let topics = |seen: &BTreeMap<String, Seen>, rules: &[TopicFilter]| {
            let allows = Allows::new(rules, &credential.name);
            seen.iter()
                .map(|(topic, seen)| LearnedTopic {
                    topic: topic.clone(),
                    count: seen.count,
                    last_ms: seen.last_ms,
                    allowed: allows.all(topic, &seen.forms),
                })
                .collect()
        };
        Learned {
            name: credential.name.to_string(),
            on: record.on,
            since_ms: (!never).then_some(record.since_ms),
            until_ms: (!never).then_some(record.until_ms),
            written: topics(&record.written, &credential.permissions.write),
            read: topics(&record.read, &credential.permissions.read),
            incomplete: record.incomplete,
            proposal: record.proposal(),
        }
    }

    /// Whether a learning is over whose rules were not taken over.
    pub fn is_unused(&self, credential: &Credential) -> bool {
        let learned = self.learned(credential);
        !learned.on && learned.written.iter().chain(&learned.read).any(|topic| !topic.allowed)
    }
}

impl Record {
    fn add(&mut self, user: &str, client_id: &str, action: Action, topic: &str, now_ms: i64) {
        let seen = if matches!(action, Action::Publish | Action::Will { .. }) {
            &mut self.written
        } else {
            &mut self.read
        };
        let full = seen.len() >= TOPICS_MAX && !seen.contains_key(topic);
        // Nor is a topic with a secret in it fit for a rule.
        if full || topic.len() > TOPIC_BYTES_MAX || is_masked(topic) {
            self.incomplete = true;
            return;
        }
        let seen = seen.entry(topic.to_owned()).or_default();
        seen.count += 1;
        seen.last_ms = now_ms;
        let form = general(topic, user, client_id).unwrap_or_else(|| literal(topic));
        if !seen.forms.contains(&form) {
            // The literal form is right for every client id.
            let form = if seen.forms.len() + 1 < FORMS_MAX { form } else { literal(topic) };
            if !seen.forms.contains(&form) {
                seen.forms.push(form);
            }
        }
    }

    fn proposal(&self) -> Permissions {
        let cover = |seen: &BTreeMap<String, Seen>| {
            tightest::tightest(seen.values().flat_map(|seen| &seen.forms).map(String::as_str))
        };
        Permissions { write: cover(&self.written), read: cover(&self.read) }
    }
}

/// The topic as a rule of its own. What would be taken for a placeholder becomes `+`.
fn literal(topic: &str) -> String {
    let level =
        |level: &'_ str| if level.contains("%u") || level.contains("%c") { "+" } else { level }.to_owned();
    topic.split('/').map(level).collect::<Vec<_>>().join("/")
}

/// Rules to hold what was seen against.
struct Allows {
    rules: Vec<TopicFilter>,
    /// Those that hold for every client id, the user filled in.
    filled: Vec<TopicFilter>,
}

impl Allows {
    fn new(rules: &[TopicFilter], user: &str) -> Self {
        let only = Permissions { write: rules.to_vec(), read: Vec::new() };
        Self { rules: rules.to_vec(), filled: only.for_client(user, "").write }
    }

    fn all(&self, topic: &str, forms: &[String]) -> bool {
        let is_within = |text: &str, rules: &[TopicFilter]| {
            TopicFilter::new(text).is_ok_and(|filter| rules.iter().any(|rule| rule.covers(&filter)))
        };
        is_within(topic, &self.filled) || forms.iter().all(|form| is_within(form, &self.rules))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USER: &str = "plug";

    fn record(seen: &[(&str, Action, &str)]) -> Record {
        let mut record = Record { on: true, ..Record::default() };
        for (client_id, action, topic) in seen {
            record.add(USER, client_id, *action, topic, 1);
        }
        record
    }

    #[test]
    fn a_board_gets_rules_for_itself() {
        let seen = [
            ("ESP-1", Action::Publish, "tele/plug/STATE"),
            ("ESP-1", Action::Publish, "tele/plug/LWT"),
            ("ESP-1", Action::Publish, "log/ESP-1"),
            ("ESP-1", Action::Subscribe, "cmnd/plug/#"),
            ("ESP-1", Action::Subscribe, "cmnd/plug/POWER"),
        ];
        let proposal = record(&seen).proposal();
        let texts =
            |filters: &[TopicFilter]| filters.iter().map(|f| f.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(texts(&proposal.write), ["log/%c", "tele/%u/LWT", "tele/%u/STATE"]);
        assert_eq!(texts(&proposal.read), ["cmnd/%u/#"]);
    }

    #[test]
    fn more_than_is_remembered_is_told() {
        let mut record = record(&[]);
        for n in 0..=TOPICS_MAX {
            record.add(USER, "c", Action::Publish, &n.to_string(), 1);
        }
        assert!(record.incomplete && record.written.len() == TOPICS_MAX);
        let mut long = Record::default();
        long.add(USER, "c", Action::Publish, &"x".repeat(TOPIC_BYTES_MAX + 1), 1);
        assert!(long.incomplete);
    }

    #[tokio::test]
    async fn learning_survives_a_restart_and_is_over_after_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let db = Arc::new(HubDb::open(&dir.path().join("hub.db"), store::log_checked()).unwrap());
        let learning = Learning::open(db.clone()).unwrap();
        learning.begin(USER, 1_000).await.unwrap();
        let event = GateEvent::Learned {
            client_id: "c".into(),
            user: USER.into(),
            action: Action::Publish,
            topic: "a/c".into(),
        };
        learning.seen(&event, 2_000);
        learning.keep(2_000, true);
        db.flush().await.unwrap();
        let learning = Learning::open(db.clone()).unwrap();
        assert_eq!(learning.learners(), [USER]);
        assert!(learning.over(1_000 + LEARNING_MS - 1).is_empty());
        assert_eq!(learning.over(1_000 + LEARNING_MS), [USER]);
        assert_eq!(learning.over(0), [USER], "a clock that was set back does not prolong it");
        assert_eq!(learning.known.lock().records[USER].written["a/c"].forms, ["a/%c"]);
        assert!(learning.end(USER, 5_000).await.unwrap());
        assert!(!learning.end(USER, 5_001).await.unwrap(), "it is over");
        learning.seen(&event, 6_000);
        let learning = Learning::open(db).unwrap();
        assert!(learning.learners().is_empty());
        assert_eq!(learning.known.lock().records[USER].written["a/c"].count, 1);
        learning.forget(USER).await.unwrap();
        assert!(learning.known.lock().records.is_empty());
    }

    #[tokio::test]
    async fn few_credentials_learn_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let db = Arc::new(HubDb::open(&dir.path().join("hub.db"), store::log_checked()).unwrap());
        let learning = Learning::open(db).unwrap();
        for n in 0..LEARNING_MAX {
            learning.begin(&n.to_string(), 1).await.unwrap();
        }
        assert!(learning.begin("one more", 1).await.unwrap_err().message.contains("End the learning"));
        learning.begin("3", 1).await.unwrap();
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("%u"),
            Just("%c"),
            Just("+"),
            Just("a/b"),
            Just("plug"),
            Just("e1"),
            Just("e2"),
            Just("1")
        ]
        .prop_map(str::to_owned)
    }

    fn topic() -> impl Strategy<Value = String> {
        let level = prop_oneof![
            Just("%u"),
            Just("%c"),
            Just("x%cy"),
            Just("plug"),
            Just("e1"),
            Just("e2"),
            Just("1"),
            Just("2"),
            Just("$SYS"),
            Just(""),
            Just("100%"),
        ];
        prop::collection::vec(level, 2..6).prop_map(|levels| levels.join("/"))
    }

    proptest! {
        // Each case is slow without optimisation.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_proposal_allows_everything_that_was_seen(
            seen in prop::collection::vec((name(), topic(), 0..3u8), 0..200)
        ) {
            let mut record = Record::default();
            let wide = |topic: &str, kind: u8| match kind {
                1 => format!("{topic}/#"),
                2 => format!("{topic}/+"),
                _ => topic.to_owned(),
            };
            for (client, topic, kind) in &seen {
                record.add(USER, client, Action::Publish, topic, 1);
                record.add(USER, client, Action::Subscribe, &wide(topic, *kind), 1);
            }
            prop_assert!(!record.incomplete);
            let proposal = record.proposal();
            for (client, topic, kind) in &seen {
                let may = proposal.for_client(USER, client);
                prop_assert!(may.may_write(topic), "{client} to {topic} by {proposal:?}");
                let filter = TopicFilter::new(&wide(topic, *kind)).unwrap();
                prop_assert!(may.may_subscribe(&filter), "{client} of {filter} by {proposal:?}");
            }
        }
    }
}
