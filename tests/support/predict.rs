//! Whether a simulation agrees with measurements.
//!
//! Two statements are made of what was measured and of what was simulated, and both must hold:
//!
//! - **The test**, at the level that all statistical tests share. Under a right model measured and simulated values are
//!   exchangeable: how many of m measured ones fall outside the range of N simulated ones has a known law
//!   ([`beyond_range`]), and so has the mean of the measured ones. These p-values enter the family.
//! - **The demand**: every measured value lies inside the 99 % prediction interval of the simulation. That is more than a
//!   right model owes: of its values one in a hundred falls outside by chance, and no level is claimed here. It holds for all
//!   values of the lab but those that a test names as exceptions, with the reason. If a change of the model leaves a value
//!   outside while the test holds, look for the mistake; when there is none, name the value as an exception.
//!
//! A wrong model must fail the test, or a fact; missing the demand is not enough.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::family::Family;
use super::stats::{Prediction, beyond_range, mean, variance, z};

/// Coverage of all prediction intervals.
const COVERAGE: f64 = 0.99;
/// Of the standard normal law, two-sided.
const NORMAL_99: f64 = 2.575_829_303_548_901;

/// The comparison of one experiment with its simulation.
#[derive(Debug)]
pub struct Comparison {
    family: Family,
    outside: Vec<String>,
    untrue: Vec<String>,
}

impl Comparison {
    /// `family` is a group of [`super::family::FAMILIES`].
    pub fn new(family: &str) -> Comparison {
        Comparison { family: Family::named(family), outside: Vec::new(), untrue: Vec::new() }
    }

    /// Adds a p-value to the family.
    pub fn p(&mut self, what: &str, p: f64) {
        println!("{what}: p = {p:.2e}");
        self.family.add(what, p);
    }

    /// Values of independent trials against those of independent runs, at least 199: one p-value, and the demand.
    pub fn inside(&mut self, what: &str, simulated: &[f64], measured: &[f64]) {
        self.inside_timed(what, simulated, measured, 0.0);
    }

    /// The same of instants that were measured to `timing`, which widens range and interval.
    pub fn inside_timed(&mut self, what: &str, simulated: &[f64], measured: &[f64], timing: f64) {
        self.demand(what, simulated, measured, timing);
        let range = range(simulated, timing);
        let beyond = measured.iter().filter(|m| !range.contains(*m)).count();
        self.p(what, beyond_range(beyond, measured.len(), simulated.len()));
    }

    /// The same where each trial has a simulation of its own, of equally many runs.
    pub fn inside_each(&mut self, what: &str, trials: &[(Vec<f64>, f64)], timing: f64) {
        trials.iter().for_each(|(simulated, m)| self.demand(what, simulated, &[*m], timing));
        let beyond = trials.iter().filter(|(simulated, m)| !range(simulated, timing).contains(m)).count() as u64;
        let one = beyond_range(1, 1, trials[0].0.len());
        let law = Binomial::new(one, trials.len() as u64).expect("a probability");
        self.p(what, if beyond == 0 { 1.0 } else { law.sf(beyond - 1) });
    }

    /// The mean of all measured values against the mean of so many more simulated ones, by the central limit theorem: one
    /// p-value, and the demand, `m ± 2.58 s sqrt(1/measured + 1/simulated)`.
    pub fn mean_inside(&mut self, what: &str, simulated: &[f64], measured: &[f64]) {
        let (m, half) = (mean(simulated), NORMAL_99 * deviation_of_means(simulated, measured.len()));
        let interval = Prediction { lo: m - half, hi: m + half, runs: simulated.len(), coverage: COVERAGE };
        self.note(what, &interval, &[mean(measured)]);
        self.p(what, same_mean(simulated, measured));
    }

    /// Something that holds or not, without chance.
    pub fn fact(&mut self, what: &str, holds: bool) {
        println!("{what}: {holds}");
        if !holds {
            self.untrue.push(what.to_owned());
        }
    }

    fn demand(&mut self, what: &str, simulated: &[f64], measured: &[f64], timing: f64) {
        let Prediction { lo, hi, runs, coverage } = Prediction::new(simulated, COVERAGE);
        self.note(what, &Prediction { lo: lo - timing, hi: hi + timing, runs, coverage }, measured);
    }

    fn note(&mut self, what: &str, interval: &Prediction, measured: &[f64]) {
        let outside: Vec<f64> = measured.iter().copied().filter(|m| !interval.contains(*m)).collect();
        println!("{what}: {measured:.4?} in {:.4} .. {:.4}? outside: {outside:?}", interval.lo, interval.hi);
        if !outside.is_empty() {
            self.outside.push(format!("{what}: {outside:?} not in {} .. {}", interval.lo, interval.hi));
        }
    }

    /// Passes if the simulation agrees with the measurements.
    pub fn assert_agrees(self) {
        assert!(self.untrue.is_empty(), "not so: {:#?}", self.untrue);
        self.family.assert_holds();
        assert!(self.outside.is_empty(), "measured, but not predicted: {:#?}", self.outside);
    }

    /// Passes if it does not: for a model that is wrong on purpose.
    pub fn assert_disagrees(self) {
        println!("outside: {:#?}, not so: {:#?}", self.outside, self.untrue);
        if self.untrue.is_empty() {
            self.family.assert_rejected();
        }
    }
}

/// From the smallest to the largest value, wider by `timing` on both sides.
fn range(values: &[f64], timing: f64) -> std::ops::RangeInclusive<f64> {
    let fold = |f: fn(f64, f64) -> f64, from| values.iter().copied().fold(from, f);
    fold(f64::min, f64::INFINITY) - timing..=fold(f64::max, f64::NEG_INFINITY) + timing
}

/// Two-sided p-value that measured values have the mean of the simulated ones, by the central limit theorem.
fn same_mean(simulated: &[f64], measured: &[f64]) -> f64 {
    z((mean(measured) - mean(simulated)) / deviation_of_means(simulated, measured.len()))
}

/// Of the difference between the mean of the simulated values and that of `n` more.
fn deviation_of_means(simulated: &[f64], n: usize) -> f64 {
    (variance(simulated) * (1.0 / n as f64 + 1.0 / simulated.len() as f64)).sqrt()
}
