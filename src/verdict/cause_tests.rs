//! What each part of an attribution is said to come of.

use super::tests::{grpc, http1, model, pick_first, round_robin, sentence, steady, with};
use super::*;
use crate::distribution::Distribution;
use crate::metrics::attribution::{CallerPart, ClientParts, PodParts};
use crate::metrics::outcome::{EventKind, EventRow, Outcome};
use crate::model::{
    BlackHole, Client, EnvoyCluster, LeastRequest, Lifetime, Load, Protocol, Random, RateCurve, ServiceType, Sidecar,
    SidecarKind, SlowStart, Streams, What,
};
use crate::units::{Span, Time};

/// Three pods with 60, 20 and 20 % of many requests, and nothing yet that their parts come of.
fn uneven() -> Outcome {
    let mut outcome = steady(&[(60_000, 3), (20_000, 1), (20_000, 1)]);
    let attribution = outcome.summary.attribution.as_mut().unwrap();
    attribution.pods.iter_mut().for_each(|pod| pod.draw = 0.0);
    outcome
}

/// One of the parts of a pod's share.
type Part = fn(&mut PodParts) -> &mut f64;

/// The same, all of it by this part.
fn all_by(part: Part) -> Outcome {
    let mut outcome = uneven();
    for pod in parts(&mut outcome) {
        *part(pod) = pod.share - pod.even;
    }
    outcome
}

fn parts(outcome: &mut Outcome) -> &mut [PodParts] {
    &mut outcome.summary.attribution.as_mut().unwrap().pods
}

fn kind(model: &Model, outcome: &Outcome) -> String {
    judge(model, outcome).cause.expect("uneven").kind
}

#[track_caller]
fn tells(model: &Model, outcome: &Outcome, text: &str) {
    let all = sentence(model, outcome);
    assert!(all.contains(text), "{all}");
}

fn event(time_s: f64, pod: &str, what: &str) -> EventRow {
    EventRow { time_s, kind: EventKind::Pod, subject: pod.to_owned(), what: what.to_owned() }
}

fn of_grpc(client: &mut Client) -> &mut crate::model::GrpcClient {
    match &mut client.protocol {
        Protocol::Grpc(grpc) => grpc,
        Protocol::Http1(_) => panic!("it is gRPC"),
    }
}

#[test]
fn parts_have_words() {
    let words: [(Part, &str); 6] = [
        (|p| &mut p.time_ready, "by time Ready"),
        (|p| &mut p.timing, "by when connections were opened"),
        (|p| &mut p.draw, "by the random draw of connections"),
        (|p| &mut p.client_rates, "by which clients' connections it has"),
        (|p| &mut p.connection_rates, "by the load of each connection"),
        (|p| &mut p.failures, "by calls that were lost"),
    ];
    for (part, word) in words {
        let mut outcome = uneven();
        let hot = &mut parts(&mut outcome)[0];
        *part(hot) = 0.2;
        hot.picks = hot.share - hot.even - 0.2;
        tells(&pick_first(), &outcome, &format!("+20.0 {word}, +6.7 by picks)"));
    }
}

#[test]
fn parts_are_told_if_there_are_two_or_more() {
    assert!(!sentence(&pick_first(), &all_by(|p| &mut p.draw)).contains("points of share"));
    let mut three = uneven();
    let hot = &mut parts(&mut three)[0];
    (hot.draw, hot.timing, hot.picks) = (0.15, 0.08, hot.share - hot.even - 0.23);
    tells(
        &pick_first(),
        &three,
        "+15.0 by the random draw of connections, +8.0 by when connections were opened, +3.7 by picks)",
    );
}

#[test]
fn a_pod_that_was_ready_for_longer_and_one_whose_calls_are_lost() {
    let longer = all_by(|p| &mut p.time_ready);
    assert_eq!(kind(&pick_first(), &longer), "ready_time");
    // The second pod is sent 35 % and receives 20 %; the third is sent 31.7 %.
    let mut lost = all_by(|p| &mut p.failures);
    (parts(&mut lost)[1].failures, parts(&mut lost)[2].failures) = (-0.15, -0.117);
    assert_eq!(kind(&pick_first(), &lost), "lost_calls");
    tells(&pick_first(), &lost, "35 % of the calls are sent to s-1-1, and not all arrive");
}

