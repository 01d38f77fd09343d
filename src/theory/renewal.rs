//! Connections born together, or over a spread: how often they re-dial later, and what time averages gain from it. The
//! renewal equation with lifetimes uniform in `1 ± jitter`, solved on a grid. All times are in units of the age.
//!
//! With `M(t)` the mean number of re-dials of a connection up to age-time `t` and `F` the law of a lifetime, the
//! renewal equation is `M(t) = F(t) + ∫ M(t - s) dF(s)` (e.g. Cox, Renewal Theory, 1962, ch. 4). For uniform lifetimes
//! the integral is a difference of `G(t) = ∫_0^t M`: `M(t) = F(t) + [G(t-1+j) - G(t-1-j)] / 2j`.

use super::recovery::Lifetimes;

/// Grid cells per age. The error of what is computed here is of the order of `(1/(2 jitter CELLS))²`, a cell times the
/// density of lifetimes, squared: 6e-6 for a jitter of 10 %.
const CELLS: usize = 2_000;
/// Longest time solved for, in ages.
pub const HORIZON_MAX: f64 = 1_000.0;

/// The solved renewal equation.
#[derive(Clone, Debug)]
pub struct Renewal {
    lifetimes: Lifetimes,
    /// `M` at the grid points.
    redials: Vec<f64>,
    /// `G` at the grid points.
    area: Vec<f64>,
}

impl Renewal {
    /// Solves up to `horizon` ages. `None` unless `jitter` is in `[0.01, 0.99]` (below it the grid is too coarse;
    /// without jitter everything happens at whole ages) and `horizon` in `(0, HORIZON_MAX]`.
    #[must_use]
    pub fn new(jitter: f64, horizon: f64) -> Option<Renewal> {
        if !((0.01..=0.99).contains(&jitter) && horizon > 0.0 && horizon <= HORIZON_MAX) {
            return None;
        }
        let lifetimes = Lifetimes::new(jitter)?;
        let points = (horizon * CELLS as f64) as usize + 2;
        let (mut redials, mut area) = (vec![0.0; points], vec![0.0; points]);
        for i in 1..points {
            let t = i as f64 / CELLS as f64;
            let moved = (at(&area, t - 1.0 + jitter) - at(&area, t - 1.0 - jitter)) / (2.0 * jitter);
            redials[i] = lifetimes.cdf(t) + moved;
            area[i] = area[i - 1] + (redials[i - 1] + redials[i]) / (2.0 * CELLS as f64);
        }
        Some(Renewal { lifetimes, redials, area })
    }

    /// The last time solved for.
    #[must_use]
    pub fn horizon(&self) -> f64 {
        (self.redials.len() - 2) as f64 / CELLS as f64
    }

    /// Mean number of re-dials per connection up to `t` after a common start. `None` beyond the horizon.
    #[must_use]
    pub fn redials(&self, t: f64) -> Option<f64> {
        (t <= self.horizon()).then(|| at(&self.redials, t))
    }

    /// The same when the connections start uniformly spread over `0..spread`: `[G(t) - G(t - spread)] / spread`.
    #[must_use]
    pub fn redials_spread(&self, t: f64, spread: f64) -> Option<f64> {
        if spread <= 0.0 {
            return self.redials(t);
        }
        (t <= self.horizon()).then(|| (at(&self.area, t) - at(&self.area, t - spread)) / spread)
    }

    /// Re-dials per connection and age at `t` after a common start: the density of `M`. 1 in the long run; 0 before
    /// `1 - jitter`; `1/2j` from there to `1 + jitter`. `None` beyond the horizon.
    #[must_use]
    pub fn density(&self, t: f64) -> Option<f64> {
        let j = self.lifetimes.jitter();
        let first = if (t - 1.0).abs() < j { 1.0 / (2.0 * j) } else { 0.0 };
        let later = (at(&self.redials, t - 1.0 + j) - at(&self.redials, t - 1.0 - j)) / (2.0 * j);
        (t <= self.horizon()).then_some(first + later)
    }

    /// P(a connection started at 0 re-dials in `(from, to]`): one minus the chance that the life that covers `from`
    /// goes on beyond `to`. `None` unless `0 <= from <= to <= horizon`.
    #[must_use]
    pub fn redialled_between(&self, from: f64, to: f64) -> Option<f64> {
        self.in_range(from, to)?;
        let survives = |born: f64| 1.0 - self.lifetimes.cdf(to - born);
        Some(1.0 - survives(0.0) - self.over_redials(from, survives))
    }

    /// The same when the connections start uniformly spread over `0..spread`, `spread <= from`.
    #[must_use]
    pub fn redialled_between_spread(&self, from: f64, to: f64, spread: f64) -> Option<f64> {
        self.average_over_start(from, to, spread, |a, b| self.redialled_between(a, b))
    }

