//! How much is going on: of each client while somebody looks, of the broker over the last hour.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use broker::{ClientInfo, Counters, Gate};
use parking_lot::Mutex;

use crate::api::types::{BrokerRates, ClientView, DroppedCount};
use crate::watch::client_view;

/// Time the rates of a client are smoothed over, s.
const SMOOTHED_S: f64 = 5.0;
/// Looks closer together than this share one.
const LOOK_MIN: Duration = Duration::from_millis(900);
/// Length of a span of the broker's rates, ms.
const SPAN_MS: u32 = 10_000;
/// Spans that are remembered: an hour.
const SPANS_MAX: usize = 360;

/// The clients with their rates. Nothing is done while nobody asks, and those who ask at the same time share one
/// look.
#[derive(Debug, Default)]
pub struct ClientRates {
    looks: Mutex<Looks>,
    /// A client came or went since the last look.
    outdated: AtomicBool,
}

#[derive(Debug, Default)]
struct Looks {
    looked: Option<Instant>,
    clients: Arc<Vec<ClientView>>,
    seen: HashMap<Arc<str>, Seen>,
}

/// What a client had at the last look.
#[derive(Debug)]
struct Seen {
    /// The id it is told under.
    told: Arc<str>,
    connected_ms: Option<i64>,
    messages: [u64; 2],
    rates: [f64; 2],
}

impl ClientRates {
    /// The clients in order of id. `told` says under which one each may be told, and is asked once for each of its
    /// connections; `in_trouble` says which of them are in trouble. Both are asked at most once a second, however many
    /// look, unless somebody came or went.
    pub fn look(
        &self,
        gate: &Gate,
        now_ms: i64,
        told: impl Fn(&ClientInfo) -> String,
        in_trouble: impl FnOnce() -> HashSet<String>,
    ) -> Arc<Vec<ClientView>> {
        let mut looks = self.looks.lock();
        let now = Instant::now();
        // Lowered before the look, so that whoever comes during it leads to another.
        let outdated = self.outdated.swap(false, Ordering::AcqRel);
        if outdated || looks.looked.is_none_or(|looked| now.duration_since(looked) >= LOOK_MIN) {
            looks.take(&gate.clients(), now, now_ms, told, &in_trouble());
        }
        looks.clients.clone()
    }

    /// A client came or went: whoever heard of it finds it so.
    pub fn outdate(&self) {
        self.outdated.store(true, Ordering::Release);
    }

    /// One client with its rates, as of the last look.
    pub fn of(&self, info: &ClientInfo, told: String) -> ClientView {
        let rates = self.looks.lock().seen.get(&info.client_id).map_or([0.0; 2], |seen| seen.rates);
        with_rates(info, told, rates)
    }
}

impl Looks {
    fn take(
        &mut self,
        clients: &[ClientInfo],
        now: Instant,
        now_ms: i64,
        told: impl Fn(&ClientInfo) -> String,
        in_trouble: &HashSet<String>,
    ) {
        let passed_s = self.looked.map(|looked| now.duration_since(looked).as_secs_f64());
        self.looked = Some(now);
        let mut seen = HashMap::with_capacity(clients.len());
        let mut views = Vec::with_capacity(clients.len());
        for info in clients {
            let known = self.seen.get(&info.client_id);
            let known_as = known.filter(|seen| seen.connected_ms == info.connected_ms);
            let known_as = known_as.map_or_else(|| told(info).into(), |seen| seen.told.clone());
            let this = Seen::now(info, known_as, known.zip(passed_s), now_ms);
            let in_trouble = in_trouble.contains(&*this.told);
            views.push(ClientView { in_trouble, ..with_rates(info, this.told.to_string(), this.rates) });
            seen.insert(info.client_id.clone(), this);
        }
        self.seen = seen;
        self.clients = Arc::new(views);
    }
}

impl Seen {
    fn now(info: &ClientInfo, told: Arc<str>, before: Option<(&Seen, f64)>, now_ms: i64) -> Self {
        let messages = [info.messages_in, info.messages_out];
        let before = before.filter(|(seen, _)| seen.connected_ms == info.connected_ms);
        let rates = match before {
            Some((seen, passed_s)) if passed_s > 0.0 => {
                let part = (passed_s / SMOOTHED_S).min(1.0);
                let rate = |at: usize| {
                    let fresh = messages[at].saturating_sub(seen.messages[at]) as f64 / passed_s;
                    seen.rates[at] + (fresh - seen.rates[at]) * part
                };
                [rate(0), rate(1)]
            }
            _ => {
                // Nobody looked before: all that is known is its mean.
                let connected_s = info.connected_ms.map_or(0, |since| now_ms - since) as f64 / 1_000.0;
                messages.map(|count| count as f64 / connected_s.max(SMOOTHED_S))
            }
        };
        Self { told, connected_ms: info.connected_ms, messages, rates }
    }
}

fn with_rates(info: &ClientInfo, told: String, rates: [f64; 2]) -> ClientView {
    // To the hundredth, so that a rate that dies away stops being news.
    let [rate_in, rate_out] = rates.map(|rate| (rate * 100.0).round() / 100.0);
    ClientView { rate_in, rate_out, ..client_view(info, told) }
}

/// The rates of the broker over the last hour.
#[derive(Debug, Default)]
pub struct History(Mutex<Spans>);

