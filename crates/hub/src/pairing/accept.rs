//! What the owner accepts becomes a pairing: which board, which firmware, which credential, which steps.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use devices::pairing::{Candidate, Course, Pairing, Way};
use devices::{Handover, Plan, Profile, Secret, Settings, Transport, Wifi};
use tokio_util::sync::CancellationToken;

use super::carrier::{self, Carrier};
use super::http::is_at_home;
use super::record::Succession;
use super::{Pairings, State, UNDER_WAY_MAX, UnderWay, Work};
use crate::api::ApiError;
use crate::api::types::{AcceptCandidate, Level, PairingProgress, PairingWay, Password};
use crate::credential::{SecretHash, make_secret};
use crate::{Hub, boards, clock};

/// Port of a board's web page, unless it is known to be another.
const HTTP_PORT: u16 = 80;
/// What carries settings over the network, the best first.
pub(super) const NETWORK: [Transport; 3] = [Transport::Http, Transport::Rpc, Transport::Terminal];
/// Bounds of the wait for a login that the owner may choose, s.
const WAIT_S_MAX: u32 = 600;
/// Wait for a board that is let in with what it already uses, ms: it tries again within seconds.
const AS_IT_IS_MS: i64 = 120_000;

/// Which board is meant, as far as it is known.
struct Meant {
    candidate: Option<Candidate>,
    address: Option<SocketAddr>,
    serial: Option<String>,
}

impl Hub {
    /// Begins to bring a board in.
    pub(crate) async fn accept_candidate(
        self: &Arc<Self>,
        who: &str,
        accepted: AcceptCandidate,
    ) -> Result<PairingProgress, ApiError> {
        let meant = self.meant(&accepted)?;
        let recognised = meant.candidate.as_ref().and_then(|candidate| candidate.seen.firmware.clone());
        let firmware =
            accepted.firmware.clone().or(recognised).ok_or_else(|| {
                ApiError::invalid("It is not known which firmware this board has. Choose it.")
            })?;
        let profile = self.profile(&firmware)?;
        let (slug, name) = (boards::slug_of(&accepted.name)?, accepted.name.trim().to_owned());
        if let Some(area) = &accepted.area
            && !self.home.read().areas().any(|known| known.id == *area)
        {
            return Err(ApiError::not_found("area", area));
        }
        let now_ms = clock::now_ms();
        let mut state = self.pairings.state.lock();
        let under_way = state.under_way.values().filter(|one| !one.pairing.has_ended());
        if under_way.count() >= UNDER_WAY_MAX {
            return Err(ApiError::conflict(format!(
                "{UNDER_WAY_MAX} boards are being paired, which is the limit. Wait until one is done."
            )));
        }
        let address = meant.address.map(|address| address.to_string());
        let is_busy = state.under_way.values().any(|one| {
            let same_place = one.work.as_ref().is_some_and(|work| match (&work.carrier, meant.address) {
                (Carrier::Network { address, .. }, Some(wanted)) => *address == wanted,
                (Carrier::Serial { port }, _) => Some(port) == meant.serial.as_ref(),
                _ => false,
            });
            let same_candidate =
                one.candidate.is_some_and(|id| meant.candidate.as_ref().is_some_and(|c| c.id == id));
            !one.pairing.has_ended() && (same_place || same_candidate)
        });
        if is_busy {
            return Err(ApiError::conflict(
                "This board is being paired already. Wait, or cancel that first.",
            ));
        }
        let mac = mac_of(&state, &meant);
        let prepared = match accepted.way {
            PairingWay::Push => self.prepare_push(&state, &profile, &slug, &meant, &accepted, mac.clone())?,
            PairingWay::AsItIs => self.prepare_as_it_is(&state, &profile, &meant)?,
        };
        let Prepared { user, topic, work, mut course } = prepared;
        if let Some(seconds) = accepted.wait_s {
            course.login_ms = i64::from(seconds.clamp(1, WAIT_S_MAX)) * 1_000;
        }
        let is_knock = |seen: &Candidate| matches!(seen.seen.way, Way::Refused { .. });
        course.knocked = meant.candidate.as_ref().is_some_and(is_knock);
        let succeeds = mac.as_ref().and_then(|mac| {
            let home = self.home.read();
            let device = home.device_with_mac(mac)?;
            Some(Succession { device: device.id.clone(), credential: device.credential.clone() })
        });
        let (pairing, effects) = Pairing::begin(course, now_ms);
        state.last_id += 1;
        let id = state.last_id;
        let begun = UnderWay {
            pairing,
            name: name.clone(),
            area: accepted.area,
            user: user.clone(),
            topic,
            firmware,
            succeeds,
            claims: None,
            keeps: None,
            mac,
            address: meant.address.map(|address| address.ip().to_string()),
            http_port: meant.address.map(|address| address.port()).filter(|port| *port != HTTP_PORT),
            serial: meant.serial.clone(),
            candidate: meant.candidate.map(|candidate| candidate.id),
            way: accepted.way,
            failed_at: None,
            begun_ms: now_ms,
            ended_ms: None,
            work: Some(Arc::new(work)),
            ending: CancellationToken::new(),
        };
        let progress = super::view::progress(id, &begun);
        state.under_way.insert(id, begun);
        drop(state);
        let at = address.or(meant.serial).map_or(String::new(), |at| format!(" at {at}"));
        let text = format!("{who} accepted the board {name}{at}; its credential is `{user}`.");
        self.activity.add(Level::Info, "pairing", Some(&user), text);
        for effect in effects {
            self.carry_out(id, effect);
        }
        self.pairings.change();
        Ok(progress)
    }

