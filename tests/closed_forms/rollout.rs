//! Rolling updates by the engine's Deployment controller against the closed forms of `theory::rollout`. 20 connections per
//! pod, seeds 1 to 500, the level is that of the family. Connections come back at once, so that a death is over before the
//! next one; the means are exact for any number of connections.

use crate::support;

use evenkeel::theory::rollout::{self, Readiness, Rollout};
use support::family::Family;
use support::runs::{Connections, model, over_seeds};
use support::stats::t_mean;

const RUNS: u64 = 500;
/// Connections per pod.
const EVEN: u32 = 20;

/// All new pods that are created together are ready together.
const TOGETHER: &str = "10s";
/// No two are: two times in whole nanoseconds hardly ever agree.
const ONE_BY_ONE: &str = "{ uniform: { min: 10s, max: 50s } }";

/// What is rolled out, and how.
#[derive(Clone, Copy)]
struct Case {
    pods: u32,
    /// (maxSurge, maxUnavailable)
    strategy: (&'static str, &'static str),
    startup: &'static str,
    lag: &'static str,
    pre_stop: &'static str,
    /// Delay after a refused dial, the first and all others.
    retry: &'static str,
}

const A5: Case = Case { pods: 5, strategy: ("1", "0"), startup: TOGETHER, lag: "0s", pre_stop: "0s", retry: "1s" };
const B5: Case = Case { strategy: ("0", "1"), ..A5 };
const DEFAULTS5: Case = Case { strategy: ("25%", "25%"), ..A5 };

/// A run's loads, relative to the even share.
struct Loads {
    /// New pods, in order of becoming Ready.
    new: Vec<f64>,
    /// The last old pod, when it got SIGTERM.
    last_old: f64,
}

fn loads(case: Case) -> Vec<Loads> {
    let Case { pods, strategy: (surge, unavailable), startup, lag, pre_stop, retry } = case;
    let text = format!(
        "name: rollout\nduration: 30m\ncluster: {{ rtt: 0s, connect: 0s, endpoint_lag: {lag} }}\n\
         servers:\n- name: s\n  replicas: {pods}\n  startup: {startup}\n  termination: {{ pre_stop: {pre_stop} }}\n\
         \x20 strategy: {{ max_surge: {surge}, max_unavailable: {unavailable} }}\n\
         clients:\n- name: c\n  replicas: {}\n  policy: {{ pick_first: {{ reconnect: eager }} }}\n\
         \x20 backoff: {{ base: {retry}, multiplier: 1, max: {retry} }}\n  load: {{ open: {{ rate: 0.001 }} }}\n\
         timeline: [{{ at: 1m, rollout: s }}]",
        pods * EVEN
    );
    let n = pods as usize;
    over_seeds(&model(&text), 1..=RUNS, |seen: Connections| {
        assert!(seen.rolled_out.is_some() && seen.ready.len() == 2 * n && seen.sigterms.len() == n);
        let counts = seen.at_end();
        assert_eq!(counts.iter().sum::<u64>(), u64::from(pods * EVEN));
        let even = f64::from(EVEN);
        let new = seen.ready[n..].iter().map(|&pod| counts[pod] as f64 / even).collect();
        Loads { new, last_old: seen.sigterms[n - 1].1 as f64 / even }
    })
}

/// Adds a t test per new pod, except for those that are to have nothing: they have nothing in any run.
fn compare(family: &mut Family, runs: &[Loads], expected: &[f64]) {
    assert_eq!(runs[0].new.len(), expected.len());
    for (j, want) in expected.iter().enumerate() {
        let sample: Vec<f64> = runs.iter().map(|r| r.new[j]).collect();
        if *want == 0.0 {
            assert!(sample.iter().all(|x| *x == 0.0), "pod {} of those that are last has connections", j + 1);
        } else {
            family.add(format!("pod {}", j + 1), t_mean(&sample, *want));
        }
    }
}

/// Against `r_j` and the load of the last old pod.
fn one_at_a_time(mut family: Family, case: Case, unavailable: u32) -> Family {
    let runs = loads(case);
    compare(&mut family, &runs, &rollout::one_at_a_time(case.pods, unavailable).unwrap());
    let peaks: Vec<f64> = runs.iter().map(|r| r.last_old).collect();
    family.add("the last old pod", t_mean(&peaks, rollout::peak(case.pods, unavailable).unwrap()));
    family
}

