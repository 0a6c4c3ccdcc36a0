//! What a script's functions write to: the triggers while it is loaded, the wishes and the log while a
//! handler runs. Nothing is carried out here; that happens after the handler returns.

use std::sync::Arc;

use bytes::Bytes;
use model::run::RunLogLine;
use model::{Cause, QoS, State, Value};
use parking_lot::Mutex;
use rhai::{EvalAltResult, FnPtr};
use serde_json::{Map, Value as Json};

use crate::bucket::Bucket;
use crate::convert::cut;
use crate::host::Host;
use crate::limits::Limits;
use crate::memory::uncounted;
use crate::trigger::Trigger;
use crate::words::fault;

/// One `on(...)`.
pub(crate) struct Registration {
    pub(crate) trigger: Trigger,
    pub(crate) handler: FnPtr,
    pub(crate) position: rhai::Position,
}

/// Something a script asks for.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    Publish {
        topic: String,
        payload: Bytes,
        qos: QoS,
        retain: bool,
    },
    Command {
        entity: String,
        verb: String,
        value: Option<Value>,
        attributes: Map<String, Json>,
    },
    /// Asked for, and already known not to be done.
    Refused {
        what: String,
        why: String,
    },
}

/// What one run has asked for and said so far.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) wishes: Vec<Wish>,
    pub(crate) log: Vec<RunLogLine>,
    /// Log lines beyond [`Limits::log_lines_max`].
    pub(crate) log_dropped: usize,
    /// Refusals, listed or not.
    pub(crate) refused: u64,
    /// Refusals beyond [`Limits::refusals_listed_max`].
    pub(crate) refused_unlisted: u64,
    payload_bytes: usize,
    strangers: Vec<String>,
}

enum Phase {
    /// Between runs: nothing may be asked for.
    Resting,
    Loading {
        registrations: Vec<Registration>,
    },
    Running,
}

struct Session {
    phase: Phase,
    draft: Draft,
    bucket: Bucket,
}

/// One script's side of the house.
pub(crate) struct Desk {
    automation: String,
    /// `None` while a text is only checked: nothing is known then, and nobody listens.
    host: Option<Arc<dyn Host>>,
    limits: Limits,
    session: Mutex<Session>,
}

impl Desk {
    pub(crate) fn new(automation: &str, host: Option<Arc<dyn Host>>, limits: &Limits) -> Desk {
        let now_ms = host.as_ref().map_or(0, |host| host.now_ms());
        Desk {
            automation: automation.to_owned(),
            host,
            limits: limits.clone(),
            session: Mutex::new(Session {
                phase: Phase::Resting,
                draft: Draft::default(),
                bucket: Bucket::new(limits.actions_burst, limits.actions_per_second, now_ms),
            }),
        }
    }

    /// The script's top-level code begins.
    pub(crate) fn begin_loading(&self) {
        let mut session = self.session.lock();
        session.phase = Phase::Loading { registrations: Vec::new() };
        session.draft = Draft::default();
    }

    /// It is over; what it registered.
    pub(crate) fn end_loading(&self) -> Vec<Registration> {
        match std::mem::replace(&mut self.session.lock().phase, Phase::Resting) {
            Phase::Loading { registrations } => registrations,
            Phase::Resting | Phase::Running => Vec::new(),
        }
    }

    /// A run begins.
    pub(crate) fn begin_run(&self) {
        let mut session = self.session.lock();
        session.phase = Phase::Running;
        session.draft = Draft::default();
    }

    /// It is over; what it asked for and said.
    pub(crate) fn end_run(&self) -> Draft {
        let mut session = self.session.lock();
        session.phase = Phase::Resting;
        std::mem::take(&mut session.draft)
    }

    /// `on(trigger, handler)`.
    pub(crate) fn register(&self, registration: Registration) -> Result<(), Box<EvalAltResult>> {
        match &mut self.session.lock().phase {
            Phase::Loading { registrations } if registrations.len() < self.limits.triggers_max => {
                uncounted(|| registrations.push(registration));
                Ok(())
            }
            Phase::Loading { .. } => Err(fault(format!(
                "A script can have {} triggers. Split it, or watch several entities with one `changed([..])`.",
                self.limits.triggers_max
            ))),
            Phase::Resting | Phase::Running => Err(fault(
                "`on` belongs at the top of the script, not in a handler: triggers are fixed when it is loaded.",
            )),
        }
    }

