//! The journal as its users see it.

mod common;

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use common::{Clock, append, config, draft, hub, journal, payloads, retained};
use model::{Cause, Properties, Publisher, QoS, TopicFilter};
use store::{HandshakeChange, HistoryQuery, JournalDraft, StoredHandshake};
use tokio::sync::Notify;

#[tokio::test]
async fn what_was_appended_is_read_back_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::at(1_700_000_000_123);
    let written = {
        let hub = hub(folder.path());
        let journal = journal(folder.path(), &hub, config(&clock));
        let full = JournalDraft {
            retain: true,
            cause: Some(Cause::Run { run: "r1".into(), automation: "heating".into(), depth: 2 }),
            properties: Some(Arc::new(Properties {
                content_type: Some("text/plain".into()),
                user: vec![("a".into(), "b".into())],
                ..Properties::default()
            })),
            ..draft("home/küche/state", "on", QoS::ExactlyOnce)
        };
        let mut written = append(&journal, vec![full, draft("a", "", QoS::AtMostOnce)]).await;
        clock.set(1_600_000_000_000);
        written.extend(append(&journal, vec![draft("a", "2", QoS::AtLeastOnce)]).await);
        assert_eq!(written[2].time_ms, 1_700_000_000_123, "time does not go backwards");
        journal.close().unwrap();
        written
    };
    assert!(!folder.path().join("journal.db-wal").exists(), "a clean stop takes the log away");

    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&clock));
    let read = journal.read(0, 10).unwrap();
    assert_eq!(format!("{read:?}"), format!("{written:?}"));
    assert_eq!(journal.read(written[1].id, 1).unwrap()[0].id, written[1].id);
    assert_eq!(journal.message(written[2].id).unwrap().unwrap().payload, "2");
    assert!(journal.message(999).unwrap().is_none());
    let next = append(&journal, vec![draft("a", "3", QoS::AtLeastOnce)]).await;
    assert_eq!(next[0].id, written[2].id + 1, "a clean stop skips no id");
}

#[tokio::test]
async fn ids_start_above_the_floor() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let config = store::JournalConfig { floor: 500, ..config(&Clock::at(1)) };
    let journal = journal(folder.path(), &hub, config);
    assert_eq!(journal.durable(), 500);
    assert_eq!(append(&journal, vec![draft("a", "1", QoS::AtLeastOnce)]).await[0].id, 501);
}

#[tokio::test]
async fn a_lone_qos_0_row_is_written_after_it_gathered() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    let out = append(&journal, vec![draft("a", "1", QoS::AtMostOnce)]).await;
    assert_eq!(journal.read(out[0].id, 1).unwrap().len(), 1);
    assert_eq!(journal.backlog(), 0);
    journal.backlog_low().await;
}

#[tokio::test]
async fn a_group_shares_its_transaction_and_each_waiter_is_woken() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    let waiters: Vec<Arc<Notify>> = (0..10).map(|_| Arc::default()).collect();
    let mut out = Vec::new();
    for round in 0..100 {
        let draft = draft("a", &round.to_string(), QoS::AtLeastOnce);
        journal.append([draft], &mut out, Some(&waiters[round % 10]));
    }
    for waiter in &waiters {
        waiter.notified().await;
    }
    journal.flush().await.unwrap();
    assert!(out.windows(2).all(|pair| pair[0].id + 1 == pair[1].id));
    assert_eq!(journal.read(0, 1_000).unwrap().len(), 100);
    assert_eq!(journal.counters().rows, 100);
    assert!(journal.counters().groups < 100, "{:?}", journal.counters());
}

