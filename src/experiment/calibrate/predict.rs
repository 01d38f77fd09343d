//! Runs of the calibrated scenario beside what was measured.

use rayon::prelude::*;

use super::estimate::Found;
use super::readings::{Interval, Sums};
use super::{CalibrateError, Part, Predicted, Prediction, Question, Readings};
use crate::distribution::{standard_normal, unit};
use crate::experiment::run::{Taps, Watch, run_into};
use crate::model::Model;
use crate::observe::ConnectionSink;
use crate::observe::scrape::{Durations, PodMeter, Scraper, Scrapes};
use crate::random::{key_of, mix};
use crate::theory::buckets::Buckets;
use crate::units::Span;
use crate::words::duration;

/// A run whose shares are nearer than that, as a part of all calls, is kept.
const NEAR: f64 = 0.02;
/// If there are fewer of these, as many of the nearest are kept.
const FEWEST: usize = 20;
/// Shares of more pods are not laid beside each other.
const MOST_PODS: usize = 10;

/// What a run says of both parts of the time.
struct Said {
    fit: Sums,
    predict: Sums,
}

/// Runs the scenario, and lays it beside what was measured.
pub(super) fn predict(
    question: Question<'_>,
    part: Part,
    model: &Model,
    found: &Found,
    watch: Option<Watch<'_>>,
) -> Result<Prediction, CalibrateError> {
    let Question { readings, fit, runs, .. } = question;
    let lasts = model.duration.map_or(f64::INFINITY, |d| d.as_secs_f64());
    if lasts < part.to {
        return Err(CalibrateError::Question(format!(
            "the scenario lasts {}, and the part that is predicted ends {} after the first sample: add `--set duration={}s`, and \
             `--set timeline=null` if nothing was rolled out in that time",
            duration(lasts),
            duration(part.to),
            part.to.ceil()
        )));
    }
    let measured = readings.sums(part);
    if measured.calls().iter().sum::<f64>() <= 0.0 {
        let (from, to) = (part.from, part.to);
        return Err(CalibrateError::Question(format!("no calls ended from {from} s to {to} s of the data")));
    }
    let (step, shares) = (step_of(readings), sorted_shares(&readings.sums(fit)));
    let said = (0..runs).into_par_iter().map(|i| {
        let said = one(question, part, found, step, i, watch)?;
        Ok((distance(&shares, &sorted_shares(&said.fit)), said.predict))
    });
    let mut said = said.collect::<Result<Vec<(f64, Sums)>, CalibrateError>>()?;
    // Runs of the same distance stay in order.
    said.sort_by(|a, b| a.0.total_cmp(&b.0));
    said.truncate(said.partition_point(|(distance, _)| *distance <= NEAR).max(FEWEST));
    let farthest = said.last().map_or(0.0, |(distance, _)| *distance);
    let said: Vec<Sums> = said.into_iter().map(|(_, sums)| sums).collect();
    let figures = figures(&measured, &said);
    Ok(Prediction { part, runs, kept: said.len() as u64, distance: farthest, figures })
}

/// One run with numbers drawn within their errors.
fn one(
    question: Question<'_>,
    part: Part,
    found: &Found,
    step: Span,
    i: u64,
    watch: Option<Watch<'_>>,
) -> Result<Said, CalibrateError> {
    let draw = |k: u64| standard_normal(unit(mix(key_of("calibrate"), 4 * i + k)));
    let loaded = question.document.load(&found.drawn([0, 1, 2, 3].map(draw)))?;
    let mut scraper = Scraper::new(&loaded.model, step);
    let taps = Taps { connections: ConnectionSink::Discard, beside: Some(&mut scraper) };
    run_into(&loaded, loaded.model.seed.wrapping_add(i), false, taps, watch).map_err(CalibrateError::Run)?;
    let scrapes = scraper.finish();
    let scrapes = scrapes.map_err(|error| CalibrateError::Question(format!("{}: {error}", loaded.model.name)))?;
    let simulated = simulated(&scrapes, question.readings);
    Ok(Said { fit: simulated.sums(question.fit), predict: simulated.sums(part) })
}

/// From one sample to the next, as it was measured: the mean.
fn step_of(readings: &Readings) -> Span {
    let all: f64 = readings.intervals.iter().map(|i| i.span.to - i.span.from).sum();
    Span::from_secs_f64((all / readings.intervals.len().max(1) as f64).max(1e-3))
}

