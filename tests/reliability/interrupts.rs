//! Signals: every command stops within a second of SIGINT, whenever it comes, and says what is kept.

use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::desk::{Desk, SMALL};

/// From the signal to the end of the process. A command looks whether to stop every few milliseconds, and a watchdog ends what
/// does not look after 0.4 s; the rest is for a machine that has other things to do. The commands have one thread each.
const WITHIN: Duration = Duration::from_secs(1);
/// Moments for each command.
const MOMENTS: usize = 20;
/// Moments are drawn from so long after the start.
const LATEST_MS: u64 = 250;

const ROLLOUT: &str = "name: rollout\nduration: 60s\nservice: { type: Headless }\nservers: [{ name: s, replicas: 3 }]\n\
                       clients: [{ name: c, replicas: 4, policy: round_robin, load: { open: { rate: 100 } } }]\n\
                       timeline: [{ at: 10s, rollout: s }]\nexpect: [latency.p99 <= 20ms]\n";

fn signal(child: &Child, name: &str) -> Instant {
    let at = Instant::now();
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).stderr(Stdio::null()).status();
    assert!(sent.is_ok(), "there is `kill`");
    at
}

const SKEWED: &str = "name: skewed\nduration: 60s\nservers: [{ name: s, replicas: 5 }]\n\
                      clients: [{ name: c, replicas: 4, load: { open: { rate: 600 } } }]\n";

/// What a command said after a signal, and how long it took.
struct Stopped {
    status: Option<i32>,
    took: Duration,
    err: String,
}

fn wait(mut child: Child, since: Instant) -> Stopped {
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "it does not stop");
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = since.elapsed();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    Stopped { status: status.code(), took, err }
}

fn start(desk: &Desk, args: &[&str]) -> Child {
    desk.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Interrupts a command after a while; `None` if it has ended by then.
fn interrupted(desk: &Desk, args: &[&str], after: Duration) -> Option<Stopped> {
    let mut child = start(desk, args);
    std::thread::sleep(after);
    if child.try_wait().unwrap().is_some() {
        return None;
    }
    let at = signal(&child, "INT");
    let stopped = wait(child, at);
    // It may have ended between the look and the signal.
    (stopped.status != Some(0) && stopped.status != Some(1)).then_some(stopped)
}

fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path("other.yaml"), SMALL.replace("name: small", "name: other")).unwrap();
    fs::write(desk.path("rollout.yaml"), ROLLOUT).unwrap();
    fs::write(desk.path("skewed.yaml"), SKEWED).unwrap();
    desk
}

/// Files and folders below the desk, hidden ones too.
fn names(desk: &Desk) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(desk.path("")).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Removes what was not there before.
fn clear(desk: &Desk, before: &[String]) {
    for name in names(desk).iter().filter(|name| !before.contains(name)) {
        std::fs::remove_dir_all(desk.path(name)).expect("a folder of results");
    }
}

/// At random moments the command stops in time, and leaves nothing but what is among the files that were there before.
#[track_caller]
fn stops(desk: &Desk, seed: u64, args: &[&str]) {
    let before = names(desk);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut seen, mut latest) = (0, LATEST_MS);
    for _ in 0..40 * MOMENTS {
        if seen == MOMENTS {
            break;
        }
        let after = Duration::from_millis(random.next_u64() % (latest + 1));
        let Some(stopped) = interrupted(desk, args, after) else {
            // Moments after the end say nothing.
            latest = latest.min(after.as_millis() as u64).max(2);
            clear(desk, &before);
            continue;
        };
        seen += 1;
        let Stopped { status, took, err } = stopped;
        assert!(took < WITHIN, "{args:?} after {after:?}: took {took:?}");
        // Without a status it was not listening yet: in its first milliseconds.
        assert!(matches!(status, None | Some(130)), "{args:?} after {after:?}: {status:?}, {err}");
        assert!(status.is_none() || err.contains("interrupted: "), "{args:?}: {err}");
        // Between the commit and the end of the command the results are there, and that is said.
        if err.contains("are complete") {
            clear(desk, &before);
        }
        assert_eq!(names(desk), before, "{args:?} after {after:?}: {err}");
    }
    assert_eq!(seen, MOMENTS, "{args:?} ends too soon to be interrupted");
}

