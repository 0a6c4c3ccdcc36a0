//! The bodies of the fuzz targets. `fuzz/` runs them under libFuzzer for as long as one likes;
//! `tests/fuzz_seeds.rs` replays the seeds, and mutations of them, on every test run.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod conversation;
#[path = "../common/ledger.rs"]
pub mod ledger;
pub mod packet_guard;
pub mod wire;
pub mod world;
