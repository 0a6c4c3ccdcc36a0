//! What can be typed. The help texts here are the manual page, too.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};

/// Home automation in one program: MQTT broker, devices, readings, dashboards and automations.
#[derive(Debug, Parser)]
#[command(
    name = "hearth",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  hearth serve                          run the hub; open the address it prints
  hearth demo                           the same with sixteen virtual boards
  hearth credential add plug --may-write 'tele/plug/#' --may-read 'cmnd/plug/#'
  hearth device list
  hearth call info                      any method of the API"
)]
pub(super) struct Arguments {
    /// Folder that holds everything
    #[arg(long, global = true, value_name = "DIR", env = "HEARTH_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Answer with one JSON object on standard output
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Args)]
pub(super) struct ListenArguments {
    /// Address and port of the MQTT broker; port 0 picks a free one [default: 0.0.0.0:1883, or what was set]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) mqtt: Option<SocketAddr>,
    /// The same for MQTT over TLS, which is off unless it was switched on [usually 0.0.0.0:8883]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) mqtts: Option<SocketAddr>,
    /// The same for MQTT over WebSocket [usually 0.0.0.0:8083]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) ws: Option<SocketAddr>,
    /// The same for MQTT over secure WebSocket [usually 0.0.0.0:8084]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) wss: Option<SocketAddr>,
    /// Address and port of the HTTP door; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8460", value_parser = address)]
    pub(super) http: SocketAddr,
    /// Keep the hub off the network: listen on loopback only, announce and search nothing
    #[arg(long, env = "HEARTH_LOCAL_ONLY", value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) local_only: bool,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "it takes an address and a port, such as 0.0.0.0:1883; port 0 picks a free one")
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the hub without a window, until SIGTERM or Ctrl+C
    #[command(after_help = "\
Prints one line when everything is restored and the sockets are open, with each that is:
  ready mqtt=0.0.0.0:1883 mqtts=0.0.0.0:8883 http=127.0.0.1:8460
An address given here goes before the one set in the app, for this run.
The first start makes the owner token and keeps it in the data folder, readable by the owner only.
On a terminal it is shown, too; `hearth token` prints it at any time.")]
    Serve {
        #[command(flatten)]
        listen: ListenArguments,
    },
    /// Run a hub with a living demo home, or start it in the running hub
    Demo {
        #[command(flatten)]
        listen: ListenArguments,
        /// Remove the demo home with all its data instead
        #[arg(long)]
        remove: bool,
    },
    /// Make, list and revoke the credentials of MQTT clients
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Bring boards in: find them, hand them a credential of their own
    #[command(subcommand)]
    Pair(PairCommand),
    /// List, rename and remove devices
    #[command(subcommand)]
    Device(DeviceCommand),
    /// List, save and switch automations
    #[command(subcommand)]
    Automation(AutomationCommand),
    /// Look at firmware profiles: which are in use, what is wrong with a file, what comes of messages
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Publish a message
    #[command(after_help = "Example:\n  hearth publish cmnd/plug/POWER TOGGLE")]
    Publish {
        /// Topic
        topic: String,
        /// Payload
        payload: String,
        /// Quality of service: 0, 1 or 2
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
        qos: u8,
        /// Retain the message
        #[arg(long)]
        retain: bool,
    },
    /// Tell an entity to do something
    #[command(after_help = "Examples:\n  hearth set plug.switch on\n  hearth set lamp.light set 128")]
    Set {
        /// Entity id, as `hearth device list` shows it
        entity: String,
        /// on (turn_on), off (turn_off), toggle, set or press
        verb: String,
        /// What to set it to
        value: Option<String>,
    },
    /// Print the readings of an entity
    Readings {
        /// Entity id
        entity: String,
        /// How many hours back
        #[arg(long, default_value_t = 24.0)]
        hours: f64,
        /// At most this many, the oldest first
        #[arg(long, default_value_t = 10_000)]
        limit: u32,
    },
    /// List topics with their newest message
    Topics {
        /// Only topics that contain this text
        search: Option<String>,
    },
    /// List the clients of the broker
    #[command(hide = true)]
    Clients,
    /// List the clients of the broker, look at one, close the connection of one
    #[command(subcommand)]
    Client(ClientCommand),
    /// Print what the broker refused, and the rules that would allow it
    #[command(after_help = "\
Examples:
  hearth refusals --client kitchen-plug
  hearth refusals --search 192.168.1.40")]
    Refusals {
        /// Only of this client id
        #[arg(long, value_name = "ID")]
        client: Option<String>,
        /// Only of this credential
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Only those whose client id, credential or address contains this
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// At most this many, the newest first
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Print what happened lately
    Activity {
        /// At most this many lines, the newest first
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Print version, addresses and counters
    Info,
    /// Look whether boards can reach the broker, and why not
    #[command(after_help = "\
Works on a running hub and on a stopped one. It connects to this computer's own addresses only, changes nothing
and needs no rights. Ends with 1 when a check failed.")]
    Doctor,
    /// Print the owner token
    Token,
    /// Call any method of the API
    #[command(
        after_help = "Example:\n  hearth call readings_buckets '{\"entity\":\"plug.power\",\"from_ms\":0,\"to_ms\":1,\"points\":100}'"
    )]
    Call {
        /// Name of the method
        method: String,
        /// Its parameters as JSON
        params: Option<String>,
    },
    /// Print a completion script
    #[command(
        after_help = "Example:\n  hearth completions bash > ~/.local/share/bash-completion/completions/hearth"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example:\n  hearth man | man -l -")]
    Man,
}

