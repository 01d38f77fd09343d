//! The scenario's numbers, each with an interval of 99 %, and what the data do not tell.

use super::readings::Sums;
use super::{Estimate, Figure, Part, Readings};
use crate::distribution::standard_normal;
use crate::model::{Client, Load, Model, Server};
use crate::theory::buckets::{self, Buckets, Law};
use crate::theory::queueing::Queue;
use crate::words::{counted, duration, percent, rounded, short, trimmed};

/// Fewer calls say too little.
pub(super) const FEWEST_CALLS: f64 = 100.0;
/// Standard errors on both sides of an estimate: 99 %.
const Z: f64 = 2.576;
/// A pod in which fewer calls wait than this part shows the service time itself.
const MOST_WAIT: f64 = 0.01;
/// A law that is further off at an end of a bucket is said to be.
const MISFIT: f64 = 0.02;
/// Calls per second that vary more than that between intervals, in variances of a Poisson process, are no constant rate.
const DISPERSION: f64 = 4.0;

/// What the data say.
#[derive(Debug)]
pub(super) struct Found {
    /// The values.
    pub estimates: Vec<Estimate>,
    /// What they do not tell, in sentences.
    pub untold: Vec<String>,
    /// Factor of the scenario's rates, and its standard error.
    rate: Option<(f64, f64)>,
    /// Open clients and their rates.
    rates: Vec<(String, f64)>,
    /// The law of service times, and the path of the key that has it.
    law: Option<(String, buckets::Found)>,
    /// What has no error to draw from, as arguments of `--set`.
    fixed: Vec<String>,
}

impl Found {
    /// The values as arguments of `--set`, moved within their errors by four independent standard normal values.
    pub(super) fn drawn(&self, z: [f64; 4]) -> Vec<String> {
        let mut sets = self.fixed.clone();
        if let Some((factor, error)) = self.rate {
            let factor = (factor + error * z[0]).max(factor / 4.0);
            let set = |(client, rate): &(String, f64)| format!("{}={}", rate_path(client), digits(rate * factor));
            sets.extend(self.rates.iter().map(set));
        }
        sets.extend(self.law.iter().map(|(path, law)| format!("{path}={}", in_scenario(&law.drawn([z[1], z[2]])))));
        sets
    }
}

fn rate_path(client: &str) -> String {
    format!("clients.{client}.load.open.rate")
}

/// A number to six digits, as scenarios write it.
fn digits(x: f64) -> String {
    let decimals = (5.0 - x.log10().floor()).clamp(0.0, 9.0) as usize;
    trimmed(rounded(x, decimals), decimals)
}

/// A duration as scenarios write it.
fn seconds(s: f64) -> String {
    if s < 1.0 { format!("{}ms", digits(s * 1e3)) } else { format!("{}s", digits(s)) }
}

fn in_scenario(law: &Law) -> String {
    match *law {
        Law::Lognormal { mu, sigma } => {
            format!("{{ lognormal: {{ median: {}, sigma: {sigma:.4} }} }}", seconds(mu.exp()))
        }
        Law::Exponential { ln_mean } => format!("{{ exponential: {{ mean: {} }} }}", seconds(ln_mean.exp())),
    }
}

/// Estimates what the data tell.
pub(super) fn estimate(model: &Model, server: &Server, readings: &Readings, sums: &Sums, fit: Part) -> Found {
    let mut found = Found {
        estimates: Vec::new(),
        untold: Vec::new(),
        rate: None,
        rates: Vec::new(),
        law: None,
        fixed: Vec::new(),
    };
    rate(&mut found, model, readings, sums, fit);
    let quiet = quiet(&mut found, server, readings, sums);
    service_time(&mut found, model, server, sums, &quiet);
    cpu(&mut found, server, readings, fit, &quiet);
    let kept = "which connection is at which pod, ages, startup times, resolvers and the autoscaler: the data do not count them; they are the \
                scenario's";
    found.untold.push(kept.to_owned());
    found
}

/// The constant rate of a client's open load.
fn constant(client: &Client) -> Option<f64> {
    match &client.load {
        Load::Open { rate, .. } => match rate.points[..] {
            [(_, rate)] if rate > 0.0 => Some(rate),
            _ => None,
        },
        _ => None,
    }
}

/// For how long a client asks for its rate within a part of the time, in seconds: its replicas start one after the other.
fn asks_for(client: &Client, within: Part) -> f64 {
    let (at, spread) = (client.start.at.as_secs_f64(), client.start.spread.as_secs_f64());
    // From the start of the run up to t.
    let up_to = |t: f64| {
        let since = (t - at).max(0.0);
        if since < spread { since * since / (2.0 * spread) } else { since - spread / 2.0 }
    };
    up_to(within.to) - up_to(within.from)
}

