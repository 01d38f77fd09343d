//! Which cures are worth a simulation for a scenario, in which order.

use super::list::{self, AGE, Cure, GRACE, cures};
use crate::metrics::cures::About;
use crate::model::{
    Client, Discovery, Gateway, Http1Client, Model, PoolOrder, Protocol, Sidecar, SidecarKind, SigTerm, What, defaults,
};
use crate::units::Span;

/// How long connections live with the cures that end them: [`AGE`].
const LIFETIME: Span = Span::from_secs(60);
/// How many times the connections of a pool.
const MORE_CONNECTIONS: u32 = 4;
/// More fixes of its own mistakes than this would crowd the others out.
const MOST_FIXES: usize = 2;
/// Of calls that fail, the scenario's own mistakes are the first suspects.
const MOST_FIXES_OF_FAILURES: usize = 3;

/// What the choice depends on.
pub(super) struct Facts<'a> {
    model: &'a Model,
    /// Pods come and go: what clients know must be renewed.
    changes: bool,
    /// There is a rollout: how pods are replaced matters.
    rollout: bool,
    /// The run is so long that an age of [`LIFETIME`] shows in it.
    ages: bool,
}

impl Facts<'_> {
    pub(super) fn of(model: &Model, end_s: f64) -> Facts<'_> {
        let changes = model.timeline.iter().any(|action| action.what.moves_connections())
            || model.servers.iter().any(|server| server.hpa.is_some());
        let rollout = model.timeline.iter().any(|action| matches!(action.what, What::RolloutServer(_)));
        Facts { model, changes, rollout, ages: end_s >= 2.0 * LIFETIME.as_secs_f64() }
    }

    /// All who connect to the servers.
    fn callers(&self) -> impl Iterator<Item = &Client> {
        let direct = self.model.clients.iter().filter(|c| c.gateway.is_none());
        direct.chain(self.model.gateways.iter().map(|g| &g.client))
    }

    /// Somebody's calls go where a connection is, or to pods that are looked up when a connection ends: an age deals them again.
    fn ends_of_connections_matter(&self) -> bool {
        let matter = |client: &Client| match &client.protocol {
            Protocol::Grpc(grpc) => !self.model.connects_to_all(client) || grpc.discovery == Discovery::Dns,
            Protocol::Http1(_) => false,
        };
        let sooner = |age: Option<Span>| age.is_none_or(|age| age > LIFETIME);
        self.model.servers.iter().any(|s| sooner(s.grpc.max_connection_age)) && self.callers().any(matter)
    }

    /// Some client's channels have one connection each, which decides where all calls go.
    fn channels_matter(&self) -> bool {
        let grpc = |client: &Client| matches!(client.protocol, Protocol::Grpc(_));
        self.model.clients.iter().any(|c| c.gateway.is_none() && grpc(c) && !self.model.connects_to_all(c))
    }
}

/// The order in which cures are tried, after those for pods that fail calls. For failed calls: fixes of the scenario's own mistakes, xDS, a mesh. For skew: headless round_robin
/// (with an age, if pods come and go), fixes of the scenario's own mistakes, an age, more channels, xDS, a mesh; then what there is for
/// HTTP/1.1 and for gateways.
pub(super) fn candidates(facts: &Facts<'_>, about: About, fixes: Vec<Cure>) -> Vec<Cure> {
    let usual = cures(facts.model);
    let take = |name: &str, applies: bool| usual.iter().find(|cure| applies && cure.name == name).cloned();
    let can_act = |fix: &Cure| facts.rollout || !sets_strategy(fix);
    if about == About::FailedCalls {
        let others = [list::XDS, list::ISTIO, list::LINKERD].into_iter().filter_map(|name| take(name, true));
        let fixes = fixes.into_iter().filter(can_act).take(MOST_FIXES_OF_FAILURES);
        return failures(facts).into_iter().chain(fixes).chain(others).collect();
    }
    let aged = facts.changes && facts.ages;
    let ends = facts.ages && facts.ends_of_connections_matter();
    let before = [take(list::NO_AFFINITY, true), take(list::HEADLESS_AGED, aged), take(list::HEADLESS, !aged)];
    let after = [
        take(list::AGED, ends),
        take(list::CHANNELS, facts.channels_matter()),
        take(list::XDS, true),
        take(list::ISTIO, true),
        take(list::LINKERD, true),
    ];
    let mut all: Vec<Cure> = before.into_iter().flatten().collect();
    all.extend(failures(facts));
    all.extend(fixes.into_iter().filter(can_act).take(MOST_FIXES));
    all.extend(after.into_iter().flatten());
    all.extend(pools(facts));
    all.extend(gateways(facts));
    all
}

