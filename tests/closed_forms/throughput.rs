//! Throughput of a closed loop on one pod and on all, by the engine, against the bounds of operational analysis. Service is
//! fixed, so that nothing is left to chance but the start, and there are no statistics; seeds 1 to 5.

use crate::support;

use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::theory::queueing::closed_loop_throughput;
use evenkeel::units::Time;
use support::runs::{model, observed};

const CALLS: usize = 100_000;
const SERVICE: f64 = 1.6e-3;
/// A hundredth of the service time.
const RTT: f64 = 16e-6;

/// The bounds are those of a loop whose slots are never idle by bad luck: rotation must come this close to them. Counting whole
/// rounds of 40 calls among 80,000 makes a twentieth of it.
const WITHIN: f64 = 0.01;

/// When calls were done.
#[derive(Default)]
struct Completions(Vec<Time>);

impl Observer for Completions {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        if let Observation::Completed { .. } = what {
            self.0.push(at);
        }
    }
}

/// Calls per second between the first tenth of the calls, by which the start is over, and the last, where workers stop.
fn throughput(service: &str, policy: &str, workers: u32, seed: u64) -> f64 {
    let text = format!(
        "name: throughput\nservice: {{ type: {service} }}\ncluster: {{ rtt: 16us }}\n\
         servers: [{{ name: s, replicas: 5, concurrency: 8, service_time: 1600us }}]\n\
         clients: [{{ name: ghz, policy: {policy}, load: {{ closed: {{ concurrency: {workers}, requests: {CALLS} }} }} }}]"
    );
    let done = observed::<Completions>(&model(&text), seed).0.0;
    assert_eq!(done.len(), CALLS);
    let (from, to) = (CALLS / 10, CALLS - CALLS / 10);
    (to - from) as f64 / done[to].since(done[from]).as_secs_f64()
}

#[test]
fn the_ratio_of_five_pods_to_one_is_that_of_the_bounds() {
    for workers in [50, 30, 10] {
        let bound = |pods| closed_loop_throughput(workers, pods, 8, SERVICE, RTT).unwrap();
        for seed in 1..=5 {
            let even = throughput("Headless", "round_robin", workers, seed);
            let one = throughput("ClusterIP", "pick_first", workers, seed);
            let ratio = even / one;
            assert!((ratio / (bound(5) / bound(1)) - 1.0).abs() < WITHIN, "{workers} workers, seed {seed}: {ratio}");
            assert!((even / bound(5) - 1.0).abs() < WITHIN && (one / bound(1) - 1.0).abs() < WITHIN, "{even} {one}");
        }
    }
}

/// A loop that nobody serves: each of its workers fails once per millisecond, over gRPC and over HTTP/1.1.
#[test]
fn a_closed_loop_without_pods_fails_at_a_bounded_rate() {
    for protocol in ["grpc", "http1"] {
        let text = format!(
            "name: nobody\nduration: 1s\nservers: [{{ name: s, replicas: 0 }}]\n\
             clients: [{{ name: c, protocol: {protocol}, load: {{ closed: {{ concurrency: 5 }} }} }}]\n"
        );
        let loaded = evenkeel::scenario::parse("a.yaml", &text, None, &[]).expect("reads");
        let requests = evenkeel::experiment::run(&loaded, 1, true, None).expect("runs").summary.requests;
        // 5 x 1000, but for what is under way at the end.
        assert!((4_990..=5_005).contains(&requests.started) && requests.ok == 0, "{protocol}: {requests:?}");
    }
}
