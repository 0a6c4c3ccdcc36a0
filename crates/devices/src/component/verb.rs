//! Verbs: the names Home Assistant's services have, and the ones commands are kept under.

use model::Component;

/// The verb a service name stands for; other verbs are as they are.
pub(crate) fn plain(component: Component, verb: &str) -> &str {
    match (component, verb) {
        (Component::Cover, "open_cover") | (Component::Valve, "open_valve") => "open",
        (Component::Cover, "close_cover") | (Component::Valve, "close_valve") => "close",
        (Component::Cover, "stop_cover") | (Component::Valve, "stop_valve") => "stop",
        (Component::Cover, "set_cover_position") | (Component::Valve, "set_valve_position") => "set_position",
        (Component::Cover, "open_cover_tilt") => "open_tilt",
        (Component::Cover, "close_cover_tilt") => "close_tilt",
        (Component::Cover, "stop_cover_tilt") => "stop_tilt",
        (Component::Cover, "set_cover_tilt_position") => "set_tilt",
        (Component::Cover, "toggle_cover_tilt") => "toggle_tilt",
        (Component::Climate, "set_hvac_mode") => "set_mode",
        (Component::WaterHeater, "set_operation_mode") => "set_mode",
        (Component::Select, "select_option") => "set",
        (Component::Number | Component::Text, "set_value") => "set",
        (Component::Notify, "send_message") => "send",
        (Component::AlarmControlPanel, _) => verb.strip_prefix("alarm_").unwrap_or(verb),
        _ => verb,
    }
}

/// What the one argument of a verb is called when it has a name.
pub(crate) fn argument(component: Component, verb: &str) -> &str {
    match (component, verb) {
        (Component::Select, "set") => "option",
        (_, "set") => "value",
        (_, "set_tilt") => "tilt_position",
        (Component::Climate, "set_mode") => "hvac_mode",
        (Component::WaterHeater, "set_mode") => "operation_mode",
        (Component::AlarmControlPanel, _) => "code",
        (_, "send") => "message",
        (_, "oscillate") => "oscillating",
        (_, "send_command") => "command",
        (_, "increase_speed" | "decrease_speed") => "percentage_step",
        _ => verb.strip_prefix("set_").unwrap_or("value"),
    }
}
