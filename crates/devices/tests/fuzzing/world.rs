//! A home that is told things and looked at after each of them, and a store that keeps what the home asks to have
//! kept.
//!
//! What must hold whatever is said:
//! - the limits of [`devices::limits`] hold for everything that is known, and a message has no more effects than
//!   there are things it can concern;
//! - a message that comes again describes nothing anew;
//! - what was written down is what is known, so that a restart changes nothing;
//! - what is told to an entity goes to valid topics, and is no longer than a template may print;
//! - when all devices are removed nothing of them is left.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use devices::fuzzing::{Leftovers, leftovers};
use devices::guard::{Guard, Rules, can_guard};
use devices::limits::{
    ANNOUNCEMENTS_PER_DEVICE_MAX, AREAS_MAX, ATTRIBUTES_BYTES_MAX, ATTRIBUTES_MAX, ENTITIES_PER_DEVICE_MAX,
    IDENTITIES_MAX, IDENTITY_BYTES_MAX, NAME_CHARS_MAX, OPTIONS_MAX, PENDING_MAX, SOURCES_MAX,
    STATE_CHARS_MAX, TEMPLATE_OUTPUT_BYTES_MAX, WAITING_MAX,
};
use devices::{DeviceRecord, Effect, Home, Profile, Saved, Send, Waiting, WaitsFor};
use model::topic::check_topic;
use model::{Area, Cause, Device, Entity, Message, Permissions, Publisher, QoS, State, TopicFilter, Value};
use serde_json::{Map, Value as Json, json};

/// Reading them takes longer than a whole program.
static BUILT_IN: LazyLock<Vec<Profile>> = LazyLock::new(Profile::built_in);

/// Who speaks: a board of which nothing is known, one that may use its own topics only, the hub, a demo board.
pub const USERS: [&str; 4] = ["board", "plug", Publisher::HUB, "demo-plug"];
/// Entities that are commanded when everything has been said.
const COMMANDED_MAX: usize = 24;

pub struct World {
    pub home: Home,
    /// What the store has.
    devices: BTreeMap<String, DeviceRecord>,
    entities: BTreeMap<String, Entity>,
    areas: BTreeMap<String, Area>,
    waiting: BTreeMap<String, Vec<Waiting>>,
    guard: Guard,
    next_id: u64,
    now_ms: i64,
    /// Two profiles of one domain describe a message each in its own way, every time it comes.
    is_ambiguous: bool,
}

impl World {
    /// One with the profiles that come with Hearth.
    pub fn built_in() -> Self {
        Self::new(BUILT_IN.clone())
    }

    /// One with Home Assistant's discovery, which many firmwares announce themselves through, and a profile.
    pub fn with(profile: Profile) -> Self {
        let discovery = BUILT_IN.iter().find(|profile| profile.id() == "home-assistant").cloned();
        let world = Self::new(discovery.into_iter().chain([profile]).collect());
        Self { is_ambiguous: true, ..world }
    }

    fn new(profiles: Vec<Profile>) -> Self {
        let mut home = Home::new(profiles);
        let own = || ["plug/#", "+/+/plug/#"].map(|filter| TopicFilter::new(filter).unwrap()).to_vec();
        home.set_permissions("plug", Some(Permissions { write: own(), read: own() }));
        Self {
            home,
            devices: BTreeMap::new(),
            entities: BTreeMap::new(),
            areas: BTreeMap::new(),
            waiting: BTreeMap::new(),
            guard: Guard::new(),
            next_id: 1,
            now_ms: 1_000_000,
            is_ambiguous: false,
        }
    }

    /// One message, and the same once more.
    pub fn say(&mut self, user: &str, topic: &str, payload: &[u8], fresh: bool) {
        if check_topic(topic).is_err() {
            return;
        }
        self.hear(user, topic, payload, fresh);
        for effect in self.hear(user, topic, payload, fresh) {
            assert!(
                self.is_ambiguous
                    || matches!(
                        effect,
                        Effect::StateChanged(_)
                            | Effect::Reported { .. }
                            | Effect::Reading(_)
                            | Effect::Publish(_)
                            | Effect::Refused(_)
                    ),
                "{topic} says the same again, and something is described anew: {effect:?}"
            );
        }
    }

    fn hear(&mut self, user: &str, topic: &str, payload: &[u8], fresh: bool) -> Vec<Effect> {
        self.next_id += 1;
        self.now_ms += 10;
        let message = Message {
            id: self.next_id,
            time_ms: self.now_ms,
            topic: topic.into(),
            payload: Bytes::copy_from_slice(payload),
            qos: QoS::AtMostOnce,
            retain: false,
            publisher: Arc::new(Publisher { user: user.into(), client_id: user.into() }),
            cause: None::<Cause>,
            properties: None,
        };
        let before = self.things();
        let effects = self.home.handle(&message, fresh);
        let most = 64 + payload.len() / 8 + 10 * (before + self.things());
        assert!(effects.len() <= most, "{} effects of {topic}, at most {most} make sense", effects.len());
        self.keep(&effects);
        effects
    }

