//! One loaded automation: its program, its inbox, its record of failures; and what happens when an event
//! reaches one of its handlers.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use model::run::{RunAction, RunLogLine, ScriptError};
use model::{Cause, RunRecord};
use parking_lot::Mutex;
use rhai::Position;

use crate::desk::{Draft, Wish, run_cause};
use crate::event::{Event, payload_words};
use crate::host::{Host, ScriptPublish};
use crate::inbox::{Happening, Inbox, Mail};
use crate::limits::Limits;
use crate::report::AutomationStatus;
use crate::script::{Handler, Program, panic_words};
use crate::words::{Kind, at};

/// A loaded automation.
pub(crate) struct Automation {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) program: Program,
    pub(crate) inbox: Mutex<Inbox>,
    host: Arc<dyn Host>,
    limits: Limits,
    /// Replaced or unloaded: what still waits is not run.
    retired: AtomicBool,
    paused: Mutex<Option<String>>,
    failures: Mutex<Failures>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    runs: u64,
    failed: u64,
    refused: u64,
    last_run_ms: Option<i64>,
}

/// The last failures, to tell a script that keeps failing from one that failed once.
#[derive(Default)]
struct Failures(VecDeque<(i64, Kind, Option<u32>)>);

impl Failures {
    /// Notes one; whether it was one too many of its kind at its place.
    fn note(&mut self, now_ms: i64, kind: Kind, line: Option<u32>, limits: &Limits) -> bool {
        const KEPT_MAX: usize = 64;
        self.0.retain(|(time_ms, ..)| now_ms.saturating_sub(*time_ms) <= limits.failure_window_ms);
        if self.0.len() >= KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((now_ms, kind, line));
        self.0.iter().filter(|(_, k, l)| *k == kind && *l == line).count() >= limits.failures_max
    }
}

/// What a run is called before it is over.
#[derive(Clone)]
pub(crate) struct RunHead {
    run: String,
    started_ms: i64,
    mail: Mail,
}

/// The thread a run is on, as the run sees it.
pub(crate) trait Seat {
    /// The run begins.
    fn take(&self, automation: &Arc<Automation>, head: &RunHead);
    /// Whether the seat was given to another thread because this run took too long.
    fn lost(&self) -> bool;
    /// Claims the right to write the run's record; false when the watchdog has written it.
    fn claim(&self) -> bool;
}

impl Automation {
    pub(crate) fn new(
        id: &str,
        source: &str,
        program: Program,
        host: Arc<dyn Host>,
        limits: &Limits,
    ) -> Self {
        Automation {
            id: id.to_owned(),
            source: source.to_owned(),
            program,
            inbox: Mutex::new(Inbox::new(limits.inbox_events_max)),
            host,
            limits: limits.clone(),
            retired: AtomicBool::new(false),
            paused: Mutex::new(None),
            failures: Mutex::new(Failures::default()),
            counts: Mutex::new(Counts::default()),
        }
    }

