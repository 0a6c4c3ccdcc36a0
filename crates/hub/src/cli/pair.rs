//! `hearth pair`: bringing boards in from the command line. It asks the hub now and then how far it is.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::door::{Door, Folder};
use super::{Answered, arguments::PairCommand, ask, explain, json_text, read_secret, say, show};

/// Time between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn pair(data_dir: &Path, json: bool, command: PairCommand) -> anyhow::Result<()> {
    match command {
        PairCommand::Ports => ask(data_dir, json, "serial_ports", json!({}), show::serial_ports).await,
        PairCommand::Point => ask(data_dir, json, "point_boards_here", json!({}), show::pointed_boards).await,
        PairCommand::Window { seconds } => {
            let open = json!({ "seconds": seconds });
            watch(data_dir, json, "open_pairing", open, |view| view["open_until_ms"].is_null()).await
        }
        PairCommand::Search { range, port } => {
            let search = json!({ "sweep": true, "range": range, "port": port });
            watch(data_dir, json, "search_lan", search, |view| view["search"].is_null()).await
        }
        PairCommand::Board { name, candidate, at, serial, firmware, area, as_it_is, password_stdin } => {
            let password = if password_stdin { Some(read_secret()?) } else { None };
            let params = json!({
                "name": name, "candidate": candidate, "address": at, "serial": serial, "firmware": firmware,
                "area": area, "way": if as_it_is { "as_it_is" } else { "push" }, "board_password": password,
            });
            board(data_dir, json, params).await
        }
    }
}

/// Begins something and tells each candidate as it comes, until it is over.
async fn watch(
    data_dir: &Path,
    json: bool,
    method: &str,
    params: Value,
    is_over: impl Fn(&Value) -> bool,
) -> anyhow::Result<()> {
    let mut door = Door::open(data_dir, Folder::MustExist).await?;
    let watched = async {
        let mut view = door.call(method, params).await.map_err(|error| explain(error, json))?;
        let mut told: Vec<Value> = Vec::new();
        loop {
            for candidate in view["candidates"].as_array().into_iter().flatten() {
                if !told.contains(&candidate["id"]) {
                    told.push(candidate["id"].clone());
                    say(&if json { json_text(candidate) } else { show::candidate(candidate) })?;
                }
            }
            if is_over(&view) {
                return anyhow::Ok(());
            }
            tokio::time::sleep(LOOK).await;
            view = door.call("pairing", json!({})).await.map_err(|error| explain(error, json))?;
        }
    };
    let watched = watched.await;
    door.close().await;
    watched
}

/// Pairs one board, and ends with 1 when it was not paired.
async fn board(data_dir: &Path, json: bool, params: Value) -> anyhow::Result<()> {
    let mut door = Door::open(data_dir, Folder::MustExist).await?;
    let paired = async {
        let begun = door.call("accept_candidate", params).await.map_err(|error| explain(error, json))?;
        let mut told = Value::Null;
        loop {
            let view = door.call("pairing", json!({})).await.map_err(|error| explain(error, json))?;
            let mut all = view["pairings"].as_array().into_iter().flatten();
            let Some(one) = all.find(|one| one["id"] == begun["id"]) else {
                anyhow::bail!("The pairing is gone: Hearth was restarted.")
            };
            let is_over = !one["ended_ms"].is_null();
            if !json && told != one["text"] {
                told = one["text"].clone();
                say(told.as_str().unwrap_or_default())?;
            }
            if is_over {
                if json {
                    say(&json_text(one))?;
                }
                anyhow::ensure!(one["stage"] == "paired", Answered);
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let paired = paired.await;
    door.close().await;
    paired
}
