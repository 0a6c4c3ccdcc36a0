//! Automations, their scripts and their runs.

use model::RunRecord;
use model::run::{RunLogLine, ScriptError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// An automation.
pub struct AutomationView {
    /// Its file name without `.rhai`.
    pub id: String,
    /// Name: the first comment line of the script, or else the id.
    pub name: String,
    /// Switched on.
    pub enabled: bool,
    /// What it waits for, as written.
    pub triggers: Vec<String>,
    /// Why it does not run, if it does not.
    pub error: Option<ScriptError>,
    /// Why it was paused, if it was.
    pub paused: Option<String>,
    /// Last run, UTC ms.
    pub last_run_ms: Option<i64>,
    /// The last run failed.
    pub last_run_failed: bool,
    /// Events it missed because too many came at once.
    pub dropped: u64,
}

/// Automations.
pub struct AutomationList {
    /// In order of name.
    pub automations: Vec<AutomationView>,
}

/// An automation with its script.
pub struct AutomationDetail {
    /// About it.
    pub automation: AutomationView,
    /// The script.
    pub source: String,
}

/// A script to save.
pub struct SaveAutomation {
    /// The automation to change; `null` makes a new one, named after `name`.
    pub id: Option<String>,
    /// Name for a new one.
    #[serde(default)]
    pub name: Option<String>,
    /// The script. One with an error is kept, and the version before goes on running.
    pub source: String,
}

/// Switches an automation.
pub struct EnableAutomation {
    /// Automation id.
    pub id: String,
    /// On or off.
    pub enabled: bool,
}

/// A script to look at.
pub struct ScriptSource {
    /// The script.
    pub source: String,
}

/// What was found in it.
pub struct ScriptCheck {
    /// What it waits for.
    pub triggers: Vec<String>,
    /// Its first error.
    pub error: Option<ScriptError>,
    /// What looks wrong but may run.
    pub warnings: Vec<ScriptError>,
}

/// Everything a script can call.
pub struct ScriptFunctions {
    /// In order of name.
    pub functions: Vec<ScriptFunction>,
}

/// One function.
pub struct ScriptFunction {
    /// Name.
    pub name: String,
    /// As it is written, such as `publish(topic, value)`.
    pub signature: String,
    /// What it does.
    pub help: String,
}

/// Which runs to list.
#[derive(Default)]
#[serde(default)]
pub struct ListRuns {
    /// Only of this automation.
    pub automation: Option<String>,
    /// Only runs that started before, UTC ms.
    pub before_ms: Option<i64>,
    /// At most this many; 50 unless said otherwise, at most 200.
    pub limit: Option<u32>,
}

/// Runs.
pub struct Runs {
    /// Newest first.
    pub runs: Vec<RunRecord>,
}

/// A line a script said, as it said it.
pub struct ScriptLogLine {
    /// The automation.
    pub automation: String,
    /// The line.
    pub line: RunLogLine,
}
}