/// Against the walk through the rollout in waves, by counts of (surge, unavailable).
fn in_waves(mut family: Family, case: Case, (surge, unavailable): (u32, u32)) -> Family {
    let lagging = case.lag != "0s";
    let rollout = Rollout { replicas: case.pods, surge, unavailable, readiness: Readiness::Waves, lagging };
    compare(&mut family, &loads(case), &rollout::walk(rollout).unwrap().new_pods);
    family
}

#[test]
fn one_surged_pod() {
    one_at_a_time(Family::named("closed form: rollout, surge 1 of 5"), A5, 0).assert_holds();
    one_at_a_time(Family::named("closed form: rollout, surge 1 of 10"), Case { pods: 10, ..A5 }, 0).assert_holds();
    // Wrong model: unavailable in place of surge.
    let wrong = Case { strategy: ("0", "1"), ..A5 };
    one_at_a_time(Family::named("closed form: rollout, surge 1 of 5"), wrong, 0).assert_rejected();
}

#[test]
fn one_unavailable_pod() {
    one_at_a_time(Family::named("closed form: rollout, unavailable 1 of 5"), B5, 1).assert_holds();
    one_at_a_time(Family::named("closed form: rollout, unavailable 1 of 10"), Case { pods: 10, ..B5 }, 1)
        .assert_holds();
}

#[test]
fn defaults_in_waves() {
    in_waves(Family::named("closed form: rollout, defaults in waves, 5"), DEFAULTS5, (2, 1)).assert_holds();
    let ten = Case { pods: 10, ..DEFAULTS5 };
    in_waves(Family::named("closed form: rollout, defaults in waves, 10"), ten, (3, 2)).assert_holds();
}

#[test]
fn defaults_one_by_one() {
    let five = Case { startup: ONE_BY_ONE, ..DEFAULTS5 };
    one_at_a_time(Family::named("closed form: rollout, defaults one by one, 5"), five, 1).assert_holds();
    let ten = Case { pods: 10, ..five };
    one_at_a_time(Family::named("closed form: rollout, defaults one by one, 10"), ten, 2).assert_holds();
}

/// With preStop above the endpoint lag nothing changes.
#[test]
fn endpoint_lag_within_pre_stop() {
    let case = Case { lag: "500ms", pre_stop: "1s", ..A5 };
    one_at_a_time(Family::named("closed form: rollout, lag within preStop"), case, 0).assert_holds();
}

/// With the lag above preStop, a pod is not selectable when the death that it caused sends connections away: surge becomes
/// unavailable. The dying pod still is, and refuses; here a refused dial is made again every 100 ms, so that all of them end
/// before the news of the new pod comes.
#[test]
fn endpoint_lag_beyond_pre_stop() {
    let case = Case { lag: "5s", pre_stop: "1s", retry: "100ms", ..A5 };
    one_at_a_time(Family::named("closed form: rollout, lag beyond preStop"), case, 1).assert_holds();
}

/// The usual lag and back-off: what the dying pods refuse comes back when the new pods are known.
#[test]
fn endpoint_lag_within_the_first_back_off() {
    let five = Case { lag: "500ms", ..A5 };
    in_waves(Family::named("closed form: rollout, lag within back-off, surge 1"), five, (1, 0)).assert_holds();
    let defaults = Case { lag: "500ms", ..DEFAULTS5 };
    in_waves(Family::named("closed form: rollout, lag within back-off, defaults"), defaults, (2, 1)).assert_holds();
}

/// A rollout that overtakes another one: the pods that the first one has created and that are not Ready yet go first, at once
/// (`cleanupUnhealthyReplicas`), whatever their revision; those that serve stay until there are new ones.
#[test]
fn pods_that_are_not_ready_yet_go_first() {
    let text = "name: overtaken\nduration: 1m\nservers: [{ name: s, replicas: 4, startup: 10s, strategy: { max_surge: 2, max_unavailable: 0 } }]\n\
                clients: [{ name: c, load: { open: { rate: 1 } } }]\ntimeline: [{ at: 5s, rollout: s }, { at: 7s, rollout: s }]\n";
    let loaded = evenkeel::scenario::parse("a.yaml", text, None, &[]).expect("reads");
    let pods = evenkeel::experiment::run(&loaded, 1, true, None).expect("runs").summary.pods;
    for pod in &pods {
        let deleted = pod.deleted_s;
        match &pod.pod[..4] {
            "s-1-" => assert!(deleted.is_some_and(|s| s >= 17.0), "{pod:?}"),
            "s-2-" => assert_eq!((pod.created_s, pod.ready_s, deleted), (5.0, None, Some(7.0))),
            _ => assert_eq!(deleted, None, "{pod:?}"),
        }
    }
    assert_eq!(pods.iter().filter(|p| p.deleted_s.is_none()).count(), 4);
}
