//! Which session a connection gets, and what becomes of it when the connection ends.
//!
//! Wills live in memory: when the hub stops or crashes none is published, as with mosquitto. It was not the client
//! that went, and it will be back as soon as the hub is. A will that waits for its delay is lost with a crash.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::Publisher;

use crate::access::{Granted, Standing};
use crate::clock::now_ms;
use crate::connected::{NoPlace, Place};
use crate::core::{Core, not_waited_for};
use crate::ledger::{BoxFuture, Draft, LedgerError};
use crate::packet::{Connect, Will, reason};
use crate::session::{DelayedWill, Full, Held, Link, Session, State};
use crate::tally::add;
use crate::watch::{GateEvent, TAKEN_OVER};

/// Why a session is refused after a successful login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoSession {
    /// MQTT 5 reason code.
    pub(crate) reason: u8,
    pub(crate) why: String,
    pub(crate) advice: &'static str,
}

/// A connection in its session. Dropping it ends the connection's part: also when its task panics.
pub(crate) struct Attached {
    pub(crate) core: Arc<Core>,
    pub(crate) session: Arc<Session>,
    pub(crate) link: Arc<Link>,
    pub(crate) session_present: bool,
    pub(crate) publisher: Arc<Publisher>,
    /// Published unless the client says goodbye.
    pub(crate) will: Option<Will>,
    /// The will's memory, as it is counted.
    held: Option<Held>,
    place: Option<Place>,
    /// Why the connection ended, in words.
    pub(crate) why: String,
}

impl Core {
    /// Finds or makes the session of a client that has logged in and attaches `link` to it. An older
    /// connection of the session is thrown out.
    pub(crate) fn attach(
        self: &Arc<Self>,
        connect: &mut Connect,
        client_id: &Arc<str>,
        granted: Granted,
        link: Arc<Link>,
        expiry_s: u32,
    ) -> Result<Attached, NoSession> {
        let permissions = Arc::new(granted.effective().for_client(&granted.user, client_id));
        let held = match &connect.will {
            Some(will) => {
                Some(self.accounts.hold(&granted.user, will.bytes(), &self.limits).map_err(no_room)?)
            }
            None => None,
        };
        let mut place = None;
        let (session, session_present) = loop {
            let mut sessions = self.sessions.lock();
            let Some(old) = sessions.get(client_id).cloned() else {
                if place.is_none() {
                    place = Some(self.connected.enter(&granted.user, &self.limits).map_err(no_place)?);
                }
                let number = self.next_session();
                let user = granted.user.clone();
                let account = self.accounts.open(&user, expiry_s > 0, &self.limits).map_err(no_room)?;
                let session =
                    Session::new(number, client_id.clone(), user, account, expiry_s, self.last_id());
                let session = Arc::new(session);
                {
                    let mut state = session.lock();
                    state.permissions = Some(permissions);
                    state.learning = granted.learning;
                    state.link = Some(link.clone());
                }
                sessions.insert(client_id.clone(), session.clone());
                break (session, false);
            };
            let mut state = old.lock();
            let kept = state.persistent() && !state.expired(now_ms()) && !state.ended;
            if state.user != granted.user && (kept || state.link.is_some()) {
                return Err(taken(&state));
            }
            // Before anything is taken from the session: whoever is refused finds it as it was.
            place = Some(match place {
                Some(place) => place,
                None if state.link.is_some() => self.connected.take_over(&granted.user),
                None => self.connected.enter(&granted.user, &self.limits).map_err(no_place)?,
            });
            if let Some(older) = state.link.take() {
                older.kick(reason::TAKEN_OVER, TAKEN_OVER);
            }
            if kept && !connect.clean_start {
                let dropped = state.outbox.retain_readable(|topic| permissions.may_read(topic));
                add(&self.tally.denied, dropped as u64);
                state.permissions = Some(permissions);
                state.learning = granted.learning;
                state.learned.clear();
                old.denied.store(0, Ordering::Relaxed);
                // With an expiry of 0 it goes on being a kept one until it ends, so that its rows go too.
                state.ends_with_connection = expiry_s == 0;
                if expiry_s > 0 {
                    state.expiry_s = expiry_s;
                }
                state.disconnected_ms = None;
                state.will = None;
                state.link = Some(link.clone());
                state.outbox.fall_asleep();
                let late = state.outbox.forget(|topic| self.guarded(topic));
                add(&self.tally.late, late as u64);
                state.outbox.wake_up();
                drop(state);
                self.subscriptions.changed();
                break (old, true);
            }
            drop(state);
            drop(sessions);
            if let Some(will) = self.end_session(&old) {
                self.publish_will(&old, will);
            }
        };
        let publisher =
            Publisher { user: granted.user.as_ref().to_owned(), client_id: client_id.as_ref().to_owned() };
        let attached = Attached {
            core: self.clone(),
            session,
            link,
            session_present,
            publisher: Arc::new(publisher),
            will: connect.will.take(),
            held,
            place,
            why: "the connection's task failed".to_owned(),
        };
        self.watch.seen(GateEvent::Connected(attached.session.info()));
        self.learn_known(&attached.session);
        match self.access.standing(&granted) {
            Standing::Same => {}
            Standing::Changed(granted) => self.permissions_changed(&granted),
            Standing::Gone => {
                attached.link.forfeits_will.store(true, Ordering::Relaxed);
                let why = "its credential was revoked, or has a new password";
                attached.link.kick(reason::ADMINISTRATIVE, why);
            }
        }
        Ok(attached)
    }

