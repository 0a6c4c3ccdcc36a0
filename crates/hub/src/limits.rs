//! The limits an owner can change: those of the gate, and those of the journal behind it.
//!
//! One table names them all, with their unit and range; the defaults are those of [`Limits::default`] alone.
//! They are kept in `hub.db` under [`SETTING`] as an object of name and value, only where they differ from the
//! default, and hold from the next start on.

use serde_json::{Map, Value, json};

use crate::api::ApiError;
use crate::api::types::LimitView;

/// Where the changed ones are kept.
pub const SETTING: &str = "broker.limits";

/// Every limit of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Those of the gate.
    pub gate: broker::Limits,
    /// Those of the journal.
    pub journal: JournalLimits,
}

/// The limits of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalLimits {
    /// Time in which lone QoS 0 messages gather before they are written, ms.
    pub gather_ms: u64,
    /// Days of messages it keeps.
    pub journal_days: u32,
    /// Bytes of messages it keeps.
    pub journal_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let journal = JournalLimits { gather_ms: 50, journal_days: 7, journal_bytes: 1 << 30 };
        Self { gate: broker::Limits::default(), journal }
    }
}

/// A row of the table.
struct Limit {
    name: &'static str,
    unit: &'static str,
    min: u64,
    max: u64,
    help: &'static str,
    get: fn(&Limits) -> u64,
    /// The value is within the range, and the range fits the field.
    set: fn(&mut Limits, u64),
}

