//! Pairing, carried out: the pure walk of [`devices::pairing`] with the sockets, the clock and the database around it.
//!
//! | module | noun |
//! |---|---|
//! | `porch` | who is turned away at the door while the window is open |
//! | `came` | boards that came in lately, and what they still try |
//! | `accept` | what the owner accepts becomes a pairing |
//! | `carrier` | how a step reaches a board: HTTP, console, message |
//! | `http`, `digest`, `console`, `serial` | what the carrier rides on |
//! | `search` | boards found in the network |
//! | `record` | what is kept of boards that are paired |
//! | `succession` | a board that is paired again stays the device it was |
//! | `tries` | tries that failed, until their board is in |
//! | `pointing` | telling known boards where the broker is now |
//! | `view` | how it looks from outside |

mod accept;
mod came;
mod carrier;
mod console;
mod digest;
mod http;
mod pointing;
pub(crate) mod porch;
pub(crate) mod record;
mod search;
pub(crate) mod serial;
mod succession;
mod tries;
mod view;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use devices::pairing::{Effect, Input, Outcome, Pairing, Stage, Window};
use devices::{Expected, Plan, pairing};
use model::Permissions;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::api::ApiError;
use crate::api::types::{Level, PairingWay, SearchView};
use crate::credential::SecretHash;
use crate::{Hub, clock};
use came::Came;
use carrier::Carrier;
use porch::Tried;
use record::{Board, Succession};

/// Most pairings at a time.
const UNDER_WAY_MAX: usize = 16;
/// Pairings that ended and are still shown.
const ENDED_MAX: usize = 32;
/// How long one that ended is shown, ms.
const ENDED_MS: i64 = 600_000;
/// Time between two looks at the clock.
const TICK: Duration = Duration::from_millis(500);

/// The window, who was seen, and every pairing.
pub(crate) struct Pairings {
    state: Mutex<State>,
    /// Boards that are paired, by name of their credential.
    boards: Mutex<BTreeMap<String, Board>>,
    /// Somebody logged in that a pairing waits for.
    arrived: Notify,
    /// Moves whenever something is to be seen.
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    window: Window,
    /// What candidates tried at the door, by their number; only while the window is open.
    tried: HashMap<u64, Tried>,
    under_way: BTreeMap<u64, UnderWay>,
    last_id: u64,
    /// Boards that came in lately.
    came: VecDeque<Came>,
    /// Pairings whose board logged in, and which do not know it yet.
    arrivals: HashSet<u64>,
    search: Option<Search>,
}

/// A search under way.
struct Search {
    seen: SearchView,
    ending: CancellationToken,
}

/// One pairing, and what it needs.
struct UnderWay {
    pairing: Pairing,
    name: String,
    area: Option<String>,
    user: String,
    topic: String,
    firmware: String,
    /// The device it is already.
    succeeds: Option<Succession>,
    /// Device of another credential that it speaks of.
    claims: Option<String>,
    /// Why its former credential is kept.
    keeps: Option<String>,
    mac: Option<String>,
    address: Option<String>,
    http_port: Option<u16>,
    serial: Option<String>,
    candidate: Option<u64>,
    way: PairingWay,
    /// Where it stood before it failed.
    failed_at: Option<Stage>,
    begun_ms: i64,
    ended_ms: Option<i64>,
    /// What is left to do; gone when it ends, and its secrets with it.
    work: Option<Arc<Work>>,
    ending: CancellationToken,
}

/// The means of a pairing. Holds its secrets, so nothing shows it.
struct Work {
    carrier: Carrier,
    /// The steps as the pairing counts them.
    plan: Option<Plan>,
    secret: SecretHash,
    permissions: Permissions,
}

impl Pairings {
    /// With the boards that are paired, as they were stored.
    pub(crate) fn read(stored: Vec<(String, Value)>) -> Self {
        let boards = stored.into_iter().filter_map(|(name, board)| {
            let board = serde_json::from_value(board);
            board
                .inspect_err(|why| tracing::error!(%why, name, "a board could not be read"))
                .ok()
                .map(|b| (name, b))
        });
        Self {
            state: Mutex::default(),
            boards: Mutex::new(boards.collect()),
            arrived: Notify::new(),
            changed: watch::Sender::new(0),
        }
    }

