//! How many pods there are, and who decides it.

use super::discovery::for_ever;
use super::facts::{Caller, UNEVEN, direct, pods, unevenness};
use super::figures::{FAILED, IDLE_PODS, P99, PODS};
use super::placing::watching;
use super::probe::{kill, overload};
use super::{Found, Rule, Severity};
use crate::model::{Hpa, Model, Server};

/// Metrics, a sync of the autoscaler, the start of pods, and a while after that.
const LONG_ENOUGH: u64 = 150;

pub(super) static RULES: &[Rule] = &[
    Rule {
        code: "EK040",
        title: "an autoscaler that cannot see more load than its target",
        severity: Severity::Error,
        cause: "The autoscaler acts when utilization exceeds the target by more than its tolerance. A pod cannot use more than all of its CPU, \
                and if that is below target × (1 + tolerance), it never scales up.",
        cure: "A target that leaves room: 60 to 80 % of the request.",
        source: "kubernetes pkg/controller/podautoscaler (tolerance 0.1); docs, horizontal-pod-autoscale",
        example: "name: deaf\nduration: 3m\nservers: [{ name: api, replicas: 2, concurrency: 1, queue_limit: 50, hpa: { max_replicas: 10, target_cpu_utilization: 95% } }]\n\
                  clients: [{ name: web, replicas: 20, policy: round_robin, discovery: watch, load: { open: { rate: 800 } } }]\n",
        passes: &["servers.api.hpa.target_cpu_utilization=90%"],
        figures: &[PODS, FAILED, P99],
        find: deaf,
    },
    Rule {
        code: "EK041",
        title: "an autoscaler without room",
        severity: Severity::Note,
        cause: "With minReplicas equal to maxReplicas the autoscaler has nothing to decide.",
        cure: "A maximum above what the peak needs, or no autoscaler.",
        source: "kubernetes docs, horizontal-pod-autoscale",
        example: "name: fixed\nduration: 3m\nservers: [{ name: api, replicas: 2, concurrency: 1, queue_limit: 50, hpa: { min_replicas: 2, max_replicas: 2 } }]\n\
                  clients: [{ name: web, replicas: 20, policy: round_robin, discovery: watch, load: { open: { rate: 800 } } }]\n",
        passes: &["servers.api.hpa.max_replicas=3"],
        figures: &[PODS, FAILED, P99],
        find: fixed,
    },
    Rule {
        code: "EK042",
        title: "an autoscaler on the mean of a skewed fleet",
        severity: Severity::Warning,
        cause: "The autoscaler looks at the mean over pods. Pods that nobody calls pull it down: full pods beside idle ones are a mean that asks \
                for nothing, and pods that it adds get no calls.",
        cure: "Clients that balance and find new pods (EK001, EK002, EK008); the autoscaler then sees what there is.",
        source: "docs/blog.md, hpa-blind; kubernetes pkg/controller/podautoscaler",
        example: "name: blind\nduration: 3m\nservice: { type: Headless }\n\
                  servers: [{ name: api, replicas: 4, concurrency: 1, queue_limit: 50, hpa: { max_replicas: 10 } }]\n\
                  clients: [{ name: web, replicas: 20, policy: round_robin, load: { open: { rate: 1600 } } }]\n",
        passes: &["clients.web.discovery=watch"],
        figures: &[IDLE_PODS, FAILED, P99],
        find: blind,
    },
    Rule {
        code: "EK043",
        title: "a single pod",
        severity: Severity::Note,
        cause: "When it is killed, evicted or moved, there is none until it has started again.",
        cure: "Two pods or more, and a PodDisruptionBudget.",
        source: "kubernetes docs, disruptions",
        example: "name: single\nduration: 1m\nservers: [{ name: api, replicas: 1, startup: 10s }]\n\
                  clients: [{ name: web, replicas: 10, policy: round_robin, discovery: watch, load: { open: { rate: 100 } } }]\n",
        passes: &["servers.api.replicas=2"],
        figures: &[FAILED],
        find: single,
    },
];

