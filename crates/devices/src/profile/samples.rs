//! A profile's own samples: these messages make these entities, and these commands send these messages.

use std::sync::Arc;

use bytes::Bytes;
use model::{Entity, Message, Publisher, QoS};
use serde_json::Value as Json;

use super::lines::find;
use super::schema::{Sample, SampleCommand, SampleEntity};
use super::{Profile, ProfileError};
use crate::{Effect, Home, TrialMessage};

/// What one of a profile's samples covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// Name of the sample.
    pub name: String,
    /// Messages it plays.
    pub messages: usize,
    /// Entities it looks at.
    pub entities: usize,
    /// Commands it gives.
    pub commands: usize,
}

/// A profile file that was looked at as a whole.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The profile, if it can be read; it may still fail its samples.
    pub profile: Option<Profile>,
    /// What its samples cover.
    pub covered: Vec<Covered>,
    /// What is wrong with it: one fault of the file, or each sample that is not as it says.
    pub faults: Vec<ProfileError>,
}

impl Profile {
    /// Reads a profile and plays its samples. Only one without faults is to be used.
    pub fn examine(name: &str, text: &str) -> Examined {
        let profile = match Self::parse(name, text) {
            Ok(profile) => profile,
            Err(fault) => return Examined { profile: None, covered: Vec::new(), faults: vec![fault] },
        };
        let samples = &profile.file.tests;
        let faults = samples.iter().flat_map(|sample| {
            let place = find(text, &sample.name);
            let fault = move |why| ProfileError { file: name.to_owned(), place, why };
            let hint = "Correct the profile, or what its [[tests]] expect.";
            profile.play(sample).into_iter().map(move |why| fault(format!("{why}. {hint}")))
        });
        let faults = faults.collect();
        Examined { covered: profile.covered(), faults, profile: Some(profile) }
    }

    /// What its samples cover.
    pub fn covered(&self) -> Vec<Covered> {
        let covered = self.file.tests.iter().map(|sample| Covered {
            name: sample.name.clone(),
            messages: sample.messages.len(),
            entities: sample.entities.len(),
            commands: sample.commands.len(),
        });
        covered.collect()
    }

    /// Plays the `[[tests]]` of the profile, each in an empty home; returns what is not as the profile says,
    /// in words. A profile that fails its own samples is not to be trusted with devices.
    pub fn failing_samples(&self) -> Vec<String> {
        self.file.tests.iter().flat_map(|sample| self.play(sample)).collect()
    }

    /// Its samples by name, each with its messages to try.
    pub fn samples(&self) -> impl Iterator<Item = (&str, Vec<TrialMessage>)> {
        self.file.tests.iter().map(|sample| {
            let messages = sample.messages.iter().map(|message| TrialMessage {
                topic: message.topic.clone(),
                payload: Bytes::from(message.payload.clone()),
                retain: false,
            });
            (sample.name.as_str(), messages.collect())
        })
    }

    /// Topic and payload of their messages.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn sample_messages(&self) -> impl Iterator<Item = (&str, &str)> {
        let messages = self.file.tests.iter().flat_map(|sample| &sample.messages);
        messages.map(|message| (message.topic.as_str(), message.payload.as_str()))
    }

    fn play(&self, sample: &Sample) -> Vec<String> {
        let mut home = self.empty_home();
        let mut faults = Vec::new();
        for (at, message) in (1u32..).zip(&sample.messages) {
            let payload = Bytes::from(message.payload.clone());
            for effect in home.handle(&played(at, &message.topic, payload, false), true) {
                if let Effect::Refused(refused) = effect {
                    faults.push(format!("{}: {}. {}", refused.topic, refused.why, refused.advice));
                }
            }
        }
        for (unique_id, expected) in &sample.entities {
            faults.extend(differences(&home, unique_id, expected));
        }
        for command in &sample.commands {
            faults.extend(sent_otherwise(&home, command));
        }
        faults.into_iter().map(|fault| format!("sample {:?}: {fault}", sample.name)).collect()
    }

    /// A home that understands this firmware, and Home Assistant's discovery: many firmwares announce themselves
    /// through it.
    pub(crate) fn empty_home(&self) -> Home {
        let discovery = Self::built_in().into_iter().find(|profile| profile.id() == "home-assistant");
        Home::new(discovery.into_iter().chain([self.clone()]).collect())
    }
}

/// A message that is played, the first as number 1: one a second, all from one board.
pub(crate) fn played(at: u32, topic: &str, payload: Bytes, retain: bool) -> Message {
    Message {
        id: u64::from(at),
        time_ms: i64::from(at) * 1_000,
        topic: topic.into(),
        payload,
        qos: QoS::AtMostOnce,
        retain,
        publisher: Arc::new(Publisher { user: "sample".to_owned(), client_id: "sample".to_owned() }),
        cause: None,
        properties: None,
    }
}

fn differences(home: &Home, unique_id: &str, expected: &SampleEntity) -> Vec<String> {
    let Some(entity) = entity(home, unique_id, &expected.component) else {
        return vec![format!("there is no {} {unique_id}", expected.component)];
    };
    let is = &entity.description;
    let state = home.state(&entity.id);
    let value = state.and_then(|state| state.value.as_ref()).map(ToString::to_string);
    let compared = [
        ("name", &is.name, &expected.name),
        ("unit", &is.unit, &expected.unit),
        ("device_class", &is.device_class, &expected.device_class),
        ("state", &value, &expected.state),
    ];
    let different = compared
        .into_iter()
        .filter(|(_, is, wanted)| wanted.is_some() && is != wanted)
        .map(|(what, is, wanted)| format!("{what} of {unique_id} is {is:?}, not {wanted:?}"));
    let other_attributes = expected.attributes.iter().filter_map(|(name, wanted)| {
        let is = state.and_then(|state| state.attributes.get(name)).unwrap_or(&Json::Null);
        let wanted = serde_json::to_value(wanted).unwrap_or_default();
        (*is != wanted).then(|| format!("{name} of {unique_id} is {is}, not {wanted}"))
    });
    different.chain(other_attributes).collect()
}

fn sent_otherwise(home: &Home, command: &SampleCommand) -> Option<String> {
    let SampleCommand { entity: unique_id, verb, with, sends } = command;
    let known = home.entities().filter(|entity| entity.description.unique_id == *unique_id);
    let Some(entity) = known.max_by_key(|entity| entity.description.commands.len()) else {
        return Some(format!("there is no entity {unique_id}"));
    };
    let with = serde_json::to_value(with).ok().and_then(|with| with.as_object().cloned()).unwrap_or_default();
    match home.command(&entity.id, verb, None, &with) {
        Err(why) => Some(format!("{verb} of {unique_id}: {why}")),
        Ok(order) => {
            let sent: Vec<(&str, String)> = order
                .sends
                .iter()
                .map(|send| (send.topic.as_str(), String::from_utf8_lossy(&send.payload).into_owned()))
                .collect();
            let wanted: Vec<(&str, String)> =
                sends.iter().map(|send| (send.topic.as_str(), send.payload.clone())).collect();
            (sent != wanted).then(|| format!("{verb} of {unique_id} sends {sent:?}, not {wanted:?}"))
        }
    }
}

fn entity<'a>(home: &'a Home, unique_id: &str, component: &str) -> Option<&'a Entity> {
    let mut known = home.entities().filter(|entity| entity.description.unique_id == unique_id);
    known.find(|entity| {
        let word = serde_json::to_value(entity.description.component).unwrap_or_default();
        word == component
    })
}
