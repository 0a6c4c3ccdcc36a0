//! The tightest filters that cover a set of topics.
//!
//! The topics make a tree of levels. Where too many branches leave one place they are laid on top of each other
//! as `+`, and where too much hangs below one place it becomes `#`. Both bounds fall until the result fits a
//! credential.

use std::collections::BTreeMap;

use model::TopicFilter;
use model::permission::FILTERS_MAX;

/// Branches of one place that stay apart; more become `+`.
const BRANCHES_MAX: usize = 8;
/// The same for the first level, where a `+` lets a client into everything of that depth.
const FIRST_BRANCHES_MAX: usize = 32;
/// Filters below one place, after branches were laid together; more become `#`.
const BELOW_MAX: usize = 24;
/// Filters among which it is worth to look for those that others cover: each is compared with each.
const FILTERS_LOOKED_AT_MAX: usize = 2 * FILTERS_MAX;

/// Filters that cover every one of these filters, at most [`FILTERS_MAX`], in order.
pub(super) fn tightest<'a>(filters: impl Iterator<Item = &'a str>) -> Vec<TopicFilter> {
    let mut tree = Place::default();
    for filter in filters {
        tree.add(filter);
    }
    let mut bounds = (BRANCHES_MAX, BELOW_MAX, FIRST_BRANCHES_MAX);
    loop {
        let mut place = tree.clone();
        place.narrow(true, bounds.0, bounds.1, bounds.2);
        let mut texts = Vec::new();
        place.collect("", true, &mut texts);
        let last = bounds == (0, 0, 0);
        if texts.len() <= FILTERS_LOOKED_AT_MAX || last {
            let found = without_covered(&texts);
            if found.len() <= FILTERS_MAX || last {
                return found;
            }
        }
        bounds = (bounds.0 / 2, bounds.1 / 2, bounds.2 / 2);
    }
}

/// A level of the tree.
#[derive(Debug, Clone, Default)]
struct Place {
    /// A filter ends here.
    ends: bool,
    below: BTreeMap<String, Place>,
}

impl Place {
    fn add(&mut self, filter: &str) {
        let end =
            filter.split('/').fold(self, |place, level| place.below.entry(level.to_owned()).or_default());
        end.ends = true;
    }

    /// Everything of another place is in this one, too.
    fn lay_on(&mut self, other: Place) {
        self.ends |= other.ends;
        for (level, place) in other.below {
            self.below.entry(level).or_default().lay_on(place);
        }
    }

    /// `first`: it is the first level, where wildcards do not match what starts with `$`.
    fn narrow(&mut self, first: bool, branches_max: usize, below_max: usize, here_max: usize) {
        let apart = |level: &str| level == "#" || (first && level.starts_with('$'));
        if self.below.contains_key("#") {
            // It covers all of its siblings.
            self.below.retain(|level, _| apart(level));
        }
        if self.below.keys().filter(|level| !apart(level)).count() > here_max {
            let mut together = Place::default();
            let all = std::mem::take(&mut self.below);
            for (level, place) in all {
                if apart(&level) {
                    self.below.insert(level, place);
                } else {
                    together.lay_on(place);
                }
            }
            self.below.insert("+".to_owned(), together);
        }
        for (level, place) in &mut self.below {
            place.narrow(false, branches_max, below_max, branches_max);
            if level != "#" && place.leaves() > below_max {
                // `a/#` covers `a`, too.
                let hash = Place { ends: true, below: BTreeMap::new() };
                *place = Place { ends: false, below: BTreeMap::from([("#".to_owned(), hash)]) };
            }
        }
    }

    fn leaves(&self) -> usize {
        usize::from(self.ends) + self.below.values().map(Place::leaves).sum::<usize>()
    }

    fn collect(&self, prefix: &str, first: bool, out: &mut Vec<String>) {
        for (level, place) in &self.below {
            let text = if first { level.clone() } else { format!("{prefix}/{level}") };
            if place.ends {
                out.push(text.clone());
            }
            place.collect(&text, false, out);
        }
    }
}

/// Without those that another one covers.
fn without_covered(texts: &[String]) -> Vec<TopicFilter> {
    let filters: Vec<TopicFilter> = texts.iter().filter_map(|text| TopicFilter::new(text).ok()).collect();
    let covered = |filter: &TopicFilter| filters.iter().any(|other| other != filter && other.covers(filter));
    filters.iter().filter(|filter| !covered(filter)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(topics: &[impl AsRef<str>], expected: &[impl AsRef<str>]) {
        let found = tightest(topics.iter().map(AsRef::as_ref));
        let found: Vec<_> = found.iter().map(TopicFilter::as_str).collect();
        assert_eq!(found, expected.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    }

    fn many(prefix: &str, count: usize, suffix: &str) -> Vec<String> {
        (0..count).map(|n| format!("{prefix}{n}{suffix}")).collect()
    }

    #[test]
    fn few_topics_stay_as_they_are_and_many_siblings_become_a_plus() {
        check(&["a/b", "a/c", "a"], &["a", "a/b", "a/c"]);
        check(&many("stat/%u/", BRANCHES_MAX, ""), &many("stat/%u/", BRANCHES_MAX, ""));
        check(&many("stat/%u/", BRANCHES_MAX + 1, ""), &["stat/%u/+"]);
        check(&many("room/", 20, "/t"), &["room/+/t"]);
        check(&many("room", FIRST_BRANCHES_MAX + 1, "/t"), &["+/t"]);
    }

    #[test]
    fn what_a_filter_covers_needs_none_of_its_own() {
        check(&["a/#", "a/b", "c/+", "c/d"], &["a/#", "c/+"]);
        check(&["#", "a", "$SYS/x"], &["#", "$SYS/x"]);
    }

    #[test]
    fn a_place_with_much_below_becomes_a_hash() {
        let deep: Vec<String> = (0..8).flat_map(|a| (0..8).map(move |b| format!("house/{a}/{b}"))).collect();
        check(&deep, &["house/#"]);
    }

    fn level() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => (0..40u32).prop_map(|n| n.to_string()),
            1 => Just("%u".to_owned()), 1 => Just("%c".to_owned()), 1 => Just("+".to_owned()),
            1 => Just(String::new()), 1 => Just("$SYS".to_owned())
        ]
    }

    fn filter() -> impl Strategy<Value = String> {
        (prop::collection::vec(level(), 1..5), any::<bool>()).prop_map(|(levels, hash)| {
            let text = levels.join("/");
            match (text.is_empty(), hash) {
                (true, _) => "/".to_owned(),
                (_, true) => format!("{text}/#"),
                _ => text,
            }
        })
    }

    proptest! {
        // Each case is slow without optimisation.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn whatever_was_seen_is_covered_and_fits(filters in prop::collection::vec(filter(), 0..600)) {
            let found = tightest(filters.iter().map(String::as_str));
            prop_assert!(found.len() <= FILTERS_MAX, "{}", found.len());
            for filter in &filters {
                let filter = TopicFilter::new(filter).unwrap();
                prop_assert!(found.iter().any(|wide| wide.covers(&filter)), "{filter} by {found:?}");
            }
        }
    }
}
