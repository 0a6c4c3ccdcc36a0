//! What figures come to.

use super::*;

const NOW_MS: i64 = 1_700_000_000_000;

/// Samples `every_ms` up to now.
fn series(every_ms: i64, values: impl DoubleEndedIterator<Item = f64> + ExactSizeIterator) -> Vec<Sample> {
    let count = values.len() as i64;
    (0..)
        .zip(values)
        .map(|(n, value)| Sample { time_ms: NOW_MS - (count - 1 - n) * every_ms, value })
        .collect()
}

fn check(figures: &Figures, expected: Option<(Kind, Severity, &[&str])>) {
    let found = findings(figures, NOW_MS);
    match (found.as_slice(), expected) {
        ([], None) => {}
        ([finding], Some((kind, severity, words))) => {
            assert_eq!((finding.kind, finding.severity), (kind, severity), "{finding:?}");
            for word in words {
                assert!(finding.what.contains(word), "{word:?} in {finding:?}");
            }
            assert!(!finding.advice.is_empty() && finding.samples.len() <= CHART_POINTS_MAX);
        }
        (found, expected) => panic!("{expected:?}, not {found:?}"),
    }
}

#[test]
fn an_uptime_that_falls_back_again_and_again_is_a_loop_with_its_reasons() {
    let uptime = |values: &[f64]| Figures {
        uptime: series(5 * MINUTE_MS, values.iter().copied()),
        ..Figures::default()
    };
    check(&uptime(&[100.0, 400.0, 700.0, 1_000.0]), None);
    check(&uptime(&[9_000.0, 200.0, 500.0]), None);
    check(&uptime(&[500.0, 480.0, 470.0, 460.0]), None);
    let mut looping = uptime(&[900.0, 10.0, 5.0, 200.0, 100.0, 50.0]);
    looping.uptime = series(5 * MINUTE_MS, [9e3, 60.0, 20.0, 250.0, 60.0, 20.0].into_iter());
    looping.reasons =
        vec![(NOW_MS - 5, "Exception".into()), (NOW_MS - 4, "Exception".into()), (NOW_MS, "Brownout".into())];
    check(
        &looping,
        Some((Kind::RestartLoop, Severity::Warning, &["4 times within an hour", "Exception, Brownout"])),
    );
    let started_ms = (0..12).map(|n| NOW_MS - n * 4 * MINUTE_MS).rev().collect();
    check(
        &Figures { started_ms, ..Figures::default() },
        Some((Kind::RestartLoop, Severity::Danger, &["12 times within an hour, 12 times"])),
    );
    let long_ago = (0..12).map(|n| NOW_MS - 2 * DAY_MS - n * MINUTE_MS).rev().collect();
    check(&Figures { started_ms: long_ago, ..Figures::default() }, None);
}

#[test]
fn memory_that_falls_in_a_line_is_told_with_its_pace() {
    let heap =
        |values: Vec<f64>| Figures { heap: series(30 * MINUTE_MS, values.into_iter()), ..Figures::default() };
    let falling =
        |per_sample: f64, from: f64| heap((0..24).map(|n| from - per_sample * f64::from(n)).collect());
    check(&falling(0.0, 20_000.0), None);
    check(&falling(-100.0, 20_000.0), None);
    check(&falling(5.0, 40_000.0), None);
    check(
        &falling(200.0, 30_000.0),
        Some((Kind::FallingHeap, Severity::Notice, &["falls by 400 B an hour", "24.8 KiB", "2 days"])),
    );
    check(&falling(500.0, 30_000.0), Some((Kind::FallingHeap, Severity::Warning, &["hours"])));
    // Up and down is how memory is used.
    check(&heap((0..24).map(|n| if n % 2 == 0 { 20_000.0 } else { 12_000.0 }).collect()), None);
    check(&heap(vec![5_000.0]), Some((Kind::FallingHeap, Severity::Warning, &["Only 4.9 KiB"])));
    // A restart gave it back.
    let mut restarted = falling(500.0, 30_000.0);
    restarted.uptime = series(30 * MINUTE_MS, [90_000.0, 60.0].into_iter());
    check(&restarted, None);
}