macro_rules! limits {
    ($( $part:ident.$name:ident: $unit:literal, $min:expr, $max:expr, $help:literal; )*) => {
        &[$( Limit {
            name: stringify!($name),
            unit: $unit,
            min: $min,
            max: $max,
            help: $help,
            get: |limits| limits.$part.$name as u64,
            set: |limits, value| limits.$part.$name = value as _,
        } ),*]
    };
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// In the order to show them.
#[rustfmt::skip]
const TABLE: &[Limit] = limits! {
    gate.connections_max: "count", 16, 60_000, "Clients connected at a time. A further one is refused.";
    gate.connections_per_address_max: "count", 4, 60_000, "The same from one address.";
    gate.connections_per_user_max: "count", 1, 60_000, "The same of one credential. A client that comes again with its own client id always may; and a tenth of all places is kept for credentials that have no client connected.";
    gate.connects_per_second_max: "per_s", 0, 100_000, "Connections one address may open per second, ten seconds' worth of them at once; 0 is any.";
    gate.connects_per_second_loopback_max: "per_s", 0, 100_000, "The same for programs on this computer; 0 is any.";
    gate.connect_timeout_ms: "ms", 1_000, 60_000, "Time a new connection has to log in; then it is closed.";
    gate.connect_bytes_max: "bytes", KIB, MIB, "Largest CONNECT packet, last will included.";
    gate.lobby_max: "count", 16, 4_096, "Connections open beyond those of the clients, which have not logged in or are just going; a further one is closed as it comes.";
    gate.lobby_per_address_max: "count", 4, 4_096, "Connections of one address that have not logged in; above it the oldest of them is closed.";
    gate.failed_logins_max: "count", 3, 10_000, "Failed logins per address, user and minute; above it the next ones are answered slowly.";
    gate.packet_bytes_max: "bytes", KIB, 256 * MIB - 1, "Largest packet a client may send. A larger one closes its connection before it is read.";
    gate.publish_messages_per_s: "per_s", 0, 10_000_000, "Messages a client may publish per second; a faster one is read more slowly, and none of its messages is dropped. 0 is any.";
    gate.publish_bytes_per_s: "bytes", 0, 10 * GIB, "The same in bytes per second; 0 is any.";
    gate.write_deadline_ms: "ms", 1_000, 600_000, "A client that takes nothing for this long is closed.";
    gate.keepalive_s_max: "s", 0, 65_535, "Longest keepalive granted to an MQTT 5 client; 0 grants any, none included.";
    gate.inbox_pause_messages: "messages", 16, 1_000_000, "Above this many messages waiting for a connected client, those who publish to it pause for a moment.";
    gate.inbox_pause_bytes: "bytes", 16 * KIB, GIB, "The same in bytes.";
    gate.pause_ms_max: "ms", 0, 10_000, "Longest such pause.";
    gate.inbox_messages_max: "messages", 32, 4_000_000, "Messages waiting for a connected client; above it QoS 0 is dropped and counted.";
    gate.inbox_bytes_max: "bytes", 32 * KIB, 2 * GIB, "The same in bytes.";
    gate.inflight_max: "messages", 1, 65_535, "QoS 1 and 2 messages sent to a client and not yet acknowledged. The client can ask for fewer.";
    gate.receive_max: "messages", 1, 65_535, "QoS 1 and 2 messages an MQTT 5 client may send before the first is acknowledged.";
    gate.topic_alias_max: "count", 0, 65_535, "Topic aliases an MQTT 5 client may use.";
    gate.topic_alias_bytes_max: "bytes", KIB, 64 * MIB, "Topics behind the aliases of one such client; one that sets more is closed.";
    gate.topic_aliases_out_max: "count", 0, 65_535, "Topic aliases Hearth uses towards an MQTT 5 client that takes them; 0 uses none.";
    gate.session_queue_messages_max: "messages", 1, 1_000_000, "Messages kept for a client that is away; above it the oldest is dropped and counted.";
    gate.session_queue_bytes_max: "bytes", 4 * KIB, 2 * GIB, "The same in bytes.";
    gate.queued_bytes_per_user_max: "bytes", MIB, 8 * GIB, "The same for all clients of one credential together.";
    gate.queued_bytes_max: "bytes", MIB, 16 * GIB, "The same for all clients together.";
    gate.queue_reserved_bytes: "bytes", 0, MIB, "What a client that is away may have waiting whatever the two sums before say.";
    gate.session_expiry_s_max: "s", 0, 4_294_967_295, "Longest time a session outlives its connection; 4,294,967,295 grants any, for ever included.";
    gate.sessions_max: "count", 16, 1_000_000, "Sessions that outlive their connection; above it a new one is refused.";
    gate.sessions_per_user_max: "count", 1, 1_000_000, "The same for one credential.";
    gate.subscriptions_max: "count", 8, 100_000, "Subscriptions of one client; a further one is refused.";
    gate.shared_subscriptions_max: "count", 1, 100_000, "Shared ones among them; each group has a copy of every message.";
    gate.session_held_bytes_max: "bytes", 64 * KIB, GIB, "Memory for the subscriptions of one client, about 300 bytes for each level of a filter; above it a further one is refused.";
    gate.held_bytes_per_user_max: "bytes", 64 * KIB, 8 * GIB, "The same for all clients of one credential together, last wills included.";
    gate.held_bytes_max: "bytes", MIB, 16 * GIB, "The same for all clients together.";
    gate.held_reserved_bytes: "bytes", 0, MIB, "What each client may have of it whatever the two sums before say.";
    gate.begun_bytes_per_user_max: "bytes", MIB, 4 * GIB, "Large packets of one credential that were begun and are not here yet; above it the connection that begins another is closed.";
    gate.begun_bytes_max: "bytes", MIB, 16 * GIB, "The same for all clients together.";
    gate.retained_max: "messages", 100, 4_000_000, "Retained messages; above it new topics are delivered and not retained.";
    gate.retained_per_user_max: "messages", 10, 4_000_000, "The same for one credential.";
    gate.retained_bytes_max: "bytes", MIB, 16 * GIB, "Topics, payloads and properties of all retained messages; above it a message that is new or larger is delivered and not retained.";
    gate.retained_bytes_per_user_max: "bytes", 64 * KIB, 16 * GIB, "The same for one credential.";
    gate.journal_backlog_max: "messages", 4_000, 1_000_000, "Messages waiting to be written to the disk; above it no client is read until the disk has caught up.";
    gate.sys_interval_ms: "ms", 0, 3_600_000, "Time between two rounds of counters under $SYS/broker; 0 tells none.";
    gate.bus_ring_messages: "messages", 1_024, 4_000_000, "Messages kept in memory for Hearth's own parts; what they have not read by then they read from the disk.";
    gate.bus_ring_bytes: "bytes", MIB, 2 * GIB, "The same in bytes.";
    journal.gather_ms: "ms", 0, 60_000, "How long QoS 0 messages that come alone are gathered before they are written. Longer spares SD cards; up to that much of the history of QoS 0 messages can be lost in a power cut, never a QoS 1 or 2 message.";
    journal.journal_days: "days", 1, 3_650, "Days of messages kept for history and for clients that are away. It holds at once.";
    journal.journal_bytes: "bytes", 16 * MIB, 1_024 * GIB, "Bytes of messages kept. It holds at once.";
};

/// The first is a mark below the second, where what the second bounds begins to be slowed down.
const MARKS: &[(&str, &str)] =
    &[("inbox_pause_messages", "inbox_messages_max"), ("inbox_pause_bytes", "inbox_bytes_max")];

fn limit(name: &str) -> Option<&'static Limit> {
    TABLE.iter().find(|limit| limit.name == name)
}

