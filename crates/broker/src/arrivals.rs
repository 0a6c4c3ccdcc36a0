//! Connections by address: how many are open, and how fast new ones come. One device that goes wild, or a port
//! scanner, must not take the places and the time of a whole house.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use parking_lot::Mutex;

use crate::limits::Limits;

/// Addresses without a connection that are remembered for their rate.
const ADDRESSES_MAX: usize = 4_096;
/// A burst of this many seconds' worth of connections is let in at once: after a power cut everything comes again
/// together.
const BURST_S: f64 = 10.0;

/// Connections by address.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    addresses: Mutex<HashMap<IpAddr, Address>>,
}

#[derive(Debug)]
struct Address {
    open: usize,
    /// Connections that may come at once now.
    tokens: f64,
    counted: Instant,
}

/// At which limit a connection is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// So many of its address are open.
    Open(usize),
    /// So many of its address may come per second.
    Rate(u32),
}

impl Arrivals {
    /// Counts a connection in, until [`Arrivals::gone`].
    pub(crate) fn come(&self, address: IpAddr, limits: &Limits, now: Instant) -> Result<(), TooMany> {
        let rate = rate(address, limits);
        let burst = f64::from(rate) * BURST_S;
        let mut addresses = self.addresses.lock();
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&address) {
            addresses.retain(|_, known| known.open > 0);
        }
        let known = addresses.entry(address).or_insert(Address { open: 0, tokens: burst, counted: now });
        if known.open >= limits.connections_per_address_max {
            return Err(TooMany::Open(limits.connections_per_address_max));
        }
        if rate > 0 {
            let since_s = now.saturating_duration_since(known.counted).as_secs_f64();
            known.tokens = (known.tokens + since_s * f64::from(rate)).min(burst);
            known.counted = now;
            if known.tokens < 1.0 {
                return Err(TooMany::Rate(rate));
            }
            known.tokens -= 1.0;
        }
        known.open += 1;
        Ok(())
    }

    /// A connection that was counted in has ended.
    pub(crate) fn gone(&self, address: IpAddr, limits: &Limits) {
        let mut addresses = self.addresses.lock();
        let Some(known) = addresses.get_mut(&address) else { return };
        known.open = known.open.saturating_sub(1);
        // Without a rate there is nothing to remember.
        if known.open == 0 && rate(address, limits) == 0 {
            addresses.remove(&address);
        }
    }
}

/// Connections a second; 0 is any. Programs of this machine are the owner's own, and whoever comes through a proxy
/// or a bridge here comes from one address.
fn rate(address: IpAddr, limits: &Limits) -> u32 {
    if address.is_loopback() {
        limits.connects_per_second_loopback_max
    } else {
        limits.connects_per_second_max
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_address_has_so_many_connections_and_another_its_own() {
        let limits = Limits { connections_per_address_max: 2, ..Limits::default() };
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([192, 168, 1, 7]));
        let (arrivals, now) = (Arrivals::default(), Instant::now());
        for address in [here, there] {
            assert_eq!(arrivals.come(address, &limits, now), Ok(()));
            assert_eq!(arrivals.come(address, &limits, now), Ok(()));
            assert_eq!(arrivals.come(address, &limits, now), Err(TooMany::Open(2)));
        }
        arrivals.gone(here, &limits);
        assert_eq!(arrivals.come(here, &limits, now), Ok(()));
        assert_eq!(arrivals.come(there, &limits, now), Err(TooMany::Open(2)));
    }

    #[test]
    fn a_burst_comes_in_and_then_only_the_rate() {
        let limits = Limits { connects_per_second_max: 2, ..Limits::default() };
        let address = IpAddr::from([192, 168, 1, 7]);
        let (arrivals, start) = (Arrivals::default(), Instant::now());
        let come = |now| {
            let come = arrivals.come(address, &limits, now);
            if come.is_ok() {
                arrivals.gone(address, &limits);
            }
            come
        };
        for _ in 0..20 {
            assert_eq!(come(start), Ok(()));
        }
        assert_eq!(come(start), Err(TooMany::Rate(2)));
        let later = start + Duration::from_secs(1);
        assert_eq!((come(later), come(later), come(later)), (Ok(()), Ok(()), Err(TooMany::Rate(2))));
    }

    #[test]
    fn this_machine_may_connect_as_fast_as_it_can() {
        let limits = Limits { connects_per_second_max: 1, ..Limits::default() };
        let (arrivals, now) = (Arrivals::default(), Instant::now());
        let here = IpAddr::from([127, 0, 0, 1]);
        for _ in 0..1_000 {
            assert_eq!(arrivals.come(here, &limits, now), Ok(()));
            arrivals.gone(here, &limits);
        }
        assert!(arrivals.addresses.lock().is_empty());
    }
}
