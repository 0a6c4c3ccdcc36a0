//! What the broker refused: counted, bounded, kept over a restart, and with the smallest rule that would allow it.
//!
//! The same client, kind and topic is one entry. Changed entries are written together once in [`KEEP_MS`], so that
//! a flood costs memory of a fixed size and a few rows on the disk.

mod known;
mod why;

use std::collections::HashSet;
use std::sync::Arc;

use broker::{Action, GateEvent, RefusedAt};
use model::Publisher;
use parking_lot::Mutex;
use store::{HubDb, StoreError};

use crate::access::Credentials;
use crate::api::types::{ListRefusals, Refusal, RefusalKind};
use crate::client_log::{FIGHT_MS, Fight};
use crate::logging;

use known::{Entry, Known};
pub use why::general;

/// Time between two writes of what changed, ms.
const KEEP_MS: i64 = 5_000;

/// What became of a client whose last will is not allowed.
const WITHOUT_WILL: &str = "it was let in without it";
const NOT_FOR_WILL: &str = "it was not let in";
/// What is as old as this is not of now any more, ms.
const LATELY_MS: i64 = 60 * 60 * 1_000;
/// A denial as old as this puts a client no longer on the list of those in trouble, ms.
const TROUBLE_MS: i64 = 10 * 60 * 1_000;
/// A limit that was met longer ago than this is not met any more, ms. The gate tells it again every ten seconds.
pub const LIMIT_LASTS_MS: i64 = 60_000;

/// The refusals.
pub struct Refusals {
    db: Arc<HubDb>,
    credentials: Arc<Credentials>,
    known: Mutex<Known>,
}

impl Refusals {
    /// Continues the stored ones. Reads the database, so not on an async worker.
    pub fn open(db: Arc<HubDb>, credentials: Arc<Credentials>) -> Result<Self, StoreError> {
        let mut known = Known { next_id: 1, ..Known::default() };
        for (id, row) in db.read(store::refusal::all)? {
            known.next_id = known.next_id.max(id + 1);
            match serde_json::from_value::<Entry>(row) {
                Ok(entry) => {
                    known.by_same.insert(entry.same(), id);
                    known.entries.insert(id, entry);
                }
                Err(why) => {
                    tracing::warn!(%why, id, "a stored refusal could not be read");
                    known.removed.insert(id);
                }
            }
        }
        Ok(Self { db, credentials, known: Mutex::new(known) })
    }

