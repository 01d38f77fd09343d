//! Options of `metrics.om`, and the observer that it takes.

use super::failure::Failure;
use crate::model::Model;
use crate::observe::scrape::{Scraper, Scrapes, is_too_much};
use crate::output::openmetrics;
use crate::output::{OutputError, files::FileSet};
use crate::scenario::quantity::parse_duration;
use crate::units::Span;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Wanted {
    /// Write metrics.om, too: what Prometheus would have read, for promtool (docs/observability.md)
    #[arg(long, conflicts_with = "no_files")]
    metrics: bool,
    /// When the run begins in metrics.om: as 2026-01-01T00:00:00Z, or in seconds since 1970
    #[arg(long, value_name = "TIME", requires = "metrics", default_value = "2026-01-01T00:00:00Z", value_parser = start_time)]
    start_time: u64,
    /// How often Prometheus reads; not more often than a window ends
    #[arg(long, value_name = "DURATION", requires = "metrics", default_value = "15s", value_parser = interval)]
    metrics_interval: Span,
}

impl Wanted {
    /// The observer of a run of this model, if metrics are asked for.
    pub(super) fn scraper<'m>(&self, model: &'m Model) -> Result<Option<Scraper<'m>>, Failure> {
        if self.metrics && is_too_much(model, self.metrics_interval) {
            return Err(self.too_much(model));
        }
        Ok(self.metrics.then(|| Scraper::new(model, self.metrics_interval)))
    }

    /// What it has read.
    pub(super) fn scrapes(&self, scraper: Option<Scraper<'_>>, model: &Model) -> Result<Option<Scrapes>, Failure> {
        scraper.map(Scraper::finish).transpose().map_err(|_| self.too_much(model))
    }

    /// Writes `metrics.om`.
    pub(super) fn write(&self, set: &mut FileSet, scrapes: &Scrapes, model: &Model) -> Result<(), OutputError> {
        set.add("metrics.om", |to| openmetrics::write(scrapes, model, self.start_time, to))
    }

    fn too_much(&self, model: &Model) -> Failure {
        let (name, interval) = (&model.name, self.metrics_interval);
        Failure::Usage(format!(
            "{name}: metrics.om would be larger than 500 MB; set a --metrics-interval above {interval}"
        ))
    }
}

pub(super) fn interval(text: &str) -> Result<Span, String> {
    match parse_duration(text)? {
        // Prometheus keeps milliseconds.
        span if span < Span::from_millis(1) => Err("the shortest interval is `1ms`".to_owned()),
        span => Ok(span),
    }
}

/// Milliseconds since 1970.
pub(super) fn start_time(text: &str) -> Result<u64, String> {
    /// The year 10000.
    const END_S: i64 = 253_402_300_800;
    let seconds = text.parse::<i64>().ok().or_else(|| rfc3339(text));
    let seconds = seconds.filter(|s| (0..END_S).contains(s));
    let wrong = "expected a time as 2026-01-01T00:00:00Z or 2026-01-01T01:00:00+01:00, or whole seconds since 1970";
    Ok(seconds.ok_or(wrong)?.unsigned_abs() * 1_000)
}

/// Seconds since 1970 of a time of RFC 3339 in whole seconds.
fn rfc3339(text: &str) -> Option<i64> {
    let number = |from: usize, digits: usize| {
        let part = text.get(from..from + digits)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i64>().ok())?
    };
    let separators = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    if !separators.iter().all(|(at, s)| text.get(*at..at + 1) == Some(s)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of = [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    if !(1..=*days_of.get(month)?).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = match text.get(19..)? {
        "Z" => 0,
        zone if zone.len() == 6 && zone.get(3..4) == Some(":") => {
            let (hours, minutes) = (number(20, 2).filter(|h| *h < 24)?, number(23, 2).filter(|m| *m < 60)?);
            let sign = if zone.starts_with('+') { 1 } else { zone.starts_with('-').then_some(-1)? };
            sign * (hours * 60 + minutes) * 60
        }
        _ => return None,
    };
    // Days before this year, from year 0 on, which was a leap year.
    let before = |year: i64| year * 365 + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    let days = before(year) - before(1970) + days_of[..month].iter().sum::<i64>() + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second - offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of GNU `date -d TIME +%s`.
    #[test]
    fn times_are_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:34:56Z", 951_827_696),
            ("2026-01-01T00:00:00Z", 1_767_225_600),
            ("2026-01-01T01:30:00+01:30", 1_767_225_600),
            ("2025-12-31T23:00:00-01:00", 1_767_225_600),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("1767225600", 1_767_225_600),
        ] {
            assert_eq!(start_time(text), Ok(seconds * 1_000), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "-1",
            "1.5",
            "2026-01-01",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+1:00",
            "1969-12-31T23:59:59Z",
            "2026-01-01T00:00:0éZ",
            "+026-01-01T00:00:00Z",
            "999999999999999",
        ] {
            assert!(start_time(text).is_err(), "{text}");
        }
    }
}
