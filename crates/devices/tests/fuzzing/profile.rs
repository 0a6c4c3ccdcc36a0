//! Any text, as a firmware profile.
//!
//! Input: the TOML. What must hold:
//! - a text that is refused is so in words, with the line where its author has to look;
//! - a profile that is accepted can be asked for everything it is for;
//! - its own samples, and messages on every topic it listens to, are taken in as [`super::world`] says.

use std::collections::BTreeMap;

use devices::fuzzing::{filters, samples};
use devices::limits::PROFILE_BYTES_MAX;
use devices::{Handover, Profile, Settings, Wifi};
use model::topic::check_topic;
use serde_json::json;

use super::world::World;

const PAYLOADS: [&str; 6] = [
    "",
    "ON",
    "21.5",
    r#"{"a": 1.5, "state": "ON", "mac": "AABBCCDDEEFF", "id": "x", "name": "X"}"#,
    r#"[{"a": [1, 2, {"b": null}]}]"#,
    "{",
];
/// Messages a profile is tried on.
const MESSAGES_MAX: usize = 120;

pub fn profile(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Profile::parse("my.toml", &text) {
        Err(error) => {
            assert!(!error.why.is_empty());
            let lines = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
            let right = error.place.is_some_and(|place| (1..=lines).contains(&place.line));
            assert!(right || text.len() > PROFILE_BYTES_MAX, "a fault without a line: {error}");
        }
        Ok(profile) => {
            ask(&profile);
            hear(profile);
        }
    }
}

/// Everything that is done with a profile beside hearing messages.
fn ask(profile: &Profile) {
    let variables: BTreeMap<String, String> = [("user", "plug"), ("topic", "plug"), ("mac", "AABBCCDDEEFF")]
        .map(|(k, v)| (k.into(), v.into()))
        .into();
    let _ = profile.acl(&variables);
    for send in profile.on_start() {
        assert!(check_topic(&send.topic).is_ok(), "sends to {:?} at the start", send.topic);
    }
    let handover = Handover {
        host: "192.168.1.2".into(),
        port: 1883,
        user: "plug".into(),
        password: "s3cret".into(),
        topic: "plug".into(),
    };
    let _ = profile.snippets(&handover);
    let settings = Settings {
        handover,
        board_password: None,
        wifi: Some(Wifi { ssid: "home".into(), password: "s3cret".into() }),
    };
    for transport in profile.transports().collect::<Vec<_>>() {
        let _ = profile.plan(transport, &settings);
        let _ = profile.moved_plan(transport, &settings);
    }
    let answer = json!({"id": "x", "mac": "AABBCCDDEEFF", "StatusNET": {"Mac": "AA:BB:CC:DD:EE:FF"}});
    for probe in profile.probes().collect::<Vec<_>>() {
        let _ = profile.recognise(probe, &answer);
    }
    let _ = profile.knows_client("DVES_49A3BC", Some("tele/plug/LWT"));
    let _ = profile.topic_of_will("tele/plug/LWT");
    let _ =
        (profile.mdns_services().count(), profile.secret_charset(), profile.priority(), profile.versions());
}

fn hear(profile: Profile) {
    let mut messages = samples(&profile);
    for filter in filters(&profile) {
        // A level that stands for any, and one word beside it.
        for word in ["x", "AABBCCDDEEFF"] {
            let topic = filter.replace(['+', '#'], word);
            messages.extend(PAYLOADS.iter().map(|payload| (topic.clone(), (*payload).to_owned())));
        }
    }
    let mut world = World::with(profile);
    for (topic, payload) in messages.iter().take(MESSAGES_MAX) {
        world.say("board", topic, payload.as_bytes(), true);
    }
    world.end();
}
