//! Bringing boards in.

use std::sync::Arc;

use super::{Result, running};
use crate::Hub;
use crate::api::Caller;
use crate::api::types::*;

pub(in crate::api) async fn open_pairing(
    hub: &Arc<Hub>,
    caller: &Caller,
    open: OpenPairing,
) -> Result<PairingView> {
    running(hub)?;
    hub.open_pairing(caller.who(), open.seconds);
    Ok(hub.pairing_view())
}

pub(in crate::api) async fn close_pairing(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<PairingView> {
    hub.close_pairing();
    Ok(hub.pairing_view())
}

pub(in crate::api) async fn pairing(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<PairingView> {
    Ok(hub.pairing_view())
}

pub(in crate::api) async fn accept_candidate(
    hub: &Arc<Hub>,
    caller: &Caller,
    accepted: AcceptCandidate,
) -> Result<PairingProgress> {
    running(hub)?;
    hub.accept_candidate(caller.who(), accepted).await
}

pub(in crate::api) async fn cancel_pairing(hub: &Arc<Hub>, _: &Caller, by: ByPairing) -> Result<Empty> {
    hub.cancel_pairing(by.id).await?;
    Ok(Empty {})
}

pub(in crate::api) async fn put_away_pairing(hub: &Arc<Hub>, _: &Caller, by: ByPairing) -> Result<Empty> {
    hub.put_away_pairing(by.id)?;
    Ok(Empty {})
}

pub(in crate::api) async fn search_lan(hub: &Arc<Hub>, _: &Caller, wanted: SearchLan) -> Result<PairingView> {
    running(hub)?;
    hub.search_lan(&wanted)?;
    Ok(hub.pairing_view())
}

pub(in crate::api) async fn stop_search(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<PairingView> {
    hub.stop_search();
    Ok(hub.pairing_view())
}

pub(in crate::api) async fn look_at_board(hub: &Arc<Hub>, _: &Caller, at: BoardAt) -> Result<CandidateView> {
    running(hub)?;
    hub.look_at_board(&at.address).await
}

pub(in crate::api) async fn list_firmwares(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Firmwares> {
    Ok(hub.firmwares())
}

pub(in crate::api) async fn serial_ports(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<SerialPorts> {
    crate::pairing::serial::ports().await
}

pub(in crate::api) async fn join_wifi(hub: &Arc<Hub>, _: &Caller, join: JoinWifi) -> Result<JoinedWifi> {
    running(hub)?;
    hub.join_wifi(join).await
}

pub(in crate::api) async fn point_boards_here(
    hub: &Arc<Hub>,
    caller: &Caller,
    _: Empty,
) -> Result<PointedBoards> {
    running(hub)?;
    hub.point_boards_here(caller.who()).await
}
