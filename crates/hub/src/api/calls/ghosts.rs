//! Retained messages of boards that are gone.

use std::sync::Arc;

use super::{Result, blocking, running};
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};
use crate::ghosts::AWAY_DAYS;

/// Most days that can be asked for.
const DAYS_MAX: u32 = 3_650;

pub(in crate::api) async fn list_ghosts(hub: &Arc<Hub>, _: &Caller, wanted: ListGhosts) -> Result<Ghosts> {
    let days = wanted.days.unwrap_or(AWAY_DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(ApiError::invalid(format!("{days} days make no sense here. Choose 1 to {DAYS_MAX}.")));
    }
    hub.ingested().await;
    let hub = hub.clone();
    blocking(move || Ok(hub.ghosts(days))).await
}

pub(in crate::api) async fn device_retained(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<DeviceRetained> {
    hub.ingested().await;
    let hub = hub.clone();
    blocking(move || hub.retained_of_device(&by.id)).await
}

pub(in crate::api) async fn clear_ghosts(
    hub: &Arc<Hub>,
    caller: &Caller,
    clear: ClearTopics,
) -> Result<ClearedTopics> {
    running(hub)?;
    hub.clear_topics(caller.who(), &clear.topics).await
}

pub(in crate::api) async fn restore_retained(
    hub: &Arc<Hub>,
    caller: &Caller,
    restore: RestoreRetained,
) -> Result<RestoredTopics> {
    running(hub)?;
    hub.restore_topics(caller.who(), &restore.message_ids).await
}
