//! The bus is woken behind the subscribers of a message (decision 6); none of them can keep it from the message, nor
//! itself from being kicked.

#![allow(clippy::unwrap_used)]

mod common;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use broker::bus::Reader;
use common::{Options, Running, eventually, gate, packet};
use model::TopicFilter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const PATIENCE: Duration = Duration::from_secs(20);

async fn linked(running: &Running) -> Reader {
    let mut reader = running.gate.reader(&TopicFilter::new("a").unwrap());
    // A reader is linked by its first wait.
    assert!(tokio::time::timeout(Duration::from_millis(50), reader.next()).await.is_err());
    reader
}

async fn hears(reader: &mut Reader, payload: &str) {
    let batch = tokio::time::timeout(PATIENCE, reader.next()).await.expect("the bus is silent");
    let payloads: Vec<_> = batch.iter().map(|message| &message.payload[..]).collect();
    assert_eq!(payloads, [payload.as_bytes()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_reads_nothing_keeps_nothing_from_the_bus() {
    let running = gate().await;
    let mut reader = linked(&running).await;
    let mut stuck = running.client("stuck").await;
    stuck.subscribe("a", 0).await;
    let mut publisher = running.client("publisher").await;
    for n in 0..800 {
        let payload = format!("{n:032768}");
        publisher.publish("a", &payload, 0).await;
        hears(&mut reader, &payload).await;
    }
    assert!(running.gate.counters().shed_qos0 > 0, "its socket was full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_leaves_in_that_moment_keeps_nothing_from_the_bus() {
    let running = gate().await;
    let mut reader = linked(&running).await;
    let mut publisher = running.client("publisher").await;
    for n in 0..200 {
        let mut leaving = running.client("leaving").await;
        leaving.subscribe("a", 0).await;
        let payload = n.to_string();
        let leave = async {
            if n % 2 == 0 {
                leaving.send(&[0xe0, 0]).await;
            }
            drop(leaving);
        };
        tokio::join!(leave, publisher.publish("a", &payload, 0));
        hears(&mut reader, &payload).await;
    }
}

/// Bytes of [`Endless`]; it ends then, or a gate that reads nothing else would never come to the end of its test.
const ENDLESS_BYTES: u64 = 256 * 1_024 * 1_024;

/// The socket of a client that subscribes to `a` and then publishes what nobody may, faster than it can be read: there
/// is always more, and a packet that is dropped makes the gate wait for nothing.
struct Endless {
    begin: Vec<u8>,
    flood: Vec<u8>,
    given: Arc<AtomicU64>,
}

impl Endless {
    fn new() -> (Self, Arc<AtomicU64>) {
        let mut begin = Options::new("endless").packet();
        begin.extend(packet(0x82, b"\0\x01\0\x01a\0"));
        let given = Arc::new(AtomicU64::new(0));
        let flood = packet(0x30, b"\0\x04$SYS").repeat(8 * 1_024);
        (Self { begin, flood, given: given.clone() }, given)
    }
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.begin.is_empty() {
            let count = into.remaining().min(self.begin.len());
            into.put_slice(&self.begin.drain(..count).collect::<Vec<_>>());
            return Poll::Ready(Ok(()));
        }
        let given = self.given.load(Relaxed);
        if given < ENDLESS_BYTES {
            let at = (given % self.flood.len() as u64) as usize;
            let count = into.remaining().min(self.flood.len() - at);
            into.put_slice(&self.flood[at..at + count]);
            self.given.fetch_add(count as u64, Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_client_that_floods_lets_the_others_and_the_bus_go_on() {
    let running = gate().await;
    let mut reader = linked(&running).await;
    let mut publisher = running.client("publisher").await;
    let (endless, given) = Endless::new();
    broker::fuzzing::serve(&running.gate, endless, 9);
    eventually("the flood", || given.load(Relaxed) > 0).await;
    for n in 0..20 {
        let payload = n.to_string();
        publisher.publish("a", &payload, 0).await;
        hears(&mut reader, &payload).await;
    }
    assert!(given.load(Relaxed) < ENDLESS_BYTES, "they went on when it was over");
}

#[tokio::test]
async fn a_client_that_floods_is_kicked() {
    let running = gate().await;
    let (endless, given) = Endless::new();
    broker::fuzzing::serve(&running.gate, endless, 9);
    eventually("the flood", || given.load(Relaxed) > 0).await;
    assert!(running.gate.kick("endless", "the test wants it gone"));
    eventually("its end", || running.gate.clients().is_empty()).await;
    assert!(given.load(Relaxed) < ENDLESS_BYTES, "it went on its own");
}
