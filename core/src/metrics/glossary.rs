//! What the words mean: figures, policies and close reasons, each with its source. `evenkeel explain WORD` prints an entry.

use super::figures::FIGURES;
use crate::pick::Policy;

/// An entry of the glossary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The word, as it stands in a summary or a scenario.
    pub word: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Where the definition or the behaviour comes from.
    pub source: &'static str,
}

/// A list of entries. A word alone is that of a figure, whose entry is in its row ([`FIGURES`]).
macro_rules! entries {
    (@ $word:literal) => { of_figure($word) };
    (@ $word:literal, $meaning:literal, $source:literal) => {
        Entry { word: $word, meaning: $meaning, source: $source }
    };
    ($name:ident $($word:literal $(: $meaning:literal [$source:literal])?)*) => {
        const $name: &[Entry] = &[$(entries!(@ $word $(, $meaning, $source)?),)*];
    };
}

/// The entry in the row of a figure. A word that no row has does not compile: the search ends beyond the last row.
const fn of_figure(word: &str) -> Entry {
    let mut i = 0;
    loop {
        match FIGURES[i].entry {
            Some(entry) if same(entry.word.as_bytes(), word.as_bytes()) => return entry,
            _ => i += 1,
        }
    }
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

/// All entries: figures, then policies and settings, then close reasons. Pick policies say themselves what they do; those that only
/// a proxy has stand with the proxy.
pub fn entries() -> impl Iterator<Item = Entry> {
    let policies = Policy::KINDS.iter().filter(|kind| kind.proxy.is_none());
    let policies = policies.map(|kind| Entry { word: kind.name, meaning: kind.summary, source: kind.source });
    FIRST.iter().copied().chain(policies).chain(SETTINGS.iter().copied())
}

/// The entry for a word, in any case; a path such as `skew.cv` finds `cv`.
#[must_use]
pub fn find(word: &str) -> Option<Entry> {
    let last = word.rsplit('.').next().unwrap_or(word);
    let entry = |word: &str| entries().find(|e| e.word.eq_ignore_ascii_case(word));
    entry(word).or_else(|| entry(last))
}

entries! {
    FIRST
    "max_share"
    "max_over_mean"
    "phase": "A stretch of a run between two changes. A run is cut at what the timeline and autoscalers do, and at what that ends in: a rollout is \
        complete, new pods are Ready, a pod is as it should be again. A phase is settled if no pod starts and no rollout or ramp is under way in it. \
        Its figures are of the windows that lie whole inside it. In `expect`: `max_over_mean <= 1.2 after rollout`, `before rollout`, `during \
        rollout`, `phase 2`." ["definition"]
    "headline": "The figures of now: of the last settled phase in which the Ready pods received at least 20 requests each on average. In the table, \
        latencies, throughput and failures of that phase stand with them; those of the whole run come last and are called so. In `summary.json` and \
        `expect`, `latency_ms`, `throughput_rps` and `requests` are of the whole run, and those of a phase are in `phases`." ["definition"]
    "effective_pods"
    "usable_capacity"
    "cv"
    "gini"
    "jain"
    "idle_pods"
    "worst_window": "The window with the largest max_over_mean, among full windows with at least 20 requests per pod: what a \
        moment felt like, which an average over the run hides." ["definition"]
    "median_window": "Each skew figure's median over the windows with at least 20 requests per pod." ["definition"]
    "stray_share"
    "time_to_balance"
    "reconnects_per_s"
    "latency_ms": "From the application's call, before any queue, pick or connect, to the response; calls that succeeded only. \
        Quantiles have a relative error of at most 1 % and are never averaged: histograms are merged." ["definition"]
    "messages": "Messages of long-lived streams that a pod received after the warmup. Each takes one service time. Skew and \
        `time_to_balance` count them with the requests, and so does `share`." ["definition"]
    "throughput_rps"
    "p95"
    "p99"
    "errors"
    "error_ratio"
    "max_utilization"
    "retries": "Attempts that `clients[].retry` made after a failed one; each counts among the requests of the pod that gets it, while a \
        call counts once, however it ends. In `expect`: `requests.retries <= 100`." ["gRFC A6"]
    "throughput": "Calls that succeeded after the warmup, whenever they were made, per measured second. In `expect`: `throughput_rps >= 1000`." ["definition"]
    "utilization": "Part of a pod's slot-time that was used while it was Ready, from 0 to 1. Where the pod has `cpu`: its CPU time, as part of what its \
        limit allows, or its cores without a limit. A limit is a quota per 100 ms, which a burst may use at once: what a window would have above 1 \
        counts in the windows that follow, as in the periods that the quota is for. An HPA sees the CPU time as it is used." ["definition"]
    "throttled": "Part of the periods of a pod's CPU limit (100 ms) in which the limit stopped it, of those in which it had work. A pod whose mean is \
        far below its limit is throttled in bursts, and whoever comes then waits for the next period." ["Linux cpu.stat, nr_throttled / nr_periods; CPUThrottlingHigh"]
    "cures": "What would change the skew: up to five settings that apply to the scenario, each simulated over the seed and the calls of run 0. One \
        helps if the headline max_over_mean falls from 1.25 or more to less, or by half of what is above 1, and no more calls fail." ["docs/cures.md"]
    "digest": "A hash of the whole ordered stream of events: two runs with the same digest were the same run." ["docs/determinism.md"]
    "arrivals_digest": "A hash of what the clients asked for. Equal for two scenarios: their runs can be compared in pairs." ["docs/determinism.md"]
}

entries! {
    SETTINGS
    "outlier_detection": "Endpoints that fail more than others are left out for a while, but never more than max_ejection_percent \
        of them: in Envoy, 10 % of nine hosts is none." ["gRFC A50; Envoy outlier_detection"]
    "panic_threshold": "Envoy: while fewer than this percentage of the hosts are healthy (and fewer than 72 %), health is ignored and \
        calls go to all of them. Only what outlier_detection has left out is unhealthy. Istio turns it off." ["Envoy, panic threshold; istiod applyOutlierDetection"]
    "via": "What balances in the client's place: a proxy beside each replica (envoy, istio, linkerd or ambient), or a `gateway`, by its name, \
        which is a Deployment of its own. Each call takes `overhead` longer." ["docs/model.md"]
    "gateway": "A Deployment of proxies between clients and servers (envoy, istio, waypoint, nginx or haproxy), behind a ClusterIP Service of its \
        own: kube-proxy places its clients' connections on its pods, and each pod balances every call over the servers." ["docs/model.md"]
    "nginx": "As a gateway: `grpc_pass` has a connection to a server for each call under way; each worker process balances by itself, in turn \
        from the first server on, or by least_conn or random_two." ["ngx_http_grpc_module, ngx_http_upstream"]
    "haproxy": "As a gateway: one process for all calls, which takes the less busy of two servers drawn at random (since 3.3), or balances by \
        leastconn or roundrobin; a connection with calls on it takes more of the same client connection only." ["HAProxy doc/configuration.txt"]
    "waypoint": "Istio's ambient mode with an Envoy in front of the servers: what ztunnel hands to it is balanced by call." ["Istio, ambient mode"]
    "circuit_breakers": "Envoy: limits on calls under way and on calls that wait; beyond them the proxy fails calls at once with UNAVAILABLE; 1,024 each, \
        and none in Istio." ["Envoy circuit_breaker.proto"]
    "slow_start": "Envoy: a host that joins has a tenth of its weight at first, which grows to the whole over `window`. Pods of the start are \
        warm." ["Envoy, slow start"]
    "hpa": "A HorizontalPodAutoscaler on CPU utilization: it asks for as many pods as bring the mean to its target, and sees no pod by itself, \
        so that one may be overloaded while the mean is on target." ["Kubernetes autoscaling/v2"]
    "concurrency": "Of a server: requests that a pod serves at once; more wait, first in, first out. Of a closed load: workers, each with one \
        call under way." ["docs/model.md"]
    "service_time": "Time that a request takes in a slot of its pod, as a law; what it waits for a slot comes on top." ["docs/model.md"]
    "envoy": "An Envoy sidecar set up by hand: round_robin, and STRICT_DNS, which asks DNS each 5 s. It balances over a headless Service; \
        behind a ClusterIP it knows one address." ["Envoy, service discovery"]
    "istio": "Istio's sidecar: told of the pods behind a ClusterIP by its control plane, it takes the less busy of two for each call \
        (least_request), and tries failed ones twice more, elsewhere." ["Istio, traffic management"]
    "linkerd": "Linkerd's sidecar: told of the pods behind a ClusterIP, it takes the better of two for each call by peak_ewma." ["Linkerd 2, load balancing"]
    "ambient": "Istio without sidecars and without a waypoint: ztunnel picks a pod per connection, so that a gRPC channel stays on one \
        pod, as with kube-proxy." ["Istio, ambient mode"]
    "throttling": "Of `retry`: a bucket of tokens per channel. A failed attempt costs one, a success gives `token_ratio` back, and while no \
        more than half of them are left nothing is retried." ["gRFC A6"]
    "cpu": "What the requests in a pod's slots compute on: `cores` are shared equally, and a `limit` stops all of them for the rest of \
        each 100 ms in which it is used up. Without `cpu` each slot has a core." ["Linux CFS bandwidth control"]
    "methods": "Of a load: kinds of calls, each with a share of them, a `cost` (times the usual service time) and a deadline. The summary has \
        figures for each." ["docs/model.md"]
    "streams": "Calls that stay open, with messages on them. A stream stays on its pod until it ends or is cut, whatever the policy: \
        max_connection_age moves it only when max_connection_age_grace runs out." ["docs/model.md"]
    "ClusterIP": "One virtual IP. kube-proxy draws a pod uniformly for each new connection, from what the client's node knows \
        of the endpoints then; an established connection never moves." ["Kubernetes pkg/proxy/iptables, nf_conntrack"]
    "Headless": "No virtual IP: DNS answers with all ready pods. A channel asks again only when a connection breaks, and at \
        most every 30 s." ["CoreDNS plugin/kubernetes; grpc-go internal/resolver/dns"]
    "max_connection_age": "The server sends GOAWAY on a connection of this age, jittered by ±10 % once per connection: the \
        client dials again, which draws a new pod. It lets new pods in and averages skew over time; it does not equalise." ["gRFC A9"]
    "max_requests_per_connection": "The server sends GOAWAY with the n-th request that it receives on a connection. A connection lives for n / rate: busy ones move often, idle ones never, and there is no jitter." ["Envoy, http protocol options"]
    "max_connection_age_grace": "Time from the GOAWAY of max_connection_age to the forced close: calls that last longer fail with UNAVAILABLE. Infinite \
        by default, and then a long stream is never moved." ["gRFC A9"]
    "connection_lifetime": "A client-side limit on age: the client's pool replaces a connection of this age." ["client pools, e.g. a pool of ClientConns"]
    "endpoint_lag": "From a pod's change to the rules of a node. A pod that shuts down sooner than that still gets new \
        connections, and refuses them." ["Kubernetes EndpointSlice controller, kube-proxy minSyncPeriod"]
    "pre_stop": "How long a deleted pod goes on serving before SIGTERM. No call is lost if it lasts until no client is sent to the pod any \
        more: the endpoint lag; where DNS is polled, TTL + poll interval + endpoint lag." ["Kubernetes pod lifecycle"]
    "failures": "Calls that failed, by `reason`, by what made them fail (`by`: client, proxy, gateway, pod) and at whom. They add up to \
        `requests.failed`." ["docs/model.md, Failed calls"]
    "deadline": "Of a failed call: its deadline passed first, at the pod that it was at, or before it had one." ["gRPC doc/statuscodes.md"]
    "queue_full": "Of a failed call: the pod's queue (queue_limit) was full." ["RESOURCE_EXHAUSTED"]
    "answered_unavailable": "Of a failed call: the pod answered UNAVAILABLE (`errors` on the timeline)." ["gRPC doc/statuscodes.md"]
    "answered_internal": "Of a failed call: the pod answered INTERNAL (`errors` on the timeline)." ["gRPC doc/statuscodes.md"]
    "answered_unknown": "Of a failed call: the pod answered UNKNOWN (`errors` on the timeline)." ["gRPC doc/statuscodes.md"]
    "answered_resource_exhausted": "Of a failed call: the pod answered RESOURCE_EXHAUSTED (`errors` on the timeline)." ["gRPC doc/statuscodes.md"]
    "circuit_breaker": "Of a failed call: a circuit breaker of the proxy refused it. No pod has to do with that." ["Envoy circuit_breaker.proto"]
    "no_healthy_host": "Of a failed call: outlier_detection had ejected all hosts." ["Envoy outlier_detection"]
    "no_endpoint": "Of a failed call: the Service had no endpoint, or its name no address." ["kube-proxy REJECT; NXDOMAIN"]
    "dial_refused": "Of a failed call: nobody listened at the address that was dialled for it, or by its channel last." ["TCP RST"]
    "reset": "Of a failed call: the pod's process ended, and its connections were reset." ["SIGKILL"]
    "grace_over": "Of a failed call: the pod closed its connection at the end of max_connection_age_grace." ["gRFC A9"]
    "caller_stopped": "Of a failed call: the replica that made it stopped before it had a connection." ["rollout of the client"]
    "max_age": "Closed after GOAWAY for max_connection_age." ["gRFC A9"]
    "max_requests": "Closed after GOAWAY for max_requests_per_connection." ["Envoy, http protocol options"]
    "max_idle": "Closed after GOAWAY for max_connection_idle." ["gRFC A9"]
    "shutdown": "Closed after GOAWAY because the pod was terminating." ["grpc-go GracefulStop"]
    "killed": "Reset: the pod's process was killed." ["SIGKILL"]
    "address_removed": "Drained because the resolver no longer lists the address." ["grpc-go round_robin"]
    "client_lifetime": "Drained by the client's own limit on a connection's age." ["connection_lifetime"]
    "client_idle": "Closed by the client because nobody used it." ["HTTP keep-alive pools"]
    "client_stopped": "Closed because the client replica stopped." ["rollout of the client"]
    "refused": "Never connected: nobody listened, or the Service had no endpoint." ["TCP RST; kube-proxy REJECT"]
    "dial_timeout": "Never connected: nothing answered within connect_timeout, a keepalive timeout that holds for dials, or TCP's own \
        127 s." ["grpc-go minConnectTimeout; Linux tcp_syn_retries"]
    "tcp_timeout": "Closed by the client's kernel: nothing that was sent was acknowledged, however often it was sent again, for about \
        15 minutes. A keepalive finds that out sooner." ["Linux tcp_retries2"]
    "ejected": "Drained because the proxy's outlier_detection left the pod out." ["Envoy onHostHealthFailure"]
    "per_request": "HTTP/1.1 without keep-alive: closed after its request." ["RFC 9112"]
    "superseded": "A dial of pick_first that lost: after 250 ms without an answer the next address is dialled too, and the \
        first one that is READY ends the others." ["gRFC A61, Happy Eyeballs"]
    "keepalive_timeout": "Closed by the client: nothing was read for keepalive.timeout after a ping, or TCP_USER_TIMEOUT, \
        which is as long, ran out for data that nobody acknowledged." ["gRFC A8, A18"]
    "too_many_pings": "GOAWAY ENHANCE_YOUR_CALM of a server whose keepalive_enforcement forbids the client's keepalive. Open \
        calls fail, and the channel doubles its keepalive time." ["gRFC A8"]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::observation::{CloseReason, FailureReason};

    #[test]
    fn every_reason_is_explained_and_no_word_twice() {
        let reasons =
            CloseReason::ALL.map(CloseReason::name).into_iter().chain(FailureReason::ALL.map(FailureReason::name));
        for reason in reasons {
            assert!(find(reason).is_some(), "{reason}");
        }
        for entry in FIGURES.iter().filter_map(|figure| figure.entry) {
            assert!(find(entry.word).is_some(), "not in the list: {}", entry.word);
        }
        let words: std::collections::BTreeSet<_> = entries().map(|e| e.word).collect();
        assert_eq!(words.len(), entries().count());
    }

    #[test]
    fn what_a_scenario_names_is_explained() {
        for word in ["via.istio", "clients.0.retry.throttling", "cpu", "load.methods", "streams", "panic_threshold"]
            .into_iter()
            .chain([
                "nginx",
                "haproxy",
                "gateway",
                "hpa",
                "concurrency",
                "service_time",
                "circuit_breakers",
                "slow_start",
            ])
            .chain(["clusterip", "Headless", "ROUND_ROBIN", "Max_Over_Mean"])
        {
            assert!(find(word).is_some(), "{word}");
        }
    }

    #[test]
    fn a_path_finds_its_last_part() {
        assert_eq!(find("skew.max_over_mean").map(|e| e.word), Some("max_over_mean"));
        assert_eq!(find("latency_ms").map(|e| e.word), Some("latency_ms"));
        assert_eq!(find("nonsense"), None);
    }
}
