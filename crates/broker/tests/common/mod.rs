//! A real gate on a free port over a ledger in memory, and a client that speaks raw MQTT.
//!
//! The client builds and reads its bytes by hand, so that no test passes because reader and writer share a
//! mistake.
#![allow(dead_code, unreachable_pub, unused_imports, clippy::unwrap_used)]

pub mod ledger;
pub mod ways;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use broker::{
    Access, BoxFuture, Gate, GateConfig, GateEvent, Granted, Limits, Listen, Login, Refusal, Transport, Watch,
};
use model::{Permissions, TopicFilter};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub use ledger::{Disk, MemoryLedger};
pub use ways::{ALL, Pipe, Way};

/// Nothing here takes this long; a test that waits for it fails with a clear word instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Knows `admin` (everything), `plug` (own topics by placeholder) and `guest` (reads `public/#`), each with the
/// password `secret`.
#[derive(Default)]
pub struct Doorman {
    /// The names in the certificates that were shown, one a login.
    pub names: Arc<Mutex<Vec<Option<String>>>>,
}

impl Access for Doorman {
    fn login(&self, attempt: Login) -> BoxFuture<'static, Result<Granted, Refusal>> {
        self.names.lock().push(attempt.certificate_name.clone());
        Box::pin(async move {
            let user = attempt.user.unwrap_or_default();
            let permissions = permissions(&user);
            match (permissions, attempt.password.as_deref()) {
                (Some(permissions), Some(b"secret")) => {
                    Ok(Granted { user: user.into(), permissions, learning: false })
                }
                (_, None) => Err(Refusal::NotAuthorized { why: "no password was given".into() }),
                _ => Err(Refusal::BadCredentials {
                    why: format!("no such login: {user}"),
                    advice: "Check it.".to_owned(),
                }),
            }
        })
    }
}

pub fn permissions(user: &str) -> Option<Permissions> {
    let filters = |texts: &[&str]| texts.iter().map(|text| TopicFilter::new(text).unwrap()).collect();
    match user {
        "admin" => Some(Permissions::all()),
        "plug" => Some(Permissions { write: filters(&["%u/%c/#"]), read: filters(&["%u/%c/#", "public/#"]) }),
        "guest" => Some(Permissions { write: Vec::new(), read: filters(&["public/#"]) }),
        _ => None,
    }
}

/// Remembers what the gate told.
#[derive(Default)]
pub struct Diary(pub Mutex<Vec<GateEvent>>);

impl Watch for Diary {
    fn seen(&self, event: GateEvent) {
        self.0.lock().push(event);
    }
}

/// A running gate.
pub struct Running {
    pub gate: Gate,
    pub ledger: Arc<MemoryLedger>,
    pub disk: Arc<Disk>,
    pub diary: Arc<Diary>,
    /// Of the plain TCP listener.
    pub addr: SocketAddr,
    /// The way its clients take.
    pub way: Way,
    /// Names in the client certificates shown, one a login.
    pub seen_names: Arc<Mutex<Vec<Option<String>>>>,
}

pub async fn gate() -> Running {
    gate_with(Limits::default()).await
}

pub async fn gate_with(limits: Limits) -> Running {
    gate_on(Arc::default(), limits).await
}

/// A gate whose clients come over this transport. It listens on plain TCP as well.
pub async fn gate_over(transport: Transport, limits: Limits) -> Running {
    gate_open(Arc::default(), transport, limits).await
}

pub async fn gate_on(disk: Arc<Disk>, limits: Limits) -> Running {
    gate_open(disk, Transport::Tcp, limits).await
}

