//! What leaves together: one ingress section, one group of journal rows, one wake of each subscriber.

use std::sync::Arc;

use model::Message;

use crate::ledger::Draft;
use crate::packet::{Ack, AckKind};
use crate::session::{Inbound, Session};
use crate::subscription::Targets;

/// The publishes of one read.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) drafts: Vec<Draft>,
    /// How many drafts in a row go to the same targets, and the generation that was looked up under.
    pub(super) runs: Vec<(usize, u64, Targets)>,
    /// What is answered once the draft at this place is durable.
    pub(super) answers: Vec<(usize, Ack)>,
    pub(super) messages: Vec<Arc<Message>>,
    pub(super) congested: Vec<Arc<Session>>,
}

impl Batch {
    /// Adds a publish; `generation`: that its targets were looked up under.
    #[inline]
    pub(super) fn add(
        &mut self,
        mut draft: Draft,
        answer: Option<Ack>,
        targets: &Targets,
        generation: u64,
        session: &Session,
    ) {
        match self.runs.last_mut() {
            Some((count, _, known))
                if Arc::ptr_eq(known, targets) && same_topic(&self.drafts, &draft.topic) =>
            {
                *count += 1;
            }
            _ => self.runs.push((1, generation, targets.clone())),
        }
        if let Some(Ack { kind: AckKind::Rec, packet_id, .. }) = answer {
            let mut state = session.lock();
            state.inbound.insert(packet_id, Inbound { message_id: None, released: None });
            // The rows of a session that was ended meanwhile are deleted already.
            if state.persistent() && !state.ended {
                draft.inbound_qos2 = Some((session.client_id.clone(), packet_id));
            }
        }
        if let Some(answer) = answer {
            self.answers.push((self.drafts.len(), answer));
        }
        self.drafts.push(draft);
    }
}

fn same_topic(drafts: &[Draft], topic: &Arc<str>) -> bool {
    drafts.last().is_some_and(|draft| Arc::ptr_eq(&draft.topic, topic))
}
