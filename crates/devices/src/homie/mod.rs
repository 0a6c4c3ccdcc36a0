//! The Homie conventions 3, 4 and 5: a device describes itself in topics of its own.
//! Source: homieiot/convention, versions 3.0.1, 4.0.0 and 5.0.
//!
//! Versions 3 and 4 spread the description over a tree of topics; version 5 puts it into one JSON document. Both
//! become the same [`shape::Shape`], and that becomes entities.

mod class;
mod document;
mod entity;
mod format;
mod payload;
mod shape;
mod stats;
mod topics;
mod tree;

use std::collections::BTreeMap;

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind};
use model::TopicFilter;
use serde_json::Value as Json;

use crate::announcement::{Announcement, Problem};
use topics::Place;

pub use format::{Datatype, Definition};

/// What may bring a part of a description, whatever the domain is called.
pub(crate) fn filters() -> Vec<TopicFilter> {
    topics::FILTERS.iter().filter_map(|filter| TopicFilter::new(filter).ok()).collect()
}

/// One attribute of a device.
pub(crate) struct Attribute {
    /// Which device it is of: `homie/5/lamp`.
    pub(crate) root: String,
    /// The rest of the topic: `light/power/$name`.
    pub(crate) name: String,
    /// `None` takes it away.
    pub(crate) value: Option<Json>,
}

/// Reads a topic as an attribute. `None` if it is none.
pub(crate) fn hear(topic: &str, payload: &[u8]) -> Option<Result<Attribute, Problem>> {
    let place = Place::of(topic)?;
    if stats::is_stat(place.attribute) && !stats::is_known(place.attribute) {
        return None;
    }
    Some(place.read(payload).map(|value| Attribute {
        root: place.root.to_owned(),
        name: place.attribute.to_owned(),
        value,
    }))
}

/// Whether a device begins to announce itself with this attribute. What comes late of one that was removed does not.
pub(crate) fn begins(attribute: &Attribute) -> bool {
    match attribute.name.as_str() {
        "$homie" | "$description" => attribute.value.is_some(),
        "$state" => attribute.value.as_ref().and_then(Json::as_str) == Some("init"),
        _ => false,
    }
}

/// Puts the attributes of a device together. `said` is the one that came last: with `$state` the device says
/// that it has said everything, so that what is missing then stays missing. A statistic comes after that; of a
/// device that is away the last will said it.
pub(crate) fn describe(
    profile: &str,
    root: &str,
    attributes: &BTreeMap<String, Json>,
    said: &str,
) -> Announcement {
    let state = match attributes.get("$state").and_then(Json::as_str) {
        None if said == "$state" => return Announcement::Removed,
        None | Some("init") => return Announcement::Waiting,
        Some(state) => state,
    };
    let shape = match attributes.get("$description") {
        Some(document) => document::read(document),
        None if topics::is_version_5(root) => return Announcement::Waiting,
        None => {
            let is_over = said == "$state" || stats::is_stat(said);
            let is_away = matches!(state, "lost" | "disconnected");
            tree::read(attributes, is_over && !is_away)
        }
    };
    match shape {
        Ok(Some(shape)) => Announcement::Described(Box::new(entity::device(profile, root, state, shape))),
        Ok(None) => Announcement::Waiting,
        Err(problem) => Announcement::Refused(problem),
    }
}

/// Whether an id may stand in a topic of version 5.
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What templates of Homie entities call: `value | homie('float', '0:10:2')` is the value as the format allows it,
/// or nothing; `value | homie_color('rgb')` is a colour as an object, and `homie_paint` makes a payload of one.
pub(crate) fn add_to(env: &mut Environment<'static>) {
    env.add_filter("homie", |value: Value, datatype: String, format: Option<String>, named: Kwargs| {
        let now: Option<f64> = named.get("now")?;
        named.assert_all_used()?;
        let invalid = |why: String| Error::new(ErrorKind::InvalidOperation, why);
        let definition = Definition::new(&datatype, format.as_deref()).map_err(invalid)?;
        definition.read(&crate::template::print(&value), now).map_err(invalid)
    });
    env.add_filter("homie_color", |value: String, space: String| -> Value {
        payload::color(&value, &space).map_or(Value::UNDEFINED, |color| crate::template::from_json(&color))
    });
    env.add_function("homie_paint", |space: String, tagged: bool, rgb: Value, brightness: Value| -> String {
        let rgb = serde_json::to_value(rgb).ok().and_then(|rgb| serde_json::from_value(rgb).ok());
        payload::paint(&space, tagged, rgb, f64::try_from(brightness).ok())
    });
}