#[derive(Debug, Default)]
struct Spans {
    before: Option<(i64, Counters)>,
    spans: VecDeque<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    end_ms: i64,
    messages_in: f64,
    messages_out: f64,
    bytes_in: f64,
    bytes_out: f64,
    dropped: f64,
    refused: f64,
    clients: u32,
}

impl History {
    /// Looks at the counters, when a span is over. Called about once a second.
    pub fn sample(&self, now_ms: i64, counters: impl FnOnce() -> Counters) {
        let mut spans = self.0.lock();
        let over = spans.before.as_ref().is_none_or(|(begin_ms, _)| {
            // A clock that was set back begins a new span.
            !(0..i64::from(SPAN_MS)).contains(&(now_ms - begin_ms))
        });
        if !over {
            return;
        }
        let now = counters();
        if let Some((begin_ms, before)) = spans.before.replace((now_ms, now))
            && now_ms > begin_ms
        {
            let seconds = (now_ms - begin_ms) as f64 / 1_000.0;
            let rate = |of: fn(&Counters) -> u64| of(&now).saturating_sub(of(&before)) as f64 / seconds;
            let span = Span {
                end_ms: now_ms,
                messages_in: rate(|c| c.messages_in + c.messages_own),
                messages_out: rate(|c| c.messages_out),
                bytes_in: rate(|c| c.bytes_in),
                bytes_out: rate(|c| c.bytes_out),
                dropped: rate(|c| dropped(c).iter().map(|reason| reason.count).sum()),
                refused: rate(|c| c.refused + c.denied),
                clients: u32::try_from(now.connected).unwrap_or(u32::MAX),
            };
            if spans.spans.len() >= SPANS_MAX {
                spans.spans.pop_front();
            }
            spans.spans.push_back(span);
        }
    }

    /// What is remembered, oldest first.
    pub fn rates(&self) -> BrokerRates {
        let spans = self.0.lock();
        let of = |value: fn(&Span) -> f64| spans.spans.iter().map(value).collect();
        BrokerRates {
            times_ms: spans.spans.iter().map(|span| span.end_ms).collect(),
            span_ms: SPAN_MS,
            messages_in: of(|span| span.messages_in),
            messages_out: of(|span| span.messages_out),
            bytes_in: of(|span| span.bytes_in),
            bytes_out: of(|span| span.bytes_out),
            dropped: of(|span| span.dropped),
            refused: of(|span| span.refused),
            clients: spans.spans.iter().map(|span| span.clients).collect(),
        }
    }
}

/// Messages that were dropped, by reason; reasons with none are left out.
pub fn dropped(counters: &Counters) -> Vec<DroppedCount> {
    [
        ("QoS 0, for clients that read too slowly", counters.shed_qos0),
        ("QoS 1 and 2, for clients that read too slowly and keep no session", counters.dropped_clean),
        ("the oldest in full queues of sessions", counters.dropped_queue),
        (
            "commands to what the relay guard watches, for clients that would have got them late",
            counters.late,
        ),
        ("expired before they could be delivered", counters.expired),
        ("larger than their receiver takes", counters.too_large),
        ("not acknowledged, because the journal had no room", counters.journal_refused),
        ("delivered and not retained, because the table was full", counters.retained_refused),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(why, count)| DroppedCount { why: why.to_owned(), count })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(messages_in: u64) -> ClientInfo {
        ClientInfo {
            client_id: "c".into(),
            user: "u".into(),
            peer: None,
            transport: None,
            version: String::new(),
            keepalive_s: 0,
            connected_ms: Some(0),
            disconnected_ms: None,
            expiry_s: 0,
            subscription_count: 0,
            queued: 0,
            queued_bytes: 0,
            in_flight: 0,
            messages_in,
            messages_out: 0,
            dropped: 0,
            denied: 0,
            learning: false,
        }
    }

    #[test]
    fn a_rate_follows_within_seconds_and_comes_to_rest() {
        let mut looks = Looks::default();
        let start = Instant::now();
        let mut look = |second: u64, messages: u64| {
            let now = start + Duration::from_secs(second);
            let now_ms = 3_600_000 + second as i64 * 1_000;
            let told = |info: &ClientInfo| info.client_id.to_string();
            looks.take(&[client(messages)], now, now_ms, told, &HashSet::new());
            looks.clients[0].rate_in
        };
        assert_eq!(look(0, 3_600), 1.0, "the mean, at first");
        let rates: Vec<f64> = (1..=20).map(|second| look(second, 3_600 + second * 10)).collect();
        assert!(rates.is_sorted() && rates[4] > 6.0 && rates[19] > 9.8, "{rates:?}");
        let rates: Vec<f64> = (21..=80).map(|second| look(second, 3_800)).collect();
        assert_eq!(rates.last(), Some(&0.0));
        assert_eq!(look(81, 4), 0.0, "a counter that began anew is no rate");
    }

    #[test]
    fn an_hour_of_spans_is_kept_and_no_more() {
        let history = History::default();
        for second in 0..=5_000u64 {
            let counters = || Counters { messages_in: second * 3, denied: second, ..Counters::default() };
            history.sample(1_000_000 + second as i64 * 1_000, counters);
        }
        let rates = history.rates();
        assert_eq!(rates.times_ms.len(), SPANS_MAX);
        assert_eq!((rates.times_ms[359], rates.messages_in[0], rates.refused[359]), (6_000_000, 3.0, 1.0));
        history.sample(0, Counters::default);
        assert_eq!(history.rates().times_ms.len(), SPANS_MAX, "a clock that was set back makes no span");
    }
}
