//! What is read: limits on depth, figures that no run has, values that would never end or mean nothing, and where the mistake is.

use std::fs;
use std::time::{Duration, Instant};

use evenkeel::scenario::{self, Loaded, diagnostic::Diagnostics};

use super::desk::Desk;

const BASE: &str = "name: a
duration: 10s
service: { type: Headless }
servers: [{ name: s, replicas: 3 }]
clients: [{ name: c, policy: round_robin, load: { open: { rate: 50 } } }]
";

fn read(text: &str, sets: &[&str]) -> Result<Loaded, Diagnostics> {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    scenario::parse("a.yaml", text, None, &sets)
}

/// The code, the position and the message of the first problem.
#[track_caller]
fn refused(text: &str, sets: &[&str]) -> (&'static str, Option<(String, usize, usize)>, String) {
    let found = read(text, sets).expect_err(text);
    let first = &found.problems()[0];
    let place = found.position(first).map(|(source, line, column)| (source.to_owned(), line, column));
    (first.code.rule().code, place, format!("{} {}", first.message, first.help.clone().unwrap_or_default()))
}

fn deep_path() -> String {
    vec!["a"; 40_000].join(".")
}

/// No path and no nesting, wherever it is given, is followed deeper than the stack allows.
#[test]
fn deep_paths_and_deep_nesting_have_a_limit() {
    let desk = Desk::new();
    let deep = deep_path();
    let (set, vary) = (format!("{deep}=1"), format!("{deep}=1,2"));
    let value = format!("servers.0.startup={}1{}", "[".repeat(40_000), "]".repeat(40_000));
    let property = |draw: &str, variants: &str| {
        format!(
            "properties:\n- name: p\n  says: x\n  scenario:\n    duration: 1s\n    servers: [{{ name: s }}]\n    clients: [{{ name: c, \
             load: {{ open: {{ rate: 5 }} }} }}]\n  draw:\n    ? {draw}\n    : [1, 2]\n{variants}  claim: cv <= 9\n  holds: always\n"
        )
    };
    let texts = [
        ("draw.yaml", property(&deep, "")),
        (
            "variants.yaml",
            property("servers.s.replicas", &format!("  variants:\n    a:\n      ? {deep}\n      : 1\n    b:\n")),
        ),
        ("list.yaml", format!("properties:\n  {}a\n", "- ".repeat(40_000))),
        ("flow.yaml", format!("properties: {}", "[".repeat(40_000))),
        ("maps.yaml", format!("properties: {}1{}", "{ a: ".repeat(40_000), " }".repeat(40_000))),
    ];
    for (name, text) in &texts {
        fs::write(desk.path(name), text).unwrap();
        let said = desk.run(&["check", name], 2);
        assert!(said.err.contains("E002") || said.err.contains("E029"), "{name}: {}", said.err);
        let said = desk.run(&["validate", name], 2);
        assert!(said.err.contains("error[E0"), "{name}: {}", said.err);
    }
    let slo = ["--slo", "cv <= 9"];
    for args in [
        &["validate", "small.yaml", "--set", &set][..],
        &["validate", "small.yaml", "--set", &value],
        &["run", "small.yaml", "--set", &set],
        &["explain", "small.yaml", "--set", &set],
        &["lint", "small.yaml", "--set", &set],
        &["sweep", "small.yaml", "--vary", &vary],
        &["compare", "small.yaml", "--vary", &vary],
        &["plan", "small.yaml", slo[0], slo[1], "--vary", &vary],
        &["plan", "small.yaml", "--through", "rollout", "--knob", &vary],
    ] {
        let said = desk.run(args, 2);
        assert!(said.err.contains("nested more than 64 levels deep"), "{}: {}", args[0], said.err);
    }
    // Together with a deep value, too.
    let half = vec!["a"; 40].join(".");
    assert_eq!(refused(BASE, &[&format!("{half}={}1{}", "[".repeat(30), "]".repeat(30))]).0, "E002");
}

