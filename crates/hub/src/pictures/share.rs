//! What has to go when there is too much: first what a camera has beyond its number, then what takes most of the disk.
//! Credentials share it, and the cameras of one share its part, so that nobody loses a picture to whoever sends more.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::Kept;
use crate::api::types::PictureSettings;

/// The pictures of one entity, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Roll {
    /// Whose they are: the credential its device has.
    pub(super) owner: Arc<str>,
    pub(super) pictures: VecDeque<Kept>,
}

impl Roll {
    fn bytes(&self) -> u64 {
        self.pictures.iter().map(|kept| kept.bytes).sum()
    }
}

/// Takes out what is too much, by the folder of its entity.
pub(super) fn take_surplus(
    rolls: &mut BTreeMap<String, Roll>,
    PictureSettings { keep, bytes: bytes_max }: &PictureSettings,
) -> Vec<(String, Kept)> {
    let mut gone: Vec<(String, Kept)> = Vec::new();
    for (place, roll) in rolls.iter_mut() {
        let over = roll.pictures.len().saturating_sub(*keep as usize);
        gone.extend(roll.pictures.drain(..over).map(|kept| (place.clone(), kept)));
    }
    let mut of_place: BTreeMap<&str, u64> = BTreeMap::new();
    let mut of_owner: HashMap<Arc<str>, u64> = HashMap::new();
    for (place, roll) in &*rolls {
        of_place.insert(place, roll.bytes());
        *of_owner.entry(roll.owner.clone()).or_default() += roll.bytes();
    }
    let mut bytes: u64 = of_place.values().sum();
    let mut surplus: BTreeMap<String, usize> = BTreeMap::new();
    while bytes > *bytes_max {
        // Of two with the same, whoever has the oldest picture.
        let left = |place: &str| rolls.get(place)?.pictures.get(surplus.get(place).copied().unwrap_or(0));
        let most = of_place.iter().filter_map(|(place, size)| {
            let (owner, oldest) = (&rolls.get(*place)?.owner, left(place)?);
            Some(((of_owner.get(owner)?, size, Reverse(oldest.time_ms)), *place, owner.clone(), oldest.bytes))
        });
        let Some((_, place, owner, size)) = most.max_by_key(|(rank, ..)| *rank) else { break };
        *surplus.entry(place.to_owned()).or_default() += 1;
        bytes -= size;
        for part in [of_place.get_mut(place), of_owner.get_mut(&owner)].into_iter().flatten() {
            *part -= size;
        }
    }
    for (place, count) in surplus {
        if let Some(roll) = rolls.get_mut(&place) {
            gone.extend(roll.pictures.drain(..count).map(|kept| (place.clone(), kept)));
        }
    }
    rolls.retain(|_, roll| !roll.pictures.is_empty());
    gone
}

#[cfg(test)]
mod tests {
    use devices::PictureKind;

    use super::*;

    /// Pictures by entity: its owner, and the times and bytes of its pictures.
    type Rolls<'a> = &'a [(&'a str, &'a str, &'a [(i64, u64)])];

    #[test]
    fn whoever_has_most_gives_first() {
        fn check(rolls: Rolls, (keep, bytes): (u32, u64), expected: &[(&str, &[i64])]) {
            let roll = |owner: &str, pictures: &[(i64, u64)]| Roll {
                owner: owner.into(),
                pictures: pictures
                    .iter()
                    .map(|&(time_ms, bytes)| Kept { time_ms, id: 1, kind: PictureKind::Jpeg, bytes })
                    .collect(),
            };
            let mut kept: BTreeMap<String, Roll> = rolls
                .iter()
                .map(|(place, owner, pictures)| ((*place).to_owned(), roll(owner, pictures)))
                .collect();
            let before: usize = kept.values().map(|roll| roll.pictures.len()).sum();
            let gone = take_surplus(&mut kept, &PictureSettings { keep, bytes });
            let times = |roll: &Roll| roll.pictures.iter().map(|kept| kept.time_ms).collect::<Vec<_>>();
            let left: Vec<(&str, Vec<i64>)> =
                kept.iter().map(|(place, roll)| (place.as_str(), times(roll))).collect();
            let expected: Vec<(&str, Vec<i64>)> =
                expected.iter().map(|(place, times)| (*place, times.to_vec())).collect();
            assert_eq!(left, expected, "{rolls:?}");
            assert_eq!(left.iter().map(|(_, times)| times.len()).sum::<usize>() + gone.len(), before);
        }
        // Its number, then nothing more.
        check(&[("a", "u", &[(1, 5), (2, 5), (3, 5)])], (2, 100), &[("a", &[2, 3])]);
        // One picture, the oldest of all, beside a flood.
        check(
            &[("door", "door", &[(1, 5)]), ("flood", "flood", &[(2, 5), (3, 5), (4, 5), (5, 5)])],
            (9, 15),
            &[("door", &[1]), ("flood", &[4, 5])],
        );
        // Many cameras of one credential are no more than one.
        check(
            &[
                ("door", "door", &[(1, 5), (9, 5)]),
                ("x", "flood", &[(2, 5)]),
                ("y", "flood", &[(3, 5)]),
                ("z", "flood", &[(4, 5)]),
            ],
            (9, 20),
            &[("door", &[1, 9]), ("y", &[3]), ("z", &[4])],
        );
        // Of one credential the camera that has most gives.
        check(
            &[("quiet", "u", &[(1, 5)]), ("wild", "u", &[(2, 5), (3, 5)])],
            (9, 10),
            &[("quiet", &[1]), ("wild", &[3])],
        );
        // Of the same size the oldest goes.
        check(&[("a", "a", &[(2, 5)]), ("b", "b", &[(1, 5)])], (9, 5), &[("a", &[2])]);
        check(&[("a", "a", &[(2, 5)])], (9, 4), &[]);
    }
}
