//! Connection age as a cure, by the engine, against the closed forms of `theory::recovery` and the renewal equation. The age
//! is 100 s; connections come back at once. The level is that of the family, seeds are 1 to the number of runs.

use crate::support;

use evenkeel::sim::observation::CloseReason;
use evenkeel::theory::recovery::{JITTER, Lifetimes, mean_on_new_pod, still_idle_probability};
use evenkeel::theory::renewal::Renewal;
use support::family::Family;
use support::runs::{Connections, model, over_seeds, second};
use support::stats::{binomial, mean, t_mean, x2_across_seeds};

/// The age, in seconds.
const AGE: f64 = 100.0;

/// Who ends connections at their age.
#[derive(Clone, Copy, PartialEq)]
enum Ended {
    /// The client's pool, with no jitter.
    ByClient,
    /// The server, with the jitter of gRFC A9.
    ByServer,
}

/// So many connections to so many pods, started over `spread` ages, for `ages`; `rest` is appended. Hardly anybody calls, and channels
/// would fall idle after half an hour.
fn aging(ended: Ended, pods: u32, connections: u32, spread: f64, ages: f64, rest: &str) -> String {
    let (server, client) = match ended {
        Ended::ByClient => ("", "connection_lifetime: { max: 100s, jitter: 0 }, "),
        Ended::ByServer => (", grpc: { max_connection_age: 100s }", ""),
    };
    format!(
        "name: age\nduration: {}s\ncluster: {{ rtt: 0s, connect: 0s, endpoint_lag: 0s }}\n\
         servers: [{{ name: s, replicas: {pods}, startup: 0s{server} }}]\n\
         clients: [{{ name: c, replicas: {connections}, start: {{ spread: {}s }}, idle_timeout: 0s, {client}\
         policy: {{ pick_first: {{ reconnect: eager }} }}, load: {{ open: {{ rate: 0.001 }} }} }}]\n{rest}",
        AGE * ages,
        AGE * spread
    )
}

/// How many of 10,000 connections (1,000 in each of 10 runs) were re-dialled from `from` ages on for each of `within`.
fn redialled(ended: Ended, spread: f64, from: f64, within: &[f64]) -> Vec<u64> {
    let last = within.iter().fold(0.0, |a: f64, b| a.max(*b));
    let model = model(&aging(ended, 5, 1_000, spread, from + last + 0.1, ""));
    let runs = over_seeds(&model, 1..=10, |seen: Connections| {
        let until = |t: f64| seen.redialled(second(AGE * from), second(AGE * (from + t)));
        within.iter().map(|t| until(*t)).collect::<Vec<u64>>()
    });
    (0..within.len()).map(|i| runs.iter().map(|r| r[i]).sum()).collect()
}

/// The fraction that has re-dialled: `t/A` with uniform phases and no jitter; with jitter after 30 ages, by when the phases are
/// uniform; and after a few ages, by the renewal equation.
fn recovery(jitter: f64) -> Family {
    let mut family = Family::named("closed form: age, recovery");
    let mut compare = |what: &str, counts: Vec<u64>, theory: Vec<f64>| {
        for (count, p) in counts.into_iter().zip(theory) {
            family.add(format!("{what}: {p}"), binomial(count, 10_000, p));
        }
    };
    compare("t/A", redialled(Ended::ByClient, 1.0, 2.5, &[0.25, 0.5, 0.9]), vec![0.25, 0.5, 0.9]);
    let mut late = redialled(Ended::ByServer, 1.0, 30.0, &[0.5, 0.9, 1.0, 1.1]);
    assert_eq!(late.pop(), Some(10_000), "all have re-dialled after 1.1 ages");
    let uniform = Lifetimes::new(jitter).unwrap();
    compare("jitter, late", late, [0.5, 0.9, 1.0].map(|t| uniform.redialled(t)).to_vec());
    let renewal = Renewal::new(jitter, 4.0).unwrap();
    let spread = [0.3, 0.7].map(|t| renewal.redialled_between_spread(2.3, 2.3 + t, 1.0).unwrap());
    compare("jitter, spread start", redialled(Ended::ByServer, 1.0, 2.3, &[0.3, 0.7]), spread.to_vec());
    let together = [0.45, 0.6].map(|t| renewal.redialled_between(1.5, 1.5 + t).unwrap());
    compare("jitter, common start", redialled(Ended::ByServer, 0.0, 1.5, &[0.45, 0.6]), together.to_vec());
    family
}

