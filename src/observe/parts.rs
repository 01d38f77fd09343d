//! The parts of a run that expectations are about.

use crate::metrics::part::{Part, PartRequests};
use crate::metrics::skew;
use crate::scenario::model::{Expectation, Model, When};
use crate::units::{Span, Time};

use super::finish::{REQUESTS_PER_POD, latency_ms};
use super::histogram::Tally;
use super::windows::Window;

/// True if some expectation asks for latencies of a part.
pub(super) fn ask_for_latencies(model: &Model) -> bool {
    let asks = |e: &Expectation| e.when != When::WholeRun && e.path.first().is_some_and(|step| step == "latency_ms");
    model.expect.iter().any(asks)
}

/// By expectation: the parts in which it must hold; none for those of the whole run.
pub(super) fn parts(model: &Model, windows: &[Window], end: Time) -> Vec<Vec<Part>> {
    model.expect.iter().map(|e| of(e, model, windows, end)).collect()
}

fn of(expectation: &Expectation, model: &Model, windows: &[Window], end: Time) -> Vec<Part> {
    let warmup = Time::ZERO + model.warmup;
    let between = |from: Time, to: Time| {
        let inside: Vec<&Window> = windows.iter().filter(|w| w.from >= from.max(warmup) && w.to <= to).collect();
        (!inside.is_empty()).then(|| part(&inside))
    };
    match expectation.when {
        When::WholeRun => Vec::new(),
        When::After(span) => between(Time::ZERO + span, end).into_iter().collect(),
        When::EveryWindow => {
            let full = windows.iter().filter(|w| w.from >= warmup && !w.partial);
            full.map(part_of_window).collect()
        }
        When::Within { span, change } => {
            let moves: Vec<_> = model.timeline.iter().filter(|a| a.what.moves_connections()).collect();
            let next = |at: Time| moves.iter().map(|a| a.at).find(|t| *t > at).unwrap_or(end);
            let asked = moves.iter().filter(|a| a.at >= warmup && change.is_none_or(|word| a.what.word() == word));
            asked.filter_map(|a| between(a.at + span, next(a.at))).collect()
        }
    }
}

/// A window with too few requests says nothing of skew.
fn part_of_window(window: &Window) -> Part {
    let mut part = part(&[window]);
    let ready = window.ready_loads().loads;
    let total: u64 = ready.iter().map(|l| l.1).sum();
    if total < REQUESTS_PER_POD * ready.len() as u64 {
        part.skew = Default::default();
    }
    part
}

fn part(windows: &[&Window]) -> Part {
    let mut pods: Vec<(u32, u64, Span)> = Vec::new();
    let mut latency = Tally::default();
    let mut failed = 0;
    for window in windows {
        failed += window.unplaced + window.cells.iter().map(|c| c.errors).sum::<u64>();
        for cell in &window.cells {
            if let Some(tally) = &cell.latency {
                latency.merge(tally);
            }
            if !cell.sample.ready_throughout {
                continue;
            }
            let id = cell.sample.pod.0;
            let at = pods.binary_search_by_key(&id, |p| p.0).unwrap_or_else(|at| {
                pods.insert(at, (id, 0, Span::ZERO));
                at
            });
            pods[at].1 += cell.requests;
            pods[at].2 = pods[at].2 + window.length();
        }
    }
    let rates: Vec<f64> = pods.iter().filter(|p| p.2 > Span::ZERO).map(|p| p.1 as f64 / p.2.as_secs_f64()).collect();
    Part { skew: skew::figures(&rates), requests: PartRequests { failed }, latency_ms: latency_ms(&latency) }
}
