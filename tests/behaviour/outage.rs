//! A fleet that is replaced within 30 s behind a headless Service: when the clients of gRPC's DNS resolver know no pod that lives, and
//! what prevents it. Theory and engine share nothing but the scenario. (The lab saw it: `tests/labs/e7.rs`, and grpc-go issues 6990
//! and 8398 tell of it.)

use crate::support;

use std::path::Path;

use evenkeel::model::Model;
use evenkeel::scenario::load;
use evenkeel::sim::observation::{Observation, Observer, Status};
use evenkeel::units::Time;
use support::runs::over_seeds;

const SEEDS: u64 = 5;
const ROLLOUT_S: f64 = 120.0;
/// grpc-go `MinResolutionInterval`, C-core `dns_min_time_between_resolutions_ms`.
const FLOOR_S: f64 = 30.0;
/// The scenario's endpoint lag, a constant.
const LAG_S: f64 = 0.5;

/// Where the calls that failed were made: the first and the last of them, in seconds from the rollout.
#[derive(Default)]
struct Failures {
    first: Option<f64>,
    last: f64,
    count: u64,
}

impl Observer for Failures {
    fn observe(&mut self, _: Time, what: &Observation<'_>) {
        if let Observation::Failed { emitted, why, .. } = *what {
            assert_eq!(why.status(), Status::Unavailable);
            let at = emitted.as_secs_f64() - ROLLOUT_S;
            self.first.get_or_insert(at);
            (self.last, self.count) = (at, self.count + 1);
        }
    }
}

fn scenario(sets: &[&str]) -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/blog/rolling-restart-headless-outage.yaml");
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    load(&path, &sets).unwrap_or_else(|errors| panic!("{errors}")).model
}

/// A rolling update that surges only.
#[derive(Clone, Copy)]
struct Restart {
    pods: u32,
    surge: u32,
    startup: f64,
    min_ready: f64,
    pre_stop: f64,
}

const SHIPPED: Restart = Restart { pods: 5, surge: 1, startup: 3.0, min_ready: 0.0, pre_stop: 0.0 };

impl Restart {
    /// From when to when no client knows a pod that lives, in seconds from the rollout, if there is such a time.
    ///
    /// `surge` pods at a time are created, Ready after `startup`, and available `min_ready` later; then as many old ones are deleted,
    /// and send GOAWAY after `pre_stop`. The first GOAWAY makes all clients ask DNS, and begins the floor. If the answer has a new pod
    /// in it, they know one that stays.
    fn outage(self) -> Option<(f64, f64)> {
        let step = self.startup + self.min_ready;
        let steps = f64::from(self.pods.div_ceil(self.surge));
        let (first_goaway, last_goaway) = (self.first_goaway(), steps * step + self.pre_stop);
        let new_in_dns = self.startup + LAG_S;
        if new_in_dns <= first_goaway {
            return None;
        }
        let next_answer = first_goaway + FLOOR_S;
        (last_goaway < next_answer).then_some((last_goaway, next_answer))
    }

    fn first_goaway(self) -> f64 {
        self.startup + self.min_ready + self.pre_stop
    }

    fn sets(self) -> [String; 5] {
        [
            format!("servers.s.replicas={}", self.pods),
            format!("servers.s.strategy.max_surge={}", self.surge),
            format!("servers.s.startup={}ms", self.startup * 1e3),
            format!("servers.s.min_ready={}ms", self.min_ready * 1e3),
            format!("servers.s.termination.pre_stop={}ms", self.pre_stop * 1e3),
        ]
    }
}

fn runs(restart: Restart, more: &[&str]) -> Vec<Failures> {
    let sets = restart.sets();
    let sets: Vec<&str> = sets.iter().map(String::as_str).chain(more.iter().copied()).collect();
    over_seeds(&scenario(&sets), 1..=SEEDS, |seen: Failures| seen)
}

/// With 400 calls per second the first one that fails is made within 50 ms of the beginning, but once in e^20; so is the last one
/// before the end. After the answer the first of five dials takes a round trip and 0.2 to 2 ms.
const SHARP_S: f64 = 0.05;

