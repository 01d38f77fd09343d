//! Accounts: what several files tell of the same thing adds up.

use std::fs;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::desk::Desk;

/// A column of a CSV file, of the rows from an instant on.
fn column(desk: &Desk, file: &str, name: &str, from_s: f64) -> Vec<f64> {
    let text = fs::read_to_string(desk.path(file)).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let place = |name: &str| header.iter().position(|c| *c == name).unwrap();
    let (time, wanted) = (place("time_s"), place(name));
    let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
    let rows = rows.filter(|row| row[time].parse::<f64>().unwrap() >= from_s);
    rows.filter_map(|row| row[wanted].parse().ok()).collect()
}

/// No pod uses more CPU time than its limit gives it, in any window: what a burst used ahead counts later.
#[test]
fn utilization_is_at_most_one() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let mut draw = |values: &[&'static str]| values[random.next_u64() as usize % values.len()];
    let desk = Desk::new();
    for case in 0..24 {
        let window = ["10ms", "50ms", "200ms", "1s"][case % 4];
        let limit = draw(&["0.1", "0.5", "0.7", "1", "1.3", "2"]);
        let (concurrency, work) = (draw(&["4", "8", "64"]), draw(&["1ms", "7ms", "30ms", "150ms"]));
        let load = draw(&[
            "closed: { concurrency: 3 }",
            "closed: { concurrency: 40 }",
            "open: { rate: 50 }",
            "open: { rate: 300 }",
        ]);
        let text = format!(
            "name: a\nduration: 5s\nwindow: {window}\nservers: [{{ name: s, replicas: 2, concurrency: {concurrency}, \
             service_time: {{ exponential: {{ mean: {work} }} }}, cpu: {{ limit: {limit} }} }}]\n\
             clients: [{{ name: c, replicas: 3, load: {{ {load} }} }}]\n\
             expect: [max_utilization <= 100%, max_utilization <= 100% in every window]\n"
        );
        fs::write(desk.path("a.yaml"), &text).unwrap();
        desk.run(&["run", "a.yaml", "--no-png", "-q"], 0);
        let most = column(&desk, "outputs/a/pods.csv", "utilization", 0.0).into_iter().fold(0.0, f64::max);
        assert!(most <= 1.0, "{text}: {most}");
    }
}

/// Two threads that never rest have a pod with a limit of one core full: nothing of what it used is lost.
#[test]
fn a_full_pod_is_full() {
    let desk = Desk::new();
    for window in ["10ms", "50ms", "100ms", "1s"] {
        let text = format!(
            "name: a\nduration: 60s\nwindow: {window}\nservers: [{{ name: s, cpu: {{ limit: 1 }} }}]\n\
             clients: [{{ name: c, load: {{ closed: {{ concurrency: 8 }} }} }}]\n"
        );
        fs::write(desk.path("a.yaml"), text).unwrap();
        desk.run(&["run", "a.yaml", "--no-png", "-q"], 0);
        let utilization = desk.json("outputs/a/summary.json")["pods"][0]["utilization"].as_f64().unwrap();
        assert!((0.995..=1.0).contains(&utilization), "{window}: {utilization}");
    }
}

/// Calls that fall on the ends of windows and of the warmup: each is in one window, and in the summary if that window is.
#[test]
fn windows_and_summary_agree_at_the_end_of_the_warmup() {
    let desk = Desk::new();
    for (warmup, window, load) in [
        ("1s", "1s", "closed: { concurrency: 8 }"),
        ("2s", "500ms", "closed: { concurrency: 80 }"),
        ("5s", "1s", "closed: { concurrency: 4 }"),
        ("0s", "1s", "closed: { concurrency: 8 }"),
        ("2s", "1s", "open: { rate: 1000, arrivals: constant }"),
    ] {
        // Calls of 10 ms one after the other, with nothing in between, from 0 s on: they begin and end at whole 10 ms.
        let text = format!(
            "name: a\nduration: 10s\nwarmup: {warmup}\nwindow: {window}\ncluster: {{ rtt: 0s, connect: 0s }}\n\
             servers: [{{ name: s, replicas: 3, service_time: 10ms, concurrency: 100 }}]\n\
             clients: [{{ name: c, replicas: 4, dispatch: 0s, load: {{ {load} }} }}]\n"
        );
        fs::write(desk.path("a.yaml"), &text).unwrap();
        desk.run(&["run", "a.yaml", "--no-png", "-q"], 0);
        let summary = desk.json("outputs/a/summary.json");
        let of_pods: f64 = summary["pods"].as_array().unwrap().iter().map(|p| p["requests"].as_f64().unwrap()).sum();
        let from = warmup.trim_end_matches('s').parse().unwrap();
        let of_windows: f64 = column(&desk, "outputs/a/pods.csv", "requests", from).iter().sum();
        assert_eq!(of_windows, of_pods, "{text}");
        // Nothing is under way for any time, so that calls made are requests received.
        assert_eq!(summary["requests"]["started"].as_f64(), Some(of_pods), "{text}");
    }
}
