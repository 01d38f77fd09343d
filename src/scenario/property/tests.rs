//! What a properties file means, and what is wrong with it, with places.

use super::*;

const GOOD: &str = "\
properties:
  - name: even
    says: round_robin is even
    learnt: It is.
    scenario:
      duration: 30s
      service: { type: Headless }
      servers: [{ name: s, replicas: 4 }]
      clients: [{ name: web, policy: round_robin, load: { open: { rate: 50 } } }]
    draw:
      servers.s.replicas: 2..12
      clients.web.replicas: [1, 2, 5]
    claim: max_over_mean <= 1.5 after 10s
    holds: in 95% of runs
    level: 5%
    expected: refuted
  - name: beats
    says: round_robin beats pick_first
    scenario: { duration: 30s, service: { type: Headless }, servers: [{ name: s, replicas: 4 }], clients: [{ name: web, load: { open: { rate: 50 } } }] }
    draw: { servers.s.replicas: 2..12 }
    variants:
      round_robin: { clients.web.policy: { round_robin: {} } }
      first:
    claim: first.latency.p99 >= round_robin.latency.p99 * 0.5 + 1ms
    holds: on average
";

fn good() -> Vec<Property> {
    parse("p.yaml", GOOD, None).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_file_means_what_it_says() {
    let all = good();
    let [even, beats] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        (even.claim, even.holds, even.level, even.expect_refuted),
        (Claim::Line, Holds::InRuns(0.95), 0.05, true)
    );
    assert_eq!((even.learnt.as_str(), beats.learnt.as_str(), beats.level), ("It is.", "", 0.01));
    assert_eq!((even.draws[0].default.as_str(), even.draws[1].default.as_str()), ("4", ""));
    assert_eq!(beats.sides.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["first", "round_robin"]);
    let loaded = even.load(0, &[Some(10), Some(2)]).unwrap();
    assert_eq!((loaded.model.servers[0].replicas, loaded.model.clients[0].replicas), (12, 5));
    assert_eq!((loaded.model.name.as_str(), loaded.model.expect.len()), ("even", 1));
    assert_eq!(even.sets(&[Some(10), None]), ["servers.s.replicas=12"]);
    assert_eq!(beats.load(1, &[None]).unwrap().model.expect[0].value, 1.0);
    assert_eq!(beats.load(1, &[None]).unwrap().model.name, "beats-round-robin");
}

/// What is written for `run` is the scenario that was judged.
#[test]
fn a_scenario_is_written_as_it_was_judged() {
    for property in good() {
        let drawn: Vec<Option<u32>> = property.draws.iter().map(|_| Some(1)).collect();
        for side in 0..property.sides.len() {
            let text = property.scenario_text(side, &drawn, 77);
            let read = crate::scenario::parse("x", &text, None, &[]).unwrap_or_else(|e| panic!("{text}\n{e}"));
            let mut judged = property.load(side, &drawn).unwrap().model;
            judged.seed = 77;
            if property.claim != Claim::Line {
                judged.expect.clear();
            }
            assert_eq!(read.model, judged);
        }
    }
    let text = good()[0].scenario_text(0, &[None, None], 5);
    assert!(
        text.starts_with("name: even\nduration: 30s\n") && text.contains("expect: [\"max_over_mean <= 1.5"),
        "{text}"
    );
}

