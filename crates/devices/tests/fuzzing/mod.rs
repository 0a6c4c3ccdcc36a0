//! The bodies of the fuzz targets. `fuzz/` runs them under libFuzzer for as long as one likes;
//! `tests/fuzz_seeds.rs` replays the seeds, and mutations of them, on every test run.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod announcement;
pub mod profile;
pub mod template;
pub mod world;