#[test]
fn the_median_of_a_day_says_whether_the_wi_fi_is_weak() {
    let signal =
        |values: &[f64]| Figures { signal: series(HOUR_MS, values.iter().copied()), ..Figures::default() };
    check(&signal(&[-60.0; 10]), None);
    check(&signal(&[-90.0; 4]), None);
    check(&signal(&[-60.0, -60.0, -60.0, -95.0, -95.0]), None);
    check(&signal(&[-78.0; 10]), Some((Kind::WeakSignal, Severity::Notice, &["-78 dBm", "-75 dBm"])));
    check(&signal(&[-88.0; 10]), Some((Kind::WeakSignal, Severity::Warning, &["-88 dBm"])));
}

#[test]
fn when_a_battery_ends_is_told_with_its_range_or_not_at_all() {
    let battery =
        |values: Vec<f64>| Figures { battery: series(DAY_MS, values.into_iter()), ..Figures::default() };
    let falling = |days: i32, per_day: f64, from: f64| {
        battery(
            (0..days).map(|n| from - per_day * f64::from(n) + if n % 2 == 0 { 0.2 } else { -0.2 }).collect(),
        )
    };
    check(&falling(30, 0.0, 80.0), None);
    check(&falling(5, 1.0, 80.0), None);
    check(&battery(vec![50.0; 60]), None);
    let words: &[&str] = &["at 41 %", "about 35 days more", "between 31 days and 42 days", "39 days"];
    check(&falling(40, 1.0, 80.0), Some((Kind::Battery, Severity::Fine, words)));
    check(&falling(40, 1.5, 80.0), Some((Kind::Battery, Severity::Notice, &["days more"])));
    check(&falling(40, 1.8, 80.0), Some((Kind::Battery, Severity::Warning, &["at 10 %", "days more"])));
    check(&battery(vec![9.0]), Some((Kind::Battery, Severity::Warning, &["at 9 %"])));
    // A new battery begins anew.
    let mut changed: Vec<f64> = (0..30).map(|n| 80.0 - 2.0 * f64::from(n)).collect();
    changed.extend([100.0, 99.0, 98.0]);
    check(&battery(changed), None);
    // All over the place.
    check(&battery((0..30).map(|n| if n % 2 == 0 { 60.0 } else { 53.0 }).collect()), None);
}

#[test]
fn connections_that_come_and_go_are_told_and_the_worst_comes_first() {
    let connected =
        |count: i64, every_ms: i64| -> Vec<i64> { (0..count).map(|n| NOW_MS - n * every_ms).rev().collect() };
    check(&Figures { connected_ms: connected(20, HOUR_MS), ..Figures::default() }, None);
    let flapping = Figures { connected_ms: connected(8, 5 * MINUTE_MS), ..Figures::default() };
    check(&flapping, Some((Kind::Flapping, Severity::Warning, &["8 times within an hour"])));
    let both = Figures {
        signal: series(HOUR_MS, [-78.0; 10].into_iter()),
        connected_ms: connected(40, MINUTE_MS),
        ..Figures::default()
    };
    let kinds: Vec<_> = findings(&both, NOW_MS).into_iter().map(|f| (f.kind, f.severity)).collect();
    assert_eq!(kinds, [(Kind::Flapping, Severity::Danger), (Kind::WeakSignal, Severity::Notice)]);
}

#[test]
fn values_that_are_no_numbers_are_harmless() {
    let odd = [f64::NAN, f64::INFINITY, -1e308, 1e308, 0.0].into_iter().cycle().take(50).collect::<Vec<_>>();
    let odd = series(HOUR_MS, odd.into_iter());
    let figures = Figures {
        signal: odd.clone(),
        uptime: odd.clone(),
        heap: odd.clone(),
        battery: odd,
        ..Figures::default()
    };
    for finding in findings(&figures, NOW_MS) {
        assert!(!finding.what.is_empty());
    }
}
