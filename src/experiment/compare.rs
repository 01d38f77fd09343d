//! Scenarios side by side over the same seeds. Those that ask for the same are compared, run by run, with the first one of them, which
//! removes from the difference what both owe to the draw; those that ask for something else stand beside.

mod report;

use std::collections::BTreeMap;

pub use report::{COLUMNS, Compared, Comparison, Difference, Finding, PodShare, Reached, Told, Unmet, Verdict};

use super::replicate::{Replicates, estimate_of};
use super::shares::pod_shares;
use crate::metrics::estimate::{self, FEWEST_FOR_A_MEDIAN};
use crate::metrics::figures::{BALANCE, Better, FIRST_BALANCE, better, figures, is_quantile, of_phases};
use crate::metrics::outcome::{Estimate, MethodSummary, Summary};
use crate::metrics::practical::Sizes;
use crate::model::{Client, Closed, Load, Model};
use crate::units::Span;
use crate::words::{count, short};

/// One scenario of a comparison: its seed of run 0, what it means, and its runs.
pub struct Side<'a> {
    /// Seed of run 0.
    pub seed: u64,
    /// What it means.
    pub model: &'a Model,
    /// Its runs.
    pub runs: &'a Replicates,
}

/// A figure's value in each run.
type Values = BTreeMap<String, Vec<Option<f64>>>;

/// Compares each scenario with the first one of the same load; `sizes` say which differences matter.
#[must_use]
pub fn compare(sides: &[Side<'_>], sizes: &Sizes) -> Comparison {
    let groups = by_load(sides);
    let mut scenarios = Vec::new();
    for (group, load) in groups.iter().zip(1..) {
        let all: Vec<Values> = group.iter().map(|side| values(&side.runs.summaries)).collect();
        for (i, (side, own)) in group.iter().zip(&all).enumerate() {
            let baseline = all.first().filter(|_| i > 0);
            let difference = baseline.map(|baseline| difference(baseline, own, side.runs.summaries.len(), sizes));
            scenarios.push(Compared { load, difference, ..compared(side, own) });
        }
    }
    Comparison {
        evenkeel: env!("CARGO_PKG_VERSION").to_owned(),
        runs: sides.first().map_or(0, |side| side.runs.summaries.len() as u64),
        until: None,
        loads: groups.iter().filter_map(|group| Some(load_words(group.first()?.model))).collect(),
        scenarios,
        failures: Vec::new(),
    }
}

/// The scenarios by load, in the order in which a load comes first.
fn by_load<'a, 's>(sides: &'a [Side<'s>]) -> Vec<Vec<&'a Side<'s>>> {
    let mut groups: Vec<Vec<&Side<'_>>> = Vec::new();
    for side in sides {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| same_load(first, side))) {
            Some(group) => group.push(side),
            None => groups.push(vec![side]),
        }
    }
    groups
}

/// True if both ask for the same: in each run each client makes the same calls, or is a closed load of the same workers, which make as
/// many calls as the answers let them.
fn same_load(a: &Side<'_>, b: &Side<'_>) -> bool {
    let (all_a, all_b) = (&a.runs.summaries, &b.runs.summaries);
    let same = |client: &Client| {
        let Some(other) = b.model.clients.iter().find(|other| other.name == client.name) else { return false };
        let workers = matches!(client.load, Load::Closed(_))
            && (client.replicas, &client.load, &client.methods) == (other.replicas, &other.load, &other.methods);
        let digest = |s: &Summary| s.arrivals_digest_by_client.get(&client.name).cloned();
        workers && a.model.duration == b.model.duration || all_a.iter().zip(all_b).all(|(a, b)| digest(a) == digest(b))
    };
    a.seed == b.seed
        && all_a.len() == all_b.len()
        && a.model.clients.len() == b.model.clients.len()
        && a.model.clients.iter().all(same)
}

