//! Random scenarios over the whole model, as YAML, so that a failing one is printed and shrunk as a file that can be run.
//! Sizes are small: what goes wrong goes wrong with a few pods and some seconds, and thousands of runs find more than one
//! large one.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;

/// A scenario as YAML; prints as such.
#[derive(Clone, PartialEq)]
pub struct Scenario(pub String);

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.0)
    }
}

/// A key with its value, or nothing; shrinks to nothing.
fn maybe(key: &'static str, value: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    prop_oneof![Just(String::new()), value.prop_map(move |v| format!(", {key}: {v}"))].boxed()
}

fn given(key: &'static str, value: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    value.prop_map(move |v| format!(", {key}: {v}")).boxed()
}

fn ms(range: std::ops::RangeInclusive<u32>) -> BoxedStrategy<String> {
    range.prop_map(|t| format!("{t}ms")).boxed()
}

fn number(range: std::ops::RangeInclusive<u32>) -> BoxedStrategy<String> {
    range.prop_map(|n| n.to_string()).boxed()
}

fn word(words: &'static [&'static str]) -> BoxedStrategy<String> {
    (0..words.len()).prop_map(|i| words[i].to_owned()).boxed()
}

/// `{ a: 1, b: 2 }` of parts that each begin with a comma.
fn map(parts: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    parts.prop_map(|parts| format!("{{ {} }}", parts.concat().trim_start_matches(", "))).boxed()
}

/// Any law, of about so many ms.
fn law(about: u32) -> BoxedStrategy<String> {
    prop_oneof![
        ms(1..=about),
        (1..=about).prop_map(|m| format!("{{ exponential: {{ mean: {m}ms }} }}")),
        (1..=about).prop_map(|m| format!("{{ uniform: {{ min: {}ms, max: {m}ms }} }}", m / 2)),
        (1..=about).prop_map(|m| format!("{{ lognormal: {{ median: {m}ms, sigma: 0.8 }} }}")),
        (1..=about).prop_map(|m| format!("{{ pareto: {{ min: {m}ms, alpha: 2.5 }} }}")),
        (1..=about).prop_map(|m| format!("{{ mixture: [{{ weight: 9, of: 1ms }}, {{ weight: 1, of: {m}ms }}] }}")),
    ]
    .boxed()
}

/// A preStop of less than so many milliseconds, and a grace period that is less than `more` milliseconds longer.
fn termination(pre_stop: u32, more: u32) -> BoxedStrategy<String> {
    let sigterm = ["", "", ", sigterm: exit", ", sigterm: ignore"];
    let text = move |(p, g): (u32, u32)| {
        let sigterm = if more > 2_000 { sigterm[(p % 4) as usize] } else { "" };
        format!("{{ pre_stop: {p}ms, grace: {}ms{sigterm} }}", p + g)
    };
    (0..pre_stop, 0..more).prop_map(text).boxed()
}

fn rolling() -> BoxedStrategy<String> {
    prop_oneof![
        Just("{ type: RollingUpdate }".to_owned()),
        Just("{ type: Recreate }".to_owned()),
        (0..4u32, 0..4u32)
            .prop_map(|(s, u)| format!("{{ max_surge: {}, max_unavailable: {u} }}", s.max(u32::from(u == 0)))),
        (0..8u32, 0..6u32).prop_map(|(s, u)| format!(
            "{{ max_surge: {}%, max_unavailable: {}% }}",
            20 * s.max(u32::from(u == 0)),
            20 * u
        )),
    ]
    .boxed()
}

/// An autoscaler in a hurry, since runs last seconds.
fn hpa() -> BoxedStrategy<String> {
    let rules = map(vec![
        maybe("stabilization_window", ms(0..=4_000)),
        maybe(
            "policies",
            (1..4u32, 1..200u32)
                .prop_map(|(n, p)| format!("[{{ pods: {n}, period: 1s }}, {{ percent: {p}, period: 2s }}]")),
        ),
        maybe("select_policy", word(&["max", "min", "disabled"])),
    ]);
    let (up, down) = (maybe("scale_up", rules.clone()), maybe("scale_down", rules));
    map(vec![
        maybe("min_replicas", number(1..=2)),
        given("max_replicas", number(2..=7)),
        maybe("target_cpu_utilization", (1..200u32).prop_map(|t| format!("{t}%"))),
        given("sync_period", ms(1_000..=3_000)),
        given("metrics_resolution", ms(1_000..=2_000)),
        maybe("cpu_initialization_period", ms(0..=6_000)),
        maybe("initial_readiness_delay", ms(0..=3_000)),
        maybe("downscale_stabilization", ms(0..=4_000)),
        maybe("behavior", map(vec![up, down])),
    ])
}

