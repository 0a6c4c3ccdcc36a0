//! The first packet: CONNECT, the decision about it, CONNACK.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use model::topic::check_topic;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::access::{Granted, Login, Refusal, by_length};
use crate::attach::{Attached, NoSession};
use crate::clock::now_ms;
use crate::core::Core;
use crate::handshake::TLS_HANDSHAKE;
use crate::packet::{self, ConnAck, Connect, Frame, Packet, PacketError, Version, reason};
use crate::session::Link;
use crate::sys::is_sys;
use crate::tally::add;
use crate::telling::Refusing;
use crate::transport::{Peer, Transport};
use crate::watch::RefusedAt;

/// What a client is told that is not let in, whatever was wrong.
const PRIVATE: &str = "Check the user name, the password and the permissions of the credential in Hearth";
/// Longest client id accepted, in bytes.
const CLIENT_ID_BYTES_MAX: usize = 1_024;
/// What came instead of CONNECT, in words.
const TLS_HERE: &str = "it speaks TLS on the port for plain MQTT";
const HTTP_HERE: &str = "it speaks HTTP or WebSocket on the port for plain MQTT";
/// A refusing CONNACK without its reason string, at most.
const CONNACK_BYTES: usize = 16;
/// First read buffer of a connection; a CONNECT is rarely longer.
const FIRST_READ_BYTES: usize = 1_024;

/// A client that is in.
pub(super) struct LoggedIn {
    pub(super) attached: Attached,
    /// What came behind CONNECT.
    pub(super) buffer: BytesMut,
    pub(super) terms: Terms,
}

/// What a client said in CONNECT about the packets it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) version: Version,
    /// QoS 1 and 2 messages that may be on the way to it.
    pub(super) inflight_max: usize,
    pub(super) packet_bytes_max: usize,
    /// Topic aliases that may be used towards it.
    pub(super) aliases_max: u16,
    /// Whether acknowledgements may say why (MQTT 5, section 3.1.2.11.7).
    pub(super) reasons: bool,
}

/// Why a client is not let in.
struct Refused {
    /// MQTT 5 reason code.
    reason: u8,
    why: String,
    advice: Cow<'static, str>,
    heard: Heard,
}

/// Who hears of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// The owner.
    Told,
    /// It is told as a denial, and counted.
    Counted,
    /// The hub looked whether it is answered.
    Nobody,
}

