//! The places at the door, and who gives one up when somebody comes and none is free.
//!
//! A connection is a stranger's until a right token came over it, whatever else it does: send half a request, send
//! one byte now and then, or not read its answer. Strangers give way first. So nobody who has the token is kept out
//! by those who have none, and a stranger cannot hold a place by looking busy: their age counts from when they came.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// Connections in all, WebSockets included.
pub(crate) const CONNECTIONS_MAX: usize = 256;
/// Connections of one address: a browser opens six and a WebSocket per window.
pub(super) const CONNECTIONS_OF_ADDRESS_MAX: usize = 64;

/// The places that are taken.
#[derive(Default)]
pub(super) struct Places {
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    /// Counts comings and restings: the lower, the longer ago.
    turn: u64,
    by_number: BTreeMap<u64, Occupant>,
}

struct Occupant {
    address: IpAddr,
    /// A right token came over it.
    is_owners: bool,
    /// A request of it is being answered, or it became a WebSocket.
    is_in_use: bool,
    /// When a stranger came; when an owner's last answer was sent.
    since: u64,
    /// Tells its task that another one has the place.
    given_up: CancellationToken,
}

impl Occupant {
    fn gives_way(&self) -> bool {
        !(self.is_owners && self.is_in_use)
    }
}

impl Places {
    /// A place for a connection from `address`, if need be that of one which gives way.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        // What comes over IPv4 to a socket for both is one address with what comes over IPv4 alone.
        let address = address.to_canonical();
        let mut taken = self.taken.lock();
        let of_address = taken.by_number.values().filter(|one| one.address == address).count();
        let made_room = if of_address >= CONNECTIONS_OF_ADDRESS_MAX {
            Some(taken.make_room(|one| one.address == address)?)
        } else if taken.by_number.len() >= CONNECTIONS_MAX {
            Some(taken.make_room(|_| true)?)
        } else {
            None
        };
        let (number, given_up) = (taken.next_turn(), CancellationToken::new());
        let occupant = Occupant {
            address,
            is_owners: false,
            is_in_use: false,
            since: number,
            given_up: given_up.clone(),
        };
        taken.by_number.insert(number, occupant);
        Some(Place { seat: Seat { places: self.clone(), number }, given_up, made_room })
    }
}

impl Taken {
    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// Takes a place away and says whose it was: a stranger's before an owner's that rests; among strangers one of
    /// the address that has most of them, so that whoever has few keeps them; the one that is longest there.
    fn make_room(&mut self, among: impl Fn(&Occupant) -> bool) -> Option<IpAddr> {
        let mut strangers = HashMap::<IpAddr, usize>::new();
        for stranger in self.by_number.values().filter(|one| !one.is_owners) {
            *strangers.entry(stranger.address).or_default() += 1;
        }
        let turn = |one: &Occupant| {
            let like_it = if one.is_owners { 0 } else { strangers.get(&one.address).copied().unwrap_or(0) };
            (one.is_owners, std::cmp::Reverse(like_it), one.since)
        };
        let candidates = self.by_number.iter().filter(|(_, one)| one.gives_way() && among(one));
        let number = candidates.min_by_key(|(_, one)| turn(one)).map(|(number, _)| *number)?;
        let gone = self.by_number.remove(&number)?;
        gone.given_up.cancel();
        Some(gone.address)
    }
}

/// One of them, until it is dropped.
pub(super) struct Place {
    seat: Seat,
    given_up: CancellationToken,
    made_room: Option<IpAddr>,
}

impl Place {
    /// For the requests that come over the connection.
    pub(super) fn seat(&self) -> Seat {
        self.seat.clone()
    }

    /// Cancelled when another connection gets the place.
    pub(super) fn given_up(&self) -> CancellationToken {
        self.given_up.clone()
    }

    /// Whose connection was closed for it.
    pub(super) fn made_room(&self) -> Option<IpAddr> {
        self.made_room
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.seat.places.taken.lock().by_number.remove(&self.seat.number);
    }
}

/// The place as the requests of its connection know it.
#[derive(Clone)]
pub(super) struct Seat {
    places: Arc<Places>,
    number: u64,
}

impl Seat {
    /// A right token came over the connection.
    pub(super) fn is_owners(&self) {
        if let Some(one) = self.places.taken.lock().by_number.get_mut(&self.number) {
            one.is_owners = true;
        }
    }

    /// A request is being answered until this is dropped.
    pub(super) fn in_use(&self) -> InUse {
        if let Some(one) = self.places.taken.lock().by_number.get_mut(&self.number) {
            one.is_in_use = true;
        }
        InUse { seat: self.clone(), for_good: false }
    }
}

