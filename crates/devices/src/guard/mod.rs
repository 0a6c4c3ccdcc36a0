//! The relay guard: limits on how often an actuator switches, how long it rests, and which are never on together.
//!
//! It is shown every message to a command topic of a guarded entity before the message is delivered, and every report,
//! and says which messages must not pass. Like everything here it is pure: the time is passed in.
//!
//! | module | noun |
//! |---|---|
//! | [`rules`] | what an owner allows an actuator |
//! | [`signal`] | how a message is read: on, off, or something that does not switch |
//! | [`said`] | what stands in a JSON object, read in one way or not at all |
//! | [`tasmota`] | the many ways in which Tasmota takes a command |
//! | [`relay`] | what one actuator may do now |
//!
//! It is not a certified safety function. It sees what goes through the broker, and nothing else: not a button on the
//! device, its own rules and timers, its web page, or a command for a group of devices.

mod relay;
mod rules;
mod said;
mod signal;
mod tasmota;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Entity, State};

use relay::Limit;
use signal::{Asked, Signals};

pub use relay::Memory;
pub use rules::{
    FORMER_MAX, GUARDED_MAX, INTERLOCK_CHARS_MAX, INTERLOCKED_MAX, REST_S_MAX, Rules, SWITCHES_MAX,
    SWITCHES_MIN,
};

/// The guarded actuators.
///
/// Invariant: the index holds exactly the topics of the guarded entities that exist, or whose announcement is away, now
/// and before.
#[derive(Debug, Default)]
pub struct Guard {
    relays: BTreeMap<String, Relay>,
    /// Command topic, as all ways to write it come to, to entity ids.
    index: HashMap<String, Vec<String>>,
}

#[derive(Debug)]
struct Relay {
    rules: Rules,
    memory: Memory,
    /// `None` when the owner has removed the entity.
    bound: Option<Bound>,
    /// How it was announced before, the oldest first. Whoever announces it elsewhere does not move the relay.
    former: Vec<Former>,
}

/// An earlier announcement of an entity.
#[derive(Debug)]
struct Former {
    entity: Entity,
    signals: Signals,
}

impl Relay {
    /// Nothing is known of its entity.
    fn new(rules: Rules, memory: Memory) -> Self {
        Self { rules, memory, bound: None, former: Vec::new() }
    }

    /// By what it is told: as it was announced last, and before. Nothing once its owner removed it.
    fn signals(&self) -> impl Iterator<Item = &Signals> {
        let last = self.bound.iter().map(|bound| &bound.signals);
        last.chain(self.former.iter().filter(|_| self.bound.is_some()).map(|former| &former.signals))
    }

    fn topics(&self) -> BTreeSet<String> {
        self.signals().flat_map(Signals::topics).cloned().collect()
    }

    /// Keeps an announcement that is no more. With too many the first stay: by those the owner set the limits.
    fn retire(&mut self, entity: Entity, signals: Signals) {
        let is_known = self.former.iter().any(|former| former.signals.cover(&signals));
        if !is_known && self.former.len() < FORMER_MAX {
            self.former.push(Former { entity, signals });
        }
    }
}

/// What is known of the entity, or was when it was announced last.
#[derive(Debug)]
struct Bound {
    entity: Entity,
    /// It is announced no more. Its relay is still there, and is told by the same topics.
    away: bool,
    reports: bool,
    signals: Signals,
}

/// Why a message must not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The entity it would have switched.
    pub entity: String,
    /// The limit, in words.
    pub why: String,
}

/// Whether an entity can be guarded: it is of a kind that switches, and takes commands.
pub fn can_guard(entity: &Entity) -> bool {
    Signals::of(entity).topics().next().is_some()
}

/// Whether the device says by itself whether the actuator is on.
pub fn is_told(entity: &Entity) -> bool {
    signal::reports(entity)
}

impl Guard {
    /// Nothing is guarded.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is guarded.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The rules of an entity.
    pub fn rules(&self, entity: &str) -> Option<&Rules> {
        self.relays.get(entity).map(|relay| &relay.rules)
    }

