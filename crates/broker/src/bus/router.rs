//! rumqttd's router and its links.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;
use rumqttd::local::{LinkRx, LinkTx};
use rumqttd::protocol::{
    Disconnect, DisconnectReasonCode, Filter, Packet, Publish, QoS, RetainForwardRule, Subscribe,
};
use rumqttd::{Broker, Config, Notification, RouterConfig};

/// The router's log per filter: ten segments of 64 KiB. Nothing relies on it (rule 5). It counts topic and
/// payload, here some 20 bytes, of entries that take ten times that, so this is about 10 MiB of memory.
const SEGMENT_BYTES: usize = 64 * 1024;
const SEGMENTS: usize = 10;
/// Links at a time: one per reader and the publisher's.
const LINKS_MAX: usize = 1_024;
/// Messages the router hands to a link at once.
const FORWARDS_MAX: u64 = 1_000;

/// A link of the router failed: the router is dead.
#[derive(Debug, Clone, Copy)]
pub(super) struct RouterDead;

/// Rule 1.
fn on_bus(link: &LinkId) -> String {
    format!("m/{}", link.number)
}

/// A running router. Dropping it does not end its thread, which then sleeps until the process ends; that is
/// why it is replaced only when it is dead.
pub(super) struct Router {
    broker: Mutex<Broker>,
    /// Rule 2: numbers of links that are free again.
    free: Arc<Mutex<Pool>>,
}

#[derive(Debug, Default)]
struct Pool {
    free: Vec<u32>,
    next: u32,
}

/// A link id, given back when the link is gone.
struct LinkId {
    number: u32,
    pool: Arc<Mutex<Pool>>,
}

impl Drop for LinkId {
    fn drop(&mut self) {
        self.pool.lock().free.push(self.number);
    }
}

impl Router {
    pub(super) fn start() -> Self {
        let config = Config {
            router: RouterConfig {
                max_connections: LINKS_MAX,
                max_outgoing_packet_count: FORWARDS_MAX,
                max_segment_size: SEGMENT_BYTES,
                max_segment_count: SEGMENTS,
                ..RouterConfig::default()
            },
            ..Config::default()
        };
        Self { broker: Mutex::new(Broker::new(config)), free: Arc::default() }
    }

    /// Asks the router for a link; blocks until it answers.
    fn link(&self) -> Result<(LinkTx, LinkRx, LinkId), String> {
        let number = {
            let mut pool = self.free.lock();
            pool.free.pop().unwrap_or_else(|| {
                pool.next += 1;
                pool.next
            })
        };
        let id = LinkId { number, pool: self.free.clone() };
        let (tx, rx) = self.broker.lock().link(&format!("hearth-{number}")).map_err(|why| why.to_string())?;
        Ok((tx, rx, id))
    }

    /// Link ids ever made.
    #[cfg(test)]
    pub(super) fn link_ids(&self) -> u32 {
        self.free.lock().next
    }

    /// The link everything is put on the bus with.
    pub(super) fn publisher(&self) -> Result<Publisher, String> {
        let (tx, rx, id) = self.link()?;
        Ok(Publisher { tx, last: None, announced: false, _rx: rx, _id: id })
    }

    /// A link that gets what is put on its topic. Blocks until the router has answered both: call it from `spawn_blocking`.
    pub(super) fn subscriber(&self) -> Result<Subscriber, String> {
        let (mut tx, mut rx, id) = self.link()?;
        let topic = on_bus(&id);
        let subscribe = Subscribe {
            pkid: 1,
            filters: vec![Filter {
                path: topic.clone(),
                qos: QoS::AtMostOnce,
                nolocal: false,
                preserve_retain: false,
                retain_forward_rule: RetainForwardRule::Never,
            }],
        };
        send_now(&mut tx, Packet::Subscribe(subscribe, None)).map_err(|RouterDead| "the router is dead")?;
        loop {
            match rx.recv().map_err(|why| why.to_string())? {
                Some(Notification::DeviceAck(_)) => {
                    return Ok(Subscriber { tx, rx, topic: topic.into(), last: None, _id: id });
                }
                Some(Notification::Disconnect(..)) => {
                    return Err("the router refused the subscription".into());
                }
                _ => {}
            }
        }
    }
}

/// `LinkTx::send` is declared async and never waits: it finishes at the first poll.
fn send_now(tx: &mut LinkTx, packet: Packet) -> Result<(), RouterDead> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(tx.send(packet)).poll(&mut context) {
        Poll::Ready(Ok(_)) => Ok(()),
        Poll::Ready(Err(_)) | Poll::Pending => Err(RouterDead),
    }
}

