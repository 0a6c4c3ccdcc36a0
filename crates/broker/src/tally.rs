//! The counters behind [`Counters`].

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::watch::Counters;

macro_rules! tally {
    ($($name:ident),* $(,)?) => {
        /// Totals since the start, counted without locks.
        #[derive(Debug, Default)]
        pub(crate) struct Tally {
            $(pub(crate) $name: AtomicU64,)*
        }

        impl Tally {
            /// The present figures; what is not counted here is filled in by the gate.
            pub(crate) fn counters(&self) -> Counters {
                Counters { $($name: self.$name.load(Relaxed),)* ..Counters::default() }
            }
        }
    };
}

tally!(
    connections,
    refused,
    handshakes_failed,
    over_address_limit,
    over_connect_rate,
    messages_in,
    messages_own,
    messages_out,
    packets_in,
    packets_out,
    publish_bytes_in,
    publish_bytes_out,
    sessions_expired,
    bytes_in,
    bytes_out,
    shed_qos0,
    dropped_clean,
    dropped_queue,
    late,
    expired,
    too_large,
    denied,
    held,
    journal_refused,
    write_deadlines,
    keepalive_timeouts,
    bus_gaps,
    slowed,
    bus_rebuilds,
    retained_refused,
);

/// Adds to a counter.
#[inline]
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    if count > 0 {
        counter.fetch_add(count, Relaxed);
    }
}
