//! `hearth`: the hub without a window, and the command line to any hub.

use std::process::ExitCode;

#[global_allocator]
static MEMORY: hub::memory::Memory = hub::memory::memory();

fn main() -> ExitCode {
    hub::cli::main()
}
