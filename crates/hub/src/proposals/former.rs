//! Boards that others took the place of, and those whose device was removed: what they say is nobody's, and is not
//! proposed.

use std::collections::HashMap;

use devices::Root;
use model::Message;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Conn, StoreError};

use crate::Hub;

/// The setting that keeps them.
const SETTING: &str = "proposals.former";
/// The setting that keeps the credentials whose devices were removed: name, and when, UTC ms.
const REMOVED: &str = "proposals.removed";
/// Roots kept; the oldest go.
const ROOTS_MAX: usize = 1_000;
/// Credentials kept; the oldest go.
const REMOVED_MAX: usize = 1_000;

/// What topics of a board began with, and until when it used them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FormerRoot {
    #[serde(flatten)]
    root: Root,
    /// UTC ms.
    until_ms: i64,
}

/// All of them, by topic.
pub(super) struct Former {
    roots: HashMap<String, Vec<FormerRoot>>,
    removed: HashMap<String, i64>,
}

impl Former {
    pub(super) fn read(hub: &Hub) -> Result<Self, StoreError> {
        let mut found: HashMap<String, Vec<FormerRoot>> = HashMap::new();
        for former in list::<FormerRoot>(hub.setting(SETTING)?) {
            found.entry(former.root.topic.clone()).or_default().push(former);
        }
        Ok(Self { roots: found, removed: list(hub.setting(REMOVED)?).into_iter().collect() })
    }

    /// Whether the device of a credential was removed that there is since then, UTC ms: it is no other one that is
    /// called the same.
    pub(super) fn is_removed(&self, user: &str, since_ms: i64) -> bool {
        self.removed.get(user).is_some_and(|removed_ms| since_ms <= *removed_ms)
    }

    /// Whether one of them said this.
    pub(super) fn said(&self, message: &Message) -> bool {
        let topic = &*message.topic;
        let mut ends = topic.match_indices('/').map(|(at, _)| &topic[..at]);
        ends.any(|root| {
            self.roots.get(root).into_iter().flatten().any(|former| {
                let user = former.root.user.as_deref();
                message.time_ms <= former.until_ms && user.is_none_or(|user| user == message.publisher.user)
            })
        })
    }
}

/// Another board has taken the place of the one whose topics began so.
pub(crate) fn keep(conn: &Conn, roots: &[Root], until_ms: i64) -> Result<(), StoreError> {
    let mut all: Vec<FormerRoot> = list(store::setting::get(conn, SETTING)?);
    all.retain(|former| !roots.contains(&former.root));
    all.extend(roots.iter().map(|root| FormerRoot { root: root.clone(), until_ms }));
    let surplus = all.len().saturating_sub(ROOTS_MAX);
    all.drain(..surplus);
    store::setting::set(conn, SETTING, &serde_json::to_value(all).unwrap_or_default())
}

/// The devices of these credentials were removed, which stay in force.
pub(crate) fn keep_removed(conn: &Conn, users: &[String], now_ms: i64) -> Result<(), StoreError> {
    let mut all: Vec<(String, i64)> = list(store::setting::get(conn, REMOVED)?);
    all.retain(|(user, _)| !users.contains(user));
    all.extend(users.iter().map(|user| (user.clone(), now_ms)));
    let surplus = all.len().saturating_sub(REMOVED_MAX);
    all.drain(..surplus);
    store::setting::set(conn, REMOVED, &serde_json::to_value(all).unwrap_or_default())
}

/// What an older or newer version wrote in another form is proposed again.
fn list<T: DeserializeOwned>(kept: Option<serde_json::Value>) -> Vec<T> {
    kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
}
