//! What is kept of boards that are paired, beside their credentials; and the name and area that their devices get
//! once they announce themselves.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Pairings;
use crate::Hub;

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
    /// Something of it changed that is not kept yet.
    #[serde(skip)]
    pub(super) is_changed: bool,
}

impl Pairings {
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

    /// Its credential is gone.
    pub(crate) fn forget(&self, user: &str) {
        self.boards.lock().remove(user);
    }
}

impl Hub {
    /// Gives the devices of paired boards the names and areas that were chosen at the pairing, and keeps what changed.
    pub(super) async fn look_after_boards(self: &Arc<Self>) {
        let unfinished: Vec<(String, Board)> = {
            let boards = self.pairings.boards.lock();
            let unfinished = boards.iter().filter(|(_, board)| board.is_changed || !board.is_named);
            unfinished.map(|(user, board)| (user.clone(), board.clone())).collect()
        };
        for (user, board) in unfinished {
            let device = {
                let home = self.home.read();
                let own = home.devices().find(|device| device.credential.as_deref() == Some(&user));
                own.filter(|_| !board.is_named).map(|device| device.id.clone())
            };
            if device.is_none() && !board.is_changed {
                continue;
            }
            if let Some(id) = &device
                && self.wish(self.name_device(id, &board)).await.is_err()
            {
                continue;
            }
            let now =
                Board { is_named: board.is_named || device.is_some(), is_changed: false, ..board.clone() };
            if self.credentials.keep_board(&user, json!(now)).await.is_ok()
                && let Some(known) = self.pairings.boards.lock().get_mut(&user)
                && *known == board
            {
                *known = now;
            }
        }
    }

    fn name_device(&self, id: &str, board: &Board) -> Vec<devices::Effect> {
        let mut home = self.home.write();
        let mut effects = home.rename_device(id, Some(&board.name)).unwrap_or_default();
        // The area may have been removed since.
        let area = board.area.as_deref();
        effects.extend(area.and_then(|area| home.move_device(id, Some(area)).ok()).unwrap_or_default());
        effects
    }
}
