//! Pairing: who may be paired, how far it is, and what is told to boards.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A password on its way in; it is not shown.
#[derive(Clone, Serialize, Deserialize, JsonSchema, TS)]
#[serde(transparent)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

api_types! {
/// Opens the window in which clients that are turned away become candidates.
pub struct OpenPairing {
    /// For how many seconds; two minutes at most, and unless said otherwise.
    pub seconds: Option<u32>,
}

/// Everything about pairing.
#[derive(PartialEq)]
pub struct PairingView {
    /// Until when the window is open, UTC ms.
    pub open_until_ms: Option<i64>,
    /// Who may be paired, the one that was seen first first.
    pub candidates: Vec<CandidateView>,
    /// Clients that came when there was no room for more.
    pub turned_away: u64,
    /// Pairings under way, and those that ended lately; the newest last.
    pub pairings: Vec<PairingProgress>,
    /// The search of the network, if one is under way.
    pub search: Option<SearchView>,
    /// The range that is searched unless another is said, such as `192.168.1.0/24`; none when this computer is in no
    /// network of a home.
    pub network: Option<String>,
}

/// How a candidate was met.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum CandidateWay {
    /// It tried to log in and was turned away.
    Refused,
    /// It announced itself by multicast DNS.
    Mdns,
    /// It answered when the addresses of the network were tried.
    Sweep,
    /// It hangs at this computer by a serial line.
    Serial,
}

/// Somebody who may be paired.
#[derive(PartialEq, Eq)]
pub struct CandidateView {
    /// Its number.
    pub id: u64,
    /// How it was met.
    pub way: CandidateWay,
    /// Client id it came with.
    pub client_id: Option<String>,
    /// User name it came with, shortened: it may be a password.
    pub user: Option<String>,
    /// IP address.
    pub address: Option<String>,
    /// Port of its web page.
    pub http_port: Option<u16>,
    /// Serial port.
    pub serial: Option<String>,
    /// Firmware profile, if it was recognised.
    pub firmware: Option<String>,
    /// Name it has now.
    pub name: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// MAC address, 12 upper-case hex digits.
    pub mac: Option<String>,
    /// It wants the password of the board.
    pub locked: bool,
    /// First seen, UTC ms.
    pub first_ms: i64,
    /// Last seen, UTC ms.
    pub last_ms: i64,
    /// Why new settings cannot be handed to it, if they cannot.
    pub why_no_push: Option<String>,
    /// Why it cannot be let in with what it tried, if it cannot.
    pub why_not_as_it_is: Option<String>,
}

/// How a board is brought in.
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PairingWay {
    /// It gets a credential of its own, handed over by Hearth.
    #[default]
    Push,
    /// The user name and password it tried become its credential.
    AsItIs,
}

/// Accepts a board: one of `candidate`, `address` and `serial` says which.
pub struct AcceptCandidate {
    /// Number of a candidate.
    pub candidate: Option<u64>,
    /// Address of a board, such as `192.168.1.20` or `192.168.1.20:8080`; with a candidate that came to the door,
    /// where its web page is, if it is not where it came from.
    pub address: Option<String>,
    /// Serial port, such as `/dev/ttyUSB0`.
    pub serial: Option<String>,
    /// Name of the board; its user name and topic are made from it.
    pub name: String,
    /// Area for its device.
    pub area: Option<String>,
    /// Firmware profile; the one that was recognised unless said otherwise.
    pub firmware: Option<String>,
    /// How.
    #[serde(default)]
    pub way: PairingWay,
    /// Password of the board's own web page, if it has one.
    pub board_password: Option<Password>,
    /// Name of the network it should join, for a board that is in none.
    pub wifi_ssid: Option<String>,
    /// Password of that network.
    pub wifi_password: Option<Password>,
    /// Longest wait for its login, seconds; as its firmware says unless said otherwise.
    pub wait_s: Option<u32>,
}

/// Where a pairing stands.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PairingStage {
    /// Its credential is being made.
    Minting,
    /// Settings are being handed over.
    HandingOver,
    /// The board has to log in.
    Waiting,
    /// The board is in; its credential is being made lasting.
    Keeping,
    /// It failed; its credential is being taken away.
    Revoking,
    /// The board is paired.
    Paired,
    /// Nothing is left of it.
    Failed,
}

