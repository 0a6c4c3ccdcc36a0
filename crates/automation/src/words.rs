//! Faults of a script in words a person can act on.

use model::run::ScriptError;
use rhai::{Dynamic, EvalAltResult, ParseErrorType, Position};

use crate::convert::type_name_word;
use crate::engine::known_names;
use crate::guard::Stop;
use crate::limits::Limits;
use crate::reference::{ABSENT, FUNCTIONS, find};

/// What sort of failure it was; three of one sort at one place pause an automation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Syntax,
    Operations,
    Time,
    Memory,
    Size,
    Depth,
    Unknown,
    Types,
    Arithmetic,
    Thrown,
    Panic,
    Late,
    Loop,
    Other,
}

/// An error of one of Hearth's functions, in words, as Rhai carries it. Rhai adds the place.
pub(crate) fn fault(words: impl Into<String>) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(words.into()), Position::NONE))
}

/// A [`ScriptError`] at a place.
pub(crate) fn at(position: Position, message: impl Into<String>) -> ScriptError {
    ScriptError {
        message: message.into(),
        line: position.line().and_then(|line| u32::try_from(line).ok()),
        column: position.position().and_then(|column| u32::try_from(column).ok()),
    }
}

/// ` Did you mean ...?` with the nearest of the names, or nothing when none is near.
pub(crate) fn suggestion<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    const NAME_BYTES_MAX: usize = 64;
    if name.len() > NAME_BYTES_MAX {
        return String::new();
    }
    // A third of the letters may be wrong: `turn_onn`, `trun_on` and `publsh` are found, `x` is nothing.
    let allowed = (name.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map_or_else(String::new, |(_, candidate)| format!(" Did you mean `{candidate}`?"))
}

