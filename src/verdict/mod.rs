//! The sentence that ends a report: who carries what, and why. It is about what the headline is about, and claims a cause only where
//! the attribution and the events of the run show it; it says "chance" only where a draw is as uneven in 1 % of the runs or more.

mod cause;
#[cfg(test)]
mod cause_tests;
mod chance;
mod facts;
mod gateways;
mod losses;
#[cfg(test)]
mod losses_tests;
mod picks;
#[cfg(test)]
mod tests;
mod words;

use crate::metrics::attribution::Cause;
use crate::metrics::outcome::{Outcome, PodSummary};
use crate::model::{Model, Policy};
use crate::words::counted;

use facts::{Facts, policy};
use losses::failures;
use words::{calls, reach, seconds};

/// What there is to say of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// In words.
    pub text: String,
    /// Why the load is not even; `None` if it is, or if there is nothing to judge.
    pub cause: Option<Cause>,
}

/// The verdict on a run.
#[must_use]
pub fn judge(model: &Model, outcome: &Outcome) -> Verdict {
    let facts = Facts::new(model, outcome);
    let (balance, cause) = balance(model, outcome, facts.as_ref());
    let (first, last) = match failures(model, outcome) {
        Some((text, true)) => (Some(text), None),
        Some((text, false)) => (None, Some(text)),
        None => (None, None),
    };
    let all = [first, Some(balance), gateways::inherited(model, outcome), last];
    Verdict { text: all.into_iter().flatten().collect::<Vec<_>>().join(" "), cause }
}

/// Judges a run, and puts the verdict where its summary has it.
pub fn conclude(model: &Model, outcome: &mut Outcome) {
    let Verdict { text, cause } = judge(model, outcome);
    outcome.summary.verdict = text;
    if let Some(attribution) = &mut outcome.summary.attribution {
        attribution.cause = cause;
    }
}

fn balance(model: &Model, outcome: &Outcome, facts: Option<&Facts<'_>>) -> (String, Option<Cause>) {
    let nothing = [no_pods, never_ready, no_traffic, nobody_left].iter().find_map(|case| case(outcome));
    if let Some(text) = nothing.or_else(|| out_of_reach(outcome)) {
        return (text, None);
    }
    let Some(f) = facts else { return ("No phase of the run is long enough to judge the balance.".to_owned(), None) };
    if let [pod] = f.pods.as_slice() {
        return (
            format!("{} is the only Ready pod{}: there is nothing to balance.", pod.name(), words::phase(f)),
            None,
        );
    }
    if f.is_balanced() {
        return (even(model, f), None);
    }
    match cause::cause(f) {
        Some((cause, text)) => (text, Some(cause)),
        None => (String::new(), None),
    }
}

fn no_pods(outcome: &Outcome) -> Option<String> {
    let failed = match outcome.summary.requests.failed {
        0 => String::new(),
        n => format!(", and {} failed", calls(n)),
    };
    let none = || format!("There is no pod: the servers have zero replicas{failed}.");
    outcome.summary.pods.is_empty().then(none)
}

fn never_ready(outcome: &Outcome) -> Option<String> {
    let (pods, failed) = (&outcome.summary.pods, outcome.summary.requests.failed);
    let failed = if failed == 0 { String::new() } else { format!(", and {} failed", calls(failed)) };
    let end = seconds(outcome.end_s);
    let none = || format!("No pod became Ready before the run ended at {end}{failed}.");
    pods.iter().all(|p| p.ready_s.is_none()).then(none)
}

fn no_traffic(outcome: &Outcome) -> Option<String> {
    let requests = &outcome.summary.requests;
    if outcome.summary.pods.iter().any(|p| p.requests > 0) {
        return None;
    }
    Some(match (requests.started, requests.by_status.iter().max_by_key(|s| s.1).filter(|s| *s.1 > 0)) {
        (0, _) => "There was no traffic: no call was made in the measured part of the run.".to_owned(),
        (_, None) => "No request reached a pod in the measured part of the run.".to_owned(),
        (_, Some((status, _))) => {
            format!("No request reached a pod: {} failed, most with {status}.", calls(requests.failed))
        }
    })
}

/// The pods that are there at the end.
fn left(outcome: &Outcome) -> impl Iterator<Item = &PodSummary> {
    outcome.summary.pods.iter().filter(|p| p.ready_s.is_some() && p.deleted_s.is_none())
}

fn nobody_left(outcome: &Outcome) -> Option<String> {
    let none = || "No pod is Ready at the end of the run, so there is no balance to judge.".to_owned();
    left(outcome).next().is_none().then(none)
}

/// The pods that are Ready at the end have not received a single request.
fn out_of_reach(outcome: &Outcome) -> Option<String> {
    if left(outcome).any(|p| p.requests + p.messages > 0) {
        return None;
    }
    let ready = left(outcome).filter_map(|p| p.ready_s).fold(0.0, f64::max);
    let connections = match left(outcome).map(|p| p.connections_at_end).sum() {
        0 => "no client has a connection there".to_owned(),
        n => format!("clients have {} there", counted(n, "connection")),
    };
    let pods = counted(left(outcome).count() as u64, "pod");
    let since = seconds(ready);
    Some(format!(
        "No request reached the pods that are Ready at the end ({pods}, all Ready since {since}); {connections}."
    ))
}

fn even(model: &Model, f: &Facts<'_>) -> String {
    let phase = words::phase(f);
    let rotation = |c| matches!(policy(c), Some(Policy::RoundRobin(_)));
    let (n, connections) = (f.pods.len(), f.attribution.connections);
    let why = if f.per_request() {
        "each request has a connection of its own, and so a draw of its own".to_owned()
    } else if model.balancers().all(|c| model.connects_to_all(c) && facts::grpc(c).is_none_or(|g| g.subset.is_none())) {
        let how = if model.balancers().all(rotation) { "takes them in rotation" } else { "picks one for each call" };
        format!("{} {how}", reach(f))
    } else if connections.round() < n as f64 {
        let all = counted(connections.round().max(1.0) as u64, "connection");
        return format!(
            "The load is even{phase} only on average: {all} cannot be on {n} pods at once, which have their turns as connections are \
             replaced."
        );
    } else {
        let keeps = if f.replaced_within_s().is_some() { "" } else { "; nothing keeps them so when pods change" };
        format!("its {} lie evenly{keeps}", words::connections(connections))
    };
    let Some(hot) = f.hottest() else { return String::new() };
    format!("The load is even{phase}: the busiest pod, {}, carries {:.2}x its share: {why}.", hot.name(), hot.times())
}
