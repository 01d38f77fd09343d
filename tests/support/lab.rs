//! The lab's measurements in `tests/lab/` (see the README there), as typed rows.

use std::path::Path;

use serde::de::DeserializeOwned;

/// Reads a file of `tests/lab/`; columns are taken in order, by position.
fn rows<T: DeserializeOwned>(file: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab").join(file);
    let mut reader = csv::Reader::from_path(path).expect("a file of tests/lab");
    let rows = reader.deserialize().map(|row| row.expect("a row of that shape"));
    rows.collect()
}

/// E1: one channel, 50 workers, 10,000 calls, five pods behind a ClusterIP.
#[derive(Clone, Debug)]
pub struct OneConnection {
    /// Calls served per pod.
    pub requests: [u64; 5],
    /// Connections opened in the trial.
    pub connections: u64,
    /// Failed calls.
    pub errors: u64,
    /// Median and 99th percentile of latency: how fast the lab's client and machine were, nothing more.
    pub latency_ms: [f64; 2],
}

/// E1's trials.
pub fn e1() -> Vec<OneConnection> {
    rows::<(u32, [u64; 5], u64, u64, [f64; 2])>("e1.csv")
        .into_iter()
        .map(|(_, requests, connections, errors, latency_ms)| OneConnection {
            requests,
            connections,
            errors,
            latency_ms,
        })
        .collect()
}

/// E2: connections per pod of all trials with `connections` channels (5, 10, 50 or 200).
pub fn e2(connections: u64) -> Vec<[u64; 5]> {
    rows::<(u64, u32, [u64; 5])>("e2.csv").into_iter().filter(|r| r.0 == connections).map(|r| r.2).collect()
}

/// E3: 1,000 HTTP/1.1 requests of a client with some workers.
#[derive(Clone, Debug)]
pub struct Http1Trial {
    /// `new` (a connection per request), `lifo` or `fifo` (a pool of 10 and which idle connection it takes).
    pub kind: String,
    /// Requests at once.
    pub workers: u32,
    /// Requests per pod.
    pub requests: [u64; 5],
    /// Connections per pod.
    pub connections: [u64; 5],
}

/// E3's trials.
pub fn e3() -> Vec<Http1Trial> {
    rows::<(String, u32, u32, [u64; 5], [u64; 5])>("e3.csv")
        .into_iter()
        .map(|(kind, workers, _, requests, connections)| Http1Trial { kind, workers, requests, connections })
        .collect()
}

/// E4: calls per pod of a headless Service, one client. `stack` is `core` or `go` (warm: `js`, and `tonic`, which balances by
/// itself).
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The client's gRPC stack.
    pub stack: String,
    /// Closed-loop workers.
    pub workers: u32,
    /// Calls per pod.
    pub requests: [u64; 5],
}

fn rotations(file: &str) -> Vec<Rotation> {
    rows::<(String, u32, u32, [u64; 5])>(file)
        .into_iter()
        .map(|(stack, workers, _, requests)| Rotation { stack, workers, requests })
        .collect()
}

/// E4, round_robin from a cold start: 10,000 calls with 50 workers, 1,000 with one.
pub fn e4_cold() -> Vec<Rotation> {
    rotations("e4_cold.csv")
}

/// E4, round_robin when warm: the 10,000 (50 workers) or 2,000 (one) calls after the first 500.
pub fn e4_warm() -> Vec<Rotation> {
    rotations("e4_warm.csv")
}

/// E4, pick_first on the headless name: connections per pod of 20 channels, by stack (`core`, `go`, `js`, `tonic`).
pub fn e4_pick_first() -> Vec<(String, [u64; 5])> {
    rows::<(String, u32, [u64; 5])>("e4_pick_first.csv").into_iter().map(|r| (r.0, r.2)).collect()
}

