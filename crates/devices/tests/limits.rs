//! What one board can ask for is bounded, and beyond the bound it is told so.

mod common;

use common::{Talk, readings, refusals, with};
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

/// Takes about nine thousand steps.
const HEAVY: &str = "{% for i in range(2250) %}{% set x = i %}{% endfor %}1";

fn components(count: usize, topic: &str, template: &str) -> serde_json::Value {
    let components: serde_json::Map<_, _> = (0..count)
        .map(|n| {
            let id = format!("e{n:03}");
            let one = json!({"p": "sensor", "uniq_id": id, "name": id, "stat_t": topic, "val_tpl": template});
            (id, one)
        })
        .collect();
    json!({"dev": {"ids": ["evil"], "name": "Evil"}, "o": {"name": "x"}, "cmps": components})
}

#[test]
fn a_topic_that_listens_to_everything_is_refused() {
    fn check(topic: &str, refused: bool) {
        let mut talk = Talk::new();
        let base =
            json!({"name": "T", "uniq_id": "e", "stat_t": topic, "dev": {"ids": ["evil"], "name": "Evil"}});
        let effects = talk.announce("sensor/evil/e", &base);
        assert_eq!(refusals(&effects).len(), usize::from(refused), "{topic}: {effects:?}");
        assert_eq!(talk.ids().is_empty(), refused, "{topic}");
        let by_availability = with(base, &json!({"stat_t": "evil/t", "avty_t": topic}));
        let mut talk = Talk::new();
        let effects = talk.announce("sensor/evil/e", &by_availability);
        assert_eq!(refusals(&effects).len(), usize::from(refused), "availability {topic}");
    }
    check("#", true);
    check("+", true);
    check("+/#", true);
    check("+/+", true);
    check("/#", true);
    check("evil/#", false);
    check("+/+/BTtoMQTT/A4C138", false);
}

#[test]
fn the_templates_of_one_device_share_what_they_may_take_for_a_message() {
    let mut talk = Talk::new();
    talk.announce("device/evil", &components(500, "evil/x", HEAVY));
    talk.announce(
        "sensor/good/t",
        &json!({"name": "T", "uniq_id": "g", "stat_t": "good/t", "val_tpl": "{{ value | float * 2 }}",
        "dev": {"ids": ["good"], "name": "Good"}}),
    );
    let effects = talk.say("evil/x", "1");
    let refused = refusals(&effects);
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].why.contains("take too many steps for one message"), "{refused:?}");
    let read = readings(&effects).len();
    assert!((5..100).contains(&read), "a few of 500 were read: {read}");
    talk.say("good/t", "21");
    assert_eq!(talk.shown("good.t"), "42");
}

#[test]
fn a_device_whose_templates_take_too_much_again_and_again_is_paused_until_it_is_simpler() {
    let mut talk = Talk::new();
    talk.announce("device/evil", &components(500, "evil/x", HEAVY));
    let said: Vec<usize> = (0..8).map(|n| refusals(&talk.say("evil/x", n.to_string())).len()).collect();
    assert_eq!(said, [1, 0, 0, 0, 1, 0, 0, 0]);
    assert!(readings(&talk.say("evil/x", "9")).is_empty(), "paused");
    assert_eq!(
        talk.announce("device/evil", &components(500, "evil/x", HEAVY)),
        [],
        "the same again is no reason"
    );
    assert!(readings(&talk.say("evil/x", "9")).is_empty(), "paused");
    talk.announce("device/evil", &components(500, "evil/x", "{{ value | int + 1 }}"));
    let effects = talk.say("evil/x", "9");
    assert_eq!((readings(&effects).len(), refusals(&effects).len()), (500, 0));
}

#[test]
fn many_devices_together_take_no_more_for_a_message_than_a_few() {
    let mut talk = Talk::new();
    for n in 0..40 {
        let mut config = components(40, "evil/x", HEAVY);
        config["dev"] = json!({"ids": [format!("evil{n}")], "name": format!("Evil {n}")});
        talk.announce(&format!("device/evil{n}"), &config);
    }
    let read = readings(&talk.say("evil/x", "1")).len();
    assert!((20..400).contains(&read), "a few of 1600 were read: {read}");
}

