//! TCP, TLS, WebSocket and both: the same MQTT on each, and a handshake is in nobody's way.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use broker::{Gate, GateEvent, Limits, RefusedAt, Transport};
use common::ways::{self, believing, certificate_for, papers, tcp, tls_over, websocket_over};
use common::{ALL, Client, Got, Options, PATIENCE, Running, eventually, gate, gate_over, publish_packet};
use futures_util::{SinkExt, StreamExt};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

const HANDSHAKES: [Transport; 3] = [Transport::Tls, Transport::Ws, Transport::Wss];

async fn healthy(running: &Running) {
    for level in [4, 5] {
        let mut options = Options::new("health");
        options.level = level;
        let (mut client, _) = Client::connect(running.way, options).await;
        client.subscribe("health", 0).await;
        client.publish("health", "ok", 0).await;
        assert_eq!(client.receive().await.text(), "ok");
        client.disconnect().await;
    }
}

/// What was told of the refusals so far.
fn refusals(running: &Running) -> Vec<String> {
    let why = |event: &GateEvent| match event {
        GateEvent::Refused { why, .. } => Some(why.clone()),
        _ => None,
    };
    running.diary.0.lock().iter().filter_map(why).collect()
}

async fn told(running: &Running, why: &str) {
    eventually(why, || refusals(running).iter().any(|told| told.contains(why))).await;
}

/// Everything the gate sends until it closes.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    // A reset is a way to close, too.
    let _ = read.expect("the gate keeps the connection open");
    bytes
}

#[tokio::test]
async fn every_transport_carries_mqtt() {
    for transport in ALL {
        let running = gate_over(transport, Limits::default()).await;
        for level in [3, 4, 5] {
            let mut options = Options::new(&format!("c{level}"));
            options.level = level;
            let (mut client, _) = Client::connect(running.way, options).await;
            client.subscribe("t/#", 2).await;
            for qos in 0..=2 {
                client.publish(&format!("t/{qos}"), "hello", qos).await;
                let received = client.receive().await;
                assert_eq!((received.topic, received.qos), (format!("t/{qos}"), qos), "{transport}");
            }
            let info = running.gate.clients().into_iter().find(|info| info.peer.is_some()).unwrap();
            assert_eq!(info.transport, Some(transport));
            client.disconnect().await;
        }
    }
}

#[tokio::test]
async fn large_packets_pass_whole_in_both_directions() {
    for transport in ALL {
        let running = gate_over(transport, Limits::default()).await;
        let mut client = running.client("large").await;
        client.subscribe("t", 1).await;
        let payload: String = (0..900_000u32).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        client.send(&publish_packet(false, 2, "t", 7, &[], payload.as_bytes())).await;
        assert_eq!(client.answer().await, Got::PubAck { id: 7, reason: 0 });
        assert!(client.receive().await.text() == payload, "{transport}");
        // Also many small ones behind each other, which the gate writes together.
        for n in 0..500 {
            client.publish("t", &n.to_string(), 0).await;
        }
        let texts = client.texts(500).await;
        assert!(texts.iter().enumerate().all(|(n, text)| *text == n.to_string()), "{transport}");
    }
}

#[tokio::test]
async fn r08_a_silent_socket_or_a_broken_handshake_delays_nobody() {
    // [R8], [R30]
    for transport in HANDSHAKES {
        let limits = Limits { connect_timeout_ms: 1_500, ..Limits::default() };
        let running = gate_over(transport, limits).await;
        let mut sockets = Vec::new();
        // The beginning of a ClientHello, or of a request; and at last nothing at all.
        let half: &[u8] = match transport {
            Transport::Ws => b"GET /mqtt HTTP/1.1\r\nHost: ",
            _ => &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3, 7, 7, 7],
        };
        for n in 0..300 {
            let mut stream = tcp(running.way.addr).await;
            match n % 3 {
                0 => {}
                1 => stream.write_all(half).await.unwrap(),
                _ => stream.write_all(&[n as u8 | 0x80; 64]).await.unwrap(),
            }
            sockets.push(stream);
        }
        healthy(&running).await;
        for socket in &mut sockets {
            rest(socket).await;
        }
        told(&running, "did not finish the handshake in time").await;
        let counters = running.gate.counters();
        assert_eq!(counters.refused, 300, "{transport}");
        assert_eq!(counters.handshakes_failed, 200, "{transport}");
        let events = refusals(&running).len();
        assert!(events <= 30, "{events} events for 300 sockets");
        eventually("the sockets to be gone", || running.gate.counters().connected == 0).await;
    }
}

