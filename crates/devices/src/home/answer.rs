//! What becomes of a command: sent, and then confirmed by the device's answer, or not in time.
//!
//! The answer is a report that says what was ordered. Another report is none, and the state shown is always the
//! device's own.

use model::{Availability, CommandStage, CommandState, Component, Entity, Features, Message, State, Value};
use serde_json::Value as Json;

use super::{Due, EntityEntry, Home};
use crate::component::{Change, Order};
use crate::effect::Effect;
use crate::wording::{attribute_name, attribute_value};

/// How long a device may take to say that it did what it was told, ms.
pub const ANSWER_WITHIN_MS: i64 = 8_000;
/// The same for what thinks first, or sends through a radio that is rarely on: thermostats, locks, robots, alarms.
pub const THOUGHT_WITHIN_MS: i64 = 30_000;
/// The same for what has a way to go: covers and valves.
pub const MOVED_WITHIN_MS: i64 = 120_000;
/// How far a number may be from what was ordered as a part of it, where nothing says how finely the device counts:
/// binary fractions are never exact.
const INEXACT: f64 = 1e-6;

/// A command that waits for its answer.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) state: CommandState,
    /// What a report has to say.
    expected: Vec<Change>,
    /// No message of it failed to be published.
    is_sent: bool,
}

impl Home {
    /// How far the newest command of an entity is.
    pub fn commanded(&self, entity: &str) -> Option<&CommandState> {
        Some(&self.by_id(entity)?.awaited.as_ref()?.given.as_ref()?.state)
    }

    /// A command is about to be sent, as [`Home::await_answer`] is told as well: from now on its answer is looked for.
    pub fn sending(
        &mut self,
        entity: &str,
        verb: &str,
        value: Option<&Value>,
        order: &Order,
        now_ms: i64,
    ) -> Vec<Effect> {
        let Some(slot) = self.slot_of.get(entity).copied() else { return Vec::new() };
        let Some(entry) = self.entry_mut(slot) else { return Vec::new() };
        let until_ms = now_ms.saturating_add(within_ms(entry.entity.description.component));
        let state = CommandState {
            verb: verb.to_owned(),
            value: value.cloned(),
            stage: CommandStage::Sent,
            asked_ms: now_ms,
            since_ms: now_ms,
            until_ms: Some(until_ms),
            why: None,
        };
        entry.awaited().given = Some(Given { state, expected: order.expected.clone(), is_sent: true });
        self.set_due(slot, Due::Answer, Some(until_ms));
        let mut effects = self.forget_waiting(slot, verb);
        effects.extend(self.told_of(slot));
        effects
    }

    /// All of its messages are in the log. One to an entity that never says anything is confirmed by that.
    pub fn passed(&mut self, entity: &str, now_ms: i64) -> Vec<Effect> {
        let Some(slot) = self.slot_of.get(entity).copied() else { return Vec::new() };
        let is_silent = self.entry(slot).is_some_and(|entry| entry.entity.description.sources.is_empty());
        if is_silent { self.reach(slot, CommandStage::Confirmed, None, now_ms) } else { Vec::new() }
    }

    /// The relay guard held a message of it back.
    pub fn held(&mut self, entity: &str, why: &str, now_ms: i64) -> Vec<Effect> {
        let Some(slot) = self.slot_of.get(entity).copied() else { return Vec::new() };
        self.reach(slot, CommandStage::Held, Some(why.to_owned()), now_ms)
    }

    /// A message of it could not be published.
    pub fn unsent(&mut self, entity: &str, why: &str, now_ms: i64) -> Vec<Effect> {
        let Some(slot) = self.slot_of.get(entity).copied() else { return Vec::new() };
        let awaited = self.entry_mut(slot).and_then(|entry| entry.awaited.as_mut());
        if let Some(given) = awaited.and_then(|awaited| awaited.given.as_mut()) {
            given.is_sent = false;
        }
        self.reach(slot, CommandStage::Unconfirmed, Some(format!("It was not sent. {why}")), now_ms)
    }

    /// Nobody got it, and nobody keeps it for the board.
    pub fn unheard(&mut self, entity: &str, now_ms: i64) -> Vec<Effect> {
        let Some(slot) = self.slot_of.get(entity).copied() else { return Vec::new() };
        let why = "Its board is not connected and has no session that keeps a command for it, so nobody got it. Check that \
                   it has power and is in reach, and give the command again when it is back.";
        self.reach(slot, CommandStage::Unconfirmed, Some(why.to_owned()), now_ms)
    }

