//! The fields of routes, gateways and policies.

use super::table::Fate::{Each, Matters, NoBearing};
use super::table::{Fate, Row};

const WEIGHTS: Fate = Matters("weights between destinations are not modelled: all calls go to all pods of the Service");
const MATCHES: Fate = Matters("calls are not told apart by what they ask for, and all go to this Service");
const MIRRORS: Fate = Matters("mirrored calls are not modelled: they are more load where they go");

pub(super) const VIRTUAL_SERVICE: &[Row] = &[
    ("spec hosts", NoBearing),
    ("spec gateways", NoBearing),
    ("spec exportTo", NoBearing),
    ("spec http name", NoBearing),
    ("spec http match", MATCHES),
    ("spec http route", NoBearing),
    ("spec http route weight", WEIGHTS),
    ("spec http route destination subset", Matters("subsets are not modelled: calls go to all pods of the Service")),
    ("spec http timeout", Matters("it holds for calls through a gateway, or for some calls only, and is not taken")),
    ("spec http retries", Each("of retries only the `attempts` of sidecars are read")),
    ("spec http fault", Matters("injected delays and failures are not modelled")),
    ("spec http mirror", MIRRORS),
    ("spec http mirrors", MIRRORS),
    ("spec http mirrorPercent", MIRRORS),
    ("spec http mirrorPercentage", MIRRORS),
    ("spec http headers", NoBearing),
    ("spec http rewrite", NoBearing),
    ("spec http corsPolicy", NoBearing),
    ("spec http redirect", Matters("calls that are redirected or answered by the proxy reach the pods here")),
    ("spec http directResponse", Matters("calls that are redirected or answered by the proxy reach the pods here")),
    ("spec http delegate", Matters("the routes of another VirtualService are not followed")),
    ("spec tcp", Matters("routes of TCP are not modelled: calls go to all pods of the Service")),
    ("spec tls", Matters("routes of TLS are not modelled: calls go to all pods of the Service")),
];

/// Of the Gateway API.
pub(super) const ROUTE: &[Row] = &[
    ("spec parentRefs", NoBearing),
    ("spec hostnames", NoBearing),
    ("spec rules name", NoBearing),
    ("spec rules matches", MATCHES),
    ("spec rules backendRefs", NoBearing),
    ("spec rules backendRefs weight", WEIGHTS),
    ("spec rules filters", Each("this filter is not modelled")),
    (
        "spec rules timeouts",
        Each("how long a call may take at the gateway is not modelled: say `deadline: …` of the client"),
    ),
    ("spec rules retry", Each("retries of the gateway are not read: say `retries` of its proxy")),
    (
        "spec rules sessionPersistence",
        Matters("session persistence is not modelled: the calls of a session go to any pod"),
    ),
];

const NGINX_TIMES: Fate =
    Matters("NGINX ends a call that is quiet for so long (60 s unless said), and here it goes on");
const AFFINITY: Fate = Matters("affinity of the Ingress is not modelled: the calls of a client go to any pod");
const CANARY: Fate = Matters("a canary of the Ingress is not modelled: all calls go to all pods of the Service");
const LIMITS: Fate = Matters("limits of the Ingress are not modelled: it refuses no call");
const HAPROXY: Fate = Matters("HAProxy as an Ingress is not read: say `gateways` with the proxy haproxy");

pub(super) const INGRESS: &[Row] = &[
    ("spec ingressClassName", NoBearing),
    ("spec rules", NoBearing),
    ("spec tls", NoBearing),
    ("spec defaultBackend", NoBearing),
    (
        "metadata annotations nginx.ingress.kubernetes.io/load-balance",
        Matters("of ingress-nginx only round_robin is taken: the model has no EWMA for it"),
    ),
    (
        "metadata annotations nginx.ingress.kubernetes.io/upstream-hash-by",
        Matters("hashing of the Ingress is not modelled: calls of one key go to any pod"),
    ),
    ("metadata annotations nginx.ingress.kubernetes.io/affinity", AFFINITY),
    ("metadata annotations nginx.ingress.kubernetes.io/affinity-mode", AFFINITY),
    ("metadata annotations nginx.ingress.kubernetes.io/canary", CANARY),
    ("metadata annotations nginx.ingress.kubernetes.io/canary-weight", CANARY),
    ("metadata annotations nginx.ingress.kubernetes.io/canary-by-header", CANARY),
    ("metadata annotations nginx.ingress.kubernetes.io/canary-by-cookie", CANARY),
    ("metadata annotations nginx.ingress.kubernetes.io/limit-rps", LIMITS),
    ("metadata annotations nginx.ingress.kubernetes.io/limit-rpm", LIMITS),
    ("metadata annotations nginx.ingress.kubernetes.io/limit-connections", LIMITS),
    ("metadata annotations nginx.ingress.kubernetes.io/proxy-read-timeout", NGINX_TIMES),
    ("metadata annotations nginx.ingress.kubernetes.io/proxy-send-timeout", NGINX_TIMES),
    (
        "metadata annotations nginx.ingress.kubernetes.io/proxy-next-upstream",
        Matters("a call that found no connection goes to the other pods, and no other call does"),
    ),
    (
        "metadata annotations nginx.ingress.kubernetes.io/proxy-next-upstream-tries",
        Matters("a call that found no connection goes to all other pods, one after the other"),
    ),
    ("metadata annotations nginx.ingress.kubernetes.io/mirror-target", MIRRORS),
    (
        "metadata annotations nginx.ingress.kubernetes.io/server-snippet",
        Matters("a snippet can change anything, and is not read"),
    ),
    (
        "metadata annotations nginx.ingress.kubernetes.io/configuration-snippet",
        Matters("a snippet can change anything, and is not read"),
    ),
    ("metadata annotations haproxy.org/load-balance", HAPROXY),
    ("metadata annotations haproxy.org/server-proto", HAPROXY),
    ("metadata annotations haproxy.org/pod-maxconn", HAPROXY),
    ("metadata annotations haproxy-ingress.github.io/backend-protocol", HAPROXY),
    ("metadata annotations haproxy-ingress.github.io/balance-algorithm", HAPROXY),
    ("metadata annotations haproxy-ingress.github.io/affinity", HAPROXY),
];

/// Of a Gateway that a route of the Service is attached to: where it listens.
pub(super) const GATEWAY: &[Row] = &[("spec", NoBearing), ("metadata labels istio.io/waypoint-for", NoBearing)];

/// Objects all of whose fields have one fate.
pub(super) const POLICY: &[Row] = &[];

/// What such objects are about.
pub(super) const POLICIES: &[(&str, Fate)] = &[
    ("PodDisruptionBudget", Matters("evictions (a drained node) are not modelled, and only they look at it")),
    ("PeerAuthentication", Matters("a client without a sidecar is refused where mTLS is STRICT, and is served here")),
    ("AuthorizationPolicy", Matters("a call that the policy denies is not refused")),
    ("NetworkPolicy", Matters("a connection that a policy forbids is not refused")),
    ("BackendLBPolicy", Matters("session persistence is not modelled: the calls of a session go to any pod")),
    ("ServiceProfile", Matters("Linkerd's retries and timeouts by route are not modelled")),
];