#[test]
fn templates_that_fail_are_no_reason_for_a_pause() {
    let mut talk = Talk::new();
    talk.announce("device/evil", &components(500, "evil/x", "{{ value_json.a.b | float }}"));
    for _ in 0..20 {
        let effects = talk.say("evil/x", "{}");
        assert!(refusals(&effects).iter().all(|refused| !refused.why.contains("steps")), "{effects:?}");
    }
    talk.say("evil/x", r#"{"a": {"b": 5}}"#);
    assert_eq!(talk.shown("evil.e499"), "5");
}

#[test]
fn one_announcement_is_not_told_off_five_hundred_times() {
    let mut talk = Talk::new();
    let effects = talk.announce("device/evil", &components(500, "#", "{{ value }}"));
    let refused = refusals(&effects);
    assert_eq!((refused.len(), effects.len()), (10, 10));
    assert!(refused[9].why.contains("490 more"), "{:?}", refused[9]);
}

#[test]
fn there_is_a_most_of_entities() {
    let mut talk = Talk::new();
    let mut say = |user: &str, boards: std::ops::Range<usize>, refused: &str| {
        for n in boards {
            let mut config = components(500, "evil/x", "{{ value }}");
            config["dev"] = json!({"ids": [format!("evil{n}")], "name": format!("Evil {n}")});
            let place = format!("homeassistant/device/evil{n}/config");
            let effects = talk.say_as(user, &place, config.to_string());
            let whys: Vec<&str> = refusals(&effects).iter().map(|refused| refused.why.as_str()).collect();
            assert!(
                if refused.is_empty() { whys.is_empty() } else { whys[0].contains(refused) },
                "{n}: {whys:?}"
            );
        }
    };
    say("one", 0..20, "");
    say("one", 20..21, "`one` already announced 10000 entities");
    say("two", 21..41, "");
    say("three", 41..42, "already 20000 entities");
    assert_eq!(talk.ids().len(), 20_000);
}

#[test]
fn nothing_is_remembered_of_what_was_removed_or_had_no_room() {
    let mut talk = Talk::new();
    for n in 0..1_100 {
        talk.say(&format!("homie/d{n}/$name"), "D");
        talk.say(&format!("homie/d{n}/$state"), "init");
    }
    talk.say(
        "tasmota/discovery/AABBCCDDEEFF/config",
        r#"{"t":"t","ft":"%prefix%/%topic%/","tp":["c","s","t"],"rl":[1]}"#,
    );
    let ids: Vec<String> = talk.home.devices().map(|device| device.id.clone()).collect();
    for id in ids {
        talk.home.remove_device(&id).unwrap();
    }
    let left = devices::fuzzing::leftovers(&talk.home);
    assert_eq!((left.described, left.announcements), (0, 0), "{left:?}");
    assert!(left.pending <= devices::limits::PENDING_MAX, "{left:?}");
}

#[test]
fn halves_of_one_credential_leave_room_for_those_of_others() {
    let mut talk = Talk::new();
    let most = devices::limits::PENDING_PER_USER_MAX;
    for n in 0..most {
        assert_eq!(talk.say_as("flood", &format!("homie/d{n}/$name"), "D"), []);
    }
    let effects = talk.say_as("flood", "homie/another/$name", "D");
    assert!(refusals(&effects)[0].why.contains("of its credential already wait"), "{effects:?}");
    for (part, text) in [("$name", "Porch"), ("$nodes", ""), ("$state", "ready")] {
        talk.say_as("board", &format!("homie/porch/{part}"), text);
    }
    assert!(talk.home.device("porch").is_some());
}

#[test]
fn what_was_refused_is_no_empty_device_when_its_last_part_comes_again() {
    let mut talk = Talk::new();
    talk.say_as("board", "homie/cellar/\u{12}/n/$settable", "true");
    for _ in 0..2 {
        let effects = talk.say_as("board", "homie/cellar/$state", "ready");
        assert!(!refusals(&effects).is_empty(), "{effects:?}");
        assert!(talk.home.device("cellar").is_none());
    }
}

#[test]
fn whoever_describes_itself_again_and_again_is_heard_later_and_in_order() {
    let mut talk = Talk::new();
    let ids: Vec<String> = (0..90).map(|n| format!("p{n}")).collect();
    talk.say_as("evil", "homie/evil/$nodes", "n");
    talk.say_as("evil", "homie/evil/n/$properties", ids.join(","));
    for id in &ids {
        talk.say_as("evil", &format!("homie/evil/n/{id}/$name"), id);
        talk.say_as("evil", &format!("homie/evil/n/{id}/$datatype"), "integer");
    }
    talk.say_as("evil", "homie/evil/$state", "ready");
    assert_eq!(talk.ids().len(), ids.len());

    let rename = |talk: &mut Talk, n: i64| {
        // All at one moment.
        talk.now_ms -= 10;
        talk.say_as("evil", "homie/evil/n/p0/$name", format!("Name {n}"))
    };
    let spent = (0..devices::limits::PARTS_READ_AT_ONCE).find(|n| rename(&mut talk, *n).is_empty()).unwrap();
    for n in spent + 1..spent + 4 {
        assert_eq!(rename(&mut talk, n), [], "it is heard later");
    }
    talk.say_as("board", "homie/porch/$nodes", "");
    assert!(!talk.say_as("board", "homie/porch/$state", "ready").is_empty(), "others are heard as ever");
    let shown = |talk: &Talk| talk.home.entity("evil.p0").unwrap().name.clone();
    assert_eq!(shown(&talk), format!("Name {}", spent - 1));
    let due_ms = talk.home.next_due().unwrap();
    assert!(!talk.home.tick(due_ms + 1_000).is_empty());
    assert_eq!((shown(&talk), talk.home.next_due()), (format!("Name {}", spent + 3), None));
}

#[test]
fn parts_of_one_credential_take_so_many_bytes_and_no_more() {
    let mut talk = Talk::new();
    let long = "x".repeat(devices::limits::HOMIE_ATTRIBUTE_BYTES_MAX);
    let mut said = 0;
    let refused = loop {
        let effects = talk.say_as("evil", &format!("homie/e{}/n/p{said}/$format", said / 50), &long);
        if let Some(refused) = refusals(&effects).first() {
            break refused.why.clone();
        }
        said += 1;
    };
    assert!(refused.contains("would come to more than"), "{refused}");
    assert!(said * long.len() <= devices::limits::PENDING_BYTES_PER_USER_MAX, "{said}");
    talk.home.release_devices("evil");
    assert_eq!(devices::fuzzing::leftovers(&talk.home).pending, 0);
    assert_eq!(talk.say_as("evil", "homie/e/n/p/$format", &long), []);
}
