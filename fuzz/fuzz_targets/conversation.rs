//! Clients of all three versions in conversation with one gate.
#![no_main]

#[path = "../../crates/broker/tests/fuzzing/mod.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::conversation::conversation(data));
