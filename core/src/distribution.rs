//! Distributions of times, sampled by inverse CDF: one uniform draw per sample, monotone in it, so that two policies that
//! see the same draw see the same demand. Transcendental functions come from `libm`, the same on every machine.

use std::sync::Arc;

use crate::narrow::whole;
use crate::units::Span;

/// A distribution of non-negative times. All parameters are in seconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(f64),
    /// Uniform between `min` and `max`.
    Uniform {
        /// Smallest value.
        min: f64,
        /// Largest value, at least `min`.
        max: f64,
    },
    /// Exponential, on top of a constant `min`.
    Exponential {
        /// Mean of the exponential part, above 0.
        mean: f64,
        /// Added to each sample; 0 for a plain exponential.
        min: f64,
    },
    /// Lognormal: `exp(mu + sigma Z)`.
    Lognormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm, above 0.
        sigma: f64,
    },
    /// Pareto: `P(X > x) = (min / x)^alpha`.
    Pareto {
        /// Smallest value, above 0.
        min: f64,
        /// Tail index, above 1 (so that the mean exists).
        alpha: f64,
    },
    /// One of several, by weight; one draw decides both which and where in it.
    Mixture(Arc<[Part]>),
    /// Samples from a file, each equally likely; sorted, never empty.
    Empirical(Arc<[f64]>),
}

/// One part of a mixture.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Upper end of this part's share of the unit interval; the last one is 1.
    pub until: f64,
    /// The part's distribution.
    pub of: Distribution,
}

impl Distribution {
    /// The time below which a share `u` (in `[0, 1)`) of the samples lies, in seconds.
    #[must_use]
    pub fn quantile(&self, u: f64) -> f64 {
        match self {
            Distribution::Constant(x) => *x,
            Distribution::Uniform { min, max } => min + (max - min) * u,
            Distribution::Exponential { mean, min } => min + mean * neg_ln(1.0 - u),
            Distribution::Lognormal { mu, sigma } => libm::exp(mu + sigma * standard_normal(u)),
            Distribution::Pareto { min, alpha } => min * libm::exp(neg_ln(1.0 - u) / alpha),
            Distribution::Mixture(parts) => {
                let i = parts.partition_point(|p| p.until <= u).min(parts.len() - 1);
                let from = if i == 0 { 0.0 } else { parts[i - 1].until };
                parts[i].of.quantile(((u - from) / (parts[i].until - from)).clamp(0.0, BELOW_ONE))
            }
            Distribution::Empirical(samples) => {
                samples[whole::<usize>(u * samples.len() as f64).min(samples.len() - 1)]
            }
        }
    }

    /// One sample from one uniform 64-bit draw, in whole nanoseconds; at most a year, which only tails beyond sense reach.
    #[inline]
    #[must_use]
    pub fn sample(&self, draw: u64) -> Span {
        // The one that most scenarios use is worth being inlined.
        if let Distribution::Exponential { mean, min } = self {
            return Span::from_secs_f64(min + mean * neg_ln(1.0 - unit(draw)));
        }
        Span::from_secs_f64(self.quantile(unit(draw))).min(LONGEST_SAMPLE)
    }

    /// The mean in seconds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.raw_moment(1)
    }

    /// The mean of the squares, in seconds squared; infinite for a Pareto with `alpha <= 2`.
    #[must_use]
    pub fn second_moment(&self) -> f64 {
        self.raw_moment(2)
    }

    /// The squared coefficient of variation, variance over mean squared; 0 when the mean is 0.
    #[must_use]
    pub fn scv(&self) -> f64 {
        let m = self.mean();
        if m == 0.0 { 0.0 } else { (self.second_moment() / (m * m) - 1.0).max(0.0) }
    }

    /// True if every sample is the same.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self, Distribution::Constant(_))
    }

    fn raw_moment(&self, k: i32) -> f64 {
        let kf = f64::from(k);
        match self {
            Distribution::Constant(x) => libm::pow(*x, kf),
            Distribution::Uniform { min, max } if min == max => libm::pow(*min, kf),
            Distribution::Uniform { min, max } => {
                (libm::pow(*max, kf + 1.0) - libm::pow(*min, kf + 1.0)) / ((kf + 1.0) * (max - min))
            }
            Distribution::Exponential { mean, min } if k == 1 => min + mean,
            Distribution::Exponential { mean, min } => min * min + 2.0 * min * mean + 2.0 * mean * mean,
            Distribution::Lognormal { mu, sigma } => libm::exp(kf * mu + kf * kf * sigma * sigma / 2.0),
            Distribution::Pareto { alpha, .. } if *alpha <= kf => f64::INFINITY,
            Distribution::Pareto { min, alpha } => alpha * libm::pow(*min, kf) / (alpha - kf),
            Distribution::Mixture(parts) => {
                let mut from = 0.0;
                parts
                    .iter()
                    .map(|p| {
                        let weight = p.until - from;
                        from = p.until;
                        weight * p.of.raw_moment(k)
                    })
                    .sum()
            }
            Distribution::Empirical(samples) => {
                samples.iter().map(|x| libm::pow(*x, kf)).sum::<f64>() / samples.len() as f64
            }
        }
    }
}

/// Sums of samples stay far from the end of time.
const LONGEST_SAMPLE: Span = Span::from_secs(365 * 86_400);

/// The largest double below one.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

