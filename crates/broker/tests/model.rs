//! Delivery against a model: whatever clients do, in whatever order, every session is given what it is owed.
//!
//! The model is a page long: who is subscribed to what, who sleeps, and so which session must be given which
//! message at which QoS. The steps are run through a real gate on pipes; [`fuzzing::world`] watches meanwhile
//! that nothing comes twice at QoS 2 or 0, and that the order per topic and QoS holds.
#![allow(clippy::unwrap_used)]

mod fuzzing;

use std::collections::{BTreeMap, BTreeSet};

use broker::Limits;
use fuzzing::wire::{self, Connect};
use fuzzing::world::{Open, World, number_of};
use model::TopicFilter;
use proptest::prelude::*;

const CLIENTS: usize = 3;
const TOPICS: [&str; 5] = ["a", "a/b", "a/b/c", "b", "ü/b"];
const FILTERS: [&str; 7] = ["a", "a/b", "a/#", "#", "+/b", "+", "b"];

#[derive(Debug, Clone)]
enum Step {
    Connect {
        who: usize,
        lasting: bool,
        level: u8,
        prompt: bool,
    },
    Goodbye {
        who: usize,
    },
    Vanish {
        who: usize,
    },
    Subscribe {
        who: usize,
        filter: usize,
        qos: u8,
    },
    Unsubscribe {
        who: usize,
        filter: usize,
    },
    Publish(Publish),
    Forget {
        who: usize,
        topic: usize,
    },
    Acknowledge {
        who: usize,
        nth: usize,
    },
    AcknowledgeAll {
        who: usize,
    },
    Wait,
    Restart,
    /// These are published while the journal is not written, then the power is cut.
    Kill {
        unwritten: Vec<Publish>,
    },
}

#[derive(Debug, Clone)]
struct Publish {
    who: usize,
    topic: usize,
    qos: u8,
    retain: bool,
    count: usize,
}

/// What the standard says a session is, as far as delivery goes.
#[derive(Debug, Default)]
struct Session {
    lasting: bool,
    subscriptions: BTreeMap<usize, u8>,
    /// What it must be given and at which QoS.
    owed: BTreeMap<u32, u8>,
    /// What waited when it subscribed anew at another QoS: after a restart it may come at that one, or, if that is
    /// 0, not at all.
    requeued: BTreeSet<u32>,
    /// What it may be given: it was not durable when the power was cut.
    maybe: BTreeSet<u32>,
    /// Messages it may or may not have been given: QoS 0 when it fell asleep, and empty ones.
    forgotten: u64,
}

struct Model {
    world: World,
    sessions: Vec<Option<Session>>,
    retained: BTreeMap<usize, u32>,
    pause_ms: u64,
}

impl Model {
    async fn new(limits: Limits) -> Self {
        let pause_ms = limits.pause_ms_max + 50;
        let world = World::new(limits).await;
        let mut model = Self { world, sessions: Vec::new(), retained: BTreeMap::new(), pause_ms };
        model.sessions.resize_with(CLIENTS, || None);
        model
    }

