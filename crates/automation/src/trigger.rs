//! Triggers: what a handler waits for. Plain values that a script makes and hands to `on`.

use std::fmt;

use model::topic::TopicFilter;
use model::{StateChange, Value};

use crate::report::{TriggerInfo, TriggerKind};

/// What a handler waits for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Trigger {
    Topic(TopicFilter),
    Changed {
        entities: Vec<String>,
        /// As written: a list of one stays a list.
        list: bool,
        from: Option<Wanted>,
        to: Option<Wanted>,
    },
    Crossing(Crossing),
    Started,
}

/// A value as a script writes it, to compare an entity's value with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    Unknown,
    Known(Value),
}

impl Wanted {
    /// On and off may be written as `"on"`, `"off"`, `true` or `false`.
    fn is(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Unknown, None) => true,
            (Self::Known(Value::Text(text)), Some(on @ Value::Bool(_))) => *text == on.to_string(),
            (Self::Known(wanted), Some(value)) => wanted == value,
            _ => false,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("()"),
            Self::Known(Value::Text(text)) => write!(f, "{text:?}"),
            Self::Known(Value::Bool(on)) => write!(f, "{on}"),
            Self::Known(Value::Number(number)) => write!(f, "{number}"),
        }
    }
}

/// A bound that a number passes in one direction. It fires once, and again only after the number came back
/// to `clear`: a reading that trembles around the bound sets nothing off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Crossing {
    pub(crate) entity: String,
    pub(crate) above: bool,
    pub(crate) bound: f64,
    pub(crate) clear: f64,
}

impl Crossing {
    /// Whether a first value fires if it is past the bound: not if it was past it all along.
    pub(crate) fn armed_at(&self, present: Option<&Value>) -> bool {
        self.step(true, present).0
    }

    /// Whether it is armed after this value, and whether the value fires it. A value that is unknown or no
    /// number changes nothing.
    pub(crate) fn step(&self, armed: bool, value: Option<&Value>) -> (bool, bool) {
        let Some(number) = value.and_then(Value::as_number) else { return (armed, false) };
        let (past, back) = if self.above {
            (number > self.bound, number <= self.clear)
        } else {
            (number < self.bound, number >= self.clear)
        };
        if past { (false, armed) } else { (armed || back, false) }
    }
}

impl Trigger {
    pub(crate) fn kind(&self) -> TriggerKind {
        match self {
            Self::Topic(_) => TriggerKind::Topic,
            Self::Changed { .. } => TriggerKind::Changed,
            Self::Crossing(Crossing { above: true, .. }) => TriggerKind::Above,
            Self::Crossing(_) => TriggerKind::Below,
            Self::Started => TriggerKind::Started,
        }
    }

    /// The entities it watches.
    pub(crate) fn entities(&self) -> &[String] {
        match self {
            Self::Changed { entities, .. } => entities,
            Self::Crossing(crossing) => std::slice::from_ref(&crossing.entity),
            _ => &[],
        }
    }

    /// Whether this change sets it off, given whether it was armed; and whether it is armed afterwards.
    pub(crate) fn step(&self, armed: bool, change: &StateChange) -> (bool, bool) {
        if !change.value_changed() {
            return (armed, false);
        }
        match self {
            Self::Changed { from, to, .. } => {
                let old = change.old.as_ref().and_then(|old| old.value.as_ref());
                let fires = change.fresh
                    && from.as_ref().is_none_or(|from| from.is(old))
                    && to.as_ref().is_none_or(|to| to.is(change.new.value.as_ref()));
                (armed, fires)
            }
            Self::Crossing(crossing) => {
                let (armed, fires) = crossing.step(armed, change.new.value.as_ref());
                (armed, fires && change.fresh)
            }
            Self::Topic(_) | Self::Started => (armed, false),
        }
    }

