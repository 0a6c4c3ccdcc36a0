//! The hub this app hosts: started beside the window, stopped before the app.

use std::sync::Arc;
use std::time::Duration;

use hub::api::{ApiError, ErrorCode};
use hub::{Hub, Options};
use tokio::sync::watch;

/// How long the hub may take to write down what it holds. Then the app ends all the same: what was
/// acknowledged is on disk by then.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Where the hub is in its life.
#[derive(Clone)]
enum Stage {
    Starting,
    Running(Arc<Hub>),
    Failed(ApiError),
    Stopped,
}

/// A hub that is starting, runs, or could not start.
pub(crate) struct HostedHub {
    options: Options,
    stage: watch::Sender<Stage>,
}

impl HostedHub {
    /// A hub about to start: calls wait for it.
    pub(crate) fn new(options: Options) -> Self {
        Self { options, stage: watch::Sender::new(Stage::Starting) }
    }

    /// Starts it beside the caller.
    pub(crate) fn start(&self) {
        let (options, stage) = (self.options.clone(), self.stage.clone());
        tauri::async_runtime::spawn(async move {
            stage.send_replace(match Hub::start(options).await {
                Ok(started) => Stage::Running(started.hub),
                Err(error) => {
                    tracing::error!(%error, "the hub could not start");
                    Stage::Failed(ApiError { code: ErrorCode::Internal, message: error.to_string() })
                }
            });
        });
    }

    /// Tries again, if it could not start.
    pub(crate) fn start_again(&self) {
        let failed = self.stage.send_if_modified(|stage| {
            let failed = matches!(stage, Stage::Failed(_));
            if failed {
                *stage = Stage::Starting;
            }
            failed
        });
        if failed {
            self.start();
        }
    }

    /// The hub, as soon as it runs; or why it could not start.
    pub(crate) async fn hub(&self) -> Result<Arc<Hub>, ApiError> {
        let mut stage = self.stage.subscribe();
        match stage.wait_for(|stage| !matches!(stage, Stage::Starting)).await.as_deref() {
            Ok(Stage::Running(hub)) => Ok(hub.clone()),
            Ok(Stage::Failed(error)) => Err(error.clone()),
            Ok(Stage::Starting | Stage::Stopped) | Err(_) => Err(ApiError {
                code: ErrorCode::Internal,
                message: "Hearth is quitting. Start it again to go on.".into(),
            }),
        }
    }

    /// Stops it, whatever it is doing.
    pub(crate) async fn stop(&self) {
        let stopped = tokio::time::timeout(STOP_DEADLINE, async {
            if let Ok(hub) = self.hub().await {
                hub.stop().await;
            }
            // Lets go of the hub, and with it of its data folder.
            self.stage.send_replace(Stage::Stopped);
        });
        if stopped.await.is_err() {
            tracing::error!(deadline_s = STOP_DEADLINE.as_secs(), "the hub did not stop in time");
        }
    }
}
