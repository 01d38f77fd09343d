//! An output folder, read back into what its pictures are drawn from: `summary.json`, `pods.csv`, `events.csv`; and drawn again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::StringRecord;

use super::csv::{EVENTS, NO_POD, PODS};
use super::files::{FileSet, Whole};
use super::{OutputError, add_figures, plot};
use crate::metrics::outcome::{EventKind, EventRow, Outcome, Summary, WindowRow};
use crate::units::Time;

/// No run counts so far in a window, nor by pod.
const MOST: u64 = 1 << 40;

/// What a folder with pictures alone says about who wrote it.
const PLOT: &str = "plot";

/// Draws the pictures of a run again, into its folder or another one, and returns their paths.
///
/// # Errors
/// If the folder does not hold a whole run, or the pictures cannot be written there.
pub fn redraw(folder: &Path, out: &Path, png: bool) -> Result<Vec<PathBuf>, OutputError> {
    let run = Whole::open(folder)?;
    run.must_be_of("summary.json", "name the folder of a run")?;
    let outcome = read(folder)?;
    let mut set = if is_same(folder, out) { FileSet::amend(run)? } else { pictures_alone(out)? };
    add_figures(&mut set, &plot::figures(&outcome), true, png)?;
    set.commit()
}

/// True if both are the same folder, by whatever path.
fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Pictures take no place of results, which could not be had back from them.
fn pictures_alone(out: &Path) -> Result<FileSet, OutputError> {
    let set = FileSet::begin_soon(out, PLOT)?;
    match set.replaces().filter(|command| *command != PLOT) {
        None => Ok(set),
        Some(command) => Err(OutputError::OtherResult {
            path: out.to_owned(),
            command: command.to_owned(),
            help: "name another folder for the pictures",
        }),
    }
}

/// The outcome that the folder's files hold, without its connections: enough to draw the same pictures again, byte for byte, but for runs at
/// whose end there is no pod: no file tells when they ended. Whether the files are what was written, [`Whole::open`] says.
///
/// # Errors
/// If a file cannot be read, or does not hold what a run writes.
pub fn read(folder: &Path) -> Result<Outcome, OutputError> {
    let path = folder.join("summary.json");
    let text = fs::read_to_string(&path).map_err(OutputError::io("read", &path))?;
    let summary: Summary = serde_json::from_str(&text)
        .map_err(|error| OutputError::Malformed { path: path.clone(), problem: error.to_string() })?;
    if summary.pods.iter().any(|p| p.requests.max(p.messages).max(p.connections_at_end) > MOST) {
        return Err(OutputError::Malformed { path, problem: "a count is out of range".into() });
    }
    let events = rows(&folder.join("events.csv"), &EVENTS, event)?;
    let mut pods: BTreeMap<&str, u32> = BTreeMap::new();
    for (i, pod) in summary.pods.iter().enumerate() {
        pods.insert(&pod.pod, u32::try_from(i).unwrap_or(u32::MAX));
    }
    let windows = rows(&folder.join("pods.csv"), &PODS, |record| window(record, &pods))?;
    let window_s = windows.first().map_or(0.0, |(_, width)| *width);
    let windows: Vec<(WindowRow, f64)> =
        windows.into_iter().map(|(row, width)| (WindowRow { partial: width < window_s, ..row }, width)).collect();
    // Without a single row no picture has a time axis to speak of; the measured time is the best that is left.
    let end_s = windows.last().map_or(summary.measured_s, |(row, width)| row.time_s + width);
    let windows = windows.into_iter().map(|(row, _)| row).collect();
    Ok(Outcome {
        summary,
        windows,
        gateways: Vec::new(),
        clients: Vec::new(),
        parts: Vec::new(),
        connections: Vec::new(),
        events,
        window_s,
        end_s,
        engine_events: 0,
    })
}

/// Reads a CSV file whose header must be `columns`; a row's problem is reported with its line.
fn rows<T>(
    path: &Path,
    columns: &[&str],
    mut row: impl FnMut(&StringRecord) -> Result<T, String>,
) -> Result<Vec<T>, OutputError> {
    let file = fs::File::open(path).map_err(OutputError::io("read", path))?;
    let malformed = |problem: String| OutputError::Malformed { path: path.to_owned(), problem };
    let mut reader = csv::Reader::from_reader(file);
    let header = reader.headers().map_err(|e| malformed(e.to_string()))?;
    if header != columns {
        return Err(malformed(format!("its first line should be {}", columns.join(","))));
    }
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| malformed(e.to_string()))?;
        let line = record.position().map_or(0, csv::Position::line);
        found.push(row(&record).map_err(|problem| malformed(format!("line {line}: {problem}")))?);
    }
    Ok(found)
}

fn window(record: &StringRecord, pods: &BTreeMap<&str, u32>) -> Result<(WindowRow, f64), String> {
    let name = &record[1];
    let (time_s, width) = (time(record, 0)?, time(record, 12)?);
    if name == NO_POD {
        return Ok((WindowRow { time_s, errors: count(record, 11)?, ..WindowRow::default() }, width));
    }
    let pod = pods.get(name).ok_or_else(|| format!("pod {name:?} is not in summary.json"))?;
    let row = WindowRow {
        time_s,
        pod: Some(*pod),
        state: record[2].to_owned(),
        connections: number(record, 3)?,
        requests: count(record, 4)?,
        share: number_if_any(record, 5)?,
        in_flight: number(record, 6)?,
        queued: number(record, 7)?,
        utilization: number_if_any(record, 8)?,
        latency_p50_ms: number_if_any(record, 9)?,
        latency_p99_ms: number_if_any(record, 10)?,
        errors: count(record, 11)?,
        partial: false,
        messages: count(record, 13)?,
    };
    Ok((row, width))
}

fn event(record: &StringRecord) -> Result<EventRow, String> {
    let word = &record[1];
    let kind = EventKind::of(word).ok_or_else(|| format!("unknown kind {word:?}"))?;
    Ok(EventRow { time_s: time(record, 0)?, kind, subject: record[2].to_owned(), what: record[3].to_owned() })
}

/// A time of a run, which is at most what nanoseconds can count.
fn time(record: &StringRecord, column: usize) -> Result<f64, String> {
    let seconds: f64 = number(record, column)?;
    let possible = 0.0..=Time::NEVER.as_secs_f64();
    if possible.contains(&seconds) { Ok(seconds) } else { Err("a time is out of range".into()) }
}

/// A count of what happened, whose sums over all rows do not overflow.
fn count(record: &StringRecord, column: usize) -> Result<u64, String> {
    let count = number(record, column)?;
    if count <= MOST { Ok(count) } else { Err("a count is out of range".into()) }
}

fn number<T: FromStr>(record: &StringRecord, column: usize) -> Result<T, String> {
    let text = &record[column];
    text.parse().map_err(|_| format!("{text:?} is not a number of column {}", column + 1))
}

fn number_if_any(record: &StringRecord, column: usize) -> Result<Option<f64>, String> {
    if record[column].is_empty() { Ok(None) } else { number(record, column).map(Some) }
}
