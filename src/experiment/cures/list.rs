//! What could be done about skew, as `--set`s; and the load that needs no cure.

use crate::model::{Client, Model, Protocol, SidecarKind};

/// A candidate: its name and its `--set`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cure {
    /// In a few words.
    pub name: String,
    /// What it changes.
    pub sets: Vec<String>,
}

impl Cure {
    fn new(name: impl Into<String>, sets: &[&[String]]) -> Cure {
        Cure { name: name.into(), sets: sets.concat() }
    }
}

/// How many times the channels of a client.
const MORE_CHANNELS: u32 = 4;
pub(super) const AGE: &str = "1m";
pub(super) const GRACE: &str = "10s";

const FORGETS: &str = "service.session_affinity=null";

/// Names of the cures, by which some of them are chosen.
pub(super) const NO_AFFINITY: &str = "no session affinity";
pub(super) const CHANNELS: &str = "channels × 4";
pub(super) const AGED: &str = "age 1m";
pub(super) const HEADLESS: &str = "headless, round_robin";
pub(super) const HEADLESS_AGED: &str = "headless, round_robin, age 1m";
pub(super) const XDS: &str = "xDS, round_robin";
pub(super) const ISTIO: &str = "istio";
pub(super) const LINKERD: &str = "linkerd";

/// The usual cures for clients that speak gRPC to the servers themselves; the scenario as it is comes first.
#[must_use]
pub fn cures(model: &Model) -> Vec<Cure> {
    let speaks_grpc = |c: &&Client| c.gateway.is_none() && matches!(c.protocol, Protocol::Grpc(_));
    let clients: Vec<&Client> = model.clients.iter().filter(speaks_grpc).collect();
    let mut all = vec![Cure::new("as it is", &[])];
    if clients.is_empty() {
        return all;
    }
    let each = |what: &dyn Fn(&Client) -> Vec<String>| -> Vec<String> {
        let of = |c: &&Client| what(c).into_iter().map(|set| format!("clients.{}.{set}", c.name)).collect::<Vec<_>>();
        clients.iter().flat_map(of).collect()
    };
    // Whoever has a proxy balances in it; these balance themselves.
    let alone = |c: &Client, sets: &[&str]| -> Vec<String> {
        let proxy = c.via.is_some().then_some("via=null");
        proxy.into_iter().chain(keys(c)).chain(sets.iter().copied()).map(str::to_owned).collect()
    };
    let channels = each(&|c| vec![format!("channels={}", c.channels.saturating_mul(MORE_CHANNELS))]);
    let age: Vec<String> = ages(model, AGE, GRACE);
    let forgets = || model.session_affinity.map(|_| FORGETS.to_owned());
    let service = |kind: &str| {
        let forgets = forgets().filter(|_| kind == "Headless");
        forgets.into_iter().chain([format!("service.type={kind}")]).collect::<Vec<_>>()
    };
    let round_robin = each(&|c| alone(c, &["discovery=dns", "policy=round_robin"]));
    let xds = each(&|c| alone(c, &["discovery={ watch: { debounce: 100ms } }", "policy=round_robin"]));
    // The channel's pings would end at the proxy.
    let pings = |c: &Client| matches!(&c.protocol, Protocol::Grpc(grpc) if grpc.keepalive.is_some());
    let mesh = |kind: &str| {
        each(&|c| {
            let mut sets = vec!["discovery=null".to_owned(), "policy=null".to_owned(), format!("via={kind}")];
            sets.extend(keys(c).map(str::to_owned));
            sets.extend(pings(c).then(|| "keepalive=null".to_owned()));
            sets
        })
    };
    if let Some(forgets) = forgets() {
        all.push(Cure::new(NO_AFFINITY, &[&[forgets]]));
    }
    all.push(Cure::new(CHANNELS, &[&channels]));
    all.push(Cure::new(AGED, &[&age]));
    all.push(Cure::new(format!("{CHANNELS}, {AGED}"), &[&channels, &age]));
    all.push(Cure::new(HEADLESS, &[&service("Headless"), &round_robin]));
    all.push(Cure::new(HEADLESS_AGED, &[&service("Headless"), &round_robin, &age]));
    all.push(Cure::new(XDS, &[&xds]));
    all.push(Cure::new(ISTIO, &[&service("ClusterIP"), &mesh("istio")]));
    let has_linkerd = |c: &&Client| c.via.as_ref().is_some_and(|via| via.kind == SidecarKind::Linkerd);
    if clients.iter().all(has_linkerd) {
        return all;
    }
    all.push(Cure::new(LINKERD, &[&service("ClusterIP"), &mesh("linkerd")]));
    all
}

/// Takes away the keys that only a policy which hashes them has.
fn keys(client: &Client) -> Option<&'static str> {
    matches!(&client.protocol, Protocol::Grpc(grpc) if grpc.policy.hashes()).then_some("keys=null")
}

pub(super) fn ages(model: &Model, age: &str, grace: &str) -> Vec<String> {
    let of = |name: &String| {
        [("max_connection_age", age), ("max_connection_age_grace", grace)]
            .map(|(key, value)| format!("servers.{name}.grpc.{key}={value}"))
    };
    model.servers.iter().map(|s| &s.name).flat_map(of).collect()
}

/// Even load: each call goes to a pod of its own, drawn uniformly from all that are Ready at that instant, whatever connections there
/// are. That is `random` over a connection to each pod, with a watch of the endpoints and no lag; no proxy, gateway or subset, and no
/// limits of connections.
#[must_use]
pub fn even_load(model: &Model) -> Cure {
    let mut sets: Vec<String> = vec!["cluster.endpoint_lag=0s".into()];
    if !model.gateways.is_empty() {
        sets.push("gateways=null".into());
    }
    for client in &model.clients {
        let name = &client.name;
        let mut set = |text: &str| sets.push(format!("clients.{name}.{text}"));
        match &client.protocol {
            Protocol::Http1(_) => ["protocol=grpc", "http1=null"].into_iter().for_each(&mut set),
            Protocol::Grpc(grpc) => {
                let limits = [
                    ("subset=null", grpc.subset.is_some()),
                    ("outlier_detection=null", grpc.outlier_detection.is_some()),
                    ("keys=null", grpc.policy.hashes()),
                ];
                limits.iter().filter(|(_, there)| *there).for_each(|(text, _)| set(text));
            }
        }
        if client.via.is_some() || client.gateway.is_some() {
            set("via=null");
        }
        if client.connection_lifetime.is_some() {
            set("connection_lifetime=null");
        }
        // Few stacks have the policy, and the baseline is the same for all.
        ["stack=null", "channels=1", "discovery={ watch: {} }", "policy=random"].into_iter().for_each(set);
    }
    for server in &model.servers {
        let grpc = &server.grpc;
        let limits = [
            ("max_connection_age", grpc.max_connection_age.is_some()),
            ("max_connection_age_grace", grpc.max_connection_age_grace.is_some()),
            ("max_connection_idle", grpc.max_connection_idle.is_some()),
            ("max_requests_per_connection", grpc.max_requests_per_connection.is_some()),
            ("max_concurrent_streams", grpc.max_concurrent_streams.is_some()),
        ];
        let there = limits.iter().filter(|(_, there)| *there);
        sets.extend(there.map(|(key, _)| format!("servers.{}.grpc.{key}=null", server.name)));
    }
    Cure { name: "even load".into(), sets }
}
