//! One script, compiled and loaded: its engine, its handlers, and how one of them is run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Instant;

use model::run::ScriptError;
use parking_lot::Mutex;
use rhai::{AST, Dynamic, Engine, EvalAltResult, FnPtr, Position};

use crate::desk::{Desk, Draft, Registration};
use crate::event::Event;
use crate::guard::{Used, guarded};
use crate::host::Host;
use crate::limits::Limits;
use crate::report::{Examination, TriggerInfo};
use crate::trigger::Trigger;
use crate::words::{Kind, at, explain};
use crate::{engine, lint};

/// Stack of a thread that runs scripts, bytes. 32 levels of calls take about 300 KiB, but a list may hold
/// lists 10,000 deep, and comparing or printing one takes a few frames for each. Only what is touched is
/// memory; without optimisation the frames are several times larger.
pub(crate) const STACK_BYTES: usize = if cfg!(debug_assertions) { 512 << 20 } else { 64 << 20 };

/// A trigger and the function it runs.
pub(crate) struct Handler {
    pub(crate) trigger: Trigger,
    /// The trigger as written.
    pub(crate) text: String,
    /// Line of its `on`.
    pub(crate) line: Option<u32>,
    function: FnPtr,
    takes_event: bool,
    /// Whether a crossing is armed; `None` until the first change after loading tells what was before.
    pub(crate) armed: Mutex<Option<bool>>,
}

/// A script that can run.
pub(crate) struct Program {
    engine: Engine,
    ast: AST,
    desk: Arc<Desk>,
    limits: Limits,
    pub(crate) handlers: Vec<Handler>,
    /// Bytes its variables hold between runs.
    held: AtomicIsize,
}

/// How one run went.
pub(crate) struct Finished {
    pub(crate) draft: Draft,
    pub(crate) error: Option<(Kind, ScriptError)>,
    pub(crate) operations: u64,
    pub(crate) duration_us: u64,
}

impl Program {
    /// Compiles a text, looks for faults, and runs its top-level code once.
    pub(crate) fn load(
        id: &str,
        source: &str,
        host: Option<Arc<dyn Host>>,
        limits: &Limits,
    ) -> Result<Program, Vec<ScriptError>> {
        on_large_stack(|| load(id, source, host, limits))
    }

    /// What is to be said about a text, with nothing known of any house.
    pub(crate) fn examine(source: &str, limits: &Limits) -> Examination {
        match Self::load("", source, None, limits) {
            Ok(program) => {
                let triggers = program.triggers();
                let warnings = if triggers.is_empty() {
                    vec![at(
                        Position::NONE,
                        "The script has no trigger, so nothing will ever run it. Add one, such as \
                         `on(topic(\"home/button\"), |e| log(e.payload));`.",
                    )]
                } else {
                    Vec::new()
                };
                Examination { triggers, errors: Vec::new(), warnings }
            }
            Err(errors) => Examination { errors, ..Examination::default() },
        }
    }

    pub(crate) fn triggers(&self) -> Vec<TriggerInfo> {
        self.handlers.iter().map(|handler| handler.trigger.info(handler.line)).collect()
    }

