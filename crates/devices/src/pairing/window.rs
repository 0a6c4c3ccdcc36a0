//! Who was seen and may be paired: clients that were turned away while the window was open, and boards that were
//! found. Nothing here holds a secret.

use std::collections::BTreeMap;

/// How long the window stays open, ms.
pub const WINDOW_MS: i64 = 120_000;
/// How long a board that was found is remembered after it was last seen, ms.
pub const FOUND_MS: i64 = 600_000;
/// Most candidates; whoever comes then is counted only.
pub const CANDIDATES_MAX: usize = 256;
/// Most candidates that were turned away at the door: anybody on the network can be one.
const REFUSED_MAX: usize = 32;

/// How a candidate was met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It tried to log in and was turned away.
    Refused {
        /// Its client id.
        client_id: String,
        /// Its user name, as it may be told.
        user: Option<String>,
    },
    /// It announced itself by multicast DNS.
    Mdns,
    /// It answered when the addresses of the network were tried.
    Sweep,
    /// It hangs at this computer.
    Serial {
        /// Name of the port.
        port: String,
    },
}

impl Way {
    /// What makes two sightings the same candidate.
    fn key(&self, address: Option<&str>, port: Option<u16>) -> String {
        match self {
            // A board that moved to another address, or another radio, is the same one.
            Self::Refused { client_id, .. } if !client_id.is_empty() => format!("client {client_id}"),
            Self::Refused { .. } => format!("client at {}", address.unwrap_or_default()),
            Self::Serial { port } => format!("serial {port}"),
            Self::Mdns | Self::Sweep => {
                format!("board {} {}", address.unwrap_or_default(), port.unwrap_or_default())
            }
        }
    }
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// How.
    pub way: Way,
    /// IP address.
    pub address: Option<String>,
    /// Port of its web page.
    pub http_port: Option<u16>,
    /// Profile, if it was recognised.
    pub firmware: Option<String>,
    /// What it says of itself.
    pub found: Found,
}

/// What a candidate says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Name.
    pub name: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// MAC address, 12 upper-case hex digits.
    pub mac: Option<String>,
    /// It wants the password of the board.
    pub locked: bool,
}

/// Somebody who may be paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its number, never given twice in one run.
    pub id: u64,
    /// What was seen last.
    pub seen: Sighting,
    /// First seen, UTC ms.
    pub first_ms: i64,
    /// Last seen, UTC ms.
    pub last_ms: i64,
}

/// The window, and who was seen.
#[derive(Debug, Clone, Default)]
pub struct Window {
    until_ms: Option<i64>,
    candidates: BTreeMap<u64, Candidate>,
    by_key: BTreeMap<String, u64>,
    last_id: u64,
    /// Who came when there was no room any more.
    turned_away: u64,
}

impl Window {
    /// Opens it, or keeps it open anew, for at most [`WINDOW_MS`].
    pub fn open(&mut self, open_ms: i64, now_ms: i64) -> i64 {
        let until_ms = now_ms + open_ms.clamp(1, WINDOW_MS);
        self.until_ms = Some(until_ms);
        until_ms
    }

    /// Closes it, and forgets who was turned away at the door.
    pub fn close(&mut self) -> bool {
        let was_open = self.until_ms.take().is_some();
        self.turned_away = 0;
        self.forget(|candidate| matches!(candidate.seen.way, Way::Refused { .. }));
        was_open
    }

    /// Until when it is open, UTC ms.
    pub fn until_ms(&self) -> Option<i64> {
        self.until_ms
    }

    /// Whether it is open.
    pub fn is_open(&self, now_ms: i64) -> bool {
        self.until_ms.is_some_and(|until_ms| now_ms < until_ms)
    }

    /// Time passed: says whether the window closed.
    pub fn tick(&mut self, now_ms: i64) -> bool {
        self.forget(|candidate| {
            !matches!(candidate.seen.way, Way::Refused { .. }) && now_ms - candidate.last_ms >= FOUND_MS
        });
        self.until_ms.is_some_and(|until_ms| now_ms >= until_ms) && self.close()
    }

