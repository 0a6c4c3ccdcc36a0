//! The home: everything known about devices, in memory.

mod admission;
mod adopt;
mod announce;
mod answer;
mod belongings;
mod bind;
mod claim;
mod clock;
mod command;
mod edit;
mod entities;
mod expected;
#[cfg(feature = "fuzzing")]
mod leftovers;
mod note;
mod pace;
mod pending;
mod profiles;
mod replace;
mod report;
mod restore;
mod several;
mod trial;
mod void;
mod waiting;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::{Area, Availability, Component, Device, Entity, FilterIndex, Message, Permissions, State};

use crate::component::Shine;
use crate::decode::{Payload, Presence, Source};
use crate::effect::{DeviceRecord, Effect};
use crate::profile::Profile;
use crate::template::Templates;
use command::Awaited;
use pace::Pace;
use pending::Pending;
use work::{Turn, Work};

pub(crate) use admission::clean_name;
pub use adopt::Adoption;
pub use answer::{ANSWER_WITHIN_MS, MOVED_WITHIN_MS, THOUGHT_WITHIN_MS};
pub use belongings::{Belongings, Root};
pub use claim::Claim;
pub use edit::HandMade;
pub(crate) use edit::words_for;
pub use expected::{Expected, mac_digits};
pub use replace::{Gained, Matched, MatchedBy, Replacement};
pub use trial::{Offered, Played, RuleMatch, Trial, TrialMessage};
pub use void::Void;
pub use waiting::{Waiting, WaitsFor};

/// Devices, entities and their states, and the rules that change them.
///
/// Invariants: every entity belongs to a device; every identity, announcement key and (component, unique id)
/// of a device leads to one thing only; the topic index holds exactly the topics of the entities and devices
/// that exist.
#[derive(Debug)]
pub struct Home {
    profiles: Vec<Profile>,
    /// Topics of announcements, to profile and rule.
    announcers: FilterIndex<Announcer>,
    devices: BTreeMap<String, DeviceEntry>,
    slots: Vec<Option<EntityEntry>>,
    free_slots: Vec<u32>,
    slot_of: BTreeMap<String, u32>,
    /// Identity to device id.
    identities: HashMap<String, String>,
    /// Announcement key to device id.
    announced_by: HashMap<String, String>,
    /// Parts of announcements that are not complete yet, by announcement key and user.
    pending: Pending,
    /// Whose announcements are heard later.
    pace: Pace,
    /// Announcements in parts that were put together since the start.
    described: HashSet<String>,
    /// Announcements that say nothing for now, by key: what they announced was taken out since.
    void: HashMap<String, Void>,
    /// Highest journal id of a message that was handled.
    heard: u64,
    /// What is known of what credentials may do, by user.
    permissions: HashMap<String, Permissions>,
    /// Whoever is not in there has no credential any more, and announces nothing.
    knows_all_credentials: bool,
    /// Boards that were paired and are not known to be here yet, by user.
    expected: HashMap<String, Expected>,
    areas: BTreeMap<String, Area>,
    index: FilterIndex<Binding>,
    templates: Templates,
    turn: Turn,
    /// What happens by itself, and when: UTC ms, slot.
    due: BTreeSet<(i64, u32, Due)>,
}

#[derive(Debug, Clone, Copy)]
struct Announcer {
    profile: usize,
    rule: usize,
}

#[derive(Debug)]
struct DeviceEntry {
    record: DeviceRecord,
    entities: BTreeMap<(Component, String), u32>,
    presence: Presence,
    work: Work,
}

impl DeviceEntry {
    fn new(record: DeviceRecord) -> Self {
        Self { record, entities: BTreeMap::new(), presence: Presence::default(), work: Work::default() }
    }
}

#[derive(Debug)]
struct EntityEntry {
    entity: Entity,
    state: State,
    sources: Vec<Source>,
    presence: Presence,
    /// What the availability topics came to when they last spoke.
    told: Availability,
    /// The value is older than the entity allows.
    expired: bool,
    expires_ms: Option<i64>,
    off_ms: Option<i64>,
    answer_ms: Option<i64>,
    waiting_ms: Option<i64>,
    wake_ms: Option<i64>,
    /// Retained messages older than this say nothing new.
    floor: u64,
    /// What is awaited after commands.
    awaited: Option<Box<Awaited>>,
    /// What a light remembers of its colours.
    shine: Option<Box<Shine>>,
    /// A value that makes no sense was complained about; once is enough until a good one comes.
    complained: bool,
}

