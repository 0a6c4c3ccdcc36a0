//! What a learning client was seen doing on this connection.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::watch::Action;

/// Things remembered per connection; what comes after them is not told. `hub` remembers fewer per credential, so
/// it knows then that it has not seen all.
const REMEMBERED_MAX: usize = 4_096;

/// Hashes of what was told.
#[derive(Debug, Default)]
pub(crate) struct Learned(HashSet<u64>);

impl Learned {
    /// Whether this was not seen before, and is remembered now.
    pub(crate) fn is_new(&mut self, topic: &str, action: Action) -> bool {
        let mut hasher = DefaultHasher::new();
        (topic, action).hash(&mut hasher);
        let hash = hasher.finish();
        !self.0.contains(&hash) && self.0.len() < REMEMBERED_MAX && self.0.insert(hash)
    }

    /// Begins anew.
    pub(crate) fn clear(&mut self) {
        self.0 = HashSet::new();
    }
}