    fn things(&self) -> usize {
        self.home.devices().count() + self.home.entities().count()
    }

    /// Time passes.
    pub fn pass(&mut self, ms: i64) {
        self.now_ms += ms;
        let effects = self.home.tick(self.now_ms);
        self.keep(&effects);
        assert!(self.home.next_due().is_none_or(|due| due > self.now_ms), "what was due has not happened");
    }

    fn keep(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::SaveDevice(record) => {
                    record_is_bounded(record);
                    self.devices.insert(record.device.id.clone(), record.clone());
                }
                Effect::DeviceRemoved { id } => drop(self.devices.remove(id)),
                Effect::EntityChanged(entity) => {
                    entity_is_bounded(entity);
                    self.entities.insert(entity.id.clone(), entity.clone());
                }
                Effect::EntityRemoved { id } => drop(self.entities.remove(id)),
                Effect::AreaChanged(area) => drop(self.areas.insert(area.id.clone(), area.clone())),
                Effect::AreaRemoved { id } => drop(self.areas.remove(id)),
                Effect::StateChanged(change) => state_is_bounded(&change.entity, &change.new),
                Effect::Reported { entity, state } => state_is_bounded(entity, state),
                Effect::SaveVoid => assert!(self.home.void().len() <= devices::limits::ANNOUNCEMENTS_MAX),
                Effect::Noted(note) => assert!(!note.words.is_empty(), "{note:?}"),
                Effect::Publish(send) => can_be_sent(send),
                Effect::Refused(refused) => {
                    assert!(!refused.why.is_empty() && !refused.advice.is_empty(), "{refused:?}");
                }
                Effect::Recall { filters } => {
                    for filter in filters {
                        assert!(TopicFilter::new(filter).is_ok(), "asks for {filter:?}");
                    }
                }
                Effect::KeepWaiting { entity, waiting } => {
                    assert!(waiting.len() <= WAITING_MAX);
                    self.waiting.insert(entity.clone(), waiting.clone());
                }
                Effect::DeviceChanged(_)
                | Effect::Reading(_)
                | Effect::Picture(_)
                | Effect::Commanded { .. }
                | Effect::Woke { .. } => {}
            }
        }
    }

    /// What must hold when nothing more is said.
    pub fn end(mut self) {
        self.command();
        self.is_bounded();
        self.is_written_down();
        self.pass(1_000_000_000);
        let ids: Vec<String> = self.home.devices().map(|device| device.id.clone()).collect();
        for id in ids {
            let effects = self.home.remove_device(&id).expect("it is there");
            self.keep(&effects);
        }
        assert_eq!((self.home.entities().count(), self.home.next_due()), (0, None));
        let Leftovers { pending, .. } = leftovers(&self.home);
        assert!(pending <= PENDING_MAX, "{pending} announcements wait for the rest");
        assert_eq!(leftovers(&self.home), Leftovers { pending, ..Leftovers::default() });
        assert!(self.devices.is_empty() && self.entities.is_empty(), "the store keeps what is gone");
    }

    /// Tells entities everything they can be told, and the home what is sent to them.
    fn command(&mut self) {
        let known: Vec<(String, Vec<String>)> = self
            .home
            .entities()
            .take(COMMANDED_MAX)
            .map(|entity| (entity.id.clone(), entity.description.commands.keys().cloned().collect()))
            .collect();
        let colors = json!({"rgb_color": [1, 2, 3], "brightness": 7, "transition": 1.5});
        let values =
            [None, Some(Value::Number(5.0)), Some(Value::Text("ON".into())), Some(Value::Bool(true))];
        for (entity, verbs) in known {
            for verb in verbs.iter().map(String::as_str).chain(["turn_on", "toggle", "set"]) {
                for value in &values {
                    for attributes in [&Map::new(), colors.as_object().unwrap()] {
                        self.command_one(&entity, verb, value.as_ref(), attributes);
                    }
                }
            }
        }
    }

    fn command_one(
        &mut self,
        entity: &str,
        verb: &str,
        value: Option<&Value>,
        attributes: &Map<String, Json>,
    ) {
        let Ok(order) = self.home.command(entity, verb, value, attributes) else { return };
        let cause = Cause::Person { who: "owner".into() };
        if self.home.is_asleep(entity) {
            let effects =
                self.home.wait(entity, (verb, value, attributes), cause, WaitsFor::Wake, self.now_ms);
            return self.keep(&effects.unwrap_or_default());
        }
        self.home.await_answer(entity, &order, cause, self.now_ms);
        let effects = self.home.sending(entity, verb, value, &order, self.now_ms);
        self.keep(&effects);
        self.guard(entity);
        for send in &order.sends {
            can_be_sent(send);
            assert!(send.payload.len() <= TEMPLATE_OUTPUT_BYTES_MAX, "{} bytes are sent", send.payload.len());
            let _ = self.guard.consider(&send.topic, &send.payload, self.now_ms);
            self.hear(Publisher::HUB, &send.topic, &send.payload, true);
        }
    }

    /// Whatever an entity was announced as can be guarded, or not.
    fn guard(&mut self, entity: &str) {
        let (Some(entity), Some(state)) = (self.home.entity(entity), self.home.state(entity)) else { return };
        if can_guard(entity) {
            let rules = Rules { switches_per_minute: Some(2), min_off_s: Some(1), ..Rules::default() };
            self.guard.set(entity, state, rules).expect("there is room");
        }
    }

    fn is_bounded(&self) {
        let mut entities: BTreeMap<&str, usize> = BTreeMap::new();
        for entity in self.home.entities() {
            entity_is_bounded(entity);
            assert!(self.home.device(&entity.device).is_some(), "{} belongs to nothing", entity.id);
            *entities.entry(&entity.device).or_default() += 1;
        }
        for (device, count) in entities {
            assert!(count <= ENTITIES_PER_DEVICE_MAX, "{device} has {count} entities");
        }
        for (entity, state) in self.home.states() {
            state_is_bounded(entity, state);
        }
        assert!(self.home.areas().count() <= AREAS_MAX);
    }

    /// A home that is given what the store has is the same one.
    fn is_written_down(&self) {
        let saved = Saved {
            areas: self.areas.values().cloned().collect(),
            devices: self.devices.values().cloned().collect(),
            entities: self.entities.values().cloned().collect(),
            waiting: self.waiting.clone().into_iter().collect(),
            states: self.home.states().map(|(id, state)| (id.to_owned(), state.clone())).collect(),
        };
        let mut other = Home::new(self.home.profiles().to_vec());
        other.restore(saved);
        assert_eq!(described(&other), described(&self.home), "left: after a restart; right: before it");
    }
}

