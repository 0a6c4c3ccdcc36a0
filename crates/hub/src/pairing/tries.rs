//! Tries of pairing that failed: they go when the very board they were of is in.

use devices::mac_digits;

use super::{State, UnderWay};

/// What tells which board a try was of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marks {
    name: String,
    mac: Option<String>,
    candidate: Option<u64>,
    /// Address and port of its web page, or serial port.
    place: Option<(String, Option<u16>)>,
}

impl Marks {
    fn of(one: &UnderWay) -> Self {
        let address = one.address.clone().map(|address| (address, one.http_port));
        Self {
            name: one.name.clone(),
            mac: one.mac.clone(),
            candidate: one.candidate,
            place: one.serial.clone().map(|port| (port, None)).or(address),
        }
    }

    /// Whether two tries were of one board. Two boards may have one name, and an address or a serial port another board
    /// later, so neither says it alone.
    fn is_same_board(&self, other: &Self) -> bool {
        if let (Some(mac), Some(others)) = (&self.mac, &other.mac) {
            return mac_digits(mac) == mac_digits(others);
        }
        let same_candidate = self.candidate.is_some() && self.candidate == other.candidate;
        same_candidate || (self.place.is_some() && self.place == other.place && self.name == other.name)
    }
}

/// A board that is in needs no word of the tries that failed before.
pub(super) fn forget(state: &mut State, id: u64) {
    let Some(paired) = state.under_way.get(&id).map(Marks::of) else { return };
    state.under_way.retain(|other, one| {
        *other == id || !one.pairing.has_ended() || !Marks::of(one).is_same_board(&paired)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_is_of_the_same_board_only_where_nothing_else_may_be_meant() {
        fn check(a: Marks, b: Marks, expected: bool) {
            assert_eq!((a.is_same_board(&b), b.is_same_board(&a)), (expected, expected), "{a:?} {b:?}");
        }
        let lamp = |address: &str, mac: Option<&str>, candidate| Marks {
            name: "Lamp".into(),
            mac: mac.map(ToOwned::to_owned),
            candidate,
            place: Some((address.into(), None)),
        };
        let renamed = |marks: Marks| Marks { name: "Desk lamp".into(), ..marks };
        // Tried again as it was.
        check(lamp("192.168.1.5", None, None), lamp("192.168.1.5", None, None), true);
        // The same candidate of the window, by another name.
        check(lamp("192.168.1.5", None, Some(1)), renamed(lamp("192.168.1.5", None, Some(1))), true);
        // Its MAC address says so, wherever it is and whatever it is called.
        let mac = Some("5C:CF:7F:00:A0:29");
        check(lamp("192.168.1.5", mac, None), renamed(lamp("192.168.1.9", Some("5ccf7f00a029"), None)), true);
        // Two boards with one name.
        check(lamp("192.168.1.5", None, None), lamp("192.168.1.6", None, None), false);
        // One address after DHCP gave it to another board.
        check(lamp("192.168.1.5", None, None), renamed(lamp("192.168.1.5", None, None)), false);
        check(lamp("192.168.1.5", mac, None), lamp("192.168.1.5", Some("5CCF7F00A02A"), None), false);
        // Two in the window.
        check(lamp("192.168.1.5", None, Some(1)), lamp("192.168.1.6", None, Some(2)), false);
    }
}
