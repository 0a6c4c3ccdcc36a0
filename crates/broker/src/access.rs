//! Who may come in.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use model::Permissions;

use crate::ledger::BoxFuture;
use crate::transport::Transport;

/// Letters of an unknown user name that are told, of names that have at least [`SHORTENED_FROM`].
const TOLD_LETTERS: usize = 2;
/// Shorter names are told by their length alone: two letters would be most of them.
const SHORTENED_FROM: usize = 6;

/// A text of which nothing may be told but its length: `…(24 characters)`.
pub fn by_length(text: &str) -> String {
    format!("…({} characters)", text.chars().count())
}

/// A user name that belongs to nobody, fit to be written down: `ki…(12 characters)`. People paste a password into
/// the field for the user name, and what was refused is kept and shown.
pub fn shortened(user: &str) -> String {
    let letters = user.chars().count();
    let told: String = user.chars().take(if letters < SHORTENED_FROM { 0 } else { TOLD_LETTERS }).collect();
    format!("{told}…({letters} characters)")
}

/// What a client shows at the door.
#[derive(Debug, Clone)]
pub struct Login {
    /// MQTT client id; the assigned one when the client sent none.
    pub client_id: String,
    /// User name of CONNECT.
    pub user: Option<String>,
    /// Password of CONNECT.
    pub password: Option<Bytes>,
    /// Where the connection comes from.
    pub peer: SocketAddr,
    /// Protocol level: 3, 4 (3.1.1) or 5.
    pub version: u8,
    /// How it reached the gate.
    pub transport: Transport,
    /// Common name of the client certificate, when TLS has verified one.
    pub certificate_name: Option<String>,
    /// Topic of its last will: often all that tells which firmware it is.
    pub will_topic: Option<String>,
}

/// A login that succeeded.
#[derive(Debug, Clone)]
pub struct Granted {
    /// Name of the credential; messages carry it.
    pub user: Arc<str>,
    /// What it may do, placeholders not filled in: the gate does that with the client id.
    pub permissions: Permissions,
    /// Learning mode: everything is allowed, except publishing to `$` topics, and told as
    /// [`crate::GateEvent::Learned`].
    pub learning: bool,
}

impl Granted {
    /// What it may do now, learning or not.
    pub(crate) fn effective(&self) -> Permissions {
        if self.learning { self.permissions.while_learning() } else { self.permissions.clone() }
    }
}

/// What became of a credential while its login was decided.
#[derive(Debug, Clone)]
pub enum Standing {
    /// It is as it was granted.
    Same,
    /// Its permissions or its learning changed.
    Changed(Granted),
    /// It is no more, or what it was granted for lets nobody in any more.
    Gone,
}

/// A login that did not. The words go to the log and the Security page; the client gets only the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// CONNACK 4 (3.1.1) or 0x86 (5).
    BadCredentials {
        /// What was wrong.
        why: String,
        /// What to do about it.
        advice: String,
    },
    /// CONNACK 4 or 0x86, neither counted nor told: the hub itself looks whether it is answered.
    Look,
    /// CONNACK 5 or 0x87.
    NotAuthorized {
        /// What was wrong.
        why: String,
    },
    /// CONNACK 3 or 0x9F: this address guesses too often.
    TooManyAttempts {
        /// When it may try again.
        retry_ms: u64,
    },
}

/// Decides about logins. `hub` implements it over the credentials; nobody is let in anonymously unless it
/// grants that. Password hashing belongs off the async workers.
pub trait Access: Send + Sync + 'static {
    /// Decides about one login.
    fn login(&self, attempt: Login) -> BoxFuture<'static, Result<Granted, Refusal>>;

    /// Asked once a client that was granted this is in its session, where changes reach it: whatever changed
    /// between the decision and now is made good. Must not block.
    fn standing(&self, _granted: &Granted) -> Standing {
        Standing::Same
    }

    /// How a user name that came over the wire may be told: as it is when it is known to be a name, and else
    /// [`shortened`]. Must not block.
    fn told_name(&self, user: &str) -> String {
        shortened(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_by_its_first_letters_and_its_length() {
        for (user, expected) in [
            ("kitchen-2024", "ki…(12 characters)"),
            ("küche-licht", "kü…(11 characters)"),
            ("secret", "se…(6 characters)"),
            ("admin", "…(5 characters)"),
            ("", "…(0 characters)"),
        ] {
            assert_eq!(shortened(user), expected);
        }
    }
}