    /// Notes a wish, or why it will not be done.
    pub(crate) fn ask(&self, wish: Wish) -> Result<(), Box<EvalAltResult>> {
        let now_ms = self.now_ms();
        let mut session = self.session.lock();
        let Session { phase, draft, bucket } = &mut *session;
        if !matches!(phase, Phase::Running) {
            let name = wish.function();
            return Err(fault(format!(
                "`{name}` cannot be used while the script is being loaded. Put it into a handler, such as \
                 `on(started(), |e| {{ {name}(...) }})`."
            )));
        }
        if matches!(wish, Wish::Refused { .. }) {
            draft.refuse(wish, &self.limits);
            return Ok(());
        }
        if !bucket.take(now_ms) {
            let why = format!(
                "More than {} actions at once, or {} per second for long. Let a handler act only when \
                 something really changed.",
                self.limits.actions_burst, self.limits.actions_per_second
            );
            draft.refuse(Wish::Refused { what: wish.as_written(), why }, &self.limits);
            return Ok(());
        }
        if let Wish::Publish { payload, .. } = &wish {
            draft.payload_bytes = draft.payload_bytes.saturating_add(payload.len());
            if draft.payload_bytes > self.limits.payload_bytes_max {
                let why = format!(
                    "The payloads of one run are together larger than {} KiB. Publish less at once.",
                    self.limits.payload_bytes_max >> 10
                );
                draft.refuse(Wish::Refused { what: wish.as_written(), why }, &self.limits);
                return Ok(());
            }
        }
        uncounted(|| draft.wishes.push(wish));
        Ok(())
    }

    /// Writes a line into the log: to the run's record, and to the house at once.
    pub(crate) fn say(&self, level: &'static str, text: &str) {
        uncounted(|| {
            let Some(host) = &self.host else { return };
            let line = RunLogLine {
                time_ms: host.now_ms(),
                level: level.to_owned(),
                text: cut(text, self.limits.log_line_bytes_max).to_owned(),
            };
            {
                let draft = &mut self.session.lock().draft;
                if draft.log.len() >= self.limits.log_lines_max {
                    draft.log_dropped += 1;
                    return;
                }
                draft.log.push(line.clone());
            }
            host.log(&self.automation, line);
        });
    }

    /// An entity's state. One that does not exist is warned about, once a run.
    pub(crate) fn get(&self, entity: &str) -> Option<State> {
        let host = self.host.as_ref()?;
        let state = uncounted(|| host.get(entity));
        if state.is_none() {
            uncounted(|| {
                let strangers = &mut self.session.lock().draft.strangers;
                const STRANGERS_MAX: usize = 10;
                let new = strangers.len() < STRANGERS_MAX && !strangers.iter().any(|known| known == entity);
                if new {
                    strangers.push(entity.to_owned());
                }
                new
            })
            .then(|| {
                self.say(
                    "warning",
                    &format!(
                        "There is no entity `{}`. Look up its id on its device's page.",
                        cut(entity, 200)
                    ),
                );
            });
        }
        state
    }

    /// The clock, UTC ms; 0 while a text is only checked.
    pub(crate) fn now_ms(&self) -> i64 {
        self.host.as_ref().map_or(0, |host| host.now_ms())
    }
}

impl Draft {
    fn refuse(&mut self, refusal: Wish, limits: &Limits) {
        self.refused += 1;
        if self.refused > limits.refusals_listed_max as u64 {
            self.refused_unlisted += 1;
        } else {
            uncounted(|| self.wishes.push(refusal));
        }
    }
}

impl Wish {
    /// The function that asks for it.
    fn function(&self) -> &str {
        match self {
            Self::Publish { .. } => "publish",
            Self::Command { verb, .. } => command_function(verb),
            Self::Refused { what, .. } => what.split('(').next().unwrap_or_default(),
        }
    }

    /// As a script would write it, shortened.
    pub(crate) fn as_written(&self) -> String {
        const SHOWN_BYTES_MAX: usize = 200;
        let shown = |text: &str| cut(text, SHOWN_BYTES_MAX).to_owned();
        match self {
            Self::Publish { topic, payload, .. } => {
                format!("publish({:?}, {:?})", shown(topic), shown(&String::from_utf8_lossy(payload)))
            }
            Self::Command { entity, verb, value, .. } => {
                let (entity, name) = (shown(entity), command_function(verb));
                match value {
                    _ if name != "command" => format!("{name}({entity:?})"),
                    None => format!("command({entity:?}, {:?})", shown(verb)),
                    Some(value) => {
                        format!("command({entity:?}, {:?}, {:?})", shown(verb), shown(&value.to_string()))
                    }
                }
            }
            Self::Refused { what, .. } => what.clone(),
        }
    }
}

fn command_function(verb: &str) -> &'static str {
    match verb {
        "turn_on" => "turn_on",
        "turn_off" => "turn_off",
        _ => "command",
    }
}

/// The cause that everything a run does carries.
pub(crate) fn run_cause(run: &str, automation: &str, depth: u32) -> Cause {
    Cause::Run { run: run.to_owned(), automation: automation.to_owned(), depth }
}
