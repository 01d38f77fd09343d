//! One level for all statistical tests together: the chance that any of them fails although the model is right is at
//! most [`LEVEL`].
//!
//! Each `#[test]` runs on its own, so the level is divided beforehand: [`FAMILIES`] lists every group of tests with its
//! number of p-values, a group gets its part of the level by that number (Bonferroni), and within the group Holm's
//! step-down procedure (Scandinavian Journal of Statistics 6, 1979) is used, which never rejects less. Seeds are fixed,
//! so a test that passes keeps passing: the level says how likely a right model was to fail when the test was written.
//!
//! Where a parameter of a scenario was estimated from the data of the same test (tests/lab/README.md lists them), p-values come
//! out too large rather than too small: the level holds, and what is shown is agreement of the rest.
//!
//! To add a test: add its group here, make the `Family`, add the p-values, end with `assert_holds`. A negative control
//! takes the same group with the wrong model and ends with `assert_rejected`; it is not counted, since it costs no
//! level.

use super::stats::holm;

/// The level of all statistical tests together.
pub const LEVEL: f64 = 0.01;

/// Every group of statistical tests, by name, and how many p-values it has.
pub const FAMILIES: &[(&str, usize)] = &[
    ("theory: balls in bins", 4),
    ("theory: renewal", 3),
    ("closed form: which pod has the one connection", 1),
    ("closed form: balls in 5 bins", 18),
    ("closed form: balls in 10 bins", 19),
    ("closed form: balls in 50 bins", 20),
    ("closed form: rollout, surge 1 of 5", 6),
    ("closed form: rollout, surge 1 of 10", 11),
    ("closed form: rollout, unavailable 1 of 5", 5),
    ("closed form: rollout, unavailable 1 of 10", 10),
    ("closed form: rollout, defaults in waves, 5", 5),
    ("closed form: rollout, defaults in waves, 10", 10),
    ("closed form: rollout, defaults one by one, 5", 5),
    ("closed form: rollout, defaults one by one, 10", 9),
    ("closed form: rollout, lag within preStop", 6),
    ("closed form: rollout, lag beyond preStop", 5),
    ("closed form: rollout, lag within back-off, surge 1", 5),
    ("closed form: rollout, lag within back-off, defaults", 5),
    ("closed form: age, recovery", 10),
    ("closed form: age, new pods", 2),
    ("closed form: age, time averages", 6),
    ("closed form: age, an instant", 1),
    ("closed form: age, after a rollout", 1),
    ("closed form: dispatch", 1),
    ("closed form: lives by requests", 1),
    ("closed form: M/M/c", 12),
    ("closed form: M/D/c", 3),
    ("closed form: M/G/1", 3),
    ("closed form: processor sharing", 6),
    ("closed form: methods", 3),
    ("lab E1", 5),
    ("lab E2", 24),
    ("lab E3", 12),
    ("lab E4 cold", 12),
    ("lab E4 warm", 3),
    ("lab E4 pick_first", 8),
    ("lab E5 core", 4),
    ("lab E5 go", 4),
    ("lab E6 a", 3),
    ("lab E6 c", 4),
    ("lab E6 b", 6),
    ("lab E6 d", 11),
    ("lab E7 surge 5", 6),
    ("lab E7 surge 10", 12),
    ("lab E7 unavailable 5", 6),
    ("lab E7 outage", 5),
    ("lab E10 back-off", 2),
    ("closed form: retries, another pick", 1),
    ("closed form: subsets", 3),
    ("policies: uniform", 4),
    ("policies: subsets", 3),
    ("published: workers of Envoy", 3),
    ("closed form: phases of DNS", 10),
    ("lab E11", 3),
    ("lab E11 HAProxy", 4),
    ("estimates: coverage", 4),
    ("check: false refutations", 2),
    ("fit: beliefs", 6),
    ("fit: scenarios", 4),
    ("plan: errors of the sequential test", 2),
    // Facts only.
    ("lab E7 batches", 0),
    ("lab E8 pick_first", 22),
    ("lab E8 round_robin", 4),
    ("lab E4 balance_list", 2),
    ("lab E8 balance_list", 8),
    ("lab E8 peak EWMA", 8),
];

/// The p-values of one group.
#[derive(Debug)]
pub struct Family {
    name: &'static str,
    size: usize,
    tests: Vec<(String, f64)>,
}

impl Family {
    /// The group of that name in [`FAMILIES`].
    pub fn named(name: &str) -> Family {
        let (name, size) = *FAMILIES.iter().find(|f| f.0 == name).expect("listed in FAMILIES");
        Family { name, size, tests: Vec::new() }
    }

    /// The level of this group: its part of [`LEVEL`].
    pub fn level(&self) -> f64 {
        let all: usize = FAMILIES.iter().map(|f| f.1).sum();
        LEVEL * self.size as f64 / all as f64
    }

    /// Adds the p-value of one test.
    pub fn add(&mut self, what: impl Into<String>, p: f64) {
        assert!((0.0..=1.0).contains(&p), "{p} is no p-value");
        self.tests.push((what.into(), p));
    }

    /// Passes if no test of the group is rejected.
    pub fn assert_holds(self) {
        let rejected = self.rejected();
        assert!(rejected.is_empty(), "{}: rejected at level {:.2e}: {rejected:#?}", self.name, self.level());
    }

    /// Passes if some test of the group is rejected: for a model that is wrong on purpose.
    pub fn assert_rejected(self) {
        assert!(!self.rejected().is_empty(), "{}: a wrong model passes: {:#?}", self.name, self.tests);
    }

    fn rejected(&self) -> Vec<&(String, f64)> {
        assert_eq!(self.tests.len(), self.size, "{}: FAMILIES says otherwise", self.name);
        let adjusted = holm(&self.tests.iter().map(|t| t.1).collect::<Vec<f64>>());
        self.tests.iter().zip(adjusted).filter(|(_, p)| *p < self.level()).map(|(test, _)| test).collect()
    }
}
