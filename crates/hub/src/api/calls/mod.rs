//! What each method does, by subject. Most are a few lines: the rules are where the thing itself is.

mod about;
mod access;
mod broker;
mod clients;
mod device_log;
mod ghosts;
mod guard;
mod health;
mod home;
mod pairing;
mod pictures;
mod profiles;
mod proposals;
mod readings;
mod replacing;
mod scripts;
mod several;
mod topics;

use model::Cause;

use super::{ApiError, Caller};
use crate::Hub;

pub(super) use about::*;
pub(super) use access::*;
pub(super) use broker::*;
pub(super) use clients::*;
pub(super) use device_log::*;
pub(super) use ghosts::*;
pub(super) use guard::*;
pub(super) use health::*;
pub(super) use home::*;
pub(super) use pairing::*;
pub(super) use pictures::*;
pub(crate) use profiles::checked;
pub(super) use profiles::*;
pub(super) use proposals::*;
pub(super) use readings::*;
pub(super) use replacing::*;
pub(super) use scripts::*;
pub(super) use several::*;
pub(super) use topics::*;

type Result<T> = std::result::Result<T, ApiError>;

fn person(caller: &Caller) -> Cause {
    Cause::Person { who: caller.who().to_owned() }
}

/// Runs something that reads or writes files off the async workers.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?
}

fn at_most(limit: Option<u32>, default: u32, max: u32) -> usize {
    limit.unwrap_or(default).clamp(1, max) as usize
}

/// What only makes sense while boards are there.
fn running(hub: &Hub) -> Result<()> {
    if hub.options.mqtt.is_some() {
        return Ok(());
    }
    Err(ApiError::conflict("Hearth is not running, so nobody would hear this. Start it with `hearth serve`."))
}

/// Waits until what happened before this call can be read from `hub.db`.
async fn written(hub: &Hub) -> Result<()> {
    hub.db.flush().await.map_err(ApiError::internal)
}
