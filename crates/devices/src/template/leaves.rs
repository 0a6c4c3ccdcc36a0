//! `leaves(json, depth=3, skip=[..])`: every value in a nested JSON, with the way to it. Profiles make one
//! sensor of each.

use minijinja::value::{Kwargs, Value};
use minijinja::{Error, State};
use serde_json::{Value as Json, json};

/// Lists what hangs in `tree`: `{path, key, value}` each, in the order of the JSON. Values deeper than
/// `depth` keys are left out; an index into a list is no key.
pub(super) fn leaves(state: &State, tree: Value, kwargs: Kwargs) -> Result<Value, Error> {
    let depth = super::filters::depth(&kwargs)?.get();
    let skip: Option<Vec<String>> = kwargs.get("skip")?;
    kwargs.assert_all_used()?;
    if tree.is_undefined() || tree.is_none() {
        return Ok(Value::from(Vec::<Value>::new()));
    }
    let json = serde_json::to_value(&tree)
        .map_err(|why| Error::new(minijinja::ErrorKind::InvalidOperation, why.to_string()))?;
    let mut found = Vec::new();
    collect(&json, &mut Vec::new(), "", depth, &skip.unwrap_or_default(), &mut found);
    state.consume_fuel(found.len() as u64 * 10)?;
    Ok(super::from_json(&Json::Array(found)))
}

fn collect(
    json: &Json,
    path: &mut Vec<Json>,
    key: &str,
    depth: usize,
    skip: &[String],
    found: &mut Vec<Json>,
) {
    if found.len() >= crate::limits::ENTITIES_PER_DEVICE_MAX {
        return;
    }
    match json {
        Json::Object(members) if depth > 0 => {
            for (key, value) in members.iter().filter(|(key, _)| !skip.contains(key)) {
                path.push(json!(key));
                collect(value, path, key, depth - 1, skip, found);
                path.pop();
            }
        }
        Json::Array(items) if !path.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                // A list of lists or objects has no names for its parts.
                if !value.is_object() && !value.is_array() {
                    path.push(json!(index));
                    found.push(json!({"path": path, "key": key, "value": value}));
                    path.pop();
                }
            }
        }
        Json::Object(_) | Json::Array(_) => {}
        scalar if !path.is_empty() => found.push(json!({"path": path, "key": key, "value": scalar})),
        _ => {}
    }
}
