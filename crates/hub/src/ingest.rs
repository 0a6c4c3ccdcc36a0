//! From accepted messages to the state of the home: reads the bus, lets [`devices::Home`] say what a message
//! means, and carries that out.
//!
//! It has a thread of its own: decoding is work, and a thread that is woken starts sooner than a task that is
//! queued. Its cursor is stored in the transaction of the readings, so after a crash it goes on where the disk
//! left off, and applying a message twice changes nothing.

pub(crate) mod registry;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use broker::bus::Reader;
use devices::limits::ANNOUNCEMENTS_MAX;
use devices::{Effect, Refused};
use model::{Device, Message, Publisher, Reading, State, StateChange, TopicFilter};
use store::{HistoryQuery, StoreError, Written};

use crate::api::types::Level;
use crate::client_log::About;
use crate::frames::HubEvent;
use crate::{Hub, clock, demo};
use registry::{Change, Changes};

/// Rows read from the journal at a time.
const CATCH_UP_ROWS: usize = 5_000;
/// Readings waiting for the disk above which the bus is not read. It loses nothing by waiting: what the bus
/// forgets is in the journal.
const READINGS_BACKLOG_MAX: usize = 50_000;

/// Wait before a registry change that the database did not take is tried again.
const SAVE_AGAIN: Duration = Duration::from_secs(1);

/// Retained messages one filter of an entity can recall.
const RECALLED_MAX: usize = 100;

/// What to do with what comes out of the home.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// As it happens.
    Now,
    /// Read again from the journal at the start: state and readings, but nothing is sent and no automation
    /// fires, for what they should have reacted to may be long past.
    Again,
}

/// Brings the home up to date with the journal, before any socket is open. Blocks.
pub(crate) fn catch_up(hub: &Arc<Hub>, restored: Vec<Effect>) -> Result<(), StoreError> {
    let mut work = Work::default();
    carry_out(hub, restored, When::Again, &mut work);
    let from = hub.db.states_cursor()?.min(hub.readings.cursor());
    hub.home.write().forget_void(from);
    let mut cursor = from;
    loop {
        let rows = hub.journal.read(cursor + 1, CATCH_UP_ROWS)?;
        let Some(last) = rows.last() else { break };
        cursor = last.id;
        for message in &rows {
            hub.guard.remember(message);
            let effects = hub.home.write().handle(message, true);
            carry_out(hub, effects, When::Again, &mut work);
        }
        settle(hub, &mut work, cursor, When::Again)?;
    }
    settle(hub, &mut work, cursor, When::Again)?;
    hub.home.write().forget_wakes();
    hub.ingested.send_replace(cursor);
    if cursor > from {
        tracing::info!(messages = cursor - from, "caught up with the journal");
    }
    Ok(())
}

/// Starts the thread. It ends when the gate closes the reader.
pub(crate) fn start(hub: &Arc<Hub>, mut reader: Reader) -> io::Result<JoinHandle<()>> {
    let hub = hub.clone();
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new().name("ingest".to_owned()).spawn(move || {
        let _context = runtime.enter();
        let mut work = Work::default();
        loop {
            let next = runtime.block_on(hub.ended.run_until_cancelled(reader.next()));
            let Some(messages) = next else { break };
            for message in &messages {
                take(&hub, message, &mut work);
            }
            let Some(last) = messages.last() else { continue };
            if let Err(why) = settle(&hub, &mut work, last.id, When::Now) {
                // The cursor stays, so the next start reads these messages again.
                tracing::error!(%why, "ended before the registry was saved");
                break;
            }
            hub.ingested.send_replace(last.id);
            if hub.readings.backlog() > READINGS_BACKLOG_MAX {
                runtime.block_on(hub.ended.run_until_cancelled(hub.readings.backlog_low()));
            }
        }
    })
}

fn take(hub: &Arc<Hub>, message: &Arc<Message>, work: &mut Work) {
    let effects = hub.home.write().handle(message, true);
    hub.scripts().automations().on_message(message);
    carry_out(hub, effects, When::Now, work);
}

/// What the clock brings about: values that are no longer believed, commands nobody confirmed, devices to be told what
/// waited for them.
pub(crate) fn tick(hub: &Arc<Hub>, now_ms: i64) {
    let mut work = Work::default();
    let effects = hub.home.write().tick(now_ms);
    carry_out(hub, effects, When::Now, &mut work);
    drop(write_down(hub, &mut work));
    keep_states(hub, &mut work, 0);
    // The cursor is not moved by what no message brought.
    if let Err(store::QueueFull(lost)) = hub.readings.append(work.readings, 0) {
        tracing::warn!(readings = lost.len(), "readings the clock brought were dropped, for too many wait");
    }
}

