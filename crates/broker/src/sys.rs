//! `$SYS/broker/…`: the gate's counters as messages, under the names mosquitto uses, for tools that know those.
//!
//! They are made every [`Limits::sys_interval_ms`](crate::Limits) and reach clients like retained messages: a new
//! subscriber gets the present ones, later those that changed. They are no messages of the home: they have no
//! journal id, are not on the bus, wear no flash, and nobody can publish there. Filters that begin with a
//! wildcard do not match them (section 4.7.2); reading them takes a rule that names `$SYS`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use model::{Message, Publisher, QoS};

use crate::clock::now_ms;
use crate::core::Core;
use crate::limits::Limits;
use crate::watch::Counters;

/// The one level all of them are under.
const ROOT: &str = "$SYS";
/// Minutes the load figures are taken over.
const LOADS: [(f64, &str); 3] = [(1.0, "1min"), (5.0, "5min"), (15.0, "15min")];

/// Whether a topic or filter belongs to the broker.
pub(crate) fn is_sys(text: &str) -> bool {
    text.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Publishes the counters until the gate stops.
pub(crate) async fn tell_counters(core: Arc<Core>) {
    if core.limits.sys_interval_ms == 0 {
        return;
    }
    let interval = Duration::from_millis(core.limits.sys_interval_ms);
    let mut stopping = core.stopping.subscribe();
    let mut sys = Sys::new();
    loop {
        sys.tell(&core, Instant::now());
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(interval) => {}
        }
    }
}

/// What was told last.
struct Sys {
    started: Instant,
    told: Instant,
    counters: Counters,
    clients_max: u64,
    loads: BTreeMap<&'static str, [f64; LOADS.len()]>,
    values: BTreeMap<String, String>,
}

impl Sys {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            told: now,
            counters: Counters::default(),
            clients_max: 0,
            loads: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }

    fn tell(&mut self, core: &Core, now: Instant) {
        for (name, value) in self.figures(core, now) {
            if self.values.get(&name) != Some(&value) {
                core.tell_sys(&name, &value);
                self.values.insert(name, value);
            }
        }
    }

    fn figures(&mut self, core: &Core, now: Instant) -> Vec<(String, String)> {
        let counters = core.counters();
        let (queued, queued_bytes) = core.queued();
        let (retained, retained_bytes) = {
            let retained = core.retained.read();
            (retained.len() as u64, retained.bytes())
        };
        let (subscriptions, shared) = core.subscriptions.counts();
        let total = counters.connected + counters.sleeping;
        self.clients_max = self.clients_max.max(total);
        let all_dropped = |counters: &Counters| {
            counters.shed_qos0 + counters.dropped_clean + counters.dropped_queue + counters.late
        };
        let dropped = all_dropped(&counters);
        let mut out = Vec::new();
        let mut put = |name: &str, value: &dyn Display| out.push((name.to_owned(), value.to_string()));
        put("version", &concat!("Hearth ", env!("CARGO_PKG_VERSION")));
        put("uptime", &format_args!("{} seconds", now.duration_since(self.started).as_secs()));
        put("clients/total", &total);
        put("clients/maximum", &self.clients_max);
        put("clients/connected", &counters.connected);
        put("clients/active", &counters.connected);
        put("clients/disconnected", &counters.sleeping);
        put("clients/inactive", &counters.sleeping);
        put("clients/expired", &counters.sessions_expired);
        put("messages/received", &counters.packets_in);
        put("messages/sent", &counters.packets_out);
        put("messages/stored", &(retained + queued));
        put("store/messages/count", &(retained + queued));
        put("store/messages/bytes", &(retained_bytes + queued_bytes));
        put("retained messages/count", &retained);
        put("subscriptions/count", &subscriptions);
        put("shared_subscriptions/count", &shared);
        put("publish/messages/received", &counters.messages_in);
        put("publish/messages/sent", &counters.messages_out);
        put("publish/messages/dropped", &dropped);
        put("publish/bytes/received", &counters.publish_bytes_in);
        put("publish/bytes/sent", &counters.publish_bytes_out);
        put("bytes/received", &counters.bytes_in);
        put("bytes/sent", &counters.bytes_out);
        let before = std::mem::replace(&mut self.counters, counters);
        let before_dropped = all_dropped(&before);
        let minutes = now.duration_since(self.told).as_secs_f64() / 60.0;
        self.told = now;
        if minutes == 0.0 {
            return out;
        }
        // Who was let in; mosquitto counts CONNECTs under `connections` and accepted sockets under `sockets`.
        let let_in = |counters: &Counters| counters.connections.saturating_sub(counters.refused);
        let rates = [
            ("messages/received", counters.packets_in - before.packets_in),
            ("messages/sent", counters.packets_out - before.packets_out),
            ("publish/dropped", dropped - before_dropped),
            ("publish/received", counters.messages_in - before.messages_in),
            ("publish/sent", counters.messages_out - before.messages_out),
            ("bytes/received", counters.bytes_in - before.bytes_in),
            ("bytes/sent", counters.bytes_out - before.bytes_out),
            ("sockets", counters.connections - before.connections),
            ("connections", let_in(&counters).saturating_sub(let_in(&before))),
        ];
        for (name, count) in rates {
            let loads = self.loads.entry(name).or_default();
            for (load, (span, label)) in loads.iter_mut().zip(LOADS) {
                *load = decayed(*load, count as f64, minutes, span);
                out.push((format!("load/{name}/{label}"), format!("{load:.2}")));
            }
        }
        out
    }
}

