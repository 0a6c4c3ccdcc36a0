//! `board`: one board that does not exist, for stories that a person or a browser tells.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Result, bail, ensure};
use clap::Parser;
use testkit::boards::serial::SerialBoard;
use testkit::boards::{Broker, FakeBoard, Firmware, Temper};
use tokio::signal::unix::{SignalKind, signal};

/// Switches a board on; it prints `ready http=ADDRESS` or `ready serial=PORT`, and runs until it is told to end.
#[derive(Debug, Parser)]
struct Arguments {
    /// tasmota, shelly-gen1, shelly-gen2, wled, espurna or homie.
    #[arg(value_parser = firmware)]
    firmware: Firmware,
    /// Where its web page or console is; loopback only.
    #[arg(long, default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// A broker it was told before, where it tries to log in.
    #[arg(long, requires = "user")]
    broker: Option<SocketAddr>,
    /// User name for that broker.
    #[arg(long, requires = "broker")]
    user: Option<String>,
    /// Password for that broker.
    #[arg(long, default_value = "")]
    password: String,
    /// Topic it uses there; the user name when left out.
    #[arg(long)]
    topic: Option<String>,
    /// Password of its own web page.
    #[arg(long)]
    own_password: Option<String>,
    /// A Tasmota on a serial line; `http` is the page it has once it joined a network.
    #[arg(long)]
    serial: bool,
    /// It takes its settings, restarts and is never seen again.
    #[arg(long)]
    never_returns: bool,
}

fn firmware(name: &str) -> Result<Firmware> {
    Ok(match name {
        "tasmota" => Firmware::Tasmota,
        "shelly-gen1" => Firmware::ShellyGen1,
        "shelly-gen2" => Firmware::ShellyGen2,
        "wled" => Firmware::Wled,
        "espurna" => Firmware::Espurna,
        "homie" => Firmware::Homie,
        _ => bail!("there is no fake `{name}`"),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments { firmware, http, broker, user, password, topic, own_password, serial, never_returns } =
        Arguments::parse();
    let places = [Some(http), broker];
    ensure!(
        places.into_iter().flatten().all(|place| place.ip().is_loopback()),
        "a fake board stays on loopback"
    );
    let temper = Temper { password: own_password, never_returns, ..Temper::default() };
    let broker = broker.zip(user).map(|(at, user)| Broker {
        host: at.ip().to_string(),
        port: at.port(),
        topic: topic.unwrap_or_else(|| user.clone()),
        user,
        password,
    });
    let mut ends = signal(SignalKind::terminate())?;
    if serial {
        ensure!(firmware == Firmware::Tasmota, "the fake board on a serial line is a Tasmota");
        let board = SerialBoard::plug_in(&format!("http://{http}"))?;
        writeln!(std::io::stdout(), "ready serial={}", board.port())?;
        ends.recv().await;
        return Ok(());
    }
    let board = FakeBoard::start_at(firmware, http, temper, broker).await?;
    writeln!(std::io::stdout(), "ready http={}", board.address())?;
    ends.recv().await;
    Ok(())
}