#[test]
fn connections_redial_as_they_age() {
    recovery(JITTER).assert_holds();
    // Wrong model: hardly any jitter.
    recovery(0.01).assert_rejected();
}

/// Half an age after a scale-up from 5 pods to 10, 50 connections, 1,000 runs.
#[test]
fn new_pods_get_their_share() {
    let scale = "timeline: [{ at: 230s, scale: { server: s, replicas: 10 } }]";
    let model = model(&aging(Ended::ByClient, 5, 50, 1.0, 3.0, scale));
    let counts = over_seeds(&model, 1..=1_000, |seen: Connections| {
        assert!(seen.at(second(230.0))[5..].iter().all(|c| *c == 0), "nothing moves by itself");
        seen.at(second(230.0 + AGE / 2.0))
    });
    let mut family = Family::named("closed form: age, new pods");
    let moved: u64 = counts.iter().map(|c| c[5..].iter().sum::<u64>()).sum();
    let on_one = mean_on_new_pod(50, 10, 0.5).unwrap();
    family.add("connections of new pods", binomial(moved, 50_000, 5.0 * on_one / 50.0));
    let idle = counts.iter().filter(|c| c[5] == 0).count() as u64;
    family.add("still idle", binomial(idle, 1_000, still_idle_probability(50, 10, 0.5).unwrap()));
    family.assert_holds();
}

/// Runs whose time averages are looked at: 20 connections on 10 pods.
const AVERAGED: u64 = 1_000;

/// Per run, the variance over the pods of their connections' average over `from..to` ages, over that of an instant.
fn variances(ended: Ended, spread: f64, from: f64, to: f64) -> Vec<f64> {
    let model = model(&aging(ended, 10, 20, spread, to, ""));
    over_seeds(&model, 1..=AVERAGED, |seen: Connections| {
        let average = seen.average(second(AGE * from), second(AGE * to));
        assert!((average.iter().sum::<f64>() - 20.0).abs() < 1e-6);
        let squares: Vec<f64> = average.iter().map(|x| (x - 2.0) * (x - 2.0)).collect();
        mean(&squares) / (2.0 * (1.0 - 0.1))
    })
}

/// `1 - W/3` and `1/W - 1/(3 W²)` without jitter; with it, late, for a spread start and for a common one.
#[test]
fn time_averages_even_out() {
    let mut family = Family::named("closed form: age, time averages");
    let sharp = Lifetimes::new(0.0).unwrap();
    for w in [0.5, 1.0, 3.0] {
        let got = variances(Ended::ByClient, 1.0, 2.5, 2.5 + w);
        family.add(format!("no jitter, over {w}"), t_mean(&got, sharp.variance_factor(w).unwrap()));
    }
    let jitter = Lifetimes::new(JITTER).unwrap();
    let late = variances(Ended::ByServer, 1.0, 30.0, 32.0);
    family.add("jitter, late", t_mean(&late, jitter.variance_factor(2.0).unwrap()));
    let renewal = Renewal::new(JITTER, 5.0).unwrap();
    let spread = variances(Ended::ByServer, 1.0, 2.3, 3.8);
    family.add("jitter, spread start", t_mean(&spread, renewal.variance_factor_spread(2.3, 3.8, 1.0).unwrap()));
    let together = variances(Ended::ByServer, 0.0, 0.0, 3.5);
    family.add("jitter, common start", t_mean(&together, renewal.variance_factor(0.0, 3.5).unwrap()));
    family.assert_holds();
}

