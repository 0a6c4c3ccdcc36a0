//! Boards that others took the place of: what they said before is nobody's, and is not proposed.

use std::collections::HashMap;

use devices::Root;
use model::Message;
use serde::{Deserialize, Serialize};
use store::{Conn, StoreError};

use crate::Hub;

/// The setting that keeps them.
const SETTING: &str = "proposals.former";
/// Roots kept; the oldest go.
const ROOTS_MAX: usize = 1_000;

/// What topics of a board began with, and until when it used them.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct FormerRoot {
    #[serde(flatten)]
    root: Root,
    /// UTC ms.
    until_ms: i64,
}

/// All of them, by topic.
pub(super) struct Former(HashMap<String, Vec<FormerRoot>>);

impl Former {
    pub(super) fn read(hub: &Hub) -> Result<Self, StoreError> {
        let mut found: HashMap<String, Vec<FormerRoot>> = HashMap::new();
        for former in of(hub.setting(SETTING)?) {
            found.entry(former.root.topic.clone()).or_default().push(former);
        }
        Ok(Self(found))
    }

    /// Whether one of them said this.
    pub(super) fn said(&self, message: &Message) -> bool {
        let topic = &*message.topic;
        let mut ends = topic.match_indices('/').map(|(at, _)| &topic[..at]);
        ends.any(|root| {
            self.0.get(root).into_iter().flatten().any(|former| {
                let user = former.root.user.as_deref();
                message.time_ms <= former.until_ms && user.is_none_or(|user| user == message.publisher.user)
            })
        })
    }
}

/// Another board has taken the place of the one whose topics began so.
pub(crate) fn keep(conn: &Conn, roots: &[Root], until_ms: i64) -> Result<(), StoreError> {
    let mut all = of(store::setting::get(conn, SETTING)?);
    all.retain(|former| !roots.contains(&former.root));
    all.extend(roots.iter().map(|root| FormerRoot { root: root.clone(), until_ms }));
    let surplus = all.len().saturating_sub(ROOTS_MAX);
    all.drain(..surplus);
    store::setting::set(conn, SETTING, &serde_json::to_value(all).unwrap_or_default())
}

/// What an older or newer version wrote in another form is proposed again.
fn of(kept: Option<serde_json::Value>) -> Vec<FormerRoot> {
    kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default()
}