    fn is_up(&self, who: usize) -> bool {
        self.world.clients[who].up
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Connect { who, lasting, level, prompt } => self.connect(who, lasting, level, prompt).await,
            Step::Goodbye { who } => {
                self.world.send(who, vec![0xE0, 0]);
                self.world.settle().await;
                self.world.vanish(who);
                self.asleep(who);
            }
            Step::Vanish { who } => {
                self.world.vanish(who);
                self.world.settle().await;
                self.asleep(who);
            }
            Step::Subscribe { who, filter, qos } if self.is_up(who) => self.subscribe(who, filter, qos).await,
            Step::Unsubscribe { who, filter } if self.is_up(who) => {
                self.world.unsubscribe(who, FILTERS[filter]);
                self.rest().await;
                self.sessions[who].as_mut().unwrap().subscriptions.remove(&filter);
            }
            Step::Publish(ref publish) => self.publish(publish).await,
            Step::Forget { who, topic } if self.is_up(who) => {
                let level = self.world.clients[who].connect.level;
                self.world.send(who, wire::publish(level, 1, TOPICS[topic], 0, &[], &[]));
                self.rest().await;
                self.retained.remove(&topic);
                // It goes to subscribers like any other, and may find their queues full.
                self.sessions.iter_mut().flatten().for_each(|session| session.forgotten += 1);
            }
            Step::Acknowledge { who, nth } => {
                self.world.acknowledge(who, nth);
                self.rest().await;
            }
            Step::AcknowledgeAll { who } => self.acknowledge_all(who).await,
            Step::Wait => self.world.pass(1_500).await,
            Step::Restart => {
                self.world.restart().await;
                (0..CLIENTS).for_each(|who| self.asleep(who));
            }
            Step::Kill { ref unwritten } => self.kill(unwritten).await,
            Step::Subscribe { .. } | Step::Unsubscribe { .. } | Step::Forget { .. } => {}
        }
        self.check_heard();
    }

    /// A publisher may be made to pause for others; then it is read on.
    async fn rest(&mut self) {
        self.world.pass(self.pause_ms).await;
    }

    async fn connect(&mut self, who: usize, lasting: bool, level: u8, prompt: bool) {
        if self.is_up(who) {
            self.world.vanish(who);
            self.world.settle().await;
            self.asleep(who);
        }
        let connect = Connect {
            level,
            id: format!("c{who}"),
            clean: !lasting,
            user: Some(format!("user-{who}")),
            password: Some("secret".into()),
            properties: if level == 5 && lasting { vec![0x11, 0xff, 0xff, 0xff, 0xff] } else { Vec::new() },
            ..Connect::default()
        };
        self.world.clients[who].prompt = prompt;
        let memory = self
            .world
            .memories
            .get(&connect.id)
            .filter(|_| lasting && prompt && self.sessions[who].is_some());
        let open: Vec<Open> =
            memory.map(|memory| memory.open.values().cloned().collect()).unwrap_or_default();
        self.world.connect(who, connect, 1 << 20);
        if !lasting || self.sessions[who].is_none() {
            self.sessions[who] = Some(Session::default());
        }
        self.sessions[who].as_mut().unwrap().lasting = lasting;
        self.rest().await;
        assert!(self.is_up(who), "c{who} is not let in");
        // What it published and heard nothing of it has sent again, as if for the first time.
        for Open { number, flags, topic, .. } in open {
            assert!(self.world.accepted.contains(&number), "{number}, sent again, is not acknowledged");
            let topic = TOPICS.iter().position(|known| *known == topic).unwrap();
            let publish = Publish { who, topic, qos: flags >> 1 & 3, retain: flags & 1 == 1, count: 1 };
            self.owe(&publish, number, true);
        }
    }

    /// The connection of a session ended: a clean one is gone, and QoS 0 does not wait for the other.
    fn asleep(&mut self, who: usize) {
        self.check_heard();
        let Some(session) = &mut self.sessions[who] else { return };
        if session.lasting {
            let seen = &self.world.memories[&format!("c{who}")].seen;
            let before = session.owed.len();
            session.owed.retain(|number, qos| *qos > 0 || seen.contains(number));
            session.forgotten += (before - session.owed.len()) as u64;
        } else {
            self.sessions[who] = None;
        }
    }

    async fn subscribe(&mut self, who: usize, filter: usize, qos: u8) {
        self.check_heard();
        self.world.clients[who].subacks.clear();
        self.world.subscribe(who, FILTERS[filter], qos, &[]);
        self.rest().await;
        assert_eq!(self.world.clients[who].subacks, [vec![qos]]);
        let session = self.sessions[who].as_mut().unwrap();
        let before = session.subscriptions.insert(filter, qos);
        if before.is_some_and(|before| before != qos) {
            session.requeued.extend(session.owed.keys());
        }
        if !self.world.clients[who].prompt {
            return;
        }
        // What was retained just then, each once, at the lower of the two QoS at most.
        let wanted = TopicFilter::new(FILTERS[filter]).unwrap();
        let expected: BTreeSet<u32> = self
            .retained
            .iter()
            .filter(|(topic, _)| wanted.matches(TOPICS[**topic]))
            .map(|(_, number)| *number)
            .collect();
        let heard = &self.world.clients[who].heard;
        let numbers: Vec<u32> = heard
            .iter()
            .filter(|received| received.retain)
            .filter_map(|received| number_of(&received.payload))
            .collect();
        assert_eq!(numbers.len(), expected.len(), "retained: {numbers:?} instead of {expected:?}");
        assert_eq!(numbers.into_iter().collect::<BTreeSet<u32>>(), expected);
        assert!(heard.iter().all(|received| !received.retain || received.qos <= qos));
    }

    async fn publish(&mut self, publish: &Publish) {
        for _ in 0..publish.count {
            let Some(number) = self.send(publish) else { return };
            self.rest().await;
            assert!(
                publish.qos == 0 || self.world.accepted.contains(&number),
                "{number} is not acknowledged"
            );
            self.owe(publish, number, true);
        }
    }

    fn send(&mut self, publish: &Publish) -> Option<u32> {
        if !self.is_up(publish.who) {
            return None;
        }
        self.world.publish(publish.who, TOPICS[publish.topic], publish.qos, publish.retain, 0, &[])
    }

    /// Every session that is subscribed, and there or waiting for QoS 1 and 2, must be given this message.
    fn owe(&mut self, publish: &Publish, number: u32, durable: bool) {
        if publish.retain && durable {
            self.retained.insert(publish.topic, number);
        }
        for (who, session) in self.sessions.iter_mut().enumerate() {
            let Some(session) = session else { continue };
            let granted = session
                .subscriptions
                .iter()
                .filter(|(filter, _)| {
                    TopicFilter::new(FILTERS[**filter]).unwrap().matches(TOPICS[publish.topic])
                })
                .map(|(_, qos)| (*qos).min(publish.qos))
                .max();
            let Some(qos) = granted else { continue };
            if !durable {
                session.maybe.insert(number);
            } else if self.world.clients[who].up || qos > 0 {
                session.owed.insert(number, qos);
            }
        }
    }

    async fn acknowledge_all(&mut self, who: usize) {
        while !self.world.clients[who].owed.is_empty() {
            self.world.acknowledge(who, 0);
            self.rest().await;
        }
    }

    async fn kill(&mut self, unwritten: &[Publish]) {
        self.world.ledger.hold();
        for publish in unwritten {
            if let Some(number) = self.send(publish) {
                self.rest().await;
                assert!(!self.world.accepted.contains(&number), "{number} is acknowledged and not durable");
                self.owe(publish, number, false);
            }
        }
        self.world.kill().await;
        (0..CLIENTS).for_each(|who| self.asleep(who));
    }

    /// Nobody is given what it is not owed, nor at another QoS.
    fn check_heard(&mut self) {
        for who in 0..CLIENTS {
            for received in self.world.clients[who].heard.drain(..) {
                let Some(number) = number_of(&received.payload) else { continue };
                if received.retain {
                    continue;
                }
                let session = self.sessions[who].as_ref().unwrap();
                if session.requeued.contains(&number) {
                    continue;
                }
                match session.owed.get(&number) {
                    Some(qos) => assert_eq!(received.qos, *qos, "c{who} is given {number} at another QoS"),
                    None => assert!(
                        session.maybe.contains(&number),
                        "c{who} is given {number} and is not owed it"
                    ),
                }
            }
        }
    }

    /// Everybody comes back and reads on to the end: nothing is missing but what was counted as dropped.
    async fn finish(&mut self, counted: bool) {
        for who in 0..CLIENTS {
            let Some(lasting) = self.sessions[who].as_ref().map(|session| session.lasting) else { continue };
            if self.is_up(who) {
                self.world.clients[who].prompt = true;
                self.acknowledge_all(who).await;
            } else if lasting {
                self.connect(who, true, 4, true).await;
            }
        }
        self.rest().await;
        self.check_heard();
        for who in 0..CLIENTS {
            let Some(session) = &self.sessions[who] else { continue };
            let seen = &self.world.memories[&format!("c{who}")].seen;
            let missing: Vec<u32> =
                session.owed.keys().filter(|number| !seen.contains(*number)).copied().collect();
            let missing: Vec<u32> =
                missing.into_iter().filter(|number| counted || !session.requeued.contains(number)).collect();
            let client_id = format!("c{who}");
            let info = self.world.gate().clients().into_iter().find(|info| *info.client_id == *client_id);
            let dropped = info.expect("it is connected").dropped;
            if counted {
                let least = missing.len() as u64;
                let counted = least..=least + session.forgotten;
                assert!(counted.contains(&dropped), "c{who} misses {missing:?}, and {dropped} are counted");
            } else {
                assert!(missing.is_empty(), "c{who} misses {missing:?}");
            }
        }
    }
}