/// Reads CONNECT, asks `Access` and answers. `None` when the client is not let in: it was told where the
/// standard has words for it.
pub(super) async fn log_in<R, W>(
    core: &Arc<Core>,
    reader: &mut R,
    writer: &mut W,
    peer: &Peer,
) -> Option<LoggedIn>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let deadline = peer.login_due;
    let mut buffer = BytesMut::new();
    let first =
        tokio::time::timeout_at(deadline, read_connect(core, reader, &mut buffer, peer.transport)).await;
    let mut connect = match first {
        Ok(Ok(Some(connect))) => connect,
        // Silent sockets and port scanners are not worth an event.
        Err(_) | Ok(Ok(None)) => {
            add(&core.tally.refused, 1);
            return None;
        }
        Ok(Err(why)) => {
            refuse_packet(core, writer, peer, why).await;
            return None;
        }
    };
    let version = connect.version;
    let client_id_is_password =
        !connect.client_id.is_empty() && connect.password.as_deref() == Some(connect.client_id.as_bytes());
    let decided = tokio::time::timeout_at(deadline, decide(core, &mut connect, peer)).await;
    let outcome = decided.unwrap_or_else(|_| {
        Err(Refused {
            reason: reason::SERVER_BUSY,
            why: "the login was not decided in time".to_owned(),
            advice: "The computer is overloaded; the client may try again.".into(),
            heard: Heard::Told,
        })
    });
    let (attached, answer) = match outcome {
        Ok(accepted) => accepted,
        Err(refused) => {
            // Of a login that fails nobody can say whether the password was a right one of somebody.
            let told = client_id_is_password.then(|| by_length(&connect.client_id));
            let told = told.as_deref().unwrap_or(&connect.client_id);
            refuse(core, writer, peer, &connect, told, &refused).await;
            return None;
        }
    };
    let mut out = Vec::new();
    let granted_s = attached.link.keepalive_s;
    let ack = ConnAck {
        session_present: attached.session_present,
        code: reason::SUCCESS,
        assigned_client_id: answer.assigned.then(|| &*attached.session.client_id),
        keepalive_s: (granted_s != connect.keepalive_s).then_some(granted_s),
        session_expiry_s: answer.expiry_lowered.then_some(answer.expiry_s),
        receive_max: Some(core.limits.receive_max),
        packet_bytes_max: u32::try_from(core.limits.packet_bytes_max).ok(),
        topic_alias_max: core.limits.topic_alias_max,
        shared_available: true,
        reason_string: None,
    };
    packet::connack(&mut out, version, &ack);
    let sent = tokio::time::timeout_at(deadline, write(writer, &out)).await;
    if !matches!(sent, Ok(Ok(()))) {
        let mut attached = attached;
        attached.why = "it went away while it was being let in".to_owned();
        return None;
    }
    add(&core.tally.bytes_out, out.len() as u64);
    let own = usize::from(core.limits.inflight_max);
    let inflight_max = connect.properties.receive_max.map_or(own, |max| own.min(usize::from(max)));
    let terms = Terms {
        version,
        inflight_max,
        packet_bytes_max: connect.properties.packet_bytes_max.map_or(usize::MAX, |max| max as usize),
        aliases_max: connect.properties.topic_alias_max.min(core.limits.topic_aliases_out_max),
        reasons: version.is_v5() && !connect.properties.no_reasons,
    };
    Some(LoggedIn { attached, buffer, terms })
}

/// The CONNECT, with what follows it left in `buffer`. `None` when the socket closes first.
async fn read_connect<R: AsyncRead + Unpin>(
    core: &Core,
    reader: &mut R,
    buffer: &mut BytesMut,
    transport: Transport,
) -> Result<Option<Connect>, PacketError> {
    loop {
        match buffer.first() {
            Some(&TLS_HANDSHAKE) if transport == Transport::Tcp => {
                return Err(PacketError::Protocol(TLS_HERE));
            }
            Some(b'A'..=b'Z') if transport == Transport::Tcp => return Err(PacketError::Protocol(HTTP_HERE)),
            Some(first) if first >> 4 != 1 => {
                return Err(PacketError::Protocol("the first packet is not CONNECT"));
            }
            _ => {}
        }
        match packet::frame(buffer, core.limits.packet_bytes_max.min(core.limits.connect_bytes_max))? {
            Frame::Complete { header, total } => {
                let bytes = buffer.split_to(total);
                return match packet::decode(&bytes, 0, header, total, Version::V311)? {
                    Packet::Connect(connect) => Ok(Some(*connect)),
                    _ => Err(PacketError::Protocol("the first packet is not CONNECT")),
                };
            }
            Frame::Incomplete { .. } => buffer.reserve(FIRST_READ_BYTES),
        }
        match reader.read_buf(buffer).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(count) => add(&core.tally.bytes_in, count as u64),
        }
    }
}

/// What CONNACK has to say beside the session.
struct Answer {
    assigned: bool,
    expiry_s: u32,
    expiry_lowered: bool,
}

