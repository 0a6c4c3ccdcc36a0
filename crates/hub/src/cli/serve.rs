//! `hearth serve`: the hub in the foreground, for a terminal or a service manager.

use std::io::Write as _;
use std::path::PathBuf;

use super::arguments::ListenArguments;
use crate::{Hub, logging};

pub(super) async fn serve(data_dir: PathBuf, listen: ListenArguments, demo: bool) -> anyhow::Result<()> {
    logging::init();
    let started = Hub::start(listen.options(data_dir)).await?;
    let hub = started.hub;
    let mut said = std::io::stderr();
    if let Some(token) = &started.new_token {
        let file = crate::data_dir::token_file(hub.data_dir().path());
        let _ = writeln!(
            said,
            "Owner token: {token}\nIt is kept in {}; `hearth token` prints it again.",
            file.display()
        );
    }
    if demo && let Err(why) = hub.start_demo().await {
        let _ = writeln!(said, "The demo home did not start: {why}");
    }
    if let Some(http) = hub.http_address() {
        let _ = writeln!(said, "Open http://{http} in a browser.");
    }
    let mqtt: Vec<String> = hub.mqtt_addresses().iter().map(ToString::to_string).collect();
    let http = hub.http_address().map(|http| format!(" http={http}")).unwrap_or_default();
    let mut out = std::io::stdout();
    // Whoever started this may have closed the pipe; the hub runs all the same.
    let _ = writeln!(out, "ready mqtt={}{http}", mqtt.join(","));
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
