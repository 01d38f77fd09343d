//! What is said of pods without room and of calls that failed.

use super::tests::{outcome, pick_first, round_robin, sentence, steady, with};
use super::*;
use crate::metrics::outcome::Outcome;
use crate::scenario::distribution::Distribution;
use crate::scenario::model::{
    Discovery, Dns, DnsCache, EnvoyCluster, Load, Protocol, Reuse, Sidecar, SidecarKind, What,
};
use crate::units::Span;

#[test]
fn overload_is_said() {
    let all = outcome(&[(0.0, 100, 4, 1.0), (0.0, 100, 4, 1.0)]);
    let text = "All pods are saturated: the load exceeds the capacity, and no balancing makes up for that.";
    assert!(sentence(&pick_first(), &all).ends_with(text));
    let one = outcome(&[(0.0, 300, 6, 1.0), (0.0, 100, 2, 0.4)]);
    let text = "1 of 2 pods are saturated (s-1-0 the most) while the fleet uses 70 % of its slots: there is room, but not where \
                the traffic goes.";
    assert!(sentence(&pick_first(), &one).ends_with(text), "{}", sentence(&pick_first(), &one));
    let mut closed = pick_first();
    closed.clients[0].load = Load::Closed { concurrency: 50, requests: None };
    assert!(!sentence(&closed, &all).contains("saturated"), "a closed load waits: it cannot exceed the capacity");
}

/// 60 of 600 calls failed; 40 at the first pod and 15 at the second, 5 nowhere.
fn lossy(first_is_gone: bool) -> Outcome {
    let mut lossy = steady(&[(180, 6), (180, 6), (180, 6)]);
    let summary = &mut lossy.summary;
    (summary.requests.started, summary.requests.failed) = (600, 60);
    summary.requests.by_status.insert("UNAVAILABLE".to_owned(), 60);
    summary.connections.closed_by.insert("refused".to_owned(), 55);
    (summary.pods[0].errors, summary.pods[1].errors) = (40, 15);
    summary.pods[0].deleted_s = first_is_gone.then_some(5.0);
    lossy
}

#[test]
fn losses_say_where_and_why() {
    let mut model = with(round_robin(), 1, What::RolloutServer(0));
    (model.cluster.dns, model.cluster.endpoint_lag) =
        (Dns { ttl: Span::from_secs(30), cache: DnsCache::CoreDns }, Distribution::Constant(0.5));
    let first = |model: &Model, outcome: &Outcome| {
        sentence(model, outcome).split(" The load is even").next().map(str::to_owned)
    };
    let says = |model: &Model, outcome: &Outcome, text: &str| assert_eq!(first(model, outcome).as_deref(), Some(text));
    let lost = "60 of 600 calls (10.00 %) failed, all with UNAVAILABLE: 40 at s-1-0 (gone since), 15 at s-1-1, \
                5 before they had a pod.";
    let Protocol::Grpc(client) = &mut model.clients[0].protocol else { panic!("it is gRPC") };
    client.discovery = Discovery::Poll { interval: Span::from_secs(5) };
    says(&model, &lossy(true), lost);
    let cluster = EnvoyCluster {
        breakers: None,
        panic_threshold: 50,
        retries: 0,
        max_requests_per_connection: None,
        slow_start: None,
        reuse: Reuse::default(),
    };
    let overhead = Distribution::Constant(0.0);
    model.clients[0].via =
        Some(Sidecar { kind: SidecarKind::Envoy, workers: Some(2), overhead, cluster: Some(cluster) });
    let why = "Envoy picks among all pods that it knows of, alive or not, and a refused dial fails its calls, which it does not try \
               again; it learns of a pod's end up to 35.5s late (DNS TTL 30s, poll 5s, endpoint lag 500ms).";
    says(&model, &lossy(true), &format!("{lost} {why}"));
    let reach = "each sidecar knows every pod, dials it when a call needs it, and takes them";
    assert!(sentence(&model, &lossy(true)).contains(reach));
    // Where few dials were refused, dead pods are not the cause.
    let mut resets = lossy(false);
    resets.summary.connections.closed_by.clear();
    resets.summary.requests.failed_by_client = [("c".to_owned(), 50), ("d".to_owned(), 10)].into();
    let text = "60 of 600 calls (10.00 %) failed, all with UNAVAILABLE, 50 of them of c: 55 at s-1-0, s-1-1, 5 before they had a pod.";
    says(&model, &resets, text);
}
