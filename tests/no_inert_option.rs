//! No inert option: every key that the JSON Schema has, and every choice of a key, makes a difference to some run. The keys
//! are read from the schema, so a new one fails here until it is covered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use evenkeel::experiment;
use evenkeel::scenario::{self, schema::scenario_schema};
use serde_json::Value;
use tempfile::TempDir;

/// A key and a scenario in which it stands with several values, between « and », that `|` separates. The runs must differ
/// pairwise in their event digest; after `in` in the key, in this named output instead.
///
/// `TOP`, `SERVER` and `CLIENT` of the usual scenario are given by three texts; see [`complete`].
type Case = (&'static str, &'static str, &'static str, &'static str);

const HEADLESS: &str = "service: { type: Headless }";
/// One pod is busier than the others.
const UNEQUAL: &str = "service: { type: Headless }\ntimeline: [{ at: 1s, slow: { server: s, pods: 1, factor: 5 } }]";
/// Of a dead pod everybody knows only after a while.
const FAULTY: &str = "cluster: { endpoint_lag: 4s }\ntimeline: [{ at: 5s, kill: { server: s } }]";
/// The same, and in the end there are so many that 10 % of them are somebody.
const FAULTY_GROWS: &str = "cluster: { endpoint_lag: 4s }\ntimeline: [{ at: 5s, kill: { server: s } }, { at: 19s, scale: { server: s, replicas: 10 } }]";
const TWO_FAULTY: &str = "cluster: { endpoint_lag: 4s }\ntimeline: [{ at: 5s, kill: { server: s, pods: 2 } }]";
/// One pod is busier than the others, and in the end there are many.
const UNEQUAL_GROWS: &str = "service: { type: Headless }
timeline: [{ at: 1s, slow: { server: s, pods: 1, factor: 5 } }, { at: 19s, scale: { server: s, replicas: 9 } }]";
const SCALED: &str = "service: { type: Headless }\ntimeline: [{ at: 2s, scale: { server: s, replicas: 5 } }]";
const SCALED_IP: &str = "timeline: [{ at: 2s, scale: { server: s, replicas: 5 } }]";
/// A pod that is slow turns calls away.
const REFUSING: &str = "concurrency: 1, queue_limit: 1, service_time: 5ms";

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("name in scenario", "name: «a|b»", "", ""),
    ("about in about", "about: «Why?|How?»", "", ""),
    ("story.place in story", "story: { place: «1|2» }", "", ""),
    ("story.says in story", "story: { place: 1, says: «even|uneven» }", "", ""),
    ("story.why in story", "story: { place: 1, why: «dice|turns» }", "", ""),
    ("seed", "seed: «1|2»", "", ""),
    ("duration", "duration: «20s|21s»", "", ""),
    ("warmup in requests", "warmup: «0s|5s»", "", ""),
    ("window in windows", "window: «1s|2s»", "", ""),
    ("max_calls_in_flight", "max_calls_in_flight: «10|100000»", "service_time: 60s", ""),
    ("expect in expectations", "expect: «[]|[idle_pods == 0]»", "", ""),
    ("cluster.nodes", "cluster: { nodes: «1|5», endpoint_lag: { uniform: { max: 2s } } }\ntimeline: [{ at: 5s, rollout: s }]", "", "replicas: 5"),
    ("cluster.endpoint_lag", "cluster: { endpoint_lag: «100ms|3s» }\ntimeline: [{ at: 5s, kill: { server: s } }]", "", "connection_lifetime: { max: 300ms }"),
    ("cluster.dns.ttl", "service: { type: Headless }\ncluster: { dns: { ttl: «1s|5s» } }\ntimeline: [{ at: 4s, rollout: s }]", "", "policy: round_robin, resolver: { min_interval: 1s }"),
    ("cluster.dns.loadbalance", "service: { type: Headless }\ncluster: { dns: { loadbalance: «true|false» } }", "replicas: 4", "replicas: 6, policy: pick_first"),
    ("cluster.dns.cache", "service: { type: Headless }\ncluster: { dns: { cache: «none|core_dns|node_local» } }\ntimeline: [{ at: 4s, rollout: s }]", "replicas: 4", "replicas: 6, policy: pick_first, resolver: { min_interval: 1s }"),
    ("cluster.rtt", "cluster: { rtt: «1ms|2ms» }", "", ""),
    ("cluster.connect", "cluster: { connect: «1ms|2ms» }", "", ""),
    ("service.type", "service: { type: «ClusterIP|Headless» }", "", ""),
    ("service.session_affinity.timeout", "service: { session_affinity: { timeout: «1s|1h» } }", "grpc: { max_connection_age: 2s }", ""),
    ("servers.name in pods", "", "name: «s|t»", ""),
    ("servers.replicas", "", "replicas: «0|3|4»", ""),
    ("servers.concurrency", "", "service_time: 100ms, concurrency: «1|2»", ""),
    ("servers.service_time", "", "service_time: «1ms|2ms»", ""),
    ("servers.cpu.cores", "", "service_time: 20ms, cpu: { cores: «1|500m» }", ""),
    ("servers.cpu.share", "", "service_time: 20ms, cpu: { cores: 1, share: «30%|60%» }", ""),
    ("servers.cpu.request", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, cpu: { request: «100m|500m» }, hpa: { max_replicas: 20 }", "protocol: http1, load: { open: { rate: 100 } }"),
    ("servers.cpu.limit", "", "service_time: 20ms, cpu: { limit: «1|500m» }", ""),
    ("servers.speed", "", "speed: «1|2»", ""),
    ("servers.warm_up.initial", "timeline: [{ at: 5s, rollout: s }]", "startup: 1s, warm_up: { initial: «10%|20%», time: 5s }", ""),
    ("servers.warm_up.time", "timeline: [{ at: 5s, rollout: s }]", "startup: 1s, warm_up: { initial: 10%, time: «5s|6s» }", ""),
    ("servers.hpa.min_replicas", "duration: 6m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { min_replicas: «1|2», max_replicas: 10 }", "protocol: http1, load: { open: { rate: 10 } }"),
    ("servers.hpa.max_replicas", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: «4|6» }", "protocol: http1, load: { open: { rate: 300 } }"),
    ("servers.hpa.target_cpu_utilization", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 20, target_cpu_utilization: «20%|40%» }", "protocol: http1, load: { open: { rate: 100 } }"),
    ("servers.hpa.cpu_at_full_load", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 20, cpu_at_full_load: «100%|300%» }", "protocol: http1, load: { open: { rate: 100 } }"),
    ("servers.hpa.tolerance", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 20, tolerance: «5%|20%» }", "protocol: http1, load: { open: { rate: 130 } }"),
    ("servers.hpa.behavior.scale_up.stabilization_window", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 30, behavior: { scale_up: { stabilization_window: «0s|1m» } } }", "protocol: http1, load: { open: { rate: 600 } }"),
    ("servers.hpa.behavior.scale_up.policies.pods", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 30, behavior: { scale_up: { policies: [{ pods: «1|2», period: 15s }] } } }", "protocol: http1, load: { open: { rate: 600 } }"),
    ("servers.hpa.behavior.scale_up.policies.percent", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 30, behavior: { scale_up: { policies: [{ percent: «10|50», period: 15s }] } } }", "protocol: http1, load: { open: { rate: 600 } }"),
    ("servers.hpa.behavior.scale_up.policies.period", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 30, behavior: { scale_up: { policies: [{ pods: 1, period: «15s|1m» }] } } }", "protocol: http1, load: { open: { rate: 600 } }"),
    ("servers.hpa.behavior.scale_up.select_policy", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 30, behavior: { scale_up: { select_policy: «max|min|disabled», policies: [{ pods: 1, period: 15s }, { pods: 3, period: 15s }] } } }", "protocol: http1, load: { open: { rate: 600 } }"),
    ("servers.hpa.behavior.scale_down.stabilization_window", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, replicas: 20, hpa: { max_replicas: 30, behavior: { scale_down: { stabilization_window: «0s|1m» } } }", "protocol: http1, load: { open: { rate: 1 } }"),
    ("servers.hpa.behavior.scale_down.policies.pods", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, replicas: 20, hpa: { max_replicas: 30, behavior: { scale_down: { stabilization_window: 0s, policies: [{ pods: «1|2», period: 15s }] } } }", "protocol: http1, load: { open: { rate: 1 } }"),
    ("servers.hpa.behavior.scale_down.policies.percent", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, replicas: 20, hpa: { max_replicas: 30, behavior: { scale_down: { stabilization_window: 0s, policies: [{ percent: «10|50», period: 15s }] } } }", "protocol: http1, load: { open: { rate: 1 } }"),
    ("servers.hpa.behavior.scale_down.policies.period", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, replicas: 20, hpa: { max_replicas: 30, behavior: { scale_down: { stabilization_window: 0s, policies: [{ pods: 1, period: «15s|1m» }] } } }", "protocol: http1, load: { open: { rate: 1 } }"),
    ("servers.hpa.behavior.scale_down.select_policy", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, replicas: 20, hpa: { max_replicas: 30, behavior: { scale_down: { stabilization_window: 0s, select_policy: «max|min|disabled», policies: [{ pods: 1, period: 15s }, { pods: 3, period: 15s }] } } }", "protocol: http1, load: { open: { rate: 1 } }"),
    ("servers.hpa.sync_period", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 20, sync_period: «15s|30s» }", "protocol: http1, load: { open: { rate: 300 } }"),
    ("servers.hpa.metrics_resolution", "duration: 3m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 20, metrics_resolution: «15s|30s» }", "protocol: http1, load: { open: { rate: 300 } }"),
    ("servers.hpa.cpu_initialization_period", "duration: 3m", "replicas: 3, service_time: 20ms, concurrency: 1, startup: 14s, queue_limit: 5, hpa: { max_replicas: 100, target_cpu_utilization: 20%, cpu_initialization_period: «0s|5m», behavior: { scale_up: { policies: [{ percent: 1000, period: 15s }] } } }", "protocol: http1, load: { open: { rate: 300 } }"),
    ("servers.hpa.initial_readiness_delay", "duration: 4m\ntimeline: [{ at: 1m, kill: { server: s, pods: 3 } }]", "replicas: 6, service_time: 20ms, concurrency: 1, startup: 2m, queue_limit: 5, hpa: { max_replicas: 20, cpu_initialization_period: 1s, downscale_stabilization: 30s, initial_readiness_delay: «1s|4m» }", "protocol: http1, load: { open: { rate: 225 } }"),
    ("servers.hpa.downscale_stabilization", "duration: 4m", "service_time: 20ms, concurrency: 1, startup: 5s, queue_limit: 5, hpa: { max_replicas: 20, downscale_stabilization: «1m|2m» }", "protocol: http1, load: { open: { rate: 10 } }"),
    ("servers.queue_limit", "", "service_time: 200ms, concurrency: 1, queue_limit: «0|5»", ""),
    ("servers.handshake_time", "", "handshake_time: «0s|1ms»", ""),
    ("servers.startup", "timeline: [{ at: 5s, rollout: s }]", "startup: «1s|2s»", ""),
    ("servers.min_ready", "timeline: [{ at: 5s, rollout: s }]", "min_ready: «0s|2s»", ""),
    ("servers.termination.sigterm", "timeline: [{ at: 5s, rollout: s }]", "concurrency: 50, service_time: 2s, startup: 1s, termination: { grace: 4s, sigterm: «graceful_stop|exit|ignore» }", ""),
    ("servers.termination.pre_stop", "timeline: [{ at: 5s, rollout: s }]", "termination: { pre_stop: «0s|2s» }", ""),
    ("servers.termination.grace", "timeline: [{ at: 5s, rollout: s }]", "concurrency: 50, service_time: 20s, startup: 1s, termination: { grace: «3s|6s» }", ""),
    ("servers.strategy.type", "timeline: [{ at: 5s, rollout: s }]", "strategy: { type: «RollingUpdate|Recreate» }", ""),
    ("servers.strategy.max_surge", "timeline: [{ at: 5s, rollout: s }]", "strategy: { max_surge: «1|2|100%» }", ""),
    ("servers.strategy.max_unavailable", "timeline: [{ at: 5s, rollout: s }]", "strategy: { max_unavailable: «1|2|100%» }", ""),
    ("servers.grpc.max_connection_age", "", "grpc: { max_connection_age: «2s|4s» }", ""),
    ("servers.grpc.max_connection_age_grace", "", "concurrency: 50, service_time: 3s, grpc: { max_connection_age: 2s, max_connection_age_grace: «500ms|1s» }", ""),
    ("servers.grpc.max_connection_idle", "", "grpc: { max_connection_idle: «10ms|20ms» }", "load: { open: { rate: 20 } }"),
    ("servers.grpc.max_requests_per_connection", "", "grpc: { max_requests_per_connection: «100|200» }", ""),
    ("servers.grpc.max_concurrent_streams", "", "service_time: 100ms, grpc: { max_concurrent_streams: «1|2» }", ""),
    ("clients.name", "", "", "name: «c|d»"),
    ("clients.replicas", "", "", "replicas: «1|2»"),
    ("clients.protocol", "", "", "protocol: «grpc|http1»"),
    ("clients.channels", "", "", "channels: «1|2»"),
    ("clients.start.at", "", "", "start: { at: «0s|1s» }"),
    ("clients.start.spread", "", "", "start: { spread: «1s|2s» }"),
    ("clients.policy", HEADLESS, "", "policy: «pick_first|round_robin|random|least_request|peak_ewma|weighted_round_robin|ring_hash»"),
    ("clients.policy.pick_first.reconnect", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "startup: 5s", "policy: { pick_first: { reconnect: «lazy|eager» } }, load: { open: { rate: 2 } }"),
    ("clients.policy.pick_first.shuffle", HEADLESS, "", "replicas: 6, policy: { pick_first: { shuffle: «false|true» } }"),
    ("clients.policy.least_request.choice_count", HEADLESS, "service_time: 20ms", "policy: { least_request: { choice_count: «2|3» } }"),
    ("clients.policy.peak_ewma.default_rtt", HEADLESS, "", "policy: { peak_ewma: { default_rtt: «1ms|1s» } }"),
    ("clients.policy.peak_ewma.decay", HEADLESS, "", "policy: { peak_ewma: { decay: «10ms|10s» } }"),
    ("clients.policy.weighted_round_robin.blackout_period", UNEQUAL, "", "policy: { weighted_round_robin: { blackout_period: «2s|6s» } }"),
    ("clients.policy.weighted_round_robin.weight_expiration_period", UNEQUAL, "", "load: { open: { curve: [{ at: 0s, rate: 20 }, { at: 5s, rate: 20 }, { at: 5s, rate: 0.2 }] } }, policy: { weighted_round_robin: { blackout_period: 1s, weight_expiration_period: «1s|1m» } }"),
    ("clients.policy.weighted_round_robin.weight_update_period", UNEQUAL, "", "policy: { weighted_round_robin: { blackout_period: 2s, weight_update_period: «1s|3s» } }"),
    ("clients.policy.weighted_round_robin.error_utilization_penalty", UNEQUAL, "concurrency: 1, queue_limit: 1, service_time: 20ms", "policy: { weighted_round_robin: { blackout_period: 2s, error_utilization_penalty: «0|5» } }"),
    ("clients.policy.ring_hash.min_ring_size", HEADLESS, "", "policy: { ring_hash: { min_ring_size: «10|1024» } }"),
    ("clients.policy.ring_hash.max_ring_size", HEADLESS, "", "policy: { ring_hash: { min_ring_size: 1, max_ring_size: «1|4096» } }"),
    ("clients.policy.maglev", HEADLESS, "", "via: envoy, policy: «maglev|ring_hash|round_robin»"),
    ("clients.policy.maglev.table_size", HEADLESS, "", "via: envoy, policy: { maglev: { table_size: «7|65537» } }"),
    ("clients.keys.count", HEADLESS, "", "policy: ring_hash, keys: { count: «1|5» }"),
    ("clients.keys.zipf", HEADLESS, "", "policy: ring_hash, keys: { count: 5, zipf: «0|3» }"),
    ("clients.outlier_detection", FAULTY, "startup: 6s", "via: istio, outlier_detection: «null|{ max_ejection_percent: 50%, base_ejection_time: 2s }»"),
    ("clients.outlier_detection.interval", FAULTY, "startup: 6s", "via: istio, outlier_detection: { max_ejection_percent: 50%, base_ejection_time: 2s, interval: «1s|3s» }"),
    ("clients.outlier_detection.base_ejection_time", FAULTY, "startup: 6s", "via: istio, outlier_detection: { max_ejection_percent: 50%, interval: 1s, base_ejection_time: «1s|5s» }"),
    ("clients.outlier_detection.max_ejection_time", FAULTY, "startup: 6s", "via: istio, outlier_detection: { max_ejection_percent: 50%, interval: 1s, base_ejection_time: 1s, max_ejection_time: «1s|5s» }"),
    ("clients.outlier_detection.max_ejection_percent", TWO_FAULTY, "startup: 6s", "via: istio, outlier_detection: { base_ejection_time: 2s, max_ejection_percent: «40%|70%» }"),
    ("clients.outlier_detection.always_eject_one_host", FAULTY_GROWS, "startup: 6s", "via: istio, outlier_detection: { base_ejection_time: 2s, max_ejection_percent: 10%, always_eject_one_host: «false|true» }"),
    ("clients.outlier_detection.consecutive_5xx", FAULTY, "startup: 6s", "via: istio, outlier_detection: { base_ejection_time: 2s, max_ejection_percent: 50%, consecutive_5xx: «1|9» }"),
    ("clients.outlier_detection.success_rate", UNEQUAL, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, failure_percentage: { minimum_hosts: 2, enforcement: 0% }, success_rate: «null|{ minimum_hosts: 2, request_volume: 3, stdev_factor: 100 }» }"),
    ("clients.outlier_detection.success_rate.stdev_factor", UNEQUAL, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, success_rate: { minimum_hosts: 2, request_volume: 3, stdev_factor: «100|9000» } }"),
    ("clients.outlier_detection.success_rate.enforcement", UNEQUAL, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, success_rate: { minimum_hosts: 2, request_volume: 3, stdev_factor: 100, enforcement: «0%|100%» } }"),
    ("clients.outlier_detection.success_rate.minimum_hosts", UNEQUAL_GROWS, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, success_rate: { minimum_hosts: «2|9», request_volume: 3, stdev_factor: 100 } }"),
    ("clients.outlier_detection.success_rate.request_volume", UNEQUAL, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, success_rate: { minimum_hosts: 2, request_volume: «3|500», stdev_factor: 100 } }"),
    ("clients.outlier_detection.failure_percentage", UNEQUAL, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, success_rate: { minimum_hosts: 2, enforcement: 0% }, failure_percentage: «null|{ minimum_hosts: 2, request_volume: 3, threshold: 10% }» }"),
    ("clients.outlier_detection.failure_percentage.threshold", UNEQUAL, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, failure_percentage: { minimum_hosts: 2, request_volume: 3, threshold: «10%|100%» } }"),
    ("clients.outlier_detection.failure_percentage.enforcement", UNEQUAL, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, failure_percentage: { minimum_hosts: 2, request_volume: 3, threshold: 10%, enforcement: «0%|100%» } }"),
    ("clients.outlier_detection.failure_percentage.minimum_hosts", UNEQUAL_GROWS, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, failure_percentage: { minimum_hosts: «2|9», request_volume: 3, threshold: 10% } }"),
    ("clients.outlier_detection.failure_percentage.request_volume", UNEQUAL, REFUSING, "discovery: watch, policy: random, outlier_detection: { interval: 1s, base_ejection_time: 2s, max_ejection_percent: 50%, failure_percentage: { minimum_hosts: 2, request_volume: «3|500», threshold: 10% } }"),
    ("clients.via.envoy.panic_threshold", "service: { type: Headless }\ntimeline: [{ at: 5s, kill: { server: s, pods: 2 } }]", "startup: 4s", "discovery: { poll: { interval: 9s } }, outlier_detection: { max_ejection_percent: 100%, base_ejection_time: 3s, consecutive_5xx: 1 }, via: { envoy: { panic_threshold: «0%|50%» } }"),
    ("clients.via.istio.panic_threshold", "cluster: { endpoint_lag: 4s }\ntimeline: [{ at: 5s, kill: { server: s, pods: 2 } }]", "startup: 4s", "outlier_detection: { max_ejection_percent: 100%, base_ejection_time: 3s, consecutive_5xx: 1 }, via: { istio: { panic_threshold: «0%|50%» } }"),
    ("clients.via.envoy.opaque", "", "", "channels: 6, via: { envoy: { opaque: «false|true» } }"),
    ("clients.via.istio.opaque", "", "", "via: { istio: { opaque: «false|true» } }"),
    ("clients.via.linkerd.failure_accrual.max_failures", "timeline: [{ at: 5s, errors: { server: s } }]", "", "via: { linkerd: { failure_accrual: { max_failures: «2|5» } } }"),
    ("clients.via.linkerd.failure_accrual.min_penalty", "timeline: [{ at: 5s, errors: { server: s } }]", "", "via: { linkerd: { failure_accrual: { min_penalty: «1s|2s» } } }"),
    ("clients.via.linkerd.failure_accrual.max_penalty", "timeline: [{ at: 5s, errors: { server: s } }]", "", "via: { linkerd: { failure_accrual: { max_penalty: «1s|2s» } } }"),
    ("clients.via.linkerd.failure_accrual.jitter", "timeline: [{ at: 5s, errors: { server: s } }]", "", "via: { linkerd: { failure_accrual: { jitter: «0|0.9» } } }"),
    ("clients.via.linkerd.opaque", "", "", "via: { linkerd: { opaque: «false|true» } }"),
    ("clients.via.envoy.retries", "service: { type: Headless }\ntimeline: [{ at: 5s, kill: { server: s } }]", "startup: 6s", "via: { envoy: { retries: «0|1|4» } }"),
    ("clients.via.istio.retries", FAULTY, "startup: 6s", "via: { istio: { retries: «0|1|2» } }"),
    ("clients.via.envoy.max_requests_per_connection", HEADLESS, "", "via: { envoy: { max_requests_per_connection: «5|50» } }"),
    ("clients.via.istio.max_requests_per_connection", "", "", "via: { istio: { max_requests_per_connection: «5|50» } }"),
    ("clients.via.envoy.slow_start", SCALED, "startup: 1s", "via: { envoy: { slow_start: «null|{ window: 5s }» } }"),
    ("clients.via.envoy.slow_start.window", SCALED, "startup: 1s", "via: { envoy: { slow_start: { window: «2s|8s» } } }"),
    ("clients.via.envoy.slow_start.aggression", SCALED, "startup: 1s", "via: { envoy: { slow_start: { window: 8s, aggression: «1|5» } } }"),
    ("clients.via.envoy.slow_start.min_weight", SCALED, "startup: 1s", "via: { envoy: { slow_start: { window: 8s, min_weight: «1%|60%» } } }"),
    ("clients.via.istio.slow_start", SCALED_IP, "startup: 1s", "via: { istio: { slow_start: «null|{ window: 5s }» } }"),
    ("clients.via.istio.slow_start.window", SCALED_IP, "startup: 1s", "via: { istio: { slow_start: { window: «2s|8s» } } }"),
    ("clients.via.istio.slow_start.aggression", SCALED_IP, "startup: 1s", "via: { istio: { slow_start: { window: 8s, aggression: «1|5» } } }"),
    ("clients.via.istio.slow_start.min_weight", SCALED_IP, "startup: 1s", "via: { istio: { slow_start: { window: 8s, min_weight: «1%|60%» } } }"),
    ("clients.policy.round_robin.start", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: s }]", "", "replicas: 6, resolver: { min_interval: 1s }, policy: { round_robin: { start: «random_order|random|first|continue|next_subchannel» } }"),
    ("clients.wait_for_ready", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "wait_for_ready: «false|true»"),
    ("clients.connect", "", "", "connect: «start|first_call»"),
    ("clients.via", "", "", "via: «null|{ envoy: { overhead: 1ms } }|istio|linkerd|ambient»"),
    ("clients.via.envoy.workers", HEADLESS, "", "channels: 6, via: { envoy: { workers: «1|3» } }"),
    ("clients.via.envoy.overhead", "", "", "via: { envoy: { overhead: «1ms|2ms» } }"),
    ("clients.via.envoy.circuit_breakers.max_requests", "", "service_time: 50ms", "via: { envoy: { circuit_breakers: { max_requests: «1|100» } } }"),
    ("clients.via.envoy.circuit_breakers.max_pending_requests", "cluster: { connect: 500ms }", "", "via: { envoy: { circuit_breakers: { max_pending_requests: «1|100» } } }"),
    ("clients.via.istio.circuit_breakers.max_requests", "", "service_time: 50ms", "via: { istio: { circuit_breakers: { max_requests: «1|100» } } }"),
    ("clients.via.istio.circuit_breakers.max_pending_requests", "cluster: { connect: 500ms }", "", "via: { istio: { circuit_breakers: { max_pending_requests: «1|100» } } }"),
    ("clients.via.istio.workers", "", "", "channels: 6, via: { istio: { workers: «1|3» } }"),
    ("clients.via.istio.overhead", "", "", "via: { istio: { overhead: «1ms|2ms» } }"),
    ("clients.via.linkerd.overhead", "", "", "via: { linkerd: { overhead: «1ms|2ms» } }"),
    ("clients.via.ambient.overhead", "", "", "via: { ambient: { overhead: «1ms|2ms» } }"),
    ("clients.discovery", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: s }]", "", "policy: round_robin, discovery: «dns|poll|watch»"),
    ("clients.discovery.poll.interval", "service: { type: Headless }\ncluster: { dns: { cache: none } }\ntimeline: [{ at: 5s, rollout: s }]", "", "policy: round_robin, discovery: { poll: { interval: «1s|3s» } }"),
    ("clients.discovery.watch.debounce", "timeline: [{ at: 5s, rollout: s }]", "", "policy: round_robin, discovery: { watch: { debounce: «0s|1s» } }"),
    ("clients.discovery.watch.debounce_max", "timeline: [{ at: 2s, rollout: s }]", "replicas: 6, startup: 500ms", "policy: round_robin, discovery: { watch: { debounce: 2s, debounce_max: «2s|3s» } }"),
    ("clients.discovery.watch.ignore_empty", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "policy: round_robin, discovery: { watch: { ignore_empty: «false|true» } }"),
    ("clients.resolver.min_interval", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: s }]", "", "policy: round_robin, resolver: { min_interval: «1s|8s» }"),
    ("clients.resolver.early", "service: { type: Headless }\ntimeline: [{ at: 2s, kill: { server: s, pods: 3 } }]", "startup: 1s", "policy: round_robin, resolver: { min_interval: 5s, early: «defer_and_remember|defer|drop» }"),
    ("clients.backoff.base", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "wait_for_ready: true, backoff: { base: «500ms|700ms» }"),
    ("clients.backoff.multiplier", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "wait_for_ready: true, backoff: { multiplier: «1.6|2» }"),
    ("clients.backoff.jitter", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "wait_for_ready: true, backoff: { jitter: «0|0.2» }"),
    ("clients.backoff.jitter_first", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "wait_for_ready: true, backoff: { jitter_first: «false|true» }"),
    ("clients.backoff.max", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "wait_for_ready: true, backoff: { max: «1s|120s» }"),
    ("clients.backoff.from", "timeline: [{ at: 5s, black_hole: { server: s, pods: 3, for: 8s } }]", "", "start: { at: 6s }, wait_for_ready: true, connect_timeout: 4s, backoff: { from: «attempt_start|attempt_end» }"),
    ("clients.backoff.per_call", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "backoff: { per_call: «false|true» }"),
    ("clients.connect_timeout", "timeline: [{ at: 5s, black_hole: { server: s, pods: 3, for: 8s } }]", "", "start: { at: 6s }, wait_for_ready: true, connect_timeout: «2s|3s»"),
    ("clients.idle_timeout", "", "", "idle_timeout: «0s|100ms|1s», load: { open: { rate: 1 } }"),
    ("clients.shared_subchannels", "", "", "channels: 3, shared_subchannels: «false|true»"),
    ("clients.subset.size", HEADLESS, "", "policy: round_robin, subset: { size: «1|2|3» }"),
    ("clients.stack", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "channels: 2, stack: «go|c_core|java|node|tonic»"),
    ("clients.dispatch", "", "", "dispatch: «1us|1ms|{ uniform: { max: 1ms } }», load: { closed: { concurrency: 5, requests: 100 } }"),
    ("clients.retry.max_attempts", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "retry: { max_attempts: «2|3», initial_backoff: 100ms, max_backoff: 1s, multiplier: 2, codes: [UNAVAILABLE] }"),
    ("clients.retry.initial_backoff", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "retry: { max_attempts: 2, initial_backoff: «100ms|200ms», max_backoff: 1s, multiplier: 2, codes: [UNAVAILABLE] }"),
    ("clients.retry.max_backoff", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "retry: { max_attempts: 3, initial_backoff: 100ms, max_backoff: «150ms|1s», multiplier: 2, codes: [UNAVAILABLE] }"),
    ("clients.retry.multiplier", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "retry: { max_attempts: 3, initial_backoff: 100ms, max_backoff: 1s, multiplier: «1.5|2», codes: [UNAVAILABLE] }"),
    ("clients.retry.codes", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }, { at: 13s, errors: { server: s, pods: 3, status: INTERNAL, for: 2s } }, { at: 16s, errors: { server: s, pods: 3, status: UNKNOWN } }]", "concurrency: 1, service_time: 50ms, queue_limit: 0", "retry: { max_attempts: 2, initial_backoff: 100ms, max_backoff: 1s, multiplier: 2, codes: [«UNAVAILABLE|RESOURCE_EXHAUSTED|INTERNAL|UNKNOWN»] }"),
    ("clients.retry.throttling.max_tokens", "timeline: [{ at: 5s, kill: { server: s, pods: 3 } }]", "", "retry: { max_attempts: 2, initial_backoff: 100ms, max_backoff: 1s, multiplier: 2, codes: [UNAVAILABLE], throttling: { max_tokens: «10|20», token_ratio: 0.1 } }"),
    ("clients.retry.throttling.token_ratio", "", "concurrency: 1, service_time: 20ms, queue_limit: 0", "retry: { max_attempts: 2, initial_backoff: 100ms, max_backoff: 1s, multiplier: 2, codes: [RESOURCE_EXHAUSTED], throttling: { max_tokens: 10, token_ratio: «0.1|0.5» } }, load: { open: { rate: 20 } }"),
    ("clients.keepalive.time", "duration: 200s", "", "keepalive: { time: «10s|20s», permit_without_stream: true }, load: { open: { rate: 0.001 } }"),
    ("clients.keepalive.timeout", "duration: 200s\ncluster: { rtt: 10ms }", "", "keepalive: { time: 10s, timeout: «5ms|6ms|20s», permit_without_stream: true }, load: { open: { rate: 0.001 } }"),
    ("clients.keepalive.permit_without_stream", "duration: 200s", "", "keepalive: { time: 10s, permit_without_stream: «false|true» }, load: { open: { rate: 0.001 } }"),
    ("clients.keepalive.wake", "duration: 200s", "service_time: 1h", "keepalive: { time: 10s, wake: «at_once|next_tick» }, load: { open: { rate: 0.05 } }"),
    ("clients.keepalive.bdp_ping", "duration: 200s", "concurrency: 50, service_time: { mixture: [{ weight: 1, of: 1ms }, { weight: 1, of: 1h }] }", "keepalive: { time: 10s, bdp_ping: «false|true» }, load: { open: { rate: 0.05 } }"),
    ("clients.keepalive.throttle.free", "duration: 200s", "service_time: 1h", "keepalive: { time: 10s, throttle: { free: «0|2|3» } }, load: { closed: { concurrency: 1 } }"),
    ("clients.keepalive.throttle.interval", "duration: 200s", "service_time: 1h", "keepalive: { time: 10s, throttle: { free: 2, interval: «30s|40s» } }, load: { open: { rate: 0.02 } }"),
    ("clients.keepalive.tcp_user_timeout", "timeline: [{ at: 5s, black_hole: { server: s, pods: 3 } }]", "", "keepalive: { time: 2s, timeout: 1s, tcp_user_timeout: «false|true» }, load: { open: { rate: 50 } }"),
    ("clients.keepalive.tcp_user_timeout_of_dials", "timeline: [{ at: 5s, black_hole: { server: s, pods: 3 } }]", "", "keepalive: { time: 2s, timeout: 1s, tcp_user_timeout_of_dials: «false|true» }, load: { open: { rate: 50 } }"),
    ("clients.keepalive.slow_down", "duration: 200s", "service_time: 1h", "keepalive: { time: 10s, slow_down: «false|true» }, load: { open: { rate: 0.1 } }"),
    ("servers.grpc.keepalive_enforcement.min_time", "duration: 200s", "service_time: 1h, grpc: { keepalive_enforcement: { min_time: «5s|5m» } }", "keepalive: { time: 10s }, load: { open: { rate: 1 } }"),
    ("servers.grpc.keepalive_enforcement.permit_without_stream", "duration: 200s", "grpc: { keepalive_enforcement: { min_time: 5s, permit_without_stream: «false|true» } }", "keepalive: { time: 10s, permit_without_stream: true }, load: { open: { rate: 0.001 } }"),
    ("servers.grpc.keepalive_enforcement.max_ping_strikes", "duration: 200s", "service_time: 1h, stack: c_core, grpc: { keepalive_enforcement: { max_ping_strikes: «0|1|2» } }", "keepalive: { time: 10s, throttle: { free: 0 } }, load: { closed: { concurrency: 1 } }"),
    ("servers.stack", "duration: 400s", "service_time: 1h, stack: «go|c_core|java|node»", "keepalive: { time: 10s }, load: { closed: { concurrency: 1 } }"),
    ("clients.connection_lifetime.max", "", "", "connection_lifetime: { max: «2s|4s» }"),
    ("clients.connection_lifetime.jitter", "", "", "connection_lifetime: { max: 2s, jitter: «0|0.5» }"),
    ("clients.http1.max_connections", "", "", "protocol: http1, http1: { max_connections: «1|2» }"),
    ("clients.http1.keep_alive", "", "", "protocol: http1, http1: { keep_alive: «null|{}» }"),
    ("clients.http1.keep_alive.warm", "", "", "protocol: http1, http1: { keep_alive: { warm: «0|5» } }"),
    ("clients.http1.keep_alive.order", "", "", "protocol: http1, http1: { keep_alive: { warm: 5, order: «lifo|fifo» } }"),
    ("clients.http1.keep_alive.idle_timeout", "", "", "protocol: http1, http1: { keep_alive: { idle_timeout: «10ms|1s» } }"),
    ("clients.load.closed.concurrency", "", "", "load: { closed: { concurrency: «5|6», requests: 100 } }"),
    ("clients.load.closed.think_time", "", "", "load: { closed: { concurrency: 5, requests: 100, think_time: «0s|10ms|{ uniform: { max: 20ms } }» } }"),
    ("clients.load.closed.max_rate", "", "", "load: { closed: { concurrency: 5, requests: 100, max_rate: «10|20» } }"),
    ("clients.load.closed.requests", "", "", "load: { closed: { concurrency: 5, requests: «100|101» } }"),
    ("clients.load.open.rate", "", "", "load: { open: { rate: «10|11» } }"),
    ("clients.load.open.curve.at", "", "", "load: { open: { curve: [{ at: 0s, rate: 10 }, { at: «5s|6s», rate: 50 }] } }"),
    ("clients.load.open.curve.rate", "", "", "load: { open: { curve: [{ at: 0s, rate: 10 }, { at: 5s, rate: «50|60» }] } }"),
    ("clients.load.open.trace", "", "", "load: { open: { trace: «one.csv|two.csv» } }"),
    ("clients.load.open.arrivals", "", "", "load: { open: { rate: 10, arrivals: «poisson|constant» } }"),
    ("clients.load.streams.rate", "", "", "load: { streams: { rate: «1|2», duration: 5s } }"),
    ("clients.load.streams.duration", "", "", "load: { streams: { rate: 1, duration: «5s|6s» } }"),
    ("clients.load.streams.messages", "", "", "load: { streams: { rate: 1, duration: 5s, messages: «null|{ interval: 1s }» } }"),
    ("clients.load.streams.messages.interval", "", "", "load: { streams: { rate: 1, duration: 5s, messages: { interval: «1s|2s» } } }"),
    ("clients.load.methods.name in methods", "", "", "name: c, load: { open: { rate: 10 }, methods: [{ name: «a|b», share: 50% }, { name: c, share: 50% }] }"),
    ("clients.load.methods.share in methods", "", "", "name: c, load: { open: { rate: 10 }, methods: [{ name: a, share: «50% }, { name: c, share: 50%|51% }, { name: c, share: 49%» }] }"),
    ("clients.load.methods.cost", "", "", "name: c, load: { open: { rate: 10 }, methods: [{ name: a, share: 50%, cost: «1|2» }, { name: c, share: 50% }] }"),
    ("clients.load.methods.deadline", "", "service_time: 20ms", "name: c, load: { open: { rate: 10 }, methods: [{ name: a, share: 50%, deadline: «10ms|15ms» }, { name: c, share: 50% }] }"),
    ("clients.deadline", "", "service_time: 20ms", "deadline: «10ms|15ms»"),
    ("clients.startup", "timeline: [{ at: 5s, rollout: c }]", "", "startup: «1s|2s»"),
    ("clients.strategy.type", "timeline: [{ at: 5s, rollout: c }]", "", "replicas: 4, strategy: { type: «RollingUpdate|Recreate» }"),
    ("clients.strategy.max_surge", "timeline: [{ at: 5s, rollout: c }]", "", "replicas: 4, strategy: { max_surge: «1|4» }"),
    ("clients.strategy.max_unavailable", "timeline: [{ at: 5s, rollout: c }]", "", "replicas: 4, strategy: { max_unavailable: «1|4» }"),
    ("gateways.name in gateways", "gateways: [{ name: «g|h», proxy: { nginx: {} } }]\nclients: [{ name: c, via: { gateway: «g|h» }, load: { open: { rate: 10 } } }]", "", ""),
    ("gateways.replicas", "service: { type: Headless }\ngateways: [{ name: g, replicas: «1|3», proxy: { nginx: {} } }]", "", "via: { gateway: g }, replicas: 4"),
    ("gateways.proxy.envoy", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: s }]\ngateways: [{ name: g, proxy: { envoy: { retries: «0|3» } } }]", "", "via: { gateway: g }"),
    ("gateways.proxy.istio", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: s }]\ngateways: [{ name: g, proxy: { istio: { retries: «0|2» } } }]", "", "via: { gateway: g }"),
    ("gateways.proxy.waypoint", "service: { type: Headless }\ngateways: [{ name: g, proxy: { waypoint: { overhead: «1ms|2ms» } } }]", "", "via: { gateway: g }"),
    ("gateways.proxy.nginx.workers", "service: { type: Headless }\ngateways: [{ name: g, proxy: { nginx: { workers: «1|3» } } }]", "", "via: { gateway: g }, replicas: 4"),
    ("gateways.proxy.nginx.overhead", "service: { type: Headless }\ngateways: [{ name: g, proxy: { nginx: { overhead: «1ms|2ms» } } }]", "", "via: { gateway: g }"),
    ("gateways.proxy.nginx.balance", "service: { type: Headless }\ngateways: [{ name: g, proxy: { nginx: { balance: «round_robin|least_conn|random_two» } } }]", "service_time: 20ms", "via: { gateway: g }"),
    ("gateways.proxy.nginx.keepalive", "service: { type: Headless }\ngateways: [{ name: g, proxy: { nginx: { keepalive: «0|2|32» } } }]", "service_time: 20ms", "via: { gateway: g }"),
    ("gateways.proxy.haproxy.overhead", "service: { type: Headless }\ngateways: [{ name: g, proxy: { haproxy: { overhead: «1ms|2ms» } } }]", "", "via: { gateway: g }"),
    ("gateways.proxy.haproxy.balance", "service: { type: Headless }\ngateways: [{ name: g, proxy: { haproxy: { balance: «roundrobin|leastconn|random» } } }]", "service_time: { exponential: { mean: 20ms } }", "via: { gateway: g }"),
    ("gateways.proxy.haproxy.weight", "service: { type: Headless }\ngateways: [{ name: g, proxy: { haproxy: { balance: random, weight: «1|100» } } }]", "service_time: 20ms", "via: { gateway: g }"),
    ("gateways.policy", "service: { type: Headless }\ngateways: [{ name: g, proxy: { envoy: {} }, policy: «round_robin|random|least_request|ring_hash|maglev» }]", "", "via: { gateway: g }"),
    ("gateways.discovery", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: s }]\ngateways: [{ name: g, proxy: { envoy: {} }, discovery: «poll|watch» }]", "", "via: { gateway: g }"),
    ("gateways.outlier_detection", "service: { type: Headless }\ntimeline: [{ at: 5s, kill: { server: s } }]\ngateways: [{ name: g, proxy: { envoy: {} }, outlier_detection: «null|{ max_ejection_percent: 50%, base_ejection_time: 2s }» }]", "startup: 6s", "via: { gateway: g }"),
    ("gateways.keys", "service: { type: Headless }\ngateways: [{ name: g, proxy: { envoy: {} }, policy: ring_hash, keys: { count: «1|5» } }]", "", "via: { gateway: g }"),
    ("gateways.startup", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: g }]\ngateways: [{ name: g, proxy: { nginx: {} }, startup: «1s|2s» }]", "", "via: { gateway: g }"),
    ("gateways.min_ready", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: g }]\ngateways: [{ name: g, proxy: { nginx: {} }, replicas: 2, min_ready: «0s|2s» }]", "", "via: { gateway: g }"),
    ("gateways.termination", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: g }]\ngateways: [{ name: g, proxy: { nginx: {} }, termination: { pre_stop: «0s|2s» } }]", "", "via: { gateway: g }"),
    ("gateways.strategy", "service: { type: Headless }\ntimeline: [{ at: 5s, rollout: g }]\ngateways: [{ name: g, proxy: { nginx: {} }, replicas: 2, strategy: «{ type: Recreate }|{ max_surge: 2 }» }]", "", "via: { gateway: g }"),
    ("gateways.grpc", "service: { type: Headless }\ngateways: [{ name: g, proxy: { haproxy: {} }, replicas: 3, grpc: { max_connection_age: «2s|4s» } }]", "", "via: { gateway: g }, replicas: 4"),
    ("clients.via.gateway", "gateways: [{ name: g, proxy: { nginx: {} } }, { name: h, proxy: { haproxy: {} } }]\nclients: [{ name: c, via: { gateway: «g|h» }, load: { open: { rate: 10 } } }, { name: d, via: { gateway: g }, load: { open: { rate: 1 } } }, { name: e, via: { gateway: h }, load: { open: { rate: 1 } } }]", "", ""),
    ("timeline.at", "timeline: [{ at: «5s|6s», rollout: s }]", "", ""),
    ("timeline.rollout", "timeline: [{ at: 5s, rollout: «s|c» }]", "", ""),
    ("timeline.scale.server", "servers: [{ name: s, replicas: 2 }, { name: t, replicas: 2 }]\ntimeline: [{ at: 5s, scale: { server: «s|t», replicas: 5 } }]", "", ""),
    ("timeline.scale.replicas", "timeline: [{ at: 5s, scale: { server: s, replicas: «0|5» } }]", "", ""),
    ("timeline.kill.server", "servers: [{ name: s, replicas: 2 }, { name: t, replicas: 2 }]\ntimeline: [{ at: 5s, kill: { server: «s|t» } }]", "", ""),
    ("timeline.kill.pods", "timeline: [{ at: 5s, kill: { server: s, pods: «1|2» } }]", "", ""),
    ("timeline.delete.server", "servers: [{ name: s, replicas: 2 }, { name: t, replicas: 2 }]\ntimeline: [{ at: 5s, delete: { server: «s|t» } }]", "", ""),
    ("timeline.delete.pods", "timeline: [{ at: 5s, delete: { server: s, pods: «1|2» } }]", "", ""),
    ("timeline.slow.server", "servers: [{ name: s, replicas: 2 }, { name: t, replicas: 2 }]\ntimeline: [{ at: 5s, slow: { server: «s|t», factor: 2 } }]", "", "replicas: 5"),
    ("timeline.slow.pods", "timeline: [{ at: 5s, slow: { server: s, factor: 2, pods: «1|2» } }]", "", "replicas: 5"),
    ("timeline.slow.factor", "timeline: [{ at: 5s, slow: { server: s, pods: 3, factor: «2|3» } }]", "", ""),
    ("timeline.slow.for", "timeline: [{ at: 5s, slow: { server: s, pods: 3, factor: 2, for: «2s|3s» } }]", "", ""),
    ("timeline.errors.server", "servers: [{ name: s, replicas: 2 }, { name: t, replicas: 2 }]\ntimeline: [{ at: 5s, errors: { server: «s|t» } }]", "", "replicas: 8"),
    ("timeline.errors.pods", "timeline: [{ at: 5s, errors: { server: s, pods: «1|2» } }]", "", "replicas: 8"),
    ("timeline.errors.share", "timeline: [{ at: 5s, errors: { server: s, share: «30%|100%» } }]", "", "replicas: 8"),
    ("timeline.errors.status", "timeline: [{ at: 5s, errors: { server: s, status: «UNAVAILABLE|INTERNAL|UNKNOWN|RESOURCE_EXHAUSTED» } }]", "", "replicas: 8"),
    ("timeline.errors.takes", "timeline: [{ at: 5s, errors: { server: s, takes: «1ms|100ms» } }]", "", "replicas: 8"),
    ("timeline.errors.for", "timeline: [{ at: 5s, errors: { server: s, for: «1s|2s» } }]", "", "replicas: 8"),
    ("timeline.black_hole.server", "servers: [{ name: s, replicas: 2 }, { name: t, replicas: 2 }]\ntimeline: [{ at: 5s, black_hole: { server: «s|t» } }]", "", "replicas: 8, deadline: 1s"),
    ("timeline.black_hole.pods", "timeline: [{ at: 5s, black_hole: { server: s, pods: «1|2» } }]", "", "replicas: 8, deadline: 1s"),
    ("timeline.black_hole.for", "timeline: [{ at: 5s, black_hole: { server: s, for: «1s|2s» } }]", "", "replicas: 8, deadline: 1s"),
    ("timeline.black_hole.unready_after", "timeline: [{ at: 5s, black_hole: { server: s, unready_after: «1s|2s» } }]", "", "replicas: 8, deadline: 1s"),
    ("timeline.unready.server", "servers: [{ name: s, replicas: 2 }, { name: t, replicas: 2 }]\ntimeline: [{ at: 5s, unready: { server: «s|t» } }]", "", "replicas: 8"),
    ("timeline.unready.pods", "timeline: [{ at: 5s, unready: { server: s, pods: «1|2» } }]", "", "replicas: 8"),
    ("timeline.unready.for", "timeline: [{ at: 5s, unready: { server: s, for: «1s|2s» } }]", "", "replicas: 8"),
    ("timeline.rate.client", "clients: [{ name: c, load: { open: { rate: 9 } } }, { name: d, load: { open: { rate: 9 } } }]\ntimeline: [{ at: 5s, rate: { client: «c|d», to: 50 } }]", "", ""),
    ("timeline.rate.to", "timeline: [{ at: 5s, rate: { client: c, to: «5|500» } }]", "", ""),
    ("timeline.rate.over", "timeline: [{ at: 5s, rate: { client: c, to: 500, over: «0s|5s» } }]", "", ""),
    ("law.constant", "", "service_time: { constant: «1ms|2ms» }", ""),
    ("law.uniform.min", "", "service_time: { uniform: { min: «1ms|2ms», max: 3ms } }", ""),
    ("law.uniform.max", "", "service_time: { uniform: { max: «1ms|2ms» } }", ""),
    ("law.exponential.mean", "", "service_time: { exponential: { mean: «1ms|2ms» } }", ""),
    ("law.exponential.min", "", "service_time: { exponential: { mean: 1ms, min: «0s|1ms» } }", ""),
    ("law.lognormal.mean", "", "service_time: { lognormal: { mean: «1ms|2ms», sigma: 1 } }", ""),
    ("law.lognormal.median", "", "service_time: { lognormal: { median: «1ms|2ms», sigma: 1 } }", ""),
    ("law.lognormal.sigma", "", "service_time: { lognormal: { median: 1ms, sigma: «1|2» } }", ""),
    ("law.lognormal.p50", "", "service_time: { lognormal: { p50: «1ms|2ms», p99: 5ms } }", ""),
    ("law.lognormal.p99", "", "service_time: { lognormal: { p50: 1ms, p99: «2ms|5ms» } }", ""),
    ("law.pareto.min", "", "service_time: { pareto: { min: «1ms|2ms», alpha: 2 } }", ""),
    ("law.pareto.alpha", "", "service_time: { pareto: { min: 1ms, alpha: «2|3» } }", ""),
    ("law.mixture.weight", "", "service_time: { mixture: [{ weight: «1|2», of: 1ms }, { weight: 1, of: 2ms }] }", ""),
    ("law.mixture.of", "", "service_time: { mixture: [{ weight: 1, of: «1ms|3ms» }, { weight: 1, of: 2ms }] }", ""),
    ("law.empirical", "", "service_time: { empirical: «one-law.csv|two-law.csv» }", ""),
];

