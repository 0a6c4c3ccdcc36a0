//! Telling every known board where the broker is now. A board keeps its user and password: nobody knows them but it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use devices::pairing::Outcome;
use devices::{Handover, Plan, Profile, Settings, Transport};
use tokio::task::JoinSet;

use super::carrier::{self, Carrier};
use super::http::is_at_home;
use crate::api::ApiError;
use crate::api::types::{Level, PointedBoard, PointedBoards};
use crate::{Hub, demo};

/// Boards told at a time.
const AT_A_TIME: usize = 8;
/// Port of a board's web page, unless it is known to be another.
const HTTP_PORT: u16 = 80;

/// A board as far as it is known.
#[derive(Debug, Clone)]
struct Known {
    name: String,
    firmware: String,
    topic: String,
    user: Option<String>,
    address: Option<SocketAddr>,
}

impl Hub {
    /// Tells every board that is known, each by the way that its firmware has for it.
    pub(crate) async fn point_boards_here(self: &Arc<Self>, who: &str) -> Result<PointedBoards, ApiError> {
        let broker = self.board_address();
        if let Some(warning) = broker.warning.filter(|_| !self.options.local_only) {
            return Err(ApiError::conflict(format!("Boards could not reach this address. {warning}")));
        }
        let mut boards = Vec::new();
        let mut left = self.known_boards().into_iter().enumerate();
        let mut telling: JoinSet<(usize, PointedBoard)> = JoinSet::new();
        loop {
            while telling.len() < AT_A_TIME
                && let Some((at, board)) = left.next()
            {
                let (hub, host, port) = (self.clone(), broker.host.clone(), broker.port);
                telling.spawn(async move { (at, hub.point(board, host, port).await) });
            }
            match telling.join_next().await {
                Some(Ok(told)) => boards.push(told),
                Some(Err(why)) => return Err(ApiError::internal(why)),
                None => break,
            }
        }
        boards.sort_by_key(|(at, _)| *at);
        let boards: Vec<_> = boards.into_iter().map(|(_, board)| board).collect();
        let told = boards.iter().filter(|board| board.told).count();
        let address = format!("{}:{}", broker.host, broker.port);
        let text = format!("{who} pointed the boards at {address}: {told} of {} took it.", boards.len());
        self.activity.add(Level::Info, "pairing", None, text);
        Ok(PointedBoards { address, boards })
    }

    /// Those that were paired, and the devices that say where they are.
    fn known_boards(&self) -> Vec<Known> {
        let socket = |ip: Option<&str>, port: Option<u16>| {
            let ip: IpAddr = ip?.parse().ok()?;
            Some(SocketAddr::new(ip, port.unwrap_or(HTTP_PORT)))
        };
        let paired = self.pairings.boards.lock().clone();
        let home = self.home.read();
        let mut known: Vec<Known> = paired
            .iter()
            .map(|(user, board)| Known {
                name: board.name.clone(),
                firmware: board.firmware.clone(),
                topic: board.topic.clone(),
                user: Some(user.clone()),
                address: socket(board.address.as_deref(), board.http_port),
            })
            .collect();
        let of_others = home.devices().filter(|device| {
            let user = device.credential.as_deref();
            !device.demo
                && !user.is_some_and(|user| paired.contains_key(user) || user.starts_with(demo::USER_PREFIX))
        });
        known.extend(of_others.map(|device| Known {
            name: device.name.clone(),
            firmware: device.profile.clone(),
            // A board that was added by hand uses its user name as its topic.
            topic: device.credential.clone().unwrap_or_default(),
            user: device.credential.clone(),
            address: socket(device.ip.as_deref(), None),
        }));
        known
    }

    async fn point(self: &Arc<Self>, board: Known, host: String, port: u16) -> PointedBoard {
        let (told, text) = match self.way_to_point(&board, host, port) {
            Err(why) => (false, why),
            Ok((carrier, plan)) => {
                let steps = if plan.transport == Transport::Mqtt {
                    plan.steps.len()
                } else {
                    carrier::course(&plan).len()
                };
                let mut outcome = Outcome::Done;
                for at in 0..steps {
                    outcome = carrier::carry(self, &plan, &carrier, at).await;
                    if outcome != Outcome::Done {
                        break;
                    }
                }
                in_words(&outcome, plan.transport)
            }
        };
        PointedBoard { name: board.name, firmware: board.firmware, told, text }
    }

    /// By the broker while it is connected, where no password is needed; else to its last address.
    fn way_to_point(&self, board: &Known, host: String, port: u16) -> Result<(Carrier, Plan), String> {
        let profile = self.home.read().profile(&board.firmware).cloned();
        let profile = profile.filter(|profile| profile.moved_transports().next().is_some());
        let profile = profile.ok_or(
            "Its firmware takes no settings from Hearth. Type the new address into the board, or build it anew.",
        )?;
        let is_connected = board.user.as_deref().is_some_and(|user| {
            self.gate.clients().iter().any(|client| &*client.user == user && client.peer.is_some())
        });
        let topic = board.topic.clone();
        let handover = Handover { host, port, user: String::new(), password: String::new(), topic };
        let settings = Settings { handover, board_password: None, wifi: None };
        let plan = |profile: &Profile, transport| profile.moved_plan(transport, &settings).ok().flatten();
        if is_connected
            && !board.topic.is_empty()
            && let Some(plan) = plan(&profile, Transport::Mqtt)
        {
            return Ok((Carrier::Broker, plan));
        }
        let ways = [Transport::Http, Transport::Rpc, Transport::Terminal];
        let Some(plan) = ways.into_iter().find_map(|way| plan(&profile, way)) else {
            return Err(
                "It can be told only while it is connected. Type the new address into the board.".to_owned()
            );
        };
        let may = |ip: IpAddr| is_at_home(ip) && (!self.options.local_only || ip.is_loopback());
        let Some(mut address) = board.address.filter(|address| may(address.ip())) else {
            return Err("Its address is not known. Type the new address into the board.".to_owned());
        };
        if let (Some(port), HTTP_PORT) = (plan.port, address.port()) {
            address.set_port(port);
        }
        Ok((Carrier::Network { address, password: None }, plan))
    }
}

fn in_words(outcome: &Outcome, transport: Transport) -> (bool, String) {
    match outcome {
        Outcome::Done if transport == Transport::Mqtt => (true, "It was told by a message.".to_owned()),
        Outcome::Done => (true, "It took the new address and restarts.".to_owned()),
        Outcome::Denied => (
            false,
            "It wants its own password. Type the new address into the board, or pair it again.".to_owned(),
        ),
        Outcome::Unreachable(why) | Outcome::Lost(why) => {
            (false, format!("It did not answer: {why}. See that it has power, and try again."))
        }
        Outcome::Unexpected(what) => (false, format!("It did not take the new address: {what}.")),
    }
}
