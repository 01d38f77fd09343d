//! The fuzz target of the scenario reader, on stable Rust: good scenarios are mutated by a fixed sequence of random numbers.
//! `EVENKEEL_FUZZ_CASES=10000000 cargo test --release --test fuzz_reader` runs longer.

#[path = "../fuzz/entry.rs"]
mod entry;

use proptest::prelude::*;

const DEFAULT_CASES: u64 = 3_000;

/// Scenarios that between them use every key.
const SEEDS: [&str; 4] = [
    evenkeel::scenario::STARTER,
    include_str!("reader/everything-grpc.yaml"),
    include_str!("reader/everything-http1.yaml"),
    "name: a\0clients.0.policy=round_robin\0servers.api.replicas=10",
];

/// Pieces that break things more often than random bytes do.
const PIECES: [&str; 36] = [
    "\t",
    "\n",
    " ",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    "\"",
    "#",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "|\n",
    "---\n",
    "null",
    "~",
    "-1",
    "1e400",
    ".nan",
    "99999999999999999999",
    "0",
    "5s",
    "101%",
    "\u{feff}",
    "\0",
    "\u{e9}",
    "%",
    "replicas",
    "rate: ",
    "open",
];

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

fn mutate(random: &mut Random) -> Vec<u8> {
    let mut bytes = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(12)).min(bytes.len());
        match random.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
            2 => drop(bytes.splice(at..end, PIECES[random.below(PIECES.len())].bytes())),
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copy));
            }
            4 => bytes.truncate(at),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    bytes
}

#[test]
fn mutated_scenarios_never_break_the_reader() {
    let cases = std::env::var("EVENKEEL_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(DEFAULT_CASES);
    for case in 0..cases {
        let bytes = mutate(&mut Random(case.wrapping_mul(0x0123_4567_89ab_cdef)));
        // A panic must tell its input.
        if std::panic::catch_unwind(|| entry::read(&bytes)).is_err() {
            panic!("case {case}: {:?}", String::from_utf8_lossy(&bytes));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        entry::read(&bytes);
    }

    #[test]
    fn arbitrary_text_never_breaks_the_reader(text in "\\PC{0,200}") {
        entry::read(text.as_bytes());
    }

    #[test]
    fn arbitrary_values_never_break_the_reader(key in "[a-z_]{1,12}", value in "\\PC{0,40}") {
        entry::read(format!("name: a\nservers: [{{ name: b, {key}: {value} }}]\nclients:\n- name: c\n  {key}: {value}\n").as_bytes());
        entry::read(format!("{}\0servers.api.{key}={value}\0{key}={value}", evenkeel::scenario::STARTER).as_bytes());
    }
}
