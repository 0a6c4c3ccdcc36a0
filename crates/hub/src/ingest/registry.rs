//! What changed in the registry, on its way to `hub.db`: each thing once, as it is when it is written.

use std::collections::HashMap;

use devices::{Effect, Home, Waiting};
use model::{Area, Entity};
use store::device::DeviceRow;
use store::{Conn, HubDb, StoreError, Written};

use crate::Hub;

/// Where [`Home::void`] is kept.
pub(crate) const VOID: &str = "void-announcements";
/// Changes handed to the database at a time; its queue holds many times as many.
const GROUP_MAX: usize = 1_000;

/// One thing of the registry that changed. What is written is what it is then: whatever changed it before or
/// meanwhile, on whichever thread, the database comes to what the home is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    /// A device, by id.
    Device(String),
    /// An entity, by id.
    Entity(String),
    /// An area, by id.
    Area(String),
    /// What waits for an entity's device, by entity id.
    Waiting(String),
    /// What announcements no longer say.
    Void,
}

impl Change {
    /// The row it comes to.
    fn row(&self, home: &Home) -> Row {
        match self {
            Self::Device(id) => match home.record(id) {
                None => Row::DeviceRemoved(id.clone()),
                Some(record) => Row::Device(DeviceRow {
                    device: record.device.clone(),
                    extra: serde_json::to_value(record).unwrap_or_default(),
                }),
            },
            Self::Entity(id) => match home.entity(id) {
                None => Row::EntityRemoved(id.clone()),
                Some(entity) => Row::Entity(entity.clone()),
            },
            Self::Area(id) => match home.area(id) {
                None => Row::AreaRemoved(id.clone()),
                Some(area) => Row::Area(area.clone()),
            },
            Self::Waiting(id) => Row::Waiting(id.clone(), home.waiting(id).to_vec()),
            Self::Void => Row::Void(serde_json::to_value(home.void()).unwrap_or_default()),
        }
    }
}

/// What is written of one thing.
enum Row {
    Device(DeviceRow),
    DeviceRemoved(String),
    Entity(Entity),
    EntityRemoved(String),
    Area(Area),
    AreaRemoved(String),
    Waiting(String, Vec<Waiting>),
    Void(serde_json::Value),
}

impl Row {
    fn write(&self, conn: &Conn) -> Result<(), StoreError> {
        match self {
            Self::Device(row) => store::device::put(conn, row),
            Self::DeviceRemoved(id) => store::device::remove(conn, id).map(drop),
            Self::Entity(entity) => store::entity::put(conn, entity),
            Self::EntityRemoved(id) => store::entity::remove(conn, id).map(drop),
            Self::Area(area) => store::area::put(conn, area),
            Self::AreaRemoved(id) => store::area::remove(conn, id).map(drop),
            Self::Waiting(id, waiting) if waiting.is_empty() => store::waiting::remove(conn, id).map(drop),
            Self::Waiting(id, waiting) => {
                store::waiting::put(conn, id, &serde_json::to_value(waiting).unwrap_or_default())
            }
            Self::Void(void) => store::setting::set(conn, VOID, void),
        }
    }
}

/// The changes of a batch, in the order their things were last changed. A board that announces itself in
/// hundreds of messages is written once.
#[derive(Default)]
pub(super) struct Changes {
    list: Vec<Option<Change>>,
    place: HashMap<Change, usize>,
}

impl Changes {
    /// Adds a change; an older one of the same thing is forgotten.
    pub(super) fn push(&mut self, change: Change) {
        if let Some(before) = self.place.insert(change.clone(), self.list.len()) {
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
    // Held until all are queued, so that what is queued later is never older.
    let home = hub.home.read();
    let rows = changes.iter().map(|change| change.row(&home));
    rows.map(|row| hub.db.write(move |conn| row.write(conn))).collect()
}

/// Queues all of them, and what else belongs to them, as one write: all of it is done or nothing.
pub(crate) fn write_together(
    db: &HubDb,
    home: &Home,
    changes: &[Change],
    more: impl FnOnce(&Conn) -> Result<(), StoreError> + Send + 'static,
) -> Written<()> {
    let rows: Vec<Row> = changes.iter().map(|change| change.row(home)).collect();
    db.write(move |conn| {
        rows.iter().try_for_each(|row| row.write(conn))?;
        more(conn)
    })
}

/// What effects change in the registry.
pub(crate) fn changes_of(effects: &[Effect]) -> Vec<Change> {
    let mut changes = Changes::default();
    effects.iter().filter_map(change_of).for_each(|change| changes.push(change));
    changes.take()
}

/// What an effect changes in the registry.
pub(super) fn change_of(effect: &Effect) -> Option<Change> {
    Some(match effect {
        Effect::SaveVoid => Change::Void,
        Effect::SaveDevice(record) => Change::Device(record.device.id.clone()),
        Effect::DeviceRemoved { id } => Change::Device(id.clone()),
        Effect::EntityChanged(entity) => Change::Entity(entity.id.clone()),
        Effect::EntityRemoved { id } => Change::Entity(id.clone()),
        Effect::AreaChanged(area) => Change::Area(area.id.clone()),
        Effect::AreaRemoved { id } => Change::Area(id.clone()),
        Effect::KeepWaiting { entity, .. } => Change::Waiting(entity.clone()),
        _ => return None,
    })
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
                    tracing::error!(%why, change = ?group.get(at), "cannot be stored");
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

    fn entity(id: usize) -> Change {
        Change::Entity(id.to_string())
    }

    fn full() -> StoreError {
        StoreError::Full { file: "hub.db".into() }
    }

    #[test]
    fn of_each_thing_the_last_change_is_kept_once() {
        let area = |id: &str| Change::Area(id.into());
        let mut changes = Changes::default();
        for _ in 0..1_000 {
            changes.push(area("a"));
        }
        changes.push(area("b"));
        changes.push(area("a"));
        changes.push(Change::Entity("a".into()));
        assert_eq!(changes.take(), [area("b"), area("a"), Change::Entity("a".into())]);
        assert_eq!(changes.take(), []);
    }

    #[test]
    fn what_the_database_refuses_is_written_again_before_anything_later() {
        let changes: Vec<Change> = (0..GROUP_MAX + 5).map(entity).collect();
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
        assert_eq!(save(&[entity(1)], refuse, &mut |_| false), Err(full()));
        let broken = |group: &[Change]| group.iter().map(|_| Err(StoreError::Sql("x".into()))).collect();
        assert_eq!(save(&[entity(1)], broken, &mut |_| false), Ok(()), "one broken record stops no other");
    }
}
