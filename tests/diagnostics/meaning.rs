//! Settings that do not go together, and expectations.

use super::{Case, run};

#[test]
fn settings_without_effect() {
    run(&[
        (
            "NAME\nSERVERS\nclients: [{ name: web, protocol: http1, policy: «round_robin, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E018",
            "`policy` has no effect with `protocol: http1`",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, protocol: http1, keepalive: «{ time: 30s }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E018",
            "`keepalive` has no effect with `protocol: http1`",
        ),
        (
            "NAME\nservers: [{ name: api, grpc: { keepalive_enforcement: «{ min_time: 1m } } }]\nGHZ\n",
            "E018",
            "when no client has `keepalive`",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, protocol: http1, channels: «2, load: { closed: { concurrency: 2, requests: 2 } } }]\n",
            "E018",
            "`channels`",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, http1: «{ max_connections: 1 }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E018",
            "set `protocol: http1`",
        ),
        ("NAME\nservers: [{ name: api, strategy: { type: Recreate, max_surge: «1 } }]\nGHZ\n", "E018", "Recreate"),
        ("NAME\nSERVERS\nGHZ\ncluster: { dns: «{ ttl: 5s } }\n", "E018", "ClusterIP"),
        (
            "NAME\nSERVERS\nGHZ\nservice: { type: Headless }\ncluster: { dns: { ttl: «5s, cache: none } }\n",
            "E018",
            "`cache: none`",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, resolver: «{ early: drop }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E018",
            "`resolver`",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, policy: { pick_first: { shuffle: «true } }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E018",
            "one address",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, policy: { round_robin: { start: «first } }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E018",
            "one address",
        ),
        (
            "NAME\nservers: [{ name: api, grpc: { max_connection_age_grace: «5s } }]\nGHZ\n",
            "E018",
            "without `max_connection_age`",
        ),
        (
            "NAME\nservers: [{ name: api, grpc: «{ max_connection_age: 5s } }]\nclients: [{ name: web, protocol: http1, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E018",
            "HTTP/1.1",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, protocol: http1, connection_lifetime: «{ max: 1m }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E018",
            "keep_alive",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, strategy: «{ type: Recreate }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E018",
            "cannot be rolled out",
        ),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, rate: { client: «ghz, to: 5 } }]\n", "E018", "closed load"),
        (
            "NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, black_hole: { server: api, for: 5s, unready_after: «5s } }]\n",
            "E018",
            "over after 5s",
        ),
        (
            "NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, scale: { server: api, replicas: «3 } }]\n",
            "E018",
            "3 replicas already",
        ),
    ]);
}

#[test]
fn contradictions() {
    run(&[(
        "NAME\nservers: [{ name: api, termination: { pre_stop: «40s } }]\nGHZ\n",
        "E019",
        "`pre_stop` (40s) is above `grace` (30s)",
    )]);
    run(&[
        (
            "NAME\nservers: [{ name: api, strategy: { max_surge: 0, max_unavailable: «0 } }]\nGHZ\n",
            "E019",
            "Kubernetes refuses",
        ),
        ("NAME\nservers: [{ name: api, strategy: { max_surge: 0%, max_unavailable: «0 } }]\nGHZ\n", "E019", "both 0"),
        (
            "NAME\nservers: [{ name: api, service_time: { uniform: { min: 5ms, max: «1ms } } }]\nGHZ\n",
            "E019",
            "below `min`",
        ),
        (
            "NAME\nservers: [{ name: api, service_time: { lognormal: { p50: 5ms, p99: «1ms } } }]\nGHZ\n",
            "E019",
            "above `p50`",
        ),
        (
            "NAME\nservers: [{ name: api, service_time: { lognormal: «{ mean: 5ms, median: 1ms, sigma: 1 } } }]\nGHZ\n",
            "E020",
            "exactly two",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, backoff: { base: 5s, max: «1s }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E019",
            "below `base`",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, protocol: http1, http1: { max_connections: 2, keep_alive: { warm: «3 } }, load: { closed: { concurrency: 1, requests: 1 } } }]\n",
            "E019",
            "max_connections",
        ),
        (
            "NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { curve: [{ at: «1s, rate: 5 }] } } }]\n",
            "E019",
            "at 0s",
        ),
        (
            "NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { curve: [{ at: 0s, rate: 5 }, { at: 5s, rate: 5 }, { at: «4s, rate: 5 }] } } }]\n",
            "E019",
            "in order of time",
        ),
        (
            "NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { rate: 1, trace: «a.csv } } }]\n",
            "E020",
            "`rate` and `trace`",
        ),
        ("NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: «{} } }]\n", "E020", "needs one of"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, rollout: «ghz }]\n", "E019", "closed load"),
        (
            "NAME\nMIN\nSERVERS\nCLIENTS\ntimeline: [{ at: 1s, rate: { client: web, to: 5, over: 10s } }, «{ at: 5s, rate: { client: web, to: 9 } }]\n",
            "E019",
            "up to 11s",
        ),
    ]);
}

