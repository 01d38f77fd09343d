//! The windows of a run, kept as integers until its end.

use std::collections::BTreeMap;

use crate::metrics::balance::ReadyLoads;
use crate::sim::observation::{Periods, PodId, PodSample};
use crate::sim::{WIDENS_AT, WIDENS_BY};
use crate::units::{Span, Time};

use super::histogram::Tally;

/// Where the width is not given, a run has at most this many windows in the end; meanwhile there are more, since widths go 1-2-5-10.
const MOST: usize = WIDENS_AT / WIDENS_BY;

/// A pod in a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub sample: PodSample,
    pub requests: u64,
    pub messages: u64,
    pub errors: u64,
    pub p50: Option<Span>,
    pub p99: Option<Span>,
    /// What the quantiles come from, where windows will be merged.
    pub latency: Option<Box<Tally>>,
}

impl Cell {
    /// What came: of streams their messages count, as they are what costs, and their openings.
    pub(super) fn load(&self) -> u64 {
        self.requests + self.messages
    }
}

/// A window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    pub from: Time,
    pub to: Time,
    pub partial: bool,
    /// In order of pod.
    pub cells: Vec<Cell>,
    /// Calls that failed without having reached a connection.
    pub unplaced: u64,
}

impl Window {
    /// The pods that were Ready throughout.
    pub(super) fn ready_loads(&self) -> ReadyLoads {
        let ready = self.cells.iter().filter(|c| c.sample.ready_throughout);
        let loads = ready.map(|c| (c.sample.pod, c.load())).collect();
        ReadyLoads { from: self.from, to: self.to, partial: self.partial, loads }
    }

    pub(super) fn length(&self) -> Span {
        self.to.since(self.from)
    }
}

/// All windows of a run. With `merging`, windows come finer than wanted: whenever there are too many, ten of them become one, and
/// the engine's next ones are as wide; at the end as many are merged as leave at most `MOST`, by a factor of 1, 2, 5 or 10.
pub(super) struct Windows {
    list: Vec<Window>,
    pub merging: bool,
    /// Width of a window as it comes.
    width: Span,
}

impl Windows {
    pub(super) fn new(width: Span, merging: bool) -> Windows {
        Windows { list: Vec::new(), merging, width }
    }

    pub(super) fn push(&mut self, window: Window) {
        self.list.push(window);
        if self.merging && self.list.len() == WIDENS_AT {
            self.list = merge_by(std::mem::take(&mut self.list), WIDENS_BY);
            self.width = self.width * WIDENS_BY as u64;
        }
    }

    /// The windows as they shall be seen, and their width.
    pub(super) fn finish(self) -> (Vec<Window>, Span) {
        if !self.merging {
            return (self.list, self.width);
        }
        let factors = [1, 2, 5, 10];
        let factor = factors.into_iter().find(|f| self.list.len().div_ceil(*f) <= MOST).unwrap_or(WIDENS_BY);
        let width = self.width * factor as u64;
        (merge_by(self.list, factor), width)
    }
}

fn merge_by(list: Vec<Window>, factor: usize) -> Vec<Window> {
    if factor == 1 {
        return list;
    }
    let mut merged = Vec::with_capacity(list.len().div_ceil(factor));
    let mut list = list.into_iter().peekable();
    while list.peek().is_some() {
        let group: Vec<Window> = list.by_ref().take(factor).collect();
        let whole = group.len() == factor;
        merged.push(merge(group, whole));
    }
    merged
}

/// Several windows as one; `whole` if none is missing. Counts add up, samples are the last ones, and a pod was Ready
/// throughout if it was so in each.
fn merge(group: Vec<Window>, whole: bool) -> Window {
    let count = group.len();
    let from = group.first().map_or(Time::ZERO, |w| w.from);
    let to = group.last().map_or(from, |w| w.to);
    let partial = !whole || group.iter().any(|w| w.partial);
    let unplaced = group.iter().map(|w| w.unplaced).sum();
    let mut cells: BTreeMap<PodId, (usize, Cell)> = BTreeMap::new();
    for cell in group.into_iter().flat_map(|w| w.cells) {
        let ready = usize::from(cell.sample.ready_throughout);
        match cells.get_mut(&cell.sample.pod) {
            None => {
                cells.insert(cell.sample.pod, (ready, cell));
            }
            Some((times, sum)) => {
                *times += ready;
                add(sum, cell);
            }
        }
    }
    let finished = cells.into_values().map(|(times, mut cell)| {
        cell.sample.ready_throughout = times == count;
        cell.p50 = cell.latency.as_ref().and_then(|t| t.quantile(500));
        cell.p99 = cell.latency.as_ref().and_then(|t| t.quantile(990));
        cell
    });
    Window { from, to, partial, cells: finished.collect(), unplaced }
}

