//! Documents say what the program prints: every ```` ```console ```` block of README.md and docs/*.md is run, those of one document in
//! turn in an empty folder, and its output compared. `TRYCMD=overwrite cargo test --test docs` writes the outputs into the
//! documents.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn documents_say_what_the_program_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let desk = tempfile::tempdir().unwrap();
    let documents = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents: Vec<PathBuf> = documents.chain([root.join("README.md")]).collect();
    let cases = trycmd::TestCases::new();
    let mut copies = Vec::new();
    for document in documents.iter().filter(|path| path.extension().is_some_and(|e| e == "md")) {
        if !fs::read_to_string(document).unwrap().contains("```console") {
            continue;
        }
        let copy = desk.path().join(document.file_name().unwrap());
        fs::copy(document, &copy).unwrap();
        // What stands in `x.in` is where the commands of `x.md` run.
        fs::create_dir(copy.with_extension("in")).unwrap();
        cases.case(&copy);
        copies.push((copy, document));
    }
    assert!(copies.len() >= 3, "there are documents with console blocks");
    cases.env("COLUMNS", "120").run();
    if std::env::var_os("TRYCMD").is_some() {
        for (copy, document) in copies {
            fs::copy(copy, document).unwrap();
        }
    }
}

/// Scenarios that between them show every default of docs/model.md.
const PLAIN: &[&str] = &[
    "servers: [{ name: s }]\nclients: [{ name: c, load: { open: { rate: 1 } } }]",
    "service: { type: Headless }\nservers: [{ name: s, replicas: 20, stack: c_core, hpa: { max_replicas: 30 } }]
clients: [{ name: c, policy: round_robin, keepalive: { time: 10s }, load: { open: { rate: 1 } } }]",
    "service: { type: Headless }\nservers: [{ name: s }]\nclients: [{ name: c, load: { open: { rate: 1 } } }]",
    "servers: [{ name: s }]\nclients: [{ name: c, protocol: http1, http1: { keep_alive: {} }, connection_lifetime: { max: 1m },
  load: { open: { rate: 1 } } }]",
    "service: { type: Headless }\nservers: [{ name: s, replicas: 20 }]
clients: [{ name: c, via: envoy, channels: 2, outlier_detection: {}, load: { open: { rate: 1 } } }]",
    "servers: [{ name: s, replicas: 20 }]
clients: [{ name: c, via: istio, channels: 2, outlier_detection: {}, load: { open: { rate: 1 } } }]",
    "service: { type: Headless }\nservers: [{ name: s }]
clients: [{ name: c, policy: least_request, discovery: { poll: {} }, load: { open: { rate: 1 } } }]",
    "service: { type: Headless }\nservers: [{ name: s }]
clients: [{ name: c, policy: peak_ewma, discovery: { watch: { debounce: 1s } }, load: { open: { rate: 1 } } }]",
];

