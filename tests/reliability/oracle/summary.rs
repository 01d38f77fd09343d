//! `summary.json` against itself and the scenario.

use serde_json::Value;

use super::Run;
use super::files::{Findings, count, counts, list, number, text};

pub fn check(run: &Run<'_>, findings: &mut Findings) {
    requests(run, findings);
    latencies(run, findings);
    pods(run, findings);
    rates(run, findings);
    ranges(run, findings);
    expectations(run, findings);
}

fn requests(run: &Run<'_>, findings: &mut Findings) {
    let all = |pointer: &str| count(&run.summary, &format!("/requests/{pointer}"));
    let (started, ok, failed, unfinished) = (all("started"), all("ok"), all("failed"), all("unfinished"));
    findings.must(started == ok + failed + unfinished, || format!("{started} != {ok} + {failed} + {unfinished}"));
    let by_status = counts(&run.summary, "/requests/by_status");
    findings.must(by_status.values().sum::<u64>() == failed, || format!("{failed} failed: {by_status:?}"));
    let by_reason: u64 = list(&run.summary, "failures").iter().map(|row| count(row, "/calls")).sum();
    findings.must(by_reason == failed, || format!("{failed} failed, {by_reason} by reason"));
    for pod in list(&run.summary, "pods").iter().chain(list(&run.summary, "gateways")) {
        let here = list(&run.summary, "failures").iter().filter(|row| matches!(text(row, "/by"), "pod" | "gateway"));
        let here: u64 = here.filter(|row| text(row, "/at") == text(pod, "/pod")).map(|row| count(row, "/calls")).sum();
        let errors = pod.get("errors").and_then(Value::as_u64).unwrap_or(0);
        findings.must(here == errors, || format!("{}: {errors} errors, {here} by reason", text(pod, "/pod")));
    }
    let by_client = counts(&run.summary, "/requests/failed_by_client");
    if run.model.clients.len() > 1 {
        let names = run.model.clients.iter().all(|c| by_client.contains_key(&c.name));
        let whole = names && by_client.len() == run.model.clients.len() && by_client.values().sum::<u64>() == failed;
        findings.must(whole, || format!("{failed} failed: {by_client:?}"));
    }
    let ended = ok + failed;
    let ratio = number(&run.summary, "/error_ratio");
    findings.must(ratio.is_some() == (ended > 0), || format!("error_ratio {ratio:?} of {ended}"));
    findings.same("error_ratio", ratio.unwrap_or(0.0) * ended as f64, failed as f64);
    for client in run.model.clients.iter().filter(|c| !c.methods.is_empty()) {
        let rows = list(&run.summary, "methods").iter().filter(|m| text(m, "/client") == client.name);
        let sum = |key: &str| rows.clone().map(|m| count(m, &format!("/{key}"))).sum::<u64>();
        findings.must(sum("started") == sum("ok") + sum("failed") + sum("unfinished"), || client.name.clone());
        let of_client = by_client.get(&client.name).copied().unwrap_or(failed);
        findings.must(sum("failed") == of_client, || format!("{}: {of_client} failed, not by method", client.name));
        findings.must(sum("ok") <= ok, || format!("{}: more than all were answered", client.name));
    }
}

/// Quantiles in order, there if and only if a call was answered.
fn latency(of: &Value, what: &str, answered: Option<u64>, findings: &mut Findings) {
    let names = ["p50", "p90", "p95", "p99", "p999", "max"];
    let values: Vec<Option<f64>> = names.iter().map(|n| number(of, &format!("/latency_ms/{n}"))).collect();
    let mean = number(of, "/latency_ms/mean");
    let there = values.iter().chain([&mean]).filter(|v| v.is_some()).count();
    findings.must(there == 0 || there == 7, || format!("{what}: {values:?} and the mean {mean:?}"));
    findings.must(answered.is_none_or(|n| (n > 0) == (there > 0)), || format!("{what}: {answered:?} and {values:?}"));
    findings.must(values.is_sorted(), || format!("{what}: latencies {values:?}"));
    let (mean, max) = (mean.unwrap_or(0.0), values[5].unwrap_or(0.0));
    findings.must(mean >= 0.0 && mean <= max * (1.0 + 1e-12), || format!("{what}: mean {mean}, most {max}"));
}