    /// Takes it out of service. A run that is under way ends by itself.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.inbox.lock().clear();
    }

    /// Whether events are still to be run.
    pub(crate) fn is_running(&self) -> bool {
        !self.retired.load(Ordering::Acquire) && self.paused.lock().is_none()
    }

    pub(crate) fn status(&self) -> AutomationStatus {
        let (waiting, dropped, replaced) = {
            let inbox = self.inbox.lock();
            (inbox.len(), inbox.dropped, inbox.replaced)
        };
        let counts = self.counts.lock();
        AutomationStatus {
            id: self.id.clone(),
            paused: self.paused.lock().clone(),
            triggers: self.program.triggers(),
            runs: counts.runs,
            failed: counts.failed,
            waiting,
            dropped,
            replaced,
            refused: counts.refused,
            memory_bytes: self.program.held_bytes(),
            last_run_ms: counts.last_run_ms,
        }
    }

    /// Runs the handler an event is for, carries out what it asked for, and writes the record.
    pub(crate) fn handle(self: &Arc<Self>, mail: Mail, seat: &impl Seat) {
        let Some(handler) = self.program.handlers.get(mail.handler) else { return };
        let started_ms = self.host.now_ms();
        let head = RunHead { run: run_id(started_ms), started_ms, mail };
        let event = event(handler, &head);
        let depth = event.cause().map_or(0, Cause::depth) + 1;
        if depth > self.limits.cause_depth_max {
            self.stop_loop(handler, &head, depth);
            return;
        }
        seat.take(self, &head);
        let finished = self.program.run(handler, &event);
        if seat.lost() {
            return;
        }
        let Draft { wishes, mut log, log_dropped, refused, refused_unlisted, .. } = finished.draft;
        let mut counted = refused;
        let mut actions = Vec::with_capacity(wishes.len());
        for wish in wishes {
            // Past a lost seat the automation is paused: what it still wanted is not done.
            if seat.lost() {
                return;
            }
            let listed = matches!(wish, Wish::Refused { .. });
            let action = self.carry_out(wish, &head.run, depth);
            counted += u64::from(!listed && matches!(action, RunAction::Refused { .. }));
            actions.push(action);
        }
        if refused_unlisted > 0 {
            actions.push(RunAction::Refused {
                what: format!("{refused_unlisted} more actions"),
                why: "Refused for the same reasons.".to_owned(),
            });
        }
        if log_dropped > 0 {
            log.push(RunLogLine {
                time_ms: self.host.now_ms(),
                level: "warning".to_owned(),
                text: format!(
                    "{log_dropped} more lines are not kept: a run can log {}.",
                    self.limits.log_lines_max
                ),
            });
        }
        if !seat.claim() {
            return;
        }
        let error = finished.error.as_ref().map(|(_, error)| error.clone());
        let record = RunRecord {
            log,
            actions,
            error,
            operations: finished.operations,
            duration_us: finished.duration_us,
            ..self.record(handler, &head)
        };
        self.finish(record, counted, finished.error);
    }

    /// A cause chain is too long: something sets itself off.
    fn stop_loop(&self, handler: &Handler, head: &RunHead, depth: u32) {
        let message = format!(
            "Not run: {} runs already stand between this and what started it. The automation probably sets \
             itself off, alone or by way of another. Make one of them act only when something really changes.",
            depth - 1
        );
        let error = at(line_position(handler.line), message.clone());
        let record = RunRecord { error: Some(error.clone()), ..self.record(handler, head) };
        self.finish(record, 0, Some((Kind::Loop, error)));
        self.pause(format!("It goes in a circle. {message}"));
    }

    /// Called by the watchdog: the run has held its thread far too long and the thread is given up.
    pub(crate) fn give_up(&self, head: &RunHead, unwritten: bool, held_ms: u64) {
        let message = format!(
            "The run has held its thread for {held_ms} ms and does not end: a function of Hearth does not \
             return. The automation is paused; load it again to go on."
        );
        if let Some(handler) = self.program.handlers.get(head.mail.handler).filter(|_| unwritten) {
            let error = at(line_position(handler.line), message.clone());
            let record = RunRecord {
                error: Some(error.clone()),
                duration_us: held_ms.saturating_mul(1000),
                ..self.record(handler, head)
            };
            self.finish(record, 0, Some((Kind::Late, error)));
        }
        self.pause(message);
    }

    fn record(&self, handler: &Handler, head: &RunHead) -> RunRecord {
        let event = event(handler, head);
        RunRecord {
            id: head.run.clone(),
            automation: self.id.clone(),
            started_ms: head.started_ms,
            duration_us: 0,
            operations: 0,
            trigger: event.record(&handler.text, handler.line),
            cause: event.cause().cloned(),
            log: Vec::new(),
            actions: Vec::new(),
            error: None,
        }
    }

    /// Counts a run, hands its record to the house, and pauses the automation when it fails again and again.
    fn finish(&self, record: RunRecord, refused: u64, failure: Option<(Kind, ScriptError)>) {
        let started_ms = record.started_ms;
        {
            let mut counts = self.counts.lock();
            counts.runs += 1;
            counts.failed += u64::from(failure.is_some());
            counts.refused += refused;
            counts.last_run_ms = Some(started_ms);
        }
        self.tell("the end of a run", |host| host.run_finished(record));
        let Some((kind, error)) = failure else { return };
        if self.failures.lock().note(started_ms, kind, error.line, &self.limits) {
            let place = error.line.map_or_else(String::new, |line| format!(", in line {line}"));
            self.pause(format!(
                "It failed {} times within {} minutes{place}: {} Correct and save it, or switch it on again.",
                self.limits.failures_max,
                self.limits.failure_window_ms / 60_000,
                sentence(&error.message)
            ));
        }
    }

    /// Stops it until it is loaded again; says so once.
    fn pause(&self, why: String) {
        {
            let mut paused = self.paused.lock();
            if paused.is_some() {
                return;
            }
            *paused = Some(why.clone());
        }
        self.inbox.lock().clear();
        self.tell("a pause", |host| host.paused(&self.id, &why));
    }

    fn carry_out(&self, wish: Wish, run: &str, depth: u32) -> RunAction {
        let what = wish.as_written();
        let cause = run_cause(run, &self.id, depth);
        let result = match wish {
            Wish::Publish { topic, payload, qos, retain } => {
                let action =
                    RunAction::Publish { topic: topic.clone(), payload: payload_words(&payload), retain };
                let publish = ScriptPublish { topic, payload, qos, retain, cause };
                catch_unwind(AssertUnwindSafe(|| self.host.publish(publish)))
                    .map(|done| done.map(|()| action))
            }
            Wish::Command { entity, verb, value, attributes } => {
                let action =
                    RunAction::Command { entity: entity.clone(), verb: verb.clone(), value: value.clone() };
                catch_unwind(AssertUnwindSafe(|| self.host.command(&entity, &verb, value, attributes, cause)))
                    .map(|done| done.map(|()| action))
            }
            Wish::Refused { what, why } => return RunAction::Refused { what, why },
        };
        match result {
            Ok(Ok(action)) => action,
            Ok(Err(why)) => RunAction::Refused { what, why },
            Err(panic) => RunAction::Refused { what, why: panic_words(&*panic) },
        }
    }

    /// Tells the house something. A panic there must not cost the pool a thread.
    fn tell(&self, what: &str, tell: impl FnOnce(&dyn Host)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| tell(&*self.host))) {
            tracing::error!(automation = %self.id, "Could not report {what}: {}", panic_words(&*panic));
        }
    }
}