/// One pairing.
#[derive(PartialEq, Eq)]
pub struct PairingProgress {
    /// Its number.
    pub id: u64,
    /// Name of the board.
    pub name: String,
    /// User name of its credential.
    pub user: String,
    /// Firmware profile.
    pub firmware: String,
    /// Where the board is, if that is known.
    pub address: Option<String>,
    /// Port of its web page, where that is not 80.
    pub http_port: Option<u16>,
    /// Serial port it hangs at.
    pub serial: Option<String>,
    /// Number of the candidate it was.
    pub candidate: Option<u64>,
    /// How it is brought in.
    pub way: PairingWay,
    /// Area for its device.
    pub area: Option<String>,
    /// The device it is already, by its MAC address: it gets new access and stays that.
    pub device: Option<String>,
    /// A device of another credential that it speaks of: if it is the same board, `hand_over_device` makes it that.
    pub claims: Option<String>,
    /// Why its former access is kept, in words, if it is.
    pub keeps: Option<String>,
    /// Where it stands.
    pub stage: PairingStage,
    /// Where it stood before it failed, if it did; else the same.
    pub reached: PairingStage,
    /// The same in words; why it failed and what to do, if it did.
    pub text: String,
    /// It failed because the board wants its own password, or another one.
    pub wants_password: bool,
    /// Until when the board has to log in, UTC ms.
    pub until_ms: Option<i64>,
    /// Began, UTC ms.
    pub begun_ms: i64,
    /// Ended, UTC ms.
    pub ended_ms: Option<i64>,
}

/// One pairing, by its number.
pub struct ByPairing {
    /// Its number.
    pub id: u64,
}

/// Looks for boards in the network.
pub struct SearchLan {
    /// Also try each address of a range: Tasmota cannot be found otherwise.
    #[serde(default)]
    pub sweep: bool,
    /// The range, 256 addresses at most, such as `192.168.1.0/24`; the network of this computer unless said
    /// otherwise.
    pub range: Option<String>,
    /// Port to try; 80 unless said otherwise.
    pub port: Option<u16>,
}

/// Where a board may be.
pub struct BoardAt {
    /// Address of its web page, such as `192.168.1.20` or `192.168.1.20:8080`.
    pub address: String,
}

/// The firmwares that Hearth has a profile of.
pub struct Firmwares {
    /// In order of name.
    pub firmwares: Vec<FirmwareView>,
}

/// A firmware, and how its boards come in.
pub struct FirmwareView {
    /// Id of its profile.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// It takes settings over the network.
    pub network: bool,
    /// It takes settings over a serial console.
    pub serial: bool,
    /// Settings over the network bring it into a Wi-Fi network, so they need one.
    pub needs_wifi: bool,
    /// There is a text to paste into it.
    pub snippet: bool,
}

/// A search under way.
#[derive(Copy, PartialEq, Eq)]
pub struct SearchView {
    /// Addresses tried.
    pub tried: u32,
    /// Addresses to try.
    pub all: u32,
}

/// Serial ports of this computer.
pub struct SerialPorts {
    /// In order of name.
    pub ports: Vec<SerialPortView>,
}

/// A serial port.
pub struct SerialPortView {
    /// Name, such as `/dev/ttyUSB0`.
    pub name: String,
    /// What hangs there, as far as USB tells.
    pub description: String,
}

/// Lets a board at a serial port join a network, by Improv.
pub struct JoinWifi {
    /// Serial port.
    pub serial: String,
    /// Name of the network.
    pub ssid: String,
    /// Its password.
    pub password: Password,
}

/// What a board said when it had joined.
pub struct JoinedWifi {
    /// Its web page, if it said so.
    pub url: Option<String>,
    /// The candidate it is now, if its web page was recognised.
    pub candidate: Option<u64>,
}

/// Boards that were told where the broker is.
pub struct PointedBoards {
    /// The address they were told.
    pub address: String,
    /// One by one.
    pub boards: Vec<PointedBoard>,
}

/// What became of one board.
pub struct PointedBoard {
    /// Its name.
    pub name: String,
    /// Firmware profile.
    pub firmware: String,
    /// It took the new address.
    pub told: bool,
    /// How, or why not and what to do.
    pub text: String,
}
}
