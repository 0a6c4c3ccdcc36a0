//! How a device is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// How a device is, by its figures.
pub struct DeviceHealth {
    /// The worst first.
    pub findings: Vec<HealthFinding>,
    /// What the firmware tells of the board.
    pub facts: Vec<HealthFact>,
    /// When it was looked at, UTC ms.
    pub looked_ms: i64,
}

/// How bad a finding is.
#[derive(Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum HealthLevel {
    /// Nothing to do.
    Fine,
    /// To look at one day.
    Notice,
    /// To act on.
    Warning,
    /// It does not work like this.
    Danger,
}

/// What a finding is about.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum HealthKind {
    /// It restarts again and again.
    RestartLoop,
    /// Its free memory falls.
    FallingHeap,
    /// Its signal is weak.
    WeakSignal,
    /// When its battery ends, or that it is low.
    Battery,
    /// It connects again and again.
    Flapping,
}

/// One thing the figures of a device say.
pub struct HealthFinding {
    /// What it is about.
    pub kind: HealthKind,
    /// How bad.
    pub level: HealthLevel,
    /// What is the matter, with the figures.
    pub what: String,
    /// What to do about it.
    pub advice: String,
    /// The figures behind it, in order of time; at most 200.
    pub samples: Vec<HealthSample>,
    /// Their unit.
    pub unit: String,
    /// A straight line through them: its two ends.
    pub line: Option<(HealthSample, HealthSample)>,
}

/// One figure.
#[derive(Copy)]
pub struct HealthSample {
    /// UTC ms.
    pub time_ms: i64,
    /// Value.
    pub value: f64,
}

/// What a firmware tells of its board.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum HealthRole {
    /// Strength of the Wi-Fi signal, dBm.
    Signal,
    /// Strength of the Wi-Fi signal, percent.
    SignalPercent,
    /// Time since the last restart.
    Uptime,
    /// Moment of the last restart.
    Started,
    /// Free memory.
    Heap,
    /// Charge of the battery.
    Battery,
    /// Why it restarted.
    RestartReason,
    /// IP address.
    Ip,
    /// MAC address.
    Mac,
    /// Version of the firmware.
    Firmware,
}

/// One thing a firmware tells of its board.
pub struct HealthFact {
    /// What it is.
    pub role: HealthRole,
    /// Its value, as it is shown.
    pub value: String,
    /// Unit, if it has one.
    pub unit: Option<String>,
    /// The entity that tells it; `null` when the announcement did.
    pub entity: Option<String>,
}

/// The devices with something to look at.
pub struct HealthMarks {
    /// By device id. Looked at in turn, so a new trouble shows after some minutes.
    pub marks: Vec<HealthMark>,
}

/// What a device's row shows of its health.
pub struct HealthMark {
    /// Device id.
    pub device: String,
    /// The worst of its findings: at least `notice`.
    pub level: HealthLevel,
    /// How many findings of at least `notice` there are.
    pub count: u32,
    /// The worst finding in words.
    pub what: String,
}
}
