//! Replays the seeds of a fuzz target on a test run, and a bounded number of mutations of them that are the same in
//! each run. Every crate that has fuzz targets takes it in by its path.
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "an input that fails is printed, to be tried alone")]

use std::path::{Path, PathBuf};

/// Longest input made by mutation.
const BYTES_MAX: usize = 4_096;

/// Every seed, then `rounds` mutations. What was run last is named when it fails.
pub(crate) fn replay(target: &str, rounds: usize, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10, "the seeds in {} were not found", folder.display());
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    for (file, seed) in files.iter().zip(&seeds) {
        attempt(seed, &file.display().to_string(), run);
    }
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    for round in 0..rounds {
        let mutated = mutate(&seeds, &mut chance);
        attempt(&mutated, &format!("mutation {round}"), run);
    }
}

fn attempt(input: &[u8], name: &str, run: fn(&[u8])) {
    if let Err(why) = std::panic::catch_unwind(|| run(input)) {
        let bytes: String = input.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        println!("{name} fails: printf '{bytes}' > input");
        std::panic::resume_unwind(why);
    }
}

/// A seed with a few bytes flipped, a piece left out, or a piece of another put in.
fn mutate(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(4) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = chance.below(256) as u8,
            2 => drop(bytes.drain(at..bytes.len().min(at + chance.below(8)))),
            _ => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len() + 1);
                let piece = &other[from..other.len().min(from + chance.below(40))];
                drop(bytes.splice(at..at, piece.iter().copied()));
            }
        }
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

/// xorshift: the same numbers in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}
