//! `pods.csv` and `gateways.csv` against the summary and `events.csv`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::files::{Findings, Table, count, list, number};
use super::summary::skew_ranges;
use super::{Life, Row, Run, Sure};

/// A count of a row.
type Figure = fn(&Row) -> u64;
/// What each pod received in a window, and whether it was Ready throughout.
type Loads = Vec<(u64, bool)>;

/// Half of the last decimal.
const HALF: f64 = 0.5e-6 + 1e-12;

pub fn rows(texts: &BTreeMap<&str, String>, name: &str, lives: &[Life]) -> Vec<Row> {
    let Some(text) = texts.get(name) else { return Vec::new() };
    let table = Table::parse(name, text).unwrap_or_else(|problem| panic!("{problem}"));
    let read = |row: &Vec<String>| {
        let (from, width) = (table.micros(row, "time_s"), table.micros(row, "width_s"));
        let (from, width) = (from.expect("a time"), width.expect("a width"));
        let pod = table.at(row, "pod");
        let none = pod == "(none)";
        let pod = lives.iter().position(|life| life.name == pod);
        assert!(none || pod.is_some(), "{name}: unknown pod in {row:?}");
        let count = |column: &str| if none { 0 } else { table.count(row, column) };
        if none {
            let filled = row.iter().filter(|field| !field.is_empty()).count();
            assert_eq!(filled, 4, "{name}: {row:?}");
        }
        Row {
            from,
            to: from + width,
            width,
            pod,
            state: table.at(row, "state").to_owned(),
            connections: count("connections"),
            requests: count("requests"),
            share: table.ratio(row, "share"),
            in_flight: count("in_flight"),
            queued: count("queued"),
            utilization: table.ratio(row, "utilization"),
            latency: (table.decimal(row, "latency_p50_ms", 4), table.decimal(row, "latency_p99_ms", 4)),
            errors: table.count(row, "errors"),
            messages: count("messages"),
        }
    };
    table.rows.iter().map(read).collect()
}

pub fn check(run: &Run<'_>, findings: &mut Findings) {
    for (i, name) in ["pods", "gateways"].into_iter().enumerate() {
        let windows: Vec<&[Row]> = run.rows[i].chunk_by(|a, b| a.from == b.from).collect();
        grid(run, &windows, name, findings);
        for window in &windows {
            one(run, window, &run.lives[i], findings);
        }
        sums(run, i, name, findings);
        utilization(run, i, name, findings);
    }
    errors(run, findings);
    skew(run, findings);
}

/// The width of all windows but the last: a run whose only rows are of the last does not say it unless the scenario does.
fn width(run: &Run<'_>, windows: &[&[Row]]) -> u64 {
    let given = run.model.window.map(|width| width.0 / 1_000);
    given.unwrap_or_else(|| windows.first().map_or(0, |w| w[0].width))
}

/// Windows of one width from 0 to the end, the last one narrower.
fn grid(run: &Run<'_>, windows: &[&[Row]], name: &str, findings: &mut Findings) {
    let width = width(run, windows);
    for (i, window) in windows.iter().enumerate() {
        let (from, last) = (window[0].from, i + 1 == windows.len());
        // Of a run whose only rows are of the last window.
        let fits =
            (from % width.max(1) == 0 || windows.len() == 1) && window.iter().all(|row| row.width == window[0].width);
        let wide = window[0].width == width || last && window[0].width < width;
        findings.must(fits && wide, || format!("{name}.csv: a window at {from} µs, {} wide", window[0].width));
        let pods: Vec<usize> = window.iter().map(|row| row.pod.unwrap_or(usize::MAX)).collect();
        findings.must(pods.is_sorted_by(|a, b| a < b), || format!("{name}.csv: pods of {from} µs: {pods:?}"));
    }
    if let Some(last) = windows.last() {
        // Windows without any pod have no row.
        let reaches = last[0].to <= run.end + 1;
        findings.must(reaches, || format!("{name}.csv: a window to {}, after {}", last[0].to, run.end));
    }
}

