//! Why a client cannot do what it tries, in one sentence.

use crate::api::types::{ClientEvent, ClientView, Refusal, RefusalKind};
use crate::client_log::{DROPPED_LATELY_MS, Fight};
use crate::refusals::LIMIT_LASTS_MS;

/// A refusal older than this is no trouble any more, ms.
const REFUSED_LATELY_MS: i64 = 60 * 60 * 1_000;
/// From the denial of a last will to the moment the client was let in without it at most, ms.
const LOGIN_MS: i64 = 10_000;

/// What is known of the client.
pub struct Known<'a> {
    /// Its id.
    pub client_id: &'a str,
    /// Connected or asleep.
    pub client: Option<&'a ClientView>,
    /// What it was refused, the newest first.
    pub refusals: &'a [Refusal],
    /// Its log, the newest first.
    pub log: &'a [ClientEvent],
    /// The filters it is subscribed to.
    pub subscribed: Vec<&'a str>,
    /// Topic of its last will.
    pub will: Option<&'a str>,
    /// Whether two devices use its id.
    pub fight: Option<Fight>,
    /// Its credential learned, and the rules were not taken over.
    pub learned_unused: bool,
}

/// The newest thing to act on, if there is anything.
pub fn trouble(known: &Known<'_>, now_ms: i64) -> Option<String> {
    if let Some(fight) = &known.fight {
        let from = match fight.addresses.as_slice() {
            [] => String::new(),
            addresses => format!(" They come from {}.", addresses.join(" and ")),
        };
        let or = match fight.addresses.len() {
            0 | 1 => ", or one connects again and again without closing its old connection",
            _ => "",
        };
        return Some(format!(
            "Two devices use the client id `{}` and throw each other out, {} times in the last two minutes{or}.{from} \
             Give each device a client id of its own.",
            known.client_id, fight.times
        ));
    }
    let connected = known.client.is_some_and(|client| client.connected);
    // Also of one that is gone again: what it came in with since is mended.
    let came_ms =
        known.log.iter().find(|line| line.kind == "connected").map_or(i64::MIN, |line| line.time_ms);
    let since_ms = known.client.filter(|client| client.connected).map_or(came_ms, |client| client.since_ms);
    let went_ms = known.log.iter().find(|line| line.kind == "disconnected").map(|line| line.time_ms);
    let newest = known.refusals.iter().find(|refusal| {
        let topic = refusal.topic.as_deref();
        let since_then = refusal.last_ms < since_ms;
        let holds = match refusal.kind {
            // Whoever came in since is no longer refused at the door.
            RefusalKind::Login | RefusalKind::Protocol => !since_then,
            // Over with the connection that met it: one that was closed has other troubles.
            RefusalKind::Limit => !since_then && went_ms.is_none_or(|went| went <= refusal.last_ms),
            // Told above while it goes on.
            RefusalKind::Duplicate => false,
            RefusalKind::Will if connected => {
                refusal.last_ms + LOGIN_MS > since_ms && known.will.is_none_or(|will| Some(will) != topic)
            }
            // It is allowed, and it did not ask again.
            RefusalKind::Subscribe if refusal.settled => {
                connected && !since_then && !known.subscribed.iter().any(|filter| Some(*filter) == topic)
            }
            _ => !refusal.settled,
        };
        let again = matches!(refusal.kind, RefusalKind::Will | RefusalKind::Subscribe) && connected;
        now_ms - refusal.last_ms < REFUSED_LATELY_MS && holds && (!refusal.settled || again)
    });
    if let Some(refusal) = newest {
        return Some(told(refusal, connected, known.learned_unused, now_ms));
    }
    let dropped = known.log.iter().find(|line| line.kind == "dropped");
    if let Some(line) = dropped.filter(|line| now_ms - line.time_ms < DROPPED_LATELY_MS) {
        return Some(line.text.clone());
    }
    let last = known.log.first().filter(|line| !connected && line.kind == "disconnected");
    // It went on purpose, its own or the owner's.
    last.filter(|line| {
        !["it said goodbye", "closed its connection"].iter().any(|on_purpose| line.text.contains(on_purpose))
    })
    .map(|line| format!("It is not connected. {} Look at its power and its network.", line.text))
}