/// Servers whose autoscaler is so.
fn scaled(model: &Model, is: impl Fn(&Hpa) -> bool) -> impl Iterator<Item = (&Server, &Hpa)> {
    model.servers.iter().filter_map(|s| Some((s, s.hpa.as_ref()?))).filter(move |(_, hpa)| is(hpa))
}

/// 20 % above the capacity from then on.
fn more(model: &Model) -> Vec<String> {
    // An overload that would end after 20 s is the scenario's own load then.
    overload(model, 1.2, 30).map_or_else(Vec::new, |mut sets| {
        sets.push(format!("duration={LONG_ENOUGH}s"));
        sets
    })
}

fn deaf(model: &Model) -> Vec<Found> {
    let most = |hpa: &Hpa| 100.0 * hpa.cpu_at_full_load;
    let acts_above = |hpa: &Hpa| f64::from(hpa.target_cpu_utilization) * (1.0 + hpa.tolerance);
    let found = |(s, hpa): (&Server, &Hpa)| {
        let at = format!("servers.{}.hpa.target_cpu_utilization", s.name);
        let room = (0.7 * most(hpa)).floor();
        Found {
            message: format!(
                "it acts above {:.1} % of the request, and a pod with all slots busy uses {:.0} %",
                acts_above(hpa),
                most(hpa)
            ),
            path: at.clone(),
            probe: more(model),
            fix: vec![format!("{at}={room:.0}%")],
        }
    };
    scaled(model, |hpa| most(hpa) <= acts_above(hpa) && hpa.max_replicas > hpa.min_replicas).map(found).collect()
}

fn fixed(model: &Model) -> Vec<Found> {
    let found = |(s, hpa): (&Server, &Hpa)| {
        let at = format!("servers.{}.hpa.max_replicas", s.name);
        Found {
            message: format!("from {0} to {0} pods", hpa.max_replicas),
            path: at.clone(),
            probe: more(model),
            fix: vec![format!("{at}={}", hpa.max_replicas.saturating_mul(2))],
        }
    };
    scaled(model, |hpa| hpa.min_replicas == hpa.max_replicas).map(found).collect()
}

fn blind(model: &Model) -> Vec<Found> {
    let skewed = |c: &Caller<'_>| {
        let placed = !model.connects_to_all(c.client) && unevenness(pods(model), c.connections()) > UNEVEN;
        let unaware = c.asks_dns() && !for_ever(model, c).is_empty();
        placed || unaware
    };
    let who: Vec<Caller<'_>> = direct(model).filter(skewed).collect();
    let names: Vec<&str> = who.iter().map(Caller::name).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let fix = watching(&who);
    let found = |(s, _): (&Server, &Hpa)| Found {
        path: format!("servers.{}.hpa", s.name),
        message: format!("what {} calls is uneven, or does not reach new pods", names.join(", ")),
        probe: more(model),
        fix: fix.clone(),
    };
    scaled(model, |hpa| hpa.max_replicas > hpa.min_replicas).map(found).collect()
}

fn single(model: &Model) -> Vec<Found> {
    let servers =
        if pods(model) == 1 { model.servers.iter().filter(|s| s.replicas == 1).collect() } else { Vec::new() };
    let gateways = model.gateways.iter().map(|g| &g.server).filter(|s| s.replicas == 1);
    let servers = servers.into_iter().map(|s: &Server| ("servers", s));
    let found = |(list, s): (&str, &Server)| {
        let grows = s.hpa.as_ref().is_some_and(|hpa| hpa.min_replicas > 1);
        (!grows).then(|| Found {
            path: format!("{list}.{}.replicas", s.name),
            message: format!("{} is one pod", s.name),
            probe: kill(model, &s.name, 1, 20),
            fix: vec![format!("{list}.{}.replicas=2", s.name)],
        })
    };
    servers.chain(gateways.map(|s| ("gateways", s))).filter_map(found).collect()
}