    /// Factor by which averaging over `from..to` shrinks the variance of a pod's connections that were started together
    /// at time 0: E[sum of squares of the parts into which a connection's re-dials cut `from..to`] over the square of
    /// its length. Compare [`Lifetimes::variance_factor`], its limit for late `from`. `None` unless `0 <= from < to <=
    /// horizon`.
    #[must_use]
    pub fn variance_factor(&self, from: f64, to: f64) -> Option<f64> {
        self.in_range(from, to)?;
        if from >= to {
            return None;
        }
        // The life born at u covers from..min(u + L, to): E of its square is 2 ∫ (s - a) P(L > s) ds over a = from -
        // u..to - u.
        let covering = |born: f64| {
            let (a, b) = (from - born, to - born);
            let ((a0, a1), (b0, b1)) = (self.lifetimes.survival_integrals(a), self.lifetimes.survival_integrals(b));
            2.0 * ((b1 - a1) - a * (b0 - a0))
        };
        let inside = |born: f64| 2.0 * self.lifetimes.survival_integrals(to - born).1;
        let square =
            covering(0.0) + self.over_redials(to, |born| if born <= from { covering(born) } else { inside(born) });
        Some(square / ((to - from) * (to - from)))
    }

    /// The same when the connections start uniformly spread over `0..spread`, `spread <= from`.
    #[must_use]
    pub fn variance_factor_spread(&self, from: f64, to: f64, spread: f64) -> Option<f64> {
        self.average_over_start(from, to, spread, |a, b| self.variance_factor(a, b))
    }

    fn in_range(&self, from: f64, to: f64) -> Option<()> {
        (from >= 0.0 && from <= to && to <= self.horizon()).then_some(())
    }

    /// `∫_0^end g(u) dM(u)`, by the midpoint rule in the cells of the grid.
    fn over_redials(&self, end: f64, g: impl Fn(f64) -> f64) -> f64 {
        let cell = 1.0 / CELLS as f64;
        let whole = ((end / cell) as usize).min(self.redials.len() - 1);
        let mut sum = 0.0;
        for i in 0..whole {
            let mass = self.redials[i + 1] - self.redials[i];
            if mass != 0.0 {
                sum += mass * g((i as f64 + 0.5) * cell);
            }
        }
        let start = whole as f64 * cell;
        sum + (at(&self.redials, end) - self.redials[whole]) * g(0.5 * (start + end))
    }

    /// The mean of `f` over starts spread over `0..spread`, by the midpoint rule at 200 points.
    fn average_over_start(&self, from: f64, to: f64, spread: f64, f: impl Fn(f64, f64) -> Option<f64>) -> Option<f64> {
        const POINTS: u32 = 200;
        if spread <= 0.0 {
            return f(from, to);
        }
        if spread > from {
            return None;
        }
        let starts = (0..POINTS).map(|i| spread * (f64::from(i) + 0.5) / f64::from(POINTS));
        starts.map(|s| f(from - s, to - s)).sum::<Option<f64>>().map(|sum| sum / f64::from(POINTS))
    }
}

