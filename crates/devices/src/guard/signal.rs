//! How a message to a command topic is read: does it switch the actuator, and which way?
//!
//! It goes by the entity's own commands: what Hearth would send for on and off is on and off, whoever sends it. What
//! cannot be read on such a topic may be anything, and is taken for a switch that goes either way.

use std::collections::{BTreeMap, HashMap};

use model::{Component, Entity, Features, State, Value};
use serde_json::{Map, Value as Json};

use super::said::{Leaves, Path, is_same_part, leaves};
use super::tasmota;
use crate::component::{self, Args, VALUE, Wish};
use crate::decode::number;

/// Which way a message switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    On,
    Off,
    /// To the other of what it is.
    Toggle,
    /// Nobody can say.
    Either,
}

/// What a message asks of an actuator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) to: To,
    /// It moves something although it says the same again, as a motor does.
    pub(super) moves: bool,
}

/// What may be told on the topic of on and off without switching: a stop, and the slats of a blind.
const STILL: [&str; 4] = ["stop", "open_tilt", "close_tilt", "stop_tilt"];

/// What is heard on one topic.
#[derive(Debug, Clone, Default, PartialEq)]
struct Ear {
    /// Payloads as they are written; `None` for one that does not switch.
    texts: Vec<(String, Option<To>)>,
    /// The same, for those that are JSON objects.
    json: Option<Pair>,
    /// The payload is the value itself: a number, with this one for off, or a word.
    value: Option<Scale>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    Number { off: f64 },
    Word,
}

/// The JSON for on and the JSON for off.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    /// Where they differ: path, on, off.
    deciding: Vec<(Path, Json, Json)>,
    /// Where they say which part of the device is meant.
    addresses: Vec<(Path, Json)>,
    /// The remote procedure both call, in small letters.
    method: Option<String>,
}

/// The topics an actuator is switched by.
#[derive(Debug, Clone, Default)]
pub(super) struct Signals {
    ears: HashMap<String, Ear>,
    component: Option<Component>,
    /// Where its board takes commands, if it is Tasmota's.
    bases: Vec<String>,
    /// Number of the relay, if it is Tasmota's.
    relay: Option<u32>,
}

/// The kinds that can be guarded.
pub(super) fn is_actuator(component: Component) -> bool {
    use Component::{Climate, Cover, Fan, Humidifier, Light, Siren, Switch, Valve, WaterHeater};
    matches!(component, Switch | Light | Fan | Cover | Valve | Siren | Climate | Humidifier | WaterHeater)
}

/// Whether an actuator is on, by its state; an open valve is.
pub(super) fn is_on(state: &State) -> Option<bool> {
    match state.value.as_ref()? {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => Some(*number != 0.0),
        Value::Text(word) => Some(!matches!(word.as_str(), "off" | "closed" | "closing")),
    }
}

/// Whether the device says by itself what the actuator is.
pub(super) fn reports(entity: &Entity) -> bool {
    let description = &entity.description;
    let says =
        description.sources.iter().any(|source| matches!(source.field.as_str(), "" | "current_position"));
    says && !description.assumed_state
}

/// Whether a channel beside on and off switches, too: a lamp that is given a brightness shines.
fn switches(component: Component, channel: &str) -> bool {
    match component {
        Component::Light => channel.starts_with("set"),
        Component::Fan => matches!(channel, "set_percentage" | "set_speed" | "set_preset_mode" | "set"),
        Component::Cover | Component::Valve => matches!(channel, "set_position" | "set"),
        Component::Climate | Component::WaterHeater => channel == "set_mode",
        _ => matches!(channel, "set" | "toggle"),
    }
}

