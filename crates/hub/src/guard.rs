//! The relay guard as the gate has it: it looks at every message to a command topic of a guarded actuator, whoever
//! publishes it. The rules are [`devices::guard`]'s; here they meet the clock and `hub.db`.
//!
//! What is known of an actuator is written at each switch, and nothing waits for that. A crash may lose the last of it,
//! so after one each actuator counts as just switched.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use broker::{Draft, Held};
use devices::Home;
use devices::guard::{self, Memory, Rules};
use model::{Entity, Message, Publisher, State};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use store::{HubDb, StoreError};

use crate::activity::ActivityLog;
use crate::api::ApiError;
use crate::api::types::{
    GuardRules, GuardStanding, GuardView, Guarded, Guards, HeldCommand, Interlock, Interlocks, Level,
};
use crate::{Hub, clock};

/// Messages of one actuator that were held back and are shown.
const HELD_SHOWN_MAX: usize = 20;
/// The same again within this time is counted, not listed, ms.
const SAME_MS: i64 = 60_000;

/// What `hub.db` has of a guarded entity.
struct Row {
    entity: String,
    rules: Json,
    memory: Json,
}

/// What a row keeps beside the memory.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    rules: Rules,
    /// The entity as it was announced last; none when its owner removed it.
    #[serde(default)]
    entity: Option<Entity>,
    /// And before, the oldest first.
    #[serde(default)]
    former: Vec<Entity>,
}

/// The guard.
pub struct RelayGuard {
    db: Arc<HubDb>,
    activity: Arc<ActivityLog>,
    guard: Mutex<guard::Guard>,
    /// Nothing is guarded: whoever asks needs no lock.
    idle: AtomicBool,
    /// What was held back lately, the newest last, by entity.
    held: Mutex<HashMap<String, VecDeque<HeldCommand>>>,
}

impl RelayGuard {
    /// Continues the stored one over the restored home. Reads the database, so not on an async worker.
    pub fn open(db: Arc<HubDb>, activity: Arc<ActivityLog>, home: &Home) -> Result<Self, StoreError> {
        let mut guard = guard::Guard::new();
        for (entity, rules, memory) in db.read(store::guard::all)? {
            match (serde_json::from_value::<Kept>(rules), serde_json::from_value::<Memory>(memory)) {
                (Ok(kept), Ok(memory)) => {
                    guard.restore(&entity, kept.rules, memory, kept.entity.as_ref(), kept.former);
                }
                (Err(why), _) | (_, Err(why)) => {
                    tracing::error!(%why, entity, "the limits of an actuator could not be read");
                    let text = format!(
                        "The relay guard of `{entity}` could not be read, so it is not guarded. Set its limits again."
                    );
                    activity.add(Level::Error, "command", Some(&entity), text);
                }
            }
        }
        for entity in home.entities() {
            if guard.bind(entity)
                && let Some(state) = home.state(&entity.id)
            {
                guard.report(&entity.id, state);
            }
        }
        if db.stopped_uncleanly() && guard.ids().next().is_some() {
            guard.doubt(clock::now_ms());
            let text = "Hearth did not end in an orderly way, so the last commands to guarded actuators may not be \
                        known. The relay guard counts each of them as switched just now.";
            activity.add(Level::Warning, "command", None, text);
        }
        let rows: Vec<_> = guard.ids().filter_map(|entity| row(&guard, entity)).collect();
        // Also when nothing changed: with something written, hub.db shows from here on whether it was closed.
        db.write(move |conn| {
            rows.iter().try_for_each(|row| store::guard::put(conn, &row.entity, &row.rules, &row.memory))
        })
        .wait()?;
        let idle = AtomicBool::new(guard.is_empty());
        Ok(Self { db, activity, guard: Mutex::new(guard), idle, held: Mutex::default() })
    }

    /// A message of the journal was accepted before the start.
    pub(crate) fn remember(&self, message: &Message) {
        if !self.idle.load(Relaxed) {
            self.guard.lock().remember(&message.topic, &message.payload, message.time_ms);
        }
    }

    /// An entity has another state, or said the same again.
    pub(crate) fn report(&self, entity: &str, state: &State) {
        if !self.idle.load(Relaxed) {
            self.guard.lock().report(entity, state);
        }
    }

