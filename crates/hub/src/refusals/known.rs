//! The refusals there are: the same ones counted together, the oldest of whoever has many making room.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::api::types::RefusalKind;

/// Entries of one kind; the one that did not happen for the longest time goes.
pub(super) const ENTRIES_OF_KIND_MAX: usize = 300;
/// Entries of one client, or of one address that did not log in: whoever tries ever new things pushes out their
/// own.
pub(super) const ENTRIES_OF_ONE_MAX: usize = 40;

/// One refusal as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) kind: RefusalKind,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) count: u64,
    pub(super) client_id: Option<String>,
    pub(super) user: Option<String>,
    pub(super) address: Option<String>,
    pub(super) topic: Option<String>,
    /// What the gate said; empty where the rules say it.
    #[serde(default)]
    pub(super) why: String,
    #[serde(default)]
    pub(super) advice: String,
}

/// What makes two refusals the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Same {
    kind: RefusalKind,
    client_id: Option<String>,
    user: Option<String>,
    /// Only without a client id: behind one, an address that changes is no news.
    address: Option<String>,
    topic: Option<String>,
    why: String,
}

impl Entry {
    pub(super) fn same(&self) -> Same {
        Same {
            kind: self.kind,
            client_id: self.client_id.clone(),
            user: self.user.clone(),
            address: if self.client_id.is_none() { self.address.clone() } else { None },
            topic: self.topic.clone(),
            // The seconds until the next try are no other reason, and two that fight may move.
            why: match self.kind {
                RefusalKind::Duplicate => String::new(),
                _ => self.why.chars().filter(|c| !c.is_ascii_digit()).collect(),
            },
        }
    }

    /// Whose share of the room it takes: behind a login the client's, in front of it the address's.
    fn whose(&self) -> Option<&str> {
        match self.kind {
            RefusalKind::Login | RefusalKind::Protocol => self.address.as_deref(),
            _ => self.client_id.as_deref(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) next_id: u64,
    pub(super) entries: BTreeMap<u64, Entry>,
    pub(super) by_same: HashMap<Same, u64>,
    pub(super) changed: HashSet<u64>,
    pub(super) removed: HashSet<u64>,
    pub(super) kept_ms: i64,
}

impl Known {
    pub(super) fn add(&mut self, entry: Entry) {
        let same = entry.same();
        if let Some(id) = self.by_same.get(&same)
            && let Some(known) = self.entries.get_mut(id)
        {
            known.count += entry.count;
            known.last_ms = known.last_ms.max(entry.last_ms);
            known.address = entry.address.or(known.address.take());
            known.why = entry.why;
            self.changed.insert(*id);
            return;
        }
        self.make_room(&entry);
        let id = self.next_id;
        self.next_id += 1;
        self.by_same.insert(same, id);
        self.entries.insert(id, entry);
        self.changed.insert(id);
    }

    fn make_room(&mut self, entry: &Entry) {
        let oldest = |entries: &BTreeMap<u64, Entry>, max: usize, of: &dyn Fn(&Entry) -> bool| {
            let mine = || entries.iter().filter(|(_, known)| known.kind == entry.kind && of(known));
            (mine().count() >= max)
                .then(|| mine().min_by_key(|(_, known)| known.last_ms).map(|(id, _)| *id))?
        };
        let goes = oldest(&self.entries, ENTRIES_OF_ONE_MAX, &|known| known.whose() == entry.whose())
            .or_else(|| oldest(&self.entries, ENTRIES_OF_KIND_MAX, &|_| true));
        if let Some(id) = goes
            && let Some(gone) = self.entries.remove(&id)
        {
            self.by_same.remove(&gone.same());
            self.changed.remove(&id);
            self.removed.insert(id);
        }
    }
}
