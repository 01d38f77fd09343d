//! Placement: balls in bins.

use super::{Applicable, Compare, ageless, changes, pinned_connections};
use crate::model::{Client, Load, Model};
use crate::theory::balls::Balls;

/// Up to here the exact law of the fullest pod is fast enough for a run's report.
const EXACT_CONNECTIONS: u32 = 20_000;
/// A connection must carry this many calls that their own scatter adds less than 1 % to the squared cv of the
/// connections.
const CALLS_PER_CONNECTION_MIN: f64 = 100.0;

/// Balls in bins: connections through the ClusterIP, and nothing changes.
pub(super) fn balls_in_bins(model: &Model) -> Vec<Applicable> {
    let pods = model.servers.iter().map(|s| s.replicas).sum();
    let balls = pinned_connections(model).and_then(|c| Balls::new(pods, c));
    let Some(balls) = balls.filter(|_| ageless(model) && changes(model).is_empty() && all_connections_are_used(model))
    else {
        return Vec::new();
    };
    let row = |figure: &str, path, theory, basis: String| Applicable {
        figure: figure.to_string(),
        compare: Compare::Path(path),
        theory,
        basis,
    };
    let (n, c) = (pods, balls.connections());
    let mut rows = vec![row(
        "pods without any connection",
        "skew.idle_pods",
        balls.mean_idle_pods(),
        format!("n (1-1/n)^C, n = {n} pods, C = {c} connections thrown uniformly"),
    )];
    let Some(effective) = effective_connections(model) else { return rows };
    rows.push(row(
        "cv over the pods (root mean square over seeds)",
        "skew.cv",
        ((f64::from(n) - 1.0) / effective).sqrt(),
        format!("sqrt((n-1)/C), n = {n}, C = (sum of the connections' rates)² / sum of squares = {effective:.1}"),
    ));
    // The fullest pod's law needs equal connections.
    if (effective / f64::from(c) - 1.0).abs() < 1e-9 {
        let exact = if c <= EXACT_CONNECTIONS { balls.mean_max() } else { None };
        if let Some(max) = exact.or_else(|| balls.mean_max_normal()) {
            rows.push(row(
                "load of the fullest pod over the mean",
                "skew.max_over_mean",
                max / balls.mean(),
                format!("E[max]/(C/n) of the multinomial law, n = {n}, C = {c}"),
            ));
        }
    }
    rows
}

/// True if every connection certainly carries calls: workers or calls enough for each.
fn all_connections_are_used(model: &Model) -> bool {
    model.clients.iter().all(|client| {
        let connections = f64::from(client.replicas) * f64::from(client.channels);
        match &client.load {
            // Worker i uses channel i mod k.
            Load::Closed(closed) => f64::from(closed.concurrency) >= connections,
            Load::Streams(_) | Load::Forwarded => false,
            Load::Open { .. } => measured_calls(model, client) >= CALLS_PER_CONNECTION_MIN * connections,
        }
    })
}

/// Mean calls of an open client after the warmup; 0 for a closed one.
fn measured_calls(model: &Model, client: &Client) -> f64 {
    let (Load::Open { rate, .. }, Some(duration)) = (&client.load, model.duration) else { return 0.0 };
    let (from, to) = (model.warmup.as_secs_f64(), duration.as_secs_f64());
    let mut calls = 0.0;
    let ends = rate.points.iter().skip(1).map(|p| (p.0.as_secs_f64(), p.1));
    let last = rate.points.last().map_or(0.0, |p| p.1);
    let mut begin = rate.points.first().map_or((0.0, 0.0), |p| (p.0.as_secs_f64(), p.1));
    for end in ends.chain([(f64::INFINITY, last)]) {
        let (a, b) = (begin.0.max(from), end.0.min(to));
        if a < b {
            let slope = if end.0.is_finite() { (end.1 - begin.1) / (end.0 - begin.0) } else { 0.0 };
            calls += (b - a) * (begin.1 + slope * (0.5 * (a + b) - begin.0));
        }
        begin = end;
    }
    calls
}

/// How many equal connections the clients' connections, weighted by their calls, scatter like: (Σw)²/Σw². `None` where
/// calls depend on the responses (closed loads, unless there is one connection), or some clients start after the
/// warmup.
fn effective_connections(model: &Model) -> Option<f64> {
    if pinned_connections(model) == Some(1) {
        return Some(1.0);
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    for client in &model.clients {
        let all_started = client.start.at + client.start.spread;
        if !matches!(client.load, Load::Open { .. }) || all_started > model.warmup {
            return None;
        }
        let connections = f64::from(client.replicas) * f64::from(client.channels);
        let calls = measured_calls(model, client);
        sum += calls;
        squares += calls * calls / connections;
    }
    (squares > 0.0).then(|| sum * sum / squares)
}