/// What is wrong with an expectation is found when it is read, with what may be meant; in `--slo` and claims of properties, too.
#[test]
fn figures_that_no_run_has_are_refused() {
    for (figure, says) in [
        ("requests.by_status.UNAVAILBLE", "`requests.by_status.UNAVAILABLE`"),
        ("pods.4000000000.share", "numbered from 0 to 2"),
        ("connections.closed_by.ma_age", "`connections.closed_by.max_age`"),
        ("requests.failed_by_client.d", "one client"),
        ("methods.0.failed", "no load of the scenario has `methods`"),
        ("gateways.0.share", "no gateways"),
        ("time_to_balance.0.seconds", "no change"),
    ] {
        let (code, _, said) = refused(&format!("{BASE}expect: [{figure} == 0]\n"), &[]);
        assert!(code == "E027" && said.contains(says), "{figure}: {code} {said}");
    }
    let desk = Desk::new();
    let said = desk.run(&["plan", "small.yaml", "--slo", "cv <= 9", "--slo", "pods.3.share <= 50%"], 2);
    assert!(said.err.contains("--slo:1:1") && said.err.contains("numbered from 0 to 2"), "{}", said.err);
    let property = "properties: [{ name: p, says: x, scenario: { duration: 5s, servers: [{ name: s, replicas: 3 }], clients: [{ name: c, \
                    load: { open: { rate: 50 } } }] }, draw: { servers.s.replicas: 3..5 }, claim: connections.closed_by.ma_age <= 1, \
                    holds: always }]\n";
    fs::write(desk.path("p.yaml"), property).unwrap();
    let said = desk.run(&["check", "p.yaml"], 2);
    assert!(said.err.contains("p.yaml:1:") && said.err.contains("`connections.closed_by.max_age`"), "{}", said.err);
}

/// Counts of pods that summary.json leaves out where they are zero are zero.
#[test]
fn a_count_that_is_left_out_is_zero() {
    let desk = Desk::new();
    let expect = "expect=[pods.0.errors == 0, pods.0.messages == 0, requests.by_status.UNAVAILABLE == 0]";
    desk.run(&["run", "small.yaml", "--no-png", "--set", expect], 0);
}

#[test]
fn what_repeats_has_a_shortest_value() {
    for (set, least) in [
        ("clients.c.discovery={ poll: { interval: 1ns } }", "1ms"),
        ("clients.c.idle_timeout=1ns", "1ms"),
        ("clients.c.backoff={ base: 1ns, max: 1ns }", "1ms"),
        ("clients.c.backoff={ base: 1ms, max: 999us }", "1ms"),
        ("clients.c.connection_lifetime={ max: 1ns }", "1ms"),
        ("clients.c.keepalive={ time: 1ns }", "1ms"),
        ("clients.c.keepalive={ time: 1s, timeout: 1ns }", "1ms"),
        ("clients.c.outlier_detection={ interval: 1ns, failure_percentage: { minimum_hosts: 2 } }", "1ms"),
        ("clients.c.load={ streams: { rate: 1, duration: 1h, messages: { interval: 1ns } } }", "100us"),
        ("clients.c.deadline=1ns", "10us"),
        ("servers.s.grpc.max_connection_age=1ns", "1ms"),
        ("servers.s.grpc.max_connection_idle=1ns", "1ms"),
        ("servers.s.hpa={ max_replicas: 9, sync_period: 1ns }", "1s"),
        ("servers.s.hpa={ max_replicas: 9, metrics_resolution: 1ns }", "1s"),
        ("cluster.dns.ttl=1ns", "1ms"),
        (
            "clients.0={ name: c, protocol: http1, http1: { keep_alive: { idle_timeout: 1ns } }, load: { open: { rate: 5 } } }",
            "1ms",
        ),
    ] {
        let (code, place, said) = refused(BASE, &[set]);
        assert!(code == "E013" && said.contains(least), "{set}: {code} {said}");
        assert_eq!(place.map(|p| p.0).as_deref(), Some("--set"), "{set}");
    }
    for set in ["clients.c.idle_timeout=0s", "cluster.dns.ttl=0s", "clients.c.discovery={ poll: { interval: 1ms } }"] {
        read(BASE, &[set]).unwrap_or_else(|e| panic!("{set}: {e}"));
    }
}