#[tokio::test]
async fn history_is_found_by_topic_and_filter_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let clock = Clock::at(1);
    let mut journal = journal(folder.path(), &hub, config(&clock));
    // Enough rows that the names are flushed on the way, and a tail that is not.
    for piece in 0..13 {
        let drafts = (0..1_000)
            .map(|n| draft(&format!("home/{}/t", n % 7), &(piece * 1_000 + n).to_string(), QoS::AtLeastOnce));
        append(&journal, drafts.collect()).await;
    }
    append(&journal, vec![draft("rare", "x", QoS::AtLeastOnce)]).await;

    for reopened in [false, true] {
        if reopened {
            journal.close().unwrap();
            journal = common::journal(folder.path(), &hub, config(&clock));
        }
        let expected = |keep: &dyn Fn(usize) -> bool| -> Vec<String> {
            (0..13_000).rev().filter(|n| keep(n % 1_000 % 7)).map(|n| n.to_string()).collect()
        };
        let check = |topic: Option<&str>, filter: Option<&str>, limit, expected: Vec<String>| {
            let mut query = HistoryQuery {
                topic: topic.map(str::to_owned),
                filter: filter.map(|filter| TopicFilter::new(filter).unwrap()),
                before: None,
                limit,
            };
            let mut all = Vec::new();
            loop {
                let page = journal.history(&query).unwrap();
                assert!(page.messages.len() <= limit);
                all.extend(payloads(&page.messages));
                query.before = page.next_before;
                if query.before.is_none() {
                    break;
                }
            }
            assert_eq!(all, expected, "{topic:?} {filter:?}");
        };
        check(Some("home/3/t"), None, 100, expected(&|room| room == 3));
        check(Some("rare"), None, 10, vec!["x".into()]);
        check(Some("never"), None, 10, vec![]);
        check(None, Some("home/+/t"), 5_000, expected(&|_| true));
        check(None, Some("home/5/#"), 777, expected(&|room| room == 5));
        check(None, None, 4_000, [vec!["x".to_owned()], expected(&|_| true)].concat());

        let topics = journal.topics().unwrap();
        assert_eq!(topics.len(), 8);
        assert_eq!((topics[0].topic.as_ref(), topics[0].count), ("home/0/t", 13 * 143));
        assert_eq!(topics.iter().map(|topic| topic.count).sum::<u64>(), 13_001);
        assert_eq!(topics[7].last_id, journal.durable());
    }
}

#[tokio::test]
async fn handshakes_survive_and_come_back_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let client: Arc<str> = "plug-1".into();
    {
        let hub = hub(folder.path());
        let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
        let inbound = |packet_id| JournalDraft {
            inbound_qos2: Some((Arc::clone(&client), packet_id)),
            ..draft("a", "1", QoS::ExactlyOnce)
        };
        append(&journal, vec![inbound(7), inbound(8)]).await;
        let waiter = Arc::new(Notify::new());
        let changes = [
            HandshakeChange::InboundReleased { client_id: Arc::clone(&client), packet_id: 7 },
            HandshakeChange::OutboundSent {
                client_id: Arc::clone(&client),
                packet_id: 2,
                message_id: 1,
                copied: 2,
            },
            HandshakeChange::OutboundSent {
                client_id: Arc::clone(&client),
                packet_id: 1,
                message_id: 2,
                copied: 0,
            },
            HandshakeChange::OutboundReceived { client_id: Arc::clone(&client), packet_id: 2 },
            HandshakeChange::OutboundSent {
                client_id: Arc::clone(&client),
                packet_id: 3,
                message_id: 2,
                copied: 0,
            },
            HandshakeChange::OutboundDone { client_id: Arc::clone(&client), packet_id: 3 },
            HandshakeChange::OutboundSent {
                client_id: "gone".into(),
                packet_id: 1,
                message_id: 1,
                copied: 0,
            },
            HandshakeChange::Forget { client_id: "gone".into() },
        ];
        let last = changes.map(|change| journal.handshake(change, Some(&waiter))).into_iter().max().unwrap();
        while journal.durable_ops() < last {
            waiter.notified().await;
        }
    }
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    let stored = |packet_id, outbound, message_id, released, copied| StoredHandshake {
        client_id: Arc::clone(&client),
        packet_id,
        outbound,
        message_id,
        released,
        copied,
    };
    let expected =
        vec![stored(8, false, 2, false, 0), stored(2, true, 1, true, 2), stored(1, true, 2, false, 0)];
    assert_eq!(journal.load_handshakes().unwrap(), expected);
}

