//! The loads that are compared.

use std::time::Duration;

use super::target::{Bound, Target};

/// A load and what is measured of it.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// For the command line.
    pub name: &'static str,
    /// For the table.
    pub title: &'static str,
    /// How it is measured.
    pub measure: Measure,
    /// What it has to reach.
    pub targets: &'static [Target],
}

/// How a shape is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// As many messages as go through.
    Flood {
        /// Clients that publish.
        publishers: u32,
        /// Clients that subscribe.
        subscribers: u32,
        /// 0 or 1.
        qos: u8,
        /// Unacknowledged publishes of one client.
        in_flight: usize,
        /// Published by all together.
        messages: u32,
    },
    /// Waiting times at [`PACE_PER_S`].
    Paced {
        /// 0: until delivered; 1: until acknowledged.
        qos: u8,
        /// Published in all.
        messages: u32,
    },
    /// Connect, log in, close.
    Connects {
        /// How many.
        connections: u32,
    },
    /// Memory and CPU of clients that only stay.
    Idle {
        /// How many.
        connections: u32,
        /// How long they stay.
        hold: Duration,
    },
    /// A script that answers one topic on another.
    Script {
        /// Published in all, at [`SCRIPT_PER_S`].
        messages: u32,
    },
    /// Start on a folder with a past.
    Startup {
        /// Entities in the folder.
        entities: u32,
        /// Readings in the folder.
        readings: u32,
    },
    /// A hub that knows no device hears retained announcements, one of each entity.
    Discovery {
        /// How many.
        entities: u32,
    },
    /// A stream at [`PACE_PER_S`], alone and amid clients that only stay.
    Crowd {
        /// How many only stay.
        connections: u32,
    },
    /// Start on a folder with very many topics, half of them retained, and a subscriber of everything.
    Topics {
        /// How many.
        topics: u32,
    },
    /// The demo home, left to itself.
    Demo {
        /// How long.
        hold: Duration,
    },
}

/// Messages per second of [`Measure::Paced`].
pub const PACE_PER_S: f64 = 200.0;
/// How many times as often as the others a [`Measure::Paced`] is measured: what a message takes that comes alone changes
/// from second to second with what else the machine does.
pub const PACED_TURNS: usize = 3;
/// Messages per second of [`Measure::Script`].
pub const SCRIPT_PER_S: f64 = 100.0;

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For figures to publish.
    Full,
    /// For every change: a tenth of the load.
    Quick,
}

const fn flood(publishers: u32, subscribers: u32, qos: u8, in_flight: usize, messages: u32) -> Measure {
    Measure::Flood { publishers, subscribers, qos, in_flight, messages }
}

const fn target(what: &'static str, bound: Bound) -> Target {
    Target { what, bound }
}

/// No more CPU per message than mosquitto, where as much is carried as goes through. What a message costs that comes
/// alone is printed and not bounded: docs/decisions/0009-what-a-lone-message-costs.md.
const CPU: Target = target("CPU", Bound::RatioAtMost(1.0));
/// Nothing is lost, at QoS 0 neither.
const ALL: Target = target("received", Bound::AtLeast(100.0));

/// So many times mosquitto's rate.
const fn rate(ratio: f64) -> Target {
    target("delivered", Bound::RatioAtLeast(ratio))
}

