//! Looks whether boards can reach the broker, and why not: the checks a person would make one after the other.
//!
//! It connects to this computer's own addresses only, asks the firewall's own tools, changes nothing and never
//! becomes root.

#[allow(dead_code, reason = "each system asks its own firewall, and the tests of all of them run everywhere")]
mod firewall;
mod machine;
mod outside;
mod reach;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use broker::Transport;
use broker::port_holder::port_holder;

use crate::api::types::{CheckResult, Doctor, DoctorCheck};
use crate::{Hub, network};
use reach::Reached;

pub use reach::client_id;

fn check(name: impl Into<String>, result: CheckResult, found: impl Into<String>) -> DoctorCheck {
    DoctorCheck { name: name.into(), result, found: found.into(), advice: None }
}

fn advised(check: DoctorCheck, advice: impl Into<String>) -> DoctorCheck {
    DoctorCheck { advice: Some(advice.into()), ..check }
}

fn ok(name: impl Into<String>, found: impl Into<String>) -> DoctorCheck {
    check(name, CheckResult::Ok, found)
}

fn warning(name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> DoctorCheck {
    advised(check(name, CheckResult::Warning, found), advice)
}

fn failed(name: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> DoctorCheck {
    advised(check(name, CheckResult::Failed, found), advice)
}

fn skipped(name: impl Into<String>, found: impl Into<String>) -> DoctorCheck {
    check(name, CheckResult::Skipped, found)
}

impl Hub {
    /// Makes every check. Takes some seconds at most.
    pub async fn doctor(&self) -> Doctor {
        let address = if self.runs() {
            self.board_address()
        } else {
            // Where it will be.
            let wanted = |transport| Some((transport, self.listeners.wanted(transport)?));
            let wanted: Vec<_> = Transport::ALL.into_iter().filter_map(wanted).collect();
            network::board_address(&wanted)
        };
        let mut checks = vec![self.check_hub()];
        checks.extend(self.check_files());
        for transport in Transport::ALL {
            checks.extend(self.check_port(transport).await);
        }
        let (own, network, firewalls, clock) = tokio::join!(
            self.check_reach_here(),
            self.check_reach_network(),
            self.check_firewalls(),
            machine::clock(),
        );
        checks.extend(own);
        checks.push(network);
        checks.extend(firewalls);
        checks.push(self.check_mdns());
        checks.extend(self.check_certificate().await);
        checks.push(clock);
        checks.push(machine::disk(self.data.path()));
        checks.push(self.check_address(&address));
        Doctor { checks, board_host: address.host, board_port: address.port }
    }

    /// Whether it runs without the network on purpose. A stopped hub only opens no socket.
    fn kept_off(&self) -> bool {
        self.runs() && self.options.local_only
    }

    fn check_hub(&self) -> DoctorCheck {
        let data = self.data.path().display();
        if self.runs() {
            return ok(
                "Hearth",
                format!("Hearth {} is running with its data in {data}.", env!("CARGO_PKG_VERSION")),
            );
        }
        failed(
            "Hearth",
            format!("Hearth is not running on {data}, so nothing can connect."),
            "Start it: hearth serve",
        )
    }

    /// Whether the system allows as many connections as were set; nothing is told when it does.
    fn check_files(&self) -> Option<DoctorCheck> {
        let (found, advice) = self.too_few_files.as_deref()?.split_once(" Raise ")?;
        Some(warning("Open files", found, format!("Raise {advice}")))
    }

    /// Whether the port of a way in that is switched on is open, or who has it.
    async fn check_port(&self, transport: Transport) -> Option<DoctorCheck> {
        let Some(wanted) = self.listeners.wanted(transport) else {
            let off = || {
                warning(
                    "Plain MQTT",
                    "Plain MQTT is switched off. Most boards speak nothing else.",
                    "Switch it on under Settings, Broker, or give every board the address of another way in.",
                )
            };
            return (transport == Transport::Tcp).then(off);
        };
        let name = format!("Port {} ({transport})", wanted.port());
        if let Some(address) = self.listening(transport) {
            let name = format!("Port {} ({transport})", address.port());
            if address.ip().is_loopback() && !self.options.local_only {
                return Some(failed(
                    name,
                    format!("Hearth listens at {address}, which only programs on this computer can reach."),
                    format!("Let it listen at 0.0.0.0:{} instead.", address.port()),
                ));
            }
            return Some(ok(name, format!("Hearth listens at {address}.")));
        }
        if let Some(trouble) = self.listeners.trouble(transport) {
            return Some(failed(
                name,
                trouble,
                "Choose another address or port for it in Settings, Broker, Ways in, or stop what has this one.",
            ));
        }
        let holder = tokio::task::spawn_blocking(move || port_holder(wanted)).await.ok().flatten();
        let taken =
            holder.is_some() || matches!(reach::reach(here(wanted)).await, Reached::Broker | Reached::Other);
        if !taken {
            return Some(skipped(name, "The port is free; Hearth opens it when it starts."));
        }
        let holder = holder.unwrap_or_else(|| "another program".to_owned());
        Some(failed(
            name,
            format!("The port is used by {holder}, so Hearth cannot open it."),
            format!(
                "Stop that program, or start Hearth at another port: hearth serve --{} 0.0.0.0:{}",
                option(transport),
                wanted.port().saturating_add(1)
            ),
        ))
    }

    /// Whether the broker answers to this computer itself.
    async fn check_reach_here(&self) -> Option<DoctorCheck> {
        let listening = self.listening(Transport::Tcp)?;
        let address = here(listening);
        let name = "Answer on this computer";
        Some(match reach::reach(address).await {
            Reached::Broker => ok(name, format!("The broker answers at {address}.")),
            Reached::Other => failed(
                name,
                format!("Something at {address} takes connections, but does not answer as the broker does."),
                "Restart Hearth. If it stays like this, its log says more.",
            ),
            Reached::Nobody(why) => failed(
                name,
                format!("The broker does not answer at {address}: {why}."),
                "Restart Hearth. If it stays like this, its log says more.",
            ),
        })
    }

    /// Whether the broker answers at the address boards are told.
    async fn check_reach_network(&self) -> DoctorCheck {
        let name = "Answer at the network address";
        if self.kept_off() {
            return skipped(
                name,
                "Hearth was started with --local-only: it is kept off the network, so the network and the \
                 firewall are not looked at.",
            );
        }
        let Some(listening) = self.listening(Transport::Tcp) else {
            return skipped(name, "Plain MQTT is not open, so there is nobody to answer.");
        };
        let Some(ip) = network::reached_at(listening) else {
            return failed(
                name,
                "This computer has no network address.",
                "Connect it to the network your boards are in.",
            );
        };
        let address = SocketAddr::new(ip, listening.port());
        match reach::reach(address).await {
            Reached::Broker => ok(
                name,
                format!(
                    "The broker answers at {address}. That was asked from this computer, where a firewall may let pass what it keeps from others."
                ),
            ),
            Reached::Other => failed(
                name,
                format!("Something at {address} takes connections, but it is not this broker."),
                "Look for a program or a rule of the firewall that leads this port elsewhere.",
            ),
            Reached::Nobody(why) => failed(
                name,
                format!("The broker does not answer at {address}, not even to this computer: {why}."),
                "A firewall on this computer keeps connections out; see below.",
            ),
        }
    }

    /// What the firewall does with each port that is open to the network.
    async fn check_firewalls(&self) -> Vec<DoctorCheck> {
        if self.kept_off() {
            return Vec::new();
        }
        let open = self.gate.listeners().into_iter().filter(|(_, address)| !address.ip().is_loopback());
        let mut ports: Vec<u16> = open.map(|(_, address)| address.port()).collect();
        if !self.runs() {
            let wanted = self.listeners.wanted(Transport::Tcp).filter(|wanted| !wanted.ip().is_loopback());
            ports.extend(wanted.map(|address| address.port()));
        }
        machine::firewalls(&ports).await
    }

    fn check_mdns(&self) -> DoctorCheck {
        let name = "Announcement (mDNS)";
        let view = self.mdns_view();
        match (view.announced, view.host, view.trouble) {
            (_, _, Some(why)) if !self.runs() || self.options.local_only => skipped(name, why),
            (_, _, Some(why)) => warning(name, why, "Boards that are told the address connect all the same."),
            (Some(service), Some(host), None) => ok(name, format!("{service} is announced at {host}.")),
            _ => skipped(name, "Announcing is switched off."),
        }
    }

    async fn check_certificate(&self) -> Option<DoctorCheck> {
        let name = "Certificate";
        let used = self.gate.listeners().iter().any(|(transport, _)| transport.is_encrypted());
        match self.certificate_view().await {
            _ if !used => None,
            Ok(None) => None,
            Ok(Some(view)) => Some(match view.trouble {
                Some(why) => {
                    warning(name, why, "Clients that check certificates may refuse this one until then.")
                }
                None => ok(name, format!("The broker's certificate is for {}.", view.names.join(", "))),
            }),
            Err(why) => Some(failed(name, why.to_string(), "Put your copy of the folder tls back.")),
        }
    }

    fn check_address(&self, address: &network::BoardAddress) -> DoctorCheck {
        let name = "Address for boards";
        let found = format!("Type this into a board: host {}, port {}.", address.host, address.port);
        match (self.told_address.was(), &address.warning) {
            (_, Some(why)) if self.kept_off() => skipped(name, why.as_str()),
            (_, Some(why)) if self.listeners.wanted(Transport::Tcp).is_none() => {
                warning(name, why.as_str(), found)
            }
            (_, Some(why)) => failed(name, why.as_str(), "Boards need an address they can reach."),
            (Some(was), None) => warning(
                name,
                format!(
                    "{found} It was {was} before; boards that were told that one cannot find the broker."
                ),
                "Give this computer a fixed address in your router, or tell the boards the new one.",
            ),
            (None, None) => ok(name, found),
        }
    }
}

/// Where a program on this computer reaches a listener.
fn here(listening: SocketAddr) -> SocketAddr {
    match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listening.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, listening.port()).into(),
        _ => listening,
    }
}

/// The option of `hearth serve` that moves a listener.
fn option(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "mqtt",
        Transport::Tls => "mqtts",
        Transport::Ws => "ws",
        Transport::Wss => "wss",
    }
}
