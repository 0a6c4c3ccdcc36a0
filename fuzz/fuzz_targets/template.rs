//! Any template, over any payload.
#![no_main]

#[path = "../../crates/devices/tests/fuzzing/mod.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::template::template(data));