#[test]
fn the_run_and_its_timeline() {
    run(&[
        ("NAME\nSERVERS\nclients: [{ name: «web, load: { open: { rate: 100 } } }]\n", "E021", "needs a `duration`"),
        (
            "NAME\nSERVERS\nclients: [{ name: «web, load: { closed: { concurrency: 1 } } }]\n",
            "E021",
            "without `requests`",
        ),
        ("NAME\nMIN\nSERVERS\nCLIENTS\nwarmup: «60s\n", "E022", "nothing would be measured"),
        ("NAME\nMIN\nSERVERS\nCLIENTS\nwindow: «2m\n", "E022", "longer than the run"),
        ("NAME\nMIN\nSERVERS\nCLIENTS\ntimeline: [{ at: «60s, rollout: api }]\n", "E022", "the run ends at 1m"),
        (
            "NAME\nMIN\nSERVERS\nclients: [{ name: web, start: { at: 30s, spread: «31s }, load: { open: { rate: 1 } } }]\n",
            "E022",
            "1m1s",
        ),
        (
            "NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { curve: [{ at: 0s, rate: 5 }, { at: 2m, rate: 5 }, { at: «3m, rate: 5 }] } } }]\n",
            "E022",
            "no effect",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, replicas: 5, load: { closed: { concurrency: «4, requests: 9 } } }]\n",
            "E023",
            "each needs one",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, replicas: 5, load: { closed: { concurrency: 9, requests: «4 } } }]\n",
            "E023",
            "4 calls",
        ),
        (
            "NAME\nSERVERS\nclients: [{ name: web, channels: «6, load: { closed: { concurrency: 5, requests: 9 } } }]\n",
            "E023",
            "ghz refuses",
        ),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, rollout: «apu }]\n", "E016", "did you mean `api`?"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, kill: { server: «zebra } }]\n", "E016", "there are: `api`"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, rate: { client: «nobody, to: 5 } }]\n", "E016", "no client"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [«{ at: 1s }]\n", "E020", "needs one of"),
        (
            "NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, rollout: api, kill: «{ server: api } }]\n",
            "E020",
            "`rollout` and `kill`",
        ),
        ("NAME\nSERVERS\nGHZ\ntimeline: [«{ rollout: api }]\n", "E012", "`at`"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, delete: { server: api, pods: «4 } }]\n", "E013", "only 3"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, delete: { server: api, pods: «0 } }]\n", "E013", "at least 1"),
        ("NAME\nservers: [{ name: api, grpc: { max_requests_per_connection: «0 } }]\nGHZ\n", "E013", "at least 1"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, unready: { server: api, pods: «4 } }]\n", "E013", "only 3"),
        (
            "NAME\nMIN\nSERVERS\nclients: [{ name: web, load: { open: { trace: «rates.csv } } }]\n",
            "E024",
            "not in a folder",
        ),
    ]);
}