fn told(refusal: &Refusal, connected: bool, learned_unused: bool, now_ms: i64) -> String {
    let Refusal { why, advice, .. } = refusal;
    let topic = refusal.topic.as_deref().unwrap_or("other topics");
    let what = match refusal.kind {
        RefusalKind::Login if connected => "Another connection of it is not let in".to_owned(),
        RefusalKind::Login => "It is not let in".to_owned(),
        RefusalKind::Protocol => "It is disconnected".to_owned(),
        RefusalKind::Limit if now_ms - refusal.last_ms < LIMIT_LASTS_MS => "It meets a limit".to_owned(),
        RefusalKind::Limit => {
            format!("It met a limit {} minutes ago", ((now_ms - refusal.last_ms) / 60_000).max(1))
        }
        RefusalKind::Duplicate => "Another device uses its client id".to_owned(),
        RefusalKind::Will => "Its last will is missing".to_owned(),
        RefusalKind::Publish | RefusalKind::Subscribe | RefusalKind::Receive if refusal.settled => {
            format!("It has to try `{topic}` again")
        }
        RefusalKind::Publish => format!("It may not publish to `{topic}`"),
        RefusalKind::Subscribe => format!("It may not subscribe to `{topic}`"),
        RefusalKind::Receive => format!("It may not receive `{topic}`"),
        RefusalKind::Guard => format!("The relay guard holds back what it publishes to `{topic}`"),
    };
    use RefusalKind::{Guard, Limit, Login, Protocol};
    let by_rules = !matches!(refusal.kind, Login | Protocol | Limit | Guard);
    if learned_unused && by_rules && !refusal.settled {
        return format!(
            "{what}: {why}. Its credential learned, and the rules it needs were not taken over: look at what was \
             learned."
        );
    }
    format!("{what}: {why}. {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::Level;

    const NOW_MS: i64 = 1_800_000_000_000;

    fn refusal(kind: RefusalKind, ago_ms: i64) -> Refusal {
        Refusal {
            id: 1,
            kind,
            first_ms: 0,
            last_ms: NOW_MS - ago_ms,
            count: 1,
            client_id: Some("c".into()),
            user: Some("plug".into()),
            address: None,
            topic: Some("a/b".into()),
            why: "because".into(),
            advice: "Do that.".into(),
            proposal: None,
            settled: false,
        }
    }

    fn connected() -> ClientView {
        let view = serde_json::json!({
            "client_id": "c", "user": "plug", "address": "10.0.0.1", "transport": "tcp", "version": "5",
            "since_ms": NOW_MS - 1_000, "connected": true, "keepalive_s": 0, "expiry_s": 0, "subscription_count": 0,
            "queued": 0, "queued_bytes": 0, "in_flight": 0, "messages_in": 0, "messages_out": 0, "rate_in": 0.0,
            "rate_out": 0.0, "dropped": 0, "denied": 0, "learning": false,
            "in_trouble": false,
        });
        serde_json::from_value(view).unwrap()
    }

    fn known<'a>(
        client: Option<&'a ClientView>,
        refusals: &'a [Refusal],
        log: &'a [ClientEvent],
    ) -> Known<'a> {
        Known {
            client_id: "c",
            client,
            refusals,
            log,
            subscribed: Vec::new(),
            will: None,
            fight: None,
            learned_unused: false,
        }
    }

    #[test]
    fn the_newest_thing_to_act_on_is_told() {
        use RefusalKind::{Limit, Login, Publish};
        let here = connected();
        let check = |client: Option<&ClientView>, refusals: &[Refusal], expected: Option<&str>| {
            assert_eq!(trouble(&known(client, refusals, &[]), NOW_MS).as_deref(), expected);
        };
        check(None, &[refusal(Login, 5)], Some("It is not let in: because. Do that."));
        check(
            Some(&here),
            &[refusal(Login, 5)],
            Some("Another connection of it is not let in: because. Do that."),
        );
        check(Some(&here), &[refusal(Login, 5_000)], None);
        check(
            Some(&here),
            &[refusal(Publish, 5_000)],
            Some("It may not publish to `a/b`: because. Do that."),
        );
        check(Some(&here), &[Refusal { settled: true, ..refusal(Publish, 5) }], None);
        check(Some(&here), &[refusal(Publish, REFUSED_LATELY_MS)], None);
        check(
            Some(&here),
            &[refusal(Limit, 5), refusal(Publish, 6)],
            Some("It meets a limit: because. Do that."),
        );
        check(Some(&here), &[], None);
    }

    #[test]
    fn a_limit_is_told_while_it_lasts_and_not_after_the_connection_that_met_it() {
        let check = |connected_ago_ms: i64, ago_ms: i64, expected: Option<&str>| {
            let here = ClientView { since_ms: NOW_MS - connected_ago_ms, ..connected() };
            let refusals = [refusal(RefusalKind::Limit, ago_ms)];
            assert_eq!(trouble(&known(Some(&here), &refusals, &[]), NOW_MS).as_deref(), expected);
        };
        check(1_000_000, 5, Some("It meets a limit: because. Do that."));
        check(1_000_000, 180_000, Some("It met a limit 3 minutes ago: because. Do that."));
        check(1, 5, None);
        let kicked = ClientEvent {
            time_ms: NOW_MS - 2,
            level: Level::Info,
            kind: "disconnected".into(),
            text: "The owner closed its connection.".into(),
        };
        let refusals = [refusal(RefusalKind::Limit, 5)];
        assert_eq!(trouble(&known(None, &refusals, &[kicked]), NOW_MS), None);
    }

    #[test]
    fn what_was_mended_is_not_told_of_a_client_that_came_in_since_and_left() {
        let line = |kind: &str, ago_ms: i64, text: &str| ClientEvent {
            time_ms: NOW_MS - ago_ms,
            level: Level::Info,
            kind: kind.into(),
            text: text.into(),
        };
        let log = [
            line("disconnected", 10, "c disconnected: it said goodbye."),
            line("connected", 20, "c connected."),
        ];
        let check = |kind: RefusalKind, ago_ms: i64, expected: Option<&str>| {
            assert_eq!(trouble(&known(None, &[refusal(kind, ago_ms)], &log), NOW_MS).as_deref(), expected);
        };
        check(RefusalKind::Login, 30, None);
        check(RefusalKind::Protocol, 30, None);
        check(RefusalKind::Login, 5, Some("It is not let in: because. Do that."));
        check(RefusalKind::Protocol, 15, Some("It is disconnected: because. Do that."));
    }

    #[test]
    fn what_is_asked_for_once_is_told_until_it_is_asked_for_again() {
        let here = ClientView { since_ms: NOW_MS - 10_000, ..connected() };
        let check =
            |kind, ago_ms, settled, subscribed: &[&str], will: Option<&str>, expected: Option<&str>| {
                let refusals = [Refusal { settled, ..refusal(kind, ago_ms) }];
                let mut about = known(Some(&here), &refusals, &[]);
                (about.subscribed, about.will) = (subscribed.to_vec(), will);
                assert_eq!(trouble(&about, NOW_MS).as_deref(), expected);
            };
        use RefusalKind::{Publish, Subscribe, Will};
        let again = Some("It has to try `a/b` again: because. Do that.");
        check(Subscribe, 5, true, &[], None, again);
        check(Subscribe, 5, true, &["a/b"], None, None);
        check(Publish, 5, true, &[], None, None);
        let missing = Some("Its last will is missing: because. Do that.");
        for settled in [false, true] {
            check(Will, 10_001, settled, &[], None, missing);
            check(Will, 10_001, settled, &[], Some("a/b"), None);
            check(Will, 10_000 + LOGIN_MS, settled, &[], None, None);
        }
    }

    #[test]
    fn a_fight_and_a_learning_that_was_not_used_are_told() {
        let refusals = [refusal(RefusalKind::Publish, 1)];
        let mut about = known(None, &refusals, &[]);
        about.learned_unused = true;
        assert!(trouble(&about, NOW_MS).unwrap().contains("were not taken over"));
        about.fight = Some(Fight { times: 7, addresses: vec!["10.0.0.1".into(), "10.0.0.2".into()] });
        let told = trouble(&about, NOW_MS).unwrap();
        assert!(told.contains("7 times") && told.contains("10.0.0.1 and 10.0.0.2"), "{told}");
    }

    #[test]
    fn one_that_vanished_is_told_with_the_cause() {
        let line = |kind: &str, text: &str| ClientEvent {
            time_ms: NOW_MS,
            level: Level::Info,
            kind: kind.into(),
            text: text.into(),
        };
        let silent = [line("disconnected", "c disconnected: it was silent.")];
        let told = trouble(&known(None, &[], &silent), NOW_MS).unwrap();
        assert!(told.starts_with("It is not connected. c disconnected: it was silent."), "{told}");
        let goodbye = [line("disconnected", "c disconnected: it said goodbye.")];
        assert_eq!(trouble(&known(None, &[], &goodbye), NOW_MS), None);
        let here = connected();
        let lost = [line("dropped", "5 messages for c were dropped.")];
        assert_eq!(trouble(&known(Some(&here), &[], &lost), NOW_MS).as_deref(), Some(&*lost[0].text));
    }
}
