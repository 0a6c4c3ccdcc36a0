//! Alarm control panels: armed and disarmed, with a code if they want one.

use model::features::AlarmFeatures;
use serde_json::Value as Json;

use super::report::Change;
use super::wish::{Order, Wish, variable};
use crate::error::CommandError;
use crate::template;

/// The messages of a verb. A code that is to be compared here and is wrong sends nothing.
pub(super) fn command(wish: &mut Wish, features: &AlarmFeatures) -> Result<Order, CommandError> {
    let verb = wish.verb;
    let code = wish.main().map(|json| match json {
        Json::String(code) => code,
        other => template::print_json(&other),
    });
    let required = match verb {
        "disarm" => features.code_disarm_required,
        "trigger" => features.code_trigger_required,
        _ => features.code_arm_required,
    };
    if required && features.wants_code && !is_right(features, code.as_deref()) {
        return Err(wish.bad_value(match code {
            Some(_) => "the code is wrong".to_owned(),
            None => "it wants its code: give it as `code`".to_owned(),
        }));
    }
    if !wish.has(verb) {
        return Err(wish.unknown_verb());
    }
    let given = code.map_or(().into(), minijinja::Value::from);
    let mut order = Order::of(wish.send(verb, vec![variable("code", given)])?);
    let then = match verb {
        "disarm" => "disarmed".to_owned(),
        "trigger" => "triggered".to_owned(),
        arm => arm.replacen("arm_", "armed_", 1),
    };
    order.assume(wish, Change::text(&then));
    Ok(order)
}

/// A panel that compares codes itself takes any.
fn is_right(features: &AlarmFeatures, given: Option<&str>) -> bool {
    match (&features.code, given) {
        (Some(code), given) => given == Some(code),
        (None, given) => given.is_some(),
    }
}
