//! How devices are: collects the figures of a board from readings, states and its log, and lets `devices::health` say
//! what they come to. One after the other and slowly, so that it costs next to nothing with thousands of devices.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use devices::health::{
    self, BATTERY_DAYS, Figures, Finding, Kind, Role, Sample, Severity, WINDOW_MS, findings,
};
use model::Value;
use parking_lot::Mutex;
use store::StoreError;

use crate::api::ApiError;
use crate::api::types::{
    DeviceHealth, HealthFact, HealthFinding, HealthKind, HealthLevel, HealthMark, HealthRole, HealthSample,
};
use crate::{Hub, clock};

/// Wait after each device that was looked at. With its few questions a device takes about a millisecond.
const PAUSE: Duration = Duration::from_millis(25);
/// Time between two rounds through all devices.
const ROUND: Duration = Duration::from_secs(5 * 60);
/// Wait before the first round: right after a start there is more urgent work.
const FIRST: Duration = Duration::from_secs(30);
/// Length of the spans that figures are put together in, ms.
const SPAN_MS: i64 = 60 * 1_000;
const HEAP_SPAN_MS: i64 = 10 * 60 * 1_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Texts read of one entity: reasons and moments of restarts.
const TEXTS_MAX: usize = 500;
/// Tasmota's percent of signal: 0 is -100 dBm, 100 is -50 dBm.
const PERCENT_PER_DBM: f64 = 2.0;
const ZERO_PERCENT_DBM: f64 = -100.0;

/// What was found of each device at the last look.
#[derive(Default)]
pub struct Healths(Mutex<BTreeMap<String, HealthMark>>);

impl Healths {
    /// The devices with something to look at.
    pub fn marks(&self) -> Vec<HealthMark> {
        self.0.lock().values().cloned().collect()
    }

    fn note(&self, device: &str, found: &[Finding]) {
        let bad = || found.iter().filter(|finding| finding.severity >= Severity::Notice);
        let mut marks = self.0.lock();
        match bad().next() {
            None => drop(marks.remove(device)),
            Some(worst) => {
                let mark = HealthMark {
                    device: device.to_owned(),
                    level: level(worst.severity),
                    count: u32::try_from(bad().count()).unwrap_or(u32::MAX),
                    what: worst.what.clone(),
                };
                marks.insert(device.to_owned(), mark);
            }
        }
    }
}

/// An entity that tells something of its board.
struct Teller {
    entity: String,
    role: Role,
    unit: Option<String>,
    shown: Option<String>,
}

/// Looks at all devices, again and again. Ends with the hub.
pub(crate) async fn look(hub: Arc<Hub>) {
    tokio::time::sleep(FIRST).await;
    loop {
        let ids: Vec<String> = hub.home.read().devices().map(|device| device.id.clone()).collect();
        {
            let known: HashSet<&String> = ids.iter().collect();
            hub.health.0.lock().retain(|device, _| known.contains(device));
        }
        for id in ids {
            let looking = hub.clone();
            // A device that was removed meanwhile has no health, and one that cannot be read is looked at next time.
            let _ = tokio::task::spawn_blocking(move || looking.device_health(&id)).await;
            tokio::time::sleep(PAUSE).await;
        }
        tokio::time::sleep(ROUND).await;
    }
}

impl Hub {
    /// Looks at a device. Reads the databases, so not on an async worker.
    pub(crate) fn device_health(&self, id: &str) -> Result<DeviceHealth, ApiError> {
        let now_ms = clock::now_ms();
        let (device, tellers) = {
            let home = self.home.read();
            let device = home.device(id).cloned().ok_or_else(|| ApiError::not_found("device", id))?;
            let entities = home.entities_of(id).filter_map(|entity| {
                let role = health::role(&entity.description)?;
                let shown = home.state(&entity.id).and_then(|state| state.value.as_ref());
                Some(Teller {
                    entity: entity.id.clone(),
                    role,
                    unit: entity.description.unit.clone(),
                    shown: shown.map(ToString::to_string),
                })
            });
            let tellers: Vec<Teller> = entities.collect();
            (device, tellers)
        };
        let figures = self.figures(id, &tellers, now_ms).map_err(ApiError::internal)?;
        let found = findings(&figures, now_ms);
        self.health.note(id, &found);
        let told = |role: HealthRole, value: Option<&String>| {
            let by_entity =
                tellers.iter().any(|teller| view_role(teller.role) == role && teller.shown.is_some());
            let value = value.filter(|_| !by_entity)?;
            Some(HealthFact { role, value: value.clone(), unit: None, entity: None })
        };
        let announced = [
            told(HealthRole::Firmware, device.sw_version.as_ref()),
            told(HealthRole::Ip, device.ip.as_ref()),
            told(HealthRole::Mac, device.mac.as_ref()),
        ];
        let facts = tellers.iter().filter_map(|teller| {
            Some(HealthFact {
                role: view_role(teller.role),
                value: teller.shown.clone()?,
                unit: teller.unit.clone(),
                entity: Some(teller.entity.clone()),
            })
        });
        Ok(DeviceHealth {
            findings: found.into_iter().map(view).collect(),
            facts: announced.into_iter().flatten().chain(facts).collect(),
            looked_ms: now_ms,
        })
    }