fn server() -> BoxedStrategy<(String, String)> {
    let common = vec![
        given("replicas", number(0..=5)),
        given("concurrency", number(1..=4)),
        given("service_time", law(120)),
        maybe(
            "cpu",
            (10..990u32, 11..990u32).prop_map(|(a, b)| match a % 4 {
                0 => format!("{{ cores: {b}m }}"),
                1 => format!("{{ limit: {a}m }}"),
                2 => format!("{{ cores: {b}m, share: {}% }}", 1 + a % 100),
                _ => format!("{{ cores: {}m, limit: {}m }}", a.max(b) + 1, a.min(b)),
            }),
        ),
        maybe("speed", (1..40u32).prop_map(|s| format!("{}.{}", s / 10, s % 10))),
        maybe("hpa", hpa()),
        maybe("warm_up", (1..100u32, 1..8_000u32).prop_map(|(i, t)| format!("{{ initial: {i}%, time: {t}ms }}"))),
        maybe("queue_limit", number(0..=5)),
        maybe("handshake_time", ms(1..=40)),
        given("startup", law(3_000)),
        maybe("min_ready", ms(1..=2_000)),
        maybe("termination", termination(5_000, 4_000)),
        maybe("strategy", rolling()),
    ];
    let grpc = map(vec![
        maybe("max_connection_age", ms(50..=6_000)),
        maybe("max_connection_age_grace", ms(0..=400)),
        maybe("max_connection_idle", ms(20..=2_000)),
        maybe("max_requests_per_connection", number(1..=40)),
        maybe("max_concurrent_streams", number(1..=4)),
        maybe(
            "keepalive_enforcement",
            (0..3_000u32, any::<bool>())
                .prop_map(|(t, p)| format!("{{ min_time: {t}ms, permit_without_stream: {p} }}")),
        ),
    ]);
    (common, grpc).prop_map(|(common, grpc)| (common.concat(), grpc)).boxed()
}

fn retry() -> BoxedStrategy<String> {
    map(vec![
        given("max_attempts", number(2..=5)),
        given("initial_backoff", ms(1..=500)),
        given("max_backoff", ms(1..=900)),
        given("multiplier", number(1..=3)),
        given("codes", word(&["[UNAVAILABLE]", "[RESOURCE_EXHAUSTED]", "[RESOURCE_EXHAUSTED, UNAVAILABLE]"])),
        maybe(
            "throttling",
            (1..30u32, 1..10u32).prop_map(|(m, r)| format!("{{ max_tokens: {m}, token_ratio: 0.{r} }}")),
        ),
    ])
}

/// What a client may be; which keys are written depends on the others.
#[derive(Clone, Debug)]
struct Client {
    http1: bool,
    replicas: u32,
    channels: u32,
    common: String,
    /// What streams do not have: the deadline, and retries.
    deadline: String,
    retry: String,
    dispatch: String,
    /// Of channels that connect to pods themselves.
    direct: String,
    resolver: String,
    via: Option<&'static str>,
    /// Of the pods themselves, whatever the Service; none: by the Service's name.
    discovery: Option<String>,
    shuffle: bool,
    policy: String,
    http: String,
    /// Written after the load, with a comma before it; or nothing.
    methods: String,
    /// Workers per channel, calls per replica; none: an open load.
    closed: Option<(u32, Option<u32>)>,
    open: String,
    /// In place of all other loads, where there can be streams.
    streams: Option<String>,
    rollout: String,
}

