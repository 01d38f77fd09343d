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
        "one draw of a pod per connection, and established connections never move: new pods get nothing until something breaks.",
    ),
    row(
        "clusterip-age",
        "ClusterIP, MaxConnectionAge 1m",
        "each connection is drawn anew once a minute: new pods take part, and the draw is as uneven as before.",
    ),
    row(
        "clusterip-pool",
        "ClusterIP, 5 channels, lifetime 1m",
        "five times the draws, so the spread falls with the root of their number; each connection is still paid for once a minute.",
    ),
    row(
        "http1",
        "HTTP/1.1, a connection per request",
        "kube-proxy draws a pod for each request, and each pays for a handshake and a round trip more.",
    ),
    row(
        "headless",
        "headless, round_robin",
        "even among the pods of the last DNS answer; nobody asks again until a connection breaks, so that a scale-up is not seen.",
    ),
    row(
        "headless-age",
        "headless, round_robin, MaxConnectionAge 1m",
        "a connection that ends makes its channel ask DNS, at most each 30 s.",
    ),
    row(
        "kuberesolver",
        "kuberesolver, round_robin",
        "endpoints are pushed: new pods are used as soon as they are Ready and known.",
    ),
    row("xds", "proxyless xDS, round_robin", "the same, later by the control plane's debounce."),
    row(
        "xds-weighted",
        "proxyless xDS, weighted_round_robin",
        "the pods are alike, and chance makes their load reports of one second unequal: it is for pods that are not alike.",
    ),
    row(
        "envoy-headless",
        "Envoy sidecar, headless",
        "STRICT_DNS asks each 5 s, but CoreDNS answers from its cache for up to 30 s; until Envoy knows, pods that are gone get their share, and these calls fail unless they are retried; a preStop as long as the TTL, the poll interval and the endpoint lag together loses none.",
    ),
    row(
        "envoy-clusterip",
        "Envoy sidecar, ClusterIP",
        "one address: kube-proxy decides once per connection, as without Envoy.",
    ),
    row(
        "istio",
        "Istio sidecar, LEAST_REQUEST",
        "pushed endpoints, and the less busy of two for each call, as its own proxy counts them; what fails is tried again elsewhere.",
    ),
    row("istio-round-robin", "Istio sidecar, ROUND_ROBIN", "pushed endpoints in rotation."),
    row(
        "istio-opaque",
        "Istio sidecar, port named tcp-",
        "the sidecar does not look into connections: a pod per connection, as without it.",
    ),
    row(
        "istio-ambient",
        "Istio ambient, no waypoint",
        "ztunnel picks a pod per connection: for gRPC the same as kube-proxy.",
    ),
    row(
        "istio-waypoint",
        "Istio ambient, waypoint",
        "ztunnel hands the connection to an Envoy that picks a pod for each call; kube-proxy's draw now decides which waypoint works.",
    ),
    row(
        "envoy-gateway",
        "Envoy gateway, headless",
        "as the sidecar: all pods in turn, dead ones among them until DNS has forgotten them, and one hop more.",
    ),
    row(
        "nginx-gateway",
        "NGINX gateway, headless",
        "all pods in turn; calls to a pod that is gone go to the next one, so that during a rollout the first survivor in the list carries all of them until DNS is asked again.",
    ),
    row(
        "haproxy-gateway",
        "HAProxy gateway, headless",
        "the better of two drawn from a ring that is too coarse to be even; calls to a pod that is gone go to the next one.",
    ),
    row("linkerd", "Linkerd", "pushed endpoints, and the better of two by peak EWMA for each call."),
];
