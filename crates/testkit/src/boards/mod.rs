//! Boards that do not exist: each is a real web server or console and a real MQTT client, and behaves as its firmware
//! does when it is given settings, asked for a password, restarted, or lost.
//!
//! What they answer follows the firmwares' sources and documents, as `research/firmware.md` has them.

mod console;
mod espurna;
mod homie;
mod radio;
pub mod serial;
mod shelly_gen1;
mod shelly_gen2;
mod tasmota;
mod web;
mod wled;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use web::{Request, Response};

pub(crate) use tasmota::config as tasmota_config;

/// How long a board is away while it restarts. Real ones take seconds.
const RESTART: Duration = Duration::from_millis(300);
/// Longest wait for something a board has to do.
const WAIT: Duration = Duration::from_secs(30);

/// Which firmware a board has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what they are called")]
pub enum Firmware {
    Tasmota,
    ShellyGen1,
    ShellyGen2,
    Wled,
    Espurna,
    Homie,
}

/// What goes wrong with a board.
#[derive(Debug, Clone, Default)]
pub struct Temper {
    /// It has a password of its own.
    pub password: Option<String>,
    /// It crashes when it is first given settings, keeps nothing and comes back.
    pub crashes_once: bool,
    /// It takes its settings, restarts and is never seen again.
    pub never_returns: bool,
    /// It takes its settings and logs in with another password.
    pub mangles_password: bool,
}

/// How a board reaches a broker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Broker {
    /// Address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// Topic.
    pub topic: String,
}

/// A board, until it is dropped.
#[derive(Debug)]
pub struct FakeBoard {
    address: SocketAddr,
    board: Arc<Board>,
    tasks: JoinSet<()>,
}

/// What the parts of a board share.
#[derive(Debug)]
struct Board {
    firmware: Firmware,
    temper: Temper,
    /// Last byte of its MAC address.
    number: u8,
    /// What is in its flash.
    broker: watch::Sender<Option<Broker>>,
    /// How often it started; it is away between two of them.
    running: watch::Sender<bool>,
    connected: watch::Sender<bool>,
    crashed: AtomicBool,
    restarts: AtomicU32,
    /// Its relay, where it has one, is closed.
    relay: AtomicBool,
}

/// What a request does beside its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    /// Nothing.
    Nothing,
    /// It restarts.
    Restart,
    /// It crashes before it answers.
    Crash,
}

impl FakeBoard {
    /// Switches a board on; its web page or console is at this address and any free port.
    pub async fn start(firmware: Firmware, at: IpAddr, temper: Temper) -> Result<Self> {
        Self::start_at(firmware, SocketAddr::new(at, 0), temper, None).await
    }

    /// The same at a port, with what it knows of a broker.
    pub async fn start_at(
        firmware: Firmware,
        at: SocketAddr,
        temper: Temper,
        broker: Option<Broker>,
    ) -> Result<Self> {
        let listener = TcpListener::bind(at).await?;
        let address = listener.local_addr()?;
        let number = match address.ip() {
            IpAddr::V4(ip) => ip.octets()[3],
            IpAddr::V6(_) => 0,
        };
        let board = Arc::new(Board {
            firmware,
            temper,
            number,
            broker: watch::Sender::new(broker),
            running: watch::Sender::new(true),
            connected: watch::Sender::new(false),
            crashed: AtomicBool::new(false),
            restarts: AtomicU32::new(0),
            relay: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        if firmware == Firmware::Espurna {
            tasks.spawn(console::serve(board.clone(), listener, address));
        } else {
            tasks.spawn(web::serve(board.clone(), listener, address));
        }
        tasks.spawn(radio::run(board.clone()));
        Ok(Self { address, board, tasks })
    }

    /// Where its web page or console is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it knows of a broker now.
    pub fn broker(&self) -> Option<Broker> {
        self.board.broker.borrow().clone()
    }

    /// How often it restarted.
    pub fn restarts(&self) -> u32 {
        self.board.restarts.load(Ordering::Relaxed)
    }

    /// Whether it is logged in at a broker.
    pub fn is_connected(&self) -> bool {
        *self.board.connected.borrow()
    }

    /// Switches it off; behind this nobody answers at its address.
    pub async fn switch_off(mut self) {
        self.tasks.shutdown().await;
    }

    /// Waits until it is logged in.
    pub async fn until_connected(&self) -> Result<()> {
        let mut connected = self.board.connected.subscribe();
        let came = tokio::time::timeout(WAIT, connected.wait_for(|connected| *connected)).await;
        ensure!(matches!(came, Ok(Ok(_))), "the board never came in");
        Ok(())
    }
}

impl Board {
    /// Twelve hex digits.
    fn mac(&self) -> String {
        format!("5CCF7F00A0{:02X}", self.number)
    }

    /// Whether this request finds it crashing.
    fn crashes(&self) -> bool {
        self.temper.crashes_once && !self.crashed.swap(true, Ordering::Relaxed)
    }

    fn save(&self, change: impl FnOnce(&mut Broker)) {
        self.broker.send_modify(|broker| {
            let broker = broker.get_or_insert_default();
            change(broker);
            if self.temper.mangles_password {
                broker.password.make_ascii_lowercase();
            }
        });
    }

    fn answer(&self, request: &Request) -> (Response, Act) {
        match self.firmware {
            Firmware::Tasmota => tasmota::answer(self, request),
            Firmware::ShellyGen1 => shelly_gen1::answer(self, request),
            Firmware::ShellyGen2 => shelly_gen2::answer(self, request),
            Firmware::Wled => wled::answer(self, request),
            Firmware::Homie => homie::answer(self, request),
            Firmware::Espurna => (Response::status(404), Act::Nothing),
        }
    }

    /// Is away for a while, or for good.
    async fn restart(&self, comes_back: bool) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        self.running.send_replace(false);
        if self.temper.never_returns && comes_back {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(RESTART).await;
        self.running.send_replace(true);
    }
}
