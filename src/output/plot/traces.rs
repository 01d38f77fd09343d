//! The rows of an outcome, arranged for drawing: per pod a value per bin of time, cohorts of pods, and the phases of the run
//! in which the same pods were Ready. Numbers are taken as the output folder keeps them (rounded), so that a picture drawn
//! again from the folder is the same bytes.

use std::collections::BTreeMap;

use super::palette::{self, Rgb};
use crate::metrics::outcome::{EventKind, Outcome, WindowRow};
use crate::output::csv;
use crate::words::{self, rounded};

/// More points than this in a row are merged: a figure has about this many pixels.
const BINS_MOST: usize = 180;
/// More pods than this are not drawn one by one.
pub(super) const PODS_MOST: usize = 24;
/// How many are, then.
pub(super) const PODS_TOP: usize = 14;
/// More lines than this hide each other.
pub(super) const LINES_MOST: usize = 4;
/// More colours than this are no longer told apart: then those that stand out have theirs, the others paler ones.
pub(super) const COLOURS_MOST: usize = 8;
/// A pod that stands out gets so many times the even share, or is starved.
const HOT: f64 = 1.5;
/// A pod below this part of the even share is called starved.
pub(super) const STARVED: f64 = 0.5;

/// A run, arranged for drawing.
pub(super) struct Traces {
    /// Width of a bin in seconds.
    pub bin_s: f64,
    /// Width of a window in seconds; a bin is one or more windows.
    pub window_s: f64,
    pub end_s: f64,
    pub warmup_s: f64,
    /// Number of bins.
    pub bins: usize,
    /// In order of creation, as in the summary.
    pub pods: Vec<PodTrace>,
    /// Per bin: calls that failed without having reached a connection, or on the way to a pod that was gone.
    pub unplaced: Vec<u64>,
    pub phases: Vec<Phase>,
    /// How many cohorts of pods there are.
    pub cohorts: usize,
}

/// One pod over time.
pub(super) struct PodTrace {
    pub name: String,
    pub colour: Rgb,
    /// Its colour as an area, beside many others.
    pub fill: Rgb,
    pub cohort: usize,
    /// When its cohort came, in words.
    pub cohort_name: String,
    pub requests: u64,
    /// Gone before the end.
    pub gone: bool,
    /// A value per bin; `None` where the pod did not exist.
    pub bins: Vec<Option<Bin>>,
}

/// One pod in one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bin {
    /// Messages of streams among them.
    pub requests: u64,
    /// Calls that failed here or on the way to it.
    pub errors: u64,
    /// At the end of the bin.
    pub connections: u32,
    /// The largest of the bin's windows: quantiles cannot be averaged.
    pub p50_ms: Option<f64>,
    /// The largest of the bin's windows.
    pub p99_ms: Option<f64>,
    /// Sum over the bin's windows, and how many have it.
    busy: (f64, u32),
}

impl Bin {
    /// The mean part of its slots that was busy; `None` if the pod was not Ready throughout any of the bin's windows.
    pub(super) fn utilization(&self) -> Option<f64> {
        (self.busy.1 > 0).then(|| self.busy.0 / f64::from(self.busy.1))
    }
}

/// A stretch of the measured time in which the same pods were Ready.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Phase {
    pub from_s: f64,
    pub to_s: f64,
    /// The pods that were Ready, and the requests that each received.
    pub pods: Vec<(usize, u64)>,
}

impl Phase {
    /// Requests that its Ready pods received.
    pub(super) fn requests(&self) -> u64 {
        self.pods.iter().map(|p| p.1).sum()
    }

    /// The share of each Ready pod, if there is any load.
    pub(super) fn shares(&self) -> Option<Vec<(usize, f64)>> {
        let sum = self.requests();
        (sum > 0).then(|| self.pods.iter().map(|&(pod, n)| (pod, n as f64 / sum as f64)).collect())
    }