impl Signals {
    /// Those of an entity, by its commands.
    pub(super) fn of(entity: &Entity) -> Self {
        let component = entity.description.component;
        let mut signals = Self { component: Some(component), ..Self::default() };
        if !is_actuator(component) {
            return signals;
        }
        let commands = &entity.description.commands;
        for base in commands.values().filter_map(|spec| tasmota::base(&spec.topic)) {
            if !signals.bases.iter().any(|known| known == base) {
                signals.bases.push(base.to_owned());
            }
        }
        let mut objects: BTreeMap<String, [Option<Leaves>; 2]> = BTreeMap::new();
        for (verb, to) in [("turn_on", To::On), ("turn_off", To::Off), ("open", To::On), ("close", To::Off)] {
            for (topic, payload) in sends(entity, verb) {
                let key = signals.key(&topic);
                let in_line = || tasmota::switched(&payload).filter(|_| tasmota::is_backlog(&key));
                signals.relay = signals.relay.or_else(|| tasmota::relay(&key)).or_else(in_line);
                if let Some(said) = leaves(&payload) {
                    let place = usize::from(to == To::Off);
                    objects.entry(key).or_default()[place].get_or_insert(said);
                }
                signals.ear(&topic).text(payload, Some(to));
            }
        }
        if commands.contains_key("toggle") {
            for (topic, payload) in sends(entity, "toggle") {
                signals.ear(&topic).text(payload, Some(To::Toggle));
            }
        }
        for verb in STILL {
            for (topic, payload) in sends(entity, verb) {
                if signals.ears.contains_key(&signals.key(&topic)) {
                    signals.ear(&topic).text(payload, None);
                }
            }
        }
        for (key, both) in objects {
            if let [Some(on), Some(off)] = both {
                signals.ears.entry(key).or_default().json = Some(Pair::new(on, &off));
            }
        }
        for (channel, spec) in commands.iter().filter(|(channel, _)| switches(component, channel)) {
            let scale = (spec.payload == VALUE).then(|| scale(entity, channel));
            let ear = signals.ear(&spec.topic);
            ear.value = ear.value.or(scale);
        }
        let is_power = |key: &str| tasmota::relay(key).is_some() || tasmota::is_backlog(key);
        let power = signals.ears.iter().find(|(key, _)| is_power(key));
        if let Some((relay, ear)) = signals.relay.zip(power.map(|(_, ear)| ear.clone())) {
            for key in signals.bases.iter().flat_map(|base| tasmota::shared(base, relay)) {
                signals.ears.entry(key).or_insert_with(|| ear.clone());
            }
        }
        signals
    }

    /// What a topic is known as here: below the topic of a Tasmota board all ways to write a command are one.
    fn key(&self, topic: &str) -> String {
        let below = |base: &String| {
            let (above, command) = topic.rsplit_once('/')?;
            (above == base).then(|| tasmota::key(base, command))
        };
        self.bases.iter().find_map(below).unwrap_or_else(|| topic.to_owned())
    }

    fn ear(&mut self, topic: &str) -> &mut Ear {
        self.ears.entry(self.key(topic)).or_default()
    }

    /// The topics, as [`tasmota::heard_as`] has them.
    pub(super) fn topics(&self) -> impl Iterator<Item = &String> {
        self.ears.keys()
    }

    /// Whether these read every message to a topic of the others in the same way.
    pub(super) fn cover(&self, other: &Self) -> bool {
        self.component == other.component
            && self.relay == other.relay
            && other.ears.iter().all(|(key, ear)| self.ears.get(key) == Some(ear))
    }

    /// What a message to topics of an actuator asks for, by all that it announced now and before. Where they differ,
    /// nobody can say.
    pub(super) fn read_all<'a>(
        all: impl Iterator<Item = &'a Self>,
        topics: &[String],
        payload: &[u8],
    ) -> Vec<Asked> {
        let mut readings: Vec<Vec<Asked>> = Vec::new();
        for signals in all {
            for topic in topics.iter().filter(|topic| signals.ears.contains_key(*topic)) {
                let reading = signals.read(topic, payload);
                if !readings.contains(&reading) {
                    readings.push(reading);
                }
            }
        }
        if readings.len() <= 1 {
            return readings.pop().unwrap_or_default();
        }
        let moves = readings.iter().flatten().any(|asked| asked.moves);
        vec![Asked { to: To::Either, moves }]
    }

    /// What a message to one of these topics asks for, in order; nothing if it does not switch.
    fn read(&self, topic: &str, payload: &[u8]) -> Vec<Asked> {
        let Some(ear) = self.ears.get(topic) else { return Vec::new() };
        let moves = matches!(self.component, Some(Component::Cover | Component::Valve));
        let asked = |to| Asked { to, moves };
        let Ok(text) = std::str::from_utf8(payload) else { return vec![asked(To::Either)] };
        if let Some(relay) = self.relay.filter(|_| tasmota::is_backlog(topic)) {
            let dims = self.component == Some(Component::Light);
            return tasmota::backlog(text, relay, dims).into_iter().map(asked).collect();
        }
        let power = tasmota::relay(topic).is_some();
        ear.read(text, power, self.component == Some(Component::Light)).map(asked).into_iter().collect()
    }
}

/// The messages Hearth itself would send.
fn sends(entity: &Entity, verb: &str) -> Vec<(String, String)> {
    let state = State::default();
    let wish = Wish::new(entity, &state, None, verb, Args::new(None, &Map::new()));
    let Ok(order) = component::command(wish) else { return Vec::new() };
    let text = |payload: &[u8]| String::from_utf8_lossy(payload).into_owned();
    order.sends.into_iter().map(|send| (send.topic, text(&send.payload))).collect()
}

