//! What is kept of boards that are paired, beside their credentials; and the name and area that their devices get
//! once they announce themselves.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use devices::pairing::Sighting;
use devices::{Expected, mac_digits};
use model::Device;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Pairings, UnderWay};
use crate::Hub;
use crate::api::types::Level;

/// A board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Board {
    /// Name the owner gave it.
    pub(super) name: String,
    /// Firmware profile.
    pub(super) firmware: String,
    /// Topic it uses.
    pub(super) topic: String,
    /// Where it was last seen.
    pub(super) address: Option<String>,
    /// Port of its web page, where that is not 80.
    #[serde(default)]
    pub(super) http_port: Option<u16>,
    /// Area for its device.
    pub(super) area: Option<String>,
    /// Its device has the name and the area.
    #[serde(default)]
    pub(super) is_named: bool,
    /// It is a device already, which is still to be handed over.
    #[serde(default)]
    pub(super) succeeds: Option<Succession>,
    /// Something of it changed that is not kept yet.
    #[serde(skip)]
    pub(super) is_changed: bool,
}

/// A board that is paired again stays the device it was, and its former credential goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Succession {
    /// The device.
    pub(super) device: String,
    /// What it was announced with.
    pub(super) credential: Option<String>,
}

impl Board {
    /// One that is told by hand where the broker is.
    pub(crate) fn by_hand(name: &str, firmware: &str, topic: &str, area: Option<String>) -> Self {
        Self {
            name: name.to_owned(),
            firmware: firmware.to_owned(),
            topic: topic.to_owned(),
            address: None,
            http_port: None,
            area,
            is_named: false,
            succeeds: None,
            is_changed: false,
        }
    }

    /// What the home should know of it before it announces itself.
    pub(crate) fn expected(&self) -> Expected {
        Expected {
            name: self.name.clone(),
            device: self.succeeds.as_ref().map(|succession| succession.device.clone()),
        }
    }
}

impl Pairings {
    /// A board was added that is told by hand where the broker is.
    pub(crate) fn add_board(&self, user: &str, board: Board) {
        self.boards.lock().insert(user.to_owned(), board);
    }

    /// What the home should know of boards that did not announce themselves yet.
    pub(crate) fn expected(&self) -> Vec<(String, Expected)> {
        let boards = self.boards.lock();
        let awaited = boards.iter().filter(|(_, board)| !board.is_named || board.succeeds.is_some());
        awaited.map(|(user, board)| (user.clone(), board.expected())).collect()
    }

    /// A board logged in; it may have another address now.
    pub(super) fn seen_at(&self, user: &str, address: Option<IpAddr>) {
        if let (Some(board), Some(address)) = (self.boards.lock().get_mut(user), address)
            // Whatever comes from this computer itself is a bridge, or a test.
            && !address.is_loopback()
            && board.address.as_deref() != Some(&address.to_string())
        {
            board.address = Some(address.to_string());
            board.is_changed = true;
        }
    }

    /// What a board announces is another credential's device: perhaps it is the same board, and its owner can say so.
    pub(crate) fn claims(&self, user: &str, device: &str) {
        let mut state = self.state.lock();
        let one = state.under_way.values_mut().rev().find(|one| one.user == user && one.succeeds.is_none());
        if let Some(one) = one.filter(|one| one.claims.as_deref() != Some(device)) {
            one.claims = Some(device.to_owned());
            drop(state);
            self.change();
        }
    }

    /// A board goes on as this device.
    pub(super) fn handed_over(&self, user: &str, succession: &Succession, keeps: Option<String>) {
        let mut state = self.state.lock();
        for one in state.under_way.values_mut().filter(|one| one.user == user) {
            one.claims = None;
            one.keeps.clone_from(&keeps);
            one.succeeds = Some(succession.clone());
        }
        drop(state);
        self.change();
    }

    /// Its credential is gone.
    pub(crate) fn forget(&self, user: &str) {
        self.boards.lock().remove(user);
        self.state.lock().has_left(user);
    }

