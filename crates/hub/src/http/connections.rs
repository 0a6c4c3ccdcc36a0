//! The connections of the door, and how long one may take for what it does. Who may have one is of [`places`].
//!
//! [`places`]: super::places

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::places::{InUse, Place, Places};

/// Longest wait for the whole head of a request, however it trickles in: counted from the connection or from the
/// answer before it. So a kept-alive connection is closed after it, too.
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
    let (mut full, mut refused, mut failing) = (Told::default(), Told::default(), Told::default());
    while let Some(accepted) = closing.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => match places.take(peer.ip()) {
                Some(place) => {
                    if let Some(address) = place.made_room() {
                        full.tell(|count| {
                            tracing::warn!(%address, count, "the HTTP door is full; the oldest connections made room");
                        });
                    }
                    tasks.spawn(converse(Held::new(stream, place), peer, router.clone(), closing.clone()));
                }
                None => refused.tell(|count| {
                    tracing::warn!(%peer, count, "the HTTP door is full of connections in use; others were closed");
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
    let (seat, given_up) = (stream.place.seat(), stream.place.given_up());
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let in_use = seat.in_use();
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(seat.clone());
        let answer = TowerToHyperService::new(router.clone()).call(request);
        async move {
            let answer = answer.await?;
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                in_use.for_good();
                return Ok(answer);
            }
            Ok::<_, std::convert::Infallible>(answer.map(|body| Body::new(Sending { body, _in_use: in_use })))
        }
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
        () = given_up.cancelled() => {}
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

/// The body of an answer: its connection is in use until all of it was taken.
struct Sending {
    body: Body,
    _in_use: InUse,
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection with its place, which a WebSocket takes along. A peer that reads nothing is given up.
struct Held {
    stream: TcpStream,
    /// When a write that cannot go on is given up.
    stuck: Option<Pin<Box<Sleep>>>,
    place: Place,
}

impl Held {
    fn new(stream: TcpStream, place: Place) -> Self {
        Self { stream, stuck: None, place }
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
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::http::places::CONNECTIONS_OF_ADDRESS_MAX;

    /// The client's end of a conversation with a door that answers nothing but 404.
    async fn visit(places: &Arc<Places>) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let visitor = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let held = Held::new(stream, places.take(peer.ip()).unwrap());
        tokio::spawn(converse(held, peer, Router::new(), CancellationToken::new()));
        visitor
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_gets_no_more_time_than_one_that_does_not() {
        const EVERY_S: u64 = 2;
        let mut visitor = visit(&Arc::default()).await;
        let began = Instant::now();
        let mut said = Vec::new();
        let closed = async {
            loop {
                visitor.write_all(b"G").await?;
                let wait = Duration::from_secs(EVERY_S);
                if let Ok(ended) = tokio::time::timeout(wait, visitor.read_to_end(&mut said)).await {
                    return ended;
                }
            }
        };
        // A reset and an end are the same to whoever wanted to hold the place.
        let _ =
            tokio::time::timeout(Duration::from_secs(10 * HEAD_S_MAX), closed).await.expect("it is closed");
        let took_s = began.elapsed().as_secs();
        assert!((HEAD_S_MAX..=HEAD_S_MAX + 2 * EVERY_S).contains(&took_s), "{took_s} s");
    }

    #[tokio::test]
    async fn a_connection_that_gave_its_place_up_is_closed_and_the_newcomer_is_answered() {
        let places = Arc::new(Places::default());
        let mut oldest = visit(&places).await;
        oldest.write_all(b"GET / HT").await.unwrap();
        let mut others = Vec::new();
        for _ in 0..CONNECTIONS_OF_ADDRESS_MAX {
            others.push(visit(&places).await);
        }
        let mut rest = Vec::new();
        let _ = oldest.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "{rest:?}");
        let newcomer = others.last_mut().unwrap();
        newcomer.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
        newcomer.read_to_end(&mut rest).await.unwrap();
        assert!(rest.starts_with(b"HTTP/1.1 404"), "{}", String::from_utf8_lossy(&rest));
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
