//! `bench`: Hearth against mosquitto on this machine, as a table.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use testkit::bench::measure::measure;
use testkit::bench::shape::{self, PACED_TURNS};
use testkit::bench::{Size, summary, table};

/// Loads mosquitto and Hearth in turns and prints medians and ratios as a Markdown table.
#[derive(Debug, Parser)]
struct Arguments {
    /// The release binary; the one in the target folder when left out.
    #[arg(long)]
    hearth: Option<PathBuf>,
    /// Measure mosquitto alone.
    #[arg(long, conflicts_with = "hearth")]
    mosquitto_alone: bool,
    /// Only these shapes, by name.
    #[arg(long, value_name = "SHAPE")]
    only: Vec<String>,
    /// Runs on each side, three times as many at 200 messages/s; the table shows their median.
    #[arg(long)]
    runs: Option<usize>,
    /// A tenth of the load and one run, three at 200 messages/s: shows that everything works, not how fast.
    #[arg(long)]
    quick: bool,
    /// Every run's figures, as JSON, into this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs on each side unless told otherwise: the fewest with a middle.
const RUNS: usize = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let hearth = match (arguments.mosquitto_alone, arguments.hearth) {
        (true, _) => None,
        (false, Some(binary)) => Some(binary),
        (false, None) => Some(testkit::hearth::binary()?),
    };
    let (size, runs) = if arguments.quick { (Size::Quick, 1) } else { (Size::Full, RUNS) };
    let runs = arguments.runs.unwrap_or(runs);
    let mut tell = |line: &str| {
        // Progress that cannot be shown is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{line}");
    };
    let (mut comparisons, mut failures) = (Vec::new(), Vec::new());
    for shape in shape::choose(&arguments.only)? {
        let shape = shape.sized(size);
        if hearth.is_none() && !shape.has_rival() {
            continue;
        }
        match measure(&shape, runs, hearth.as_deref(), &mut tell).await {
            Ok(figures) => comparisons.extend(figures),
            Err(why) => failures.push(format!("{}: {why:#}", shape.title)),
        }
    }
    let mut out = std::io::stdout();
    write!(out, "{}", table(&comparisons))?;
    writeln!(
        out,
        "\nMedian of {runs}, at 200/s of {}, in turns, 64-byte payloads, loopback. mosquitto keeps everything in",
        runs * PACED_TURNS
    )?;
    writeln!(
        out,
        "memory and asks for no password; Hearth checks one and, at QoS 1, acknowledges what is on disk."
    )?;
    if let Some(summary) = summary(&comparisons) {
        writeln!(out, "{summary}")?;
    }
    for failure in &failures {
        writeln!(out, "\nFailed: {failure}")?;
    }
    if let Some(path) = arguments.json {
        let report = json!({ "runs": runs, "comparisons": comparisons, "failures": failures });
        std::fs::write(&path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
