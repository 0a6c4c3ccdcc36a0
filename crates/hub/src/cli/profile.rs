//! `hearth profile`: firmware profiles from the command line. Looking at a file and trying it need no hub.

use std::fmt::Write as _;
use std::path::Path;

use devices::limits::PROFILE_BYTES_MAX;
use serde_json::json;

use super::{Answered, arguments::ProfileCommand, ask, json_text, say, show};
use crate::api::types::{
    PayloadEncoding, ProfileCheck, ProfileFault, ProfileTrial, TriedMessage, TriedSend, TryMessage,
};
use crate::{api, folder, profiles};

pub(super) async fn profile(data_dir: &Path, json: bool, command: ProfileCommand) -> anyhow::Result<()> {
    match command {
        ProfileCommand::List => ask(data_dir, json, "list_profiles", json!({}), show::profiles).await,
        ProfileCommand::Check { files } => check(json, &files),
        ProfileCommand::Try { file, topic, payload, retain } => {
            anyhow::ensure!(
                topic.len() == payload.len(),
                "Each --topic needs a --payload; there are {} and {}.",
                topic.len(),
                payload.len()
            );
            let messages = topic.into_iter().zip(payload).map(|(topic, payload)| TryMessage {
                topic,
                payload,
                encoding: PayloadEncoding::Text,
                retain,
            });
            try_out(json, &file, messages.collect())
        }
    }
}

fn read(file: &Path) -> Result<String, String> {
    folder::read_text(file, PROFILE_BYTES_MAX)
        .map_err(|why| format!("{} cannot be read: {}.", file.display(), why.trim_end_matches('.')))
}

/// Looks at every file, whatever is wrong with the ones before. What is found is the answer; the exit code says
/// whether it is a good one.
fn check(json: bool, files: &[std::path::PathBuf]) -> anyhow::Result<()> {
    let mut found = Vec::new();
    let mut is_fine = true;
    for file in files {
        let name = file.display().to_string();
        let checked = match read(file) {
            Ok(source) => api::checked(&source),
            Err(message) => ProfileCheck {
                id: None,
                name: None,
                samples: Vec::new(),
                plays: Vec::new(),
                faults: vec![ProfileFault { line: None, column: None, text: None, message }],
            },
        };
        is_fine &= checked.faults.is_empty();
        if json {
            found.push(json!({ "file": name, "check": checked }));
        } else {
            say(&checked_words(&name, &checked))?;
        }
    }
    if json {
        say(&json_text(&json!({ "files": found })))?;
    }
    anyhow::ensure!(is_fine, Answered);
    Ok(())
}

fn checked_words(file: &str, checked: &ProfileCheck) -> String {
    if !checked.faults.is_empty() {
        let faults = checked.faults.iter().map(|fault| fault_words(file, fault));
        return faults.collect::<Vec<_>>().join("\n");
    }
    let (name, id) = (checked.name.as_deref().unwrap_or_default(), checked.id.as_deref().unwrap_or_default());
    let mut out = format!("{file} is fine: {name} ({id}).");
    if checked.samples.is_empty() {
        out.push_str(" It has no [[tests]]; add the messages of a real board, and what comes of them.");
    }
    for sample in &checked.samples {
        let _ = write!(
            out,
            "\n  {}: {} messages, {} entities, {} commands as expected",
            sample.name, sample.messages, sample.entities, sample.commands
        );
    }
    out
}

/// `file:line:column: what`, then the line with a mark under the place.
fn fault_words(file: &str, fault: &ProfileFault) -> String {
    let (Some(line), Some(column)) = (fault.line, fault.column) else {
        return format!("{file}: {}", fault.message);
    };
    let mut out = format!("{file}:{line}:{column}: {}", fault.message);
    if let Some(text) = &fault.text {
        let margin = " ".repeat(column.saturating_sub(1) as usize);
        let _ = write!(out, "\n{line:>5} | {}\n      | {margin}^", text.replace('\t', " "));
    }
    out
}