fn client() -> BoxedStrategy<Client> {
    let common = vec![
        maybe("start", (0..1_000u32, 0..2_000u32).prop_map(|(a, s)| format!("{{ at: {a}ms, spread: {s}ms }}"))),
        maybe(
            "connection_lifetime",
            (50..4_000u32, 0..10u32).prop_map(|(m, j)| format!("{{ max: {m}ms, jitter: {j}0% }}")),
        ),
    ];
    let deadline = maybe("deadline", ms(1..=800));
    let dispatch = given("dispatch", law(20));
    let direct = vec![
        maybe("wait_for_ready", word(&["true", "false"])),
        maybe("connect", word(&["start", "first_call"])),
        maybe("connect_timeout", ms(20..=3_000)),
        maybe("idle_timeout", ms(0..=2_500)),
        maybe(
            "keepalive",
            (5..3_000u32, 5..900u32, any::<bool>())
                .prop_map(|(t, o, p)| format!("{{ time: {t}ms, timeout: {o}ms, permit_without_stream: {p} }}")),
        ),
        maybe(
            "backoff",
            (10..900u32, 10..30u32, 0..10u32).prop_map(|(b, m, j)| {
                format!(
                    "{{ base: {b}ms, multiplier: {}.{}, jitter: 0.{j}, jitter_first: true, max: {}ms, from: {} }}",
                    m / 10,
                    m % 10,
                    3 * b,
                    if b % 2 == 0 { "attempt_start" } else { "attempt_end" }
                )
            }),
        ),
    ];
    let resolver = maybe(
        "resolver",
        map(vec![maybe("min_interval", ms(1..=4_000)), maybe("early", word(&["defer_and_remember", "defer", "drop"]))]),
    );
    let discovery = proptest::option::weighted(
        0.4,
        prop_oneof![
            map(vec![maybe("interval", ms(100..=4_000))]).prop_map(|m| format!("{{ poll: {m} }}")),
            map(vec![
                given("debounce", ms(1..=500)),
                maybe("debounce_max", ms(100..=900)),
                maybe("ignore_empty", word(&["true", "false"]))
            ])
            .prop_map(|m| format!("{{ watch: {m} }}")),
        ],
    );
    let via = proptest::option::weighted(
        0.3,
        prop::sample::select(vec!["envoy", "istio", "linkerd", "ambient", "gateway", "gateway"]),
    );
    let policy = word(&[
        "pick_first: { reconnect: lazy",
        "pick_first: { reconnect: eager",
        "round_robin: { start: random_order",
        "round_robin: { start: random",
        "round_robin: { start: first",
        "round_robin: { start: continue",
        "random",
        "least_request: { choice_count: 3",
        "peak_ewma: { default_rtt: 5ms, decay: 300ms",
        "weighted_round_robin: { blackout_period: 1s, weight_expiration_period: 3s",
        "ring_hash: { min_ring_size: 64",
        "maglev: { table_size: 61",
    ]);
    let pool = map(vec![
        maybe("warm", number(0..=3)),
        maybe("order", word(&["lifo", "fifo"])),
        maybe("idle_timeout", ms(5..=1_000)),
    ]);
    let http = maybe("http1", map(vec![maybe("max_connections", number(3..=6)), maybe("keep_alive", pool)]));
    let open = prop_oneof![
        (1..150u32).prop_map(|r| format!("rate: {r}")),
        (0..100u32, 1..200u32).prop_map(|(a, b)| format!("curve: [{{ at: 0s, rate: {a} }}, {{ at: 2s, rate: {b} }}]")),
    ];
    let open =
        (open, word(&["poisson", "constant"])).prop_map(|(rate, a)| format!("open: {{ {rate}, arrivals: {a} }}"));
    let methods = prop_oneof![
        2 => Just(String::new()),
        1 => (1..100u32, 1..60u32, 1..400u32).prop_map(|(share, cost, deadline)| format!(
            ", methods: [{{ name: a, share: {share}%, cost: 0.{cost:02} }}, \
             {{ name: b, share: {}%, deadline: {deadline}ms }}]",
            100 - share
        )),
    ];
    let messages = maybe("messages", ms(1..=300).prop_map(|i| format!("{{ interval: {i} }}")));
    let streams = (1..40u32, law(4_000), messages)
        .prop_map(|(rate, duration, messages)| format!("streams: {{ rate: {rate}, duration: {duration}{messages} }}"));
    let streams = proptest::option::weighted(0.3, streams);
    let closed = proptest::option::of((1..5u32, proptest::option::of(1..150u32)));
    let rollout = vec![maybe("startup", law(1_500)), maybe("strategy", rolling())];
    let sizes = (any::<bool>(), 1..5u32, 1..3u32, any::<bool>());
    let common = (common, deadline, maybe("retry", retry()));
    (
        sizes,
        common,
        (dispatch, direct),
        (resolver, discovery, via),
        policy,
        http,
        closed,
        (open, methods, streams),
        rollout,
    )
        .prop_map(
            |(
                (http1, replicas, channels, shuffle),
                (common, deadline, retry),
                (dispatch, direct),
                (resolver, discovery, via),
                policy,
                http,
                closed,
                (open, methods, streams),
                rollout,
            )| {
                Client {
                    http1,
                    replicas,
                    channels,
                    shuffle,
                    resolver,
                    discovery,
                    via,
                    policy,
                    http,
                    closed,
                    open,
                    methods,
                    streams,
                    deadline,
                    retry,
                    common: common.concat(),
                    dispatch,
                    direct: direct.concat(),
                    rollout: rollout.concat(),
                }
            },
        )
        .boxed()
}

