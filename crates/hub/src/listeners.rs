//! The ways in to the broker: which are switched on and where, kept in `hub.db` under [`SETTING`] as an object of
//! transport and `{ "on", "address" }`. An address of the command line goes before the setting at each start.
//!
//! Plain MQTT has to open or the hub does not start: every board needs it. Another way in that cannot open is a
//! trouble that is told, and the rest goes on. So it is with plain MQTT, too, at an address that was set before and
//! is not this computer's now: a laptop that moved would not come up any more, and nobody could set it right.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use broker::{StartError, Transport};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::api::types::{self, Level, ListenerView};
use crate::data_dir::Running;
use crate::{Hub, MQTT_PORT, MQTTS_PORT, WS_PORT, WSS_PORT, network};

/// Where the listeners are kept.
pub const SETTING: &str = "broker.listeners";

/// Addresses as the command line gave them.
pub type Given = BTreeMap<Transport, SocketAddr>;

/// One listener as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    on: bool,
    address: SocketAddr,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Listener {
    on: bool,
    address: SocketAddr,
    from_command_line: bool,
    trouble: Option<String>,
}

/// The listeners of this run.
pub struct Listeners {
    all: Mutex<BTreeMap<Transport, Listener>>,
    kept: Mutex<BTreeMap<Transport, Kept>>,
}

impl From<Transport> for types::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Tcp => Self::Tcp,
            Transport::Tls => Self::Tls,
            Transport::Ws => Self::Ws,
            Transport::Wss => Self::Wss,
        }
    }
}

impl From<types::Transport> for Transport {
    fn from(transport: types::Transport) -> Self {
        match transport {
            types::Transport::Tcp => Self::Tcp,
            types::Transport::Tls => Self::Tls,
            types::Transport::Ws => Self::Ws,
            types::Transport::Wss => Self::Wss,
        }
    }
}

fn default(transport: Transport) -> Kept {
    let (on, port) = match transport {
        Transport::Tcp => (true, MQTT_PORT),
        Transport::Tls => (false, MQTTS_PORT),
        Transport::Ws => (false, WS_PORT),
        Transport::Wss => (false, WSS_PORT),
    };
    Kept { on, address: ([0, 0, 0, 0], port).into() }
}

impl Listeners {
    /// The listeners as they were stored and given. What cannot be used is left at its default and told in words.
    pub fn read(stored: Option<&Value>, given: &Given) -> (Self, Vec<String>) {
        let mut wrong = Vec::new();
        let mut kept = BTreeMap::new();
        match stored {
            None => {}
            Some(Value::Object(stored)) => {
                for (name, value) in stored {
                    let transport = serde_json::from_value(Value::String(name.clone()));
                    match (transport, serde_json::from_value::<Kept>(value.clone())) {
                        (Ok(transport), Ok(listener)) => {
                            kept.insert(transport, listener);
                        }
                        _ => wrong.push(format!("The stored listener `{name}` cannot be read: {value}.")),
                    }
                }
            }
            Some(other) => wrong.push(format!("The stored listeners are no object, but {other}.")),
        }
        let listener = |transport| {
            let stored = kept.get(&transport).copied().unwrap_or_else(|| default(transport));
            let given = given.get(&transport);
            let listener = Listener {
                on: stored.on || given.is_some(),
                address: given.copied().unwrap_or(stored.address),
                from_command_line: given.is_some(),
                trouble: None,
            };
            (transport, listener)
        };
        let all = Mutex::new(Transport::ALL.into_iter().map(listener).collect());
        (Self { all, kept: Mutex::new(kept) }, wrong)
    }

    /// Where a transport is to be listened for; `None` when it is switched off.
    pub fn wanted(&self, transport: Transport) -> Option<SocketAddr> {
        self.all.lock().get(&transport).filter(|listener| listener.on).map(|listener| listener.address)
    }

    /// Where a transport is listened for when it is switched on.
    fn address(&self, transport: Transport) -> Option<SocketAddr> {
        self.all.lock().get(&transport).map(|listener| listener.address)
    }

    /// Whether its address comes from the setting and not from the command line.
    fn is_set(&self, transport: Transport) -> bool {
        self.all.lock().get(&transport).is_some_and(|listener| !listener.from_command_line)
    }

    /// Why a listener that is switched on does not listen.
    pub fn troubles(&self) -> Vec<String> {
        self.all.lock().values().filter_map(|listener| listener.trouble.clone()).collect()
    }

    /// The same of one of them.
    pub fn trouble(&self, transport: Transport) -> Option<String> {
        self.all.lock().get(&transport).and_then(|listener| listener.trouble.clone())
    }

