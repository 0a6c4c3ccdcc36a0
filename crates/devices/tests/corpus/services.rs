//! The arguments of Home Assistant's services, as its tests call them.

use serde_json::{Map, Value as Json};

/// A call: the service's verb, whom it is for, and what with.
pub(crate) struct Call<'a> {
    pub(crate) component: &'a str,
    pub(crate) verb: &'a str,
    /// An entity's name in the row; all of the component if there is none.
    pub(crate) entity: Option<String>,
    pub(crate) with: Map<String, Json>,
}

impl<'a> Call<'a> {
    /// Reads a `call` step. What stands by position has the names the tests' helper functions give it.
    pub(crate) fn read(step: &'a Json) -> Option<Self> {
        let (component, verb) = step.get("service")?.as_str()?.split_once('.')?;
        let mut with = step.get("kwargs").and_then(Json::as_object).cloned().unwrap_or_default();
        let mut entity = with.remove("entity_id").and_then(|id| id.as_str().map(ToOwned::to_owned));
        let mut names = positions(component, verb).iter();
        for arg in step.get("args").and_then(Json::as_array).into_iter().flatten() {
            match arg.as_str() {
                Some(id) if id.starts_with(component) && id[component.len()..].starts_with('.') => {
                    entity = Some(id.to_owned());
                }
                _ => {
                    if let Some(name) = names.next() {
                        with.insert((*name).to_owned(), arg.clone());
                    }
                }
            }
        }
        with.retain(|_, arg| !arg.is_null());
        Some(Self { component, verb, entity: entity.filter(|id| id != "all"), with })
    }
}

fn positions(component: &str, verb: &str) -> &'static [&'static str] {
    match (component, verb) {
        ("alarm_control_panel", _) => &["code"],
        ("vacuum", "send_command") => &["command", "params"],
        (_, "set_fan_mode") => &["fan_mode"],
        (_, "set_swing_mode") => &["swing_mode"],
        (_, "set_hvac_mode") => &["hvac_mode"],
        (_, "set_preset_mode") => &["preset_mode"],
        (_, "set_aux_heat") => &["aux_heat"],
        (_, "set_percentage" | "increase_speed" | "decrease_speed") => &["percentage"],
        (_, "oscillate") => &["oscillating"],
        (_, "set_direction") => &["direction"],
        (_, "set_speed") => &["speed"],
        (_, "set_fan_speed") => &["fan_speed"],
        (_, "set_humidity") => &["humidity"],
        (_, "set_mode") => &["mode"],
        (_, "set_operation_mode") => &["operation_mode"],
        (_, "set_temperature") => &["temperature"],
        ("fan", "turn_on") => &["percentage", "preset_mode"],
        _ => &[],
    }
}
