//! The bus inside the process: rumqttd's router, and nothing of it outside this module.
//!
//! Every accepted message goes on the bus in id order; Hearth's own parts read it through a [`Reader`] each. The
//! router carries the journal id to each reader that wants the message; the message itself waits in a bounded
//! ring beside it, so nothing is copied and nothing is lost on the way through foreign types.
//!
//! rumqttd's router is a good bus under these rules, each of which avoids a way to stop it for good (routing.rs
//! of 0.20):
//! 1. no topic of a client gets there: the router remembers each topic it ever saw, twice and for good. Each link
//!    has a topic of its own, made of its id, and is put what its reader's filter matches;
//! 2. link ids are our own and come from a recycled pool;
//! 3. only QoS 0, clean links, no wills, no retain, no aliases, no `$share`, only valid filters; never `wake()`
//!    after Disconnect, never `shadow()`;
//! 4. one subscription per link;
//! 5. links are always drained, and nothing relies on the router's log, which is small;
//! 6. a gap in `Forward.cursor` is a message the link missed: the reader continues from the journal by id;
//! 7. what the router has not taken yet is bounded; what does not fit is skipped, and every reader told;
//! 8. the router is disposable: on any error of a link there is a new one, and the readers catch up from the
//!    journal.

mod courtesy;
mod reader;
mod ring;
mod router;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use model::{Message, TopicFilter};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::tally::{Tally, add};
use crate::watch::{GateEvent, Watch};

use courtesy::Courtesy;
pub use reader::Reader;
use ring::Ring;
use router::{Publisher, Router};

/// Messages the router may have before it; with more the bus skips and the readers go to the journal.
const PENDING_MAX: usize = 16_384;
/// Messages that are pushed and not routed yet; with more they are routed at once.
const PUSHED_MAX: usize = 1_024;

/// What tells readers that they may have missed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch {
    /// Moves when the router is replaced: links are gone.
    router: u64,
    /// Moves when messages were skipped.
    skips: u64,
}

/// The bus.
pub(crate) struct Bus {
    ledger: Arc<dyn Ledger>,
    watch: Arc<dyn Watch>,
    tally: Arc<Tally>,
    state: Mutex<State>,
    /// Highest id that was put on the bus, wanted by a reader or not.
    position: AtomicU64,
    /// Something was pushed that the router has not been woken for.
    owed: AtomicBool,
    courtesy: Courtesy,
    epoch: watch::Sender<Epoch>,
}

struct State {
    router: Option<Arc<Router>>,
    publisher: Option<Publisher>,
    /// What nobody has looked at yet, in the order of ids.
    pushed: Vec<Arc<Message>>,
    ring: Ring,
    readers: Vec<Wanting>,
    next_reader: u64,
    /// The topic looked at last: whether a reader wants it, and the links of those who do.
    last: Option<(Arc<str>, bool, Vec<Bytes>)>,
}

/// A reader, as the bus sees it.
struct Wanting {
    number: u64,
    filter: TopicFilter,
    /// Its link's topic, while it has a link. Without one it reads the journal.
    link: Option<Bytes>,
}

impl Bus {
    pub(crate) fn start(
        limits: &Limits,
        ledger: Arc<dyn Ledger>,
        watch: Arc<dyn Watch>,
        tally: Arc<Tally>,
    ) -> Result<Self, String> {
        let router = Arc::new(Router::start());
        let publisher = router.publisher()?;
        Ok(Self::over(Some((router, publisher)), limits, ledger, watch, tally))
    }