#[test]
fn a_black_hole_swallows_calls_or_loses_its_connections() {
    let hole = What::BlackHole(BlackHole::default());
    let model = with(pick_first(), 1, hole);
    let mut outcome = steady(&[(50_000, 1), (50_000, 1), (0, 1)]);
    parts(&mut outcome).iter_mut().for_each(|pod| pod.draw = 0.0);
    let dead = &mut parts(&mut outcome)[2];
    dead.failures = dead.share - dead.even;
    assert_eq!(kind(&model, &outcome), "black_hole");
    tells(&model, &outcome, "33.3 % of the calls are sent to s-1-2, which answers nothing");
    let dead = &mut parts(&mut outcome)[2];
    (dead.failures, dead.draw) = (0.0, dead.failures);
    tells(&model, &outcome, "s-1-2 answers nothing, and connections to it end");
}

/// The last pod became Ready at 3 s, and once more after the phase.
fn late() -> Outcome {
    let mut outcome = all_by(|p| &mut p.timing);
    parts(&mut outcome)[2].timing -= 0.01;
    outcome.events = vec![event(3.0, "s-1-2", "Ready"), event(12.0, "s-1-2", "Ready")];
    outcome
}

#[test]
fn what_keeps_connections_from_a_late_pod() {
    let says = |model: &Model, why: &str| {
        assert_eq!(kind(model, &late()), "late_pod");
        tells(model, &late(), "s-1-2 became Ready at 3s, after most connections were opened");
        tells(model, &late(), why);
    };
    says(&round_robin(), "and gRPC asks DNS again only when a connection breaks");
    says(&pick_first(), "and kube-proxy never moves an established connection");
    let mut headless = pick_first();
    headless.service = ServiceType::Headless;
    says(&headless, "and a client keeps its connection until it breaks");
    let mut aged = pick_first();
    aged.servers[0].grpc.max_connection_age = Some(Span::from_secs(2));
    says(&aged, "and each connection stays on its pod for up to 2.2s");
    let mut short = pick_first();
    short.clients[0].connection_lifetime = Some(Lifetime { max: Span::from_secs(60), jitter: 0.1 });
    says(&short, "and each connection stays on its pod for up to 1m6s");
}

#[test]
fn a_pod_that_came_after_all_connections() {
    let mut outcome = late();
    parts(&mut outcome)[2].drawn_evenly = 0.0;
    tells(&pick_first(), &outcome, "s-1-2 became Ready at 3s, after all connections were opened, and kube-proxy never");
}

/// Streams that nothing cuts stay; an age with a grace cuts them.
#[test]
fn open_streams_stay_unless_they_are_cut() {
    let rate = RateCurve { points: std::sync::Arc::new([(Time::ZERO, 1.0)]) };
    let mut model = pick_first();
    model.clients[0].load = Load::Streams(Streams { rate, duration: Distribution::Constant(60.0), messages: None });
    tells(&model, &late(), "and an open stream stays on its connection");
    model.servers[0].grpc.max_connection_age = Some(Span::from_secs(2));
    model.servers[0].grpc.max_connection_age_grace = Some(Span::from_secs(1));
    tells(&model, &late(), "and each connection stays on its pod for up to 2.2s");
}

#[test]
fn fewer_connections_than_pods_are_few() {
    let mut one = steady(&[(100_000, 1), (0, 0), (0, 0)]);
    assert_eq!(kind(&pick_first(), &one), "few_connections");
    tells(
        &pick_first(),
        &one,
        "there is only 1 connection for 3 pods, and kube-proxy never moves an established connection",
    );
    one.summary.attribution.as_mut().unwrap().connections = 2.0;
    tells(&pick_first(), &one, "there are only 2 connections for 3 pods");
}

