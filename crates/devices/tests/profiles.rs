//! Profiles that change while the home runs, and profiles that are tried out.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod common;

use bytes::Bytes;
use common::Talk;
use devices::{Effect, Profile, TrialMessage, try_template};

/// A firmware that says what it is on one topic and what it measures on another.
const GAUGE: &str = r#"
schema = 1
[firmware]
id = 'gauge'
name = 'Gauge'
[[announce]]
kind = 'json'
topic = 'gauge/{dev}/about'
part = 'about'
[device]
id = '{{ dev }}'
name = '{{ about.name }}'
[[entity]]
component = 'sensor'
id = 'level'
name = 'Level'
unit = '%'
[[entity.state]]
topic = 'gauge/{{ dev }}/level'
[[entity]]
component = 'switch'
id = 'pump'
name = 'Pump'
[[entity.state]]
topic = 'gauge/{{ dev }}/pump'
map = { ON = 'ON', OFF = 'OFF' }
[entity.commands]
turn_on = { topic = 'gauge/{{ dev }}/pump/set', payload = 'ON' }
turn_off = { topic = 'gauge/{{ dev }}/pump/set', payload = 'OFF' }
[[tests]]
name = 'a full tank'
[[tests.messages]]
topic = 'gauge/a/about'
payload = '{"name":"Tank"}'
[[tests.messages]]
topic = 'gauge/a/level'
payload = '99'
[tests.entities.level]
component = 'sensor'
state = '99'
"#;

fn gauge(text: &str) -> Profile {
    Profile::parse("gauge.toml", text).unwrap()
}

fn told() -> Talk {
    let mut talk = Talk::with(vec![gauge(GAUGE)]);
    talk.say("gauge/a/about", r#"{"name":"Tank"}"#);
    talk.say("gauge/a/level", "40");
    talk
}

/// Gives the home other profiles beside the built-in ones; returns what is to be recalled.
fn change(talk: &mut Talk, profiles: Vec<Profile>) -> (Vec<Effect>, Vec<String>) {
    let all = Profile::built_in().into_iter().chain(profiles).collect();
    let mut effects = talk.home.set_profiles(all, talk.now_ms);
    match effects.pop() {
        Some(Effect::Recall { filters }) => (effects, filters),
        last => {
            effects.extend(last);
            (effects, Vec::new())
        }
    }
}

#[test]
fn a_changed_profile_describes_known_devices_anew_and_their_entities_keep_their_ids() {
    let mut talk = told();
    talk.home.rename_entity("tank.level", Some("Rain water")).unwrap();
    let other = GAUGE.replace("unit = '%'", "unit = 'L'").replace("id = 'pump'", "id = 'valve'");
    let (effects, recall) = change(&mut talk, vec![gauge(&other)]);
    assert_eq!(recall, ["gauge/+/about"]);
    let level = talk.home.entity("tank.level").unwrap();
    assert_eq!((level.description.unit.as_deref(), level.name.as_str()), (Some("L"), "Rain water"));
    assert_eq!(talk.shown("tank.level"), "40", "what it said is still known");
    let unique_ids: Vec<_> = talk.home.entities().map(|e| e.description.unique_id.as_str()).collect();
    assert_eq!(unique_ids, ["level", "valve"]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::SaveDevice(_))));
    talk.say("gauge/a/level", "41");
    assert_eq!(talk.shown("tank.level"), "41");
}

#[test]
fn a_profile_that_says_the_same_changes_nothing() {
    let mut talk = told();
    assert_eq!(change(&mut talk, vec![gauge(GAUGE)]), (Vec::new(), Vec::new()));
}