fn rate(found: &mut Found, model: &Model, readings: &Readings, sums: &Sums, fit: Part) {
    // What was counted lies between samples.
    let fit = Part { from: fit.from.max(sums.first), to: fit.to.min(sums.first + sums.lasts) };
    let rates: Option<Vec<(String, f64)>> =
        model.clients.iter().map(|client| Some((client.name.clone(), constant(client)?))).collect();
    let Some(rates) = rates else {
        found.untold.push(
            "the rate: a client's load is closed, streams, or changes with time; it is the scenario's".to_owned(),
        );
        return;
    };
    let calls: f64 = sums.calls().iter().sum();
    let expected: f64 = model.clients.iter().zip(&rates).map(|(client, (_, rate))| rate * asks_for(client, fit)).sum();
    if expected <= 0.0 {
        found.untold.push("the rate: no client has started in that part of the time; it is the scenario's".to_owned());
        return;
    }
    let factor = calls / expected;
    let error = factor / calls.sqrt();
    let started = |client: &Client| (client.start.at + client.start.spread).as_secs_f64();
    let steady = Part { from: model.clients.iter().map(started).fold(fit.from, f64::max), ..fit };
    if let Some((lowest, highest)) = varies(readings, steady) {
        found.untold.push(format!(
            "the shape of the load: calls per second went from {} to {} between samples; the rate is their mean",
            short(lowest),
            short(highest)
        ));
    }
    if rates.len() > 1 {
        let clients = counted(rates.len() as u64, "client");
        found.untold.push(format!("whose calls they are: the {clients} keep their parts of the rate"));
    }
    for (client, rate) in &rates {
        let value = rate * factor;
        let figure = Figure {
            name: "rate",
            value,
            from: rate * (factor - Z * error).max(0.0),
            to: rate * (factor + Z * error),
            unit: "/s",
        };
        found.estimates.push(Estimate {
            path: rate_path(client),
            value: digits(value),
            was: short(*rate),
            figures: vec![figure],
        });
    }
    (found.rate, found.rates) = (Some((factor, error)), rates);
}

/// The lowest and the highest rate of all pods together between two samples, if they differ by more than chance.
fn varies(readings: &Readings, fit: Part) -> Option<(f64, f64)> {
    let mut at: std::collections::BTreeMap<i64, (f64, f64)> = std::collections::BTreeMap::new();
    for interval in readings.intervals.iter().filter(|interval| fit.holds(interval.span)) {
        let lasts = interval.span.to - interval.span.from;
        let entry = at.entry((interval.span.to * 1e3) as i64).or_insert((0.0, lasts));
        entry.0 += interval.counts.iter().sum::<f64>();
        entry.1 = entry.1.max(lasts);
    }
    // A first or last interval may be a part of one.
    let longest = at.values().map(|(_, lasts)| *lasts).fold(0.0, f64::max);
    let whole: Vec<f64> =
        at.values().filter(|(_, lasts)| *lasts > 0.9 * longest).map(|(n, lasts)| n / lasts * longest).collect();
    let n = whole.len() as f64;
    if n < 3.0 {
        return None;
    }
    let mean = whole.iter().sum::<f64>() / n;
    let variance = whole.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    let ends = || whole.iter().fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(*x), high.max(*x)));
    (variance > DISPERSION * mean).then(ends).map(|(low, high)| (low / longest, high / longest))
}

/// The pods in which calls hardly wait: they show the service time itself. If there are none, the one in which the fewest wait.
fn quiet(found: &mut Found, server: &Server, readings: &Readings, sums: &Sums) -> Vec<usize> {
    let waits = |pod: usize| {
        let calls = sums.buckets[pod].total();
        let queue = Queue::new(calls / sums.alive[pod], sums.times[pod] / calls, server.concurrency);
        (pod, queue.map_or(1.0, Queue::wait_probability))
    };
    let has_calls = |pod: &usize| sums.buckets[*pod].total() > 0.0;
    let all: Vec<(usize, f64)> = (0..readings.pods.len()).filter(has_calls).map(waits).collect();
    let quiet: Vec<usize> = all.iter().filter(|(_, wait)| *wait <= MOST_WAIT).map(|(pod, _)| *pod).collect();
    let least = all.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    match least {
        Some((pod, wait)) if quiet.is_empty() => {
            found.untold.push(format!(
                "the service time without waiting: even at {} some {} of the calls find all {} slots in use",
                readings.pods[*pod],
                percent(*wait),
                server.concurrency
            ));
            vec![*pod]
        }
        _ => quiet,
    }
}

