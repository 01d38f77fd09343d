//! `metrics.om` says what the other files say, in the form that Prometheus ingests. What a real Prometheus makes of it is in `server.rs`, which
//! `tests/prometheus/run.sh` runs.
#![cfg(unix)]

mod server;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

use evenkeel::metrics::outcome::Summary;
use text::{Text, total};

/// A rollout, a killed pod, a scaling, deadlines in queues and in service, retries, methods, keep-alive connections of HTTP/1.1, a CPU limit.
const LIVELY: &str = "
name: lively
duration: 5m
window: 1s
servers:
  - name: s
    replicas: 3
    concurrency: 8
    cpu: { cores: 4, limit: 2 }
    service_time: { exponential: { mean: 20ms } }
    queue_limit: 40
    min_ready: 7s
    grpc: { max_connection_age: 40s, max_connection_age_grace: 1s }
clients:
  - { name: web, replicas: 4, deadline: 60ms, load: { open: { rate: 150 }, methods: [{ name: shop.Cart/Get, share: 90% }, { name: Put, share: 10%, cost: 3 }] } }
  - { name: batch, replicas: 2, retry: { max_attempts: 3, initial_backoff: 100ms, max_backoff: 1s, multiplier: 2, codes: [UNAVAILABLE, RESOURCE_EXHAUSTED] }, load: { open: { rate: 40 } } }
  # A third of the same name: one series for all of them.
  - { name: same, replicas: 1, load: { open: { rate: 1 }, methods: [{ name: s/Call, share: 50% }, { name: /s/Put, share: 50% }] } }
  - { name: old, protocol: http1, load: { open: { rate: 5 } } }
timeline:
  - { at: 1m, rollout: s }
  - { at: 2m30s, kill: { server: s, pods: 1 } }
  - { at: 3m, scale: { server: s, replicas: 5 } }
";

const STREAMS: &str = "
name: streams
duration: 2m
window: 1s
servers: [{ name: s, replicas: 2, grpc: { max_connection_age: 20s, max_connection_age_grace: 1s } }]
clients: [{ name: c, replicas: 5, load: { streams: { rate: 0.7, duration: 30s, messages: { interval: 100ms } } } }]
";

struct Run {
    folder: TempDir,
}

impl Run {
    fn of(scenario: &str, options: &[&str]) -> Run {
        let run = Run { folder: TempDir::new().unwrap() };
        fs::write(run.path("scenario.yaml"), scenario).unwrap();
        let output = run.evenkeel(&[&["scenario.yaml"], options].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        run
    }

    fn evenkeel(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin!("evenkeel"));
        command.current_dir(&self.folder).args(["run", "--quiet", "--no-png", "--out", "out"]).args(arguments);
        command.output().unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path("out").join(name)).unwrap()
    }

    fn metrics(&self) -> Text {
        Text::read(&self.read("metrics.om"))
    }

    fn summary(&self) -> Summary {
        serde_json::from_str(&self.read("summary.json")).unwrap()
    }

    /// By pod, all windows up to `until_s`: the sum of a column of `pods.csv`.
    fn sums(&self, column: &str, until_s: f64) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for row in self.rows() {
            if row["time_s"].parse::<f64>().unwrap() + row["width_s"].parse::<f64>().unwrap() <= until_s {
                *sums.entry(row["pod"].clone()).or_default() += row[column].parse().unwrap_or(0.0);
            }
        }
        sums.remove("(none)");
        sums
    }

    fn rows(&self) -> Vec<BTreeMap<String, String>> {
        csv::Reader::from_reader(self.read("pods.csv").as_bytes()).deserialize().map(Result::unwrap).collect()
    }
}