    /// Takes what the gate tells. Memory only.
    pub fn seen(&self, event: &GateEvent, now_ms: i64) {
        let now_ms = match event {
            // It is told late when it was only counted first.
            GateEvent::Refused { ago_ms, .. }
            | GateEvent::Denied { ago_ms, .. }
            | GateEvent::Held { ago_ms, .. } => now_ms - i64::from(*ago_ms),
            _ => now_ms,
        };
        match event {
            GateEvent::Refused { at, peer, client_id, user, why, advice, count, more, .. } => {
                let entry = Entry {
                    kind: match at {
                        RefusedAt::Login => RefusalKind::Login,
                        RefusedAt::Protocol => RefusalKind::Protocol,
                        RefusedAt::Limit => RefusalKind::Limit,
                    },
                    first_ms: now_ms,
                    last_ms: now_ms,
                    count: *count,
                    client_id: client_id.clone().filter(|id| !id.is_empty()),
                    user: user.clone().filter(|user| !user.is_empty()),
                    address: Some(peer.ip().to_string()),
                    topic: None,
                    why: why.clone(),
                    advice: advice.clone(),
                };
                let address = entry.address.clone();
                let kind = entry.kind;
                self.add(entry);
                if *more > 0 {
                    self.add(Entry {
                        kind,
                        first_ms: now_ms,
                        last_ms: now_ms,
                        count: *more,
                        client_id: None,
                        user: None,
                        address,
                        topic: None,
                        why: "one address was refused more often than can be told one by one".to_owned(),
                        advice:
                            "Look which device has this address, and take it off the network if you do not \
                                 know it."
                                .to_owned(),
                    });
                }
            }
            GateEvent::Denied { client_id, user, peer, topic, action, count, more, .. } => {
                let entry = Entry {
                    kind: kind_of(*action),
                    first_ms: now_ms,
                    last_ms: now_ms,
                    count: *count,
                    client_id: Some(client_id.clone()),
                    user: Some(user.clone()),
                    address: peer.map(|peer| peer.ip().to_string()),
                    topic: Some(topic.clone()),
                    why: match action {
                        Action::Will { let_in: true } => WITHOUT_WILL.to_owned(),
                        Action::Will { let_in: false } => NOT_FOR_WILL.to_owned(),
                        _ => String::new(),
                    },
                    advice: String::new(),
                };
                if *more > 0 {
                    self.add(Entry { count: *more, topic: None, ..entry.clone() });
                }
                self.add(entry);
            }
            GateEvent::Held { client_id, user, peer, topic, why, count, more, .. } => {
                let entry = Entry {
                    kind: RefusalKind::Guard,
                    first_ms: now_ms,
                    last_ms: now_ms,
                    count: *count,
                    // A part of Hearth is no client.
                    client_id: (user != Publisher::HUB).then(|| client_id.clone()),
                    user: Some(user.clone()),
                    address: peer.map(|peer| peer.ip().to_string()),
                    topic: Some(topic.clone()),
                    why: why.clone(),
                    advice: "Let it switch less often, or change the limit in Settings, Relay guard."
                        .to_owned(),
                };
                if *more > 0 {
                    self.add(Entry { count: *more, topic: None, ..entry.clone() });
                }
                self.add(entry);
            }
            GateEvent::RetainedFull { client_id, user, topic, count, why } => self.add(Entry {
                kind: RefusalKind::Limit,
                first_ms: now_ms,
                last_ms: now_ms,
                count: *count,
                client_id: Some(client_id.clone()),
                user: Some(user.clone()),
                address: None,
                topic: Some(topic.clone()),
                why: format!("its message was delivered and not retained: {why}"),
                advice: "Publish an empty retained message to each topic that is no longer used.".to_owned(),
            }),
            _ => {}
        }
    }

    fn add(&self, entry: Entry) {
        self.known.lock().add(entry);
    }

    /// Writes what changed, at most once in [`KEEP_MS`]; at once when the hub stops. Nobody waits for it.
    pub fn keep(&self, now_ms: i64, at_once: bool) {
        let mut known = self.known.lock();
        let early = (0..KEEP_MS).contains(&(now_ms - known.kept_ms)) && !at_once;
        let nothing = known.changed.is_empty() && known.removed.is_empty();
        // What cannot be written stays marked, and is tried with the next change that can.
        if early || nothing || (self.db.failure().is_some() && !at_once) {
            return;
        }
        known.kept_ms = now_ms;
        let changed = std::mem::take(&mut known.changed);
        let put: Vec<_> = changed
            .into_iter()
            .filter_map(|id| Some((id, serde_json::to_value(known.entries.get(&id)?).ok()?)))
            .collect();
        let remove: Vec<u64> = std::mem::take(&mut known.removed).into_iter().collect();
        drop(known);
        drop(self.db.write(move |conn| store::refusal::change(conn, &put, &remove)));
    }

    /// Those that were asked for, the one that happened last first.
    pub fn list(&self, wanted: &ListRefusals, limit: usize) -> Vec<Refusal> {
        let is = |wanted: &Option<String>, own: &Option<String>| wanted.is_none() || wanted == own;
        let search = wanted.search.as_ref().map(|text| text.to_lowercase());
        self.matching(limit, |entry| {
            let names = [&entry.client_id, &entry.user, &entry.address];
            let found =
                |text: &String| names.into_iter().flatten().any(|name| name.to_lowercase().contains(text));
            is(&wanted.client_id, &entry.client_id)
                && is(&wanted.user, &entry.user)
                && search.as_ref().is_none_or(found)
        })
    }

    /// Two devices use one client id: counted as often as they threw each other out.
    pub fn fought(&self, client_id: &str, user: &str, fight: &Fight, now_ms: i64) {
        let mut entry = Entry {
            kind: RefusalKind::Duplicate,
            first_ms: now_ms,
            last_ms: now_ms,
            count: 1,
            client_id: Some(client_id.to_owned()),
            user: Some(user.to_owned()),
            address: fight.addresses.first().cloned(),
            topic: None,
            why: "two devices use this client id and throw each other out".to_owned(),
            advice: "Give each device a client id of its own.".to_owned(),
        };
        if fight.addresses.len() > 1 {
            entry.why.push_str(&format!("; they come from {}", fight.addresses.join(" and ")));
        }
        let mut known = self.known.lock();
        let before = known.by_same.get(&entry.same()).and_then(|id| known.entries.get(id));
        if before.is_none_or(|before| now_ms - before.last_ms >= FIGHT_MS) {
            // A fight begins with those that made it one.
            entry.count = fight.times as u64;
        }
        known.add(entry);
    }

