//! The way to a hub: over HTTP to a running one, or by opening the folder of a stopped one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use super::unreachable;
use crate::api::{self, ApiError, Caller};
use crate::{Hub, Options, data_dir};

/// Longest wait for an answer.
const ANSWER_S: u64 = 30;
/// Largest answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) enum Door {
    /// A hub of another process.
    Running { address: std::net::SocketAddr, token: String },
    /// A hub of this process, without sockets.
    Stopped(Arc<Hub>),
}

/// Whether a command may make the folder it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    /// What it asks for cannot be in a new one: most likely the name is mistyped.
    MustExist,
    /// What it makes can be the first thing there.
    MayBeNew,
}

impl Door {
    pub(super) async fn open(dir: &Path, folder: Folder) -> anyhow::Result<Self> {
        if !data_dir::is_in_use(dir) {
            anyhow::ensure!(
                folder == Folder::MayBeNew || data_dir::is_known(dir),
                "There is no Hearth data in {}. Start it with `hearth serve`, or name the folder with --data-dir.",
                dir.display()
            );
            let options = Options { data_dir: dir.to_owned(), mqtt: None, http: None, local_only: true };
            let started = Hub::start(options).await?;
            return Ok(Self::Stopped(started.hub));
        }
        let running = data_dir::running(dir);
        let address = running.and_then(|running| running.http).ok_or_else(|| {
            anyhow::anyhow!(
                "A hub is using {}, but its HTTP door is not open. If it is just starting, try again; \
                 otherwise restart it with --http 127.0.0.1:8460.",
                dir.display()
            )
        })?;
        let file = data_dir::token_file(dir);
        let token = std::fs::read_to_string(&file)
            .map_err(|why| anyhow::anyhow!("The owner token {} cannot be read: {why}.", file.display()))?;
        Ok(Self::Running { address, token: token.trim().to_owned() })
    }

    pub(super) async fn call(&mut self, method: &str, params: Value) -> Result<Value, ApiError> {
        match self {
            Self::Running { address, token } => {
                let url = format!("http://{address}/api/{method}");
                let token = format!("Bearer {token}");
                tokio::task::spawn_blocking(move || post(&url, &token, &params)).await.map_err(unreachable)?
            }
            Self::Stopped(hub) => {
                let params = RawValue::from_string(params.to_string()).map_err(ApiError::internal)?;
                let answer = api::dispatch(hub.clone(), Caller::Desktop, method, Some(&params)).await?;
                serde_json::from_str(answer.get()).map_err(ApiError::internal)
            }
        }
    }

    pub(super) async fn close(self) {
        if let Self::Stopped(hub) = self {
            hub.stop().await;
        }
    }
}

fn post(url: &str, token: &str, params: &Value) -> Result<Value, ApiError> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(ANSWER_S)))
        // The hub says what went wrong in the body.
        .http_status_as_error(false)
        .build()
        .into();
    let mut response =
        agent.post(url).header("Authorization", token).send_json(params).map_err(unreachable)?;
    let failed = !response.status().is_success();
    let body: Value =
        response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_json().map_err(unreachable)?;
    if failed { Err(serde_json::from_value(body).map_err(unreachable)?) } else { Ok(body) }
}