async fn gate_open(disk: Arc<Disk>, transport: Transport, limits: Limits) -> Running {
    let ledger = MemoryLedger::open(&disk);
    let diary = Arc::new(Diary::default());
    let config = GateConfig { listen: vec![Listen::tcp("127.0.0.1:0".parse().unwrap())], limits };
    let doorman = Doorman::default();
    let seen_names = doorman.names.clone();
    let gate = Gate::start(config, ledger.clone(), Arc::new(doorman), diary.clone()).await.unwrap();
    gate.listen().await.unwrap();
    let addr = gate.addresses()[0];
    let mut way = Way::from(addr);
    if transport != Transport::Tcp {
        gate.set_tls(Some(ways::tls(false)));
        let any = "127.0.0.1:0".parse().unwrap();
        way = Way { transport, addr: gate.set_listener(transport, Some(any)).await.unwrap().unwrap() };
    }
    Running { gate, ledger, disk, diary, addr, way, seen_names }
}

impl Running {
    /// Power loss and a new start on what was durable. The old gate's connections end.
    pub async fn crash_and_restart(self) -> Running {
        self.ledger.crash();
        self.gate.stop().await;
        gate_open(self.disk.clone(), self.way.transport, Limits::default()).await
    }

    /// Everything the ledger was given so far is durable.
    pub async fn settled(&self) {
        eventually("the ledger to write", || self.ledger.is_settled()).await;
    }

    pub async fn client(&self, id: &str) -> Client {
        Client::connect(self.way, Options::new(id)).await.0
    }

    pub async fn client5(&self, id: &str) -> Client {
        Client::connect(self.way, Options::new(id).v5()).await.0
    }
}

/// Waits for something that happens in another task.
pub async fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain for {what}");
}

/// The will of a CONNECT, at QoS 1.
#[derive(Clone)]
pub struct Will {
    pub topic: String,
    pub payload: String,
    pub properties: Vec<u8>,
}

/// CONNECT.
#[derive(Clone)]
pub struct Options {
    pub id: String,
    pub level: u8,
    pub clean: bool,
    pub keepalive_s: u16,
    pub login: Option<(String, String)>,
    pub will: Option<Will>,
    pub properties: Vec<u8>,
}

impl Options {
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            level: 4,
            clean: true,
            keepalive_s: 60,
            login: Some(("admin".into(), "secret".into())),
            will: None,
            properties: Vec::new(),
        }
    }

    pub fn v5(mut self) -> Self {
        self.level = 5;
        self
    }

    pub fn lasting(mut self) -> Self {
        self.clean = false;
        if self.level == 5 {
            self.properties.extend([0x11, 0, 0, 0xff, 0xff]);
        }
        self
    }

    pub fn user(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    pub fn keepalive(mut self, seconds: u16) -> Self {
        self.keepalive_s = seconds;
        self
    }

    pub fn property(mut self, bytes: &[u8]) -> Self {
        self.properties.extend_from_slice(bytes);
        self
    }

    pub fn will(mut self, topic: &str, payload: &str) -> Self {
        self.will = Some(Will { topic: topic.into(), payload: payload.into(), properties: Vec::new() });
        self
    }

    pub fn packet(&self) -> Vec<u8> {
        let mut flags = u8::from(self.clean) << 1;
        let mut body = Vec::new();
        string(&mut body, if self.level == 3 { b"MQIsdp" } else { b"MQTT" });
        body.push(self.level);
        let flags_at = body.len();
        body.push(0);
        body.extend(self.keepalive_s.to_be_bytes());
        if self.level == 5 {
            varint(&mut body, self.properties.len());
            body.extend(&self.properties);
        }
        string(&mut body, self.id.as_bytes());
        if let Some(Will { topic, payload, properties }) = &self.will {
            flags |= 4 | 1 << 3;
            if self.level == 5 {
                varint(&mut body, properties.len());
                body.extend(properties);
            }
            string(&mut body, topic.as_bytes());
            string(&mut body, payload.as_bytes());
        }
        if let Some((user, password)) = &self.login {
            flags |= 0xC0;
            string(&mut body, user.as_bytes());
            string(&mut body, password.as_bytes());
        }
        body[flags_at] = flags;
        packet(0x10, &body)
    }
}

