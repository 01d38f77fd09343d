//! The CSV files that a scenario can name: rate traces and samples.

use std::sync::Arc;

use super::Check;
use crate::scenario::diagnostic::{Problem, quoted};
use crate::scenario::file::at::At;
use crate::scenario::input::Text;
use crate::scenario::quantity::{LONGEST, parse_duration};
use crate::scenario::rules::Code;
use crate::units::{Span, Time};

const MAX_BYTES: u64 = 64 << 20;

/// The points of a trace: `time_s,rate`.
pub(super) fn trace(cx: &mut Check<'_>, path: &At<String>) -> Vec<(Time, f64)> {
    let mut points: Vec<(Time, f64)> = Vec::new();
    rows(cx, path, |number, fields| {
        if number == 1 {
            return (fields == ["time_s", "rate"])
                .then_some(())
                .ok_or_else(|| "expected the header `time_s,rate`".into());
        }
        let [time, rate] = fields else { return Err(format!("expected 2 fields, found {}", fields.len())) };
        let time = number_in(time, LONGEST.as_secs_f64(), "time_s")?;
        let rate = number_in(rate, crate::model::MAX_RATE, "rate")?;
        let at = Time::ZERO + Span::from_secs_f64(time);
        match points.last() {
            None if at > Time::ZERO => return Err("the first time must be 0".into()),
            Some((last, _)) if at < *last => return Err("times must not go back".into()),
            _ => points.push((at, rate)),
        }
        Ok(())
    });
    empty(cx, path, points.is_empty());
    points
}

/// Sorted samples in seconds: one column of durations or seconds, with or without a header.
pub(super) fn samples(cx: &mut Check<'_>, path: &At<String>) -> Vec<f64> {
    let mut samples: Vec<f64> = Vec::new();
    rows(cx, path, |number, fields| {
        let [field] = fields else { return Err(format!("expected 1 field, found {}", fields.len())) };
        let starts_as_number = field.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        if number == 1 && !starts_as_number && !["nan", "inf"].contains(&field.to_lowercase().as_str()) {
            return Ok(());
        }
        let value = match field.parse::<f64>() {
            Ok(_) => number_in(field, LONGEST.as_secs_f64(), "a sample")?,
            Err(_) => parse_duration(field)?.as_secs_f64(),
        };
        samples.push(value);
        Ok(())
    });
    samples.sort_by(f64::total_cmp);
    empty(cx, path, samples.is_empty());
    samples
}

fn number_in(field: &str, max: f64, what: &str) -> Result<f64, String> {
    match field.parse::<f64>() {
        Ok(x) if (0.0..=max).contains(&x) => Ok(x),
        Ok(_) => Err(format!("{what} is {}, and must be from 0 to {max}", quoted(field))),
        Err(_) => Err(format!("{what} is {}, which is not a number", quoted(field))),
    }
}

fn empty(cx: &mut Check<'_>, path: &At<String>, empty: bool) {
    let reported = cx.problems.iter().any(|p| p.place == Some(path.place));
    if empty && !reported {
        cx.problem(Code::BadCsv, path.place, format!("{} has no rows", quoted(&path.value)));
    }
}

/// Calls `row` for each row (numbers from 1) until it reports what is wrong.
fn rows(cx: &mut Check<'_>, path: &At<String>, mut row: impl FnMut(u64, &[&str]) -> Result<(), String>) {
    let Some(text) = read(cx, path) else { return };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut number = 0;
    loop {
        let line = reader.position().line();
        let result = match reader.read_record(&mut record) {
            Ok(false) => return,
            Ok(true) => {
                number += 1;
                row(number, &record.iter().collect::<Vec<_>>())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = result {
            let line = record.position().map_or(line, csv::Position::line);
            cx.problem(Code::BadCsv, path.place, format!("{} line {line}: {why}", quoted(&path.value)));
            return;
        }
    }
}

fn read(cx: &mut Check<'_>, At { value, place }: &At<String>) -> Option<Arc<str>> {
    let Some(beside) = cx.beside else {
        let message = format!("{} cannot be found: this scenario is not in a folder", quoted(value));
        cx.problem(Code::CannotReadCsv, *place, message);
        return None;
    };
    match beside.read(value, MAX_BYTES) {
        Ok(Text { text, hash }) => {
            cx.files.insert(value.clone(), hash);
            Some(text)
        }
        Err(failure) => {
            cx.machine |= failure.machine;
            let code = if failure.code == Code::CannotRead { Code::CannotReadCsv } else { Code::BadCsv };
            cx.report(Problem::new(code, *place, failure.message));
            None
        }
    }
}
