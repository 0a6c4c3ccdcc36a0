//! What one board can ask for is bounded, and beyond the bound it is told so.

mod common;

use common::{Talk, refusals};
use devices::Effect;
use serde_json::json;

#[test]
fn a_board_cannot_announce_itself_under_ever_more_topics() {
    let mut talk = Talk::new();
    let config =
        json!({"name": "T", "uniq_id": "e", "stat_t": "evil/t", "dev": {"ids": ["evil"], "name": "Evil"}});
    for n in 0..600 {
        assert!(refusals(&talk.announce(&format!("sensor/evil/o{n}"), &config)).is_empty(), "{n}");
    }
    for n in 600..8_000 {
        let effects = talk.announce(&format!("sensor/evil/o{n}"), &config);
        let [Effect::Refused(refused)] = effects.as_slice() else { panic!("{n}: {effects:?}") };
        assert!(refused.why.contains("\"Evil\" already rests on 600 announcements"), "{refused:?}");
        assert!(refused.advice.contains("fewer topics"), "{refused:?}");
    }
    assert_eq!(talk.ids(), ["evil.t"]);
    assert_eq!(talk.announce("sensor/evil/o5", &config), [], "the known ones stay valid");
    talk.say("homeassistant/sensor/evil/o5/config", "");
    assert!(refusals(&talk.announce("sensor/evil/o7000", &config)).is_empty(), "and make room");
}