    /// Pods with less than [`STARVED`] of the even share, where an even share would be at least 20 requests.
    pub(super) fn starved(&self) -> Vec<usize> {
        let even = self.requests() as f64 / self.pods.len().max(1) as f64;
        let starved = |n: u64| even >= 20.0 && (n as f64) < STARVED * even;
        self.pods.iter().filter(|p| starved(p.1)).map(|p| p.0).collect()
    }
}

impl Traces {
    pub(super) fn of(outcome: &Outcome) -> Traces {
        let end_s = rounded(outcome.end_s, csv::TIME).max(1e-9);
        let window_s = rounded(outcome.window_s, csv::TIME).min(end_s);
        let window_s = if window_s > 0.0 { window_s } else { end_s };
        let index = |row: &WindowRow| (rounded(row.time_s, csv::TIME) / window_s).round() as usize;
        let windows = outcome.windows.iter().map(index).max().map_or(0, |last| last + 1);
        let merged = windows.div_ceil(BINS_MOST).max(1);
        let mut traces = Traces {
            bin_s: window_s * merged as f64,
            window_s,
            end_s,
            warmup_s: rounded((end_s - outcome.summary.measured_s).max(0.0), csv::TIME),
            bins: windows.div_ceil(merged),
            pods: Vec::new(),
            unplaced: vec![0; windows.div_ceil(merged)],
            phases: Vec::new(),
            cohorts: 0,
        };
        traces.pods = pods(outcome, traces.bins);
        traces.cohorts = traces.pods.iter().map(|p| p.cohort + 1).max().unwrap_or(0);
        for row in &outcome.windows {
            traces.add(index(row) / merged, row);
        }
        traces.phases = traces.find_phases(&outcome.windows);
        traces.mute();
        traces
    }

    /// Makes pods paler that do not stand out at the end, if there are many then and some do.
    fn mute(&mut self) {
        let Some(phase) = self.phases.last() else { return };
        let (starved, shares) = (phase.starved(), phase.shares().unwrap_or_default());
        let hot = shares.iter().filter(|share| share.1 * shares.len() as f64 >= HOT).map(|share| share.0);
        let out: Vec<usize> = hot.chain(starved).collect();
        if out.is_empty() || phase.pods.len() <= COLOURS_MOST {
            return;
        }
        for (_, pod) in self.pods.iter_mut().enumerate().filter(|(i, _)| !out.contains(i)) {
            pod.fill = palette::paler(pod.colour);
        }
    }

    fn add(&mut self, bin: usize, row: &WindowRow) {
        let Some(pod) = row.pod else {
            self.unplaced[bin] += row.errors;
            return;
        };
        let Some(slot) = self.pods.get_mut(pod as usize).and_then(|p| p.bins.get_mut(bin)) else { return };
        let larger = |a: Option<f64>, b: Option<f64>| match (a, b.map(|b| rounded(b, csv::LATENCY))) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        let bin = slot.get_or_insert_default();
        bin.requests += work(row);
        bin.errors += row.errors;
        bin.connections = row.connections;
        bin.p50_ms = larger(bin.p50_ms, row.latency_p50_ms);
        bin.p99_ms = larger(bin.p99_ms, row.latency_p99_ms);
        if let Some(busy) = row.utilization {
            bin.busy = (bin.busy.0 + rounded(busy, csv::RATIO), bin.busy.1 + 1);
        }
    }

    /// All calls that failed in a bin.
    pub(super) fn failed(&self, bin: usize) -> u64 {
        self.unplaced[bin] + self.pods.iter().filter_map(|p| p.bins[bin]).map(|b| b.errors).sum::<u64>()
    }

    /// Middle of a bin, in seconds: the last one may be cut by the end of the run.
    pub(super) fn middle(&self, bin: usize) -> f64 {
        (self.from(bin) + self.to(bin)) / 2.0
    }

    /// Start of a bin, in seconds.
    pub(super) fn from(&self, bin: usize) -> f64 {
        (bin as f64 * self.bin_s).min(self.end_s)
    }

    /// End of a bin, in seconds.
    pub(super) fn to(&self, bin: usize) -> f64 {
        ((bin + 1) as f64 * self.bin_s).min(self.end_s)
    }

