//! E6: a scale-up from three to six pods: when clients use the new pods, with and without a maximum connection age, through
//! a ClusterIP and with round_robin on a headless name. Two or three trials of the lab each against seeds 1 to 200.

use crate::support;

use support::lab::{self, ScaleUp};
use support::predict::Comparison;
use support::replay::{Trace, replays, scenario};
use support::stats::{ks_two_samples, mean};

const RUNS: u64 = 200;
const CLIENTS: usize = 20;
const END_S: f64 = 150.0;
/// To what the lab timed the queries of a channel against its calls: the gaps between them are 29.96 to 30.04 s.
const DNS_TIMING_S: f64 = 0.04;

const AGE: &str = "servers.0.grpc={ max_connection_age: 10s, max_connection_age_grace: 2s }";

struct Run {
    /// When each client first used a new pod, in order of time; the end of the run if it never did.
    first_new: Vec<f64>,
    used_new: bool,
    /// When DNS was asked, in order.
    queries: Vec<f64>,
    /// The share of the new pods in the last 30 s.
    share: f64,
    connections: f64,
    failed: usize,
}

fn run(trace: &Trace) -> Run {
    let mut first_new = vec![END_S; CLIENTS];
    for (at, pod, client) in trace.received.iter().rev() {
        if *pod >= 3 {
            first_new[*client] = *at;
        }
    }
    first_new.sort_by(f64::total_cmp);
    let last: Vec<usize> = trace.received.iter().filter(|r| r.0 >= END_S - 30.0).map(|r| r.1).collect();
    Run {
        used_new: trace.received.iter().any(|r| r.1 >= 3),
        first_new,
        queries: trace.resolved.iter().map(|r| r.0).collect(),
        share: last.iter().filter(|p| **p >= 3).count() as f64 / last.len() as f64,
        connections: trace.connected.len() as f64,
        failed: trace.failed.len(),
    }
}

fn simulated(service: &str, sets: &[&str]) -> Vec<Run> {
    replays(&scenario(&format!("e6-{service}"), sets), RUNS, run)
}

fn measured(variant: char) -> Vec<ScaleUp> {
    lab::e6().into_iter().filter(|t| t.variant == variant).collect()
}

fn share(trial: &ScaleUp) -> f64 {
    trial.last_30_s[3..].iter().sum::<u64>() as f64 / trial.last_30_s.iter().sum::<u64>() as f64
}

fn of<T>(all: &[T], value: impl Fn(&T) -> f64) -> Vec<f64> {
    all.iter().map(value).collect()
}

fn median(sorted: &[f64]) -> f64 {
    (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn without_an_age(variant: char, sets: &[&str]) -> Comparison {
    let (service, pods) = if variant == 'a' { ("clusterip", 1) } else { ("headless", 3) };
    let mut comparison = Comparison::new(if variant == 'a' { "lab E6 a" } else { "lab E6 c" });
    let (runs, trials) = (simulated(service, sets), measured(variant));
    let used = |yes: bool| f64::from(u8::from(yes));
    let lab_used = of(&trials, |t| used(t.first_new_s.is_some()));
    comparison.inside("a new pod is used", &of(&runs, |r| used(r.used_new)), &lab_used);
    comparison.inside("failed calls", &of(&runs, |r| r.failed as f64), &of(&trials, |t| t.failed as f64));
    comparison.inside("connections", &of(&runs, |r| r.connections), &of(&trials, |t| t.connections as f64));
    if variant == 'c' {
        let lab: Vec<f64> = lab::e6_dns_queries('c').iter().map(|q| q.len() as f64).collect();
        comparison.inside("DNS queries", &of(&runs, |r| r.queries.len() as f64), &lab);
    }
    // Without chance: one query per client, at its first call, and one connection per address that its policy uses.
    let queries = if variant == 'c' { CLIENTS } else { 0 };
    comparison.fact("no new pod is used", runs.iter().all(|r| !r.used_new && r.failed == 0));
    comparison.fact("one query per client", runs.iter().all(|r| r.queries.len() == queries));
    comparison.fact("no connection breaks", runs.iter().all(|r| r.connections == (pods * CLIENTS) as f64));
    comparison
}

#[test]
fn without_an_age_new_pods_get_nothing() {
    without_an_age('a', &[]).assert_agrees();
    without_an_age('c', &[]).assert_agrees();
}

#[test]
fn connections_do_not_age_by_themselves() {
    // Wrong model: connections age.
    without_an_age('a', &[AGE]).assert_disagrees();
    without_an_age('c', &[AGE]).assert_disagrees();
}

fn cluster_ip_with_age(sets: &[&str]) -> Comparison {
    let mut comparison = Comparison::new("lab E6 b");
    let runs = simulated("clusterip", sets);
    let trials = measured('b');
    comparison.inside("share of the new pods in the last 30 s", &of(&runs, |r| r.share), &of(&trials, share));
    comparison.inside("connections", &of(&runs, |r| r.connections), &of(&trials, |t| t.connections as f64));
    let first: Vec<Vec<f64>> = lab::e6_first_new_pod('b').into_iter().map(sorted).collect();
    // Simulated pods are there 0.3 s after the decision at 20 s.
    let since: Vec<Vec<f64>> =
        first.iter().zip(&trials).map(|(f, t)| f.iter().map(|s| s - t.scale_up_s).collect()).collect();
    let ours: Vec<Vec<f64>> = runs.iter().map(|r| r.first_new.iter().map(|s| s - 20.3).collect()).collect();
    comparison.p("first use of a new pod", ks_two_samples(&since.concat(), &ours.concat()));
    comparison.inside("median client", &of(&ours, |s| median(s)), &of(&since, |s| median(s)));
    comparison.inside("slowest client", &of(&ours, |s| s[CLIENTS - 1]), &of(&since, |s| s[CLIENTS - 1]));
    comparison.inside("failed calls", &of(&runs, |r| r.failed as f64), &of(&trials, |t| t.failed as f64));
    comparison
}

#[test]
fn age_lets_cluster_ip_clients_find_new_pods() {
    cluster_ip_with_age(&[AGE]).assert_agrees();
}

#[test]
fn connections_live_for_ten_seconds() {
    // Wrong model: three times the age.
    let long = "servers.0.grpc={ max_connection_age: 30s, max_connection_age_grace: 2s }";
    cluster_ip_with_age(&[long]).assert_disagrees();
}

/// Gaps between the k-th query of one round over the channels and the k-th of the next one, for complete rounds.
fn gaps(queries: &[f64]) -> Vec<f64> {
    queries
        .chunks_exact(CLIENTS)
        .zip(queries[CLIENTS..].chunks_exact(CLIENTS))
        .flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| b - a).collect::<Vec<_>>())
        .collect()
}

