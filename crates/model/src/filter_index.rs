//! From a topic to everyone whose filter matches it, in the time of the topic's levels.

use std::collections::HashMap;
use std::sync::Arc;

use crate::topic::TopicFilter;

/// Memory a level of a filter takes at most, beside its name: a node, its name's head, and a table that has it alone.
pub const LEVEL_BYTES: usize = 320;
/// A table or list with room for more than this is made smaller when it is mostly empty.
const ROOMY: usize = 16;

/// A trie over topic filters. `V` is whoever wants the messages; the same value may sit under many filters,
/// and is then visited once per filter.
#[derive(Debug)]
pub struct FilterIndex<V> {
    root: Node<V>,
    len: usize,
}

#[derive(Debug)]
struct Node<V> {
    /// Boxed: most tables have one entry and room for more.
    children: HashMap<Arc<str>, Box<Node<V>>>,
    plus: Option<Box<Node<V>>>,
    here: Vec<V>,
    hash: Vec<V>,
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self { children: HashMap::new(), plus: None, here: Vec::new(), hash: Vec::new() }
    }
}

impl<V> Node<V> {
    fn is_empty(&self) -> bool {
        self.children.is_empty() && self.plus.is_none() && self.here.is_empty() && self.hash.is_empty()
    }
}

impl<V> Default for FilterIndex<V> {
    fn default() -> Self {
        Self { root: Node::default(), len: 0 }
    }
}

impl<V> FilterIndex<V> {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many (filter, value) pairs it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a value under a filter.
    pub fn insert(&mut self, filter: &TopicFilter, value: V) {
        let mut node = &mut self.root;
        self.len += 1;
        for level in filter.as_str().split('/') {
            match level {
                "#" => {
                    node.hash.push(value);
                    return;
                }
                "+" => node = node.plus.get_or_insert_default(),
                _ => {
                    // `contains_key` first: most levels exist, and only a new one needs its name copied.
                    if !node.children.contains_key(level) {
                        node.children.insert(level.into(), Box::default());
                    }
                    node = node.children.get_mut(level).expect("inserted above");
                }
            }
        }
        node.here.push(value);
    }

    /// Takes out the values under exactly this filter for which `gone` says yes; returns how many.
    pub fn remove(&mut self, filter: &TopicFilter, gone: impl FnMut(&V) -> bool) -> usize {
        let levels: Vec<&str> = filter.as_str().split('/').collect();
        let removed = remove_below(&mut self.root, &levels, gone);
        self.len -= removed;
        removed
    }

    /// Calls `visit` for each value whose filter matches `topic`.
    pub fn for_each_match<'a>(&'a self, topic: &str, mut visit: impl FnMut(&'a V)) {
        let first_level_wild = !topic.starts_with('$');
        walk(&self.root, Some(topic), first_level_wild, &mut visit);
    }

    /// The values whose filter matches `topic`, collected.
    pub fn matches<'a>(&'a self, topic: &str) -> Vec<&'a V> {
        let mut found = Vec::new();
        self.for_each_match(topic, |value| found.push(value));
        found
    }
}

fn walk<'a, V>(node: &'a Node<V>, rest: Option<&str>, wild: bool, visit: &mut impl FnMut(&'a V)) {
    if wild {
        node.hash.iter().for_each(&mut *visit);
    }
    let Some(rest) = rest else {
        node.here.iter().for_each(visit);
        return;
    };
    let (level, rest) = match rest.split_once('/') {
        Some((level, rest)) => (level, Some(rest)),
        None => (rest, None),
    };
    if wild && let Some(plus) = &node.plus {
        walk(plus, rest, true, visit);
    }
    if !node.children.is_empty()
        && let Some(child) = node.children.get(level)
    {
        walk(child, rest, true, visit);
    }
}

