//! Which address a board should be told.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use broker::Transport;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::api::types::Level;
use crate::{Hub, demo};

/// Where the address that boards were told is kept.
pub const SETTING: &str = "broker.address";

/// Where boards find the broker, and why they cannot if they cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardAddress {
    /// Host to type into a board.
    pub host: String,
    /// Port to type into a board.
    pub port: u16,
    /// Why boards cannot reach it.
    pub warning: Option<String>,
}

/// The address boards should use, from where the broker listens.
pub fn board_address(listening: &[(Transport, SocketAddr)]) -> BoardAddress {
    let Some((transport, first)) = listening.first() else {
        return BoardAddress {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: crate::MQTT_PORT,
            warning: Some("The broker is not running.".to_owned()),
        };
    };
    let host = reached_at(*first);
    let warning = match host {
        None => Some(
            "This computer has no network address. Connect it to the network your boards are in.".to_owned(),
        ),
        Some(ip) if ip.is_loopback() => Some(
            "The broker listens on this computer only, so boards cannot reach it. \
             Open it in Settings, Broker, Ways in (address 0.0.0.0:1883); if Hearth was started with \
             `--local-only`, start it without."
                .to_owned(),
        ),
        Some(_) if *transport == Transport::Tcp => None,
        Some(_) => {
            let tls = listening.iter().find(|(transport, _)| *transport == Transport::Tls);
            let or = tls.map_or(String::new(), |(_, at)| format!(", or use TLS on port {}", at.port()));
            Some(format!(
                "Plain MQTT is switched off, and most boards speak nothing else. Switch it on in Settings, Broker, \
                 Ways in{or}."
            ))
        }
    };
    let host = host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)).to_string();
    BoardAddress { host, port: first.port(), warning }
}

/// The address boards were told last, and the one before as long as the owner has not seen that it changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    address: Option<String>,
    was: Option<String>,
}

impl Told {
    /// What is to be kept when this computer is at `address` now; `None` when nothing changed.
    fn moved(&self, address: &str) -> Option<Self> {
        let before = self.address.as_deref().filter(|before| *before != address);
        match (&self.address, before) {
            (None, _) => Some(Self { address: Some(address.to_owned()), was: None }),
            (_, None) => None,
            (_, Some(before)) => {
                // Back where boards look for it: nothing is to be done any more.
                let was = self.was.clone().unwrap_or_else(|| before.to_owned());
                Some(Self { address: Some(address.to_owned()), was: Some(was).filter(|was| was != address) })
            }
        }
    }
}

/// What is remembered of this computer's address, from run to run.
#[derive(Default)]
pub struct ToldAddress(Mutex<Told>);

impl ToldAddress {
    /// As it was stored.
    pub fn read(stored: Option<&Value>) -> Self {
        let told = stored.and_then(|stored| serde_json::from_value(stored.clone()).ok());
        Self(Mutex::new(told.unwrap_or_default()))
    }

    /// The address before, until the owner has seen that it changed.
    pub fn was(&self) -> Option<String> {
        self.0.lock().was.clone()
    }
}

impl Hub {
    /// Looks whether this computer is still where boards were told, and whether the certificate still fits.
    pub(crate) async fn look_at_network(&self) {
        if !self.options.local_only {
            let address = tokio::task::spawn_blocking(lan_address).await.ok().flatten();
            // Without a network the old one may come back.
            if let Some(address) = address {
                self.seen_at(&address.to_string()).await;
            }
        }
        self.look_at_certificate().await;
    }

    async fn seen_at(&self, address: &str) {
        let before = self.told_address.0.lock().clone();
        let Some(moved) = before.moved(address) else { return };
        let boards = self.credentials.list().iter().any(|one| !one.name.starts_with(demo::USER_PREFIX));
        if boards && let Some(was) = &moved.was {
            let text = format!(
                "This computer's address changed from {was} to {address}. Boards that were told {was} cannot find \
                 the broker. Give this computer a fixed address in your router, or tell the boards the new one."
            );
            self.activity.add(Level::Warning, "hub", None, text);
        } else if boards && before.was.is_some() {
            let text = format!("This computer is at {address} again, where the boards look for it.");
            self.activity.add(Level::Info, "hub", None, text);
        }
        // Nobody was told anything before there was a board.
        let moved = if boards { moved } else { Told { was: None, ..moved } };
        self.keep_address(moved).await.unwrap_or_else(|why| tracing::warn!(%why, "the address is not kept"));
    }

    async fn keep_address(&self, told: Told) -> Result<(), ApiError> {
        let kept = json!(told);
        *self.told_address.0.lock() = told;
        self.keep_setting(SETTING, kept).await
    }

    /// The owner knows that the address changed.
    pub(crate) async fn address_seen(&self) -> Result<(), ApiError> {
        let told = Told { was: None, ..self.told_address.0.lock().clone() };
        self.keep_address(told).await
    }
}

