//! Any bytes, at the frame guard and at the decoders of all three versions.
#![no_main]

#[path = "../../crates/broker/tests/fuzzing/mod.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::packet_guard::packet_guard(data));