    /// Bytes its variables hold.
    pub(crate) fn held_bytes(&self) -> u64 {
        u64::try_from(self.held.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Runs one handler. At most one thread may be in here at a time.
    pub(crate) fn run(&self, handler: &Handler, event: &Event) -> Finished {
        self.desk.begin_run();
        let began = Instant::now();
        let (error, used) = work(&self.limits, self.held.load(Ordering::Relaxed), || {
            if handler.takes_event {
                handler.function.call::<Dynamic>(&self.engine, &self.ast, (event.clone(),))
            } else {
                handler.function.call::<Dynamic>(&self.engine, &self.ast, ())
            }
        });
        self.held.store(used.held, Ordering::Relaxed);
        let duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Finished { draft: self.desk.end_run(), error, operations: used.operations, duration_us }
    }
}

fn load(
    id: &str,
    source: &str,
    host: Option<Arc<dyn Host>>,
    limits: &Limits,
) -> Result<Program, Vec<ScriptError>> {
    if source.len() > limits.source_bytes_max {
        let words = format!(
            "The script has {} KiB; it can have {} KiB. Split it into several automations.",
            source.len() >> 10,
            limits.source_bytes_max >> 10
        );
        return Err(vec![at(Position::NONE, words)]);
    }
    let desk = Arc::new(Desk::new(id, host, limits));
    let engine = engine::build(limits, &desk);
    let ast = engine.compile(source).map_err(|error| {
        let error = EvalAltResult::from(error);
        vec![explain(&error, limits).1]
    })?;
    let faults = lint::faults(&ast);
    if !faults.is_empty() {
        return Err(faults);
    }
    desk.begin_loading();
    let (error, used) = work(limits, 0, || engine.run_ast(&ast).map(|()| Dynamic::UNIT));
    let registrations = desk.end_loading();
    if let Some((_, error)) = error {
        return Err(vec![error]);
    }
    let handlers =
        registrations.into_iter().map(|registration| handler(registration, &ast)).collect::<Result<_, _>>();
    let handlers = handlers.map_err(|error| vec![error])?;
    Ok(Program { engine, ast, desk, limits: limits.clone(), handlers, held: AtomicIsize::new(used.held) })
}

/// A registration with its function looked up: a handler may take the event or nothing.
fn handler(registration: Registration, ast: &AST) -> Result<Handler, ScriptError> {
    let Registration { trigger, handler: function, position } = registration;
    let bound = function.curry().len();
    // A function that is not the script's own, such as `Fn("log")`, is handed the event.
    let mut arguments: Vec<usize> = ast
        .iter_functions()
        .filter(|own| own.name == function.fn_name())
        .map(|own| own.params.len().saturating_sub(bound))
        .collect();
    arguments.sort_unstable();
    let takes_event = arguments.is_empty() || arguments.contains(&1);
    if !takes_event && !arguments.contains(&0) {
        let words = format!(
            "The handler takes {} arguments; it is given one, the event. Write it as `|e| {{ ... }}`.",
            arguments.first().copied().unwrap_or_default()
        );
        return Err(at(position, words));
    }
    Ok(Handler {
        text: trigger.to_string(),
        line: at(position, "").line,
        trigger,
        function,
        takes_event,
        armed: Mutex::new(None),
    })
}

/// Runs a script's code within the limits; a panic in one of the house's functions is a failure like others.
fn work(
    limits: &Limits,
    held: isize,
    code: impl FnOnce() -> Result<Dynamic, Box<EvalAltResult>>,
) -> (Option<(Kind, ScriptError)>, Used) {
    guarded(limits, held, || {
        // The result and the error are dropped in here, where they were made, so that the count comes out.
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(Ok(_)) => None,
            // `exit()` ends a run early and is no failure.
            Ok(Err(error)) if matches!(*error, EvalAltResult::Exit(..)) => None,
            Ok(Err(error)) => Some(crate::memory::uncounted(|| explain(&error, limits))),
            Err(panic) => {
                let words = crate::memory::uncounted(|| panic_words(&*panic));
                crate::memory::uncounted(|| drop(panic));
                Some((Kind::Panic, at(Position::NONE, words)))
            }
        }
    })
}

/// What to say about a panic.
pub(crate) fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given");
    format!("Hearth itself failed in a function that the script called ({what}). Please report this.")
}

/// Does something that may nest deeply on a thread with room for it: the caller's stack may be small, and an
/// overflow would end the whole program.
fn on_large_stack<T: Send>(
    work: impl FnOnce() -> Result<T, Vec<ScriptError>> + Send,
) -> Result<T, Vec<ScriptError>> {
    let failed = |why: String| Err(vec![at(Position::NONE, why)]);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("automation-load".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => failed(panic_words(&*panic)),
            Err(error) => {
                failed(format!("The script could not be loaded: no thread could be started ({error})."))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhai::Scope;

    /// Comparing and printing take the square of the depth, so a quarter of the depth is tried on a quarter
    /// of the stack.
    const SHARE: usize = 4;

    #[test]
    fn the_deepest_list_there_can_be_fits_the_stack() {
        fn check(script: &'static str) {
            let work = move || {
                let limits = Limits { wall_ms: 60_000, ..Limits::default() };
                let engine = engine::build(&limits, &Arc::new(Desk::new("deep", None, &limits)));
                let levels = limits.array_items_max / SHARE;
                let deep = || (0..levels).fold(Dynamic::from_array(Vec::new()), |list, _| vec![list].into());
                let mut scope = Scope::new();
                scope.push("a", deep()).push("b", deep());
                work(&limits, 0, || engine.eval_with_scope(&mut scope, script)).0
            };
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES / SHARE).spawn(work).unwrap();
            assert_eq!(thread.join().unwrap(), None, "{script}");
        }
        check("a == b");
        check("print(a)");
        check("log(a)");
        check("#{ a: a }.to_json()");
        check("[1].contains(a)");
        check("switch a { 1 => 2 }");
    }
}
