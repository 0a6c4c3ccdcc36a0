//! The HTTP request a WebSocket begins with (RFC 6455, section 4).

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use httparse::{Request, Status};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest request accepted, its headers included. Browsers send their cookies along.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of a request.
const HEADERS_MAX: usize = 64;
/// Read at a time.
const READ_BYTES: usize = 1_024;
/// Section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// `mqtt` is the standard's (section 6 of MQTT 3.1.1 and 5); older libraries say the others.
const PROTOCOLS: [&str; 3] = ["mqtt", "mqttv3.1", "mqttv3.11"];
const PATHS: [&str; 2] = ["/mqtt", "/"];

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Upgrade {
    /// It was answered with 101; these bytes came behind it.
    Done(Vec<u8>),
    /// It was answered with why not.
    Refused(&'static str),
    /// The socket was closed first.
    Gone,
}

/// Why a request is not a WebSocket for MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    NotHttp,
    TooLong,
    Path,
    NotAnUpgrade,
    Version,
    Key,
    Protocol,
}

impl Wrong {
    fn why(self) -> &'static str {
        match self {
            Self::NotHttp => "it sent something that is not an HTTP request to the WebSocket port",
            Self::TooLong => "its WebSocket request is too long",
            Self::Path => "its WebSocket request is for another path than /mqtt",
            Self::NotAnUpgrade => "it sent an ordinary HTTP request to the WebSocket port",
            Self::Version => "it speaks another version of WebSocket than 13",
            Self::Key => "its WebSocket request has no valid Sec-WebSocket-Key",
            Self::Protocol => "its WebSocket request does not offer the subprotocol mqtt",
        }
    }

    fn answer(self) -> String {
        let (status, more) = match self {
            Self::NotHttp | Self::Key | Self::Protocol => ("400 Bad Request", ""),
            Self::TooLong => ("431 Request Header Fields Too Large", ""),
            Self::Path => ("404 Not Found", ""),
            Self::NotAnUpgrade => ("426 Upgrade Required", "Upgrade: websocket\r\n"),
            Self::Version => ("426 Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        };
        let text = match self {
            Self::NotHttp | Self::TooLong | Self::NotAnUpgrade => {
                "Here MQTT clients connect to Hearth over WebSocket, at the path /mqtt with the subprotocol mqtt.\nHearth's pages are at another port.\n"
            }
            Self::Path => "MQTT over WebSocket is at the path /mqtt.\n",
            Self::Version => "Hearth speaks version 13 of WebSocket (RFC 6455).\n",
            Self::Key => "The header Sec-WebSocket-Key must be 16 bytes in Base64.\n",
            Self::Protocol => "Ask for the WebSocket subprotocol mqtt.\n",
        };
        format!(
            "HTTP/1.1 {status}\r\n{more}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        )
    }
}

/// Reads the request and answers it. The caller bounds the time.
pub(crate) async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<Upgrade> {
    let mut head = Vec::with_capacity(READ_BYTES);
    let answered = loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(Upgrade::Gone);
        }
        match answer(&head) {
            Ok(Some(answered)) => break answered,
            Ok(None) if head.len() < HEAD_BYTES_MAX => head.reserve(READ_BYTES),
            Ok(None) => return refuse(stream, Wrong::TooLong).await,
            Err(wrong) => return refuse(stream, wrong).await,
        }
    };
    stream.write_all(answered.text.as_bytes()).await?;
    stream.flush().await?;
    Ok(Upgrade::Done(head.split_off(answered.head_length)))
}

async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S, wrong: Wrong) -> io::Result<Upgrade> {
    stream.write_all(wrong.answer().as_bytes()).await?;
    stream.shutdown().await?;
    Ok(Upgrade::Refused(wrong.why()))
}

/// The answer to a request that is in order, and where the request ends.
#[derive(Debug)]
struct Answered {
    text: String,
    head_length: usize,
}

