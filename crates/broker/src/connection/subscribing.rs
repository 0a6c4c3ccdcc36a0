//! SUBSCRIBE and UNSUBSCRIBE.

use model::{QoS, TopicError, TopicFilter};

use super::reading::Reading;
use super::words;
use crate::packet::{self, PacketError, Request, Subscribe, Unsubscribe, reason};
use crate::subscription::{Subscription, held_bytes};
use crate::tally::add;
use crate::telling::Refusing;
use crate::watch::{Action, RefusedAt};

/// The one failure code of MQTT 3.1.1 (section 3.9.3).
const OLD_FAILURE: u8 = 0x80;

impl Reading<'_> {
    /// Enters the subscriptions, keeps them durably when the session lasts, answers, and only then lets
    /// retained and new messages go: SUBACK is the first the client sees of its subscription.
    pub(super) async fn subscribe(&mut self, subscribe: Subscribe) -> Result<(), PacketError> {
        let attached = self.attached;
        attached.session.lock().outbox.hold = true;
        let mut codes = Vec::with_capacity(subscribe.requests.len());
        // One reason string has to do for all lines (section 3.9.2.1.2): that of the first refusal.
        let mut why_not = None;
        let mut entered = false;
        for request in subscribe.requests {
            match self.enter(request, subscribe.identifier) {
                Ok(code) => {
                    entered = true;
                    codes.push(code);
                }
                Err(Refusal::Code(code, why)) => {
                    codes.push(code);
                    why_not.get_or_insert(why);
                }
                Err(Refusal::Broken(why)) => return Err(why),
            }
        }
        if entered
            && let Some(saving) = self.core.save(&attached.session)
            && let Err(why) = saving.await
        {
            tracing::warn!(%why, client = %attached.session.client_id, "a subscription could not be kept");
            let failed = if self.version.is_v5() { reason::IMPLEMENTATION_SPECIFIC } else { OLD_FAILURE };
            codes.fill(failed);
            why_not = Some("Hearth cannot keep the subscription at present; try again later".to_owned());
        }
        let why_not = why_not.as_deref().filter(|_| self.terms.reasons);
        let max = self.terms.packet_bytes_max;
        packet::suback(
            &mut self.halves.control.lock(),
            self.version,
            subscribe.packet_id,
            &codes,
            why_not,
            max,
        );
        add(&self.core.tally.packets_out, 1);
        attached.session.lock().outbox.hold = false;
        attached.link.wake.notify_one();
        Ok(())
    }

    /// One line of a SUBSCRIBE; its SUBACK code.
    fn enter(&self, request: Request, identifier: Option<u32>) -> Result<u8, Refusal> {
        let session = &self.attached.session;
        let (group, filter) = TopicFilter::parse_shared(&request.filter).map_err(|why| match why {
            // Well formed, and more than this gate takes.
            TopicError::TooDeep => self.refuse(reason::TOPIC_FILTER_INVALID, why.to_string()),
            _ => Refusal::Broken(PacketError::Malformed("a topic filter is invalid")),
        })?;
        // MQTT 5, section 3.8.3.1.
        if group.is_some() && request.no_local {
            return Err(Refusal::Broken(PacketError::Protocol("no-local on a shared subscription")));
        }
        let state = session.lock();
        let allowed =
            state.permissions.as_ref().is_some_and(|permissions| permissions.may_subscribe(&filter));
        let older = state.subscriptions.get(&request.filter).cloned();
        let known = older.is_some();
        let full = state.subscriptions.len() >= self.core.limits.subscriptions_max;
        let shares_full =
            group.is_some() && state.shares().count() >= self.core.limits.shared_subscriptions_max;
        let bytes = held_bytes(&request.filter);
        let account = state.outbox.account();
        let held =
            if known { Ok(account.hold_anyhow(bytes)) } else { account.hold(bytes, &self.core.limits) };
        drop(state);
        if !allowed {
            self.core.deny(session, &request.filter, Action::Subscribe);
            let why = words::denied(session, filter.as_str(), Action::Subscribe);
            return Err(self.refuse(reason::NOT_AUTHORIZED, why));
        }
        if self.core.limits.unsubscribable.iter().any(|closed| closed.covers(&filter)) {
            let why = format!("nobody may subscribe to `{filter}` here, whatever its rules say");
            self.tell_refused(&why, "Let it subscribe to something else.");
            return Err(self.refuse(reason::UNSPECIFIED, "Nobody may subscribe to this here".to_owned()));
        }
        self.core.learned(session, filter.as_str(), Action::Subscribe);
        if full && !known {
            let most = self.core.limits.subscriptions_max;
            let why = format!("it has {most} subscriptions, which is the limit");
            self.tell_refused(
                &why,
                "Let it subscribe with wildcards, or raise the limit on the Broker page.",
            );
            return Err(self
                .refuse(reason::QUOTA_EXCEEDED, format!("A session can have {most} subscriptions at most")));
        }
        if shares_full && !known {
            let most = self.core.limits.shared_subscriptions_max;
            let why = format!("it has {most} shared subscriptions, which is the limit");
            self.tell_refused(
                &why,
                "Let it share fewer filters with wildcards, or raise the limit on the Broker page.",
            );
            let why = format!("A session can have {most} shared subscriptions at most");
            return Err(self.refuse(reason::QUOTA_EXCEEDED, why));
        }
        let held = held.map_err(|full| {
            self.tell_refused(
                &full.to_string(),
                "Let it subscribe with wildcards or to shorter topics, or raise the limit on the Broker page.",
            );
            self.refuse(reason::QUOTA_EXCEEDED, format!("There is no room for the subscription: {full}"))
        })?;
        // Section 3.8.3.1: 0 always, 1 only for a new subscription, 2 never; section 4.8.2: none for a group.
        let wants_retained = match request.retain_handling {
            _ if group.is_some() => false,
            0 => true,
            1 => !known,
            _ => false,
        };
        let qos = request.qos;
        let settled = self.core.settled();
        let mut next_id = 0;
        let subscription = self.core.subscribe(session, |next| {
            next_id = next;
            // What came by the older one of the same filter waits on: after a restart it is looked for from here.
            let since = older.filter(|older| older.qos > QoS::AtMostOnce).map_or(next, |older| older.since);
            Subscription {
                share: group.map(|group| self.core.subscriptions.share(group, &filter, next)),
                filter,
                qos,
                no_local: request.no_local,
                retain_as_published: request.retain_as_published,
                retain_handling: request.retain_handling,
                identifier,
                since,
                _held: held,
            }
        });
        if let Some(share) = &subscription.share {
            // The new member keeps what is owed now.
            share.close_book(settled);
        }
        let mut state = session.lock();
        if state.ended {
            // Another connection came with this client id and a clean start while this was read: nobody would
            // ever take the subscription out.
            drop(state);
            self.core.subscriptions.remove(session, &subscription);
            return Ok(qos as u8);
        }
        if wants_retained {
            state.outbox.replays.begin(subscription.clone(), next_id);
        }
        state.subscriptions.insert(request.filter, subscription);
        Ok(qos as u8)
    }

    fn refuse(&self, code: u8, why: String) -> Refusal {
        Refusal::Code(if self.version.is_v5() { code } else { OLD_FAILURE }, why)
    }

    /// Tells a refusal that no rule would mend.
    fn tell_refused(&self, why: &str, advice: &str) {
        self.core.tell_refused(&Refusing {
            at: RefusedAt::Limit,
            peer: self.attached.link.peer,
            client_id: Some(&self.attached.session.client_id),
            user: Some(&self.attached.publisher.user),
            what: "A subscription was refused.",
            why,
            advice,
        });
    }

    /// Takes subscriptions out; an unknown filter is answered like a known one.
    pub(super) async fn unsubscribe(&mut self, unsubscribe: Unsubscribe) {
        let session = &self.attached.session;
        let mut codes = Vec::with_capacity(unsubscribe.filters.len());
        for filter in &unsubscribe.filters {
            let removed = session.lock().subscriptions.remove(filter);
            match removed {
                Some(subscription) => {
                    session.lock().outbox.replays.end(&subscription);
                    self.core.subscriptions.remove(session, &subscription);
                    codes.push(reason::SUCCESS);
                }
                None => codes.push(reason::NO_SUBSCRIPTION_EXISTED),
            }
        }
        if let Some(saving) = self.core.save(session)
            && let Err(why) = saving.await
        {
            tracing::warn!(%why, client = %session.client_id, "an ended subscription could not be kept");
        }
        self.control(|out| packet::unsuback(out, self.version, unsubscribe.packet_id, &codes));
    }
}

/// Why a line of a SUBSCRIBE is not entered.
enum Refusal {
    /// Answered with this code, and why.
    Code(u8, String),
    /// The line breaks the protocol: the client is broken, and its connection is closed.
    Broken(PacketError),
}
