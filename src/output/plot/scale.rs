//! Which values a y axis spans.

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
        if most <= 12.0 * sorted[sorted.len() / 2] {
            return Scale::Linear(most * 1.05);
        }
        let lower = libm::exp10(libm::floor(libm::log10(least) + 1e-9));
        Scale::Log(lower, libm::exp10(libm::ceil(libm::log10(most) - 1e-9)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_make_the_axis_logarithmic() {
        assert_eq!(Scale::of(&[10.0, 11.0, 20.0]), Scale::Linear(21.0));
        assert_eq!(Scale::of(&[10.0, 11.0, 900.0]), Scale::Log(10.0, 1000.0));
        assert_eq!(Scale::of(&[]), Scale::Linear(1.0));
    }
}
