//! From what was seen to what is proposed: the values of a board, the topics it is told by, and which belong together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use model::StateSource;
use model::entity::AvailabilitySource;
use serde_json::Value as Json;

use super::board::{Board, boards};
use super::command::{Echo, Tellers, echo, likeness, stem};
use super::draft::{Draft, shown};
use super::leaf::written;
use super::series::{Kind, Pair, Series, series_of};
use super::traffic::Traffic;
use super::words::is_generic;
use super::{Confidence, Evidence, Offer, Presence, Proposal};
use crate::home::clean_name;
use crate::template::Path;

/// Values shown of one topic.
const SAMPLES_SHOWN: usize = 5;
/// Entities of one proposal.
const OFFERS_MAX: usize = 64;
/// Values of one board that are looked at, and topics it can be told by.
const VALUES_MAX: usize = 512;
const TOLD_MAX: usize = 64;

/// A value of a board, and where it comes from.
struct Found<'t> {
    topic: &'t Arc<str>,
    series: &'t Series,
    /// The way to it as a person writes it; empty for the whole payload.
    path: String,
}

/// A topic a board can be told by; `about` names what it is about.
pub(super) struct Told<'t> {
    pub(super) topic: String,
    about: String,
    /// The key in a JSON payload that carries the wish.
    pub(super) key: Option<String>,
    pub(super) series: Option<&'t Series>,
    pub(super) listens: bool,
}

/// A command topic with the value that answers to it.
pub(super) struct Match<'t> {
    pub(super) told: &'t Told<'t>,
    pub(super) echo: Echo,
}

/// What is worked out once for all boards: what each topic did over time, and which topics tell something.
struct Sight<'t> {
    traffic: &'t Traffic,
    series: HashMap<&'t str, Vec<Series>>,
    tellers: Tellers<'t>,
}

impl Traffic {
    /// What could be made of the traffic. `taken` says whether the value of a topic, with this template, or the whole
    /// topic is known already.
    pub fn propose(&self, taken: impl Fn(&str, Option<&str>) -> bool) -> Vec<Proposal> {
        let boards = boards(self);
        let sight = Sight {
            traffic: self,
            series: self.tracks.iter().map(|(topic, track)| (&**topic, series_of(track))).collect(),
            tellers: Tellers::among(self.tracks.keys().map(|topic| &**topic)),
        };
        boards.iter().filter_map(|board| sight.proposal(board, &taken)).collect()
    }
}