fn described(home: &Home) -> (Vec<&Device>, Vec<&Entity>, Vec<&Area>) {
    (home.devices().collect(), home.entities().collect(), home.areas().collect())
}

fn record_is_bounded(record: &DeviceRecord) {
    let device = &record.device;
    assert!(device.name.chars().count() <= NAME_CHARS_MAX, "a name is too long: {}", device.name);
    assert!(device.identities.len() <= IDENTITIES_MAX, "{} identities", device.identities.len());
    assert!(device.identities.iter().all(|identity| identity.len() <= IDENTITY_BYTES_MAX));
    assert!(
        record.announced.len() <= ANNOUNCEMENTS_PER_DEVICE_MAX,
        "{} announcements",
        record.announced.len()
    );
    assert!(record.availability.sources.len() <= SOURCES_MAX);
}

fn entity_is_bounded(entity: &Entity) {
    let description = &entity.description;
    assert!(entity.name.chars().count() <= NAME_CHARS_MAX, "a name is too long: {}", entity.name);
    assert!(description.unique_id.len() <= IDENTITY_BYTES_MAX, "a unique id is too long");
    assert!(
        description.sources.len() <= SOURCES_MAX,
        "{} has {} sources",
        entity.id,
        description.sources.len()
    );
    assert!(description.availability.sources.len() <= SOURCES_MAX);
    assert!(description.options.len() <= OPTIONS_MAX, "{} has too many options", entity.id);
    for limit in [description.min, description.max, description.step].into_iter().flatten() {
        assert!(limit.is_finite(), "{} has a limit of {limit}", entity.id);
    }
}

fn state_is_bounded(entity: &str, state: &State) {
    match &state.value {
        Some(Value::Number(number)) => assert!(number.is_finite(), "{entity} is {number}"),
        Some(Value::Text(text)) => {
            assert!(text.chars().count() <= STATE_CHARS_MAX, "{entity} has {} bytes of text", text.len());
        }
        _ => {}
    }
    let attributes = &state.attributes;
    assert!(attributes.len() <= ATTRIBUTES_MAX, "{entity} has {} attributes", attributes.len());
    let bytes = serde_json::to_vec(attributes).unwrap().len();
    assert!(bytes <= ATTRIBUTES_BYTES_MAX, "{entity} has {bytes} bytes of attributes");
}

fn can_be_sent(send: &Send) {
    assert!(check_topic(&send.topic).is_ok(), "sends to {:?}", send.topic);
}