#[tokio::test]
async fn retained_messages_follow_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    append(&journal, vec![retained("a", "1"), retained("b", "1"), draft("c", "1", QoS::AtLeastOnce)]).await;
    append(&journal, vec![retained("a", "2"), retained("b", "")]).await;
    journal.close().unwrap();
    let kept = hub.retained().unwrap();
    assert_eq!(payloads(&kept), ["2"]);
    assert!(kept[0].retain && kept[0].topic.as_ref() == "a");
    assert_eq!(kept[0].publisher.user, "plug");
}

#[tokio::test]
async fn retained_messages_are_caught_up_when_hub_db_is_behind() {
    let folder = tempfile::tempdir().unwrap();
    {
        let hub = hub(folder.path());
        let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
        append(&journal, vec![retained("a", "1")]).await;
        append(&journal, (0..600).map(|n| retained(&format!("many/{n}"), "x")).collect()).await;
        journal.close().unwrap();
    }
    // An older hub.db, as after restoring a backup: it has seen nothing of all this.
    std::fs::remove_file(folder.path().join("hub.db")).unwrap();
    let hub = hub(folder.path());
    assert_eq!(hub.retained().unwrap().len(), 0);
    let _journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    assert_eq!(hub.retained().unwrap().len(), 601);
}

#[tokio::test]
async fn retained_messages_work_after_the_journal_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let before = {
        let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
        append(&journal, vec![retained("a", "1"), retained("b", "1")]).await[1].id
    };
    std::fs::remove_file(folder.path().join("journal.db")).unwrap();
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    assert!(append(&journal, vec![retained("a", "2")]).await[0].id > before);
    journal.close().unwrap();
    assert_eq!(payloads(&hub.retained().unwrap()), ["2", "1"]);
}

/// Waits for the idle slots in which pruning happens.
async fn pruned(journal: &store::Journal, now_ms: i64, lowest_cursor: u64) {
    journal.prune(now_ms, lowest_cursor);
    idle(journal).await;
}

async fn idle(journal: &store::Journal) {
    while journal.is_pruning() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const DAY_MS: i64 = 86_400_000;

#[tokio::test]
async fn old_messages_go_unless_a_reader_still_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let clock = Clock::at(DAY_MS);
    let journal = journal(folder.path(), &hub, store::JournalConfig { days_max: 7, ..config(&clock) });
    let old =
        append(&journal, (0..1_000).map(|n| draft("old", &n.to_string(), QoS::AtLeastOnce)).collect()).await;
    clock.set(9 * DAY_MS);
    append(&journal, vec![draft("new", "1", QoS::AtLeastOnce)]).await;
    let left = || journal.read(0, 10_000).unwrap().len();

    pruned(&journal, 7 * DAY_MS, u64::MAX).await;
    assert_eq!(left(), 1_001, "nothing is older than 7 days");
    pruned(&journal, 9 * DAY_MS, old[99].id).await;
    assert_eq!(left(), 901, "a reader has read the first 100 only");
    assert_eq!(journal.counters().pruned_unread, 0);
    pruned(&journal, 16 * DAY_MS, old[99].id).await;
    assert_eq!(left(), 1, "past twice the bound it is lost to that reader");
    let counters = journal.counters();
    assert_eq!((counters.pruned, counters.pruned_unread), (1_000, 900));
    let topics: Vec<_> = journal.topics().unwrap().into_iter().map(|topic| topic.topic).collect();
    assert_eq!(topics, ["new".into()], "a topic without messages is forgotten");
    append(&journal, vec![draft("old", "again", QoS::AtLeastOnce)]).await;
    let query = HistoryQuery { topic: Some("old".into()), limit: 10, ..HistoryQuery::default() };
    assert_eq!(payloads(&journal.history(&query).unwrap().messages), ["again"]);
}