fn publish() -> impl Strategy<Value = Publish> {
    (0..CLIENTS, 0..TOPICS.len(), 0u8..3, prop::bool::weighted(0.3), 1usize..4)
        .prop_map(|(who, topic, qos, retain, count)| Publish { who, topic, qos, retain, count })
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..CLIENTS;
    prop_oneof![
        3 => (who.clone(), prop::bool::weighted(0.7), prop::sample::select(vec![3u8, 4, 5]), any::<bool>())
            .prop_map(|(who, lasting, level, prompt)| Step::Connect { who, lasting, level, prompt }),
        1 => who.clone().prop_map(|who| Step::Goodbye { who }),
        1 => who.clone().prop_map(|who| Step::Vanish { who }),
        4 => (who.clone(), 0..FILTERS.len(), 0u8..3)
            .prop_map(|(who, filter, qos)| Step::Subscribe { who, filter, qos }),
        1 => (who.clone(), 0..FILTERS.len()).prop_map(|(who, filter)| Step::Unsubscribe { who, filter }),
        8 => publish().prop_map(Step::Publish),
        1 => (who.clone(), 0..TOPICS.len()).prop_map(|(who, topic)| Step::Forget { who, topic }),
        3 => (who.clone(), 0usize..4).prop_map(|(who, nth)| Step::Acknowledge { who, nth }),
        1 => who.prop_map(|who| Step::AcknowledgeAll { who }),
        1 => Just(Step::Wait),
    ]
}

