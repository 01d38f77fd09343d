//! Configured retries through the engine (gRFC A6): when attempts are made, where they go, what stops them, and what is counted.

use crate::support;

use std::collections::BTreeMap;

use evenkeel::experiment;
use evenkeel::metrics::outcome::Summary;
use evenkeel::scenario;
use evenkeel::sim::observation::{Observation, Observer, Status};
use evenkeel::units::{Span, Time};
use support::family::Family;
use support::runs::{model, observed, over_seeds};
use support::stats::binomial;

const RETRY: &str = "max_attempts: 4, initial_backoff: 100ms, max_backoff: 1s, multiplier: 2";

/// What happened to each call, by when it was made.
#[derive(Default)]
struct Attempts {
    /// (when the attempt failed, on which pod, the back-off)
    retried: BTreeMap<Time, Vec<(Time, Option<u32>, Span)>>,
    /// (when, on which pod, how)
    ended: BTreeMap<Time, (Time, Option<u32>, Option<Status>)>,
    received: u64,
}

impl Observer for Attempts {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Received { .. } => self.received += 1,
            Observation::Retried { pod, emitted, after, .. } => {
                self.retried.entry(emitted).or_default().push((at, pod.map(|p| p.0), after));
            }
            Observation::Completed { pod, emitted, .. } => {
                let twice = self.ended.insert(emitted, (at, Some(pod.0), None));
                assert_eq!(twice, None, "two calls at one instant, or two ends of one");
            }
            Observation::Failed { pod, why, emitted, .. } => {
                let twice = self.ended.insert(emitted, (at, pod.map(|p| p.0), Some(why.status())));
                assert_eq!(twice, None, "two calls at one instant, or two ends of one");
            }
            _ => {}
        }
    }
}

/// A pod that refuses what it cannot serve at once; `client` is the rest of the client, `retry` what it does about it.
fn refusing(pods: u32, client: &str, retry: &str) -> String {
    format!(
        "name: retries\nduration: 20s\nservice: {{ type: Headless }}\ncluster: {{ rtt: 1ms }}\n\
         servers: [{{ name: s, replicas: {pods}, concurrency: 1, service_time: 50ms, queue_limit: 0 }}]\n\
         clients: [{{ name: c, retry: {{ {retry} }}, {client} }}]\n"
    )
}

#[test]
fn attempts_are_made_again_after_growing_delays_and_count_at_pods() {
    let text = refusing(1, "load: { open: { rate: 60 } }", &format!("{RETRY}, codes: [RESOURCE_EXHAUSTED]"));
    let seen = observed::<Attempts>(&model(&text), 1).0;
    let mut by_attempts = [0; 4];
    for (emitted, (ended, _, status)) in &seen.ended {
        let none = Vec::new();
        let retried = seen.retried.get(emitted).unwrap_or(&none);
        by_attempts[retried.len()] += 1;
        assert!(*status != Some(Status::ResourceExhausted) || retried.len() == 3, "{emitted} was given up early");
        for (i, &(failed, _, after)) in retried.iter().enumerate() {
            let mean = 0.1 * f64::from(1 << i);
            let (least, most) = (Span::from_secs_f64(0.8 * mean), Span::from_secs_f64(1.2 * mean));
            assert!((least..=most).contains(&after), "{i}: {after}");
            // An attempt is refused a round trip after it was made.
            let next = retried.get(i + 1).map_or(*ended, |r| r.0);
            let takes = next.since(failed + after);
            assert!(takes == Span::from_millis(1) || takes == Span::from_millis(51), "{takes}");
        }
    }
    assert!(by_attempts.iter().all(|n| *n > 20), "{by_attempts:?}");
    let retries: usize = seen.retried.values().map(Vec::len).sum();
    let open = seen.received - seen.ended.len() as u64 - retries as u64;
    assert!(open <= 60 * 2, "attempts of calls that were open at the end: {open}");
}

#[test]
fn a_deadline_covers_all_attempts() {
    let client = "deadline: 150ms, load: { open: { rate: 60 } }";
    let text = refusing(1, client, &format!("{RETRY}, codes: [RESOURCE_EXHAUSTED]"));
    let seen = observed::<Attempts>(&model(&text), 1).0;
    let late = seen.ended.iter().filter(|(_, e)| e.2 == Some(Status::DeadlineExceeded));
    assert!(late.clone().count() > 100);
    assert!(late.clone().all(|(emitted, end)| end.0.since(*emitted) == Span::from_millis(150)));
    // The second delay is at least 160 ms: nobody makes a third attempt.
    assert!(late.clone().all(|(emitted, _)| seen.retried.get(emitted).is_some_and(|r| r.len() <= 2)));
    assert!(seen.ended.iter().all(|(emitted, end)| end.0.since(*emitted) <= Span::from_millis(150)));
}

