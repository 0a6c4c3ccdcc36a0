//! The connections of the door: how many there may be, and how long one may keep its place without using it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections in all, WebSockets included.
const CONNECTIONS_MAX: usize = 256;
/// Connections of one address: a browser opens six and a WebSocket per window.
const CONNECTIONS_OF_ADDRESS_MAX: usize = 64;
/// Longest wait for the whole head of a request; a kept-alive connection is closed after it, too.
const HEAD_S_MAX: u64 = 10;
/// Longest time in which nothing of an answer or frame can be sent.
const WRITE_S_MAX: u64 = 60;
/// How long open answers may take after the hub was told to stop.
const GRACE_MS: u64 = 500;
/// Pause after the system refused to hand over a connection, such as for want of file descriptors.
const ACCEPT_PAUSE_MS: u64 = 200;
/// The same trouble is logged once in this time, s.
const LOG_EVERY_S: u64 = 60;

/// Accepts connections until `closing`.
pub(super) async fn serve(listener: TcpListener, router: Router, closing: CancellationToken) {
    let places = Arc::new(Places::default());
    let tasks = TaskTracker::new();
    let (mut full, mut failing) = (Told::default(), Told::default());
    while let Some(accepted) = closing.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => match places.take(peer.ip()) {
                Some(place) => {
                    tasks.spawn(converse(Held::new(stream, place), peer, router.clone(), closing.clone()));
                }
                None => full.tell(|count| {
                    tracing::warn!(%peer, count, "the HTTP door is full; connections were closed");
                }),
            },
            Err(why) if is_of_the_peer(&why) => {}
            Err(why) => {
                failing.tell(|count| tracing::error!(%why, count, "the HTTP door cannot accept connections"));
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
            }
        }
    }
    tasks.close();
    let _ = tokio::time::timeout(Duration::from_millis(GRACE_MS), tasks.wait()).await;
}

async fn converse(stream: Held, peer: SocketAddr, router: Router, closing: CancellationToken) {
    // Small answers must not wait for an acknowledgement of the ones before.
    let _ = stream.stream.set_nodelay(true);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        TowerToHyperService::new(router.clone()).call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_S_MAX))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    // A connection that breaks is the peer's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(Duration::from_millis(GRACE_MS), connection).await;
        }
    }
}

/// The peer went away before it was accepted.
fn is_of_the_peer(why: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(why.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A trouble that is logged once in [`LOG_EVERY_S`], with how often it came.
#[derive(Default)]
struct Told {
    last: Option<Instant>,
    count: u64,
}

impl Told {
    fn tell(&mut self, log: impl FnOnce(u64)) {
        self.count += 1;
        if self.last.is_none_or(|last| last.elapsed() >= Duration::from_secs(LOG_EVERY_S)) {
            self.last = Some(Instant::now());
            log(std::mem::take(&mut self.count));
        }
    }
}

/// The places that are taken.
#[derive(Default)]
struct Places {
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl Places {
    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock();
        let of_address = taken.get(&address).copied().unwrap_or_default();
        if of_address >= CONNECTIONS_OF_ADDRESS_MAX || taken.values().sum::<usize>() >= CONNECTIONS_MAX {
            return None;
        }
        taken.insert(address, of_address + 1);
        Some(Place { places: self.clone(), address })
    }
}

/// One of them, until it is dropped.
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        match taken.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.remove(&self.address);
            }
        }
    }
}

/// A connection with its place, which a WebSocket takes along. A peer that reads nothing is given up.
struct Held {
    stream: TcpStream,
    /// When a write that cannot go on is given up.
    stuck: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl Held {
    fn new(stream: TcpStream, place: Place) -> Self {
        Self { stream, stuck: None, _place: place }
    }

    fn progress<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck =
            self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(Duration::from_secs(WRITE_S_MAX))));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.progress(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.progress(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[test]
    fn one_address_cannot_take_every_place_and_gives_back_what_it_took() {
        let places = Arc::new(Places::default());
        let take = |last: u8, count| -> Vec<Place> {
            (0..count).filter_map(|_| places.take(IpAddr::from([10, 0, 0, last]))).collect()
        };
        let greedy = take(1, 1_000);
        assert_eq!(greedy.len(), CONNECTIONS_OF_ADDRESS_MAX);
        assert_eq!(take(2, 7).len(), 7);
        let others: Vec<Place> = (2..100).flat_map(|last| take(last, 10)).collect();
        assert_eq!(greedy.len() + others.len(), CONNECTIONS_MAX);
        drop((greedy, others));
        assert!(places.taken.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let mut held = Held::new(stream, Arc::new(Places::default()).take(peer.ip()).unwrap());
        let part = vec![0; 1 << 20];
        let error = loop {
            if let Err(why) = held.write_all(&part).await {
                break why;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_trouble_is_told_once_a_minute() {
        let mut told = Told::default();
        let mut times = 0;
        (0..1_000).for_each(|_| told.tell(|_| times += 1));
        assert_eq!(times, 1);
    }
}
