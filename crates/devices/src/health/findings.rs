//! What the figures of a board come to.

use super::fit::{Line, Sample, median};

/// How far back all but the battery is looked at, ms.
pub const WINDOW_MS: i64 = DAY_MS;
/// Days a battery is looked at.
pub const BATTERY_DAYS: i64 = 90;
/// Charge at which boards stop working, percent.
pub const BATTERY_EMPTY: f64 = 5.0;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Restarts within an hour that are a loop, and so many that it cannot work.
const LOOP_RESTARTS: usize = 3;
const LOOP_RESTARTS_BAD: usize = 10;
/// An uptime that fell by less was rounded, seconds.
const UPTIME_SLACK_S: f64 = 30.0;
/// Two restarts that are told by two figures and lie closer are one, ms.
const SAME_RESTART_MS: i64 = 2 * MINUTE_MS;
/// Figures of memory that are too few, or of too short a time, to say anything.
const HEAP_SAMPLES_MIN: usize = 12;
const HEAP_SPAN_MIN_MS: i64 = 3 * HOUR_MS;
/// Share of its spread that a leak explains, at least.
const HEAP_EXPLAINS_MIN: f64 = 0.6;
/// A leak that takes longer than this to use all memory is none to speak of, ms; and one to act on now.
const HEAP_LASTS_MS: i64 = 7 * DAY_MS;
const HEAP_LASTS_BAD_MS: i64 = DAY_MS;
/// Free memory below which an ESP8266 fails in odd ways, bytes.
const HEAP_LOW: f64 = 6_000.0;
/// Signals that are too few to say anything.
const SIGNAL_SAMPLES_MIN: usize = 5;
/// Median of the signal at and below which it is weak, and at and below which the board is about to drop out, dBm.
const SIGNAL_WEAK_DBM: f64 = -75.0;
const SIGNAL_BAD_DBM: f64 = -85.0;
/// Figures of a battery that are too few, or of too short a time, or too little used, to say when it ends.
const BATTERY_SAMPLES_MIN: usize = 7;
const BATTERY_SPAN_MIN_MS: i64 = 10 * DAY_MS;
const BATTERY_USED_MIN: f64 = 3.0;
/// A rise by more than this is a new or charged battery, percent.
const BATTERY_CHARGED: f64 = 10.0;
/// How many standard errors wide the range of the end is, to either side.
const BATTERY_ERRORS: f64 = 2.0;
/// The least the range is wide, as a share of the pace: no battery is a straight line.
const BATTERY_UNSURE_MIN: f64 = 0.15;
/// A battery that ends within this time is told as a notice, and as a warning, ms.
const BATTERY_NOTICE_MS: i64 = 30 * DAY_MS;
const BATTERY_WARNING_MS: i64 = 7 * DAY_MS;
/// Charge that is a warning by itself, percent.
const BATTERY_LOW: f64 = 10.0;
/// Connections within an hour that are too many, and so many that nothing gets through.
const FLAPS: usize = 6;
const FLAPS_BAD: usize = 20;
/// Points of a chart behind a finding.
const CHART_POINTS_MAX: usize = 200;
/// Reasons told of several restarts.
const REASONS_MAX: usize = 3;

/// What is known of a board. All in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Signal, dBm.
    pub signal: Vec<Sample>,
    /// Seconds since the last restart.
    pub uptime: Vec<Sample>,
    /// Moments of restarts as the board told them, UTC ms.
    pub started_ms: Vec<i64>,
    /// Free memory, bytes.
    pub heap: Vec<Sample>,
    /// Charge, percent; about one value a day.
    pub battery: Vec<Sample>,
    /// Why it restarted, with the time it said so, UTC ms.
    pub reasons: Vec<(i64, String)>,
    /// When it connected to the broker, UTC ms.
    pub connected_ms: Vec<i64>,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It restarts again and again.
    RestartLoop,
    /// Its free memory falls.
    FallingHeap,
    /// Its signal is weak.
    WeakSignal,
    /// When its battery ends, or that it is low.
    Battery,
    /// It connects again and again.
    Flapping,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Fine,
    /// To look at one day.
    Notice,
    /// To act on.
    Warning,
    /// It does not work like this.
    Danger,
}

/// One thing the figures say.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// What is the matter, with the figures.
    pub what: String,
    /// What to do about it.
    pub advice: String,
    /// The figures, for a chart: at most 200.
    pub samples: Vec<Sample>,
    /// Their unit.
    pub unit: &'static str,
    /// A line through them, from its first point to its last.
    pub line: Option<(Sample, Sample)>,
}