fn service_time(found: &mut Found, model: &Model, server: &Server, sums: &Sums, pods: &[usize]) {
    if model.clients.iter().any(|client| !client.methods.is_empty()) {
        let why = "the service time: the scenario's methods have costs of their own, which the data do not separate";
        found.untold.push(why.to_owned());
        return;
    }
    let buckets = sums.together(pods.iter().copied());
    let mean = pods.iter().map(|pod| sums.times[*pod]).sum::<f64>() / buckets.total();
    let was = format!("{} on average", duration(server.service_time.mean()));
    let path = format!("servers.{}.service_time", server.name);
    // What a slow or a fast pod takes longer, or less long, is the scenario's.
    let speed = server.speed;
    match buckets.law() {
        Some(mut law) => {
            let misfit = buckets.misfit(&law.law);
            law.law = law.law.moved([speed.ln(), 0.0]);
            if misfit > MISFIT {
                found.untold.push(format!(
                    "the exact law of service times: the one found is off by {} of the calls at an end of a bucket",
                    percent(misfit)
                ));
            }
            let quantile = |name, part: f64| {
                let z = standard_normal(part);
                let (value, error) = (law.law.quantile(part, z) * 1e3, law.error_of_ln_quantile(z));
                Figure { name, value, from: value * (-Z * error).exp(), to: value * (Z * error).exp(), unit: "ms" }
            };
            let figures = vec![quantile("p50", 0.5), quantile("p99", 0.99)];
            found.estimates.push(Estimate { path: path.clone(), value: in_scenario(&law.law), was, figures });
            found.law = Some((path, law));
        }
        None => {
            found.untold.push(
                "the law of service times: nearly all calls are in one bucket; the mean is taken for all".to_owned(),
            );
            let error = within(&buckets) / buckets.total().sqrt();
            let (value, error) = (mean * speed * 1e3, Z * error * speed * 1e3);
            let figure = Figure { name: "mean", value, from: (value - error).max(0.0), to: value + error, unit: "ms" };
            let value = seconds(mean * speed);
            found.fixed.push(format!("{path}={value}"));
            found.estimates.push(Estimate { path, value, was, figures: vec![figure] });
        }
    }
}

/// The largest standard deviation that times in the used buckets can have: half their width.
fn within(buckets: &Buckets) -> f64 {
    let used: Vec<usize> = (0..buckets.counts.len()).filter(|i| buckets.counts[*i] > 0.0).collect();
    let last = buckets.ends.last().copied().unwrap_or(0.0);
    let from = used.first().and_then(|i| i.checked_sub(1)).map_or(0.0, |i| buckets.ends[i]);
    let to = used.last().and_then(|i| buckets.ends.get(*i)).copied().unwrap_or(last * 2.0);
    (to - from) / 2.0
}

/// The part of a call's time that is CPU time, as a ratio of sums; its error is that of the differences between intervals (Cochran, Sampling
/// Techniques, 1977, section 6.4).
fn cpu(found: &mut Found, server: &Server, readings: &Readings, fit: Part, pods: &[usize]) {
    let Some(cpu) = server.cpu else { return };
    let of_pods = readings.intervals.iter().filter(|i| fit.holds(i.span) && pods.contains(&i.pod));
    let both: Vec<(f64, f64)> = of_pods.filter_map(|i| Some((i.cpu?, i.sum))).collect();
    let (used, time) = both.iter().fold((0.0, 0.0), |(used, time), (u, t)| (used + u, time + t));
    if time <= 0.0 {
        found.untold.push(
            "the part of the service time that is CPU time: there is no container_cpu_usage_seconds_total".to_owned(),
        );
        return;
    }
    let ratio = used / time;
    let error = both.iter().map(|(u, t)| (u - ratio * t).powi(2)).sum::<f64>().sqrt() / time;
    let (path, share) = (format!("servers.{}.cpu.share", server.name), ratio.clamp(0.001, 1.0));
    let value = format!("{}%", digits(share * 100.0));
    found.fixed.push(format!("{path}={value}"));
    let end = |by: f64| (ratio + by * Z * error).clamp(0.0, 1.0) * 100.0;
    let figure = Figure { name: "share", value: share * 100.0, from: end(-1.0), to: end(1.0), unit: "%" };
    found.estimates.push(Estimate { path, value, was: percent(cpu.share), figures: vec![figure] });
}
