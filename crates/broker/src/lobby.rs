//! Connections that have not logged in, by address: whoever opens sockets and says nothing loses the oldest of
//! them, so that a client with a login gets in from the same address.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Connections that have not logged in.
#[derive(Debug, Default)]
pub(crate) struct Lobby {
    waiting: Mutex<HashMap<IpAddr, VecDeque<Arc<Notify>>>>,
}

/// A connection in the lobby, which it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    lobby: &'a Lobby,
    address: IpAddr,
    pushed_out: Arc<Notify>,
}

impl Lobby {
    /// Lets a connection in. Above `max` of its address the one that waits longest is pushed out.
    pub(crate) fn enter(&self, address: IpAddr, max: usize) -> Place<'_> {
        let pushed_out = Arc::new(Notify::new());
        let mut waiting = self.waiting.lock();
        let same = waiting.entry(address).or_default();
        while same.len() >= max.max(1) {
            let Some(oldest) = same.pop_front() else { break };
            oldest.notify_one();
        }
        same.push_back(pushed_out.clone());
        Place { lobby: self, address, pushed_out }
    }
}

#[cfg(feature = "fuzzing")]
impl Lobby {
    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.lock().values().map(VecDeque::len).sum()
    }
}

impl Place<'_> {
    /// Resolves when a newer connection has taken the place.
    pub(crate) async fn pushed_out(&self) {
        self.pushed_out.notified().await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.lobby.waiting.lock();
        let Some(same) = waiting.get_mut(&self.address) else { return };
        same.retain(|other| !Arc::ptr_eq(other, &self.pushed_out));
        if same.is_empty() {
            waiting.remove(&self.address);
        }
    }
}