impl Limits {
    /// The limits as they were stored. What cannot be used is left at its default and told in words.
    pub fn read(stored: Option<&Value>) -> (Self, Vec<String>) {
        let mut limits = Self::default();
        let mut wrong = Vec::new();
        match stored {
            None => {}
            Some(Value::Object(stored)) => {
                for (name, value) in stored {
                    match limit(name).ok_or_else(|| unknown(name)).and_then(|limit| limit.check(value)) {
                        Ok((limit, value)) => (limit.set)(&mut limits, value),
                        Err(why) => wrong.push(why),
                    }
                }
            }
            Some(other) => wrong.push(format!("The stored limits are no object, but {other}.")),
        }
        if let Err(why) = limits.check_marks() {
            wrong.push(why);
            let default = Self::default();
            for limit in MARKS.iter().flat_map(|(mark, bound)| [limit(mark), limit(bound)]).flatten() {
                (limit.set)(&mut limits, (limit.get)(&default));
            }
        }
        (limits, wrong)
    }

    /// These limits with one of them changed; `None` is its default.
    pub fn with(&self, name: &str, value: Option<u64>) -> Result<Self, ApiError> {
        let limit = limit(name).ok_or_else(|| ApiError::not_found("limit", name))?;
        let value = value.unwrap_or_else(|| (limit.get)(&Self::default()));
        limit.check(&json!(value)).map_err(ApiError::invalid)?;
        let mut changed = self.clone();
        (limit.set)(&mut changed, value);
        changed.check_marks().map_err(ApiError::invalid)?;
        Ok(changed)
    }

    /// What is to be stored: those that differ from the default. `null` when none does.
    pub fn to_setting(&self) -> Value {
        let default = Self::default();
        let changed: Map<String, Value> = TABLE
            .iter()
            .filter(|limit| (limit.get)(self) != (limit.get)(&default))
            .map(|limit| (limit.name.to_owned(), json!((limit.get)(self))))
            .collect();
        if changed.is_empty() { Value::Null } else { Value::Object(changed) }
    }

    /// As the API shows them: those of this run, and those of the next.
    pub fn views(&self, next: &Self) -> Vec<LimitView> {
        let default = Self::default();
        let view = |limit: &Limit| {
            let (value, next) = ((limit.get)(self), (limit.get)(next));
            LimitView {
                name: limit.name.to_owned(),
                help: limit.help.to_owned(),
                unit: limit.unit.to_owned(),
                value,
                next: (next != value).then_some(next),
                default: (limit.get)(&default),
                min: limit.min,
                max: limit.max,
            }
        };
        TABLE.iter().map(view).collect()
    }

