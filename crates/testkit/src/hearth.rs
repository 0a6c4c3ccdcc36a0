//! A real `hearth serve`, started, asked, stopped and killed.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::load::wire::Credential;

/// Names the binary to test instead of the one in the target folder.
pub const BINARY_VARIABLE: &str = "HEARTH_BIN";
/// Longest a start may take, recovery included.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest a clean stop may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest one call of the API may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// A free port of this machine's own address.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// Bytes of the log that an error quotes.
const LOG_TAIL_BYTES: usize = 2_000;

/// A running hub.
#[derive(Debug)]
pub struct Hearth {
    child: Child,
    /// Kept open: a closed pipe would be an error to the hub.
    _stdout: BufReader<ChildStdout>,
    pid: u32,
    mqtt: SocketAddr,
    api: Api,
}

/// The HTTP door of a hub, for whoever has its owner's token.
#[derive(Debug, Clone)]
pub struct Api {
    http: SocketAddr,
    token: String,
}

/// The binary to test: `HEARTH_BIN`, or `hearth` in the target folder this program itself came from.
///
/// # Errors
/// When there is none; the text says how to get one.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(BINARY_VARIABLE) {
        let path = PathBuf::from(path);
        ensure!(path.is_file(), "{BINARY_VARIABLE} says {}, which is not a file", path.display());
        return Ok(path);
    }
    let this = std::env::current_exe()?;
    let in_target = this.ancestors().skip(1).take(2).map(|dir| dir.join("hearth"));
    in_target.into_iter().find(|path| path.is_file()).with_context(|| {
        format!(
            "there is no `hearth` near {}. Build it in the same profile with `cargo build -p hub` (with \
             --release for figures), or name one with {BINARY_VARIABLE}",
            this.display()
        )
    })
}

impl Hearth {
    /// Starts `hearth serve` on the folder with free ports and awaits its `ready` line. What it logs goes to
    /// `hearth.log` beside the folder's files.
    pub async fn start(binary: &Path, data_dir: &Path) -> Result<Self> {
        Self::start_at(binary, data_dir, ANY_PORT, ANY_PORT).await
    }