async fn decide(core: &Arc<Core>, connect: &mut Connect, peer: &Peer) -> Result<(Attached, Answer), Refused> {
    let version = connect.version;
    if *core.stopping.borrow() {
        let why = "Hearth is stopping".to_owned();
        return Err(Refused {
            reason: reason::SHUTTING_DOWN,
            why,
            advice: "Connect again in a moment.".into(),
            heard: Heard::Told,
        });
    }
    if connect.properties.auth_method {
        return Err(Refused {
            reason: reason::BAD_AUTH_METHOD,
            why: "it asks for enhanced authentication, which is not offered".to_owned(),
            advice: "Use a user name and a password.".into(),
            heard: Heard::Told,
        });
    }
    let assigned = connect.client_id.is_empty();
    check_client_id(connect)?;
    check_will_topic(connect)?;
    if assigned {
        connect.client_id = assigned_client_id();
    }
    let attempt = Login {
        client_id: connect.client_id.clone(),
        user: connect.user.clone(),
        password: connect.password.take(),
        peer: peer.addr,
        version: version.level(),
        transport: peer.transport,
        certificate_name: peer.certificate_name.clone(),
        will_topic: connect.will.as_ref().map(|will| will.topic.to_string()),
    };
    let granted = match core.access.login(attempt).await {
        Ok(granted) => granted,
        Err(why) => return Err(refusal(guessed(core, peer, connect.user.as_deref(), why).await)),
    };
    check_will(core, connect, peer, &granted)?;
    let wanted_s = match version {
        Version::V5 => connect.properties.session_expiry_s.unwrap_or(0),
        _ if connect.clean_start => 0,
        _ => u32::MAX,
    };
    let expiry_s = wanted_s.min(core.limits.session_expiry_s_max);
    let keepalive_s = granted_keepalive(connect, core.limits.keepalive_s_max);
    let link = Arc::new(Link::new(peer, version, keepalive_s, now_ms(), connect.will.as_ref()));
    let client_id: Arc<str> = connect.client_id.as_str().into();
    let attached = core.attach(connect, &client_id, granted, link, expiry_s).map_err(
        |NoSession { reason, why, advice }| Refused {
            reason,
            why,
            advice: advice.into(),
            heard: Heard::Told,
        },
    )?;
    core.save_later(&attached.session);
    Ok((attached, Answer { assigned, expiry_s, expiry_lowered: expiry_s != wanted_s }))
}

/// Counts a wrong secret. Whoever had too many waits for the answer and learns nothing from it but that.
async fn guessed(core: &Core, peer: &Peer, user: Option<&str>, why: Refusal) -> Refusal {
    if !matches!(why, Refusal::BadCredentials { .. }) {
        return why;
    }
    match core.guesses.failed(peer.addr.ip(), user, Instant::now()) {
        None => why,
        Some(penalty) => {
            tokio::time::sleep(penalty.delay.min(half(core.limits.connect_timeout_ms))).await;
            let wait_ms = u64::try_from(penalty.forgotten.as_millis()).unwrap_or(u64::MAX);
            Refusal::TooManyAttempts { retry_ms: wait_ms }
        }
    }
}

/// Half of the time for a login: the answer must come within it.
fn half(connect_timeout_ms: u64) -> Duration {
    Duration::from_millis(connect_timeout_ms / 2)
}

/// MQTT 3.1.1, section 3.1.3.1: without a client id there is no session to come back to.
fn check_client_id(connect: &Connect) -> Result<(), Refused> {
    let nameless = connect.client_id.is_empty() && !connect.clean_start && !connect.version.is_v5();
    if nameless || connect.client_id.len() > CLIENT_ID_BYTES_MAX {
        return Err(Refused {
            reason: reason::CLIENT_ID_INVALID,
            why: if nameless {
                "it wants a session that lasts and gives no client id".to_owned()
            } else {
                format!(
                    "its client id has {} bytes; the limit is {CLIENT_ID_BYTES_MAX}",
                    connect.client_id.len()
                )
            },
            advice: if nameless {
                "Set a client id, or a clean session.".into()
            } else {
                "Give the client a shorter client id.".into()
            },
            heard: Heard::Told,
        });
    }
    Ok(())
}