#[tokio::test]
async fn a_flood_of_handshakes_leaves_room_for_clients() {
    for transport in [Transport::Tls, Transport::Wss] {
        let limits = Limits { lobby_per_address_max: 16, ..Limits::default() };
        let running = gate_over(transport, limits).await;
        let addr = running.way.addr;
        let flood = tokio::spawn(async move {
            loop {
                let mut batch = Vec::new();
                for _ in 0..8 {
                    let Ok(mut stream) = TcpStream::connect(addr).await else { continue };
                    let _ = stream.write_all(&[0x16, 3, 1, 0, 200, 1]).await;
                    batch.push(stream);
                }
                tokio::task::yield_now().await;
            }
        });
        let mut client = running.client("steady").await;
        client.subscribe("t", 1).await;
        for n in 0..50 {
            client.publish("t", &n.to_string(), 1).await;
        }
        assert_eq!(client.texts(50).await.len(), 50);
        flood.abort();
        let _ = flood.await;
        healthy(&running).await;
    }
}

#[tokio::test]
async fn whoever_comes_to_the_wrong_port_is_told_so() {
    let connect = Options::new("lost").packet();
    let hello: &[u8] = &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0];
    let get = b"GET / HTTP/1.1\r\nHost: hearth\r\n\r\n";
    let upgrade = b"GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    for (transport, sent, why) in [
        (Transport::Tcp, hello, "it speaks TLS on the port for plain MQTT"),
        (Transport::Tcp, get, "it speaks HTTP or WebSocket on the port for plain MQTT"),
        (Transport::Tls, &connect, "it speaks plain MQTT on the TLS port"),
        (Transport::Tls, get, "it speaks plain HTTP or WebSocket on a TLS port"),
        (Transport::Tls, &[0u8; 10], "what it sends is not TLS"),
        (Transport::Ws, &connect, "it speaks MQTT without WebSocket on the WebSocket port"),
        (Transport::Ws, hello, "it speaks TLS on the port for WebSocket without TLS"),
        (Transport::Ws, get, "it sent an ordinary HTTP request to the WebSocket port"),
        (Transport::Ws, upgrade, "it speaks another version of WebSocket than 13"),
        (Transport::Wss, get, "it speaks plain HTTP or WebSocket on a TLS port"),
    ] {
        let running = gate_over(transport, Limits::default()).await;
        let mut stream = tcp(running.way.addr).await;
        stream.write_all(sent).await.unwrap();
        let answer = String::from_utf8_lossy(&rest(&mut stream).await).into_owned();
        told(&running, why).await;
        if sent == get && transport != Transport::Tcp {
            assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
            let (head, text) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}", text.len())), "{answer}");
        }
        healthy(&running).await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_certificate_is_told_so() {
    let running = gate_over(Transport::Tls, Limits::default()).await;
    let nobody = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    assert!(tls_over(tcp(running.way.addr).await, nobody.into()).await.is_err());
    told(&running, "it does not trust the certificate").await;
    healthy(&running).await;
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken_with_the_cipher_boards_have() {
    let running = gate_over(Transport::Tls, Limits::default()).await;
    for version in [&TLS12, &TLS13] {
        let pipe = tls_over(tcp(running.way.addr).await, believing(None, &[version])).await.unwrap();
        let mut client = Client::on(pipe);
        client.send(&Options::new("v").packet()).await;
        assert!(matches!(client.next().await, Some(Got::ConnAck { code: 0, .. })));
    }
    // BearSSL in a board offers this suite alone.
    let mut board = rustls::crypto::ring::default_provider();
    board.cipher_suites = vec![rustls::crypto::ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256];
    board.kx_groups = vec![rustls::crypto::ring::kx_group::SECP256R1];
    let config = rustls::ClientConfig::builder_with_provider(board.into())
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(ways::roots())
        .with_no_client_auth();
    let pipe = tls_over(tcp(running.way.addr).await, config.into()).await.unwrap();
    let mut client = Client::on(pipe);
    client.send(&Options::new("board").packet()).await;
    assert!(matches!(client.next().await, Some(Got::ConnAck { code: 0, .. })));
}

#[tokio::test]
async fn small_records_have_at_most_512_bytes_on_the_wire() {
    let running = gate_over(Transport::Tls, Limits::default()).await;
    running.gate.set_tls(Some(ways::tls(true)));
    for version in [&TLS12, &TLS13] {
        let (relay, lengths) = ways::recording_relay(running.way.addr).await;
        let mut client = Client::on(tls_over(tcp(relay).await, believing(None, &[version])).await.unwrap());
        client.send(&Options::new("board").packet()).await;
        assert!(matches!(client.next().await, Some(Got::ConnAck { code: 0, .. })));
        client.subscribe("t", 0).await;
        let payload = "x".repeat(50_000);
        client.publish("t", &payload, 0).await;
        assert_eq!(client.receive().await.text(), payload);
        let lengths = lengths.lock().clone();
        assert!(lengths.len() > 100, "{} records for 50 kB", lengths.len());
        assert!(lengths.iter().all(|length| *length <= 512), "{lengths:?}");
    }
}

#[tokio::test]
async fn certificates_of_clients_are_checked_and_their_name_is_passed_on() {
    let running = gate_over(Transport::Tls, Limits::default()).await;
    let versions = [&TLS12, &TLS13];
    let own = certificate_for("plug-7");
    let stranger = broker::authority::make_authority("Stranger", 0).unwrap();
    let strange = broker::authority::issue_client(&stranger, "plug-7").unwrap();
    let enter = async |certificate| {
        let stream = tcp(running.way.addr).await;
        let mut client = Client::on(tls_over(stream, believing(certificate, &versions)).await?);
        // With TLS 1.3 the client is done before the gate has looked at its certificate.
        client.stream.write_all(&Options::new("plug").packet()).await?;
        client.stream.flush().await?;
        match client.next().await {
            Some(Got::ConnAck { code: 0, .. }) => Ok(running.seen_names.lock().last().cloned().flatten()),
            _ => Err(std::io::Error::other("closed")),
        }
    };
    running.gate.set_tls(Some(ways::tls_asking(false)));
    assert_eq!(enter(Some(&own)).await.unwrap().as_deref(), Some("plug-7"));
    assert_eq!(enter(None).await.unwrap(), None);
    assert!(enter(Some(&strange)).await.is_err());
    told(&running, "its certificate was signed by an authority that is not believed here").await;
    running.gate.set_tls(Some(ways::tls_asking(true)));
    assert_eq!(enter(Some(&own)).await.unwrap().as_deref(), Some("plug-7"));
    assert!(enter(None).await.is_err());
    told(&running, "it shows no certificate, and one is asked for").await;
    // A server's certificate is none for a client, although the same authority made it.
    assert!(enter(Some(&papers().server)).await.is_err());
    told(&running, "its certificate is not one for clients").await;
}

#[tokio::test]
async fn packets_may_lie_across_frames_as_they_like() {
    for transport in [Transport::Ws, Transport::Wss] {
        let running = gate_over(transport, Limits::default()).await;
        let pipe = ways::open_below_websocket(running.way).await;
        let mut socket = websocket_over(pipe).await;
        let mut bytes = Options::new("frames").packet();
        bytes.extend(common::packet(0x82, &[0, 1, 0, 1, b't', 0]));
        for n in 0..20u8 {
            bytes.extend(publish_packet(false, 0, "t", 0, &[], &[n]));
        }
        let fragment = |bytes: &[u8], opcode, last| {
            Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(opcode), last))
        };
        // A byte a frame; fragments with a ping between them; an empty frame; the rest at once.
        for byte in &bytes[..10] {
            socket.send(Message::binary(vec![*byte])).await.unwrap();
        }
        socket.send(fragment(&bytes[10..13], Data::Binary, false)).await.unwrap();
        socket.send(Message::Ping(b"between".to_vec().into())).await.unwrap();
        socket.send(fragment(&bytes[13..14], Data::Continue, false)).await.unwrap();
        socket.send(fragment(&bytes[14..30], Data::Continue, true)).await.unwrap();
        socket.send(Message::binary(Vec::new())).await.unwrap();
        socket.send(Message::binary(bytes[30..].to_vec())).await.unwrap();
        let (mut received, mut ponged) = (Vec::new(), false);
        while received.len() < 4 + 5 + 20 * 6 {
            match timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap() {
                Message::Binary(bytes) => received.extend(bytes),
                Message::Pong(bytes) => ponged = bytes == "between",
                other => panic!("{other:?}"),
            }
        }
        assert!(ponged);
        assert_eq!(received[..9], [0x20, 2, 0, 0, 0x90, 3, 0, 1, 0]);
        let payloads: Vec<u8> = received[9..].chunks(6).map(|publish| publish[5]).collect();
        assert_eq!(payloads, (0..20).collect::<Vec<u8>>());
        socket.close(None).await.unwrap();
        eventually("the client to be gone", || running.gate.counters().connected == 0).await;
    }
}

