//! The relay guard.

use std::sync::Arc;

use super::Result;
use crate::Hub;
use crate::api::Caller;
use crate::api::types::*;

pub(in crate::api) async fn get_guard(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<GuardView> {
    hub.guard_view(&by.id)
}

pub(in crate::api) async fn set_guard(hub: &Arc<Hub>, caller: &Caller, set: SetGuard) -> Result<GuardView> {
    hub.set_guard(caller.who(), &set.entity, set.rules).await
}

pub(in crate::api) async fn list_guards(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Guards> {
    Ok(hub.guards())
}

pub(in crate::api) async fn list_interlocks(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Interlocks> {
    Ok(hub.interlocks())
}
