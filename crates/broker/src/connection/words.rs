//! The reason strings of refusals (MQTT 5, section 4.10 names where they may stand), for whoever debugs a client.

use model::TopicFilter;

use crate::session::Session;
use crate::sys::is_sys;
use crate::telling::cut;
use crate::watch::{Action, TOLD_TOPIC_BYTES_MAX};

/// Rules named in one text.
const RULES_MAX: usize = 5;

/// Which rule said no.
pub(super) fn denied(session: &Session, topic: &str, action: Action) -> String {
    if action == Action::Publish && is_sys(topic) {
        return "Topics under $SYS belong to the broker; clients cannot publish there".to_owned();
    }
    let state = session.lock();
    let rules: &[TopicFilter] = match (&state.permissions, action) {
        (None, _) => &[],
        (Some(permissions), Action::Publish | Action::Will { .. }) => &permissions.write,
        (Some(permissions), Action::Subscribe | Action::Receive) => &permissions.read,
    };
    let verb = if action == Action::Publish { "publish" } else { "subscribe" };
    if rules.is_empty() {
        return format!("The credential {} may not {verb} at all", state.user);
    }
    let mut named: Vec<&str> = rules.iter().take(RULES_MAX).map(TopicFilter::as_str).collect();
    if rules.len() > RULES_MAX {
        named.push("...");
    }
    let topic = cut(topic, TOLD_TOPIC_BYTES_MAX);
    format!("None of the {verb} rules of the credential {} covers {topic}: {}", state.user, named.join(", "))
}
