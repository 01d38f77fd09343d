//! The golden digests again, for node: the library without its program, on a target of 32 bits without an operating system.

use evenkeel::{experiment, scenario, shipped};

/// As in `tests/determinism.rs`.
const MUCH: &str = include_str!("../../golden/much.yaml");

fn line(i: usize) -> Result<String, String> {
    let all = shipped::all();
    let (name, text) = all.get(i).map_or(("tests/much", MUCH), |s| (s.name, s.text));
    let loaded = scenario::parse(name, text, None, &[]).map_err(|wrong| format!("{name}: {wrong}"))?;
    let run = experiment::run(&loaded, loaded.model.seed, false, None).map_err(|wrong| format!("{name}: {wrong}"))?;
    let summary = run.summary;
    Ok(format!("{name} {} {} {}", summary.digest, summary.arrivals_digest, summary.requests.started))
}

/// How many lines there are.
#[unsafe(no_mangle)]
pub extern "C" fn lines() -> u32 {
    shipped::all().len() as u32 + 1
}

/// The `i`-th line of the golden file: its address in the upper half, its length in the lower one. It is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn run(i: u32) -> u64 {
    let line = line(i as usize).unwrap_or_else(|wrong| wrong).leak();
    (line.as_ptr() as u64) << 32 | line.len() as u64
}
