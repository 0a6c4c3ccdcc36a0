//! Asking the programs of the system, each with a limit of time and of what it may say.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// Longest wait for a program.
const ANSWER: Duration = Duration::from_secs(4);
/// Longest answer that is read, bytes. A house's firewall has far fewer rules.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is no such program.
    Absent,
    /// It could not answer, most likely for want of rights.
    Refused,
    /// It answered.
    Said(String),
}

/// Runs a program that only tells something, in plain English, and kills it when it takes too long.
pub(super) async fn ask(program: &str, arguments: &[&str]) -> Answer {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    #[cfg(unix)]
    {
        // The tools of firewalls are where only root's shell looks.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    }
    let Ok(mut child) = command.spawn() else { return Answer::Absent };
    let Some(stdout) = child.stdout.take() else { return Answer::Refused };
    let mut said = Vec::new();
    let answered = async {
        stdout.take(ANSWER_BYTES_MAX).read_to_end(&mut said).await?;
        child.wait().await
    };
    match tokio::time::timeout(ANSWER, answered).await {
        Ok(Ok(status)) if status.success() => Answer::Said(String::from_utf8_lossy(&said).into_owned()),
        // `firewall-cmd` says `no` with a status of 1.
        Ok(Ok(status)) if status.code() == Some(1) && said.starts_with(b"no") => {
            Answer::Said("no".to_owned())
        }
        _ => Answer::Refused,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_answers_refuses_or_is_not_there() {
        assert_eq!(ask("echo", &["hello"]).await, Answer::Said("hello\n".into()));
        assert_eq!(ask("false", &[]).await, Answer::Refused);
        assert_eq!(ask("no-such-program-anywhere", &[]).await, Answer::Absent);
    }

    #[tokio::test]
    async fn a_program_that_says_too_much_is_cut_off() {
        let Answer::Refused = ask("yes", &[]).await else { panic!("`yes` ends only when it is ended") };
    }
}