/// What stands in a case's three texts replaces the usual keys or is added to them.
fn complete(top: &str, server: &str, client: &str, chosen: usize) -> String {
    let pick = |text: &str| match (text.split_once('«'), text.split_once('»')) {
        (Some((before, rest)), Some((_, after))) => {
            let values = rest.split_once('»').map_or("", |r| r.0);
            let chosen = values.split('|').nth(chosen).unwrap_or_default();
            format!("{before}{chosen}{}", after.replace(&format!("«{values}»"), chosen))
        }
        _ => text.to_owned(),
    };
    let (top, server, client) = (pick(top), pick(server), pick(client));
    let with = |text: &str, usual: &[(&str, &str)]| {
        let missing = usual.iter().filter(|(key, _)| !format!(" {text}").contains(&format!(" {key}:")));
        missing.map(|(key, value)| format!("{key}: {value}, ")).collect::<String>() + text
    };
    let server = with(&server, &[("name", "s"), ("replicas", "3")]);
    let client = with(&client, &[("name", "c"), ("load", "{ open: { rate: 100 } }")]);
    let mut text = top;
    let usual = [
        ("name", "a".to_owned()),
        ("duration", "20s".to_owned()),
        ("servers", format!("[{{ {server} }}]")),
        ("clients", format!("[{{ {client} }}]")),
    ];
    for (key, value) in usual {
        if !text.lines().any(|line| line.starts_with(&format!("{key}:"))) {
            text += &format!("\n{key}: {value}");
        }
    }
    text + "\n"
}

