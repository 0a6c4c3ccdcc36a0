//! A new board in the place of another.

use std::sync::Arc;

use super::{Result, blocking};
use crate::Hub;
use crate::api::Caller;
use crate::api::types::*;

pub(in crate::api) async fn replace_preview(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: ReplaceDevice,
) -> Result<ReplacePreview> {
    hub.ingested().await;
    let hub = hub.clone();
    blocking(move || hub.replace_preview(&wanted.old, &wanted.new)).await
}

pub(in crate::api) async fn hand_over_device(
    hub: &Arc<Hub>,
    caller: &Caller,
    wanted: HandOverDevice,
) -> Result<HandedOver> {
    hub.hand_over_device(caller.who(), &wanted.device, &wanted.user).await
}

pub(in crate::api) async fn replace_device(
    hub: &Arc<Hub>,
    caller: &Caller,
    wanted: ReplaceDevice,
) -> Result<Replaced> {
    hub.replace_device(caller.who(), &wanted.old, &wanted.new).await
}
