//! A flood of denials, refusals or drops is not a flood of events: the same thing is told once and then with its
//! count once in a while, and ever new things of one client or address at a bounded rate.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::watch::{Action, GateEvent};

/// A thing that did not happen for this long is news again; a client or address that was quiet for so long starts
/// anew.
const QUIET: Duration = Duration::from_secs(60);
/// Between two events about the same thing, the second with the count since the first.
const REPEAT: Duration = Duration::from_secs(10);
/// Denials of one session that are told one by one; after them, one event stands for many.
const DENIED_IN_DETAIL: u32 = 3;
/// The same for refusals of one address, behind which there may be a house full of boards.
const REFUSED_IN_DETAIL: u32 = 20;
/// Between two events that stand for many, and between two about the drops of one client.
const RATE: Duration = Duration::from_secs(1);
/// Things remembered; at the bound those without a count are forgotten, which at worst tells some of them again.
const REMEMBERED_MAX: usize = 4_096;
/// Repetitions told in one round.
const REPEATED_MAX: usize = 100;

/// What was told lately.
#[derive(Debug)]
pub(crate) struct Denials {
    denied: Mutex<Merging>,
    refused: Mutex<Merging>,
    drops: Mutex<HashMap<u64, Drops>>,
    late: Mutex<HashMap<u64, Drops>>,
    not_retained: Mutex<HashMap<String, Drops>>,
}

impl Default for Denials {
    fn default() -> Self {
        Self {
            denied: Mutex::new(Merging::new(DENIED_IN_DETAIL)),
            refused: Mutex::new(Merging::new(REFUSED_IN_DETAIL)),
            drops: Mutex::default(),
            late: Mutex::default(),
            not_retained: Mutex::default(),
        }
    }
}

/// Events of one kind. Each belongs to a group (a session, an address) and is a thing (an action on a topic, a
/// reason for a user).
#[derive(Debug)]
struct Merging {
    in_detail: u32,
    things: HashMap<u64, Thing>,
    groups: HashMap<u64, Group>,
}

/// Something that may happen again.
#[derive(Debug)]
struct Thing {
    told: Instant,
    /// When it happened last.
    last: Instant,
    /// How often it happened since it was told.
    untold: u64,
    /// As it will be told with that count.
    event: Option<GateEvent>,
}

/// What one session or address met.
#[derive(Debug)]
struct Group {
    in_detail: u32,
    told: Instant,
    /// Different things since the last event.
    untold: u64,
    /// The newest of them as it will be told, and when it happened.
    newest: Option<(GateEvent, Instant)>,
}

impl Group {
    fn new(now: Instant) -> Self {
        Self { in_detail: 0, told: now, untold: 0, newest: None }
    }

    /// The event for everything untold, when it is time for one.
    fn due(&mut self, now: Instant) -> Option<GateEvent> {
        if now.duration_since(self.told) < RATE {
            return None;
        }
        let (event, at) = self.newest.take()?;
        let untold = std::mem::take(&mut self.untold);
        self.told = now;
        Some(counted(event, 1, untold.saturating_sub(1), now.duration_since(at)))
    }
}

impl Merging {
    fn new(in_detail: u32) -> Self {
        Self { in_detail, things: HashMap::new(), groups: HashMap::new() }
    }

    /// Takes what happened; the event to tell now, if any. The rest is told by [`Merging::due`].
    fn add(
        &mut self,
        group: u64,
        thing: u64,
        now: Instant,
        event: impl FnOnce() -> GateEvent,
    ) -> Option<GateEvent> {
        if let Some(seen) = self.things.get_mut(&thing)
            && (seen.untold > 0 || now.duration_since(seen.told) < QUIET)
        {
            seen.untold += 1;
            seen.last = now;
            seen.event.get_or_insert_with(event);
            return None;
        }
        make_room(&mut self.things, |thing| thing.untold > 0);
        self.things.insert(thing, Thing { told: now, last: now, untold: 0, event: None });
        make_room(&mut self.groups, |group| group.newest.is_some());
        let group = self.groups.entry(group).or_insert_with(|| Group::new(now));
        if group.newest.is_none() && now.duration_since(group.told) >= QUIET {
            *group = Group::new(now);
        }
        if group.in_detail < self.in_detail {
            group.in_detail += 1;
            group.told = now;
            return Some(event());
        }
        group.untold += 1;
        if now.duration_since(group.told) >= RATE || group.newest.is_none() {
            group.newest = Some((event(), now));
        }
        group.due(now)
    }

