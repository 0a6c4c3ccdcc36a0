//! What is due once a second: delayed wills, expired sessions, guarded messages that were not taken, cursors, the debts
//! of shared subscriptions, the end of QoS 2 handshakes, denials that were counted.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::clock::now_ms;
use crate::core::Core;
use crate::ledger::HandshakeChange;
use crate::packet::reason;
use crate::session::Session;
use crate::share::{Changed, KEPT_ROUNDS};
use crate::tally::add;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// Cursors of sleeping sessions move in every tenth round: nothing of theirs is acknowledged meanwhile.
const SLEEPING_ROUNDS: u64 = 10;

/// Runs until the gate stops.
pub(crate) async fn upkeep(core: Arc<Core>) {
    let mut stopping = core.stopping.subscribe();
    for round in 1u64.. {
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep(ROUND) => {}
        }
        core.tell_denied();
        let sessions: Vec<Arc<Session>> = core.sessions.lock().values().cloned().collect();
        let journal_well = core.journal_failure().is_none();
        let settled = core.settled();
        let now_ms = now_ms();
        let mut changed = if round % KEPT_ROUNDS == 0 { core.subscriptions.shares() } else { Vec::new() };
        changed.retain(|share| share.close_book(settled));
        let books = Changed::of(&changed);
        for session in sessions {
            wills_and_expiry(&core, &session, now_ms);
            core.tell_late(&session);
            move_cursor(&core, &session, settled, round % SLEEPING_ROUNDS == 0);
            if !books.is_empty() {
                keep_debts(&core, &session, &books);
            }
            if journal_well {
                send_again(&session);
            }
        }
    }
}

/// Publishes a will whose delay is over and ends a session that has outlived its expiry, its will first.
fn wills_and_expiry(core: &Core, session: &Arc<Session>, now_ms: i64) {
    let mut state = session.lock();
    let due = state.will.as_ref().is_some_and(|will| will.due_ms <= now_ms);
    let will = if due { state.will.take() } else { None };
    let expired = state.expired(now_ms);
    drop(state);
    if let Some(will) = will {
        core.publish_will(session, will.draft);
    }
    if expired {
        add(&core.tally.sessions_expired, 1);
        if let Some(will) = core.end_session(session) {
            core.publish_will(session, will);
        }
    }
}

/// Keeps a lasting session again when it is a member of a group whose debts have changed.
fn keep_debts(core: &Core, session: &Session, changed: &Changed) {
    let state = session.lock();
    let concerned = state.persistent() && state.shares().any(|share| changed.has(share));
    drop(state);
    if concerned {
        core.save_later(session);
    }
}

fn move_cursor(core: &Arc<Core>, session: &Arc<Session>, settled: u64, sleeping_too: bool) {
    let mut state = session.lock();
    let connected = state.link.is_some();
    if !state.persistent() || state.ended || !(connected || sleeping_too) {
        return;
    }
    if let Some(link) = state.link.as_ref().filter(|_| state.awaits_ledger()) {
        link.wake.notify_one();
    }
    let moved = state.advance(settled);
    let cursor = state.cursor;
    let done: Vec<u16> =
        state.outbox.held.iter().filter(|(_, message)| **message <= cursor).map(|(id, _)| *id).collect();
    // Without the row it is the group's book that says it is settled.
    for share in state.shares().filter(|_| !done.is_empty()) {
        share.close_book(settled);
    }
    drop(state);
    if done.is_empty() {
        if let Some(cursor) = moved {
            core.ledger.move_cursor(&session.client_id, cursor);
        }
        return;
    }
    let Some(saving) = core.save(session) else { return };
    let (core, session) = (core.clone(), session.clone());
    tokio::spawn(async move {
        if let Err(why) = saving.await {
            tracing::warn!(%why, "a session's cursor could not be kept; its QoS 2 handshakes stay open");
            return;
        }
        let mut state = session.lock();
        for packet_id in done {
            if state.outbox.held.remove(&packet_id).is_some() {
                let client_id = session.client_id.clone();
                core.ledger.handshake(HandshakeChange::OutboundDone { client_id, packet_id }, None);
            }
        }
        if let Some(link) = &state.link {
            link.wake.notify_one();
        }
    });
}

/// A client whose publishes were not answered while the journal could not write is disconnected: it repeats
/// them on its next connection (3.1.1, section 4.4).
fn send_again(session: &Session) {
    let link = session.lock().link.clone();
    if let Some(link) = link
        && link.unanswered.swap(false, Relaxed)
    {
        link.kick(reason::SERVER_BUSY, "the journal can write again; the client is to repeat its messages");
    }
}
