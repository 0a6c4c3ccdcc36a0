//! Shared subscriptions (MQTT 5, section 4.8.2; 3.1.1 clients may use them too): each message goes to one member
//! of a group.
//!
//! Who: the members that are connected and have room, in turns; else a connected one without, whose publishers
//! then pause; else, for QoS 1 and 2, one that sleeps. What a member has not acknowledged stays in its session
//! while that lasts. When the session ends, others get it, but for a QoS 2 message that was sent already: the
//! standard forbids that one a second receiver.
//!
//! What a group has been given at QoS 1 and 2 and nobody has acknowledged is its debt. A debt has no row of its
//! own: each lasting member keeps with its subscription how far the debts are known ([`Owed`]) and which of them
//! are open. After a crash the group owes those, and everything behind that point; it is handed out anew among
//! the lasting members, except for a QoS 2 message that was under way, which stays with its receiver. So nothing
//! acknowledged to a publisher is lost while one lasting member is left, and what the members acknowledged in the
//! last [`KEPT_ROUNDS`] seconds may come again at QoS 1.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use model::{Message, QoS};
use parking_lot::Mutex;

use crate::core::Core;
use crate::ledger::Owed;
use crate::limits::Limits;
use crate::session::{Readiness, Session};
use crate::subscription::{Target, Targets};
use crate::tally::add;

/// Rounds of upkeep, one a second, between two times the debts are kept.
pub(crate) const KEPT_ROUNDS: u64 = 5;
/// Debts that a session keeps one by one, those of all its groups together; what a group owes behind the last of
/// them counts as not known. Each member keeps a copy, so without this the rows would grow with members times
/// groups times debts.
pub(crate) const KEPT_MAX: usize = 1_000;

/// One group on one filter.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) group: Arc<str>,
    /// Whose turn it is.
    turn: AtomicUsize,
    book: Mutex<Book>,
}

/// What is owed.
#[derive(Debug, Default)]
struct Book {
    owed: BTreeSet<u64>,
    /// Since `kept` was made.
    changed: bool,
    kept: Owed,
    /// What the members had kept, merged, while the journal is read after a start.
    found: Option<Owed>,
}

/// A message the group has been given and nobody has acknowledged. Dropping the last hold on it settles it.
#[derive(Debug)]
pub(crate) struct Debt {
    share: Arc<Share>,
    id: u64,
}

impl Drop for Debt {
    fn drop(&mut self) {
        let mut book = self.share.book.lock();
        book.owed.remove(&self.id);
        book.changed = true;
    }
}

/// A message on its way to some member.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) message: Arc<Message>,
    /// `None` at QoS 0.
    pub(crate) debt: Option<Arc<Debt>>,
}

/// A group a topic goes to.
#[derive(Debug)]
pub(crate) struct Sharing {
    pub(crate) share: Arc<Share>,
    pub(crate) members: Vec<Target>,
}

impl Share {
    /// A group that sees journal ids from `since` on.
    pub(crate) fn new(group: Arc<str>, since: u64) -> Self {
        let kept = Owed { upto: since.saturating_sub(1), ids: Vec::new() };
        let book = Book { kept, ..Book::default() };
        Self { group, turn: AtomicUsize::new(0), book: Mutex::new(book) }
    }

    /// The group owes this message.
    pub(crate) fn owe(self: &Arc<Self>, id: u64) -> Arc<Debt> {
        let mut book = self.book.lock();
        book.owed.insert(id);
        book.changed = true;
        Arc::new(Debt { share: self.clone(), id })
    }

    /// Makes what is to be kept; every message up to `settled` is in the inboxes it belongs in. Returns whether
    /// it differs from the last.
    pub(crate) fn close_book(&self, settled: u64) -> bool {
        let mut book = self.book.lock();
        book.found = None;
        if !std::mem::take(&mut book.changed) {
            return false;
        }
        let known = book.kept.upto.max(settled);
        let upto = match book.owed.iter().nth(KEPT_MAX) {
            Some(id) => known.min(id.saturating_sub(1)),
            None => known,
        };
        let ids = book.owed.range(..=upto).copied().collect();
        book.kept = Owed { upto, ids };
        true
    }

    /// What is kept with the subscription of a member that has room for so many debts of this group: the oldest
    /// of them. The next one and everything behind it count as not known, which forgets none.
    pub(crate) fn kept(&self, room: usize) -> Owed {
        let kept = &self.book.lock().kept;
        match kept.ids.get(room) {
            Some(id) => {
                Owed { upto: id.saturating_sub(1), ids: kept.ids.iter().take(room).copied().collect() }
            }
            None => kept.clone(),
        }
    }

    /// Debts that are known one by one.
    pub(crate) fn kept_len(&self) -> usize {
        self.book.lock().kept.ids.len()
    }

    /// A member had kept this before the start. The members kept their copies at different times: a debt that is
    /// missing in one was settled by then.
    pub(crate) fn found(&self, owed: &Owed) {
        let mut owed = owed.clone();
        owed.ids.sort_unstable();
        let mut book = self.book.lock();
        // What is known has to be made again, also when nothing is owed any more.
        book.changed = true;
        book.found = Some(match book.found.take() {
            None => owed,
            Some(known) if known.upto <= owed.upto => both_owe(&known, owed),
            Some(known) => both_owe(&owed, known),
        });
    }

