//! After a start: sessions, retained messages and queues as they were.
//!
//! Queues are not stored anywhere: the journal is read once, from the lowest cursor, and what a session's
//! subscriptions match and its cursor has not passed is queued again. So what waited when a client changed the QoS
//! of a subscription comes at the new one.
//!
//! QoS 2 is neither lost nor doubled over a crash, because of the order in which rows become durable:
//! - in: PUBREC follows the message's row, with which the handshake row is written; PUBCOMP follows the durable
//!   end of that row. A repeated PUBLISH in between meets the row and is only answered.
//! - out: PUBLISH follows its `OutboundSent` row, so it is repeated under the same packet id; PUBREL follows
//!   `OutboundReceived`, since the client may forget the id from then on and would take a repeated PUBLISH for
//!   a new message. After PUBCOMP the row stays until the session's cursor is durably past the message: the
//!   scan below would otherwise find the message, and no row that says it was delivered.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use model::{Message, Publisher, QoS};

use crate::clock::now_ms;
use crate::core::Core;
use crate::ledger::{Copied, HandshakeChange, LedgerError, StoredHandshake, StoredSession};
use crate::session::{Delivery, Inbound, Session, Stage};
use crate::share::Debt;
use crate::subscription::{Subscription, Target};
use crate::tally::add;
use crate::watch::Action;

/// Journal rows read at once.
const SCAN_ROWS: usize = 2_000;

/// The QoS 2 exchanges that were under way towards clients, by message, client and which copy of the message it is.
/// A client may be in several groups, and then has several exchanges about the copies they gave it.
#[derive(Debug, Default)]
struct Exchanges(BTreeMap<u64, HashMap<(Arc<str>, Copied), Begun>>);

/// What is known of exchanges about the same copy.
#[derive(Debug, Default)]
struct Begun {
    /// Those whose PUBLISH is to be repeated: the packet ids.
    sent: VecDeque<u16>,
    /// How many the client has answered by PUBREC: it has the message.
    received: usize,
}

/// How a message comes to a client after a start.
enum Again {
    /// As one it was never sent.
    Anew,
    /// Under the packet id it was sent under.
    Repeated(u16),
    /// Not at all: it has the message.
    Has,
}

impl Exchanges {
    fn begun(&mut self, client_id: Arc<str>, message_id: u64, copied: Copied) -> &mut Begun {
        self.0.entry(message_id).or_default().entry((client_id, copied)).or_default()
    }

    fn has_begun(&self, client_id: &Arc<str>, message_id: u64, copied: Copied) -> bool {
        let begun = self.0.get(&message_id).and_then(|copies| copies.get(&(client_id.clone(), copied)));
        begun.is_some_and(|begun| begun.received > 0 || !begun.sent.is_empty())
    }

    /// What becomes of one copy; each exchange is taken once.
    fn take(&mut self, client_id: &Arc<str>, message_id: u64, copied: Copied) -> Again {
        let copies = self.0.get_mut(&message_id);
        let Some(begun) = copies.and_then(|copies| copies.get_mut(&(client_id.clone(), copied))) else {
            return Again::Anew;
        };
        if let Some(packet_id) = begun.sent.pop_front() {
            return Again::Repeated(packet_id);
        }
        match begun.received.checked_sub(1) {
            Some(fewer) => {
                begun.received = fewer;
                Again::Has
            }
            None => Again::Anew,
        }
    }

    /// The exchanges about a message that nobody has taken and whose PUBLISH is to be repeated.
    fn left(&self, message_id: u64) -> Vec<(Arc<str>, Copied)> {
        let copies = self.0.get(&message_id).into_iter().flatten();
        copies.filter(|(_, begun)| !begun.sent.is_empty()).map(|(copy, _)| copy.clone()).collect()
    }
}

/// Restores what the ledger kept. Called before any client is let in.
pub(crate) async fn restore(core: &Arc<Core>) -> Result<(), LedgerError> {
    core.restore_retained(core.ledger.load_retained());
    let now_ms = now_ms();
    for stored in core.ledger.load_sessions() {
        restore_session(core, &stored, now_ms);
    }
    let mut exchanges = restore_handshakes(core);
    scan(core, &mut exchanges).await?;
    let settled = core.settled();
    for share in core.subscriptions.shares() {
        share.close_book(settled);
    }
    finish_exchanges(core, exchanges);
    Ok(())
}