    /// Keeps a persistent session; `None` for one that is not kept. The ledger is called while the session is
    /// locked, so saves reach it in the order of the changes.
    pub(crate) fn save(&self, session: &Session) -> Option<BoxFuture<'static, Result<(), LedgerError>>> {
        let state = session.lock();
        let kept = state.persistent() && !state.ended;
        kept.then(|| self.ledger.save_session(&state.stored(&session.client_id)))
    }

    /// Keeps a persistent session without waiting for it.
    pub(crate) fn save_later(&self, session: &Session) {
        if let Some(saving) = self.save(session) {
            not_waited_for(saving, "an MQTT session could not be kept");
        }
    }
}

fn no_room(full: Full) -> NoSession {
    let advice = match full {
        Full::All(_) | Full::User(_) => "Let clients connect with a clean session, or with a session expiry.",
        Full::AllHeld(_) | Full::UserHeld(_) | Full::SessionHeld(_) => {
            "Give clients shorter last wills and fewer subscriptions, or raise the limit on the Broker page."
        }
    };
    NoSession { reason: reason::QUOTA_EXCEEDED, why: full.to_string(), advice }
}

fn no_place(full: NoPlace) -> NoSession {
    let (reason, advice) = match full {
        NoPlace::All(_) => (
            reason::SERVER_BUSY,
            "Disconnect a client, or raise `connections_max` in Settings, Broker, Limits.",
        ),
        NoPlace::User(_) => (
            reason::QUOTA_EXCEEDED,
            "Look what connects so often with this credential; or give devices credentials of their own, or raise \
             `connections_per_user_max` in Settings, Broker, Limits.",
        ),
        NoPlace::Kept(_) => (
            reason::QUOTA_EXCEEDED,
            "Look which credentials have so many clients connected, or raise `connections_max` in Settings, Broker, \
             Limits.",
        ),
    };
    NoSession { reason, why: full.to_string(), advice }
}

/// The client id belongs to another credential: its session and what waits in it stay as they are.
fn taken(state: &State) -> NoSession {
    let what = if state.link.is_some() { "a connection" } else { "a session" };
    NoSession {
        reason: reason::NOT_AUTHORIZED,
        why: format!("the client id is in use by {what} of the credential {}", state.user),
        advice: "Give each device a client id of its own, or revoke the other credential.",
    }
}

impl Attached {
    fn will_draft(&mut self) -> Option<(Draft, u32)> {
        let will = self.will.take()?;
        let draft = Draft {
            topic: will.topic.into(),
            payload: will.payload,
            qos: will.qos,
            retain: will.retain,
            publisher: self.publisher.clone(),
            cause: None,
            properties: will.properties,
            inbound_qos2: None,
        };
        Some((draft, will.delay_s))
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let (core, session) = (self.core.clone(), self.session.clone());
        let stopping = *core.stopping.borrow();
        let mut publish = None;
        let settled = core.settled();
        let mut state = session.lock();
        // Looked at inside the lock, where a revocation says it.
        let forfeited = stopping || self.link.forfeits_will.load(Ordering::Relaxed);
        let will = if forfeited { None } else { self.will_draft() };
        let had_will = will.is_some();
        let mine = state.link.as_ref().is_some_and(|link| Arc::ptr_eq(link, &self.link));
        if mine {
            let now_ms = now_ms();
            state.link = None;
            state.disconnected_ms = Some(now_ms);
            state.outbox.fall_asleep();
            state.learned.clear();
            let ends = !state.persistent() || state.ends_with_connection;
            state.advance(settled);
            match will {
                Some((draft, delay_s)) if delay_s > 0 && !ends => {
                    // Section 3.1.2.5: at the end of the session at the latest.
                    let due_ms = now_ms + i64::from(delay_s.min(state.expiry_s)) * 1_000;
                    state.will = Some(DelayedWill { draft, due_ms, _held: self.held.take() });
                }
                Some((draft, _)) => publish = Some(draft),
                None => {}
            }
            drop(state);
            session.release_publishers();
            core.tell_late(&session);
            if ends {
                core.end_session(&session);
            } else {
                core.save_later(&session);
            }
        } else {
            // Taken over. A will with a delay is not sent when the session goes on (section 3.1.3.2.2).
            let ended = state.ended;
            drop(state);
            publish = will.filter(|(_, delay_s)| *delay_s == 0 || ended).map(|(draft, _)| draft);
        }
        self.place = None;
        core.watch.seen(GateEvent::Disconnected {
            client_id: session.client_id.as_ref().to_owned(),
            user: self.publisher.user.clone(),
            why: std::mem::take(&mut self.why),
            will: had_will,
        });
        if let Some(draft) = publish {
            core.publish_will(&session, draft);
        }
    }
}