/// E5: complete lifetimes in seconds of connections with a maximum age of 4 s, grace 1 s; `stack` is `core` or `go`.
pub fn e5_lifetimes(stack: &str) -> Vec<f64> {
    rows::<(String, u32, f64)>("e5_lifetimes.csv").into_iter().filter(|r| r.0 == stack).map(|r| r.2).collect()
}

/// E5: one trial of 120 s, 20 clients.
#[derive(Clone, Debug)]
pub struct AgedTrial {
    /// `core` (which also made calls of 3 s) or `go`.
    pub stack: String,
    /// All calls.
    pub calls: u64,
    /// Failed ones: all of them calls of 3 s.
    pub failed: u64,
    /// Calls of 3 s that succeeded.
    pub long_ok: u64,
    /// Connections opened.
    pub connections: u64,
    /// Calls served per pod.
    pub requests: [u64; 5],
}

/// E5's trials.
pub fn e5_trials() -> Vec<AgedTrial> {
    rows::<(String, u32, u64, u64, u64, u64, [u64; 5])>("e5_trials.csv")
        .into_iter()
        .map(|(stack, _, calls, failed, long_ok, connections, requests)| AgedTrial {
            stack,
            calls,
            failed,
            long_ok,
            connections,
            requests,
        })
        .collect()
}

/// E6: a scale-up from three to six pods, 150 s.
#[derive(Clone, Debug)]
pub struct ScaleUp {
    /// `a` to `d`.
    pub variant: char,
    /// When the three pods were added, in seconds.
    pub scale_up_s: f64,
    /// When one of them first served a call; `None` = never.
    pub first_new_s: Option<f64>,
    /// Calls per pod in the last 30 s, the new pods last.
    pub last_30_s: [u64; 6],
    /// All calls.
    pub calls: u64,
    /// Failed ones.
    pub failed: u64,
    /// Connections opened.
    pub connections: u64,
}

/// E6's trials.
pub fn e6() -> Vec<ScaleUp> {
    rows::<(char, u32, f64, Option<f64>, [u64; 6], u64, u64, u64)>("e6_trials.csv")
        .into_iter()
        .map(|(variant, _, scale_up_s, first_new_s, last_30_s, calls, failed, connections)| ScaleUp {
            variant,
            scale_up_s,
            first_new_s,
            last_30_s,
            calls,
            failed,
            connections,
        })
        .collect()
}

/// E6: per trial of a variant, when each client first used a new pod, in seconds (only clients that ever did).
pub fn e6_first_new_pod(variant: char) -> Vec<Vec<f64>> {
    by_trial(
        rows::<(char, usize, u32, f64)>("e6_first_new_pod.csv")
            .into_iter()
            .filter(|r| r.0 == variant)
            .map(|r| (r.1, r.3)),
    )
}

/// E6, variants `c` and `d`: per trial, when the DNS server was asked, in seconds, by all 20 channels together.
pub fn e6_dns_queries(variant: char) -> Vec<Vec<f64>> {
    by_trial(
        rows::<(char, usize, f64, u32)>("e6_dns_queries.csv")
            .into_iter()
            .filter(|r| r.0 == variant)
            .map(|r| (r.1, r.2)),
    )
}

/// E6, variants `c` and `d`: per channel, from its DNS query to its first SYN, and from its first to its third and last SYN,
/// both in ms.
pub fn e6_connects() -> Vec<(f64, f64)> {
    rows::<(char, u32, u32, f64, f64)>("e6_connects.csv").into_iter().map(|r| (r.3, r.4)).collect()
}

fn by_trial(values: impl Iterator<Item = (usize, f64)>) -> Vec<Vec<f64>> {
    let mut trials: Vec<Vec<f64>> = Vec::new();
    for (trial, value) in values {
        trials.resize(trials.len().max(trial + 1), Vec::new());
        trials[trial].push(value);
    }
    trials
}

