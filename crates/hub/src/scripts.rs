//! The automations: files in the data folder, loaded when they change, run on the script pool.
//!
//! The file is the script; `hub.db` knows whether it is switched on and keeps its versions and runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use automation::{Automations, Host, Limits, ScriptPublish};
use broker::NotPublished;
use model::run::{RunAction, RunLogLine, ScriptError};
use model::{Cause, Publisher, RunRecord, State, Value};
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value as Json};

use crate::api::ApiError;
use crate::api::types::{AutomationDetail, AutomationView, Level, ScriptLogLine};
use crate::frames::HubEvent;
use crate::{Hub, clock, data_dir, folder};

/// Most automations.
pub const AUTOMATIONS_MAX: usize = 500;
/// Largest script, bytes.
pub const SOURCE_BYTES_MAX: usize = 256 << 10;
/// Longest name, bytes.
const NAME_BYTES_MAX: usize = 100;

/// The automations of one hub.
pub struct Scripts {
    folder: PathBuf,
    automations: Automations,
    known: RwLock<BTreeMap<String, Script>>,
    /// One change at a time, so that a save and the file watcher do not load in the wrong order.
    changing: Mutex<()>,
}

#[derive(Clone)]
struct Script {
    source: String,
    enabled: bool,
    triggers: Vec<String>,
    error: Option<ScriptError>,
    last_run: Option<(i64, bool)>,
}

impl Scripts {
    /// Starts the pool and loads every script of the folder.
    pub fn start(hub: &Arc<Hub>, folder: PathBuf) -> Self {
        let host = Arc::new(HubHost { hub: Arc::downgrade(hub) });
        Self {
            folder,
            automations: Automations::start(host, Limits::default()),
            known: RwLock::default(),
            changing: Mutex::default(),
        }
    }

    /// The engine, to be told of messages and changes.
    pub fn automations(&self) -> &Automations {
        &self.automations
    }

    /// Reads the folder again: new and changed scripts are loaded, removed ones unloaded. Reads files, so not
    /// on an async worker.
    pub fn rescan(&self, hub: &Hub) {
        let _one_at_a_time = self.changing.lock();
        let mut found = BTreeMap::new();
        for path in folder::files(&self.folder, "rhai") {
            let Some(id) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else {
                continue;
            };
            match folder::read_text(&path, SOURCE_BYTES_MAX) {
                Ok(source) => {
                    found.insert(id, source);
                }
                Err(why) => hub.activity.add(
                    Level::Error,
                    "automation",
                    Some(&id),
                    format!("The script {} cannot be read: {why}.", path.display()),
                ),
            }
            if found.len() >= AUTOMATIONS_MAX {
                break;
            }
        }
        let gone: Vec<String> =
            self.known.read().keys().filter(|id| !found.contains_key(*id)).cloned().collect();
        for id in &gone {
            self.automations.unload(id);
            self.known.write().remove(id);
        }
        let mut changed = !gone.is_empty();
        for (id, source) in found {
            let same = self.known.read().get(&id).is_some_and(|known| known.source == source);
            if !same {
                self.adopt(hub, &id, source);
                changed = true;
            }
        }
        if changed {
            hub.watchers.tell(&HubEvent::Automations);
        }
    }

    /// Takes over a script as it stands now, and loads it if it is switched on.
    fn adopt(&self, hub: &Hub, id: &str, source: String) {
        let stored = hub.db.read(|conn| store::automation::get(conn, id)).ok().flatten();
        let before = self.known.read().get(id).cloned();
        let enabled = stored.as_ref().is_none_or(|stored| stored.enabled);
        let last_run = before.and_then(|script| script.last_run).or_else(|| {
            let runs = hub.db.read(|conn| store::run::newest(conn, Some(id), None, 1)).ok()?;
            runs.first().map(|run| (run.started_ms, run.error.is_some()))
        });
        let mut script = Script { source, enabled, triggers: Vec::new(), error: None, last_run };
        self.load(hub, id, &mut script);
        if stored.is_none_or(|stored| stored.source != script.source) {
            self.keep(hub, id, &script);
        }
        self.known.write().insert(id.to_owned(), script);
    }

    fn load(&self, hub: &Hub, id: &str, script: &mut Script) {
        let loaded = if script.enabled {
            self.automations.load(id, &script.source)
        } else {
            self.automations.unload(id);
            Automations::check(&script.source)
        };
        match loaded {
            Ok(triggers) => {
                script.error = None;
                script.triggers = triggers.into_iter().map(|trigger| trigger.trigger).collect();
            }
            Err(error) => {
                let line = error.line.map_or(String::new(), |line| format!(" in line {line}"));
                // A version that was loaded before stays loaded.
                let runs = self.automations.status().iter().any(|status| status.id == id);
                let rest = if runs { "The version before goes on." } else { "It does not run." };
                hub.activity.add(
                    Level::Warning,
                    "automation",
                    Some(id),
                    format!("The automation `{id}` has an error{line}: {} {rest}", error.message),
                );
                script.error = Some(error);
            }
        }
    }

