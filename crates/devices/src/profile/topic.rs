//! Topics with captures: `tasmota/discovery/{mac}/config`.

use std::collections::BTreeMap;

use model::TopicFilter;

/// A topic pattern. A capture stands for a part of one level.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    filter: TopicFilter,
    levels: Vec<Level>,
}

#[derive(Debug, Clone)]
enum Level {
    Fixed(String),
    Capture { before: String, name: String, after: String },
}

impl Pattern {
    /// Reads a pattern. In words if it is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let levels = text.split('/').map(level).collect::<Result<Vec<_>, _>>()?;
        let filter: Vec<&str> = levels
            .iter()
            .map(|level| match level {
                Level::Fixed(text) => text,
                Level::Capture { .. } => "+",
            })
            .collect();
        let filter = TopicFilter::new(&filter.join("/")).map_err(|why| why.to_string())?;
        Ok(Self { filter, levels })
    }

    pub(super) fn filter(&self) -> &TopicFilter {
        &self.filter
    }

    /// The names of its captures.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.levels.iter().filter_map(|level| match level {
            Level::Fixed(_) => None,
            Level::Capture { name, .. } => Some(name),
        })
    }

    /// What the captures stand for in a topic.
    pub(super) fn captures(&self, topic: &str) -> Option<BTreeMap<String, String>> {
        let mut captures = BTreeMap::new();
        let mut levels = topic.split('/');
        for expected in &self.levels {
            let level = levels.next()?;
            match expected {
                Level::Fixed(text) if text == level => {}
                Level::Fixed(_) => return None,
                Level::Capture { before, name, after } => {
                    let value = level.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
                    if value.is_empty() {
                        return None;
                    }
                    captures.insert(name.clone(), value.to_owned());
                }
            }
        }
        levels.next().is_none().then_some(captures)
    }
}

fn level(text: &str) -> Result<Level, String> {
    let Some((before, rest)) = text.split_once('{') else {
        return if text.contains('}') {
            Err(format!("`{text}` closes a brace it does not open"))
        } else {
            Ok(Level::Fixed(text.to_owned()))
        };
    };
    let (name, after) =
        rest.split_once('}').ok_or_else(|| format!("`{text}` opens a brace and does not close it"))?;
    if name.is_empty()
        || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        || after.contains(['{', '}'])
    {
        return Err(format!("`{text}` can hold one capture, written {{name}}"));
    }
    Ok(Level::Capture { before: before.to_owned(), name: name.to_owned(), after: after.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_parts_of_levels() {
        fn check(pattern: &str, topic: &str, expected: Option<&str>) {
            let captures = Pattern::parse(pattern).unwrap().captures(topic);
            assert_eq!(
                captures.and_then(|c| c.get("x").cloned()).as_deref(),
                expected,
                "{pattern} on {topic}"
            );
        }
        check("a/{x}/b", "a/1/b", Some("1"));
        check("a/{x}/b", "a/1/c", None);
        check("a/{x}", "a/1/b", None);
        check("a/dev-{x}.y", "a/dev-12.y", Some("12"));
        check("a/dev-{x}", "a/dev-", None);
        for wrong in ["a/{x", "a/x}", "a/{x}{y}", "a/{}", "a/#/{x}"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
