//! Values as text: short, and different for different values, since the hash of a scenario is made of them.

use super::{CountOrPercent, RateCurve};
use crate::distribution::Distribution;
use crate::settings::{Field, Holds, Kind, Own, Value};
use crate::units::Span;

/// More points than this are shown as a summary and a digest.
const MAX_POINTS_SHOWN: usize = 4;

/// A duration, or words for none.
#[must_use]
pub fn optional(span: Option<Span>, none: &str) -> String {
    span.map_or_else(|| none.to_owned(), |s| s.to_string())
}

/// A count or a percentage.
#[must_use]
pub fn amount(amount: CountOrPercent) -> String {
    match amount {
        CountOrPercent::Count(n) => n.to_string(),
        CountOrPercent::Percent(p) => format!("{p}%"),
    }
}

/// Seconds as a duration where that is exact.
fn time(seconds: f64) -> String {
    let span = Span::from_secs_f64(seconds);
    if span.as_secs_f64() == seconds { span.to_string() } else { format!("{seconds}s") }
}

/// A distribution of times.
#[must_use]
pub fn law(law: &Distribution) -> String {
    match law {
        Distribution::Constant(x) => time(*x),
        Distribution::Uniform { min, max } => format!("uniform {{ min: {}, max: {} }}", time(*min), time(*max)),
        Distribution::Exponential { mean, min: 0.0 } => format!("exponential {{ mean: {} }}", time(*mean)),
        Distribution::Exponential { mean, min } => {
            format!("exponential {{ mean: {}, min: {} }}", time(*mean), time(*min))
        }
        Distribution::Lognormal { mu, sigma } => format!("lognormal {{ mu: {mu}, sigma: {sigma} }}"),
        Distribution::Pareto { min, alpha } => format!("pareto {{ min: {}, alpha: {alpha} }}", time(*min)),
        Distribution::Mixture(parts) => {
            let parts: Vec<_> = parts.iter().map(|p| format!("up to {}: {}", p.until, self::law(&p.of))).collect();
            format!("mixture [{}]", parts.join(", "))
        }
        Distribution::Empirical(samples) => {
            let (least, most) = (samples.first().copied().unwrap_or(0.0), samples.last().copied().unwrap_or(0.0));
            let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_bits().to_le_bytes()).collect();
            format!("empirical: {} samples, {} to {}, {}", samples.len(), time(least), time(most), digest(&bytes))
        }
    }
}

/// A rate over time.
#[must_use]
pub fn curve(RateCurve { points }: &RateCurve) -> String {
    if let [(_, rate)] = points.as_ref() {
        return rate.to_string();
    }
    if points.len() <= MAX_POINTS_SHOWN {
        let points: Vec<_> = points.iter().map(|(at, rate)| format!("{at}: {rate}")).collect();
        return points.join(", ");
    }
    let bytes: Vec<u8> =
        points.iter().flat_map(|(at, rate)| [at.0.to_le_bytes(), rate.to_bits().to_le_bytes()].concat()).collect();
    let (least, most) =
        points.iter().fold((f64::INFINITY, 0.0_f64), |(least, most), (_, rate)| (least.min(*rate), most.max(*rate)));
    format!("{} points, {least} to {most}, {}", points.len(), digest(&bytes))
}

/// The 64-bit FNV-1a hash, as 16 hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let hash = bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}

impl Own for Distribution {
    fn rows(&self) -> Vec<(String, String)> {
        vec![(String::new(), law(self))]
    }
}

/// From a number: constant.
impl Holds for RateCurve {
    const LIKE: Kind = <f64 as Holds>::LIKE;
}

impl Field for RateCurve {
    fn take(&mut self, value: Value) {
        if let Value::Number(rate) = value {
            *self = RateCurve::constant(rate);
        }
    }
    fn rows(&self, _: Kind, _: Option<&str>) -> Vec<(String, String)> {
        vec![(String::new(), curve(self))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the FNV reference (draft-eastlake-fnv).
    #[test]
    fn the_digest_is_fnv_1a() {
        assert_eq!(digest(b""), "cbf29ce484222325");
        assert_eq!(digest(b"a"), "af63dc4c8601ec8c");
        assert_eq!(digest(b"foobar"), "85944171f73967e8");
    }

    #[test]
    fn times_that_are_no_whole_nanoseconds_keep_their_digits() {
        assert_eq!(time(0.0016), "1.6ms");
        assert_eq!(time(1e-10), "0.0000000001s");
        assert_eq!(
            law(&Distribution::Exponential { mean: 0.0005, min: 0.0005 }),
            "exponential { mean: 500us, min: 500us }"
        );
    }
}