fn remove_below<V>(node: &mut Node<V>, levels: &[&str], mut gone: impl FnMut(&V) -> bool) -> usize {
    let take = |values: &mut Vec<V>, gone: &mut dyn FnMut(&V) -> bool| {
        let before = values.len();
        values.retain(|value| !gone(value));
        if values.is_empty() || is_sparse(values.len(), values.capacity()) {
            values.shrink_to_fit();
        }
        before - values.len()
    };
    match levels {
        [] => take(&mut node.here, &mut gone),
        ["#"] => take(&mut node.hash, &mut gone),
        ["+", rest @ ..] => {
            let Some(plus) = &mut node.plus else { return 0 };
            let removed = remove_below(plus, rest, gone);
            if plus.is_empty() {
                node.plus = None;
            }
            removed
        }
        [level, rest @ ..] => {
            let Some(child) = node.children.get_mut(*level) else { return 0 };
            let removed = remove_below(child, rest, gone);
            if child.is_empty() {
                node.children.remove(*level);
                if is_sparse(node.children.len(), node.children.capacity()) {
                    node.children.shrink_to_fit();
                }
            }
            removed
        }
    }
}

/// What was large once must not stay so for the sake of the little that is left in it.
fn is_sparse(len: usize, capacity: usize) -> bool {
    capacity > ROOMY && len < capacity / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn level() -> impl Strategy<Value = &'static str> {
        prop_oneof![Just("a"), Just("b"), Just(""), Just("$x"), Just("ü")]
    }

    fn topic() -> impl Strategy<Value = String> {
        prop::collection::vec(level(), 1..5)
            .prop_map(|levels| levels.join("/"))
            .prop_filter("a topic has a character", |t| !t.is_empty())
    }

    fn filter() -> impl Strategy<Value = TopicFilter> {
        let level = prop_oneof![3 => level(), 1 => Just("+")];
        (prop::collection::vec(level, 0..4), any::<bool>()).prop_filter_map("valid", |(mut levels, hash)| {
            if hash {
                levels.push("#");
            }
            TopicFilter::new(&levels.join("/")).ok()
        })
    }

    #[test]
    fn a_level_that_had_many_names_does_not_keep_their_room() {
        let mut index = FilterIndex::new();
        let filter = |n: usize| TopicFilter::new(&format!("a/{n}")).unwrap();
        (0..1_000).for_each(|n| index.insert(&filter(n), n));
        (1..1_000).for_each(|n| assert_eq!(index.remove(&filter(n), |_| true), 1));
        (0..1_000).for_each(|n| index.insert(&filter(0), n));
        index.remove(&filter(0), |n| *n > 0);
        let names = &index.root.children["a"].children;
        assert!(names.capacity() <= ROOMY, "room for {} names", names.capacity());
        assert!(names["0"].here.capacity() <= ROOMY, "room for {} values", names["0"].here.capacity());
    }

    proptest! {
        #[test]
        fn the_trie_agrees_with_matching_one_by_one(
            filters in prop::collection::vec(filter(), 0..20),
            gone in prop::collection::vec(any::<bool>(), 20),
            topic in topic(),
        ) {
            let mut index = FilterIndex::new();
            for (i, filter) in filters.iter().enumerate() {
                index.insert(filter, i);
            }
            for (i, filter) in filters.iter().enumerate().filter(|(i, _)| gone[*i]) {
                prop_assert_eq!(index.remove(filter, |value| *value == i), 1);
            }
            let mut found: Vec<usize> = index.matches(&topic).into_iter().copied().collect();
            found.sort_unstable();
            let expected: Vec<usize> =
                (0..filters.len()).filter(|i| !gone[*i] && filters[*i].matches(&topic)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn removing_everything_leaves_an_empty_trie(filters in prop::collection::vec(filter(), 0..20)) {
            let mut index = FilterIndex::new();
            filters.iter().for_each(|filter| index.insert(filter, ()));
            filters.iter().for_each(|filter| { index.remove(filter, |()| true); });
            prop_assert!(index.is_empty() && index.root.is_empty());
        }
    }
}
