//! The command line: `hearth serve` runs a hub, everything else talks to one.
//!
//! Every command finds the hub by its data folder: a running one over its HTTP door, a stopped one by opening
//! the folder itself. Standard output is for answers, standard error for what happens on the way.

mod arguments;
mod door;
mod pair;
mod profile;
mod serve;
mod show;

use std::io::Write as _;
use std::process::ExitCode;

use broker::Transport;
use clap::{CommandFactory as _, Parser as _};
use model::TopicFilter;
use serde_json::{Value, json};

use arguments::{
    Arguments, AutomationCommand, ClientCommand, Command, CredentialCommand, DeviceCommand, ListenArguments,
    RuleArguments,
};
use door::{Door, Folder};

use crate::api::{ApiError, ErrorCode};
use crate::logging::{self, visible};

/// Something was asked for and not done.
const FAILED: u8 = 1;

/// The answer was said, and it is a bad one.
#[derive(Debug, thiserror::Error)]
#[error("a check failed")]
struct Answered;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => return fail(&format!("Hearth cannot start its threads: {why}.")),
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Answered>() => ExitCode::from(FAILED),
        Err(error) => fail(&format!("{error:#}")),
    }
}

fn fail(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "hearth: {}", shown(message));
    ExitCode::from(FAILED)
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { data_dir, json, command } = arguments;
    let data_dir = data_dir.unwrap_or_else(crate::default_data_dir);
    match command {
        Command::Serve { listen } => serve::serve(data_dir, listen, false).await,
        Command::Demo { listen, remove } => {
            if !remove && !crate::data_dir::is_in_use(&data_dir) {
                return serve::serve(data_dir, listen, true).await;
            }
            let method = if remove { "remove_demo" } else { "start_demo" };
            let done = if remove { "The demo home is removed." } else { "The demo home is running." };
            ask(&data_dir, json, method, json!({}), |_| done.to_owned()).await
        }
        Command::Credential(command) => credential(&data_dir, json, command).await,
        Command::Device(command) => device(&data_dir, json, command).await,
        Command::Pair(command) => pair::pair(&data_dir, json, command).await,
        Command::Automation(command) => automation(&data_dir, json, command).await,
        Command::Profile(command) => profile::profile(&data_dir, json, command).await,
        Command::Publish { topic, payload, qos, retain } => {
            let params = json!({ "topic": topic, "payload": payload, "qos": qos, "retain": retain });
            ask(&data_dir, json, "publish", params, |_| format!("Published to {topic}.")).await
        }
        Command::Set { entity, verb, value } => {
            let verb = verb_of(verb);
            let value = value.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
            let params = json!({ "entity": entity, "verb": verb, "value": value });
            ask(&data_dir, json, "command", params, |_| format!("Told {entity} to {verb}.")).await
        }
        Command::Readings { entity, hours, limit } => {
            let now_ms = crate::clock::now_ms();
            let from_ms = now_ms - (hours * 3_600_000.0) as i64;
            let params = json!({ "entity": entity, "from_ms": from_ms, "to_ms": now_ms + 1, "limit": limit });
            ask(&data_dir, json, "readings_range", params, show::readings).await
        }
        Command::Topics { search } => {
            ask(&data_dir, json, "list_topics", json!({ "search": search }), show::topics).await
        }
        Command::Clients | Command::Client(ClientCommand::List) => {
            ask(&data_dir, json, "list_clients", json!({}), show::clients).await
        }
        Command::Client(ClientCommand::Show { id }) => {
            ask(&data_dir, json, "get_client", json!({ "client_id": id }), show::client).await
        }
        Command::Client(ClientCommand::Kick { id }) => {
            let done = format!("The connection of `{id}` is closed.");
            ask(&data_dir, json, "kick_client", json!({ "client_id": id }), |_| done).await
        }
        Command::Refusals { client, user, search, limit } => {
            let params = json!({ "client_id": client, "user": user, "search": search, "limit": limit });
            ask(&data_dir, json, "list_refusals", params, show::refusals).await
        }
        Command::Activity { limit } => {
            ask(&data_dir, json, "list_activity", json!({ "limit": limit }), show::activity).await
        }
        Command::Info => ask(&data_dir, json, "info", json!({}), show::info).await,
        Command::Doctor => doctor(&data_dir, json).await,
        Command::Token => token(&data_dir, json),
        Command::Call { method, params } => {
            let params: Value = match params {
                Some(text) => serde_json::from_str(&text)
                    .map_err(|why| anyhow::anyhow!("The parameters are no JSON: {why}."))?,
                None => json!({}),
            };
            ask(&data_dir, json, &method, params, json_text).await
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "hearth", &mut script);
            print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
            print(&page)
        }
    }
}