/// Only the file is added; nothing else changes, nor does it depend on threads or on other runs beside it.
#[test]
fn the_file_is_an_addition_and_the_same_bytes_every_time() {
    let plain = Run::of(LIVELY, &[]);
    let metrics = Run::of(LIVELY, &["--metrics", "--threads", "1"]);
    let again = Run::of(LIVELY, &["--metrics", "--runs", "2", "--threads", "2"]);
    assert_eq!(metrics.read("metrics.om"), again.read("metrics.om"));
    for name in ["pods.csv", "clients.csv", "events.csv", "connections.csv", "summary.json", "traffic.svg"] {
        assert_eq!(plain.read(name), metrics.read(name), "{name}");
    }
    assert!(metrics.read(".evenkeel").contains("metrics.om"), "it belongs to the result");
    assert!(metrics.evenkeel(&["scenario.yaml"]).status.success());
    assert!(!metrics.path("out/metrics.om").exists(), "the next result, which is without it, replaces it");
}

/// OpenMetrics 1.0: families and series are not interleaved, names have their suffixes, time goes on, and there is an end.
#[test]
fn the_text_keeps_the_rules_of_open_metrics() {
    for scenario in [LIVELY, STREAMS] {
        let text = Run::of(scenario, &["--metrics", "--start-time", "2026-02-03T04:05:06Z"]).read("metrics.om");
        Text::read(&text).check();
        assert!(text.ends_with("\n# EOF\n"));
        assert!(text.contains(" 1770091506.000\n"), "the first reading is at the start");
    }
}

#[test]
fn counters_of_pods_are_the_sums_of_pods_csv() {
    for scenario in [LIVELY, STREAMS] {
        let run = Run::of(scenario, &["--metrics"]);
        let (metrics, summary) = (run.metrics(), run.summary());
        let requests = run.sums("requests", f64::MAX);
        let messages = run.sums("messages", f64::MAX);
        for pod in &summary.pods {
            let killed =
                metrics.values("evenkeel_pod_requests_total", &[("pod", &pod.pod)]).is_sorted_by(|a, b| a.1 <= b.1);
            let counted = metrics.increase("evenkeel_pod_requests_total", &[("pod", &pod.pod)]);
            assert_eq!(counted, requests[&pod.pod] + messages[&pod.pod], "{}", pod.pod);
            assert_eq!(
                killed,
                pod.pod != "s-2-0" || scenario == STREAMS,
                "only a restart begins at zero again: {}",
                pod.pod
            );
        }
        let started = metrics.increases("grpc_server_started_total");
        let received = metrics.increases("grpc_server_msg_received_total");
        let handled = metrics.increases("grpc_server_handled_total");
        let (started, received, handled) = (total(&started), total(&received), total(&handled));
        if scenario == STREAMS {
            assert_eq!(started - handled, summary.requests.unfinished as f64, "streams that are open at the end");
            assert_eq!(received, messages.values().sum::<f64>());
            assert_eq!(started, requests.values().sum::<f64>());
        } else {
            assert!(started * 0.98 < handled && handled <= started, "the rest is in pods, or was in the killed one");
            assert_eq!(received, started, "a unary call has one message");
            assert!(started < requests.values().sum(), "HTTP/1.1 is no gRPC");
        }
    }
}

/// Calls that fail for the client are counted by what its library says; the handlers of some of them return without an error.
#[test]
fn clients_count_what_the_summary_counts() {
    let run = Run::of(LIVELY, &["--metrics", "--set", "clients.old.load.open.rate=0.0001"]);
    let (metrics, summary) = (run.metrics(), run.summary());
    let by_code = |family: &str, code: &str| total(&metrics.increases_of(family, &[("grpc_code", code)]));
    assert_eq!(by_code("grpc_client_handled_total", "OK"), summary.requests.ok as f64);
    for (code, name) in [("DeadlineExceeded", "DEADLINE_EXCEEDED"), ("Unavailable", "UNAVAILABLE")] {
        let failed = summary.requests.by_status[name] as f64;
        assert!(failed > 0.0 && by_code("grpc_client_handled_total", code) == failed, "{code}");
    }
    assert_eq!(total(&metrics.increases("grpc_client_started_total")), summary.requests.started as f64);
    let expired = by_code("grpc_server_handled_total", "DeadlineExceeded");
    let served = by_code("grpc_server_handled_total", "OK");
    assert!(expired > 0.0 && expired < summary.requests.by_status["DEADLINE_EXCEEDED"] as f64);
    assert!(served > summary.requests.ok as f64, "a handler does not know that nobody waits any more");
    let of_get = total(
        &metrics.increases_of("grpc_client_started_total", &[("grpc_service", "shop.Cart"), ("grpc_method", "Get")]),
    );
    assert!((0.88..0.92).contains(&(of_get / (150.0 * 300.0))), "{of_get}");
    assert!(metrics.increases_of("grpc_client_attempt_started_total", &[("job", "batch")]).is_empty(), "it retries");
    assert!(!metrics.increases_of("grpc_client_attempt_started_total", &[("job", "web")]).is_empty());
}

