//! Boards found in the network: those that announce themselves by multicast DNS, and those that answer when each
//! address of one network is tried. Both only when the owner asks for it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use devices::pairing::{Found, Sighting, Way};
use devices::{Method, Profile};
use mdns_sd::{ResolvedService, ServiceDaemon, ServiceEvent};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::Search;
use super::http::{WebPage, is_at_home};
use crate::api::ApiError;
use crate::api::types::{CandidateView, ErrorCode, JoinWifi, JoinedWifi, Level, SearchLan, SearchView};
use crate::{Hub, clock, network};

/// Web page of boards that have no service of their own.
const HTTP_SERVICE: &str = "_http._tcp";
/// How long announcements are listened to.
const LISTEN: Duration = Duration::from_secs(8);
/// Longest a search may take.
const SEARCH: Duration = Duration::from_secs(120);
/// Smallest prefix of a range: 256 addresses.
const PREFIX_MIN: u8 = 24;
/// Addresses tried at a time.
const AT_A_TIME: usize = 24;
/// Longest wait for a connection while the addresses of a network are tried.
const KNOCK: Duration = Duration::from_millis(800);
/// Longest wait for a connection to one board that is asked for.
const ANSWERS: Duration = Duration::from_secs(3);
/// Services of one search that are looked at; whoever announces more is no home.
const SERVICES_MAX: usize = 512;

/// The addresses of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: u32,
    count: u32,
}

impl Range {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let wrong = |why: &str| {
            ApiError::invalid(format!("`{text}` cannot be searched: {why}. Write it as `192.168.1.0/24`."))
        };
        let (address, prefix) = text.trim().split_once('/').ok_or_else(|| wrong("it is no range"))?;
        let address: Ipv4Addr = address.parse().map_err(|_| wrong("it is no IPv4 range"))?;
        let prefix: u8 = prefix.parse().map_err(|_| wrong("it is no range"))?;
        if !(PREFIX_MIN..=32).contains(&prefix) {
            return Err(wrong("a range has 256 addresses at most"));
        }
        let range = Self::around(address, prefix);
        // A /24 is within one private block as a whole.
        if !is_at_home(IpAddr::V4(address)) {
            return Err(wrong("it is no network of a home"));
        }
        Ok(range)
    }

    fn around(address: Ipv4Addr, prefix: u8) -> Self {
        let count = 1u32 << (32 - u32::from(prefix));
        Self { first: u32::from(address) & !(count - 1), count }
    }

    fn is_loopback(self) -> bool {
        Ipv4Addr::from(self.first).is_loopback()
    }

    fn addresses(self) -> impl Iterator<Item = Ipv4Addr> {
        (self.first..=self.first + (self.count - 1)).map(Ipv4Addr::from)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.first), 32 - self.count.trailing_zeros())
    }
}

impl Hub {
    /// Begins a search. What it finds are candidates.
    pub(crate) fn search_lan(self: &Arc<Self>, wanted: &SearchLan) -> Result<(), ApiError> {
        let range = match (&wanted.range, wanted.sweep) {
            (_, false) => None,
            (Some(range), true) => Some(Range::parse(range)?),
            (None, true) if self.options.local_only => None,
            (None, true) => Some(own_network()?),
        };
        if self.options.local_only && !range.is_some_and(Range::is_loopback) {
            return Err(ApiError::conflict(
                "Hearth was started with --local-only, so the network is not searched.",
            ));
        }
        let ending = self.closing.child_token();
        {
            let mut state = self.pairings.state.lock();
            if state.search.is_some() {
                return Err(ApiError::conflict(
                    "A search is under way already. Wait until it is over, or stop it.",
                ));
            }
            let seen = SearchView { tried: 0, all: range.map_or(0, |range| range.count) };
            state.search = Some(Search { seen, ending: ending.clone() });
        }
        self.pairings.change();
        let (hub, port) = (self.clone(), wanted.port.unwrap_or(80));
        self.tasks.spawn(async move {
            let searching = async {
                let swept = async {
                    if let Some(range) = range {
                        hub.sweep(range, port).await;
                    }
                };
                let listened = async {
                    if !hub.options.local_only {
                        hub.listen_for_boards().await;
                    }
                };
                tokio::join!(swept, listened);
            };
            let _ = ending.run_until_cancelled(tokio::time::timeout(SEARCH, searching)).await;
            hub.pairings.state.lock().search = None;
            hub.pairings.change();
        });
        Ok(())
    }

