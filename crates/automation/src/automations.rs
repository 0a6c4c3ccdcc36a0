//! All automations of the house: loading, routing, status.

use std::sync::Arc;

use model::run::ScriptError;
use model::{Message, StateChange};

use crate::host::Host;
use crate::limits::Limits;
use crate::report::{AutomationStatus, Examination, TriggerInfo};

/// The automations, and the threads they run on.
pub struct Automations {
    host: Arc<dyn Host>,
    limits: Limits,
}

impl Automations {
    /// Starts the pool with no automation in it.
    pub fn start(host: Arc<dyn Host>, limits: Limits) -> Automations {
        Automations { host, limits }
    }
    /// The first fault of a script's text, or its triggers.
    pub fn check(source: &str) -> Result<Vec<TriggerInfo>, ScriptError> {
        let Examination { triggers, errors, .. } = Self::examine(source);
        errors.into_iter().next().map_or(Ok(triggers), Err)
    }
    /// Everything there is to say about a script's text.
    pub fn examine(_source: &str) -> Examination {
        Examination::default()
    }
    /// Loads or replaces an automation; on an error the old one stays.
    pub fn load(&self, _id: &str, source: &str) -> Result<Vec<TriggerInfo>, ScriptError> {
        let _ = (&self.host, &self.limits);
        Self::check(source)
    }
    /// Takes an automation out.
    pub fn unload(&self, _id: &str) {}
    /// Lets a paused automation run again; false when there is none by this id.
    pub fn resume(&self, _id: &str) -> bool {
        false
    }
    /// A message was accepted. Never blocks.
    pub fn on_message(&self, _message: &Arc<Message>) {}
    /// An entity's state changed. Never blocks.
    pub fn on_change(&self, _change: &StateChange) {}
    /// How each automation is doing, by id.
    pub fn status(&self) -> Vec<AutomationStatus> {
        Vec::new()
    }
    /// Ends the threads after the runs they are in.
    pub fn stop(&self) {}
}