    fn set_trouble(&self, transport: Transport, trouble: Option<String>) {
        if let Some(listener) = self.all.lock().get_mut(&transport) {
            listener.trouble = trouble;
        }
    }
}

impl Hub {
    /// Where a listener goes: `--local-only` keeps it off the network.
    pub(crate) fn effective(&self, address: SocketAddr) -> SocketAddr {
        if self.options.local_only { network::loopback(address) } else { address }
    }

    /// Opens plain MQTT.
    pub(crate) async fn open_plain(&self) -> Result<(), StartError> {
        let Err(why) = self.gate.listen().await else { return Ok(()) };
        let was_set = self.listeners.is_set(Transport::Tcp);
        if !(was_set && matches!(why, StartError::NotHere { .. })) {
            return Err(why);
        }
        self.not_open(Transport::Tcp, &in_words(&why));
        Ok(())
    }

    fn not_open(&self, transport: Transport, why: &str) {
        let text = format!("The {transport} listener is switched on, but not open: {why}");
        self.activity.add(Level::Error, "hub", None, text.as_str());
        self.listeners.set_trouble(transport, Some(text));
    }

    /// Opens what is switched on beside plain MQTT.
    pub(crate) async fn open_listeners(&self) {
        for transport in Transport::ALL.into_iter().filter(|transport| *transport != Transport::Tcp) {
            let Some(address) = self.listeners.wanted(transport) else { continue };
            if let Err(why) = self.listen(transport, Some(address)).await {
                self.not_open(transport, &why);
            }
        }
    }

    /// Tries again what could not be opened: the program that had the port may be gone.
    pub(crate) async fn open_listeners_again(&self) {
        let _changing = self.changing.lock().await;
        for transport in Transport::ALL {
            let (Some(address), Some(_)) =
                (self.listeners.wanted(transport), self.listeners.trouble(transport))
            else {
                continue;
            };
            if self.listen(transport, Some(address)).await.is_ok() {
                self.listeners.set_trouble(transport, None);
                let text = format!("The {transport} listener is open at last, at {address}.");
                self.activity.add(Level::Info, "hub", None, text);
                self.tell_command_line();
            }
        }
    }

    async fn listen(&self, transport: Transport, address: Option<SocketAddr>) -> Result<(), String> {
        if address.is_some() && transport.is_encrypted() {
            self.use_certificate().await.map_err(|why| why.to_string())?;
        }
        let address = address.map(|address| self.effective(address));
        self.gate.set_listener(transport, address).await.map(|_| ()).map_err(|why| in_words(&why))
    }

    /// Sets a listener, at once and for the next start. When it cannot be opened, everything stays as it was; and an
    /// address that is not this computer's is not kept for the next start either, be the listener off, the hub
    /// stopped or kept off the network now.
    pub(crate) async fn set_listener(
        &self,
        transport: Transport,
        on: bool,
        address: &str,
    ) -> Result<ListenerView, ApiError> {
        let address: SocketAddr = address.trim().parse().map_err(|_| {
            ApiError::invalid(format!(
                "`{address}` is no address to listen on. Write address and port, such as `0.0.0.0:{}`.",
                default(transport).address.port()
            ))
        })?;
        let _changing = self.changing.lock().await;
        // What is kept from a network that is gone can still be switched off.
        let is_wanted = on || self.listeners.address(transport) != Some(address);
        if is_wanted && let Some(why) = network::why_not_here(address) {
            return Err(ApiError::invalid(why));
        }
        let before = self.listening(transport);
        if self.runs() {
            self.listen(transport, on.then_some(address)).await.map_err(ApiError::conflict)?;
        }
        let mut kept = self.listeners.kept.lock().clone();
        kept.insert(transport, Kept { on, address });
        if let Err(why) = self.keep_setting(SETTING, json!(kept)).await {
            if self.runs() {
                let back = self.gate.set_listener(transport, before).await;
                back.map_err(|why| {
                    ApiError::internal(format!("The {transport} listener is not back: {why}"))
                })?;
            }
            return Err(why);
        }
        *self.listeners.kept.lock() = kept;
        let listener = Listener { on, address, from_command_line: false, trouble: None };
        self.listeners.all.lock().insert(transport, listener);
        let text = if on {
            format!("The {transport} listener is switched on at {address}.")
        } else {
            format!("The {transport} listener is switched off. Connections that are open stay.")
        };
        self.activity.add(Level::Info, "hub", None, text);
        if self.runs() {
            self.tell_command_line();
            self.announce_again().await;
        }
        Ok(self.listener_view(transport))
    }

    /// All of them, plain MQTT first.
    pub fn listener_views(&self) -> Vec<ListenerView> {
        Transport::ALL.into_iter().map(|transport| self.listener_view(transport)).collect()
    }