    /// What happened again, and the events that stand for many.
    fn due(&mut self, now: Instant) -> Vec<GateEvent> {
        let mut due: Vec<GateEvent> = self.groups.values_mut().filter_map(|group| group.due(now)).collect();
        let mut repeated = 0;
        self.things.retain(|_, thing| {
            let since = now.duration_since(thing.told);
            if thing.untold == 0 {
                return since < QUIET;
            }
            if since >= REPEAT && repeated < REPEATED_MAX {
                repeated += 1;
                let count = std::mem::take(&mut thing.untold);
                let ago = now.duration_since(thing.last);
                due.extend(thing.event.take().map(|event| counted(event, count, 0, ago)));
                thing.told = now;
            }
            true
        });
        self.groups.retain(|_, group| group.newest.is_some() || now.duration_since(group.told) < QUIET);
        due
    }
}

/// Keeps a memory within [`REMEMBERED_MAX`]: first what has nothing untold goes, then everything.
fn make_room<T>(memory: &mut HashMap<u64, T>, untold: impl Fn(&T) -> bool) {
    if memory.len() >= REMEMBERED_MAX {
        memory.retain(|_, remembered| untold(remembered));
        if memory.len() >= REMEMBERED_MAX {
            memory.clear();
        }
    }
}

fn counted(mut event: GateEvent, times: u64, others: u64, ago: Duration) -> GateEvent {
    if let GateEvent::Denied { count, more, ago_ms, .. }
    | GateEvent::Refused { count, more, ago_ms, .. }
    | GateEvent::Held { count, more, ago_ms, .. } = &mut event
    {
        (*count, *more) = (times, others);
        *ago_ms = u32::try_from(ago.as_millis()).unwrap_or(u32::MAX);
    }
    event
}

fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[derive(Debug)]
struct Drops {
    told: Instant,
    since: u64,
}

impl Denials {
    /// Takes a denial of a client, the event to tell now, if any.
    pub(crate) fn denied(
        &self,
        client_id: &str,
        action: Action,
        topic: &str,
        now: Instant,
        event: impl FnOnce() -> GateEvent,
    ) -> Option<GateEvent> {
        self.denied.lock().add(hash(client_id), hash((client_id, action, topic)), now, event)
    }

    /// Takes a message of a client that the guard held back, likewise.
    pub(crate) fn held(
        &self,
        client_id: &str,
        topic: &str,
        now: Instant,
        event: impl FnOnce() -> GateEvent,
    ) -> Option<GateEvent> {
        let thing = hash((client_id, "held", topic));
        self.denied.lock().add(hash((client_id, "held")), thing, now, event)
    }

    /// Takes a refusal of an address, likewise. `same`: what makes it the same as another one.
    pub(crate) fn refused(
        &self,
        address: IpAddr,
        same: impl Hash,
        now: Instant,
        event: impl FnOnce() -> GateEvent,
    ) -> Option<GateEvent> {
        self.refused.lock().add(hash(address), hash((address, same)), now, event)
    }

    /// The events for what was only counted so far. Asked for once a second.
    pub(crate) fn due(&self, now: Instant) -> Vec<GateEvent> {
        let mut due = self.denied.lock().due(now);
        due.extend(self.refused.lock().due(now));
        due
    }

    /// Adds dropped messages of a session; the count since the last event when it is time for one.
    pub(crate) fn drops(&self, session: u64, count: u64) -> Option<u64> {
        since_told(&mut self.drops.lock(), session, count)
    }

    /// Adds guarded messages that a session did not take in time; the count likewise.
    pub(crate) fn late(&self, session: u64, count: u64) -> Option<u64> {
        since_told(&mut self.late.lock(), session, count)
    }

    /// Adds a message of a credential that found no room in the retained table; the count likewise.
    pub(crate) fn not_retained(&self, user: &str) -> Option<u64> {
        since_told(&mut self.not_retained.lock(), user.to_owned(), 1)
    }
}

