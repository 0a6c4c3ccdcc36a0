//! What becomes of a command: its answer, the time it has, and the sleep of the device it is for.

mod common;

use common::{Talk, with};
use devices::{ANSWER_WITHIN_MS, Effect, MOVED_WITHIN_MS, Saved, Waiting, WaitsFor, limits};
use model::{Availability, Cause, CommandStage, CommandState, Value};
use serde_json::{Map, Value as Json, json};

use CommandStage::{Confirmed, Expired, Held, Sent, Unconfirmed};

fn home(component: &str, more: Json) -> Talk {
    let config = with(
        json!({"name": "X", "uniq_id": "x", "stat_t": "d/is", "cmd_t": "d/set", "dev": {"ids": ["d"], "name": "D"}}),
        &more,
    );
    let mut talk = Talk::new();
    talk.announce(&format!("{component}/d/x"), &config);
    talk
}

fn owner() -> Cause {
    Cause::Person { who: "owner".into() }
}

/// Gives the one entity a command as the hub does, and lets its messages pass the log.
fn tell(talk: &mut Talk, verb: &str, value: Option<Value>, attributes: Json) {
    let id = talk.ids()[0].to_owned();
    let attributes = attributes.as_object().cloned().unwrap_or_default();
    let order =
        talk.home.command(&id, verb, value.as_ref(), &attributes).unwrap_or_else(|why| panic!("{why}"));
    talk.home.await_answer(&id, &order, owner(), talk.now_ms);
    talk.home.sending(&id, verb, value.as_ref(), &order, talk.now_ms);
    for send in order.sends {
        talk.say(&send.topic, send.payload);
    }
    talk.home.passed(&id, talk.now_ms);
}

fn commanded(talk: &Talk) -> &CommandState {
    talk.home.commanded(talk.ids()[0]).expect("it was told something")
}

fn stage(talk: &Talk) -> CommandStage {
    commanded(talk).stage
}

#[test]
fn only_a_report_of_what_was_ordered_confirms() {
    fn check(
        component: &str,
        more: Json,
        verb: &str,
        value: Option<Value>,
        reports: &[(&str, &str, CommandStage)],
    ) {
        let mut talk = home(component, more);
        tell(&mut talk, verb, value.clone(), json!({}));
        assert_eq!(stage(&talk), Sent, "{component} {verb}");
        for (topic, payload, expected) in reports {
            talk.say(topic, payload);
            assert_eq!(stage(&talk), *expected, "{component} {verb} {value:?}: {topic} {payload}");
        }
    }
    let number = |number: f64| Some(Value::Number(number));
    let text = |text: &str| Some(Value::Text(text.into()));
    check("switch", json!({}), "turn_on", None, &[("d/is", "OFF", Sent), ("d/is", "ON", Confirmed)]);
    check("switch", json!({}), "toggle", None, &[("d/is", "OFF", Sent), ("d/is", "ON", Confirmed)]);
    check("switch", json!({}), "turn_off", None, &[("d/is", "nonsense", Sent), ("d/is", "OFF", Confirmed)]);
    let half = json!({"min": 5, "max": 30, "step": 0.5});
    check("number", half, "set", number(21.5), &[("d/is", "21", Sent), ("d/is", "21.6", Confirmed)]);
    check(
        "select",
        json!({"ops": ["eco", "max"]}),
        "set",
        text("max"),
        &[("d/is", "eco", Sent), ("d/is", "max", Confirmed)],
    );
    check("lock", json!({}), "lock", None, &[("d/is", "UNLOCKED", Sent), ("d/is", "LOCKED", Confirmed)]);
    let lamp = json!({"bri_cmd_t": "d/bri", "bri_stat_t": "d/bri/is", "bri_scl": 100});
    check(
        "light",
        lamp,
        "set_brightness",
        number(128.0),
        &[("d/is", "ON", Sent), ("d/bri/is", "20", Sent), ("d/bri/is", "50", Confirmed)],
    );
    let cover = json!({"pos_t": "d/at", "set_pos_t": "d/pos"});
    check(
        "cover",
        cover.clone(),
        "set_position",
        number(40.0),
        &[("d/at", "10", Sent), ("d/at", "41", Confirmed)],
    );
    check("cover", cover.clone(), "open", None, &[("d/is", "closed", Sent), ("d/is", "opening", Confirmed)]);
    check("cover", cover, "stop", None, &[("d/is", "open", Confirmed)]);
    let climate = json!({"mode_cmd_t": "d/mode", "mode_stat_t": "d/mode/is", "temp_cmd_t": "d/t", "temp_stat_t": "d/t/is",
        "modes": ["off", "heat"]});
    check(
        "climate",
        climate.clone(),
        "set_temperature",
        number(21.0),
        &[("d/t/is", "20", Sent), ("d/t/is", "21.0", Confirmed)],
    );
    check(
        "climate",
        climate,
        "set_mode",
        text("heat"),
        &[("d/mode/is", "off", Sent), ("d/mode/is", "heat", Confirmed)],
    );
}

