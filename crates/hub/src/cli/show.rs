//! Answers in words: tables as well-kept Unix tools print them, made from the API's JSON.

use std::fmt::Write as _;

use chrono::{DateTime, Local};
use serde_json::{Value, json};

use crate::logging::visible;

/// Longest payload in a table, characters.
const PAYLOAD_CHARACTERS: usize = 60;

pub(super) fn new_credential(answer: &Value) -> String {
    format!(
        "user   {}\nsecret {}\nThe secret is shown this once; Hearth keeps only its hash.",
        text(answer, "user"),
        text(answer, "secret")
    )
}

/// What became of the credentials of removed devices.
pub(super) fn removed(answer: &Value) -> String {
    let texts = |key: &str| answer[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    let revoked = texts("revoked").map(|user| format!(" The access `{user}` is revoked."));
    revoked.chain(texts("keeps").map(|why| format!(" {why}"))).collect()
}

pub(super) fn credentials(answer: &Value) -> String {
    let rows = items(answer, "credentials").map(|row| {
        let filters = |kind: &str| {
            let list = items(&row["permissions"], kind);
            list.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        };
        vec![text(row, "name"), time(&row["last_login_ms"]), filters("write"), filters("read")]
    });
    table(
        &["NAME", "LAST LOGIN", "MAY WRITE", "MAY READ"],
        rows,
        "There are no credentials. `hearth credential add` makes one.",
    )
}

/// Somebody who may be paired, in a line.
pub(super) fn candidate(one: &Value) -> String {
    let known = ["firmware", "name", "model", "client_id", "address", "serial"];
    let known: Vec<_> = known.iter().map(|field| text(one, field)).filter(|text| !text.is_empty()).collect();
    let locked = if one["locked"] == true { ", wants its password" } else { "" };
    format!("{}: {}{locked}", one["id"], known.join(", "))
}

pub(super) fn serial_ports(answer: &Value) -> String {
    let rows = items(answer, "ports").map(|port| vec![text(port, "name"), text(port, "description")]);
    table(
        &["PORT", "WHAT"],
        rows,
        "There are no serial ports. Plug the board in, and see that its cable has data wires.",
    )
}

pub(super) fn pointed_boards(answer: &Value) -> String {
    let rows = items(answer, "boards").map(|board| {
        let told = if board["told"] == true { "yes" } else { "no" };
        vec![text(board, "name"), text(board, "firmware"), told.to_owned(), text(board, "text")]
    });
    table(&["BOARD", "FIRMWARE", "TOLD", "HOW"], rows, "There are no boards that could be told.")
}

pub(super) fn home(answer: &Value) -> String {
    let rows = items(answer, "devices").flat_map(|device| {
        let mut rows: Vec<Vec<String>> = items(answer, "entities")
            .filter(|view| view["entity"]["device"] == device["id"])
            .map(|view| {
                let (entity, state) = (&view["entity"], &view["state"]);
                let (shown, reported) = (value(state, entity), time(&state["reported_ms"]));
                vec![text(device, "id"), text(device, "name"), text(entity, "id"), shown, reported]
            })
            .collect();
        if rows.is_empty() {
            let none = String::new;
            rows.push(vec![text(device, "id"), text(device, "name"), none(), none(), none()]);
        }
        rows
    });
    table(
        &["DEVICE", "NAME", "ENTITY", "STATE", "REPORTED"],
        rows,
        "There are no devices yet. `hearth demo` shows a home full of them.",
    )
}

fn value(state: &Value, entity: &Value) -> String {
    let shown = match &state["value"] {
        Value::Null => "unknown".to_owned(),
        Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::String(text) => text.clone(),
        value => format!("{} {}", plain(value), text(entity, "unit")).trim_end().to_owned(),
    };
    match state["availability"].as_str() {
        Some("available") | None => shown,
        Some(other) => format!("{shown} ({other})"),
    }
}

pub(super) fn automations(answer: &Value) -> String {
    let rows = items(answer, "automations").map(|row| {
        let status = match (&row["error"], &row["paused"], row["enabled"].as_bool()) {
            (Value::Object(error), _, _) => {
                format!("error: {}", error["message"].as_str().unwrap_or_default())
            }
            (_, Value::String(why), _) => format!("paused: {why}"),
            (_, _, Some(false)) => "off".to_owned(),
            _ => "on".to_owned(),
        };
        vec![text(row, "id"), text(row, "name"), status, time(&row["last_run_ms"])]
    });
    table(
        &["ID", "NAME", "STATUS", "LAST RUN"],
        rows,
        "There are no automations. Save one with `hearth automation save FILE`.",
    )
}

pub(super) fn profiles(answer: &Value) -> String {
    let rows = items(answer, "profiles").map(|row| {
        let origin = match row["origin"].as_str() {
            Some("built_in") => "Hearth".to_owned(),
            Some("overrides") => format!("{}, in place of Hearth's", text(row, "file")),
            _ => text(row, "file"),
        };
        let fault = items(row, "faults").next();
        let status = match (fault, row["is_used"] == true) {
            (None, _) => "in use".to_owned(),
            (Some(fault), is_used) => {
                let line = fault["line"].as_u64().map(|line| format!(" in line {line}")).unwrap_or_default();
                let before = if is_used { " The version before is in use." } else { "" };
                format!("error{line}: {}{before}", text(fault, "message"))
            }
        };
        vec![text(row, "id"), text(row, "name"), origin, plain(&row["devices"]), status]
    });
    let rows: Vec<_> = rows.collect();
    table(&["ID", "NAME", "FROM", "DEVICES", "STATUS"], rows.into_iter(), "There are no profiles.")
}

pub(super) fn saved_automation(answer: &Value) -> String {
    let automation = &answer["automation"];
    match automation["error"].as_object() {
        Some(error) => {
            let line = error
                .get("line")
                .and_then(Value::as_u64)
                .map_or(String::new(), |line| format!(" in line {line}"));
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
            format!("Saved `{}`, but it does not run: error{line}: {message}", text(automation, "id"))
        }
        None => format!("Saved `{}`; it is running.", text(automation, "id")),
    }
}

pub(super) fn runs(answer: &Value) -> String {
    let mut out = String::new();
    for run in items(answer, "runs") {
        let trigger = &run["trigger"];
        let _ = writeln!(
            out,
            "{}  {}  {}",
            time(&run["started_ms"]),
            text(run, "automation"),
            text(trigger, "trigger")
        );
        let because = match (trigger["topic"].as_str(), trigger["entity"].as_str()) {
            (_, Some(entity)) => {
                format!("{entity}: {} -> {}", plain(&trigger["old"]), plain(&trigger["value"]))
            }
            (Some(topic), _) => format!("{topic}: {}", cut(&text(trigger, "payload"))),
            _ => String::new(),
        };
        if !because.is_empty() {
            let _ = writeln!(out, "    because {because}");
        }
        for line in items(run, "log") {
            let _ = writeln!(out, "    {}", text(line, "text"));
        }
        for action in items(run, "actions") {
            let _ = match action["kind"].as_str() {
                Some("publish") => writeln!(
                    out,
                    "    -> publish {} {}",
                    text(action, "topic"),
                    cut(&text(action, "payload"))
                ),
                Some("command") => {
                    writeln!(out, "    -> {} {}", text(action, "verb"), text(action, "entity"))
                }
                _ => writeln!(out, "    -> refused: {}: {}", text(action, "what"), text(action, "why")),
            };
        }
        if let Some(error) = run["error"].as_object() {
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
            let _ = writeln!(out, "    error: {message}");
        }
    }
    if out.is_empty() { "There were no runs yet.".to_owned() } else { out }
}

pub(super) fn readings(answer: &Value) -> String {
    let rows = items(answer, "readings").map(|row| vec![time(&row["time_ms"]), plain(&row["value"])]);
    table(&["TIME", "VALUE"], rows, "There are no readings in this time.")
}

pub(super) fn topics(answer: &Value) -> String {
    let rows = items(answer, "topics").map(|row| {
        let last = &row["last"];
        vec![
            text(last, "topic"),
            row["count"].to_string(),
            time(&last["time_ms"]),
            cut(&text(last, "payload")),
        ]
    });
    table(&["TOPIC", "COUNT", "LAST", "PAYLOAD"], rows, "There are no messages yet.")
}

pub(super) fn clients(answer: &Value) -> String {
    let rows = items(answer, "clients").map(|row| {
        let connected = if row["connected"] == true { "connected" } else { "asleep" };
        vec![
            text(row, "client_id"),
            text(row, "user"),
            text(row, "address"),
            text(row, "version"),
            if row["in_trouble"] == true { format!("{connected}, in trouble") } else { connected.to_owned() },
            time(&row["since_ms"]),
        ]
    });
    table(&["CLIENT", "USER", "ADDRESS", "MQTT", "STATUS", "SINCE"], rows, "No client is connected.")
}

pub(super) fn client(answer: &Value) -> String {
    let mut out = String::new();
    if let Some(trouble) = answer["trouble"].as_str() {
        let newest = items(answer, "refusals").next().unwrap_or(answer);
        let _ = writeln!(out, "! {}\n", visible(&typed(trouble, newest)));
    }
    let client = &answer["client"];
    if client.is_null() {
        let _ = writeln!(out, "It is neither connected nor asleep.");
    } else {
        let shown = json!({ "clients": [client] });
        let _ = write!(out, "{}", clients(&shown));
        for (word, key) in [
            ("queued", "queued"),
            ("in flight", "in_flight"),
            ("messages in", "messages_in"),
            ("messages out", "messages_out"),
            ("dropped", "dropped"),
            ("denied", "denied"),
        ] {
            let _ = writeln!(out, "{word:<12} {}", client[key]);
        }
    }
    for subscription in items(answer, "subscriptions") {
        let _ = writeln!(out, "subscribed   {} (QoS {})", text(subscription, "filter"), subscription["qos"]);
    }
    if answer["will"].is_object() {
        let will = &answer["will"];
        let _ = writeln!(out, "will         {}: {}", text(will, "topic"), cut(&text(will, "payload")));
    }
    for (word, key) in [("may write", "write"), ("may read", "read")] {
        for filter in items(&answer["permissions"], key).filter_map(Value::as_str) {
            let _ = writeln!(out, "{word:<12} {}", visible(filter));
        }
    }
    if items(answer, "refusals").next().is_some() {
        let _ = write!(out, "\n{}", refusals(answer));
    }
    let log = items(answer, "log").map(|row| vec![time(&row["time_ms"]), text(row, "text")]);
    let _ = write!(out, "\n{}", table(&["TIME", "WHAT"], log, "Nothing is in its log."));
    out
}

/// What stands in a command between single quotes: outsiders choose topics, and commands are made to be copied.
fn quoted(text: &str) -> String {
    format!("'{}'", visible(text).replace('\'', r"'\''"))
}

/// Text as one word of a shell.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

/// Advice about a refusal with the commands for what is pressed in the window.
fn typed(advice: &str, refusal: &Value) -> String {
    // A name that nobody has is not told whole, and what is told of it is no name.
    let of = |key: &str| word(refusal[key].as_str().filter(|name| !name.contains('…')).unwrap_or("NAME"));
    advice
        .replace("press Kick", &format!("`hearth client kick {}`", of("client_id")))
        .replace("Settings, Access, New password.", &format!("`hearth credential renew {}`.", of("user")))
        .replace("Make it in Settings, Access,", &format!("Make it (`hearth credential add {}`)", of("user")))
}

pub(super) fn refusals(answer: &Value) -> String {
    let mut out = String::new();
    for refusal in items(answer, "refusals") {
        let who = [("client_id", ""), ("user", "as "), ("address", "from ")];
        let who = who
            .iter()
            .filter_map(|(key, word)| refusal[*key].as_str().map(|name| format!("{word}{}", visible(name))));
        let times = match refusal["count"].as_u64() {
            Some(1) => "once".to_owned(),
            _ => format!("{} times", refusal["count"]),
        };
        let _ = writeln!(
            out,
            "{}  {}  {}  {}",
            time(&refusal["last_ms"]),
            text(refusal, "kind"),
            times,
            who.collect::<Vec<_>>().join(" ")
        );
        if let Some(topic) = refusal["topic"].as_str() {
            let _ = writeln!(out, "    {}", visible(topic));
        }
        let _ = writeln!(out, "    {}", text(refusal, "why"));
        match &refusal["proposal"] {
            Value::Object(proposal) => {
                let text = |key: &str| proposal.get(key).and_then(Value::as_str).unwrap_or_default();
                let write = proposal.get("write") == Some(&Value::Bool(true));
                let option = if write { "--may-write" } else { "--may-read" };
                let (name, filter) = (word(text("name")), quoted(text("filter")));
                let _ = writeln!(out, "    -> hearth credential allow {name} {option} {filter}");
            }
            _ => {
                let _ = writeln!(out, "    -> {}", visible(&typed(&text(refusal, "advice"), refusal)));
            }
        }
    }
    if out.is_empty() { "Nothing was refused.".to_owned() } else { out }
}

pub(super) fn rules(name: &str, permissions: &model::Permissions) -> String {
    let list = |filters: &[model::TopicFilter]| {
        let texts: Vec<_> = filters.iter().map(|filter| visible(filter.as_str()).into_owned()).collect();
        if texts.is_empty() { "nothing".to_owned() } else { texts.join(" ") }
    };
    format!(
        "{}\nmay write  {}\nmay read   {}",
        visible(name),
        list(&permissions.write),
        list(&permissions.read)
    )
}

pub(super) fn learned(answer: &Value) -> String {
    let mut out = match (answer["on"].as_bool(), answer["since_ms"].is_null()) {
        (Some(true), _) => format!(
            "{} is learning until {}: meanwhile it may do nearly everything.\n",
            text(answer, "name"),
            time(&answer["until_ms"])
        ),
        (_, true) => return format!("{} never learned.", text(answer, "name")),
        _ => format!("{} learned until {}.\n", text(answer, "name"), time(&answer["until_ms"])),
    };
    for (word, key) in [("wrote", "written"), ("read", "read")] {
        for topic in items(answer, key) {
            let allowed = if topic["allowed"] == true { "" } else { "  (no rule allows it)" };
            let _ = writeln!(out, "{word:<9}  {}{allowed}", text(topic, "topic"));
        }
    }
    if answer["incomplete"] == true {
        let _ = writeln!(out, "More was seen than is remembered, so the rules may be too tight.");
    }
    for (word, key) in [("may write", "write"), ("may read", "read")] {
        for filter in items(&answer["proposal"], key).filter_map(Value::as_str) {
            let _ = writeln!(out, "{word:<9}  {}", visible(filter));
        }
    }
    out
}

pub(super) fn activity(answer: &Value) -> String {
    let rows =
        items(answer, "lines").map(|row| vec![time(&row["time_ms"]), text(row, "level"), text(row, "text")]);
    table(&["TIME", "LEVEL", "WHAT"], rows, "Nothing happened yet.")
}

pub(super) fn info(answer: &Value) -> String {
    let counters = &answer["counters"];
    let mut out = format!("Hearth {} on {}\n", text(answer, "version"), text(answer, "data_dir"));
    let mqtt: Vec<_> = items(answer, "mqtt").filter_map(Value::as_str).collect();
    let _ = writeln!(
        out,
        "broker   {}",
        if mqtt.is_empty() { "not running".to_owned() } else { mqtt.join(", ") }
    );
    for word in ["mqtts", "ws", "wss"] {
        if let Some(address) = answer[word].as_str() {
            let _ = writeln!(out, "{word:<8} {}", visible(address));
        }
    }
    let _ = writeln!(out, "http     {}", answer["http"].as_str().unwrap_or("not running"));
    for (word, key) in [
        ("clients", "clients"),
        ("in", "messages_in"),
        ("out", "messages_out"),
        ("dropped", "dropped"),
        ("refused", "refused"),
        ("readings", "readings"),
    ] {
        let _ = writeln!(out, "{word:<8} {}", counters[key]);
    }
    for trouble in items(answer, "troubles").filter_map(Value::as_str) {
        let _ = writeln!(out, "! {trouble}");
    }
    out
}

pub(super) fn doctor(answer: &Value) -> String {
    let mut out = String::new();
    for check in items(answer, "checks") {
        let mark = match check["result"].as_str() {
            Some("ok") => "ok     ",
            Some("warning") => "warning",
            Some("failed") => "FAILED ",
            _ => "skipped",
        };
        let _ = writeln!(out, "{mark}  {}: {}", text(check, "name"), text(check, "found"));
        if let Some(advice) = check["advice"].as_str() {
            let _ = writeln!(out, "         -> {}", visible(advice));
        }
    }
    out
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn text(value: &Value, key: &str) -> String {
    visible(value[key].as_str().unwrap_or_default()).into_owned()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text).into_owned(),
        Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::Null => "unknown".to_owned(),
        // 231 rather than 231.0.
        other => other.as_f64().map_or_else(|| other.to_string(), |number| number.to_string()),
    }
}

