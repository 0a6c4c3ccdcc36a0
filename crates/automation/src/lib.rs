//! Hearth's automations: Rhai scripts that react to messages and states.
//!
//! | module | noun |
//! |---|---|
//! | [`automations`] | all of them: loading, routing, status |
//! | [`host`] | what they need from the house |
//! | [`limits`] | every bound, by name |
//! | [`memory`] | the allocator that counts what scripts hold |
//! | [`reference`] | the functions a script has, with words, for the editor |
//! | [`report`] | triggers, faults and status, as the API shows them |
//!
//! Inside: a script's [`trigger`]s set off [`event`]s that wait in its [`inbox`] until a thread of the
//! [`pool`] runs the handler under the [`guard`]; what the handler asks for collects on the [`desk`] and is
//! carried out after it returns.

pub mod automations;
pub mod host;
pub mod limits;
pub mod memory;
pub mod reference;
pub mod report;

mod api;
mod automation;
mod bucket;
mod convert;
mod desk;
mod engine;
mod event;
mod guard;
mod inbox;
mod lint;
mod pool;
mod script;
mod trigger;
mod words;

pub use automations::Automations;
pub use host::{Host, ScriptPublish};
pub use limits::Limits;
pub use reference::{Completion, CompletionKind, completions};
pub use report::{AutomationStatus, Examination, TriggerInfo, TriggerKind};
