//! What the templates of a device may take, so that one board cannot hold up all the others.

use model::Message;

use super::Home;
use super::announce::refused;
use crate::announcement::Problem;
use crate::effect::Effect;
use crate::limits::{DEVICE_FUEL, MESSAGE_FUEL, OVERRUNS_MAX};

/// What the templates of a device took.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Message it was last for, as [`Turn::count`] counts.
    turn: u64,
    /// Taken for that message.
    taken: u64,
    /// Its templates have been too much for that message.
    is_over: bool,
    /// Messages for which they were too much.
    overruns: u32,
}

impl Work {
    fn is_paused(&self) -> bool {
        self.overruns >= OVERRUNS_MAX
    }
}

/// The message in hand.
#[derive(Debug, Default)]
pub(super) struct Turn {
    count: u64,
    /// What the templates of all devices took for it.
    taken: u64,
    /// What they were allowed when they were last asked.
    allowed: u64,
}

impl Turn {
    pub(super) fn next(&mut self) {
        *self = Self { count: self.count + 1, ..Self::default() };
    }

    /// What the templates of all devices took for the message.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }
}

impl Home {
    /// Allows the templates what is left to the device for this message; false if they are paused. Goes with
    /// [`Home::charge`].
    pub(super) fn allow(&mut self, device: &str) -> bool {
        let Some(entry) = self.devices.get_mut(device) else { return false };
        if entry.work.turn != self.turn.count {
            entry.work = Work { turn: self.turn.count, overruns: entry.work.overruns, ..Work::default() };
        }
        let of_device = DEVICE_FUEL.saturating_sub(entry.work.taken);
        self.turn.allowed = of_device.min(MESSAGE_FUEL.saturating_sub(self.turn.taken));
        self.templates.allow(self.turn.allowed);
        !entry.work.is_paused()
    }

    /// Lets the templates of a device try again, for it is described in another way.
    pub(super) fn forgive(&mut self, device: &str) {
        if let Some(entry) = self.devices.get_mut(device) {
            entry.work.overruns = 0;
        }
    }

    /// Notes what the templates took since [`Home::allow`], and pauses them when it was too much too often.
    pub(super) fn charge(&mut self, device: &str, message: &Message, effects: &mut Vec<Effect>) {
        let Some(entry) = self.devices.get_mut(device) else { return };
        let (left, wanting) = self.templates.rest();
        let taken = self.turn.allowed.saturating_sub(left);
        self.turn.taken += taken;
        entry.work.taken += taken;
        if !wanting || std::mem::replace(&mut entry.work.is_over, true) {
            return;
        }
        entry.work.overruns += 1;
        let name = &entry.record.device.name;
        let why = match entry.work.overruns {
            1 => format!(
                "The templates of {name:?} take too many steps for one message; some of its values were not read"
            ),
            OVERRUNS_MAX => format!(
                "The templates of {name:?} took too many steps for {OVERRUNS_MAX} messages and are paused: \
                 values that need one are no longer read"
            ),
            _ => return,
        };
        let advice = "Announce the device with simpler templates, or with fewer entities on one topic; that \
                      also ends the pause.";
        effects.push(refused(message, Some(device), Problem::new(why, advice)));
    }
}