/// The address of this computer at which others reach a listener.
pub fn reached_at(listening: SocketAddr) -> Option<IpAddr> {
    if listening.ip().is_unspecified() { lan_address() } else { Some(listening.ip()) }
}

/// This computer's address on the network that its default route leads to; without one, its first address on
/// any network.
pub fn lan_address() -> Option<IpAddr> {
    routed_address().or_else(|| lan_addresses().first().copied())
}

/// Connecting a UDP socket only asks the routing table; nothing is sent.
fn routed_address() -> Option<IpAddr> {
    /// An address of the block kept for documentation (RFC 5737): only its route matters.
    const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(ELSEWHERE).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified() && !ip.is_loopback()).then_some(ip)
}

/// Every IPv4 address of this computer that something on a network may reach, those of bridges to virtual
/// machines and containers last. IPv6 is left out: few boards speak it, and a link-local address means nothing
/// without an interface.
pub fn lan_addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = if_addrs::get_if_addrs() else { return Vec::new() };
    let found = interfaces.into_iter().map(|interface| (interface.name.clone(), interface.ip()));
    in_order(found.collect())
}

fn in_order(mut found: Vec<(String, IpAddr)>) -> Vec<IpAddr> {
    const VIRTUAL: [&str; 7] = ["docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "cni"];
    found.retain(|(_, ip)| matches!(ip, IpAddr::V4(ip) if !ip.is_loopback() && !ip.is_link_local()));
    found.sort_by_key(|(name, _)| VIRTUAL.iter().any(|prefix| name.starts_with(prefix)));
    found.into_iter().map(|(_, ip)| ip).collect()
}

/// Why nothing can listen at this address here, and what to choose instead; `None` when something can. The port is
/// not looked at. The system is asked, and not its list of interfaces: it may allow more than that.
pub fn why_not_here(address: SocketAddr) -> Option<String> {
    if address.ip().is_unspecified() {
        return None;
    }
    if is_for_many(address.ip()) {
        return Some(not_here(address));
    }
    // Bound, but not listened on: nobody can connect to it.
    let socket =
        if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() };
    let mut any_port = address;
    any_port.set_port(0);
    match socket.and_then(|socket| socket.bind(any_port)) {
        Err(why) if why.kind() == io::ErrorKind::AddrNotAvailable => Some(not_here(address)),
        _ => None,
    }
}

/// Whether an address is for sending to many at once, of any network or one that this computer is in. The system may
/// let a socket listen at it, but nobody can connect to it.
fn is_for_many(ip: IpAddr) -> bool {
    broker::is_for_many(ip)
        || if_addrs::get_if_addrs().unwrap_or_default().iter().any(|interface| match &interface.addr {
            if_addrs::IfAddr::V4(own) => is_broadcast(ip, own.ip, own.netmask),
            if_addrs::IfAddr::V6(_) => false,
        })
}

/// Whether an address is the last one of a network: all in it.
fn is_broadcast(ip: IpAddr, own: Ipv4Addr, netmask: Ipv4Addr) -> bool {
    /// A network of at most two addresses (RFC 3021) has none for all.
    const TWO: u32 = !1;
    netmask.to_bits() < TWO && ip.to_canonical() == IpAddr::V4(own | !netmask)
}

/// That an address is none of this computer's, and what to choose instead.
pub fn not_here(address: SocketAddr) -> String {
    not_here_but(address, &lan_addresses())
}

fn not_here_but(address: SocketAddr, own: &[IpAddr]) -> String {
    /// Addresses that are named; a computer with many containers has one for each of their networks.
    const NAMED_MAX: usize = 4;
    let (ip, port) = (address.ip(), address.port());
    let own: Vec<String> = own.iter().take(NAMED_MAX).map(|ip| format!("{ip}:{port}")).collect();
    let own = if own.is_empty() { String::new() } else { format!("{} for one of them, ", own.join(" or ")) };
    let what = if is_for_many(ip) {
        "an address for sending to many at once, so nobody can connect to it"
    } else {
        "no address of this computer"
    };
    format!(
        "{ip} is {what}. Choose 0.0.0.0:{port} for all of its networks, {own}or 127.0.0.1:{port} \
         for programs on this computer alone."
    )
}

/// Name of this computer, as the system knows it; empty when it does not tell.
pub fn host_name() -> String {
    #[cfg(unix)]
    {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }
    #[cfg(not(unix))]
    {
        std::env::var("COMPUTERNAME").unwrap_or_default()
    }
}

