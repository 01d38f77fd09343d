//! What endpoint updates cost: clients that watch the EndpointSlices through a rolling restart of all pods, next to the same run
//! without it. Ten calls per second and pod for a minute, ten nodes. Pods become ready one by one (a start-up of 4 to 8 s) and
//! each change reaches each node after a lag of its own (0.2 to 1 s), so that hardly two come together.
//!
//! - `pick_first`: one connection per client, told of each change (kuberesolver). All that an update costs is the update.
//! - `istio`: a sidecar hears of changes after 100 ms of quiet, 10 s at most; it knows all pods, and connects where a call goes.
//! - `round_robin`: a connection to each pod, told of each change: an update costs a dial or a close, too.
//!
//! `cargo bench --bench endpoints`; `-- ir POLICY PODS CLIENTS ROLLOUT` (0 or 1) makes one run, for profilers
//! (docs/performance.md).

#[path = "support/meter.rs"]
mod meter;

use evenkeel::model::Model;
use evenkeel::observe::{Recorder, RecorderOptions};
use evenkeel::scenario::parse;
use evenkeel::sim::{Options, simulate};
use evenkeel::units::Span;
use meter::{Meter, median, peak_mb};

fn workload(policy: &str, pods: u32, clients: u32, rollout: bool) -> Model {
    let (service, client) = match policy {
        "pick_first" => ("Headless", "discovery: watch, policy: { pick_first: { shuffle: true } }"),
        "istio" => ("ClusterIP", "via: istio"),
        "round_robin" => ("Headless", "discovery: watch, policy: round_robin"),
        other => panic!("no workload {other}"),
    };
    let timeline = if rollout { "[{ at: 10s, rollout: s }]" } else { "[]" };
    let text = format!(
        "name: endpoints
duration: 60s
window: 1s
cluster: {{ nodes: 10, rtt: 200us, endpoint_lag: {{ uniform: {{ min: 200ms, max: 1s }} }} }}
service: {{ type: {service} }}
servers:
  - name: s
    replicas: {pods}
    service_time: {{ exponential: {{ mean: 1ms }} }}
    startup: {{ uniform: {{ min: 4s, max: 8s }} }}
    termination: {{ pre_stop: 5s }}
clients: [{{ name: c, replicas: {clients}, load: {{ open: {{ rate: {rate} }} }}, {client} }}]
timeline: {timeline}
",
        rate = 10 * pods,
    );
    parse("bench.yaml", &text, None, &[]).unwrap_or_else(|problems| panic!("{problems}")).model
}

/// Seconds of one run, recorded as a normal one; connections opened, and updates that reached a channel.
fn run(model: &Model) -> (f64, u64, u64) {
    let meter = Meter::start();
    let window = Span::from_secs(1);
    let mut recorder = Recorder::new(model, 1, window, RecorderOptions::default());
    let end = simulate(model, 1, Options { window: Some(window), watch: None }, &mut recorder).expect("it runs");
    let summary = recorder.finish(end.at).summary;
    (meter.seconds(), summary.connections.opened, summary.requests.started)
}

fn row(policy: &str, pods: u32, clients: u32) {
    let seconds = |rollout| {
        let model = workload(policy, pods, clients, rollout);
        let runs: Vec<_> = (0..3).map(|_| run(&model)).collect();
        (median(runs.iter().map(|r| r.0).collect()), runs[0].1, runs[0].2)
    };
    let ((quiet, before, requests), (rollout, after, _)) = (seconds(false), seconds(true));
    println!(
        "{policy:<12} {pods:>6} pods {clients:>5} clients {requests:>8} requests {before:>9} connections {quiet:>6.2} s  \
         rollout: {after:>9} connections {rollout:>6.2} s  ratio {:>5.2}  peak {:.0} MB",
        rollout / quiet,
        peak_mb(),
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [ir, policy, pods, clients, rollout] = &arguments[..]
        && ir == "ir"
    {
        let number = |text: &str| text.parse::<u32>().expect("a number");
        let (seconds, connections, requests) =
            run(&workload(policy, number(pods), number(clients), number(rollout) == 1));
        println!("{requests} requests, {connections} connections, {seconds:.2} s, {:.0} MB", peak_mb());
        return;
    }
    for (pods, clients) in [(1_000, 100), (10_000, 1_000)] {
        row("pick_first", pods, clients);
        row("istio", pods, clients);
    }
    row("round_robin", 1_000, 100);
    row("round_robin", 1_000, 1_000);
}
