//! Service time that is CPU time in part, and waiting for others else (`cpu.share`), and the CPU request that an autoscaler divides by.

use evenkeel::metrics::outcome::Summary;
use evenkeel::{experiment, scenario};

fn of(duration: &str, server: &str, load: &str, seed: u64) -> Summary {
    let text = format!(
        "name: a\nduration: {duration}\ncluster: {{ rtt: 0s, connect: 1ns }}\nservers: [{{ name: s, {server} }}]\n\
         clients: [{{ name: c, dispatch: 0s, load: {{ {load} }} }}]\n"
    );
    let loaded = scenario::parse("test.yaml", &text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    experiment::run(&loaded, seed, false, None).expect("runs").summary
}

/// Calls of 10 ms by as many workers as there are slots, for 10 s: what bounds them is the slots, the cores or the limit.
#[test]
fn the_scarcest_of_slots_cores_and_limit_is_the_bound() {
    let calls = |cpu: &str| {
        let server = format!("concurrency: 8, service_time: 10ms, cpu: {{ {cpu} }}");
        of("10s", &server, "closed: { concurrency: 8 }", 1)
    };
    // All begin together. One core gives 8 calls 5 ms each in 40 ms, and then all of them wait for 5 ms: 8 in 45 ms, 222 times. With the
    // whole service time 8 in 80 ms, 124 times: the 125th ends with the run, less the connection's 1 ns.
    assert_eq!(calls("cores: 1, share: 50%").requests.ok, 8 * 222);
    assert_eq!(calls("cores: 1").requests.ok, 8 * 124);
    // 8 slots of 10 ms: 800 per second, which use 0.8 of the 4 cores of the limit. The pod is full all the same.
    let slots = calls("limit: 4, share: 10%");
    assert!((7_950..=8_000).contains(&slots.requests.ok), "{}", slots.requests.ok);
    assert!(slots.pods[0].utilization.expect("Ready") > 0.99);
    // Half a core, 5 ms for each: 100 per second, to one period's quota.
    let limited = calls("limit: 500m, share: 50%").requests.ok;
    assert!((990..=1_010).contains(&limited), "{limited}");
}

/// More calls than slots, which wait in the queue: the core is the bound, and none is answered twice or lost.
#[test]
fn a_queue_in_front_of_slots_that_wait() {
    let server = "concurrency: 8, service_time: { exponential: { mean: 10ms } }, cpu: { cores: 1, share: 50% }";
    let run = of("100s", server, "closed: { concurrency: 40 }", 1);
    assert_eq!(run.requests.started, run.requests.ok + run.requests.unfinished);
    // Eight slots keep one core busy but for moments when all eight wait (1/(e 8!), one in 100,000). 200 calls per second are 20,000 in
    // all: 4.5 standard deviations of the sum of as many exponential service times are 3.2 %.
    assert!((19_360..=20_640).contains(&run.requests.ok), "{}", run.requests.ok);
}

/// One call at a time takes its service time, whatever its parts are.
#[test]
fn a_call_alone_takes_its_service_time() {
    let alone =
        of("10s", "concurrency: 8, service_time: 10ms, cpu: { cores: 1, share: 30% }", "closed: { concurrency: 1 }", 1);
    assert_eq!((alone.requests.started, alone.latency_ms.p50), (1_000, alone.latency_ms.max));
    assert!((alone.latency_ms.mean.expect("calls") - 10.0).abs() < 0.01);
}

/// Processor sharing and a delay (a BCMP network): E[T] = sS / (1 - λsS) + (1 - s) S, whatever the law of S. 64 slots are as good as
/// endless for 4 at once. Level: 4.5 standard errors of 30 seeds.
#[test]
fn processor_sharing_and_a_delay() {
    let server = "concurrency: 64, service_time: { exponential: { mean: 40ms } }, cpu: { cores: 1, share: 25% }";
    let means: Vec<f64> =
        (1..=30).map(|seed| of("200s", server, "open: { rate: 60 }", seed).latency_ms.mean.expect("calls")).collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let error = (means.iter().map(|m| (m - mean) * (m - mean)).sum::<f64>() / (n - 1.0) / n).sqrt();
    let theory = 10.0 / (1.0 - 0.6) + 30.0;
    assert!((mean - theory).abs() < 4.5 * error, "{mean} ± {error}, and theory says {theory}");
}

/// 400 calls per second with 5 ms of CPU time each use two cores: 200 % of what two pods ask for, and 50 % of what eight do.
#[test]
fn an_autoscaler_divides_by_the_request() {
    let server = "replicas: 2, startup: 1s, service_time: 10ms, concurrency: 8, cpu: { request: 500m, share: 50% }, \
                  hpa: { min_replicas: 2, max_replicas: 20, target_cpu_utilization: 50% }";
    let scaled = of("300s", server, "open: { rate: 400, arrivals: constant }", 1);
    assert_eq!(scaled.pods.iter().filter(|pod| pod.deleted_s.is_none()).count(), 8);
}
