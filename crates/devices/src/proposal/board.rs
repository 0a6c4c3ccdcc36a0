//! Which topics belong to one board: what the same clients publish, divided where it repeats itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use model::Publisher;

use super::command::is_command_name;
use super::traffic::{Track, Traffic};
use super::words::{is_generic, name_of};

/// A board, as its topics show it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Board {
    /// What its topics begin with; empty when they have nothing in common.
    pub(super) root: String,
    pub(super) name: String,
    /// Levels all its topics have, when they begin with nothing in common.
    pub(super) shared: BTreeSet<String>,
    pub(super) user: String,
    /// The client id that spoke last.
    pub(super) client_id: String,
    pub(super) client_ids: BTreeSet<String>,
    pub(super) topics: Vec<Arc<str>>,
}

impl Board {
    /// Whether a topic lies under what this board's topics begin with.
    pub(super) fn is_over(&self, topic: &str) -> bool {
        !self.root.is_empty() && topic.strip_prefix(&*self.root).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether it is subscribed to exactly this topic.
    pub(super) fn hears(&self, traffic: &Traffic, topic: &str) -> bool {
        self.client_ids.iter().any(|client| traffic.hears(client, topic))
    }

    /// The levels of a topic that are its own, and not the board's.
    pub(super) fn own_levels<'t>(&self, topic: &'t str) -> Vec<&'t str> {
        let rest = topic.strip_prefix(&*self.root).map_or(topic, |rest| rest.trim_start_matches('/'));
        let own: Vec<&str> = rest.split('/').filter(|level| !self.shared.contains(*level)).collect();
        if rest.is_empty() || own.is_empty() { topic.rsplit('/').take(1).collect() } else { own }
    }
}

/// The boards, by root.
pub(super) fn boards(traffic: &Traffic) -> Vec<Board> {
    let mut found: BTreeMap<(String, String), Vec<Arc<str>>> = BTreeMap::new();
    for topics in of_same_clients(traffic) {
        let levels: Vec<Vec<&str>> = topics.iter().map(|topic| topic.split('/').collect()).collect();
        let is_json = |at: usize| {
            let last = traffic.tracks.get(&topics[at]).and_then(Track::last);
            last.is_some_and(|last| last.payload.starts_with(['{', '[']))
        };
        for (root, members) in divide(&levels, &is_json) {
            let members: Vec<Arc<str>> = members.into_iter().map(|at| topics[at].clone()).collect();
            let user = user_of(traffic, &members);
            found.entry((root, user)).or_default().extend(members);
        }
    }
    let boards = found.into_iter().map(|((root, user), topics)| board(traffic, root, user, topics));
    without_commands(traffic, boards.collect())
}

/// A phone tells a board by a topic that has no word for it: what a board listens to and somebody else writes, under
/// the board's own topics, is no state of whoever writes it.
fn without_commands(traffic: &Traffic, mut boards: Vec<Board>) -> Vec<Board> {
    let mut told: BTreeSet<Arc<str>> = BTreeSet::new();
    for board in &boards {
        if board.root.is_empty() {
            continue;
        }
        let own: HashSet<&Arc<str>> = board.topics.iter().collect();
        let foreign = traffic.under(&board.root).filter(|topic| !own.contains(topic));
        told.extend(foreign.filter(|topic| board.hears(traffic, topic) || has_answer(board, topic)).cloned());
    }
    for board in &mut boards {
        board.topics.retain(|topic| !told.contains(topic));
    }
    boards.retain(|board| !board.topics.is_empty());
    boards
}

/// Whether a board says under a topic how it is: `light/state` under `light`.
fn has_answer(board: &Board, topic: &str) -> bool {
    board.topics.iter().any(|own| own.strip_prefix(topic).is_some_and(is_generic_tail))
}

/// `/state`, `/status`: the rest of a topic that adds nothing to what it is about.
pub(super) fn is_generic_tail(rest: &str) -> bool {
    rest.strip_prefix('/').is_some_and(|last| !last.contains('/') && is_generic(last))
}

