//! Hearth's automations: Rhai scripts that react to messages and states.
pub mod automations;
pub mod host;
pub mod limits;
pub mod report;

pub use automations::Automations;
pub use host::{Host, ScriptPublish};
pub use limits::Limits;
pub use report::{AutomationStatus, Examination, TriggerInfo, TriggerKind};