/// Which surge, preStop or minReadySeconds prevents it.
const TABLE: &[(&str, Restart)] = &[
    ("as shipped", SHIPPED),
    ("two at a time", Restart { surge: 2, ..SHIPPED }),
    ("all at once", Restart { surge: 5, ..SHIPPED }),
    ("a preStop that is shorter than the endpoint lag", Restart { pre_stop: 0.3, ..SHIPPED }),
    ("a preStop that is longer", Restart { pre_stop: 1.0, ..SHIPPED }),
    ("a preStop of 5 s", Restart { pre_stop: 5.0, ..SHIPPED }),
    ("a preStop of 5 s, all at once", Restart { pre_stop: 5.0, surge: 5, ..SHIPPED }),
    ("minReadySeconds that are shorter than the endpoint lag", Restart { min_ready: 0.4, ..SHIPPED }),
    ("minReadySeconds that are longer", Restart { min_ready: 1.0, ..SHIPPED }),
    ("minReadySeconds that are longer, all at once", Restart { min_ready: 1.0, surge: 5, ..SHIPPED }),
    ("slow pods: 28 s from the first to the last", Restart { startup: 7.0, ..SHIPPED }),
    ("slower ones: 32 s", Restart { startup: 8.0, ..SHIPPED }),
    ("the same, but two at a time", Restart { startup: 8.0, surge: 2, ..SHIPPED }),
    ("ten pods: 27 s", Restart { pods: 10, ..SHIPPED }),
    ("twelve pods: 33 s", Restart { pods: 12, ..SHIPPED }),
];

#[test]
fn an_outage_begins_with_the_last_old_pod_and_ends_with_the_floor() {
    for (name, restart) in TABLE {
        for (seed, seen) in (1..).zip(runs(*restart, &[])) {
            match (restart.outage(), seen.first) {
                (None, None) => {}
                (Some((begin, end)), Some(first)) => {
                    assert!(
                        (begin - SHARP_S..begin + SHARP_S).contains(&first),
                        "{name}, {seed}: from {first}, not {begin}"
                    );
                    assert!(
                        (end - SHARP_S..end + SHARP_S).contains(&seen.last),
                        "{name}, {seed}: to {}, not {end}",
                        seen.last
                    );
                    let expected = 400.0 * (end - begin);
                    let six_sigma = 6.0 * expected.sqrt();
                    assert!((seen.count as f64 - expected).abs() < six_sigma, "{name}, {seed}: {} failed", seen.count);
                }
                // Where all are told to go at once, each dial of an address that has gone is refused before DNS has answered.
                (None, Some(first)) if restart.surge == restart.pods => {
                    let told = restart.first_goaway();
                    assert!((told..told + SHARP_S).contains(&first) && seen.last < told + SHARP_S, "{name}, {seed}");
                }
                (theory, first) => panic!("{name}, {seed}: {theory:?}, but {first:?}: {} failed", seen.count),
            }
        }
    }
    let outages = TABLE.iter().filter(|(_, restart)| restart.outage().is_some()).count();
    assert_eq!((outages, TABLE.len()), (8, 15), "both are shown");
}

/// Kubernetes' defaults, 25 % of each: of five pods one is deleted at once, so that the first GOAWAY comes before any new pod is Ready.
/// Then minReadySeconds are of no use unless they make the restart slow, and a preStop must outlast the start-up too.
#[test]
fn with_max_unavailable_a_pre_stop_must_outlast_the_start() {
    let default = "servers.s.strategy={ type: RollingUpdate }";
    let failed = |more: &[&str]| {
        let sets = [&[default], more].concat();
        over_seeds(&scenario(&sets), 1..=SEEDS, |seen: Failures| seen.count)
    };
    let none = |counts: Vec<u64>| counts.iter().all(|n| *n == 0);
    let many = |counts: Vec<u64>| counts.iter().all(|n| *n > 400 * 10);
    assert!(many(failed(&[])));
    assert!(many(failed(&["servers.s.min_ready=2s"])));
    assert!(many(failed(&["servers.s.termination.pre_stop=3s"])), "3.5 s until a new pod is in DNS");
    assert!(none(failed(&["servers.s.termination.pre_stop=4s"])));
}

#[test]
fn a_watch_has_no_floor_and_a_short_one_is_a_short_outage() {
    assert!(runs(SHIPPED, &["clients.web.discovery=watch"]).iter().all(|seen| seen.first.is_none()));
    // Wrong model: a floor of 5 s. The answers at 8 s and 13 s have new pods in them.
    assert!(
        runs(SHIPPED, &["clients.web.resolver.min_interval=5s", "cluster.dns.cache=none"])
            .iter()
            .all(|s| s.first.is_none())
    );
}
