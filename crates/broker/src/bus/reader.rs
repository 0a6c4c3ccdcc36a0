//! One of Hearth's own parts on the bus: a link, a filter and a cursor.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{Message, TopicFilter};
use tokio::sync::watch;

use super::router::{Arrival, RouterDead, Subscriber};
use super::{Bus, Epoch};
use crate::tally::add;

/// Most messages handed out at once.
const BATCH_MAX: usize = 1_024;
/// Journal rows read at once while catching up.
const CATCH_UP_ROWS: usize = 2_000;
/// Between two looks whether the journal has become durable far enough.
const DURABLE_POLL: Duration = Duration::from_millis(2);
/// Before the journal or the router is tried again after an error.
const RETRY: Duration = Duration::from_millis(200);

/// Reads the bus in id order, nothing left out: what the bus lost is read from the journal, and counted.
pub struct Reader {
    pub(super) bus: Arc<Bus>,
    number: u64,
    filter: TopicFilter,
    link: Option<Subscriber>,
    epoch: watch::Receiver<Epoch>,
    /// The epoch `link` belongs to.
    seen: Epoch,
    /// Everything up to this id was handed out, or is not wanted.
    position: u64,
    /// Everything up to this id is read from the journal before the link is looked at again.
    catch_up_to: u64,
    /// The link waits to be told to go on.
    paused: bool,
    fetched: Vec<Option<Arc<Message>>>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader({}, after {})", self.filter, self.position)
    }
}

impl Reader {
    pub(super) fn new(bus: Arc<Bus>, number: u64, filter: TopicFilter, position: u64) -> Self {
        let epoch = bus.epoch.subscribe();
        let seen = *epoch.borrow();
        Self {
            bus,
            number,
            filter,
            link: None,
            epoch,
            seen,
            position,
            catch_up_to: position,
            paused: false,
            fetched: Vec::new(),
        }
    }

    /// Journal id up to which everything was handed out.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next messages, in id order; never empty. Waits until there are some. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Vec<Arc<Message>> {
        loop {
            self.follow_epoch();
            if self.link.is_none() {
                self.connect().await;
                continue;
            }
            if self.position < self.catch_up_to {
                let found = self.catch_up().await;
                if !found.is_empty() {
                    return found;
                }
                continue;
            }
            match self.live().await {
                Ok(found) if !found.is_empty() => return found,
                Ok(_) => {}
                Err(RouterDead) => {
                    self.link = None;
                    self.bus.router_failed(self.seen.router);
                }
            }
        }
    }

    /// A new router needs a new link; skipped messages are in the journal.
    fn follow_epoch(&mut self) {
        let now = *self.epoch.borrow_and_update();
        if now == self.seen {
            return;
        }
        if now.router != self.seen.router {
            self.link = None;
        }
        self.seen = now;
        self.catch_up_to = self.bus.position.load(Ordering::Acquire);
    }

    /// Everything put on the bus before the link was made known to it is read from the journal, and everything
    /// after it comes over the link: nothing falls between.
    async fn connect(&mut self) {
        let router = self.bus.state.lock().router.clone();
        let seen = *self.epoch.borrow_and_update();
        let linked = match router {
            Some(router) => tokio::task::spawn_blocking(move || router.subscriber())
                .await
                .unwrap_or_else(|why| Err(why.to_string())),
            None => Err("there is no router".to_owned()),
        };
        self.seen = seen;
        match linked {
            Ok(link) => {
                self.catch_up_to = self.bus.linked(self.number, link.topic(), seen.router);
                self.link = Some(link);
                self.paused = false;
            }
            Err(why) => {
                tracing::warn!(why, "a reader of the bus could not be linked; a new router is made");
                self.bus.router_failed(seen.router);
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    /// One page of the journal.
    async fn catch_up(&mut self) -> Vec<Arc<Message>> {
        let (from, to) = (self.position + 1, self.catch_up_to);
        // A page may be handed out as soon as it is durable; the end of the range may take longer.
        while self.bus.ledger.durable() < from {
            tokio::time::sleep(DURABLE_POLL).await;
        }
        let ledger = self.bus.ledger.clone();
        let durable = ledger.durable();
        let read = tokio::task::spawn_blocking(move || ledger.read(from, CATCH_UP_ROWS)).await;
        let rows = match read {
            Ok(Ok(rows)) => rows,
            Ok(Err(why)) => {
                tracing::warn!(%why, "a reader of the bus cannot read the journal; it tries again");
                tokio::time::sleep(RETRY).await;
                return Vec::new();
            }
            Err(why) => {
                tracing::warn!(%why, "reading the journal for a reader of the bus failed; it tries again");
                tokio::time::sleep(RETRY).await;
                return Vec::new();
            }
        };
        let full = rows.len() == CATCH_UP_ROWS;
        let last = rows.last().map_or(0, |row| row.id);
        let found: Vec<Arc<Message>> = rows
            .into_iter()
            .filter(|row| row.id <= to && self.filter.matches(&row.topic))
            .map(Arc::new)
            .collect();
        // A page that is not full was read to the end of what is durable.
        let reached = if full { last } else { last.max(durable) };
        self.position = reached.min(to).max(self.position);
        add(&self.bus.tally.bus_gaps, found.len() as u64);
        found
    }

    /// What the link brings: everything that is here, after waiting for the first.
    async fn live(&mut self) -> Result<Vec<Arc<Message>>, RouterDead> {
        let Some(link) = &mut self.link else { return Err(RouterDead) };
        // Not where the pause is met: there a cancelled call would lose what it has taken from the link.
        if self.paused {
            link.resume().await?;
            self.paused = false;
        }
        let mut ids = Vec::new();
        let mut gap_before = None;
        let mut arrival = tokio::select! {
            biased;
            arrival = link.next() => Some(arrival?),
            _ = self.epoch.changed() => return Ok(Vec::new()),
        };
        while let Some(arrived) = arrival {
            match arrived {
                Arrival::Message { id, missed } if missed > 0 => {
                    // The missed ones and this one come from the journal; the link goes on behind it.
                    gap_before = Some(id);
                    break;
                }
                Arrival::Message { id, .. } if id > self.position => ids.push(id),
                Arrival::Message { .. } | Arrival::Other => {}
                Arrival::Paused => self.paused = true,
            }
            arrival = if ids.len() < BATCH_MAX { link.next_now()? } else { None };
        }
        self.fetched.clear();
        self.bus.fetch(&ids, &mut self.fetched);
        let end = gap_before.or(ids.last().copied()).unwrap_or(self.position);
        let mut found = Vec::with_capacity(ids.len());
        for (id, message) in ids.into_iter().zip(self.fetched.drain(..)) {
            let Some(message) = message else {
                // Older than the ring reaches: this and the rest of the batch come from the journal.
                self.catch_up_to = end;
                return Ok(found);
            };
            self.position = id;
            if self.filter.matches(&message.topic) {
                found.push(message);
            }
        }
        if gap_before.is_some() {
            self.catch_up_to = end;
        }
        Ok(found)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.bus.forget_reader(self.number);
    }
}