pub fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}

pub fn varint(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = (value % 128) as u8;
        value /= 128;
        out.push(if value > 0 { byte | 0x80 } else { byte });
        if value == 0 {
            return;
        }
    }
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    varint(&mut out, body.len());
    out.extend(body);
    out
}

pub fn publish_packet(
    v5: bool,
    flags: u8,
    topic: &str,
    id: u16,
    properties: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut body = Vec::new();
    string(&mut body, topic.as_bytes());
    if flags & 6 != 0 {
        body.extend(id.to_be_bytes());
    }
    if v5 {
        varint(&mut body, properties.len());
        body.extend(properties);
    }
    body.extend(payload);
    packet(0x30 | flags, &body)
}

/// A packet from the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    ConnAck { present: bool, code: u8, properties: Vec<u8> },
    Publish(Received),
    PubAck { id: u16, reason: u8 },
    PubRec { id: u16, reason: u8 },
    PubRel { id: u16 },
    PubComp { id: u16, reason: u8 },
    SubAck { id: u16, codes: Vec<u8> },
    UnsubAck { id: u16, codes: Vec<u8> },
    PingResp,
    Disconnect { reason: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
    pub id: u16,
    pub properties: Vec<u8>,
}

impl Received {
    pub fn text(&self) -> String {
        String::from_utf8(self.payload.clone()).unwrap()
    }
}

/// A client on a socket.
pub struct Client {
    pub stream: Box<dyn Pipe>,
    buffer: Vec<u8>,
    pub v5: bool,
    next_id: u16,
    /// Messages that came while an answer was awaited: the two have no order between them.
    aside: VecDeque<Received>,
}

impl Client {
    /// On an open pipe, having said nothing.
    pub async fn raw(way: impl Into<Way>) -> Client {
        Self::on(ways::open(way.into()).await)
    }

    pub fn on(stream: Box<dyn Pipe>) -> Client {
        Client { stream, buffer: Vec::with_capacity(65_536), v5: false, next_id: 0, aside: VecDeque::new() }
    }

    /// Connects and expects to be let in; also returns session present.
    pub async fn connect(way: impl Into<Way>, options: Options) -> (Client, bool) {
        let mut client = Self::raw(way).await;
        client.v5 = options.level == 5;
        client.send(&options.packet()).await;
        match client.next().await {
            Some(Got::ConnAck { present, code: 0, .. }) => (client, present),
            other => panic!("{} was not let in: {other:?}", options.id),
        }
    }

