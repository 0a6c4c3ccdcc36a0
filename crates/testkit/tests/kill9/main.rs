//! What was acknowledged is never lost: `kill -9` in the middle of the work, ten times on one folder.
//!
//! Twenty boards publish readings and retained messages at QoS 1; sessions listen awake and asleep. At a seeded
//! moment the process is killed without a word. Afterwards everything that was acknowledged must be there, and
//! what was not is sent again with DUP, as real clients do.

mod board;
mod copy;
mod listener;
mod readings;

use std::time::Duration;

use board::Board;
use listener::Listener;
use readings::Counts;
use testkit::hearth::{Hearth, binary};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

const ROUNDS: u32 = 10;
const BOARDS: u32 = 20;
/// Boards whose readings a sleeping session waits for.
const SLEEPERS: u32 = 3;
/// Another seed kills at other moments.
const SEED_VARIABLE: &str = "KILL9_SEED";
const SEED: u64 = 0x4E57_11F3;
/// Longest any step of a round may take before the test calls it hanging.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let binary = binary().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let seed = std::env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    let mut moments = Moments(seed);
    println!("seed {seed} (set {SEED_VARIABLE} to change it)");

    let mut hearth = Hearth::start(&binary, folder.path()).await.unwrap();
    let mut boards = Vec::new();
    for number in 0..BOARDS {
        boards.push(Board::announce(&hearth, number).await.unwrap());
    }
    let login = hearth.add_credential("listener", &[], &["kill/#"]).await.unwrap();
    let mut sleepers = Vec::new();
    for number in 0..SLEEPERS {
        let filter = format!("kill/board{number}/state");
        sleepers
            .push(Listener::subscribe(&hearth, &login, &format!("asleep{number}"), &filter).await.unwrap());
    }
    let mut awake = Listener::subscribe(&hearth, &login, "awake", "kill/+/state").await.unwrap();

    for round in 0..ROUNDS {
        let messages = BOARDS * Board::MESSAGES;
        let moment = moments.next_between(messages / 20, messages * 9 / 10);
        boards.iter_mut().for_each(|board| board.begin(round));

        // The work, and its end at the moment.
        let (acked, mut acks) = watch::channel(0_u32);
        awake.wake(&hearth, &login).await.unwrap();
        let listening = tokio::spawn(async move { awake.listen_until_cut_off().await });
        let mut working = JoinSet::new();
        for mut board in boards.drain(..) {
            let (address, acked) = (hearth.mqtt(), acked.clone());
            working.spawn(async move {
                let finished = board.publish(address, &acked).await.unwrap();
                (board, finished)
            });
        }
        // Only the answer is kept: the value it comes with would lock the boards out of counting.
        let reached = timeout(STEP_TIMEOUT, acks.wait_for(|acked| *acked >= moment)).await.is_ok();
        assert!(reached, "round {round}: {} of {messages} acknowledged", *acked.borrow());
        hearth.kill9().await.unwrap();
        let ended = timeout(STEP_TIMEOUT, working.join_all()).await.unwrap();
        awake = timeout(STEP_TIMEOUT, listening).await.unwrap().unwrap().unwrap();
        assert!(ended.iter().any(|(_, finished)| !finished), "round {round}: killed after the work");
        boards.extend(ended.into_iter().map(|(board, _)| board));
        boards.sort_by_key(|board| board.number);
        let acked_before: u32 = boards.iter().map(|board| board.acked().count() as u32).sum();

        // The first look: before anyone sends again.
        hearth = Hearth::start(&binary, folder.path()).await.unwrap();
        for board in &boards {
            let stored = Counts::await_all(&hearth, board, round).await.unwrap();
            let sent = board.sent_readings();
            for (value, count) in stored.of_round(round) {
                assert_eq!(count, 1, "round {round}: {} has reading {value} {count} times", board.entity);
                assert!(
                    sent.contains(&value),
                    "round {round}: {} has reading {value}, never sent",
                    board.entity
                );
            }
        }
        let kept = listener::retained(&hearth, &login, "kill/+/kept/+", &boards).await.unwrap();
        for board in &boards {
            board.check_kept(&kept, round);
        }

        // Boards and sessions come back, and what was not acknowledged is sent again.
        awake.wake(&hearth, &login).await.unwrap();
        assert!(awake.session_present, "round {round}: the session of `awake` is gone");
        let mut working = JoinSet::new();
        for mut board in boards.drain(..) {
            let (address, acked) = (hearth.mqtt(), acked.clone());
            working.spawn(async move {
                let again = board.in_doubt();
                assert!(board.publish(address, &acked).await.unwrap(), "{} was cut off", board.entity);
                (board, again)
            });
        }
        let ended = timeout(STEP_TIMEOUT, working.join_all()).await.unwrap();
        for (board, in_doubt) in ended {
            let stored = Counts::await_all(&hearth, &board, round).await.unwrap();
            for value in board.values(round) {
                let count = stored.count(value);
                let most = if in_doubt.contains(&value) { 2 } else { 1 };
                assert!(
                    (1..=most).contains(&count),
                    "round {round}: {} has {value} {count} times",
                    board.entity
                );
            }
            boards.push(board);
        }
        boards.sort_by_key(|board| board.number);

        // Nobody who listened has missed anything.
        let everything: Vec<_> =
            boards.iter().map(|board| (board.state_topic(), board.values(round))).collect();
        awake.listen_for(&everything).await.unwrap();
        awake.sleep().await.unwrap();
        for (sleeper, board) in sleepers.iter_mut().zip(&boards) {
            sleeper.wake(&hearth, &login).await.unwrap();
            assert!(sleeper.session_present, "round {round}: the session of `{}` is gone", sleeper.client_id);
            let wanted = [(board.state_topic(), board.values(round))];
            sleeper.listen_for(&wanted).await.unwrap();
            sleeper.sleep().await.unwrap();
        }
        println!("round {round}: killed at {acked_before} of {messages} acknowledged; all there");
    }
    hearth.stop().await.unwrap();
}

/// Where the kills fall: splitmix64.
struct Moments(u64);

impl Moments {
    fn next_between(&mut self, low: u32, high: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        low + (mixed % u64::from(high - low)) as u32
    }
}
