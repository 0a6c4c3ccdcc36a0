//! Publishes that are not taken.

use std::sync::atomic::Ordering::Relaxed;

use model::TopicError;

use super::Due;
use super::reading::Reading;
use super::words;
use crate::packet::{Ack, AckKind, reason};
use crate::session::Inbound;
use crate::telling::Refusing;
use crate::watch::{Action, RefusedAt};

impl Reading<'_> {
    /// An MQTT 5 client is told that its publish is not taken, behind the answers to those before it.
    pub(super) fn refuse_publish(&mut self, answer: Ack, reason: u8, why: &str) {
        self.flush();
        if self.terms.reasons {
            self.halves.whys.lock().insert(answer.packet_id, why.to_owned());
        }
        self.answer(Due::Now, Ack { reason, ..answer });
    }

    pub(super) fn denied(&mut self, topic: &str, answer: Option<Ack>) {
        let attached = self.attached;
        self.core.deny(&attached.session, topic, Action::Publish);
        self.not_taken(answer, reason::NOT_AUTHORIZED, || {
            words::denied(&attached.session, topic, Action::Publish)
        });
    }

    pub(super) fn too_deep(&mut self, answer: Option<Ack>) {
        let why = TopicError::TooDeep.to_string();
        self.core.tell_refused(&Refusing {
            at: RefusedAt::Limit,
            peer: self.attached.link.peer,
            client_id: Some(&self.attached.session.client_id),
            user: Some(&self.attached.publisher.user),
            what: "A publish was refused.",
            why: &why,
            advice: "Let it publish to a topic with fewer slashes.",
        });
        self.not_taken(answer, reason::TOPIC_NAME_INVALID, || why);
    }

    /// An MQTT 5 client is told, an older one has its publish acknowledged and dropped (3.1.1, section 3.3.5).
    pub(super) fn not_taken(&mut self, answer: Option<Ack>, reason: u8, why: impl FnOnce() -> String) {
        let Some(answer) = answer else { return };
        if self.version.is_v5() {
            return self.refuse_publish(answer, reason, &why());
        }
        if answer.kind == AckKind::Rec {
            let inbound = Inbound { message_id: None, released: None };
            self.attached.session.lock().inbound.insert(answer.packet_id, inbound);
        }
        // Behind the answers of this batch, which have the lower places.
        self.flush();
        self.answer(Due::Now, answer);
    }

    /// The journal cannot write: nothing is acknowledged that would be lost. An MQTT 5 client is told; an
    /// older one is disconnected when the journal is well again, and then repeats what was not acknowledged.
    pub(super) fn refuse_for_journal(&mut self, answer: Ack) {
        self.core.journal_failure();
        self.flush();
        if self.version.is_v5() {
            let why = "Hearth cannot write its journal at present; try again later";
            self.refuse_publish(answer, reason::IMPLEMENTATION_SPECIFIC, why);
        } else {
            self.attached.link.unanswered.store(true, Relaxed);
        }
    }
}