    pub(crate) fn info(&self, line: Option<u32>) -> TriggerInfo {
        let topic = match self {
            Self::Topic(filter) => Some(filter.as_str().to_owned()),
            _ => None,
        };
        TriggerInfo {
            kind: self.kind(),
            trigger: self.to_string(),
            line,
            topic,
            entities: self.entities().to_vec(),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(filter) => write!(f, "topic({:?})", filter.as_str()),
            Self::Changed { entities, list, from, to } => {
                match entities.as_slice() {
                    [entity] if !list => write!(f, "changed({entity:?}")?,
                    _ => write!(f, "changed({entities:?}")?,
                }
                match (from, to) {
                    (None, None) => f.write_str(")"),
                    (Some(from), None) => write!(f, ", #{{ from: {from} }})"),
                    (None, Some(to)) => write!(f, ", #{{ to: {to} }})"),
                    (Some(from), Some(to)) => write!(f, ", #{{ from: {from}, to: {to} }})"),
                }
            }
            Self::Crossing(Crossing { entity, above, bound, clear }) => {
                let name = if *above { "above" } else { "below" };
                write!(f, "{name}({entity:?}, {bound}")?;
                if clear != bound {
                    write!(f, ", #{{ clear: {clear} }}")?;
                }
                f.write_str(")")
            }
            Self::Started => f.write_str("started()"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::State;

    fn change(old: Option<Value>, new: Option<Value>, fresh: bool) -> StateChange {
        StateChange {
            entity: "e".into(),
            old: Some(State { value: old, ..State::default() }),
            new: State { value: new, ..State::default() },
            fresh,
        }
    }

    #[test]
    fn a_crossing_fires_once_until_the_value_came_back() {
        fn check(above: bool, bound: f64, clear: f64, values: &[f64], expected: &[usize]) {
            let crossing = Crossing { entity: "e".into(), above, bound, clear };
            let mut armed = crossing.armed_at(None);
            let mut fired = Vec::new();
            for (i, value) in values.iter().enumerate() {
                let (still, fires) = crossing.step(armed, Value::number(*value).as_ref());
                armed = still;
                if fires {
                    fired.push(i);
                }
            }
            assert_eq!(fired, expected, "{values:?}");
        }
        check(true, 25.0, 25.0, &[24.0, 25.0, 26.0, 27.0, 25.0, 26.0], &[2, 5]);
        check(true, 25.0, 24.0, &[26.0, 24.5, 26.0, 24.0, 26.0], &[0, 4]);
        check(false, 10.0, 12.0, &[9.0, 11.0, 9.0, 12.0, 9.5], &[0, 4]);
    }

    #[test]
    fn a_value_past_the_bound_at_load_does_not_fire() {
        let crossing = Crossing { entity: "e".into(), above: true, bound: 25.0, clear: 25.0 };
        assert!(!crossing.armed_at(Value::number(30.0).as_ref()));
        assert!(crossing.armed_at(Value::number(20.0).as_ref()));
        assert!(crossing.armed_at(None));
    }

    #[test]
    fn changed_fires_on_other_values_that_are_fresh() {
        fn check(from: Option<Wanted>, to: Option<Wanted>, change: &StateChange, expected: bool) {
            let trigger = Trigger::Changed { entities: vec!["e".into()], list: false, from, to };
            assert_eq!(trigger.step(true, change).1, expected, "{trigger} on {change:?}");
        }
        let text = |text: &str| Some(Wanted::Known(Value::Text(text.into())));
        let (on, off) = (Some(Value::Bool(true)), Some(Value::Bool(false)));
        check(None, None, &change(off.clone(), on.clone(), true), true);
        check(None, None, &change(on.clone(), on.clone(), true), false);
        check(None, None, &change(off.clone(), on.clone(), false), false);
        check(None, text("on"), &change(off.clone(), on.clone(), true), true);
        check(None, text("off"), &change(off.clone(), on.clone(), true), false);
        check(text("off"), None, &change(off.clone(), on.clone(), true), true);
        check(None, Some(Wanted::Known(Value::Bool(true))), &change(off, on.clone(), true), true);
        check(Some(Wanted::Unknown), None, &change(None, on.clone(), true), true);
        check(None, Some(Wanted::Unknown), &change(on, None, true), true);
    }

    #[test]
    fn a_change_that_is_not_fresh_moves_the_arming_only() {
        let trigger = Trigger::Crossing(Crossing { entity: "e".into(), above: true, bound: 5.0, clear: 5.0 });
        assert_eq!(trigger.step(true, &change(None, Value::number(9.0), false)), (false, false));
    }

    #[test]
    fn triggers_read_as_they_are_written() {
        fn check(trigger: Trigger, expected: &str) {
            assert_eq!(trigger.to_string(), expected);
        }
        let crossing = |clear| Crossing { entity: "a.t".into(), above: false, bound: 10.0, clear };
        check(Trigger::Topic(TopicFilter::new("a/+").unwrap()), r#"topic("a/+")"#);
        check(Trigger::Crossing(crossing(10.0)), r#"below("a.t", 10)"#);
        check(Trigger::Crossing(crossing(12.5)), r#"below("a.t", 10, #{ clear: 12.5 })"#);
        check(
            Trigger::Changed {
                entities: vec!["a".into(), "b".into()],
                list: true,
                from: None,
                to: Some(Wanted::Known(Value::Text("on".into()))),
            },
            r#"changed(["a", "b"], #{ to: "on" })"#,
        );
        check(Trigger::Started, "started()");
    }
}