#[tokio::test]
async fn the_file_stays_within_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let bytes_max = 2 * 1024 * 1024;
    let journal = journal(folder.path(), &hub, store::JournalConfig { bytes_max, ..config(&Clock::at(1)) });
    let payload = "x".repeat(1_000);
    for _ in 0..8 {
        append(&journal, (0..1_000).map(|_| draft("a", &payload, QoS::AtLeastOnce)).collect()).await;
    }
    pruned(&journal, 1, u64::MAX).await;
    let left = journal.read(0, 10_000).unwrap();
    assert!((1_000..2_100).contains(&left.len()), "{}", left.len());
    assert_eq!(left.last().unwrap().id, journal.durable(), "the newest stay");
    let query = HistoryQuery { topic: Some("a".into()), limit: 10_000, ..HistoryQuery::default() };
    assert_eq!(journal.history(&query).unwrap().messages.len(), left.len(), "the chain ends where rows end");
    journal.close().unwrap();
    let bytes = std::fs::metadata(folder.path().join("journal.db")).unwrap().len();
    assert!(bytes < bytes_max * 2, "{bytes}: the space is given back");
}

/// Bytes of `journal.db` and of its write-ahead log.
fn file_bytes(folder: &std::path::Path) -> [u64; 2] {
    ["journal.db", "journal.db-wal"]
        .map(|name| std::fs::metadata(folder.join(name)).map_or(0, |file| file.len()))
}

/// As many messages, each on a new topic of more than 1,000 bytes; such a name takes a page of its own in the
/// index.
fn new_topics(round: usize, count: usize) -> Vec<JournalDraft> {
    let name = "q".repeat(1_010);
    (0..count).map(|n| draft(&format!("{round}/{n}/{name}"), "x", QoS::AtLeastOnce)).collect()
}

const MIB: u64 = 1024 * 1024;
/// The write-ahead log is cut back to 64 MiB; one group more may be in it.
const WAL_MAX: u64 = 72 * MIB;
/// What these journals may hold.
const BYTES_MAX: u64 = 16 * MIB;
/// A thousand rows of [`new_topics`].
const GROUP_MAX: u64 = 8 * MIB;
/// Writing waits for pruning an eighth above that; one group may come on top.
const FILE_MAX: u64 = BYTES_MAX / 8 * 9 + GROUP_MAX;

#[tokio::test]
async fn ever_new_topics_keep_the_file_within_its_bytes_while_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let config = store::JournalConfig { bytes_max: BYTES_MAX, ..config(&Clock::at(1)) };
    let journal = journal(folder.path(), &hub, config);
    journal.prune(1, u64::MAX);
    for round in 0..30 {
        append(&journal, new_topics(round, 1_000)).await;
        let [file, wal] = file_bytes(folder.path());
        assert!(file <= FILE_MAX && wal <= WAL_MAX, "round {round}: {file} {wal}");
    }
    // At rest: between two looks at the file pruning goes on.
    pruned(&journal, 1, u64::MAX).await;
    let topics = journal.topics().unwrap();
    let left = journal.read(0, 100_000).unwrap();
    assert_eq!(topics.len(), left.len(), "no topic stays without a message");
    assert!(left.len() > 1_000, "{}: the newest stay", left.len());
    assert_eq!(left.last().unwrap().id, journal.durable());
    assert_eq!(journal.counters().pruned_unread, 0);
}

#[tokio::test]
async fn names_that_fill_the_file_do_not_cost_the_messages_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let config = store::JournalConfig { bytes_max: 64 * MIB, ..config(&Clock::at(1)) };
    let journal = journal(folder.path(), &hub, config);
    append(&journal, new_topics(0, 8_000)).await;
    append(&journal, (0..1_000).map(|n| draft("a", &n.to_string(), QoS::AtLeastOnce)).collect()).await;
    journal.set_bounds(30, 16 * MIB);
    pruned(&journal, 1, u64::MAX).await;
    let query = HistoryQuery { topic: Some("a".into()), limit: 10_000, ..HistoryQuery::default() };
    assert_eq!(journal.history(&query).unwrap().messages.len(), 1_000);
    assert!(journal.topics().unwrap().len() > 1_000, "nor more names than had to go");
}

