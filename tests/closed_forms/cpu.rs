//! Pods whose requests share a processor, against theory: processor sharing, and a CPU limit.
//!
//! Each figure of processor sharing is a t test over 40 runs (seeds 1 to 40) of 25,000 calls each, after 5,000 calls to become
//! stationary; the level is that of the family.

use crate::support;

use evenkeel::experiment;
use evenkeel::metrics::outcome::Summary;
use evenkeel::scenario;
use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::theory::queueing::Queue;
use evenkeel::units::Time;
use support::family::Family;
use support::runs::{model, over_seeds};
use support::stats::{mean, t_mean};

const SKIPPED: u64 = 5_000;
const MEASURED: u64 = 25_000;
const SERVICE: f64 = 1e-3;

const CONSTANT: &str = "1ms";
const EXPONENTIAL: &str = "{ exponential: { mean: 1ms } }";
/// Variance of ten times that of an exponential.
const SPREAD: &str = "{ mixture: [{ weight: 9, of: 500us }, { weight: 1, of: { exponential: { mean: 5500us } } }] }";

/// How long the calls took, in seconds, in order of their ends.
#[derive(Default)]
struct Latencies(Vec<f64>);

impl Observer for Latencies {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        if let Observation::Completed { emitted, .. } = what {
            self.0.push(at.since(*emitted).as_secs_f64());
        }
    }
}

/// p-value of the mean time in a pod with so many cores used to `utilization`, by a thousand slots; `cpu` overrides the cores.
fn test(cores: u32, utilization: f64, law: &str, cpu: Option<&str>) -> f64 {
    let rate = f64::from(cores) * utilization / SERVICE;
    let duration = (SKIPPED + MEASURED) as f64 * 1.05 / rate;
    let cpu = cpu.map_or(format!("concurrency: 1000, cpu: {{ cores: {cores} }}"), str::to_owned);
    let text = format!(
        "name: sharing\nduration: {duration:.3}s\ncluster: {{ rtt: 0s, connect: 0s }}\n\
         servers: [{{ name: s, service_time: {law}, {cpu} }}]\nclients: [{{ name: c, load: {{ open: {{ rate: {rate} }} }} }}]\n"
    );
    let measured = SKIPPED as usize..(SKIPPED + MEASURED) as usize;
    let means = over_seeds(&model(&text), 1..=40, |seen: Latencies| mean(&seen.0[measured.clone()]));
    // The number of requests in a symmetric queue does not depend on the law of the service times (Kelly, Reversibility and
    // Stochastic Networks, 1979, theorem 3.10): it is that of M/M/c. For one core: S / (1 - utilization).
    let queue = Queue::new(rate, SERVICE, cores).expect("a stable queue");
    t_mean(&means, queue.wait_exponential() + SERVICE)
}

#[test]
fn processor_sharing_does_not_mind_how_service_times_vary() {
    let mut family = Family::named("closed form: processor sharing");
    for (cores, utilization, law) in [
        (1, 0.5, CONSTANT),
        (1, 0.8, CONSTANT),
        (1, 0.7, EXPONENTIAL),
        (1, 0.7, SPREAD),
        (4, 0.8, CONSTANT),
        (4, 0.8, SPREAD),
    ] {
        family.add(format!("{cores} cores at {utilization}: {law}"), test(cores, utilization, law, None));
    }
    family.assert_holds();
}

/// Wrong models: first in, first out, which does mind.
#[test]
fn slots_do_mind() {
    let mut family = Family::named("closed form: processor sharing");
    for (cores, law) in [(1, CONSTANT), (1, SPREAD), (4, CONSTANT)] {
        let slots = format!("concurrency: {cores}");
        family.add(format!("{cores} slots: {law}"), test(cores, 0.8, law, Some(&slots)));
    }
    (0..3).for_each(|_| family.add("not asked", 1.0));
    family.assert_rejected();
}

