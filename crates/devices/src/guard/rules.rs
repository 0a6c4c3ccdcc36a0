//! What an owner allows an actuator.

use serde::{Deserialize, Serialize};

/// Fewest switches a minute that can be set: once on, and once off again.
pub const SWITCHES_MIN: u32 = 2;
/// Most switches a minute that can be set.
pub const SWITCHES_MAX: u32 = 600;
/// Longest time an actuator can be made to stay off or on, seconds: a day.
pub const REST_S_MAX: u32 = 86_400;
/// Longest name of an interlock, in characters.
pub const INTERLOCK_CHARS_MAX: usize = 60;
/// Earlier announcements of an actuator whose topics stay guarded.
pub const FORMER_MAX: usize = 8;
/// Most actuators that are guarded.
pub const GUARDED_MAX: usize = 1_000;
/// Most actuators of one interlock.
pub const INTERLOCKED_MAX: usize = 50;

/// The limits of one actuator. Without any it is not guarded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Most switches in any 60 seconds, on and off counted alike.
    pub switches_per_minute: Option<u32>,
    /// Seconds it stays off before it may go on again.
    pub min_off_s: Option<u32>,
    /// Seconds it stays on before it may go off again.
    pub min_on_s: Option<u32>,
    /// Name of its interlock: of all actuators that have the same, one at most is on.
    pub interlock: Option<String>,
}

impl Rules {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same with its interlock trimmed, and zeros and empty names for none; the error is in words.
    pub fn checked(mut self) -> Result<Self, String> {
        self.switches_per_minute = self.switches_per_minute.filter(|switches| *switches > 0);
        self.min_off_s = self.min_off_s.filter(|seconds| *seconds > 0);
        self.min_on_s = self.min_on_s.filter(|seconds| *seconds > 0);
        self.interlock = self.interlock.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        if let Some(switches) = self.switches_per_minute
            && !(SWITCHES_MIN..=SWITCHES_MAX).contains(&switches)
        {
            return Err(format!(
                "{switches} switches a minute cannot be set: {SWITCHES_MIN} to {SWITCHES_MAX} can, for what goes on has \
                 to go off again."
            ));
        }
        for (what, seconds) in [("off", self.min_off_s), ("on", self.min_on_s)] {
            if let Some(seconds) = seconds.filter(|seconds| *seconds > REST_S_MAX) {
                return Err(format!(
                    "{seconds} s is too long to stay {what}: at most {REST_S_MAX} s, which is a day, can be set."
                ));
            }
        }
        if let Some(name) = &self.interlock
            && (name.chars().count() > INTERLOCK_CHARS_MAX || name.chars().any(char::is_control))
        {
            return Err(format!(
                "The name of an interlock has 1 to {INTERLOCK_CHARS_MAX} characters. Choose a shorter one."
            ));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_cannot_be_kept_are_refused_and_nothing_stands_for_none() {
        fn check(rules: Rules, expected: Result<Rules, &str>) {
            let checked = rules.clone().checked();
            match expected {
                Ok(expected) => assert_eq!(checked, Ok(expected), "{rules:?}"),
                Err(words) => assert!(checked.unwrap_err().contains(words), "{rules:?}"),
            }
        }
        let none = Rules::default();
        let switches = |n| Rules { switches_per_minute: Some(n), ..Rules::default() };
        let interlock = |name: &str| Rules { interlock: Some(name.to_owned()), ..Rules::default() };
        check(none.clone(), Ok(none.clone()));
        check(switches(0), Ok(none.clone()));
        check(switches(1), Err("2 to 600"));
        check(switches(2), Ok(switches(2)));
        check(switches(601), Err("2 to 600"));
        check(Rules { min_off_s: Some(0), min_on_s: Some(0), ..none.clone() }, Ok(none.clone()));
        check(Rules { min_off_s: Some(86_401), ..none.clone() }, Err("stay off"));
        check(Rules { min_on_s: Some(86_401), ..none.clone() }, Err("stay on"));
        check(interlock(" heaters "), Ok(interlock("heaters")));
        check(interlock("  "), Ok(none));
        check(interlock(&"x".repeat(61)), Err("1 to 60 characters"));
        check(interlock("a\nb"), Err("1 to 60 characters"));
    }
}
