//! `cargo +nightly fuzz run scenario -- -max_total_time=600`

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../entry.rs"]
mod entry;

fuzz_target!(|bytes: &[u8]| entry::read(bytes));