    /// An entity is new or described in another way; says whether other topics may be watched now.
    pub(crate) fn bind(&self, entity: &Entity) -> bool {
        if self.inherit(entity) {
            return true;
        }
        let mut guard = self.guard.lock();
        let bound = guard.bind(entity);
        self.idle.store(guard.is_empty(), Relaxed);
        if bound {
            self.keep(&guard, &entity.id, None);
        }
        bound
    }

    /// An entity is announced no more; its topics stay guarded. If its device has the same relay under another name,
    /// that goes on with the rules. Says whether other topics may be watched now.
    pub(crate) fn leave(&self, entity: &str, home: &Home) -> bool {
        if self.idle.load(Relaxed) {
            return false;
        }
        let device = self.guard.lock().leave(entity).map(ToOwned::to_owned);
        let Some(device) = device else { return false };
        let mut others = home.entities_of(&device).filter(|other| other.id != entity);
        others.any(|other| self.inherit(other))
    }

    fn inherit(&self, entity: &Entity) -> bool {
        let mut guard = self.guard.lock();
        let before = guard.inherit(entity);
        if before.is_some() {
            self.keep(&guard, &entity.id, before.clone());
        }
        before.is_some()
    }

    /// The owner removed an entity; says whether other topics may be watched now.
    pub(crate) fn unbind(&self, entity: &str) -> bool {
        let mut guard = self.guard.lock();
        let unbound = guard.unbind(entity);
        self.idle.store(guard.is_empty(), Relaxed);
        if unbound {
            self.keep(&guard, entity, None);
        }
        unbound
    }

    /// Writes down what is known of a guarded entity, soon, and that it is no more under another id.
    fn keep(&self, guard: &guard::Guard, entity: &str, before: Option<String>) {
        let Some(row) = row(guard, entity) else { return };
        drop(self.db.write(move |conn| {
            if let Some(before) = before {
                store::guard::remove(conn, &before)?;
            }
            store::guard::put(conn, &row.entity, &row.rules, &row.memory)
        }));
    }

    fn note(&self, held: &guard::Held, draft: &Draft, now_ms: i64) {
        let Publisher { user, client_id } = &*draft.publisher;
        let by = if user == Publisher::HUB { format!("Hearth ({client_id})") } else { client_id.clone() };
        let same = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        let mut all = self.held.lock();
        let lines = all.entry(held.entity.clone()).or_default();
        let known = lines.iter_mut().rev().find(|line| line.by == by && same(&line.why) == same(&held.why));
        if let Some(line) = known.filter(|line| now_ms - line.time_ms < SAME_MS) {
            line.time_ms = now_ms;
            line.count += 1;
            line.why.clone_from(&held.why);
            return;
        }
        if lines.len() >= HELD_SHOWN_MAX {
            lines.pop_front();
        }
        lines.push_back(HeldCommand { time_ms: now_ms, why: held.why.clone(), by: by.clone(), count: 1 });
        drop(all);
        let text = format!("The relay guard held back a command of {by} for {}: {}.", held.entity, held.why);
        self.activity.add(Level::Warning, "command", Some(&held.entity), text);
    }

    fn rules(&self, entity: &str) -> Rules {
        self.guard.lock().rules(entity).cloned().unwrap_or_default()
    }

    /// Sets rules in memory; the row to write, if there are any.
    fn set(&self, entity: &Entity, state: &State, rules: Rules) -> Result<Option<Row>, String> {
        let mut guard = self.guard.lock();
        guard.set(entity, state, rules)?;
        self.idle.store(guard.is_empty(), Relaxed);
        Ok(row(&guard, &entity.id))
    }

    fn release(&self, entity: &str) {
        let mut guard = self.guard.lock();
        guard.release(entity);
        self.idle.store(guard.is_empty(), Relaxed);
    }

    fn restore(
        &self,
        entity: &str,
        rules: Rules,
        memory: Memory,
        last: Option<&Entity>,
        former: Vec<Entity>,
    ) {
        let mut guard = self.guard.lock();
        guard.restore(entity, rules, memory, last, former);
        self.idle.store(guard.is_empty(), Relaxed);
    }
}

impl broker::Guard for RelayGuard {
    fn watches(&self, topic: &str) -> bool {
        !self.idle.load(Relaxed) && self.guard.lock().watches(topic)
    }