/// The first two cells of each row of the tables of docs/model.md. `{path}` is the value that `explain` shows.
#[rustfmt::skip]
const DEFAULTS: &[(&str, &str)] = &[
    ("`max_calls_in_flight`", "{max_calls_in_flight}"),
    ("`cluster.dns.ttl`, `dns.cache`", "{cluster.dns.ttl}, {cluster.dns.cache}"),
    ("`service.type`", "{service.type}"),
    ("`cluster.nodes`", "{cluster.nodes}"),
    ("`servers.*.cpu`", "{servers.s.cpu}, no limit"),
    ("`servers.*.termination`", "pre_stop {servers.s.termination.pre_stop}, grace {servers.s.termination.grace}"),
    ("`servers.*.strategy`", "{servers.s.strategy.type} {servers.s.strategy.max_surge} / {servers.s.strategy.max_unavailable}"),
    ("`servers.*.min_ready`", "{servers.s.min_ready}"),
    ("`servers.*.hpa`", "{servers.s.hpa}; target {servers.s.hpa.target_cpu_utilization}, tolerance {servers.s.hpa.tolerance}, sync {servers.s.hpa.sync_period}, downscale {servers.s.hpa.downscale_stabilization}, CPU initialization {servers.s.hpa.cpu_initialization_period}, readiness delay {servers.s.hpa.initial_readiness_delay}"),
    ("`servers.*.hpa.metrics_resolution`", "{servers.s.hpa.metrics_resolution}"),
    ("`grpc.max_requests_per_connection`", "{servers.s.grpc.max_requests_per_connection}"),
    ("`grpc.max_connection_age`, `_idle`", "{servers.s.grpc.max_connection_age}"),
    ("`grpc.max_concurrent_streams`, `queue_limit`", "{servers.s.grpc.max_concurrent_streams}"),
    ("`clients.*.policy`", "{clients.c.policy}, shuffle {clients.c.policy.pick_first.shuffle}, {clients.c.policy.pick_first.reconnect}"),
    ("`round_robin.start` (headless Services only)", "{clients.c.policy.round_robin.start}"),
    ("`resolver`", "{clients.c.resolver.min_interval}, {clients.c.resolver.early}"),
    ("`backoff`", "{clients.c.backoff.base} × {clients.c.backoff.multiplier}, jitter {clients.c.backoff.jitter} but for the first, at most {clients.c.backoff.max}, from {clients.c.backoff.from}"),
    ("`connect_timeout`", "{clients.c.connect_timeout}"),
    ("`idle_timeout`", "{clients.c.idle_timeout}"),
    ("`shared_subchannels`", "{clients.c.shared_subchannels}"),
    ("`subset`", "{clients.c.subset}"),
    ("`discovery`", "{clients.c.discovery}"),
    ("`poll.interval`", "{clients.c.discovery.poll.interval}"),
    ("`watch.debounce_max`", "{clients.c.discovery.watch.debounce_max}"),
    ("`least_request.choice_count`", "{clients.c.policy.least_request.choice_count}"),
    ("`peak_ewma`", "{clients.c.policy.peak_ewma.default_rtt}, {clients.c.policy.peak_ewma.decay}"),
    ("`via.{envoy,istio}.workers`", "{clients.c.via.envoy.workers}"),
    ("`via.{envoy,istio}.panic_threshold`", "{clients.c.via.envoy.panic_threshold}, istio {clients.c.via.istio.panic_threshold}"),
    ("`via.envoy.circuit_breakers`", "{clients.c.via.envoy.circuit_breakers.max_requests} each"),
    ("`connect`", "{clients.c.connect}"),
    ("`keepalive`", "{clients.c.keepalive}; timeout {clients.c.keepalive.timeout}, permit_without_stream {clients.c.keepalive.permit_without_stream}"),
    ("`grpc.keepalive_enforcement`", "{servers.s.grpc.keepalive_enforcement.min_time}, permit_without_stream {servers.s.grpc.keepalive_enforcement.permit_without_stream}, {servers.s.grpc.keepalive_enforcement.max_ping_strikes} strikes"),
    ("`servers.*.stack`", "go"),
    ("`retry`", "{clients.c.retry}"),
    ("`wait_for_ready`", "{clients.c.wait_for_ready}"),
    ("`deadline`", "{clients.c.deadline}"),
    ("`connection_lifetime`", "{clients.c.connection_lifetime}"),
    ("`connection_lifetime.jitter`", "{clients.c.connection_lifetime.jitter}"),
    ("`http1.keep_alive.order`", "{clients.c.http1.keep_alive.order}"),
    ("`cluster.endpoint_lag`", "{cluster.endpoint_lag}"),
    ("`cluster.rtt`", "{cluster.rtt}"),
    ("`cluster.connect`", "{cluster.connect}"),
    ("`servers.*.concurrency`", "{servers.s.concurrency}"),
    ("`servers.*.service_time`", "{servers.s.service_time}"),
    ("`servers.*.startup`, `clients.*.startup`", "{servers.s.startup}"),
    ("`servers.*.hpa.cpu_at_full_load`", "{servers.s.hpa.cpu_at_full_load}"),
    ("`clients.*.dispatch`", "{clients.c.dispatch}"),
    ("`via.*.overhead`", "{clients.c.via.envoy.overhead}"),
    ("a failure on the client's own node", "1ms (no key)"),
    ("until a stream that could not be opened is tried again", "1s (no key)"),
];

/// The tables of defaults in docs/model.md say what holds when a scenario says nothing, and which of it is assumed.
#[test]
fn the_tables_of_defaults_are_true() {
    let model = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/model.md")).unwrap();
    let chapter = model.split("\n## Defaults\n").nth(1).expect("a chapter of defaults").split("\n## ").next().unwrap();
    let (known, assumed) = chapter.split_once("\n**Assumptions**").expect("a table of assumptions");
    let rows = |part: &'static str, table: &str| -> Vec<(&'static str, String, String)> {
        let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1).map(|line| {
            let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
            (part, cells.next().unwrap_or_default().to_owned(), cells.next().unwrap_or_default().to_owned())
        });
        rows.collect()
    };
    let written = [rows("default", known), rows("assumption", assumed)].concat();
    let head = "name: defaults\nduration: 1m\n";
    let explained: Vec<_> = PLAIN
        .iter()
        .flat_map(|text| {
            let loaded = evenkeel::scenario::parse("defaults.yaml", &format!("{head}{text}\n"), None, &[]);
            loaded.unwrap_or_else(|problems| panic!("{text}: {problems:?}")).effective
        })
        .filter(|row| row.origin != evenkeel::scenario::effective::Origin::Yours)
        .collect();
    let expected = DEFAULTS.iter().map(|(key, template)| {
        let mut origin = if template.ends_with("(no key)") { "assumption" } else { "default" };
        let mut cell = String::new();
        for part in template.split_inclusive('}') {
            let (words, path) = part.split_once('{').unwrap_or((part, ""));
            cell += words;
            if let Some(path) = path.strip_suffix('}') {
                let row = explained.iter().find(|row| row.path == path);
                let row = row.unwrap_or_else(|| panic!("no scenario shows the default of {path}"));
                cell += &row.value;
                if row.origin == evenkeel::scenario::effective::Origin::Assumption {
                    origin = "assumption";
                }
            }
        }
        (origin, (*key).to_owned(), cell)
    });
    let expected: Vec<_> = expected.collect();
    for (written, expected) in written.iter().zip(&expected) {
        assert_eq!(written, expected, "a row of docs/model.md (left) and what `explain` shows (right)");
    }
    assert_eq!(written.len(), expected.len(), "rows of docs/model.md and of DEFAULTS in tests/docs.rs");
}