    /// A message said something of the entity: perhaps it is the answer.
    pub(super) fn answer(&mut self, slot: u32, message: &Message, fresh: bool, effects: &mut Vec<Effect>) {
        let Some(entry) = self.entry(slot) else { return };
        let Some(given) = entry.awaited.as_ref().and_then(|awaited| awaited.given.as_ref()) else { return };
        // One that is told late is told all the same, unless something kept it from being sent.
        let is_late = given.state.stage == CommandStage::Unconfirmed && given.is_sent;
        let is_awaited = (given.state.stage == CommandStage::Sent || is_late) && fresh;
        if is_awaited && message.time_ms >= given.state.asked_ms && entry.is_as_ordered(given) {
            effects.extend(self.reach(slot, CommandStage::Confirmed, None, message.time_ms));
        }
    }

    /// Its time is up.
    pub(super) fn unanswered(&mut self, slot: u32, now_ms: i64, effects: &mut Vec<Effect>) {
        let Some(entry) = self.entry(slot) else { return };
        let Some(given) = entry.awaited.as_ref().and_then(|awaited| awaited.given.as_ref()) else { return };
        if given.state.stage != CommandStage::Sent {
            return;
        }
        // Boards that were told what they are already may see no reason to say so.
        let is_so = !given.expected.is_empty()
            && entry.state.availability == Availability::Available
            && entry.state.value.is_some()
            && entry.is_as_ordered(given);
        let (stage, why) = if is_so {
            (CommandStage::Confirmed, None)
        } else {
            (CommandStage::Unconfirmed, Some(entry.silence(given, now_ms)))
        };
        effects.extend(self.reach(slot, stage, why, now_ms));
    }

    /// The command comes to another stage.
    pub(super) fn reach(
        &mut self,
        slot: u32,
        stage: CommandStage,
        why: Option<String>,
        now_ms: i64,
    ) -> Vec<Effect> {
        let awaited = self.entry_mut(slot).and_then(|entry| entry.awaited.as_mut());
        let Some(given) = awaited.and_then(|awaited| awaited.given.as_mut()) else { return Vec::new() };
        given.state.stage = stage;
        given.state.since_ms = now_ms;
        given.state.until_ms = None;
        given.state.why = why;
        self.set_due(slot, Due::Answer, None);
        self.told_of(slot)
    }

    pub(super) fn told_of(&self, slot: u32) -> Vec<Effect> {
        let told = self.entry(slot).and_then(|entry| {
            let given = entry.awaited.as_ref()?.given.as_ref()?;
            Some(Effect::Commanded { entity: entry.entity.id.clone(), command: given.state.clone() })
        });
        told.into_iter().collect()
    }
}

impl Given {
    /// One that waits for the device to wake.
    pub(super) fn waiting(state: CommandState) -> Self {
        Self { state, expected: Vec::new(), is_sent: false }
    }
}

impl EntityEntry {
    fn is_as_ordered(&self, given: &Given) -> bool {
        given.expected.iter().all(|change| is_so(&self.entity, &self.state, change))
    }

    /// What it says in place of what was asked for.
    fn unlike(&self, given: &Given) -> String {
        let state = &self.state;
        let other = given.expected.iter().find(|change| !is_so(&self.entity, state, change));
        match (other, &state.value) {
            (Some(Change::Attribute(name, wanted)), _) => {
                let (called, wanted) = (attribute_name(name), attribute_value(name, wanted));
                match state.attributes.get(name.as_ref()) {
                    Some(is) => {
                        format!("its {called} is {}, and {wanted} was asked for", attribute_value(name, is))
                    }
                    None => format!("it does not say its {called}, and {wanted} was asked for"),
                }
            }
            (Some(Change::Value(Some(wanted))), Some(is)) => {
                format!("it says {is}, and {wanted} was asked for")
            }
            (_, Some(is)) => format!("it says {is}, which is not what it was told"),
            (_, None) => "it does not say what it is".to_owned(),
        }
    }

    /// Why there is no answer, in words.
    fn silence(&self, given: &Given, now_ms: i64) -> String {
        let seconds = now_ms.saturating_sub(given.state.asked_ms) / 1_000;
        let state = &self.state;
        if state.availability != Availability::Available {
            return format!(
                "It is not connected, and has not answered for {seconds} s. Check that it has power and is in reach."
            );
        }
        match &state.value {
            Some(_) if state.reported_ms >= given.state.asked_ms => format!(
                "After {seconds} s {}. Look whether something else tells it otherwise.",
                self.unlike(given)
            ),
            _ => format!("No answer for {seconds} s. Check that it has power and is in reach."),
        }
    }
}

fn within_ms(component: Component) -> i64 {
    use Component::{
        AlarmControlPanel, Climate, Cover, Humidifier, LawnMower, Lock, Vacuum, Valve, WaterHeater,
    };
    match component {
        Cover | Valve => MOVED_WITHIN_MS,
        AlarmControlPanel | Climate | Humidifier | LawnMower | Lock | Vacuum | WaterHeater => {
            THOUGHT_WITHIN_MS
        }
        _ => ANSWER_WITHIN_MS,
    }
}

