//! `connections.csv` against the summary, `pods.csv` and `events.csv`.

use std::collections::BTreeMap;

use super::Run;
use super::files::{Findings, count, counts, list, text};

/// A connection's life, in microseconds.
struct Connection<'a> {
    pod: &'a str,
    opened: u64,
    draining: Option<u64>,
    closed: Option<u64>,
    requests: u64,
}

pub fn check(run: &Run<'_>, findings: &mut Findings) {
    let table = &run.connections;
    let mut last = None;
    let mut closed_by: BTreeMap<String, u64> = counts(&run.summary, "/connections/closed_by");
    let reasons: Vec<String> = closed_by.keys().cloned().collect();
    closed_by.values_mut().for_each(|n| *n = 0);
    let mut all = Vec::new();
    for row in &table.rows {
        let id = table.count(row, "id");
        findings.must(last < Some(id), || format!("connections.csv: id {id} after {last:?}"));
        last = Some(id);
        let c = Connection {
            pod: table.at(row, "pod"),
            opened: table.micros(row, "opened_s").expect("a time"),
            draining: table.micros(row, "draining_s"),
            closed: table.micros(row, "closed_s"),
            requests: table.count(row, "requests"),
        };
        let times: Vec<u64> = [Some(c.opened), c.draining, c.closed, Some(run.end)].into_iter().flatten().collect();
        findings.must(times.is_sorted(), || format!("connection {id}: times {times:?}"));
        let reason = table.at(row, "close_reason");
        let ends = c.draining.is_some() || c.closed.is_some();
        findings.must(ends != reason.is_empty(), || format!("connection {id}: {row:?}"));
        findings.must(reason.is_empty() || reasons.iter().any(|r| r == reason), || format!("why {reason:?}?"));
        if c.closed.is_some() {
            *closed_by.entry(reason.to_owned()).or_default() += 1;
        }
        let client = table.at(row, "client").rsplit_once('-').map_or("", |(name, _)| name);
        findings.must(run.model.callers().any(|known| known.name == client), || format!("who is {client}?"));
        let life = run.lives.iter().flatten().find(|life| life.name == c.pod);
        let placed = if c.pod.is_empty() { c.requests == 0 } else { life.is_some_and(|l| l.created() <= c.opened) };
        findings.must(placed, || format!("connection {id}: {row:?}"));
        all.push(c);
    }
    let said = counts(&run.summary, "/connections/closed_by");
    findings.must(said == closed_by, || format!("closed_by {said:?}, connections.csv has {closed_by:?}"));
    let dialled = table.rows.len() as u64;
    let opened = count(&run.summary, "/connections/opened");
    findings.must(opened <= dialled, || format!("{opened} opened of {dialled}"));
    by_pod(run, &all, findings);
}

fn by_pod(run: &Run<'_>, all: &[Connection<'_>], findings: &mut Findings) {
    for (i, key) in ["pods", "gateways"].into_iter().enumerate() {
        for (place, pod) in list(&run.summary, key).iter().enumerate() {
            let name = text(pod, "/pod");
            let mine = || all.iter().filter(|c| c.pod == name);
            // A dial that does not succeed has no calls.
            let (used, dialled) = (mine().filter(|c| c.requests > 0).count() as u64, mine().count() as u64);
            let opened = count(pod, "/connections_opened");
            let between = (used..=dialled).contains(&opened);
            findings.must(between, || format!("{name}: {opened} opened, {dialled} dialled, {used} used"));
            // What came over a connection was sent on it.
            let sent: u64 = mine().map(|c| c.requests).sum();
            let received: u64 = run.rows[i].iter().filter(|row| row.pod == Some(place)).map(|row| row.requests).sum();
            findings.must(received <= sent, || format!("{name}: {received} received, {sent} sent to it"));
            for row in run.rows[i].iter().filter(|row| row.pod == Some(place)) {
                let until = |end: Option<u64>| end.is_none_or(|end| end >= row.to);
                let there = |c: &&Connection<'_>| c.opened <= row.to && until(c.draining) && until(c.closed);
                let most = mine().filter(there).count() as u64;
                findings.must(row.connections <= most, || {
                    format!("{name} at {} µs: {} connections, {most} in connections.csv", row.to, row.connections)
                });
            }
        }
    }
}
