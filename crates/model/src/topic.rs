//! Topic names and topic filters: MQTT 5.0 section 4.7, MQTT 3.1.1 section 4.7.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest topic name or filter, in bytes (a two-byte length on the wire).
pub const TOPIC_BYTES_MAX: usize = 65_535;
/// Most levels a topic may have. The standard sets none; without one a single packet of slashes makes
/// every index as deep as the packet is long. Other brokers stop at 128 or 200.
pub const TOPIC_LEVELS_MAX: usize = 200;

/// What is wrong with a topic name or filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Section 4.7.3: at least one character.
    #[error("a topic cannot be empty")]
    Empty,
    /// Longer than [`TOPIC_BYTES_MAX`].
    #[error("a topic can have at most {TOPIC_BYTES_MAX} bytes; this one has {0}")]
    TooLong(usize),
    /// More than [`TOPIC_LEVELS_MAX`] levels.
    #[error("a topic can have at most {TOPIC_LEVELS_MAX} levels")]
    TooDeep,
    /// Section 1.5.4: no null character.
    #[error("a topic cannot contain a null character")]
    Null,
    /// Section 4.7.1: wildcards are for filters only.
    #[error("`+` and `#` belong in topic filters, not in a topic that is published to")]
    Wildcard,
    /// Section 4.7.1.2: `#` stands alone in the last level.
    #[error("`#` must be the last level of a filter and stand alone in it, as in `home/#`")]
    Hash,
    /// Section 4.7.1.3: `+` stands alone in its level.
    #[error("`+` must stand alone in its level, as in `home/+/state`")]
    Plus,
    /// Section 4.8.2: `$share/{name}/{filter}`.
    #[error("a shared subscription is written `$share/name/filter`")]
    Share,
}

/// Checks a topic name as a publisher may send it.
pub fn check_topic(topic: &str) -> Result<(), TopicError> {
    check_common(topic)?;
    if topic.contains(['+', '#']) {
        return Err(TopicError::Wildcard);
    }
    Ok(())
}

fn check_common(text: &str) -> Result<(), TopicError> {
    if text.is_empty() {
        return Err(TopicError::Empty);
    }
    if text.len() > TOPIC_BYTES_MAX {
        return Err(TopicError::TooLong(text.len()));
    }
    if text.contains('\0') {
        return Err(TopicError::Null);
    }
    if text.bytes().filter(|b| *b == b'/').count() >= TOPIC_LEVELS_MAX {
        return Err(TopicError::TooDeep);
    }
    Ok(())
}

/// A valid topic filter, without a `$share` prefix.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[cfg_attr(feature = "schema", schemars(with = "String"), ts(as = "String"))]
pub struct TopicFilter(Arc<str>);

impl TopicFilter {
    /// Checks and keeps a filter.
    pub fn new(text: &str) -> Result<Self, TopicError> {
        check_common(text)?;
        let mut levels = text.split('/').peekable();
        while let Some(level) = levels.next() {
            match level {
                "#" if levels.peek().is_some() => return Err(TopicError::Hash),
                "#" | "+" => {}
                _ if level.contains('#') => return Err(TopicError::Hash),
                _ if level.contains('+') => return Err(TopicError::Plus),
                _ => {}
            }
        }
        Ok(Self(text.into()))
    }

    /// Takes `$share/{group}/{filter}` apart; an ordinary filter has no group.
    pub fn parse_shared(text: &str) -> Result<(Option<Arc<str>>, Self), TopicError> {
        let Some(rest) = text.strip_prefix("$share/") else {
            return Ok((None, Self::new(text)?));
        };
        let (group, filter) = rest.split_once('/').ok_or(TopicError::Share)?;
        if group.is_empty() || group.contains(['+', '#', '\0']) || filter.is_empty() {
            return Err(TopicError::Share);
        }
        Ok((Some(group.into()), Self::new(filter)?))
    }

