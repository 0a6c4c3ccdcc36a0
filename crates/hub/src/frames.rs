//! What watchers are told: each has a frame of its own that fills until it is taken, every 16 ms at most.
//!
//! A watcher that lags makes nobody wait and takes no memory: states and commands are merged, lists have a bound, and
//! beyond it the frame says `resync`. What must not be lost is in the journal or a database, never here.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use model::{CommandState, Device, Entity, RunRecord, State};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::api::types::{ActivityLine, ClientView, EntityCommand, EntityState, Frame, ScriptLogLine};

/// Time between two frames of one watcher.
pub const FRAME_MS: u64 = 16;
/// Most items of one kind in a frame; states and commands may be as many as there are entities.
const ITEMS_MAX: usize = 1_000;

/// One thing a watcher may want to know.
#[derive(Debug, Clone)]
pub enum HubEvent {
    /// An entity has another state, or reported the same again.
    State {
        /// Entity id.
        entity: String,
        /// The state.
        state: State,
    },
    /// A command of an entity came to another stage.
    Command {
        /// Entity id.
        entity: String,
        /// Its newest command.
        command: CommandState,
    },
    /// A device is new or changed.
    Device(Device),
    /// An entity is new or changed.
    Entity(Entity),
    /// A device is gone.
    DeviceRemoved(String),
    /// An entity is gone.
    EntityRemoved(String),
    /// Areas changed.
    Areas,
    /// Automations changed.
    Automations,
    /// A client logged in.
    Connected(ClientView),
    /// A client left.
    Disconnected(String),
    /// A run is over.
    Run(RunRecord),
    /// A script said something.
    ScriptLog(ScriptLogLine),
    /// Something happened.
    Activity(ActivityLine),
}

/// Everyone who watches.
#[derive(Debug, Default)]
pub struct Watchers {
    watchers: Mutex<Vec<Weak<Watcher>>>,
}

/// One who watches; stops by being dropped.
#[derive(Debug, Default)]
pub struct Watcher {
    pending: Mutex<Pending>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    frame: Frame,
    states: HashMap<String, State>,
    commands: HashMap<String, CommandState>,
    dirty: bool,
}

impl Watchers {
    /// A new watcher; it sees what happens from now on.
    pub fn watch(&self) -> Arc<Watcher> {
        let watcher = Arc::new(Watcher::default());
        let mut watchers = self.watchers.lock();
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(&watcher));
        watcher
    }

    /// Tells every watcher; never waits.
    pub fn tell(&self, event: &HubEvent) {
        let watchers: Vec<_> = self.watchers.lock().iter().filter_map(Weak::upgrade).collect();
        for watcher in watchers {
            watcher.pending.lock().add(event);
            watcher.filled.notify_one();
        }
    }
}

impl Watcher {
    /// The next frame. It waits for one change, then gathers what else happens within [`FRAME_MS`].
    pub async fn next(&self) -> Frame {
        loop {
            self.filled.notified().await;
            tokio::time::sleep(Duration::from_millis(FRAME_MS)).await;
            let mut pending = std::mem::take(&mut *self.pending.lock());
            if pending.dirty {
                let states = pending.states.into_iter();
                pending.frame.states = states.map(|(entity, state)| EntityState { entity, state }).collect();
                let commands = pending.commands.into_iter();
                pending.frame.commands =
                    commands.map(|(entity, command)| EntityCommand { entity, command }).collect();
                return pending.frame;
            }
        }
    }
}

impl Pending {
    fn add(&mut self, event: &HubEvent) {
        self.dirty = true;
        let frame = &mut self.frame;
        let resync = &mut frame.resync;
        match event {
            HubEvent::State { entity, state } => {
                self.states.insert(entity.clone(), state.clone());
            }
            HubEvent::Command { entity, command } => {
                self.commands.insert(entity.clone(), command.clone());
            }
            HubEvent::Device(device) => push(&mut frame.devices, device, resync),
            HubEvent::Entity(entity) => push(&mut frame.entities, entity, resync),
            HubEvent::DeviceRemoved(id) => push(&mut frame.devices_removed, id, resync),
            HubEvent::EntityRemoved(id) => {
                self.states.remove(id);
                self.commands.remove(id);
                push(&mut frame.entities_removed, id, resync);
            }
            HubEvent::Areas => frame.areas_changed = true,
            HubEvent::Automations => frame.automations_changed = true,
            HubEvent::Connected(client) => push(&mut frame.connected, client, resync),
            HubEvent::Disconnected(id) => push(&mut frame.disconnected, id, resync),
            HubEvent::Run(run) => push(&mut frame.runs, run, resync),
            HubEvent::ScriptLog(line) => push(&mut frame.script_log, line, resync),
            HubEvent::Activity(line) => push(&mut frame.activity, line, resync),
        }
    }
}

fn push<T: Clone>(items: &mut Vec<T>, item: &T, resync: &mut bool) {
    if items.len() < ITEMS_MAX {
        items.push(item.clone());
    } else {
        *resync = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(number: f64) -> HubEvent {
        let state = State { value: model::Value::number(number), ..State::default() };
        HubEvent::State { entity: "a.b".into(), state }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_holds_the_newest_state_of_each_entity() {
        let watchers = Watchers::default();
        let watcher = watchers.watch();
        watchers.tell(&state(1.0));
        watchers.tell(&state(2.0));
        let frame = watcher.next().await;
        assert_eq!(frame.states.len(), 1);
        assert_eq!(frame.states[0].state.value, model::Value::number(2.0));
        assert!(!frame.resync);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watcher_that_lags_is_told_to_ask_again() {
        let watchers = Watchers::default();
        let watcher = watchers.watch();
        for _ in 0..=ITEMS_MAX {
            watchers.tell(&HubEvent::DeviceRemoved("x".into()));
        }
        let frame = watcher.next().await;
        assert!(frame.resync && frame.devices_removed.len() == ITEMS_MAX);
    }

    #[test]
    fn a_watcher_that_left_is_forgotten() {
        let watchers = Watchers::default();
        drop(watchers.watch());
        let _stays = watchers.watch();
        assert_eq!(watchers.watchers.lock().len(), 1);
    }
}