    /// A firmware profile, or which there are.
    pub(crate) fn profile(&self, firmware: &str) -> Result<Profile, ApiError> {
        let home = self.home.read();
        home.profile(firmware).cloned().ok_or_else(|| {
            let known: Vec<_> = home.profiles().iter().map(Profile::id).collect();
            ApiError::invalid(format!(
                "There is no firmware profile `{firmware}`. Choose one of {}.",
                known.join(", ")
            ))
        })
    }

    fn meant(&self, accepted: &AcceptCandidate) -> Result<Meant, ApiError> {
        let candidate = match accepted.candidate {
            None => None,
            Some(id) => {
                let known = self.pairings.state.lock().window.candidate(id).cloned();
                Some(known.ok_or_else(|| {
                    ApiError::conflict(
                        "This candidate is gone: the window closed, or the board was paired. Open the window again.",
                    )
                })?)
            }
        };
        let seen = candidate.as_ref().map(|candidate| &candidate.seen);
        let of_candidate = seen.and_then(|seen| {
            let ip: IpAddr = seen.address.as_deref()?.parse().ok()?;
            Some(SocketAddr::new(ip, seen.http_port.unwrap_or(HTTP_PORT)))
        });
        let address = match &accepted.address {
            Some(text) => Some(board_address(text, self.options.local_only)?),
            None => of_candidate,
        };
        let of_candidate = seen.and_then(|seen| match &seen.way {
            Way::Serial { port } => Some(port.clone()),
            _ => None,
        });
        let serial = accepted.serial.clone().or(of_candidate);
        if address.is_none() && serial.is_none() {
            return Err(ApiError::invalid("Say which board: a candidate, an address, or a serial port."));
        }
        Ok(Meant { candidate, address, serial })
    }