/// What the clients ask for.
fn load_words(model: &Model) -> String {
    const MOST: usize = 3;
    let words = |client: &Client| {
        let load = match &client.load {
            Load::Closed(Closed { concurrency, requests, .. }) => match requests {
                Some(n) => format!("{} calls, {concurrency} at once", count(*n)),
                None => format!("{concurrency} calls at once"),
            },
            Load::Open { rate, .. } => match &rate.points[..] {
                [(_, rate)] => format!("{} calls/s", short(*rate)),
                _ => "calls/s that change".to_owned(),
            },
            Load::Streams(streams) => match &streams.rate.points[..] {
                [(_, rate)] => format!("{} streams/s", short(*rate)),
                _ => "streams/s that change".to_owned(),
            },
            Load::Forwarded => "what others ask".to_owned(),
        };
        let replicas = if client.replicas == 1 { String::new() } else { format!(" × {}", client.replicas) };
        format!("{}{replicas}: {load}", client.name)
    };
    let mut all: Vec<String> = model.clients.iter().take(MOST).map(words).collect();
    if model.clients.len() > MOST {
        all.push(format!("{} more clients", model.clients.len() - MOST));
    }
    let duration = model.duration.filter(|d| *d > Span::ZERO).map(|d| format!("; {d}")).unwrap_or_default();
    all.join(", ") + &duration
}

fn compared(side: &Side<'_>, values: &Values) -> Compared {
    let first = &side.runs.first;
    let estimate = |(path, values): (&String, &Vec<Option<f64>>)| {
        let present: Vec<f64> = values.iter().copied().flatten().collect();
        Some((path.clone(), estimate_of(path, &present)?))
    };
    let mut phases: Vec<String> = Vec::new();
    for (name, _) in side.runs.summaries.iter().flat_map(of_phases) {
        if !phases.contains(&name) {
            phases.push(name);
        }
    }
    let pods = pod_shares(first).pods.into_iter();
    let shares = pods.map(|(pod, share)| PodShare { pod, share }).collect();
    Compared {
        scenario: first.summary.scenario.clone(),
        seed: side.seed,
        load: 0,
        story: side.model.story.as_ref().map(|s| Told { says: s.says.clone(), why: s.why.clone() }),
        shares_of: first.summary.headline().map_or_else(|| "whole run".to_owned(), |phase| phase.name.clone()),
        shares,
        phases,
        figures: values.iter().filter_map(estimate).collect(),
        difference: None,
        unmet: unmet(&side.runs.summaries),
        verdict: first.summary.verdict.clone(),
    }
}

/// What the scenario expects and some run does not meet.
fn unmet(summaries: &[Summary]) -> Vec<Unmet> {
    let Some(first) = summaries.first() else { return Vec::new() };
    let of = |(i, expected): (usize, &crate::metrics::outcome::ExpectationResult)| {
        let mut failing = summaries.iter().filter_map(|s| s.expectations.get(i)).filter(|e| !e.met).peekable();
        let value = failing.peek()?.value;
        Some(Unmet { text: expected.text.clone(), value, runs: failing.count() as u64 })
    };
    first.expectations.iter().enumerate().filter_map(of).collect()
}

fn difference(baseline: &Values, other: &Values, runs: usize, sizes: &Sizes) -> Difference {
    let mut difference = Difference { figures: BTreeMap::new(), findings: BTreeMap::new() };
    for (path, a) in baseline {
        let Some(b) = other.get(path).filter(|b| a.iter().chain(*b).any(Option::is_some)) else { continue };
        let pairs = Pairs::of(path, a, b);
        difference.figures.extend(pairs.estimate.map(|estimate| (path.clone(), estimate)));
        if runs > 1 {
            let before: Vec<f64> = a.iter().copied().flatten().collect();
            let before = estimate_of(path, &before).map_or(0.0, |e| e.shown().0);
            let whole = a.iter().chain(b).all(Option::is_some);
            difference.findings.insert(path.clone(), pairs.finding(path, sizes.of(path).beside(before), whole));
        }
    }
    difference
}

/// The differences of one figure, run by run.
struct Pairs {
    /// Their estimate: of one pair the difference itself.
    estimate: Option<Estimate>,
    /// Where the middle of the differences is with a probability of 95 %.
    interval: Option<(f64, f64)>,
    /// Runs that would show the middle.
    runs_to_show: Option<u64>,
    variance_ratio: Option<f64>,
    always_zero: bool,
}

