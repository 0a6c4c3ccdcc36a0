//! `chaos`: a hub among clients of every kind, killed again and again, and a checker that knows what must arrive.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use testkit::chaos::{Plan, run};
use testkit::hearth::binary;

/// Lets every kind of client loose on a hub of its own, kills it again and again, and says what was promised and
/// not kept.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long.
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Mean time between two kills; 180 s, or less in a short run.
    #[arg(long)]
    kill_every_s: Option<f64>,
    /// What chance begins with; the clock when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Messages per second of all publishers together.
    #[arg(long, default_value_t = 250)]
    per_s: u32,
    #[arg(long, default_value_t = 12)]
    publishers: u32,
    #[arg(long, default_value_t = 18)]
    subscribers: u32,
    /// Keeps the hub's folder here; without it, it is thrown away at the end.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// The binary; the one in the target folder when left out.
    #[arg(long)]
    hearth: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let time = Duration::try_from_secs_f64(arguments.minutes * 60.0)?;
    let kill_every = match arguments.kill_every_s {
        Some(seconds) => Duration::try_from_secs_f64(seconds)?,
        None => Duration::from_secs(180).min(time / 5),
    };
    let clock = || std::time::UNIX_EPOCH.elapsed().map_or(1, |elapsed| elapsed.as_secs());
    let plan = Plan {
        hearth: arguments.hearth.map_or_else(binary, Ok)?,
        data_dir: arguments.data_dir.unwrap_or_else(|| folder.path().to_owned()),
        time,
        kill_every,
        seed: arguments.seed.unwrap_or_else(clock),
        per_s: arguments.per_s,
        publishers: arguments.publishers,
        subscribers: arguments.subscribers,
    };
    let mut out = std::io::stdout();
    writeln!(out, "seed {} (--seed repeats the plan); a kill about every {kill_every:.0?}", plan.seed)?;
    let verdict = run(&plan).await?;
    write!(out, "{verdict}")?;
    Ok(if verdict.broken_count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