#[test]
fn runs_stop() {
    stops(&desk(), 1, &["run", "small.yaml", "--runs", "100000", "--threads", "1", "--no-png"]);
    stops(&desk(), 2, &["run", "small.yaml", "other.yaml", "--runs", "20000", "--threads", "1"]);
    stops(&desk(), 3, &["fit", "50/30/20/0", "--runs", "100000", "--threads", "1", "--no-png"]);
    stops(&desk(), 4, &["check", "folklore", "--threads", "1"]);
    let desk_with_data = desk();
    fs::write(desk_with_data.path("seen.csv"), super::folders::SEEN).unwrap();
    let calibrate =
        ["calibrate", "small.yaml", "--from", "seen.csv", "--fit", "0s..5s", "--predict", "0s..5s", "--runs", "100000"];
    stops(&desk_with_data, 6, &[&calibrate[..], &["--threads", "1"]].concat());
    // Most of the time goes into what would change the skew.
    stops(&desk(), 5, &["run", "skewed.yaml", "--threads", "1", "--no-png"]);
}

#[test]
fn comparisons_stop() {
    stops(&desk(), 5, &["compare", "small.yaml", "other.yaml", "--runs", "20000", "--threads", "1"]);
    let until =
        ["compare", "small.yaml", "--until", "max_over_mean ± 0.001%", "--max-runs", "100000", "--threads", "1"];
    stops(&desk(), 6, &until);
    let plan = [
        "plan",
        "small.yaml",
        "--slo",
        "latency.p99 <= 20ms",
        "--max-runs",
        "10000",
        "--threads",
        "1",
        "--confidence",
        "99.99%",
    ];
    stops(&desk(), 7, &plan);
    let knob = ["plan", "rollout.yaml", "--knob", "max_connection_age", "--runs", "1000", "--threads", "1"];
    stops(&desk(), 8, &knob);
}

#[test]
fn short_commands_stop() {
    let desk = desk();
    let folder = desk.path("many");
    fs::create_dir(&folder).unwrap();
    for i in 0..1_000 {
        fs::write(folder.join(format!("{i}.yaml")), SMALL.replace("name: small", &format!("name: s{i}"))).unwrap();
    }
    desk.run(&["run", "rollout.yaml", "--out", "result", "-q"], 0);
    desk.run(
        &["sweep", "small.yaml", "--vary", "servers.0.replicas=1..40:40", "--runs", "3", "--out", "grid", "-q"],
        0,
    );
    stops(&desk, 9, &["validate", "many"]);
    stops(&desk, 10, &["lint", "many", "--threads", "1"]);
    stops(&desk, 11, &["lint", "--rules"]);
    stops(&desk, 12, &["plot", "result", "--out", "result"]);
    stops(&desk, 13, &["merge", "grid", "--out", "grid"]);
}

#[test]
fn a_sweep_keeps_its_cells_and_goes_on_from_there() {
    let args =
        ["sweep", "small.yaml", "--vary", "servers.0.replicas=2..9:8", "--runs", "40", "--threads", "1", "--no-png"];
    let desk = desk();
    let mut random = ChaCha8Rng::seed_from_u64(14);
    let (mut seen, mut kept) = (0, 0);
    while seen < MOMENTS {
        let after = Duration::from_millis(random.next_u64() % LATEST_MS);
        let Some(stopped) = interrupted(&desk, &args, after) else { break };
        seen += 1;
        assert!(stopped.took < WITHIN, "after {after:?}: took {:?}", stopped.took);
        let Some((_, words)) = stopped.err.split_once("interrupted: ") else { continue };
        if let Some((n, rest)) = words.split_once(" of 8 cells are kept in ") {
            let n: u64 = n.parse().unwrap();
            assert!(n >= kept, "cells are lost: {n} after {kept}");
            kept = n;
            assert!(rest.contains("outputs/sweep; run the same command again to resume"), "{rest}");
        }
    }
    desk.run(&args, 0);
    let whole = Desk::new();
    whole.run(&args, 0);
    let bytes = |desk: &Desk| fs::read(desk.path("outputs/sweep/sweep.json")).unwrap();
    assert!(bytes(&desk) == bytes(&whole), "an interrupted sweep has other results");
}

#[test]
fn other_signals_are_the_same() {
    // What `nohup` starts has SIGHUP ignored, and so have its children.
    let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = own.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let names = if ignored.is_some_and(|mask| mask & 1 == 1) { &["TERM"][..] } else { &["TERM", "HUP"] };
    for name in names {
        let desk = desk();
        let child = start(&desk, &["run", "small.yaml", "--runs", "100000", "--threads", "1"]);
        std::thread::sleep(Duration::from_millis(200));
        let at = signal(&child, name);
        let Stopped { status, took, err } = wait(child, at);
        assert_eq!(status, Some(130), "{name}: {err}");
        assert!(took < WITHIN, "{name}: {took:?}");
        assert_eq!(err, "interrupted: nothing was written; run the same command to start over\n");
    }
}