fn values(case: &Case) -> Vec<&'static str> {
    let marked = [case.1, case.2, case.3].into_iter().find_map(|t| t.split_once('«')).map_or("", |m| m.1);
    marked.split_once('»').map_or(Vec::new(), |m| m.0.split('|').collect())
}

/// What the run shows: its event digest, or the named output.
fn shows(text: &str, folder: &Path, output: Option<&str>) -> String {
    let loaded = scenario::parse("a.yaml", text, Some(folder), &[]).unwrap_or_else(|error| panic!("{text}{error}"));
    // What an option may do is to end the run.
    let outcome = match experiment::run(&loaded, loaded.model.seed, true, None) {
        Ok(outcome) => outcome,
        Err(ended) => return ended.to_string(),
    };
    match output {
        None => outcome.summary.digest,
        Some("windows") => format!("{:?}", outcome.windows.len()),
        Some("about") => loaded.model.about,
        Some("story") => format!("{:?}", loaded.model.story),
        Some(field) => serde_json::to_value(&outcome.summary).expect("a summary is JSON")[field].to_string(),
    }
}

#[test]
fn every_option_makes_a_difference() {
    let folder = TempDir::new().unwrap();
    for (name, text) in [
        ("one.csv", "time_s,rate\n0,10\n5,50\n"),
        ("two.csv", "time_s,rate\n0,10\n5,60\n"),
        ("one-law.csv", "1ms\n2ms\n"),
        ("two-law.csv", "1ms\n3ms\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut inert = Vec::new();
    for case in CASES {
        let output = case.0.split_once(" in ").map(|(_, output)| output);
        let values = values(case);
        assert!(values.len() >= 2, "{}: one value", case.0);
        let run = |i| shows(&complete(case.1, case.2, case.3, i), folder.path(), output);
        let shown: BTreeSet<String> = (0..values.len()).map(run).collect();
        if shown.len() < values.len() {
            inert.push(format!("{}: {values:?} show only {} different runs", case.0, shown.len()));
        }
    }
    assert!(inert.is_empty(), "{inert:#?}");
}

#[test]
fn every_option_of_the_schema_is_covered() {
    let schema = scenario_schema();
    let mut options = BTreeMap::new();
    gather(&schema, &schema["$defs"], "", &mut options);
    gather(&schema["$defs"]["NamedLaw"], &schema["$defs"], "law", &mut options);
    let mut covered: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in CASES {
        covered.entry(case.0.split(" in ").next().unwrap_or_default()).or_default().extend(values(case));
    }
    let must = options.iter().filter(|(_, o)| !o.container);
    let missing: Vec<&String> = must.clone().map(|o| o.0).filter(|k| !covered.contains_key(k.as_str())).collect();
    assert!(missing.is_empty(), "options without a case: {missing:#?}; add each to CASES in tests/no_inert_option.rs");
    let gone: Vec<&&str> = covered.keys().filter(|k| !options.contains_key(**k)).collect();
    assert!(gone.is_empty(), "cases of options that the schema does not have: {gone:#?}");
    for (key, option) in must {
        let left: Vec<&String> =
            option.choices.iter().filter(|c| !covered[key.as_str()].contains(&c.as_str())).collect();
        assert!(left.is_empty(), "{key}: no case has {left:?}; add it between « and » of the case");
    }
}

/// Settings of gateways that clients or servers have, too.
const SHARED: [&str; 8] = [
    "EnvoyCluster",
    "Policy",
    "DiscoveryFile",
    "OutlierDetection",
    "KeysFile",
    "Termination",
    "StrategyFile",
    "GrpcServer",
];

/// What the schema says of a key.
#[derive(Debug, Default)]
struct Key {
    /// Holds other keys, which are options themselves.
    container: bool,
    choices: Vec<String>,
}

/// Every key below `schema`, with its choices if it has some.
fn gather(schema: &Value, definitions: &Value, path: &str, options: &mut BTreeMap<String, Key>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        // Distributions stand in many places, and are gone through once; what gateways share with clients and servers, there.
        let shared = path.starts_with("gateways.") && SHARED.contains(&name);
        if !["Distribution", "NamedLaw"].contains(&name) && !shared {
            gather(&definitions[name], definitions, path, options);
        }
        return;
    }
    for (key, child) in schema["properties"].as_object().into_iter().flatten() {
        options.entry(path.to_owned()).or_default().container = true;
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        options.entry(path.clone()).or_default();
        gather(child, definitions, &path, options);
    }
    let words = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    for word in words.filter_map(Value::as_str) {
        options.entry(path.to_owned()).or_default().choices.push(word.to_owned());
    }
    gather_inside(&schema["items"], definitions, path, options);
    for choice in ["oneOf", "anyOf"].iter().filter_map(|k| schema[*k].as_array()).flatten() {
        gather_inside(choice, definitions, path, options);
    }
}

fn gather_inside(schema: &Value, definitions: &Value, path: &str, options: &mut BTreeMap<String, Key>) {
    if schema.is_object() {
        gather(schema, definitions, path, options);
    }
}
