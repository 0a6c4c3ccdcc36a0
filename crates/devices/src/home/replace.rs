//! Board swap: another board takes the place of one that broke, with its ids, names and room.

use std::collections::{BTreeMap, HashMap};

use model::{Component, Device, Entity, StateChange};

use super::bind::topics_of;
use super::entities::entity_slug;
use super::note::noted;
use super::{DeviceEntry, EntityEntry, Home, Waiting};
use crate::effect::{DeviceRecord, Effect, NoteKind};
use crate::error::RegistryError;
use crate::limits::ENTITIES_PER_DEVICE_MAX;
use crate::slug::unique;

/// What a board swap does to each entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Entities of the old board that go on with what the new one reports.
    pub matched: Vec<Matched>,
    /// Entities of the old board that the new one does not have, by id. They are removed; their readings stay, and
    /// the id comes back should the board announce such a thing later.
    pub lost: Vec<String>,
    /// Entities of the new board that the old one did not have.
    pub gained: Vec<Gained>,
    /// Entities of the old board that a person made from a topic, by id. They stay as they are.
    pub by_hand: Vec<String>,
}

/// One entity that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// Its id, before and after.
    pub id: String,
    /// What the new board called it until now.
    pub from: String,
    /// How it was found.
    pub by: MatchedBy,
}

/// One entity that is new to the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gained {
    /// Its id afterwards.
    pub id: String,
    /// Its id until now.
    pub from: String,
}

/// How two entities were found to be the same thing of two boards, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchedBy {
    /// The same unique id, apart from what is the board's own in it, such as its MAC address.
    UniqueId,
    /// The same name.
    Name,
    /// The only one of its kind on both boards.
    Kind,
}

impl Replacement {
    /// What an entity of the new board is called afterwards.
    fn id_of(&self, from: &str) -> Option<&String> {
        let matched = self.matched.iter().map(|matched| (&matched.from, &matched.id));
        let gained = self.gained.iter().map(|gained| (&gained.from, &gained.id));
        matched.chain(gained).find(|(known, _)| *known == from).map(|(_, id)| id)
    }

    /// Entities whose readings belong to another one afterwards: from, to.
    pub fn moved(&self) -> impl Iterator<Item = (&str, &str)> {
        let matched = self.matched.iter().map(|matched| (matched.from.as_str(), matched.id.as_str()));
        let gained = self.gained.iter().map(|gained| (gained.from.as_str(), gained.id.as_str()));
        matched.chain(gained)
    }
}

