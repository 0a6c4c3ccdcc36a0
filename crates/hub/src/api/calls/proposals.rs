//! Proposals made of raw traffic.

use std::sync::Arc;

use super::Result;
use crate::Hub;
use crate::api::Caller;
use crate::api::types::*;

pub(in crate::api) async fn list_proposals(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Proposals> {
    hub.proposals().await
}

pub(in crate::api) async fn accept_proposal(
    hub: &Arc<Hub>,
    caller: &Caller,
    wanted: AcceptProposal,
) -> Result<AcceptedProposal> {
    hub.accept_proposal(caller.who(), wanted).await
}

pub(in crate::api) async fn dismiss_proposal(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: DismissProposal,
) -> Result<Empty> {
    hub.dismiss_proposal(wanted).await?;
    Ok(Empty {})
}

pub(in crate::api) async fn restore_proposal(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: DismissProposal,
) -> Result<Empty> {
    hub.restore_proposal(&wanted).await?;
    Ok(Empty {})
}
