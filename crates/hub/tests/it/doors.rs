//! The HTTP door over a real socket: who is let in, and what they are told.

use std::io::ErrorKind::WouldBlock;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::house::House;

struct Visit<'a> {
    house: &'a House,
    agent: ureq::Agent,
}

impl<'a> Visit<'a> {
    fn new(house: &'a House) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { house, agent }
    }

    /// Status of a page and the cookie it sets.
    async fn page(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Option<String>) {
        let address = self.house.hub.http_address().unwrap();
        let mut request = self.agent.get(format!("http://{address}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = tokio::task::spawn_blocking(move || request.call()).await.unwrap().unwrap();
        let cookie = response.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned());
        (response.status().as_u16(), cookie)
    }

    /// Status and body of a call with these headers.
    async fn call(&self, method: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        self.try_call(method, headers, body).await.expect("the door answers")
    }

    /// The same, if the door answers.
    async fn try_call(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Option<(u16, Value)> {
        let address = self.house.hub.http_address().unwrap();
        let mut request = self.agent.post(format!("http://{address}/api/{method}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.to_owned();
        let mut response = tokio::task::spawn_blocking(move || request.send(body)).await.unwrap().ok()?;
        let status = response.status().as_u16();
        Some((status, response.body_mut().read_json().unwrap_or_default()))
    }
}

/// A WebSocket, written by hand: small text frames only (RFC 6455, section 5.2).
struct Socket(TcpStream);

impl Socket {
    async fn open(house: &House) -> Self {
        let address = house.hub.http_address().unwrap();
        let token = house.token.clone().unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET /api/events HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: hearth, {token}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        Self(stream)
    }

    async fn say(&mut self, text: &str) {
        // A mask of zeros leaves the text as it is.
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    async fn hear(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let heard = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                self.0.read_u8().await.unwrap();
                let length = match self.0.read_u8().await.unwrap() {
                    126 => self.0.read_u16().await.unwrap().into(),
                    length => usize::from(length),
                };
                let mut text = vec![0; length];
                self.0.read_exact(&mut text).await.unwrap();
                let frame = serde_json::from_slice(&text).unwrap();
                if wanted(&frame) {
                    return frame;
                }
            }
        });
        heard.await.expect("the frame comes")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_right_token_from_the_right_page_comes_in() {
    let house = House::new().await;
    let visit = Visit::new(&house);
    let token = format!("Bearer {}", house.token.clone().unwrap());
    let right = ("Authorization", token.as_str());
    let own = format!("http://{}", house.hub.http_address().unwrap());
    for (headers, expected) in [
        (vec![right], 200),
        (vec![right, ("Origin", own.as_str())], 200),
        (vec![], 401),
        (vec![("Authorization", "Bearer wrong")], 401),
        (vec![right, ("Origin", "http://evil.example")], 403),
        (vec![right, ("Host", "evil.example")], 421),
    ] {
        let (status, body) = visit.call("info", &headers, "{}").await;
        assert_eq!(status, expected, "{headers:?}: {body}");
        assert!(status == 200 || body["message"].as_str().is_some_and(|text| text.len() > 20), "{body}");
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_get_words() {
    let house = House::new().await;
    let visit = Visit::new(&house);
    let token = format!("Bearer {}", house.token.clone().unwrap());
    for (method, body, status, code) in [
        ("nonsense", "{}", 404, "not_found"),
        ("rename_device", "{}", 400, "invalid"),
        ("rename_device", "{", 400, "invalid"),
        ("rename_device", r#"{"id":"x","name":"y"}"#, 404, "not_found"),
        ("publish", r##"{"topic":"a/#","payload":""}"##, 400, "invalid"),
        ("publish", r#"{"topic":"$SYS/x","payload":""}"#, 400, "invalid"),
        ("add_credential", r#"{"name":"a b","permissions":{"write":[],"read":[]}}"#, 400, "invalid"),
        ("add_credential", r##"{"name":"a","permissions":{"write":["a/#/b"],"read":[]}}"##, 400, "invalid"),
        ("command", r#"{"entity":"x","verb":"turn_on"}"#, 404, "not_found"),
        ("set_setting", r#"{"key":"demo","value":true}"#, 400, "invalid"),
    ] {
        let (found, answer) = visit.call(method, &[("Authorization", &token)], body).await;
        assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{method} {body}: {answer}");
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down() {
    let house = House::new().await;
    let visit = Visit::new(&house);
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(visit.call("login", &[], r#"{"token":"guess"}"#).await.0);
    }
    assert_eq!(statuses.first(), Some(&401));
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    // The owner is not locked out by whoever guesses beside them.
    let token = house.token.clone().unwrap();
    let cookie = format!("hearth_token={token}");
    assert_eq!(visit.call("info", &[("Cookie", &cookie)], "{}").await.0, 200);
    assert_eq!(visit.call("info", &[("Authorization", "Bearer guess")], "{}").await.0, 429);
    assert_eq!(visit.call("login", &[], &json!({ "token": token }).to_string()).await.0, 200);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_web_page_cannot_lock_the_owner_out() {
    let house = House::new().await;
    let visit = Visit::new(&house);
    let token = house.token.clone().unwrap();
    for site in ["cross-site", "same-site", "none"] {
        for _ in 0..20 {
            let (status, _) = visit.page("/?token=x", &[("Sec-Fetch-Site", site)]).await;
            assert_eq!(status, if site == "none" { 401 } else { 200 }, "{site}");
        }
    }
    for _ in 0..20 {
        assert_eq!(visit.call("info", &[("Cookie", "hearth_token=stale")], "{}").await.0, 401);
    }
    assert_eq!(visit.call("login", &[], r#"{"token":"typing error"}"#).await.0, 401);
    let link = format!("/?token={token}");
    let (status, cookie) = visit.page(&link, &[("Sec-Fetch-Site", "cross-site")]).await;
    assert_eq!((status, cookie), (200, None), "another page's link is not looked at");
    let (status, cookie) = visit.page(&link, &[("Sec-Fetch-Site", "none")]).await;
    assert_eq!(status, 303);
    assert!(cookie.is_some_and(|cookie| cookie.contains(&token)));
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_send_a_large_login() {
    let house = House::new().await;
    let visit = Visit::new(&house);
    let (status, answer) = visit.call("login", &[], &" ".repeat(5_000)).await;
    assert_eq!(status, 413, "{answer}");
    house.hub.stop().await;
}

/// Connections from an address of this computer, each with half a request: half a head, half a body or nothing yet.
async fn half_requests(house: &House, from: [u8; 4], count: usize) -> Vec<TcpStream> {
    let address = house.hub.http_address().unwrap();
    let mut halves = Vec::new();
    let parts = [
        "POST /api/login HTTP/1.1\r\nHost: 127.",
        "POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{",
        "",
    ];
    for part in parts.into_iter().cycle().take(count) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::from(from), 0).into()).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        // One that had to make room already is closed, and that is what it is here for.
        let _ = stream.write_all(part.as_bytes()).await;
        halves.push(stream);
    }
    halves
}

/// How many of them the door closed, once one of them is.
async fn closed(halves: &mut [TcpStream]) -> usize {
    let first = tokio::time::timeout(Duration::from_secs(20), halves[0].read_u8()).await;
    assert!(first.expect("the oldest makes room").is_err());
    halves[1..]
        .iter()
        .filter(|half| !matches!(half.try_read(&mut [0]), Err(why) if why.kind() == WouldBlock))
        .count()
        + 1
}

/// Whether the owner is let in, well before the door gives up any half request by itself.
async fn is_let_in(house: &House) -> bool {
    let visit = Visit::new(house);
    let token = format!("Bearer {}", house.token.clone().unwrap());
    let right = [("Authorization", token.as_str())];
    let call = visit.try_call("info", &right, "{}");
    tokio::time::timeout(Duration::from_secs(5), call)
        .await
        .is_ok_and(|answer| answer.is_some_and(|(status, _)| status == 200))
}

#[tokio::test(flavor = "multi_thread")]
async fn half_requests_from_the_same_address_make_room_for_the_owner() {
    // So it is with a program, or a page in the browser, of the owner's own computer.
    let house = House::new().await;
    let mut halves = half_requests(&house, [127, 0, 0, 1], 64).await;
    assert!(is_let_in(&house).await, "the owner is kept out");
    assert_eq!(closed(&mut halves).await, 1, "one made room, and the others stay");
    house.hub.stop().await;
}

#[cfg(target_os = "linux")] // Others have only one address of their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_door_full_of_half_requests_lets_the_owner_in_and_keeps_the_owners_websocket() {
    let house = House::new().await;
    let mut socket = Socket::open(&house).await;
    let mut halves = Vec::new();
    for last in 2..=6 {
        halves.push(half_requests(&house, [127, 0, 0, last], 64).await);
    }
    let flood = async {
        let mut newest = Vec::new();
        loop {
            newest.extend(half_requests(&house, [127, 0, 0, 7], 64).await);
            newest.drain(..newest.len() - 64);
        }
    };
    let asks = async {
        for _ in 0..5 {
            assert!(is_let_in(&house).await, "the owner is kept out");
        }
    };
    tokio::select! {
        () = flood => {}
        () = asks => {}
    }
    socket.say(r#"{"op":"call","id":1,"method":"info"}"#).await;
    let answer = socket.hear(|frame| frame["id"] == 1).await;
    assert!(answer["ok"].is_object(), "{answer}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_given_up() {
    let house = House::new().await;
    let mut stream = TcpStream::connect(house.hub.http_address().unwrap()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: 127").await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is still open");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_its_id_for_itself() {
    let house = House::new().await;
    let mut socket = Socket::open(&house).await;
    socket.say(r#"{"op":"sub","id":7,"method":"events"}"#).await;
    socket.say(r#"{"op":"sub","id":7,"method":"events"}"#).await;
    let refused = socket.hear(|frame| !frame["err"].is_null()).await;
    assert_eq!((&refused["id"], &refused["err"]["code"]), (&json!(7), &json!("conflict")), "{refused}");
    socket.say(r#"{"op":"unsub","id":7}"#).await;
    socket.hear(|frame| frame["end"] == true).await;
    // Nothing is left of it: the id can be used again.
    socket.say(r#"{"op":"sub","id":7,"method":"events"}"#).await;
    house
        .call("add_credential", json!({ "name": "new", "permissions": { "write": [], "read": [] } }))
        .await
        .unwrap();
    let item = socket.hear(|frame| !frame["item"].is_null()).await;
    assert_eq!(item["id"], 7);
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_hub_on_the_same_folder_is_refused_in_words() {
    let house = House::new().await;
    let Err(refused) = crate::house::start(house.dir.path()).await else { panic!("a second hub started") };
    let words = refused.to_string();
    assert!(words.contains("already running") && words.contains(&std::process::id().to_string()), "{words}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_credential_is_thrown_out() {
    let house = House::new().await;
    let mut board = house.board("board").await;
    board.say("x", "1").await;
    house.call("revoke_credential", json!({ "name": "board" })).await.unwrap();
    house.until("list_clients", json!({}), |clients| clients["clients"] == json!([])).await;
    house.hub.stop().await;
}