    fn change(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    /// Tells when something is to be seen.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Somebody logged in. Called by the gate's watch: memory only.
    pub(crate) fn connected(&self, user: &str, client_id: &str, address: Option<std::net::IpAddr>) {
        let mut state = self.state.lock();
        let waiting =
            state.under_way.iter_mut().find(|(_, one)| one.user == user && !one.pairing.has_ended());
        if let Some((id, one)) = waiting {
            if one.address.is_none() {
                one.address = address.map(|ip| ip.to_string());
            }
            let id = *id;
            state.remember(Came::new(user, client_id, address, clock::now_ms()));
            state.arrivals.insert(id);
            self.arrived.notify_one();
        }
        drop(state);
        self.seen_at(user, address);
    }

    /// Whether a pairing that is under way has this user name.
    fn is_taken(state: &State, user: &str) -> bool {
        state.under_way.values().any(|one| one.user == user && !one.pairing.has_ended())
    }
}

impl Hub {
    /// Opens the window, for two minutes at most.
    pub(crate) fn open_pairing(&self, who: &str, seconds: Option<u32>) {
        let open_ms = seconds.map_or(pairing::WINDOW_MS, |seconds| i64::from(seconds) * 1_000);
        let now_ms = clock::now_ms();
        let was_open = {
            let window = &mut self.pairings.state.lock().window;
            let was_open = window.is_open(now_ms);
            window.open(open_ms, now_ms);
            was_open
        };
        if !was_open {
            let text = format!("{who} opened the window for new boards.");
            self.activity.add(Level::Info, "pairing", None, text);
        }
        self.pairings.change();
    }

    /// Closes the window. Pairings under way go on.
    pub(crate) fn close_pairing(&self) {
        let closed = {
            let mut state = self.pairings.state.lock();
            state.tried.clear();
            state.window.close()
        };
        if closed {
            self.activity.add(Level::Info, "pairing", None, "The window for new boards is closed.");
            self.pairings.change();
        }
    }

    /// Ends a pairing, and waits until nothing is left of it.
    pub(crate) async fn cancel_pairing(self: &Arc<Self>, id: u64) -> Result<(), ApiError> {
        let not_found = || ApiError::not_found("pairing", &id.to_string());
        let mut changed = self.pairings.watch();
        if !self.pairings.state.lock().under_way.contains_key(&id) {
            return Err(not_found());
        }
        self.pairing_input(id, Input::Cancelled);
        let ended = changed.wait_for(|_| {
            self.pairings.state.lock().under_way.get(&id).is_none_or(|one| one.pairing.has_ended())
        });
        ended.await.map(drop).map_err(ApiError::internal)?;
        let state = self.pairings.state.lock();
        match state.under_way.get(&id).map(|one| one.pairing.stage()) {
            Some(Stage::Paired) => Err(ApiError::conflict(
                "The board was paired before this could be cancelled. Revoke its credential if you do not want it.",
            )),
            Some(_) => Ok(()),
            None => Err(not_found()),
        }
    }

    /// A pairing that ended was looked at: nobody is told of it any more.
    pub(crate) fn put_away_pairing(&self, id: u64) -> Result<(), ApiError> {
        {
            let mut state = self.pairings.state.lock();
            match state.under_way.get(&id).map(|one| one.pairing.has_ended()) {
                None => return Err(ApiError::not_found("pairing", &id.to_string())),
                Some(false) => {
                    return Err(ApiError::conflict(
                        "This pairing is under way. Cancel it, or wait until it ends.",
                    ));
                }
                Some(true) => drop(state.under_way.remove(&id)),
            }
        }
        self.pairings.change();
        Ok(())
    }