/// What a run's pods would have been read as, in the buckets of the data.
fn simulated(scrapes: &Scrapes, like: &Readings) -> Readings {
    let mut readings = Readings { pods: Vec::new(), intervals: Vec::new(), ..like.clone() };
    for pod in scrapes.pods.iter().filter(|pod| pod.server == 0) {
        let index = readings.pods.len();
        readings.pods.push(pod.name.clone());
        let reads: Vec<(u64, Durations)> = pod.read.iter().map(|(ms, meter)| (ms, durations(meter))).collect();
        for pair in reads.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            let span = Part { from: before.0 as f64 / 1e3, to: after.0 as f64 / 1e3 };
            // A container that has restarted begins at zero again.
            let restarted = after.1.count() < before.1.count();
            let (old, new) = (up_to(&before.1, &like.ends), up_to(&after.1, &like.ends));
            let mut below = 0.0;
            let counts = old.iter().zip(&new).map(|(old, new)| {
                let up_to = if restarted { *new } else { new - old };
                up_to - std::mem::replace(&mut below, up_to)
            });
            let counts = counts.collect();
            let old_sum = if restarted { 0 } else { before.1.sum_ns };
            let sum = after.1.sum_ns.saturating_sub(old_sum) as f64 / 1e9;
            readings.intervals.push(Interval { pod: index, span, counts, sum, cpu: None });
        }
    }
    readings
}

/// All calls of a pod, whatever their method and status.
fn durations(meter: &PodMeter) -> Durations {
    let mut all = Durations::default();
    meter.calls.iter().flat_map(|calls| &calls.handled).for_each(|(_, durations)| all.add(durations));
    all
}

/// How many lie below each of these ends, and at last all: within a bucket of the simulator as if they lay evenly.
fn up_to(durations: &Durations, ends: &[f64]) -> Vec<f64> {
    let fine = durations.cumulative().filter(|(ns, _)| *ns > 0).map(|(ns, n)| (ns as f64 / 1e9, n as f64));
    let fine: Vec<(f64, f64)> = fine.collect();
    let below = |end: &f64| {
        let i = fine.partition_point(|(e, _)| *e < end - 1e-12);
        let (from, before) = i.checked_sub(1).map_or((0.0, 0.0), |i| fine[i]);
        match fine.get(i) {
            Some((to, n)) => before + (n - before) * ((end - from) / (to - from)).clamp(0.0, 1.0),
            None => before,
        }
    };
    ends.iter().map(below).chain([durations.count() as f64]).collect()
}

/// Shares of the pods, the largest first.
fn sorted_shares(sums: &Sums) -> Vec<f64> {
    let calls = sums.calls();
    let all: f64 = calls.iter().sum::<f64>().max(1.0);
    let mut shares: Vec<f64> = calls.iter().map(|n| n / all).collect();
    shares.sort_by(|a, b| b.total_cmp(a));
    shares
}

/// The part of all calls that is at pods of another rank.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let at = |shares: &[f64], i: usize| shares.get(i).copied().unwrap_or(0.0);
    (0..a.len().max(b.len())).map(|i| (at(a, i) - at(b, i)).abs()).sum::<f64>() / 2.0
}

fn figures(measured: &Sums, said: &[Sums]) -> Vec<Predicted> {
    type Of = Box<dyn Fn(&Sums) -> Option<f64>>;
    let together = |sums: &Sums| -> Buckets { sums.together(0..sums.buckets.len()) };
    let mut rows: Vec<(String, &'static str, Of)> = vec![
        ("calls".to_owned(), "/s", Box::new(|sums| Some(sums.calls().iter().sum::<f64>() / sums.lasts.max(1e-9)))),
        ("p50 in the pods".to_owned(), "ms", Box::new(move |sums| Some(together(sums).quantile(0.5)? * 1e3))),
        ("p99 in the pods".to_owned(), "ms", Box::new(move |sums| Some(together(sums).quantile(0.99)? * 1e3))),
    ];
    let pods = sorted_shares(measured).iter().filter(|share| **share > 0.0).count();
    for i in 0..pods.min(MOST_PODS) {
        let name = match i {
            0 => "share of the busiest pod".to_owned(),
            _ => format!("of the {}", ordinal(i + 1)),
        };
        rows.push((name, "%", Box::new(move |sums| sorted_shares(sums).get(i).map(|share| share * 100.0))));
    }
    rows.into_iter().filter_map(|(name, unit, of)| row(name, unit, &of, measured, said)).collect()
}

fn ordinal(n: usize) -> String {
    let suffix = match n {
        1 => "st",
        2 => "nd",
        3 => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

fn row(
    name: String,
    unit: &'static str,
    of: &dyn Fn(&Sums) -> Option<f64>,
    measured: &Sums,
    said: &[Sums],
) -> Option<Predicted> {
    let measured = of(measured)?;
    let mut values: Vec<f64> = said.iter().map(|sums| of(sums).unwrap_or(0.0)).collect();
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let at = |part: f64| values.get((part * n as f64).ceil().max(1.0) as usize - 1).copied();
    let tail =
        |beyond: &dyn Fn(&f64) -> bool| (values.iter().filter(|v| beyond(v)).count() + 1) as f64 / (n + 1) as f64;
    let p = (2.0 * tail(&|v| *v <= measured).min(tail(&|v| *v >= measured))).min(1.0);
    Some(Predicted { name, unit, measured, predicted: at(0.5)?, from: at(0.05)?, to: at(0.95)?, p })
}