/// One window's rows.
fn one(run: &Run<'_>, window: &[Row], lives: &[Life], findings: &mut Findings) {
    let (from, to) = (window[0].from, window[0].to);
    let total: u64 = window.iter().map(|row| row.requests + row.messages).sum();
    let mut shares = 0.0;
    for row in window {
        let Some(pod) = row.pod else {
            findings.must(row.errors > 0, || format!("(none) at {from} without errors"));
            continue;
        };
        let life = &lives[pod];
        let at = || format!("{} at {from} µs", life.name);
        findings.must(life.at(to).contains(&row.state.as_str()), || {
            format!("{}: {}, events.csv says {:?}", at(), row.state, life.at(to))
        });
        findings.must(row.share.is_some() == (total > 0), || format!("{}: share {:?} of {total}", at(), row.share));
        if let Some(share) = row.share {
            findings.near(
                &format!("{}: share", at()),
                share,
                (row.requests + row.messages) as f64 / total as f64,
                HALF,
            );
            shares += share;
        }
        findings.must(row.queued <= row.in_flight, || format!("{}: {} wait of {}", at(), row.queued, row.in_flight));
        let utilization = row.utilization.unwrap_or(0.0);
        findings.must(utilization <= 1.0, || format!("{}: utilization {utilization}", at()));
        findings.must(row.latency.0 <= row.latency.1, || format!("{}: latencies {:?}", at(), row.latency));
        findings.must(row.latency.0.is_some() == row.latency.1.is_some(), || format!("{}: {:?}", at(), row.latency));
        let over = row.state == "gone" && row.connections + row.in_flight + row.queued > 0;
        findings.must(!over, || format!("{}: gone with {row:?}", at()));
        if let Some(server) = run.model.deployments().find(|s| life.name.rsplitn(3, '-').nth(2) == Some(&s.name)) {
            let (serving, most) = (row.in_flight - row.queued.min(row.in_flight), u64::from(server.concurrency));
            let backend = run.model.servers.iter().any(|s| s.name == server.name);
            findings.must(!backend || serving <= most, || format!("{}: {serving} in {most} slots", at()));
        }
    }
    if total > 0 {
        findings.near(&format!("shares at {from} µs"), shares, 1.0, HALF * window.len() as f64);
    }
    // Every pod that was there for a part of it.
    for (pod, life) in lives.iter().enumerate() {
        let there = window.iter().any(|row| row.pod == Some(pod));
        let gone = life.when("gone").unwrap_or(u64::MAX);
        findings.must(!there || life.created() <= to && gone >= from, || format!("{} at {from} µs", life.name));
        findings.must(there || life.created() >= to || gone <= from, || format!("no {} at {from} µs", life.name));
    }
}

/// What the rows of a pod sum up to, if all windows are either measured or not; else what it is at least, and at most.
fn sums(run: &Run<'_>, of: usize, name: &str, findings: &mut Findings) {
    for (pod, said) in list(&run.summary, name).iter().enumerate() {
        let rows = || run.rows[of].iter().filter(|row| row.pod == Some(pod));
        let sum = |from: u64, figure: Figure| rows().filter(|row| row.to > from).map(figure).sum::<u64>();
        let whole = |figure: Figure| rows().filter(|row| row.from >= run.warmup).map(figure).sum::<u64>();
        let messages = said.pointer("/messages").and_then(Value::as_u64).unwrap_or(0);
        let figures: [(&str, u64, Figure); 2] =
            [("requests", count(said, "/requests"), |row| row.requests), ("messages", messages, |row| row.messages)];
        for (what, said, figure) in figures {
            let (least, most) = (whole(figure), sum(run.warmup, figure));
            findings.must((least..=most).contains(&said), || {
                format!("{} {what}: {said} in the summary, {least} to {most} in {name}.csv", run.lives[of][pod].name)
            });
        }
        let errors = said.pointer("/errors").and_then(Value::as_u64).unwrap_or(0);
        let seen = whole(|row| row.errors);
        // When it is gone, errors are those of the row (none); before the end of the warmup, of calls that do not count.
        if run.warmup == 0 {
            findings.must(seen <= errors, || format!("{} errors in rows, {errors} in the summary", seen));
        }
        let last = rows().next_back().map_or(0, |row| row.connections);
        let at_end = count(said, "/connections_at_end");
        findings.must(last == at_end, || format!("{last} connections in the last row, {at_end} at the end"));
    }
}

/// All failures are in some row.
fn errors(run: &Run<'_>, findings: &mut Findings) {
    let rows = || run.rows.iter().flatten();
    let failed = count(&run.summary, "/requests/failed");
    let (all, after) = (
        rows().map(|row| row.errors).sum::<u64>(),
        rows().filter(|row| row.to > run.warmup).map(|row| row.errors).sum::<u64>(),
    );
    findings.must(after >= failed, || format!("{failed} failed, {after} of them in rows"));
    findings.must(run.warmup > 0 || all == failed, || format!("{failed} failed, {all} in rows"));
}

/// The mean over the measured windows in which a pod was Ready throughout.
fn utilization(run: &Run<'_>, of: usize, name: &str, findings: &mut Findings) {
    for (pod, said) in list(&run.summary, name).iter().enumerate() {
        let life = &run.lives[of][pod];
        let (mut busy, mut time, mut sure) = (0.0, 0.0, true);
        for row in run.rows[of].iter().filter(|row| row.pod == Some(pod) && row.from >= run.warmup) {
            match life.ready_throughout(row.from, row.to) {
                Sure::Maybe => sure = false,
                Sure::No => {}
                Sure::Yes => {
                    busy += row.utilization.unwrap_or(0.0) * row.width as f64;
                    time += row.width as f64;
                }
            }
        }
        let utilization = number(said, "/utilization");
        // A proxy has no slots.
        if sure && run.rows[of].iter().any(|row| row.utilization.is_some()) {
            findings
                .must(utilization.is_some() == (time > 0.0), || format!("{}: utilization {utilization:?}", life.name));
            // The width of the last window is rounded, too: by a half of a microsecond of at least one window.
            let by = HALF + 1.0 / time.max(1.0);
            findings.near(
                &format!("{}: utilization", life.name),
                utilization.unwrap_or(0.0),
                if time > 0.0 { busy / time } else { 0.0 },
                by,
            );
        }
    }
}