/// Cures for pods that fail calls: those that answer errors, and those that exit with what is under way.
fn failures(facts: &Facts<'_>) -> Vec<Cure> {
    let model = facts.model;
    let errors = model.timeline.iter().any(|action| matches!(action.what, What::Errors(_)));
    // What a client says of its proxy is not taken away.
    let plain = |via: &Sidecar| {
        let balances = via.kind == SidecarKind::Linkerd && via.workers.is_some() && via.accrual.is_none();
        balances && via.overhead == defaults::overhead()
    };
    let accrues = model.clients.iter().filter(|c| errors && c.via.as_ref().is_some_and(plain));
    let accrues = accrues.map(|c| format!("clients.{}.via={{ linkerd: {{ failure_accrual: {{}} }} }}", c.name));
    let abrupt = model.servers.iter().filter(|s| facts.changes && s.termination.sigterm != SigTerm::GracefulStop);
    let graceful = abrupt.map(|s| format!("servers.{}.termination.sigterm=graceful_stop", s.name));
    let all = [("failure accrual", accrues.collect()), ("graceful stop", graceful.collect())];
    let cure = |(name, sets): (&str, Vec<String>)| Cure { name: name.to_owned(), sets };
    all.map(cure).into_iter().filter(|cure| !cure.sets.is_empty()).collect()
}

/// It changes how a rollout replaces pods.
fn sets_strategy(fix: &Cure) -> bool {
    fix.sets.iter().any(|set| set.split('=').next().is_some_and(|path| path.ends_with(".strategy")))
}

/// Cures for clients that speak HTTP/1.1.
fn pools(facts: &Facts<'_>) -> Vec<Cure> {
    let http1 = |client: &Client| match client.protocol {
        Protocol::Http1(http1) => Some(http1),
        Protocol::Grpc(_) => None,
    };
    let each = |name: &str, what: &dyn Fn(&Client, Http1Client) -> Vec<String>| {
        let clients = facts.model.clients.iter().filter_map(|c| Some((c, http1(c)?)));
        let of = |(c, http1): (&Client, Http1Client)| -> Vec<String> {
            what(c, http1).into_iter().map(|set| format!("clients.{}.{set}", c.name)).collect()
        };
        Cure { name: name.to_owned(), sets: clients.flat_map(of).collect() }
    };
    let if_so = |so: bool, set: &str| if so { vec![set.to_owned()] } else { Vec::new() };
    let in_turn = |_: &Client, http1: Http1Client| {
        if_so(http1.keep_alive.is_some_and(|k| k.order == PoolOrder::Lifo), "http1.keep_alive.order=fifo")
    };
    let lifetime = |client: &Client, http1: Http1Client| {
        let longer = client.connection_lifetime.is_none_or(|lifetime| lifetime.max > LIFETIME);
        if_so(facts.ages && longer && http1.keep_alive.is_some(), &format!("connection_lifetime={{ max: {AGE} }}"))
    };
    let larger = |_: &Client, http1: Http1Client| match (http1.keep_alive, http1.max_connections) {
        (Some(_), Some(most)) => vec![format!("http1.max_connections={}", most.saturating_mul(MORE_CONNECTIONS))],
        _ => Vec::new(),
    };
    let per_request = |client: &Client, http1: Http1Client| {
        let mut sets = if_so(http1.keep_alive.is_some(), "http1=null");
        sets.extend(if_so(!sets.is_empty() && client.connection_lifetime.is_some(), "connection_lifetime=null"));
        sets
    };
    let all = [
        each("pool in turn (fifo)", &in_turn),
        each("lifetime 1m", &lifetime),
        each("pool × 4", &larger),
        each("a connection per request", &per_request),
    ];
    all.into_iter().filter(|cure| !cure.sets.is_empty()).collect()
}

