//! Whether a simulation agrees with measurements: 99 % prediction intervals that must contain what was measured, and
//! p-values that share one level with all other tests.

use super::family::Family;
use super::stats::{Prediction, mean, variance, z};

/// Coverage of all prediction intervals.
const COVERAGE: f64 = 0.99;
/// Of the standard normal law, two-sided.
const NORMAL_99: f64 = 2.575_829_303_548_901;

/// The comparison of one experiment with its simulation.
#[derive(Debug)]
pub struct Comparison {
    family: Family,
    outside: Vec<String>,
}

impl Comparison {
    /// `family` is a group of [`super::family::FAMILIES`].
    pub fn new(family: &str) -> Comparison {
        Comparison { family: Family::named(family), outside: Vec::new() }
    }

    /// Adds a p-value to the family.
    pub fn p(&mut self, what: &str, p: f64) {
        println!("{what}: p = {p:.4}");
        self.family.add(what, p);
    }

    /// Each measured value must be inside the 99 % prediction interval of simulated ones: 199 runs at least.
    pub fn inside(&mut self, what: &str, simulated: &[f64], measured: &[f64]) {
        self.inside_timed(what, simulated, measured, 0.0);
    }

    /// The same of instants that were measured to `timing`, which widens the interval.
    pub fn inside_timed(&mut self, what: &str, simulated: &[f64], measured: &[f64], timing: f64) {
        let Prediction { lo, hi, runs, coverage } = Prediction::new(simulated, COVERAGE);
        let interval = Prediction { lo: lo - timing, hi: hi + timing, runs, coverage };
        println!("{what}: {measured:.4?} in {:.4} .. {:.4}?", interval.lo, interval.hi);
        self.note(what, measured.iter().all(|m| interval.contains(*m)), &interval, measured);
    }

    /// The mean of all measured values must be inside the 99 % prediction interval of the mean of so many more simulated
    /// ones, by the central limit theorem: `m ± 2.58 s sqrt(1/measured + 1/simulated)`.
    pub fn mean_inside(&mut self, what: &str, simulated: &[f64], measured: &[f64]) {
        let (m, half) = (mean(simulated), NORMAL_99 * deviation_of_means(simulated, measured.len()));
        let interval = Prediction { lo: m - half, hi: m + half, runs: simulated.len(), coverage: COVERAGE };
        println!("{what}: {:.4} in {:.4} .. {:.4}?", mean(measured), interval.lo, interval.hi);
        self.note(what, interval.contains(mean(measured)), &interval, &[mean(measured)]);
    }

    /// Something that holds or not, without chance.
    pub fn fact(&mut self, what: &str, holds: bool) {
        println!("{what}: {holds}");
        if !holds {
            self.outside.push(what.to_owned());
        }
    }

    fn note(&mut self, what: &str, inside: bool, interval: &Prediction, measured: &[f64]) {
        if !inside {
            self.outside.push(format!("{what}: {measured:?} not in {} .. {}", interval.lo, interval.hi));
        }
    }

    /// Passes if the simulation agrees with the measurements.
    pub fn assert_agrees(self) {
        assert!(self.outside.is_empty(), "measured, but not predicted: {:#?}", self.outside);
        self.family.assert_holds();
    }

    /// Passes if it does not: for a model that is wrong on purpose.
    pub fn assert_disagrees(self) {
        println!("outside: {:#?}", self.outside);
        if self.outside.is_empty() {
            self.family.assert_rejected();
        }
    }
}

/// Two-sided p-value that measured values have the mean of the simulated ones, by the central limit theorem.
pub fn same_mean(simulated: &[f64], measured: &[f64]) -> f64 {
    z((mean(measured) - mean(simulated)) / deviation_of_means(simulated, measured.len()))
}

/// Of the difference between the mean of the simulated values and that of `n` more.
fn deviation_of_means(simulated: &[f64], n: usize) -> f64 {
    (variance(simulated) * (1.0 / n as f64 + 1.0 / simulated.len() as f64)).sqrt()
}
