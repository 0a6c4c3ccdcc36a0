//! What a process costs, as Linux tells it under `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Kernel time units per second in `/proc/PID/stat`; `USER_HZ` is 100 on every Linux that Rust runs on.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time all threads of the process have used so far, in steps of 10 ms.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat =
        fs::read_to_string(&path).with_context(|| format!("process {pid} cannot be read at {path}"))?;
    parse_cpu_time(&stat).with_context(|| format!("{path} is not what proc(5) describes: {stat}"))
}

/// Memory of the process that is in RAM, in KiB.
pub fn rss_kib(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status =
        fs::read_to_string(&path).with_context(|| format!("process {pid} cannot be read at {path}"))?;
    parse_rss_kib(&status).with_context(|| format!("{path} has no VmRSS line"))
}

/// Lets this process have so many files open.
///
/// # Errors
/// When the system's hard limit is lower; the text says which limit to raise.
pub fn allow_files(wanted: u64) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    ensure!(
        limit.maximum.is_none_or(|hard| hard >= wanted),
        "{wanted} open files are needed, and the system allows {:?}; raise it with `ulimit -Hn`",
        limit.maximum
    );
    limit.current = Some(wanted);
    setrlimit(Resource::Nofile, limit).context("the limit of open files cannot be raised")
}

/// Fields 14 and 15 of proc(5) `stat`, counted behind the name in brackets, which may contain anything.
fn parse_cpu_time(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1_000 / TICKS_PER_SECOND))
}

fn parse_rss_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_and_system() {
        fn check(stat: &str, expected_ms: Option<u64>) {
            assert_eq!(parse_cpu_time(stat), expected_ms.map(Duration::from_millis), "{stat}");
        }
        check("77 (hearth) S 1 77 77 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 9 0 1 2 3", Some(1_750));
        check("77 (a) b (c) S 1 77 77 0 -1 4194560 1 2 3 4 1 2 0 0 20 0 9 0 1 2 3", Some(30));
        check("77 (hearth) S 1", None);
        check("", None);
    }

    #[test]
    fn rss_is_in_kib() {
        assert_eq!(parse_rss_kib("Name:\thearth\nVmRSS:\t   12345 kB\nThreads:\t9\n"), Some(12_345));
        assert_eq!(parse_rss_kib("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let pid = std::process::id();
        assert!(rss_kib(pid).unwrap() > 0);
        cpu_time(pid).unwrap();
        assert!(cpu_time(u32::MAX).unwrap_err().to_string().contains("cannot be read"));
    }
}