/// Cures for gateways, which balance each call in one of several ways, and an age for what they connect to.
fn gateways(facts: &Facts<'_>) -> Vec<Cure> {
    let each = |name: &str, set: &dyn Fn(&Gateway) -> Option<&'static str>| {
        let of = |gateway: &Gateway| Some(format!("gateways.{}.{}", gateway.server.name, set(gateway)?));
        Cure { name: name.to_owned(), sets: facts.model.gateways.iter().filter_map(of).collect() }
    };
    let kind = |gateway: &Gateway| gateway.client.via.as_ref().map(|via| via.kind);
    let least = each("gateway: fewest calls", &|gateway| match kind(gateway)? {
        SidecarKind::Nginx => Some("proxy.nginx.balance=least_conn"),
        SidecarKind::Haproxy => Some("proxy.haproxy.balance=leastconn"),
        _ => Some("policy=least_request"),
    });
    let in_turn = each("gateway: in turn", &|gateway| match kind(gateway)? {
        SidecarKind::Nginx => Some("proxy.nginx.balance=round_robin"),
        SidecarKind::Haproxy => Some("proxy.haproxy.balance=roundrobin"),
        _ => Some("policy=round_robin"),
    });
    let alone = facts.model.clients.iter().all(|c| c.gateway.is_some());
    let age = Cure {
        name: list::AGED.to_owned(),
        sets: if alone && facts.ages && facts.ends_of_connections_matter() {
            list::ages(facts.model, AGE, GRACE)
        } else {
            Vec::new()
        },
    };
    [least, in_turn, age].into_iter().filter(|cure| !cure.sets.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::document::Document;

    fn chosen(text: &str, fixes: Vec<Cure>) -> Vec<String> {
        let text = format!("name: a\nduration: 10m\n{text}");
        let model =
            Document::embedded("a", &text, &[]).load(&[]).unwrap_or_else(|wrong| panic!("{wrong}\n{text}")).model;
        candidates(&Facts::of(&model, 600.0), About::Skew, fixes).into_iter().map(|cure| cure.name).collect()
    }

    const PODS: &str = "servers: [{ name: s, replicas: 5 }]\n";
    const LOAD: &str = "load: { open: { rate: 10 } }";
    const ROLLOUT: &str = "timeline: [{ at: 1m, rollout: s }]\n";

    #[test]
    fn the_order_is_that_of_the_documentation() {
        let text = format!("{PODS}clients: [{{ name: c, {LOAD} }}]\n");
        let all = ["headless, round_robin", "age 1m", "channels × 4", "xDS, round_robin", "istio", "linkerd"];
        assert_eq!(chosen(&text, Vec::new()), all);
        // Pods that come and go are found because connections end.
        assert_eq!(chosen(&format!("{text}{ROLLOUT}"), Vec::new())[0], "headless, round_robin, age 1m");
        let fix = |name: &str, set: &str| Cure { name: name.to_owned(), sets: vec![set.to_owned()] };
        let fixes =
            || vec![fix("EK018", "servers.s.strategy={ max_surge: 100% }"), fix("EK029", "a=1"), fix("x", "b=1")];
        assert_eq!(chosen(&format!("{text}{ROLLOUT}"), fixes())[1..3], ["EK018", "EK029"]);
        assert_eq!(chosen(&text, fixes())[1..3], ["EK029", "x"], "nothing is rolled out");
    }

    /// What is Linkerd's already is not made so, with another proxy's settings lost.
    #[test]
    fn pods_that_fail_calls_have_cures_of_their_own() {
        let errors = "timeline: [{ at: 1m, errors: { server: s } }]\n";
        let via = |via: &str, timeline: &str| {
            chosen(&format!("{PODS}clients: [{{ name: c, {LOAD}, via: {via} }}]\n{timeline}"), Vec::new())
        };
        let all = via("linkerd", errors);
        assert!(all.contains(&"failure accrual".to_owned()) && !all.contains(&"linkerd".to_owned()), "{all:?}");
        assert!(!via("linkerd", "").contains(&"failure accrual".to_owned()), "no pod fails calls");
        assert!(!via("{ linkerd: { failure_accrual: {} } }", errors).contains(&"failure accrual".to_owned()));
        let exits = "servers: [{ name: s, replicas: 5, termination: { sigterm: exit } }]\n";
        let all = chosen(&format!("{exits}clients: [{{ name: c, {LOAD} }}]\n{ROLLOUT}"), Vec::new());
        assert!(all.contains(&"graceful stop".to_owned()), "{all:?}");
    }

    #[test]
    fn what_cannot_act_is_not_tried() {
        let of = |client: &str| chosen(&format!("{PODS}clients: [{{ name: c, {LOAD}, {client} }}]\n"), Vec::new());
        let watch = of("policy: round_robin, discovery: watch");
        assert!(!watch.contains(&"age 1m".to_owned()) && !watch.contains(&"channels × 4".to_owned()), "{watch:?}");
        let young = format!(
            "servers: [{{ name: s, replicas: 5, grpc: {{ max_connection_age: 30s }} }}]\nclients: [{{ name: c, {LOAD} }}]\n"
        );
        assert!(!chosen(&young, Vec::new()).contains(&"age 1m".to_owned()), "connections end sooner already");
        let model =
            Document::embedded("a", &format!("name: a\nduration: 1m\n{PODS}clients: [{{ name: c, {LOAD} }}]\n"), &[]);
        let short = candidates(&Facts::of(&model.load(&[]).unwrap().model, 60.0), About::Skew, Vec::new());
        assert!(short.iter().all(|cure| !cure.name.contains("age")), "nothing ages in a minute: {short:?}");
    }

    #[test]
    fn pools_and_gateways_have_cures_of_their_own() {
        let http1 = |settings: &str| {
            chosen(
                &format!("{PODS}clients: [{{ name: c, protocol: http1, http1: {{ {settings} }}, {LOAD} }}]\n"),
                Vec::new(),
            )
        };
        assert_eq!(http1(""), Vec::<String>::new(), "a connection per request is even");
        assert_eq!(http1("keep_alive: {}"), ["pool in turn (fifo)", "lifetime 1m", "a connection per request"]);
        let fifo = http1("keep_alive: { order: fifo }, max_connections: 5");
        assert_eq!(fifo, ["lifetime 1m", "pool × 4", "a connection per request"]);
        let gateway = |proxy: &str| {
            let text = format!(
                "{PODS}gateways: [{{ name: g, replicas: 2, proxy: {proxy} }}]\nclients: [{{ name: c, via: {{ gateway: g }}, {LOAD} }}]\n"
            );
            let loaded = Document::embedded("a", &format!("name: a\nduration: 10m\n{text}"), &[]).load(&[]).unwrap();
            candidates(&Facts::of(&loaded.model, 600.0), About::Skew, Vec::new())
        };
        for (proxy, least) in [
            ("envoy", "gateways.g.policy=least_request"),
            ("nginx", "gateways.g.proxy.nginx.balance=least_conn"),
            ("haproxy", "gateways.g.proxy.haproxy.balance=leastconn"),
        ] {
            let cures = gateway(proxy);
            let names: Vec<&str> = cures.iter().map(|cure| cure.name.as_str()).collect();
            assert_eq!(names, ["gateway: fewest calls", "gateway: in turn", "age 1m"], "{proxy}");
            assert_eq!(cures[0].sets, [least]);
        }
    }
}