/// Adds the next window's cell of the same pod.
fn add(sum: &mut Cell, next: Cell) {
    let busy = sum.sample.busy + next.sample.busy;
    let (mine, theirs) = (sum.sample.periods, next.sample.periods);
    let periods = Periods { used: mine.used + theirs.used, throttled: mine.throttled + theirs.throttled };
    sum.sample = PodSample { busy, periods, ..next.sample };
    sum.requests += next.requests;
    sum.messages += next.messages;
    sum.errors += next.errors;
    match (&mut sum.latency, next.latency) {
        (Some(mine), Some(theirs)) => mine.merge(&theirs),
        (mine @ None, theirs) => *mine = theirs,
        (Some(_), None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::histogram::Histogram;
    use super::*;
    use crate::sim::observation::PodPhase;

    fn cell(pod: u32, ready_throughout: bool, requests: u64, latency_ns: u64) -> Cell {
        let sample = PodSample {
            pod: PodId(pod),
            phase: PodPhase::Ready,
            ready_throughout,
            connections: requests as u32,
            in_flight: 1,
            queued: 2,
            busy: Span(3),
            periods: Periods { used: 2, throttled: 1 },
        };
        let mut histogram = Histogram::default();
        histogram.record(Span(latency_ns));
        let mut tally = Tally::default();
        tally.add(&histogram);
        let (p50, p99) = (tally.quantile(500), tally.quantile(990));
        Cell { sample, requests, messages: 4, errors: 1, p50, p99, latency: Some(Box::new(tally)) }
    }

    fn run(n: usize, last_partial: bool) -> (Vec<Window>, Span) {
        let mut windows = Windows::new(Span(7), true);
        let end = 7 * n as u64 - u64::from(last_partial);
        let mut from = 0;
        while from < end {
            let to = (from + windows.width.0).min(end);
            let partial = to - from < windows.width.0;
            let steps = (to - from).div_ceil(7);
            let mut whole = cell(0, true, steps, 100 + from % 20);
            whole.sample.busy = Span(3 * steps);
            windows.push(Window { from: Time(from), to: Time(to), partial, cells: vec![whole], unplaced: 2 * steps });
            from = to;
        }
        windows.finish()
    }

    #[test]
    fn widths_go_one_two_five() {
        for (n, width, count) in [
            (1, 1, 1),
            (300, 1, 300),
            (301, 2, 151),
            (600, 2, 300),
            (601, 5, 121),
            (1_500, 5, 300),
            (1_501, 10, 151),
            (3_000, 10, 300),
            (3_001, 20, 151),
            (100_003, 500, 201),
        ] {
            let (windows, w) = run(n, false);
            assert_eq!((w, windows.len()), (Span(7 * width), count), "{n}");
            assert_eq!(windows.iter().map(|w| w.cells[0].requests).sum::<u64>(), n as u64);
            assert_eq!(windows.iter().map(|w| w.unplaced).sum::<u64>(), 2 * n as u64);
            assert_eq!(windows.iter().map(|w| w.cells[0].sample.busy.0).sum::<u64>(), 3 * n as u64);
            for pair in windows.windows(2) {
                assert_eq!((pair[0].to, pair[0].length(), pair[0].partial), (pair[1].from, w, false));
            }
            let last = &windows[count - 1];
            assert_eq!((last.to, last.partial), (Time(7 * n as u64), last.length() < w), "{n}");
        }
    }

    #[test]
    fn a_partial_window_makes_the_merged_one_partial() {
        for n in [1, 300, 301, 302, 3_000, 4_000] {
            let (windows, _) = run(n, true);
            assert_eq!(windows.iter().filter(|w| w.partial).count(), 1, "{n}");
            assert!(windows.last().is_some_and(|w| w.partial && w.to == Time(7 * n as u64 - 1)));
        }
    }

    #[test]
    fn cells_add_up() {
        let window = |from, cells| Window { from: Time(from), to: Time(from + 1), partial: false, cells, unplaced: 0 };
        let first = window(0, vec![cell(0, true, 5, 10), cell(1, true, 6, 20)]);
        let second = window(1, vec![cell(0, true, 7, 30), cell(1, false, 8, 40), cell(2, true, 9, 50)]);
        let merged = merge(vec![first, second], true);
        let ready: Vec<bool> = merged.cells.iter().map(|c| c.sample.ready_throughout).collect();
        assert_eq!(ready, [true, false, false], "pod 2 was not there in the first window");
        let pod = &merged.cells[0];
        assert_eq!((pod.requests, pod.errors, pod.sample.busy, pod.sample.connections), (12, 2, Span(6), 7));
        assert_eq!((pod.messages, pod.sample.periods), (8, Periods { used: 4, throttled: 2 }));
        assert_eq!((pod.p50, pod.p99), (Some(Span(10)), Some(Span(30))));
        assert_eq!(merged.ready_loads().loads, [(PodId(0), 20)], "requests and messages");
    }
}