/// The one that sends more than its part of the connections, and not the one that has most of both.
#[test]
fn the_heavy_client_is_named() {
    let mut outcome = all_by(|p| &mut p.client_rates);
    let client = |name: &str, sent, connections| CallerPart { client: name.to_owned(), sent, connections };
    let attribution = outcome.summary.attribution.as_mut().unwrap();
    attribution.clients = vec![client("light", 0.5, 0.8), client("heavy", 0.5, 0.2)];
    let on = |connections| ClientParts { connections, ..ClientParts::default() };
    attribution.pods[0].by_client = [("heavy".to_owned(), on(1.0))].into();
    let heavy = judge(&pick_first(), &outcome).cause.unwrap();
    assert_eq!((heavy.kind.as_str(), heavy.client.as_deref()), ("heavy_client", Some("heavy")));
    let text = "heavy sends 50 % of the calls on 20 % of the connections, and has 1 of its 1 connection on s-1-0";
    tells(&pick_first(), &outcome, text);
}

#[test]
fn a_subset_is_named_where_it_leaves_pods_out() {
    let with_subset = |size| {
        let mut model = round_robin();
        of_grpc(&mut model.clients[0]).subset = Some(crate::model::Subset { size });
        model
    };
    let outcome = all_by(|p| &mut p.draw);
    assert_eq!([2, 3].map(|size| kind(&with_subset(size), &outcome)), ["subset", "missing_connections"]);
    tells(&with_subset(2), &outcome, "each channel keeps 2 of 3 addresses (subset), and it has 3 of 5 connections");
}

/// 20 and 10 of 30 requests are 1.8 standard deviations apart, 2000 and 1000 of 3000 are 18.
#[test]
fn few_requests_are_chance() {
    let few = steady(&[(2, 2), (1, 1)]);
    assert_eq!(kind(&http1(), &few), "chance");
    tells(&http1(), &few, "by chance: 30 requests over 2 pods are too few to be even");
    assert_eq!(kind(&http1(), &steady(&[(200, 200), (100, 100)])), "draw");
}

/// A second client picks at random; it and not the first one prefers the pod.
#[test]
fn the_client_that_picks_is_named() {
    let mut model = round_robin();
    let mut other = model.clients[0].clone();
    other.name = "d".to_owned();
    of_grpc(&mut other).policy = Policy::Random(Random {});
    model.clients.push(other);
    let mut outcome = all_by(|p| &mut p.picks);
    for pod in parts(&mut outcome) {
        let of = |picks| ClientParts { picks, ..ClientParts::default() };
        pod.by_client = [("c".to_owned(), of(0.0)), ("d".to_owned(), of(pod.picks))].into();
    }
    tells(&model, &outcome, "random of d picked it more than the others");
}

fn least_request() -> Model {
    model(ServiceType::Headless, grpc(Policy::LeastRequest(LeastRequest { choice_count: 2 })))
}

#[test]
fn policies_by_load_avoid_slow_pods_and_love_those_that_fail() {
    let mut slow = all_by(|p| &mut p.picks);
    let means = [10.0, 30.0, 12.345];
    slow.summary.pods.iter_mut().zip(means).for_each(|(pod, mean)| pod.latency_ms.mean = Some(mean));
    assert_eq!(kind(&least_request(), &slow), "slow_pod");
    // Of the others' 10 and 12.345 ms the upper middle one.
    let text = "s-1-1 is slow (mean 30ms, others 12.3ms): least_request prefers pods that answer sooner";
    tells(&least_request(), &slow, text);
    // A quarter more is slow.
    for (mean, kind_of_it) in [(12.5, "slow_pod"), (12.4, "picks")] {
        slow.summary.pods.iter_mut().zip([10.0, mean, 10.0]).for_each(|(pod, mean)| pod.latency_ms.mean = Some(mean));
        assert_eq!(kind(&least_request(), &slow), kind_of_it);
    }
    // 30 % of the calls to the hot pod fail, and 1 % of the others'; or a fifth.
    let failing = |others: u64| {
        let mut outcome = all_by(|p| &mut p.picks);
        let failed = [180_000, others, others];
        outcome.summary.pods.iter_mut().zip(failed).for_each(|(pod, n)| (pod.errors, pod.now) = (n, None));
        outcome
    };
    assert_eq!([2_000, 40_000].map(|others| kind(&least_request(), &failing(others))), ["failing_pod", "picks"]);
    tells(&least_request(), &failing(2_000), "it fails 30 % of its calls");
}