    /// The last phase: the state in which the run ended.
    pub(super) fn last_phase(&self) -> Option<&Phase> {
        self.phases.last()
    }

    /// Stretches of at least three windows and 3 % of the measured time with the same Ready pods, without the window in
    /// which the pods changed.
    fn find_phases(&self, rows: &[WindowRow]) -> Vec<Phase> {
        let mut found: Vec<(Phase, usize)> = Vec::new();
        let mut before: Option<Vec<usize>> = None;
        for window in rows.chunk_by(|a, b| a.time_s == b.time_s) {
            let from_s = rounded(window[0].time_s, csv::TIME);
            let to_s = (from_s + self.window_s).min(self.end_s);
            let ready: Vec<&WindowRow> = window.iter().filter(|r| r.state == "ready").collect();
            let now: Vec<usize> = ready.iter().filter_map(|r| r.pod).map(|pod| pod as usize).collect();
            let changed = before.as_ref().is_some_and(|pods| *pods != now);
            if changed || before.is_none() {
                found.push((Phase { from_s, to_s, pods: now.iter().map(|&pod| (pod, 0)).collect() }, 0));
            }
            before = Some(now);
            let Some((phase, windows)) = found.last_mut() else { continue };
            if changed || from_s < self.warmup_s - 1e-9 {
                continue;
            }
            if *windows == 0 {
                phase.from_s = from_s;
            }
            *windows += 1;
            phase.to_s = to_s;
            for (sum, row) in phase.pods.iter_mut().zip(ready) {
                sum.1 += work(row);
            }
        }
        let least = 0.03 * (self.end_s - self.warmup_s);
        let lasting = |p: &Phase, windows: usize| windows >= 3 && p.to_s - p.from_s >= least && !p.pods.is_empty();
        found.into_iter().filter(|(p, windows)| lasting(p, *windows)).map(|(p, _)| p).collect()
    }
}

/// What a pod received in a window: requests, and messages of streams, each of which is work as a request is.
fn work(row: &WindowRow) -> u64 {
    row.requests + row.messages
}

/// The summary's pods with their cohorts and colours. A cohort is the pods of one server that came after the same change.
fn pods(outcome: &Outcome, bins: usize) -> Vec<PodTrace> {
    let changes: Vec<f64> = outcome
        .events
        .iter()
        .filter(|e| matches!(e.kind, EventKind::Rollout | EventKind::Scale | EventKind::Delete))
        .map(|e| rounded(e.time_s, csv::TIME))
        .collect();
    let key = |server: &str, created: f64| (server.to_owned(), changes.iter().filter(|&&at| at <= created).count());
    let summary = &outcome.summary.pods;
    let keys: Vec<_> = summary.iter().map(|p| key(&p.server, rounded(p.created_s, csv::TIME))).collect();
    let mut cohorts: Vec<&(String, usize)> = Vec::new();
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    let mut places = Vec::new();
    for key in &keys {
        let cohort = cohorts.iter().position(|c| *c == key).unwrap_or_else(|| {
            cohorts.push(key);
            cohorts.len() - 1
        });
        let size = sizes.entry(cohort).or_default();
        places.push((cohort, *size));
        *size += 1;
    }
    let trace = |(pod, &(cohort, i)): (&crate::metrics::outcome::PodSummary, &(usize, usize))| {
        let colour = palette::pod(cohort, cohorts.len(), i, sizes.get(&cohort).copied().unwrap_or(1));
        PodTrace {
            name: pod.pod.clone(),
            colour,
            fill: colour,
            cohort,
            cohort_name: cohort_name(pod.created_s, cohort),
            requests: pod.requests + pod.messages,
            gone: pod.deleted_s.is_some(),
            bins: vec![None; bins],
        }
    };
    summary.iter().zip(&places).map(trace).collect()
}

fn cohort_name(created_s: f64, cohort: usize) -> String {
    if cohort == 0 { "from the start".into() } else { format!("created from {} on", words::duration(created_s)) }
}
