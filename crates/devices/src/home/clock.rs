//! What happens by itself as time passes. The time is passed in.

use model::{Availability, Cause, Reading, Value};

use super::{Due, Home};
use crate::effect::Effect;

impl Home {
    /// Lets time pass: values and commands that were not confirmed in time expire, and an on that goes off by itself
    /// goes off.
    pub fn tick(&mut self, now_ms: i64) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(&(when_ms, slot, what)) = self.due.first()
            && when_ms <= now_ms
        {
            self.set_due(slot, what, None);
            match what {
                Due::Answer => self.unanswered(slot, now_ms, &mut effects),
                Due::Waiting => self.expire_waiting(slot, now_ms, &mut effects),
                Due::Wake => self.woke(slot, &mut effects),
                Due::Expire | Due::Off => self.elapse(slot, what, when_ms, &mut effects),
            }
        }
        self.catch_up(now_ms, &mut effects);
        effects
    }

    /// A value is no longer believed, or goes off by itself.
    fn elapse(&mut self, slot: u32, what: Due, when_ms: i64, effects: &mut Vec<Effect>) {
        let Some(entry) = self.entry_mut(slot) else { return };
        let old = entry.state.clone();
        let why = if what == Due::Off {
            entry.state.value = Some(Value::Bool(false));
            "off after its delay".to_owned()
        } else {
            entry.expired = true;
            entry.state.availability = Availability::Unavailable;
            let seconds = entry.entity.description.expire_after_s.unwrap_or_default();
            format!("no report for {seconds} s")
        };
        if entry.state == old {
            return;
        }
        entry.state.since_ms = when_ms;
        entry.state.cause = Some(Cause::Hub { why });
        effects.push(entry.changed(old, true));
        if let (Due::Off, Some(message_id)) = (what, entry.state.message_id) {
            effects.push(Effect::Reading(Reading {
                entity: entry.entity.id.clone(),
                time_ms: when_ms,
                message_id,
                value: Value::Bool(false),
            }));
        }
    }

    /// When [`Home::tick`] next has something to do, UTC ms.
    pub fn next_due(&self) -> Option<i64> {
        let due = self.due.first().map(|(when_ms, ..)| *when_ms);
        due.into_iter().chain(self.pace.next_due()).min()
    }
}
