//! The clients of the broker, what they may do, and what it refused.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Result, at_most, blocking, running};
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};
use crate::client_log::{ClientLog, LINES_MAX};
use crate::{clock, rates, trouble};

/// Clients that are gone, unless asked for more or less, and at most.
const GONE_DEFAULT: u32 = 5;
const GONE_MAX: u32 = 50;
/// Refusals shown of one client.
const CLIENT_REFUSALS_MAX: usize = 50;

pub(in crate::api) async fn set_permissions(
    hub: &Arc<Hub>,
    caller: &Caller,
    set: SetPermissions,
) -> Result<Empty> {
    hub.set_permissions(caller.who(), &set.name, set.permissions).await?;
    Ok(Empty {})
}

pub(in crate::api) async fn learn(hub: &Arc<Hub>, caller: &Caller, learn: Learn) -> Result<Learned> {
    if learn.on {
        running(hub)?;
        hub.begin_learning(caller.who(), &learn.name).await?;
    } else {
        let why = format!("{} ended the learning of `{}`.", caller.who(), learn.name);
        hub.end_learning(&learn.name, &why).await?;
    }
    Ok(hub.learning.learned(&hub.credential(&learn.name)?))
}

pub(in crate::api) async fn learned(hub: &Arc<Hub>, _: &Caller, named: Named) -> Result<Learned> {
    Ok(hub.learning.learned(&hub.credential(&named.name)?))
}

pub(in crate::api) async fn list_clients(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Clients> {
    Ok(Clients { clients: hub.clients().as_ref().clone() })
}

pub(in crate::api) async fn get_client(hub: &Arc<Hub>, _: &Caller, by: ByClient) -> Result<ClientDetail> {
    let now_ms = clock::now_ms();
    let detail = hub.gate.client(&by.client_id);
    hub.clients();
    let mut client = detail.as_ref().map(|detail| {
        let told = hub.credentials.told_client(&detail.info);
        hub.client_rates.of(&detail.info, told)
    });
    // What was refused without a client id, such as a TLS handshake, may be about one that cannot get in.
    let outside = client.as_ref().is_none_or(|client| !client.connected);
    let address = hub.client_log.address(&by.client_id).filter(|_| outside);
    let address = address.filter(|address| !hub.client_log.shares(&by.client_id, address));
    let refusals = hub.refusals.about(&by.client_id, address.as_deref(), now_ms, CLIENT_REFUSALS_MAX);
    let mut log = hub.client_log.lines(&by.client_id);
    if hub.client_log.is_partial(&log) {
        let (activity, client_id) = (hub.activity.clone(), by.client_id.clone());
        let kept = blocking(move || activity.about_client(&client_id, LINES_MAX).map_err(ApiError::internal));
        log = ClientLog::with_kept(log, kept.await?);
    }
    if client.is_none() && refusals.is_empty() && log.is_empty() {
        return Err(ApiError::not_found("client", &by.client_id));
    }
    let tried = || refusals.iter().find_map(|refusal| refusal.user.clone());
    let user = client.as_ref().map(|client| client.user.clone()).or_else(tried);
    let credential = user.and_then(|user| hub.credentials.get(&user));
    let known = trouble::Known {
        client_id: &by.client_id,
        client: client.as_ref(),
        refusals: &refusals,
        log: &log,
        subscribed: detail
            .iter()
            .flat_map(|detail| &detail.subscriptions)
            .map(|s| s.filter.as_str())
            .collect(),
        will: detail.as_ref().and_then(|detail| detail.will.as_ref()).map(|will| will.topic.as_str()),
        fight: hub.client_log.fight(&by.client_id, now_ms),
        learned_unused: credential.as_ref().is_some_and(|credential| hub.learning.is_unused(credential)),
    };
    let trouble = trouble::trouble(&known, now_ms);
    if let Some(client) = &mut client {
        client.in_trouble = hub.in_trouble(now_ms).contains(&client.client_id);
    }
    let (subscriptions, will) = detail.map(|detail| (detail.subscriptions, detail.will)).unwrap_or_default();
    Ok(ClientDetail {
        client,
        subscriptions: subscriptions
            .into_iter()
            .map(|subscription| SubscriptionView {
                filter: subscription.filter,
                qos: subscription.qos as u8,
                no_local: subscription.no_local,
                identifier: subscription.identifier,
            })
            .collect(),
        will: will.map(|will| WillView {
            topic: will.topic,
            payload: String::from_utf8_lossy(&will.payload).into_owned(),
            qos: will.qos as u8,
            retain: will.retain,
            delay_s: will.delay_s,
        }),
        permissions: credential.map(|credential| credential.permissions),
        trouble,
        refusals,
        log,
    })
}

pub(in crate::api) async fn find_gone_clients(
    hub: &Arc<Hub>,
    _: &Caller,
    find: FindGone,
) -> Result<GoneClients> {
    let limit = at_most(find.limit, GONE_DEFAULT, GONE_MAX);
    let there: HashSet<String> = hub.clients().iter().map(|client| client.client_id.clone()).collect();
    let activity = hub.activity.clone();
    let lines = blocking(move || {
        // More than are wanted, since some of them are there.
        activity.clients_with(find.text.trim(), limit + there.len()).map_err(ApiError::internal).map(
            |lines| {
                let gone = lines.into_iter().filter(|(about, _)| !there.contains(&about.client_id));
                gone.take(limit).collect::<Vec<_>>()
            },
        )
    });
    let clients = lines.await?.into_iter().map(|(about, line)| GoneClient {
        client_id: about.client_id,
        last_ms: line.time_ms,
        text: line.text,
    });
    Ok(GoneClients { clients: clients.collect() })
}

pub(in crate::api) async fn kick_client(hub: &Arc<Hub>, caller: &Caller, by: ByClient) -> Result<Empty> {
    running(hub)?;
    let why = format!("{} closed its connection", caller.who());
    if hub.gate.kick(&by.client_id, &why) {
        return Ok(Empty {});
    }
    match hub.gate.client(&by.client_id) {
        None => Err(ApiError::not_found("client", &by.client_id)),
        Some(_) => Err(ApiError::conflict(format!(
            "`{}` is asleep, so there is no connection to close.",
            by.client_id
        ))),
    }
}

pub(in crate::api) async fn list_refusals(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: ListRefusals,
) -> Result<Refusals> {
    let limit = at_most(wanted.limit, 100, 1_000);
    Ok(Refusals { refusals: hub.refusals.list(&wanted, limit) })
}

pub(in crate::api) async fn broker_totals(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<BrokerTotals> {
    let counters = hub.gate.counters();
    Ok(BrokerTotals {
        connected: counters.connected,
        sleeping: counters.sleeping,
        connections: counters.connections,
        refused: counters.refused,
        messages_in: counters.messages_in,
        messages_own: counters.messages_own,
        messages_out: counters.messages_out,
        bytes_in: counters.bytes_in,
        bytes_out: counters.bytes_out,
        dropped: rates::dropped(&counters),
        denied: counters.denied,
        held: counters.held,
        retained: counters.retained,
        bus_rebuilds: counters.bus_rebuilds,
        journal_backlog: hub.journal.backlog() as u64,
    })
}

pub(in crate::api) async fn broker_rates(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<BrokerRates> {
    Ok(hub.history.rates())
}