    fn consider(&self, message: &Draft) -> Option<Held> {
        let now_ms = clock::now_ms();
        let mut guard = self.guard.lock();
        match guard.consider(&message.topic, &message.payload, now_ms) {
            Ok(switched) => {
                for entity in switched {
                    let Some(memory) =
                        guard.memory(&entity).and_then(|known| serde_json::to_value(known).ok())
                    else {
                        continue;
                    };
                    drop(self.db.write(move |conn| store::guard::remember(conn, &entity, &memory)));
                }
                None
            }
            Err(held) => {
                drop(guard);
                self.note(&held, message, now_ms);
                Some(Held { why: held.why })
            }
        }
    }
}

impl Hub {
    /// The guard of an entity, also of one that is announced no more.
    pub(crate) fn guard_view(&self, entity: &str) -> Result<GuardView, ApiError> {
        let home = self.home.read();
        let guard = self.guard.guard.lock();
        let rules = guard.rules(entity).cloned();
        let found = home.entity(entity).or_else(|| guard.entity(entity));
        if found.is_none() && rules.is_none() {
            return Err(ApiError::not_found("entity", entity));
        }
        let rules = rules.unwrap_or_default();
        let others = guard.interlocks().remove(rules.interlock.as_deref().unwrap_or_default());
        let held = self.guard.held.lock();
        let held = held.get(entity).map(|lines| lines.iter().rev().cloned().collect());
        Ok(GuardView {
            switches: u32::try_from(guard.switches(entity, clock::now_ms())).unwrap_or(u32::MAX),
            interlocked: others
                .into_iter()
                .flatten()
                .filter(|other| *other != entity)
                .map(ToOwned::to_owned)
                .collect(),
            rules: rules.into(),
            held: held.unwrap_or_default(),
            ..unguarded(entity, standing(&guard, entity, found), found)
        })
    }

    /// Every entity that has limits, in order of id.
    pub(crate) fn guards(&self) -> Guards {
        let home = self.home.read();
        let guard = self.guard.guard.lock();
        let guards = guard.ids().filter_map(|id| {
            let last = home.entity(id).or_else(|| guard.entity(id));
            Some(Guarded {
                entity: id.to_owned(),
                last: last.cloned(),
                standing: standing(&guard, id, last),
                rules: guard.rules(id)?.clone().into(),
            })
        });
        Guards { guards: guards.collect() }
    }

    /// Sets the limits of an entity; durable when this returns.
    pub(crate) async fn set_guard(
        &self,
        who: &str,
        entity: &str,
        rules: GuardRules,
    ) -> Result<GuardView, ApiError> {
        let rules = Rules::from(rules).checked().map_err(ApiError::invalid)?;
        let here = {
            let home = self.home.read();
            home.entity(entity).cloned().map(|found| (found, home.state(entity).cloned().unwrap_or_default()))
        };
        let Some((found, state)) = here else { return self.free(who, entity, &rules).await };
        if !rules.is_empty() && !guard::can_guard(&found) {
            return Err(ApiError::invalid(format!(
                "`{entity}` takes no command that switches it, so there is nothing to guard."
            )));
        }
        let (before, former) = (self.guard.rules(entity), self.guard.guard.lock().former(entity));
        let row = self.guard.set(&found, &state, rules.clone()).map_err(ApiError::conflict)?;
        self.gate.guard_changed();
        let id = entity.to_owned();
        let written = self.db.write(move |conn| match row {
            Some(row) => store::guard::put(conn, &row.entity, &row.rules, &row.memory),
            None => store::guard::remove(conn, &id).map(drop),
        });
        if let Err(why) = written.await {
            let _ = self.guard.set(&found, &state, before.clone());
            let memory = self.guard.guard.lock().memory(entity).cloned();
            if let Some(memory) = memory {
                self.guard.restore(entity, before, memory, None, former);
                self.guard.bind(&found);
            }
            self.gate.guard_changed();
            return Err(ApiError::internal(why));
        }
        self.tell_guard(who, entity, Some(&found), &rules);
        self.guard_view(entity)
    }