    /// Whether the group owed this message before the start, or may have.
    pub(crate) fn owed_before(&self, id: u64) -> bool {
        let book = self.book.lock();
        book.found.as_ref().is_none_or(|owed| id > owed.upto || owed.ids.binary_search(&id).is_ok())
    }

    /// The lowest id [`Share::owed_before`] may say yes to; `None` when nothing is known.
    pub(crate) fn owed_from(&self) -> Option<u64> {
        let book = self.book.lock();
        book.found.as_ref().map(|owed| owed.ids.first().copied().unwrap_or(owed.upto.saturating_add(1)))
    }

    /// The member whose turn it is.
    pub(crate) fn next<'a>(&self, members: &[&'a Target]) -> Option<&'a Target> {
        let turn = self.turn.fetch_add(1, Relaxed);
        members.get(turn.checked_rem(members.len())?).copied()
    }
}

/// What both copies say is owed, rising; `further` is known at least as far as the other.
fn both_owe(nearer: &Owed, mut further: Owed) -> Owed {
    further.ids.retain(|id| *id > nearer.upto || nearer.ids.binary_search(id).is_ok());
    further
}

/// How a session shares out the debts it keeps among its groups, given how many each has: room for each of them,
/// [`KEPT_MAX`] in all. Small books are kept whole, the large ones get equal parts of the rest.
pub(crate) fn kept_room(lens: impl Iterator<Item = usize>) -> usize {
    let mut lens: Vec<usize> = lens.collect();
    lens.sort_unstable();
    let (mut left, mut books) = (KEPT_MAX, lens.len());
    for len in lens {
        if len > left / books {
            return left / books;
        }
        left -= len;
        books -= 1;
    }
    KEPT_MAX
}

/// These groups, to be asked whether one is among them.
#[derive(Debug, Default)]
pub(crate) struct Changed(HashSet<usize>);

impl Changed {
    /// Of groups that are held elsewhere while this is used.
    pub(crate) fn of(shares: &[Arc<Share>]) -> Self {
        Self(shares.iter().map(|share| Arc::as_ptr(share).addr()).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, share: &Arc<Share>) -> bool {
        self.0.contains(&Arc::as_ptr(share).addr())
    }
}

impl Sharing {
    /// For what the group owes already: whenever its members came.
    pub(crate) fn of_old(&self) -> Self {
        let old = |member: &Target| Target { since: 0, ..member.clone() };
        Self { share: self.share.clone(), members: self.members.iter().map(old).collect() }
    }

    /// The members that take the next messages, those in `gone` left out.
    fn takers(&self, parcels: &[Parcel], gone: &[u64], limits: &Limits) -> Vec<&Target> {
        let first_id = parcels.first().map_or(0, |parcel| parcel.message.id);
        let last_id = parcels.last().map_or(0, |parcel| parcel.message.id);
        let ranked: Vec<(Readiness, &Target)> = self
            .members
            .iter()
            .filter(|member| member.since <= last_id && !gone.contains(&member.session.number))
            .map(|member| (member.session.readiness(limits), member))
            .filter(|(readiness, member)| match readiness {
                Readiness::Ready | Readiness::Busy => true,
                Readiness::Asleep | Readiness::AsleepAndFull => member.qos > QoS::AtMostOnce,
                Readiness::Gone => false,
            })
            .collect();
        // Who has subscribed in the middle of the run takes part from the next one on.
        let whole = ranked.iter().any(|(_, member)| member.since <= first_id);
        let ranked = || ranked.iter().filter(move |(_, member)| !whole || member.since <= first_id);
        let Some(best) = ranked().map(|(readiness, _)| *readiness).min() else { return Vec::new() };
        ranked().filter(|(readiness, _)| *readiness == best).map(|(_, member)| *member).collect()
    }
}

impl Core {
    /// Gives each message of a run to one member of the group.
    pub(crate) fn share_out(
        &self,
        run: &[Arc<Message>],
        guarded: bool,
        sharing: &Sharing,
        congested: &mut Vec<Arc<Session>>,
    ) {
        let parcel = |message: &Arc<Message>| Parcel {
            debt: (message.qos > QoS::AtMostOnce).then(|| sharing.share.owe(message.id)),
            message: message.clone(),
        };
        self.hand_out(run.iter().map(parcel).collect(), guarded, sharing, congested);
    }

