//! Automations beside each other: none holds up another, none runs twice at once, and one that goes wrong
//! again and again is stopped.

mod house;

use automation::Limits;
use house::{Deed, error, log, message_because, number, patient, visit};
use model::Cause;

#[test]
fn a_handler_that_loops_does_not_hold_up_another() {
    // One thread for both, and enough loops waiting to keep it busy for long.
    let limits = Limits { threads: 1, failures_max: usize::MAX, ..patient() };
    let visit = visit(limits);
    visit.load("busy", "on(topic(\"busy\"), |e| { loop {} });");
    visit.load("quick", "on(topic(\"quick\"), |e| log(\"here\"));");
    for _ in 0..200 {
        visit.message("busy", "");
    }
    visit.message("quick", "");
    assert_eq!(log(&visit.run_of("quick")), ["here"]);
    let busy = visit.automations.status().into_iter().find(|status| status.id == "busy").unwrap();
    assert!(busy.waiting > 100, "{busy:?}");
}

#[test]
fn a_run_stuck_in_the_house_loses_its_thread_and_pauses_its_automation() {
    let limits = Limits { threads: 1, wall_ms: 20, late_ms: 400, watch_ms: 5, ..Limits::default() };
    let visit = visit(limits);
    visit.load("stuck", "on(topic(\"stuck\"), |e| { get(\"stuck.entity\"); publish(\"late\", 1); });");
    visit.load("quick", "on(topic(\"quick\"), |e| log(\"here\"));");
    visit.message("stuck", "");
    visit.message("quick", "");
    // The thread that takes the place may be quicker than the record of the lost run.
    let mut runs = [visit.run(), visit.run()];
    runs.sort_by(|a, b| b.automation.cmp(&a.automation));
    let [stuck, quick] = runs;
    assert_eq!((stuck.automation.as_str(), quick.automation.as_str()), ("stuck", "quick"));
    assert!(
        error(&stuck).contains("does not end: a function of Hearth does not return"),
        "{}",
        error(&stuck)
    );
    let (id, why) = visit.pause();
    assert_eq!(id, "stuck");
    assert!(why.contains("load it again"), "{why}");

    // The lost thread comes back: what its run still wanted is not done, and no second record is written.
    visit.open_gate.send(()).unwrap();
    visit.automations.resume("stuck").unwrap();
    visit.message("quick", "");
    assert_eq!(visit.run().automation, "quick");
    assert_eq!(visit.deeds.try_iter().count(), 0);
    visit.message("stuck", "");
    assert_eq!(error(&visit.run_of("stuck")), "no error");
    assert!(matches!(visit.deed(), Deed::Publish(publish) if publish.topic == "late"));
}

#[test]
fn a_full_inbox_drops_the_oldest_messages_and_counts_them() {
    let limits = Limits { threads: 1, inbox_events_max: 4, ..patient() };
    let visit = visit(limits);
    visit.load(
        "slow",
        "on(topic(\"go\"), |e| { if e.payload == \"0\" { get(\"stuck.entity\"); } log(e.payload); });",
    );
    visit.load("marker", "on(topic(\"mark\"), |e| ());");
    // Once the marker ran, the one thread is free; then the first message holds it in the house.
    visit.run_on("mark", "");
    visit.message("go", "0");
    while visit.automations.status().iter().any(|status| status.id == "slow" && status.waiting > 0) {
        std::thread::yield_now();
    }
    for i in 1..=10 {
        visit.message("go", &i.to_string());
    }
    let status = visit.automations.status().into_iter().find(|status| status.id == "slow").unwrap();
    assert_eq!((status.waiting, status.dropped), (4, 6));
    visit.open_gate.send(()).unwrap();
    let lines: Vec<String> = (0..5).map(|_| log(&visit.run_of("slow")).last().unwrap().to_string()).collect();
    assert_eq!(lines, ["0", "7", "8", "9", "10"]);
}

