//! Announcements: what one message makes of an empty home.

use serde_json::{Value as Json, json};

use crate::common::{Talk, refusals};
use crate::expectation;
use crate::own_announcements;
use crate::reader::{Corpus, text};
use crate::score::Scores;

pub(crate) fn score(corpus: &Corpus, scores: &mut Scores) {
    let rows = corpus.rows("announcements");
    for row in rows.iter().filter(|row| !own_announcements::FIRMWARES.contains(&text(row, "firmware"))) {
        if let Some(expected) = row.get("expect") {
            let (topic, payload) = (text(row, "topic"), text(row, "payload"));
            let around = said_around(&rows, row);
            let what = format!("{topic} {payload}");
            scores.count(
                "announcements",
                text(row, "firmware"),
                &what,
                &check(&around, topic, payload, expected),
            );
        }
    }
}

/// What the same device said beside this: some firmwares announce themselves in many messages, and only the one
/// that completes them has an expectation.
fn said_around<'a>(rows: &'a [Json], row: &Json) -> Vec<&'a Json> {
    const LEVELS: usize = 2;
    let root = |row: &Json| text(row, "topic").split('/').take(LEVELS).collect::<Vec<_>>().join("/");
    let same = |other: &&Json| {
        other.get("expect").is_none() && other["firmware"] == row["firmware"] && root(other) == root(row)
    };
    rows.iter().filter(same).collect()
}

fn check(around: &[&Json], topic: &str, payload: &str, expected: &Json) -> Result<(), String> {
    let mut talk = Talk::new();
    for row in around {
        talk.say(text(row, "topic"), text(row, "payload"));
    }
    if topic.starts_with("tasmota/discovery/") && topic.ends_with("/sensors") {
        talk.say(&topic.replace("/sensors", "/config"), bare_tasmota().to_string());
    }
    let effects = talk.say(topic, payload);
    let refused = refusals(&effects);
    let devices = talk.home.devices().count();
    if expected["state"] == true {
        return ensure(refused.is_empty() && devices == 0, || {
            format!("a state message did something: {effects:?}")
        });
    }
    if expected["remove"] == true {
        return ensure(effects.is_empty(), || {
            format!("removing what is not there did something: {effects:?}")
        });
    }
    // A device form that lacks what Home Assistant insists on but says what it means is understood.
    if expected["valid"] == false && expected.get("components").is_none() {
        return ensure(!refused.is_empty() && devices == 0, || "it is not refused".to_owned());
    }
    ensure(refused.is_empty(), || format!("it is refused: {}", refused[0].why))?;
    match text(expected, "component") {
        "device_automation" | "tag" => {
            return ensure(talk.home.entities().count() == 0, || "it is no entity".to_owned());
        }
        _ => {}
    }
    for list in ["components", "entities"] {
        if let Some(wanted) = expected.get(list).and_then(Json::as_array) {
            let kept: Vec<&Json> = wanted.iter().filter(|one| one["remove"] != true).collect();
            return kept.iter().try_for_each(|one| expectation::meets_one(&talk.home, one));
        }
    }
    match expected.get("component") {
        Some(_) => expectation::meets_one(&talk.home, expected),
        None => ensure(devices == 1, || "it makes no device".to_owned()),
    }
}

/// The configuration of a Tasmota board with nothing on it, for its sensors to belong to.
pub(crate) fn bare_tasmota() -> Json {
    json!({"ip": "1.2.3.4", "dn": "T", "fn": [], "hn": "h", "md": "m", "ofln": "Offline", "onln": "Online",
        "state": ["OFF", "ON"], "sw": "9", "t": "t", "ft": "%topic%/%prefix%/", "tp": ["cmnd", "stat", "tele"],
        "rl": [], "swc": [], "swn": [], "so": {}, "lt_st": 0, "ver": 1})
}

pub(crate) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