/// What people say for it.
fn verb_of(word: String) -> String {
    match word.as_str() {
        "on" => "turn_on".to_owned(),
        "off" => "turn_off".to_owned(),
        _ => word,
    }
}

/// One method of the API: its answer as JSON, or in words.
async fn ask(
    data_dir: &std::path::Path,
    json: bool,
    method: &str,
    params: Value,
    words: impl FnOnce(&Value) -> String,
) -> anyhow::Result<()> {
    ask_in(Folder::MustExist, data_dir, json, method, params, words).await
}

async fn ask_in(
    folder: Folder,
    data_dir: &std::path::Path,
    json: bool,
    method: &str,
    params: Value,
    words: impl FnOnce(&Value) -> String,
) -> anyhow::Result<()> {
    let mut door = Door::open(data_dir, folder).await?;
    // Where nobody can be connected, an empty list of clients would mislead. A script knows by the error.
    if !json && folder == Folder::MustExist && matches!(door, Door::Stopped(_)) {
        let said = format!("Hearth is not running; this is from its folder {}.", data_dir.display());
        let _ = writeln!(std::io::stderr(), "hearth: {}", shown(&said));
    }
    let answer = door.call(method, params).await;
    door.close().await;
    let answer = answer.map_err(|error| explain(error, json))?;
    let text = if json { json_text(&answer) } else { words(&answer) };
    say(&text)
}

/// With `--json` an error is an object too, on standard error.
fn explain(error: ApiError, json: bool) -> anyhow::Error {
    if json { anyhow::anyhow!(json_text(&json!(error))) } else { anyhow::anyhow!(error.message) }
}

/// Words to standard output. What outsiders wrote cannot draw on the terminal.
fn say(text: &str) -> anyhow::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    print(format!("{}\n", shown(text.trim_end_matches('\n'))).as_bytes())
}