    /// The filter as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a message to `topic` is meant. Wildcards in the first level do not match topics that start
    /// with `$` (section 4.7.2).
    pub fn matches(&self, topic: &str) -> bool {
        if topic.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut filter = self.0.split('/');
        let mut levels = topic.split('/');
        loop {
            match (filter.next(), levels.next()) {
                (Some("#"), _) | (None, None) => return true,
                (Some("+"), Some(_)) => {}
                (Some(wanted), Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
    }

    /// Whether every topic that `other` matches is also matched by `self`: a subscription to `other` asks
    /// for nothing that `self` does not allow.
    pub fn covers(&self, other: &TopicFilter) -> bool {
        if other.0.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut mine = self.0.split('/');
        let mut theirs = other.0.split('/');
        loop {
            match (mine.next(), theirs.next()) {
                (Some("#"), _) | (None, None) => return true,
                (_, Some("#")) => return false,
                (Some("+"), Some(_)) => {}
                (Some(wanted), Some(level)) if wanted == level => {}
                _ => return false,
            }
        }
    }
}

impl fmt::Debug for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicFilter({})", self.0)
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TopicFilter {
    type Error = TopicError;
    fn try_from(text: String) -> Result<Self, TopicError> {
        Self::new(&text)
    }
}

impl From<TopicFilter> for String {
    fn from(filter: TopicFilter) -> String {
        filter.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_as_section_4_7_says() {
        fn check(filter: &str, topic: &str, expected: bool) {
            assert_eq!(TopicFilter::new(filter).unwrap().matches(topic), expected, "{filter} on {topic}");
        }
        check("sport/tennis/player1/#", "sport/tennis/player1", true);
        check("sport/tennis/player1/#", "sport/tennis/player1/ranking/won", true);
        check("sport/#", "sport", true);
        check("#", "a/b", true);
        check("#", "/", true);
        check("sport/tennis/+", "sport/tennis/player1", true);
        check("sport/tennis/+", "sport/tennis/player1/ranking", false);
        check("sport/+", "sport", false);
        check("sport/+", "sport/", true);
        check("+/+", "/finance", true);
        check("/+", "/finance", true);
        check("+", "/finance", false);
        check("#", "$SYS/uptime", false);
        check("+/uptime", "$SYS/uptime", false);
        check("$SYS/#", "$SYS/uptime", true);
        check("a/b", "a/B", false);
        check("Über/+", "Über/licht", true);
    }

    #[test]
    fn invalid_filters_are_refused_with_the_reason() {
        fn check(filter: &str, expected: TopicError) {
            assert_eq!(TopicFilter::new(filter), Err(expected), "{filter}");
        }
        check("", TopicError::Empty);
        check("a/#/b", TopicError::Hash);
        check("a/b#", TopicError::Hash);
        check("a+/b", TopicError::Plus);
        check("a\0", TopicError::Null);
        check(&"/".repeat(200), TopicError::TooDeep);
        check(&"x".repeat(65_536), TopicError::TooLong(65_536));
    }

    #[test]
    fn topics_have_no_wildcards() {
        assert_eq!(check_topic("a/+"), Err(TopicError::Wildcard));
        assert_eq!(check_topic("a/#"), Err(TopicError::Wildcard));
        assert_eq!(check_topic("/"), Ok(()));
    }

    #[test]
    fn a_filter_covers_what_it_is_wider_than() {
        fn check(wide: &str, narrow: &str, expected: bool) {
            let (wide, narrow) = (TopicFilter::new(wide).unwrap(), TopicFilter::new(narrow).unwrap());
            assert_eq!(wide.covers(&narrow), expected, "{wide} over {narrow}");
        }
        check("#", "a/+/b", true);
        check("a/#", "a/+/b", true);
        check("a/#", "a", true);
        check("a/+", "a/#", false);
        check("a/+", "a/b", true);
        check("a/b", "a/+", false);
        check("#", "$SYS/#", false);
        check("a/+/c", "a/+/c", true);
    }

    #[test]
    fn shared_filters_are_taken_apart() {
        let (group, filter) = TopicFilter::parse_shared("$share/g/a/#").unwrap();
        assert_eq!((group.as_deref(), filter.as_str()), (Some("g"), "a/#"));
        assert_eq!(TopicFilter::parse_shared("$share/g"), Err(TopicError::Share));
        assert_eq!(TopicFilter::parse_shared("$share/+/a"), Err(TopicError::Share));
        assert_eq!(TopicFilter::parse_shared("$share/\0/a"), Err(TopicError::Share));
    }
}