/// `nohup` has SIGHUP ignored, so that a command goes on when its terminal is closed.
#[test]
fn a_hangup_that_was_ignored_stays_ignored() {
    let desk = desk();
    let mut shell = Command::new("sh");
    let script = "trap '' HUP; exec \"$@\"";
    let run = desk.command(&["run", "small.yaml", "--runs", "100000", "--threads", "1"]);
    shell.args(["-c", script, "sh"]).arg(run.get_program()).args(run.get_args()).current_dir(desk.path(""));
    let mut child = shell.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "SIGHUP has ended it");
    let at = signal(&child, "INT");
    assert_eq!(wait(child, at).status, Some(130));
}

/// Nobody asks while the world is made: a million replicas take seconds.
const LARGE: &str = "name: large\nduration: 5s\nservers: [{ name: s }]\n\
                     clients: [{ name: c, replicas: 1500000, load: { open: { rate: 100 } } }]\n";

#[test]
fn a_command_that_does_not_look_is_ended() {
    let desk = Desk::new();
    fs::write(desk.path("large.yaml"), LARGE).unwrap();
    let before = names(&desk);
    for second in [false, true] {
        let mut child = start(&desk, &["run", "large.yaml", "--threads", "1"]);
        while !desk.path("outputs").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it has ended already");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(20));
        let at = signal(&child, "INT");
        if second {
            std::thread::sleep(Duration::from_millis(150));
            signal(&child, "INT");
        }
        let Stopped { status, took, err } = wait(child, at);
        assert_eq!(status, Some(130), "{err}");
        assert!(took < WITHIN, "{took:?}");
        if !second {
            assert!(err.contains("interrupted: nothing was written"), "{err}");
            assert_eq!(names(&desk), before);
        }
    }
}

#[test]
fn of_several_runs_the_finished_ones_are_named() {
    let desk = desk();
    let mut child = start(&desk, &["run", "other.yaml", "small.yaml", "--runs", "300", "--threads", "1", "--no-png"]);
    while !desk.path("outputs/other/summary.json").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended already");
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(50));
    let at = signal(&child, "INT");
    let Stopped { status, err, .. } = wait(child, at);
    assert_eq!(status, Some(130), "{err}");
    assert!(err.contains("interrupted: the results in outputs/other are complete"), "{err}");
    assert!(!desk.path("outputs/small").exists(), "nothing of the second one");
}

/// Programs in place of Prometheus': promtool is done at once, and prometheus is never ready.
fn fake_prometheus(desk: &Desk) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir(desk.path("bin")).unwrap();
    fs::create_dir(desk.path("tmp")).unwrap();
    fs::write(desk.path("rules.yaml"), "groups: [{ name: g, rules: [{ alert: A, expr: up }] }]\n").unwrap();
    let server = "echo $$ > pid.new; mv pid.new pid; exec sleep 1000";
    for (name, does) in [("promtool", "exit 0"), ("prometheus", server)] {
        let program = desk.path("bin").join(name);
        fs::write(&program, format!("#!/bin/sh\n{does}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Waits for something for some seconds.
#[track_caller]
fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whatever ends `alerts`, the server that it has started ends, too, and its temporary folder is removed.
#[test]
fn alerts_leave_no_program_and_no_temporary_files() {
    let mut random = ChaCha8Rng::seed_from_u64(15);
    for (i, name) in ["INT", "TERM", "KILL", "INT", "INT", "INT", "INT", "KILL"].into_iter().enumerate() {
        let desk = desk();
        fake_prometheus(&desk);
        let mut command = desk.command(&["alerts", "rules.yaml", "small.yaml", "--prometheus-dir", "bin"]);
        command.env("TMPDIR", desk.path("tmp")).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (pid, is_empty) = (desk.path("pid"), || fs::read_dir(desk.path("tmp")).unwrap().next().is_none());
        if i < 3 {
            until("the server starts", || pid.exists());
        } else {
            std::thread::sleep(Duration::from_millis(random.next_u64() % LATEST_MS));
            // While nothing but evenkeel runs, there is nobody to clear up after SIGKILL.
            if name == "KILL" {
                until("the server starts", || pid.exists());
            }
        }
        assert!(child.try_wait().unwrap().is_none(), "it waits for the server");
        let at = signal(&child, name);
        let Stopped { status, took, err } = wait(child, at);
        if name != "KILL" {
            assert!(took < WITHIN, "{name}: {took:?}");
            assert!(matches!(status, None | Some(130)), "{name}: {status:?}, {err}");
            assert!(status.is_none() || err.contains("interrupted: nothing was written"), "{name}: {err}");
        }
        until("the temporary folder is removed", is_empty);
        let Ok(pid) = fs::read_to_string(&pid) else { continue };
        let runs = || Command::new("kill").args(["-0", pid.trim()]).stderr(Stdio::null()).status().unwrap().success();
        until("the server ends", || !runs());
    }
}