fn event(handler: &Handler, head: &RunHead) -> Event {
    let time_ms = match &head.mail.happening {
        Happening::Message(message) => message.time_ms,
        Happening::Change(change) => change.new.reported_ms,
        Happening::Started => head.started_ms,
    };
    Event { kind: handler.trigger.kind(), happening: head.mail.happening.clone(), time_ms }
}

/// A text a script threw may lack its full stop.
fn sentence(text: &str) -> String {
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{text}{end}")
}

fn line_position(line: Option<u32>) -> Position {
    line.and_then(|line| u16::try_from(line).ok()).map_or(Position::NONE, |line| Position::new(line, 0))
}

/// Unique: the time, and a count within this program. Sorts by time.
fn run_id(started_ms: i64) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{started_ms:012x}-{:06x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_failure_of_one_kind_at_one_place_is_too_many() {
        const MINUTE: i64 = 60_000;
        fn check(failures: &[(i64, Kind, u32)], expected: bool) {
            let mut noted = Failures::default();
            let limits = Limits::default();
            let last = failures.iter().fold(false, |_, (minute, kind, line)| {
                noted.note(minute * MINUTE, *kind, Some(*line), &limits)
            });
            assert_eq!(last, expected, "{failures:?}");
        }
        use Kind::{Time, Types};
        check(&[(0, Types, 3), (4, Types, 3), (9, Types, 3)], true);
        check(&[(0, Types, 3), (4, Types, 3)], false);
        check(&[(0, Types, 3), (4, Types, 3), (11, Types, 3)], false);
        check(&[(0, Types, 3), (1, Types, 4), (2, Types, 5)], false);
        check(&[(0, Types, 3), (1, Time, 3), (2, Types, 3)], false);
    }
}
