//! Chance that can be repeated: every actor has dice of its own, thrown from the run's seed and its name.

use std::time::Duration;

/// splitmix64.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of one actor: the same seed and name always fall the same way.
    pub(super) fn of(seed: u64, name: &str) -> Self {
        // FNV-1a, so that names that differ in a digit begin far apart.
        let mixed = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
        Self(seed ^ mixed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high` inclusive.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// A time between two, in milliseconds.
    pub(super) fn time_ms(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// True in `percent` of 100 throws.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of them.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.between(0, from.len() as u64 - 1) as usize]
    }

    /// Any bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_falls_the_same_way() {
        let throw = |seed, name| {
            let mut dice = Dice::of(seed, name);
            (0..8).map(|_| dice.between(1, 6)).collect::<Vec<_>>()
        };
        assert_eq!(throw(1, "a"), throw(1, "a"));
        assert_ne!(throw(1, "a"), throw(1, "b"));
        assert_ne!(throw(1, "a"), throw(2, "a"));
        assert!(throw(3, "c").iter().all(|eyes| (1..=6).contains(eyes)));
    }
}
