//! Topic filters against an oracle that is written from section 4.7 of the MQTT standard and from nothing else:
//! level by level, by trying every way a wildcard may be meant, slow and plain.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use model::topic::check_topic;
use model::{FilterIndex, TopicFilter};
use proptest::prelude::*;

/// Section 4.7.1: `+` stands for one level, `#` for the parent and everything below it; section 4.7.2: a filter
/// that begins with a wildcard matches no topic that begins with `$`.
fn oracle(filter: &str, topic: &str) -> bool {
    fn levels(filter: &[String], topic: &[String]) -> bool {
        if filter.is_empty() {
            return topic.is_empty();
        }
        if filter[0] == "#" {
            return (0..=topic.len()).any(|below| levels(&filter[1..], &topic[below..]));
        }
        !topic.is_empty() && (filter[0] == "+" || filter[0] == topic[0]) && levels(&filter[1..], &topic[1..])
    }
    let split = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<String>>();
    let begins_wild = filter.starts_with('+') || filter.starts_with('#');
    !(begins_wild && topic.starts_with('$')) && levels(&split(filter), &split(topic))
}

/// Section 4.7.1 and 4.7.3: what a filter may look like.
fn oracle_valid(filter: &str) -> bool {
    let levels: Vec<&str> = filter.split('/').collect();
    let placed = levels.iter().enumerate().all(|(at, level)| {
        let alone = *level == "+" || (*level == "#" && at == levels.len() - 1);
        alone || !level.contains(['+', '#'])
    });
    !filter.is_empty() && !filter.contains('\0') && filter.len() <= 65_535 && placed
}

/// Section 4.8.2 of MQTT 5: `$share/`, a name without wildcards and slashes, a slash, then a filter.
fn oracle_shared(text: &str) -> Option<(Option<String>, String)> {
    let Some(rest) = text.strip_prefix("$share/") else {
        return oracle_valid(text).then(|| (None, text.to_owned()));
    };
    let (group, filter) = rest.split_once('/')?;
    let named = !group.is_empty() && !group.contains(['+', '#', '\0']);
    (named && oracle_valid(filter)).then(|| (Some(group.to_owned()), filter.to_owned()))
}

fn level() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "", "$", "$SYS", "ü", "日本", "a ", "$share"]).prop_map(str::to_owned),
        1 => "\\PC{0,3}".prop_map(|text| text.replace(['/', '+', '#', '\0'], "")),
    ]
}

fn topic() -> impl Strategy<Value = String> {
    prop::collection::vec(level(), 1..6)
        .prop_map(|levels| levels.join("/"))
        .prop_filter("a topic has a character", |topic| !topic.is_empty())
}

fn filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![4 => level(), 2 => Just("+".to_owned())];
    (prop::collection::vec(level, 0..6), any::<bool>())
        .prop_map(|(mut levels, hash)| {
            if hash {
                levels.push("#".to_owned());
            }
            levels.join("/")
        })
        .prop_filter("a filter has a character", |filter| !filter.is_empty())
}

/// A topic, and a filter made from it by turning levels into wildcards: it matches more often than chance would.
fn topic_and_filter() -> impl Strategy<Value = (String, String)> {
    (topic(), prop::collection::vec(0u8..4, 6), 0usize..8).prop_map(|(topic, turns, cut)| {
        let mut levels: Vec<&str> = topic.split('/').collect();
        for (level, turn) in levels.iter_mut().zip(turns) {
            if turn == 0 {
                *level = "+";
            }
        }
        if cut <= levels.len() {
            levels.truncate(cut);
            levels.push("#");
        }
        let filter = levels.join("/");
        (topic, if filter.is_empty() { "#".to_owned() } else { filter })
    })
}

/// What may be done with an index.
#[derive(Debug, Clone)]
enum Change {
    Insert(usize, u8),
    /// One value of one filter.
    Remove(usize, u8),
    /// All values of one filter.
    RemoveAll(usize),
}