#[test]
fn histograms_hold_what_is_handled_and_their_mean_is_exact() {
    let run = Run::of(LIVELY, &["--metrics", "--set", "clients.old.load.open.rate=0.0001"]);
    let (metrics, summary) = (run.metrics(), run.summary());
    for side in ["server", "client"] {
        let handled = total(&metrics.increases(&format!("grpc_{side}_handled_total")));
        for family in ["handling_seconds", "call_duration_seconds"] {
            let count = total(&metrics.increases(&format!("grpc_{side}_{family}_count")));
            let most = total(&metrics.increases_of(&format!("grpc_{side}_{family}_bucket"), &[("le", "+Inf")]));
            assert_eq!((count, most), (handled, handled), "{side} {family}");
        }
    }
    let ok = |part: &str| {
        let name = format!("grpc_client_call_duration_seconds_{part}");
        total(&metrics.increases_of(&name, &[("grpc_status", "OK")]))
    };
    let mean = summary.latency_ms.mean.unwrap() / 1e3;
    assert!((ok("sum") / ok("count") - mean).abs() < 1e-9 * mean, "the same calls, in nanoseconds");
}

/// A pod's time in the server is what the closed form says where nobody waits: the service time.
#[test]
fn handling_takes_the_service_time_and_calls_the_round_trip_more() {
    let scenario = "name: calm\nduration: 1m\ncluster: { rtt: 6ms }\n\
                    servers: [{ name: s, replicas: 2, service_time: 20ms }]\n\
                    clients: [{ name: c, load: { closed: { concurrency: 4 } } }]";
    let metrics = Run::of(scenario, &["--metrics"]).metrics();
    let mean = |side: &str| {
        let part = |part: &str| total(&metrics.increases(&format!("grpc_{side}_handling_seconds_{part}")));
        part("sum") / part("count")
    };
    assert_eq!(mean("server"), 0.02);
    // The first calls wait for the connection: some milliseconds, four of thousands of calls.
    assert!((mean("client") - 0.026).abs() < 1e-4, "{}", mean("client"));
    let buckets = |le: &str| total(&metrics.increases_of("grpc_server_call_duration_seconds_bucket", &[("le", le)]));
    assert!(buckets("0.016") == 0.0 && buckets("0.02") > 0.0, "a bucket has its upper end");
}

