//! Runs that would never end: they say so in seconds, and those that take long take little.

use std::fs;
use std::process::Command;

use crate::desk::{Desk, Said};

/// Runs `a.yaml` under a limit of the shell's `ulimit`.
pub fn limited(desk: &Desk, limit: &str, args: &[&str], status: i32) -> Said {
    let run = desk.command(&[&["run", "a.yaml", "--no-png", "--threads", "1", "-q"], args].concat());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit {limit}; exec \"$@\""), "sh"]).arg(run.get_program()).args(run.get_args());
    Said::of(shell.current_dir(desk.path("")).output().unwrap(), args, status)
}

/// With at most 20 s of processor time, on which other work on the machine has no influence: a tenth of that is needed by an
/// optimized build, half of it by one that is not.
fn run(text: &str, status: i32) -> Said {
    let desk = Desk::new();
    fs::write(desk.path("a.yaml"), text).unwrap();
    limited(&desk, "-t 20", &[], status)
}

fn gives_up(text: &str) -> String {
    let said = run(text, 2).err;
    assert!(said.contains("not done after ") && said.contains("`duration`") && said.contains("`deadline`"), "{said}");
    said
}

#[test]
fn closed_loads_against_black_holes_are_given_up() {
    let said = gives_up(
        "name: a\nservers: [{ name: s, replicas: 2 }]\n\
         clients: [{ name: c, replicas: 4, load: { closed: { concurrency: 8, requests: 100000 } } }]\n\
         timeline: [{ at: 1s, black_hole: { server: s, pods: 2 } }]\n",
    );
    // TCP gives up after some 15 minutes, so that some calls fail and others are made.
    assert!(said.contains(" of 100000 calls have ended, and ") && said.contains(" wait for an answer"), "{said}");
}

/// Something goes on all the time: attempts to connect, polls, pings.
#[test]
fn waiting_clients_that_keep_themselves_busy_are_given_up() {
    gives_up(
        "name: a\nservers: [{ name: s, replicas: 0 }]\n\
         clients: [{ name: c, replicas: 200, wait_for_ready: true, load: { closed: { concurrency: 200, requests: 1000 } } }]\n",
    );
    gives_up(
        "name: a\nservice: { type: Headless }\nservers: [{ name: s, replicas: 50 }]\n\
         clients: [{ name: c, replicas: 100, policy: round_robin, discovery: { poll: { interval: 100ms } }, \
         load: { closed: { concurrency: 100, requests: 1000000 } } }]\n\
         timeline: [{ at: 1s, black_hole: { server: s, pods: 50 } }]\n",
    );
}

/// Nobody knows how long it will be, so its windows widen.
#[test]
fn a_long_run_without_a_duration_has_few_windows() {
    let desk = Desk::new();
    let text = "name: a\nservers: [{ name: s, replicas: 100, service_time: 60s }]\n\
                clients: [{ name: web, load: { closed: { concurrency: 1, requests: 60 } } }]\n";
    fs::write(desk.path("a.yaml"), text).unwrap();
    limited(&desk, "-t 20", &[], 0);
    let rows = fs::read_to_string(desk.path("outputs/a/pods.csv")).unwrap();
    let requests: u64 = column(&rows, "requests").iter().map(|n| n.parse::<u64>().unwrap()).sum();
    assert_eq!((rows.lines().count() - 1) % 100, 0, "each pod has a row per window");
    assert!(rows.lines().count() <= 1 + 300 * 100, "{} rows", rows.lines().count());
    assert_eq!(requests, 60);
}

fn column(csv: &str, name: &str) -> Vec<String> {
    let mut lines = csv.lines();
    let at = lines.next().unwrap().split(',').position(|c| c == name).unwrap();
    lines.map(|line| line.split(',').nth(at).unwrap().to_owned()).collect()
}

/// A window of its own is not widened: its rows are counted.
#[test]
fn more_rows_than_memory_holds_are_refused_in_the_run() {
    let said = run(
        "name: a\nwindow: 10ms\nservers: [{ name: s, replicas: 2000, service_time: 60s }]\n\
         clients: [{ name: web, load: { closed: { concurrency: 1, requests: 60 } } }]\n",
        2,
    );
    assert!(said.err.contains("rows of windows and pods") && said.err.contains("`window`"), "{}", said.err);
}
