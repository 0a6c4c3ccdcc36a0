//! What the gate tells of: refusals, denials, what was dropped, a journal that cannot write. Each is counted as often as
//! it happens and told no more often than the rate allows.

use std::net::SocketAddr;
use std::time::Instant;

use model::Publisher;

use crate::core::Core;
use crate::retained;
use crate::session::{GUARDED_WAIT, Late, Session};
use crate::tally::add;
use crate::watch::{Action, GateEvent, RefusedAt, TOLD_TOPIC_BYTES_MAX};

/// Bytes of a client id or user name that are told of a refusal.
const TOLD_NAME_BYTES_MAX: usize = 256;

/// A refused connection, to tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusing<'a> {
    pub(crate) at: RefusedAt,
    pub(crate) peer: SocketAddr,
    pub(crate) client_id: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
    pub(crate) what: &'a str,
    pub(crate) why: &'a str,
    pub(crate) advice: &'a str,
}

/// A text from outside, not longer than so many bytes.
pub(crate) fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

impl Core {
    /// Counts a denial of a client and tells it, not more often than the rate allows.
    pub(crate) fn deny(&self, session: &Session, topic: &str, action: Action) {
        add(&session.denied, 1);
        let state = session.lock();
        let (user, peer) = (state.user.clone(), state.link.as_ref().map(|link| link.peer));
        drop(state);
        self.tell_denied_to(&session.client_id, &user, peer, topic, action);
    }

    /// The same for one that is not in yet.
    pub(crate) fn deny_will(&self, client_id: &str, user: &str, peer: SocketAddr, topic: &str, let_in: bool) {
        self.tell_denied_to(client_id, user, Some(peer), topic, Action::Will { let_in });
    }

    fn tell_denied_to(
        &self,
        client_id: &str,
        user: &str,
        peer: Option<SocketAddr>,
        topic: &str,
        action: Action,
    ) {
        add(&self.tally.denied, 1);
        let event = || GateEvent::Denied {
            client_id: client_id.to_owned(),
            user: user.to_owned(),
            peer,
            topic: cut(topic, TOLD_TOPIC_BYTES_MAX),
            action,
            count: 1,
            more: 0,
            ago_ms: 0,
        };
        if let Some(event) = self.denials.denied(client_id, action, topic, Instant::now(), event) {
            self.watch.seen(event);
        }
    }

    /// Tells that a connection was refused, not more often than the rate allows. Counting it is the caller's part,
    /// and its words must not have a user name that nobody knows.
    pub(crate) fn tell_refused(&self, refused: &Refusing<'_>) {
        let Refusing { at, peer, client_id, user, what, why, advice } = *refused;
        let event = || GateEvent::Refused {
            at,
            peer,
            client_id: client_id.map(|id| cut(id, TOLD_NAME_BYTES_MAX)),
            user: user.map(|user| cut(&self.access.told_name(user), TOLD_NAME_BYTES_MAX)),
            what: what.to_owned(),
            why: why.to_owned(),
            advice: advice.to_owned(),
            count: 1,
            more: 0,
            ago_ms: 0,
        };
        let same = (client_id, user, why);
        if let Some(event) = self.denials.refused(peer.ip(), same, Instant::now(), event) {
            self.watch.seen(event);
        }
    }

    /// Tells the denials and refusals that were only counted so far.
    pub(crate) fn tell_denied(&self) {
        for event in self.denials.due(Instant::now()) {
            self.watch.seen(event);
        }
    }

    pub(crate) fn tell_retained_full(&self, publisher: &Publisher, topic: &str, why: retained::Full) {
        if let Some(count) = self.denials.not_retained(&publisher.user) {
            self.watch.seen(GateEvent::RetainedFull {
                client_id: publisher.client_id.clone(),
                user: publisher.user.clone(),
                topic: cut(topic, TOLD_TOPIC_BYTES_MAX),
                count,
                why: why.to_string(),
            });
        }
    }

    pub(crate) fn tell_dropped(&self, session: &Session, count: u64) {
        if let Some(count) = self.denials.drops(session.number, count) {
            self.watch.seen(GateEvent::Dropped {
                client_id: session.client_id.as_ref().to_owned(),
                count,
                why: "it does not read fast enough, and the queue for it is full".to_owned(),
            });
        }
    }

    /// Counts and tells the guarded messages a client did not take in time.
    pub(crate) fn tell_late(&self, session: &Session) {
        let Late { count, topic } = session.lock().outbox.take_late();
        let Some(topic) = topic else { return };
        add(&self.tally.late, count);
        add(&session.dropped, count);
        if let Some(count) = self.denials.late(session.number, count) {
            self.watch.seen(GateEvent::Dropped {
                client_id: session.client_id.as_ref().to_owned(),
                count,
                why: format!(
                    "they are commands to what the relay guard watches, the last one on `{}`, and it did not take them \
                     within {} s",
                    cut(&topic, TOLD_TOPIC_BYTES_MAX),
                    GUARDED_WAIT.as_secs()
                ),
            });
        }
    }

    /// Why the journal cannot write, if it cannot. A change is told once.
    pub(crate) fn journal_failure(&self) -> Option<String> {
        let why = self.ledger.failure();
        let mut known = self.journal_failing.lock();
        if why.is_some() != known.is_some() {
            known.clone_from(&why);
            self.watch.seen(GateEvent::JournalFailing { why: why.clone() });
        }
        why
    }
}
