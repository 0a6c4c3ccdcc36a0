//! The places of clients that are connected, counted for each credential and for all: one credential cannot take
//! those of the others, and several together cannot lock out a board that comes back.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::limits::Limits;

/// One place in so many is kept for credentials that have none.
const KEPT_PART: usize = 10;

/// The places that are taken.
#[derive(Debug, Default)]
pub(crate) struct Connected {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Credentials without a place are not in it.
    by_user: HashMap<Arc<str>, usize>,
}

/// There is no place for one more client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlace {
    /// All together are at their limit.
    #[error("{0} clients are connected, which is the limit")]
    All(usize),
    /// Those of the credential are.
    #[error("{0} clients are connected with its credential, which is the limit")]
    User(usize),
    /// What is left is not for a credential that has some.
    #[error("the last {0} places are kept for credentials that have no connection yet")]
    Kept(usize),
}

impl Connected {
    /// How many are taken.
    pub(crate) fn count(&self) -> usize {
        self.taken.lock().all
    }

    /// A place for one more client of a credential.
    pub(crate) fn enter(self: &Arc<Self>, user: &Arc<str>, limits: &Limits) -> Result<Place, NoPlace> {
        let mut taken = self.taken.lock();
        let own = taken.by_user.get(user).copied().unwrap_or_default();
        if taken.all >= limits.connections_max {
            return Err(NoPlace::All(limits.connections_max));
        }
        if own >= limits.connections_per_user_max {
            return Err(NoPlace::User(limits.connections_per_user_max));
        }
        let kept = limits.connections_max / KEPT_PART;
        if own > 0 && taken.all >= limits.connections_max - kept {
            return Err(NoPlace::Kept(kept));
        }
        Ok(self.take(&mut taken, user))
    }

    /// A place for a client that throws another of the same credential out, which there always is: until that one is
    /// gone, there are more of them by one than the limits say.
    pub(crate) fn take_over(self: &Arc<Self>, user: &Arc<str>) -> Place {
        self.take(&mut self.taken.lock(), user)
    }

    fn take(self: &Arc<Self>, taken: &mut Taken, user: &Arc<str>) -> Place {
        taken.all += 1;
        *taken.by_user.entry(user.clone()).or_default() += 1;
        Place { connected: self.clone(), user: user.clone() }
    }
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    connected: Arc<Connected>,
    user: Arc<str>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.connected.taken.lock();
        taken.all = taken.all.saturating_sub(1);
        match taken.by_user.get_mut(&self.user) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.by_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(connected: &Arc<Connected>, user: &str, limits: &Limits) -> Result<Place, NoPlace> {
        connected.enter(&user.into(), limits)
    }

    #[test]
    fn a_credential_has_so_many_places_and_another_its_own() {
        let limits = Limits { connections_per_user_max: 2, ..Limits::default() };
        let connected = Arc::default();
        let mut evil: Vec<_> = (0..2).map(|_| enter(&connected, "evil", &limits).unwrap()).collect();
        assert_eq!(enter(&connected, "evil", &limits).unwrap_err(), NoPlace::User(2));
        let board = enter(&connected, "board", &limits).unwrap();
        evil.push(connected.take_over(&"evil".into()));
        assert_eq!(connected.count(), 4, "the one that is thrown out still goes");
        evil.truncate(1);
        assert!(enter(&connected, "evil", &limits).is_ok(), "what is given up is there again");
        drop((evil, board));
        assert!(connected.taken.lock().by_user.is_empty());
        assert_eq!(connected.count(), 0);
    }

    #[test]
    fn a_tenth_of_the_places_is_kept_for_credentials_that_have_none() {
        let limits = Limits { connections_max: 20, ..Limits::default() };
        let connected = Arc::default();
        let mut full = Vec::new();
        let why = loop {
            let user = ["evil", "worse"][full.len() % 2];
            match enter(&connected, user, &limits) {
                Ok(place) => full.push(place),
                Err(why) => break why,
            }
        };
        assert_eq!((full.len(), why), (18, NoPlace::Kept(2)));
        let board = enter(&connected, "board", &limits).unwrap();
        assert_eq!(enter(&connected, "board", &limits).unwrap_err(), NoPlace::Kept(2));
        let _lamp = enter(&connected, "lamp", &limits).unwrap();
        assert_eq!(enter(&connected, "plug", &limits).unwrap_err(), NoPlace::All(20));
        drop(board);
        assert!(enter(&connected, "board", &limits).is_ok(), "a board that went is let in again");
    }
}
