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

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use model::{Message, Publisher, QoS};

use crate::clock::now_ms;
use crate::core::Core;
use crate::ledger::{HandshakeChange, LedgerError, StoredHandshake, StoredSession};
use crate::session::{Delivery, Inbound, Session, Stage, State};
use crate::share::Debt;
use crate::subscription::{Subscription, Target};
use crate::tally::add;
use crate::watch::Action;

/// Journal rows read at once.
const SCAN_ROWS: usize = 2_000;

/// QoS 2 messages that were sent and not yet received, by message and client: the packet ids. There are several
/// when the client has the message by a subscription of its own and as a member of a group.
#[derive(Debug, Default)]
struct Unreceived {
    packet_ids: BTreeMap<u64, HashMap<Arc<str>, VecDeque<u16>>>,
    /// The messages of all exchanges that were under way, those received by now included.
    begun: HashSet<u64>,
}

impl Unreceived {
    fn add(&mut self, client_id: Arc<str>, message_id: u64, packet_id: u16) {
        self.packet_ids.entry(message_id).or_default().entry(client_id).or_default().push_back(packet_id);
    }

    fn has(&self, client_id: &Arc<str>, message_id: u64) -> bool {
        let clients = self.packet_ids.get(&message_id);
        clients.and_then(|clients| clients.get(client_id)).is_some_and(|packet_ids| !packet_ids.is_empty())
    }

    fn take(&mut self, client_id: &Arc<str>, message_id: u64) -> Option<u16> {
        self.packet_ids.get_mut(&message_id)?.get_mut(client_id)?.pop_front()
    }

    /// The clients that have this message under way.
    fn clients(&self, message_id: u64) -> Vec<Arc<str>> {
        self.packet_ids.get(&message_id).map(|clients| clients.keys().cloned().collect()).unwrap_or_default()
    }
}

/// Restores what the ledger kept. Called before any client is let in.
pub(crate) async fn restore(core: &Arc<Core>) -> Result<(), LedgerError> {
    core.restore_retained(core.ledger.load_retained());
    let now_ms = now_ms();
    for stored in core.ledger.load_sessions() {
        restore_session(core, &stored, now_ms);
    }
    let mut unreceived = restore_handshakes(core);
    scan(core, &mut unreceived).await?;
    let settled = core.settled();
    for share in core.subscriptions.shares() {
        share.close_book(settled);
    }
    finish_exchanges(core, unreceived);
    Ok(())
}

