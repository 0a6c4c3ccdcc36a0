//! Announcements and reports of any kind, at a home that understands all firmwares.
#![no_main]

#[path = "../../crates/devices/tests/fuzzing/mod.rs"]
mod fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::announcement::announcement(data));