#[test]
fn unequal_pods() {
    run(&[
        ("NAME\nservers: [{ name: api, cpu: «{} }]\nGHZ\n", "E018", "without `cores`, `limit` or `request`"),
        ("NAME\nservers: [{ name: api, cpu: { cores: «8 } }]\nGHZ\n", "E018", "8 requests"),
        ("NAME\nservers: [{ name: api, cpu: { cores: 2, limit: «2000m } }]\nGHZ\n", "E018", "at most 2 cores"),
        ("NAME\nservers: [{ name: api, cpu: { limit: «5m } }]\nGHZ\n", "E013", "10m"),
        ("NAME\nservers: [{ name: api, cpu: { limit: «1.0001 } }]\nGHZ\n", "E010", "500m"),
        ("NAME\nservers: [{ name: api, speed: «0 }]\nGHZ\n", "E013", "0.001"),
        ("NAME\nservers: [{ name: api, warm_up: { initial: «1, time: 5s } }]\nGHZ\n", "E013", "below 1"),
        ("NAME\nservers: [{ name: api, warm_up: { initial: 20%, time: «0s } }]\nGHZ\n", "E013", "above 0"),
        ("NAME\nservers: [{ name: api, warm_up: «{ initial: 20% } }]\nGHZ\n", "E012", "`time`"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, slow: { server: api, factor: «1 } }]\n", "E013", "above 1"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, slow: «{ server: api } }]\n", "E012", "`factor`"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, slow: { server: api, factor: 2, pods: «4 } }]\n", "E013", "only 3"),
        ("NAME\nSERVERS\nGHZ\ntimeline: [{ at: 1s, slow: { server: api, factor: 2, for: «0s } }]\n", "E013", "above 0"),
    ]);
}

#[test]
fn autoscalers() {
    run(&[
        ("NAME\nservers: [{ name: api, hpa: «{ min_replicas: 2 } }]\nGHZ\n", "E012", "`max_replicas`"),
        (
            "NAME\nservers: [{ name: api, hpa: { min_replicas: 3, max_replicas: «2 } }]\nGHZ\n",
            "E019",
            "below `min_replicas`",
        ),
        ("NAME\nservers: [{ name: api, replicas: 0, hpa: «{ max_replicas: 2 } }]\nGHZ\n", "E018", "switches it off"),
        ("NAME\nservers: [{ name: api, hpa: { max_replicas: 2, target_cpu_utilization: «80 } }]\nGHZ\n", "E013", "80%"),
        (
            "NAME\nservers: [{ name: api, hpa: { max_replicas: 2, target_cpu_utilization: «62.5% } }]\nGHZ\n",
            "E013",
            "whole",
        ),
        ("NAME\nservers: [{ name: api, hpa: { max_replicas: 2, sync_period: «10ms } }]\nGHZ\n", "E013", "from 1s"),
        ("NAME\nservers: [{ name: api, hpa: { max_replicas: 2, cpu_at_full_load: «0 } }]\nGHZ\n", "E013", "from 1%"),
        (
            "NAME\nservers: [{ name: api, hpa: { max_replicas: 2, downscale_stabilization: «1m, behavior: { scale_down: { stabilization_window: 1m } } } }]\nGHZ\n",
            "E018",
            "`behavior.scale_down`",
        ),
        (
            "NAME\nservers: [{ name: api, hpa: { max_replicas: 2, behavior: { scale_up: { policies: «[] } } } }]\nGHZ\n",
            "E017",
            "disabled",
        ),
        (
            "NAME\nservers: [{ name: api, hpa: { max_replicas: 2, behavior: { scale_up: { policies: [{ pods: «1, percent: 5, period: 15s }] } } } }]\nGHZ\n",
            "E020",
            "one of",
        ),
        (
            "NAME\nservers: [{ name: api, hpa: { max_replicas: 2, behavior: { scale_up: { policies: [{ pods: 1, period: «1h }] } } } }]\nGHZ\n",
            "E013",
            "30m",
        ),
        (
            "NAME\nservers: [{ name: api, hpa: { max_replicas: 2, behavior: { scale_up: { stabilization_window: «2h } } } }]\nGHZ\n",
            "E013",
            "at most 1h",
        ),
        (
            "NAME\nservers: [{ name: api, hpa: { max_replicas: 9 } }]\nGHZ\ntimeline: [{ at: 1s, scale: { server: «api, replicas: 3 } }]\n",
            "E019",
            "undo",
        ),
        (
            "NAME\nservers: [{ name: api, hpa: { max_replicas: 9 } }]\nGHZ\ntimeline: [{ at: 1s, kill: { server: api, pods: «10 } }]\n",
            "E013",
            "only 9",
        ),
    ]);
}

