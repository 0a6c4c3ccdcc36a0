//! `hearth serve`: the hub in the foreground, for a terminal or a service manager.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use broker::Transport;

use super::arguments::ListenArguments;
use crate::{Hub, logging};

/// What the ways in are called in the line that says they are open.
const WORDS: [(Transport, &str); 4] =
    [(Transport::Tcp, "mqtt"), (Transport::Tls, "mqtts"), (Transport::Ws, "ws"), (Transport::Wss, "wss")];

pub(super) async fn serve(data_dir: PathBuf, listen: ListenArguments, demo: bool) -> anyhow::Result<()> {
    logging::init();
    let options = listen.options(data_dir);
    let local_only = options.local_only;
    let given = options.mqtt.clone().unwrap_or_default();
    let started = Hub::start(options).await?;
    let hub = started.hub;
    let mut said = std::io::stderr();
    if let Some(token) = &started.new_token {
        let file = crate::data_dir::token_file(hub.data_dir().path());
        // The log of a service manager is read by more than the owner.
        let _ = if said.is_terminal() {
            writeln!(
                said,
                "Owner token: {token}\nIt is kept in {}; `hearth token` prints it again.",
                file.display()
            )
        } else {
            writeln!(said, "The owner token is kept in {}; `hearth token` prints it.", file.display())
        };
    }
    if demo && let Err(why) = hub.start_demo().await {
        let _ = writeln!(said, "The demo home did not start: {why}");
    }
    if let Some(http) = hub.http_address() {
        let _ = writeln!(said, "Open http://{http} in a browser.");
    }
    let mut open = String::new();
    for (transport, word) in WORDS {
        if let Some(address) = hub.listening(transport) {
            open.push_str(&format!(" {word}={address}"));
        }
    }
    if let Some(http) = hub.http_address() {
        open.push_str(&format!(" http={http}"));
    }
    for (transport, wanted) in given {
        let at = hub.listening(transport).filter(|_| local_only && !wanted.ip().is_loopback());
        if let Some(at) = at {
            tracing::warn!(
                "--local-only keeps Hearth off the network: it listens at {at} in place of {wanted}"
            );
        }
    }
    let mut out = std::io::stdout();
    // Whoever started this may have closed the pipe; the hub runs all the same.
    let _ = writeln!(out, "ready{open}");
    let _ = out.flush();
    stop_signal().await;
    tracing::info!("stopping");
    hub.stop().await;
    Ok(())
}

/// Resolves when the process is asked to stop.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = tokio::signal::ctrl_c().await;
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
