//! How the broker is reached, and its limits.

use std::sync::Arc;

use super::{Result, blocking};
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};
use crate::limits::{self, Limits};

pub(in crate::api) async fn broker_info(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<BrokerInfo> {
    let address = hub.board_address();
    Ok(BrokerInfo {
        listeners: hub.listener_views(),
        certificate: hub.certificate_view().await?,
        tls: hub.certificates.settings(),
        mdns: hub.mdns_view(),
        board_host: address.host,
        board_port: address.port,
        board_warning: address.warning,
        address_was: hub.told_address.was(),
        local_only: hub.options.local_only,
    })
}

pub(in crate::api) async fn set_listener(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: SetListener,
) -> Result<ListenerView> {
    hub.set_listener(wanted.transport.into(), wanted.on, &wanted.address).await
}

pub(in crate::api) async fn set_tls(hub: &Arc<Hub>, _: &Caller, settings: TlsSettings) -> Result<Empty> {
    hub.set_tls(settings).await?;
    Ok(Empty {})
}

pub(in crate::api) async fn renew_certificate(
    hub: &Arc<Hub>,
    _: &Caller,
    _: Empty,
) -> Result<CertificateView> {
    hub.renew_certificate().await
}

pub(in crate::api) async fn bring_certificate(
    hub: &Arc<Hub>,
    _: &Caller,
    brought: BringCertificate,
) -> Result<CertificateView> {
    hub.bring_certificate(brought.certificate_pem, brought.key_pem).await
}

pub(in crate::api) async fn make_client_certificate(
    hub: &Arc<Hub>,
    _: &Caller,
    named: Named,
) -> Result<ClientCertificate> {
    hub.make_client_certificate(named.name).await
}

pub(in crate::api) async fn set_mdns(hub: &Arc<Hub>, _: &Caller, switch: Switch) -> Result<MdnsView> {
    hub.set_mdns(switch.on).await
}

pub(in crate::api) async fn address_seen(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Empty> {
    hub.address_seen().await?;
    Ok(Empty {})
}

pub(in crate::api) async fn broker_limits(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<BrokerLimits> {
    let next = stored_limits(hub).await?;
    Ok(BrokerLimits { limits: hub.limits.lock().views(&next) })
}

pub(in crate::api) async fn set_limit(hub: &Arc<Hub>, _: &Caller, set: SetLimit) -> Result<BrokerLimits> {
    let _changing = hub.changing.lock().await;
    let next = stored_limits(hub).await?.with(&set.name, set.value)?;
    hub.keep_setting(limits::SETTING, next.to_setting()).await?;
    let mut limits = hub.limits.lock();
    // The bounds of the journal need no restart.
    limits.journal.journal_days = next.journal.journal_days;
    limits.journal.journal_bytes = next.journal.journal_bytes;
    hub.journal.set_bounds(limits.journal.journal_days, limits.journal.journal_bytes);
    Ok(BrokerLimits { limits: limits.views(&next) })
}

async fn stored_limits(hub: &Arc<Hub>) -> Result<Limits> {
    let hub = hub.clone();
    blocking(move || {
        let stored = hub.setting(limits::SETTING).map_err(ApiError::internal)?;
        Ok(Limits::read(stored.as_ref()).0)
    })
    .await
}

pub(in crate::api) async fn doctor(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Doctor> {
    Ok(hub.doctor().await)
}
