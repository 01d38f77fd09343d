//! Every value in force, as text with its path and where it comes from. The same rows are what `explain SCENARIO` shows and
//! what the hash of a scenario is made of, so that neither can forget a value: the model is taken apart field by field.

mod balancing;
mod client;
mod gateway;
mod stack;

use std::fmt;

use super::yaml::tree::Node;
use crate::model::defaults::ASSUMPTIONS;
use crate::model::stack::Stack;
use crate::model::text::{digest, optional};
use crate::model::{
    Action, BlackHole, Changes, Client, Cluster, Comparison, DnsCache, Enforcement, Errors, Expectation, GrpcServer,
    Model, PhaseOf, Pods, Protocol, RateChange, Scale, Server, ServiceType, SigTerm, Slow, StrikeRule, Unready, What,
    When,
};
use crate::settings::{Group, Own, Settings, Words};
use crate::units::Span;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The scenario says it.
    Yours,
    /// The client's `stack` gives it.
    Stack(Stack),
    /// The default of the real systems.
    Default,
    /// A default that no real system gives.
    Assumption,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Yours => f.pad("yours"),
            Origin::Stack(stack) => f.pad(&format!("stack {}", stack.name())),
            Origin::Default => f.pad("default"),
            Origin::Assumption => f.pad("assumption"),
        }
    }
}

/// A value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveValue {
    /// Its path as `--set` takes it, e.g. `servers.grpc-server.replicas`.
    pub path: String,
    /// The value.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// What stands in a tree and is an assumption all the same, since an import has put it there.
#[derive(Clone, Copy, Default)]
pub(super) struct Assumed<'a> {
    /// Paths; all that is below them is assumed, too.
    pub paths: &'a [String],
    /// How many sources the import has; what stands in a later one is an override.
    pub sources: usize,
}

/// All values in force, in the order of the file's description. `written` is the file after all overrides.
pub(super) fn values(model: &Model, written: &Node, assumed: Assumed<'_>) -> Vec<EffectiveValue> {
    let mut rows = Rows { written, assumed, rows: Vec::new() };
    let Model {
        name,
        about,
        // What is said of a scenario is no value in force.
        story: _,
        seed,
        duration,
        warmup,
        window,
        max_calls_in_flight,
        cluster,
        service,
        session_affinity,
        servers,
        clients,
        gateways,
        timeline,
        expect,
    } = model;
    let top = Scope::default();
    rows.put(&top, "name", name.clone());
    rows.put(&top, "about", about.clone());
    rows.put(&top, "seed", seed.to_string());
    rows.put(&top, "duration", duration.map_or("until all calls are done".into(), |d| d.to_string()));
    rows.put(&top, "warmup", warmup.to_string());
    rows.put(&top, "window", window.map_or("1/300 of the run".into(), |w| w.to_string()));
    rows.put(&top, "max_calls_in_flight", max_calls_in_flight.to_string());
    cluster_values(&mut rows, &top.key("cluster"), cluster, *service);
    rows.put(&top.key("service"), "type", service.word().into());
    if let Some(affinity) = session_affinity {
        rows.settings(&top.key("service").key("session_affinity"), affinity, |_| true);
    }
    let pings = |c: &Client| matches!(&c.protocol, Protocol::Grpc(grpc) if grpc.keepalive.is_some());
    let somebody_pings = clients.iter().any(pings);
    let only_http1 = clients.iter().all(|c| matches!(c.protocol, Protocol::Http1(_)));
    for (i, server) in servers.iter().enumerate() {
        let at = top.key("servers").item(i, &server.name);
        server_values(&mut rows, &at, server, only_http1);
        if somebody_pings {
            stack::stack(&mut rows, &at, Some(Stack::Go));
            enforcement_values(
                &mut rows,
                &at.key("grpc").key("keepalive_enforcement"),
                &server.grpc.keepalive_enforcement,
            );
        }
    }
    for (i, client) in clients.iter().enumerate() {
        let through = client.gateway.map(|i| model.gateways[i].server.name.as_str());
        let service = if through.is_some() { ServiceType::ClusterIp } else { *service };
        client::client_values(&mut rows, &top.key("clients").item(i, &client.name), client, (service, through));
    }
    for (i, gateway) in gateways.iter().enumerate() {
        let at = top.key("gateways").item(i, &gateway.server.name);
        gateway::gateway_values(&mut rows, &at, gateway, *service);
    }
    for (i, action) in timeline.iter().enumerate() {
        rows.yours(format!("timeline.{i}"), action_text(action, model));
    }
    for (i, expectation) in expect.iter().enumerate() {
        rows.yours(format!("expect.{i}"), expectation_text(expectation));
    }
    rows.rows
}