    /// Connects and returns the CONNACK code of the refusal.
    pub async fn refused(way: impl Into<Way>, options: Options) -> u8 {
        let mut client = Self::raw(way).await;
        client.v5 = options.level == 5;
        client.send(&options.packet()).await;
        match client.next().await {
            Some(Got::ConnAck { present: false, code, .. }) if code != 0 => {
                client.expect_closed().await;
                code
            }
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub fn id(&mut self) -> u16 {
        self.next_id += 1;
        self.next_id
    }

    /// Publishes and, at QoS 1 and 2, goes through the whole handshake.
    pub async fn publish(&mut self, topic: &str, payload: &str, qos: u8) {
        self.publish_with(topic, payload, qos, false, &[]).await;
    }

    pub async fn retain(&mut self, topic: &str, payload: &str) {
        self.publish_with(topic, payload, 1, true, &[]).await;
    }

    pub async fn publish_with(
        &mut self,
        topic: &str,
        payload: &str,
        qos: u8,
        retain: bool,
        properties: &[u8],
    ) {
        let id = if qos > 0 { self.id() } else { 0 };
        let flags = qos << 1 | u8::from(retain);
        self.send(&publish_packet(self.v5, flags, topic, id, properties, payload.as_bytes())).await;
        match qos {
            0 => {}
            1 => assert_eq!(self.answer().await, Got::PubAck { id, reason: 0 }),
            _ => {
                assert_eq!(self.answer().await, Got::PubRec { id, reason: 0 });
                self.ack(0x62, id).await;
                assert_eq!(self.answer().await, Got::PubComp { id, reason: 0 });
            }
        }
    }

    /// PUBACK 0x40, PUBREC 0x50, PUBREL 0x62, PUBCOMP 0x70.
    pub async fn ack(&mut self, first: u8, id: u16) {
        self.send(&packet(first, &id.to_be_bytes())).await;
    }

    pub async fn subscribe(&mut self, filter: &str, qos: u8) -> Vec<u8> {
        self.subscribe_with(filter, qos, &[]).await
    }

    /// `options` is the whole subscription options byte.
    pub async fn subscribe_with(&mut self, filter: &str, options: u8, properties: &[u8]) -> Vec<u8> {
        let id = self.send_subscribe(filter, options, properties).await;
        match self.answer().await {
            Got::SubAck { id: acked, codes } if acked == id => codes,
            other => panic!("expected SUBACK, got {other:?}"),
        }
    }

    pub async fn send_subscribe(&mut self, filter: &str, options: u8, properties: &[u8]) -> u16 {
        let id = self.id();
        let mut body = id.to_be_bytes().to_vec();
        if self.v5 {
            varint(&mut body, properties.len());
            body.extend(properties);
        }
        string(&mut body, filter.as_bytes());
        body.push(options);
        self.send(&packet(0x82, &body)).await;
        id
    }

    pub async fn unsubscribe(&mut self, filter: &str) -> Vec<u8> {
        let id = self.id();
        let mut body = id.to_be_bytes().to_vec();
        if self.v5 {
            body.push(0);
        }
        string(&mut body, filter.as_bytes());
        self.send(&packet(0xA2, &body)).await;
        match self.answer().await {
            Got::UnsubAck { id: acked, codes } if acked == id => codes,
            other => panic!("expected UNSUBACK, got {other:?}"),
        }
    }

    /// The next packet that is no PUBLISH; those are kept for `receive`.
    pub async fn answer(&mut self) -> Got {
        loop {
            match self.next().await.expect("the gate closed the connection") {
                Got::Publish(received) => self.aside.push_back(received),
                other => return other,
            }
        }
    }

    /// PINGREQ, PINGRESP: everything sent before it has been read by the gate.
    pub async fn ping(&mut self) {
        self.send(&[0xC0, 0]).await;
        assert_eq!(self.expect().await, Got::PingResp);
    }

    pub async fn disconnect(mut self) {
        self.send(&[0xE0, 0]).await;
        self.expect_closed().await;
    }

    /// The next packet; panics when the connection ends.
    pub async fn expect(&mut self) -> Got {
        if let Some(received) = self.aside.pop_front() {
            return Got::Publish(received);
        }
        self.next().await.expect("the gate closed the connection")
    }

    /// The next PUBLISH, acknowledged in full.
    pub async fn receive(&mut self) -> Received {
        let received = match self.expect().await {
            Got::Publish(received) => received,
            other => panic!("expected PUBLISH, got {other:?}"),
        };
        match received.qos {
            0 => {}
            1 => self.ack(0x40, received.id).await,
            _ => {
                self.ack(0x50, received.id).await;
                assert_eq!(self.answer().await, Got::PubRel { id: received.id });
                self.ack(0x70, received.id).await;
            }
        }
        received
    }

    /// Payloads of the next messages.
    pub async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            texts.push(self.receive().await.text());
        }
        texts
    }

    /// Nothing but the answer to a ping is on its way.
    pub async fn expect_nothing(&mut self) {
        self.ping().await;
    }

    pub async fn expect_closed(&mut self) {
        if let Some(got) = self.next().await {
            panic!("expected the connection to be closed, got {got:?}");
        }
    }

