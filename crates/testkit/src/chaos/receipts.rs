//! What one subscriber got, and the rules it is held against.
//!
//! Each topic has one publisher, which sends 1, 2, 3 and so on and repeats what was not acknowledged. So whatever
//! was lost on the way is followed by a number that is too high, and a loss is seen at once.

use std::collections::{HashMap, HashSet};

use super::book::Book;
use super::packets::Publish;

/// How much may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// Nothing from the subscription on: a session that lasts.
    Everything,
    /// Nothing while it is connected: a session that ends with the connection.
    WhileConnected,
    /// QoS 0.
    Nothing,
}

/// A subscriber's memory.
#[derive(Debug)]
pub(super) struct Receipts {
    pub(super) who: String,
    /// Highest QoS it subscribed with.
    qos: u8,
    duty: Duty,
    highest: HashMap<String, u32>,
    /// QoS 2 packet ids between PUBLISH and PUBREL.
    unreleased: HashSet<u16>,
    pub(super) received: u64,
    pub(super) repeats: u64,
}

impl Receipts {
    pub(super) fn new(who: &str, qos: u8, duty: Duty) -> Self {
        Self {
            who: who.to_owned(),
            qos,
            duty,
            highest: HashMap::new(),
            unreleased: HashSet::new(),
            received: 0,
            repeats: 0,
        }
    }

    /// A new connection.
    pub(super) fn connected(&mut self, session_present: bool) {
        if self.duty != Duty::Everything {
            self.highest.clear();
        }
        if !session_present {
            self.unreleased.clear();
        }
    }

    /// Highest number of a topic so far.
    pub(super) fn highest(&self, topic: &str) -> u32 {
        self.highest.get(topic).copied().unwrap_or(0)
    }

    /// PUBREL.
    pub(super) fn released(&mut self, packet_id: u16) {
        self.unreleased.remove(&packet_id);
    }

    /// Notes a message. An error is a broken promise, with the message's story.
    pub(super) fn note(&mut self, book: &Book, publish: &Publish<'_>) -> Result<(), String> {
        let broken = |what: &str, number: u32| {
            Err(format!("{}: {what}: {}", self.who, book.story(publish.topic, number)))
        };
        let number =
            std::str::from_utf8(publish.payload).ok().and_then(|text| text.trim().parse::<u32>().ok());
        let Some(number) = number else {
            return Err(format!(
                "{}: {} came with the payload {:?}",
                self.who, publish.topic, publish.payload
            ));
        };
        let Some(sent) = book.find(publish.topic).and_then(|topic| topic.get(number)) else {
            return broken("got what was never sent", number);
        };
        let topic_qos = book.find(publish.topic).map_or(0, |topic| topic.qos);
        if publish.qos != topic_qos.min(self.qos) {
            return broken(&format!("got it at QoS {}", publish.qos), number);
        }
        if publish.qos == 2 && !self.unreleased.insert(publish.packet_id) {
            // The same exchange again (section 4.3.3): acknowledged, but not a message.
            return if publish.dup { Ok(()) } else { broken("got it again without DUP", number) };
        }
        self.received += 1;
        let highest = self.highest.get(publish.topic).copied();
        match highest {
            Some(highest) if number <= highest => {
                self.repeats += 1;
                if publish.qos == 2 {
                    return broken("got a QoS 2 message twice", number);
                }
                if !publish.dup && sent.times < 2 {
                    return broken("got it twice, without DUP and although it was sent once", number);
                }
                return Ok(());
            }
            None if self.duty != Duty::Everything => {}
            _ => {
                let next = highest.unwrap_or(0) + 1;
                if number > next && self.duty != Duty::Nothing && topic_qos > 0 {
                    self.highest.insert(publish.topic.to_owned(), number);
                    let what = format!("missed {} before number {number}", number - next);
                    return Err(format!("{}: {what}: {}", self.who, book.story(publish.topic, next)));
                }
            }
        }
        match self.highest.get_mut(publish.topic) {
            Some(highest) => *highest = number,
            None => drop(self.highest.insert(publish.topic.to_owned(), number)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(number: &str, qos: u8, dup: bool) -> Publish<'_> {
        Publish { topic: "t", payload: number.as_bytes(), qos, retain: false, dup, packet_id: 0 }
    }

    fn book(qos: u8) -> Book {
        let mut book = Book::default();
        let place = book.add("t", qos);
        for _ in 0..5 {
            book.send(place, 0);
        }
        book.repeat(place, 3);
        book
    }

    #[test]
    fn a_gap_is_a_loss_for_who_must_get_everything() {
        fn check(duty: Duty, numbers: &[&str], expected: Option<&str>) {
            let (book, mut receipts) = (book(1), Receipts::new("s", 1, duty));
            receipts.connected(true);
            let first_error =
                numbers.iter().find_map(|number| receipts.note(&book, &got(number, 1, false)).err());
            assert_eq!(first_error.is_some(), expected.is_some(), "{first_error:?}");
            assert!(first_error.unwrap_or_default().contains(expected.unwrap_or_default()));
        }
        check(Duty::Everything, &["1", "2", "3"], None);
        check(Duty::Everything, &["2"], Some("missed 1 before number 2"));
        check(Duty::Everything, &["1", "4"], Some("missed 2"));
        check(Duty::WhileConnected, &["2", "3"], None);
        check(Duty::WhileConnected, &["2", "4"], Some("missed 1"));
        check(Duty::Nothing, &["1", "5"], None);
        check(Duty::Nothing, &["6"], Some("never sent"));
        check(Duty::Everything, &["x"], Some("payload"));
    }

    #[test]
    fn twice_is_allowed_only_where_it_is_said() {
        let (book, mut receipts) = (book(1), Receipts::new("s", 1, Duty::Everything));
        for number in ["1", "2", "3"] {
            receipts.note(&book, &got(number, 1, false)).unwrap();
        }
        receipts.note(&book, &got("2", 1, true)).unwrap();
        receipts.note(&book, &got("3", 1, false)).unwrap();
        assert!(receipts.note(&book, &got("2", 1, false)).unwrap_err().contains("without DUP"));
        assert_eq!(receipts.repeats, 3);
    }

    #[test]
    fn an_exchange_of_qos_2_is_one_message() {
        let (book, mut receipts) = (book(2), Receipts::new("s", 2, Duty::Everything));
        let first = |dup| Publish { packet_id: 9, ..got("1", 2, dup) };
        receipts.note(&book, &first(false)).unwrap();
        receipts.note(&book, &first(true)).unwrap();
        receipts.released(9);
        assert!(receipts.note(&book, &first(true)).unwrap_err().contains("twice"));
    }

    #[test]
    fn the_quality_is_the_lower_of_the_two() {
        let (book, mut receipts) = (book(2), Receipts::new("s", 1, Duty::Everything));
        assert!(receipts.note(&book, &got("1", 2, false)).unwrap_err().contains("at QoS 2"));
    }
}