    fn keep(&self, hub: &Hub, id: &str, script: &Script) {
        let row = store::automation::Automation {
            id: id.to_owned(),
            name: name_of(id, &script.source),
            source: script.source.clone(),
            enabled: script.enabled,
            version: 0,
            updated_ms: clock::now_ms(),
        };
        drop(hub.db.write(move |conn| store::automation::put(conn, &row)));
    }

    /// All, in order of id.
    pub fn list(&self) -> Vec<AutomationView> {
        let status: BTreeMap<_, _> =
            self.automations.status().into_iter().map(|status| (status.id.clone(), status)).collect();
        let known = self.known.read();
        known
            .iter()
            .map(|(id, script)| {
                let status = status.get(id);
                AutomationView {
                    id: id.clone(),
                    name: name_of(id, &script.source),
                    enabled: script.enabled,
                    triggers: script.triggers.clone(),
                    error: script.error.clone(),
                    paused: status.and_then(|status| status.paused.clone()),
                    last_run_ms: script.last_run.map(|(started_ms, _)| started_ms),
                    last_run_failed: script.last_run.is_some_and(|(_, failed)| failed),
                    dropped: status.map_or(0, |status| status.dropped + status.replaced),
                }
            })
            .collect()
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Result<AutomationDetail, ApiError> {
        let automation = self.list().into_iter().find(|automation| automation.id == id);
        let automation = automation.ok_or_else(|| ApiError::not_found("automation", id))?;
        let source = self.known.read().get(id).map(|script| script.source.clone()).unwrap_or_default();
        Ok(AutomationDetail { automation, source })
    }

    /// Saves a script and loads it. Writes a file, so not on an async worker.
    pub fn save(
        &self,
        hub: &Hub,
        id: Option<String>,
        name: Option<&str>,
        source: String,
    ) -> Result<String, ApiError> {
        if source.len() > SOURCE_BYTES_MAX {
            return Err(ApiError::invalid(format!(
                "A script can have at most {} KiB. Take it apart into several.",
                SOURCE_BYTES_MAX >> 10
            )));
        }
        let _one_at_a_time = self.changing.lock();
        let id = match id {
            Some(id) => {
                if !self.known.read().contains_key(&id) {
                    return Err(ApiError::not_found("automation", &id));
                }
                id
            }
            None => self.new_id(name.unwrap_or_default())?,
        };
        let file = self.file(&id);
        data_dir::write_private(&file, source.as_bytes())
            .map_err(|why| ApiError::internal(format!("{} could not be written: {why}", file.display())))?;
        self.adopt(hub, &id, source);
        hub.watchers.tell(&HubEvent::Automations);
        Ok(id)
    }

    fn new_id(&self, name: &str) -> Result<String, ApiError> {
        let known = self.known.read();
        if known.len() >= AUTOMATIONS_MAX {
            return Err(ApiError::conflict(format!(
                "There can be at most {AUTOMATIONS_MAX} automations. Remove some first."
            )));
        }
        let slug = slug(name);
        if slug.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(ApiError::invalid(format!(
                "An automation needs a name of 1 to {NAME_BYTES_MAX} characters with a letter or digit in it."
            )));
        }
        let mut candidates = std::iter::once(slug.clone()).chain((2..).map(|n| format!("{slug}-{n}")));
        candidates
            .find(|id| !known.contains_key(id) && !self.file(id).exists())
            .ok_or_else(|| ApiError::conflict("There is no free name left."))
    }

    /// Switches one on or off; durable when the returned future resolves.
    pub fn enable(&self, hub: &Hub, id: &str, enabled: bool) -> Result<(), ApiError> {
        let _one_at_a_time = self.changing.lock();
        let known = self.known.read().get(id).cloned();
        let mut script = known.ok_or_else(|| ApiError::not_found("automation", id))?;
        script.enabled = enabled;
        self.load(hub, id, &mut script);
        self.keep(hub, id, &script);
        self.known.write().insert(id.to_owned(), script);
        hub.watchers.tell(&HubEvent::Automations);
        Ok(())
    }

    /// Removes one, its file included.
    pub fn remove(&self, hub: &Hub, id: &str) -> Result<(), ApiError> {
        let _one_at_a_time = self.changing.lock();
        if self.known.write().remove(id).is_none() {
            return Err(ApiError::not_found("automation", id));
        }
        self.automations.unload(id);
        let file = self.file(id);
        fs::remove_file(&file)
            .map_err(|why| ApiError::internal(format!("{} could not be removed: {why}", file.display())))?;
        let row = id.to_owned();
        drop(hub.db.write(move |conn| store::automation::remove(conn, &row)));
        hub.watchers.tell(&HubEvent::Automations);
        Ok(())
    }

    fn ran(&self, run: &RunRecord) {
        if let Some(script) = self.known.write().get_mut(&run.automation) {
            script.last_run = Some((run.started_ms, run.error.is_some()));
        }
    }