fn try_out(json: bool, file: &Path, messages: Vec<TryMessage>) -> anyhow::Result<()> {
    let source = read(file).map_err(anyhow::Error::msg)?;
    let trial = profiles::try_source(&source, messages).map_err(|error| super::explain(error, json))?;
    let is_fine = trial.faults.is_empty();
    say(&if json { json_text(&serde_json::to_value(&trial)?) } else { trial_words(file, &trial) })?;
    anyhow::ensure!(is_fine, Answered);
    Ok(())
}

fn trial_words(file: &Path, trial: &ProfileTrial) -> String {
    if !trial.faults.is_empty() {
        let name = file.display().to_string();
        return trial.faults.iter().map(|fault| fault_words(&name, fault)).collect::<Vec<_>>().join("\n");
    }
    let mut out = String::new();
    for message in &trial.messages {
        message_words(&mut out, message);
    }
    for device in &trial.devices {
        let known = [&device.manufacturer, &device.model, &device.sw_version];
        let known: Vec<&str> = known.into_iter().flatten().map(String::as_str).collect();
        let _ = writeln!(out, "device {}  {}  {}", device.id, device.name, known.join(", "));
        for tried in trial.entities.iter().filter(|tried| tried.entity.device == device.id) {
            let entity = &tried.entity;
            let value = tried.state.value.as_ref().map_or("unknown".to_owned(), ToString::to_string);
            let unit = entity.description.unit.as_deref().unwrap_or_default();
            let _ =
                writeln!(out, "  {}  {}: {}", entity.id, entity.name, format!("{value} {unit}").trim_end());
            for command in trial.commands.iter().filter(|command| command.entity == entity.id) {
                let with = command.value.as_ref().map(|value| format!(" {value}")).unwrap_or_default();
                match &command.why {
                    Some(why) => {
                        let _ = writeln!(out, "    {}: {why}", command.verb);
                    }
                    None => {
                        let sends: Vec<_> = command.sends.iter().map(sent).collect();
                        let _ = writeln!(out, "    {}{with} -> {}", command.verb, sends.join("; "));
                    }
                }
            }
        }
    }
    if trial.devices.is_empty() {
        out.push_str("No device comes of it.\n");
    }
    if !trial.is_whole {
        out.push_str("It took too long; the rest was not tried.\n");
    }
    out
}

fn message_words(out: &mut String, message: &TriedMessage) {
    let _ = writeln!(out, "{}", message.topic);
    for rule in &message.rules {
        let line = rule.line.map(|line| format!(", line {line}")).unwrap_or_default();
        let captures: Vec<_> =
            rule.captures.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let captures =
            if captures.is_empty() { String::new() } else { format!(" ({})", captures.join(", ")) };
        let _ = writeln!(out, "  {}{line}: {}{captures}. {}", rule.profile, rule.rule, rule.made);
    }
    for (what, ids) in [("describes", &message.described), ("sets", &message.reported)] {
        if !ids.is_empty() {
            let _ = writeln!(out, "  {what} {}", ids.join(", "));
        }
    }
    if message.rules.is_empty() && message.reported.is_empty() {
        let _ = writeln!(out, "  Nobody listens to this topic.");
    }
    for send in &message.sends {
        let _ = writeln!(out, "  -> {}", sent(send));
    }
    for problem in &message.problems {
        let _ = writeln!(out, "  problem: {problem}");
    }
}

fn sent(send: &TriedSend) -> String {
    format!("{} {}{}", send.topic, send.payload, if send.retain { " (retained)" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_shown_where_it_is() {
        let fault = ProfileFault {
            line: Some(7),
            column: Some(3),
            text: Some("\tunti = '%'".to_owned()),
            message: "unknown field".to_owned(),
        };
        let shown = "my.toml:7:3: unknown field\n    7 |  unti = '%'\n      |   ^";
        assert_eq!(fault_words("my.toml", &fault), shown);
        let nowhere = ProfileFault { line: None, column: None, text: None, message: "too large".to_owned() };
        assert_eq!(fault_words("my.toml", &nowhere), "my.toml: too large");
    }
}