/// Exchanges the scan has not met: retained messages, which are older than their subscription, and messages the
/// journal no longer has. The client may have received them and hold the packet id, under which it would take a new
/// message for a repetition. So what cannot be repeated is released: whoever knows nothing of it answers all the same.
fn finish_exchanges(core: &Core, unreceived: Unreceived) {
    if unreceived.packet_ids.values().all(|clients| clients.values().all(VecDeque::is_empty)) {
        return;
    }
    let retained = core.retained.read();
    let by_id: HashMap<u64, &Arc<Message>> = retained.all().map(|message| (message.id, message)).collect();
    for (message_id, clients) in unreceived.packet_ids {
        for (client_id, packet_ids) in clients {
            let Some(session) = core.sessions.lock().get(&client_id).cloned() else { continue };
            let mut state = session.lock();
            for packet_id in packet_ids {
                let again = by_id
                    .get(&message_id)
                    .map(|message| Delivery { replayed: true, ..under_way(message, true) });
                let stage = if again.is_some() { Stage::AwaitRec } else { Stage::AwaitComp };
                state.outbox.flights.restore(packet_id, message_id, stage, again);
            }
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
        match Subscription::restored(one, &core.subscriptions) {
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

fn restore_handshakes(core: &Core) -> Unreceived {
    let mut unreceived = Unreceived::default();
    let mut handshakes = core.ledger.load_handshakes();
    handshakes.sort_by_key(|handshake| handshake.message_id);
    for StoredHandshake { client_id, packet_id, outbound, message_id, released } in handshakes {
        let client_id: Arc<str> = client_id.into();
        let Some(session) = core.sessions.lock().get(&client_id).cloned() else { continue };
        let mut state = session.lock();
        if outbound {
            unreceived.begun.insert(message_id);
        }
        if !outbound {
            state.inbound.insert(packet_id, Inbound { message_id: Some(message_id), released: None });
        } else if released && message_id <= state.cursor && state.shares().next().is_none() {
            core.ledger.handshake(HandshakeChange::OutboundDone { client_id, packet_id }, None);
        } else if released {
            state.outbox.flights.restore(packet_id, message_id, Stage::AwaitComp, None);
        } else {
            unreceived.add(client_id, message_id, packet_id);
        }
    }
    unreceived
}

async fn scan(core: &Arc<Core>, unreceived: &mut Unreceived) -> Result<(), LedgerError> {
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
                queue_again(core, &Arc::new(row), unreceived);
            }
        }
    }
}

fn queue_again(core: &Core, message: &Arc<Message>, unreceived: &mut Unreceived) {
    let publisher = Some(&message.publisher).filter(|publisher| publisher.user != Publisher::HUB);
    let publisher = publisher.map(|publisher| publisher.client_id.as_str());
    let targets = core.subscriptions.targets_at(message.id, &message.topic, publisher, |session| {
        core.deny(session, &message.topic, Action::Receive);
    });
    for target in &targets.own {
        if message.id > target.session.lock().cursor {
            queue_for(core, target, message, None, unreceived);
        }
    }
    let begun = unreceived.begun.contains(&message.id);
    for sharing in targets.shared.iter().filter(|sharing| sharing.share.owed_before(message.id)) {
        let members: Vec<&Target> =
            sharing.members.iter().filter(|member| member.qos > QoS::AtMostOnce).collect();
        let under_way = |member: &&&Target| {
            let session = &member.session;
            is_flying(&session.lock(), message.id) || unreceived.has(&session.client_id, message.id)
        };
        let receiver = if begun { members.iter().find(under_way).copied() } else { None };
        if let Some(member) = receiver.or_else(|| sharing.share.next(&members)) {
            let debt = sharing.share.owe(message.id);
            // It is owed whenever the member came.
            let member = Target { since: 0, ..member.clone() };
            queue_for(core, &member, message, Some(debt), unreceived);
        }
    }
    let clients = unreceived.clients(message.id);
    if clients.is_empty() {
        return;
    }
    let is_retained = core.retained.read().has(message);
    for client_id in clients {
        let Some(session) = core.sessions.lock().get(&client_id).cloned() else { continue };
        let mut state = session.lock();
        while message.id > state.cursor
            && let Some(packet_id) = unreceived.take(&client_id, message.id)
        {
            let delivery = under_way(message, is_retained);
            state.outbox.flights.restore(packet_id, message.id, Stage::AwaitRec, Some(delivery));
        }
    }
}

fn is_flying(state: &State, message_id: u64) -> bool {
    state.outbox.flights.iter().any(|(_, flight)| flight.message_id == message_id)
}

fn queue_for(
    core: &Core,
    target: &Target,
    message: &Arc<Message>,
    debt: Option<Arc<Debt>>,
    unreceived: &mut Unreceived,
) {
    let qos = target.qos.min(message.qos);
    let session = &target.session;
    let mut state = session.lock();
    if qos == QoS::AtMostOnce || message.id < target.since {
        return;
    }
    let flying = is_flying(&state, message.id);
    // Behind an own copy that was received, what is still under way is a retained one: `queue_again` sees to it.
    let takes = qos == QoS::ExactlyOnce && !(flying && debt.is_none());
    let packet_id = takes.then(|| unreceived.take(&session.client_id, message.id)).flatten();
    if packet_id.is_none() && flying {
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
    if let Some(packet_id) = packet_id {
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
