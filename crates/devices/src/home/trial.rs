//! Trying a profile: messages go into an empty home that understands it, and everything that comes of them comes
//! out. Nothing is sent or kept.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::topic::check_topic;
use model::{Component, Device, Entity, Message, State, TopicFilter, Value};
use serde_json::Map;

use super::Home;
use crate::announcement::Announcement;
use crate::effect::{Effect, Send};
use crate::error::CommandError;
use crate::limits::{TRIAL_BYTES_MAX, TRIAL_MESSAGES_MAX};
use crate::profile::{Heard, Place, Profile, played};

/// A message to try a profile with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialMessage {
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: Bytes,
    /// It is retained: an entity that is announced later hears it, too.
    pub retain: bool,
}

/// What came of a trial.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// What each message led to, in their order. Fewer than there were if time ran out.
    pub messages: Vec<Played>,
    /// The devices after all of them.
    pub devices: Vec<Device>,
    /// Their entities with their states.
    pub entities: Vec<(Entity, State)>,
    /// What each of their commands would send.
    pub commands: Vec<Offered>,
}

/// What one message led to.
#[derive(Debug, Clone, Default)]
pub struct Played {
    /// Its topic.
    pub topic: String,
    /// The rules that listen to its topic.
    pub rules: Vec<RuleMatch>,
    /// Entities that are new or described in another way, by id.
    pub described: Vec<String>,
    /// Entities whose state it set, by id.
    pub reported: Vec<String>,
    /// Messages that would be sent because of it.
    pub sends: Vec<Send>,
    /// What could not be used of it, and what to do about it.
    pub problems: Vec<String>,
    /// Steps the templates of states took for it.
    pub fuel: u64,
}

/// A rule that listens to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMatch {
    /// Id of its profile.
    pub profile: String,
    /// What it listens to, in words.
    pub rule: String,
    /// Where it begins in the profile.
    pub place: Option<Place>,
    /// What the topic captured.
    pub captures: BTreeMap<String, String>,
    /// What it made of the message, in words.
    pub made: String,
}

/// A command an entity takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// Entity id.
    pub entity: String,
    /// Verb.
    pub verb: String,
    /// The value it was tried with, where it needs one.
    pub value: Option<Value>,
    /// What it would send, or why it cannot be given.
    pub sends: Result<Vec<Send>, String>,
}

impl Profile {
    /// Tries the profile with these messages, the first first, as long as `goes_on` says so. In words if they
    /// are too many, too large or have a topic nobody could publish to.
    pub fn try_out(&self, messages: &[TrialMessage], goes_on: &dyn Fn() -> bool) -> Result<Trial, String> {
        let bytes: usize = messages.iter().map(|message| message.topic.len() + message.payload.len()).sum();
        if messages.len() > TRIAL_MESSAGES_MAX || bytes > TRIAL_BYTES_MAX {
            return Err(format!(
                "A trial can have {TRIAL_MESSAGES_MAX} messages with {TRIAL_BYTES_MAX} bytes together. Leave some out."
            ));
        }
        if let Some((wrong, why)) =
            messages.iter().find_map(|one| Some((one, check_topic(&one.topic).err()?)))
        {
            return Err(format!("{:?} is no topic to publish to: {why}.", wrong.topic));
        }
        let mut home = self.empty_home();
        let mut trial = Trial::default();
        let mut before: Vec<Message> = Vec::new();
        for (at, message) in (1u32..).zip(messages).take_while(|_| goes_on()) {
            let message = played(at, &message.topic, message.payload.clone(), message.retain);
            trial.messages.push(home.play(&message, &before));
            before.push(message);
        }
        trial.devices = home.devices().cloned().collect();
        for entity in home.entities() {
            let state = home.state(&entity.id).cloned().unwrap_or_default();
            trial.entities.push((entity.clone(), state));
            for verb in entity.description.commands.keys().take_while(|_| goes_on()) {
                trial.commands.push(home.offered(entity, verb));
            }
        }
        Ok(trial)
    }
}