    /// Takes the limits off an entity that is not there.
    async fn free(&self, who: &str, entity: &str, rules: &Rules) -> Result<GuardView, ApiError> {
        let (before, memory, last, former, standing) = {
            let guard = self.guard.guard.lock();
            let known = guard.rules(entity).cloned().zip(guard.memory(entity).cloned());
            let (before, memory) = known.ok_or_else(|| ApiError::not_found("entity", entity))?;
            let last = guard.entity(entity);
            (before, memory, last.cloned(), guard.former(entity), standing(&guard, entity, last))
        };
        if !rules.is_empty() {
            return Err(ApiError::conflict(format!(
                "`{entity}` is announced no more. Its limits can only be taken off until it is back."
            )));
        }
        self.guard.release(entity);
        self.gate.guard_changed();
        let id = entity.to_owned();
        if let Err(why) = self.db.write(move |conn| store::guard::remove(conn, &id)).await {
            self.guard.restore(entity, before, memory, last.as_ref(), former);
            self.gate.guard_changed();
            return Err(ApiError::internal(why));
        }
        self.tell_guard(who, entity, last.as_ref(), rules);
        Ok(unguarded(entity, standing, last.as_ref()))
    }

    fn tell_guard(&self, who: &str, entity: &str, found: Option<&Entity>, rules: &Rules) {
        let name = found.map_or(String::new(), |found| format!("{} ", found.name));
        let text = format!("{who} set the relay guard of {name}({entity}): {}.", in_words(rules));
        self.activity.add(Level::Info, "command", Some(entity), text);
    }

    /// The interlocks, by name.
    pub(crate) fn interlocks(&self) -> Interlocks {
        let guard = self.guard.guard.lock();
        let interlocks = guard.interlocks().into_iter().map(|(name, entities)| Interlock {
            name: name.to_owned(),
            entities: entities.into_iter().map(ToOwned::to_owned).collect(),
        });
        Interlocks { interlocks: interlocks.collect() }
    }
}

fn row(guard: &guard::Guard, entity: &str) -> Option<Row> {
    let kept = Kept {
        rules: guard.rules(entity)?.clone(),
        entity: guard.entity(entity).cloned(),
        former: guard.former(entity),
    };
    Some(Row {
        entity: entity.to_owned(),
        rules: serde_json::to_value(&kept).ok()?,
        memory: serde_json::to_value(guard.memory(entity)?).ok()?,
    })
}

fn standing(guard: &guard::Guard, entity: &str, found: Option<&Entity>) -> GuardStanding {
    match found {
        None => GuardStanding::Removed,
        Some(_) if guard.is_away(entity) => GuardStanding::Away,
        Some(_) => GuardStanding::Present,
    }
}

/// The guard of an entity that has no limits. `last`: as it was announced last.
fn unguarded(entity: &str, standing: GuardStanding, last: Option<&Entity>) -> GuardView {
    GuardView {
        entity: entity.to_owned(),
        standing,
        can_be_guarded: last.is_some_and(guard::can_guard),
        reports: last.is_some_and(guard::is_told),
        switches: 0,
        interlocked: Vec::new(),
        rules: GuardRules::default(),
        held: Vec::new(),
    }
}

fn in_words(rules: &Rules) -> String {
    let mut words = Vec::new();
    if let Some(switches) = rules.switches_per_minute {
        words.push(format!("at most {switches} switches a minute"));
    }
    if let Some(seconds) = rules.min_off_s {
        words.push(format!("at least {seconds} s off"));
    }
    if let Some(seconds) = rules.min_on_s {
        words.push(format!("at least {seconds} s on"));
    }
    if let Some(name) = &rules.interlock {
        words.push(format!("interlock {name}"));
    }
    if words.is_empty() { "nothing is limited".to_owned() } else { words.join(", ") }
}

impl From<Rules> for GuardRules {
    fn from(rules: Rules) -> Self {
        let Rules { switches_per_minute, min_off_s, min_on_s, interlock } = rules;
        Self { switches_per_minute, min_off_s, min_on_s, interlock }
    }
}

impl From<GuardRules> for Rules {
    fn from(rules: GuardRules) -> Self {
        let GuardRules { switches_per_minute, min_off_s, min_on_s, interlock } = rules;
        Self { switches_per_minute, min_off_s, min_on_s, interlock }
    }
}
