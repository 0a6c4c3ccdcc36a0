//! Asks boards to announce themselves again, where their announcement is not retained: Shelly's first generation
//! says who it is when it connects and when it is asked, and a hub that has just started heard neither.
//!
//! What is asked, and on which topic, is the profile's `[onstart]`. It is asked after the start and after a client
//! has come whose credential may read that topic; who cannot hear it is no reason to ask.

use std::time::{Duration, Instant};

use devices::{Profile, Send};
use parking_lot::Mutex;

/// Time a client gets to subscribe before it is asked: what is sent at once would reach nobody.
const SETTLE: Duration = Duration::from_secs(2);
/// Shortest time between two questions of one profile, however many clients come and go: every board answers each.
const AGAIN: Duration = Duration::from_secs(10);

/// What is to be asked, and when.
pub(crate) struct Asking(Mutex<Vec<Question>>);

/// What one profile asks.
struct Question {
    sends: Vec<Send>,
    /// When the first and the last of those came who were not asked yet.
    waiting: Option<(Instant, Instant)>,
    asked: Option<Instant>,
}

impl Asking {
    pub(crate) fn new(profiles: &[Profile]) -> Self {
        Self(Mutex::new(questions(profiles)))
    }

    /// Asks what these profiles ask from now on.
    pub(crate) fn set_profiles(&self, profiles: &[Profile]) {
        let mut asked = self.0.lock();
        let mut next = questions(profiles);
        for question in &mut next {
            let same = asked.iter().find(|before| before.sends == question.sends);
            question.asked = same.and_then(|before| before.asked);
        }
        *asked = next;
    }

    /// Somebody is there, or may be, who may read what `may_read` says.
    pub(crate) fn came(&self, may_read: impl Fn(&str) -> bool, now: Instant) {
        for question in self.0.lock().iter_mut() {
            if question.sends.iter().any(|send| may_read(&send.topic)) {
                question.came(now);
            }
        }
    }

    /// What is to be published now.
    pub(crate) fn due(&self, now: Instant) -> Vec<Send> {
        let mut questions = self.0.lock();
        questions
            .iter_mut()
            .filter(|question| question.is_due(now))
            .flat_map(|question| question.ask(now))
            .collect()
    }
}

fn questions(profiles: &[Profile]) -> Vec<Question> {
    let sends = profiles.iter().map(|profile| profile.on_start().collect::<Vec<_>>());
    sends.filter(|sends| !sends.is_empty()).map(Question::new).collect()
}

impl Question {
    fn new(sends: Vec<Send>) -> Self {
        Self { sends, waiting: None, asked: None }
    }

    fn came(&mut self, now: Instant) {
        let first = self.waiting.map_or(now, |(first, _)| first);
        self.waiting = Some((first, now));
    }

    fn is_due(&self, now: Instant) -> bool {
        self.waiting.is_some_and(|(first, _)| now.duration_since(first) >= SETTLE)
            && self.asked.is_none_or(|asked| now.duration_since(asked) >= AGAIN)
    }

    fn ask(&mut self, now: Instant) -> Vec<Send> {
        self.asked = Some(now);
        // Who has only just come is asked once more.
        self.waiting =
            self.waiting.filter(|(_, last)| now.duration_since(*last) < SETTLE).map(|(_, last)| (last, last));
        self.sends.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelly() -> Asking {
        Asking::new(&Profile::built_in())
    }

    /// Clients come at these moments; returns when it is asked, both in ms. It is looked each second.
    fn asked_ms(came_ms: &[u64]) -> Vec<u64> {
        let (asking, start) = (shelly(), Instant::now());
        let mut coming = came_ms.iter().peekable();
        (0..60_000)
            .step_by(1_000)
            .filter(|now_ms| {
                while let Some(came_ms) = coming.next_if(|came_ms| *came_ms <= now_ms) {
                    asking.came(|_| true, start + Duration::from_millis(*came_ms));
                }
                !asking.due(start + Duration::from_millis(*now_ms)).is_empty()
            })
            .collect()
    }

    #[test]
    fn who_came_is_asked_once_it_has_subscribed_and_nobody_too_often() {
        assert_eq!(asked_ms(&[]), [0_u64; 0]);
        assert_eq!(asked_ms(&[0]), [2_000]);
        assert_eq!(asked_ms(&[500]), [3_000]);
        assert_eq!(asked_ms(&[500, 600, 700]), [3_000], "once for all of them");
        assert_eq!(asked_ms(&[0, 5_000]), [2_000, 12_000]);
        assert_eq!(asked_ms(&[0, 40_000]), [2_000, 42_000]);
        assert_eq!(asked_ms(&[0, 1_900]), [2_000, 12_000], "it may not have heard the first");
        let loops: Vec<u64> = (0..58_000).step_by(500).collect();
        assert_eq!(asked_ms(&loops), [2_000, 12_000, 22_000, 32_000, 42_000, 52_000]);
    }

    #[test]
    fn only_who_may_hear_it_is_a_reason_to_ask() {
        let (asking, start) = (shelly(), Instant::now());
        asking.came(|topic| topic.starts_with("tele/"), start);
        assert_eq!(asking.due(start + SETTLE), []);
        asking.came(|topic| topic == "shellies/command", start);
        let asked = asking.due(start + SETTLE);
        let asked: Vec<_> = asked.iter().map(|send| (&*send.topic, &*send.payload, send.retain)).collect();
        assert_eq!(asked, [("shellies/command", &b"announce"[..], false)]);
    }
}