#[test]
fn what_says_nothing_is_confirmed_by_the_passing_of_its_message() {
    for (component, more, verb) in [
        ("button", json!({"stat_t": null}), "press"),
        ("switch", json!({"stat_t": null}), "turn_on"),
        ("switch", json!({"opt": true}), "turn_on"),
        ("cover", json!({"stat_t": null}), "open"),
    ] {
        let mut talk = home(component, more);
        tell(&mut talk, verb, None, json!({}));
        assert_eq!(stage(&talk), Confirmed, "{component} {verb}");
    }
}

#[test]
fn a_retained_or_an_older_report_is_no_answer() {
    let mut talk = home("switch", json!({}));
    tell(&mut talk, "turn_on", None, json!({}));
    talk.recall("d/is", "ON");
    assert_eq!(stage(&talk), Sent);
    let mut older = talk.message("d/is", b"ON");
    older.time_ms = commanded(&talk).asked_ms - 1;
    talk.home.handle(&older, true);
    assert_eq!(stage(&talk), Sent);
}

#[test]
fn what_is_not_answered_in_time_is_unconfirmed_and_says_why() {
    fn check(
        component: &str,
        verb: &str,
        within_ms: i64,
        say: &[(&str, &str)],
        expected: CommandStage,
        why: &str,
    ) {
        let mut talk = home(component, json!({"avty_t": "d/here"}));
        talk.say("d/here", "online");
        tell(&mut talk, verb, None, json!({}));
        let asked_ms = commanded(&talk).asked_ms;
        for (topic, payload) in say {
            talk.say(topic, payload);
        }
        assert!(talk.home.tick(asked_ms + within_ms - 1).is_empty(), "{component} has more time");
        let effects = talk.home.tick(asked_ms + within_ms);
        let [Effect::Commanded { command, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!((command.stage, command.until_ms), (expected, None), "{component} {say:?}");
        assert!(command.why.clone().unwrap_or_default().contains(why), "{:?}", command.why);
    }
    let late = ANSWER_WITHIN_MS;
    check("switch", "turn_on", late, &[], Unconfirmed, "No answer for 8 s. Check that it has power");
    check(
        "switch",
        "turn_on",
        late,
        &[("d/is", "OFF")],
        Unconfirmed,
        "After 8 s it says off, and on was asked for",
    );
    check("switch", "turn_on", late, &[("d/here", "offline")], Unconfirmed, "It is not connected");
    check("cover", "open", MOVED_WITHIN_MS, &[], Unconfirmed, "No answer for 120 s");
}

#[test]
fn what_was_asked_for_is_named_beside_what_it_says() {
    let mut talk = home(
        "light",
        json!({
            "schema": "json", "color_temp": true, "brightness": true, "supported_color_modes": ["color_temp"],
        }),
    );
    let warm = r#"{"state":"ON","brightness":200,"color_mode":"color_temp","color_temp":370}"#;
    talk.say("d/is", warm);
    tell(&mut talk, "turn_on", None, json!({ "color_temp": 250 }));
    let asked_ms = commanded(&talk).asked_ms;
    talk.say("d/is", warm);
    talk.home.tick(asked_ms + ANSWER_WITHIN_MS);
    let why = commanded(&talk).why.clone().unwrap_or_default();
    assert_eq!(stage(&talk), Unconfirmed);
    assert!(why.starts_with("After 8 s its color temperature is 2702 K, and 4000 K was asked for."), "{why}");
}

#[test]
fn a_board_that_is_what_it_was_told_already_may_be_silent_about_it() {
    let mut talk = home("switch", json!({}));
    talk.say("d/is", "ON");
    tell(&mut talk, "turn_on", None, json!({}));
    assert_eq!(stage(&talk), Sent, "it may yet say otherwise");
    talk.home.tick(talk.now_ms + ANSWER_WITHIN_MS);
    assert_eq!(stage(&talk), Confirmed);
}

#[test]
fn a_later_answer_or_another_command_counts_for_the_newest() {
    let mut talk = home("switch", json!({}));
    tell(&mut talk, "turn_on", None, json!({}));
    tell(&mut talk, "turn_off", None, json!({}));
    talk.say("d/is", "ON");
    assert_eq!(stage(&talk), Sent, "that was about the one before");
    talk.say("d/is", "OFF");
    assert_eq!((stage(&talk), commanded(&talk).verb.as_str()), (Confirmed, "turn_off"));
    assert_eq!(talk.home.next_due(), None, "nothing is left to wait for");
}

#[test]
fn what_the_guard_holds_back_is_not_awaited() {
    let mut talk = home("switch", json!({}));
    let order = talk.home.command("d.x", "turn_on", None, &Map::new()).unwrap();
    talk.home.sending("d.x", "turn_on", None, &order, talk.now_ms);
    let effects = talk.home.held("d.x", "it rests", talk.now_ms);
    assert!(matches!(effects.as_slice(), [Effect::Commanded { .. }]));
    assert_eq!((stage(&talk), commanded(&talk).why.as_deref()), (Held, Some("it rests")));
    assert_eq!(talk.home.next_due(), None);
}

#[test]
fn what_is_confirmed_late_is_confirmed() {
    let mut talk = home("switch", json!({}));
    tell(&mut talk, "turn_on", None, json!({}));
    talk.home.tick(talk.now_ms + ANSWER_WITHIN_MS);
    assert_eq!(stage(&talk), Unconfirmed);
    talk.say("d/is", "OFF");
    assert_eq!(stage(&talk), Unconfirmed, "not what it was told");
    talk.say("d/is", "ON");
    assert_eq!((stage(&talk), commanded(&talk).why.as_deref()), (Confirmed, None));
}

/// A Homie board that sleeps between its reports.
fn sleeper() -> Talk {
    let mut talk = Talk::new();
    for (topic, payload) in [
        ("$homie", "4.0.0"),
        ("$name", "Valve"),
        ("$nodes", "relay"),
        ("relay/$name", "Relay"),
        ("relay/$type", "switch"),
        ("relay/$properties", "power"),
        ("relay/power/$name", "Power"),
        ("relay/power/$datatype", "boolean"),
        ("relay/power/$settable", "true"),
        ("$state", "ready"),
        ("relay/power", "false"),
        ("$state", "sleeping"),
    ] {
        talk.say(&format!("homie/valve/{topic}"), payload);
    }
    let id = talk.ids()[0].to_owned();
    assert_eq!(talk.state(&id).availability, Availability::Asleep);
    assert!(talk.home.is_asleep(&id));
    talk
}

fn wait(talk: &mut Talk, verb: &str) -> Vec<Effect> {
    let id = talk.ids()[0].to_owned();
    let told = (verb, None, &Map::new());
    talk.home.wait(&id, told, owner(), WaitsFor::Wake, talk.now_ms).expect("there is room")
}

fn verbs(talk: &Talk) -> Vec<&str> {
    talk.home.waiting(talk.ids()[0]).iter().map(|waiting| waiting.verb.as_str()).collect()
}

fn wakes(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Woke { .. }))
}