/// Section 3.1.3.2 (MQTT 5: 3.1.3.3): the will is a publish, and its topic one that can be published to.
fn check_will_topic(connect: &Connect) -> Result<(), Refused> {
    let Some(Err(why)) = connect.will.as_ref().map(|will| check_topic(&will.topic)) else { return Ok(()) };
    Err(Refused {
        reason: reason::TOPIC_NAME_INVALID,
        why: format!("its last will cannot be published: {why}"),
        advice: "Correct the topic of the last will on the device, or leave the will out.".into(),
        heard: Heard::Told,
    })
}

/// The server's keepalive goes to MQTT 5 clients only (section 3.2.2.3.14): others cannot be told.
fn granted_keepalive(connect: &Connect, max_s: u16) -> u16 {
    let too_long = connect.keepalive_s == 0 || connect.keepalive_s > max_s;
    if max_s > 0 && connect.version.is_v5() && too_long { max_s } else { connect.keepalive_s }
}

/// A will without permission: an MQTT 5 client is refused, an older one comes in without it, since it has no
/// code to be told with.
fn check_will(core: &Core, connect: &mut Connect, peer: &Peer, granted: &Granted) -> Result<(), Refused> {
    let Some(will) = &connect.will else { return Ok(()) };
    let permissions = granted.effective().for_client(&granted.user, &connect.client_id);
    if !is_sys(&will.topic) && permissions.may_write(&will.topic) {
        return Ok(());
    }
    let let_in = !connect.version.is_v5();
    core.deny_will(&connect.client_id, &granted.user, peer.addr, &will.topic, let_in);
    if !let_in {
        return Err(Refused {
            reason: reason::NOT_AUTHORIZED,
            why: format!("its credential may not publish to the topic of its will, {}", will.topic),
            advice: "Allow the topic in the credential's permissions, or change the will.".into(),
            heard: Heard::Counted,
        });
    }
    connect.will = None;
    Ok(())
}

fn refusal(refusal: Refusal) -> Refused {
    let told = |reason, why, advice: Cow<'static, str>| Refused { reason, why, advice, heard: Heard::Told };
    match refusal {
        Refusal::BadCredentials { why, advice } => told(reason::BAD_CREDENTIALS, why, advice.into()),
        Refusal::NotAuthorized { why } => {
            told(reason::NOT_AUTHORIZED, why, "Allow it on the Broker page.".into())
        }
        Refusal::TooManyAttempts { retry_ms } => told(
            reason::CONNECTION_RATE,
            format!(
                "too many failed logins with this user name came from its address; it is answered slowly for another {} s",
                retry_ms / 1_000
            ),
            "Correct the password on the device; the right one is let in at once.".into(),
        ),
        Refusal::Look => Refused {
            reason: reason::BAD_CREDENTIALS,
            why: "the hub looked whether it is answered".to_owned(),
            advice: PRIVATE.into(),
            heard: Heard::Nobody,
        },
    }
}

/// MQTT 3.1.1, section 3.2.2.3: the codes that are left for an older client.
fn old_code(code: u8) -> u8 {
    match code {
        reason::UNSUPPORTED_VERSION => 1,
        reason::CLIENT_ID_INVALID => 2,
        reason::BAD_CREDENTIALS => 4,
        reason::NOT_AUTHORIZED | reason::BAD_AUTH_METHOD => 5,
        _ => 3,
    }
}

/// At what a client was refused that got this reason code.
fn refused_at(code: u8) -> RefusedAt {
    match code {
        reason::SERVER_BUSY | reason::QUOTA_EXCEEDED | reason::CONNECTION_RATE => RefusedAt::Limit,
        _ => RefusedAt::Login,
    }
}