    /// Those about a client. One without a client id, such as a TLS handshake that failed, is told of the client
    /// that came from its `address` before only if nothing better is known: nothing names the client lately, and
    /// nobody else is known at that address.
    pub fn about(&self, client_id: &str, address: Option<&str>, now_ms: i64, limit: usize) -> Vec<Refusal> {
        let of = |entry: &Entry| entry.client_id.as_deref() == Some(client_id);
        let address = address.filter(|address| {
            let known = self.known.lock();
            !known.entries.values().any(|entry| match &entry.client_id {
                Some(id) if id == client_id => now_ms - entry.last_ms < LATELY_MS,
                Some(_) => entry.address.as_deref() == Some(*address),
                None => false,
            })
        });
        self.matching(limit, |entry| match &entry.client_id {
            Some(_) => of(entry),
            None => address.is_some() && entry.address.as_deref() == address,
        })
    }

    /// The clients that were denied something minutes ago which no rule allows yet, or are at a limit now.
    pub fn in_trouble(&self, now_ms: i64) -> HashSet<String> {
        let lately = |entry: &Entry| {
            let lasts_ms = match entry.kind {
                RefusalKind::Limit | RefusalKind::Guard => LIMIT_LASTS_MS,
                // The log of the client knows whether it still goes on.
                RefusalKind::Duplicate => return false,
                _ => TROUBLE_MS,
            };
            now_ms - entry.last_ms < lasts_ms
        };
        let recent: Vec<Entry> = {
            let known = self.known.lock();
            known
                .entries
                .values()
                .filter(|entry| entry.client_id.is_some() && lately(entry))
                .cloned()
                .collect()
        };
        let unsettled = recent.into_iter().filter(|entry| !self.told(entry).settled);
        // Whoever is on the list is in, so its login and its protocol are no trouble any more.
        unsettled
            .filter(|entry| !matches!(entry.kind, RefusalKind::Login | RefusalKind::Protocol))
            .filter_map(|entry| entry.client_id)
            .collect()
    }

    fn matching(&self, limit: usize, wanted: impl Fn(&Entry) -> bool) -> Vec<Refusal> {
        let mut found: Vec<(u64, Entry)> = {
            let known = self.known.lock();
            known.entries.iter().filter(|(_, e)| wanted(e)).map(|(id, e)| (*id, e.clone())).collect()
        };
        found.sort_by_key(|(id, entry)| std::cmp::Reverse((entry.last_ms, *id)));
        found.truncate(limit);
        found.into_iter().map(|(id, entry)| self.view(id, entry)).collect()
    }

    /// With the words and the rule of the present permissions: what was allowed since needs no rule.
    fn view(&self, id: u64, entry: Entry) -> Refusal {
        let told = self.told(&entry);
        let visible = |text: Option<String>| text.map(|text| logging::visible(&text).into_owned());
        Refusal {
            id,
            kind: entry.kind,
            first_ms: entry.first_ms,
            last_ms: entry.last_ms,
            count: entry.count,
            client_id: entry.client_id,
            user: entry.user,
            address: entry.address,
            topic: entry.topic,
            why: visible(Some(told.why)).unwrap_or_default(),
            advice: visible(Some(told.advice)).unwrap_or_default(),
            proposal: told.proposal,
            settled: told.settled,
        }
    }

