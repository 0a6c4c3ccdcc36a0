//! Asking a board over HTTP: short, bounded, never further than the board itself.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use devices::{Auth, Method, Secret};
use serde_json::Value as Json;
use ureq::http::Request;

use super::digest::Challenge;
use crate::{credential, hex};

/// Longest wait for a connection to a board.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest wait for a whole answer; a Tasmota that scans for networks is slow.
const ANSWER: Duration = Duration::from_secs(8);
/// Largest answer that is read: `Status 0` of Tasmota and the settings of a Shelly are some kilobytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// A board's web page, and how to log in there.
#[derive(Debug, Clone)]
pub(super) struct WebPage {
    pub(super) address: SocketAddr,
    pub(super) auth: Option<Auth>,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
}

/// What a board answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Its body, if that is JSON.
    pub(super) json: Option<Json>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// It was not reached.
    Unreachable(String),
    /// It was reached and did not answer to the end.
    Lost(String),
}

impl WebPage {
    /// One without a login.
    pub(super) fn open(address: SocketAddr) -> Self {
        Self { address, auth: None, user: String::new(), password: None }
    }

    /// Asks, with a login where the board wants one and a password is known. Blocks for seconds at most.
    pub(super) fn ask(&self, method: Method, path: &str, body: Option<&str>) -> Result<Answer, NoAnswer> {
        let basic = match (self.auth, &self.password) {
            (Some(Auth::Basic), Some(password)) => {
                let login = format!("{}:{}", self.user, password.0);
                Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login)))
            }
            _ => None,
        };
        let (answer, challenge) = self.ask_once(method, path, body, basic.as_deref())?;
        let (Some(Auth::Digest), Some(password), 401) = (self.auth, &self.password, answer.status) else {
            return Ok(answer);
        };
        let Some(challenge) = challenge.as_deref().and_then(Challenge::read) else { return Ok(answer) };
        let drawn: [u8; 16] = credential::random().map_err(|why| NoAnswer::Unreachable(why.to_string()))?;
        let cnonce = hex::encode(&drawn);
        let login = challenge.answer(name(method), path, &self.user, &password.0, &cnonce);
        Ok(self.ask_once(method, path, body, Some(&login))?.0)
    }

    fn ask_once(
        &self,
        method: Method,
        path: &str,
        body: Option<&str>,
        login: Option<&str>,
    ) -> Result<(Answer, Option<String>), NoAnswer> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER))
            .timeout_connect(Some(CONNECT))
            .http_status_as_error(false)
            // Somewhere else is not the board that was accepted; and no proxy knows it.
            .max_redirects(0)
            .proxy(None)
            .build()
            .into();
        let mut request = Request::builder()
            .method(name(method))
            .uri(format!("http://{}{path}", self.address))
            // One request is one connection: small web servers run out of them.
            .header("Connection", "close");
        if let Some(login) = login {
            request = request.header("Authorization", login);
        }
        let answered = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_owned());
                request.map_err(ureq::Error::from).and_then(|request| agent.run(request))
            }
            None => request.body(()).map_err(ureq::Error::from).and_then(|request| agent.run(request)),
        };
        let mut answer = answered.map_err(|why| no_answer(&why))?;
        let header = answer.headers().get("WWW-Authenticate");
        let challenge = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let text = text.map_err(|why| no_answer(&why))?;
        Ok((Answer { status, json: serde_json::from_str(&text).ok() }, challenge))
    }
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
    }
}

/// The words leave the path out: it may carry a secret.
fn no_answer(why: &ureq::Error) -> NoAnswer {
    match why {
        ureq::Error::Timeout(ureq::Timeout::Connect) | ureq::Error::ConnectionFailed => {
            NoAnswer::Unreachable("nobody took the connection".to_owned())
        }
        ureq::Error::Io(why)
            if matches!(
                why.kind(),
                std::io::ErrorKind::ConnectionRefused
                    | std::io::ErrorKind::HostUnreachable
                    | std::io::ErrorKind::NetworkUnreachable
            ) =>
        {
            NoAnswer::Unreachable(why.kind().to_string())
        }
        ureq::Error::Io(why) => NoAnswer::Lost(why.kind().to_string()),
        ureq::Error::Timeout(_) => NoAnswer::Lost(format!("no answer within {} s", ANSWER.as_secs())),
        ureq::Error::BodyExceedsLimit(_) => {
            NoAnswer::Lost(format!("its answer is longer than {ANSWER_BYTES_MAX} bytes"))
        }
        _ => NoAnswer::Lost("its answer is no HTTP".to_owned()),
    }
}

/// Whether an address is one of a home's network: nothing is sent anywhere else.
pub(super) fn is_at_home(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip == Ipv6Addr::LOCALHOST || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_a_home_are_asked() {
        for (ip, expected) in [
            ("192.168.1.20", true),
            ("10.0.0.2", true),
            ("172.20.0.2", true),
            ("169.254.7.7", true),
            ("127.0.0.9", true),
            ("::1", true),
            ("fd00::7", true),
            ("fe80::7", true),
            ("8.8.8.8", false),
            ("192.0.2.1", false),
            ("224.0.0.1", false),
            ("0.0.0.0", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_at_home(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
