//! How devices are.

use std::sync::Arc;

use super::{Result, blocking, written};
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};

pub(in crate::api) async fn device_health(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<DeviceHealth> {
    hub.ingested().await;
    hub.readings.flush().await.map_err(ApiError::internal)?;
    written(hub).await?;
    let hub = hub.clone();
    blocking(move || hub.device_health(&by.id)).await
}

pub(in crate::api) async fn list_health(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<HealthMarks> {
    Ok(HealthMarks { marks: hub.health.marks() })
}