#[tokio::test]
async fn what_a_reader_has_not_read_stays_up_to_twice_the_bytes_and_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let config = store::JournalConfig { bytes_max: BYTES_MAX, ..config(&Clock::at(1)) };
    let journal = journal(folder.path(), &hub, config);
    append(&journal, new_topics(0, 4_000)).await;
    while !journal.is_full() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(journal.counters().pruned, 0, "nothing was read yet");
    for round in 1..20 {
        append(&journal, new_topics(round, 1_000)).await;
        let [file, wal] = file_bytes(folder.path());
        assert!(file <= 2 * BYTES_MAX + GROUP_MAX && wal <= WAL_MAX, "round {round}: {file} {wal}");
    }
    assert!(journal.counters().pruned_unread > 10_000, "{:?}", journal.counters());
}

#[tokio::test]
async fn a_flood_of_client_ids_leaves_no_publisher_without_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let config = store::JournalConfig { bytes_max: BYTES_MAX, ..config(&Clock::at(1)) };
    let journal = journal(folder.path(), &hub, config);
    journal.prune(1, u64::MAX);
    let name = "c".repeat(1_010);
    for round in 0..10 {
        let of = |n| Arc::new(Publisher { user: "evil".into(), client_id: format!("{round}/{n}/{name}") });
        let drafts =
            (0..1_000).map(|n| JournalDraft { publisher: of(n), ..draft("a", "x", QoS::AtLeastOnce) });
        append(&journal, drafts.collect()).await;
        let [file, _] = file_bytes(folder.path());
        assert!(file <= FILE_MAX, "round {round}: {file}");
    }
    assert!(journal.read(0, 100_000).unwrap().len() > 1_000);
}

#[tokio::test]
async fn readers_that_relieve_each_other_do_not_make_the_log_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    append(&journal, new_topics(0, 100)).await;
    let path = folder.path().join("journal.db");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let readers = std::thread::spawn(move || {
        let open = || {
            let conn = rusqlite::Connection::open(&path).unwrap();
            conn.execute_batch("BEGIN").unwrap();
            conn.query_row("SELECT max(id) FROM message", [], |_| Ok(())).unwrap();
            conn
        };
        // There is always one in the log: a log somebody reads cannot be begun anew.
        let mut reader = open();
        while stopped.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
            reader = open();
        }
        drop(reader);
    });
    for round in 1..20 {
        append(&journal, new_topics(round, 1_000)).await;
        let [_, wal] = file_bytes(folder.path());
        assert!(wal <= WAL_MAX, "round {round}: {wal}");
    }
    drop(stop);
    readers.join().unwrap();
}

#[tokio::test]
async fn topics_come_in_pages_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    append(&journal, ["d", "b", "a", "c", "b"].map(|topic| draft(topic, "1", QoS::AtLeastOnce)).into()).await;
    let page = |after: Option<&str>, limit| {
        let page = journal.topics_after(after, limit, |topic| topic != "c").unwrap();
        let names =
            page.topics.iter().map(|topic| format!("{} {}", topic.topic, topic.count)).collect::<Vec<_>>();
        (names.join(", "), page.more)
    };
    assert_eq!(page(None, 2), ("a 1, b 2".into(), true));
    assert_eq!(page(Some("b"), 2), ("d 1".into(), false));
    assert_eq!(page(None, 3), ("a 1, b 2, d 1".into(), false));
}

