//! Two times of a template: what an announcement said is filled in when it comes, `value` when a message
//! comes or a command is given.

use std::collections::BTreeSet;

use minijinja::Value;
use serde_json::{Map, Value as Json};

use crate::template::{self, Path, TemplateError};

/// Fills in what `known` has and leaves the rest for later: the result stands for itself and can be stored.
pub(super) fn bind(source: &str, known: &Value) -> Result<String, TemplateError> {
    if !template::is_template(source) {
        return Ok(source.to_owned());
    }
    let names = template::variables(source)?;
    let root = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let is_known = |name: &str| known.get_attr(&root(name)).is_ok_and(|value| !value.is_undefined());
    if names.iter().all(|name| is_known(name)) {
        return template::render_once(source, known.clone());
    }
    if let Some(path) = pointed(source, known) {
        return Ok(path.to_template());
    }
    let mut bound = String::new();
    let roots: BTreeSet<String> = names.iter().filter(|name| is_known(name)).map(|name| root(name)).collect();
    for root in roots {
        let json = needed(known, &root, &names)?;
        bound.push_str(&format!("{{% set {root} = "));
        literal(&json, &mut bound);
        bound.push_str(" %}");
    }
    bound.push_str(source);
    Ok(bound)
}

/// `{{ value_json.a|at(path) }}` is a bare path once the path is known.
fn pointed(source: &str, known: &Value) -> Option<Path> {
    let inner = source.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let (before, filter) = inner.split_once('|')?;
    let before = before.trim().strip_prefix("value_json")?;
    let name = filter.trim().strip_prefix("at(")?.strip_suffix(')')?.trim();
    let rest: Json = serde_json::to_value(known.get_attr(name).ok()?).ok()?;
    Some(Path::parse(before)?.then(Path::from_json(&rest)?))
}

/// Of a known object only the members that are used, so that a stored template stays small.
fn needed(known: &Value, root: &str, names: &[String]) -> Result<Json, TemplateError> {
    let failed = |why: serde_json::Error| TemplateError::Failed(why.to_string());
    let whole = serde_json::to_value(known.get_attr(root)?).map_err(failed)?;
    let Json::Object(members) = &whole else { return Ok(whole) };
    if names.iter().any(|name| name == root) {
        return Ok(whole);
    }
    let prefix = format!("{root}.");
    let used = names.iter().filter_map(|name| name.strip_prefix(&prefix)?.split('.').next());
    let kept: Map<String, Json> =
        used.filter_map(|name| Some((name.to_owned(), members.get(name)?.clone()))).collect();
    Ok(Json::Object(kept))
}

/// JSON as a template writes it.
fn literal(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("none"),
        Json::Array(items) => {
            out.push('[');
            for item in items {
                literal(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (key, value) in members {
                literal(&Json::from(key.as_str()), out);
                out.push(':');
                literal(value, out);
                out.push(',');
            }
            // A brace of its own: `}}` would end nothing here, but `{%` and `%}` must not meet.
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn what_is_known_is_filled_in_and_the_rest_stays() {
        fn check(source: &str, expected: &str) {
            let known = context! {
                cfg => context! { state => ["OFF", "ON"], unused => "x".repeat(1000) },
                index1 => 2,
                path => crate::template::from_json(&serde_json::json!(["ENERGY", "Power", 0])),
                tele => "tele/plug/",
            };
            assert_eq!(bind(source, &known).as_deref(), Ok(expected));
        }
        check("plain", "plain");
        check("{{ tele }}STATE", "tele/plug/STATE");
        check("{{ value_json.a }}", "{{ value_json.a }}");
        check("{{ value_json|at(path) }}", "{{ value_json.ENERGY.Power[0] }}");
        check("{{ value_json.StatusSNS|at(path) }}", "{{ value_json.StatusSNS.ENERGY.Power[0] }}");
        check(
            r#"{{ value_json["POWER" ~ index1] }}"#,
            r#"{% set index1 = 2 %}{{ value_json["POWER" ~ index1] }}"#,
        );
        check(
            "{{ cfg.state[1] if value else cfg.state[0] }}",
            r#"{% set cfg = {"state":["OFF","ON",],} %}{{ cfg.state[1] if value else cfg.state[0] }}"#,
        );
    }

    #[test]
    fn a_bound_template_says_what_the_whole_one_would() {
        fn check(text: &str) {
            let known = context! { words => vec![text.to_owned()] };
            let bound = bind("{{ words[0] ~ value }}", &known).unwrap();
            let said = template::render_once(&bound, context! { value => "!" });
            assert_eq!(said, Ok(format!("{text}!")), "{bound}");
        }
        check("plain");
        check("it's \"quoted\" \\ {{ value }} %} {# x");
        check("Größe\n\t°C");
    }
}
