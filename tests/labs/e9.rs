//! E9: when a server sends too_many_pings, and how the client's pings slow down. The lab's connections against
//! `policy::keepalive` and `policy::enforcement`, ping by ping: as many on each connection, and each when it was.
//!
//! Tolerance: the machine was saturated, and a ping and its answer, which take 1 ms at rest, took up to 76 ms (the longest of
//! all pairs in the frame logs, `e9_answers.csv`). The next ping waits for the answer, and so lateness adds up: the k-th ping of
//! a connection may come up to k+1 such exchanges after its time, the opening being the first. Nothing comes early, but for the
//! resolution of the table, 10 ms.

use crate::support;

use evenkeel::model::stack::{self, Stack};
use evenkeel::model::{Enforcement, Keepalive, PingThrottle, StrikeRule};
use evenkeel::units::{Span, Time};
use support::duel::{Calls, Duel, Life, fight};
use support::lab::{self, Pings};

const S: fn(u64) -> Span = Span::from_secs;
const RESOLUTION_S: f64 = 0.01;
/// No call began, and no connection was watched, after this; calls that ran were waited for.
const LENGTH: Span = Span::from_secs(150);
const LONG_CALL: Span = Span::from_secs(145);

/// The experiment's settings, by the names of its cases.
fn experiment(case: &str) -> Duel {
    let stack = if case.starts_with("go") { Stack::Go } else { Stack::CCore };
    let client = stack::client(stack).keepalive;
    let (time, timeout) = match () {
        () if case.contains("ka30s") => (30, 10),
        () if case.contains("ka10s") => (10, 2),
        () => (3, 1),
    };
    let idle = case.contains("idle");
    let calls = match () {
        () if case.contains("busy") => Calls { until: LENGTH, ..Calls::every(Span::from_millis(500)) },
        // grpc-go connects when the client starts, C-core with the first call, 0.2 s later.
        () if idle => Calls::once(if stack == Stack::Go { Span::from_millis(200) } else { Span::ZERO }),
        () => Calls::long(LONG_CALL, LENGTH),
    };
    // All C-core cases but one switched the client's throttle off.
    let throttle = client.throttle.filter(|_| case.ends_with("default_max_pings"));
    Duel {
        client: Keepalive { time: S(time), timeout: S(timeout), permit_without_stream: idle, throttle, ..client },
        server: stack::server(stack).enforcement.expect("both have a rule"),
        rtt: Span::from_millis(1),
        calls,
        // grpc-go 1.33 reconnects at once.
        eager: stack == Stack::Go,
        slows_down: true,
        end: if calls.duration == Span::ZERO { LENGTH } else { S(300) },
    }
}

/// What is different, in words; empty if nothing is.
fn differences(case: &str, lab: &[Pings], model: &[Life]) -> Vec<String> {
    let mut found = Vec::new();
    if lab.len() != model.len() {
        found.push(format!("{} connections in the lab, {} by the rules", lab.len(), model.len()));
    }
    // How often C-core measures bandwidth under load is not modelled.
    let every_ping = !case.contains("busy");
    for (i, (lab, model)) in lab.iter().zip(model).enumerate() {
        if every_ping && lab.pings_s.len() != model.pings.len() {
            found.push(format!("connection {i}: {:?} in the lab, {:?} by the rules", lab.pings_s, model.pings));
        }
        if lab.goaway_s.is_some() != model.goaway.is_some() {
            found.push(format!("connection {i}: {:?} in the lab, {:?} by the rules", lab.goaway_s, model.goaway));
        }
        let mut times: Vec<(usize, f64, Time)> =
            lab.pings_s.iter().zip(&model.pings).enumerate().map(|(k, (at, ping))| (k + 1, *at, ping.0)).collect();
        times.extend(lab.goaway_s.zip(model.goaway).map(|(at, goaway)| (lab.pings_s.len(), at, goaway)));
        for (k, measured, ours) in times.into_iter().filter(|_| every_ping) {
            // From the opening of each connection: how late that was is part of the one before.
            let (measured, ours) = (measured - lab.opened_s, ours.since(model.opened).as_secs_f64());
            println!("{case}, connection {i}, ping {k}: {measured:.2} s in the lab, {ours:.2} s by the rules");
            if !is_late_at_most(measured - ours, k) {
                found.push(format!("connection {i}, ping {k}: {measured} s in the lab, {ours} s by the rules"));
            }
        }
    }
    found
}

/// Whether the `k`-th ping of a connection may come `late` seconds after its time.
fn is_late_at_most(late: f64, k: usize) -> bool {
    let exchange = lab::e9_answers().into_iter().fold(0.0, f64::max);
    (-RESOLUTION_S..=exchange * (k + 1) as f64 + RESOLUTION_S).contains(&late)
}

fn against_the_lab(case: &str, change: impl Fn(&mut Duel)) -> Vec<String> {
    let lab: Vec<Pings> = lab::e9().into_iter().filter(|p| p.case == case).collect();
    assert!(!lab.is_empty(), "no such case: {case}");
    let mut duel = experiment(case);
    change(&mut duel);
    differences(case, &lab, &fight(duel))
}

const CASES: [&str; 8] = [
    "core_core_ka30s_idle",
    "core_core_ka30s_longcall",
    "core_core_ka3s_idle",
    "core_core_ka3s_idle_default_max_pings",
    "core_core_ka3s_longcall",
    "core_core_ka3s_busy2rps",
    "go_go_ka10s_idle",
    "go_go_ka10s_longcall",
];

#[test]
fn every_ping_and_every_goaway_is_where_it_was() {
    let all: Vec<String> = lab::e9().into_iter().map(|p| p.case).collect();
    assert!(all.iter().all(|case| CASES.contains(&case.as_str())), "a case is not compared: {all:?}");
    for case in CASES {
        assert_eq!(against_the_lab(case, |_| {}), [""; 0], "{case}");
    }
}

#[test]
fn a_busy_connection_sends_no_keepalive_pings() {
    let life = fight(experiment("core_core_ka3s_busy2rps")).swap_remove(0);
    assert_eq!((life.keepalive_pings().len(), life.strikes), (0, 0));
}

/// Wrong models, each with the cases that show it.
#[test]
fn wrong_rules_are_rejected() {
    type Change = fn(&mut Duel);
    let wrong: [(&str, &[&str], Change); 7] = [
        ("C-core's server by grpc-go's rule", &["core_core_ka3s_longcall"], |d| d.server.rule = StrikeRule::Go),
        ("grpc-go's server by C-core's rule", &["go_go_ka10s_longcall"], |d| d.server.rule = StrikeRule::Core),
        ("grpc-java's rule", &["go_go_ka10s_idle", "core_core_ka3s_idle", "core_core_ka3s_longcall"], |d| {
            d.server.rule = StrikeRule::Java;
        }),
        ("BDP pings do not count", &["core_core_ka30s_idle", "go_go_ka10s_idle"], |d| d.client.bdp_ping = false),
        ("the interval does not double", &["core_core_ka3s_longcall", "go_go_ka10s_idle"], |d| d.slows_down = false),
        ("one strike more", &["core_core_ka30s_idle", "go_go_ka10s_longcall"], |d| {
            d.server = Enforcement { max_ping_strikes: 3, ..d.server };
        }),
        ("a throttle of half a minute", &["core_core_ka3s_idle_default_max_pings"], |d| {
            d.client.throttle = Some(PingThrottle { free: 2, interval: S(30) });
        }),
    ];
    for (name, cases, change) in wrong {
        for case in cases {
            assert_ne!(against_the_lab(case, change), [""; 0], "{name} goes unnoticed in {case}");
        }
    }
}
