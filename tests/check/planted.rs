//! False claims of several kinds over real scenarios: each is found among many keys, and made as small as it is.

use evenkeel::experiment::check::{Effort, Fate, Judge, Reading, check};
use evenkeel::scenario::property::parse;

const FLEET: &str = "
    scenario:
      duration: 10s
      service: { type: Headless }
      servers: [{ name: s, replicas: 4, startup: 2s, concurrency: 4, service_time: { exponential: { mean: 10ms } } }]
      clients: [{ name: web, replicas: 20, channels: 4, policy: round_robin, load: { open: { rate: 40 } } }]
    draw:
      servers.s.replicas: 2..8
      servers.s.concurrency: 1..8
      servers.s.startup: 1s..4s
      cluster.rtt: 100us..10ms
      cluster.endpoint_lag: 10ms..1s
      clients.web.replicas: 1..40
      clients.web.channels: 1..4
      clients.web.load.open.rate: 20..80
      timeline: [[{ at: 2s, kill: { server: s, pods: 1 } }], [{ at: 2s, scale: { server: s, replicas: 9 } }]]
";

/// Claim, variants, how it holds, and the keys of which some must be left.
const PLANTED: [(&str, &str, &str, &[&str]); 6] = [
    // A new pod gets nothing without an age.
    ("idle_pods == 0 after 8s", "", "always", &["timeline"]),
    (
        "latency.p50 <= 12ms",
        "",
        "in 90% of runs",
        &["cluster.rtt", "servers.s.concurrency", "clients.web.load.open.rate"],
    ),
    ("throughput_rps <= 50", "", "on average", &["clients.web.load.open.rate"]),
    // Even with round_robin, while it holds for pick_first.
    (
        "pick_first.max_over_mean <= round_robin.max_over_mean * 1.4",
        "variants: { pick_first: { clients.web.policy: pick_first }, round_robin: {} }",
        "always",
        &["clients.web.channels", "clients.web.replicas", "servers.s.replicas"],
    ),
    (
        "slow.latency.p99 <= fast.latency.p99 + 60ms",
        "variants: { slow: { servers.s.speed: 0.5 }, fast: {} }",
        "in 50% of runs",
        &["servers.s.concurrency", "servers.s.replicas", "clients.web.load.open.rate"],
    ),
    (
        "busy.latency.p99 <= calm.latency.p99 * 3",
        "variants: { busy: { clients.web.load.open.rate: 600 }, calm: {} }",
        "on average",
        &["servers.s.concurrency", "servers.s.replicas"],
    ),
];

#[test]
fn planted_claims_are_found_and_made_small() {
    for (i, (claim, variants, holds, keys)) in PLANTED.iter().enumerate() {
        let head = format!("properties:\n  - name: p{i}\n    says: x\n    claim: {claim}\n    holds: {holds}\n");
        let text = format!("{head}    {variants}{FLEET}");
        let property = parse("planted", &text, None).unwrap_or_else(|e| panic!("{e}")).remove(0);
        let effort = Effort { cases: 64, runs: (*holds != "always").then_some(60), seed: 1 };
        let done = check(&property, &effort, None, &|| ()).unwrap_or_else(|e| panic!("{claim}: {e:?}"));
        assert_eq!(done.checked.outcome, Fate::Refuted, "{claim}: {:?}", done.checked);
        let refutation = done.checked.refutation.unwrap();
        let left = &refutation.shrunk.sets;
        assert!(left.len() <= 5 && left.len() <= refutation.found.sets.len(), "{claim}: {left:?}");
        // What is left is what the claim hangs on, and nothing else.
        assert!(left.iter().all(|set| keys.iter().any(|key| set.starts_with(key))), "{claim}: {left:?}");
        assert!(refutation.fresh_broken > 0, "{claim}: {refutation:?}");
        assert!(!refutation.happened.is_empty() && done.files.len() == property.sides.len(), "{claim}");
    }
}

/// Of a value that the claim hangs on not any is left that breaks it, but nearly the least: what is drawn is 20 to 80 calls a second, and the
/// claim is broken above 50.
#[test]
fn values_are_made_small_too() {
    let claim = "  - { name: p, says: x, claim: throughput_rps <= 50, holds: on average";
    let text = format!("properties:\n{}\n{FLEET}", claim.replace("  - { ", "  - ").replace(", ", "\n    "));
    let property = parse("planted", &text, None).unwrap_or_else(|e| panic!("{e}")).remove(0);
    let effort = Effort { cases: 64, runs: Some(60), seed: 1 };
    let refutation = check(&property, &effort, None, &|| ()).unwrap().checked.refutation.unwrap();
    let rate = |sets: &[String]| {
        sets.iter()
            .find_map(|set| set.strip_prefix("clients.web.load.open.rate=")?.parse::<f64>().ok())
            .expect("a rate")
    };
    let (found, shrunk) = (rate(&refutation.found.sets), rate(&refutation.shrunk.sets));
    // Arrivals are Poisson: nearer to 50 it takes more runs than these to tell.
    assert!(found > 70.0 && (50.0..60.0).contains(&shrunk), "{found} {shrunk}");
}

/// As many tests as there are cases share the level: each case is judged at its part of it.
#[test]
fn the_level_is_divided_among_the_cases() {
    let text = format!(
        "properties:\n  - name: p\n    says: x\n    claim: throughput_rps < 0\n    holds: in 50% of runs\n{FLEET}"
    );
    let property = parse("planted", &text, None).unwrap_or_else(|e| panic!("{e}")).remove(0);
    let runs = |cases: u64| {
        let effort = Effort { cases, runs: None, seed: 1 };
        check(&property, &effort, None, &|| ()).unwrap().checked.attack.runs
    };
    let alone = |level: f64| {
        let judge = Judge { holds: property.holds, level, most: 200 };
        judge.judge(|_| Ok::<_, ()>(Some(Reading { met: false, excess: 1.0 }))).unwrap().runs
    };
    assert!(alone(property.level) < alone(property.level / 100.0));
    for cases in [1, 10, 100] {
        assert_eq!(runs(cases), alone(property.level / cases as f64), "{cases} cases");
    }
}
