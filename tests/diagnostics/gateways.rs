//! Gateways that cannot be as they are written.

use super::run;

/// A scenario with this gateway, this client and this at its top.
fn text(gateway: &str, client: &str, top: &str) -> String {
    format!(
        "name: a\nduration: 1m\n{top}\nservers: [{{ name: api, replicas: 3 }}]\ngateways: [{gateway}]\n\
         clients: [{{ name: web, {client}, load: {{ open: {{ rate: 100 }} }} }}]\n"
    )
}

#[test]
fn gateways() {
    let through = "via: { gateway: g }";
    let cases = [
        (text("«{ proxy: nginx }", "replicas: 1", ""), "E012", "needs the key `name`"),
        (text("«{ name: g }", "replicas: 1", ""), "E012", "a gateway needs the key `proxy`"),
        (text("{ name: «api, proxy: nginx }", "via: { gateway: api }", ""), "E015", "used twice"),
        (text("{ name: «g, proxy: nginx }", "replicas: 1", ""), "E018", "no client goes through the gateway `g`"),
        (text("{ name: g, proxy: nginx }, { name: h, proxy: nginx }", "via: { gateway: «i }", ""), "E016", "gateway"),
        (text("{ name: g, proxy: nginx, policy: «random }", through, ""), "E018", "set its `balance`"),
        (text("{ name: g, proxy: haproxy, outlier_detection: «{} }", through, ""), "E018", "which is not Envoy"),
        (
            text("{ name: g, proxy: envoy, policy: «peak_ewma }", through, "service: { type: Headless }"),
            "E019",
            "does not have this policy",
        ),
        (text("{ name: g, proxy: { envoy: «{ opaque: true } } }", through, ""), "E019", "is not modelled"),
        (text("{ name: g, proxy: { nginx: { workers: «0 } } }", through, ""), "E013", "at least 1"),
        (text("{ name: g, proxy: { haproxy: { weight: «257 } } }", through, ""), "E013", "the most is 256"),
        (
            text("{ name: g, proxy: nginx, grpc: { keepalive_enforcement: «{ min_time: 5s } } }", through, ""),
            "E018",
            "no proxy punishes pings",
        ),
        (text("{ name: g, proxy: nginx }", "discovery: «watch, via: { gateway: g }", ""), "E018", "through a gateway"),
        (text("{ name: g, proxy: nginx }", "protocol: http1, via: «{ gateway: g }", ""), "E018", "gRPC only"),
        (
            text("{ name: g, proxy: nginx }", through, "timeline: [{ at: 1s, slow: { server: «g, factor: 2 } }]"),
            "E018",
            "the pods of servers",
        ),
    ];
    cases.iter().for_each(|(text, code, says)| run(&[(text, code, says)]));
}