fn summary(text: &str) -> Summary {
    let loaded = scenario::parse("a.yaml", text, None, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
    experiment::run(&loaded, 1, false, None).expect("runs").summary
}

/// Eight workers without a pause, and a limit of two cores: the quota of 200 ms lasts for 25 ms of each period, and nothing happens
/// in the other 75. A pod does not work more than its limit, and one call per worker and period waits for the rest of it: of 25 or 26
/// in a period, 8.
#[test]
fn a_pod_at_its_limit_stands_still_for_the_rest_of_each_period() {
    let text = "name: limit\nduration: 100s\ncluster: { rtt: 2ns, connect: 0s }\n\
        servers: [{ name: s, concurrency: 8, service_time: 7700us, cpu: { limit: 2 } }]\n\
        clients: [{ name: c, load: { closed: { concurrency: 8 } } }]\n";
    let limited = summary(text);
    let calls_per_s = 2.0 / 7.7e-3;
    let rate = limited.throughput_rps;
    assert!((rate / calls_per_s - 1.0).abs() < 1e-3, "{rate} calls per second, not {calls_per_s:.1}");
    let latency = limited.latency_ms;
    // Quantiles are given to 1 %.
    let (p50, p90, p99) = (latency.p50.unwrap(), latency.p90.unwrap(), latency.p99.unwrap());
    assert!((p50 / 7.7 - 1.0).abs() < 0.01 && (p90 / 82.7 - 1.0).abs() < 0.01 && p99 >= 75.0, "{latency:?}");
    let used = limited.pods[0].utilization.expect("Ready all the time");
    // Of 100 s; at either end a period is cut, and what is left of it may have its whole quota.
    assert!((used - 1.0).abs() < 0.0011, "{used} of its limit");
}

/// The story of a team on call: five pods, one of them with 90 % of the traffic and at 92 % of its limit. The mean is fine: a fifth of the
/// limits. Most calls wait for the one, and so does the service's 99th percentile; the same load spread evenly is throttled
/// nowhere, and a call takes what it takes.
#[test]
fn one_pod_at_its_limit_slows_the_whole_service() {
    let run = |service: &str, policy: &str| {
        summary(&format!(
            "name: on-call\nduration: 200s\nwarmup: 10s\nservice: {{ type: {service} }}\n\
             servers: [{{ name: s, replicas: 5, concurrency: 64, service_time: {EXPONENTIAL}, cpu: {{ limit: 1 }} }}]\n\
             clients:\n  - {{ name: most, policy: {policy}, load: {{ open: {{ rate: 900 }} }} }}\n  \
             - {{ name: rest, replicas: 50, policy: {policy}, load: {{ open: {{ rate: 100 }} }} }}\n"
        ))
    };
    let (uneven, even) = (run("ClusterIP", "pick_first"), run("Headless", "round_robin"));
    assert_eq!(uneven.arrivals_digest, even.arrivals_digest, "the same calls");
    let used = |s: &Summary| s.pods.iter().map(|p| p.utilization.expect("Ready")).collect::<Vec<_>>();
    for summary in [&uneven, &even] {
        let all = used(summary);
        // 200,000 calls of 1 ms in 200 s on five cores: within five standard deviations.
        assert!((mean(&all) - 0.2).abs() < 5.0 * 0.2 * (2.0f64 / 190_000.0).sqrt(), "{all:?}");
    }
    assert!(used(&uneven).iter().copied().fold(0.0, f64::max) > 0.9);
    let p99 = |s: &Summary| s.latency_ms.p99.expect("calls");
    // 4.6 times the mean, and the round trip of 0.5 ms; quantiles are given to 1 %.
    assert!((p99(&even) / (4.605 + 0.5) - 1.0).abs() < 0.03, "{}", p99(&even));
    assert!(p99(&uneven) > 5.0 * p99(&even), "{} against {}", p99(&uneven), p99(&even));
}