/// Exchanges the scan has not met: retained messages, which are older than their subscription, and messages the
/// journal no longer has. The client may have received them and hold the packet id, under which it would take a new
/// message for a repetition. So what cannot be repeated is released: whoever knows nothing of it answers all the same.
fn finish_exchanges(core: &Core, exchanges: Exchanges) {
    let left = exchanges.0.into_iter().flat_map(|(message_id, copies)| {
        copies.into_iter().map(move |((client_id, _), begun)| (message_id, client_id, begun.sent))
    });
    let mut left = left.filter(|(_, _, packet_ids)| !packet_ids.is_empty()).peekable();
    if left.peek().is_none() {
        return;
    }
    let retained = core.retained.read();
    let by_id: HashMap<u64, &Arc<Message>> = retained.all().map(|message| (message.id, message)).collect();
    for (message_id, client_id, packet_ids) in left {
        let Some(session) = core.sessions.lock().get(&client_id).cloned() else { continue };
        let mut state = session.lock();
        for packet_id in packet_ids {
            let again =
                by_id.get(&message_id).map(|message| Delivery { replayed: true, ..under_way(message, true) });
            let stage = if again.is_some() { Stage::AwaitRec } else { Stage::AwaitComp };
            state.outbox.flights.restore(packet_id, message_id, stage, again);
        }
    }
}

/// A QoS 2 message that was sent by a subscription which is gone, or is of a lower QoS now, or as a retained one:
/// what was begun is completed (section 3.10.4).
fn under_way(message: &Arc<Message>, retain: bool) -> Delivery {
    Delivery {
        message: message.clone(),
        identifiers: None,
        qos: QoS::ExactlyOnce,
        retain,
        dup: true,
        replayed: false,
        debt: None,
    }
}

fn restore_session(core: &Core, stored: &StoredSession, now_ms: i64) {
    let client_id: Arc<str> = stored.client_id.as_str().into();
    let user: Arc<str> = stored.user.as_str().into();
    let account = core.accounts.reopen(&user);
    let number = core.next_session();
    let session = Session::new(number, client_id.clone(), user, account, stored.expiry_s, stored.cursor);
    let session = Arc::new(session);
    let mut subscriptions = BTreeMap::new();
    for one in &stored.subscriptions {
        match Subscription::restored(one, &core.subscriptions, session.lock().outbox.account()) {
            Some(subscription) => {
                subscriptions.insert(one.filter.clone(), Arc::new(subscription));
            }
            None => tracing::warn!(
                filter = one.filter,
                client = stored.client_id,
                "a stored subscription is not valid"
            ),
        }
    }
    {
        let mut state = session.lock();
        state.disconnected_ms = stored.disconnected_ms.or(Some(now_ms));
        state.outbox.sent_until_ms = stored.disconnected_ms.unwrap_or(i64::MAX);
        state.subscriptions.clone_from(&subscriptions);
    }
    core.sessions.lock().insert(client_id, session.clone());
    core.enter_restored(&session, &subscriptions);
}

fn restore_handshakes(core: &Core) -> Exchanges {
    let mut exchanges = Exchanges::default();
    let mut handshakes = core.ledger.load_handshakes();
    handshakes.sort_by_key(|handshake| handshake.message_id);
    for StoredHandshake { client_id, packet_id, outbound, message_id, released, copied } in handshakes {
        let client_id: Arc<str> = client_id.into();
        let Some(session) = core.sessions.lock().get(&client_id).cloned() else { continue };
        let mut state = session.lock();
        if !outbound {
            state.inbound.insert(packet_id, Inbound { message_id: Some(message_id), released: None });
        } else if !released {
            exchanges.begun(client_id, message_id, copied).sent.push_back(packet_id);
        } else if message_id <= state.cursor && copied != Copied::Shared {
            core.ledger.handshake(HandshakeChange::OutboundDone { client_id, packet_id }, None);
        } else {
            state.outbox.flights.restore(packet_id, message_id, Stage::AwaitComp, None);
            exchanges.begun(client_id, message_id, copied).received += 1;
        }
    }
    exchanges
}