async fn refuse<W: AsyncWrite + Unpin>(
    core: &Core,
    writer: &mut W,
    peer: &Peer,
    connect: &Connect,
    client_id: &str,
    refused: &Refused,
) {
    if refused.heard != Heard::Nobody {
        add(&core.tally.refused, 1);
    }
    let v5 = connect.version.is_v5();
    // What was wrong with a login is not for whoever tried it.
    let private = matches!(refused.reason, reason::BAD_CREDENTIALS | reason::NOT_AUTHORIZED);
    let said = if private { PRIVATE } else { &refused.why };
    let max = connect.properties.packet_bytes_max.map_or(usize::MAX, |max| max as usize);
    let ack = ConnAck {
        code: if v5 { refused.reason } else { old_code(refused.reason) },
        reason_string: Some(said).filter(|said| CONNACK_BYTES + said.len() <= max),
        ..ConnAck::default()
    };
    let mut out = Vec::new();
    packet::connack(&mut out, connect.version, &ack);
    send_last(core, writer, &out).await;
    if refused.heard != Heard::Told {
        return;
    }
    core.tell_refused(&Refusing {
        at: refused_at(refused.reason),
        peer: peer.addr,
        client_id: Some(client_id),
        user: connect.user.as_deref(),
        what: "The client was not let in.",
        why: &refused.why,
        advice: &refused.advice,
    });
}

/// A first packet that is no CONNECT is not answered; an unknown version is (section 3.1.2.2).
async fn refuse_packet<W: AsyncWrite + Unpin>(core: &Core, writer: &mut W, peer: &Peer, why: PacketError) {
    add(&core.tally.refused, 1);
    let advice = match why {
        PacketError::Protocol(TLS_HERE) => {
            "Switch TLS off in the client, or give it the port for MQTT over TLS, which can be opened on the Broker page."
        }
        PacketError::Protocol(HTTP_HERE) => {
            "Give a browser the port of Hearth's pages, and an MQTT client over WebSocket that port of the Broker page."
        }
        PacketError::TooLarge { max, .. } => too_large(core, max),
        _ => {
            "If this is a device of yours, check that it speaks MQTT 3.1, 3.1.1 or 5, and which port it was given."
        }
    };
    if let PacketError::Version(level) = why {
        let version = if level > 5 { Version::V5 } else { Version::V311 };
        let code = if level > 5 { reason::UNSUPPORTED_VERSION } else { 1 };
        let mut out = Vec::new();
        packet::connack(&mut out, version, &ConnAck { code, ..ConnAck::default() });
        send_last(core, writer, &out).await;
    }
    core.tell_refused(&Refusing {
        at: RefusedAt::Protocol,
        peer: peer.addr,
        client_id: None,
        user: None,
        what: "A connection was closed before it logged in.",
        why: &why.to_string(),
        advice,
    });
}

/// What to do about a packet above the limit: which of the two it met.
pub(super) fn too_large(core: &Core, max: usize) -> &'static str {
    if max == core.limits.packet_bytes_max {
        "Raise `packet_bytes_max` in Settings, Broker, Limits, or make the client send less at once."
    } else {
        "Raise `connect_bytes_max` in Settings, Broker, Limits, or give the client a shorter last will."
    }
}

/// Writes to the socket and not only into what TLS holds back.
async fn write<W: AsyncWrite + Unpin>(writer: &mut W, bytes: &[u8]) -> std::io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

async fn send_last<W: AsyncWrite + Unpin>(core: &Core, writer: &mut W, bytes: &[u8]) {
    let limit = Duration::from_millis(core.limits.connect_timeout_ms);
    if matches!(tokio::time::timeout(limit, write(writer, bytes)).await, Ok(Ok(()))) {
        add(&core.tally.bytes_out, bytes.len() as u64);
    }
}

/// A client id for a client that sent none. Nobody can guess it and so take its connection over.
fn assigned_client_id() -> String {
    let mut random = [0u8; 12];
    let mut id = String::from("auto-");
    if getrandom::fill(&mut random).is_err() {
        // No randomness: the clock still tells clients apart.
        random[..8].copy_from_slice(&now_ms().to_be_bytes());
    }
    for byte in random {
        let _ = write!(id, "{byte:02x}");
    }
    id
}
