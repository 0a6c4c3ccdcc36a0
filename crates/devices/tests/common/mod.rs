//! A home to talk to, for the tests.
#![allow(dead_code, reason = "each test file uses another part")]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use devices::{Effect, Home, Profile, Refused};
use model::{Cause, Entity, Message, Publisher, QoS, Reading, State, StateChange};

/// Reading them takes longer than a whole conversation.
static BUILT_IN: LazyLock<Vec<Profile>> = LazyLock::new(Profile::built_in);

/// A home with the profiles that come with Hearth, and a clock and a journal that count.
pub(crate) struct Talk {
    pub(crate) home: Home,
    pub(crate) next_id: u64,
    pub(crate) now_ms: i64,
}

impl Talk {
    pub(crate) fn new() -> Self {
        Self::with(Vec::new())
    }

    /// One with more profiles.
    pub(crate) fn with(more: Vec<Profile>) -> Self {
        let profiles = BUILT_IN.iter().cloned().chain(more).collect();
        Self { home: Home::new(profiles), next_id: 1, now_ms: 1_000_000 }
    }

    pub(crate) fn message(&mut self, topic: &str, payload: &[u8]) -> Message {
        self.next_id += 1;
        self.now_ms += 10;
        message(self.next_id, self.now_ms, topic, payload)
    }

    /// A fresh message.
    pub(crate) fn say(&mut self, topic: &str, payload: impl AsRef<[u8]>) -> Vec<Effect> {
        let message = self.message(topic, payload.as_ref());
        self.home.handle(&message, true)
    }

    /// A fresh message of another credential than `board`, which all the others come from.
    pub(crate) fn say_as(&mut self, user: &str, topic: &str, payload: impl AsRef<[u8]>) -> Vec<Effect> {
        let mut message = self.message(topic, payload.as_ref());
        message.publisher = Arc::new(Publisher { user: user.into(), client_id: user.into() });
        self.home.handle(&message, true)
    }

    /// A retained message that comes again.
    pub(crate) fn recall(&mut self, topic: &str, payload: impl AsRef<[u8]>) -> Vec<Effect> {
        let message = self.message(topic, payload.as_ref());
        self.home.handle(&message, false)
    }

    /// Announces through Home Assistant's discovery.
    pub(crate) fn announce(&mut self, place: &str, config: &serde_json::Value) -> Vec<Effect> {
        self.say(&format!("homeassistant/{place}/config"), config.to_string())
    }

    pub(crate) fn state(&self, entity: &str) -> &State {
        self.home.state(entity).unwrap_or_else(|| panic!("no entity {entity}: {:?}", self.ids()))
    }

    /// The state as people read it.
    pub(crate) fn shown(&self, entity: &str) -> String {
        self.state(entity).value.as_ref().map_or("unknown".to_owned(), ToString::to_string)
    }

    pub(crate) fn ids(&self) -> Vec<&str> {
        self.home.entities().map(|entity| entity.id.as_str()).collect()
    }

    pub(crate) fn by_unique_id(&self, unique_id: &str) -> Option<&Entity> {
        self.home.entities().find(|entity| entity.description.unique_id == unique_id)
    }
}

pub(crate) fn message(id: u64, time_ms: i64, topic: &str, payload: &[u8]) -> Message {
    Message {
        id,
        time_ms,
        topic: topic.into(),
        payload: Bytes::copy_from_slice(payload),
        qos: QoS::AtMostOnce,
        retain: false,
        publisher: Arc::new(Publisher { user: "board".into(), client_id: "board".into() }),
        cause: None::<Cause>,
        properties: None,
    }
}

pub(crate) fn refusals(effects: &[Effect]) -> Vec<&Refused> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::Refused(refused) = effect { Some(refused) } else { None })
        .collect()
}

pub(crate) fn readings(effects: &[Effect]) -> Vec<&Reading> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::Reading(reading) = effect { Some(reading) } else { None })
        .collect()
}

pub(crate) fn changes(effects: &[Effect]) -> Vec<&StateChange> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::StateChanged(change) = effect { Some(change) } else { None })
        .collect()
}

/// A JSON object with members added or replaced.
pub(crate) fn with(mut base: serde_json::Value, more: &serde_json::Value) -> serde_json::Value {
    if let (Some(members), Some(more)) = (base.as_object_mut(), more.as_object()) {
        members.extend(more.clone());
    }
    base
}