    fn check_marks(&self) -> Result<(), String> {
        for (mark, bound) in MARKS {
            let value = |name| limit(name).map_or(0, |limit| (limit.get)(self));
            if value(mark) > value(bound) {
                return Err(format!(
                    "`{mark}` ({}) is above `{bound}` ({}). Messages would be dropped before anybody pauses; \
                     change the other one first.",
                    value(mark),
                    value(bound)
                ));
            }
        }
        Ok(())
    }
}

impl Limit {
    fn check(&'static self, value: &Value) -> Result<(&'static Self, u64), String> {
        let Self { name, unit, min, max, .. } = self;
        match value.as_u64().filter(|value| (*min..=*max).contains(value)) {
            Some(value) => Ok((self, value)),
            None => Err(format!("`{name}` cannot be {value}. Choose {min} to {max} {unit}.")),
        }
    }
}

fn unknown(name: &str) -> String {
    format!("There is no limit called `{name}`; its stored value is not used.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_the_gate_is_in_the_table() {
        let fields = format!("{:?}", broker::Limits::default());
        let fields = fields.trim_start_matches("Limits {").trim_end_matches('}');
        let numbers = fields.split(',').filter_map(|field| field.split_once(':'));
        let numbers = numbers.filter(|(_, value)| value.trim().parse::<u64>().is_ok());
        let names: Vec<&str> = numbers.map(|(name, _)| name.trim()).collect();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            assert!(limit(name).is_some(), "`{name}` has no row");
        }
    }

    #[test]
    fn every_row_has_a_default_in_its_range_and_a_range_that_fits_its_field() {
        let default = Limits::default();
        for row in TABLE {
            assert!((row.min..=row.max).contains(&(row.get)(&default)), "{}", row.name);
            for value in [row.min, row.max] {
                let mut limits = Limits::default();
                (row.set)(&mut limits, value);
                assert_eq!((row.get)(&limits), value, "{}", row.name);
            }
        }
    }

    #[test]
    fn what_was_stored_is_read_and_what_cannot_be_used_is_told() {
        fn check(stored: Value, gather_ms: u64, told: &[&str]) {
            let (limits, wrong) = Limits::read(Some(&stored));
            assert_eq!(limits.journal.gather_ms, gather_ms, "{stored}");
            assert_eq!(wrong.len(), told.len(), "{wrong:?}");
            for (wrong, told) in wrong.iter().zip(told) {
                assert!(wrong.contains(told), "{wrong}");
            }
        }
        check(json!({}), 50, &[]);
        check(json!({ "gather_ms": 5_000 }), 5_000, &[]);
        check(json!({ "gather_ms": 60_001 }), 50, &["Choose 0 to 60000 ms"]);
        check(json!({ "gather_ms": "soon" }), 50, &["cannot be \"soon\""]);
        check(json!({ "gather_ms": -1 }), 50, &["cannot be -1"]);
        check(json!({ "gather": 1, "gather_ms": 7 }), 7, &["no limit called `gather`"]);
        check(json!([1]), 50, &["no object"]);
        check(json!({ "inbox_pause_messages": 60_000 }), 50, &["above `inbox_messages_max`"]);
        assert_eq!(Limits::read(None), (Limits::default(), Vec::new()));
    }

    #[test]
    fn a_change_is_checked_and_stored_as_the_difference() {
        let changed = Limits::default().with("connections_max", Some(100)).unwrap();
        assert_eq!(changed.to_setting(), json!({ "connections_max": 100 }));
        assert_eq!(Limits::read(Some(&changed.to_setting())).0, changed);
        assert_eq!(changed.with("connections_max", None).unwrap().to_setting(), Value::Null);
        for (name, value, told) in [
            ("connections_max", 1, "Choose 16 to"),
            ("nosuch", 1, "no limit called"),
            ("inbox_messages_max", 100, "above `inbox_messages_max`"),
        ] {
            let error = changed.with(name, Some(value)).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        let views = Limits::default().views(&changed);
        let view = views.iter().find(|view| view.name == "connections_max").unwrap();
        assert_eq!((view.value, view.next), (view.default, Some(100)));
    }
}
