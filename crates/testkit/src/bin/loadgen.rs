//! `loadgen`: load on an MQTT broker on this machine, and one JSON object about it on standard output.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use serde::Serialize;
use testkit::load::connects::{ConnectPlan, connect_and_close, idle};
use testkit::load::wire::Credential;
use testkit::load::{Plan, run};

/// Puts load on an MQTT broker on this machine and prints what came of it as one JSON object.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to do.
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Address of the broker; loopback only.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    #[arg(long, default_value_t = 1883)]
    port: u16,
    /// User name of all clients.
    #[arg(long, requires = "password")]
    user: Option<String>,
    #[arg(long, requires = "user")]
    password: Option<String>,
    /// Logins handed out to the clients in turn, as `name:secret,name:secret`.
    #[arg(long, value_delimiter = ',', value_parser = parse_credential, conflicts_with = "user")]
    credentials: Vec<Credential>,
    #[arg(long, default_value_t = 1)]
    publishers: u32,
    #[arg(long, default_value_t = 1)]
    subscribers: u32,
    /// 0 or 1.
    #[arg(long, default_value_t = 0)]
    qos: u8,
    /// Unacknowledged publishes a client may have at QoS 1.
    #[arg(long, default_value_t = 50)]
    in_flight: usize,
    /// Bytes in a payload.
    #[arg(long, default_value_t = 64)]
    payload: usize,
    /// Messages of all publishers together.
    #[arg(long, default_value_t = 200_000)]
    messages: u32,
    /// Messages per second of all publishers together; as fast as it goes when left out.
    #[arg(long)]
    rate: Option<f64>,
    /// Topic to publish to; {n} becomes the publisher's number.
    #[arg(long, default_value = "bench/{n}")]
    topic: String,
    /// Filter to subscribe to.
    #[arg(long, default_value = "bench/+")]
    filter: String,
    /// Connections to open in the modes `connect` and `idle`.
    #[arg(long, default_value_t = 1_000)]
    connections: u32,
    /// Connections opened at the same time in the mode `connect`.
    #[arg(long, default_value_t = 16)]
    at_once: u32,
    /// How long the mode `idle` looks on.
    #[arg(long, default_value_t = 5.0)]
    hold_s: f64,
    /// Process of the broker, to measure its CPU and memory.
    #[arg(long, required_if_eq("mode", "idle"))]
    pid: Option<u32>,
    /// Broken off after this long.
    #[arg(long, default_value_t = 60.0)]
    timeout_s: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Publish and receive.
    #[default]
    Flow,
    /// Connect and close, again and again.
    Connect,
    /// Connect and stay.
    Idle,
}

fn parse_credential(text: &str) -> Result<Credential, String> {
    let (user, password) = text.split_once(':').ok_or("write a credential as name:secret")?;
    Ok(Credential { user: user.into(), password: password.into() })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.mode {
        Mode::Flow => print(&run(arguments.plan()?).await?),
        Mode::Connect => print(&connect_and_close(&arguments.connect_plan()?).await?),
        Mode::Idle => {
            let pid = arguments.pid.context("--mode idle needs the --pid of the broker")?;
            let hold = Duration::try_from_secs_f64(arguments.hold_s)?;
            print(&idle(&arguments.connect_plan()?, pid, hold).await?)
        }
    }
}

impl Arguments {
    fn plan(&self) -> Result<Plan> {
        Ok(Plan {
            address: self.address(),
            credentials: self.logins(),
            publishers: self.publishers,
            subscribers: self.subscribers,
            qos: self.qos,
            in_flight: self.in_flight,
            payload_bytes: self.payload,
            messages: self.messages,
            rate: self.rate,
            topic: self.topic.clone(),
            filter: self.filter.clone(),
            pid: self.pid,
            timeout: Duration::try_from_secs_f64(self.timeout_s)?,
        })
    }

    fn connect_plan(&self) -> Result<ConnectPlan> {
        Ok(ConnectPlan {
            address: self.address(),
            credentials: self.logins(),
            connections: self.connections,
            at_once: self.at_once,
            timeout: Duration::try_from_secs_f64(self.timeout_s)?,
        })
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    fn logins(&self) -> Vec<Credential> {
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => {
                vec![Credential { user: user.clone(), password: password.clone() }]
            }
            _ => self.credentials.clone(),
        }
    }
}

fn print(report: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(report)?;
    Ok(writeln!(std::io::stdout(), "{json}")?)
}