impl Client {
    /// Streams, where there can be some: not over HTTP/1.1, not via a proxy, not with peak_ewma.
    fn streams(&self, headless: bool) -> Option<&String> {
        let can = !self.http1 && self.proxy(headless).is_none() && !self.policy.starts_with("peak_ewma");
        self.streams.as_ref().filter(|_| can)
    }

    /// True if it can be rolled out.
    fn is_open(&self, headless: bool) -> bool {
        self.closed.is_none() || self.streams(headless).is_some()
    }

    /// Meshes do not balance over headless Services.
    fn proxy(&self, headless: bool) -> Option<&'static str> {
        self.via.filter(|via| !headless || matches!(*via, "envoy" | "gateway"))
    }

    /// Whether it goes through the gateway.
    fn goes_through(&self, headless: bool) -> bool {
        !self.http1 && self.proxy(headless) == Some("gateway")
    }

    /// The key `policy`, where the client or the proxy beside it has the policy.
    fn policy_of(&self, via: Option<&str>, knows_pods: bool) -> Option<String> {
        let (name, settings) = self.policy.split_once(": ").unwrap_or((&self.policy, ""));
        let by_key = matches!(name, "ring_hash" | "maglev");
        let (envoy, chooses) = (matches!(via, Some("envoy" | "istio")), !matches!(name, "pick_first" | "round_robin"));
        let fits = match via {
            None => name != "maglev",
            Some("linkerd") => name == "peak_ewma",
            Some("ambient") => false,
            Some(_) => !matches!(name, "pick_first" | "peak_ewma" | "weighted_round_robin"),
        };
        if !fits || chooses && !knows_pods {
            return None;
        }
        let shuffle = if knows_pods && self.shuffle && name == "pick_first" { ", shuffle: true" } else { "" };
        // Behind one address there is nothing to choose, and the reader refuses to be told how.
        let bare = settings.is_empty() || !knows_pods && name != "pick_first" || envoy && name == "round_robin";
        let policy = if bare { name.to_owned() } else { format!("{{ {name}: {settings}{shuffle} }} }}") };
        let keys = if by_key && self.shuffle { ", keys: { count: 5, zipf: 1 }" } else { "" };
        Some(format!(", policy: {policy}{keys}"))
    }

    /// What a client takes from its stack, where it can have it.
    fn of_the_stack(&self, knows_pods: bool, policy: Option<&str>) -> String {
        let pick_first = policy.is_none_or(|p| p.contains("pick_first"));
        let mut text = String::new();
        if knows_pods && self.replicas % 2 == 1 {
            text += ", subset: { size: 2 }";
        }
        if self.channels > 1 && !(knows_pods && pick_first) && self.replicas > 2 {
            text += ", shared_subchannels: true";
        }
        if self.shuffle && (pick_first || self.policy.starts_with("round")) {
            let stacks = ["go", "c_core", "java", "node", "tonic"];
            text += &format!(", stack: {}", stacks[(2 * self.replicas + self.channels) as usize % 5]);
        }
        text
    }

    fn yaml(&self, i: usize, headless: bool) -> String {
        let Client { replicas, channels, common, methods, .. } = self;
        let streams = self.streams(headless);
        let mut text = format!("  - {{ name: c{i}, replicas: {replicas}{common}");
        if streams.is_none() {
            text += &self.deadline;
        }
        let mut workers = *replicas;
        if self.http1 {
            text += &format!(", protocol: http1{}", self.http);
        } else {
            workers *= channels;
            let discovery = self.discovery.as_ref().filter(|d| headless || d.contains("watch"));
            let via = self.proxy(headless);
            let gateway = via == Some("gateway");
            let via = via.filter(|_| !gateway);
            let headless = headless && !gateway;
            let envoy = matches!(via, Some("envoy" | "istio"));
            let discovery = discovery.filter(|_| !gateway && (via.is_none() || envoy));
            let knows_pods = headless || discovery.is_some() || matches!(via, Some("istio" | "linkerd"));
            let policy = self.policy_of(via, knows_pods);
            text += &format!(", channels: {channels}{}{}", self.dispatch, policy.clone().unwrap_or_default());
            if via.is_none() {
                text += &self.direct;
                if streams.is_none() {
                    text += &self.retry;
                }
                text += &self.of_the_stack(knows_pods, policy.as_deref());
            }
            if gateway {
                text += ", via: { gateway: g }";
            }
            if let Some(via) = via {
                let workers = if *channels > 1 && envoy { "workers: 2, " } else { "" };
                let rotates = ["maglev", "ring_hash", "random"].iter().all(|p| !self.policy.starts_with(p));
                let more = match (envoy, self.shuffle) {
                    (true, true) => {
                        "circuit_breakers: { max_requests: 3, max_pending_requests: 2 }, max_requests_per_connection: 7, retries: 1, "
                    }
                    (true, false) if rotates && knows_pods => "slow_start: { window: 2s, aggression: 2 }, ",
                    _ => "",
                };
                let overhead = "overhead: { exponential: { mean: 5ms } }";
                let accrues = via == "linkerd" && !self.retry.is_empty();
                let accrual = if accrues { "failure_accrual: { max_failures: 2, max_penalty: 3s }, " } else { "" };
                text += &format!(", via: {{ {via}: {{ {accrual}{workers}{more}{overhead} }} }}");
            }
            let judges = envoy || policy.as_ref().is_some_and(|p| via.is_none() && !p.contains("pick_first"));
            if judges && knows_pods && *channels > 1 {
                let rest = if envoy {
                    "consecutive_5xx: 2"
                } else {
                    "failure_percentage: { minimum_hosts: 1, request_volume: 2 }"
                };
                text +=
                    ", outlier_detection: { interval: 700ms, base_ejection_time: 900ms, max_ejection_percent: 100%, ";
                text += &format!("{rest} }}");
            }
            match discovery {
                Some(discovery) => text += &format!(", discovery: {discovery}"),
                None if headless && via.is_none() => text += &self.resolver,
                None => {}
            }
        }
        if let Some(streams) = streams {
            return text + &format!(", load: {{ {streams} }}{} }}\n", self.rollout);
        }
        match self.closed {
            None => text += &format!(", load: {{ {}{methods} }}{}", self.open, self.rollout),
            Some((each, requests)) => {
                // A refused HTTP/1.1 call takes 1 ms: without a total, a loop without pods would make too many of them.
                let requests = requests.or(self.http1.then_some(100)).map(|r| format!(", requests: {}", r * replicas));
                let pacing = ["", ", think_time: 3ms", ", max_rate: 400"][each as usize % 3];
                text += &format!(
                    ", load: {{ closed: {{ concurrency: {}{}{pacing} }}{methods} }}",
                    each * workers,
                    requests.unwrap_or_default()
                );
            }
        }
        text + " }\n"
    }
}