fn board(traffic: &Traffic, root: String, user: String, topics: Vec<Arc<str>>) -> Board {
    let tracks: Vec<&Track> = topics.iter().filter_map(|topic| traffic.tracks.get(topic)).collect();
    let samples = tracks.iter().flat_map(|track| track.samples.iter());
    let mut spoke: Vec<(u64, &Publisher)> = samples
        .filter_map(|(id, sample)| Some((*id, traffic.publishers.get(sample.by)?)))
        .filter(|(_, publisher)| publisher.user == user)
        .collect();
    spoke.sort_unstable_by_key(|(id, _)| *id);
    let client_id = spoke.last().map(|(_, publisher)| publisher.client_id.clone()).unwrap_or_default();
    let client_ids = spoke.into_iter().map(|(_, publisher)| publisher.client_id.clone()).collect();
    let shared = if root.is_empty() { shared_levels(&topics) } else { BTreeSet::new() };
    let name = name_for(&root, &user, &shared);
    Board { root, name, shared, user, client_id, client_ids, topics }
}

/// The levels that several topics all have.
fn shared_levels(topics: &[Arc<str>]) -> BTreeSet<String> {
    let levels = |topic: &Arc<str>| -> BTreeSet<String> { topic.split('/').map(ToOwned::to_owned).collect() };
    let mut all = topics.iter().map(levels);
    let first = all.next().filter(|_| topics.len() > 1).unwrap_or_default();
    all.fold(first, |shared, levels| shared.intersection(&levels).cloned().collect())
}

/// The last level of its root that says something, or what all its topics have in common, or who publishes.
fn name_for(root: &str, user: &str, shared: &BTreeSet<String>) -> String {
    let last = root.rsplit('/').find(|level| !level.is_empty() && !is_generic(level));
    let own = || shared.iter().filter(|level| !is_generic(level)).max_by_key(|level| level.len());
    name_of(&[last.or_else(|| own().map(String::as_str)).unwrap_or(user)])
}