#[derive(Debug, Subcommand)]
pub(super) enum CredentialCommand {
    /// Make a credential; its secret is shown this once
    #[command(after_help = "\
Without --may-write and --may-read it may do nothing. %u stands for its name, %c for the client id.
Examples:
  hearth credential add plug --may-write 'tele/plug/#' --may-write 'stat/plug/#' --may-read 'cmnd/plug/#'
  hearth credential add phone --may-read '#' --secret-stdin < password.txt")]
    Add {
        /// Name: letters, digits, `-`, `_`, `.` and `@`
        name: String,
        /// Topics it may publish to
        #[arg(long, value_name = "FILTER")]
        may_write: Vec<String>,
        /// Topics it may receive
        #[arg(long, value_name = "FILTER")]
        may_read: Vec<String>,
        /// Read a secret of your own from standard input
        #[arg(long)]
        secret_stdin: bool,
    },
    /// List the credentials, without their secrets
    List,
    /// Add rules to a credential; they hold at once
    #[command(after_help = "\
%u stands for its name, %c for the client id.
Example:
  hearth credential allow plug --may-write 'stat/%u/#'")]
    Allow {
        /// Name
        name: String,
        #[command(flatten)]
        rules: RuleArguments,
    },
    /// Take rules away from a credential; that holds at once
    #[command(after_help = "Example:\n  hearth credential deny plug --may-read 'cmnd/#'")]
    Deny {
        /// Name
        name: String,
        #[command(flatten)]
        rules: RuleArguments,
    },
    /// Give a credential exactly these rules; they hold at once
    Set {
        /// Name
        name: String,
        #[command(flatten)]
        rules: RuleArguments,
    },
    /// Let a credential do nearly everything for a day at most, and note what it does
    #[command(group = ArgGroup::new("switch").required(true), after_help = "\
Let the device do all it ever does, then look at `hearth credential learned NAME` and take over the rules.
Examples:
  hearth credential learn plug --on
  hearth credential learned plug --take-over
  hearth credential learn plug --off")]
    Learn {
        /// Name
        name: String,
        /// Begin
        #[arg(long, group = "switch")]
        on: bool,
        /// End
        #[arg(long, group = "switch")]
        off: bool,
    },
    /// Print what a credential did while it learned, and the rules that allow just that
    Learned {
        /// Name
        name: String,
        /// Give it the proposed rules in place of its own, and end the learning
        #[arg(long)]
        take_over: bool,
    },
    /// Make a new secret for a credential; its rules stay, the old secret stops at once
    #[command(after_help = "\
Its connections are closed. The secret is shown this once.
Examples:
  hearth credential renew plug
  hearth credential renew phone --secret-stdin < password.txt")]
    Renew {
        /// Name
        name: String,
        /// Read a secret of your own from standard input
        #[arg(long)]
        secret_stdin: bool,
    },
    /// Remove a credential and close its connections
    Revoke {
        /// Name
        name: String,
    },
}

