//! A home to talk to, for the tests.
#![allow(dead_code, reason = "each test file uses another part")]

use std::sync::Arc;

use bytes::Bytes;
use devices::{Effect, Home, Profile, Refused};
use model::{Cause, Entity, Message, Publisher, QoS, Reading, State, StateChange};

/// A home with the profiles that come with Hearth, and a clock and a journal that count.
pub struct Talk {
    pub home: Home,
    pub next_id: u64,
    pub now_ms: i64,
}

impl Talk {
    pub fn new() -> Self {
        Self { home: Home::new(Profile::built_in()), next_id: 1, now_ms: 1_000_000 }
    }

    pub fn message(&mut self, topic: &str, payload: &[u8]) -> Message {
        self.next_id += 1;
        self.now_ms += 10;
        message(self.next_id, self.now_ms, topic, payload)
    }

    /// A fresh message.
    pub fn say(&mut self, topic: &str, payload: impl AsRef<[u8]>) -> Vec<Effect> {
        let message = self.message(topic, payload.as_ref());
        self.home.handle(&message, true)
    }

    /// A retained message that comes again.
    pub fn recall(&mut self, topic: &str, payload: impl AsRef<[u8]>) -> Vec<Effect> {
        let message = self.message(topic, payload.as_ref());
        self.home.handle(&message, false)
    }

    /// Announces through Home Assistant's discovery.
    pub fn announce(&mut self, place: &str, config: &serde_json::Value) -> Vec<Effect> {
        self.say(&format!("homeassistant/{place}/config"), config.to_string())
    }

    pub fn state(&self, entity: &str) -> &State {
        self.home.state(entity).unwrap_or_else(|| panic!("no entity {entity}: {:?}", self.ids()))
    }

    /// The state as people read it.
    pub fn shown(&self, entity: &str) -> String {
        self.state(entity).value.as_ref().map_or("unknown".to_owned(), ToString::to_string)
    }

    pub fn ids(&self) -> Vec<&str> {
        self.home.entities().map(|entity| entity.id.as_str()).collect()
    }

    pub fn by_unique_id(&self, unique_id: &str) -> Option<&Entity> {
        self.home.entities().find(|entity| entity.description.unique_id == unique_id)
    }
}

pub fn message(id: u64, time_ms: i64, topic: &str, payload: &[u8]) -> Message {
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

pub fn refusals(effects: &[Effect]) -> Vec<&Refused> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::Refused(refused) = effect { Some(refused) } else { None })
        .collect()
}

pub fn readings(effects: &[Effect]) -> Vec<&Reading> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::Reading(reading) = effect { Some(reading) } else { None })
        .collect()
}

pub fn changes(effects: &[Effect]) -> Vec<&StateChange> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::StateChanged(change) = effect { Some(change) } else { None })
        .collect()
}