#[test]
fn a_command_to_a_sleeping_device_waits_until_it_wakes_and_listens() {
    let mut talk = sleeper();
    let effects = wait(&mut talk, "turn_on");
    assert!(
        matches!(effects.as_slice(), [Effect::KeepWaiting { waiting, .. }, Effect::Commanded { .. }] if waiting.len() == 1)
    );
    assert_eq!(stage(&talk), CommandStage::Waiting);
    assert!(!wakes(&talk.home.tick(talk.now_ms + 60_000)), "it sleeps");
    talk.say("homie/valve/$state", "ready");
    assert!(!wakes(&talk.home.tick(talk.now_ms)), "it has to subscribe first");
    assert!(wakes(&talk.home.tick(talk.now_ms + 300)));
    tell(&mut talk, "turn_on", None, json!({}));
    assert!(verbs(&talk).is_empty(), "what is sent waits no more");
    talk.say("homie/valve/relay/power", "true");
    assert_eq!(stage(&talk), Confirmed);
}

#[test]
fn one_that_falls_asleep_before_it_listened_is_waited_for_again() {
    let mut talk = sleeper();
    wait(&mut talk, "turn_on");
    talk.say("homie/valve/$state", "ready");
    talk.say("homie/valve/$state", "sleeping");
    assert!(!wakes(&talk.home.tick(talk.now_ms + 1_000)));
    assert_eq!(verbs(&talk), ["turn_on"]);
}

#[test]
fn of_commands_about_the_same_the_newest_waits_and_there_is_a_limit() {
    let mut talk = sleeper();
    wait(&mut talk, "turn_on");
    wait(&mut talk, "toggle");
    wait(&mut talk, "turn_off");
    assert_eq!(verbs(&talk), ["turn_off"]);
    for n in 1..limits::WAITING_MAX {
        wait(&mut talk, &format!("verb_{n}"));
    }
    let id = talk.ids()[0].to_owned();
    let told = ("one_more", None, &Map::new());
    let full = talk.home.wait(&id, told, owner(), WaitsFor::Wake, talk.now_ms).unwrap_err();
    assert!(full.to_string().contains("8 commands wait for it already"), "{full}");
    wait(&mut talk, "turn_on");
    assert_eq!(verbs(&talk).len(), limits::WAITING_MAX);
}

