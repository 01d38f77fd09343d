//! Delays between connection attempts (gRPC `doc/connection-backoff.md`; grpc-go `internal/backoff`).

use crate::distribution::unit;
use crate::model::Backoff;
use crate::units::Span;

/// The delay after the `failures`-th failed attempt in a row (from 1): `min(base * multiplier^(failures-1), max)`, times a
/// uniform draw in `1 ± jitter`, from the second one on unless `jitter_first`: grpc-go does not jitter it (`exponential.Backoff(0)`).
#[must_use]
pub fn delay(backoff: &Backoff, failures: u32, draw: u64) -> Span {
    if failures <= 1 && !backoff.jitter_first {
        return backoff.base;
    }
    let power = libm::pow(backoff.multiplier, f64::from(failures.max(1) - 1));
    let plain = (backoff.base.as_secs_f64() * power).min(backoff.max.as_secs_f64());
    Span::from_secs_f64(plain * jittered(backoff.jitter, draw))
}

/// A factor uniform in `1 ± jitter`.
#[must_use]
pub fn jittered(jitter: f64, draw: u64) -> f64 {
    1.0 + jitter * (2.0 * unit(draw) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DelayFrom;

    const GRPC: Backoff = Backoff {
        per_call: false,
        base: Span::from_secs(1),
        multiplier: 1.6,
        jitter: 0.2,
        jitter_first: false,
        max: Span::from_secs(120),
        from: DelayFrom::AttemptEnd,
    };

    #[test]
    fn grows_by_the_multiplier_up_to_the_maximum() {
        let middle = 1 << 63;
        assert_eq!(delay(&GRPC, 1, 0), Span::from_secs(1));
        for (failures, want) in [(2, 1.6), (3, 2.56), (4, 4.096), (30, 120.0)] {
            let got = delay(&GRPC, failures, middle).as_secs_f64();
            assert!((got - want).abs() < 1e-6, "{failures}: {got} {want}");
        }
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        assert_eq!(delay(&GRPC, 2, 0), Span::from_secs_f64(1.28));
        assert!(delay(&GRPC, 2, u64::MAX) <= Span::from_secs_f64(1.92));
        assert_eq!(delay(&Backoff { jitter_first: true, ..GRPC }, 1, 0), Span::from_secs_f64(0.8));
    }
}
