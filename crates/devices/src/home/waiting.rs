//! Commands that wait: until a sleeping device wakes, or until one that is not connected is back.

use model::{Availability, Cause, CommandStage, CommandState, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::answer::Given;
use super::{Due, EntityEntry, Home};
use crate::effect::Effect;
use crate::error::CommandError;
use crate::limits::{WAITING_AGE_MS, WAITING_MAX};

/// From a device's first word to what is sent to it, ms: boards say that they are there before they subscribe.
const LISTENS_AFTER_MS: i64 = 300;

/// A command that waits. It is made into messages when the device wakes, by what it says then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// What the entity is told.
    pub verb: String,
    /// Its argument that needs no name.
    pub value: Option<Value>,
    /// Its arguments that have one.
    #[serde(default)]
    pub attributes: Map<String, Json>,
    /// Why.
    pub cause: Cause,
    /// When it was given, UTC ms.
    pub asked_ms: i64,
    /// When it is given up, UTC ms.
    pub until_ms: i64,
    /// It waits until the device is connected again, and not for its word that it is awake.
    #[serde(default)]
    pub away: bool,
}

/// What a command waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// That the device wakes.
    Wake,
    /// That it is connected again, until its session ends, UTC ms; `None` for one that never does.
    Return(Option<i64>),
}

/// What a verb is about: of those about the same the newest counts.
fn subject(verb: &str) -> &str {
    match verb {
        "turn_on" | "turn_off" | "toggle" => "power",
        "open" | "close" | "stop" | "set_position" => "position",
        "open_tilt" | "close_tilt" | "stop_tilt" | "set_tilt" => "tilt",
        "lock" | "unlock" => "lock",
        verb => verb,
    }
}

impl Home {
    /// Whether an entity's device sleeps now, so that a command has to wait.
    pub fn is_asleep(&self, entity: &str) -> bool {
        self.by_id(entity).is_some_and(|entry| entry.state.availability == Availability::Asleep)
    }

    /// The commands of an entity that wait, in the order they were given.
    pub fn waiting(&self, entity: &str) -> &[Waiting] {
        self.by_id(entity).and_then(|entry| entry.awaited.as_ref()).map_or(&[], |awaited| &awaited.waiting)
    }

    /// The entities with commands that wait until their board is connected again.
    pub fn away(&self) -> Vec<String> {
        let waits = |id: &str| self.waiting(id).iter().any(|waiting| waiting.away);
        self.entities().filter(|entity| waits(&entity.id)).map(|entity| entity.id.clone()).collect()
    }

    /// Lets a command wait. It was looked at by [`Home::command`]. A newer one about the same takes the place of an
    /// older one.
    pub fn wait(
        &mut self,
        entity: &str,
        (verb, value, attributes): (&str, Option<&Value>, &Map<String, Json>),
        cause: Cause,
        what: WaitsFor,
        now_ms: i64,
    ) -> Result<Vec<Effect>, CommandError> {
        let slot = self.slot_of.get(entity).copied();
        let Some((slot, entry)) = slot.and_then(|slot| Some((slot, self.entry_mut(slot)?))) else {
            return Err(CommandError::UnknownEntity { entity: entity.to_owned(), similar: None });
        };
        let awaited = entry.awaited();
        awaited.waiting.retain(|other| subject(&other.verb) != subject(verb));
        if awaited.waiting.len() >= WAITING_MAX {
            return Err(CommandError::TooManyWaiting { entity: entity.to_owned(), max: WAITING_MAX });
        }
        let given_up_ms = now_ms.saturating_add(WAITING_AGE_MS);
        let ends_ms = if let WaitsFor::Return(ends_ms) = what { ends_ms } else { None };
        let until_ms = ends_ms.map_or(given_up_ms, |ends_ms| given_up_ms.min(ends_ms));
        let waiting = Waiting {
            verb: verb.to_owned(),
            value: value.cloned(),
            attributes: attributes.clone(),
            cause,
            asked_ms: now_ms,
            until_ms,
            away: matches!(what, WaitsFor::Return(_)),
        };
        awaited.given = Some(Given::waiting(waiting.state()));
        awaited.waiting.push(waiting);
        self.set_due(slot, Due::Answer, None);
        let mut effects = self.keep_waiting(slot);
        effects.extend(self.told_of(slot));
        Ok(effects)
    }

    /// A command that waited is being sent, or cannot be any more.
    pub fn waited(&mut self, entity: &str, asked_ms: i64, verb: &str) -> Vec<Effect> {
        let Some(slot) = self.slot_of.get(entity).copied() else { return Vec::new() };
        let awaited = self.entry_mut(slot).and_then(|entry| entry.awaited.as_mut());
        let Some(awaited) = awaited else { return Vec::new() };
        let before = awaited.waiting.len();
        awaited.waiting.retain(|waiting| waiting.asked_ms != asked_ms || waiting.verb != verb);
        if awaited.waiting.len() == before { Vec::new() } else { self.keep_waiting(slot) }
    }