#[test]
fn what_waited_too_long_is_given_up_with_words() {
    let mut talk = sleeper();
    wait(&mut talk, "turn_on");
    let due_ms = commanded(&talk).until_ms.unwrap();
    assert!(talk.home.tick(due_ms - 1).is_empty());
    let effects = talk.home.tick(due_ms);
    assert!(matches!(&effects[0], Effect::KeepWaiting { waiting, .. } if waiting.is_empty()), "{effects:?}");
    assert_eq!(stage(&talk), Expired);
    assert_eq!(talk.home.next_due(), None);
    assert!(commanded(&talk).why.as_deref().unwrap().starts_with("It did not wake for 24 hours"));
}

#[test]
fn what_waits_for_a_board_that_is_away_is_given_up_when_its_session_ends() {
    fn check(ends_in_ms: Option<i64>, expected_ms: i64, words: &str) {
        let mut talk = sleeper();
        talk.say("homie/valve/$state", "lost");
        let id = talk.ids()[0].to_owned();
        let ends_ms = ends_in_ms.map(|ms| talk.now_ms + ms);
        let told = ("turn_on", None, &Map::new());
        talk.home.wait(&id, told, owner(), WaitsFor::Return(ends_ms), talk.now_ms).expect("there is room");
        assert_eq!((stage(&talk), talk.home.away()), (CommandStage::Away, vec![id]));
        assert!(!wakes(&talk.home.tick(talk.now_ms + 1_000)), "no word of its own is waited for");
        let until_ms = commanded(&talk).until_ms.unwrap();
        assert_eq!(until_ms - talk.now_ms, expected_ms);
        talk.home.tick(until_ms);
        assert_eq!((stage(&talk), talk.home.away()), (Expired, vec![]));
        assert!(commanded(&talk).why.as_deref().unwrap().starts_with(words), "{:?}", commanded(&talk));
    }
    check(None, limits::WAITING_AGE_MS, "It was not back for 24 hours");
    check(Some(30 * 60_000), 30 * 60_000, "It was not back for 30 min");
    check(Some(2 * limits::WAITING_AGE_MS), limits::WAITING_AGE_MS, "It was not back for 24 hours");
}

#[test]
fn each_that_is_given_up_is_told_and_the_newest_last() {
    let mut talk = sleeper();
    for verb in ["turn_on", "first", "second"] {
        wait(&mut talk, verb);
        talk.now_ms += 1_000;
    }
    let told = |effects: Vec<Effect>| -> Vec<(String, CommandStage)> {
        let commanded = effects.into_iter().filter_map(|effect| match effect {
            Effect::Commanded { command, .. } => Some((command.verb, command.stage)),
            _ => None,
        });
        commanded.collect()
    };
    let due_ms = commanded(&talk).until_ms.unwrap();
    let waiting = ("second".to_owned(), CommandStage::Waiting);
    assert_eq!(told(talk.home.tick(due_ms - 2_000)), [("turn_on".to_owned(), Expired), waiting]);
    let rest = [("first".to_owned(), Expired), ("second".to_owned(), Expired)];
    assert_eq!(told(talk.home.tick(due_ms)), rest);
}

#[test]
fn what_waits_survives_a_restart() {
    let mut talk = sleeper();
    let kept: Vec<Waiting> = wait(&mut talk, "turn_on")
        .into_iter()
        .find_map(
            |effect| if let Effect::KeepWaiting { waiting, .. } = effect { Some(waiting) } else { None },
        )
        .unwrap();
    let entity = talk.home.entities().next().unwrap().clone();
    let saved = Saved {
        devices: vec![record()],
        states: vec![(entity.id.clone(), talk.state(&entity.id).clone())],
        waiting: vec![(entity.id.clone(), kept), ("gone.entity".into(), Vec::new())],
        entities: vec![entity],
        ..Saved::default()
    };
    let mut again = Talk::new();
    again.now_ms = talk.now_ms;
    again.home.restore(saved);
    assert_eq!((verbs(&again), stage(&again)), (vec!["turn_on"], CommandStage::Waiting));
    again.say("homie/valve/relay/power", "false");
    again.say("homie/valve/$state", "ready");
    again.home.forget_wakes();
    assert!(!wakes(&again.home.tick(again.now_ms + 5_000)), "that was before the restart");
    again.say("homie/valve/$state", "ready");
    assert!(wakes(&again.home.tick(again.now_ms + 5_000)));
}

/// What is kept of the board.
fn record() -> devices::DeviceRecord {
    let effects = sleeper().home.rename_device("valve", Some("Valve")).expect("it is there");
    let saved = effects.into_iter().find_map(|effect| match effect {
        Effect::SaveDevice(record) => Some(record),
        _ => None,
    });
    saved.expect("it is written down")
}