/// A request is being answered.
pub(super) struct InUse {
    seat: Seat,
    for_good: bool,
}

impl InUse {
    /// The connection is a WebSocket from now on.
    pub(super) fn for_good(mut self) {
        self.for_good = true;
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if self.for_good {
            return;
        }
        let mut taken = self.seat.places.taken.lock();
        let turn = taken.next_turn();
        if let Some(one) = taken.by_number.get_mut(&self.seat.number) {
            one.is_in_use = false;
            // A stranger that asks again and again grows no younger by it.
            if one.is_owners {
                one.since = turn;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, last: u8, count: usize) -> Vec<Place> {
        (0..count).filter_map(|_| places.take(IpAddr::from([10, 0, 0, last]))).collect()
    }

    fn given_up(of: &[Place]) -> usize {
        of.iter().filter(|place| place.given_up.is_cancelled()).count()
    }

    /// Connections over which a right token came.
    fn owners(places: &Arc<Places>, last: u8, count: usize) -> Vec<Place> {
        let taken = take(places, last, count);
        taken.iter().for_each(|place| place.seat.is_owners());
        taken
    }

    #[test]
    fn one_address_has_a_bound_and_gives_its_own_oldest_stranger_for_a_newcomer() {
        let places = Arc::new(Places::default());
        let other = take(&places, 2, 1);
        let greedy = take(&places, 1, CONNECTIONS_OF_ADDRESS_MAX + 3);
        assert_eq!((given_up(&greedy), given_up(&greedy[..3]), given_up(&other)), (3, 3, 0));
        assert_eq!(greedy[CONNECTIONS_OF_ADDRESS_MAX].made_room(), Some(IpAddr::from([10, 0, 0, 1])));
        let mapped = places.take("::ffff:10.0.0.1".parse().unwrap()).unwrap();
        assert!(mapped.made_room().is_some(), "another way of writing it is no other address");
        drop((greedy, other, mapped));
        assert!(places.taken.lock().by_number.is_empty());
    }

    #[test]
    fn when_all_is_full_the_address_with_most_strangers_makes_room() {
        let places = Arc::new(Places::default());
        let few = take(&places, 100, 2);
        let many: Vec<Place> = (1..=10).flat_map(|last| take(&places, last, 30)).collect();
        assert_eq!(places.taken.lock().by_number.len(), CONNECTIONS_MAX);
        assert_eq!((given_up(&few), given_up(&many)), (0, 302 - CONNECTIONS_MAX));
        let newcomer = take(&places, 101, 1);
        assert_eq!((newcomer.len(), given_up(&few), given_up(&newcomer)), (1, 0, 0));
    }

    #[test]
    fn an_owners_resting_connection_goes_after_every_stranger_and_the_longest_at_rest_first() {
        let places = Arc::new(Places::default());
        let resting = owners(&places, 1, CONNECTIONS_OF_ADDRESS_MAX - 1);
        let stranger = take(&places, 1, 1);
        drop(resting[0].seat.in_use());
        let (first, second) = (take(&places, 1, 1), take(&places, 1, 1));
        assert_eq!((given_up(&stranger), given_up(&first), given_up(&second)), (1, 1, 0), "strangers first");
        second[0].seat.is_owners();
        let _third = take(&places, 1, 1);
        assert!(resting[1].given_up.is_cancelled() && !resting[0].given_up.is_cancelled());
    }

    #[test]
    fn an_owners_request_and_an_owners_websocket_keep_their_places() {
        let places = Arc::new(Places::default());
        let kept = owners(&places, 1, CONNECTIONS_OF_ADDRESS_MAX);
        let (asking, sockets) = kept.split_at(1);
        let in_use = asking[0].seat.in_use();
        sockets.iter().for_each(|place| place.seat.in_use().for_good());
        assert!(take(&places, 1, 1).is_empty(), "nobody gives way");
        assert_eq!(take(&places, 2, 1).len(), 1, "another address has places of its own");
        drop(in_use);
        assert_eq!((take(&places, 1, 1).len(), given_up(&kept)), (1, 1));
        assert!(asking[0].given_up.is_cancelled());
    }

    #[test]
    fn a_stranger_does_not_keep_its_place_by_asking_without_end() {
        let places = Arc::new(Places::default());
        let busy = take(&places, 1, CONNECTIONS_OF_ADDRESS_MAX);
        let _asking: Vec<InUse> = busy.iter().map(|place| place.seat.in_use()).collect();
        drop(busy[0].seat.in_use());
        let newcomer = take(&places, 1, 1);
        assert!(busy[0].given_up.is_cancelled() && !newcomer[0].given_up.is_cancelled());
    }
}
