//! Open files and sockets: how many the system lets Hearth have, and how many of them the broker may take. Each
//! client, viewer and database needs one; when they run out nothing can be opened any more, not even a page to see
//! why.

use crate::http;

/// Open files and sockets that Hearth asks the system for. The usual limit of 1,024 is for programs that wait with
/// select(2).
#[cfg(unix)]
const WANTED: u64 = 65_536;
/// What macOS grants whatever its hard limit says.
#[cfg(unix)]
const WANTED_AT_LEAST: u64 = 10_240;
/// Kept for databases, listeners, log, automations and what else is no connection.
const FILES: usize = 128;
/// Kept from the broker: a place for each viewer, and the files.
const RESERVED: usize = http::CONNECTIONS_MAX + FILES;
/// Of few descriptors the broker gets one in so many at least, whatever is reserved.
const BROKERS_PART: usize = 2;
/// Of few sockets one in so many is for those that are being let in.
const LOBBY_PART: usize = 8;

/// The limits of the gate as the system allows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// The limits.
    pub limits: broker::Limits,
    /// Why there are fewer places than were set, in words.
    pub trouble: Option<String>,
}

/// Raises the limit of open files as far as the system allows; what it is then. `None`: none is known.
pub fn raise() -> Option<usize> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        for wanted in [WANTED, WANTED_AT_LEAST] {
            let mut limit = getrlimit(Resource::Nofile);
            let wanted = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
            if limit.current.is_none_or(|current| current >= wanted) {
                break;
            }
            limit.current = Some(wanted);
            match setrlimit(Resource::Nofile, limit) {
                Ok(()) => break,
                Err(why) => tracing::warn!(%why, wanted, "the limit of open files stays as it is"),
            }
        }
        getrlimit(Resource::Nofile).current.and_then(|current| usize::try_from(current).ok())
    }
    #[cfg(not(unix))]
    {
        None
    }
}

/// The limits with no more connections than leave something for pages, databases and files.
pub fn fit(mut limits: broker::Limits, descriptors: Option<usize>) -> Fitted {
    let Some(descriptors) = descriptors else { return Fitted { limits, trouble: None } };
    let sockets = descriptors.saturating_sub(RESERVED).max(descriptors / BROKERS_PART);
    let set = limits.connections_max;
    if set.saturating_add(limits.lobby_max) > sockets {
        limits.lobby_max = limits.lobby_max.min(sockets / LOBBY_PART).max(1);
        limits.lobby_per_address_max = limits.lobby_per_address_max.min(limits.lobby_max);
        limits.connections_max = set.min(sockets.saturating_sub(limits.lobby_max)).max(1);
    }
    let effective = limits.connections_max;
    let trouble = (effective < set).then(|| {
        format!(
            "The system lets Hearth have {descriptors} open files and connections, so {effective} clients can be \
             connected and not {set}, as `connections_max` says; the rest is kept for pages and databases. Raise the \
             limit of open files: `LimitNOFILE=65536` in a systemd unit, `ulimit -n 65536` in a shell. Then start \
             Hearth again."
        )
    });
    Fitted { limits, trouble }
}

#[cfg(test)]
mod tests {
    use broker::Limits;

    use super::*;

    #[test]
    fn pages_and_databases_keep_descriptors_however_many_clients_may_come() {
        fn check(set: Limits, descriptors: usize, connections: usize, kept: usize) {
            let Fitted { limits, trouble } = fit(set.clone(), Some(descriptors));
            let left = descriptors - limits.connections_max - limits.lobby_max;
            assert_eq!((limits.connections_max, left), (connections, kept), "{descriptors}");
            assert_eq!(trouble.is_some(), connections < set.connections_max, "{trouble:?}");
            assert!(limits.lobby_per_address_max <= limits.lobby_max);
        }
        let default = Limits::default();
        let small = Limits { connections_max: 100, ..default.clone() };
        check(default.clone(), 65_536, 16_384, 65_536 - 16_384 - 1_024);
        check(default.clone(), 16_384, 14_976, RESERVED);
        check(default.clone(), 1_024, 560, RESERVED);
        check(default, 256, 112, 128);
        check(small, 1_024, 100, 1_024 - 100 - 80);
        assert_eq!(fit(Limits::default(), None).limits, Limits::default());
    }

    #[test]
    fn fewer_places_than_were_set_are_told_with_what_to_do() {
        let trouble = fit(Limits::default(), Some(1_024)).trouble.unwrap();
        for said in ["1024 open files", "560 clients", "not 16384", "LimitNOFILE=65536"] {
            assert!(trouble.contains(said), "{said}: {trouble}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_limit_of_open_files_is_raised_as_far_as_it_goes() {
        use rustix::process::{Resource, getrlimit};
        let raised = raise();
        let hard = getrlimit(Resource::Nofile).maximum.map_or(WANTED, |hard| hard.min(WANTED));
        assert!(raised.is_none_or(|now| now as u64 >= hard.min(WANTED_AT_LEAST)), "{raised:?}");
    }
}
