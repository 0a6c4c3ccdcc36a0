//! The gate alone, over a ledger in memory, for profiling and for the load generator:
//! `cargo run --release --example gate -- 127.0.0.1:0 [bus]`. It lets everybody in as `bench`, with all
//! permissions; with `bus` one reader of everything sits on the bus. It prints its address and runs until it is
//! killed.

#[path = "../tests/common/ledger.rs"]
#[allow(dead_code, unreachable_pub)]
mod ledger;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use broker::{Access, BoxFuture, Gate, GateConfig, GateEvent, Granted, Limits, Listen, Login, Refusal, Watch};
use model::{Permissions, TopicFilter};

struct Everybody;

impl Access for Everybody {
    fn login(&self, _: Login) -> BoxFuture<'static, Result<Granted, Refusal>> {
        Box::pin(async { Ok(Granted { user: "bench".into(), permissions: Permissions::all(), learning: false }) })
    }
}

struct Silent;

impl Watch for Silent {
    fn seen(&self, _: GateEvent) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let disk = Arc::new(ledger::Disk::default());
    let ledger = ledger::MemoryLedger::open_bounded(&disk, 0);
    let config = GateConfig { listen: vec![Listen::tcp(listen)], limits: Limits::default() };
    let gate = Gate::start(config, ledger, Arc::new(Everybody), Arc::new(Silent)).await?;
    gate.listen().await?;
    let mut out = std::io::stdout();
    for address in gate.addresses() {
        writeln!(out, "ready mqtt={address}")?;
    }
    if std::env::args().nth(2).as_deref() == Some("bus") {
        let mut reader = gate.reader(&TopicFilter::new("#")?);
        loop {
            reader.next().await;
        }
    }
    std::future::pending::<()>().await;
    Ok(())
}