#[test]
fn connections_and_deployments_are_those_of_the_summary() {
    let run = Run::of(LIVELY, &["--metrics"]);
    let (metrics, summary) = (run.metrics(), run.summary());
    let last = |name: &str, labels: &[(&str, &str)]| metrics.values(name, labels).last().unwrap().1;
    for pod in summary.pods.iter().filter(|p| p.deleted_s.is_none()) {
        assert_eq!(
            last("evenkeel_pod_connections", &[("pod", &pod.pod)]),
            pod.connections_at_end as f64,
            "{}",
            pod.pod
        );
    }
    let of_grpc: u64 =
        summary.pods.iter().flat_map(|p| &p.connections_by_client).filter(|c| c.0 != "old").map(|c| c.1).sum();
    let open: f64 =
        ["web", "batch", "same"].map(|job| last("grpc_subchannel_open_connections", &[("job", job)])).iter().sum();
    assert_eq!(open, of_grpc as f64);
    let lost = |why: &str| {
        total(&metrics.increases_of("grpc_subchannel_disconnections_total", &[("grpc_disconnect_error", why)]))
    };
    assert!(lost("GOAWAY NO_ERROR") > 0.0 && lost("connection reset") > 0.0);
    let connected = total(&metrics.increases("grpc_subchannel_connection_attempts_succeeded_total"));
    assert_eq!(connected - total(&metrics.increases("grpc_subchannel_disconnections_total")), open);
    let deployment = |name: &str, s: f64| {
        let values = metrics.values(&format!("kube_deployment_{name}"), &[("deployment", "s")]);
        values.iter().take_while(|(at, _)| *at <= START_S + s).last().unwrap().1
    };
    assert_eq!(
        ["spec_replicas", "status_replicas_ready", "status_replicas_available"].map(|n| deployment(n, 59.0)),
        [3.0; 3]
    );
    assert_eq!(
        ["spec_replicas", "status_replicas_ready", "status_replicas_available"].map(|n| deployment(n, 300.0)),
        [5.0; 3]
    );
    assert_eq!(deployment("status_replicas_ready", 150.0), 2.0, "one has just been killed");
}

/// The default of `--start-time`.
const START_S: f64 = 1_767_225_600.0;

#[test]
fn processes_begin_at_zero_when_they_are_ready_and_stop_when_they_are_gone() {
    let run = Run::of(LIVELY, &["--metrics"]);
    let (metrics, summary) = (run.metrics(), run.summary());
    for pod in &summary.pods {
        let values = metrics.values("grpc_server_started_total", &[("pod", &pod.pod), ("grpc_method", "Call")]);
        let (first, last) = (values[0], values[values.len() - 1]);
        let ms = |s: f64| (s * 1e3).floor() / 1e3;
        assert_eq!((first.0 - START_S, first.1), (ms(pod.ready_s.unwrap()), 0.0), "{}", pod.pod);
        assert!((last.0 - START_S - ms(pod.deleted_s.unwrap_or(300.0))).abs() < 1e-6, "{}", pod.pod);
    }
}

#[test]
fn cpu_is_told_of_servers_that_have_one_only() {
    let metrics = Run::of(LIVELY, &["--metrics"]).metrics();
    assert!(total(&metrics.increases("container_cpu_usage_seconds_total")) > 0.0);
    assert!(total(&metrics.increases("container_cpu_cfs_periods_total")) > 0.0);
    // A part of the slot-time is CPU time where requests wait for others.
    let waits = Run::of(LIVELY, &["--metrics", "--set", "servers.0.cpu.share=25%"]).metrics();
    let of = |name: &str| total(&waits.increases(name));
    let (cpu, busy) = (of("container_cpu_usage_seconds_total"), of("evenkeel_pod_busy_seconds_total"));
    assert!(cpu > 0.0 && (cpu - busy / 4.0).abs() <= 1e-6 * busy, "{cpu} of {busy}");
    let text = Run::of(STREAMS, &["--metrics"]).read("metrics.om");
    assert!(!text.contains("container_cpu") && text.contains("evenkeel_pod_busy_seconds_total{"));
}

#[test]
fn what_cannot_be_is_refused_before_the_run() {
    let run = Run::of(STREAMS, &[]);
    for (options, says) in [
        (&["--metrics", "--no-files"][..], "cannot be used with"),
        (&["--start-time", "0"], "--metrics"),
        (&["--metrics", "--start-time", "yesterday"], "expected a time as 2026-01-01T00:00:00Z"),
        (&["--metrics", "--metrics-interval", "0"], "the shortest interval is `1ms`"),
        (&["--metrics", "--set", "duration=200h", "--set", "window=1s"], "set a --metrics-interval above 15s"),
    ] {
        let output = run.evenkeel(&[&["scenario.yaml"], options].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(says), "{options:?} should say {says:?}: {said}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