#[tokio::test]
async fn text_frames_and_broken_frames_end_the_connection_with_the_reason() {
    let running = gate_over(Transport::Ws, Limits::default()).await;
    let disconnected = |why: &'static str| {
        let diary = running.diary.clone();
        move || {
            let told = diary.0.lock();
            told.iter()
                .any(|event| matches!(event, GateEvent::Disconnected { why: told, .. } if told.contains(why)))
        }
    };
    let mut socket = websocket_over(tcp(running.way.addr).await).await;
    socket.send(Message::binary(Options::new("text").packet())).await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    match timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap() {
        Message::Close(Some(close)) => assert_eq!(u16::from(close.code), 1_003),
        other => panic!("{other:?}"),
    }
    eventually("the reason", disconnected("it sent a text frame")).await;

    // Without the mask every client must use.
    let mut socket = websocket_over(tcp(running.way.addr).await).await;
    socket.send(Message::binary(Options::new("unmasked").packet())).await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket.get_mut().write_all(&[0x82, 2, 0xC0, 0]).await.unwrap();
    match timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap() {
        Message::Close(Some(close)) => assert_eq!(u16::from(close.code), 1_002),
        other => panic!("{other:?}"),
    }
    eventually("the reason", disconnected("without a mask")).await;
    healthy(&running).await;
}

