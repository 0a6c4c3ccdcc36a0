//! Topics that give away a firmware which does not announce itself.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value as Known;
use regex::Regex;
use serde_json::{Map, Value as Json};

use super::Part;
use super::topic::Pattern;
use crate::limits::FINGERPRINT_BYTES_MAX;
use crate::template;

/// One such topic.
#[derive(Debug, Clone)]
pub(super) struct Fingerprint {
    pub(super) pattern: Pattern,
    pub(super) part: String,
    pub(super) payload: Option<Regex>,
    pub(super) when: Option<String>,
    pub(super) after: Option<String>,
    pub(super) keep: bool,
    pub(super) optional: bool,
}

impl Fingerprint {
    /// Reads a message. `shared` are the captures that all topics of the profile have: they say which device it
    /// is; the others tell the parts of a list apart.
    pub(super) fn hear(
        &self,
        profile: &str,
        shared: &BTreeSet<String>,
        topic: &str,
        payload: &[u8],
        is_said: &dyn Fn(&str, &str) -> bool,
    ) -> Option<Part> {
        if payload.is_empty() || payload.len() > FINGERPRINT_BYTES_MAX {
            return None;
        }
        let text = std::str::from_utf8(payload).ok()?;
        if self.payload.as_ref().is_some_and(|expected| !expected.is_match(text)) {
            return None;
        }
        let mut own = self.pattern.captures(topic)?;
        let captures: BTreeMap<String, String> =
            shared.iter().filter_map(|name| own.remove_entry(name)).collect();
        let key = key(profile, &captures);
        // Nearly all messages end here: their board is none of this firmware.
        if self.after.as_ref().is_some_and(|after| !is_said(&key, after)) {
            return None;
        }
        if let Some(when) = &self.when
            && !template::evaluate(when, known(captures.iter().chain(&own)))
                .is_ok_and(|value| value.is_true())
        {
            return None;
        }
        let (name, json) = if own.is_empty() {
            (self.part.clone(), if self.keep { Json::from(text) } else { Json::Bool(true) })
        } else {
            let values: Vec<&str> = own.values().map(String::as_str).collect();
            let name = format!("{}/{}", self.part, values.join("/"));
            let members = own.into_iter().map(|(name, value)| (name, Json::from(value)));
            (name, Json::Object(members.collect::<Map<_, _>>()))
        };
        Some(Part { name, json: Some(json), once: true, ..Part::new(key, captures) })
    }
}

fn known<'a>(captures: impl Iterator<Item = (&'a String, &'a String)>) -> Known {
    Known::from_pairs(captures.map(|(name, value)| (name.clone(), Known::from(value.as_str()))))
}

/// The identity of an announcement that is put together by what its topics capture.
pub(super) fn key(profile: &str, captures: &BTreeMap<String, String>) -> String {
    let joined: Vec<&str> = captures.values().map(String::as_str).collect();
    format!("{profile}:{}", joined.join("/"))
}