    /// The next packet, `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<Got> {
        let (first, body) = self.next_raw().await?;
        Some(parse(first, &body, self.v5))
    }

    /// Its first byte, and what follows the fixed header.
    pub async fn next_raw(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some(packet) = self.take() {
                return Some(packet);
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await;
            if matches!(read.expect("nothing came from the gate"), Ok(0) | Err(_)) {
                return None;
            }
        }
    }

    fn take(&mut self) -> Option<(u8, Vec<u8>)> {
        let (mut length, mut at) = (0usize, 1);
        loop {
            let byte = *self.buffer.get(at)?;
            length |= usize::from(byte & 0x7f) << (7 * (at - 1));
            at += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
        if self.buffer.len() < at + length {
            return None;
        }
        let packet: Vec<u8> = self.buffer.drain(..at + length).collect();
        Some((packet[0], packet[at..].to_vec()))
    }
}

fn split_properties(body: &[u8], v5: bool) -> (Vec<u8>, &[u8]) {
    if !v5 {
        return (Vec::new(), body);
    }
    let (mut length, mut at) = (0usize, 0);
    loop {
        let byte = body[at];
        length |= usize::from(byte & 0x7f) << (7 * at);
        at += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    (body[at..at + length].to_vec(), &body[at + length..])
}

fn parse(first: u8, body: &[u8], v5: bool) -> Got {
    let id = || u16::from_be_bytes([body[0], body[1]]);
    let reason = || body.get(2).copied().unwrap_or(0);
    match first >> 4 {
        2 => {
            let properties = if body.len() > 2 { split_properties(&body[2..], v5).0 } else { Vec::new() };
            Got::ConnAck { present: body[0] == 1, code: body[1], properties }
        }
        3 => {
            let length = usize::from(id());
            let topic = String::from_utf8(body[2..2 + length].to_vec()).unwrap();
            let qos = first >> 1 & 3;
            let mut rest = &body[2 + length..];
            let mut id = 0;
            if qos > 0 {
                id = u16::from_be_bytes([rest[0], rest[1]]);
                rest = &rest[2..];
            }
            let (properties, payload) = split_properties(rest, v5);
            let payload = payload.to_vec();
            let (retain, dup) = (first & 1 == 1, first & 8 == 8);
            Got::Publish(Received { topic, payload, qos, retain, dup, id, properties })
        }
        4 => Got::PubAck { id: id(), reason: reason() },
        5 => Got::PubRec { id: id(), reason: reason() },
        6 => Got::PubRel { id: id() },
        7 => Got::PubComp { id: id(), reason: reason() },
        9 => Got::SubAck { id: id(), codes: split_properties(&body[2..], v5).1.to_vec() },
        11 => Got::UnsubAck { id: id(), codes: split_properties(&body[2..], v5).1.to_vec() },
        13 => Got::PingResp,
        14 => Got::Disconnect { reason: body.first().copied().unwrap_or(0) },
        other => panic!("the gate sent a packet of type {other}"),
    }
}

/// One test over TCP, TLS and WebSocket: `over_each!(name)` calls the function `name` with a running gate whose
/// clients take that way. A second argument is the gate's limits.
#[allow(unused_macros)]
macro_rules! over_each {
    ($name:ident) => {
        over_each!($name, broker::Limits::default());
    };
    ($name:ident, $limits:expr) => {
        mod $name {
            use super::*;

            #[tokio::test]
            async fn over_tcp() {
                super::$name(common::gate_over(broker::Transport::Tcp, $limits).await).await;
            }

            #[tokio::test]
            async fn over_tls() {
                super::$name(common::gate_over(broker::Transport::Tls, $limits).await).await;
            }

            #[tokio::test]
            async fn over_websocket() {
                super::$name(common::gate_over(broker::Transport::Ws, $limits).await).await;
            }
        }
    };
}
pub(crate) use over_each;