    /// Lets a pairing take a step, and carries out what comes of it.
    fn pairing_input(self: &Arc<Self>, id: u64, input: Input) {
        let now_ms = clock::now_ms();
        let (effects, ended) = {
            let mut state = self.pairings.state.lock();
            let Some(one) = state.under_way.get_mut(&id) else { return };
            let before = one.pairing.stage().clone();
            let effects = one.pairing.step(input, now_ms);
            if effects.is_empty() && before == *one.pairing.stage() {
                return;
            }
            let has_failed = |stage: &Stage| matches!(stage, Stage::Revoking(_) | Stage::Failed(_));
            if has_failed(one.pairing.stage()) && !has_failed(&before) {
                one.failed_at = Some(before);
            }
            if matches!(one.pairing.stage(), Stage::Revoking(_) | Stage::Keeping) {
                one.ending.cancel();
            }
            let ended = one.pairing.has_ended() && one.ended_ms.is_none();
            if ended {
                one.ended_ms = Some(now_ms);
                one.work = None;
                let told = (one.name.clone(), one.user.clone(), one.pairing.stage().clone(), one.candidate);
                if told.2 == Stage::Paired {
                    tries::forget(&mut state, id);
                    if let Some(candidate) = told.3 {
                        state.window.remove(candidate);
                        state.tried.remove(&candidate);
                    }
                }
                forget_ended(&mut state, now_ms);
                (effects, Some(told))
            } else {
                (effects, None)
            }
        };
        if let Some((name, user, stage, _)) = ended {
            match stage {
                Stage::Failed(failure) => {
                    let text = format!("{name} was not paired, and no credential of it is left. {failure}");
                    self.activity.add(Level::Warning, "pairing", Some(&user), text);
                }
                _ => {
                    let text = format!("{name} is paired: it logged in with its own credential `{user}`.");
                    self.activity.add(Level::Info, "pairing", Some(&user), text);
                }
            }
        }
        for effect in effects {
            self.carry_out(id, effect);
        }
        self.pairings.change();
    }

    /// Does what a pairing wants done, on a task of its own, and tells it what came of it.
    fn carry_out(self: &Arc<Self>, id: u64, effect: Effect) {
        let hub = self.clone();
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            let done = closing.run_until_cancelled(hub.carried_out(id, effect)).await;
            if let Some(Some(input)) = done {
                hub.pairing_input(id, input);
            }
        });
    }

    async fn carried_out(self: &Arc<Self>, id: u64, effect: Effect) -> Option<Input> {
        let (work, user, ending) = {
            let state = self.pairings.state.lock();
            let one = state.under_way.get(&id)?;
            (one.work.clone(), one.user.clone(), one.ending.clone())
        };
        match effect {
            Effect::Mint => Some(Input::Minted(match work {
                Some(work) => self.mint(id, &user, &work).await.map_err(|why| why.message),
                None => Err("It has ended.".to_owned()),
            })),
            Effect::Run { at, delay_ms } => {
                let run = async {
                    tokio::time::sleep(Duration::from_millis(delay_ms.max(0).cast_unsigned())).await;
                    match &work {
                        Some(work) => carrier::run(self, work, at).await,
                        None => Outcome::Lost("it has ended".to_owned()),
                    }
                };
                let outcome = ending.run_until_cancelled(run).await?;
                Some(Input::Step { at, outcome })
            }
            Effect::Keep => Some(Input::Kept(self.keep_paired(id).await.map_err(|why| why.message))),
            Effect::Revoke => {
                let gone = self.drop_credential(&user, "its pairing ended").await;
                Some(Input::Revoked(gone.map(drop).map_err(|why| why.message)))
            }
        }
    }

    async fn mint(&self, id: u64, user: &str, work: &Work) -> Result<(), ApiError> {
        let expected = {
            let state = self.pairings.state.lock();
            state.under_way.get(&id).map(|one| Expected {
                name: one.name.clone(),
                device: one.succeeds.as_ref().map(|succession| succession.device.clone()),
            })
        };
        // The home knows of it before it can log in: nothing it announces is taken for a stranger's.
        {
            let mut home = self.home.write();
            home.set_permissions(user, Some(work.permissions.clone()));
            home.expect_board(user, expected);
        }
        let begun = self.credentials.begin_board(user, work.permissions.clone(), work.secret.clone()).await;
        if begun.is_err() && self.credentials.get(user).is_none() {
            let mut home = self.home.write();
            home.set_permissions(user, None);
            home.expect_board(user, None);
        }
        begun.map(drop)
    }

    async fn keep_paired(self: &Arc<Self>, id: u64) -> Result<(), ApiError> {
        let (user, board, succession) = {
            let state = self.pairings.state.lock();
            let one =
                state.under_way.get(&id).ok_or_else(|| ApiError::not_found("pairing", &id.to_string()))?;
            let board = Board {
                name: one.name.clone(),
                firmware: one.firmware.clone(),
                topic: one.topic.clone(),
                address: one.address.clone(),
                http_port: one.http_port,
                area: one.area.clone(),
                is_named: false,
                succeeds: one.succeeds.clone(),
                is_changed: false,
            };
            (one.user.clone(), board, one.succeeds.clone())
        };
        self.credentials.keep_board(&user, json!(board)).await?;
        self.pairings.boards.lock().insert(user.clone(), board);
        // What fails here is tried again until it is done.
        match succession {
            None => {}
            Some(succession) => match self.succeed(&user, &succession).await {
                Ok(succeeded) => self.pairings.handed_over(&user, &succession, succeeded.keeps),
                Err(why) => {
                    tracing::warn!(%why, user, "the device of a board that was paired again is not handed over yet");
                }
            },
        }
        Ok(())
    }
}

