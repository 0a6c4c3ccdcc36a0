//! The computer around the hub: its firewall, its clock, the space on its disk.

use std::path::Path;

use super::firewall::{self, Verdict};
use super::outside::{Answer, ask};
use super::{check, failed, ok, skipped, warning};
use crate::api::types::{CheckResult, DoctorCheck};
use crate::clock;

/// Below this much free space the databases will soon have none, bytes.
const DISK_FAILED_BYTES: u64 = 100 << 20;
/// Below this much it is time to do something, bytes.
const DISK_WARNING_BYTES: u64 = 1 << 30;
/// No clock that is right shows an earlier time, UTC ms: 2026-01-01.
const CLOCK_LEAST_MS: i64 = 1_767_225_600_000;

/// What one firewall does with one port, and how to open it.
struct Found {
    verdict: Verdict,
    firewall: &'static str,
    open: String,
}

/// What the firewall does with each of the ports.
pub(super) async fn firewalls(ports: &[u16]) -> Vec<DoctorCheck> {
    // At the same time: a tool that hangs is waited for once.
    let looking: Vec<_> = ports.iter().map(|port| tokio::spawn(firewall(*port))).collect();
    let mut checks = Vec::new();
    for found in looking {
        checks.extend(found.await);
    }
    checks
}

async fn firewall(port: u16) -> DoctorCheck {
    let name = format!("Firewall, port {port}");
    match look(port).await {
        Ok(Some(Found { verdict: Verdict::Open, firewall, .. })) => {
            ok(name, format!("{firewall} lets connections in."))
        }
        Ok(Some(Found { verdict: Verdict::Closed, firewall, open })) => failed(
            name,
            format!("{firewall} keeps connections from the network out."),
            format!("Open the port: {open}"),
        ),
        Ok(Some(Found { verdict: Verdict::Unknown, firewall, open })) => warning(
            name,
            format!("{firewall} is on, and its rules do not say clearly whether connections come in."),
            format!("If boards cannot connect, open the port: {open}"),
        ),
        Ok(None) => ok(name, "No firewall was found on this computer."),
        Err(unreadable) => skipped(name, unreadable),
    }
}

/// The first firewall that is on. `Err`: there may be one, but only root may read its rules.
#[cfg(target_os = "linux")]
async fn look(port: u16) -> Result<Option<Found>, String> {
    if let Some(verdict) = ufw(port).await {
        let open = format!("sudo ufw allow {port}/tcp");
        return Ok(Some(Found { verdict, firewall: "The firewall (ufw)", open }));
    }
    if let Answer::Said(state) = ask("firewall-cmd", &["--state"]).await
        && state.trim() == "running"
    {
        let query = ask("firewall-cmd", &[&format!("--query-port={port}/tcp")]).await;
        let mut verdict = match query {
            Answer::Said(said) => firewall::firewalld(&said),
            _ => Verdict::Unknown,
        };
        let service = match port {
            crate::MQTT_PORT => Some("--query-service=mqtt"),
            crate::MQTTS_PORT => Some("--query-service=mqtt-tls"),
            _ => None,
        };
        if verdict == Verdict::Closed
            && let Some(service) = service
            && let Answer::Said(said) = ask("firewall-cmd", &[service]).await
        {
            verdict = firewall::firewalld(&said);
        }
        let open =
            format!("sudo firewall-cmd --permanent --add-port={port}/tcp && sudo firewall-cmd --reload");
        return Ok(Some(Found { verdict, firewall: "The firewall (firewalld)", open }));
    }
    let nft = ask("nft", &["list", "ruleset"]).await;
    if let Answer::Said(ruleset) = &nft {
        let (verdict, chain) = firewall::nft(ruleset, port);
        let chain = chain.unwrap_or_default();
        let open = format!("sudo nft insert rule {chain} tcp dport {port} accept");
        return Ok(Some(Found { verdict, firewall: "The firewall (nftables)", open }));
    }
    let iptables = ask("iptables", &["-S", "INPUT"]).await;
    if let Answer::Said(rules) = &iptables {
        let open = format!("sudo iptables -I INPUT -p tcp --dport {port} -j ACCEPT");
        let verdict = firewall::iptables(rules, port);
        return Ok(Some(Found { verdict, firewall: "The firewall (iptables)", open }));
    }
    if nft == Answer::Absent && iptables == Answer::Absent {
        return Ok(None);
    }
    let tool = if nft == Answer::Absent { "iptables -S INPUT" } else { "nft list ruleset" };
    Err(format!(
        "Only root may read the rules of this computer's firewall. If boards cannot connect, look at them: sudo {tool}"
    ))
}

/// `None` when ufw is off or not there.
#[cfg(target_os = "linux")]
async fn ufw(port: u16) -> Option<Verdict> {
    let conf = tokio::fs::read_to_string("/etc/ufw/ufw.conf").await.ok()?;
    if !firewall::ufw_is_on(&conf) {
        return None;
    }
    let defaults = tokio::fs::read_to_string("/etc/default/ufw").await;
    let rules = tokio::fs::read_to_string("/etc/ufw/user.rules").await;
    match (defaults, rules) {
        (Ok(defaults), Ok(rules)) => Some(firewall::ufw(&defaults, &rules, port)),
        // Only root may read the rules.
        _ => Some(Verdict::Unknown),
    }
}