#[test]
fn an_automation_never_runs_twice_at_once() {
    let visit = visit(Limits { threads: 4, ..patient() });
    // Two runs at once would lose counts or find the variable in use.
    visit.load("count", "let n = 0; on(topic(\"up\"), |e| { let old = n; for i in 0..200 { old += 0; } n = old + 1; log(n); });");
    for _ in 0..200 {
        visit.message("up", "");
    }
    let counts: Vec<String> = (0..200).map(|_| log(&visit.run())[0].to_owned()).collect();
    assert_eq!(counts, (1..=200).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_circle_of_causes_is_broken() {
    let visit = visit(patient());
    visit.load("echo", "on(topic(\"ping\"), |e| publish(\"ping\", e.payload));");
    visit.message("ping", "x");
    // The test is the house: what is published comes back as a message with its cause.
    for depth in 1..=16 {
        assert_eq!(error(&visit.run()), "no error");
        let Deed::Publish(publish) = visit.deed() else { panic!("a publish") };
        assert_eq!(publish.cause.depth(), depth);
        visit.automations.on_message(&message_because("ping", "x", Some(publish.cause)));
    }
    let run = visit.run();
    assert!(error(&run).contains("16 runs already stand between"), "{}", error(&run));
    assert!(run.actions.is_empty());
    let (id, why) = visit.pause();
    assert_eq!(id, "echo");
    assert!(why.starts_with("It goes in a circle."), "{why}");
    assert!(visit.automations.status()[0].paused.is_some());

    visit.message("ping", "ignored while paused");
    visit.automations.resume("echo").unwrap();
    assert!(visit.automations.status()[0].paused.is_none());
    assert_eq!(visit.run_on("ping", "again").trigger.payload.as_deref(), Some("again"));
}

#[test]
fn a_chain_started_by_a_person_is_no_circle() {
    let visit = visit(patient());
    visit.load("echo", "on(topic(\"ping\"), |e| publish(\"pong\", 1));");
    let cause = Some(Cause::Person { who: "owner".into() });
    visit.automations.on_message(&message_because("ping", "", cause));
    let Deed::Publish(publish) = visit.deed() else { panic!("a publish") };
    assert_eq!(publish.cause.depth(), 1);
}

#[test]
fn three_failures_of_a_kind_at_a_place_pause() {
    let visit = visit(patient());
    visit.load("bad", "on(topic(\"go\"), |e| {\n  throw \"no luck\";\n});");
    for _ in 0..2 {
        assert_eq!(error(&visit.run_on("go", "")), "no luck");
        visit.house.pass(60_000);
    }
    assert_eq!(visit.pauses.try_iter().count(), 0);
    visit.run_on("go", "");
    let (_, why) = visit.pause();
    assert_eq!(
        why,
        "It failed 3 times within 10 minutes, in line 2: no luck. Correct and save it, or switch it on again."
    );
}

#[test]
fn a_reload_with_a_fault_keeps_the_old_script_and_a_good_one_replaces_it() {
    let visit = visit(patient());
    visit.load("a", "on(topic(\"go\"), |e| log(\"old\"));");
    let fault = visit.automations.load("a", "on(topic(\"go\"), |e| log(\"new\")").unwrap_err();
    assert_eq!(fault.line, Some(1));
    visit.automations.load("a", "turn_on(\"x.y\");").unwrap_err();
    assert_eq!(log(&visit.run_on("go", "")), ["old"]);
    visit.load("a", "on(topic(\"went\"), |e| log(\"new\"));");
    visit.message("go", "");
    assert_eq!(log(&visit.run_on("went", "")), ["new"]);
    visit.automations.unload("a");
    visit.message("went", "");
    assert!(visit.automations.status().is_empty());
    assert_eq!(visit.runs.try_iter().count(), 0);
    assert!(visit.automations.resume("a").unwrap_err().message.contains("There is no automation `a`"));
}

#[test]
fn stopping_ends_the_threads_and_nothing_more_runs() {
    let visit = visit(patient());
    visit.load("a", "on(topic(\"go\"), |e| log(\"ran\")); on(changed(\"a.x\"), |e| log(\"ran\"));");
    visit.run_on("go", "");
    visit.automations.stop();
    visit.message("go", "");
    visit.change("a.x", number(1.0), number(2.0));
    assert_eq!(visit.runs.try_iter().count(), 0);
}
