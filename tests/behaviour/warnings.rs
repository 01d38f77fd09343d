//! What `run` warns of by itself, each with a run in which it is so and one in which it is not.

use evenkeel::metrics::outcome::Summary;
use evenkeel::{experiment, scenario};

fn run(text: &str) -> Summary {
    let loaded = scenario::parse("warnings.yaml", text, None, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    experiment::run(&loaded, 1, false, None).expect("runs").summary
}

/// The warning with `words` is in the first run, and not in the second.
#[track_caller]
fn only_the_first(words: &str, first: &str, second: &str) -> String {
    let of = |text: &str| run(text).warnings.into_iter().find(|warning| warning.contains(words));
    let warning = of(first).unwrap_or_else(|| panic!("no {words:?} in {:?}", run(first).warnings));
    assert_eq!(of(second), None);
    warning
}

fn balanced(servers: &str, rate: u32, more: &str) -> String {
    format!(
        "name: a\nduration: 1m\nservers: [{{ name: s, {servers} }}]\n\
         clients: [{{ name: web, replicas: 4, policy: round_robin, discovery: watch, load: {{ open: {{ rate: {rate} }} }} }}]\n{more}"
    )
}

/// Two slots of 10 ms serve 200 calls per second, whatever becomes of the others.
#[test]
fn an_open_load_beyond_capacity() {
    for loses in ["", ", queue_limit: 5"] {
        let pods = format!("replicas: 2, concurrency: 1, service_time: 10ms{loses}");
        let text = only_the_first("saturated", &balanced(&pods, 400, ""), &balanced(&pods, 100, ""));
        let numbers: Vec<u64> =
            text.split_whitespace().filter_map(|word| word.split('/').next()?.parse().ok()).collect();
        assert!(
            numbers.iter().any(|n| (390..=410).contains(n)) && numbers.iter().any(|n| (198..=201).contains(n)),
            "{text}"
        );
    }
    let pods = "replicas: 2, concurrency: 1, service_time: 10ms";
    only_the_first("queues of the pods grow", &balanced(pods, 400, ""), &balanced(pods, 100, ""));
    // Beyond capacity from the middle on: over the run, the pods have had room.
    let to = |rate: u32| format!("timeline: [{{ at: 30s, rate: {{ client: web, to: {rate} }} }}]\n");
    let text = only_the_first("saturated", &balanced(pods, 50, &to(400)), &balanced(pods, 50, &to(100)));
    assert!(text.contains("last settled phase"), "{text}");
}

/// Ten clients on the first two of four pods, each of which could serve 400 calls per second: 700 are too many for two, and little
/// for four.
#[test]
fn an_autoscaler_is_content_while_a_pod_drowns() {
    let text = |more: &str| {
        format!(
            "name: a\nduration: 4m\nservice: {{ type: Headless }}\n\
             servers: [{{ name: s, replicas: 2, concurrency: 4, service_time: 10ms, queue_limit: 20, startup: 5s, hpa: {{ max_replicas: 4 }} }}]\n\
             clients: [{{ name: web, replicas: 10, policy: round_robin, {more} load: {{ open: {{ rate: 900 }} }} }}]\n"
        )
    };
    let text = only_the_first("adds no pod", &text(""), &text("discovery: watch, "));
    assert!(text.contains("autoscaler of s") && text.contains("100 % of what it has and fails calls"), "{text}");
}

#[test]
fn a_life_of_connections_that_is_longer_than_the_run() {
    let server = |key: &str, value: &str| balanced(&format!("replicas: 2, grpc: {{ {key}: {value} }}"), 100, "");
    only_the_first(
        "max_connection_age of s (30m) is longer than the run (1m)",
        &server("max_connection_age", "30m"),
        &server("max_connection_age", "20s"),
    );
    only_the_first(
        "max_connection_idle of s (2m)",
        &server("max_connection_idle", "2m"),
        &server("max_connection_idle", "50s"),
    );
    let client = |max: &str| {
        format!(
            "name: a\nduration: 1m\nservers: [{{ name: s, replicas: 2 }}]\n\
             clients: [{{ name: web, replicas: 4, connection_lifetime: {{ max: {max} }}, load: {{ open: {{ rate: 50 }} }} }}]\n"
        )
    };
    only_the_first("connection_lifetime of web (5m)", &client("5m"), &client("30s"));
}

#[test]
fn round_robin_over_a_cluster_ip() {
    let of = |service: &str, replicas: u32| {
        format!(
            "name: a\nduration: 10s\nservice: {{ type: {service} }}\nservers: [{{ name: s, replicas: {replicas} }}]\n\
             clients: [{{ name: web, replicas: 4, policy: round_robin, load: {{ open: {{ rate: 100 }} }} }}]\n"
        )
    };
    only_the_first("policy of web balances nothing", &of("ClusterIP", 3), &of("Headless", 3));
    only_the_first("policy of web balances nothing", &of("ClusterIP", 3), &of("ClusterIP", 1));
}

#[test]
fn a_load_that_never_reached_half_of_its_pods() {
    let clients = |replicas: u32| {
        format!(
            "name: a\nduration: 10s\nservers: [{{ name: s, replicas: 5 }}]\n\
             clients: [{{ name: web, replicas: {replicas}, load: {{ open: {{ rate: 100 }} }} }}]\n"
        )
    };
    let text = only_the_first("never got a request", &clients(1), &clients(60));
    assert_eq!(text, "4 of 5 Ready pods never got a request.");
}

/// A run in which nothing is wrong says nothing.
#[test]
fn a_sound_run_has_no_warnings() {
    assert_eq!(run(&balanced("replicas: 4", 200, "")).warnings, [""; 0]);
}
