//! What one actuator may do now, by what it was told and what it said.
//!
//! What it *is* goes by the last command that was let through or by its report, whichever is newer. Whether it *may be
//! on* is looked at more carefully, since interlocks rest on it: it is until the device itself has said that it is not.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rules::{Rules, SWITCHES_MAX};
use super::signal::{Asked, To};

/// The time switches are counted in, ms.
const WINDOW_MS: i64 = 60_000;
/// How old a report may be when it comes, ms. One that contradicts a command that was let through less long ago may
/// have been sent before, and is believed only when that time has passed.
pub(super) const REPORT_LAG_MS: i64 = 2_000;

/// Why it may not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Limit {
    /// It has been switched so often; a further switch is taken at that time, UTC ms. `doubted`: it counts as if.
    Switches { per_minute: u32, from_ms: i64, doubted: bool },
    /// It has not been off, or on, for long enough. `doubted`: that counts from the start after a crash.
    Rest { on: bool, seconds: u32, since_ms: i64, from_ms: i64, doubted: bool },
}

/// What is known of one actuator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// What it is.
    on: Option<bool>,
    /// The device said so.
    confirmed: bool,
    /// Nobody has said that it is off since it may have gone on.
    may_be_on: bool,
    /// Last command that was let through, UTC ms.
    passed_ms: i64,
    /// The command before that was let through so shortly before that a report may be about either.
    hurried: bool,
    /// The last report, if it may be older than the last command: what it said, and when it came.
    doubtful: Option<(bool, i64)>,
    /// Latest time it can have gone off, and on.
    off_ms: Option<i64>,
    on_ms: Option<i64>,
    /// When it was switched, as far as it was let through.
    switches: VecDeque<i64>,
    /// Start after a crash that may have forgotten switches, UTC ms.
    doubted_ms: Option<i64>,
}

impl Memory {
    /// Of an actuator nothing is known of. One that will say what it is may be on until it has.
    pub(super) fn unknown(reports: bool) -> Self {
        Self { may_be_on: reports, ..Self::default() }
    }

    pub(super) fn passed_ms(&self) -> i64 {
        self.passed_ms
    }

    /// What it is, as far as is known at this time.
    pub(super) fn is_on(&self) -> Option<bool> {
        self.on
    }

    pub(super) fn may_be_on(&self) -> bool {
        self.may_be_on
    }

    /// How often it was switched in the minute before.
    pub(super) fn switches(&self, now_ms: i64) -> usize {
        self.switches.iter().filter(|at| now_ms - **at < WINDOW_MS).count()
    }

    /// The device says what it is. `at_ms`: when.
    pub(super) fn report(&mut self, on: bool, at_ms: i64) {
        let is_answer = self.on == Some(on) && !self.hurried;
        if is_answer || self.is_settled(at_ms) {
            self.believe(on, at_ms);
        } else {
            self.doubtful = Some((on, at_ms));
        }
    }

    /// Whether no report can come any more that is older than the last command.
    fn is_settled(&self, now_ms: i64) -> bool {
        now_ms >= self.passed_ms.saturating_add(REPORT_LAG_MS)
    }

    /// Whether it is known for certain what it is.
    fn is_sure(&self, now_ms: i64) -> bool {
        self.confirmed && self.is_settled(now_ms)
    }

    fn believe(&mut self, on: bool, at_ms: i64) {
        self.doubtful = None;
        self.may_be_on = on;
        if self.confirmed && self.on == Some(on) {
            return;
        }
        self.on = Some(on);
        self.confirmed = true;
        let since = if on { &mut self.on_ms } else { &mut self.off_ms };
        *since = Some(at_ms);
    }

    /// Believes a report in doubt when no older one can come any more.
    pub(super) fn settle(&mut self, now_ms: i64) {
        if let Some((on, at_ms)) = self.doubtful
            && self.is_settled(now_ms)
        {
            self.believe(on, at_ms);
        }
    }

    /// Where a command leads from here: on, off, or either.
    fn leads(&self, asked: Asked, now_ms: i64) -> To {
        match (asked.to, self.on) {
            (To::Toggle, Some(true)) if self.is_sure(now_ms) => To::Off,
            (To::Toggle, Some(false)) if self.is_sure(now_ms) => To::On,
            (To::Toggle, _) => To::Either,
            (to, _) => to,
        }
    }