/// The second attempt picks anew, with draws of its own: of 4 pods, one call in four comes back to where it was refused.
#[test]
fn another_attempt_is_another_pick() {
    let retry = "max_attempts: 2, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [RESOURCE_EXHAUSTED]";
    let text = refusing(4, "policy: random, load: { open: { rate: 100 } }", retry);
    let pairs = over_seeds(&model(&text), 1..=10, |seen: Attempts| {
        let pod = |emitted: &Time| seen.ended.get(emitted).and_then(|end| end.1);
        let pairs = seen.retried.iter().filter_map(|(emitted, r)| Some((r[0].1?, pod(emitted)?)));
        pairs.collect::<Vec<_>>()
    });
    let pairs = pairs.concat();
    let same = pairs.iter().filter(|(first, second)| first == second).count() as u64;
    let mut family = Family::named("closed form: retries, another pick");
    family.add("the same pod again", binomial(same, pairs.len() as u64, 0.25));
    family.assert_holds();
    assert!(pairs.len() > 5_000);
}

fn summary(text: &str) -> Summary {
    let loaded = scenario::parse("retries.yaml", text, None, &[]).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    experiment::run(&loaded, 1, false, None).expect("runs").summary
}

/// All pods are killed for 5 s. Calls on them, and those of the next seconds, are made again until a pod is back.
const KILLED: &str = "name: killed\nduration: 30s\nservice: { type: Headless }\n\
    servers: [{ name: s, replicas: 3, startup: 3s }]\n\
    timeline: [{ at: 10s, kill: { server: s, pods: 3 } }]\n\
    clients: [{ name: c, policy: round_robin, RETRY load: { open: { rate: 200 } } }]\n";

#[test]
fn retries_outlast_a_short_outage_and_do_not_change_what_is_asked_for() {
    let with = |retry: &str| summary(&KILLED.replace("RETRY", retry));
    let none = with("");
    let patient =
        "retry: { max_attempts: 5, initial_backoff: 2s, max_backoff: 2s, multiplier: 1, codes: [UNAVAILABLE] },";
    let patient = with(patient);
    assert_eq!(none.arrivals_digest, patient.arrivals_digest, "common random numbers");
    assert!(none.requests.failed > 500 && none.requests.retries == 0, "{:?}", none.requests);
    assert_eq!(patient.requests.failed, 0, "four times 1.6 s outlast 3 s: {:?}", patient.requests);
    assert!(patient.requests.retries > 500);
    // Attempts that never reached a pod are not received.
    let received: u64 = patient.pods.iter().map(|p| p.requests).sum();
    assert!(received < patient.requests.started + patient.requests.retries);
    let other =
        "retry: { max_attempts: 5, initial_backoff: 2s, max_backoff: 2s, multiplier: 1, codes: [RESOURCE_EXHAUSTED] },";
    assert_eq!(with(other).requests, none.requests, "another failure");
}

/// The bucket of 10 tokens allows a retry while more than 5 are left: four failures, since the fifth leaves 5. Each of 200 calls
/// that succeeded before has put back nothing, for the bucket was full.
#[test]
fn a_throttle_stops_the_storm() {
    let retry = |throttling: &str| {
        format!(
            "retry: {{ max_attempts: 5, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [UNAVAILABLE]{throttling} }},"
        )
    };
    let free = summary(&KILLED.replace("RETRY", &retry("")));
    let throttling = ", throttling: { max_tokens: 10, token_ratio: 0.1 }";
    let throttled = summary(&KILLED.replace("RETRY", &retry(throttling)));
    assert_eq!(throttled.requests.retries, 4);
    assert!(free.requests.retries > 1_000 && free.requests.failed < throttled.requests.failed);
    // Each channel has its own bucket.
    let two = KILLED.replace("RETRY", &retry(throttling)).replace("policy:", "channels: 2, policy:");
    assert_eq!(summary(&two).requests.retries, 8);
}
