//! What comes before MQTT: TLS, and the request a WebSocket begins with. Each runs in the connection's own task, in
//! the lobby and under the deadline of the login, so whoever dawdles is in nobody's way.

use std::borrow::Cow;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::core::Core;
use crate::tally::add;
use crate::telling::Refusing;
use crate::tls::{self, Failed};
use crate::transport::Peer;
use crate::watch::RefusedAt;
use crate::websocket::{Upgrade, WebSocket, upgrade};

/// A stream of MQTT.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// First byte of a TLS record that opens a connection (RFC 8446, section 5.1: handshake).
pub(crate) const TLS_HANDSHAKE: u8 = 0x16;
/// First byte of a CONNECT packet.
const MQTT_CONNECT: u8 = 0x10;

const NO_CERTIFICATE: Failed<'_> = Failed {
    why: Cow::Borrowed("there is no certificate to show it"),
    advice: "Make one, or bring one, on the Broker page.",
};

/// Does what the transport asks for before MQTT. `None` when nothing came of it, which is counted and told.
pub(crate) async fn shake_hands(core: &Core, stream: TcpStream, peer: &mut Peer) -> Option<Box<dyn Stream>> {
    let place = core.lobby.enter(peer.addr.ip(), core.limits.lobby_per_address_max);
    let mut begun = false;
    let done = tokio::select! {
        biased;
        done = tokio::time::timeout_at(peer.login_due, open(core, stream, peer, &mut begun)) => done,
        () = place.pushed_out() => Ok(Ok(None)),
    };
    let failed = match done {
        Ok(Ok(Some(stream))) => return Some(stream),
        // It said nothing: silent sockets and port scanners are not worth an event.
        Ok(Ok(None)) => None,
        Ok(Err(failed)) => Some(failed),
        Err(_) => begun.then_some(Failed {
            why: "it did not finish the handshake in time".into(),
            advice: "If this is a device of yours, its network or its processor is too slow for the time that the limit connect_timeout_ms gives.",
        }),
    };
    add(&core.tally.refused, 1);
    if let Some(Failed { why, advice }) = failed {
        add(&core.tally.handshakes_failed, 1);
        core.tell_refused(&Refusing {
            at: RefusedAt::Protocol,
            peer: peer.addr,
            client_id: None,
            user: None,
            what: "A connection was closed before it spoke MQTT.",
            why: &why,
            advice,
        });
    }
    None
}

async fn open(
    core: &Core,
    stream: TcpStream,
    peer: &mut Peer,
    begun: &mut bool,
) -> Result<Option<Box<dyn Stream>>, Failed<'static>> {
    let mut first = [0];
    if !matches!(stream.peek(&mut first).await, Ok(1..)) {
        return Ok(None);
    }
    *begun = true;
    if !peer.transport.is_encrypted() {
        return if first[0] == TLS_HANDSHAKE {
            Err(Failed {
                why: "it speaks TLS on the port for WebSocket without TLS".into(),
                advice: "Let the client use ws:// here, or give it the port for secure WebSocket (wss://).",
            })
        } else {
            socket(first[0], stream).await
        };
    }
    let shown = core.tls.read().clone();
    let Some(shown) = shown else { return Err(NO_CERTIFICATE) };
    if first[0] != TLS_HANDSHAKE {
        return Err(not_tls(first[0], stream).await);
    }
    let stream = TlsAcceptor::from(shown.config).accept(stream).await.map_err(|why| tls::failed(&why))?;
    peer.certificate_name = tls::client_name(stream.get_ref().1);
    if peer.transport.is_websocket() { socket(b'G', stream).await } else { Ok(Some(Box::new(stream))) }
}

/// Words for what came instead of TLS. A browser is answered, so that its owner sees why.
async fn not_tls(first: u8, mut stream: TcpStream) -> Failed<'static> {
    if first == MQTT_CONNECT {
        return Failed {
            why: "it speaks plain MQTT on the TLS port".into(),
            advice: "Switch TLS on in the client, or give it the port for MQTT without TLS.",
        };
    }
    if first.is_ascii_uppercase() {
        const TEXT: &str = "This port of Hearth needs TLS.\n";
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{TEXT}",
            TEXT.len()
        );
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        return Failed {
            why: "it speaks plain HTTP or WebSocket on a TLS port".into(),
            advice: "Let the client use wss:// with the port for secure WebSocket, or ws:// with the one without TLS.",
        };
    }
    Failed {
        why: "what it sends is not TLS".into(),
        advice: "If this is a device of yours, check the port and whether TLS is switched on.",
    }
}

async fn socket<S: Stream + 'static>(
    first: u8,
    mut stream: S,
) -> Result<Option<Box<dyn Stream>>, Failed<'static>> {
    const ADVICE: &str =
        "Let the client use WebSocket with the path /mqtt, or give it the port for plain MQTT.";
    if first == MQTT_CONNECT {
        let why = "it speaks MQTT without WebSocket on the WebSocket port".into();
        return Err(Failed { why, advice: ADVICE });
    }
    match upgrade(&mut stream).await {
        Ok(Upgrade::Done(left)) => Ok(Some(Box::new(WebSocket::new(stream, left)))),
        Ok(Upgrade::Refused(why)) => Err(Failed { why: why.into(), advice: ADVICE }),
        Ok(Upgrade::Gone) => Ok(None),
        Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(why) => {
            Err(Failed { why: format!("the network connection failed: {why}").into(), advice: ADVICE })
        }
    }
}
