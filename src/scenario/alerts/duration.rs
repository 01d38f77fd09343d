//! Durations as Prometheus writes them, which is not as Go and Kubernetes do.

use crate::units::Span;

/// `ParseDuration` of <https://github.com/prometheus/common/blob/main/model/time.go>: a day has 24 hours, a year 365 days.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Whole numbers with their units, the largest unit first and each at most once, or `0`. `None` if the text is something else, or longer
/// than 292 years, as Go has it.
pub(super) fn parse(text: &str) -> Option<Span> {
    if text == "0" {
        return Some(Span::ZERO);
    }
    let (mut rest, mut ms, mut units) = (text, 0u64, UNITS.iter());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let (_, of_one) = units.find(|(known, _)| *known == unit)?;
        ms = ms.checked_add(number.parse::<u64>().ok()?.checked_mul(*of_one)?)?;
        rest = tail;
    }
    let ns = ms.checked_mul(1_000_000).filter(|ns| *ns <= i64::MAX.unsigned_abs())?;
    (!text.is_empty()).then_some(Span(ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        for (text, seconds) in
            [("0", 0), ("0s", 0), ("5m", 300), ("1h30m", 5_400), ("1d", 86_400), ("2w", 1_209_600), ("1y", 31_536_000)]
        {
            assert_eq!(parse(text), Some(Span::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("1m500ms"), Some(Span::from_millis(60_500)));
        for text in ["", "5", "m", "1.5m", "-1m", "1s1m", "1m1m", "1 m", "5min", "293y", "99999999999999999999s", "1µs"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
