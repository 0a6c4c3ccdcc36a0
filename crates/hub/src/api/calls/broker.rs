//! How the broker is reached, and its limits.

use std::sync::Arc;

use super::Result;
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};

pub(in crate::api) async fn broker_info(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<BrokerInfo> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn set_listener(_: &Arc<Hub>, _: &Caller, _: SetListener) -> Result<ListenerView> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn set_tls(_: &Arc<Hub>, _: &Caller, _: TlsSettings) -> Result<Empty> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn renew_certificate(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<CertificateView> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn bring_certificate(_: &Arc<Hub>, _: &Caller, _: BringCertificate) -> Result<CertificateView> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn make_client_certificate(_: &Arc<Hub>, _: &Caller, _: Named) -> Result<ClientCertificate> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn set_mdns(_: &Arc<Hub>, _: &Caller, _: Switch) -> Result<MdnsView> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn address_seen(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Empty> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn broker_limits(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<BrokerLimits> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn set_limit(_: &Arc<Hub>, _: &Caller, _: SetLimit) -> Result<BrokerLimits> {
    Err(ApiError::internal("being built"))
}

pub(in crate::api) async fn doctor(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Doctor> {
    Err(ApiError::internal("being built"))
}
