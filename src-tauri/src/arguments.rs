//! What can be said on the command line.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Parser;

/// Identifier of the app on the session bus, as in `tauri.conf.json`.
const IDENTIFIER: &str = "org.hearth.desktop";

/// Hearth in a window: broker, devices, dashboards and automations. `hearth serve` runs it without one.
#[derive(Debug, Parser)]
#[command(name = "hearth-desktop", version)]
pub(crate) struct Arguments {
    /// Folder in which everything is kept.
    #[arg(long, value_name = "DIR", env = "HEARTH_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port on which boards reach the broker; port 0 picks a free one. It goes before the one that is
    /// set under Settings, Broker.
    #[arg(long, value_name = "ADDRESS")]
    mqtt: Option<SocketAddr>,
    /// Address and port of the HTTP door, for browsers, programs and the `hearth` command; the default is a
    /// free port that only this computer can reach.
    #[arg(long, value_name = "ADDRESS", default_value_t = (Ipv4Addr::LOCALHOST, 0).into())]
    http: SocketAddr,
    /// Keep the hub off the network: listen on loopback only, announce and search nothing.
    #[arg(long, env = "HEARTH_LOCAL_ONLY", value_parser = clap::builder::FalseyValueParser::new())]
    local_only: bool,
}

impl Arguments {
    pub(crate) fn into_options(self) -> hub::Options {
        hub::Options {
            data_dir: self.data_dir.unwrap_or_else(hub::default_data_dir),
            mqtt: Some(self.mqtt.map(|address| (hub::Transport::Tcp, address)).into_iter().collect()),
            http: Some(self.http),
            local_only: self.local_only,
        }
    }
}

/// Name under which a second start finds the first. Another data folder is another Hearth.
pub(crate) fn instance(data_dir: &Path) -> String {
    if data_dir == hub::default_data_dir() {
        return IDENTIFIER.into();
    }
    let mut hasher = DefaultHasher::new();
    data_dir.canonicalize().unwrap_or_else(|_| data_dir.to_path_buf()).hash(&mut hasher);
    format!("{IDENTIFIER}.folder{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_data_folder_is_an_instance_of_its_own() {
        assert_eq!(instance(&hub::default_data_dir()), IDENTIFIER);
        assert_ne!(instance(Path::new("/a")), IDENTIFIER);
        assert_ne!(instance(Path::new("/a")), instance(Path::new("/b")));
        assert_eq!(instance(Path::new("/usr/../usr")), instance(Path::new("/usr")));
    }

    #[test]
    fn the_http_door_opens_to_this_computer_only_unless_another_is_asked_for() {
        let options =
            |line: &[&str]| Arguments::parse_from([&["hearth-desktop"], line].concat()).into_options();
        assert_eq!(options(&[]).http, Some("127.0.0.1:0".parse().unwrap()));
        assert_eq!(options(&["--http", "0.0.0.0:8460"]).http, Some("0.0.0.0:8460".parse().unwrap()));
    }
}