fn step_with_restarts() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => step(),
        1 => Just(Step::Restart),
        2 => prop::collection::vec(publish(), 0..3).prop_map(|unwritten| Step::Kill { unwritten }),
    ]
}

fn run(limits: Limits, steps: &[Step], counted: bool) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut model = Model::new(limits).await;
        for step in steps {
            model.step(step).await;
        }
        model.finish(counted).await;
    });
}

/// Few enough on the way that queues are used, and room for all of a run in them.
fn roomy() -> Limits {
    Limits { inflight_max: 3, ..Limits::default() }
}

/// Queues that a run fills.
fn tight() -> Limits {
    Limits {
        inflight_max: 2,
        inbox_pause_messages: 3,
        pause_ms_max: 100,
        inbox_messages_max: 5,
        session_queue_messages_max: 4,
        ..Limits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_session_is_given_what_it_is_owed(steps in prop::collection::vec(step(), 1..40)) {
        run(roomy(), &steps, false);
    }

    #[test]
    fn what_does_not_fit_a_queue_is_counted(steps in prop::collection::vec(step(), 1..40)) {
        run(tight(), &steps, true);
    }

    #[test]
    fn power_cuts_and_restarts_lose_nothing_and_double_nothing(
        steps in prop::collection::vec(step_with_restarts(), 1..40),
    ) {
        run(roomy(), &steps, false);
    }
}