    fn told(&self, entry: &Entry) -> why::Told {
        use RefusalKind::{Publish, Receive, Subscribe, Will};
        if !matches!(entry.kind, Publish | Subscribe | Receive | Will) {
            return why::Told {
                why: entry.why.clone(),
                advice: entry.advice.clone(),
                proposal: None,
                settled: false,
            };
        }
        let (user, client_id) =
            (entry.user.as_deref().unwrap_or_default(), entry.client_id.as_deref().unwrap_or_default());
        let credential = self.credentials.get(user);
        let rules = credential.as_ref().map(|credential| (&credential.permissions, credential.learning));
        let mut told = why::told(entry.kind, user, client_id, entry.topic.as_deref(), rules);
        if let (RefusalKind::Will, Some(topic)) = (entry.kind, &entry.topic) {
            if told.settled && entry.why == NOT_FOR_WILL {
                told.advice =
                    "Nothing is left to do; a device that gave up tries again when it is restarted.".into();
            }
            let is = if told.settled { "was" } else { "is" };
            told.why = format!("its last will on `{topic}` {is} not allowed, so {}: {}", entry.why, told.why);
        }
        told
    }

    /// Why something is denied now, in words, and whether a rule would allow it: for the activity.
    pub fn words(&self, action: Action, user: &str, client_id: &str, topic: &str) -> (String, bool) {
        let credential = self.credentials.get(user);
        let rules = credential.as_ref().map(|credential| (&credential.permissions, credential.learning));
        let told = why::told(kind_of(action), user, client_id, Some(topic), rules);
        (told.why, told.proposal.is_some())
    }
}

fn kind_of(action: Action) -> RefusalKind {
    match action {
        Action::Publish => RefusalKind::Publish,
        Action::Subscribe => RefusalKind::Subscribe,
        Action::Receive => RefusalKind::Receive,
        Action::Will { .. } => RefusalKind::Will,
    }
}

#[cfg(test)]
mod tests {
    use super::known::{ENTRIES_OF_KIND_MAX, ENTRIES_OF_ONE_MAX};
    use super::*;

    fn entry(kind: RefusalKind, client: &str, topic: &str, at_ms: i64) -> Entry {
        Entry {
            kind,
            first_ms: at_ms,
            last_ms: at_ms,
            count: 1,
            client_id: Some(client.to_owned()),
            user: Some("u".to_owned()),
            address: Some("10.0.0.1".to_owned()),
            topic: Some(topic.to_owned()),
            why: String::new(),
            advice: String::new(),
        }
    }

    fn of_client(id: &str) -> ListRefusals {
        ListRefusals { client_id: Some(id.to_owned()), ..ListRefusals::default() }
    }

    fn open(db: &Arc<HubDb>) -> Refusals {
        let credentials = Arc::new(Credentials::load(db.clone()).unwrap());
        Refusals::open(db.clone(), credentials).unwrap()
    }

    fn db(dir: &std::path::Path) -> Arc<HubDb> {
        Arc::new(HubDb::open(&dir.join("hub.db"), store::log_checked()).unwrap())
    }

