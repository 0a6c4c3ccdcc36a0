//! Which address a board should be told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

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
pub fn board_address(listening: &[SocketAddr]) -> BoardAddress {
    let Some(first) = listening.first() else {
        return BoardAddress {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: 1883,
            warning: Some("The broker is not running.".to_owned()),
        };
    };
    let host = if first.ip().is_unspecified() { lan_address() } else { Some(first.ip()) };
    let warning = match host {
        None => Some(
            "This computer has no network address. Connect it to the network your boards are in.".to_owned(),
        ),
        Some(ip) if ip.is_loopback() => Some(
            "The broker listens on this computer only, so boards cannot reach it. \
             Start Hearth without --local-only and with --mqtt 0.0.0.0:1883."
                .to_owned(),
        ),
        Some(_) => None,
    };
    let host = host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)).to_string();
    BoardAddress { host, port: first.port(), warning }
}

/// This computer's address on the network that its default route leads to. Connecting a UDP socket only asks
/// the routing table; nothing is sent.
fn lan_address() -> Option<IpAddr> {
    /// An address of the block kept for documentation (RFC 5737): only its route matters.
    const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(ELSEWHERE).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
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
        let found = board_address(&["127.0.0.1:1884".parse().unwrap()]);
        assert_eq!((found.host.as_str(), found.port), ("127.0.0.1", 1884));
        assert!(found.warning.unwrap().contains("--mqtt"));
        assert_eq!(board_address(&["192.168.1.7:1883".parse().unwrap()]).warning, None);
    }

    #[test]
    fn local_only_takes_the_network_away() {
        assert_eq!(loopback("0.0.0.0:1883".parse().unwrap()).to_string(), "127.0.0.1:1883");
        assert_eq!(loopback("[::1]:0".parse().unwrap()).to_string(), "[::1]:0");
    }
}