/// How many letters must be put in, taken out, changed or swapped with their neighbour (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// What to say about a function that does not exist, or not like this.
pub(crate) fn unknown_function<'a>(name: &str, own: impl IntoIterator<Item = &'a str>) -> String {
    if let Some((_, why)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
        return format!("There is no `{name}` in automations. {why}");
    }
    // Hearth's own come first: of two that are as near, `log` is meant rather than `ln`.
    let hearth = FUNCTIONS.iter().map(|function| -> &'a str { function.name });
    let near = suggestion(name, hearth.chain(own).chain(known_names().map(|name| -> &'a str { name })));
    let advice = if near.is_empty() { " The help lists the functions there are." } else { &near };
    format!("There is no function `{name}`.{advice}")
}

/// What to say about one of Hearth's functions called with too few or too many arguments, or the wrong ones.
pub(crate) fn wrong_arguments(name: &str, given: &str) -> Option<String> {
    find(name)
        .map(|function| format!("`{name}` is written `{}`; here it is given {given}.", function.signature))
}

/// The failure of a run, or of loading, as kind and words.
pub(crate) fn explain(error: &EvalAltResult, limits: &Limits) -> (Kind, ScriptError) {
    let (error, position) = innermost(error);
    let (kind, message) = sentence(error, limits);
    (kind, at(position, message))
}

/// The error itself and the nearest known place: a fault in a function is reported where it is, not where
/// the function was called.
fn innermost(mut error: &EvalAltResult) -> (&EvalAltResult, Position) {
    let mut position = error.position();
    while let EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) =
        error
    {
        error = inner;
        if !error.position().is_none() {
            position = error.position();
        }
    }
    (error, position)
}

fn sentence(error: &EvalAltResult, limits: &Limits) -> (Kind, String) {
    use EvalAltResult as E;
    match error {
        E::ErrorParsing(error, _) => (Kind::Syntax, syntax(error)),
        E::ErrorTooManyOperations(_) => (Kind::Operations, stopped(Stop::Operations, limits)),
        E::ErrorTerminated(token, _) => match token.clone().try_cast::<Stop>() {
            Some(stop) => (
                match stop {
                    Stop::Operations => Kind::Operations,
                    Stop::Time => Kind::Time,
                    Stop::Memory => Kind::Memory,
                },
                stopped(stop, limits),
            ),
            None => (Kind::Other, "The run was stopped.".to_owned()),
        },
        E::ErrorStackOverflow(_) => (
            Kind::Depth,
            format!(
                "Functions call each other more than {} levels deep. Check whether one calls itself without end.",
                limits.call_levels_max
            ),
        ),
        E::ErrorDataTooLarge(what, _) => (Kind::Size, too_large(what, limits)),
        E::ErrorTooManyVariables(_) => (
            Kind::Size,
            format!("More than {} variables at once. Use a list or a map.", limits.variables_max),
        ),
        E::ErrorVariableNotFound(name, _) if name.starts_with("global::") => (
            Kind::Unknown,
            format!(
                "`{name}` cannot be seen in a handler. Leave `global::` out; a handler keeps what it uses."
            ),
        ),
        E::ErrorVariableNotFound(name, _) => (
            Kind::Unknown,
            format!(
                "There is no variable `{name}` here. Define it with `let` before the handler that uses it."
            ),
        ),
        E::ErrorModuleNotFound(name, _) => {
            (Kind::Unknown, format!("There is no module `{name}`: a script cannot load other files."))
        }
        E::ErrorFunctionNotFound(signature, _) => function_not_found(signature),
        E::ErrorMismatchDataType(wanted, given, _) | E::ErrorMismatchOutputType(wanted, given, _) => (
            Kind::Types,
            format!(
                "A {} is needed here, not {}.",
                type_name_word(wanted),
                with_article(type_name_word(given))
            ),
        ),
        E::ErrorIndexingType(what, _) => {
            (Kind::Types, format!("`{what}`: this value has no fields or items. {UNKNOWN_ADVICE}"))
        }
        E::ErrorDotExpr(what, _) => (Kind::Types, dot(what)),
        E::ErrorPropertyNotFound(name, _) => {
            (Kind::Unknown, format!("The map has no field `{name}`. Test it with `\"{name}\" in map` first."))
        }
        E::ErrorArrayBounds(length, index, _) => (
            Kind::Types,
            format!("The list has {length} items; there is no item {index} (they count from 0)."),
        ),
        E::ErrorStringBounds(length, index, _) => (
            Kind::Types,
            format!("The text has {length} characters; there is no character {index} (they count from 0)."),
        ),
        E::ErrorFor(_) => {
            (Kind::Types, "`for` needs a list, a map's keys, or a range such as `0..10`.".to_owned())
        }
        E::ErrorArithmetic(what, _) => (Kind::Arithmetic, format!("The calculation failed: {what}.")),
        E::ErrorAssignmentToConstant(name, _) => {
            (Kind::Types, format!("`{name}` is a constant. Define it with `let` to change it."))
        }
        E::ErrorDataRace(name, _) => (
            Kind::Other,
            format!(
                "`{name}` is used while it is being changed, such as a list put into itself. Copy it first."
            ),
        ),
        E::ErrorRuntime(value, _) => match value.as_immutable_string_ref() {
            Ok(text) if !text.is_empty() => (Kind::Thrown, text.to_string()),
            _ if value.is_unit() => (Kind::Thrown, "The script threw an error without a text.".to_owned()),
            _ => (Kind::Thrown, format!("The script threw {value}.")),
        },
        other => (Kind::Other, format!("{other}.")),
    }
}

const UNKNOWN_ADVICE: &str = "The value is probably unknown; test it with `if x != ()` first.";

fn with_article(word: &str) -> String {
    if word.starts_with("nothing") { word.to_owned() } else { format!("a {word}") }
}

fn stopped(stop: Stop, limits: &Limits) -> String {
    match stop {
        Stop::Operations => format!(
            "Stopped after {} operations: probably a loop that does not end. Do less in one run.",
            limits.operations_max
        ),
        Stop::Time => format!(
            "Stopped after {} ms: a run must be quick so that others get their turn. Do less in one run.",
            limits.wall_ms
        ),
        Stop::Memory => format!(
            "Stopped because the script holds more than {} MiB. Keep less in its variables.",
            limits.memory_bytes_max >> 20
        ),
    }
}

fn too_large(what: &str, limits: &Limits) -> String {
    if what.contains("string") {
        format!("A text became longer than {} KiB, its largest size.", limits.text_bytes_max >> 10)
    } else if what.contains("map") {
        format!("A map got more than {} entries, its largest size.", limits.map_entries_max)
    } else {
        format!("A list got more than {} items, its largest size.", limits.array_items_max)
    }
}

fn dot(what: &str) -> String {
    // `Unknown property 'x' - a getter is not registered for type 'y'`
    let mut quoted = what.split('\'').skip(1).step_by(2);
    match (quoted.next(), quoted.next()) {
        (Some(property), Some("()")) => format!("`.{property}` of nothing (). {UNKNOWN_ADVICE}"),
        (Some(property), Some(owner)) => {
            format!(
                "{} has no `.{property}` that could be used here.",
                capital(&with_article(type_name_word(owner)))
            )
        }
        _ => format!("{what}."),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn function_not_found(signature: &str) -> (Kind, String) {
    let (name, arguments) = signature.split_once(" (").unwrap_or((signature, ""));
    let types: Vec<String> = arguments
        .trim_end_matches(')')
        .split(", ")
        .filter(|name| !name.is_empty())
        // `()` has lost its bracket to the trimming when it stood last.
        .map(|name| with_article(type_name_word(if name == "(" { "()" } else { name })))
        .collect();
    let given = match types.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    if !name.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        let unknown = types.iter().any(|name| name.starts_with("nothing"));
        let advice =
            if unknown { UNKNOWN_ADVICE } else { "Convert one of them first, such as with `to_float()`." };
        return (Kind::Types, format!("`{name}` does not work with {given}. {advice}"));
    }
    if let Some(words) = wrong_arguments(name, &given) {
        return (Kind::Types, words);
    }
    if known_names().any(|known| known == name) {
        return (Kind::Types, format!("`{name}` does not work with {given}."));
    }
    (Kind::Unknown, unknown_function(name, []))
}

fn syntax(error: &ParseErrorType) -> String {
    use ParseErrorType as P;
    match error {
        P::Reserved(word) | P::ForbiddenVariable(word) => absent(word)
            .unwrap_or_else(|| format!("`{word}` is a word of the language. Choose another name.")),
        P::BadInput(error) => {
            let text = error.to_string();
            match text.split('\'').nth(1).and_then(absent) {
                Some(words) => words,
                None => format!("This cannot be read: {text}."),
            }
        }
        P::UnknownOperator(word) => absent(word).unwrap_or_else(|| format!("There is no operator `{word}`.")),
        P::VariableUndefined(name) => format!(
            "There is no variable `{name}`. Define it with `let` before it is used; a function written with \
             `fn` sees only its own arguments."
        ),
        P::MissingToken(token, context) => format!("`{token}` is missing {context}.").replace(" .", "."),
        P::UnexpectedEOF => {
            "The script ends in the middle. Look for a `}` or `)` that is missing.".to_owned()
        }
        P::ExprTooDeep => "This expression is nested too deeply. Split it with `let`.".to_owned(),
        P::TooManyFunctions => "The script has too many functions. Split it into two automations.".to_owned(),
        P::LiteralTooLarge(what, max) => format!("{what} is over the limit of {max}."),
        other => format!("{other}."),
    }
}

fn absent(word: &str) -> Option<String> {
    ABSENT.iter().any(|(absent, _)| *absent == word).then(|| unknown_function(word, []))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        fn check(name: &str, expected: &str) {
            let names = ["turn_on", "turn_off", "publish", "log"];
            assert_eq!(suggestion(name, names), expected, "{name}");
        }
        check("turn_onn", " Did you mean `turn_on`?");
        check("trun_off", " Did you mean `turn_off`?");
        check("Publish", " Did you mean `publish`?");
        check("lgo", " Did you mean `log`?");
        check("elephant", "");
        check("", "");
    }
}
