//! Processor time and memory of this process, as Linux tells them.
#![allow(dead_code, reason = "each bench uses a part")]

use std::fs;
use std::time::Instant;

/// Measures processor time: what other programs do meanwhile counts for less than with a clock on the wall.
pub struct Meter {
    cpu: Option<f64>,
    wall: Instant,
}

impl Meter {
    pub fn start() -> Meter {
        Meter { cpu: cpu_seconds(), wall: Instant::now() }
    }

    /// Seconds of processor time; of the wall's clock where there is no `/proc`.
    pub fn seconds(&self) -> f64 {
        match (self.cpu, cpu_seconds()) {
            (Some(before), Some(now)) => now - before,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

fn cpu_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

/// The largest resident memory so far in MB; NaN where there is no `/proc`.
pub fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kb.map_or(f64::NAN, |kb| kb / 1024.0)
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
