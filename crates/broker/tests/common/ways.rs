//! The ways to a gate: every transport, spoken by libraries the gate does not use itself where there are any.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use broker::authority::{Issued, issue_client, issue_server, make_authority};
use broker::{Tls, Transport};
use futures_util::{Sink, Stream as _};
use parking_lot::Mutex;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Every transport.
pub const ALL: [Transport; 4] = Transport::ALL;

/// A way to a gate.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    pub transport: Transport,
    pub addr: SocketAddr,
}

impl From<SocketAddr> for Way {
    fn from(addr: SocketAddr) -> Self {
        Self { transport: Transport::Tcp, addr }
    }
}

/// Bytes of MQTT to and from a gate.
pub trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}

impl<P: AsyncRead + AsyncWrite + Send + Unpin> Pipe for P {}

/// The certificates of the tests: an authority, and a server at 127.0.0.1.
pub struct Papers {
    pub authority: Issued,
    pub server: Issued,
}

pub fn papers() -> &'static Papers {
    static PAPERS: OnceLock<Papers> = OnceLock::new();
    PAPERS.get_or_init(|| {
        let authority = make_authority("Tests", 0).unwrap();
        let server = issue_server(&authority, &["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        Papers { authority, server }
    })
}

/// What the gate of the tests shows, without client certificates.
pub fn tls(small_records: bool) -> Tls {
    let Papers { server, .. } = papers();
    Tls::new(&server.certificate_pem, &server.key_pem, small_records, None, false).unwrap()
}

/// What the gate of the tests shows when it asks for client certificates of its authority.
pub fn tls_asking(required: bool) -> Tls {
    let Papers { authority, server } = papers();
    let asked = Some(authority.certificate_pem.as_str());
    Tls::new(&server.certificate_pem, &server.key_pem, false, asked, required).unwrap()
}

/// What a client believes.
pub fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(papers().authority.certificate_pem.as_bytes()).unwrap())
        .unwrap();
    roots
}

/// A client that believes the tests' authority. `certificate` is its own.
pub fn believing(
    certificate: Option<&Issued>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots());
    Arc::new(match certificate {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = CertificateDer::pem_slice_iter(own.certificate_pem.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(own.key_pem.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
        }
    })
}

/// A certificate for this client.
pub fn certificate_for(name: &str) -> Issued {
    issue_client(&papers().authority, name).unwrap()
}

pub async fn tcp(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// TLS over any pipe, with what this client believes and shows.
pub async fn tls_over<P: Pipe + 'static>(pipe: P, config: Arc<ClientConfig>) -> io::Result<Box<dyn Pipe>> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    Ok(Box::new(TlsConnector::from(config).connect(name, pipe).await?))
}

/// WebSocket over any pipe.
pub async fn websocket_over<P: Pipe + 'static>(pipe: P) -> WebSocketStream<P> {
    let mut request = "ws://127.0.0.1/mqtt".into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "mqtt".parse().unwrap());
    let (socket, answer) = tokio_tungstenite::client_async(request, pipe).await.unwrap();
    assert_eq!(answer.headers()["Sec-WebSocket-Protocol"], "mqtt");
    socket
}

/// Opens what lies below WebSocket: TCP, or TLS on it.
pub async fn open_below_websocket(way: Way) -> Box<dyn Pipe> {
    let stream = tcp(way.addr).await;
    let versions = [&rustls::version::TLS12, &rustls::version::TLS13];
    if way.transport.is_encrypted() {
        tls_over(stream, believing(None, &versions)).await.unwrap()
    } else {
        Box::new(stream)
    }
}

/// Opens a pipe, handshakes done.
pub async fn open(way: Way) -> Box<dyn Pipe> {
    let pipe = open_below_websocket(way).await;
    if way.transport.is_websocket() { Box::new(Framed::new(websocket_over(pipe).await)) } else { pipe }
}

/// Passes one connection on to a gate and notes the length of every TLS record that comes back (RFC 8446, section
/// 5.1: type, version, length).
pub async fn recording_relay(gate: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let lengths = Arc::new(Mutex::new(Vec::new()));
    let noted = lengths.clone();
    tokio::spawn(async move {
        let (mut client_in, mut client_out) = listener.accept().await.unwrap().0.into_split();
        let (mut gate_in, mut gate_out) = tcp(gate).await.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut client_in, &mut gate_out).await });
        loop {
            let mut record = vec![0; 5];
            if gate_in.read_exact(&mut record).await.is_err() {
                return;
            }
            let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
            noted.lock().push(length);
            record.resize(5 + length, 0);
            gate_in.read_exact(&mut record[5..]).await.unwrap();
            if client_out.write_all(&record).await.is_err() {
                return;
            }
        }
    });
    (addr, lengths)
}

/// Bytes in binary frames, one a write.
struct Framed<P> {
    socket: WebSocketStream<P>,
    left: bytes::Bytes,
}

impl<P> Framed<P> {
    fn new(socket: WebSocketStream<P>) -> Self {
        Self { socket, left: bytes::Bytes::new() }
    }
}

impl<P: Pipe> AsyncRead for Framed<P> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.left.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                None | Some(Ok(Message::Close(_))) => return Poll::Ready(Ok(())),
                Some(Ok(Message::Binary(bytes))) => self.left = bytes,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("the gate sent {other:?}"),
                Some(Err(why)) => return Poll::Ready(Err(io::Error::other(why))),
            }
        }
        let count = self.left.len().min(buf.remaining());
        buf.put_slice(&self.left.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl<P: Pipe> AsyncWrite for Framed<P> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(io::Error::other)?;
        let message = Message::binary(bytes.to_vec());
        Pin::new(&mut self.socket).start_send(message).map_err(io::Error::other)?;
        let _ = Pin::new(&mut self.socket).poll_flush(cx).map_err(io::Error::other)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(io::Error::other)
    }
}
