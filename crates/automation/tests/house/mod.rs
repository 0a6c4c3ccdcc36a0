//! A small house for the tests: it knows a few states, remembers what scripts do, and can be made to block.
#![allow(dead_code, reason = "each test file uses its own part of the house")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use automation::{Automations, Host, Limits, ScriptPublish};
use bytes::Bytes;
use model::run::RunLogLine;
use model::{Cause, Message, Publisher, QoS, RunRecord, State, StateChange, Value};
use parking_lot::Mutex;
use serde_json::{Map, Value as Json};

/// Longest wait for something that must come, before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What scripts did, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deed {
    Publish(ScriptPublish),
    Command { entity: String, verb: String, value: Option<Value>, attributes: Json, cause: Cause },
}

pub(crate) struct House {
    now_ms: AtomicI64,
    states: Mutex<HashMap<String, State>>,
    /// Reading `stuck.entity` waits until something is sent here.
    gate: Mutex<Option<Receiver<()>>>,
    deeds: Sender<Deed>,
    runs: Sender<RunRecord>,
    said: Sender<(String, RunLogLine)>,
    pauses: Sender<(String, String)>,
}

/// The house seen from outside.
pub(crate) struct Visit {
    pub(crate) house: Arc<House>,
    pub(crate) automations: Automations,
    pub(crate) deeds: Receiver<Deed>,
    pub(crate) runs: Receiver<RunRecord>,
    pub(crate) said: Receiver<(String, RunLogLine)>,
    pub(crate) pauses: Receiver<(String, String)>,
    pub(crate) open_gate: Sender<()>,
}

pub(crate) fn visit(limits: Limits) -> Visit {
    let (deeds_in, deeds) = channel();
    let (runs_in, runs) = channel();
    let (said_in, said) = channel();
    let (pauses_in, pauses) = channel();
    let (open_gate, gate) = channel();
    let house = Arc::new(House {
        now_ms: AtomicI64::new(1_800_000_000_000),
        states: Mutex::default(),
        gate: Mutex::new(Some(gate)),
        deeds: deeds_in,
        runs: runs_in,
        said: said_in,
        pauses: pauses_in,
    });
    let automations = Automations::start(house.clone(), limits);
    Visit { house, automations, deeds, runs, said, pauses, open_gate }
}

/// Limits for tests that are not about time: a busy machine must not stop a run.
pub(crate) fn patient() -> Limits {
    Limits { wall_ms: 20_000, ..Limits::default() }
}

impl House {
    pub(crate) fn set(&self, entity: &str, value: Value) {
        self.states.lock().entry(entity.to_owned()).or_default().value = Some(value);
    }

    pub(crate) fn set_attribute(&self, entity: &str, name: &str, value: Json) {
        self.states.lock().entry(entity.to_owned()).or_default().attributes.insert(name.to_owned(), value);
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Host for House {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn get(&self, entity: &str) -> Option<State> {
        if entity == "stuck.entity"
            && let Some(gate) = self.gate.lock().take()
        {
            let _ = gate.recv();
        }
        assert_ne!(entity, "broken.entity", "the registry is broken");
        self.states.lock().get(entity).cloned()
    }

    fn publish(&self, publish: ScriptPublish) -> Result<(), String> {
        if publish.topic.starts_with("forbidden/") {
            return Err("This automation may not publish there. Allow it under Permissions.".to_owned());
        }
        let _ = self.deeds.send(Deed::Publish(publish));
        Ok(())
    }

    fn command(
        &self,
        entity: &str,
        verb: &str,
        value: Option<Value>,
        attributes: Map<String, Json>,
        cause: Cause,
    ) -> Result<(), String> {
        if !entity.contains('.') {
            return Err(format!("There is no entity `{entity}`. Did you mean `hall.light`?"));
        }
        let _ = self.deeds.send(Deed::Command {
            entity: entity.to_owned(),
            verb: verb.to_owned(),
            value,
            attributes: Json::Object(attributes),
            cause,
        });
        Ok(())
    }

    fn run_finished(&self, run: RunRecord) {
        let _ = self.runs.send(run);
    }

    fn log(&self, automation: &str, line: RunLogLine) {
        let _ = self.said.send((automation.to_owned(), line));
    }

    fn paused(&self, automation: &str, why: &str) {
        let _ = self.pauses.send((automation.to_owned(), why.to_owned()));
    }
}

impl Visit {
    pub(crate) fn load(&self, id: &str, source: &str) {
        self.automations.load(id, source).unwrap_or_else(|error| panic!("{id}: {error:?}"));
    }

    pub(crate) fn message(&self, topic: &str, payload: &str) {
        self.automations.on_message(&message(topic, payload));
    }

    pub(crate) fn change(&self, entity: &str, old: Option<Value>, new: Option<Value>) {
        self.automations.on_change(&change(entity, old, new));
    }

    /// The next finished run.
    pub(crate) fn run(&self) -> RunRecord {
        self.runs.recv_timeout(PATIENCE).expect("a run finishes")
    }

    /// The next finished run of this automation; others are passed over.
    pub(crate) fn run_of(&self, id: &str) -> RunRecord {
        loop {
            let run = self.run();
            if run.automation == id {
                return run;
            }
        }
    }

    /// Sends a message and gives the run it set off.
    pub(crate) fn run_on(&self, topic: &str, payload: &str) -> RunRecord {
        self.message(topic, payload);
        self.run()
    }

    pub(crate) fn pause(&self) -> (String, String) {
        self.pauses.recv_timeout(PATIENCE).expect("a pause is told")
    }

    pub(crate) fn deed(&self) -> Deed {
        self.deeds.recv_timeout(PATIENCE).expect("something is done")
    }
}

pub(crate) fn message(topic: &str, payload: &str) -> Arc<Message> {
    message_because(topic, payload, None)
}

pub(crate) fn message_because(topic: &str, payload: &str, cause: Option<Cause>) -> Arc<Message> {
    Arc::new(Message {
        id: 42,
        time_ms: 1_700_000_000_000,
        topic: topic.into(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        qos: QoS::AtMostOnce,
        retain: false,
        publisher: Arc::new(Publisher::hub("test")),
        cause,
        properties: None,
    })
}

pub(crate) fn change(entity: &str, old: Option<Value>, new: Option<Value>) -> StateChange {
    let state = |value| State { value, reported_ms: 1_700_000_000_000, ..State::default() };
    StateChange { entity: entity.to_owned(), old: Some(state(old)), new: state(new), fresh: true }
}

pub(crate) fn number(number: f64) -> Option<Value> {
    Some(Value::Number(number))
}

pub(crate) fn on(on: bool) -> Option<Value> {
    Some(Value::Bool(on))
}

/// What the run logged.
pub(crate) fn log(run: &RunRecord) -> Vec<&str> {
    run.log.iter().map(|line| line.text.as_str()).collect()
}

/// The words of the run's error.
pub(crate) fn error(run: &RunRecord) -> &str {
    run.error.as_ref().map_or("no error", |error| error.message.as_str())
}