/// Every shape, in the table's order.
pub const SHAPES: &[Shape] = &[
    Shape {
        name: "qos0-1-1",
        title: "QoS 0, 1→1",
        measure: flood(1, 1, 0, 1, 400_000),
        targets: &[rate(3.0), ALL, CPU],
    },
    Shape {
        name: "qos0-100-1",
        title: "QoS 0, 100→1",
        measure: flood(100, 1, 0, 1, 400_000),
        targets: &[rate(2.0), ALL, CPU],
    },
    Shape {
        name: "qos0-1-100",
        title: "QoS 0, 1→100",
        measure: flood(1, 100, 0, 1, 10_000),
        targets: &[rate(15.0), ALL, CPU],
    },
    Shape {
        name: "qos1-1-1",
        title: "QoS 1, 1→1, 50 in flight",
        measure: flood(1, 1, 1, 50, 150_000),
        targets: &[rate(1.0), ALL, CPU],
    },
    Shape {
        name: "qos1-1-1-500",
        title: "QoS 1, 1→1, 500 in flight",
        measure: flood(1, 1, 1, 500, 150_000),
        targets: &[rate(2.0), ALL, CPU],
    },
    Shape {
        name: "qos1-100-1",
        title: "QoS 1, 100→1",
        measure: flood(100, 1, 1, 50, 200_000),
        targets: &[rate(2.0), ALL, CPU],
    },
    Shape {
        name: "qos1-1-100",
        title: "QoS 1, 1→100",
        measure: flood(1, 100, 1, 50, 5_000),
        targets: &[rate(5.0), ALL, CPU],
    },
    Shape {
        name: "latency",
        title: "QoS 0 at 200/s",
        measure: Measure::Paced { qos: 0, messages: 1_000 },
        targets: &[target("delivery p50", Bound::RatioAtMost(1.2)), ALL],
    },
    Shape {
        name: "ack",
        title: "QoS 1 at 200/s",
        measure: Measure::Paced { qos: 1, messages: 1_000 },
        targets: &[target("acknowledgement p50", Bound::AtMost(600.0)), ALL],
    },
    Shape {
        name: "connects",
        title: "connect and close",
        measure: Measure::Connects { connections: 2_000 },
        targets: &[target("connects", Bound::RatioAtLeast(0.7))],
    },
    Shape {
        name: "idle",
        title: "1,000 idle clients",
        measure: Measure::Idle { connections: 1_000, hold: Duration::from_secs(5) },
        targets: &[target("memory per client", Bound::AtMost(16.0))],
    },
    Shape {
        name: "idle-10000",
        title: "200/s amid 10,000 idle clients",
        measure: Measure::Crowd { connections: 10_000 },
        targets: &[target("memory", Bound::AtMost(200.0)), target("slower amid them", Bound::AtMost(1.5))],
    },
    Shape {
        name: "topics-100000",
        title: "100,000 topics, 50,000 retained",
        measure: Measure::Topics { topics: 100_000 },
        targets: &[
            target("ready after a stop", Bound::AtMost(2_000.0)),
            target("ready after kill -9", Bound::AtMost(2_000.0)),
            target("retained received", Bound::AtLeast(100.0)),
        ],
    },
    // The hub lets a script act 200 times at once and 50 times a second for long; more would measure that.
    Shape {
        name: "script",
        title: "script at 100/s",
        measure: Measure::Script { messages: 300 },
        targets: &[],
    },
    Shape {
        name: "startup",
        title: "start with 1,000 entities, 1 M readings",
        measure: Measure::Startup { entities: 1_000, readings: 1_000_000 },
        targets: &[],
    },
    Shape {
        name: "discovery-1000",
        title: "1,000 discovery messages",
        measure: Measure::Discovery { entities: 1_000 },
        targets: &[target("registered", Bound::AtMost(1_000.0))],
    },
    // Each entity has spoken once, so each has a state to restore.
    Shape {
        name: "entities-10000",
        title: "start with 10,000 entities of 2,000 devices",
        measure: Measure::Startup { entities: 10_000, readings: 10_000 },
        targets: &[target("ready", Bound::AtMost(1_000.0)), target("memory", Bound::AtMost(150.0))],
    },
    Shape {
        name: "demo",
        title: "demo home, 20 s",
        measure: Measure::Demo { hold: Duration::from_secs(20) },
        targets: &[],
    },
];