/// Ended pairings are shown for a while.
fn forget_ended(state: &mut State, now_ms: i64) {
    state.under_way.retain(|_, one| one.ended_ms.is_none_or(|ended_ms| now_ms - ended_ms < ENDED_MS));
    let ended: Vec<u64> = {
        let all = state.under_way.iter().filter(|(_, one)| one.ended_ms.is_some());
        all.map(|(id, _)| *id).collect()
    };
    for id in ended.iter().take(ended.len().saturating_sub(ENDED_MAX)) {
        state.under_way.remove(id);
    }
}

/// What is done by the clock, and when a board comes in. Ends with the hub.
pub(crate) async fn attend(hub: Arc<Hub>) {
    // Apart, so that a database that cannot write keeps no pairing from its end.
    tokio::join!(attend_pairings(&hub), attend_boards(&hub));
}

async fn attend_pairings(hub: &Arc<Hub>) {
    let mut ticks = ticks();
    loop {
        tokio::select! {
            _ = ticks.tick() => hub.pairings_tick(),
            () = hub.pairings.arrived.notified() => {}
        }
        let arrivals = std::mem::take(&mut hub.pairings.state.lock().arrivals);
        for id in arrivals {
            hub.pairing_input(id, Input::LoggedIn);
        }
    }
}

async fn attend_boards(hub: &Arc<Hub>) {
    let mut ticks = ticks();
    loop {
        ticks.tick().await;
        hub.look_after_boards().await;
    }
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

impl Hub {
    fn pairings_tick(self: &Arc<Self>) {
        let now_ms = clock::now_ms();
        let (closed, changed, ids) = {
            let mut state = self.pairings.state.lock();
            let before = (state.window.candidates().count(), state.under_way.len());
            let closed = state.window.tick(now_ms);
            if closed {
                state.tried.clear();
            }
            forget_ended(&mut state, now_ms);
            let changed = closed || before != (state.window.candidates().count(), state.under_way.len());
            let under_way = state.under_way.iter().filter(|(_, one)| !one.pairing.has_ended());
            (closed, changed, under_way.map(|(id, _)| *id).collect::<Vec<_>>())
        };
        if closed {
            let text = "The window for new boards closed by itself. Whoever was not accepted is forgotten.";
            self.activity.add(Level::Info, "pairing", None, text);
        }
        if changed {
            self.pairings.change();
        }
        for id in ids {
            self.pairing_input(id, Input::Tick);
        }
    }
}