    fn file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.rhai"))
    }

    /// Ends the threads after the runs they are in.
    pub fn stop(&self) {
        self.automations.stop();
    }
}

/// Watches the folder until the hub stops; scripts edited by other programs are loaded as they are saved.
pub async fn watch(hub: Arc<Hub>) {
    let folder = hub.scripts().folder.clone();
    folder::watch(hub, folder, "Scripts", |hub| hub.scripts().rescan(hub)).await;
}

/// The house, as scripts see it.
struct HubHost {
    hub: Weak<Hub>,
}

impl HubHost {
    fn hub(&self) -> Result<Arc<Hub>, String> {
        self.hub.upgrade().ok_or_else(|| "Hearth is stopping; nothing was sent.".to_owned())
    }
}

impl Host for HubHost {
    fn now_ms(&self) -> i64 {
        clock::now_ms()
    }

    fn get(&self, entity: &str) -> Option<State> {
        self.hub.upgrade()?.home.read().state(entity).cloned()
    }

    fn publish(&self, publish: ScriptPublish) -> Result<(), String> {
        let hub = self.hub()?;
        let publisher = publisher(&publish.cause);
        let published = hub.publish(
            publisher,
            publish.topic,
            publish.payload,
            publish.qos,
            publish.retain,
            Some(publish.cause),
        );
        match published {
            Err(NotPublished::Held(held)) => Err(format!("Held back by the relay guard: {}.", held.why)),
            Err(why @ NotPublished::NoRoom) => Err(why.to_string()),
            Ok(_) => Ok(()),
        }
    }

    fn command(
        &self,
        entity: &str,
        verb: &str,
        value: Option<Value>,
        attributes: Map<String, Json>,
        cause: Cause,
    ) -> Result<(), String> {
        self.hub()?
            .command(publisher(&cause), entity, verb, value.as_ref(), &attributes, cause)
            // Nobody waits until a command for a sleeping device is durable.
            .map(drop)
            .map_err(|why| why.to_string())
    }

    fn run_finished(&self, run: RunRecord) {
        let Some(hub) = self.hub.upgrade() else { return };
        hub.scripts().ran(&run);
        if let Some(error) = &run.error {
            let line = error.line.map_or(String::new(), |line| format!(" in line {line}"));
            hub.activity.add(
                Level::Warning,
                "automation",
                Some(&run.automation),
                format!("A run of `{}` failed{line}: {}", run.automation, error.message),
            );
        }
        let refused = run.actions.iter().find_map(|action| match action {
            RunAction::Refused { what, why } => Some((what, why)),
            _ => None,
        });
        if let Some((what, why)) = refused {
            hub.activity.add(
                Level::Warning,
                "automation",
                Some(&run.automation),
                format!("`{}` asked for `{what}`, which was not done. {why}", run.automation),
            );
        }
        let row = run.clone();
        drop(hub.db.write(move |conn| store::run::add(conn, &row)));
        hub.watchers.tell(&HubEvent::Run(run));
    }

    fn log(&self, automation: &str, line: RunLogLine) {
        let Some(hub) = self.hub.upgrade() else { return };
        hub.watchers.tell(&HubEvent::ScriptLog(ScriptLogLine { automation: automation.to_owned(), line }));
    }

    fn paused(&self, automation: &str, why: &str) {
        let Some(hub) = self.hub.upgrade() else { return };
        let text = format!("The automation `{automation}` was paused: {why}");
        hub.activity.add(Level::Error, "automation", Some(automation), text);
        hub.watchers.tell(&HubEvent::Automations);
    }
}

/// In whose name a run publishes.
pub(crate) fn publisher(cause: &Cause) -> Publisher {
    match cause {
        Cause::Run { automation, .. } => Publisher::hub(&format!("automation/{automation}")),
        _ => Publisher::hub("automation"),
    }
}

/// The first comment line of a script is its name.
fn name_of(id: &str, source: &str) -> String {
    let first = source.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let comment = first.trim_start_matches('/').trim();
    if first.starts_with("//") && !comment.is_empty() {
        comment.chars().take(NAME_BYTES_MAX).collect()
    } else {
        id.to_owned()
    }
}

/// Letters and digits of a name, joined by `-`: a file name anywhere.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_alphanumeric() {
            slug.extend(c.to_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_comment_is_the_name() {
        fn check(source: &str, expected: &str) {
            assert_eq!(name_of("fan", source), expected, "{source}");
        }
        check("// Fan above 25 °C\non(…)", "Fan above 25 °C");
        check("\n\n/// Doc\n", "Doc");
        check("let a = 1; // later", "fan");
        check("//\nlet a = 1;", "fan");
        check("", "fan");
    }

    #[test]
    fn a_name_becomes_a_file_name() {
        fn check(name: &str, expected: &str) {
            assert_eq!(slug(name), expected);
        }
        check("Fan above 25 °C", "fan-above-25-c");
        check("../../etc/passwd", "etc-passwd");
        check("Küche", "küche");
        check("  ", "");
    }
}
