//! Numbers, times and lines of text as people read them. Every function gives the same text on every machine.

use crate::units::Span;

/// A whole number with thousands separated by commas.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 pod`, `2 pods`.
#[must_use]
pub fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

/// A number with at most `decimals` decimals, without trailing zeros.
#[must_use]
pub fn trimmed(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".into() } else { text.into() }
}

/// A share as a percentage with one decimal; what is above zero never reads as zero.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.05 { "<0.1 %".into() } else { format!("{} %", trimmed(percent, 1)) }
}

/// A number with about three significant digits.
#[must_use]
pub fn short(x: f64) -> String {
    match x.abs() {
        a if a >= 10_000.0 => {
            let digits = count(a.round() as u64);
            if x < 0.0 { format!("-{digits}") } else { digits }
        }
        a if a >= 99.95 => trimmed(x, 0),
        a if a >= 9.995 => trimmed(x, 1),
        a if a >= 0.9995 => trimmed(x, 2),
        a if a >= 0.01 || a == 0.0 => trimmed(x, 3),
        _ => trimmed(x, 4),
    }
}

/// [`short`], or a dash if there is no value.
#[must_use]
pub fn short_or_dash(x: Option<f64>) -> String {
    x.map_or_else(|| "-".into(), short)
}

/// [`percent`], or a dash if there is no value.
#[must_use]
pub fn percent_or_dash(x: Option<f64>) -> String {
    x.map_or_else(|| "-".into(), percent)
}

/// Seconds as Kubernetes writes durations, to three significant digits of what matters: `2m46s`, `1.25s`, `40ms`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let step = match seconds {
        s if s >= 60.0 => 1.0,
        s if s >= 10.0 => 0.1,
        s if s >= 1.0 => 0.01,
        s if s >= 0.001 => 1e-5,
        _ => 1e-9,
    };
    // Steps are negative powers of ten: dividing by their integer inverse keeps 0.1 and the like exact.
    let inverse = (1.0f64 / step).round();
    Span::from_secs_f64((seconds * inverse).round() / inverse).to_string()
}

/// A latency in milliseconds: `0.45 ms`, `144 ms`, `1.03 s`, `17m6s`.
#[must_use]
pub fn millis(ms: f64) -> String {
    match ms / 1e3 {
        s if s >= 59.95 => duration(s),
        s if s >= 0.9995 => format!("{} s", short(s)),
        _ => format!("{} ms", short(ms)),
    }
}

/// [`millis`], or a dash if there is no value.
#[must_use]
pub fn millis_or_dash(ms: Option<f64>) -> String {
    ms.map_or_else(|| "-".into(), millis)
}

/// The value of what an expectation is about, with its unit if that is a time; `text` begins with the figure.
#[must_use]
pub fn with_unit(text: &str, value: f64) -> String {
    let figure = text.split_whitespace().next().unwrap_or_default();
    let last = figure.rsplit('.').next().unwrap_or_default();
    if figure.split('.').any(|step| step == "latency" || step == "latency_ms") {
        millis(value)
    } else if last == "seconds" || last.ends_with("_s") && !last.ends_with("_per_s") {
        duration(value)
    } else {
        short(value)
    }
}

/// The value that remains of `x` when it is written with this many decimals and read again.
#[must_use]
pub fn rounded(x: f64, decimals: usize) -> f64 {
    // Decimal text of a finite number always parses.
    format!("{x:.decimals$}").parse().unwrap_or(x)
}

/// `text` in at most `max` characters: what is too long loses its middle, since the ends tell names apart.
#[must_use]
pub fn middle_cut(text: &str, max: usize) -> String {
    let length = text.chars().count();
    if length <= max {
        return text.into();
    }
    let keep = max.saturating_sub(1);
    let tail = keep.div_ceil(2);
    let head: String = text.chars().take(keep - tail).collect();
    let tail: String = text.chars().skip(length - tail).collect();
    format!("{head}…{tail}")
}

/// A `--set` as it is typed into a shell.
#[must_use]
pub fn set_option(set: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "=._-%".contains(c);
    if set.chars().all(plain) { format!("--set {set}") } else { format!("--set '{}'", set.replace('\'', "'\\''")) }
}

/// Words in lines of at most `width` characters, each but the first begun with `indent`.
#[must_use]
pub fn paragraphs(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            out.push_str(indent);
            column = indent.chars().count();
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_quoted_for_a_shell() {
        assert_eq!(set_option("servers.s.grpc.max_connection_age=1m"), "--set servers.s.grpc.max_connection_age=1m");
        assert_eq!(set_option("servers.s.strategy={ max_surge: 1 }"), "--set 'servers.s.strategy={ max_surge: 1 }'");
        assert_eq!(set_option("about=it's"), r"--set 'about=it'\''s'");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(percent(0.2), "20 %");
        assert_eq!(percent(0.00001), "<0.1 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(short(2.5999), "2.6");
        assert_eq!(short(12_345.6), "12,346");
        assert_eq!(short(-12_345.6), "-12,346");
        assert_eq!(short(0.00123), "0.0012");
        assert_eq!(trimmed(-0.001, 1), "0");
    }

    #[test]
    fn durations_keep_what_matters() {
        for (s, text) in
            [(166.4, "2m46s"), (1.2549, "1.25s"), (0.04, "40ms"), (0.0, "0s"), (3600.0, "1h"), (9.999, "10s")]
        {
            assert_eq!(duration(s), text);
        }
    }

    #[test]
    fn latencies_have_the_unit_that_a_person_reads() {
        for (ms, text) in [
            (1_026_497.0, "17m6s"),
            (1_034.0, "1.03 s"),
            (144.2, "144 ms"),
            (999.4, "999 ms"),
            (999.6, "1 s"),
            (59_940.0, "59.9 s"),
            (59_960.0, "1m"),
            (1.9234, "1.92 ms"),
            (0.0, "0 ms"),
        ] {
            assert_eq!(millis(ms), text);
        }
    }

    #[test]
    fn what_is_expected_of_a_time_has_its_unit() {
        for (text, value, shown) in [
            ("latency.p99 <= 20ms", 12.0, "12 ms"),
            ("pods.0.latency_ms.p50 < 1s", 1_500.0, "1.5 s"),
            ("time_to_balance.0.seconds <= 90s", 75.0, "1m15s"),
            ("reconnects_per_s <= 1", 0.5, "0.5"),
            ("idle_pods == 0", 2.0, "2"),
        ] {
            assert_eq!(with_unit(text, value), shown, "{text}");
        }
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(middle_cut("grpc-server-2-14", 20), "grpc-server-2-14");
        assert_eq!(middle_cut("a-very-long-deployment-7d9f-2-14", 17), "a-very-l…d9f-2-14");
        assert_eq!(middle_cut("abcdef", 3).chars().count(), 3);
    }
}