impl Sight<'_> {
    fn series(&self, topic: &str) -> &[Series] {
        self.series.get(topic).map_or(&[], Vec::as_slice)
    }

    fn proposal(&self, board: &Board, taken: &impl Fn(&str, Option<&str>) -> bool) -> Option<Proposal> {
        let values = board
            .topics
            .iter()
            .flat_map(|topic| self.series(topic).iter().map(move |series| (topic, series)))
            .take(VALUES_MAX);
        let mut found: Vec<Found> = values
            .map(|(topic, series)| Found { topic, series, path: written(&series.way).unwrap_or_default() })
            .collect();
        let presence = self.presence(board, &found);
        if let Some(presence) = &presence {
            found.retain(|value| **value.topic != *presence.source.topic);
        }
        let told = self.told(board);
        let matches = matches(&told, &found);
        let offers = found
            .iter()
            .enumerate()
            .filter_map(|(at, value)| self.offer(board, value, matches.get(&at), taken));
        let mut offers: Vec<Offer> = offers.collect();
        let left_off = offers.len().saturating_sub(OFFERS_MAX);
        offers.truncate(OFFERS_MAX);
        if offers.iter().all(|offer| offer.confidence == Confidence::Guess) {
            return None;
        }
        tell_apart(&mut offers);
        let presence = presence.filter(|presence| !taken(&presence.source.topic, None));
        Some(Proposal {
            id: format!("{} {}", board.user, board.root),
            root: board.root.clone(),
            name: clean_name(&board.name),
            user: board.user.clone(),
            client_id: board.client_id.clone(),
            presence,
            offers,
            left_off,
        })
    }

    /// How the board tells that it is there: its last will, or a topic that says online.
    fn presence(&self, board: &Board, found: &[Found]) -> Option<Presence> {
        let wills: HashMap<&str, &str> =
            board.client_ids.iter().filter_map(|client| self.traffic.will_of(client)).collect();
        let source = |topic: &str, online: String, offline: String| AvailabilitySource {
            topic: topic.to_owned(),
            template: None,
            online,
            offline,
        };
        let by_will = found.iter().filter(|value| value.series.way.is_empty()).find_map(|value| {
            let will = *wills.get(&**value.topic)?;
            let said = |point: &super::series::Point| shown(&point.leaf);
            let online = value.series.points.iter().rev().map(said).find(|said| said != will)?;
            let why = format!("Its last will there is {will:?}; as long as it lives, it says {online:?}.");
            Some(Presence { source: source(value.topic, online, will.to_owned()), why })
        });
        by_will.or_else(|| {
            found.iter().find_map(|value| {
                let pair = value.series.presence()?;
                let retained = if value.series.retained { ", retained" } else { "" };
                let why = format!("It says {:?} there{retained}.", pair.on);
                Some(Presence { source: source(value.topic, pair.on, pair.off), why })
            })
        })
    }

    /// The topics this board can be told by.
    fn told(&self, board: &Board) -> Vec<Told<'_>> {
        let own: HashSet<&str> = board.topics.iter().map(|topic| &**topic).collect();
        let below = (!board.root.is_empty()).then(|| self.traffic.under(&board.root).map(|topic| &**topic));
        let near = below.into_iter().flatten().chain(self.tellers.about(board));
        // What looks like a template would be taken for one.
        let foreign = |topic: &&str| !own.contains(topic) && !topic.contains('{');
        let mut topics: BTreeSet<&str> = near.filter(foreign).take(TOLD_MAX).collect();
        // What a gateway listens to is for its other boards, too.
        let heard = board.client_ids.iter().flat_map(|client| self.traffic.heard_by(client)).filter(foreign);
        let room = TOLD_MAX - topics.len();
        topics.extend(heard.take(room));
        let mut told = Vec::new();
        for topic in topics {
            if told.len() >= TOLD_MAX {
                break;
            }
            let about = stem(topic).unwrap_or(topic).to_owned();
            let listens = board.hears(self.traffic, topic);
            let all = self.series(topic);
            let single =
                |about: String, key, series| Told { topic: topic.to_owned(), about, key, series, listens };
            let json = all.iter().any(|series| !series.way.is_empty());
            if !json {
                told.push(single(about, None, all.first()));
                continue;
            }
            for series in all {
                if let [Json::String(key)] = series.way.as_slice()
                    && !key.contains('{')
                {
                    let key = key.clone();
                    told.push(single(format!("{about}/{key}"), Some(key), Some(series)));
                }
            }
        }
        told
    }

    fn offer(
        &self,
        board: &Board,
        value: &Found,
        command: Option<&Match>,
        taken: &impl Fn(&str, Option<&str>) -> bool,
    ) -> Option<Offer> {
        let series = value.series;
        let path = Some(value.path.clone()).filter(|path| !path.is_empty());
        let levels = board.own_levels(value.topic);
        let keys: Vec<String> = series
            .way
            .iter()
            .map(|step| step.as_str().map_or_else(|| step.to_string(), ToOwned::to_owned))
            .collect();
        let parts: Vec<&str> = levels.into_iter().chain(keys.iter().map(String::as_str)).collect();
        let telling: Vec<&str> = parts.iter().copied().filter(|part| !is_generic(part)).collect();
        // A topic that says nothing of itself is the one thing the board has.
        let parts = if telling.is_empty() { vec![board.name.as_str()] } else { telling };
        let mut kind = series.kind(&parts);
        if let (Kind::Bit(figures), command) = (&kind, command) {
            kind = match command {
                Some(_) => Kind::OnOff(Pair { on: "1".into(), off: "0".into(), json: false }),
                None => Kind::Number(*figures, None),
            };
        }
        let mut draft = Draft::new(series, &parts, command);
        draft.fill(&kind)?;
        let mut description = draft.description;
        let path_of = Path::from_json(&Json::Array(series.way.clone()));
        let bare = path_of.filter(|_| !series.way.is_empty()).map(|path| path.to_template());
        let template = match &draft.unit_text {
            None => bare,
            Some(unit) => {
                let inner = bare
                    .as_deref()
                    .unwrap_or("{{ value }}")
                    .trim_start_matches("{{ ")
                    .trim_end_matches(" }}");
                Some(format!("{{{{ {inner} | replace('{unit}', '') | trim }}}}"))
            }
        };
        if taken(value.topic, template.as_deref()) {
            return None;
        }
        let name = description.name.clone().unwrap_or_default();
        description.name = Some(name);
        description.sources = vec![StateSource {
            topic: value.topic.to_string(),
            template,
            field: String::new(),
            map: draft.map,
        }];
        let newest = series.points.iter().rev().take(SAMPLES_SHOWN);
        let known = self.traffic.tracks.get(value.topic).map_or(0, |track| track.messages);
        let evidence = Evidence {
            messages: known.max(series.points.len() as u64),
            since_ms: series.points.first().map_or(0, |point| point.time_ms),
            last_ms: series.points.last().map_or(0, |point| point.time_ms),
            samples: newest.map(|point| (point.time_ms, shown(&point.leaf))).collect(),
            why: draft.why,
        };
        let key = match &path {
            Some(path) => format!("{}#{path}", value.topic),
            None => value.topic.to_string(),
        };
        Some(Offer { key, description, path, confidence: draft.confidence, evidence })
    }
}

/// Of each value the command topic that fits it best, and each command topic once.
fn matches<'t>(told: &'t [Told<'t>], found: &[Found]) -> BTreeMap<usize, Match<'t>> {
    let mut matches: BTreeMap<usize, (u32, Match<'t>)> = BTreeMap::new();
    for told in told {
        let best = found.iter().enumerate().filter_map(|(at, value)| {
            let likeness = likeness(&told.about, value.topic, &value.path);
            let echo = told.series.map(|series| echo(series, value.series)).unwrap_or_default();
            let refuted = echo.tried >= 2 && echo.answered == 0;
            // What is called otherwise has to have answered every time, and more than once.
            let proven = echo.answered >= 2 && echo.answered == echo.tried;
            let fits = !refuted && (likeness >= 3 || proven);
            fits.then_some((echo.answered * 10 + likeness, at, echo))
        });
        let Some((score, at, echo)) = best.max_by_key(|(score, at, _)| (*score, std::cmp::Reverse(*at)))
        else {
            continue;
        };
        if matches.get(&at).is_none_or(|(other, _)| *other < score) {
            matches.insert(at, (score, Match { told, echo }));
        }
    }
    matches.into_iter().map(|(at, (_, found))| (at, found)).collect()
}

/// Two of one name get a number.
fn tell_apart(offers: &mut [Offer]) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for offer in offers {
        let Some(name) = offer.description.name.as_mut() else { continue };
        let count = seen.entry(name.to_lowercase()).or_default();
        *count += 1;
        if *count > 1 {
            *name = format!("{name} {count}");
        }
    }
}