/// The application firewall decides by program, not by port.
#[cfg(target_os = "macos")]
async fn look(_port: u16) -> Result<Option<Found>, String> {
    const TOOL: &str = "/usr/libexec/ApplicationFirewall/socketfilterfw";
    let program = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    let mut said = String::new();
    for arguments in [&["--getglobalstate"][..], &["--getblockall"], &["--getappblocked", &program]] {
        match ask(TOOL, arguments).await {
            Answer::Said(answer) => said.push_str(&answer),
            Answer::Absent => return Ok(None),
            Answer::Refused => {}
        }
    }
    let verdict = firewall::socketfilterfw(&said);
    let open = format!("sudo {TOOL} --add '{program}' --unblockapp '{program}'");
    Ok(Some(Found { verdict, firewall: "The firewall of macOS", open }))
}

#[cfg(target_os = "windows")]
async fn look(port: u16) -> Result<Option<Found>, String> {
    let state = match ask("netsh", &["advfirewall", "show", "currentprofile", "state"]).await {
        Answer::Said(state) => state,
        Answer::Absent | Answer::Refused => String::new(),
    };
    let rule = format!("name=Hearth MQTT {port}");
    let found = ask("netsh", &["advfirewall", "firewall", "show", "rule", &rule]).await;
    let verdict = firewall::netsh(&state, matches!(found, Answer::Said(_)));
    let open = format!(
        "netsh advfirewall firewall add rule name=\"Hearth MQTT {port}\" dir=in action=allow protocol=TCP localport={port}, in a terminal of an administrator"
    );
    Ok(Some(Found { verdict, firewall: "The firewall of Windows", open }))
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
async fn look(_port: u16) -> Result<Option<Found>, String> {
    Err("The firewall of this system is not known to Hearth.".to_owned())
}

/// Whether this computer's clock can be right: certificates, readings and rules all go by it.
pub(super) async fn clock() -> DoctorCheck {
    let synchronized = match ask("timedatectl", &["show", "--property=NTPSynchronized", "--value"]).await {
        Answer::Said(said) => Some(said.trim() == "yes"),
        _ => None,
    };
    clock_at(clock::now_ms(), synchronized)
}

fn clock_at(now_ms: i64, synchronized: Option<bool>) -> DoctorCheck {
    let name = "Clock";
    let shown = chrono::DateTime::from_timestamp_millis(now_ms)
        .map_or_else(|| now_ms.to_string(), |time| time.format("%Y-%m-%d %H:%M UTC").to_string());
    if now_ms < CLOCK_LEAST_MS {
        return failed(
            name,
            format!("This computer's clock shows {shown}, which cannot be right."),
            "Set it: sudo timedatectl set-ntp true",
        );
    }
    if synchronized == Some(false) {
        return warning(
            name,
            format!("This computer's clock shows {shown}, and is not set by the network."),
            "Let it be: sudo timedatectl set-ntp true",
        );
    }
    ok(name, format!("This computer's clock shows {shown}."))
}

/// The free space where the data is.
pub(super) fn disk(data: &Path) -> DoctorCheck {
    #[cfg(unix)]
    {
        match rustix::fs::statvfs(data) {
            Ok(found) => disk_with(data, found.f_bavail.saturating_mul(found.f_frsize)),
            Err(why) => {
                skipped("Disk", format!("The free space at {} cannot be told: {why}.", data.display()))
            }
        }
    }
    #[cfg(not(unix))]
    {
        skipped("Disk", format!("The free space at {} is not looked at on this system.", data.display()))
    }
}

#[cfg(unix)]
fn disk_with(data: &Path, free: u64) -> DoctorCheck {
    let name = "Disk";
    let found = format!("{} MiB are free at {}.", free >> 20, data.display());
    let result = match free {
        ..DISK_FAILED_BYTES => CheckResult::Failed,
        DISK_FAILED_BYTES..DISK_WARNING_BYTES => CheckResult::Warning,
        _ => return ok(name, found),
    };
    super::advised(
        check(name, result, found),
        "Make room, or let Hearth keep fewer messages: the limits journal_days and journal_bytes.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_cannot_be_right_is_told() {
        let result = |now_ms, synchronized| clock_at(now_ms, synchronized).result;
        assert_eq!(result(0, None), CheckResult::Failed);
        assert_eq!(result(CLOCK_LEAST_MS, None), CheckResult::Ok);
        assert_eq!(result(CLOCK_LEAST_MS, Some(true)), CheckResult::Ok);
        assert_eq!(result(CLOCK_LEAST_MS, Some(false)), CheckResult::Warning);
        assert!(clock_at(0, None).found.contains("1970-01-01"));
    }

    #[cfg(unix)]
    #[test]
    fn a_full_disk_is_told_before_it_is_full() {
        let result = |free| disk_with(Path::new("."), free).result;
        assert_eq!(result(5 << 20), CheckResult::Failed);
        assert_eq!(result(500 << 20), CheckResult::Warning);
        assert_eq!(result(5 << 30), CheckResult::Ok);
    }
}
