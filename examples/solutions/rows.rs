//! The rows of the table, in the order of the page.

/// A solution.
pub struct Row {
    /// Its scenario in `scenarios/solutions/`.
    pub scenario: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What decides how it does.
    pub why: &'static str,
}

const fn row(scenario: &'static str, name: &'static str, why: &'static str) -> Row {
    Row { scenario, name, why }
}

pub const ROWS: &[Row] = &[
    row(
        "clusterip",
        "ClusterIP, pick_first",
        "kube-proxy draws one pod per connection, and established connections never move. New pods get nothing until something breaks.",
    ),
    row(
        "clusterip-age",
        "ClusterIP, MaxConnectionAge 1m",
        "each connection is drawn again once a minute. New pods get connections, and each new draw is as uneven as the one before.",
    ),
    row(
        "clusterip-pool",
        "ClusterIP, 5 channels, lifetime 1m",
        "there are five times as many draws, so the spread falls with the square root of their number. Each connection is still opened again once a minute.",
    ),
    row(
        "http1",
        "HTTP/1.1, a connection per request",
        "kube-proxy draws a pod for each request. Each request costs an additional handshake and round trip.",
    ),
    row(
        "headless",
        "headless, round_robin",
        "the load is even among the pods of the last DNS answer. Clients do not ask DNS again until a connection breaks, so they do not see a scale-up.",
    ),
    row(
        "headless-age",
        "headless, round_robin, MaxConnectionAge 1m",
        "a connection that ends makes its channel ask DNS, at most each 30 s.",
    ),
    row(
        "kuberesolver",
        "kuberesolver, round_robin",
        "endpoints are pushed. New pods are used as soon as they are Ready and known.",
    ),
    row("xds", "proxyless xDS, round_robin", "the same as kuberesolver, but later by the control plane's debounce."),
    row(
        "xds-weighted",
        "proxyless xDS, weighted_round_robin",
        "the pods are alike, and chance makes their load reports of one second unequal. The policy is made for pods that are not alike.",
    ),
    row(
        "envoy-headless",
        "Envoy sidecar, headless",
        "STRICT_DNS asks each 5 s, but CoreDNS answers from its cache for up to 30 s. Until Envoy knows, pods that are gone get their share, and these calls fail unless they are retried. With a preStop as long as the TTL, the poll interval and the endpoint lag together, no call is lost.",
    ),
    row(
        "envoy-clusterip",
        "Envoy sidecar, ClusterIP",
        "Envoy sees one address. kube-proxy decides once per connection, as it does without Envoy.",
    ),
    row(
        "istio",
        "Istio sidecar, LEAST_REQUEST",
        "endpoints are pushed. Each call goes to the less busy of two pods, as the client's own proxy counts them. A call that fails is tried again on another pod.",
    ),
    row("istio-round-robin", "Istio sidecar, ROUND_ROBIN", "endpoints are pushed, and calls go to them in rotation."),
    row(
        "istio-opaque",
        "Istio sidecar, port named tcp-",
        "the sidecar does not look into connections. Each connection gets one pod, as it does without the sidecar.",
    ),
    row(
        "istio-ambient",
        "Istio ambient, no waypoint",
        "ztunnel picks a pod per connection. For gRPC this is the same as kube-proxy.",
    ),
    row(
        "istio-waypoint",
        "Istio ambient, waypoint",
        "ztunnel hands the connection to an Envoy that picks a pod for each call. kube-proxy's draw now decides which waypoint does the work.",
    ),
    row(
        "envoy-gateway",
        "Envoy gateway, headless",
        "the same as the Envoy sidecar, with one more hop. All pods are used in turn, including dead ones until DNS has removed them.",
    ),
    row(
        "nginx-gateway",
        "NGINX gateway, headless",
        "all pods are used in turn. Calls to a pod that is gone go to the next one. During a rollout the first survivor in the list therefore carries all of them until DNS is asked again.",
    ),
    row(
        "haproxy-gateway",
        "HAProxy gateway, headless",
        "each call goes to the better of two pods, drawn from a ring that is too coarse to be even. Calls to a pod that is gone go to the next one.",
    ),
    row("linkerd", "Linkerd", "endpoints are pushed. Each call goes to the better of two pods by peak EWMA."),
];
