//! Announcing the broker by multicast DNS (RFC 6762, RFC 6763), so that a board can look for `_mqtt._tcp` instead
//! of being told an address. The library runs in a thread of its own; this module decides what it says.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use broker::Transport;
use mdns_sd::{DaemonEvent, DaemonStatus, IfKind, Receiver, ServiceDaemon, ServiceInfo};
use parking_lot::Mutex;
use serde_json::Value;

use crate::api::ApiError;
use crate::api::types::{Level, MdnsView};
use crate::{Hub, network};

/// Where the switch is kept; it is on unless it was switched off.
pub const SETTING: &str = "broker.mdns";
/// Plain MQTT (registered with IANA).
const MQTT: &str = "_mqtt._tcp.local.";
/// MQTT over TLS (registered with IANA).
const SECURE_MQTT: &str = "_secure-mqtt._tcp.local.";
/// Longest label of a name, bytes (RFC 1035, section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;
/// What comes in front of the host name in the name of the service.
const INSTANCE: &str = "Hearth on ";
/// Longest wait for the last words, which take the names back.
const GOODBYE: Duration = Duration::from_secs(1);

/// What is to be announced: where plain MQTT and MQTT over TLS are listened for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    /// Plain MQTT.
    pub mqtt: Option<SocketAddr>,
    /// MQTT over TLS.
    pub secure_mqtt: Option<SocketAddr>,
}

impl Services {
    /// Those that the network can reach, with their types.
    fn reachable(&self) -> Vec<(&'static str, SocketAddr)> {
        let all = [(MQTT, self.mqtt), (SECURE_MQTT, self.secure_mqtt)];
        let all = all.into_iter().filter_map(|(kind, address)| Some((kind, address?)));
        all.filter(|(_, address)| !address.ip().is_loopback()).collect()
    }
}

/// The names as others see them; a conflict changes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Full name of the service, such as `Hearth on myhost._mqtt._tcp.local`.
    pub service: String,
    /// Name of this computer, such as `myhost.local`.
    pub host: String,
}

/// What is announced, until it is dropped.
pub struct Announcement {
    daemon: ServiceDaemon,
    names: Arc<Mutex<Names>>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Announcement {
    /// Begins to announce. `None` when there is nothing the network could reach.
    pub fn begin(services: &Services) -> Result<Option<Self>, String> {
        let reachable = services.reachable();
        let Some((first, _)) = reachable.first() else { return Ok(None) };
        let host = label(&network::host_name());
        let instance = format!("{INSTANCE}{host}");
        let daemon = ServiceDaemon::new().map_err(in_words)?;
        let names = Names {
            service: format!("{instance}.{}", first.trim_end_matches('.')),
            host: format!("{host}.local"),
        };
        let announced = Self { daemon, names: Arc::new(Mutex::new(names)), trouble: Arc::default() };
        announced.choose_interfaces(&reachable).map_err(in_words)?;
        let events = announced.daemon.monitor().map_err(in_words)?;
        for (kind, address) in &reachable {
            let fixed = if address.ip().is_unspecified() { String::new() } else { address.ip().to_string() };
            let service =
                ServiceInfo::new(kind, &instance, &format!("{host}.local."), fixed, address.port(), None)
                    .map_err(in_words)?;
            let service = if address.ip().is_unspecified() { service.enable_addr_auto() } else { service };
            announced.daemon.register(service).map_err(in_words)?;
        }
        let (names, trouble) = (announced.names.clone(), announced.trouble.clone());
        std::thread::Builder::new()
            .name("mdns-events".to_owned())
            .spawn(move || follow(&events, &names, &trouble))
            .map_err(in_words)?;
        Ok(Some(announced))
    }

    /// Only where the broker listens: a name must not lead to an address nobody answers at.
    fn choose_interfaces(&self, reachable: &[(&str, SocketAddr)]) -> mdns_sd::Result<()> {
        self.daemon.disable_interface(IfKind::All)?;
        for (_, address) in reachable {
            match address.ip() {
                IpAddr::V4(ip) if ip.is_unspecified() => self.daemon.enable_interface(IfKind::IPv4)?,
                // A listener on `[::]` hears IPv4, too.
                IpAddr::V6(ip) if ip.is_unspecified() => self.daemon.enable_interface(IfKind::All)?,
                ip => self.daemon.enable_interface(IfKind::Addr(ip))?,
            }
        }
        self.daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])
    }

    /// The names now.
    pub fn names(&self) -> Names {
        self.names.lock().clone()
    }

    /// Whether the library's thread is gone. It reads what anybody on the network sends.
    fn has_ended(&self) -> bool {
        match self.daemon.status() {
            Ok(status) => matches!(status.recv_timeout(GOODBYE), Ok(DaemonStatus::Shutdown)),
            Err(why) => matches!(why, mdns_sd::Error::DaemonShutdown),
        }
    }

    /// What went wrong last, if anything did.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }
}

impl Drop for Announcement {
    /// Takes the names back, so that nobody connects to where nobody listens. Blocks for a moment.
    fn drop(&mut self) {
        if let Ok(stopped) = self.daemon.shutdown() {
            let _ = stopped.recv_timeout(GOODBYE);
        }
    }
}

/// The switch, and what is announced.
pub struct Mdns {
    on: AtomicBool,
    announced: Arc<Mutex<Announced>>,
}

#[derive(Default)]
struct Announced {
    services: Services,
    announcement: Option<Announcement>,
    /// Why it could not begin.
    trouble: Option<String>,
}