#[test]
fn a_slower_server_is_no_slow_pod() {
    let mut model = least_request();
    let mut quick = model.servers[0].clone();
    (quick.name, quick.speed) = ("quick".to_owned(), 2.0);
    model.servers.push(quick);
    let mut outcome = all_by(|p| &mut p.picks);
    outcome.summary.pods[0].server = "quick".to_owned();
    assert_eq!(kind(&model, &outcome), "unequal_speed");
    tells(&model, &outcome, "pods of s take longer for a request than others");
}

/// In Envoy's slow start is what became Ready within its window, and not what was Ready from the start.
#[test]
fn slow_start_is_of_new_pods() {
    let mut model = least_request();
    let slow_start = Some(SlowStart { window: Span::from_secs(30), aggression: 1.0, min_weight: 0.1 });
    let cluster = EnvoyCluster { circuit_breakers: None, slow_start, ..EnvoyCluster::default() };
    let overhead = Distribution::Constant(0.0);
    model.clients[0].via =
        Some(Sidecar { kind: SidecarKind::Envoy, workers: None, overhead, cluster: Some(cluster), accrual: None });
    let mut outcome = all_by(|p| &mut p.picks);
    assert_eq!(kind(&model, &outcome), "picks");
    outcome.summary.pods[2].ready_s = Some(3.0);
    assert_eq!(kind(&model, &outcome), "slow_start");
    tells(&model, &outcome, "s-1-2 became Ready at 3s and gets less for 30s (slow start)");
    // It was over at 33 s.
    (outcome.summary.phases[0].from_s, outcome.summary.phases[0].to_s) = (40.0, 50.0);
    assert_eq!(kind(&model, &outcome), "picks");
    // Several workers know nothing of each other.
    model.clients[0].via.as_mut().unwrap().workers = Some(2);
    assert_eq!(kind(&model, &outcome), "workers");
}

/// 12 of 30 connections are 1.2 times the even part of three pods, 13 are 1.3 times.
#[test]
fn a_gateway_is_uneven_above_five_quarters() {
    let of = |connections: [u64; 3]| {
        let mut outcome = steady(&[(100, 4), (100, 4), (100, 4)]);
        let pods = outcome.summary.pods.iter().zip(connections);
        let gateways = pods.map(|(pod, n)| PodSummary {
            pod: pod.pod.replace('s', "g"),
            server: "g".to_owned(),
            connections_at_end: n,
            ..pod.clone()
        });
        outcome.summary.gateways = gateways.collect();
        // Of what is gone, or another gateway's, nothing counts.
        let mut gone = outcome.summary.gateways[0].clone();
        (gone.deleted_s, gone.connections_at_end) = (Some(5.0), 90);
        let other = PodSummary { server: "other".to_owned(), deleted_s: None, ..gone.clone() };
        outcome.summary.gateways.extend([gone, other]);
        let mut model = round_robin();
        let (server, client) = (model.servers[0].clone(), model.clients[0].clone());
        let server = crate::model::Server { name: "g".to_owned(), ..server };
        model.gateways.push(crate::model::Gateway { proxy: "envoy", server, client });
        sentence(&model, &outcome)
    };
    assert!(
        of([13, 9, 8])
            .contains("The gateway's own pods are not even: g-1-0 has 13 of the 30 connections of g's clients")
    );
    assert!(!of([12, 9, 9]).contains("gateway's own pods"));
}

#[test]
fn a_phase_is_named_where_there_are_several() {
    let mut outcome = all_by(|p| &mut p.draw);
    let mut first = outcome.summary.phases[0].clone();
    (first.name, first.to_s) = ("before rollout of s".to_owned(), 4.0);
    let last = &mut outcome.summary.phases[0];
    (last.name, last.from_s) = ("after rollout of s".to_owned(), 5.0);
    outcome.summary.phases.insert(0, first);
    outcome.summary.headline_phase = Some(2);
    tells(&pick_first(), &outcome, "s-1-0 carries 1.80x its share, s-1-1 0.60x after rollout of s (5s to 10s): ");
}
