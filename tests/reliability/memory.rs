//! Memory: what would not fit is refused before it is tried, or as soon as it is seen, with what to set.

use std::fs;

use crate::desk::{Desk, Said};
use crate::endings::limited;

/// Runs a scenario with 2 GB of address space.
fn run(text: &str, args: &[&str], status: i32) -> Said {
    run_within(2_000_000, text, args, status)
}

fn run_within(kilobytes: u32, text: &str, args: &[&str], status: i32) -> Said {
    let desk = Desk::new();
    fs::write(desk.path("a.yaml"), text).unwrap();
    let said = limited(&desk, &format!("-v {kilobytes}"), args, status);
    if status != 0 {
        assert!(!desk.path("outputs").exists(), "nothing is written");
    }
    said
}

/// Calls that come faster than they are answered, wherever they wait: in the pod, in the channel, for a stream, for a connection.
#[test]
fn calls_in_flight_are_bounded_by_default() {
    for (what, more) in [
        ("servers: [{ name: s, service_time: 100ms }]", ""),
        ("servers: [{ name: s, replicas: 0 }]", "wait_for_ready: true, "),
        ("servers: [{ name: s, service_time: 100ms, grpc: { max_concurrent_streams: 10 } }]", ""),
    ] {
        let text = format!(
            "name: a\nduration: 20s\n{what}\nclients: [{{ name: c, {more}load: {{ open: {{ rate: 2000000 }} }} }}]\n"
        );
        let said = run(&text, &[], 2).err;
        let words =
            ["more than 5000000 calls are in flight at ", "`deadline`", "`queue_limit`", "`max_calls_in_flight`"];
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
}

/// A machine with less memory says so, and leaves nothing behind.
#[test]
fn memory_that_is_refused_is_no_crash() {
    let text = "name: a\nduration: 20s\nservers: [{ name: s, service_time: 100ms }]\n\
                clients: [{ name: c, load: { open: { rate: 2000000 } } }]\n";
    let said = run_within(450_000, text, &[], 3).err;
    assert!(said.contains("out of memory at ") && said.contains("`max_calls_in_flight`"), "{said}");
}

#[test]
fn the_bound_on_calls_is_the_scenarios() {
    let text = |most: u32| {
        format!(
            "name: a\nduration: 20s\nmax_calls_in_flight: {most}\nservers: [{{ name: s, service_time: 1s, concurrency: 1 }}]\n\
             clients: [{{ name: c, load: {{ open: {{ rate: 5000 }} }} }}]\n"
        )
    };
    assert!(run(&text(20_000), &[], 2).err.contains("more than 20000 calls are in flight at "));
    run(&text(200_000), &[], 0);
}

/// Calls that gave up do not stay where they waited.
#[test]
fn calls_that_ended_while_they_waited_are_forgotten() {
    let text = "name: a\nduration: 30s\nservers: [{ name: s, replicas: 0 }]\n\
                clients: [{ name: c, wait_for_ready: true, deadline: 10ms, load: { open: { rate: 100000 } } }]\n";
    run(text, &[], 0);
}

#[test]
fn products_are_checked_when_the_scenario_is_read() {
    let clients = |more: &str| format!("clients: [{{ name: c, {more}load: {{ open: {{ rate: 100 }} }} }}]\n");
    for (text, says) in [
        (
            "service: { type: Headless }\nservers: [{ name: s, replicas: 100 }]\n".to_owned()
                + &clients(
                    "replicas: 1000, policy: { ring_hash: { min_ring_size: 1000000, max_ring_size: 8000000 } }, ",
                ),
            "`max_ring_size`",
        ),
        (
            "service: { type: Headless }\nservers: [{ name: s, replicas: 100 }]\n".to_owned()
                + &clients("replicas: 10000, policy: maglev, via: envoy, "),
            "`table_size`",
        ),
        (
            "service: { type: Headless }\nservers: [{ name: s, replicas: 1000 }]\n".to_owned()
                + &clients("replicas: 9000, policy: round_robin, "),
            "connections (",
        ),
        ("servers: [{ name: s }]\n".to_owned() + &clients("replicas: 9000000, "), "channels (replicas"),
        (
            "servers: [{ name: s, replicas: 10000 }]\n".to_owned()
                + &clients("")
                + "window: 100ms\nexpect: [latency.p99 <= 1s in every window]\n",
            "rows (",
        ),
        ("servers: [{ name: s, replicas: 2000, concurrency: 25000 }]\n".to_owned() + &clients(""), "slots ("),
    ] {
        let said = run(&format!("name: a\nduration: 20s\n{text}"), &[], 2).err;
        assert!(said.contains(says) && said.contains("GB"), "{text}: {said}");
    }
}

#[test]
fn too_many_runs_are_refused() {
    let text = "name: a\nduration: 5s\nservers: [{ name: s, replicas: 100 }]\n\
                clients: [{ name: c, load: { open: { rate: 100 } } }]\n";
    let said = run(text, &["--runs", "100000"], 2).err;
    assert!(said.contains("--runs 100000") && said.contains("the most is "), "{said}");
}

/// Processor time of this thread, in seconds: other work on the machine takes none of it.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Twice as many pods take less than three times as long, and what is quadratic takes four times: eight times as many take less than 27
/// times, and not 64. (It is about 20 today: some part grows faster than the number of pods.) The best of seven of each, in turn.
#[test]
fn pods_are_not_made_in_quadratic_time() {
    use evenkeel::observe::{Recorder, RecorderOptions};
    use evenkeel::sim::{Options, simulate_dyn};
    use evenkeel::units::Span;
    let time = |pods: u32| {
        let text = format!(
            "name: a\nduration: 10s\nwindow: 10s\nservers: [{{ name: s, replicas: 1, startup: {{ uniform: {{ min: 1s, max: 3s }} }} }}]\n\
             clients: [{{ name: c, load: {{ open: {{ rate: 10 }} }} }}]\n\
             timeline: [{{ at: 1s, scale: {{ server: s, replicas: {pods} }} }}]\n"
        );
        let model = evenkeel::scenario::parse("a.yaml", &text, None, &[]).unwrap().model;
        let once = || {
            let began = processor_time();
            let options = RecorderOptions { summary_only: true, ..RecorderOptions::default() };
            let mut recorder = Recorder::new(&model, 1, Span::from_secs(10), options);
            simulate_dyn(&model, 1, Options { window: Some(Span::from_secs(10)), watch: None }, &mut recorder).unwrap();
            processor_time() - began
        };
        once()
    };
    let (mut some, mut more) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..7 {
        (some, more) = (some.min(time(4_000)), more.min(time(32_000)));
    }
    println!("4,000 pods took {some} s, 32,000 {more} s");
    assert!(more <= 27.0 * some, "4,000 pods took {some} s, 32,000 {more} s");
}
