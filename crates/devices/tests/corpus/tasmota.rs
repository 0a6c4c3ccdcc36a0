//! `transcripts_ha_tasmota.jsonl`: conversations from Home Assistant's tests of its Tasmota integration, read as it
//! would have them today.

use serde_json::{Value as Json, json};

use crate::reader::{Corpus, text};
use crate::score::Scores;
use crate::transcripts::Conversation;

const FILE: &str = "transcripts_ha_tasmota";
/// Longer than anything goes off by itself.
const LATER_MS: i64 = 2_000;

pub(crate) fn score(corpus: &Corpus, scores: &mut Scores) {
    for row in corpus.rows(FILE) {
        let test = text(&row, "test");
        let group = test.split("::").next().unwrap_or_default();
        let steps: Vec<Json> = row["steps"].as_array().into_iter().flatten().map(today).collect();
        let mut conversation = Conversation::new(&steps);
        for (number, step) in steps.iter().enumerate() {
            conversation.alias("sensor.tasmota_status", status_sensor(&steps));
            if number > 0 && contradicts(&steps[number - 1], step) {
                conversation.wait(LATER_MS);
            }
            if let Some(outcome) = conversation.take(step) {
                let what = format!("{test} step {number}");
                scores.count(FILE, group, &what, &outcome);
                scores.count(FILE, "all", &what, &outcome);
            }
        }
    }
}

/// The names of a fan's speeds are presets today.
fn today(step: &Json) -> Json {
    let mut step = step.clone();
    if step["service"] == "fan.set_speed" {
        step["service"] = json!("fan.set_preset_mode");
    }
    match text(&step, "attr") {
        "speed" => step["attr"] = json!("preset_mode"),
        "speed_list" => step["attr"] = json!("preset_modes"),
        _ => {}
    }
    step
}

/// Whether the board tells a state: more than what it is, and whether it is there.
fn is_report(step: &Json) -> bool {
    let topic = text(step, "topic");
    text(step, "op") == "recv" && !topic.starts_with("tasmota/discovery/") && !topic.ends_with("/LWT")
}

/// Two expectations of one thing with nothing said in between: time went by.
fn contradicts(before: &Json, step: &Json) -> bool {
    let is_same = ["op", "entity", "attr"].iter().all(|key| before[key] == step[key]);
    text(step, "op") == "expect_state" && is_same && before["value"] != step["value"]
}

/// The status sensor a conversation is about: the tests made one of them at a time, under one name.
fn status_sensor(steps: &[Json]) -> &'static str {
    const SENSORS: [(&str, &str); 6] = [
        ("RestartReason", "Restart Reason"),
        ("UptimeSec", "Last Restart Time"),
        ("Signal", "Signal"),
        ("LinkCount", "WiFi Connect Count"),
        ("MqttCount", "MQTT Connect Count"),
        ("RSSI", "RSSI"),
    ];
    let says = |member: &str| {
        let quoted = format!("\"{member}\"");
        steps.iter().any(|step| is_report(step) && text(step, "payload").contains(&quoted))
    };
    // As long as none of them has said anything they are all alike.
    SENSORS.iter().find(|(member, _)| says(member)).map_or(SENSORS[0].1, |(_, name)| name)
}
