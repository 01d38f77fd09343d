//! Changes of texts that break readers more often than random bytes do: of bytes, lines, words and numbers, of whole subtrees of
//! YAML, of what two texts have, and of size and depth.

/// Pieces that mean something in YAML, JSON, CSV or an expression.
const PIECES: &[&str] = &[
    "\t",
    "\n",
    "\r",
    "\r\n",
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
    "\\",
    "#",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "!!float ",
    "|\n",
    ">-\n",
    "---\n",
    "...\n",
    "? ",
    "null",
    "~",
    "true",
    "\u{feff}",
    "\0",
    "\u{e9}",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{2028}",
    "%",
    "±",
    "..",
    ":log5",
    "=",
    "<=",
    "!=",
    " in every window",
    " within 90s of rollout",
    " after 6m",
    "replicas",
    "rate: ",
    "open",
    "closed",
    "{ exponential: { mean: 1ms } }",
    "timeline",
    "expect",
    "inf",
    "nan",
];

/// Numbers at the ends of what types hold, and beyond.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "2",
    "0.1",
    "-0.0",
    "1e-9",
    "1e308",
    "1e400",
    "-1e400",
    "5e-324",
    "NaN",
    ".nan",
    "inf",
    ".inf",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "0x10",
    "1_000",
    "1ns",
    "0.9ns",
    "584y",
    "292h",
    "9999999h",
    "100%",
    "101%",
    "1e3%",
    "00",
    "007",
];

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x0123_4567_89ab_cdef))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// An item of the corpus after one to six changes.
pub fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random.of(corpus).clone();
    for _ in 0..=random.below(6) {
        match random.below(10) {
            0 | 1 => of_bytes(random, &mut bytes),
            2 => of_lines(random, &mut bytes),
            3 => replace(random, &mut bytes, |b| b.is_ascii_digit() || b".-".contains(&b), NUMBERS),
            4 => replace(random, &mut bytes, |b| b.is_ascii_alphanumeric() || b"_.".contains(&b), PIECES),
            5 => word_of_another(random, &mut bytes, corpus),
            6 => splice(random, &mut bytes, corpus),
            7 => subtree_of_another(random, &mut bytes, corpus),
            8 => key_twice(random, &mut bytes),
            _ => grow(random, &mut bytes),
        }
    }
    bytes
}

fn of_bytes(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(12)).min(bytes.len());
    match random.below(5) {
        0 => drop(bytes.drain(at..end)),
        1 => drop(bytes.splice(at..end, random.of(PIECES).bytes())),
        2 => drop(bytes.splice(at..at, random.of(PIECES).bytes())),
        3 if random.below(4) == 0 => bytes.truncate(at),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').collect()
}

fn of_lines(random: &mut Random, bytes: &mut Vec<u8>) {
    let mut all = lines(bytes);
    if all.is_empty() {
        return;
    }
    let (a, b) = (random.below(all.len()), random.below(all.len()));
    match random.below(3) {
        0 => drop(all.remove(a)),
        1 => all.insert(b, all[a]),
        _ => all.swap(a, b),
    }
    *bytes = all.concat();
}

/// The bounds of some word of such bytes.
fn word(random: &mut Random, bytes: &[u8], inside: impl Fn(u8) -> bool) -> Option<(usize, usize)> {
    let from = random.below(bytes.len());
    let start = (from..bytes.len()).find(|i| inside(bytes[*i]))?;
    let start = (0..start).rev().take_while(|i| inside(bytes[*i])).last().unwrap_or(start);
    let end = (start..bytes.len()).find(|i| !inside(bytes[*i])).unwrap_or(bytes.len());
    Some((start, end))
}

fn replace(random: &mut Random, bytes: &mut Vec<u8>, inside: impl Fn(u8) -> bool, by: &[&str]) {
    if let Some((start, end)) = word(random, bytes, inside) {
        bytes.splice(start..end, random.of(by).bytes());
    }
}

fn word_of_another(random: &mut Random, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let inside = |b: u8| !b" \n,:{}[]\"=".contains(&b);
    let other = random.of(corpus);
    if let (Some((a, b)), Some((c, d))) = (word(random, bytes, inside), word(random, other, inside)) {
        bytes.splice(a..b, other[c..d].iter().copied());
    }
}

/// The first part of this, and the last part of another.
fn splice(random: &mut Random, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let other = random.of(corpus);
    let (at, from) = (random.below(bytes.len() + 1), random.below(other.len() + 1));
    bytes.truncate(at);
    bytes.extend(&other[from..]);
}

/// The lines of a block: one, and those below it that stand further to the right.
fn block(random: &mut Random, all: &[&[u8]]) -> (usize, usize) {
    let depth = |line: &[u8]| line.iter().take_while(|b| **b == b' ' || **b == b'-').count();
    let from = random.below(all.len());
    let inner = all[from + 1..].iter().take_while(|line| depth(line) > depth(all[from])).count();
    (from, from + 1 + inner)
}

/// A subtree in place of another: in block style by indentation, in flow style by brackets.
fn subtree_of_another(random: &mut Random, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let other = random.of(corpus);
    if random.below(2) == 0 {
        let (mine, theirs) = (lines(bytes), lines(other));
        if !mine.is_empty() && !theirs.is_empty() {
            let ((a, b), (c, d)) = (block(random, &mine), block(random, &theirs));
            *bytes = [&mine[..a], &theirs[c..d], &mine[b..]].concat().concat();
        }
    } else if let (Some((a, b)), Some((c, d))) = (bracketed(random, bytes), bracketed(random, other)) {
        bytes.splice(a..b, other[c..d].iter().copied());
    }
}

/// The bounds of some `{…}` or `[…]`.
fn bracketed(random: &mut Random, bytes: &[u8]) -> Option<(usize, usize)> {
    let from = random.below(bytes.len());
    let start = (from..bytes.len()).find(|i| b"{[".contains(&bytes[*i]))?;
    let mut depth = 0u32;
    for (i, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return Some((start, i + 1)),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// `key: value, key: value`.
fn key_twice(random: &mut Random, bytes: &mut Vec<u8>) {
    let from = random.below(bytes.len());
    let Some(colon) = (from..bytes.len()).find(|i| bytes[*i] == b':') else { return };
    let start = (0..colon).rev().find(|i| b"{,\n ".contains(&bytes[*i])).map_or(0, |i| i + 1);
    let end = (colon..bytes.len()).find(|i| b",}\n".contains(&bytes[*i])).unwrap_or(bytes.len());
    let mut again = bytes[start..end].to_vec();
    again.extend(if bytes.get(end) == Some(&b'\n') { &b"\n"[..] } else { b", " });
    bytes.splice(start..start, again);
}

/// A piece many times over: long words, long lists, deep nesting.
fn grow(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    let length = 1 + random.below(16);
    let own = bytes[at..(at + length).min(bytes.len())].to_vec();
    let fixed: [&[u8]; 8] = [b"[", b"{a: ", b"- ", b"a.", b" ", b"9", b"a,", b"\\\""];
    let piece = if random.below(2) == 0 { own } else { random.of(&fixed).to_vec() };
    // Mostly small: what is large takes the time of many.
    let most = if random.below(32) == 0 { 1 << 15 } else { 200 };
    let times = random.below(most) / piece.len().max(1) + 1;
    bytes.splice(at..at, piece.repeat(times));
}
