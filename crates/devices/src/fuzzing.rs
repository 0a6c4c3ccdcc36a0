//! A door for fuzzers, behind the feature `fuzzing`: templates with what they took, what a profile listens to, and
//! what a home has left over of devices that are gone. Nothing here is used by a hub.

use serde_json::Value as Json;

use crate::template::{self, Template, Templates};
use crate::{Home, Profile};

/// What came of a template that a home keeps.
#[derive(Debug)]
pub struct Kept {
    /// What it printed, or why not, in words.
    pub printed: Result<String, String>,
    /// What is left of the allowance.
    pub left: u64,
    /// The allowance was too little.
    pub is_wanting: bool,
    /// It is still kept when its only user has gone.
    pub is_left_over: bool,
}

/// Renders a template as state sources do. `None` if it cannot be kept, or needs no engine.
pub fn render_kept(source: &str, variables: &Json, allowed: u64) -> Option<Kept> {
    let mut templates = Templates::new();
    templates.allow(allowed);
    let template = Template::Kept(templates.acquire_kept(source)?);
    let printed = templates.render(source, template::from_json(variables)).map_err(|why| why.to_string());
    let (left, is_wanting) = templates.rest();
    templates.release(&template);
    Some(Kept { printed, left, is_wanting, is_left_over: templates.kept() > 0 })
}

/// Evaluates an expression, as profiles have them; printed.
pub fn expression(source: &str, variables: &Json) -> Result<String, String> {
    let value = template::evaluate(source, template::from_json(variables));
    value.map(|value| template::print(&value)).map_err(|why| why.to_string())
}

/// The topic filters a profile listens to for announcements.
pub fn filters(profile: &Profile) -> Vec<String> {
    profile.announce_filters().map(ToString::to_string).collect()
}

/// Topics and payloads of a profile's own samples.
pub fn samples(profile: &Profile) -> Vec<(String, String)> {
    profile.sample_messages().map(|(topic, payload)| (topic.to_owned(), payload.to_owned())).collect()
}

/// What a home keeps beside devices and entities. All 0 in an empty one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Leftovers {
    /// Topics that are listened to.
    pub topics: usize,
    /// Templates.
    pub templates: usize,
    /// Identities that lead to a device.
    pub identities: usize,
    /// Announcements that lead to a device.
    pub announcements: usize,
    /// Announcements that wait for the rest.
    pub pending: usize,
    /// Announcements that are said to be described, and are neither known nor waiting.
    pub described: usize,
    /// Places of entities that are neither taken nor free.
    pub slots: usize,
}

/// What it has left over.
pub fn leftovers(home: &Home) -> Leftovers {
    home.leftovers()
}