fn change(filters: usize) -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (0..filters, 0u8..4).prop_map(|(filter, value)| Change::Insert(filter, value)),
        2 => (0..filters, 0u8..4).prop_map(|(filter, value)| Change::Remove(filter, value)),
        1 => (0..filters).prop_map(Change::RemoveAll),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_filter_matches_what_the_standard_says(filter in filter(), topic in topic()) {
        prop_assert_eq!(TopicFilter::new(&filter).unwrap().matches(&topic), oracle(&filter, &topic));
    }

    #[test]
    fn a_filter_made_from_a_topic_matches_as_the_standard_says((topic, filter) in topic_and_filter()) {
        prop_assert_eq!(TopicFilter::new(&filter).unwrap().matches(&topic), oracle(&filter, &topic), "{} on {}", filter, topic);
    }

    #[test]
    fn a_filter_is_valid_when_the_standard_says_so(text in "[ab/+#$ü\0]{0,8}") {
        prop_assert_eq!(TopicFilter::new(&text).is_ok(), oracle_valid(&text), "{:?}", text);
        let topic = !text.is_empty() && !text.contains(['+', '#', '\0']);
        prop_assert_eq!(check_topic(&text).is_ok(), topic, "{:?}", text);
    }

    #[test]
    fn a_shared_filter_is_taken_apart_as_the_standard_says(
        text in "(\\$share|\\$share/|\\$share/[a+#ü\0]{0,2}/|)[ab/+#$\0]{0,6}",
    ) {
        let ours = TopicFilter::parse_shared(&text).ok();
        let ours = ours.map(|(group, filter)| {
            (group.map(|group| (*group).to_owned()), filter.as_str().to_owned())
        });
        prop_assert_eq!(ours, oracle_shared(&text), "{:?}", text);
    }

    /// What one filter covers, it matches wherever the other does.
    #[test]
    fn a_filter_that_covers_another_matches_all_of_its_topics((topic, narrow) in topic_and_filter(), wide in filter()) {
        let (wide, narrow) = (TopicFilter::new(&wide).unwrap(), TopicFilter::new(&narrow).unwrap());
        if wide.covers(&narrow) && oracle(narrow.as_str(), &topic) {
            prop_assert!(oracle(wide.as_str(), &topic), "{} covers {}, but not {}", wide, narrow, topic);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// After any sequence of changes the index answers like a list that is searched one by one.
    #[test]
    fn the_index_agrees_with_a_list(
        filters in prop::collection::vec(filter(), 1..8),
        pairs in prop::collection::vec(topic_and_filter(), 1..6),
        changes in prop::collection::vec(change(14), 0..40),
    ) {
        let mut filters = filters;
        filters.extend(pairs.iter().map(|(_, filter)| filter.clone()));
        let mut index = FilterIndex::new();
        let mut list: BTreeMap<usize, (String, u8)> = BTreeMap::new();
        for (number, change) in changes.into_iter().enumerate() {
            let of = |at: usize| filters[at % filters.len()].clone();
            match change {
                Change::Insert(at, value) => {
                    index.insert(&TopicFilter::new(&of(at)).unwrap(), value);
                    list.insert(number, (of(at), value));
                }
                Change::Remove(at, value) => {
                    let removed = index.remove(&TopicFilter::new(&of(at)).unwrap(), |one| *one == value);
                    let before = list.len();
                    list.retain(|_, (filter, one)| !(*filter == of(at) && *one == value));
                    prop_assert_eq!(removed, before - list.len());
                }
                Change::RemoveAll(at) => {
                    let removed = index.remove(&TopicFilter::new(&of(at)).unwrap(), |_| true);
                    let before = list.len();
                    list.retain(|_, (filter, _)| *filter != of(at));
                    prop_assert_eq!(removed, before - list.len());
                }
            }
            prop_assert_eq!(index.len(), list.len());
            prop_assert_eq!(index.is_empty(), list.is_empty());
            for (topic, _) in &pairs {
                let mut found: Vec<u8> = index.matches(topic).into_iter().copied().collect();
                found.sort_unstable();
                let mut expected: Vec<u8> =
                    list.values().filter(|(filter, _)| oracle(filter, topic)).map(|(_, value)| *value).collect();
                expected.sort_unstable();
                prop_assert_eq!(found, expected, "{}", topic);
            }
        }
    }
}
