//! Everything a script can do to hurt the program, by accident or not. Each is stopped with words, and the
//! automation answers the next message.

mod house;

use automation::Limits;
use automation::memory::Counting;
use house::{error, log, patient, visit};

#[global_allocator]
static ALLOCATOR: Counting<std::alloc::System> = Counting::new(std::alloc::System);

/// Runs `attack` in a handler, expects the words, and then expects the same script to answer.
fn check_with(limits: Limits, attack: &str, expected: &str) {
    let visit = visit(limits);
    let script = format!(
        "let kept = [];\n\
         on(topic(\"attack\"), |e| {{\n{attack}\n}});\n\
         on(topic(\"hello\"), |e| {{ kept.clear(); log(\"still here\"); }});"
    );
    visit.load("attack", &script);
    let run = visit.run_on("attack", "");
    assert!(error(&run).contains(expected), "{attack}\n  said: {}", error(&run));
    assert!(!error(&run).contains("Please report"), "{attack}\n  said: {}", error(&run));
    assert_eq!(log(&visit.run_on("hello", "")), ["still here"], "{attack}");
}

fn check(attack: &str, expected: &str) {
    check_with(patient(), attack, expected);
}

const LOOP: &str = "Stopped after 200000 operations";

#[test]
fn endless_loops() {
    check("loop {}", LOOP);
    check("while true { let x = 1; }", LOOP);
    check("let yes = true; while yes {}", LOOP);
    check("let yes = true; do {} while yes;", LOOP);
    check("let no = false; do {} until no;", LOOP);
    check("let n = 9000000000; for i in 0..n {}", LOOP);
    check("let n = 0; for i in 0..1000000000 { n += i; }", LOOP);
}

#[test]
fn a_stop_cannot_be_caught() {
    check("try { loop {} } catch { }", LOOP);
    check("loop { try { loop {} } catch { } }", LOOP);
}

#[test]
fn operations_inside_closures_that_built_in_functions_call_count_too() {
    check(
        "let a = []; a.pad(1000, 1); a.map(|x| { for i in 0..1000 {} x }); loop { a.filter(|x| x > 0); }",
        LOOP,
    );
}

#[test]
fn a_loop_is_stopped_by_the_clock() {
    let limits = Limits { wall_ms: 50, operations_max: u64::MAX, late_ms: 60_000, ..Limits::default() };
    check_with(limits.clone(), "loop {}", "Stopped after 50 ms");
    check_with(limits, "try { loop {} } catch { loop {} }", "Stopped after 50 ms");
}

const MEMORY: &str = "holds more than 16 MiB";

#[test]
fn memory_that_no_single_size_limit_sees() {
    // Each list is just within its limit, and none is inside another.
    check(
        "let a = []; a.pad(9000, 0);\n\
         let grab = |n, held| if n > 0 { let b = a; b.push(n); let c = a; c.push(n); let d = a; d.push(n); \
         let f = a; f.push(n); let g = a; g.push(n); let h = a; h.push(n); this.call(n - 1, h); };\n\
         let holders = []; let i = 0;\n\
         while i < 400 { let own = a; own.push(i); holders.push(|| own.len()); i += 1; }",
        MEMORY,
    );
}

#[test]
fn memory_that_is_kept_from_run_to_run() {
    let visit = visit(patient());
    visit.load(
        "hoarder",
        "let holders = [];\n\
         on(topic(\"more\"), |e| {\n\
             let a = []; a.pad(9000, 0);\n\
             for i in 0..20 { let own = a; own.push(i); holders.push(|| own.len()); }\n\
         });",
    );
    let errors: Vec<String> = (0..6).map(|_| error(&visit.run_on("more", "")).to_owned()).collect();
    assert_eq!(errors[0], "no error");
    assert!(errors.iter().any(|error| error.contains(MEMORY)), "{errors:?}");
    assert!(visit.automations.status()[0].memory_bytes > 0);
}

#[test]
fn texts_that_grow() {
    check("let s = \"x\"; loop { s += s; }", "A text became longer than 64 KiB");
    check("let s = \"x\"; s.pad(100000000, 'y');", "A text became longer than 64 KiB");
    check(
        "let s = \"x\"; s.pad(60000, \"yyyy\"); s.pad(70000, \"yyyy\");",
        "A text became longer than 64 KiB",
    );
}

