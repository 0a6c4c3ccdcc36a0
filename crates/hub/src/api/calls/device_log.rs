//! The log of a device.

use std::sync::Arc;

use super::{Result, at_most, blocking, written};
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};

pub(in crate::api) async fn device_log(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: ListDeviceLog,
) -> Result<DeviceLogLines> {
    if hub.home.read().device(&wanted.id).is_none() {
        return Err(ApiError::not_found("device", &wanted.id));
    }
    let limit = at_most(wanted.limit, 50, 500);
    hub.device_log.settle();
    written(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        let lines = hub.device_log.lines(&wanted.id, wanted.before, limit + 1);
        let mut lines = lines.map_err(ApiError::internal)?;
        let more = lines.len() > limit;
        lines.truncate(limit);
        Ok(DeviceLogLines { lines, more })
    })
    .await
}
