//! A real Prometheus over backfilled runs: `tests/prometheus/run.sh` finds or fetches one, and runs these tests.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::{Run, START_S, root};

const DAY_S: f64 = 86_400.0;

/// Where `prometheus` and `promtool` are.
fn program(name: &str) -> Command {
    let folder =
        std::env::var_os("EVENKEEL_PROMETHEUS").expect("EVENKEEL_PROMETHEUS is set by tests/prometheus/run.sh");
    Command::new(PathBuf::from(folder).join(name))
}

/// A server on loopback that scrapes nothing; it ends with this.
struct Prometheus {
    process: Child,
    port: u16,
    _data: TempDir,
}

impl Prometheus {
    /// Over these runs, each of which has its own time.
    fn over(runs: &[Run]) -> Prometheus {
        let data = TempDir::new().unwrap();
        for run in runs {
            let mut promtool = program("promtool");
            promtool
                .args(["tsdb", "create-blocks-from", "openmetrics"])
                .arg(run.path("out/metrics.om"))
                .arg(data.path());
            let output = promtool.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let config = data.path().join("prometheus.yml");
        fs::write(&config, "").unwrap();
        // Another process may take the port before the server does; it fails then.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = program("prometheus");
        server.arg(format!("--config.file={}", config.display()));
        server.arg(format!("--storage.tsdb.path={}", data.path().display()));
        // By default what is older than 15 days is deleted.
        server.args(["--storage.tsdb.retention.time=100y", "--log.level=error"]);
        server.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let process = server.stdout(Stdio::null()).spawn().unwrap();
        let mut server = Prometheus { process, port, _data: data };
        for _ in 0..300 {
            if server.get("/-/ready").is_some_and(|answer| answer.starts_with("HTTP/1.0 200")) {
                return server;
            }
            assert!(server.process.try_wait().unwrap().is_none(), "the server has ended");
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the server is not ready after 30 s");
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn ask(&self, path: &str, expression: &str) -> Vec<Value> {
        let coded: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = self.get(&format!("/api/v1/{path}&query={coded}")).unwrap();
        let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// At an instant: the values by pod; of what has no pod by the empty word.
    fn query(&self, expression: &str, at_s: f64) -> BTreeMap<String, f64> {
        let value = |sample: &Value| sample["value"][1].as_str().unwrap().parse().unwrap();
        let of = |sample: &Value| sample["metric"]["pod"].as_str().unwrap_or_default().to_owned();
        self.ask(&format!("query?time={at_s}"), expression).iter().map(|sample| (of(sample), value(sample))).collect()
    }

    /// When, of the evaluations every 15 s, each series of an expression is there.
    fn times(&self, expression: &str, from_s: f64, to_s: f64) -> Vec<Vec<f64>> {
        let of = |series: &Value| {
            let values = series["values"].as_array().unwrap();
            values.iter().map(|value| value[0].as_f64().unwrap()).collect()
        };
        let range = format!("query_range?start={from_s}&end={to_s}&step=15");
        self.ask(&range, expression).iter().map(of).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Five minutes of warmup, then five that the summary is of and that `rate(…[5m])` looks back on. Connections are dealt by kube-proxy.
const SKEWED: &str = "
name: skewed
duration: 10m
warmup: 5m
servers: [{ name: s, replicas: 5, concurrency: 4, service_time: { exponential: { mean: 25ms } } }]
clients: [{ name: c, replicas: 12, load: { open: { rate: 300 } } }]
";

/// Five minutes, and a millisecond: Prometheus 3 leaves out a sample at the left end, 2 does not. The samples at both ends are 300 s apart, and
/// `rate` extrapolates by the millisecond and divides by the same.
const RANGE: &str = "[5m1ms]";

/// The tolerance of what is equal but for rounding: sums of a few doubles.
const ROUNDING: f64 = 1e-9;

/// The answers are those of the summary. What it counts as received and Prometheus as handled differs by the requests that are in a pod at both
/// ends, which `pods.csv` tells: with them it is an identity.
#[test]
#[ignore = "needs Prometheus: tests/prometheus/run.sh"]
fn the_blogs_queries_give_what_the_summary_says() {
    let run = Run::of(SKEWED, &["--metrics"]);
    let server = Prometheus::over(std::slice::from_ref(&run));
    let (summary, end_s) = (run.summary(), START_S + 600.0);
    let in_pods = |end_s: f64| -> BTreeMap<String, f64> {
        let rows = run.rows().into_iter().filter(|row| row["time_s"].parse::<f64>().unwrap() + 2.0 == end_s);
        rows.map(|row| (row["pod"].clone(), row["in_flight"].parse().unwrap())).collect()
    };
    let (before, after) = (in_pods(300.0), in_pods(600.0));
    let handled = |pod: &str, requests: u64| requests as f64 - after[pod] + before[pod];
    let all: f64 = summary.pods.iter().map(|p| handled(&p.pod, p.requests)).sum();

    let rates = server.query(&format!("sum(rate(grpc_server_handled_total{RANGE})) by (pod)"), end_s);
    let of_sum = format!("sum by (pod) (rate(grpc_server_handled_total{RANGE}))");
    let total = format!("sum(rate(grpc_server_handled_total{RANGE}))");
    let shares = server.query(&format!("{of_sum} / ignoring(pod) group_left {total}"), end_s);
    let busy = format!("rate(evenkeel_pod_busy_seconds_total{RANGE}) / evenkeel_pod_slots");
    let busy = server.query(&busy, end_s);
    assert_eq!((rates.len(), shares.len(), busy.len()), (5, 5, 5));
    for pod in &summary.pods {
        let expected = handled(&pod.pod, pod.requests);
        assert!((rates[&pod.pod] * 300.0 - expected).abs() <= ROUNDING * expected, "{}: {}", pod.pod, rates[&pod.pod]);
        assert!((shares[&pod.pod] - expected / all).abs() <= ROUNDING, "{}", pod.pod);
        assert!((busy[&pod.pod] - pod.utilization.unwrap()).abs() <= ROUNDING, "{}: {busy:?}", pod.pod);
    }
    // The blog's own division matches nothing but the whole with the whole.
    assert!(server.query(&format!("{of_sum} / {total}"), end_s).is_empty(), "it needs `ignoring(pod) group_left`");

    // Of the same calls, but for those in the pods at the ends: they move each share by at most their part of all.
    let moved: f64 = before.values().chain(after.values()).sum::<f64>() / all;
    let over = server.query(&format!("max({of_sum}) / avg({of_sum})"), end_s)[""];
    let expected = summary.skew.headline.max_over_mean.unwrap();
    assert!(expected > 1.5 && (over - expected).abs() <= 2.0 * 5.0 * moved, "{over}, not {expected}");
}

/// `calibrate` finds the same in the server as in the file that it was filled from.
#[test]
#[ignore = "needs Prometheus: tests/prometheus/run.sh"]
fn calibrate_asks_the_server() {
    let run = Run::of(SKEWED, &["--metrics"]);
    let server = Prometheus::over(std::slice::from_ref(&run));
    let (url, start, end) = (format!("http://127.0.0.1:{}", server.port), START_S, START_S + 600.0);
    let (start, end) = (format!("{start}"), format!("{end}"));
    let asked = ["--prometheus", &url, "--start", &start, "--end", &end, "--match", "job=\"s\""];
    let by = |name: &str, from: &[&str]| -> Value {
        let out = run.path(name);
        let mut evenkeel = Command::new(assert_cmd::cargo::cargo_bin!("evenkeel"));
        evenkeel.args(["calibrate", "--quiet", "--out"]).arg(&out).arg(run.path("scenario.yaml")).args(from);
        let output = evenkeel.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&fs::read(out.join("calibrate.json")).unwrap()).unwrap()
    };
    let file = run.path("out/metrics.om");
    let (server, file) = (by("server", &asked), by("file", &["--from", file.to_str().unwrap()]));
    assert_eq!(server["sets"], file["sets"]);
    assert!(server["calls"].as_f64().unwrap() > 100_000.0 && server["calls"] == file["calls"]);
}

/// `histogram_quantile` is somewhere in the bucket that the quantile is in.
#[test]
#[ignore = "needs Prometheus: tests/prometheus/run.sh"]
fn quantiles_of_buckets_are_in_the_right_bucket() {
    let run = Run::of(SKEWED, &["--metrics"]);
    let server = Prometheus::over(std::slice::from_ref(&run));
    let p99_s = run.summary().latency_ms.p99.unwrap() / 1e3;
    // Of gRFC A66 and of the middleware: the buckets around it.
    for (family, buckets) in [
        (
            "grpc_client_call_duration_seconds",
            &[0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0][..],
        ),
        ("grpc_client_handling_seconds", &[0.05, 0.1, 0.25, 0.5, 1.0][..]),
    ] {
        let at = buckets.partition_point(|end| *end < p99_s);
        let (low, high) = (buckets[at - 1], buckets[at]);
        // The summary's quantile is exact within 1/128, and the few calls under way at the ends move it less than that again.
        assert!(
            low * (1.0 + 2.0 / 128.0) < p99_s && p99_s < high * (1.0 - 2.0 / 128.0),
            "{p99_s} is too near to an end"
        );
        let expression = format!("histogram_quantile(0.99, sum by (le) (rate({family}_bucket{RANGE})))");
        let quantile = server.query(&expression, START_S + 600.0)[""];
        assert!((low..=high).contains(&quantile), "{family}: {quantile} is not in the bucket of {p99_s}");
    }
}

/// The scenarios of docs/observability.md.
const SCENARIOS: [&str; 8] = [
    "blog/rolling-restart",
    "blog/max-connection-age",
    "blog/rolling-restart-headless",
    "blog/scale-up-clusterip",
    "blog/scale-up-headless",
    "blog/kuberesolver",
    "blog/hpa-blind",
    "blog/cpu-limit",
];

/// Their runs, one a day.
fn runs() -> Vec<Run> {
    let run = |(day, scenario): (usize, &&str)| {
        let run = Run { folder: TempDir::new().unwrap() };
        let start = format!("{}", START_S + DAY_S * day as f64);
        // What the scenarios expect is not asked here.
        // Readings are due at ends of windows: these are so that they are on time.
        run.evenkeel(&[scenario, "--metrics", "--start-time", &start, "--set", "window=3s"]);
        run
    };
    SCENARIOS.iter().enumerate().map(run).collect()
}

struct Rule {
    name: String,
    expression: String,
    lasts_s: f64,
}

/// The alerts, with what is recorded put in where it is used.
fn alerts() -> Vec<Rule> {
    let text = fs::read_to_string(root().join("examples/observability/alerts.yaml")).unwrap();
    let file: Value = serde_saphyr::from_str(&text).unwrap();
    let rules: Vec<&Value> =
        file["groups"].as_array().unwrap().iter().flat_map(|g| g["rules"].as_array().unwrap()).collect();
    let word = |rule: &Value, key: &str| rule[key].as_str().unwrap_or_default().trim().to_owned();
    let recorded: Vec<&&Value> = rules.iter().filter(|r| r.get("record").is_some()).collect();
    let inlined = |rule: &Value| {
        let insert = |text: String, r: &&&Value| text.replace(&word(r, "record"), &format!("({})", word(r, "expr")));
        recorded.iter().fold(word(rule, "expr"), insert)
    };
    let seconds = |text: &str| evenkeel::scenario::quantity::parse_duration(text).unwrap().as_secs_f64();
    let alert = |rule: &&Value| Rule {
        name: word(rule, "alert"),
        expression: inlined(rule),
        lasts_s: seconds(&word(rule, "for")),
    };
    rules.iter().filter(|r| r.get("alert").is_some()).map(alert).collect()
}

/// When an alert fires: the first evaluation at which one of its series has been there for long enough without a gap.
fn fires(times: &[Vec<f64>], lasts_s: f64) -> Option<f64> {
    let of = |times: &Vec<f64>| {
        let mut since = *times.first()?;
        let mut before = since;
        times.iter().find_map(|&at| {
            if at - before > 15.0 {
                since = at;
            }
            before = at;
            (at - since >= lasts_s).then_some(at)
        })
    };
    times.iter().filter_map(of).reduce(f64::min)
}

/// What `evenkeel alerts` says of these scenarios, in this format.
fn of_alerts(format: &str) -> String {
    let mut evenkeel = Command::new(assert_cmd::cargo::cargo_bin!("evenkeel"));
    evenkeel.current_dir(root()).args(["alerts", "examples/observability/alerts.yaml"]).args(SCENARIOS);
    evenkeel.args(["--evaluation-interval", "15s", "--format", format, "--prometheus-dir"]);
    evenkeel.arg(std::env::var_os("EVENKEEL_PROMETHEUS").unwrap());
    let output = evenkeel.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `alerts` finds what is found here in another way: with the recorded expressions put in where they are used, and the default lookback. Each panel
/// of the dashboard shows something of the first run, a rollout.
#[test]
#[ignore = "needs Prometheus: tests/prometheus/run.sh"]
fn alerts_fire_when_the_rules_say_and_the_dashboard_has_data() {
    let runs = runs();
    let server = Prometheus::over(&runs);
    dashboard_has_data(&server);
    let report: Value = serde_json::from_str(&of_alerts("json")).unwrap();
    let mut fired = 0;
    for (day, (scenario, run)) in SCENARIOS.iter().zip(&runs).enumerate() {
        let start = START_S + DAY_S * day as f64;
        let end = start + run.rows().iter().map(|r| r["time_s"].parse::<f64>().unwrap()).fold(0.0, f64::max);
        for (i, alert) in alerts().iter().enumerate() {
            let at = fires(&server.times(&alert.expression, start, end), alert.lasts_s).map(|at| at - start);
            let row = &report["scenarios"][day]["alerts"][i];
            assert_eq!(row["alert"], alert.name.as_str());
            assert_eq!(row["fires_s"].as_f64(), at, "{scenario}, {}: {row}", alert.name);
            fired += usize::from(at.is_some());
        }
    }
    assert_eq!(fired, 12);
}

/// docs/observability.md shows what the command prints.
#[test]
#[ignore = "needs Prometheus: tests/prometheus/run.sh"]
fn the_document_shows_what_alerts_prints() {
    let path = root().join("docs/observability.md");
    let document = fs::read_to_string(&path).unwrap();
    let from = document.find("```text\n").expect("a block") + "```text\n".len();
    let to = from + document[from..].find("```\n").expect("its end");
    let table = of_alerts("table");
    if std::env::var_os("EVENKEEL_BLESS").is_some() {
        fs::write(&path, format!("{}{table}{}", &document[..from], &document[to..])).unwrap();
    } else {
        assert_eq!(document[from..to], table, "EVENKEEL_BLESS=1 tests/prometheus/run.sh writes it");
    }
}

/// Recording rules over each other, labels, offsets, ranges over what is recorded, `keep_firing_for` and errors of Prometheus, in a run whose load is
/// uneven from the start on.
#[test]
#[ignore = "needs Prometheus: tests/prometheus/run.sh"]
fn rules_of_all_kinds_are_evaluated() {
    let run = Run::of(SKEWED, &[]);
    let alerts = |rules: &str| {
        fs::write(run.path("rules.yaml"), rules).unwrap();
        let mut evenkeel = Command::new(assert_cmd::cargo::cargo_bin!("evenkeel"));
        evenkeel.current_dir(&run.folder).args(["alerts", "rules.yaml", "scenario.yaml", "--format", "json"]);
        evenkeel.arg("--prometheus-dir").arg(std::env::var_os("EVENKEEL_PROMETHEUS").unwrap()).output().unwrap()
    };
    let output = alerts(
        "groups:
  - name: g
    interval: 30s
    rules:
      - { record: 'pod:calls:rate1m', expr: 'rate(evenkeel_pod_requests_total[1m])', labels: { job: all } }
      - { record: 'job:calls:rate1m', expr: 'sum by (job) (pod:calls:rate1m)' }
      - { record: 'up:early', expr: 'vector(1) and on () (vector(time() % 86400) < 120)' }
  - name: h
    rules:
      - { alert: Sum, expr: 'job:calls:rate1m{job=\"all\"} > 250', for: 2m }
      - { alert: Range, expr: 'max_over_time(pod:calls:rate1m[2m]) >= 0' }
      - { alert: Gone, expr: 'up:early', keep_firing_for: 3m }
      - { alert: Scalar, expr: 1 }
      - { alert: Infinite, expr: 'vector(1) / 0' }
",
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["scenarios"][0]["skew"]["stretches"][0]["from_s"], 0.0);
    let row = |name: &str| {
        let rows = report["scenarios"][0]["alerts"].as_array().unwrap();
        rows.iter().find(|row| row["alert"] == name).unwrap().clone()
    };
    let seconds = |name: &str, key: &str| row(name)[key].as_f64();
    // A rate needs two samples: it is there from 15 s on, and is recorded from 30 s on.
    assert_eq!((seconds("Sum", "pending_s"), seconds("Sum", "fires_s")), (Some(60.0), Some(180.0)));
    assert_eq!(seconds("Range", "fires_s"), Some(60.0));
    assert_eq!(row("Range")["series"].as_array().unwrap().len(), 5, "the pods");
    assert_eq!(row("Range")["series"][0]["labels"]["job"], "all");
    // Recorded at 0 s, 30 s, 60 s and 90 s; seen up to 60 s, and gone at 120 s.
    assert_eq!((seconds("Gone", "fires_s"), seconds("Gone", "fired_s")), (Some(0.0), Some(300.0)));
    assert_eq!(seconds("Scalar", "fired_s"), Some(600.0));
    assert_eq!(seconds("Infinite", "fired_s"), Some(600.0));
    for (expr, says) in [
        ("sum(up", "rules.yaml:3:22: A: in its expression: 1:7: parse error: unclosed left parenthesis"),
        (
            "label_replace(up, \"a\", \"b\", \"c\", \"(\") or vector(1)",
            "rules.yaml:3:22: A: Prometheus answered error: ",
        ),
    ] {
        let rules = format!("groups:\n  - name: g\n    rules: [{{ alert: A, expr: '{expr}' }}]\n");
        let output = alerts(&rules);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(says), "{said}");
    }
}

fn dashboard_has_data(server: &Prometheus) {
    let text = fs::read_to_string(root().join("examples/observability/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap().replace("$job", ".+").replace("$__rate_interval", "2m");
            let found = server.ask(&format!("query?time={}", START_S + 300.0), &expression);
            assert!(!found.is_empty(), "{}: {expression}", panel["title"]);
            asked += 1;
        }
    }
    assert!(asked >= 10, "{asked} expressions");
}

/// The rules' own unit tests.
#[test]
#[ignore = "needs Prometheus: tests/prometheus/run.sh"]
fn the_alerts_do_what_their_tests_say() {
    for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]] {
        let output =
            program("promtool").current_dir(root().join("examples/observability")).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}