/// The credential that wrote most of it.
fn user_of(traffic: &Traffic, topics: &[Arc<str>]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for sample in
        topics.iter().filter_map(|topic| traffic.tracks.get(topic)).flat_map(|track| track.samples.values())
    {
        if let Some(publisher) =
            traffic.publishers.get(sample.by).filter(|publisher| publisher.user != Publisher::HUB)
        {
            *counts.entry(&publisher.user).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(user, _)| user.to_owned()).unwrap_or_default()
}

/// Topics that share a client, directly or through others. A sketch that makes up a client id at each start still
/// writes all its topics with each of them.
fn of_same_clients(traffic: &Traffic) -> Vec<Vec<Arc<str>>> {
    let mut of_client: HashMap<usize, usize> = HashMap::new();
    let mut sets: Vec<Vec<Arc<str>>> = Vec::new();
    for (topic, track) in traffic.tracks.iter().filter(|(topic, _)| !is_command_name(topic)) {
        let writers: BTreeSet<usize> = track
            .samples
            .values()
            .map(|sample| sample.by)
            .filter(|by| {
                traffic.publishers.get(*by).is_some_and(|by| by.user != Publisher::HUB && !by.is_demo())
            })
            .collect();
        if writers.is_empty() {
            continue;
        }
        let known: BTreeSet<usize> =
            writers.iter().filter_map(|writer| of_client.get(writer).copied()).collect();
        let mut known = known.into_iter();
        let into = known.next().unwrap_or_else(|| {
            sets.push(Vec::new());
            sets.len() - 1
        });
        for other in known {
            let moved = std::mem::take(&mut sets[other]);
            sets[into].extend(moved);
            of_client.values_mut().filter(|set| **set == other).for_each(|set| *set = into);
        }
        sets[into].push(topic.clone());
        writers.into_iter().for_each(|writer| {
            of_client.insert(writer, into);
        });
    }
    sets.retain(|set| !set.is_empty());
    sets
}

/// Divides the topics of one client into boards: roots, and which topics they have.
fn divide(topics: &[Vec<&str>], is_json: &dyn Fn(usize) -> bool) -> Vec<(String, Vec<usize>)> {
    let mut found = Vec::new();
    divide_into(topics, (0..topics.len()).collect(), is_json, &mut found);
    found
}

fn divide_into(
    topics: &[Vec<&str>],
    members: Vec<usize>,
    is_json: &dyn Fn(usize) -> bool,
    found: &mut Vec<(String, Vec<usize>)>,
) {
    let Some(&first) = members.first() else { return };
    if members.len() == 1 {
        found.push((root_of_one(&topics[first], is_json(first)), members));
        return;
    }
    let above = |at: usize| &topics[at][..topics[at].len() - 1];
    let prefix = members.iter().fold(above(first).len(), |prefix, at| {
        let same = above(first).iter().zip(above(*at)).take_while(|(a, b)| a == b).count();
        prefix.min(same)
    });
    let mut children: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut direct = Vec::new();
    for at in &members {
        match topics[*at].get(prefix) {
            Some(child) if topics[*at].len() > prefix + 1 => children.entry(child).or_default().push(*at),
            _ => direct.push(*at),
        }
    }
    if !are_alike(topics, &children, prefix) {
        found.push((topics[first][..prefix].join("/"), members));
        return;
    }
    for (_, members) in children {
        divide_into(topics, members, is_json, found);
    }
    divide_into(topics, direct, is_json, found);
}

/// Whether most branches have the same things below them: `pump1/{moisture,temp}` beside `pump2/{moisture,temp}` are
/// two boards behind one gateway. Branches that are only numbered are parts of one board.
fn are_alike(topics: &[Vec<&str>], children: &BTreeMap<&str, Vec<usize>>, prefix: usize) -> bool {
    let is_number = |child: &str| child.bytes().all(|byte| byte.is_ascii_digit());
    if children.len() < 2 || children.keys().all(|child| is_number(child)) {
        return false;
    }
    let shapes: Vec<BTreeSet<String>> = children
        .values()
        .map(|members| members.iter().map(|at| topics[*at][prefix + 1..].join("/")).collect())
        .collect();
    let alike = |at: &usize| {
        let mut others = shapes.iter().enumerate().filter(|(other, _)| other != at);
        others.any(|(_, other)| shapes[*at].intersection(other).count() >= 2)
    };
    (0..shapes.len()).filter(alike).count() * 2 > shapes.len()
}

/// The root of a single topic: without what it is about. A JSON is about all that is in it.
fn root_of_one(levels: &[&str], is_json: bool) -> String {
    let Some((last, above)) = levels.split_last() else { return String::new() };
    match above {
        [] => String::new(),
        [rest @ .., _] if is_generic(last) && rest.len() >= 2 && !is_json => rest.join("/"),
        above => above.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_one_client_are_divided_where_they_repeat_themselves() {
        fn check(topics: &[&str], expected: &[(&str, usize)]) {
            let levels: Vec<Vec<&str>> = topics.iter().map(|topic| topic.split('/').collect()).collect();
            let found = divide(&levels, &|_| false);
            let found: Vec<(&str, usize)> =
                found.iter().map(|(root, members)| (root.as_str(), members.len())).collect();
            assert_eq!(found, expected, "{topics:?}");
        }
        check(&["garden/pump1/moisture", "garden/pump1/state"], &[("garden/pump1", 2)]);
        check(
            &["g/p1/temp", "g/p1/hum", "g/p2/temp", "g/p2/hum", "g/status"],
            &[("g/p1", 2), ("g/p2", 2), ("g", 1)],
        );
        check(&["node/soil/temp", "node/air/hum", "node/air/temp"], &[("node", 3)]);
        check(&["node/0/temp", "node/0/hum", "node/1/temp", "node/1/hum"], &[("node", 4)]);
        check(&["stat/pump/POWER", "tele/pump/STATE"], &[("", 2)]);
        check(&["garden/moisture"], &[("garden", 1)]);
        check(&["garden/pump1/relay/state"], &[("garden/pump1", 1)]);
        check(&["garden/state"], &[("garden", 1)]);
        check(&["temperature"], &[("", 1)]);
    }
}