/// JSON without a character that controls a terminal. JSON itself demands that of the first 32 only.
fn json_text(value: &Value) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for c in value.to_string().chars() {
        if logging::is_hidden(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Lines stay lines; whatever else controls a terminal is written out.
fn shown(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// To standard output. A reader that has left, such as `head`, is no error.
fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(why) if why.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

async fn credential(
    data_dir: &std::path::Path,
    json: bool,
    command: CredentialCommand,
) -> anyhow::Result<()> {
    match command {
        CredentialCommand::Add { name, may_write, may_read, secret_stdin } => {
            check_filters("--may-write", &may_write)?;
            check_filters("--may-read", &may_read)?;
            let secret = if secret_stdin { Some(read_secret()?) } else { None };
            let params = json!({ "name": name, "permissions": { "write": may_write, "read": may_read }, "secret": secret });
            ask_in(Folder::MayBeNew, data_dir, json, "add_credential", params, show::new_credential).await
        }
        CredentialCommand::List => {
            ask(data_dir, json, "list_credentials", json!({}), show::credentials).await
        }
        CredentialCommand::Allow { name, rules } => {
            change_rules(data_dir, json, name, rules, |own, given| {
                let new: Vec<_> = given.into_iter().filter(|filter| !own.contains(filter)).collect();
                own.extend(new);
                Ok(())
            })
            .await
        }
        CredentialCommand::Deny { name, rules } => {
            change_rules(data_dir, json, name, rules, |own, given| {
                for filter in given {
                    let at = own.iter().position(|known| *known == filter).ok_or_else(|| {
                        anyhow::anyhow!(
                            "It has no rule '{filter}'. `hearth credential list` shows its rules."
                        )
                    })?;
                    own.remove(at);
                }
                Ok(())
            })
            .await
        }
        CredentialCommand::Set { name, rules } => {
            change_rules(data_dir, json, name, rules, |own, given| {
                *own = given;
                Ok(())
            })
            .await
        }
        CredentialCommand::Learn { name, on, off: _ } => {
            ask(data_dir, json, "learn", json!({ "name": name, "on": on }), show::learned).await
        }
        CredentialCommand::Learned { name, take_over: false } => {
            ask(data_dir, json, "learned", json!({ "name": name }), show::learned).await
        }
        CredentialCommand::Learned { name, take_over: true } => take_over(data_dir, json, name).await,
        CredentialCommand::Renew { name, secret_stdin } => {
            let secret = if secret_stdin { Some(read_secret()?) } else { None };
            let params = json!({ "name": name, "secret": secret });
            ask(data_dir, json, "renew_secret", params, show::new_credential).await
        }
        CredentialCommand::Revoke { name } => {
            let done = format!("`{name}` is revoked; its connections are closed.");
            ask(data_dir, json, "revoke_credential", json!({ "name": name }), |_| done).await
        }
    }
}

/// Changes the rules of a credential, kind by kind.
async fn change_rules(
    data_dir: &std::path::Path,
    json: bool,
    name: String,
    given: RuleArguments,
    change: impl Fn(&mut Vec<String>, Vec<String>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    check_filters("--may-write", &given.may_write)?;
    check_filters("--may-read", &given.may_read)?;
    let mut door = Door::open(data_dir, Folder::MustExist).await?;
    let changed = async {
        let list = door.call("list_credentials", json!({})).await.map_err(|error| explain(error, json))?;
        let credentials = list["credentials"].as_array().into_iter().flatten();
        let own = credentials.clone().find(|credential| credential["name"] == json!(name));
        let own = own.ok_or_else(|| explain(ApiError::not_found("credential", &name), json))?;
        let mut own: model::Permissions = serde_json::from_value(own["permissions"].clone())?;
        for (filters, given) in [(&mut own.write, given.may_write), (&mut own.read, given.may_read)] {
            let mut texts = filters.iter().map(ToString::to_string).collect();
            change(&mut texts, given)?;
            *filters = texts.iter().map(|text| TopicFilter::new(text)).collect::<Result<_, _>>()?;
        }
        let params = json!({ "name": name, "permissions": own });
        door.call("set_permissions", params).await.map_err(|error| explain(error, json))?;
        anyhow::Ok(own)
    };
    let changed = changed.await;
    door.close().await;
    let own = changed?;
    say(&if json {
        json_text(&json!({ "name": name, "permissions": own }))
    } else {
        show::rules(&name, &own)
    })
}

/// Gives a credential the rules it learned, and ends its learning.
async fn take_over(data_dir: &std::path::Path, json: bool, name: String) -> anyhow::Result<()> {
    let mut door = Door::open(data_dir, Folder::MustExist).await?;
    let taken = async {
        let learned = door.call("learned", json!({ "name": name })).await?;
        let permissions = learned["proposal"].clone();
        let nothing = permissions == json!({ "write": [], "read": [] });
        if nothing {
            return Err(ApiError::conflict(format!(
                "`{name}` was not seen doing anything, so there are no rules to take over. Let it learn first."
            )));
        }
        door.call("set_permissions", json!({ "name": name, "permissions": permissions })).await?;
        door.call("learn", json!({ "name": name, "on": false })).await?;
        Ok(permissions)
    };
    let taken = taken.await;
    door.close().await;
    let permissions = taken.map_err(|error: ApiError| explain(error, json))?;
    let own: model::Permissions = serde_json::from_value(permissions)?;
    say(&if json {
        json_text(&json!({ "name": name, "permissions": own }))
    } else {
        show::rules(&name, &own)
    })
}

fn check_filters(option: &str, filters: &[String]) -> anyhow::Result<()> {
    for filter in filters {
        TopicFilter::new(filter)
            .map_err(|why| anyhow::anyhow!("{option} '{filter}' is no topic filter: {why}"))?;
    }
    Ok(())
}

/// A password from standard input, up to the first line's end.
fn read_secret() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let secret = line.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(
        !secret.is_empty(),
        "There was no secret on standard input. Give one: echo SECRET | hearth …"
    );
    Ok(secret.to_owned())
}

async fn device(data_dir: &std::path::Path, json: bool, command: DeviceCommand) -> anyhow::Result<()> {
    match command {
        DeviceCommand::List => ask(data_dir, json, "home", json!({}), show::home).await,
        DeviceCommand::Rename { id, name } => {
            let done = format!("`{id}` is now called {name}.");
            ask(data_dir, json, "rename_device", json!({ "id": id, "name": name }), |_| done).await
        }
        DeviceCommand::Remove { id } => {
            let done = format!("`{id}` and its readings are removed.");
            let params = json!({ "id": id });
            ask(data_dir, json, "remove_device", params, |answer| format!("{done}{}", show::removed(answer)))
                .await
        }
    }
}

async fn automation(
    data_dir: &std::path::Path,
    json: bool,
    command: AutomationCommand,
) -> anyhow::Result<()> {
    match command {
        AutomationCommand::List => {
            ask(data_dir, json, "list_automations", json!({}), show::automations).await
        }
        AutomationCommand::Save { file, name } => {
            let source = std::fs::read_to_string(&file)
                .map_err(|why| anyhow::anyhow!("{} cannot be read: {why}.", file.display()))?;
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let name = name.unwrap_or_else(|| stem.to_owned());
            let mut door = Door::open(data_dir, Folder::MayBeNew).await?;
            // A file that was saved before replaces what it was saved as.
            let id = crate::scripts::slug(&name);
            let existing = door.call("get_automation", json!({ "id": id })).await.ok().map(|_| id);
            let saved =
                door.call("save_automation", json!({ "id": existing, "name": name, "source": source })).await;
            door.close().await;
            let saved = saved.map_err(|error| explain(error, json))?;
            say(&if json { json_text(&saved) } else { show::saved_automation(&saved) })
        }
        AutomationCommand::Enable { id } => enable(data_dir, json, id, true).await,
        AutomationCommand::Disable { id } => enable(data_dir, json, id, false).await,
        AutomationCommand::Remove { id } => {
            let done = format!("`{id}` is removed.");
            ask(data_dir, json, "remove_automation", json!({ "id": id }), |_| done).await
        }
        AutomationCommand::Runs { id, limit } => {
            ask(data_dir, json, "list_runs", json!({ "automation": id, "limit": limit }), show::runs).await
        }
        AutomationCommand::Check { files } => check_scripts(&files),
    }
}

/// Looks at every file, whatever is wrong with the ones before.
fn check_scripts(files: &[std::path::PathBuf]) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for file in files {
        let name = file.display();
        match std::fs::read_to_string(file) {
            Err(why) => wrong.push(format!("{name} cannot be read: {why}.")),
            Ok(source) => {
                let found = automation::Automations::examine(&source);
                match found.errors.first() {
                    None => say(&format!("{name} is fine: {} triggers.", found.triggers.len()))?,
                    Some(error) => {
                        let line = error.line.map_or(String::new(), |line| format!(", line {line}"));
                        wrong.push(format!("{name}{line}: {}", error.message));
                    }
                }
            }
        }
    }
    anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

async fn enable(data_dir: &std::path::Path, json: bool, id: String, enabled: bool) -> anyhow::Result<()> {
    let done = format!("`{id}` is switched {}.", if enabled { "on" } else { "off" });
    ask(data_dir, json, "enable_automation", json!({ "id": id, "enabled": enabled }), |_| done).await
}

/// Its findings are the answer, good or bad; the exit code says which.
async fn doctor(data_dir: &std::path::Path, json: bool) -> anyhow::Result<()> {
    let mut door = Door::open(data_dir, Folder::MustExist).await?;
    let answer = door.call("doctor", json!({})).await;
    door.close().await;
    let answer = answer.map_err(|error| explain(error, json))?;
    say(&if json { json_text(&answer) } else { show::doctor(&answer) })?;
    let failed = answer["checks"].as_array().into_iter().flatten().any(|check| check["result"] == "failed");
    if failed { Err(Answered.into()) } else { Ok(()) }
}

fn token(data_dir: &std::path::Path, json: bool) -> anyhow::Result<()> {
    let file = crate::data_dir::token_file(data_dir);
    let token = std::fs::read_to_string(&file).map_err(|why| {
        anyhow::anyhow!(
            "There is no owner token in {} ({why}). The first `hearth serve` on this folder makes it.",
            file.display()
        )
    })?;
    say(&if json { json!({ "token": token.trim() }).to_string() } else { token })
}

/// An error of the door, not of the method.
fn unreachable(why: impl std::fmt::Display) -> ApiError {
    ApiError {
        code: ErrorCode::Internal,
        message: format!("The running hub did not answer: {why}. Look at its log, or restart it."),
    }
}

impl ListenArguments {
    fn options(&self, data_dir: std::path::PathBuf) -> crate::Options {
        let given = [
            (Transport::Tcp, self.mqtt),
            (Transport::Tls, self.mqtts),
            (Transport::Ws, self.ws),
            (Transport::Wss, self.wss),
        ];
        let given = given.into_iter().filter_map(|(transport, address)| Some((transport, address?)));
        crate::Options {
            data_dir,
            mqtt: Some(given.collect()),
            http: Some(self.http),
            local_only: self.local_only,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn json_stays_json_and_draws_nothing() {
        let value = json!({ "name": "a\u{9b}2J\u{1b}\u{202e}ü" });
        let text = json_text(&value);
        assert!(!text.contains(logging::is_hidden), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