#[test]
fn replace_computes_the_size_first() {
    let texts = "let s = \"\"; s.pad(8000, 'a'); let t = \"\"; t.pad(32000, 'b');";
    check(&format!("{texts} s.replace(\"a\", t);"), "`replace` would make a text of 250000 KiB");
    check(&format!("{texts} s.replace('a', t);"), "`replace` would make a text of 250000 KiB");
    check(&format!("{texts} s.replace(\"\", t);"), "`replace` would make a text of");
    check(
        &format!("{texts} s += s; s.replace(\"a\", '😀'); s.replace('😀', \"😀😀\");"),
        "`replace` would make",
    );
}

#[test]
fn lists_and_maps_that_grow() {
    check("let a = []; loop { a.push(1); }", "A list got more than 10000 items");
    check("let a = [1]; loop { a += a; }", "A list got more than 10000 items");
    check("let a = []; a.pad(1000000000, 0);", "A list got more than 10000 items");
    check("let b = blob(1000000000, 0);", "A list got more than 10000 items");
    check("let m = #{}; loop { m[m.len().to_string()] = 1; }", "A map got more than 5000 entries");
    // Rhai does not look at a map while entries are only assigned; operations and memory bound that.
    check("let m = #{}; for i in 0..100000 { m[i.to_string()] = i; }", LOOP);
    check("let s = \"\"; s.pad(50000, ','); let parts = s.split(\",\");", "A list got more than 10000 items");
}

#[test]
fn lists_too_deep_to_send() {
    check(
        "let a = []; for i in 0..100 { a = [a]; } print(a.to_string().len()); publish(\"a\", a);",
        "nested more than 64 levels",
    );
}

#[test]
fn deep_recursion() {
    check("let f = |f, n| f.call(f, n + 1); f.call(f, 0);", "more than 32 levels deep");
}

#[test]
fn too_many_variables() {
    let many: String = (0..300).map(|i| format!("let v{i} = {i};\n")).collect();
    check(&many, "More than 256 variables");
}

#[test]
fn a_list_put_into_itself() {
    check("kept.push(kept); let a = [kept]; kept.push(|| kept);  kept.push(kept); throw \"over\";", "");
}

#[test]
fn a_panic_in_the_house_is_a_failure_of_the_run() {
    let visit = visit(patient());
    visit.load(
        "panic",
        "on(topic(\"attack\"), |e| get(\"broken.entity\")); on(topic(\"hello\"), |e| log(\"still here\"));",
    );
    let run = visit.run_on("attack", "");
    assert!(error(&run).contains("Hearth itself failed") && error(&run).contains("registry is broken"));
    assert_eq!(log(&visit.run_on("hello", "")), ["still here"]);
}

#[test]
fn what_is_not_there_is_said_before_it_runs() {
    fn check(script: &str, line: u32, expected: &str) {
        let error = automation::Automations::check(script).expect_err(script);
        assert!(error.message.contains(expected), "{script}\n  said: {}", error.message);
        assert_eq!(error.line, Some(line), "{script}: {}", error.message);
    }
    check(
        "on(topic(\"a\"), |e| {\n  sleep(1000);\n});",
        2,
        "There is no `sleep` in automations. Nothing waits",
    );
    check("let t = timestamp();", 1, "Use `now()`");
    check("eval(\"1\");", 1, "There is no `eval` in automations");
    check("import \"/etc/passwd\" as p;", 1, "There is no `import` in automations");
    check(&format!("let x = {}1{};", "(".repeat(100), ")".repeat(100)), 1, "nested too deeply");
    check(&format!("let x = {}{};", "[".repeat(100), "]".repeat(100)), 1, "nested too deeply");
    check("loop {}", 1, "Stopped after");
    check("fn f(n) { f(n + 1) }\nf(0);", 2, "more than 32 levels deep");
    check("let a = \"x\";\nloop { a += a; }", 2, "A text became longer");
}

#[test]
fn a_script_can_be_as_long_as_the_limit_and_no_longer() {
    let script = format!("// {}", "x".repeat(Limits::default().source_bytes_max));
    let error = automation::Automations::check(&script).expect_err("too long");
    assert_eq!(
        error.message,
        "The script has 256 KiB; it can have 256 KiB. Split it into several automations."
    );
}

#[test]
fn logs_are_bounded() {
    let visit = visit(patient());
    visit.load(
        "chatty",
        "on(topic(\"a\"), |e| { let s = \"\"; s.pad(9000, 'x'); for i in 0..500 { log(s); } });",
    );
    let run = visit.run_on("a", "");
    assert_eq!(run.log.len(), 101);
    assert_eq!(run.log[0].text.len(), 4096);
    assert_eq!(run.log[100].text, "400 more lines are not kept: a run can log 100.");
    assert_eq!(visit.said.try_iter().count(), 100);
}