impl Mdns {
    /// The switch as it was stored.
    pub fn read(stored: Option<&Value>) -> Self {
        let on = stored.and_then(Value::as_bool).unwrap_or(true);
        Self { on: AtomicBool::new(on), announced: Arc::default() }
    }
}

impl Hub {
    /// Announces what is listened for now; what was announced before and is no more is taken back.
    pub(crate) async fn announce_again(&self) {
        let on = self.mdns.on.load(Relaxed) && !self.options.local_only;
        let services = if on {
            Services { mqtt: self.listening(Transport::Tcp), secure_mqtt: self.listening(Transport::Tls) }
        } else {
            Services::default()
        };
        let (announced, activity) = (self.mdns.announced.clone(), self.activity.clone());
        // Ending an announcement waits for its last words.
        let _ = tokio::task::spawn_blocking(move || {
            let mut announced = announced.lock();
            let ended = announced.announcement.as_ref().is_some_and(Announcement::has_ended);
            if announced.services == services && announced.trouble.is_none() && !ended {
                return;
            }
            announced.announcement = None;
            let (announcement, trouble) = match Announcement::begin(&services) {
                Ok(announcement) => (announcement, None),
                Err(why) => (None, Some(why)),
            };
            if let Some(why) = trouble.as_ref().filter(|why| announced.trouble.as_ref() != Some(*why)) {
                activity.add(Level::Warning, "hub", None, why.as_str());
            }
            *announced = Announced { services, announcement, trouble };
        })
        .await;
    }

    /// Takes back what is announced.
    pub(crate) async fn be_silent(&self) {
        let announced = self.mdns.announced.clone();
        let _ = tokio::task::spawn_blocking(move || *announced.lock() = Announced::default()).await;
    }

    /// Switches announcing on or off, at once and for the next start.
    pub(crate) async fn set_mdns(&self, on: bool) -> Result<MdnsView, ApiError> {
        let _changing = self.changing.lock().await;
        self.keep_setting(SETTING, on.into()).await?;
        self.mdns.on.store(on, Relaxed);
        if self.runs() {
            self.announce_again().await;
        }
        Ok(self.mdns_view())
    }

    /// What is announced, or why nothing is.
    pub fn mdns_view(&self) -> MdnsView {
        let on = self.mdns.on.load(Relaxed);
        let announced = self.mdns.announced.lock();
        let names = announced.announcement.as_ref().map(Announcement::names);
        let failed = announced.announcement.as_ref().and_then(Announcement::trouble);
        let trouble = failed.or_else(|| announced.trouble.clone()).or_else(|| {
            let why = if !on || names.is_some() {
                return None;
            } else if !self.runs() {
                "The broker is not running."
            } else if self.options.local_only {
                "Hearth was started with --local-only, so nothing is announced."
            } else {
                "Neither plain MQTT nor MQTT over TLS is open to the network, so there is nothing to announce."
            };
            Some(why.to_owned())
        });
        let (announced, host) = names.map(|names| (names.service, names.host)).unzip();
        MdnsView { on, announced, host, trouble }
    }
}

/// Ends when the library's thread does.
fn follow(events: &Receiver<DaemonEvent>, names: &Mutex<Names>, trouble: &Mutex<Option<String>>) {
    while let Ok(event) = events.recv() {
        match event {
            DaemonEvent::NameChange(change) => {
                let new = change.new_name.trim_end_matches('.').to_owned();
                tracing::warn!(from = change.original, to = new, "a name was taken, so another is announced");
                let mut names = names.lock();
                let is_host = change.original.trim_end_matches('.').eq_ignore_ascii_case(&names.host);
                if is_host {
                    names.host = new;
                } else if change.original.trim_end_matches('.') == names.service {
                    names.service = new;
                }
            }
            DaemonEvent::Error(why) => *trouble.lock() = Some(in_words(why)),
            DaemonEvent::Announce(..) => *trouble.lock() = None,
            _ => {}
        }
    }
}

fn in_words(why: impl std::fmt::Display) -> String {
    format!(
        "The broker cannot be announced by multicast DNS: {why}. Boards that are told its address find it all the same."
    )
}

/// The first label of a host name as it can be announced: lower case, letters, digits and `-`.
pub(crate) fn label(host: &str) -> String {
    let first = host.split('.').next().unwrap_or_default();
    let plain: String =
        first.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    // The name of the service has the words in front of it.
    let label: String = plain.trim_matches('-').chars().take(LABEL_BYTES_MAX - INSTANCE.len()).collect();
    if label.is_empty() { "hearth".to_owned() } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_becomes_a_label() {
        fn check(host: &str, expected: &str) {
            assert_eq!(label(host), expected);
        }
        check("myhost", "myhost");
        check("MyHost.fritz.box", "myhost");
        check("Jörgs_PC", "j-rgs-pc");
        check("", "hearth");
        check("---", "hearth");
        check(&"x".repeat(100), &"x".repeat(53));
    }

    #[test]
    fn what_nobody_else_can_reach_is_not_announced() {
        let at = |address: &str| address.parse().ok();
        let services = Services { mqtt: at("127.0.0.1:1883"), secure_mqtt: at("[::1]:8883") };
        assert_eq!(services.reachable(), []);
        let services = Services { mqtt: None, secure_mqtt: at("192.168.1.7:8883") };
        assert_eq!(services.reachable(), [(SECURE_MQTT, "192.168.1.7:8883".parse().unwrap())]);
    }
}