/// The address with the network taken away, for `--local-only`.
pub fn loopback(address: SocketAddr) -> SocketAddr {
    if address.ip().is_loopback() { address } else { SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_on_loopback_is_told_to_be_out_of_reach() {
        let at = |transport, address: &str| (transport, address.parse().unwrap());
        let found = board_address(&[at(Transport::Tcp, "127.0.0.1:1884")]);
        assert_eq!((found.host.as_str(), found.port), ("127.0.0.1", 1884));
        assert!(found.warning.unwrap().contains("Ways in"));
        let tls = at(Transport::Tls, "192.168.1.7:8883");
        assert_eq!(board_address(&[at(Transport::Tcp, "192.168.1.7:1883"), tls]).warning, None);
        let found = board_address(&[tls]);
        assert_eq!((found.host.as_str(), found.port), ("192.168.1.7", 8883));
        assert_eq!(
            found.warning.unwrap(),
            "Plain MQTT is switched off, and most boards speak nothing else. Switch it on in Settings, Broker, Ways in, \
             or use TLS on port 8883."
        );
    }

    #[test]
    fn an_address_of_another_computer_is_told_with_those_this_one_has() {
        let check = |address: &str, here: bool| {
            assert_eq!(why_not_here(address.parse().unwrap()).is_none(), here, "{address}");
        };
        check("0.0.0.0:1883", true);
        check("[::]:1883", true);
        check("127.0.0.1:1", true);
        check("203.0.113.7:1883", false);
        let told = |own: &[&str]| {
            let own: Vec<IpAddr> = own.iter().map(|ip| ip.parse().unwrap()).collect();
            not_here_but("203.0.113.7:1883".parse().unwrap(), &own)
        };
        assert_eq!(
            told(&["192.168.1.7", "172.17.0.1"]),
            "203.0.113.7 is no address of this computer. Choose 0.0.0.0:1883 for all of its networks, \
             192.168.1.7:1883 or 172.17.0.1:1883 for one of them, or 127.0.0.1:1883 for programs on this computer \
             alone."
        );
        assert!(told(&[]).contains("all of its networks, or 127.0.0.1:1883"));
    }

    #[test]
    fn an_address_for_many_is_none_to_listen_at() {
        for address in [
            "224.0.0.1:1883",
            "239.255.255.250:1883",
            "255.255.255.255:1883",
            "127.255.255.255:1883",
            "[ff02::1]:1883",
            "[::ffff:224.0.0.1]:1883",
        ] {
            let why = why_not_here(address.parse().unwrap()).unwrap();
            assert!(why.contains("is an address for sending to many at once"), "{why}");
        }
        let check = |ip: &str, own: &str, netmask: &str, expected: bool| {
            let broadcast = is_broadcast(ip.parse().unwrap(), own.parse().unwrap(), netmask.parse().unwrap());
            assert_eq!(broadcast, expected, "{ip} {own} {netmask}");
        };
        check("192.168.1.255", "192.168.1.7", "255.255.255.0", true);
        check("192.168.1.7", "192.168.1.7", "255.255.255.0", false);
        check("192.168.2.255", "192.168.1.7", "255.255.255.0", false);
        check("10.0.0.1", "10.0.0.1", "255.255.255.255", false);
        check("10.0.0.1", "10.0.0.0", "255.255.255.254", false);
    }

    #[test]
    fn local_only_takes_the_network_away() {
        assert_eq!(loopback("0.0.0.0:1883".parse().unwrap()).to_string(), "127.0.0.1:1883");
        assert_eq!(loopback("[::1]:0".parse().unwrap()).to_string(), "[::1]:0");
    }

    #[test]
    fn a_new_address_is_told_until_it_is_seen_or_the_old_one_is_back() {
        fn check(
            address: Option<&str>,
            was: Option<&str>,
            now: &str,
            expected: Option<(&str, Option<&str>)>,
        ) {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let told = Told { address: owned(address), was: owned(was) };
            let expected =
                expected.map(|(address, was)| Told { address: owned(Some(address)), was: owned(was) });
            assert_eq!(told.moved(now), expected);
        }
        check(None, None, "a", Some(("a", None)));
        check(Some("a"), None, "a", None);
        check(Some("a"), Some("z"), "a", None);
        check(Some("a"), None, "b", Some(("b", Some("a"))));
        check(Some("b"), Some("a"), "c", Some(("c", Some("a"))));
        check(Some("b"), Some("a"), "a", Some(("a", None)));
    }

    #[test]
    fn a_board_is_told_an_address_of_a_real_network() {
        fn check(found: &[(&str, &str)], expected: &[&str]) {
            let found = found.iter().map(|(name, ip)| ((*name).to_owned(), ip.parse().unwrap())).collect();
            let ordered: Vec<String> = in_order(found).iter().map(ToString::to_string).collect();
            assert_eq!(ordered, expected);
        }
        check(&[("lo", "127.0.0.1"), ("lo", "::1")], &[]);
        check(&[("docker0", "172.17.0.1"), ("eth0", "192.168.1.7")], &["192.168.1.7", "172.17.0.1"]);
        check(&[("eth0", "fe80::1"), ("eth0", "169.254.3.4"), ("wlan0", "10.0.0.2")], &["10.0.0.2"]);
    }
}