    /// Ends the search that is under way, if one is. It is over when the view has none any more.
    pub(crate) fn stop_search(&self) {
        if let Some(search) = &self.pairings.state.lock().search {
            search.ending.cancel();
        }
    }

    /// The range that is swept unless another is said.
    pub(super) fn searched_network(&self) -> Option<String> {
        if self.options.local_only {
            return None;
        }
        own_network().ok().map(|range| range.to_string())
    }

    /// Asks the web page at one address which board it is; the board becomes a candidate.
    pub(crate) async fn look_at_board(self: &Arc<Self>, address: &str) -> Result<CandidateView, ApiError> {
        let address = super::accept::board_address(address, self.options.local_only)?;
        let opened = tokio::time::timeout(ANSWERS, TcpStream::connect(address)).await;
        if !matches!(opened, Ok(Ok(_))) {
            return Err(ApiError::conflict(format!(
                "Nobody answers at {address}. See that the board has power and is in the same network, and look up its \
                 address in your router."
            )));
        }
        drop(opened);
        let found = self.look_at(address, Way::Sweep, None).await.and_then(|id| self.candidate(id));
        found.ok_or_else(|| ApiError {
            code: ErrorCode::NotFound,
            message: format!(
                "Somebody answers at {address}, but Hearth cannot tell which firmware it is. Choose the firmware, or \
                 add the board by hand."
            ),
        })
    }

    async fn sweep(self: &Arc<Self>, range: Range, port: u16) {
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        let tried = Arc::new(AtomicU32::new(0));
        let mut knocking = tokio::task::JoinSet::new();
        for ip in range.addresses() {
            let Ok(place) = places.clone().acquire_owned().await else { break };
            let (hub, tried) = (self.clone(), tried.clone());
            knocking.spawn(async move {
                let address = SocketAddr::from((ip, port));
                let opened = tokio::time::timeout(KNOCK, TcpStream::connect(address)).await;
                let is_open = matches!(opened, Ok(Ok(_)));
                drop(opened);
                if is_open {
                    hub.look_at(address, Way::Sweep, None).await;
                }
                let tried = tried.fetch_add(1, Ordering::Relaxed) + 1;
                if let Some(search) = &mut hub.pairings.state.lock().search {
                    search.seen.tried = tried;
                }
                hub.pairings.change();
                drop(place);
            });
        }
        while knocking.join_next().await.is_some() {}
    }

    /// Asks a web page which board it is; a board becomes a candidate. `name` is for one that says none.
    async fn look_at(self: &Arc<Self>, address: SocketAddr, way: Way, name: Option<String>) -> Option<u64> {
        let profiles = self.home.read().profiles().to_vec();
        let looking = tokio::task::spawn_blocking(move || recognise(&profiles, address));
        let (firmware, mut found) = looking.await.ok().flatten()?;
        found.name = found.name.or(name);
        self.found(Sighting {
            way,
            address: Some(address.ip().to_string()),
            http_port: Some(address.port()),
            firmware: Some(firmware),
            found,
        })
    }

    fn found(&self, sighting: Sighting) -> Option<u64> {
        let told = format!(
            "A board was found at {}: {}.",
            sighting.address.as_deref().unwrap_or("a serial port"),
            sighting.firmware.as_deref().unwrap_or("unknown firmware")
        );
        let (id, is_news) = self.pairings.state.lock().window.seen(sighting, clock::now_ms())?;
        if is_news {
            self.activity.add(Level::Info, "pairing", None, told);
            self.pairings.change();
        }
        Some(id)
    }

