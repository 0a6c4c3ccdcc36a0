//! The short form of chaos: half a minute of everything, with a kill every few seconds. `make chaos` runs it for an
//! hour.
#![allow(clippy::unwrap_used, reason = "a test that cannot begin ends here")]

use std::time::Duration;

use testkit::chaos::{Plan, run};
use testkit::hearth::binary;

/// Another seed makes another plan.
const SEED_VARIABLE: &str = "CHAOS_SEED";
const SEED: u64 = 7;

#[tokio::test]
async fn what_was_promised_is_kept_amid_chaos_and_kills() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        hearth: binary().unwrap(),
        data_dir: folder.path().to_owned(),
        time: Duration::from_secs(25),
        kill_every: Duration::from_secs(6),
        seed: std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED),
        per_s: 150,
        publishers: 6,
        subscribers: 12,
    };
    let verdict = run(&plan).await.unwrap();
    println!("{verdict}");
    assert_eq!(verdict.broken_count, 0, "{verdict}");
}