/// A uniform draw in `[0, 1)` from the upper 53 bits of `draw`.
#[inline]
#[must_use]
pub fn unit(draw: u64) -> f64 {
    (draw >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// `-ln(x)` for a normal `x` in `(0, 1]`, with a relative error below 2e-15. Only `+ - * /` and bits, so that it is the same
/// on every machine; without branches, because every exponential draw needs one.
#[inline]
#[must_use]
pub fn neg_ln(x: f64) -> f64 {
    const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_667f_3bcd;
    // 2^52 + 2^51: adding it to a small integer's bits leaves that integer in the low bits of a double's fraction.
    const SHIFTER: f64 = 6_755_399_441_055_744.0;
    // x = m 2^e with m in [sqrt(1/2), sqrt(2)).
    let exponent = (x.to_bits().wrapping_sub(SQRT_HALF_BITS) as i64) >> 52;
    let m = f64::from_bits(x.to_bits().wrapping_sub((exponent as u64) << 52));
    let e = f64::from_bits(SHIFTER.to_bits().wrapping_add(exponent as u64)) - SHIFTER;
    // ln(m) = 2 artanh(s), by its series up to s^19; |s| < 0.172, so that the rest is below 1e-17 of it.
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let (z2, z4) = (z * z, z * z * (z * z));
    let low = (1.0 / 3.0 + z * (1.0 / 5.0)) + z2 * (1.0 / 7.0 + z * (1.0 / 9.0));
    let high = (1.0 / 11.0 + z * (1.0 / 13.0)) + z2 * (1.0 / 15.0 + z * (1.0 / 17.0)) + z4 * (1.0 / 19.0);
    -(e * std::f64::consts::LN_2 + 2.0 * (s + s * (z * (low + z4 * high))))
}

/// The quantile function of the standard normal law, by Wichura's AS 241 (Applied Statistics 37, 1988), accurate to
/// about 1e-16. `u = 0` gives the value half a draw above it instead of minus infinity.
#[must_use]
pub fn standard_normal(u: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ];
    const B: [f64; 8] = [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_854e3,
    ];
    const C: [f64; 8] = [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ];
    fn ratio(num: &[f64; 8], den: &[f64; 8], x: f64) -> f64 {
        let poly = |c: &[f64; 8]| c.iter().rev().fold(0.0, |acc, k| acc * x + k);
        poly(num) / poly(den)
    }
    let p = u.clamp(f64::EPSILON / 4.0, BELOW_ONE);
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&A, &B, 0.180_625 - q * q);
    }
    let r = libm::sqrt(-libm::log(p.min(1.0 - p)));
    let z = if r <= 5.0 { ratio(&C, &D, r - 1.6) } else { ratio(&E, &F, r - 5.0) };
    if q < 0.0 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Distribution> {
        vec![
            Distribution::Constant(0.002),
            Distribution::Uniform { min: 0.001, max: 0.003 },
            Distribution::Exponential { mean: 0.002, min: 0.0 },
            Distribution::Exponential { mean: 0.001, min: 0.001 },
            Distribution::Lognormal { mu: -6.0, sigma: 0.5 },
            Distribution::Pareto { min: 0.001, alpha: 4.5 },
            Distribution::Mixture(
                vec![
                    Part { until: 0.9, of: Distribution::Constant(0.001) },
                    Part { until: 1.0, of: Distribution::Exponential { mean: 0.01, min: 0.0 } },
                ]
                .into(),
            ),
            Distribution::Empirical(vec![0.001, 0.002, 0.005].into()),
        ]
    }

    /// The moments are the integrals of the quantile function; midpoints of 2^20 cells leave an error far below 1 %.
    #[test]
    fn moments_are_integrals_of_the_quantile_function() {
        const CELLS: u32 = 1 << 20;
        for d in all() {
            let (mut m1, mut m2) = (0.0, 0.0);
            for i in 0..CELLS {
                let x = d.quantile((f64::from(i) + 0.5) / f64::from(CELLS));
                m1 += x / f64::from(CELLS);
                m2 += x * x / f64::from(CELLS);
            }
            assert!((m1 / d.mean() - 1.0).abs() < 1e-3, "{d:?}: {m1} {}", d.mean());
            assert!((m2 / d.second_moment() - 1.0).abs() < 1e-2, "{d:?}: {m2} {}", d.second_moment());
        }
    }

    #[test]
    fn quantiles_are_monotone_and_finite_at_both_ends() {
        for d in all() {
            let ends = [0, u64::MAX].map(|draw| d.quantile(unit(draw)));
            assert!(ends[0] >= 0.0 && ends[0] <= ends[1] && ends[1].is_finite(), "{d:?}: {ends:?}");
        }
    }

    /// On a million draws of a multiplicative sequence, near both ends, and at the switch of exponents.
    #[test]
    fn the_logarithm_is_accurate() {
        let draws = (1..1_000_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let near_one = (0..100).map(|k| u64::MAX - (k << 11));
        let small = (0..64).map(|k| (1u64 << 63) >> k);
        let near_root = (0..100).map(|k| (0.5f64.sqrt() * 2f64.powi(64)) as u64 + (k << 11) - (50 << 11));
        for draw in draws.chain(near_one).chain(small).chain(near_root) {
            let x = unit(draw) + f64::EPSILON / 2.0;
            let (got, want) = (neg_ln(x), -libm::log(x));
            assert!((got - want).abs() <= 2e-15 * want.abs(), "{x:e}: {got:e} {want:e}");
        }
        assert_eq!(neg_ln(1.0), 0.0);
    }

    #[test]
    fn normal_quantiles_match_tables() {
        for (p, z) in
            [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.01, -2.326_347_874_040_841), (1e-9, -5.997_807_015_007_686)]
        {
            assert!((standard_normal(p) - z).abs() < 1e-12, "{p}: {} {z}", standard_normal(p));
        }
    }
}