/// A gateway of any kind.
fn gateway() -> BoxedStrategy<String> {
    let envoy = "retries: 1, overhead: 1ms, circuit_breakers: { max_requests: 9, max_pending_requests: 3 }";
    let proxies = [
        format!("proxy: {{ envoy: {{ workers: 3, {envoy} }} }}, policy: least_request"),
        "proxy: { envoy: { max_requests_per_connection: 5 } }, policy: { ring_hash: { min_ring_size: 64 } }".to_owned(),
        "proxy: waypoint, outlier_detection: { consecutive_5xx: 2, base_ejection_time: 900ms, max_ejection_percent: 60% }".to_owned(),
        "proxy: istio, policy: random".to_owned(),
        "proxy: nginx".to_owned(),
        "proxy: { nginx: { workers: 2, balance: least_conn, keepalive: 1 } }".to_owned(),
        "proxy: { nginx: { balance: random_two, keepalive: 0 } }".to_owned(),
        "proxy: haproxy".to_owned(),
        "proxy: { haproxy: { balance: leastconn, overhead: 20ms } }".to_owned(),
        "proxy: { haproxy: { balance: roundrobin } }".to_owned(),
    ];
    let more = vec![
        given("replicas", number(0..=3)),
        given("startup", law(2_000)),
        maybe("min_ready", ms(1..=900)),
        maybe("termination", termination(2_000, 2_000)),
        maybe("strategy", rolling()),
        maybe(
            "grpc",
            (100..3_000u32, 1..30u32).prop_map(|(age, n)| match n % 3 {
                0 => format!("{{ max_connection_age: {age}ms, max_connection_age_grace: {n}ms }}"),
                1 => format!("{{ max_requests_per_connection: {n}, max_concurrent_streams: 2 }}"),
                _ => format!("{{ max_connection_idle: {age}ms }}"),
            }),
        ),
    ];
    (0..proxies.len(), more)
        .prop_map(move |(i, more)| format!("gateways:\n  - {{ name: g, {}{} }}\n", proxies[i], more.concat()))
        .boxed()
}

