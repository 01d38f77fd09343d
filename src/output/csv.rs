//! The CSV files: RFC 4180, a fixed number of decimals, no data = an empty field.

use std::io::{self, Write};

use crate::metrics::figures::{FIGURES, Unit};
use crate::metrics::outcome::{ClientRow, ConnectionRow, EventRow, Outcome, PodSummary, Summary, WindowRow};

/// Decimals of times in seconds: microseconds.
pub(crate) const TIME: usize = 6;
/// Decimals of shares, utilizations and the like.
pub(crate) const RATIO: usize = 6;
/// Decimals of latencies in milliseconds.
pub(crate) const LATENCY: usize = 4;

/// Columns of `pods.csv`. `width_s` is the width of the row's window: the last one is narrower if the run ended in it.
pub(crate) const PODS: [&str; 14] = [
    "time_s",
    "pod",
    "state",
    "connections",
    "requests",
    "share",
    "in_flight",
    "queued",
    "utilization",
    "latency_p50_ms",
    "latency_p99_ms",
    "errors",
    "width_s",
    "messages",
];
/// Stands for the pod of calls that failed without having reached a connection: no name of a pod.
pub(crate) const NO_POD: &str = "(none)";
const CONNECTIONS: [&str; 8] =
    ["id", "client", "pod", "opened_s", "draining_s", "closed_s", "close_reason", "requests"];
/// Columns of `clients.csv`.
const CLIENTS: [&str; 8] = [
    "client",
    "started_s",
    "connected_s",
    "connections_opened",
    "resolved",
    "failed",
    "first_failed_s",
    "last_failed_s",
];
/// Columns of `events.csv`.
pub(crate) const EVENTS: [&str; 4] = ["time_s", "kind", "subject", "what"];
const RUNS_PODS: [&str; 7] = ["run", "seed", "pod", "ordinal", "requests", "share", "connections_at_end"];

pub(crate) fn fixed(x: f64, decimals: usize) -> String {
    format!("{x:.decimals$}")
}

pub(crate) fn or_empty(x: Option<f64>, decimals: usize) -> String {
    x.map_or_else(String::new, |x| fixed(x, decimals))
}

/// Writes `pods.csv`.
///
/// # Errors
/// Those of the writer.
pub fn pods(outcome: &Outcome, to: impl Write) -> io::Result<()> {
    pods_rows(outcome, (&outcome.windows, &outcome.summary.pods), to)
}

/// Writes `gateways.csv`, which has the same columns.
///
/// # Errors
/// Those of the writer.
pub fn gateways(outcome: &Outcome, to: impl Write) -> io::Result<()> {
    pods_rows(outcome, (&outcome.gateways, &outcome.summary.gateways), to)
}

fn pods_rows(outcome: &Outcome, (rows, pods): (&[WindowRow], &[PodSummary]), to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(PODS)?;
    for row in rows {
        csv.write_record(pods_row(outcome, row, pods))?;
    }
    csv.flush()
}

fn pods_row(outcome: &Outcome, row: &WindowRow, pods: &[PodSummary]) -> [String; 14] {
    let width = outcome.width_of(row);
    let Some(pod) = row.pod else {
        let mut fields: [String; 14] = Default::default();
        fields[0] = fixed(row.time_s, TIME);
        fields[1] = NO_POD.to_owned();
        fields[11] = row.errors.to_string();
        fields[12] = fixed(width, TIME);
        return fields;
    };
    let pod = pods.get(pod as usize);
    [
        fixed(row.time_s, TIME),
        pod.map(|p| p.pod.clone()).unwrap_or_default(),
        row.state.clone(),
        row.connections.to_string(),
        row.requests.to_string(),
        or_empty(row.share, RATIO),
        row.in_flight.to_string(),
        row.queued.to_string(),
        or_empty(row.utilization, RATIO),
        or_empty(row.latency_p50_ms, LATENCY),
        or_empty(row.latency_p99_ms, LATENCY),
        row.errors.to_string(),
        fixed(width, TIME),
        row.messages.to_string(),
    ]
}

/// Writes `connections.csv`.
///
/// # Errors
/// Those of the writer.
pub fn connections(rows: &[ConnectionRow], to: impl Write) -> io::Result<()> {
    let mut file = Connections::new(to)?;
    rows.iter().try_for_each(|row| file.add(row))?;
    file.finish()
}

