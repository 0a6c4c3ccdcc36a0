//! The fuzz targets on every test run: all seeds, and a bounded number of mutations of them that are the same in
//! each run. `make fuzz` runs the same targets for longer, guided by coverage.

mod fuzzing;
#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn seeds_of_announcements_and_their_mutations_hold() {
    replay("announcement", 200, fuzzing::announcement::announcement);
}

#[test]
fn seeds_of_templates_and_their_mutations_hold() {
    replay("template", 150, fuzzing::template::template);
}

#[test]
fn seeds_of_profiles_and_their_mutations_hold() {
    replay("profile", 300, fuzzing::profile::profile);
}
