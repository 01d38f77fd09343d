//! A cold pod is slow: class loading, compilation, empty caches and pools. No system states a curve; this one is an assumption:
//! the speed rises in a straight line from its initial value to 1 over the warm-up time, with age and not with requests. The
//! line is that of Envoy's slow start with aggression 1, so that a cold pod behind slow start gets what it can do.
//!
//! Modelled: the time that work takes while the speed changes under it, exactly. Not modelled: that traffic is what warms.

use crate::model::WarmUp;
use crate::units::Span;

/// The speed of a pod that is `age` old, `initial` to 1.
#[must_use]
pub fn speed(warm_up: &WarmUp, age: Span) -> f64 {
    if age >= warm_up.time {
        return 1.0;
    }
    warm_up.initial + (1.0 - warm_up.initial) * age.as_secs_f64() / warm_up.time.as_secs_f64()
}

/// How long work takes that a warm pod does in `work`, begun at `age`: the time over which the speed adds up to `work`.
#[must_use]
pub fn duration(warm_up: &WarmUp, age: Span, work: Span) -> Span {
    let cold = warm_up.time - age;
    if cold == Span::ZERO || warm_up.initial >= 1.0 {
        return work;
    }
    let (from, work_s, cold_s) = (speed(warm_up, age), work.as_secs_f64(), cold.as_secs_f64());
    let done_cold = (from + 1.0) / 2.0 * cold_s;
    if work_s >= done_cold {
        return Span::from_secs_f64(work_s + (cold_s - done_cold));
    }
    // from * t + slope / 2 * t^2 = work, in the form that loses no digits for a small slope.
    let slope = (1.0 - from) / cold_s;
    Span::from_secs_f64(2.0 * work_s / (from + (from * from + 2.0 * slope * work_s).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JVM: WarmUp = WarmUp { initial: 0.2, time: Span::from_secs(10) };
    const S: fn(u64) -> Span = Span::from_secs;

    fn close(a: Span, b: Span) -> bool {
        a.0.abs_diff(b.0) <= 2
    }

    #[test]
    fn speed_is_a_line() {
        for (age, want) in [(0, 0.2), (5, 0.6), (10, 1.0), (99, 1.0)] {
            assert!((speed(&JVM, S(age)) - want).abs() <= f64::EPSILON, "{age}");
        }
    }

    #[test]
    fn work_takes_what_the_line_adds_up_to() {
        // By hand: the whole warm-up does 10 * (0.2 + 1) / 2 = 6 s of work, its first 5 s do 5 * (0.2 + 0.6) / 2 = 2 s.
        assert!(close(duration(&JVM, Span::ZERO, S(6)), S(10)));
        assert!(close(duration(&JVM, Span::ZERO, S(7)), S(11)));
        assert!(close(duration(&JVM, Span::ZERO, S(2)), S(5)));
        assert!(close(duration(&JVM, S(5), S(4)), S(5)));
        assert_eq!(duration(&JVM, S(10), S(3)), S(3));
        // Short work sees one speed: 1 us at 0.2.
        assert!(close(duration(&JVM, Span::ZERO, Span::from_micros(1)), Span::from_micros(5)));
        assert_eq!(duration(&WarmUp { initial: 1.0, ..JVM }, Span::ZERO, S(3)), S(3));
    }
}