#[test]
fn what_is_wrong_has_a_place() {
    for (wrong, right, says, line, column) in [
        ("claim: max_over_mean", "clam: max_over_mean", "did you mean `claim`?", 13, 5),
        ("max_over_mean <= 1.5 after", "max_ovr_mean <= 1.5 after", "did you mean `max_over_mean`?", 13, 12),
        ("after 10s", "after 10m", "the run ends", 13, 12),
        ("servers.s.replicas: 2..12\n      c", "servers.x.replicas: 2..12\n      c", "no item `x`", 11, 7),
        ("servers.s.replicas: 2..12\n      c", "servers.s.replica: 2..12\n      c", "did you mean `replicas`?", 11, 7),
        ("[1, 2, 5]", "[1, 2, many]", "a whole number", 12, 7),
        ("2..12\n      c", "2..2\n      c", "the same", 11, 27),
        ("in 95% of runs", "in 100% of runs", "always", 14, 12),
        ("in 95% of runs", "always", "`level` has no effect", 15, 12),
        ("level: 5%", "level: 50%", "at most 20%", 15, 12),
        ("expected: refuted", "expected: refute", "did you mean `refuted`?", 16, 15),
        ("name: beats", "name: even", "two properties", 17, 11),
        ("name: even", "name: Even_More", "not a name of a property", 2, 11),
        ("duration: 30s\n", "duration: 30\n", "found the number 30", 6, 17),
        ("duration: 30s\n", "duration: 30s\n      seed: 5\n", "`seed` has no effect", 7, 7),
        ("replicas: 4 }]\n      c", "replica: 4 }]\n      c", "did you mean `replicas`?", 8, 28),
        ("first.latency.p99 >=", "frst.latency.p99 >=", "did you mean `first`?", 24, 12),
        ("+ 1ms", "+ 1", "no unit", 24, 12),
        ("clients.web.policy: {", "clients.web.polcy: {", "did you mean `policy`?", 22, 22),
        ("first.latency.p99 >=", "first.time_to_balance.0.seconds >=", "no change after the warmup", 24, 12),
        ("      first:\n", "", "name two", 22, 7),
        ("    says: round_robin is even\n", "", "needs the key `says`", 2, 5),
    ] {
        assert!(GOOD.contains(wrong), "{wrong}");
        let text = GOOD.replacen(wrong, right, 1);
        let Err(found) = parse("p.yaml", &text, None) else { panic!("{right}: nothing is wrong") };
        let said = found.to_string();
        let places: Vec<_> = found.problems().iter().filter_map(|p| found.position(p)).collect();
        assert!(said.contains(says), "{right}: {said}");
        assert!(places.contains(&("p.yaml", line, column)), "{right}: {places:?}\n{said}");
        assert_eq!(found.exit_status(), 2);
    }
    let text = GOOD.replace("rate: 50 } } }] }", "rate: 50 } } }], timeline: [{ at: 5s, rollout: s }] }");
    let said = parse("p.yaml", &text.replace("first.latency.p99 >=", "first.time_to_balance.0.seconds >="), None);
    assert!(said.unwrap_err().to_string().contains("never come"));
    for text in ["", "properties: []", "a: 1"] {
        assert!(parse("p.yaml", text, None).is_err(), "{text}");
    }
}

/// A scenario in a file of its own, with its own places; what it expects is left aside.
#[test]
fn a_scenario_can_be_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let scenario = "name: mine\nduration: 10s\nservers: [{ name: s, replicas: 3 }]\nclients:\n  - name: web\n    load: { open: { trace: \
                    rates.csv } }\nexpect: [idle_pods == 0]\n";
    write("mine.yaml", scenario);
    write("rates.csv", "time_s,rate\n0,10\n");
    let text = "properties: [{ name: p, says: x, scenario: mine.yaml, draw: { servers.s.replicas: 2..5 }, claim: \
                max_over_mean <= 9, holds: always }]";
    write("p.yaml", text);
    let path = folder.path().join("p.yaml");
    let property = open(&path).unwrap_or_else(|e| panic!("{e}")).remove(0);
    assert_eq!(property.load(0, &[Some(3)]).unwrap().model.servers[0].replicas, 5);
    assert_eq!(property.draws[0].default, "3");
    // Written elsewhere, it still finds its trace.
    let replay = property.scenario_text(0, &[None], 1);
    crate::scenario::parse("x", &replay, Some(Path::new("/")), &[]).unwrap_or_else(|e| panic!("{replay}\n{e}"));
    write("mine.yaml", &scenario.replace("replicas: 3", "replica: 3"));
    let wrong = open(&path).unwrap_err();
    let (source, line, column) = wrong.position(&wrong.problems()[0]).unwrap();
    assert!(source.ends_with("mine.yaml") && (line, column) == (3, 22), "{wrong}");
    std::fs::remove_file(folder.path().join("mine.yaml")).unwrap();
    let missing = open(&path).unwrap_err();
    assert!(
        missing.to_string().contains("there is no such file") && missing.to_string().contains("p.yaml:1:"),
        "{missing}"
    );
    assert!(parse("p.yaml", text, None).is_err());
}