    /// The same at given addresses.
    pub async fn start_at(
        binary: &Path,
        data_dir: &Path,
        mqtt: SocketAddr,
        http: SocketAddr,
    ) -> Result<Self> {
        std::fs::create_dir_all(data_dir)
            .with_context(|| format!("{} cannot be made", data_dir.display()))?;
        let log_path = data_dir.join("hearth.log");
        let log = File::options().create(true).append(true).open(&log_path)?;
        let mut child = command(binary, data_dir, mqtt, http)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let pid = child.id().context("hearth ended at once")?;
        let mut stdout = BufReader::new(child.stdout.take().context("hearth has no output")?);
        let (mqtt, http) = match timeout(READY_TIMEOUT, read_ready(&mut stdout)).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(why)) => bail!("hearth did not start: {why:#}. Its log ends with:\n{}", tail(&log_path)),
            Err(_) => {
                bail!("hearth was not ready after {READY_TIMEOUT:?}. Its log ends with:\n{}", tail(&log_path))
            }
        };
        let token_path = data_dir.join("owner-token");
        let token = std::fs::read_to_string(&token_path)
            .with_context(|| format!("the owner token cannot be read from {}", token_path.display()))?;
        let api = Api { http, token: token.trim().to_owned() };
        Ok(Self { child, _stdout: stdout, pid, mqtt, api })
    }

    /// Starts it and kills it a moment later, wherever it is by then.
    pub async fn start_and_kill(
        binary: &Path,
        data_dir: &Path,
        mqtt: SocketAddr,
        http: SocketAddr,
        moment: Duration,
    ) -> Result<()> {
        let mut child =
            command(binary, data_dir, mqtt, http).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        tokio::time::sleep(moment).await;
        Ok(child.kill().await?)
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where the broker listens.
    pub fn mqtt(&self) -> SocketAddr {
        self.mqtt
    }

    /// The API, for as long as a hub runs at this address.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Calls a method of the API.
    ///
    /// # Errors
    /// What the API says is wrong, or that it did not answer.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value> {
        self.api.call(method, params).await
    }

    /// Makes a credential.
    pub async fn add_credential(&self, name: &str, write: &[&str], read: &[&str]) -> Result<Credential> {
        let permissions = json!({ "write": write, "read": read });
        let made = self.call("add_credential", json!({ "name": name, "permissions": permissions })).await?;
        let text = |field: &str| {
            made[field].as_str().map(str::to_owned).ok_or_else(|| anyhow!("add_credential answered {made}"))
        };
        Ok(Credential { user: text("user")?, password: text("secret")? })
    }

    /// Stops it as an init system does, and awaits a clean end.
    pub async fn stop(mut self) -> Result<()> {
        self.signal("-TERM").await?;
        let status = timeout(STOP_TIMEOUT, self.child.wait())
            .await
            .with_context(|| format!("hearth did not stop within {STOP_TIMEOUT:?} of SIGTERM"))??;
        ensure!(status.success(), "hearth ended with {status}");
        Ok(())
    }

    /// Stops the clock for the process: it does nothing until [`Self::go_on`].
    pub async fn hold(&self) -> Result<()> {
        self.signal("-STOP").await
    }

    /// Lets it go on.
    pub async fn go_on(&self) -> Result<()> {
        self.signal("-CONT").await
    }

    /// The standard library can only kill; other signals have a program of their own.
    async fn signal(&self, signal: &str) -> Result<()> {
        let told = Command::new("kill").arg(signal).arg(self.pid.to_string()).status().await?;
        ensure!(told.success(), "hearth (pid {}) was already gone", self.pid);
        Ok(())
    }

    /// `kill -9`: no last words, no flush.
    pub async fn kill9(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

impl Api {
    /// Where the door is.
    pub fn address(&self) -> SocketAddr {
        self.http
    }

    /// Calls a method.
    ///
    /// # Errors
    /// What the API says is wrong, or that it did not answer.
    pub async fn call(&self, method: &str, params: Value) -> Result<Value> {
        let (status, body) = timeout(CALL_TIMEOUT, post(self.http, &self.token, method, &params.to_string()))
            .await
            .with_context(|| format!("`{method}` was not answered within {CALL_TIMEOUT:?}"))??;
        let answer: Value = serde_json::from_str(&body)
            .with_context(|| format!("`{method}` was answered with {status} and no JSON: {body}"))?;
        ensure!(status == 200, "`{method}` was refused with {status}: {answer}");
        Ok(answer)
    }
}

fn command(binary: &Path, data_dir: &Path, mqtt: SocketAddr, http: SocketAddr) -> Command {
    let mut command = Command::new(binary);
    command
        .args([
            "serve",
            "--mqtt",
            &mqtt.to_string(),
            "--http",
            &http.to_string(),
            "--local-only",
            "--data-dir",
        ])
        .arg(data_dir)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Reads lines until `ready mqtt=ADDRESS http=ADDRESS`.
async fn read_ready(stdout: &mut BufReader<ChildStdout>) -> Result<(SocketAddr, SocketAddr)> {
    let mut line = String::new();
    loop {
        line.clear();
        ensure!(stdout.read_line(&mut line).await? > 0, "it ended before it was ready");
        if let Some(addresses) = line.trim().strip_prefix("ready ") {
            return parse_ready(addresses).with_context(|| format!("its ready line is `{}`", line.trim()));
        }
    }
}

fn parse_ready(addresses: &str) -> Result<(SocketAddr, SocketAddr)> {
    let find = |name: &str| {
        let field = addresses.split_whitespace().find_map(|field| field.strip_prefix(name));
        let field = field.with_context(|| format!("there is no {name}"))?;
        // It may listen on several; any will do.
        let first = field.split(',').next().unwrap_or_default();
        first.parse::<SocketAddr>().with_context(|| format!("`{first}` is no address"))
    };
    Ok((find("mqtt=")?, find("http=")?))
}

/// One request on a connection of its own, so that nothing of the last one is left.
async fn post(http: SocketAddr, token: &str, method: &str, body: &str) -> Result<(u16, String)> {
    let mut socket = TcpStream::connect(http).await?;
    socket.set_nodelay(true)?;
    let request = format!(
        "POST /api/{method} HTTP/1.1\r\nHost: {http}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no HTTP status")?;
    Ok((status, body.to_owned()))
}

fn tail(path: &Path) -> String {
    let log = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_names_both_doors() {
        let (mqtt, http) = parse_ready("mqtt=127.0.0.1:1883 http=127.0.0.1:8460").unwrap();
        assert_eq!((mqtt.port(), http.port()), (1883, 8460));
        let both = parse_ready("http=127.0.0.1:2 mqtt=[::1]:1,127.0.0.1:9 more=3").unwrap();
        assert_eq!((both.0.to_string(), both.1.port()), ("[::1]:1".to_owned(), 2));
        assert!(parse_ready("mqtt=127.0.0.1:1").unwrap_err().to_string().contains("no http="));
        assert!(parse_ready("mqtt=x http=y").unwrap_err().to_string().contains("no address"));
    }
}