#[tokio::test]
async fn a_request_without_end_is_answered_and_closed() {
    let running = gate_over(Transport::Ws, Limits::default()).await;
    let mut stream = tcp(running.way.addr).await;
    let endless = format!("GET /mqtt HTTP/1.1\r\nX: {}", "y".repeat(17_000));
    stream.write_all(endless.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{answer:?}");
    told(&running, "its WebSocket request is too long").await;
}

#[tokio::test]
async fn r31_a_client_that_never_reads_is_closed_over_every_transport() {
    // [R31]
    for transport in ALL {
        let limits = Limits { write_deadline_ms: 1_000, pause_ms_max: 100, ..Limits::default() };
        let running = gate_over(transport, limits).await;
        let mut lazy = running.client("lazy").await;
        lazy.subscribe("flood", 0).await;
        let mut publisher = running.client("publisher").await;
        let payload = "x".repeat(100_000);
        let flooding = async {
            loop {
                publisher.publish("flood", &payload, 0).await;
                publisher.ping().await;
            }
        };
        let closed =
            eventually("the lazy client to be closed", || running.gate.counters().write_deadlines == 1);
        tokio::select! {
            () = closed => {}
            () = flooding => {}
        }
        healthy(&running).await;
    }
}

#[tokio::test]
async fn a_listener_closes_and_moves_while_its_connections_stay() {
    let running = gate().await;
    let gate: &Gate = &running.gate;
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let mut client = running.client("steady").await;
    client.subscribe("t", 1).await;

    assert_eq!(gate.set_listener(Transport::Tcp, None).await.unwrap(), None);
    assert_eq!(gate.listeners(), []);
    assert!(TcpStream::connect(running.addr).await.is_err(), "the port is free");
    client.publish("t", "closed", 1).await;
    assert_eq!(client.receive().await.text(), "closed");

    let first = gate.set_listener(Transport::Tcp, Some(any)).await.unwrap().unwrap();
    let second = gate.set_listener(Transport::Tcp, Some(any)).await.unwrap().unwrap();
    assert_ne!(first, second);
    assert!(TcpStream::connect(first).await.is_err());
    // The same port on another address: the old socket would be in the way of the new one.
    let wide = SocketAddr::new("0.0.0.0".parse().unwrap(), second.port());
    assert_eq!(gate.set_listener(Transport::Tcp, Some(wide)).await.unwrap(), Some(wide));
    let narrow = SocketAddr::new("127.0.0.2".parse().unwrap(), second.port());
    assert_eq!(gate.set_listener(Transport::Tcp, Some(narrow)).await.unwrap(), Some(narrow));
    assert!(TcpStream::connect(second).await.is_err());
    Client::connect(narrow, Options::new("there")).await;

    // What cannot be opened leaves the old one as it was.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    for wrong in
        [taken, "192.0.2.1:0".parse().unwrap(), SocketAddr::new("192.0.2.1".parse().unwrap(), narrow.port())]
    {
        let refused = gate.set_listener(Transport::Tcp, Some(wrong)).await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(gate.listeners(), [(Transport::Tcp, narrow)]);
        Client::connect(narrow, Options::new("there")).await;
    }
    client.publish("t", "still", 1).await;
    assert_eq!(client.receive().await.text(), "still");
}

#[tokio::test]
async fn a_listener_that_cannot_open_says_why() {
    let running = gate().await;
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let refused = running.gate.set_listener(Transport::Tls, Some(any)).await.unwrap_err();
    assert_eq!(refused.to_string(), "MQTT over TLS needs a certificate. Make one, or bring one, first.");
    let refused = running.gate.set_listener(Transport::Ws, Some(running.addr)).await.unwrap_err();
    let port = running.addr.port();
    assert_eq!(
        refused.to_string(),
        format!("Port {port} is Hearth's own, for MQTT over TCP. Choose another port.")
    );
    assert_eq!(running.gate.listeners(), [(Transport::Tcp, running.addr)]);
}

#[tokio::test]
async fn too_many_connections_of_one_address_are_closed_as_they_come() {
    let limits = Limits { connections_per_address_max: 3, ..Limits::default() };
    let running = gate_over(Transport::Tcp, limits).await;
    let first = running.client("a").await;
    let _others = (running.client("b").await, running.client("c").await);
    Client::raw(running.way).await.expect_closed().await;
    assert_eq!(running.gate.counters().over_address_limit, 1);
    told(&running, "3 connections of its address are open, which is the limit").await;
    first.disconnect().await;
    eventually("a place", || running.gate.counters().connected == 2).await;
    // Its task may still be on the way out.
    loop {
        let mut client = Client::raw(running.way).await;
        let _ = client.stream.write_all(&Options::new("d").packet()).await;
        if client.next().await.is_some() {
            break;
        }
    }
}

#[tokio::test]
async fn who_connects_too_fast_is_closed_and_told_once() {
    let limits = Limits { connects_per_second_loopback_max: 1, ..Limits::default() };
    let running = gate_over(Transport::Tcp, limits).await;
    let mut steady = running.client("steady").await;
    for _ in 0..200 {
        let mut stream = tcp(running.way.addr).await;
        let _ = stream.write_all(&Options::new("wild").packet()).await;
    }
    eventually("the wild one to be held up", || running.gate.counters().over_connect_rate > 100).await;
    told(&running, "its address opens more than 1 connections a second").await;
    let limit = |event: &&GateEvent| matches!(event, GateEvent::Refused { at: RefusedAt::Limit, .. });
    assert_eq!(running.diary.0.lock().iter().filter(limit).count(), 1);
    steady.publish("t", "x", 1).await;
}

#[tokio::test]
async fn a_gate_that_stops_says_goodbye_over_every_transport() {
    for transport in ALL {
        let running = gate_over(transport, Limits::default()).await;
        let mut client = running.client5("a").await;
        timeout(Duration::from_secs(10), running.gate.stop()).await.expect("it stops");
        assert_eq!(client.next().await, Some(Got::Disconnect { reason: 0x8B }), "{transport}");
        client.expect_closed().await;
    }
}
