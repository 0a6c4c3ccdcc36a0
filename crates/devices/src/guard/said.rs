//! What stands in a JSON object, read so that no firmware can read it otherwise: what is written twice, or is too much
//! to look at, is not read at all.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

/// Most leaves of a JSON payload that are compared.
pub(super) const LEAVES_MAX: usize = 64;
/// Largest number of a part of a device; a firmware may cut a larger one short, and mean another part.
const PART_MAX: f64 = 65_535.0;

/// The members that lead to a leaf, in small letters: firmwares may not care for their case.
pub(super) type Path = Vec<String>;

/// The leaves of an object.
pub(super) type Leaves = BTreeMap<Path, Json>;

/// The leaves of an object as it is written; `None` if it is none, or can be read in more than one way.
pub(super) fn leaves(text: &str) -> Option<Leaves> {
    let Once(json) = serde_json::from_str(text).ok()?;
    let mut found = Leaves::new();
    (json.is_object() && walk(&json, &mut Vec::new(), &mut found)).then_some(found)
}

fn walk(json: &Json, path: &mut Path, into: &mut Leaves) -> bool {
    if let Json::Object(members) = json {
        return members.iter().all(|(name, member)| {
            path.push(name.to_lowercase());
            let fits = walk(member, path, into);
            path.pop();
            fits
        });
    }
    into.len() < LEAVES_MAX && into.insert(path.clone(), json.clone()).is_none()
}

/// Whether two values name the same part of a device; `None` if that cannot be said.
pub(super) fn is_same_part(one: &Json, other: &Json) -> Option<bool> {
    if let (Json::String(one), Json::String(other)) = (one, other)
        && (one.trim().parse::<f64>().is_err() || one == other)
    {
        return Some(one.eq_ignore_ascii_case(other));
    }
    Some(part(one)?.total_cmp(&part(other)?).is_eq())
}

fn part(json: &Json) -> Option<f64> {
    let number = match json {
        Json::Number(number) => number.as_f64()?,
        Json::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    // Zero has two signs.
    ((0.0..=PART_MAX).contains(&number) && number.fract() == 0.0).then_some(number.abs())
}

/// JSON in which no object has a member twice.
struct Once(Json);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading).map(Once)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Json;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Json, E> {
        Ok(is.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Json::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut all = Map::new();
        while let Some((name, Once(member))) = members.next_entry::<String, _>()? {
            if all.insert(name, member).is_some() {
                return Err(A::Error::custom("a member is written twice"));
            }
        }
        Ok(Json::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        fn check(text: &str, expected: Option<&[&[&str]]>) {
            let found = leaves(text).map(|found| found.into_keys().collect::<Vec<_>>());
            let expected = expected.map(|paths| paths.iter().map(|path| path.to_vec()).collect::<Vec<_>>());
            let found = found.as_ref().map(|found| {
                found.iter().map(|path| path.iter().map(String::as_str).collect()).collect::<Vec<Vec<_>>>()
            });
            assert_eq!(found, expected, "{text}");
        }
        check(r#"{"a":{"b":1},"C":[1]}"#, Some(&[&["a", "b"], &["c"]]));
        check(r#"{"a.b":1,"a":{"b":2}}"#, Some(&[&["a", "b"], &["a.b"]]));
        check(r#"{"a":1,"a":2}"#, None);
        check(r#"{"a":1,"A":2}"#, None);
        check(r#"{"a":{"b":1,"b":1}}"#, None);
        check("[1]", None);
        check(r#"{"a":1} more"#, None);
        let many = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!(r#""k{n}":{n}"#)).collect();
            format!("{{{}}}", members.join(","))
        };
        assert_eq!(leaves(&many(LEAVES_MAX)).map(|found| found.len()), Some(LEAVES_MAX));
        check(&many(LEAVES_MAX + 1), None);
    }

    #[test]
    fn a_part_is_the_same_however_its_number_is_written() {
        fn check(one: Json, other: Json, expected: Option<bool>) {
            assert_eq!(is_same_part(&one, &other), expected, "{one} {other}");
        }
        check(json!(0), json!(0.0), Some(true));
        check(json!(0), json!(-0.0), Some(true));
        check(json!(0), json!("0"), Some(true));
        check(json!(0), json!(" 00 "), Some(true));
        check(json!(0), json!(1), Some(false));
        check(json!(0), json!("1"), Some(false));
        check(json!(0), json!(0.5), None);
        check(json!(0), json!(65_536), None);
        check(json!(0), json!(null), None);
        check(json!(0), json!(false), None);
        check(json!("left"), json!("LEFT"), Some(true));
        check(json!("left"), json!("right"), Some(false));
        check(json!("left"), json!(0), None);
        check(json!("1"), json!("01"), Some(true));
    }
}
