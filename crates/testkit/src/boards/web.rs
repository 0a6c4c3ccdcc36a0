//! The web server of a board: one request a connection, gone while the board restarts.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Act, Board};

/// Largest request that is read.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// A request.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    pub(super) body: String,
    /// Path and query as they came.
    pub(super) uri: String,
}

impl Request {
    /// A parameter of the query, percent-decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn read(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let mut first = lines.next()?.split(' ');
        let (method, uri) = (first.next()?.to_owned(), first.next()?.to_owned());
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            .collect();
        let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
        let query = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (decoded(key), decoded(value)))
            .collect();
        Some(Self { method, path: path.to_owned(), query, headers, body: body.to_owned(), uri: uri.clone() })
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                    .unwrap_or(b'?')
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An answer.
#[derive(Debug)]
pub(super) struct Response {
    status: u16,
    header: Option<(&'static str, String)>,
    body: String,
}

impl Response {
    pub(super) fn json(body: &Value) -> Self {
        Self { status: 200, header: None, body: body.to_string() }
    }

    pub(super) fn status(status: u16) -> Self {
        Self { status, header: None, body: String::new() }
    }

    /// 401, with what it asks for.
    pub(super) fn asks(how: String) -> Self {
        Self { status: 401, header: Some(("WWW-Authenticate", how)), body: "401 Unauthorized".to_owned() }
    }

    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn wire(&self) -> String {
        let header = self.header.as_ref().map_or(String::new(), |(key, value)| format!("{key}: {value}\r\n"));
        format!(
            "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{header}Connection: close\r\n\r\n{}",
            self.status,
            self.body.len(),
            self.body
        )
    }
}

/// Serves until the board is dropped. While it restarts nobody listens, as with a real one.
pub(super) async fn serve(board: Arc<Board>, first: TcpListener, address: SocketAddr) {
    let mut listener = Some(first);
    loop {
        let listening = match listener.take() {
            Some(listener) => listener,
            None => match TcpListener::bind(address).await {
                Ok(listener) => listener,
                Err(_) => return,
            },
        };
        let act = loop {
            let Ok((mut stream, _)) = listening.accept().await else { continue };
            let Some(request) = request(&mut stream).await else { continue };
            let (response, act) = board.answer(&request);
            if act == Act::Crash {
                break act;
            }
            let _ = stream.write_all(response.wire().as_bytes()).await;
            let _ = stream.shutdown().await;
            if act == Act::Restart {
                break act;
            }
        };
        drop(listening);
        board.restart(act == Act::Restart).await;
    }
}

async fn request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 2_048];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        bytes.extend(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some(request) = Request::read(&text) {
            let length =
                request.header("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0usize);
            if request.body.len() >= length {
                return Some(request);
            }
        }
        if bytes.len() > REQUEST_BYTES_MAX {
            return None;
        }
    }
}