/// The hash of what a scenario means. Its name, its text, its seed and the bound on its memory do not change what is simulated, and
/// are left out; so is the name of a stack, which stands for plain settings.
pub(super) fn hash(values: &[EffectiveValue]) -> String {
    let mut canonical = String::new();
    for EffectiveValue { path, value, origin: _ } in values {
        // A client's stack is its settings; a server's has none beside it.
        let preset = path.starts_with("clients.") && path.ends_with(".stack");
        if !["name", "about", "seed", "max_calls_in_flight"].contains(&path.as_str()) && !preset {
            canonical.push_str(&format!("{path}={value}\n"));
        }
    }
    digest(canonical.as_bytes())
}

/// A place in the file: as it is shown (items by name), and as it is looked up (items by number).
#[derive(Clone, Default)]
struct Scope {
    shown: String,
    steps: Vec<String>,
}

impl Scope {
    fn key(&self, key: &str) -> Scope {
        self.step(key, key.to_owned())
    }

    fn item(&self, index: usize, name: &str) -> Scope {
        self.step(name, index.to_string())
    }

    fn step(&self, shown: &str, step: String) -> Scope {
        let shown = if self.shown.is_empty() { shown.to_owned() } else { format!("{}.{shown}", self.shown) };
        let steps = self.steps.iter().cloned().chain([step]).collect();
        Scope { shown, steps }
    }
}

struct Rows<'a> {
    written: &'a Node,
    assumed: Assumed<'a>,
    rows: Vec<EffectiveValue>,
}

