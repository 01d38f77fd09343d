//! Settings of gRPC clients: retries, stacks, idle channels, subsets.

use super::{Case, run};

/// Cases of which only one client's settings are written, and before `; ` what else the scenario has at its top.
fn clients(cases: &[Case<'_>]) {
    let texts: Vec<(String, &str, &str)> = cases.iter().map(|c| (text_of(c.0), c.1, c.2)).collect();
    texts.iter().for_each(|(text, code, says)| run(&[(text, code, says)]));
}

fn text_of(client: &str) -> String {
    let (top, client) = client.split_once("; ").unwrap_or(("", client));
    let (name, servers) = ("name: a\n", "servers: [{ name: api, replicas: 3 }]\n");
    let load = "load: { closed: { concurrency: 9, requests: 9 } }";
    format!("{name}{servers}{top}\nclients: [{{ name: web, {client}, {load} }}]\n")
}

#[test]
fn retries() {
    clients(&[
        (
            "protocol: http1, retry: «{ max_attempts: 2, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [UNAVAILABLE] }",
            "E018",
            "`retry` has no effect with `protocol: http1`",
        ),
        (
            "retry: «{ initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [UNAVAILABLE] }",
            "E012",
            "`retry` needs the key `max_attempts`",
        ),
        (
            "retry: { max_attempts: «1, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [UNAVAILABLE] }",
            "E013",
            "at least 2",
        ),
        (
            "retry: { max_attempts: «6, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [UNAVAILABLE] }",
            "E013",
            "the most is 5",
        ),
        (
            "retry: { max_attempts: 2, initial_backoff: «0s, max_backoff: 1s, multiplier: 1, codes: [UNAVAILABLE] }",
            "E013",
            "above 0",
        ),
        (
            "retry: { max_attempts: 2, initial_backoff: 1s, max_backoff: 1s, multiplier: «0, codes: [UNAVAILABLE] }",
            "E013",
            "`multiplier` is 0",
        ),
        (
            "retry: { max_attempts: 2, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: «[] }",
            "E017",
            "nothing would be retried",
        ),
        (
            "retry: { max_attempts: 2, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [«ABORTED] }",
            "E011",
            "`RESOURCE_EXHAUSTED`",
        ),
        (
            "retry: { max_attempts: 2, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [UNAVAILABLE], throttling: { max_tokens: «1001, token_ratio: 0.1 } }",
            "E013",
            "to 1000",
        ),
        (
            "retry: { max_attempts: 2, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [UNAVAILABLE], throttling: «{ max_tokens: 10 } }",
            "E012",
            "`throttling` needs the key `token_ratio`",
        ),
    ]);
}

#[test]
fn stacks() {
    clients(&[
        ("stack: «rust", "E011", "`tonic`"),
        ("protocol: http1, stack: «go", "E018", "`stack` has no effect with `protocol: http1`"),
        ("stack: «go, via: istio", "E018", "with `via`"),
        ("stack: tonic, policy: «round_robin", "E019", "the stack tonic has no such policy"),
        (
            "service: { type: Headless }; stack: c_core, policy: «least_request",
            "E019",
            "the stack c_core has no such policy",
        ),
        ("service: { type: Headless }; stack: go, policy: «random", "E019", "gRFC A61"),
        ("backoff: { per_call: true, base: «1s }", "E018", "an attempt per call"),
        (
            "service: { type: Headless }; policy: round_robin, backoff: { per_call: «true }",
            "E019",
            "tonic does not have",
        ),
        ("backoff: { per_call: true }, wait_for_ready: «true", "E018", "fails with its attempt"),
        ("connect_timeout: «0s", "E013", "above 0"),
        ("protocol: http1, connect_timeout: «1s", "E018", "`connect_timeout`"),
        ("keepalive: { time: 10s, throttle: { free: 0, interval: «1m } }", "E018", "no throttle"),
        ("keepalive: { time: 10s, throttle: «{ interval: 1m } }", "E012", "`throttle` needs the key `free`"),
        ("protocol: http1, idle_timeout: «1m", "E018", "`http1.keep_alive.idle_timeout`"),
        ("via: istio, idle_timeout: «1m", "E018", "with `via`"),
        ("shared_subchannels: «true", "E018", "one channel per replica"),
        (
            "service: { type: Headless }; channels: 2, shared_subchannels: «true",
            "E018",
            "each channel takes the first address",
        ),
        ("protocol: http1, shared_subchannels: «true", "E018", "`shared_subchannels`"),
        ("subset: «{ size: 2 }", "E018", "one address"),
        ("service: { type: Headless }; policy: round_robin, subset: { size: «0 }", "E013", "at least 1"),
        ("service: { type: Headless }; policy: round_robin, subset: «{}", "E012", "`subset` needs the key `size`"),
        ("via: istio, subset: «{ size: 2 }", "E018", "with `via`"),
    ]);
}

#[test]
fn one_address() {
    clients(&[
        ("policy: «least_request", "E018", "`least_request` has no effect with a ClusterIP Service"),
        ("policy: «{ least_request: { choice_count: 3 } }", "E018", "`service: { type: Headless }`"),
        ("policy: «random", "E018", "`discovery: watch`"),
        ("policy: «peak_ewma", "E018", "one address"),
        (
            "via: { envoy: { slow_start: «{ window: 5s } } }",
            "E018",
            "`slow_start` has no effect with a ClusterIP Service",
        ),
        ("via: istio, discovery: «dns", "E019", "does not ask DNS"),
        ("via: istio, discovery: «poll", "E019", "`via: envoy`, over `service: { type: Headless }`"),
    ]);
}

#[test]
fn outlier_detection() {
    const WATCH: &str = "policy: round_robin, discovery: watch, ";
    let watch = |rest: &str| format!("{WATCH}{rest}");
    let cases = [
        ("via: istio, outlier_detection: «{}".to_owned(), "E018", "that share of at most 3 hosts is less than one"),
        (
            "via: istio, outlier_detection: «{ max_ejection_percent: 33% }".to_owned(),
            "E018",
            "set `max_ejection_percent: 34%` or more, or `always_eject_one_host: true`",
        ),
        (
            "timeline: [{ at: 1s, scale: { server: api, replicas: 9 } }]; via: istio, outlier_detection: «{}"
                .to_owned(),
            "E018",
            "at most 9",
        ),
        ("timeline: [{ at: 1s, rollout: api }]; via: istio, outlier_detection: «{}".to_owned(), "E018", "at most 4"),
        (
            watch("outlier_detection: «{ max_ejection_percent: 0%, success_rate: {} }"),
            "E018",
            "`max_ejection_percent: 1%`",
        ),
        (watch("outlier_detection: { success_rate: «{} }"), "E018", "`minimum_hosts` (5)"),
        (
            watch("outlier_detection: { failure_percentage: «{ minimum_hosts: 4 } }"),
            "E018",
            "`minimum_hosts: 3` or less",
        ),
        (
            watch("subset: { size: 2 }, outlier_detection: { failure_percentage: «{ minimum_hosts: 3 } }"),
            "E018",
            "more than 2",
        ),
        (
            "via: { istio: { panic_threshold: «40% } }, outlier_detection: { max_ejection_percent: 34% }".to_owned(),
            "E018",
            "keeps 2 of 3 hosts healthy",
        ),
        ("via: linkerd, outlier_detection: «{}".to_owned(), "E018", "only Envoy"),
        ("outlier_detection: «{}".to_owned(), "E018", "nothing to choose"),
    ];
    cases.iter().for_each(|(client, code, says)| clients(&[(client, code, says)]));
    // What some number of pods in the run makes act is accepted.
    for client in [
        "timeline: [{ at: 1s, scale: { server: api, replicas: 10 } }]; via: istio, outlier_detection: {}",
        "timeline: [{ at: 1s, rollout: api }]; via: istio, outlier_detection: { max_ejection_percent: 25% }",
        "via: istio, outlier_detection: { max_ejection_percent: 34% }",
        "via: istio, outlier_detection: { always_eject_one_host: true }",
        "via: { istio: { panic_threshold: 70% } }, outlier_detection: { max_ejection_percent: 34% }",
        "timeline: [{ at: 1s, kill: { server: api } }]; \
         via: { istio: { panic_threshold: 40% } }, outlier_detection: { max_ejection_percent: 34% }",
    ] {
        let text = text_of(client);
        assert!(
            super::parse(&text).is_ok(),
            "{text}\n{}",
            super::parse(&text).err().map_or(String::new(), |e| e.to_string())
        );
    }
}

#[test]
fn streams() {
    let text = |client: &str, streams: &str| {
        format!(
            "name: a\nduration: 1m\nservice: {{ type: Headless }}\nservers: [{{ name: api }}]\n\
             clients: [{{ name: web, {client}load: {{ {streams} }} }}]\n"
        )
    };
    let with = |client: &str| text(client, "streams: { rate: 1, duration: 1h }");
    let marked = |client: &str| text(client, "streams: «{ rate: 1, duration: 1h }");
    let cases = [
        (with("deadline: «1s, "), "E018", "`deadline` has no effect on streams"),
        (
            with(
                "retry: «{ max_attempts: 2, initial_backoff: 1s, max_backoff: 1s, multiplier: 1, codes: [UNAVAILABLE] }, ",
            ),
            "E018",
            "opened again without it",
        ),
        (marked("protocol: http1, "), "E019", "`protocol: http1` has none"),
        (with("via: «envoy, "), "E019", "not modelled"),
        (marked("policy: peak_ewma, "), "E019", "the life of a stream"),
        (
            text(
                "",
                "streams: { rate: 1, duration: 1h }, methods: «[{ name: a, share: 50% }, { name: b, share: 50% }]",
            ),
            "E018",
            "all alike",
        ),
        (text("", "open: { rate: 1 }, streams: «{ rate: 1, duration: 1h }"), "E020", "`open` and `streams`"),
        (text("", "closed: { concurrency: 1 }, streams: «{ rate: 1, duration: 1h }"), "E020", "`closed` and `streams`"),
        (text("", "streams: «{ rate: 1 }"), "E012", "`streams` needs the key `duration`"),
        (text("", "streams: «{ duration: 1h }"), "E012", "`streams` needs the key `rate`"),
        (text("", "streams: { rate: «-1, duration: 1h }"), "E013", "`rate`"),
        (text("", "streams: { rate: 1, duration: 1h, messages: «{} }"), "E012", "`messages` needs the key `interval`"),
        (text("", "streams: { rate: 1, duration: 1h, messages: { interval: «0s } }"), "E013", "at least 100us"),
    ];
    cases.iter().for_each(|(text, code, says)| run(&[(text, code, says)]));
    let endless = with("").replace("duration: 1m\n", "").replace("name: web", "name: «web");
    run(&[(&endless, "E021", "a load of streams")]);
}