/// E7: per trial of a run, connections at the end of each new pod in order of creation. Runs: `surge_cip_5`,
/// `surge_cip_10`, `unavail_cip_5`, `surge_rr_settle22`, `surge_rr_step10`.
pub fn e7_connections(run: &str) -> Vec<Vec<f64>> {
    let pods = rows::<(String, usize, u32, f64, u64)>("e7_pods.csv");
    by_trial(pods.into_iter().filter(|r| r.0 == run).map(|r| (r.1, r.3)))
}

/// E7: how the calls of one trial failed.
#[derive(Clone, Debug)]
pub struct RolloutFailures {
    /// All calls.
    pub calls: u64,
    /// CANCELLED, which is a race in the stop of C-core's server.
    pub cancelled: u64,
    /// UNAVAILABLE.
    pub unavailable: u64,
    /// When the first and the last of these failed, in seconds.
    pub outage_s: Option<(f64, f64)>,
}

/// E7's failures, per trial of a run.
pub fn e7_failures(run: &str) -> Vec<RolloutFailures> {
    rows::<(String, u32, u64, u64, u64, Option<f64>, Option<f64>)>("e7_failures.csv")
        .into_iter()
        .filter(|r| r.0 == run)
        .map(|(_, _, calls, cancelled, unavailable, first, last)| RolloutFailures {
            calls,
            cancelled,
            unavailable,
            outage_s: first.zip(last),
        })
        .collect()
}

/// A step of a rolling restart with round_robin clients.
#[derive(Clone, Debug)]
pub struct Step {
    /// The trial.
    pub trial: usize,
    /// `add` and `remove` (from DNS) or `sigterm`.
    pub event: String,
    /// Pods 1 to 5 are the old ones.
    pub pod: u32,
    /// When.
    pub seconds: f64,
}

/// E7's steps of the runs `surge_rr_settle22` and `surge_rr_step10`.
pub fn e7_steps(run: &str) -> Vec<Step> {
    rows::<(String, usize, String, u32, f64)>("e7_steps.csv")
        .into_iter()
        .filter(|r| r.0 == run)
        .map(|(_, trial, event, pod, seconds)| Step { trial, event, pod, seconds })
        .collect()
}

/// E7, runs with round_robin: per trial, when a connection to each of the ten pods was first opened, in order of pods.
pub fn e7_first_contact(run: &str) -> Vec<Vec<f64>> {
    let contacts = rows::<(String, usize, u32, f64)>("e7_first_contact.csv");
    by_trial(contacts.into_iter().filter(|r| r.0 == run).map(|r| (r.1, r.3)))
}

/// E8: a closed loop against five pods, 20 s after a warm-up of 3 s.
#[derive(Clone, Debug)]
pub struct ClosedLoop {
    /// `k8_s80` or `k4_s40`.
    pub config: String,
    /// Slots per pod.
    pub slots: u32,
    /// Service time.
    pub sleep_ms: u64,
    /// Workers.
    pub workers: u32,
    /// `core` or `go`; `tonic` with the last two policies.
    pub stack: String,
    /// `pick_first` (ClusterIP), `round_robin` (headless), or tower's `balance_list` and `p2c_ewma` (five addresses).
    pub policy: String,
    /// Which of two.
    pub trial: u32,
    /// Completions in the 20 s.
    pub completed: u64,
    /// Completions per second.
    pub rps: f64,
    /// Mean, median, 90th and 99th percentile of latency.
    pub latency_ms: [f64; 4],
    /// Completions per pod.
    pub requests: [u64; 5],
}

/// E8's trials.
pub fn e8() -> Vec<ClosedLoop> {
    type Row = (String, u32, u64, u32, String, String, u32, u64, f64, [f64; 4], [u64; 5]);
    rows::<Row>("e8_trials.csv")
        .into_iter()
        .map(|(config, slots, sleep_ms, workers, stack, policy, trial, completed, rps, latency_ms, requests)| {
            ClosedLoop { config, slots, sleep_ms, workers, stack, policy, trial, completed, rps, latency_ms, requests }
        })
        .collect()
}

