//! `clients.csv` against the summary and `connections.csv`.

use super::Run;
use super::files::{Findings, Table, count};

pub fn check(run: &Run<'_>, table: &Table, findings: &mut Findings) {
    let mut names: Vec<&str> = table.rows.iter().map(|row| table.at(row, "client")).collect();
    let rows = names.len();
    names.sort_unstable();
    names.dedup();
    findings.must(names.len() == rows, || format!("clients.csv: two rows of a replica: {names:?}"));
    let sum = |column: &str| table.rows.iter().map(|row| table.count(row, column)).sum::<u64>();
    let (failed, all) = (count(&run.summary, "/requests/failed"), sum("failed"));
    // Those of the warmup are here, and not in the summary.
    let same = if run.warmup == 0 { failed == all } else { failed <= all };
    findings.must(same, || format!("clients.csv: {all} failed, {failed} in the summary"));
    let (opened, here) = (count(&run.summary, "/connections/opened"), sum("connections_opened"));
    let same = if run.model.gateways.is_empty() { opened == here } else { opened >= here };
    findings.must(same, || format!("clients.csv: {here} connections opened, {opened} in the summary"));
    for row in &table.rows {
        let client = table.at(row, "client");
        let time = |column: &str| table.micros(row, column);
        let (first, last) = (time("first_failed_s"), time("last_failed_s"));
        let some = table.count(row, "failed") > 0;
        findings.must(first.is_some() == some && last.is_some() == some, || format!("{client}: {row:?}"));
        findings.must(first <= last && last.is_none_or(|t| t <= run.end), || format!("{client}: {row:?}"));
        let connected = table.count(row, "connections_opened") > 0;
        findings.must(time("connected_s").is_some() == connected, || format!("{client}: {row:?}"));
        findings.must(time("started_s") <= time("connected_s") || !connected, || format!("{client}: {row:?}"));
        let of_client = |row: &&Vec<String>| run.connections.at(row, "client") == client;
        let dialled = run.connections.rows.iter().filter(of_client).count() as u64;
        findings.must(table.count(row, "connections_opened") <= dialled, || format!("{client}: {dialled} dials"));
    }
}
