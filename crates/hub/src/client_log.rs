//! What happened to each client of the broker: a short log per client id, and whether two devices fight over one.
//!
//! Kept in memory; the lines are those of the activity, from which they are restored after a restart, and from which
//! those of a client are read that was forgotten here.

use std::collections::{HashMap, VecDeque};

use broker::watch::TAKEN_OVER;
use parking_lot::Mutex;

use crate::api::types::{ActivityLine, ClientEvent, Level};
use crate::logging;

/// Clients remembered; the one nothing happened to for the longest time goes, those that never came in first.
const CLIENTS_MAX: usize = 1_000;
/// Lines remembered of one client.
pub const LINES_MAX: usize = 50;
/// Lines of the activity looked through at the start.
pub const RESTORED_MAX: usize = 5_000;
/// Take-overs of one client id within [`FIGHT_MS`] that are a fight, and not a device that came back early.
const FIGHT_TIMES: usize = 3;
/// Time in which take-overs are counted, ms.
pub const FIGHT_MS: i64 = 120_000;
/// A client that lost messages within this time loses them still, ms.
pub const DROPPED_LATELY_MS: i64 = 10 * 60 * 1_000;
/// Take-overs and addresses remembered of one client.
const TAKEN_OVER_MAX: usize = 20;

/// What a line is about, as it is kept with the activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// MQTT client id.
    pub client_id: String,
    /// `connected`, `disconnected`, `refused`, `denied`, `held`, `dropped`, `misunderstood`.
    pub kind: &'static str,
}

/// The kinds of lines.
const KINDS: [&str; 7] =
    ["connected", "disconnected", "refused", "denied", "held", "dropped", "misunderstood"];

impl About {
    /// As it was kept.
    pub fn read(client_id: &str, kind: &str) -> Option<Self> {
        let kind = KINDS.into_iter().find(|known| *known == kind)?;
        Some(Self { client_id: client_id.to_owned(), kind })
    }
}

/// Two devices throw each other out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fight {
    /// How often lately.
    pub times: usize,
    /// Where they come from; one when they share an address.
    pub addresses: Vec<String>,
}

/// The logs.
#[derive(Debug, Default)]
pub struct ClientLog(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    clients: HashMap<String, Client>,
    touched: u64,
    /// Clients were forgotten.
    forgot: bool,
}

#[derive(Debug, Default)]
struct Client {
    lines: VecDeque<Line>,
    taken_over_ms: VecDeque<i64>,
    dropped_ms: Option<i64>,
    addresses: VecDeque<String>,
    came_in: bool,
    touched: u64,
}

#[derive(Debug)]
struct Line {
    time_ms: i64,
    level: Level,
    kind: &'static str,
    text: String,
    /// How often in a row.
    count: u64,
}

impl ClientLog {
    /// Adds a line.
    pub fn add(&self, about: &About, time_ms: i64, level: Level, text: &str) {
        let mut known = self.0.lock();
        let client = known.client(&about.client_id, about.kind);
        if about.kind == "disconnected" && text.contains(TAKEN_OVER) {
            push(&mut client.taken_over_ms, time_ms, TAKEN_OVER_MAX);
        }
        if about.kind == "dropped" {
            client.dropped_ms = Some(time_ms);
        }
        match client.lines.back_mut() {
            Some(last) if last.kind == about.kind && last.text == text => {
                last.count += 1;
                last.time_ms = time_ms;
            }
            _ => {
                let text = logging::visible(text).into_owned();
                push(&mut client.lines, Line { time_ms, level, kind: about.kind, text, count: 1 }, LINES_MAX);
            }
        }
    }

    /// Where a client connected from.
    pub fn came_from(&self, client_id: &str, address: &str) {
        let mut known = self.0.lock();
        push(&mut known.client(client_id, "connected").addresses, address.to_owned(), TAKEN_OVER_MAX);
    }

    /// Takes the activity of the last run, the oldest line first.
    pub fn restore(&self, lines: impl Iterator<Item = (About, ActivityLine)>) {
        for (about, line) in lines {
            self.add(&about, line.time_ms, line.level, &line.text);
        }
        // What happened before the start is no fight now.
        for client in self.0.lock().clients.values_mut() {
            client.taken_over_ms.clear();
        }
    }