/// E8: the latency distribution of one trial: `(percent, ms)`.
pub fn e8_quantiles(config: &str, stack: &str, policy: &str, trial: u32) -> Vec<(f64, f64)> {
    rows::<(String, String, String, u32, f64, f64)>("e8_quantiles.csv")
        .into_iter()
        .filter(|r| (r.0.as_str(), r.1.as_str(), r.2.as_str(), r.3) == (config, stack, policy, trial))
        .map(|r| (r.4, r.5))
        .collect()
}

/// E11: 4,000 calls of 50 workers through a proxy to five pods.
#[derive(Clone, Debug)]
pub struct Proxied {
    /// Proxy and policy, as `haproxy_leastconn_t1`.
    pub proxy: String,
    /// `1conn_50w` or `10conn_5w`: client connections and workers on each.
    pub load: String,
    /// Calls per pod.
    pub requests: [u64; 5],
    /// Median and 99th percentile of latency.
    pub latency_ms: [f64; 2],
}

/// E11's trials of a proxy, in order: 4 with one connection, 4 with ten.
pub fn e11(proxy: &str) -> Vec<Proxied> {
    rows::<(String, String, u32, [u64; 5], [f64; 2])>("e11.csv")
        .into_iter()
        .filter(|r| r.0 == proxy)
        .map(|(proxy, load, _, requests, latency_ms)| Proxied { proxy, load, requests, latency_ms })
        .collect()
}

/// E9: the pings of one connection, in seconds since the client opened its first one.
#[derive(Clone, Debug)]
pub struct Pings {
    /// Server, client, keepalive time and load.
    pub case: String,
    /// When it was opened.
    pub opened_s: f64,
    /// When the client sent a ping.
    pub pings_s: Vec<f64>,
    /// When the server sent GOAWAY ENHANCE_YOUR_CALM, "too_many_pings".
    pub goaway_s: Option<f64>,
}

/// E9's connections, in order.
pub fn e9() -> Vec<Pings> {
    rows::<(String, u32, f64, String, Option<f64>)>("e9.csv")
        .into_iter()
        .map(|(case, _, opened_s, pings, goaway_s)| {
            let pings_s = pings.split_whitespace().map(|p| p.parse().expect("seconds")).collect();
            Pings { case, opened_s, pings_s, goaway_s }
        })
        .collect()
}

/// E10: seconds from the first call that a black hole swallowed to the end of the client's connection, with keepalive after 2 s
/// and a timeout of 1 s.
pub fn e10_black_hole() -> Vec<f64> {
    rows::<(u32, u32, f64, f64)>("e10_black_hole.csv").into_iter().map(|(_, _, lost, closed)| closed - lost).collect()
}

/// E10: clients of a pod that became a black hole: the trial, how many calls failed, and seconds from the fault to the first call
/// that did not; never: `None`. Cases: `black_hole`, `black_hole_keepalive`.
pub fn e10_clients(case: &str) -> Vec<(u32, u64, Option<f64>)> {
    let clients = rows::<(String, u32, u32, u32, u64, Option<f64>)>("e10_clients.csv");
    clients.into_iter().filter(|r| r.0 == case).map(|r| (r.1, r.4, r.5)).collect()
}

/// E10: attempts to reach an address that refuses, of a stack (`core`, `go`, `js`): which retry, and its gap in seconds.
pub fn e10_backoff(stack: &str) -> Vec<(u32, f64)> {
    let gaps = rows::<(String, u32, u32, f64)>("e10_backoff.csv");
    gaps.into_iter().filter(|r| r.0 == stack).map(|r| (r.2, r.3)).collect()
}

/// E9: seconds from each ping that was logged to its answer.
pub fn e9_answers() -> Vec<f64> {
    rows::<(String, u32, f64, f64)>("e9_answers.csv").into_iter().map(|(_, _, ping, answer)| answer - ping).collect()
}