impl Shape {
    /// The shape at a size. Counts that the title tells are kept, whatever the size.
    pub fn sized(self, size: Size) -> Self {
        /// How much smaller the quick form is.
        const QUICK: u32 = 10;
        /// Readings of the quick form: more only take longer to store.
        const QUICK_READINGS_MAX: u32 = 20_000;
        if size == Size::Full {
            return self;
        }
        let measure = match self.measure {
            Measure::Flood { publishers, subscribers, qos, in_flight, messages } => {
                flood(publishers, subscribers, qos, in_flight, messages / QUICK)
            }
            Measure::Paced { qos, messages } => Measure::Paced { qos, messages: messages / QUICK * 2 },
            Measure::Connects { connections } => Measure::Connects { connections: connections / QUICK },
            Measure::Idle { connections, .. } => Measure::Idle { connections, hold: Duration::from_secs(1) },
            Measure::Script { messages } => Measure::Script { messages: messages / QUICK * 2 },
            Measure::Startup { entities, readings } => Measure::Startup {
                entities: entities / QUICK,
                readings: (readings / QUICK).min(QUICK_READINGS_MAX),
            },
            Measure::Discovery { entities } => Measure::Discovery { entities: entities / QUICK },
            Measure::Crowd { connections } => Measure::Crowd { connections: connections / QUICK },
            Measure::Topics { topics } => Measure::Topics { topics: topics / QUICK },
            Measure::Demo { .. } => Measure::Demo { hold: Duration::from_secs(5) },
        };
        let title = match self.name {
            "startup" => "start with 100 entities, 20,000 readings",
            "idle-10000" => "200/s amid 1,000 idle clients",
            "topics-100000" => "10,000 topics, 5,000 retained",
            "discovery-1000" => "100 discovery messages",
            "entities-10000" => "start with 1,000 entities of 200 devices",
            "demo" => "demo home, 5 s",
            _ => self.title,
        };
        Self { measure, title, ..self }
    }

    /// How many times as often as the others it is measured.
    pub fn turns(self) -> usize {
        if matches!(self.measure, Measure::Paced { .. }) { PACED_TURNS } else { 1 }
    }

    /// Whether mosquitto can do it at all.
    pub fn has_rival(self) -> bool {
        matches!(
            self.measure,
            Measure::Flood { .. } | Measure::Paced { .. } | Measure::Connects { .. } | Measure::Idle { .. }
        )
    }
}

/// The shapes whose names were given, or all; an unknown name is an error that lists the known.
pub fn choose(names: &[String]) -> anyhow::Result<Vec<Shape>> {
    if names.is_empty() {
        return Ok(SHAPES.to_vec());
    }
    names
        .iter()
        .map(|name| {
            SHAPES.iter().copied().find(|shape| shape.name == name).ok_or_else(|| {
                let known: Vec<_> = SHAPES.iter().map(|shape| shape.name).collect();
                anyhow::anyhow!("there is no shape `{name}`; choose from {}", known.join(", "))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_chosen_by_name() {
        let names = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(choose(&[]).unwrap().len(), SHAPES.len());
        assert_eq!(choose(&names(&["ack", "idle"])).unwrap().len(), 2);
        let error = choose(&names(&["qos7"])).unwrap_err().to_string();
        assert!(error.contains("`qos7`") && error.contains("qos0-1-1"), "{error}");
    }

    #[test]
    fn nothing_is_aimed_at_twice() {
        for shape in SHAPES {
            for (place, target) in shape.targets.iter().enumerate() {
                assert!(shape.targets[..place].iter().all(|other| other.what != target.what), "{target:?}");
            }
        }
    }

    #[test]
    fn the_quick_form_keeps_what_the_title_says() {
        for shape in SHAPES {
            let quick = shape.sized(Size::Quick);
            match (shape.measure, quick.measure) {
                (
                    Measure::Flood { publishers, subscribers, qos, messages, .. },
                    Measure::Flood { publishers: p, subscribers: s, qos: q, messages: fewer, .. },
                ) => {
                    assert_eq!((p, s, q), (publishers, subscribers, qos));
                    assert!(fewer < messages && fewer >= p);
                }
                (Measure::Idle { connections, .. }, Measure::Idle { connections: same, .. }) => {
                    assert_eq!(connections, same);
                }
                _ => {}
            }
        }
    }
}