/// Something on the timeline: after so many thousandths of the run, of a kind, to whom, how many.
type Act = (u32, u8, usize, u32);

fn act(&(at, kind, who, n): &Act, duration: u32, servers: usize, clients: &[Client], headless: bool) -> String {
    let at = duration * at / 1_000;
    let client = who % clients.len();
    let through = clients.iter().any(|c| c.goes_through(headless)) && who == 3 && kind != 7 && kind != 9;
    let server = if through { "g".to_owned() } else { format!("s{}", who % servers) };
    let open = clients[client].is_open(headless);
    let what = match kind {
        0 => format!("rollout: {server}"),
        1 => format!("scale: {{ server: {server}, replicas: {n} }}"),
        2 => format!("kill: {{ server: {server}, pods: {} }}", n + 1),
        3 => format!("delete: {{ server: {server}, pods: {} }}", n + 1),
        6 => {
            let lasts = if n % 2 == 0 { String::new() } else { format!(", for: {}ms", 900 * n) };
            let unready = if who == 0 { String::new() } else { format!(", unready_after: {}ms", 200 * who) };
            format!("black_hole: {{ server: {server}, pods: {}{lasts}{unready} }}", n / 3 + 1)
        }
        8 => {
            let lasts = if n % 3 == 0 { String::new() } else { format!(", for: {}ms", 700 * n) };
            format!("unready: {{ server: {server}, pods: {}{lasts} }}", n / 2 + 1)
        }
        4 if open => format!("rollout: c{client}"),
        7 => format!("slow: {{ server: {server}, pods: {}, factor: {}, for: {}ms }}", n + 1, n + 2, 300 * who + 100),
        9 => {
            let status = ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "RESOURCE_EXHAUSTED"][who % 4];
            let takes = if n % 2 == 0 { String::new() } else { format!(", takes: {}ms", 3 * n) };
            let lasts = if who % 2 == 0 { String::new() } else { format!(", for: {}ms", 800 * n + 100) };
            let share = 100 - 15 * n;
            format!(
                "errors: {{ server: {server}, pods: {}, share: {share}%, status: {status}{takes}{lasts} }}",
                n / 3 + 1
            )
        }
        5 if open => format!("rate: {{ client: c{client}, to: {}, over: {}ms }}", 20 * n, 300 * who),
        _ => format!("rollout: {server}"),
    };
    format!("  - {{ at: {at}ms, {what} }}\n")
}

/// Without clients that ping, the reader refuses it.
fn without_enforcement(grpc: &str) -> String {
    match grpc.split_once(", keepalive_enforcement") {
        Some((before, _)) => format!("{before} }}"),
        None if grpc.starts_with("{ keepalive_enforcement") => "{  }".to_owned(),
        None => grpc.to_owned(),
    }
}

