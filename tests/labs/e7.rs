//! E7: a rolling restart, one pod at a time. Through a ClusterIP: the connections that each new pod ends up with, in order
//! of creation, of 10 or 20 trials of the lab against seeds 1 to 1,000. With round_robin on a headless name: the outage
//! until clients may ask DNS again, trial by trial against seeds 1 to 200.

use crate::support;

use evenkeel::sim::observation::Status;
use support::lab;
use support::predict::Comparison;
use support::replay::{Trace, replay, replays, scenario};
use support::stats::binomial;

const RUNS: u64 = 1_000;
const RUNS_OF_A_TRIAL: u64 = 200;

const SURGE: &[&str] = &[];
const UNAVAILABLE: &[&str] = &["servers.0.strategy={ max_surge: 0, max_unavailable: 1 }", "timeline.0.at=3s"];

/// Connections of each new pod at the end, and UNAVAILABLE calls.
fn ends(trace: &Trace, pods: usize) -> (Vec<f64>, usize) {
    let mut counts = vec![0.0; pods];
    trace.at_end.iter().for_each(|pod| counts[pod - pods] += 1.0);
    (counts, trace.failed.len())
}

fn chain(family: &str, run: &str, pods: usize, sets: &[&str]) -> Comparison {
    let mut comparison = Comparison::new(family);
    let ten = ["servers.0.replicas=10", "duration=40500ms"];
    let sets = if pods == 10 { [&ten, sets].concat() } else { sets.to_vec() };
    let runs = replays(&scenario("e7-clusterip", &sets), RUNS, |t| ends(t, pods));
    let trials = lab::e7_connections(run);
    let unavailable: Vec<f64> = lab::e7_failures(run).iter().map(|f| f.unavailable as f64).collect();
    comparison.inside("UNAVAILABLE", &runs.iter().map(|r| r.1 as f64).collect::<Vec<_>>(), &unavailable);
    for pod in 0..pods {
        let name = format!("connections of new pod {}", pod + 1);
        let ours: Vec<f64> = runs.iter().map(|r| r.0[pod]).collect();
        let measured: Vec<f64> = trials.iter().map(|t| t[pod]).collect();
        if ours.iter().all(|n| *n == ours[0]) {
            // Without variance no test of means.
            comparison.inside(&name, &ours, &measured);
        } else {
            comparison.mean_inside(&name, &ours, &measured);
        }
    }
    if pods == 10 {
        let empty = |all: &mut dyn Iterator<Item = f64>| all.filter(|n| *n == 0.0).count() as u64;
        let ours = empty(&mut runs.iter().map(|r| r.0[9])) as f64 / RUNS as f64;
        let measured = empty(&mut trials.iter().map(|t| t[9]));
        println!("the last pod is empty: {measured} of {} in the lab, {ours} simulated", trials.len());
        comparison.p("the last pod is empty", binomial(measured, trials.len() as u64, ours));
    }
    comparison
}

#[test]
fn surge_favours_the_first_new_pods() {
    chain("lab E7 surge 5", "surge_cip_5", 5, SURGE).assert_agrees();
    chain("lab E7 surge 10", "surge_cip_10", 10, SURGE).assert_agrees();
}

#[test]
fn unavailable_starves_the_last_new_pod() {
    chain("lab E7 unavailable 5", "unavail_cip_5", 5, UNAVAILABLE).assert_agrees();
}

#[test]
fn the_order_of_steps_matters() {
    // Wrong models: surge and unavailable exchanged.
    chain("lab E7 surge 5", "surge_cip_5", 5, UNAVAILABLE).assert_disagrees();
    chain("lab E7 unavailable 5", "unavail_cip_5", 5, SURGE).assert_disagrees();
}

/// What the lab recorded of a restart under round_robin clients.
#[derive(Debug)]
struct Outage {
    calls: f64,
    unavailable: f64,
    /// First and last call that was UNAVAILABLE, by the time it was made.
    lasts: Option<(f64, f64)>,
    /// First contact to each of the ten pods.
    contacts: Vec<f64>,
    last_sigterm: f64,
}

impl Outage {
    /// When each of the ten pods was first contacted, after the first resolution.
    fn since_resolution(&self) -> Vec<f64> {
        let resolved = self.contacts[..5].iter().copied().fold(f64::INFINITY, f64::min);
        self.contacts.iter().map(|c| c - resolved).collect()
    }
}

fn outage(trace: &Trace) -> Outage {
    let unavailable = trace.failed.iter().filter(|f| f.2 == Status::Unavailable);
    let times: Vec<f64> = unavailable.map(|f| f.0).collect();
    let first = |pod| trace.connected.iter().find(|c| c.1 == pod).map_or(f64::INFINITY, |c| c.0);
    Outage {
        calls: trace.calls as f64,
        unavailable: times.len() as f64,
        lasts: times.first().copied().zip(times.last().copied()),
        contacts: (0..10).map(first).collect(),
        last_sigterm: trace.sigterms.last().copied().unwrap_or(f64::NAN),
    }
}

fn measured_outages(run: &str) -> Vec<Outage> {
    let contacts = lab::e7_first_contact(run);
    let failures = lab::e7_failures(run);
    let of_trial = |(trial, (contacts, f)): (usize, (Vec<f64>, lab::RolloutFailures))| {
        let steps = lab::e7_steps(run);
        let sigterms = steps.iter().filter(|s| s.trial == trial && s.event == "sigterm").map(|s| s.seconds);
        let last_sigterm = sigterms.fold(0.0, f64::max);
        let (calls, unavailable) = (f.calls as f64, f.unavailable as f64);
        Outage { calls, unavailable, lasts: f.outage_s, contacts, last_sigterm }
    };
    contacts.into_iter().zip(failures).enumerate().map(of_trial).collect()
}