impl Home {
    /// What [`Home::replace_device`] would do.
    pub fn replacement(&self, old: &str, new: &str) -> Result<Replacement, RegistryError> {
        if old == new {
            return Err(RegistryError::CannotReplace(
                "A board cannot replace itself. Choose the new board.".to_owned(),
            ));
        }
        let known =
            |id: &str| self.devices.get(id).ok_or_else(|| RegistryError::UnknownDevice(id.to_owned()));
        let (before, after) = (known(old)?, known(new)?);
        if before.record.device.demo != after.record.device.demo {
            return Err(RegistryError::CannotReplace(
                "A board of the demo home and a real one cannot take each other's place. Choose another board."
                    .to_owned(),
            ));
        }
        if after.record.announced.is_empty() {
            return Err(RegistryError::CannotReplace(format!(
                "{:?} was made by hand, so no board announces it. Choose a board that announced itself.",
                after.record.device.name
            )));
        }
        let mut left: Vec<Side> = self.sides(before).filter(|side| !side.entity.by_hand).collect();
        let mut right: Vec<Side> = self.sides(after).collect();
        let by_hand = self.sides(before).filter(|side| side.entity.by_hand);
        let by_hand: Vec<String> = by_hand.map(|side| side.entity.id.clone()).collect();
        if by_hand.len() + right.len() > ENTITIES_PER_DEVICE_MAX {
            return Err(RegistryError::Full { what: "entities of one device", max: ENTITIES_PER_DEVICE_MAX });
        }
        let mut matched = Vec::new();
        pair(&mut left, &mut right, MatchedBy::UniqueId, &mut matched, |side| {
            Some(side.suffix.clone()).filter(|suffix| !suffix.is_empty())
        });
        pair(&mut left, &mut right, MatchedBy::Name, &mut matched, |side| Some(side.slug.clone()));
        pair(&mut left, &mut right, MatchedBy::Kind, &mut matched, |side| {
            let said = &side.entity.description;
            // Diagnostics are alike in everything but what they tell.
            let told = said.category.is_none() || said.device_class.is_some();
            told.then(|| format!("{:?} {:?} {:?}", said.category, said.device_class, said.unit))
        });
        let lost: Vec<String> = left.iter().map(|side| side.entity.id.clone()).collect();
        // What has no partner is called as it is, under the id of the device it belongs to now. An id that was the
        // old board's may be free, and its readings are waiting for it.
        let mut given: Vec<String> = matched.iter().map(|matched: &Matched| matched.id.clone()).collect();
        given.extend(by_hand.iter().cloned());
        let mut gained = Vec::with_capacity(right.len());
        for side in &right {
            let from = &side.entity.id;
            let rest = from.strip_prefix(new).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&side.slug);
            let is_free = |id: &str| lost.iter().any(|lost| lost == id) || !self.slot_of.contains_key(id);
            let id = unique(&format!("{old}.{rest}"), |id| {
                given.iter().any(|given| given == id) || !(is_free(id) || id == from)
            });
            given.push(id.clone());
            gained.push(Gained { id, from: from.clone() });
        }
        matched.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Replacement { matched, lost, gained, by_hand })
    }

    /// Puts one board in the place of another: the device keeps its id, names and room, its entities theirs, and
    /// all that it says of itself is the new board's. The old board, should it announce itself again, is another
    /// device.
    pub fn replace_device(
        &mut self,
        old: &str,
        new: &str,
    ) -> Result<(Replacement, Vec<Effect>), RegistryError> {
        let plan = self.replacement(old, new)?;
        let mut effects = Vec::new();
        self.unlisten_device(old);
        self.unlisten_device(new);
        let arrived = self.take_entities(new, |_| true);
        let departed = self.take_entities(old, |entity| !entity.by_hand);
        let unknown = |id: &str| RegistryError::UnknownDevice(id.to_owned());
        let after = self.devices.remove(new).ok_or_else(|| unknown(new))?;
        let before = self.devices.remove(old).ok_or_else(|| unknown(old))?;
        self.make_void(&before, &mut effects);
        let record = self.in_its_place(&before, after, &plan);
        let shown = record.device.name.clone();
        let text = swapped(&before.record.device, &record.device, &plan);
        let mut entry = DeviceEntry::new(record);
        entry.entities = before.entities;
        self.devices.insert(old.to_owned(), entry);
        self.listen_device(old);

        let waits: Vec<(String, Vec<Waiting>)> = departed
            .iter()
            .filter_map(|entry| Some((entry.entity.id.clone(), entry.awaited.as_ref()?.waiting.clone())))
            .collect();
        let mut departed: HashMap<String, Entity> =
            departed.into_iter().map(|entry| (entry.entity.id.clone(), entry.entity)).collect();
        let (mut changed, mut recall) = (Vec::new(), Vec::new());
        for EntityEntry { entity, state, .. } in arrived {
            let id = plan.id_of(&entity.id).cloned().unwrap_or_else(|| entity.id.clone());
            if id != entity.id {
                effects.push(Effect::EntityRemoved { id: entity.id.clone() });
            }
            recall.extend(topics_of(&entity.description));
            let entity = rename(entity, departed.remove(&id).as_ref(), id, old, &shown);
            changed.push(Effect::EntityChanged(entity.clone()));
            changed.push(Effect::StateChanged(StateChange {
                entity: entity.id.clone(),
                old: None,
                new: state.clone(),
                fresh: false,
            }));
            self.put_back(entity, state);
        }
        // The new board does what the old one was told.
        for (id, waiting) in waits {
            self.restore_waiting(&id, waiting);
        }
        effects.extend(plan.lost.iter().map(|id| Effect::EntityRemoved { id: id.clone() }));
        effects.push(Effect::DeviceRemoved { id: new.to_owned() });
        if let Some(entry) = self.devices.get(old) {
            recall.extend(entry.record.availability.sources.iter().map(|source| source.topic.clone()));
            effects.push(Effect::DeviceChanged(entry.record.device.clone()));
            effects.push(Effect::SaveDevice(entry.record.clone()));
        }
        effects.append(&mut changed);
        effects.push(noted(old, NoteKind::Replaced, vec![text]));
        recall.sort_unstable();
        recall.dedup();
        if !recall.is_empty() {
            effects.push(Effect::Recall { filters: recall });
        }
        Ok((plan, effects))
    }

    fn sides<'a>(&'a self, device: &'a DeviceEntry) -> impl Iterator<Item = Side<'a>> {
        let marks = marks(&device.record.device);
        let name = &device.record.device.name;
        let entities = device.entities.values().filter_map(|slot| self.entry(*slot));
        entities.map(move |entry| Side {
            entity: &entry.entity,
            suffix: without(&entry.entity.description.unique_id, &marks),
            slug: entity_slug(&entry.entity.description, name),
        })
    }

    fn take_entities(&mut self, device: &str, which: impl Fn(&Entity) -> bool) -> Vec<EntityEntry> {
        let slots =
            self.devices.get(device).map(|entry| entry.entities.values().copied().collect::<Vec<_>>());
        let mut taken = Vec::new();
        for slot in slots.unwrap_or_default() {
            if self.entry(slot).is_some_and(|entry| which(&entry.entity)) {
                taken.extend(self.take_entity(slot));
            }
        }
        taken
    }

    /// The record of the device afterwards; identities and announcements lead to it, and the old board's nowhere.
    fn in_its_place(&mut self, before: &DeviceEntry, after: DeviceEntry, plan: &Replacement) -> DeviceRecord {
        let (old, mut record) = (&before.record, after.record);
        for identity in &old.device.identities {
            self.identities.remove(identity);
        }
        for announced in &old.announced {
            self.announced_by.remove(&announced.key);
            self.described.remove(&announced.key);
        }
        let device = &mut record.device;
        device.id.clone_from(&old.device.id);
        // The name stays, though the new board calls itself something else.
        device.name_by_owner = old.device.name_by_owner || old.device.name != device.name;
        device.name.clone_from(&old.device.name);
        if old.device.area.is_some() {
            device.area.clone_from(&old.device.area);
        }
        device.first_seen_ms = old.device.first_seen_ms;
        for identity in &device.identities {
            self.identities.insert(identity.clone(), device.id.clone());
        }
        for announced in &mut record.announced {
            self.announced_by.insert(announced.key.clone(), record.device.id.clone());
            for id in &mut announced.entities {
                if let Some(now) = plan.id_of(id) {
                    id.clone_from(now);
                }
            }
        }
        record
    }
}