    /// A credential of its own, handed over.
    fn prepare_push(
        &self,
        state: &State,
        profile: &Profile,
        slug: &str,
        meant: &Meant,
        accepted: &AcceptCandidate,
        mac: Option<String>,
    ) -> Result<Prepared, ApiError> {
        let user = self.free_user_but(slug, |name| Pairings::is_taken(state, name))?;
        let secret = make_secret().map_err(ApiError::internal)?;
        let broker = self.board_address();
        let is_here = meant.address.is_some_and(|address| address.ip().is_loopback());
        if let Some(warning) = broker.warning.filter(|_| !is_here && !self.options.local_only) {
            return Err(ApiError::conflict(format!("The board could not reach the broker. {warning}")));
        }
        let hidden = |password: &Option<Password>| password.as_ref().map(|password| password.0.clone());
        let (board_password, wifi_password) =
            (hidden(&accepted.board_password), hidden(&accepted.wifi_password));
        // A line break would be another command on a console.
        let texts = [&accepted.wifi_ssid, &wifi_password, &board_password];
        if texts.into_iter().flatten().any(|text| text.chars().any(char::is_control)) {
            return Err(ApiError::invalid("Passwords and names of networks have no line breaks in them."));
        }
        let wifi = accepted.wifi_ssid.clone();
        let wifi = wifi.map(|ssid| Wifi { ssid, password: wifi_password.unwrap_or_default() });
        let board_password = board_password.map(Secret);
        let settings = Settings {
            handover: Handover {
                host: broker.host,
                port: broker.port,
                user: user.clone(),
                password: secret.clone(),
                topic: user.clone(),
            },
            board_password: board_password.clone(),
            wifi,
        };
        let (carrier, plan) = way_to(profile, &settings, meant, board_password)?;
        let place = match &carrier {
            Carrier::Network { address, .. } => Some(format!("{}, port {}", address.ip(), address.port())),
            Carrier::Serial { .. } | Carrier::Broker | Carrier::Nothing => None,
        };
        let steps = carrier::course(&plan);
        Ok(Prepared {
            course: Course { steps, login_ms: plan.login_ms, place, knocked: false },
            work: Work {
                carrier,
                secret: SecretHash::generated(&secret).map_err(ApiError::internal)?,
                permissions: permissions(profile, &user, &user, mac)?,
                plan: Some(plan),
            },
            topic: user.clone(),
            user,
        })
    }

    /// What it tried becomes its credential.
    fn prepare_as_it_is(
        &self,
        state: &State,
        profile: &Profile,
        meant: &Meant,
    ) -> Result<Prepared, ApiError> {
        let id = meant.candidate.as_ref().map(|candidate| candidate.id);
        let tried = id.and_then(|id| state.tried.get(&id)).ok_or_else(|| {
            ApiError::conflict(
                "Only a board that tried to log in while the window was open can be let in as it is. Open the window, \
                 and wait until it comes.",
            )
        })?;
        if let Some(why) = self.why_not_as_it_is(state, tried) {
            return Err(ApiError::conflict(format!("The board cannot be let in as it is: {why}.")));
        }
        let (Some(user), Ok(secret)) = (&tried.user, &tried.secret) else {
            return Err(ApiError::conflict("The board gave no user name or password to be let in with."));
        };
        let topic = tried.topic.clone().unwrap_or_else(|| user.clone());
        Ok(Prepared {
            course: Course { steps: Vec::new(), login_ms: AS_IT_IS_MS, place: None, knocked: false },
            work: Work {
                carrier: Carrier::Nothing,
                secret: secret.clone(),
                permissions: permissions(profile, user, &topic, None)?,
                plan: None,
            },
            user: user.clone(),
            topic,
        })
    }

    /// Why a candidate cannot be let in with what it tried.
    pub(super) fn why_not_as_it_is(&self, state: &State, tried: &super::Tried) -> Option<String> {
        let Some(user) = &tried.user else { return Some("it gave no user name".to_owned()) };
        if self.credentials.get(user).is_some() || Pairings::is_taken(state, user) {
            return Some(format!("there is a credential called `{user}`, so hand it one of its own"));
        }
        tried.secret.as_ref().err().cloned()
    }
}

struct Prepared {
    user: String,
    topic: String,
    work: Work,
    course: Course,
}

