//! Calls that waited for a connection go out one by one, `dispatch` apart: 999 gaps of one run with seed 1, each drawn for its
//! channel and call.

use crate::support;

use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::units::Time;
use support::family::Family;
use support::runs::{model, observed};
use support::stats::ks_one_sample;

const MEAN_S: f64 = 0.001;

/// When requests reached pods, by client, in seconds.
#[derive(Default)]
struct Arrivals {
    clients: Vec<u32>,
    received: Vec<(u32, f64)>,
}

impl Observer for Arrivals {
    fn observe(&mut self, at: Time, what: &Observation<'_>) {
        match *what {
            Observation::Dialled { client, .. } => self.clients.push(client),
            Observation::Received { connection, .. } => {
                self.received.push((self.clients[connection.0 as usize], at.as_secs_f64()));
            }
            _ => {}
        }
    }
}

/// Gaps between the requests of the client `c`, which makes 1,000 calls at once.
fn gaps(dispatch: &str, more_clients: &str) -> Vec<f64> {
    let text = format!(
        "name: dispatch\nduration: 1m\nservers: [{{ name: s, replicas: 1, concurrency: 10000, service_time: 30s }}]\nclients:\n  \
         - {{ name: c, dispatch: {dispatch}, load: {{ closed: {{ concurrency: 1000, requests: 1000 }} }} }}\n{more_clients}"
    );
    let arrivals = observed::<Arrivals>(&model(&text), 1).0;
    let of_c: Vec<f64> = arrivals.received.iter().filter(|r| r.0 == 0).map(|r| r.1).collect();
    of_c.windows(2).map(|w| w[1] - w[0]).collect()
}

fn family(dispatch: &str) -> Family {
    let gaps = gaps(dispatch, "");
    assert_eq!(gaps.len(), 999);
    let mut family = Family::named("closed form: dispatch");
    family.add("gaps", ks_one_sample(&gaps, |s| 1.0 - (-s / MEAN_S).exp()));
    family
}

#[test]
fn calls_that_waited_go_out_by_the_law() {
    family("{ exponential: { mean: 1ms } }").assert_holds();
    // Wrong model: always the mean.
    family("1ms").assert_rejected();
}

#[test]
fn a_channels_draws_are_its_own() {
    let other = "  - { name: d, dispatch: { exponential: { mean: 5ms } }, load: { closed: { concurrency: 9, requests: 9 } } }\n";
    let law = "{ exponential: { mean: 1ms } }";
    assert_eq!(gaps(law, ""), gaps(law, other));
}

#[test]
fn no_time_is_no_gap() {
    assert!(gaps("0s", "").iter().all(|gap| *gap == 0.0));
}
