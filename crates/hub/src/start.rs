//! How a hub comes up and goes down.
//!
//! Up: folder, databases, home, gate, what the journal holds beyond the last known state, automations; only
//! then do the sockets open, so that nobody ever meets a hub that has forgotten something. Down: the other
//! way round.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use broker::{Gate, GateConfig, Ledger, Listen, Transport};
use devices::{DeviceRecord, Effect, Home, Profile, Saved, Waiting};
use model::{Entity, Publisher, QoS, TopicFilter};
use parking_lot::{Mutex, RwLock};
use store::account::Account;
use store::{HubDb, Journal, JournalConfig, ReadingsDb, StoreError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{Credentials, Door};
use crate::activity::ActivityLog;
use crate::api::types::Level;
use crate::api::types::PictureSettings;
use crate::asking::Asking;
use crate::certificates::Certificates;
use crate::client_log::{self, ClientLog};
use crate::data_dir::{DataDir, DataDirError};
use crate::device_log::DeviceLog;
use crate::frames::Watchers;
use crate::guard::RelayGuard;
use crate::health::{self, Healths};
use crate::learning::Learning;
use crate::ledger::StoreLedger;
use crate::limits::{self, Limits};
use crate::listeners::{self, Listeners};
use crate::mdns::{self, Mdns};
use crate::network::{self, ToldAddress};
use crate::pairing::porch::Porch;
use crate::pairing::{self, Pairings};
use crate::pictures::{self, Pictures};
use crate::profiles::{self, Profiles};
use crate::rates::{ClientRates, History};
use crate::refusals::Refusals;
use crate::scripts::{self, Scripts};
use crate::watch::GateWatch;
use crate::{Hub, Options, clock, command, credential, descriptors, hex, http, ingest, proposals};

/// Rows of backlog at which the gate reads on.
const JOURNAL_BACKLOG_LOW: usize = 2_000;
/// Time between two looks at what must be done by the clock, ms.
const TICK_MS: u64 = 1_000;
/// Time between two prunings of the journal, ms.
const PRUNE_MS: i64 = 60_000;
/// Time between two looks at the network: this computer's address, the certificate.
const NETWORK_LOOK_MS: i64 = 30_000;
/// How long a stopping hub still answers what it had accepted, ms.
const DRAIN_MS: u64 = 2_000;
/// Name of the first owner.
const OWNER: &str = "owner";

/// Why a hub did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// A database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The broker cannot listen.
    #[error(transparent)]
    Gate(#[from] broker::StartError),
    /// The HTTP door cannot listen.
    #[error("The HTTP door cannot listen on {address}: {why}{}. Stop that program, or choose another address with --http.", holder.as_ref().map(|h| format!(" (used by {h})")).unwrap_or_default())]
    Http {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        why: io::Error,
        /// Who has the port, if that can be told.
        holder: Option<String>,
    },
    /// Secrets cannot be made.
    #[error(transparent)]
    Secret(#[from] credential::SecretError),
    /// A thread or task failed.
    #[error("Hearth could not start: {0}")]
    Internal(String),
}

/// A hub and what is to be said about its start.
pub struct Started {
    /// The hub.
    pub hub: Arc<Hub>,
    /// The owner token, if this start made it.
    pub new_token: Option<String>,
}

struct Opened {
    data: DataDir,
    db: Arc<HubDb>,
    journal: Arc<Journal>,
    readings: Arc<ReadingsDb>,
    saved: Saved,
    accounts: Vec<Account>,
    settings: HashMap<String, serde_json::Value>,
    limits: Limits,
    certificates: Certificates,
    boards: Vec<(String, serde_json::Value)>,
    /// Credentials of pairings that the end of Hearth cut off; they are gone.
    interrupted: Vec<String>,
    profiles: Profiles,
    /// What was stored and cannot be used.
    wrong: Vec<String>,
}

/// Opens the folder and its databases. Reads and locks files, so not on an async worker.
fn open(options: &Options) -> Result<Opened, StartError> {
    let data = DataDir::take(&options.data_dir)?;
    let folder = data.path();
    let db = HubDb::open(&folder.join("hub.db"), store::log_checked())?;
    let readings = ReadingsDb::open(&folder.join("readings.db"), store::log_checked())?;
    let settings: HashMap<_, _> = db.read(store::setting::all)?.into_iter().collect();
    let (limits, wrong) = Limits::read(settings.get(limits::SETTING));
    let certificates = Certificates::open(folder, settings.get(crate::certificates::SETTING));
    let config = JournalConfig {
        // No id is ever given twice, even if journal.db was lost or lags behind the others.
        floor: db.highest_id()?.max(readings.cursor()),
        days_max: limits.journal.journal_days,
        bytes_max: limits.journal.journal_bytes,
        gather_ms: limits.journal.gather_ms,
        backlog_low: JOURNAL_BACKLOG_LOW,
        clock: Arc::new(clock::now_ms),
        on_checked: store::log_checked(),
    };
    let journal = Journal::open(&folder.join("journal.db"), config, db.retained_sink())?;
    let saved = db.read(|conn| {
        Ok(Saved {
            areas: store::area::all(conn)?,
            devices: store::device::all(conn)?.into_iter().filter_map(device_record).collect(),
            entities: store::entity::all(conn)?,
            states: store::state::all(conn)?,
            waiting: store::waiting::all(conn)?.into_iter().filter_map(waiting).collect(),
        })
    })?;
    let accounts = db.read(store::account::all)?;
    let interrupted = db.write(store::board::remove_provisional).wait()?;
    let boards = db.read(store::board::all)?;
    let profiles = Profiles::open(data.profiles());
    Ok(Opened {
        profiles,
        data,
        db: Arc::new(db),
        journal: Arc::new(journal),
        readings: Arc::new(readings),
        saved,
        accounts,
        settings,
        limits,
        certificates,
        boards,
        interrupted,
        wrong,
    })
}

fn waiting((entity, row): (String, serde_json::Value)) -> Option<(String, Vec<Waiting>)> {
    serde_json::from_value(row)
        .inspect_err(|why| tracing::error!(%why, entity, "a command that waits could not be read"))
        .ok()
        .map(|waiting| (entity, waiting))
}

fn device_record(row: store::device::DeviceRow) -> Option<DeviceRecord> {
    serde_json::from_value(row.extra)
        .inspect_err(|why| tracing::error!(%why, device = row.device.id, "a device could not be read"))
        .ok()
}

impl Hub {
    /// Starts a hub. When this returns, everything is restored and the sockets are open.
    pub async fn start(mut options: Options) -> Result<Started, StartError> {
        if options.local_only {
            options.http = options.http.map(network::loopback);
        }
        let opening = options.clone();
        let opened = tokio::task::spawn_blocking(move || open(&opening))
            .await
            .map_err(|why| StartError::Internal(why.to_string()))??;
        let Opened {
            data,
            db,
            journal,
            readings,
            saved,
            accounts,
            settings,
            limits,
            certificates,
            boards,
            interrupted,
            profiles,
            mut wrong,
        } = opened;

        let (owners, new_token) = owners(&data, &db, accounts).await?;
        let profiles = Arc::new(profiles);
        let mut home = Home::new(profiles.current().to_vec());
        let void = settings.get(ingest::registry::VOID).cloned();
        home.set_void(void.and_then(|void| serde_json::from_value(void).ok()).unwrap_or_default());
        let restored = home.restore(saved);
        let watchers = Arc::new(Watchers::default());
        let activity = Arc::new(ActivityLog::open(db.clone(), watchers.clone())?);
        let keeping = PictureSettings::read(settings.get(pictures::SETTING));
        let credential_of = |entity: &Entity| {
            let credential = home.device(&entity.device)?.credential.clone()?;
            Some((entity.id.clone(), credential))
        };
        let of: Vec<_> = home.entities().filter_map(credential_of).collect();
        let (shelf, told) = (data.pictures(), activity.clone());
        let pictures = tokio::task::spawn_blocking(move || Pictures::open(shelf, keeping, of, told)).await;
        let pictures = pictures.map_err(|why| StartError::Internal(why.to_string()))?;
        let pictures = pictures.map_err(|why| StartError::Internal(why.to_string()))?;
        let credentials = Arc::new(Credentials::load(db.clone())?);
        let refusals = Arc::new(Refusals::open(db.clone(), credentials.clone())?);
        let learning = Arc::new(Learning::open(db.clone())?);
        let over = learning.over(clock::now_ms());
        for name in learning.learners().iter().filter(|name| !over.contains(name)) {
            credentials.set_learning(name, true);
        }
        let client_log = Arc::new(ClientLog::default());
        client_log.restore(activity.about_clients(client_log::RESTORED_MAX)?.into_iter());
        let device_log = Arc::new(DeviceLog::open(db.clone(), home.devices())?);
        for credential in credentials.list() {
            home.set_permissions(&credential.name, Some(credential.effective()));
        }
        home.knows_all_credentials();
        let ledger: Arc<dyn Ledger> = Arc::new(StoreLedger { journal: journal.clone(), db: db.clone() });
        let given = options.mqtt.clone().unwrap_or_default();
        let (listeners, unread) = Listeners::read(settings.get(listeners::SETTING), &given);
        wrong.extend(unread);
        for why in wrong {
            let text = format!("{why} The default is used instead.");
            activity.add(Level::Warning, "hub", None, text);
        }
        for name in interrupted {
            let text = format!(
                "The pairing of `{name}` was not finished when Hearth ended. Its credential is gone; pair the board again."
            );
            activity.add(Level::Warning, "pairing", Some(&name), text);
        }
        let pairings = Arc::new(Pairings::read(boards));
        for (user, expected) in pairings.expected() {
            home.expect_board(&user, Some(expected));
        }
        let plain = listeners.wanted(Transport::Tcp).filter(|_| options.mqtt.is_some());
        let plain = plain.map(|at| if options.local_only { network::loopback(at) } else { at });
        // A stopped hub opens no socket.
        let files = if options.mqtt.is_some() { descriptors::raise() } else { None };
        let fitted = descriptors::fit(limits.gate.clone(), files);
        if let Some(trouble) = &fitted.trouble {
            activity.add(Level::Warning, "hub", None, trouble.as_str());
        }
        let config =
            GateConfig { listen: plain.map(Listen::tcp).into_iter().collect(), limits: fitted.limits };
        let asking = Arc::new(Asking::new(home.profiles()));
        let client_rates = Arc::new(ClientRates::default());
        let came = Arc::new(tokio::sync::Notify::new());
        let watch = Arc::new(GateWatch {
            credentials: credentials.clone(),
            activity: activity.clone(),
            watchers: watchers.clone(),
            refusals: refusals.clone(),
            learning: learning.clone(),
            client_log: client_log.clone(),
            client_rates: client_rates.clone(),
            device_log: device_log.clone(),
            pairings: pairings.clone(),
            came: came.clone(),
            asking: asking.clone(),
        });
        let porch =
            Porch { door: Door(credentials.clone()), pairings: pairings.clone(), profiles: profiles.clone() };
        let guard = Arc::new(RelayGuard::open(db.clone(), activity.clone(), &home)?);
        let gate = Gate::start(config, ledger, Arc::new(porch), watch).await?;
        gate.set_guard(guard.clone());
        // Everything accepted from here on is in the reader; everything before is in the journal.
        let reader = gate.reader(&everything());
        let hub = Arc::new(Hub {
            options,
            data,
            started_ms: clock::now_ms(),
            gate,
            home: RwLock::new(home),
            journal,
            db,
            readings,
            credentials,
            owners,
            activity,
            watchers,
            refusals,
            learning,
            client_log,
            device_log,
            health: Healths::default(),
            client_rates,
            history: History::default(),
            scripts: OnceLock::new(),
            limits: Mutex::new(limits),
            too_few_files: fitted.trouble,
            listeners,
            certificates: Arc::new(certificates),
            mdns: Mdns::read(settings.get(mdns::SETTING)),
            told_address: ToldAddress::read(settings.get(network::SETTING)),
            pairings,
            profiles,
            pictures: Arc::new(pictures),
            asking,
            came,
            guard,
            changing: tokio::sync::Mutex::default(),
            proposing: tokio::sync::Mutex::default(),
            looking: proposals::Looking::default(),
            demo: tokio::sync::Mutex::new(None),
            http: OnceLock::new(),
            ingest: Mutex::new(None),
            ingested: tokio::sync::watch::Sender::new(0),
            closing: CancellationToken::new(),
            ended: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        if let Err(why) = hub.bring_up(restored, reader).await {
            hub.stop().await;
            return Err(why);
        }
        Ok(Started { hub, new_token })
    }

    async fn bring_up(
        self: &Arc<Self>,
        restored: Vec<Effect>,
        reader: broker::bus::Reader,
    ) -> Result<(), StartError> {
        let scripts = Scripts::start(self, self.data.automations());
        let _ = self.scripts.set(scripts);
        let hub = self.clone();
        let demo = tokio::task::spawn_blocking(move || {
            hub.move_readings_again()?;
            ingest::catch_up(&hub, restored)?;
            hub.profiles.begin(&hub);
            hub.scripts().rescan(&hub);
            Ok::<_, StoreError>(hub.setting("demo")?.is_some_and(|on| on == true))
        })
        .await
        .map_err(|why| StartError::Internal(why.to_string()))??;
        *self.ingest.lock() =
            Some(ingest::start(self, reader).map_err(|why| StartError::Internal(why.to_string()))?);

        let door = match self.options.http {
            Some(address) => Some(listen_http(address).await?),
            None => None,
        };
        if self.options.mqtt.is_none() {
            return Ok(());
        }
        self.open_plain().await?;
        self.open_listeners().await;
        if let Some(listener) = door {
            if let Ok(address) = listener.local_addr() {
                let _ = self.http.set(address);
            }
            let served = http::serve(self.clone(), listener, self.closing.clone());
            self.tasks.spawn(async move {
                if let Err(why) = served.await {
                    tracing::error!(%why, "the HTTP door closed");
                }
            });
        }
        self.tell_command_line();
        // Boards that announce themselves on Home Assistant's birth message do so now.
        let birth = ("homeassistant/status".to_owned(), "online".into());
        let _ = self.publish(Publisher::hub("start"), birth.0, birth.1, QoS::AtLeastOnce, false, None);
        // Those that have to be asked are asked when they had time to come back.
        self.ask_boards();
        let closing = self.closing.clone();
        self.tasks.spawn(closing.clone().run_until_cancelled_owned(scripts::watch(self.clone())));
        self.tasks.spawn(closing.clone().run_until_cancelled_owned(profiles::watch(self.clone())));
        self.tasks.spawn(closing.clone().run_until_cancelled_owned(pairing::attend(self.clone())));
        self.tasks.spawn(closing.clone().run_until_cancelled_owned(health::look(self.clone())));
        self.tasks.spawn(closing.clone().run_until_cancelled_owned(command::attend(self.clone())));
        self.tasks.spawn(closing.run_until_cancelled_owned(by_the_clock(self.clone())));
        self.announce_again().await;
        if demo {
            self.resume_demo().await;
        }
        Ok(())
    }

    /// Asks the boards that can hear it to announce themselves again, soon.
    fn ask_boards(&self) {
        let may = self.credentials.list().into_iter().map(|credential| credential.effective());
        let may: Vec<_> = may.collect();
        self.asking.came(|topic| may.iter().any(|may| may.may_read(topic)), Instant::now());
    }

    /// Asks as these profiles do from now on, and once at the next opportunity.
    pub(crate) fn ask_anew(&self, profiles: &[Profile]) {
        self.asking.set_profiles(profiles);
        self.ask_boards();
    }

    /// Stops: doors, boards, gate, then whoever still reads what the gate accepted, databases last.
    pub async fn stop(&self) {
        self.closing.cancel();
        self.tasks.close();
        let demo = self.demo.lock().await.take();
        if let Some(demo) = demo {
            demo.stop().await;
        }
        self.tasks.wait().await;
        self.be_silent().await;
        self.gate.stop().await;
        // What was accepted is answered, if that does not take long; the next start reads the rest.
        let _ = self.journal.flush().await;
        let last = self.journal.durable();
        let mut ingested = self.ingested.subscribe();
        let all = ingested.wait_for(|id| *id >= last);
        let _ = tokio::time::timeout(Duration::from_millis(DRAIN_MS), all).await;
        self.ended.cancel();
        if let Some(scripts) = self.scripts.get() {
            scripts.stop();
        }
        let states = self.home.read().states().map(|(id, state)| (id.to_owned(), state.clone())).collect();
        self.db.keep_states(states, *self.ingested.borrow());
        self.refusals.keep(clock::now_ms(), true);
        self.learning.keep(clock::now_ms(), true);
        let ingest = self.ingest.lock().take();
        let (journal, db, readings) = (self.journal.clone(), self.db.clone(), self.readings.clone());
        let pictures = self.pictures.clone();
        let closed = tokio::task::spawn_blocking(move || {
            if let Some(ingest) = ingest {
                let _ = ingest.join();
            }
            pictures.close();
            for (name, closed) in
                [("journal", journal.close()), ("readings", readings.close()), ("hub", db.close())]
            {
                if let Err(why) = closed {
                    tracing::error!(%why, name, "not everything could be written");
                }
            }
        });
        let _ = closed.await;
    }
}

/// The filter of everything, Hearth's own messages included.
pub(crate) fn everything() -> TopicFilter {
    TopicFilter::new("#").expect("`#` is a filter")
}

async fn owners(
    data: &DataDir,
    db: &HubDb,
    accounts: Vec<Account>,
) -> Result<(Vec<(String, [u8; 32])>, Option<String>), StartError> {
    let known: Vec<_> = accounts
        .into_iter()
        .filter_map(|account| Some((account.name, hex::decode(&account.hash)?.try_into().ok()?)))
        .collect();
    if !known.is_empty() {
        return Ok((known, None));
    }
    let token = credential::make_secret()?;
    let hash = credential::token_hash(&token);
    data.write_token(&token)
        .map_err(|why| DataDirError::Io { path: crate::data_dir::token_file(data.path()), why })?;
    let account = Account {
        hash: hex::encode(&hash),
        name: OWNER.to_owned(),
        created_ms: clock::now_ms(),
        last_used_ms: None,
    };
    db.write(move |conn| store::account::put(conn, &account)).await?;
    Ok((vec![(OWNER.to_owned(), hash)], Some(token)))
}

async fn listen_http(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|why| StartError::Http {
        address,
        holder: broker::port_holder::port_holder(address),
        why,
    })
}

/// What is done by the clock: values that expire, the journal's bounds.
async fn by_the_clock(hub: Arc<Hub>) {
    let (mut pruned_ms, mut network_ms) = (0, 0);
    let mut ticks = tokio::time::interval(Duration::from_millis(TICK_MS));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now_ms = clock::now_ms();
        hub.activity.settle();
        hub.device_log.settle();
        hub.history.sample(now_ms, || hub.gate.counters());
        hub.refusals.keep(now_ms, false);
        hub.learning.keep(now_ms, false);
        hub.end_due_learning(now_ms).await;
        for send in hub.asking.due(Instant::now()) {
            let _ =
                hub.publish(Publisher::hub("start"), send.topic, send.payload, send.qos, send.retain, None);
        }
        if hub.home.read().next_due().is_some_and(|due| due <= now_ms) {
            let hub = hub.clone();
            let _ = tokio::task::spawn_blocking(move || ingest::tick(&hub, now_ms)).await;
        }
        if !(0..=NETWORK_LOOK_MS).contains(&(now_ms - network_ms)) {
            network_ms = now_ms;
            hub.look_at_network().await;
            hub.open_listeners_again().await;
            hub.announce_again().await;
        }
        // While it is full, what is read may go at once: the writer makes room as far as it is told.
        if now_ms - pruned_ms > PRUNE_MS || hub.journal.is_full() {
            pruned_ms = now_ms;
            let hub = hub.clone();
            let _ = tokio::task::spawn_blocking(move || prune(&hub, now_ms)).await;
        }
    }
}

/// Brings the journal within its bounds, but keeps what a reader or a sleeping client has not read.
fn prune(hub: &Hub, now_ms: i64) {
    let sessions = hub.db.read(store::session::all).map(|all| all.iter().map(|session| session.cursor).min());
    match (hub.db.states_cursor(), sessions) {
        (Ok(states), Ok(sessions)) => {
            let lowest = hub.readings.cursor().min(states).min(sessions.unwrap_or(u64::MAX));
            hub.home.write().forget_void(hub.readings.cursor().min(states));
            hub.journal.prune(now_ms, lowest);
        }
        (Err(why), _) | (_, Err(why)) => tracing::warn!(%why, "the journal is not pruned"),
    }
}
