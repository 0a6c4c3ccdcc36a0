//! `fill`: a data folder with entities and readings, for measuring what a past costs.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use testkit::bench::fill::fill;
use testkit::hearth::{Hearth, binary};

/// Fills a data folder through a real hub: sensors announced and their readings published over MQTT.
#[derive(Debug, Parser)]
struct Arguments {
    /// Made when it is not there.
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long, default_value_t = 1_000)]
    entities: u32,
    #[arg(long, default_value_t = 1_000_000)]
    readings: u32,
    /// The binary; the one in the target folder when left out.
    #[arg(long)]
    hearth: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let binary = arguments.hearth.map_or_else(binary, Ok)?;
    let hearth = Hearth::start(&binary, &arguments.data_dir).await?;
    let filled = fill(&hearth, arguments.entities, arguments.readings).await?;
    hearth.stop().await?;
    writeln!(
        std::io::stdout(),
        "{} entities in {:.1?}; {} readings acknowledged in {:.1?}, stored in {:.1?}",
        arguments.entities,
        filled.announced_in,
        arguments.readings,
        filled.acknowledged_in,
        filled.stored_in
    )?;
    Ok(())
}