/// Age re-rolls the dice; it does not equalise: the skew of an instant is that of balls in bins after 30 ages as well.
#[test]
fn an_instant_stays_as_uneven_as_ever() {
    let model = model(&aging(Ended::ByServer, 10, 20, 1.0, 30.0, ""));
    let rows = over_seeds(&model, 1..=AVERAGED, |seen: Connections| seen.at_end());
    let mut family = Family::named("closed form: age, an instant");
    family.add("X² after 30 ages", x2_across_seeds(&rows));
    family.assert_holds();
}

/// After a rollout nobody ages out until 0.9 ages after its first re-dial, so the skew stays; by 1.1 ages after its last one
/// everybody has, and the skew is that of balls in bins. 200 runs.
#[test]
fn a_rollout_is_followed_by_silence() {
    let rest = "timeline: [{ at: 250s, rollout: s }]";
    let text = aging(Ended::ByServer, 5, 40, 1.0, 6.0, rest)
        .replace("startup: 0s", "startup: 3s, strategy: { max_surge: 1, max_unavailable: 0 }");
    let law = Lifetimes::new(JITTER).unwrap();
    let rows = over_seeds(&model(&text), 1..=200, |seen: Connections| {
        let (first, last) = (seen.sigterms[0].0, seen.sigterms[4].0);
        let took = last.since(first).as_secs_f64() / AGE;
        let (quiet, over) = law.silence_after_rollout(took).unwrap();
        let after = |ages: f64| second(last.as_secs_f64() + AGE * ages);
        assert_eq!(seen.redialled(last, after(quiet)), 0);
        assert_eq!(seen.at(after(quiet)), seen.at(last));
        // Of 40 lifetimes some are shorter than their mean, and some longer; in 200 runs that fails by chance in one of 10^9
        // tests at most.
        assert!((1..40).contains(&seen.redialled(last, after(1.0 - took / 2.0))));
        assert_eq!(seen.redialled(last, after(over)), 40);
        assert!(seen.drained.iter().all(|d| matches!(d.2, CloseReason::MaxAge | CloseReason::Shutdown)));
        seen.at(after(over))[5..].to_vec()
    });
    let mut family = Family::named("closed form: age, after a rollout");
    family.add("X² when all have aged out", x2_across_seeds(&rows));
    family.assert_holds();
}

/// A call takes 3 s, and no connection lives longer than 2.2 s + 0.5 s: none can succeed, each failure is followed by another
/// call, and a call ends with its own connection, after 2.3 s to 2.7 s, not with another's. (A kill may end it once sooner, and the next one then waits for a second.)
#[test]
fn a_forced_close_fails_the_calls_on_its_connection_and_no_others() {
    let text = "name: a\nduration: 20s\nservers: [{ name: s, replicas: 2, concurrency: 500, service_time: 3s, startup: 1s, \
                grpc: { max_connection_age: 2s, max_connection_age_grace: 500ms } }]\n\
                clients: [{ name: c, replicas: 50, wait_for_ready: true, load: { closed: { concurrency: 100 } } }]\n";
    for (timeline, rounds) in [("", 7..=8), ("timeline: [{ at: 10s, kill: { server: s, pods: 1 } }]\n", 6..=9)] {
        let loaded = evenkeel::scenario::parse("a.yaml", &format!("{text}{timeline}"), None, &[]).expect("reads");
        let requests = evenkeel::experiment::run(&loaded, 1, true, None).expect("runs").summary.requests;
        assert_eq!((requests.ok, requests.unfinished), (0, 100));
        let failed = 100 * rounds.start()..=100 * rounds.end();
        assert!(failed.contains(&requests.failed), "{requests:?}");
    }
}