#[test]
fn expectations() {
    run(&[
        ("NAME\nSERVERS\nGHZ\nexpect: [«max_over_mean]\n", "E026", "operators"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«max_over_mean <=]\n", "E026", "not complete"),
        ("NAME\nMIN\nSERVERS\nGHZ\nexpect: [«idle_pods == 0 after 2h]\n", "E026", "the run ends at 1m"),
        ("NAME\nMIN\nSERVERS\nGHZ\nexpect: [«idle_pods == 0 within 9s of change]\n", "E026", "changes nothing"),
        (
            "NAME\nMIN\nSERVERS\nGHZ\ntimeline: [{ at: 1s, kill: { server: api } }]\nexpect: [«idle_pods == 0 within 9s of rollout]\n",
            "E026",
            "no `rollout`",
        ),
        (
            "NAME\nMIN\nSERVERS\nGHZ\ntimeline: [{ at: 1s, kill: { server: api } }]\nexpect: [«requests.failed == 0 within 9s of kill]\n",
            "E026",
            "for 9s after kill",
        ),
        (
            "NAME\nMIN\nSERVERS\nGHZ\ntimeline: [{ at: 1s, kill: { server: api } }]\nexpect: [«error_ratio == 0 for 9s after scale]\n",
            "E026",
            "no `scale`",
        ),
        ("NAME\nMIN\nSERVERS\nGHZ\nexpect: [«idle_pods == 0 sometimes]\n", "E026", "in every window"),
        ("NAME\nMIN\nSERVERS\nGHZ\nexpect: [«throughput_rps > 1 in every window]\n", "E027", "no figure"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«max_mean <= 2]\n", "E027", "did you mean `max_over_mean`?"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«latency.p98 <= 20ms]\n", "E027", "did you mean `latency_ms.p9"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«skew.worst_window.cw < 2]\n", "E027", "skew.worst_window.cv"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«max_share <= 40]\n", "E026", "at most 1"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«idle_pods == 20ms]\n", "E026", "not a time"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«latency.p99 <= 20%]\n", "E026", "is a time"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«latency.p99 <= fast]\n", "E026", "duration"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«latency.p99 <= 20]\n", "E026", "has no unit"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«time_to_balance.0.seconds < 60]\n", "E026", "has no unit"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«cv < nan]\n", "E026", "finite"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«p99 < 20ms]\n", "E027", "did you mean `latency.p99`?"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«errors == 0]\n", "E027", "did you mean `requests.failed`?"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«retries == 0]\n", "E027", "did you mean `requests.retries`?"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«time_to_balance < 1m]\n", "E027", "did you mean `time_to_balance.0.seconds`?"),
        ("NAME\nSERVERS\nGHZ\nexpect: [«name == 2]\n", "E027", "no figure"),
        ("NAME\nSERVERS\nGHZ\nexpect: «idle_pods == 0\n", "E009", "a list"),
    ]);
}

#[test]
fn methods() {
    let with = |load: &str| format!("NAME\nMIN\nSERVERS\nclients: [{{ name: web, load: {load} }}]\n");
    let of = |methods: &str| with(&format!("{{ open: {{ rate: 5 }}, methods: {methods} }}"));
    let cases = [
        (of("«[{ name: a, share: 100% }]"), "E018", "fewer than two"),
        (of("«[{ name: a, share: 50% }, { name: b, share: 49.5% }]"), "E019", "99.5%"),
        (of("[{ name: a, share: «0% }, { name: b, share: 100% }]"), "E013", "above 0"),
        (of("[{ name: a, share: «95 }, { name: b, share: 5% }]"), "E013", "write `95%`"),
        (of("[{ name: a, share: 50% }, { name: «a, share: 50% }]"), "E015", "`a`"),
        (of("[{ name: a, share: 50% }, { name: «\"\", share: 50% }]"), "E014", "Search"),
        (of("[{ name: a, share: 50% }, «{ share: 50% }]"), "E012", "`name`"),
        (of("[{ name: a, share: 50%, cost: «0 }, { name: b, share: 50% }]"), "E013", "0.001"),
        (of("[{ name: a, share: 50%, deadline: «0s }, { name: b, share: 50% }]"), "E013", "at least 10us"),
        (
            of("[{ name: a, share: 50%, deadline: 1s }, { name: b, share: 50%, deadline: 2s }]")
                .replace("load:", "deadline: «5s, load:"),
            "E018",
            "all have their own",
        ),
        (with("«{}"), "E020", "`closed`, `open` and `streams`"),
        (with("{ open: «{ rate: 5 }, closed: { concurrency: 5 } }"), "E020", "has `closed` and `open`"),
    ];
    let cases: Vec<Case<'_>> = cases.iter().map(|(text, code, said)| (text.as_str(), *code, *said)).collect();
    run(&cases);
}
