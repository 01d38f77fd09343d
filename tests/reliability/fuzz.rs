//! The targets of `fuzz/entry.rs` on stable Rust: what is in `fuzz/corpus`, as it is and changed in ways that break things more
//! often than random bytes do. `EVENKEEL_FUZZ_SECONDS=3600 cargo test --test reliability fuzz` runs longer; the sequence of
//! changes is fixed, unless `EVENKEEL_SEED` says otherwise.
//!
//! The input that is tried is in a file in the temporary folder, so that it is there when the process is gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::mutate::{Random, mutate};
use super::stack::on_a_main_stack;

#[path = "../../fuzz/entry.rs"]
mod entry;

/// For each target, unless `EVENKEEL_FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 2;
/// No input takes so long, in three tries: other programs may be in the way of one.
const PATIENCE: Duration = Duration::from_secs(5);

/// In MiB: all of them together have far less.
const MEMORY: u64 = 1_024;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("a corpus").map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| fs::read(path).expect("reads")).collect()
}

/// The most memory that this process has had, in MiB; nothing where the system does not tell.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) >> 10
}

/// Tries an input; says what is wrong with it, if something is.
fn wrong(entry: entry::Entry, input: &[u8], file: &Path) -> Option<&'static str> {
    fs::write(file, input).expect("a temporary file");
    for _ in 0..3 {
        let begun = Instant::now();
        if std::panic::catch_unwind(|| entry(input)).is_err() {
            return Some("panics");
        }
        if peak() > MEMORY {
            return Some("takes too much memory (or one that another target tries does)");
        }
        if begun.elapsed() < PATIENCE {
            return None;
        }
    }
    Some("takes too long")
}

fn hunt(target: &'static str) {
    on_a_main_stack(move || hunts(target));
}

fn hunts(target: &str) {
    let entry = entry::TARGETS.iter().find(|t| t.0 == target).expect("a target").1;
    let corpus = corpus(target);
    let file = std::env::temp_dir().join(format!("evenkeel-fuzz-{target}-{}", std::process::id()));
    let mut random = Random::new(from_environment("EVENKEEL_SEED", 1));
    let until = Instant::now() + Duration::from_secs(from_environment("EVENKEEL_FUZZ_SECONDS", SECONDS));
    let mut inputs = 0;
    // Where the format has changed, `fuzz/seed.sh` makes the corpus from the new one.
    assert!(corpus.iter().any(|input| entry(input)), "nothing in the corpus is accepted");
    let mut inner = |input: &[u8]| {
        inputs += 1;
        if let Some(what) = wrong(entry, input, &file) {
            let shown: String = input.escape_ascii().take(4_000).map(char::from).collect();
            panic!("{target}, input {inputs} {what}; it is in {}: {shown}", file.display());
        }
    };
    corpus.iter().for_each(|input| inner(input));
    while Instant::now() < until {
        let mut input = mutate(&mut random, &corpus);
        input.truncate(entry::MOST_BYTES);
        inner(&input);
    }
    let _ = fs::remove_file(&file);
    println!("{target}: {inputs} inputs, {} of them in the corpus", corpus.len());
}

#[test]
fn scenarios() {
    hunt("scenario");
}

#[test]
fn expressions() {
    hunt("expression");
}

#[test]
fn properties() {
    hunt("properties");
}

#[test]
fn folders_of_sweeps() {
    hunt("sweep");
}

#[test]
fn folders_of_runs() {
    hunt("result");
}

#[test]
fn rules() {
    hunt("rules");
}