    #[test]
    fn the_same_is_counted_and_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let db = db(dir.path());
        let refusals = open(&db);
        for at_ms in 1..=3 {
            refusals.add(entry(RefusalKind::Publish, "plug", "a", at_ms));
        }
        refusals.add(entry(RefusalKind::Subscribe, "plug", "a", 4));
        refusals.keep(10, true);
        db.flush().wait().unwrap();
        for refusals in [refusals, open(&db)] {
            let listed = refusals.list(&of_client("plug"), 10);
            let told: Vec<_> = listed.iter().map(|r| (r.kind, r.count, r.first_ms, r.last_ms)).collect();
            assert_eq!(told, [(RefusalKind::Subscribe, 1, 4, 4), (RefusalKind::Publish, 3, 1, 3)]);
            assert!(refusals.list(&of_client("lamp"), 10).is_empty());
            let searched = |text: &str| {
                let search = Some(text.to_owned());
                refusals.list(&ListRefusals { search, ..ListRefusals::default() }, 1).len()
            };
            assert_eq!(["PLUG", "u", "0.0.1", "lamp"].map(searched), [1, 1, 1, 0]);
        }
    }

    #[test]
    fn a_flood_pushes_out_its_own_and_is_written_rarely() {
        let dir = tempfile::tempdir().unwrap();
        let db = db(dir.path());
        let refusals = open(&db);
        refusals.add(entry(RefusalKind::Publish, "lamp", "mine", 1));
        refusals.keep(1_000_000, false);
        for n in 0..5_000 {
            refusals.add(entry(RefusalKind::Publish, "plug", &n.to_string(), 2 + n));
            refusals.keep(1_000_000 + n % KEEP_MS, false);
        }
        refusals.keep(1_000_000 + KEEP_MS, false);
        db.flush().wait().unwrap();
        assert_eq!(db.read(store::refusal::all).unwrap().len(), 1 + ENTRIES_OF_ONE_MAX);
        assert_eq!(refusals.list(&of_client("lamp"), 10).len(), 1, "another client's is still there");
        for n in 0..5_000 {
            refusals.add(entry(RefusalKind::Publish, &n.to_string(), "a", 10_000 + n));
        }
        assert_eq!(refusals.list(&ListRefusals::default(), 10_000).len(), ENTRIES_OF_KIND_MAX);
    }

    #[test]
    fn one_without_a_client_id_is_found_by_its_address() {
        let dir = tempfile::tempdir().unwrap();
        let refusals = open(&db(dir.path()));
        let unknown = Entry { client_id: None, topic: None, ..entry(RefusalKind::Protocol, "", "", 1) };
        refusals.add(unknown);
        assert_eq!(refusals.about("plug", Some("10.0.0.1"), 1, 10).len(), 1);
        assert!(refusals.about("plug", None, 1, 10).is_empty());
    }

    #[test]
    fn one_without_a_client_id_is_not_told_of_a_client_when_something_better_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let refusals = open(&db(dir.path()));
        let unknown = Entry { client_id: None, topic: None, ..entry(RefusalKind::Protocol, "", "", 3) };
        refusals.add(unknown);
        refusals.add(entry(RefusalKind::Login, "plug", "", 2));
        let check = |client: &str, now_ms: i64, expected: &[RefusalKind]| {
            let found = refusals.about(client, Some("10.0.0.1"), now_ms, 10);
            assert_eq!(found.iter().map(|refusal| refusal.kind).collect::<Vec<_>>(), expected, "{client}");
        };
        check("plug", 4, &[RefusalKind::Login]);
        check("lamp", 4, &[]);
        check("plug", 4 + LATELY_MS, &[RefusalKind::Protocol, RefusalKind::Login]);
    }

    #[test]
    fn clients_are_in_trouble_while_there_is_something_to_act_on() {
        let dir = tempfile::tempdir().unwrap();
        let refusals = open(&db(dir.path()));
        refusals.add(entry(RefusalKind::Publish, "plug", "a", 1));
        refusals.add(entry(RefusalKind::Limit, "fast", "", 1));
        refusals.add(entry(RefusalKind::Login, "guess", "", 1));
        let check = |now_ms: i64, expected: &[&str]| {
            let mut found: Vec<String> = refusals.in_trouble(now_ms).into_iter().collect();
            found.sort();
            assert_eq!(found, expected);
        };
        check(2, &["fast", "plug"]);
        check(1 + LIMIT_LASTS_MS, &["plug"]);
        check(1 + TROUBLE_MS, &[]);
    }

    #[test]
    fn a_fight_over_a_client_id_is_one_entry_that_counts() {
        let dir = tempfile::tempdir().unwrap();
        let refusals = open(&db(dir.path()));
        let fight =
            |times: usize, last: &str| Fight { times, addresses: vec!["10.0.0.1".into(), last.to_owned()] };
        refusals.fought("twin", "u", &fight(3, "10.0.0.2"), 1);
        refusals.fought("twin", "u", &fight(4, "10.0.0.3"), 2);
        refusals.fought("twin", "u", &fight(3, "10.0.0.3"), 2 + FIGHT_MS);
        let found = refusals.list(&of_client("twin"), 10);
        assert_eq!((found.len(), found[0].kind, found[0].count), (1, RefusalKind::Duplicate, 7));
        assert!(found[0].why.ends_with("they come from 10.0.0.1 and 10.0.0.3"), "{}", found[0].why);
    }

    #[test]
    fn a_last_will_is_told_with_what_became_of_its_client() {
        let dir = tempfile::tempdir().unwrap();
        let refusals = open(&db(dir.path()));
        let will = Entry { why: WITHOUT_WILL.to_owned(), ..entry(RefusalKind::Will, "plug", "w", 1) };
        refusals.add(will);
        let told = &refusals.list(&of_client("plug"), 1)[0];
        let words = "its last will on `w` is not allowed, so it was let in without it: ";
        assert!(told.why.starts_with(words), "{}", told.why);
    }
}