    /// When nobody is there to take a parcel it is dropped, as a message is that nobody subscribes to.
    fn hand_out(
        &self,
        mut parcels: Vec<Parcel>,
        guarded: bool,
        sharing: &Sharing,
        congested: &mut Vec<Arc<Session>>,
    ) {
        let mut gone = Vec::new();
        while !parcels.is_empty() {
            let takers = sharing.takers(&parcels, &gone, &self.limits);
            let Some(turn) = sharing.share.turn.fetch_add(parcels.len(), Relaxed).checked_rem(takers.len())
            else {
                return;
            };
            let mut rest = Vec::new();
            for (place, taker) in takers.iter().enumerate() {
                let first = (place + takers.len() - turn) % takers.len();
                let own: Vec<Parcel> = parcels.iter().skip(first).step_by(takers.len()).cloned().collect();
                if own.is_empty() {
                    continue;
                }
                let put = taker.session.put_parcels(&own, guarded, taker, &self.limits, &self.tally);
                if put.gone {
                    // It ended in between. The others get what was for it.
                    gone.push(taker.session.number);
                    rest.extend(own);
                    continue;
                }
                self.after_put(put, &taker.session, congested);
            }
            rest.sort_by_key(|parcel| parcel.message.id);
            parcels = rest;
        }
    }

    /// A session ended with these unacknowledged: other members of their groups get them, but for what is guarded:
    /// it would come late.
    pub(crate) fn hand_on(&self, parcels: Vec<Parcel>) {
        let mut targets: Option<(Arc<str>, Targets)> = None;
        for parcel in parcels {
            let Some(debt) = parcel.debt.clone() else { continue };
            let topic = &parcel.message.topic;
            let found = match &targets {
                Some((known, found)) if known == topic => found.clone(),
                _ => self.targets(topic, None),
            };
            if found.guarded {
                add(&self.tally.late, 1);
            } else if let Some(sharing) =
                found.shared.iter().find(|sharing| Arc::ptr_eq(&sharing.share, &debt.share))
            {
                self.hand_out(vec![parcel.clone()], false, &sharing.of_old(), &mut Vec::new());
            }
            targets = Some((topic.clone(), found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(upto: u64, ids: &[u64]) -> Owed {
        Owed { upto, ids: ids.to_vec() }
    }

    #[test]
    fn a_debt_is_open_until_its_last_hold_is_dropped() {
        let share = Arc::new(Share::new("g".into(), 5));
        let (one, two) = (share.owe(5), share.owe(9));
        let again = one.clone();
        drop(one);
        assert_eq!(share.kept(KEPT_MAX), owed(4, &[]));
        assert!(share.close_book(10));
        assert_eq!(share.kept(KEPT_MAX), owed(10, &[5, 9]));
        drop((again, two));
        assert!(share.close_book(7), "what is known is not forgotten");
        assert_eq!(share.kept(KEPT_MAX), owed(10, &[]));
        assert!(!share.close_book(20), "nothing has changed");
    }

    #[test]
    fn more_debts_than_are_kept_one_by_one_count_as_not_known() {
        let share = Arc::new(Share::new("g".into(), 5));
        let debts: Vec<_> = (1..=KEPT_MAX as u64 + 500).map(|id| share.owe(id)).collect();
        share.close_book(5_000);
        let kept = share.kept(KEPT_MAX);
        assert_eq!((kept.upto, kept.ids.len()), (KEPT_MAX as u64, KEPT_MAX));
        drop(debts);
    }

    #[test]
    fn after_a_start_a_group_owes_what_no_member_knew_as_settled() {
        let check = |found: &[Owed], id: u64, expected: bool| {
            let share = Share::new("g".into(), 1);
            found.iter().for_each(|owed| share.found(owed));
            assert_eq!(share.owed_before(id), expected, "{id} of {found:?}");
        };
        check(&[], 1, true);
        check(&[owed(10, &[3])], 3, true);
        check(&[owed(10, &[3])], 4, false);
        check(&[owed(10, &[3])], 11, true);
        check(&[owed(10, &[3]), owed(20, &[])], 3, false);
        check(&[owed(10, &[3]), owed(20, &[15])], 15, true);
        check(&[owed(10, &[3]), owed(20, &[15])], 16, false);
        check(&[owed(20, &[3, 15]), owed(10, &[3])], 3, true);
        check(&[owed(20, &[3, 15]), owed(10, &[])], 3, false);
        check(&[owed(20, &[15, 3]), owed(10, &[3]), owed(30, &[3, 25])], 15, false);
    }

    #[test]
    fn a_member_without_room_for_a_debt_counts_it_and_what_follows_as_not_known() {
        let share = Arc::new(Share::new("g".into(), 5));
        let debts: Vec<_> = [5, 7, 9].map(|id| share.owe(id)).into();
        share.close_book(20);
        let check = |room: usize, expected: Owed| assert_eq!(share.kept(room), expected, "room for {room}");
        check(3, owed(20, &[5, 7, 9]));
        check(2, owed(8, &[5, 7]));
        check(0, owed(4, &[]));
        drop(debts);
    }

    #[test]
    fn small_books_are_kept_whole_and_large_ones_share_the_rest() {
        let check = |lens: &[usize], room: usize| {
            assert_eq!(kept_room(lens.iter().copied()), room, "{lens:?}");
            assert!(lens.iter().map(|len| room.min(*len)).sum::<usize>() <= KEPT_MAX, "{lens:?}");
        };
        check(&[], KEPT_MAX);
        check(&[3, 0, 5], KEPT_MAX);
        check(&[1_000, 1_000], 500);
        check(&[1_000, 100, 1_000], 450);
        check(&[400; 1_000], 1);
        check(&[1; 2_000], 0);
    }
}