async fn scan(core: &Arc<Core>, exchanges: &mut Exchanges) -> Result<(), LedgerError> {
    let lowest = {
        let sessions = core.sessions.lock();
        let cursors = sessions.values().map(|session| session.lock().cursor + 1).min();
        let debts = core.subscriptions.shares().iter().filter_map(|share| share.owed_from()).min();
        cursors.map(|cursor| cursor.min(debts.unwrap_or(u64::MAX)))
    };
    let Some(mut from) = lowest else { return Ok(()) };
    loop {
        let ledger = core.ledger.clone();
        let rows = tokio::task::spawn_blocking(move || ledger.read(from, SCAN_ROWS))
            .await
            .map_err(|why| LedgerError(format!("Reading the journal failed: {why}. Restart Hearth.")))??;
        let Some(last) = rows.last() else { return Ok(()) };
        from = last.id + 1;
        for row in rows {
            if row.qos > QoS::AtMostOnce {
                queue_again(core, &Arc::new(row), exchanges);
            }
        }
    }
}

fn queue_again(core: &Core, message: &Arc<Message>, exchanges: &mut Exchanges) {
    let publisher = Some(&message.publisher).filter(|publisher| publisher.user != Publisher::HUB);
    let publisher = publisher.map(|publisher| publisher.client_id.as_str());
    let targets = core.subscriptions.targets_at(message.id, &message.topic, publisher, |session| {
        core.deny(session, &message.topic, Action::Receive);
    });
    for target in &targets.own {
        if message.id > target.session.lock().cursor {
            queue_for(core, target, message, None, exchanges);
        }
    }
    for sharing in targets.shared.iter().filter(|sharing| sharing.share.owed_before(message.id)) {
        let members: Vec<&Target> =
            sharing.members.iter().filter(|member| member.qos > QoS::AtMostOnce).collect();
        let has_begun =
            |member: &&&Target| exchanges.has_begun(&member.session.client_id, message.id, Copied::Shared);
        let receiver = members.iter().find(has_begun).copied();
        if let Some(member) = receiver.or_else(|| sharing.share.next(&members)) {
            let debt = sharing.share.owe(message.id);
            // It is owed whenever the member came.
            let member = Target { since: 0, ..member.clone() };
            queue_for(core, &member, message, Some(debt), exchanges);
        }
    }
    for (client_id, copied) in exchanges.left(message.id) {
        let Some(session) = core.sessions.lock().get(&client_id).cloned() else { continue };
        let mut state = session.lock();
        while message.id > state.cursor
            && let Again::Repeated(packet_id) = exchanges.take(&client_id, message.id, copied)
        {
            let delivery = under_way(message, copied == Copied::Retained);
            state.outbox.flights.restore(packet_id, message.id, Stage::AwaitRec, Some(delivery));
        }
    }
}

fn queue_for(
    core: &Core,
    target: &Target,
    message: &Arc<Message>,
    debt: Option<Arc<Debt>>,
    exchanges: &mut Exchanges,
) {
    let qos = target.qos.min(message.qos);
    let session = &target.session;
    let mut state = session.lock();
    if qos == QoS::AtMostOnce || message.id < target.since {
        return;
    }
    let copied = if debt.is_some() { Copied::Shared } else { Copied::Own };
    // An exchange that was begun at QoS 2 and whose subscription is of QoS 1 now is completed by the caller.
    let again = match qos {
        QoS::ExactlyOnce => exchanges.take(&session.client_id, message.id, copied),
        _ if exchanges.has_begun(&session.client_id, message.id, copied) => Again::Has,
        _ => Again::Anew,
    };
    if matches!(again, Again::Has) {
        return;
    }
    let mut delivery = Delivery {
        message: message.clone(),
        identifiers: target.identifiers.clone(),
        qos,
        retain: message.retain && target.retain_as_published,
        dup: false,
        replayed: false,
        debt,
    };
    if let Again::Repeated(packet_id) = again {
        state.outbox.flights.restore(packet_id, message.id, Stage::AwaitRec, Some(delivery));
        return;
    }
    // What was accepted while the client was connected may have been sent already (section 3.3.1.1).
    delivery.dup = message.time_ms <= state.outbox.sent_until_ms && qos == QoS::AtLeastOnce;
    let before = state.outbox.drops();
    state.outbox.push_bounded(delivery, &core.limits);
    state.outbox.charge();
    let dropped = state.outbox.drops().since(before).total();
    drop(state);
    add(&core.tally.dropped_queue, dropped);
    add(&session.dropped, dropped);
}