    fn listener_view(&self, transport: Transport) -> ListenerView {
        let listening = self.listening(transport);
        let all = self.listeners.all.lock();
        let listener = all.get(&transport).cloned();
        drop(all);
        let Listener { on, address, from_command_line, trouble } = listener.unwrap_or_else(|| {
            let Kept { on, address } = default(transport);
            Listener { on, address, from_command_line: false, trouble: None }
        });
        ListenerView {
            transport: transport.into(),
            on,
            address: address.to_string(),
            listening: listening.map(|address| address.to_string()),
            trouble,
            url: listening
                .and_then(|address| Some(url(transport, network::reached_at(address)?, address.port()))),
            from_command_line,
        }
    }

    /// Where a transport is listened for now.
    pub fn listening(&self, transport: Transport) -> Option<SocketAddr> {
        self.gate.listeners().into_iter().find(|(open, _)| *open == transport).map(|(_, address)| address)
    }

    /// Tells the command line where this hub is.
    pub(crate) fn tell_command_line(&self) {
        let running =
            Running { pid: std::process::id(), http: self.http_address(), mqtt: self.gate.addresses() };
        if let Err(why) = self.data.announce(&running) {
            let text = format!("The command line cannot find this hub: {why}. Check the data folder.");
            self.activity.add(Level::Warning, "hub", None, text);
        }
    }
}

/// Why it cannot listen, with this computer's addresses where they help.
fn in_words(why: &StartError) -> String {
    match why {
        StartError::NotHere { addr } => network::not_here(*addr),
        why => why.to_string(),
    }
}

/// What clients connect to.
fn url(transport: Transport, ip: IpAddr, port: u16) -> String {
    let host = SocketAddr::new(ip, port);
    match transport {
        Transport::Tcp => format!("mqtt://{host}"),
        Transport::Tls => format!("mqtts://{host}"),
        Transport::Ws => format!("ws://{host}/mqtt"),
        Transport::Wss => format!("wss://{host}/mqtt"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_before_the_setting_and_the_setting_before_the_default() {
        fn check(stored: Value, given: &[(Transport, &str)], expected: [Option<&str>; 4], wrong: usize) {
            let given = given.iter().map(|(way, address)| (*way, address.parse().unwrap())).collect();
            let (listeners, told) = Listeners::read(Some(&stored), &given);
            let wanted = Transport::ALL.map(|way| listeners.wanted(way).map(|address| address.to_string()));
            assert_eq!(wanted, expected.map(|address| address.map(str::to_owned)), "{stored}");
            assert_eq!(told.len(), wrong, "{told:?}");
        }
        let default = Some("0.0.0.0:1883");
        check(json!({}), &[], [default, None, None, None], 0);
        check(
            json!({ "tls": { "on": true, "address": "127.0.0.1:1" }, "tcp": { "on": false, "address": "0.0.0.0:5" } }),
            &[],
            [None, Some("127.0.0.1:1"), None, None],
            0,
        );
        check(
            json!({ "tcp": { "on": false, "address": "0.0.0.0:5" }, "ws": { "on": true, "address": "0.0.0.0:6" } }),
            &[(Transport::Tcp, "127.0.0.1:7"), (Transport::Wss, "[::]:8")],
            [Some("127.0.0.1:7"), None, Some("0.0.0.0:6"), Some("[::]:8")],
            0,
        );
        check(json!({ "tls": { "on": true }, "quic": {} }), &[], [default, None, None, None], 2);
        check(json!("x"), &[], [default, None, None, None], 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_could_not_be_opened_is_open_once_the_port_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let given =
            Given::from([(Transport::Tcp, "127.0.0.1:0".parse().unwrap()), (Transport::Tls, address)]);
        let options = crate::Options {
            data_dir: dir.path().to_owned(),
            mqtt: Some(given),
            http: None,
            local_only: true,
        };
        let hub = Hub::start(options).await.unwrap().hub;
        hub.open_listeners_again().await;
        assert_eq!((hub.listening(Transport::Tls), hub.listeners.troubles().len()), (None, 1));
        drop(taken);
        hub.open_listeners_again().await;
        assert_eq!((hub.listening(Transport::Tls), hub.listeners.troubles().len()), (Some(address), 0));
        hub.stop().await;
    }

    #[test]
    fn a_client_is_told_a_whole_url() {
        let url = |transport, ip: &str| url(transport, ip.parse().unwrap(), 8883);
        assert_eq!(url(Transport::Tls, "192.168.1.7"), "mqtts://192.168.1.7:8883");
        assert_eq!(url(Transport::Wss, "::1"), "wss://[::1]:8883/mqtt");
    }
}