fn since_told<K: Eq + Hash>(counts: &mut HashMap<K, Drops>, key: K, count: u64) -> Option<u64> {
    let now = Instant::now();
    if counts.len() >= REMEMBERED_MAX {
        counts.clear();
    }
    let Some(entry) = counts.get_mut(&key) else {
        counts.insert(key, Drops { told: now, since: 0 });
        return Some(count);
    };
    entry.since += count;
    if now.duration_since(entry.told) < RATE {
        return None;
    }
    entry.told = now;
    Some(std::mem::take(&mut entry.since))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(denials: &Denials, client: &str, topic: &str, now: Instant) -> Option<(u64, u64)> {
        deny(denials, client, Action::Publish, topic, now)
    }

    fn deny(
        denials: &Denials,
        client: &str,
        action: Action,
        topic: &str,
        now: Instant,
    ) -> Option<(u64, u64)> {
        let event = || GateEvent::Denied {
            client_id: client.to_owned(),
            user: "u".to_owned(),
            peer: None,
            topic: topic.to_owned(),
            action,
            count: 1,
            more: 0,
            ago_ms: 0,
        };
        denials.denied(client, action, topic, now, event).map(|event| counts(&event))
    }

    fn counts(event: &GateEvent) -> (u64, u64) {
        match event {
            GateEvent::Denied { count, more, .. } | GateEvent::Refused { count, more, .. } => (*count, *more),
            other => panic!("{other:?}"),
        }
    }

    fn due(denials: &Denials, now: Instant) -> Vec<(u64, u64)> {
        denials.due(now).iter().map(counts).collect()
    }

    #[test]
    fn the_same_denial_is_told_once_and_then_with_its_count() {
        let (denials, now) = (Denials::default(), Instant::now());
        assert_eq!(told(&denials, "1", "a", now), Some((1, 0)));
        assert_eq!(told(&denials, "1", "a", now), None);
        assert_eq!(told(&denials, "2", "a", now), Some((1, 0)));
        assert_eq!(deny(&denials, "1", Action::Subscribe, "a", now), Some((1, 0)));
        assert_eq!(told(&denials, "1", "a", now + REPEAT), None);
        assert_eq!(due(&denials, now + REPEAT), [(2, 0)]);
        assert!(due(&denials, now + 2 * REPEAT).is_empty(), "nothing is told twice");
        assert_eq!(told(&denials, "1", "a", now + 2 * QUIET), Some((1, 0)), "it is news again");
    }

    #[test]
    fn ever_new_denials_are_told_once_a_second_with_their_count() {
        let (denials, now) = (Denials::default(), Instant::now());
        let flood = |from: u32, to: u32, now: Instant| -> Vec<u64> {
            (from..to)
                .filter_map(|n| told(&denials, "1", &n.to_string(), now))
                .map(|(_, more)| more)
                .collect()
        };
        assert_eq!(flood(0, 1_000, now), [0; DENIED_IN_DETAIL as usize]);
        assert!(due(&denials, now).is_empty());
        assert_eq!(due(&denials, now + RATE), [(1, 996)]);
        assert!(due(&denials, now + 2 * RATE).is_empty(), "nothing is told twice");
        assert_eq!(flood(1_000, 1_100, now + 3 * RATE), [0]);
        assert_eq!(flood(1_100, 1_101, now + 5 * RATE), [99]);
        assert_eq!(flood(2_000, 2_100, now + 2 * QUIET), [0; DENIED_IN_DETAIL as usize]);
    }

    #[test]
    fn what_is_told_late_says_when_it_happened() {
        let (denials, now) = (Denials::default(), Instant::now());
        told(&denials, "1", "a", now);
        told(&denials, "1", "a", now + RATE);
        let due = denials.due(now + REPEAT);
        let [GateEvent::Denied { count: 1, ago_ms: 9_000, .. }] = due.as_slice() else { panic!("{due:?}") };
    }

    #[test]
    fn ever_new_refusals_of_one_address_do_not_flood() {
        let (denials, now) = (Denials::default(), Instant::now());
        let refuse = |address: &str, client: u32, now: Instant| {
            let peer = format!("{address}:1").parse().unwrap();
            let event = || GateEvent::Refused {
                at: crate::watch::RefusedAt::Login,
                peer,
                client_id: None,
                user: None,
                what: String::new(),
                why: String::new(),
                advice: String::new(),
                count: 1,
                more: 0,
                ago_ms: 0,
            };
            denials.refused(peer.ip(), client, now, event)
        };
        let told = (0..10_000).filter_map(|client| refuse("10.0.0.1", client, now)).count();
        assert_eq!(told, REFUSED_IN_DETAIL as usize);
        assert!(refuse("10.0.0.2", 0, now).is_some(), "another address is heard");
        assert_eq!(due(&denials, now + RATE), [(1, 10_000 - u64::from(REFUSED_IN_DETAIL) - 1)]);
        assert!(denials.refused.lock().things.len() <= REMEMBERED_MAX);
    }

    #[test]
    fn repetitions_told_at_a_time_have_a_bound_and_none_is_lost() {
        let (denials, now) = (Denials::default(), Instant::now());
        for n in 0..1_000 {
            told(&denials, &n.to_string(), "a", now);
            told(&denials, &n.to_string(), "a", now);
        }
        let rounds: Vec<usize> = (0..11).map(|_| due(&denials, now + REPEAT).len()).collect();
        assert_eq!(rounds, [[REPEATED_MAX; 10].as_slice(), &[0]].concat());
    }
}
