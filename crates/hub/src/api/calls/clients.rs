//! The clients of the broker, and what it refused.

use std::sync::Arc;

use super::Result;
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};

pub(in crate::api) async fn set_permissions(_: &Arc<Hub>, _: &Caller, _: SetPermissions) -> Result<Empty> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn learn(_: &Arc<Hub>, _: &Caller, _: Learn) -> Result<Learned> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn learned(_: &Arc<Hub>, _: &Caller, _: Named) -> Result<Learned> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn get_client(_: &Arc<Hub>, _: &Caller, _: ByClient) -> Result<ClientDetail> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn kick_client(_: &Arc<Hub>, _: &Caller, _: ByClient) -> Result<Empty> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn list_refusals(_: &Arc<Hub>, _: &Caller, _: ListRefusals) -> Result<Refusals> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn broker_totals(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<BrokerTotals> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn broker_rates(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<BrokerRates> {
    Err(ApiError::internal("being built"))
}
