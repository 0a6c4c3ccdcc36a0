//! Any text, as a firmware profile.
#![no_main]

#[path = "../../crates/devices/tests/fuzzing/mod.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::profile::profile(data));
