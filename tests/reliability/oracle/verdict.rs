//! The verdict: its numbers are those of the other files, and it is silent about nothing that matters.

use evenkeel::scenario::quantity::parse_duration;

use super::Run;
use super::files::{Findings, count, list, number, text};

pub fn check(run: &Run<'_>, findings: &mut Findings) {
    let verdict = text(&run.summary, "/verdict");
    findings.must(!verdict.is_empty(), || "no verdict".to_owned());
    let words: Vec<&str> = verdict.split_whitespace().collect();
    let whole = |word: &str| word.trim_end_matches([',', '.', ':', ';', ')']).replace(',', "").parse::<u64>().ok();
    for (i, word) in words.iter().enumerate() {
        let next = words.get(i + 1).copied().unwrap_or_default();
        if let (Some(n), "of", Some(m)) = (whole(word), next, words.get(i + 2).and_then(|m| whole(m))) {
            findings.must(0 < n && n <= m, || format!("{n} of {m}: {verdict}"));
        }
        if let Some(name) = run.lives.iter().flatten().find(|life| {
            let bare = word.trim_end_matches([',', '.', ':', ';', ')']);
            bare.starts_with(&life.name[..life.name.find('-').unwrap_or(0) + 1]) && !bare.is_empty()
        }) {
            let bare = word.trim_end_matches([',', '.', ':', ';', ')']);
            let pod = run.lives.iter().flatten().any(|life| life.name == bare);
            findings.must(pod, || format!("who is {bare}, beside {}? {verdict}", name.name));
        }
        if next.starts_with('%') {
            let percent: f64 = word.trim_start_matches(['(', '<']).parse().unwrap_or(f64::NAN);
            findings.must((0.0..=100.0).contains(&percent), || format!("{word} %: {verdict}"));
        }
        if let Some(times) = word.strip_suffix('x').and_then(|t| t.parse::<f64>().ok()) {
            times_its_share(run, &words[..=i], times, findings);
        }
    }
    for wrong in ["the 0 ", "0 of ", "all 0 ", " 0 pods", " 0 connections"] {
        let said = verdict.match_indices(wrong).any(|(at, _)| at == 0 || !verdict.as_bytes()[at - 1].is_ascii_digit());
        findings.must(!said, || format!("{wrong:?} in {verdict}"));
    }
    failures(run, verdict, findings);
    if let Some((before, after)) = verdict.split_once(" takes all requests") {
        let name = before.rsplit(' ').next().unwrap_or_default();
        let since = after.strip_prefix(" from ").and_then(|after| parse_duration(after.split_once(" on")?.0).ok());
        // Of the run, or of the rows from then on: the name of each pod, and what it received.
        let of_rows = |from: u64| {
            let rows = run.rows[0].iter().filter(move |row| row.from >= from);
            rows.filter_map(|row| Some((run.lives[0][row.pod?].name.as_str(), row.requests + row.messages))).collect()
        };
        let of_run = || list(&run.summary, "pods").iter().map(|pod| (text(pod, "/pod"), received(pod))).collect();
        let loads: Vec<(&str, u64)> = since.map_or_else(of_run, |since| of_rows(since.0 / 1_000));
        let all: u64 = loads.iter().map(|load| load.1).sum();
        let others: u64 = loads.iter().filter(|load| load.0 != name).map(|load| load.1).sum();
        findings.must(others == 0 && all > 0, || format!("others than {name} have {others} of {all}: {verdict}"));
    }
}

/// Requests and messages of a pod in the summary.
fn received(pod: &serde_json::Value) -> u64 {
    count(pod, "/requests") + pod.get("messages").and_then(serde_json::Value::as_u64).unwrap_or(0)
}

/// `X carries 1.3x its share`: so it is from some window on to the end, or over the measured run.
fn times_its_share(run: &Run<'_>, before: &[&str], times: f64, findings: &mut Findings) {
    let text = before.last().copied().unwrap_or_default();
    let decimals = text.split_once('.').map_or(0, |(_, d)| d.len() - 1);
    let bound = 0.5 / 10f64.powi(decimals as i32) + 1e-9;
    let named = |word: &&str| run.lives[0].iter().position(|l| l.name == word.trim_end_matches([',', ':']));
    let Some(pod) = before.iter().rev().find_map(named) else { return };
    let fits = |loads: &[(usize, u64)]| {
        let total: u64 = loads.iter().map(|l| l.1).sum();
        let mine: u64 = loads.iter().filter(|l| l.0 == pod).map(|l| l.1).sum();
        total > 0 && (mine as f64 * loads.len() as f64 / total as f64 - times).abs() <= bound
    };
    let windows: Vec<&[super::Row]> = run.rows[0].chunk_by(|a, b| a.from == b.from).collect();
    let last = windows.last().map_or(&[][..], |w| w);
    let ready: Vec<usize> = last.iter().filter(|row| row.state == "ready").filter_map(|row| row.pod).collect();
    let mut sums: Vec<(usize, u64)> = ready.iter().map(|pod| (*pod, 0)).collect();
    let tail = windows.iter().rev().any(|window| {
        for (pod, sum) in &mut sums {
            let row = window.iter().find(|row| row.pod == Some(*pod));
            *sum += row.map_or(0, |row| row.requests + row.messages);
        }
        fits(&sums)
    });
    let there = list(&run.summary, "pods")
        .iter()
        .enumerate()
        .filter(|(_, p)| number(p, "/ready_s").is_some() && number(p, "/deleted_s").is_none());
    let whole: Vec<(usize, u64)> = there.map(|(i, pod)| (i, received(pod))).collect();
    let said = || format!("{} does not carry {times} times its share: {:?}, {whole:?}", run.lives[0][pod].name, sums);
    findings.must(tail || fits(&whole), said);
}

/// Failed calls are never left out where they are more than one in a thousand, and are those of the summary.
fn failures(run: &Run<'_>, verdict: &str, findings: &mut Findings) {
    let all = |key: &str| count(&run.summary, &format!("/requests/{key}"));
    let (failed, started, ok) = (all("failed"), all("started"), all("ok"));
    if failed as f64 > 0.001 * (ok + failed) as f64 {
        findings.must(verdict.contains("failed"), || format!("{failed} of {started} failed: {verdict}"));
    }
    if let Some((before, after)) = verdict.split_once(" calls (")
        && after.contains(" %) failed")
    {
        let mut words = before.rsplit(' ');
        let pair = (words.nth(2), before.rsplit(' ').next());
        let (a, b) = (failed.to_string(), started.to_string());
        findings.must(pair == (Some(a.as_str()), Some(b.as_str())), || format!("{failed} of {started}: {verdict}"));
        let percent: f64 = after.split(' ').next().and_then(|p| p.parse().ok()).unwrap_or(f64::NAN);
        findings.near("failed, in percent", percent, 100.0 * failed as f64 / started as f64, 0.005 + 1e-9);
    }
}