    /// A bus nobody reads. It has no router, whose thread would outlive the gate.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn unread(
        limits: &Limits,
        ledger: Arc<dyn Ledger>,
        watch: Arc<dyn Watch>,
        tally: Arc<Tally>,
    ) -> Self {
        Self::over(None, limits, ledger, watch, tally)
    }

    fn over(
        router: Option<(Arc<Router>, Publisher)>,
        limits: &Limits,
        ledger: Arc<dyn Ledger>,
        watch: Arc<dyn Watch>,
        tally: Arc<Tally>,
    ) -> Self {
        let position = ledger.durable();
        let (router, publisher) = router.unzip();
        Self {
            ledger,
            watch,
            tally,
            state: Mutex::new(State {
                router,
                publisher,
                pushed: Vec::new(),
                ring: Ring::new(limits.bus_ring_messages, limits.bus_ring_bytes),
                readers: Vec::new(),
                next_reader: 0,
                last: None,
            }),
            position: AtomicU64::new(position),
            owed: AtomicBool::new(false),
            courtesy: Courtesy::new(),
            epoch: watch::Sender::new(Epoch { router: 0, skips: 0 }),
        }
    }

    /// Puts a batch on the bus. Called inside the ingress section, so the order here is the order of ids;
    /// [`Bus::wake`] must follow. It does next to nothing: the subscribers are waiting.
    pub(crate) fn push(&self, messages: &[Arc<Message>]) {
        let Some(last) = messages.last() else { return };
        let mut state = self.state.lock();
        self.position.store(last.id, Ordering::Release);
        if state.readers.is_empty() {
            return;
        }
        self.owed.store(true, Ordering::SeqCst);
        state.pushed.extend_from_slice(messages);
        if state.pushed.len() > PUSHED_MAX {
            self.route(&mut state);
        }
    }

    /// Before [`Bus::wake`], where a client was just written to: it runs first. Blocks for no longer than others on
    /// this CPU want it, once, and where they want it for long not again for a while.
    pub(crate) fn give_way(&self) {
        if self.owed.load(Ordering::SeqCst) {
            self.courtesy.give_way();
        }
    }

    /// Routes what was pushed and wakes the router for it. Apart from [`Bus::push`], so that the clients' messages,
    /// for which somebody waits more dearly, are on their way before the router's thread and the readers want the CPU.
    pub(crate) fn wake(&self) {
        if !self.owed.load(Ordering::SeqCst) || !self.owed.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut state = self.state.lock();
        self.route(&mut state);
        let dead = state.publisher.as_mut().is_some_and(|publisher| publisher.wake().is_err());
        if dead {
            self.replace_router(&mut state);
        }
    }

    /// Puts what was pushed before the router, for the readers who want it.
    fn route(&self, state: &mut State) {
        let mut ids = Vec::new();
        let mut names = Vec::new();
        let mut pushed = std::mem::take(&mut state.pushed);
        for message in pushed.drain(..) {
            let (wanted, links) = state.wanted(&message.topic);
            for link in links {
                names.push(link.clone());
                ids.extend_from_slice(&message.id.to_be_bytes());
            }
            if wanted {
                state.ring.push(message);
            }
        }
        state.pushed = pushed;
        if names.is_empty() {
            return;
        }
        let Some(publisher) = &mut state.publisher else {
            self.skipped();
            return;
        };
        if publisher.pending() + names.len() > PENDING_MAX {
            self.skipped();
            return;
        }
        let ids = Bytes::from(ids);
        let packets = names.into_iter().enumerate().map(|(at, name)| (name, ids.slice(at * 8..at * 8 + 8)));
        publisher.put(packets);
    }

    fn skipped(&self) {
        self.epoch.send_modify(|epoch| epoch.skips += 1);
    }

    /// Rule 8. When not even a new router can be had, the readers live on the journal and the next error tries
    /// again.
    fn replace_router(&self, state: &mut State) {
        let router = Arc::new(Router::start());
        state.readers.iter_mut().for_each(|reader| reader.link = None);
        state.last = None;
        state.publisher = router.publisher().ok();
        state.router = Some(router);
        add(&self.tally.bus_rebuilds, 1);
        self.epoch.send_modify(|epoch| epoch.router += 1);
        let count = self.tally.bus_rebuilds.load(Ordering::Relaxed);
        tracing::error!(count, "the bus inside was rebuilt after its router had failed");
        self.watch.seen(GateEvent::BusRebuilt { count });
    }

    /// Kills the router.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn crash(&self) {
        if let Some(publisher) = &mut self.state.lock().publisher {
            publisher.crash();
        }
    }

    /// A reader found the router of this epoch dead.
    fn router_failed(&self, seen: u64) {
        let mut state = self.state.lock();
        if self.epoch.borrow().router == seen {
            self.replace_router(&mut state);
        }
    }

    /// A reader that has everything up to `after`, or up to the present for `None`.
    pub(crate) fn reader(self: &Arc<Self>, filter: &TopicFilter, after: Option<u64>) -> Reader {
        let mut state = self.state.lock();
        self.route(&mut state);
        let number = state.next_reader;
        state.next_reader += 1;
        state.readers.push(Wanting { number, filter: filter.clone(), link: None });
        state.last = None;
        let position = after.unwrap_or_else(|| self.position.load(Ordering::Acquire));
        Reader::new(self.clone(), number, filter.clone(), position)
    }

    fn forget_reader(&self, number: u64) {
        let mut state = self.state.lock();
        state.readers.retain(|reader| reader.number != number);
        state.last = None;
        if state.readers.is_empty() {
            state.pushed = Vec::new();
            state.ring.clear();
        }
    }

    /// A reader has a link of the router of this epoch: what is pushed from here on comes over it. Returns the
    /// highest id pushed before.
    fn linked(&self, number: u64, topic: &Bytes, seen: u64) -> u64 {
        let mut state = self.state.lock();
        self.route(&mut state);
        if self.epoch.borrow().router == seen
            && let Some(reader) = state.readers.iter_mut().find(|reader| reader.number == number)
        {
            reader.link = Some(topic.clone());
            state.last = None;
        }
        self.position.load(Ordering::Acquire)
    }

    /// The messages with these ids, as far as the ring still has them.
    fn fetch(&self, ids: &[u64], into: &mut Vec<Option<Arc<Message>>>) {
        let state = self.state.lock();
        into.extend(ids.iter().map(|id| state.ring.get(*id)));
    }
}

impl State {
    /// Whether a reader wants the topic, and the topics of the links of those who do.
    fn wanted(&mut self, topic: &Arc<str>) -> (bool, &[Bytes]) {
        let known = matches!(&self.last, Some((last, ..)) if Arc::ptr_eq(last, topic) || last == topic);
        if !known {
            let mut links = self.last.take().map_or_else(Vec::new, |(.., links)| links);
            links.clear();
            let wanting = self.readers.iter().filter(|reader| reader.filter.matches(topic));
            let mut wanted = false;
            for reader in wanting {
                wanted = true;
                links.extend(reader.link.clone());
            }
            self.last = Some((topic.clone(), wanted, links));
        }
        self.last.as_ref().map_or((false, &[]), |(_, wanted, links)| (*wanted, links))
    }
}

#[cfg(test)]
mod tests;