/// What the figures say, the worst first.
pub fn findings(figures: &Figures, now_ms: i64) -> Vec<Finding> {
    let mut found: Vec<Finding> = [
        restart_loop(figures, now_ms),
        flapping(figures, now_ms),
        falling_heap(&figures.heap, &figures.uptime),
        weak_signal(&figures.signal),
        battery(&figures.battery, now_ms),
    ]
    .into_iter()
    .flatten()
    .collect();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

/// Restarts, by an uptime that fell back or a moment that the board told.
fn restarts(figures: &Figures) -> Vec<i64> {
    let fell = figures.uptime.windows(2).filter(|two| two[1].value + UPTIME_SLACK_S < two[0].value);
    let mut times: Vec<i64> =
        fell.map(|two| two[1].time_ms.saturating_sub((two[1].value * 1_000.0) as i64)).collect();
    times.extend(&figures.started_ms);
    times.sort_unstable();
    times.dedup_by(|later, earlier| *later - *earlier < SAME_RESTART_MS && figures.uptime.len() > 1);
    times
}

/// The hour with the most of these times in it: how many.
fn most_in_an_hour(times: &[i64]) -> usize {
    let in_hour =
        |(at, first): (usize, &i64)| times[at..].iter().take_while(|time| *time - first < HOUR_MS).count();
    times.iter().enumerate().map(in_hour).max().unwrap_or(0)
}

fn restart_loop(figures: &Figures, now_ms: i64) -> Option<Finding> {
    let times: Vec<i64> =
        restarts(figures).into_iter().filter(|time| (0..WINDOW_MS).contains(&(now_ms - time))).collect();
    let most = most_in_an_hour(&times);
    if most < LOOP_RESTARTS {
        return None;
    }
    let mut reasons: Vec<(usize, &str)> = Vec::new();
    for (_, reason) in figures.reasons.iter().filter(|(time, _)| now_ms - time < WINDOW_MS) {
        match reasons.iter_mut().find(|(_, known)| known == reason) {
            Some((count, _)) => *count += 1,
            None => reasons.push((1, reason)),
        }
    }
    reasons.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let told: Vec<&str> = reasons.iter().take(REASONS_MAX).map(|(_, reason)| *reason).collect();
    let because = if told.is_empty() { String::new() } else { format!(" It says why: {}.", told.join(", ")) };
    Some(Finding {
        kind: Kind::RestartLoop,
        severity: if most >= LOOP_RESTARTS_BAD { Severity::Danger } else { Severity::Warning },
        what: format!(
            "Restarted {most} times within an hour, {} times in the last day.{because}",
            times.len()
        ),
        advice: "Check its power supply first: a weak one makes boards restart when Wi-Fi sends. Then its firmware \
                 and what is wired to it."
            .to_owned(),
        samples: thinned(&figures.uptime),
        unit: "s",
        line: None,
    })
}

fn flapping(figures: &Figures, now_ms: i64) -> Option<Finding> {
    let in_window = figures.connected_ms.iter().filter(|time| (0..WINDOW_MS).contains(&(now_ms - **time)));
    let times: Vec<i64> = in_window.copied().collect();
    let most = most_in_an_hour(&times);
    (most >= FLAPS).then(|| Finding {
        kind: Kind::Flapping,
        severity: if most >= FLAPS_BAD { Severity::Danger } else { Severity::Warning },
        what: format!("Connected {most} times within an hour, {} times in the last day.", times.len()),
        advice: "Its log says why each connection ended. Often the Wi-Fi is weak, or two boards use one client id."
            .to_owned(),
        samples: per_hour(&times, now_ms),
        unit: "per hour",
        line: None,
    })
}

/// How many of these times lie in each hour of the window.
fn per_hour(times: &[i64], now_ms: i64) -> Vec<Sample> {
    let hours = (0..WINDOW_MS / HOUR_MS).map(|hour| now_ms - WINDOW_MS + hour * HOUR_MS);
    let count = |start: i64| times.iter().filter(|time| (start..start + HOUR_MS).contains(*time)).count();
    hours.map(|start| Sample { time_ms: start, value: count(start) as f64 }).collect()
}

fn falling_heap(heap: &[Sample], uptime: &[Sample]) -> Option<Finding> {
    let last = heap.last()?;
    // A restart gives it all back, so only what came after counts.
    let fell = uptime.windows(2).rev().find(|two| two[1].value + UPTIME_SLACK_S < two[0].value);
    let since_ms = fell.map_or(i64::MIN, |two| two[1].time_ms);
    let since: Vec<Sample> = heap.iter().filter(|sample| sample.time_ms >= since_ms).copied().collect();
    let finding = |severity, what, line| {
        Finding {
        kind: Kind::FallingHeap,
        severity,
        what,
        advice: "Restart the board, update its firmware, and switch off what it does not need. Tell its makers if it \
                 comes again: memory that is not given back is a fault of the firmware."
            .to_owned(),
        samples: thinned(&since),
        unit: "B",
        line,
    }
    };
    if last.value < HEAP_LOW {
        let what = format!("Only {} of memory are free.", kib(last.value));
        return Some(finding(Severity::Warning, what, None));
    }
    let (first, last) = (since.first()?, since.last()?);
    if since.len() < HEAP_SAMPLES_MIN || last.time_ms - first.time_ms < HEAP_SPAN_MIN_MS {
        return None;
    }
    let line = Line::through(&since)?;
    if line.slope >= 0.0 || line.explains < HEAP_EXPLAINS_MIN {
        return None;
    }
    let lasts_ms = (line.at(last.time_ms).max(0.0) / -line.slope) as i64;
    if lasts_ms > HEAP_LASTS_MS {
        return None;
    }
    let severity = if lasts_ms < HEAP_LASTS_BAD_MS { Severity::Warning } else { Severity::Notice };
    let what = format!(
        "Free memory falls by {} an hour: {} are left, enough for about {}.",
        kib(-line.slope * HOUR_MS as f64),
        kib(last.value),
        span(lasts_ms)
    );
    let ends = [first.time_ms, last.time_ms].map(|time_ms| Sample { time_ms, value: line.at(time_ms) });
    Some(finding(severity, what, Some((ends[0], ends[1]))))
}

fn weak_signal(signal: &[Sample]) -> Option<Finding> {
    if signal.len() < SIGNAL_SAMPLES_MIN {
        return None;
    }
    let median = median(signal.iter().map(|sample| sample.value))?;
    let severity = match median {
        dbm if dbm <= SIGNAL_BAD_DBM => Severity::Warning,
        dbm if dbm <= SIGNAL_WEAK_DBM => Severity::Notice,
        _ => return None,
    };
    Some(Finding {
        kind: Kind::WeakSignal,
        severity,
        what: format!(
            "Weak Wi-Fi: the median of the last day is {median:.0} dBm; {SIGNAL_WEAK_DBM:.0} dBm and less is weak, \
             {SIGNAL_BAD_DBM:.0} dBm and less drops out."
        ),
        advice: "Move the board or its antenna, or put an access point nearer to it.".to_owned(),
        samples: thinned(signal),
        unit: "dBm",
        line: None,
    })
}

fn battery(charge: &[Sample], now_ms: i64) -> Option<Finding> {
    let last = *charge.last()?;
    let charged = charge.windows(2).rposition(|two| two[1].value - two[0].value > BATTERY_CHARGED);
    let since = &charge[charged.map_or(0, |at| at + 1)..];
    let finding = |severity, what: String, line| Finding {
        kind: Kind::Battery,
        severity,
        what,
        advice: match severity {
            Severity::Fine => "Nothing to do yet.".to_owned(),
            _ => "Change or charge the battery.".to_owned(),
        },
        samples: thinned(since),
        unit: "%",
        line,
    };
    let low = |what: String| (last.value <= BATTERY_LOW).then(|| finding(Severity::Warning, what, None));
    let now = format!("The battery is at {:.0} %.", last.value);
    let first = since.first()?;
    let used = first.value - last.value;
    if since.len() < BATTERY_SAMPLES_MIN
        || last.time_ms - first.time_ms < BATTERY_SPAN_MIN_MS
        || used < BATTERY_USED_MIN
    {
        return low(now);
    }
    let Some(line) = Line::through(since) else { return low(now) };
    // The slower end of the range must still fall, or the figures do not say when it ends.
    let unsure = (BATTERY_ERRORS * line.error).max(BATTERY_UNSURE_MIN * line.slope.abs());
    let (fast, slow) = (line.slope - unsure, line.slope + unsure);
    if slow >= 0.0 {
        return low(now);
    }
    let left = (line.at(last.time_ms) - BATTERY_EMPTY).max(0.0);
    let ends = |slope: f64| last.time_ms.saturating_add((left / -slope) as i64) - now_ms;
    let (soonest, likely, latest) = (ends(fast).max(0), ends(line.slope).max(0), ends(slow).max(0));
    let severity = match likely {
        _ if last.value <= BATTERY_LOW => Severity::Warning,
        ms if ms < BATTERY_WARNING_MS => Severity::Warning,
        ms if ms < BATTERY_NOTICE_MS => Severity::Notice,
        _ => Severity::Fine,
    };
    let what = format!(
        "{now} At this pace it lasts about {} more, between {} and {}; a straight line through {} days says so, and \
         batteries fall faster in the cold and near their end.",
        span(likely),
        span(soonest),
        span(latest),
        (last.time_ms - first.time_ms) / DAY_MS
    );
    let ends = [first.time_ms, last.time_ms].map(|time_ms| Sample { time_ms, value: line.at(time_ms) });
    Some(finding(severity, what, Some((ends[0], ends[1]))))
}

fn thinned(samples: &[Sample]) -> Vec<Sample> {
    let step = samples.len().div_ceil(CHART_POINTS_MAX).max(1);
    samples.iter().step_by(step).copied().collect()
}

fn kib(bytes: f64) -> String {
    if bytes < 1_024.0 { format!("{bytes:.0} B") } else { format!("{:.1} KiB", bytes / 1_024.0) }
}

fn span(ms: i64) -> String {
    let plural =
        |count: i64, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    match ms {
        ms if ms < 2 * HOUR_MS => plural(ms / MINUTE_MS, "minute"),
        ms if ms < 2 * DAY_MS => plural(ms / HOUR_MS, "hour"),
        ms if ms < 90 * DAY_MS => plural(ms / DAY_MS, "day"),
        ms => plural(ms / (30 * DAY_MS), "month"),
    }
}

#[cfg(test)]
mod tests;
