//! What is said of pods without room and of calls that failed.

use super::tests::{round_robin, sentence, steady, with};
use super::*;
use crate::distribution::Distribution;
use crate::metrics::outcome::{Failure, Maker, Outcome};
use crate::model::{
    Breakers, Discovery, Dns, EnvoyCluster, Keepalive, Pods, Poll, Protocol, RetryLimit, Sidecar, SidecarKind, Wake,
    What,
};
use crate::units::Span;

/// 60 of 600 calls failed; 40 at the first pod and 15 at the second, 5 nowhere.
fn lossy(first_is_gone: bool) -> Outcome {
    let mut lossy = steady(&[(180, 6), (180, 6), (180, 6)]);
    let summary = &mut lossy.summary;
    (summary.requests.started, summary.requests.failed) = (600, 60);
    let failure =
        |at: &str, calls| Failure { reason: "dial_refused".to_owned(), by: Maker::Pod, at: at.to_owned(), calls };
    let nowhere = Failure { reason: "no_endpoint".to_owned(), by: Maker::Client, at: "c".to_owned(), calls: 5 };
    summary.failures = vec![failure("s-1-0", 40), failure("s-1-1", 15), nowhere];
    (summary.pods[0].errors, summary.pods[1].errors) = (40, 15);
    summary.pods[0].deleted_s = first_is_gone.then_some(5.0);
    lossy
}

fn envoy(workers: Option<u32>, circuit_breakers: Option<Breakers>) -> Sidecar {
    let cluster = EnvoyCluster { circuit_breakers, ..EnvoyCluster::default() };
    let overhead = Distribution::Constant(0.0);
    Sidecar { kind: SidecarKind::Envoy, workers, overhead, cluster: Some(cluster), accrual: None }
}

#[test]
fn losses_say_where_and_why() {
    let mut model = with(round_robin(), 1, What::RolloutServer(0));
    (model.cluster.dns, model.cluster.endpoint_lag) = (Dns::default(), Distribution::Constant(0.5));
    let first = |model: &Model, outcome: &Outcome| {
        sentence(model, outcome).split(" The load is even").next().map(str::to_owned)
    };
    let says = |model: &Model, outcome: &Outcome, text: &str| assert_eq!(first(model, outcome).as_deref(), Some(text));
    let lost = "60 of 600 calls (10.00 %) failed: 55 dial refused at s-1-0, s-1-1; 5 no endpoint.";
    let Protocol::Grpc(client) = &mut model.clients[0].protocol else { panic!("it is gRPC") };
    client.discovery = Discovery::Poll(Poll::default());
    let stops = "A deleted pod refuses connections after 0s (pre_stop), and the nodes learn of it only after 500ms (endpoint_lag). A channel \
                 fails its calls until it dials again (back-off from 1s on).";
    says(&model, &lossy(true), &format!("{lost} {stops}"));
    model.clients[0].via = Some(envoy(Some(2), None));
    let why = "Envoy picks among all pods that it knows of, alive or not, and a refused dial fails its calls, which it does not try \
               again; it learns of a pod's end up to 35.5s late (DNS TTL 30s, poll 5s, endpoint lag 500ms).";
    says(&model, &lossy(true), &format!("{lost} {why}"));
    let reach = "each sidecar knows every pod, dials it when a call needs it, and takes them";
    assert!(sentence(&model, &lossy(true)).contains(reach));
    // Another reason has another explanation.
    let mut refused = lossy(false);
    for failure in &mut refused.summary.failures {
        (failure.reason, failure.by, failure.at) = ("queue_full".to_owned(), Maker::Pod, "s-1-2".to_owned());
    }
    refused.summary.requests.failed_by_client = [("c".to_owned(), 50), ("d".to_owned(), 10)].into();
    let text = "60 of 600 calls (10.00 %) failed, 50 of them of c: 60 refused by a full queue at s-1-2, s-1-2, s-1-2. A pod whose queue is \
                full (queue_limit) refuses what comes.";
    says(&model, &refused, text);
}

/// Ten of a hundred calls failed for this reason, at their client.
fn failing(reason: &str) -> Outcome {
    let mut outcome = steady(&[(3, 1), (3, 1), (3, 1)]);
    (outcome.summary.requests.started, outcome.summary.requests.failed) = (100, 10);
    let failure = Failure { reason: reason.to_owned(), by: Maker::Client, at: "c".to_owned(), calls: 10 };
    outcome.summary.failures = vec![failure];
    outcome
}

#[test]
fn keepalive_is_explained_by_its_settings() {
    let mut model = round_robin();
    model.servers[0].grpc.keepalive_enforcement.min_time = Span::from_secs(300);
    let Protocol::Grpc(client) = &mut model.clients[0].protocol else { panic!("it is gRPC") };
    client.keepalive = Some(Keepalive {
        time: Span::from_secs(30),
        timeout: Span::from_secs(20),
        permit_without_stream: false,
        wake: Wake::AtOnce,
        bdp_ping: false,
        throttle: None,
        tcp_user_timeout: false,
        tcp_user_timeout_of_dials: false,
        slow_down: false,
    });
    let pings = "Clients ping each 30s, and the server permits a ping each 5m.";
    assert!(sentence(&model, &failing("too_many_pings")).contains(pings));
    let silence = "sends a ping 30s after the last answer, and closes the connection if no answer comes for 20s.";
    assert!(sentence(&model, &failing("keepalive_timeout")).contains(silence));
}

/// Only where pods are replaced behind a headless Service, and clients ask DNS.
#[test]
fn a_channel_without_an_address_waits_for_dns() {
    let explains =
        |model: &Model| sentence(model, &failing("no_endpoint")).contains("A channel asks DNS again only when");
    let replaced = with(round_robin(), 1, What::RolloutServer(0));
    assert_eq!((explains(&replaced), explains(&round_robin())), (true, false));
    assert!(!explains(&with(round_robin(), 1, What::Kill(Pods { server: 0, pods: 1 }))));
    assert!(!explains(&with(super::tests::pick_first(), 1, What::RolloutServer(0))));
    let mut polls = replaced;
    let Protocol::Grpc(client) = &mut polls.clients[0].protocol else { panic!("it is gRPC") };
    client.discovery = Discovery::Poll(Poll::default());
    assert!(!explains(&polls));
}

/// A tenth of the failed calls, or more.
#[test]
fn what_made_few_of_the_calls_fail_is_not_explained() {
    let explains = |full: u64| {
        let mut outcome = failing("deadline");
        let failures = &mut outcome.summary.failures;
        failures.push(Failure { reason: "queue_full".to_owned(), calls: full, ..failures[0].clone() });
        failures[0].calls = 100 - full;
        outcome.summary.requests.failed = 100;
        outcome.summary.requests.started = 1_000;
        sentence(&round_robin(), &outcome).contains("A pod whose queue is full")
    };
    assert_eq!([9, 10].map(explains), [false, true]);
}

#[test]
fn circuit_breakers_are_explained_by_their_settings() {
    let mut model = round_robin();
    let breakers = Breakers { max_requests: 5, max_pending_requests: 3, retries: RetryLimit::Count(1) };
    model.clients[0].via = Some(envoy(None, Some(breakers)));
    let text = "A proxy's circuit breakers allow 5 requests under way at once, and 3 waiting for a connection.";
    assert!(sentence(&model, &failing("circuit_breaker")).contains(text));
    assert!(!sentence(&round_robin(), &failing("circuit_breaker")).contains("circuit breakers allow"));
}
