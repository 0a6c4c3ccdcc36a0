//! Every bound a script lives within, by name.

/// Bounds of the engine, of one run, and of the pool. The defaults are what Hearth ships; tests turn them
/// down.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Operations one run may use, closures called by built-in functions included.
    pub operations_max: u64,
    /// Wall time of one run, ms.
    pub wall_ms: u64,
    /// Memory a script may hold, kept variables and the present run together, bytes. Enforced only where
    /// [`crate::memory::Counting`] is the global allocator; elsewhere the size limits below are all there is.
    pub memory_bytes_max: usize,
    /// Length of a text, bytes.
    pub text_bytes_max: usize,
    /// Items of an array.
    pub array_items_max: usize,
    /// Entries of a map.
    pub map_entries_max: usize,
    /// Calls within calls. A level takes about 9 KiB of stack.
    pub call_levels_max: usize,
    /// Nesting of an expression at the top of a script.
    pub expression_depth_max: usize,
    /// Nesting of an expression in a function or closure.
    pub function_expression_depth_max: usize,
    /// Variables alive at once.
    pub variables_max: usize,
    /// Functions and closures a script may define.
    pub functions_max: usize,
    /// Size of a script's text, bytes.
    pub source_bytes_max: usize,
    /// Triggers one script may register.
    pub triggers_max: usize,
    /// Events waiting for one script.
    pub inbox_events_max: usize,
    /// Events a thread takes from one script before it goes to the queue's end.
    pub slice_events_max: usize,
    /// Time a thread stays with one script before it goes to the queue's end, ms.
    pub slice_ms: u64,
    /// Threads of the pool; 0 is one per core, at most 4.
    pub threads: usize,
    /// Publishes and commands a script may send at once after a pause.
    pub actions_burst: u32,
    /// Publishes and commands a script may send per second in the long run.
    pub actions_per_second: u32,
    /// Payloads one run may publish together, bytes.
    pub payload_bytes_max: usize,
    /// Refused actions written down one by one in a run's record; the rest are counted.
    pub refusals_listed_max: usize,
    /// Runs that may stand in one chain of causes; one more and the automation is paused.
    pub cause_depth_max: u32,
    /// Failures of one kind at one place, within [`Limits::failure_window_ms`], that pause an automation.
    pub failures_max: usize,
    /// See [`Limits::failures_max`]; ms.
    pub failure_window_ms: i64,
    /// How long past [`Limits::wall_ms`] a run may hold its thread before the thread is replaced, ms.
    pub late_ms: u64,
    /// How often the watchdog looks, ms.
    pub watch_ms: u64,
    /// Lines one run may log.
    pub log_lines_max: usize,
    /// Length of a logged line, bytes.
    pub log_line_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations_max: 200_000,
            wall_ms: 100,
            memory_bytes_max: 16 << 20,
            text_bytes_max: 64 << 10,
            array_items_max: 10_000,
            map_entries_max: 5_000,
            call_levels_max: 32,
            expression_depth_max: 64,
            function_expression_depth_max: 32,
            variables_max: 256,
            functions_max: 256,
            source_bytes_max: 256 << 10,
            triggers_max: 256,
            inbox_events_max: 256,
            slice_events_max: 64,
            slice_ms: 20,
            threads: 0,
            actions_burst: 200,
            actions_per_second: 50,
            payload_bytes_max: 4 << 20,
            refusals_listed_max: 20,
            cause_depth_max: 16,
            failures_max: 3,
            failure_window_ms: 10 * 60 * 1000,
            late_ms: 1_000,
            watch_ms: 250,
            log_lines_max: 100,
            log_line_bytes_max: 4 << 10,
        }
    }
}

impl Limits {
    /// How many threads the pool has.
    pub(crate) fn pool_threads(&self) -> usize {
        const THREADS_MAX: usize = 4;
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX),
            threads => threads,
        }
    }
}