/// Line and column, in characters and by YAML's line breaks, whatever the text has before.
#[test]
fn positions_are_those_of_an_editor() {
    let wrong = |before: &str| format!("{BASE}{before}seed: x\n");
    for (text, place) in [
        (wrong(""), (6, 7)),
        (wrong("about: |\n  two\n\n  lines\n"), (10, 7)),
        (wrong("about: >-\n  folded\n  text\n"), (9, 7)),
        (wrong("about: \"quoted\n  text\"\n"), (8, 7)),
        (wrong("about: äöü 😀 # ü\n"), (7, 7)),
        (format!("{BASE}cluster: {{ connect: 5ms, rtt: \"ü 😀\" }}\n"), (6, 31)),
        (format!("{BASE}about: \"😀\" \nseed:\tx\n"), (7, 7)),
        (format!("{BASE}cluster: {{ connect: {{ uniform: {{ max: 1s }} }}, \"rtt\": \t5x }}\n"), (6, 55)),
        (format!("\u{feff}{BASE}seed: x\n"), (6, 7)),
        (format!("\u{feff}nme: a\n{BASE}"), (1, 1)),
        (format!("{BASE}cluster:\n  rtt: |\n\n    5 s\n"), (9, 5)),
        (format!("{BASE}cluster:\n  rtt: |2-\n      5 s\n"), (8, 5)),
        (format!("{BASE}cluster:\n  rtt: > # ü\n   ö s\n"), (8, 4)),
        (format!("{BASE}expect:\n- |\n  cv <= 1\n- >-\n  cw\n  <= 1\n"), (10, 3)),
        (format!("{BASE}---\n{BASE}"), (6, 1)),
        ("name: [1\n".to_owned(), (1, 7)),
    ] {
        for (breaks, text) in
            [("LF", text.clone()), ("CR LF", text.replace('\n', "\r\n")), ("CR", text.replace('\n', "\r"))]
        {
            let (_, found, said) = refused(&text, &[]);
            assert_eq!(found, Some(("a.yaml".to_owned(), place.0, place.1)), "{breaks}: {said}\n{text}");
        }
    }
}

#[test]
fn a_byte_that_is_no_utf8_has_a_line_and_a_column() {
    let desk = Desk::new();
    for (name, bytes) in [("a.yaml", &b"name: a\r\nx: \xc3\xa4\xff\n"[..]), ("b.yaml", b"name: a\rx: \xc3\xa4\xff\r")] {
        fs::write(desk.path(name), bytes).unwrap();
        for command in ["validate", "check"] {
            let said = desk.run(&[command, name], 2).err;
            assert!(said.contains("E003") && said.contains(&format!("{name}:2:5")), "{command}: {said}");
            assert!(said.contains("line 2, column 5"), "{command}: {said}");
        }
    }
}

/// Each option is named, with the column in what was typed.
#[test]
fn errors_name_their_option_and_its_column() {
    let desk = Desk::new();
    let slo = ["--slo", "cv <= 9"];
    for (args, wanted) in [
        (&["run", "small.yaml", "--set", "servers.0.replica=1"][..], "--set:1:11"),
        (&["compare", "small.yaml", "--vary", "servers[0].replica=1,2"], "--vary:1:12"),
        (&["compare", "small.yaml", "--vary", "servers.0.replicas=1, many"], "--vary:1:23"),
        (&["compare", "small.yaml", "--vary", "servers.0.replicas=1..300000:4"], "--vary:1:20"),
        (&["compare", "small.yaml", "--vary", "servers.0.replicas=1,,2"], "--vary:1:22"),
        (&["sweep", "small.yaml", "--vary", "seed=1,2", "--vary", "clients.0.policy=pick_first,rr"], "--vary:1:29"),
        (&["plan", "small.yaml", slo[0], slo[1], "--vary", "servers.0.replica=1,2"], "--vary:1:11"),
        (&["plan", "small.yaml", slo[0], slo[1], "--slo", "cw <= 9"], "--slo:1:1"),
        (&["plan", "small.yaml", "--through", "rollout", "--knob", "channels=1,x"], "--knob:1:12"),
        (&["plan", "small.yaml", "--through", "rollout", "--knob", "clients.c.chanels=1,2"], "--knob:1:11"),
        (&["compare", "small.yaml", "--until", "cv ± 0"], "--until:1:6"),
        (&["compare", "small.yaml", "--until", " cw +- 1%"], "--until:1:2"),
        (&["compare", "small.yaml", "--fail-on", "worse:cw"], "--fail-on:1:7"),
        (&["compare", "small.yaml", "--size", "cv=5", "--size", "cv=much"], "--size:1:4"),
    ] {
        let said = desk.run(args, 2).err;
        assert!(said.contains(&format!("--> {wanted}\n")), "{args:?}: {said}");
        assert!(wanted.starts_with("--set") || !said.contains("--set:"), "{args:?}: {said}");
    }
}

