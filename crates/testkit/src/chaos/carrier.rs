//! What carries MQTT: a socket as it is, TLS, WebSocket, and both.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, crypto};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::link::{self, End, Stream};

/// Bytes on their way between a WebSocket and its client.
const DUPLEX_BYTES: usize = 16 * 1024;

/// What a client needs to know to trust the hub.
#[derive(Clone)]
pub(super) struct Trust {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Trust {
    /// In the hub's own authority, and in nobody else.
    pub(super) fn new(authority_pem: &str, name: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority_pem.as_bytes())?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), name: ServerName::try_from(name.to_owned())? })
    }
}

/// What carries MQTT.
#[derive(Clone)]
pub(super) enum Carrier {
    Tcp,
    Tls(Trust),
    Ws,
    Wss(Trust),
}

impl Carrier {
    /// As the API names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls(_) => "tls",
            Self::Ws => "ws",
            Self::Wss(_) => "wss",
        }
    }

    /// A stream to the hub, ready for a CONNECT.
    pub(super) async fn open(&self, from: Ipv4Addr, to: SocketAddr, end: End) -> Result<Box<dyn Stream>> {
        let socket = link::dial(from, to, end).await?;
        match self {
            Self::Tcp => Ok(Box::new(socket)),
            Self::Tls(trust) => Ok(Box::new(encrypted(trust, socket).await?)),
            Self::Ws => Ok(Box::new(web_socket(socket, to).await?)),
            Self::Wss(trust) => Ok(Box::new(web_socket(encrypted(trust, socket).await?, to).await?)),
        }
    }

    /// What a client writes first on the socket, before any MQTT; `None` for plain MQTT.
    pub(super) fn greeting(&self, to: SocketAddr) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Tcp => Ok(None),
            Self::Tls(trust) | Self::Wss(trust) => {
                let mut hello = Vec::new();
                ClientConnection::new(trust.config.clone(), trust.name.clone())?.write_tls(&mut hello)?;
                Ok(Some(hello))
            }
            Self::Ws => Ok(Some(
                format!(
                    "GET /mqtt HTTP/1.1\r\nHost: {to}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                     Sec-WebSocket-Protocol: mqtt\r\n\r\n"
                )
                .into_bytes(),
            )),
        }
    }
}

async fn encrypted<S: Stream>(trust: &Trust, socket: S) -> Result<impl Stream + use<S>> {
    let connector = TlsConnector::from(trust.config.clone());
    connector.connect(trust.name.clone(), socket).await.context("no TLS handshake came about")
}

/// The bytes inside of a WebSocket's binary messages.
async fn web_socket<S: Stream + 'static>(socket: S, to: SocketAddr) -> Result<DuplexStream> {
    let mut request = format!("ws://{to}/mqtt").into_client_request()?;
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt"));
    let (socket, _) =
        tokio_tungstenite::client_async(request, socket).await.context("no WebSocket came about")?;
    let (near, far) = duplex(DUPLEX_BYTES);
    tokio::spawn(async move {
        // Whoever holds the near end sees it close.
        let _ = carry(socket, far).await;
    });
    Ok(near)
}

/// Carries both ways until one side ends. Then everything is dropped at once, as a socket would be.
async fn carry<S: Stream>(mut socket: WebSocketStream<S>, mut far: DuplexStream) -> Result<()> {
    let mut buffer = vec![0; DUPLEX_BYTES];
    loop {
        tokio::select! {
            read = far.read(&mut buffer) => match read? {
                0 => return Ok(()),
                read => socket.send(Message::binary(buffer[..read].to_vec())).await?,
            },
            message = socket.next() => match message.context("the WebSocket ended")?? {
                Message::Binary(bytes) => far.write_all(&bytes).await?,
                Message::Close(_) => return Ok(()),
                _ => {}
            },
        }
    }
}