/// Whether an entity is what was ordered, as finely as it counts. What it does not report is not looked at.
fn is_so(entity: &Entity, state: &State, ordered: &Change) -> bool {
    let reports = |field: &str| entity.description.sources.iter().any(|source| source.field == field);
    match ordered {
        Change::Value(Some(wanted)) => match &state.value {
            Some(is) => is_value(entity, is, wanted),
            None => !reports(""),
        },
        Change::Attribute(name, wanted) => match (state.attributes.get(name.as_ref()), wanted) {
            (Some(is), _) => is_attribute(entity, name, is, wanted),
            (None, Json::Null) => true,
            (None, _) => !reports(name),
        },
        Change::Value(None) | Change::Attributes(_) => true,
    }
}

fn is_value(entity: &Entity, is: &Value, wanted: &Value) -> bool {
    match (is, wanted) {
        (Value::Number(is), Value::Number(wanted)) => is_near(*is, *wanted, value_step(entity)),
        // On its way there, it obeys.
        (Value::Text(is), Value::Text(wanted)) => {
            is == wanted
                || matches!((wanted.as_str(), is.as_str()), ("open", "opening") | ("closed", "closing"))
        }
        _ => is == wanted,
    }
}

/// The step an entity counts its value in.
fn value_step(entity: &Entity) -> f64 {
    let description = &entity.description;
    let digits = description.precision.map(|digits| 10f64.powi(-i32::from(digits)));
    description.step.into_iter().chain(digits).fold(0.0, f64::max)
}

fn is_attribute(entity: &Entity, name: &str, is: &Json, wanted: &Json) -> bool {
    match (is.as_f64(), wanted.as_f64()) {
        (Some(is), Some(wanted)) => is_near(is, wanted, attribute_step(entity, name)),
        // Colours come back in another way than they were told, rounded by the lamp.
        _ if name.ends_with("_color") => true,
        _ => is == wanted,
    }
}

/// The step an entity counts an attribute in.
fn attribute_step(entity: &Entity, name: &str) -> f64 {
    let whole = |range: f64, of: f64| if range == 0.0 { of } else { (of / range).abs().max(1.0) };
    match (name, entity.description.features.as_deref()) {
        ("brightness", Some(Features::Light(light))) => 2.0 * whole(light.brightness_scale, 255.0),
        ("current_position", Some(Features::Cover(cover))) => {
            2.0 * whole(cover.position_open - cover.position_closed, 100.0)
        }
        ("current_tilt_position", Some(Features::Cover(cover))) => {
            2.0 * whole(cover.tilt_max - cover.tilt_min, 100.0)
        }
        ("percentage", Some(Features::Fan(fan))) => {
            let [low, high] = fan.speed_range;
            2.0 * whole(high - low + 1.0, 100.0)
        }
        ("temperature" | "target_temp_low" | "target_temp_high", Some(Features::Climate(climate))) => {
            climate.precision.unwrap_or(0.1)
        }
        // Mireds and kelvin are not whole in each other.
        ("color_temp_kelvin", _) => 200.0,
        _ => value_step(entity),
    }
}

/// Whether two numbers are the same to something that counts in such steps.
fn is_near(is: f64, wanted: f64, step: f64) -> bool {
    (is - wanted).abs() <= (step / 2.0).max(wanted.abs() * INEXACT) + f64::EPSILON
}

#[cfg(test)]
mod tests {
    use model::EntityDescription;

    use super::*;

    #[test]
    fn a_number_is_compared_as_finely_as_the_device_counts() {
        fn check(step: Option<f64>, precision: Option<u8>, is: f64, wanted: f64, expected: bool) {
            let description =
                EntityDescription { step, precision, ..EntityDescription::new("n", Component::Number) };
            let entity = Entity {
                id: "d.n".into(),
                device: "d".into(),
                name: "N".into(),
                name_by_owner: false,
                by_hand: false,
                description,
            };
            let state = State { value: Some(Value::Number(is)), ..State::default() };
            let ordered = Change::Value(Some(Value::Number(wanted)));
            assert_eq!(
                is_so(&entity, &state, &ordered),
                expected,
                "{is} for {wanted} by {step:?} {precision:?}"
            );
        }
        check(None, None, 21.5, 21.5, true);
        check(None, None, 0.1 + 0.2, 0.3, true);
        check(None, None, 21.4, 21.5, false);
        check(Some(0.5), None, 21.25, 21.5, true);
        check(Some(0.5), None, 21.0, 21.5, false);
        check(None, Some(1), 21.54, 21.5, true);
        check(None, Some(1), 21.6, 21.5, false);
    }
}
