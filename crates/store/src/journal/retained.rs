//! Follows the journal and keeps `hub.db`'s retained messages up to date with it. The journal itself is the
//! queue: what hub.db cannot take now is read again later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::message;
use crate::error::Result;
use crate::hub_db::RetainedSink;
use crate::readers::Readers;

/// Messages applied in one transaction; they are held in memory, each with up to 1 MiB of payload.
const GROUP: usize = 64;
/// Pause after hub.db could not be written.
const RETRY: Duration = Duration::from_secs(1);

/// What the follower and the journal's writer share.
pub(super) struct Follower {
    newest: Mutex<Newest>,
    moved: Condvar,
    applied: AtomicU64,
}

#[derive(Default)]
struct Newest {
    id: u64,
    closing: bool,
}

impl Follower {
    pub(super) fn new(applied: u64) -> Arc<Self> {
        Arc::new(Self {
            newest: Mutex::new(Newest { id: applied, closing: false }),
            moved: Condvar::new(),
            applied: AtomicU64::new(applied),
        })
    }

    /// The journal has committed a retained message with this id.
    pub(super) fn written(&self, id: u64) {
        let mut newest = self.newest.lock();
        newest.id = newest.id.max(id);
        drop(newest);
        self.moved.notify_one();
    }

    /// `Some(id)` when retained messages above that id are still to be applied.
    pub(super) fn unread(&self) -> Option<u64> {
        let newest = self.newest.lock().id;
        let applied = self.applied.load(Ordering::Acquire);
        (applied < newest).then_some(applied)
    }

    pub(super) fn close(&self) {
        self.newest.lock().closing = true;
        self.moved.notify_one();
    }

    /// Applies everything there is; then, until closed, what comes.
    pub(super) fn run(&self, readers: &Readers, sink: &RetainedSink) {
        loop {
            {
                let mut newest = self.newest.lock();
                while newest.id <= self.applied.load(Ordering::Acquire) && !newest.closing {
                    self.moved.wait(&mut newest);
                }
                if newest.id <= self.applied.load(Ordering::Acquire) {
                    return;
                }
            }
            let applied = self.applied.load(Ordering::Acquire);
            match catch_up(readers, sink, applied) {
                Ok(applied) => self.applied.store(applied, Ordering::Release),
                Err(why) => {
                    tracing::error!("Retained messages wait in the journal: {why}");
                    let mut newest = self.newest.lock();
                    if newest.closing {
                        return;
                    }
                    self.moved.wait_for(&mut newest, RETRY);
                }
            }
        }
    }
}

/// Applies the retained messages above `cursor`; returns the new cursor. Blocks until it is durable.
pub(super) fn catch_up(readers: &Readers, sink: &RetainedSink, mut cursor: u64) -> Result<u64> {
    loop {
        let messages = readers.read(|conn| message::read_retained(conn, cursor, GROUP))?;
        let Some(last) = messages.last().map(|message| message.id) else { return Ok(cursor) };
        sink.apply(messages, last).wait()?;
        cursor = last;
    }
}