impl Pairs {
    fn of(path: &str, a: &[Option<f64>], b: &[Option<f64>]) -> Pairs {
        let differences: Vec<f64> = a.iter().zip(b).filter_map(|(a, b)| Some((*b)? - (*a)?)).collect();
        let always_zero = differences.iter().all(|d| *d == 0.0);
        let alone = |mean| Estimate { mean, lo: mean, hi: mean, n: 1, spread: None };
        let Some(contrast) = estimate::paired(a, b) else {
            let estimate = differences.first().copied().map(alone);
            return Pairs { estimate, interval: None, runs_to_show: None, variance_ratio: None, always_zero };
        };
        let variance_ratio = Some(contrast.variance / contrast.unpaired_variance).filter(|r| r.is_finite());
        let mut pairs = Pairs {
            estimate: Some(contrast.estimate),
            interval: Some((contrast.estimate.lo, contrast.estimate.hi)),
            runs_to_show: contrast.runs_to_show(),
            variance_ratio,
            always_zero,
        };
        if is_quantile(path) {
            let one_sided = differences.iter().all(|d| *d > 0.0) || differences.iter().all(|d| *d < 0.0);
            let few = differences.len() < FEWEST_FOR_A_MEDIAN && one_sided;
            pairs.estimate = Some(Estimate { spread: estimate::spread(&differences), ..contrast.estimate });
            pairs.interval = estimate::median_interval(&differences);
            pairs.runs_to_show = few.then_some(FEWEST_FOR_A_MEDIAN as u64);
        }
        pairs
    }

    /// What they say, where a difference of `size` matters; `whole` if there is a value of both in every run.
    fn finding(&self, path: &str, size: f64, whole: bool) -> Finding {
        let none = Finding { verdict: Verdict::NotCompared, size, runs_to_show: None, variance_ratio: None };
        let Some(middle) = self.estimate.filter(|_| whole).map(|e| e.shown().0) else { return none };
        let verdict = match (self.interval, better(path)) {
            _ if self.always_zero => Verdict::Equal,
            (None, _) => Verdict::NotShown,
            (Some((lo, hi)), _) if lo <= 0.0 && hi >= 0.0 => Verdict::NotShown,
            _ if middle.abs() < size => Verdict::Small,
            (_, Better::Lower) if middle < 0.0 => Verdict::Better,
            (_, Better::Higher) if middle > 0.0 => Verdict::Better,
            _ => Verdict::Worse,
        };
        let worth_it = verdict == Verdict::NotShown && middle.abs() >= size;
        let runs_to_show = if worth_it { self.runs_to_show } else { None };
        Finding { verdict, runs_to_show, variance_ratio: self.variance_ratio, ..none }
    }
}

/// Each figure's value in each run, those of phases among them.
fn values(summaries: &[Summary]) -> Values {
    let mut values = Values::new();
    for (run, summary) in summaries.iter().enumerate() {
        let phases = of_phases(summary).into_iter().flat_map(|(_, figures)| figures);
        for figure in figures(summary).into_iter().chain(phases) {
            let of = values.entry(figure.path).or_insert_with(|| vec![None; summaries.len()]);
            of[run] = figure.value;
        }
    }
    let methods = summaries.first().map_or(&[][..], |s| &s.methods);
    comparable(values.into_iter().map(|(path, values)| (by_name(path, methods), values)).collect())
}

/// The path of a method's figure with its client and name for its place: lists of methods differ.
pub(super) fn by_name(path: String, methods: &[MethodSummary]) -> String {
    let named = |path: &str| {
        let (place, figure) = path.strip_prefix("methods.")?.split_once('.')?;
        let method = methods.get(place.parse::<usize>().ok()?)?;
        Some(format!("methods.{} {}.{figure}", method.client, method.method))
    };
    named(&path).unwrap_or(path)
}

/// Scenarios have different numbers of changes; what is compared is the time to balance after the first one.
pub(super) fn comparable<T>(figures: BTreeMap<String, T>) -> BTreeMap<String, T> {
    let rename = |(path, value): (String, T)| match path.strip_prefix("time_to_balance.") {
        Some("0.seconds") => Some((BALANCE.to_owned(), value)),
        Some(_) => None,
        None => Some((path, value)),
    };
    figures.into_iter().filter_map(rename).collect()
}

/// The path that a figure of a summary has in a comparison.
pub(super) fn path_in_comparison(path: &str) -> &str {
    if path == FIRST_BALANCE { BALANCE } else { path }
}