    /// What is told now needs not be told later.
    pub(super) fn forget_waiting(&mut self, slot: u32, verb: &str) -> Vec<Effect> {
        let awaited = self.entry_mut(slot).and_then(|entry| entry.awaited.as_mut());
        let Some(awaited) = awaited else { return Vec::new() };
        let before = awaited.waiting.len();
        awaited.waiting.retain(|waiting| subject(&waiting.verb) != subject(verb));
        if awaited.waiting.len() == before { Vec::new() } else { self.keep_waiting(slot) }
    }

    /// Puts back what waited before a restart.
    pub(super) fn restore_waiting(&mut self, entity: &str, waiting: Vec<Waiting>) {
        let Some(slot) = self.slot_of.get(entity).copied() else { return };
        let Some(entry) = self.entry_mut(slot) else { return };
        let awaited = entry.awaited();
        awaited.given = waiting.last().map(|newest| Given::waiting(newest.state()));
        awaited.waiting = waiting;
        self.set_waiting_due(slot);
    }

    /// A device has said something: what waits for it is due when it had time to listen.
    pub(super) fn wake(&mut self, slot: u32, now_ms: i64) {
        if self.entry(slot).is_some_and(|entry| entry.is_waited_for() && entry.wake_ms.is_none()) {
            self.set_due(slot, Due::Wake, Some(now_ms.saturating_add(LISTENS_AFTER_MS)));
        }
    }

    pub(super) fn woke(&self, slot: u32, effects: &mut Vec<Effect>) {
        if let Some(entry) = self.entry(slot).filter(|entry| entry.is_waited_for()) {
            effects.push(Effect::Woke { entity: entry.entity.id.clone() });
        }
    }

    /// Whoever was awake before a restart has to say so again: its connection is gone.
    pub fn forget_wakes(&mut self) {
        let slots: Vec<u32> = self.slot_of.values().copied().collect();
        for slot in slots {
            self.set_due(slot, Due::Wake, None);
        }
    }

    /// Gives up what has waited too long.
    pub(super) fn expire_waiting(&mut self, slot: u32, now_ms: i64, effects: &mut Vec<Effect>) {
        let Some(awaited) = self.entry_mut(slot).and_then(|entry| entry.awaited.as_mut()) else { return };
        let (late, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut awaited.waiting).into_iter().partition(|waiting| waiting.until_ms <= now_ms);
        awaited.waiting = rest;
        if late.is_empty() {
            return self.set_waiting_due(slot);
        }
        let newest = awaited.given.as_ref().map(|given| given.state.clone());
        let is_newest = |waiting: &Waiting| {
            newest
                .as_ref()
                .is_some_and(|newest| newest.asked_ms == waiting.asked_ms && newest.verb == waiting.verb)
        };
        effects.extend(self.keep_waiting(slot));
        let Some(entity) = self.entry(slot).map(|entry| entry.entity.id.clone()) else { return };
        let why = |waiting: &Waiting| {
            let minutes = (waiting.until_ms - waiting.asked_ms) / 60_000;
            let time =
                if minutes < 120 { format!("{minutes} min") } else { format!("{} hours", minutes / 60) };
            if waiting.away {
                format!(
                    "It was not back for {time}, so the command was given up. Check that it has power and is in reach, and \
                     give it again."
                )
            } else {
                format!(
                    "It did not wake for {time}, so the command was given up. Check its battery, or give it again."
                )
            }
        };
        // Each is told; the newest command last, for that is what the entity shows.
        let older = late.iter().filter(|waiting| !is_newest(waiting));
        effects.extend(older.map(|waiting| Effect::Commanded {
            entity: entity.clone(),
            command: CommandState {
                stage: CommandStage::Expired,
                since_ms: now_ms,
                until_ms: None,
                why: Some(why(waiting)),
                ..waiting.state()
            },
        }));
        effects.extend(match late.iter().find(|waiting| is_newest(waiting)) {
            Some(waiting) => self.reach(slot, CommandStage::Expired, Some(why(waiting)), now_ms),
            None => self.told_of(slot),
        });
    }

    fn keep_waiting(&mut self, slot: u32) -> Vec<Effect> {
        self.set_waiting_due(slot);
        let kept = self.entry(slot).map(|entry| Effect::KeepWaiting {
            entity: entry.entity.id.clone(),
            waiting: entry.awaited.as_ref().map(|awaited| awaited.waiting.clone()).unwrap_or_default(),
        });
        kept.into_iter().collect()
    }

    fn set_waiting_due(&mut self, slot: u32) {
        let waiting = self.entry(slot).and_then(|entry| entry.awaited.as_ref());
        let first = waiting.and_then(|awaited| awaited.waiting.iter().map(|waiting| waiting.until_ms).min());
        self.set_due(slot, Due::Waiting, first);
    }
}

impl EntityEntry {
    /// Whether it is awake, and commands wait for it.
    fn is_waited_for(&self) -> bool {
        self.state.availability == Availability::Available
            && self.awaited.as_ref().is_some_and(|awaited| !awaited.waiting.is_empty())
    }
}

impl Waiting {
    fn state(&self) -> CommandState {
        CommandState {
            verb: self.verb.clone(),
            value: self.value.clone(),
            stage: if self.away { CommandStage::Away } else { CommandStage::Waiting },
            asked_ms: self.asked_ms,
            since_ms: self.asked_ms,
            until_ms: Some(self.until_ms),
            why: None,
        }
    }
}
