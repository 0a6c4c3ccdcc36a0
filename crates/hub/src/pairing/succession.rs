//! A board that is paired again stays the device it was: by its MAC address, or because its owner says so. Its former
//! credential goes, unless somebody else uses it.

use std::sync::Arc;

use devices::Effect;
use serde_json::json;

use super::record::Succession;
use crate::api::ApiError;
use crate::api::types::{HandedOver, Level};
use crate::proposals::former;
use crate::{Hub, clock};

/// Retained announcements that are looked through for those of a board.
const ANNOUNCEMENTS_MAX: usize = 10_000;

/// What became of the former credential.
#[derive(Debug, Default)]
pub(super) struct Succeeded {
    pub(super) revoked: Option<String>,
    /// Why it is kept.
    pub(super) keeps: Option<String>,
}

impl Hub {
    /// Hands the device of a board that was paired again to its new credential, and takes the former one away. Each
    /// part may be done already: what a kill cut off is carried on by the next start.
    pub(super) async fn succeed(
        self: &Arc<Self>,
        user: &str,
        succession: &Succession,
    ) -> Result<Succeeded, ApiError> {
        let (roots, handed) = {
            let mut home = self.home.write();
            (home.roots_of(&succession.device), home.hand_over(&succession.device, user))
        };
        if !handed.is_empty() {
            let text = format!("Paired again: its board has the access `{user}` now.");
            self.device_log.add(&succession.device, "paired", Level::Info, &text);
        }
        self.wish(handed).await?;
        let gone = succession.credential.as_deref().filter(|former| *former != user);
        let Some(credential) = gone.filter(|former| self.credentials.get(former).is_some()) else {
            return Ok(Succeeded::default());
        };
        if let Some(who) = self.who_else_uses(credential, user, &succession.device) {
            // What the board said with it is no sketch's.
            let kept = self.db.write(move |conn| former::keep(conn, &roots, clock::now_ms())).await;
            kept.map_err(ApiError::internal)?;
            self.look_anew();
            let keeps = format!(
                "Its former access `{credential}` is kept, because {who} uses it, too. Revoke it in Settings, Access, once \
                 nobody needs it."
            );
            let text = format!("The board of `{user}` was paired again and stays the same device. {keeps}");
            self.activity.add(Level::Info, "pairing", Some(user), text);
            return Ok(Succeeded { revoked: None, keeps: Some(keeps) });
        }
        if self.drop_credential(credential, "its board was paired again").await?.is_none() {
            return Ok(Succeeded::default());
        }
        let text = format!(
            "The board of `{user}` was paired again and stays the same device; its former access `{credential}` is gone."
        );
        self.activity.add(Level::Info, "pairing", Some(user), text);
        Ok(Succeeded { revoked: Some(credential.to_owned()), keeps: None })
    }

    /// Who uses a credential beside the board that has a new one, in words: another device, or a client that is
    /// connected with it. The board itself is connected with its new one; its former connection, which nobody has missed
    /// yet, comes from the same address.
    fn who_else_uses(&self, credential: &str, board: &str, device: &str) -> Option<String> {
        let other = {
            let home = self.home.read();
            home.devices_of(credential).find(|other| other.id != device).map(|other| other.name.clone())
        };
        if let Some(name) = other {
            return Some(format!("the device {name:?}"));
        }
        let clients = self.gate.clients();
        let own: Vec<_> = clients.iter().filter(|client| &*client.user == board).collect();
        let is_board = |address: std::net::IpAddr| {
            !address.is_loopback() && own.iter().any(|own| own.peer.is_some_and(|peer| peer.ip() == address))
        };
        let mut theirs = clients.iter().filter(|client| &*client.user == credential);
        let client = theirs.find(|client| client.peer.is_some_and(|peer| !is_board(peer.ip())))?;
        Some(format!("the client `{}`", self.credentials.masked(&client.client_id, Some(credential))))
    }

    /// The owner says that the board of a credential is the same one as that of a device. Durable when this returns.
    pub(crate) async fn hand_over_device(
        self: &Arc<Self>,
        who: &str,
        device: &str,
        user: &str,
    ) -> Result<HandedOver, ApiError> {
        if self.credentials.get(user).is_none() {
            return Err(ApiError::not_found("credential", user));
        }
        let known = {
            let home = self.home.read();
            home.device(device).cloned().ok_or_else(|| ApiError::not_found("device", device))?
        };
        if known.demo {
            return Err(ApiError::conflict(
                "A device of the demo home belongs to no board. Choose another one.",
            ));
        }
        if known.credential.as_deref() == Some(user) {
            return Err(ApiError::conflict(format!("{} belongs to `{user}` already.", known.name)));
        }
        let succession = Succession { device: device.to_owned(), credential: known.credential };
        // Kept first, so that what a kill cuts off is carried on.
        let board = {
            let mut boards = self.pairings.boards.lock();
            boards.get_mut(user).map(|board| {
                board.succeeds = Some(succession.clone());
                // The device keeps its name and room: it was there before the board was called anything else.
                board.is_named = true;
                board.clone()
            })
        };
        if let Some(board) = &board {
            self.credentials.keep_board(user, json!(board)).await?;
        }
        let Succeeded { revoked, keeps } = self.succeed(user, &succession).await?;
        self.pairings.handed_over(user, &succession, keeps.clone());
        self.hear_announcements_of(user).await?;
        let text = format!("{who} said that the board of `{user}` is the one of {}.", known.name);
        self.activity.add(Level::Info, "device", Some(device), text);
        let home = self.home.read();
        let device = home.device(device).cloned().ok_or_else(|| ApiError::not_found("device", device))?;
        Ok(HandedOver { device, revoked, keeps })
    }

    /// What it announced was refused before, and counts now.
    async fn hear_announcements_of(self: &Arc<Self>, user: &str) -> Result<(), ApiError> {
        let filters = self.home.read().announcers();
        let mut effects: Vec<Effect> = Vec::new();
        for filter in filters {
            let retained = self.gate.retained(&filter, ANNOUNCEMENTS_MAX);
            for message in retained.iter().filter(|message| message.publisher.user == user) {
                effects.extend(self.home.write().handle(message, false));
            }
        }
        self.wish(effects).await
    }
}