    /// Devices were removed: what ended of their pairings is no news any more, and whoever was seen of them waits for
    /// nobody.
    pub(crate) fn forget_devices(&self, gone: &[Device]) {
        let is_of = |one: &UnderWay| {
            let device = one.succeeds.as_ref().map(|succession| &succession.device);
            gone.iter().any(|d| d.credential.as_ref() == Some(&one.user) || Some(&d.id) == device)
        };
        let mut state = self.state.lock();
        let ended = state.under_way.values().filter(|one| one.pairing.has_ended() && is_of(one));
        let mut places: HashSet<String> = ended.filter_map(|one| one.address.clone()).collect();
        places.extend(gone.iter().filter_map(|device| device.ip.clone()));
        let macs: HashSet<String> =
            gone.iter().filter_map(|device| device.mac.as_deref()).map(mac_digits).collect();
        let seen: Vec<u64> = {
            let candidates = state.window.candidates().filter(|candidate| {
                let Sighting { address, found, .. } = &candidate.seen;
                match &found.mac {
                    Some(mac) if !macs.is_empty() => macs.contains(&mac_digits(mac)),
                    _ => address.as_ref().is_some_and(|address| places.contains(address)),
                }
            });
            candidates.map(|candidate| candidate.id).collect()
        };
        state.under_way.retain(|_, one| !one.pairing.has_ended() || !is_of(one));
        for id in seen {
            state.window.remove(id);
            state.tried.remove(&id);
        }
        drop(state);
        self.change();
    }

    /// The firmware a board was paired as.
    pub(crate) fn firmware_of(&self, user: &str) -> Option<String> {
        self.boards.lock().get(user).map(|board| board.firmware.clone())
    }
}

impl Hub {
    /// Gives the devices of paired boards the names and areas that were chosen at the pairing, and keeps what changed.
    pub(super) async fn look_after_boards(self: &Arc<Self>) {
        let unfinished: Vec<(String, Board)> = {
            let boards = self.pairings.boards.lock();
            let unfinished = boards
                .iter()
                .filter(|(_, board)| board.is_changed || !board.is_named || board.succeeds.is_some());
            unfinished.map(|(user, board)| (user.clone(), board.clone())).collect()
        };
        for (user, board) in unfinished {
            if let Some(succession) = &board.succeeds
                && self.succeed(&user, succession).await.is_err()
            {
                continue;
            }
            let device = {
                let home = self.home.read();
                let own = home.devices_of(&user).next();
                own.filter(|_| !board.is_named).map(|device| device.id.clone())
            };
            if device.is_none() && !board.is_changed && board.succeeds.is_none() {
                continue;
            }
            if let Some(id) = &device
                && self.wish(self.name_device(id, &board)).await.is_err()
            {
                continue;
            }
            let is_named = board.is_named || device.is_some();
            let now = Board { is_named, is_changed: false, succeeds: None, ..board.clone() };
            if self.credentials.keep_board(&user, json!(now)).await.is_ok()
                && let Some(known) = self.pairings.boards.lock().get_mut(&user)
                && *known == board
            {
                *known = now;
                if let Some(id) = &device {
                    let text = format!("Its board came in with the access `{user}`.");
                    self.device_log.add(id, "paired", Level::Info, &text);
                }
                if is_named {
                    self.home.write().expect_board(&user, None);
                }
            }
        }
    }

    fn name_device(&self, id: &str, board: &Board) -> Vec<devices::Effect> {
        let mut home = self.home.write();
        // What was added from a proposal was named then.
        let is_announced = home.record(id).is_some_and(|record| !record.announced.is_empty());
        let has_room = home.device(id).is_some_and(|device| device.area.is_some());
        let name = Some(board.name.as_str()).filter(|_| is_announced);
        let mut effects = name.and_then(|name| home.rename_device(id, Some(name)).ok()).unwrap_or_default();
        // The area may have been removed since.
        let area = board.area.as_deref().filter(|_| is_announced || !has_room);
        effects.extend(area.and_then(|area| home.move_device(id, Some(area)).ok()).unwrap_or_default());
        effects
    }
}
