//! One program for all targets: `EVENKEEL_FUZZ_TARGET` says which. `fuzz/run.sh` builds and runs it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../entry.rs"]
mod entry;

static ENTRY: LazyLock<entry::Entry> = LazyLock::new(|| {
    let name = std::env::var("EVENKEEL_FUZZ_TARGET").unwrap_or_default();
    match entry::TARGETS.iter().find(|target| target.0 == name) {
        Some((_, entry)) => *entry,
        None => panic!("EVENKEEL_FUZZ_TARGET is none of the targets in fuzz/entry.rs"),
    }
});

fuzz_target!(|bytes: &[u8]| {
    ENTRY(bytes);
});