impl Rows<'_> {
    fn put(&mut self, scope: &Scope, key: &str, value: String) {
        self.put_default(scope, key, value, false);
    }

    /// The same; `assumed` says that the declaration of the key calls its default an assumption.
    fn put_default(&mut self, scope: &Scope, key: &str, value: String, assumed: bool) {
        let Scope { shown, steps } = scope.key(key);
        let origin = if self.is_written(&steps) {
            self.origin(&steps)
        } else if let Some(origin) = stack::origin(self.written, &steps) {
            origin
        } else if assumed || is_assumption(&steps) {
            Origin::Assumption
        } else {
            Origin::Default
        };
        self.rows.push(EffectiveValue { path: shown, value, origin });
    }

    /// The keys of declared settings, those that `shown` names.
    fn settings<S: Settings>(&mut self, at: &Scope, settings: &S, shown: impl Fn(&str) -> bool) {
        self.several(at, settings.rows(), S::GROUP, shown);
    }

    /// The same of rows of a group.
    fn several(&mut self, at: &Scope, rows: Vec<(String, String)>, group: &Group, shown: impl Fn(&str) -> bool) {
        for (path, value) in rows.into_iter().filter(|(path, _)| shown(path)) {
            let assumed = group.assumes(&path);
            let (groups, key) = path.rsplit_once('.').unwrap_or(("", &path));
            let at = groups.split('.').filter(|group| !group.is_empty()).fold(at.clone(), |at, group| at.key(group));
            self.put_default(&at, key, value, assumed);
        }
    }

    /// The rows of a value that has a reader of its own.
    fn own(&mut self, at: &Scope, value: &impl Own) {
        for (key, text) in value.rows() {
            self.put(at, &key, text);
        }
    }

    fn yours(&mut self, path: String, value: String) {
        let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
        let origin = self.origin(&steps);
        self.rows.push(EffectiveValue { path, value, origin });
    }

    /// Of what is written: the user's, or an import's.
    fn origin(&self, steps: &[String]) -> Origin {
        let leads = |assumed: &String| {
            let mut steps = steps.iter();
            assumed.split('.').all(|step| steps.next().is_some_and(|own| own == step))
        };
        if !self.assumed.paths.iter().any(leads) {
            return Origin::Yours;
        }
        let node = steps.iter().try_fold(self.written, |node, step| node.child(step));
        let overridden = node.is_some_and(|node| node.place.source as usize >= self.assumed.sources);
        if overridden { Origin::Yours } else { Origin::Assumption }
    }

    fn is_written(&self, steps: &[String]) -> bool {
        self.written.has(&steps.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn is_assumption(steps: &[String]) -> bool {
    let place = match steps {
        [first, last] => (first.as_str(), last.as_str()),
        [first, _, last] | [first, _, _, last] => (first.as_str(), last.as_str()),
        [_, _, via, _, last] => (via.as_str(), last.as_str()),
        _ => return false,
    };
    ASSUMPTIONS.contains(&place)
}

fn cluster_values(rows: &mut Rows<'_>, at: &Scope, cluster: &Cluster, service: ServiceType) {
    rows.settings(at, cluster, |path| match path {
        "dns.ttl" => service == ServiceType::Headless && cluster.dns.cache != DnsCache::None,
        "dns.cache" => service == ServiceType::Headless,
        "dns.loadbalance" => service == ServiceType::Headless && !cluster.dns.loadbalance,
        _ => true,
    });
}

fn server_values(rows: &mut Rows<'_>, at: &Scope, server: &Server, only_http1: bool) {
    let behaves = server.hpa.as_ref().is_some_and(|hpa| hpa.behavior.is_some());
    rows.settings(at, server, |path| match path.split_once('.') {
        Some(("termination", "sigterm")) => server.termination.sigterm != SigTerm::GracefulStop,
        Some(("grpc", key)) => !only_http1 && of_connections(&server.grpc, key),
        Some(("hpa", "downscale_stabilization")) => !behaves,
        Some(("hpa", "cpu_at_full_load")) => server.cpu_over_request().is_none(),
        Some(("cpu", "share")) => server.cpu.is_some_and(|cpu| cpu.share < 1.0),
        Some(("cpu", "request")) => server.cpu.is_some_and(|cpu| cpu.request.is_some()),
        _ => path != "name",
    });
}

/// Which settings of a gRPC server are shown. Enforcement is shown with those who ping.
fn of_connections(grpc: &GrpcServer, key: &str) -> bool {
    match key {
        "max_connection_age_grace" => grpc.max_connection_age.is_some(),
        _ => !key.starts_with("keepalive_enforcement"),
    }
}

fn enforcement_values(rows: &mut Rows<'_>, at: &Scope, enforcement: &Enforcement) {
    let (punishes, core) = (enforcement.most_strikes().is_some(), enforcement.rule == StrikeRule::Core);
    rows.settings(at, enforcement, |key| if key == "max_ping_strikes" { core || !punishes } else { punishes });
}

fn action_text(Action { at, what }: &Action, model: &Model) -> String {
    let server = |i: &usize| model.deployment(*i).name.as_str();
    let of = |Pods { server: i, pods }: &Pods| format!("{pods} of {}", server(i));
    let client = |i: &usize| model.clients.get(*i).map_or("", |c| c.name.as_str());
    let what = match what {
        What::RolloutServer(i) => format!("rollout {}", server(i)),
        What::RolloutClient(i) => format!("rollout {}", client(i)),
        What::Scale(Scale { server: i, replicas }) => format!("scale {} to {replicas}", server(i)),
        What::Kill(pods) => format!("kill {}", of(pods)),
        What::Delete(pods) => format!("delete {}", of(pods)),
        What::Slow(Slow { of: pods, factor, lasts }) => {
            let lasts = lasts.map_or(String::new(), |lasts| format!(" for {lasts}"));
            format!("slow {} by {factor}{lasts}", of(pods))
        }
        What::Errors(Errors { of: pods, share, status, takes, lasts }) => {
            let takes = takes.map_or(String::new(), |takes| format!(" after {takes}"));
            let lasts = lasts.map_or(String::new(), |lasts| format!(" for {lasts}"));
            format!("errors of {}: {} of {share} of the calls{takes}{lasts}", of(pods), status.word())
        }
        What::BlackHole(BlackHole { of: pods, lasts, unready_after }) => {
            let (lasts, unready) = (optional(*lasts, "the rest"), optional(*unready_after, "never"));
            format!("black hole of {} for {lasts}, unready after: {unready}", of(pods))
        }
        What::Unready(Unready { of: pods, lasts }) => {
            format!("{} unready for {}", of(pods), optional(*lasts, "the rest"))
        }
        What::Rate(RateChange { client: i, to, over: Span(0) }) => format!("rate of {} to {to}", client(i)),
        What::Rate(RateChange { client: i, to, over }) => format!("rate of {} to {to} over {over}", client(i)),
    };
    format!("{at}: {what}")
}

fn expectation_text(expectation: &Expectation) -> String {
    let Expectation { text: _, path, when, op, value } = expectation;
    let op = match op {
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::AtLeast => ">=",
        Comparison::Greater => ">",
    };
    let when = match when {
        When::WholeRun | When::Longer(_) => String::new(),
        When::After(time) => format!(" after {time}"),
        When::EveryWindow => " in every window".to_owned(),
        When::Within(Changes { span, word }) => format!(" within {span} of {}", word.unwrap_or("change")),
        When::For(Changes { span, word }) => format!(" for {span} after {}", word.unwrap_or("change")),
        When::Phase(PhaseOf::Number(number)) => format!(" phase {number}"),
        When::Phase(PhaseOf::Change(lies, word)) => format!(" {} {}", lies.word(), word.unwrap_or("change")),
    };
    format!("{} {op} {value}{when}", path.join("."))
}
