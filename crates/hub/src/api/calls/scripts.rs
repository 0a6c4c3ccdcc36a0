//! Automations and their runs.

use std::sync::Arc;

use automation::{Automations, TriggerInfo};
use model::run::ScriptError;

use super::{Result, at_most, blocking, written};
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};

pub(in crate::api) async fn list_automations(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<AutomationList> {
    let mut automations = hub.scripts().list();
    automations.sort_by_key(|automation| automation.name.to_lowercase());
    Ok(AutomationList { automations })
}

pub(in crate::api) async fn get_automation(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<AutomationDetail> {
    hub.scripts().get(&by.id)
}

pub(in crate::api) async fn save_automation(
    hub: &Arc<Hub>,
    _: &Caller,
    save: SaveAutomation,
) -> Result<AutomationDetail> {
    let hub = hub.clone();
    blocking(move || {
        let id = hub.scripts().save(&hub, save.id, save.name.as_deref(), save.source)?;
        hub.scripts().get(&id)
    })
    .await
}

pub(in crate::api) async fn enable_automation(
    hub: &Arc<Hub>,
    _: &Caller,
    enable: EnableAutomation,
) -> Result<AutomationView> {
    let hub = hub.clone();
    blocking(move || {
        hub.scripts().enable(&hub, &enable.id, enable.enabled)?;
        Ok(hub.scripts().get(&enable.id)?.automation)
    })
    .await
}

pub(in crate::api) async fn remove_automation(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<Empty> {
    let hub = hub.clone();
    blocking(move || hub.scripts().remove(&hub, &by.id).map(|()| Empty {})).await
}

pub(in crate::api) async fn check_script(
    hub: &Arc<Hub>,
    _: &Caller,
    script: ScriptSource,
) -> Result<ScriptCheck> {
    let hub = hub.clone();
    blocking(move || {
        let found = Automations::examine(&script.source);
        let mut warnings = found.warnings;
        warnings.extend(found.triggers.iter().flat_map(|trigger| unknown_entities(&hub, trigger)));
        Ok(ScriptCheck {
            triggers: found.triggers.into_iter().map(|trigger| trigger.trigger).collect(),
            error: found.errors.into_iter().next(),
            warnings,
        })
    })
    .await
}

/// A trigger on an entity that does not exist never fires, and nothing else would say so.
fn unknown_entities(hub: &Hub, trigger: &TriggerInfo) -> Vec<ScriptError> {
    let home = hub.home.read();
    let unknown = trigger.entities.iter().filter_map(|entity| home.explain_unknown(entity));
    unknown.map(|message| ScriptError { message, line: trigger.line, column: None }).collect()
}

pub(in crate::api) async fn script_functions(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<ScriptFunctions> {
    let functions = automation::completions().into_iter();
    Ok(ScriptFunctions {
        functions: functions
            .map(|function| ScriptFunction {
                name: function.name,
                signature: function.signature,
                help: function.help,
            })
            .collect(),
    })
}

pub(in crate::api) async fn list_runs(hub: &Arc<Hub>, _: &Caller, wanted: ListRuns) -> Result<Runs> {
    let limit = at_most(wanted.limit, 50, store::run::RUNS_MAX);
    written(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        let newest = hub
            .db
            .read(|conn| store::run::newest(conn, wanted.automation.as_deref(), wanted.before_ms, limit));
        Ok(Runs { runs: newest.map_err(ApiError::internal)? })
    })
    .await
}