    fn figures(&self, id: &str, tellers: &[Teller], now_ms: i64) -> Result<Figures, StoreError> {
        let since_ms = now_ms - WINDOW_MS;
        let mut figures = Figures::default();
        for teller in tellers {
            let base = |value: f64| health::in_base_unit(teller.role, teller.unit.as_deref(), value);
            let spans =
                |from_ms: i64, span_ms: i64| self.readings.buckets(&teller.entity, from_ms, now_ms, span_ms);
            match teller.role {
                Role::Signal => {
                    let spans = spans(since_ms, HEAP_SPAN_MS)?;
                    figures.signal = samples(spans.iter().map(|span| (span.start_ms, span.mean)));
                }
                Role::SignalPercent if figures.signal.is_empty() => {
                    let dbm = |percent: f64| ZERO_PERCENT_DBM + percent / PERCENT_PER_DBM;
                    let spans = spans(since_ms, HEAP_SPAN_MS)?;
                    figures.signal = samples(spans.iter().map(|span| (span.start_ms, dbm(span.mean))));
                }
                Role::Uptime => {
                    // A restart within a span shows in its smallest value.
                    let spans = spans(since_ms, SPAN_MS)?;
                    figures.uptime = samples(spans.iter().map(|span| (span.start_ms, base(span.min))));
                }
                Role::Heap => {
                    let spans = spans(since_ms, HEAP_SPAN_MS)?;
                    figures.heap = samples(spans.iter().map(|span| (span.start_ms, base(span.mean))));
                }
                Role::Battery => {
                    let spans = spans(now_ms - BATTERY_DAYS * DAY_MS, DAY_MS)?;
                    figures.battery = samples(spans.iter().map(|span| (span.start_ms, span.last)));
                }
                Role::RestartReason => {
                    figures.reasons = self.texts(&teller.entity, since_ms, now_ms)?;
                }
                Role::Started => {
                    // It is told again with each report; only another moment is another restart.
                    let mut moments = self.texts(&teller.entity, since_ms, now_ms)?;
                    moments.dedup_by(|later, earlier| later.1 == earlier.1);
                    // Since when the first one is known says nothing of when it was.
                    figures.started_ms = moments.into_iter().skip(1).map(|(time_ms, _)| time_ms).collect();
                }
                Role::SignalPercent | Role::Ip | Role::Mac | Role::Firmware => {}
            }
        }
        let connections = self.db.read(|conn| store::device_log::since(conn, id, "connected", since_ms))?;
        figures.connected_ms = connections.into_iter().map(|line| line.time_ms).collect();
        Ok(figures)
    }

    fn texts(&self, entity: &str, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, String)>, StoreError> {
        let readings = self.readings.range(entity, from_ms, to_ms, TEXTS_MAX)?;
        let texts = readings.into_iter().filter_map(|reading| match reading.value {
            Value::Text(text) => Some((reading.time_ms, text)),
            _ => None,
        });
        Ok(texts.collect())
    }
}

fn samples(values: impl Iterator<Item = (i64, f64)>) -> Vec<Sample> {
    values.map(|(time_ms, value)| Sample { time_ms, value }).collect()
}

fn level(severity: Severity) -> HealthLevel {
    match severity {
        Severity::Fine => HealthLevel::Fine,
        Severity::Notice => HealthLevel::Notice,
        Severity::Warning => HealthLevel::Warning,
        Severity::Danger => HealthLevel::Danger,
    }
}

fn view(finding: Finding) -> HealthFinding {
    let point = |sample: Sample| HealthSample { time_ms: sample.time_ms, value: sample.value };
    HealthFinding {
        kind: match finding.kind {
            Kind::RestartLoop => HealthKind::RestartLoop,
            Kind::FallingHeap => HealthKind::FallingHeap,
            Kind::WeakSignal => HealthKind::WeakSignal,
            Kind::Battery => HealthKind::Battery,
            Kind::Flapping => HealthKind::Flapping,
        },
        level: level(finding.severity),
        what: finding.what,
        advice: finding.advice,
        samples: finding.samples.into_iter().map(point).collect(),
        unit: finding.unit.to_owned(),
        line: finding.line.map(|(from, to)| (point(from), point(to))),
    }
}

fn view_role(role: Role) -> HealthRole {
    match role {
        Role::Signal => HealthRole::Signal,
        Role::SignalPercent => HealthRole::SignalPercent,
        Role::Uptime => HealthRole::Uptime,
        Role::Started => HealthRole::Started,
        Role::Heap => HealthRole::Heap,
        Role::Battery => HealthRole::Battery,
        Role::RestartReason => HealthRole::RestartReason,
        Role::Ip => HealthRole::Ip,
        Role::Mac => HealthRole::Mac,
        Role::Firmware => HealthRole::Firmware,
    }
}
