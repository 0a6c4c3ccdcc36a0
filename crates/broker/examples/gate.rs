//! The gate alone, over a ledger in memory, for profiling and for the load generator:
//! `cargo run --release --example gate -- 127.0.0.1:0 [bus] [--config FILE]`. It lets everybody in as `bench`, with all
//! permissions; with `bus` one reader of everything sits on the bus; limits may come from a file such as
//! `tests/paho/gate.toml`. The address is that of plain TCP; TLS,
//! WebSocket and both get a free port of the same host, with a certificate of an authority made on the spot. It
//! prints the addresses and the authority's certificate, and runs until it is killed.

#[path = "../tests/common/ledger.rs"]
#[allow(dead_code, unreachable_pub)]
mod ledger;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use broker::{
    Access, BoxFuture, Gate, GateConfig, GateEvent, Granted, Limits, Listen, Login, Refusal, Tls, Transport,
    Watch, authority,
};
use model::{Permissions, TopicFilter};

/// The limits a file may set.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    keepalive_s_max: Option<u16>,
    receive_max: Option<u16>,
    packet_bytes_max: Option<usize>,
    topic_alias_max: Option<u16>,
    topic_aliases_out_max: Option<u16>,
    unsubscribable: Option<Vec<TopicFilter>>,
    /// Packets of different connections are handled in the order of their arrival.
    #[serde(default)]
    one_thread: bool,
    /// Topics everybody may use beside those `#` and `$SYS/#` match.
    #[serde(default)]
    also_allowed: Vec<TopicFilter>,
}

impl Settings {
    fn limits(self) -> Limits {
        let shipped = Limits::default();
        Limits {
            keepalive_s_max: self.keepalive_s_max.unwrap_or(shipped.keepalive_s_max),
            receive_max: self.receive_max.unwrap_or(shipped.receive_max),
            packet_bytes_max: self.packet_bytes_max.unwrap_or(shipped.packet_bytes_max),
            topic_alias_max: self.topic_alias_max.unwrap_or(shipped.topic_alias_max),
            topic_aliases_out_max: self.topic_aliases_out_max.unwrap_or(shipped.topic_aliases_out_max),
            unsubscribable: self.unsubscribable.unwrap_or_default(),
            ..shipped
        }
    }
}

/// Lets everybody in, with all permissions and these.
struct Everybody(Vec<TopicFilter>);

impl Access for Everybody {
    fn login(&self, _: Login) -> BoxFuture<'static, Result<Granted, Refusal>> {
        let mut permissions = Permissions::all();
        permissions.read.extend(self.0.iter().cloned());
        permissions.write.extend(self.0.iter().cloned());
        Box::pin(async { Ok(Granted { user: "bench".into(), permissions, learning: false }) })
    }
}

struct Silent;

impl Watch for Silent {
    fn seen(&self, _: GateEvent) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut settings = Settings::default();
    if let Some(at) = arguments.iter().position(|argument| argument == "--config") {
        let file = arguments.get(at + 1).ok_or("--config needs a file")?;
        settings = toml::from_str(&std::fs::read_to_string(file)?)?;
        arguments.drain(at..at + 2);
    }
    let listen: SocketAddr = arguments.first().map_or("127.0.0.1:0", String::as_str).parse()?;
    let bus = arguments.get(1).is_some_and(|argument| argument == "bus");
    let runtime = if settings.one_thread {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?
    } else {
        tokio::runtime::Runtime::new()?
    };
    runtime.block_on(serve(listen, settings, bus))
}

async fn serve(
    listen: SocketAddr,
    mut settings: Settings,
    bus: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let everybody = Arc::new(Everybody(std::mem::take(&mut settings.also_allowed)));
    let disk = Arc::new(ledger::Disk::default());
    let ledger = ledger::MemoryLedger::open_bounded(&disk, 0);
    let free = SocketAddr::new(listen.ip(), 0);
    let more =
        [Transport::Tls, Transport::Ws, Transport::Wss].map(|transport| Listen { transport, addr: free });
    let listen = [&[Listen::tcp(listen)][..], &more].concat();
    let config = GateConfig { listen, limits: settings.limits() };
    let gate = Gate::start(config, ledger, everybody, Arc::new(Silent)).await?;
    let authority = authority::make_authority("Gate", 0)?;
    let shown = authority::issue_server(&authority, &[free.ip().to_string(), "localhost".to_owned()])?;
    gate.set_tls(Some(Tls::new(&shown.certificate_pem, &shown.key_pem, false, None, false)?));
    gate.listen().await?;
    let mut out = std::io::stdout();
    for (transport, address) in gate.listeners() {
        let name = match transport {
            Transport::Tcp => "mqtt",
            Transport::Tls => "mqtts",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        };
        writeln!(out, "ready {name}={address}")?;
    }
    write!(out, "{}", authority.certificate_pem)?;
    out.flush()?;
    if bus {
        let mut reader = gate.reader(&TopicFilter::new("#")?);
        loop {
            reader.next().await;
        }
    }
    std::future::pending::<()>().await;
    Ok(())
}