/// `connections.csv` while a run goes on: there may be as many connections as requests.
pub struct Connections<W: Write>(csv::Writer<W>);

impl<W: Write> Connections<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(to: W) -> io::Result<Self> {
        let mut csv = csv::Writer::from_writer(to);
        csv.write_record(CONNECTIONS)?;
        Ok(Connections(csv))
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn add(&mut self, row: &ConnectionRow) -> io::Result<()> {
        Ok(self.0.write_record(connection(row))?)
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn connection(row: &ConnectionRow) -> [String; 8] {
    [
        row.id.to_string(),
        row.client.clone(),
        row.pod.clone(),
        fixed(row.opened_s, TIME),
        or_empty(row.draining_s, TIME),
        or_empty(row.closed_s, TIME),
        row.close_reason.clone(),
        row.requests.to_string(),
    ]
}

/// Writes `events.csv`.
///
/// # Errors
/// Those of the writer.
pub fn events(rows: &[EventRow], to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(EVENTS)?;
    for row in rows {
        let time = fixed(row.time_s, TIME);
        csv.write_record([time.as_str(), row.kind.word(), &row.subject, &row.what])?;
    }
    csv.flush()
}

/// Writes `clients.csv`: a row per replica of the clients.
///
/// # Errors
/// Those of the writer.
pub fn clients(rows: &[ClientRow], to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(CLIENTS)?;
    for row in rows {
        let time = |time| or_empty(time, TIME);
        csv.write_record([
            row.client.clone(),
            time(row.started_s),
            time(row.connected_s),
            row.connections_opened.to_string(),
            row.resolved.to_string(),
            row.failed.to_string(),
            time(row.first_failed_s),
            time(row.last_failed_s),
        ])?;
    }
    csv.flush()
}

/// Writes `runs.csv`: a row per run, from run 0.
///
/// # Errors
/// Those of the writer.
pub fn runs(summaries: &[Summary], to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    let figures = || FIGURES.iter().filter(|kind| kind.in_runs_csv);
    csv.write_record(["run", "seed", "digest"].into_iter().chain(figures().map(|kind| kind.column)))?;
    for (run, summary) in summaries.iter().enumerate() {
        let mut row = vec![run.to_string(), summary.seed.to_string(), summary.digest.clone()];
        row.extend(figures().map(|kind| or_empty(kind.whole.and_then(|read| read(summary)), decimals(kind.unit))));
        csv.write_record(row)?;
    }
    csv.flush()
}

/// Decimals of a figure in `runs.csv`.
fn decimals(unit: Unit) -> usize {
    match unit {
        Unit::Calls => 0,
        Unit::PerSecond | Unit::Milliseconds => LATENCY,
        Unit::Seconds => TIME,
        Unit::Part | Unit::Number => RATIO,
    }
}

/// Writes `runs_pods.csv`: a row per run and pod, in order of creation.
///
/// # Errors
/// Those of the writer.
pub fn runs_pods(summaries: &[Summary], to: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(RUNS_PODS)?;
    for (run, summary) in summaries.iter().enumerate() {
        for (pod, ordinal) in summary.pods.iter().zip(ready_ordinals(&summary.pods)) {
            csv.write_record([
                run.to_string(),
                summary.seed.to_string(),
                pod.pod.clone(),
                ordinal.map_or_else(String::new, |n| n.to_string()),
                pod.requests.to_string(),
                or_empty(pod.share, RATIO),
                pod.connections_at_end.to_string(),
            ])?;
        }
    }
    csv.flush()
}

/// Each pod's place in the order of becoming Ready, from 0; pods that became Ready at the same instant in order of creation.
fn ready_ordinals(pods: &[PodSummary]) -> Vec<Option<usize>> {
    let mut ready: Vec<(usize, f64)> = pods.iter().enumerate().filter_map(|(i, p)| Some((i, p.ready_s?))).collect();
    ready.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    let mut ordinals = vec![None; pods.len()];
    for (ordinal, (pod, _)) in ready.into_iter().enumerate() {
        ordinals[pod] = Some(ordinal);
    }
    ordinals
}
