//! A mosquitto to compare with, from the system's packages.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Where Debian puts it: outside the PATH of an ordinary user.
const DEBIAN_PATH: &str = "/usr/sbin/mosquitto";
const READY_TIMEOUT: Duration = Duration::from_secs(10);
const READY_STEP: Duration = Duration::from_millis(20);

/// A running mosquitto; killed when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    child: Child,
    pid: u32,
    address: SocketAddr,
    _folder: TempDir,
}

impl Mosquitto {
    /// Starts one on a free loopback port, set up to do as well as it can: everything in memory, no limit on
    /// queued messages (nothing may be dropped), no Nagle, and of the values for `max_inflight_messages` the
    /// one that measured fastest (0, without limit, was slower at 100 subscribers).
    pub async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let mut config = format!("listener {} {}\n", address.port(), address.ip());
        for line in [
            "allow_anonymous true",
            "set_tcp_nodelay true",
            "max_queued_messages 0",
            "max_inflight_messages 100",
            "persistence false",
        ] {
            writeln!(config, "{line}")?;
        }
        let config_path = folder.path().join("mosquitto.conf");
        std::fs::write(&config_path, config)?;
        let child = Command::new(program())
            .arg("-c")
            .arg(&config_path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("mosquitto cannot be started; install it with `apt install mosquitto`")?;
        let pid = child.id().context("mosquitto ended at once")?;
        let mut mosquitto = Self { child, pid, address, _folder: folder };
        mosquitto.await_ready().await?;
        Ok(mosquitto)
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it.
    pub async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// It says nothing when it is ready, so it is knocked at.
    async fn await_ready(&mut self) -> Result<()> {
        let stderr = self.child.stderr.take().context("mosquitto has no error output")?;
        let mut lines = BufReader::new(stderr).lines();
        let mut said = String::new();
        let deadline = Instant::now() + READY_TIMEOUT;
        while Instant::now() < deadline {
            tokio::select! {
                connected = TcpStream::connect(self.address) => if connected.is_ok() {
                    // Its log must not fill the pipe.
                    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                    return Ok(());
                },
                status = self.child.wait() => {
                    while let Ok(Some(line)) = lines.next_line().await {
                        said = line;
                    }
                    bail!("mosquitto ended with {}: {said}", status?);
                }
            }
            sleep(READY_STEP).await;
        }
        bail!("mosquitto did not listen on {} within {READY_TIMEOUT:?}", self.address)
    }
}

fn program() -> PathBuf {
    let debian = PathBuf::from(DEBIAN_PATH);
    if debian.is_file() { debian } else { "mosquitto".into() }
}

/// mosquitto cannot choose a port itself: someone else may take this one before it does, and then it ends with
/// an error.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
