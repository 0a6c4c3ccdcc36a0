//! Stops a run that takes too much. A script cannot catch these stops.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::limits::Limits;
use crate::memory;

/// How many operations pass between two looks at the clock and the memory.
const LOOK_EVERY: u64 = 64;

/// Why a run was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Operations,
    Time,
    Memory,
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    pub(crate) operations: u64,
    /// Bytes its script holds from now on.
    pub(crate) held: isize,
}

#[derive(Clone, Copy)]
struct Bounds {
    operations: u64,
    memory: isize,
    deadline: Option<Instant>,
}

thread_local! {
    // Rhai counts operations per call of a closure, so an array's `map` would start again at zero for each
    // item. This count goes on for the whole run.
    static OPERATIONS: Cell<u64> = const { Cell::new(0) };
    static BOUNDS: Cell<Bounds> =
        const { Cell::new(Bounds { operations: u64::MAX, memory: isize::MAX, deadline: None }) };
}

/// Does a script's work on this thread, within the limits, for a script that holds `held` bytes already.
pub(crate) fn guarded<T>(limits: &Limits, held: isize, work: impl FnOnce() -> T) -> (T, Used) {
    OPERATIONS.set(0);
    BOUNDS.set(Bounds {
        operations: limits.operations_max,
        memory: isize::try_from(limits.memory_bytes_max).unwrap_or(isize::MAX),
        deadline: Instant::now().checked_add(Duration::from_millis(limits.wall_ms)),
    });
    memory::start(held);
    let result = work();
    let held = memory::stop();
    (result, Used { operations: OPERATIONS.get(), held })
}

/// Called by the engine for every operation.
pub(crate) fn progress() -> Option<Stop> {
    let operations = OPERATIONS.get() + 1;
    OPERATIONS.set(operations);
    let bounds = BOUNDS.get();
    if operations > bounds.operations {
        return Some(Stop::Operations);
    }
    if !operations.is_multiple_of(LOOK_EVERY) {
        return None;
    }
    if memory::held() > bounds.memory {
        return Some(Stop::Memory);
    }
    bounds.deadline.is_some_and(|deadline| Instant::now() > deadline).then_some(Stop::Time)
}