/// The link everything is put on the bus with.
pub(super) struct Publisher {
    tx: LinkTx,
    /// The newest packet, kept back to wake the router with.
    last: Option<Packet>,
    /// The router was woken for what the buffer held since it was last seen empty.
    announced: bool,
    _rx: LinkRx,
    _id: LinkId,
}

impl Publisher {
    /// Messages the router has not taken yet.
    pub(super) fn pending(&self) -> usize {
        self.tx.buffer().len()
    }

    /// Puts packets (topic, payload) before the router; it sees them at the next [`Publisher::wake`] at the
    /// latest.
    pub(super) fn put(&mut self, packets: impl Iterator<Item = (Bytes, Bytes)>) {
        let packets =
            packets.map(|(topic, payload)| Packet::Publish(Publish::new(topic, payload, false), None));
        let mut buffer = self.tx.buffer();
        if buffer.is_empty() {
            self.announced = false;
        }
        for packet in packets {
            buffer.extend(self.last.replace(packet));
        }
    }

    /// Wakes the router for what was put. A link can only do that with a packet, so the last one waits for it.
    pub(super) fn wake(&mut self) -> Result<(), RouterDead> {
        let Some(last) = self.last.take() else { return Ok(()) };
        {
            let mut buffer = self.tx.buffer();
            // The router takes all of the buffer at once, so a buffer that was announced and still has
            // something in it is going to be taken.
            if self.announced && !buffer.is_empty() {
                buffer.push_back(last);
                return Ok(());
            }
        }
        self.announced = true;
        send_now(&mut self.tx, last)
    }

    /// The crash injector of rule 8: a shadow request on a link that is gone panics the router.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn crash(&mut self) {
        let _ = send_now(&mut self.tx, goodbye());
        let _ = self.tx.shadow("m/x");
    }
}

fn goodbye() -> Packet {
    Packet::Disconnect(Disconnect { reason_code: DisconnectReasonCode::NormalDisconnection }, None)
}

/// What a link brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// A message by its id; `missed` before it were lost on the way (rule 6).
    Message { id: u64, missed: u64 },
    /// The link must be woken before it brings more.
    Paused,
    /// Nothing of interest.
    Other,
}

/// A link with one subscription.
pub(super) struct Subscriber {
    tx: LinkTx,
    rx: LinkRx,
    topic: Bytes,
    /// Offset of the last message.
    last: Option<u64>,
    _id: LinkId,
}

impl Subscriber {
    /// What to put messages for it on.
    pub(super) fn topic(&self) -> &Bytes {
        &self.topic
    }

    /// The next arrival. Cancelling it loses nothing.
    pub(super) async fn next(&mut self) -> Result<Arrival, RouterDead> {
        let notification = self.rx.next().await.map_err(|_| RouterDead)?;
        self.arrived(notification)
    }

    /// The next arrival that is here already.
    pub(super) fn next_now(&mut self) -> Result<Option<Arrival>, RouterDead> {
        let polled = {
            let mut context = Context::from_waker(Waker::noop());
            pin!(self.rx.next()).poll(&mut context)
        };
        match polled {
            Poll::Ready(Ok(notification)) => self.arrived(notification).map(Some),
            Poll::Ready(Err(_)) => Err(RouterDead),
            Poll::Pending => Ok(None),
        }
    }

    /// After [`Arrival::Paused`].
    pub(super) async fn resume(&self) -> Result<(), RouterDead> {
        self.rx.wake().await.map_err(|_| RouterDead)
    }

    fn arrived(&mut self, notification: Option<Notification>) -> Result<Arrival, RouterDead> {
        match notification {
            Some(Notification::Forward(forward)) => {
                let offset = forward.cursor.map(|(_, offset)| offset);
                let missed = match (self.last, offset) {
                    (Some(last), Some(offset)) => offset.saturating_sub(last + 1),
                    _ => 0,
                };
                self.last = offset.or(self.last);
                let id = forward.publish.payload.as_ref().try_into().map(u64::from_be_bytes);
                Ok(id.map_or(Arrival::Other, |id| Arrival::Message { id, missed }))
            }
            Some(Notification::Unschedule) => Ok(Arrival::Paused),
            // The router removes a link only when something is broken.
            Some(Notification::Disconnect(..)) => Err(RouterDead),
            _ => Ok(Arrival::Other),
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = send_now(&mut self.tx, goodbye());
    }
}
