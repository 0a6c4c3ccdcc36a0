//! Who gets in when many are connected already.
#![allow(clippy::unwrap_used)]

mod common;

use broker::{GateEvent, Limits, RefusedAt};
use common::{Client, Options, Running, eventually, gate, gate_with};

/// What the owner was told of refusals at a limit.
fn told(running: &Running) -> Vec<String> {
    let diary = running.diary.0.lock();
    let why = |event: &GateEvent| match event {
        GateEvent::Refused { at: RefusedAt::Limit, why, .. } => Some(why.clone()),
        _ => None,
    };
    diary.iter().filter_map(why).collect()
}

fn plug(id: &str) -> Options {
    Options::new(id).user("plug", "secret")
}

#[tokio::test]
async fn one_credential_cannot_take_the_places_of_the_others() {
    let running = gate_with(Limits { connections_per_user_max: 2, ..Limits::default() }).await;
    let _evil = (running.client("evil-1").await, running.client5("evil-2").await);
    assert_eq!(Client::refused(running.way, Options::new("evil-3")).await, 3);
    assert_eq!(Client::refused(running.way, Options::new("evil-3").v5()).await, 0x97);
    assert_eq!(told(&running)[0], "2 clients are connected with its credential, which is the limit");
    let _board = Client::connect(running.way, plug("board")).await;
    assert_eq!(running.gate.counters().connected, 3);
}

#[tokio::test]
async fn a_board_of_a_full_credential_that_comes_back_takes_its_own_client_over() {
    for limits in [
        Limits { connections_per_user_max: 1, ..Limits::default() },
        Limits { connections_max: 1, ..Limits::default() },
    ] {
        let running = gate_with(limits).await;
        for clean in [true, false, false, true] {
            let mut options = Options::new("board");
            options.clean = clean;
            let (_lost, _) = Client::connect(running.way, options.clone()).await;
            let (back, _) = Client::connect(running.way, options).await;
            eventually("the old one to go", || running.gate.counters().connected == 1).await;
            assert_eq!(Client::refused(running.way, Options::new("another")).await, 3);
            back.disconnect().await;
            eventually("it to go", || running.gate.counters().connected == 0).await;
        }
    }
}

#[tokio::test]
async fn a_client_that_is_refused_a_place_keeps_its_session() {
    let running = gate_with(Limits { connections_per_user_max: 1, ..Limits::default() }).await;
    let mut kept = Options::new("kept");
    kept.clean = false;
    let (client, _) = Client::connect(running.way, kept.clone()).await;
    client.disconnect().await;
    eventually("it to sleep", || running.gate.counters().sleeping == 1).await;
    let other = running.client("other").await;
    assert_eq!(Client::refused(running.way, Options::new("kept")).await, 3, "a clean start would end it");
    assert_eq!(running.gate.counters().sleeping, 1);
    other.disconnect().await;
    eventually("a place", || running.gate.counters().connected == 0).await;
    let (_client, session_present) = Client::connect(running.way, kept).await;
    assert!(session_present);
}

#[tokio::test]
async fn full_credentials_together_do_not_lock_out_a_board_that_comes_back() {
    let running = gate_with(Limits { connections_max: 10, ..Limits::default() }).await;
    let mut full = Vec::new();
    for n in 0..9 {
        full.push(running.client(&format!("evil-{n}")).await);
    }
    assert_eq!(Client::refused(running.way, Options::new("evil-9")).await, 3);
    assert_eq!(Client::refused(running.way, Options::new("evil-9").v5()).await, 0x97);
    assert_eq!(told(&running)[0], "the last 1 places are kept for credentials that have no connection yet");
    let (board, _) = Client::connect(running.way, plug("board")).await;
    let guest = Options::new("guest").user("guest", "secret");
    assert_eq!(Client::refused(running.way, guest).await, 3, "all places are taken");
    board.disconnect().await;
    eventually("the board to go", || running.gate.counters().connected == 9).await;
    let _back = Client::connect(running.way, plug("board")).await;
}

#[tokio::test]
async fn a_password_typed_as_the_client_id_too_is_told_by_its_length() {
    let running = gate().await;
    let typed = "correct horse battery";
    assert_eq!(Client::refused(running.way, Options::new(typed).user("admin", typed)).await, 4);
    assert_eq!(Client::refused(running.way, Options::new("board").user("admin", typed)).await, 4);
    let diary = running.diary.0.lock();
    assert!(!format!("{diary:?}").contains(typed), "{diary:?}");
    let ids: Vec<_> = diary
        .iter()
        .filter_map(|event| match event {
            GateEvent::Refused { client_id, .. } => client_id.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["…(21 characters)", "board"]);
}

#[tokio::test]
async fn nothing_listens_at_an_address_for_many() {
    let running = gate().await;
    for address in ["224.0.0.1:0", "255.255.255.255:0", "[ff02::1]:0", "[::ffff:224.0.0.1]:0"] {
        let refused = running.gate.set_listener(broker::Transport::Ws, address.parse().ok()).await;
        assert!(matches!(refused, Err(broker::StartError::NotHere { .. })), "{address}: {refused:?}");
    }
}