fn headless_with_age(sets: &[&str]) -> Comparison {
    let mut comparison = Comparison::new("lab E6 d");
    let runs = simulated("headless", &[&[AGE], sets].concat());
    let trials = measured('d');
    let queries = lab::e6_dns_queries('d');
    let first: Vec<Vec<f64>> = lab::e6_first_new_pod('d').into_iter().map(sorted).collect();
    let number = |q: &Vec<f64>| q.len() as f64;
    comparison.inside("DNS queries", &of(&runs, |r| number(&r.queries)), &of(&queries, number));
    for (what, fold, from) in [("shortest", f64::min as fn(f64, f64) -> f64, f64::INFINITY), ("longest", f64::max, 0.0)]
    {
        let gap = |q: &Vec<f64>| gaps(q).into_iter().fold(from, fold);
        let name = format!("{what} time between queries of a channel");
        comparison.inside_timed(&name, &of(&runs, |r| gap(&r.queries)), &of(&queries, gap), DNS_TIMING_S);
    }
    // The process of the lab's clients took 0.5 to 1.3 s to start: times since its first query do not depend on that.
    let since = |first: &[f64], q: &[f64]| first.iter().map(|s| s - q[0]).collect::<Vec<f64>>();
    let lab: Vec<Vec<f64>> = first.iter().zip(&queries).map(|(f, q)| since(f, q)).collect();
    let ours: Vec<Vec<f64>> = runs.iter().map(|r| since(&r.first_new, &r.queries)).collect();
    comparison.inside_timed("first new call - first query", &of(&ours, |s| s[0]), &of(&lab, |s| s[0]), DNS_TIMING_S);
    comparison.inside("median client", &of(&ours, |s| median(s)), &of(&lab, |s| median(s)));
    comparison.inside("slowest client", &of(&ours, |s| s[CLIENTS - 1]), &of(&lab, |s| s[CLIENTS - 1]));
    comparison.p("first use of a new pod", ks_two_samples(&lab.concat(), &ours.concat()));
    // Each client waits for its own 30 s.
    let wait = |first: &[f64], q: &[f64]| mean(first) - mean(&q[..CLIENTS]);
    let lab_wait: Vec<f64> = first.iter().zip(&queries).map(|(f, q)| wait(f, q)).collect();
    comparison.inside("mean wait of a client", &of(&runs, |r| wait(&r.first_new, &r.queries)), &lab_wait);
    comparison.inside("share of the new pods in the last 30 s", &of(&runs, |r| r.share), &of(&trials, share));
    comparison.inside("connections", &of(&runs, |r| r.connections), &of(&trials, |t| t.connections as f64));
    comparison.inside("failed calls", &of(&runs, |r| r.failed as f64), &of(&trials, |t| t.failed as f64));
    comparison
}

#[test]
fn re_resolution_is_deferred_to_thirty_seconds() {
    headless_with_age(&[]).assert_agrees();
}

#[test]
fn dns_is_not_asked_at_once() {
    // Wrong model: no floor between lookups.
    headless_with_age(&["clients.0.resolver={ min_interval: 100ms, early: defer }"]).assert_disagrees();
}