/// Carries out what a person's wish brought about; what it changes in the registry is stored together, and
/// durable when the returned promise resolves. Blocks while it looks into the journal.
pub(crate) fn carry_out_wish(hub: &Arc<Hub>, effects: Vec<Effect>) -> Written<()> {
    let mut work = Work::default();
    let recalled: Vec<String> = effects
        .iter()
        .filter_map(|effect| if let Effect::Recall { filters } = effect { Some(filters) } else { None })
        .flatten()
        .cloned()
        .collect();
    // What a person removes is guarded no more; what is only announced no more is.
    let removed: Vec<String> = effects
        .iter()
        .filter_map(|effect| if let Effect::EntityRemoved { id } = effect { Some(id) } else { None })
        .filter(|id| hub.home.read().entity(id).is_none())
        .cloned()
        .collect();
    for id in &removed {
        if hub.guard.unbind(id) {
            hub.gate.guard_changed();
        }
    }
    carry_out(hub, effects, When::Now, &mut work);
    for topic in recalled {
        remember(hub, topic, &mut work);
    }
    let changes = work.changes.take();
    // The home is held until they are queued, so that what is queued later is never older.
    let written = registry::write_together(&hub.db, &hub.home.read(), &changes, |_| Ok(()));
    keep_states(hub, &mut work, 0);
    written
}

/// Carries out what became of a command; what has to be stored is durable when the returned promise resolves.
pub(crate) fn carry_out_command(hub: &Arc<Hub>, effects: Vec<Effect>) -> Option<Written<()>> {
    let mut work = Work::default();
    carry_out(hub, effects, When::Now, &mut work);
    write_down(hub, &mut work)
}

/// Writes down what still waits for an entity's device.
pub(crate) fn keep_waiting(hub: &Hub, entity: String) -> Written<()> {
    registry::write_together(&hub.db, &hub.home.read(), &[Change::Waiting(entity)], |_| Ok(()))
}

/// Queues what changed in the registry, if something did.
fn write_down(hub: &Hub, work: &mut Work) -> Option<Written<()>> {
    let changes = work.changes.take();
    let is_news = !changes.is_empty();
    is_news.then(|| registry::write_together(&hub.db, &hub.home.read(), &changes, |_| Ok(())))
}

/// What other profiles made of the registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Devices that are described in another way.
    pub(crate) devices: usize,
    /// Entities that are new.
    pub(crate) came: usize,
    /// Entities that are described in another way.
    pub(crate) changed: usize,
    /// Entities that are gone.
    pub(crate) went: usize,
}

/// Carries out what other profiles bring about, and lets the home hear all announcements that are retained for
/// them. Blocks.
pub(crate) fn understand_anew(hub: &Arc<Hub>, effects: Vec<Effect>, when: When) -> Difference {
    let known: HashSet<String> = hub.home.read().entities().map(|entity| entity.id.clone()).collect();
    let mut work = Work::default();
    let is_recall = |effect: &Effect| matches!(effect, Effect::Recall { .. });
    let (recalls, effects): (Vec<_>, Vec<_>) = effects.into_iter().partition(is_recall);
    carry_out(hub, effects, when, &mut work);
    for effect in recalls {
        if let Effect::Recall { filters } = effect {
            recall(hub, &filters, ANNOUNCEMENTS_MAX, when, &mut work);
        }
    }
    let changes = work.changes.take();
    let difference = {
        let home = hub.home.read();
        let mut difference = Difference::default();
        let mut devices = HashSet::new();
        for change in &changes {
            match change {
                Change::Device(id) => drop(devices.insert(id.as_str())),
                Change::Entity(id) => {
                    let now = home.entity(id);
                    devices.extend(now.map(|entity| entity.device.as_str()));
                    match (known.contains(id), now.is_some()) {
                        (false, true) => difference.came += 1,
                        (true, true) => difference.changed += 1,
                        (true, false) => difference.went += 1,
                        (false, false) => {}
                    }
                }
                Change::Area(_) | Change::Waiting(_) | Change::Void => {}
            }
        }
        difference.devices = devices.len();
        difference
    };
    // Should they not reach the disk, the next start finds the same difference: the hashes come after them.
    drop(registry::write(hub, &changes));
    keep_states(hub, &mut work, 0);
    difference
}