    /// The ids of the entities that have rules, in order; those whose announcement is away and those their owner
    /// removed among them.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.relays.keys().map(String::as_str)
    }

    /// What is known of a guarded entity, to be kept.
    pub fn memory(&self, entity: &str) -> Option<&Memory> {
        self.relays.get(entity).map(|relay| &relay.memory)
    }

    /// How often an entity was switched in the minute before.
    pub fn switches(&self, entity: &str, now_ms: i64) -> usize {
        self.relays.get(entity).map_or(0, |relay| relay.memory.switches(now_ms))
    }

    /// The interlocks by name, each with its entities.
    pub fn interlocks(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, relay) in &self.relays {
            if let Some(name) = &relay.rules.interlock {
                found.entry(name).or_default().push(id);
            }
        }
        found
    }

    /// The guarded entity as it was announced last; `None` when its owner removed it.
    pub fn entity(&self, entity: &str) -> Option<&Entity> {
        Some(&self.relays.get(entity)?.bound.as_ref()?.entity)
    }

    /// Whether a guarded entity is announced no more, and guarded all the same.
    pub fn is_away(&self, entity: &str) -> bool {
        self.relays.get(entity).and_then(|relay| relay.bound.as_ref()).is_some_and(|bound| bound.away)
    }

    /// The guarded entity as it was announced before, the oldest first, to be kept.
    pub fn former(&self, entity: &str) -> Vec<Entity> {
        let former = self.relays.get(entity).into_iter().flat_map(|relay| &relay.former);
        former.map(|former| former.entity.clone()).collect()
    }

    /// Puts back what was kept. Until the entity is known it is guarded as it was announced last.
    pub fn restore(
        &mut self,
        entity: &str,
        rules: Rules,
        memory: Memory,
        last: Option<&Entity>,
        former: Vec<Entity>,
    ) {
        self.release(entity);
        let mut relay = Relay::new(rules, memory);
        for entity in former {
            let signals = Signals::of(&entity);
            relay.retire(entity, signals);
        }
        self.relays.insert(entity.to_owned(), relay);
        if let Some(last) = last {
            self.bind(last);
            self.leave(entity);
        }
    }

    /// Guards an entity by these rules, or no more if they are empty. What is known of it stays.
    pub fn set(&mut self, entity: &Entity, state: &State, rules: Rules) -> Result<(), String> {
        if rules.is_empty() {
            self.release(&entity.id);
            return Ok(());
        }
        let is_new = !self.relays.contains_key(&entity.id);
        if is_new && self.relays.len() >= GUARDED_MAX {
            return Err(format!(
                "{GUARDED_MAX} actuators can be guarded at most. Take the limits off others first."
            ));
        }
        let others = self.relays.iter().filter(|(id, relay)| {
            **id != entity.id && rules.interlock.is_some() && relay.rules.interlock == rules.interlock
        });
        if others.count() >= INTERLOCKED_MAX {
            return Err(format!(
                "An interlock can have {INTERLOCKED_MAX} actuators at most. Take some out first."
            ));
        }
        match self.relays.get_mut(&entity.id) {
            Some(relay) => relay.rules = rules,
            None => {
                let mut memory = Memory::unknown(signal::reports(entity));
                if let Some(on) = signal::is_on(state) {
                    // It may have said the same many times since it went there.
                    memory.report(on, state.since_ms);
                }
                self.relays.insert(entity.id.clone(), Relay::new(rules, memory));
            }
        }
        self.bind(entity);
        Ok(())
    }

    /// An entity exists, or is described in another way; the topics it had before stay guarded. Says whether it is
    /// guarded.
    pub fn bind(&mut self, entity: &Entity) -> bool {
        self.forget(&entity.id);
        let Some(relay) = self.relays.get_mut(&entity.id) else { return false };
        let signals = Signals::of(entity);
        if let Some(last) = relay.bound.take().filter(|last| !signals.cover(&last.signals)) {
            relay.retire(last.entity, last.signals);
        }
        let (entity, reports) = (entity.clone(), signal::reports(entity));
        let id = entity.id.clone();
        relay.bound = Some(Bound { entity, away: false, reports, signals });
        for topic in relay.topics() {
            self.index.entry(topic).or_default().push(id.clone());
        }
        true
    }

    /// Takes the topics of an entity out of the index.
    fn forget(&mut self, entity: &str) {
        for topic in self.relays.get(entity).map(Relay::topics).unwrap_or_default() {
            if let Some(ids) = self.index.get_mut(&topic) {
                ids.retain(|id| id != entity);
                if ids.is_empty() {
                    self.index.remove(&topic);
                }
            }
        }
    }

    /// An entity is announced no more. Its topics stay guarded by what is known of it; the device it is of, if it is
    /// guarded.
    pub fn leave(&mut self, entity: &str) -> Option<&str> {
        let bound = self.relays.get_mut(entity)?.bound.as_mut()?;
        bound.away = true;
        Some(&bound.entity.device)
    }

    /// An entity that is not guarded takes over the rules of one whose announcement is away, if it is of the same
    /// device and told by a topic of that one: it is the same relay under another name. Returned is who had them.
    pub fn inherit(&mut self, entity: &Entity) -> Option<String> {
        if self.index.is_empty() || self.relays.contains_key(&entity.id) {
            return None;
        }
        let signals = Signals::of(entity);
        let known = signals.topics().filter_map(|topic| self.index.get(topic)).flatten();
        let is_left = |id: &&String| {
            let bound = self.relays.get(*id).and_then(|relay| relay.bound.as_ref());
            bound.is_some_and(|bound| bound.away && bound.entity.device == entity.device)
        };
        let from = known.into_iter().find(is_left)?.clone();
        self.forget(&from);
        let relay = self.relays.remove(&from)?;
        self.relays.insert(entity.id.clone(), relay);
        self.bind(entity);
        Some(from)
    }

    /// Guards an entity no more.
    pub fn release(&mut self, entity: &str) {
        self.forget(entity);
        self.relays.remove(entity);
    }

    /// The owner removed an entity. Its rules are kept, should it come back. Says whether it is guarded.
    pub fn unbind(&mut self, entity: &str) -> bool {
        self.forget(entity);
        let Some(relay) = self.relays.get_mut(entity) else { return false };
        if let Some(last) = relay.bound.take() {
            relay.retire(last.entity, last.signals);
        }
        true
    }

    /// Whether messages to a topic have to be considered.
    pub fn watches(&self, topic: &str) -> bool {
        !self.index.is_empty() && tasmota::heard_as(topic).any(|topic| self.index.contains_key(&topic))
    }

    /// Who is told by a topic, each with the topics it knows it by.
    fn told_by(&self, topic: &str) -> BTreeMap<String, Vec<String>> {
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for topic in tasmota::heard_as(topic) {
            for id in self.index.get(&topic).into_iter().flatten() {
                told.entry(id.clone()).or_default().push(topic.clone());
            }
        }
        told
    }

    /// An entity has said what it is, as its state has it; says whether it is guarded.
    pub fn report(&mut self, entity: &str, state: &State) -> bool {
        let Some(relay) = self.relays.get_mut(entity) else { return false };
        if let Some(on) = signal::is_on(state)
            && relay.bound.as_ref().is_none_or(|bound| bound.reports)
            // Something else of the state changed: what it says is older than what it was told.
            && state.reported_ms >= relay.memory.passed_ms()
        {
            relay.memory.report(on, state.reported_ms);
        }
        true
    }

    /// Lets a message through, or says why not. Returned are the entities it switches, whose memory changed. Nothing is
    /// changed by what is held.
    pub fn consider(&mut self, topic: &str, payload: &[u8], now_ms: i64) -> Result<Vec<String>, Held> {
        let mut before: Vec<(String, Memory)> = Vec::new();
        for (id, topics) in self.told_by(topic) {
            let Some(relay) = self.relays.get(&id) else { continue };
            let all = Signals::read_all(relay.signals(), &topics, payload);
            if all.is_empty() {
                continue;
            }
            before.push((id.clone(), relay.memory.clone()));
            for asked in all {
                if let Err(held) = self.take(&id, asked, now_ms) {
                    for (id, memory) in before.into_iter().rev() {
                        if let Some(relay) = self.relays.get_mut(&id) {
                            relay.memory = memory;
                        }
                    }
                    return Err(held);
                }
            }
        }
        Ok(before.into_iter().map(|(id, _)| id).collect())
    }

    /// Hearth did not end in an orderly way, and what was let through last may be forgotten: each counts as just
    /// switched, either way and as often as it may be.
    pub fn doubt(&mut self, now_ms: i64) {
        for relay in self.relays.values_mut() {
            relay.memory.doubt(&relay.rules, now_ms);
        }
    }

    /// Counts a message that was let through before a restart, unless it is known to have been.
    pub fn remember(&mut self, topic: &str, payload: &[u8], at_ms: i64) {
        for (id, topics) in self.told_by(topic) {
            let Some(relay) = self.relays.get_mut(&id) else { continue };
            let all = Signals::read_all(relay.signals(), &topics, payload);
            let Some(bound) = relay.bound.as_ref().filter(|_| relay.memory.passed_ms() < at_ms) else {
                continue;
            };
            for asked in all {
                relay.memory.take_again(asked, at_ms);
                if !bound.reports {
                    relay.memory.take_for_told();
                }
            }
        }
    }

    fn take(&mut self, id: &str, asked: Asked, now_ms: i64) -> Result<(), Held> {
        let Some(relay) = self.relays.get_mut(id) else { return Ok(()) };
        relay.memory.settle(now_ms);
        let goes_on = relay.memory.may_go_on(asked, now_ms);
        if goes_on && let Some(why) = self.rival(id, now_ms) {
            return Err(Held { entity: id.to_owned(), why });
        }
        let Some(relay) = self.relays.get_mut(id) else { return Ok(()) };
        let Relay { rules, memory, bound, .. } = relay;
        let name = bound.as_ref().map_or(id, |bound| &bound.entity.name);
        memory
            .consider(asked, rules, now_ms)
            .map_err(|limit| Held { entity: id.to_owned(), why: words(name, &limit, now_ms) })?;
        if bound.as_ref().is_some_and(|bound| !bound.reports) {
            memory.take_for_told();
        }
        Ok(())
    }

    /// Why an entity may not go on because of another one of its interlock.
    fn rival(&mut self, id: &str, now_ms: i64) -> Option<String> {
        let own = self.relays.get(id)?;
        let interlock = own.rules.interlock.clone()?;
        let name = own.bound.as_ref().map_or_else(|| id.to_owned(), |bound| bound.entity.name.clone());
        let others = self.relays.iter_mut().filter(|(other, relay)| {
            other.as_str() != id && relay.rules.interlock.as_ref() == Some(&interlock)
        });
        for (_, relay) in others {
            let Some(bound) = &relay.bound else { continue };
            relay.memory.settle(now_ms);
            if relay.memory.may_be_on() {
                let is = match relay.memory.is_on() {
                    Some(true) => "is on",
                    _ => "has not said yet that it is off",
                };
                let other = &bound.entity.name;
                let mut why = format!("{name} and {other} are never on together, and {other} {is}");
                if bound.away {
                    why.push_str(&format!(
                        ". It is announced no more; if it is really gone, take the limits off `{}` in Settings, Relay guard",
                        bound.entity.id
                    ));
                }
                return Some(why);
            }
        }
        None
    }
}

fn words(name: &str, limit: &Limit, now_ms: i64) -> String {
    let in_s = |from_ms: i64| (from_ms.saturating_sub(now_ms).max(0) + 999) / 1_000;
    match limit {
        Limit::Switches { per_minute, from_ms, doubted } => {
            let was = if *doubted {
                ", and counts as if it was, for Hearth started after a crash"
            } else {
                " and was"
            };
            format!(
                "{name} may be switched {per_minute} times a minute{was}; the next time is in {} s",
                in_s(*from_ms)
            )
        }
        Limit::Rest { on, seconds, since_ms, from_ms, doubted } => {
            let (stays, may) = if *on { ("on", "off") } else { ("off", "on") };
            let ago = now_ms.saturating_sub(*since_ms).max(0) / 1_000;
            let since = if *doubted {
                format!(", counted from {ago} s ago, when Hearth started after a crash")
            } else {
                format!(" and went {stays} {ago} s ago")
            };
            let next = in_s(*from_ms);
            format!("{name} has to stay {stays} for {seconds} s{since}; it may go {may} in {next} s")
        }
    }
}
