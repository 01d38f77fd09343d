//! The verdict: its numbers are those of the other files, and it is silent about nothing that matters.

use super::Run;
use super::files::{Findings, count, list, text};

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
        // A change may be one to 0 pods.
        let fine = |at: usize| verdict[..at].ends_with(" to") || verdict[..at].ends_with(|c: char| c.is_ascii_digit());
        let said = verdict.match_indices(wrong).any(|(at, _)| !fine(at));
        findings.must(!said, || format!("{wrong:?} in {verdict}"));
    }
    failures(run, verdict, findings);
    attribution(run, findings);
}

/// The parts of each pod add up to its share less the even one, and its share is that of the pod's row.
fn attribution(run: &Run<'_>, findings: &mut Findings) {
    let Some(attribution) = run.summary.get("attribution") else { return };
    for pod in list(attribution, "pods") {
        let of = |key: &str| maybe(pod, &format!("/{key}")).unwrap_or(f64::NAN);
        let parts = ["time_ready", "timing", "draw", "client_rates", "connection_rates", "picks", "failures"];
        let sum: f64 = parts.iter().map(|part| of(part)).sum();
        findings.near(&format!("parts of {}", text_of(pod)), sum, of("share") - of("even"), 1e-9);
        let row = list(&run.summary, "pods").iter().find(|p| text_of(p) == text_of(pod));
        let share = row.and_then(|p| maybe(p, "/now/share")).unwrap_or(f64::NAN);
        findings.near(&format!("share of {}", text_of(pod)), of("share"), share, 1e-12);
    }
}

/// `X carries 1.3x its share, Y 0.2x`: so it is in the phase that the headline is of.
fn times_its_share(run: &Run<'_>, before: &[&str], times: f64, findings: &mut Findings) {
    let text = before.last().copied().unwrap_or_default();
    let decimals = text.split_once('.').map_or(0, |(_, d)| d.len() - 1);
    let bound = 0.5 / 10f64.powi(decimals as i32) + 1e-9;
    let named = |word: &&str| run.lives[0].iter().position(|l| l.name == word.trim_end_matches([',', ':']));
    let Some(pod) = before.iter().rev().find_map(named) else { return };
    let name = &run.lives[0][pod].name;
    let pods = list(&run.summary, "pods");
    let now: Vec<f64> = pods.iter().filter_map(|p| maybe(p, "/now/share")).collect();
    let mine = pods.iter().find(|p| text_of(p) == *name).and_then(|p| maybe(p, "/now/share"));
    let carried = mine.map(|share| share * now.len() as f64);
    let attributed = run.summary.get("attribution").map_or(&[][..], |attribution| list(attribution, "pods"));
    let drawn = attributed
        .iter()
        .find(|p| text_of(p) == *name)
        .and_then(|p| Some(maybe(p, "/drawn_evenly")? / maybe(p, "/even")?));
    let fits = [carried, drawn].into_iter().flatten().any(|said| (said - times).abs() <= bound);
    findings.must(fits, || format!("{name} does not carry {times} times its share: {carried:?}, {drawn:?}"));
}

/// A number that may be missing.
fn maybe(of: &serde_json::Value, path: &str) -> Option<f64> {
    of.pointer(path).and_then(serde_json::Value::as_f64)
}

fn text_of(pod: &serde_json::Value) -> &str {
    text(pod, "/pod")
}

/// Failed calls are never left out where they are more than one in a thousand, and are those of the summary.
fn failures(run: &Run<'_>, verdict: &str, findings: &mut Findings) {
    let all = |key: &str| count(&run.summary, &format!("/requests/{key}"));
    let (failed, started, ok) = (all("failed"), all("started"), all("ok"));
    if failed as f64 > 0.001 * (ok + failed) as f64 {
        findings.must(verdict.contains("failed"), || format!("{failed} of {started} failed: {verdict}"));
    }
    let told = verdict.split_once(" %) failed").and_then(|(before, _)| before.rsplit_once(" calls ("));
    if let Some((before, percent)) = told {
        let mut words = before.rsplit(' ');
        let pair = (words.nth(2), before.rsplit(' ').next());
        let (a, b) = (failed.to_string(), started.to_string());
        findings.must(pair == (Some(a.as_str()), Some(b.as_str())), || format!("{failed} of {started}: {verdict}"));
        let percent: f64 = percent.parse().unwrap_or(f64::NAN);
        findings.near("failed, in percent", percent, 100.0 * failed as f64 / started as f64, 0.005 + 1e-9);
    }
}