/// What a batch of messages leaves to be stored.
#[derive(Default)]
struct Work {
    readings: Vec<Reading>,
    states: HashMap<String, State>,
    changes: Changes,
}

/// Hands the batch to the databases. The cursor passes a message only when what it changed in the registry is
/// durable; readings and cursor go in one transaction.
fn settle(hub: &Hub, work: &mut Work, cursor: u64, when: When) -> Result<(), StoreError> {
    let mut told = false;
    registry::write_through(hub, &work.changes.take(), |why| {
        if when == When::Again {
            return false;
        }
        if !std::mem::replace(&mut told, true) {
            let text = format!("Devices could not be saved; it is tried again until they are: {why}");
            hub.activity.add(Level::Error, "hub", None, text);
        }
        let wait = hub.ended.run_until_cancelled(tokio::time::sleep(SAVE_AGAIN));
        tokio::runtime::Handle::current().block_on(wait).is_some()
    })?;
    keep_states(hub, work, cursor);
    let mut readings = std::mem::take(&mut work.readings);
    while let Err(store::QueueFull(refused)) = hub.readings.append(readings, cursor) {
        readings = refused;
        if hub.ended.is_cancelled() {
            // The journal still has them; the next start reads them again.
            return Ok(());
        }
        tokio::runtime::Handle::current().block_on(hub.readings.backlog_low());
    }
    Ok(())
}

fn keep_states(hub: &Hub, work: &mut Work, cursor: u64) {
    if !work.states.is_empty() || cursor > 0 {
        hub.db.keep_states(work.states.drain().collect(), cursor);
    }
}

fn carry_out(hub: &Arc<Hub>, effects: Vec<Effect>, when: When, work: &mut Work) {
    for effect in effects {
        if let Some(change) = registry::change_of(&effect) {
            work.changes.push(change);
        }
        match effect {
            Effect::DeviceChanged(device) => {
                hub.device_log.belongs(&device);
                hub.watchers.tell(&HubEvent::Device(device.clone()));
                if when == When::Now && device.demo && device.area.is_none() {
                    give_demo_room(hub, &device, work);
                }
            }
            Effect::DeviceRemoved { id } => {
                hub.device_log.removed(&id);
                hub.watchers.tell(&HubEvent::DeviceRemoved(id));
            }
            Effect::EntityChanged(entity) => {
                if hub.guard.bind(&entity) {
                    hub.gate.guard_changed();
                }
                if when == When::Now {
                    hub.watchers.tell(&HubEvent::Entity(entity.clone()));
                    give_demo_past(hub, &entity, work);
                }
            }
            Effect::EntityRemoved { id } => {
                if hub.guard.leave(&id, &hub.home.read()) {
                    hub.gate.guard_changed();
                }
                hub.watchers.tell(&HubEvent::EntityRemoved(id.clone()));
                work.states.remove(&id);
            }
            Effect::AreaChanged(_) | Effect::AreaRemoved { .. } => hub.watchers.tell(&HubEvent::Areas),
            Effect::StateChanged(change) => state_changed(hub, change, when, work),
            Effect::Reported { entity, state } => {
                hub.guard.report(&entity, &state);
                if when == When::Now {
                    hub.watchers.tell(&HubEvent::State { entity: entity.clone(), state: state.clone() });
                }
                work.states.insert(entity, state);
            }
            Effect::Reading(reading) => work.readings.push(reading),
            Effect::Commanded { entity, command } => {
                if when == When::Now {
                    hub.tell_command(&entity, &command);
                }
                hub.watchers.tell(&HubEvent::Command { entity, command });
            }
            Effect::Woke { entity } if when == When::Now => hub.woke(&entity),
            Effect::Picture(picture) => hub.pictures.keep(picture),
            Effect::Publish(send) if when == When::Now => {
                let _ = hub.publish(
                    Publisher::hub("devices"),
                    send.topic,
                    send.payload,
                    send.qos,
                    send.retain,
                    None,
                );
            }
            Effect::Refused(refused) if when == When::Now => tell_refused(hub, refused),
            Effect::Noted(note) => hub.device_log.note(note),
            Effect::Recall { filters } => recall(hub, &filters, RECALLED_MAX, when, work),
            Effect::SaveDevice(_)
            | Effect::SaveVoid
            | Effect::KeepWaiting { .. }
            | Effect::Woke { .. }
            | Effect::Publish(_)
            | Effect::Refused(_) => {}
        }
    }
}