    /// Listens to announcements for some seconds.
    async fn listen_for_boards(self: &Arc<Self>) {
        let profiles = self.home.read().profiles().to_vec();
        let kinds = profiles.iter().flat_map(Profile::mdns_services);
        let mut kinds: Vec<String> = kinds.map(|(kind, _)| kind.to_owned()).collect();
        kinds.push(HTTP_SERVICE.to_owned());
        let (into, mut resolved) = tokio::sync::mpsc::channel(SERVICES_MAX);
        let listening = tokio::task::spawn_blocking(move || listen(&kinds, &into));
        while let Some((kind, service)) = resolved.recv().await {
            let Some(ip) = service.get_addresses_v4().into_iter().find(|ip| is_at_home(IpAddr::V4(*ip)))
            else {
                continue;
            };
            let own = profiles.iter().find(|profile| {
                let mut services = profile.mdns_services();
                services.any(|(known, txt)| known == kind && txt.is_none_or(|txt| has_record(&service, txt)))
            });
            let address = SocketAddr::from((ip, service.get_port()));
            // A board whose service is no web page is what its service says.
            match own.filter(|profile| profile.probes().next().is_none()) {
                Some(profile) => {
                    self.found(announced(profile.id(), ip, &service));
                }
                None => {
                    let (hub, closing) = (self.clone(), self.closing.clone());
                    let instance = instance(&service);
                    let looking = async move { hub.look_at(address, Way::Mdns, instance).await };
                    self.tasks.spawn(closing.run_until_cancelled_owned(looking));
                }
            }
        }
        if let Ok(Err(why)) = listening.await {
            let text = format!("The network cannot be listened to for boards: {why}.");
            self.activity.add(Level::Warning, "pairing", None, text);
        }
    }

    /// Lets a board at a serial port join a network, and looks at its web page.
    pub(crate) async fn join_wifi(self: &Arc<Self>, join: JoinWifi) -> Result<JoinedWifi, ApiError> {
        let JoinWifi { serial, ssid, password } = join;
        let joining = tokio::task::spawn_blocking(move || {
            let mut line = super::serial::open(&serial)?;
            super::serial::join(&mut line, &ssid, &password.0)
        });
        let url = joining.await.map_err(ApiError::internal)?.map_err(ApiError::conflict)?;
        let address = url.as_deref().and_then(web_address);
        let may = |ip: IpAddr| is_at_home(ip) && (!self.options.local_only || ip.is_loopback());
        let candidate = match address.filter(|address| may(address.ip())) {
            Some(address) => self.look_at(address, Way::Sweep, None).await,
            None => None,
        };
        Ok(JoinedWifi { url, candidate })
    }
}

/// The network this computer's address is in.
fn own_network() -> Result<Range, ApiError> {
    match network::lan_address() {
        Some(IpAddr::V4(ip)) if is_at_home(IpAddr::V4(ip)) => Ok(Range::around(ip, PREFIX_MIN)),
        _ => Err(ApiError::conflict(
            "This computer has no address in a home's network. Say which network to search, such as `192.168.1.0/24`.",
        )),
    }
}

/// The address of a URL such as `http://192.168.1.20/`; names are not resolved.
fn web_address(url: &str) -> Option<SocketAddr> {
    let host = url.strip_prefix("http://")?.split('/').next()?;
    host.parse().ok().or_else(|| Some(SocketAddr::new(host.parse().ok()?, 80)))
}

/// Asks every question a profile knows, each once, until one recognises the answer. Blocks.
fn recognise(profiles: &[Profile], address: SocketAddr) -> Option<(String, Found)> {
    let page = WebPage::open(address);
    let mut asked: Vec<&str> = Vec::new();
    for probe in profiles.iter().flat_map(Profile::probes) {
        if asked.contains(&probe) {
            continue;
        }
        asked.push(probe);
        let Some(json) = page.ask(Method::Get, probe, None).ok().and_then(|answer| answer.json) else {
            continue;
        };
        let fits = profiles.iter().filter_map(|profile| Some((profile, profile.recognise(probe, &json)?)));
        if let Some((profile, board)) = fits.max_by_key(|(profile, _)| profile.priority()) {
            let devices::Recognised { locked, name, model, mac } = board;
            return Some((profile.id().to_owned(), Found { name, model, mac, locked }));
        }
    }
    None
}