#[test]
fn a_removed_profile_leaves_its_devices_as_they_are() {
    let mut talk = told();
    assert_eq!(change(&mut talk, Vec::new()), (Vec::new(), Vec::new()));
    talk.say("gauge/a/level", "42");
    assert_eq!(talk.shown("tank.level"), "42");
    talk.say("gauge/b/about", r#"{"name":"Well"}"#);
    assert_eq!(talk.ids(), ["tank.level", "tank.pump"], "but nobody understands a new one");
    let (_, recall) = change(&mut talk, vec![gauge(GAUGE)]);
    assert_eq!(recall, ["gauge/+/about"]);
    talk.recall("gauge/b/about", r#"{"name":"Well"}"#);
    assert_eq!(talk.ids(), ["tank.level", "tank.pump", "well.level", "well.pump"]);
}

#[test]
fn a_profile_that_makes_nothing_of_a_device_any_more_leaves_it_until_it_speaks() {
    let mut talk = told();
    let more = GAUGE.replace(
        "[device]",
        "[[announce]]\nkind = 'json'\ntopic = 'gauge/{dev}/more'\npart = 'more'\n[device]",
    );
    let (effects, _) = change(&mut talk, vec![gauge(&more)]);
    assert_eq!(effects, []);
    assert_eq!(talk.ids(), ["tank.level", "tank.pump"]);
}

#[test]
fn a_whole_file_is_examined() {
    let good = Profile::examine("gauge.toml", GAUGE);
    assert_eq!(good.faults, []);
    assert_eq!((good.covered[0].name.as_str(), good.covered[0].messages), ("a full tank", 2));
    let failing = Profile::examine("gauge.toml", &GAUGE.replace("state = '99'", "state = '98'"));
    let fault = &failing.faults[0];
    assert_eq!(fault.place.map(|place| (place.line, place.column)), Some((31, 8)), "{fault}");
    assert!(fault.why.contains(r#"state of level is Some("99"), not Some("98")"#), "{fault}");
    let misspelt = Profile::examine("gauge.toml", &GAUGE.replace("unit = '%'", "  unti = '%'"));
    let fault = &misspelt.faults[0];
    assert_eq!(fault.place.map(|place| (place.line, place.column)), Some((17, 3)), "{fault}");
    assert!(fault.why.ends_with("Did you mean `unit`?"), "{fault}");
}

#[test]
fn a_trial_tells_everything_that_comes_of_its_messages() {
    let message = |topic: &str, payload: &str, retain| TrialMessage {
        topic: topic.to_owned(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        retain,
    };
    let messages = [
        message("gauge/a/level", "40", true),
        message("gauge/a/about", r#"{"name":"Tank"}"#, false),
        message("gauge/a/level", "much", false),
        message("gauge/a/about", "{", false),
    ];
    let trial = gauge(GAUGE).try_out(&messages, &|| true).unwrap();
    let [level, about, much, broken] = &trial.messages[..] else { panic!("{trial:?}") };
    assert!(level.rules.is_empty() && level.reported.is_empty());
    let rule = &about.rules[0];
    assert_eq!((rule.profile.as_str(), rule.captures["dev"].as_str()), ("gauge", "a"));
    assert_eq!(rule.place.map(|place| place.line), Some(6));
    assert_eq!(about.described, ["tank.level", "tank.pump"]);
    assert_eq!(about.reported, ["tank.level"], "what is retained was heard");
    assert!(much.problems[0].contains("is not a number"), "{much:?}");
    assert!(broken.problems[0].contains("not valid JSON"), "{broken:?}");
    assert_eq!(trial.devices[0].name, "Tank");
    let on = trial.commands.iter().find(|command| command.verb == "turn_on").unwrap();
    assert_eq!(on.sends.as_ref().unwrap()[0].topic, "gauge/a/pump/set");
}

#[test]
fn a_trial_has_limits() {
    let message = |bytes: usize| TrialMessage {
        topic: "a".to_owned(),
        payload: Bytes::from(vec![b'x'; bytes]),
        retain: false,
    };
    fn check(messages: Vec<TrialMessage>, expected: &str) {
        let outcome = gauge(GAUGE).try_out(&messages, &|| true);
        assert!(outcome.unwrap_err().contains(expected));
    }
    check(vec![message(1); devices::limits::TRIAL_MESSAGES_MAX + 1], "Leave some out.");
    check(vec![message(devices::limits::TRIAL_BYTES_MAX)], "Leave some out.");
    check(vec![TrialMessage { topic: "a/#".to_owned(), ..message(1) }], "no topic to publish to");
    let stopped = gauge(GAUGE).try_out(&[message(1)], &|| false).unwrap();
    assert!(stopped.messages.is_empty());
}

#[test]
fn a_template_is_tried_with_what_it_takes() {
    fn check(template: &str, payload: &str, expected: Result<&str, &str>) {
        let printed = try_template(template, payload);
        match expected {
            Ok(text) => assert_eq!(printed.text.as_deref(), Ok(text), "{template}"),
            Err(words) => assert!(printed.text.as_ref().unwrap_err().contains(words), "{printed:?}"),
        }
    }
    check("{{ value_json.a }}", r#"{"a": 21}"#, Ok("21"));
    check("{{ value_json.a }}", "{}", Err("not there"));
    check("{{ value_json.a * 2 }}", r#"{"a": 21}"#, Ok("42"));
    check("{{ value", "x", Err("unexpected end"));
    check("{% for a in range(99999) %}{{ a }}{% endfor %}", "x", Err("too many steps"));
    assert_eq!(try_template("{{ value_json.a }}", r#"{"a": 21}"#).fuel, 0);
    assert!(try_template("{{ value_json.a * 2 }}", r#"{"a": 21}"#).fuel > 0);
}
