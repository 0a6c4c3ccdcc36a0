//! Locks that take a code: they compare it, the hub only looks whether it has the form they announced.

use model::features::LockFeatures;

use super::report::Change;
use super::wish::{Order, Wish, variable};
use crate::error::CommandError;
use crate::template;

/// The messages of a verb. A code that cannot be one sends nothing.
pub(super) fn command(wish: &mut Wish, features: &LockFeatures) -> Result<Order, CommandError> {
    let verb = wish.verb;
    let code = wish.args.take("code").or_else(|| wish.main()).map(|code| template::print_json(&code));
    if !wish.has(verb) {
        return Err(wish.unknown_verb());
    }
    let begins_with = |form: &str, code: &str| template::matches(&format!("(?:{form})(?s:.*)"), code);
    if let Some(form) = &features.code_format
        && !begins_with(form, code.as_deref().unwrap_or_default()).unwrap_or(true)
    {
        return Err(wish.bad_value(match code {
            Some(_) => format!("the code does not match {form}"),
            None => "it wants its code: give it as `code`".to_owned(),
        }));
    }
    let given = code.map_or(().into(), minijinja::Value::from);
    let mut order = Order::of(wish.send(verb, vec![variable("code", given)])?);
    let then = match verb {
        "lock" => "locked",
        "unlock" => "unlocked",
        verb => verb,
    };
    order.assume(wish, Change::text(then));
    Ok(order)
}
