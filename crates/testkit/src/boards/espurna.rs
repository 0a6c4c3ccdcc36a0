//! ESPurna's terminal: `set`, `save`, `reset`. What was set counts once it is saved.

use super::{Act, Board, Broker};

/// A session at the terminal.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    is_in: bool,
    unsaved: Vec<(String, String)>,
}

impl Terminal {
    /// What it writes before it is spoken to.
    pub(super) fn greeting(board: &Board) -> &'static str {
        if board.temper.password.is_some() { "Password: " } else { "Welcome!\n" }
    }

    /// What it answers to a line.
    pub(super) fn line(&mut self, board: &Board, line: &str) -> (String, Act) {
        let line = line.trim();
        let ok = || ("+OK\n".to_owned(), Act::Nothing);
        if line.is_empty() {
            return (String::new(), Act::Nothing);
        }
        if let Some(password) = board.temper.password.as_deref().filter(|_| !self.is_in) {
            self.is_in = line == password;
            let said = if self.is_in { "Welcome!\n" } else { "Password: " };
            return (said.to_owned(), Act::Nothing);
        }
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("set"), Some(_), _) if board.crashes() => (String::new(), Act::Crash),
            (Some("set"), Some(key), Some(value)) => {
                self.unsaved.push((key.to_owned(), value.to_owned()));
                ok()
            }
            (Some("save"), None, None) => {
                let unsaved = std::mem::take(&mut self.unsaved);
                board.save(|broker| unsaved.iter().for_each(|(key, value)| set(broker, key, value)));
                ok()
            }
            (Some("reset"), None, None) => (String::new(), Act::Restart),
            _ => ("-ERROR: Command not found\n".to_owned(), Act::Nothing),
        }
    }
}

fn set(broker: &mut Broker, key: &str, value: &str) {
    match key {
        "mqttServer" => value.clone_into(&mut broker.host),
        "mqttPort" => broker.port = value.parse().unwrap_or(1_883),
        "mqttUser" => value.clone_into(&mut broker.user),
        "mqttPassword" => value.clone_into(&mut broker.password),
        "mqttTopic" => value.clone_into(&mut broker.topic),
        _ => {}
    }
}
