//! The relay guard: the limits of an actuator, and what they held back.

use model::Entity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// Limits of an actuator, kept in the broker for every client. It is not a certified safety function.
#[derive(Default, PartialEq, Eq)]
#[serde(default)]
pub struct GuardRules {
    /// Most switches in any 60 seconds, 2 to 600, on and off counted alike; the last one is kept for off.
    pub switches_per_minute: Option<u32>,
    /// Seconds it stays off before it may go on again, at most 86,400.
    pub min_off_s: Option<u32>,
    /// Seconds it stays on before it may go off again, at most 86,400.
    pub min_on_s: Option<u32>,
    /// Name of its interlock: of all actuators with the same, one at most is on.
    pub interlock: Option<String>,
}

/// Sets the limits of an actuator.
pub struct SetGuard {
    /// Entity id.
    pub entity: String,
    /// The limits; what is left out or `null` is not limited.
    pub rules: GuardRules,
}

/// Whether a guarded entity is there.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum GuardStanding {
    /// It is.
    Present,
    /// It is announced no more. Its limits hold on its last known topics, and it counts in its interlock, until it is
    /// removed or they are taken off.
    Away,
    /// Its owner removed it. Its limits wait for it to come back, and guard nothing.
    Removed,
}

/// The guard of an entity.
pub struct GuardView {
    /// Entity id.
    pub entity: String,
    /// Whether it is there.
    pub standing: GuardStanding,
    /// It is of a kind that switches, and takes commands.
    pub can_be_guarded: bool,
    /// Its limits.
    pub rules: GuardRules,
    /// The device says by itself whether it is on; else it is taken for what it was told.
    pub reports: bool,
    /// How often it was switched in the last minute, as far as it is guarded.
    pub switches: u32,
    /// The other entities of its interlock, by id.
    pub interlocked: Vec<String>,
    /// What was held back since the start, the newest first, at most 20.
    pub held: Vec<HeldCommand>,
}

/// What the relay guard has limits for.
pub struct Guards {
    /// In order of entity id.
    pub guards: Vec<Guarded>,
}

/// An entity that has limits.
pub struct Guarded {
    /// Entity id.
    pub entity: String,
    /// The entity as it is, or was announced last; none when its owner removed it.
    pub last: Option<Entity>,
    /// Whether it is there.
    pub standing: GuardStanding,
    /// Its limits.
    pub rules: GuardRules,
}

/// A command the guard held back; the same again within a minute is counted.
pub struct HeldCommand {
    /// The last time, UTC ms.
    pub time_ms: i64,
    /// Which limit it would have broken, in words.
    pub why: String,
    /// Client id of whoever published it, or the part of Hearth, such as `Hearth (command)`.
    pub by: String,
    /// How often.
    pub count: u32,
}

/// The interlocks.
pub struct Interlocks {
    /// In order of name.
    pub interlocks: Vec<Interlock>,
}

/// Actuators that are never on together.
pub struct Interlock {
    /// Its name.
    pub name: String,
    /// Entity ids.
    pub entities: Vec<String>,
}
}
