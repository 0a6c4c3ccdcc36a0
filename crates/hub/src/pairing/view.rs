//! Pairing as it looks from outside.

use devices::pairing::{Candidate, Stage, TRIES_MAX, Way};
use devices::{Profile, Transport};

use super::accept::NETWORK;
use super::{State, UnderWay};
use crate::Hub;
use crate::api::types::{
    CandidateView, CandidateWay, FirmwareView, Firmwares, PairingProgress, PairingStage, PairingView,
};

impl Hub {
    /// Everything about pairing.
    pub(crate) fn pairing_view(&self) -> PairingView {
        let network = self.searched_network();
        let state = self.pairings.state.lock();
        PairingView {
            network,
            open_until_ms: state.window.until_ms(),
            candidates: state
                .window
                .candidates()
                .map(|candidate| self.candidate_view(&state, candidate))
                .collect(),
            turned_away: state.window.turned_away(),
            pairings: state.under_way.iter().map(|(id, one)| progress(*id, one)).collect(),
            search: state.search.as_ref().map(|search| search.seen),
        }
    }

    /// A candidate that is still there.
    pub(super) fn candidate(&self, id: u64) -> Option<CandidateView> {
        let state = self.pairings.state.lock();
        state.window.candidate(id).map(|candidate| self.candidate_view(&state, candidate))
    }

    /// The firmwares there are profiles of.
    pub(crate) fn firmwares(&self) -> Firmwares {
        let home = self.home.read();
        let mut firmwares: Vec<_> = home.profiles().iter().map(firmware).collect();
        firmwares.sort_by(|a, b| a.name.cmp(&b.name));
        Firmwares { firmwares }
    }

    fn candidate_view(&self, state: &State, candidate: &Candidate) -> CandidateView {
        let seen = &candidate.seen;
        let (way, client_id, user, serial) = match &seen.way {
            Way::Refused { client_id, user } => {
                (CandidateWay::Refused, Some(client_id.clone()), user.clone(), None)
            }
            Way::Mdns => (CandidateWay::Mdns, None, None, None),
            Way::Sweep => (CandidateWay::Sweep, None, None, None),
            Way::Serial { port } => (CandidateWay::Serial, None, None, Some(port.clone())),
        };
        let tried = state.tried.get(&candidate.id);
        let why_not_as_it_is = match tried {
            Some(tried) => self.why_not_as_it_is(state, tried),
            None => Some("it did not try to log in".to_owned()),
        };
        let why_no_push = match &seen.firmware {
            None => Some("it is not known which firmware it has".to_owned()),
            Some(firmware) => {
                let home = self.home.read();
                let takes =
                    home.profile(firmware).is_some_and(|profile| profile.transports().next().is_some());
                (!takes).then(|| "its firmware takes no settings over the network".to_owned())
            }
        };
        CandidateView {
            id: candidate.id,
            way,
            client_id,
            user,
            address: seen.address.clone(),
            http_port: seen.http_port,
            serial,
            firmware: seen.firmware.clone(),
            name: seen.found.name.clone(),
            model: seen.found.model.clone(),
            mac: seen.found.mac.clone(),
            locked: seen.found.locked,
            first_ms: candidate.first_ms,
            last_ms: candidate.last_ms,
            why_no_push,
            why_not_as_it_is,
        }
    }
}

fn firmware(profile: &Profile) -> FirmwareView {
    let takes = |ways: &[Transport]| profile.transports().any(|transport| ways.contains(&transport));
    FirmwareView {
        id: profile.id().to_owned(),
        name: profile.name().to_owned(),
        network: takes(&NETWORK),
        serial: takes(&[Transport::Serial]),
        needs_wifi: NETWORK.iter().any(|transport| profile.needs_wifi(*transport)),
        snippet: profile.has_snippet(),
    }
}

fn stage_of(stage: &Stage) -> PairingStage {
    match stage {
        Stage::Minting => PairingStage::Minting,
        Stage::HandingOver { .. } => PairingStage::HandingOver,
        Stage::Waiting { .. } => PairingStage::Waiting,
        Stage::Keeping => PairingStage::Keeping,
        Stage::Revoking(_) => PairingStage::Revoking,
        Stage::Paired => PairingStage::Paired,
        Stage::Failed(_) => PairingStage::Failed,
    }
}

/// How far a pairing is.
pub(super) fn progress(id: u64, one: &UnderWay) -> PairingProgress {
    let stage = stage_of(one.pairing.stage());
    let text = match one.pairing.stage() {
        Stage::Minting => "Its credential is being made.".to_owned(),
        Stage::HandingOver { attempt: 1, .. } => "The settings are being handed over.".to_owned(),
        Stage::HandingOver { attempt, .. } => {
            format!("The board did not answer; this is try {attempt} of {TRIES_MAX}.")
        }
        Stage::Waiting { .. } if one.work.as_ref().is_some_and(|work| work.plan.is_none()) => {
            "The board is let in when it tries again.".to_owned()
        }
        Stage::Waiting { .. } => "The board has its settings. It should log in within a minute.".to_owned(),
        Stage::Keeping => "The board logged in.".to_owned(),
        Stage::Revoking(failure) => failure.why.clone(),
        Stage::Paired if one.succeeds.is_some() => {
            format!("{} is paired again. It has new access and stays the same device.", one.name)
        }
        Stage::Paired => format!("{} is paired.", one.name),
        Stage::Failed(failure) => failure.to_string(),
    };
    let until_ms = match one.pairing.stage() {
        Stage::Waiting { until_ms } => Some(*until_ms),
        _ => None,
    };
    PairingProgress {
        id,
        name: one.name.clone(),
        user: one.user.clone(),
        firmware: one.firmware.clone(),
        address: one.address.clone(),
        http_port: one.http_port,
        serial: one.serial.clone(),
        candidate: one.candidate,
        way: one.way,
        area: one.area.clone(),
        device: one.succeeds.as_ref().map(|succession| succession.device.clone()),
        claims: one.claims.clone(),
        keeps: one.keeps.clone(),
        stage,
        reached: one.failed_at.as_ref().map_or(stage, stage_of),
        text,
        wants_password: matches!(one.pairing.stage(), Stage::Failed(failure) if failure.denied),
        until_ms,
        begun_ms: one.begun_ms,
        ended_ms: one.ended_ms,
    }
}