/// Rules, as options.
#[derive(Debug, Args)]
pub(super) struct RuleArguments {
    /// Topics it may publish to
    #[arg(long, value_name = "FILTER")]
    pub(super) may_write: Vec<String>,
    /// Topics it may receive
    #[arg(long, value_name = "FILTER")]
    pub(super) may_read: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// List the clients, connected and asleep
    List,
    /// Print everything about one: why it cannot do what it tries, what it was refused, its log
    Show {
        /// MQTT client id
        id: String,
    },
    /// Close the connection of a client; it may come again
    Kick {
        /// MQTT client id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum PairCommand {
    /// Open the window for two minutes and show who tries to come in
    Window {
        /// For so many seconds; two minutes at most
        #[arg(long)]
        seconds: Option<u32>,
    },
    /// Try each address of a network and listen for announcements; shows the boards that answer
    #[command(after_help = "Example:\n  hearth pair search --range 192.168.1.0/24")]
    Search {
        /// The network, 256 addresses at most [default: the one this computer is in]
        #[arg(long)]
        range: Option<String>,
        /// Port of their web pages
        #[arg(long, default_value_t = 80)]
        port: u16,
    },
    /// Pair one board; ends with 1 when nothing came of it
    #[command(
        group = ArgGroup::new("which").required(true).args(["candidate", "at", "serial"]).multiple(true),
        after_help = "\
Examples:
  hearth pair board 'Kitchen plug' --at 192.168.1.20 --firmware tasmota
  hearth pair board 'Kitchen plug' --candidate 3 --as-it-is"
    )]
    Board {
        /// Its name; user name and topic are made from it
        name: String,
        /// Number of a candidate, as `window` and `search` show it
        #[arg(long, value_name = "NUMBER")]
        candidate: Option<u64>,
        /// Address of its web page
        #[arg(long, value_name = "ADDRESS")]
        at: Option<String>,
        /// Serial port it hangs at
        #[arg(long, value_name = "PORT")]
        serial: Option<String>,
        /// Firmware profile, where it was not recognised
        #[arg(long)]
        firmware: Option<String>,
        /// Area id for its device
        #[arg(long)]
        area: Option<String>,
        /// Make the user name and password it tried its credential, and send it nothing
        #[arg(long)]
        as_it_is: bool,
        /// Read the password of the board's own web page from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List serial ports
    Ports,
    /// Tell every known board the address of this hub
    Point,
}

#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// List devices and the states of their entities
    List,
    /// Give a device another name; its id and history stay
    Rename {
        /// Device id
        id: String,
        /// The new name
        name: String,
    },
    /// Remove a device, its entities and their readings
    Remove {
        /// Device id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AutomationCommand {
    /// List automations
    List,
    /// Save a script file as an automation, or replace the one of that name
    Save {
        /// The file
        file: PathBuf,
        /// Name; the file's name unless given
        #[arg(long)]
        name: Option<String>,
    },
    /// Look for errors in script files
    Check {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Switch an automation on
    Enable {
        /// Automation id
        id: String,
    },
    /// Switch an automation off
    Disable {
        /// Automation id
        id: String,
    },
    /// Remove an automation
    Remove {
        /// Automation id
        id: String,
    },
    /// List runs with what set them off and what they did
    Runs {
        /// Only of this automation
        id: Option<String>,
        /// At most this many, the newest first
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// List the profiles, where each comes from, and what is wrong with files of yours
    List,
    /// Look for faults in profile files and play their samples; needs no hub
    #[command(after_help = "\
Prints each fault with its place and what to do, or what the samples cover. Ends with 1 when there is a fault.
Example:
  hearth profile check my-board.toml")]
    Check {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print what comes of messages in a home that knows this profile; needs no hub, sends and keeps nothing
    #[command(after_help = "\
Several messages are several pairs of --topic and --payload, the first first.
Example:
  hearth profile try my-board.toml --topic tank/a/about --payload '{\"name\":\"Tank\"}' \\
                                   --topic tank/a/level --payload 40")]
    Try {
        /// The profile file
        file: PathBuf,
        /// Topic of a message
        #[arg(long, required = true)]
        topic: Vec<String>,
        /// Its payload
        #[arg(long, required = true, allow_hyphen_values = true)]
        payload: Vec<String>,
        /// They are retained: an entity that is announced later hears them, too
        #[arg(long)]
        retain: bool,
    },
}
