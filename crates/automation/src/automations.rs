//! All automations of the house: loading, routing, status.

use std::collections::HashMap;
use std::sync::Arc;

use model::run::ScriptError;
use model::{FilterIndex, Message, StateChange};
use parking_lot::RwLock;
use rhai::Position;

use crate::automation::Automation;
use crate::host::Host;
use crate::inbox::{Happening, Mail};
use crate::limits::Limits;
use crate::pool::Pool;
use crate::report::{AutomationStatus, Examination, TriggerInfo};
use crate::script::{Handler, Program};
use crate::trigger::{Crossing, Trigger};
use crate::words::at;

/// The automations, and the threads they run on.
pub struct Automations {
    host: Arc<dyn Host>,
    limits: Limits,
    routes: RwLock<Routes>,
    pool: Pool,
}

/// From topics and entities to the handlers that wait for them.
#[derive(Default)]
struct Routes {
    topics: FilterIndex<Target>,
    entities: HashMap<String, Vec<Target>>,
    automations: HashMap<String, Arc<Automation>>,
}

#[derive(Clone)]
struct Target {
    automation: Arc<Automation>,
    handler: usize,
}

impl Automations {
    /// Starts the pool with no automation in it.
    pub fn start(host: Arc<dyn Host>, limits: Limits) -> Automations {
        let pool = Pool::start(&limits);
        Automations { host, limits, routes: RwLock::new(Routes::default()), pool }
    }

    /// A script's triggers, or the first fault of its text. Runs its top-level code once, within the limits,
    /// as in a house where nothing is known: `get` gives `()` and `now` gives 0.
    pub fn check(source: &str) -> Result<Vec<TriggerInfo>, ScriptError> {
        let Examination { triggers, errors, .. } = Self::examine(source);
        errors.into_iter().next().map_or(Ok(triggers), Err)
    }

    /// Everything there is to say about a script's text; see [`Automations::check`].
    pub fn examine(source: &str) -> Examination {
        Program::examine(source, &Limits::default())
    }

    /// Loads or replaces an automation and lets its `started()` handlers run. On an error the old one stays
    /// as it was. A run of the old one that is under way ends by itself.
    ///
    /// Blocks while the script is compiled and its top-level code runs, at most [`Limits::wall_ms`] and a
    /// little: not for an async worker.
    pub fn load(&self, id: &str, source: &str) -> Result<Vec<TriggerInfo>, ScriptError> {
        let program = Program::load(id, source, Some(self.host.clone()), &self.limits).map_err(first)?;
        let triggers = program.triggers();
        let automation = Arc::new(Automation::new(id, source, program, self.host.clone(), &self.limits));
        {
            let mut routes = self.routes.write();
            routes.remove(id);
            routes.insert(&automation);
        }
        for (handler, _) in handlers(&automation).filter(|(_, handler)| handler.trigger == Trigger::Started) {
            self.pool.deliver(&automation, Mail { handler, happening: Happening::Started });
        }
        Ok(triggers)
    }

    /// Takes an automation out. A run that is under way ends by itself.
    pub fn unload(&self, id: &str) {
        self.routes.write().remove(id);
    }

    /// Starts an automation afresh from the text it was loaded with: how a paused one runs again.
    pub fn resume(&self, id: &str) -> Result<Vec<TriggerInfo>, ScriptError> {
        let source = self.routes.read().automations.get(id).map(|automation| automation.source.clone());
        match source {
            Some(source) => self.load(id, &source),
            None => {
                Err(at(Position::NONE, format!("There is no automation `{id}`. It may have been deleted.")))
            }
        }
    }

    /// A message was accepted. Never blocks. Every handler whose filter matches gets it, those of one script
    /// in the order they are written in.
    pub fn on_message(&self, message: &Arc<Message>) {
        let routes = self.routes.read();
        let mut targets = routes.topics.matches(&message.topic);
        targets.sort_by_key(|target| target.handler);
        for Target { automation, handler } in targets {
            let mail = Mail { handler: *handler, happening: Happening::Message(message.clone()) };
            self.pool.deliver(automation, mail);
        }
    }

    /// An entity's state changed. Never blocks. Changes that are not fresh run nothing; they only tell
    /// `above` and `below` where the value stands.
    pub fn on_change(&self, change: &StateChange) {
        if !change.value_changed() {
            return;
        }
        let routes = self.routes.read();
        let Some(targets) = routes.entities.get(&change.entity) else { return };
        let mut shared: Option<Arc<StateChange>> = None;
        for Target { automation, handler } in targets {
            if automation.program.handlers.get(*handler).is_some_and(|handler| fires(handler, change)) {
                let change = shared.get_or_insert_with(|| Arc::new(change.clone())).clone();
                self.pool
                    .deliver(automation, Mail { handler: *handler, happening: Happening::Change(change) });
            }
        }
    }

    /// How each automation is doing, by id.
    pub fn status(&self) -> Vec<AutomationStatus> {
        let mut all: Vec<_> =
            self.routes.read().automations.values().map(|automation| automation.status()).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// Ends the threads after the runs they are in; what still waits is not run.
    pub fn stop(&self) {
        self.pool.stop();
    }
}

/// Whether a change sets a handler off. Steps the arming of a crossing, so it is asked once per change.
fn fires(handler: &Handler, change: &StateChange) -> bool {
    let mut armed = handler.armed.lock();
    let before = armed.unwrap_or_else(|| match &handler.trigger {
        Trigger::Crossing(crossing) => armed_before(crossing, change),
        _ => true,
    });
    let (after, fires) = handler.trigger.step(before, change);
    *armed = Some(after);
    fires
}

fn armed_before(crossing: &Crossing, change: &StateChange) -> bool {
    crossing.armed_at(change.old.as_ref().and_then(|old| old.value.as_ref()))
}

fn handlers(automation: &Automation) -> impl Iterator<Item = (usize, &Handler)> {
    automation.program.handlers.iter().enumerate()
}

fn first(errors: Vec<ScriptError>) -> ScriptError {
    errors.into_iter().next().unwrap_or_else(|| at(Position::NONE, "The script could not be loaded."))
}

impl Routes {
    fn insert(&mut self, automation: &Arc<Automation>) {
        for (index, handler) in handlers(automation) {
            let target = Target { automation: automation.clone(), handler: index };
            if let Trigger::Topic(filter) = &handler.trigger {
                self.topics.insert(filter, target.clone());
            }
            for entity in handler.trigger.entities() {
                let targets = self.entities.entry(entity.clone()).or_default();
                // An entity named twice in one list still goes off once.
                if !targets.iter().any(|known| known.is(automation) && known.handler == index) {
                    targets.push(target.clone());
                }
            }
        }
        self.automations.insert(automation.id.clone(), automation.clone());
    }

    fn remove(&mut self, id: &str) {
        let Some(automation) = self.automations.remove(id) else { return };
        for (_, handler) in handlers(&automation) {
            if let Trigger::Topic(filter) = &handler.trigger {
                self.topics.remove(filter, |target| target.is(&automation));
            }
            for entity in handler.trigger.entities() {
                if let Some(targets) = self.entities.get_mut(entity) {
                    targets.retain(|target| !target.is(&automation));
                    if targets.is_empty() {
                        self.entities.remove(entity);
                    }
                }
            }
        }
        automation.retire();
    }
}

impl Target {
    fn is(&self, automation: &Arc<Automation>) -> bool {
        Arc::ptr_eq(&self.automation, automation)
    }
}