/// Whether a service has a text record, such as `app_name=ESPURNA`.
fn has_record(service: &ResolvedService, record: &str) -> bool {
    let (key, value) = record.split_once('=').unwrap_or((record, ""));
    service.get_property_val_str(key).is_some_and(|found| found.eq_ignore_ascii_case(value))
}

/// The name a service goes by.
fn instance(service: &ResolvedService) -> Option<String> {
    service.get_fullname().split("._").next().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// A board as its announcement tells it.
fn announced(firmware: &str, ip: Ipv4Addr, service: &ResolvedService) -> Sighting {
    let property =
        |name: &str| service.get_property_val_str(name).map(str::to_owned).filter(|text| !text.is_empty());
    Sighting {
        way: Way::Mdns,
        address: Some(ip.to_string()),
        http_port: None,
        firmware: Some(firmware.to_owned()),
        found: Found {
            name: property("friendly_name").or_else(|| instance(service)),
            model: property("board").or_else(|| property("platform")),
            mac: property("mac").map(|mac| mac.to_ascii_uppercase()),
            locked: false,
        },
    }
}

/// Runs in a thread of its own, as the library's receivers block.
fn listen(
    kinds: &[String],
    into: &tokio::sync::mpsc::Sender<(String, Box<ResolvedService>)>,
) -> mdns_sd::Result<()> {
    /// Longest wait at a time; then the next service is looked at.
    const AT_A_TIME: Duration = Duration::from_millis(50);
    let daemon = ServiceDaemon::new()?;
    let receivers: Vec<_> = kinds
        .iter()
        .map(|kind| Ok((kind, daemon.browse(&format!("{kind}.local."))?)))
        .collect::<mdns_sd::Result<_>>()?;
    let began = std::time::Instant::now();
    while began.elapsed() < LISTEN {
        for (kind, receiver) in &receivers {
            if let Ok(ServiceEvent::ServiceResolved(service)) = receiver.recv_timeout(AT_A_TIME) {
                // Whoever floods the network is heard in part.
                let _ = into.try_send(((*kind).clone(), service));
            }
        }
    }
    let _ = daemon.shutdown();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_256_private_addresses_at_most() {
        for (text, expected) in [
            ("192.168.1.0/24", Some(("192.168.1.0", 256))),
            ("192.168.1.77/24", Some(("192.168.1.0", 256))),
            ("127.0.0.8/29", Some(("127.0.0.8", 8))),
            ("10.0.0.5/32", Some(("10.0.0.5", 1))),
            ("10.0.0.0/16", None),
            ("8.8.8.0/24", None),
            ("fd00::/120", None),
            ("192.168.1.0", None),
            ("192.168.1.0/33", None),
        ] {
            let found =
                Range::parse(text).ok().map(|range| (Ipv4Addr::from(range.first).to_string(), range.count));
            assert_eq!(found.as_ref().map(|(first, count)| (first.as_str(), *count)), expected, "{text}");
        }
        let last = Range::parse("127.0.0.8/29").unwrap().addresses().last().unwrap();
        assert_eq!(last.to_string(), "127.0.0.15");
    }

    #[test]
    fn the_url_of_a_board_is_an_address() {
        for (url, expected) in [
            ("http://192.168.1.20", Some("192.168.1.20:80")),
            ("http://192.168.1.20:8080/x", Some("192.168.1.20:8080")),
            ("https://192.168.1.20", None),
            ("http://example.com/", None),
        ] {
            assert_eq!(web_address(url).map(|address| address.to_string()).as_deref(), expected, "{url}");
        }
    }
}