/// The MAC address of a board, as it or its web page told it: a knock at the door says none, the page behind it does.
fn mac_of(state: &State, meant: &Meant) -> Option<String> {
    let own = meant.candidate.as_ref().and_then(|candidate| candidate.seen.found.mac.clone());
    own.or_else(|| {
        let address = meant.address?;
        let ip = address.ip().to_string();
        let mut there = state.window.candidates().map(|candidate| &candidate.seen).filter(|seen| {
            seen.address.as_ref() == Some(&ip) && seen.http_port.unwrap_or(HTTP_PORT) == address.port()
        });
        there.find_map(|seen| seen.found.mac.clone())
    })
}

/// What a board of this firmware may do. What is said of it comes from the network, so a wildcard in it is refused.
fn permissions(
    profile: &Profile,
    user: &str,
    topic: &str,
    mac: Option<String>,
) -> Result<model::Permissions, ApiError> {
    let known = [("user", user), ("topic", topic)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let known: BTreeMap<_, _> = known.into_iter().chain(mac.map(|mac| ("mac".to_owned(), mac))).collect();
    profile.acl(&known).map_err(|why| ApiError::invalid(why.to_string()))
}

/// How settings get to the board, by what its firmware takes and where it is.
fn way_to(
    profile: &Profile,
    settings: &Settings,
    meant: &Meant,
    password: Option<Secret>,
) -> Result<(Carrier, Plan), ApiError> {
    let transports: &[Transport] = if meant.serial.is_some() { &[Transport::Serial] } else { &NETWORK };
    for transport in transports {
        let plan = profile.plan(*transport, settings).map_err(|why| ApiError::invalid(why.to_string()))?;
        let Some(plan) = plan else { continue };
        if settings.wifi.is_none() && profile.needs_wifi(*transport) {
            return Err(ApiError::invalid(format!(
                "{} takes the Wi-Fi network together with the settings. Give its name and password.",
                profile.name()
            )));
        }
        let carrier = match (&meant.serial, meant.address) {
            (Some(port), _) => Carrier::Serial { port: port.clone() },
            (None, Some(mut address)) => {
                // A terminal is not behind the port of the web page, unless the owner said where it is.
                if let (Some(port), HTTP_PORT) = (plan.port, address.port()) {
                    address.set_port(port);
                }
                Carrier::Network { address, password }
            }
            (None, None) => continue,
        };
        return Ok((carrier, plan));
    }
    let how = if meant.serial.is_some() { "over a serial line" } else { "over the network" };
    Err(ApiError::conflict(format!(
        "{} takes no settings {how}. Add the board by hand: Hearth makes the text to paste into it.",
        profile.name()
    )))
}

/// The address of a board, as a person writes it. Nothing outside of a home is a board.
pub(super) fn board_address(text: &str, local_only: bool) -> Result<SocketAddr, ApiError> {
    let text = text.trim();
    let address: Option<SocketAddr> =
        text.parse().ok().or_else(|| Some(SocketAddr::new(text.parse().ok()?, HTTP_PORT)));
    let address = address.ok_or_else(|| {
        ApiError::invalid(format!("`{text}` is no address of a board. Write it as `192.168.1.20`."))
    })?;
    if !is_at_home(address.ip()) {
        return Err(ApiError::invalid(format!(
            "{} is no address of a home's network, so no secret is sent there.",
            address.ip()
        )));
    }
    if local_only && !address.ip().is_loopback() {
        return Err(ApiError::invalid(
            "Hearth was started with --local-only, so nothing is sent to the network.",
        ));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_sent_to_addresses_of_a_home_only() {
        for (text, local_only, expected) in [
            ("192.168.1.20", false, Some("192.168.1.20:80")),
            (" 10.0.0.2:8080 ", false, Some("10.0.0.2:8080")),
            ("fd00::7", false, Some("[fd00::7]:80")),
            ("8.8.8.8", false, None),
            ("plug.local", false, None),
            ("", false, None),
            ("192.168.1.20", true, None),
            ("127.0.0.9:81", true, Some("127.0.0.9:81")),
        ] {
            let found = board_address(text, local_only).ok().map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