    /// Whether the activity may have older lines of the client than these.
    pub fn is_partial(&self, lines: &[ClientEvent]) -> bool {
        lines.is_empty() || (lines.len() < LINES_MAX && self.0.lock().forgot)
    }

    /// The lines of a client, the newest first: those there are, and before them those that the activity has, whose
    /// oldest comes first.
    pub fn with_kept(lines: Vec<ClientEvent>, kept: Vec<(About, ActivityLine)>) -> Vec<ClientEvent> {
        let Some((About { client_id, .. }, _)) = kept.first() else { return lines };
        let client_id = client_id.clone();
        let oldest_ms = lines.last().map_or(i64::MAX, |line| line.time_ms);
        let before = Self::default();
        before.restore(kept.into_iter().filter(|(_, line)| line.time_ms < oldest_ms));
        let older = before.lines(&client_id);
        lines.into_iter().chain(older).take(LINES_MAX).collect()
    }

    /// The lines of a client that are in memory, the newest first.
    pub fn lines(&self, client_id: &str) -> Vec<ClientEvent> {
        let known = self.0.lock();
        let lines = known.clients.get(client_id).into_iter().flat_map(|client| client.lines.iter().rev());
        let mut lines: Vec<_> = lines
            .map(|line| ClientEvent {
                time_ms: line.time_ms,
                level: line.level,
                kind: line.kind.to_owned(),
                text: match line.count {
                    1 => line.text.clone(),
                    count => format!("{} ({count} times in a row)", line.text),
                },
            })
            .collect();
        // A line that a flood held back is told later than those behind it.
        lines.sort_by_key(|line| std::cmp::Reverse(line.time_ms));
        lines
    }

    /// Where a client was connected from last, since the start.
    pub fn address(&self, client_id: &str) -> Option<String> {
        self.0.lock().clients.get(client_id)?.addresses.back().cloned()
    }

    /// Whether another client was connected from this address, since the start.
    pub fn shares(&self, client_id: &str, address: &str) -> bool {
        let known = self.0.lock();
        let mut others = known.clients.iter().filter(|(id, _)| *id != client_id);
        others.any(|(_, client)| client.addresses.iter().any(|from| from == address))
    }

    /// The clients that lost messages lately, or that throw each other out.
    pub fn in_trouble(&self, now_ms: i64) -> Vec<String> {
        let known = self.0.lock();
        let troubled = known.clients.iter().filter(|(_, client)| {
            client.fight(now_ms).is_some()
                || client.dropped_ms.is_some_and(|ms| now_ms - ms < DROPPED_LATELY_MS)
        });
        troubled.map(|(id, _)| id.clone()).collect()
    }

    /// Whether two devices use this client id.
    pub fn fight(&self, client_id: &str, now_ms: i64) -> Option<Fight> {
        self.0.lock().clients.get(client_id)?.fight(now_ms)
    }
}

impl Client {
    fn fight(&self, now_ms: i64) -> Option<Fight> {
        let lately = |ms: &&i64| (0..FIGHT_MS).contains(&(now_ms - **ms));
        let times = self.taken_over_ms.iter().filter(lately).count();
        if times < FIGHT_TIMES {
            return None;
        }
        let mut addresses: Vec<String> = self.addresses.iter().rev().take(times + 1).cloned().collect();
        addresses.sort();
        addresses.dedup();
        Some(Fight { times, addresses })
    }
}

impl Known {
    fn client(&mut self, client_id: &str, kind: &str) -> &mut Client {
        self.touched += 1;
        if self.clients.len() >= CLIENTS_MAX && !self.clients.contains_key(client_id) {
            let goes = self.clients.iter().min_by_key(|(_, client)| (client.came_in, client.touched));
            if let Some(id) = goes.map(|(id, _)| id.clone()) {
                self.clients.remove(&id);
                self.forgot = true;
            }
        }
        let client = self.clients.entry(client_id.to_owned()).or_default();
        client.touched = self.touched;
        // A refusal needs no password: who makes up client ids pushes out only those that were made up, too.
        client.came_in |= kind != "refused";
        client
    }
}

