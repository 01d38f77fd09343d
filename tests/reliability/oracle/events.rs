//! `events.csv`: lives of pods in order, and the same as in the summary.

use std::collections::BTreeMap;

use super::files::{Findings, Table, list, number, text};
use super::{Life, Run};

/// The life of a pod.
pub fn life(name: String, events: &Table) -> Life {
    let mine = events.rows.iter().filter(|row| events.at(row, "subject") == name);
    let phase = |row: &Vec<String>| {
        let phase = match events.at(row, "what") {
            what if what.starts_with("created on node ") => "starting",
            "container restarts" => "starting",
            "Ready" => "ready",
            "not Ready any more" => "unready",
            "terminating" => "terminating",
            "gone" => "gone",
            _ => return None,
        };
        Some((events.micros(row, "time_s").expect("a time"), phase))
    };
    let phases = mine.filter_map(phase).collect();
    Life { name, phases }
}

pub fn check(run: &Run<'_>, findings: &mut Findings) {
    let kinds = ["rollout", "scale", "kill", "delete", "slow", "errors", "rate", "pod", "client"];
    let table = &run.events;
    let mut last = 0;
    let mut created: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &table.rows {
        let (time, kind, what) = (table.micros(row, "time_s"), table.at(row, "kind"), table.at(row, "what"));
        let subject = table.at(row, "subject");
        let time = time.expect("a time");
        findings.must(time >= last, || format!("events.csv: {time} after {last}"));
        findings.must(time <= run.end, || format!("events.csv: {time}, after the end {}", run.end));
        findings.must(kinds.contains(&kind) && !what.is_empty(), || format!("events.csv: {row:?}"));
        findings.must(known(run, subject), || format!("events.csv: who is {subject}?"));
        if what.starts_with("created on node ") {
            *created.entry(subject).or_default() += 1;
        }
        last = time;
    }
    let pods = run.lives.iter().map(Vec::len).sum::<usize>();
    findings.must(created.len() == pods && created.values().all(|n| *n == 1), || {
        format!("events.csv creates {created:?}, the summary has {pods} pods")
    });
    for (lives, key) in run.lives.iter().zip(["pods", "gateways"]) {
        for (life, pod) in lives.iter().zip(list(&run.summary, key)) {
            in_order(life, findings);
            let said = |pointer: &str| number(pod, pointer).map(|s| (s * 1e6).round() as u64);
            let pairs = [("/created_s", "starting"), ("/ready_s", "ready"), ("/deleted_s", "gone")];
            for (pointer, phase) in pairs {
                let (a, b) = (said(pointer), life.when(phase));
                let same = a.is_some() == b.is_some() && a.unwrap_or(0).abs_diff(b.unwrap_or(0)) <= 1;
                findings.must(same, || format!("{}: {pointer} is {a:?}, events.csv says {b:?}", life.name));
            }
            let server = text(pod, "/server");
            findings.must(life.name.starts_with(&format!("{server}-")), || format!("{} of {server}", life.name));
        }
    }
}

/// Created once and first, gone last, and what ends does not begin again.
fn in_order(life: &Life, findings: &mut Findings) {
    let allowed = |before: &str, now: &str| match now {
        "starting" => ["starting", "ready", "unready"].contains(&before),
        "ready" => ["starting", "unready"].contains(&before),
        "unready" => before == "ready",
        "terminating" => ["starting", "ready", "unready"].contains(&before),
        _ => ["terminating", "starting", "ready", "unready"].contains(&before),
    };
    let fine = life.phases.first().is_some_and(|p| p.1 == "starting")
        && life.phases.windows(2).all(|pair| allowed(pair[0].1, pair[1].1));
    findings.must(fine, || format!("{} lives {:?}", life.name, life.phases));
}

/// True of a pod, a server, a client or gateway, or a replica of one.
fn known(run: &Run<'_>, subject: &str) -> bool {
    let pod = || run.lives.iter().flatten().any(|life| life.name == subject);
    let deployment = || run.model.deployments().any(|s| s.name == subject);
    let replica = || {
        let name = subject.rsplit_once('-').filter(|(_, n)| n.parse::<u32>().is_ok()).map_or(subject, |(name, _)| name);
        run.model.callers().any(|c| c.name == name || c.name == subject)
    };
    pod() || deployment() || replica()
}
