//! What depends on the phases of DNS caches and of polls does so by chance: a change is as costly wherever it is on the timeline.

use crate::support;

use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::units::Time;
use support::family::Family;
use support::runs::{model, over_seeds};
use support::stats::{ks_two_samples, t_two_means};

/// Runs for each place of the rollout.
const RUNS: u64 = 60;

/// Calls that failed.
#[derive(Default)]
struct Lost(u32);

impl Observer for Lost {
    fn observe(&mut self, _: Time, what: &Observation<'_>) {
        if let Observation::Failed { .. } = *what {
            self.0 += 1;
        }
    }
}

/// Calls that Envoy loses in a rollout that begins at `at` s, in each run. Places have seeds of their own, one after the other:
/// the samples are independent.
fn lost(cache: &str, at: u64, pre_stop: u64, place: u64) -> Vec<f64> {
    let text = format!(
        "name: phases\nduration: {}s\nservice: {{ type: Headless }}\ncluster: {{ dns: {{ cache: {cache} }} }}\n\
         servers: [{{ name: s, replicas: 5, startup: 10s, service_time: 1ms, \
                     termination: {{ pre_stop: {pre_stop}s, grace: 100s }} }}]\n\
         clients: [{{ name: c, replicas: 20, via: envoy, load: {{ open: {{ rate: 100 }} }} }}]\n\
         timeline: [{{ at: {at}s, rollout: s }}]\n",
        at + pre_stop + 80
    );
    over_seeds(&model(&text), place * RUNS + 1..=(place + 1) * RUNS, |Lost(calls)| f64::from(calls))
}

/// Losses of rollouts at several places against those of the first place: means, and laws.
fn compare(family: &mut Family, cache: &str, places: &[u64]) {
    let samples: Vec<Vec<f64>> = (0..).zip(places).map(|(place, &at)| lost(cache, at, 0, place)).collect();
    for (at, sample) in places.iter().zip(&samples).skip(1) {
        assert!(sample.iter().all(|&calls| calls > 0.0), "a rollout without preStop costs calls");
        family.add(format!("{cache}, {at} s: mean"), t_two_means(&samples[0], sample));
        family.add(format!("{cache}, {at} s: law"), ks_two_samples(&samples[0], sample));
    }
}

#[test]
fn what_a_rollout_costs_does_not_depend_on_where_it_is() {
    let mut family = Family::named("closed form: phases of DNS");
    // CoreDNS's cache lives for 30 s; without one it is the polls that count, each 5 s.
    compare(&mut family, "core_dns", &[60, 70, 80]);
    compare(&mut family, "node_local", &[60, 75]);
    compare(&mut family, "none", &[60, 62, 63]);
    family.assert_holds();
}

/// The defaults: TTL 30 s (twice, if there are two caches), poll 5 s, endpoint lag 0.5 s.
#[test]
fn a_pre_stop_of_ttl_and_poll_and_lag_loses_nothing() {
    for (cache, enough, less) in [("none", 6, 4), ("core_dns", 36, 33), ("node_local", 66, 45)] {
        let (with, without) = (lost(cache, 60, enough, 0), lost(cache, 60, less, 0));
        assert!(with.iter().all(|&calls| calls == 0.0), "{cache}: {with:?}");
        assert!(without.iter().any(|&calls| calls > 0.0), "{cache}: a shorter one loses some in no run");
    }
}