/// Linear interpolation on the grid; 0 before time 0.
fn at(values: &[f64], t: f64) -> f64 {
    if t <= 0.0 {
        return 0.0;
    }
    let x = t * CELLS as f64;
    let i = (x as usize).min(values.len() - 2);
    values[i] + (values[i + 1] - values[i]) * (x - i as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bound of the error that the grid leaves: some times its order of 6e-6.
    const GRID: f64 = 2e-5;

    fn solved() -> Renewal {
        Renewal::new(0.1, 120.0).unwrap()
    }

    #[test]
    fn the_first_cycles_are_known() {
        let r = solved();
        // Up to 1.8 ages nobody can have re-dialled twice.
        for (t, m) in [(0.9, 0.0), (0.95, 0.25), (1.0, 0.5), (1.1, 1.0), (1.8, 1.0)] {
            assert!((r.redials(t).unwrap() - m).abs() < GRID, "{t}");
        }
        // The sum of two lifetimes is triangular on 1.8..2.2 with its peak, 5, at 2.
        assert!((r.density(1.0).unwrap() - 5.0).abs() < GRID);
        assert!((r.density(2.0).unwrap() - 5.0).abs() < 1e-2);
        assert!((r.density(1.9).unwrap() - 2.5).abs() < 1e-2);
        assert_eq!(r.density(1.5), Some(0.0));
        assert_eq!(r.redials(121.0), None);
    }

    #[test]
    fn the_long_run_is_the_equilibrium() {
        let r = Renewal::new(0.3, 60.0).unwrap();
        let law = Lifetimes::new(0.3).unwrap();
        // Wald's approximation M(t) -> t/μ + (σ² - μ²)/(2μ²), σ² = j²/3.
        assert!((r.redials(60.0).unwrap() - (60.0 - 0.5 + 0.09 / 6.0)).abs() < 1e-3);
        assert!((r.density(60.0).unwrap() - 1.0).abs() < 1e-3);
        for w in [0.3, 1.0, 4.0] {
            let (late, limit) = (r.variance_factor(50.0, 50.0 + w).unwrap(), law.variance_factor(w).unwrap());
            assert!((late - limit).abs() < 1e-3, "{w}: {late} {limit}");
            let between = r.redialled_between(50.0, 50.0 + w).unwrap();
            assert!((between - law.redialled(w)).abs() < 1e-3, "{w}: {between}");
        }
    }

    #[test]
    fn together_means_all_or_nothing() {
        let r = solved();
        assert!((r.variance_factor(0.0, 0.9).unwrap() - 1.0).abs() < GRID);
        // One cut at U(0.9, 1.1): E[L² + (2-L)²] / 4 = (2 E[L²] - 4 + 4) / 4 with E[L²] = 1 + 0.01/3, over 0..2 but for
        // second cuts, which begin at 1.8: stay below.
        let (e1, e2) = (1.0, 1.0 + 0.01 / 3.0);
        let want = (e2 + 1.8 * 1.8 - 2.0 * 1.8 * e1 + e2) / (1.8 * 1.8);
        assert!((r.variance_factor(0.0, 1.8).unwrap() - want).abs() < GRID, "{want}");
        assert!((r.redialled_between(0.0, 1.0).unwrap() - 0.5).abs() < GRID);
        assert!((r.redialled_between(1.1, 1.8).unwrap()).abs() < GRID);
        assert_eq!(r.variance_factor(1.0, 1.0), None);
    }

    /// Started uniformly over exactly one age, connections re-dial at the even rate from the start on, but for the
    /// jitter.
    #[test]
    fn a_spread_start_is_nearly_uniform() {
        let r = solved();
        assert!((r.redials_spread(0.95, 1.0).unwrap() - 0.05 * 0.05 / 0.4).abs() < GRID);
        for t in [2.0, 3.3, 10.0] {
            let rate = r.redials_spread(t + 1.0, 1.0).unwrap() - r.redials_spread(t, 1.0).unwrap();
            assert!((rate - 1.0).abs() < 2e-3, "{t}: {rate}");
            let moved = r.redialled_between_spread(t, t + 0.5, 1.0).unwrap();
            assert!((moved - 0.5).abs() < 0.05, "{t}: {moved}");
        }
        assert_eq!(r.variance_factor_spread(0.5, 3.0, 1.0), None);
        assert!(Renewal::new(0.1, 0.0).is_none() && Renewal::new(0.0, 5.0).is_none());
    }

    /// Lives of 0.9 to 1.1: a first one that ends in (from, to], with nothing before and no second end by then. `from` lies within a cell
    /// of the grid.
    #[test]
    fn a_time_within_a_cell_is_no_exception() {
        let r = solved();
        for from in [1.0, 1.000_25, 1.000_4] {
            let exactly = (1.1 - from) / 0.2;
            let got = r.redialled_between(from, 1.5).unwrap();
            assert!((got - exactly).abs() < 1e-5, "{from}: {got} is not {exactly}");
        }
    }

    #[test]
    fn starts_may_be_spread_up_to_the_begin_and_not_beyond() {
        let r = solved();
        assert!(
            r.redialled_between_spread(0.5, 0.8, 0.5).is_some() && r.variance_factor_spread(0.5, 0.8, 0.5).is_some()
        );
        assert_eq!((r.redialled_between_spread(0.5, 0.8, 0.6), r.variance_factor_spread(0.5, 0.8, 0.6)), (None, None));
    }

    #[test]
    fn beyond_the_horizon_there_is_no_answer() {
        let r = Renewal::new(0.1, 3.0).unwrap();
        for (from, to) in [(-0.1, 1.0), (2.0, 1.0), (1.0, 3.1), (-1.0, -0.5)] {
            assert_eq!((r.redialled_between(from, to), r.variance_factor(from, to)), (None, None), "{from} to {to}");
        }
        assert_eq!((r.redials(3.1), r.redials_spread(3.1, 0.5), r.density(3.1)), (None, None, None));
        assert_eq!((r.redialled_between(1.0, 1.0), r.variance_factor(1.0, 1.0)), (Some(0.0), None));
        assert!(
            Renewal::new(0.1, 0.0).is_none() && Renewal::new(0.001, 1.0).is_none() && Renewal::new(1.0, 1.0).is_none()
        );
    }
}
