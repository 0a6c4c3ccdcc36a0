//! The HTTP door over a real socket: who is let in, and what they are told.

use crate::house::House;
use serde_json::{Value, json};

struct Visit<'a> {
    house: &'a House,
    agent: ureq::Agent,
}

impl<'a> Visit<'a> {
    fn new(house: &'a House) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { house, agent }
    }

    /// Status and body of a call with these headers.
    async fn call(&self, method: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let address = self.house.hub.http_address().unwrap();
        let mut request = self.agent.post(format!("http://{address}/api/{method}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.to_owned();
        let mut response = tokio::task::spawn_blocking(move || request.send(body)).await.unwrap().unwrap();
        let status = response.status().as_u16();
        (status, response.body_mut().read_json().unwrap_or_default())
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
