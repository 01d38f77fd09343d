//! What recording costs per request: the four observations of a request that succeeds, digest and histogram included, over
//! few and over many pods, and what ending a window costs per pod. `digest` is the digest's part of it, and `making the
//! observations` the bench's own.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use evenkeel::observe::digest::Digest;
use evenkeel::observe::{Recorder, RecorderOptions};
use evenkeel::sim::observation::{ConnectionId, Observation, Observer, Periods, PodId, PodPhase, PodSample};
use evenkeel::units::{Span, Time};
use std::hint::black_box;

#[path = "../tests/support/models.rs"]
mod support;

/// Requests per iteration.
const REQUESTS: u64 = 10_000;

/// A multiplicative generator: spreads pods and latencies.
fn scramble(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

fn requests(observer: &mut impl Observer, pods: u64) {
    for n in 0..REQUESTS {
        let draw = scramble(n);
        let pod = PodId(((u128::from(draw) * u128::from(pods)) >> 64) as u32);
        let latency = Span(300_000 + (draw & 0x3f_ffff));
        let at = Time(1_000_000_000 + n * 1_000);
        let emitted = Observation::Emitted { client: 0, replica: 3, n, demand: draw, key: draw ^ n, open: true };
        observer.observe(at, &emitted);
        observer.observe(at, &Observation::Received { pod, connection: ConnectionId(n & 63) });
        observer.observe(at, &Observation::Started { pod, waited: Span(draw & 0xffff) });
        observer.observe(at + latency, &Observation::Completed { client: 0, method: 0, pod, emitted: at });
    }
}

fn ready_pods(recorder: &mut Recorder<'_>, pods: u32) {
    for number in 0..pods {
        let pod = PodId(number);
        recorder.observe(Time(0), &Observation::PodCreated { pod, server: 0, revision: 1, number, node: 0 });
        recorder.observe(Time(0), &Observation::PodPhase { pod, phase: PodPhase::Ready });
    }
}

/// The digest alone, as an observer.
#[derive(Default)]
struct DigestOnly(Digest);

impl Observer for DigestOnly {
    #[inline(always)]
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        self.0.observe(at, what);
    }
}

/// Looks at the times alone: what making the observations costs.
struct TimesOnly(u64);

impl Observer for TimesOnly {
    #[inline]
    fn observe(&mut self, at: Time, _: &Observation<'_>) {
        self.0 ^= at.0;
    }
}

fn recorder(c: &mut Criterion) {
    let service = evenkeel::model::ServiceType::ClusterIp;
    let client = support::client("c", 1, support::pick_first());
    let model = support::model(service, vec![support::server("s", 5, 8)], vec![client]);
    let mut group = c.benchmark_group("per request");
    group.throughput(Throughput::Elements(REQUESTS));
    group.bench_function("making the observations", |b| {
        let mut times = TimesOnly(0);
        b.iter(|| requests(black_box(&mut times), 5));
    });
    group.bench_function("digest", |b| {
        let mut digest = DigestOnly::default();
        b.iter(|| requests(black_box(&mut digest), 5));
    });
    for pods in [5, 100, 1_000] {
        let mut recorder = Recorder::new(&model, 1, Span::from_secs(1), RecorderOptions::default());
        ready_pods(&mut recorder, pods);
        let name = format!("recorder, {pods} pods");
        group.bench_function(name, |b| b.iter(|| requests(black_box(&mut recorder), u64::from(pods))));
    }
    group.finish();

    let mut group = c.benchmark_group("per pod and window");
    let pods = 1_000;
    group.throughput(Throughput::Elements(pods));
    let sample = |i| PodSample {
        pod: PodId(i),
        phase: PodPhase::Ready,
        ready_throughout: true,
        connections: 1,
        in_flight: 0,
        queued: 0,
        busy: Span(1),
        periods: Periods::default(),
    };
    let samples: Vec<PodSample> = (0..pods as u32).map(sample).collect();
    let with_requests = || {
        let mut recorder = Recorder::new(&model, 1, Span::from_secs(1), RecorderOptions::default());
        ready_pods(&mut recorder, pods as u32);
        (0..10).for_each(|_| requests(&mut recorder, pods));
        recorder
    };
    group.bench_function("window after 100 requests per pod", |b| {
        let window = Observation::Window { from: Time(0), partial: false, pods: &samples, connections: &[] };
        let end = |mut recorder: Recorder<'_>| recorder.observe(Time(1_000_000_000), &window);
        b.iter_batched(with_requests, end, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, recorder);
criterion_main!(benches);