#[test]
fn messages_say_what_is_wrong_with_numbers() {
    for (set, says) in [
        ("cluster.rtt=0.9ns", "the shortest is `1ns`"),
        ("clients.0.load.open.rate=.inf", "infinite number"),
        ("clients.0.load.open.rate=1e400", "too large for a double"),
        ("clients.0.load.open.rate=.nan", "not a number"),
        ("seed=18446744073709551616", "1.8446744073709552e19"),
        ("expect=[cv <= inf]", "a double can hold"),
        ("expect=[cv <= 1e-400]", "a double can hold"),
    ] {
        let (_, _, said) = refused(BASE, &[set]);
        assert!(said.contains(says) && !said.contains("above 0"), "{set}: {said}");
    }
    let desk = Desk::new();
    for (what, near) in [("E999", "E030"), ("e031", "E030"), ("EK999", "EK050"), ("E0", "E001")] {
        let said = desk.run(&["explain", what], 2).err;
        assert!(said.contains(&format!("did you mean `{near}`?")), "{said}");
    }
}

#[test]
fn seeds_are_exact() {
    for seed in [9_007_199_254_740_993, u64::MAX] {
        let loaded = read(&format!("{BASE}seed: {seed}\n"), &[]).unwrap();
        assert_eq!(loaded.model.seed, seed);
        assert_eq!(read(BASE, &[&format!("seed={seed}")]).unwrap().model.seed, seed);
    }
}

/// What would be accepted and do nothing, or something else than it says.
#[test]
fn what_says_nothing_is_refused() {
    let retry = "max_attempts: 3, initial_backoff: 1s, max_backoff: 1s, multiplier: 1";
    for (set, code, says) in [
        ("seed=!foo 5".to_owned(), "E001", "the YAML tag `!foo`"),
        ("seed=!<tag:example.com:foo> 5".to_owned(), "E001", "YAML tag"),
        ("seed=!!str 5".to_owned(), "E010", "the text `5`"),
        ("seed=1_000".to_owned(), "E010", "`1_000`"),
        ("seed=017".to_owned(), "E010", "`017`"),
        ("clients.c.subset={ size: 4 }".to_owned(), "E018", "never more than 3"),
        (format!("clients.c.retry={{ {retry}, codes: [UNAVAILABLE, UNAVAILABLE] }}"), "E018", "in the list already"),
        ("timeline=[{ at: 5s, rate: { client: c, to: 50 } }]".to_owned(), "E018", "50 calls per second"),
        ("timeline=[{ at: 5s, rollout: s }, { at: 5s, rollout: s }]".to_owned(), "E018", "another one of `s`"),
        ("expect=[cv <= 9, 'cv  <=  9']".to_owned(), "E018", "expected already"),
        (
            "servers.s.hpa={ max_replicas: 9, behavior: { scale_up: { policies: [{ pods: 1, period: 1s }, { pods: 1, period: 1s }] } } }"
                .to_owned(),
            "E018",
            "in the list already",
        ),
    ] {
        let (found, _, said) = refused(BASE, &[&set]);
        assert!(found == code && said.contains(says), "{set}: {found} {said}");
    }
    let (code, ..) = refused(&BASE.replace("replicas: 3", "replicas: 0"), &["timeline=[{ at: 5s, rollout: s }]"]);
    assert_eq!(code, "E018");
    let desk = Desk::new();
    for shares in ["1/50%", "50%,1", "10% 20"] {
        let said = desk.run(&["fit", shares], 2).err;
        assert!(said.contains("mixes percentages and numbers"), "{said}");
    }
    let said = desk.run(&["compare", "small.yaml", "--until", "time_to_balance_s ± 1s"], 2).err;
    assert!(said.contains("no change after the warmup"), "{said}");
}

/// A text that is long in any way takes time in proportion.
#[test]
fn long_blanks_take_no_long_time() {
    let started = Instant::now();
    let blanks = " ".repeat(900_000);
    read(&format!("{BASE}expect: [\"{blanks}cv <= 9\"]\n"), &[]).unwrap();
    refused(&format!("{BASE}expect: [\"{blanks}\"]\n"), &[]);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}