/// Tells what could not be used: to the log of the device it speaks of, and to that of the client that sent it.
fn tell_refused(hub: &Hub, refused: Refused) {
    let Refused { topic, publisher, device, why, advice } = refused;
    let user = publisher.user.as_str();
    if let Some(device) = device {
        let text = format!("Not understood on {topic} from `{user}`: {why}. {advice}");
        hub.device_log.add(&device, "refused", Level::Warning, &text);
        let owner = hub.home.read().device(&device).and_then(|device| device.credential.clone());
        if owner.is_some_and(|owner| owner != user) {
            hub.pairings.claims(user, &device);
        }
    }
    let text = format!("A message of `{user}` to {topic} was not understood: {why}. {advice}");
    if user == Publisher::HUB {
        return hub.activity.add(Level::Warning, "device", Some(user), text);
    }
    let client_id = hub.credentials.masked(&publisher.client_id, Some(user));
    let about = About { client_id, kind: "misunderstood" };
    hub.client_log.add(&about, clock::now_ms(), Level::Warning, &text);
    hub.activity.add_client(Level::Warning, "device", Some(user), about, text);
}

/// Lets the home hear what is retained: an entity that was just announced may have spoken before. That is no
/// new reading and fires nothing.
fn recall(hub: &Arc<Hub>, filters: &[String], most: usize, when: When, work: &mut Work) {
    for filter in filters.iter().filter_map(|filter| TopicFilter::new(filter).ok()) {
        for message in hub.gate.retained(&filter, most) {
            let effects = hub.home.write().handle(&message, false);
            carry_out(hub, effects, when, work);
        }
    }
}

/// Lets the home hear what a topic said last, if nothing is retained there: whoever makes an entity from a
/// value just seen expects to see it. A filter with wildcards has no last message.
fn remember(hub: &Arc<Hub>, topic: String, work: &mut Work) {
    let Ok(filter) = TopicFilter::new(&topic) else { return };
    if model::topic::check_topic(&topic).is_err() || !hub.gate.retained(&filter, 1).is_empty() {
        return;
    }
    let query = HistoryQuery { topic: Some(topic), limit: 1, ..HistoryQuery::default() };
    match hub.journal.history(&query) {
        Ok(history) => {
            for message in history.messages {
                let effects = hub.home.write().handle(&message, false);
                carry_out(hub, effects, When::Now, work);
            }
        }
        // The entity then starts as unknown, and the next message tells.
        Err(why) => tracing::warn!(%why, "the last message of a topic could not be read"),
    }
}

fn state_changed(hub: &Arc<Hub>, change: StateChange, when: When, work: &mut Work) {
    hub.guard.report(&change.entity, &change.new);
    if when == When::Now {
        hub.watchers.tell(&HubEvent::State { entity: change.entity.clone(), state: change.new.clone() });
        hub.scripts().automations().on_change(&change);
    }
    work.states.insert(change.entity, change.new);
}

/// Tasmota has no word for a room, so the demo's plugs are put into theirs.
fn give_demo_room(hub: &Arc<Hub>, device: &Device, work: &mut Work) {
    let Some(room) = device.credential.as_deref().and_then(demo::room) else { return };
    let effects = {
        let mut home = hub.home.write();
        let known = home.areas().find(|area| area.name == room).map(|area| area.id.clone());
        let made = match known {
            Some(known) => Ok((known, Vec::new())),
            None => home.add_area(room),
        };
        made.and_then(|(area, mut effects)| {
            effects.extend(home.move_device(&device.id, Some(&area))?);
            Ok(effects)
        })
    };
    if let Ok(effects) = effects {
        carry_out(hub, effects, When::Now, work);
    }
}

/// A sensor of the demo home that was never seen before gets its two days of past.
fn give_demo_past(hub: &Hub, entity: &model::Entity, work: &mut Work) {
    let user = hub.home.read().device(&entity.device).and_then(|device| device.credential.clone());
    let Some(user) = user.filter(|user| user.starts_with(demo::USER_PREFIX)) else { return };
    if hub.readings.last(&entity.id).ok().flatten().is_none() {
        work.readings.extend(demo::past(&user, entity, clock::now_ms()));
    }
}
