//! The fuzz targets on every test run: all seeds, and a bounded number of mutations of them that are the same in
//! each run. `make fuzz` runs the same targets for longer, guided by coverage.

mod fuzzing;
#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn seeds_of_the_packet_guard_and_their_mutations_hold() {
    replay("packet_guard", 20_000, fuzzing::packet_guard::packet_guard);
}

#[test]
fn seeds_of_conversations_and_their_mutations_hold() {
    replay("conversation", 300, fuzzing::conversation::conversation);
}
