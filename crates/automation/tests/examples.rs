//! The examples that come with Hearth can be loaded as they are.

use automation::Automations;

#[test]
fn every_example_loads_without_a_fault() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../automations");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rhai") {
            let examination = Automations::examine(&std::fs::read_to_string(&path).unwrap());
            assert_eq!(examination.errors, [], "{}", path.display());
            assert_eq!(examination.warnings, [], "{}", path.display());
            assert!(!examination.triggers.is_empty(), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} examples in {folder}");
}
