//! The parts of a run that expectations are about.

use crate::metrics::part::{Part, PartRequests};
use crate::metrics::phase::Phase;
use crate::metrics::skew;
use crate::model::{Calm, Changes, Expectation, Model, PhaseOf, When};
use crate::narrow::usize_of;
use crate::sim::observation::PodId;
use crate::units::{Span, Time};

use super::finish::{REQUESTS_PER_POD, latency_ms};
use super::histogram::Tally;
use super::phases::words;
use super::windows::Window;

/// True if some expectation asks for what only the latencies of a part tell: those, or how many calls were answered in it.
pub(super) fn ask_for_latencies(model: &Model) -> bool {
    model.expect.iter().any(Expectation::asks_for_latencies)
}

/// By expectation: the parts in which it must hold; none for those of the whole run.
/// `slots` of a pod are those that can be in use all the time.
pub(super) fn parts(run: Run<'_>, windows: &[Window], slots: &dyn Fn(PodId) -> f64) -> Vec<Vec<Part>> {
    run.model.expect.iter().map(|e| of(e, run, windows, slots)).collect()
}

/// A run that is over.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub model: &'a Model,
    pub phases: &'a [Phase],
    pub end: Time,
}

/// The phases of these, in order.
fn of_phases(run: Run<'_>, which: PhaseOf) -> Vec<Part> {
    let part = |phase: &Phase| Part {
        skew: phase.skew.clone(),
        requests: PartRequests { failed: phase.failed },
        error_ratio: phase.error_ratio,
        latency_ms: phase.latency_ms.clone(),
        max_utilization: phase.max_utilization,
    };
    match which {
        PhaseOf::Number(number) => {
            run.phases.iter().skip((number as usize).saturating_sub(1)).take(1).map(part).collect()
        }
        PhaseOf::Change(lies, word) => {
            let changes = run.model.timeline.iter().map(|action| &action.what).filter(|what| what.moves_connections());
            let asked = changes.filter(|what| word.is_none_or(|word| what.word() == word));
            let names: Vec<String> = asked.map(|what| format!("{} {}", lies.word(), words(run.model, what))).collect();
            run.phases.iter().filter(|phase| names.contains(&phase.name)).map(part).collect()
        }
    }
}

fn of(expectation: &Expectation, run: Run<'_>, windows: &[Window], slots: &dyn Fn(PodId) -> f64) -> Vec<Part> {
    let Run { model, end, .. } = run;
    let warmup = Time::ZERO + model.warmup;
    let of_those = |which: &dyn Fn(&Window) -> bool| {
        let those: Vec<&Window> = windows.iter().filter(|w| w.from >= warmup && which(w)).collect();
        (!those.is_empty()).then(|| part(&those, slots))
    };
    let between = |from: Time, to: Time| of_those(&|w| w.from >= from && w.to <= to);
    match expectation.when {
        When::WholeRun => Vec::new(),
        When::Phase(which) => of_phases(run, which),
        When::After(span) => between(Time::ZERO + span, end).into_iter().collect(),
        When::EveryWindow => {
            let full = windows.iter().filter(|w| w.from >= warmup && !w.partial);
            full.map(|window| part_of_window(window, slots)).collect()
        }
        When::Within(changes) => {
            let spans = until_the_next(model, changes, end);
            spans.filter_map(|(at, next)| between(at + changes.span, next)).collect()
        }
        When::For(changes) => {
            let spans = until_the_next(model, changes, end);
            // The change may fall inside a window; its immediate effect is then in that window.
            let during = |at: Time, to: Time| of_those(&|w| w.to > at && w.from < to);
            spans.filter_map(|(at, next)| during(at, next.min(at + changes.span))).collect()
        }
        When::Longer(calm) => {
            let measured: Vec<&Window> = windows.iter().filter(|w| w.from >= warmup).collect();
            vec![part(&longer(&measured, calm), slots)]
        }
    }
}

/// The windows of the longer run that these stand for: those of its calm several times.
fn longer<'a>(windows: &[&'a Window], calm: Calm) -> Vec<&'a Window> {
    let (before, rest): (Vec<&Window>, Vec<&Window>) = windows.iter().partition(|w| w.to <= calm.before);
    let (after, between): (Vec<&Window>, Vec<&Window>) = rest.into_iter().partition(|w| w.from >= calm.after);
    [repeated(&before, calm.before_lasts), between, repeated(&after, calm.after_lasts)].concat()
}

/// Repeats windows of one width until they last this long; no window is repeated more than once more than another.
fn repeated<'a>(windows: &[&'a Window], lasts: Span) -> Vec<&'a Window> {
    let width = windows.first().map_or(1, |w| w.length().0.max(1));
    let copies = lasts.0 / width;
    let until = |i: usize| usize_of((copies * i as u64).checked_div(windows.len() as u64).unwrap_or(0));
    let times = |(i, window): (usize, &&'a Window)| std::iter::repeat_n(*window, until(i + 1) - until(i));
    windows.iter().enumerate().flat_map(times).collect()
}

/// When the changes are, and when the next one is that moves connections, or the end.
fn until_the_next(model: &Model, changes: Changes, end: Time) -> impl Iterator<Item = (Time, Time)> {
    let moves = || model.timeline.iter().filter(|a| a.what.moves_connections());
    let next = move |at: Time| moves().map(|a| a.at).find(|t| *t > at).unwrap_or(end);
    let asked = moves().filter(move |a| changes.word.is_none_or(|word| a.what.word() == word));
    let measured = asked.filter(|a| a.at >= Time::ZERO + model.warmup);
    measured.map(move |a| (a.at, next(a.at)))
}

/// A window with too few requests says nothing of skew.
fn part_of_window(window: &Window, slots: &dyn Fn(PodId) -> f64) -> Part {
    let mut part = part(&[window], slots);
    let ready = window.ready_loads().loads;
    let total: u64 = ready.iter().map(|l| l.1).sum();
    if total < REQUESTS_PER_POD * ready.len() as u64 {
        part.skew = Default::default();
    }
    part
}

/// What a pod did in a part, in the windows in which it was Ready throughout.
struct Pod {
    id: PodId,
    requests: u64,
    ready: Span,
    busy: Span,
}

fn part(windows: &[&Window], slots: &dyn Fn(PodId) -> f64) -> Part {
    let mut pods: Vec<Pod> = Vec::new();
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
            let id = cell.sample.pod;
            let at = pods.binary_search_by_key(&id.0, |p| p.id.0).unwrap_or_else(|at| {
                pods.insert(at, Pod { id, requests: 0, ready: Span::ZERO, busy: Span::ZERO });
                at
            });
            let pod = &mut pods[at];
            pod.requests += cell.load();
            pod.ready = pod.ready + window.length();
            pod.busy = pod.busy + cell.sample.busy;
        }
    }
    let pods: Vec<Pod> = pods.into_iter().filter(|p| p.ready > Span::ZERO).collect();
    let rates: Vec<f64> = pods.iter().map(|p| p.requests as f64 / p.ready.as_secs_f64()).collect();
    let utilization = |p: &Pod| (p.busy.as_secs_f64() / (p.ready.as_secs_f64() * slots(p.id))).min(1.0);
    let ended = failed + latency.count();
    Part {
        skew: skew::figures(&rates),
        requests: PartRequests { failed },
        error_ratio: (ended > 0).then(|| failed as f64 / ended as f64),
        latency_ms: latency_ms(&latency),
        max_utilization: pods.iter().map(utilization).reduce(f64::max),
    }
}