/// Who wants the messages of a topic. Ordered, so that one entity's sources come together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    /// Availability of a device.
    Device { id: String, source: usize },
    /// Availability of an entity.
    Presence { slot: u32, source: usize },
    /// A state source of an entity.
    State { slot: u32, source: usize },
    /// The pictures of an entity.
    Picture { slot: u32 },
    /// A command topic of an entity that is taken for what it was told.
    Sent { slot: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Expire,
    Off,
    Answer,
    Waiting,
    Wake,
}

impl Home {
    /// An empty home that understands these firmwares. Of two profiles with the same id the later one counts.
    pub fn new(profiles: Vec<Profile>) -> Self {
        let profiles = profiles::distinct(profiles);
        Self {
            announcers: profiles::announcers(&profiles),
            profiles,
            devices: BTreeMap::new(),
            slots: Vec::new(),
            free_slots: Vec::new(),
            slot_of: BTreeMap::new(),
            identities: HashMap::new(),
            announced_by: HashMap::new(),
            pending: Pending::default(),
            pace: Pace::default(),
            described: HashSet::new(),
            void: HashMap::new(),
            heard: 0,
            permissions: HashMap::new(),
            knows_all_credentials: false,
            expected: HashMap::new(),
            areas: BTreeMap::new(),
            index: FilterIndex::new(),
            templates: Templates::new(),
            turn: Turn::default(),
            due: BTreeSet::new(),
        }
    }

    /// One message. With `fresh` false (retained, or seen before) it sets states but is no new reading.
    pub fn handle(&mut self, message: &Message, fresh: bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.turn.next();
        self.heard = self.heard.max(message.id);
        let mut announcers: Vec<Announcer> = Vec::new();
        self.announcers.for_each_match(&message.topic, |announcer| announcers.push(*announcer));
        for announcer in announcers {
            self.announce(announcer, message, &mut effects);
        }
        let mut bindings: Vec<Binding> = Vec::new();
        self.index.for_each_match(&message.topic, |binding| bindings.push(binding.clone()));
        if !bindings.is_empty() {
            bindings.sort_unstable();
            let payload = Payload::new(&message.payload);
            self.report(&bindings, message, &payload, fresh, &mut effects);
        }
        effects
    }

    /// All devices, by id.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.values().map(|entry| &entry.record.device)
    }

    /// Those that a credential announced, or was handed, by id.
    pub fn devices_of<'h>(&'h self, user: &'h str) -> impl Iterator<Item = &'h Device> {
        self.devices().filter(move |device| device.credential.as_deref() == Some(user))
    }

    /// One device.
    pub fn device(&self, id: &str) -> Option<&Device> {
        self.devices.get(id).map(|entry| &entry.record.device)
    }

    /// Everything that is kept of a device beside its entities.
    pub fn record(&self, id: &str) -> Option<&DeviceRecord> {
        self.devices.get(id).map(|entry| &entry.record)
    }

    /// All entities, by id.
    pub fn entities(&self) -> impl Iterator<Item = &Entity> {
        self.slot_of.values().filter_map(|slot| self.entry(*slot)).map(|entry| &entry.entity)
    }

    /// The entities of a device.
    pub fn entities_of(&self, device: &str) -> impl Iterator<Item = &Entity> {
        let slots = self.devices.get(device).into_iter().flat_map(|entry| entry.entities.values());
        slots.filter_map(|slot| self.entry(*slot)).map(|entry| &entry.entity)
    }

    /// One entity.
    pub fn entity(&self, id: &str) -> Option<&Entity> {
        self.by_id(id).map(|entry| &entry.entity)
    }

    /// An entity's present state.
    pub fn state(&self, id: &str) -> Option<&State> {
        self.by_id(id).map(|entry| &entry.state)
    }

    /// All states, by entity id.
    pub fn states(&self) -> impl Iterator<Item = (&str, &State)> {
        self.slot_of.iter().filter_map(|(id, slot)| Some((id.as_str(), &self.entry(*slot)?.state)))
    }

    /// All areas, in their order.
    pub fn areas(&self) -> impl Iterator<Item = &Area> {
        let mut areas: Vec<&Area> = self.areas.values().collect();
        areas.sort_by_cached_key(|area| (area.place, area.name.to_lowercase()));
        areas.into_iter()
    }

    /// One area.
    pub fn area(&self, id: &str) -> Option<&Area> {
        self.areas.get(id)
    }

    fn entry(&self, slot: u32) -> Option<&EntityEntry> {
        self.slots.get(slot as usize)?.as_ref()
    }

    fn entry_mut(&mut self, slot: u32) -> Option<&mut EntityEntry> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    fn by_id(&self, id: &str) -> Option<&EntityEntry> {
        self.entry(*self.slot_of.get(id)?)
    }
}