fn latencies(run: &Run<'_>, findings: &mut Findings) {
    let summary = &run.summary;
    latency(summary, "summary", Some(count(summary, "/requests/ok")), findings);
    for row in list(summary, "methods") {
        latency(row, text(row, "/method"), Some(count(row, "/ok")), findings);
    }
    for pod in list(summary, "pods").iter().chain(list(summary, "gateways")) {
        latency(pod, text(pod, "/pod"), None, findings);
    }
    // A quantile of all calls lies between those of the pods that answered them; buckets are within 1/128.
    for name in ["p50", "p90", "p95", "p99", "p999", "max"] {
        let pointer = format!("/latency_ms/{name}");
        let of_pods: Vec<f64> = list(summary, "pods").iter().filter_map(|pod| number(pod, &pointer)).collect();
        let Some(all) = number(summary, &pointer) else { continue };
        let (least, most) = of_pods.iter().fold((f64::MAX, 0.0f64), |(a, b), x| (a.min(*x), b.max(*x)));
        let within = least * (1.0 - 1.0 / 64.0) <= all && all <= most * (1.0 + 1.0 / 64.0);
        findings.must(within, || format!("{name} is {all}, of the pods {of_pods:?}"));
    }
}

fn pods(run: &Run<'_>, findings: &mut Findings) {
    for key in ["pods", "gateways"] {
        let pods = list(&run.summary, key);
        let load = |p: &Value| count(p, "/requests") + p.get("messages").and_then(Value::as_u64).unwrap_or(0);
        let total: u64 = pods.iter().map(load).sum();
        let mut shares = 0.0;
        for pod in pods {
            let (name, share) = (text(pod, "/pod"), number(pod, "/share"));
            findings.must(share.is_some() == (total > 0), || format!("{name}: share {share:?} of {total}"));
            findings.same(name, share.unwrap_or(0.0) * total as f64, load(pod) as f64);
            shares += share.unwrap_or(0.0);
            let times: Vec<f64> =
                ["/created_s", "/ready_s", "/deleted_s"].iter().filter_map(|p| number(pod, p)).collect();
            findings.must(times.is_sorted(), || format!("{name}: times {times:?}"));
            findings.must(times.iter().all(|t| t * 1e6 <= run.end as f64 + 1.0), || format!("{name}: {times:?}"));
            let utilization = number(pod, "/utilization").unwrap_or(0.0);
            findings.must((0.0..=1.0 + 1e-12).contains(&utilization), || format!("{name}: utilization {utilization}"));
            let (opened, at_end) = (count(pod, "/connections_opened"), count(pod, "/connections_at_end"));
            findings.must(at_end <= opened, || format!("{name}: {at_end} connections at the end of {opened}"));
        }
        if total > 0 {
            findings.same(key, shares, 1.0);
        }
    }
    let both = || list(&run.summary, "pods").iter().chain(list(&run.summary, "gateways"));
    let mut names: Vec<&str> = both().map(|p| text(p, "/pod")).collect();
    names.sort_unstable();
    names.dedup();
    findings.must(names.len() == both().count(), || format!("two pods of a name: {names:?}"));
    let sum = |key: &str| both().map(|p| p.pointer(key).and_then(Value::as_u64).unwrap_or(0)).sum::<u64>();
    let (opened, placed) = (count(&run.summary, "/connections/opened"), sum("/connections_opened"));
    findings.must(opened == placed, || format!("{opened} connections opened, {placed} on pods"));
    let (failed, here) = (count(&run.summary, "/requests/failed"), sum("/errors"));
    findings.must(here <= failed, || format!("{failed} failed, {here} at pods"));
    // Each answered call reached a pod after it was emitted.
    let received: u64 = list(&run.summary, "pods").iter().map(|p| count(p, "/requests")).sum();
    let ok = count(&run.summary, "/requests/ok");
    findings.must(received >= ok, || format!("{ok} answered, {received} received"));
    let most = list(&run.summary, "pods").iter().filter_map(|p| number(p, "/utilization")).reduce(f64::max);
    findings.must(most == number(&run.summary, "/max_utilization"), || format!("max_utilization is not {most:?}"));
}

fn rates(run: &Run<'_>, findings: &mut Findings) {
    let measured = number(&run.summary, "/measured_s").unwrap_or(0.0);
    let rate = |pointer: &str| number(&run.summary, pointer).unwrap_or(-1.0);
    if let Some(duration) = run.model.duration {
        findings.must(run.end <= duration.0 / 1_000, || format!("ended at {}, after {duration}", run.end));
    }
    let ok = if measured == 0.0 { 0 } else { count(&run.summary, "/requests/ok") };
    // Calls of the warmup that end after it succeed, too.
    let succeeded = rate("/throughput_rps") * measured;
    findings.near("throughput_rps", succeeded, succeeded.round(), 1e-6);
    let late = succeeded.round() - ok as f64;
    findings
        .must(late == 0.0 || late > 0.0 && run.warmup > 0, || format!("{succeeded} calls succeeded, and {ok} are ok"));
    let reconnects = rate("/reconnects_per_s") * measured;
    findings.near("reconnects", reconnects, reconnects.round(), 1e-6);
    let opened = count(&run.summary, "/connections/opened") as f64;
    findings.must((0.0..=opened + 1e-6).contains(&reconnects), || format!("{reconnects} reconnects of {opened}"));
    let changes = list(&run.summary, "time_to_balance");
    for (i, change) in changes.iter().enumerate() {
        let at = number(change, "/at_s").expect("a time");
        let next = changes[i..].iter().map(|c| number(c, "/at_s").expect("a time")).find(|next| *next > at);
        let room = next.unwrap_or(run.end as f64 / 1e6) - at + 1e-6;
        let seconds = number(change, "/seconds").unwrap_or(0.0);
        findings.must((0.0..=room).contains(&seconds), || format!("balanced in {seconds} s of {room}"));
    }
}