/// Random scenarios. About one in five is refused by the reader (a `scale` to what there is already, times that overlap):
/// the caller skips those.
pub fn scenario() -> BoxedStrategy<Scenario> {
    let cluster = map(vec![
        given("nodes", number(1..=3)),
        given(
            "endpoint_lag",
            prop_oneof![
                ms(0..=800),
                (1..1_500u32).prop_map(|m| format!("{{ uniform: {{ min: {}ms, max: {m}ms }} }}", m / 3))
            ],
        ),
        given("rtt", ms(1..=30)),
        maybe("connect", law(60)),
    ]);
    let dns = prop_oneof![
        Just("{ cache: none }".to_owned()),
        (1..6_000u32, word(&["core_dns", "node_local"])).prop_map(|(t, c)| format!("{{ ttl: {t}ms, cache: {c} }}")),
    ];
    let act = (0..1_000u32, 0..10u8, 0..4usize, 0..7u32);
    let run = (4_000..16_000u32, 0..3_000u32, word(&["250ms", "500ms", "1s"]), any::<bool>());
    (run, cluster, dns, vec(server(), 1..=2), vec(client(), 1..=3), vec(act, 0..=4), gateway())
        .prop_map(|((duration, warmup, window, headless), cluster, dns, servers, clients, mut acts, gateway)| {
            let only_http1 = clients.iter().all(|c| c.http1);
            let pings =
                clients.iter().any(|c| !c.http1 && c.proxy(headless).is_none() && c.direct.contains("keepalive"));
            let mut text = format!("name: random\nduration: {duration}ms\nwarmup: {warmup}ms\nwindow: {window}\n");
            let kind = if headless { "Headless" } else { "ClusterIP" };
            let dns = if headless { format!("dns: {dns}, ") } else { String::new() };
            text += &format!("cluster: {{ {dns}{}\nservice: {{ type: {kind} }}\nservers:\n", &cluster[2..]);
            for (i, (common, grpc)) in servers.iter().enumerate() {
                let grpc = if pings { grpc.clone() } else { without_enforcement(grpc) };
                let grpc = if only_http1 || grpc == "{  }" { String::new() } else { format!(", grpc: {grpc}") };
                text += &format!("  - {{ name: s{i}{common}{grpc} }}\n");
            }
            text += "clients:\n";
            clients.iter().enumerate().for_each(|(i, c)| text += &c.yaml(i, headless));
            if clients.iter().any(|c| c.goes_through(headless)) {
                text += &gateway;
            }
            acts.sort_by_key(|a| a.0);
            if !acts.is_empty() {
                text += "timeline:\n";
            }
            acts.iter().for_each(|a| text += &self::act(a, duration, servers.len(), &clients, headless));
            Scenario(text)
        })
        .boxed()
}

/// What may be expected of any run.
const EXPECTATIONS: [&str; 14] = [
    "idle_pods == 0",
    "max_over_mean <= 1.2",
    "latency.p99 <= 40ms",
    "latency.max < 900ms",
    "requests.failed == 0",
    "error_ratio <= 5%",
    "requests.ok > 100",
    "throughput_rps >= 20",
    "effective_pods != 2",
    "stray_share <= 10%",
    "max_utilization <= 80%",
    "max_share <= 50% in every window",
    "latency.p99 <= 80ms after 3s",
    "connections.opened <= 40",
];

/// The same, and what files depend on: expectations, a warmup that ends with a window or is none, no `window` (so that the
/// default decides), and no `duration` where a run ends without one.
pub fn with_expectations() -> BoxedStrategy<Scenario> {
    let extras = (vec(0..EXPECTATIONS.len(), 0..4), 0..4u32, 0..4u32, 0..4u32);
    (scenario(), extras)
        .prop_map(|(Scenario(text), (expected, warmup, window, duration))| {
            let mut out = String::new();
            let loads: Vec<&str> = text.lines().filter(|line| line.contains(", load: {")).collect();
            let ends = loads.iter().all(|load| load.contains("requests: "));
            for line in text.lines() {
                match line.split_once(": ") {
                    Some(("duration", _)) if duration == 0 && ends => {}
                    Some(("warmup", _)) if warmup == 0 => {}
                    Some(("warmup", given)) if warmup == 1 => {
                        let whole: u32 = given.trim_end_matches("ms").parse().unwrap_or(0) / 1_000;
                        out += &format!("warmup: {whole}s\n");
                    }
                    Some(("window", _)) if window == 0 => {}
                    _ => out += &format!("{line}\n"),
                }
            }
            if !expected.is_empty() {
                out += "expect:\n";
            }
            expected.iter().for_each(|e| out += &format!("  - {}\n", EXPECTATIONS[*e]));
            Scenario(out)
        })
        .boxed()
}