    /// Somebody was seen. Returns the candidate's number, and whether it is news; `None` when the window is closed
    /// to it or there is no room.
    pub fn seen(&mut self, sighting: Sighting, now_ms: i64) -> Option<(u64, bool)> {
        let refused = matches!(sighting.way, Way::Refused { .. });
        if refused && !self.is_open(now_ms) {
            return None;
        }
        let key = sighting.way.key(sighting.address.as_deref(), sighting.http_port);
        if let Some(id) = self.by_key.get(&key) {
            let candidate = self.candidates.get_mut(id)?;
            let is_news = candidate.seen != sighting;
            candidate.last_ms = now_ms;
            candidate.seen = sighting;
            return Some((*id, is_news));
        }
        let of_door = self.refused().count();
        if self.candidates.len() >= CANDIDATES_MAX || (refused && of_door >= REFUSED_MAX) {
            self.turned_away += 1;
            return None;
        }
        self.last_id += 1;
        let id = self.last_id;
        self.by_key.insert(key, id);
        self.candidates.insert(id, Candidate { id, seen: sighting, first_ms: now_ms, last_ms: now_ms });
        Some((id, true))
    }

    fn refused(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.values().filter(|candidate| matches!(candidate.seen.way, Way::Refused { .. }))
    }

    /// One of them.
    pub fn candidate(&self, id: u64) -> Option<&Candidate> {
        self.candidates.get(&id)
    }

    /// All of them, in the order they were first seen.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.values()
    }

    /// How many came when there was no room.
    pub fn turned_away(&self) -> u64 {
        self.turned_away
    }

    /// Forgets one that was paired.
    pub fn remove(&mut self, id: u64) {
        self.forget(|candidate| candidate.id == id);
    }

    fn forget(&mut self, gone: impl Fn(&Candidate) -> bool) {
        self.candidates.retain(|_, candidate| !gone(candidate));
        let left = &self.candidates;
        self.by_key.retain(|_, id| left.contains_key(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn refused(client_id: &str) -> Sighting {
        Sighting {
            way: Way::Refused { client_id: client_id.to_owned(), user: None },
            address: Some("192.168.1.20".to_owned()),
            http_port: None,
            firmware: None,
            found: Found::default(),
        }
    }

    fn swept(address: &str) -> Sighting {
        let address = Some(address.to_owned());
        Sighting { way: Way::Sweep, address, http_port: Some(80), ..refused("") }
    }

    #[test]
    fn a_client_is_a_candidate_only_while_the_window_is_open() {
        let mut window = Window::default();
        assert_eq!(window.seen(refused("a"), NOW), None);
        assert_eq!(window.open(WINDOW_MS, NOW), NOW + WINDOW_MS);
        assert_eq!(window.seen(refused("a"), NOW), Some((1, true)));
        assert_eq!(window.seen(refused("a"), NOW + 1), Some((1, false)));
        assert_eq!(window.seen(refused("b"), NOW + 1), Some((2, true)));
        assert!(!window.tick(NOW + WINDOW_MS - 1));
        assert!(window.tick(NOW + WINDOW_MS));
        assert!(!window.tick(NOW + WINDOW_MS), "it closes once");
        assert_eq!(window.candidates().count(), 0);
        assert_eq!(window.seen(refused("a"), NOW + WINDOW_MS), None);
    }

    #[test]
    fn the_same_client_id_from_two_addresses_is_one_candidate() {
        let mut window = Window::default();
        window.open(WINDOW_MS, NOW);
        let moved = Sighting { address: Some("192.168.1.21".to_owned()), ..refused("a") };
        assert_eq!(window.seen(refused("a"), NOW), Some((1, true)));
        assert_eq!(window.seen(moved, NOW + 1), Some((1, true)));
        let address = window.candidate(1).and_then(|candidate| candidate.seen.address.as_deref());
        assert_eq!(address, Some("192.168.1.21"), "where it was last");
        // Who gives none is told by where it is.
        let elsewhere = Sighting { address: Some("192.168.1.22".to_owned()), ..refused("") };
        assert_eq!(window.seen(refused(""), NOW), Some((2, true)));
        assert_eq!(window.seen(elsewhere, NOW), Some((3, true)));
    }

    #[test]
    fn a_board_that_was_found_is_remembered_for_minutes() {
        let mut window = Window::default();
        assert_eq!(window.seen(swept("10.0.0.2"), NOW), Some((1, true)));
        window.open(5, NOW);
        assert!(window.tick(NOW + 5));
        assert_eq!(window.candidates().count(), 1);
        window.tick(NOW + FOUND_MS);
        assert_eq!(window.candidates().count(), 0);
    }

    #[test]
    fn a_flood_at_the_door_leaves_room_for_boards() {
        let mut window = Window::default();
        window.open(WINDOW_MS, NOW);
        for number in 0..1_000 {
            window.seen(refused(&number.to_string()), NOW);
        }
        assert_eq!(window.candidates().count(), REFUSED_MAX);
        assert_eq!(window.turned_away(), 1_000 - REFUSED_MAX as u64);
        assert!(window.seen(swept("10.0.0.2"), NOW).is_some());
    }
}
