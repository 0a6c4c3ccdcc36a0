//! Boards that came in lately: what they still try with what they had before is no new board.

use std::net::IpAddr;

use devices::pairing::{WINDOW_MS, Way};

use super::State;

/// Boards remembered at a time.
const CAME_MAX: usize = 64;
/// How long a try after the pairing is one of the same board, ms: it restarts within seconds.
const CAME_MS: i64 = WINDOW_MS;

/// A board that is in.
#[derive(Debug)]
pub(super) struct Came {
    user: String,
    /// As it may be told.
    client_id: String,
    address: Option<String>,
    at_ms: i64,
}

impl Came {
    pub(super) fn new(user: &str, client_id: &str, address: Option<IpAddr>, at_ms: i64) -> Self {
        // Whatever comes from this computer itself may be many things.
        let address = address.filter(|address| !address.is_loopback()).map(|address| address.to_string());
        Self { user: user.to_owned(), client_id: client_id.to_owned(), address, at_ms }
    }

    fn is(&self, client_id: &str, address: Option<&str>) -> bool {
        let same_client = !client_id.is_empty() && self.client_id == client_id;
        same_client || (self.address.is_some() && self.address.as_deref() == address)
    }
}

impl State {
    /// A board is in: whoever was turned away before and is that board waits no more.
    pub(super) fn remember(&mut self, came: Came) {
        let waiting: Vec<u64> = {
            let candidates = self.window.candidates().filter(|candidate| match &candidate.seen.way {
                Way::Refused { client_id, .. } => came.is(client_id, candidate.seen.address.as_deref()),
                Way::Mdns | Way::Sweep | Way::Serial { .. } => false,
            });
            candidates.map(|candidate| candidate.id).collect()
        };
        for id in waiting {
            self.window.remove(id);
            self.tried.remove(&id);
        }
        self.came.retain(|known| known.user != came.user);
        self.came.push_back(came);
        if self.came.len() > CAME_MAX {
            self.came.pop_front();
        }
    }

    /// Whether a client that is turned away is a board that came in a moment ago.
    pub(super) fn is_in(&self, client_id: &str, address: Option<&str>, now_ms: i64) -> bool {
        let mut lately = self.came.iter().filter(|came| (0..CAME_MS).contains(&(now_ms - came.at_ms)));
        lately.any(|came| came.is(client_id, address))
    }

    /// The credential of a board is gone, so it may be a new one again.
    pub(super) fn has_left(&mut self, user: &str) {
        self.came.retain(|came| came.user != user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use devices::pairing::{Found, Sighting};

    const NOW: i64 = 1_000_000;

    fn tried(client_id: &str, address: &str) -> Sighting {
        Sighting {
            way: Way::Refused { client_id: client_id.to_owned(), user: None },
            address: Some(address.to_owned()),
            http_port: None,
            firmware: None,
            found: Found::default(),
        }
    }

    #[test]
    fn a_try_of_a_board_that_was_paired_in_the_meantime_waits_for_nobody() {
        let mut state = State::default();
        state.window.open(WINDOW_MS, NOW);
        state.window.seen(tried("DVES_1", "192.168.1.9"), NOW);
        state.window.seen(tried("other", "192.168.1.5"), NOW);
        state.window.seen(tried("DVES_2", "192.168.1.6"), NOW);
        state.remember(Came::new("lamp", "DVES_1", "192.168.1.5".parse().ok(), NOW));
        let left: Vec<u64> = state.window.candidates().map(|candidate| candidate.id).collect();
        assert_eq!(left, [3], "neither its client id nor its address");
        let check = |client_id, address, at_ms, expected: bool| {
            assert_eq!(state.is_in(client_id, Some(address), at_ms), expected, "{client_id} {address}");
        };
        // Also one that comes after.
        check("DVES_1", "192.168.1.77", NOW + 1, true);
        check("", "192.168.1.5", NOW + 1, true);
        check("DVES_2", "192.168.1.6", NOW + 1, false);
        check("DVES_1", "192.168.1.5", NOW + CAME_MS, false);
        state.has_left("lamp");
        assert!(!state.is_in("DVES_1", Some("192.168.1.5"), NOW + 1));
    }
}