/// To what the lab could time a contact: from the query to the first SYN of 40 clients in one process.
const CONTACT_TIMING_S: f64 = 0.05;
/// When the rollout of `e7-headless.yaml` begins.
const ROLLOUT_S: f64 = 0.001;
/// From the first call of a trial to its end.
const WATCHED_S: f64 = 43.5;
/// To what the lab's first connection tells when its clients' rotation of calls began: opening 200 connections kept their
/// process busy for 0.2 s.
const CALLS_TIMING_S: f64 = 0.2;
/// A call is made every 12.5 ms, and a pod that has SIGTERM needs some time to tell its clients.
const OUTAGE_BEGINS_S: f64 = 0.1;

/// What is compared, to what the lab could time it, and how it is read.
type Quantity = (&'static str, f64, fn(&Outage) -> f64);

const OF_AN_OUTAGE: [Quantity; 5] = [
    ("failed share", CALLS_TIMING_S / WATCHED_S, |o| o.unavailable / o.calls),
    ("first failure - last SIGTERM", OUTAGE_BEGINS_S, |o| o.lasts.map_or(f64::INFINITY, |l| l.0) - o.last_sigterm),
    ("last failure", CALLS_TIMING_S, |o| o.lasts.map_or(0.0, |l| l.1)),
    ("first new pod contacted - first resolution", CONTACT_TIMING_S, |o| fold_new(o, f64::min)),
    ("last new pod contacted - first resolution", CONTACT_TIMING_S, |o| fold_new(o, f64::max)),
];

fn fold_new(outage: &Outage, fold: fn(f64, f64) -> f64) -> f64 {
    outage.since_resolution()[5..].iter().copied().reduce(fold).expect("five new pods")
}

/// Restarts of five pods in steps of 3 s. Each trial is replayed with its own measured beginning: first resolution and last
/// SIGTERM; the rest is predicted.
fn settle(sets: &[&str]) -> Comparison {
    let mut trials: [Vec<(Vec<f64>, f64)>; 5] = Default::default();
    for lab in &measured_outages("surge_rr_settle22") {
        let resolved = lab.contacts[0];
        let start = format!("clients.0.start.at={:.0}us", resolved * 1e6);
        let step = format!("servers.0.startup={:.0}us", (lab.last_sigterm - ROLLOUT_S) * 1e6 / 5.0);
        let duration = format!("duration={:.0}us", (resolved + WATCHED_S) * 1e6);
        let model = scenario("e7-headless", &[&[start.as_str(), step.as_str(), duration.as_str()], sets].concat());
        let runs = replays(&model, RUNS_OF_A_TRIAL, outage);
        for (of_trials, (_, _, value)) in trials.iter_mut().zip(OF_AN_OUTAGE) {
            of_trials.push((runs.iter().map(value).collect(), value(lab)));
        }
    }
    let mut comparison = Comparison::new("lab E7 outage");
    for (of_trials, (what, timing, _)) in trials.iter().zip(OF_AN_OUTAGE) {
        comparison.inside_each(what, of_trials, timing);
    }
    comparison
}

#[test]
fn a_fast_restart_is_an_outage_until_thirty_seconds() {
    settle(&[]).assert_agrees();
}

#[test]
fn dns_is_not_asked_every_second() {
    // Wrong model: a floor of 1 s.
    settle(&["clients.0.resolver.min_interval=1s"]).assert_disagrees();
}

/// Restarts in steps of 10 s, of which clients see a batch every 30 s. The clients of the lab started with the first step, 10
/// s after the simulated controller would have; the simulated ones start that much later.
fn step10(sets: &[&str]) -> Comparison {
    const LATER_S: f64 = 8.0;
    let mut comparison = Comparison::new("lab E7 batches");
    let adds = lab::e7_steps("surge_rr_step10");
    for (i, lab) in measured_outages("surge_rr_step10").iter().enumerate() {
        let first_add = adds.iter().find(|s| s.trial == i && s.event == "add").expect("a first step").seconds;
        let start = format!("clients.0.start.at={:.0}us", (lab.contacts[0] + LATER_S) * 1e6);
        let rollout = format!("timeline.0.at={:.0}us", (first_add + LATER_S - 10.0) * 1e6);
        let fixed = ["duration=80s", "servers.0.startup=10s", &start, &rollout];
        let model = scenario("e7-headless", &[&fixed, sets].concat());
        for seed in 1..=RUNS_OF_A_TRIAL {
            let ours = outage(&replay(&model, seed));
            let batches = |o: &Outage| o.since_resolution()[5..].iter().map(|s| s.round() as i64).collect::<Vec<_>>();
            if batches(&ours) != batches(lab) || ours.unavailable != lab.unavailable {
                comparison.fact(&format!("{i}, seed {seed}: {ours:?}"), false);
            }
        }
    }
    comparison
}

#[test]
fn a_slow_restart_is_followed_in_batches() {
    step10(&[]).assert_agrees();
}

#[test]
fn dns_is_not_asked_every_five_seconds() {
    // Wrong model: a floor of 5 s.
    step10(&["clients.0.resolver.min_interval=5s"]).assert_disagrees();
}