fn push<T>(ring: &mut VecDeque<T>, item: T, max: usize) {
    if ring.len() >= max {
        ring.pop_front();
    }
    ring.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(client_id: &str, kind: &str) -> About {
        About::read(client_id, kind).unwrap()
    }

    #[test]
    fn repeated_lines_are_one_and_old_ones_go() {
        let log = ClientLog::default();
        for n in 0..3 {
            log.add(&about("a", "denied"), n, Level::Warning, "no");
        }
        let lines = log.lines("a");
        assert_eq!((lines.len(), lines[0].time_ms), (1, 2));
        assert_eq!(lines[0].text, "no (3 times in a row)");
        for n in 0..200 {
            log.add(&about("a", "connected"), n, Level::Info, &n.to_string());
        }
        let lines = log.lines("a");
        assert_eq!((lines.len(), lines[0].text.as_str()), (LINES_MAX, "199"));
        assert!(log.lines("b").is_empty());
    }

    #[test]
    fn an_address_that_two_clients_come_from_is_known_to_be_shared() {
        let log = ClientLog::default();
        log.came_from("a", "10.0.0.1");
        assert!(!log.shares("a", "10.0.0.1"));
        log.came_from("b", "10.0.0.1");
        assert!(log.shares("a", "10.0.0.1") && !log.shares("a", "10.0.0.2"));
    }

    #[test]
    fn one_that_loses_messages_is_in_trouble_for_a_while() {
        let log = ClientLog::default();
        log.add(&about("a", "dropped"), 1, Level::Warning, "5 messages");
        log.add(&about("b", "denied"), 1, Level::Warning, "no");
        assert_eq!(log.in_trouble(2), ["a"]);
        assert!(log.in_trouble(1 + DROPPED_LATELY_MS).is_empty());
    }

    #[test]
    fn made_up_client_ids_push_out_only_each_other() {
        let log = ClientLog::default();
        log.add(&about("real", "connected"), 0, Level::Info, "here");
        for n in 0..3 * CLIENTS_MAX {
            log.add(&about(&n.to_string(), "refused"), 1, Level::Warning, "no");
        }
        assert_eq!(log.lines("real").len(), 1);
        assert_eq!(log.0.lock().clients.len(), CLIENTS_MAX);
    }

    #[test]
    fn what_was_forgotten_is_read_from_the_activity() {
        let log = ClientLog::default();
        log.add(&about("board", "connected"), 10, Level::Info, "in");
        assert!(!log.is_partial(&log.lines("board")) && log.is_partial(&log.lines("nobody")));
        for n in 0..CLIENTS_MAX {
            log.add(&about(&n.to_string(), "connected"), 20, Level::Info, "in");
        }
        log.add(&about("board", "disconnected"), 30, Level::Info, "out");
        let lines = log.lines("board");
        assert_eq!(lines.len(), 1);
        assert!(log.is_partial(&lines));
        let kept = |kind: &str, time_ms: i64, text: &str| {
            let line = ActivityLine {
                id: 1,
                time_ms,
                level: Level::Info,
                subject: None,
                text: text.into(),
                about: "broker".into(),
            };
            (about("board", kind), line)
        };
        let all =
            ClientLog::with_kept(lines, vec![kept("connected", 10, "in"), kept("disconnected", 30, "out")]);
        let told: Vec<_> = all.iter().map(|line| (line.time_ms, line.text.as_str())).collect();
        assert_eq!(told, [(30, "out"), (10, "in")]);
    }

    #[test]
    fn two_devices_that_throw_each_other_out_are_told() {
        let log = ClientLog::default();
        let check = |expected: Option<(usize, &[&str])>, now_ms: i64| {
            let fight = log.fight("a", now_ms);
            let told = fight.as_ref().map(|f| (f.times, f.addresses.iter().map(String::as_str).collect()));
            assert_eq!(told, expected.map(|(times, addresses)| (times, addresses.to_vec())));
        };
        for n in 0..3 {
            check(None, n);
            log.came_from("a", if n % 2 == 0 { "10.0.0.1" } else { "10.0.0.2" });
            log.add(&about("a", "disconnected"), n, Level::Info, &format!("a disconnected: {TAKEN_OVER}."));
        }
        check(Some((3, &["10.0.0.1", "10.0.0.2"])), 3);
        check(None, 3 + FIGHT_MS);
    }
}
