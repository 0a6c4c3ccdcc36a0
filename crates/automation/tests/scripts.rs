//! What scripts can do: triggers, reads, actions and their order, refusals, records, words.

mod house;

use automation::{Automations, Limits, TriggerKind};
use house::{Deed, change, error, log, message_because, number, on, patient, visit};
use model::run::RunAction;
use model::{Cause, QoS, Value};
use serde_json::json;

/// Runs a handler's body for one message and gives what it logged.
fn said(body: &str) -> Vec<String> {
    let visit = visit(patient());
    visit.house.set("living.temperature", Value::Number(21.456));
    visit.house.set("hall.light", Value::Bool(true));
    visit.house.set("washer.phase", Value::Text("spin".into()));
    visit.house.set_attribute("hall.light", "brightness", json!(80));
    visit.load("script", &format!("on(topic(\"go/+\"), |e| {{ {body} }});"));
    let run = visit.run_on("go/on", r#"{"action":"single","n":[1,2.5]}"#);
    assert_eq!(error(&run), "no error", "{body}");
    log(&run).into_iter().map(str::to_owned).collect()
}

#[test]
fn scripts_read_the_house() {
    fn check(expression: &str, expected: &str) {
        assert_eq!(said(&format!("log({expression});")), [expected], "{expression}");
    }
    check("get(\"living.temperature\") > 21", "true");
    check("round(get(\"living.temperature\"), 1)", "21.5");
    check("round(7, 1)", "7");
    check("get(\"hall.light\")", "on");
    check("get(\"hall.light\") == \"on\"", "true");
    check("get(\"washer.phase\")", "spin");
    check("get(\"hall.light\", \"brightness\") + 1", "81");
    check("get(\"hall.light\", \"colour\") == ()", "true");
    check("get(\"hall.light\", \"availability\")", "available");
    check("now()", "1800000000000");
    check("2.5", "2.5");
    check("\"a-b-c\".split(\"-\")[1]", "b");
    check("parse_json(`{\"a\":[1]}`).a[0]", "1");
    check("{ let t = \"a+b+c\"; t.replace(\"+\", \" and \"); t }", "a and b and c");
}

#[test]
fn an_entity_that_does_not_exist_reads_as_nothing_and_is_warned_about_once() {
    let lines = said("log(get(\"no.such\") == ()); get(\"no.such\");");
    assert_eq!(lines, ["There is no entity `no.such`. Look up its id on its device's page.", "true"]);
}

#[test]
fn a_message_event_tells_everything() {
    fn check(expression: &str, expected: &str) {
        assert_eq!(said(&format!("log({expression});")), [expected], "{expression}");
    }
    check("e.kind", "topic");
    check("e.topic", "go/on");
    check("e.payload.len()", "31");
    check("e.json.action", "single");
    check("e.json.n[1]", "2.5");
    check("e.json.missing == ()", "true");
    check("e.time", "1700000000000");
    check("e.cause", "");
    check("e.retained", "false");
    check("e.entity == () && e.value == () && e.old == ()", "true");
}

#[test]
fn a_state_event_tells_everything() {
    let visit = visit(patient());
    visit.load(
        "script",
        "on(changed(\"a.x\"), |e| log(`${e.kind} ${e.entity} ${e.old}->${e.value} ${e.payload == ()} ${e.json == ()}`));",
    );
    visit.change("a.x", on(false), on(true));
    let run = visit.run();
    assert_eq!(log(&run), ["changed a.x off->on true true"]);
    assert_eq!(run.trigger.trigger, "changed(\"a.x\")");
    assert_eq!(run.trigger.line, Some(1));
    assert_eq!((run.trigger.old, run.trigger.value), (on(false), on(true)));
}

#[test]
fn actions_are_carried_out_in_order_also_after_an_error() {
    let visit = visit(patient());
    visit.load(
        "orders",
        "on(topic(\"go\"), |e| {\n\
           publish(\"a/1\", #{ t: 21.5 }, #{ qos: 1, retain: true });\n\
           turn_on(\"hall.light\");\n\
           command(\"hall.dimmer\", \"set\", #{ value: 40, transition: 2 });\n\
           publish(\"a/2\", 7);\n\
           let x = () + 1;\n\
           publish(\"a/3\", \"never\");\n\
         });",
    );
    let run = visit.run_on("go", "");
    let cause = Cause::Run { run: run.id.clone(), automation: "orders".into(), depth: 1 };
    let deeds: Vec<Deed> = visit.deeds.try_iter().collect();
    let Deed::Publish(first) = &deeds[0] else { panic!("{deeds:?}") };
    assert_eq!((&*first.topic, &*first.payload), ("a/1", &br#"{"t":21.5}"#[..]));
    assert_eq!((first.qos, first.retain, &first.cause), (QoS::AtLeastOnce, true, &cause));
    let command = |entity: &str, verb: &str, value, attributes| Deed::Command {
        entity: entity.into(),
        verb: verb.into(),
        value,
        attributes,
        cause: cause.clone(),
    };
    assert_eq!(deeds[1], command("hall.light", "turn_on", None, json!({})));
    assert_eq!(deeds[2], command("hall.dimmer", "set", number(40.0), json!({ "transition": 2 })));
    assert_eq!(deeds.len(), 4);
    assert_eq!(run.actions.len(), 4);
    assert_eq!(
        run.actions[3],
        RunAction::Publish { topic: "a/2".into(), payload: "7".into(), retain: false }
    );
    let failure = run.error.unwrap();
    assert_eq!(failure.line, Some(6));
    assert!(failure.message.contains("does not work with nothing () and a number"), "{}", failure.message);
    assert!(run.operations > 5);
}

#[test]
fn toggle_follows_the_state() {
    let visit = visit(patient());
    visit.house.set("a.lamp", Value::Bool(true));
    visit.house.set("b.lamp", Value::Bool(false));
    visit
        .load("t", "on(topic(\"go\"), |e| { toggle(\"a.lamp\"); toggle(\"b.lamp\"); toggle(\"c.lamp\"); });");
    let run = visit.run_on("go", "");
    let verbs: Vec<String> = run
        .actions
        .iter()
        .map(|action| match action {
            RunAction::Command { verb, .. } => verb.clone(),
            RunAction::Refused { what, why } => format!("{what}: {why}"),
            RunAction::Publish { .. } => "publish".to_owned(),
        })
        .collect();
    let refused = "toggle(\"c.lamp\"): Its state is unknown, so there is nothing to toggle. Use `turn_on` or `turn_off`.";
    assert_eq!(verbs, ["turn_off", "turn_on", refused]);
}

#[test]
fn what_the_house_refuses_is_written_down_and_the_rest_is_done() {
    let visit = visit(patient());
    visit.load(
        "r",
        "on(topic(\"go\"), |e| { turn_on(\"light\"); publish(\"forbidden/x\", 1); publish(\"a\", 2); });",
    );
    let run = visit.run_on("go", "");
    assert_eq!(error(&run), "no error");
    assert_eq!(
        run.actions,
        [
            RunAction::Refused {
                what: "turn_on(\"light\")".into(),
                why: "There is no entity `light`. Did you mean `hall.light`?".into()
            },
            RunAction::Refused {
                what: "publish(\"forbidden/x\", \"1\")".into(),
                why: "This automation may not publish there. Allow it under Permissions.".into()
            },
            RunAction::Publish { topic: "a".into(), payload: "2".into(), retain: false },
        ]
    );
    assert_eq!(visit.automations.status()[0].refused, 2);
}

#[test]
fn a_flood_is_cut_at_the_burst_and_flows_again_later() {
    let visit = visit(patient());
    visit.load("flood", "on(topic(\"go\"), |e| { for i in 0..300 { publish(\"a\", i); } });");
    let run = visit.run_on("go", "");
    let refused = |run: &model::RunRecord| {
        run.actions.iter().filter(|action| matches!(action, RunAction::Refused { .. })).count()
    };
    assert_eq!(visit.deeds.try_iter().count(), 200);
    assert_eq!(refused(&run), 21);
    let Some(RunAction::Refused { what, .. }) = run.actions.last() else {
        panic!("{:?}", run.actions.last())
    };
    assert_eq!(what, "80 more actions");
    visit.house.pass(1_000);
    visit.run_on("go", "");
    assert_eq!(visit.deeds.try_iter().count(), 50);
    assert_eq!(visit.automations.status()[0].refused, 350);
}

#[test]
fn payloads_of_one_run_are_bounded_together() {
    let visit = visit(patient());
    visit.load(
        "big",
        "on(topic(\"go\"), |e| { let s = \"\"; s.pad(60000, 'x'); for i in 0..100 { publish(\"a\", s); } });",
    );
    let run = visit.run_on("go", "");
    assert_eq!(visit.deeds.try_iter().count(), (4 << 20) / 60_000);
    let Some(RunAction::Refused { why, .. }) =
        run.actions.iter().find(|a| matches!(a, RunAction::Refused { .. }))
    else {
        panic!("nothing was refused")
    };
    assert!(why.contains("larger than 4096 KiB"), "{why}");
}

#[test]
fn crossings_fire_once_and_messages_reach_every_filter_that_matches() {
    let visit = visit(patient());
    visit.load(
        "fan",
        "on(above(\"bath.humidity\", 70, #{ clear: 60 }), |e| log(`above ${e.value}`));\n\
         on(below(\"bath.humidity\", 60, #{ clear: 70 }), |e| log(`below ${e.value}`));",
    );
    visit.load(
        "hash",
        "on(topic(\"a/#\"), |e| log(`# ${e.topic}`)); on(topic(\"a/+\"), |e| log(`+ ${e.topic}`));",
    );
    visit.load("exact", "on(topic(\"b\"), || log(\"b\"));");
    for (old, new) in [(50.0, 71.0), (71.0, 65.0), (65.0, 72.0), (72.0, 59.0), (59.0, 73.0)] {
        visit.change("bath.humidity", number(old), number(new));
    }
    let lines: Vec<String> = (0..3).map(|_| log(&visit.run())[0].to_owned()).collect();
    assert_eq!(lines, ["above 71.0", "below 59.0", "above 73.0"]);

    visit.message("c", "");
    visit.message("a/x/y", "");
    visit.message("a/x", "");
    let lines: Vec<String> = (0..3).map(|_| log(&visit.run())[0].to_owned()).collect();
    assert_eq!(lines, ["# a/x/y", "# a/x", "+ a/x"]);
    visit.message("b", "");
    assert_eq!(visit.run().automation, "exact");
    assert_eq!(visit.runs.try_iter().count(), 0);
}

#[test]
fn what_is_not_fresh_or_no_change_of_value_runs_nothing() {
    let visit = visit(patient());
    visit.load("s", "on(changed(\"a.x\"), |e| log(e.value)); on(above(\"a.x\", 5), |e| log(\"above\"));");
    let mut restored = change("a.x", None, number(9.0));
    restored.fresh = false;
    visit.automations.on_change(&restored);
    visit.change("a.x", number(9.0), number(9.0));
    visit.change("a.y", number(1.0), number(9.0));
    visit.change("a.x", number(9.0), number(10.0));
    assert_eq!(log(&visit.run()), ["10"]);
    // 10 is above 5, but so was the restored 9: nothing was crossed.
    visit.message("none", "");
    assert_eq!(visit.automations.status()[0].runs, 1);
    assert_eq!(visit.automations.status()[0].waiting, 0);
}

#[test]
fn variables_of_the_script_are_kept_and_shared_between_handlers() {
    let visit = visit(patient());
    visit.load(
        "counter",
        "let count = 0;\n\
         on(topic(\"up\"), |e| { count += 1; });\n\
         on(topic(\"show\"), |e| log(count));\n\
         on(started(), |e| log(`started ${count}`));",
    );
    assert_eq!(log(&visit.run()), ["started 0"]);
    visit.run_on("up", "");
    visit.run_on("up", "");
    assert_eq!(log(&visit.run_on("show", "")), ["2"]);
}

#[test]
fn functions_and_constants_of_the_script_work_in_handlers() {
    let visit = visit(patient());
    visit.load(
        "f",
        "const LIMIT = 5;\n\
         fn twice(x) { x * 2 }\n\
         fn handler(e) { log(`named ${e.topic}`); }\n\
         on(topic(\"a\"), |e| log(twice(LIMIT)));\n\
         on(topic(\"b\"), Fn(\"handler\"));\n\
         on(topic(\"c\"), |e| { if e.payload == \"\" { exit(); } log(\"not empty\"); });",
    );
    assert_eq!(log(&visit.run_on("a", "")), ["10"]);
    assert_eq!(log(&visit.run_on("b", "")), ["named b"]);
    let run = visit.run_on("c", "");
    assert_eq!((error(&run), run.log.len()), ("no error", 0));
}

#[test]
fn check_tells_the_triggers() {
    let triggers = Automations::check(
        "let room = \"living.temperature\";\n\
         on(topic(\"a/+\"), |e| ());\n\
         on(above(room, 25, #{ clear: 24 }), |e| ());\n\
         on(changed([room, \"b.x\"], #{ to: \"on\" }), |e| ());",
    )
    .unwrap();
    let short: Vec<_> = triggers.iter().map(|t| (t.kind, t.trigger.as_str(), t.line)).collect();
    assert_eq!(
        short,
        [
            (TriggerKind::Topic, "topic(\"a/+\")", Some(2)),
            (TriggerKind::Above, "above(\"living.temperature\", 25, #{ clear: 24 })", Some(3)),
            (TriggerKind::Changed, "changed([\"living.temperature\", \"b.x\"], #{ to: \"on\" })", Some(4)),
        ]
    );
    assert_eq!(triggers[0].topic.as_deref(), Some("a/+"));
    assert_eq!(triggers[2].entities, ["living.temperature", "b.x"]);
}

#[test]
fn check_tells_faults_with_line_and_advice() {
    fn check(script: &str, line: u32, expected: &str) {
        let error = Automations::check(script).expect_err(script);
        assert!(error.message.contains(expected), "{script}\n  said: {}", error.message);
        assert_eq!(error.line, Some(line), "{script}: {}", error.message);
    }
    check(
        "on(topic(\"a\"), |e| {\n  turn_onn(\"x.y\");\n});",
        2,
        "no function `turn_onn`. Did you mean `turn_on`?",
    );
    check("fn beep() {}\non(topic(\"a\"), |e| bep());", 2, "Did you mean `beep`?");
    check("on(topic(\"a\"), |e| e.payload.to_uper());", 1, "Did you mean `to_upper`?");
    check(
        "on(topic(\"a\"), |e| turn_on());",
        1,
        "`turn_on` is written `turn_on(entity)`; here it is given nothing.",
    );
    check("on(topic(\"a\"), |e| publish(\"x\"));", 1, "here it is given one value");
    check("on(topic(\"a/#/b\"), |e| ());", 1, "`a/#/b` is not a topic filter: `#` must be the last level");
    check("on(topic(\"a\"), |e| publish(\"a/+\", 1));", 1, "Cannot publish to `a/+`");
    check("on(topic(5), |e| ());", 1, "`topic` is written `topic(filter)`; here it is given a number.");
    check(
        "on(\"a\", |e| ());",
        1,
        "`on` is written `on(trigger, |e| { ... })`; here it is given a text and a function.",
    );
    check("on(above(\"x\", \"hot\"), |e| ());", 1, "`above` compares with a number; a text is none.");
    check("on(above(\"x\", 25, #{ clear: 26 }), |e| ());", 1, "is higher than the bound 25");
    check(
        "on(changed(\"x\", #{ too: 1 }), |e| ());",
        1,
        "`changed` has no option `too`. It knows `from`, `to`.",
    );
    check("on(changed(5), |e| ());", 1, "where an entity's id should stand");
    check("on(changed([]), |e| ());", 1, "needs at least one entity");
    check("on(topic(\"a\"), |a, b| ());", 1, "The handler takes 2 arguments");
    check("\npublish(\"a\", 1);", 2, "`publish` cannot be used while the script is being loaded");
    check("turn_on(\"a.b\");", 1, "on(started(), |e| { turn_on(...) })");
    check("on(topic(\"a\"), |e| {\n  log(roomm);\n});", 2, "There is no variable `roomm`");
    check("on(topic(\"a\"), |e| {", 1, "");
    check("let x = ;", 1, "");
}

#[test]
fn a_script_without_triggers_is_warned_about() {
    let examination = Automations::examine("let x = 1;");
    assert!(examination.errors.is_empty());
    assert!(examination.warnings[0].message.contains("has no trigger"));
}

#[test]
fn closures_held_in_variables_and_maps_are_no_unknown_functions() {
    let script = "let decide = |x| x + 1; let tools = #{ grow: |x| x + 1 };\n\
                  on(topic(\"a\"), |e| { decide.call(1); tools.grow(1); });";
    assert_eq!(Automations::examine(script).errors, []);
}

#[test]
fn failures_of_a_run_are_told_with_line_and_advice() {
    fn check(body: &str, expected: &str) {
        let visit = visit(patient());
        visit.load("f", &format!("on(topic(\"go\"), |e| {{\n{body}\n}});"));
        let run = visit.run_on("go", "text");
        assert!(error(&run).contains(expected), "{body}\n  said: {}", error(&run));
        assert_eq!(run.error.unwrap().line, Some(2), "{body}");
    }
    check("log(e.paylod);", "An event has no field `paylod`. Did you mean `payload`?");
    check("e.payload = 1;", "");
    check("let t = get(\"no.such\"); if t.len() > 5 { }", "does not work with nothing ()");
    check("let m = e.json; log(m.action);", "`.action` of nothing ()");
    check("turn_on(5);", "`turn_on` is written `turn_on(entity)`; here it is given a number.");
    check("let a = [1]; log(a[3]);", "The list has 1 items; there is no item 3");
    check("throw \"no heating in summer\";", "no heating in summer");
    check("let x = 1 / 0;", "The calculation failed");
    check("on(topic(\"b\"), |e| ());", "`on` belongs at the top of the script");
    check("publish(\"a\", 1, #{ qos: 3 });", "`qos` is 0, 1 or 2.");
    check("publish(`a/${\"#\"}`, 1);", "Cannot publish to `a/#`");
    check("let x = 5; x.foo = 1;", "");
    check("publish(\"a\", 0.0/0.0);", "cannot be sent");
}

#[test]
fn a_large_payload_is_refused_as_text_but_read_as_json() {
    let visit = visit(patient());
    visit.load(
        "big",
        "on(topic(\"text\"), |e| log(e.payload.len())); on(topic(\"json\"), |e| log(e.json.len()));",
    );
    let large = format!("[{}1]", "1,".repeat(40_000));
    assert!(error(&visit.run_on("text", &large)).contains("has 78 KiB; a script's text can have 64 KiB"));
    assert!(error(&visit.run_on("json", &large)).contains("A list got more than 10000 items"));
    let fair = format!("[\"{}\",\"{}\"]", "x".repeat(30_000), "y".repeat(30_000));
    assert_eq!(log(&visit.run_on("json", &fair)), ["2"]);
}

#[test]
fn a_cause_is_carried_and_counted() {
    let visit = visit(patient());
    visit.load("c", "on(topic(\"go\"), |e| { log(e.cause); publish(\"a\", 1); });");
    let cause = Cause::Run { run: "r".into(), automation: "other".into(), depth: 3 };
    visit.automations.on_message(&message_because("go", "", Some(cause.clone())));
    let run = visit.run();
    assert_eq!(run.cause, Some(cause));
    assert_eq!(log(&run), ["The automation `other`"]);
    let Deed::Publish(publish) = visit.deed() else { panic!("a publish") };
    assert_eq!(publish.cause, Cause::Run { run: run.id, automation: "c".into(), depth: 4 });
}

#[test]
fn limits_are_the_ones_the_scripts_are_told_about() {
    let limits = Limits::default();
    assert_eq!((limits.operations_max, limits.wall_ms, limits.memory_bytes_max), (200_000, 100, 16 << 20));
    assert_eq!(
        (limits.text_bytes_max, limits.array_items_max, limits.map_entries_max),
        (65_536, 10_000, 5_000)
    );
}
