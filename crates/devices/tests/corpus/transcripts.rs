//! Conversations from Home Assistant's own tests: announcements, reports and calls, and what is to be seen of them.

use std::collections::BTreeMap;

use devices::{Effect, Profile, Send};
use model::{Availability, Cause, Entity, Value};
use serde_json::Value as Json;

use crate::common::Talk;
use crate::expectation::{is_a, named};
use crate::reader::{Corpus, text};
use crate::score::Scores;
use crate::services::Call;

/// What Home Assistant has retired since: conversations about it are left out.
const RETIRED_FILES: &[&str] = &["test_legacy_vacuum.py"];
/// Attributes that are gone: mireds and the white value of lights, and the numbers that stood for features.
const RETIRED_ATTRIBUTES: &[&str] =
    &["color_temp", "max_mireds", "min_mireds", "supported_features", "white_value"];
/// An entity without a name was once called after the integration.
const RETIRED_NAMES: &str = "mqtt_";

pub(crate) fn score(corpus: &Corpus, file: &str, scores: &mut Scores) {
    for row in corpus.rows(file) {
        let test = text(&row, "test");
        let group = test.split("::").next().unwrap_or_default();
        if RETIRED_FILES.contains(&group) {
            continue;
        }
        let steps = row["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut conversation = Conversation::new(steps);
        for (number, step) in steps.iter().enumerate() {
            if let Some(outcome) = conversation.take(step) {
                let what = format!("{test} step {number}");
                scores.count(file, group, &what, &outcome);
                scores.count(file, "all", &what, &outcome);
            }
        }
    }
}

pub(crate) struct Conversation {
    talk: Talk,
    /// Ids by the names the rows use: those an entity had when it was first announced.
    ids: BTreeMap<String, String>,
    /// What was sent since the last expectation.
    sent: Vec<Send>,
    /// How many of them were expected in this order.
    matched: usize,
    expected: bool,
}

impl Conversation {
    pub(crate) fn new(steps: &[Json]) -> Self {
        let mut talk = Talk::new();
        if let Some(prefix) = steps.iter().find_map(|step| other_prefix(text(step, "topic"))) {
            let toml = format!(
                "schema = 1\n[firmware]\nid = 'elsewhere'\nname = 'Elsewhere'\n\
                 [[announce]]\nkind = 'ha-discovery'\nprefix = '{prefix}'\n"
            );
            talk = Talk::with(vec![
                Profile::parse("elsewhere.toml", &toml).expect("the profile of another prefix"),
            ]);
        }
        Self { talk, ids: BTreeMap::new(), sent: Vec::new(), matched: 0, expected: false }
    }

    /// Takes a step; what it came to if the step expects something that still holds today.
    pub(crate) fn take(&mut self, step: &Json) -> Option<Result<(), String>> {
        match text(step, "op") {
            "config" | "recv" => {
                let (topic, payload) = (text(step, "topic"), text(step, "payload"));
                let effects = match step["retain"] == true {
                    true => self.talk.recall(topic, payload),
                    false => self.talk.say(topic, payload),
                };
                self.sent.extend(effects.into_iter().filter_map(|effect| match effect {
                    Effect::Publish(send) => Some(send),
                    _ => None,
                }));
                self.name_entities();
                None
            }
            "call" => {
                if std::mem::take(&mut self.expected) {
                    self.sent.clear();
                    self.matched = 0;
                }
                Call::read(step).into_iter().for_each(|call| self.call(&call));
                None
            }
            _ if step["initial"] == true || named(step).1.starts_with(RETIRED_NAMES) => None,
            _ if RETIRED_ATTRIBUTES.contains(&text(step, "attr")) => None,
            "expect_state" => Some(self.check_state(step)),
            "expect_truthy" => Some(self.check_truth(step)),
            "expect_exists" => {
                let there = self.entity(text(step, "entity")).is_some();
                Some(ensure(step["value"] == there, || format!("{} exists: {there}", text(step, "entity"))))
            }
            "expect_publish" => {
                self.expected = true;
                Some(self.check_sent(step))
            }
            "expect_no_publish" => {
                self.expected = true;
                Some(ensure(self.sent.is_empty(), || format!("sent {:?}", self.sent)))
            }
            other => Some(Err(format!("there is no step {other:?}"))),
        }
    }

    /// Lets time go by.
    pub(crate) fn wait(&mut self, ms: i64) {
        self.talk.now_ms += ms;
        self.talk.home.tick(self.talk.now_ms);
    }

    /// The row calls the entity with this announced name otherwise.
    pub(crate) fn alias(&mut self, called: &str, announced: &str) {
        let known =
            self.talk.home.entities().find(|entity| entity.description.name.as_deref() == Some(announced));
        if let Some(entity) = known {
            self.ids.insert(called.to_owned(), entity.id.clone());
        }
    }

    /// Gives every new entity the names Home Assistant may have given it.
    fn name_entities(&mut self) {
        let mut named = Vec::new();
        for entity in self.talk.home.entities() {
            if self.ids.values().any(|id| *id == entity.id) {
                continue;
            }
            let device = self.talk.home.device(&entity.device).map_or("", |device| &device.name);
            let own = entity.description.name.as_deref().unwrap_or(device);
            let component = crate::expectation::word(&entity.description.component);
            let component = component.as_str().unwrap_or_default();
            for name in [own.to_owned(), format!("{device} {own}")] {
                named.push((format!("{component}.{}", slug(&name)), entity.id.clone()));
            }
        }
        for (name, id) in named {
            let taken = self.ids.get(&name).is_some_and(|known| self.talk.home.entity(known).is_some());
            if !taken {
                self.ids.insert(name, id);
            }
        }
    }

    fn entity(&self, name: &str) -> Option<&Entity> {
        self.talk.home.entity(self.ids.get(&name.to_lowercase())?)
    }

    fn call(&mut self, call: &Call) {
        let known = |entity: &&Entity| match &call.entity {
            Some(name) => self.ids.get(name) == Some(&entity.id),
            None => is_a(entity, call.component),
        };
        let ids: Vec<String> =
            self.talk.home.entities().filter(known).map(|entity| entity.id.clone()).collect();
        for id in ids {
            let Ok(order) = self.talk.home.command(&id, call.verb, None, &call.with) else { continue };
            let cause = Cause::Person { who: "owner".into() };
            self.talk.home.await_answer(&id, &order, cause, self.talk.now_ms);
            for send in order.sends {
                self.talk.say(&send.topic, &send.payload);
                self.sent.push(send);
            }
        }
    }

    fn check_state(&self, step: &Json) -> Result<(), String> {
        let (name, attribute, wanted) = (text(step, "entity"), text(step, "attr"), &step["value"]);
        // Some conversations rename the entity where it cannot be heard.
        let component = named(step).0;
        let only = || {
            let mut all = self.talk.home.entities().filter(|entity| is_a(entity, component));
            all.next().filter(|_| all.next().is_none())
        };
        let entity = self.entity(name).or_else(only).ok_or_else(|| format!("there is no {name}"))?;
        let is = self.shown(entity, attribute);
        let equal = alike(&is, wanted);
        let holds = if text(step, "cmp") == "!=" { !equal } else { equal };
        ensure(holds, || format!("{attribute} is {is} and should be {} {wanted}", text(step, "cmp")))
    }

    fn check_truth(&self, step: &Json) -> Result<(), String> {
        let entity = self.entity(text(step, "entity")).ok_or("there is no such entity")?;
        let is = self.shown(entity, text(step, "attr"));
        let truth = !matches!(is, Json::Null | Json::Bool(false));
        ensure(step["value"] == truth, || format!("{} is {is}", text(step, "attr")))
    }

    /// An attribute as Home Assistant would show it.
    fn shown(&self, entity: &Entity, attribute: &str) -> Json {
        let state = self.talk.state(&entity.id);
        match attribute {
            "state" if state.availability == Availability::Unavailable => "unavailable".into(),
            "state" => match &state.value {
                Some(Value::Number(number)) => (*number).into(),
                Some(other) => other.to_string().into(),
                None => "unknown".into(),
            },
            "name" | "friendly_name" => entity.name.as_str().into(),
            "assumed_state" => entity.description.assumed_state.into(),
            other => state.attributes.get(other).cloned().unwrap_or_else(|| capability(entity, other)),
        }
    }

    fn check_sent(&mut self, step: &Json) -> Result<(), String> {
        let args = step["args"].as_array().map(Vec::as_slice).unwrap_or_default();
        let [topic, payload, qos, retain] = args else { return Err("four arguments are meant".to_owned()) };
        let payload = payload.as_str().unwrap_or_default();
        let fits = |send: &Send| {
            *topic == send.topic.as_str()
                && *qos == u8::from(send.qos)
                && *retain == send.retain
                && same_payload(payload, &String::from_utf8_lossy(&send.payload))
        };
        let from = if step["any_order"] == false { self.matched } else { 0 };
        match self.sent.iter().skip(from).position(fits) {
            Some(at) => {
                self.matched = from + at + 1;
                Ok(())
            }
            None => Err(format!("{topic} {payload} was not sent: {:?}", self.sent)),
        }
    }
}

/// What an entity can do, which Home Assistant shows among its attributes.
fn capability(entity: &Entity, name: &str) -> Json {
    let description = &entity.description;
    let features = serde_json::to_value(&description.features).unwrap_or_default();
    match name {
        "supported_color_modes" => features["color_modes"].clone(),
        "fan_speed_list" => features
            .get("fan_speeds")
            .cloned()
            .filter(|list| *list != Json::from(Vec::<Json>::new()))
            .unwrap_or_default(),
        "percentage_step" | "step" | "target_temp_step" => description.step.into(),
        "min" | "min_temp" => description.min.into(),
        "max" | "max_temp" => description.max.into(),
        "options" | "effect_list" if description.options.is_empty() => Json::Null,
        "options" | "effect_list" => description.options.clone().into(),
        "device_class" => description.device_class.clone().into(),
        "unit_of_measurement" => description.unit.clone().into(),
        "icon" => description.icon.clone().into(),
        "preset_modes" | "fan_modes" | "swing_modes" => features[name].clone(),
        "hvac_modes" => features["modes"].clone(),
        _ => Json::Null,
    }
}

/// The prefix of an announcement that is not under one of the usual ones.
fn other_prefix(topic: &str) -> Option<String> {
    if topic.starts_with("homeassistant/") || topic.starts_with("tasmota/") {
        return None;
    }
    let levels: Vec<&str> = topic.strip_suffix("/config")?.split('/').collect();
    let at = levels
        .iter()
        .position(|level| serde_json::from_value::<model::Component>(Json::from(*level)).is_ok())?;
    Some(levels[..at].join("/"))
}

fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// Numbers are the same however they are written, and a text that is a number is one.
fn alike(is: &Json, wanted: &Json) -> bool {
    let number = |json: &Json| json.as_f64().or_else(|| json.as_str()?.parse().ok());
    match (is, wanted) {
        (Json::Array(is), Json::Array(wanted)) => {
            is.len() == wanted.len() && is.iter().zip(wanted).all(|(is, wanted)| alike(is, wanted))
        }
        _ => match (number(is), number(wanted)) {
            (Some(is), Some(wanted)) => (is - wanted).abs() < 1e-9,
            _ => is == wanted,
        },
    }
}

/// JSON is the same however it is spaced. Where the row only kept that JSON was sent, any JSON will do.
fn same_payload(wanted: &str, sent: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<Json>(text).ok().filter(Json::is_object);
    match (json(wanted), json(sent)) {
        (Some(wanted), Some(sent)) => wanted == sent,
        (None, Some(_)) if wanted.contains("JsonValidator") => true,
        _ => wanted == sent,
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