/// A swap as the log of the device tells it.
fn swapped(before: &Device, after: &Device, plan: &Replacement) -> String {
    let board = |device: &Device| device.mac.clone().or_else(|| device.identities.first().cloned());
    let (from, to) = (board(before).unwrap_or_default(), board(after).unwrap_or_default());
    let count = |count: usize, what: &str| match count {
        0 => String::new(),
        1 => format!(", 1 {what}"),
        count => format!(", {count} {what}"),
    };
    let lost = count(plan.lost.len(), "gone");
    let gained = count(plan.gained.len(), "new");
    format!("The board {to} took the place of {from}: {} entities go on{lost}{gained}.", plan.matched.len())
}

/// An entity of the new board under the id and the name it goes on with.
fn rename(mut entity: Entity, before: Option<&Entity>, id: String, device: &str, shown: &str) -> Entity {
    entity.id = id;
    device.clone_into(&mut entity.device);
    let said = entity.description.name.clone().unwrap_or_else(|| shown.to_owned());
    match before {
        Some(before) => {
            entity.name_by_owner = before.name_by_owner || before.name != said;
            entity.name.clone_from(&before.name);
        }
        None if !entity.name_by_owner => entity.name = said,
        None => {}
    }
    entity
}

/// One entity while boards are compared.
struct Side<'a> {
    entity: &'a Entity,
    /// Its unique id without what is the board's own.
    suffix: String,
    /// Its name within the board.
    slug: String,
}

/// Pairs what has the same mark and is the only one with it on its board.
fn pair<'a>(
    left: &mut Vec<Side<'a>>,
    right: &mut Vec<Side<'a>>,
    by: MatchedBy,
    matched: &mut Vec<Matched>,
    mark: impl Fn(&Side) -> Option<String>,
) {
    let marked = |sides: &[Side]| {
        let mut found: BTreeMap<(Component, String), Vec<String>> = BTreeMap::new();
        for side in sides {
            if let Some(mark) = mark(side) {
                let key = (side.entity.description.component, mark);
                found.entry(key).or_default().push(side.entity.id.clone());
            }
        }
        found
    };
    let there = marked(right);
    for (key, here) in marked(left) {
        if let ([id], Some([from])) = (here.as_slice(), there.get(&key).map(Vec::as_slice)) {
            left.retain(|side| side.entity.id != *id);
            right.retain(|side| side.entity.id != *from);
            matched.push(Matched { id: id.clone(), from: from.clone(), by });
        }
    }
}

/// Shortest text of a board that is looked for in a unique id: a shorter one is in it by chance.
const MARK_CHARS_MIN: usize = 4;

/// What is a board's own and may stand in its unique ids: the longest first.
fn marks(device: &Device) -> Vec<String> {
    let identities = device.identities.iter().filter_map(|identity| identity.split_once(':'));
    let mut marks: Vec<String> = identities
        .map(|(_, value)| value)
        .chain(device.mac.as_deref())
        .chain(device.credential.as_deref())
        .map(plain)
        .collect();
    // Firmwares write the last half of the MAC address, too.
    let halves: Vec<String> = marks
        .iter()
        .filter(|mark| mark.len() == 12 && mark.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(|mark| mark[6..].to_owned())
        .collect();
    marks.extend(halves);
    marks.retain(|mark| mark.chars().count() >= MARK_CHARS_MIN);
    marks.sort_by_key(|mark| std::cmp::Reverse(mark.len()));
    marks.dedup();
    marks
}

/// A unique id without these.
fn without(unique_id: &str, marks: &[String]) -> String {
    marks.iter().fold(plain(unique_id), |rest, mark| rest.replace(mark.as_str(), ""))
}

/// Letters and digits alone, in one case: boards write the same thing with colons, dashes and underscores.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
