//! What a batch of messages changed in the registry, on its way to `hub.db`: of each thing the newest, once.

use std::collections::HashMap;

use devices::DeviceRecord;
use model::{Area, Entity};
use store::{HubDb, StoreError, Written};

use crate::Hub;

/// Changes handed to the database at a time; its queue holds many times as many.
const GROUP_MAX: usize = 1_000;

/// One thing of the registry as it is now.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Device(DeviceRecord),
    DeviceRemoved(String),
    Entity(Entity),
    EntityRemoved(String),
    Area(Area),
    AreaRemoved(String),
}

impl Change {
    fn key(&self) -> (Table, String) {
        match self {
            Self::Device(record) => (Table::Device, record.device.id.clone()),
            Self::DeviceRemoved(id) => (Table::Device, id.clone()),
            Self::Entity(entity) => (Table::Entity, entity.id.clone()),
            Self::EntityRemoved(id) => (Table::Entity, id.clone()),
            Self::Area(area) => (Table::Area, area.id.clone()),
            Self::AreaRemoved(id) => (Table::Area, id.clone()),
        }
    }

    fn write(&self, db: &HubDb) -> Written<()> {
        match self.clone() {
            Self::Device(record) => {
                let extra = serde_json::to_value(&record).unwrap_or_default();
                let row = store::device::DeviceRow { device: record.device, extra };
                db.write(move |conn| store::device::put(conn, &row))
            }
            Self::DeviceRemoved(id) => db.write(move |conn| store::device::remove(conn, &id).map(|_| ())),
            Self::Entity(entity) => db.write(move |conn| store::entity::put(conn, &entity)),
            Self::EntityRemoved(id) => db.write(move |conn| store::entity::remove(conn, &id).map(|_| ())),
            Self::Area(area) => db.write(move |conn| store::area::put(conn, &area)),
            Self::AreaRemoved(id) => db.write(move |conn| store::area::remove(conn, &id).map(|_| ())),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Table {
    Device,
    Entity,
    Area,
}

/// The changes of a batch, in the order their things were last changed. A board that announces itself in
/// hundreds of messages is written once.
#[derive(Default)]
pub(super) struct Changes {
    list: Vec<Option<Change>>,
    place: HashMap<(Table, String), usize>,
}

impl Changes {
    /// Adds a change; an older one of the same thing is forgotten.
    pub(super) fn push(&mut self, change: Change) {
        if let Some(before) = self.place.insert(change.key(), self.list.len()) {
            self.list[before] = None;
        }
        self.list.push(Some(change));
    }

    /// Takes them out.
    pub(super) fn take(&mut self) -> Vec<Change> {
        self.place.clear();
        self.list.drain(..).flatten().collect()
    }
}

/// Queues all of them; durable when the promises resolve.
pub(super) fn write(hub: &Hub, changes: &[Change]) -> Vec<Written<()>> {
    changes.iter().map(|change| change.write(&hub.db)).collect()
}

/// Writes changes and waits until they are durable. What the database cannot take now is tried again, in
/// order, for as long as `again` says so: it is asked after each failure and does the waiting. What it can
/// never take is left out.
pub(super) fn write_through(
    hub: &Hub,
    changes: &[Change],
    mut again: impl FnMut(&StoreError) -> bool,
) -> Result<(), StoreError> {
    save(changes, |group| write(hub, group).into_iter().map(Written::wait).collect(), &mut again)
}

fn save(
    changes: &[Change],
    mut write: impl FnMut(&[Change]) -> Vec<Result<(), StoreError>>,
    again: &mut impl FnMut(&StoreError) -> bool,
) -> Result<(), StoreError> {
    let mut rest = changes;
    while !rest.is_empty() {
        let (group, after) = rest.split_at(rest.len().min(GROUP_MAX));
        let mut failed = None;
        for (at, outcome) in write(group).into_iter().enumerate() {
            match outcome {
                Err(why) if is_hopeless(&why) => {
                    tracing::error!(%why, change = ?group.get(at).map(Change::key), "cannot be stored");
                }
                Err(why) => {
                    failed = Some(why);
                    break;
                }
                Ok(()) => {}
            }
        }
        match failed {
            None => rest = after,
            Some(why) if matches!(why, StoreError::Closed) || !again(&why) => return Err(why),
            Some(_) => {}
        }
    }
    Ok(())
}

/// The record itself is at fault, so trying again changes nothing.
fn is_hopeless(why: &StoreError) -> bool {
    matches!(why, StoreError::Record { .. } | StoreError::Question(_) | StoreError::Sql(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(id: usize) -> Change {
        Change::EntityRemoved(id.to_string())
    }

    fn full() -> StoreError {
        StoreError::Full { file: "hub.db".into() }
    }

    #[test]
    fn of_each_thing_the_newest_is_kept_once() {
        let area = |id: &str, name: &str| Change::Area(Area { id: id.into(), name: name.into() });
        let mut changes = Changes::default();
        for n in 0..1_000 {
            changes.push(area("a", &n.to_string()));
        }
        changes.push(area("b", "b"));
        changes.push(Change::AreaRemoved("a".into()));
        changes.push(Change::EntityRemoved("a".into()));
        let expected = [area("b", "b"), Change::AreaRemoved("a".into()), Change::EntityRemoved("a".into())];
        assert_eq!(changes.take(), expected);
        assert_eq!(changes.take(), []);
    }

    #[test]
    fn what_the_database_refuses_is_written_again_before_anything_later() {
        let changes: Vec<Change> = (0..GROUP_MAX + 5).map(removed).collect();
        let (mut stored, mut refusals) = (Vec::new(), 3);
        let write = |group: &[Change]| {
            let full_at = (refusals > 0).then_some(group.len() / 2);
            refusals = usize::saturating_sub(refusals, 1);
            let outcome = |(at, change): (usize, &Change)| {
                if full_at.is_some_and(|full_at| at >= full_at) {
                    return Err(full());
                }
                stored.push(change.clone());
                Ok(())
            };
            group.iter().enumerate().map(outcome).collect()
        };
        let mut waits = 0;
        let outcome = save(&changes, write, &mut |_| {
            waits += 1;
            true
        });
        assert_eq!((outcome, waits), (Ok(()), 3));
        assert!(changes.iter().all(|change| stored.contains(change)));
        assert_eq!(stored.last(), changes.last());
    }

    #[test]
    fn nothing_counts_as_saved_when_waiting_ends() {
        let refuse = |group: &[Change]| group.iter().map(|_| Err(full())).collect();
        assert_eq!(save(&[removed(1)], refuse, &mut |_| false), Err(full()));
        let broken = |group: &[Change]| group.iter().map(|_| Err(StoreError::Sql("x".into()))).collect();
        assert_eq!(save(&[removed(1)], broken, &mut |_| false), Ok(()), "one broken record stops no other");
    }
}