fn scale(entity: &Entity, channel: &str) -> Scale {
    match (channel, entity.description.features.as_deref()) {
        ("set_position", Some(Features::Cover(cover))) => Scale::Number { off: cover.position_closed },
        ("set_percentage" | "set_position" | "set_brightness" | "set", _) => Scale::Number { off: 0.0 },
        _ => Scale::Word,
    }
}

impl Ear {
    fn text(&mut self, payload: String, to: Option<To>) {
        match self.texts.iter_mut().find(|(known, _)| *known == payload) {
            // One word for both: it changes over.
            Some((_, known)) if *known != to => *known = Some(To::Toggle),
            Some(_) => {}
            None => self.texts.push((payload, to)),
        }
    }

    fn read(&self, text: &str, power: bool, shines: bool) -> Option<To> {
        if let Some((_, to)) = self.texts.iter().find(|(known, _)| known == text) {
            return *to;
        }
        let text = text.trim();
        if text.is_empty() {
            // A question for the state, to most firmwares.
            return None;
        }
        if power && let Some(to) = tasmota::word(text) {
            return Some(to);
        }
        if let Some((_, to)) = self.texts.iter().find(|(known, _)| known.eq_ignore_ascii_case(text)) {
            return *to;
        }
        if let Some(pair) = &self.json
            && text.starts_with('{')
        {
            return leaves(text).map_or(Some(To::Either), |said| pair.read(&said, shines));
        }
        match (self.value, number(text)) {
            (Some(Scale::Number { off }), Some(number)) => Some(if number == off { To::Off } else { To::On }),
            (Some(_), _) if is_off_word(text) => Some(To::Off),
            (Some(Scale::Word), _) => Some(To::On),
            (Some(Scale::Number { .. }), None)
                if matches!(text.to_ascii_lowercase().as_str(), "on" | "true" | "open") =>
            {
                Some(To::On)
            }
            _ => Some(To::Either),
        }
    }
}

fn is_off_word(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "off" | "false" | "closed" | "close")
}

/// The member that names a remote procedure.
const METHOD: &str = "method";

impl Pair {
    fn new(on: Leaves, off: &Leaves) -> Self {
        let mut pair = Self { deciding: Vec::new(), addresses: Vec::new(), method: None };
        for (path, value) in on {
            match off.get(&path) {
                Some(other) if *other != value => pair.deciding.push((path, value, other.clone())),
                Some(_) if path.as_slice() == [METHOD] => {
                    pair.method = value.as_str().map(str::to_ascii_lowercase);
                }
                // One part of the device among several; at the top it numbers the request.
                Some(_) if path.len() > 1 && path.last().is_some_and(|name| name == "id") => {
                    pair.addresses.push((path, value));
                }
                _ => {}
            }
        }
        pair
    }

    fn read(&self, said: &Leaves, shines: bool) -> Option<To> {
        let parts = self.addresses.iter().filter_map(|(path, own)| Some(is_same_part(own, said.get(path)?)));
        let parts: Vec<Option<bool>> = parts.collect();
        if parts.contains(&Some(false)) {
            return None;
        }
        if parts.contains(&None) {
            return Some(To::Either);
        }
        let called = said.get([METHOD.to_owned()].as_slice());
        if let (Some(own), Some(called)) = (&self.method, called) {
            let Some(called) = called.as_str().map(|called| called.trim().to_ascii_lowercase()) else {
                return Some(To::Either);
            };
            if called != *own {
                let (part, procedure) = called.split_once('.').unwrap_or(("", &called));
                let asks = procedure.starts_with("get") || procedure.starts_with("list");
                let is_ours = own.split_once('.').is_some_and(|(own, _)| own == part);
                return (is_ours && !asks).then_some(To::Either);
            }
        }
        for (path, on, off) in &self.deciding {
            match said.get(path) {
                Some(value) if same(value, on) => return Some(To::On),
                Some(value) if same(value, off) => return Some(To::Off),
                Some(value) if same(value, &Json::from("toggle")) => return Some(To::Toggle),
                Some(_) => return Some(To::Either),
                None => {}
            }
        }
        match (&self.method, called) {
            (Some(_), Some(_)) => Some(To::Either),
            // A colour or an effect makes a lamp shine; to others it is about something else.
            _ => shines.then_some(To::On),
        }
    }
}

fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::String(one), Json::String(other)) => one.eq_ignore_ascii_case(other),
        _ => one == other,
    }
}
