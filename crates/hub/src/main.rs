//! `hearth`: the hub without a window, and the command line to any hub.

use std::process::ExitCode;

/// Counts what scripts allocate, so that one of them cannot eat the memory of all.
#[global_allocator]
static MEMORY: automation::memory::Counting<std::alloc::System> =
    automation::memory::Counting::new(std::alloc::System);

fn main() -> ExitCode {
    hub::cli::main()
}