/// `None` as long as the request is not complete.
fn answer(head: &[u8]) -> Result<Option<Answered>, Wrong> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = Request::new(&mut headers);
    let head_length = match request.parse(head) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Wrong::TooLong),
        Err(_) => return Err(Wrong::NotHttp),
    };
    let values = |name: &'static str| {
        let found = request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        found.filter_map(|header| std::str::from_utf8(header.value).ok())
    };
    let words = |name| values(name).flat_map(|value| value.split(',')).map(str::trim);
    let has = |name, word: &str| words(name).any(|found| found.eq_ignore_ascii_case(word));
    if request.method != Some("GET") || !has("Connection", "upgrade") || !has("Upgrade", "websocket") {
        return Err(Wrong::NotAnUpgrade);
    }
    let path = request.path.unwrap_or_default().split('?').next().unwrap_or_default();
    if !PATHS.contains(&path) {
        return Err(Wrong::Path);
    }
    if values("Sec-WebSocket-Version").next().map(str::trim) != Some("13") {
        return Err(Wrong::Version);
    }
    let key = values("Sec-WebSocket-Key").next().unwrap_or_default().trim();
    if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 {
        return Err(Wrong::Key);
    }
    // A client that asks for none is let in all the same: it is the only thing spoken here.
    let asked = words("Sec-WebSocket-Protocol").next().is_some();
    let agreed = words("Sec-WebSocket-Protocol")
        .find(|word| PROTOCOLS.iter().any(|protocol| protocol.eq_ignore_ascii_case(word)));
    if asked && agreed.is_none() {
        return Err(Wrong::Protocol);
    }
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), GUID].concat()));
    let protocol = agreed.map(|word| format!("Sec-WebSocket-Protocol: {word}\r\n")).unwrap_or_default();
    let text = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
    );
    Ok(Some(Answered { text, head_length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request of the standard, section 1.3, with these lines changed.
    fn request(changes: &[(&str, &str)]) -> String {
        let mut text = "GET /mqtt HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, mqtt\r\nSec-WebSocket-Version: 13\r\n\r\n".to_owned();
        for (from, to) in changes {
            assert!(text.contains(from));
            text = text.replace(from, to);
        }
        text
    }

    #[test]
    fn the_request_of_the_standard_is_answered() {
        let request = request(&[]);
        let answered = answer(request.as_bytes()).unwrap().unwrap();
        assert!(answered.text.starts_with("HTTP/1.1 101 "));
        assert!(answered.text.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(answered.text.ends_with("\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"));
        assert_eq!(answered.head_length, request.len());
        for shorter in 0..request.len() {
            assert!(matches!(answer(&request.as_bytes()[..shorter]), Ok(None)), "{shorter} bytes");
        }
    }

    #[test]
    fn paths_and_subprotocols_that_are_in_use_are_taken() {
        for change in [
            ("/mqtt", "/"),
            ("/mqtt", "/mqtt?x=1"),
            ("chat, mqtt", "mqttv3.1"),
            ("chat, mqtt", "mqttv3.11"),
            ("Sec-WebSocket-Protocol: chat, mqtt\r\n", ""),
        ] {
            let request = request(&[change]);
            assert!(matches!(answer(request.as_bytes()), Ok(Some(_))), "{change:?}");
        }
    }

    #[test]
    fn other_requests_are_told_what_is_wrong() {
        for (change, wrong) in [
            (("GET", "POST"), Wrong::NotAnUpgrade),
            (("Upgrade: websocket\r\n", ""), Wrong::NotAnUpgrade),
            (("keep-alive, Upgrade", "close"), Wrong::NotAnUpgrade),
            (("/mqtt", "/elsewhere"), Wrong::Path),
            (("Version: 13", "Version: 8"), Wrong::Version),
            (("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), Wrong::Key),
            (("chat, mqtt", "chat"), Wrong::Protocol),
            (("GET", "\u{10}\u{1}"), Wrong::NotHttp),
        ] {
            let request = request(&[change]);
            assert_eq!(answer(request.as_bytes()).map(|_| ()), Err(wrong), "{change:?}");
        }
        let many = "X: y\r\n".repeat(HEADERS_MAX);
        let request = request(&[("Host: server.example.com\r\n", &many)]);
        assert_eq!(answer(request.as_bytes()).map(|_| ()), Err(Wrong::TooLong));
    }
}
