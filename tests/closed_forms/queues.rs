//! Waiting in the engine's pods against queueing theory. Each figure is a t test over 40 runs (seeds 1 to 40) of 25,000 calls
//! each, after 5,000 calls to become stationary; the level is that of the family. The slowest queue here forgets its start
//! within some hundred service times.

use crate::support;

use evenkeel::model::Model;
use evenkeel::sim::observation::{Observation, Observer};
use evenkeel::theory::queueing::Queue;
use evenkeel::units::Time;
use support::family::Family;
use support::runs::{model, over_seeds};
use support::stats::t_mean;

const SKIPPED: usize = 5_000;
const MEASURED: usize = 25_000;

/// How long each call waited in the pod, in seconds.
#[derive(Default)]
struct Waits(Vec<f64>);

impl Observer for Waits {
    fn observe(&mut self, _: Time, what: &Observation<'_>) {
        if let Observation::Started { waited, .. } = what {
            self.0.push(waited.as_secs_f64());
        }
    }
}

/// One pod with so many slots and this law of the service time (mean 1 ms), used to `utilization`.
struct Line {
    model: Model,
    theory: Queue,
    /// Per run, the waits that count.
    runs: Vec<Vec<f64>>,
}

impl Line {
    fn new(slots: u32, law: &str, utilization: f64) -> Line {
        let rate = f64::from(slots) * utilization / 1e-3;
        // Five standard deviations of the number of calls more than are needed.
        let calls = (SKIPPED + MEASURED) as f64;
        let duration_ns = (calls + 5.0 * calls.sqrt()) / rate * 1e9;
        let text = format!(
            "name: queue\nduration: {duration_ns:.0}ns\ncluster: {{ rtt: 0s }}\n\
             servers: [{{ name: s, concurrency: {slots}, service_time: {law} }}]\n\
             clients: [{{ name: c, load: {{ open: {{ rate: {rate} }} }} }}]"
        );
        let model = model(&text);
        let service = model.servers[0].service_time.mean();
        let theory = Queue::new(rate, service, slots).unwrap();
        let runs = over_seeds(&model, 1..=40, |seen: Waits| seen.0[SKIPPED..SKIPPED + MEASURED].to_vec());
        Line { model, theory, runs }
    }

    /// p-value of the mean over the calls of `value`.
    fn test(&self, value: impl Fn(f64) -> f64, expected: f64) -> f64 {
        let means: Vec<f64> =
            self.runs.iter().map(|run| run.iter().map(|w| value(*w)).sum::<f64>() / run.len() as f64).collect();
        t_mean(&means, expected)
    }

    fn wait(&self, expected: f64) -> f64 {
        self.test(|w| w, expected)
    }
}

const EXPONENTIAL: &str = "{ exponential: { mean: 1ms } }";

#[test]
fn exponential_service() {
    let mut family = Family::named("closed form: M/M/c");
    for (slots, utilization) in [(1, 0.5), (1, 0.8), (2, 0.7), (8, 0.8)] {
        let line = Line::new(slots, EXPONENTIAL, utilization);
        let name = format!("{slots} slots at {utilization}");
        family.add(format!("{name}: wait"), line.wait(line.theory.wait_exponential()));
        let waits = |w: f64| f64::from(u8::from(w > 0.0));
        family.add(format!("{name}: P(wait)"), line.test(waits, line.theory.wait_probability()));
        let high = line.theory.wait_quantile(0.95).unwrap();
        let beyond = |w: f64| f64::from(u8::from(w > high));
        family.add(format!("{name}: 95 %"), line.test(beyond, 0.05));
    }
    family.assert_holds();
}

fn constant(law: &str) -> Family {
    let mut family = Family::named("closed form: M/D/c");
    for (slots, utilization) in [(1, 0.5), (1, 0.8), (8, 0.8)] {
        let line = Line::new(slots, law, utilization);
        family.add(format!("{slots} slots at {utilization}"), line.wait(line.theory.wait_constant().unwrap()));
    }
    family
}

#[test]
fn constant_service() {
    constant("1ms").assert_holds();
    // Wrong model: service times that vary a little (a fifth of their mean).
    constant("{ uniform: { min: 654us, max: 1346us } }").assert_rejected();
}

/// Pollaczek and Khinchine, with the two moments of each law. Mixtures have a long tail here: P(S > x) falls as that of their
/// slow part.
#[test]
fn any_service() {
    let mut family = Family::named("closed form: M/G/1");
    let slow = "{ mixture: [{ weight: 9, of: 500us }, { weight: 1, of: { exponential: { mean: 5500us } } }] }";
    let laws = ["{ uniform: { min: 0s, max: 2ms } }", "{ lognormal: { mean: 1ms, sigma: 0.8 } }", slow];
    for (law, utilization) in laws.into_iter().zip([0.8, 0.7, 0.5]) {
        let line = Line::new(1, law, utilization);
        let service = &line.model.servers[0].service_time;
        assert!((service.mean() / 1e-3 - 1.0).abs() < 1e-6, "{law}");
        let scv = service.second_moment() / (service.mean() * service.mean()) - 1.0;
        family.add(law, line.wait(line.theory.wait_general(scv).unwrap()));
    }
    family.assert_holds();
}