impl Home {
    /// Hears one message of a trial; `before` are those that came before it.
    fn play(&mut self, message: &Message, before: &[Message]) -> Played {
        let mut played =
            Played { topic: message.topic.to_string(), rules: self.matches(message), ..Played::default() };
        let effects = self.handle(message, true);
        played.fuel = self.turn.taken();
        let mut recalled = Vec::new();
        played.take(effects, &mut recalled);
        for filter in recalled.iter().filter_map(|filter| TopicFilter::new(filter).ok()) {
            let retained =
                before.iter().chain([message]).filter(|one| one.retain && filter.matches(&one.topic));
            for one in retained {
                let effects = self.handle(one, false);
                played.fuel += self.turn.taken();
                // What it recalls in turn is what it has just heard.
                played.take(effects, &mut Vec::new());
            }
        }
        played
    }

    /// The rules that listen to the topic of a message, and what they make of it.
    fn matches(&self, message: &Message) -> Vec<RuleMatch> {
        let is_said = |key: &str, part: &str| {
            self.parts_of(key, &message.publisher).is_some_and(|parts| parts.contains_key(part))
        };
        let of_profile = |profile: &Profile| {
            let rules = profile.rules_for(&message.topic).into_iter();
            let matches = rules.map(|(listen, rule, place)| {
                let heard = profile.hear(listen, &message.topic, &message.payload, &is_said);
                let (captures, made) = words(heard);
                RuleMatch { profile: profile.id().to_owned(), rule, place, captures, made }
            });
            matches.collect::<Vec<_>>()
        };
        self.profiles.iter().flat_map(of_profile).collect()
    }

    /// What a command would send; with a value that fits, if it needs one.
    fn offered(&self, entity: &Entity, verb: &str) -> Offered {
        let ask = |value: Option<&Value>| self.command(&entity.id, verb, value, &Map::new());
        let mut value = None;
        let mut asked = ask(None);
        if let Err(CommandError::BadValue { .. }) = asked {
            value = fitting(entity);
            asked = ask(value.as_ref());
        }
        let sends = asked.map(|order| order.sends).map_err(|why| why.to_string());
        Offered { entity: entity.id.clone(), verb: verb.to_owned(), value, sends }
    }
}

impl Played {
    fn take(&mut self, effects: Vec<Effect>, recalled: &mut Vec<String>) {
        let note = |ids: &mut Vec<String>, id: String| {
            if !ids.contains(&id) {
                ids.push(id);
            }
        };
        for effect in effects {
            match effect {
                Effect::EntityChanged(entity) => note(&mut self.described, entity.id),
                // An entity begins with a state nobody reported.
                Effect::StateChanged(change) if change.old.is_some() => {
                    note(&mut self.reported, change.entity)
                }
                Effect::Reported { entity, .. } => note(&mut self.reported, entity),
                Effect::Publish(send) => self.sends.push(send),
                Effect::Refused(refused) => {
                    self.problems.push(format!("{}. {}", refused.why, refused.advice))
                }
                Effect::Recall { filters } => recalled.extend(filters),
                _ => {}
            }
        }
    }
}

/// What a rule captured and made of a message.
fn words(heard: Option<Heard>) -> (BTreeMap<String, String>, String) {
    match heard {
        None => (BTreeMap::new(), "The topic fits, but what it says does not.".to_owned()),
        Some(Heard::Part(part)) => {
            let made = match part.json {
                Some(_) => format!("It is the part `{}` of the announcement `{}`.", part.name, part.key),
                None => format!("It takes the part `{}` of `{}` away.", part.name, part.key),
            };
            (part.captures, made)
        }
        Some(Heard::All { devices, .. }) => {
            (BTreeMap::new(), format!("It announces {} devices.", devices.len()))
        }
        Some(Heard::Whole(announcement)) => {
            let made = match announcement {
                Announcement::Described(_) => "It is an announcement.",
                Announcement::Removed | Announcement::Released => "It takes an announcement away.",
                Announcement::Refused(_) => "It is an announcement that cannot be used.",
                Announcement::Nothing | Announcement::Waiting => "It announces no entity.",
            };
            (BTreeMap::new(), made.to_owned())
        }
    }
}

/// A value an entity can be set to.
fn fitting(entity: &Entity) -> Option<Value> {
    let description = &entity.description;
    if let Some(option) = description.options.first() {
        return Some(Value::Text(option.clone()));
    }
    match description.component {
        Component::Text | Component::Notify => Some(Value::Text("hello".to_owned())),
        _ => Value::number(description.min.unwrap_or(0.0).max(description.max.unwrap_or(50.0).min(50.0))),
    }
}