    /// Whether a command may make it go on.
    pub(super) fn may_go_on(&self, asked: Asked, now_ms: i64) -> bool {
        self.leads(asked, now_ms) != To::Off && self.on != Some(true)
    }

    /// Lets a command through, or says which limit it would break. Its interlock was looked at.
    pub(super) fn consider(&mut self, asked: Asked, rules: &Rules, now_ms: i64) -> Result<(), Limit> {
        let to = self.leads(asked, now_ms);
        let repeats = matches!((to, self.on), (To::On, Some(true)) | (To::Off, Some(false))) && !asked.moves;
        if repeats {
            self.repeat(to == To::On, now_ms);
            return Ok(());
        }
        if to != To::Off && self.on != Some(true) {
            self.rested(false, rules.min_off_s, now_ms)?;
        }
        if to != To::On && self.on != Some(false) {
            self.rested(true, rules.min_on_s, now_ms)?;
        }
        self.switches.retain(|at| now_ms.saturating_sub(*at) < WINDOW_MS);
        // Off is never held back by the rate: a button on the device may have switched it on without being counted.
        if let Some(per_minute) = rules.switches_per_minute.filter(|_| to != To::Off) {
            // What goes on has to go off again: the last switch of a minute is kept for that.
            let (needs, most) = (2, per_minute as usize);
            if self.switches.len() + needs > most {
                let first = self.switches.get((self.switches.len() + needs - most).saturating_sub(1));
                let from_ms = first.map_or(now_ms, |at| at.saturating_add(WINDOW_MS));
                let doubted = first.is_some() && first == self.doubted_ms.as_ref();
                return Err(Limit::Switches { per_minute, from_ms, doubted });
            }
        }
        self.take(to, now_ms);
        Ok(())
    }

    /// What was let through last may be forgotten: it counts as switched now, either way and as often as it may be.
    pub(super) fn doubt(&mut self, rules: &Rules, now_ms: i64) {
        self.switches.clear();
        let used_up = rules.switches_per_minute.map_or(0, |most| most as usize);
        self.switches.resize(used_up.saturating_sub(1), now_ms);
        self.take(To::Either, now_ms);
        self.doubted_ms = Some(now_ms);
    }

    /// Takes what was let through before a restart.
    pub(super) fn take_again(&mut self, asked: Asked, at_ms: i64) {
        let to = self.leads(asked, at_ms);
        self.take(to, at_ms);
    }

    fn take(&mut self, to: To, now_ms: i64) {
        self.switches.push_back(now_ms);
        if self.switches.len() > SWITCHES_MAX as usize {
            self.switches.pop_front();
        }
        self.hurried = !self.is_settled(now_ms);
        self.passed_ms = now_ms;
        self.doubtful = None;
        self.confirmed = false;
        self.on = match to {
            To::On => Some(true),
            To::Off => Some(false),
            To::Toggle | To::Either => None,
        };
        if to != To::Off {
            self.may_be_on = true;
            self.on_ms = Some(now_ms);
        }
        if to != To::On {
            self.off_ms = Some(now_ms);
        }
    }

    fn rested(&self, on: bool, seconds: Option<u32>, now_ms: i64) -> Result<(), Limit> {
        let since_ms = if on { self.on_ms } else { self.off_ms };
        let (Some(seconds), Some(since_ms)) = (seconds, since_ms) else { return Ok(()) };
        let from_ms = since_ms.saturating_add(i64::from(seconds) * 1_000);
        let doubted = self.doubted_ms == Some(since_ms);
        if now_ms >= from_ms { Ok(()) } else { Err(Limit::Rest { on, seconds, since_ms, from_ms, doubted }) }
    }

    /// It is told once more what it is. If the first command was lost, this is the one that switches it.
    fn repeat(&mut self, on: bool, now_ms: i64) {
        if self.is_sure(now_ms) {
            return;
        }
        if self.switches.pop_back().is_some() {
            self.switches.push_back(now_ms);
        }
        self.hurried |= !self.is_settled(now_ms);
        self.passed_ms = now_ms;
        self.doubtful = None;
        let since = if on { &mut self.on_ms } else { &mut self.off_ms };
        *since = Some(now_ms);
    }

    /// One that never says what it is is what it was told.
    pub(super) fn take_for_told(&mut self) {
        if let Some(on) = self.on {
            self.may_be_on = on;
            self.confirmed = true;
        }
    }
}
