//! What real firmwares say and what must come of it, scored over the whole corpus.
//!
//! | module | noun |
//! |---|---|
//! | [`reader`] | the corpus folder, or the sample that comes with the project |
//! | [`score`] | what passed, what was missed, and the table of it |
//! | [`announcements`] | `announcements.jsonl`: one message, one expectation |
//! | [`transcripts`] | `transcripts_ha_mqtt.jsonl`: conversations, step by step |
//! | [`own_announcements`] | the rows of firmwares that announce themselves in their own way |
//! | [`tasmota`] | `transcripts_ha_tasmota.jsonl`, as Home Assistant would have it today |
//! | [`homie`] | `homie5_testsuite.jsonl`: formats and values |
//! | [`templates`] | `templates.jsonl`: what Python's Jinja2 prints |
//!
//! The folder is named by the environment variable `HEARTH_CORPUS`. Without it the sample in `tests/data/corpus`
//! is scored, a few rows of each kind.

mod announcements;
#[path = "../common/mod.rs"]
mod common;
mod expectation;
mod homie;
mod own_announcements;
mod reader;
mod score;
mod services;
mod tasmota;
mod templates;
mod transcripts;

use reader::Corpus;
use score::{Bar, Scores};

/// What must pass of each file and firmware; what is not listed here is shown and may fall.
const BARS: &[Bar] = &[
    Bar { file: "announcements", group: "arduino-home-assistant", least: 1.0 },
    Bar { file: "announcements", group: "ems-esp", least: 1.0 },
    Bar { file: "announcements", group: "espeasy", least: 1.0 },
    Bar { file: "announcements", group: "esphome", least: 1.0 },
    Bar { file: "announcements", group: "espurna", least: 1.0 },
    Bar { file: "announcements", group: "ha-device-discovery", least: 1.0 },
    Bar { file: "announcements", group: "ha-discovery", least: 0.986 },
    Bar { file: "announcements", group: "homie3", least: 1.0 },
    Bar { file: "announcements", group: "homie4", least: 1.0 },
    Bar { file: "announcements", group: "homie5", least: 1.0 },
    Bar { file: "announcements", group: "openmqttgateway", least: 1.0 },
    Bar { file: "announcements", group: "pubsubclient-sketch", least: 1.0 },
    Bar { file: "announcements", group: "shelly-gen1", least: 1.0 },
    Bar { file: "announcements", group: "shelly-gen1-ha", least: 1.0 },
    Bar { file: "announcements", group: "shelly-gen2", least: 1.0 },
    Bar { file: "announcements", group: "tasmota", least: 1.0 },
    Bar { file: "announcements", group: "wled", least: 1.0 },
    Bar { file: "announcements", group: "zigbee2mqtt", least: 1.0 },
    Bar { file: "announcements", group: "zigbee2mqtt-ha", least: 1.0 },
    Bar { file: "homie5_testsuite", group: "all", least: 1.0 },
    Bar { file: "templates", group: "jinja", least: 0.999 },
    Bar { file: "transcripts_ha_mqtt", group: "all", least: 0.97 },
    Bar { file: "transcripts_ha_tasmota", group: "all", least: 0.97 },
];

#[test]
fn the_corpus_is_understood() {
    let corpus = Corpus::open();
    println!("{}", corpus.told());
    let mut scores = Scores::new(corpus.known_misses());
    announcements::score(&corpus, &mut scores);
    transcripts::score(&corpus, "transcripts_ha_mqtt", &mut scores);
    tasmota::score(&corpus, &mut scores);
    own_announcements::score(&corpus, &mut scores);
    homie::score(&corpus, &mut scores);
    templates::score(&corpus, &mut scores);
    print!("{}", scores.table(BARS));
    print!("{}", scores.misses());
    let fallen = scores.below(BARS);
    assert!(fallen.is_empty(), "fell below the bar: {}", fallen.join(", "));
}
