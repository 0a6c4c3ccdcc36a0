//! What scripts need from the house they run in.

use bytes::Bytes;
use model::run::RunLogLine;
use model::{Cause, QoS, RunRecord, State, Value};
use serde_json::{Map, Value as Json};

/// A message a script wants published.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptPublish {
    /// Topic name, already checked by [`model::topic::check_topic`].
    pub topic: String,
    /// The payload: text as it is, maps and arrays as JSON, `()` as nothing.
    pub payload: Bytes,
    /// QoS; 0 unless the script says otherwise.
    pub qos: QoS,
    /// Whether to retain it.
    pub retain: bool,
    /// [`Cause::Run`]: this run.
    pub cause: Cause,
}

/// The house. Called from the pool's threads (and `now_ms`, `get`, `log` also from the thread that loads a
/// script), so nothing here may block: a call that takes longer than [`crate::Limits::late_ms`] costs the
/// automation its thread and pauses it.
pub trait Host: Send + Sync + 'static {
    /// The clock: UTC, ms.
    fn now_ms(&self) -> i64;
    /// An entity's present state; `None` when there is no such entity.
    fn get(&self, entity: &str) -> Option<State>;
    /// Publishes. The error says why not and what to do; it goes into the run's record.
    fn publish(&self, publish: ScriptPublish) -> Result<(), String>;
    /// Gives an entity a command. The error says why not and what to do; it goes into the run's record.
    fn command(
        &self,
        entity: &str,
        verb: &str,
        value: Option<Value>,
        attributes: Map<String, Json>,
        cause: Cause,
    ) -> Result<(), String>;
    /// A run is over, well or badly.
    fn run_finished(&self, run: RunRecord);
    /// A script says something, as it says it.
    fn log(&self, automation: &str, line: RunLogLine);
    /// An automation was stopped until it is loaded or resumed again.
    fn paused(&self, automation: &str, why: &str);
}