fn cut(text: &str) -> String {
    let line = visible(text);
    match line.char_indices().nth(PAYLOAD_CHARACTERS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.into_owned(),
    }
}

/// A time as this computer's clock shows it; empty when there is none.
fn time(ms: &Value) -> String {
    match ms.as_i64().filter(|ms| *ms > 0).and_then(DateTime::from_timestamp_millis) {
        Some(time) => time.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string(),
        None => String::new(),
    }
}

/// Columns as wide as their widest cell; the last is left open.
fn table(headings: &[&str], rows: impl Iterator<Item = Vec<String>>, empty: &str) -> String {
    let in_one_line = |row: Vec<String>| row.iter().map(|cell| visible(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = rows.map(in_one_line).collect();
    if rows.is_empty() {
        return empty.to_owned();
    }
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let headings = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&headings).chain(&rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let answer = json!({ "automations": [
            { "id": "fan", "name": "Fan", "enabled": true, "error": null, "paused": null, "last_run_ms": null },
            { "id": "a-longer-one", "name": "Ü", "enabled": false, "error": null, "paused": null, "last_run_ms": null },
        ]});
        assert_eq!(
            automations(&answer),
            "ID            NAME  STATUS  LAST RUN\nfan           Fan   on\na-longer-one  Ü     off\n"
        );
    }

    #[test]
    fn payloads_cannot_draw_on_the_terminal() {
        assert_eq!(cut("a\u{1b}[31mb\nc"), r"a\u{1b}[31mb\nc");
        let answer = json!({ "credentials": [
            { "name": "x\u{1b}[2J\nNAME", "last_login_ms": null, "permissions": { "write": ["a\rb"], "read": [] } },
        ]});
        let shown = credentials(&answer);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        assert_eq!(cut(&"ü".repeat(100)), format!("{}…", "ü".repeat(60)));
    }

    #[test]
    fn what_is_pressed_in_the_window_is_typed_here() {
        let refusal = json!({ "client_id": "ESP-1", "user": "plug" });
        let check = |advice: &str, expected: &str| assert_eq!(typed(advice, &refusal), expected);
        check(
            "It must subscribe again: press Kick, or restart it.",
            "It must subscribe again: `hearth client kick ESP-1`, or restart it.",
        );
        check(
            "Make a new one for `plug`: Settings, Access, New password.",
            "Make a new one for `plug`: `hearth credential renew plug`.",
        );
        assert_eq!((word("ESP-1"), word("a'; b")), ("ESP-1".to_owned(), r"'a'\''; b'".to_owned()));
    }
}