/// The figures of skew are of one set of loads: each in its range, and together.
pub fn skew_ranges(of: &Value, what: &str, most: usize, findings: &mut Findings) {
    let get = |name: &str| number(of, &format!("/{name}"));
    let idle = get("idle_pods").unwrap_or(0.0);
    findings.must(idle.fract() == 0.0 && (0.0..=most as f64).contains(&idle), || format!("{what}: {idle} idle"));
    let names = ["max_share", "max_over_mean", "effective_pods", "usable_capacity", "cv", "gini", "jain"];
    let values: Vec<f64> = names.iter().filter_map(|name| get(name)).collect();
    findings.must(values.is_empty() || values.len() == 7, || format!("{what}: only some figures: {of}"));
    let [share, over, effective, usable, cv, gini, jain] = values[..] else { return };
    let n = (effective / jain).round();
    findings.same(&format!("{what}: pods"), effective / jain, n);
    findings.must((1.0..=most as f64).contains(&n), || format!("{what}: {n} of {most} pods"));
    let exact = 1e-9;
    let within = |x: f64, least: f64, most: f64| x >= least - exact && x <= most + exact;
    let all = within(share, 1.0 / n, 1.0)
        && within(over, 1.0, n)
        && within(effective, 1.0, n)
        && within(usable, 1.0 / n, 1.0)
        && within(cv, 0.0, (n - 1.0).sqrt())
        && within(gini, 0.0, 1.0 - 1.0 / n)
        && within(jain, 1.0 / n, 1.0)
        && idle < n;
    findings.must(all, || format!("{what}: out of range: {of}"));
    findings.near(&format!("{what}: share of the mean"), share * n, over, 1e-9 * n);
    findings.near(&format!("{what}: usable capacity"), usable * over, 1.0, 1e-9);
    findings.near(&format!("{what}: cv"), n / (1.0 + cv * cv), effective, 1e-9 * n);
}

fn ranges(run: &Run<'_>, findings: &mut Findings) {
    let pods = run.lives[0].len();
    let skew = &run.summary["skew"];
    skew_ranges(skew, "skew", pods, findings);
    if let Some(window) = skew.get("worst_window").filter(|w| !w.is_null()) {
        skew_ranges(window, "worst window", pods, findings);
    }
    let parts = ["/stray_share", "/error_ratio", "/max_utilization"];
    for pointer in parts {
        let part = number(&run.summary, pointer).unwrap_or(0.0);
        findings.must((0.0..=1.0 + 1e-12).contains(&part), || format!("{pointer} is {part}"));
    }
}

/// Each is what the summary says at its path, compared.
fn expectations(run: &Run<'_>, findings: &mut Findings) {
    let results = list(&run.summary, "expectations");
    findings.must(results.len() == run.model.expect.len(), || "expectations are missing".to_owned());
    for (result, asked) in results.iter().zip(&run.model.expect) {
        let text = text(result, "/text");
        let met = result["met"] == Value::Bool(true);
        let value = number(result, "/value");
        let mut words = text.split_whitespace().skip(1);
        let op = words.next().unwrap_or_default();
        let bound = asked.value;
        let holds = |x: f64| match op {
            "<" => x < bound,
            "<=" => x <= bound,
            "==" => x == bound,
            "!=" => x != bound,
            ">=" => x >= bound,
            _ => x > bound,
        };
        findings.must(met == value.is_some_and(holds), || format!("{text}: {value:?} and met: {met}"));
        let whole_run = words.count() == 1;
        let pointer = format!("/{}", asked.path.join("/"));
        if whole_run && run.summary.pointer(&pointer).is_some() {
            let same = number(&run.summary, &pointer) == value;
            findings.must(same, || format!("{text}: {value:?}, and the summary has another value"));
        }
    }
}
