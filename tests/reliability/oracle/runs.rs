//! `runs.csv`, `runs_pods.csv` and the estimates of the summary.

use std::collections::BTreeMap;

use super::Run;
use super::files::{Findings, Table, count, list, number, text};

/// Columns of `runs.csv` that are numbers, where they stand in the summary, and their decimals.
const FIGURES: [(&str, &str, usize); 15] = [
    ("throughput_rps", "throughput_rps", 4),
    ("latency_mean_ms", "latency_ms.mean", 4),
    ("latency_p50_ms", "latency_ms.p50", 4),
    ("latency_p90_ms", "latency_ms.p90", 4),
    ("latency_p95_ms", "latency_ms.p95", 4),
    ("latency_p99_ms", "latency_ms.p99", 4),
    ("latency_p999_ms", "latency_ms.p999", 4),
    ("max_share", "skew.max_share", 6),
    ("max_over_mean", "skew.max_over_mean", 6),
    ("effective_pods", "skew.effective_pods", 6),
    ("usable_capacity", "skew.usable_capacity", 6),
    ("cv", "skew.cv", 6),
    ("gini", "skew.gini", 6),
    ("jain", "skew.jain", 6),
    ("idle_pods", "skew.idle_pods", 6),
];

pub fn check(run: &Run<'_>, texts: &BTreeMap<&str, String>, runs: usize, findings: &mut Findings) {
    let table = |name: &str| Table::parse(name, &texts[name]).unwrap_or_else(|problem| panic!("{problem}"));
    let (all, pods) = (table("runs.csv"), table("runs_pods.csv"));
    let seed = count(&run.summary, "/seed");
    findings.must(all.rows.len() == runs, || format!("runs.csv has {} rows of {runs}", all.rows.len()));
    for (i, row) in all.rows.iter().enumerate() {
        let numbered = all.count(row, "run") == i as u64 && all.count(row, "seed") == seed + i as u64;
        findings.must(numbered, || format!("runs.csv: {row:?} is run {i}"));
    }
    let first = &all.rows[0];
    findings.must(all.at(first, "digest") == text(&run.summary, "/digest"), || "run 0 has another digest".to_owned());
    let counted = ["ok", "failed"]
        .iter()
        .all(|key| all.count(first, &format!("requests_{key}")) == count(&run.summary, &format!("/requests/{key}")));
    findings.must(counted, || format!("run 0 is not the summary's: {first:?}"));
    for (column, path, decimals) in FIGURES {
        let unit = 10f64.powi(decimals as i32);
        let half = 0.5 / unit + 1e-9;
        let values: Vec<Option<f64>> =
            all.rows.iter().map(|row| all.decimal(row, column, decimals).map(|n| n as f64 / unit)).collect();
        let said = number(&run.summary, &format!("/{}", path.replace('.', "/")));
        findings
            .must(values[0].is_some() == said.is_some(), || format!("runs.csv: {column} {:?}, {said:?}", values[0]));
        findings.near(&format!("run 0, {column}"), values[0].unwrap_or(0.0), said.unwrap_or(0.0), half);
        let there: Vec<f64> = values.into_iter().flatten().collect();
        let estimate = run.summary["runs"].get(path);
        findings.must(estimate.is_some() != there.is_empty(), || format!("{path}: {estimate:?} of {there:?}"));
        if let Some(estimate) = estimate {
            let get = |key: &str| number(estimate, &format!("/{key}")).unwrap_or(f64::MAX);
            let mean = there.iter().sum::<f64>() / there.len() as f64;
            findings.near(&format!("{path}: mean"), get("mean"), mean, half);
            findings.must(count(estimate, "/n") == there.len() as u64, || format!("{path}: {estimate}"));
            let slack = 1e-12 * get("mean").abs();
            let in_order = get("lo") <= get("mean") + slack && get("mean") <= get("hi") + slack;
            findings.must(in_order, || format!("{path}: {estimate}"));
        }
    }
    by_pod(run, &pods, runs, findings);
}

fn by_pod(run: &Run<'_>, table: &Table, runs: usize, findings: &mut Findings) {
    for i in 0..runs as u64 {
        let rows: Vec<&Vec<String>> = table.rows.iter().filter(|row| table.count(row, "run") == i).collect();
        let shares: Vec<f64> = rows.iter().filter_map(|row| table.ratio(row, "share")).collect();
        let total: u64 = rows.iter().map(|row| table.count(row, "requests")).sum();
        if total > 0 {
            findings.near("shares of runs_pods.csv", shares.iter().sum(), 1.0, 1e-6 * shares.len() as f64);
        }
        let ready = rows.iter().filter(|row| !table.at(row, "ordinal").is_empty());
        let mut ordinals: Vec<u64> = ready.map(|row| table.count(row, "ordinal")).collect();
        ordinals.sort_unstable();
        let dense = ordinals.iter().enumerate().all(|(n, ordinal)| n as u64 == *ordinal);
        findings.must(dense, || format!("runs_pods.csv: ordinals {ordinals:?}"));
        if i > 0 {
            continue;
        }
        let pods = list(&run.summary, "pods");
        findings.must(rows.len() == pods.len(), || format!("{} pods of {}", rows.len(), pods.len()));
        let mut by_ready: Vec<(Option<u64>, f64)> = Vec::new();
        for (row, pod) in rows.iter().zip(pods) {
            let same = table.at(row, "pod") == text(pod, "/pod")
                && table.count(row, "requests") == count(pod, "/requests")
                && table.count(row, "connections_at_end") == count(pod, "/connections_at_end");
            findings.must(same, || format!("runs_pods.csv: {row:?} is not {pod}"));
            let ordinal = Some(table.at(row, "ordinal")).filter(|o| !o.is_empty()).map(|_| table.count(row, "ordinal"));
            findings.must(ordinal.is_some() == number(pod, "/ready_s").is_some(), || format!("{row:?}: {pod}"));
            by_ready.extend(number(pod, "/ready_s").map(|s| (ordinal, s)));
        }
        by_ready.sort_by_key(|(ordinal, _)| *ordinal);
        findings.must(by_ready.is_sorted_by_key(|(_, ready)| *ready), || format!("ordinals: {by_ready:?}"));
    }
}