#[tokio::test]
async fn a_page_of_topics_with_long_names_ends_early() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    let name = "x".repeat(60_000);
    append(&journal, (0..400).map(|n| draft(&format!("{n}/{name}"), "1", QoS::AtLeastOnce)).collect()).await;
    let first = journal.topics_after(None, 1_000, |_| true).unwrap();
    assert!(first.more && (100..300).contains(&first.topics.len()), "{}", first.topics.len());
    let after = first.topics.last().map(|topic| &*topic.topic);
    let second = journal.topics_after(after, 1_000, |_| true).unwrap();
    assert_eq!((first.topics.len() + second.topics.len(), second.more), (400, false));
}

#[tokio::test]
async fn history_of_a_filter_is_found_among_very_many_topics() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    let many =
        (0..3_000).map(|n| draft(&format!("{}/{n}", ["a", "b"][n % 2]), &n.to_string(), QoS::AtLeastOnce));
    append(&journal, many.collect()).await;
    let query =
        HistoryQuery { filter: Some(TopicFilter::new("a/+").unwrap()), limit: 3, ..HistoryQuery::default() };
    assert_eq!(payloads(&journal.history(&query).unwrap().messages), ["2998", "2996", "2994"]);
}

#[tokio::test]
async fn the_newest_of_each_topic_are_found_bounded_in_number_and_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    // More than what the names' table is behind by, so that both halves of the answer are asked for.
    for round in 0..10 {
        let drafts = (0..600).map(|n| draft(&format!("t/{n}"), &format!("{round}"), QoS::AtLeastOnce));
        append(&journal, drafts.collect()).await;
    }
    append(&journal, vec![draft("long", &"x".repeat(100), QoS::AtLeastOnce); 5]).await;
    let check = |topics: &[&str], max, bytes_max, expected: &[&[&str]]| {
        let mut found = Vec::new();
        let take = |messages: Vec<model::Message>| found.push(payloads(&messages));
        journal.newest_of_each(topics.iter().copied(), max, bytes_max, take).unwrap();
        assert_eq!(found, expected, "{topics:?} {max} {bytes_max}");
    };
    check(&["t/7", "t/599"], 3, 1_000, &[&["9", "8", "7"], &["9", "8", "7"]]);
    check(&["never", "t/0"], 100, 4, &[&["9", "8", "7", "6"]]);
    let long = "x".repeat(100);
    check(&["long"], 100, 101, &[&[&long, &long]]);
    check(&[], 100, 101, &[]);
}

#[tokio::test]
async fn a_closed_journal_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    journal.close().unwrap();
    let mut out = Vec::new();
    let refused = journal.append([draft("a", "1", QoS::AtLeastOnce)], &mut out, None);
    assert_eq!((refused.len(), out.len()), (1, 0));
    assert_eq!(journal.flush().await, Err(store::StoreError::Closed));
}

#[tokio::test]
async fn a_forgotten_topic_leaves_nothing_and_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub(folder.path());
    let journal = journal(folder.path(), &hub, config(&Clock::at(1)));
    for round in 0..1_000 {
        let payload = round.to_string();
        append(&journal, vec![retained("demo/a", &payload), draft("home/b", &payload, QoS::AtLeastOnce)])
            .await;
    }
    append(&journal, vec![retained("demo/a", "")]).await;
    journal.forget_topics(vec!["demo/a".into(), "never/seen".into()]);
    idle(&journal).await;
    let names: Vec<_> = journal.topics().unwrap().into_iter().map(|topic| topic.topic).collect();
    assert_eq!(names, ["home/b".into()]);
    let of = |topic: &str| {
        let query = HistoryQuery { topic: Some(topic.into()), limit: 2_000, ..HistoryQuery::default() };
        journal.history(&query).unwrap().messages.len()
    };
    assert_eq!((of("demo/a"), of("home/b")), (0, 1_000));
    append(&journal, vec![draft("demo/a", "again", QoS::AtLeastOnce)]).await;
    assert_eq!(of("demo/a"), 1);
    journal.close().unwrap();
    assert!(payloads(&hub.retained().unwrap()).is_empty());
}