/// The figures of skew, from the definitions.
fn figures(loads: &[f64]) -> BTreeMap<&'static str, f64> {
    let n = loads.len() as f64;
    let sum: f64 = loads.iter().sum();
    let most = loads.iter().copied().fold(0.0, f64::max);
    let squares: f64 = loads.iter().map(|x| x * x).sum();
    let mean = sum / n;
    let variance = loads.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let pairs: f64 = loads.iter().flat_map(|a| loads.iter().map(move |b| (a - b).abs())).sum();
    BTreeMap::from([
        ("max_share", most / sum),
        ("max_over_mean", most / mean),
        ("effective_pods", sum * sum / squares),
        ("usable_capacity", mean / most),
        ("cv", variance.sqrt() / mean),
        ("gini", pairs / (2.0 * n * sum)),
        ("jain", sum * sum / squares / n),
        ("idle_pods", loads.iter().filter(|x| **x == 0.0).count() as f64),
    ])
}

fn same_figures(what: &str, said: &Value, exact: &BTreeMap<&'static str, f64>, findings: &mut Findings) {
    for (name, exact) in exact {
        findings.near(&format!("{what}: {name}"), number(said, &format!("/{name}")).unwrap_or(-1.0), *exact, 1e-9);
    }
}

/// The loads of the pods that were Ready throughout a window; `None` if the files do not tell which.
fn ready_loads(run: &Run<'_>, window: &[Row]) -> Option<Loads> {
    let row = |row: &Row| match run.lives[0][row.pod?].ready_throughout(row.from, row.to) {
        Sure::Maybe => None,
        sure => Some((row.requests + row.messages, sure == Sure::Yes)),
    };
    window.iter().filter(|row| row.pod.is_some()).map(row).collect()
}

/// Requests that a pod received, and messages of streams.
fn load(pod: &Value) -> u64 {
    count(pod, "/requests") + pod.get("messages").and_then(Value::as_u64).unwrap_or(0)
}

/// Skew by window, stray requests, and the whole run's skew where all pods were Ready all the time.
fn skew(run: &Run<'_>, findings: &mut Findings) {
    let windows: Vec<&[Row]> = run.rows[0].chunk_by(|a, b| a.from == b.from).collect();
    let width = width(run, &windows);
    let measured = windows.iter().filter(|w| w[0].from >= run.warmup);
    let loads: Option<Vec<(bool, Loads)>> =
        measured.map(|w| Some((w[0].width == width, ready_loads(run, w)?))).collect();
    let said = &run.summary["skew"];
    if let Some(loads) = loads.filter(|_| windows.len() > 1 || run.model.window.is_some()) {
        let (mut all, mut stray) = (0, 0);
        let mut judged = Vec::new();
        for (whole, rows) in &loads {
            all += rows.iter().map(|r| r.0).sum::<u64>();
            stray += rows.iter().filter(|r| !r.1).map(|r| r.0).sum::<u64>();
            let ready: Vec<f64> = rows.iter().filter(|r| r.1).map(|r| r.0 as f64).collect();
            let total: f64 = ready.iter().sum();
            if *whole && total > 0.0 && total >= 20.0 * ready.len() as f64 {
                judged.push(figures(&ready));
            }
        }
        findings.same("stray_share", number(&run.summary, "/stray_share").unwrap_or(-1.0) * all as f64, stray as f64);
        let worst = judged.iter().map(|f| f["max_over_mean"]).fold(0.0, f64::max);
        let said_worst = said["worst_window"].get("max_over_mean").and_then(Value::as_f64);
        findings.near("worst window", said_worst.unwrap_or(0.0), worst, 1e-9);
        let median = |name: &str| {
            let mut values: Vec<f64> = judged.iter().map(|f| f[name]).collect();
            values.sort_by(f64::total_cmp);
            (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0
        };
        let said_median = said["median_window"].as_object();
        findings.must(said_median.is_some() != judged.is_empty(), || format!("median of {} windows", judged.len()));
        if said_median.is_some() && !judged.is_empty() {
            let exact = judged[0].keys().map(|name| (*name, median(name))).collect();
            same_figures("median window", &said["median_window"], &exact, findings);
        }
    }
    let always = |life: &Life| life.ready_throughout(run.warmup, run.end) == Sure::Yes;
    let received: Vec<f64> = list(&run.summary, "pods").iter().map(|p| load(p) as f64).collect();
    if run.end > run.warmup
        && !received.is_empty()
        && run.lives[0].iter().all(always)
        && received.iter().sum::<f64>() > 0.0
    {
        same_figures("skew", &said["whole_run"], &figures(&received), findings);
        skew_ranges(&said["whole_run"], "skew", received.len(), findings);
    }
}
