//! Announcements and reports of any kind, at a home that understands all firmwares.
//!
//! Input: a message a line: one byte of how, the topic, a tab, the payload. What must hold is in [`super::world`].
//! How, by the bits of the byte, so that `0` is a fresh message of a board:
//! - 1: a retained message that comes again;
//! - 2 and 4: whose it is, of [`USERS`];
//! - 8: then 100 s pass;
//! - 64: it is said once for each number up to 620 in the place of every `%n`, more than a device may announce.
//!   Only the first such line of an input, for it takes long.

use super::world::{USERS, World};

/// A longer program says nothing that two shorter ones do not.
const MESSAGES_MAX: usize = 64;
const MANY: usize = 620;

pub fn announcement(data: &[u8]) {
    let mut world = World::built_in();
    let mut may_be_many = true;
    for line in data.split(|byte| *byte == b'\n').take(MESSAGES_MAX) {
        let Some((how, rest)) = line.split_first() else { continue };
        let tab = rest.iter().position(|byte| *byte == b'\t').unwrap_or(rest.len());
        let (topic, payload) =
            (String::from_utf8_lossy(&rest[..tab]), rest.get(tab + 1..).unwrap_or_default());
        let (user, fresh) = (USERS[usize::from(how >> 1 & 3)], how & 1 == 0);
        if how & 64 != 0 && std::mem::take(&mut may_be_many) {
            for n in (0..MANY).map(|n| n.to_string()) {
                let payload = String::from_utf8_lossy(payload).replace("%n", &n);
                world.say(user, &topic.replace("%n", &n), payload.as_bytes(), fresh);
            }
        } else {
            world.say(user, &topic, payload, fresh);
        }
        if how & 8 != 0 {
            world.pass(100_000);
        }
    }
    world.end();
}
