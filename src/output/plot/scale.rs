//! Axes: where a value lies between the ends, and which values get a tick.

/// A y axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// From zero to the given end.
    Linear(f64),
    /// Logarithmic between two powers of ten.
    Log(f64, f64),
}

impl Scale {
    /// The axis for these values: linear from zero, or logarithmic if most of them would be flat on a linear one.
    #[must_use]
    pub fn of(values: &[f64]) -> Scale {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite() && *v > 0.0).collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else { return Scale::Linear(1.0) };
        let median = sorted[sorted.len() / 2];
        if most > 12.0 * median {
            Scale::Log(power_of_ten(least, false), power_of_ten(most, true))
        } else {
            let step = step_1_2_5(most / 4.0);
            Scale::Linear((most * 1.02 / step).ceil() * step)
        }
    }

    /// Where `value` lies: 0 at the lower end, 1 at the upper; values outside are put on the edge.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        let part = match *self {
            Scale::Linear(most) => value / most,
            Scale::Log(least, most) => libm::log(value.max(least) / least) / libm::log(most / least),
        };
        part.clamp(0.0, 1.0)
    }

    /// Values that get a tick, in order.
    #[must_use]
    pub fn ticks(&self) -> Vec<f64> {
        match *self {
            Scale::Linear(most) => {
                let step = step_1_2_5(most / 6.0);
                (0..=7).map(|i| step * f64::from(i)).filter(|v| *v <= most * 1.0001).collect()
            }
            Scale::Log(least, most) => {
                let few = most / least < 2000.0;
                let mut ticks = Vec::new();
                let mut decade = least;
                while decade <= most * 1.0001 {
                    let within: &[f64] = if few { &[1.0, 2.0, 5.0] } else { &[1.0] };
                    ticks.extend(within.iter().map(|m| m * decade).filter(|v| *v <= most * 1.0001));
                    decade *= 10.0;
                }
                ticks
            }
        }
    }
}

/// Steps between ticks of a time axis, in seconds.
const TIME_STEPS: [f64; 16] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0, 43_200.0,
];

/// Ticks of a time axis from zero to `end` seconds: at most ten, at times that people count in.
#[must_use]
pub fn time_ticks(end: f64) -> Vec<f64> {
    if end.is_nan() || end <= 0.0 {
        return vec![0.0];
    }
    let least = end / 10.0;
    let step = if least < 1.0 {
        step_1_2_5(least)
    } else {
        TIME_STEPS.iter().copied().find(|s| *s >= least).unwrap_or_else(|| step_1_2_5(least / 86_400.0) * 86_400.0)
    };
    (0..=10).map(|i| step * f64::from(i)).filter(|t| *t <= end * 1.0001).collect()
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `x`.
fn step_1_2_5(x: f64) -> f64 {
    let base = power_of_ten(x, false);
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * base).find(|s| *s >= x * 0.9999).unwrap_or(base * 10.0)
}

/// The power of ten next to `x`, below or above it.
fn power_of_ten(x: f64, above: bool) -> f64 {
    let exponent = libm::log10(x);
    let exponent = if above { libm::ceil(exponent - 1e-9) } else { libm::floor(exponent + 1e-9) };
    libm::exp10(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_at_numbers_that_people_count_in() {
        assert_eq!(time_ticks(600.0), (0..=10).map(|i| f64::from(i) * 60.0).collect::<Vec<_>>());
        assert_eq!(time_ticks(0.4).len(), 9);
        assert_eq!(Scale::Linear(1.0).ticks(), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(Scale::Log(1.0, 100.0).ticks(), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
    }

    #[test]
    fn spikes_make_the_axis_logarithmic() {
        assert_eq!(Scale::of(&[10.0, 11.0, 12.0]), Scale::Linear(15.0));
        assert_eq!(Scale::of(&[10.0, 11.0, 900.0]), Scale::Log(10.0, 1000.0));
        assert_eq!(Scale::of(&[]), Scale::Linear(1.0));
        assert!((Scale::Log(1.0, 100.0).at(10.0) - 0.5).abs() < 1e-12);
    }
}
