//! The parts of sentences.

use crate::units::Span;

use super::facts::Facts;

/// When what is judged was, if that is not the whole run: ` after rollout of s (from 3m40s)`.
pub(super) fn phase(f: &Facts<'_>) -> String {
    if f.outcome.summary.phases.len() < 2 {
        return String::new();
    }
    format!(" {} ({} to {})", f.phase.name, seconds(f.phase.from_s), seconds(f.phase.to_s))
}

/// Why established connections stay where they are.
pub(super) fn stays(f: &Facts<'_>) -> &'static str {
    if f.streams_stay() {
        "an open stream stays on its connection"
    } else if f.cluster_ip() {
        "kube-proxy never moves an established connection"
    } else {
        "a client keeps its connection until it breaks"
    }
}

/// Whom a client that balances reaches.
pub(super) fn reach(f: &Facts<'_>) -> &'static str {
    if f.pools() && f.model.clients.iter().all(|c| c.gateway.is_some()) {
        "each worker of the gateway knows every pod, dials it when a call needs it, and"
    } else if f.pools() {
        "each sidecar knows every pod, dials it when a call needs it, and"
    } else if f.model.balancers().all(|c| c.via.is_some()) {
        "each sidecar has a connection to every pod and"
    } else {
        "each client has a connection to every pod and"
    }
}

pub(super) fn calls(n: u64) -> String {
    if n == 1 { "1 call".to_owned() } else { format!("all {n} calls") }
}

pub(super) fn seconds(s: f64) -> Span {
    // To the millisecond: a verdict is read, not computed with.
    Span::from_millis((s * 1e3).round() as u64)
}

/// How long something takes, in milliseconds, to three significant digits.
pub(super) fn takes(ms: f64) -> Span {
    let step = 10f64.powi(ms.max(1e-6).log10().floor() as i32 - 2);
    Span(((ms / step).round() * step * 1e6).round() as u64)
}

/// An average of whole things: with a decimal if it is not almost whole.
pub(super) fn many(n: f64) -> String {
    if (n - n.round()).abs() < 0.05 { format!("{}", n.round() as i64) } else { format!("{n:.1}") }
}

/// A part as a percentage with one decimal.
pub(super) fn percent(part: f64) -> String {
    let text = format!("{:.1}", 100.0 * part);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// A difference of shares in percent.
pub(super) fn points(part: f64) -> String {
    format!("{:+.1}", 100.0 * part)
}

/// The mean number of connections.
pub(super) fn connections(n: f64) -> String {
    match many(n).as_str() {
        "0" => "connections that last for moments".to_owned(),
        "1" => "1 connection".to_owned(),
        n => format!("{n} connections"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        for (ms, text) in [(12.345, "12.3ms"), (1_234.5, "1.23s"), (0.045_67, "45.7us"), (30.0, "30ms")] {
            assert_eq!(takes(ms).to_string(), text);
        }
    }

    #[test]
    fn numbers_read_as_words() {
        assert_eq!(
            [0.0, 1.02, 2.5].map(connections),
            ["connections that last for moments", "1 connection", "2.5 connections"]
        );
        assert_eq!([0.5, 0.123].map(percent), ["50 %", "12.3 %"]);
        assert_eq!([0.2, -0.067].map(points), ["+20.0", "-6.7"]);
        assert_eq!([1, 7].map(calls), ["1 call", "all 7 calls"]);
        assert_eq!(seconds(2.200_4), Span::from_millis(2_200));
    }
}
