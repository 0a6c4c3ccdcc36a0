//! The functions Hearth gives to scripts, with their words: for the editor, for error texts, for checks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::known_functions;
use crate::event;

/// What a [`Completion`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum CompletionKind {
    /// Makes a trigger, or hands one to a handler.
    Trigger,
    /// Does something in the house.
    Action,
    /// Reads something of the house.
    Read,
    /// A field of the event `e`.
    Field,
    /// Of the language itself.
    Language,
}

/// One function or field that a script can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Completion {
    /// Name.
    pub name: String,
    /// What it is.
    pub kind: CompletionKind,
    /// How it is written, such as `publish(topic, value, #{ qos, retain })`.
    pub signature: String,
    /// What it does, Markdown.
    pub help: String,
}

/// One of Hearth's own functions.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) kind: CompletionKind,
    pub(crate) signature: &'static str,
    pub(crate) help: &'static str,
}

const fn function(
    kind: CompletionKind,
    name: &'static str,
    signature: &'static str,
    help: &'static str,
) -> Function {
    Function { name, kind, signature, help }
}

use CompletionKind::{Action, Read, Trigger};

/// All of Hearth's functions.
pub(crate) const FUNCTIONS: [Function; 18] = [
    function(
        Trigger,
        "on",
        "on(trigger, |e| { ... })",
        "Runs the handler each time the trigger goes off. Stands at the top of the script, not in a handler. \
         Variables of the script that the handler uses keep their value from run to run.",
    ),
    function(
        Trigger,
        "topic",
        "topic(filter)",
        "Goes off for each message whose topic matches, such as `topic(\"home/+/button\")`. `+` stands for \
         one level, `#` for the rest.",
    ),
    function(
        Trigger,
        "changed",
        "changed(entity, #{ from, to })",
        "Goes off when the entity's value becomes another one. A list of entities watches them all. `from` \
         and `to` narrow it down and may be left out; `()` stands for unknown.",
    ),
    function(
        Trigger,
        "above",
        "above(entity, bound, #{ clear })",
        "Goes off when a number rises above the bound: once, and again only after it came back to `clear` \
         (the bound, if left out).",
    ),
    function(
        Trigger,
        "below",
        "below(entity, bound, #{ clear })",
        "Goes off when a number falls below the bound: once, and again only after it came back to `clear` \
         (the bound, if left out).",
    ),
    function(
        Trigger,
        "started",
        "started()",
        "Goes off once after the script was loaded: when Hearth starts, when the automation is switched on, \
         and after each change of it.",
    ),
    function(
        Action,
        "publish",
        "publish(topic, value, #{ qos, retain })",
        "Publishes a message. A list or map becomes JSON; `()` becomes an empty payload, which clears a \
         retained message. Done after the handler ends, in order.",
    ),
    function(Action, "turn_on", "turn_on(entity)", "Turns an entity on."),
    function(Action, "turn_off", "turn_off(entity)", "Turns an entity off."),
    function(
        Action,
        "toggle",
        "toggle(entity)",
        "Turns an entity off if it is on, and on if it is off. Refused while that is unknown.",
    ),
    function(
        Action,
        "command",
        "command(entity, verb, #{ value, ... })",
        "Gives an entity a command, such as `command(\"hall.light\", \"turn_on\", #{ brightness: 80 })` or \
         `command(\"hall.dimmer\", \"set\", #{ value: 40 })`.",
    ),
    function(Action, "log", "log(text)", "Writes a line into the run's log. `print` does the same."),
    function(Action, "warn", "warn(text)", "Writes a warning into the run's log."),
    function(
        Read,
        "get",
        "get(entity, field)",
        "The entity's value now: a number, a text, or `\"on\"` and `\"off\"`; `()` when unknown. With a \
         field, that attribute, such as `get(\"hall.light\", \"brightness\")`; the field `availability` is \
         `\"available\"`, `\"unavailable\"` or `\"asleep\"`.",
    ),
    function(Read, "now", "now()", "The time, ms since 1970 (UTC)."),
    function(
        Read,
        "round",
        "round(number, digits)",
        "The number rounded to so many digits after the point; to a whole number without `digits`.",
    ),
    function(
        Read,
        "replace",
        "text.replace(old, new)",
        "Replaces every occurrence in the text. Changes the text itself.",
    ),
    function(Read, "parse_json", "parse_json(text)", "Reads a text as JSON. An error if it is none."),
];

/// Functions that Rhai knows and Hearth's scripts have not, with the reason.
pub(crate) const ABSENT: [(&str, &str); 5] = [
    ("sleep", "Nothing waits in an automation: while it slept it could not react. Use a trigger instead."),
    ("timestamp", "Use `now()`, which gives ms since 1970."),
    ("eval", "A script cannot run text as a script. Write the code into the automation itself."),
    ("import", "A script cannot load other files. Put the functions into the automation itself."),
    ("export", "A script is not a module. Leave `export` out."),
];

/// One of Hearth's functions by name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Every function of Hearth, every field of the event `e`, and the language's own functions, for the
/// editor's completion and help.
pub fn completions() -> Vec<Completion> {
    let own = FUNCTIONS.iter().map(|function| Completion {
        name: function.name.to_owned(),
        kind: function.kind,
        signature: function.signature.to_owned(),
        help: function.help.to_owned(),
    });
    let fields = event::FIELDS.iter().map(|(name, help)| Completion {
        name: (*name).to_owned(),
        kind: CompletionKind::Field,
        signature: format!("e.{name}"),
        help: (*help).to_owned(),
    });
    own.chain(fields).chain(language()).collect()
}

/// The language's own functions, once per name, with what Rhai says about them.
fn language() -> impl Iterator<Item = Completion> {
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    for known in known_functions().iter().filter(|known| find(&known.name).is_none()) {
        let doc = found.entry(&known.name).or_default();
        if doc.is_empty() {
            *doc = &known.doc;
        }
    }
    found.into_iter().map(|(name, doc)| Completion {
        name: name.to_owned(),
        kind: CompletionKind::Language,
        signature: format!("{name}(...)"),
        help: doc.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::known_names;

    #[test]
    fn every_function_described_exists() {
        for function in &FUNCTIONS {
            assert!(known_names().any(|known| known == function.name), "{}", function.name);
        }
    }

    #[test]
    fn the_editor_is_told_each_name_once_with_words() {
        let completions = completions();
        assert!(completions.iter().any(|d| d.name == "turn_on" && d.signature == "turn_on(entity)"));
        assert!(completions.iter().any(|d| d.signature == "e.payload" && d.kind == CompletionKind::Field));
        assert!(completions.iter().any(|d| d.name == "to_upper" && !d.help.is_empty()));
        assert!(!completions.iter().any(|d| d.name == "sleep" || d.name == "timestamp"));
        assert!(known_names().all(|name| completions.iter().any(|d| d.name == name)));
    }
}
