//! What a credential may write and read; nothing is allowed that no filter allows.

use serde::{Deserialize, Serialize};

use crate::topic::TopicFilter;

/// Most filters of one kind that a credential can have.
pub const FILTERS_MAX: usize = 256;

/// The filters of one credential. They may contain the placeholders `%u` (user) and `%c` (client id), which
/// [`Permissions::for_client`] fills in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Permissions {
    /// Topics it may publish to, wills included.
    pub write: Vec<TopicFilter>,
    /// Topics it may receive.
    pub read: Vec<TopicFilter>,
}

impl Permissions {
    /// Everything, `$SYS` included.
    pub fn all() -> Self {
        let filters =
            || ["#", "$SYS/#"].into_iter().filter_map(|text| TopicFilter::new(text).ok()).collect::<Vec<_>>();
        Self { write: filters(), read: filters() }
    }

    /// Fills in `%u` and `%c`. A user or client id with a wildcard or slash in it would widen the rule, and one that
    /// makes the first level start with `$` would lead to the server's own topics, so such a rule is left out.
    pub fn for_client(&self, user: &str, client_id: &str) -> Self {
        let fill = |filters: &[TopicFilter]| {
            filters.iter().filter_map(|filter| fill_in(filter, user, client_id)).collect::<Vec<_>>()
        };
        Self { write: fill(&self.write), read: fill(&self.read) }
    }

    /// What a credential may do while it learns: what it may do anyway, and everything else except publishing to
    /// topics that start with `$`, which are the server's own.
    pub fn while_learning(&self) -> Self {
        let with = |own: &[TopicFilter], more: &[&str]| {
            let more = more.iter().filter_map(|text| TopicFilter::new(text).ok());
            more.chain(own.iter().cloned()).collect()
        };
        Self { write: with(&self.write, &["#"]), read: with(&self.read, &["#", "$SYS/#"]) }
    }

    /// Whether a PUBLISH to this topic is allowed.
    pub fn may_write(&self, topic: &str) -> bool {
        self.write.iter().any(|filter| filter.matches(topic))
    }

    /// Whether a message of this topic may be delivered.
    pub fn may_read(&self, topic: &str) -> bool {
        self.read.iter().any(|filter| filter.matches(topic))
    }

    /// Whether every message a subscription could bring may be read.
    pub fn may_subscribe(&self, filter: &TopicFilter) -> bool {
        self.read.iter().any(|allowed| allowed.covers(filter))
    }
}

fn fill_in(filter: &TopicFilter, user: &str, client_id: &str) -> Option<TopicFilter> {
    let text = filter.as_str();
    if !text.contains('%') {
        return Some(filter.clone());
    }
    let widens = |part: &str| part.is_empty() || part.contains(['+', '#', '/']);
    if (text.contains("%u") && widens(user)) || (text.contains("%c") && widens(client_id)) {
        return None;
    }
    // One pass, so that a user called `%c` stays what it is.
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        filled.push_str(&rest[..at]);
        let (value, taken) = match rest.as_bytes().get(at + 1) {
            Some(b'u') => (user, 2),
            Some(b'c') => (client_id, 2),
            _ => ("%", 1),
        };
        filled.push_str(value);
        rest = &rest[at + taken..];
    }
    filled.push_str(rest);
    // Topics that start with `$` are the server's own: only a rule that says so itself may reach them.
    if filled.starts_with('$') && !text.starts_with('$') {
        return None;
    }
    TopicFilter::new(&filled).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions(write: &str) -> Permissions {
        Permissions { write: vec![TopicFilter::new(write).unwrap()], read: Vec::new() }
    }

    #[test]
    fn placeholders_are_filled_and_never_widen() {
        fn check(rule: &str, user: &str, client: &str, topic: &str, expected: bool) {
            let filled = permissions(rule).for_client(user, client);
            assert_eq!(filled.may_write(topic), expected, "{rule} for {user}/{client} on {topic}");
        }
        check("home/%u/#", "plug", "x", "home/plug/state", true);
        check("home/%u/#", "plug", "x", "home/lamp/state", false);
        check("home/%c/#", "plug", "#", "home/lamp/state", false);
        check("home/%c/#", "plug", "a/b", "home/a/b/c", false);
        check("%u/%c", "%c", "x", "%c/x", true);
        check("100%/#", "plug", "x", "100%/a", true);
        check("%c/#", "plug", "$SYS", "$SYS/broker/uptime", false);
        check("%u/#", "$SYS", "x", "$SYS/broker/uptime", false);
        check("%c%u/#", "YS", "$S", "$SYS/broker/uptime", false);
        check("$SYS/%c", "plug", "x", "$SYS/x", true);
        check("home/%c", "plug", "$x", "home/$x", true);
    }

    #[test]
    fn while_it_learns_all_is_allowed_but_to_speak_for_the_server() {
        let learning = Permissions::default().while_learning();
        assert!(learning.may_write("any/thing") && learning.may_read("any/thing"));
        assert!(learning.may_subscribe(&TopicFilter::new("#").unwrap()));
        assert!(learning.may_read("$SYS/broker/uptime") && !learning.may_write("$SYS/broker/uptime"));
        assert!(permissions("$SYS/own").while_learning().may_write("$SYS/own"));
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        let none = Permissions::default();
        assert!(!none.may_write("a") && !none.may_read("a"));
        assert!(!none.may_subscribe(&TopicFilter::new("a").unwrap()));
    }
}