/// A rate per minute, averaged with a weight that falls by `e` in `span` minutes.
fn decayed(load: f64, count: f64, minutes: f64, span: f64) -> f64 {
    let rate = count / minutes;
    rate + (load - rate) * (-minutes / span).exp()
}

impl Core {
    /// Keeps a value for new subscribers and gives it to the present ones.
    fn tell_sys(&self, name: &str, value: &str) {
        let topic: Arc<str> = format!("{ROOT}/broker/{name}").into();
        let message = |id| Message {
            id,
            time_ms: now_ms(),
            topic: topic.clone(),
            payload: Bytes::copy_from_slice(value.as_bytes()),
            qos: QoS::AtMostOnce,
            retain: true,
            publisher: Arc::new(Publisher::hub("broker")),
            cause: None,
            properties: None,
        };
        // Journal ids order messages and subscriptions: the one that is kept is older than every subscription,
        // the one that is sent younger.
        let kept = Arc::new(message(0));
        if self.sys.write().apply(&kept, &Limits::default()).is_err() {
            return;
        }
        let targets = self.targets(&topic, None);
        self.deliver(&[Arc::new(message(u64::MAX))], &targets, &mut Vec::new());
    }

    /// Messages waiting in all sessions, and their bytes.
    fn queued(&self) -> (u64, u64) {
        let sessions: Vec<_> = self.sessions.lock().values().cloned().collect();
        sessions.iter().fold((0, 0), |(messages, bytes), session| {
            let state = session.lock();
            (messages + state.outbox.len() as u64, bytes + state.outbox.bytes() as u64)
        })
    }

    /// Totals since the start.
    pub(crate) fn counters(&self) -> Counters {
        let connected = self.connected.count() as u64;
        let sessions = self.sessions.lock().len() as u64;
        Counters {
            connected,
            sleeping: sessions.saturating_sub(connected),
            retained: self.retained_count() as u64,
            ..self.tally.counters()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_sys_belongs_to_the_broker() {
        let check = |text: &str, expected: bool| assert_eq!(is_sys(text), expected, "{text}");
        check("$SYS", true);
        check("$SYS/broker/uptime", true);
        check("$SYS/#", true);
        check("$SYSTEM", false);
        check("$other/x", false);
        check("a/$SYS", false);
    }

    #[test]
    fn a_load_follows_the_rate_and_the_short_one_follows_it_sooner() {
        let (mut short, mut long) = (0.0, 0.0);
        for _ in 0..6 {
            short = decayed(short, 10.0, 1.0 / 6.0, 1.0);
            long = decayed(long, 10.0, 1.0 / 6.0, 15.0);
        }
        assert!((37.0..39.0).contains(&short), "{short}");
        assert!((3.5..4.5).contains(&long), "{long}");
    }
}
